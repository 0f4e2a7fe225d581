package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A pattern names repositories: an exact canonical repository, a path prefix
// ending in /**, which is everything below it, or **, which is everything.
type pattern struct {
	text     string   // as written
	segments []string // canonical; a capture is "{name}"
	prefix   bool     // ends in /** or is **
}

var (
	captureSegment = lazy.Regexp(`^\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	hostSegment    = lazy.Regexp(`^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|\[[0-9a-f:]+\]|[a-z0-9.-]+:[0-9]+|\[[0-9a-f:]+\]:[0-9]+)(?::[0-9]+)?$`)
	pathSegment    = lazy.Regexp(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
)

// parsePattern parses s and writes it in canonical form: Docker Hub's other
// names become docker.io, and an exact "nginx" docker.io/library/nginx. A prefix
// must name its registry: "acme/**" could mean acme on any.
func parsePattern(s string) (pattern, error) {
	p := pattern{text: s}
	if s == "**" {
		p.prefix = true
		return p, nil
	}
	rest, prefix := strings.CutSuffix(s, "/**")
	p.prefix = prefix
	segments := strings.Split(rest, "/")
	if strings.Contains(rest, "*") {
		return p, fmt.Errorf("pattern %q: * is not supported; write an exact repository, a prefix ending in /**, or **", s)
	}
	if strings.ContainsAny(rest, "@") || strings.Contains(segments[len(segments)-1], ":") && len(segments) > 1 {
		return p, fmt.Errorf("pattern %q: it names a tag or digest; a pattern names repositories", s)
	}
	if len(segments) == 1 && !prefix && strings.ContainsAny(s, ".:") {
		return p, fmt.Errorf("pattern %q: it names a registry or a tag; write %s/** for all of a registry, docker.io/library/NAME for a repository of Docker Hub", s, s)
	}
	hasHost := hostSegment().MatchString(segments[0]) && (len(segments) > 1 || prefix)
	if !hasHost && prefix {
		return p, fmt.Errorf("pattern %q: it names no registry; write docker.io/%s or the registry that is meant", s, s)
	}
	if !hasHost {
		segments = append([]string{"docker.io"}, segments...)
	}
	segments[0] = canonicalHost(segments[0])
	if segments[0] == "docker.io" && len(segments) == 2 && !prefix {
		segments = slices.Insert(segments, 1, "library")
	}
	p.segments = segments
	return p, p.check(s)
}

func (p pattern) check(s string) error {
	seen := map[string]bool{}
	for i, seg := range p.segments {
		switch {
		case i == 0:
		case captureSegment().MatchString(seg):
			if seen[seg] {
				return fmt.Errorf("pattern %q: %s captures twice", s, seg)
			}
			seen[seg] = true
		case strings.ContainsAny(seg, "{}"):
			return fmt.Errorf("pattern %q: a capture is a whole segment, such as {repo}", s)
		case !pathSegment().MatchString(seg):
			return fmt.Errorf("pattern %q: %q cannot be part of a repository's name; names are lower case", s, seg)
		}
	}
	return nil
}

// match reports whether p names the canonical repository name, and what it
// captures.
func (p pattern) match(name string) (map[string]string, bool) {
	if len(p.segments) == 0 {
		return nil, p.prefix
	}
	parts := strings.Split(name, "/")
	if len(parts) < len(p.segments) || !p.prefix && len(parts) != len(p.segments) || p.prefix && len(parts) == len(p.segments) {
		return nil, false
	}
	var captured map[string]string
	for i, seg := range p.segments {
		if strings.HasPrefix(seg, "{") {
			if captured == nil {
				captured = map[string]string{}
			}
			captured[strings.Trim(seg, "{}")] = parts[i]
		} else if seg != parts[i] {
			return nil, false
		}
	}
	return captured, true
}

// shape is p with its captures unnamed: patterns of one shape match the same.
func (p pattern) shape() string {
	segments := slices.Clone(p.segments)
	for i, seg := range segments {
		if strings.HasPrefix(seg, "{") {
			segments[i] = "{}"
		}
	}
	if p.prefix {
		segments = append(segments, "**")
	}
	return strings.Join(segments, "/")
}

// compare orders patterns by how much they say: more segments first, then exact
// before prefix, then, from the left, text before capture. Two patterns that
// match one name are equal only if their shapes are.
func (p pattern) compare(q pattern) int {
	if len(p.segments) != len(q.segments) {
		return len(p.segments) - len(q.segments)
	}
	if p.prefix != q.prefix {
		if q.prefix {
			return 1
		}
		return -1
	}
	for i := range p.segments {
		pc, qc := strings.HasPrefix(p.segments[i], "{"), strings.HasPrefix(q.segments[i], "{")
		if pc != qc {
			if qc {
				return 1
			}
			return -1
		}
	}
	return 0
}

// canonicalPrefix is the canonical form of a registry with or without a path,
// as mirrors name them.
func canonicalPrefix(s string) (string, error) {
	s = strings.TrimSuffix(s, "/")
	host, path, hasPath := strings.Cut(s, "/")
	if !hostSegment().MatchString(host) {
		return "", fmt.Errorf("%q: it names no registry; expected a registry with or without a path, such as mirror.example.com/dockerhub", s)
	}
	host = canonicalHost(host)
	if !hasPath {
		return host, nil
	}
	for _, seg := range strings.Split(path, "/") {
		if !pathSegment().MatchString(seg) {
			return "", fmt.Errorf("%q: %q cannot be part of a repository's name", s, seg)
		}
	}
	return host + "/" + path, nil
}

// canonicalHost is the one name of a registry that goes by several: case, the
// port of HTTPS and Docker Hub's other hosts change nothing about what is pulled,
// and must not change which rules hold for it.
func canonicalHost(host string) string {
	host = strings.ToLower(host)
	// Who connects reads 05000 as 5000; a colon within brackets is no port's.
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		if port := strings.TrimLeft(host[i+1:], "0"); port != "443" {
			host = host[:i+1] + port
		} else {
			host = host[:i]
		}
	}
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return "docker.io"
	}
	return host
}

var errNoName = errors.New("no repository")

// canonicalName returns the canonical form of a repository's name.
func canonicalName(name string) (string, error) {
	r, err := ref.Parse(name)
	if err != nil {
		return "", err
	}
	if r.Name == "" {
		return "", errNoName
	}
	return r.Canonical(), nil
}
