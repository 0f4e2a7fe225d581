package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// overhead is what an archive may have beyond twice the size that the engine
// tells: it tells what files hold, and an archive has up to 1.5 KiB more for each.
const overhead = 1 << 30

// limitOf returns how large the archive of an image of that size may become.
func limitOf(size int64) int64 {
	if size < 0 || size > (limits.ImageExpanded-overhead)/2 {
		return limits.ImageExpanded
	}
	return 2*size + overhead
}

// save writes the image to a file that nobody else can read, in a folder of its
// own. It is asked for by its ID: the tag may move at any time.
func (s *Source) save(ctx context.Context, e *dockerengine.Engine, limit int64, tempDir string) (string, error) {
	fail := func(err error) error {
		var done *image.Error
		if errors.As(err, &done) {
			return err
		}
		out := &image.Error{Op: "save", Object: fmt.Sprintf("image %q of engine %q", s.known.Given, s.known.Host), Cause: image.CauseOf(err), Err: err}
		switch {
		case errors.As(err, new(*limits.ExceededError)):
			out.Cause = fact.Limit
		case errors.Is(err, syscall.ENOSPC):
			out.Cause, out.Hint = fact.Limit, "choose a larger disk for temporary files: TMPDIR"
		}
		return out
	}
	var err error
	if s.dir, err = os.MkdirTemp(tempDir, "intact-docker-"); err != nil { // 0700
		return "", fail(err)
	}
	name := filepath.Join(s.dir, "image.tar")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fail(err)
	}
	err = copyImage(ctx, e, string(s.known.ID), f, limit)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", fail(err)
	}
	return name, nil
}

func copyImage(ctx context.Context, e *dockerengine.Engine, id string, to io.Writer, limit int64) error {
	rc, err := e.Save(ctx, id)
	if err != nil {
		return err
	}
	defer func() { _ = rc.Close() }()
	n, err := io.Copy(to, io.LimitReader(rc, limit+1))
	if err == nil && n > limit {
		err = &limits.ExceededError{What: "size of the saved image", Limit: limit}
	}
	return err
}
