// Package scan is the engine: targets → subjects → facts → results → verdict.
// It bounds concurrency and time and examines each image once, however many
// references lead to it.
package scan

import (
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Target is one reference to judge and how to read what it names.
type Target struct {
	Text   string     // as written, with its source prefix
	Kind   ref.Kind   // what it names
	Origin ref.Origin // where it was found
	Ref    ref.Ref    // what Place is asked for
	// Name is the name it is judged under: Ref for a registry, the name it will be
	// pushed to for a local image, else zero.
	Name  ref.Ref
	Place Place
	// PushTo, if it has a tag, is where the image is about to be pushed, and
	// Destination reads that registry.
	PushTo      ref.Ref
	Destination image.Source
	// Err is set for a target whose place could not be opened, and Local with it if
	// that is no registry.
	Err   error
	Local bool

	runs bool // it stands for containers
}

// A Place is a source with what else it can do. Prober and Referrer are nil if it
// cannot.
type Place struct {
	image.Source
	Prober   image.Prober
	Referrer image.Referrer
	// Listings keep what signatures the place lists; nil = it is asked each time.
	Listings signatures.Listings
}

// local reports whether the target is not read from a registry.
func (t Target) local() bool {
	return t.Local || t.Place.Source != nil && !t.Place.Proves().Tags
}

// place tells local places apart: one digest may lie in two folders, whole in one
// and damaged in the other. A registry is told by the name.
func (t Target) place() string {
	if t.local() {
		return t.Text
	}
	return ""
}

// reference is the fact about how the target was written.
func (t Target) reference(class ref.Class) fact.Value[fact.Reference] {
	r := t.Ref
	if t.local() {
		r = t.Name
	}
	return fact.Of(fact.Reference{Ref: r, Text: t.Text, Kind: t.Kind, Class: class, Origin: t.Origin, Local: t.local()})
}
