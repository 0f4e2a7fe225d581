package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A BlockedError is a connection that the rules refuse. It was not made.
type BlockedError struct {
	Host  string
	Addr  netip.Addr // invalid if the name itself is refused
	Class Class
	Home  bool   // Host is the registry itself
	Why   string // "a registry elsewhere may not lead there"
}

// Error names the host, the address and the rule.
func (e *BlockedError) Error() string {
	if !e.Addr.IsValid() {
		return fmt.Sprintf("refused to connect to %q: %s", e.Host, e.Why)
	}
	return fmt.Sprintf("refused to connect to %q at %s address %s: %s", e.Host, e.Class, e.Addr, e.Why)
}

// Rules say where a client that talks to one host may be led.
type Rules struct {
	// Home is the host that the user named, without a port. It may be at a loopback
	// or private address unless PublicOnly; where it leads may then be at an address
	// of the same class.
	Home string
	// Listed reports hosts that the operator allows at loopback and private
	// addresses. May be nil.
	Listed func(host string) bool
	// PublicOnly refuses loopback and private addresses to Home too unless it is
	// listed: for names that come from outside.
	PublicOnly bool
}

// A Guard dials by Rules. It may be used concurrently.
type Guard struct {
	Rules
	// Lookup resolves a name; nil = net.DefaultResolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial connects to an IP address and port; nil = net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	home map[Class]bool // the classes at which Home was first found
}

type exemptKey struct{}

// Exempt marks connections made under the returned context as going to a proxy
// that the operator configured: they are not checked. The host asked for must
// have been given to [Guard.Check].
func Exempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, exemptKey{}, true)
}

// HomeIs reports whether Home has been found at addresses of class c and of no
// other.
func (g *Guard) HomeIs(c Class) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.home) == 1 && g.home[c]
}

// Check looks host up and returns the addresses that may be dialed; the error is
// a [*BlockedError] if there are addresses but none is allowed.
func (g *Guard) Check(ctx context.Context, host string) ([]netip.Addr, error) {
	home := strings.EqualFold(host, g.Home)
	if OddAddress(host) {
		return nil, &BlockedError{Host: host, Home: home, Why: "it is an ambiguous spelling of an address"}
	}
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	allowed := g.allowed(host, home, addrs)
	var ok []netip.Addr
	var blocked *BlockedError
	for _, a := range addrs {
		c := ClassOf(a)
		if allowed[c] {
			ok = append(ok, a)
		} else if blocked == nil || c == Never {
			blocked = &BlockedError{Host: host, Addr: a, Class: c, Home: home, Why: g.why(c, home)}
		}
	}
	switch {
	case len(ok) > 0:
		return ok, nil
	case blocked != nil:
		return nil, blocked
	}
	return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
}

func (g *Guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	lookup := g.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return lookup(ctx, host)
}

// allowed returns the classes at which host may be. Home is held to the classes
// of its first answer, so that a name cannot be public when it is judged and
// private when it is used; an answer that mixes public with other addresses is
// taken for its public ones.
func (g *Guard) allowed(host string, home bool, addrs []netip.Addr) map[Class]bool {
	if g.Listed != nil && g.Listed(host) {
		if home {
			g.pin(addrs, true)
		}
		return map[Class]bool{Public: true, Private: true, Loopback: true}
	}
	if home {
		return g.pin(addrs, !g.PublicOnly)
	}
	out := map[Class]bool{Public: true}
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.home {
		out[c] = true
	}
	return out
}

func (g *Guard) pin(addrs []netip.Addr, inside bool) map[Class]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.home != nil {
		return g.home
	}
	found := map[Class]bool{}
	for _, a := range addrs {
		if c := ClassOf(a); c == Public || c != Never && inside {
			found[c] = true
		}
	}
	switch {
	case len(found) == 0:
		return found // nothing may be dialed, so nothing is remembered
	case found[Public]:
		found = map[Class]bool{Public: true}
	}
	g.home = found
	return found
}

func (g *Guard) why(c Class, home bool) string {
	switch {
	case c == Never:
		return "such addresses are never connected to"
	case home && g.PublicOnly:
		return "a name from outside may not lead inside"
	case home:
		return "the registry was at another kind of address before"
	}
	return "the registry itself is not at such an address"
}

// DialContext connects to the first allowed address of the host that answers. It
// has the form of net/http's Transport.DialContext.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := g.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if ctx.Value(exemptKey{}) != nil {
		return dial(ctx, network, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := g.Check(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, a := range addrs {
		conn, err := dialOne(ctx, dial, network, a, port, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// How long a connection is waited for: to one of several addresses before the
// next is tried, and to the last.
const (
	attemptNext = 5 * time.Second
	attemptLast = limits.RequestHeader
)

func dialOne(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), network string, a netip.Addr, port string, left int) (net.Conn, error) {
	patience := attemptLast
	if left > 1 {
		patience = attemptNext
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return dial(ctx, network, net.JoinHostPort(a.String(), port))
}
