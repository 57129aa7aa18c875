package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/price"
	"awsscanner/internal/report"
)

// A callJSON is how programs see a planned call.
type callJSON struct {
	Call        string     `json:"call"`
	Often       string     `json:"often"`
	Requests    *int       `json:"requests,omitempty"` // about, if there is something to estimate from
	Permissions []string   `json:"permissions"`
	Endpoint    string     `json:"endpoint"` // with <region> for its name, where there is one in each
	USD         float64    `json:"usdPerRequest,omitempty"`
	Rules       []string   `json:"rules"`
	hosts       []host     // of all regions
	per         model.Kind // of which each resource takes a request, or a few of them do
	price       string     // what it hangs on, for people
	maybe       bool       // only if something else fails, or a flag asks for it
}

// A host is one to which requests go.
type host struct {
	Host        string `json:"host"`
	VPCEndpoint string `json:"vpcEndpoint,omitempty"` // name of the endpoint service
}

// A totalJSON is what a scan takes.
type totalJSON struct {
	From     string  `json:"from"`     // what the estimate is made from
	Requests int     `json:"requests"` // about: each further page of a list is one more
	Seconds  float64 `json:"seconds"`
	USD      float64 `json:"usd"`          // of a scan, at most
	USDMonth float64 `json:"usdOf30Scans"` // a scan a day

	paced bool // the time is that of the last scan; otherwise it is the least
}

// A survey says for which accounts and regions calls are shown.
type survey struct {
	tags       bool // of what is judged are asked for
	who        bool // changed what is looked up
	partition  string
	regions    []string
	profile    string
	org        bool
	accounts   int // 0: not given
	perAccount int // regions of each account; 0: not given
	resources  int // of each kind in each account; -1: not given
}

func callsCommand() *cobra.Command {
	var sel selection
	var v survey
	var format, attribution string
	var endpoints bool
	c := &cobra.Command{
		Use: "calls", Aliases: []string{"plan"}, Short: "Show the exact API operations that a scan with these rules makes, where they go, and what they take", Args: cobra.NoArgs,
		Long: `Calls shows the operations that a scan with the selected rules makes, and no others, how often, and which endpoints it contacts. It sends nothing.
Lists take one more request for each further page. What is estimated comes from the last saved scan, or from the three counts that you give.
Endpoints are those that the AWS SDK resolves: AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and AWS_ENDPOINT_URL count.`,
		Example: `  scanner calls --endpoints --regions eu-west-1,eu-central-1
  scanner calls --partition aws-us-gov
  scanner calls --accounts-count 200 --regions-count 17 --resources 50`,
	}
	f := c.Flags()
	f.BoolVar(&v.tags, "tags", false, "with the calls that --tag and --owner need")
	sel.flags(f)
	sel.conf.waiverFlag(f)
	f.StringVar(&v.partition, "partition", "", "endpoints of this partition (default: that of --regions, else aws)")
	f.StringSliceVar(&v.regions, "regions", nil, "endpoints in these regions, names or globs (default: those that are always on)")
	f.StringSliceVar(&v.regions, "region", nil, "the same as --regions")
	f.StringVar(&v.profile, "profile", "", "with the settings of this profile of the AWS configuration")
	f.BoolVar(&v.org, "org", false, "also the calls that list an organization and enter its accounts")
	attributionFlag(f, &attribution)
	f.BoolVar(&endpoints, "endpoints", false, "only the hosts, one a line, with the name of their VPC endpoint service: for allow-lists")
	f.IntVar(&v.accounts, "accounts-count", 0, "estimate for so many accounts")
	f.IntVar(&v.perAccount, "regions-count", 0, "estimate for so many regions of each account")
	f.IntVar(&v.resources, "resources", -1, "estimate for so many resources of each kind in each account")
	f.StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if f.Changed("accounts-count") && v.accounts < 1 || f.Changed("regions-count") && v.perAccount < 1 || f.Changed("resources") && v.resources < 0 {
			return usage("--accounts-count and --regions-count must be positive, and --resources not negative")
		}
		v.tags = v.tags || sel.conf.needTags()
		if v.who, err = attributionOf(attribution, &sel.conf); err != nil {
			return err
		}
		all, skipped, partition, err := v.calls(c.Context(), picked)
		if err != nil {
			return err
		}
		if endpoints {
			return showHosts(c.OutOrStdout(), format, all)
		}
		total, err := v.estimate(c.Context(), picked, all, partition)
		if err != nil {
			return err
		}
		if format == "json" {
			return encode(c.OutOrStdout(), struct {
				Calls   []callJSON    `json:"calls"`
				Skipped []engine.Skip `json:"skipped,omitempty"`
				Total   *totalJSON    `json:"total,omitempty"`
			}{all, skipped, total})
		}
		if err := showCalls(c.OutOrStdout(), all, total); err != nil || len(skipped) == 0 {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), "SKIPPED   "+report.Lacking(skipped, partition.Name))
		return err
	}
	return c
}

// calls returns all calls of a scan with some rules and where they go, and the services that would be called if AWS offered them there.
// It sends nothing.
func (v *survey) calls(ctx context.Context, picked []engine.Rule) (all []callJSON, skipped []engine.Skip, partition session.Partition, err error) {
	cfg, err := session.Load(ctx, session.Options{Profile: v.profile, MFA: func() (string, error) { return "", errors.New("not asked for") }})
	if err != nil {
		return nil, nil, partition, failed("%s", err)
	}
	partition, regions, err := v.where(cfg.Region)
	if err != nil {
		return nil, nil, partition, err
	}
	first := cfg.Region // where sessions begin
	if session.PartitionOf(first).Name != partition.Name || len(v.regions) > 0 {
		first = regions[0]
	}
	sources := slices.Concat([]collect.Service{session.Calls}, services.All)
	hosts := func(op string, regions []string) (pattern string, out []host) {
		service, _, _ := strings.Cut(op, ":")
		found := map[string]string{} // by region
		at := func(region string) string {
			if _, ok := found[region]; !ok {
				cfg := cfg.Copy()
				cfg.Region = region
				found[region] = collect.Host(sources, op, collect.At{Place: model.Place{Region: region}, Partition: partition.Name, Config: cfg})
			}
			return found[region]
		}
		var patterns []string
		for _, region := range regions {
			h := at(region)
			if h == "" {
				continue
			}
			x := host{Host: h}
			if strings.HasSuffix(h, partition.Suffix) && !strings.Contains(h, "-fips.") { // of the others the names are not known
				x.VPCEndpoint = partition.VPCEndpoint(service, region)
			}
			out = append(out, x)
			if len(regions) > 1 && at(otherThan(region, regions)) != h { // it goes with the region
				h = strings.ReplaceAll(h, region, "<region>")
			}
			patterns = append(patterns, h)
		}
		slices.Sort(patterns)
		return cmp.Or(strings.Join(slices.Compact(patterns), " or "), "none"), out
	}
	add := func(op, often string, regions []string, per model.Kind, rule string) *callJSON {
		i := slices.IndexFunc(all, func(x callJSON) bool { return x.Call == op })
		if i < 0 {
			i = len(all)
			r, _ := price.RequestOf(model.Operation(op))
			x := callJSON{Call: op, Often: often, Permissions: model.Permissions(op), USD: r.USD, price: r.Note, Rules: []string{}, per: per}
			x.Endpoint, x.hosts = hosts(op, regions)
			all = append(all, x)
		}
		if rule != "" {
			all[i].Rules = append(all[i].Rules, rule)
		}
		return &all[i]
	}
	begin := []string{first}
	add("sts:GetCallerIdentity", "once per account", begin, "", "")
	if partition.Lacks("account", "") {
		add("ec2:DescribeRegions", "once per account", begin, "", "")
	} else {
		add("account:ListRegions", "once per account", begin, "", "")
		add("ec2:DescribeRegions", "once per account, if account:ListRegions is refused", begin, "", "").maybe = true
	}
	if v.org {
		add("organizations:ListAccounts", "once", begin, "", "")
		add("organizations:ListAccountsForParent", "for each unit, with --ou", begin, "", "").maybe = true
		add("organizations:ListOrganizationalUnitsForParent", "for each unit, with --ou", begin, "", "").maybe = true
		add("organizations:ListTagsForResource", "for each account, with --account-tag", begin, "", "").maybe = true
		add("sts:AssumeRole", "once per account and session", begin, "", "")
	}
	whole, err := planFor(picked, v.tags)
	if err != nil {
		return nil, nil, partition, err
	}
	for i := range picked {
		plan, err := planFor(picked[i:i+1], v.tags)
		if err != nil {
			return nil, nil, partition, err
		}
		for _, op := range plan.Ops {
			service, _, _ := strings.Cut(op, ":")
			offered := slices.DeleteFunc(slices.Clone(regions), func(region string) bool { return partition.Lacks(service, region) })
			if len(offered) > 0 {
				add(op, whole.Often(op), offered, plan.PerResource(op), picked[i].ID)
			}
		}
	}
	if v.who {
		for _, op := range model.AttributionCalls {
			add(op, "after a scan by scanner serve, for what is new or worse", regions, "", "").maybe = true
		}
	}
	return all, whole.Skips(partition.Name, regions, partition.Lacks), partition, nil
}

func otherThan(region string, regions []string) string {
	if regions[0] != region {
		return regions[0]
	}
	return regions[1]
}

// where returns the partition, and its regions of which endpoints are shown. If no flag tells, the configured region does.
func (v *survey) where(configured string) (session.Partition, []string, error) {
	p := session.PartitionOf(configured)
	if len(v.regions) > 0 && v.regions[0] != "all" {
		p = session.PartitionOf(v.regions[0])
	}
	if v.partition != "" {
		var names []string
		for _, known := range session.Partitions {
			names = append(names, known.Name)
		}
		if err := oneOf("--partition", v.partition, names); err != nil {
			return p, nil, err
		}
		p, _ = session.PartitionNamed(v.partition)
	}
	if len(v.regions) == 0 || slices.Equal(v.regions, []string{"all"}) {
		return p, p.AlwaysOn, nil
	}
	var regions []string
	for _, glob := range v.regions {
		n := len(regions)
		for _, region := range p.AlwaysOn {
			if engine.Match(glob, region) {
				regions = append(regions, region)
			}
		}
		switch {
		case session.PartitionOf(glob).Name != p.Name && v.partition != "":
			return p, nil, usage("--regions: %s is no region of --partition %s", glob, v.partition)
		case session.PartitionOf(glob).Name != p.Name:
			return p, nil, usage("--regions: %s and %s are of different partitions: ask about one at a time", v.regions[0], glob)
		case len(regions) > n:
		case !regionName.MatchString(glob):
			return p, nil, usage("--regions: no region that is always on matches %s: name regions, as eu-south-1", glob)
		default:
			regions = append(regions, glob)
		}
	}
	slices.Sort(regions)
	return p, slices.Compact(regions), nil
}

// estimate says what a scan takes: from the counts that were given, or else from the last saved scan. It is nil if there is neither. It notes at
// each call how many requests it takes.
func (v *survey) estimate(ctx context.Context, picked []engine.Rule, all []callJSON, partition session.Partition) (*totalJSON, error) {
	plan, err := planFor(picked, v.tags)
	if err != nil {
		return nil, err
	}
	var extent collect.Extent
	t := &totalJSON{}
	pace := 0.0 // seconds of a request
	if v.accounts > 0 || v.perAccount > 0 || v.resources >= 0 {
		extent = collect.Extent{Accounts: max(1, v.accounts), Regions: v.perAccount}
		if v.perAccount == 0 {
			extent.Regions = len(partition.AlwaysOn)
		}
		n := max(0, v.resources)
		extent.Resources = func(model.Kind) int { return n * extent.Accounts }
		t.From = fmt.Sprintf("%s, %s each, %s of each kind in each", count(extent.Accounts, "account"), count(extent.Regions, "region"), count(n, "resource"))
	} else {
		name, err := lastScan()
		if err != nil { // there is none, or nobody knows where
			return nil, nil
		}
		s, err := openSnapshot(ctx, name)
		if err != nil { // the calls are the same
			return nil, nil
		}
		found, all := map[model.Kind]int{}, 0
		for part, err := range s.Accounts() {
			if err != nil {
				return nil, nil
			}
			all += part.Len()
			for k, t := range kinds.All {
				found[k] += len(part.All(t))
			}
		}
		accounts := map[string]bool{}
		places := 0
		for _, p := range s.Read {
			accounts[p.Account] = true
			if p.Region != "" {
				places++
			}
		}
		for _, op := range plan.Ops {
			if k := plan.PerResource(op); k != "" && !slices.Contains(s.Listed, k) && (found[k] == 0 || slices.Contains(plan.Kinds, k)) {
				return nil, nil // it was made for other rules
			}
		}
		extent = collect.Extent{Accounts: len(accounts), Resources: func(k model.Kind) int { return found[k] }}
		if extent.Accounts == 0 {
			return nil, nil
		}
		extent.Regions = (places + extent.Accounts - 1) / extent.Accounts
		t.From = fmt.Sprintf("the last scan, of %s: %s, %s each, %s", s.Start.Format("2006-01-02 15:04"), count(extent.Accounts, "account"), count(extent.Regions, "region"), count(all, "resource"))
		if took := s.Finished.Sub(s.Start).Seconds(); took > 0 && s.Calls > 0 {
			pace = took / float64(s.Calls)
		}
	}
	for i := range all {
		x := &all[i]
		n := extent.Accounts
		switch {
		case slices.Contains(plan.Ops, x.Call):
			n = plan.Requests(x.Call, extent)
		case x.maybe:
			continue
		case x.Often == "once":
			n = 1
		}
		x.Requests = &n
		t.Requests += n
		t.USD += float64(n) * x.USD
	}
	t.USDMonth = 30 * t.USD
	t.Seconds, t.paced = pace*float64(t.Requests), pace > 0
	if !t.paced {
		t.Seconds = collect.Fastest(t.Requests, typicalAnswer).Seconds()
	}
	return t, nil
}

// typicalAnswer is how long AWS takes for a request that describes, as a rule of thumb.
const typicalAnswer = 50 * time.Millisecond

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func showCalls(out io.Writer, all []callJSON, total *totalJSON) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "CALL\tHOW OFTEN\t")
	if total != nil {
		fmt.Fprint(w, "REQUESTS\t")
	}
	fmt.Fprintln(w, "ENDPOINT\tFOR")
	perAccount, perRegion := 0, 0
	var priced []string
	per := map[model.Kind]bool{}
	for _, x := range all {
		fmt.Fprintf(w, "%s\t%s\t", x.Call, x.Often)
		if total != nil && x.Requests != nil {
			fmt.Fprintf(w, "%d\t", *x.Requests)
		} else if total != nil {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprintf(w, "%s\t%s\n", x.Endpoint, strings.Join(x.Rules, ", "))
		switch {
		case x.per != "":
			per[x.per] = true
		case x.Often == "once per region":
			perRegion++
		case !x.maybe && x.Often != "once":
			perAccount++
		}
		if x.USD > 0 {
			priced = append(priced, x.Call+" ("+x.price+")")
		}
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	if total == nil {
		fmt.Fprintf(out, "REQUESTS  for each account %d, and %d for each of its regions; one for each resource of %s, or for several of them\n", perAccount, perRegion, count(len(per), "kind"))
		fmt.Fprintln(out, "          and one for each further page of a list: give --accounts-count, --regions-count and --resources for a number, or scan once")
	} else {
		fmt.Fprintf(out, "REQUESTS  about %d, and one for each further page of a list; from %s\n", total.Requests, total.From)
		if total.paced {
			fmt.Fprintf(out, "TIME      about %s, at the pace of that scan\n", rounded(total.Seconds))
		} else {
			fmt.Fprintf(out, "TIME      %s or more: as if AWS took %s for an answer and throttled none\n", rounded(total.Seconds), typicalAnswer)
		}
	}
	if len(priced) == 0 {
		_, err := fmt.Fprintln(out, "PRICE     none of these calls has a price")
		return err
	}
	what := strings.Join(priced, ", ")
	if total == nil {
		_, err := fmt.Fprintf(out, "PRICE     AWS charges for %s; nothing for the others\n", what)
		return err
	}
	_, err := fmt.Fprintf(out, "PRICE     at most %s a scan, %s for 30 scans, for %s; nothing for the others\n", usd(total.USD), usd(total.USDMonth), what)
	return err
}

func usd(x float64) string {
	if x < 0.01 {
		return "1 cent"
	}
	return fmt.Sprintf("USD %.2f", x)
}

func rounded(seconds float64) time.Duration {
	return max(time.Second, time.Duration(seconds*float64(time.Second)).Round(time.Second))
}

// showHosts lists each host once.
func showHosts(out io.Writer, format string, all []callJSON) error {
	hosts := []host{}
	for _, x := range all {
		hosts = append(hosts, x.hosts...)
	}
	slices.SortFunc(hosts, func(a, b host) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.VPCEndpoint, b.VPCEndpoint))
	})
	hosts = slices.CompactFunc(hosts, func(a, b host) bool { return a.Host == b.Host })
	if format == "json" {
		return encode(out, struct {
			Endpoints []host `json:"endpoints"`
		}{hosts})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, h := range hosts {
		fmt.Fprintf(w, "%s\t%s\n", h.Host, cmp.Or(h.VPCEndpoint, "-"))
	}
	return w.Flush()
}

func doctorCommand() *cobra.Command {
	var src source
	var sel selection
	c := &cobra.Command{
		Use: "doctor", Short: "Say who is calling, which regions there are, and which needed actions are refused", Args: cobra.NoArgs,
		Long: `Doctor tries the calls of the selected rules in one region and says of each whether it works. It exits 3 if one is refused or fails.`,
	}
	f := c.Flags()
	src.flags(f)
	sel.flags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if err := src.check(); err != nil {
			return err
		}
		if len(src.profiles) > 1 {
			return usage("doctor looks at one account: give a single --profile")
		}
		return examine(c.Context(), c, &src, picked)
	}
	return c
}

func examine(ctx context.Context, c *cobra.Command, src *source, picked []engine.Rule) error {
	plan, err := planFor(picked, false)
	if err != nil {
		return err
	}
	roster, err := src.accounts(ctx)
	if err != nil {
		return err
	}
	sess, start := roster.all[0].sess, roster.start
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "caller\t%s\naccount\t%s\npartition\t%s\n", sess.Caller, sess.Account, sess.Partition)
	regions := sess.Regions(ctx)
	if regions.Gap != nil {
		fmt.Fprintf(w, "regions\tcannot be listed (%s: %s): grant account:ListRegions or ec2:DescribeRegions; scans read the %d that are always on\n", regions.Gap.Reason, regions.Gap.Detail, len(regions.Enabled))
	} else {
		fmt.Fprintf(w, "regions\t%d enabled: %s\n", len(regions.Enabled), strings.Join(regions.Enabled, " "))
	}
	if len(regions.Off) > 0 {
		fmt.Fprintf(w, "\t%d switched off: %s\n", len(regions.Off), strings.Join(regions.Off, " "))
	}
	read, _, err := src.choose(regions)
	if err != nil {
		return err
	}
	region := read[0]
	if len(src.regions) == 0 && slices.Contains(read, sess.Config.Region) {
		region = sess.Config.Region
	}
	at := sess.At(region, start)
	s := engine.NewSnapshot(engine.Header{Start: start, Partition: sess.Partition, Read: []model.Place{at.Place}})
	plan.Run(ctx, []collect.At{at}, s)
	if ctx.Err() != nil {
		return &exitError{report.ExitInterrupted, "interrupted"}
	}
	made := sess.Wire.Calls()
	gaps := gapsByCall(s)
	fmt.Fprintf(w, "\nin %s\t\n", region)
	bad := 0
	for _, op := range slices.Sorted(slices.Values(plan.Ops)) {
		status := "works"
		service, _, _ := strings.Cut(op, ":")
		switch g := gaps[op]; {
		case g == nil && at.Lacks(service, region):
			status = "not tried: AWS does not offer " + service + " here"
		case g != nil:
			if g.Reason.Class() == model.Fixable {
				bad++
			}
			status = string(g.Reason)
			if grant := report.ToGrant(g); len(grant) > 0 {
				status += ": grant " + strings.Join(grant, ", ")
			}
			status += " (" + g.Detail + ")"
		case made[model.Operation(op)] == 0:
			status = "not tried: there is nothing here to ask about"
		}
		fmt.Fprintf(w, "%s\t%s\n", op, status)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{report.ExitIncomplete, fmt.Sprintf("%d of %d calls do not work: rules that need them are not assessed", bad, len(plan.Ops))}
	}
	return nil
}

// gapsByCall returns one gap of each call that failed somewhere: what can be mended hides what cannot.
func gapsByCall(s *engine.Snapshot) map[string]*model.Gap {
	gaps := map[string]*model.Gap{}
	note := func(g *model.Gap) {
		if old := gaps[g.Call]; old == nil || old.Reason.Class() == model.Structural {
			gaps[g.Call] = g
		}
	}
	for _, h := range s.Holes() {
		note(h.Gap)
	}
	for _, k := range slices.Sorted(maps.Keys(kinds.All)) {
		for _, r := range s.All(kinds.All[k]) {
			for _, g := range r.About().Gaps {
				note(g)
			}
		}
	}
	return gaps
}
