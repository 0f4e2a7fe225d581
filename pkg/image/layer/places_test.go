package layer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

func TestPlaces_code(t *testing.T) {
	t.Parallel()
	program := file("srv/www/app/server", "elf", 0o755)
	for name, tt := range map[string]struct {
		cfg  fact.Config
		in   []member
		user uint32
		want fact.Code
	}{
		"none": {
			in:   []member{file("usr/bin/tool", "elf", 0o755), file("usr/local/lib/x/y.so", "elf", 0o755), file("lib/ld.so", "elf", 0o755), file("data/x", "x", 0o644)},
			want: fact.Code{},
		},
		"only_one_usr_counts": {
			cfg:  fact.Config{Entrypoint: []string{"/local/bin/x"}},
			in:   []member{file("local/bin/x", "elf", 0o755)},
			want: fact.Code{Depth: 4, Paths: []fact.Bytes{"/local/bin/x"}},
		},
		"program_and_what_lies_beside_it": {
			cfg:  fact.Config{Entrypoint: []string{"/srv/www/app/server"}},
			in:   []member{program, file("srv/www/app/plugins/a/b.so", "elf", 0o644), dir("srv/www/app/uploads", 0o755)},
			want: fact.Code{Depth: 4, Paths: []fact.Bytes{"/srv/www/app/plugins", "/srv/www/app/server"}},
		},
		"root_runs_it": {
			cfg:  fact.Config{Entrypoint: []string{"/app"}},
			in:   []member{file("app", "elf", 0o755)},
			user: 0,
			want: fact.Code{Depth: 4, Paths: []fact.Bytes{"/app"}},
		},
		"links_and_path": {
			cfg: fact.Config{Entrypoint: []string{"x"}, Env: []string{"PATH=/opt/current/bin"}},
			in:  []member{file("opt/v3/bin/x", "elf", 0o755), link("opt/current", "v3")},
			want: fact.Code{Depth: 4, Paths: []fact.Bytes{
				"/opt/current", "/opt/v3/bin/x",
			}},
		},
		"what_runs_by_itself": {
			in:   []member{file("etc/cron.d/x", "", 0o644), file("var/spool/cron/root", "", 0o600)},
			want: fact.Code{Depth: 4, Paths: []fact.Bytes{"/etc/cron.d/x", "/var/spool/cron/root"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Analyse(merged(t, tt.in), tt.cfg, fact.Of(fact.User{UID: tt.user})).Code
			if d := cmp.Diff(fact.Of(tt.want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPlaces_code_of_many_packages_is_cut(t *testing.T) {
	t.Parallel()
	in := []member{file("app/main.js", "", 0o755)}
	for i := range limits.CodePaths {
		in = append(in, file(fmt.Sprintf("app/node_modules/m%04d/index.js", i), "", 0o644))
	}
	got := Analyse(merged(t, in), fact.Config{Entrypoint: []string{"/app/main.js"}}, fact.Value[fact.User]{}).Code
	want := fact.Of(fact.Code{Depth: 2, Paths: []fact.Bytes{"/app/main.js", "/app/node_modules"}})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPlaces_code_without_end_is_not_known(t *testing.T) {
	t.Parallel()
	var p places
	for i := range limits.CodePaths + 1 {
		p.addCode(fmt.Appendf(nil, "/d%04d/x", i))
	}
	p.addCode([]byte("/app/x"))
	if got := p.codeFact(0); got.State != fact.Unknown || got.Cause != fact.Limit || len(p.code) != 0 {
		t.Errorf("got %v, %d kept", got, len(p.code))
	}
	var few places
	few.addCode([]byte("/app/x"))
	if got := few.codeFact(1); got.State != fact.Unknown || got.Cause != fact.Limit {
		t.Errorf("with a link that was not followed: %v", got)
	}
}

func TestPlaces_open(t *testing.T) {
	t.Parallel()
	in := []member{
		dir("tmp", 0o1777), file("tmp/x", "", 0o644),
		dir("home/app", 0o750).owner(1000, 1000), dir("home/app/cache", 0o750).owner(1000, 1000), file("home/app/cache/x", "", 0o644).owner(1000, 1000),
		dir("home/app/private", 0o700).owner(1000, 1000),
		dir("home/app/shared", 0o770).owner(1000, 50), dir("home/app/shared/mine", 0o750).owner(1000, 1000),
		dir("var/spool", 0o775), dir("etc", 0o755), dir("srv", 0o755), dir("srv/root", 0o700),
	}
	got := Analyse(merged(t, in), fact.Config{}, fact.Value[fact.User]{}).Open
	want := fact.ListOf(
		fact.Of(fact.Dir{Path: "/home/app", UID: 1000, GID: 1000, Mode: 0o750, Files: 5}),
		fact.Of(fact.Dir{Path: "/home/app/private", UID: 1000, GID: 1000, Mode: 0o700}),
		fact.Of(fact.Dir{Path: "/home/app/shared", UID: 1000, GID: 50, Mode: 0o770, Files: 1}),
		fact.Of(fact.Dir{Path: "/home/app/shared/mine", UID: 1000, GID: 1000, Mode: 0o750}),
		fact.Of(fact.Dir{Path: "/tmp", Mode: 0o1777, Files: 1}),
		fact.Of(fact.Dir{Path: "/var/spool", Mode: 0o775}),
	)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	root := Analyse(merged(t, []member{dir("./", 0o777), file("x", "", 0o644)}), fact.Config{}, fact.Value[fact.User]{}).Open
	if d := cmp.Diff(fact.ListOf(fact.Of(fact.Dir{Path: "/", Mode: 0o777, Files: 1})), root); d != "" {
		t.Errorf("the root itself (-want +got):\n%s", d)
	}
}

func TestPlaces_open_without_end_is_not_known(t *testing.T) {
	t.Parallel()
	var in []member
	for i := range limits.OpenDirs + 1 {
		in = append(in, dir(fmt.Sprintf("d%05d", i), 0o777))
	}
	got := Analyse(merged(t, in), fact.Config{}, fact.Value[fact.User]{}).Open
	if got.State != fact.Unknown || got.Cause != fact.Limit || len(got.Parts) != 0 {
		t.Errorf("state %v, cause %q, %d parts", got.State, got.Cause, len(got.Parts))
	}
}
