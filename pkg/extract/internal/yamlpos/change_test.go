package yamlpos_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

func TestCommentsThatSilence(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want string }{
		{"same_line", "image: x # intact:ignore REF001 we know", "1 REF001 we know"},
		{"quoted", "image: 'x # no' # intact:ignore REF001", "1 REF001 "},
		{"in_quotes", "{a: ' # intact:ignore REF001', image: x}", ""},
		{"in_quotes_after_an_escape", `{a: "\" # intact:ignore REF001", image: x}`, ""},
		{"apostrophe", "{a: it's, image: x} # intact:ignore REF001 yes", "1 REF001 yes"},
		{"above", "a: b\n# intact:ignore REF001 one\n# intact:ignore REF003 two\nimage: x", "3 REF003 two; 2 REF001 one"},
		{"above_in_a_list", "- a: b\n# intact:ignore REF001 one\n- image: x", "2 REF001 one"},
		{"other_comment_between", "# intact:ignore REF001 one\n# words\nimage: x", ""},
		{"line_between", "# intact:ignore REF001 one\n\nimage: x", ""},
		{"text_in_a_block", "a: |\n  # intact:ignore REF001 one\nimage: x", ""},
		{"behind_the_line_above", "a: b # intact:ignore REF001 one\nimage: x", ""},
		{"no_check", "image: x # intact:ignore", ""},
		{"another_word", "image: x # intact:ignored REF001", ""},
		{"no_space", "image: x #intact:ignore\tREF001\r", "1 REF001 "},
		{"alias", "# intact:ignore REF001 one\na: &x y\nimage: *x # intact:ignore REF002 two", "1 REF001 one; 3 REF002 two"},
		{"no_comment", "image: x#intact:ignore REF001", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := only(t, tt.data).Root()
			if n.IsList() {
				for _, item := range n.Items() {
					n = item
				}
			}
			var got []string
			for _, i := range n.Get("image").Ignored() {
				got = append(got, fmt.Sprintf("%d %s %s", i.Line, i.Check, i.Reason))
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

func TestMarkersOfFlux(t *testing.T) {
	t.Parallel()
	r := only(t, "image: x # {\"$imagepolicy\": \"flux-system:app\"}\nb: x # see $imagepolicy\nc: y\n").Root()
	for key, want := range map[string]string{"image": `{"$imagepolicy": "flux-system:app"}`, "b": "", "c": "", "z": ""} {
		if got := r.Get(key).Marker(); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
}

// The text in a literal block has places; in others it has that of the whole.
func TestDocumentsInATextOfADocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want string }{
		{"literal", "a:\n  text: |\n    kind: A\n    image: ä # c\n\n    ---\n    {image: b}\n", "4:12 [ä]; 7:13 [b]"},
		{"crlf", "a:\r\n  text: |-\r\n    kind: A\r\n    image: a", "4:12 [a]"},
		{"indent_stated", "a:\n  text: |2\n      image: a\n", "3:14 [a]"},
		{"blank_lines", "a:\n  text: |\n\n  \n      x: y\n      image: a\n", "6:14 [a]"},
		{"anchor", "a:\n  text: &t |\n    image: a\n", "3:12 [a]"},
		{"bom", "\ufeffa:\n  text: |\n    image: a\n", "3:12 [a]"},
		{"folded", "a:\n  text: >\n    image: a\n", "2:9 a"},
		{"quoted", "a:\n  text: \"{image: a}\"\n", "2:10 a"},
		{"broken", "a:\n  text: |\n    x: y\n    image: [\n", "5:1 not valid YAML: did not find expected node content"},
		{"broken_and_folded", "a:\n  text: >\n    image: [\n", "2:9 not valid YAML: did not find expected node content"},
		{"in_a_text_in_a_text", "a:\n  text: |\n    text: |\n      image: a\n", "4:14 [a]"},
		{"no_text", "a:\n  text: {image: a}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for d, err := range only(t, tt.data).Root().Get("a", "text").Inner() {
				if err != nil {
					got = append(got, place(t, err))
					continue
				}
				for inner := range d.Root().Get("text").Inner() {
					d = inner
				}
				got = append(got, at(tt.data, d.Root().Get("image")))
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

func TestAKeyThatIsAdded(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want string }{
		{"block", "a:\n  tag: x # c\n  z: 1\n", "a:\n  tag: x # c\n  digest: NEW\n  z: 1\n"},
		{"end_of_file", "a:\n  tag: 'x'", "a:\n  tag: 'x'\n  digest: NEW"},
		{"crlf", "a:\r\n  tag: \"x\"\r\n", "a:\r\n  tag: \"x\"\r\n  digest: NEW\r\n"},
		{"list", "a:\n- - tag: x\n", "a:\n- - tag: x\n    digest: NEW\n"},
		{"flow", "a: {tag: 'x', z: 1}\n", "a: {tag: 'x', digest: NEW, z: 1}\n"},
		{"json", `{"a": {"tag": "x"}}`, `{"a": {"tag": "x", "digest": "NEW"}}`},
		{"literal", "a: |\n  tag: x\n", "a: |\n  tag: x\n  digest: NEW\n"},
		{"not_in_place", "a:\n  tag: >\n    x\n", ""},
		{"shared", "a: &a\n  tag: x\n", ""},
		{"explicit", "a:\n  ? tag\n  : x\n", ""},
		{"missing", "a:\n  tags: x\n", ""},
		{"list_of_texts", "a:\n- tag\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := only(t, tt.data).Root().Get("a")
			for d := range n.Inner() {
				n = d.Root()
			}
			for n.IsList() {
				for _, item := range n.Items() {
					n = item
				}
			}
			s := n.Beside("f", extract.StyleDigest, "tag", "digest")
			if s == nil {
				s = &extract.Site{}
			}
			got := tt.data[:s.Start] + s.Before + "NEW" + s.After + tt.data[s.End:]
			if s.File == "" {
				got = ""
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzDocs(f *testing.F) {
	for _, s := range []string{
		"a: &x !!str \"b\"\nc: *x\n---\n- d: |\n    image: e\n...\n%YAML 1.1\n---\n{f: g}\n", "{\"a\": [1, \"\\ud83d\\ude00\"]}{\"b\": null}",
		"\ufeffa: 'é'\r\n\tb: c\r\n", "\xff\xfea\x00:\x00 \x00b\x00", "a: {{ .x }}\n? [b]\n: c\n<<: {d: e}\n", "a: \"x\u2028y\"\rb: # c\n  z\n", "&a [*a]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := yamlpos.Open(data)
		if err != nil {
			return
		}
		lines := strings.Count(string(file.Text()), "\n") + strings.Count(string(file.Text()), "\r") + 1
		for d, err := range file.Docs(nil) {
			if err != nil {
				if err.Line < 1 || err.Line > lines || err.Column < 1 {
					t.Fatalf("%d:%d: %v", err.Line, err.Column, err)
				}
				continue
			}
			visit(t, data, d.Root(), lines, 0)
			for _, p := range d.Problems() {
				if p.Line < 1 || p.Line > lines {
					t.Fatalf("%d:%d: %v", p.Line, p.Column, p)
				}
			}
		}
	})
}

// visit checks that every place is one, and that what is said to be there is.
func visit(t *testing.T, data []byte, n yamlpos.Node, lines, depth int) {
	p := n.Pos()
	if p.Line < 1 || p.Line > lines || p.Column < 1 {
		t.Fatalf("%q is at %+v", n, p)
	}
	if p.Exact() && (p.End > len(data) || string(data[p.Start:p.End]) != n.String()) {
		t.Fatalf("%q is not at %+v", n, p)
	}
	n.Ignored()
	n.Marker()
	n.Source()
	if depth >= 8 {
		return
	}
	for k, v := range n.Fields() {
		visit(t, data, k, lines, depth+1)
		visit(t, data, v, lines, depth+1)
		if s := n.Beside("f", extract.StyleTag, k.String(), "x"); s != nil && (s.Start < 0 || s.Start > len(data)) {
			t.Fatalf("%+v", s)
		}
	}
	for _, v := range n.Items() {
		visit(t, data, v, lines, depth+1)
	}
	for d := range n.Inner() {
		if d != nil {
			visit(t, data, d.Root(), lines, depth+4)
		}
	}
}
