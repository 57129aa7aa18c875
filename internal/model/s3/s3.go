// Package s3 holds the resources of Amazon S3: general purpose buckets, but not those of S3 Express, S3 Tables and S3 Vectors.
package s3

import (
	"time"

	"awsscanner/internal/model"
)

// An Account is what S3 keeps of a whole account.
type Account struct {
	model.Meta        `scope:"account"`
	PublicAccessBlock model.Attr[PublicAccessBlock] `json:"publicAccessBlock,omitzero" call:"s3control:GetPublicAccessBlock"` // in effect, be it set here or by the organization
}

// A Bucket is a general purpose bucket. All are listed by one call for the account; each has a region.
type Bucket struct {
	model.Meta        `call:"s3:ListBuckets" scope:"global"`
	Created           model.Attr[time.Time]         `json:"created,omitzero"           call:"s3:ListBuckets"`                // or when its policy was changed
	PublicAccessBlock model.Attr[PublicAccessBlock] `json:"publicAccessBlock,omitzero" call:"s3:GetPublicAccessBlock"`       // of the bucket alone; all false if there is none
	Ownership         model.Attr[string]            `json:"ownership,omitzero"         call:"s3:GetBucketOwnershipControls"` // BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter; "" if nothing is set, which is as ObjectWriter
	ACLOwner          model.Attr[string]            `json:"aclOwner,omitzero"          call:"s3:GetBucketAcl"`               // canonical user ID
	Grants            model.Attr[[]Grant]           `json:"grants,omitzero"            call:"s3:GetBucketAcl"`               // of the ACL; not asked for if ownership makes ACLs void
	Policy            model.Attr[string]            `json:"policy,omitzero"            call:"s3:GetBucketPolicy"`            // the document; "" if there is none
	Versioning        model.Attr[string]            `json:"versioning,omitzero"        call:"s3:GetBucketVersioning"`        // Enabled, Suspended; "" if it never was
	MFADelete         model.Attr[bool]              `json:"mfaDelete,omitzero"         call:"s3:GetBucketVersioning"`
	Lifecycle         model.Attr[[]LifecycleRule]   `json:"lifecycle,omitzero"         call:"s3:GetBucketLifecycleConfiguration"`
	LogTarget         model.Attr[string]            `json:"logTarget,omitzero"         call:"s3:GetBucketLogging"` // bucket; "" if access is not logged
	Tags              model.Attr[map[string]string] `json:"tags,omitzero"              call:"s3:GetBucketTagging"`
}

// A PublicAccessBlock is the four switches of S3 Block Public Access.
type PublicAccessBlock struct {
	BlockPublicACLs       bool `json:"blockPublicAcls"`
	IgnorePublicACLs      bool `json:"ignorePublicAcls"`
	BlockPublicPolicy     bool `json:"blockPublicPolicy"`
	RestrictPublicBuckets bool `json:"restrictPublicBuckets"`
}

// A Grant is an entry of an access control list.
type Grant struct {
	Group      string `json:"group,omitempty"` // URI
	User       string `json:"user,omitempty"`  // canonical user ID, if it is no group
	Permission string `json:"permission"`      // READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL
}

// A LifecycleRule says what becomes of objects and their versions in time.
type LifecycleRule struct {
	ID                    string   `json:"id,omitempty"`
	Enabled               bool     `json:"enabled"`
	Partial               bool     `json:"partial,omitempty"`               // a filter by prefix, tag or size picks objects
	Expires               bool     `json:"expires,omitempty"`               // current versions, after days or from a date on
	ExpirationDays        int      `json:"expirationDays,omitempty"`        // 0 if it is a date
	Transitions           []string `json:"transitions,omitempty"`           // storage classes that current versions come to
	NoncurrentExpires     bool     `json:"noncurrentExpires,omitempty"`     // old versions
	NoncurrentDays        int      `json:"noncurrentDays,omitempty"`        // after which they expire
	NoncurrentTransitions []string `json:"noncurrentTransitions,omitempty"` // storage classes that old versions come to
	AbortUploadDays       int      `json:"abortUploadDays,omitempty"`       // after which an incomplete upload is thrown away; 0 for never
}

func (*Account) Kind() model.Kind { return "AWS::S3::Account" }
func (*Bucket) Kind() model.Kind  { return "AWS::S3::Bucket" }
