// Package outbox turns what scans have found into messages, keeps them in the store until they are sent, and sends them: at least once, whatever is
// killed in between.
package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// An Announcer puts messages into the outbox.
type Announcer struct {
	Store  *store.Store
	Config *notify.Config
	Rules  []engine.Rule // all that there are
	Log    *slog.Logger
	Now    func() time.Time
}

// Announce puts messages into the outbox about all scans that are done and not announced, and the digest if it is due. It may be called at any time, by
// many at once, and again after a crash: each scan is announced once.
func (a *Announcer) Announce(ctx context.Context) error {
	scans, err := a.Store.Unannounced(ctx)
	if err != nil {
		return fmt.Errorf("which scans are to be announced: %w", err)
	}
	var errs []error
	stuck := map[string]bool{} // streams: later scans of them wait for the earlier ones
	for i := range scans {
		if stuck[scans[i].Stream] {
			continue
		}
		if a.Now().Sub(scans[i].Finished).Abs() < causesTake { // far ahead is the end of one from before the clock went back
			waits, err := a.Store.AwaitsCauses(ctx, scans[i].ID)
			if errs = append(errs, err); waits {
				stuck[scans[i].Stream] = true
				continue
			}
		}
		if err := a.announce(ctx, &scans[i]); err != nil {
			stuck[scans[i].Stream] = true
			errs = append(errs, fmt.Errorf("announcing scan %s: %w", scans[i].ID, err))
		}
	}
	if err := a.digest(ctx); err != nil {
		errs = append(errs, fmt.Errorf("the digest: %w", err))
	}
	return errors.Join(errs...)
}

// An announcement is what comes of one scan.
type announcement struct {
	*Announcer
	scan  *store.DoneScan
	rules map[string]*engine.Rule // by each of their IDs
	at    map[string]*channel
	out   store.Announcement
}

// A channel is what one of them is told.
type channel struct {
	*notify.Channel
	groups  map[string]*group
	over    []*group // findings of incidents that end: each by itself, however many they are
	summary *summary // of a first scan, or of what is newly assessed
	told    []store.Told
}

// A group is what goes into one message.
type group struct {
	rule            *engine.Rule
	account, key    string
	owner           string
	owners          bool // several
	severity        engine.Severity
	worse           bool // something is, and the severity is that of it
	events          map[notify.Event]int
	findings        []notify.Finding
	more, resources int
}

type summary struct {
	failures map[string]int
	groups   map[string]*group
}

// keepFindings is how many findings a group remembers: a few more than a message lists.
const keepFindings = 200

// causesTake is how long a scan waits for those who look up who changed what: mostly seconds.
const causesTake = 2 * time.Minute

// part is how many events are looked at together.
const part = 500

func (a *Announcer) announce(ctx context.Context, scan *store.DoneScan) error {
	x := announcement{Announcer: a, scan: scan, rules: map[string]*engine.Rule{}, at: map[string]*channel{}, out: store.Announcement{Scan: scan.ID}}
	for i := range a.Rules {
		for _, id := range append([]string{a.Rules[i].ID}, a.Rules[i].Formerly...) {
			x.rules[id] = &a.Rules[i]
		}
	}
	held, err := x.ripe(ctx)
	if err != nil {
		return err
	}
	events, err := a.Store.EventsOf(ctx, scan.ID)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(events, part) {
		if err := x.events(ctx, some, false); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(held, part) {
		if err := x.events(ctx, some, true); err != nil {
			return err
		}
	}
	if scan.Turn == 1 {
		if err := x.first(ctx); err != nil {
			return err
		}
	}
	if err := x.messages(); err != nil {
		return err
	}
	if now := a.Now(); now.Sub(scan.Finished) > tooOld && len(x.out.Messages) > 0 { // nobody has announced anything for so long that it is no news any more
		a.Log.Warn("a scan is too old to be announced", "scan", scan.ID, "stream", scan.Stream, "finished", scan.Finished, "messages", len(x.out.Messages))
		x.out.Messages, x.out.Told = nil, nil
	}
	_, err = a.Store.Announce(ctx, x.out, a.Now())
	return err
}

// ripe returns the events that were held and of which this scan says the same. What it contradicts is dropped; what it did not see waits on.
func (x *announcement) ripe(ctx context.Context) (ripe []store.Event, err error) {
	held, err := x.Store.Held(ctx, x.scan.Stream)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	looked, err := x.Store.Looked(ctx, x.scan.ID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range held {
		ids = append(ids, held[i].Identity)
	}
	findings, err := x.Store.FindingsOf(ctx, x.scan.Stream, ids)
	if err != nil {
		return nil, err
	}
	for i := range held {
		e := &held[i]
		f, known := findings[e.Identity]
		rule := x.rules[f.Finding.Rule]
		if !known || rule == nil { // forgotten, or of a rule that is no more
			x.out.Release = append(x.out.Release, *e)
			continue
		}
		history, err := x.Store.EventsUpTo(ctx, x.scan.Stream, e.Identity, x.scan.Turn)
		if err != nil {
			return nil, err
		}
		r := &f.Finding.Resource
		switch {
		case contradicted(e, history):
			x.out.Release = append(x.out.Release, *e)
		case looked.Saw(rule, r.Account, r.Region, e.Identity):
			x.out.Release = append(x.out.Release, *e)
			ripe = append(ripe, *e)
		}
	}
	return ripe, nil
}

// contradicted reports whether what an event says was over soon.
func contradicted(e *store.Event, history []store.Event) bool {
	return slices.ContainsFunc(history, func(later store.Event) bool {
		return later.ID > e.ID && (later.Type == store.Fixed) != (e.Type == store.Fixed) && flaps(later.Type)
	})
}

// flaps reports whether an event of a volatile rule is held.
func flaps(t store.EventType) bool {
	return t == store.New || t == store.Regressed || t == store.Escalated || t == store.Fixed
}

// events sorts events into messages.
func (x *announcement) events(ctx context.Context, events []store.Event, ripe bool) error {
	var ids []string
	for i := range events {
		ids = append(ids, events[i].Identity)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	findings, err := x.Store.FindingsOf(ctx, x.scan.Stream, ids)
	if err != nil {
		return err
	}
	told, err := x.Store.ToldOf(ctx, ids)
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		f, known := findings[e.Identity]
		rule := x.rules[f.Finding.Rule]
		switch {
		case !known:
			continue
		case rule == nil:
			x.Log.Warn("an event is not announced: this scanner does not have its rule", "rule", f.Finding.Rule, "event", e.Type, "identity", e.Identity)
			continue
		case rule.Volatile && flaps(e.Type) && !ripe:
			x.out.Hold = append(x.out.Hold, *e)
			continue
		}
		x.tell(e, &f, rule, told)
	}
	return nil
}

// tell adds an event to what channels are told.
func (x *announcement) tell(e *store.Event, f *store.Finding, rule *engine.Rule, told map[[2]string]store.Told) {
	event := notify.Event(e.Type)
	if (event.Worse() || event == notify.NewlyAssessed) && f.Finding.Waived != nil { // accepted before anybody had to act
		return
	}
	result := f.Finding.Result(rule)
	result.Severity = e.Severity
	owner := f.Finding.Resource.Owner
	routed := x.Config.Route(&notify.Item{Event: event, Result: &result, Owner: owner, Stream: e.Stream})
	for i := range x.Config.Channels {
		ch := &x.Config.Channels[i]
		key := [2]string{ch.Name, e.Identity}
		was, before := told[key]
		elsewhere := before && was.Stream != e.Stream
		switch {
		case ch.Type.Incidents() && event.Over(): // whatever the routes say by now
			if !was.Open {
				continue
			}
		case !slices.Contains(routed, ch.Name), ch.Type.Incidents() && !event.Worse(),
			elsewhere && event.Worse() && was.Open && was.Severity >= e.Severity, // another stream has told so
			elsewhere && event == notify.Fixed && !was.Open:
			continue
		}
		to := x.channel(ch)
		now := store.Told{Channel: ch.Name, Identity: e.Identity, Stream: e.Stream, Open: !event.Over(), Severity: e.Severity}
		switch event {
		case notify.NoLongerAssessed, notify.AssessedAgain: // nothing is known that was not
		case notify.NewlyAssessed:
			to.told = append(to.told, now)
			to.summarize(rule, f, e.Severity)
			told[key] = now
			continue
		default:
			to.told = append(to.told, now)
			told[key] = now
		}
		to.add(rule, f, x.finding(e, f, ch), event)
	}
}

func (x *announcement) channel(ch *notify.Channel) *channel {
	to := x.at[ch.Name]
	if to == nil {
		to = &channel{Channel: ch, groups: map[string]*group{}}
		x.at[ch.Name] = to
	}
	return to
}

// most is how many messages a scan may make of findings.
func (x *announcement) most() int { return cmp.Or(x.Config.Storm, notify.DefaultStorm) }

// fixKey returns what clears a finding, with others.
func fixKey(f *store.Finding) string {
	if f.Finding.Fix == nil {
		return f.Finding.Rule
	}
	return f.Finding.Fix.Key
}

// add puts a finding into its group.
func (c *channel) add(rule *engine.Rule, f *store.Finding, told notify.Finding, event notify.Event) {
	key := notify.Key(rule.ID, f.Finding.Resource.Account, fixKey(f))
	if c.Type.Incidents() {
		key = told.Identity
	}
	if c.Type.Incidents() && event.Over() {
		g := newGroup(rule, f)
		g.add(told, f)
		c.over = append(c.over, g)
		return
	}
	g := c.groups[key]
	if g == nil {
		g = newGroup(rule, f)
		c.groups[key] = g
	}
	g.add(told, f)
}

func newGroup(rule *engine.Rule, f *store.Finding) *group {
	return &group{rule: rule, account: f.Finding.Resource.Account, key: fixKey(f), owner: f.Finding.Resource.Owner, events: map[notify.Event]int{}}
}

func (g *group) add(told notify.Finding, f *store.Finding) {
	if told.Owner != g.owner {
		g.owners = true
	}
	g.events[told.Event]++
	g.resources += f.Resources
	switch worse := told.Event.Worse(); {
	case worse && !g.worse:
		g.worse, g.severity = true, told.Severity
	case worse == g.worse:
		g.severity = max(g.severity, told.Severity)
	}
	if g.findings = append(g.findings, told); len(g.findings) > 2*keepFindings { // the least severe go
		slices.SortStableFunc(g.findings, func(a, b notify.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
		for i := keepFindings; i < len(g.findings); i++ {
			g.more++
		}
		g.findings = slices.Clone(g.findings[:keepFindings])
	}
}

// summarize adds a finding to the summary.
func (c *channel) summarize(rule *engine.Rule, f *store.Finding, severity engine.Severity) {
	if c.summary == nil {
		c.summary = &summary{failures: map[string]int{}, groups: map[string]*group{}}
	}
	c.summary.failures[severity.String()]++
	key := notify.Key(rule.ID, f.Finding.Resource.Account, fixKey(f))
	g := c.summary.groups[key]
	if g == nil {
		g = newGroup(rule, f)
		c.summary.groups[key] = g
	}
	g.severity = max(g.severity, severity)
	g.resources += f.Resources
	if f.Finding.Resource.Owner != g.owner {
		g.owners = true
	}
}

// finding describes a finding for a channel.
func (x *announcement) finding(e *store.Event, f *store.Finding, ch *notify.Channel) notify.Finding {
	r := &f.Finding.Resource
	out := notify.Finding{Event: notify.Event(e.Type), Identity: e.Identity, Fingerprint: f.Finding.Fingerprint, Severity: e.Severity, Was: e.Was, Owner: notify.Line(r.Owner, 200),
		Message: notify.Line(f.Finding.Message, 1000), Since: f.FirstSeen, ChangedBy: notify.ChangedBy(e.Cause, x.Config.AttributionOf(ch)), Link: x.Config.FindingLink(e.Stream, e.Identity),
		Resource: resource(&f.Finding)}
	if e.Type == store.Regressed {
		out.Since = e.At
	}
	if w := f.Finding.Waived; w != nil {
		out.Ticket, out.WaivedUntil = notify.Line(w.Ticket, 200), w.Expires
	}
	return out
}

func resource(f *report.Finding) notify.Resource {
	r := &f.Resource
	return notify.Resource{Kind: string(r.Kind), ID: notify.Line(r.ID, 500), ARN: notify.Line(r.ARN, 500), Name: notify.Line(r.Name, 200), Account: r.Account, Region: r.Region}
}

// first adds all that a first scan has found.
func (x *announcement) first(ctx context.Context) error {
	waived := false
	f := store.Filter{Stream: x.scan.Stream, Waived: &waived, Limit: 1000} // what was fixed since is part of it, if this comes late
	for {
		page, next, err := x.Store.Findings(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			found := &page[i]
			rule := x.rules[found.Finding.Rule]
			if rule == nil || !found.FirstSeen.Equal(x.scan.Started) { // of a later scan, if this one is announced late
				continue
			}
			result := found.Finding.Result(rule)
			for _, name := range x.Config.Route(&notify.Item{Event: notify.FirstScan, Result: &result, Owner: found.Finding.Resource.Owner, Stream: x.scan.Stream}) {
				if ch := x.Config.Channel(name); ch != nil && !ch.Type.Incidents() {
					x.channel(ch).summarize(rule, found, found.Finding.Severity)
				}
			}
		}
		if f.After = next; next == "" {
			return nil
		}
	}
}

// messages puts into words what each channel is told.
func (x *announcement) messages() error {
	for i := range x.Config.Channels {
		ch := &x.Config.Channels[i]
		if ch.Type == notify.SecurityHub {
			m := x.message(ch, notify.OfScan, "")
			m.Title, m.Severity = "A scan to be published", engine.Informational
			if err := x.put(ch, m); err != nil {
				return err
			}
			continue
		}
		to := x.at[ch.Name]
		if to == nil {
			continue
		}
		if s := to.summary; s != nil {
			kind := notify.OfNewlyAssessed
			if x.scan.Turn == 1 {
				kind = notify.OfFirstScan
			}
			m := x.message(ch, kind, "")
			m.Failures = s.failures
			m.Groups = outline(s.groups)
			if kind == notify.OfFirstScan {
				m.Coverage = x.coverage()
			}
			if err := x.put(ch, m); err != nil {
				return err
			}
		}
		for _, g := range to.over {
			if err := x.put(ch, x.one(ch, g)); err != nil {
				return err
			}
		}
		if len(to.groups) > x.most() {
			m := x.message(ch, notify.OfStorm, "")
			m.Events, m.Groups = map[notify.Event]int{}, outline(to.groups)
			for _, g := range to.groups {
				for e, n := range g.events {
					m.Events[e] += n
				}
			}
			if err := x.put(ch, m); err != nil {
				return err
			}
			if ch.Type.Incidents() { // none of them has an incident that could end
				to.told = slices.DeleteFunc(to.told, func(t store.Told) bool { return t.Open })
			}
		} else {
			for _, g := range ordered(to.groups) {
				if err := x.put(ch, x.one(ch, g)); err != nil {
					return err
				}
			}
		}
		x.out.Told = append(x.out.Told, to.told...)
	}
	return nil
}

// ordered returns groups, the worst first.
func ordered(groups map[string]*group) (all []*group) {
	keys := map[*group]string{}
	for key, g := range groups {
		keys[g] = key
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.rule.ID, b.rule.ID), cmp.Compare(a.account, b.account), cmp.Compare(keys[a], keys[b]))
	})
	return all
}

// outline describes groups for a summary.
func outline(groups map[string]*group) (all []notify.Group) {
	for _, g := range ordered(groups) {
		x := notify.Group{Rule: g.rule.ID, Title: notify.Line(g.rule.Title, 200), Severity: g.severity, Account: g.account, Owner: notify.Line(g.owner, 200), Resources: g.resources, Events: g.events}
		if g.owners {
			x.Owner = ""
		}
		all = append(all, x)
	}
	return all
}

// message begins a message. Its ID is the same whenever the scan is announced.
func (x *announcement) message(ch *notify.Channel, kind notify.Kind, key string) *notify.Message {
	return &notify.Message{ID: notify.Key(x.scan.ID, ch.Name, string(kind), key), Kind: kind, Created: x.Now().UTC(), Stream: x.scan.Stream,
		Scan: &notify.ScanRef{ID: x.scan.ID, Started: x.scan.Started}, Link: x.Config.ScanLink(x.scan.ID)}
}

// one makes the message of a group.
func (x *announcement) one(ch *notify.Channel, g *group) *notify.Message {
	key := g.rule.ID + " " + g.account + " " + g.key
	if ch.Type.Incidents() {
		key = g.findings[0].Identity
		if g.findings[0].Event.Over() {
			key += " over"
		}
	}
	m := x.message(ch, notify.OfFindings, key)
	m.Rule, m.FixKey, m.Account, m.Findings, m.More = notify.NewRule(g.rule), notify.Line(g.key, 500), g.account, g.findings, g.more
	if g.more > 0 { // Finish counts those that are listed
		m.Events = map[notify.Event]int{}
		for e, n := range g.events {
			m.Events[e] = n
		}
		for i := range g.findings {
			m.Events[g.findings[i].Event]--
		}
	}
	return m
}

// put adds a message to what goes into the outbox.
func (x *announcement) put(ch *notify.Channel, m *notify.Message) error {
	m.Finish()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	kind := string(m.Kind)
	if m.Kind == notify.OfScan { // the last scan of a stream says all
		kind += "/" + m.Stream
	}
	x.out.Messages = append(x.out.Messages, store.Message{Channel: ch.Name, Kind: kind, Key: m.ID, Payload: text, Overtakes: m.Kind == notify.OfScan})
	return nil
}

// coverage reads from the head of the report how much the scan could see.
func (x *announcement) coverage() *notify.Coverage {
	var head struct {
		Coverage notify.Coverage `json:"coverage"`
	}
	if json.Unmarshal(x.scan.Head, &head) != nil || head.Coverage.Cells == 0 {
		return nil
	}
	return &head.Coverage
}

// noticeOfWaivers is how long before its end a waiver is in a digest.
const noticeOfWaivers = 14 * 24 * time.Hour

// mostWaivers is how many of them are listed.
const mostWaivers = 20

// digest puts the digests of all owners into the outbox, if they are due and are not there. Whoever has just begun gets none of the week before.
func (a *Announcer) digest(ctx context.Context) error {
	d := a.Config.Digest
	if d == nil {
		return nil
	}
	now := a.Now()
	due, before := d.Due(now)
	last, err := a.Store.LastDigest(ctx)
	if err != nil {
		return err
	}
	if last.IsZero() {
		return a.Store.QueueDigest(ctx, due, nil, now)
	}
	if !due.After(last) && last.Before(now.AddDate(0, 2, 0)) { // one from farther ahead was sent by a clock that was wrong
		return nil
	}
	all, err := a.Store.Digests(ctx, before, due, now.Add(noticeOfWaivers).UTC().Format(time.DateOnly))
	if err != nil {
		return err
	}
	var messages []store.Message
	for _, owner := range sortedKeys(all) {
		m := a.digestOf(all[owner], before, due)
		if m == nil {
			continue
		}
		for _, name := range d.Channels(owner) {
			m.ID = notify.Key("digest", name, owner, due.UTC().Format(time.RFC3339))
			text, err := json.Marshal(m)
			if err != nil {
				return err
			}
			messages = append(messages, store.Message{Channel: name, Kind: string(m.Kind), Key: m.ID, Payload: text})
		}
	}
	return a.Store.QueueDigest(ctx, due, messages, now)
}

func sortedKeys(all map[string]*store.Digest) (keys []string) {
	for key := range all {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}

// digestOf makes the message to an owner; nil if there is nothing to tell.
func (a *Announcer) digestOf(d *store.Digest, from, to time.Time) *notify.Message {
	out := &notify.DigestOf{Owner: notify.Line(d.Owner, 200), From: from.UTC(), To: to.UTC(), Opened: named(d.Opened), Fixed: named(d.Fixed), Regressed: named(d.Regressed), Open: named(d.Open),
		Unseen: d.Unseen, WaiversDue: []notify.Finding{}, WasteUSD: float64(int64(100*d.Waste+0.5)) / 100}
	if len(out.Opened)+len(out.Fixed)+len(out.Regressed)+len(out.Open)+len(d.Waived) == 0 {
		return nil
	}
	describe := func(f *store.Finding) notify.Finding {
		x := notify.Finding{Identity: f.Finding.Identity, Fingerprint: f.Finding.Fingerprint, Severity: f.Finding.Severity, Resource: resource(&f.Finding), Owner: notify.Line(f.Finding.Resource.Owner, 200),
			Message: notify.Line(f.Finding.Message, 1000), Since: f.FirstSeen, Link: a.Config.FindingLink(f.Stream, f.Finding.Identity)}
		if w := f.Finding.Waived; w != nil {
			x.Ticket, x.WaivedUntil = notify.Line(w.Ticket, 200), w.Expires
		}
		return x
	}
	if d.Oldest != nil {
		f := describe(d.Oldest)
		out.OldestCritical = &f
	}
	for i := range d.Waived[:min(mostWaivers, len(d.Waived))] {
		out.WaiversDue = append(out.WaiversDue, describe(&d.Waived[i]))
	}
	out.MoreWaivers = len(d.Waived) - len(out.WaiversDue)
	m := &notify.Message{Kind: notify.OfDigest, Created: a.Now().UTC(), Digest: out, Severity: engine.Informational, Link: a.Config.Link}
	for severity := engine.Critical; severity > engine.Informational; severity-- {
		if d.Open[severity] > 0 {
			m.Severity = severity
			break
		}
	}
	m.Finish()
	return m
}

// named returns counts by the names of severities.
func named(counts map[engine.Severity]int) map[string]int {
	all := map[string]int{}
	for severity, n := range counts {
		if n > 0 {
			all[severity.String()] = n
		}
	}
	return all
}
