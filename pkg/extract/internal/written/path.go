package written

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Inside returns the path in the tree that a file in dir calls p. Nothing
// outside of the tree is read.
func Inside(dir, p string) (string, error) {
	if strings.HasPrefix(p, "/") || len(p) > 1 && p[1] == ':' || strings.HasPrefix(p, "~") {
		return "", fmt.Errorf("%q is a path of one machine, not of the tree", p)
	}
	joined := path.Join(dir, strings.ReplaceAll(p, `\`, "/"))
	if !fs.ValidPath(joined) {
		return "", fmt.Errorf("%q leads out of the tree", p)
	}
	return joined, nil
}
