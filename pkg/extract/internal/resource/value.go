// Package resource finds images in the resources of infrastructure code, in
// whatever language they are written: a language's reader makes Values of what
// it can evaluate, and what this package knows of a type of resource holds for
// Terraform, CloudFormation and Pulumi alike.
package resource

import (
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/ref"
)

// A ValueKind is what a Value is. The zero value is not known.
type ValueKind int

// Kinds of values.
const (
	Unknown ValueKind = iota
	Null
	Scalar
	List
	Map
)

// A Value is a value as far as it can be told without running anything. A nil
// *Value is one that is not there; all methods work on it. Values are not
// changed once they are made, so parts may be shared.
type Value struct {
	Kind ValueKind
	// Text is that of a scalar, and what can be said of an unknown one:
	// "nginx:${var.tag}". Holes are parts of it that are not known.
	Text   written.Text
	Holes  []Hole
	Why    string // why an unknown one is not known
	From   string // the resource that an unknown one is of: "data.aws_ami.base"
	Items  []*Value
	Fields []Field
	At     Place
	// Ignored are the comments beside it that want checks silenced.
	Ignored []extract.Ignore
	// Plain is set for a scalar that is a number or a boolean, not a text.
	Plain bool
	// Absent is why a key that this map does not have may be there all the same:
	// a part of it is not known. "" = it is not there.
	Absent string
}

// A Field is one key of a map.
type Field struct {
	Name  string
	Value *Value
}

// A Hole is a part of a text, in bytes, that is not known.
type Hole struct {
	Start, End int
	Why        string
}

// A Place is where a value stands.
type Place struct {
	File *written.File
	// Offset is that of its first byte, -1 if the bytes are not known: UTF-16.
	Offset       int
	Line, Column int
}

// At returns the place of the byte at offset of f.
func At(f *written.File, offset int) Place {
	line, column := f.Position(offset)
	return Place{f, offset, line, column}
}

// Origin returns the place as that of a reference.
func (p Place) Origin(path string) ref.Origin {
	o := ref.Origin{Kind: "file", Line: p.Line, Column: p.Column, Path: path}
	if p.File != nil {
		o.Where = p.File.Path
	}
	return o
}

// NotKnown returns a value that is not known; text is what is written there.
func NotKnown(at Place, text written.Text, why string) *Value {
	return &Value{Kind: Unknown, Text: text, Why: why, At: at}
}

// Fold is a key as keys are compared: readOnlyRootFilesystem is
// read_only_root_filesystem and ReadOnlyRootFilesystem. Languages differ in
// nothing else.
func Fold(key string) string { return strings.ToLower(strings.ReplaceAll(key, "_", "")) }

// Get returns the value of the first of keys that is there. Of what is not known
// every part is not known.
func (v *Value) Get(keys ...string) *Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == Unknown:
		return v
	case v.Kind == Scalar && len(v.Holes) > 0:
		return NotKnown(v.At, v.Text, v.Holes[0].Why) // it may be a map, once it is known
	case v.Kind == List && len(v.Items) == 1:
		return v.Items[0].Get(keys...) // a block of which there is one
	}
	_, v = v.find(keys)
	return v
}

func (v *Value) find(keys []string) (name string, found *Value) {
	for _, key := range keys {
		key = Fold(key)
		for _, f := range v.Fields {
			if Fold(f.Name) == key && f.Value.there() {
				return f.Name, f.Value
			}
		}
	}
	if v.Absent != "" {
		return keys[0], NotKnown(v.At, v.Text, v.Absent)
	}
	return keys[0], nil
}

// child is Get of one key after the other, and where that is: path and the keys
// as they are written. Of a key, alternatives are parted by a bar.
func (v *Value) child(path string, keys ...string) (*Value, string) {
	for _, key := range keys {
		for v != nil && v.Kind == List && len(v.Items) == 1 {
			v = v.Items[0]
		}
		all := strings.Split(key, "|")
		if v != nil && v.Kind == Scalar && len(v.Holes) > 0 {
			v = v.Get(key)
		}
		if v == nil || v.Kind == Unknown {
			path = below(path, all[0])
			continue
		}
		var name string
		name, v = v.find(all)
		path = below(path, name)
	}
	return v, path
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// In is Get of one key after the other.
func (v *Value) In(path ...string) *Value {
	for _, key := range path {
		v = v.Get(key)
	}
	return v
}

func (v *Value) there() bool { return v != nil && v.Kind != Null }

// Each returns the elements of a list; of a map the map, as one block stands for
// a list of one; of what is not known itself.
func (v *Value) Each() []*Value {
	switch {
	case !v.there():
		return nil
	case v.Kind == List:
		return v.Items
	}
	return []*Value{v}
}

// block returns the one element of a list of one, else v.
func (v *Value) block() *Value {
	if v != nil && v.Kind == List && len(v.Items) == 1 {
		return v.Items[0]
	}
	return v
}

// Unknown returns why nothing, or not all, of a value is known, of a list or map
// by itself alone; "" if it is.
func (v *Value) Unknown() string {
	switch {
	case v == nil:
		return ""
	case v.Kind == Unknown:
		return v.Why
	case v.Kind == Scalar && len(v.Holes) > 0:
		return v.Holes[0].Why
	}
	return ""
}

// Known returns a text that is known in full; "" else.
func (v *Value) Known() string {
	if v == nil || v.Kind != Scalar || len(v.Holes) > 0 {
		return ""
	}
	return v.Text.String()
}

// Bool returns a boolean; ok is false if there is none that is known.
func (v *Value) Bool() (value, ok bool) {
	switch strings.ToLower(v.Known()) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// Int returns a whole number.
func (v *Value) Int() (int64, bool) {
	n, err := strconv.ParseInt(v.Known(), 10, 64)
	return n, err == nil
}
