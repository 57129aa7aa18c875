package policy

import (
	"fmt"
	"strings"
	"testing"
)

const (
	own     = "111122223333"
	foreign = "444455556666"
)

// st makes a statement of an effect and further members.
func st(effect, principal, rest string) string {
	s := `{"Effect":"` + effect + `"`
	if principal != "" {
		s += `,"Principal":` + principal
	}
	if !strings.Contains(rest, `Action"`) {
		s += `,"Action":"sqs:*"`
	}
	if rest != "" {
		s += "," + rest
	}
	return s + "}"
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// when makes a statement that lets everyone in under a condition.
func when(condition string) string {
	return document(st("Allow", `"*"`, `"Condition":{`+condition+`}`))
}

// unless makes a policy that lets everyone in, and denies it under a condition.
func unless(condition string) string {
	return document(st("Allow", `"*"`, ""), st("Deny", `"*"`, `"Condition":{`+condition+`}`))
}

func parse(t testing.TB, doc string) Document {
	t.Helper()
	d, err := Parse(doc)
	if err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return d
}

var public = []struct {
	name string
	doc  string
	want Level
}{
	// principals
	{"no policy", "", No},
	{"no statements", document(), No},
	{"principal *", document(st("Allow", `"*"`, "")), Yes},
	{"principal AWS *", document(st("Allow", `{"AWS":"*"}`, "")), Yes},
	{"principal list with *", document(st("Allow", `{"AWS":["arn:aws:iam::111122223333:root","*"]}`, "")), Yes},
	{"single statement object", `{"Version":"2012-10-17","Statement":` + st("Allow", `"*"`, "") + `}`, Yes},
	{"NotPrincipal with Allow is everyone else", document(`{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"sqs:*"}`), Yes},
	{"NotPrincipal * is nobody", document(`{"Effect":"Allow","NotPrincipal":"*","Action":"sqs:*"}`), No},
	{"an account is not everyone", document(st("Allow", `{"AWS":"444455556666"}`, "")), No},
	{"* inside an ARN is no wildcard", document(st("Allow", `{"AWS":"arn:aws:iam::*:root"}`, "")), No},
	{"* behind an account is no wildcard", document(st("Allow", `{"AWS":"arn:aws:iam::444455556666:role/*"}`, "")), No},
	{"a good first statement does not excuse a bad second", document(st("Allow", `{"AWS":"111122223333"}`, ""), st("Allow", `"*"`, "")), Yes},
	{"a service alone is a confused deputy, not public", document(st("Allow", `{"Service":"sns.amazonaws.com"}`, "")), No},
	{"a canonical user is not everyone", document(st("Allow", `{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`, "")), No},
	{"a statement without principal cannot be told", document(st("Allow", "", "")), Unknown},

	// tokens
	{"GitHub without sub is public", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}`)), Yes},
	{"GitHub with a repository", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:example/app:*"}}`)), OnlyUnderCondition},
	{"GitHub with a wildcard for the owner", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*/app:ref:refs/heads/main"}}`)), Yes},
	{"GitHub with an unfinished owner", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:example*"}}`)), Yes},
	{"GitHub with any branch named main", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"*:ref:refs/heads/main"}}`)), Yes},
	{"GitHub with ForAllValues on sub", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"ForAllValues:StringLike":{"token.actions.githubusercontent.com:sub":"repo:example/app:*"}}`)), OnlyUnderCondition},
	{"GitHub with a form of subject that is not known", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"workflow:x:*"}}`)), Unknown},
	{"Cognito without aud is public", document(st("Allow", `{"Federated":"cognito-identity.amazonaws.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"unauthenticated"}}`)), Yes},
	{"Cognito with aud", document(st("Allow", `{"Federated":"cognito-identity.amazonaws.com"}`, `"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:12345678-abcd"}}`)), OnlyUnderCondition},
	{"Facebook without app", document(st("Allow", `{"Federated":"graph.facebook.com"}`, "")), Yes},
	{"SAML provider", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`, "")), No},
	{"cluster of EKS", document(st("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"}`, "")), No},

	// conditions: what restricts
	{"organization", when(`"StringEquals":{"aws:PrincipalOrgID":"o-example"}`), OnlyUnderCondition},
	{"organization of the resource", when(`"StringEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}`), OnlyUnderCondition},
	{"whatever organization the caller is of", when(`"StringEquals":{"aws:PrincipalOrgID":"${aws:PrincipalOrgID}"}`), Yes},
	{"whatever account the caller is of", when(`"StringLike":{"AWS:PrincipalAccount":"${aws:principalaccount}"}`), Yes},
	{"account of the resource", when(`"StringEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}`), No},
	{"organization path", when(`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-example/r-x/*"}`), OnlyUnderCondition},
	{"own account", when(`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`), No},
	{"another account is shared, not public", when(`"StringEquals":{"aws:PrincipalAccount":"444455556666"}`), No},
	{"principal ARN", when(`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`), No},
	{"principal ARN of any account", when(`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}`), Yes},
	{"principal ARN with the account somewhere", when(`"StringLike":{"aws:PrincipalArn":"*111122223333*"}`), Unknown},
	{"source account", when(`"StringEquals":{"aws:SourceAccount":"111122223333"}`), No},
	{"source owner, as in the default policy of a topic", when(`"StringEquals":{"AWS:SourceOwner":"111122223333"}`), No},
	{"source ARN with an account", when(`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"}`), No},
	{"source ARN of a bucket has no account", when(`"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::example"}`), OnlyUnderCondition},
	{"source ARN of a bucket with wildcards around", when(`"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:example"}`), OnlyUnderCondition},
	{"source ARN of any bucket that begins so", when(`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example*"}`), Yes},
	{"source ARN of any account", when(`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`), Yes},
	{"source ARN of *", when(`"ArnLike":{"aws:SourceArn":"*"}`), Yes},
	{"source organization", when(`"StringEquals":{"aws:SourceOrgID":"o-example"}`), OnlyUnderCondition},
	{"VPC", when(`"StringEquals":{"aws:SourceVpc":"vpc-91237329"}`), OnlyUnderCondition},
	{"any VPC", when(`"StringLike":{"aws:SourceVpc":"vpc-*"}`), Yes},
	{"VPC endpoint", when(`"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}`), OnlyUnderCondition},
	{"account of the access point", when(`"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}`), No},
	{"access points of an account", when(`"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:111122223333:accesspoint/*"}`), No},
	{"caller account of KMS", when(`"StringEquals":{"kms:CallerAccount":"111122223333"}`), No},
	{"kms:ViaService alone", when(`"StringEquals":{"kms:ViaService":"sqs.eu-central-1.amazonaws.com"}`), Yes},
	{"kms:ViaService and the caller account", when(`"StringEquals":{"kms:ViaService":"sqs.eu-central-1.amazonaws.com","kms:CallerAccount":"111122223333"}`), No},
	{"few addresses", when(`"IpAddress":{"aws:SourceIp":["54.240.143.0/24","2001:db8::/48"]}`), OnlyUnderCondition},
	{"private addresses", when(`"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}`), OnlyUnderCondition},
	{"a /8 is still a place", when(`"IpAddress":{"aws:SourceIp":"54.0.0.0/8"}`), OnlyUnderCondition},
	{"a /7 is not", when(`"IpAddress":{"aws:SourceIp":"54.0.0.0/7"}`), Yes},
	{"0.0.0.0/0", when(`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`), Yes},
	{"split halves of the internet", when(`"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}`), Yes},
	{"::/0", when(`"IpAddress":{"aws:SourceIp":"::/0"}`), Yes},
	{"narrow addresses beside all", when(`"IpAddress":{"aws:SourceIp":["54.240.143.0/24","0.0.0.0/0"]}`), Yes},
	{"a user ID", when(`"StringLike":{"aws:userid":"AROAEXAMPLEID:*"}`), OnlyUnderCondition},
	{"an SNS endpoint in a domain", when(`"StringLike":{"sns:Endpoint":"*@example.com"}`), OnlyUnderCondition},
	{"any SNS endpoint", when(`"StringLike":{"sns:Endpoint":"https://*"}`), Yes},
	{"function URL", document(st("Allow", `"*"`, `"Action":"lambda:InvokeFunctionUrl","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`)), OnlyUnderCondition},
	{"own account of the resource says nothing of callers", when(`"StringEquals":{"aws:ResourceAccount":"111122223333"}`), Yes},

	// conditions: what does not
	{"keys ignore case", when(`"StringEquals":{"AWS:principalORGid":"o-example"}`), OnlyUnderCondition},
	{"IfExists", when(`"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1a2b3c4d"}`), Yes},
	{"IfExists on what a caller always has", when(`"StringEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}`), Yes}, // unsigned
	{"ForAllValues passes without values", when(`"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-example/*"}`), Yes},
	{"Null true", when(`"Null":{"aws:PrincipalOrgID":"true"}`), Yes},
	{"Null false", when(`"Null":{"aws:PrincipalOrgID":"false"}`), Yes},
	{"negated operator", when(`"StringNotEquals":{"aws:PrincipalAccount":"444455556666"}`), Yes},
	{"negated addresses", when(`"NotIpAddress":{"aws:SourceIp":"54.240.143.188/32"}`), Yes},
	{"value *", when(`"StringLike":{"aws:PrincipalOrgID":"*"}`), Yes},
	{"value * beside a good one", when(`"StringLike":{"aws:PrincipalAccount":["111122223333","*"]}`), Yes},
	{"partial wildcard in an account", when(`"StringLike":{"aws:PrincipalAccount":"1111*"}`), Yes},
	{"TLS", when(`"Bool":{"aws:SecureTransport":"true"}`), Yes},
	{"no TLS is of no use", when(`"Bool":{"aws:SecureTransport":"false"}`), OnlyUnderCondition},
	{"external ID", when(`"StringEquals":{"sts:ExternalId":"secret"}`), Yes},
	{"user agent", when(`"StringEquals":{"aws:UserAgent":"secret"}`), Yes},
	{"referer", when(`"StringLike":{"aws:Referer":"https://example.com/*"}`), Yes},
	{"own tags", when(`"StringEquals":{"aws:PrincipalTag/team":"a"}`), Yes},
	{"MFA", when(`"Bool":{"aws:MultiFactorAuthPresent":"true"}`), Yes},
	{"boolean value", when(`"Bool":{"aws:SecureTransport":true}`), Yes},
	{"number value", when(`"NumericLessThanEquals":{"s3:max-keys":10}`), Yes},
	{"not an AWS service", when(`"Bool":{"aws:PrincipalIsAWSService":"false"}`), Yes},
	{"AND between keys", when(`"StringEquals":{"aws:UserAgent":"x","aws:PrincipalOrgID":"o-example"}`), OnlyUnderCondition},
	{"AND with a key that is not known", when(`"StringEquals":{"aws:NewKey":"x","aws:PrincipalAccount":"111122223333"}`), No},
	{"OR between values", when(`"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}`), No},
	{"a key that is not known", when(`"StringEquals":{"s3:ExistingObjectTag/public":"yes"}`), Unknown},
	{"an operator that is not known", when(`"StringMatches":{"aws:PrincipalOrgID":"o-example"}`), Unknown},
	{"dates are not modelled", when(`"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`), Unknown},
	{"source account of the resource", when(`"StringEquals":{"aws:SourceAccount":"${aws:ResourceAccount}"}`), No},
	{"path in the organization of the resource", when(`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"${aws:ResourceOrgID}/*"}`), OnlyUnderCondition},
	{"a Deny for others than the organization of the resource, which may have none", unless(`"StringNotEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}`), Unknown},
	{"a Deny for others than the account of the resource", unless(`"StringNotEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}`), No},
	{"another policy variable", when(`"StringEquals":{"aws:SourceAccount":"${aws:PrincipalTag/account}"}`), Unknown},
	{"a bad range", when(`"IpAddress":{"aws:SourceIp":"54.240.143.0/33"}`), Unknown},
	{"addresses as strings", when(`"StringLike":{"aws:SourceIp":"54.240.*"}`), Unknown},
	{"contradiction", when(`"StringEquals":{"aws:UserAgent":"a"},"StringLike":{"aws:UserAgent":"b*"}`), OnlyUnderCondition},

	// denies
	{"Deny of everything", document(st("Allow", `"*"`, ""), st("Deny", `"*"`, "")), No},
	{"Deny first", document(st("Deny", `"*"`, ""), st("Allow", `"*"`, "")), No},
	{"Deny in another case", document(st("Allow", `"*"`, `"Action":"SQS:SendMessage"`), st("Deny", `"*"`, `"Action":"sqs:sendmessage"`)), No},
	{"Deny of some actions", document(st("Allow", `"*"`, ""), st("Deny", `"*"`, `"Action":"sqs:SendMessage"`)), Yes},
	{"Deny in two halves", document(st("Allow", `"*"`, `"Action":["sqs:SendMessage","sqs:ReceiveMessage"]`), st("Deny", `"*"`, `"Action":"sqs:S*"`), st("Deny", `"*"`, `"Action":"sqs:R*"`)), No},
	{"Deny of foreign resources", document(st("Allow", `"*"`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:a"`), st("Deny", `"*"`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:b"`)), Yes},
	{"Deny of an incomplete ARN", document(st("Allow", `"*"`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:a"`), st("Deny", `"*"`, `"Resource":"arn:aws:sqs"`)), No},
	{"Deny with NotAction", document(st("Allow", `"*"`, `"Action":"sqs:SendMessage"`), st("Deny", `"*"`, `"NotAction":"sqs:ReceiveMessage"`)), No},
	{"Deny with NotResource", document(st("Allow", `"*"`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:a"`), st("Deny", `"*"`, `"NotResource":"arn:aws:sqs:eu-central-1:111122223333:a"`)), Yes},
	{"Deny of one account", document(st("Allow", `"*"`, ""), st("Deny", `{"AWS":"444455556666"}`, "")), Yes},
	{"Deny with NotPrincipal leaves only those", document(st("Allow", `"*"`, ""), `{"Effect":"Deny","NotPrincipal":{"AWS":["444455556666","arn:aws:iam::444455556666:role/a"]},"Action":"*"}`), No},
	{"Deny without TLS does not stop TLS", unless(`"Bool":{"aws:SecureTransport":"false"}`), Yes},
	{"Deny of old TLS does not stop new TLS", unless(`"NumericLessThan":{"s3:TlsVersion":1.2}`), Yes},
	{"Deny outside the organization", unless(`"StringNotEquals":{"aws:PrincipalOrgID":"o-example"}`), OnlyUnderCondition},
	{"Deny outside the organization, with IfExists", unless(`"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-example"}`), OnlyUnderCondition},
	{"Deny outside the organization, but not to services", unless(`"StringNotEquals":{"aws:PrincipalOrgID":"o-example"},"Bool":{"aws:PrincipalIsAWSService":"false"}`), OnlyUnderCondition},
	{"Deny outside the account, but not to requests through services", unless(`"StringNotEquals":{"aws:PrincipalAccount":"111122223333"},"Bool":{"aws:ViaAWSService":"false"}`), Yes}, // of the stranger's account
	{"a named service, by condition", when(`"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}`), OnlyUnderCondition},
	{"Deny outside the account", unless(`"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}`), No},
	{"Deny outside the VPC endpoint", unless(`"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}`), OnlyUnderCondition},
	{"Deny outside some addresses", unless(`"NotIpAddress":{"aws:SourceIp":"54.240.143.0/24"}`), OnlyUnderCondition},
	{"Deny inside some addresses", unless(`"IpAddress":{"aws:SourceIp":"54.240.143.0/24"}`), Yes},
	{"Deny outside half of the internet", unless(`"NotIpAddress":{"aws:SourceIp":"0.0.0.0/1"}`), Yes},
	{"Deny that needs two things, one of which the caller avoids", unless(`"StringNotEquals":{"aws:PrincipalOrgID":"o-example"},"StringEquals":{"aws:UserAgent":"x"}`), Yes},
	{"Deny unless encrypted, which the caller can do", unless(`"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}`), Yes},
	{"Deny with and without a header", document(st("Allow", `"*"`, ""), st("Deny", `"*"`, `"Condition":{"Null":{"s3:x-amz-acl":"true"}}`), st("Deny", `"*"`, `"Condition":{"Null":{"s3:x-amz-acl":"false"}}`)), OnlyUnderCondition},
	{"Deny of just what Allow needs", document(st("Allow", `"*"`, `"Condition":{"StringEquals":{"s3:x-amz-acl":"a"}}`), st("Deny", `"*"`, `"Condition":{"StringEquals":{"s3:x-amz-acl":"a"}}`)), OnlyUnderCondition},
	{"Deny that cannot be modelled", unless(`"StringEquals":{"aws:NewKey":"x"}`), Unknown},
	{"Deny that cannot be modelled, but is about foreign actions", document(st("Allow", `"*"`, `"Action":"sqs:SendMessage"`), st("Deny", `"*"`, `"Action":"sqs:Purge*","Condition":{"StringEquals":{"aws:NewKey":"x"}}`)), Yes},
	{"Deny that cannot be modelled over an Allow under condition", document(st("Allow", `"*"`, `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-example"}}`), st("Deny", `"*"`, `"Condition":{"StringEquals":{"aws:NewKey":"x"}}`)), OnlyUnderCondition},
	{"Deny that cannot be modelled takes nothing from another about the same key", document(st("Allow", `"*"`, ""), st("Deny", `"*"`, `"Condition":{"NotIpAddress":{"aws:SourceIp":"54.240.143.0/24"}}`), st("Deny", `"*"`, `"Condition":{"StringLike":{"aws:SourceIp":"54.240.*"}}`)), OnlyUnderCondition},
	{"Deny with a variable in its resources", document(st("Allow", `"*"`, ""), st("Deny", `"*"`, `"Resource":"arn:aws:sqs:*:*:${aws:username}"`)), Yes}, // others remain
	{"escaped wildcard is a character", document(st("Allow", `"*"`, `"Resource":"arn:aws:s3:::b/${*}"`), st("Deny", `"*"`, `"Resource":"arn:aws:s3:::b/\u002a"`)), No},
}

func TestPublic(t *testing.T) {
	for _, c := range public {
		t.Run(c.name, func(t *testing.T) {
			a := parse(t, c.doc).Public(Question{Account: own})
			if a.Level != c.want {
				t.Errorf("%v, want %v: %s", a.Level, c.want, a.Text)
			}
			if (a.Level == No) != (len(a.Statements) == 0) || a.Text == "" {
				t.Errorf("evidence %q, text %q", a.Statements, a.Text)
			}
		})
	}
}

func TestQuestions(t *testing.T) {
	org := when(`"StringEquals":{"aws:PrincipalOrgID":"o-example"}`)
	url := document(st("Allow", `"*"`, `"Action":"lambda:InvokeFunctionUrl","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`))
	viaURL := map[string]string{"lambda:FunctionUrlAuthType": "NONE"}
	for _, c := range []struct {
		name string
		doc  string
		q    Question
		want Level
	}{
		{"own organization is not public", org, Question{Account: own, Org: "o-example"}, No},
		{"another organization", org, Question{Account: own, Org: "o-mine"}, OnlyUnderCondition},
		{"through the function URL", url, Question{Account: own, Actions: []string{"lambda:InvokeFunctionUrl"}, Context: viaURL}, Yes},
		{"through a function URL with IAM", url, Question{Account: own, Context: map[string]string{"lambda:functionurlauthtype": "AWS_IAM"}}, OnlyUnderCondition},
		{"not through the URL", url, Question{Account: own, Actions: []string{"lambda:InvokeFunction"}}, No},
		{"actions it does not ask about", document(st("Allow", `"*"`, `"Action":"sqs:Get*"`)), Question{Actions: []string{"sqs:SendMessage"}}, No},
		{"wildcards on both sides", document(st("Allow", `"*"`, `"Action":"sqs:*Message"`)), Question{Actions: []string{"sqs:Send*"}}, Yes},
		{"wildcards that never meet", document(st("Allow", `"*"`, `"Action":"sqs:*Batch"`)), Question{Actions: []string{"sqs:?"}}, No},
		{"resources that never meet", document(st("Allow", `"*"`, `"Action":"s3:*","Resource":"arn:aws:s3:::b/public/*"`)), Question{Resources: []string{"arn:aws:s3:::b"}}, No},
		{"resources that meet", document(st("Allow", `"*"`, `"Action":"s3:*","Resource":"arn:aws:s3:::b/public/*"`)), Question{Resources: []string{"arn:aws:s3:::b/*"}}, Yes},
		{"resources keep their case", document(st("Allow", `"*"`, `"Action":"s3:*","Resource":"arn:aws:s3:::B"`)), Question{Resources: []string{"arn:aws:s3:::b"}}, No},
		{"an account that is named", document(st("Allow", `{"AWS":"arn:aws:iam::444455556666:role/a"}`, "")), Question{Who: AnAccount, Caller: foreign}, Yes},
		{"an account that is not", document(st("Allow", `{"AWS":"arn:aws:iam::444455556666:role/a"}`, "")), Question{Who: AnAccount, Caller: "999999999999"}, No},
		{"IDs are compared whole", document(st("Allow", `{"AWS":"arn:aws:iam::444455556666:role/111122223333"}`, "")), Question{Who: AnAccount, Caller: own}, No},
		{"an account exempt from a Deny", document(st("Allow", `"*"`, ""), `{"Effect":"Deny","NotPrincipal":{"AWS":"444455556666"},"Action":"*"}`), Question{Who: AnAccount, Caller: foreign}, Yes},
		{"an account of which one role is exempt", document(st("Allow", `"*"`, ""), `{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::444455556666:role/a"},"Action":"*"}`), Question{Who: AnAccount, Caller: foreign}, Unknown},
		{"outsiders: another account", document(st("Allow", `{"AWS":"444455556666"}`, "")), Question{Who: Outsiders, Account: own}, Yes},
		{"outsiders: a trusted account", document(st("Allow", `{"AWS":"444455556666"}`, "")), Question{Who: Outsiders, Account: own, Trusted: []string{foreign}}, No},
		{"outsiders: the own account", document(st("Allow", `{"AWS":"111122223333"}`, "")), Question{Who: Outsiders, Account: own}, No},
		{"outsiders: an account that a Deny spares", unless(`"StringNotEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}`), Question{Who: Outsiders, Account: own}, Yes},
		{"outsiders: only the own account that a Deny spares", unless(`"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}`), Question{Who: Outsiders, Account: own}, No},
		{"outsiders: a canonical user", document(st("Allow", `{"CanonicalUser":"79a59df900b949e5"}`, "")), Question{Who: Outsiders, Account: own}, Unknown},
		{"outsiders: a deleted role", document(st("Allow", `{"AWS":"AROAEXAMPLEEXAMPLE123"}`, "")), Question{Who: Outsiders, Account: own}, No},
		{"any account, but only unsigned", when(`"Null":{"aws:PrincipalAccount":"true"},"Bool":{"aws:PrincipalIsAWSService":"false"}`), Question{Who: AnyAccount}, OnlyUnderCondition},
		{"unsigned", when(`"Null":{"aws:PrincipalAccount":"true"},"Bool":{"aws:PrincipalIsAWSService":"false"}`), Question{}, Yes},
		{"service without source", document(st("Allow", `{"Service":"sns.amazonaws.com"}`, "")), Question{Who: AService, Caller: "sns.amazonaws.com"}, Yes},
		{"service with its source", document(st("Allow", `{"Service":"sns.amazonaws.com"}`, `"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"}}`)), Question{Who: AService, Caller: "sns.amazonaws.com"}, No},
		{"service with the source of any account", document(st("Allow", `{"Service":"sns.amazonaws.com"}`, `"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}}`)), Question{Who: AService, Caller: "sns.amazonaws.com"}, Yes},
		{"compute that takes on a role is excused", document(st("Allow", `{"Service":"ec2.amazonaws.com"}`, `"Action":"sts:AssumeRole"`)), Question{Who: AService, Caller: "ec2.amazonaws.com"}, No},
		{"compute that pulls an image is not", document(st("Allow", `{"Service":"lambda.amazonaws.com"}`, `"Action":"ecr:BatchGetImage"`)), Question{Who: AService, Caller: "lambda.amazonaws.com"}, Yes},
		{"holder", document(st("Allow", "", `"Action":"iam:PassRole","Resource":"*"`)), Question{Who: Holder, Actions: []string{"iam:PassRole"}}, Yes},
		{"holder under condition", document(st("Allow", "", `"Action":"iam:PassRole","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`)), Question{Who: Holder, Actions: []string{"iam:PassRole"}}, OnlyUnderCondition},
		{"holder and a Deny under condition", document(st("Allow", "", `"Action":"*"`), st("Deny", "", `"Action":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`)), Question{Who: Holder}, Yes},
		{"a trust policy is no identity policy", document(st("Allow", `"*"`, "")), Question{Who: Holder}, Unknown},
		{"hundreds of Deny statements", document(append([]string{st("Allow", `"*"`, "")}, many(70)...)...), Question{}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := parse(t, c.doc).Access(c.q); a.Level != c.want {
				t.Errorf("%v, want %v: %s", a.Level, c.want, a.Text)
			}
		})
	}
}

func many(n int) (out []string) {
	for i := range n {
		out = append(out, st("Deny", `"*"`, fmt.Sprintf(`"Action":"sqs:A%d"`, i)))
	}
	return out
}

func TestGrants(t *testing.T) {
	doc := parse(t, document(
		st("Allow", `{"AWS":["444455556666","arn:aws:iam::777788889999:role/reader","AROAEXAMPLEEXAMPLE123","arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"]}`, `"Sid":"Shared"`),
		st("Allow", `{"CanonicalUser":"79a59df900b949e5"}`, ""),
		st("Allow", `{"Service":["events.amazonaws.com","sns.amazonaws.com"]}`, `"Condition":{"StringEquals":{"aws:SourceAccount":"121212121212"}}`),
		st("Allow", `{"Service":"s3.amazonaws.com"}`, ""),
		st("Allow", `{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`, ""),
		st("Allow", `"*"`, `"Condition":{"StringEquals":{"aws:PrincipalAccount":"343434343434"}}`),
		st("Allow", `{"AWS":"565656565656"}`, `"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`),
		st("Deny", `{"AWS":"arn:aws:iam::777788889999:role/reader"}`, ""),
	))
	var got []string
	for _, g := range doc.Grants(Question{Account: own, Trusted: []string{foreign}}) {
		got = append(got, fmt.Sprintf("%d %s %v", g.Kind, g.Principal, g.Level))
	}
	want := []string{
		"0 121212121212 yes", "0 343434343434 yes", "0 565656565656 only under condition",
		"1 79a59df900b949e5 yes", "1 arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1 yes",
		"2 AROAEXAMPLEEXAMPLE123 no",
		"3 arn:aws:iam::111122223333:saml-provider/corp only under condition",
		"4 s3.amazonaws.com yes",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{document(st("Allow", `"*"`, `"Sid":"AllowAll","Action":"sqs:SendMessage"`)), "statement AllowAll lets anyone call sqs:SendMessage"},
		{when(`"StringEquals":{"aws:PrincipalOrgID":"o-example"}`), "statement #1 lets anyone call sqs:* only under condition: StringEquals aws:PrincipalOrgID o-example"},
		{when(`"StringEquals":{"aws:NewKey":["a","b","c","d"]}`), "statement #1 may let anyone call sqs:*: its condition cannot be modelled (StringEquals aws:NewKey a, b, c, and 1 more)"},
		{unless(`"StringEquals":{"aws:NewKey":"x"}`), "statement #1 may let anyone call sqs:*: statement #2 (StringEquals aws:NewKey x) denies it under a condition that cannot be modelled"},
		{unless(`"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}`), "statement #1 lets anyone call sqs:* only under condition: statement #2 (StringNotEquals aws:PrincipalOrgID o-1) denies it to the rest"},
		{document(st("Allow", `"*"`, `"NotAction":"sqs:DeleteQueue"`)), "statement #1 lets anyone call everything but sqs:DeleteQueue"},
		{document(), "no statement lets anyone call anything"},
	} {
		if got := parse(t, c.doc).Public(Question{Account: own}).Text; got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
