package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A caller is somebody who tries a policy.
type caller struct {
	kind     callerKind
	account  string // of a member, or for which a service acts; "" is a stranger's
	arn      string // of a member, if it matters
	service  string // "" is any service, which only a principal of * admits
	provider string // of a token, as the policy names it
}

type callerKind int

const (
	stranger  callerKind = iota // signs with an account that no policy names
	anonymous                   // does not sign
	member                      // belongs to a given account
	service                     // is an AWS service that acts for somebody
	opaque                      // is named, but his account is not to be seen
	token                       // has a token of a provider that gives one to anybody
	holder                      // is whom an identity policy belongs to
)

// String names the caller for people.
func (c caller) String() string {
	whose := "anyone"
	if c.account != "" {
		whose = "account " + c.account
	}
	switch c.kind {
	case member:
		if c.arn != "" {
			return c.arn
		}
		return whose
	case service:
		if c.service == "" {
			return whose + ", through an AWS service,"
		}
		return c.service + ", on behalf of " + whose + ","
	case opaque:
		return c.provider
	case token:
		return "anyone with a token of " + c.provider
	case holder:
		return "its holder"
	}
	return whose
}

// in reports whether the principals of a statement include the caller. Without principals that hangs on what the policy
// is attached to.
func (c caller) in(p *Principals) truth {
	if c.kind == holder {
		if p == nil {
			return yes
		}
		return perhaps
	}
	if p == nil {
		return perhaps
	}
	found := p.Everyone
	switch c.kind {
	case member:
		for _, x := range p.AWS {
			found = found || x == c.arn && x != "" || x == c.account || accountOfRoot(x) == c.account
		}
		if p.Not && !found && slices.ContainsFunc(p.AWS, func(x string) bool { return accountOf(x) == c.account }) {
			return perhaps // exempts somebody else of the account
		}
	case service:
		found = found || c.service != "" && slices.ContainsFunc(p.Service, func(x string) bool { return x == "*" || strings.EqualFold(x, c.service) })
	case opaque:
		found = found || slices.Contains(p.AWS, c.provider) || slices.Contains(p.Canonical, c.provider)
	case token:
		found = found || slices.ContainsFunc(p.Federated, func(x string) bool { return x == "*" || x == c.provider })
	}
	return truly(found != p.Not)
}

// accountOfRoot returns the account that a principal stands for as a whole: 111122223333 or arn:aws:iam::111122223333:root.
func accountOfRoot(principal string) string {
	if isAccount(principal) {
		return principal
	}
	if parts := strings.SplitN(principal, ":", 6); len(parts) == 6 && parts[2] == "iam" && parts[5] == "root" {
		return accountOf(principal)
	}
	return ""
}

// accountOf returns the account of an ARN or an account ID; "" if it tells none.
func accountOf(s string) string {
	if isAccount(s) {
		return s
	}
	if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && parts[0] == "arn" && isAccount(parts[4]) {
		return parts[4]
	}
	return ""
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// keyKindOf returns what a key is.
func keyKindOf(key string) keyKind {
	if k, ok := keyKinds[key]; ok {
		return k
	}
	for prefix, k := range freePrefixes {
		if strings.HasPrefix(key, prefix) {
			return k
		}
	}
	return unknownKey
}

// domain returns the values that a key can have when the caller calls: those that the tests tell apart are enough.
func (e *evaluation) domain(c caller, key string, tests []*Condition) []value {
	for k, v := range e.q.Context {
		if strings.EqualFold(k, key) {
			return []value{{text: v}}
		}
	}
	absent := []value{{absent: true}}
	signed := c.kind == stranger || c.kind == member || c.kind == opaque
	if c.kind == token {
		if claim, ok := strings.CutPrefix(key, issuer(c.provider)+":"); ok {
			return claims(providers[issuer(c.provider)], claim, tests)
		}
	}
	kind := keyKindOf(key)
	if c.kind == opaque && (namesAccounts[kind] || kind == userKey || kind == orgKey || kind == orgPathKey) {
		return []value{{unknown: true}}
	}
	switch kind {
	case freeKey:
		return anything(tests)
	case signedKey:
		if signed {
			return anything(tests)
		}
		return absent
	case accountKey:
		if !signed {
			return absent
		}
		return e.accounts(c, tests)
	case ownerKey:
		if !signed && c.kind != service {
			return absent
		}
		return e.accounts(c, tests)
	case principalKey:
		if !signed {
			return absent
		}
		if c.arn != "" {
			return []value{{text: c.arn}}
		}
		return e.arns(c, "arn:aws:iam::"+e.accountOf(c)+":role/stranger", tests)
	case userKey:
		if !signed {
			return absent
		}
		return wild([]value{{text: "AROASTRANGER:x"}}, tests, func(p Pattern) bool {
			id, _, _ := strings.Cut(p.Text, ":")
			return !strings.ContainsAny(id, "*?")
		})
	case orgKey:
		if !signed {
			return absent
		}
		return wild([]value{{absent: true}, {text: "o-stranger"}}, tests, literally)
	case orgPathKey:
		if !signed {
			return absent
		}
		return wild([]value{{absent: true}, {text: "o-stranger/r-x/"}}, tests, firstLiterally)
	case sourceAccount:
		if c.kind != service {
			return absent
		}
		return e.accounts(c, tests)
	case sourceARN:
		if c.kind != service {
			return absent
		}
		return e.arns(c, "arn:aws:x:x:"+e.accountOf(c)+":stranger", tests)
	case sourceOrg:
		if c.kind != service {
			return absent
		}
		return wild([]value{{absent: true}, {text: "o-stranger"}}, tests, literally)
	case sourceOrgPath:
		if c.kind != service {
			return absent
		}
		return wild([]value{{absent: true}, {text: "o-stranger/r-x/"}}, tests, firstLiterally)
	case networkKey, networkOrg, networkPath:
		if c.kind == service {
			return absent
		}
		pinned := literally
		if kind == networkPath {
			pinned = firstLiterally
		}
		return wild([]value{{absent: true}, {text: "stranger"}}, tests, pinned)
	case networkAccount:
		if c.kind == service {
			return absent
		}
		if key == "aws:sourcevpcarn" {
			return append(e.arns(c, "arn:aws:ec2:x:"+e.accountOf(c)+":vpc/stranger", tests), absent...)
		}
		return append(e.accounts(c, tests), absent...)
	case accessAccount:
		return append(e.accounts(c, tests), absent...)
	case accessPoint:
		return append(e.arns(c, "arn:aws:s3:x:"+e.accountOf(c)+":accesspoint/stranger", tests), absent...)
	case addressKey:
		if c.kind == service {
			return absent
		}
		return append(addresses(tests), absent...) // absent through VPC endpoints and services
	case isService:
		return []value{{text: strconv.FormatBool(c.kind == service)}}
	case forwarded:
		if c.kind == service {
			return []value{{text: "false"}}
		}
		return []value{{text: "false"}, {text: "true"}}
	case serviceName:
		switch {
		case c.kind != service:
			return absent
		case c.service == "":
			return wild([]value{{text: "stranger.amazonaws.com"}}, tests, literally)
		}
		return []value{{text: c.service}}
	case encrypted:
		return []value{{text: "true"}}
	case tlsVersion:
		return []value{{text: "1.2"}, {text: "1.3"}}
	case functionURL:
		return absent
	case endpoint:
		return wild([]value{{absent: true}, {text: "stranger@example.net"}}, tests, fixedEndpoint)
	case resourceAccount:
		if e.q.Account != "" {
			return []value{{text: e.q.Account}}
		}
	case resourceOrg:
		if e.q.Org != "" {
			return []value{{text: e.q.Org}}
		}
	}
	return []value{{unknown: true}}
}

// accountOf returns the account of the caller, or the one that stands for all that a policy does not name.
func (e *evaluation) accountOf(c caller) string {
	if c.account != "" {
		return c.account
	}
	return e.stranger
}

// accounts returns what the caller's account may be: anyone can have one that matches a pattern with wildcards.
func (e *evaluation) accounts(c caller, tests []*Condition) []value {
	v := []value{{text: e.accountOf(c)}}
	if c.account != "" {
		return v
	}
	return wild(v, tests, literally)
}

// arns returns what the ARN of something of the caller's may be: he names it as he likes, within his account.
func (e *evaluation) arns(c caller, own string, tests []*Condition) []value {
	v := []value{{text: own}}
	for _, t := range tests {
		for _, p := range t.patterns {
			parts := strings.SplitN(p.Text, ":", 6)
			switch {
			case len(parts) < 6:
				if !p.literal && !p.unclear {
					v = append(v, value{text: p.example()})
				}
			case !strings.ContainsAny(parts[5], "*?") && (parts[2] == "s3" || parts[4] == ""):
				// a bucket, or something else whose name is unique: it belongs to somebody
			case compile(parts[4], false).match(e.accountOf(c)):
				parts[4] = e.accountOf(c)
				v = append(v, value{text: compile(strings.Join(parts, ":"), false).example()})
			case c.account == "" && (strings.ContainsAny(parts[4], "*?") || parts[4] == "" && !p.literal):
				v = append(v, value{text: p.example()})
			}
		}
	}
	return v
}

// wild adds to v an example of each pattern that leaves the caller a choice.
func wild(v []value, tests []*Condition, pinned func(Pattern) bool) []value {
	for _, t := range tests {
		for _, p := range t.patterns {
			if !p.literal && !pinned(p) {
				v = append(v, value{text: p.example()})
			}
		}
	}
	return v
}

func literally(p Pattern) bool { return p.literal }

// firstLiterally is for paths in an organization: "o-example/*" names one.
func firstLiterally(p Pattern) bool {
	org, _, _ := strings.Cut(p.Text, "/")
	return !strings.ContainsAny(org, "*?$")
}

// fixedEndpoint reports whether an SNS endpoint leaves the subscriber no choice of whose it is: *@example.com,
// https://example.com/*, arn:aws:sqs:*:111122223333:*.
func fixedEndpoint(p Pattern) bool {
	if at := strings.LastIndexByte(p.Text, '@'); at >= 0 {
		return !strings.ContainsAny(p.Text[at:], "*?")
	}
	if _, rest, ok := strings.Cut(p.Text, "://"); ok {
		host, _, slash := strings.Cut(rest, "/")
		return slash && !strings.ContainsAny(host, "*?")
	}
	return accountOf(p.Text) != ""
}

// anything returns values for a key that the caller sets as he likes: none, each that is tested for, and another one.
func anything(tests []*Condition) []value {
	v := []value{{absent: true}}
	plain := true
	for _, t := range tests {
		switch {
		case t.op.base == "Bool":
			plain = false
			v = append(v, value{text: "true"}, value{text: "false"})
		case t.op.base == "IpAddress":
			plain = false
			for _, ipv6 := range []bool{false, true} {
				held := union(t.prefixes, ipv6)
				for _, x := range []spans{held, internet(ipv6).without(held)} {
					if len(x) > 0 {
						v = append(v, value{text: x.address(ipv6).String()})
					}
				}
			}
		case strings.HasPrefix(t.op.base, "Numeric"):
			plain = false
			for _, s := range t.Values {
				if f, err := strconv.ParseFloat(s, 64); err == nil {
					for _, n := range []float64{f - 1, f, f + 1} {
						v = append(v, value{text: strconv.FormatFloat(n, 'g', -1, 64)})
					}
				}
			}
		default:
			for i, s := range t.Values {
				v = append(v, value{text: s}, value{text: t.patterns[i].example()})
			}
		}
	}
	if plain {
		v = append(v, value{text: "stranger"})
	}
	return v
}

// widest is how many addresses a place on the internet may have and still be a place: a /8 of IPv4, a /32 of IPv6.
// Source: S3 User Guide, "The meaning of public": wider values of aws:SourceIp are public.
func widest(ipv6 bool) float64 {
	if ipv6 {
		return 1 << (64 - 32)
	}
	return 1 << (32 - 8)
}

// addresses divides the internet by the tests that an address passes, and returns one of each part that is wider than a
// place: somebody can call from there.
func addresses(tests []*Condition) (v []value) {
	var sets [][]netip.Prefix
	for _, t := range tests {
		if t.op.base == "IpAddress" && !t.opaque {
			sets = append(sets, t.prefixes)
		}
	}
	for _, ipv6 := range []bool{false, true} {
		parts := []spans{internet(ipv6)}
		for _, prefixes := range sets {
			held := union(prefixes, ipv6)
			var next []spans
			for _, part := range parts {
				for _, x := range []spans{part.and(held), part.without(held)} {
					if x.size() > widest(ipv6) {
						next = append(next, x)
					}
				}
			}
			parts = next
		}
		for _, part := range parts {
			v = append(v, value{text: part.address(ipv6).String()})
		}
	}
	return v
}

// issuer returns the issuer of tokens that a federated principal names, in lower case; "" of a SAML provider.
func issuer(principal string) string {
	if strings.Contains(principal, ":saml-provider/") {
		return ""
	}
	if _, rest, ok := strings.Cut(principal, ":oidc-provider/"); ok {
		return strings.ToLower(rest)
	}
	return strings.ToLower(principal)
}

// claims returns what a claim may be in a token that anyone can have.
func claims(p provider, claim string, tests []*Condition) []value {
	switch {
	case slices.Contains(p.free, claim):
		return anything(tests)
	case slices.Contains(p.pinned, claim):
		return wild([]value{{text: "stranger"}}, tests, func(x Pattern) bool {
			owner, _, _ := strings.Cut(x.Text, "/")
			return owner != "" && !strings.ContainsAny(owner, "*?")
		})
	case claim != "sub":
		return []value{{unknown: true}}
	}
	v := []value{{text: "stranger"}}
	for _, t := range tests {
		for _, x := range t.patterns {
			if tenantOf(p, x) == no {
				v = append(v, value{text: x.example()})
			}
		}
	}
	return v
}

// tenantOf reports whether a pattern of subjects names the customer.
func tenantOf(p provider, x Pattern) truth {
	if x.literal {
		return yes
	}
	fixed := x.Text[:strings.IndexAny(x.Text, "*?$")]
	for _, t := range p.tenant {
		if name, ok := strings.CutPrefix(fixed, t.before); ok {
			return truly(strings.Contains(name, t.after))
		}
		if strings.HasPrefix(t.before, fixed) {
			return no
		}
	}
	if fixed == "" {
		return no
	}
	return perhaps // a form of subject that is not known
}
