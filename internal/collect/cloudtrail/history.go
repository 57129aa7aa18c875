package cloudtrail

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"golang.org/x/time/rate"

	"awsscanner/internal/cause"
	"awsscanner/internal/collect"
)

// A History asks an account's history of management events. It is no part of a scan.
type History struct {
	Config aws.Config // of any region

	mu    sync.Mutex
	paces map[string]*rate.Limiter // by region
}

// between is the least time between two requests in a region. AWS answers two a second (API reference, LookupEvents), of which people who look
// something up in the console want some.
const between = 600 * time.Millisecond

// Ask asks for events, page by page.
func (h *History) Ask(ctx context.Context, q cause.Query) (a cause.Answer) {
	c := cloudtrail.NewFromConfig(h.Config, func(o *cloudtrail.Options) { o.Region = q.Region })
	pages := cloudtrail.NewLookupEventsPaginator(c, &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKey(q.Key), AttributeValue: &q.Value}}, // there may be one only
		StartTime:        &q.Since, EndTime: &q.Until, MaxResults: aws.Int32(50),
	})
	for pages.HasMorePages() {
		if a.Calls == q.Pages {
			return a
		}
		err := h.pace(q.Region).Wait(ctx)
		var page *cloudtrail.LookupEventsOutput
		if err == nil {
			a.Calls++
			page, err = pages.NextPage(ctx)
		}
		if err == nil {
			err = add(&a, page)
		}
		if err != nil {
			a.Gap = collect.GapOf(cause.Call, err)
			return a
		}
	}
	a.Whole = true
	return a
}

func (h *History) pace(region string) *rate.Limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paces == nil {
		h.paces = map[string]*rate.Limiter{}
	}
	if h.paces[region] == nil {
		h.paces[region] = rate.NewLimiter(rate.Every(between), 1)
	}
	return h.paces[region]
}

// add copies the events of a page.
func add(a *cause.Answer, page *cloudtrail.LookupEventsOutput) error {
	for _, e := range page.Events {
		if e.EventTime == nil || e.EventName == nil || e.CloudTrailEvent == nil { // always there
			return errors.New("an event has no time, name or record")
		}
		x := cause.Event{ID: aws.ToString(e.EventId), Name: *e.EventName, Source: aws.ToString(e.EventSource), Time: *e.EventTime, ReadOnly: aws.ToString(e.ReadOnly) == "true", Record: *e.CloudTrailEvent}
		for _, r := range e.Resources {
			x.Resources = append(x.Resources, cause.Resource{Type: aws.ToString(r.ResourceType), Name: aws.ToString(r.ResourceName)})
		}
		a.Events = append(a.Events, x)
	}
	return nil
}
