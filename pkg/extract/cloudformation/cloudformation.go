// Package cloudformation finds the images in templates of AWS CloudFormation, of
// SAM, and of what the CDK makes: of tasks, functions and machines, and how
// repositories are set up. Intrinsic functions are evaluated as far as the template
// and the defaults of its parameters go.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
package cloudformation

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// An Extractor reads templates in YAML and JSON.
type Extractor struct{}

// Match goes by the words that templates have.
func (Extractor) Match(p string, head []byte) bool {
	switch path.Ext(strings.ToLower(p)) {
	case ".yaml", ".yml", ".json", ".template":
	default:
		return false
	}
	return bytes.Contains(head, []byte("AWSTemplateFormatVersion")) || bytes.Contains(head, []byte("AWS::")) ||
		strings.HasSuffix(p, ".template.json") && strings.Contains("/"+p, "/cdk.out/") || yamlpos.UTF16(head)
}

// Extract reads one template.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	f, perr := yamlpos.Open(data)
	if perr != nil {
		return extract.Result{}, perr
	}
	s := &resource.Sink{}
	file := written.NewFile(p, data)
	var problems []extract.Problem
	var templates []yamlpos.Node
	for d, err := range f.Docs(func(text []byte) bool { return bytes.Contains(text, []byte("Resources")) }) {
		if err != nil {
			problems = append(problems, yamlpos.Problem(p, err))
			continue
		}
		if !isTemplate(d.Root()) {
			continue
		}
		t := &template{root: d.Root(), file: file, sink: s, asked: map[string]bool{}}
		t.read()
		templates = append(templates, d.Root())
		for _, err := range d.Problems() {
			problems = append(problems, yamlpos.Problem(p, err))
		}
	}
	s.KeepTags(func(s *extract.Site) *resource.Definition { return parameterOf(file, templates, s) })
	r := s.Result()
	if strings.Contains("/"+p, "/cdk.out/") { // made anew from a program, whatever is changed in it
		for i := range r.Found {
			r.Found[i].Site = nil
		}
	}
	r.Problems = append(r.Problems, problems...)
	return r, nil
}

// isTemplate reports whether a document has resources of AWS. Others have a key
// Resources too.
func isTemplate(n yamlpos.Node) bool {
	if !n.Get("Resources").IsMap() {
		return false
	}
	if !n.Get("AWSTemplateFormatVersion").IsZero() || !n.Get("Transform").IsZero() {
		return true
	}
	for k, r := range n.Get("Resources").Fields() {
		if kind := r.Get("Type").String(); strings.HasPrefix(kind, "AWS::") || strings.HasPrefix(kind, "Custom::") || strings.HasPrefix(k.String(), "Fn::ForEach") {
			return true
		}
	}
	return false
}

// parameterOf is the parameter of which the bytes of a site are the default.
func parameterOf(file *written.File, templates []yamlpos.Node, s *extract.Site) *resource.Definition {
	for _, t := range templates {
		for k, p := range t.Get("Parameters").Fields() {
			if at := p.Get("Default").Pos(); at.Exact() && at.Start <= s.Start && s.End <= at.End {
				name := regexp.QuoteMeta(k.String())
				return &resource.Definition{Uses: `\$\{\s*` + name + `\s*\}|\bRef["']?\s*:?\s*["']?` + name + `\b`, Files: []*written.File{file}}
			}
		}
	}
	return nil
}

// A template is one document.
type template struct {
	root  yamlpos.Node
	file  *written.File
	sink  *resource.Sink
	asked map[string]bool // conditions that are being evaluated
	depth int
	steps int
}

func (t *template) yaml() resource.YAML { return resource.YAML{File: t.file, Special: t.special} }

func (t *template) read() {
	for k, p := range t.root.Get("Parameters").Fields() {
		if kind := p.Get("Type").String(); strings.HasPrefix(kind, ssmType) && strings.Contains(kind, "AWS::EC2::Image::Id") {
			t.sink.Parameter(t.parameter(p.Get("Default"), k.String(), p), "Parameters."+k.String()+".Default")
		}
	}
	for k, r := range t.root.Get("Resources").Fields() {
		name, kind := k.String(), r.Get("Type").String()
		at := "Resources." + name
		if strings.HasPrefix(name, "Fn::ForEach") {
			t.sink.Problem(t.yaml().Place(k), at, fact.Unsupported, "resources that are made by Fn::ForEach are not evaluated")
			continue
		}
		body := t.yaml().Value(r.Get("Properties"))
		if body.Kind == resource.Null || r.Get("Properties").IsZero() {
			body = &resource.Value{Kind: resource.Map, At: t.yaml().Place(r.Get("Type"))}
		}
		if global := t.root.Get("Globals", "Function", "ImageUri"); kind == "AWS::Serverless::Function" && !global.IsZero() && body.Get("ImageUri") == nil && body.Kind == resource.Map {
			body.Fields = append(body.Fields, resource.Field{Name: "ImageUri", Value: t.yaml().Value(global)})
		}
		body.Ignored = r.Get("Type").Ignored()
		t.sink.Read(resource.Resource{Type: kind, Name: name, Path: at + ".Properties", Body: body})
	}
}

// ssmType begins the type of a parameter that names one of SSM.
const ssmType = "AWS::SSM::Parameter::Value<"
