package helm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/ignore"
	"sigs.k8s.io/yaml"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// A file is one of a chart.
type file struct {
	name string // as the loader of charts takes it: charts/sub/templates/x.yaml
	path string // in the tree; of one in an archive, that of the archive
	data []byte // without a byte order mark
	was  []byte // with it

	packed bool // in an archive
	number int  // in the folder, from 1; 0 = a values file
}

// A folder is a chart with all that it is rendered from.
type folder struct {
	fsys     fs.FS
	dir      string
	files    []*file
	read     []string
	claims   []string // values files
	size     int
	problems []extract.Problem
}

const (
	maxFiles = 20_000
	maxSize  = 64 << 20 // of all files, those in archives unpacked; most charts have less than 1 MiB
	maxLinks = 8        // to folders in folders that are linked to, and charts in charts
)

func readFolder(fsys fs.FS, dir string) *folder {
	f := &folder{fsys: fsys, dir: dir}
	f.chart(dir, "", nil)
	return f
}

// chart reads the chart in dir, and those beside it that it names by file://.
func (f *folder) chart(dir, prefix string, above []string) {
	rules := ignore.Empty()
	if b, err := extract.ReadFile(f.fsys, path.Join(dir, ignore.HelmIgnore)); err == nil {
		parsed, err := ignore.Parse(bytes.NewReader(b))
		if err != nil {
			f.problem(path.Join(dir, ignore.HelmIgnore), err)
		} else {
			rules = parsed
		}
		f.read = append(f.read, path.Join(dir, ignore.HelmIgnore))
	}
	rules.AddDefaults()
	before := len(f.files)
	f.walk(dir, "", prefix, rules, true, 0)
	// What is no part of a chart is read for templates that ask for it: a chart may
	// be the root of a whole repository.
	if slices.ContainsFunc(f.files[before:], func(x *file) bool { return bytes.Contains(x.data, []byte("Files")) }) {
		f.walk(dir, "", prefix, rules, false, 0)
	}
	var meta struct {
		Dependencies []struct{ Name, Repository string }
	}
	i := slices.IndexFunc(f.files, func(x *file) bool { return x.name == prefix+chartFile })
	if i < 0 || yaml.Unmarshal(f.files[i].data, &meta) != nil {
		return // the loader says why
	}
	for _, d := range meta.Dependencies {
		to, ok := strings.CutPrefix(d.Repository, "file://")
		sub := prefix + "charts/" + d.Name
		if !ok || slices.ContainsFunc(f.files, func(x *file) bool { return strings.HasPrefix(x.name, sub+"/") || strings.HasPrefix(x.name, sub+"-") }) {
			continue
		}
		to = path.Join(dir, to)
		if !fs.ValidPath(to) || slices.Contains(above, to) || to == dir || len(above) == maxLinks {
			continue // it is missing
		}
		if _, err := fs.Stat(f.fsys, path.Join(to, chartFile)); err == nil {
			f.chart(to, sub+"/", append(above[:len(above):len(above)], dir))
		}
	}
}

// walk reads what is in the folder rel of dir: the parts of a chart, or all else.
func (f *folder) walk(dir, rel, prefix string, rules *ignore.Rules, parts bool, links int) {
	at := path.Join(dir, rel)
	entries, err := fs.ReadDir(f.fsys, at)
	if err != nil {
		f.problem(at, fmt.Errorf("read folder %q: %w", at, cause(err)))
		return
	}
	for _, e := range entries {
		name, p := path.Join(rel, e.Name()), path.Join(at, e.Name())
		if part(name) != parts {
			continue
		}
		info, err := fs.Stat(f.fsys, p)
		if err != nil {
			f.problem(p, fmt.Errorf("read %q: %w", p, cause(err)))
			continue
		}
		if rules.Ignore(name, info) || name == ".git" {
			continue
		}
		switch {
		case info.IsDir():
			below := links
			if e.Type()&fs.ModeSymlink != 0 {
				below++
			}
			if below > maxLinks {
				f.problem(p, &limits.ExceededError{What: "links to folders in a chart", Limit: maxLinks})
				continue
			}
			f.walk(dir, name, prefix, rules, parts, below)
		case !info.Mode().IsRegular():
			f.problem(p, fmt.Errorf("%q is no regular file", p))
		default:
			f.add(prefix+name, p)
		}
	}
}

// part reports whether a file or folder is one that every chart has a use for.
func part(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first == "templates" || first == "charts" || first == "crds" || name == chartFile || name == "values.yaml" || name == "requirements.yaml"
}

func (f *folder) add(name, p string) {
	data, err := extract.ReadFile(f.fsys, p)
	if err != nil {
		f.problem(p, err)
		return
	}
	if p != path.Join(f.dir, chartFile) {
		f.read = append(f.read, p)
	}
	if packed(name) {
		f.unpack(name, p, data, 0)
		return
	}
	f.put(&file{name: name, path: p, was: data})
}

// packed reports whether name is that of a chart in an archive.
func packed(name string) bool {
	return path.Ext(name) == ".tgz" && path.Base(path.Dir(name)) == "charts"
}

// unpack puts what is in an archive as if it were a folder.
func (f *folder) unpack(name, p string, data []byte, depth int) {
	if depth > maxLinks {
		f.problem(p, &limits.ExceededError{What: "archives in archives", Limit: maxLinks})
		return
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		f.problem(p, fmt.Errorf("read archive %q: %w", p, err))
		return
	}
	for _, x := range files {
		inner := name + ".d/" + x.Name
		if packed(inner) {
			f.unpack(inner, p, x.Data, depth+1)
			continue
		}
		if !f.put(&file{name: inner, path: p, was: x.Data, packed: true}) {
			return
		}
	}
}

func (f *folder) put(x *file) bool {
	x.data = bytes.TrimPrefix(x.was, []byte("\xef\xbb\xbf"))
	if len(x.data) == 0 {
		x.data = []byte("\n") // so that it is known by its place in memory
	}
	f.size += len(x.data)
	switch {
	case len(f.files) == maxFiles:
		f.problem(f.dir, &limits.ExceededError{What: "files of a chart", Limit: maxFiles})
	case f.size > maxSize:
		f.problem(f.dir, &limits.ExceededError{What: "size of a chart", Limit: maxSize})
	default:
		f.files = append(f.files, x)
		x.number = len(f.files)
		return true
	}
	return false
}

func (f *folder) problem(p string, err error) {
	o := origin(p)
	if p == f.dir {
		o = origin(path.Join(p, chartFile))
	}
	x := extract.Problem{Origin: o, Cause: causeOf(err), Why: err.Error()}
	if !slices.Contains(f.problems, x) {
		f.problems = append(f.problems, x)
	}
}

// result says what else was read, and what the chart stands for.
func (f *folder) result(r *extract.Result) {
	r.Read = append(r.Read, f.read...)
	slices.Sort(r.Read)
	r.Read = slices.Compact(r.Read)
	r.Claims = append(r.Claims, f.claims...)
	for _, p := range f.read {
		rel, ok := strings.CutPrefix(p, f.dir+"/")
		if f.dir == "." {
			rel, ok = p, true
		}
		if ok && part(rel) {
			r.Claims = append(r.Claims, p)
		}
	}
	slices.Sort(r.Claims)
	r.Claims = slices.Compact(r.Claims)
}

func origin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p, Line: 1, Column: 1} }

func causeOf(err error) fact.Cause {
	if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
		return fact.Limit
	}
	return fact.Unsupported
}

func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

func compare(a, b ref.Origin) int {
	return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
