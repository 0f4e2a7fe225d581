package registry

import (
	"fmt"
	"strings"
)

// A challenge is what a registry wants to be shown.
type challenge struct {
	bearer  bool // else Basic
	realm   string
	service string
}

const (
	challengeBytes = 8 << 10
	challengeCount = 16
)

// parseChallenges returns the challenge to meet: the first Bearer, else the
// first Basic; nil if there is neither. Scopes are not kept: what is asked for is
// our own choice.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
func parseChallenges(headers []string) (*challenge, error) {
	var basic *challenge
	for i, h := range headers {
		if i >= challengeCount || len(h) > challengeBytes {
			return nil, fmt.Errorf("%w: WWW-Authenticate is too long", errProtocol)
		}
		list, err := parseChallenge(h)
		if err != nil {
			return nil, fmt.Errorf("%w: WWW-Authenticate: %w", errProtocol, err)
		}
		for _, c := range list {
			switch strings.ToLower(c.scheme) {
			case "bearer":
				return &challenge{bearer: true, realm: c.params["realm"], service: c.params["service"]}, nil
			case "basic":
				if basic == nil {
					basic = &challenge{realm: c.params["realm"]}
				}
			}
		}
	}
	return basic, nil
}

type schemeParams struct {
	scheme string
	params map[string]string
}

// parseChallenge parses one header value, which may hold several challenges:
// scheme 1*SP param *( "," param ), the next scheme again after a comma.
func parseChallenge(s string) ([]schemeParams, error) {
	var out []schemeParams
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return out, nil
		}
		word, rest := token(s)
		if word == "" {
			return nil, fmt.Errorf("a name was expected at %q", clip(s))
		}
		rest = strings.TrimLeft(rest, " \t")
		if value, isParam := strings.CutPrefix(rest, "="); isParam && len(out) > 0 {
			if value = strings.TrimLeft(value, "="); value == "" || value[0] == ',' {
				s = value // the padding of a token68, as of Negotiate
				continue
			}
			text, after, err := paramValue(strings.TrimLeft(value, " \t"))
			if err != nil {
				return nil, err
			}
			name := strings.ToLower(word)
			params := out[len(out)-1].params
			if _, twice := params[name]; twice {
				return nil, fmt.Errorf("parameter %q is given twice", name)
			}
			params[name] = text
			s = after
			continue
		}
		if len(out) >= challengeCount {
			return nil, fmt.Errorf("more than %d challenges", challengeCount)
		}
		out = append(out, schemeParams{scheme: word, params: map[string]string{}})
		s = rest
	}
}

func paramValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		value, rest = token(s)
		return value, rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				return "", "", fmt.Errorf("unbalanced quotes at %q", clip(s))
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", fmt.Errorf("unbalanced quotes at %q", clip(s))
}

// token splits off the leading token (RFC 9110, section 5.6.2; and the further
// characters of token68, so that Negotiate and the like do not end the list).
func token(s string) (tok, rest string) {
	i := 0
	for i < len(s) && isTokenByte(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~/:", c) >= 0
}
