package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

// However many actions there are, each is in one policy, and none of these is larger than AWS takes.
func TestRoleTemplate(t *testing.T) {
	for _, n := range []int{1, 60, 800} {
		var actions []string
		for i := range n {
			actions = append(actions, fmt.Sprintf("service%d:%s%d", i/20, strings.Repeat("DescribeThings", 1+i%3), i))
		}
		text, err := json.Marshal(roleTemplate(actions))
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct {
				Properties struct {
					PolicyDocument    json.RawMessage
					ManagedPolicyArns []struct{ Ref string }
				}
			}
		}
		if err := json.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, ref := range template.Resources["Role"].Properties.ManagedPolicyArns {
			document := template.Resources[ref.Ref].Properties.PolicyDocument
			if len(document) > 6144 {
				t.Errorf("%d actions: %s has %d characters", n, ref.Ref, len(document))
			}
			var p policy
			if err := json.Unmarshal(document, &p); err != nil {
				t.Fatal(err)
			}
			got = append(got, p.Statement[0].Action...)
		}
		if !slices.Equal(got, actions) || len(template.Resources) != 1+len(template.Resources["Role"].Properties.ManagedPolicyArns) {
			t.Errorf("%d of %d actions are in %d policies", len(got), n, len(template.Resources)-1)
		}
	}
}
