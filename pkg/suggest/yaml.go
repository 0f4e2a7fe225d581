package suggest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func mapping(key string, value *yaml.Node) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	add(m, key, value)
	return m
}

func add(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, text(key), value)
}

func sequence() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode} }

// comment returns s as one comment line. Outside text in it cannot end the line.
func comment(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			q := strconv.Quote(s)
			s = q[1 : len(q)-1]
			break
		}
	}
	return "# " + s + "\n"
}

// maxLabel is how long the name of a volume may be.
//
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
const maxLabel = 63

// volumeName returns the name of a volume for a path of a container: its own,
// since containers that share a scratch directory see each other's files.
func volumeName(container, path string, taken map[string]bool) string {
	name := label(container + path)
	if len(name) > maxLabel || taken[name] || name == "" {
		sum := sha256.Sum256([]byte(container + "\x00" + path))
		name = strings.Trim(name[:min(len(name), maxLabel-9)], "-") + "-" + hex.EncodeToString(sum[:4])
		name = strings.TrimPrefix(name, "-")
	}
	taken[name] = true
	return name
}

// label turns s into lower-case letters, digits and single hyphens.
func label(s string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if hyphen && b.Len() > 0 {
				b.WriteByte('-')
			}
			hyphen = false
			b.WriteRune(r)
		default:
			hyphen = true
		}
	}
	return b.String()
}
