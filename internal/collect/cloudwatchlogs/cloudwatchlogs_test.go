package cloudwatchlogs

import (
	"slices"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const denied = `{"unlisted":"AWS::Logs::LogGroup","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"cloudwatchlogs:DescribeLogGroups","detail":"AccessDeniedException: no"}}`

// group is a line of the snapshot.
func group(region, name, rest string) string {
	return `{"kind":"AWS::Logs::LogGroup","id":"` + name + `","arn":"arn:aws:logs:` + region + `:111122223333:log-group:` + name + `","name":"` + name +
		`","account":"111122223333","region":"` + region + `"` + rest + `}`
}

// Two pages, fifty groups a page. AWS leaves out a key, a retention and the class of an old group, which says that there
// is none, that events stay for ever, and STANDARD; it leaves out no size, so that one without is unknown.
func TestLogGroups(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"cloudwatchlogs.LogGroup"}, []string{"eu-central-1"}, func(_, _, params string) string {
		switch params {
		case `{"limit":50}`:
			return `{"logGroups":[
				{"logGroupName":"all","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:all:*","logGroupArn":"arn:aws:logs:eu-central-1:111122223333:log-group:all",
					"logGroupClass":"INFREQUENT_ACCESS","kmsKeyId":"arn:aws:kms:eu-central-1:111122223333:key/k","retentionInDays":30,"storedBytes":5000000000,"creationTime":1},
				{"logGroupName":"least","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:least:*","storedBytes":0}],"nextToken":"2"}`
		case `{"limit":50,"nextToken":"2"}`:
			return `{"logGroups":[{"logGroupName":"delivery","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:delivery:*","logGroupClass":"DELIVERY"}]}`
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		group("eu-central-1", "all", `,"class":"INFREQUENT_ACCESS","kmsKey":"arn:aws:kms:eu-central-1:111122223333:key/k","retentionDays":30,"storedBytes":5000000000`),
		group("eu-central-1", "least", `,"class":"STANDARD","kmsKey":"","retentionDays":0,"storedBytes":0`),
		group("eu-central-1", "delivery", `,"class":"DELIVERY","kmsKey":"","retentionDays":0`),
	)
	if want := []string{"eu-central-1 DescribeLogGroups", "eu-central-1 DescribeLogGroups"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What a list does not tell is a hole of its region and no other; what it told before is kept.
func TestListGaps(t *testing.T) {
	const first = `{"logGroups":[{"logGroupName":"a","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:a:*","storedBytes":1}],"nextToken":"2"}`
	const attrs = `,"class":"STANDARD","kmsKey":"","retentionDays":0,"storedBytes":1`
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"no member", `{}`, ``, nil},
		{"empty", `{"logGroups":[]}`, ``, nil},
		{"an empty page is not the last", `{"logGroups":[],"nextToken":"2"}`, `{"logGroups":[{"logGroupName":"a","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:a","storedBytes":1}]}`,
			[]string{group("eu-central-1", "a", attrs)}},
		{"denied", `!AccessDeniedException no`, ``, []string{denied}},
		{"second page denied", first, `!AccessDeniedException no`, []string{group("eu-central-1", "a", attrs), denied}},
		{"no name", first, `{"logGroups":[{"arn":"arn:aws:logs:eu-central-1:111122223333:log-group:b:*"}]}`, []string{group("eu-central-1", "a", attrs),
			`{"unlisted":"AWS::Logs::LogGroup","account":"111122223333","region":"eu-central-1","gap":{"reason":"call-failed","call":"cloudwatchlogs:DescribeLogGroups","detail":"the answer lists a AWS::Logs::LogGroup without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"cloudwatchlogs.LogGroup"}, []string{"eu-central-1", "us-east-1"}, func(region, _, params string) string {
				switch {
				case region == "us-east-1":
					return `{"logGroups":[{"logGroupName":"there","arn":"arn:aws:logs:us-east-1:111122223333:log-group:there:*","storedBytes":1}]}`
				case params == `{"limit":50}`:
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, append(test.want, group("us-east-1", "there", attrs))...)
		})
	}
}
