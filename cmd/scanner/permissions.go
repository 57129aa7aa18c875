package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

func permissionsCommand() *cobra.Command {
	var sel selection
	var format, compare, snapshot string
	var org, tags, missing bool
	c := &cobra.Command{
		Use: "permissions", Short: "Print the IAM policy that a scan with these rules needs", Args: cobra.NoArgs,
		Long: `Permissions prints the smallest identity policy with which the selected rules can be assessed. It holds no action that reads
secrets or data, and none that writes.

With --missing it shows what the last scan was denied, and which rules that blinds. With --compare it shows what an AWS managed
policy lacks.`,
		Example: `  scanner permissions --ruleset optional -o cloudformation > role.json
  scanner permissions --missing -o policy
  scanner permissions --compare SecurityAudit`,
	}
	f := c.Flags()
	sel.flags(f)
	sel.conf.waiverFlag(f)
	f.BoolVar(&org, "org", false, "also what the account needs from which an organization is scanned")
	f.BoolVar(&tags, "tags", false, "also what --tag and --owner need")
	f.BoolVar(&missing, "missing", false, "only the actions whose denial blinded rules in the last scan")
	f.StringVar(&snapshot, "snapshot", "", "with --missing: in this snapshot file instead of the last scan")
	f.StringVar(&compare, "compare", "", "what this AWS managed policy lacks: "+strings.Join(managedNames(), ", "))
	f.StringVarP(&format, "output", "o", "", `json (a policy document, the default), list, cloudformation (a template of the role, for stacks and stack sets), terraform (the same),
permission-set (a template for IAM Identity Center); with --missing and --compare: table (the default), json or policy`)
	c.RunE = func(c *cobra.Command, _ []string) error {
		formats := []string{"json", "list", "cloudformation", "terraform", "permission-set"}
		if missing || compare != "" {
			formats = []string{"table", "json", "policy"}
		}
		if format == "" {
			format = formats[0]
		}
		if err := oneOf("-o", format, formats); err != nil {
			return err
		}
		switch {
		case missing && compare != "":
			return usage("--missing is about a scan, and --compare about a policy: use one of them")
		case missing && (org || tags):
			return usage("--missing shows what a scan was denied: leave out --org and --tags")
		case compare != "" && org:
			return usage("--compare is about rules: leave out --org")
		case snapshot != "" && !missing:
			return usage("--snapshot is for --missing: add that, or leave it out")
		case missing:
			return showMissing(c.OutOrStdout(), format, snapshot, &sel)
		}
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		tags = tags || sel.conf.needTags()
		if compare != "" {
			return showComparison(c.OutOrStdout(), format, compare, picked, tags)
		}
		plan, err := planFor(picked, tags)
		if err != nil {
			return err
		}
		calls := slices.Concat(plan.Ops, model.DriverCalls)
		if org {
			calls = append(calls, model.OrganizationCalls...)
		}
		return showPermissions(c.OutOrStdout(), c.ErrOrStderr(), format, collect.Permissions(calls))
	}
	return c
}

func showPermissions(out, warnings io.Writer, format string, actions []string) error {
	switch format {
	case "list":
		_, err := fmt.Fprintln(out, strings.Join(actions, "\n"))
		return err
	case "permission-set":
		template, err := permissionSet(actions)
		if err != nil {
			return err
		}
		return encode(out, template)
	case "json":
		return encode(out, allow(actions))
	}
	parts := split(actions, managedSize)
	switch n := len(parts); {
	case n > attachedMost:
		return usage("these actions fill %d managed policies, and a role takes %d at most: make a role for each of several --services", n, attachedMost)
	case n > attached:
		fmt.Fprintf(warnings, "scanner: these actions fill %d managed policies, and a role takes %d: raise the quota of managed policies attached to a role first\n", n, attached)
	}
	if format == "terraform" {
		_, err := io.WriteString(out, terraform(parts))
		return err
	}
	return encode(out, roleTemplate(parts))
}

// A policy is an IAM policy document.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Action      []string
	Resource    string
}

func allow(actions []string) policy {
	return policy{"2012-10-17", []statement{{"Scanner", "Allow", actions, "*"}}}
}

// Sizes are in characters without white space. Source: IAM User Guide, "IAM and AWS STS quotas".
const (
	managedSize  = 6144  // of a managed policy
	inlineSize   = 10240 // of all inline policies of a role together, and so of a permission set
	attached     = 10    // managed policies that a role takes
	attachedMost = 20    // the same, with a raised quota
)

// size is how many characters IAM counts of a policy that allows some actions.
func size(actions []string) int {
	b, _ := json.Marshal(allow(actions)) // has no white space, and actions have no character that it escapes
	return len(b)
}

// split deals actions out to policies that are not larger than so many characters. The order stays, so that a further action
// changes few of them.
func split(actions []string, most int) (parts [][]string) {
	begin, room := 0, 0
	for i, a := range actions {
		if room -= len(a) + len(`"",`); i == begin || room < 0 {
			if i > begin {
				parts = append(parts, actions[begin:i])
			}
			begin, room = i, most-size(actions[i:i+1])
		}
	}
	return append(parts, actions[begin:])
}

// An object is a JSON object of a template.
type object map[string]any

func ref(name string) object { return object{"Ref": name} }

const (
	trusted = "ARN of who may assume the role: a role, or arn:PARTITION:iam::ACCOUNT:root for whoever that account allows to"
	foreign = "If somebody else's account scans this one: the external ID that it has to give"
)

// roleTemplate returns a CloudFormation template of the role that a scan assumes, with a managed policy for each part of the actions.
// It is the same in all partitions.
func roleTemplate(parts [][]string) any {
	resources, policies := object{}, []object{}
	for i, part := range parts {
		name := fmt.Sprintf("Policy%d", i+1)
		resources[name] = object{"Type": "AWS::IAM::ManagedPolicy", "Properties": object{"Description": "What scanner reads", "PolicyDocument": allow(part)}}
		policies = append(policies, ref(name))
	}
	resources["Role"] = object{"Type": "AWS::IAM::Role", "Properties": object{
		"RoleName": ref("RoleName"), "Description": "Assumed by scanner, which reads configuration and changes nothing", "ManagedPolicyArns": policies,
		"MaxSessionDuration": ref("MaxSessionDuration"),
		"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []object{{
			"Effect": "Allow", "Principal": object{"AWS": ref("TrustedPrincipal")}, "Action": []string{"sts:AssumeRole", "sts:SetSourceIdentity"},
			"Condition": object{"Fn::If": []any{"HasExternalId", object{"StringEquals": object{"sts:ExternalId": ref("ExternalId")}}, ref("AWS::NoValue")}},
		}}},
	}}
	return object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The role that scanner assumes in an account",
		"Metadata": object{"Scanner": object{
			"Stack": "in one account: aws cloudformation deploy --template-file role.json --stack-name scanner --capabilities CAPABILITY_NAMED_IAM --parameter-overrides TrustedPrincipal=ARN",
			"StackSet": "in all accounts of an organization: a service-managed stack set with automatic deployment, in one region, as roles are global. " +
				"It leaves out the management account: deploy the template there as a stack",
		}},
		"Parameters": object{
			"TrustedPrincipal":   object{"Type": "String", "Description": trusted},
			"RoleName":           object{"Type": "String", "Default": "scanner"},
			"ExternalId":         object{"Type": "String", "Default": "", "Description": foreign},
			"MaxSessionDuration": object{"Type": "Number", "Default": 3600, "MinValue": 3600, "MaxValue": 43200},
		},
		"Conditions": object{"HasExternalId": object{"Fn::Not": []object{{"Fn::Equals": []any{ref("ExternalId"), ""}}}}},
		"Resources":  resources,
		"Outputs":    object{"RoleArn": object{"Value": object{"Fn::GetAtt": []string{"Role", "Arn"}}}},
	}
}

// terraform returns the same role for Terraform. Its policies have the same numbers.
func terraform(parts [][]string) string {
	var b strings.Builder
	b.WriteString(`# The role that scanner assumes in an account: it reads configuration and changes nothing.
# terraform apply -var trusted_principal=arn:aws:iam::111111111111:role/audit

variable "trusted_principal" {
  type        = string
  description = "` + trusted + `"
}

variable "role_name" {
  type    = string
  default = "scanner"
}

variable "external_id" {
  type        = string
  default     = ""
  description = "` + foreign + `"
}

variable "max_session_duration" {
  type    = number
  default = 3600
}

data "aws_iam_policy_document" "scanner_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    principals {
      type        = "AWS"
      identifiers = [var.trusted_principal]
    }
    dynamic "condition" {
      for_each = var.external_id == "" ? [] : [var.external_id]
      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "scanner" {
  name                 = var.role_name
  description          = "Assumed by scanner, which reads configuration and changes nothing"
  assume_role_policy   = data.aws_iam_policy_document.scanner_trust.json
  max_session_duration = var.max_session_duration
}
`)
	for i, part := range parts {
		fmt.Fprintf(&b, `
resource "aws_iam_policy" "scanner_%[1]d" {
  name        = "${var.role_name}-%[1]d"
  description = "What scanner reads"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Scanner"
      Effect   = "Allow"
      Resource = "*"
      Action = [
        "%[2]s",
      ]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "scanner_%[1]d" {
  role       = aws_iam_role.scanner.name
  policy_arn = aws_iam_policy.scanner_%[1]d.arn
}
`, i+1, strings.Join(part, "\",\n        \""))
	}
	b.WriteString(`
output "role_arn" {
  value = aws_iam_role.scanner.arn
}
`)
	return b.String()
}

// permissionSet returns a CloudFormation template of a permission set of IAM Identity Center, whose actions are inline. Only if they are
// too many the AWS managed policies that also read nothing but configuration are attached, and take away what they grant.
func permissionSet(actions []string) (any, error) {
	attach := []object{}
	for _, name := range []string{"SecurityAudit", "ViewOnlyAccess"} {
		if size(actions) <= inlineSize {
			break
		}
		p := managedPolicy(name)
		attach = append(attach, object{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy" + p.Path + p.Name})
		actions = slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return p.grants(a) == granted })
	}
	if n := size(actions); n > inlineSize {
		return nil, usage("these actions have %d characters, and a permission set takes %d: make one for each of several --services", n, inlineSize)
	}
	set := object{
		"InstanceArn": ref("InstanceArn"), "Name": ref("Name"), "SessionDuration": ref("SessionDuration"),
		"Description": "For scanner, which reads configuration and changes nothing", "InlinePolicy": allow(actions),
	}
	if len(attach) > 0 {
		set["ManagedPolicies"] = attach
	}
	return object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The permission set of IAM Identity Center for those who scan: deploy it where Identity Center is administered, and assign it to accounts",
		"Parameters": object{
			"InstanceArn":     object{"Type": "String", "Description": "ARN of the instance, as aws sso-admin list-instances shows it"},
			"Name":            object{"Type": "String", "Default": "scanner"},
			"SessionDuration": object{"Type": "String", "Default": "PT4H", "Description": "ISO 8601, at most PT12H"},
		},
		"Resources": object{"PermissionSet": object{"Type": "AWS::SSO::PermissionSet", "Properties": set}},
	}, nil
}
