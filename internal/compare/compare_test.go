package compare

import (
	"iter"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/peers"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

const account = "111122223333"

func finding(rule string, status engine.Status, kind, id, arn, name, region string) report.Finding {
	f := report.Finding{Rule: rule, Status: status, Severity: engine.Medium, Fingerprint: "0123456789abcdef"}
	f.Resource.ID, f.Resource.ARN, f.Resource.Name, f.Resource.Account, f.Resource.Region = id, arn, name, account, region
	return f
}

func results(all ...report.Finding) iter.Seq2[report.Finding, error] {
	return func(yield func(report.Finding, error) bool) {
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// The same resource is found whatever each tool calls it, and each way to differ is told.
func TestCompare(t *testing.T) {
	table, err := peers.Load()
	if err != nil {
		t.Fatal(err)
	}
	queue := func(name string) (id, arn string) {
		return "https://sqs.eu-west-1.amazonaws.com/" + account + "/" + name, "arn:aws:sqs:eu-west-1:" + account + ":" + name
	}
	id, arn := queue("orders")
	ours := func(status engine.Status) report.Finding {
		return finding("sqs-queue-not-public", status, "AWS::SQS::Queue", id, arn, "orders", "eu-west-1")
	}
	theirs := func(status, resource, region string) Foreign {
		return Foreign{Check: "sqs_queues_not_publicly_accessible", Status: status, Resource: resource, Account: account, Region: region}
	}
	for name, c := range map[string]struct {
		theirs []Foreign
		ours   []report.Finding
		want   string // kinds, or "agree"
	}{
		"by ARN":                   {[]Foreign{theirs(pass, arn, "eu-west-1")}, []report.Finding{ours(engine.Passed)}, "agree"},
		"by address":               {[]Foreign{theirs(fail, id, "eu-west-1")}, []report.Finding{ours(engine.Failed)}, "agree"},
		"by name":                  {[]Foreign{theirs(fail, "orders", "eu-west-1")}, []report.Finding{ours(engine.Failed)}, "agree"},
		"by name in another place": {[]Foreign{theirs(fail, "orders", "us-east-1")}, []report.Finding{ours(engine.Failed)}, "not-in-theirs not-in-ours"},
		"they pass":                {[]Foreign{theirs(pass, arn, "eu-west-1")}, []report.Finding{ours(engine.Failed)}, "only-ours-fails"},
		"they fail":                {[]Foreign{theirs(fail, arn, "eu-west-1")}, []report.Finding{ours(engine.Passed)}, "only-theirs-fails"},
		"they fail what is exempt": {[]Foreign{theirs(fail, arn, "eu-west-1")}, []report.Finding{ours(engine.Inapplicable)}, "only-theirs-fails"},
		"they pass what is exempt": {[]Foreign{theirs(pass, arn, "eu-west-1")}, []report.Finding{ours(engine.Inapplicable)}, "agree"},
		"we could not see":         {[]Foreign{theirs(pass, arn, "eu-west-1")}, []report.Finding{ours(engine.NotAssessed)}, "ours-unassessed"},
		"they could not tell":      {[]Foreign{theirs(unsure, arn, "eu-west-1")}, []report.Finding{ours(engine.Failed)}, "theirs-unsure"},
		"nobody could tell":        {[]Foreign{theirs(unsure, arn, "eu-west-1")}, []report.Finding{ours(engine.NotAssessed)}, "agree"},
		"no row of theirs":         {[]Foreign{theirs(pass, "other", "eu-west-1")}, []report.Finding{ours(engine.Failed)}, "not-in-theirs not-in-ours"},
		"no row of ours":           {[]Foreign{theirs(fail, arn, "eu-west-1")}, nil, "not-in-ours"},
		"a rule they do not have":  {nil, []report.Finding{ours(engine.Failed)}, ""},
		"a check we do not have":   {[]Foreign{{Check: "appstream_fleet_maximum_session_duration", Status: fail, Resource: "x", Account: account}}, nil, "unmatched"},
		"an account": {[]Foreign{{Check: "cloudtrail_multi_region_enabled", Status: pass, Resource: "arn:aws:iam::" + account + ":root", Account: account, Region: "us-east-1"}},
			[]report.Finding{finding("cloudtrail-multi-region-enabled", engine.Failed, "AWS::::Account", account, "", "", "")}, "only-ours-fails"},
		"a region": {[]Foreign{{Check: "guardduty_is_enabled", Status: pass, Resource: "arn:aws:guardduty:eu-west-1:" + account + ":detector/unknown", Account: account, Region: "eu-west-1"}},
			[]report.Finding{finding("guardduty-enabled", engine.Failed, "AWS::::Region", "eu-west-1", "", "", "eu-west-1"), finding("guardduty-enabled", engine.Passed, "AWS::::Region", "us-east-1", "", "", "us-east-1")}, "only-ours-fails"},
		"a bucket, wherever they say it is": {[]Foreign{{Check: "s3_bucket_object_versioning", Status: fail, Resource: "shop", Name: "shop", Account: account, Region: "us-east-1"}},
			[]report.Finding{finding("s3-bucket-versioning", engine.Passed, "AWS::S3::Bucket", "shop", "arn:aws:s3:::shop", "shop", "eu-west-1")}, "only-theirs-fails"},
	} {
		got, err := Compare(&File{Tool: peers.Prowler, Findings: c.theirs}, table, rules.All, results(c.ours...))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for range got.Agree {
			all = append(all, "agree")
		}
		for range len(got.Unmatched) {
			all = append(all, "unmatched")
		}
		for _, d := range got.Differences {
			all = append(all, string(d.Kind))
		}
		if text := strings.Join(all, " "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	const (
		csv = "AUTH_METHOD;ACCOUNT_UID;PROVIDER;CHECK_ID;STATUS;STATUS_EXTENDED;MUTED;RESOURCE_UID;RESOURCE_NAME;REGION\n" +
			"profile;111122223333;aws;sqs_queues_not_publicly_accessible;FAIL;\"Queue is public;\nvery\";False;arn:aws:sqs:eu-west-1:111122223333:q;q;eu-west-1\n" +
			"profile;111122223333;aws;iam_root_mfa_enabled;MANUAL;;False;arn:aws:iam::111122223333:root;root;us-east-1\n" +
			"profile;x;azure;vm_thing;FAIL;;False;y;y;z\n"
		ocsf = `[{"message":"m","metadata":{"event_code":"sqs_queues_not_publicly_accessible","product":{"uid":"prowler"}},"status_code":"FAIL","status_detail":"Queue is public;\nvery","cloud":{"account":{"uid":"111122223333"},"provider":"aws","region":"eu-west-1"},"resources":[{"uid":"arn:aws:sqs:eu-west-1:111122223333:q","name":"q","region":"eu-west-1"}]},
{"metadata":{"event_code":"iam_root_mfa_enabled"},"status_code":"MANUAL","cloud":{"account":{"uid":"111122223333"},"provider":"aws","region":"us-east-1"},"resources":[{"uid":"arn:aws:iam::111122223333:root","name":"root","region":"us-east-1"}]}]`
		asff = `{"NextToken":"x","Findings":[{"SchemaVersion":"2018-10-08","GeneratorId":"security-control/SQS.3","AwsAccountId":"111122223333","Region":"eu-west-1","Title":"t","RecordState":"ACTIVE","Compliance":{"Status":"FAILED","SecurityControlId":"SQS.3"},"Resources":[{"Type":"AwsSqsQueue","Id":"arn:aws:sqs:eu-west-1:111122223333:q","Partition":"aws","Region":"eu-west-1"}]},
{"SchemaVersion":"2018-10-08","GeneratorId":"security-control/SQS.3","AwsAccountId":"111122223333","Region":"eu-west-1","RecordState":"ARCHIVED","Compliance":{"Status":"PASSED"},"Resources":[{"Id":"x"}]},
{"SchemaVersion":"2018-10-08","GeneratorId":"arn:aws:guardduty","AwsAccountId":"111122223333","RecordState":"ACTIVE","Resources":[{"Id":"x"}]}]}`
	)
	for name, c := range map[string]struct {
		text, format string
		n            int
		check        string
	}{
		"CSV":                {csv, "Prowler CSV", 2, "sqs_queues_not_publicly_accessible"},
		"CSV with a mark":    {"\xef\xbb\xbf" + csv, "Prowler CSV", 2, "sqs_queues_not_publicly_accessible"},
		"OCSF":               {ocsf, "Prowler OCSF", 2, "sqs_queues_not_publicly_accessible"},
		"ASFF":               {asff, "Security Hub ASFF", 1, "SQS.3"},
		"ASFF, list alone":   {asff[strings.Index(asff, "[") : len(asff)-1], "Security Hub ASFF", 1, "SQS.3"},
		"ASFF, older":        {strings.ReplaceAll(asff, `,"SecurityControlId":"SQS.3"`, ""), "Security Hub ASFF", 1, "SQS.3"},
		"ASFF, two pages":    {`{"Findings":[]}` + "\n" + asff + "\n" + `{"Findings":[],"NextToken":"y"}`, "Security Hub ASFF", 1, "SQS.3"},
		"ASFF, from Prowler": {strings.ReplaceAll(asff, "security-control/SQS.3", "prowler-sqs_x"), "Prowler ASFF", 1, "sqs_x"},
	} {
		f, err := Read(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x := f.Findings[0]
		if f.Format != c.format || len(f.Findings) != c.n || x.Check != c.check || x.Status != fail || x.Resource != "arn:aws:sqs:eu-west-1:111122223333:q" || x.Region != "eu-west-1" || x.Account != account {
			t.Errorf("%s: %+v", name, f)
		}
		if c.n == 2 && f.Findings[1].Status != unsure {
			t.Errorf("%s: MANUAL is %s", name, f.Findings[1].Status)
		}
	}
	for text, want := range map[string]string{
		"":                                      "empty",
		" \n":                                   "empty",
		"a,b\n1,2":                              "line 1: there is no column CHECK_ID",
		csv + "too;few\n":                       "record on line 6: wrong number of fields",
		"{}":                                    "no member Findings",
		`{"Findings":5}`:                        "no list of findings",
		`[{"x":1}]`:                             "finding 1 is neither",
		ocsf[:len(ocsf)-40]:                     "unexpected EOF",
		ocsf[:len(ocsf)-1]:                      "cut off",
		asff[:len(asff)-1]:                      "cut off",
		asff + "\n" + asff[:len(asff)-2]:        "cut off",
		ocsf + "x":                              "not JSON",
		`[{"metadata":{"event_code":"x"}}]`:     "finding 1 names no resource",
		`{"schema":"scanner.report/v1"`:         "not JSON",
		`[{"metadata":{"event_code":["x"]}}]`:   "finding 1",
		`{"schema":"scanner.report/v1","a":[]}`: "no member Findings",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
