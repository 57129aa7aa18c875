package policy

import (
	"slices"
	"testing"
)

func TestBucket(t *testing.T) {
	off, on := &Block{}, &Block{true, true, true, true}
	acl := func(grants ...ACLGrant) *[]ACLGrant { return &grants }
	text := func(s string) *string { return &s }
	publicRead := document(st("Allow", `"*"`, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`))
	closed := func(change func(*Bucket)) Bucket {
		b := Bucket{ARN: "arn:aws:s3:::b", Owner: own, Account: off, Block: off, Ownership: text(""), ACL: acl(), Policy: text("")}
		change(&b)
		return b
	}
	for _, c := range []struct {
		name    string
		b       Bucket
		want    [4]Level // read, write, read ACP, write ACP
		saved   []string
		missing []string
	}{
		{"nothing granted", closed(func(b *Bucket) {}), [4]Level{}, nil, nil},
		{"all users read", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ"}) }), [4]Level{Yes}, nil, nil},
		{"authenticated users are everyone", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AuthenticatedUsers, "WRITE"}) }), [4]Level{No, Yes}, nil, nil},
		{"full control", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "FULL_CONTROL"}) }), [4]Level{Yes, Yes, Yes, Yes}, nil, nil},
		{"ACP is neither read nor write", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ_ACP"}, ACLGrant{AllUsers, "WRITE_ACP"}) }), [4]Level{No, No, Yes, Yes}, nil, nil},
		{"log delivery is not everyone", closed(func(b *Bucket) {
			b.ACL = acl(ACLGrant{"http://acs.amazonaws.com/groups/s3/LogDelivery", "WRITE"}, ACLGrant{"", "FULL_CONTROL"})
		}), [4]Level{}, nil, nil},
		{"ownership voids ACLs", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ"}); b.Ownership = text("BucketOwnerEnforced") }), [4]Level{}, []string{"BucketOwnerEnforced"}, nil},
		{"BucketOwnerPreferred does not", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ"}); b.Ownership = text("BucketOwnerPreferred") }), [4]Level{Yes}, nil, nil},
		{"the account ignores ACLs", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ"}); b.Account = &Block{IgnorePublicACLs: true} }), [4]Level{}, []string{"IgnorePublicAcls"}, nil},
		{"blocking new ACLs leaves old ones", closed(func(b *Bucket) { b.ACL = acl(ACLGrant{AllUsers, "READ"}); b.Block = &Block{BlockPublicACLs: true} }), [4]Level{Yes}, nil, nil},
		{"blocking new policies leaves old ones", closed(func(b *Bucket) { b.Policy = &publicRead; b.Block = &Block{BlockPublicPolicy: true} }), [4]Level{Yes}, nil, nil},
		{"a public policy", closed(func(b *Bucket) { b.Policy = &publicRead }), [4]Level{Yes}, nil, nil},
		{"a public policy is restricted", closed(func(b *Bucket) { b.Policy = &publicRead; b.Account = &Block{RestrictPublicBuckets: true} }), [4]Level{}, []string{"RestrictPublicBuckets"}, nil},
		{"object actions on the bucket grant nothing", closed(func(b *Bucket) {
			b.Policy = text(document(st("Allow", `"*"`, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::b"`)))
		}), [4]Level{}, nil, nil},
		{"a wildcard write", closed(func(b *Bucket) {
			b.Policy = text(document(st("Allow", `"*"`, `"Action":"s3:Put*","Resource":"arn:aws:s3:::b/*"`)))
		}), [4]Level{No, Yes, No, Yes}, nil, nil},
		{"a policy that cannot be modelled", closed(func(b *Bucket) { b.Policy = text("{}") }), [4]Level{Unknown, Unknown, Unknown, Unknown}, nil, nil},
		{"a policy that is not known", closed(func(b *Bucket) { b.Policy = nil }), [4]Level{Unknown, Unknown, Unknown, Unknown}, nil, []string{"Policy"}},
		{"a policy that is not known but restricted", closed(func(b *Bucket) { b.Policy, b.Block = nil, &Block{RestrictPublicBuckets: true} }), [4]Level{}, nil, nil},
		{"an ACL that is not known", closed(func(b *Bucket) { b.ACL = nil }), [4]Level{Unknown, Unknown, Unknown, Unknown}, nil, []string{"ACL"}},
		{"an ACL that is not known but ignored", closed(func(b *Bucket) { b.ACL, b.Account, b.Block = nil, on, nil }), [4]Level{}, nil, nil},
		{"a public ACL and an account that is not known", closed(func(b *Bucket) { b.ACL, b.Account = acl(ACLGrant{AllUsers, "READ"}), nil }), [4]Level{Unknown}, nil, []string{"Account"}},
		{"a public ACL and an ownership that is not known", closed(func(b *Bucket) { b.ACL, b.Ownership = acl(ACLGrant{AllUsers, "READ"}), nil }), [4]Level{Unknown}, nil, []string{"Ownership"}},
		{"a public policy and a block that is not known", closed(func(b *Bucket) { b.Policy, b.Block = &publicRead, nil }), [4]Level{Unknown}, nil, []string{"Block"}},
		{"a public ACL counts although the policy is not known", closed(func(b *Bucket) { b.ACL, b.Policy = acl(ACLGrant{AllUsers, "READ"}), nil }), [4]Level{Yes, Unknown, Unknown, Unknown}, nil, []string{"Policy"}},
		{"nothing is known", Bucket{ARN: "arn:aws:s3:::b"}, [4]Level{Unknown, Unknown, Unknown, Unknown}, nil, []string{"ACL", "Policy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := c.b.Public()
			got := [4]Level{x.Read.Level, x.Write.Level, x.ReadACP.Level, x.WriteACP.Level}
			if got != c.want || !slices.Equal(x.SavedBy, c.saved) || !slices.Equal(x.Missing, c.missing) {
				t.Errorf("%v saved by %q, missing %q", got, x.SavedBy, x.Missing)
			}
		})
	}
}

func TestCombine(t *testing.T) {
	for _, c := range []struct {
		name            string
		account, bucket *Block
		want            Switch
	}{
		{"two of four flags each add up", &Block{BlockPublicACLs: true, IgnorePublicACLs: true}, &Block{BlockPublicPolicy: true, RestrictPublicBuckets: true}, On},
		{"one flag missing", &Block{true, true, true, false}, &Block{true, true, true, false}, Off},
		{"account on, bucket not known", &Block{true, true, true, true}, nil, On},
		{"account off, bucket not known", &Block{}, nil, NotKnown},
		{"account partly on, bucket not known", &Block{BlockPublicACLs: true}, nil, NotKnown},
		{"nothing known", nil, nil, NotKnown},
		{"no configuration at all", &Block{}, &Block{}, Off},
	} {
		if got := Combine(c.account, c.bucket).All(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
