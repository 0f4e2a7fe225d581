package puppet

// A resource is one declaration: type { title: attributes }.
type resource struct {
	is         token
	titles     []token
	attributes map[string]token // the first token of each value
}

// A parser reads the resources of a manifest.
type parser struct {
	s    string
	toks []token
	at   int
}

func (p *parser) is(i int, mark string) bool {
	return i < len(p.toks) && p.toks[i].kind != text && p.toks[i].kind != opaque && p.s[p.toks[i].start:p.toks[i].end] == mark
}

// resources returns all declarations, wherever they are: in classes, in
// conditions. open is where a text begins that does not end, -1 if none does.
func resources(s string) (out []resource, open int) {
	p := &parser{s: s}
	p.toks, open = tokens(s)
	for p.at < len(p.toks) {
		t := p.toks[p.at]
		p.at++
		if t.kind != word || !p.is(p.at, "{") {
			continue
		}
		out = append(out, p.bodies(t)...)
	}
	return out, open
}

// bodies reads "{ title: attributes; title: attributes }". What is no body of a
// resource is left to be read as what it is.
func (p *parser) bodies(is token) []resource {
	var out []resource
	start := p.at
	p.at++
	for {
		titles, ok := p.title()
		if !ok {
			if len(out) == 0 {
				p.at = start + 1
			}
			return out
		}
		r := resource{is: is, titles: titles, attributes: map[string]token{}}
		done := p.body(&r)
		out = append(out, r)
		if done || p.is(p.at, "}") {
			return out
		}
	}
}

// title is a text or a list of them, and a colon.
func (p *parser) title() ([]token, bool) {
	var out []token
	if p.is(p.at, "[") {
		for p.at++; p.at < len(p.toks) && !p.is(p.at, "]"); p.at++ {
			if k := p.toks[p.at].kind; k == text || k == opaque {
				out = append(out, p.toks[p.at])
			}
		}
		p.at++
	} else if p.at < len(p.toks) && (p.toks[p.at].kind == text || p.toks[p.at].kind == opaque) {
		out = append(out, p.toks[p.at])
		p.at++
	}
	if len(out) == 0 || !p.is(p.at, ":") {
		return nil, false
	}
	p.at++
	return out, true
}

// body reads attributes up to the end of the resource (true) or of this body.
func (p *parser) body(r *resource) bool {
	depth := 0
	for ; p.at < len(p.toks); p.at++ {
		t := p.toks[p.at]
		switch {
		case p.is(p.at, "{") || p.is(p.at, "[") || p.is(p.at, "("):
			depth++
		case depth > 0 && (p.is(p.at, "}") || p.is(p.at, "]") || p.is(p.at, ")")):
			depth--
		case p.is(p.at, "}"):
			p.at++
			return true
		case depth == 0 && p.is(p.at, ";"):
			p.at++
			return false
		case depth == 0 && t.kind == arrow && p.at > 0 && p.at+1 < len(p.toks) && p.toks[p.at-1].kind == word:
			value := p.toks[p.at+1]
			if n := p.at + 2; value.kind == text && n < len(p.toks) && !p.is(n, ",") && !p.is(n, ";") && !p.is(n, "}") && p.toks[n].kind != word {
				value.kind = opaque // more comes of it
			}
			r.attributes[p.s[p.toks[p.at-1].start:p.toks[p.at-1].end]] = value
		}
	}
	return true
}
