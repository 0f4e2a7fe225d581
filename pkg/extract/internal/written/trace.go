package written

import (
	"strings"
	"unicode/utf8"
)

// A tracer expands one text. Characters of the private use area, which no
// grammar knows, stand for bytes with a place and for variables that are not
// known.
type tracer struct {
	grammar Grammar
	lookup  Lookup
	vars    map[string]*variable
	codes   []code
	used    int // bytes that variables put in

	word   Text
	pos    int
	out    strings.Builder
	reason string // why the whole is not known, whatever comes of it
}

type variable struct {
	Value
	set   bool
	known string // its text, in codes; "" until it is asked for
	code  rune   // of one that is not known
}

// A code is what one private character stands for.
type code struct {
	text       Text
	unresolved string
	unset      bool // it stands for nothing to the library
}

const (
	firstCode = 0xF0000
	lastCode  = 0xFFFFD
)

func (t *tracer) variable(name string) *variable {
	v := t.vars[name]
	if v == nil {
		v = &variable{}
		v.Value, v.set = t.lookup(name)
		if v.Unresolved != "" && v.set {
			text := v.Text
			if text.s == "" {
				text = Made("${" + name + "}")
			}
			v.code = t.code(code{text: text, unresolved: v.Unresolved})
		}
		t.vars[name] = v
	}
	return v
}

func (t *tracer) code(c code) rune {
	t.codes = append(t.codes, c)
	return firstCode + rune(len(t.codes)-1)
}

// plain is the library's first view of the variables.
func (t *tracer) plain(name string) (string, bool) {
	v := t.variable(name)
	switch {
	case !v.set:
		return "", false
	case v.Unresolved != "":
		return string(v.code), true
	}
	if t.used += len(v.Text.s); t.used > maxText {
		return "", true
	}
	return v.Text.s, true
}

// coded is its second.
func (t *tracer) coded(name string) (string, bool) {
	v := t.variable(name)
	if !v.set || v.Unresolved != "" {
		return string(v.code), v.set
	}
	if v.known == "" {
		var b strings.Builder
		t.encode(&b, v.Text)
		v.known = b.String()
	}
	return v.known, true
}

func (t *tracer) encode(b *strings.Builder, text Text) {
	for i := 0; i < len(text.s); {
		_, n := utf8.DecodeRuneInString(text.s[i:])
		b.WriteRune(t.code(code{text: text.Slice(i, i+n)}))
		i += n
	}
}

// traced runs the library on word in codes. It fails if that does not say what
// the plain text said.
func (t *tracer) traced(word Text, plain string) (Value, bool) {
	t.word = word
	if !t.literal(0) || t.pos < len(word.s) || len(t.codes) > lastCode-firstCode {
		return Value{}, false
	}
	got, err := t.grammar.Run(t.out.String(), t.coded)
	if err != nil || len(t.codes) > lastCode-firstCode {
		return Value{}, false
	}
	var out Builder
	var same strings.Builder
	v := Value{Unresolved: t.reason}
	for _, r := range got {
		if r < firstCode || r >= firstCode+rune(len(t.codes)) {
			out.Add(Made(string(r)))
			same.WriteRune(r)
			continue
		}
		c := t.codes[r-firstCode]
		if !c.unset || c.unresolved != "" {
			out.Add(c.text)
		}
		switch {
		case c.unset:
		case c.unresolved != "":
			same.WriteRune(r)
		default:
			same.WriteString(c.text.s)
		}
		if v.Unresolved == "" {
			v.Unresolved = c.unresolved
		}
	}
	v.Text = out.Text()
	return v, same.String() == plain
}

// untraced is what is known without places. A variable that is not set, or not
// known, may have a part in it.
func (t *tracer) untraced(plain string) Value {
	v := Value{Unresolved: t.reason}
	for _, name := range sortedKeys(t.vars) {
		if x := t.vars[name]; x.Unresolved != "" && v.Unresolved == "" {
			v.Unresolved = x.Unresolved
		}
	}
	var b strings.Builder
	for _, r := range plain {
		if r >= firstCode && r < firstCode+rune(len(t.codes)) && t.codes[r-firstCode].unresolved != "" {
			b.WriteString(t.codes[r-firstCode].text.s)
			continue
		}
		b.WriteRune(r)
	}
	v.Text = Made(b.String())
	return v
}
