package overlay

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// openat opens a name, never a link, for reading. The access time is left alone
// where the kernel lets us.
func openat(dir int, name string, flags int) (int, error) {
	flags |= unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if flags&unix.O_PATH != 0 {
		return retried(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	}
	fd, err := retried(func() (int, error) { return unix.Openat(dir, name, flags|unix.O_NOATIME, 0) })
	if errors.Is(err, unix.EPERM) {
		fd, err = retried(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	}
	return fd, err
}

// reopen opens for reading the very file that an O_PATH descriptor holds.
func reopen(held int) (int, error) {
	name := fmt.Sprintf("/proc/self/fd/%d", held)
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := retried(func() (int, error) { return unix.Open(name, flags|unix.O_NOATIME, 0) })
	if errors.Is(err, unix.EPERM) {
		fd, err = retried(func() (int, error) { return unix.Open(name, flags, 0) })
	}
	if errors.Is(err, unix.ENOENT) {
		// The file is held, so it is /proc that is not there. It must not look as
		// if the file had vanished.
		return -1, errors.New("cannot be opened without /proc")
	}
	return fd, err
}

func fstatat(dir int, name string, st *unix.Stat_t) error {
	_, err := retried(func() (int, error) { return 0, unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW) })
	return err
}

// retried repeats a call that a signal ended.
func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func causeOf(err error) fact.Cause {
	var exceeded *limits.ExceededError
	switch {
	case errors.As(err, &exceeded):
		return fact.Limit
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return image.CauseOf(err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fact.Forbidden
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESTALE):
		return fact.NotFound
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return fact.Unsupported
	case errors.As(err, new(unix.Errno)):
		return fact.CutShort
	}
	return fact.Unsupported
}
