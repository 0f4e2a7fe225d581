// Package netguard decides which addresses a client that follows untrusted
// names may connect to. The decision is made on the address that is dialed,
// after the name was looked up, so that a name cannot stand for another address
// when it counts.
package netguard

import (
	"net/netip"
	"strings"
)

// A Class is what an address is good for. The zero value is Never.
type Class uint8

// Classes of addresses.
const (
	Never    Class = iota // link-local, metadata, multicast, unspecified, shared or reserved
	Loopback              // this machine
	Private               // the network around it
	Public
)

var classNames = [...]string{"reserved", "loopback", "private", "public"}

// String returns "reserved", "loopback", "private" or "public".
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return classNames[Never]
}

// never lists what the predicates of netip.Addr do not know: the special-purpose
// registries of IANA, and the metadata services of clouds that stand at
// addresses which look ordinary.
//
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var never = prefixes(
	"0.0.0.0/8",           // this network
	"100.64.0.0/10",       // shared address space (RFC 6598), also Alibaba's metadata at 100.100.100.200
	"192.0.0.0/24",        // IETF protocol assignments, also Oracle's metadata at 192.0.0.192
	"192.88.99.0/24",      // 6to4 relays, deprecated
	"168.63.129.16/32",    // Azure's host agent
	"240.0.0.0/4",         // reserved and broadcast
	"::/96",               // IPv4-compatible, deprecated; also :: and ::1, handled before
	"64:ff9b:1::/48",      // NAT64 of the local network (RFC 8215)
	"100::/64",            // discard
	"2001::/23",           // protocol assignments, Teredo among them
	"fec0::/10",           // site-local, deprecated
	"fd00:ec2::/32",       // AWS's metadata and name server
	"fd20:ce::254/128",    // Google's metadata
	"fd00:42::42/128",     // Scaleway's metadata
	"fd00:c1::a9fe:0/112", // Oracle's metadata
)

// private is what netip.Addr.IsPrivate lacks.
var private = prefixes("198.18.0.0/15") // benchmarks between networks (RFC 2544)

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

// ClassOf classifies a. Addresses that carry an IPv4 address inside (mapped,
// NAT64, 6to4) are of the class of that address: a translator may deliver them
// there. An invalid address is Never.
func ClassOf(a netip.Addr) Class {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
		return Never
	case nat64.Contains(a):
		b := a.As16()
		return ClassOf(netip.AddrFrom4([4]byte(b[12:])))
	case sixTo4.Contains(a):
		b := a.As16()
		return ClassOf(netip.AddrFrom4([4]byte(b[2:6])))
	case a.IsLoopback():
		return Loopback
	case a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), contains(never, a):
		return Never
	case a.IsPrivate(), contains(private, a):
		return Private
	}
	return Public
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// OddAddress reports a host that is no canonical IP literal and yet would be
// taken for one by some resolvers: 2852039166, 0x7f000001, 0177.1, 127.1. Such a
// spelling has no honest use and tells the checks of one program from the
// connections of another.
func OddAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimRight(strings.ToLower(host), ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return true
	}
	// The URL standard calls a host an IPv4 address if its last label is a number:
	// https://url.spec.whatwg.org/#ends-in-a-number-checker
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
