package match

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/suggest"
)

// A Vocabulary is the names that conditions may use.
type Vocabulary struct {
	Rules []string // IDs
	Kinds []string // of what rules judge
}

// Check refuses what a condition can never mean, or what can only be a mistake.
func (c *Condition) Check(f *strictyaml.File, path string, v Vocabulary) {
	if c.empty() && !f.Wrong(path) {
		f.Refuse(path, "the condition is empty: say which results it means, as rule: s3-*")
	}
	each(f, path, "rule", c.Rule, func(glob string) string { return v.refuseName("rule", glob, v.Rules, "see scanner rules list") })
	each(f, path, "kind", c.Kind, func(glob string) string {
		return v.refuseName("kind", glob, v.Kinds, "see the resource types of scanner rules list -o json")
	})
	each(f, path, "account", c.Account, refuseAccount)
	each(f, path, "region", c.Region, RefuseRegion)
	each(f, path, "resource", c.Resource, refuseResource)
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		if strings.Contains(key, "*") {
			f.Refuse(sub(path, "tags."+key), "the tag key %q holds a star, but keys are taken as they are: write the whole key", key)
		}
	}
	for i := range c.Any {
		c.Any[i].Check(f, sub(path, fmt.Sprintf("any[%d]", i)), v)
	}
	for i := range c.All {
		c.All[i].Check(f, sub(path, fmt.Sprintf("all[%d]", i)), v)
	}
	if c.Not != nil {
		c.Not.Check(f, sub(path, "not"), v)
	}
}

func sub(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func each(f *strictyaml.File, path, key string, all []string, refuse func(string) string) {
	for i, text := range all {
		if text == "" {
			continue // refused already
		}
		if why := refuse(text); why != "" {
			f.Refuse(fmt.Sprintf("%s[%d]", sub(path, key), i), "%s: %s", key, why)
		}
	}
}

// refuseName refuses a glob that matches none of some names, or all of them.
func (v *Vocabulary) refuseName(what, glob string, names []string, otherwise string) string {
	matches := func(name string) bool { return engine.Match(glob, name) }
	switch {
	case !slices.ContainsFunc(names, matches):
		return fmt.Sprintf("no %s matches %q: %s", what, glob, suggest.DidYouMean(glob, names, otherwise))
	case strings.Contains(glob, "*") && !slices.ContainsFunc(names, func(name string) bool { return !matches(name) }):
		return fmt.Sprintf("%q matches every %s: name those that you mean, or leave it out", glob, what)
	}
	return ""
}

func refuseAccount(id string) string {
	switch {
	case accountID.MatchString(id):
		return ""
	case strings.Contains(id, "*"):
		return fmt.Sprintf("%q is no account ID: write the 12 digits of each account, as patterns are not understood here", id)
	case regexp.MustCompile(`^[0-9]{1,11}$`).MatchString(id):
		return fmt.Sprintf("%q has %d digits, and an account ID 12: leading zeros may have been lost", id, len(id))
	}
	return fmt.Sprintf("%q is no account ID: write its 12 digits", id)
}

var (
	regionGlob = regexp.MustCompile(`^[a-z0-9*-]+$`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
)

// RefuseRegion says what is wrong with the name of a region, or a glob of some: "" if nothing is.
func RefuseRegion(glob string) string {
	switch {
	case regionGlob.MatchString(strings.ToLower(glob)) && !regionGlob.MatchString(glob):
		return fmt.Sprintf("there is no region %q: write it in lower case, as eu-west-1", glob)
	case !slices.ContainsFunc(regions, func(region string) bool { return !engine.Match(glob, region) }):
		return fmt.Sprintf("%q matches every region: name those that you mean, or leave it out", glob)
	case !regionGlob.MatchString(glob), !strings.Contains(glob, "*") && !regionName.MatchString(glob):
		return fmt.Sprintf("there is no region %q: write a name as eu-west-1, or a glob as eu-*", glob)
	case slices.ContainsFunc(regions, func(region string) bool { return engine.Match(glob, region) }):
	case strings.Contains(glob, "*"):
		return fmt.Sprintf("no region matches %q: write a name as eu-west-1, or a glob as eu-*", glob)
	default: // a region that is younger than this scanner is none that is merely mistyped
		for _, region := range regions {
			if stem := strings.TrimRight(region, digits); suggest.Distance(stem, strings.TrimRight(glob, digits)) == 1 {
				return fmt.Sprintf("there is no region %q: did you mean %s?", glob, region)
			}
		}
	}
	return ""
}

const digits = "0123456789"

// regions are those that botocore 1.43.11 knows: November 2026.
var regions = strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2
	ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1
	eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2
	cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1
	us-isof-south-1 eusc-de-east-1`)

// Two ARNs that have nothing in common but being ARNs, in each partition.
func arns(partition string) [2]string {
	return [2]string{"arn:" + partition + ":iam::111111111111:role/a", "arn:" + partition + ":sqs:x-y-1:222222222222:b"}
}

func refuseResource(glob string) string {
	if strings.Trim(glob, "*") == "" {
		return fmt.Sprintf("%q matches every resource: name those that you mean, or leave it out", glob)
	}
	if strings.HasPrefix(glob, "^") || strings.HasSuffix(glob, "$") || strings.ContainsAny(glob, `|\`) {
		return fmt.Sprintf("%q looks like a regular expression: only a star is special, and stands for any characters", glob)
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso"} {
		if both := arns(partition); engine.Match(glob, both[0]) && engine.Match(glob, both[1]) {
			return fmt.Sprintf("%q matches every ARN: name the resources that you mean, or leave it out", glob)
		}
	}
	return ""
}

func (c *Condition) empty() bool {
	return len(c.Rule)+len(c.Account)+len(c.Region)+len(c.Resource)+len(c.Kind)+len(c.Severity)+len(c.Stack)+len(c.Tags)+len(c.Any)+len(c.All) == 0 && c.Not == nil
}

// Narrows reports whether the condition names something: a severity, or what is not meant, leaves everything else.
func (c *Condition) Narrows() bool {
	narrows := func(c Condition) bool { return c.Narrows() }
	return len(c.Rule)+len(c.Account)+len(c.Region)+len(c.Resource)+len(c.Kind)+len(c.Stack)+len(c.Tags) > 0 ||
		slices.ContainsFunc(c.All, narrows) || len(c.Any) > 0 && !slices.ContainsFunc(c.Any, func(c Condition) bool { return !c.Narrows() })
}
