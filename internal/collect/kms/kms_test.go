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
	return onlyKeys(got), asked
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

// onlyKeys leaves the first and the last line of a snapshot, and those about keys.
func onlyKeys(snapshot string) string {
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
func described(arn, id, rest string) string {
	return `{"KeyMetadata":{"KeyId":"` + id + `","Arn":"` + arn + "key/" + id + `"` + rest + `}}`
}

const (
	enabled = `,"KeyState":"Enabled","KeyManager":"CUSTOMER"`
	zero    = `,"deletionDate":"0001-01-01T00:00:00Z","deletionDays":0` // not to be deleted
)

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
		own + "key/k1":     described(own, "k1", enabled),
		"k1":               described(own, "k1", enabled),
		"alias/app":        described(own, "k1", enabled),
		own + "key/denied": `!AccessDeniedException no`,
		other + "key/far":  `!AccessDeniedException no`,
		other + "key/near": described(other, "near", enabled),
		"gone":             `!NotFoundException Key 'gone' does not exist`,
		"alias/gone":       `!NotFoundException Alias alias/gone is not found.`,
		"denied-by-scp":    `!AccessDeniedException not authorized, with an explicit deny in a service control policy`,
		"empty":            `{}`,
		"no-id":            `{"KeyMetadata":{"Arn":"` + own + `key/no-id","KeyState":"Enabled"}}`,
		"broken":           `!InvalidArnException no`,
	}
	got, asked := run(t, groups, parameters, func(ref string) string { return answers[ref] })
	collecttest.Want(t, got,
		key(own, "111122223333", "k1", `,"refs":["alias/app"],"state":"Enabled","manager":"CUSTOMER"`+zero),
		key(other, "999988887777", "near", `,"shared":["111122223333"],"state":"Enabled","manager":"CUSTOMER"`+zero),
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
	for _, test := range []struct{ name, answer, want string }{
		{"of AWS", `,"KeyState":"Enabled","KeyManager":"AWS"`, `,"state":"Enabled","manager":"AWS"` + zero},
		{"to be deleted", `,"KeyState":"PendingDeletion","KeyManager":"CUSTOMER","DeletionDate":1767225600.5`, `,"state":"PendingDeletion","manager":"CUSTOMER","deletionDate":"2026-01-01T00:00:00.5Z","deletionDays":0`},
		{"to be deleted without a date", `,"KeyState":"PendingDeletion","KeyManager":"CUSTOMER"`, `,"state":"PendingDeletion","manager":"CUSTOMER","deletionDays":0`},
		{"to be deleted after its replicas", `,"KeyState":"PendingReplicaDeletion","KeyManager":"CUSTOMER","PendingDeletionWindowInDays":7`,
			`,"state":"PendingReplicaDeletion","manager":"CUSTOMER","deletionDate":"0001-01-01T00:00:00Z","deletionDays":7`},
		{"to be deleted after its replicas, nobody knows when", `,"KeyState":"PendingReplicaDeletion","KeyManager":"CUSTOMER"`,
			`,"state":"PendingReplicaDeletion","manager":"CUSTOMER","deletionDate":"0001-01-01T00:00:00Z"`},
		{"of one region", `,"KeyState":"Enabled","KeyManager":"CUSTOMER","CreationDate":1767225600,"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY","Origin":"AWS_KMS","MultiRegion":false`,
			`,"state":"Enabled","manager":"CUSTOMER"` + zero + `,"created":"2026-01-01T00:00:00Z","spec":"RSA_2048","usage":"SIGN_VERIFY","origin":"AWS_KMS","multiRegion":false,"primaryArn":""`},
		{"a replica", `,"KeyState":"Enabled","KeyManager":"CUSTOMER","MultiRegion":true,"MultiRegionConfiguration":{"MultiRegionKeyType":"REPLICA","PrimaryKey":{"Arn":"p","Region":"us-east-1"}}`,
			`,"state":"Enabled","manager":"CUSTOMER"` + zero + `,"multiRegion":true,"primaryArn":"p"`},
		{"a multi-Region key of which nothing else is told", `,"KeyState":"Enabled","KeyManager":"CUSTOMER","MultiRegion":true`, `,"state":"Enabled","manager":"CUSTOMER"` + zero + `,"multiRegion":true`},
		{"no manager", `,"KeyState":"Disabled","Enabled":false`, `,"state":"Disabled"` + zero},
		{"no state", `,"KeyManager":"CUSTOMER","Enabled":true`, `,"manager":"CUSTOMER"`},
		{"nothing", ``, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := run(t, []string{own + "key/k"}, []string{"alias/aws/ssm"}, func(string) string { return described(own, "k", test.answer) })
			collecttest.Want(t, got, key(own, "111122223333", "k", test.want))
		})
	}
}

// An endpoint may not tell whether a key is a multi-Region one. Its ID does.
func TestMultiRegionByID(t *testing.T) {
	for id, want := range map[string]string{
		"1234abcd-12ab-34cd-56ef-1234567890ab": `,"multiRegion":false,"primaryArn":""`,
		"mrk-1234abcd12ab34cd56ef1234567890ab": "",
		"k":                                    "",
	} {
		for _, rest := range []string{"", `,"MultiRegion":null`} {
			got, _ := run(t, []string{own + "key/" + id}, []string{"alias/aws/ssm"}, func(string) string { return described(own, id, enabled+rest) })
			collecttest.Want(t, got, key(own, "111122223333", id, `,"state":"Enabled","manager":"CUSTOMER"`+zero+want))
		}
	}
}

// Two pages of keys, of which some are referred to as well, by ARN, ID or alias, from their own region or another: each is asked for
// once. What the list does not show is asked for all the same: an alias, a key of another account, one that is gone. The policy and the
// rotation are asked for where there is something to learn.
func TestList(t *testing.T) {
	const us, symmetric = "arn:aws:kms:us-east-1:111122223333:", `,"KeySpec":"SYMMETRIC_DEFAULT","Origin":"AWS_KMS","MultiRegion":false`
	keys := map[string]string{ // by ARN, and what its description says
		own + "key/by-arn":    enabled + symmetric,
		own + "key/by-id":     `,"KeyState":"Disabled","KeyManager":"CUSTOMER"` + symmetric,
		own + "key/by-alias":  enabled + symmetric,
		own + "key/yearly":    enabled + symmetric,
		own + "key/lone":      enabled + `,"KeySpec":"HMAC_256","Origin":"AWS_KMS","MultiRegion":false`,
		own + "key/of-aws":    `,"KeyState":"Enabled","KeyManager":"AWS"` + symmetric,
		us + "key/abroad":     enabled + `,"KeySpec":"SYMMETRIC_DEFAULT","Origin":"AWS_KMS","MultiRegion":true,"MultiRegionConfiguration":{"PrimaryKey":{"Arn":"` + us + `key/abroad"}}`,
		other + "key/foreign": enabled + symmetric,
	}
	answers := map[string]string{own + "key/dark": `!AccessDeniedException no`, own + "key/ending": `!NotFoundException gone since`, own + "key/gone": `!NotFoundException gone`}
	for arn, rest := range keys {
		base, id, _ := strings.Cut(arn, "key/")
		answers[arn] = described(base, id, rest)
	}
	answers["alias/app"] = answers[own+"key/by-alias"]
	service := func(at collect.At) []collect.Call {
		return slices.Concat(Calls(at), ssm.Calls(at), cloudwatchlogs.Calls(at), cloudtrail.Calls(at))
	}
	reads := []string{"kms.Key", "kms.Key.State", "kms.Key.Policy", "kms.Key.Rotates", "ssm.Parameter.KMSKey", "cloudwatchlogs.LogGroup.KMSKey", "cloudtrail.Trail.KMSKey"}
	var mu sync.Mutex
	made := map[string]int{}
	entry := func(arn string) string {
		return `{"KeyId":"` + arn[strings.Index(arn, "/")+1:] + `","KeyArn":"` + arn + `"}`
	}
	got, _ := collecttest.Run(t, service, reads, []string{"eu-central-1", "us-east-1"}, func(region, op, params string) string {
		here := region == "eu-central-1"
		ref, _, _ := strings.Cut(strings.TrimPrefix(params, `{"KeyId":"`), `"`)
		mu.Lock()
		made[op+" "+ref]++
		mu.Unlock()
		switch op {
		case "ListKeys":
			switch {
			case !here:
				return `{"Keys":[` + entry(us+"key/abroad") + `],"Truncated":false}`
			case params == `{"Limit":1000}`:
				return `{"Keys":[` + entry(own+"key/by-arn") + `,` + entry(own+"key/by-id") + `],"Truncated":true,"NextMarker":"2"}`
			}
			return `{"Keys":[` + entry(own+"key/by-alias") + `,` + entry(own+"key/yearly") + `,` + entry(own+"key/lone") + `,` + entry(own+"key/of-aws") + `,` + entry(own+"key/dark") + `,` + entry(own+"key/ending") + `]}`
		case "DescribeParameters":
			if here {
				return parametersWith([]string{"by-id", "alias/app", "alias/aws/ssm"})
			}
		case "DescribeLogGroups":
			if here {
				return `{"logGroups":[` + each([]string{own + "key/by-arn", own + "key/gone", own + "key/dark", other + "key/foreign"}, `{"logGroupName":"$","kmsKeyId":"$"}`) + `]}`
			}
		case "DescribeTrails":
			if here {
				return `{"trailList":[{"Name":"t","TrailARN":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/t","HomeRegion":"eu-central-1","KmsKeyId":"` + us + `key/abroad"}]}`
			}
		case "DescribeKey":
			return answers[ref]
		case "GetKeyPolicy":
			if !strings.Contains(params, `"PolicyName":"default"`) {
				t.Errorf("GetKeyPolicy names no policy: %s", params)
			}
			return `{"Policy":"p","PolicyName":"default"}`
		case "GetKeyRotationStatus":
			return map[string]string{own + "key/by-arn": `{"KeyRotationEnabled":false}`, own + "key/by-alias": `{}`, own + "key/yearly": `{"KeyRotationEnabled":true}`, us + "key/abroad": `{"KeyRotationEnabled":true,"RotationPeriodInDays":90}`}[ref]
		}
		return `{}`
	})
	const symmetricHere = zero + `,"spec":"SYMMETRIC_DEFAULT","origin":"AWS_KMS","multiRegion":false,"primaryArn":""`
	gap := func(reason, code string) string {
		return `,"gaps":[{"reason":"` + reason + `","call":"kms:DescribeKey","detail":"` + code + `"},` +
			each([]string{"GetKeyPolicy", "GetKeyRotationStatus"}, `{"reason":"`+reason+`","call":"kms:$","detail":"needs kms:DescribeKey"}`) + `]`
	}
	collecttest.Want(t, onlyKeys(got),
		key(own, "111122223333", "by-arn", `,"state":"Enabled","manager":"CUSTOMER"`+symmetricHere+`,"policy":"p","rotates":false,"rotationDays":0`),
		key(own, "111122223333", "by-id", `,"state":"Disabled","manager":"CUSTOMER"`+symmetricHere+`,"policy":"p"`),
		key(own, "111122223333", "by-alias", `,"refs":["alias/app"],"state":"Enabled","manager":"CUSTOMER"`+symmetricHere+`,"policy":"p"`),
		key(own, "111122223333", "yearly", `,"state":"Enabled","manager":"CUSTOMER"`+symmetricHere+`,"policy":"p","rotates":true,"rotationDays":365`), // the default
		key(own, "111122223333", "lone", `,"state":"Enabled","manager":"CUSTOMER"`+strings.Replace(symmetricHere, "SYMMETRIC_DEFAULT", "HMAC_256", 1)+`,"policy":"p"`),
		key(own, "111122223333", "of-aws", `,"state":"Enabled","manager":"AWS"`+symmetricHere),
		key(own, "111122223333", "dark", gap("access-denied", "AccessDeniedException: no")),
		key(own, "111122223333", "ending", gap("call-failed", "NotFoundException: gone since")), // of what was there a moment ago nothing is known
		`{"kind":"AWS::KMS::Key","id":"abroad","arn":"`+us+`key/abroad","account":"111122223333","region":"us-east-1","state":"Enabled","manager":"CUSTOMER"`+zero+
			`,"spec":"SYMMETRIC_DEFAULT","origin":"AWS_KMS","multiRegion":true,"primaryArn":"`+us+`key/abroad","policy":"p","rotates":true,"rotationDays":90}`,
		key(other, "999988887777", "foreign", `,"shared":["111122223333"],"state":"Enabled","manager":"CUSTOMER"`+symmetricHere),
		`{"absent":"AWS::KMS::Key","account":"111122223333","region":"eu-central-1","id":"`+own+`key/gone"}`,
	)
	want := map[string]bool{"DescribeKey alias/app": true, "DescribeKey " + own + "key/dark": true, "DescribeKey " + own + "key/ending": true, "DescribeKey " + own + "key/gone": true}
	for _, name := range []string{own + "key/by-arn", own + "key/by-id", own + "key/yearly", own + "key/lone", own + "key/of-aws", us + "key/abroad", other + "key/foreign"} {
		want["DescribeKey "+name] = true
	}
	for what, n := range made {
		if !strings.HasPrefix(what, "DescribeKey ") {
			continue
		}
		if n > 1 || !want[what] {
			t.Errorf("%s: %d times", what, n)
		}
		delete(want, what)
	}
	if len(want) > 0 {
		t.Errorf("not made: %v", want)
	}
	for _, never := range []string{"GetKeyPolicy " + own + "key/of-aws", "GetKeyPolicy " + other + "key/foreign", "GetKeyRotationStatus " + own + "key/by-id", "GetKeyRotationStatus " + own + "key/lone"} {
		if made[never] > 0 {
			t.Errorf("%s: nothing to learn", never)
		}
	}
}

// If keys cannot be listed, what refers to them is followed all the same.
func TestListDenied(t *testing.T) {
	service := func(at collect.At) []collect.Call { return slices.Concat(Calls(at), ssm.Calls(at)) }
	got, _ := collecttest.Run(t, service, []string{"kms.Key", "kms.Key.State", "ssm.Parameter.KMSKey"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "ListKeys" && params == `{"Limit":1000}`:
			return `{"Keys":[{"KeyId":"first","KeyArn":"` + own + `key/first"}],"Truncated":true,"NextMarker":"2"}`
		case op == "ListKeys":
			return `!AccessDeniedException no`
		case op == "DescribeParameters":
			return parametersWith([]string{"k"})
		case params == `{"KeyId":"k"}`:
			return described(own, "k", enabled)
		}
		return described(own, "first", enabled)
	})
	collecttest.Want(t, onlyKeys(got),
		key(own, "111122223333", "first", `,"state":"Enabled","manager":"CUSTOMER"`+zero),
		key(own, "111122223333", "k", `,"state":"Enabled","manager":"CUSTOMER"`+zero),
		`{"unlisted":"AWS::KMS::Key","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"kms:ListKeys","detail":"AccessDeniedException: no"}}`)
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
			return described(arn, "k", enabled)
		}
		return `!NotFoundException Key does not exist`
	})
	collecttest.Want(t, onlyKeys(got),
		`{"kind":"AWS::KMS::Key","id":"k","arn":"`+arn+`key/k","account":"111122223333","region":"eu-west-1","state":"Enabled","manager":"CUSTOMER"`+zero+`}`,
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
		{[]string{"ssm.Parameter.KMSKey"}, parametersWith([]string{"k"})},
		{[]string{"kms.Key.State", "ssm.Parameter.Type"}, parametersWith([]string{"k"})},
		{[]string{"kms.Key.State", "ssm.Parameter.KMSKey"}, `!AccessDeniedException no`},
		{[]string{"kms.Key.State", "ssm.Parameter.KMSKey"}, `{"Parameters":[{"Name":"a","Type":"SecureString"}]}`},
	} {
		got, requests := collecttest.Run(t, service, test.reads, []string{"eu-central-1"}, func(_, op, _ string) string { return test.answer })
		if slices.Contains(requests, "eu-central-1 DescribeKey") {
			t.Errorf("%q: requests %q", test.reads, requests)
		}
		collecttest.Want(t, onlyKeys(got))
	}
}
