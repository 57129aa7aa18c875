package deliver

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
)

// Limits of Slack. Source: Slack's reference of Block Kit; all texts of a message together may not have many more than 13 000 characters, which it does not say.
const (
	slackHeader  = 150
	slackText    = 3000
	slackBlocks  = 50
	slackMessage = 12000
)

var slackMarks = map[engine.Severity]string{engine.Critical: ":red_circle:", engine.High: ":large_orange_circle:", engine.Medium: ":large_yellow_circle:", engine.Low: ":large_blue_circle:", engine.Informational: ":white_circle:"}

// slack makes a message of an incoming webhook. No text becomes a mention or a link; stars and the like are shown as Slack shows them.
func slack(m *notify.Message) []byte {
	small := *m
	small.Shrink(slackMessage, func(m *notify.Message) int { return len(m.Text().Plain()) })
	t := small.Text()
	type object = map[string]any
	mrkdwn := func(text string) object { return object{"type": "mrkdwn", "text": text, "verbatim": true} }
	blocks := []object{{"type": "header", "text": object{"type": "plain_text", "emoji": false, "text": slackCut(t.Title, slackHeader)}}}
	section := func(lines []string) {
		for _, text := range chunks(lines, slackText) {
			if len(blocks) < slackBlocks-2 {
				blocks = append(blocks, object{"type": "section", "text": mrkdwn(text)})
			}
		}
	}
	var facts, lines []string
	for _, f := range t.Facts {
		facts = append(facts, "*"+escapeSlack(f.Name)+":* "+escapeSlack(f.Value))
	}
	section(facts)
	if len(t.Lines) > 0 {
		lines = append(lines, "*"+escapeSlack(t.Heading)+"*")
	}
	for _, line := range t.Lines {
		lines = append(lines, "• "+escapeSlack(line))
	}
	section(lines)
	if t.Link != "" {
		blocks = append(blocks, object{"type": "section", "text": mrkdwn("<" + strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C").Replace(t.Link) + "|Open in the dashboard>")})
	}
	foot := slackMarks[t.Severity] + " " + t.Severity.String()
	if t.Foot != "" {
		foot += " · " + escapeSlack(t.Foot)
	}
	blocks = append(blocks, object{"type": "context", "elements": []object{mrkdwn(slackCut(foot, slackText))}})
	return encode(object{"text": slackCut(escapeSlack(t.Title), slackText), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

// escapeSlack escapes what Slack takes for the marks of a mention or a link.
func escapeSlack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func slackCut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	r := []rune(text)[:most-1]
	if i := strings.LastIndexByte(string(r), '&'); i >= 0 && !strings.Contains(string(r)[i:], ";") { // no half of an escape
		return string(r)[:i] + "…"
	}
	return string(r) + "…"
}

// chunks joins lines to texts of at most so many characters.
func chunks(lines []string, most int) (all []string) {
	var b strings.Builder
	for _, line := range lines {
		line = slackCut(line, most)
		if b.Len() > 0 && utf8.RuneCountInString(b.String())+1+utf8.RuneCountInString(line) > most {
			all = append(all, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all
}

// teamsBytes is what a workflow of Teams takes, with a margin: about 28 kB. Source: Microsoft Teams connector, known limits.
const teamsBytes = 25 << 10

var teamsColors = map[engine.Severity]string{engine.Critical: "Attention", engine.High: "Attention", engine.Medium: "Warning"}

// teams makes an Adaptive Card for the webhook of a workflow. Runs of text are shown as they are, without Markdown.
func teams(m *notify.Message) []byte {
	small := *m
	small.Shrink(teamsBytes, func(m *notify.Message) int { return len(teamsCard(m.Text())) })
	return teamsCard(small.Text())
}

func teamsCard(t *notify.Text) []byte {
	type object = map[string]any
	run := func(text string) object { return object{"type": "TextRun", "text": unexpanded(text)} }
	bold := func(text string) object {
		return object{"type": "TextRun", "text": unexpanded(text), "weight": "Bolder"}
	}
	rich := func(runs ...object) object {
		return object{"type": "RichTextBlock", "inlines": runs, "spacing": "Small"}
	}
	title := object{"type": "TextRun", "text": unexpanded(t.Title), "weight": "Bolder", "size": "Large"}
	if color := teamsColors[t.Severity]; color != "" {
		title["color"] = color
	}
	body := []object{rich(title)}
	for _, f := range t.Facts {
		body = append(body, rich(bold(f.Name+": "), run(f.Value)))
	}
	if len(t.Lines) > 0 {
		body = append(body, rich(bold(t.Heading)))
	}
	for _, line := range t.Lines {
		body = append(body, rich(run("• "+line)))
	}
	if t.Foot != "" {
		body = append(body, rich(object{"type": "TextRun", "text": unexpanded(t.Foot), "isSubtle": true, "size": "Small"}))
	}
	card := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "msteams": object{"width": "Full"}, "body": body}
	if t.Link != "" {
		card["actions"] = []object{{"type": "Action.OpenUrl", "title": "Open in the dashboard", "url": t.Link}}
	}
	return encode(object{"type": "message", "attachments": []object{{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}}})
}

// unexpanded keeps cards from filling in dates and the like: {{DATE(...)}}.
func unexpanded(text string) string {
	return strings.NewReplacer("{{", "{\u200b{", "${", "$\u200b{").Replace(text)
}

// encode returns JSON without the escapes that only browsers need.
func encode(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // of maps, texts and numbers
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
