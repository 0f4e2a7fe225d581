package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// literal keeps the place of a text. A line of a heredoc without its indentation
// is the end of what is written; what has escapes begins where it is.
func (e *evaluation) literal(x *hclsyntax.LiteralValueExpr) *resource.Value {
	r := x.Range()
	at := e.at(r)
	v := &resource.Value{Kind: resource.Scalar, At: at, Ignored: e.ignored(r)}
	f := e.files[r.Filename]
	var src string
	if f != nil && r.End.Byte <= len(f.Data) && r.Start.Byte <= r.End.Byte {
		src = string(f.Data[r.Start.Byte:r.End.Byte])
	}
	switch val := x.Val; {
	case val.IsNull():
		v.Kind = resource.Null
	case val.Type() == cty.String:
		switch text := val.AsString(); {
		case f == nil:
			v.Text = written.Made(text)
		case strings.HasSuffix(src, text):
			v.Text = f.Text(r.End.Byte-len(text), r.End.Byte)
		default:
			v.Text = lines(f, r.Start.Byte, src, text)
		}
	default:
		v.Plain = true
		v.Text = written.Made(fromCty(val, at).Text.String())
	}
	return v
}

// lines is text as the lines of src, which begins at start, end with it.
func lines(f *written.File, start int, src, text string) written.Text {
	have, want := strings.SplitAfter(src, "\n"), strings.SplitAfter(text, "\n")
	if len(have) != len(want) {
		return written.At(f, start, text)
	}
	var b written.Builder
	at := start
	for i, line := range want {
		if !strings.HasSuffix(have[i], line) {
			return written.At(f, start, text)
		}
		at += len(have[i])
		b.AddFile(f, at-len(line), at)
	}
	return b.Text()
}

// template puts the parts of a text together.
func (e *evaluation) template(x hclsyntax.Expression, parts []hclsyntax.Expression, s *scope) *resource.Value {
	var j resource.Joiner
	at := e.at(x.Range())
	ignored := e.ignored(x.Range())
	for _, p := range parts {
		v := e.eval(p, s)
		if v.Kind == resource.List || v.Kind == resource.Map || v.Kind == resource.Null {
			v = e.refused(p, "it is no text")
		}
		ignored = append(ignored[:len(ignored):len(ignored)], extra(ignored, v.Ignored)...)
		if j.Len()+v.Text.Len() > maxMade {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxMade))
		}
		j.Add(v)
		// The first literal says where the text stands within its quotes.
		if len(parts) > 0 && p == parts[0] && p.Range().Filename == x.Range().Filename {
			at = e.at(p.Range())
			if _, ok := p.(*hclsyntax.LiteralValueExpr); !ok {
				at = e.at(x.Range())
			}
		}
	}
	v := j.Value(at)
	v.Ignored = ignored
	return v
}

func (e *evaluation) joined(x *hclsyntax.TemplateJoinExpr, s *scope) *resource.Value {
	list := e.eval(x.Tuple, s)
	if list.Kind != resource.List {
		return list
	}
	var j resource.Joiner
	for _, v := range list.Items {
		if j.Len()+v.Text.Len() > maxMade {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxMade))
		}
		j.Add(v)
	}
	return j.Value(e.at(x.Range()))
}
