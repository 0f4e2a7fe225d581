// Package strictjson reads JSON documents of which every reader must get the
// same meaning: it reports duplicate keys, keys that differ only by case, bytes
// after the document, invalid UTF-8 and excessive depth, where encoding/json
// silently picks one reading.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Value is any JSON value: nil, bool, json.Number, string, []Value or
// *Object.
type Value any

// An Object keeps its members under their exact keys.
type Object struct {
	Members map[string]Value
}

// An Ambiguity is a place that two readers can understand differently.
type Ambiguity struct {
	Path   string // "layers[2].digest"; "" for the document itself
	Detail string
	// Trailing is set for bytes after the end of the document.
	Trailing bool
}

// maxAmbiguities bounds what is reported of one document: the first few tell
// the story.
const maxAmbiguities = 16

// Parse parses b. The error says that b has no reading at all; ambiguities say
// that it has several, of which Value is the one in which the first of
// duplicate keys wins.
func Parse(b []byte, maxDepth int) (Value, []Ambiguity, error) {
	if !utf8.Valid(b) {
		return nil, nil, errors.New("parse JSON: not valid UTF-8")
	}
	p := &parser{dec: json.NewDecoder(bytes.NewReader(b)), maxDepth: maxDepth}
	p.dec.UseNumber()
	v, err := p.value("", 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, nil, fmt.Errorf("parse JSON: %w", err)
	}
	if rest := bytes.TrimLeft(b[p.dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		p.note(Ambiguity{Detail: fmt.Sprintf("%d bytes after the end of the document", len(rest)), Trailing: true})
	}
	return v, p.ambiguities, nil
}

type parser struct {
	dec         *json.Decoder
	maxDepth    int
	ambiguities []Ambiguity
}

func (p *parser) note(a Ambiguity) {
	if len(p.ambiguities) < maxAmbiguities {
		p.ambiguities = append(p.ambiguities, a)
	}
}

func (p *parser) value(path string, depth int) (Value, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth >= p.maxDepth {
		return nil, fmt.Errorf("nested deeper than %d at %q", p.maxDepth, shorten(path))
	}
	if delim == '[' {
		return p.array(path, depth)
	}
	return p.object(path, depth)
}

func (p *parser) array(path string, depth int) (Value, error) {
	out := []Value{}
	for p.dec.More() {
		v, err := p.value(path+"["+strconv.Itoa(len(out))+"]", depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := p.dec.Token()
	return out, err
}

func (p *parser) object(path string, depth int) (Value, error) {
	o := &Object{Members: map[string]Value{}}
	folded := map[string]string{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		at := key
		if path != "" {
			at = path + "." + key
		}
		v, err := p.value(at, depth+1)
		if err != nil {
			return nil, err
		}
		fold := foldKey(key)
		if _, twice := o.Members[key]; twice {
			p.note(Ambiguity{Path: shorten(at), Detail: fmt.Sprintf("the key %q occurs twice", shorten(key))})
			continue
		}
		if other, twice := folded[fold]; twice {
			p.note(Ambiguity{Path: shorten(at), Detail: fmt.Sprintf("the keys %q and %q differ only by case", shorten(other), shorten(key))})
		}
		folded[fold] = key
		o.Members[key] = v
	}
	_, err := p.dec.Token()
	return o, err
}

// foldKey maps keys that encoding/json takes for each other to one: by simple
// Unicode folding, under which ſ (U+017F) is an s and K (U+212A) a k.
//
// https://pkg.go.dev/encoding/json#Unmarshal
func foldKey(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

func shorten(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
