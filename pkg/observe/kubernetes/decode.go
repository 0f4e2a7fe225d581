package kubernetes

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A message is a type of the API in its protobuf form.
type message interface{ Unmarshal([]byte) error }

// magic is what every protobuf answer of the API begins with; a runtime.Unknown
// follows, whose raw field is the object.
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/#kubernetes-protobuf-encoding
var magic = []byte("k8s\x00")

// A head is what a list says of itself.
type head struct {
	token    string // to go on with; "" = this is the end
	left     int64  // objects after this page, where the server counts them
	revision string
}

// A list reads a list of objects while it comes in.
type list struct {
	r *bufio.Reader
	// kind reports whether the list is of the kind that was asked for.
	kind func(string) bool
	// begin is told the head, once: before the items wherever the server sends it
	// there.
	begin func(head)
	// item is given each object, as protobuf or JSON. It may not keep raw.
	item func(raw []byte, isJSON bool) error

	buf []byte
}

// read reads the whole list. What item was given before an error is whole.
func (l *list) read(r io.Reader) error {
	l.r = bufio.NewReaderSize(r, 64<<10)
	first, err := l.r.Peek(len(magic))
	switch {
	case bytes.Equal(first, magic):
		_, _ = l.r.Discard(len(magic)) // it was peeked
		err = l.protobuf()
	case err != nil && !errors.Is(err, io.EOF):
	case len(first) > 0 && first[0] == '{':
		err = l.json()
	case len(first) == 0:
		err = errCut
	case first[0] == '<':
		return fmt.Errorf("%w: it is a page for people, from a proxy or no API server", errProtocol)
	default:
		return fmt.Errorf("%w: it begins with %q", errProtocol, first)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// protobuf reads the envelope and the list in it.
func (l *list) protobuf() error {
	kind := ""
	for {
		num, typ, err := l.tag()
		if err == io.EOF { // between two fields: the end
			if kind == "" {
				return errCut
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case num == 1 && typ == protowire.BytesType:
			b, err := l.bytes(limits.KubeHead)
			if err != nil {
				return err
			}
			var t runtime.TypeMeta
			if err := t.Unmarshal(b); err != nil {
				return fmt.Errorf("%w: %v", errProtocol, err)
			}
			if kind = t.Kind; !l.kind(kind) {
				return fmt.Errorf("%w: it is a %q", errProtocol, kind)
			}
		case num == 2 && typ == protowire.BytesType:
			if kind == "" {
				return fmt.Errorf("%w: it does not say what it is", errProtocol)
			}
			if err := l.items(); err != nil {
				return err
			}
		default:
			if err := l.skip(typ); err != nil {
				return err
			}
		}
	}
}

// items reads ListMeta and the objects, which end where the field ends.
func (l *list) items() error {
	size, err := l.varint()
	if err != nil {
		return cut(err)
	}
	whole := l.r
	part := &io.LimitedReader{R: whole, N: int64(min(size, 1<<62))}
	l.r = bufio.NewReaderSize(part, 64<<10)
	defer func() { l.r = whole }()
	begun := false
	for {
		num, typ, err := l.tag()
		if err == io.EOF {
			if part.N > 0 {
				return errCut
			}
			if !begun {
				l.begin(head{})
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case num == 1 && typ == protowire.BytesType:
			b, err := l.bytes(limits.KubeHead)
			if err != nil {
				return err
			}
			var m metav1.ListMeta
			if err := m.Unmarshal(b); err != nil {
				return fmt.Errorf("%w: %v", errProtocol, err)
			}
			if !begun {
				begun = true
				l.begin(headOf(&m))
			}
		case num == 2 && typ == protowire.BytesType:
			b, err := l.bytes(limits.KubeObject)
			if err != nil {
				return err
			}
			if err := l.item(b, false); err != nil {
				return err
			}
		default:
			if err := l.skip(typ); err != nil {
				return err
			}
		}
	}
}

func headOf(m *metav1.ListMeta) head {
	h := head{token: m.Continue, revision: m.ResourceVersion}
	if m.RemainingItemCount != nil {
		h.left = *m.RemainingItemCount
	}
	return h
}

// tag reads the tag of a field. The error is io.EOF only before its first byte.
func (l *list) tag() (protowire.Number, protowire.Type, error) {
	if _, err := l.r.Peek(1); err != nil {
		return 0, 0, err
	}
	v, err := l.varint()
	if err != nil {
		return 0, 0, cut(err)
	}
	num, typ := protowire.DecodeTag(v)
	if num < 1 {
		return 0, 0, fmt.Errorf("%w: field %d", errProtocol, num)
	}
	return num, typ, nil
}

func (l *list) varint() (uint64, error) {
	v, err := binary.ReadUvarint(l.r)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && err.Error() == "binary: varint overflows a 64-bit integer" {
		return 0, fmt.Errorf("%w: %v", errProtocol, err)
	}
	return v, err
}

// bytes reads a field of at most limit bytes into the buffer that all share.
func (l *list) bytes(limit int) ([]byte, error) {
	n, err := l.varint()
	if err != nil {
		return nil, cut(err)
	}
	if n > uint64(limit) {
		return nil, &limits.ExceededError{What: "an object of the API", Limit: int64(limit), Got: int64(min(n, 1<<62))}
	}
	if uint64(cap(l.buf)) < n {
		l.buf = make([]byte, n+n/4)
	}
	b := l.buf[:n]
	if _, err := io.ReadFull(l.r, b); err != nil {
		return nil, cut(err)
	}
	return b, nil
}

func (l *list) skip(typ protowire.Type) error {
	var n uint64
	var err error
	switch typ {
	case protowire.VarintType:
		_, err = l.varint()
		return cut(err)
	case protowire.Fixed32Type:
		n = 4
	case protowire.Fixed64Type:
		n = 8
	case protowire.BytesType:
		if n, err = l.varint(); err != nil {
			return cut(err)
		}
	default:
		return fmt.Errorf("%w: wire type %d", errProtocol, typ)
	}
	_, err = io.CopyN(io.Discard, l.r, int64(min(n, 1<<62)))
	return cut(err)
}

// cut makes an end where there must be more an errCut.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// decodeObject decodes one answer into m and returns its kind.
func decodeObject(raw []byte, m message) (kind string, err error) {
	if rest, ok := bytes.CutPrefix(raw, magic); ok {
		var u runtime.Unknown
		if err := u.Unmarshal(rest); err != nil {
			return "", fmt.Errorf("%w: %v", errProtocol, err)
		}
		if err := m.Unmarshal(u.Raw); err != nil {
			return "", fmt.Errorf("%w: %v", errProtocol, err)
		}
		return u.Kind, nil
	}
	if len(raw) == 0 || raw[0] != '{' {
		return "", fmt.Errorf("%w: it begins with %q", errProtocol, raw[:min(len(raw), len(magic))])
	}
	var t metav1.TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &t); err != nil {
		return "", fmt.Errorf("%w: %v", errProtocol, err)
	}
	return t.Kind, decode(raw, true, m)
}

func decode(raw []byte, isJSON bool, m message) error {
	var err error
	if isJSON {
		err = kjson.UnmarshalCaseSensitivePreserveInts(raw, m)
	} else {
		err = m.Unmarshal(raw)
	}
	if err != nil {
		return fmt.Errorf("%w: %v", errProtocol, err)
	}
	return nil
}
