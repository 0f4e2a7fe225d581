package extract

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A PositionError is an error at a place of the file that was read.
type PositionError struct {
	Line, Column int // 1-based; 0 = unknown
	Err          error
}

// Error returns the cause alone: the place stands beside it.
func (e *PositionError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PositionError) Unwrap() error { return e.Err }

// MaxFileSize is how many bytes a file has at most.
const MaxFileSize = limits.SourceFile

// ReadFile reads the file at path if it is not larger than [MaxFileSize];
// the error then wraps a *limits.ExceededError.
func ReadFile(fsys fs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, cause(err))
	}
	defer func() { _ = f.Close() }()
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil {
		b.Grow(int(min(max(info.Size(), 0), limits.SourceFile)) + bytes.MinRead) // so that it need not grow
	}
	_, err = b.ReadFrom(io.LimitReader(f, limits.SourceFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %q: %w", path, cause(err))
	case b.Len() > limits.SourceFile:
		return nil, fmt.Errorf("read %q: %w", path, &limits.ExceededError{What: "size of a source file", Limit: limits.SourceFile})
	}
	return b.Bytes(), nil
}
