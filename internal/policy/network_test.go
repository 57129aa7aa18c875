package policy

import (
	"fmt"
	"slices"
	"testing"
)

// private is how one writes "all but RFC 1918" in pieces.
var publicPieces = []string{"0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/2", "128.0.0.0/3",
	"160.0.0.0/5", "168.0.0.0/6", "172.0.0.0/12", "172.32.0.0/11", "172.64.0.0/10", "172.128.0.0/9", "173.0.0.0/8", "174.0.0.0/7",
	"176.0.0.0/4", "192.0.0.0/9", "192.128.0.0/11", "192.160.0.0/13", "192.169.0.0/16", "192.170.0.0/15", "192.172.0.0/14",
	"192.176.0.0/12", "192.192.0.0/10", "193.0.0.0/8", "194.0.0.0/7", "196.0.0.0/6", "200.0.0.0/5", "208.0.0.0/4"}

func TestOpenings(t *testing.T) {
	tcp := func(from, to int, cidrs ...string) Ingress {
		return Ingress{Name: "r", Protocol: "tcp", From: from, To: to, IPv4: cidrs}
	}
	v6 := func(cidrs ...string) Ingress {
		return Ingress{Name: "r", Protocol: "tcp", From: 22, To: 22, IPv6: cidrs}
	}
	all := []string{"0.0.0.0/0"}
	for _, c := range []struct {
		name   string
		rules  []Ingress
		v4, v6 Level // of TCP port 22
	}{
		{"no rules", nil, No, No},
		{"the port itself", []Ingress{tcp(22, 22, all...)}, Yes, No},
		{"inside a range", []Ingress{tcp(20, 30, all...)}, Yes, No},
		{"outside a range", []Ingress{tcp(23, 65535, all...)}, No, No},
		{"all TCP", []Ingress{tcp(0, 65535, all...)}, Yes, No},
		{"protocol -1 has no ports", []Ingress{{Protocol: "-1", From: -1, To: -1, IPv4: all, IPv6: []string{"::/0"}}}, Yes, Yes},
		{"protocol by number", []Ingress{{Protocol: "6", From: 22, To: 22, IPv4: all}}, Yes, No},
		{"UDP is not TCP", []Ingress{{Protocol: "udp", From: 22, To: 22, IPv4: all}}, No, No},
		{"ICMP uses -1 for types", []Ingress{{Protocol: "icmp", From: -1, To: -1, IPv4: all}}, No, No},
		{"ICMP type 22 is no port", []Ingress{{Protocol: "1", From: 22, To: 22, IPv4: all}}, No, No},
		{"another protocol by number", []Ingress{{Protocol: "50", IPv4: all}}, No, No},
		{"a protocol nobody knows", []Ingress{{Protocol: "quux", IPv4: all}}, Unknown, Unknown},
		{"TCP without ports cannot be", []Ingress{{Protocol: "tcp", From: -1, To: -1, IPv4: all}}, Unknown, Unknown},
		{"split halves in one rule", []Ingress{tcp(22, 22, "0.0.0.0/1", "128.0.0.0/1")}, Yes, No},
		{"split halves in two rules", []Ingress{tcp(22, 22, "0.0.0.0/1"), tcp(0, 100, "128.0.0.0/1")}, Yes, No},
		{"half of the internet is enough", []Ingress{tcp(22, 22, "0.0.0.0/1")}, Yes, No},
		{"four quarters of which one is missing", []Ingress{tcp(22, 22, "0.0.0.0/2", "64.0.0.0/2", "192.0.0.0/2")}, Yes, No},
		{"a quarter is not", []Ingress{tcp(22, 22, "64.0.0.0/2")}, No, No},
		{"all but private addresses, in 30 pieces", []Ingress{tcp(22, 22, publicPieces...)}, Yes, No},
		{"RFC 1918", []Ingress{tcp(22, 22, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")}, No, No},
		{"multicast and reserved are not public", []Ingress{tcp(22, 22, "224.0.0.0/3")}, No, No},
		{"one address", []Ingress{tcp(22, 22, "54.240.143.1/32")}, No, No},
		{"host bits", []Ingress{tcp(22, 22, "1.2.3.4/0")}, Yes, No},
		{"IPv6 all", []Ingress{v6("::/0")}, No, Yes},
		{"IPv6 halves", []Ingress{v6("::/1", "8000::/1")}, No, Yes},
		{"IPv6 lower half holds all public addresses", []Ingress{v6("::/1")}, No, Yes},
		{"IPv6 upper half holds none", []Ingress{v6("8000::/1")}, No, No},
		{"IPv6 public space", []Ingress{v6("2000::/3")}, No, Yes},
		{"IPv6 of a network", []Ingress{v6("2001:db8::/32")}, No, No},
		{"IPv6 hosts", []Ingress{v6("2001:db8::1/128")}, No, No},
		{"a group as source is not the world", []Ingress{tcp(22, 22)}, No, No},
		{"prefix list with the world", []Ingress{{Protocol: "tcp", From: 22, To: 22, PrefixLists: []PrefixList{{"pl-1", []string{"0.0.0.0/0", "::/0"}, true}}}}, Yes, Yes},
		{"prefix list and a rule add up", []Ingress{tcp(22, 22, "0.0.0.0/2"), {Protocol: "tcp", From: 22, To: 22, PrefixLists: []PrefixList{{"pl-1", []string{"64.0.0.0/2"}, true}}}}, Yes, No},
		{"prefix list of a few", []Ingress{{Protocol: "tcp", From: 22, To: 22, PrefixLists: []PrefixList{{"pl-1", []string{"10.0.0.0/8"}, true}}}}, No, No},
		{"prefix list that is not known", []Ingress{{Protocol: "tcp", From: 22, To: 22, PrefixLists: []PrefixList{{ID: "pl-1"}}}}, Unknown, Unknown},
		{"prefix list that is not known, beside the world", []Ingress{{Protocol: "tcp", From: 22, To: 22, PrefixLists: []PrefixList{{ID: "pl-1"}}}, tcp(22, 22, all...)}, Yes, Unknown},
		{"prefix list that is not known, of other ports", []Ingress{{Protocol: "tcp", From: 80, To: 80, PrefixLists: []PrefixList{{ID: "pl-1"}}}}, No, No},
		{"a range that is none", []Ingress{tcp(22, 22, "0.0.0.0/33")}, Unknown, No},
		{"IPv6 among IPv4", []Ingress{tcp(22, 22, "::/0")}, Unknown, No},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o Opening
			for _, x := range Openings(c.rules, []Port{{"tcp", 22}}) {
				o = x
				if x.Text == "" || len(x.Rules) == 0 {
					t.Errorf("no evidence: %+v", x)
				}
			}
			if o.IPv4 != c.v4 || o.IPv6 != c.v6 {
				t.Errorf("IPv4 %v, IPv6 %v: %s", o.IPv4, o.IPv6, o.Text)
			}
		})
	}
}

func TestOpeningText(t *testing.T) {
	rules := []Ingress{{Name: "sgr-1", Protocol: "tcp", From: 22, To: 22, IPv4: []string{"0.0.0.0/0", "10.0.0.0/8"}}, {Name: "sgr-2", Protocol: "tcp", From: 0, To: 80, IPv4: []string{"54.240.143.1/32"}}}
	ports := []Port{{"tcp", 22}, {"tcp", 80}, {"tcp", 3389}, {"udp", 3389}}
	got := Openings(rules, ports)
	if len(got) != 1 || got[0].Text != "tcp port 22 is open to 0.0.0.0/0 (rule sgr-1)" || !slices.Equal(got[0].Rules, []string{"sgr-1"}) {
		t.Errorf("%+v", got)
	}
}

func TestAllPorts(t *testing.T) {
	all := []string{"0.0.0.0/0"}
	r := func(protocol string, from, to int) Ingress {
		return Ingress{Name: fmt.Sprint(from), Protocol: protocol, From: from, To: to, IPv4: all}
	}
	for _, c := range []struct {
		name  string
		rules []Ingress
		want  Level
	}{
		{"none", nil, No},
		{"protocol -1", []Ingress{r("-1", -1, -1)}, Yes},
		{"0-65535", []Ingress{r("tcp", 0, 65535)}, Yes},
		{"1-65535 is all too", []Ingress{r("tcp", 1, 65535)}, Yes},
		{"all UDP", []Ingress{r("udp", 0, 65535)}, Yes},
		{"all but one", []Ingress{r("tcp", 2, 65535)}, No},
		{"two ranges that touch", []Ingress{r("tcp", 0, 1023), r("tcp", 1024, 65535)}, Yes},
		{"two ranges with a hole", []Ingress{r("tcp", 0, 1023), r("tcp", 1025, 65535)}, No},
		{"all ICMP", []Ingress{r("icmp", -1, -1)}, No},
		{"prefix list that is not known", []Ingress{{Name: "r", Protocol: "-1", PrefixLists: []PrefixList{{ID: "pl-1"}}}}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if o := AllPorts(c.rules); o.Level() != c.want || (o.Level() != No) != (o.Text != "") {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestACLOpenings(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []Entry
		v4, v6  Level
	}{
		{"empty denies", nil, No, No},
		{"the default ACL", []Entry{{Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}, {Number: 32767, Deny: true, Protocol: "-1", CIDR: "0.0.0.0/0"}}, Yes, No},
		{"a Deny before kills an Allow", []Entry{{Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}, {Number: 90, Deny: true, Protocol: "6", From: 22, To: 22, CIDR: "0.0.0.0/0"}}, No, No},
		{"a Deny behind does not", []Entry{{Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}, {Number: 110, Deny: true, Protocol: "6", From: 22, To: 22, CIDR: "0.0.0.0/0"}}, Yes, No},
		{"a Deny of other ports does not", []Entry{{Number: 90, Deny: true, Protocol: "6", From: 80, To: 80, CIDR: "0.0.0.0/0"}, {Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}}, Yes, No},
		{"a Deny of a few addresses does not", []Entry{{Number: 90, Deny: true, Protocol: "-1", CIDR: "10.0.0.0/8"}, {Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}}, Yes, No},
		{"Deny in halves", []Entry{{Number: 90, Deny: true, Protocol: "-1", CIDR: "0.0.0.0/1"}, {Number: 91, Deny: true, Protocol: "-1", CIDR: "128.0.0.0/1"}, {Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}}, No, No},
		{"each family for itself", []Entry{{Number: 90, Deny: true, Protocol: "-1", CIDR: "0.0.0.0/0"}, {Number: 101, Protocol: "-1", CIDR: "::/0"}}, No, Yes},
		{"a bad entry before", []Entry{{Number: 90, Protocol: "-1", CIDR: "x"}, {Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}}, Unknown, Unknown},
		{"a bad entry behind", []Entry{{Number: 100, Protocol: "-1", CIDR: "0.0.0.0/0"}, {Number: 110, Protocol: "-1", CIDR: "x"}}, Yes, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o Opening
			for _, x := range ACLOpenings(c.entries, []Port{{"tcp", 22}}) {
				o = x
			}
			if o.IPv4 != c.v4 || o.IPv6 != c.v6 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	open := Path{Yes, Yes, Yes, Yes, Yes}
	if a := open.Reachable(); a.Level != Yes {
		t.Errorf("all open: %+v", a)
	}
	missing := open
	missing.ACL = Unknown
	if a := missing.Reachable(); a.Level != Unknown || a.Text != "the network ACL is not known" {
		t.Errorf("missing data is unknown, not private: %+v", a)
	}
	missing.Unblocked = No
	if a := missing.Reachable(); a.Level != No || a.Text != "public access to the VPC is blocked" {
		t.Errorf("the switch of the VPC saves it: %+v", a)
	}
}

// A set of addresses less another is what the definitions say, address by address.
func TestSpans(t *testing.T) {
	for n := range 1 << 12 {
		var x, y spans
		for i := range 6 {
			if n>>i&1 == 1 {
				x = append(x, span{uint64(i), uint64(i)})
			}
			if n>>(6+i)&1 == 1 {
				y = append(y, span{uint64(i), uint64(i)})
			}
		}
		x, y = x.normal(), y.normal()
		both, rest := x.and(y), x.without(y)
		for i := range uint64(7) {
			in := func(s spans) bool {
				return slices.ContainsFunc(s, func(p span) bool { return p.first <= i && i <= p.last })
			}
			if in(both) != (in(x) && in(y)) || in(rest) != (in(x) && !in(y)) {
				t.Fatalf("%v, %v: both %v, rest %v", x, y, both, rest)
			}
		}
	}
}
