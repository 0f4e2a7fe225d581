package list_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/list"
)

const example = "# what the release has\nacme/app:1.2\n\n  ghcr.io/acme/side:2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa # pinned\nregistry.example/b\n"

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: list.Extractor{}, Path: "images.txt", Files: map[string]string{"images.txt": example}})
}

func TestLines(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"one", "acme/app:1", "1:1 acme/app:1"},
		{"blank lines and comments", "\n# x\n\tacme/app:1 # why\n", "3:2 acme/app:1"},
		{"a comment for a check", "# intact:ignore REF001 ours\nacme/app\nacme/b # intact:ignore REF002 too\n# intact:ignore REF003 x\n\nacme/c\n",
			"2:1 acme/app ignore REF001:1|3:1 acme/b ignore REF002:3|6:1 acme/c"},
		{"a # within", "acme/app#1\n", "1:1 acme/app#1 unresolved"},
		{"no reference", "acme/app:1 amd64\n", "1:1 acme/app:1 amd64 unresolved"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := list.Extractor{}.Extract(fstest.MapFS{"l": {Data: []byte(tt.text)}}, "l")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Found {
				s := fmt.Sprintf("%d:%d %s", f.Origin.Line, f.Origin.Column, f.Raw)
				for _, i := range f.Ignored {
					s += fmt.Sprintf(" ignore %s:%d", i.Check, i.Line)
				}
				if f.Unresolved != "" {
					s += " unresolved"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "|")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, head string
		want       bool
	}{
		{"images.txt", example, true},
		{"release/airgap-Images.list", "acme/app:1\n", true},
		{"images", "acme/app:1\n", true},
		{"images.txt", strings.Repeat("acme/app:1\n", 400)[:extract.HeadSize], true},
		{"images.txt", "Here are images.\n", false},
		{"images.txt", "", false},
		{"images.md", "acme/app:1\n", false},
		{"names.txt", "acme/app:1\n", false},
		{"images.txt", "nginx\nredis\n", false},
	}
	for _, tt := range tests {
		if got := (list.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("Match(%q, %.20q) is %v", tt.path, tt.head, got)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	f.Add([]byte("\xef\xbb\xbfa:1\r\n# intact:ignore X\rb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := list.Extractor{}.Extract(fstest.MapFS{"l": {Data: data}}, "l")
		if err != nil {
			return
		}
		for _, f := range r.Found {
			if s := f.Site; s != nil && string(data[s.Start:s.End]) != f.Raw {
				t.Fatalf("at the site of %q stands %q", f.Raw, data[s.Start:s.End])
			}
		}
	})
}
