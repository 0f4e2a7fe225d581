package ledger_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
)

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

func transition() ledger.Transition {
	return ledger.Transition{
		Repository: "ghcr.io/acme/api", Tag: "1.4.2", From: digest("a"), To: digest("b"),
		At: time.Date(2026, 11, 24, 10, 0, 0, 123456000, time.UTC), Source: "webhook \"harbor\"\n",
		Platforms: map[string]ref.Digest{"linux/arm64": digest("d"), "linux/amd64": digest("c"), "windows/amd64 (10.0é)": digest("e")},
	}
}

// The form is written down here: a change of it makes every ledger unreadable.
func TestALeafHasOneForm(t *testing.T) {
	t.Parallel()
	want := `intact.transition/v1
repository ghcr.io/acme/api
tag 1.4.2
from ` + string(digest("a")) + `
to ` + string(digest("b")) + `
at 2026-11-24T10:00:00.123456Z
source "webhook \"harbor\"\n"
platform "linux/amd64" ` + string(digest("c")) + `
platform "linux/arm64" ` + string(digest("d")) + `
platform "windows/amd64 (10.0\u00e9)" ` + string(digest("e")) + `
`
	got, err := transition().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	back, err := ledger.Decode(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(transition(), back); diff != "" {
		t.Error(diff)
	}
	local := transition()
	local.At = local.At.In(time.FixedZone("", 3600)).Add(789)
	if b, err := local.Encode(); err != nil || string(b) != want {
		t.Errorf("another time zone and nanoseconds: %s, %v", b, err)
	}
	gone := ledger.Transition{Repository: "ghcr.io/acme/api", Tag: "x", From: digest("a"), At: back.At, Source: "scan"}
	if b, err := gone.Encode(); err != nil || !strings.Contains(string(b), "\nto -\n") {
		t.Errorf("gone: %s, %v", b, err)
	}
}

func TestWhatIsNoTransition(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ledger.Transition){
		"no change":          func(t *ledger.Transition) { t.To = t.From },
		"nothing at all":     func(t *ledger.Transition) { t.From, t.To, t.Platforms = "", "", nil },
		"name not canonical": func(t *ledger.Transition) { t.Repository = "nginx" },
		"upper-case host":    func(t *ledger.Transition) { t.Repository = "GHCR.io/acme/api" },
		"name with a tag":    func(t *ledger.Transition) { t.Repository = "ghcr.io/acme/api:x" },
		"no name":            func(t *ledger.Transition) { t.Repository = "" },
		"tag with a newline": func(t *ledger.Transition) { t.Tag = "x\n" },
		"no tag":             func(t *ledger.Transition) { t.Tag = "" },
		"short digest":       func(t *ledger.Transition) { t.To = "sha256:ab" },
		"no time":            func(t *ledger.Transition) { t.At = time.Time{} },
		"year 10000":         func(t *ledger.Transition) { t.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no source":          func(t *ledger.Transition) { t.Source = "" },
		"long source":        func(t *ledger.Transition) { t.Source = strings.Repeat("x", 257) },
		"source not UTF-8":   func(t *ledger.Transition) { t.Source = "\xff" },
		"platform bare":      func(t *ledger.Transition) { t.Platforms[""] = digest("a") },
		"platform empty":     func(t *ledger.Transition) { t.Platforms["x/y"] = "" },
		"gone, platforms":    func(t *ledger.Transition) { t.To = "" },
	} {
		tr := transition()
		change(&tr)
		if b, err := tr.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, b)
		}
	}
}

func TestWhatIsNoLeaf(t *testing.T) {
	t.Parallel()
	good, err := transition().Encode()
	if err != nil {
		t.Fatal(err)
	}
	leaf := string(good)
	lines := strings.SplitAfter(leaf, "\n")
	swapped := append([]string{}, lines...)
	swapped[7], swapped[8] = swapped[8], swapped[7]
	for name, text := range map[string]string{
		"nothing":          "",
		"newer":            strings.Replace(leaf, "/v1", "/v2", 1),
		"cut":              strings.Join(lines[:4], ""),
		"no end":           strings.TrimSuffix(leaf, "\n"),
		"more":             leaf + "more x\n",
		"empty line":       leaf + "\n",
		"CRLF":             strings.ReplaceAll(leaf, "\n", "\r\n"),
		"platforms sorted": strings.Join(swapped, ""),
		"platform twice":   leaf + lines[9],
		"quoted otherwise": strings.Replace(leaf, `\u00e9`, "é", 1),
		"time with zone":   strings.Replace(leaf, "123456Z", "123456+00:00", 1),
		"nanoseconds":      strings.Replace(leaf, "123456Z", "123456000Z", 1),
		"upper-case hex":   strings.Replace(leaf, "aaaa", "AAAA", 1),
		"two spaces":       strings.Replace(leaf, "tag 1", "tag  1", 1),
	} {
		if tr, err := ledger.Decode([]byte(text)); err == nil {
			t.Errorf("%s: decoded as %+v", name, tr)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := transition().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("intact.transition/v1\nrepository docker.io/library/nginx\ntag latest\nfrom -\nto -\nat 2026-11-24T10:00:00.000000Z\nsource \"\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := ledger.Decode(b)
		if err != nil {
			return
		}
		again, err := tr.Encode()
		if err != nil || string(again) != string(b) {
			t.Errorf("%q becomes %q, %v", b, again, err)
		}
	})
}

func TestReservedTags(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0a", 32)
	for tag, want := range map[string]bool{
		"sha256-" + hex + ".sig": true, "sha256-" + hex + ".att": true, "sha256-" + hex + ".sbom": true, "sha256-" + hex: true,
		"sha512-" + hex: true, "sha256-" + hex + ".vex": true,
		"sha256-0a": false, "latest": false, "1.4.2.sig": false, "sha256-" + hex[:63]: false, "build-sha256-" + hex: false,
	} {
		if got := ledger.Reserved(tag); got != want {
			t.Errorf("%s: %v", tag, got)
		}
		if err := ledger.CheckName("ghcr.io/acme/api", tag); errors.Is(err, ledger.ErrReserved) != want {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

func TestOneNameForAllWaysToWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nginx": "docker.io/library/nginx latest", "index.docker.io/library/nginx:1": "docker.io/library/nginx 1",
		"GHCR.io/acme/api:1": "ghcr.io/acme/api 1", "ghcr.io:443/acme/api:1": "ghcr.io/acme/api 1", "localhost:5000/a:b": "localhost:5000/a b",
	} {
		r, err := ref.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		repository, tag := ledger.Name(r)
		if got := repository + " " + tag; got != want {
			t.Errorf("%s is %s", text, got)
		}
		if err := ledger.CheckName(repository, tag); err != nil {
			t.Error(err)
		}
	}
}

// Whatever somebody outside wrote, what was seen can be recorded.
func TestWhatIsFitForALeaf(t *testing.T) {
	t.Parallel()
	d := ref.DigestOf(nil, "")
	in := ledger.Transition{
		Repository: "ghcr.io/acme/api", Tag: "1", To: d, At: time.Unix(1<<30, 0), Source: strings.Repeat("x", 255) + "é",
		Platforms: map[string]ref.Digest{"": d, "a\xff": d, strings.Repeat("a", 257): d, "linux/amd64": d},
	}
	out := in.Fit()
	if err := out.Check(); err != nil || len(out.Platforms) != 1 || out.Platforms["linux/amd64"] != d || out.Source != strings.Repeat("x", 255) {
		t.Errorf("%+v, %v", out, err)
	}
	for i := range 1100 {
		in.Platforms[strconv.Itoa(i)] = d
	}
	if err := in.Fit().Check(); err != nil {
		t.Error(err)
	}
	if in.Platforms = nil; in.Fit().Platforms != nil {
		t.Error("platforms from nothing")
	}
}
