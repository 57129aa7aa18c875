package report

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/engine"
)

// issues holds a report against the schema and reads it.
func issues(t *testing.T, text string) (all []gitlabIssue) {
	t.Helper()
	schema, err := os.Open("testdata/gitlab/codequality.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer schema.Close()
	doc, err := jsonschema.UnmarshalJSON(schema)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("codequality.json", doc); err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("codequality.json").Validate(instance); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, i := range all {
		if seen[i.Fingerprint] {
			t.Errorf("two entries have the fingerprint %s", i.Fingerprint)
		}
		seen[i.Fingerprint] = true
	}
	return all
}

// GitLab shows nothing but the description: who has to act stands there.
func TestGitLabOwner(t *testing.T) {
	r, err := New("test", engine.Whole(snapshot([]string{"eu-west-1"}, queue("eu-west-1", "a", int(engine.Low), ""), queue("eu-west-1", "b", int(engine.Low), ""))), []engine.Rule{queueRule("sqs-q", engine.Low)}, Options{
		Team: func(x *engine.Result) string {
			return map[string]string{"a": "shop", "b": UnknownOwner}[x.Resource.Name]
		}})
	if err != nil {
		t.Fatal(err)
	}
	all := issues(t, text(t, r.GitLab))
	if len(all) != 2 || all[0].Description != "Queue a: is bad (owner shop)" || all[0].Owner != "shop" || all[1].Description != "Queue b: is bad" || all[1].Owner != UnknownOwner {
		t.Errorf("%+v", all)
	}
}

// Only what failed, and nobody has waived, is a degradation.
func TestGitLab(t *testing.T) {
	r := waivedReport(accountRule, queueRule("sqs-q", engine.Critical, engine.Security))
	var got []string
	for _, i := range issues(t, text(t, r.GitLab)) {
		got = append(got, strings.Join([]string{i.Severity, i.CheckName, i.Location.Path, i.Description}, "|"))
	}
	want := []string{
		"critical|cloudtrail-on|aws/111122223333/global/cloudtrail|Account 111122223333: no trail",
		"critical|sqs-q|aws/111122223333/eu-west-1/sqs|Queue bad: is bad",
		"minor|sqs-q|aws/111122223333/eu-west-1/sqs|Queue untidy: is bad",
	}
	if !slices.Equal(got, want) {
		t.Errorf("issues\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestGitLabHostile(t *testing.T) {
	r := hostileReport()
	open := 0
	for _, n := range r.Failures {
		open += n
	}
	severities := map[string]bool{}
	all := issues(t, text(t, r.GitLab))
	for _, i := range all {
		severities[i.Severity] = true
	}
	if len(all) != open || len(severities) != 5 {
		t.Errorf("%d entries of severity %v, want %d of all five", len(all), severities, open)
	}
	if got := text(t, judge(snapshot([]string{"eu-west-1"}), []engine.Rule{queueRule("sqs-q", engine.Low)}, Filter{}).GitLab); len(issues(t, got)) != 0 || got != "[\n]\n" {
		t.Errorf("nothing failed: %q", got)
	}
}
