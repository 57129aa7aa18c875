package policy

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Condition is one test of a statement: all tests of a statement must hold, and of a test's values one is enough.
type Condition struct {
	Operator string
	Key      string
	Values   []string

	written  []string // Values as they stand in the document, if variables were resolved
	key      string   // in lower case, as keys ignore it
	op       operator
	patterns []Pattern // of Values
	prefixes []netip.Prefix
	opaque   bool // has an operator or a value that is not modelled
}

// An operator is a condition operator in its parts.
type operator struct {
	base     string // without Not: "StringEquals"
	negated  bool
	ifExists bool
	set      string // "", ForAllValues or ForAnyValue
}

// operators is the closed list of those that are modelled, and what they negate. Source: IAM User Guide, "IAM JSON policy
// elements: Condition operators". Dates and binary values are left out: what they mean hangs on when and what is asked.
var operators = map[string]operator{
	"StringEquals":              {base: "StringEquals"},
	"StringNotEquals":           {base: "StringEquals", negated: true},
	"StringEqualsIgnoreCase":    {base: "StringEqualsIgnoreCase"},
	"StringNotEqualsIgnoreCase": {base: "StringEqualsIgnoreCase", negated: true},
	"StringLike":                {base: "StringLike"},
	"StringNotLike":             {base: "StringLike", negated: true},
	"ArnEquals":                 {base: "ArnLike"}, // the two do the same
	"ArnNotEquals":              {base: "ArnLike", negated: true},
	"ArnLike":                   {base: "ArnLike"},
	"ArnNotLike":                {base: "ArnLike", negated: true},
	"IpAddress":                 {base: "IpAddress"},
	"NotIpAddress":              {base: "IpAddress", negated: true},
	"Bool":                      {base: "Bool"},
	"Null":                      {base: "Null"},
	"NumericEquals":             {base: "NumericEquals"},
	"NumericNotEquals":          {base: "NumericEquals", negated: true},
	"NumericLessThan":           {base: "NumericLessThan"},
	"NumericLessThanEquals":     {base: "NumericLessThanEquals"},
	"NumericGreaterThan":        {base: "NumericGreaterThan"},
	"NumericGreaterThanEquals":  {base: "NumericGreaterThanEquals"},
}

func newCondition(name, key string, values []string, variables bool) Condition {
	c := Condition{Operator: name, Key: key, Values: values, key: strings.ToLower(key)}
	set, rest, found := strings.Cut(name, ":")
	if !found {
		set, rest = "", name
	}
	rest, ifExists := strings.CutSuffix(rest, "IfExists")
	op, known := operators[rest]
	op.ifExists, op.set = ifExists, set
	c.op = op
	c.opaque = !known || set != "" && set != "ForAllValues" && set != "ForAnyValue" || op.base == "Null" && (ifExists || found)
	if keyKindOf(c.key) == addressKey && op.base != "IpAddress" && op.base != "Null" {
		c.opaque = true // an address as a text
	}
	for _, v := range values {
		p := compile(v, variables)
		p.unclear = unclear(c.key, p)
		c.patterns = append(c.patterns, p)
		switch op.base {
		case "IpAddress":
			prefix, err := parsePrefix(v)
			c.opaque = c.opaque || err != nil
			c.prefixes = append(c.prefixes, prefix)
		case "Bool", "Null":
			c.opaque = c.opaque || p.variable || !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false")
		case "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals":
			_, err := strconv.ParseFloat(v, 64)
			c.opaque = c.opaque || err != nil
		}
	}
	return c
}

// unclear reports whether it cannot be told if a pattern leaves strangers a choice: an account somewhere in an ARN, a form of
// subject that is not known.
func unclear(key string, p Pattern) bool {
	if p.literal {
		return false
	}
	if issuer, ok := strings.CutSuffix(key, ":sub"); ok {
		provider, known := providers[issuer]
		return known && tenantOf(provider, p) == perhaps
	}
	if !namesAccounts[keyKindOf(key)] || strings.Count(p.Text, ":") >= 5 {
		return false
	}
	return slices.ContainsFunc(strings.FieldsFunc(p.Text, func(r rune) bool { return r < '0' || r > '9' }), func(digits string) bool { return len(digits) >= 12 })
}

// parsePrefix reads an address or a range of them; bits behind the prefix are ignored, as AWS does.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		return netip.PrefixFrom(a, a.BitLen()), err
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

var resourceAccountVariable, resourceOrgVariable = regexp.MustCompile(`(?i)\$\{aws:ResourceAccount\}`), regexp.MustCompile(`(?i)\$\{aws:ResourceOrgID\}`)

// resolve puts in what policy variables stand for that are about the resource: its account and its organization, which is one, whichever.
// It may have no organization, which would make a negated test void. A key that is held against itself lets everyone through who has it.
// What other variables stand for is not known.
// Source: IAM User Guide, "IAM policy elements: Variables and tags".
func (c Condition) resolve(q *Question) Condition {
	c.written, c.Values, c.patterns = c.Values, slices.Clone(c.Values), slices.Clone(c.patterns)
	for i, p := range c.patterns {
		if !p.variable {
			continue
		}
		text := p.Text
		if q.Org != "" || !c.op.negated {
			text = resourceOrgVariable.ReplaceAllLiteralString(text, cmp.Or(q.Org, "o-resource"))
		}
		if q.Account != "" {
			text = resourceAccountVariable.ReplaceAllLiteralString(text, q.Account)
		}
		if len(c.patterns) == 1 && strings.EqualFold(text, "${"+c.key+"}") && strings.HasPrefix(c.op.base, "String") {
			c.op.base, text = "StringLike", "*"
		}
		c.Values[i], c.patterns[i] = text, compile(text, true)
		c.patterns[i].unclear = unclear(c.key, c.patterns[i])
	}
	return c
}

// String returns the condition for people.
func (c Condition) String() string {
	values := c.Values
	if c.written != nil {
		values = c.written
	}
	if n := len(values); n > 3 {
		values = append(slices.Clone(values[:3]), "and "+strconv.Itoa(n-3)+" more")
	}
	return c.Operator + " " + c.Key + " " + strings.Join(values, ", ")
}

// A truth is an answer of a logic in which not everything is known.
type truth int8

const (
	no truth = iota
	perhaps
	yes
)

func truly(b bool) truth {
	if b {
		return yes
	}
	return no
}

// A value is what a request says for a key: nothing, one text, or something that is not known.
type value struct {
	text    string
	absent  bool
	unknown bool
}

// holds evaluates the condition for a value of its key. A key that is absent fails a positive test and passes a negated
// one; ForAllValues passes without values, ForAnyValue fails. Source: IAM User Guide, "IAM JSON policy elements:
// Condition operators" and "Set operators for multivalued context keys".
func (c *Condition) holds(v value) truth {
	switch {
	case c.opaque || v.unknown:
		return perhaps
	case c.op.base == "Null":
		return truly(slices.ContainsFunc(c.Values, func(s string) bool { return strings.EqualFold(s, "true") == v.absent }))
	case v.absent && (c.op.ifExists || c.op.set == "ForAllValues"):
		return yes
	case v.absent && c.op.set == "ForAnyValue":
		return no
	case v.absent:
		return truly(c.op.negated)
	}
	any := no
	for i := range c.Values {
		any = max(any, c.equals(i, v.text))
	}
	if c.op.negated {
		return yes - any
	}
	return any
}

// equals compares with the i-th value.
func (c *Condition) equals(i int, text string) truth {
	p := c.patterns[i]
	if p.unclear {
		return perhaps
	}
	switch c.op.base {
	case "StringEquals", "StringEqualsIgnoreCase":
		if p.variable {
			return perhaps
		}
		if c.op.base == "StringEqualsIgnoreCase" {
			return truly(strings.EqualFold(c.Values[i], text))
		}
		return truly(c.Values[i] == text)
	case "StringLike":
		return undecided(p, p.match(text))
	case "ArnLike":
		return undecided(p, matchARN(p, text))
	case "IpAddress":
		a, err := netip.ParseAddr(text)
		if err != nil {
			return perhaps
		}
		return truly(c.prefixes[i].Contains(a))
	case "Bool":
		return truly(strings.EqualFold(c.Values[i], text))
	}
	a, err1 := strconv.ParseFloat(text, 64)
	b, err2 := strconv.ParseFloat(c.Values[i], 64)
	if err1 != nil || err2 != nil {
		return perhaps
	}
	switch c.op.base {
	case "NumericEquals":
		return truly(a == b)
	case "NumericLessThan":
		return truly(a < b)
	case "NumericLessThanEquals":
		return truly(a <= b)
	case "NumericGreaterThan":
		return truly(a > b)
	case "NumericGreaterThanEquals":
		return truly(a >= b)
	}
	return perhaps
}

// undecided says what a match is worth: a policy variable was taken for anything, so that only "no" is certain.
func undecided(p Pattern, matched bool) truth {
	if matched && p.variable {
		return perhaps
	}
	return truly(matched)
}

// matchARN compares part by part, as ArnLike does; what has fewer than six parts is compared as a whole.
func matchARN(p Pattern, text string) bool {
	want, got := strings.SplitN(p.Text, ":", 6), strings.SplitN(text, ":", 6)
	if len(want) < 6 || len(got) < 6 || p.variable {
		return p.match(text)
	}
	for i := range want {
		if !compile(want[i], false).match(got[i]) {
			return false
		}
	}
	return true
}
