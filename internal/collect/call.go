// Package collect fetches resources from AWS. It and its sub-packages, one per
// service, are the only importers of the AWS SDK.
package collect

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/model"
)

// A Service lists the calls to one AWS service, made from one place.
// Service code only calls the API and copies fields. What an error means, what
// runs when and what is needed at all is decided by the driver.
type Service func(At) []Call

// At is where calls are made.
type At struct {
	model.Place
	Partition string
	Lacks     func(service, region string) bool // whether AWS does not offer a service in a region of the partition; nil if it offers all
	Start     time.Time                         // of the scan
	Config    aws.Config
}

// ARN returns the ARN of something that the place owns.
func (a At) ARN(service, resource string) string {
	return "arn:" + a.Partition + ":" + service + ":" + a.Region + ":" + a.Account + ":" + resource
}

// A Call is one operation of the SDK, and what it is for. What it fills is told by the call tags of the model.
type Call struct {
	Op     string                    // "sqs:GetQueueAttributes"; a second use of an operation is told apart by a suffix "#public"
	Lists  []model.Resource          // examples of the kinds that this call, and no other, lists, or finds by reference
	Needs  []string                  // attributes that Do or When read: "ec2.Instance.Image"
	When   func(model.Resource) bool // which items it is made for; nil for all
	Abroad bool                      // it lists what is at home in other regions too
	Absent []string                  // error codes that mean "none": its attributes become known and zero, its references absent
	Do     Do
}

// Each takes the pages of a list one after the other.
func Each[Page, Options any](ctx context.Context, pages interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (*Page, error)
}, take func(*Page)) error {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		take(page)
	}
	return nil
}

// A Do is what a call does, and how often: the driver makes one from each of
// Global, Regional, PerItem, PerBatch, PerRegion, PerParent and ByReference.
type Do struct {
	often  string      // for people
	global bool        // once per account, or about items that have no region
	of     *model.Type // kind of the items; nil if it only lists
	all    bool        // the items are of every kind with an attribute that the call fills
	batch  int         // items or references a time; 0 for all of a place
	refs   model.Kind  // to which others refer
	follow func(ref string) bool
	run    func(context.Context, in, Found) error
}

type in struct {
	kinds []*model.Type
	items []model.Resource
	refs  []string
}

// Found takes what a call lists. Owner and home are those of the place unless set.
type Found func(model.Resource)

// Global is made once per account.
func Global(list func(context.Context, Found) error) Do {
	return Do{often: "once per account", global: true, run: func(ctx context.Context, _ in, f Found) error { return list(ctx, f) }}
}

// Regional is made once per region.
func Regional(list func(context.Context, Found) error) Do {
	d := Global(list)
	d.global, d.often = false, "once per region"
	return d
}

// PerItem is made for each item, from its home.
func PerItem[R model.Resource](fill func(context.Context, R) error) Do {
	d := PerBatch(1, func(ctx context.Context, r []R) error { return fill(ctx, r[0]) })
	d.often = "for each " + string(d.of.Kind)
	if d.of.Scope == model.AccountSubject {
		d.often = "once per account"
	}
	return d
}

// PerRegion is made once per region for all items there, or once per account for items that have no region.
func PerRegion[R model.Resource](fill func(context.Context, []R) error) Do {
	d := PerBatch(0, fill)
	d.often = "once per region"
	if placeless(d.of) {
		d.often = "once per account"
	}
	return d
}

// PerRegionOfAll is made once per region for the items of all kinds of which somebody reads what it fills.
// It is told these kinds as well, as there may be items of some of them only.
func PerRegionOfAll(fill func(context.Context, []*model.Type, []model.Resource) error) Do {
	return Do{often: "once per region", all: true, run: func(ctx context.Context, in in, _ Found) error { return fill(ctx, in.kinds, in.items) }}
}

// placeless reports whether resources of a type have no region: what AWS says of them says nothing of the region it was asked in.
func placeless(t *model.Type) bool { return t.Scope == model.Global || t.Scope == model.AccountSubject }

// PerBatch is made for up to n items of one region.
func PerBatch[R model.Resource](n int, fill func(context.Context, []R) error) Do {
	var zero R
	t := model.TypeOf(zero)
	return Do{often: "for several " + string(t.Kind) + " at a time", of: t, batch: n, run: func(ctx context.Context, in in, _ Found) error {
		items := make([]R, len(in.items))
		for i, r := range in.items {
			items[i] = r.(R)
		}
		return fill(ctx, items)
	}}
}

// PerParent lists what belongs to an item, once for each, from its home: the access keys of a user. It may also fill the item.
// Where items may be missing, so may be what belongs to them.
func PerParent[R model.Resource](list func(context.Context, R, Found) error) Do {
	d := PerItem(func(context.Context, R) error { return nil })
	d.global = placeless(d.of)
	d.run = func(ctx context.Context, in in, f Found) error { return list(ctx, in.items[0].(R), f) }
	return d
}

// ByReference lists the resources of a kind that others refer to, n references a time: those in the attributes
// with a ref tag of that kind, if a selected rule reads them together with the kind. Of these, follow picks.
// If another call lists the kind, what the list shows is not asked for by its names: instead, the call is made for each
// listed resource of which no reference has told, so that it is made once for each, whoever names it and however.
func ByReference(kind model.Kind, n int, follow func(ref string) bool, list func(context.Context, []string, Found) error) Do {
	return Do{often: "for each " + string(kind) + " that something refers to", refs: kind, batch: n, follow: follow,
		run: func(ctx context.Context, in in, f Found) error { return list(ctx, in.refs, f) }}
}

// If makes a When.
func If[R model.Resource](cond func(R) bool) func(model.Resource) bool {
	return func(r model.Resource) bool { return cond(r.(R)) }
}
