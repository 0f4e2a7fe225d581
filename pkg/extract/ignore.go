package extract

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Ignores says which paths a walk leaves out. What Git tracks is never ignored:
// a line in .gitignore must not hide a file that is deployed.
type ignores struct {
	fsys     fs.FS
	excludes gitignore.Matcher
	patterns []gitignore.Pattern
	matcher  gitignore.Matcher
	tracked  map[string]bool // files and the folders above them; nil = not known
	none     bool            // no .gitignore is read
}

// maxIndex bounds Git's index: one of a million files has about 100 MB.
const maxIndex = 256 << 20

func newIgnores(fsys fs.FS, excludes []string) *ignores {
	i := &ignores{fsys: fsys, tracked: trackedFiles(fsys)}
	var ps []gitignore.Pattern
	for _, e := range excludes {
		ps = append(ps, gitignore.ParsePattern(e, nil))
	}
	i.excludes = gitignore.NewMatcher(ps)
	i.matcher = gitignore.NewMatcher(nil)
	return i
}

// trackedFiles reads Git's index. Without one nothing is known to be tracked.
func trackedFiles(fsys fs.FS) map[string]bool {
	info, err := fs.Stat(fsys, ".git/index")
	if err != nil || info.Size() > maxIndex {
		return nil
	}
	f, err := fsys.Open(".git/index")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var idx index.Index
	if index.NewDecoder(f).Decode(&idx) != nil {
		return nil
	}
	out := make(map[string]bool, 2*len(idx.Entries))
	for _, e := range idx.Entries {
		for p := e.Name; p != "." && p != "/" && !out[p]; p = path.Dir(p) {
			out[p] = true
		}
	}
	return out
}

// read adds the patterns of the .gitignore in dir.
func (i *ignores) read(dir string) {
	if i.none {
		return
	}
	b, err := fs.ReadFile(i.fsys, path.Join(dir, ".gitignore"))
	if err != nil || len(b) > maxIgnoreFile {
		return
	}
	var domain []string
	if dir != "." {
		domain = strings.Split(dir, "/")
	}
	for line := range bytes.Lines(b) {
		s := strings.TrimRight(string(line), "\r\n")
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		i.patterns = append(i.patterns, gitignore.ParsePattern(s, domain))
	}
	i.matcher = gitignore.NewMatcher(i.patterns)
}

// maxIgnoreFile bounds a .gitignore; one that is larger ignores nothing.
const maxIgnoreFile = 1 << 20

func (i *ignores) ignored(p string, dir bool) bool {
	return !i.tracked[p] && i.matcher.Match(strings.Split(p, "/"), dir)
}

func (i *ignores) excluded(p string, dir bool) bool {
	return i.excludes.Match(strings.Split(p, "/"), dir)
}
