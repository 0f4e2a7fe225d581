package rewrite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// move puts temp in place of base if that holds old. It swaps them, looks at what
// came back, and swaps again if that is not old.
func move(dir *os.Root, temp, base string, old []byte) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	fd := int(d.Fd())
	if old == nil {
		err := unix.Renameat2(fd, temp, fd, base, unix.RENAME_NOREPLACE)
		switch {
		case unsupported(err):
			return moveChecked(dir, temp, base, old)
		case errors.Is(err, unix.EEXIST):
			return ErrChanged
		}
		return err
	}
	if err := unix.Renameat2(fd, temp, fd, base, unix.RENAME_EXCHANGE); err != nil {
		if unsupported(err) {
			return moveChecked(dir, temp, base, old)
		}
		return err
	}
	same, err := holds(dir, temp, old)
	if err == nil && same {
		return dir.Remove(temp)
	}
	if err == nil {
		err = ErrChanged
	}
	if back := unix.Renameat2(fd, temp, fd, base, unix.RENAME_EXCHANGE); back != nil {
		return &strandedError{fmt.Errorf("%w; putting that back failed, and it is in %q now: %w", err, temp, back)}
	}
	return err
}

// unsupported reports whether the file system or the kernel cannot do it.
func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP)
}
