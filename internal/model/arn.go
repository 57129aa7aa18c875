package model

import "strings"

// An ARN is an Amazon Resource Name in its parts.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN splits an ARN; ok is false if s is none. S3 buckets and the like have no region or account.
func ParseARN(s string) (a ARN, ok bool) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return a, false
	}
	return ARN{f[1], f[2], f[3], f[4], f[5]}, true
}
