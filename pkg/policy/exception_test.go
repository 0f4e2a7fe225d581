package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
)

func excepting(exceptions ...string) string {
	return "schema: intact.policy/v1\nname: x\nextends: strict@1\nexceptions:\n  - {" + strings.Join(exceptions, "}\n  - {") + "}\n"
}

func paths(p ...fact.Bytes) check.Finding {
	return check.Finding{Message: "paths", Paths: p, Count: len(p)}
}

func failing(id string, findings ...check.Finding) check.Result {
	return check.Result{Check: id, Outcome: check.Fail, Findings: findings}
}

var legacy = policy.Subject{Image: "ghcr.io/acme/legacy"}

func TestExceptionDates(t *testing.T) {
	t.Parallel()
	p := load(t, excepting("check: LAY003, images: [ghcr.io/acme/legacy], paths: [/bin/ping], reason: setuid ping, owner: net-team, expires: 2027-01-31"))
	const text = "LAY003 until 2027-01-31: setuid ping (net-team)"
	rows := []struct {
		at     string
		want   policy.Decision
		notice string
	}{
		{"2026-11-23T00:00:00Z", policy.Allow, ""},
		{"2027-01-16T23:59:59Z", policy.Allow, ""},
		{"2027-01-17T00:00:00Z", policy.Allow, "exception expires on 2027-01-31: " + text},
		{"2027-01-31T23:59:59Z", policy.Allow, "exception expires on 2027-01-31: " + text},
		// The day counts in UTC wherever the clock stands.
		{"2027-02-01T00:30:00+01:00", policy.Allow, "exception expires on 2027-01-31: " + text},
		{"2027-01-31T23:30:00-01:00", policy.Deny, "exception expired on 2027-01-31 and no longer holds: " + text},
		{"2027-02-01T00:00:00Z", policy.Deny, "exception expired on 2027-01-31 and no longer holds: " + text},
	}
	for _, row := range rows {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		v := p.Decide(legacy, at, []check.Result{failing("LAY003", paths("/bin/ping"))}, policy.Run{})
		if v.Decision != row.want || v.Uses[0].Notice() != row.notice {
			t.Errorf("%s: %s, %q; want %s, %q", row.at, v.Decision, v.Uses[0].Notice(), row.want, row.notice)
		}
		if row.want == policy.Allow && (v.Judgements[0].Excepted != 1 || v.Reasons[0].Exception != text) {
			t.Errorf("%s: %+v", row.at, v)
		}
	}
}

func TestExceptionPaths(t *testing.T) {
	t.Parallel()
	many := check.Finding{Paths: []fact.Bytes{"/opt/app/a", "/opt/app/b"}, Dir: "/opt/app", Count: 900}
	rows := []struct {
		name    string
		finding check.Finding
		paths   string
		want    bool
	}{
		{"exact", paths("/bin/ping"), "[/bin/ping]", true},
		{"other", paths("/bin/su"), "[/bin/ping]", false},
		{"one of two", paths("/bin/ping", "/bin/su"), "[/bin/ping]", false},
		{"two of two", paths("/bin/ping", "/bin/su"), "[/bin/ping, /bin/su]", true},
		{"longer name", paths("/bin/ping6"), "[/bin/ping]", false},
		{"star", paths("/bin/ping6"), "['/bin/ping*']", true},
		{"star stops at a slash", paths("/bin/ping/x"), "['/bin/*']", false},
		{"prefix", paths("/opt/app/x/y"), "[/opt/app/**]", true},
		{"the prefix itself", paths("/opt/app"), "[/opt/app/**]", false},
		{"neighbour of the prefix", paths("/opt/application/x"), "[/opt/app/**]", false},
		{"star in a prefix", paths("/opt/app/x/y"), "['/opt/*/x/**']", true},
		{"path that leaves the prefix", paths("/opt/app/../../etc/passwd"), "[/opt/app/**]", false},
		{"path with a dot", paths("/opt/app/./x"), "[/opt/app/**]", false},
		{"path with an empty segment", paths("/opt/app//x"), "[/opt/app/**]", false},
		{"newline in a path", paths("/opt/app/x\n"), "[/opt/app/**]", true},
		{"newline after the name", paths("/bin/ping\n"), "[/bin/ping]", false},
		{"bytes that are no text", paths("/opt/app/\xff"), "[/opt/app/**]", true},
		{"a dot is no wildcard", paths("/bin/aXb"), "[/bin/a.b]", false},
		{"more than are listed, all listed covered", many, "[/opt/app/a, /opt/app/b]", false},
		{"more than are listed, star", many, "['/opt/app/*']", false},
		{"more than are listed, whole directory", many, "[/opt/app/**]", true},
		{"more than are listed, directory above", many, "[/opt/**]", true},
		{"more than are listed, directory below", many, "[/opt/app/a/**]", false},
		{"more than are listed, no directory", check.Finding{Paths: []fact.Bytes{"/a/b"}, Count: 2}, "[/a/**]", false},
		{"more than are listed, all of the root", check.Finding{Paths: []fact.Bytes{"/a/b"}, Dir: "/", Count: 2}, "[/**]", true},
		{"no paths", check.Finding{Message: "none"}, "[/**]", false},
	}
	for _, row := range rows {
		p := load(t, excepting("check: LAY003, images: [ghcr.io/acme/legacy], paths: "+row.paths+", reason: r, expires: 2027-01-31"))
		v := p.Decide(legacy, now, []check.Result{failing("LAY003", row.finding)}, policy.Run{})
		if (v.Decision == policy.Allow) != row.want || (v.Judgements[0].Excepted == 1) != row.want {
			t.Errorf("%s: %s, excepted %d", row.name, v.Decision, v.Judgements[0].Excepted)
		}
		all := load(t, excepting("check: LAY003, images: [ghcr.io/acme/legacy], all: true, reason: r, expires: 2027-01-31"))
		if v := all.Decide(legacy, now, []check.Result{failing("LAY003", row.finding)}, policy.Run{}); v.Decision != policy.Allow {
			t.Errorf("%s: all: true: %s", row.name, v.Decision)
		}
	}
}

// Two exceptions may share one finding; what they leave of another stays.
func TestExceptionCounts(t *testing.T) {
	t.Parallel()
	p := load(t, excepting(
		"check: LAY003, images: [ghcr.io/acme/legacy], paths: [/bin/ping], reason: ping, expires: 2027-01-31",
		"check: LAY003, images: ['ghcr.io/acme/**'], paths: [/bin/su], reason: su, expires: 2027-01-31",
	))
	r := failing("LAY003", paths("/bin/ping", "/bin/su"), paths("/bin/su", "/bin/mount"), check.Finding{Message: "a note", Note: true})
	v := p.Decide(legacy, now, []check.Result{r}, policy.Run{})
	const ping, su = "LAY003 until 2027-01-31: ping", "LAY003 until 2027-01-31: su"
	want := []policy.FindingJudgement{
		{Excepted: true, By: []string{ping, su}, Paths: 2},
		{By: []string{su}, Paths: 1},
		{},
	}
	if diff := cmp.Diff(want, v.Judgements[0].Findings); diff != "" {
		t.Error(diff)
	}
	if v.Decision != policy.Deny || v.Judgements[0].Excepted != 1 {
		t.Errorf("%s, excepted %d", v.Decision, v.Judgements[0].Excepted)
	}
}

func TestExceptionImages(t *testing.T) {
	t.Parallel()
	rows := []struct {
		pattern, image string
		want           bool
	}{
		{"ghcr.io/acme/legacy", "ghcr.io/acme/legacy", true},
		{"ghcr.io/acme/legacy", "ghcr.io/acme/legacy2", false},
		{"ghcr.io/acme/**", "ghcr.io/acme/legacy", true},
		{"ghcr.io/acme/**", "ghcr.io/acme/a/b", true},
		{"ghcr.io/acme/**", "ghcr.io/acme", false},
		{"ghcr.io/acme/**", "ghcr.io/acme2/a", false},
		{"ghcr.io/{org}/legacy", "ghcr.io/acme/legacy", true},
		{"ghcr.io/{org}/legacy", "ghcr.io/acme/b/legacy", false},
		{"nginx", "docker.io/library/nginx", true},
		{"acme/api", "docker.io/acme/api", true},
		{"index.docker.io/nginx", "docker.io/library/nginx", true},
		{"docker.io/**", "mirror.acme.internal/hub/nginx", true},
		{"docker.io/library/nginx", "mirror.acme.internal/hub/nginx", true},
		{"docker.io/acme/**", "mirror.acme.internal/hub/nginx", false},
		{"localhost:5000/api", "localhost:5000/api", true},
		{"**", "quay.io/x/y", true},
		{"**", "", true},
		{"docker.io/**", "", false},
		// One registry by its other names.
		{"ghcr.io/acme/**", "ghcr.io:443/acme/legacy", true},
		{"ghcr.io/acme/**", "ghcr.io:00443/acme/legacy", true},
		{"ghcr.io:5000/acme/**", "GHCR.io:05000/acme/legacy", true},
		{"ghcr.io:05000/acme/**", "ghcr.io:5000/acme/legacy", true},
		{"[fd00::1]:5000/acme/**", "[fd00::1]:05000/acme/legacy", true},
		{"[fd00::01]/acme/**", "[fd00::1]/acme/legacy", false},
		{"ghcr.io/acme/**", "GHCR.io/acme/legacy", true},
		{"ghcr.io:443/acme/**", "ghcr.io/acme/legacy", true},
		{"ghcr.io/acme/**", "ghcr.io:444/acme/legacy", false},
		{"docker.io/**", "registry-1.docker.io/library/nginx", true},
		{"nginx", "registry-1.docker.io/library/nginx", true},
		{"registry-1.docker.io/library/nginx", "docker.io/library/nginx", true},
	}
	for _, row := range rows {
		p := load(t, excepting("check: DIG005, images: ['"+row.pattern+"'], reason: r, expires: 2027-01-31")+
			"mirrors: [{prefix: mirror.acme.internal/hub, of: docker.io}]\n")
		v := p.Decide(policy.Subject{Image: row.image}, now, []check.Result{failing("DIG005", check.Finding{})}, policy.Run{})
		if got := v.Decision == policy.Allow; got != row.want {
			t.Errorf("%q of %q: %t, want %t", row.pattern, row.image, got, row.want)
		}
	}
}

// An exception accepts findings of its check, and nothing else.
func TestExceptionLimits(t *testing.T) {
	t.Parallel()
	p := load(t, excepting("check: DIG005, images: ['**'], reason: r, expires: 2027-01-31"))
	partly := failing("DIG005", check.Finding{Message: "found"})
	partly.Cause, partly.Why = fact.Network, "1 of 3 layers: no answer"
	rows := []struct {
		name string
		r    check.Result
		want policy.Decision
	}{
		{"its finding", failing("DIG005", check.Finding{Message: "found"}), policy.Allow},
		{"another check", failing("DIG006", check.Finding{Message: "found"}), policy.Deny},
		{"undecided", check.Result{Check: "DIG005", Cause: fact.Network}, policy.Undecided},
		{"failed without findings", check.Result{Check: "DIG005", Outcome: check.Fail}, policy.Deny},
		{"failed with notes only", failing("DIG005", check.Finding{Note: true}), policy.Deny},
		{"found, but not all examined", partly, policy.Undecided},
	}
	for _, row := range rows {
		if v := p.Decide(legacy, now, []check.Result{row.r}, policy.Run{}); v.Decision != row.want {
			t.Errorf("%s: %s, want %s", row.name, v.Decision, row.want)
		}
	}
}

func TestExceptionUnused(t *testing.T) {
	t.Parallel()
	p := load(t, excepting(
		"check: DIG005, images: [ghcr.io/acme/legacy], reason: used, expires: 2027-01-31",
		"check: DIG006, images: [ghcr.io/acme/legacy], reason: unused, expires: 2027-01-31",
		"check: DIG006, images: [ghcr.io/acme/other], reason: its images did not occur, expires: 2027-01-31",
		"check: DIG007, images: [ghcr.io/acme/legacy], reason: not evaluated, expires: 2027-01-31",
		"check: DIG008, images: [ghcr.io/acme/legacy], reason: undecided, expires: 2027-01-31",
		"check: DIG006, images: [ghcr.io/acme/legacy], reason: expired, expires: 2026-01-31",
	))
	v := p.Decide(legacy, now, []check.Result{
		failing("DIG005", check.Finding{Message: "found"}), result("DIG006", check.Pass), result("DIG008", check.Undecided),
	}, policy.Run{})
	var got []string
	for _, e := range policy.Unused(v, v) {
		got = append(got, fmt.Sprintf("%s: %s", e.Pos, e.Reason))
	}
	if diff := cmp.Diff([]string{"p.yaml:6:5: unused"}, got); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkDecide(b *testing.B) {
	var list strings.Builder
	for i := range 200 {
		fmt.Fprintf(&list, "  - {check: LAY003, images: [ghcr.io/acme/a%d], paths: [/bin/ping], reason: r, expires: 2027-01-31}\n", i)
	}
	files := map[string]string{"p.yaml": "schema: intact.policy/v1\nname: x\nextends: baseline\nexceptions:\n" + list.String()}
	p, err := policy.Load(loader(files), "p.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var results []check.Result
	for _, c := range allChecks() {
		results = append(results, result(c.ID, check.Pass))
	}
	results = append(results, failing("LAY003", paths("/bin/ping")))
	for b.Loop() {
		p.Decide(legacy, now, results, policy.Run{})
	}
}
