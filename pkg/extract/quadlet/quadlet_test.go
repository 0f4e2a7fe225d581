package quadlet_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/quadlet"
	"github.com/intact-dev/intact/pkg/fact"
)

func describe(files map[string]string, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d:%d %s %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Origin.Path, f.Raw)
		if f.Workload.Name != "" {
			s += " of " + f.Workload.Name
		}
		if f.Role == fact.RoleVolume {
			s += " as files"
		}
		if p := f.Platform.String(); p != "" {
			s += " on " + p
		}
		if f.Site != nil {
			s += fmt.Sprintf(" [%s %s %s]", f.Site.Style, f.Site.File, files[f.Site.File][f.Site.Start:f.Site.End])
		}
		for _, o := range f.Related {
			s += fmt.Sprintf(" +%s:%d%s", o.Where, o.Line, strings.TrimPrefix(o.Path, "Container"))
		}
		if f.Unresolved != "" {
			s += " ! " + f.Unresolved
		}
		if f.Built {
			s += " (built)"
		}
		for _, i := range f.Ignored {
			s += fmt.Sprintf(" ignore %s: %s", i.Check, i.Reason)
		}
		out = append(out, s)
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s:%d:%d problem: %s: %s", p.Origin.Where, p.Origin.Line, p.Origin.Column, p.Cause, p.Why))
	}
	if len(r.Claims) > 0 {
		out = append(out, "claims "+strings.Join(r.Claims, " "))
	}
	return out
}

func TestExtract(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file  string
		files map[string]string
		want  []string
	}{
		"a container": {
			"u/web.container", map[string]string{"u/web.container": "[Unit]\nDescription=x\n[Container]\n# intact:ignore REF001 why\nImage = quay.io/a/b:1\nAutoUpdate=registry\nMount=type=image,source=files:2,destination=/x\nMount=type=bind,source=/a,destination=/b\nPodmanArgs=--platform linux/arm64 \"--mount=type=image,src=more:3,target=/y\"\n"},
			[]string{
				"u/web.container:5:9 Container.Image quay.io/a/b:1 of systemd-web on linux/arm64 [reference u/web.container quay.io/a/b:1] +u/web.container:6.AutoUpdate ignore REF001: why",
				"u/web.container:7:25 Container.Mount.source files:2 of systemd-web as files [reference u/web.container files:2]",
				"u/web.container:9:59 Container.Mount.source more:3 of systemd-web as files [reference u/web.container more:3]",
			},
		},
		"the last one counts, and an empty one takes away": {
			"web.container", map[string]string{"web.container": "[Container]\nContainerName=me\nImage=a:1\nImage=b:1\nMount=type=image,source=x,dst=/x\nMount=\n"},
			[]string{"web.container:4:7 Container.Image b:1 of me [reference web.container b:1]"},
		},
		"drop-ins": {
			"u/web-a.container", map[string]string{
				"u/web-a.container":             "[Container]\nImage=a:1\n",
				"u/web-a.container.d/20-x.conf": "[Container]\nImage=a:3\n",
				"u/web-a.container.d/10-x.conf": "[Container]\nImage=a:2\n",
				"u/web-.container.d/10-x.conf":  "[Container]\nImage=a:9\n",
				"u/container.d/10-y.conf":       "[Container]\nContainerName=all\n",
				"u/web-a.container.d/readme":    "x",
			},
			[]string{
				"u/web-a.container.d/20-x.conf:2:7 Container.Image a:3 of all [reference u/web-a.container.d/20-x.conf a:3]",
				"claims u/web-a.container.d/10-x.conf u/web-a.container.d/20-x.conf",
			},
		},
		"a drop-in alone": {
			"u/web.container.d/x.conf", map[string]string{"u/web.container.d/x.conf": "[Container]\nImage=web.image\n", "u/web.image": "[Image]\nImage=a:1\nArch=arm64\n"},
			[]string{"u/web.image:2:7 Container.Image a:1 on linux/arm64 [reference u/web.image a:1] +u/web.container.d/x.conf:2"},
		},
		"the image of a build": {
			"web.container", map[string]string{"web.container": "[Container]\nImage=app.build\n", "app.build": "[Build]\nImageTag=localhost/app:1\n"},
			[]string{"app.build:2:10 Container.Image localhost/app:1 of systemd-web +web.container:2 ! built here: it names what the build makes (built)"},
		},
		"an image that is not there": {
			"web.container", map[string]string{"web.container": "[Container]\nImage=app.image\n"},
			[]string{
				"web.container:2:7 Container.Image app.image of systemd-web ! the unit app.image is not known",
				`web.container:2:7 problem: not-found: read "app.image": file does not exist`,
			},
		},
		"what is known when it starts": {
			"web@.container", map[string]string{"web@.container": "[Container]\nContainerName=%p-%i\nImage=a:%i\n"},
			[]string{"web@.container:3:7 Container.Image a:%i ! specifier %i is known when the unit starts"},
		},
		"variables and percent signs": {
			"a.image", map[string]string{"a.image": "[Image]\r\nImage=\"docker://a:${V}%%\"\r\n"},
			[]string{"a.image:2:17 Image.Image a:${V}% ! the variable is known when the unit starts"},
		},
		"a transport": {
			"a.image", map[string]string{"a.image": "[Image]\nImage=docker://a:1\n"},
			[]string{"a.image:2:16 Image.Image a:1 [reference a.image a:1]"},
		},
		"a volume": {
			"a.volume", map[string]string{"a.volume": "[Volume]\nDriver=image\nImage=a.image\n", "a.image": "[Image]\nImage=a:1\n"},
			[]string{"a.image:2:7 Volume.Image a:1 as files [reference a.image a:1] +a.volume:3"},
		},
		"a pod": {
			"a.pod", map[string]string{"a.pod": "[Pod]\nPodmanArgs=--infra-image=pause:1 --x\n"},
			[]string{"a.pod:2:26 Pod.PodmanArgs.infra-image pause:1 [reference a.pod pause:1]"},
		},
		"objects of Kubernetes": {
			"a.kube", map[string]string{"a.kube": "[Kube]\nYaml=a.yml\nYaml=b.yml\nYaml=/c.yml\nYaml=%i.yml\n", "a.yml": ""},
			[]string{
				`a.kube:3:6 problem: not-found: the objects in "b.yml" are not read: it is not there`,
				`a.kube:4:6 problem: blocked: the objects there are not read: "/c.yml" is a path of one machine, not of the tree`,
				`a.kube:5:6 problem: unsupported: the objects in "%i.yml" are not known: specifier %i is known when the unit starts`,
			},
		},
		"a build": {
			"u/a.build", map[string]string{
				"u/a.build":         "[Build]\nImageTag=x\nSetWorkingDirectory=../app\nFile=Containerfile\nBuildArg=A=a:1 B=%i\nPodmanArgs=--build-arg=C=3\n",
				"app/Containerfile": "ARG A B C\nFROM $A\nFROM $B\nFROM c:$C\n",
			},
			[]string{
				"u/a.build:5:12 stages[0].from a:1 [reference u/a.build a:1] +app/Containerfile:2",
				"u/a.build:5:18 stages[1].from %i +app/Containerfile:3 ! specifier %i is known when the unit starts",
				"app/Containerfile:4:6 stages[2].from c:3 [tag u/a.build 3] +u/a.build:6",
				"claims app/Containerfile",
			},
		},
		"a build of its own folder": {
			"u/a.build", map[string]string{"u/a.build": "[Build]\nSetWorkingDirectory=unit\n", "u/Containerfile": "FROM a:1\n"},
			[]string{"u/Containerfile:1:6 stages[0].from a:1 [reference u/Containerfile a:1]", "claims u/Containerfile"},
		},
		"lines that go on, and lines that are none": {
			"a.container", map[string]string{"a.container": "Image=no\n[Container]\nImage=\\\n# why\n  a:1\n; x\nwhat\n[Open\nPodmanArgs=\\"},
			[]string{
				"a.container:5:3 Container.Image a:1 of systemd-a [reference a.container a:1]",
				"a.container:1:1 problem: unsupported: a key before the first section",
				"a.container:7:1 problem: unsupported: neither a section nor a key with a value",
				"a.container:8:1 problem: unsupported: a section without its ]",
			},
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{}
			for name, text := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			r, err := quadlet.Extractor{}.Extract(fsys, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, describe(tt.files, r)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	text := "[Container]\nImage=a\nReadOnly=true\nUser=1000\nGroup=5\nPull=always\nNoNewPrivileges=yes\nUserNS=keep-id\nAddCapability=NET_ADMIN CAP_CHOWN\nGroupAdd=7\n" +
		"Volume=data.volume:/data:ro\nVolume=./x:/x\nTmpfs=/tmp:ro\nMount=type=bind,source=/a,destination=/b,ro=true\nPodmanArgs=--privileged --volume v:/v\n"
	r, err := quadlet.Extractor{}.Extract(fstest.MapFS{"a.container": {Data: []byte(text)}}, "a.container")
	if err != nil {
		t.Fatal(err)
	}
	want := &fact.Settings{
		Runtime: "docker", PullPolicy: "Always", ReadOnlyRoot: true, Privileged: true, MayEscalate: fact.No, HostUsers: fact.No, User: "1000:5",
		Groups: []int64{7}, Capabilities: []string{"CHOWN", "NET_ADMIN"},
		Mounts: []fact.Mount{
			{Path: "/b", Kind: "bind", Source: "/a", ReadOnly: true},
			{Path: "/data", Kind: "volume", Source: "data.volume", ReadOnly: true},
			{Path: "/tmp", Kind: "tmpfs", ReadOnly: true},
			{Path: "/v", Kind: "volume", Source: "v"},
			{Path: "/x", Kind: "bind", Source: "./x"},
		},
	}
	if d := cmp.Diff(want, r.Found[0].Settings); d != "" {
		t.Error(d)
	}
}

// An engine lists them as containers, by these names.
func TestWhatRunsIsCalledLikeThat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "systemd-web", "ContainerName=shop\n": "shop", "ContainerName=%p\n": ""} {
		fsys := fstest.MapFS{"web.container": {Data: []byte("[Container]\nImage=a:1\n" + text)}}
		r, err := quadlet.Extractor{}.Extract(fsys, "web.container")
		if err != nil || len(r.Found) != 1 || r.Found[0].Workload.Name != want || want != "" && (r.Found[0].Workload.Kind != "container" || r.Found[0].Container != want) {
			t.Errorf("%q: %+v, %v", text, r.Found, err)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"a.container", "[Container]\n", true},
		{"a.image", "# x\r\n[Image]\r\n", true},
		{"a.build", "[Unit]\n", true},
		{"a.pod", "[Pod]\n", true},
		{"a.kube", "[Kube]\n", true},
		{"a.volume", "[Volume]\n", true},
		{"a.network", "[Network]\n", false},
		{"a.image", "\x00binary", false},
		{"a.service", "[Service]\n", false},
		{"a.container.d/x.conf", "[Container]\n", true},
		{"container.d/x.conf", "[Container]\n", true},
		{"conf.d/x.conf", "[Service]\n", false},
		{"x.conf", "[Container]\n", false},
	} {
		if got := (quadlet.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

// Each reference is where it is said to be, and what a pin would change is part
// of it.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("[Container]\nImage=b.image\nMount=type=image,source=a:1,dst=/x\nPodmanArgs=--mount \"type=image,src=b\"\n"), []byte("[Image]\nImage=\\\n#\n a:%%1\n"))
	f.Add([]byte("[Container]\nImage=\"docker://a:1\"\nPull=x\nVolume=a:b:c\n"), []byte("Image=b\n[Image\n"))
	f.Fuzz(func(t *testing.T, text, other []byte) {
		fsys := fstest.MapFS{"a.container": {Data: text}, "b.image": {Data: other}, "a.container.d/x.conf": {Data: other}}
		for _, p := range []string{"a.container", "b.image"} {
			r, err := quadlet.Extractor{}.Extract(fsys, p)
			if err != nil {
				continue
			}
			for _, f := range r.Found {
				if _, err := fs.ReadFile(fsys, f.Origin.Where); err != nil || f.Origin.Line < 1 || f.Origin.Column < 1 {
					t.Errorf("%q is at %+v: %v", f.Raw, f.Origin, err)
				}
				if f.Unresolved == "" && f.Ref.String() != f.Raw || f.Unresolved != "" && (f.Ref.Name != "" || f.Site != nil) {
					t.Errorf("%+v", f)
				}
				if s := f.Site; s != nil {
					data, err := fs.ReadFile(fsys, s.File)
					if err != nil || s.Start >= s.End || !strings.Contains(f.Raw, string(data[s.Start:s.End])) {
						t.Errorf("%q is to be changed at %+v: %v", f.Raw, s, err)
					}
				}
			}
		}
	})
}
