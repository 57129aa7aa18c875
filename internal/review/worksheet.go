package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// A worksheet is what the page needs, so that people can answer in it: the file of answers as it is, and tables by which risks follow from answers.
// The page knows no rule of its own.
type worksheet struct {
	Head      []string               `json:"head"` // lines of the file before its answers
	Body      []fileEntry            `json:"body"`
	Tail      []string               `json:"tail"`
	EOL       string                 `json:"eol"`
	Follows   map[string]follows     `json:"follows"` // what follows from an answer, by evidence
	Flags     map[Flag]string        `json:"flags"`
	Weights   map[Level]int          `json:"weights"`
	Pillars   []string               `json:"pillars"`
	Questions []worksheetQuestion    `json:"questions"`
	Answers   map[string]sheetAnswer `json:"answers"` // by choice, of those that somebody has answered
}

// follows is a state with its flags for each answer.
type follows map[Said]consequence

type consequence struct {
	State State  `json:"state"`
	Flags []Flag `json:"flags"`
}

// A fileEntry is an answer of the file with the comments before it.
type fileEntry struct {
	Choice string   `json:"choice,omitempty"`
	Lines  []string `json:"lines"`
}

type worksheetQuestion struct {
	ID        string              `json:"id"`
	Pillar    string              `json:"pillar"`
	Outside   bool                `json:"outside,omitempty"` // somebody says that it does not apply
	Table     string              `json:"table,omitempty"`   // the rank of the risk for each set of practices in place, the first practice being the lowest bit
	Practices []worksheetPractice `json:"practices"`
}

type worksheetPractice struct {
	ID       string `json:"id"`
	Choice   string `json:"choice"`
	Level    Level  `json:"level"`
	Rank     int    `json:"rank"`     // of the risk if it is missing
	Evidence string `json:"evidence"` // key of what follows
	Waived   bool   `json:"waived,omitempty"`
}

// A sheetAnswer is what somebody has said, as the page shows and writes it.
type sheetAnswer struct {
	State    Said     `json:"state"`
	By       string   `json:"by,omitempty"`
	On       string   `json:"on,omitempty"`
	Note     string   `json:"note,omitempty"`
	Links    []string `json:"links,omitempty"`
	Reason   Reason   `json:"reason,omitempty"`
	ReviewBy string   `json:"reviewBy,omitempty"` // if somebody has written it
	Apart    bool     `json:"apart,omitempty"`
	Lapsed   bool     `json:"lapsed,omitempty"`
}

// worksheet makes what the page needs.
func (v *Review) worksheet() *worksheet {
	w := &worksheet{Follows: map[string]follows{}, Flags: flagTexts, Weights: map[Level]int{}, Answers: map[string]sheetAnswer{}}
	for _, l := range Levels {
		w.Weights[l] = l.Weight()
	}
	for _, p := range v.Pillars {
		w.Pillars = append(w.Pillars, p.ID)
	}
	for i := range v.Questions {
		w.Questions = append(w.Questions, v.sheetQuestion(w, &v.Questions[i]))
	}
	v.file(w)
	return w
}

func (v *Review) sheetQuestion(w *worksheet, q *QuestionReview) worksheetQuestion {
	x := worksheetQuestion{ID: q.ID, Pillar: q.Pillar, Table: q.q.table()}
	for j := range q.Practices {
		p := &q.Practices[j]
		whole := v.Settings.AcceptFull && p.p.whole()
		key := string(p.Evidence)
		if whole {
			key += ", whole"
		}
		if w.Follows[key] == nil {
			w.Follows[key] = follows{}
			for _, said := range []Said{Yes, No, Partly, NA, NoReply} {
				state, flags := Combine(p.Evidence, said, whole)
				w.Follows[key][said] = consequence{state, flags}
			}
		}
		x.Practices = append(x.Practices, worksheetPractice{ID: p.ID, Choice: p.Choice, Level: p.Level, Rank: ofLevel(p.Level, v.Settings.LowCountsAs).rank(), Evidence: key, Waived: p.Has(WaivedFlag)})
		if p.Said == nil {
			continue
		}
		if p.Said.Question {
			x.Outside = true
			continue
		}
		a := sheetAnswer{State: p.Answer, By: p.Said.By, On: p.Said.On, Note: p.Said.Note, Links: p.Said.Links, Reason: p.Said.Reason, Apart: len(p.Apart) > 0, Lapsed: p.Said.Lapsed}
		if a.Apart {
			a.By, a.On, a.Note = "", "", "to discuss: "+p.apartText()
		}
		if said := v.answers.of[p.p]; said != nil && said.ReviewBy != nil {
			a.ReviewBy = said.ReviewBy.String()
		}
		w.Answers[p.Choice] = a
	}
	return x
}

// table tells the risk for all that may be in place, if the question has risk rules.
func (q *Question) table() string {
	if len(q.rules) == 0 {
		return ""
	}
	b := make([]byte, 1<<len(q.Practices))
	states := make([]State, len(q.Practices))
	for mask := range b {
		for n := range states {
			states[n] = NotEstablished
			if mask>>n&1 == 1 {
				states[n] = Established
			}
		}
		b[mask] = '0' + byte(q.byRules(states).Lower.rank())
	}
	return string(b)
}

// file takes the file of answers apart, so that the page can write it with others.
func (v *Review) file(w *worksheet) {
	w.Head, w.Body, w.Tail = []string{}, []fileEntry{}, []string{}
	s, err := v.fileOf(v.answers.text)
	if err != nil || v.answers.several { // it is written anew
		s, _ = v.fileOf(nil)
		w.Head, w.EOL, w.Tail = s.lines, s.eol, v.answers.rest()
		if v.answers.Low != "" {
			w.Head = slices.Insert(w.Head, len(w.Head)-1, "risk: {low_counts_as: "+strings.ToLower(string(v.answers.Low))+"}")
		}
		v.Practices(func(_ *QuestionReview, p *PracticeReview) {
			x := v.answers.of[p.p]
			if x == nil {
				return
			}
			t := x.told(false)
			if p.Said != nil && !p.Said.Question {
				t = p.Said
			}
			r := Reply{State: t.State, By: t.By, On: t.On, Note: t.Note, Links: t.Links, Reason: t.Reason, ReviewBy: t.ReviewBy}
			if len(p.Apart) > 0 {
				r = Reply{State: NoReply, Note: w.Answers[p.Choice].Note}
			}
			w.Body = append(w.Body, fileEntry{p.Choice, []string{r.line(p.Choice)}})
		})
		return
	}
	s.clean(v.f)
	w.Head, w.Tail, w.EOL = s.lines[:s.begin], list(s.lines[s.end:]), s.eol
	indent := ""
	var before []string // comments
	for _, l := range s.lines[s.begin:s.end] {
		m := entryKey.FindStringSubmatch(l)
		if m != nil && indent == "" {
			indent = m[1]
		}
		text := strings.TrimSpace(l)
		switch {
		case m != nil && m[1] == indent:
			x := fileEntry{Lines: append(before, l)}
			if p := v.f.Practice(m[2]); p != nil {
				x.Choice = p.Choice
			}
			w.Body, before = append(w.Body, x), nil
		case text == "" || strings.HasPrefix(text, "#") || len(w.Body) == 0:
			before = append(before, l)
		default:
			last := &w.Body[len(w.Body)-1]
			last.Lines = slices.Concat(last.Lines, before, []string{l})
			before = nil
		}
	}
	if len(before) > 0 {
		w.Body = append(w.Body, fileEntry{Lines: before})
	}
}

// rest writes all but the answers.
func (a *Answers) rest() (lines []string) {
	flow := func(pairs ...string) string {
		var all []string
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				all = append(all, pairs[i]+": "+pairs[i+1])
			}
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	part := func(key string, entries []string) {
		if slices.Sort(entries); len(entries) > 0 {
			lines = append(append(lines, key+":"), entries...)
		}
	}
	var questions, waivers, register []string
	for q, x := range a.scoped {
		questions = append(questions, "  "+q.Key+": "+flow("applicable", fmt.Sprint(*x.Applicable), "reason", string(x.Reason), "note", quoted(x.Note), "by", quoted(x.By)))
	}
	for _, all := range a.passes {
		for _, x := range all {
			waivers = append(waivers, "  - "+flow("bp", quoted(x.Practice), "reason", quoted(x.Reason), "owner", quoted(x.Owner), "until", x.Until.String(), "resources", quotedList(x.Resources), "risk", quoted(x.Risk), "mitigation", quoted(x.Remedy), "ticket", quoted(x.Ticket)))
		}
	}
	for ref, x := range a.Register {
		due := ""
		if x.Due != nil {
			due = x.Due.String()
		}
		register = append(register, "  "+quoted(ref)+": "+flow("likelihood", quoted(x.Likelihood), "impact", quoted(x.Impact), "owner", quoted(x.Owner), "status", quoted(x.Status), "due", due, "ticket", quoted(x.Ticket),
			"mitigation", quoted(x.Mitigation), "runbook", quoted(x.Runbook), "notes", quoted(x.Notes)))
	}
	part("questions", questions)
	part("waivers", waivers)
	part("register", register)
	return lines
}

// script makes JSON that may stand in a page.
func (w *worksheet) script() fragment {
	b, err := json.Marshal(w) // which escapes < and >
	if err != nil {
		return "{}" // never: it holds nothing that JSON cannot say
	}
	var safe strings.Builder
	for _, r := range string(b) {
		if r >= 0x7f && (!unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r)) {
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&safe, `\u%04x`, unit)
			}
			continue
		}
		safe.WriteRune(r)
	}
	return fragment(safe.String())
}
