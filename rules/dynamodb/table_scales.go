package dynamodb

import (
	"fmt"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/dynamodb"
)

type scales struct {
	IncludeIndexes bool `json:"include_indexes"`
}

var _ = Rules.Add(engine.Rule{
	ID:       "dynamodb-table-scales",
	Title:    "DynamoDB tables scale with demand",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability, engine.PerformanceEfficiency, engine.CostOptimization},
	Why: "A table with a fixed capacity refuses what goes beyond it, in the busiest hour of all, and costs as much at night as by day. On demand, or with auto scaling of " +
		"what is provisioned, it follows the load.",
	Fix: engine.Fix{
		Text: "Switch to on-demand capacity, which needs no care, or register read and write capacity with Application Auto Scaling and attach a policy to each, where the load is steady and large. " +
			"A suspended target scales no more: resume it.",
		CLI: `aws dynamodb update-table --table-name <table> --billing-mode PAY_PER_REQUEST
# or, also for WriteCapacityUnits, and with a target tracking policy for each
aws application-autoscaling register-scalable-target --service-namespace dynamodb --resource-id table/<table> --scalable-dimension dynamodb:table:ReadCapacityUnits --min-capacity 5 --max-capacity 500
aws application-autoscaling put-scaling-policy --service-namespace dynamodb --resource-id table/<table> --scalable-dimension dynamodb:table:ReadCapacityUnits --policy-name <table>-read --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration '{"TargetValue":70,"PredefinedMetricSpecification":{"PredefinedMetricType":"DynamoDBReadCapacityUtilization"}}'`,
		IaC: `resource "aws_dynamodb_table" "<name>" {
  billing_mode = "PAY_PER_REQUEST"
}`,
		Breaks: "Nothing stops. On demand each request is charged: compare with ConsumedReadCapacityUnits and ConsumedWriteCapacityUnits of the last month, and set a maximum throughput if a runaway client would cost too much. " +
			"A table can go from provisioned to on demand four times in 24 hours.",
		Undo: `aws dynamodb update-table --table-name <table> --billing-mode PROVISIONED --provisioned-throughput ReadCapacityUnits=<before>,WriteCapacityUnits=<before>
Global secondary indexes need the capacity of before as well, in --global-secondary-index-updates.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"dynamodb.Table.Status", "dynamodb.Table.BillingMode", "dynamodb.Table.Scaling", "dynamodb.Table.Indexes", "dynamodb.Table.ReadUnits", "dynamodb.Table.WriteUnits"},

	Check: engine.EachWith(scales{}, func(_ *engine.View, p *scales, t *dynamodb.Table) engine.Verdict {
		if why := passing(t); why != "" {
			return engine.NotApplicable(why)
		}
		switch mode := t.BillingMode.Get(); mode {
		case "PAY_PER_REQUEST":
			return engine.Pass()
		case "PROVISIONED":
		default:
			return engine.Unsure(model.TooLittleData, "BillingMode is "+mode)
		}
		fixed := rigid("the table", "", t.Scaling.Get())
		if p.IncludeIndexes {
			for _, i := range t.Indexes.Get() {
				fixed = append(fixed, rigid("index "+i.Name, i.Name, t.Scaling.Get())...)
			}
		}
		if len(fixed) == 0 {
			return engine.Pass()
		}
		return engine.Fail("BillingMode is PROVISIONED, and "+strings.Join(fixed, "; ")+": requests beyond the capacity are throttled. Switch to on demand, or let it scale").
			With("billingMode", t.BillingMode).With("readCapacityUnits", t.ReadUnits).With("writeCapacityUnits", t.WriteUnits).With("scalableTargets", t.Scaling).With("indexes", t.Indexes)
	}),
})

// rigid says which capacity of a table or an index does not scale out, and why.
func rigid(what, index string, targets []dynamodb.Target) (why []string) {
	for _, write := range []bool{false, true} {
		capacity := "read"
		if write {
			capacity = "write"
		}
		found := "no scalable target is registered for the " + capacity + " capacity of " + what
		for _, t := range targets {
			switch {
			case t.Index != index || t.Write != write:
				continue
			case t.Suspended:
				found = "scaling out of the " + capacity + " capacity of " + what + " is suspended"
			case t.Min == t.Max:
				found = fmt.Sprintf("the scalable target for the %s capacity of %s has %d for both minimum and maximum", capacity, what, t.Min)
			default:
				found = ""
			}
		}
		if found != "" {
			why = append(why, found)
		}
	}
	return why
}
