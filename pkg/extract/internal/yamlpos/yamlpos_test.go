package yamlpos_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// read returns the documents of data and what is wrong with it, as "line:column
// message".
func read(t *testing.T, data string) (docs []*yamlpos.Doc, wrong []string) {
	t.Helper()
	f, err := yamlpos.Open([]byte(data))
	if err != nil {
		return nil, []string{place(t, err)}
	}
	for d, err := range f.Docs(nil) {
		if err != nil {
			wrong = append(wrong, place(t, err))
			continue
		}
		docs = append(docs, d)
	}
	return docs, wrong
}

func place(t *testing.T, err error) string {
	t.Helper()
	var p *extract.PositionError
	if !errors.As(err, &p) {
		t.Fatalf("an error without a place: %v", err)
	}
	return fmt.Sprintf("%d:%d %v", p.Line, p.Column, p)
}

func only(t *testing.T, data string) *yamlpos.Doc {
	t.Helper()
	docs, wrong := read(t, data)
	if len(docs) != 1 || wrong != nil {
		t.Fatalf("%d documents, %q", len(docs), wrong)
	}
	return docs[0]
}

// at describes where n is, and what is in the file there.
func at(data string, n yamlpos.Node) string {
	p := n.Pos()
	if !p.Exact() {
		return fmt.Sprintf("%d:%d %s", p.Line, p.Column, n)
	}
	return fmt.Sprintf("%d:%d [%s]", p.Line, p.Column, data[p.Start:p.End])
}

func TestPlacesOfTexts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want string }{
		{"plain", "image: nginx:1.2 # c\n", "1:8 [nginx:1.2]"},
		{"single_quotes", "image: 'nginx'\n", "1:9 [nginx]"},
		{"double_quotes", "image: \"nginx\"\n", "1:9 [nginx]"},
		{"quoted_key", "\"image\": nginx", "1:10 [nginx]"},
		{"next_line", "image:\n  # c\n  nginx\n", "3:3 [nginx]"},
		{"anchor", "image: &img nginx\n", "1:13 [nginx]"},
		{"anchor_and_tag", "image: &img !!str\n  'nginx'\n", "2:4 [nginx]"},
		{"tag", "image: !<tag:yaml.org,2002:str> \"nginx\"\n", "1:34 [nginx]"},
		{"own_tag", "image: !x nginx\n", "1:11 [nginx]"},
		{"nothing_special_tag", "image: ! nginx\n", "1:10 [nginx]"},
		{"comment_between", "image: &img # c\n  nginx\n", "2:3 [nginx]"},
		{"number", "image: 1.10\n", "1:8 [1.10]"},
		{"flow", "{a: [é, ü], image: nginx}\n", "1:22 [nginx]"},
		{"bytes_before_on_the_line", "{é: ü, image: nginx}", "1:17 [nginx]"},
		{"json", "{\n\t\"a\": \"\\ud83d\\ude00\",\n\t\"image\": \"nginx\"}", "3:12 [nginx]"},
		{"json_with_a_comment", "{'a': 1, # c\n\"image\": \"nginx\"}", "2:11 [nginx]"},
		{"crlf", "a: b\r\nimage: nginx\r\n", "2:8 [nginx]"},
		{"cr", "a: b\rimage: nginx\r", "2:8 [nginx]"},
		{"bom", "\ufeffimage: nginx", "1:8 [nginx]"},
		{"bom_and_marker", "\ufeff---\nimage: nginx", "2:8 [nginx]"},
		{"breaks_of_yaml_1_1", "a: \"x\u2028\n  y\"\nimage: nginx", "3:8 [nginx]"},
		{"content_on_the_marker", "--- {image: nginx}", "1:13 [nginx]"},
		{"tabs", "image:\tnginx\t# c\n", "1:8 [nginx]"},
		{"empty_text", "image: ''", "1:9 []"},
		{"escape", "image: \"ngin\\x78\"", "1:8 nginx"},
		{"escaped_quote", "image: \"a\\\"b\"", "1:8 a\"b"},
		{"backslash", "image: \"a\\\\b\"", "1:8 a\\b"},
		{"doubled_quote", "image: 'a''b'", "1:8 a'b"},
		{"folded", "image: a\n  b", "1:8 a b"},
		{"folded_quotes", "image: \"a\n  b\"", "1:8 a b"},
		{"block", "image: |-\n  nginx", "1:8 nginx"},
		{"folded_block", "image: >-\n  nginx", "1:8 nginx"},
		{"block_with_an_anchor", "image: &i >-\n  nginx", "1:11 nginx"},
		{"alias", "a: &x nginx\nimage: *x", "1:7 [nginx]"},
		{"merged", "a: &x {image: nginx}\n<<: *x", "1:15 [nginx]"},
		{"merged_from_a_list", "a: &x {image: nginx}\nb: &y {image: no}\n<<: [*x, *y]", "1:15 [nginx]"},
		{"written_over_merged", "a: &x {image: no}\nimage: nginx\n<<: *x", "2:8 [nginx]"},
		{"not_a_merge", "a: &x {image: nginx}\n\"<<\": *x", "0:0 "},
		{"null", "image: ~", "1:8 "},
		{"nothing", "image:", "1:7 "},
		{"missing", "images: nginx", "0:0 "},
		{"of_a_list", "- image", "0:0 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := only(t, tt.data).Root().Get("image")
			if got := at(tt.data, n); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if n.IsZero() != (n.String() == "" && tt.name != "empty_text") {
				t.Errorf("zero: %v of %q", n.IsZero(), n.String())
			}
		})
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	r := only(t, "a: !Ref x\nb: !Join [c]\nc: d\ne: !!str 1\n").Root()
	for key, want := range map[string]string{"a": "!Ref", "b": "!Join", "c": "", "e": "", "z": ""} {
		if got := r.Get(key).Tag(); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
}

func TestUTF16IsReadWithoutOffsets(t *testing.T) {
	t.Parallel()
	encode := func(s string, big bool) string {
		var b strings.Builder
		for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
			hi, lo := byte(u>>8), byte(u)
			if !big {
				hi, lo = lo, hi
			}
			b.Write([]byte{hi, lo})
		}
		return b.String()
	}
	for _, big := range []bool{false, true} {
		data := encode("a: \"😀\"\nimage: nginx\n", big)
		if got := at(data, only(t, data).Root().Get("image")); got != "2:8 nginx" || !yamlpos.UTF16([]byte(data)) {
			t.Errorf("big endian %v: %s", big, got)
		}
	}
	for data, want := range map[string]string{
		"\xff\xfea\x00b":           "1:2 the file is UTF-16 and ends within a character",
		"\xff\xfe\n\x00\x00\xd8":   "2:1 the file is UTF-16 and holds half a character",
		"\xfe\xff\xdc\x00\x00\x61": "1:1 the file is UTF-16 and holds half a character",
	} {
		if _, wrong := read(t, data); len(wrong) != 1 || wrong[0] != want {
			t.Errorf("%q: %q", data, wrong)
		}
	}
}

// What is broken is told with its place, and the rest of the stream is read.
func TestABrokenDocumentDoesNotTakeTheOthers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, want string }{
		{"unclosed_list", "a: [1,\nb: c\n", "2:1 not valid YAML: did not find expected ',' or ']'"},
		{"unclosed_quote", "x: 1\na: \"b\n", "3:1 not valid YAML: found unexpected end of stream"},
		{"two_values", "a: b: c\n", "2:1 not valid YAML: mapping values are not allowed in this context"},
		{"wrong_indent", "a: b\n c: d\n", "3:1 not valid YAML: mapping values are not allowed in this context"},
		{"tab", "a:\n\t- b\n", "3:1 not valid YAML: found character that cannot start any token"},
		{"no_anchor", "a: *b\n", "2:4 not valid YAML: unknown anchor 'b' referenced"},
		{"control_character", "x: y\na: b\x01\n", "3:5 not valid YAML: control characters are not allowed"},
		{"not_utf8", "x: y\na: ü\xff\n", "3:6 invalid UTF-8"},
		{"template", "{{- if .x }}\na: b\n{{- end }}\n", "2:1 not valid YAML: did not find expected node content; it looks like a template, which has to be rendered first"},
		{"json", "{\"a\": 1,\n \"b\": }\n", "3:7 not valid JSON: invalid character '}' looking for beginning of value"},
		{"json_cut_short", "{\"a\": [1,\n", "3:1 not valid JSON: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			docs, wrong := read(t, "---\n"+tt.data+"---\nimage: second\n...\n"+tt.data+"---\nimage: third\n")
			if len(docs) != 2 || docs[0].Root().Get("image").String() != "second" || docs[1].Root().Get("image").String() != "third" {
				t.Errorf("%d documents", len(docs))
			}
			if len(wrong) != 2 || wrong[0] != tt.want || wrong[0][2:] == wrong[1][2:] && wrong[0][0] == wrong[1][0] {
				t.Errorf("%q, want %q", wrong, tt.want)
			}
		})
	}
}

func TestWhereDocumentsBegin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		data string
		want []string // the texts that are parsed
	}{
		{"", nil},
		{"# c\n\n", nil},
		{"a", []string{"a"}},
		{"---\n---\n", []string{"---\n", "---\n"}},
		{"# licence\n---\na\n---\nb\n", []string{"# licence\n---\na\n", "---\nb\n"}},
		{"%YAML 1.1\n---\na\n...\n%TAG ! x\n# c\n---\nb", []string{"%YAML 1.1\n---\na\n...\n", "%TAG ! x\n# c\n---\nb"}},
		{"a\r\n---\r\nb\r\n", []string{"a\r\n", "---\r\nb\r\n"}},
		{"a: |\n  ---\n  ...\n---x\n----\nb: '\n---'\n", []string{"a: |\n  ---\n  ...\n---x\n----\nb: '\n---'\n"}},
		{"--- a\n---\tb", []string{"--- a\n", "---\tb"}},
	}
	for _, tt := range tests {
		var got []string
		f, err := yamlpos.Open([]byte(tt.data))
		if err != nil {
			t.Fatal(err)
		}
		for range f.Docs(func(text []byte) bool { got = append(got, string(text)); return false }) {
			t.Fatal("a document that nobody wants is read")
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q: %s", tt.data, d)
		}
	}
}

func TestSeveralValuesOfJSON(t *testing.T) {
	t.Parallel()
	const data = "{\"image\": \"a\"}{\"image\": \"b\"}\n{\"image\": \"c\"}\nx"
	docs, wrong := read(t, data)
	var got []string
	for _, d := range docs {
		got = append(got, at(data, d.Root().Get("image")))
	}
	if d := cmp.Diff([]string{"1:12 [a]", "1:26 [b]", "2:12 [c]"}, got); d != "" {
		t.Error(d)
	}
	if len(wrong) != 1 || wrong[0] != "3:1 not valid JSON: invalid character 'x' looking for beginning of value" {
		t.Errorf("%q", wrong)
	}
}

func TestKeysThatAreThereTwice(t *testing.T) {
	t.Parallel()
	d := only(t, "a: 1\nb: 2\na: 3\nc: {b: 1}\n")
	if got := d.Root().Get("a").String(); got != "3" {
		t.Errorf("a is %s", got)
	}
	var all []string
	for k, v := range d.Root().Fields() {
		all = append(all, k.String()+"="+v.String())
	}
	if got := strings.Join(all, " "); got != "a=1 b=2 a=3 c=" {
		t.Error(got)
	}
	p := d.Problems()
	if len(p) != 1 || place(t, p[0]) != `3:1 the key "a" is there twice, first in line 1; which of them counts is up to the reader` {
		t.Errorf("%v", p)
	}
}

func TestFieldsWithMerges(t *testing.T) {
	t.Parallel()
	d := only(t, "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4, <<: *x}\nz:\n  <<: [*y, *x]\n  a: 5\n")
	var all []string
	for k, v := range d.Root().Get("z").Fields() {
		all = append(all, k.String()+"="+v.String())
	}
	if got := strings.Join(all, " "); got != "a=5 b=3 c=4" || len(d.Problems()) > 0 {
		t.Error(got, d.Problems())
	}
}

// A few hundred bytes that stand for more values than there are atoms in a
// mountain.
func TestADocumentThatExpandsWithoutEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for name, data := range map[string]string{
		"laughs": b.String(),
	} {
		d := only(t, data)
		seen := 0
		var visit func(n yamlpos.Node, depth int)
		visit = func(n yamlpos.Node, depth int) {
			if seen++; depth > 50 {
				return
			}
			n.Get("nothing")
			for _, v := range n.Fields() {
				visit(v, depth+1)
			}
			for _, v := range n.Items() {
				visit(v, depth+1)
			}
		}
		visit(d.Root(), 0)
		var limit *limits.ExceededError
		p := d.Problems()
		if seen > 500_000 || len(p) == 0 || !errors.As(p[len(p)-1], &limit) || p[0].Line != 1 {
			t.Errorf("%s: %d values were seen, %v", name, seen, p)
		}
	}
}

func TestADocumentOfTooManyValues(t *testing.T) {
	t.Parallel()
	docs, wrong := read(t, "a: b\n---\n"+strings.Repeat("- \n", limits.YAMLNodes+1)+"---\na: c")
	if len(docs) != 2 || len(wrong) != 1 || !strings.HasPrefix(wrong[0], "2:1 values of one YAML document exceeds the limit") {
		t.Errorf("%d documents, %q", len(docs), wrong)
	}
	if docs, _ := read(t, strings.Repeat("[", 20_000)); docs != nil {
		t.Error("a document without end")
	}
	if docs, _ := read(t, strings.Repeat(`{"a":`, 20_000)); docs != nil {
		t.Error("a document without end")
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	r := only(t, "a: yes\nb: 'yes'\nc: 0x1F\nd: 1_000\ne: 1.5\nf: [x]\ng: Off\nh: true\n").Root()
	for key, want := range map[string]string{
		"a": "true true 0 false false", "b": "false false 0 false false", "c": "false false 31 true true",
		"d": "false false 1000 true true", "e": "false false 0 false true", "f": "false false 0 false false",
		"g": "false true 0 false false", "h": "true true 0 false false", "z": "false false 0 false false",
	} {
		n := r.Get(key)
		b, isBool := n.Bool()
		i, isInt := n.Int()
		if got := fmt.Sprint(b, isBool, i, isInt, n.Number()); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// A file that is one line has all of its values there: none of them may cost as
// much as the line is long.
func TestOneLongLine(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"{}", `{"image":"é"}`} {
		data := []byte(strings.Repeat(unit, 20_000))
		f, err := yamlpos.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		docs := 0
		for d, err := range f.Docs(nil) {
			if err != nil {
				t.Fatal(err)
			}
			p := d.Root().Pos()
			if want := docs*len(unit) + 1; p.Line != 1 || p.Column != want {
				t.Fatalf("document %d of %q is at %d:%d, want column %d", docs, unit, p.Line, p.Column, want)
			}
			docs++
		}
		if docs != 20_000 {
			t.Errorf("%d documents of %q", docs, unit)
		}
	}
}

// A reader goes as deep as values are nested, so nothing may be nested without
// end.
func TestAliasesThatNest(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	chain.WriteString("a0: &a0 x\n")
	for i := range 20_000 {
		fmt.Fprintf(&chain, "a%d: &a%d [*a%d]\n", i+1, i+1, i)
	}
	for name, text := range map[string]string{"a circle": "a: &a {b: [*a]}\n", "a merge of itself": "a: &a {<<: [*a, *a], b: {c: *a}}\n", "a chain": chain.String()} {
		f, err := yamlpos.Open([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for d, err := range f.Docs(nil) {
			if err == nil || d != nil {
				t.Errorf("%s is read", name)
			}
		}
	}
	if got := only(t, "a: &a {b: &b x, c: *b}\nd: *a\n").Root().Get("d", "c").String(); got != "x" {
		t.Errorf("plain aliases: %q", got)
	}
}
