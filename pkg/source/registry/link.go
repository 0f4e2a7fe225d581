package registry

import (
	"fmt"
	"net/url"
	"strings"
)

// nextPage returns the target of rel="next" in the Link headers of an answer from
// base; nil if there is none. Only base's own origin is accepted: what it shows
// there is shown with a token.
//
// https://www.rfc-editor.org/rfc/rfc8288#section-3
func nextPage(headers []string, base *url.URL) (*url.URL, error) {
	var next *url.URL
	for _, h := range headers {
		links, err := parseLinks(h)
		if err != nil {
			return nil, fmt.Errorf("%w: Link: %w", errProtocol, err)
		}
		for _, l := range links {
			if !l.next {
				continue
			}
			u, err := base.Parse(l.target)
			switch {
			case err != nil || l.target == "":
				return nil, fmt.Errorf("%w: the next page has no usable address", errProtocol)
			case u.User != nil || origin(u) != origin(base):
				return nil, &refusedError{why: fmt.Sprintf("the next page is at another place (%s://%s) and is not followed", clip(u.Scheme), clip(u.Host))}
			case next != nil && next.String() != u.String():
				return nil, fmt.Errorf("%w: two next pages", errProtocol)
			}
			u.Fragment = ""
			next = u
		}
	}
	return next, nil
}

type link struct {
	target string
	next   bool
}

// linkCount bounds the links of one header; registries send one.
const linkCount = 16

// parseLinks parses <target>; param; param=value; param="value", ...
func parseLinks(s string) ([]link, error) {
	var out []link
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return out, nil
		}
		if len(out) == linkCount {
			return nil, fmt.Errorf("more than %d links", linkCount)
		}
		rest, ok := strings.CutPrefix(s, "<")
		if !ok {
			return nil, fmt.Errorf("%q where a target was expected", clip(s))
		}
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return nil, fmt.Errorf("a target without an end at %q", clip(s))
		}
		l := link{target: strings.TrimSpace(target)}
		var err error
		if l.next, s, err = linkParams(rest); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
}

// linkParams reads parameters up to the next link. The first rel counts.
func linkParams(s string) (next bool, rest string, err error) {
	seen := false
	for {
		s = strings.TrimLeft(s, " \t")
		after, ok := strings.CutPrefix(s, ";")
		if !ok {
			if s != "" && s[0] != ',' {
				return false, "", fmt.Errorf("%q after a link", clip(s))
			}
			return next, s, nil
		}
		name, after := token(strings.TrimLeft(after, " \t"))
		value := ""
		s = strings.TrimLeft(after, " \t")
		if v, ok := strings.CutPrefix(s, "="); ok {
			if value, s, err = paramValue(strings.TrimLeft(v, " \t")); err != nil {
				return false, "", err
			}
		}
		if strings.EqualFold(name, "rel") && !seen {
			seen = true
			for _, word := range strings.Fields(value) {
				next = next || strings.EqualFold(word, "next")
			}
		}
	}
}
