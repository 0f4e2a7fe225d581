package fact

import (
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// An Object is something that a file declares and that is judged by itself.
type Object struct {
	Kind ObjectKind `json:"kind"`
	// Type and Name are the file's words: "aws_ecr_repository", "app".
	Type string `json:"type"`
	Name string `json:"name"`

	// Of a registry: whether pushed tags can be overwritten. Partly means that some
	// can; Exclusions are the patterns that say which.
	TagsMutable Mutability `json:"tagsMutable,omitempty"`
	Exclusions  []string   `json:"exclusions,omitempty"`
	// Unresolved says why a setting is not known.
	Unresolved string `json:"unresolved,omitempty"`

	// Of a play or recipe: what it changes in place ("package nginx", "line in
	// /etc/nginx.conf"), and where ("hosts web", "container app").
	Action string `json:"action,omitempty"`
	On     string `json:"on,omitempty"`
}

// An ObjectKind says what an Object is.
type ObjectKind string

// Kinds of objects.
const (
	ObjectRegistry ObjectKind = "registry" // REG001
	ObjectPlay     ObjectKind = "play"     // SET006: changes what runs in place
)

// A Mutability is whether the tags of a registry can be overwritten. The zero
// value is not known.
type Mutability string

// Mutabilities.
const (
	TagsImmutable Mutability = "immutable"
	TagsMutable   Mutability = "mutable"
	TagsPartly    Mutability = "partly" // but for Exclusions
)

// A TagHistory is what a tag meant before, by a record that was kept: a lock file,
// a ledger.
type TagHistory struct {
	By  string `json:"by"` // "intact.lock", "ledger"
	Tag string `json:"tag"`
	// Before is what it meant when it was last recorded. Earlier are the digests
	// before that, newest first.
	Before  Past   `json:"before"`
	Earlier []Past `json:"earlier,omitempty"`
	// Gone is when the record found that the tag is not there any more; zero = it
	// was there when it was last recorded.
	Gone time.Time `json:"gone,omitzero"`
}

// A Past is what a tag meant at some time.
type Past struct {
	Digest ref.Digest `json:"digest"`
	// Platforms are the manifests of its platforms, as far as the record has them.
	Platforms map[string]ref.Digest `json:"platforms,omitempty"`
	At        time.Time             `json:"at,omitzero"` // when it was seen; zero = not recorded
}

// A Declared is how a running container stands in the files that declare what
// should run.
type Declared struct {
	// In are the places that declare its workload's container; none = nothing does.
	In []Declaration `json:"in,omitempty"`
	// Unresolved counts references in the files that could not be evaluated and
	// might be it.
	Unresolved int `json:"unresolved,omitempty"`
}

// A Declaration is one place in a file that declares a container.
type Declaration struct {
	Where  string     `json:"where"` // file:line
	Image  string     `json:"image"`
	Same   Comparison `json:"same"`             // with what runs
	Digest bool       `json:"digest,omitempty"` // the file pins a digest
}
