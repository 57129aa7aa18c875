package configservice

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(kind, id, rest string) string {
	return `{"kind":"AWS::Config::` + kind + `","id":"` + id + `"` + rest + `}`
}

const here = `,"account":"111122223333","region":"eu-central-1"`

var everything = []string{"configservice.ConfigurationRecorder.Recording", "configservice.DeliveryChannel.History"}

// Recorders of each strategy, one of them from before there were strategies. The status of all comes in one answer, by name.
func TestAll(t *testing.T) {
	answers := map[string]string{
		"DescribeConfigurationRecorders": `{"ConfigurationRecorders":[
			{"arn":"arn:all","name":"all","roleARN":"r","recordingGroup":{"allSupported":true,"includeGlobalResourceTypes":true,"resourceTypes":[],"recordingStrategy":{"useOnly":"ALL_SUPPORTED_RESOURCE_TYPES"}},"recordingMode":{"recordingFrequency":"DAILY"}},
			{"arn":"arn:old","name":"old","roleARN":"r","recordingGroup":{"allSupported":false,"includeGlobalResourceTypes":false,"resourceTypes":["AWS::S3::Bucket"]}},
			{"arn":"arn:but","name":"but","roleARN":"r","recordingGroup":{"allSupported":false,"exclusionByResourceTypes":{"resourceTypes":["AWS::IAM::User"]},"recordingStrategy":{"useOnly":"EXCLUSION_BY_RESOURCE_TYPES"}}},
			{"arn":"arn:linked","name":"AWSConfigurationRecorderForX","servicePrincipal":"x.amazonaws.com"}]}`,
		"DescribeConfigurationRecorderStatus": `{"ConfigurationRecordersStatus":[{"name":"old","recording":false,"lastStatus":"FAILURE","lastErrorCode":"AccessDenied","lastErrorMessage":"no","lastStatusChangeTime":1767225600},{"name":"all","recording":true},{"name":"other","recording":true}]}`,
		"DescribeDeliveryChannels":            `{"DeliveryChannels":[{"name":"default","s3BucketName":"b","snsTopicARN":"t","configSnapshotDeliveryProperties":{"deliveryFrequency":"One_Hour"}}]}`,
		"DescribeDeliveryChannelStatus": `{"DeliveryChannelsStatus":[{"name":"default","configHistoryDeliveryInfo":{"lastStatus":"SUCCESS","lastSuccessfulTime":1767225600.5},
			"configStreamDeliveryInfo":{"lastStatus":"FAILURE","lastErrorCode":"NoSuchTopic"}}]}`,
	}
	got, requests := collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(_, op, params string) string {
		if params != "{}" {
			t.Errorf("%s with %s", op, params)
		}
		return answers[op]
	})
	recorder := func(name, rest string) string {
		return line("ConfigurationRecorder", name, `,"arn":"arn:`+name+`","name":"`+name+`"`+here+`,"service":"","role":"r"`+rest)
	}
	collecttest.Want(t, got,
		recorder("all", `,"strategy":"ALL_SUPPORTED_RESOURCE_TYPES","includeIam":true,"types":[],"excluded":[],"frequency":"DAILY","recording":true,"lastStatus":"","lastError":"","statusChange":"0001-01-01T00:00:00Z"`),
		recorder("old", `,"strategy":"INCLUSION_BY_RESOURCE_TYPES","includeIam":false,"types":["AWS::S3::Bucket"],"excluded":[],"recording":false,"lastStatus":"FAILURE","lastError":"AccessDenied: no","statusChange":"2026-01-01T00:00:00Z"`),
		recorder("but", `,"strategy":"EXCLUSION_BY_RESOURCE_TYPES","includeIam":false,"types":[],"excluded":["AWS::IAM::User"]`),
		line("ConfigurationRecorder", "AWSConfigurationRecorderForX", `,"arn":"arn:linked","name":"AWSConfigurationRecorderForX"`+here+`,"service":"x.amazonaws.com"`),
		line("DeliveryChannel", "default", `,"name":"default"`+here+`,"bucket":"b","topic":"t","snapshots":"One_Hour","history":{"status":"SUCCESS","success":"2026-01-01T00:00:00.5Z"},"snapshot":{"status":""},"stream":{"status":"FAILURE","error":"NoSuchTopic"}`),
	)
	if len(requests) != 4 {
		t.Errorf("requests %q", requests)
	}
}

// Nothing is there: then nobody asks for its status.
func TestNone(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(string, string, string) string { return `{}` })
	collecttest.Want(t, got)
	if want := []string{"eu-central-1 DescribeConfigurationRecorders", "eu-central-1 DescribeDeliveryChannels"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// A list that is denied is a hole; a status that is denied, or says nothing of a recorder, is unknown.
func TestGaps(t *testing.T) {
	const recorders, channels = `{"ConfigurationRecorders":[{"arn":"a","name":"default"}]}`, `{"DeliveryChannels":[{"name":"default","s3BucketName":"b"}]}`
	gap := func(op string) string {
		return `{"reason":"access-denied","call":"configservice:` + op + `","detail":"AccessDeniedException: no"}`
	}
	gaps := func(op string) string { return `,"gaps":[` + gap(op) + `]` }
	recorder := func(rest string) string {
		return line("ConfigurationRecorder", "default", `,"arn":"a","name":"default"`+here+rest+`,"service":""`)
	}
	channel := func(rest string) string {
		return line("DeliveryChannel", "default", `,"name":"default"`+here+rest+`,"bucket":"b","topic":"","snapshots":""`)
	}
	hole := func(kind, op string) string {
		return `{"unlisted":"AWS::Config::` + kind + `"` + here + `,"gap":` + gap(op) + `}`
	}
	for _, test := range []struct {
		denied string
		want   []string
	}{
		{"", []string{recorder(""), channel("")}},
		{"DescribeConfigurationRecorderStatus", []string{recorder(gaps("DescribeConfigurationRecorderStatus")), channel("")}},
		{"DescribeDeliveryChannelStatus", []string{recorder(""), channel(gaps("DescribeDeliveryChannelStatus"))}},
		{"DescribeConfigurationRecorders", []string{hole("ConfigurationRecorder", "DescribeConfigurationRecorders"), channel("")}},
		{"DescribeDeliveryChannels", []string{recorder(""), hole("DeliveryChannel", "DescribeDeliveryChannels")}},
	} {
		t.Run(test.denied, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, everything, []string{"eu-central-1"}, func(_, op, _ string) string {
				switch {
				case op == test.denied:
					return `!AccessDeniedException no`
				case op == "DescribeConfigurationRecorders":
					return recorders
				case op == "DescribeDeliveryChannels":
					return channels
				case strings.HasSuffix(op, "Status"):
					return `{}`
				}
				return ``
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}
