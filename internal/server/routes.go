package server

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/cause"
	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// Shapes of answers. They are final once released: fields may come, none may go or change.

type findingPage struct {
	Items []store.Finding `json:"items" doc:"the most severe first"`
	Next  string          `json:"next,omitempty" doc:"what to give as after for the next page; absent on the last one"`
}

type findingDetail struct {
	store.Finding
	History []store.Event `json:"history" doc:"what has become of it, the oldest first"`
	Rule    ruleDetail    `json:"rule"`
}

type ruleItem struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Level    engine.Level    `json:"level"`
	Severity engine.Severity `json:"severity" doc:"of a failure, unless it says otherwise"`
	Worst    engine.Severity `json:"worst"`
	Pillars  []engine.Pillar `json:"pillars"`
	Service  string          `json:"service"`
}

type ruleDetail struct {
	ruleItem
	Why string   `json:"why" doc:"what goes wrong otherwise"`
	Fix *ruleFix `json:"fix,omitempty"`
}

type ruleFix struct {
	Text   string `json:"text"`
	CLI    string `json:"cli,omitempty" doc:"the same with the aws command"`
	IaC    string `json:"iac,omitempty" doc:"CloudFormation or Terraform"`
	Breaks string `json:"breaks,omitempty" doc:"who may stop working, and how to check first"`
	Undo   string `json:"undo,omitempty" doc:"the way back"`
	Effect string `json:"effect,omitempty" doc:"the worst that it does beside its purpose"`
}

type ruleList struct {
	Items []ruleItem `json:"items"`
}

type eventPage struct {
	Items []store.Happening `json:"items" doc:"the newest first"`
	Next  string            `json:"next,omitempty" doc:"what to give as after for the next page; absent on the last one"`
}

type scanItem struct {
	ID       string       `json:"id"`
	Stream   string       `json:"stream"`
	Cause    string       `json:"cause" doc:"schedule, request or command"`
	State    store.State  `json:"state"`
	Created  time.Time    `json:"created"`
	Started  time.Time    `json:"started,omitzero" doc:"the time at which rules judge"`
	Finished time.Time    `json:"finished,omitzero"`
	Failure  string       `json:"failure,omitempty" doc:"why it failed"`
	Found    *store.Point `json:"found,omitempty" doc:"once it is done"`
}

type scanPage struct {
	Items []scanItem `json:"items" doc:"the newest first"`
	Next  string     `json:"next,omitempty" doc:"what to give as after for the next page; absent on the last one"`
}

type scanDetail struct {
	scanItem
	Report json.RawMessage `json:"report,omitempty" doc:"what scanner.report/v1 tells beside its results, once it is done"`
}

type newScan struct {
	Stream string `json:"stream" doc:"what to scan"`
}

type started struct {
	ID string `json:"id" doc:"of the scan"`
}

type streamList struct {
	Items []streamItem `json:"items"`
}

type streamItem struct {
	Name string    `json:"name"`
	Last *scanItem `json:"last,omitempty" doc:"the last scan that is done"`
}

type summary struct {
	Stream   string            `json:"stream"`
	Scan     string            `json:"scan,omitempty" doc:"the last one that is done"`
	All      store.Counts      `json:"all"`
	Pillars  []pillarCounts    `json:"pillars"`
	Accounts []accountCounts   `json:"accounts"`
	Rules    []ruleCounts      `json:"rules" doc:"that find something, the worst first"`
	Fixes    []severityFixTime `json:"timeToFix" doc:"of what was fixed in the last 90 days"`
}

type pillarCounts struct {
	Pillar engine.Pillar `json:"pillar"`
	store.Counts
}

type accountCounts struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	store.Counts
	Cells    int `json:"cells" doc:"of the last scan: rules times the account or its regions"`
	Assessed int `json:"assessed" doc:"of them, those without a gap"`
}

type ruleCounts struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	store.Counts
}

type severityFixTime struct {
	Severity engine.Severity `json:"severity"`
	Seconds  int64           `json:"seconds" doc:"for which half of them were open at most"`
	Fixed    int             `json:"fixed" doc:"how many they are"`
}

type trend struct {
	Stream string        `json:"stream"`
	Points []store.Point `json:"points" doc:"one for each scan, the oldest first"`
}

type coverage struct {
	Stream   string            `json:"stream"`
	Scan     string            `json:"scan"`
	Cells    int               `json:"cells" doc:"rules times accounts and regions"`
	Assessed int               `json:"assessed" doc:"of them, those without a gap"`
	Accounts []report.Coverage `json:"accounts"`
	Grants   []grant           `json:"grants" doc:"permissions that would close gaps"`
	Gaps     []report.Gap      `json:"gaps"`
	Skipped  []engine.Skip     `json:"skipped" doc:"regions and services that are not offered or switched off"`
}

type grant struct {
	Permission string   `json:"permission" doc:"action of IAM"`
	Where      string   `json:"where" doc:"identity: in the policy of the scanner's role; resource: in policies of resources"`
	Accounts   []string `json:"accounts"`
	Rules      []string `json:"rules" doc:"that cannot judge without it"`
	Resources  int      `json:"resources" doc:"that they could judge, as far as they are known"`
}

type waiverList struct {
	Items []waiverItem `json:"items" doc:"those first that end first"`
}

type waiverItem struct {
	Waiver
	DaysLeft int                     `json:"daysLeft" doc:"negative once it is over"`
	Rules    []string                `json:"rules" doc:"of the findings that it holds back"`
	Findings map[engine.Severity]int `json:"findings" doc:"that it holds back"`
}

type scheduleList struct {
	Items []scheduleItem `json:"items"`
}

type scheduleItem struct {
	Schedule
	Last *scanItem `json:"last,omitempty" doc:"the newest scan, however it went"`
}

type tokenList struct {
	Items []tokenItem `json:"items" doc:"the newest first"`
}

type tokenItem struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Role    config.Role `json:"role"`
	Maker   string      `json:"maker"`
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires,omitzero" doc:"absent: never"`
	Used    time.Time   `json:"used,omitzero" doc:"the last time, to about an hour"`
	Revoked time.Time   `json:"revoked,omitzero"`
}

type newToken struct {
	Name    string      `json:"name" doc:"what or whom it is for"`
	Role    config.Role `json:"role"`
	Expires time.Time   `json:"expires,omitzero" doc:"absent: never"`
}

type madeToken struct {
	ID    string `json:"id"`
	Token string `json:"token" doc:"shown this once"`
}

type actionPage struct {
	Items []store.Action `json:"items" doc:"the newest first"`
	Next  string         `json:"next,omitempty" doc:"what to give as after for the next page; absent on the last one"`
}

type me struct {
	Name string      `json:"name"`
	Role config.Role `json:"role"`
}

// Parameters that several operations take.
var (
	streamParam = param{name: "stream", doc: "only of this stream"}
	limitParam  = param{name: "limit", kind: "integer", least: 1, most: 1000, standard: "100", doc: "how many at most"}
	afterParam  = param{name: "after", most: 500, doc: "next of the page before"}
	formatParam = param{name: "format", of: []string{"json", "csv"}, doc: "or send Accept: text/csv"}
	idParam     = param{name: "id", in: "path", most: 100}
	sinceParam  = param{name: "since", kind: "date-time", doc: "only from this time on"}
)

func ofStream(doc string) param { return param{name: "stream", doc: doc} }

var states = []string{string(store.Waiting), string(store.Running), string(store.Done), string(store.Failed), string(store.Cancelled)}

func eventTypes() (all []string) {
	for _, t := range []store.EventType{store.New, store.Regressed, store.Escalated, store.NewlyAssessed, store.Fixed, store.NoLongerAssessed, store.AssessedAgain, store.Waived, store.WaiverEnded} {
		all = append(all, string(t))
	}
	return all
}

func pillarNames() (all []string) {
	for _, p := range engine.Pillars {
		all = append(all, string(p))
	}
	return all
}

// mostWords is how many words are looked for at once: each is looked for in each finding.
const mostWords = 10

// findingParams are the filters of findings, for programs and pages.
func findingParams() []param {
	return []param{
		streamParam,
		{name: "state", of: []string{"open", "fixed", "all"}, standard: "open", doc: "what has become of them"},
		{name: "severity", list: true, of: engine.Severities()},
		{name: "pillar", list: true, of: pillarNames()},
		{name: "rule", list: true, doc: "ID of a rule"},
		{name: "service", list: true, doc: "what IDs of rules begin with"},
		{name: "account", list: true},
		{name: "region", list: true},
		{name: "owner", list: true, doc: "who has to act"},
		{name: "waived", kind: "boolean", doc: "whether somebody has accepted them"},
		{name: "assessed", kind: "boolean", doc: "whether the last scan could look at them"},
		{name: "since", kind: "date-time", doc: "only those that were first seen from this time on"},
		{name: "q", words: mostWords, doc: "words that are all in rule, title, message, resource, owner or tags: ten at most"},
	}
}

func (s *Server) apiRoutes() []route {
	return []route{
		{method: "GET", path: "/api/v1/findings", id: "listFindings", role: config.Viewer, summary: "List findings", csv: true, offered: true,
			note:   "As CSV without a limit, all findings that the filters pick come at once.",
			params: append(findingParams(), limitParam, afterParam, formatParam), answer: reflect.TypeFor[findingPage](), do: (*call).listFindings},
		{method: "GET", path: "/api/v1/findings/{id}", id: "getFinding", role: config.Viewer, summary: "Tell all about a finding", offered: true,
			note:   "Its ID is its identity or its fingerprint, or how one of them begins.",
			params: []param{idParam, ofStream("needed if several streams have it")}, answer: reflect.TypeFor[findingDetail](), refuses: []int{404, 409}, do: (*call).getFinding},
		{method: "GET", path: "/api/v1/events", id: "listEvents", role: config.Viewer, summary: "List what has become of findings", csv: true, offered: true,
			params: []param{streamParam, {name: "scan", doc: "only those of this scan"}, {name: "finding", doc: "only those of the finding with this identity"}, {name: "type", list: true, of: eventTypes()}, sinceParam, limitParam, afterParam, formatParam},
			answer: reflect.TypeFor[eventPage](), do: (*call).listEvents},
		{method: "GET", path: "/api/v1/rules", id: "listRules", role: config.Viewer, summary: "List rules", offered: true, answer: reflect.TypeFor[ruleList](), do: (*call).listRules},
		{method: "GET", path: "/api/v1/rules/{id}", id: "getRule", role: config.Viewer, summary: "Tell why a rule is there, and how to fix what it finds", offered: true,
			params: []param{idParam}, answer: reflect.TypeFor[ruleDetail](), refuses: []int{404}, do: (*call).getRule},
		{method: "GET", path: "/api/v1/streams", id: "listStreams", role: config.Viewer, summary: "List streams with their last scans", offered: true, answer: reflect.TypeFor[streamList](), do: (*call).listStreams},
		{method: "GET", path: "/api/v1/summary", id: "getSummary", role: config.Viewer, summary: "Count the open findings of a stream", offered: true,
			params: []param{ofStream("needed if there are several")}, answer: reflect.TypeFor[summary](), refuses: []int{404, 409}, do: (*call).getSummary},
		{method: "GET", path: "/api/v1/trend", id: "getTrend", role: config.Viewer, summary: "Tell what each scan of a stream has found", offered: true,
			params: []param{ofStream("needed if there are several"), {name: "pillar", of: pillarNames(), doc: "failures of this pillar only"}, {name: "days", kind: "integer", least: 1, most: 1000, standard: "90"}},
			answer: reflect.TypeFor[trend](), refuses: []int{404, 409}, do: (*call).getTrend},
		{method: "GET", path: "/api/v1/coverage", id: "getCoverage", role: config.Viewer, summary: "Tell what the last scan of a stream could not see, and what to grant", csv: true, offered: true,
			note:   "As CSV, its gaps.",
			params: []param{ofStream("needed if there are several"), formatParam}, answer: reflect.TypeFor[coverage](), refuses: []int{404, 409}, do: (*call).getCoverage},
		{method: "GET", path: "/api/v1/waivers", id: "listWaivers", role: config.Viewer, summary: "List waivers, and what they hold back", csv: true, offered: true,
			params: []param{ofStream("needed if there are several"), formatParam}, answer: reflect.TypeFor[waiverList](), refuses: []int{404, 409}, do: (*call).listWaivers},
		{method: "GET", path: "/api/v1/scans", id: "listScans", role: config.Viewer, summary: "List scans", csv: true, offered: true,
			params: []param{streamParam, {name: "state", list: true, of: states}, limitParam, afterParam, formatParam}, answer: reflect.TypeFor[scanPage](), do: (*call).listScans},
		{method: "POST", path: "/api/v1/scans", id: "startScan", role: config.Operator, summary: "Begin a scan", offered: s.StartScan != nil,
			body: reflect.TypeFor[newScan](), status: 202, answer: reflect.TypeFor[started](), refuses: []int{404, 409}, do: (*call).startScan},
		{method: "GET", path: "/api/v1/scans/{id}", id: "getScan", role: config.Viewer, summary: "Tell about a scan", offered: true,
			params: []param{idParam}, answer: reflect.TypeFor[scanDetail](), refuses: []int{404}, do: (*call).getScan},
		{method: "POST", path: "/api/v1/scans/{id}/cancel", id: "cancelScan", role: config.Operator, summary: "End a scan that is under way", offered: s.CancelScan != nil,
			params: []param{idParam}, refuses: []int{404, 409}, do: (*call).cancelScan},
		{method: "GET", path: "/api/v1/scans/{id}/progress", id: "getProgress", role: config.Viewer, summary: "Tell how far a scan is", offered: true,
			params: []param{idParam}, answer: reflect.TypeFor[Progress](), refuses: []int{404}, do: (*call).getProgress},
		{method: "GET", path: "/api/v1/scans/{id}/events", id: "followScan", role: config.Viewer, summary: "Follow a scan: its progress whenever it changes", offered: true,
			note:   "Server-sent events: progress with what getProgress tells, then end.",
			params: []param{idParam}, other: "text/event-stream", refuses: []int{404}, do: (*call).followScan},
		{method: "GET", path: "/api/v1/scans/{id}/snapshot", id: "getSnapshot", role: config.Operator, summary: "Download what a scan has read", offered: true,
			note:   "Compressed by zstd, as scanner scan --snapshot takes it. It says how accounts are configured: what is downloaded stands in the audit log.",
			params: []param{idParam}, other: "application/zstd", refuses: []int{404}, do: (*call).getSnapshot},
		{method: "GET", path: "/api/v1/schedules", id: "listSchedules", role: config.Viewer, summary: "List schedules", offered: s.Schedules != nil, answer: reflect.TypeFor[scheduleList](), do: (*call).listSchedules},
		{method: "GET", path: "/api/v1/review", id: "getReview", role: config.Viewer, summary: "Tell what the last scan of a stream says about the Well-Architected Framework", offered: s.Review != nil,
			params: []param{ofStream("needed if there are several")}, answer: reflect.TypeFor[Review](), refuses: []int{404, 409}, do: (*call).getReview},
		{method: "GET", path: "/api/v1/me", id: "getMe", role: config.Viewer, summary: "Tell who asks, and what they may do", offered: true, answer: reflect.TypeFor[me](), do: (*call).getMe},
		{method: "GET", path: "/api/v1/tokens", id: "listTokens", role: config.Admin, summary: "List tokens", offered: true, answer: reflect.TypeFor[tokenList](), do: (*call).listTokens},
		{method: "POST", path: "/api/v1/tokens", id: "createToken", role: config.Admin, summary: "Make a token", offered: true,
			body: reflect.TypeFor[newToken](), status: 201, answer: reflect.TypeFor[madeToken](), refuses: []int{409}, do: (*call).createToken},
		{method: "DELETE", path: "/api/v1/tokens/{id}", id: "revokeToken", role: config.Admin, summary: "Revoke a token", offered: true, params: []param{idParam}, refuses: []int{404}, do: (*call).revokeToken},
		{method: "GET", path: "/api/v1/audit", id: "listActions", role: config.Admin, summary: "List who has changed what", csv: true, offered: true,
			params: []param{limitParam, afterParam, formatParam}, answer: reflect.TypeFor[actionPage](), do: (*call).listActions},
		{method: "GET", path: "/api/v1/openapi.json", id: "getDocument", role: config.Viewer, summary: "This document", offered: true, other: "application/json", do: (*call).getDocument},
		{method: "GET", path: "/metrics", id: "getMetrics", role: config.Viewer, summary: "Metrics for Prometheus", offered: true, other: "text/plain", do: (*call).getMetrics},
	}
}

// filter makes the filter of a request.
func (c *call) filter() store.Filter {
	f := store.Filter{Stream: c.one("stream"), State: c.one("state"), Rules: c.given["rule"], Services: c.given["service"], Accounts: c.given["account"], Regions: c.given["region"], Owners: c.given["owner"],
		Waived: c.yes("waived"), Since: c.time("since"), Text: c.one("q"), After: c.one("after"), Limit: c.number("limit")}
	if f.State == "all" {
		f.State = ""
	}
	for _, name := range c.given["severity"] {
		severity, _ := engine.ParseSeverity(name) // it was checked
		f.Severities = append(f.Severities, severity)
	}
	for _, name := range c.given["pillar"] {
		f.Pillars = append(f.Pillars, engine.Pillar(name))
	}
	if assessed := c.yes("assessed"); assessed != nil {
		unassessed := !*assessed
		f.Unassessed = &unassessed
	}
	return f
}

// mistaken tells people about a cursor that is none.
func mistaken(err error) error {
	if errors.Is(err, store.ErrCursor) {
		return refuse(http.StatusBadRequest, "after: %s", err)
	}
	return err
}

func missing(err error, what string) error {
	if errors.Is(err, store.ErrNotFound) {
		return refuse(http.StatusNotFound, "there is no such %s", what)
	}
	return err
}

func (c *call) listFindings() (any, error) {
	f := c.filter()
	if c.csv && !c.r.URL.Query().Has("limit") {
		release, err := c.download()
		if err != nil {
			return nil, err
		}
		defer release()
		return nil, c.allFindings(f)
	}
	items, next, err := c.Store.Findings(c, f)
	return findingPage{some(items), next}, mistaken(err)
}

// download takes a place for an answer that goes on for as long as somebody reads it.
func (c *call) download() (release func(), err error) {
	release, ok := c.limits.downloads.take(c.who.key)
	if !ok {
		c.w.Header().Set("Retry-After", "30")
		return nil, refuse(http.StatusTooManyRequests, "too many downloads are under way: wait for one to end")
	}
	return release, nil
}

// allFindings writes all findings of a filter as CSV, page by page: so many need not fit into memory, nor hold up anything.
func (c *call) allFindings(f store.Filter) error {
	f.Limit = 1000
	page := findingPage{}
	out := csv.NewWriter(c.w)
	out.UseCRLF = true
	for first := true; first || page.Next != ""; first = false {
		f.After = page.Next
		ctx, cancel := context.WithTimeout(c.r.Context(), longestAnswer)
		var err error
		page.Items, page.Next, err = c.Store.Findings(ctx, f)
		cancel()
		if err != nil {
			return mistaken(err)
		}
		if first {
			c.headCSV()
			out.Write(page.columns())
		}
		http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(longestAnswer)) // of a recorder there is none
		if err := writeRows(out, page); err != nil {
			return context.Canceled // whoever asked is gone
		}
	}
	return nil
}

// some makes an empty list of none: what programs go through is there.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func (p findingPage) following() string { return p.Next }

func (findingPage) columns() []string {
	return []string{"stream", "state", "severity", "rule", "title", "pillars", "kind", "id", "arn", "name", "account", "region", "owner", "message", "evidence", "first_seen", "last_seen", "fixed_at", "not_assessed_since",
		"regressed", "resources", "waived_until", "waived_owner", "waived_reason", "fingerprint", "identity"}
}

func (p findingPage) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, x := range p.Items {
			f, m := x.Finding, x.Finding.Resource
			evidence, _ := json.Marshal(f.Evidence) // it was JSON
			var w report.Waived
			if f.Waived != nil {
				w = *f.Waived
			}
			var pillars []string
			for _, p := range f.Pillars {
				pillars = append(pillars, string(p))
			}
			if !yield([]string{x.Stream, x.State, f.Severity.String(), f.Rule, f.Title, strings.Join(pillars, " "), string(m.Kind), m.ID, m.ARN, m.Name, m.Account, m.Region, m.Owner, f.Message, string(evidence),
				stamp(x.FirstSeen), stamp(x.LastSeen), stamp(x.FixedAt), stamp(x.Unassessed), strconv.Itoa(x.Regressed), strconv.Itoa(x.Resources), w.Expires, w.Owner, w.Reason, f.Fingerprint, f.Identity}) {
				return
			}
		}
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// finding looks up a finding by its identity or fingerprint.
func (s *Server) finding(ctx context.Context, id, stream string) (store.Finding, error) {
	if len(id) < 6 || strings.Trim(id, "0123456789abcdef") != "" {
		return store.Finding{}, refuse(http.StatusNotFound, "%.60q is no ID of a finding: it has 6 digits or more, 0-9 and a-f", id)
	}
	found, err := s.Store.Find(ctx, id)
	if err != nil {
		return store.Finding{}, err
	}
	if stream != "" {
		found = slices.DeleteFunc(found, func(x store.Finding) bool { return x.Stream != stream })
	}
	switch {
	case len(found) == 0:
		return store.Finding{}, refuse(http.StatusNotFound, "there is no such finding")
	case len(found) == 1:
		return found[0], nil
	}
	var in []string
	same := true
	for _, x := range found {
		same = same && x.Finding.Identity == found[0].Finding.Identity
		in = append(in, x.Stream)
	}
	if same {
		return store.Finding{}, refuse(http.StatusConflict, "several streams have this finding: name one of %s as stream", strings.Join(in, ", "))
	}
	return store.Finding{}, refuse(http.StatusConflict, "the IDs of %d findings begin with %s: give more digits", len(found), id)
}

func (c *call) getFinding() (any, error) {
	x, err := c.finding(c, c.one("id"), c.one("stream"))
	if err != nil {
		return nil, err
	}
	history, err := c.Store.History(c, x.Stream, x.Finding.Identity)
	if err != nil {
		return nil, err
	}
	d := findingDetail{Finding: x, History: some(history), Rule: ruleDetail{ruleItem: ruleItem{ID: x.Finding.Rule, Title: x.Finding.Title, Severity: x.Finding.Severity, Worst: x.Finding.Severity, Pillars: x.Finding.Pillars}}}
	if r := c.rule(x.Finding.Rule); r != nil {
		d.Rule = tell(r)
	}
	return d, nil
}

func (s *Server) rule(id string) *engine.Rule {
	for i := range s.Rules {
		if r := &s.Rules[i]; r.ID == id || slices.Contains(r.Formerly, id) {
			return r
		}
	}
	return nil
}

func item(r *engine.Rule) ruleItem {
	return ruleItem{ID: r.ID, Title: r.Title, Level: r.Level, Severity: r.Severity, Worst: r.Worst, Pillars: r.Pillars, Service: r.Service()}
}

func tell(r *engine.Rule) ruleDetail {
	return ruleDetail{ruleItem: item(r), Why: r.Why, Fix: &ruleFix{Text: r.Fix.Text, CLI: r.Fix.CLI, IaC: r.Fix.IaC, Breaks: r.Fix.Breaks, Undo: r.Fix.Undo, Effect: string(r.Fix.Effect)}}
}

func (c *call) listRules() (any, error) {
	l := ruleList{Items: []ruleItem{}}
	for i := range c.Rules {
		l.Items = append(l.Items, item(&c.Rules[i]))
	}
	return l, nil
}

func (c *call) getRule() (any, error) {
	if r := c.rule(c.one("id")); r != nil {
		return tell(r), nil
	}
	return nil, refuse(http.StatusNotFound, "there is no rule %.80q: see /api/v1/rules", c.one("id"))
}

func (c *call) listEvents() (any, error) {
	f := store.EventFilter{Stream: c.one("stream"), Scan: c.one("scan"), Identity: c.one("finding"), Since: c.time("since"), Limit: c.number("limit") + 1}
	for _, t := range c.given["type"] {
		f.Types = append(f.Types, store.EventType(t))
	}
	var err error
	if f.Before, err = before(c.one("after")); err != nil {
		return nil, err
	}
	items, err := c.Store.Happenings(c, f)
	p := eventPage{Items: some(items)}
	if n := c.number("limit"); len(items) > n {
		p.Items, p.Next = items[:n], strconv.FormatInt(items[n-1].ID, 10)
	}
	return p, err
}

// before reads a cursor that is a number.
func before(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 1 {
		return 0, mistaken(store.ErrCursor)
	}
	return n, nil
}

func (p eventPage) following() string { return p.Next }

func (eventPage) columns() []string {
	return []string{"id", "at", "type", "severity", "was", "stream", "scan", "rule", "title", "resource", "account", "region", "owner", "identity", "cause"}
}

func (p eventPage) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, x := range p.Items {
			if !yield([]string{strconv.FormatInt(x.ID, 10), stamp(x.At), string(x.Type), x.Severity.String(), x.Was.String(), x.Stream, x.Scan, x.Rule, x.Title, x.Resource, x.Account, x.Region, x.Owner, x.Identity, cause.Text(x.Cause)}) {
				return
			}
		}
	}
}

// told is what is told of a scan: never its settings, which say how accounts are entered.
func told(x store.Scan) scanItem {
	return scanItem{ID: x.ID, Stream: x.Stream, Cause: x.Cause, State: x.State, Created: x.Created, Started: x.Started, Finished: x.Finished, Failure: x.Failure}
}

// items adds to scans what they have found.
func (s *Server) items(ctx context.Context, scans []store.Scan) ([]scanItem, error) {
	all := []scanItem{}
	var done []string
	for _, x := range scans {
		if all = append(all, told(x)); x.State == store.Done {
			done = append(done, x.ID)
		}
	}
	for some := range slices.Chunk(done, 500) {
		points, err := s.Store.Points(ctx, some)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if p, ok := points[all[i].ID]; ok {
				all[i].Found = &p
			}
		}
	}
	return all, nil
}

func (c *call) listStreams() (any, error) {
	names, err := c.Store.Streams(c)
	if err != nil {
		return nil, err
	}
	l := streamList{Items: []streamItem{}}
	for _, name := range names {
		x := streamItem{Name: name}
		last, _, err := c.Store.ScansPage(c, name, []store.State{store.Done}, "", 1)
		if err != nil {
			return nil, err
		}
		items, err := c.items(c, last)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 {
			x.Last = &items[0]
		}
		l.Items = append(l.Items, x)
	}
	return l, nil
}

// stream returns the stream that is meant: the only one, if none is named.
func (s *Server) stream(ctx context.Context, name string) (string, error) {
	all, err := s.Store.Streams(ctx)
	switch {
	case err != nil:
		return "", err
	case name != "" && !slices.Contains(all, name):
		return "", refuse(http.StatusNotFound, "there is no stream %.80q: it may not have been scanned yet", name)
	case name != "":
		return name, nil
	case len(all) == 0:
		return "", refuse(http.StatusNotFound, "nothing was scanned yet")
	case len(all) > 1:
		return "", refuse(http.StatusConflict, "there are several streams: name one of %s as stream", strings.Join(all, ", "))
	}
	return all[0], nil
}

func (c *call) getSummary() (any, error) {
	stream, err := c.stream(c, c.one("stream"))
	if err != nil {
		return nil, err
	}
	return c.summary(c, stream)
}

// quarter is how far back times to fix are looked at.
const quarter = 90 * 24 * time.Hour

func (s *Server) summary(ctx context.Context, stream string) (*summary, error) {
	known, err := s.sums.get(ctx, stream)
	if err != nil {
		return nil, err
	}
	x := &summary{Stream: stream, Scan: known.scan, All: known.All, Pillars: []pillarCounts{}, Accounts: []accountCounts{}, Rules: []ruleCounts{}, Fixes: []severityFixTime{}}
	if x.All.Open == nil {
		x.All.Open = map[engine.Severity]int{}
	}
	for _, p := range engine.Pillars {
		c := known.Pillars[p]
		if c == nil {
			c = &store.Counts{Open: map[engine.Severity]int{}}
		}
		x.Pillars = append(x.Pillars, pillarCounts{p, *c})
	}
	seen := map[string]bool{}
	add := func(account, name string, cells, assessed int) {
		c := known.Accounts[account]
		if c == nil {
			c = &store.Counts{Open: map[engine.Severity]int{}}
		}
		seen[account] = true
		x.Accounts = append(x.Accounts, accountCounts{account, name, *c, cells, assessed})
	}
	for _, c := range known.coverage {
		add(c.Account, c.Name, c.Cells, c.Assessed)
	}
	for account := range known.Accounts { // that the last scan left out
		if !seen[account] {
			add(account, "", 0, 0)
		}
	}
	slices.SortFunc(x.Accounts, func(a, b accountCounts) int { return worse(&a.Counts, &b.Counts, a.Account, b.Account) })
	for id, c := range known.Rules {
		title := ""
		if r := s.rule(id); r != nil {
			title = r.Title
		}
		x.Rules = append(x.Rules, ruleCounts{id, title, *c})
	}
	slices.SortFunc(x.Rules, func(a, b ruleCounts) int { return worse(&a.Counts, &b.Counts, a.Rule, b.Rule) })
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		if n := known.fixed[severity]; n > 0 {
			x.Fixes = append(x.Fixes, severityFixTime{severity, int64(known.median[severity].Seconds()), n})
		}
	}
	return x, nil
}

// worse puts first what has more of what is more severe.
func worse(a, b *store.Counts, nameA, nameB string) int {
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		if d := b.Open[severity] - a.Open[severity]; d != 0 {
			return d
		}
	}
	return strings.Compare(nameA, nameB)
}

func (c *call) getTrend() (any, error) {
	stream, err := c.stream(c, c.one("stream"))
	if err != nil {
		return nil, err
	}
	points, err := c.Store.Trend(c, stream, engine.Pillar(c.one("pillar")), c.Now().AddDate(0, 0, -c.number("days")))
	return trend{stream, some(points)}, err
}

// A head is what is looked at of the head of a report.
type head struct {
	Scan struct {
		Caller    string        `json:"caller"`
		Regions   []string      `json:"regions"`
		Skipped   []engine.Skip `json:"skipped"`
		Calls     int           `json:"calls"`
		Throttled int           `json:"throttled"`
	} `json:"scan"`
	Summary struct {
		Rules   int                   `json:"rules"`
		Results map[engine.Status]int `json:"results"`
		Waste   float64               `json:"estimatedMonthlyWasteUSD"`
	} `json:"summary"`
	Coverage struct {
		Cells    int               `json:"cells"`
		Assessed int               `json:"assessed"`
		Accounts []report.Coverage `json:"accounts"`
		Gaps     []report.Gap      `json:"gaps"`
	} `json:"coverage"`
}

func headOf(x store.Scan) (h head, err error) {
	if len(x.Head) > 0 {
		err = json.Unmarshal(x.Head, &h)
	}
	return h, err
}

func (c *call) getCoverage() (any, error) {
	stream, err := c.stream(c, c.one("stream"))
	if err != nil {
		return nil, err
	}
	k, err := c.sums.get(c, stream)
	if err == nil && k.scan == "" {
		err = missing(store.ErrNotFound, "scan that is done")
	}
	if err != nil {
		return nil, err
	}
	return seen(k), nil
}

// seen tells what the last scan could and could not see.
func seen(k *known) *coverage {
	c := &k.head.Coverage
	return &coverage{Stream: k.last.Stream, Scan: k.scan, Cells: c.Cells, Assessed: c.Assessed, Accounts: some(slices.Clone(c.Accounts)), Gaps: some(c.Gaps), Skipped: some(k.head.Scan.Skipped), Grants: grants(c.Gaps)}
}

// grants gathers the permissions that would close gaps, those first that open most.
func grants(gaps []report.Gap) []grant {
	all := []grant{}
	at := map[[2]string]int{}
	for _, g := range gaps {
		where := "identity"
		if g.Reason == "access-denied-resource" {
			where = "resource"
		}
		for _, p := range g.Permissions {
			if g.Class != "fixable" {
				continue
			}
			i, ok := at[[2]string{p, where}]
			if !ok {
				i = len(all)
				at[[2]string{p, where}] = i
				all = append(all, grant{Permission: p, Where: where})
			}
			x := &all[i]
			x.Accounts, x.Rules = include(x.Accounts, g.Account), include(x.Rules, g.Rules...)
			x.Resources += g.Resources
		}
	}
	slices.SortStableFunc(all, func(a, b grant) int {
		if d := len(b.Rules)*len(b.Accounts) - len(a.Rules)*len(a.Accounts); d != 0 {
			return d
		}
		return strings.Compare(a.Permission, b.Permission)
	})
	return all
}

// include adds what a sorted list does not have yet.
func include(list []string, more ...string) []string {
	for _, x := range more {
		if i, ok := slices.BinarySearch(list, x); !ok {
			list = slices.Insert(list, i, x)
		}
	}
	return list
}

func (*coverage) columns() []string {
	return []string{"call", "reason", "class", "permissions", "account", "region", "kind", "rules", "resources", "waived", "detail"}
}

func (x *coverage) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, g := range x.Gaps {
			if !yield([]string{g.Call, string(g.Reason), string(g.Class), strings.Join(g.Permissions, " "), g.Account, g.Region, string(g.Kind), strings.Join(g.Rules, " "), strconv.Itoa(g.Resources), strconv.FormatBool(g.Waived), g.Detail}) {
				return
			}
		}
	}
}

func (c *call) listWaivers() (any, error) {
	stream, err := c.stream(c, c.one("stream"))
	if err != nil {
		return nil, err
	}
	all, err := c.waivers(c, stream)
	return waiverList{all}, err
}

// waivers lists those that hold something back, and those that are set.
func (s *Server) waivers(ctx context.Context, stream string) ([]waiverItem, error) {
	all := []waiverItem{}
	today := s.Now().UTC().Truncate(24 * time.Hour)
	add := func(w Waiver, rules []string, findings map[engine.Severity]int) {
		x := waiverItem{Waiver: w, Rules: some(rules), Findings: findings}
		if day, err := time.Parse(time.DateOnly, w.Expires); err == nil {
			x.DaysLeft = int(day.Sub(today).Hours() / 24)
		}
		if x.Findings == nil {
			x.Findings = map[engine.Severity]int{}
		}
		all = append(all, x)
	}
	known, err := s.sums.get(ctx, stream)
	if err != nil {
		return nil, err
	}
	conditions := map[string]string{}
	var set []Waiver
	if s.Waivers != nil {
		if set, err = s.Waivers(ctx); err != nil {
			return nil, err
		}
		for _, w := range set {
			conditions[w.Source] = w.Condition
		}
	}
	holding := map[string]bool{}
	for _, a := range known.waived {
		holding[a.Source] = true
		add(Waiver{Reason: a.Reason, Owner: a.Owner, Expires: a.Expires, Ticket: a.Ticket, Mitigation: a.Mitigation, Risk: a.Risk, Source: a.Source, Condition: conditions[a.Source]}, a.Rules, a.Findings)
	}
	for _, w := range set {
		if !holding[w.Source] {
			add(w, nil, nil)
		}
	}
	slices.SortStableFunc(all, func(a, b waiverItem) int { return strings.Compare(a.Expires, b.Expires) })
	return all, nil
}

func (waiverList) columns() []string {
	return []string{"expires", "days_left", "owner", "reason", "ticket", "mitigation", "risk", "source", "condition", "rules", "findings"}
}

func (l waiverList) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, x := range l.Items {
			n := 0
			for _, of := range x.Findings {
				n += of
			}
			if !yield([]string{x.Expires, strconv.Itoa(x.DaysLeft), x.Owner, x.Reason, x.Ticket, x.Mitigation, x.Risk, x.Source, x.Condition, strings.Join(x.Rules, " "), strconv.Itoa(n)}) {
				return
			}
		}
	}
}

func (c *call) listScans() (any, error) {
	var in []store.State
	for _, state := range c.given["state"] {
		in = append(in, store.State(state))
	}
	scans, next, err := c.Store.ScansPage(c, c.one("stream"), in, c.one("after"), c.number("limit"))
	if err != nil {
		return nil, mistaken(err)
	}
	items, err := c.items(c, scans)
	return scanPage{items, next}, err
}

func (p scanPage) following() string { return p.Next }

func (scanPage) columns() []string {
	return []string{"id", "stream", "cause", "state", "created", "started", "finished", "failure", "critical", "high", "medium", "low", "informational", "waived", "new", "regressed", "fixed", "cells", "assessed"}
}

func (p scanPage) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, x := range p.Items {
			row := []string{x.ID, x.Stream, x.Cause, string(x.State), stamp(x.Created), stamp(x.Started), stamp(x.Finished), x.Failure}
			if f := x.Found; f != nil {
				for severity := engine.Critical; severity >= engine.Informational; severity-- {
					row = append(row, strconv.Itoa(f.Failures[severity]))
				}
				for _, n := range []int{f.Waived, f.New, f.Regressed, f.Fixed, f.Cells, f.Assessed} {
					row = append(row, strconv.Itoa(n))
				}
			} else {
				row = append(row, make([]string, 11)...)
			}
			if !yield(row) {
				return
			}
		}
	}
}

func (c *call) startScan() (any, error) {
	stream := c.body.(*newScan).Stream
	if stream == "" || len(stream) > 200 || !isText(stream) {
		return nil, refuse(http.StatusBadRequest, "the body must name a stream")
	}
	id, err := c.start(c.r, c.who, stream)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("Location", "/api/v1/scans/"+id)
	return started{id}, nil
}

// start begins a scan for somebody.
func (s *Server) start(r *http.Request, who *principal, stream string) (id string, err error) {
	err = s.audited(r, who, "scan.start", stream, "", func() (string, error) {
		id, err = s.StartScan(r.Context(), stream)
		aboutOf(r.Context()).scan = id
		if id != "" {
			return stream + " " + id, err
		}
		return "", err
	})
	return id, err
}

// cancel ends a scan for somebody.
func (s *Server) cancel(r *http.Request, who *principal, id string) error {
	aboutOf(r.Context()).scan = id
	if _, err := s.Store.Scan(r.Context(), id); err != nil {
		return missing(err, "scan")
	}
	return s.audited(r, who, "scan.cancel", id, "", func() (string, error) { return "", s.CancelScan(r.Context(), id) })
}

func (c *call) cancelScan() (any, error) { return nil, c.cancel(c.r, c.who, c.one("id")) }

func (c *call) getScan() (any, error) {
	x, err := c.scan()
	if err != nil {
		return nil, err
	}
	items, err := c.items(c, []store.Scan{x})
	if err != nil {
		return nil, err
	}
	return scanDetail{items[0], x.Head}, nil
}

// scan returns the scan that a request is about.
func (c *call) scan() (store.Scan, error) {
	id := c.one("id")
	aboutOf(c.r.Context()).scan = id
	x, err := c.Store.Scan(c, id)
	return x, missing(err, "scan")
}

func (c *call) getProgress() (any, error) {
	x, err := c.scan()
	if err != nil {
		return nil, err
	}
	return c.progress(c, x)
}

func (c *call) getSnapshot() (any, error) {
	x, err := c.scan()
	if err != nil {
		return nil, err
	}
	in, err := c.Store.Snapshot(c, x.ID)
	if err != nil {
		return nil, missing(err, "snapshot: it is not kept, or no longer")
	}
	defer in.Close()
	release, err := c.download()
	if err != nil {
		return nil, err
	}
	defer release()
	return nil, c.audited(c.r, c.who, "snapshot.download", x.ID, "", func() (string, error) {
		c.w.Header().Set("Content-Type", "application/zstd")
		c.w.Header().Set("Content-Disposition", `attachment; filename="scan-`+x.ID+`.jsonl.zst"`)
		buffer := make([]byte, 1<<18)
		for {
			n, err := in.Read(buffer)
			http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(longestAnswer)) // of a recorder there is none
			if _, broken := c.w.Write(buffer[:n]); broken != nil {
				return "", context.Canceled
			}
			switch {
			case errors.Is(err, io.EOF):
				return "", nil
			case err != nil:
				return "", err
			}
		}
	})
}

func (c *call) listSchedules() (any, error) {
	l, err := c.schedules(c)
	return scheduleList{l}, err
}

// schedules lists schedules with how they went last.
func (s *Server) schedules(ctx context.Context) ([]scheduleItem, error) {
	all := []scheduleItem{}
	if s.Schedules == nil {
		return all, nil
	}
	known, err := s.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range known {
		last, _, err := s.Store.ScansPage(ctx, x.Stream, nil, "", 1)
		if err != nil {
			return nil, err
		}
		items, err := s.items(ctx, last)
		if err != nil {
			return nil, err
		}
		next := scheduleItem{Schedule: x}
		if len(items) > 0 {
			next.Last = &items[0]
		}
		all = append(all, next)
	}
	return all, nil
}

func (c *call) getReview() (any, error) {
	stream, err := c.stream(c, c.one("stream"))
	if err != nil {
		return nil, err
	}
	x, err := c.Review(c, stream)
	if err == nil && x == nil {
		err = refuse(http.StatusNotFound, "there is no review of %s", stream)
	}
	return x, err
}

func (c *call) getMe() (any, error) { return me{c.who.name, c.who.role}, nil }

func (c *call) listTokens() (any, error) {
	all, err := c.tokens(c)
	return tokenList{all}, err
}

func (s *Server) tokens(ctx context.Context) ([]tokenItem, error) {
	all := []tokenItem{}
	known, err := s.Store.Tokens(ctx)
	for _, t := range known {
		x := tokenItem{ID: t.ID, Name: t.Name, Maker: t.Maker, Created: t.Created, Expires: t.Expires, Used: t.Used, Revoked: t.Revoked}
		if err := x.Role.UnmarshalText([]byte(t.Role)); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, err
}

func (c *call) createToken() (any, error) {
	x := c.body.(*newToken)
	id, token, err := CreateToken(c, c.Store, NewToken{Name: x.Name, Role: x.Role, Expires: x.Expires}, c.by(c.r, c.who))
	if err != nil {
		return nil, err
	}
	return madeToken{id, token.Reveal()}, nil
}

func (c *call) revokeToken() (any, error) {
	return nil, RevokeToken(c, c.Store, c.one("id"), c.by(c.r, c.who))
}

func (c *call) listActions() (any, error) {
	from, err := before(c.one("after"))
	if err != nil {
		return nil, err
	}
	n := c.number("limit")
	items, err := c.Store.Actions(c, from, n+1)
	p := actionPage{Items: some(items)}
	if len(items) > n {
		p.Items, p.Next = items[:n], strconv.FormatInt(items[n-1].ID, 10)
	}
	return p, err
}

func (p actionPage) following() string { return p.Next }

func (actionPage) columns() []string {
	return []string{"id", "at", "actor", "role", "address", "request", "action", "object", "detail", "outcome"}
}

func (p actionPage) rows() iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, x := range p.Items {
			if !yield([]string{strconv.FormatInt(x.ID, 10), stamp(x.At), x.Actor, x.Role, x.Address, x.Request, x.Action, x.Object, x.Detail, x.Outcome}) {
				return
			}
		}
	}
}

func (c *call) getDocument() (any, error) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Write(c.document)
	return nil, nil
}
