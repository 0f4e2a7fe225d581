package layer

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A codec is a compression, told by the bytes and never by the media type.
type codec uint8

const (
	codecNone codec = iota
	codecGzip
	codecZstd
	codecXz
	codecBzip2
	codecLz4
	codecZip
)

func (c codec) String() string {
	return [...]string{"none", "gzip", "zstd", "xz", "bzip2", "lz4", "zip"}[c]
}

// sniffLength is how many bytes sniff looks at.
const sniffLength = 6

func sniff(b []byte) codec {
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return codecGzip
	case isZstdMagic(b), isSkippableMagic(b):
		return codecZstd
	case bytes.HasPrefix(b, []byte("\xfd7zXZ\x00")):
		return codecXz
	case bytes.HasPrefix(b, []byte("BZh")) && len(b) > 3 && b[3] >= '1' && b[3] <= '9':
		return codecBzip2
	case bytes.HasPrefix(b, []byte{0x04, 0x22, 0x4d, 0x18}):
		return codecLz4
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return codecZip
	}
	return codecNone
}

func isZstdMagic(b []byte) bool { return bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}) }

// isSkippableMagic: RFC 8878 section 3.1.2. A layer may begin with one.
func isSkippableMagic(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18
}

// declared returns the compression that a media type states, if it states one.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
func declared(mediaType string) (codec, bool) {
	t, _, _ := strings.Cut(mediaType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch {
	case strings.HasSuffix(t, "+gzip"), strings.HasSuffix(t, ".tar.gzip"):
		return codecGzip, true
	case strings.HasSuffix(t, "+zstd"), strings.HasSuffix(t, ".tar.zstd"):
		return codecZstd, true
	case strings.HasSuffix(t, ".tar"):
		return codecNone, true
	}
	return codecNone, false
}

func compareMediaType(mediaType string, is codec) (fact.Problem, bool) {
	says, ok := declared(mediaType)
	if !ok || says == is {
		return fact.Problem{}, false
	}
	return fact.Problem{Kind: fact.ProblemMediaType,
		Detail: fmt.Sprintf("the media type %q says compression %s, the bytes are %s", mediaType, says, is)}, true
}

func isEncrypted(mediaType string) bool { return strings.HasSuffix(mediaType, "+encrypted") }

func isForeign(d ref.Descriptor) bool {
	return len(d.URLs) > 0 || strings.Contains(d.MediaType, ".nondistributable.") ||
		strings.Contains(d.MediaType, ".foreign.")
}
