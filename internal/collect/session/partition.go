package session

import (
	"slices"
	"strings"
)

// A Partition is a group of regions with accounts, endpoints and ARNs of its own.
type Partition struct {
	Name      string   // second part of its ARNs
	Suffix    string   // of the names of its endpoints
	DualStack string   // the same of its dual-stack endpoints
	AlwaysOn  []string // regions that cannot be switched off

	begins string            // prefix of its regions; "" for those of aws, which have many
	home   string            // region where its global services are called and signed
	homes  map[string]string // of services that are elsewhere
	lacks  []string          // services that AWS does not offer here, as far as known, or not in a region: "guardduty us-iso-west-1"
}

// Partitions is the table of all. Sources:
//   - names, suffixes and homes: partitions.json of botocore 1.43.11 (dnsSuffix, dualStackDnsSuffix, implicitGlobalRegion), and the credentialScope of
//     the partition endpoints in its endpoints.json; that of Global Accelerator is in its own documentation. The SDK signs alike: a test compares.
//   - AlwaysOn: AWS Account Management Reference Guide, "Enable or disable AWS Regions in your account": those launched before 20 March 2019;
//     for the other partitions all of partitions.json. As of 2026-11.
//   - lacks: what endpoints.json of botocore 1.43.11 has in aws and not here, or not in a region. A wrong line hides what there is, so that an absence counts
//     only where that file can be believed. It is incomplete for aws-eusc and aws-iso-e (it has no IAM there), and for some newer regions (it has no S3
//     Control in us-isob-west-1, in aws-iso-f, and in five regions of aws): of these nothing is said. For aws and aws-us-gov there is a second source, the list
//     of services by region among the public parameters of Systems Manager; of what is called nothing is absent from both in aws, and in aws-us-gov account and
//     budgets are. The bill of an account there is that of an account in aws (AWS GovCloud (US) User Guide, "Billing and Payment"). As of 2026-11; a test
//     compares with the SDK.
var Partitions = []Partition{{
	Name: "aws", Suffix: "amazonaws.com", DualStack: "api.aws", home: "us-east-1",
	AlwaysOn: []string{"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
		"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"},
	homes: map[string]string{"globalaccelerator": "us-west-2", "networkmanager": "us-west-2"},
}, {
	Name: "aws-cn", Suffix: "amazonaws.com.cn", DualStack: "api.amazonwebservices.com.cn", home: "cn-northwest-1", begins: "cn-",
	AlwaysOn: []string{"cn-north-1", "cn-northwest-1"},
	homes:    map[string]string{"iam": "cn-north-1", "support": "cn-north-1"},
	lacks:    []string{"globalaccelerator", "networkmanager", "route53domains", "shield", "wellarchitected"},
}, {
	Name: "aws-us-gov", Suffix: "amazonaws.com", DualStack: "api.aws", home: "us-gov-west-1", begins: "us-gov-",
	AlwaysOn: []string{"us-gov-east-1", "us-gov-west-1"},
	lacks:    []string{"account", "budgets", "ce", "cloudfront", "globalaccelerator", "route53domains", "savingsplans", "shield"},
}, {
	Name: "aws-eusc", Suffix: "amazonaws.eu", DualStack: "api.amazonwebservices.eu", home: "eusc-de-east-1", begins: "eusc-",
	AlwaysOn: []string{"eusc-de-east-1"},
}, {
	Name: "aws-iso", Suffix: "c2s.ic.gov", DualStack: "api.aws.ic.gov", home: "us-iso-east-1", begins: "us-iso-",
	AlwaysOn: []string{"us-iso-east-1", "us-iso-west-1"},
	lacks: []string{"account", "cloudfront", "globalaccelerator", "networkmanager", "route53domains", "savingsplans", "shield", "wellarchitected",
		"guardduty us-iso-west-1"},
}, {
	Name: "aws-iso-b", Suffix: "sc2s.sgov.gov", DualStack: "api.aws.scloud", home: "us-isob-east-1", begins: "us-isob-",
	AlwaysOn: []string{"us-isob-east-1", "us-isob-west-1"},
	lacks:    []string{"account", "cloudfront", "globalaccelerator", "networkmanager", "route53domains", "savingsplans", "shield", "wellarchitected"},
}, {
	Name: "aws-iso-e", Suffix: "cloud.adc-e.uk", DualStack: "api.cloud-aws.adc-e.uk", home: "eu-isoe-west-1", begins: "eu-isoe-",
	AlwaysOn: []string{"eu-isoe-west-1"},
}, {
	Name: "aws-iso-f", Suffix: "csp.hci.ic.gov", DualStack: "api.aws.hci.ic.gov", home: "us-isof-south-1", begins: "us-isof-",
	AlwaysOn: []string{"us-isof-east-1", "us-isof-south-1"},
	lacks:    []string{"account", "cloudfront", "globalaccelerator", "networkmanager", "route53domains", "shield", "support", "wellarchitected"},
}}

// PartitionOf returns the partition of a region, or of a glob of regions: aws if it is not known.
func PartitionOf(region string) Partition {
	for _, p := range Partitions {
		if p.begins != "" && strings.HasPrefix(region, p.begins) {
			return p
		}
	}
	return Partitions[0]
}

// PartitionNamed returns a partition by its name, as the ARN of a caller tells it.
func PartitionNamed(name string) (Partition, bool) {
	for _, p := range Partitions {
		if p.Name == name {
			return p, true
		}
	}
	return Partition{}, false
}

// Lacks reports whether AWS does not offer a service in a region or, if that is "", nowhere in the partition.
func (p Partition) Lacks(service, region string) bool {
	return slices.Contains(p.lacks, service) || region != "" && slices.Contains(p.lacks, service+" "+region)
}

// Home returns the region where a global service of the partition is called, or "" for services that are in each region. STS is in each
// region: the SDK calls it where it is told to.
func (p Partition) Home(service string) string {
	switch service {
	case "account", "budgets", "ce", "cloudfront", "globalaccelerator", "iam", "networkmanager", "organizations", "route53", "route53domains",
		"savingsplans", "shield", "support":
		if home, ok := p.homes[service]; ok {
			return home
		}
		return p.home
	}
	return ""
}
