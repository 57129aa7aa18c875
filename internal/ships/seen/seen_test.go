package seen

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"awsscanner/internal/ships"
)

var from = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

// An event of a stack itself, or of something in it, as many hours after the beginning.
func event(stack, of, status string, hours int) string {
	return fmt.Sprintf(`<member><StackId>%[1]s</StackId><PhysicalResourceId>%[2]s</PhysicalResourceId><EventId>e</EventId><StackName>n</StackName><ResourceStatus>%[3]s</ResourceStatus><Timestamp>%[4]s</Timestamp></member>`,
		stack, of, status, from.Add(time.Duration(hours)*time.Hour).Format(time.RFC3339))
}

func tell(t *testing.T, deny string) (*ships.History, error) {
	t.Helper()
	events := map[string][]string{ // the newest first
		"shop": {event("shop", "shop", "UPDATE_COMPLETE", 30), event("shop", "shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 30), event("shop", "thing", "UPDATE_FAILED", 29), event("shop", "shop", "UPDATE_IN_PROGRESS", 29),
			event("shop", "shop", "UPDATE_ROLLBACK_COMPLETE", 21), event("shop", "shop", "UPDATE_ROLLBACK_IN_PROGRESS", 20), event("shop", "shop", "UPDATE_IN_PROGRESS", 19),
			event("shop", "shop", "CREATE_COMPLETE", -30), event("shop", "shop", "CREATE_IN_PROGRESS", -31)},
		"kept":    {event("kept", "kept", "UPDATE_COMPLETE", 9), event("kept", "kept", "UPDATE_IN_PROGRESS", 8), event("kept", "kept", "UPDATE_FAILED", 7), event("kept", "kept", "UPDATE_IN_PROGRESS", 6)},
		"broken":  {event("broken", "broken", "ROLLBACK_COMPLETE", 6), event("broken", "broken", "CREATE_FAILED", 5), event("broken", "broken", "CREATE_IN_PROGRESS", 4)},
		"running": {event("running", "running", "UPDATE_IN_PROGRESS", 40)},
		"leaving": {event("leaving", "leaving", "DELETE_FAILED", 40), event("leaving", "leaving", "DELETE_IN_PROGRESS", 39)},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body := string(b)
		op := r.Header.Get("X-Amz-Target")
		if op == "" {
			op, _, _ = strings.Cut(body[strings.Index(body, "Action=")+len("Action="):], "&")
		}
		if deny != "" && strings.HasSuffix(op, deny) {
			w.WriteHeader(http.StatusBadRequest)
			if strings.HasPrefix(op, "CodeDeploy") {
				fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"no"}`)
			} else {
				fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
			}
			return
		}
		switch op {
		case "DescribeStacks":
			fmt.Fprint(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks>`)
			for _, name := range []string{"shop", "kept", "broken", "running", "leaving"} {
				fmt.Fprintf(w, `<member><StackId>%[1]s</StackId><StackName>%[1]s</StackName><CreationTime>2026-11-10T00:00:00Z</CreationTime><StackStatus>UPDATE_COMPLETE</StackStatus><Tags><member><Key>app</Key><Value>x</Value></member></Tags></member>`, name)
			}
			fmt.Fprint(w, `<member><StackId>old</StackId><StackName>old</StackName><CreationTime>2020-11-10T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus></member>`)
			fmt.Fprint(w, `<member><StackId>nested</StackId><RootId>shop</RootId><StackName>nested</StackName><CreationTime>2026-11-10T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus></member>`)
			fmt.Fprint(w, `</Stacks></DescribeStacksResult></DescribeStacksResponse>`)
		case "DescribeStackEvents":
			name, _, _ := strings.Cut(body[strings.Index(body, "StackName=")+len("StackName="):], "&")
			if events[name] == nil {
				t.Errorf("the events of %s are read", name)
			}
			fmt.Fprintf(w, `<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>%s</StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>`, strings.Join(events[name], ""))
		case "CodeDeploy_20141006.ListDeployments":
			fmt.Fprint(w, `{"deployments":["d-1","d-2","d-3","d-4","d-5"]}`)
		case "CodeDeploy_20141006.BatchGetDeployments":
			begin := from.Add(time.Hour).Unix()
			fmt.Fprintf(w, `{"deploymentsInfo":[
				{"applicationName":"web","deploymentGroupName":"blue","status":"Succeeded","createTime":%[1]d,"completeTime":%[2]d},
				{"applicationName":"web","deploymentGroupName":"blue","status":"Failed","createTime":%[1]d,"completeTime":%[2]d},
				{"applicationName":"web","deploymentGroupName":"blue","status":"Stopped","createTime":%[1]d,"completeTime":%[2]d,"rollbackInfo":{"rollbackDeploymentId":"d-5"}},
				{"applicationName":"web","deploymentGroupName":"blue","status":"InProgress","createTime":%[1]d},
				{"applicationName":"web","deploymentGroupName":"blue","status":"Succeeded","creator":"codeDeployRollback","createTime":%[1]d,"completeTime":%[2]d}]}`, begin, begin+60)
		default:
			t.Errorf("it calls %s", op)
		}
	}))
	defer server.Close()
	h := &ships.History{Schema: ships.Schema, From: from, To: from.AddDate(0, 0, 28)}
	err := Ask(context.Background(), h, aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1}, "111122223333")
	h.Sort()
	return h, err
}

// Each attempt is one deployment, and ends as its stack did.
func TestAsk(t *testing.T) {
	h, err := tell(t, "")
	if err != nil || len(h.Gaps) > 0 {
		t.Fatalf("%v %v", err, h.Gaps)
	}
	var got []string
	for _, x := range h.Deployments {
		got = append(got, fmt.Sprintf("%s %s %g %s", x.Tool, x.What, x.Began.Sub(from).Hours(), x.Outcome))
	}
	want := []string{
		"codedeploy web/blue 1 running", "codedeploy web/blue 1 succeeded", "codedeploy web/blue 1 failed", "codedeploy web/blue 1 failed",
		"cloudformation broken 4 failed", "cloudformation kept 6 failed", "cloudformation kept 8 succeeded",
		"cloudformation shop 19 failed", "cloudformation shop 29 succeeded", "cloudformation running 40 running",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h.Deployments[len(h.Deployments)-1].Tags["app"] != "x" {
		t.Error("the tags of stacks are lost")
	}
}

// What is denied is a gap, and never nothing.
func TestAskDenied(t *testing.T) {
	for op, call := range map[string]string{"DescribeStacks": "cloudformation:DescribeStacks", "DescribeStackEvents": "cloudformation:DescribeStackEvents", "ListDeployments": "codedeploy:ListDeployments", "BatchGetDeployments": "codedeploy:BatchGetDeployments"} {
		h, err := tell(t, op)
		if err != nil || len(h.Gaps) != 1 || h.Gaps[0].Call != call || h.Gaps[0].Why != call+" was denied: grant "+call {
			t.Errorf("%s denied: %v %v", op, err, h.Gaps)
		}
	}
}
