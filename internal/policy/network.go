package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An Ingress is an inbound rule of a security group, as EC2 tells it. Security groups that it names as sources are left out:
// they are not the world, whatever is in them.
type Ingress struct {
	Name        string // for evidence: the ID of the rule, or its description
	Protocol    string // "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all
	From, To    int    // ports; for all protocols they mean nothing
	IPv4, IPv6  []string
	PrefixLists []PrefixList
}

// A PrefixList is a list of address ranges that a rule names.
type PrefixList struct {
	ID      string
	Entries []string
	Known   bool // false: the entries could not be read
}

// A Port is a port of TCP or UDP.
type Port struct {
	Protocol string // "tcp" or "udp"
	Number   int
}

// An Opening says how far a port is open to the world.
type Opening struct {
	Port
	IPv4, IPv6 Level    // Yes, No or Unknown
	Rules      []string // names of the rules that do it
	Text       string   // for people: "tcp port 22 is open to 0.0.0.0/0 (rule sgr-1)"
}

// Level returns the stronger of the two families.
func (o Opening) Level() Level { return max(o.IPv4, o.IPv6) }

// worldShare is the part of all public addresses from which a port is open to the world. Half of the internet is as good
// as all of it to whoever looks for open ports, and so small a part does not add up by accident: a rule for a
// place has a /8 at most, 1/200. Private and reserved addresses count nowhere: ::/1 holds all public IPv6, 8000::/1 none.
const worldShare = 0.5

// Openings returns for each port whether the rules together open it to the world: two halves of the internet in two rules
// are the internet. Only those that are open, or may be, are returned.
func Openings(rules []Ingress, ports []Port) (out []Opening) {
	for _, p := range ports {
		o := Opening{Port: p}
		var sources []string
		for _, ipv6 := range []bool{false, true} {
			level, names, from := open(rules, p, ipv6)
			if ipv6 {
				o.IPv6 = level
			} else {
				o.IPv4 = level
			}
			o.Rules = appendAll(o.Rules, names)
			sources = appendAll(sources, from)
		}
		if o.Level() == No {
			continue
		}
		verb := "is"
		if o.Level() == Unknown {
			verb = "may be"
		}
		o.Text = fmt.Sprintf("%s port %d %s open to %s (rule %s)", p.Protocol, p.Number, verb, some(sources, "the world"), some(o.Rules, ""))
		out = append(out, o)
	}
	return out
}

// open answers for one port and family, with the rules and sources that decide.
func open(rules []Ingress, p Port, ipv6 bool) (level Level, names, sources []string) {
	var held []netip.Prefix
	var all []string
	unknown := false
	var unknownNames, unknownSources []string
	for _, r := range rules {
		switch r.covers(p) {
		case no:
			continue
		case perhaps:
			unknown = true
			unknownNames = appendAll(unknownNames, []string{r.Name})
			continue
		}
		prefixes, missing := r.prefixes(ipv6)
		if missing != "" {
			unknown = true
			unknownNames = appendAll(unknownNames, []string{r.Name})
			unknownSources = appendAll(unknownSources, []string{missing})
		}
		part := union(prefixes, ipv6).and(internet(ipv6)).size()
		if part > widest(ipv6) { // a rule for a place is no evidence of the world
			names = appendAll(names, []string{r.Name})
			for _, q := range prefixes {
				if union([]netip.Prefix{q}, ipv6).and(internet(ipv6)).size() > widest(ipv6) {
					sources = appendAll(sources, []string{q.String()})
				}
			}
		}
		if part > 0 {
			all = appendAll(all, []string{r.Name})
		}
		held = append(held, prefixes...)
	}
	world := internet(ipv6)
	switch {
	case union(held, ipv6).and(world).size() >= worldShare*world.size():
		if len(names) == 0 { // many small ones
			names = all
		}
		return Yes, names, sources
	case unknown:
		return Unknown, unknownNames, unknownSources
	}
	return No, nil, nil
}

// covers reports whether a rule is about a port.
func (r Ingress) covers(p Port) truth {
	switch protocol(r.Protocol) {
	case "-1":
		return yes
	case protocol(p.Protocol):
		if r.From < 0 || r.To > 65535 || r.From > r.To {
			return perhaps // AWS does not answer that
		}
		return truly(r.From <= p.Number && p.Number <= r.To)
	case "":
		return perhaps
	}
	return no
}

// protocol returns the number of a protocol; -1 is all, "" is none. Source: EC2 API Reference, IpPermission;
// IANA protocol numbers.
func protocol(s string) string {
	switch s = strings.ToLower(s); s {
	case "tcp":
		return "6"
	case "udp":
		return "17"
	case "icmp":
		return "1"
	case "icmpv6":
		return "58"
	case "-1", "all":
		return "-1"
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return ""
}

// prefixes returns the sources of one family, and a source that is not known.
func (r Ingress) prefixes(ipv6 bool) (out []netip.Prefix, missing string) {
	texts := r.IPv4
	if ipv6 {
		texts = r.IPv6
	}
	add := func(texts []string, mixed bool) {
		for _, s := range texts {
			p, err := netip.ParsePrefix(s)
			switch {
			case err != nil || !mixed && p.Addr().Is6() != ipv6:
				missing = cmp.Or(missing, strconv.Quote(s))
			case p.Addr().Is6() == ipv6:
				out = append(out, p.Masked())
			}
		}
	}
	add(texts, false)
	for _, l := range r.PrefixLists {
		if !l.Known {
			missing = cmp.Or(missing, "prefix list "+l.ID)
			continue
		}
		add(l.Entries, true)
	}
	return out, missing
}

// AllPorts answers whether the rules together open every port of TCP, or every port of UDP, to the world: from 1 on, as
// nothing listens on port 0. Port ranges that touch add up.
func AllPorts(rules []Ingress) Opening {
	var maybe Opening
	for _, name := range []string{"tcp", "udp"} {
		o := Opening{Port: Port{name, 0}, IPv4: Yes, IPv6: Yes}
		var sources []string
		for _, ipv6 := range []bool{false, true} {
			level := Yes
			var names, from []string
			for _, port := range edges(rules, name) {
				l, n, f := open(rules, Port{name, port}, ipv6)
				level = min(level, l)
				names, from = appendAll(names, n), appendAll(from, f)
				if l == No {
					names, from = nil, nil
					break
				}
			}
			if ipv6 {
				o.IPv6 = level
			} else {
				o.IPv4 = level
			}
			o.Rules, sources = appendAll(o.Rules, names), appendAll(sources, from)
		}
		switch o.Level() {
		case Yes:
			o.Text = fmt.Sprintf("all %s ports are open to %s (rule %s)", name, some(sources, "the world"), some(o.Rules, ""))
			return o
		case Unknown:
			o.Text = fmt.Sprintf("all %s ports may be open to %s (rule %s)", name, some(sources, "the world"), some(o.Rules, ""))
			maybe = o
		}
	}
	return maybe
}

// edges returns a port of each stretch of ports that all rules treat alike.
func edges(rules []Ingress, name string) []int {
	ports := []int{1}
	for _, r := range rules {
		if protocol(r.Protocol) == protocol(name) {
			for _, p := range []int{r.From, r.To + 1} {
				if p > 1 && p <= 65535 {
					ports = append(ports, p)
				}
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func appendAll(list, more []string) []string {
	for _, s := range more {
		list = appendNew(list, s)
	}
	return list
}

// An Entry is a rule of a network ACL.
type Entry struct {
	Number   int
	Deny     bool
	Protocol string // number, "-1" for all
	From, To int    // ports, of TCP and UDP
	CIDR     string // of either family
}

// ACLOpenings returns which ports a network ACL lets the world reach, by its inbound entries: of each address the first
// entry by number decides, so that a Deny before an Allow counts and one behind it does not. What no entry matches is denied.
// Source: VPC User Guide, "Network ACL rules".
func ACLOpenings(entries []Entry, ports []Port) (out []Opening) {
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	for _, p := range ports {
		o := Opening{Port: p}
		for _, ipv6 := range []bool{false, true} {
			level, names := aclOpen(sorted, p, ipv6)
			if ipv6 {
				o.IPv6 = level
			} else {
				o.IPv4 = level
			}
			o.Rules = appendAll(o.Rules, names)
		}
		if o.Level() == No {
			continue
		}
		verb := "is"
		if o.Level() == Unknown {
			verb = "may be"
		}
		o.Text = fmt.Sprintf("%s port %d %s let in from the world (entry %s)", p.Protocol, p.Number, verb, some(o.Rules, ""))
		out = append(out, o)
	}
	return out
}

func aclOpen(entries []Entry, p Port, ipv6 bool) (Level, []string) {
	world := internet(ipv6)
	rest := world // of which no entry has decided yet
	var open, unsure spans
	var names []string
	for _, e := range entries {
		matches := (Ingress{Protocol: e.Protocol, From: e.From, To: e.To}).covers(p)
		prefix, err := netip.ParsePrefix(e.CIDR)
		if matches == no || err == nil && prefix.Addr().Is6() != ipv6 {
			continue
		}
		if matches == perhaps || err != nil {
			unsure, rest = slices.Concat(unsure, rest), nil // anything behind hangs on it
			names = append(names, strconv.Itoa(e.Number))
			break
		}
		held := union([]netip.Prefix{prefix}, ipv6)
		if decided := rest.and(held); !e.Deny && len(decided) > 0 {
			open = slices.Concat(open, decided)
			names = append(names, strconv.Itoa(e.Number))
		}
		rest = rest.without(held)
	}
	switch {
	case open.size() >= worldShare*world.size():
		return Yes, names
	case open.size()+unsure.size() >= worldShare*world.size():
		return Unknown, names
	}
	return No, nil
}

// A Path is what lies between the internet and a network interface; each is what is known of it.
type Path struct {
	PublicAddress Level // it has a public IPv4 address, or an IPv6 address
	InternetRoute Level // its subnet has a route to an internet gateway
	ACL           Level // the network ACL of the subnet lets the world in
	Group         Level // a security group does
	Unblocked     Level // no block of public access to the VPC is in force
}

// Reachable answers whether the internet reaches an interface: only if nothing on the way stops it. What is not known
// leaves it unknown, unless something else stops it. Text names what does.
func (p Path) Reachable() Answer {
	a := Answer{Level: Yes, Text: "nothing between it and the internet stops packets"}
	for _, step := range []struct {
		level     Level
		no, maybe string
	}{
		{p.PublicAddress, "it has no public address", "whether it has a public address is not known"},
		{p.InternetRoute, "its subnet has no route to an internet gateway", "the routes of its subnet are not known"},
		{p.ACL, "the network ACL keeps the world out", "the network ACL is not known"},
		{p.Group, "its security groups keep the world out", "its security groups are not known"},
		{p.Unblocked, "public access to the VPC is blocked", "whether public access to the VPC is blocked is not known"},
	} {
		switch {
		case step.level == No:
			return Answer{Text: step.no}
		case step.level != Yes && a.Level == Yes:
			a = Answer{Level: Unknown, Text: step.maybe}
		}
	}
	return a
}
