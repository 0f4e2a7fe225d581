package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// version is the first line of a leaf.
const version = "intact.transition/v1"

// stamp is how a leaf writes a time, always in UTC.
const stamp = "2006-01-02T15:04:05.000000Z"

// none stands for a digest that there is not.
const none = "-"

// MaxLeaf is more than any leaf has bytes.
const MaxLeaf = 2 << 20

// Encode returns the leaf of t: the one text that means it.
//
//	intact.transition/v1
//	repository ghcr.io/acme/api
//	tag 1.4.2
//	from sha256:…
//	to sha256:…
//	at 2026-11-24T10:00:00.000000Z
//	source "webhook harbor"
//	platform "linux/amd64" sha256:…
//
// A digest that there is not is "-"; texts from outside are quoted as Go does it,
// in ASCII; platforms are sorted; every line ends with a newline.
func (t Transition) Encode() ([]byte, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nrepository %s\ntag %s\nfrom %s\nto %s\nat %s\nsource %s\n", version,
		t.Repository, t.Tag, orNone(t.From), orNone(t.To), t.At.UTC().Format(stamp), strconv.QuoteToASCII(t.Source))
	for _, p := range slices.Sorted(maps.Keys(t.Platforms)) {
		fmt.Fprintf(&b, "platform %s %s\n", strconv.QuoteToASCII(p), t.Platforms[p])
	}
	return b.Bytes(), nil
}

func orNone(d ref.Digest) string {
	if d == "" {
		return none
	}
	return string(d)
}

// Decode reads a leaf. It accepts nothing that [Transition.Encode] would have
// written otherwise.
func Decode(leaf []byte) (Transition, error) {
	t, err := decode(leaf)
	if err != nil {
		return Transition{}, fmt.Errorf("decode transition: %w", err)
	}
	again, err := t.Encode()
	if err != nil {
		return Transition{}, fmt.Errorf("decode transition: %w", err)
	}
	if !bytes.Equal(again, leaf) {
		return Transition{}, errors.New("decode transition: not in the canonical form")
	}
	return t, nil
}

func decode(leaf []byte) (t Transition, err error) {
	if len(leaf) > MaxLeaf {
		return t, fmt.Errorf("%d bytes are more than any has", len(leaf))
	}
	lines := strings.Split(string(leaf), "\n")
	switch {
	case !strings.HasPrefix(lines[0], "intact.transition/"):
		return t, errors.New("it is none")
	case lines[0] != version:
		return t, fmt.Errorf("version %q; this program knows %q", lines[0], version)
	case lines[len(lines)-1] != "":
		return t, errors.New("its last line has no end")
	}
	lines = lines[1 : len(lines)-1]
	value := func(key string) string {
		if err != nil {
			return ""
		}
		if len(lines) == 0 {
			err = fmt.Errorf("no line %q", key)
			return ""
		}
		v, ok := strings.CutPrefix(lines[0], key+" ")
		if !ok {
			err = fmt.Errorf("line %.80q where %q is due", lines[0], key)
		}
		lines = lines[1:]
		return v
	}
	t.Repository, t.Tag = value("repository"), value("tag")
	t.From, t.To = unless(value("from")), unless(value("to"))
	at, source := value("at"), value("source")
	if err != nil {
		return t, err
	}
	if t.At, err = time.Parse(stamp, at); err != nil {
		return t, fmt.Errorf("time %.80q: not of the form %s", at, stamp)
	}
	if t.Source, err = strconv.Unquote(source); err != nil {
		return t, fmt.Errorf("source %.80q: not quoted", source)
	}
	for len(lines) > 0 {
		text := value("platform")
		if err != nil {
			return t, err
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return t, fmt.Errorf("platform %.80q: not quoted", text)
		}
		p, err := strconv.Unquote(quoted)
		if err != nil {
			return t, fmt.Errorf("platform %.80q: not quoted", text)
		}
		if t.Platforms == nil {
			t.Platforms = map[string]ref.Digest{}
		}
		t.Platforms[p] = ref.Digest(strings.TrimPrefix(text[len(quoted):], " "))
	}
	return t, nil
}

func unless(s string) ref.Digest {
	if s == none {
		return ""
	}
	return ref.Digest(s)
}
