package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// manyActions makes up actions of the usual length.
func manyActions(n int) (actions []string) {
	for i := range n {
		actions = append(actions, fmt.Sprintf("service%d:%s%d", i/20, strings.Repeat("DescribeThings", 1+i%3), i))
	}
	return actions
}

var numbers = []int{1, 60, 140, 800}

// However many actions there are, each is in one policy in its order, no policy is larger than AWS takes, and none could take the next action, too.
func TestSplit(t *testing.T) {
	for _, n := range numbers {
		for _, most := range []int{managedSize, inlineSize} {
			actions := manyActions(n)
			parts := split(actions, most)
			if got := slices.Concat(parts...); !slices.Equal(got, actions) {
				t.Errorf("%d actions have become %d", n, len(got))
			}
			for i, part := range parts {
				if size(part) > most {
					t.Errorf("%d actions: part %d has %d characters, more than %d", n, i+1, size(part), most)
				}
				if i+1 < len(parts) && size(slices.Concat(part, parts[i+1][:1])) <= most {
					t.Errorf("%d actions: part %d could have one more", n, i+1)
				}
			}
		}
	}
}

func TestRoleTemplate(t *testing.T) {
	for _, n := range numbers {
		actions := manyActions(n)
		text, err := json.Marshal(roleTemplate(split(actions, managedSize)))
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
			if len(document) > managedSize {
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

func TestTerraform(t *testing.T) {
	block := regexp.MustCompile(`(?s)resource "aws_iam_policy" "scanner_(\d+)" {.*?Action = \[\n(.*?),\n      \]`)
	for _, n := range numbers {
		actions := manyActions(n)
		text := terraform(split(actions, managedSize))
		var got []string
		for i, m := range block.FindAllStringSubmatch(text, -1) {
			if m[1] != fmt.Sprint(i+1) || !strings.Contains(text, "= aws_iam_policy.scanner_"+m[1]+".arn\n") {
				t.Errorf("policy %d is called %s, or is not attached", i+1, m[1])
			}
			var part []string
			if err := json.Unmarshal([]byte("["+m[2]+"]"), &part); err != nil {
				t.Fatal(err)
			}
			if size(part) > managedSize {
				t.Errorf("%d actions: policy %s has %d characters", n, m[1], size(part))
			}
			got = append(got, part...)
		}
		if !slices.Equal(got, actions) {
			t.Errorf("%d of %d actions are in the policies", len(got), n)
		}
	}
}

// A role takes so many policies and no more.
func TestTooManyPolicies(t *testing.T) {
	for _, format := range []string{"terraform", "cloudformation"} {
		for n, want := range map[int][2]string{800: {}, 2500: {"raise the quota"}, 5000: {"", "make a role for each"}} {
			var out, warnings strings.Builder
			err := showPermissions(&out, &warnings, format, manyActions(n))
			if why := fmt.Sprint(err); (err != nil) != (want[1] != "") || err != nil && !strings.Contains(why, want[1]) {
				t.Errorf("%s of %d actions: %s", format, n, why)
			}
			if got := warnings.String(); (got == "") != (want[0] == "") || !strings.Contains(got, want[0]) {
				t.Errorf("%s of %d actions warns %q", format, n, got)
			}
		}
	}
}

// A permission set has its actions inline, as long as they fit. Then SecurityAudit takes some away.
func TestPermissionSet(t *testing.T) {
	audited := []string{}
	for i := range 400 {
		audited = append(audited, fmt.Sprintf("ec2:DescribeThingsOfSomeKind%d", i))
	}
	properties := func(actions []string) (p struct {
		InlinePolicy    policy
		ManagedPolicies []struct {
			Sub string `json:"Fn::Sub"`
		}
	}) {
		template, err := permissionSet(actions)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(template.(object)["Resources"].(object)["PermissionSet"].(object)["Properties"])
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	few := append(audited[:100:100], "made:Up")
	if p := properties(few); !slices.Equal(p.InlinePolicy.Statement[0].Action, few) || len(p.ManagedPolicies) > 0 {
		t.Errorf("%v is attached beside %d of %d actions", p.ManagedPolicies, len(p.InlinePolicy.Statement[0].Action), len(few))
	}
	p := properties(append(slices.Clone(audited), "made:Up"))
	if got := p.InlinePolicy.Statement[0].Action; !slices.Equal(got, []string{"made:Up"}) {
		t.Errorf("%d actions are inline, want one", len(got))
	}
	if len(p.ManagedPolicies) != 1 || p.ManagedPolicies[0].Sub != "arn:${AWS::Partition}:iam::aws:policy/SecurityAudit" {
		t.Errorf("attached is %v", p.ManagedPolicies)
	}
	if _, err := permissionSet(manyActions(800)); err == nil {
		t.Error("800 actions of which no managed policy knows fit into a permission set")
	}
}

// Of each action that some call needs it is known whether the managed policies grant it.
func TestManagedPoliciesDecide(t *testing.T) {
	for _, name := range managedNames() {
		p := managedPolicy(name)
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\d$`).MatchString(p.Updated) || p.Version == "" {
			t.Errorf("%s has version %q of %q", name, p.Version, p.Updated)
		}
		for op := range model.Actions {
			for _, action := range model.Permissions(op) {
				if p.grants(action) == undecided {
					t.Errorf("whether %s grants %s is not known: add its service to data/managed.py, and run make managed", name, action)
				}
			}
		}
	}
}

func TestGrants(t *testing.T) {
	for _, c := range []struct {
		policy, action string
		want           grant
	}{
		{"SecurityAudit", "sqs:GetQueueAttributes", granted},
		{"SecurityAudit", "SQS:getqueueattributes", granted}, // IAM ignores case
		{"SecurityAudit", "ec2:DescribeWhatIsYetToCome", granted},
		{"SecurityAudit", "sqs:ReceiveMessage", refused},
		{"SecurityAudit", "apigateway:GET", partly},
		{"ViewOnlyAccess", "iam:GetAccountAuthorizationDetails", refused},
		{"ReadOnlyAccess", "s3:GetObject", granted}, // so that it reads data
		{"ReadOnlyAccess", "madeup:Get", undecided},
	} {
		if got := managedPolicy(c.policy).grants(c.action); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.policy, c.action, got, c.want)
		}
	}
}

func TestMissingActions(t *testing.T) {
	gap := func(call string, reason model.Reason, account, region string, rules ...string) report.Gap {
		return report.Gap{Call: call, Permissions: report.ToGrant(&model.Gap{Call: call, Reason: reason}), Reason: reason, Account: account, Region: region, Rules: rules}
	}
	got := missingActions([]report.Gap{
		gap("sqs:ListQueues", model.AccessDenied, "1", "eu-west-1", "a"),
		gap("sqs:ListQueues", model.AccessDenied, "2", "eu-west-2", "b", "a"),
		gap("sqs:ListQueues", model.AccessDeniedSCP, "2", "eu-west-3", "c"),
		gap("sqs:GetQueueAttributes", model.Throttled, "1", "eu-west-1", "d"),
		gap("sts:AssumeRole", model.AccessDenied, "3", "", "a", "b", "c"),
	})
	var lines []string
	for _, m := range got {
		lines = append(lines, fmt.Sprint(m.Action, " ", m.Grant, " ", m.Accounts, m.Regions, m.Rules))
	}
	want := []string{
		"sts:AssumeRole trust policy of the role, and identity policy of the caller [3] [] [a b c]",
		"sqs:ListQueues identity policy [1 2] [eu-west-1 eu-west-2] [a b]",
		"sqs:ListQueues service control policy [2] [eu-west-3] [c]",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
