package lambda

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const arn = "arn:aws:lambda:eu-central-1:111122223333:function:"

func line(name, rest string) string {
	return `{"kind":"AWS::Lambda::Function","id":"` + name + `","arn":"` + arn + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func answer(name, rest string) string {
	return `{"FunctionName":"` + name + `","FunctionArn":"` + arn + name + `"` + rest + `}`
}

// bare is what is known of a function of which Lambda tells nothing but its name: what it leaves out if there is none.
const bare = `,"variables":[],"kmsKey":"","layers":[],"deadLetterTarget":"","vpc":"","subnets":[],"securityGroups":[],"master":""`

// Two pages; a function with all there is, without the values of its variables; an image, which has no runtime; and one whose
// variables Lambda could not decrypt.
func TestFunctions(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"lambda.Function"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch params {
		case "/2015-03-31/functions?MaxItems=50":
			return `{"NextMarker":"2","Functions":[` + answer("all", `,"Runtime":"python3.14","Role":"arn:aws:iam::111122223333:role/all","Handler":"a.b","CodeSize":1,"Timeout":30,"MemorySize":256,
				"LastModified":"2025-01-02T03:04:05.678+0000","Version":"$LATEST","VpcConfig":{"SubnetIds":["subnet-1"],"SecurityGroupIds":["sg-1"],"VpcId":"vpc-1"},"DeadLetterConfig":{"TargetArn":"arn:q"},
				"Environment":{"Variables":{"TABLE":"orders","ENDPOINT":"hidden.example"}},"KMSKeyArn":"arn:k","TracingConfig":{"Mode":"Active"},"Layers":[{"Arn":"arn:layer:1","CodeSize":1}],"PackageType":"Zip",
				"Architectures":["arm64"],"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},"LoggingConfig":{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"WARN","LogGroup":"/aws/lambda/all"}`) + `]}`
		case "/2015-03-31/functions?Marker=2&MaxItems=50":
			return `{"NextMarker":null,"Functions":[` + answer("image", `,"PackageType":"Image","VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[],"VpcId":""}`) + `,` +
				answer("sealed", `,"Environment":{"Error":{"ErrorCode":"AccessDeniedException","Message":"no"}},"LoggingConfig":{"LogFormat":"Text","LogGroup":"g"}`) + `,` +
				answer("us-east-1.rewrite", `,"MasterArn":"arn:aws:lambda:us-east-1:111122223333:function:rewrite:3"`) + `]}`
		}
		return "!Unexpected " + params
	})
	collecttest.Want(t, got,
		line("all", `,"packageType":"Zip","runtime":"python3.14","architectures":["arm64"],"role":"arn:aws:iam::111122223333:role/all","modified":"2025-01-02T03:04:05.678Z","timeoutSeconds":30,"memoryMiB":256,`+
			`"variables":["ENDPOINT","TABLE"],"kmsKey":"arn:k","layers":["arn:layer:1"],"tracing":"Active","deadLetterTarget":"arn:q","vpc":"vpc-1","subnets":["subnet-1"],"securityGroups":["sg-1"],`+
			`"logFormat":"JSON","applicationLevel":"INFO","systemLevel":"WARN","logGroup":"/aws/lambda/all","snapStart":"None","master":""`),
		line("image", `,"packageType":"Image","runtime":""`+bare),
		line("sealed", strings.Replace(strings.Replace(bare, `,"variables":[]`, "", 1), `,"master"`, `,"logFormat":"Text","applicationLevel":"","systemLevel":"","logGroup":"g","master"`, 1)),
		line("us-east-1.rewrite", strings.Replace(bare, `"master":""`, `"master":"arn:aws:lambda:us-east-1:111122223333:function:rewrite:3"`, 1)),
	)
	if len(requests) != 2 {
		t.Errorf("requests %q", requests)
	}
	if strings.Contains(got, "hidden") {
		t.Error("a value of an environment variable was copied")
	}
}

// The list fails on its second page.
func TestListDenied(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"lambda.Function"}, []string{"eu-central-1"}, func(_, _, params string) string {
		if strings.Contains(params, "Marker") {
			return "!AccessDeniedException no"
		}
		return `{"NextMarker":"2","Functions":[` + answer("a", "") + `]}`
	})
	collecttest.Want(t, got, line("a", bare),
		`{"unlisted":"AWS::Lambda::Function","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"lambda:ListFunctions","detail":"AccessDeniedException: no"}}`)
}

// What is asked about each function, with two pages of each list. That there is no policy is an answer; replicas are not asked about.
func TestDetails(t *testing.T) {
	base := map[string]string{
		"GetPolicy":                      "/2015-03-31/functions/%/policy",
		"ListAliases":                    "/2015-03-31/functions/%/aliases",
		"ListVersionsByFunction":         "/2015-03-31/functions/%/versions",
		"ListFunctionUrlConfigs":         "/2021-10-31/functions/%/urls",
		"ListFunctionEventInvokeConfigs": "/2019-09-25/functions/%/event-invoke-config/list",
	}
	for _, test := range []struct {
		name, read string
		answers    map[string]string // operation and query -> answer
		want       string
	}{
		{"policy", "Policy", map[string]string{"GetPolicy": `{"Policy":"{\"Statement\":[]}","RevisionId":"r"}`}, `,"policy":"{\"Statement\":[]}"`},
		{"no policy", "Policy", map[string]string{"GetPolicy": `!ResourceNotFoundException The resource you requested does not exist.`}, `,"policy":""`},
		{"policy denied", "Policy", map[string]string{"GetPolicy": `!AccessDeniedException no`}, `,"gaps":[{"reason":"access-denied","call":"lambda:GetPolicy","detail":"AccessDeniedException: no"}]`},
		{"answer without a policy", "Policy", map[string]string{"GetPolicy": `{}`}, ``},
		{"aliases", "Aliases", map[string]string{
			"ListAliases?MaxItems=50":          `{"NextMarker":"2","Aliases":[{"AliasArn":"` + arn + `f:live","Name":"live","FunctionVersion":"7","RoutingConfig":{"AdditionalVersionWeights":{"8":0.1}}}]}`,
			"ListAliases?Marker=2&MaxItems=50": `{"Aliases":[{"Name":"dev","FunctionVersion":"$LATEST"}]}`,
		}, `,"aliases":[{"name":"live","versions":["7","8"]},{"name":"dev","versions":["$LATEST"]}]`},
		{"second page of aliases denied", "Aliases", map[string]string{
			"ListAliases?MaxItems=50":          `{"NextMarker":"2","Aliases":[{"Name":"live","FunctionVersion":"7"}]}`,
			"ListAliases?Marker=2&MaxItems=50": `!AccessDeniedException no`,
		}, `,"gaps":[{"reason":"access-denied","call":"lambda:ListAliases","detail":"AccessDeniedException: no"}]`},
		{"no alias, no policy of one", "AliasPolicies", map[string]string{"ListAliases?MaxItems=50": `{"Aliases":[]}`}, `,"aliases":[]`},
		{"aliases denied, so no policy of one", "AliasPolicies", map[string]string{"ListAliases?MaxItems=50": `!AccessDeniedException no`},
			`,"gaps":[{"reason":"access-denied","call":"lambda:GetPolicy#aliases","detail":"needs lambda:ListAliases"},{"reason":"access-denied","call":"lambda:ListAliases","detail":"AccessDeniedException: no"}]`},
		{"policies of aliases", "AliasPolicies", map[string]string{
			"ListAliases?MaxItems=50": `{"Aliases":[{"Name":"a","FunctionVersion":"1"},{"Name":"b","FunctionVersion":"1"}]}`,
			"GetPolicy?Qualifier=a":   `!ResourceNotFoundException none`,
			"GetPolicy?Qualifier=b":   `{"Policy":"{}"}`,
		}, `,"aliases":[{"name":"a","versions":["1"]},{"name":"b","versions":["1"]}],"aliasPolicies":[{"qualifier":"a","text":""},{"qualifier":"b","text":"{}"}]`},
		{"policy of one alias denied", "AliasPolicies", map[string]string{
			"ListAliases?MaxItems=50": `{"Aliases":[{"Name":"a","FunctionVersion":"1"},{"Name":"b","FunctionVersion":"1"}]}`,
			"GetPolicy?Qualifier=a":   `!ResourceNotFoundException none`,
			"GetPolicy?Qualifier=b":   `!AccessDeniedException no`,
		}, `,"gaps":[{"reason":"access-denied","call":"lambda:GetPolicy#aliases","detail":"AccessDeniedException: no"}],"aliases":[{"name":"a","versions":["1"]},{"name":"b","versions":["1"]}]`},
		{"versions", "VersionPolicies", map[string]string{
			"ListVersionsByFunction?MaxItems=50":          `{"NextMarker":"2","Versions":[` + answer("f", `,"Version":"$LATEST"`) + `]}`,
			"ListVersionsByFunction?Marker=2&MaxItems=50": `{"Versions":[` + answer("f", `,"Version":"1","Runtime":"python3.9","DeadLetterConfig":{"TargetArn":"arn:q"}`) + `]}`,
			"GetPolicy?Qualifier=1":                       `{"Policy":"{}"}`,
		}, `,"versions":[{"number":"1","runtime":"python3.9","deadLetterTarget":"arn:q"}],"versionPolicies":[{"qualifier":"1","text":"{}"}]`},
		{"urls", "URLs", map[string]string{
			"ListFunctionUrlConfigs?MaxItems=50":          `{"NextMarker":"2","FunctionUrlConfigs":[{"FunctionUrl":"https://a.example/","FunctionArn":"` + arn + `f","AuthType":"NONE","Cors":{"AllowOrigins":["*"],"AllowCredentials":true}}]}`,
			"ListFunctionUrlConfigs?Marker=2&MaxItems=50": `{"FunctionUrlConfigs":[{"FunctionUrl":"https://b.example/","FunctionArn":"` + arn + `f:live","AuthType":"AWS_IAM"}]}`,
		}, `,"urls":[{"qualifier":"","url":"https://a.example/","authType":"NONE","origins":["*"],"credentials":true},{"qualifier":"live","url":"https://b.example/","authType":"AWS_IAM","credentials":false}]`},
		{"no urls", "URLs", map[string]string{"ListFunctionUrlConfigs?MaxItems=50": `{"FunctionUrlConfigs":[]}`}, `,"urls":[]`},
		{"function gone meanwhile", "URLs", map[string]string{"ListFunctionUrlConfigs?MaxItems=50": `!ResourceNotFoundException gone`},
			`,"gaps":[{"reason":"call-failed","call":"lambda:ListFunctionUrlConfigs","detail":"ResourceNotFoundException: gone"}]`},
		{"event invoke configs", "EventConfigs", map[string]string{
			"ListFunctionEventInvokeConfigs?MaxItems=50":          `{"NextMarker":"2","FunctionEventInvokeConfigs":[{"FunctionArn":"` + arn + `f:$LATEST","MaximumRetryAttempts":1,"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"arn:q"}}}]}`,
			"ListFunctionEventInvokeConfigs?Marker=2&MaxItems=50": `{"FunctionEventInvokeConfigs":[{"FunctionArn":"` + arn + `f:live","DestinationConfig":{"OnSuccess":{"Destination":"arn:s"},"OnFailure":{}}}]}`,
		}, `,"eventConfigs":[{"qualifier":"","onFailure":"arn:q"},{"qualifier":"live","onFailure":""}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"lambda.Function." + test.read}, []string{"eu-central-1"}, func(_, op, params string) string {
				path, query, _ := strings.Cut(params, "?")
				if op == "ListFunctions" {
					return `{"Functions":[` + answer("f", "") + `,` + answer("us-east-1.f", `,"MasterArn":"m"`) + `]}`
				}
				if want := strings.Replace(base[op], "%", "f", 1); path != want {
					t.Errorf("%s asks for %s, want %s", op, path, want)
				}
				if query != "" {
					op += "?" + query
				}
				text, ok := test.answers[op]
				if !ok {
					t.Errorf("unexpected %s", op)
				}
				return text
			})
			gaps, attributes := "", test.want
			if strings.HasPrefix(test.want, `,"gaps"`) { // they stand before the attributes
				gaps, attributes, _ = strings.Cut(test.want, "]")
				gaps += "]"
			}
			collecttest.Want(t, got, line("f", gaps+bare+attributes), line("us-east-1.f", strings.Replace(bare, `"master":""`, `"master":"m"`, 1)))
			if len(slices.Compact(requests)) < 2 {
				t.Errorf("requests %q", requests)
			}
		})
	}
}
