package pin

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// verify reads the changed files again. Where they do not say what was meant, and
// all else as before, they stay: those that are wrong by themselves are found one
// by one.
func (p *planner) verify(ctx context.Context) error {
	if len(p.plan.Files) == 0 {
		return nil
	}
	why, err := p.differs(ctx, p.plan.Files)
	if err != nil || why == "" {
		return err
	}
	var good []File
	for _, f := range p.plan.Files {
		alone, err := p.differs(ctx, []File{f})
		switch {
		case err != nil:
			return err
		case alone != "":
			p.drop(f, alone)
		default:
			good = append(good, f)
		}
	}
	// Files that are right by themselves may be wrong together.
	if len(good) > 0 {
		if why, err = p.differs(ctx, good); err != nil {
			return err
		}
		if why != "" {
			for _, f := range good {
				p.drop(f, why)
			}
			good = nil
		}
	}
	p.plan.Files = good
	return nil
}

// drop leaves a file as it is.
func (p *planner) drop(f File, why string) {
	for _, g := range p.groups {
		if g.file == f.Name {
			p.stay(g, fact.Internal, "with the change the files would say something else than meant, so nothing is written: "+why)
		}
	}
}

// differs says what is not as meant once files are changed; "" if all is.
func (p *planner) differs(ctx context.Context, files []File) (string, error) {
	over := &overlay{FS: p.fsys, real: p.options.Real, files: map[string][]byte{}}
	changed := map[int]bool{}
	for _, f := range files {
		over.files[f.Name] = f.New
		for _, g := range p.groups {
			if g.file == f.Name && g.edit != nil {
				for _, i := range g.founds {
					changed[i] = true
				}
			}
		}
	}
	now, err := p.options.Walk(ctx, over)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return err.Error(), nil
	}
	return p.compare(now, changed), nil
}

// compare holds what is read after the change against what was before. Places
// move by what is written before them; their order does not.
func (p *planner) compare(now *extract.Tree, changed map[int]bool) string {
	was := p.tree
	switch {
	case len(now.Problems) > len(was.Problems):
		for _, problem := range now.Problems {
			if !slices.ContainsFunc(was.Problems, func(o extract.Problem) bool { return o.Why == problem.Why && o.Origin.Where == problem.Origin.Where }) {
				return fmt.Sprintf("%s:%d cannot be read any more: %s", problem.Origin.Where, problem.Origin.Line, problem.Why)
			}
		}
		return "something cannot be read any more"
	case len(now.Problems) != len(was.Problems):
		return fmt.Sprintf("%d problems instead of %d", len(now.Problems), len(was.Problems))
	case len(now.Found) != len(was.Found):
		return fmt.Sprintf("%d references instead of %d", len(now.Found), len(was.Found))
	case len(now.Objects) != len(was.Objects):
		return fmt.Sprintf("%d objects instead of %d", len(now.Objects), len(was.Objects))
	}
	for i := range was.Found {
		a, b := plainly(was.Found[i]), plainly(now.Found[i])
		wanted := was.Found[i].Ref
		if changed[i] {
			wanted = p.wants[i].ref
			// With a digest of its own a reference may be said to stand there.
			a.Raw, a.Related, a.Origin.Path = b.Raw, b.Related, b.Origin.Path
		}
		a.Ref = wanted
		if !reflect.DeepEqual(a, b) {
			if a.Ref != b.Ref {
				return fmt.Sprintf("%s would be read as %q, not as %q", at(&was.Found[i]), b.Ref, wanted)
			}
			return fmt.Sprintf("%s would be read differently otherwise", at(&was.Found[i]))
		}
	}
	for i := range was.Objects {
		if !reflect.DeepEqual(was.Objects[i].Fact, now.Objects[i].Fact) {
			return fmt.Sprintf("%s %q would be read differently", was.Objects[i].Fact.Type, was.Objects[i].Fact.Name)
		}
	}
	return ""
}

// plainly is f without its places within files.
func plainly(f extract.Found) extract.Found {
	strip := func(o ref.Origin) ref.Origin { o.Line, o.Column = 0, 0; return o }
	f.Origin = strip(f.Origin)
	related := make([]ref.Origin, len(f.Related))
	for i, o := range f.Related {
		related[i] = strip(o)
	}
	slices.SortFunc(related, func(a, b ref.Origin) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Path, b.Path)) })
	f.Related = slices.Compact(related)
	f.Site = nil
	ignored := make([]extract.Ignore, len(f.Ignored))
	for i, g := range f.Ignored {
		ignored[i] = extract.Ignore{Check: g.Check, Reason: g.Reason}
	}
	f.Ignored = ignored
	return f
}

// An overlay is a file system in which some files hold something else.
type overlay struct {
	fs.FS
	real  func(string) (string, error)
	files map[string][]byte
}

// Open implements fs.FS.
func (o *overlay) Open(name string) (fs.File, error) {
	b, ok := o.files[name]
	if !ok && o.real != nil {
		if real, err := o.real(name); err == nil {
			b, ok = o.files[real]
		}
	}
	if !ok {
		return o.FS.Open(name)
	}
	return &changedFile{Reader: bytes.NewReader(b), name: path.Base(name)}, nil
}

type changedFile struct {
	*bytes.Reader
	name string
}

// Close implements fs.File.
func (f *changedFile) Close() error { return nil }

// Stat implements fs.File.
func (f *changedFile) Stat() (fs.FileInfo, error) { return changedInfo{f.name, f.Reader.Size()}, nil }

type changedInfo struct {
	name string
	size int64
}

// Name implements fs.FileInfo.
func (i changedInfo) Name() string { return i.name }

// Size implements fs.FileInfo.
func (i changedInfo) Size() int64 { return i.size }

// Mode implements fs.FileInfo.
func (changedInfo) Mode() fs.FileMode { return 0o644 }

// ModTime implements fs.FileInfo.
func (changedInfo) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (changedInfo) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (changedInfo) Sys() any { return nil }
