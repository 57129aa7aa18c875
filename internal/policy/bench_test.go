package policy

import (
	"fmt"
	"testing"
)

// large is about 20 kB, the limit of a bucket policy.
func large() string {
	var s []string
	for i := range 56 {
		s = append(s, st([]string{"Allow", "Allow", "Deny"}[i%3], []string{`"*"`, `{"AWS":"arn:aws:iam::444455556666:role/a"}`}[i%2],
			fmt.Sprintf(`"Sid":"S%d","Action":["s3:GetObject","s3:Put*","s3:Delete*"],"Resource":["arn:aws:s3:::example/%d/*","arn:aws:s3:::example/team-%d/*/data"],`+
				`"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-%d"},"IpAddress":{"aws:SourceIp":["54.240.%d.0/24","54.241.%d.0/24"]},"Bool":{"aws:SecureTransport":"true"}}`, i, i, i, i, i, i)))
	}
	return document(s...)
}

func BenchmarkLarge(b *testing.B) {
	text := large()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		d.Public(Question{Account: own})
	}
}

// BenchmarkSmall is 100 000 policies of the usual size.
func BenchmarkSmall(b *testing.B) {
	texts := []string{
		document(st("Allow", `{"AWS":"arn:aws:iam::111122223333:root"}`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:q"`)),
		document(st("Allow", `{"Service":"sns.amazonaws.com"}`, `"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-central-1:111122223333:q","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-central-1:111122223333:*"}}`)),
		document(st("Allow", `"*"`, `"Resource":"arn:aws:sqs:eu-central-1:111122223333:q"`), st("Deny", `"*"`, `"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`)),
		when(`"StringEquals":{"AWS:SourceOwner":"111122223333"}`),
	}
	for b.Loop() {
		for i := range 100_000 {
			d, err := Parse(texts[i%len(texts)])
			if err != nil {
				b.Fatal(err)
			}
			d.Public(Question{Account: own, Actions: []string{"sqs:SendMessage", "sqs:ReceiveMessage"}})
		}
	}
}

func BenchmarkOpenings(b *testing.B) {
	rules := []Ingress{{Name: "r", Protocol: "tcp", From: 0, To: 65535, IPv4: publicPieces}, {Name: "s", Protocol: "-1", IPv6: []string{"2001:db8::/32"}}}
	ports := []Port{{"tcp", 22}, {"tcp", 3389}}
	for b.Loop() {
		Openings(rules, ports)
	}
}
