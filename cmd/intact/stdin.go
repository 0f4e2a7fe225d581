package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/extract"
)

// stdinName is what reports call standard input. Extractors tell its kind by
// what is in it.
const stdinName = "stdin"

// stdinTree reads standard input, at most one byte more than a file may have:
// whoever reads it from the tree says that it is too large.
func stdinTree(stdin io.Reader) (*fileTree, error) {
	b, err := io.ReadAll(io.LimitReader(stdin, extract.MaxFileSize+1))
	if err != nil {
		return nil, usage(fmt.Errorf("read standard input: %w", err), "")
	}
	return &fileTree{fsys: oneFile(b), name: stdinName, starts: []string{stdinName}, repo: &config.Repository{}}, nil
}

// oneFile is a file system that holds stdinName alone.
type oneFile []byte

// Open implements fs.FS.
func (f oneFile) Open(name string) (fs.File, error) {
	switch {
	case !fs.ValidPath(name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case name != stdinName:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openOne{bytes.NewReader(f)}, nil
}

type openOne struct{ *bytes.Reader }

// Close implements fs.File.
func (*openOne) Close() error { return nil }

// Stat implements fs.File.
func (o *openOne) Stat() (fs.FileInfo, error) { return oneInfo{o.Reader.Size()}, nil }

type oneInfo struct{ size int64 }

// Name implements fs.FileInfo.
func (oneInfo) Name() string { return stdinName }

// Size implements fs.FileInfo.
func (i oneInfo) Size() int64 { return i.size }

// Mode implements fs.FileInfo.
func (oneInfo) Mode() fs.FileMode { return 0o400 }

// ModTime implements fs.FileInfo.
func (oneInfo) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (oneInfo) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (oneInfo) Sys() any { return nil }
