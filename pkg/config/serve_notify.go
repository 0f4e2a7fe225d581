package config

import (
	"slices"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

func (l *loading) notify(docs []notifyDoc) []Notify {
	var out []Notify
	seen := map[string]int{}
	for i, d := range docs {
		at := []any{"serve", "notify", i}
		l.once(seen, append(at, "name"), "notify", d.Name, i)
		n := Notify{Name: d.Name, Kind: d.Kind, On: d.On, URL: l.secret(at, "url", d.URLFile, d.URLEnv, true), Secret: l.secret(at, "secret", d.SecretFile, d.SecretEnv, false)}
		if n.Secret != (Secret{}) && d.Kind != "cloudevents" {
			l.errorf(at, "%s has no signature; leave secretFile and secretEnv out", d.Kind)
		}
		for j, on := range d.On {
			if err := happening.CheckOn(on); err != nil {
				l.errorf(append(at, "on", j), "%v; there is alarm, and types such as image.judged or tag.*", err)
			}
			if slices.Contains(d.On[:j], on) {
				l.errorf(append(at, "on", j), "%q is there twice", on)
			}
		}
		out = append(out, n)
	}
	return out
}

func (l *loading) once(seen map[string]int, at []any, list, name string, i int) {
	if k, ok := seen[name]; ok && name != "" {
		l.errorf(at, "%q is there twice, first in %s[%d]", name, list, k)
	}
	seen[name] = i
}

func (l *loading) api(d *apiDoc) API {
	var out API
	if d == nil {
		return out
	}
	seen := map[string]int{}
	for i, t := range d.Tokens {
		at := []any{"serve", "api", "tokens", i}
		l.once(seen, append(at, "name"), "tokens", t.Name, i)
		out.Tokens = append(out.Tokens, Token{t.Name, t.Role, l.secret(at, "token", t.TokenFile, t.TokenEnv, true)})
	}
	if d.OIDC != nil {
		l.secure([]any{"serve", "api", "oidc", "issuer"}, d.OIDC.Issuer)
		out.OIDC = &OIDC{d.OIDC.Issuer, d.OIDC.Audience, d.OIDC.Roles}
	}
	return out
}

func (l *loading) attest(d *attestDoc) *Attest {
	if d == nil {
		return nil
	}
	at := []any{"serve", "attest"}
	a := &Attest{Key: l.file(d.Key), Output: l.file(d.Output), Push: d.Push, Password: l.secret(at, "password", d.PasswordFile, d.PasswordEnv, false)}
	if (d.Key != "") == (d.Keyless != nil) {
		l.errorf(at, "expected either key or keyless")
	}
	if d.Key == "" && a.Password != (Secret{}) {
		l.errorf(at, "a password without a key")
	}
	if d.Output == "" && !d.Push {
		l.errorf(at, "expected output, push: true or both; else the statements go nowhere")
	}
	if k := d.Keyless; k != nil {
		at = append(at, "keyless")
		a.Keyless, a.Fulcio, a.Rekor = true, k.Fulcio, k.Rekor
		a.Token = l.secret(at, "token", k.TokenFile, k.TokenEnv, true)
		l.secure(append(at, "fulcio"), k.Fulcio)
		l.secure(append(at, "rekor"), k.Rekor)
	}
	return a
}

// lint says what of s loads and is not what was meant, most likely.
func (s *Serve) lint() []Problem {
	var out []Problem
	if s.Certificate == "" && !loopback(s.Listen) {
		out = append(out, Problem{s.pos, "serve: " + s.Listen + " is open to other machines without TLS; secrets of senders can be read on the way, unless a proxy adds it"})
	}
	if s.Reconcile == nil && len(s.Endpoints) > 0 {
		out = append(out, Problem{s.pos, "serve: no reconcile: events that do not arrive are never found"})
	}
	for _, e := range s.Endpoints {
		if e.Auth.Previous != (Secret{}) {
			out = append(out, Problem{e.pos, e.Name + ": the previous secret is still accepted; take it out once the sender has the new one"})
		}
	}
	return out
}
