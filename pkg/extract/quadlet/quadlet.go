// Package quadlet finds the images of Podman's systemd units: *.container,
// *.image, *.build, *.pod, *.kube and *.volume, with their drop-ins.
//
// https://docs.podman.io/en/latest/markdown/podman-systemd.unit.5.html
package quadlet

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads units. It claims their drop-ins and the Dockerfiles that
// they build.
type Extractor struct{}

// kinds are the sections by the endings of the files that have them.
var kinds = map[string]string{
	".container": "Container", ".image": "Image", ".build": "Build", ".pod": "Pod", ".kube": "Kube", ".volume": "Volume",
}

// Match goes by the ending and a section of units; a drop-in by its folder.
func (Extractor) Match(p string, head []byte) bool {
	if path.Ext(p) == ".conf" {
		return kinds[dropInOf(p)] != "" && sectionLine().Match(head)
	}
	return kinds[path.Ext(p)] != "" && sectionLine().Match(head)
}

var sectionLine = lazy.Regexp(`(?m)^[ \t]*\[(?:Unit|Service|Install|Quadlet|Container|Image|Build|Pod|Kube|Volume)\][ \t]*\r?$`)

// dropInOf returns the ending of the units that a drop-in is for: ".container"
// of web.container.d/10.conf.
func dropInOf(p string) string {
	folder, ok := strings.CutSuffix(path.Base(path.Dir(p)), ".d")
	if !ok {
		return ""
	}
	if ext := path.Ext(folder); ext != "" {
		return ext
	}
	return "." + folder // container.d is for all
}

// Extract reads the unit at p with its drop-ins.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := &reader{fsys: fsys, dir: path.Dir(p), path: p, builds: dockerfile.Builds{FS: fsys}}
	u, err := r.load(p)
	if err != nil {
		return extract.Result{}, err
	}
	ext := path.Ext(p)
	if ext == ".conf" { // the unit that it is for may be elsewhere
		ext = dropInOf(p)
		r.dir = path.Dir(r.dir)
	} else {
		u = append(u, r.dropIns(p)...)
	}
	r.unit(kinds[ext], u)
	out := extract.Result{Found: r.builds.Settle(r.refs), Problems: append(r.problems, r.builds.Problems...)}
	out.Claims = append(r.claims, r.builds.Claims...)
	slices.Sort(out.Claims)
	out.Read = append(slices.Clone(out.Claims), r.read...)
	slices.Sort(out.Read)
	out.Read = slices.Compact(out.Read)
	return out, nil
}

type reader struct {
	fsys     fs.FS
	dir      string
	path     string
	builds   dockerfile.Builds
	refs     []written.Reference
	problems []extract.Problem
	claims   []string
	read     []string
}

func (r *reader) load(p string) (unit, error) {
	data, err := extract.ReadFile(r.fsys, p)
	if err != nil {
		return nil, err
	}
	if i := strings.IndexByte(string(data), 0); i >= 0 {
		return nil, fmt.Errorf("read %q: byte %d is NUL: no text", p, i)
	}
	f := written.NewFile(p, data)
	u, bad := parse(f)
	for i, b := range bad {
		start, _ := f.Line(b.line)
		if i == maxBad {
			r.problem(f.Origin(start, ""), fact.Limit, "more than %d lines that are none of a unit; the others are not named", maxBad)
			break
		}
		r.problem(f.Origin(start, ""), fact.Unsupported, "%s", b.why)
	}
	return u, nil
}

// maxBad bounds what is told of one broken file.
const maxBad = 100

// dropIns are the settings of folders beside a unit, in the order of their
// names: those for all units of the kind, for all that begin alike up to a dash,
// and for this one.
func (r *reader) dropIns(p string) unit {
	base, ext := path.Base(p), path.Ext(p)
	folders := []string{ext[1:] + ".d"}
	stem := strings.TrimSuffix(base, ext)
	for i, c := range stem {
		if c == '-' {
			folders = append(folders, stem[:i+1]+ext+".d")
		}
	}
	if i := strings.IndexByte(stem, '@'); i >= 0 && i+1 < len(stem) {
		folders = append(folders, stem[:i+1]+ext+".d")
	}
	folders = append(folders, base+".d")
	files := map[string]string{} // by name: the nearest folder wins
	for _, folder := range folders {
		entries, err := fs.ReadDir(r.fsys, path.Join(r.dir, folder))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !e.IsDir() && path.Ext(e.Name()) == ".conf" {
				files[e.Name()] = path.Join(r.dir, folder, e.Name())
			}
		}
	}
	var out unit
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		u, err := r.load(files[name])
		if err != nil {
			r.problem(fileOrigin(files[name]), dockerfile.CauseOf(err), "%v", err)
			continue
		}
		out = append(out, u...)
		if path.Base(path.Dir(files[name])) == base+".d" { // the others are for more units
			r.claims = append(r.claims, files[name])
		} else {
			r.read = append(r.read, files[name])
		}
	}
	return out
}

func (r *reader) problem(at ref.Origin, c fact.Cause, format string, args ...any) {
	r.problems = append(r.problems, extract.Problem{Origin: at, Cause: c, Why: fmt.Sprintf(format, args...)})
}

func fileOrigin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p} }

func (a assignment) origin() ref.Origin {
	start, _ := a.file.Line(a.line)
	if f, at := a.value.Place(0); f == a.file {
		start = at
	}
	return a.file.Origin(start, "")
}
