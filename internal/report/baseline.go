package report

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// BaselineSchema names the shape of a baseline file; docs/baseline.schema.json describes it.
const BaselineSchema = "scanner.baseline/v1"

// A Baseline is what an earlier scan found, and where it looked: what is absent there is new only if it would have been seen.
type Baseline struct {
	Schema   string         `json:"schema"`
	Tool     string         `json:"tool"` // version of the scanner
	Scan     string         `json:"scan"` // its ID
	Started  time.Time      `json:"started"`
	Read     []model.Place  `json:"read"`     // accounts and regions
	Rules    []BaselineRule `json:"rules"`    // by ID
	Blind    []BlindSpot    `json:"blind"`    // in order
	Findings []Known        `json:"findings"` // in order; waived ones too
	Mended   []Known        `json:"mended"`   // of earlier baselines: what comes back is regressed

	Once []string `json:"-"` // identities of further ones that are mended, where no more is known of them

	passed map[string]bool // identities, where the whole scan is at hand
}

// A BaselineRule is a rule as it judged: another version, or other parameters, may find what this one could not.
type BaselineRule struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Params  string `json:"params,omitempty"` // hash of the parameters and of a severity that was set
}

// A BlindSpot is what a rule could not judge: one finding, or whatever there may be in a place.
type BlindSpot struct {
	Rule     string `json:"rule"`
	Account  string `json:"account"`
	Region   string `json:"region,omitempty"`   // none: anywhere in the account
	Identity string `json:"identity,omitempty"` // none: anything
}

// A Known is a failure of an earlier scan. Failures with one identity are one: the worst is named.
type Known struct {
	Identity    string          `json:"identity"`
	Fingerprint string          `json:"fingerprint"`
	Rule        string          `json:"rule"`
	Severity    engine.Severity `json:"severity"`
	Kind        model.Kind      `json:"kind"`
	ID          string          `json:"id"`
	Name        string          `json:"name,omitempty"`
	Account     string          `json:"account"`
	Region      string          `json:"region,omitempty"`
	Owner       string          `json:"owner,omitempty"`
}

// A Fate is what became of a failure of an earlier scan that is none any more.
type Fate string

const (
	Fixed            Fate = "fixed"              // its place was looked at as a whole, and it is not there
	NoLongerAssessed Fate = "no-longer-assessed" // nobody could look
	OutOfScope       Fate = "out-of-scope"       // nobody looked: another selection of rules, accounts or regions
)

// Fates lists all.
var Fates = []Fate{Fixed, NoLongerAssessed, OutOfScope}

// A Gone is a failure of the baseline that is none any more.
type Gone struct {
	Known
	Fate   Fate `json:"fate"`
	Unseen bool `json:"-"` // out of scope because nobody looked, not because it was judged in another way
}

// known describes a failure.
func known(x *Result) Known {
	m := x.Resource
	return Known{Identity: x.Identity(), Fingerprint: x.Fingerprint(), Rule: x.Rule.ID, Severity: x.Severity, Kind: x.Kind(), ID: m.ID, Name: m.Name,
		Account: m.Account, Region: m.Region, Owner: x.Team}
}

// judgedBy describes a rule with its parameters.
func judgedBy(r *engine.Rule) BaselineRule {
	b := BaselineRule{ID: r.ID, Version: r.Version}
	if r.Check.Params == nil && r.Rated == 0 {
		return b
	}
	params := map[string]any{"": r.Check.Params}
	for account, c := range r.Checks {
		params[account] = c.Params
	}
	text, err := json.Marshal(params) // keys in order
	if err != nil {
		panic(err) // parameters come from JSON
	}
	sum := sha256.Sum256(fmt.Append(text, r.Rated))
	b.Params = hex.EncodeToString(sum[:8])
	return b
}

// judgedByAll describes the rules of a report: as it tells them, if it was read from a file.
func (r *Report) judgedByAll() (all []BaselineRule) {
	for i := range r.Rules {
		b := judgedBy(&r.Rules[i])
		if r.Source != nil {
			b = r.Source.Judged[b.ID]
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b BaselineRule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// spot says what a result without a verdict leaves in the dark. What has no ARN may be known by another name once it can be read.
func spot(x *Result) BlindSpot {
	s := BlindSpot{Rule: x.Rule.ID, Account: x.Resource.Account, Region: x.Resource.Region}
	if x.Resource.ARN != "" {
		s.Identity = x.Identity()
	} else if s.Region == model.AnyRegion {
		s.Region = ""
	}
	return s
}

// NewBaseline makes a baseline of a scan, whatever the report leaves out of it. What the report's own baseline knows to be mended, and
// what has been since, is kept.
func (r *Report) NewBaseline() (*Baseline, error) {
	b := &Baseline{Schema: BaselineSchema, Tool: r.Version, Scan: r.ID(), Started: r.Header.Start.UTC(), Read: r.Scan.Read, Rules: r.judgedByAll(),
		Blind: []BlindSpot{}, Findings: []Known{}, Mended: []Known{}, passed: map[string]bool{}}
	found, blind := map[string]Known{}, map[BlindSpot]bool{}
	for v, err := range r.Scan.Evaluate(r.Rules) {
		if err != nil {
			return nil, err
		}
		x := r.told(v)
		switch x.Status {
		case engine.Failed:
			k := known(&x)
			if old, twice := found[k.Identity]; !twice || k.Severity > old.Severity {
				found[k.Identity] = k
			}
		case engine.NotAssessed:
			blind[spot(&x)] = true
		default:
			b.passed[x.Identity()] = true
		}
	}
	b.Findings = slices.AppendSeq(b.Findings, maps.Values(found))
	b.Blind = slices.AppendSeq(b.Blind, maps.Keys(blind))
	if old := r.Baseline; old != nil {
		for _, k := range old.Mended {
			if _, back := found[k.Identity]; !back {
				b.Mended = append(b.Mended, k)
			}
		}
		for _, g := range r.Gone {
			if g.Fate == Fixed {
				b.Mended = append(b.Mended, g.Known)
			}
		}
	}
	for _, list := range [][]Known{b.Findings, b.Mended} {
		slices.SortFunc(list, func(x, y Known) int {
			return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Identity, y.Identity))
		})
	}
	slices.SortFunc(b.Blind, func(x, y BlindSpot) int {
		return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), cmp.Compare(x.Identity, y.Identity))
	})
	return b, nil
}

// Write writes a baseline as JSON, an entry a line, so that two versions of the file can be compared.
func (b *Baseline) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	value := func(v any) error {
		text, err := json.Marshal(v)
		out.Write(text)
		return err
	}
	fmt.Fprintf(out, `{"schema":%q,"tool":%q,"scan":%q,"started":%q`, b.Schema, b.Tool, b.Scan, b.Started.Format(time.RFC3339Nano))
	list := func(name string, n int, entry func(i int) any) error {
		fmt.Fprintf(out, ",\n%q:[", name)
		for i := range n {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteByte('\n')
			if err := value(entry(i)); err != nil {
				return err
			}
		}
		_, err := out.WriteString("\n]")
		return err
	}
	err := cmp.Or( // all of them, as the writer remembers its error
		list("read", len(b.Read), func(i int) any { return b.Read[i] }),
		list("rules", len(b.Rules), func(i int) any { return b.Rules[i] }),
		list("blind", len(b.Blind), func(i int) any { return b.Blind[i] }),
		list("findings", len(b.Findings), func(i int) any { return b.Findings[i] }),
		list("mended", len(b.Mended), func(i int) any { return b.Mended[i] }))
	if err != nil {
		return err
	}
	out.WriteString("}\n")
	return out.Flush()
}

// ReadBaseline reads what Write has written. Anything else is an error that says where.
func ReadBaseline(in io.Reader) (*Baseline, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	var b Baseline
	if err := model.DecodeStrict(text, &b); err != nil {
		return nil, atLine(text, err)
	}
	if b.Schema != BaselineSchema {
		return nil, fmt.Errorf("its schema is %q, not %q", b.Schema, BaselineSchema)
	}
	hash := func(s string) bool { _, err := hex.DecodeString(s); return err == nil && len(s) == 32 }
	for i, k := range slices.Concat(b.Findings, b.Mended) {
		if !hash(k.Identity) || k.Rule == "" || k.Severity == 0 || k.Account == "" {
			return nil, fmt.Errorf("finding %d lacks identity, rule, severity or account", i+1)
		}
	}
	if len(b.Rules) == 0 || len(b.Read) == 0 || b.Started.IsZero() {
		return nil, errors.New("it does not say which rules judged, where and when: make it with scanner baseline create")
	}
	return &b, nil
}

// atLine says on which line of a JSON text an error is, if that can be told.
func atLine(text []byte, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	at := -1
	switch field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.As(err, &syntax):
		at = int(syntax.Offset)
	case errors.As(err, &wrong):
		at = int(wrong.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it is cut off")
	case unknown:
		at = bytes.Index(text, []byte(field))
		err = fmt.Errorf("it has a member %s, which this version does not know", field)
	}
	if at < 0 || at > len(text) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:at], []byte{'\n'}), err)
}

// A comparison holds results against a baseline.
type comparison struct {
	*Baseline
	rules    map[string]*engine.Rule // by each of their IDs
	same     map[string]bool         // IDs of those that judged in the same way
	read     map[model.Place]bool
	accounts map[string]bool
	blind    map[BlindSpot]bool
	findings map[string]*Known // by identity
	prints   map[string]*Known // by fingerprint
	mended   map[string]bool

	failing, dark, passing map[string]bool // identities of the baseline, in the new scan
	now                    map[BlindSpot]bool
}

func (r *Report) compare() *comparison {
	b := r.Baseline
	if b == nil {
		return nil
	}
	c := &comparison{Baseline: b, rules: map[string]*engine.Rule{}, same: map[string]bool{}, read: map[model.Place]bool{}, accounts: map[string]bool{}, blind: map[BlindSpot]bool{},
		findings: map[string]*Known{}, prints: map[string]*Known{}, mended: map[string]bool{},
		failing: map[string]bool{}, dark: map[string]bool{}, passing: map[string]bool{}, now: map[BlindSpot]bool{}}
	judged := map[string]BaselineRule{}
	for _, x := range r.judgedByAll() {
		judged[x.ID] = x
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		for _, id := range append([]string{rule.ID}, rule.Formerly...) {
			c.rules[id] = rule
		}
	}
	for _, was := range b.Rules {
		if rule := c.rules[was.ID]; rule != nil {
			is := judged[rule.ID]
			c.same[rule.ID] = is.Version == was.Version && is.Params == was.Params
		}
	}
	for _, p := range b.Read {
		c.read[p], c.accounts[p.Account] = true, true
	}
	for _, s := range b.Blind {
		if rule := c.rules[s.Rule]; rule != nil {
			s.Rule = rule.ID
			c.blind[s] = true
		}
	}
	for i := range b.Findings {
		k := &b.Findings[i]
		c.findings[k.Identity], c.prints[k.Fingerprint] = k, k
	}
	for _, k := range b.Mended {
		c.mended[k.Identity] = true
	}
	for _, id := range b.Once {
		c.mended[id] = true
	}
	return c
}

// inScope reports whether a rule looks into a place if these were read.
func inScope(rule *engine.Rule, account, region string, read map[model.Place]bool, accounts map[string]bool) bool {
	if scope := rule.Check.Subject.Scope; scope == model.AccountSubject || scope == model.Global || region == "" {
		return accounts[account]
	}
	return read[model.Place{Account: account, Region: region}]
}

// hidden reports whether blind spots may hide an identity.
func hidden(spots map[BlindSpot]bool, rule, account, region, identity string) bool {
	return spots[BlindSpot{rule, account, region, identity}] || spots[BlindSpot{rule, account, region, ""}] || spots[BlindSpot{rule, account, "", ""}]
}

// looked reports whether the baseline would have found what a rule finds in a place.
func (c *comparison) looked(x *Result) bool {
	m := x.Resource
	return c.same[x.Rule.ID] && inScope(x.Rule, m.Account, m.Region, c.read, c.accounts) && !hidden(c.blind, x.Rule.ID, m.Account, m.Region, x.Identity())
}

// Saw reports whether the scan of a baseline looked for what a rule finds in a place, and could see it.
func (b *Baseline) Saw(rule *engine.Rule, account, region, identity string) bool {
	read, accounts, blind := map[model.Place]bool{}, map[string]bool{}, map[BlindSpot]bool{}
	for _, p := range b.Read {
		read[p], accounts[p.Account] = true, true
	}
	ids := append([]string{rule.ID}, rule.Formerly...)
	for _, s := range b.Blind {
		if slices.Contains(ids, s.Rule) {
			s.Rule = rule.ID
			blind[s] = true
		}
	}
	return slices.ContainsFunc(b.Rules, func(r BaselineRule) bool { return slices.Contains(ids, r.ID) }) &&
		inScope(rule, account, region, read, accounts) && !hidden(blind, rule.ID, account, region, identity)
}

// see notes a result, and says what has changed.
func (c *comparison) see(x *Result) Change {
	if c == nil {
		return ""
	}
	id := x.Identity()
	k := c.findings[id]
	if k == nil && x.OwnerUnknown() { // the identity of today says less than that of the baseline
		if k = c.prints[x.Fingerprint()]; k != nil {
			id = k.Identity
		}
	}
	switch x.Status {
	case engine.NotAssessed:
		s := spot(x)
		c.now[s] = true
		if s.Identity != "" && k != nil {
			c.dark[id] = true
		}
		m := x.Resource
		switch {
		case hidden(c.blind, x.Rule.ID, m.Account, s.Region, s.Identity):
			return Unchanged
		case c.same[x.Rule.ID] && inScope(x.Rule, m.Account, s.Region, c.read, c.accounts):
			return Lost
		}
		return ""
	case engine.Failed:
		if k == nil {
			switch {
			case !c.looked(x) || x.OwnerUnknown():
				return NewlyAssessed
			case c.mended[id] || c.passed[id]:
				return Regressed
			}
			return Appeared
		}
		c.failing[id] = true
		if x.Severity > k.Severity && c.same[x.Rule.ID] {
			return Escalated
		}
		return Unchanged
	}
	if k != nil {
		c.passing[id] = true
	}
	return ""
}

// gone lists the failures of the baseline that are none any more.
func (c *comparison) gone(read []model.Place) (all []Gone) {
	if c == nil {
		return nil
	}
	places, accounts := map[model.Place]bool{}, map[string]bool{}
	for _, p := range read {
		places[p], accounts[p.Account] = true, true
	}
	for _, k := range c.Findings {
		if c.failing[k.Identity] {
			continue
		}
		g := Gone{Known: k, Fate: Fixed}
		rule := c.rules[k.Rule]
		switch {
		case rule == nil || !inScope(rule, k.Account, k.Region, places, accounts):
			g.Fate, g.Unseen = OutOfScope, true
		case !c.same[rule.ID]:
			g.Fate = OutOfScope
		case c.dark[k.Identity] || hidden(c.now, rule.ID, k.Account, k.Region, k.Identity):
			if !c.passing[k.Identity] || c.dark[k.Identity] {
				g.Fate = NoLongerAssessed
			}
		}
		all = append(all, g)
	}
	return all
}
