// Package testimage builds images for tests from a short description in Go or
// JSON: right ones, and ones with a chosen defect. The same description always
// gives the same bytes.
//
//	{"images": [{
//	  "platform": "linux/amd64",
//	  "config": {"User": "app", "Entrypoint": ["/app/run"]},
//	  "layers": [{
//	    "createdBy": "COPY . /app",
//	    "files": [
//	      {"path": "app/", "uid": 1000},
//	      {"path": "app/run", "mode": "0755", "uid": 1000, "content": "#!/bin/sh\n"},
//	      {"path": "bin/sh", "link": "busybox"},
//	      {"path": "etc/.wh.passwd"}
//	    ]
//	  }]
//	}]}
package testimage

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Spec describes one root: an index if it has several images or Index is set,
// else a manifest.
type Spec struct {
	Images []Image `json:"images"`
	Index  bool    `json:"index,omitempty"`
	// IndexFields are set in the index document, over what is there; null removes.
	IndexFields map[string]any `json:"indexFields,omitempty"`
	// RawIndex is the index document itself, defects and all.
	RawIndex string `json:"rawIndex,omitempty"`
}

// An Image describes one platform's image.
type Image struct {
	Platform string  `json:"platform,omitempty"` // "linux/amd64" if empty
	Config   Config  `json:"config"`
	Layers   []Layer `json:"layers"`
	// ConfigFields and ManifestFields are set in the documents, over what is
	// there; null removes. DescriptorFields: in the index's entry.
	ConfigFields     map[string]any `json:"configFields,omitempty"`
	ManifestFields   map[string]any `json:"manifestFields,omitempty"`
	DescriptorFields map[string]any `json:"descriptorFields,omitempty"`
	// RawConfig and RawManifest are the documents themselves.
	RawConfig   string `json:"rawConfig,omitempty"`
	RawManifest string `json:"rawManifest,omitempty"`
}

// Config is the part of an image's config that says how it is run.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
type Config struct {
	User       string              `json:"User,omitempty"`
	Env        []string            `json:"Env,omitempty"`
	Entrypoint []string            `json:"Entrypoint,omitempty"`
	Cmd        []string            `json:"Cmd,omitempty"`
	Volumes    map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir string              `json:"WorkingDir,omitempty"`
	Labels     map[string]string   `json:"Labels,omitempty"`
}

// A Layer describes one layer.
type Layer struct {
	Files       []File `json:"files,omitempty"`
	Compression string `json:"compression,omitempty"` // "gzip" if empty; "zstd", "none"
	CreatedBy   string `json:"createdBy,omitempty"`
	// Tar is the archive itself instead of Files; After follows its end.
	Tar   []byte `json:"tar,omitempty"`
	After []byte `json:"after,omitempty"`
	// Stored is what is stored under the layer's digest instead of the layer.
	Stored []byte `json:"stored,omitempty"`
	// DescriptorFields are set in the manifest's entry, over what is there.
	DescriptorFields map[string]any `json:"descriptorFields,omitempty"`
	DiffID           string         `json:"diffID,omitempty"` // in the config, instead of the right one
}

// A File describes one archive entry.
type File struct {
	Path    string `json:"path"`           // with a trailing slash: a directory
	Mode    string `json:"mode,omitempty"` // octal; "0644", or "0755" for a directory, if empty
	UID     int    `json:"uid,omitempty"`
	GID     int    `json:"gid,omitempty"`
	Content string `json:"content,omitempty"`
	Size    int64  `json:"size,omitempty"` // if Content is empty: so many bytes of a fixed pattern
	Link    string `json:"link,omitempty"` // symbolic link to it
	Hard    string `json:"hard,omitempty"` // hard link to it
	// Type is "char", "block" or "fifo" where the fields above do not tell.
	Type   string            `json:"type,omitempty"`
	Xattrs map[string]string `json:"xattrs,omitempty"`
}

// An Object is content with the descriptor that points to it. Body hashes to
// the descriptor's digest unless the description asks otherwise.
type Object struct {
	Descriptor ref.Descriptor
	Body       []byte
}

// Built is a root and everything below it.
type Built struct {
	Root      Object
	Manifests []Object // in the order in which a registry takes them: the root last
	Blobs     []Object // configs and layers, each digest once
	Images    []BuiltImage
}

// A BuiltImage is one platform's image.
type BuiltImage struct {
	Manifest Object
	Config   Object
	Layers   []Object
	Tars     [][]byte // the layers, expanded
}

// Parse reads a Spec; an unknown field is an error.
func Parse(b []byte) (Spec, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var s Spec
	if err := dec.Decode(&s); err != nil {
		return Spec{}, fmt.Errorf("parse image description: %w", err)
	}
	return s, nil
}
