package dockerfile

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// Whatever the parser reads as a whole is read without a problem of its, in the
// same instructions, each with its place; the bases of the stages are those that
// BuildKit would look for.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"FROM a:1 AS b\nFROM b\nCOPY --from=c:1 x y\n",
		"# syntax=docker/dockerfile:1\n# escape=`\nARG V=1.2\nFROM `\n# c\n a:${V} `\n as x\n",
		"FROM a\nRUN --mount=type=bind,\"from=b:1\" <<EOF <<-E2\nFROM c\nEOF\n\tE2\nONBUILD COPY --from=x:1 a b",
		"ARG A=a:1 B='$A' C\nFROM ${B:-b}\nFROM \"$C\"\nFROM ${A%:*}\\\n:2\n",
		"FROM --platform=$BUILDPLATFORM a\r\nENV X\r\nFROM b\r\n",
		"\xef\xbb\xbfFROM \xff\x00\n\\\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := written.NewFile("Dockerfile", data)
		refs, problems, err := Read(file, Build{})
		if err != nil {
			return
		}
		for _, r := range refs {
			if s := r.Site; s != nil {
				if got := string(data[s.Start:s.End]); got == "" || !strings.Contains(r.Raw, got) {
					t.Errorf("%q is to be changed at %q", r.Raw, got)
				}
			}
			if r.Unresolved == "" && r.Ref.String() != r.Raw || r.Unresolved != "" && r.Ref.Name != "" {
				t.Errorf("%+v", r.Found)
			}
			if r.Origin.Line < 1 || r.Origin.Line > file.Lines() || r.Origin.Column < 1 {
				t.Errorf("%q is at %d:%d", r.Raw, r.Origin.Line, r.Origin.Column)
			}
		}
		if !legible(data) {
			return
		}
		result, err := parser.Parse(bytes.NewReader(data))
		if err != nil {
			if len(problems) == 0 {
				t.Errorf("no problem, but %v", err)
			}
			return
		}
		r := &reader{file: file, escape: '\\', args: map[string]arg{}}
		r.sanitize()
		if len(r.problems) > 0 {
			return // instructions that the parser would take, for its life
		}
		places(t, r.split(), result)
		bases(t, refs, result)
	})
}

func legible(data []byte) bool {
	r := &reader{}
	return bytes.Equal(r.legible(data), data)
}

// places compares instructions with the nodes of the parser.
func places(t *testing.T, got []instruction, want *parser.Result) {
	t.Helper()
	if len(got) != len(want.AST.Children) {
		t.Fatalf("%d instructions, not %d", len(got), len(want.AST.Children))
	}
	for i, n := range want.AST.Children {
		in := got[i]
		if in.line != n.StartLine-1 || in.word != strings.ToLower(n.Value) {
			t.Errorf("%q in line %d, not %q in line %d", in.word, in.line+1, n.Value, n.StartLine)
		}
		for j := range in.text.Len() {
			if f, _ := in.text.Place(j); f == nil {
				t.Fatalf("%q has no place at %d", in.text, j)
			}
		}
		for _, word := range slices.Concat(in.flags, in.args) {
			if f, _ := word.Place(0); f == nil && isASCII(word.String()) && word.Len() > 0 {
				t.Errorf("%q of %q has no place", word, in.text)
			}
		}
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

// bases compares the bases of stages with what BuildKit makes of them without
// build arguments.
func bases(t *testing.T, refs []written.Reference, parsed *parser.Result) {
	t.Helper()
	stages, metaArgs, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return
	}
	lex := shell.NewLex(parsed.EscapeToken)
	var environment []string
	for _, cmd := range metaArgs {
		for _, a := range cmd.Args {
			if a.Value == nil {
				continue
			}
			v, _, err := lex.ProcessWord(*a.Value, shell.EnvsFromSlice(environment))
			if err != nil {
				return
			}
			environment = append(environment, a.Key+"="+v)
		}
	}
	resolved := map[string]bool{}
	for _, r := range refs {
		if strings.HasSuffix(r.Origin.Path, ".from") && !strings.Contains(r.Origin.Path, "copy") {
			resolved[r.Raw] = resolved[r.Raw] || r.Unresolved == ""
		}
	}
	known := map[string]bool{"scratch": true}
	for _, s := range stages {
		base, _, err := lex.ProcessWord(s.BaseName, shell.EnvsFromSlice(environment))
		if err != nil {
			return
		}
		unresolved := strings.Contains(s.BaseName, "$") && (!resolved[base] || strings.Contains(s.BaseName, "{"))
		if !known[strings.ToLower(base)] && !unresolved && base != "" {
			if _, ok := resolved[base]; !ok {
				t.Errorf("FROM %s is %q: not among %v", s.BaseName, base, resolved)
			}
		}
		known[strings.ToLower(s.Name)] = true
	}
}
