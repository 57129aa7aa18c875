package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/server/page"
	"awsscanner/internal/store"
)

// A visit is a request for a page.
type visit struct {
	*Server
	context.Context
	w     http.ResponseWriter
	r     *http.Request
	who   *principal
	frame page.Frame
}

// A pageRoute is something that people open, or a form that they send.
type pageRoute struct {
	method, path string
	role         config.Role
	do           func(*visit) error
}

// pageRoutes are those that are offered.
func (s *Server) pageRoutes() []pageRoute {
	all := []pageRoute{
		{"GET", "/{$}", config.Viewer, (*visit).overview},
		{"GET", "/findings", config.Viewer, (*visit).findings},
		{"GET", "/findings/{id}", config.Viewer, (*visit).findingPage},
		{"GET", "/coverage", config.Viewer, (*visit).coverage},
		{"GET", "/scans", config.Viewer, (*visit).scans},
		{"GET", "/scans/{id}", config.Viewer, (*visit).scanPage},
		{"GET", "/waivers", config.Viewer, (*visit).waiversPage},
		{"GET", "/access", config.Admin, (*visit).access},
		{"GET", "/audit", config.Admin, (*visit).audit},
		{"POST", "/access/tokens", config.Admin, (*visit).makeToken},
		{"POST", "/access/tokens/{id}/revoke", config.Admin, (*visit).revokeToken},
	}
	show := func(offered bool, method, path string, needs config.Role, do func(*visit) error) {
		if offered {
			all = append(all, pageRoute{method, path, needs, do})
		}
	}
	show(s.Schedules != nil, "GET", "/schedules", config.Viewer, (*visit).schedulesPage)
	show(s.Review != nil, "GET", "/review", config.Viewer, (*visit).review)
	show(s.StartScan != nil, "POST", "/scans", config.Operator, (*visit).startScan)
	show(s.CancelScan != nil, "POST", "/scans/{id}/cancel", config.Operator, (*visit).cancelScan)
	signs := s.local == config.NoRole
	show(signs, "GET", "/login", config.NoRole, (*visit).login)
	show(signs, "POST", "/login", config.NoRole, (*visit).logIn)
	show(signs, "POST", "/logout", config.Viewer, (*visit).logOut)
	show(s.oidc != nil, "GET", "/login/oidc", config.NoRole, func(v *visit) error { return s.leave(v.w, v.r) })
	show(s.oidc != nil, "GET", "/login/callback", config.NoRole, func(v *visit) error { return s.arrive(v.w, v.r) })
	return all
}

// static serves what pages load.
func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files[r.URL.Path]
	if !ok {
		s.fail(w, r, refuse(http.StatusNotFound, "There is no such file."))
		return
	}
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(f.Text)
}

// visit shows a page to whoever may see it.
func (s *Server) visit(w http.ResponseWriter, r *http.Request, needs config.Role, do func(*visit) error) {
	who, err := s.admit(w, r, needs)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized && s.local == config.NoRole { // they may sign in first
		w.Header().Del("WWW-Authenticate")
		to := "/login"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), longestAnswer)
	defer cancel()
	v := &visit{Server: s, Context: ctx, w: w, r: r, who: who}
	if err == nil {
		if r.Method == http.MethodPost {
			if err = r.ParseForm(); err != nil {
				var long *http.MaxBytesError
				if !errors.As(err, &long) {
					err = refuse(http.StatusBadRequest, "The form is not understood.")
				}
			}
			for _, values := range r.PostForm {
				if err == nil && !isText(strings.Join(values, "")) {
					err = refuse(http.StatusBadRequest, "The form holds what is no text.")
				}
			}
			if err == nil && r.URL.Path != "/login" {
				err = s.formed(who, r.PostForm.Get("form"))
			}
		}
		if err == nil {
			err = do(v)
		}
	}
	if err != nil {
		s.denied(r, err)
		s.fail(w, r, err)
	}
}

// links lists the pages that somebody may open.
func (s *Server) links(who *principal) []page.Link {
	l := []page.Link{{Name: "Overview", Href: "/"}, {Name: "Findings", Href: "/findings"}, {Name: "Coverage", Href: "/coverage"}, {Name: "Scans", Href: "/scans"}, {Name: "Waivers", Href: "/waivers"}}
	if s.Schedules != nil {
		l = append(l, page.Link{Name: "Schedules", Href: "/schedules"})
	}
	if s.Review != nil {
		l = append(l, page.Link{Name: "Review", Href: "/review"})
	}
	if who.role >= config.Admin {
		l = append(l, page.Link{Name: "Access", Href: "/access"})
	}
	return l
}

func (s *Server) plainFrame(title string) page.Frame {
	return page.Frame{Title: title, Version: s.Version, Asset: s.asset, Now: s.Now()}
}

// framed prepares what is around a page, and says which stream it is about: the first, if none is named.
func (v *visit) framed(title, here string) error {
	v.frame = v.plainFrame(title)
	f := &v.frame
	f.Action = v.r.URL.Path
	if v.r.PathValue("id") != "" { // what another stream does not have
		f.Action = "/" + strings.ToLower(here)
	}
	f.Here, f.Nav, f.Who, f.Role, f.Form, f.Local = here, v.links(v.who), v.who.name, v.who.role.String(), v.who.form, v.who.key == "local"
	var err error
	if f.Streams, err = v.Store.Streams(v); err != nil {
		return err
	}
	name := v.r.URL.Query().Get("stream")
	switch {
	case name != "" && !slices.Contains(f.Streams, name):
		return refuse(http.StatusNotFound, "There is no stream %.80q: it may not have been scanned yet.", name)
	case name != "":
		f.Stream = name
	case len(f.Streams) > 0:
		f.Stream = f.Streams[0]
	}
	return nil
}

// show writes a page, once all of it is there.
func (v *visit) show(c templ.Component) error { return v.showAs(http.StatusOK, c) }

func (v *visit) showAs(status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(v, &b); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes())
	return nil
}

// failPage shows what went wrong.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, p problem) {
	f := s.plainFrame(p.Title)
	if who := aboutOf(r.Context()).who; who != nil {
		f.Nav, f.Who, f.Role, f.Form, f.Local = s.links(who), who.name, who.role.String(), who.form, who.key == "local"
	}
	detail := p.Detail
	if detail != "" {
		detail = strings.ToUpper(detail[:1]) + detail[1:]
		if !strings.HasSuffix(detail, ".") {
			detail += "."
		}
	}
	v := &visit{Server: s, Context: context.WithoutCancel(r.Context()), w: w, r: r}
	if err := v.showAs(p.Status, page.ProblemPage(&page.Problem{Frame: f, Status: p.Status, Name: p.Title, Detail: detail, Request: p.Request})); err != nil {
		s.Log.Error("a page about a failure has failed", "error", err.Error())
	}
}

func shownScan(x scanItem) page.Scan {
	return page.Scan{ID: x.ID, Stream: x.Stream, Cause: x.Cause, State: x.State, Created: x.Created, Started: x.Started, Finished: x.Finished, Failure: x.Failure, Found: x.Found}
}

// lastScan returns the last scan of a stream that is done, or under way; nil if there is none.
func (v *visit) lastScan(states ...store.State) (*page.Scan, error) {
	scans, _, err := v.Store.ScansPage(v, v.frame.Stream, states, "", 1)
	if err != nil || len(scans) == 0 {
		return nil, err
	}
	items, err := v.items(v, scans)
	if err != nil {
		return nil, err
	}
	x := shownScan(items[0])
	return &x, nil
}

func (v *visit) overview() error {
	if err := v.framed("Overview", "Overview"); err != nil {
		return err
	}
	o := &page.Overview{Frame: v.frame, FixTimes: map[engine.Severity]page.FixTime{}}
	var err error
	if o.Running, err = v.lastScan(store.Waiting, store.Running); err != nil {
		return err
	}
	schedules, err := v.schedules(v)
	if err != nil {
		return err
	}
	for _, x := range schedules {
		if (x.Stream == v.frame.Stream || v.frame.Stream == "") && (o.Next.IsZero() || x.Next.Before(o.Next)) {
			o.Next = x.Next
		}
	}
	if v.frame.Stream == "" {
		return v.show(page.OverviewPage(o))
	}
	sum, err := v.summary(v, v.frame.Stream)
	if err != nil {
		return err
	}
	o.Counts = sum.All
	for _, p := range sum.Pillars {
		name := strings.ReplaceAll(string(p.Pillar), "-", " ")
		o.Pillars = append(o.Pillars, page.Row{Name: string(p.Pillar), Title: strings.ToUpper(name[:1]) + name[1:], Counts: p.Counts})
	}
	for _, a := range sum.Accounts {
		o.Accounts = append(o.Accounts, page.Row{Name: a.Account, Title: a.Account, Detail: a.Name, Counts: a.Counts, Cells: a.Cells, Assessed: a.Assessed})
	}
	for _, t := range sum.Fixes {
		o.FixTimes[t.Severity] = page.FixTime{Median: time.Duration(t.Seconds) * time.Second, Fixed: t.Fixed}
	}
	k, err := v.sums.get(v, v.frame.Stream)
	if err != nil {
		return err
	}
	if k.scan != "" {
		items, err := v.items(v, []store.Scan{k.last})
		if err != nil {
			return err
		}
		x := shownScan(items[0])
		o.Last = &x
		c := seen(k)
		o.Cells, o.Assessed = c.Cells, c.Assessed
		for _, g := range c.Grants {
			o.Grants = append(o.Grants, g.Permission)
		}
	}
	if o.Points, err = v.Store.Trend(v, v.frame.Stream, "", v.Now().Add(-quarter)); err != nil {
		return err
	}
	o.Lately, err = v.Store.Happenings(v, store.EventFilter{Stream: v.frame.Stream, Types: []store.EventType{store.New, store.Regressed, store.Escalated, store.Fixed, store.WaiverEnded}, Limit: 10})
	if err != nil {
		return err
	}
	return v.show(page.OverviewPage(o))
}

// pageSize is how many findings a page lists.
const pageSize = 50

// picked reads the filters of a page as the API reads them.
func (v *visit) picked() (*call, error) {
	params := append(findingParams(), param{name: "tab", of: []string{page.OpenTab, page.UnseenTab, page.WaivedTab, page.FixedTab}, standard: page.OpenTab}, param{name: "by", of: []string{"rule"}}, afterParam)
	params = slices.DeleteFunc(params, func(p param) bool {
		return slices.Contains([]string{"state", "waived", "assessed", "since"}, p.name)
	})
	given, err := (&route{params: params}).given(v.r)
	return &call{Server: v.Server, Context: v, w: v.w, r: v.r, who: v.who, given: given}, err
}

// tabbed narrows a filter to a tab.
func tabbed(f store.Filter, tab string) store.Filter {
	yes, no := true, false
	switch f.State = "open"; tab {
	case page.OpenTab:
		f.Waived = &no
	case page.UnseenTab:
		f.Unassessed = &yes
	case page.WaivedTab:
		f.Waived = &yes
	case page.FixedTab:
		f.State = "fixed"
	}
	return f
}

// manyFindings is how many with some words are counted on a page.
const manyFindings = 1000

func (v *visit) findings() error {
	if err := v.framed("Findings", "Findings"); err != nil {
		return err
	}
	c, err := v.picked()
	if err != nil {
		return err
	}
	values := v.r.URL.Query()
	p := &page.Findings{Frame: v.frame, Filters: page.Filters{Path: "/findings", Values: values}, Tab: c.one("tab"), Rules: c.one("by") == "rule", Back: c.one("after") != ""}
	k := &known{Sums: &store.Sums{}}
	if v.frame.Stream != "" {
		if k, err = v.sums.get(v, v.frame.Stream); err != nil {
			return err
		}
	}
	p.Counts = k.All
	f := c.filter()
	f.Stream, f.Limit = v.frame.Stream, pageSize
	f = tabbed(f, p.Tab)
	v.tabs(p, k)
	p.Facets = v.facets(k)
	p.CSV = "/api/v1/findings?" + asAPI(f).Encode()
	if p.Rules {
		picked, err := v.rulesOf(f, k)
		if err != nil {
			return err
		}
		p.ByRule = picked
		return v.show(page.FindingsPage(p))
	}
	items, next, err := v.Store.Findings(v, f)
	if err != nil {
		return mistaken(err)
	}
	p.Items = items
	if next != "" {
		values := v.r.URL.Query()
		values.Set("after", next)
		p.More = "/findings?" + values.Encode()
	}
	switch {
	case next == "" && !p.Back:
		p.Count = len(items)
	case f.Text != "": // each finding is looked at
		f.After = ""
		if p.Count, err = v.Store.CountUpTo(v, f, manyFindings+1); err != nil {
			return err
		}
		p.AtLeast = p.Count > manyFindings
		p.Count = min(p.Count, manyFindings)
	default:
		if p.Count, err = v.countOf(f, k, p.Tab); err != nil {
			return err
		}
	}
	return v.show(page.FindingsPage(p))
}

// countOf counts what a filter picks: without asking, if the sums tell.
func (v *visit) countOf(f store.Filter, k *known, tab string) (int, error) {
	f.After = ""
	if len(f.Severities)+len(f.Pillars)+len(f.Rules)+len(f.Accounts)+len(f.Regions)+len(f.Owners)+len(f.Services) == 0 && f.Text == "" && tab == page.OpenTab {
		return sumOf(&k.All), nil
	}
	return v.Store.Count(v, f)
}

func sumOf(c *store.Counts) (n int) {
	for _, of := range c.Open {
		n += of
	}
	return n
}

func (v *visit) tabs(p *page.Findings, k *known) {
	fixed := 0
	if v.frame.Stream != "" {
		fixed, _ = v.Store.Count(v, store.Filter{Stream: v.frame.Stream, State: "fixed"}) // a number beside a word
	}
	for _, t := range []page.Tab{{Name: page.OpenTab, Title: "Open", N: sumOf(&k.All)}, {Name: page.UnseenTab, Title: "Not assessed", N: k.All.NotAssessed}, {Name: page.WaivedTab, Title: "Waived", N: k.All.Waived}, {Name: page.FixedTab, Title: "Fixed", N: fixed}} {
		q := v.r.URL.Query()
		q.Set("tab", t.Name)
		q.Del("after")
		if t.Name == page.OpenTab {
			q.Del("tab")
		}
		t.Here, t.Href = t.Name == p.Tab, "/findings"
		if len(q) > 0 {
			t.Href += "?" + q.Encode()
		}
		p.Tabs = append(p.Tabs, t)
	}
}

// facets are the menus of the page: what findings have, the most frequent first.
func (v *visit) facets(k *known) []page.Facet {
	var pillars, services, rules, accounts, regions, owners []page.Option
	for _, p := range engine.Pillars {
		if c := k.Pillars[p]; c != nil {
			name := strings.ReplaceAll(string(p), "-", " ")
			pillars = append(pillars, page.Option{Value: string(p), Label: strings.ToUpper(name[:1]) + name[1:], N: sumOf(c) + c.Waived})
		}
	}
	of := map[string]int{}
	for id, c := range k.Rules {
		rules = append(rules, page.Option{Value: id, Label: id, N: sumOf(c) + c.Waived})
		service, _, _ := strings.Cut(id, "-")
		of[service] += sumOf(c) + c.Waived
	}
	for service, n := range of {
		services = append(services, page.Option{Value: service, Label: service, N: n})
	}
	options := func(counts map[string]*store.Counts) (all []page.Option) {
		for name, c := range counts {
			if name != "" {
				all = append(all, page.Option{Value: name, Label: name, N: sumOf(c) + c.Waived})
			}
		}
		return all
	}
	accounts, regions, owners = options(k.Accounts), options(k.Regions), options(k.Owners)
	var all []page.Facet
	for _, f := range []page.Facet{{Name: "service", Label: "Service", Options: services}, {Name: "pillar", Label: "Pillar", Options: pillars}, {Name: "account", Label: "Account", Options: accounts}, {Name: "region", Label: "Region", Options: regions}, {Name: "owner", Label: "Owner", Options: owners}, {Name: "rule", Label: "Rule", Options: rules}} {
		slices.SortFunc(f.Options, func(a, b page.Option) int { return strings.Compare(a.Label, b.Label) })
		for _, value := range v.r.URL.Query()[f.Name] { // one that nothing has any more
			if value != "" && !slices.ContainsFunc(f.Options, func(o page.Option) bool { return o.Value == value }) {
				f.Options = append(f.Options, page.Option{Value: value, Label: value})
			}
		}
		if len(f.Options) > 1 || v.r.URL.Query().Get(f.Name) != "" {
			all = append(all, f)
		}
	}
	return all
}

// rulesOf counts what a filter picks, by rule.
func (v *visit) rulesOf(f store.Filter, k *known) (rows []page.Row, err error) {
	counts, err := v.Store.CountRules(v, f)
	if err != nil {
		return nil, err
	}
	for id, c := range counts {
		row := page.Row{Name: id, Title: id, Counts: *c}
		if r := v.rule(id); r != nil {
			row.Title, row.Detail = r.Title, id
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b page.Row) int { return worse(&a.Counts, &b.Counts, a.Name, b.Name) })
	return rows, nil
}

// asAPI returns the query of the API that picks the same.
func asAPI(f store.Filter) url.Values {
	q := url.Values{"format": {"csv"}, "state": {f.State}}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("stream", f.Stream)
	set("q", f.Text)
	for _, s := range f.Severities {
		q.Add("severity", s.String())
	}
	for _, p := range f.Pillars {
		q.Add("pillar", string(p))
	}
	for name, values := range map[string][]string{"rule": f.Rules, "service": f.Services, "account": f.Accounts, "region": f.Regions, "owner": f.Owners} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	if f.Waived != nil {
		q.Set("waived", strconv.FormatBool(*f.Waived))
	}
	if f.Unassessed != nil {
		q.Set("assessed", strconv.FormatBool(!*f.Unassessed))
	}
	return q
}

func (v *visit) findingPage() error {
	if err := v.framed("Finding", "Findings"); err != nil {
		return err
	}
	x, err := v.finding(v, v.r.PathValue("id"), v.r.URL.Query().Get("stream"))
	if err != nil {
		return err
	}
	v.frame.Stream = x.Stream
	name := x.Finding.Resource.Name
	if name == "" {
		name = x.Finding.Resource.ID
	}
	v.frame.Title = name + ", " + x.Finding.Rule
	p := &page.Finding{Frame: v.frame, Finding: x, Rule: v.rule(x.Finding.Rule)}
	if p.History, err = v.Store.History(v, x.Stream, x.Finding.Identity); err != nil {
		return err
	}
	return v.show(page.FindingPage(p))
}

// A document is a policy of IAM.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Action      []string
	Resource    string
}

func (v *visit) coverage() error {
	if err := v.framed("Coverage", "Coverage"); err != nil {
		return err
	}
	k, err := v.sums.get(v, v.frame.Stream)
	if err != nil {
		return err
	}
	if k.scan == "" {
		return v.show(page.OverviewPage(&page.Overview{Frame: v.frame}))
	}
	c := seen(k)
	scan := shownScan(told(k.last))
	p := &page.Coverage{Frame: v.frame, Scan: &scan, Cells: c.Cells, Assessed: c.Assessed, Accounts: c.Accounts, Skipped: c.Skipped}
	var lacking []string
	for _, g := range c.Grants {
		if g.Where == "identity" {
			lacking = append(lacking, g.Permission)
		}
		p.Grants = append(p.Grants, page.Grant{Permission: g.Permission, Resource: g.Where == "resource", Accounts: g.Accounts, Rules: g.Rules, Resources: g.Resources})
	}
	if len(lacking) > 0 {
		slices.Sort(lacking)
		text, err := json.MarshalIndent(document{"2012-10-17", []statement{{"ScannerReads", "Allow", lacking, "*"}}}, "", "  ")
		if err != nil {
			return err
		}
		p.Policy = string(text)
	}
	for _, g := range c.Gaps {
		switch {
		case g.Class != "fixable":
			p.Limits = append(p.Limits, g)
		case len(g.Permissions) == 0:
			p.Others = append(p.Others, g)
		}
	}
	slices.SortStableFunc(p.Accounts, func(a, b report.Coverage) int {
		return (b.Cells - b.Assessed) - (a.Cells - a.Assessed)
	})
	return v.show(page.CoveragePage(p))
}

// scansPerPage is how many scans a page lists.
const scansPerPage = 50

func (v *visit) scans() error {
	if err := v.framed("Scans", "Scans"); err != nil {
		return err
	}
	scans, next, err := v.Store.ScansPage(v, v.frame.Stream, nil, v.r.URL.Query().Get("after"), scansPerPage)
	if err != nil {
		return mistaken(err)
	}
	items, err := v.items(v, scans)
	if err != nil {
		return err
	}
	p := &page.Scans{Frame: v.frame, CanScan: v.StartScan != nil && v.who.role >= config.Operator}
	for _, x := range items {
		p.Items = append(p.Items, shownScan(x))
	}
	if next != "" {
		q := v.r.URL.Query()
		q.Set("after", next)
		p.More = "/scans?" + q.Encode()
	}
	if p.CanScan {
		if p.Targets, err = v.targets(); err != nil {
			return err
		}
	}
	return v.show(page.ScansPage(p))
}

// targets are what can be scanned from a page about a stream: the stream, unless it is scanned on the command line only; anything, if nothing was
// scanned yet.
func (v *visit) targets() (all []string, err error) {
	if v.Schedules == nil {
		if v.frame.Stream != "" {
			all = []string{v.frame.Stream}
		}
		return all, nil
	}
	known, err := v.Schedules(v)
	for _, x := range known {
		if x.Stream == v.frame.Stream || v.frame.Stream == "" {
			all = append(all, x.Stream)
		}
	}
	return all, err
}

// changesPerPage is how many changes the page about a scan lists.
const changesPerPage = 200

func (v *visit) scanPage() error {
	if err := v.framed("Scan", "Scans"); err != nil {
		return err
	}
	id := v.r.PathValue("id")
	aboutOf(v.r.Context()).scan = id
	x, err := v.Store.Scan(v, id)
	if err != nil {
		return missing(err, "scan")
	}
	items, err := v.items(v, []store.Scan{x})
	if err != nil {
		return err
	}
	v.frame.Stream, v.frame.Title = x.Stream, "Scan of "+x.Stream
	p := &page.ScanPage{Frame: v.frame, Scan: shownScan(items[0]), CanCancel: v.CancelScan != nil && v.who.role >= config.Operator && !x.State.Over()}
	if !x.State.Over() {
		g, err := v.progress(v, x)
		if err != nil {
			return err
		}
		p.Progress = page.Progress{Phase: g.Phase, Accounts: g.Accounts, AccountsTotal: g.AccountsTotal, Regions: g.Regions, RegionsTotal: g.RegionsTotal, Calls: g.Calls, CallsKnown: g.CallsKnown, Throttled: g.Throttled, SecondsLeft: g.SecondsLeft}
		return v.show(page.ScanDetailPage(p))
	}
	h, err := headOf(x)
	if err != nil {
		return err
	}
	p.Caller, p.Regions, p.Rules, p.Calls, p.Throttled = h.Scan.Caller, h.Scan.Regions, h.Summary.Rules, h.Scan.Calls, h.Scan.Throttled
	if p.Events, err = v.Store.Happenings(v, store.EventFilter{Scan: id, Limit: changesPerPage + 1}); err != nil {
		return err
	}
	if len(p.Events) > changesPerPage {
		p.Events, p.More = p.Events[:changesPerPage], true
	}
	slices.SortStableFunc(p.Events, func(a, b store.Happening) int {
		return cmp.Or(cmp.Compare(weight(a.Type), weight(b.Type)), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.ID, b.ID))
	})
	if v.who.role >= config.Operator {
		if in, err := v.Store.Snapshot(v, id); err == nil {
			in.Close()
			p.CanDownload = true
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return v.show(page.ScanDetailPage(p))
}

// weight orders what has become of findings: what is worse than before comes first.
func weight(t store.EventType) int {
	return slices.Index([]store.EventType{store.Regressed, store.New, store.Escalated, store.WaiverEnded, store.NewlyAssessed, store.NoLongerAssessed, store.Fixed, store.AssessedAgain, store.Waived}, t)
}

func (v *visit) waiversPage() error {
	if err := v.framed("Waivers", "Waivers"); err != nil {
		return err
	}
	p := &page.Waivers{Frame: v.frame}
	if v.frame.Stream != "" {
		all, err := v.waivers(v, v.frame.Stream)
		if err != nil {
			return err
		}
		for _, w := range all {
			p.Items = append(p.Items, page.Waiver{Reason: w.Reason, Owner: w.Owner, Expires: w.Expires, Ticket: w.Ticket, Mitigation: w.Mitigation, Risk: w.Risk, Source: w.Source, Condition: w.Condition, DaysLeft: w.DaysLeft, Rules: w.Rules, Findings: w.Findings})
		}
		if p.Ended, err = v.Store.Happenings(v, store.EventFilter{Stream: v.frame.Stream, Types: []store.EventType{store.WaiverEnded}, Since: v.Now().AddDate(0, 0, -30), Limit: 50}); err != nil {
			return err
		}
	}
	return v.show(page.WaiversPage(p))
}

func (v *visit) schedulesPage() error {
	if err := v.framed("Schedules", "Schedules"); err != nil {
		return err
	}
	all, err := v.schedules(v)
	if err != nil {
		return err
	}
	v.frame.Whole = true
	p := &page.Schedules{Frame: v.frame, CanScan: v.StartScan != nil && v.who.role >= config.Operator}
	for _, x := range all {
		s := page.Schedule{Stream: x.Stream, Times: x.Times, TimeZone: x.TimeZone, Next: x.Next}
		if x.Last != nil {
			last := shownScan(*x.Last)
			s.Last = &last
		}
		p.Items = append(p.Items, s)
	}
	return v.show(page.SchedulesPage(p))
}

func (v *visit) review() error {
	if err := v.framed("Review", "Review"); err != nil {
		return err
	}
	x, err := v.Review(v, v.frame.Stream)
	if err == nil && x == nil {
		err = refuse(http.StatusNotFound, "There is no review of %s yet.", v.frame.Stream)
	}
	if err != nil {
		return err
	}
	p := &page.Review{Frame: v.frame, Edition: x.Edition}
	for _, pillar := range x.Pillars {
		name := strings.ReplaceAll(string(pillar.Pillar), "-", " ")
		of := page.ReviewPillar{Title: strings.ToUpper(name[:1]) + name[1:]}
		for _, q := range pillar.Questions {
			question := page.ReviewQuestion{ID: q.ID, Title: q.Title, Risk: q.Risk, Possible: q.Possible, Open: q.Open}
			for _, t := range q.Practices {
				question.Practices = append(question.Practices, page.ReviewPractice{ID: t.ID, Title: t.Title, Level: t.Level, State: t.State, Because: t.Because, Failing: t.Failing, Rules: t.Rules})
			}
			of.Questions = append(of.Questions, question)
		}
		p.Pillars = append(p.Pillars, of)
	}
	return v.show(page.ReviewPage(p))
}

func (v *visit) startScan() error {
	stream := v.r.PostForm.Get("stream")
	if stream == "" || len(stream) > 200 {
		return refuse(http.StatusBadRequest, "The form names no stream.")
	}
	id, err := v.start(v.r, v.who, stream)
	if err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/scans/"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}

func (v *visit) cancelScan() error {
	id := v.r.PathValue("id")
	if err := v.cancel(v.r, v.who, id); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/scans/"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}

func (v *visit) access() error { return v.showAccess(http.StatusOK, &page.Access{}) }

func (v *visit) showAccess(status int, p *page.Access) error {
	if err := v.framed("Access", "Access"); err != nil {
		return err
	}
	v.frame.Whole = true
	p.Frame = v.frame
	all, err := v.tokens(v)
	if err != nil {
		return err
	}
	for _, t := range all {
		p.Tokens = append(p.Tokens, page.Token{ID: t.ID, Name: t.Name, Role: t.Role.String(), Maker: t.Maker, Created: t.Created, Expires: t.Expires, Used: t.Used, Revoked: t.Revoked})
	}
	return v.showAs(status, page.AccessPage(p))
}

func (v *visit) makeToken() error {
	f := v.r.PostForm
	t := NewToken{Name: f.Get("name")}
	var wrong *Refusal
	if err := t.Role.UnmarshalText([]byte(f.Get("role"))); err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	if text := f.Get("days"); text != "" {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > 3650 {
			return v.showAccess(http.StatusBadRequest, &page.Access{Wrong: "A token lasts from 1 to 3650 days."})
		}
		t.Expires = v.Now().AddDate(0, 0, days)
	}
	_, token, err := CreateToken(v, v.Store, t, v.by(v.r, v.who))
	if errors.As(err, &wrong) {
		return v.showAccess(wrong.Status, &page.Access{Wrong: wrong.Text + "."})
	}
	if err != nil {
		return err
	}
	return v.showAccess(http.StatusCreated, &page.Access{Made: token.Reveal(), Name: t.Name})
}

func (v *visit) revokeToken() error {
	if err := RevokeToken(v, v.Store, v.r.PathValue("id"), v.by(v.r, v.who)); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/access", http.StatusSeeOther)
	return nil
}

func (v *visit) audit() error {
	if err := v.framed("Audit log", "Access"); err != nil {
		return err
	}
	from, err := before(v.r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	const most = 100
	v.frame.Whole = true
	p := &page.Audit{Frame: v.frame}
	if p.Items, err = v.Store.Actions(v, from, most+1); err != nil {
		return err
	}
	if len(p.Items) > most {
		p.Items = p.Items[:most]
		p.More = fmt.Sprintf("/audit?after=%d", p.Items[most-1].ID)
	}
	return v.show(page.AuditPage(p))
}

func (v *visit) loginPage(status int, wrong string) error {
	p := &page.Login{Frame: v.plainFrame("Sign in"), Wrong: wrong}
	next := v.r.URL.Query().Get("next")
	if v.r.Method == http.MethodPost {
		next = v.r.PostForm.Get("next")
	}
	if p.Next = local(next); v.oidc != nil {
		p.OIDC = "/login/oidc?" + url.Values{"next": {p.Next}}.Encode()
	}
	return v.showAs(status, page.LoginPage(p))
}

func (v *visit) login() error {
	if v.who != nil {
		http.Redirect(v.w, v.r, local(v.r.URL.Query().Get("next")), http.StatusSeeOther)
		return nil
	}
	return v.loginPage(http.StatusOK, "")
}

// logIn lets in who has a token.
func (v *visit) logIn() error {
	p, err := v.byToken(v, strings.TrimSpace(v.r.PostForm.Get("token")))
	if errors.Is(err, errToken) {
		v.wrong(v.r, "by token", errToken.Error())
		return v.loginPage(http.StatusUnauthorized, "This token is not known, revoked or over.")
	}
	if err != nil {
		return err
	}
	next := local(v.r.PostForm.Get("next"))
	return v.audited(v.r, p, "sign-in", "", "by token", func() (string, error) {
		if err := v.signIn(v, v.w, p.name, p.token, p.role); err != nil {
			return "", err
		}
		http.Redirect(v.w, v.r, next, http.StatusSeeOther)
		return "", nil
	})
}

func (v *visit) logOut() error {
	return v.audited(v.r, v.who, "sign-out", "", "", func() (string, error) {
		if err := v.signOut(v.w, v.r); err != nil {
			return "", err
		}
		http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
		return "", nil
	})
}
