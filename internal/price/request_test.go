package price

import (
	"math"
	"testing"
)

func TestRequestOf(t *testing.T) {
	for op, want := range map[string]float64{"ce:GetCostAndUsage": 0.01, "cloudwatch:GetMetricData": 0.005, "cloudwatch:ListMetrics": 0.00001, "kms:DescribeKey": 0.000003, "secretsmanager:ListSecrets": 0.000005,
		"s3:ListBuckets": 0.000005, "s3:GetBucketPolicy": 0.0000004} {
		if r, ok := RequestOf(op); !ok || math.Abs(r.USD-want) > 1e-12 || r.Note == "" {
			t.Errorf("%s: %+v %v", op, r, ok)
		}
	}
	for _, op := range []string{"cloudwatch:DescribeAlarms", "sqs:ListQueues", "ec2:DescribeInstances", "s3control:GetPublicAccessBlock", "cec:X"} {
		if r, ok := RequestOf(op); ok {
			t.Errorf("%s: %+v", op, r)
		}
	}
}
