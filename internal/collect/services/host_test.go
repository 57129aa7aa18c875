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
				name, _, _ := strings.Cut(c.Op, ":")
				if host := collect.Host(services.All, name, at); !strings.HasSuffix(host, "."+p.Suffix) && !strings.HasSuffix(host, "."+p.DualStack) {
					t.Errorf("%s in %s: %q", c.Op, p.Name, host)
				}
			}
		}
	}
}
