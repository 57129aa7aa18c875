package guardduty

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func detector(id, rest string) string {
	return `{"kind":"AWS::GuardDuty::Detector","id":"` + id + `","arn":"arn:aws:guardduty:eu-central-1:111122223333:detector/` + id + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

var everything = []string{"guardduty.Region", "guardduty.Detector.Status", "guardduty.Detector.Administrator"}

const region = `{"kind":"AWS::GuardDuty::Region","id":"eu-central-1","account":"111122223333","region":"eu-central-1"}`

// Two pages of detectors. Only of one that is suspended is asked who manages it.
func TestDetectors(t *testing.T) {
	answers := map[string]string{
		"/detector?maxResults=50":             `{"detectorIds":["on","off"],"nextToken":"2"}`,
		"/detector?maxResults=50&nextToken=2": `{"detectorIds":["managed","dark"]}`,
		"/detector/on": `{"status":"ENABLED","createdAt":"2025-01-01T00:00:00.123Z","findingPublishingFrequency":"ONE_HOUR","tags":{"a":"b"},
			"features":[{"name":"S3_DATA_EVENTS","status":"ENABLED"},{"name":"RUNTIME_MONITORING","status":"DISABLED","additionalConfiguration":[{"name":"EC2_AGENT_MANAGEMENT","status":"ENABLED"}]}]}`,
		"/detector/off":                   `{"status":"DISABLED","createdAt":"no time","features":[]}`,
		"/detector/off/administrator":     `{}`,
		"/detector/managed":               `{"status":"DISABLED"}`,
		"/detector/managed/administrator": `{"administrator":{"accountId":"999988887777","relationshipStatus":"Enabled"}}`,
		"/detector/dark":                  `{}`,
	}
	got, requests := collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(_, op, params string) string {
		answer, ok := answers[params]
		if !ok {
			t.Errorf("unexpected %s with %s", op, params)
		}
		return answer
	})
	collecttest.Want(t, got, region,
		detector("on", `,"status":"ENABLED","created":"2025-01-01T00:00:00.123Z","frequency":"ONE_HOUR","features":{"RUNTIME_MONITORING":false,"RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT":true,"S3_DATA_EVENTS":true},"tags":{"a":"b"}`),
		detector("off", `,"status":"DISABLED","features":{},"tags":{},"administrator":""`),
		detector("managed", `,"status":"DISABLED","tags":{},"administrator":"999988887777"`),
		detector("dark", `,"gaps":[{"reason":"not-collected","call":"guardduty:GetAdministratorAccount","detail":"needs what an earlier answer left out"}]`),
	)
	if len(requests) != len(answers) {
		t.Errorf("%d requests: %q", len(requests), requests)
	}
}

// No detector is data; a denied list is a hole.
func TestGaps(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(string, string, string) string { return `{"detectorIds":[]}` })
	collecttest.Want(t, got, region)
	if want := []string{"eu-central-1 ListDetectors"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
	got, _ = collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(_, _, params string) string {
		if strings.Contains(params, "nextToken") {
			return `!AccessDeniedException no`
		}
		if strings.HasPrefix(params, "/detector/") {
			return `!BadRequestException The request is rejected because the input detectorId is not owned by the current account.`
		}
		return `{"detectorIds":["a"],"nextToken":"2"}`
	})
	const failed = `{"reason":"call-failed","call":"guardduty:GetDetector","detail":"BadRequestException: The request is rejected because the input detectorId is not owned by the current account."}`
	collecttest.Want(t, got, region,
		detector("a", `,"gaps":[{"reason":"call-failed","call":"guardduty:GetAdministratorAccount","detail":"needs guardduty:GetDetector"},`+failed+`]`),
		`{"unlisted":"AWS::GuardDuty::Detector","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"guardduty:ListDetectors","detail":"AccessDeniedException: no"}}`)
}
