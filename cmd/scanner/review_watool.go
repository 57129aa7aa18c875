package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/watool"
)

// A tooling is which workload of the WA Tool is meant, and how to get there.
type tooling struct {
	src      source
	region   string
	workload string
	lens     string
	sync     string
	apply    bool
	format   string
}

func (t *tooling) flags(f *pflag.FlagSet) {
	f.StringVar(&t.workload, "workload-id", "", "`ID` of the workload in the WA Tool, 32 hexadecimal digits")
	f.StringVar(&t.region, "tool-region", "", "the region in which the workload was made: it is known in no other (default that of the credentials)")
	f.StringVar(&t.lens, "lens", "", "alias or ARN of the lens (default that of the framework)")
	f.StringArrayVar(&t.src.profiles, "tool-profile", nil, "profile of the AWS configuration for the account of the workload")
	f.StringArrayVar(&t.src.roles, "tool-role-arn", nil, "assume this role for it")
	f.StringVar(&t.src.role.ExternalID, "tool-external-id", "", "external ID that the role demands")
	f.StringVar(&t.sync, "sync", "", "`FILE` with what both sides last agreed on (default the answers file with .sync.json)")
	f.BoolVar(&t.apply, "apply", false, "do it: without this nothing is changed, and what would be is told")
	f.StringVarP(&t.format, "output", "o", "text", "text or json")
}

func (t *tooling) check() error {
	if err := oneOf("-o", t.format, []string{"text", "json"}); err != nil {
		return err
	}
	switch {
	case t.workload == "":
		return usage("--workload-id is missing: aws wellarchitected list-workloads shows the IDs")
	case strings.Trim(t.workload, "0123456789abcdef") != "" || len(t.workload) != 32:
		return usage("--workload-id: %q is not 32 hexadecimal digits: aws wellarchitected list-workloads shows the IDs", t.workload)
	case len(t.src.profiles) > 1 || len(t.src.roles) > 1:
		return usage("the workload is in one account: give one --tool-profile or --tool-role-arn")
	}
	t.src.quotaShare = 100
	return t.src.check()
}

// open reads the workload, and what both sides last agreed on.
func (t *tooling) open(c *cobra.Command, x *reviewing, file string) (*watool.Tool, *watool.Sync, error) {
	lens := t.lens
	if lens == "" {
		lens = x.f.Lens
	}
	if lens == "" {
		return nil, nil, usage("the framework %s has no lens in the WA Tool: name one with --lens", x.f.ID)
	}
	if t.sync == "" {
		t.sync = strings.TrimSuffix(strings.TrimSuffix(file, ".yaml"), ".yml") + ".sync.json"
	}
	s := &watool.Sync{Schema: watool.SyncSchema, Workload: t.workload, Lens: lens, Questions: map[string]watool.Synced{}}
	if f, err := os.Open(t.sync); err == nil {
		s, err = watool.ReadSync(f)
		f.Close()
		if err != nil {
			return nil, nil, usage("%s cannot be read: %s", t.sync, err)
		}
		if s.Workload != t.workload || s.Lens != lens {
			return nil, nil, usage("%s is about the workload %s and the lens %s: name another file with --sync", t.sync, s.Workload, s.Lens)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usage("%s cannot be read: %s", t.sync, osText(err))
	}
	cfg, err := t.config(c)
	if err != nil {
		return nil, nil, err
	}
	tool := watool.New(cfg, t.workload, lens)
	if err := tool.Read(c.Context()); err != nil {
		return nil, nil, t.failed(c, err)
	}
	s.LensVersion, s.Region = tool.LensVersion, cfg.Region
	return tool, s, nil
}

// config enters the account of the workload.
func (t *tooling) config(c *cobra.Command) (aws.Config, error) {
	entered, err := t.src.enter(c.Context())
	if err != nil {
		return aws.Config{}, err
	}
	for id, a := range entered {
		if a.sess == nil {
			return aws.Config{}, failed("account %s cannot be entered: %s", id, a.gap.Detail)
		}
		cfg := a.sess.Config.Copy()
		if t.region != "" {
			cfg.Region = t.region
		}
		return cfg, nil
	}
	return aws.Config{}, failed("no account can be entered")
}

// failed is how the program ends because of the WA Tool.
func (t *tooling) failed(c *cobra.Command, err error) error {
	var refused *watool.Refused
	switch {
	case c.Context().Err() != nil:
		return &exitError{report.ExitInterrupted, "interrupted: try again, what is there already is not written twice"}
	case errors.As(err, &refused):
		return usage("%s", refused)
	}
	return failed("%s", err)
}

// keep writes what both sides agree on.
func (t *tooling) keep(s *watool.Sync) error {
	s.At = time.Now().UTC().Format(time.RFC3339)
	return toFile(t.sync, s.Write)
}

// one makes sure that there is one workload, and returns the file of its answers.
func (x *reviewing) one() (string, error) {
	switch len(x.answers) {
	case 0:
		return defaultAnswers, nil
	case 1:
		return x.answers[0], nil
	}
	return "", usage("--answers: a workload of the WA Tool is one workload here: name one file")
}

func reviewPushCommand() *cobra.Command {
	var x reviewing
	var t tooling
	var milestone string
	var untick, names bool
	c := &cobra.Command{
		Use:   "push [SNAPSHOT|REPORT]",
		Short: "Bring answers and evidence into the AWS Well-Architected Tool; says what it would do, unless --apply is given",
		Long: `Push merges what people have answered here into a workload of the WA Tool, question by question. A tick is sent only for what a person has said to be
in place, and what people have ticked or written there is not overwritten: if both sides have changed the same and otherwise, that is a conflict,
and nothing is written to that question. Evidence goes into a part of the notes that is fenced off.

It needs wellarchitected:GetWorkload, GetLensReview, ListAnswers, GetAnswer and ListMilestones, and with --apply UpdateAnswer and CreateMilestone.`,
		Example: `  scanner review push --workload-id 0123456789abcdef0123456789abcdef --tool-region eu-west-1
  scanner review push --workload-id 0123456789abcdef0123456789abcdef --apply --milestone 'before launch'`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	x.flags(f)
	t.flags(f)
	f.StringVar(&milestone, "milestone", "", "`NAME` of a milestone to make when all is written")
	f.BoolVar(&untick, "untick-refuted", false, "untick what the scan refutes, whoever has ticked it")
	f.BoolVar(&names, "names", false, "name resources in the notes")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := t.check(); err != nil {
			return err
		}
		if n := len([]rune(milestone)); milestone != "" && (n < 3 || n > 100) {
			return usage("--milestone: a name has 3 to 100 characters")
		}
		file, err := x.one()
		if err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		v := x.reviews[0]
		tool, s, err := t.open(c, &x, file)
		if err != nil {
			return err
		}
		wishes := watool.Wishes(v, untick, names)
		translation, more, err := tool.Names(x.f, func(choice string) bool {
			for _, w := range wishes {
				if _, is := w.Choices[choice]; is {
					return true
				}
			}
			return false
		})
		if err != nil {
			return t.failed(c, err)
		}
		p, pushErr := tool.Push(c.Context(), wishes, translation, s, v.AsOf, milestone, watool.Token(t.workload, v.Scan.ID), !t.apply)
		if len(more) > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("the tool has %s that this edition does not know; what people say of it stays: %s", plural(len(more), "choice"), strings.Join(more[:min(3, len(more))], ", ")))
		}
		if t.apply {
			if err := t.keep(s); err != nil {
				return errors.Join(err, pushErr)
			}
		}
		if pushErr != nil {
			return t.failed(c, pushErr)
		}
		err = toStdout(c, func(w io.Writer) error {
			if t.format == "json" {
				return encode(w, p)
			}
			return showPush(w, tool.Name, p, t.apply)
		})
		if err == nil && p.Conflicts() > 0 {
			err = &exitError{report.ExitFound, fmt.Sprintf("%s left alone, as both sides have changed the same: settle that here or there, and try again", plural(p.Conflicts(), "question"))}
		}
		return err
	}
	return c
}

// showPush tells what was, or would be, written.
func showPush(w io.Writer, name string, p *watool.Push, applied bool) error {
	var b strings.Builder
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s\n", c.Title)
		for _, x := range c.Conflicts {
			fmt.Fprintf(&b, "  ! %s\n", x)
		}
		if len(c.Conflicts) > 0 {
			continue
		}
		for _, x := range []struct {
			sign string
			all  []string
		}{{"+", c.Tick}, {"-", c.Untick}, {"n/a", c.NA}} {
			for _, choice := range x.all {
				fmt.Fprintf(&b, "  %s %s\n", x.sign, choice)
			}
		}
		if c.Hide {
			b.WriteString("  the question becomes not applicable\n")
		}
		if c.Show {
			b.WriteString("  the question becomes applicable again\n")
		}
		if c.Notes {
			b.WriteString("  evidence in the notes\n")
		}
	}
	n := len(p.Changes) - p.Conflicts()
	switch {
	case applied:
		fmt.Fprintf(&b, "%s: %s written", name, plural(p.Written, "question"))
	case n == 0:
		fmt.Fprintf(&b, "%s: nothing would be written", name)
	default:
		fmt.Fprintf(&b, "%s: %s would be written: --apply does it", name, plural(n, "question"))
	}
	if p.Milestone != "" {
		fmt.Fprintf(&b, ", milestone %s", p.Milestone)
	}
	_, err := io.WriteString(w, report.CleanLines(b.String())+"\n")
	return err
}

func reviewPullCommand() *cobra.Command {
	var x reviewing
	var t tooling
	var unticked bool
	c := &cobra.Command{
		Use:   "pull [SNAPSHOT|REPORT]",
		Short: "Take answers from the AWS Well-Architected Tool into the answers file; says what it would do, unless --apply is given",
		Long: `Pull takes what people have ticked in a workload of the WA Tool into the answers file. What people have answered there and here, and otherwise, is a
conflict, and stays as it is. What is merely not ticked says nothing, unless --unticked-is-no is given.

It needs wellarchitected:GetWorkload, GetLensReview, ListAnswers, GetAnswer and ListMilestones.`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	x.flags(f)
	t.flags(f)
	f.BoolVar(&unticked, "unticked-is-no", false, "take what is not ticked in a question that was answered for a no")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := t.check(); err != nil {
			return err
		}
		file, err := x.one()
		if err != nil {
			return err
		}
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			x.answers = nil // it is made
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		v := x.reviews[0]
		text, err := readWhole(file, strictyaml.MaxSize)
		if _, gone := os.Stat(file); err != nil && !errors.Is(gone, fs.ErrNotExist) {
			return usage("%s cannot be read: %s", file, err)
		}
		tool, s, err := t.open(c, &x, file)
		if err != nil {
			return err
		}
		here := marks(v)
		names, _, err := tool.Names(x.f, func(choice string) bool { _, said := here[choice]; return said })
		if err != nil {
			return t.failed(c, err)
		}
		taken := tool.Pull(x.f, names, here, s, unticked)
		conflicts := 0
		on := v.AsOf
		if u := tool.Updated; !u.IsZero() && u.Before(x.now) {
			on = u.UTC().Format(time.DateOnly)
		}
		for _, k := range taken {
			if k.Conflict != "" {
				conflicts++
				continue
			}
			r := review.Reply{State: map[watool.Mark]review.Said{watool.Ticked: review.Yes, watool.Unticked: review.No, watool.NA: review.NA}[k.Mark], By: "WA Tool", On: on, Note: k.Remark}
			if k.Mark == watool.NA {
				r.Reason = review.Reason(k.Reason)
			}
			if text, err = v.Answer(text, k.Choice, r); err != nil {
				return usage("%s: %s", file, strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			here[k.Choice] = k.Mark
		}
		if t.apply {
			if len(taken) > conflicts {
				if err := toFile(file, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
					return err
				}
			}
			tool.Agree(x.f, names, here, s)
			if err := t.keep(s); err != nil {
				return err
			}
		}
		err = toStdout(c, func(w io.Writer) error {
			if t.format == "json" {
				if taken == nil {
					taken = []watool.Taken{}
				}
				return encode(w, map[string]any{"taken": taken, "risks": tool.Risks()})
			}
			return showPull(w, x.f, file, taken, t.apply)
		})
		if err == nil && conflicts > 0 {
			err = &exitError{report.ExitFound, fmt.Sprintf("%s left alone, as people say otherwise here: settle that here or there, and try again", plural(conflicts, "choice"))}
		}
		return err
	}
	return c
}

// marks are what people say here of each choice.
func marks(v *review.Review) map[string]watool.Mark {
	here := map[string]watool.Mark{}
	v.Practices(func(_ *review.QuestionReview, p *review.PracticeReview) {
		switch {
		case p.Said != nil && p.Said.Question:
		case p.Answer == review.Yes:
			here[p.Choice] = watool.Ticked
		case p.Answer == review.No || p.Answer == review.Partly:
			here[p.Choice] = watool.Unticked
		case p.Answer == review.NA:
			here[p.Choice] = watool.NA
		}
	})
	return here
}

func showPull(w io.Writer, f *review.Framework, file string, taken []watool.Taken, applied bool) error {
	var b strings.Builder
	n := 0
	for _, k := range taken {
		p := f.Practice(k.Choice)
		if k.Conflict != "" {
			fmt.Fprintf(&b, "! %s %s: %s\n", p.ID, p.Title, k.Conflict)
			continue
		}
		n++
		fmt.Fprintf(&b, "%s %s: %s\n", p.ID, p.Title, map[watool.Mark]string{watool.Ticked: "yes", watool.Unticked: "no", watool.NA: "not applicable"}[k.Mark])
	}
	switch {
	case n == 0:
		fmt.Fprintf(&b, "%s: nothing to take over", file)
	case applied:
		fmt.Fprintf(&b, "%s: %s taken over", file, plural(n, "answer"))
	default:
		fmt.Fprintf(&b, "%s: %s would be taken over: --apply does it", file, plural(n, "answer"))
	}
	_, err := io.WriteString(w, report.CleanLines(b.String())+"\n")
	return err
}
