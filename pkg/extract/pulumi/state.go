package pulumi

import (
	"io/fs"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// readJSON reads a preview or an export. Nobody changes those by hand: what is
// found has no place to write to.
func readJSON(fsys fs.FS, p string) (extract.Result, error) {
	file, docs, problems, err := open(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	s := &resource.Sink{}
	y := resource.YAML{File: file}
	y.Special = func(n yamlpos.Node) (*resource.Value, bool) { return special(y, n) }
	for _, d := range docs {
		for _, r := range d.Root().Get("deployment", "resources").Items() {
			state(s, y, r)
		}
		for _, step := range d.Root().Get("steps").Items() {
			switch step.Get("op").String() {
			case "delete", "delete-replaced", "discard", "discard-replaced", "read-discard":
			default:
				state(s, y, step.Get("newState"))
			}
		}
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

func state(s *resource.Sink, y resource.YAML, n yamlpos.Node) {
	kind := n.Get("type").String()
	deleted, _ := n.Get("delete").Bool()
	if kind == "" || strings.HasPrefix(kind, "pulumi:") || deleted {
		return
	}
	urn := n.Get("urn").String()
	name := urn[strings.LastIndex(urn, "::")+1:]
	name = strings.TrimPrefix(name, ":")
	inputs := n.Get("inputs")
	if inputs.IsZero() {
		inputs = n.Get("outputs")
	}
	body := y.Value(inputs)
	if body.Kind == resource.Null || inputs.IsZero() {
		body = &resource.Value{Kind: resource.Map, At: y.Place(n.Get("type"))}
	}
	s.Read(resource.Resource{Type: kind, Name: name, Path: kind + "::" + name, Body: body})
}

// What stands for a value that is not known yet, and the key of one that is not to
// be seen.
//
// https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
const (
	unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	signature   = "4dabf18193072939515e22adb298388d"
)

func special(y resource.YAML, n yamlpos.Node) (*resource.Value, bool) {
	const later = "it is known only when it is deployed"
	s := n.String()
	switch {
	case s == unknownText:
		return resource.NotKnown(y.Place(n), y.Text(n), later), true
	case strings.Contains(s, unknownText):
		v := &resource.Value{Kind: resource.Scalar, Text: y.Text(n), At: y.Place(n)}
		for at := 0; ; at += len(unknownText) {
			i := strings.Index(s[at:], unknownText)
			if i < 0 {
				return v, true
			}
			at += i
			v.Holes = append(v.Holes, resource.Hole{Start: at, End: at + len(unknownText), Why: later})
		}
	case n.IsMap() && !n.Get(signature).IsZero():
		return resource.NotKnown(y.Place(n), y.Text(n.Get(signature)), "a secret, or a value of another kind than text"), true
	}
	return nil, false
}
