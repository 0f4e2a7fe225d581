package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// json reads a list in its JSON form, whose parts come in any order.
func (l *list) json() error {
	budget := &budget{r: l.r}
	budget.grant()
	d := json.NewDecoder(budget)
	if _, err := d.Token(); err != nil {
		return wrong(err)
	}
	kind, begun := "", false
	for d.More() {
		budget.grant()
		key, err := d.Token()
		if err != nil {
			return wrong(err)
		}
		switch key {
		case "kind":
			if err := d.Decode(&kind); err != nil {
				return wrong(err)
			}
			if !l.kind(kind) {
				return fmt.Errorf("%w: it is a %q", errProtocol, kind)
			}
		case "metadata":
			var m metav1.ListMeta
			if err := d.Decode(&m); err != nil {
				return wrong(err)
			}
			if !begun {
				begun = true
				l.begin(headOf(&m))
			}
		case "items":
			if err := l.array(d, budget); err != nil {
				return err
			}
		default:
			var ignored json.RawMessage
			if err := d.Decode(&ignored); err != nil {
				return wrong(err)
			}
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return wrong(err)
	}
	if kind == "" {
		return fmt.Errorf("%w: it does not say what it is", errProtocol)
	}
	if !begun {
		l.begin(head{})
	}
	return nil
}

func (l *list) array(d *json.Decoder, budget *budget) error {
	open, err := d.Token()
	if err != nil {
		return wrong(err)
	}
	if open == nil { // null is how an empty list may look
		return nil
	}
	if open != json.Delim('[') {
		return fmt.Errorf("%w: items is no list", errProtocol)
	}
	for d.More() {
		budget.grant()
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return wrong(err)
		}
		if err := l.item(raw, true); err != nil {
			return err
		}
	}
	_, err = d.Token() // the closing bracket
	return wrong(err)
}

// wrong tells what cannot be parsed from what was not received.
func wrong(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &typ) {
		return fmt.Errorf("%w: %v", errProtocol, err)
	}
	return cut(err)
}

// A budget bounds what a decoder buffers for one value.
type budget struct {
	r    io.Reader
	left int
}

// grant allows one more object, beside what the decoder has read ahead.
func (b *budget) grant() { b.left = limits.KubeObject }

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &limits.ExceededError{What: "an object of the API", Limit: limits.KubeObject}
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
