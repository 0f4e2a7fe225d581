package compose_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/fact"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"compose.yaml": {Data: []byte(`services:
  a:
    image: a:1
    read_only: true
    user: 1000:1000
    privileged: ${P:-true}
    pull_policy: always
    cap_add: [NET_ADMIN, CAP_CHOWN]
    group_add: [5, video]
    security_opt: ["no-new-privileges:true"]
    userns_mode: host
    tmpfs: /tmp
    volumes:
      - data:/data
      - ./src:/src:ro
      - {type: bind, source: /etc, target: /host, read_only: true}
      - {type: volume, source: v, target: /v, volume: {subpath: s}}
  b: {image: 'b:1'}
`)},
		"compose.override.yaml": {Data: []byte(`services:
  a:
    read_only: false
    cap_add: !override [SYS_TIME]
    user: !reset null
    volumes: ["other:/data/"]
    tmpfs: ["/run:ro,size=1m"]
`)},
	}
	r, err := compose.Extractor{}.Extract(fsys, "compose.yaml")
	if err != nil || len(r.Found) != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	want := &fact.Settings{
		Runtime: "docker", PullPolicy: "Always", Privileged: true, MayEscalate: fact.No, HostUsers: fact.Yes,
		Capabilities: []string{"SYS_TIME"}, Groups: []int64{5},
		Mounts: []fact.Mount{
			{Path: "/data", Kind: "volume", Source: "other"},
			{Path: "/host", Kind: "bind", Source: "/etc", ReadOnly: true},
			{Path: "/run", Kind: "tmpfs", ReadOnly: true},
			{Path: "/src", Kind: "bind", Source: "src", ReadOnly: true},
			{Path: "/tmp", Kind: "tmpfs"},
			{Path: "/v", Kind: "volume", Source: "v", SubPath: "s"},
		},
	}
	if d := cmp.Diff(want, r.Found[0].Settings); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&fact.Settings{Runtime: "docker"}, r.Found[1].Settings); d != "" {
		t.Error(d)
	}
	// The folder of the tree's root has a name that the tree does not say.
	if d := cmp.Diff(extract.Workload{Kind: "compose service", Name: "a"}, r.Found[0].Workload); d != "" {
		t.Error(d)
	}
}

// Compose calls a project after its folder, at the root of the tree as well.
func TestTheProjectOfARootHasItsFoldersName(t *testing.T) {
	t.Parallel()
	const text = "services: {cart: {image: 'a:1'}}\n"
	for _, tt := range []struct{ path, env, text, want string }{
		{"compose.yaml", "", text, "my-shop_2/cart"},
		{"compose.yaml", "", "name: other\n" + text, "other/cart"},
		{"compose.yaml", "COMPOSE_PROJECT_NAME=third\n", text, "third/cart"},
		{"sub/compose.yaml", "", text, "sub/cart"},
	} {
		fsys := fstest.MapFS{tt.path: {Data: []byte(tt.text)}, ".env": {Data: []byte(tt.env)}}
		r, err := compose.Extractor{Root: "My-Shop_2."}.Extract(fsys, tt.path)
		if err != nil || len(r.Found) != 1 || r.Found[0].Workload.Name != tt.want {
			t.Errorf("%s: %+v, %v; want %s", tt.path, r.Found, err, tt.want)
		}
	}
}
