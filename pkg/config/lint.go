package config

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A Problem is something in a config that loads and is not what was meant, most
// likely.
type Problem struct {
	Pos  strictyaml.Pos
	Text string
}

// String returns file:line:column: text.
func (p Problem) String() string { return p.Pos.String() + ": " + p.Text }

// Lint returns the problems of c as of now, in the file's order.
func (c *Config) Lint(now time.Time) []Problem {
	var out []Problem
	for _, r := range c.Registries {
		say := func(format string, args ...any) {
			out = append(out, Problem{r.pos, r.Host + ": " + fmt.Sprintf(format, args...)})
		}
		local := loopback(r.Host)
		if r.PlainHTTP && !local {
			say("plain HTTP to another machine: everybody on the way sees what is asked")
			if r.Credentials != nil && r.Credentials.From != "anonymous" {
				say("its credentials are not sent: no credential goes over plain HTTP except to loopback")
			}
		}
		for _, cert := range r.CA {
			if now.After(cert.NotAfter) {
				say("the certificate %q of %s expired on %s", cert.Subject, r.CAFile, cert.NotAfter.UTC().Format(time.DateOnly))
			}
		}
		if len(r.CA) > 0 && !r.CA[0].IsCA && len(r.CA) == 1 {
			say("%s holds a certificate that is none of a certificate authority", r.CAFile)
		}
		if r.PrivateAddresses && local {
			say("privateAddresses is not needed for a loopback registry")
		}
		for _, realm := range r.Realms {
			if realm == r.Host {
				say("the realm %s is the registry itself and need not be listed", realm)
			}
		}
		if !r.PlainHTTP && !r.PrivateAddresses && r.CAFile == "" && r.Realms == nil && r.SignatureRepository == "" && r.Credentials == nil {
			say("nothing is said about it")
		}
	}
	if c.Serve != nil {
		out = append(out, c.Serve.lint()...)
	}
	return out
}

func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
