package policy

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// FuzzParse: no text makes anything panic, and what is parsed can be asked.
func FuzzParse(f *testing.F) {
	for _, c := range public {
		f.Add(c.doc)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Decode(text); err != nil {
			_ = err.Error()
		}
		if _, err := parseJSON(text); err == nil && !json.Valid([]byte(text)) {
			t.Fatal("was read, but is no JSON")
		}
		d, err := Parse(text)
		if err != nil {
			if len(d.Statements) > 0 || err.Error() == "" {
				t.Fatal("an error, and a document all the same")
			}
			return
		}
		d.Public(Question{Account: own})
		d.Access(Question{Who: Outsiders, Account: own, Org: "o-example"})
		d.Access(Question{Who: Holder})
		d.Admin()
		d.DeniesPlainHTTP("s3:*", "arn:aws:s3:::b", "arn:aws:s3:::b/*")
	})
}

// FuzzEvaluate: whatever the document, adding a Deny never raises an answer, adding an Allow never lowers it, and neither the
// order of statements nor the case of actions and condition keys matters.
func FuzzEvaluate(f *testing.F) {
	for i, c := range public {
		f.Add(c.doc, public[(i*7+3)%len(public)].doc, uint64(i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, a, b string, seed uint64, who uint8) {
		if len(a)+len(b) > 4000 {
			return
		}
		d, err := Parse(a)
		more, err2 := Parse(b)
		if err != nil || err2 != nil {
			return
		}
		laws(t, d, more.Statements, seed, who)
	})
}

// TestLaws checks the same laws on documents that are mixed of all statements and conditions of the tables: they come
// close to the traps, which random text does not.
func TestLaws(t *testing.T) {
	var pool []Statement
	var conditions []Condition
	for _, c := range public {
		d := parse(t, c.doc)
		pool = append(pool, d.Statements...)
		for _, s := range d.Statements {
			conditions = append(conditions, s.Conditions...)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	pick := func() Statement {
		s := pool[r.IntN(len(pool))]
		for s.Principals == nil || r.IntN(3) == 0 {
			s = pool[r.IntN(len(pool))]
		}
		if r.IntN(2) == 0 {
			s.Deny = !s.Deny
		}
		if r.IntN(2) == 0 {
			s.Conditions = append(slices.Clone(s.Conditions), conditions[r.IntN(len(conditions))])
		}
		return s
	}
	for i := range 4000 {
		d := Document{Version: "2012-10-17"}
		for range 1 + r.IntN(4) {
			d.Statements = append(d.Statements, pick())
		}
		laws(t, d, []Statement{pick(), pick()}, uint64(i), uint8(r.IntN(6)))
	}
}

func laws(t *testing.T, d Document, more []Statement, seed uint64, who uint8) {
	questions := []Question{
		{Account: own},
		{Who: Outsiders, Account: own, Org: "o-example"},
		{Who: AnyAccount, Actions: []string{"sqs:SendMessage", "s3:Get*"}},
		{Who: AnAccount, Caller: foreign},
		{Who: AService, Caller: "sns.amazonaws.com"},
		{Who: Holder, Actions: []string{"sqs:*"}, Resources: []string{"arn:aws:sqs:*:*:q"}},
	}
	q := questions[int(who)%len(questions)]
	before := d.Access(q)
	if before.TooHard {
		return
	}
	for _, s := range more {
		with := d
		with.Statements = append(slices.Clone(d.Statements), s)
		after := with.Access(q)
		switch {
		case after.TooHard:
		case s.Deny && after.Level > before.Level:
			t.Errorf("a Deny raised %v to %v\n%+v\n%+v", before, after, d, s)
		case !s.Deny && after.Level < before.Level:
			t.Errorf("an Allow lowered %v to %v\n%+v\n%+v", before, after, d, s)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	same := d
	same.Statements = slices.Clone(d.Statements)
	r.Shuffle(len(same.Statements), func(i, j int) {
		same.Statements[i], same.Statements[j] = same.Statements[j], same.Statements[i]
	})
	for i, s := range same.Statements {
		s.Actions.List = slices.Clone(s.Actions.List)
		for j, p := range s.Actions.List {
			s.Actions.List[j] = actionPattern(anyCase(r, p.Text))
		}
		s.Conditions = slices.Clone(s.Conditions)
		for j, c := range s.Conditions {
			s.Conditions[j] = newCondition(c.Operator, anyCase(r, c.Key), c.Values, d.Version == "2012-10-17")
		}
		r.Shuffle(len(s.Conditions), func(i, j int) { s.Conditions[i], s.Conditions[j] = s.Conditions[j], s.Conditions[i] })
		same.Statements[i] = s
	}
	if after := same.Access(q); after.Level != before.Level && !after.TooHard {
		t.Errorf("order and case changed %v to %v\n%+v", before, after, d)
	}
}

// anyCase changes the case of ASCII letters.
func anyCase(r *rand.Rand, s string) string {
	b := []byte(s)
	for i, c := range b {
		if r.IntN(2) == 0 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// FuzzNetwork: adding a rule to a group never closes a port.
func FuzzNetwork(f *testing.F) {
	f.Add("tcp", 22, 22, "0.0.0.0/1 128.0.0.0/1", "udp", 0, 65535, "::/0")
	f.Add("-1", -1, -1, "0.0.0.0/0", "6", 0, 22, "8000::/1 ::/1")
	f.Fuzz(func(t *testing.T, p1 string, from1, to1 int, cidrs1, p2 string, from2, to2 int, cidrs2 string) {
		rule := func(p string, from, to int, cidrs string) Ingress {
			r := Ingress{Name: p, Protocol: p, From: from, To: to}
			for i, c := range strings.Fields(cidrs) {
				switch {
				case i%3 == 2:
					r.PrefixLists = append(r.PrefixLists, PrefixList{ID: c, Entries: []string{c}, Known: true})
				case strings.Contains(c, ":"):
					r.IPv6 = append(r.IPv6, c)
				default:
					r.IPv4 = append(r.IPv4, c)
				}
			}
			return r
		}
		a, b := rule(p1, from1, to1, cidrs1), rule(p2, from2, to2, cidrs2)
		ports := []Port{{"tcp", 22}, {"udp", 53}}
		level := func(rules ...Ingress) (out [5]Level) {
			for _, o := range Openings(rules, ports) {
				i := 2 * slices.Index(ports, o.Port)
				out[i], out[i+1] = o.IPv4, o.IPv6
			}
			out[4] = AllPorts(rules).Level()
			return out
		}
		alone, both, swapped := level(a), level(a, b), level(b, a)
		if both != swapped {
			t.Errorf("order matters: %v, %v", both, swapped)
		}
		for i := range alone {
			if both[i] < alone[i] {
				t.Errorf("a rule closed something: %v, then %v", alone, both)
			}
		}
	})
}
