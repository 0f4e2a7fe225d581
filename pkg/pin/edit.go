package pin

import (
	"bytes"
	"fmt"
	"unicode/utf16"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// editOf is how the bytes of f's site say to, or why they cannot.
func editOf(src []byte, f *extract.Found, to ref.Ref) (e edit, why string) {
	s := f.Site
	if s.Start < 0 || s.Start > s.End || s.End > len(src) {
		return e, "the file is shorter than when it was read"
	}
	enc := encodingOf(src)
	old := enc.decode(src[s.Start:s.End])
	e = edit{start: s.Start, end: s.End}
	put := func(text string) (edit, string) {
		e.text = enc.encode(s.Before + text + s.After)
		return e, ""
	}
	switch s.Style {
	case extract.StyleReference:
		if r, err := ref.Parse(old); err != nil || r != f.Ref {
			return e, fmt.Sprintf("its place holds %q, which is not %q", old, f.Ref)
		}
		return put(to.String())
	case extract.StyleTag:
		if old != withTag(f.Ref) && old != f.Ref.Tag && old != "" {
			return e, fmt.Sprintf("its place holds %q, which is not the tag of %q", old, f.Ref)
		}
		if f.Ref.Digest != "" && old == f.Ref.Tag {
			return e, "its digest is written elsewhere than its tag"
		}
		return put(withTag(to))
	case extract.StyleDigest:
		if old != string(f.Ref.Digest) && old != "" {
			return e, fmt.Sprintf("its place holds %q, which is not the digest of %q", old, f.Ref)
		}
		if to.Digest == "" {
			return cut(src, enc, e)
		}
		return put(string(to.Digest))
	}
	return e, fmt.Sprintf("a place of style %q cannot hold a digest", s.Style)
}

var (
	// A line of a block mapping that holds nothing but a digest: "  digest: sha256:…".
	lineBefore = lazy.Regexp(`(?:\r\n|\n)[ ]*"?[A-Za-z][A-Za-z0-9_-]*"?:[ ]+["']?$`)
	lineAfter  = lazy.Regexp(`^["']?[ ]*(?:\r?\n|$)`)
	// A key of a flow mapping, or of JSON, that is not the first.
	flowBefore = lazy.Regexp(`,[ ]*"?[A-Za-z][A-Za-z0-9_-]*"?:[ ]*["']?$`)
	flowAfter  = lazy.Regexp(`^["']?[ ]*[,}]`)
)

// cut takes a digest away with what is there for its sake: the @ before it, or its
// key.
func cut(src []byte, enc encoding, e edit) (edit, string) {
	if enc != utf8Text {
		return e, "its digest has a key of its own, which in UTF-16 has to be taken out by hand"
	}
	before, after := src[:e.start], src[e.end:]
	if bytes.HasSuffix(before, []byte("@")) {
		e.start--
		return e, ""
	}
	const near = 300 // a key is shorter
	window := before[max(0, len(before)-near):]
	if m := lineBefore().FindIndex(window); m != nil {
		if a := lineAfter().FindIndex(after); a != nil {
			e.start -= len(window) - m[0]
			e.end += len(bytes.TrimRight(after[:a[1]], "\r\n"))
			return e, ""
		}
	}
	if m := flowBefore().FindIndex(window); m != nil {
		if a := flowAfter().FindIndex(after); a != nil {
			e.start -= len(window) - m[0]
			e.end += len(bytes.TrimRight(after[:a[1]], " ,}"))
			return e, ""
		}
	}
	return e, "its digest has a key of its own, which has to be taken out by hand"
}

// An encoding is how a file writes text. The references themselves are ASCII.
type encoding uint8

const (
	utf8Text encoding = iota
	utf16LE
	utf16BE
)

func encodingOf(src []byte) encoding {
	switch {
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}):
		return utf16LE
	case bytes.HasPrefix(src, []byte{0xfe, 0xff}):
		return utf16BE
	}
	return utf8Text
}

func (e encoding) decode(b []byte) string {
	if e == utf8Text {
		return string(b)
	}
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		if e == utf16LE {
			units = append(units, uint16(b[0])|uint16(b[1])<<8)
		} else {
			units = append(units, uint16(b[1])|uint16(b[0])<<8)
		}
	}
	return string(utf16.Decode(units))
}

func (e encoding) encode(s string) string {
	if e == utf8Text {
		return s
	}
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if e == utf16LE {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return string(out)
}
