package policy

import (
	"fmt"
	"strings"
)

// Ptr returns the pointer to a value that is known, and nil to one that is not: policy.Ptr(attr.Lookup()).
func Ptr[T any](v T, known bool) *T {
	if !known {
		return nil
	}
	return &v
}

// A Block is a public access block of S3: of an account, a bucket or an access point. Where AWS answers that there is
// none, all four are false.
type Block struct {
	BlockPublicACLs, IgnorePublicACLs, BlockPublicPolicy, RestrictPublicBuckets bool
}

// A Switch is on, off, or, if zero, not known.
type Switch int8

const (
	NotKnown Switch = iota
	Off
	On
)

// Blocks says of each of the four switches whether it is on for a bucket: if it is so for the account or for the bucket.
type Blocks struct {
	BlockPublicACLs, IgnorePublicACLs, BlockPublicPolicy, RestrictPublicBuckets Switch
}

// Combine returns which switches are on, given what is known; nil is not known.
// Source: S3 User Guide, "Blocking public access": the most restrictive combination applies.
func Combine(account, bucket *Block) Blocks {
	or := func(get func(*Block) bool) Switch {
		switch {
		case account != nil && get(account) || bucket != nil && get(bucket):
			return On
		case account == nil || bucket == nil:
			return NotKnown
		}
		return Off
	}
	return Blocks{
		or(func(b *Block) bool { return b.BlockPublicACLs }),
		or(func(b *Block) bool { return b.IgnorePublicACLs }),
		or(func(b *Block) bool { return b.BlockPublicPolicy }),
		or(func(b *Block) bool { return b.RestrictPublicBuckets }),
	}
}

// All is On if all four are, Off if one is certainly not.
func (b Blocks) All() Switch {
	all := On
	for _, s := range []Switch{b.BlockPublicACLs, b.IgnorePublicACLs, b.BlockPublicPolicy, b.RestrictPublicBuckets} {
		switch {
		case s == Off:
			return Off
		case s == NotKnown:
			all = NotKnown
		}
	}
	return all
}

// An ACLGrant is an entry of an access control list: the URI of a group, or "" for somebody else, and the permission.
type ACLGrant struct{ Group, Permission string }

// The groups that make an ACL public. Source: S3 User Guide, "Access control list overview", "The meaning of public".
const (
	AllUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	AuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers" // of any AWS account
)

// A Bucket is what decides who reaches a bucket; nil is not known.
type Bucket struct {
	ARN       string
	Owner     string // account
	Org       string // of the owner, or ""
	Account   *Block
	Block     *Block
	Ownership *string // ObjectOwnership; "" if there are no ownership controls
	ACL       *[]ACLGrant
	Policy    *string // the document; "" if there is none
}

// An Exposure is what the public can do with a bucket and its objects. ACLs of single objects are not part of it.
type Exposure struct {
	Read     Answer // data: list or get objects
	Write    Answer // data: put, delete or restore objects; change the bucket
	ReadACP  Answer // access control: ACLs and the policy
	WriteACP Answer
	SavedBy  []string // what makes a public grant void: "RestrictPublicBuckets", "IgnorePublicAcls", "BucketOwnerEnforced"
	Missing  []string // what would have to be known to say more: names of fields of Bucket
}

// Actions by what they reach, divided by what they are called upon. Source: Service Authorization Reference, "Amazon S3".
// AWS's own GetBucketPolicyStatus calls any s3:Get* public, also s3:GetBucketLocation; here data counts, and who may reach it.
var (
	readObject = []string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", "s3:GetObjectTagging",
		"s3:GetObjectVersionTagging", "s3:GetObjectTorrent", "s3:GetObjectVersionTorrent", "s3:GetObjectVersionForReplication",
		"s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:ListMultipartUploadParts"}
	readBucket  = []string{"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}
	writeObject = []string{"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:RestoreObject", "s3:AbortMultipartUpload",
		"s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
		"s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:BypassGovernanceRetention", "s3:ReplicateObject", "s3:ReplicateDelete",
		"s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner", "s3:UpdateObjectEncryption"}
	writeBucket = []string{"s3:DeleteBucket", "s3:DeleteBucketWebsite", "s3:PutAccelerateConfiguration", "s3:PutAnalyticsConfiguration",
		"s3:PutBucketCORS", "s3:PutBucketLogging", "s3:PutBucketNotification", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketRequestPayment",
		"s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutBucketWebsite", "s3:PutEncryptionConfiguration",
		"s3:PutIntelligentTieringConfiguration", "s3:PutInventoryConfiguration", "s3:PutLifecycleConfiguration",
		"s3:PutMetricsConfiguration", "s3:PutReplicationConfiguration"}
	readObjectACP  = []string{"s3:GetObjectAcl", "s3:GetObjectVersionAcl"}
	readBucketACP  = []string{"s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:GetBucketOwnershipControls", "s3:GetBucketPublicAccessBlock"}
	writeObjectACP = []string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl"}
	writeBucketACP = []string{"s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketOwnershipControls", "s3:PutBucketPublicAccessBlock"}
)

// Public says what anyone can do with the bucket, by its ACL or by its policy, after what makes these void:
// IgnorePublicAcls and BucketOwnerEnforced for ACLs, RestrictPublicBuckets for policies. The other two switches only keep
// new public grants away. Sources: S3 User Guide, "Blocking public access", "Controlling ownership of objects".
func (b Bucket) Public() Exposure {
	var x Exposure
	blocks := Combine(b.Account, b.Block)

	// A write of the ACL is a write of everything: who has it gives himself the rest.
	for _, part := range []struct {
		answer      *Answer
		permissions []string
	}{
		{&x.Read, []string{"READ", "FULL_CONTROL"}},
		{&x.Write, []string{"WRITE", "FULL_CONTROL"}},
		{&x.ReadACP, []string{"READ_ACP", "FULL_CONTROL"}},
		{&x.WriteACP, []string{"WRITE_ACP", "FULL_CONTROL"}},
	} {
		*part.answer = b.byACL(part.permissions)
	}
	open := false
	for _, a := range []*Answer{&x.Read, &x.Write, &x.ReadACP, &x.WriteACP} {
		open = open || a.Level == Yes
	}
	x.void(open, b.Ownership != nil && *b.Ownership == "BucketOwnerEnforced", "BucketOwnerEnforced")
	x.void(open, blocks.IgnorePublicACLs == On, "IgnorePublicAcls")
	if b.aclVoid(blocks) {
		x.Read, x.Write, x.ReadACP, x.WriteACP = Answer{}, Answer{}, Answer{}, Answer{}
	} else {
		unsure := b.Ownership == nil || blocks.IgnorePublicACLs == NotKnown
		for _, a := range []*Answer{&x.Read, &x.Write, &x.ReadACP, &x.WriteACP} {
			if a.Level == Yes && unsure {
				a.Level, a.Text = Unknown, a.Text+", unless ACLs are ignored"
				x.miss(b.Ownership == nil, "Ownership")
				x.miss(blocks.IgnorePublicACLs == NotKnown && b.Account == nil, "Account")
				x.miss(blocks.IgnorePublicACLs == NotKnown && b.Block == nil, "Block")
			}
		}
		x.miss(b.ACL == nil, "ACL")
	}
	b.addPolicy(&x, blocks.RestrictPublicBuckets)
	for _, a := range []*Answer{&x.Read, &x.Write, &x.ReadACP, &x.WriteACP} {
		if a.Level == No {
			a.Text = "no public grant"
			if len(x.SavedBy) > 0 {
				a.Text += " takes effect, by " + strings.Join(x.SavedBy, " and ")
			}
		}
	}
	return x
}

// aclVoid reports whether public ACLs have no effect.
func (b Bucket) aclVoid(blocks Blocks) bool {
	return blocks.IgnorePublicACLs == On || b.Ownership != nil && *b.Ownership == "BucketOwnerEnforced"
}

// void notes what has made a public grant void.
func (x *Exposure) void(open, by bool, name string) {
	if open && by {
		x.SavedBy = append(x.SavedBy, name)
	}
}

// miss notes what is not known.
func (x *Exposure) miss(is bool, name string) {
	for _, m := range x.Missing {
		is = is && m != name
	}
	if is {
		x.Missing = append(x.Missing, name)
	}
}

// byACL returns what the ACL itself grants.
func (b Bucket) byACL(permissions []string) Answer {
	if b.ACL == nil {
		return Answer{Level: Unknown, Text: "the ACL is not known"}
	}
	var a Answer
	for _, g := range *b.ACL {
		who := map[string]string{AllUsers: "anyone", AuthenticatedUsers: "anyone with an AWS account"}[g.Group]
		if who == "" {
			continue
		}
		for _, p := range permissions {
			if g.Permission == p {
				a = stronger(a, Answer{Level: Yes, Statements: []string{"ACL " + p + " " + g.Group}, Text: "the ACL grants " + p + " to " + who})
			}
		}
	}
	return a
}

// addPolicy adds what the policy grants.
func (b Bucket) addPolicy(x *Exposure, restricted Switch) {
	all := []*Answer{&x.Read, &x.Write, &x.ReadACP, &x.WriteACP}
	if b.Policy == nil {
		if restricted == On {
			return
		}
		for _, a := range all {
			*a = stronger(*a, Answer{Level: Unknown, Text: "the policy is not known"})
		}
		x.miss(true, "Policy")
		return
	}
	doc, err := Parse(*b.Policy)
	for i, actions := range [][2][]string{{readBucket, readObject}, {writeBucket, writeObject}, {readBucketACP, readObjectACP}, {writeBucketACP, writeObjectACP}} {
		a := Answer{Level: Unknown, Text: fmt.Sprint(err)}
		if err == nil {
			a = doc.Public(Question{Actions: actions[0], Resources: []string{b.ARN}, Account: b.Owner, Org: b.Org})
			a = stronger(a, doc.Public(Question{Actions: actions[1], Resources: []string{b.ARN + "/*"}, Account: b.Owner, Org: b.Org}))
		}
		switch {
		case a.Level == No:
			continue
		case restricted == On:
			if a.Level == Yes {
				x.SavedBy = appendNew(x.SavedBy, "RestrictPublicBuckets")
			}
			continue
		case restricted == NotKnown && a.Level == Yes:
			a.Level, a.Text = Unknown, a.Text+", unless RestrictPublicBuckets is on"
			x.miss(b.Account == nil, "Account")
			x.miss(b.Block == nil, "Block")
		}
		*all[i] = stronger(*all[i], a)
	}
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}
