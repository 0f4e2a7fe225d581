package kube

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// placeholders are what is filled in later, by what does it.
var placeholders = []struct {
	what string
	is   func() *regexp.Regexp
}{
	{"template", lazy.Regexp(`\{\{.*?(\}\}|$)`)},
	{"parameter", lazy.Regexp(`\$\([^)]*(\)|$)`)},
	{"variable", lazy.Regexp(`\$\{[^}]*(\}|$)|\$[A-Za-z_][A-Za-z0-9_]*`)},
	{"placeholder", lazy.Regexp(`<[^>]*>`)},
}

// Unresolved says why raw names nothing yet: "parameter $(params.image)"; "" if
// it holds nothing that is filled in later.
func Unresolved(raw string) string {
	if !strings.ContainsAny(raw, "{$<") {
		return ""
	}
	for _, p := range placeholders {
		if m := p.is().FindString(raw); m != "" {
			return p.what + " " + m
		}
	}
	return ""
}

// Parse returns raw as a reference, or why it is none.
func Parse(raw string) (ref.Ref, string) {
	if why := Unresolved(raw); why != "" {
		return ref.Ref{}, why
	}
	if strings.HasPrefix(raw, "ko://") {
		return ref.Ref{}, "ko builds it when it is applied"
	}
	r, err := ref.Parse(raw)
	if err != nil {
		return r, "no reference: " + cmp.Or(errors.Unwrap(err), err).Error()
	}
	return r, ""
}

// found returns what raw names, written at n.
func (w *walk) found(n yamlpos.Node, raw string, kind ref.Kind) extract.Found {
	f := extract.Found{Raw: raw, Kind: kind, Origin: n.Origin(w.file, w.at()), Ignored: n.Ignored()}
	if p, ok := n.Alias(); ok {
		f.Related = append(f.Related, ref.Origin{Kind: "file", Where: w.file, Line: p.Line, Column: p.Column, Path: f.Origin.Path})
	}
	f.Ref, f.Unresolved = Parse(raw)
	return f
}

// reference is found for a value that is a whole reference; ok is false if there
// is none.
func (w *walk) reference(n yamlpos.Node, kind ref.Kind) (f extract.Found, ok bool) {
	raw, isText := n.Text()
	switch {
	case n.IsZero() || isText && raw == "":
		return f, false
	case !isText: // {{ x }} without quotes is a mapping of a mapping
		f = w.found(n, n.Source(), kind)
		f.Ref, f.Site = ref.Ref{}, nil
		if f.Unresolved = Unresolved(f.Raw); f.Unresolved == "" {
			f.Unresolved = "no reference: it is no text"
		}
		return f, true
	}
	f = w.found(n, raw, kind)
	if f.Unresolved == "" {
		f.Site = n.Site(w.file, extract.StyleReference)
	}
	return f, true
}

// Parts are the values that a reference is put together from; a zero Node is not
// there.
type parts struct {
	registry, name, tag, digest yamlpos.Node
	// missing says what counts if there is neither tag nor digest; "" = none is
	// needed.
	missing string
}

// composed is found for a reference of several values. It is written where it
// would be changed; the rest is related.
func (w *walk) composed(p parts, kind ref.Kind) (f extract.Found, ok bool) {
	at := p.name
	raw := p.name.String()
	if r := p.registry.String(); r != "" && raw != "" {
		raw = strings.TrimSuffix(r, "/") + "/" + raw
	}
	if t := p.tag.String(); t != "" {
		raw += ":" + t
		at = p.tag
	}
	if d := p.digest.String(); d != "" {
		raw += "@" + d
		at = p.digest
	}
	if raw == "" {
		return f, false
	}
	f = w.found(at, raw, kind)
	if why := renumbered(p.tag); why != "" && f.Unresolved == "" && p.digest.String() == "" {
		f.Ref, f.Unresolved = ref.Ref{}, why
	}
	for _, n := range []yamlpos.Node{p.registry, p.name, p.tag, p.digest} {
		if o := n.Origin(w.file, ""); n.String() != "" && (o.Line != f.Origin.Line || o.Column != f.Origin.Column) {
			f.Related = append(f.Related, o)
		}
		if o := n.Pos(); n.String() != "" && o.Line != f.Origin.Line {
			f.Ignored = append(f.Ignored[:len(f.Ignored):len(f.Ignored)], n.Ignored()...)
		}
	}
	switch {
	case f.Unresolved == "" && f.Ref.Tag == "" && f.Ref.Digest == "" && p.missing != "":
		f.Unresolved, f.Ref = p.missing, ref.Ref{}
	case f.Unresolved != "":
		if p.name.String() == "" && Unresolved(raw) == "" {
			f.Unresolved = "the name of the image is not set here"
		}
	case p.digest.String() != "":
		f.Site = p.digest.Site(w.file, extract.StyleDigest)
	case p.tag.String() != "":
		f.Site = p.tag.Site(w.file, extract.StyleTag)
		if s := emptyDigest(w.file, p.digest); s != nil {
			f.Related = append(f.Related, f.Origin)
			f.Site, f.Origin = s, p.digest.Origin(w.file, w.at())
		}
	case p.registry.String() == "":
		f.Site = p.name.Site(w.file, extract.StyleReference)
	default:
		if s := w.inName(p.name, f.Ref); s != nil {
			f.Origin.Column += s.Start - p.name.Pos().Start
			f.Site = s
		}
	}
	return f, true
}

// emptyDigest is where a digest is expected and none is written: digest: "".
func emptyDigest(file string, n yamlpos.Node) *extract.Site {
	if text, ok := n.Text(); n.IsZero() || !ok || text != "" {
		return nil
	}
	return n.Site(file, extract.StyleDigest)
}

// inName is where the tag or digest is that stands in the name of an image with a
// registry of its own.
func (w *walk) inName(name yamlpos.Node, r ref.Ref) *extract.Site {
	text := name.String()
	style, part := extract.StyleTag, r.Tag
	if r.Digest != "" {
		style, part = extract.StyleDigest, string(r.Digest)
	}
	if part == "" || !strings.HasSuffix(text, part) {
		return nil
	}
	return name.Part(w.file, style, len(text)-len(part), len(text))
}

// renumbered says why a tag without quotes is not the one that is read: 1.10 is
// the number 1.1.
func renumbered(tag yamlpos.Node) string {
	text := tag.String()
	if _, whole := tag.Int(); whole || !tag.Number() {
		return ""
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(x, 'g', -1, 64) == text {
		return ""
	}
	return "the tag " + text + " is a number and not read as it is written; put it in quotes"
}

// add keeps what the current object names.
func (w *walk) add(f extract.Found, ok bool) {
	if ok {
		w.images = append(w.images, Image{Found: f, Object: w.object})
	}
}
