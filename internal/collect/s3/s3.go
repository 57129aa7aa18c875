// Package s3 collects from Amazon S3.
package s3

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/s3"
)

// pageSize is the most that S3 allows, and what it takes by itself: an endpoint that knows no pages loses nothing by it.
const pageSize = 10_000

func Calls(at collect.At) []collect.Call {
	c := s3.NewFromConfig(at.Config, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // AWS_ENDPOINT_URL: nobody else has a host name for each bucket
	})
	control := s3control.NewFromConfig(at.Config, func(o *s3control.Options) {
		if u, err := url.Parse(aws.ToString(o.BaseEndpoint)); err == nil && hasNoSubdomains(u.Hostname()) {
			o.APIOptions = append(o.APIOptions, stayAt(u.Host))
		}
	})
	return []collect.Call{{
		Op: "s3control:GetPublicAccessBlock",
		// It holds for all regions, and any of them answers. What the organization decrees is in it.
		Absent: []string{"NoSuchPublicAccessBlockConfiguration"},
		Do: collect.PerItem(func(ctx context.Context, a *my.Account) error {
			out, err := control.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &a.ID})
			if err != nil {
				return err
			}
			if b := out.PublicAccessBlockConfiguration; b != nil {
				a.PublicAccessBlock = block(b.BlockPublicAcls, b.IgnorePublicAcls, b.BlockPublicPolicy, b.RestrictPublicBuckets)
			}
			return nil
		}),
	}, {
		Op:    "s3:ListBuckets",
		Lists: []model.Resource{&my.Bucket{}},
		Do: collect.Global(func(ctx context.Context, found collect.Found) error {
			// S3 tells the region of each bucket only if the request has a parameter, such as the size of a page.
			pages := s3.NewListBucketsPaginator(c, &s3.ListBucketsInput{MaxBuckets: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, b := range page.Buckets {
					name := aws.ToString(b.Name)
					found(&my.Bucket{
						Meta:    model.Meta{ID: name, ARN: "arn:" + at.Partition + ":s3:::" + name, Name: name, Region: aws.ToString(b.BucketRegion)},
						Created: model.FromPtr(b.CreationDate),
					})
				}
			}
			return nil
		}),
	}, {
		Op:     "s3:GetPublicAccessBlock",
		Absent: []string{"NoSuchPublicAccessBlockConfiguration"},
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			if p := out.PublicAccessBlockConfiguration; p != nil {
				b.PublicAccessBlock = block(p.BlockPublicAcls, p.IgnorePublicAcls, p.BlockPublicPolicy, p.RestrictPublicBuckets)
			}
			return nil
		}),
	}, {
		Op:     "s3:GetBucketOwnershipControls",
		Absent: []string{"OwnershipControlsNotFoundError"},
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			if o := out.OwnershipControls; o != nil && len(o.Rules) == 1 { // there is never another number
				b.Ownership = model.FromString(o.Rules[0].ObjectOwnership)
			}
			return nil
		}),
	}, {
		Op:    "s3:GetBucketAcl",
		Needs: []string{"s3.Bucket.Ownership"},
		// Most buckets have no use for an ACL any more: a call less for each.
		When: collect.If(func(b *my.Bucket) bool {
			o, _ := b.Ownership.Lookup()
			return o != string(types.ObjectOwnershipBucketOwnerEnforced)
		}),
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			if out.Owner != nil && out.Grants != nil { // always there, perhaps without entries
				b.ACLOwner, b.Grants = model.FromPtr(out.Owner.ID), grants(out.Grants)
			}
			return nil
		}),
	}, {
		Op:     "s3:GetBucketPolicy",
		Absent: []string{"NoSuchBucketPolicy"},
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			b.Policy = model.FromPtr(out.Policy)
			return nil
		}),
	}, {
		Op: "s3:GetBucketVersioning",
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			// Without status the bucket was never versioned. Source: API reference, GetBucketVersioning.
			b.Versioning = model.Known(string(out.Status))
			b.MFADelete = model.Known(out.MFADelete == types.MFADeleteStatusEnabled)
			return nil
		}),
	}, {
		Op:     "s3:GetBucketLifecycleConfiguration",
		Absent: []string{"NoSuchLifecycleConfiguration"},
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			b.Lifecycle = lifecycle(out.Rules)
			return nil
		}),
	}, {
		Op: "s3:GetBucketLogging",
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			if out.LoggingEnabled == nil {
				b.LogTarget = model.Known("")
			} else {
				b.LogTarget = model.FromPtr(out.LoggingEnabled.TargetBucket)
			}
			return nil
		}),
	}, {
		Op:     "s3:GetBucketTagging",
		Absent: []string{"NoSuchTagSet"},
		Do: collect.PerItem(func(ctx context.Context, b *my.Bucket) error {
			out, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b.ID}, atHome(b))
			if err != nil {
				return err
			}
			if out.TagSet != nil {
				tags := make(map[string]string, len(out.TagSet))
				for _, t := range out.TagSet {
					tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
				}
				b.Tags = model.Known(tags)
			}
			return nil
		}),
	}}
}

// hasNoSubdomains reports whether nothing can stand before a host, as before an emulator's.
func hasNoSubdomains(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}

// stayAt sends requests to a host as it is. S3 Control has one for each account, which the SDK makes of any endpoint.
func stayAt(host string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("scanner:StayAt", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if r, ok := in.Request.(*smithyhttp.Request); ok {
				r.URL.Host = host
			}
			return next.HandleFinalize(ctx, in)
		}), "ResolveEndpointV2", middleware.After)
	}
}

// atHome sends a request to the region of a bucket, be it scanned or not: no other answers.
func atHome(b *my.Bucket) func(*s3.Options) {
	return func(o *s3.Options) { o.Region = cmp.Or(b.Region, o.Region) }
}

// block returns the four switches, of which S3 always tells all.
func block(blockACLs, ignoreACLs, blockPolicy, restrict *bool) (unknown model.Attr[my.PublicAccessBlock]) {
	if blockACLs == nil || ignoreACLs == nil || blockPolicy == nil || restrict == nil {
		return unknown
	}
	return model.Known(my.PublicAccessBlock{BlockPublicACLs: *blockACLs, IgnorePublicACLs: *ignoreACLs, BlockPublicPolicy: *blockPolicy, RestrictPublicBuckets: *restrict})
}

// grants returns the entries of an ACL, if each says what it grants, and to whom.
func grants(in []types.Grant) (unknown model.Attr[[]my.Grant]) {
	out := []my.Grant{}
	for _, g := range in {
		if g.Grantee == nil || g.Permission == "" {
			return unknown
		}
		grant := my.Grant{Group: aws.ToString(g.Grantee.URI), User: aws.ToString(g.Grantee.ID), Permission: string(g.Permission)}
		if grant.Group == "" && grant.User == "" {
			return unknown
		}
		out = append(out, grant)
	}
	return model.Known(out)
}

// lifecycle returns the rules, if there are any, as there are in every configuration, and if each says whether it is in force.
func lifecycle(in []types.LifecycleRule) (unknown model.Attr[[]my.LifecycleRule]) {
	var out []my.LifecycleRule
	for _, r := range in {
		if r.Status == "" {
			return unknown
		}
		rule := my.LifecycleRule{ID: aws.ToString(r.ID), Enabled: r.Status == types.ExpirationStatusEnabled, Partial: partial(r)}
		if e := r.Expiration; e != nil { // or it only clears away delete markers
			rule.Expires, rule.ExpirationDays = e.Days != nil || e.Date != nil, int(aws.ToInt32(e.Days))
		}
		for _, t := range r.Transitions {
			rule.Transitions = append(rule.Transitions, string(t.StorageClass))
		}
		if e := r.NoncurrentVersionExpiration; e != nil {
			rule.NoncurrentExpires, rule.NoncurrentDays = true, int(aws.ToInt32(e.NoncurrentDays))
		}
		for _, t := range r.NoncurrentVersionTransitions {
			rule.NoncurrentTransitions = append(rule.NoncurrentTransitions, string(t.StorageClass))
		}
		if a := r.AbortIncompleteMultipartUpload; a != nil {
			rule.AbortUploadDays = int(aws.ToInt32(a.DaysAfterInitiation))
		}
		out = append(out, rule)
	}
	if out == nil {
		return unknown
	}
	return model.Known(out)
}

// partial reports whether a rule leaves out some objects. Old rules have a prefix instead of a filter; an empty one picks all.
func partial(r types.LifecycleRule) bool {
	f := r.Filter
	if f == nil {
		//lint:ignore SA1019 configurations that were put with it still have it
		return aws.ToString(r.Prefix) != ""
	}
	return aws.ToString(f.Prefix) != "" || f.And != nil || f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil
}
