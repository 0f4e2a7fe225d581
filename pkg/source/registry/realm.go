package registry

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/intact-dev/intact/pkg/internal/netguard"
)

// checkRealm returns the URL of the token server that a challenge names, if it
// is one that may see this registry's credentials: the registry itself, a host
// of the same registrable domain at the usual port, or one that is listed.
func (e *endpoint) checkRealm(realm string) (*url.URL, error) {
	refuse := func(why string) error {
		host := "HOST"
		if u, err := url.Parse(realm); err == nil && plainASCII(u.Host) {
			host = clip(u.Host)
		}
		return &refusedError{
			why:  fmt.Sprintf("the token server %q is not asked: %s", clip(withoutQuery(realm)), why),
			hint: fmt.Sprintf("registries: [{host: %s, realms: [%s]}]", e.host, host),
		}
	}
	u, err := url.Parse(realm)
	switch {
	case err != nil || realm == "":
		return nil, refuse("it is not a URL")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "":
		return nil, refuse("it is not a web address")
	case u.User != nil, u.Fragment != "", !plainASCII(u.Host), strings.HasSuffix(u.Hostname(), "."), netguard.OddAddress(u.Hostname()):
		return nil, refuse("the address is unusual")
	}
	listed := e.realmListed(u)
	if u.Scheme == "http" && !e.plainRealm(u, listed) {
		return nil, refuse("it wants plain HTTP")
	}
	switch {
	case listed, origin(u) == origin(e.base("")):
		return u, nil
	case !e.sameDomain(u.Hostname()):
		return nil, refuse("it belongs to another domain than the registry")
	case u.Port() != "" && u.Port() != "443" && u.Port() != e.base("").Port():
		return nil, refuse("it is at an unusual port")
	}
	return u, nil
}

func (e *endpoint) realmListed(u *url.URL) bool {
	for _, r := range e.settings.Realms {
		if r = strings.ToLower(r); r == strings.ToLower(u.Host) || r == strings.ToLower(u.Hostname()) {
			return true
		}
	}
	return false
}

// plainRealm reports whether u may be asked without TLS: the registry itself
// where that is spoken to so, and this machine for a registry on this machine.
func (e *endpoint) plainRealm(u *url.URL, listed bool) bool {
	if origin(u) == origin(e.base("")) || e.s.plainHTTP(u.Host) {
		return true
	}
	return listed && e.loopback() && strings.EqualFold(u.Hostname(), hostOnly(e.address))
}

// sameDomain reports whether host has the registry's registrable domain. Names
// of one label and addresses have none: they must be equal.
//
// https://publicsuffix.org
func (e *endpoint) sameDomain(host string) bool {
	home, host := hostOnly(e.address), strings.ToLower(host)
	if _, err := netip.ParseAddr(host); err == nil || home == "localhost" {
		return false // another port of it, which may be another's
	}
	if _, err := netip.ParseAddr(home); err == nil {
		return false
	}
	if home == host {
		return true
	}
	a, err := publicsuffix.EffectiveTLDPlusOne(home)
	if err != nil {
		return false
	}
	b, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && a == b
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func withoutQuery(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}
