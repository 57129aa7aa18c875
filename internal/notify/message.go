package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"awsscanner/internal/engine"
)

// Schema names the shape of a message; docs/notification.schema.json describes it.
const Schema = "scanner.notification/v1"

// A Kind says what a message is about.
type Kind string

const (
	OfFindings      Kind = "findings"       // findings that one change clears
	OfFirstScan     Kind = "first-scan"     // all that the first scan of a stream has found
	OfNewlyAssessed Kind = "newly-assessed" // what was found where no scan has looked before
	OfStorm         Kind = "storm"          // more than anybody could read one by one
	OfDigest        Kind = "digest"         // how things stand with an owner
	OfTest          Kind = "test"
	OfScan          Kind = "scan" // all of a scan, to be published: only Security Hub gets that
)

// A Message is what a channel is told, as webhooks get it.
type Message struct {
	Schema   string          `json:"schema"`
	ID       string          `json:"id"` // the same each time it is sent
	Kind     Kind            `json:"kind"`
	Created  time.Time       `json:"created"`
	Stream   string          `json:"stream,omitempty"`
	Scan     *ScanRef        `json:"scan,omitempty"`
	Title    string          `json:"title"`
	Severity engine.Severity `json:"severity"` // the worst of what became worse, or else of all
	Events   map[Event]int   `json:"events"`   // how many findings, by what has happened to them

	Account  string    `json:"account,omitempty"`
	Rule     *Rule     `json:"rule,omitempty"`
	FixKey   string    `json:"fixKey,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // the worst first
	More     int       `json:"more,omitempty"`     // findings, or groups, that are not listed

	Failures map[string]int `json:"failures,omitempty"` // of a summary: by severity
	Groups   []Group        `json:"groups,omitempty"`   // of a summary, the worst first
	Coverage *Coverage      `json:"coverage,omitempty"` // of a first scan
	Digest   *DigestOf      `json:"digest,omitempty"`

	Link string `json:"link,omitempty"`
}

// A ScanRef names a scan.
type ScanRef struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
}

// A Rule says what is wrong, and what to do.
type Rule struct {
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Pillars []engine.Pillar `json:"pillars"`
	Harm    string          `json:"harm"`   // in a sentence
	Fix     string          `json:"fix"`    // what to do
	Breaks  string          `json:"breaks"` // who may stop working by it, and how to check first
}

// A Finding is one of a message.
type Finding struct {
	Event       Event           `json:"event,omitempty"` // none in a digest
	Identity    string          `json:"identity"`
	Fingerprint string          `json:"fingerprint"`
	Severity    engine.Severity `json:"severity"`
	Was         engine.Severity `json:"was,omitempty"` // before it escalated
	Resource    Resource        `json:"resource"`
	Owner       string          `json:"owner"`
	Message     string          `json:"message"`
	Since       time.Time       `json:"since"`
	ChangedBy   string          `json:"changedBy,omitempty"`
	Ticket      string          `json:"ticket,omitempty"`
	WaivedUntil string          `json:"waivedUntil,omitempty"`
	Link        string          `json:"link,omitempty"`
}

// A Resource is what a finding is about.
type Resource struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	ARN     string `json:"arn"`
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// A Group is the findings of a summary that one change clears.
type Group struct {
	Rule      string          `json:"rule"`
	Title     string          `json:"title"`
	Severity  engine.Severity `json:"severity"`
	Account   string          `json:"account"`
	Owner     string          `json:"owner"` // "" if there are several
	Resources int             `json:"resources"`
	Events    map[Event]int   `json:"events"`
}

// A Coverage says how much a scan could see.
type Coverage struct {
	Cells    int `json:"cells"`
	Assessed int `json:"assessed"`
}

// A DigestOf is how things stand with an owner.
type DigestOf struct {
	Owner          string         `json:"owner"`
	From           time.Time      `json:"from"`
	To             time.Time      `json:"to"`
	Opened         map[string]int `json:"opened"` // by severity
	Fixed          map[string]int `json:"fixed"`
	Regressed      map[string]int `json:"regressed"`
	Open           map[string]int `json:"open"`   // now, without waived ones
	Unseen         int            `json:"unseen"` // of these, those that nobody could look at last
	OldestCritical *Finding       `json:"oldestCritical,omitempty"`
	WaiversDue     []Finding      `json:"waiversDue"`
	MoreWaivers    int            `json:"moreWaivers,omitempty"`
	WasteUSD       float64        `json:"estimatedMonthlyWasteUSD"`
}

// Limits of a message, so that it fits into every channel.
const (
	maxFindings = 50
	maxGroups   = 20
	maxBytes    = 200 << 10 // SNS, SQS and EventBridge take 256 kB, with attributes and text
)

// NewRule describes a rule.
func NewRule(r *engine.Rule) *Rule {
	return &Rule{ID: r.ID, Title: Line(r.Title, 200), Pillars: r.Pillars, Harm: Sentence(r.Why), Fix: Line(r.Fix.Text, 1500), Breaks: Line(r.Fix.Breaks, 1000)}
}

// Sentence returns the first sentence of a text.
func Sentence(text string) string {
	text = Line(text, 2000)
	for i := 0; i+2 < len(text); i++ {
		if (text[i] == '.' || text[i] == ':') && text[i+1] == ' ' && (text[i] == '.' && unicode.IsUpper(rune(text[i+2])) || i > 200) {
			return Line(text[:i]+".", 400)
		}
	}
	return Line(text, 400)
}

// Line makes one line of a text that others may have chosen, of at most so many characters: without control characters, and without those that
// turn the direction of reading.
func Line(text string, most int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == '\ufffe', r == '\uffff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return cut(strings.Join(strings.Fields(clean), " "), most)
}

// cut shortens a text to at most so many characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// Key returns what is the same for the same parts only.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// FindingLink returns the address of a finding on a dashboard; "" if there is none.
func (c *Config) FindingLink(stream, identity string) string {
	if c.Link == "" {
		return ""
	}
	return c.Link + "/findings/" + url.PathEscape(identity) + "?stream=" + url.QueryEscape(stream)
}

// ScanLink is FindingLink for a scan.
func (c *Config) ScanLink(scan string) string {
	if c.Link == "" {
		return ""
	}
	return c.Link + "/scans/" + url.PathEscape(scan)
}

// AttributionOf returns what a channel is told of who changed something.
func (c *Config) AttributionOf(ch *Channel) string {
	return cmp.Or(ch.Attribution, c.Attribution, AttributeRole)
}

// Finish puts findings and groups in order, leaves out what would be too much, and gives the message its severity, counts and title.
func (m *Message) Finish() {
	m.Schema = Schema
	slices.SortFunc(m.Findings, func(a, b Finding) int {
		return cmp.Or(boolOrder(a.Event.Worse(), b.Event.Worse()), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Resource.Account, b.Resource.Account), cmp.Compare(a.Resource.Region, b.Resource.Region),
			cmp.Compare(a.Resource.ID, b.Resource.ID), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Event, b.Event))
	})
	slices.SortFunc(m.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Resources, a.Resources), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Owner, b.Owner))
	})
	if m.Events == nil {
		m.Events = map[Event]int{}
	}
	for i := range m.Findings {
		m.Events[m.Findings[i].Event]++
	}
	if len(m.Findings) > 0 {
		m.Severity = m.Findings[0].Severity
	}
	if len(m.Groups) > 0 {
		m.Severity = m.Groups[0].Severity
	}
	if n := len(m.Findings) - maxFindings; n > 0 {
		m.Findings, m.More = m.Findings[:maxFindings], m.More+n
	}
	if n := len(m.Groups) - maxGroups; n > 0 {
		m.Groups, m.More = m.Groups[:maxGroups], m.More+n
	}
	if m.Title == "" {
		m.Title = m.title()
	}
	m.Shrink(maxBytes, func(m *Message) int {
		b, err := json.Marshal(m)
		if err != nil {
			return 0
		}
		return len(b)
	})
}

// Shrink leaves findings or groups out until the message is no larger than most, as far as that helps.
func (m *Message) Shrink(most int, size func(*Message) int) {
	for (len(m.Findings) > 1 || len(m.Groups) > 1) && size(m) > most {
		n, g := (len(m.Findings)+1)/2, (len(m.Groups)+1)/2
		m.More += len(m.Findings) - n + len(m.Groups) - g
		m.Findings, m.Groups = m.Findings[:n], m.Groups[:g]
	}
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// title says what a message is about in a line.
func (m *Message) title() string {
	switch m.Kind {
	case OfFindings:
		what := eventWords(m.Events)
		where := ""
		if len(m.Findings) == 1 && m.More == 0 {
			what, where = string(m.Findings[0].Event), ": "+cmp.Or(m.Findings[0].Resource.Name, m.Findings[0].Resource.ID)
		}
		return fmt.Sprintf("[%s] %s: %s%s", m.Severity, what, m.Rule.Title, where)
	case OfFirstScan:
		return fmt.Sprintf("First scan of %s: %s", Line(m.Stream, 100), severityWords(m.Failures))
	case OfNewlyAssessed:
		return fmt.Sprintf("Newly assessed in %s: %s", Line(m.Stream, 100), severityWords(m.Failures))
	case OfStorm:
		return fmt.Sprintf("[%s] Much has changed in %s: %s", m.Severity, Line(m.Stream, 100), eventWords(m.Events))
	case OfDigest:
		return fmt.Sprintf("Week of %s: %s open, %d opened, %d fixed", Line(cmp.Or(m.Digest.Owner, "nobody"), 100), severityWords(m.Digest.Open), sum(m.Digest.Opened), sum(m.Digest.Fixed))
	}
	return "Test of scanner notifications: nothing has happened"
}

func sum(counts map[string]int) (n int) {
	for _, x := range counts {
		n += x
	}
	return n
}

// severityWords says how many there are of each severity: "1 critical, 3 high".
func severityWords(counts map[string]int) string {
	var all []string
	for _, name := range engine.Severities() {
		if n := counts[name]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// eventWords says how often each event has happened: "2 new, 1 fixed".
func eventWords(counts map[Event]int) string {
	var all []string
	for _, e := range Events {
		if n := counts[e]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, e))
		}
	}
	return strings.Join(all, ", ")
}

// A Rejection says that a receiver does not take a message, whenever it is sent.
type Rejection struct{ Why string }

func (r *Rejection) Error() string { return r.Why }

// A Pause says that a receiver wants to be left alone for a while.
type Pause struct {
	Why string
	For time.Duration
}

func (p *Pause) Error() string { return p.Why }

// Test returns the message by which a channel is tried.
func Test(now time.Time) *Message {
	m := &Message{ID: Key("test", now.UTC().Format(time.RFC3339Nano)), Kind: OfTest, Created: now.UTC(), Severity: engine.Informational}
	m.Finish()
	return m
}
