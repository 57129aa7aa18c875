package watool

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/review"
)

// Wishes says what we want of each question. A tick is wanted only for what a person has said to be in place; the scan may take ticks away
// only if somebody asks for that.
func Wishes(v *review.Review, untickRefuted, names bool) (all []*Wish) {
	for i := range v.Questions {
		q := &v.Questions[i]
		w := &Wish{Key: q.Key, Title: q.ID + " " + q.Title, Choices: map[string]Want{}, NoneYet: true}
		hidden := 0
		for j := range q.Practices {
			p := &q.Practices[j]
			w.NoneYet = w.NoneYet && (p.Answer == review.No || p.Answer == review.Partly)
			if p.Said != nil && p.Said.Question {
				hidden++
				w.Reason = string(p.Said.Reason)
				continue
			}
			switch {
			case p.State == review.Established:
				w.Choices[p.Choice] = Want{Mark: Ticked}
			case p.State == review.OutOfQuestion:
				w.Choices[p.Choice] = Want{Mark: NA, Reason: string(p.Said.Reason)}
			case p.Answer == review.No || p.Answer == review.Partly:
				w.Choices[p.Choice] = Want{Mark: Unticked}
			case p.Evidence == review.Refuted && untickRefuted:
				w.Choices[p.Choice] = Want{Mark: Unticked, Force: true}
			}
		}
		w.Hidden = hidden == len(q.Practices)
		w.Lines = evidence(v, q, names)
		all = append(all, w)
	}
	return all
}

var digits = regexp.MustCompile(`[0-9]+`)

// withoutAccounts hides IDs of accounts: names may hold them, and ARNs do.
func withoutAccounts(name string) string {
	return digits.ReplaceAllStringFunc(name, func(id string) string {
		if len(id) == 12 {
			return "(account)"
		}
		return id
	})
}

// evidence is what the notes of a question say: no account, no ARN, and no name, unless somebody asks for names.
func evidence(v *review.Review, q *review.QuestionReview, names bool) (lines []string) {
	worst := []review.Evidence{review.Refuted, review.Contra, review.CouldNotLook, review.Supported}
	for _, e := range worst {
		for j := range q.Practices {
			p := &q.Practices[j]
			asked := slices.ContainsFunc(p.Gaps, func(g review.Gap) bool { return g.Call != "" })
			if p.Evidence != e || e == review.CouldNotLook && !asked { // that nobody asked is no evidence
				continue
			}
			line := fmt.Sprintf("%s %s", p.ID, e)
			var failing []string
			for _, t := range p.Rules {
				if t.Fail > 0 {
					failing = append(failing, fmt.Sprintf("%s (%d)", t.Rule, t.Fail))
				}
			}
			switch {
			case e == review.Supported:
				line += fmt.Sprintf(": %d of its rules passed everywhere", len(p.Rules))
			case len(failing) > 0:
				line += ": " + strings.Join(failing, ", ")
			}
			if p.State == review.Conflict {
				line += "; people say it is in place"
			}
			if names {
				var of []string
				for _, f := range p.Findings {
					name := f.Name
					if name == "" {
						name = f.ID
					}
					name = withoutAccounts(name)
					if f.Waived == nil && len(of) < 5 && !slices.Contains(of, name) {
						of = append(of, name)
					}
				}
				if len(of) > 0 {
					line += ": " + strings.Join(of, ", ")
				}
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{fmt.Sprintf("What a scan of %s says; risk %s", v.Scan.Started.Format("2006-01-02"), q.Risk)}, lines...)
}
