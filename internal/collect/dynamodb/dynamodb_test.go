package dynamodb

import (
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(name, rest string) string {
	return `{"kind":"AWS::DynamoDB::Table","id":"` + name + `","arn":"arn:aws:dynamodb:eu-central-1:111122223333:table/` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

// Two pages of names; a table with all there is; one that was never on demand, of which DynamoDB leaves out the billing mode; one
// on demand; an answer without a table; a denial.
func TestTables(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"dynamodb.Table.Status"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch op + params {
		case `ListTables{"Limit":100}`:
			return `{"TableNames":["all","never"],"LastEvaluatedTableName":"never"}`
		case `ListTables{"ExclusiveStartTableName":"never","Limit":100}`:
			return `{"TableNames":["demand","empty","dark"]}`
		case `DescribeTable{"TableName":"all"}`:
			return `{"Table":{"TableName":"all","TableStatus":"ACTIVE","CreationDateTime":1735787045.678,"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":5,"WriteCapacityUnits":6},"TableSizeBytes":7,"ItemCount":8,
				"BillingModeSummary":{"BillingMode":"PROVISIONED","LastUpdateToPayPerRequestDateTime":1735787045},"DeletionProtectionEnabled":true,"TableClassSummary":{"TableClass":"STANDARD_INFREQUENT_ACCESS"},
				"GlobalSecondaryIndexes":[{"IndexName":"by-customer","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}],"LatestStreamArn":"arn:stream",
				"SSEDescription":{"Status":"ENABLED","SSEType":"KMS","KMSMasterKeyArn":"arn:k"},"Replicas":[{"RegionName":"eu-central-1"},{"RegionName":"eu-west-1"}]}}`
		case `DescribeTable{"TableName":"never"}`:
			return `{"Table":{"TableName":"never","TableStatus":"UPDATING","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},"TableSizeBytes":0,"ItemCount":0,"DeletionProtectionEnabled":false}}`
		case `DescribeTable{"TableName":"demand"}`:
			return `{"Table":{"TableName":"demand","TableStatus":"ACTIVE","ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":0},"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}}}`
		case `DescribeTable{"TableName":"empty"}`:
			return `{}`
		}
		return `!AccessDeniedException no`
	})
	none := `,"indexes":[]`
	collecttest.Want(t, got,
		line("all", `,"status":"ACTIVE","created":"2025-01-02T03:04:05.678Z","billingMode":"PROVISIONED","readUnits":5,"writeUnits":6,"indexes":[{"name":"by-customer","readUnits":1,"writeUnits":2}],"items":8,"bytes":7,`+
			`"class":"STANDARD_INFREQUENT_ACCESS","deletionProtection":true,"encryption":"KMS","kmsKey":"arn:k","stream":"arn:stream","replicas":["eu-west-1"]`),
		line("never", `,"status":"UPDATING","billingMode":"PROVISIONED","readUnits":1,"writeUnits":1`+none+`,"items":0,"bytes":0,"class":"STANDARD","deletionProtection":false,"encryption":"","kmsKey":"","stream":"","replicas":[]`),
		line("demand", `,"status":"ACTIVE","billingMode":"PAY_PER_REQUEST","readUnits":0,"writeUnits":0`+none+`,"class":"STANDARD","encryption":"","kmsKey":"","stream":"","replicas":[]`),
		line("empty", ``),
		line("dark", `,"gaps":[{"reason":"access-denied","call":"dynamodb:DescribeTable","detail":"AccessDeniedException: no"}]`),
	)
	if len(requests) != 7 {
		t.Errorf("requests %q", requests)
	}
}

// Without a capacity and without a billing mode nobody knows how a table is billed.
func TestBillingUnknown(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"dynamodb.Table.BillingMode"}, []string{"eu-central-1"}, func(_, op, _ string) string {
		if op == "ListTables" {
			return `{"TableNames":["odd"]}`
		}
		return `{"Table":{"TableName":"odd"}}`
	})
	collecttest.Want(t, got, line("odd", `,"indexes":[],"class":"STANDARD","encryption":"","kmsKey":"","stream":"","replicas":[]`))
}

func TestContinuousBackups(t *testing.T) {
	answers := map[string]string{
		"on":    `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED","RecoveryPeriodInDays":35}}}`,
		"off":   `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`,
		"empty": `{}`,
		"gone":  `!TableNotFoundException Table not found: gone`,
	}
	got, _ := collecttest.Run(t, Calls, []string{"dynamodb.Table.PITR"}, []string{"eu-central-1"}, func(_, op, params string) string {
		if op == "ListTables" {
			return `{"TableNames":["on","off","empty","gone"]}`
		}
		return answers[strings.TrimSuffix(strings.TrimPrefix(params, `{"TableName":"`), `"}`)]
	})
	collecttest.Want(t, got, line("on", `,"pitr":"ENABLED","pitrDays":35`), line("off", `,"pitr":"DISABLED","pitrDays":0`), line("empty", ``),
		line("gone", `,"gaps":[{"reason":"call-failed","call":"dynamodb:DescribeContinuousBackups","detail":"TableNotFoundException: Table not found: gone"}]`))
}

// Scalable targets are listed once for all tables of a region. If a page is missing, nothing is known of any table.
func TestScaling(t *testing.T) {
	for _, test := range []struct{ name, second, a, b string }{
		{"both pages", `{"ScalableTargets":[{"ServiceNamespace":"dynamodb","ResourceId":"table/a/index/by-customer","ScalableDimension":"dynamodb:index:ReadCapacityUnits","MinCapacity":5,"MaxCapacity":5}]}`,
			`,"scaling":[{"index":"","write":true,"min":5,"max":500,"suspended":true},{"index":"by-customer","write":false,"min":5,"max":5,"suspended":false}]`, `,"scaling":[]`},
		{"second page denied", `!AccessDeniedException no`,
			`,"gaps":[{"reason":"access-denied","call":"applicationautoscaling:DescribeScalableTargets","detail":"AccessDeniedException: no"}]`,
			`,"gaps":[{"reason":"access-denied","call":"applicationautoscaling:DescribeScalableTargets","detail":"AccessDeniedException: no"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"dynamodb.Table.Scaling"}, []string{"eu-central-1"}, func(_, op, params string) string {
				switch op + params {
				case `ListTables{"Limit":100}`:
					return `{"TableNames":["a","b"]}`
				case `DescribeScalableTargets{"MaxResults":50,"ServiceNamespace":"dynamodb"}`:
					return `{"NextToken":"2","ScalableTargets":[{"ServiceNamespace":"dynamodb","ResourceId":"table/a","ScalableDimension":"dynamodb:table:WriteCapacityUnits","MinCapacity":5,"MaxCapacity":500,
						"SuspendedState":{"DynamicScalingInSuspended":false,"DynamicScalingOutSuspended":true,"ScheduledScalingSuspended":false}}]}`
				case `DescribeScalableTargets{"MaxResults":50,"NextToken":"2","ServiceNamespace":"dynamodb"}`:
					return test.second
				}
				return "!Unexpected " + op + params
			})
			collecttest.Want(t, got, line("a", test.a), line("b", test.b))
			if len(requests) != 3 {
				t.Errorf("requests %q", requests)
			}
		})
	}
}
