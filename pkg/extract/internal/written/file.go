// Package written keeps text together with the places where it is written, so
// that what is put together from several of them (a name, a tag from a variable
// of another file) still says where each byte comes from, and where it can be
// changed.
package written

import (
	"bytes"
	"slices"

	"github.com/intact-dev/intact/pkg/ref"
)

// A File is the bytes of one file of the tree.
type File struct {
	Path  string // with slashes, relative to the root
	Data  []byte
	lines []int // where each line begins
	// ignores says whether there can be a comment that silences.
	ignores bool
}

// NewFile returns the file at path with its bytes.
func NewFile(path string, data []byte) *File {
	f := &File{Path: path, Data: data, lines: make([]int, 1, 1+bytes.Count(data, []byte{'\n'}))}
	f.ignores = bytes.Contains(data, []byte(ignoreWord))
	for i, b := range data {
		if b == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Lines returns how many lines there are; what follows the last line feed is
// one, if only an empty one.
func (f *File) Lines() int { return len(f.lines) }

// Line returns where line n, counted from 1, begins and ends, with its line
// feed.
func (f *File) Line(n int) (start, end int) {
	if n >= len(f.lines) {
		return f.lines[len(f.lines)-1], len(f.Data)
	}
	return f.lines[n-1], f.lines[n]
}

// Position returns the line and column of the byte at offset, both from 1.
func (f *File) Position(offset int) (line, column int) {
	i, found := slices.BinarySearch(f.lines, offset)
	if !found {
		i--
	}
	return i + 1, offset - f.lines[i] + 1
}

// Origin returns the place of the byte at offset; path is the place within the
// document.
func (f *File) Origin(offset int, path string) ref.Origin {
	line, column := f.Position(offset)
	return ref.Origin{Kind: "file", Where: f.Path, Line: line, Column: column, Path: path}
}

// Text returns the bytes from start to end, as they are written.
func (f *File) Text(start, end int) Text {
	if start == end {
		return Text{}
	}
	return Text{s: string(f.Data[start:end]), runs: []run{{file: f, off: start}}}
}
