package policy

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// A span is a range of addresses of one family, both ends in it: whole numbers for IPv4, and for IPv6 networks of 64 bits,
// the smallest that are given to anybody. Longer IPv6 prefixes are too small to count.
type span struct{ first, last uint64 }

// spans is a set of addresses of one family: sorted, disjoint.
type spans []span

func (s span) size() float64 { return float64(s.last-s.first) + 1 }

// size returns how many addresses (IPv6: networks) there are.
func (x spans) size() (n float64) {
	for _, s := range x {
		n += s.size()
	}
	return n
}

// spanOf returns the addresses of a prefix, and whether it is long enough to count.
func spanOf(p netip.Prefix) (s span, ok bool) {
	a := p.Masked().Addr()
	if a.Is4() {
		b := a.As4()
		first := uint64(binary.BigEndian.Uint32(b[:]))
		return span{first, first + 1<<(32-p.Bits()) - 1}, true
	}
	if !p.IsValid() || p.Bits() > 64 {
		return s, false
	}
	b := a.As16()
	first := binary.BigEndian.Uint64(b[:8])
	if p.Bits() == 0 {
		return span{0, math.MaxUint64}, true
	}
	return span{first, first + 1<<(64-p.Bits()) - 1}, true
}

// union returns the addresses that the prefixes of one family hold.
func union(prefixes []netip.Prefix, ipv6 bool) spans {
	var x spans
	for _, p := range prefixes {
		if s, ok := spanOf(p); ok && p.Addr().Is6() == ipv6 {
			x = append(x, s)
		}
	}
	return x.normal()
}

// normal sorts the set and joins what touches.
func (x spans) normal() spans {
	slices.SortFunc(x, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	out := x[:0]
	for _, s := range x {
		if n := len(out); n > 0 && (s.first <= out[n-1].last || s.first == out[n-1].last+1) {
			out[n-1].last = max(out[n-1].last, s.last)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// and returns what is in both sets.
func (x spans) and(y spans) (out spans) {
	for i, j := 0, 0; i < len(x) && j < len(y); {
		first, last := max(x[i].first, y[j].first), min(x[i].last, y[j].last)
		if first <= last {
			out = append(out, span{first, last})
		}
		if x[i].last < y[j].last {
			i++
		} else {
			j++
		}
	}
	return out
}

// without returns what is in x and not in y.
func (x spans) without(y spans) (out spans) {
	for _, s := range x {
		rest, open := s.first, true
		for _, t := range y {
			if !open || t.last < rest {
				continue
			}
			if t.first > s.last {
				break
			}
			if t.first > rest {
				out = append(out, span{rest, t.first - 1})
			}
			if t.last >= s.last {
				open = false
			} else {
				rest = t.last + 1
			}
		}
		if open {
			out = append(out, span{rest, s.last})
		}
	}
	return out
}

// address returns an address of a set that is not empty.
func (x spans) address(ipv6 bool) netip.Addr {
	if !ipv6 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(x[0].first))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], x[0].first)
	return netip.AddrFrom16(b)
}

// notPublic are the IPv4 addresses from which no packet comes over the internet.
// Source: IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771), class E (RFC 1112).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

// worlds are all public addresses: of IPv4, and of IPv6 2000::/3, all that IANA has given out (RFC 4291).
var worlds = [2]spans{
	spans{{0, math.MaxUint32}}.without(union(notPublic, false)),
	union([]netip.Prefix{netip.MustParsePrefix("2000::/3")}, true),
}

// internet returns all public addresses of a family.
func internet(ipv6 bool) spans {
	if ipv6 {
		return worlds[1]
	}
	return worlds[0]
}
