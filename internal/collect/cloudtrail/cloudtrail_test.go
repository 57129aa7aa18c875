package cloudtrail

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const own, other = "111122223333", "999988887777"

func arn(region, account, name string) string {
	return "arn:aws:cloudtrail:" + region + ":" + account + ":trail/" + name
}

// trail is a line of the snapshot.
func trail(region, account, name, rest string) string {
	id := arn(region, account, name)
	return `{"kind":"AWS::CloudTrail::Trail","id":"` + id + `","arn":"` + id + `","name":"` + name + `","account":"` + account + `","region":"` + region + `"` + rest + `}`
}

// listed is an item of the list answer.
func listed(region, account, name, rest string) string {
	return `{"Name":"` + name + `","TrailARN":"` + arn(region, account, name) + `","HomeRegion":"` + region + `"` + rest + `}`
}

func list(items ...string) string { return `{"trailList":[` + strings.Join(items, ",") + `]}` }

const (
	deniedList = `{"unlisted":"AWS::CloudTrail::Trail","account":"111122223333","region":"us-west-2","gap":{"reason":"access-denied","call":"cloudtrail:DescribeTrails","detail":"AccessDeniedException: no"}}`
	none       = `,"kmsKey":"","logGroupArn":""`
	delivers   = `,"logging":true,"deliveryError":"","logsDeliveryError":"","lastDelivery":"0001-01-01T00:00:00Z","lastLogsDelivery":"0001-01-01T00:00:00Z"`
)

// Two regions show trail t: it is kept once, as its home tells of it, with what only its shadow tells, and asked about once,
// at home and by its ARN. The home of w may not list it, which its shadow does. Trails of the organization belong to another
// account: they are shared, and asked about at home all the same, be that region scanned or not.
func TestTrails(t *testing.T) {
	organization := listed("us-east-1", other, "there", `,"IsOrganizationTrail":true`)
	shadow := listed("us-east-1", own, "t", `,"IsMultiRegionTrail":false,"S3BucketName":"b"`)
	asked := map[string]string{
		arn("us-east-1", own, "t"):       "us-east-1",
		arn("us-west-2", own, "w"):       "us-west-2",
		arn("eu-west-1", other, "org"):   "eu-west-1",
		arn("us-east-1", other, "there"): "us-east-1",
	}
	got, requests := collecttest.Run(t, Calls, []string{"cloudtrail.Account", "cloudtrail.Trail.Logging"}, []string{"eu-central-1", "us-east-1", "us-west-2"}, func(region, op, params string) string {
		switch {
		case op == "GetTrailStatus":
			for id, from := range asked {
				if region == from && params == `{"Name":"`+id+`"}` {
					return `{"IsLogging":true}`
				}
			}
			t.Errorf("%s asked about %s", region, params)
			return `!TrailNotFoundException`
		case params != `{"includeShadowTrails":true}`:
			t.Errorf("unexpected %s with %s", op, params)
		case region == "us-east-1":
			return list(listed("us-east-1", own, "t", `,"IsMultiRegionTrail":true`), organization)
		case region == "us-west-2":
			return `!AccessDeniedException no`
		}
		return list(shadow, listed("us-west-2", own, "w", `,"IsMultiRegionTrail":true`), listed("eu-west-1", other, "org", ``), organization)
	})
	collecttest.Want(t, got,
		`{"kind":"AWS::CloudTrail::Account","id":"111122223333","account":"111122223333"}`,
		trail("us-east-1", own, "t", `,"multiRegion":true,"bucket":"b"`+none+delivers),
		trail("us-west-2", own, "w", `,"multiRegion":true`+none+delivers),
		trail("eu-west-1", other, "org", `,"shared":["111122223333"]`+none+delivers),
		trail("us-east-1", other, "there", `,"shared":["111122223333"],"organization":true`+none+delivers),
		deniedList,
	)
	want := []string{"eu-central-1 DescribeTrails", "eu-west-1 GetTrailStatus", "us-east-1 DescribeTrails", "us-east-1 GetTrailStatus", "us-east-1 GetTrailStatus",
		"us-west-2 DescribeTrails", "us-west-2 GetTrailStatus"}
	if !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// The list has no pages. What it does not tell is a hole of its region; what it told before is kept.
func TestTrailListGaps(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		want         []string
	}{
		{"no member", `{}`, nil},
		{"empty", `{"trailList":[]}`, nil},
		{"denied", `!AccessDeniedException no`, []string{deniedList}},
		{"all members", list(listed("us-west-2", own, "t", `,"IsMultiRegionTrail":true,"IsOrganizationTrail":false,"IncludeGlobalServiceEvents":true,"S3BucketName":"b","LogFileValidationEnabled":false,`+
			`"KmsKeyId":"arn:aws:kms:us-west-2:111122223333:key/k","CloudWatchLogsLogGroupArn":"arn:aws:logs:us-west-2:111122223333:log-group:g:*"`)), []string{trail("us-west-2", own, "t",
			`,"multiRegion":true,"organization":false,"globalServiceEvents":true,"bucket":"b","logFileValidation":false,"kmsKey":"arn:aws:kms:us-west-2:111122223333:key/k","logGroupArn":"arn:aws:logs:us-west-2:111122223333:log-group:g:*"`)}},
		// Key and log group are left out if there are none. Other members are unknown; the ARN tells the home as well.
		{"no members", list(`{"Name":"t","TrailARN":"` + arn("eu-west-1", own, "t") + `"}`), []string{trail("eu-west-1", own, "t", none)}},
		{"no ARN", list(listed("us-west-2", own, "t", ``), `{"Name":"x","HomeRegion":"us-west-2"}`), []string{trail("us-west-2", own, "t", none),
			`{"unlisted":"AWS::CloudTrail::Trail","account":"111122223333","region":"us-west-2","gap":{"reason":"call-failed","call":"cloudtrail:DescribeTrails","detail":"the answer lists a AWS::CloudTrail::Trail without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"cloudtrail.Trail"}, []string{"us-west-2"}, func(string, string, string) string { return test.answer })
			collecttest.Want(t, got, test.want...)
		})
	}
}

// Each call fills what is its own: where it is denied, or its answer says nothing, that alone is unknown. A trail has basic
// selectors or advanced ones; an answer with neither says nothing, and nor does a selector without what AWS always tells.
func TestStatusAndSelectors(t *testing.T) {
	const (
		denied   = `!AccessDeniedException no`
		status   = `{"IsLogging":true}`
		basic    = `"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[],"ExcludeManagementEventSources":[]}]`
		selected = `,"selectors":[{"readWriteType":"All","managementEvents":true}],"advancedSelectors":[]`
	)
	answer := func(selectors string) string { return `{"TrailARN":"arn:aws:cloudtrail:x",` + selectors + `}` }
	gap := func(calls ...string) string {
		for i, c := range calls {
			calls[i] = `{"reason":"access-denied","call":"cloudtrail:` + c + `","detail":"AccessDeniedException: no"}`
		}
		return `,"gaps":[` + strings.Join(calls, ",") + `]`
	}
	for _, test := range []struct{ name, status, selectors, gaps, want string }{
		{"all", `{"IsLogging":false,"LatestDeliveryError":"NoSuchBucket","LatestCloudWatchLogsDeliveryError":"gone","LatestDeliveryTime":1767225600,"LatestCloudWatchLogsDeliveryTime":1767225601.5}`,
			answer(`"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":false,"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]},
				{"ReadWriteType":"ReadOnly","IncludeManagementEvents":true,"ExcludeManagementEventSources":["kms.amazonaws.com"],"DataResources":[]}]`), ``,
			`,"logging":false,"deliveryError":"NoSuchBucket","logsDeliveryError":"gone","lastDelivery":"2026-01-01T00:00:00Z","lastLogsDelivery":"2026-01-01T00:00:01.5Z"` +
				`,"selectors":[{"readWriteType":"WriteOnly","managementEvents":false,"dataResources":[{"type":"AWS::S3::Object","values":["arn:aws:s3"]}]},` +
				`{"readWriteType":"ReadOnly","managementEvents":true,"excludedSources":["kms.amazonaws.com"]}],"advancedSelectors":[]`},
		{"advanced", status, answer(`"AdvancedEventSelectors":[{"Name":"m","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["false"]},
				{"Field":"eventSource","NotEquals":["kms.amazonaws.com"]}]},
				{"FieldSelectors":[{"Field":"resources.ARN","StartsWith":["a"],"EndsWith":["b"],"NotStartsWith":["c"],"NotEndsWith":["d"]}]}]`), ``,
			delivers + `,"selectors":[],"advancedSelectors":[{"fields":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","equals":["false"]},{"field":"eventSource","notEquals":["kms.amazonaws.com"]}]},` +
				`{"fields":[{"field":"resources.ARN","startsWith":["a"],"endsWith":["b"],"notStartsWith":["c"],"notEndsWith":["d"]}]}]`},
		{"no selectors", status, answer(`"EventSelectors":[],"AdvancedEventSelectors":[]`), ``, delivers + `,"selectors":[],"advancedSelectors":[]`},
		{"selectors denied", status, denied, gap("GetEventSelectors"), delivers},
		{"status denied", denied, answer(basic), gap("GetTrailStatus"), selected},
		{"both denied", denied, denied, gap("GetEventSelectors", "GetTrailStatus"), ``},
		{"empty answers", `{}`, `{}`, ``, ``},
		{"status without logging", `{"LatestDeliveryTime":1767225600}`, answer(basic), ``, selected},
		{"selectors of no trail", status, `{` + basic + `}`, ``, delivers},
		{"neither sort", status, `{"TrailARN":"x"}`, ``, delivers},
		{"no type", status, answer(`"EventSelectors":[{"IncludeManagementEvents":true}]`), ``, delivers + `,"advancedSelectors":[]`},
		{"no management", status, answer(`"EventSelectors":[{"ReadWriteType":"All"}]`), ``, delivers + `,"advancedSelectors":[]`},
		{"no fields", status, answer(`"AdvancedEventSelectors":[{"Name":"m"}]`), ``, delivers + `,"selectors":[]`},
		{"no field", status, answer(`"AdvancedEventSelectors":[{"FieldSelectors":[{"Equals":["Management"]}]}]`), ``, delivers + `,"selectors":[]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"cloudtrail.Trail.Logging", "cloudtrail.Trail.Selectors"}, []string{"us-west-2"}, func(_, op, params string) string {
				switch {
				case op == "DescribeTrails":
					return list(listed("us-west-2", own, "t", ``))
				case op == "GetTrailStatus":
					return test.status
				case params != `{"TrailName":"`+arn("us-west-2", own, "t")+`"}`:
					t.Errorf("unexpected %s with %s", op, params)
				}
				return test.selectors
			})
			collecttest.Want(t, got, trail("us-west-2", own, "t", test.gaps+none+test.want))
			if want := []string{"us-west-2 DescribeTrails", "us-west-2 GetEventSelectors", "us-west-2 GetTrailStatus"}; !slices.Equal(requests, want) {
				t.Errorf("requests %q, want %q", requests, want)
			}
		})
	}
}

func storeARN(account, name string) string {
	return "arn:aws:cloudtrail:us-west-2:" + account + ":eventdatastore/" + name
}

// store is a line of the snapshot.
func store(account, name, rest string) string {
	id := storeARN(account, name)
	return `{"kind":"AWS::CloudTrail::EventDataStore","id":"` + id + `","arn":"` + id + `","name":"` + name + `","account":"` + account + `","region":"us-west-2"` + rest + `}`
}

func storeItem(account, name string) string {
	return `{"EventDataStoreArn":"` + storeARN(account, name) + `","Name":"` + name + `"}`
}

// Two pages of event data stores, and what each tells. A delegated administrator sees those of the organization,
// which belong to its management account.
func TestEventDataStores(t *testing.T) {
	answers := map[string]string{
		storeARN(own, "all"): `{"EventDataStoreArn":"x","Status":"STOPPED_INGESTION","MultiRegionEnabled":false,
			"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}]}`,
		storeARN(own, "denied"):    `!AccessDeniedException no`,
		storeARN(own, "empty"):     `{}`,
		storeARN(own, "bare"):      `{"EventDataStoreArn":"x"}`,
		storeARN(own, "nameless"):  `{"Status":"ENABLED","MultiRegionEnabled":true,"AdvancedEventSelectors":[]}`,
		storeARN(own, "no-fields"): `{"EventDataStoreArn":"x","Status":"ENABLED","MultiRegionEnabled":true,"AdvancedEventSelectors":[{}]}`,
		storeARN(other, "org"):     `{"EventDataStoreArn":"x","Status":"ENABLED","MultiRegionEnabled":true,"AdvancedEventSelectors":[]}`,
	}
	got, requests := collecttest.Run(t, Calls, []string{"cloudtrail.EventDataStore.Status"}, []string{"us-west-2"}, func(_, op, params string) string {
		switch {
		case op == "ListEventDataStores" && params == `{}`:
			return fmt.Sprintf(`{"EventDataStores":[%s,%s],"NextToken":"2"}`, storeItem(own, "all"), storeItem(own, "denied"))
		case op == "ListEventDataStores" && params == `{"NextToken":"2"}`:
			return fmt.Sprintf(`{"EventDataStores":[%s,%s,%s,%s,%s]}`, storeItem(own, "empty"), storeItem(own, "bare"), storeItem(own, "nameless"), storeItem(own, "no-fields"), storeItem(other, "org"))
		case op == "GetEventDataStore":
			if answer, ok := answers[strings.TrimSuffix(strings.TrimPrefix(params, `{"EventDataStore":"`), `"}`)]; ok {
				return answer
			}
		}
		t.Errorf("unexpected %s with %s", op, params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		store(own, "all", `,"status":"STOPPED_INGESTION","multiRegion":false,"advancedSelectors":[{"fields":[{"field":"eventCategory","equals":["Management"]}]}]`),
		store(own, "denied", `,"gaps":[{"reason":"access-denied","call":"cloudtrail:GetEventDataStore","detail":"AccessDeniedException: no"}]`),
		store(own, "empty", ``),
		store(own, "bare", ``),
		store(own, "nameless", ``),
		store(own, "no-fields", `,"status":"ENABLED","multiRegion":true`),
		store(other, "org", `,"shared":["111122223333"],"status":"ENABLED","multiRegion":true,"advancedSelectors":[]`),
	)
	if want := append(slices.Repeat([]string{"us-west-2 GetEventDataStore"}, 7), "us-west-2 ListEventDataStores", "us-west-2 ListEventDataStores"); !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What a list of stores does not tell is a hole; what it told before is kept.
func TestEventDataStoreListGaps(t *testing.T) {
	const denied = `{"unlisted":"AWS::CloudTrail::EventDataStore","account":"111122223333","region":"us-west-2","gap":{"reason":"access-denied","call":"cloudtrail:ListEventDataStores","detail":"AccessDeniedException: no"}}`
	first := `{"EventDataStores":[` + storeItem(own, "a") + `],"NextToken":"2"}`
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"no member", `{}`, ``, nil},
		{"empty", `{"EventDataStores":[]}`, ``, nil},
		{"an empty page is not the last", `{"EventDataStores":[],"NextToken":"2"}`, `{"EventDataStores":[` + storeItem(own, "a") + `]}`, []string{store(own, "a", ``)}},
		{"denied", `!AccessDeniedException no`, ``, []string{denied}},
		{"second page denied", first, `!AccessDeniedException no`, []string{store(own, "a", ``), denied}},
		{"no ARN", first, `{"EventDataStores":[{"Name":"b"}]}`, []string{store(own, "a", ``),
			`{"unlisted":"AWS::CloudTrail::EventDataStore","account":"111122223333","region":"us-west-2","gap":{"reason":"call-failed","call":"cloudtrail:ListEventDataStores","detail":"the answer lists a AWS::CloudTrail::EventDataStore without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"cloudtrail.EventDataStore"}, []string{"us-west-2"}, func(_, _, params string) string {
				if params == `{}` {
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}
