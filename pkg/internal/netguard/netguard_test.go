package netguard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClassOf(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Class{
		"8.8.8.8": Public, "2606:4700::1111": Public, "203.0.113.7": Public, "64:ff9b::808:808": Public, "2002:808:808::1": Public,
		"127.0.0.1": Loopback, "127.255.255.254": Loopback, "::1": Loopback, "::ffff:127.0.0.1": Loopback,
		"10.0.0.1": Private, "172.16.0.1": Private, "172.31.255.255": Private, "192.168.1.1": Private, "fd00::1": Private, "fc00::1": Private,
		"::ffff:10.0.0.1": Private, "64:ff9b::a00:1": Private, "198.18.0.1": Private, "2002:a00:1::1": Private,
		"169.254.169.254": Never, "169.254.0.1": Never, "fe80::1": Never, "fe80::1%eth0": Never, "::ffff:169.254.169.254": Never,
		"64:ff9b::a9fe:a9fe": Never, "2002:a9fe:a9fe::": Never, "64:ff9b:1::a9fe:a9fe": Never,
		"0.0.0.0": Never, "0.1.2.3": Never, "::": Never, "::ffff:0.0.0.0": Never, "::7f00:1": Never, "::a9fe:a9fe": Never,
		"100.64.0.1": Never, "100.100.100.200": Never, "100.127.255.255": Never, "224.0.0.1": Never, "ff02::1": Never, "240.0.0.1": Never,
		"255.255.255.255": Never, "192.0.0.192": Never, "168.63.129.16": Never, "fd00:ec2::254": Never, "fd20:ce::254": Never, "fec0::1": Never,
		"2001:0:a9fe:a9fe::1": Never,
		"100.63.255.255":      Public, "100.128.0.1": Public, "172.32.0.1": Public, "169.253.1.1": Public, "168.63.129.17": Public,
	} {
		if got := ClassOf(netip.MustParseAddr(s)); got != want {
			t.Errorf("ClassOf(%s) = %s, want %s", s, got, want)
		}
	}
	if got := ClassOf(netip.Addr{}); got != Never {
		t.Errorf("the zero address is %s", got)
	}
}

func TestOddAddress(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"2852039166": true, "0x7f000001": true, "0X7F.1": true, "0177.1": true, "127.1": true, "127.0.0.1.": true, "1.2.3.4.5": true, "a.0x": true, "": true, ".": true,
		"127.0.0.1": false, "::1": false, "fe80::1%eth0": false, "registry-1.docker.io": false, "localhost.": false, "0x7f.example": false, "a1": false, "123abc": false,
	} {
		if got := OddAddress(s); got != want {
			t.Errorf("OddAddress(%q) = %v", s, got)
		}
	}
}

// world is a fake network: names with the answers that each look-up gives in
// turn (the last for ever), and what was dialed.
type world struct {
	names  map[string][][]string
	dialed []string
}

func (w *world) guard(r Rules) *Guard {
	return &Guard{Rules: r,
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			answers := w.names[host]
			if len(answers) == 0 {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			if len(answers) > 1 {
				w.names[host] = answers[1:]
			}
			var out []netip.Addr
			for _, s := range answers[0] {
				out = append(out, netip.MustParseAddr(s))
			}
			return out, nil
		},
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			w.dialed = append(w.dialed, address)
			a, _ := net.Pipe()
			return a, nil
		},
	}
}

// TestGuard: the address that is dialed is the one that was judged. NET-2, NET-3,
// NET-4.
func TestGuard(t *testing.T) {
	t.Parallel()
	list := func(hosts ...string) func(string) bool {
		return func(h string) bool {
			for _, l := range hosts {
				if l == h {
					return true
				}
			}
			return false
		}
	}
	names := map[string][][]string{
		"public.example":   {{"203.0.113.1"}},
		"inside.example":   {{"10.1.2.3"}},
		"cdn.inside":       {{"10.9.9.9"}},
		"metadata.example": {{"169.254.169.254"}},
		"local.example":    {{"127.0.0.1"}},
		"mixed.example":    {{"10.1.2.3", "203.0.113.9"}},
		"rebind.example":   {{"203.0.113.1"}, {"127.0.0.1"}},
	}
	tests := []struct {
		name    string
		rules   Rules
		dial    []string // in turn; the last is judged
		want    []string // dialed in all
		blocked bool
	}{
		{"public", Rules{Home: "public.example"}, []string{"public.example:443"}, []string{"203.0.113.1:443"}, false},
		{"a private registry", Rules{Home: "inside.example"}, []string{"inside.example:443"}, []string{"10.1.2.3:443"}, false},
		{"which leads to a private store", Rules{Home: "inside.example"}, []string{"inside.example:443", "cdn.inside:443"}, []string{"10.1.2.3:443", "10.9.9.9:443"}, false},
		{"which leads to this machine", Rules{Home: "inside.example"}, []string{"inside.example:443", "local.example:443"}, []string{"10.1.2.3:443"}, true},
		{"a public one that leads inside", Rules{Home: "public.example"}, []string{"public.example:443", "cdn.inside:443"}, []string{"203.0.113.1:443"}, true},
		{"to a listed host", Rules{Home: "public.example", Listed: list("cdn.inside")}, []string{"public.example:443", "cdn.inside:443"}, []string{"203.0.113.1:443", "10.9.9.9:443"}, false},
		{"by a name to the metadata service", Rules{Home: "public.example"}, []string{"public.example:443", "metadata.example:80"}, []string{"203.0.113.1:443"}, true},
		{"to the metadata service, even if listed", Rules{Home: "public.example", Listed: list("metadata.example")}, []string{"metadata.example:80"}, nil, true},
		{"a registry at the metadata service", Rules{Home: "169.254.169.254"}, []string{"169.254.169.254:80"}, nil, true},
		{"of several addresses the public", Rules{Home: "mixed.example"}, []string{"mixed.example:443"}, []string{"203.0.113.9:443"}, false},
		{"led to several addresses", Rules{Home: "public.example"}, []string{"mixed.example:443"}, []string{"203.0.113.9:443"}, false},
		{"rebinding of the registry", Rules{Home: "rebind.example"}, []string{"rebind.example:443", "rebind.example:443"}, []string{"203.0.113.1:443"}, true},
		{"from outside to a private registry", Rules{Home: "inside.example", PublicOnly: true}, []string{"inside.example:443"}, nil, true},
		{"from outside to a listed one", Rules{Home: "inside.example", PublicOnly: true, Listed: list("inside.example")}, []string{"inside.example:443"}, []string{"10.1.2.3:443"}, false},
		{"from outside to this machine", Rules{Home: "localhost", PublicOnly: true}, []string{"127.0.0.1:10250"}, nil, true},
		{"an odd spelling", Rules{Home: "public.example"}, []string{"2852039166:80"}, nil, true},
		{"an IPv6 zone", Rules{Home: "public.example"}, []string{"[fe80::1%eth0]:80"}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{names: map[string][][]string{}}
			for k, v := range names {
				w.names[k] = v
			}
			g := w.guard(tt.rules)
			var err error
			for _, d := range tt.dial {
				_, err = g.DialContext(t.Context(), "tcp", d)
			}
			var blocked *BlockedError
			if errors.As(err, &blocked) != tt.blocked || !tt.blocked && err != nil {
				t.Errorf("error %v, want blocked %v", err, tt.blocked)
			}
			if d := cmp.Diff(tt.want, w.dialed); d != "" {
				t.Errorf("dialed (-want +got)\n%s", d)
			}
		})
	}
}

// TestExempt: only a connection to the proxy goes unjudged.
func TestExempt(t *testing.T) {
	t.Parallel()
	w := &world{}
	g := w.guard(Rules{Home: "public.example"})
	if _, err := g.DialContext(Exempt(t.Context()), "tcp", "10.0.0.1:3128"); err != nil {
		t.Error(err)
	}
	if _, err := g.DialContext(t.Context(), "tcp", "10.0.0.1:3128"); err == nil {
		t.Error("the proxy's address is open to others")
	}
	if d := cmp.Diff([]string{"10.0.0.1:3128"}, w.dialed); d != "" {
		t.Error(d)
	}
}

func TestHomeIs(t *testing.T) {
	t.Parallel()
	w := &world{names: map[string][][]string{"localhost": {{"127.0.0.1", "::1"}}}}
	g := w.guard(Rules{Home: "localhost"})
	if g.HomeIs(Loopback) {
		t.Error("known before it was looked up")
	}
	if _, err := g.DialContext(t.Context(), "tcp", "localhost:5000"); err != nil || !g.HomeIs(Loopback) || g.HomeIs(Public) {
		t.Errorf("localhost: %v", err)
	}
}

func FuzzClassOf(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fe80::1%x", "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		OddAddress(s)
		a, err := netip.ParseAddr(s)
		if err != nil {
			return
		}
		c := ClassOf(a)
		if m := a.Unmap(); c == Public && (m.IsLoopback() || m.IsPrivate() || m.IsLinkLocalUnicast() || m.IsMulticast() || m.IsUnspecified()) {
			t.Errorf("%s is public", s)
		}
		if a.Is4() {
			if mapped := ClassOf(netip.AddrFrom16(a.As16())); mapped != c {
				t.Errorf("%s is %s, mapped into IPv6 %s", s, c, mapped)
			}
		}
	})
}
