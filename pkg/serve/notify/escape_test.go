package notify

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

func TestEscapes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, slack, teams string }{
		{"plain", "plain", "plain"},
		{"a<b>&c", "a&lt;b&gt;&amp;c", "a<b>&c"},
		{"<!here> <@U1> <#C1>", "&lt;!here&gt; &lt;＠U1&gt; &lt;#C1&gt;", "<!here> <@U1> <#C1>"},
		{"r/a@sha256:ab @sha512:cd", "r/a@sha256:ab @sha512:cd", "r/a@sha256:ab @sha512:cd"},
		{"@all a@b", "＠all a＠b", "@all a@b"},
		{"`x`", "'x'", "`x`"},
		{"![x](http://h)", "![x] (http[:]//h)", "![x](http[:]//h)"},
		{"a\nb\x00\u202e", `a\nb\x00\u202e`, `a\nb\x00\u202e`},
		{"\xff", `\xff`, `\xff`},
		{"{{DATE(1)}} {{{", "{{DATE(1)}} {{{", "{ {DATE(1)}} { { {"},
		{"äöü 漢字", "äöü 漢字", "äöü 漢字"},
	} {
		if got := slackText(tt.in, 400); got != tt.slack {
			t.Errorf("slack %q: %q, want %q", tt.in, got, tt.slack)
		}
		if got := teamsText(tt.in, 400); got != tt.teams {
			t.Errorf("teams %q: %q, want %q", tt.in, got, tt.teams)
		}
	}
	for max, want := range map[int]string{9: "&lt;&lt;&lt;"[:4] + ellipsis, 12: "&lt;&lt;&lt;", 2: "", 3: ellipsis} {
		if got := slackText("<<<", max); got != want {
			t.Errorf("cut at %d: %q, want %q", max, got, want)
		}
	}
}

// Errors of the network name the host.
func TestErrorsOfTheNetwork(t *testing.T) {
	t.Parallel()
	p, err := NewPlace("ops", Slack, "https://hook-4711.example.test:8443/T0000/B000?sig=abcdef", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, inner := range []error{
		&net.DNSError{Err: "no such host", Name: "hook-4711.example.test", IsNotFound: true},
		errors.New(`x509: certificate is valid for a.test, not hook-4711.example.test`),
		fmt.Errorf("dial tcp: hook-4711.example.test:8443: refused"),
	} {
		got := failed(t.Context(), p, &url.Error{Op: "Post", URL: p.url.String(), Err: inner})
		var e *Error
		if !errors.As(got, &e) || !e.Retry || strings.Contains(got.Error(), "4711") || strings.Contains(got.Error(), "T0000") {
			t.Errorf("got %v", got)
		}
	}
}

var entity = regexp.MustCompile("&(amp|lt|gt);")

// No text from outside is markup, a link or a call, has hidden characters, or is
// longer than it may be.
func FuzzEscapes(f *testing.F) {
	for name, h := range happenings() {
		f.Add(h.Title, 100)
		f.Add(name+h.Subject, 7)
	}
	for _, s := range []string{"", "<", "&amp;", "{{{{", "](](", ":://", "\xff\xfe", "@sha256:", "@sha256", "]\u200b("} {
		f.Add(s, 12)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		max = 3 + max&1023
		slack, teams, attr := slackText(s, max), teamsText(s, max), attribute(s, max)
		for medium, got := range map[string]string{"slack": slack, "teams": teams, "attribute": attr} {
			if len(got) > max || !utf8.ValidString(got) {
				t.Errorf("%s: %d bytes of %d: %q", medium, len(got), max, got)
			}
			if s != "" && got == "" {
				t.Errorf("%s: nothing is left of %q", medium, s)
			}
			for _, r := range got {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) {
					t.Errorf("%s: %U in %q", medium, r, got)
				}
			}
			if medium != "attribute" && strings.Contains(got, "://") {
				t.Errorf("%s: a link in %q", medium, got)
			}
		}
		bare := entity.ReplaceAllString(slack, "")
		if strings.ContainsAny(bare, "<>&`") || strings.Contains(slack, "](") {
			t.Errorf("markup in %q", slack)
		}
		if i := strings.IndexByte(slack, '@'); i >= 0 && !strings.HasPrefix(slack[i:], "@sha") {
			t.Errorf("a call in %q", slack)
		}
		if strings.Contains(teams, "{{") {
			t.Errorf("a function in %q", teams)
		}
	})
}

// Whatever happened, the bodies are made and bounded.
func FuzzBodies(f *testing.F) {
	for _, h := range happenings() {
		f.Add(h.Subject, h.Title, strings.Join(h.Lines, "\n"), h.Cause)
	}
	f.Fuzz(func(t *testing.T, subject, title, lines, cause string) {
		h := happening.Happening{ID: "h", Type: happening.ImageJudged, At: noon, Subject: subject, Title: title, Cause: cause, Verdict: policy.Deny}
		if lines != "" {
			h.Lines = strings.Split(lines, "\n")
		}
		checkSlack(t, h)
		body, err := teamsBody(h)
		if err != nil || len(body) > teamsSize {
			t.Errorf("a card of %d bytes: %v", len(body), err)
		}
		if body, err := eventBody(h, source); err == nil && len(body) > eventSize {
			t.Errorf("an event of %d bytes", len(body))
		}
	})
}
