package terraform

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// isJSON reports whether a file is a state, or what "terraform show -json" prints
// of a state or plan.
func isJSON(p string, head []byte) bool {
	if strings.HasSuffix(p, ".tfstate") {
		return true
	}
	text := bytes.TrimLeft(head, "\ufeff \t\r\n")
	return bytes.HasPrefix(text, []byte("{")) && bytes.Contains(head, []byte(`"terraform_version"`)) &&
		(bytes.Contains(head, []byte(`"format_version"`)) || bytes.Contains(head, []byte(`"lineage"`)))
}

// readJSON reads a state or plan. Nobody changes those by hand: what is found has
// no place to write to.
//
// https://developer.hashicorp.com/terraform/internals/json-format
func readJSON(fsys fs.FS, p string) (extract.Result, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	f, perr := yamlpos.Open(data)
	if perr != nil {
		return extract.Result{}, perr
	}
	y := resource.YAML{File: written.NewFile(p, data)}
	s := &resource.Sink{}
	var problems []extract.Problem
	for d, err := range f.Docs(nil) {
		if err != nil {
			problems = append(problems, yamlpos.Problem(p, err))
			continue
		}
		doc := &plan{sink: s, yaml: y}
		doc.document(d.Root())
		doc.read()
		for _, err := range d.Problems() {
			problems = append(problems, yamlpos.Problem(p, err))
		}
	}
	r := s.Result()
	for i := range r.Found {
		r.Found[i].Site = nil
	}
	r.Problems = append(r.Problems, problems...)
	return r, nil
}

// A plan is the resources of one document.
type plan struct {
	sink *resource.Sink
	yaml resource.YAML
	all  []resource.Resource
}

// read reads the resources. Projects of Harbor are governed by rules, which name
// them by their ID.
func (p *plan) read() {
	ruled := map[string]bool{}
	for _, r := range p.all {
		if r.Type == "harbor_immutable_tag_rule" {
			ruled[r.Body.Get("projectId").Known()] = true
		}
	}
	for _, r := range p.all {
		id := r.Body.Get("id").Known()
		r.Governed = r.Type == "harbor_project" && id != "" && ruled[id]
		p.sink.Read(r)
	}
}

func (p *plan) document(n yamlpos.Node) {
	switch {
	case n.Get("resource_changes").IsList():
		for _, c := range n.Get("resource_changes").Items() {
			p.change(c)
		}
		p.module(n.Get("prior_state", "values", "root_module"), true, 0)
	case n.Get("planned_values").IsMap():
		p.module(n.Get("planned_values", "root_module"), false, 0)
	case n.Get("values").IsMap():
		p.module(n.Get("values", "root_module"), false, 0)
	default:
		for _, r := range n.Get("resources").Items() {
			p.state(r)
		}
	}
}

// change adds what a plan makes of a resource, unless it takes it away.
func (p *plan) change(n yamlpos.Node) {
	kind := n.Get("type").String()
	after := n.Get("change", "after")
	if after.IsZero() {
		return
	}
	p.add(n, kind, unknown(p.yaml.Value(after), n.Get("change", "after_unknown"), 0))
}

// unknown is v without what is known only when the plan is applied.
func unknown(v *resource.Value, after yamlpos.Node, depth int) *resource.Value {
	const why = "it is known only when the plan is applied"
	if yes, ok := after.Bool(); ok && yes {
		return resource.NotKnown(v.At, v.Text, why)
	}
	if depth > maxNest {
		return resource.NotKnown(v.At, v.Text, "it is nested too deep")
	}
	for i, item := range after.Items() {
		if i < len(v.Items) {
			v.Items[i] = unknown(v.Items[i], item, depth+1)
		} else if yes, _ := item.Bool(); yes && v.Kind == resource.List {
			v.Items = append(v.Items, resource.NotKnown(v.At, v.Text, why))
		}
	}
	for k, f := range after.Fields() {
		i := slices.IndexFunc(v.Fields, func(o resource.Field) bool { return o.Name == k.String() })
		switch {
		case i >= 0:
			v.Fields[i].Value = unknown(v.Fields[i].Value, f, depth+1)
		case v.Kind == resource.Map && !f.IsZero():
			if yes, ok := f.Bool(); ok && !yes {
				continue
			}
			v.Fields = append(v.Fields, resource.Field{Name: k.String(), Value: unknown(resource.NotKnown(v.At, written.Made(k.String()), why), f, depth+1)})
		}
	}
	return v
}

func (p *plan) module(n yamlpos.Node, onlyData bool, depth int) {
	for _, r := range n.Get("resources").Items() {
		kind := r.Get("type").String()
		data := r.Get("mode").String() == "data"
		if (resource.Knows(kind) || !data) && (!onlyData || data) {
			p.add(r, kind, p.yaml.Value(r.Get("values")))
		}
	}
	if depth > maxModules {
		p.sink.Problem(p.yaml.Place(n), n.Get("address").String(), fact.Limit, (&limits.ExceededError{What: "depth of modules in a plan", Limit: maxModules}).Error())
		return
	}
	for _, m := range n.Get("child_modules").Items() {
		p.module(m, onlyData, depth+1)
	}
}

const maxModules = 100

func (p *plan) add(n yamlpos.Node, kind string, body *resource.Value) {
	p.all = append(p.all, resource.Resource{Type: kind, Name: n.Get("name").String(), Path: n.Get("address").String(), Body: body, Data: n.Get("mode").String() == "data"})
}

// state adds a resource of a state file.
func (p *plan) state(n yamlpos.Node) {
	kind, name := n.Get("type").String(), n.Get("name").String()
	if !resource.Knows(kind) && n.Get("mode").String() == "data" {
		return
	}
	path := kind + "." + name
	if n.Get("mode").String() == "data" {
		path = "data." + path
	}
	if m := n.Get("module").String(); m != "" {
		path = m + "." + path
	}
	for _, i := range n.Get("instances").Items() {
		at := path
		if key := i.Get("index_key"); !key.IsZero() {
			at += "[" + key.String() + "]"
		}
		p.all = append(p.all, resource.Resource{Type: kind, Name: name, Path: at, Body: p.yaml.Value(i.Get("attributes")), Data: n.Get("mode").String() == "data"})
	}
}
