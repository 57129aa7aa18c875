package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/engine"
	"awsscanner/internal/lens"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/internal/ships"
	"awsscanner/internal/store"
	"awsscanner/internal/strictyaml"
	"awsscanner/rules"
)

// defaultAnswers is the file that is read, if it is there, unless another is named.
const defaultAnswers = "review.yaml"

func reviewCommand() *cobra.Command {
	c := &cobra.Command{Use: "review", Short: "Hold a workload against the questions of the Well-Architected Framework: what a scan proves, and what people answer",
		Long: `Review combines what a scan has found with what people have answered in ` + defaultAnswers + `. A scan can prove that a practice is missing, hardly ever
that it is in place: so the risk of a question goes from what is certain to what is possible, as long as practices are undecided.`,
		Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(reviewRunCommand(), reviewAskCommand(), reviewPlanCommand(), reviewRegisterCommand(), reviewDiffCommand(), reviewBaselineCommand(), reviewPushCommand(), reviewPullCommand(), reviewLensCommand(), reviewShipsCommand())
	return c
}

// A reviewing is what most commands about reviews have in common: which scan, which answers, which framework.
type reviewing struct {
	sel        selection
	src        source
	place      place
	snapshot   string
	stream     string
	live       bool
	answers    []string
	framework  string
	asOf       string
	low        string
	acceptFull bool
	redact     []string
	ships      string
	register   bool // gather what a risk register needs

	f       *review.Framework
	now     time.Time
	all     []*review.Answers
	history *ships.History // nil if nobody has asked
	report  *report.Report
	reviews []*review.Review
}

func (x *reviewing) flags(f *pflag.FlagSet) {
	f.StringVar(&x.snapshot, "snapshot", "", "review this snapshot or JSON report; without it the last scan")
	f.BoolVar(&x.src.demo, "demo", false, "review the recorded account inside this program: no credentials, no network")
	f.BoolVar(&x.live, "live", false, "scan now, by the rules of the framework, and review that: nothing is kept of the scan")
	f.StringArrayVar(&x.src.profiles, "profile", nil, "with --live: profile of the AWS configuration (repeatable: one account each)")
	f.StringArrayVar(&x.src.roles, "role-arn", nil, "with --live: assume this role and scan its account (repeatable)")
	f.StringSliceVar(&x.src.regions, "regions", nil, "with --live: regions, names or globs (default: all that are enabled)")
	f.StringVar(&x.stream, "stream", "", "review the last scan of this stream in the database: a schedule of scanner serve, or what scan --store has kept")
	x.place.flags(f)
	f.StringArrayVar(&x.answers, "answers", nil, "what people say, a `FILE` for each workload or for each person (repeatable); default "+defaultAnswers+", if it is there")
	f.StringVar(&x.framework, "framework", review.Default, "questions to review by: "+strings.Join(review.IDs(), ", ")+", or a file")
	f.StringVar(&x.asOf, "as-of", "", "the day by which answers hold or have lapsed, `YYYY-MM-DD` (default today)")
	f.StringVar(&x.low, "low-counts-as", "medium", "the risk of a question of which only practices of low level are missing: medium or none; the answers may say otherwise")
	f.BoolVar(&x.acceptFull, "accept-full", false, "take a practice for established without an answer, where rules see all of it, ran everywhere and passed")
	f.StringVar(&x.ships, "ships", "", "show how the team ships, by a `FILE` of scanner review ships")
	f.StringSliceVar(&x.redact, "redact", nil, "hide accounts (their IDs), names (of resources)")
	x.sel.conf.flags(f)
	x.sel.conf.waiverFlag(f)
}

// begin checks all flags and reads framework and answers.
func (x *reviewing) begin() (err error) {
	n := 0
	for _, is := range []bool{x.snapshot != "", x.src.demo, x.stream != "", x.live} {
		if is {
			n++
		}
	}
	if n > 1 {
		return usage("--snapshot, --demo, --live and --stream name different scans: use one of them")
	}
	if !x.live && len(x.src.profiles)+len(x.src.roles)+len(x.src.regions) > 0 {
		return usage("--profile, --role-arn and --regions say what to scan: add --live, or leave them out")
	}
	if err := oneOf("--low-counts-as", x.low, []string{"medium", "none"}); err != nil {
		return err
	}
	for _, what := range x.redact {
		if err := oneOf("--redact", what, []string{"accounts", "names"}); err != nil {
			return err
		}
	}
	if x.ships != "" && slices.Contains(x.redact, "accounts") {
		return usage("--ships: what it says names accounts: leave --redact accounts out, or --ships")
	}
	if x.ships != "" {
		f, err := os.Open(x.ships)
		if err != nil {
			return usage("--ships: %s cannot be read: %s", x.ships, osText(err))
		}
		x.history, err = ships.Read(f)
		f.Close()
		if err != nil {
			return usage("--ships: %s cannot be read: %s", x.ships, err)
		}
	}
	x.sel.ruleset = string(engine.Recommended)
	x.now = time.Now()
	if x.asOf != "" {
		if x.now, err = time.Parse(time.DateOnly, x.asOf); err != nil {
			return usage("--as-of: %q is no day: write YYYY-MM-DD", x.asOf)
		}
	}
	if x.f, err = readFramework(x.framework); err != nil {
		return err
	}
	names := x.answers
	if len(names) == 0 {
		if _, err := os.Stat(defaultAnswers); err == nil {
			names = []string{defaultAnswers}
		}
	}
	var wrong []string
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return usage("--answers: %s is named twice", name)
		}
		a, err := x.readAnswers(name)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		x.all = append(x.all, a)
	}
	if len(wrong) > 0 {
		return usage("%s", strings.Join(wrong, "\nscanner: "))
	}
	if x.all, err = review.Merge(x.all); err != nil {
		return usage("--answers: %s", err)
	}
	if len(x.all) == 0 {
		x.all = []*review.Answers{{}}
	}
	return nil
}

// readFramework reads one that comes with the scanner, or a file.
func readFramework(name string) (*review.Framework, error) {
	if !strings.ContainsAny(name, `/\.`) {
		f, err := review.Load(name, rules.All)
		if err != nil {
			return nil, usage("--framework: %s", err)
		}
		return f, nil
	}
	b, err := readWhole(name, lens.MaxSize*4)
	if err != nil {
		return nil, usage("--framework: %s cannot be read: %s", name, err)
	}
	f, err := review.Parse(b, rules.All)
	if err != nil {
		return nil, usage("--framework: %s cannot be used: %s", name, err)
	}
	return f, nil
}

// readWhole reads a file that people write, and refuses one that is far too large for that.
func readWhole(name string, most int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.New(osText(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, errors.New(osText(err))
	}
	if len(b) > most {
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	return b, nil
}

// readAnswers reads a file of answers; all that is wrong with it is one error, a line each.
func (x *reviewing) readAnswers(name string) (*review.Answers, error) {
	b, err := readWhole(name, strictyaml.MaxSize+1)
	if err != nil {
		return nil, fmt.Errorf("--answers: %s cannot be read: %s", name, err)
	}
	a, err := review.DecodeAnswers(name, b, x.f, x.now)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "\nscanner: "))
	}
	return a, nil
}

// run makes the reviews.
func (x *reviewing) run(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		if x.snapshot != "" {
			return usage("%s and --snapshot name two scans: name one", args[0])
		}
		x.snapshot = args[0]
	}
	if err := x.begin(); err != nil {
		return err
	}
	var o report.Options
	if len(x.redact) > 0 {
		o.Mask = &engine.Mask{Accounts: slices.Contains(x.redact, "accounts"), Names: slices.Contains(x.redact, "names")}
	}
	waive := x.sel.conf.people(&o)
	var err error
	if x.src.demo || x.live {
		x.report, err = x.scanNow(c, o, waive)
	} else {
		x.report, err = x.look(c, o, waive)
	}
	if err != nil {
		return err
	}
	if x.reviews, err = review.New(x.f, x.all, x.report, x.options()); err != nil {
		return failed("what was read cannot be read again: %s", err)
	}
	return nil
}

func (x *reviewing) options() review.Options {
	return review.Options{Now: x.now, Low: map[string]review.Risk{"medium": review.MediumRisk, "none": review.NoRisk}[x.low], AcceptFull: x.acceptFull, Register: x.register, Ships: x.history}
}

// scanNow scans by the rules of the framework: accounts, or the recorded one.
func (x *reviewing) scanNow(c *cobra.Command, o report.Options, waive func(time.Time, io.Writer)) (*report.Report, error) {
	wanted := x.f.Rules()
	picked := slices.DeleteFunc(slices.Clone(rules.All), func(r engine.Rule) bool { return !slices.Contains(wanted, r.ID) })
	x.src.quotaShare = 100
	if err := x.src.check(); err != nil {
		return nil, err
	}
	told := io.Discard
	if !x.src.demo {
		told = c.ErrOrStderr()
		fmt.Fprintf(told, "scanning by %s\n", plural(len(picked), "rule"))
	}
	read, err := x.src.collectLive(c.Context(), picked, tuning{}, keeping{tags: true, warnings: told, logFormat: "text"}, io.Discard)
	if err != nil {
		return nil, err
	}
	defer read.journal.close()
	waive(read.scan.Start, c.ErrOrStderr())
	r, err := report.New(version, read.scan, picked, o)
	if err != nil {
		return nil, failed("what was read cannot be read again: %s", err)
	}
	return r, nil
}

// look reads a scan that was made before.
func (x *reviewing) look(c *cobra.Command, o report.Options, waive func(time.Time, io.Writer)) (*report.Report, error) {
	var rec *recording
	var err error
	if x.stream != "" {
		s, err := x.place.existing(c.Context())
		if err != nil {
			return nil, err
		}
		defer s.Close()
		if rec, err = lastOf(c.Context(), s, x.stream); err != nil {
			return nil, err
		}
	} else {
		name := x.snapshot
		if name == "" {
			if name, err = lastScan(); err != nil {
				return nil, usage("no scan to review: run scanner scan first, name a snapshot or JSON report, or try --demo")
			}
		}
		if rec, err = openRecording(c.Context(), name); err != nil {
			return nil, err
		}
	}
	if whole, without := rec.file.Whole(); !whole {
		return nil, usage("the report %s leaves out part of its scan (%s), and what is left out would look as if nothing failed: write it without filters, or name the snapshot", rec.name, without)
	}
	picked, err := rec.rules(&x.sel)
	if err != nil {
		return nil, err
	}
	waive(rec.scan.Start, c.ErrOrStderr())
	return rec.report(picked, o)
}

// lastOf opens what the last scan of a stream has read.
func lastOf(ctx context.Context, s *store.Store, stream string) (*recording, error) {
	last, err := s.Last(ctx, stream)
	if errors.Is(err, store.ErrNotFound) {
		all, _ := s.Streams(ctx)
		return nil, usage("--stream: the database has no scan of %q: %s", stream, didYouMean(stream, all, "it has "+cmp.Or(strings.Join(all, ", "), "none yet")))
	}
	if err != nil {
		return nil, failed("reading %s: %s", s.Name(), err)
	}
	text, err := s.Snapshot(ctx, last.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, usage("--stream: the database no longer keeps what the last scan of %s has read: scan again", stream)
	}
	if err != nil {
		return nil, failed("reading %s: %s", s.Name(), err)
	}
	defer text.Close()
	f, err := os.CreateTemp("", "scanner-review-*") // it is gone through more than once, and the database may change meanwhile
	if err != nil {
		return nil, failed("making a temporary file: %s: make room there, or set TMPDIR", osText(err))
	}
	defer os.Remove(f.Name())
	if _, err := io.Copy(f, text); err != nil {
		f.Close()
		return nil, failed("reading %s: %s", s.Name(), err)
	}
	open := func() (io.ReadCloser, error) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		r, done, err := uncompressed(f)
		if err != nil {
			return nil, err
		}
		return openedFile{r, func() error { done(); return nil }}, nil
	}
	scan, err := engine.OpenScan(open, kinds.All)
	if err != nil {
		return nil, unreadable("of the stream "+stream, err)
	}
	return &recording{name: "of the stream " + stream, scan: scan}, nil
}

// A reviewOutput is a format of a review and where it goes.
type reviewFormat struct {
	name, ext string
	write     func(v *review.Review, style review.Style, w io.Writer) error
}

var reviewFormats = []reviewFormat{
	{"text", ".txt", func(v *review.Review, style review.Style, w io.Writer) error { return v.Text(w, style) }},
	{"markdown", ".md", func(v *review.Review, _ review.Style, w io.Writer) error { return v.Markdown(w) }},
	{"html", ".html", func(v *review.Review, _ review.Style, w io.Writer) error { return v.HTML(w) }},
	{"json", ".json", func(v *review.Review, _ review.Style, w io.Writer) error { return v.JSON(w) }},
	{"csv", ".csv", func(v *review.Review, _ review.Style, w io.Writer) error { return v.CSV(w) }},
}

// placeholder stands for the name of the workload in names of files.
const placeholder = "{workload}"

// outputsOf reads -o for formats that have names and endings of files. The first format goes to standard output unless something else does.
func outputsOf(specs []string, names, exts []string) (outs []output, err error) {
	stdout := 0
	for _, spec := range specs {
		format, file, isFile := strings.Cut(spec, "=")
		o := output{format, file}
		if format == "md" {
			o.format = "markdown"
		}
		if i := slices.Index(exts, filepath.Ext(spec)); !isFile && i >= 0 {
			o = output{names[i], spec}
		} else if !slices.Contains(names, o.format) {
			return nil, usage("-o %s: there is no format %q: %s", spec, format, didYouMean(format, names, "use one of "+strings.Join(names, ", ")))
		} else if isFile && file == "" {
			return nil, usage("-o %s: the file has no name", spec)
		}
		if o.file == "" {
			stdout++
		} else if err := placeFor(spec, o.file); err != nil {
			return nil, err
		}
		outs = append(outs, o)
	}
	switch {
	case stdout > 1:
		return nil, usage("-o: only one format can go to standard output: give the others a file, as in -o html=review.html")
	case stdout == 0:
		outs = append(outs, output{format: names[0]})
	}
	return outs, nil
}

// placeFor refuses a file for which there is no directory, before anything is read.
func placeFor(spec, file string) error {
	dir := filepath.Dir(file)
	if strings.Contains(dir, placeholder) {
		return nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("-o %s: there is no directory %s", spec, dir)
	}
	return nil
}

var unsafeName = regexp.MustCompile(`[^\p{L}\p{M}\p{N}._-]+`)

// fileFor is the name of a file about a workload.
func fileFor(file string, v *review.Review) string {
	name := strings.Trim(unsafeName.ReplaceAllString(v.Workload.Name, "-"), "-.")
	return strings.ReplaceAll(file, placeholder, cmp.Or(name, "workload")) // a name without letters would make a file that is hidden
}

// toFile writes a file as a whole, or says why not.
func toFile(name string, write func(io.Writer) error) error {
	if err := atomically(name, 0o644, write); err != nil {
		return failed("writing %s: %s", name, osText(err))
	}
	return nil
}

// toStdout writes to standard output. That its reader has gone is no error.
func toStdout(c *cobra.Command, write func(io.Writer) error) error {
	if err := write(c.OutOrStdout()); err != nil && !errors.Is(err, syscall.EPIPE) {
		return failed("writing to standard output: %s", osText(err))
	}
	return nil
}

// severalTo refuses to write several workloads over each other.
func severalTo(outs []output, reviews []*review.Review, together string) error {
	names := map[string]bool{}
	for _, v := range reviews {
		names[fileFor(placeholder, v)] = true
	}
	for _, o := range outs {
		switch {
		case len(reviews) < 2:
		case o.file == "" && o.format != together:
			return usage("-o %s: %d workloads do not fit into one: give each a file, as in -o %s=%s.%s", o.format, len(reviews), o.format, placeholder, o.format)
		case o.file != "" && !strings.Contains(o.file, placeholder):
			return usage("-o %s: %d workloads would be written over each other: put %s into the name of the file", o.file, len(reviews), placeholder)
		case o.file != "" && len(names) < len(reviews):
			return usage("-o %s: two workloads would have the same file, as their names are alike: give them other names", o.file)
		}
	}
	return nil
}

func reviewRunCommand() *cobra.Command {
	var x reviewing
	var outputs []string
	var g reviewGate
	var all bool
	c := &cobra.Command{
		Use:   "run [SNAPSHOT|REPORT]",
		Short: "Review a workload by the last scan, or by a snapshot or JSON report",
		Long: `Run combines the results of a scan with the answers of people, practice by practice, and says for each question which risk is certain and
which is possible. The scan is the last one, a snapshot or JSON report, one of the database (--stream), or one that is made now (--live).`,
		Example: `  scanner review run --demo
  scanner review run --answers shop.yaml -o html=shop.html
  scanner review run --live --regions eu-west-1 --answers shop.yaml
  scanner review run report.json --answers shop.yaml --answers bank.yaml -o html='{workload}.html'
  scanner review run --fail-on-risk high`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	x.flags(f)
	f.StringArrayVarP(&outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: text, markdown, html, json, csv (repeatable); "+placeholder+" in FILE is the name of the workload")
	f.BoolVar(&all, "all", false, "show every line in the text")
	g.flags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		var names, exts []string
		for _, f := range reviewFormats {
			names, exts = append(names, f.name), append(exts, f.ext)
		}
		outs, err := outputsOf(outputs, names, exts)
		if err != nil {
			return err
		}
		if err := g.check(); err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		if err := severalTo(outs, x.reviews, "text"); err != nil {
			return err
		}
		on := styleOf(c.OutOrStdout())
		style := review.Style{Color: on.Color, Width: on.Width, All: all}
		for i, v := range x.reviews {
			for _, o := range outs {
				write := reviewFormats[slices.Index(names, o.format)].write
				if o.file != "" {
					err = toFile(fileFor(o.file, v), func(w io.Writer) error { return write(v, review.Style{All: all}, w) })
				} else {
					err = toStdout(c, func(w io.Writer) error {
						if i > 0 {
							fmt.Fprintln(w)
						}
						return write(v, style, w)
					})
				}
				if err != nil {
					return err
				}
			}
		}
		return g.decide(x.report, x.reviews)
	}
	return c
}

// A reviewGate decides the exit code by the risks of questions.
type reviewGate struct {
	failOn          string
	strict          bool
	allowIncomplete bool
}

func (g *reviewGate) flags(f *pflag.FlagSet) {
	f.StringVar(&g.failOn, "fail-on-risk", "", "exit 1 if a question is at this risk for certain, high or medium; 3 if such a risk may hide behind a gap that can be fixed")
	f.BoolVar(&g.strict, "strict", false, "with --fail-on-risk: a risk counts that is possible")
	f.BoolVar(&g.allowIncomplete, "allow-incomplete", false, "with --fail-on-risk: gaps do not count")
}

func (g *reviewGate) check() error {
	if g.failOn == "" {
		if g.strict || g.allowIncomplete {
			return usage("--strict and --allow-incomplete say nothing without --fail-on-risk: add it, or leave them out")
		}
		return nil
	}
	return oneOf("--fail-on-risk", g.failOn, []string{"high", "medium"})
}

// mostQuestions is how many a gate names.
const mostQuestions = 8

// decide turns risks into the end of the program.
func (g *reviewGate) decide(r *report.Report, reviews []*review.Review) error {
	if r.Nothing() {
		return &exitError{report.ExitFailed, "nothing could be assessed: see scanner report for what to grant"}
	}
	if g.failOn == "" {
		return nil
	}
	risk := map[string]review.Risk{"high": review.HighRisk, "medium": review.MediumRisk}[g.failOn]
	var found, blind []string
	for _, v := range reviews {
		of := ""
		if len(reviews) > 1 {
			of = v.Workload.Name + ": "
		}
		for i := range v.Questions {
			q := &v.Questions[i]
			if q.Risk.Lower.AtLeast(risk) || g.strict && q.Risk.Upper.AtLeast(risk) {
				found = append(found, report.Clean(fmt.Sprintf("  %s%s %s: %s", of, q.ID, q.Title, q.Risk)))
			}
		}
		for _, p := range v.Blind(risk) {
			blind = append(blind, report.Clean(fmt.Sprintf("  %s%s %s: %s", of, p.ID, p.Title, p.Because)))
		}
	}
	some := func(head string, lines []string) string {
		if more := len(lines) - mostQuestions; more > 0 {
			lines = append(lines[:mostQuestions:mostQuestions], fmt.Sprintf("  and %d more", more))
		}
		return head + "\n" + strings.Join(lines, "\n")
	}
	switch how := map[bool]string{false: "for certain", true: "for certain or possibly"}[g.strict]; {
	case len(found) > 0:
		worse := ""
		if risk == review.MediumRisk {
			worse = " or worse"
		}
		return &exitError{report.ExitFound, some(fmt.Sprintf("%s at %s risk%s %s:", plural(len(found), "question"), g.failOn, worse, how), found)}
	case len(blind) > 0 && !g.allowIncomplete:
		return &exitError{report.ExitIncomplete, some(fmt.Sprintf("a risk that is %s may be hidden, as nobody could look everywhere: %s", g.failOn, grantsOf(reviews)), blind)}
	}
	return nil
}

// grantsOf says what would close the gaps of reviews.
func grantsOf(reviews []*review.Review) string {
	var actions []string
	for _, v := range reviews {
		v.Practices(func(_ *review.QuestionReview, p *review.PracticeReview) {
			for _, g := range p.Gaps {
				if g.Fixable() && g.Reason != model.NotCollected {
					actions = append(actions, g.Grant...)
				}
			}
		})
	}
	slices.Sort(actions)
	if actions = slices.Compact(actions); len(actions) > 0 {
		return "grant " + strings.Join(actions, ", ")
	}
	return "scan again what is named below"
}

func reviewPlanCommand() *cobra.Command {
	var x reviewing
	var outputs []string
	c := &cobra.Command{
		Use:   "plan [SNAPSHOT|REPORT]",
		Short: "Say what to do: the fewest practices that leave high risk first",
		Long: `Plan lists the practices that are missing for certain, a line each: first those without which no question is at high risk any more, the smallest
sets first, then what leaves medium risk, then the rest. Each names the rules that fail, the resources, and how much work it is.
At the end stands what to ask: open practices whose answer moves a risk.`,
		Args: cobra.MaximumNArgs(1),
	}
	x.flags(c.Flags())
	c.Flags().StringArrayVarP(&outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: markdown, json (repeatable); "+placeholder+" in FILE is the name of the workload")
	c.RunE = func(c *cobra.Command, args []string) error {
		outs, err := outputsOf(outputs, []string{"markdown", "json"}, []string{".md", ".json"})
		if err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		if err := severalTo(outs, x.reviews, "markdown"); err != nil {
			return err
		}
		for _, v := range x.reviews {
			p := v.Plan()
			write := map[string]func(io.Writer) error{"markdown": p.Markdown, "json": p.JSON}
			for _, o := range outs {
				if o.file != "" {
					err = toFile(fileFor(o.file, v), write[o.format])
				} else {
					err = toStdout(c, write[o.format])
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
	return c
}
