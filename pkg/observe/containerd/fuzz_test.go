package containerd

import (
	"path"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/observe"
)

func FuzzSpec(f *testing.F) {
	f.Add([]byte(plainSpec), true)
	f.Add([]byte(`{"root":{"readonly":true},"mounts":[{"destination":"../..//","type":"bind","source":"/pods/x/volumes/kubernetes.io~empty-dir/y"}]}`), true)
	f.Add([]byte(`{"root":{},"mounts":[{"destination":"","options":["rw",null]}],"linux":{"uidMappings":[{"size":4294967295}]}}`), false)
	f.Add([]byte(`{"process":{"user":{"uid":4294967295},"capabilities":{"bounding":["CAP_","SYS_ADMIN"]}},"root":{}}`), false)
	f.Fuzz(func(t *testing.T, b []byte, pod bool) {
		s, err := parseSpec(b)
		if err != nil {
			if image.CauseOf(err) != fact.Unsupported {
				t.Fatalf("error %v with the cause %q", err, image.CauseOf(err))
			}
			return
		}
		spec := observe.Spec{Settings: s.settings(pod)}
		spec.Key() // panics on what has no JSON form
		last := ""
		for _, m := range spec.Settings.Mounts {
			if p := string(m.Path); !path.IsAbs(p) || path.Clean(p) != p || p < last || m.Kind == "" {
				t.Fatalf("mount %+v after %q", m, last)
			}
			last = string(m.Path)
		}
		over := newMounted(s.Mounts)
		if over.covers("/") {
			t.Fatal("the root is left out")
		}
		for p := range over.over {
			if !over.covers(fact.Bytes(p)) || !over.covers(fact.Bytes(p+"/below")) {
				t.Fatalf("%q is not left out", p)
			}
		}
		if over.made(observe.Written{Path: "/x", Entry: observe.Entry{Type: "file", Size: 1, Mode: 0o755}}) {
			t.Fatal("a file with content is left out")
		}
	})
}

func FuzzMounts(f *testing.F) {
	f.Add("overlay", "overlay", "index=off\nworkdir=/w\nupperdir=/u/fs\nlowerdir=/a:/b", "sha256:x", true)
	f.Add("bind", "/u/fs", "rw\nrbind", "", true)
	f.Add("bind", "/u/../../fs", "ro", "", false)
	f.Add("fuse3.fuse-overlayfs", "x", "upperdir={{ mount 0 }}/upper", "p", true)
	f.Add("overlay", "", "upperdir=/a\nupperdir=/b", "p", true)
	f.Fuzz(func(t *testing.T, kind, source, options, parent string, active bool) {
		m := containerdclient.Mount{Type: kind, Source: source, Options: strings.Split(options, "\n")}
		upper, _, err := upperOf([]containerdclient.Mount{m}, containerdclient.Snapshot{Parent: parent, Active: active})
		switch {
		case err != nil || upper == "" && !active:
		case !path.IsAbs(upper) || path.Clean(upper) != upper || upper == "/":
			t.Fatalf("upper directory %q", upper)
		case upper != source && !strings.Contains(options, "upperdir="+upper):
			t.Fatalf("upper directory %q is of no option", upper)
		case kind == "bind" && parent != "":
			t.Fatal("a copy of the image counts as written")
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(podRecord{namespace: "shop", pod: "cart", name: "app", config: "sha256:x"}.json(f))
	f.Add([]byte(`{"Version":"v1","Metadata":{"Config":{"mounts":[{"image":null},{"image":{"image":"x"}}]}}}`))
	f.Add([]byte(`{"Version":"v1","Metadata":{"Config":{"metadata":{"attempt":-1}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := podOf(&containerdclient.Container{ID: "c", Extensions: map[string][]byte{extensionContainer: b}})
		if err != nil {
			if image.CauseOf(err) != fact.Unsupported {
				t.Fatalf("error %v with the cause %q", err, image.CauseOf(err))
			}
			return
		}
		if p.name == "" || p.container == "" {
			t.Fatalf("a container without a name: %+v", p)
		}
		for _, v := range p.volumes {
			if v.image == "" {
				t.Fatalf("a volume of no image: %+v", v)
			}
		}
	})
}

func FuzzInfo(f *testing.F) {
	f.Add(`{"sandboxID":"x","pid":1,"privileged":true,"runtimeSpec":` + plainSpec + `}`)
	f.Add(`{"runtimeSpec":null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, info string) {
		if _, err := parseInfo(info); err != nil && image.CauseOf(err) != fact.Unsupported {
			t.Fatalf("error %v with the cause %q", err, image.CauseOf(err))
		}
	})
}
