package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

	"awsscanner/internal/model"
)

// A Result is the verdict of one rule on one resource. If the kind could not be listed
// somewhere, the resource's ID is "*": an absent row is never a pass.
type Result struct {
	Rule     *Rule
	Resource *model.Meta
	Verdict

	of    model.Resource // nil for a hole
	snap  *Snapshot
	shown *shown // if it is masked or recorded
}

// A Recorded is a result as a report has told it.
type Recorded struct {
	Rule     string // ID
	Resource model.Meta
	Verdict
	Fingerprint, Identity string
	Owner                 string            // what the resource belongs to
	OwnerUnknown          bool              // and whether that is not known
	Tags                  map[string]string // nil if they are not known
	With                  any               // see Result.With
}

// Result returns what was recorded as a result of a rule.
func (x *Recorded) Result(rule *Rule) Result {
	m := x.Resource
	return Result{Rule: rule, Resource: &m, Verdict: x.Verdict,
		shown: &shown{fingerprint: x.Fingerprint, identity: x.Identity, owner: x.Owner, unknown: x.OwnerUnknown, with: x.With, tags: x.Tags, known: x.Tags != nil}}
}

// Kind returns the kind as reports show it.
func (r *Result) Kind() model.Kind { return r.Rule.Check.Subject.Reported() }

// Evaluate runs rules over a snapshot. Results come rule by rule, in the order of the rules, of
// accounts, regions and IDs.
func Evaluate(s *Snapshot, rules []Rule) iter.Seq[Result] { return evaluate(s, pointers(rules)) }

func evaluate(s *Snapshot, rules []*Rule) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		// Batches are judged side by side, but only a few ahead of the one whose results are being read.
		var running sync.WaitGroup
		defer running.Wait() // whoever reads no further may change the snapshot
		stop := make(chan struct{})
		defer close(stop)
		ahead := make(chan chan []Result, 2*runtime.GOMAXPROCS(0))
		free := make(chan []Result, cap(ahead)+2) // batches that were read: new ones would be half of all garbage
		running.Go(func() {
			defer close(ahead)
			for _, rule := range rules {
				for part := range parts(s, rule) {
					out := make(chan []Result, 1)
					select {
					case ahead <- out:
					case <-stop:
						return
					}
					running.Go(func() {
						select {
						case batch := <-free:
							out <- part(batch)
						default:
							out <- part(make([]Result, 0, batchSize))
						}
					})
				}
			}
		})
		for out := range ahead {
			batch := <-out
			for _, r := range batch {
				if !yield(r) {
					return
				}
			}
			select {
			case free <- batch[:0]:
			default:
			}
		}
	}
}

const batchSize = 512

// parts divides what a rule has to judge. Each part appends its results to a batch.
func parts(s *Snapshot, rule *Rule) iter.Seq[func([]Result) []Result] {
	return func(yield func(func([]Result) []Result) bool) {
		view := View{snap: s, rule: rule}
		for _, read := range rule.Needs() {
			name := strings.SplitN(read, ".", 3)
			view.kinds = append(view.kinds, strings.Join(name[:min(2, len(name))], "."))
		}
		t := rule.Check.Subject
		for resources := range slices.Chunk(s.All(t), batchSize) {
			if !yield(func(batch []Result) []Result {
				view, reads := view, false
				for i, r := range resources {
					m := r.About()
					if i == 0 || m.Account != view.scope.Account {
						reads, view.check = s.Reads(m.Account), rule.checkIn(m.Account)
					}
					view.scope = scope{m.Account, m.Region}
					if !reads {
						continue // what belongs to others serves joins, and is theirs to judge
					}
					batch = append(batch, Result{rule, m, judge(&view, r), r, s, nil})
				}
				return batch
			}) {
				return
			}
		}
		holes := s.holesOf(t)
		if t.List != t.Refer { // else what is the account's own is listed, and of what it refers to, only that is its to judge
			holes = slices.DeleteFunc(slices.Clone(holes), func(h Hole) bool { return h.ID != "" })
		}
		if len(holes) > 0 {
			yield(func(batch []Result) []Result { return appendHoles(batch, s, rule, holes) })
		}
	}
}

// appendHoles appends a result for each place where subjects of a rule may be missing.
func appendHoles(batch []Result, s *Snapshot, rule *Rule, holes []Hole) []Result {
	type where struct {
		model.Place
		id string
	}
	seen := map[where]bool{}
	for _, h := range holes {
		if w := (where{h.Place, h.ID}); !seen[w] {
			seen[w] = true
			m := &model.Meta{ID: cmp.Or(h.ID, "*"), Account: h.Account, Region: h.Region}
			batch = append(batch, Result{rule, m, unsure(h.Gap), nil, s, nil})
		}
	}
	return batch
}

// judge runs a check. A missing attribute is a verdict; any other panic is a
// broken rule, which is a verdict too and never ends the scan.
func judge(v *View, r model.Resource) (verdict Verdict) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case model.Missing:
			verdict = unsure(e.Gap)
		default:
			verdict = Unsure(model.RuleError, fmt.Sprint(e))
		}
	}()
	if t := v.rule.Check.Subject; t.List == "" { // an account or a region, in which something may have to exist
		if skip, lacks := v.snap.lacks(t.Service(), r.About().Region); lacks {
			return NotApplicable(skip.Why)
		}
	}
	verdict = v.check.judge(v, r)
	verdict.Evidence, verdict.with = verdict.with.all(), nil
	switch {
	case verdict.Status == "":
		return Unsure(model.RuleError, "no verdict")
	case verdict.Status != Failed:
		verdict.Severity = 0
	case v.rule.Rated != 0:
		verdict.Severity = v.rule.Rated
	case verdict.Severity == 0:
		verdict.Severity = v.rule.Severity
	case verdict.Severity > v.rule.Worst:
		return Unsure(model.RuleError, fmt.Sprintf("severity %s is above Worst", verdict.Severity))
	}
	return verdict
}

// Fingerprint names the finding: this rule on this resource. It is 32 hexadecimal digits, the same in every scan.
func (r *Result) Fingerprint() string {
	if r.shown != nil {
		return r.shown.fingerprint
	}
	m := r.Resource
	if m.ARN != "" {
		return r.hash(m.ARN)
	}
	return r.hash(r.snap.Partition, m.Account, m.Region, string(r.Kind()), m.ID)
}

// Identity names the finding for comparisons over time. A resource that comes and goes while its owner stays has
// its owner's; one of a CloudFormation stack, that of its place in the stack; any other, its own.
func (r *Result) Identity() string {
	if r.shown != nil {
		return r.shown.identity
	}
	m := r.Resource
	if owner := r.Owner(); owner != "" {
		return r.hash(r.snap.Partition, m.Account, m.Region, string(r.Kind()), "owner", owner)
	}
	tags := r.Tags()
	if stack, id := tags["aws:cloudformation:stack-name"], tags["aws:cloudformation:logical-id"]; stack != "" && id != "" {
		return r.hash(r.snap.Partition, m.Account, m.Region, string(r.Kind()), "stack", stack, id)
	}
	return r.Fingerprint()
}

func (r *Result) hash(parts ...string) string {
	h := sha256.New()
	h.Write([]byte(r.Rule.FirstID()))
	for _, p := range parts {
		h.Write([]byte{0})
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Owner returns what outlives the resource and replaces it, as "AWS::AutoScaling::AutoScalingGroup web"; "" if
// nothing does, or if that is not known.
func (r *Result) Owner() string {
	if r.shown != nil {
		return r.shown.owner
	}
	if r.of == nil {
		return ""
	}
	owner, _ := r.snap.owner(r.of)
	return owner
}

// KnownTags returns the tags of the resource, and whether they are known. Accounts and regions have none.
func (r *Result) KnownTags() (tags map[string]string, known bool) {
	if r.shown != nil {
		return r.shown.tags, r.shown.known
	}
	if scope := r.Rule.Check.Subject.Scope; scope == model.AccountSubject || scope == model.RegionSubject {
		return nil, true
	}
	if r.of == nil {
		return nil, false
	}
	return model.Tags(r.of)
}

// Tags returns the tags that came with the list answer. Others are left out: the identity of
// a finding may not depend on which rules were selected.
func (r *Result) Tags() map[string]string {
	if r.shown != nil {
		return r.shown.tags
	}
	if r.of == nil {
		return nil
	}
	t := r.Rule.Check.Subject
	for i := range t.Attrs {
		if a := &t.Attrs[i]; a.Name == "Tags" && a.Calls[0] == t.List {
			tags, _ := a.Value(r.of).(*model.Attr[map[string]string]).Lookup()
			return tags
		}
	}
	return nil
}

// With returns what whoever has recorded the result wanted to come along; nil for a verdict.
func (r *Result) With() any {
	if r.shown == nil {
		return nil
	}
	return r.shown.with
}

// OwnerUnknown reports whether something may outlive the resource and nobody knows what, so that the identity is not the usual one.
func (r *Result) OwnerUnknown() bool {
	if r.shown != nil {
		return r.shown.unknown
	}
	if r.of == nil {
		return false
	}
	owner, gap := r.snap.owner(r.of)
	return owner == "" && gap
}

// owner follows the owner and part attributes of a resource. It tells too whether one of them is not known.
func (s *Snapshot) owner(r model.Resource) (owner string, unknown bool) {
	t := model.TypeOf(r)
	for i := range t.Attrs {
		a := &t.Attrs[i]
		if !a.Owner && !a.Part {
			continue
		}
		refs, gap := a.References(r)
		unknown = unknown || gap != nil
		if a.Owner && len(refs) > 0 {
			return a.Name + " " + refs[0], false
		}
		for _, ref := range refs {
			m := r.About()
			whole := s.byKind[a.Ref].get(key{m.Account, m.Region, ref})
			if whole == nil {
				unknown = unknown || len(s.holes[a.Ref]) > 0
				continue
			}
			owner, gap := s.owner(whole)
			if owner != "" {
				return owner, false
			}
			unknown = unknown || gap
		}
	}
	return "", unknown
}

// OwnerReads lists what Owner needs of a kind and of those it is part of, so that the plan of
// calls can provide it whichever rules are selected.
func OwnerReads(t *model.Type, kinds model.Table) (reads []string) {
	for i := range t.Attrs {
		if a := &t.Attrs[i]; a.Owner {
			reads = append(reads, t.Name+"."+a.Name)
		} else if whole := kinds[a.Ref]; a.Part && whole != nil {
			reads = append(reads, t.Name+"."+a.Name)
			reads = append(reads, OwnerReads(whole, kinds)...)
		}
	}
	return reads
}
