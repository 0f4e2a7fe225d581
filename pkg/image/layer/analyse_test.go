package layer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
)

func TestAnalyse(t *testing.T) {
	t.Parallel()
	const capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	base := []member{
		dir("bin", 0o755), file("bin/sh", "elf", 0o755), file("usr/bin/node", "elf", 0o755), file("usr/bin/sudo", "elf", 0o4755),
		file("usr/bin/wall", "elf", 0o2755), xattrs("usr/bin/ping", xattrCapability, capability),
		file("usr/lib/libc.so.6", "v1", 0o644), dir("tmp", 0o1777), file("usr/bin/apt-get", "elf", 0o755),
		file("etc/passwd", "app:x:1000:1000::/:\n", 0o644), dir("var/lib/dpkg", 0o755),
		device("dev/null", 1, 3), link("up", "../../x"),
	}
	var app []member
	app = append(app, dir("app", 0o755).owner(1000, 1000), file("app/server.js", "code", 0o644).owner(1000, 1000))
	for i := range 100 {
		app = append(app, file(fmt.Sprintf("app/lib/m%03d.js", i), "code", 0o644).owner(1000, 1000))
	}
	app = append(app, file("data/open", "", 0o666), dir("data/all", 0o777), file("usr/lib/libc.so.6", "v2", 0o644))
	tree := merged(t, base, app)
	cfg := fact.Config{Entrypoint: []string{"node"}, Cmd: []string{"server.js"}, WorkingDir: "/app", User: "app",
		History: []fact.History{{CreatedBy: "base"}, {CreatedBy: "ENV x", Empty: true}, {CreatedBy: "COPY . /app"}}}
	user := ResolveUser(tree, cfg.User)
	got := Analyse(tree, cfg, user)

	group := func(layer int, dir, detail string, count int, paths ...fact.Bytes) fact.PathGroup {
		by := []string{"base", "COPY . /app"}[layer]
		return fact.PathGroup{Dir: fact.Bytes(dir), Paths: paths, Count: count, Layer: layer, CreatedBy: by, Detail: detail}
	}
	want := fact.Filesystem{
		Entries: got.Entries, Bytes: got.Bytes,
		WorldWritable: []fact.PathGroup{group(1, "/data", "", 2, "/data/all", "/data/open")},
		Privileged: []fact.PathGroup{
			group(0, "/usr/bin", "capabilities cap_net_bind_service", 1, "/usr/bin/ping"),
			group(0, "/usr/bin", "setgid", 1, "/usr/bin/wall"), group(0, "/usr/bin", "setuid", 1, "/usr/bin/sudo")},
		Unsafe: []fact.PathGroup{
			group(0, "/", "link: its target goes above the root", 1, "/up"),
			group(0, "/dev", "device: character device", 1, "/dev/null")},
		Replaced:   []fact.PathGroup{group(1, "/usr/lib", "replaces that of layer 1", 1, "/usr/lib/libc.so.6")},
		Entrypoint: fact.Entrypoint{Argv0: "node", Program: "/usr/bin/node", Writable: []fact.Bytes{"/app/server.js"}},
	}
	// The application's files and directories, the first 64 by name.
	if len(got.UserCode) != 1 {
		t.Fatalf("UserCode: %v", got.UserCode)
	}
	code := got.UserCode[0]
	if code.Count != 103 || code.Dir != "/app" || len(code.Paths) != 64 || code.Layer != 1 || code.CreatedBy != "COPY . /app" || !strings.HasPrefix(string(code.Paths[0]), "/app") {
		t.Errorf("UserCode: %d of %d in %q, layer %d", len(code.Paths), code.Count, code.Dir, code.Layer)
	}
	got.UserCode = nil
	if n := len(got.Code.V.Paths); n != 101 || got.Code.V.Paths[100] != "/app/server.js" {
		t.Errorf("Code: %d paths", n)
	}
	if n := len(got.Open.Parts); n != 3 || got.Open.Parts[0].V != (fact.Dir{Path: "/app", UID: 1000, GID: 1000, Mode: 0o755, Files: 102}) {
		t.Errorf("Open: %v", got.Open)
	}
	got.Code, got.Open = fact.Value[fact.Code]{}, fact.List[fact.Dir]{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	asRoot := Analyse(tree, cfg, fact.Of(fact.User{}))
	if len(asRoot.UserCode) != 0 || len(asRoot.Entrypoint.Writable) != 0 {
		t.Errorf("root: %v %v", asRoot.UserCode, asRoot.Entrypoint)
	}
	if len(asRoot.Tools) != 1 || asRoot.Tools[0].Name != "apt" || asRoot.Tools[0].Effect != "as root" {
		t.Errorf("root's tools: %v", asRoot.Tools)
	}
	unknown := Analyse(tree, cfg, fact.Value[fact.User]{})
	if unknown.UserCode != nil || unknown.Tools != nil {
		t.Errorf("unknown user: %v %v", unknown.UserCode, unknown.Tools)
	}
}

func TestEntrypoint(t *testing.T) {
	t.Parallel()
	tree := merged(t, []member{
		dir("bin", 0o755), file("bin/sh", "elf", 0o755), file("usr/bin/env", "elf", 0o755), file("usr/bin/python3.12", "elf", 0o755),
		link("usr/bin/python3", "python3.12"), dir("opt/bin", 0o777), file("opt/bin/tool", "elf", 0o755),
		file("start.sh", "#!/bin/sh -e\n", 0o755), file("py", "#!/usr/bin/env python3\n", 0o755),
		file("bad", "#!/no/such\n", 0o755), file("data", "x", 0o644), link("loop", "loop"), link("go", "/start.sh"),
		file("srv/app/main.py", "code", 0o666), file("self", "#!/self\n", 0o755),
	})
	for _, tt := range []struct {
		name string
		cfg  fact.Config
		want fact.Entrypoint
	}{
		{"none", fact.Config{}, fact.Entrypoint{Missing: "the image names no command"}},
		{"PATH", fact.Config{Cmd: []string{"sh"}}, fact.Entrypoint{Argv0: "sh", Program: "/bin/sh"}},
		{"shell form", fact.Config{Cmd: []string{"/bin/sh", "-c", "exec tool --x"}, Env: []string{"PATH=/opt/bin:/bin"}},
			fact.Entrypoint{Argv0: "/bin/sh", Shell: true, Program: "/bin/sh", Writable: []fact.Bytes{"/opt/bin", "/opt/bin/tool"}}},
		{"writable directory first in PATH", fact.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/opt/bin:/bin"}},
			fact.Entrypoint{Argv0: "sh", Program: "/bin/sh", Writable: []fact.Bytes{"/opt/bin"}}},
		{"script", fact.Config{Entrypoint: []string{"/go"}}, fact.Entrypoint{Argv0: "/go", Program: "/start.sh"}},
		{"env", fact.Config{Entrypoint: []string{"/py"}}, fact.Entrypoint{Argv0: "/py", Program: "/py"}},
		{"script argument", fact.Config{Entrypoint: []string{"python3"}, Cmd: []string{"main.py"}, WorkingDir: "/srv/app"},
			fact.Entrypoint{Argv0: "python3", Program: "/usr/bin/python3.12", Writable: []fact.Bytes{"/srv/app/main.py"}}},
		{"relative", fact.Config{Entrypoint: []string{"./start.sh"}}, fact.Entrypoint{Argv0: "./start.sh", Program: "/start.sh"}},
		{"missing", fact.Config{Cmd: []string{"nope"}}, fact.Entrypoint{Argv0: "nope", Missing: `"nope" is in no directory of PATH`}},
		{"missing path", fact.Config{Cmd: []string{"/nope"}}, fact.Entrypoint{Argv0: "/nope", Missing: `"/nope": no such file`}},
		{"missing interpreter", fact.Config{Cmd: []string{"/bad"}}, fact.Entrypoint{Argv0: "/bad", Program: "/bad", Missing: `interpreter "/no/such": no such file`}},
		{"not executable", fact.Config{Cmd: []string{"/data"}}, fact.Entrypoint{Argv0: "/data", Missing: `"/data": is not executable`}},
		{"directory", fact.Config{Cmd: []string{"/bin"}}, fact.Entrypoint{Argv0: "/bin", Missing: `"/bin": is a directory`}},
		{"loop", fact.Config{Cmd: []string{"/loop"}}, fact.Entrypoint{Argv0: "/loop", Missing: `"/loop": too many links`}},
		{"interpreters without end", fact.Config{Cmd: []string{"/self"}}, fact.Entrypoint{Argv0: "/self", Program: "/self", Missing: "too many interpreters"}},
		{"empty", fact.Config{Cmd: []string{""}}, fact.Entrypoint{Missing: "the command is an empty string"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Analyse(tree, tt.cfg, fact.Of(fact.User{UID: 1000, GID: 1000}))
			if diff := cmp.Diff(tt.want, got.Entrypoint); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTools(t *testing.T) {
	t.Parallel()
	user := fact.Of(fact.User{UID: 1000, GID: 1000})
	for _, tt := range []struct {
		name string
		in   []member
		want string
	}{
		{"none", nil, ""},
		{"apt without rights", []member{file("usr/bin/apt-get", "", 0o755), dir("var/lib/dpkg", 0o755)}, ""},
		{"apt with rights", []member{file("usr/bin/apt-get", "", 0o755), dir("var/lib/dpkg", 0o755).owner(1000, 0)}, "apt can write /var/lib/dpkg"},
		{"setuid", []member{file("usr/bin/dpkg", "", 0o4755)}, "dpkg as root, by its setuid bit"},
		{"not executable", []member{file("sbin/apk", "", 0o644), dir("lib/apk/db", 0o777)}, ""},
		{"executable by others only", []member{file("sbin/apk", "", 0o700), dir("lib/apk/db", 0o777)}, ""},
		{"pip", []member{file("usr/local/bin/pip3", "", 0o755), dir("usr/local/lib/python3.12/site-packages", 0o775).owner(0, 1000)},
			"pip can write /usr/local/lib/python3.12/site-packages"},
		{"cron", []member{file("usr/sbin/crond", "", 0o755), dir("var/spool/cron/crontabs", 0o777)}, "cron can write /var/spool/cron/crontabs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, tool := range Analyse(merged(t, tt.in), fact.Config{}, user).Tools {
				got = append(got, tool.Name+" "+tool.Effect)
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("tools %q, want %q", s, tt.want)
			}
		})
	}
}

func TestUserCode(t *testing.T) {
	t.Parallel()
	user := fact.Of(fact.User{UID: 1000, GID: 1000})
	mine := func(m member) member { return m.owner(1000, 1000) }
	for _, tt := range []struct {
		name string
		in   []member
		cfg  fact.Config
		want string
	}{
		{"nothing", []member{file("bin/x", "", 0o755)}, fact.Config{}, ""},
		{"PATH", []member{mine(file("usr/local/bin/x", "", 0o755))}, fact.Config{}, "/usr/local/bin/x"},
		{"library", []member{mine(file("usr/lib/x/y.so", "", 0o644))}, fact.Config{}, "/usr/lib/x/y.so"},
		{"loader's list", []member{mine(file("etc/ld.so.preload", "", 0o644))}, fact.Config{}, "/etc/ld.so.preload"},
		{"cron", []member{mine(file("etc/cron.d/x", "", 0o644))}, fact.Config{}, "/etc/cron.d/x"},
		{"behind a link in PATH", []member{link("usr/bin/x", "/srv/x"), mine(file("srv/x", "", 0o755))}, fact.Config{}, "/srv/x"},
		{"link into a tree", []member{link("usr/lib/node", "/srv/node/lib"), mine(file("srv/node/lib/x", "", 0o644))}, fact.Config{}, "/srv/node/lib/x"},
		{"variable", []member{mine(file("srv/x", "", 0o644))}, fact.Config{Env: []string{"LD_PRELOAD=/srv/x"}}, "/srv/x"},
		{"data", []member{mine(file("var/lib/app/data", "", 0o644)), mine(file("home/app/x", "", 0o755))}, fact.Config{}, ""},
		{"beside the program", []member{file("app/run", "", 0o755), mine(file("app/lib/x", "", 0o644))}, fact.Config{Cmd: []string{"/app/run"}}, "/app/lib/x"},
		{"beside the program, in PATH", []member{file("app/run", "", 0o755), mine(file("app/lib/x", "", 0o644))}, fact.Config{Cmd: []string{"run"}, Env: []string{"PATH=/app:/bin"}}, "/app/lib/x"},
		{"module", []member{file("bin/python3", "", 0o755), mine(file("srv/app/x.py", "", 0o644))}, fact.Config{Cmd: []string{"python3", "-m", "x"}, WorkingDir: "/srv/app"}, "/srv/app/x.py"},
		{"init, then program", []member{file("sbin/tini", "", 0o755), file("app/run", "", 0o755), mine(file("app/x", "", 0o644))},
			fact.Config{Entrypoint: []string{"/sbin/tini", "--"}, Cmd: []string{"/app/run"}}, "/app/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, g := range Analyse(merged(t, tt.in), tt.cfg, user).UserCode {
				for _, p := range g.Paths {
					got = append(got, string(p))
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("user code %q, want %q", s, tt.want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	var g grouper
	for i := range 4000 {
		g.add(2, "", fmt.Appendf(nil, "/app/dist/%d/%d.js", i%7, i))
	}
	g.add(2, "", []byte("usr/lib/x"))
	g.add(1, "", []byte("usr/lib/x"))
	got := g.list([]string{"a", "b", "c"})
	if len(got) != 3 || got[0].Layer != 1 || got[1].Dir != "/app/dist" || got[1].Count != 4000 || len(got[1].Paths) != 64 || got[1].CreatedBy != "c" || got[2].Dir != "/usr/lib" {
		t.Errorf("groups: %+v", got)
	}
	var many grouper
	for i := range 10_000 {
		many.add(0, "", fmt.Appendf(nil, "/d%d/x", i))
	}
	if got := many.list(nil); len(got) != 1 || got[0].Dir != "/" || got[0].Count != 10_000 || len(got[0].Paths) != 64 {
		t.Errorf("%d groups: %+v", len(got), got[0].Count)
	}
}
