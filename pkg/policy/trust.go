package policy

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// PublicRoot is the name of Sigstore's public root.
const PublicRoot = "sigstore"

// A Key is a public key that a policy trusts.
type Key struct {
	Name string // the path as resolved, or "inline:" and the start of its digest
	PEM  []byte
}

// A Root is a trust root that a policy trusts.
type Root struct {
	Name string // the path as resolved
	JSON []byte // trusted_root.json
}

// Trust is all that signatures are verified against. Which of it counts for
// which image, the signature rules say.
type Trust struct {
	Keys  []Key
	Roots []Root
	// Public says that a rule needs Sigstore's public root, which a policy names
	// [PublicRoot] and does not hold.
	Public bool
	// SCT says that certificates must carry a verified timestamp of a certificate
	// log.
	SCT bool
}

// key returns the key that text names in src: a path, or the PEM itself.
func (c *compiler) key(src *source, text string) (Key, error) {
	k := Key{PEM: []byte(text)}
	if strings.Contains(text, "-----BEGIN") {
		k.Name = "inline:" + ref.DigestOf(k.PEM, "").Hex()[:12]
	} else {
		k.Name = inFolder(folderOf(src), text)
		b, err := c.l.read(k.Name)
		if err != nil {
			return Key{}, fmt.Errorf("read key %q: %w", text, err)
		}
		src.digests[text], k.PEM = b, b
	}
	if err := checkKey(k.PEM); err != nil {
		return Key{}, fmt.Errorf("key %q: %w", k.Name, err)
	}
	if c.p.keys == nil {
		c.p.keys = map[string]Key{}
	}
	c.p.keys[k.Name] = k
	return k, nil
}

func checkKey(b []byte) error {
	block, rest := pem.Decode(b)
	switch {
	case block == nil:
		return errors.New("no PEM block; expected a public key in PEM")
	case !strings.HasPrefix(strings.TrimSpace(string(b)), "-----BEGIN"):
		return errors.New("there is text before the PEM block; expected one key")
	case strings.Contains(block.Type, "PRIVATE"):
		return errors.New("it is a private key; a policy holds public keys only")
	case block.Type != "PUBLIC KEY":
		return fmt.Errorf("the PEM block is a %q; expected a PUBLIC KEY", block.Type)
	case len(strings.TrimSpace(string(rest))) > 0:
		return errors.New("there is more after the first PEM block; expected one key")
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return fmt.Errorf("no public key: %w", err)
	}
	return nil
}

// rootNames reads the roots that texts name in src and returns their names.
func (c *compiler) rootNames(src *source, path []any, texts []string) []string {
	var out []string
	for i, text := range texts {
		name := text
		if text != PublicRoot {
			name = inFolder(folderOf(src), text)
			b, err := c.l.read(name)
			switch {
			case err != nil:
				c.errorf(src, with(path, i), "read trust root %q: %v; expected sigstore or the path of a trusted_root.json", text, err)
				continue
			case !json.Valid(b):
				c.errorf(src, with(path, i), "trust root %q is not JSON; expected a trusted_root.json", text)
				continue
			}
			src.digests[text] = b
			if c.p.roots == nil {
				c.p.roots = map[string]Root{}
			}
			c.p.roots[name] = Root{Name: name, JSON: b}
		}
		if slices.Contains(out, name) {
			c.errorf(src, with(path, i), "the root %q is there twice", text)
		}
		out = append(out, name)
	}
	return out
}

func folderOf(src *source) string {
	if src.embedded {
		return ""
	}
	if i := strings.LastIndexByte(src.file, '/'); i > 0 {
		return src.file[:i]
	} else if i == 0 {
		return "/"
	}
	return ""
}
