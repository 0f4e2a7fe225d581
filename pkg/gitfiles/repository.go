package gitfiles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// maxPointer bounds the small files that say where a repository is.
const maxPointer = 64 << 10

// find returns the work tree that dir lies in and its Git folder. A linked work
// tree and a submodule have a file .git that names the folder.
func find(dir string) (tree, git string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("find the Git repository of %q: %w", dir, err)
	}
	for tree = abs; ; tree = filepath.Dir(tree) {
		git = filepath.Join(tree, ".git")
		switch info, err := os.Stat(git); {
		case err == nil && info.IsDir():
			return tree, git, nil
		case err == nil:
			git, err = pointer(git, "gitdir:")
			if err == nil {
				_, err = os.Stat(git)
			}
			if err != nil {
				return "", "", fmt.Errorf("find the Git repository of %q: %w", dir, err)
			}
			return tree, git, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", "", fmt.Errorf("find the Git repository of %q: %w", dir, err)
		case tree == filepath.Dir(tree):
			return "", "", &Error{
				Err:  fmt.Errorf("find the Git repository of %q: neither it nor a folder above it is a Git work tree", dir),
				Hint: "a range of commits needs a clone: run it in one, or leave --changed-since out",
			}
		}
	}
}

// pointer reads a file that holds a path after a word, relative to its folder.
func pointer(name, word string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxPointer))
	if err != nil {
		return "", err
	}
	to, ok := target(string(b), word)
	if !ok {
		return "", fmt.Errorf("%q does not say %q and a path", name, strings.TrimSpace(word))
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(name), to)
	}
	return filepath.Clean(to), nil
}

// target is the path that text holds after word, on one line.
func target(text, word string) (string, bool) {
	rest, ok := strings.CutPrefix(text, word)
	line := strings.TrimSpace(rest)
	return filepath.FromSlash(line), ok && line != "" && !strings.ContainsAny(line, "\n\x00")
}

// extensions of a repository's format that change nothing for reading commits.
// Of the others go-git reads none: SHA-256 and reftable.
var extensions = []string{"noop", "noop-v1", "partialclone", "preciousobjects", "worktreeconfig", "relativeworktrees"}

// open opens the repository whose folder is git.
func open(git string) (*store, error) {
	var files billy.Filesystem = osfs.New(git)
	common, err := pointer(filepath.Join(git, "commondir"), "")
	switch {
	case err == nil:
		files = dotgit.NewRepositoryFilesystem(files, osfs.New(common))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open the Git repository %q: %w", git, err)
	default:
		common = git
	}
	s := &store{shallow: map[plumbing.Hash]bool{}, trees: map[plumbing.Hash]*object.Tree{}, objects: cache.NewObjectLRU(cacheSize)}
	s.main = s.storage(files)
	s.EncodedObjectStorer = s.main
	if err := s.prepare(filepath.Join(common, "objects")); err != nil {
		s.close()
		return nil, fmt.Errorf("open the Git repository %q: %w", git, err)
	}
	return s, nil
}

// cacheSize is of objects that others are deltas of, and of those read last.
const cacheSize = 64 * cache.MiByte

// storage opens a Git folder. Its alternates are opened once, by prepare: go-git
// would do it again for every object.
func (s *store) storage(files billy.Filesystem) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(files, s.objects, filesystem.Options{
		ExclusiveAccess: true, MaxOpenDescriptors: 16, LargeObjectThreshold: limits.SourceFile, AlternatesFS: nothing{},
	})
}

func (s *store) prepare(objects string) error {
	cfg, err := s.main.Config()
	if err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	if err := readable(cfg); err != nil {
		return err
	}
	shallow, err := s.main.Shallow()
	if err != nil {
		return fmt.Errorf("read which commits are shallow: %w", err)
	}
	for _, h := range shallow {
		s.shallow[h] = true
	}
	return s.alternate(objects, map[string]bool{objects: true})
}

// readable says whether the format of the repository is one that is understood.
func readable(cfg *config.Config) error {
	if v := cfg.Raw.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return fmt.Errorf("its format %q is not known", v)
	}
	for _, o := range cfg.Raw.Section("extensions").Options {
		key, value := strings.ToLower(o.Key), strings.ToLower(o.Value)
		if slices.Contains(extensions, key) || key == "objectformat" && value == "sha1" || key == "refstorage" && value == "files" {
			continue
		}
		return fmt.Errorf("its format has the extension %q = %q, which cannot be read", o.Key, o.Value)
	}
	return nil
}

// alternate adds the object folders that objects/info/alternates names, and those
// that these name. See https://git-scm.com/docs/gitrepository-layout.
func (s *store) alternate(objects string, seen map[string]bool) error {
	b, err := os.ReadFile(filepath.Join(objects, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read its alternates: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		dir := filepath.FromSlash(line)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		if dir = filepath.Clean(dir); seen[dir] {
			continue
		}
		if filepath.Base(dir) != "objects" {
			return fmt.Errorf("its alternate %q is no folder called objects", dir)
		}
		if len(seen) > maxAlternates {
			return fmt.Errorf("read its alternates: %w", &limits.ExceededError{What: "folders of objects", Limit: maxAlternates})
		}
		seen[dir] = true
		s.alternates = append(s.alternates, s.storage(osfs.New(filepath.Dir(dir))))
		if err := s.alternate(dir, seen); err != nil {
			return err
		}
	}
	return nil
}

// maxAlternates: Git follows five levels; more than one or two are not in use.
const maxAlternates = 32

// nothing is a file system where go-git finds no alternates.
type nothing struct{ billy.Filesystem }

func (nothing) Root() string                      { return "/" }
func (nothing) Stat(string) (os.FileInfo, error)  { return nil, fs.ErrNotExist }
func (nothing) Open(string) (billy.File, error)   { return nil, fs.ErrNotExist }
func (nothing) Lstat(string) (os.FileInfo, error) { return nil, fs.ErrNotExist }
func (n nothing) Chroot(string) (billy.Filesystem, error) {
	return n, nil
}
