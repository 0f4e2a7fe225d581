package gitfiles_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/gitfiles"
)

// refused opens a range that there is none of.
func (r *repo) refused(rev string, want ...string) *gitfiles.Error {
	r.t.Helper()
	g, err := gitfiles.Open(r.t.Context(), r.dir, rev)
	if err == nil {
		_ = g.Close()
		r.t.Errorf("%q: a range from %s", rev, g.Base)
		return &gitfiles.Error{}
	}
	var e *gitfiles.Error
	if !errors.As(err, &e) {
		e = &gitfiles.Error{}
	}
	for _, w := range want {
		if text := err.Error() + "\n" + e.Hint; !strings.Contains(text, w) {
			r.t.Errorf("%q: %q does not say %q", rev, text, w)
		}
	}
	return e
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(start, start.with("a", "1"), start.with("a", "2"))
	side := r.commit(start.with("b", "1"), c[1])
	merge := r.commit(start.with("b", "1"), c[2], side)
	r.ref("refs/heads/main", merge)
	r.ref("refs/heads/topic/x", side)
	r.ref("refs/remotes/origin/main", c[1])
	r.must(r.store.SetReference(plumbing.NewSymbolicReference("refs/remotes/origin/HEAD", "refs/remotes/origin/main")))
	tag := func(of plumbing.Hash, kind plumbing.ObjectType) plumbing.Hash {
		return r.put(plumbing.TagObject, (&object.Tag{Name: "v1", TargetType: kind, Target: of, Message: "m"}).Encode)
	}
	r.ref("refs/tags/v1", tag(tag(c[0], plumbing.CommitObject), plumbing.TagObject))
	r.ref("refs/tags/light", c[0])
	r.ref("refs/tags/files", r.tree(start))
	// A tag that is also the beginning of a commit's hash is the tag.
	r.ref("refs/tags/"+c[2].String()[:4], c[0])

	for rev, want := range map[string]plumbing.Hash{
		"HEAD": merge, "@": merge, "main": merge, "HEAD^": c[2], "HEAD^1": c[2], "HEAD^2": side, "HEAD^2~1": c[1], "@~2": c[1], "HEAD^0": merge,
		"HEAD~0": merge, "main^^^": c[0], "topic/x": side, "origin/main": c[1], "origin": c[1], "refs/remotes/origin/main": c[1],
		"v1": c[0], "light": c[0], "tags/light": c[0], c[1].String(): c[1], strings.ToUpper(c[1].String()): c[1],
		side.String()[:9]: side, side.String()[:12] + "~1": c[1], c[2].String()[:4]: c[0],
	} {
		if g := r.open(rev); g.Base != want.String() || g.Head != merge.String() || g.Root != r.dir {
			t.Errorf("%q: from %s, want %s", rev, g.Base, want)
		}
	}
	for rev, want := range map[string]string{
		"": "empty", "nowhere": "no branch, tag or commit", "HEAD~9": "0 parents", "HEAD^3": "2 parents", "HEAD~999999999": "0 parents",
		"HEAD@{1}": "form", "main@{yesterday}": "form", "HEAD^{tree}": "form", ":/words": "form", "HEAD:deploy": "form", "-x": "form", "HEAD^-": "form",
		"main..HEAD": "is a range", "main...HEAD": "is a range", "a\nb": "more than one line", "files": "is a tree, no commit", "~1": "form",
		strings.Repeat("f", 40): "not in this clone", "dead": "no branch, tag or commit", "../../config": "range", "config": "no branch", "HEAD~1234567890": "form",
	} {
		r.refused(rev, want)
	}
	if e := r.refused("origin/none"); e.Error() != `revision "origin/none": no branch, tag or commit of that name is here` {
		t.Errorf("%v", e)
	}
}

func TestTheRangeBeginsWhereHistoryParted(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(start, start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")))
	// Main moved on, with a change of its own that is not of the branch.
	topic := r.commit(start.with("deploy/job.yaml", strings.ReplaceAll(job, "1.36", "1.37")), c[0])
	r.ref("refs/heads/topic", topic)
	r.must(r.store.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/topic")))
	if d := cmp.Diff([]string{"deploy/job.yaml:9 busybox:1.37"}, touched(r.read("main"))); d != "" {
		t.Error(d)
	}
	// Main merged into it: the range is still what the branch did.
	both := start.with("deploy/job.yaml", strings.ReplaceAll(job, "1.36", "1.37"), "deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26"))
	r.ref("refs/heads/topic", r.commit(both, topic, c[1]))
	if d := cmp.Diff([]string{"deploy/job.yaml:9 busybox:1.37"}, touched(r.read("main"))); d != "" {
		t.Error(d)
	}
	// A merge with a change of its own, seen from its second parent.
	r.ref("refs/heads/topic", r.commit(both.with("Dockerfile", "FROM scratch\nFROM debian:12\n"), topic, c[1]))
	if d := cmp.Diff([]string{"Dockerfile:2 debian:12", "deploy/job.yaml:9 busybox:1.37"}, touched(r.read("HEAD^2"))); d != "" {
		t.Error(d)
	}
}

func TestHistoriesWithoutOneMergeBaseAreRefused(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit(start)
	a, b := r.commit(start.with("a", "1"), root), r.commit(start.with("b", "1"), root)
	// Each merged the other: a criss-cross.
	r.ref("refs/heads/main", r.commit(start, a, b))
	r.ref("refs/heads/other", r.commit(start, b, a))
	r.ref("refs/heads/orphan", r.commit(start.with("c", "1")))
	r.refused("other", "parted at 2 commits", a.String(), b.String(), "give one of these")
	r.refused("orphan", "no commit in common")
	if g := r.open(a.String()); g.Base != a.String() {
		t.Errorf("from %s", g.Base)
	}
}

func TestAMergeThatIsGoingOnDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(start, start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")))
	r.write(".git/MERGE_HEAD", r.commit(start.with("x", "1"), c[0]).String()+"\n")
	r.write("deploy/pod.yaml", "<<<<<<< HEAD\n"+pod+"=======\n"+pod+">>>>>>> other\n")
	got := r.read("HEAD~1")
	if d := cmp.Diff([]string{"deploy/pod.yaml:7 nginx:1.26"}, touched(got)); d != "" || len(got.Touched.Problems) > 0 {
		t.Errorf("%s%v", d, problems(got))
	}
}

func TestAShallowCloneSaysWhatToFetch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(start, start.with("a", "1"), start.with("a", "2"), start.with("a", "3"))
	r.ref("refs/heads/other", r.commit(start.with("b", "1"), c[2]))
	r.ref("refs/heads/far", r.commit(start.with("b", "2"), c[0]))
	r.write(".git/shallow", c[1].String()+"\n")
	gone := c[0].String()
	r.must(os.Remove(filepath.Join(r.dir, ".git/objects", gone[:2], gone[2:])))
	for _, rev := range []string{"HEAD~3", "origin/main", "far", gone} {
		r.refused(rev, "fetch-depth: 0", "git fetch --unshallow")
	}
	// What is here is enough for these.
	for rev, want := range map[string]plumbing.Hash{"HEAD~2": c[1], "other": c[2]} {
		if g := r.open(rev); g.Base != want.String() {
			t.Errorf("%q: from %s", rev, g.Base)
		}
	}
	// The same without the file is a damaged clone.
	r.must(os.Remove(filepath.Join(r.dir, ".git/shallow")))
	r.refused("far", "not in this clone")
	r.refused("HEAD~3", "not in this clone")
}

func TestLinkedWorkTreesAndSubmodules(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.history(start, start.with("a", "1"))
	linked := &repo{t: t, dir: t.TempDir(), store: r.store}
	linked.write(".git", "gitdir: "+filepath.Join(r.dir, ".git/worktrees/linked")+"\n")
	r.write(".git/worktrees/linked/commondir", "../..\n")
	r.write(".git/worktrees/linked/HEAD", "ref: refs/heads/topic\n")
	r.ref("refs/heads/topic", r.commit(start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")), c[0]))
	linked.write("sub/x", "")
	if d := cmp.Diff([]string{"deploy/pod.yaml:7 nginx:1.26"}, touched(linked.read("main"))); d != "" {
		t.Error(d)
	}
	g, err := gitfiles.Open(t.Context(), filepath.Join(linked.dir, "sub"), "main")
	if err != nil || g.Root != linked.dir {
		t.Fatalf("from a folder below: %v", err)
	}
	defer func() { _ = g.Close() }()

	module := &repo{t: t, dir: filepath.Join(t.TempDir(), "module")}
	module.write(".git", "gitdir: ../git/modules/m\n")
	r.must(os.CopyFS(filepath.Join(filepath.Dir(module.dir), "git/modules/m"), os.DirFS(filepath.Join(r.dir, ".git"))))
	if g := module.open("HEAD~1"); g.Base != c[0].String() {
		t.Errorf("of a submodule: from %s", g.Base)
	}
	for text, want := range map[string]string{"words": `does not say "gitdir:"`, "gitdir: gone": "no such file", "gitdir: ": "does not say"} {
		module.write(".git", text)
		module.refused("HEAD", want)
	}
}

func TestRepositoriesThatAreNone(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.refused("HEAD", "no branch, tag or commit")
	r.history(start)
	for text, want := range map[string]string{
		"[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n":  `"objectformat" = "sha256"`,
		"[core]\nrepositoryformatversion = 1\n[extensions]\nrefstorage = reftable\n":  "reftable",
		"[core]\nrepositoryformatversion = 7\n":                                       `"7"`,
		"[core\n":                                                                     "configuration",
		"[core]\nrepositoryformatversion = 1\n[extensions]\nworktreeConfig = true\n":  "",
		"[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n ": "",
	} {
		r.write(".git/config", text)
		if want == "" {
			r.open("HEAD")
		} else {
			r.refused("HEAD", want)
		}
	}
	none := &repo{t: t, dir: t.TempDir()}
	none.refused("HEAD", "neither it nor a folder above it")
}

// What other tools write: packs with deltas, and objects of another repository.
func TestPacksAndAlternates(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	long := strings.Repeat("# a line of a comment that goes on\n", 200)
	c := r.history(start.with("deploy/pod.yaml", long+pod), start.with("deploy/pod.yaml", long+strings.ReplaceAll(pod, "1.25", "1.26")))
	var all []plumbing.Hash
	iter, err := r.store.IterEncodedObjects(plumbing.AnyObject)
	r.must(err)
	r.must(iter.ForEach(func(o plumbing.EncodedObject) error { all = append(all, o.Hash()); return nil }))

	packed := newRepo(t)
	w, err := packed.store.PackfileWriter()
	r.must(err)
	_, err = packfile.NewEncoder(w, r.store, false).Encode(all, 10)
	r.must(err)
	r.must(w.Close())
	packed.write(".git/packed-refs", "# pack-refs with: peeled fully-peeled sorted \n"+c[1].String()+" refs/heads/main\n")

	shared := newRepo(t)
	shared.ref("refs/heads/main", c[1])
	shared.write(".git/objects/info/alternates", "# a comment\n"+filepath.Join(packed.dir, ".git/objects")+"\n")

	for name, x := range map[string]*repo{"packed": packed, "shared": shared} {
		for _, rev := range []string{"HEAD~1", c[0].String()[:10]} {
			if d := cmp.Diff([]string{"deploy/pod.yaml:207 nginx:1.26"}, touched(x.read(rev))); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
	shared.write(".git/objects/info/alternates", "/nowhere/objects\n")
	shared.refused("HEAD~1", "not in this clone")
}

func TestAPartialCloneIsNotClean(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	changed := strings.ReplaceAll(pod, "1.25", "1.26")
	r.history(start, start.with("deploy/pod.yaml", changed))
	gone := r.blob(changed).String()
	r.must(os.Remove(filepath.Join(r.dir, ".git/objects", gone[:2], gone[2:])))
	got := r.read("HEAD~1")
	want := []string{"deploy/pod.yaml: the object " + gone + " is not in this clone: it is a partial or damaged one"}
	if d := cmp.Diff(want, problems(got)); d != "" {
		t.Error(d)
	}
}

func TestTheFilesAreAFileSystem(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(start.with("deploy/in.yaml", "-> ./../compose.yaml", "dirlink", "-> deploy", "sub", "@ "+strings.Repeat("1", 40),
		"empty", " ", "a.b/x", "1", "a/y", "2", "a-b", "3"))
	fsys := r.open("HEAD").HeadFS()
	if err := fstest.TestFS(fsys, "Dockerfile", "deploy/pod.yaml", "deploy/in.yaml", "a.b/x", "a/y", "a-b", "sub"); err != nil {
		t.Error(err)
	}
	if b, err := fs.ReadFile(fsys, "dirlink/in.yaml"); err != nil || string(b) != start["compose.yaml"] {
		t.Errorf("through two links: %q, %v", b, err)
	}
}

func TestLinksStayInTheTree(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(files{
		"up": "-> ..", "abs": "-> /etc/passwd", "loop": "-> loop", "a/b/c": "-> ../../../x", "ok": "-> a/../a/./real", "a/real": "1",
		"none": "-> gone", "file": "-> a/real/more", "long": "-> " + strings.Repeat("x/", 3000), "one": "-> two", "two": "-> one",
	})
	fsys := r.open("HEAD").HeadFS()
	for name, want := range map[string]string{
		"up": "escapes", "abs": "escapes", "loop": "too many levels", "one": "too many levels", "a/b/c": "escapes", "ok": "", "none": "not exist",
		"file": "not exist", "long": "symbolic link", "a/real/x": "not exist", "up/x": "escapes", "../x": "invalid", "/x": "invalid",
	} {
		_, err := fs.ReadFile(fsys, name)
		if want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Trees that no Git writes do not lead a walk elsewhere.
func TestHostileTreesAreProblems(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]object.TreeEntry{
		"up": {{Name: "..", Mode: filemode.Dir}}, "here": {{Name: ".", Mode: filemode.Dir}}, "slash": {{Name: "a/b", Mode: filemode.Regular}},
		"twice": {{Name: "x.yaml", Mode: filemode.Regular}, {Name: "x.yaml", Mode: filemode.Regular}},
	} {
		r := newRepo(t)
		c := r.history(start)
		blob := r.blob(pod)
		var raw strings.Builder
		for _, e := range entries {
			h := blob
			if e.Mode == filemode.Dir {
				h = r.tree(start)
			}
			raw.WriteString(strings.TrimLeft(e.Mode.String(), "0") + " " + e.Name + "\x00" + string(h[:]))
		}
		inner := r.put(plumbing.TreeObject, func(o plumbing.EncodedObject) error {
			w, err := o.Writer()
			if err != nil {
				return err
			}
			_, err = w.Write([]byte(raw.String()))
			return errors.Join(err, w.Close())
		})
		r.clock++
		outer := r.put(plumbing.TreeObject, (&object.Tree{Entries: []object.TreeEntry{{Name: "d", Mode: filemode.Dir, Hash: inner}}}).Encode)
		r.ref("refs/heads/main", r.commitTree(outer, r.clock, c[0]))
		reading, err := r.open("HEAD~1").Read(t.Context(), []string{"."}, options)
		if err == nil && (len(reading.Touched.Problems) != 1 || len(reading.Touched.Found) > 0) {
			t.Errorf("%s: %v %v", name, problems(reading), touched(reading))
		}
		t.Logf("%s: %v", name, err)
	}
}

func TestChangesThatAreNotCommittedAreTold(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(start, start.with("l", "-> Dockerfile", "sub", "@ "+strings.Repeat("1", 40)))
	idx := &index.Index{Version: 2}
	add := func(name, text string, at func(*index.Entry)) {
		r.write(name, text)
		info, err := os.Stat(filepath.Join(r.dir, name))
		r.must(err)
		e := &index.Entry{Name: name, Hash: r.blob(text), Mode: filemode.Regular, Size: uint32(len(text)), ModifiedAt: info.ModTime()}
		if at != nil {
			at(e)
		}
		idx.Entries = append(idx.Entries, e)
	}
	add("Dockerfile", start["Dockerfile"], nil)
	add("compose.yaml", start["compose.yaml"], func(e *index.Entry) { e.ModifiedAt = e.ModifiedAt.Add(-1000) }) // touched, the same
	add("deploy/job.yaml", start["deploy/job.yaml"], func(e *index.Entry) { e.SkipWorktree = true })
	idx.Entries = append(idx.Entries,
		&index.Entry{Name: "l", Hash: r.blob("Dockerfile"), Mode: filemode.Symlink},
		&index.Entry{Name: "sub", Hash: plumbing.NewHash(strings.Repeat("1", 40)), Mode: filemode.Submodule})
	r.must(os.Symlink("Dockerfile", filepath.Join(r.dir, "l")))
	r.must(r.store.SetIndex(idx))
	if got := r.read("HEAD~1"); len(got.Notices) > 0 {
		t.Errorf("nothing was changed: %q", notices(got))
	}
	add("deploy/pod.yaml", pod+"# staged", nil)
	add("deploy/z.yaml", "new", nil)
	r.write("Dockerfile", "FROM x\n")
	r.must(os.Remove(filepath.Join(r.dir, "compose.yaml")))
	r.must(r.store.SetIndex(idx))
	want := []string{`:0 changes that are not committed are not in the range: ["Dockerfile" "compose.yaml" "deploy/pod.yaml"] and 1 more`}
	if d := cmp.Diff(want, notices(r.read("HEAD~1"))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string(nil), notices(r.read("HEAD~1", "README.md"))); d != "" {
		t.Error(d)
	}
	r.write(".git/index", "words")
	if d := notices(r.read("HEAD~1")); len(d) != 1 || !strings.Contains(d[0], "cannot be told") {
		t.Errorf("%q", d)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(start, start.with("a", "1"))
	g := r.open("HEAD~1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Read(ctx, []string{"."}, options); err == nil {
		t.Error("no error")
	}
	if _, err := gitfiles.Open(ctx, r.dir, "HEAD~1"); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
}
