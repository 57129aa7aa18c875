package cloudtrail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
)

type multiRegion struct {
	AcceptOrganizationTrail bool     `json:"accept_organization_trail"`
	AcceptEventDataStore    bool     `json:"accept_event_data_store"`
	RequireReadWrite        string   `json:"require_read_write"` // All, WriteOnly or ReadOnly
	AllowedExcludedSources  []string `json:"allowed_excluded_sources"`
}

func (p *multiRegion) Validate() error {
	if !slices.Contains([]string{"All", "WriteOnly", "ReadOnly"}, p.RequireReadWrite) {
		return fmt.Errorf("require_read_write is %q, but must be All, WriteOnly or ReadOnly", p.RequireReadWrite)
	}
	return nil
}

func (p *multiRegion) Reads() (reads []string) {
	if !p.AcceptOrganizationTrail {
		reads = append(reads, "cloudtrail.Trail.Organization")
	}
	if p.AcceptEventDataStore {
		reads = append(reads, "cloudtrail.EventDataStore.Status", "cloudtrail.EventDataStore.MultiRegion", "cloudtrail.EventDataStore.AdvancedSelectors")
	}
	return reads
}

var _ = Rules.Add(engine.Rule{
	ID:       "cloudtrail-multi-region-enabled",
	Title:    "A logging multi-region trail records all management events",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "Without a trail nobody can tell later who changed what: Event history reaches back only 90 days and can neither raise an " +
		"alarm nor be kept. Intruders like to work in a region that no trail covers, or stop the one there is.",
	Fix: engine.Fix{
		Text: "Make one trail record all regions, all management events, read and write, and start it. Create it if there is none, best in " +
			"the management account for the whole organization. Its bucket needs a policy that lets CloudTrail write to it.",
		CLI: `aws cloudtrail create-trail --name <name> --s3-bucket-name <bucket> --is-multi-region-trail --enable-log-file-validation
# or, in the home region of a trail there is:
aws cloudtrail update-trail --name <trail-arn> --is-multi-region-trail --include-global-service-events
aws cloudtrail get-event-selectors --trail-name <trail-arn> --query EventSelectors > <kept>.json # or AdvancedEventSelectors; edit a copy
aws cloudtrail put-event-selectors --trail-name <trail-arn> --event-selectors file://<edited>.json # or --advanced-event-selectors
# and in either case:
aws cloudtrail start-logging --name <trail-arn>`,
		IaC: `# Terraform: without an event_selector the trail records all management events
resource "aws_cloudtrail" "<name>" {
  name                          = "<name>"
  s3_bucket_name                = aws_s3_bucket.<name>.id
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  depends_on                    = [aws_s3_bucket_policy.<name>] # which lets CloudTrail write
}`,
		Breaks: "Nothing stops. The first copy of management events in each region is free of charge, any further trail is paid for by the " +
			"event, and the bucket by what it stores: see with describe-trails which trails record them already. Selectors that are put " +
			"take the place of all former ones, those of data events included.",
		Undo: `aws cloudtrail stop-logging --name <trail-arn>
aws cloudtrail update-trail --name <trail-arn> --no-is-multi-region-trail
aws cloudtrail put-event-selectors --trail-name <trail-arn> --event-selectors file://<kept>.json # or --advanced-event-selectors`,
		Effect: engine.Replaces,
	},
	Reads: []string{"cloudtrail.Account", "cloudtrail.Trail.MultiRegion", "cloudtrail.Trail.Logging", "cloudtrail.Trail.DeliveryError",
		"cloudtrail.Trail.GlobalServiceEvents", "cloudtrail.Trail.Selectors", "cloudtrail.Trail.AdvancedSelectors"},

	Organization: true, // the organization's trail belongs to another account

	Check: engine.EachWith(multiRegion{AcceptOrganizationTrail: true, RequireReadWrite: "All", AllowedExcludedSources: []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}},
		func(v *engine.View, p *multiRegion, a *cloudtrail.Account) engine.Verdict {
			var tried []candidate
			try := func(c candidate) bool { tried = append(tried, c); return c.sound() }
			either := engine.List(model.Known([]func() bool{ // so that a store is found although a trail is unknown
				func() bool {
					return engine.Everywhere[*cloudtrail.Trail](v).Any(func(t *cloudtrail.Trail) bool { return try(p.trail(a, t)) })
				},
				func() bool {
					return p.AcceptEventDataStore && engine.Join[*cloudtrail.EventDataStore](v.InAccount()).Any(func(s *cloudtrail.EventDataStore) bool { return try(p.store(s)) })
				},
			}))
			if !either.Any(func(found func() bool) bool { return found() }) {
				return failure(v, tried)
			}
			last := tried[len(tried)-1] // which ended the search
			pass := engine.Pass().With("recordedBy", last.arn)
			if len(last.excluded) > 0 {
				pass = pass.With("excludedSources", last.excluded)
			}
			return pass
		}),
})

// A candidate is a trail or an event data store that might do, with what is known to be wrong with it.
type candidate struct {
	what, arn string
	flaws     []string
	gap       *model.Gap // the first thing that is not known
	single    bool       // records no region but its home
	covers    string     // its home, if it records that alone
	excluded  []string   // sources of events that it leaves out
}

// sound reports whether it does. One known flaw tells that it does not, whatever else is unknown.
func (c *candidate) sound() bool {
	if len(c.flaws) == 0 && c.gap != nil {
		panic(model.Missing{Gap: c.gap})
	}
	return len(c.flaws) == 0
}

func demand[T comparable](c *candidate, a model.Attr[T], want T, flaw string) {
	if got, known := a.Lookup(); !known {
		c.gap = cmp.Or(c.gap, a.Gap())
	} else if got != want {
		c.flaws = append(c.flaws, flaw)
	}
}

func (p *multiRegion) trail(a *cloudtrail.Account, t *cloudtrail.Trail) candidate {
	c := candidate{what: "trail " + t.Name, arn: t.ARN}
	if !p.AcceptOrganizationTrail {
		organization := t.Organization
		if t.Account != a.Account { // CloudTrail shows an account no other trails of others
			organization = model.Known(true)
		}
		demand(&c, organization, false, "belongs to the organization, which accept_organization_trail rules out")
	}
	demand(&c, t.MultiRegion, true, "records only "+t.Region)
	demand(&c, t.Logging, true, "is not logging")
	problem, _ := t.DeliveryError.Lookup()
	demand(&c, t.DeliveryError, "", "is on, but does not deliver to its bucket ("+problem+")")
	demand(&c, t.GlobalServiceEvents, true, "leaves out the events of global services, such as IAM")
	p.selectors(&c, t.Selectors, t.AdvancedSelectors)
	multi, known := t.MultiRegion.Lookup()
	if c.single = known && !multi; c.single {
		if logging, _ := t.Logging.Lookup(); logging {
			c.covers = t.Region
		}
	}
	return c
}

func (p *multiRegion) store(s *cloudtrail.EventDataStore) candidate {
	c := candidate{what: "event data store " + s.Name, arn: s.ARN}
	status, _ := s.Status.Lookup()
	demand(&c, s.Status, "ENABLED", "has the status "+status)
	demand(&c, s.MultiRegion, true, "records only "+s.Region)
	p.selectors(&c, model.Known([]cloudtrail.Selector{}), s.AdvancedSelectors)
	multi, known := s.MultiRegion.Lookup()
	c.single = known && !multi
	return c
}

// A half is the read or the write events. What any selector lets through is recorded, so that a source
// is left out only if each one excludes it. Source: CloudTrail API Reference, EventSelector.
type half struct {
	recorded bool
	excluded []string
}

func (h *half) add(excluded []string) {
	if h.recorded {
		excluded = slices.DeleteFunc(slices.Clone(excluded), func(s string) bool { return !slices.Contains(h.excluded, s) })
	}
	h.recorded, h.excluded = true, excluded
}

// selectors judges which management events are recorded. There are selectors of one sort only; where there are
// none CloudTrail records all management events. Source: CloudTrail API Reference, PutEventSelectors.
func (p *multiRegion) selectors(c *candidate, basic model.Attr[[]cloudtrail.Selector], advanced model.Attr[[]cloudtrail.AdvancedSelector]) {
	b, _ := basic.Lookup()
	a, _ := advanced.Lookup()
	var read, write half
	if len(b)+len(a) == 0 {
		if gap := cmp.Or(basic.Gap(), advanced.Gap()); gap != nil {
			c.gap = cmp.Or(c.gap, gap)
			return
		}
		read.recorded, write.recorded = true, true
	}
	add := func(reads, writes bool, excluded []string) {
		if reads {
			read.add(excluded)
		}
		if writes {
			write.add(excluded)
		}
	}
	for _, s := range b {
		all := s.ReadWriteType == "All"
		add(s.ManagementEvents && (all || s.ReadWriteType == "ReadOnly"), s.ManagementEvents && (all || s.ReadWriteType == "WriteOnly"), s.ExcludedSources)
	}
	for _, s := range a {
		add(management(s))
	}
	needRead, needWrite := p.RequireReadWrite != "WriteOnly", p.RequireReadWrite != "ReadOnly"
	switch {
	case !read.recorded && !write.recorded:
		c.flaws = append(c.flaws, "records no management events, or only some")
	case needRead && !read.recorded:
		c.flaws = append(c.flaws, "records only write events")
	case needWrite && !write.recorded:
		c.flaws = append(c.flaws, "records only read events")
	}
	if needRead {
		c.excluded = append(c.excluded, read.excluded...)
	}
	if needWrite {
		c.excluded = append(c.excluded, write.excluded...)
	}
	slices.Sort(c.excluded)
	c.excluded = slices.Compact(c.excluded)
	if rest := slices.DeleteFunc(slices.Clone(c.excluded), func(s string) bool { return slices.Contains(p.AllowedExcludedSources, s) }); len(rest) > 0 {
		c.flaws = append(c.flaws, "leaves out the events of "+strings.Join(rest, ", "))
	}
}

// management returns the management events that an advanced selector lets through. All its fields must match: any
// but these three leaves events out, as event data stores can by name or identity. Source: same, AdvancedFieldSelector.
func management(s cloudtrail.AdvancedSelector) (read, write bool, excluded []string) {
	read, write = true, true
	category := false
	for _, f := range s.Fields {
		affixes := len(f.StartsWith) + len(f.EndsWith) + len(f.NotStartsWith) + len(f.NotEndsWith)
		switch {
		case affixes == 0 && f.Field == "eventCategory" && slices.Equal(f.Equals, []string{"Management"}) && len(f.NotEquals) == 0:
			category = true
		case affixes == 0 && f.Field == "readOnly" && len(f.NotEquals) == 0:
			read, write = read && slices.Contains(f.Equals, "true"), write && slices.Contains(f.Equals, "false")
		case affixes == 0 && f.Field == "eventSource" && len(f.Equals) == 0:
			excluded = append(excluded, f.NotEquals...)
		default:
			return false, false, nil
		}
	}
	return read && category, write && category, excluded
}

// failure describes what comes closest. It decides nothing.
func failure(v *engine.View, tried []candidate) engine.Verdict {
	if len(tried) == 0 { // a trail of one region may hide where the scan did not look
		return engine.Fail("no multi-region trail exists, and no other was found, so that nothing outlives the 90 days of Event history: create one and start it")
	}
	text, advice := "no multi-region trail does the whole job: ", ". Put that right"
	best := slices.DeleteFunc(slices.Clone(tried), func(c candidate) bool { return c.single })
	if len(best) == 0 {
		text, advice, best = "no trail records all regions: ", ". Make one of them multi-region", slices.Clone(tried)
	}
	slices.SortStableFunc(best, func(a, b candidate) int { return cmp.Compare(len(a.flaws), len(b.flaws)) })
	var names []string
	for _, c := range best {
		if len(c.flaws) == len(best[0].flaws) {
			names = append(names, c.what+" "+strings.Join(c.flaws, " and "))
		}
	}
	shortcomings, open := map[string][]string{}, slices.Concat(v.Regions(), v.Unread())
	for _, c := range tried {
		shortcomings[c.arn] = c.flaws
		open = slices.DeleteFunc(open, func(region string) bool { return region == c.covers })
	}
	fail := engine.Fail(text+strings.Join(names, "; ")+advice).With("shortcomings", shortcomings)
	if best[0].single {
		slices.Sort(open)
		fail = fail.With("regionsNotKnownCovered", open)
	}
	return fail
}
