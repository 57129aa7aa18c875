package resourcegroupstaggingapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/cloudwatchlogs"
	"awsscanner/internal/collect/collecttest"
	"awsscanner/internal/collect/resourcegroupstaggingapi"
	"awsscanner/internal/collect/sqs"
)

// services are two that leave their tags to the one under test.
func services(at collect.At) []collect.Call {
	return slices.Concat(sqs.Calls(at), cloudwatchlogs.Calls(at), resourcegroupstaggingapi.Calls(at))
}

// Two queues and a log group. The tagging API knows one of the queues, and the log group, which has lost its tags.
func answer(tags func(params string) string) func(region, op, params string) string {
	return func(region, op, params string) string {
		switch op {
		case "ListQueues":
			return `{"QueueUrls":["https://sqs/1/tagged","https://sqs/1/never"]}`
		case "DescribeLogGroups":
			return `{"logGroups":[{"logGroupName":"g","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:g:*","logGroupClass":"STANDARD"}]}`
		case "GetResources":
			return tags(params)
		}
		return "!Unexpected " + op
	}
}

const page = `{"PaginationToken":%q,"ResourceTagMappingList":[{"ResourceARN":"arn:aws:%s","Tags":[%s]}]}`

func pages(params string) string {
	if strings.Contains(params, `"PaginationToken":"next"`) {
		return fmt.Sprintf(page, "", "logs:eu-central-1:111122223333:log-group:g", "")
	}
	return fmt.Sprintf(page, "next", "sqs:eu-central-1:111122223333:tagged", `{"Key":"team","Value":"shop"}`)
}

var reads = []string{"sqs.Queue.Tags", "cloudwatchlogs.LogGroup.Tags"}

// want checks what the snapshot says about each resource, whatever else it says.
func want(t *testing.T, snapshot string, about map[string]string) {
	t.Helper()
	for line := range strings.Lines(snapshot) {
		for id, text := range about {
			if strings.Contains(line, fmt.Sprintf("%q:%q,", "id", id)) {
				if !strings.Contains(line, text) {
					t.Errorf("%s: no %s in %s", id, text, line)
				}
				delete(about, id)
			}
		}
	}
	if len(about) > 0 {
		t.Errorf("missing: %v", about)
	}
}

// One paged list fills the tags of all kinds. What never had a tag is not in it, and has none.
func TestTags(t *testing.T) {
	got, requests := collecttest.Run(t, services, reads, []string{"eu-central-1"}, answer(pages))
	want(t, got, map[string]string{"https://sqs/1/tagged": `"tags":{"team":"shop"}`, "https://sqs/1/never": `"tags":{}`, "g": `"tags":{}`})
	if !slices.Equal(requests, []string{"eu-central-1 DescribeLogGroups", "eu-central-1 GetResources", "eu-central-1 GetResources", "eu-central-1 ListQueues"}) {
		t.Errorf("requests %q", requests)
	}
}

// Without the permission, or with half a list, the tags are not known, and not empty.
func TestNoTags(t *testing.T) {
	for name, tags := range map[string]func(string) string{
		"denied": func(string) string { return "!AccessDeniedException no" },
		"second page": func(params string) string {
			if strings.Contains(params, "next") {
				return "!AccessDeniedException no"
			}
			return pages(params)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := collecttest.Run(t, services, reads, []string{"eu-central-1"}, answer(tags))
			gap := `"gaps":[{"reason":"access-denied","call":"resourcegroupstaggingapi:GetResources","detail":"AccessDeniedException: no"}]`
			want(t, got, map[string]string{"https://sqs/1/tagged": gap, "https://sqs/1/never": gap, "g": gap})
			if strings.Contains(got, `"tags":{`) {
				t.Errorf("tags are known: %s", got)
			}
		})
	}
}

// Nobody asks for tags if there is nothing to tag.
func TestNothingToTag(t *testing.T) {
	_, requests := collecttest.Run(t, services, reads, []string{"eu-central-1"}, func(string, string, string) string { return "{}" })
	if want := []string{"eu-central-1 DescribeLogGroups", "eu-central-1 ListQueues"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q", requests)
	}
}
