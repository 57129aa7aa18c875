package services_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/model"
)

// Of each service that is collected from it is known where its calls go, in each partition.
func TestHosts(t *testing.T) {
	for _, p := range session.Partitions {
		at := collect.At{Place: model.Place{Account: "111122223333", Region: p.AlwaysOn[0]}, Partition: p.Name, Config: aws.Config{Region: p.AlwaysOn[0]}}
		for _, service := range services.All {
			for _, c := range service(at) {
				if host := collect.Host(services.All, c.Op, at); !strings.HasSuffix(host, "."+p.Suffix) && !strings.HasSuffix(host, "."+p.DualStack) {
					t.Errorf("%s in %s: %q", c.Op, p.Name, host)
				}
			}
		}
	}
}

// Buckets and the accounts of S3's control plane have hosts of their own, which allow-lists must let through.
func TestHostOfItem(t *testing.T) {
	at := collect.At{Place: model.Place{Account: "111122223333", Region: "eu-west-1"}, Partition: "aws", Config: aws.Config{Region: "eu-west-1"}}
	for op, want := range map[string]string{
		"s3:ListBuckets":                 "s3.eu-west-1.amazonaws.com",
		"s3:GetBucketPolicy":             "*.s3.eu-west-1.amazonaws.com",
		"s3control:GetPublicAccessBlock": "*.s3-control.eu-west-1.amazonaws.com",
		"sqs:GetQueueAttributes":         "sqs.eu-west-1.amazonaws.com",
		"iam:ListAccessKeys":             "iam.amazonaws.com",
	} {
		if got := collect.Host(services.All, op, at); got != want {
			t.Errorf("%s: %q, want %q", op, got, want)
		}
	}
}
