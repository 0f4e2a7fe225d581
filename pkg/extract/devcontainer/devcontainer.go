// Package devcontainer finds what a development container is made of: its image
// or what its Dockerfile builds on, and its features, which are artifacts.
//
// https://containers.dev/implementors/json_reference/
package devcontainer

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads devcontainer.json and devcontainer-feature.json. It claims
// the Dockerfile that they build.
type Extractor struct{}

// Match goes by the name.
func (Extractor) Match(p string, _ []byte) bool {
	switch path.Base(p) {
	case "devcontainer.json", ".devcontainer.json", "devcontainer-feature.json":
		return true
	}
	return false
}

// Extract reads the file at p. Compose files that it names are read for
// themselves.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	// Comments become blanks: all else stays where it is.
	open, err := yamlpos.Open(plain(data))
	if err != nil {
		return extract.Result{}, err
	}
	r := &reader{file: written.NewFile(p, data), dir: path.Dir(p), fsys: fsys, builds: dockerfile.Builds{FS: fsys}}
	if yamlpos.UTF16(data) {
		return extract.Result{}, &extract.PositionError{Line: 1, Column: 1, Err: fmt.Errorf("read %q: it is UTF-16; a devcontainer.json is UTF-8", p)}
	}
	for doc, err := range open.Docs(nil) {
		if err != nil {
			r.problems = append(r.problems, yamlpos.Problem(p, err))
			continue
		}
		r.document(doc.Root())
		for _, e := range doc.Problems() {
			r.problems = append(r.problems, yamlpos.Problem(p, e))
		}
	}
	out := extract.Result{Found: r.builds.Settle(r.refs), Problems: append(r.problems, r.builds.Problems...), Claims: r.builds.Claims}
	out.Read = slices.Clone(out.Claims)
	return out, nil
}

type reader struct {
	fsys     fs.FS
	file     *written.File
	dir      string
	builds   dockerfile.Builds
	refs     []written.Reference
	problems []extract.Problem
}

func (r *reader) document(root yamlpos.Node) {
	if !root.IsMap() {
		r.problem(root, fact.Unsupported, "it is no object")
		return
	}
	if f := r.reference(root.Get("image"), "image", ref.KindImage); f != nil {
		f.Role, f.Settings = fact.RoleMain, r.settings(root)
	}
	for _, key := range []string{"features", "dependsOn"} {
		for k := range root.Get(key).Fields() {
			r.feature(k, fmt.Sprintf("%s[%q]", key, k.String()))
		}
	}
	r.build(root)
	compose := root.Get("dockerComposeFile")
	for _, n := range append(items(compose), compose) {
		if name, ok := n.Text(); ok {
			r.there(n, name)
		}
	}
}

func items(n yamlpos.Node) []yamlpos.Node {
	var out []yamlpos.Node
	for _, i := range n.Items() {
		out = append(out, i)
	}
	return out
}

// there misses a Compose file that is not in the tree: it is read where it is.
func (r *reader) there(n yamlpos.Node, name string) {
	p, err := written.Inside(r.dir, name)
	if err != nil {
		r.problem(n, fact.Blocked, "the Compose file is not read: %v", err)
		return
	}
	if _, err := fs.Stat(r.fsys, p); err != nil {
		r.problem(n, dockerfile.CauseOf(err), "the Compose file %q is not read: it is not there", p)
	}
}

// feature: what is no reference is a folder, an archive, or a name of old for
// what came with the tool.
func (r *reader) feature(k yamlpos.Node, path string) {
	name := k.String()
	switch {
	case strings.HasPrefix(name, "./"), strings.HasPrefix(name, "../"):
		return
	case strings.HasPrefix(name, "https://"), strings.HasPrefix(name, "http://"):
		if f := r.reference(k, path, ref.KindArtifact); f != nil {
			f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "an archive that no registry has"
		}
	case !strings.Contains(name, "/"):
		if f := r.reference(k, path, ref.KindArtifact); f != nil {
			f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "a short name; which feature it means is up to the tool"
		}
	default:
		r.reference(k, path, ref.KindArtifact)
	}
}

func (r *reader) build(root yamlpos.Node) {
	name, args := root.Get("dockerFile"), root.Get("build", "args")
	if n := root.Get("build", "dockerfile"); !n.IsZero() {
		name = n
	}
	caches := root.Get("build", "cacheFrom")
	for i, n := range append(items(caches), caches) {
		if t, ok := dockerfile.CacheRef(r.file.YAML(n)); ok {
			r.note(n, t, fmt.Sprintf("build.cacheFrom[%d]", i), ref.KindArtifact)
		}
	}
	if name.IsZero() {
		return
	}
	b := dockerfile.Build{Args: map[string]written.Value{}}
	for k, v := range args.Fields() {
		b.Args[k.String()] = expand(r.file.YAML(v))
	}
	r.builds.Read(r.dir, written.Known(written.Made(".")), expand(r.file.YAML(name)), b, name.Origin(r.file.Path, ""))
}

func (r *reader) reference(n yamlpos.Node, path string, kind ref.Kind) *extract.Found {
	if _, ok := n.Text(); !ok {
		if !n.IsZero() {
			r.problem(n, fact.Unsupported, "an image is a text")
		}
		return nil
	}
	return r.note(n, r.file.YAML(n), path, kind)
}

func (r *reader) note(n yamlpos.Node, t written.Text, path string, kind ref.Kind) *extract.Found {
	v := expand(t)
	if v.Unresolved == "" && v.Text.Len() == 0 {
		v = written.Unknown(t, "it is empty")
	}
	p := n.Pos()
	offset := r.file.Offset(p.Line, p.Column)
	if f, at := t.Place(0); f != nil {
		offset = at
	}
	f := v.Found(kind, written.Use{File: r.file, Offset: offset, Path: path})
	f.Ignored = append(r.file.IgnoresBeside(p.Line, "//"), r.file.IgnoresAbove(p.Line, "//")...)
	r.refs = append(r.refs, written.Reference{Found: f, Text: v.Text})
	return &r.refs[len(r.refs)-1].Found
}

func (r *reader) problem(n yamlpos.Node, c fact.Cause, format string, args ...any) {
	r.problems = append(r.problems, extract.Problem{Origin: n.Origin(r.file.Path, ""), Cause: c, Why: fmt.Sprintf(format, args...)})
}

// settings are the few that the file has keys for.
func (r *reader) settings(root yamlpos.Node) *fact.Settings {
	s := &fact.Settings{Runtime: "docker", User: root.Get("containerUser").String()}
	s.Privileged, _ = root.Get("privileged").Bool()
	for _, n := range root.Get("capAdd").Items() {
		s.Capabilities = append(s.Capabilities, strings.TrimPrefix(strings.ToUpper(n.String()), "CAP_"))
	}
	slices.Sort(s.Capabilities)
	s.Capabilities = slices.Compact(s.Capabilities)
	return s
}
