package rewrite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

// Real returns the path below root of the file that name leads to: symbolic links
// are followed within root, never out of it.
func Real(root *os.Root, name string) (string, error) {
	done, rest := ".", path.Clean(name)
	for links := 0; rest != "" && rest != "."; {
		first, after, _ := strings.Cut(rest, "/")
		rest = after
		at := path.Join(done, first)
		if at == ".." || strings.HasPrefix(at, "../") || path.IsAbs(at) {
			return "", outside(name)
		}
		info, err := root.Lstat(at)
		if err != nil {
			return "", fmt.Errorf("follow %q: %w", name, plain(err))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("follow %q: too many symbolic links", name)
		}
		to, err := root.Readlink(at)
		if err != nil {
			return "", fmt.Errorf("follow %q: %w", name, plain(err))
		}
		if to = filepath.ToSlash(to); path.IsAbs(to) || filepath.IsAbs(to) {
			return "", outside(name)
		}
		// Not cleaned: a ".." counts from where a link before it leads to.
		rest = strings.TrimSuffix(to, "/") + "/" + rest
		rest = strings.Trim(rest, "/")
	}
	return done, nil
}

func outside(name string) error {
	return fmt.Errorf("follow %q: %w", name, errors.New("a symbolic link leads out of the tree"))
}
