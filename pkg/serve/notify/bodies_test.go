package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const source = "https://intact.example.test"

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

// happenings are one of each kind that bodies differ by.
func happenings() map[string]happening.Happening {
	hostile := "<!channel> *x* `y` [click](https://evil.test) <https://evil.test|ok> @all & \x1b[31m \u202egnp.exe\n> {{DATE(2020-01-01T00:00:00Z)}} ${x}"
	return map[string]happening.Happening{
		"denied": {
			ID: "h-1", Type: happening.ImageJudged, At: noon, Subject: "ghcr.io/acme/api:1.4.2", Title: "denied: a fixed tag was moved to an unsigned image",
			Lines:  []string{"TAG002 1.4.2 pointed to ghcr.io/acme/api@" + string(digest("a")), "SIG001 nobody signed it"},
			Digest: digest("b"), Before: digest("a"), Verdict: policy.Deny, Was: "allow", Report: "17", Cause: "webhook harbor",
		},
		"allowed": {ID: "h-2", Type: happening.ImageJudged, At: noon, Subject: "ghcr.io/acme/api:1.4.3", Title: "allowed", Digest: digest("c"), Verdict: policy.Allow},
		"unseen":  {ID: "h-3", Type: happening.RunningUnseen, At: noon, Subject: "kubernetes prod", Title: "could not be looked at: no answer"},
		"hostile": {
			ID: "h-4", Type: happening.TagDeleted, At: noon, Subject: hostile, Title: hostile, Lines: []string{hostile, ""}, Was: hostile, Cause: hostile, Report: hostile,
		},
		"folded": summary(noon, []happening.Happening{
			{ID: "1", At: noon.Add(-2 * time.Minute), Type: happening.ImageJudged, Subject: "r/a:1", Title: "denied", Verdict: policy.Deny},
			{ID: "2", At: noon.Add(-time.Minute), Type: happening.ImageJudged, Subject: "r/a:1", Title: "denied", Verdict: policy.Deny},
			{ID: "3", At: noon, Type: happening.ImageJudged, Subject: "r/b:main", Title: "moved", Before: digest("a"), Digest: digest("b"), Verdict: policy.Warn},
		}, func(happening.Happening) int { return 1 }, func(happening.Happening) bool { return false }),
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for name, h := range happenings() {
		for kind, body := range bodies(t, h) {
			var out bytes.Buffer
			if err := json.Indent(&out, body, "", "  "); err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			golden(t, fmt.Sprintf("%s-%s.json", kind, name), out.String()+"\n")
		}
	}
}

func bodies(t testing.TB, h happening.Happening) map[Kind][]byte {
	t.Helper()
	s, err := NewSender(Options{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	out := map[Kind][]byte{}
	for _, kind := range []Kind{Slack, Teams, CloudEvents} {
		if out[kind], _, err = s.body(Place{kind: kind}, h); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update rewrites it): %s", file, diff)
	}
}

// Whatever a happening holds, the bodies are what receivers accept, and the
// verdict is in them.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"letters": "a", "entities": "<", "quotes": `"`, "wide": "𝕏", "control": "\x00", "bidi": "\u202e", "broken": "\xff", "at": "@", "brackets": "](",
	} {
		long := strings.Repeat(unit, 20_000)
		h := happening.Happening{ID: "h", Type: happening.ImageJudged, At: noon, Subject: long, Title: long, Was: long, Cause: long, Report: long, Verdict: policy.Deny}
		for range 400 {
			h.Lines = append(h.Lines, long[:1000])
		}
		if name == "letters" {
			h.Subject, h.Title, h.Was, h.Cause, h.Report = "s", "t", "", "", ""
		}
		checkSlack(t, h)
		s := &Sender{o: Options{Source: source}}
		body, _, err := s.body(Place{kind: Teams}, h)
		if err != nil || len(body) > teamsSize || !bytes.Contains(body, []byte(`"deny"`)) || !bytes.Contains(body, []byte("more lines")) {
			t.Errorf("%s: a card of %d bytes: %v", name, len(body), err)
		}
	}
	// Programs get texts whole as long as they fit.
	h := happening.Happening{ID: "h", Type: happening.ImageJudged, Verdict: policy.Deny, Lines: slicesOf(strings.Repeat("x", 1000), 100)}
	body, err := eventBody(h, source)
	if err != nil || len(body) > eventSize || !bytes.Contains(body, []byte("more lines")) {
		t.Errorf("an event of %d bytes: %v", len(body), err)
	}
	if h.Lines[60] != strings.Repeat("x", 1000) {
		t.Error("the lines of the happening itself were changed")
	}
	for _, bad := range []happening.Happening{{}, {ID: "x", Title: strings.Repeat("x", eventSize)}, {ID: "\xff"}} {
		if _, err := eventBody(bad, source); err == nil {
			t.Errorf("an event was made of %.60v", bad)
		}
	}
}

func slicesOf(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func checkSlack(t testing.TB, h happening.Happening) {
	t.Helper()
	body, err := slackBody(h)
	if err != nil {
		t.Fatal(err)
	}
	var m slackMessage
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Text) > slackFall || !strings.Contains(m.Text, "verdict: deny") {
		t.Errorf("a text of %d bytes, or without the verdict: %.80q", len(m.Text), m.Text)
	}
	if len(m.Blocks) > slackBlocks {
		t.Errorf("%d blocks", len(m.Blocks))
	}
	for _, b := range m.Blocks {
		parts := b.Elements
		if b.Text != nil {
			parts = append(parts, *b.Text)
		}
		if len(parts) == 0 || len(parts) > 10 {
			t.Errorf("a block with %d texts", len(parts))
		}
		for _, p := range parts {
			if n := len([]rune(p.Text)); n == 0 || n > slackSection || !p.Verbatim {
				t.Errorf("a text of %d characters, verbatim %v", n, p.Verbatim)
			}
		}
	}
}
