// Package plaintext opens files of languages that are read line by line or token
// by token, and hands on what was found in them.
package plaintext

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
)

// A File is a text in UTF-8. Its Data is without a byte order mark.
type File struct {
	*written.File
	shift int // how many bytes of the file stand before Data
}

// Open reads the file at path. What is no text, or in another encoding, is an
// error with its place.
func Open(fsys fs.FS, path string) (*File, error) {
	data, err := extract.ReadFile(fsys, path)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	f := &File{File: written.NewFile(path, text), shift: len(data) - len(text)}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, f.fail(0, errors.New("the file is UTF-16; only UTF-8 is read"))
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return nil, f.fail(i, errors.New("invalid UTF-8"))
		case r == 0:
			return nil, f.fail(i, errors.New("it is no text: it has a zero byte"))
		}
		i += n
	}
	return f, nil
}

func (f *File) fail(at int, err error) error {
	line, column := f.Position(at)
	return fmt.Errorf("read %q: %w", f.Path, &extract.PositionError{Line: line, Column: column, Err: err})
}

// Problem is a part that could not be read, from an offset on.
func (f *File) Problem(at int, why string) extract.Problem {
	return extract.Problem{Origin: f.Origin(at, ""), Cause: fact.Unsupported, Why: why}
}

// Ignored are the comments on the line of an offset, behind it, and right above
// it. A comment begins with #.
func (f *File) Ignored(at int) []extract.Ignore {
	line, _ := f.Position(at)
	out := f.IgnoresAbove(line, "#")
	_, end := f.Line(line)
	rest := f.Data[at:end]
	if i := bytes.LastIndexByte(rest, '#'); i >= 0 {
		if x, ok := written.ParseIgnore(string(rest[i+1:]), line); ok {
			out = append(out, x)
		}
	}
	return out
}

// Found returns what was found, with the places that the file itself has.
func (f *File) Found(refs []written.Reference) []extract.Found {
	out := written.Settle(refs)
	for i := range out {
		if s := out[i].Site; s != nil {
			moved := *s
			moved.Start += f.shift
			moved.End += f.shift
			out[i].Site = &moved
		}
	}
	return out
}
