package model

import "strings"

// An ARN is an Amazon Resource Name in its parts.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN splits an ARN; ok is false if s is none. S3 buckets and the like have no region or account.
func ParseARN(s string) (a ARN, ok bool) {
	s, ok = strings.CutPrefix(s, "arn:")
	for _, part := range []*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		if ok {
			*part, s, ok = strings.Cut(s, ":")
		}
	}
	if !ok {
		return ARN{}, false
	}
	a.Resource = s
	return a, true
}
