package bake

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/userfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// An expression is one of a file.
type expression struct {
	hclsyntax.Expression
	file *written.File
}

func (e expression) origin() ref.Origin {
	return e.file.Origin(min(e.Range().Start.Byte, len(e.file.Data)), "")
}

// A targetDef is what the file says about a target, key by key.
type targetDef struct {
	name  string
	attrs map[string]expression
	file  *written.File
	at    int
}

const (
	// maxFile bounds a Bake file; written ones have some kilobytes.
	maxFile = 1 << 20
	// maxNested bounds what a recursive reader has to go down.
	maxNested = 200
)

// file reads one file over what was read before.
func (r *reader) file(fsys fs.FS, p string) error {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("read %q: %w", p, &limits.ExceededError{What: "size of a Bake file", Limit: maxFile})
	}
	f := written.NewFile(p, data)
	if path.Ext(p) == ".json" {
		return r.json(f)
	}
	if err := nested(f); err != nil {
		return err
	}
	parsed, diags := hclsyntax.ParseConfig(data, p, hcl.InitialPos)
	if parsed == nil {
		return positioned(diags)
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			r.diagnostic(f, d)
		}
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return fmt.Errorf("read %q: no HCL", p)
	}
	functions, _, diags := userfunc.DecodeUserFunctions(body, "function", r.eval.context)
	for _, d := range diags {
		r.diagnostic(f, d)
	}
	for name, fn := range functions {
		r.eval.functions[name] = r.eval.bounded(name, fn)
	}
	for name, a := range body.Attributes { // as files had variables at first
		r.eval.variables[name] = &variable{expr: expression{a.Expr, f}}
	}
	for _, b := range body.Blocks {
		r.block(f, b)
	}
	return nil
}

func (r *reader) block(f *written.File, b *hclsyntax.Block) {
	if len(b.Labels) != 1 {
		return
	}
	attrs := map[string]expression{}
	for name, a := range b.Body.Attributes {
		attrs[name] = expression{a.Expr, f}
	}
	for _, inner := range b.Body.Blocks { // args { A = "b" }
		object := &hclsyntax.ObjectConsExpr{SrcRange: inner.Range(), OpenRange: inner.OpenBraceRange}
		for name, a := range inner.Body.Attributes {
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: literal(name, a.NameRange), ValueExpr: a.Expr})
		}
		attrs[inner.Type] = expression{object, f}
	}
	r.define(f, b.Type, b.Labels[0], b.LabelRanges[0].Start.Byte, attrs)
}

// define notes a block; one of a later file adds to it.
func (r *reader) define(f *written.File, kind, name string, at int, attrs map[string]expression) {
	switch kind {
	case "variable":
		v := &variable{}
		if e, ok := attrs["default"]; ok {
			v.expr = e
		}
		r.eval.variables[name] = v
	case "group":
		for _, t := range r.eval.list(attrs["targets"], nil) {
			if r.grouped == nil {
				r.grouped = map[string]bool{}
			}
			r.grouped[t.value.Text.String()] = true
		}
	case "target":
		t := r.targets[name]
		if t == nil {
			t = &targetDef{name: name, attrs: map[string]expression{}}
			r.targets[name] = t
			r.order = append(r.order, name)
		}
		t.file, t.at = f, at
		for k, e := range attrs {
			t.attrs[k] = e
		}
	}
}

// nested refuses what would have a recursive parser go deep.
func nested(f *written.File) error {
	tokens, _ := hclsyntax.LexConfig(f.Data, f.Path, hcl.InitialPos)
	depth, unary, questions := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote:
			depth--
		case hclsyntax.TokenQuestion:
			questions++
		case hclsyntax.TokenNewline:
			questions = 0
		}
		if t.Type == hclsyntax.TokenBang || t.Type == hclsyntax.TokenMinus {
			unary++
		} else {
			unary = 0
		}
		if depth > maxNested || unary > maxNested || questions > maxNested {
			line, column := f.Position(t.Range.Start.Byte)
			return &extract.PositionError{Line: line, Column: column, Err: &limits.ExceededError{What: "depth of expressions", Limit: maxNested}}
		}
	}
	return nil
}

func positioned(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Subject != nil {
			return &extract.PositionError{Line: d.Subject.Start.Line, Column: d.Subject.Start.Column, Err: errors.New(why(d))}
		}
	}
	return diags
}

func why(d *hcl.Diagnostic) string {
	if d.Detail == "" {
		return d.Summary
	}
	return d.Summary + ": " + d.Detail
}

// maxProblems bounds what is told of one broken file.
const maxProblems = 100

func (r *reader) diagnostic(f *written.File, d *hcl.Diagnostic) {
	at := ref.Origin{Kind: "file", Where: f.Path}
	if d.Subject != nil {
		at = f.Origin(min(d.Subject.Start.Byte, len(f.Data)), "")
	}
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, extract.Problem{Origin: at, Cause: fact.Unsupported, Why: why(d)})
	}
}

func (r *reader) problem(at ref.Origin, err error) {
	r.problems = append(r.problems, extract.Problem{Origin: at, Cause: fact.Unsupported, Why: err.Error()})
}
