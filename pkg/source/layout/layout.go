// Package layout reads images from an OCI image layout directory, as written by
// docker buildx, skopeo, crane, oras and "cosign save".
//
// Nothing outside the directory is read: a blob that is a symbolic link, a pipe
// or a device is an error.
package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
)

// A Source is one layout directory. It implements [image.Source],
// [image.Prober] and [image.Referrer], and may be used concurrently.
type Source struct {
	*ocilayout.Layout
	root *os.Root
}

// Open opens the layout in dir and reads its index. References are looked up by
// digest, or by tag among the names of index.json; a reference with neither
// names the only image. Their repository matters only where entries carry full
// names. The error says what makes dir no layout. The caller closes the Source.
func Open(dir string) (*Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		cause := fact.Internal
		switch {
		case errors.Is(err, fs.ErrNotExist):
			cause = fact.NotFound
		case errors.Is(err, fs.ErrPermission):
			cause = fact.Forbidden
		case isFile(dir):
			return nil, &image.Error{Op: "open", Object: fmt.Sprintf("layout %q", dir), Cause: fact.Unsupported,
				Err: errors.New("it is a file, not a directory"), Hint: "read an archive with archive:FILE"}
		}
		return nil, &image.Error{Op: "open", Object: fmt.Sprintf("layout %q", dir), Cause: cause, Err: reason(err)}
	}
	claims := image.Claims{Place: "OCI layout", Manifest: true, Signatures: true}
	l, err := ocilayout.New(context.Background(), directory{root}, fmt.Sprintf("layout %q", dir), claims)
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &Source{Layout: l, root: root}, nil
}

// Close releases the directory. Blobs that are open stay readable.
func (s *Source) Close() error { return s.root.Close() }

func isFile(name string) bool {
	i, err := os.Stat(name)
	return err == nil && !i.IsDir()
}

// reason drops operation and path, which the message has already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// directory gives ocilayout the files below root. os.Root refuses every path
// that leaves it, through links as well.
type directory struct{ root *os.Root }

// Open implements ocilayout.Files.
func (d directory) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if _, err := d.regular(name); err != nil {
		return nil, 0, err
	}
	// Without O_NONBLOCK a pipe put there in between would block for ever.
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(name, info.Mode())
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Size implements ocilayout.Files.
func (d directory) Size(ctx context.Context, name string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return d.regular(name)
}

func (d directory) regular(name string) (int64, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, irregular(name, info.Mode())
	}
	return info.Size(), nil
}

func irregular(name string, mode fs.FileMode) error {
	what := "a special file"
	switch {
	case mode&fs.ModeSymlink != 0:
		what = "a symbolic link (copy the layout with its links followed: cp -rL)"
	case mode.IsDir():
		what = "a directory"
	}
	return fmt.Errorf("%s is %s: %w", name, what, ocilayout.ErrNotRegular)
}
