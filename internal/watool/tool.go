package watool

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wellarchitected"
	"github.com/aws/aws-sdk-go-v2/service/wellarchitected/types"
	"github.com/aws/smithy-go"

	"awsscanner/internal/review"
)

// SyncSchema names the shape of the file that tells what both sides said when they were last the same.
const SyncSchema = "scanner.review-sync/v1"

// A Sync is what both sides said when they were last the same.
type Sync struct {
	Schema      string            `json:"schema"`
	Workload    string            `json:"workload"` // its ID in the WA Tool
	Region      string            `json:"region"`
	Lens        string            `json:"lens"`
	LensVersion string            `json:"lensVersion"`
	At          string            `json:"at"`
	Milestone   string            `json:"milestone,omitempty"`
	Questions   map[string]Synced `json:"questions"`
}

// ReadSync reads such a file.
func ReadSync(r io.Reader) (*Sync, error) {
	s := new(Sync)
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if s.Schema != SyncSchema {
		return nil, fmt.Errorf("its schema is %q, not %q", s.Schema, SyncSchema)
	}
	return s, nil
}

// Write writes such a file.
func (s *Sync) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(s)
}

// A Tool is a workload in the WA Tool, held against a lens.
type Tool struct {
	client   *wellarchitected.Client
	workload string
	lens     string

	LensVersion string
	Name        string    // of the workload
	Updated     time.Time // of the answers, last
	answers     map[string]*Answer
	order       []string // keys of questions
	milestones  int
}

// New returns a workload in the WA Tool.
func New(cfg aws.Config, workload, lens string) *Tool {
	return &Tool{client: wellarchitected.NewFromConfig(cfg), workload: workload, lens: lens}
}

// A Refused is what the WA Tool has, or has not, so that nothing may be written.
type Refused struct{ text string }

func (r *Refused) Error() string { return r.text }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// called says in words why a call failed.
func called(op string, err error) error {
	var api smithy.APIError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &api) && strings.Contains(api.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("wellarchitected:%s was denied: grant wellarchitected:%s", op, op)
	case errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("wellarchitected:%s: there is no such workload or lens in this account and region: a workload is known only in the region where it was made", op)
	case errors.As(err, &api):
		return fmt.Errorf("wellarchitected:%s: %s: %s", op, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("wellarchitected:%s: %w", op, err)
}

// Read reads all answers of the workload.
func (t *Tool) Read(ctx context.Context) error {
	w, err := t.client.GetWorkload(ctx, &wellarchitected.GetWorkloadInput{WorkloadId: &t.workload})
	if err != nil {
		return called("GetWorkload", err)
	}
	if w.Workload == nil {
		return errors.New("wellarchitected:GetWorkload: the answer holds no workload")
	}
	t.Name = aws.ToString(w.Workload.WorkloadName)
	l, err := t.client.GetLensReview(ctx, &wellarchitected.GetLensReviewInput{WorkloadId: &t.workload, LensAlias: &t.lens})
	if err != nil {
		return called("GetLensReview", err)
	}
	if l.LensReview == nil {
		return errors.New("wellarchitected:GetLensReview: the answer holds no lens review")
	}
	t.LensVersion, t.Updated = aws.ToString(l.LensReview.LensVersion), aws.ToTime(l.LensReview.UpdatedAt)
	if status := l.LensReview.LensStatus; status != types.LensStatusCurrent {
		return refuse("the workload has version %s of the lens, which is %s: upgrade the lens in the WA Tool, where that makes a milestone, and then try again", t.LensVersion, status)
	}
	t.answers = map[string]*Answer{}
	for p := wellarchitected.NewListAnswersPaginator(t.client, &wellarchitected.ListAnswersInput{WorkloadId: &t.workload, LensAlias: &t.lens}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return called("ListAnswers", err)
		}
		for _, s := range page.AnswerSummaries {
			key := aws.ToString(s.QuestionId)
			t.order = append(t.order, key)
			a, err := t.get(ctx, key) // a list has no notes
			if err != nil {
				return err
			}
			t.answers[key] = a
		}
	}
	if len(t.order) == 0 {
		return refuse("the workload has no questions of the lens %s: add the lens to it in the WA Tool", t.lens)
	}
	for p := wellarchitected.NewListMilestonesPaginator(t.client, &wellarchitected.ListMilestonesInput{WorkloadId: &t.workload}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return called("ListMilestones", err)
		}
		t.milestones += len(page.MilestoneSummaries)
	}
	return nil
}

func (t *Tool) get(ctx context.Context, key string) (*Answer, error) {
	out, err := t.client.GetAnswer(ctx, &wellarchitected.GetAnswerInput{WorkloadId: &t.workload, LensAlias: &t.lens, QuestionId: &key})
	if err != nil {
		return nil, called("GetAnswer", err)
	}
	if out.Answer == nil {
		return nil, errors.New("wellarchitected:GetAnswer: the answer holds none")
	}
	return answerOf(out.Answer), nil
}

func answerOf(x *types.Answer) *Answer {
	a := &Answer{Key: aws.ToString(x.QuestionId), Selected: x.SelectedChoices, NA: map[string]string{}, Remarks: map[string]string{}, Notes: aws.ToString(x.Notes),
		Applicable: x.IsApplicable == nil || *x.IsApplicable, Reason: string(x.Reason), Risk: string(x.Risk)}
	for _, c := range x.Choices {
		a.Choices = append(a.Choices, aws.ToString(c.ChoiceId))
	}
	for _, c := range x.ChoiceAnswers {
		id := aws.ToString(c.ChoiceId)
		if c.Status == types.ChoiceStatusNotApplicable {
			a.NA[id] = cmp.Or(string(c.Reason), string(types.ChoiceReasonNone))
		}
		if c.Notes != nil && *c.Notes != "" {
			a.Remarks[id] = *c.Notes
		}
	}
	return a
}

// Names translates the choices of a framework into those that the tool has, and refuses to go on if it has others: a tick that goes astray is
// worse than none. It says as well what only the tool has.
func (t *Tool) Names(f *review.Framework, wanted func(choice string) bool) (names map[string]string, more []string, err error) {
	names = map[string]string{}
	var unknown []string
	known := map[string]bool{}
	for i := range f.Questions {
		q := &f.Questions[i]
		a := t.answers[q.Key]
		if a == nil {
			unknown = append(unknown, q.ID+" ("+q.Key+")")
			continue
		}
		known[q.Key] = true
		for j := range q.Practices {
			p := &q.Practices[j]
			for _, id := range append([]string{p.Choice}, p.Also...) {
				if slices.Contains(a.Choices, id) {
					names[p.Choice] = id
				}
			}
			if names[p.Choice] == "" && (!p.Unconfirmed || wanted(p.Choice)) {
				unknown = append(unknown, p.ID+" ("+p.Choice+")")
			}
		}
		for _, id := range a.Choices {
			if p := f.Practice(id); (p == nil || p.Question != q) && id != a.None() {
				more = append(more, id)
			}
		}
	}
	for _, key := range t.order {
		if !known[key] {
			more = append(more, key)
		}
	}
	if len(unknown) > 0 {
		some := strings.Join(unknown[:min(len(unknown), 5)], ", ")
		if n := len(unknown) - 5; n > 0 {
			some += fmt.Sprintf(" and %d more", n)
		}
		return nil, nil, refuse("the WA Tool has version %s of the lens, which does not know %s: %s is of another edition, so nothing is written; name the right one with --framework", t.LensVersion, some, f.Name())
	}
	return names, more, nil
}

// Limits of milestones.
const (
	maxMilestones  = 100
	manyMilestones = 90
)

// A Push is what was, or would be, written.
type Push struct {
	Changes   []*Change `json:"changes"` // questions with something to write, or a conflict
	Written   int       `json:"written"`
	Milestone string    `json:"milestone,omitempty"` // that was made
	Warnings  []string  `json:"warnings"`
}

// Conflicts counts questions that are left alone.
func (p *Push) Conflicts() (n int) {
	for _, c := range p.Changes {
		if len(c.Conflicts) > 0 {
			n++
		}
	}
	return n
}

// Push merges wishes into the answers. Unless it is a dry run, each question is read again right before it is written, as the API has nothing that
// would keep others from writing in between. Sync is brought up to date as far as it came, also if it fails.
func (t *Tool) Push(ctx context.Context, wishes []*Wish, names map[string]string, s *Sync, day, milestone, token string, dry bool) (*Push, error) {
	p := &Push{Changes: []*Change{}, Warnings: []string{}}
	switch {
	case milestone != "" && t.milestones >= maxMilestones:
		return p, refuse("the workload has %d milestones, and more it cannot have: remove some in the WA Tool, or leave --milestone out", t.milestones)
	case t.milestones >= manyMilestones:
		p.Warnings = append(p.Warnings, fmt.Sprintf("the workload has %d of %d milestones", t.milestones, maxMilestones))
	}
	for _, w := range wishes {
		there := t.answers[w.Key]
		if there == nil {
			continue
		}
		w = w.translated(names)
		var base *Synced
		if b, ok := s.Questions[w.Key]; ok {
			base = &b
		}
		c := Merge(there, base, w, day)
		if len(c.Conflicts) == 0 && !c.Empty() && !dry {
			fresh, err := t.get(ctx, w.Key)
			if err != nil {
				return p, err
			}
			if c = Merge(fresh, base, w, day); len(c.Conflicts) == 0 && !c.Empty() {
				if err := t.update(ctx, fresh, c); err != nil {
					return p, err
				}
				p.Written++
			}
		}
		if len(c.Conflicts) > 0 || !c.Empty() {
			p.Changes = append(p.Changes, c)
		}
		if len(c.Conflicts) == 0 && !dry {
			s.Questions[w.Key] = c.agreed
		}
	}
	if dry {
		return p, nil
	}
	if milestone != "" && p.Conflicts() == 0 {
		out, err := t.client.CreateMilestone(ctx, &wellarchitected.CreateMilestoneInput{WorkloadId: &t.workload, MilestoneName: &milestone, ClientRequestToken: &token})
		var taken *types.ConflictException
		switch {
		case errors.As(err, &taken):
			return p, refuse("the workload has a milestone %q already, of another scan: give this one another name", milestone)
		case err != nil:
			return p, called("CreateMilestone", err)
		}
		p.Milestone = fmt.Sprintf("%s (number %d)", milestone, aws.ToInt32(out.MilestoneNumber))
		s.Milestone = milestone
	}
	return p, nil
}

// translated returns a wish with the choices as the tool calls them.
func (w *Wish) translated(names map[string]string) *Wish {
	out := *w
	out.Choices = map[string]Want{}
	for choice, want := range w.Choices {
		if name := names[choice]; name != "" {
			out.Choices[name] = want
		}
	}
	return &out
}

// update writes an answer: the whole selection, as what is left out would be unticked, and what is said of single choices, which may otherwise
// be lost with it.
func (t *Tool) update(ctx context.Context, was *Answer, c *Change) error {
	in := &wellarchitected.UpdateAnswerInput{WorkloadId: &t.workload, LensAlias: &t.lens, QuestionId: &c.Key, SelectedChoices: slices.Clone(c.to.Selected), Notes: aws.String(c.to.Notes),
		ChoiceUpdates: map[string]types.ChoiceUpdate{}}
	if in.SelectedChoices == nil {
		in.SelectedChoices = []string{}
	}
	if c.Hide {
		in.IsApplicable, in.Reason = aws.Bool(false), types.AnswerReason(cmp.Or(c.to.Reason, string(types.AnswerReasonNone)))
	}
	if c.Show {
		in.IsApplicable, in.Reason = aws.Bool(true), types.AnswerReasonNone
	}
	for _, choice := range was.Choices {
		remark, noted := was.Remarks[choice]
		to := c.to.mark(choice)
		if to != NA && was.mark(choice) != NA && !noted {
			continue
		}
		u := types.ChoiceUpdate{Status: map[Mark]types.ChoiceStatus{Ticked: types.ChoiceStatusSelected, Unticked: types.ChoiceStatusUnselected, NA: types.ChoiceStatusNotApplicable}[to]}
		if to == NA {
			u.Reason = types.ChoiceReason(c.to.NA[choice])
		}
		if noted {
			u.Notes = &remark
		}
		in.ChoiceUpdates[choice] = u
	}
	out, err := t.client.UpdateAnswer(ctx, in)
	if err != nil {
		return called("UpdateAnswer", err)
	}
	if out.Answer == nil {
		return errors.New("wellarchitected:UpdateAnswer: the answer holds none")
	}
	if got := answerOf(out.Answer); !slices.Equal(slices.Sorted(slices.Values(got.Selected)), slices.Sorted(slices.Values(c.to.Selected))) {
		return fmt.Errorf("wellarchitected:UpdateAnswer: %s has become %s, and not %s: look at it in the WA Tool", c.Key, strings.Join(got.Selected, ", "), strings.Join(c.to.Selected, ", "))
	}
	return nil
}

// Pull works out what the answers there change here.
func (t *Tool) Pull(f *review.Framework, names map[string]string, here map[string]Mark, s *Sync, untickedSaysNo bool) (all []Taken) {
	back := map[string]string{}
	translated := map[string]Mark{}
	for choice, name := range names {
		back[name] = choice
		if m, said := here[choice]; said {
			translated[name] = m
		}
	}
	for i := range f.Questions {
		q := &f.Questions[i]
		there := t.answers[q.Key]
		var choices []string
		for j := range q.Practices {
			if name := names[q.Practices[j].Choice]; name != "" {
				choices = append(choices, name)
			}
		}
		var base *Synced
		if b, ok := s.Questions[q.Key]; ok {
			base = &b
		}
		for _, taken := range Take(there, base, translated, choices, untickedSaysNo) {
			taken.Choice = back[taken.Choice]
			all = append(all, taken)
		}
	}
	return all
}

// Agree notes what both sides say alike, once a pull is written. Here is what people say of each choice here then.
func (t *Tool) Agree(f *review.Framework, names map[string]string, here map[string]Mark, s *Sync) {
	for i := range f.Questions {
		q := &f.Questions[i]
		there := t.answers[q.Key]
		base, known := s.Questions[q.Key]
		agreed := Synced{Applicable: there.Applicable, Agreed: map[string]Mark{}}
		if known {
			maps.Copy(agreed.Agreed, base.Agreed)
		}
		for j := range q.Practices {
			choice := q.Practices[j].Choice
			name := names[choice]
			if m, said := here[choice]; said && name != "" && (m == there.mark(name) || m == NA && !there.Applicable) {
				agreed.Agreed[name] = m
			}
		}
		s.Questions[q.Key] = agreed
	}
}

// Risks returns the risks of questions as the tool works them out.
func (t *Tool) Risks() map[string]string {
	all := map[string]string{}
	for key, a := range t.answers {
		all[key] = a.Risk
	}
	return all
}

// Token is the same for the same workload and scan, so that a milestone is made once however often it is tried.
func Token(workload, scan string) string {
	h := sha256.Sum256([]byte(workload + "\x00" + scan))
	return hex.EncodeToString(h[:])
}
