package ref

import (
	"fmt"
	"strings"
)

// A Descriptor points to content and says what it should be. All of it is a
// claim of the document that it stands in until the content was hashed.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
type Descriptor struct {
	MediaType    string            `json:"mediaType,omitempty"`
	Digest       Digest            `json:"digest"`
	Size         int64             `json:"size"`
	Platform     *Platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	URLs         []string          `json:"urls,omitempty"`
	Data         []byte            `json:"data,omitempty"` // embedded content, unverified
}

// A Platform is what an image runs on. The zero value means not stated.
type Platform struct {
	OS           string `json:"os,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Variant      string `json:"variant,omitempty"`
	OSVersion    string `json:"osVersion,omitempty"`
}

// ParsePlatform parses os/arch[/variant].
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Platform{}, fmt.Errorf("parse platform %q: not of the form os/arch[/variant]", s)
	}
	for _, p := range parts {
		if p == "" {
			return Platform{}, fmt.Errorf("parse platform %q: empty part", s)
		}
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String returns os/arch[/variant], and the OS version in parentheses if there
// is one; "" for the zero Platform.
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	if p.OSVersion != "" {
		s += " (" + p.OSVersion + ")"
	}
	return s
}

// Unknown reports the unknown/unknown platform under which BuildKit lists its
// attestation manifests.
func (p Platform) Unknown() bool { return p.OS == "unknown" && p.Architecture == "unknown" }

// Matches reports whether p satisfies want: os and architecture equal, and the
// variant too where want states one, all as [Platform.Normalize] spells them.
func (p Platform) Matches(want Platform) bool {
	any := want.Variant == "" && want.OSVersion == ""
	p, want = p.Normalize(), want.Normalize()
	if p.OS != want.OS || p.Architecture != want.Architecture {
		return false
	}
	if any && want.Variant == "" {
		return true
	}
	return p.Variant == want.Variant && (want.OSVersion == "" || p.OSVersion == want.OSVersion)
}

// Normalize returns p in the one spelling that runtimes compare by: x86_64 is
// amd64, aarch64 is arm64, case does not count, and the variant that every
// machine of an architecture has is left out.
//
// https://github.com/containerd/platforms/blob/v1.0.0/database.go
func (p Platform) Normalize() Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	switch p.Architecture {
	case "i386":
		p.Architecture = "386"
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	if p.Variant != "" && p.Variant[0] >= '0' && p.Variant[0] <= '9' {
		p.Variant = "v" + p.Variant
	}
	switch p.Architecture + "/" + p.Variant {
	case "arm64/v8", "amd64/v1", "arm/v7", "386/":
		p.Variant = ""
	}
	return p
}

// CouldMatch reports whether a runtime on want might take p for its own: it
// matches, or leaves open what would decide.
func (p Platform) CouldMatch(want Platform) bool {
	if p.OS == "" || p.Architecture == "" {
		return (p.OS == "" || strings.EqualFold(p.OS, want.OS)) &&
			(p.Architecture == "" || p.Normalize().Architecture == want.Normalize().Architecture)
	}
	return p.Matches(want)
}
