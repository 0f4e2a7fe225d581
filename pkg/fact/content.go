package fact

import (
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Class is what a manifest is.
type Class string

// Manifest classes.
const (
	ClassImage       Class = "image"
	ClassIndex       Class = "index"
	ClassAttestation Class = "attestation" // BuildKit's unknown/unknown children, DSSE
	ClassArtifact    Class = "artifact"    // Helm, WASM, SBOM, policy bundles
)

// An Image is what the root digest names and what hangs from it.
type Image struct {
	Name      string         `json:"name"` // canonical registry/repository; "" for a local image without a name
	Root      ref.Descriptor `json:"root"`
	Class     Class          `json:"class"`
	Platforms []Child        `json:"platforms"` // the runnable ones, in the index's order
	Others    []Child        `json:"others,omitempty"`
	// Incomplete says why runnable children may be missing from Platforms, such as
	// a limit; "" = all are there.
	Incomplete string `json:"incomplete,omitempty"`
}

// A Child is one manifest below the root, or the root itself if it is no index.
type Child struct {
	Platform ref.Platform `json:"platform,omitzero"`
	Class    Class        `json:"class"`
	Manifest ref.Digest   `json:"manifest"`
	Config   ref.Digest   `json:"config,omitempty"`
	// Selected says that its layers are to be read.
	Selected bool `json:"selected,omitempty"`
}

// A Document is a manifest, index or config whose bytes were received in full,
// right or wrong.
type Document struct {
	Role        string         `json:"role"`   // "index", "manifest", "config", "attestation", "artifact"
	Wanted      ref.Descriptor `json:"wanted"` // what pointed here; Digest is "" for a tag's answer
	Digest      ref.Digest     `json:"digest"` // of the bytes received, computed by us
	Size        int64          `json:"size"`   // bytes received
	HeaderType  string         `json:"headerType,omitempty"`
	HeaderClaim ref.Digest     `json:"headerClaim,omitempty"` // Docker-Content-Digest, only ever compared
	MediaType   string         `json:"mediaType,omitempty"`   // the document's own field
	Class       Class          `json:"class,omitempty"`
	Problems    []Problem      `json:"problems,omitempty"`
}

// A ProblemKind groups problems of content by the check that reports them.
type ProblemKind string

// Kinds of problems.
const (
	ProblemSize         ProblemKind = "size"         // DIG002
	ProblemMediaType    ProblemKind = "media-type"   // DIG002
	ProblemAmbiguous    ProblemKind = "ambiguous"    // DIG005
	ProblemTrailing     ProblemKind = "trailing"     // DIG006
	ProblemUnverifiable ProblemKind = "unverifiable" // DIG008
)

// A Problem is something wrong with received bytes. A note is worth saying but
// no failure.
type Problem struct {
	Kind   ProblemKind `json:"kind"`
	Detail string      `json:"detail"`         // what, in words; untrusted text in it is quoted
	Path   Bytes       `json:"path,omitempty"` // of an archive entry
	Count  int         `json:"count,omitempty"`
	Note   bool        `json:"note,omitempty"`
}

// A Layer is one layer blob whose bytes were received in full, right or wrong.
type Layer struct {
	Index      int            `json:"index"` // from 0, lowest first
	Descriptor ref.Descriptor `json:"descriptor"`
	CreatedBy  string         `json:"createdBy,omitempty"` // the history line, untrusted

	Digest      ref.Digest `json:"digest"` // of the bytes received, with the descriptor's algorithm
	Size        int64      `json:"size"`   // bytes received
	Compression string     `json:"compression,omitempty"`

	DiffID         ref.Digest `json:"diffID,omitempty"`         // of the expanded bytes; "" if not expanded
	DeclaredDiffID ref.Digest `json:"declaredDiffID,omitempty"` // by the config; "" if it has none for this layer
	Expanded       int64      `json:"expanded,omitempty"`       // bytes
	Entries        int        `json:"entries,omitempty"`

	Foreign   bool      `json:"foreign,omitempty"`   // has urls or a non-distributable media type
	Encrypted bool      `json:"encrypted,omitempty"` // hash checked, content not
	Problems  []Problem `json:"problems,omitempty"`
	SeenAt    time.Time `json:"seenAt,omitzero"` // set if from cache: when the bytes were read
}

// A Config is what an image says about how it is run.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
type Config struct {
	Platform     ref.Platform      `json:"platform"`
	Created      time.Time         `json:"created,omitzero"`
	User         string            `json:"user"`
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Cmd          []string          `json:"cmd,omitempty"`
	Env          []string          `json:"env,omitempty"`
	Volumes      []string          `json:"volumes,omitempty"` // sorted
	WorkingDir   string            `json:"workingDir,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	DiffIDs      []ref.Digest      `json:"diffIDs,omitempty"`
	DiffIDErrors []string          `json:"diffIDErrors,omitempty"` // entries that are no digests
	LayerCount   int               `json:"layerCount"`             // in the manifest beside it
	History      []History         `json:"history,omitempty"`
	ArgsEscaped  bool              `json:"argsEscaped,omitempty"`
}

// A History is one line of how an image was built. Untrusted.
type History struct {
	CreatedBy string `json:"createdBy,omitempty"`
	Comment   string `json:"comment,omitempty"`
	Empty     bool   `json:"empty,omitempty"` // made no layer
}
