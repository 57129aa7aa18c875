package policy

import "testing"

func TestAdmin(t *testing.T) {
	allow := func(rest string) string { return st("Allow", "", rest) }
	deny := func(rest string) string { return st("Deny", "", rest) }
	for _, c := range []struct {
		name  string
		doc   string
		reach Reach
		level Level
		iam   bool
	}{
		{"AdministratorAccess", document(allow(`"Action":"*","Resource":"*"`)), Full, Yes, true},
		{"*:*", document(allow(`"Action":"*:*","Resource":"*"`)), Full, Yes, true},
		{"lists with * in them", document(allow(`"Action":["s3:Get*","*"],"Resource":["arn:aws:s3:::b","*"]`)), Full, Yes, true},
		{"two statements add up", document(allow(`"Action":"iam:*","Resource":"*"`), allow(`"NotAction":"IAM:*","Resource":"*"`)), Full, Yes, true},
		{"NotAction iam:* is wide", document(allow(`"NotAction":"iam:*","Resource":"*"`)), Wide, Yes, false},
		{"NotAction of something small is wide, with IAM", document(allow(`"NotAction":"aws-portal:*","Resource":"*"`)), Wide, Yes, true},
		{"NotAction of nothing is full", document(allow(`"NotAction":[],"Resource":"*"`)), Full, Yes, true},
		{"NotResource is wide", document(allow(`"Action":"*","NotResource":"arn:aws:s3:::b"`)), Wide, Yes, true},
		{"NotResource of something of IAM", document(allow(`"Action":"*","NotResource":"arn:aws:iam::111122223333:role/admin"`)), Wide, Yes, false},
		{"all ARNs are wide", document(allow(`"Action":"*","Resource":"arn:aws:*:*:*:*"`)), Wide, Yes, true},
		{"all actions on one bucket", document(allow(`"Action":"*","Resource":"arn:aws:s3:::b/*"`)), Limited, Yes, false},
		{"a whole service", document(allow(`"Action":"s3:*","Resource":"*"`)), Limited, Yes, false},
		{"IAM alone is no admin", document(allow(`"Action":"iam:*","Resource":"*"`)), Limited, Yes, true},
		{"less an unconditional Deny", document(allow(`"Action":"*"`), deny(`"Action":"organizations:*"`)), Wide, Yes, true},
		{"less a Deny of everything", document(allow(`"Action":"*"`), deny(`"Action":"*"`)), Limited, Yes, false},
		{"a Deny under condition does not count", document(allow(`"Action":"*"`), deny(`"Action":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`)), Full, Yes, true},
		{"under condition", document(allow(`"Action":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)), Full, OnlyUnderCondition, true},
		{"wildcards in a service name are no full access", document(allow(`"Action":"s*:*","Resource":"*"`)), Limited, Yes, false},
		{"empty", document(), Limited, Yes, false},
		{"a resource with a variable", document(allow(`"Action":"*","Resource":"arn:aws:s3:::${aws:username}"`)), Limited, Yes, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := parse(t, c.doc).Admin()
			if p.Reach != c.reach || p.Level != c.level || p.IAM != c.iam || p.Text == "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	doc := parse(t, document(st("Allow", "", `"Action":"IAM:Pass*","Resource":"*"`), st("Deny", "", `"Action":"iam:*","Resource":"arn:aws:iam::111122223333:role/admin"`)))
	if a := doc.Covers([]string{"iam:PassRole"}, nil); a.Level != No {
		t.Errorf("one role is denied: %+v", a)
	}
	if a := doc.Covers([]string{"iam:PassRole"}, []string{"arn:aws:iam::111122223333:role/app*"}); a.Level != Yes || a.Statements[0] != "#1" {
		t.Errorf("%+v", a)
	}
}

func TestDeniesPlainHTTP(t *testing.T) {
	const bucket = "arn:aws:s3:::example"
	tls := func(principal, action, resource, condition string) string {
		return st("Deny", principal, `"Action":`+action+`,"Resource":`+resource+`,"Condition":`+condition)
	}
	const both = `["arn:aws:s3:::example","arn:aws:s3:::example/*"]`
	const plain = `{"Bool":{"aws:SecureTransport":"false"}}`
	for _, c := range []struct {
		name string
		doc  string
		want Level
	}{
		{"as AWS shows it", document(tls(`"*"`, `"s3:*"`, both, plain)), Yes},
		{"boolean", document(tls(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":false}}`)), Yes},
		{"list", document(tls(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":["false"]}}`)), Yes},
		{"IfExists", document(tls(`{"AWS":"*"}`, `"*"`, `"*"`, `{"BoolIfExists":{"AWS:securetransport":"FALSE"}}`)), Yes},
		{"one pattern for bucket and objects", document(tls(`"*"`, `"s3:*"`, `"arn:aws:s3:::example*"`, plain)), Yes},
		{"bucket and objects in two statements", document(tls(`"*"`, `"s3:*"`, `"arn:aws:s3:::example"`, plain), tls(`"*"`, `"s3:*"`, `"arn:aws:s3:::example/*"`, plain)), Yes},
		{"objects only", document(tls(`"*"`, `"s3:*"`, `"arn:aws:s3:::example/*"`, plain)), No},
		{"bucket only", document(tls(`"*"`, `"s3:*"`, `"arn:aws:s3:::example"`, plain)), No},
		{"some actions only", document(tls(`"*"`, `"s3:PutObject"`, both, plain)), No},
		{"some principals only", document(tls(`{"AWS":"444455556666"}`, `"s3:*"`, both, plain)), OnlyUnderCondition},
		{"with an exception", document(tls(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":"false","aws:PrincipalIsAWSService":"false"}}`)), OnlyUnderCondition},
		{"true instead of false", document(tls(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":"true"}}`)), No},
		{"the TLS version is another matter", document(tls(`"*"`, `"s3:*"`, both, `{"NumericLessThan":{"s3:TlsVersion":"1.2"}}`)), No},
		{"Allow with TLS denies nothing", document(st("Allow", `"*"`, `"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`)), No},
		{"as a string", document(tls(`"*"`, `"s3:*"`, both, `{"StringEquals":{"aws:SecureTransport":"false"}}`)), Unknown},
		{"another bucket", document(tls(`"*"`, `"s3:*"`, `["arn:aws:s3:::examples","arn:aws:s3:::examples/*"]`, plain)), No},
		{"no policy", "", No},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := parse(t, c.doc).DeniesPlainHTTP("s3:*", bucket, bucket+"/*")
			if a.Level != c.want || a.Text == "" {
				t.Errorf("%v, want %v: %s", a.Level, c.want, a.Text)
			}
		})
	}
}
