package review

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// AgendaSchema names the shape of the JSON of an agenda.
const AgendaSchema = "scanner.review-agenda/v1"

// Roles lists who may be at a meeting.
var Roles = []string{"dev", "ops", "security", "finance", "product"}

// An Agenda is a meeting: what to ask whom, in which order, in the time that there is.
type Agenda struct {
	Schema   string       `json:"schema"`
	Workload string       `json:"workload"`
	AsOf     string       `json:"asOf"`
	Minutes  int          `json:"minutes"`
	With     []string     `json:"with"` // roles; empty if nobody has said
	Items    []AgendaItem `json:"items"`
	Used     int          `json:"used"`   // minutes
	Later    []AgendaItem `json:"later"`  // for which there is no time
	Absent   []AgendaItem `json:"absent"` // that nobody at the table knows
}

// An AgendaItem is a question with the practices to talk about.
type AgendaItem struct {
	At        int      `json:"at"` // minutes after the beginning
	Minutes   int      `json:"minutes"`
	Question  string   `json:"question"`
	Title     string   `json:"title"`
	Risk      Interval `json:"risk"`
	Who       []string `json:"who"` // who knows, of those who are there
	Value     float64  `json:"value"`
	Practices []Asking `json:"practices"`
}

// knows says who can answer the questions of a pillar, the first best.
var knows = map[string][]string{
	"operational-excellence": {"ops", "dev"}, "security": {"security", "ops", "dev"}, "reliability": {"ops", "dev"}, "performance-efficiency": {"dev", "ops"}, "cost-optimization": {"finance", "ops", "product"}, "sustainability": {"ops", "dev"},
}

// knowsOf says so of questions that others know than the rest of their pillar.
var knowsOf = map[string][]string{
	"OPS 1": {"product", "ops", "dev"}, "OPS 2": {"product", "ops", "dev"}, "OPS 3": {"product", "ops", "dev"}, "OPS 5": {"dev", "ops"}, "OPS 6": {"dev", "ops"},
	"SEC 7": {"security", "product", "dev"}, "SEC 11": {"dev", "security"}, "REL 3": {"dev", "ops"}, "REL 4": {"dev", "ops"}, "REL 5": {"dev", "ops"}, "REL 13": {"ops", "product"},
	"COST 5": {"dev", "finance"}, "COST 6": {"dev", "ops", "finance"}, "COST 8": {"dev", "ops", "finance"}, "COST 9": {"dev", "ops", "product"}, "COST 10": {"ops", "dev", "finance"}, "SUS 1": {"product", "ops"},
}

// who says who can answer a question; nil if anybody may.
func (q *QuestionReview) who() []string {
	if all := knowsOf[q.ID]; all != nil {
		return all
	}
	return knows[q.Pillar]
}

const (
	opening  = 5 // minutes to say what the scan has found
	closing  = 10
	settling = 1 // minutes that each question takes before anybody answers
)

// talk is how many minutes people talk about a practice.
func (a *Asking) talk() int {
	switch {
	case a.Conflict || len(a.x.Apart) > 0:
		return 5
	case a.Evidence == Supported:
		return 1 // it looks done: somebody has to say so
	case a.Level == High:
		return 3
	}
	return 2
}

// LeastMinutes is how long a meeting must be.
const LeastMinutes = opening + closing + 10

// Agenda makes the most of a meeting: the questions that are worth most by the minute, whoever is there. Roles sit together, so that people can
// come and go.
func (v *Review) Agenda(minutes int, with []string) *Agenda {
	g := &Agenda{Schema: AgendaSchema, Workload: v.Workload.Name, AsOf: v.AsOf, Minutes: minutes, With: list(with), Items: []AgendaItem{}, Later: []AgendaItem{}, Absent: []AgendaItem{}}
	of := map[string]*AgendaItem{}
	var order []string
	for _, a := range v.Open() {
		x := of[a.Question]
		if x == nil {
			x = &AgendaItem{Minutes: settling, Question: a.Question, Title: a.q.Title, Risk: a.Risk, Who: []string{}}
			for _, role := range a.q.who() {
				if len(with) == 0 || slices.Contains(with, role) {
					x.Who = append(x.Who, role)
				}
			}
			of[a.Question], order = x, append(order, a.Question)
			if len(x.Who) == 0 && len(a.q.who()) > 0 {
				x.Who = a.q.who()
				x.At = -1 // nobody is there
			}
		}
		x.Minutes += a.talk()
		x.Value += a.Value
		if a.Conflict {
			x.Value += 10
		}
		x.Practices = append(x.Practices, a)
	}
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Compare(of[b].Value/float64(of[b].Minutes), of[a].Value/float64(of[a].Minutes))
	})
	left := minutes - opening - closing
	for _, id := range order {
		x := *of[id]
		x.Value = float64(int(100*x.Value+0.5)) / 100
		switch {
		case x.At < 0:
			x.At = 0
			g.Absent = append(g.Absent, x)
		case x.Minutes > left:
			g.Later = append(g.Later, x)
		default:
			left -= x.Minutes
			g.Items = append(g.Items, x)
		}
	}
	first := func(x AgendaItem) int {
		if len(x.Who) == 0 {
			return len(Roles)
		}
		among := with
		if len(with) == 0 {
			among = Roles
		}
		return slices.Index(among, x.Who[0])
	}
	slices.SortStableFunc(g.Items, func(a, b AgendaItem) int { return first(a) - first(b) })
	at := opening
	for i := range g.Items {
		g.Items[i].At = at
		at += g.Items[i].Minutes
	}
	g.Used = at + closing
	return g
}

// JSON writes an agenda as programs read it.
func (g *Agenda) JSON(w io.Writer) error { return writeJSON(w, g) }

// Markdown writes an agenda for people.
func (g *Agenda) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Agenda for %s\n\n%d of %d minutes", md(g.Workload), g.Used, g.Minutes)
	if len(g.With) > 0 {
		fmt.Fprintf(&b, ", with %s", md(strings.Join(g.With, ", ")))
	}
	fmt.Fprintf(&b, ". The questions whose answers move most by the minute; roles sit together, so that people can come and go.\n\n- %s What the scan has found: `scanner review run -o html=review.html`\n", clock(0))
	for _, x := range g.Items {
		fmt.Fprintf(&b, "- %s **%s %s** (%s, %d minutes): %s\n", clock(x.At), x.Question, md(x.Title), cmp.Or(strings.Join(x.Who, ", "), "anybody"), x.Minutes, x.Risk)
		for _, a := range x.Practices {
			fmt.Fprintf(&b, "  - %s (%s) %s: %s\n", a.Practice, a.Level, md(a.Title), md(a.Found))
		}
	}
	fmt.Fprintf(&b, "- %s Who does what until when: `scanner review plan`\n", clock(g.Used-closing))
	rest := func(head string, all []AgendaItem) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n", head)
		for _, x := range all {
			fmt.Fprintf(&b, "- %s %s: %s, %s, %d minutes (%s)\n", x.Question, md(x.Title), x.Risk, count(len(x.Practices), "practice"), x.Minutes, strings.Join(x.Who, ", "))
		}
	}
	rest("Nobody at the table knows", g.Absent)
	rest("No time for", g.Later)
	_, err := io.WriteString(w, b.String())
	return err
}

func clock(minutes int) string { return fmt.Sprintf("%d:%02d", minutes/60, minutes%60) }
