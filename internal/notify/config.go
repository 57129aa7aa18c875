// Package notify says what is told to whom: channels, routes to them, and messages. What becomes worse is told to who has to act; what nobody saw is
// neither fixed nor new. It sends nothing itself: package outbox keeps messages until they are sent, package deliver sends them.
package notify

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/suggest"
	"awsscanner/internal/waiver"
)

// A Config is the section notifications of a configuration file.
type Config struct {
	Link        string    `yaml:"link" doc:"address of the dashboard, to which messages link"`
	Attribution string    `yaml:"attribution" doc:"what messages say of who changed something: role (the default), full, off"`
	Role        string    `yaml:"role" doc:"ARN of the role that publishes to AWS, or current for the credentials of the process; the scan's role may not"`
	ExternalID  string    `yaml:"external_id" doc:"external ID that the role demands"`
	Storm       int       `yaml:"storm" doc:"more messages than this from one scan to a channel become one; 20 by default"`
	Channels    []Channel `yaml:"channels" doc:"where messages go"`
	Routes      []Route   `yaml:"routes" doc:"which messages go where: the first that fits, and those after it if it says continue"`
	Digest      *Digest   `yaml:"digest" doc:"a weekly message to each owner"`
}

// A Type is a sort of channel.
type Type string

const (
	Slack       Type = "slack"
	Teams       Type = "teams"
	Webhook     Type = "webhook"
	Email       Type = "email"
	PagerDuty   Type = "pagerduty"
	SNS         Type = "sns"
	SQS         Type = "sqs"
	EventBridge Type = "eventbridge"
	OpsCenter   Type = "opscenter"
	SecurityHub Type = "securityhub"
)

// A kind says which keys a type of channel must have, and which it may have beside name, type and rate.
type kind struct {
	Type
	must, may []string
}

var kinds = []kind{
	{Slack, []string{"url"}, []string{"attribution"}},
	{Teams, []string{"url"}, []string{"attribution"}},
	{Webhook, []string{"url", "secret"}, []string{"attribution", "allow_http"}},
	{Email, []string{"host", "from", "to"}, []string{"attribution", "port", "tls", "user", "password"}},
	{PagerDuty, []string{"key"}, []string{"attribution", "url"}},
	{SNS, []string{"topic"}, []string{"attribution", "role", "external_id"}},
	{SQS, []string{"queue"}, []string{"attribution", "role", "external_id", "region"}},
	{EventBridge, []string{"bus"}, []string{"attribution", "role", "external_id"}},
	{OpsCenter, []string{"region"}, []string{"attribution", "role", "external_id"}},
	{SecurityHub, nil, []string{"role_name", "external_id", "regions"}},
}

// Types lists all types of channels.
func Types() (names []string) {
	for _, k := range kinds {
		names = append(names, string(k.Type))
	}
	return names
}

// OfAWS reports whether a channel is a service of AWS, to which a role publishes.
func (t Type) OfAWS() bool {
	return slices.Contains([]Type{SNS, SQS, EventBridge, OpsCenter, SecurityHub}, t)
}

// Incidents reports whether a channel has an incident for each finding, which ends when that is fixed.
func (t Type) Incidents() bool { return t == PagerDuty || t == OpsCenter }

// A Channel is a place where messages go.
type Channel struct {
	Line        strictyaml.Line `yaml:"-"`
	Name        string          `yaml:"name,required" doc:"by which routes know it"`
	Type        Type            `yaml:"type,required" doc:"slack, teams, webhook, email, pagerduty, sns, sqs, eventbridge, opscenter or securityhub"`
	Rate        int             `yaml:"rate" doc:"messages a minute, at most; 30 by default"`
	Attribution string          `yaml:"attribution" doc:"as above, for this channel"`

	URL       Address `yaml:"url" doc:"where to send: for slack and teams a secret"`
	Secret    Secret  `yaml:"secret" doc:"of webhook: the key of the signature"`
	AllowHTTP bool    `yaml:"allow_http" doc:"of webhook: send without TLS"`
	Key       Secret  `yaml:"key" doc:"of pagerduty: the integration key of a service"`

	Host     string   `yaml:"host" doc:"of email: the server"`
	Port     int      `yaml:"port" doc:"of email; 587 by default, 465 with tls: implicit"`
	TLS      string   `yaml:"tls" doc:"of email: starttls (the default), implicit, or none, which only a server on this machine gets credentials without"`
	User     string   `yaml:"user" doc:"of email"`
	Password Secret   `yaml:"password" doc:"of email"`
	From     string   `yaml:"from" doc:"of email: the sender"`
	To       []string `yaml:"to" doc:"of email: who gets it"`

	Topic      string   `yaml:"topic" doc:"of sns: the ARN"`
	Queue      string   `yaml:"queue" doc:"of sqs: the URL"`
	Bus        string   `yaml:"bus" doc:"of eventbridge: the ARN"`
	Region     string   `yaml:"region" doc:"of opscenter, and of sqs if the URL does not tell it"`
	Regions    []string `yaml:"regions" doc:"of securityhub: only in these regions, names or globs"`
	Role       string   `yaml:"role" doc:"as above, for this channel"`
	RoleName   string   `yaml:"role_name" doc:"of securityhub: name of the role that publishes in each account; none for the credentials of the process"`
	ExternalID string   `yaml:"external_id" doc:"as above, for this channel"`
}

// A Route says which events go to which channels.
type Route struct {
	Line strictyaml.Line `yaml:"-"`
	match.Condition
	MinSeverity engine.Severity `yaml:"min_severity" doc:"this severity or above"`
	Pillars     []engine.Pillar `yaml:"pillars" doc:"rules of one of these pillars"`
	Owner       []string        `yaml:"owner" doc:"globs of who has to act"`
	Streams     []string        `yaml:"streams" doc:"globs of schedules"`
	Events      []Event         `yaml:"events" doc:"what has happened: new, regressed, escalated, waiver-ended, fixed, newly-assessed, first-scan, no-longer-assessed, assessed-again, waived; by default what is worse, and the two summaries"`
	Channels    []string        `yaml:"channels,required" doc:"names of channels"`
	Continue    bool            `yaml:"continue" doc:"look at the routes below as well"`
}

// A Digest says when each owner is told how things stand.
type Digest struct {
	Day      string      `yaml:"day" doc:"monday (the default) to sunday"`
	Time     string      `yaml:"time" doc:"HH:MM; 08:00 by default"`
	TimeZone string      `yaml:"time_zone" doc:"name of the IANA database, as Europe/Berlin; UTC by default"`
	To       []Recipient `yaml:"to,required" doc:"where the digest of an owner goes: the first that fits"`
}

// A Recipient says where the digest of an owner goes.
type Recipient struct {
	Owner    []string `yaml:"owner" doc:"globs of owners; without it, all"`
	Channels []string `yaml:"channels,required" doc:"names of channels"`
}

// An Event is what has happened, as routes name it.
type Event string

const (
	New              Event = "new"
	Regressed        Event = "regressed"
	Escalated        Event = "escalated"
	WaiverEnded      Event = "waiver-ended"
	Fixed            Event = "fixed"
	NewlyAssessed    Event = "newly-assessed"
	FirstScan        Event = "first-scan"
	NoLongerAssessed Event = "no-longer-assessed"
	AssessedAgain    Event = "assessed-again"
	Waived           Event = "waived"
)

// Events lists all.
var Events = []Event{New, Regressed, Escalated, WaiverEnded, Fixed, NewlyAssessed, FirstScan, NoLongerAssessed, AssessedAgain, Waived}

// byDefault are the events of a route that names none.
var byDefault = []Event{New, Regressed, Escalated, WaiverEnded, NewlyAssessed, FirstScan}

// Worse reports whether an event calls for somebody to act.
func (e Event) Worse() bool {
	return e == New || e == Regressed || e == Escalated || e == WaiverEnded
}

// Over reports whether an event ends an incident.
func (e Event) Over() bool { return e == Fixed || e == Waived }

// Defaults of what a configuration leaves out.
const (
	DefaultStorm = 20
	DefaultRate  = 30
)

// What says who changed something.
const (
	AttributeRole = "role" // the role, or that it was a user: no names of people
	AttributeFull = "full"
	AttributeOff  = "off"
)

// A Secret says where a secret is: env:NAME, file:PATH, secretsmanager:ARN or ssm:NAME. It is read when it is needed, and kept nowhere.
type Secret string

var secretForm = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|secretsmanager:arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^ ]+|ssm:(/?[A-Za-z0-9_.-]+)+|ssm:arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[^ ]+)$`)

func (s *Secret) UnmarshalText(b []byte) error {
	if !secretForm.Match(b) { // which may be the secret itself: it is not told
		return errors.New("a secret is not written here: say where it is, as env:NAME, file:PATH, secretsmanager:ARN or ssm:NAME")
	}
	*s = Secret(b)
	return nil
}

// An Address is a URL, or says where one is, as a Secret does.
type Address string

// Secret returns where the address is, if it is not written down.
func (a Address) Secret() (Secret, bool) {
	if secretForm.MatchString(string(a)) {
		return Secret(a), true
	}
	return "", false
}

// Check refuses what means nothing. Paths are those below a path of the file.
func (c *Config) Check(f *strictyaml.File, path string, rules []engine.Rule) {
	at := func(key string) string { return path + "." + key }
	if c.Link != "" {
		if u, err := url.Parse(c.Link); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			f.Refuse(at("link"), "link: %q is no address: write https://HOST", c.Link)
		}
		c.Link = strings.TrimRight(c.Link, "/")
	}
	checkAttribution(f, at("attribution"), c.Attribution)
	checkRole(f, at("role"), c.Role)
	if f.Has(at("storm")) && c.Storm < 1 {
		f.Refuse(at("storm"), "storm must be positive")
	}
	lines := map[string]strictyaml.Line{}
	for i := range c.Channels {
		ch, path := &c.Channels[i], at(fmt.Sprintf("channels[%d]", i))
		if lines[ch.Name] > 0 {
			f.Refuse(path+".name", "the channel in line %d is called %q as well: choose another name", lines[ch.Name], ch.Name)
		} else if ch.Name != "" && !channelName.MatchString(ch.Name) {
			f.Refuse(path+".name", "name: %q is no name: use letters, digits and hyphens, 50 at most", ch.Name)
		}
		lines[ch.Name] = ch.Line
		c.checkChannel(f, path, ch)
	}
	for i := range c.Routes {
		c.checkRoute(f, at(fmt.Sprintf("routes[%d]", i)), i, waiver.Vocabulary(rules))
	}
	if len(c.Channels) > 0 && len(c.Routes) == 0 && slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch.Type != SecurityHub }) && c.Digest == nil && !f.Wrong(path) {
		f.Refuse(path, "there are channels and no routes, so that nothing is ever sent: add routes, as - channels: [%s]", c.Channels[0].Name)
	}
	c.checkDigest(f, at("digest"))
}

var channelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$`)

func checkAttribution(f *strictyaml.File, path, text string) {
	if all := []string{AttributeRole, AttributeFull, AttributeOff}; text != "" && !slices.Contains(all, text) {
		f.Refuse(path, "attribution: there is no %q: %s", text, suggest.DidYouMean(text, all, "use "+strings.Join(all, ", ")))
	}
}

// Current is the role that stands for the credentials of the process.
const Current = "current"

var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`)

func checkRole(f *strictyaml.File, path, role string) {
	if role != "" && role != Current && !roleForm.MatchString(role) {
		f.Refuse(path, "role: %q is no role: write its ARN, as arn:aws:iam::111122223333:role/scanner-publisher, or current", role)
	}
}

// checkChannel refuses keys that a type of channel does not have, lacks, or cannot use.
func (c *Config) checkChannel(f *strictyaml.File, path string, ch *Channel) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.Type == ch.Type })
	if i < 0 {
		if ch.Type != "" {
			names := Types()
			f.Refuse(path+".type", "type: there is no %q: %s", string(ch.Type), suggest.DidYouMean(string(ch.Type), names, "use "+strings.Join(names, ", ")))
		}
		return
	}
	has := slices.Concat([]string{"name", "type", "rate"}, kinds[i].must, kinds[i].may)
	for _, key := range strictyaml.Keys(*ch) {
		if f.Has(path+"."+key) && !slices.Contains(has, key) {
			f.Refuse(path+"."+key, "a channel of type %s has no %s: it has %s", ch.Type, key, strings.Join(has, ", "))
		}
	}
	for _, key := range kinds[i].must {
		if !f.Has(path + "." + key) {
			f.Refuse(path, "the channel %s has no %s: add it", ch.Name, key)
		}
	}
	if f.Wrong(path) {
		return // the rest may only follow from that
	}
	if f.Has(path+".rate") && (ch.Rate < 1 || ch.Rate > 6000) {
		f.Refuse(path+".rate", "rate: %d is not from 1 to 6000 messages a minute", ch.Rate)
	}
	checkAttribution(f, path+".attribution", ch.Attribution)
	checkRole(f, path+".role", ch.Role)
	if ch.Type.OfAWS() && ch.Type != SecurityHub && ch.Role == "" && c.Role == "" {
		f.Refuse(path, "the channel %s has no role to publish with, and the scan's may not: set role here or in notifications, to an ARN, or to current for the credentials of the process", ch.Name)
	}
	if ch.URL != "" {
		ch.checkURL(f, path+".url")
	}
	arn := func(key, text, service, example string) {
		if parts := strings.SplitN(text, ":", 6); text != "" && (len(parts) < 6 || parts[0] != "arn" || parts[2] != service || parts[3] == "") {
			f.Refuse(path+"."+key, "%s: %q is no ARN: write it as %s", key, text, example)
		}
	}
	arn("topic", ch.Topic, "sns", "arn:aws:sns:eu-west-1:111122223333:NAME")
	arn("bus", ch.Bus, "events", "arn:aws:events:eu-west-1:111122223333:event-bus/default")
	if ch.Region != "" {
		if why := match.RefuseRegion(ch.Region); why != "" || strings.Contains(ch.Region, "*") {
			f.Refuse(path+".region", "region: %q is no region: write a name as eu-west-1", ch.Region)
		}
	}
	for i, glob := range ch.Regions {
		if why := match.RefuseRegion(glob); glob != "" && why != "" {
			f.Refuse(fmt.Sprintf("%s.regions[%d]", path, i), "regions: %s", why)
		}
	}
	if ch.Queue != "" {
		if u, err := url.Parse(ch.Queue); err != nil || u.Host == "" || ch.Region == "" && ch.QueueRegion() == "" {
			f.Refuse(path+".queue", "queue: %q is no URL that tells the region: write it as https://sqs.eu-west-1.amazonaws.com/111122223333/NAME, or set region", ch.Queue)
		}
	}
	if ch.Type == Email {
		ch.checkEmail(f, path)
	}
}

var queueHost = regexp.MustCompile(`^(?:sqs\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.)(?:amazonaws|amazonaws-eusc|api\.aws)\.`)

// QueueRegion returns the region of a queue; "" if nobody tells.
func (ch *Channel) QueueRegion() string {
	if ch.Region != "" {
		return ch.Region
	}
	u, err := url.Parse(ch.Queue)
	if err != nil {
		return ""
	}
	if m := queueHost.FindStringSubmatch(u.Hostname() + "."); m != nil {
		return m[1] + m[2]
	}
	return ""
}

func (ch *Channel) checkURL(f *strictyaml.File, path string) {
	if _, ok := ch.URL.Secret(); ok {
		return
	}
	if ch.Type == Slack || ch.Type == Teams { // whoever has the address may write there
		f.Refuse(path, "url: the address of a %s channel is a secret, which is not written here: say where it is, as env:NAME, file:PATH, secretsmanager:ARN or ssm:NAME", ch.Type)
		return
	}
	if why := ch.RefuseURL(string(ch.URL)); why != "" {
		f.Refuse(path, "url: %s", why)
	}
}

// RefuseURL says why messages are not sent to an address; "" if they are. It does not repeat the address.
func (ch *Channel) RefuseURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return "it is no address: write https://HOST/PATH"
	case u.User != nil:
		return "it holds a password: say where the address is, as env:NAME"
	case u.Scheme == "http" && !ch.AllowHTTP && !loopback(u.Hostname()):
		if ch.Type == Webhook {
			return "it is not encrypted: use https, or set allow_http: true"
		}
		return "it is not encrypted: use https"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (ch *Channel) checkEmail(f *strictyaml.File, path string) {
	if all := []string{"starttls", "implicit", "none"}; ch.TLS != "" && !slices.Contains(all, ch.TLS) {
		f.Refuse(path+".tls", "tls: there is no %q: use %s", ch.TLS, strings.Join(all, ", "))
	}
	if ch.Host != "" && strings.ContainsAny(ch.Host, "/: \t@") && net.ParseIP(ch.Host) == nil {
		f.Refuse(path+".host", "host: %q is no name of a server: write mail.example.com, and the port under port", ch.Host)
	}
	if f.Has(path+".port") && (ch.Port < 1 || ch.Port > 65535) {
		f.Refuse(path+".port", "port: %d is none", ch.Port)
	}
	if (ch.User == "") != (ch.Password == "") && !f.Wrong(path) {
		f.Refuse(path, "the channel %s has only one of user and password: give both, or none", ch.Name)
	}
	if ch.TLS == "none" && ch.User != "" && !loopback(ch.Host) {
		f.Refuse(path+".tls", "tls: a password is not sent without encryption: use starttls or implicit")
	}
	address := func(path, key, text string) {
		if a, err := mail.ParseAddress(text); text != "" && (err != nil || !strings.Contains(a.Address, "@") || strings.ContainsAny(text, "\r\n")) {
			f.Refuse(path, "%s: %q is no address of e-mail: write NAME@HOST, or \"Name <NAME@HOST>\"", key, text)
		}
	}
	address(path+".from", "from", ch.From)
	for i, to := range ch.To {
		address(fmt.Sprintf("%s.to[%d]", path, i), "to", to)
	}
}

func (c *Config) checkRoute(f *strictyaml.File, path string, i int, v match.Vocabulary) {
	r := &c.Routes[i]
	if r.Condition.Key() != "{}" {
		r.Condition.Check(f, path, v)
	}
	for i, p := range r.Pillars {
		if !slices.Contains(engine.Pillars, p) && p != "" {
			var names []string
			for _, p := range engine.Pillars {
				names = append(names, string(p))
			}
			f.Refuse(fmt.Sprintf("%s.pillars[%d]", path, i), "pillars: there is no %q: %s", string(p), suggest.DidYouMean(string(p), names, "use "+strings.Join(names, ", ")))
		}
	}
	for i, e := range r.Events {
		if !slices.Contains(Events, e) && e != "" {
			var names []string
			for _, e := range Events {
				names = append(names, string(e))
			}
			f.Refuse(fmt.Sprintf("%s.events[%d]", path, i), "events: there is no %q: %s", string(e), suggest.DidYouMean(string(e), names, "use "+strings.Join(names, ", ")))
		}
	}
	c.checkNames(f, path, r.Channels, func(ch *Channel) string {
		if ch.Type == SecurityHub {
			return fmt.Sprintf("%s gets every scan as a whole, without a route: what a route leaves out would look as if it were gone", ch.Name)
		}
		return ""
	})
	if i < len(c.Routes)-1 && !r.Continue && r.everything() && !f.Wrong(path) {
		f.Refuse(path, "this route takes everything, so that no route below it is ever used: give it a condition, set continue: true, or put it last")
	}
}

// everything reports whether a route takes all events.
func (r *Route) everything() bool {
	return r.Condition.Key() == "{}" && r.MinSeverity == 0 && len(r.Pillars)+len(r.Owner)+len(r.Streams) == 0 && len(r.Events) == 0
}

func (c *Config) checkNames(f *strictyaml.File, path string, names []string, refuse func(*Channel) string) {
	for i, name := range names {
		at := fmt.Sprintf("%s.channels[%d]", path, i)
		if name == "" {
			continue
		}
		ch := c.Channel(name)
		if ch == nil {
			var all []string
			for i := range c.Channels {
				all = append(all, c.Channels[i].Name)
			}
			f.Refuse(at, "there is no channel %q: %s", name, suggest.DidYouMean(name, all, "add it to channels"))
		} else if why := refuse(ch); why != "" {
			f.Refuse(at, "%s", why)
		}
		if slices.Contains(names[:i], name) {
			f.Refuse(at, "the channel %s is named twice: leave one out", name)
		}
	}
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (c *Config) checkDigest(f *strictyaml.File, path string) {
	d := c.Digest
	if d == nil {
		return
	}
	if d.Day != "" && !slices.Contains(weekdays, d.Day) {
		f.Refuse(path+".day", "day: there is no %q: %s", d.Day, suggest.DidYouMean(d.Day, weekdays, "use monday to sunday"))
	}
	if _, err := time.Parse("15:04", d.Time); d.Time != "" && (err != nil || len(d.Time) != 5) {
		f.Refuse(path+".time", "time: %q is no time: write HH:MM, as 08:00", d.Time)
	}
	if _, err := time.LoadLocation(d.TimeZone); err != nil || d.TimeZone == "Local" {
		f.Refuse(path+".time_zone", "time_zone: there is no time zone %q: use a name of the IANA database, as Europe/Berlin", d.TimeZone)
	}
	for i := range d.To {
		at := fmt.Sprintf("%s.to[%d]", path, i)
		c.checkNames(f, at, d.To[i].Channels, func(ch *Channel) string {
			if ch.Type.Incidents() || ch.Type == SecurityHub {
				return fmt.Sprintf("%s is of type %s, which is for findings alone: a digest is none", ch.Name, ch.Type)
			}
			return ""
		})
		if i < len(d.To)-1 && len(d.To[i].Owner) == 0 && !f.Wrong(at) {
			f.Refuse(at, "this takes the digests of all owners, so that nothing below it is ever used: name owners, or put it last")
		}
	}
}

// Channel returns the channel of a name, or nil.
func (c *Config) Channel(name string) *Channel {
	if i := slices.IndexFunc(c.Channels, func(ch Channel) bool { return ch.Name == name }); i >= 0 {
		return &c.Channels[i]
	}
	return nil
}

// NeedsTags reports whether routes hang on tags.
func (c *Config) NeedsTags() bool {
	return slices.ContainsFunc(c.Routes, func(r Route) bool { return r.NeedsTags() })
}

// Due returns when the last digest was due, at a time or before, and the one before that.
func (d *Digest) Due(now time.Time) (due, before time.Time) {
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil {
		zone = time.UTC // it was checked
	}
	hour, minute := 8, 0
	if at, err := time.Parse("15:04", d.Time); err == nil {
		hour, minute = at.Hour(), at.Minute()
	}
	day := time.Monday
	if i := slices.Index(weekdays, d.Day); i >= 0 {
		day = time.Weekday(i)
	}
	local := now.In(zone)
	back := (int(local.Weekday()) - int(day) + 7) % 7
	week := func(n int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()-back-7*n, hour, minute, 0, 0, zone)
	}
	n := 0
	if week(0).After(now) {
		n = 1
	}
	return week(n), week(n + 1)
}

// PerMinute returns how many messages a minute a channel bears.
func (ch *Channel) PerMinute() int { return cmp.Or(ch.Rate, DefaultRate) }
