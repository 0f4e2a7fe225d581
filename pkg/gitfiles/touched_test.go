package gitfiles_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gitfiles"
	"github.com/intact-dev/intact/pkg/ref"
)

func at(line int) ref.Origin { return ref.Origin{Kind: "file", Where: "f", Line: line, Column: 3} }

// Every part of what a reference says makes another one of it; its place does not.
func TestWhatMakesAReferenceAnotherOne(t *testing.T) {
	t.Parallel()
	user := int64(7)
	one := func(change func(*extract.Found)) *extract.Tree {
		f := extract.Found{
			Raw: "a:1", Ref: ref.Ref{Name: "a", Tag: "1"}, Kind: ref.KindImage, Origin: at(1), Related: []ref.Origin{at(5)},
			Site: &extract.Site{File: "f", Start: 1, End: 4, Style: extract.StyleReference}, Workload: extract.Workload{Kind: "Pod", Name: "p"},
			Settings: &fact.Settings{}, Ignored: []extract.Ignore{{Check: "REF001", Reason: "why", Line: 1}},
		}
		if change != nil {
			change(&f)
		}
		return &extract.Tree{Found: []extract.Found{f}}
	}
	for name, tt := range map[string]struct {
		change func(*extract.Found)
		want   int
	}{
		"nothing": {nil, 0},
		"the line": {func(f *extract.Found) {
			f.Origin, f.Related, f.Ignored = at(9), []ref.Origin{at(8)}, []extract.Ignore{{Check: "REF001", Reason: "why", Line: 9}}
			f.Site = &extract.Site{File: "f", Start: 10, End: 14, Style: extract.StyleReference}
		}, 0},
		"the file":       {func(f *extract.Found) { f.Origin.Where = "g" }, 1},
		"the path":       {func(f *extract.Found) { f.Origin.Path = "spec" }, 1},
		"the text":       {func(f *extract.Found) { f.Raw = "a:$X" }, 1},
		"the digest":     {func(f *extract.Found) { f.Ref.Digest = ref.Digest("sha256:" + strings.Repeat("1", 64)) }, 1},
		"the kind":       {func(f *extract.Found) { f.Kind = ref.KindArtifact }, 1},
		"the class":      {func(f *extract.Found) { f.Class = "floating" }, 1},
		"unresolved":     {func(f *extract.Found) { f.Unresolved = "X is not set" }, 1},
		"another part":   {func(f *extract.Found) { f.Related = nil }, 1},
		"the site":       {func(f *extract.Found) { f.Site = nil }, 1},
		"the workload":   {func(f *extract.Found) { f.Workload.Namespace = "n" }, 1},
		"the container":  {func(f *extract.Found) { f.Container = "c" }, 1},
		"the role":       {func(f *extract.Found) { f.Role = "init" }, 1},
		"the settings":   {func(f *extract.Found) { f.Settings = &fact.Settings{RunAsUser: &user} }, 1},
		"the platform":   {func(f *extract.Found) { f.Platform.OS = "windows" }, 1},
		"another ignore": {func(f *extract.Found) { f.Ignored = nil }, 1},
		"another reason": {func(f *extract.Found) { f.Ignored = []extract.Ignore{{Check: "REF001", Reason: "because"}} }, 1},
	} {
		if got := gitfiles.Touched(one(nil), one(tt.change), gitfiles.Change{}); len(got.Found) != tt.want {
			t.Errorf("%s: %d touched, want %d", name, len(got.Found), tt.want)
		}
	}
}

func TestOfThoseThatAreAlikeAllAreTouched(t *testing.T) {
	t.Parallel()
	tree := func(n int) *extract.Tree {
		out := &extract.Tree{}
		for i := range n {
			out.Found = append(out.Found, extract.Found{Raw: "a:1", Origin: at(i)})
			out.Objects = append(out.Objects, extract.Object{Origin: at(i), Fact: fact.Object{Kind: fact.ObjectRegistry, Name: "r"}})
		}
		return out
	}
	for _, tt := range []struct{ base, head, want int }{{1, 1, 0}, {1, 2, 2}, {2, 1, 0}, {0, 1, 1}} {
		got := gitfiles.Touched(tree(tt.base), tree(tt.head), gitfiles.Change{})
		if len(got.Found) != tt.want || len(got.Objects) != tt.want {
			t.Errorf("%d before, %d now: %d and %d touched, want %d", tt.base, tt.head, len(got.Found), len(got.Objects), tt.want)
		}
	}
}

func TestAnObjectIsTouchedByWhatItSays(t *testing.T) {
	t.Parallel()
	one := func(m fact.Mutability, line int) *extract.Tree {
		return &extract.Tree{Objects: []extract.Object{{Origin: at(line), Fact: fact.Object{Kind: fact.ObjectRegistry, TagsMutable: m}}}}
	}
	if got := gitfiles.Touched(one(fact.TagsImmutable, 1), one(fact.TagsMutable, 1), gitfiles.Change{}); len(got.Objects) != 1 {
		t.Error("one that is mutable now is not touched")
	}
	if got := gitfiles.Touched(one(fact.TagsMutable, 1), one(fact.TagsMutable, 2), gitfiles.Change{}); len(got.Objects) != 0 {
		t.Error("one that only moved is touched")
	}
}

func TestProblemsCountUnlessTheyAreKnownToBeTheSame(t *testing.T) {
	t.Parallel()
	tree := &extract.Tree{Problems: []extract.Problem{{Origin: at(1), Cause: fact.Unsupported, Why: "not YAML"}}}
	never := func(extract.Problem) bool { return false }
	for _, tt := range []struct {
		name string
		base *extract.Tree
		c    gitfiles.Change
		want int
	}{{"nothing is known", tree, gitfiles.Change{}, 1}, {"the same", tree, gitfiles.Change{Reread: never}, 0}, {"new", &extract.Tree{}, gitfiles.Change{Reread: never}, 1}} {
		if got := gitfiles.Touched(tt.base, tree, tt.c); len(got.Problems) != tt.want {
			t.Errorf("%s: %d problems, want %d", tt.name, len(got.Problems), tt.want)
		}
	}
}

// A failing extractor fails, or panics, on what another file says.
type failing struct{ panics bool }

func (failing) Match(p string, _ []byte) bool { return strings.HasSuffix(p, ".main") }

func (f failing) Extract(fsys fs.FS, p string) (extract.Result, error) {
	if _, err := fs.Stat(fsys, "part"); err != nil && f.panics {
		panic("on purpose")
	}
	return extract.Result{}, errors.New("cannot be put together")
}

func TestAFileThatFailsCountsIfAPartOfItChanged(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(files{"a.main": "1", "other": "1"}, files{"a.main": "1", "other": "2"}, files{"a.main": "1", "other": "2", "part": "1"})
	for _, x := range []failing{{false}, {true}} {
		for i, want := range [][]string{nil, {"a.main: cannot be put together"}} {
			r.ref("refs/heads/main", c[i+1])
			got, err := r.open(c[i].String()).Read(t.Context(), []string{"."}, func(fs.FS) (extract.Options, error) {
				return extract.Options{Extractors: []extract.Extractor{x}}, nil
			})
			r.must(err)
			if d := cmp.Diff(want, problems(got)); d != "" {
				t.Errorf("panics %v, commit %d: %s", x.panics, i+1, d)
			}
		}
	}
	// One that panics anew is not taken for one that finds nothing.
	r.ref("refs/heads/main", r.commit(files{"a.main": "1", "other": "2"}, c[2]))
	got, err := r.open(c[2].String()).Read(t.Context(), []string{"."}, func(fs.FS) (extract.Options, error) {
		return extract.Options{Extractors: []extract.Extractor{failing{true}}}, nil
	})
	r.must(err)
	if d := cmp.Diff([]string{"a.main: the extractor panicked: on purpose"}, problems(got)); d != "" {
		t.Error(d)
	}
}
