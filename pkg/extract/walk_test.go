package extract_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A lines extractor finds a reference on every line of files with its suffix;
// "claims X" claims the file X, "has X" finds X in the file x, "gone X" misses it
// there, "panic" panics, "broken" fails.
type lines string

func (l lines) Match(p string, _ []byte) bool { return strings.HasSuffix(p, string(l)) }

func (l lines) Extract(fsys fs.FS, p string) (extract.Result, error) {
	b, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	var r extract.Result
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "claims":
			r.Claims = append(r.Claims, rest)
		case "has":
			at := ref.Origin{Kind: "file", Where: "x", Line: 1, Column: len(rest)}
			r.Found = append(r.Found, extract.Found{Raw: rest, Kind: ref.KindImage, Origin: at, Related: []ref.Origin{{Kind: "file", Where: p, Line: i + 1}}})
			r.Problems = append(r.Problems, extract.Problem{Origin: at, Cause: fact.Unsupported, Why: "bad " + rest})
			r.Objects = append(r.Objects, extract.Object{Origin: at, Fact: fact.Object{Name: rest}})
		case "gone":
			r.Notices = append(r.Notices, extract.Notice{Origin: ref.Origin{Kind: "file", Where: "x", Line: 1, Column: len(rest)}, Raw: rest, Why: "gone"})
		case "panic":
			panic("on purpose")
		case "broken":
			return r, &extract.PositionError{Line: i + 1, Column: 1, Err: errors.New("broken")}
		default:
			r.Found = append(r.Found, extract.Found{Raw: line, Kind: ref.KindImage, Origin: ref.Origin{Kind: "file", Where: p, Line: i + 1}})
		}
	}
	return r, nil
}

func walk(t *testing.T, fsys fs.FS, o extract.Options, starts ...string) *extract.Tree {
	t.Helper()
	if len(starts) == 0 {
		starts = []string{"."}
	}
	tree, err := extract.Walk(t.Context(), fsys, starts, o)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func raws(tree *extract.Tree) []string {
	var out []string
	for _, f := range tree.Found {
		out = append(out, f.Origin.Where+" "+f.Raw)
	}
	return out
}

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func TestWalkPassesOverAndCounts(t *testing.T) {
	t.Parallel()
	fsys := files(
		"a.img", "one\ntwo", "sub/b.img", "three", "logo.png", "\x89PNG\x00", "notes.md", "words",
		"node_modules/x.img", "no", "vendor/x.img", "no", ".gitignore", "ignored.img\nout/", "ignored.img", "no", "out/x.img", "no",
		"sub/.gitignore", "/local.img", "sub/local.img", "no", "local.img", "yes", "skip/x.img", "no",
		".git/HEAD", "ref: refs/heads/main", // nothing is tracked yet
	)
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".img")}, Excludes: []string{"skip/"}})
	if d := cmp.Diff([]string{"a.img one", "a.img two", "local.img yes", "sub/b.img three"}, raws(tree)); d != "" {
		t.Error(d)
	}
	want := extract.Passed{Other: 3, Binary: 1, Vendored: 2, Ignored: 3, Excluded: 1}
	if d := cmp.Diff(want, tree.Passed); d != "" || tree.Files != 3 {
		t.Errorf("passed over: %s; %d files read", d, tree.Files)
	}
}

func TestInACommitNothingIsIgnored(t *testing.T) {
	t.Parallel()
	fsys := files("a.img", "one", ".gitignore", "a.img\n")
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".img")}, Tracked: true})
	if d := cmp.Diff([]string{"a.img one"}, raws(tree)); d != "" || tree.Passed.Ignored != 0 {
		t.Errorf("%s%+v", d, tree.Passed)
	}
}

// A submodule that is not checked out is an empty folder: nothing in it was read.
func TestASubmoduleThatIsNotCheckedOutIsNoEmptyFolder(t *testing.T) {
	t.Parallel()
	const modules = "[submodule \"deploy\"]\n\tpath = deploy\n\turl = ../deploy\n"
	o := extract.Options{Extractors: []extract.Extractor{lines(".img")}}
	for name, tt := range map[string]struct {
		fsys     fstest.MapFS
		start    string
		o        extract.Options
		problems int
	}{
		"empty":         {files(".gitmodules", modules), ".", o, 1},
		"named":         {files(".gitmodules", modules), "deploy", o, 1},
		"checked out":   {files(".gitmodules", modules, "deploy/a.img", "one"), ".", o, 0},
		"of a commit":   {files(".gitmodules", modules), ".", extract.Options{Extractors: o.Extractors, Tracked: true}, 0},
		"left out":      {files(".gitmodules", modules), ".", extract.Options{Extractors: o.Extractors, Excludes: []string{"deploy/"}}, 0},
		"another empty": {files("a.img", "one"), ".", o, 0},
	} {
		if _, whole := tt.fsys["deploy/a.img"]; !whole {
			tt.fsys["deploy"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		}
		if tree := walk(t, tt.fsys, tt.o, tt.start); len(tree.Problems) != tt.problems {
			t.Errorf("%s: %+v", name, tree.Problems)
		}
	}
}

// What was unpacked without Git may hold files that Git tracks: a line in
// .gitignore must not hide them.
func TestWithoutGitNothingIsIgnored(t *testing.T) {
	t.Parallel()
	fsys := files("deploy/a.img", "one", ".gitignore", "deploy/\n")
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if d := cmp.Diff([]string{"deploy/a.img one"}, raws(tree)); d != "" || tree.Passed.Ignored != 0 {
		t.Errorf("%s%+v", d, tree.Passed)
	}
}

func TestAStartIsReadWhateverIsIgnored(t *testing.T) {
	t.Parallel()
	fsys := files("a.img", "one", ".gitignore", "a.img", ".git/HEAD", "ref: refs/heads/main")
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".img")}, Excludes: []string{"a.img"}}, "a.img", "a.img")
	if d := cmp.Diff([]string{"a.img one"}, raws(tree)); d != "" {
		t.Error(d)
	}
	if _, err := extract.Walk(t.Context(), fsys, []string{"gone"}, extract.Options{}); err == nil || !strings.Contains(err.Error(), `read "gone"`) {
		t.Errorf("a start that is not there: %v", err)
	}
}

func TestWhatAnOverlayClaimsDoesNotStandForItself(t *testing.T) {
	t.Parallel()
	fsys := files("base/k.over", "app", "base/d.img", "raw", "prod/k.over", "claims base/k.over\nclaims base/d.img\napp:1",
		"x/k.over", "claims y/k.over\nx", "y/k.over", "claims x/k.over\ny")
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".over"), lines(".img")}})
	if d := cmp.Diff([]string{"prod/k.over app:1", "x/k.over x", "y/k.over y"}, raws(tree)); d != "" {
		t.Error(d)
	}
	if tree.Files != 5 {
		t.Errorf("%d files read", tree.Files)
	}
}

func TestOneBadFileDoesNotTakeTheOthers(t *testing.T) {
	t.Parallel()
	fsys := files("a.img", "one", "b.img", "x\nbroken", "c.img", "panic", "d.img", "two")
	fsys["e.img"] = &fstest.MapFile{Data: make([]byte, 17<<20)}
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if d := cmp.Diff([]string{"a.img one", "b.img x", "d.img two"}, raws(tree)); d != "" {
		t.Error(d)
	}
	var got []string
	for _, p := range tree.Problems {
		got = append(got, p.Origin.Where+" "+string(p.Cause))
	}
	want := []string{"b.img " + string(fact.Unsupported), "c.img " + string(fact.Internal), "e.img " + string(fact.Limit)}
	if d := cmp.Diff(want, got); d != "" || tree.Problems[0].Origin.Line != 2 {
		t.Errorf("%s%+v", d, tree.Problems)
	}
}

func TestALinkOutOfTheTreeIsAProblem(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.img"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"out.img": filepath.Join(outside, "x.img"), "loop.img": "loop.img", "in.img": "real.img"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "real.img"), []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	tree := walk(t, root.FS(), extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if d := cmp.Diff([]string{"in.img one", "real.img one"}, raws(tree)); d != "" {
		t.Error(d)
	}
	if len(tree.Problems) != 2 || tree.Problems[0].Origin.Where != "loop.img" || tree.Problems[1].Origin.Where != "out.img" {
		t.Errorf("%+v", tree.Problems)
	}
}

// A line in .gitignore does not hide what is in the repository.
func TestTrackedFilesAreReadThoughIgnored(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{".gitignore": "*.img\nd/\n", "tracked.img": "one", "d/t.img": "two", "local.img": "no"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-f", "tracked.img", "d/t.img"}} {
		c := exec.CommandContext(t.Context(), git, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	tree := walk(t, os.DirFS(dir), extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if got := raws(tree); !slices.Equal(got, []string{"d/t.img two", "tracked.img one"}) || tree.Passed.Ignored != 1 {
		t.Errorf("%q, %+v", got, tree.Passed)
	}
}

// Two overlays have one base: what they make the same of it is one thing.
func TestWhatIsFoundTwiceInOnePlaceIsThereOnce(t *testing.T) {
	t.Parallel()
	tree := walk(t, files("a.img", "has one\nhas three", "b.img", "has one\nhas two"), extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if d := cmp.Diff([]string{"x one", "x two", "x three"}, raws(tree)); d != "" {
		t.Error(d)
	}
	if r := tree.Found[0].Related; len(r) != 2 || r[0].Where != "a.img" || r[1].Where != "b.img" {
		t.Errorf("the places where it is used: %+v", r)
	}
	if len(tree.Problems) != 3 || len(tree.Objects) != 3 {
		t.Errorf("problems %+v, objects %+v", tree.Problems, tree.Objects)
	}
}

// What one overlay deletes another may have.
func TestANoticeStaysIfNobodyHasTheImage(t *testing.T) {
	t.Parallel()
	tree := walk(t, files("a.img", "gone one\ngone three", "b.img", "has one\ngone three"), extract.Options{Extractors: []extract.Extractor{lines(".img")}})
	if len(tree.Notices) != 1 || tree.Notices[0].Raw != "three" {
		t.Errorf("%+v", tree.Notices)
	}
}

// Who names a folder means it, whatever the repository says of it.
func TestAFolderThatIsNamedIsReadThoughExcludedOrIgnored(t *testing.T) {
	t.Parallel()
	fsys := files(".git/HEAD", "ref: refs/heads/main", ".gitignore", "out/\n", "out/a.img", "one", "skip/b.img", "two", "skip/no/c.img", "three", "other/d.img", "four")
	o := extract.Options{Extractors: []extract.Extractor{lines(".img")}, Excludes: []string{"skip/", "other/"}}
	for _, starts := range [][]string{{".", "out", "skip"}, {"out", "skip", "."}} {
		tree := walk(t, fsys, o, starts...)
		if d := cmp.Diff([]string{"out/a.img one", "skip/b.img two", "skip/no/c.img three"}, raws(tree)); d != "" {
			t.Errorf("%v: %s", starts, d)
		}
	}
}
