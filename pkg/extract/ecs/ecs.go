// Package ecs finds the images in task definitions of Amazon ECS: what is given to
// register-task-definition, and what describe-task-definition prints.
//
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
package ecs

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// An Extractor reads task definitions in JSON and YAML.
type Extractor struct{}

// Match goes by the words that task definitions have, and by their usual names.
func (Extractor) Match(p string, head []byte) bool {
	base := strings.ToLower(path.Base(p))
	switch path.Ext(base) {
	case ".json", ".yaml", ".yml":
	default:
		return false
	}
	if bytes.Contains(head, []byte("containerDefinitions")) || yamlpos.UTF16(head) {
		return true
	}
	name := strings.Map(letters, base)
	return strings.Contains(name, "taskdef") || strings.Contains(name, "containerdefinition")
}

// letters leaves out what words of a name are parted by.
func letters(r rune) rune {
	if r == '-' || r == '_' || r == '.' {
		return -1
	}
	return r
}

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
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
		if body, at := definition(y, d.Root()); body != nil {
			s.ECS(resource.Resource{Type: "task definition", Name: "", Path: at, Body: body})
		}
		for _, err := range d.Problems() {
			problems = append(problems, yamlpos.Problem(p, err))
		}
	}
	r := s.Result()
	r.Problems = append(r.Problems, problems...)
	return r, nil
}

// definition returns the task definition in a document and where it is: the
// document itself, that of an answer, or container definitions alone.
func definition(y resource.YAML, n yamlpos.Node) (body *resource.Value, at string) {
	if inner := n.Get("taskDefinition"); inner.IsMap() {
		n, at = inner, "taskDefinition"
	}
	if n.Get("containerDefinitions").IsList() {
		return y.Value(n), at
	}
	for _, c := range n.Items() {
		if _, ok := c.Get("image").Text(); ok && !c.Get("name").IsZero() {
			all := y.Value(n)
			return &resource.Value{Kind: resource.Map, At: all.At, Fields: []resource.Field{{Name: "containerDefinitions", Value: all}}}, ""
		}
	}
	return nil, ""
}
