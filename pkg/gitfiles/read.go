package gitfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Reading is what the files of a range declare.
type Reading struct {
	// Touched is what HEAD declares and the base does not, as [Touched] has it. Its
	// Files and Passed are those of HEAD.
	Touched *extract.Tree
	// Declared counts the references at HEAD, touched or not.
	Declared int
	Notices  []Notice
}

// Options say how to read the files of one commit: what its .intact.yaml asks for.
// Of fsys they may depend on nothing but what they read through it.
type Options func(fsys fs.FS) (extract.Options, error)

// Read extracts what lies below starts at both ends and returns what the range
// touched. Each end is read by its own options. A start that is not at HEAD is a
// Notice; of a submodule that was moved, a Problem says that its files were not
// read. The error means that options failed at HEAD, or that ctx ended.
func (r *Range) Read(ctx context.Context, starts []string, options Options) (*Reading, error) {
	out := &Reading{}
	baseSaw := record(r.base)
	before, baseErr := options(baseSaw)
	after, err := before, baseErr
	sameRules := baseSaw.same(r.head)
	if !sameRules {
		after, err = options(r.head)
	}
	if err != nil {
		return nil, err
	}
	if baseErr != nil {
		out.notice("", "the base of the range is read by the rules of HEAD; its own cannot be: "+baseErr.Error())
		before, sameRules = after, true
	}
	changes, err := r.diff(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare the commits %s and %s: %w", r.Base, r.Head, err)
	}

	m := newMemory()
	if !sameRules {
		m = nil
	}
	base, err := r.walk(ctx, r.base, r.present(r.base, starts, nil), before, m)
	if err != nil {
		return nil, err
	}
	here := r.present(r.head, starts, out)
	head, err := r.walk(ctx, r.head, here, after, m)
	if err != nil {
		return nil, err
	}
	head.Problems = append(head.Problems, submodules(changes, here, after.Excludes)...)

	change := Change{Renamed: renames(changes), Reread: func(p extract.Problem) bool {
		return m == nil || m.fresh[p.Origin.Where] || r.changed(p.Origin.Where)
	}}
	r.uncommittedNotice(ctx, here, out)
	out.Declared = len(head.Found)
	out.Touched = Touched(base, head, change)
	out.Notices = append(out.Notices, silenced(base, out.Touched, change.Renamed)...)
	if !sameRules {
		all, err := r.walk(ctx, r.head, here, before, nil)
		if err != nil {
			return nil, err
		}
		out.Notices = append(out.Notices, hidden(all, head)...)
	}
	return out, nil
}

func (out *Reading) notice(where, why string) {
	n := Notice{Why: why}
	if where != "" {
		n.Origin = ref.Origin{Kind: "file", Where: where}
	}
	out.Notices = append(out.Notices, n)
}

// present are the starts that are in f. Of those that are not at HEAD out is told;
// what cannot be reached there for another reason, the walk says.
func (r *Range) present(f *treeFS, starts []string, out *Reading) []string {
	var here []string
	for _, s := range starts {
		s = path.Clean(s)
		_, err := f.find("open", s, true)
		switch {
		case err == nil || out != nil && !errors.Is(err, fs.ErrNotExist):
			here = append(here, s)
		case out != nil:
			out.notice(s, "not in the commit at HEAD: a range holds what is committed")
		}
	}
	return here
}

// walk reads one end. Pointers of Git LFS that stand for what is binary anyway are
// passed over.
func (r *Range) walk(ctx context.Context, f *treeFS, starts []string, o extract.Options, m *memory) (*extract.Tree, error) {
	o.Tracked = true
	if m != nil {
		o.Extractors = m.wrap(o.Extractors, f == r.head)
	}
	t, err := extract.Walk(ctx, f, starts, o)
	if err != nil {
		return nil, err
	}
	t.Problems = slices.DeleteFunc(t.Problems, func(p extract.Problem) bool {
		pass := p.Why == errLFS.Error() && passes(p.Origin.Where)
		if pass {
			t.Passed.Binary++
		}
		return pass
	})
	for i, p := range t.Problems {
		if strings.HasSuffix(p.Why, errLFS.Error()) {
			t.Problems[i].Cause = fact.Unsupported
		}
	}
	return t, nil
}

// renames are the files that only changed their names, from the new to the old.
func renames(changes object.Changes) map[string]string {
	found, err := object.DetectRenames(slices.Clone(changes), &object.DiffTreeOptions{DetectRenames: true, OnlyExactRenames: true})
	if err != nil {
		return nil // then what was renamed was touched
	}
	out := map[string]string{}
	for _, c := range found {
		if c.From.Name != "" && c.To.Name != "" && c.From.Name != c.To.Name && c.From.TreeEntry.Hash == c.To.TreeEntry.Hash {
			out[c.To.Name] = c.From.Name
		}
	}
	return out
}

// submodules are problems for those below starts that the range added or moved to
// another commit.
func submodules(changes object.Changes, starts, excludes []string) []extract.Problem {
	var patterns []gitignore.Pattern
	for _, e := range excludes {
		patterns = append(patterns, gitignore.ParsePattern(e, nil))
	}
	excluded := gitignore.NewMatcher(patterns)
	var out []extract.Problem
	for _, c := range changes {
		to := c.To
		if to.TreeEntry.Mode != filemode.Submodule || excluded.Match(strings.Split(to.Name, "/"), true) ||
			!below(to.Name, starts) {
			continue
		}
		why := fmt.Sprintf("a submodule that the range moved to %s: its files are in a repository of its own and were not read", to.TreeEntry.Hash)
		out = append(out, problemAt(to.Name, fact.Unsupported, why))
	}
	return out
}
