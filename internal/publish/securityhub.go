// Package publish tells other services what a scan has found. It is all that writes anything in an account, and only its own command reaches it.
package publish

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"golang.org/x/sync/errgroup"

	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// atOnce is how many Security Hubs are asked side by side.
const atOnce = 8

// SecurityHub says what to publish there, and how.
type SecurityHub struct {
	Report   *report.Report  // of the whole scan: what a filter leaves out would look as if it were gone
	Statuses []engine.Status // of results to import; waived failures are failures
	Regions  []string        // globs of regions whose Security Hub is told; none for all
	DryRun   bool            // ask what there is, and change nothing

	// Open returns a configuration with credentials of an account, in a region.
	Open func(account, region string) (aws.Config, error)
}

// An Outcome is what was done in the Security Hub of an account and region.
type Outcome struct {
	model.Place
	Imported int // or, in a dry run, would be
	Waived   int // of those to import, as archived, for a waiver accepts them
	Resolved int // archived, as this scan has seen that they are no more
	Kept     int // what there was of earlier scans, and this one could not see or was not about
	Newer    int // of a later scan than this one, which are left alone
	Lost     int // not imported, because of Err
	Refused  []Refusal
	Err      error // why nothing, or no more, was imported
}

// A Refusal is a finding that Security Hub did not take.
type Refusal struct{ ID, What, Code, Message string }

// An Unavailable is a Security Hub that is not enabled.
type Unavailable struct{ model.Place }

func (u *Unavailable) Error() string {
	return fmt.Sprintf("Security Hub is not enabled in account %s, region %s: run aws securityhub enable-security-hub --region %[2]s there, or leave the region out with --regions", u.Account, u.Region)
}

// A hub is the Security Hub of an account and region.
type hub struct {
	Outcome
	client *securityhub.Client
	known  map[string]*known // by ID: what earlier scans have left there
	shut   bool              // not enabled, or out of reach: nothing is imported
}

// A known is a finding that is active in Security Hub.
type known struct {
	finding types.AwsSecurityFinding
	updated time.Time
	newer   bool // than the scan
	fate    fate
}

// A fate is what a scan says of a finding of an earlier one.
type fate int

const (
	unseen    fate = iota // there was no such result
	still                 // it is there, or nobody can tell
	passed                // it has passed, or it is assessed now
	pointless             // the rule does not apply any more
)

// Run publishes. Whatever goes wrong in one Security Hub stops none of the others: outcomes tell, in the order of accounts and regions. The error is that of
// the scan, which cannot be read, or of the context.
func (p *SecurityHub) Run(ctx context.Context) ([]Outcome, error) {
	hubs := map[model.Place]*hub{}
	for _, at := range p.Report.Header.Read {
		for _, region := range []string{at.Region, p.Report.HubRegion("")} {
			if at := (model.Place{Account: at.Account, Region: region}); region != "" && p.tells(at) {
				hubs[at] = &hub{Outcome: Outcome{Place: at}}
			}
		}
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, h := range hubs {
		g.Go(func() error { p.read(ctx, h); return nil })
	}
	g.Wait()

	batches := p.Report.ASFFBatches(func(at model.Place, findings []*report.ASFF, _ []byte) error { return p.send(ctx, hubs[at], findings) })
	asff, holes := p.Report.ToASFF(), map[hole]bool{}
	for x, err := range p.Report.Results() {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if m := x.Resource; x.Status == engine.NotAssessed && m.ARN == "" { // a list that failed, or what may be known by another name once it can be read
			holes[hole{x.Rule.ID, m.Account, m.Region}] = true
		}
		at := model.Place{Account: x.Resource.Account, Region: p.Report.HubRegion(x.Resource.Region)}
		if !p.tells(at) {
			continue
		}
		h := hubs[at]
		if h == nil { // what is at home in a region that was not read: buckets
			h = &hub{Outcome: Outcome{Place: at}}
			hubs[at] = h
			p.read(ctx, h)
		}
		h.compare(&x)
		if !slices.Contains(p.Statuses, x.Status) {
			continue
		}
		if f := asff(&x); f != nil {
			if k := h.known[f.ID]; k != nil && k.newer {
				continue
			} else if k != nil { // it is as old as it was
				f.CreatedAt = cmp.Or(aws.ToString(k.finding.CreatedAt), f.CreatedAt)
				f.FirstObservedAt = cmp.Or(aws.ToString(k.finding.FirstObservedAt), f.FirstObservedAt)
				if k.differs(f) {
					f.UpdatedAt = p.now(k)
				}
			}
			if f.RecordState == report.ASFFArchived && !h.shut {
				h.Waived++
			}
			if err := batches.Add(f); err != nil {
				return nil, err
			}
		}
	}
	if err := batches.Flush(); err != nil {
		return nil, err
	}
	var out []Outcome
	for _, at := range slices.SortedFunc(maps.Keys(hubs), func(a, b model.Place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	}) {
		h := hubs[at]
		if err := p.resolve(ctx, h, holes); err != nil {
			return nil, err
		}
		if _, off := h.Err.(*Unavailable); off && h.Lost == 0 { // where there is nothing to tell nobody needs it
			continue
		}
		out = append(out, h.Outcome)
	}
	return out, nil
}

func (p *SecurityHub) tells(at model.Place) bool {
	return len(p.Regions) == 0 || engine.MatchAny(p.Regions, at.Region)
}

// read finds out what earlier scans have left in a Security Hub.
func (p *SecurityHub) read(ctx context.Context, h *hub) {
	h.known = map[string]*known{}
	cfg, err := p.Open(h.Account, h.Region)
	if err != nil {
		h.Err, h.shut = err, true
		return
	}
	h.client = securityhub.NewFromConfig(cfg)
	equals := func(value string, how types.StringFilterComparison) []types.StringFilter {
		return []types.StringFilter{{Value: &value, Comparison: how}}
	}
	pages := securityhub.NewGetFindingsPaginator(h.client, &securityhub.GetFindingsInput{MaxResults: aws.Int32(100), Filters: &types.AwsSecurityFindingFilters{
		ProductArn:   equals(report.ProductARN(cmp.Or(p.Report.Header.Partition, "aws"), h.Account, h.Region), types.StringFilterComparisonEquals),
		AwsAccountId: equals(h.Account, types.StringFilterComparisonEquals),
		GeneratorId:  equals(report.ASFFGenerator, types.StringFilterComparisonPrefix),
		RecordState:  equals(report.ASFFActive, types.StringFilterComparisonEquals),
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			h.Err, h.shut = h.explain("GetFindings", err), true
			return
		}
		for _, f := range page.Findings {
			if !h.ours(&f) { // an endpoint that does not filter
				continue
			}
			k := &known{finding: slim(f)}
			k.updated, _ = time.Parse(time.RFC3339, aws.ToString(f.UpdatedAt)) // or it is older than any scan
			if k.updated.After(p.Report.Header.Start) && f.ProductFields[report.ASFFGenerator+"scan"] != p.Report.ID() {
				k.newer = true
				h.Newer++
			}
			h.known[aws.ToString(f.Id)] = k
		}
	}
}

// ours reports whether a finding is one that a scan has left in this Security Hub, and active.
func (h *hub) ours(f *types.AwsSecurityFinding) bool {
	arn, ok := model.ParseARN(aws.ToString(f.ProductArn))
	return ok && arn.Region == h.Region && aws.ToString(f.AwsAccountId) == h.Account && strings.HasPrefix(aws.ToString(f.GeneratorId), report.ASFFGenerator) &&
		f.RecordState == types.RecordStateActive
}

// slim keeps what may be imported again.
func slim(f types.AwsSecurityFinding) types.AwsSecurityFinding {
	out := types.AwsSecurityFinding{SchemaVersion: f.SchemaVersion, Id: f.Id, ProductArn: f.ProductArn, ProductName: f.ProductName, CompanyName: f.CompanyName, GeneratorId: f.GeneratorId,
		AwsAccountId: f.AwsAccountId, FirstObservedAt: f.FirstObservedAt, LastObservedAt: f.LastObservedAt, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, Title: f.Title, Description: f.Description,
		ProductFields: f.ProductFields, Resources: f.Resources, Compliance: f.Compliance, RecordState: f.RecordState, FindingProviderFields: f.FindingProviderFields}
	out.ProductFields = maps.Clone(f.ProductFields)
	maps.DeleteFunc(out.ProductFields, func(name, _ string) bool { return strings.HasPrefix(name, "aws/") }) // Security Hub's own
	return out
}

// differs reports whether a finding says something else than what is known, as after another waiver.
func (k *known) differs(f *report.ASFF) bool {
	says := convert(f)
	return k.finding.RecordState != says.RecordState || k.finding.Compliance == nil || k.finding.Compliance.Status != says.Compliance.Status || aws.ToString(k.finding.Description) != f.Description ||
		k.finding.FindingProviderFields == nil || k.finding.FindingProviderFields.Severity == nil || k.finding.FindingProviderFields.Severity.Label != says.FindingProviderFields.Severity.Label ||
		k.finding.ProductFields[report.ASFFGenerator+"owner"] != f.ProductFields[report.ASFFGenerator+"owner"]
}

// now is when this scan says something of what is known: Security Hub ignores an update that is not younger than what it has, so that what is published of one
// scan a second time, by other waivers, has to be a little younger than the first time.
func (p *SecurityHub) now(k *known) string {
	when := p.Report.Header.Start
	if !k.updated.Before(when.Truncate(time.Millisecond)) {
		when = k.updated.Add(time.Millisecond)
	}
	return when.UTC().Format("2006-01-02T15:04:05.000Z")
}

// compare notes what a result says of what is known.
func (h *hub) compare(x *report.Result) {
	id := report.ASFFGenerator + x.Fingerprint()
	if k := h.known[id]; k != nil {
		switch x.Status {
		case engine.Passed:
			k.fate = passed
		case engine.Inapplicable:
			k.fate = pointless
		default:
			k.fate = still
		}
	}
	if k := h.known[id+"/not-assessed"]; k != nil {
		if k.fate = passed; x.Status == engine.NotAssessed {
			k.fate = still
		}
	}
}

// A hole is where a rule may have missed something.
type hole struct{ rule, account, region string }

// resolve archives what this scan has seen to be no more. What it could not see, or was not about, stays as it is.
func (p *SecurityHub) resolve(ctx context.Context, h *hub, holes map[hole]bool) error {
	if h.shut {
		return nil
	}
	var gone []types.AwsSecurityFinding
	for _, id := range slices.Sorted(maps.Keys(h.known)) {
		k := h.known[id]
		status := types.ComplianceStatusPassed
		switch {
		case k.newer || k.fate == still:
			continue
		case k.fate == unseen && !p.whole(k, holes):
			h.Kept++
			continue
		case k.fate == pointless, strings.HasSuffix(id, "/not-assessed"):
			status = types.ComplianceStatusNotAvailable
		}
		f := k.finding
		f.RecordState, f.UpdatedAt = types.RecordStateArchived, aws.String(p.now(k))
		f.LastObservedAt = f.UpdatedAt
		f.Compliance = &types.Compliance{Status: status}
		gone = append(gone, f)
	}
	for batch := range slices.Chunk(gone, report.ASFFBatch) {
		done, err := p.importAll(ctx, h, batch)
		if err != nil {
			return err
		}
		h.Resolved += done
	}
	return nil
}

// whole reports whether the scan would have seen a finding if it were there: it ran the rule, read the place, and missed nothing in it.
func (p *SecurityHub) whole(k *known, holes map[hole]bool) bool {
	id := strings.TrimPrefix(aws.ToString(k.finding.GeneratorId), report.ASFFGenerator)
	i := slices.IndexFunc(p.Report.Rules, func(r engine.Rule) bool { return r.ID == id || slices.Contains(r.Formerly, id) })
	if i < 0 {
		return false
	}
	rule, account, region := &p.Report.Rules[i], aws.ToString(k.finding.AwsAccountId), k.finding.ProductFields[report.ASFFGenerator+"region"]
	for _, r := range []string{region, "", model.AnyRegion} {
		if holes[hole{rule.ID, account, r}] {
			return false
		}
	}
	scope := rule.Check.Subject.Scope
	return slices.ContainsFunc(p.Report.Header.Read, func(at model.Place) bool {
		return at.Account == account && at.Region != "" && (at.Region == region || region == "" || scope == model.Global)
	})
}

// send imports findings.
func (p *SecurityHub) send(ctx context.Context, h *hub, findings []*report.ASFF) error {
	if h.shut {
		h.Lost += len(findings)
		return nil
	}
	batch := make([]types.AwsSecurityFinding, len(findings))
	for i, f := range findings {
		batch[i] = convert(f)
	}
	done, err := p.importAll(ctx, h, batch)
	h.Imported += done
	return err
}

// importAll sends a batch and returns how many of it were taken. The error is that of the context; any other one is noted.
func (p *SecurityHub) importAll(ctx context.Context, h *hub, batch []types.AwsSecurityFinding) (done int, err error) {
	if h.shut {
		h.Lost += len(batch)
		return 0, nil
	}
	if p.DryRun {
		return len(batch), nil
	}
	out, err := h.client.BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: batch})
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		h.Err, h.shut = h.explain("BatchImportFindings", err), true
		h.Lost += len(batch)
		return 0, nil
	}
	for _, e := range out.FailedFindings {
		r := Refusal{ID: aws.ToString(e.Id), Code: aws.ToString(e.ErrorCode), Message: aws.ToString(e.ErrorMessage)}
		if i := slices.IndexFunc(batch, func(f types.AwsSecurityFinding) bool { return aws.ToString(f.Id) == r.ID }); i >= 0 {
			r.What = strings.TrimPrefix(aws.ToString(batch[i].GeneratorId), report.ASFFGenerator)
			if len(batch[i].Resources) > 0 {
				r.What += " on " + aws.ToString(batch[i].Resources[0].Id)
			}
		}
		h.Refused = append(h.Refused, r)
	}
	done = int(aws.ToInt32(out.SuccessCount))
	if told := done + len(out.FailedFindings); told < len(batch) && h.Err == nil { // what is not confirmed is not imported
		h.Lost += len(batch) - told
		h.Err = fmt.Errorf("the Security Hub of account %s, region %s says of only %d of %d findings what became of them: publish again", h.Account, h.Region, told, len(batch))
	}
	return done, nil
}

// explain says in one sentence why Security Hub cannot be used, and what to do.
func (h *hub) explain(operation string, err error) error {
	g := collect.GapOf("securityhub:"+operation, err)
	where := fmt.Sprintf("of account %s, region %s", h.Account, h.Region)
	switch {
	case g.Reason == model.NotEnabled: // InvalidAccessException: the account is not subscribed
		return &Unavailable{h.Place}
	case g.Reason == model.AccessDeniedSCP:
		return fmt.Errorf("a service control policy keeps the Security Hub %s closed: leave the region out with --regions", where)
	case g.Reason.Denied():
		return fmt.Errorf("access to the Security Hub %s is denied (%s): grant securityhub:GetFindings and securityhub:BatchImportFindings", where, g.Detail)
	}
	return fmt.Errorf("the Security Hub %s cannot be used (%s: %s): publish again, what is there already is not told twice", where, g.Call, g.Detail)
}

// convert makes a finding of the SDK.
func convert(f *report.ASFF) types.AwsSecurityFinding {
	severity := types.Severity{Label: types.SeverityLabel(f.Severity.Label), Original: &f.Severity.Original}
	out := types.AwsSecurityFinding{SchemaVersion: &f.SchemaVersion, Id: &f.ID, ProductArn: &f.ProductARN, ProductName: &f.ProductName, CompanyName: &f.CompanyName, GeneratorId: &f.GeneratorID,
		AwsAccountId: &f.AccountID, Types: f.Types, FirstObservedAt: &f.FirstObservedAt, LastObservedAt: &f.LastObservedAt, CreatedAt: &f.CreatedAt, UpdatedAt: &f.UpdatedAt, Severity: &severity,
		Title: &f.Title, Description: &f.Description, ProductFields: f.ProductFields, RecordState: types.RecordState(f.RecordState),
		Compliance:            &types.Compliance{Status: types.ComplianceStatus(f.Compliance.Status), RelatedRequirements: f.Compliance.RelatedRequirements},
		FindingProviderFields: &types.FindingProviderFields{Types: f.Provider.Types, Severity: &types.FindingProviderSeverity{Label: types.SeverityLabel(f.Provider.Severity.Label), Original: &f.Provider.Severity.Original}}}
	if f.AccountName != "" {
		out.AwsAccountName = &f.AccountName
	}
	if f.Remediation != nil {
		out.Remediation = &types.Remediation{Recommendation: &types.Recommendation{Text: &f.Remediation.Recommendation.Text}}
	}
	for _, s := range f.Compliance.StatusReasons {
		out.Compliance.StatusReasons = append(out.Compliance.StatusReasons, types.StatusReason{ReasonCode: &s.ReasonCode, Description: &s.Description})
	}
	for _, r := range f.Resources {
		x := types.Resource{Type: &r.Type, Id: &r.ID, Partition: types.Partition(r.Partition), Tags: r.Tags}
		if r.Region != "" {
			x.Region = &r.Region
		}
		out.Resources = append(out.Resources, x)
	}
	return out
}

// Test imports a finding that says it is a test. It is archived, so that nobody has to act on it.
func Test(ctx context.Context, cfg aws.Config, partition string, at model.Place, now time.Time) error {
	h := hub{Outcome: Outcome{Place: at}}
	arn, text, when := report.ProductARN(partition, at.Account, at.Region), "Test of scanner notifications: nothing has happened", now.UTC().Format("2006-01-02T15:04:05.000Z")
	id := report.ASFFGenerator + "test"
	out, err := securityhub.NewFromConfig(cfg).BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{{
		SchemaVersion: aws.String("2018-10-08"), Id: &id, ProductArn: &arn, GeneratorId: &id, AwsAccountId: &at.Account, CreatedAt: &when, UpdatedAt: &when, Title: &text, Description: &text,
		Types: []string{"Software and Configuration Checks"}, Severity: &types.Severity{Label: types.SeverityLabelInformational}, RecordState: types.RecordStateArchived,
		Resources: []types.Resource{{Type: aws.String("AwsAccount"), Id: aws.String("AWS::::Account:" + at.Account)}},
	}}})
	if err != nil {
		return h.explain("BatchImportFindings", err)
	}
	for _, e := range out.FailedFindings {
		return fmt.Errorf("the test finding is not taken by Security Hub: %s: %s", aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage))
	}
	return nil
}
