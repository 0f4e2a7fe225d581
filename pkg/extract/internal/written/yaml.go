package written

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// YAML returns the text of a scalar of f with its place; nothing for what is no
// scalar.
func (f *File) YAML(n yamlpos.Node) Text {
	s, ok := n.Text()
	p := n.Pos()
	switch {
	case !ok || s == "":
		return Text{}
	case n.Number() && strings.HasSuffix(f.Path, ".json"): // a digest cannot stand behind it
		return Made(s)
	case p.Exact() && p.End <= len(f.Data) && string(f.Data[p.Start:p.End]) == s:
		return f.Text(p.Start, p.End)
	}
	return At(f, f.Offset(p.Line, p.Column), s)
}

// Offset returns the offset of a line and column, both from 1; the end of the
// file for what is behind it.
func (f *File) Offset(line, column int) int {
	if line < 1 || line > len(f.lines) {
		return len(f.Data)
	}
	return min(f.lines[line-1]+max(0, column-1), len(f.Data))
}
