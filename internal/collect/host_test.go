package collect

import (
	"context"
	"testing"
	"time"

	"awsscanner/internal/model"
)

func TestRequests(t *testing.T) {
	list := func(context.Context, Found) error { return nil }
	one := func(context.Context, *Queue) error { return nil }
	many := func(context.Context, []*Queue) error { return nil }
	calls := []Call{
		{Op: "x:Global", Do: Global(list)},
		{Op: "x:Regional", Do: Regional(list)},
		{Op: "x:Item", Do: PerItem(one)},
		{Op: "x:Batch", Do: PerBatch(10, many)},
		{Op: "x:Region", Do: PerRegion(many)},
		{Op: "x:Reference", Do: ByReference("AWS::KMS::Key", 1, nil, func(context.Context, []string, Found) error { return nil })},
	}
	p := &Plan{services: []Service{func(At) []Call { return calls }}}
	e := Extent{Accounts: 2, Regions: 3, Resources: func(k model.Kind) int { return map[model.Kind]int{"AWS::SQS::Queue": 25, "AWS::KMS::Key": 7}[k] }}
	for op, want := range map[string]int{"x:Global": 2, "x:Regional": 6, "x:Item": 25, "x:Batch": 3, "x:Region": 6, "x:Reference": 7} {
		if got := p.Requests(op, e); got != want {
			t.Errorf("%s takes %d requests, want %d", op, got, want)
		}
	}
	for op, want := range map[string]model.Kind{"x:Global": "", "x:Regional": "", "x:Item": "AWS::SQS::Queue", "x:Batch": "AWS::SQS::Queue", "x:Region": "", "x:Reference": "AWS::KMS::Key"} {
		if got := p.PerResource(op); got != want {
			t.Errorf("%s is made for each %s, want %s", op, got, want)
		}
	}
	if got := Fastest(concurrency+1, time.Second); got != 2*time.Second {
		t.Errorf("one request too many for a second takes %s", got)
	}
}
