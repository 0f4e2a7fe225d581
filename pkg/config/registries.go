package config

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"strings"

	"github.com/distribution/reference"

	"github.com/intact-dev/intact/pkg/ref"
)

func (l *loading) registries(docs []registryDoc) []Registry {
	var out []Registry
	first := map[string]int{}
	for i, d := range docs {
		at := []any{"registries", i}
		r := Registry{PlainHTTP: d.PlainHTTP, PrivateAddresses: d.PrivateAddresses, CAFile: l.file(d.CA), pos: l.doc.Pos(at...)}
		var err error
		if r.Host, err = normalHost(d.Host); err != nil {
			l.errorf([]any{"registries", i, "host"}, "%v", err)
		}
		if k, ok := first[r.Host]; ok && err == nil {
			l.errorf([]any{"registries", i, "host"}, "%q is there twice, first in registries[%d]", r.Host, k)
		}
		first[r.Host] = i
		for j, realm := range d.Realms {
			host, err := normalHost(realm)
			if err != nil {
				l.errorf([]any{"registries", i, "realms", j}, "%v", err)
			}
			r.Realms = append(r.Realms, host)
		}
		if d.CA != "" {
			if r.CA, err = l.certificates(r.CAFile); err != nil {
				l.errorf([]any{"registries", i, "ca"}, "%v", err)
			}
			if d.PlainHTTP {
				l.errorf([]any{"registries", i, "ca"}, "ca and plainHTTP: true; plain HTTP has no certificates")
			}
		}
		if d.SignatureRepository != "" {
			if r.SignatureRepository, err = repository(d.SignatureRepository); err != nil {
				l.errorf([]any{"registries", i, "signatureRepository"}, "%v", err)
			}
		}
		r.Credentials = l.credentials([]any{"registries", i, "credentials"}, d.Credentials)
		out = append(out, r)
	}
	return out
}

// normalHost checks a host with or without a port and gives Docker Hub its one
// name.
func normalHost(s string) (string, error) {
	switch {
	case strings.Contains(s, "://"):
		return "", fmt.Errorf("%q: a host has no scheme; leave out %s", s, s[:strings.Index(s, "://")+3])
	case strings.Contains(s, "/"):
		return "", fmt.Errorf("%q: a host has no path", s)
	case strings.Contains(s, "*"):
		return "", fmt.Errorf("%q: * is not supported; list every host", s)
	}
	// The grammar of references tells a host from the first part of a path only by
	// its look; a port makes it one.
	probe := s
	if _, _, err := net.SplitHostPort(s); err != nil {
		probe = s + ":443"
	}
	named, err := reference.ParseNormalizedNamed(probe + "/x")
	if err != nil || reference.Domain(named) != probe {
		return "", fmt.Errorf("%q: expected a host such as registry.example.com or localhost:5000, in lower case", s)
	}
	switch s {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return "docker.io", nil
	}
	return s, nil
}

func repository(s string) (string, error) {
	r, err := ref.Parse(s)
	switch {
	case err != nil:
		return "", err
	case r.Tag != "" || r.Digest != "":
		return "", fmt.Errorf("%q: expected a repository without a tag or digest", s)
	case !strings.HasPrefix(s, r.Registry()+"/"):
		return "", fmt.Errorf("%q: it names no registry; write %s if that is meant", s, r.Canonical())
	}
	return r.Canonical(), nil
}

func (l *loading) certificates(file string) ([]*x509.Certificate, error) {
	b, err := l.read(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var out []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%q holds a %q; expected certificates", file, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificate %d of %q: %w", len(out)+1, file, err)
		}
		out = append(out, cert)
	}
	if out == nil {
		return nil, fmt.Errorf("%q holds no certificate in PEM", file)
	}
	return out, nil
}

func (l *loading) credentials(at []any, c *Credentials) *Credentials {
	if c == nil {
		return nil
	}
	password, token := c.PasswordFile != "" || c.PasswordEnv != "", c.TokenFile != "" || c.TokenEnv != ""
	switch {
	case c.From != "" && (c.Username != "" || password || token):
		l.errorf(at, "from and a username or token; expected one of them")
	case (c.Username != "") != password:
		l.errorf(at, "expected username together with passwordFile or passwordEnv")
	case password && token:
		l.errorf(at, "a password and a token; expected one of them")
	case c.PasswordFile != "" && c.PasswordEnv != "" || c.TokenFile != "" && c.TokenEnv != "":
		l.errorf(at, "a file and a variable; expected one of them")
	}
	out := *c
	out.PasswordFile, out.TokenFile = l.file(c.PasswordFile), l.file(c.TokenFile)
	return &out
}
