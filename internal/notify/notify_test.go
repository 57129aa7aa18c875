package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/strictyaml"
)

var rule = engine.Rule{ID: "sqs-queue-dlq", Title: "Queues have a dead-letter queue", Severity: engine.Medium, Worst: engine.Critical, Pillars: []engine.Pillar{engine.Reliability, engine.Security},
	Why: "What fails again and again is lost. Nobody is told.", Fix: engine.Fix{Text: "Add one.", Breaks: "Nothing."},
	Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Fail("has none") })}

// read decodes a section of a configuration file and checks it.
func read(text string) (*Config, string) {
	var x struct {
		Notifications Config `yaml:"notifications"`
	}
	f := strictyaml.Decode("c.yaml", []byte(text), &x)
	x.Notifications.Check(f, "notifications", []engine.Rule{rule, {ID: "sqs-x", Check: rule.Check}})
	if err := f.Err(); err != nil {
		return nil, strings.ReplaceAll(err.Error(), "c.yaml:", "")
	}
	return &x.Notifications, ""
}

const whole = `notifications:
  link: https://scanner.example.com/
  attribution: full
  role: arn:aws:iam::111122223333:role/scanner-publisher
  external_id: x-1
  storm: 5
  channels:
    - {name: chat, type: slack, url: "env:SLACK_URL", rate: 60}
    - {name: teams, type: teams, url: "file:/run/secrets/teams", attribution: role}
    - {name: hook, type: webhook, url: "https://example.com/hook", secret: "secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook-AbCdEf#key"}
    - {name: local, type: webhook, url: "http://127.0.0.1:8080/", secret: "ssm:/scanner/hook"}
    - {name: plain, type: webhook, url: "http://hook.internal/", allow_http: true, secret: "env:X"}
    - name: mail
      type: email
      host: mail.example.com
      tls: implicit
      user: scanner
      password: env:SMTP_PASSWORD
      from: Scanner <scanner@example.com>
      to: [a@example.com, "B <b@example.com>"]
    - {name: pager, type: pagerduty, key: "env:PAGERDUTY_KEY", url: "https://events.eu.pagerduty.com/v2/enqueue"}
    - {name: topic, type: sns, topic: "arn:aws:sns:eu-west-1:111122223333:findings"}
    - {name: queue, type: sqs, queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/findings", role: current}
    - {name: bus, type: eventbridge, bus: "arn:aws:events:eu-west-1:111122223333:event-bus/default"}
    - {name: ops, type: opscenter, region: eu-west-1}
    - {name: hub, type: securityhub, role_name: FindingsPublisher, regions: eu-*}
  routes:
    - {owner: shop, min_severity: high, channels: [chat, pager], continue: true}
    - {pillars: [security], tags: {env: prod}, events: [new, fixed], channels: hook}
    - {account: "444455556666", streams: prod-*, channels: [topic, queue, bus, ops]}
    - channels: [mail]
  digest:
    day: friday
    time: "16:30"
    time_zone: Europe/Berlin
    to:
      - {owner: shop, channels: chat}
      - channels: [mail]
`

func TestConfig(t *testing.T) {
	c, why := read(whole)
	if why != "" {
		t.Fatal(why)
	}
	if c.Link != "https://scanner.example.com" || len(c.Channels) != 12 || c.Channels[8].QueueRegion() != "eu-west-1" || c.Channels[0].PerMinute() != 60 || c.Channels[1].PerMinute() != DefaultRate {
		t.Errorf("%+v", c)
	}
	if c.AttributionOf(c.Channel("chat")) != AttributeFull || c.AttributionOf(c.Channel("teams")) != AttributeRole || (&Config{}).AttributionOf(&Channel{}) != AttributeRole {
		t.Error("attribution")
	}
	if !c.NeedsTags() || c.Channel("nothing") != nil {
		t.Error("tags or channels")
	}
	for queue, want := range map[string]string{"https://sqs.us-gov-west-1.amazonaws.com/1/q": "us-gov-west-1", "https://eu-west-1.queue.amazonaws.com/1/q": "eu-west-1", "https://sqs.cn-north-1.amazonaws.com.cn/1/q": "cn-north-1",
		"http://127.0.0.1/1/q": "", "https://sqs.eu-west-1.evil.example/1/q": ""} {
		if got := (&Channel{Queue: queue}).QueueRegion(); got != want {
			t.Errorf("%s is in %q", queue, got)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	channel := func(text string) string {
		return "notifications:\n  channels:\n    - {name: a, " + text + "}\n  routes: [{channels: a}]\n"
	}
	routes := func(text string) string {
		return "notifications:\n  channels:\n    - {name: a, type: slack, url: \"env:A\"}\n    - {name: b, type: pagerduty, key: \"env:B\"}\n    - {name: hub, type: securityhub}\n" + text
	}
	for _, c := range []struct{ text, want string }{
		{channel(`type: slack, url: "https://hooks.slack.com/services/T0/B0/secret"`), "3: url: the address of a slack channel is a secret, which is not written here: say where it is, as env:NAME, file:PATH, secretsmanager:ARN or ssm:NAME"},
		{channel(`type: slak, url: "env:A"`), `3: type: there is no "slak": did you mean slack?`},
		{channel(`type: slack`), "3: the channel a has no url: add it"},
		{channel(`type: slack, url: "env:A", topic: x`), "3: a channel of type slack has no topic: it has name, type, rate, url, attribution"},
		{channel(`type: webhook, url: "https://x", secret: sesame`), "3: secret: a secret is not written here: say where it is, as env:NAME, file:PATH, secretsmanager:ARN or ssm:NAME"},
		{channel(`type: webhook, url: "http://hook.example", secret: "env:A"`), "3: url: it is not encrypted: use https, or set allow_http: true"},
		{channel(`type: webhook, url: "https://me:sesame@hook.example", secret: "env:A"`), "3: url: it holds a password: say where the address is, as env:NAME"},
		{channel(`type: webhook, url: "ftp://x", secret: "env:A"`), "3: url: it is no address: write https://HOST/PATH"},
		{channel(`type: slack, url: "env:A", rate: 0`), "3: rate: 0 is not from 1 to 6000 messages a minute"},
		{channel(`type: slack, url: "env:A", attribution: rol`), `3: attribution: there is no "rol": did you mean role?`},
		{channel(`type: sns, topic: "arn:aws:sns:eu-west-1:1:x"`), "3: the channel a has no role to publish with, and the scan's may not: set role here or in notifications, to an ARN, or to current for the credentials of the process"},
		{channel(`type: sns, topic: "findings", role: current`), `3: topic: "findings" is no ARN: write it as arn:aws:sns:eu-west-1:111122223333:NAME`},
		{channel(`type: sqs, queue: "https://x/q", role: current`), `3: queue: "https://x/q" is no URL that tells the region: write it as https://sqs.eu-west-1.amazonaws.com/111122223333/NAME, or set region`},
		{channel(`type: opscenter, region: europe, role: current`), `3: region: "europe" is no region: write a name as eu-west-1`},
		{channel(`type: opscenter, region: eu-west-1, role: publisher`), `3: role: "publisher" is no role: write its ARN, as arn:aws:iam::111122223333:role/scanner-publisher, or current`},
		{channel(`type: email, host: "x:25", from: a, to: "b@x", port: 0`), "3: host: \"x:25\" is no name of a server: write mail.example.com, and the port under port\n3: port: 0 is none\n3: from: \"a\" is no address of e-mail: write NAME@HOST, or \"Name <NAME@HOST>\""},
		{channel(`type: email, host: x, from: "a@x", to: "b@x\r\nBcc: c@x"`), "3: to: \"b@x\\r\\nBcc: c@x\" is no address of e-mail: write NAME@HOST, or \"Name <NAME@HOST>\""},
		{channel(`type: email, host: x, from: "a@x", to: "b@x", tls: none, user: me, password: "env:A"`), "3: tls: a password is not sent without encryption: use starttls or implicit"},
		{channel(`type: email, host: x, from: "a@x", to: "b@x", user: me`), "3: the channel a has only one of user and password: give both, or none"},
		{"notifications:\n  channels:\n    - {name: a b, type: slack, url: \"env:A\"}\n    - {name: a b, type: slack, url: \"env:A\"}\n  routes: [{channels: a b}]\n",
			"3: name: \"a b\" is no name: use letters, digits and hyphens, 50 at most\n4: the channel in line 3 is called \"a b\" as well: choose another name"},
		{routes(""), "1: there are channels and no routes, so that nothing is ever sent: add routes, as - channels: [a]"},
		{routes("  routes:\n    - {channels: c}\n"), `7: there is no channel "c": add it to channels`},
		{routes("  routes:\n    - {channels: [a, a]}\n"), "7: the channel a is named twice: leave one out"},
		{routes("  routes:\n    - {channels: hub}\n"), "7: hub gets every scan as a whole, without a route: what a route leaves out would look as if it were gone"},
		{routes("  routes:\n    - {channels: a}\n    - {channels: b, rule: sqs-x}\n"), "7: this route takes everything, so that no route below it is ever used: give it a condition, set continue: true, or put it last"},
		{routes("  routes:\n    - {channels: a, rule: s3-x, pillars: [secruity], events: [mended]}\n"), "7: rule: no rule matches \"s3-x\": see scanner rules list\n7: pillars: there is no \"secruity\": did you mean security?\n7: events: there is no \"mended\": use new, regressed, escalated, waiver-ended, fixed, newly-assessed, first-scan, no-longer-assessed, assessed-again, waived"},
		{routes("  routes:\n    - {channel: a}\n"), "7: the route has no key \"channel\": did you mean channels?\n7: the route has no channels: add it"},
		{routes("  routes: [{channels: a}]\n  digest: {day: mondays, time: 8am, time_zone: Berlin, to: [{channels: b}]}\n"), "7: day: there is no \"mondays\": did you mean monday?\n7: time: \"8am\" is no time: write HH:MM, as 08:00\n7: time_zone: there is no time zone \"Berlin\": use a name of the IANA database, as Europe/Berlin\n7: b is of type pagerduty, which is for findings alone: a digest is none"},
		{routes("  routes: [{channels: a}]\n  digest: {to: [{channels: a}, {owner: x, channels: a}]}\n"), "7: this takes the digests of all owners, so that nothing below it is ever used: name owners, or put it last"},
		{"notifications: {link: example.com, storm: 0, attribution: none}\n", "1: link: \"example.com\" is no address: write https://HOST\n1: attribution: there is no \"none\": use role, full, off\n1: storm must be positive"},
	} {
		_, why := read(c.text)
		if why != c.want {
			t.Errorf("%s\n gives %s\nwant   %s", c.text, why, c.want)
		}
		if strings.Contains(why, "sesame") || strings.Contains(why, "hooks.slack.com") {
			t.Errorf("a secret is told: %s", why)
		}
	}
}

// result is a failure of a queue. Tags of nil are not known.
func result(severity engine.Severity, account string, tags map[string]string) *engine.Result {
	f := report.Finding{Rule: rule.ID, Status: engine.Failed, Severity: severity, Fingerprint: "f", Identity: "i", Message: "has none"}
	f.Resource.ID, f.Resource.Account, f.Resource.Region, f.Resource.Tags, f.Resource.TagsUnknown = "q", account, "eu-west-1", tags, tags == nil
	r := f.Result(&rule)
	return &r
}

// Routes: the first that fits, those below it only if it says so; what is not known hides nothing from anybody.
func TestRoute(t *testing.T) {
	c, why := read(whole)
	if why != "" {
		t.Fatal(why)
	}
	prod, none := map[string]string{"env": "prod"}, map[string]string{}
	for _, x := range []struct {
		what   string
		event  Event
		result *engine.Result
		owner  string
		stream string
		want   string
	}{
		{"a route that goes on, and the last", New, result(engine.High, "111122223333", none), "shop", "a", "chat pager mail"},
		{"a route that ends", New, result(engine.High, "111122223333", prod), "shop", "a", "chat pager hook"},
		{"too little", New, result(engine.Medium, "111122223333", none), "shop", "a", "mail"},
		{"another owner", New, result(engine.High, "111122223333", none), "data", "a", "mail"},
		{"unknown tags", New, result(engine.Low, "111122223333", nil), "data", "a", "hook mail"},
		{"an unknown owner", New, result(engine.High, "111122223333", none), "unknown", "a", "chat pager mail"},
		{"account and stream", New, result(engine.Low, "444455556666", none), "data", "prod-eu", "topic queue bus ops"},
		{"another stream", New, result(engine.Low, "444455556666", none), "data", "test", "mail"},
		{"what is mended is told where it was asked for", Fixed, result(engine.High, "111122223333", prod), "shop", "a", "hook"},
		{"and nowhere else", Fixed, result(engine.High, "444455556666", none), "shop", "prod-eu", ""},
		{"what nobody saw is no news", NoLongerAssessed, result(engine.High, "111122223333", prod), "shop", "a", ""},
	} {
		got := strings.Join(c.Route(&Item{Event: x.event, Result: x.result, Owner: x.owner, Stream: x.stream}), " ")
		if got != x.want {
			t.Errorf("%s: %q, want %q", x.what, got, x.want)
		}
	}
	if got := strings.Join(c.Digest.Channels("shop"), " ") + " " + strings.Join(c.Digest.Channels(""), " "); got != "chat mail" {
		t.Errorf("digests go to %s", got)
	}
	r := Route{Pillars: []engine.Pillar{engine.CostOptimization}}
	if r.takes(&Item{Event: New, Result: result(engine.High, "111122223333", none)}, match.Result(result(engine.High, "111122223333", none))) != match.No {
		t.Error("another pillar")
	}
}

func TestDue(t *testing.T) {
	d := Digest{Day: "friday", Time: "16:30", TimeZone: "Europe/Berlin"}
	for now, want := range map[string]string{
		"2026-10-23T14:29:59Z": "2026-10-16T14:30:00Z 2026-10-09T14:30:00Z",
		"2026-10-23T14:30:00Z": "2026-10-23T14:30:00Z 2026-10-16T14:30:00Z",
		"2026-10-28T00:00:00Z": "2026-10-23T14:30:00Z 2026-10-16T14:30:00Z",
		"2026-10-30T15:30:00Z": "2026-10-30T15:30:00Z 2026-10-23T14:30:00Z", // after the end of summer time
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		due, before := d.Due(at)
		if got := due.UTC().Format(time.RFC3339) + " " + before.UTC().Format(time.RFC3339); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
	if due, _ := (&Digest{}).Due(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); due != time.Date(2025, 12, 29, 8, 0, 0, 0, time.UTC) {
		t.Errorf("by default %s", due)
	}
}

// Names of people, which are often addresses of e-mail, stay out unless somebody asks for them.
func TestChangedBy(t *testing.T) {
	for _, c := range []struct{ principal, role, full string }{
		{"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a/jane@example.com", "role AWSReservedSSO_Admin_0a of account 111122223333", "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a/jane@example.com"},
		{"arn:aws:sts::111122223333:assumed-role/jane@example.com/x", "a role of account 111122223333", "arn:aws:sts::111122223333:assumed-role/jane@example.com/x"},
		{"arn:aws:iam::111122223333:user/people/jane", "an IAM user of account 111122223333", "arn:aws:iam::111122223333:user/people/jane"},
		{"arn:aws:iam::111122223333:role/ci/deploy", "role deploy of account 111122223333", "arn:aws:iam::111122223333:role/ci/deploy"},
		{"arn:aws:sts::111122223333:federated-user/jane", "a federated user of account 111122223333", "arn:aws:sts::111122223333:federated-user/jane"},
		{"arn:aws:iam::111122223333:root", "the root user of account 111122223333", "arn:aws:iam::111122223333:root"},
		{"cloudformation.amazonaws.com", "cloudformation.amazonaws.com", "cloudformation.amazonaws.com"},
		{"jane@example.com", "somebody", "jane@example.com"},
		{"jane", "somebody", "jane"},
	} {
		cause, _ := json.Marshal(Cause{Principal: c.principal, Call: "s3:PutBucketPolicy", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
		const also = ", by s3:PutBucketPolicy, 2026-01-02 03:04 UTC"
		if got := ChangedBy(cause, AttributeRole); got != c.role+also || strings.Contains(got, "@") || strings.Contains(got, "jane") {
			t.Errorf("%s: %q", c.principal, got)
		}
		if got := ChangedBy(cause, AttributeFull); got != c.full+also {
			t.Errorf("%s in full: %q", c.principal, got)
		}
		if got := ChangedBy(cause, AttributeOff); got != "" {
			t.Errorf("%s although it is off: %q", c.principal, got)
		}
	}
	for _, bad := range []string{"", "null", "{}", "[", `{"principal":1}`} {
		if got := ChangedBy(json.RawMessage(bad), AttributeFull); got != "" {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"a\r\nBcc: x\tb":                  "a Bcc: x b",
		"\u202egnp.exe\u2066\u200b x\x00": "gnp.exe x",
		"\xff\xfe":                        "\ufffd",
		"\ufffe\uffff":                    "",
		strings.Repeat("ä", 21):           strings.Repeat("ä", 19) + "…",
	} {
		if got := Line(text, 20); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"One. Two.":                      "One.",
		"As e.g. this: one. Two. 3":      "As e.g. this: one.",
		"No end":                         "No end",
		strings.Repeat("x", 500) + ". Y": strings.Repeat("x", 399) + "…",
	} {
		if got := Sentence(text); got != want {
			t.Errorf("%q begins with %q, want %q", text, got, want)
		}
	}
}

// A message lists the worst first, counts all, and never grows beyond what channels take.
func TestFinish(t *testing.T) {
	m := Message{ID: "x", Kind: OfFindings, Rule: NewRule(&rule)}
	for i := range 120 {
		f := Finding{Event: New, Severity: engine.Severity(1 + i%3), Identity: fmt.Sprint(i), Message: strings.Repeat("😀", 1000), Resource: Resource{ID: strings.Repeat("\\\"", 500), ARN: strings.Repeat("<", 500)}}
		if i == 7 {
			f.Event, f.Severity = Fixed, engine.Critical
		}
		m.Findings = append(m.Findings, f)
	}
	m.Finish()
	text, err := json.Marshal(&m)
	if err != nil || len(text) > maxBytes || len(m.Findings)+m.More != 120 || m.Events[New] != 119 || m.Events[Fixed] != 1 || m.Severity != engine.Medium {
		t.Errorf("%d bytes, %d findings, %d more, %v, %s, %v", len(text), len(m.Findings), m.More, m.Events, m.Severity, err)
	}
	if m.Title != "[medium] 119 new, 1 fixed: Queues have a dead-letter queue" {
		t.Error(m.Title)
	}
	if text := m.Text().Plain(); !strings.Contains(text, fmt.Sprintf("and %d more", m.More)) || !utf8.ValidString(text) {
		t.Errorf("%.500s", text)
	}
}

// A message says fix, resource, owner, since, changed by, harm, what the fix may break, link and ticket.
func TestText(t *testing.T) {
	f := Finding{Event: Escalated, Severity: engine.High, Was: engine.Low, Owner: "shop", Message: "has none", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ChangedBy: "role ci", Ticket: "SHOP-1",
		Link: "https://scanner.example.com/findings/1", Resource: Resource{Kind: "AWS::SQS::Queue", ID: "q", ARN: "arn:q", Name: "orders", Account: "111122223333", Region: "eu-west-1"}}
	m := Message{Kind: OfFindings, Rule: NewRule(&rule), Findings: []Finding{f}, Stream: "prod", Scan: &ScanRef{"s1", f.Since}}
	m.Finish()
	want := `[high] escalated: Queues have a dead-letter queue: orders

Resource: orders (arn:q), AWS::SQS::Queue in 111122223333, eu-west-1
Seen: has none
Owner: shop
Since: 2026-01-02 03:04 UTC, low until now
Changed by: role ci
Ticket: SHOP-1
Harm: What fails again and again is lost.
Fix: Add one.
May break: Nothing.
Rule: sqs-queue-dlq

https://scanner.example.com/findings/1

scan s1 of prod, 2026-01-02 03:04 UTC
`
	if got := m.Text().Plain(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	m.Findings = append(m.Findings, f)
	m.Findings[1].Owner, m.Findings[1].Ticket, m.Findings[1].ChangedBy = "", "", ""
	m.Title, m.Events = "", nil
	m.Finish()
	const line = "- escalated: [high] orders (arn:q), AWS::SQS::Queue in 111122223333, eu-west-1"
	if got := m.Text().Plain(); !strings.Contains(got, line+", owner shop, since 2026-01-02 03:04 UTC, changed by role ci, ticket SHOP-1\n"+line+", since 2026-01-02 03:04 UTC\n") {
		t.Error(got)
	}
	if text := Test(f.Since).Text().Plain(); !strings.HasPrefix(text, "Test of scanner notifications: nothing has happened\n") {
		t.Error(text)
	}
}
