package report

import (
	"bytes"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
)

func TestExplain(t *testing.T) {
	rule := queueRule("sqs-q", engine.Critical, engine.Security, engine.Reliability)
	rule.Check = engine.Each(func(v *engine.View, q *sqs.Queue) engine.Verdict {
		if q.Name == "new" {
			return engine.Unsure(model.TooLittleData, "it is new")
		}
		return judgeQueue(q, engine.Critical)
	})
	rule.Level, rule.Why = engine.Recommended, strings.Repeat("Because it matters. ", 20)
	rule.Fix = engine.Fix{Text: "Mend it.", CLI: "aws sqs mend-queue --queue-url <url>\n# or\naws sqs delete-queue", Breaks: "Readers.", Undo: "Nothing.", Effect: engine.Destroys}
	s := mixed()
	q := queue("eu-west-1", "worst", int(engine.Critical), "key")
	s.Put(q)
	s.Put(queue("eu-west-1", "new", passes, ""))
	r := judge(s, []engine.Rule{rule}, Filter{})

	text := func(name string) string {
		for _, x := range find(r, "") {
			if x.Resource.Name == name || x.Resource.ID == name {
				var b bytes.Buffer
				if err := r.Explain(&b, &x); err != nil {
					t.Fatal(err)
				}
				return b.String()
			}
		}
		t.Fatalf("no result is about %s", name)
		return ""
	}
	for name, want := range map[string][]string{
		"worst": {"sqs-q\nQueues are sqs-q\n\nverdict      fail, severity critical\n", "\nmessage      is bad\n", "\nresource     AWS::SQS::Queue worst\n", "\narn          " + q.ARN + "\n",
			"\nregion       eu-west-1\n", "\nevidence     monthlyCostUSD = 1.1\n", "\nWHY\n  Because it matters. ", "\nFIX\n  Mend it.\n",
			"\nCOMMANDS\n  aws sqs mend-queue --queue-url <url>\n  # or\n  aws sqs delete-queue\n", "\nMAY BREAK\n", "\nUNDO\n", "\nEFFECT\n  destroys\n", "\nREADS\n  sqs.Queue.Messages\n",
			"\nCLASS\n  severity low, at worst critical, level recommended, security, reliability\n"},
		"dark": {"\nverdict      not-assessed\n", "\ngap          access-denied (fixable) in sqs:GetQueueAttributes\n", "\ngrant        sqs:GetQueueAttributes\n"},
		"*":    {"\nresource     AWS::SQS::Queue *\n", "\nregion       us-west-2\n", "\ngap          throttled (fixable) in sqs:ListQueues\n"},
		"good": {"\nverdict      pass\n"},
		"new":  {"\ngap          too-little-data (structural)\n"},
	} {
		got := text(name)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("the explanation of %s lacks %q:\n%s", name, w, got)
			}
		}
		for line := range strings.Lines(got) {
			if len(line) > 160 {
				t.Errorf("a long line in that of %s: %s", name, line)
			}
		}
	}
	var b bytes.Buffer
	if err := Rule(&b, &rule); err != nil || !strings.HasSuffix(text("good"), b.String()[strings.Index(b.String(), "WHY"):]) {
		t.Errorf("rules show and explain differ: %v\n%s", err, b.String())
	}
}

func TestFind(t *testing.T) {
	r := judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.Critical)}, Filter{})
	all := find(r, "")
	if len(all) != 7 || all[0].Status != engine.Failed || all[6].Status != engine.Inapplicable {
		t.Errorf("%d results, from %s to %s", len(all), all[0].Status, all[len(all)-1].Status)
	}
	for _, x := range all {
		if found := find(r, x.Fingerprint()[:8]); len(found) != 1 || found[0].Fingerprint() != x.Fingerprint() {
			t.Errorf("%s finds %d results", x.Fingerprint()[:8], len(found))
		}
	}
	// The instance of a group has the identity of its group.
	owned := judge(snapshot([]string{"eu-west-1"}, append(volume("1", "web"), volume("2", "web")...)...), []engine.Rule{volumeRule}, Filter{})
	if one := find(owned, "")[0]; one.Identity() == one.Fingerprint() || len(find(owned, one.Identity())) != 2 {
		t.Error("an identity does not find all that a group owns")
	}
}

func TestIndent(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 40))
	for in, want := range map[string]string{
		"short":                         "  short",
		long:                            "  " + long[:94] + "\n  " + long[95:189] + "\n  " + long[190:],
		"one\ntwo":                      "  one\n  two",
		"aws " + long:                   "  aws " + long,
		"aws a \\\n  --b\nthen {c}":     "  aws a \\\n    --b\n  then {c}",
		strings.Repeat("x", 120):        "  " + strings.Repeat("x", 120),
		"a " + strings.Repeat("x", 120): "  a\n  " + strings.Repeat("x", 120),
	} {
		if got := Indent(in); got != want {
			t.Errorf("Indent(%q)\n%s\nwant\n%s", in, got, want)
		}
	}
}
