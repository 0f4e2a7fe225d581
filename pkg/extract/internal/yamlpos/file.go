// Package yamlpos reads YAML, and JSON with it, for tools that change files: it
// knows the place of every text to the byte, reads the rest of a stream when one
// of its documents is broken, and keeps small what is written to become large.
//
//	f, err := yamlpos.Open(data)
//	for doc, err := range f.Docs(nil) {
//		image := doc.Root().Get("spec", "image")
//		text, ok := image.Text()
//		at := image.Pos()
//	}
package yamlpos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/extract"
)

// A File is the text of a file. It is not safe for concurrent use.
type File struct {
	text  []byte // UTF-8, without a byte order mark
	shift int    // how many bytes of the file stand before text
	exact bool   // offsets in text, shifted, are offsets in the file
	lines []int  // where the lines of text start; made when it is asked for

	ignores, markers answer // whether such comments can be in it

	ignoredLine, markerLine int // the lines last asked about, and what they had
	ignored                 []extract.Ignore
	marker                  string
}

// An answer is a question about a whole file that is put once.
type answer int8

// Open decodes data: UTF-8 with or without a byte order mark, or UTF-16 with
// one. Of UTF-16 the offsets in the file are not known. Whether UTF-8 is valid is
// told of each document by itself. The error is an [*extract.PositionError].
func Open(data []byte) (*File, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return &File{text: data[3:], shift: 3, exact: true}, nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return openUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return openUTF16(data[2:], binary.BigEndian)
	}
	return &File{text: data, exact: true}, nil
}

// UTF16 reports whether head begins like a file in UTF-16, in which no word can
// be found before it is decoded.
func UTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
}

func openUTF16(data []byte, order binary.ByteOrder) (*File, error) {
	f := &File{text: make([]byte, 0, len(data))}
	for i := 0; i < len(data); i += 2 {
		if i+1 == len(data) {
			return nil, f.errorAt(len(f.text), errors.New("the file is UTF-16 and ends within a character"))
		}
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			var low rune
			if i+3 < len(data) {
				low = rune(order.Uint16(data[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, f.errorAt(len(f.text), errors.New("the file is UTF-16 and holds half a character"))
			}
			i += 2
		}
		f.text = utf8.AppendRune(f.text, r)
	}
	return f, nil
}

// Text is the file's text in UTF-8, without a byte order mark. It must not be
// changed.
func (f *File) Text() []byte { return f.text }

// Place returns the 1-based line and column, in bytes, of an offset in Text.
// Lines end with LF, CRLF or CR.
func (f *File) Place(offset int) (line, column int) {
	if f.lines == nil {
		f.lines = lineStarts(f.text)
	}
	i, found := slices.BinarySearch(f.lines, offset)
	if !found {
		i--
	}
	return i + 1, offset - f.lines[i] + 1
}

// Span returns where text[start:end] lies in the file; ok is false where that is
// not known.
func (f *File) Span(start, end int) (from, to int, ok bool) {
	if !f.exact {
		return -1, -1, false
	}
	return start + f.shift, end + f.shift, true
}

func (f *File) errorAt(offset int, err error) *extract.PositionError {
	line, column := f.Place(offset)
	return &extract.PositionError{Line: line, Column: column, Err: err}
}

func lineStarts(text []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(text, []byte("\n")))
	if bytes.IndexByte(text, '\r') < 0 {
		for i := 0; ; {
			n := bytes.IndexByte(text[i:], '\n')
			if n < 0 {
				return starts
			}
			i += n + 1
			starts = append(starts, i)
		}
	}
	for i, b := range text {
		if b == '\n' || b == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			starts = append(starts, i+1)
		}
	}
	return starts
}
