package policy_test

import (
	"fmt"

	"awsscanner/internal/policy"
)

func Example() {
	doc, err := policy.Parse(`{
		"Version": "2012-10-17",
		"Statement": [{
			"Sid": "AllowAll",
			"Effect": "Allow",
			"Principal": {"AWS": "*"},
			"Action": "SQS:SendMessage",
			"Resource": "arn:aws:sqs:eu-central-1:111122223333:orders"
		}, {
			"Sid": "TLS",
			"Effect": "Deny",
			"Principal": "*",
			"Action": "sqs:*",
			"Resource": "*",
			"Condition": {"Bool": {"aws:SecureTransport": "false"}}
		}]
	}`)
	if err != nil {
		fmt.Println("cannot be modelled:", err)
		return
	}
	a := doc.Public(policy.Question{Account: "111122223333", Actions: []string{"sqs:SendMessage", "sqs:ReceiveMessage"}})
	fmt.Println(a.Level)
	fmt.Println(a.Text)
	fmt.Println(doc.DeniesPlainHTTP("sqs:*", "arn:aws:sqs:eu-central-1:111122223333:orders").Level)
	// Output:
	// yes
	// statement AllowAll lets anyone call sqs:SendMessage
	// yes
}

func ExampleDocument_Grants() {
	doc, _ := policy.Parse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sns:Publish", "Resource": "*"},
		{"Sid": "Events", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}
	]}`)
	for _, g := range doc.Grants(policy.Question{Account: "111122223333"}) {
		fmt.Println(g.Text)
	}
	// Output:
	// statement Partner lets account 444455556666 call sns:Publish
	// statement Events lets events.amazonaws.com, on behalf of anyone, call sns:Publish
}

func ExampleOpenings() {
	group := []policy.Ingress{{Name: "sgr-0a1b", Protocol: "tcp", From: 20, To: 25, IPv4: []string{"0.0.0.0/1", "128.0.0.0/1"}}}
	for _, o := range policy.Openings(group, []policy.Port{{Protocol: "tcp", Number: 22}, {Protocol: "tcp", Number: 3389}}) {
		fmt.Println(o.Text)
	}
	// Output:
	// tcp port 22 is open to 0.0.0.0/1, 128.0.0.0/1 (rule sgr-0a1b)
}
