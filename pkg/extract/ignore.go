package extract

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/filemode"
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
	named    []string        // folders that are read, whatever the patterns say of them
	// unknown: nobody says what Git tracks, so that nothing may be hidden: Git is not
	// here, as in what was unpacked from an archive, or its index cannot be read. Below
	// foreign are other repositories, with an index of their own.
	unknown bool
	foreign []string
	modules map[string]bool // folders whose files are in a repository of their own
}

// maxIndex bounds Git's index: one of a million files has about 100 MB.
const maxIndex = 256 << 20

func newIgnores(fsys fs.FS, excludes []string) *ignores {
	i := &ignores{fsys: fsys, modules: map[string]bool{}}
	i.tracked = trackedFiles(fsys, i.modules)
	if i.tracked == nil {
		info, err := fs.Lstat(fsys, ".git") // a file in a linked work tree, whose index is elsewhere
		_, noIndex := fs.Lstat(fsys, ".git/index")
		i.unknown = err != nil || !info.IsDir() || noIndex == nil
	}
	var ps []gitignore.Pattern
	for _, e := range excludes {
		ps = append(ps, gitignore.ParsePattern(e, nil))
	}
	i.excludes = gitignore.NewMatcher(ps)
	i.matcher = gitignore.NewMatcher(nil)
	return i
}

// trackedFiles reads Git's index and adds its submodules to modules; nil if there
// is none, or none that can be read: one of SHA-256, one in several files, one of
// folders. Submodules are then those of .gitmodules.
func trackedFiles(fsys fs.FS, modules map[string]bool) map[string]bool {
	if b, err := fs.ReadFile(fsys, ".gitmodules"); err == nil && len(b) <= maxIgnoreFile {
		m := config.NewModules()
		if m.Unmarshal(b) == nil {
			for _, s := range m.Submodules {
				modules[path.Clean(s.Path)] = true
			}
		}
	}
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
		if e.Mode == filemode.Dir {
			return nil
		}
		if e.Mode == filemode.Submodule {
			modules[e.Name] = true
		}
		for p := e.Name; p != "." && p != "/" && !out[p]; p = path.Dir(p) {
			out[p] = true
		}
	}
	return out
}

// read adds the patterns of the .gitignore in dir.
func (i *ignores) read(dir string) {
	if dir != "." {
		if _, err := fs.Lstat(i.fsys, path.Join(dir, ".git")); err == nil {
			i.foreign = append(i.foreign, dir+"/")
		}
	}
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
	if i.unknown || slices.ContainsFunc(i.foreign, func(dir string) bool { return strings.HasPrefix(p, dir) }) {
		return false
	}
	return !i.tracked[p] && i.matches(i.matcher, p, dir)
}

func (i *ignores) excluded(p string, dir bool) bool { return i.matches(i.excludes, p, dir) }

// matches asks the patterns, unless they name a folder above p that was named as
// a start.
func (i *ignores) matches(m gitignore.Matcher, p string, dir bool) bool {
	return m.Match(strings.Split(p, "/"), dir) && !slices.ContainsFunc(i.named, func(n string) bool {
		return n != "." && (p == n || strings.HasPrefix(p, n+"/")) && m.Match(strings.Split(n, "/"), true)
	})
}

// left reports whether dir is a submodule that nobody checked out: its files are
// not here.
func (i *ignores) left(dir string) bool {
	if i.none || !i.modules[dir] {
		return false
	}
	list, err := fs.ReadDir(i.fsys, dir)
	return err == nil && len(list) == 0
}
