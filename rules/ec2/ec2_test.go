package ec2

import (
	"testing"
	"time"

	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

// What a parameter must not be.
func TestParams(t *testing.T) {
	for id, bad := range map[string][]string{
		"ec2-ami-not-public":                     {`{"exempt_tags":{"":"x"}}`},
		"ec2-ebs-volume-in-use":                  {`{"grace_days":-1}`, `{"exempt_tags":{"":"x"}}`},
		"ec2-ebs-volume-not-on-stopped-instance": {`{"stopped_days":-1}`, `{"exempt_tags":{"":"x"}}`},
		"ec2-instance-stopped-too-long":          {`{"stopped_days":-1}`, `{"exempt_tags":{"":"x"}}`},
		"ec2-sg-no-admin-ports-from-internet":    {`{"variants":{"x":[0]}}`, `{"variants":{"x":[65536]}}`},
		"ec2-subnet-free-addresses":              {`{"min_free_ratio":1.1}`, `{"min_free":-1}`, `{"lambda_multiplier":0}`},
		"ec2-vpc-flow-logs":                      {`{"min_traffic":"all"}`},
		"ec2-vpc-gateway-endpoints":              {`{"services":["sqs"]}`},
	} {
		for _, rule := range Rules {
			if rule.ID != id {
				continue
			}
			for _, override := range bad {
				if _, err := rule.With([]byte(override)); err == nil {
					t.Errorf("%s accepts %s", id, override)
				}
			}
		}
	}
}

// The table has a date and a source, and no successor is of a former generation itself.
func TestFamilies(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, former.Date); err != nil || former.Source == "" {
		t.Errorf("date %q, source %q", former.Date, former.Source)
	}
	for family, next := range former.Successors {
		if _, old := former.Successors[next]; old || next == "" {
			t.Errorf("the successor of %s is %q", family, next)
		}
	}
}
