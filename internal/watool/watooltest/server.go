// Package watooltest is a server that answers as the AWS Well-Architected Tool does, for the operations that a review needs: by the model of the
// API, which says what requests and answers look like and how long their members may be, and with the traps that the API has.
package watooltest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"awsscanner/internal/review"
)

//go:embed model.json
var modelFile []byte

// A Server holds workloads. Its zero value has none.
type Server struct {
	Forgets bool                // whether a new selection takes away what was said of single choices
	Late    func(s *Server)     // is called once, before an answer is read the next time
	Fail    map[string]*Failure // by operation: what is answered instead
	Deny    map[string]bool     // operations that the caller may not use

	mu        sync.Mutex
	model     *apiModel
	workloads map[string]*Workload
	calls     []string
}

// A Failure is an error that is answered so many times.
type Failure struct {
	Status int
	Code   string
	Times  int
}

// A Workload is what is reviewed there.
type Workload struct {
	ID, Name    string
	LensVersion string
	LensStatus  string
	Questions   []*Question
	Milestones  []Milestone
}

// A Question is answered by choices.
type Question struct {
	Key, Pillar, Title string
	Choices            []string
	Levels             map[string]string // risk of a choice that is not ticked: HIGH, MEDIUM or NONE

	Selected   []string
	Said       map[string]Said // of single choices
	Notes      string
	Applicable bool
	Reason     string
}

// A Said is what is said of a single choice.
type Said struct{ Status, Reason, Notes string }

// A Milestone is a review that was kept.
type Milestone struct{ Name, Token string }

// Add adds a workload.
func (s *Server) Add(w *Workload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workloads == nil {
		s.workloads = map[string]*Workload{}
	}
	s.workloads[w.ID] = w
}

// WorkloadOf makes a workload of which nothing is answered yet: the questions of a framework, each with a choice that says none of these.
func WorkloadOf(f *review.Framework, id, name string) *Workload {
	w := &Workload{ID: id, Name: name, LensVersion: f.Edition, LensStatus: "CURRENT"}
	for i := range f.Questions {
		q := &f.Questions[i]
		x := &Question{Key: q.Key, Pillar: "security", Title: q.Title, Levels: map[string]string{}, Applicable: true}
		for _, p := range f.Pillars {
			if p.ID == q.Pillar && p.Lens != "" {
				x.Pillar = p.Lens
			}
		}
		for _, p := range q.Practices {
			x.Choices = append(x.Choices, p.Choice)
			x.Levels[p.Choice] = map[review.Level]string{review.High: "HIGH", review.Medium: "MEDIUM", review.Low: "NONE"}[p.Level]
		}
		x.Choices = append(x.Choices, strings.ReplaceAll(q.Key, "-", "_")+"_no")
		w.Questions = append(w.Questions, x)
	}
	return w
}

// Question returns a question of a workload, for somebody who answers it in the console.
func (w *Workload) Question(key string) *Question {
	i := slices.IndexFunc(w.Questions, func(q *Question) bool { return q.Key == key })
	if i < 0 {
		panic("there is no question " + key)
	}
	return w.Questions[i]
}

// Calls counts the calls of an operation.
func (s *Server) Calls(operation string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c == operation {
			n++
		}
	}
	return n
}

type apiModel struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method string `json:"method"`
		URI    string `json:"requestUri"`
	} `json:"http"`
	Input  struct{ Shape string } `json:"input"`
	Output struct{ Shape string } `json:"output"`
}

type shape struct {
	Type     string   `json:"type"`
	Required []string `json:"required"`
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
	Pattern  string   `json:"pattern"`
	Enum     []string `json:"enum"`
	Members  map[string]struct {
		Shape        string `json:"shape"`
		Location     string `json:"location"`
		LocationName string `json:"locationName"`
	} `json:"members"`
	Member struct{ Shape string } `json:"member"`
	Key    struct{ Shape string } `json:"key"`
	Value  struct{ Shape string } `json:"value"`
}

// check holds a value against a shape.
func (m *apiModel) check(name string, v any, at string) error {
	x := m.Shapes[name]
	length := func(n int, of string) error {
		if x.Min != nil && float64(n) < *x.Min || x.Max != nil && float64(n) > *x.Max {
			return fmt.Errorf("%s has a length of %d %s", at, n, of)
		}
		return nil
	}
	switch x.Type {
	case "structure":
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no structure", at)
		}
		for _, r := range x.Required {
			if o[r] == nil {
				return fmt.Errorf("%s lacks %s", at, r)
			}
		}
		for key, value := range o {
			member, known := x.Members[key]
			if !known {
				return fmt.Errorf("%s has no member %s", at, key)
			}
			if err := m.check(member.Shape, value, at+"."+key); err != nil {
				return err
			}
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			return fmt.Errorf("%s is no string", at)
		}
		if len(x.Enum) > 0 && !slices.Contains(x.Enum, text) {
			return fmt.Errorf("%s is %q, which there is not", at, text)
		}
		if x.Pattern != "" && !regexp.MustCompile("^(?:"+x.Pattern+")$").MatchString(text) {
			return fmt.Errorf("%s does not match %s", at, x.Pattern)
		}
		return length(utf8.RuneCountInString(text), "characters")
	case "list":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s is no list", at)
		}
		for i, item := range list {
			if err := m.check(x.Member.Shape, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return length(len(list), "items")
	case "map":
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no map", at)
		}
		for key, value := range o {
			if err := m.check(x.Key.Shape, key, at+"."+key); err != nil {
				return err
			}
			if err := m.check(x.Value.Shape, value, at+"."+key); err != nil {
				return err
			}
		}
		return length(len(o), "entries")
	case "integer":
		n, ok := v.(float64)
		if !ok || n != math.Trunc(n) || x.Min != nil && n < *x.Min || x.Max != nil && n > *x.Max {
			return fmt.Errorf("%s is %v", at, v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%s is no boolean", at)
		}
	}
	return nil
}

// An apiError is an answer that says no.
type apiError struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

func missing(what, id string) *apiError {
	return &apiError{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf("%s %s was not found", what, id)}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.model == nil {
		s.model = new(apiModel)
		if err := json.Unmarshal(modelFile, s.model); err != nil {
			panic(err)
		}
	}
	s.mu.Unlock()
	op, in := s.route(r)
	if op == nil {
		answer(w, http.StatusNotFound, map[string]any{"Message": "there is no such operation"}, "UnknownOperationException")
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, op.Name)
	late := s.Late
	if op.Name == "GetAnswer" {
		s.Late = nil
	}
	s.mu.Unlock()
	if late != nil && op.Name == "GetAnswer" {
		late(s) // somebody is at the console
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out map[string]any
	var e *apiError
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || !strings.Contains(r.Header.Get("Authorization"), "/wellarchitected/aws4_request"):
		e = &apiError{http.StatusForbidden, "MissingAuthenticationTokenException", "the request is not signed for wellarchitected"}
	case s.Deny[op.Name]:
		e = &apiError{http.StatusForbidden, "AccessDeniedException", "you may not wellarchitected:" + op.Name}
	case s.Fail[op.Name] != nil && s.Fail[op.Name].Times > 0:
		f := s.Fail[op.Name]
		f.Times--
		e = &apiError{f.Status, f.Code, "it failed"}
	default:
		if err := s.model.check(op.Input.Shape, in, op.Name); err != nil {
			e = invalid("%s", err)
		} else {
			out, e = s.do(op.Name, in)
		}
	}
	if e != nil {
		answer(w, e.status, map[string]any{"Message": e.message}, e.code)
		return
	}
	if err := s.model.check(op.Output.Shape, normal(out), op.Name); err != nil {
		panic("the server answers what the API does not: " + err.Error())
	}
	answer(w, http.StatusOK, out, "")
}

func answer(w http.ResponseWriter, status int, v any, code string) {
	w.Header().Set("Content-Type", "application/json")
	if code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// normal is a value as JSON has it.
func normal(v any) (out any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// route finds the operation of a request, and gathers its input.
func (s *Server) route(r *http.Request) (*operation, map[string]any) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for _, op := range s.model.Operations {
		pattern := strings.Split(strings.Trim(op.HTTP.URI, "/"), "/")
		if op.HTTP.Method != r.Method || len(pattern) != len(parts) {
			continue
		}
		in, fits := map[string]any{}, true
		for i, p := range pattern {
			if name, is := strings.CutPrefix(p, "{"); is {
				value, err := url.PathUnescape(parts[i])
				if err != nil || value == "" {
					fits = false
				}
				in[strings.TrimSuffix(name, "}")] = value
			} else if p != parts[i] {
				fits = false
			}
		}
		if !fits {
			continue
		}
		if r.Body != nil {
			var body map[string]any
			if json.NewDecoder(r.Body).Decode(&body) == nil {
				for key, value := range body {
					in[key] = value
				}
			}
		}
		for name, m := range s.model.Shapes[op.Input.Shape].Members {
			if value := r.URL.Query().Get(m.LocationName); m.Location == "querystring" && value != "" {
				in[name] = value
				if s.model.Shapes[m.Shape].Type == "integer" {
					var n float64
					fmt.Sscan(value, &n)
					in[name] = n
				}
			}
		}
		return &op, in
	}
	return nil, nil
}

func text(in map[string]any, key string) string { v, _ := in[key].(string); return v }

func (s *Server) do(op string, in map[string]any) (map[string]any, *apiError) {
	w := s.workloads[text(in, "WorkloadId")]
	if w == nil {
		return nil, missing("workload", text(in, "WorkloadId"))
	}
	id := map[string]any{"WorkloadId": w.ID}
	switch op {
	case "GetWorkload":
		return map[string]any{"Workload": map[string]any{"WorkloadId": w.ID, "WorkloadName": w.Name, "Lenses": []string{"wellarchitected"}}}, nil
	case "CreateMilestone":
		return s.milestone(w, in)
	case "ListMilestones":
		return w.listMilestones(in)
	}
	if lens := text(in, "LensAlias"); lens != "wellarchitected" {
		return nil, missing("lens", lens)
	}
	id["LensAlias"], id["LensArn"] = "wellarchitected", "arn:aws:wellarchitected::aws:lens/wellarchitected"
	switch op {
	case "GetLensReview":
		id["LensReview"] = map[string]any{"LensAlias": "wellarchitected", "LensVersion": w.LensVersion, "LensStatus": w.LensStatus, "UpdatedAt": 1796040000, "RiskCounts": w.risks()}
		delete(id, "LensAlias")
		delete(id, "LensArn")
		return id, nil
	case "ListAnswers":
		return w.listAnswers(id, in)
	}
	i := slices.IndexFunc(w.Questions, func(q *Question) bool { return q.Key == text(in, "QuestionId") })
	if i < 0 {
		return nil, missing("question", text(in, "QuestionId"))
	}
	q := w.Questions[i]
	if op == "UpdateAnswer" {
		if e := q.update(in, s.Forgets); e != nil {
			return nil, e
		}
	}
	if op != "UpdateAnswer" && op != "GetAnswer" {
		return nil, &apiError{http.StatusNotImplemented, "InternalServerException", op + " is not made here"}
	}
	id["Answer"] = q.answer(true)
	return id, nil
}

// page cuts a list into pages of at most 50.
func page(n int, in map[string]any) (from, to int, next string, e *apiError) {
	size := 50
	if m, ok := in["MaxResults"].(float64); ok {
		size = int(m)
	}
	if token := text(in, "NextToken"); token != "" {
		if _, err := fmt.Sscanf(token, "from-%d", &from); err != nil || from > n {
			return 0, 0, "", invalid("the token is not ours")
		}
	}
	if to = min(n, from+size); to < n {
		next = fmt.Sprintf("from-%d", to)
	}
	return from, to, next, nil
}

func (w *Workload) listAnswers(out, in map[string]any) (map[string]any, *apiError) {
	from, to, next, e := page(len(w.Questions), in)
	if e != nil {
		return nil, e
	}
	var all []any
	for _, q := range w.Questions[from:to] {
		all = append(all, q.answer(false))
	}
	if out["AnswerSummaries"] = all; next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// answer describes an answer. A list tells no notes.
func (q *Question) answer(whole bool) map[string]any {
	var choices, said []any
	for _, c := range q.Choices {
		choices = append(choices, map[string]any{"ChoiceId": c, "Title": c})
		x := map[string]any{"ChoiceId": c, "Status": q.Status(c)}
		if r := q.Said[c].Reason; r != "" {
			x["Reason"] = r
		}
		if n := q.Said[c].Notes; n != "" && whole {
			x["Notes"] = n
		}
		said = append(said, x)
	}
	out := map[string]any{"QuestionId": q.Key, "PillarId": q.Pillar, "QuestionTitle": q.Title, "Choices": choices, "SelectedChoices": append([]string{}, q.Selected...), "IsApplicable": q.Applicable, "Risk": q.risk()}
	if q.Reason != "" {
		out["Reason"] = q.Reason
	}
	if whole {
		out["ChoiceAnswers"] = said
		if q.Notes != "" {
			out["Notes"] = q.Notes
		}
	} else {
		out["ChoiceAnswerSummaries"] = said
	}
	return out
}

// Status is what is said of a choice.
func (q *Question) Status(choice string) string {
	switch {
	case slices.Contains(q.Selected, choice):
		return "SELECTED"
	case q.Said[choice].Status == "NOT_APPLICABLE":
		return "NOT_APPLICABLE"
	}
	return "UNSELECTED"
}

// update answers a question: a new selection takes the place of the old one.
func (q *Question) update(in map[string]any, forgets bool) *apiError {
	known := func(choice string) *apiError {
		if !slices.Contains(q.Choices, choice) {
			return invalid("the question has no choice %s", choice)
		}
		return nil
	}
	selected := q.Selected
	said := map[string]Said{}
	for c, x := range q.Said {
		said[c] = x
	}
	if all, given := in["SelectedChoices"].([]any); given {
		selected = nil
		for _, c := range all {
			if e := known(c.(string)); e != nil {
				return e
			}
			if !slices.Contains(selected, c.(string)) {
				selected = append(selected, c.(string))
			}
		}
		if forgets {
			said = map[string]Said{}
		}
	}
	updates, _ := in["ChoiceUpdates"].(map[string]any)
	for c, u := range updates {
		if e := known(c); e != nil {
			return e
		}
		x := u.(map[string]any)
		to := Said{Status: text(x, "Status"), Reason: text(x, "Reason"), Notes: said[c].Notes}
		if n, given := x["Notes"]; given {
			to.Notes = n.(string)
		}
		is := slices.Contains(selected, c)
		if _, given := in["SelectedChoices"]; given && (to.Status == "SELECTED") != is {
			return invalid("the choice %s is %s, and the selection says otherwise", c, to.Status)
		}
		selected = slices.DeleteFunc(slices.Clone(selected), func(s string) bool { return s == c && to.Status != "SELECTED" })
		if to.Status == "SELECTED" && !is {
			selected = append(selected, c)
		}
		said[c] = to
	}
	q.Selected, q.Said = selected, said
	if n, given := in["Notes"]; given {
		q.Notes = n.(string)
	}
	if a, given := in["IsApplicable"].(bool); given {
		q.Applicable, q.Reason = a, text(in, "Reason")
	}
	return nil
}

// risk is by the worst level that is not ticked.
func (q *Question) risk() string {
	if !q.Applicable {
		return "NOT_APPLICABLE"
	}
	if len(q.Selected) == 0 {
		return "UNANSWERED"
	}
	worst := "NONE"
	for _, c := range q.Choices {
		if level := q.Levels[c]; q.Status(c) == "UNSELECTED" && (level == "HIGH" || level == "MEDIUM" && worst == "NONE") {
			worst = level
		}
	}
	return worst
}

func (w *Workload) risks() map[string]int {
	all := map[string]int{}
	for _, q := range w.Questions {
		all[q.risk()]++
	}
	return all
}

// milestone keeps a review. The same token makes the same one.
func (s *Server) milestone(w *Workload, in map[string]any) (map[string]any, *apiError) {
	name, token := text(in, "MilestoneName"), text(in, "ClientRequestToken")
	for i, m := range w.Milestones {
		switch {
		case m.Token == token && m.Name == name:
			return map[string]any{"WorkloadId": w.ID, "MilestoneNumber": i + 1}, nil
		case m.Token == token:
			return nil, invalid("the token was used for another request")
		case m.Name == name:
			return nil, &apiError{http.StatusConflict, "ConflictException", "a milestone has this name"}
		}
	}
	if len(w.Milestones) >= 100 {
		return nil, &apiError{http.StatusPaymentRequired, "ServiceQuotaExceededException", "there are 100 milestones"}
	}
	w.Milestones = append(w.Milestones, Milestone{name, token})
	return map[string]any{"WorkloadId": w.ID, "MilestoneNumber": len(w.Milestones)}, nil
}

func (w *Workload) listMilestones(in map[string]any) (map[string]any, *apiError) {
	from, to, next, e := page(len(w.Milestones), in)
	if e != nil {
		return nil, e
	}
	all := []any{}
	for i, m := range w.Milestones[from:to] {
		all = append(all, map[string]any{"MilestoneNumber": from + i + 1, "MilestoneName": m.Name})
	}
	out := map[string]any{"WorkloadId": w.ID, "MilestoneSummaries": all}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}
