package cloudformation

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func arn(name string) string {
	return "arn:aws:cloudformation:eu-central-1:111122223333:stack/" + name + "/1"
}

// stack is a line of the snapshot.
func stack(name, rest string) string {
	return `{"kind":"AWS::CloudFormation::Stack","id":"` + arn(name) + `","arn":"` + arn(name) + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

// listed is an item of the list answer.
func listed(name, rest string) string {
	return `<member><StackId>` + arn(name) + `</StackId><StackName>` + name + `</StackName>` + rest + `</member>`
}

func stacks(members ...string) string { return `<Stacks>` + strings.Join(members, "") + `</Stacks>` }

const (
	created = `<CreationTime>2025-01-01T00:00:00.123Z</CreationTime>`
	updated = `<LastUpdatedTime>2025-02-01T00:00:00Z</LastUpdatedTime>`
	deleted = `<DeletionTime>2025-03-01T00:00:00Z</DeletionTime>`
	plain   = `,"statusReason":"","root":"","began":"2025-01-01T00:00:00.123Z","tags":{},"topics":[],"role":""` // of one that was only created
)

// Two pages of all stacks, without events. The last operation began at the latest of creation, update and deletion. AWS
// leaves out the reason, and the root of a stack that is not nested; status and creation are always there.
func TestStacks(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"cloudformation.Stack"}, []string{"eu-central-1"}, func(_, _, params string) string {
		switch params {
		case "":
			return stacks(
				listed("new", created+`<StackStatus>CREATE_COMPLETE</StackStatus><Tags/>`),
				listed("nested", created+updated+`<StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus><StackStatusReason>The following resource(s) failed to update: [X].</StackStatusReason>
					<ParentId>`+arn("parent")+`</ParentId><RootId>`+arn("root")+`</RootId><NotificationARNs><member>t</member><member>u</member></NotificationARNs><EnableTerminationProtection>true</EnableTerminationProtection>
					<RoleARN>r</RoleARN><DriftInformation><StackDriftStatus>IN_SYNC</StackDriftStatus><LastCheckTimestamp>2025-03-01T00:00:00Z</LastCheckTimestamp></DriftInformation><Tags><member><Key>a</Key><Value>b</Value></member><member><Key>c</Key><Value/></member></Tags>`),
			) + `<NextToken>2</NextToken>`
		case "NextToken=2":
			return stacks(
				listed("going", created+updated+deleted+`<StackStatus>DELETE_IN_PROGRESS</StackStatus>`),
				listed("tried", created+`<LastUpdatedTime>2025-04-01T00:00:00Z</LastUpdatedTime>`+deleted+`<StackStatus>UPDATE_COMPLETE</StackStatus>`),
				listed("undated", updated),
			)
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		stack("new", `,"status":"CREATE_COMPLETE"`+plain),
		stack("nested", `,"status":"UPDATE_ROLLBACK_FAILED","statusReason":"The following resource(s) failed to update: [X].","root":"`+arn("root")+`","began":"2025-02-01T00:00:00Z","tags":{"a":"b","c":""},"topics":["t","u"],"protected":true,"role":"r","drift":"IN_SYNC","driftChecked":"2025-03-01T00:00:00Z"`),
		stack("going", `,"status":"DELETE_IN_PROGRESS","statusReason":"","root":"","began":"2025-03-01T00:00:00Z","tags":{},"topics":[],"role":""`),
		stack("tried", `,"status":"UPDATE_COMPLETE","statusReason":"","root":"","began":"2025-04-01T00:00:00Z","tags":{},"topics":[],"role":""`),
		stack("undated", `,"statusReason":"","root":"","tags":{},"topics":[],"role":""`),
	)
	if want := []string{"eu-central-1 DescribeStacks", "eu-central-1 DescribeStacks"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What a list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	const denied = `{"unlisted":"AWS::CloudFormation::Stack","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"cloudformation:DescribeStacks","detail":"AccessDenied: no"}}`
	one := listed("a", created+`<StackStatus>CREATE_COMPLETE</StackStatus>`)
	a := stack("a", `,"status":"CREATE_COMPLETE"`+plain)
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"no member", ``, ``, nil},
		{"empty", `<Stacks/>`, ``, nil},
		{"an empty page is not the last", `<Stacks/><NextToken>2</NextToken>`, stacks(one), []string{a}},
		{"denied", `!AccessDenied no`, ``, []string{denied}},
		{"second page denied", stacks(one) + `<NextToken>2</NextToken>`, `!AccessDenied no`, []string{a, denied}},
		{"no ID", stacks(one) + `<NextToken>2</NextToken>`, `<Stacks><member><StackName>b</StackName></member></Stacks>`, []string{a,
			`{"unlisted":"AWS::CloudFormation::Stack","account":"111122223333","region":"eu-central-1","gap":{"reason":"call-failed","call":"cloudformation:DescribeStacks","detail":"the answer lists a AWS::CloudFormation::Stack without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"cloudformation.Stack"}, []string{"eu-central-1"}, func(_, _, params string) string {
				if params == "" {
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}

// event is one of a stack, or of a resource in it: "own" is the stack itself. Without a time it has none.
func event(name, logical, status, time string) string {
	physical, kind, reason := "physical-"+logical, "AWS::SQS::Queue", ""
	if logical == "own" {
		physical, logical, kind = arn(name), name, "AWS::CloudFormation::Stack"
	} else if strings.HasPrefix(logical, "Nested") { // another stack, though of the same type
		physical, kind = arn("nested"), "AWS::CloudFormation::Stack"
	}
	if strings.HasSuffix(status, "FAILED") && logical != name {
		reason = `<ResourceStatusReason>` + logical + ` is broken</ResourceStatusReason>`
	}
	if time != "" {
		time = `<Timestamp>2025-12-01T00:00:` + time + `Z</Timestamp>`
	}
	return `<member><StackId>` + arn(name) + `</StackId><StackName>` + name + `</StackName><EventId>e</EventId><LogicalResourceId>` + logical + `</LogicalResourceId><PhysicalResourceId>` + physical +
		`</PhysicalResourceId><ResourceType>` + kind + `</ResourceType><ResourceStatus>` + status + `</ResourceStatus>` + reason + time + `</member>`
}

func failure(logical, kind, status, time string) string {
	return `{"logicalId":"` + logical + `","type":"` + kind + `","status":"` + status + `","reason":"` + logical + ` is broken","time":"2025-12-01T00:00:` + time + `Z"}`
}

// Only of failed stacks are the events read, newest first, and no page beyond the beginning of the last operation. Since is the
// newest event of the stack itself with its status. Failures are those of resources in the last operation, oldest first.
func TestEvents(t *testing.T) {
	const never = `,"since":"0001-01-01T00:00:00Z"`
	gap := func(text string) string { return `,"gaps":[{` + text + `,"call":"cloudformation:DescribeStackEvents"` }
	tests := []struct {
		name, status string
		pages        []string // events; empty if it must not be asked for
		gap, want    string
	}{
		{"fine", "UPDATE_ROLLBACK_COMPLETE", nil, ``, ``},
		{"busy", "CREATE_IN_PROGRESS", nil, ``, ``},
		{"update", "UPDATE_ROLLBACK_FAILED", []string{
			event("update", "own", "UPDATE_ROLLBACK_FAILED", "59") + event("update", "D", "UPDATE_FAILED", "58") + event("update", "own", "UPDATE_ROLLBACK_IN_PROGRESS", "57") +
				event("update", "own", "UPDATE_ROLLBACK_FAILED", "50"),
			event("update", "Nested", "UPDATE_FAILED", "49") + event("update", "own", "UPDATE_ROLLBACK_IN_PROGRESS", "48") + event("update", "B", "UPDATE_FAILED", "47") + event("update", "A", "CREATE_FAILED", "46") +
				event("update", "A", "CREATE_IN_PROGRESS", "45") + event("update", "Nested", "UPDATE_IN_PROGRESS", "44") + event("update", "own", "UPDATE_IN_PROGRESS", "40") +
				event("update", "Before", "UPDATE_FAILED", "39"),
			event("update", "Before", "UPDATE_FAILED", "38"), // must not be asked for
		}, ``, `,"since":"2025-12-01T00:00:59Z","failures":[` + strings.Join([]string{failure("A", "AWS::SQS::Queue", "CREATE_FAILED", "46"), failure("B", "AWS::SQS::Queue", "UPDATE_FAILED", "47"),
			failure("Nested", "AWS::CloudFormation::Stack", "UPDATE_FAILED", "49"), failure("D", "AWS::SQS::Queue", "UPDATE_FAILED", "58")}, ",") + `]`},
		{"create", "ROLLBACK_COMPLETE", []string{event("create", "own", "ROLLBACK_COMPLETE", "20") + event("create", "A", "DELETE_COMPLETE", "15") + event("create", "own", "ROLLBACK_IN_PROGRESS", "12"),
			event("create", "A", "CREATE_FAILED", "11") + event("create", "own", "CREATE_IN_PROGRESS", "10"), `unread`},
			``, `,"since":"2025-12-01T00:00:20Z","failures":[` + failure("A", "AWS::SQS::Queue", "CREATE_FAILED", "11") + `]`},
		{"delete", "DELETE_FAILED", []string{event("delete", "own", "DELETE_FAILED", "20") + event("delete", "A", "DELETE_FAILED", "19") + event("delete", "own", "DELETE_IN_PROGRESS", "18") +
			event("delete", "own", "DELETE_FAILED", "10") + event("delete", "A", "DELETE_FAILED", "09"), `unread`},
			``, `,"since":"2025-12-01T00:00:20Z","failures":[` + failure("A", "AWS::SQS::Queue", "DELETE_FAILED", "19") + `]`},
		{"import", "IMPORT_ROLLBACK_FAILED", []string{event("import", "own", "IMPORT_ROLLBACK_FAILED", "20") + event("import", "own", "IMPORT_ROLLBACK_IN_PROGRESS", "19"),
			event("import", "A", "IMPORT_FAILED", "18") + event("import", "own", "IMPORT_IN_PROGRESS", "17"), `unread`},
			``, `,"since":"2025-12-01T00:00:20Z","failures":[` + failure("A", "AWS::SQS::Queue", "IMPORT_FAILED", "18") + `]`},
		{"forgotten", "UPDATE_FAILED", []string{``}, ``, never + `,"failures":[]`}, // events are kept for 90 days
		{"half-forgotten", "UPDATE_FAILED", []string{event("half-forgotten", "A", "UPDATE_FAILED", "30") + event("half-forgotten", "own", "UPDATE_ROLLBACK_FAILED", "29")},
			``, never + `,"failures":[` + failure("A", "AWS::SQS::Queue", "UPDATE_FAILED", "30") + `]`},
		{"denied", "CREATE_FAILED", []string{`!AccessDenied no`}, gap(`"reason":"access-denied"`) + `,"detail":"AccessDenied: no"}]`, ``},
		// Half of the events tell neither what came first nor whether the operation began there.
		{"half-denied", "CREATE_FAILED", []string{event("half-denied", "own", "CREATE_FAILED", "20"), `!AccessDenied no`}, gap(`"reason":"access-denied"`) + `,"detail":"AccessDenied: no"}]`, ``},
		{"timeless", "CREATE_FAILED", []string{event("timeless", "own", "CREATE_FAILED", "") + event("timeless", "own", "CREATE_FAILED", "20") + event("timeless", "own", "CREATE_IN_PROGRESS", "19")},
			gap(`"reason":"call-failed"`) + `,"detail":"the answer has an event without a time"}]`, ``},
		{"timeless-failure", "CREATE_FAILED", []string{event("timeless-failure", "own", "CREATE_FAILED", "20") + event("timeless-failure", "A", "CREATE_FAILED", "") + event("timeless-failure", "own", "CREATE_IN_PROGRESS", "19")},
			gap(`"reason":"call-failed"`) + `,"detail":"the answer has an event without a time"}]`, ``},
	}
	members, want, reads := []string{}, []string{}, map[string]string{} // answers by parameters
	for _, test := range tests {
		members = append(members, listed(test.name, created+`<StackStatus>`+test.status+`</StackStatus>`))
		want = append(want, stack(test.name, test.gap+`,"status":"`+test.status+`"`+plain+test.want))
		token := ""
		for i, page := range test.pages {
			next := "token-" + test.name + string(rune('1'+i))
			if !strings.HasPrefix(page, "!") {
				page = `<StackEvents>` + page + `</StackEvents>`
				if i < len(test.pages)-1 {
					page += `<NextToken>` + next + `</NextToken>`
				}
			}
			reads[token+"StackName="+url.QueryEscape(arn(test.name))] = page
			token = "NextToken=" + next + "&"
		}
	}
	got, requests := collecttest.Run(t, Calls, []string{"cloudformation.Stack.Since", "cloudformation.Stack.Failures"}, []string{"eu-central-1"}, func(_, op, params string) string {
		if op == "DescribeStacks" {
			return stacks(members...)
		}
		page, ok := reads[params]
		if !ok || strings.Contains(page, "unread") || strings.Contains(page, ":38Z") {
			t.Errorf("unexpected %s with %s", op, params)
		}
		return page
	})
	collecttest.Want(t, got, want...)
	// Two pages of update, create, import and half-denied, one of six others.
	if n := len(requests); n != 1+4*2+6 {
		t.Errorf("%d requests: %q", n, requests)
	}
}

// Whether a stack has failed is unknown without its status, and so is what its events would tell. Nobody asks for them.
func TestEventsWithoutStatus(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"cloudformation.Stack.Since"}, []string{"eu-central-1"}, func(_, op, _ string) string { return stacks(listed("a", created)) })
	collecttest.Want(t, got, stack("a", `,"gaps":[{"reason":"not-collected","call":"cloudformation:DescribeStackEvents","detail":"needs what an earlier answer left out"}]`+plain))
	if want := []string{"eu-central-1 DescribeStacks"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// Events are kept for 90 days: an answer without any says nothing of a stack that was touched since, lest it look long failed.
func TestEventsThatMustBeThere(t *testing.T) {
	const recent = `<CreationTime>2025-12-01T00:00:00Z</CreationTime>`
	got, _ := collecttest.Run(t, Calls, []string{"cloudformation.Stack.Since"}, []string{"eu-central-1"}, func(_, op, _ string) string {
		if op == "DescribeStacks" {
			return stacks(listed("a", recent+`<StackStatus>CREATE_FAILED</StackStatus>`))
		}
		return `<StackEvents/>`
	})
	collecttest.Want(t, got, stack("a", `,"gaps":[{"reason":"call-failed","call":"cloudformation:DescribeStackEvents","detail":"the answer has no event, although the last operation began less than 90 days ago"}]`+
		`,"status":"CREATE_FAILED","statusReason":"","root":"","began":"2025-12-01T00:00:00Z","tags":{},"topics":[],"role":""`))
}
