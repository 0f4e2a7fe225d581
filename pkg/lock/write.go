package lock

import (
	"os"

	"github.com/intact-dev/intact/pkg/internal/rewrite"
)

// Write writes l to the lock file in root, whole or not at all, if that is still
// what was read, old; nil = there was none. A link to it is followed within root.
func (l *Lock) Write(root *os.Root, old []byte) error {
	name := Name
	if old != nil {
		var err error
		if name, err = rewrite.Real(root, Name); err != nil {
			return err
		}
	}
	return rewrite.File(root, name, old, l.Format())
}
