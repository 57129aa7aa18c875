package deliver

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
)

// webhook posts the message itself, signed, so that the receiver knows who has sent it and when.
func (d *Deliverer) webhook(ctx context.Context, ch *notify.Channel, m *notify.Message, secret resolver) error {
	key, err := secret(ch.Secret)
	if err != nil {
		return err
	}
	to, err := d.address(ch, secret)
	if err != nil {
		return err
	}
	body := encode(m)
	at := strconv.FormatInt(d.Now().Unix(), 10)
	return d.post(ctx, to, body, http.Header{"X-Scanner-Timestamp": {at}, "X-Scanner-Signature": {"sha256=" + sign(key, at, body)}, "X-Scanner-Id": {m.ID}})
}

// sign returns the HMAC of the time and the body.
func sign(key, at string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(at + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

const pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"

var pagerDutySeverities = map[engine.Severity]string{engine.Critical: "critical", engine.High: "error", engine.Medium: "warning", engine.Low: "info", engine.Informational: "info"}

// pagerDuty sends an event of the Events API v2. What has become worse triggers an alert, what is over resolves it: its key is the identity of the finding.
func (d *Deliverer) pagerDuty(ctx context.Context, ch *notify.Channel, m *notify.Message, secret resolver) error {
	key, err := secret(ch.Key)
	if err != nil {
		return err
	}
	to := pagerDutyURL
	if ch.URL != "" {
		if to, err = d.address(ch, secret); err != nil {
			return err
		}
	}
	if err := d.post(ctx, to, encode(pagerDutyEvent(m, key)), nil); err != nil || m.Kind != notify.OfTest {
		return err
	}
	return d.post(ctx, to, encode(map[string]any{"routing_key": key, "event_action": "resolve", "dedup_key": m.ID}), nil) // nobody needs to act
}

func pagerDutyEvent(m *notify.Message, key string) map[string]any {
	type object = map[string]any
	event := object{"routing_key": key, "event_action": "trigger", "dedup_key": m.ID}
	t := m.Text()
	source := cmp.Or(m.Stream, "scanner")
	details := object{}
	for _, f := range t.Facts {
		details[f.Name] = f.Value
	}
	payload := object{"summary": notify.Line(m.Title, 1024), "severity": pagerDutySeverities[m.Severity], "timestamp": m.Created.UTC().Format("2006-01-02T15:04:05.000Z")}
	if m.Kind == notify.OfFindings && len(m.Findings) > 0 {
		f := &m.Findings[0]
		event["dedup_key"] = f.Identity
		if f.Event.Over() {
			return object{"routing_key": key, "event_action": "resolve", "dedup_key": f.Identity}
		}
		source = cmp.Or(f.Resource.ARN, f.Resource.ID)
		payload["component"], payload["group"], payload["class"] = cmp.Or(f.Resource.Name, f.Resource.ID), f.Resource.Account, m.Rule.ID
	}
	if len(t.Lines) > 0 {
		details[t.Heading] = t.Lines
	}
	payload["source"], payload["custom_details"] = notify.Line(source, 255), details
	event["payload"], event["client"] = payload, "scanner"
	if t.Link != "" {
		event["client_url"] = t.Link
		event["links"] = []object{{"href": t.Link, "text": "Open in the dashboard"}}
	}
	return event
}
