package strictyaml

import (
	"fmt"
	"strings"
)

// A Pos is a place in a file. Line and Column count from 1; the zero value is
// unknown.
type Pos struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column, or less if less is known.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// An Error is one thing wrong with a document, and where.
type Error struct {
	Pos Pos
	Msg string // what is wrong, and what was expected
}

// Error returns file:line:column: message.
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

// Errors are all things found wrong with one document, in its order.
type Errors []*Error

const shownErrors = 20

// Error returns one line for each error, the first 20 of them.
func (es Errors) Error() string {
	lines := make([]string, 0, min(len(es), shownErrors)+1)
	for i, e := range es {
		if i == shownErrors {
			lines = append(lines, fmt.Sprintf("and %d more", len(es)-i))
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors one by one.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Err returns es as an error, nil if there are none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	return es
}
