package main

import (
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Doctor tells of each call what somebody can do something about.
func TestGapsByCall(t *testing.T) {
	for _, order := range [][]model.Reason{{model.OutsideScan, model.AccessDenied}, {model.AccessDenied, model.OutsideScan}} {
		s := engine.NewSnapshot(engine.Header{})
		for _, reason := range order {
			s.PutHole(engine.Hole{Kind: "AWS::KMS::Key", Gap: &model.Gap{Reason: reason, Call: "kms:DescribeKey"}})
		}
		if got := gapsByCall(s); len(got) != 1 || got["kms:DescribeKey"].Reason != model.AccessDenied {
			t.Errorf("of %s: %v", order, got)
		}
	}
}
