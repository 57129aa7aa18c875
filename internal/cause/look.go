package cause

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/model"
)

// Call is what asks CloudTrail for events.
const Call = "cloudtrail:LookupEvents"

const (
	// Most is how many findings of a scan and account are looked up: AWS answers two requests a second in a region.
	Most = 50
	// Settle is how long CloudTrail may take to tell of an event: five minutes on average (CloudTrail User Guide, "Working with CloudTrail event history").
	Settle = 15 * time.Minute

	history    = 90 * 24 * time.Hour // that CloudTrail remembers
	mostCalls  = 400                 // of an account
	byName     = 4                   // pages of fifty events of a resource; those of a role or a key are mostly about its use
	byEvent    = 8                   // the same of an event
	mostOthers = 4                   // changes that are told beside the last one
)

// A Query is one question to CloudTrail. The key is ResourceName or EventName.
type Query struct {
	Region       string
	Key, Value   string
	Since, Until time.Time
	Pages        int // at most
}

// An Answer is what CloudTrail says, the newest event first.
type Answer struct {
	Events []Event
	Calls  int        // that it took
	Whole  bool       // there are no more
	Gap    *model.Gap // why it says nothing
}

// An Item is a finding whose cause is asked for.
type Item struct {
	Subject
	Since   time.Time // when the last scan began that saw it fine, or did not see it; zero if nobody knows
	Started time.Time // when the scan that found it began
	Until   time.Time // when that had read everything
}

// A Lookup finds the causes of what a scan has found in an account.
type Lookup struct {
	Account   string
	Regions   []string                    // that the scan has read
	Home      func(service string) string // region in which the events of a global service are
	Mode      Mode
	Pipelines []string // globs of principals whose changes are planned
	Now       time.Time
	Ask       func(ctx context.Context, q Query) Answer

	calls   int
	answers map[Query]Answer
	closed  map[string]*model.Gap // regions that are not asked any more
	denied  int                   // regions in which it is denied
}

// Run finds the cause of each item and tells it as soon as it is known. It ends early if the context does, or telling fails.
func (l *Lookup) Run(ctx context.Context, items []Item, tell func(i int, c Cause) error) error {
	l.answers, l.closed = map[Query]Answer{}, map[string]*model.Gap{}
	for i := range items {
		c := l.find(ctx, &items[i])
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Detail = l.Mode.discreet(c.Detail)
		if err := tell(i, c); err != nil {
			return err
		}
	}
	return nil
}

// A candidate is an event that may be the cause.
type candidate struct {
	*Event
	record *record
	change *change
}

// A search is what was asked about one item.
type search struct {
	found   map[string]candidate // by event
	unseen  []Query              // of events by their names, of which there are more than were gone through
	oldest  time.Time            // of those that were, in the worst of these queries
	partial bool                 // there are more events of the resource's name, too
	gap     *model.Gap
	err     error
	spent   bool // no more calls are made
}

// find looks for the cause of one item.
func (l *Lookup) find(ctx context.Context, x *Item) Cause {
	since := x.Since
	if reach := l.Now.Add(-history); since.Before(reach) {
		since = reach
	}
	c, ok := classes[x.Type]
	var names []string // of events
	for i := range c.changes {
		if c.changes[i].concerns(x.Attributes) {
			names = append(names, cmp.Or(c.changes[i].asked, c.changes[i].event))
		}
	}
	slices.Sort(names)
	switch {
	case !ok && (strings.HasSuffix(x.Type, ".Account") || strings.HasSuffix(x.Type, ".Region")):
		return Cause{Status: NotLookedUp, Detail: "it is about the account or the region as a whole, and no single resource was changed"}
	case !ok:
		return Cause{Status: NotLookedUp, Detail: "which events change such a resource is not known to this version"}
	case len(names) == 0:
		return Cause{Status: NotLookedUp, Detail: "what is judged is changed by no call that CloudTrail records"}
	case !since.Before(x.Until):
		return Cause{Status: NotLookedUp, Detail: "it is longer ago than CloudTrail's history reaches back"}
	}
	regions := []string{x.Region}
	switch home := l.Home(c.source); {
	case c.spread:
		regions = l.Regions
	case c.global, x.Region == "":
		regions = []string{home}
	}
	if len(regions) == 0 || regions[0] == "" {
		return Cause{Status: NotLookedUp, Detail: "it is not known in which region CloudTrail tells of it"}
	}
	s := &search{found: map[string]candidate{}}
	for _, region := range regions {
		l.search(ctx, s, x, &c, region, names, since)
	}
	if home := l.Home("iam"); c.home && len(s.found) == 0 && s.gap == nil && home != x.Region { // there S3 may have been told to make a bucket elsewhere
		regions = append(regions, home)
		l.search(ctx, s, x, &c, home, names, since)
	}
	return l.answer(s, x, since, regions)
}

// search asks in one region: by what the resource is called, and by the events that could have changed it, as CloudTrail does not list every event
// under the resource.
func (l *Lookup) search(ctx context.Context, s *search, x *Item, c *class, region string, names []string, since time.Time) {
	ask := func(key, value string, pages int) (a Answer, q Query) {
		q = Query{region, key, value, since.UTC(), x.Until.UTC(), pages}
		a = l.ask(ctx, s, q)
		for i := range a.Events {
			e := &a.Events[i]
			if e.Time.Before(since) || e.Time.After(x.Until) {
				continue
			}
			change, record, err := x.match(c, e)
			if err != nil {
				s.err = err
			}
			if change != nil {
				s.found[cmp.Or(e.ID, e.Record)] = candidate{e, record, change}
			}
		}
		return a, q
	}
	if !c.place {
		for _, name := range x.names() {
			if a, _ := ask("ResourceName", name, byName); !a.Whole {
				s.partial = true
			}
		}
	}
	for _, name := range names {
		a, q := ask("EventName", name, byEvent)
		if a.Whole || a.Gap != nil || len(a.Events) == 0 {
			continue
		}
		s.unseen = append(s.unseen, q)
		if last := a.Events[len(a.Events)-1].Time; last.After(s.oldest) {
			s.oldest = last
		}
	}
}

// ask asks CloudTrail, once for each question.
func (l *Lookup) ask(ctx context.Context, s *search, q Query) Answer {
	if a, ok := l.answers[q]; ok {
		s.note(a.Gap)
		return a
	}
	if gap := l.closed[q.Region]; gap != nil {
		s.note(gap)
		return Answer{Gap: gap}
	}
	if l.calls >= mostCalls || ctx.Err() != nil {
		s.spent = true
		return Answer{}
	}
	a := l.Ask(ctx, q)
	l.calls += a.Calls
	if a.Gap != nil {
		s.note(a.Gap)
		l.closed[q.Region] = a.Gap
		if a.Gap.Reason == model.AccessDenied {
			if l.denied++; l.denied >= 3 { // the account's alarm on refused calls need not ring in each region
				for _, region := range l.Regions {
					l.closed[region] = cmp.Or(l.closed[region], a.Gap)
				}
			}
		}
	}
	l.answers[q] = a
	return a
}

// note keeps the gap that says most: denials can be mended.
func (s *search) note(gap *model.Gap) {
	if gap != nil && (s.gap == nil || gap.Reason.Denied() && !s.gap.Reason.Denied()) {
		s.gap = gap
	}
}

// answer makes a cause of what was found.
func (l *Lookup) answer(s *search, x *Item, since time.Time, regions []string) Cause {
	c := Cause{Since: since.UTC(), Provisional: l.Now.Before(x.Until.Add(Settle))}
	in := strings.Join(regions, ", ")
	if len(regions) > 3 {
		in = fmt.Sprintf("%d regions", len(regions))
	}
	switch {
	case s.gap != nil && s.gap.Reason.Denied():
		return Cause{Status: Denied, Detail: denial(s.gap, l.Account)}
	case s.gap != nil && s.gap.Reason == model.Throttled:
		c.Status, c.Detail = NotLookedUp, "CloudTrail throttled it again and again"
		return c
	case s.gap != nil:
		c.Status, c.Detail = Failed, fmt.Sprintf("CloudTrail did not answer (%s: %s)", s.gap.Reason, s.gap.Detail)
		return c
	case s.err != nil:
		c.Status, c.Detail = Failed, s.err.Error()
		return c
	case s.spent:
		return Cause{Status: NotLookedUp, Detail: fmt.Sprintf("it would take more than %d requests to CloudTrail in this account", mostCalls)}
	}
	all := slices.SortedFunc(maps.Values(s.found), func(a, b candidate) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.ID, b.ID)) })
	if i := slices.IndexFunc(all, func(x candidate) bool { return x.change.sets == begins && !x.change.again }); i >= 0 {
		all = all[:i+1] // what was before is about another resource of that name
	}
	again := !slices.ContainsFunc(all, func(x candidate) bool { return !x.change.again })
	if !again {
		all = slices.DeleteFunc(all, func(x candidate) bool { return x.change.again })
	}
	if len(all) == 0 {
		return l.nothing(c, s, x, in)
	}
	c.Status = Found
	var notes []string
	for i, x := range all {
		change := told(x.Event, x.record, l.Account, l.Mode, l.Pipelines)
		switch {
		case i == 0:
			c.Change = change
		case i <= mostOthers:
			c.Others = append(c.Others, change)
		default:
			c.More++
		}
	}
	if all[0].Time.After(x.Started) {
		notes = append(notes, "the scan was reading at that time, and may have seen what was there before")
	}
	if again {
		notes = append(notes, "it may have been there already: the call succeeds alike")
	}
	if len(s.unseen) > 0 && s.oldest.After(all[0].Time) {
		notes = append(notes, fmt.Sprintf("CloudTrail's history has more events %s than were gone through, and a later change may be among them", s.unseen[0].Value))
	}
	c.Detail = strings.Join(notes, "; ")
	return c
}

// nothing says that there is no such event, if that is certain.
func (l *Lookup) nothing(c Cause, s *search, x *Item, in string) Cause {
	if len(s.unseen) > 0 && s.partial {
		c.Status, c.Provisional = NotLookedUp, false
		c.Detail = fmt.Sprintf("CloudTrail's history of %s has too many events %s since %s", in, s.unseen[0].Value, minute(c.Since))
		return c
	}
	c.Status = None
	c.Detail = fmt.Sprintf("no event in CloudTrail's history of %s since %s changes it", in, minute(c.Since))
	switch {
	case len(s.unseen) > 0:
		c.Detail += fmt.Sprintf(", as far as events are listed under its name: there are too many events %s", s.unseen[0].Value)
	case len(x.Others) > 0:
		c.Detail += "; it is judged by more than itself: " + strings.Join(x.Others, ", ")
	}
	return c
}

// denial says what to grant.
func denial(gap *model.Gap, account string) string {
	switch gap.Reason {
	case model.AccessDeniedSCP:
		return "a service control policy denies " + Call + " in account " + account
	case model.AccessDeniedResource:
		return "a policy denies " + Call + " in account " + account
	}
	return "CloudTrail's history may not be read: grant " + Call + " in account " + account
}
