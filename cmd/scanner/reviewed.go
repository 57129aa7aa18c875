package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/internal/server"
)

// A reviewer makes the review of a stream once for each scan: for a large one that takes a while.
type reviewer struct {
	*keeper
	answers []string // files; without any the usual one, if it is there

	mu   sync.Mutex
	made map[string]*made // by stream
}

// A made is a review that is there, or being made.
type made struct {
	scan    string
	answers string // when they changed last
	done    chan struct{}
	review  *server.Review
	err     error
}

// of returns the review of the last scan of a stream; nil if there is none.
func (r *reviewer) of(ctx context.Context, stream string) (*server.Review, error) {
	scan, err := r.store.Newest(ctx, stream)
	if err != nil || scan == "" {
		return nil, err
	}
	changed := r.changed()
	r.mu.Lock()
	m := r.made[stream]
	if m == nil || m.scan != scan || m.answers != changed {
		m = &made{scan: scan, answers: changed, done: make(chan struct{})}
		r.made[stream] = m
		go func() {
			m.review, m.err = r.make(context.WithoutCancel(ctx), stream)
			close(m.done)
		}()
	}
	r.mu.Unlock()
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, refusal(http.StatusServiceUnavailable, "the review is being made: ask again in a moment")
	}
	if m.err != nil { // whoever asks next tries again
		r.mu.Lock()
		if r.made[stream] == m {
			delete(r.made, stream)
		}
		r.mu.Unlock()
	}
	return m.review, m.err
}

// changed tells the answers as they are now from what they were.
func (r *reviewer) changed() string {
	files := r.answers
	if len(files) == 0 {
		files = []string{defaultAnswers}
	}
	var all strings.Builder
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintf(&all, "%d ", info.ModTime().UnixNano())
		} else {
			all.WriteString("- ")
		}
	}
	return all.String()
}

// make reviews the last scan of a stream, by what people have answered.
func (r *reviewer) make(ctx context.Context, stream string) (*server.Review, error) {
	v, err := r.look(ctx, stream)
	var wrong *exitError
	if errors.As(err, &wrong) {
		return nil, refusal(http.StatusConflict, "%s", strings.ReplaceAll(strings.TrimPrefix(wrong.text, "--stream: "), "\nscanner: ", "; "))
	}
	if err != nil {
		return nil, err
	}
	return reviewed(v), nil
}

func (r *reviewer) look(ctx context.Context, stream string) (*review.Review, error) {
	x := newReviewing(r.answers)
	if err := x.begin(); err != nil {
		return nil, err
	}
	rec, err := lastOf(ctx, r.store, stream)
	if err != nil {
		return nil, err
	}
	last, err := r.store.Last(ctx, stream)
	if err != nil {
		return nil, err
	}
	conf := configured{none: true}
	if len(last.Settings) > 0 { // it was no scan by hand
		s, err := unpack(last.Settings)
		if err != nil {
			return nil, err
		}
		conf = s.sel.conf
	}
	var o report.Options
	var warnings strings.Builder
	if x.report, err = rec.again(conf.again(), o, &warnings); err != nil {
		return nil, err
	}
	all, err := review.New(x.f, x.all[:1], x.report, x.options())
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// newReviewing is a review as a service makes it.
func newReviewing(answers []string) *reviewing {
	return &reviewing{low: "medium", framework: review.Default, answers: answers}
}

// reviewed tells a review as pages and API do.
func reviewed(v *review.Review) *server.Review {
	out := &server.Review{Edition: v.Framework.Title + ", " + v.Framework.Edition}
	for _, p := range v.Pillars {
		pillar := server.ReviewPillar{Pillar: engine.Pillar(p.ID)}
		for i := range v.Questions {
			q := &v.Questions[i]
			if q.Pillar != p.ID {
				continue
			}
			question := server.ReviewQuestion{ID: q.ID, Title: q.Title, Risk: string(q.Risk.Lower), Possible: string(q.Risk.Upper), Open: q.Open, Practices: []server.ReviewPractice{}}
			for j := range q.Practices {
				x := &q.Practices[j]
				practice := server.ReviewPractice{ID: x.ID, Title: x.Title, Level: string(x.Level), State: string(x.State), Because: x.Because, Failing: x.Failing, Rules: []string{}}
				for _, t := range x.Rules {
					practice.Rules = append(practice.Rules, t.Rule)
				}
				question.Practices = append(question.Practices, practice)
			}
			pillar.Questions = append(pillar.Questions, question)
		}
		out.Pillars = append(out.Pillars, pillar)
	}
	return out
}
