package review

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Reply is an answer to write into a file.
type Reply struct {
	State Said
	By    string
	On    string
	Note  string
	Links []string

	Reason   Reason // why it is not applicable
	ReviewBy string
}

// line writes a reply as one line of an answers file.
func (r *Reply) line(choice string) string {
	text := "  " + choice + ": {state: " + string(r.State)
	if r.State == NoReply {
		text = "  " + choice + ": {state: " + open
	}
	for _, x := range []struct{ key, value string }{{"by", quoted(r.By)}, {"on", r.On}, {"review_by", r.ReviewBy}, {"note", quoted(r.Note)}, {"link", quotedList(r.Links)}, {"reason", string(r.Reason)}} {
		if x.value != "" {
			text += ", " + x.key + ": " + x.value
		}
	}
	return text + "}"
}

// quoted makes YAML of a text: JSON is.
func quoted(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(strings.TrimSpace(text)) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

func quotedList(texts []string) string {
	var all []string
	for _, t := range texts {
		if q := quoted(t); q != "" {
			all = append(all, q)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// hint begins the comments that a file to fill in has for whoever fills it in: they are written anew each time.
const hint = "#~ "

// Answer writes a reply into an answers file; all that other people have written stays as it is, letter by letter.
func (v *Review) Answer(text []byte, choice string, r Reply) ([]byte, error) {
	f, err := v.fileOf(text)
	if err != nil {
		return nil, err
	}
	f.put(v.f.practices[choice].names(), []string{r.line(choice)})
	return v.checked(text, f.bytes(), choice)
}

// Fill writes all that is open into an answers file, the most valuable questions first, each with what was found. What was open before
// and is no more goes; all that people have written stays.
func (v *Review) Fill(text []byte) ([]byte, error) {
	f, err := v.fileOf(text)
	if err != nil {
		return nil, err
	}
	f.clean(v.f)
	asked := map[string]bool{}
	var order []string // questions by their most valuable practice
	of := map[string][]Asking{}
	for _, a := range v.Open() {
		if a.Conflict || a.x.Said != nil && !a.Lapsed { // it stands in the file, with what somebody says
			continue
		}
		if !asked[a.Question] {
			asked[a.Question] = true
			order = append(order, a.Question)
		}
		of[a.Question] = append(of[a.Question], a)
	}
	var lines []string
	for _, id := range order {
		q := of[id][0].q
		lines = append(lines, "", "  "+hint+line(fmt.Sprintf("%s %s: %s", q.ID, q.Title, q.Risk)))
		for _, a := range of[id] {
			lines = append(lines, "  "+hint+line(fmt.Sprintf("%s (%s) %s", a.Practice, a.Level, a.Title)), "  "+hint+"  "+line("found: "+string(a.Evidence)+": "+a.Found))
			if sees := a.Sees(); sees != "" {
				lines = append(lines, "  "+hint+"  "+line(sees))
			}
			if a.Lapsed {
				lines = append(lines, "  "+hint+"  "+line(fmt.Sprintf("lapsed: %s said %s on %s; answer anew in the entry above", a.x.Said.By, a.x.Said.State, a.x.Said.On)))
				continue
			}
			lines = append(lines, (&Reply{State: NoReply}).line(a.Choice))
		}
	}
	f.put(nil, lines)
	return v.checked(text, f.bytes(), "")
}

// line makes one line of a text for a comment.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// names are all under which a file may speak of a practice.
func (p *Practice) names() []string { return append([]string{p.Choice, p.ID}, p.Also...) }

// A sheet is the lines of an answers file, and where its answers stand among them.
type sheet struct {
	lines      []string
	begin, end int // of the answers, behind their key
	eol        string
}

var (
	answersKey = regexp.MustCompile(`^answers:\s*(#.*)?$`)
	topKey     = regexp.MustCompile(`^[^\s#-]`)
	entryKey   = regexp.MustCompile(`^(\s+)["']?([A-Za-z0-9_-]+)["']?:(\s|$)`)
)

// fileOf finds the answers in a file, or begins one.
func (v *Review) fileOf(text []byte) (*sheet, error) {
	s := &sheet{eol: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte(v.beginning())
	}
	s.lines = strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	at := slices.IndexFunc(s.lines, answersKey.MatchString)
	if at < 0 {
		if slices.ContainsFunc(s.lines, func(l string) bool { return strings.HasPrefix(l, "answers:") }) {
			return nil, errors.New("its answers stand in braces behind their key: write each on a line of its own, indented, so that others can be added")
		}
		s.lines = append(s.lines, "answers:")
		at = len(s.lines) - 1
	}
	s.begin = at + 1
	s.end = s.begin
	for i := s.begin; i < len(s.lines) && !topKey.MatchString(s.lines[i]); i++ {
		if strings.TrimSpace(s.lines[i]) != "" {
			s.end = i + 1
		}
	}
	for s.end > s.begin && (strings.HasPrefix(s.lines[s.end-1], "#") || strings.TrimSpace(s.lines[s.end-1]) == "") { // a comment that belongs to what follows
		s.end--
	}
	return s, nil
}

// beginning is what a new file begins with.
func (v *Review) beginning() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Answers about %s. Write yes, no, partly or na in place of open, by whom and when; or by and on once for all under defaults.\n", line(v.Workload.Name))
	fmt.Fprintf(&b, "version: 1\nframework: {name: %s, edition: %s}\n", v.Framework.ID, v.Framework.Edition)
	if w := v.Workload; v.named() {
		fmt.Fprintf(&b, "workload: {name: %s", quoted(w.Name))
		for _, x := range []struct {
			key string
			all []string
		}{{"accounts", w.Accounts}, {"regions", w.Regions}} {
			if len(x.all) > 0 {
				fmt.Fprintf(&b, ", %s: %s", x.key, quotedList(x.all))
			}
		}
		if len(w.Tags) > 0 {
			var tags []string
			for _, key := range slices.Sorted(maps.Keys(w.Tags)) {
				tags = append(tags, quoted(key)+": "+quotedList(w.Tags[key]))
			}
			b.WriteString(", tags: {" + strings.Join(tags, ", ") + "}")
		}
		for _, x := range [][2]string{{"environment", w.Environment}, {"owner", w.Owner}} {
			if x[1] != "" {
				b.WriteString(", " + x[0] + ": " + quoted(x[1]))
			}
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, "defaults: {on: %s, review_after: 180d}\nanswers:\n", v.AsOf)
	return b.String()
}

// clean takes away what an earlier Fill has written and nobody has touched.
func (s *sheet) clean(f *Framework) {
	var kept []string
	for i, l := range s.lines[s.begin:s.end] {
		m := entryKey.FindStringSubmatch(l)
		untouched := m != nil && f.practices[m[2]] != nil && strings.TrimSpace(l) == strings.TrimSpace((&Reply{State: NoReply}).line(m[2]))
		blank := strings.TrimSpace(l) == "" && i+1 < s.end-s.begin && strings.HasPrefix(strings.TrimSpace(s.lines[s.begin+i+1]), strings.TrimSpace(hint))
		if untouched || blank || strings.HasPrefix(strings.TrimSpace(l), strings.TrimSpace(hint)) {
			continue
		}
		kept = append(kept, l)
	}
	s.lines = slices.Concat(s.lines[:s.begin], kept, s.lines[s.end:])
	s.end = s.begin + len(kept)
}

// put takes the place of an entry, or comes last.
func (s *sheet) put(names []string, lines []string) {
	indent := ""
	for i := s.begin; i < s.end; i++ {
		m := entryKey.FindStringSubmatch(s.lines[i])
		if m == nil {
			continue
		}
		if indent == "" {
			indent = m[1]
		}
		if m[1] != indent || !slices.Contains(names, m[2]) {
			continue
		}
		last := i + 1
		for last < s.end && (strings.HasPrefix(s.lines[last], indent+" ") && !strings.HasPrefix(strings.TrimSpace(s.lines[last]), "#")) {
			last++
		}
		s.splice(i, last, indented(lines, indent))
		return
	}
	s.splice(s.end, s.end, indented(lines, indent))
}

func (s *sheet) splice(from, to int, lines []string) {
	s.lines = slices.Concat(s.lines[:from], lines, s.lines[to:])
	s.end += len(lines) - (to - from)
}

// indented gives lines the indentation of their neighbours.
func indented(lines []string, indent string) (all []string) {
	for _, l := range lines {
		if indent != "" && strings.HasPrefix(l, "  ") {
			l = indent + l[2:]
		}
		all = append(all, l)
	}
	return all
}

func (s *sheet) bytes() []byte { return []byte(strings.Join(s.lines, s.eol) + s.eol) }

// checked makes sure that a changed file still says all that it said, but for one answer.
func (v *Review) checked(before, after []byte, but string) ([]byte, error) {
	now, _ := time.Parse(time.DateOnly, v.AsOf)
	was := &Answers{}
	var err error
	if len(bytes.TrimSpace(before)) > 0 {
		if was, err = DecodeAnswers("before", before, v.f, now); err != nil {
			return nil, err
		}
	}
	is, err := DecodeAnswers("after", after, v.f, now)
	if err != nil {
		return nil, fmt.Errorf("the changed file would not be understood, and is not written: %w", err)
	}
	for p, x := range was.of {
		y := is.of[p]
		if p.Choice != but && (y == nil || y.State != x.State || y.By != x.By || y.Note != x.Note || !y.until.Equal(x.until) || !slices.Equal(y.links(), x.links())) {
			return nil, fmt.Errorf("the answer about %s would be lost, and the file is not written: write each answer on a line of its own", p.ID)
		}
	}
	return after, nil
}

// Take takes a reply into the review, so that what to ask next is known.
func (v *Review) Take(choice string, said Said) {
	for i := range v.Questions {
		q := &v.Questions[i]
		var states []State
		found := false
		for j := range q.Practices {
			x := &q.Practices[j]
			if x.Choice == choice {
				found = true
				x.Answer = said
				x.State, x.Flags = Combine(x.Evidence, said, false)
			}
			states = append(states, x.State)
		}
		if found {
			q.Risk = q.q.risk(states, v.Settings.LowCountsAs)
		}
	}
}

// named reports whether the workload has a name of its own.
func (v *Review) named() bool { return v.Workload.Name != everything }
