package fact

import (
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Reference is what was written, before anything was asked of a registry.
type Reference struct {
	Ref    ref.Ref    `json:"ref"`
	Text   string     `json:"text"` // as written, with a source prefix if there was one
	Kind   ref.Kind   `json:"kind"`
	Class  ref.Class  `json:"class,omitempty"` // of the tag, after the policy's overrides; "" without a tag
	Origin ref.Origin `json:"origin"`
	// Local is set for an image that is not read from a registry (a layout, an
	// archive): the rules about references do not apply to it.
	Local bool `json:"local,omitempty"`
}

// A Resolution is the one answer that decides what is examined.
type Resolution struct {
	Digest    ref.Digest `json:"digest"` // of the bytes received, computed by us
	MediaType string     `json:"mediaType"`
	By        string     `json:"by"` // "tag", "digest" or, for a local image, "source"
}

// A Tag is what the registry said about one tag during one scan, in order. The
// first answer is the deciding one.
type Tag struct {
	Name    string      `json:"name"`
	Answers []TagAnswer `json:"answers"`
}

// A TagAnswer is one answer about a tag.
type TagAnswer struct {
	Method string     `json:"method"` // "GET" (bytes, hashed by us), "GET header", "HEAD" (claims)
	Digest ref.Digest `json:"digest,omitempty"`
	Gone   bool       `json:"gone,omitempty"` // 404
	At     time.Time  `json:"at,omitzero"`
}

// A Pin is how a tag and the digest beside it relate.
type Pin struct {
	Pinned ref.Digest `json:"pinned"`
	Tag    string     `json:"tag"`
	// TagPoints is where the tag points now; "" if the tag is gone.
	TagPoints ref.Digest `json:"tagPoints,omitempty"`
	// ChildOfTag is set if the pinned digest is listed by the index that the tag
	// points to.
	ChildOfTag bool `json:"childOfTag,omitempty"`
	// ParentOfTag is set if the tag points to a child of the pinned index.
	ParentOfTag bool `json:"parentOfTag,omitempty"`
}

// A Push is what a push to a tag would do.
type Push struct {
	To     ref.Ref    `json:"to"`
	Class  ref.Class  `json:"class"`
	Exists bool       `json:"exists"`
	Digest ref.Digest `json:"digest,omitempty"` // where the tag points now
	Local  ref.Digest `json:"local"`            // what would be pushed; "" if the source cannot tell
}

// A Blob is whether something that the image needs is there to be pulled.
type Blob struct {
	Role       string         `json:"role"` // "manifest", "index", "config", "layer"
	Descriptor ref.Descriptor `json:"descriptor"`
	Platform   ref.Platform   `json:"platform,omitzero"`
	Present    bool           `json:"present"`
}
