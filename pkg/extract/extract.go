// Package extract finds the images, artifacts, machine images and actions that
// files name, each with its exact place. The packages below it each read one
// kind of file. They work offline on an fs.FS, execute nothing, and follow no
// link out of it.
package extract

import (
	"io/fs"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads one kind of file. It holds no state between calls and may
// be used concurrently.
type Extractor interface {
	// Match reports whether the file at path (with slashes, relative to the root)
	// is of its kind, by its path and its first bytes (at most [HeadSize]). If it says
	// no to those of a longer file of YAML or JSON, it is asked again with all of it.
	// Several extractors may match one file. It must not keep head, which is used again.
	Match(path string, head []byte) bool
	// Extract reads the file at path; files beside it are read from fsys where the
	// kind asks for that (a chart, an overlay, an included file). What it sees and
	// cannot evaluate is a Found with Unresolved set, what it cannot read a
	// Problem; neither is left out. The error means that nothing of the file could
	// be read.
	Extract(fsys fs.FS, path string) (Result, error)
}

// HeadSize is how many bytes of a file Match sees at first.
const HeadSize = 4096

// A Result is what one file says.
type Result struct {
	Found    []Found
	Objects  []Object
	Problems []Problem
	Notices  []Notice
	// Read are the other files that it was made from, with slashes, relative to
	// the root: a change of one of them changes the Result.
	Read []string
	// Claims are the files that it stands for: what they hold is in the Result as it
	// is put together, so that nobody else need read them (the templates of a
	// chart, the resources of an overlay).
	Claims []string
}

// A Found is one reference in a file.
type Found struct {
	Raw  string   // as written, with what is not resolved in it
	Ref  ref.Ref  // zero if Unresolved, and for kinds that are no container references
	Kind ref.Kind // image, artifact, machine image, action
	// Class is the class of a machine image or action, whose grammar is not that of
	// tags: floating or fixed. "" for the others.
	Class ref.Class
	// Unresolved says why Ref is not known: "parameter $(params.image)", "the value
	// image.tag is not set".
	Unresolved string
	// Chart is set where a Helm chart that is not rendered here would say more.
	Chart Chart
	// Built is set where the name is what a build beside it gives its result, so that
	// nobody pulls it from there; Unresolved says so too.
	Built bool
	// Off is set where nothing is made of it as the files are, since a value switches
	// it off: others may switch it on. Workload is zero then.
	Off bool
	// Origin is where the reference is written: Kind "file", Where the path, line
	// and column of its first byte, Path within the document
	// ("spec.template.spec.containers[0].image").
	Origin ref.Origin
	// Related are other places that have a part in it, such as the template that a
	// value is put into.
	Related []ref.Origin
	// Site is where its text can be changed; nil if no file of the tree holds it.
	Site *Site

	// Workload is the object that runs it, as the cluster would name it; zero if it
	// is none.
	Workload  Workload
	Container string
	Role      fact.Role
	// Settings are what the object says about the container; nil if it is none.
	Settings *fact.Settings
	Platform ref.Platform // that the file asks for; zero = none

	// Ignored are the checks that a comment beside it wants silenced.
	Ignored []Ignore
}

// A Workload names an object as a cluster or engine would. Namespace is "" if
// the file does not say.
type Workload struct {
	Kind, Namespace, Name string
}

// A Chart names a Helm chart as "helm template" names what it renders: app, and
// app/charts/redis for one that it depends on. The zero value is none. Version may
// be a range of versions, "" is any.
type Chart struct {
	Path, Version string
}

// A Site is the bytes of a file that say which image is meant.
type Site struct {
	File       string // with slashes, relative to the root
	Start, End int    // offsets in bytes
	Style      Style
	// Before and After go around what is written there, for text that has to be
	// added: a key that is not there yet.
	Before, After string
}

// A Style is what the bytes of a Site hold.
type Style string

// Styles. Wherever a tag stands alone, the digest is written behind it.
const (
	StyleReference Style = "reference" // the whole reference
	StyleTag       Style = "tag"       // the tag alone; the name stands elsewhere
	StyleDigest    Style = "digest"    // a digest alone: sha256:…
	StyleCommit    Style = "commit"    // an action's revision
)

// An Ignore is a comment `# intact:ignore ID reason`.
type Ignore struct {
	Check, Reason string
	Line          int
}

// An Object is something else in a file that is judged: the settings of a
// registry, a play that changes running hosts.
type Object struct {
	Origin ref.Origin
	Fact   fact.Object
	// Ignored are the checks that a comment beside it wants silenced.
	Ignored []Ignore
}

// A Problem is a part of a file that could not be read. It is never clean.
type Problem struct {
	Origin ref.Origin
	Cause  fact.Cause
	Why    string
	Chart  Chart // that does not render; zero if it is about something else
}

// A Notice is about an image that is written in a file and that what is made of
// the file does not hold: a container that an overlay deletes, an object that a
// chart's values switch off. It leaves nothing unexamined, and is no secret.
type Notice struct {
	Origin ref.Origin
	Raw    string // the image, as it is written; "" if that is not one text
	Why    string // without the place and the image: the same for all of one kind
}
