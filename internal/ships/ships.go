// Package ships estimates how a team ships from what AWS has seen: deployments of CloudFormation and CodeDeploy. It says what was seen, and never
// how good that is: pipelines of others, and changes by hand, are not in it.
package ships

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
)

// Schema names the shape of the file of a history.
const Schema = "scanner.ships/v1"

// A History is the deployments of some time.
type History struct {
	Schema      string       `json:"schema"`
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	Read        []Place      `json:"read"` // asked, whatever came of it
	Deployments []Deployment `json:"deployments"`
	Gaps        []Gap        `json:"gaps"`
}

// A Place is a region of an account.
type Place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// A Deployment is an attempt to change something.
type Deployment struct {
	Tool    string            `json:"tool"` // cloudformation or codedeploy
	Account string            `json:"account"`
	Region  string            `json:"region"`
	What    string            `json:"what"`           // stack, or application and group
	Tags    map[string]string `json:"tags,omitempty"` // of the stack
	Began   time.Time         `json:"began"`
	Ended   time.Time         `json:"ended,omitzero"` // zero as long as it is under way
	Outcome Outcome           `json:"outcome"`
}

// An Outcome is how a deployment ended.
type Outcome string

const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed" // or was rolled back
	Stopped   Outcome = "stopped"
	Running   Outcome = "running"
)

// A Gap is what nobody could read.
type Gap struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Call    string `json:"call"`
	Why     string `json:"why"`
}

// Read reads the file of a history, and refuses what it does not understand.
func Read(r io.Reader) (*History, error) {
	h := new(History)
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(h); err != nil {
		return nil, err
	}
	switch {
	case h.Schema != Schema:
		return nil, fmt.Errorf("its schema is %q, not %q: write it with scanner review ships -o FILE", h.Schema, Schema)
	case !h.To.After(h.From):
		return nil, errors.New("it ends before it begins")
	}
	for _, x := range h.Deployments {
		if !slices.Contains([]Outcome{Succeeded, Failed, Stopped, Running}, x.Outcome) {
			return nil, fmt.Errorf("there is no outcome %q", x.Outcome)
		}
		if x.Outcome != Running && x.Ended.Before(x.Began) {
			return nil, fmt.Errorf("the deployment of %s ends before it begins", x.What)
		}
	}
	return h, nil
}

// Write writes it.
func (h *History) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(h)
}

// Sort puts deployments in order, so that the same history is the same file.
func (h *History) Sort() {
	slices.SortFunc(h.Deployments, func(a, b Deployment) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.What, b.What), a.Ended.Compare(b.Ended))
	})
	slices.SortFunc(h.Gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Call, b.Call), cmp.Compare(a.Why, b.Why))
	})
}

// A Selection is the accounts, regions and tags of a workload; what is empty selects all.
type Selection struct {
	Accounts []string
	Regions  []string            // names or globs
	Tags     map[string][]string // keys with globs of values
}

// holds reports whether a deployment belongs to a workload, and whether anybody knows.
func (s *Selection) holds(x *Deployment) (is, known bool) {
	if len(s.Accounts) > 0 && !slices.Contains(s.Accounts, x.Account) || len(s.Regions) > 0 && !engine.MatchAny(s.Regions, x.Region) {
		return false, true
	}
	if len(s.Tags) == 0 {
		return true, true
	}
	if x.Tags == nil {
		return false, false
	}
	for key, globs := range s.Tags {
		if value, ok := x.Tags[key]; !ok || !engine.MatchAny(globs, value) {
			return false, true
		}
	}
	return true, true
}

// An Estimate is what AWS saw. Numbers of which nothing was seen are not there, and zero is a number.
type Estimate struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Days        int       `json:"days"`
	Deployments int       `json:"deployments"` // that ended
	PerWeek     float64   `json:"perWeek"`
	Failed      int       `json:"failed"`
	FailedShare *float64  `json:"failedShare,omitempty"` // percent of those that ended
	Restored    int       `json:"restored"`              // failures after which the same was deployed with success
	Unrestored  int       `json:"unrestored"`            // failures after which it was not, so far
	Restore     *float64  `json:"restoreMinutes,omitempty"`
	Running     int       `json:"running"`
	Stopped     int       `json:"stopped"`
	Unknown     int       `json:"unknown"` // deployments of which nobody knows whether they belong to the workload
	Tools       []string  `json:"tools"`
	Gaps        []Gap     `json:"gaps"`
	Unread      []string  `json:"unread"` // accounts of the workload that were not asked
	Lines       []string  `json:"lines"`  // the same in words
}

// Estimate says what was seen of a workload.
func (h *History) Estimate(s Selection) *Estimate {
	e := &Estimate{From: h.From, To: h.To, Days: max(1, int(h.To.Sub(h.From).Hours()/24+0.5)), Tools: []string{}, Gaps: []Gap{}, Unread: []string{}}
	of := map[string][]Deployment{} // by what is deployed
	var order []string
	for _, x := range h.Deployments {
		is, known := s.holds(&x)
		if !known {
			e.Unknown++
		}
		if !is {
			continue
		}
		if !slices.Contains(e.Tools, x.Tool) {
			e.Tools = append(e.Tools, x.Tool)
		}
		switch x.Outcome {
		case Running:
			e.Running++
			continue
		case Stopped:
			e.Stopped++
			continue
		case Failed:
			e.Failed++
		}
		e.Deployments++
		key := strings.Join([]string{x.Tool, x.Account, x.Region, x.What}, "\x00")
		if of[key] == nil {
			order = append(order, key)
		}
		of[key] = append(of[key], x)
	}
	slices.Sort(e.Tools)
	for _, g := range h.Gaps {
		where := Selection{Accounts: s.Accounts, Regions: s.Regions}
		if g.Region == "" { // it is about all of them
			where.Regions = nil
		}
		if is, _ := where.holds(&Deployment{Account: g.Account, Region: g.Region}); is {
			e.Gaps = append(e.Gaps, g)
		}
	}
	for _, account := range s.Accounts {
		if !slices.ContainsFunc(h.Read, func(p Place) bool { return p.Account == account }) {
			e.Unread = append(e.Unread, account)
		}
	}
	e.PerWeek = round(float64(e.Deployments) * 7 / float64(e.Days))
	if e.Deployments > 0 {
		share := round(100 * float64(e.Failed) / float64(e.Deployments))
		e.FailedShare = &share
	}
	var minutes []float64
	for _, key := range order {
		all := of[key]
		slices.SortStableFunc(all, func(a, b Deployment) int { return a.Ended.Compare(b.Ended) })
		var since time.Time // the first failure that is not mended
		failures := 0
		for _, x := range all {
			switch {
			case x.Outcome == Failed:
				if failures == 0 {
					since = x.Ended
				}
				failures++
			case failures > 0:
				minutes = append(minutes, x.Ended.Sub(since).Minutes())
				e.Restored += failures
				failures = 0
			}
		}
		e.Unrestored += failures
	}
	if n := len(minutes); n > 0 {
		slices.Sort(minutes)
		median := minutes[n/2]
		if n%2 == 0 {
			median = (minutes[n/2-1] + minutes[n/2]) / 2
		}
		median = round(median)
		e.Restore = &median
	}
	e.Lines = e.words()
	return e
}

func round(x float64) float64 { return float64(int(10*x+0.5)) / 10 }

// words says what was seen.
func (e *Estimate) words() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if e.Deployments == 0 {
		say("no deployment ended in %d days that AWS saw", e.Days)
	} else {
		say("%s ended in %d days, by %s: %g a week", count(e.Deployments, "deployment"), e.Days, strings.Join(e.Tools, " and "), e.PerWeek)
		say("%d of them failed or were rolled back: %g %%", e.Failed, *e.FailedShare)
	}
	if e.Restore != nil {
		say("from a failure to the next success of the same: %s in the middle (%s)", duration(*e.Restore), count(e.Restored, "failure"))
	}
	if e.Unrestored > 0 {
		say("after %s there was no success of the same yet", count(e.Unrestored, "failure"))
	}
	if e.Running+e.Stopped > 0 {
		say("not counted: %d under way, %d stopped by somebody", e.Running, e.Stopped)
	}
	if e.Unknown > 0 {
		say("of %d more nobody knows whether they belong to the workload, as they have no tags", e.Unknown)
	}
	for _, g := range e.Gaps {
		say("not seen: %s %s, as %s", g.Account, g.Region, g.Why)
	}
	for _, account := range e.Unread {
		say("not seen: %s was not asked", account)
	}
	return lines
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

func duration(minutes float64) string {
	switch {
	case minutes < 90:
		return fmt.Sprintf("%g minutes", minutes)
	case minutes < 48*60:
		return fmt.Sprintf("%g hours", round(minutes/60))
	}
	return fmt.Sprintf("%g days", round(minutes/60/24))
}
