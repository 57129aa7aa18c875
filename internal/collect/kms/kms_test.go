package kms

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/cloudtrail"
	"awsscanner/internal/collect/cloudwatchlogs"
	"awsscanner/internal/collect/collecttest"
	"awsscanner/internal/collect/ssm"
)

const own, other = "arn:aws:kms:eu-central-1:111122223333:", "arn:aws:kms:eu-central-1:999988887777:"

// run collects the keys to which log groups and parameters refer, and returns the lines about keys and which were asked for.
func run(t *testing.T, groups, parameters []string, describe func(ref string) string) (lines string, asked []string) {
	t.Helper()
	var mu sync.Mutex
	reads := []string{"kms.Key.State", "ssm.Parameter.KMSKey", "cloudwatchlogs.LogGroup.KMSKey"}
	service := func(at collect.At) []collect.Call {
		return slices.Concat(Calls(at), ssm.Calls(at), cloudwatchlogs.Calls(at))
	}
	got, _ := collecttest.Run(t, service, reads, []string{"eu-central-1"}, func(_, op, params string) string {
		switch op {
		case "DescribeParameters":
			return parametersWith(parameters)
		case "DescribeLogGroups":
			return `{"logGroups":[{"logGroupName":"no-key"},` + each(groups, `{"logGroupName":"$","kmsKeyId":"$"}`) + `]}`
		}
		ref := strings.TrimSuffix(strings.TrimPrefix(params, `{"KeyId":"`), `"}`)
		mu.Lock()
		asked = append(asked, ref)
		mu.Unlock()
		return describe(ref)
	})
	slices.Sort(asked)
	return keys(got), asked
}

// each fills each name into a template, and joins what comes out.
func each(names []string, template string) string {
	var out []string
	for _, n := range names {
		out = append(out, strings.ReplaceAll(template, "$", n))
	}
	return strings.Join(out, ",")
}

// parametersWith has one of each key, twice of the first.
func parametersWith(keys []string) string {
	return `{"Parameters":[{"Name":"plain","Type":"String"},{"Name":"twice","Type":"SecureString","KeyId":"` + keys[0] + `"},` + each(keys, `{"Name":"$","Type":"SecureString","KeyId":"$"}`) + `]}`
}

// keys leaves the first and the last line of a snapshot, and those about keys.
func keys(snapshot string) string {
	lines := strings.Split(strings.TrimSpace(snapshot), "\n")
	out := lines[:1]
	for _, l := range lines[1 : len(lines)-1] {
		if strings.Contains(l, `"AWS::KMS::Key"`) {
			out = append(out, l)
		}
	}
	return strings.Join(append(out, lines[len(lines)-1]), "\n")
}

// metadata is an answer.
func metadata(arn, id, rest string) string {
	return `{"KeyMetadata":{"KeyId":"` + id + `","Arn":"` + arn + "key/" + id + `"` + rest + `}}`
}

const enabled = `,"KeyState":"Enabled","KeyManager":"CUSTOMER"`

// key is a line of the snapshot.
func key(arn, account, id, rest string) string {
	return `{"kind":"AWS::KMS::Key","id":"` + id + `","arn":"` + arn + "key/" + id + `","account":"` + account + `","region":"eu-central-1"` + rest + `}`
}

func hole(ref, gap string) string {
	return `{"unlisted":"AWS::KMS::Key","account":"111122223333","region":"eu-central-1","id":"` + ref + `","gap":{` + gap + `}}`
}

// Each reference is asked for once, however many have it, and has an answer of its own: a key, that there is none, or a gap.
// Several names of a key lead to one key. Aliases of AWS itself are never asked for. Nobody here can grant what another
// account owns, so that its denial is no fault of this one.
func TestReferences(t *testing.T) {
	groups := []string{own + "key/k1", own + "key/denied", other + "key/far", other + "key/near", "arn:aws:kms:eu-central-1:111122223333:alias/aws/logs"}
	parameters := []string{"alias/app", "k1", "alias/aws/ssm", "gone", "alias/gone", "denied-by-scp", "empty", "no-id", "broken"}
	answers := map[string]string{
		own + "key/k1":     metadata(own, "k1", enabled),
		"k1":               metadata(own, "k1", enabled),
		"alias/app":        metadata(own, "k1", enabled),
		own + "key/denied": `!AccessDeniedException no`,
		other + "key/far":  `!AccessDeniedException no`,
		other + "key/near": metadata(other, "near", enabled),
		"gone":             `!NotFoundException Key 'gone' does not exist`,
		"alias/gone":       `!NotFoundException Alias alias/gone is not found.`,
		"denied-by-scp":    `!AccessDeniedException not authorized, with an explicit deny in a service control policy`,
		"empty":            `{}`,
		"no-id":            `{"KeyMetadata":{"Arn":"` + own + `key/no-id","KeyState":"Enabled"}}`,
		"broken":           `!InvalidArnException no`,
	}
	got, asked := run(t, groups, parameters, func(ref string) string { return answers[ref] })
	collecttest.Want(t, got,
		key(own, "111122223333", "k1", `,"refs":["alias/app"],"state":"Enabled","manager":"CUSTOMER","deletionDate":"0001-01-01T00:00:00Z"`),
		key(other, "999988887777", "near", `,"shared":["111122223333"],"state":"Enabled","manager":"CUSTOMER","deletionDate":"0001-01-01T00:00:00Z"`),
		`{"absent":"AWS::KMS::Key","account":"111122223333","region":"eu-central-1","id":"gone"}`,
		`{"absent":"AWS::KMS::Key","account":"111122223333","region":"eu-central-1","id":"alias/gone"}`,
		hole(own+"key/denied", `"reason":"access-denied","call":"kms:DescribeKey","detail":"AccessDeniedException: no"`),
		hole("denied-by-scp", `"reason":"access-denied-scp","call":"kms:DescribeKey","detail":"AccessDeniedException: not authorized, with an explicit deny in a service control policy"`),
		hole(other+"key/far", `"reason":"outside-scan","call":"kms:DescribeKey","detail":"account 999988887777 owns it and does not let this one read it"`),
		hole("empty", `"reason":"call-failed","call":"kms:DescribeKey","detail":"the answer lists a AWS::KMS::Key without an ID"`),
		hole("no-id", `"reason":"call-failed","call":"kms:DescribeKey","detail":"the answer lists a AWS::KMS::Key without an ID"`),
		hole("broken", `"reason":"call-failed","call":"kms:DescribeKey","detail":"InvalidArnException: no"`),
	)
	var want []string
	for ref := range answers {
		want = append(want, ref)
	}
	if slices.Sort(want); !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

// A state, a manager and, of a key that is to be deleted, a date are always there. Without them they are unknown.
func TestMetadata(t *testing.T) {
	const zero = `,"deletionDate":"0001-01-01T00:00:00Z"`
	for _, test := range []struct{ name, answer, want string }{
		{"of AWS", `,"KeyState":"Enabled","KeyManager":"AWS"`, `,"state":"Enabled","manager":"AWS"` + zero},
		{"to be deleted", `,"KeyState":"PendingDeletion","KeyManager":"CUSTOMER","DeletionDate":1767225600.5`, `,"state":"PendingDeletion","manager":"CUSTOMER","deletionDate":"2026-01-01T00:00:00.5Z"`},
		{"to be deleted without a date", `,"KeyState":"PendingDeletion","KeyManager":"CUSTOMER"`, `,"state":"PendingDeletion","manager":"CUSTOMER"`},
		{"to be deleted after its replicas", `,"KeyState":"PendingReplicaDeletion","KeyManager":"CUSTOMER","PendingDeletionWindowInDays":7`, `,"state":"PendingReplicaDeletion","manager":"CUSTOMER"` + zero},
		{"no manager", `,"KeyState":"Disabled","Enabled":false`, `,"state":"Disabled"` + zero},
		{"no state", `,"KeyManager":"CUSTOMER","Enabled":true`, `,"manager":"CUSTOMER"`},
		{"nothing", ``, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := run(t, []string{own + "key/k"}, []string{"alias/aws/ssm"}, func(string) string { return metadata(own, "k", test.answer) })
			collecttest.Want(t, got, key(own, "111122223333", "k", test.want))
		})
	}
}

// A key is asked for in its own region: to others KMS says that it is not found, which is not true. The key of a trail
// is in the region of the bucket, which need not be that of the trail.
func TestOtherRegion(t *testing.T) {
	service := func(at collect.At) []collect.Call { return slices.Concat(Calls(at), cloudtrail.Calls(at)) }
	const arn = "arn:aws:kms:eu-west-1:111122223333:"
	got, requests := collecttest.Run(t, service, []string{"kms.Key.State", "cloudtrail.Trail.KMSKey"}, []string{"us-east-1"}, func(region, op, params string) string {
		switch {
		case op == "DescribeTrails":
			return `{"trailList":[` + each([]string{"k", "gone"}, `{"Name":"$","TrailARN":"arn:aws:cloudtrail:us-east-1:111122223333:trail/$","HomeRegion":"us-east-1","KmsKeyId":"`+arn+`key/$"}`) + `]}`
		case region != "eu-west-1":
			return `!NotFoundException Invalid arn eu-west-1`
		case params == `{"KeyId":"`+arn+`key/k"}`:
			return metadata(arn, "k", enabled)
		}
		return `!NotFoundException Key does not exist`
	})
	collecttest.Want(t, keys(got),
		`{"kind":"AWS::KMS::Key","id":"k","arn":"`+arn+`key/k","account":"111122223333","region":"eu-west-1","state":"Enabled","manager":"CUSTOMER","deletionDate":"0001-01-01T00:00:00Z"}`,
		`{"absent":"AWS::KMS::Key","account":"111122223333","region":"us-east-1","id":"`+arn+`key/gone"}`)
	if want := []string{"eu-west-1 DescribeKey", "eu-west-1 DescribeKey", "us-east-1 DescribeTrails"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// Nothing is asked for without a rule that reads references together with keys, or if what refers could not be listed.
func TestNothingToFollow(t *testing.T) {
	service := func(at collect.At) []collect.Call { return slices.Concat(Calls(at), ssm.Calls(at)) }
	for _, test := range []struct {
		reads  []string
		answer string
	}{
		{[]string{"kms.Key.State"}, ``},
		{[]string{"ssm.Parameter.KMSKey"}, parametersWith([]string{"k"})},
		{[]string{"kms.Key.State", "ssm.Parameter.Type"}, parametersWith([]string{"k"})},
		{[]string{"kms.Key.State", "ssm.Parameter.KMSKey"}, `!AccessDeniedException no`},
		{[]string{"kms.Key.State", "ssm.Parameter.KMSKey"}, `{"Parameters":[{"Name":"a","Type":"SecureString"}]}`},
	} {
		got, requests := collecttest.Run(t, service, test.reads, []string{"eu-central-1"}, func(_, op, _ string) string { return test.answer })
		if slices.Contains(requests, "eu-central-1 DescribeKey") {
			t.Errorf("%q: requests %q", test.reads, requests)
		}
		collecttest.Want(t, keys(got))
	}
}
