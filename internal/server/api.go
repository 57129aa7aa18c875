package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/report"
	"awsscanner/internal/suggest"
)

// A route is one operation of the API: what the document says of it is what is checked.
type route struct {
	method, path string
	id           string // operationId
	role         config.Role
	summary      string
	note         string
	params       []param
	body         reflect.Type // of JSON, or nil
	status       int          // of an answer that is none but well; 0 for 200
	answer       reflect.Type // nil for no content, or for what other says
	other        string       // media type that is no JSON
	csv          bool
	refuses      []int // beside what every route may refuse
	offered      bool
	do           func(*call) (any, error)
}

// A param is something that an address may hold.
type param struct {
	name     string
	doc      string
	in       string   // "path"; otherwise it is in the query
	of       []string // the only values
	list     bool     // may be given several times
	kind     string   // "", integer, boolean or date-time
	least    int
	most     int // of an integer; of a text, how long it may be: 0 for 200
	standard string
	words    int // of a text, how many it may have
}

// A call is a request to an operation.
type call struct {
	*Server
	context.Context
	w     http.ResponseWriter
	r     *http.Request
	who   *principal
	given map[string][]string // parameters
	body  any                 // pointer to what the route says
	csv   bool
}

func (c *call) one(name string) string {
	if v := c.given[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (c *call) number(name string) int {
	n, _ := strconv.Atoi(c.one(name)) // it was checked
	return n
}

func (c *call) yes(name string) *bool {
	if v := c.one(name); v != "" {
		is := v == "true"
		return &is
	}
	return nil
}

func (c *call) time(name string) time.Time {
	t, _ := time.Parse(time.RFC3339, c.one(name)) // it was checked
	return t
}

// mux knows all addresses.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	handle := func(method, path string, h http.HandlerFunc) {
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
			aboutOf(r.Context()).route = path
			h(w, r)
		})
		allowed[path] = append(allowed[path], method)
		if method == http.MethodGet {
			allowed[path] = append(allowed[path], http.MethodHead)
		}
	}
	for _, x := range s.routes {
		if x.offered {
			handle(x.method, x.path, func(w http.ResponseWriter, r *http.Request) { s.operate(w, r, &x) })
		}
	}
	handle("GET", "/static/", s.static)
	for _, x := range s.pages {
		handle(x.method, x.path, func(w http.ResponseWriter, r *http.Request) { s.visit(w, r, x.role, x.do) })
	}
	for path, methods := range allowed {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			aboutOf(r.Context()).route = path
			if api(r) {
				if _, err := s.admit(w, r, config.Viewer); err != nil { // who may not enter learns nothing
					s.fail(w, r, err)
					return
				}
			}
			w.Header().Set("Allow", strings.Join(methods, ", "))
			s.fail(w, r, refuse(http.StatusMethodNotAllowed, "%s does not take %s: use %s", path, r.Method, strings.Join(methods, " or ")))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if api(r) {
			if _, err := s.admit(w, r, config.Viewer); err != nil { // who may not enter learns nothing
				s.fail(w, r, err)
				return
			}
			s.fail(w, r, refuse(http.StatusNotFound, "there is nothing at this address: see /api/v1/openapi.json"))
			return
		}
		s.fail(w, r, refuse(http.StatusNotFound, "There is no such page."))
	})
	return mux
}

// operate carries out an operation.
func (s *Server) operate(w http.ResponseWriter, r *http.Request, x *route) {
	who, err := s.admit(w, r, x.role)
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") && who != nil && who.key != "local" {
		err = s.formed(who, r.Header.Get("X-Form-Token"))
	}
	s.denied(r, err)
	c := &call{Server: s, w: w, r: r, who: who}
	if err == nil {
		c.given, err = x.given(r)
	}
	if err == nil && x.body != nil {
		c.body, err = bodyOf(r, x.body)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if x.csv {
		accepts := r.Header.Get("Accept")
		c.csv = c.one("format") == "csv" || c.one("format") == "" && strings.HasPrefix(accepts, "text/csv")
	}
	var cancel context.CancelFunc
	c.Context, cancel = context.WithTimeout(r.Context(), longestAnswer)
	if x.other != "" {
		c.Context, cancel = context.WithCancel(r.Context())
	}
	defer cancel()
	answer, err := x.do(c)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case answer == nil && x.other == "":
		w.WriteHeader(http.StatusNoContent)
	case answer == nil: // it is written already
	case c.csv:
		if err := c.writeCSV(answer.(tabular)); err != nil {
			s.fail(w, r, err)
		}
	default:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		if err := e.Encode(answer); err != nil {
			s.fail(w, r, err)
			return
		}
		if p, ok := answer.(paged); ok && p.following() != "" {
			c.link(p.following())
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(max(x.status, http.StatusOK))
		w.Write(b.Bytes())
	}
}

// given checks the parameters of a request: what the operation does not know is refused, so that a filter that is mistyped filters
// nothing by accident.
func (x *route) given(r *http.Request) (map[string][]string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the query of the address is not understood: encode what is special in it")
	}
	all := map[string][]string{}
	var names []string
	for _, p := range x.params {
		values := query[p.name]
		if p.in == "path" {
			values = []string{r.PathValue(p.name)}
		} else {
			names = append(names, p.name)
		}
		if len(values) > 1 && !p.list {
			return nil, refuse(http.StatusBadRequest, "%s is given %d times: give it once", p.name, len(values))
		}
		if len(values) > 50 {
			return nil, refuse(http.StatusBadRequest, "%s is given %d times: 50 are the most", p.name, len(values))
		}
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }) // as forms leave them
		for _, v := range values {
			if err := p.check(v); err != nil {
				return nil, err
			}
		}
		if len(values) == 0 && p.standard != "" {
			values = []string{p.standard}
		}
		all[p.name] = values
	}
	for name := range query {
		if !slices.Contains(names, name) {
			otherwise := "it takes " + strings.Join(names, ", ")
			if len(names) == 0 {
				otherwise = "it takes none"
			}
			return nil, refuse(http.StatusBadRequest, "there is no parameter %.80q: %s", name, suggest.DidYouMean(name, names, otherwise))
		}
	}
	return all, nil
}

func (p *param) check(v string) error {
	bad := func(format string, args ...any) error {
		return refuse(http.StatusBadRequest, p.name+": %.80q "+format, append([]any{v}, args...)...)
	}
	longest := p.most
	if longest == 0 || p.kind != "" {
		longest = 200
	}
	switch {
	case len(v) > longest:
		return refuse(http.StatusBadRequest, "%s has %d bytes: %d are the most", p.name, len(v), longest)
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0xfffd }):
		return bad("holds what is no text")
	case p.words > 0 && len(strings.Fields(v)) > p.words:
		return bad("has %d words: %d are the most", len(strings.Fields(v)), p.words)
	case len(p.of) > 0 && !slices.Contains(p.of, v):
		hint := ""
		if strings.Contains(v, ",") && p.list {
			hint = ", and repeat the parameter for several"
		}
		return bad("is none of %s: use one of them%s", strings.Join(p.of, ", "), hint)
	}
	switch p.kind {
	case "integer":
		n, err := strconv.Atoi(v)
		if err != nil || n < p.least || p.most > 0 && n > p.most {
			return bad("is no whole number from %d to %d", p.least, p.most)
		}
	case "boolean":
		if v != "true" && v != "false" {
			return bad("is neither true nor false")
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return bad("is no time: write it as 2026-01-31T12:00:00Z")
		}
	}
	return nil
}

// bodyOf reads the body of a request, which must be what the operation takes, and no more.
func bodyOf(r *http.Request, t reflect.Type) (any, error) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" { // which no form of another site can send
		return nil, refuse(http.StatusUnsupportedMediaType, "the body must be JSON: send Content-Type: application/json")
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	v := reflect.New(t).Interface()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var at *json.UnmarshalTypeError
		if errors.As(err, &at) {
			return nil, refuse(http.StatusBadRequest, "%s of the body must be %s", at.Field, at.Type)
		}
		return nil, refuse(http.StatusBadRequest, "the body is not what this takes: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(http.StatusBadRequest, "the body goes on after its object")
	}
	return v, nil
}

// tabular is what can be written as CSV.
type tabular interface {
	columns() []string
	rows() iter.Seq[[]string]
}

// paged is a page of something that may go on.
type paged interface{ following() string }

// link says where the next page is.
func (c *call) link(after string) {
	q := c.r.URL.Query()
	q.Set("after", after)
	c.w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, c.r.URL.Path, q.Encode()))
}

// writeCSV writes a table. No cell is a formula.
func (c *call) writeCSV(t tabular) error {
	if p, ok := t.(paged); ok && p.following() != "" {
		c.link(p.following())
	}
	c.headCSV()
	out := csv.NewWriter(c.w)
	out.UseCRLF = true
	out.Write(t.columns())
	return writeRows(out, t)
}

func (c *call) headCSV() {
	c.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	c.w.Header().Set("Content-Disposition", `attachment; filename="`+c.r.URL.Path[strings.LastIndexByte(c.r.URL.Path, '/')+1:]+`.csv"`)
}

func writeRows(out *csv.Writer, t tabular) error {
	for row := range t.rows() {
		for i := range row {
			row[i] = report.CSVCell(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
