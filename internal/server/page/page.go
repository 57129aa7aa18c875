// Package page shows what a server knows to people. Its pages are markup that needs no script: scripts only make them quicker to use.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/cause"
	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

//go:embed static
var files embed.FS

// A File is one that pages load: stylesheet, script or picture.
type File struct {
	Type string // media type
	Text []byte
}

// Files returns what pages load, by address. The address holds a hash of the text, so that browsers may keep it for ever.
func Files() (map[string]File, error) {
	all := map[string]File{}
	return all, fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "static/")
		if short == "dashboard.css" {
			text = append([]byte(report.Stylesheet()), text...)
		}
		media := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}[short[strings.LastIndexByte(short, '.'):]]
		sum := sha256.Sum256(text)
		all["/static/"+hex.EncodeToString(sum[:6])+"/"+short] = File{media, text}
		return nil
	})
}

// A Frame is what all pages have around them.
type Frame struct {
	Title   string
	Here    string // of Nav
	Nav     []Link
	Streams []string // that there are; not shown if there is but one
	Stream  string   // that the page is about
	Whole   bool     // it is about all of them
	Action  string   // where another stream leads
	Who     string   // "" if nobody has signed in
	Role    string
	Local   bool   // nobody need sign in here
	Form    string // what forms must hold
	Version string
	Asset   func(name string) string // address of a file
	Now     time.Time
}

// A Link leads somewhere.
type Link struct {
	Name, Href string
}

// To makes an address of this server: the stream goes along where there are several. Values come in pairs.
func (f *Frame) To(path string, pairs ...string) string {
	q := url.Values{}
	if len(f.Streams) > 1 && f.Stream != "" {
		q.Set("stream", f.Stream)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Add(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// number writes a number as people read it: 50 000.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// many is a number with what is counted.
func many(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return number(n) + " " + plural(of)
}

func plural(of string) string {
	if strings.HasSuffix(of, "y") && !strings.HasSuffix(of, "ay") {
		return of[:len(of)-1] + "ies"
	}
	if strings.HasSuffix(of, "x") {
		return of + "es"
	}
	return of + "s"
}

// percent is a share in percent, cut: 100 means all.
func percent(part, all int) string {
	if all == 0 {
		return "–"
	}
	return strconv.FormatFloat(math.Floor(1000*float64(part)/float64(all))/10, 'f', -1, 64) + "\u202f%"
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// few lists some of many.
func few(words []string, most int) string {
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %s more", number(len(words)-most))
}

func day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02")
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// ago says how long ago a time is, or how far ahead.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if t.After(now) {
		return "in " + span(t.Sub(now))
	}
	if d := now.Sub(t); d < time.Minute {
		return "just now"
	}
	return span(now.Sub(t)) + " ago"
}

// span is a time that something lasts, as people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return many(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return many(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return many(int(d.Hours()), "hour")
	}
	return many(int(d.Hours()/24), "day")
}

// short is span in less room.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

var severities = []engine.Severity{engine.Critical, engine.High, engine.Medium, engine.Low, engine.Informational}

// title is a token as a title: Operational excellence.
func title[T ~string](token T) string {
	text := strings.ReplaceAll(string(token), "-", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// open sums up what is open.
func open(c store.Counts) (n int) {
	for _, of := range c.Open {
		n += of
	}
	return n
}

// An Evidence is a name with what was seen.
type Evidence struct {
	Name, Value string
	Long        bool // it is shown as it is, line by line
}

// evidence lists what was seen, by name.
func evidence(of map[string]any) (all []Evidence) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, Evidence{Name: name})
		x := &all[len(all)-1]
		switch v := of[name].(type) {
		case string:
			x.Value = v
		case nil:
			x.Value = "null"
		case []any:
			var lines []string
			for _, item := range v {
				lines = append(lines, text(item))
			}
			x.Value, x.Long = strings.Join(lines, "\n"), true
		case map[string]any:
			b, _ := json.MarshalIndent(v, "", "  ") // it was JSON
			x.Value, x.Long = string(b), true
		default:
			x.Value = text(v)
		}
	}
	return all
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v) // it was JSON
	return string(b)
}

// changed says in a line who has changed something last; "" if nobody knows.
func changed(raw json.RawMessage) string {
	var c cause.Cause
	if len(raw) == 0 || json.Unmarshal(raw, &c) != nil || c.Status != cause.Found {
		return ""
	}
	return strings.TrimPrefix((&cause.Cause{Status: cause.Found, Change: c.Change}).Sentence(), "changed ")
}

// explained tells all that is known of who has changed something; "" if nobody has asked.
func explained(raw json.RawMessage) string {
	text := cause.Text(raw)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// happened says in words what an event is.
func happened(e store.Event) string {
	switch e.Type {
	case store.New:
		return "Appeared"
	case store.Regressed:
		return "Came back"
	case store.Escalated:
		return "Became worse"
	case store.NewlyAssessed:
		return "First assessed"
	case store.Fixed:
		return "Fixed"
	case store.NoLongerAssessed:
		return "Not assessed"
	case store.AssessedAgain:
		return "Assessed again"
	case store.Waived:
		return "Waived"
	case store.WaiverEnded:
		return "Waiver ended"
	}
	return title(e.Type)
}

// hint says more of an event.
func hint(e store.Event) string {
	switch e.Type {
	case store.Escalated:
		return "it was " + e.Was.String()
	case store.NewlyAssessed:
		return "nobody had looked before: another rule, permission or scope"
	case store.NoLongerAssessed:
		return "the scan could not look: it counts as open until one can"
	case store.Regressed:
		return "it had been fixed"
	}
	return ""
}

// region names a region.
func region(name string) string {
	if name == "" {
		return "global"
	}
	return name
}

// column is the title of a column of a severity.
func column(s engine.Severity) string {
	if s == engine.Informational {
		return "Info"
	}
	return title(s.String())
}

// columns lists the severities that a table has columns for: what nothing is may stay away if it is the least of all.
func columns(rows []Row) []engine.Severity {
	for _, r := range rows {
		if r.Open[engine.Informational] > 0 {
			return severities
		}
	}
	return severities[:4]
}

// resource names what a finding is about.
func resource(f *report.Finding) string {
	if f.Resource.Name != "" {
		return f.Resource.Name
	}
	return f.Resource.ID
}

// kind is a kind without the company: S3 Bucket.
func kind[T ~string](k T) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(string(k), "AWS::"), "::"), "::", " ")
}
