// Package resourcegroupstaggingapi collects the tags of resources whose lists do not tell them.
package resourcegroupstaggingapi

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

func Calls(at collect.At) []collect.Call {
	c := resourcegroupstaggingapi.NewFromConfig(at.Config)
	return []collect.Call{{
		// One list tells the tags of all kinds of a region. It leaves out what never had a tag: so whatever else the service
		// can tag has none (API reference, GetResources). Kinds name this call only if the service is one of "Services that
		// support the Resource Groups Tagging API".
		Op: "resourcegroupstaggingapi:GetResources",
		Do: collect.PerRegionOfAll(func(ctx context.Context, kinds []*model.Type, all []model.Resource) error {
			services := map[string]bool{}
			for _, t := range kinds { // ARNs and actions have the same prefix
				service, _, _ := strings.Cut(model.Permissions(t.List)[0], ":")
				services[service] = true
			}
			found := map[string]map[string]string{}
			pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c, &resourcegroupstaggingapi.GetResourcesInput{
				ResourcesPerPage: aws.Int32(100), ResourceTypeFilters: slices.Sorted(maps.Keys(services)),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, r := range page.ResourceTagMappingList {
					tags := map[string]string{}
					for _, t := range r.Tags {
						tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
					}
					found[strings.TrimSuffix(aws.ToString(r.ResourceARN), ":*")] = tags
				}
			}
			for _, r := range all {
				if _, ok := model.ParseARN(r.About().ARN); ok {
					model.SetTags(r, found[strings.TrimSuffix(r.About().ARN, ":*")])
				}
			}
			return nil
		}),
	}}
}
