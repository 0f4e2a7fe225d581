package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// fill evaluates a template with vars; start is where it begins in its file.
func (e *evaluation) fill(x hclsyntax.Expression, text []byte, file string, start hcl.Pos, vars *resource.Value) *resource.Value {
	name := strings.TrimPrefix(file, inTree)
	if tokens, _ := hclsyntax.LexTemplate(text, file, start); tooDeep(tokens, name) != nil {
		return e.refused(x, "the template %q is nested too deep", name)
	}
	t, diags := hclsyntax.ParseTemplate(text, file, start)
	if diags.HasErrors() {
		return e.refused(x, "the template %q: %s", name, diags[0].Summary)
	}
	s := &scope{vars: map[string]*resource.Value{}}
	for _, v := range vars.Fields {
		s.vars[v.Name] = v.Value
	}
	return e.eval(t, s)
}

// rendered is what the old data source template_file makes of a text.
//
// https://registry.terraform.io/providers/hashicorp/template/latest/docs/data-sources/file
func (e *evaluation) rendered(x hclsyntax.Expression, b *hclsyntax.Block, s *scope) *resource.Value {
	a := b.Body.Attributes["template"]
	if a == nil {
		return e.refused(x, "the template has no text")
	}
	vars := &resource.Value{Kind: resource.Map}
	if v := b.Body.Attributes["vars"]; v != nil {
		vars = e.eval(v.Expr, s)
	}
	text := e.eval(a.Expr, s)
	switch {
	case text.Kind != resource.Scalar || len(text.Holes) > 0:
		return e.of(x, text)
	case vars.Kind != resource.Map:
		return e.of(x, vars)
	}
	if f, start, end := text.Text.Span(); f != nil {
		line, column := f.Position(start)
		return e.fill(x, f.Data[start:end], f.Path, hcl.Pos{Line: line, Column: column, Byte: start}, vars)
	}
	word := text.Text.String()
	return placed(e.fill(x, []byte(word), e.text(word), hcl.InitialPos, vars), e.at(x.Range()), 0)
}

// text makes a file of a text that is in none as it is, for as long as it is
// evaluated, and returns its name.
func (e *evaluation) text(s string) string {
	name := fmt.Sprint(inTree, "text ", len(e.files))
	e.files[name] = written.NewFile(name, []byte(s))
	return name
}

// placed is v with what stands in such a text put at a place of a real file.
func placed(v *resource.Value, at resource.Place, depth int) *resource.Value {
	if v == nil || depth > maxNest {
		return v
	}
	c := *v
	if c.At.File == nil || strings.HasPrefix(c.At.File.Path, inTree) {
		c.At = at
	}
	for _, o := range c.Text.Origins() {
		if strings.HasPrefix(o.Where, inTree) {
			c.Text = written.Made(c.Text.String())
			break
		}
	}
	c.Items, c.Fields = nil, nil
	for _, item := range v.Items {
		c.Items = append(c.Items, placed(item, at, depth+1))
	}
	for _, f := range v.Fields {
		c.Fields = append(c.Fields, resource.Field{Name: f.Name, Value: placed(f.Value, at, depth+1)})
	}
	return &c
}
