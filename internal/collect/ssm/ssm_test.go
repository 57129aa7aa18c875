package ssm

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

// parameter is a line of the snapshot.
func parameter(name, arn, rest string) string {
	return `{"kind":"AWS::SSM::Parameter","id":"` + name + `","arn":"arn:aws:ssm:eu-central-1:111122223333:parameter/` + arn + `","name":"` + name +
		`","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

// Two pages of own parameters. An ARN that is left out is derived, with one slash. Only a SecureString has a key: without
// it, or without the type, the key is unknown, never none. A data type is always there, a description need not be.
// No value is asked for, and one that comes unasked goes nowhere.
func TestParameters(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"ssm.Parameter.KMSKey"}, []string{"eu-central-1"}, func(_, _, params string) string {
		switch params {
		case `{"MaxResults":50}`:
			return `{"Parameters":[
				{"Name":"/app/password","ARN":"arn:aws:ssm:eu-central-1:111122223333:parameter/app/password","Type":"SecureString","KeyId":"alias/aws/ssm","DataType":"text","Description":"of the app","Value":"hunter2"},
				{"Name":"plain","Type":"String","DataType":"text","Tier":"Standard","Version":1},
				{"Name":"/app/list","Type":"StringList","DataType":"text"}],"NextToken":"2"}`
		case `{"MaxResults":50,"NextToken":"2"}`:
			return `{"Parameters":[{"Name":"keyless","Type":"SecureString","DataType":"text"},{"Name":"typeless","KeyId":""},{"Name":"nothing"}]}`
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		parameter("/app/password", "app/password", `,"type":"SecureString","dataType":"text","description":"of the app","kmsKey":"alias/aws/ssm"`),
		parameter("plain", "plain", `,"type":"String","dataType":"text","description":"","kmsKey":""`),
		parameter("/app/list", "app/list", `,"type":"StringList","dataType":"text","description":"","kmsKey":""`),
		parameter("keyless", "keyless", `,"type":"SecureString","dataType":"text","description":""`),
		parameter("typeless", "typeless", `,"description":""`),
		parameter("nothing", "nothing", `,"description":""`),
	)
	if strings.Contains(got, "hunter2") {
		t.Error("the snapshot has a value")
	}
	if want := []string{"eu-central-1 DescribeParameters", "eu-central-1 DescribeParameters"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What a list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	const first = `{"Parameters":[{"Name":"a","Type":"String","DataType":"text"}],"NextToken":"2"}`
	const denied = `{"unlisted":"AWS::SSM::Parameter","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"ssm:DescribeParameters","detail":"AccessDeniedException: no"}}`
	a := parameter("a", "a", `,"type":"String","dataType":"text","description":"","kmsKey":""`)
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"no member", `{}`, ``, nil},
		{"empty", `{"Parameters":[]}`, ``, nil},
		{"an empty page is not the last", `{"Parameters":[],"NextToken":"2"}`, `{"Parameters":[{"Name":"a","Type":"String","DataType":"text"}]}`, []string{a}},
		{"denied", `!AccessDeniedException no`, ``, []string{denied}},
		{"second page denied", first, `!AccessDeniedException no`, []string{a, denied}},
		{"no name", first, `{"Parameters":[{"ARN":"arn:aws:ssm:eu-central-1:111122223333:parameter/b","Type":"String"}]}`, []string{a,
			`{"unlisted":"AWS::SSM::Parameter","account":"111122223333","region":"eu-central-1","gap":{"reason":"call-failed","call":"ssm:DescribeParameters","detail":"the answer lists a AWS::SSM::Parameter without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"ssm.Parameter"}, []string{"eu-central-1"}, func(_, _, params string) string {
				if params == `{"MaxResults":50}` {
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}
