package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// ocsfVersion is the release of the Open Cybersecurity Schema Framework that events keep to. Later ones of the same major version only add to it.
const ocsfVersion = "1.7.0"

type (
	ocsfEvent struct {
		ActivityID   int              `json:"activity_id"`
		ActivityName string           `json:"activity_name"`
		CategoryUID  int              `json:"category_uid"`
		CategoryName string           `json:"category_name"`
		ClassUID     int              `json:"class_uid"`
		ClassName    string           `json:"class_name"`
		TypeUID      int              `json:"type_uid"`
		TypeName     string           `json:"type_name"`
		Time         int64            `json:"time"` // milliseconds, as all times
		SeverityID   int              `json:"severity_id"`
		Severity     string           `json:"severity"`
		StatusID     int              `json:"status_id"`
		Status       string           `json:"status"`
		StatusDetail string           `json:"status_detail,omitempty"`
		Message      string           `json:"message"`
		Metadata     ocsfMetadata     `json:"metadata"`
		Cloud        ocsfCloud        `json:"cloud"`
		Finding      ocsfFinding      `json:"finding_info"`
		Compliance   ocsfCompliance   `json:"compliance"`
		Remediation  *ocsfRemediation `json:"remediation,omitempty"`
		Resources    []ocsfResource   `json:"resources"`
		Unmapped     map[string]any   `json:"unmapped"`
	}
	ocsfMetadata struct {
		Version     string      `json:"version"`
		UID         string      `json:"uid"`
		Correlation string      `json:"correlation_uid"` // the scan
		EventCode   string      `json:"event_code"`
		Profiles    []string    `json:"profiles"`
		Product     ocsfProduct `json:"product"`
	}
	ocsfProduct struct {
		Name    string `json:"name"`
		UID     string `json:"uid"`
		Vendor  string `json:"vendor_name"`
		Version string `json:"version"`
	}
	ocsfCloud struct {
		Provider  string      `json:"provider"`
		Partition string      `json:"cloud_partition,omitempty"`
		Account   ocsfAccount `json:"account"`
		Region    string      `json:"region,omitempty"`
	}
	ocsfAccount struct {
		UID    string `json:"uid"`
		Name   string `json:"name,omitempty"`
		TypeID int    `json:"type_id"`
		Type   string `json:"type"`
	}
	ocsfFinding struct {
		UID      string       `json:"uid"`
		UIDAlt   string       `json:"uid_alt"`
		Title    string       `json:"title"`
		Desc     string       `json:"desc,omitempty"`
		Types    []string     `json:"types"`
		Created  int64        `json:"created_time"`
		LastSeen int64        `json:"last_seen_time"`
		Analytic ocsfAnalytic `json:"analytic"`
	}
	ocsfAnalytic struct {
		UID     string `json:"uid"`
		Name    string `json:"name"`
		TypeID  int    `json:"type_id"`
		Type    string `json:"type"`
		Version string `json:"version"`
	}
	ocsfCompliance struct {
		Control      string      `json:"control"`
		Category     string      `json:"category,omitempty"`
		Standards    []string    `json:"standards"`
		Requirements []string    `json:"requirements,omitempty"`
		Checks       []ocsfCheck `json:"checks"`
		StatusID     int         `json:"status_id"`
		Status       string      `json:"status"`
		StatusCode   string      `json:"status_code"`
		StatusDetail string      `json:"status_detail,omitempty"`
	}
	ocsfCheck struct {
		UID      string `json:"uid"`
		Name     string `json:"name"`
		StatusID int    `json:"status_id"`
		Status   string `json:"status"`
	}
	ocsfRemediation struct {
		Desc string `json:"desc"`
	}
	ocsfResource struct {
		UID       string         `json:"uid"`
		UIDAlt    string         `json:"uid_alt,omitempty"`
		Name      string         `json:"name"`
		Type      string         `json:"type"`
		Partition string         `json:"cloud_partition,omitempty"`
		Region    string         `json:"region,omitempty"`
		Owner     *ocsfUser      `json:"owner,omitempty"`
		Tags      []ocsfKeyValue `json:"tags,omitempty"`
	}
	ocsfUser struct {
		Name string `json:"name"`
	}
	ocsfKeyValue struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// A caption is the number of an OCSF enumeration with the word that belongs to it.
type caption struct {
	id   int
	word string
}

var (
	ocsfSeverity = map[engine.Severity]caption{engine.Informational: {1, "Informational"}, engine.Low: {2, "Low"}, engine.Medium: {3, "Medium"}, engine.High: {4, "High"}, engine.Critical: {5, "Critical"}}
	// What nobody could see is unknown. Warning would be a verdict, and so would be to leave it out.
	ocsfVerdict = map[engine.Status]caption{engine.Passed: {1, "Pass"}, engine.Failed: {3, "Fail"}, engine.NotAssessed: {0, "Unknown"}, engine.Inapplicable: {99, string(engine.Inapplicable)}}
)

// OCSF writes a Compliance Finding of the Open Cybersecurity Schema Framework a line, one for each result.
func (r *Report) OCSF(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	scan, standards, remedies := r.ID(), r.standards(), map[*engine.Rule]*ocsfRemediation{}
	for x, err := range r.Results() {
		if err != nil {
			return err
		}
		e := r.ocsf(&x, standards[x.Rule.ID], scan)
		if x.Status == engine.Failed && x.Rule.Fix.Text != "" {
			if remedies[x.Rule] == nil { // the same for all its failures
				remedies[x.Rule] = &ocsfRemediation{ocsfRemedy(x.Rule)}
			}
			e.Remediation = remedies[x.Rule]
		}
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("result of %s on %s: %w", x.Rule.ID, x.Resource.ID, err)
		}
		out.Write(visible(b))
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return out.Flush()
}

// A mapping is what a rule answers of the frameworks that were asked for.
type mapping struct{ standards, requirements []string }

// standards returns that of each rule.
func (r *Report) standards() map[string]*mapping {
	all := map[string]*mapping{}
	for _, f := range r.Frameworks {
		for i := range f.Requirements {
			for _, rule := range f.Requirements[i].Rules {
				m := all[rule]
				if m == nil {
					m = &mapping{}
					all[rule] = m
				}
				if !slices.Contains(m.standards, f.Name()) {
					m.standards = append(m.standards, f.Name())
				}
				m.requirements = append(m.requirements, f.ID+" "+f.Requirements[i].ID)
			}
		}
	}
	return all
}

func (r *Report) ocsf(x *Result, of *mapping, scan string) *ocsfEvent {
	m, f, now, region := x.Resource, x.Finding(), r.Header.Start.UnixMilli(), x.Resource.Region
	if region == model.AnyRegion { // which is no region
		region = ""
	}
	verdict := ocsfVerdict[x.Status]
	severity, life := caption{1, "Informational"}, caption{99, string(x.Status)} // of what is no finding
	switch x.Status {
	case engine.Failed:
		severity, life = ocsfSeverity[x.Severity], caption{1, "New"}
	case engine.NotAssessed: // it may be anything up to the worst of its rule
		severity, life = caption{0, "Unknown"}, caption{1, "New"}
	}
	e := &ocsfEvent{ActivityID: 1, ActivityName: "Create", CategoryUID: 2, CategoryName: "Findings", ClassUID: 2003, ClassName: "Compliance Finding", TypeUID: 200301, TypeName: "Compliance Finding: Create",
		Time: now, SeverityID: severity.id, Severity: severity.word, Message: Clean(cmp.Or(x.Message, x.Rule.Title)),
		Metadata: ocsfMetadata{Version: ocsfVersion, UID: scan + "-" + f.Fingerprint, Correlation: scan, EventCode: x.Rule.ID, Profiles: []string{"cloud"},
			Product: ocsfProduct{"scanner", "scanner", "scanner", r.Version}},
		Cloud: ocsfCloud{Provider: "AWS", Partition: r.Header.Partition, Region: region, Account: ocsfAccount{UID: m.Account, Name: r.Header.Names[m.Account], TypeID: 10, Type: "AWS Account"}},
		Finding: ocsfFinding{UID: f.Fingerprint, UIDAlt: f.Identity, Title: x.Rule.Title, Desc: x.Rule.Why, Types: []string{}, Created: now, LastSeen: now,
			Analytic: ocsfAnalytic{x.Rule.ID, x.Rule.Title, 1, "Rule", fmt.Sprint(x.Rule.Version)}},
		Compliance: ocsfCompliance{Control: x.Rule.ID, Standards: []string{"AWS Well-Architected Framework"}, StatusID: verdict.id, Status: verdict.word, StatusCode: string(x.Status),
			StatusDetail: Clean(x.Message), Checks: []ocsfCheck{{x.Rule.ID, x.Rule.Title, verdict.id, verdict.word}}},
		Unmapped: map[string]any{"evidence": f.Evidence, "pillars": f.Pillars, "rule_severity": x.Rule.Severity.String()}}
	for _, p := range x.Rule.Pillars {
		e.Finding.Types = append(e.Finding.Types, string(p))
	}
	if len(x.Rule.Pillars) > 0 {
		e.Compliance.Category = string(x.Rule.Pillars[0])
	}
	if of != nil {
		e.Compliance.Standards, e.Compliance.Requirements = append(e.Compliance.Standards, of.standards...), of.requirements
		e.Unmapped["frameworks_note"] = frameworks.Note
	}
	if wv := x.Waived; wv != nil {
		life = caption{3, "Suppressed"}
		e.StatusDetail = Clean("accepted by " + cmp.Or(wv.Owner, "nobody named") + " until " + cmp.Or(wv.Expires, "further notice") + ": " + wv.Reason)
		e.Unmapped["waived"] = wv
	}
	e.StatusID, e.Status = life.id, life.word
	if f.Gap != nil {
		e.Unmapped["gap"] = f.Gap
	}
	if f.Fix != nil {
		e.Unmapped["fix_key"] = f.Fix.Key
	}
	if x.Change != "" {
		e.Unmapped["change"] = x.Change
	}
	resource := ocsfResource{UID: cmp.Or(m.ARN, m.ID), Name: name(m), Type: string(x.Kind()), Partition: r.Header.Partition, Region: region}
	if m.ARN != "" && m.ID != m.ARN {
		resource.UIDAlt = m.ID
	}
	if x.Team != "" && x.Team != UnknownOwner {
		resource.Owner = &ocsfUser{x.Team}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Resource.Tags)) {
		resource.Tags = append(resource.Tags, ocsfKeyValue{key, f.Resource.Tags[key]})
	}
	e.Resources = []ocsfResource{resource}
	return e
}

// ocsfRemedy says what to do, with what, and what that may do beside.
func ocsfRemedy(rule *engine.Rule) string {
	var out []string
	for _, part := range helpParts(rule) {
		if part[1] != "" && part[0] != "Why" && part[0] != "Template" {
			out = append(out, part[0]+": "+part[1])
		}
	}
	return strings.Join(out, "\n\n")
}
