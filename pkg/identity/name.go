// Package identity says whether two names of an image mean the same one, with
// the proof: names as runtimes report them, and digests of indexes, manifests
// and configs. It is pure: what it knows, it was told.
package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// ErrNothing reports a name that is empty, or Docker's <none>: nothing was
// pulled, or nothing has started.
var ErrNothing = errors.New("no image is named")

// maxName is well above the longest name of the grammar: 255 characters of
// repository, 128 of tag and a sha512 digest.
const maxName = 1024

// A Name is a name by which an image goes, as a runtime reported it. What a
// digest in it is of (an index, a manifest, a config) is never in the name: a
// [Graph] tells. The zero value names nothing.
type Name struct {
	// Repository is canonical (ref.Ref.Canonical); "" = none was given. A runtime
	// may name one that the bytes never came from.
	Repository string
	Tag        string     // "" = none was given
	Digest     ref.Digest // "" = none was given
	Scheme     string     // "docker-pullable", without "://"; "" = none was given
}

// ParseReported parses what a runtime reports as the image of a container: a
// pod's imageID, image_ref and image_id of the CRI, Image, RepoTags and
// RepoDigests of Docker, ImageID of Podman. Those are a reference, a digest alone
// or its hex digits alone, all with or without a scheme. The error wraps
// [ErrNothing] for an empty name and [ref.ErrUnsupportedAlgorithm] for a digest
// that cannot be verified.
//
// https://github.com/kubernetes/cri-api/blob/v0.34.0/pkg/apis/runtime/v1/api.proto
func ParseReported(s string) (Name, error) {
	if len(s) > maxName {
		return Name{}, fmt.Errorf("parse reported image %.100q…: %d characters are more than any name has", s, len(s))
	}
	var n Name
	rest := s
	if scheme, after, ok := strings.Cut(s, "://"); ok && isScheme(scheme) {
		n.Scheme, rest = scheme, after
	}
	var err error
	switch rest = withoutNone(rest); {
	case rest == "":
		err = ErrNothing
	case isHex(rest):
		n.Digest, err = ref.ParseDigest(algorithmOf(rest) + ":" + rest)
	case isBareDigest(rest):
		n.Digest, err = ref.ParseDigest(rest)
	default:
		var r ref.Ref
		r, err = ref.Parse(rest)
		n.Repository, n.Tag, n.Digest = r.Canonical(), r.Tag, r.Digest
	}
	if err != nil {
		return Name{}, fmt.Errorf("parse reported image %q: %w", s, err)
	}
	return n, nil
}

// withoutNone removes what Docker prints for a part that there is not:
// <none>:<none>, <none>@<none>, repo:<none>, repo@<none>, <none>@sha256:….
func withoutNone(s string) string {
	const none = "<none>"
	s = strings.TrimSuffix(strings.TrimSuffix(s, ":"+none), "@"+none)
	if s == none {
		return ""
	}
	return strings.TrimPrefix(s, none+"@")
}

// isBareDigest reports whether s is meant as a digest. Without the names of the
// algorithms a digest that is cut short would be read as a repository and a tag.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#registered-algorithms
func isBareDigest(s string) bool {
	algorithm, _, ok := strings.Cut(s, ":")
	switch algorithm {
	case "sha256", "sha384", "sha512", "blake3":
		return ok
	}
	return false
}

// isHex reports whether s is a digest's hex digits alone, as CRI-O and Podman
// write image IDs. The grammar of references takes no such repository.
func isHex(s string) bool {
	if len(s) != 64 && len(s) != 128 {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil && strings.ToLower(s) == s
}

func algorithmOf(digits string) string {
	if len(digits) == 128 {
		return "sha512"
	}
	return "sha256"
}

// isScheme follows RFC 3986, section 3.1, lower case only.
func isScheme(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}
