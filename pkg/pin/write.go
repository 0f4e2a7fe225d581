package pin

import (
	"os"

	"github.com/intact-dev/intact/pkg/internal/rewrite"
)

// Write makes the file below root what New says, whole or not at all, if it is
// still what was read. Its mode and owner stay.
func (f *File) Write(root *os.Root) error { return rewrite.File(root, f.Name, f.Old, f.New) }

// Real returns the file below root that name leads to, for [Options].Real: links
// are followed within root, never out of it.
func Real(root *os.Root, name string) (string, error) { return rewrite.Real(root, name) }
