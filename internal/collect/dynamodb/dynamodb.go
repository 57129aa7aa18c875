// Package dynamodb collects from Amazon DynamoDB, and what Application Auto Scaling does to its tables.
package dynamodb

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/dynamodb"
)

func Calls(at collect.At) []collect.Call {
	c := dynamodb.NewFromConfig(at.Config, func(o *dynamodb.Options) {
		o.DisableValidateResponseChecksum = true // a wrong one would only be logged, and so is that there is none, as through a proxy
	})
	s := applicationautoscaling.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "dynamodb:ListTables", // tells names only
		Lists: []model.Resource{&my.Table{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := dynamodb.NewListTablesPaginator(c, &dynamodb.ListTablesInput{Limit: aws.Int32(100)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, name := range page.TableNames {
					found(&my.Table{Meta: model.Meta{ID: name, ARN: at.ARN("dynamodb", "table/"+name), Name: name}})
				}
			}
			return nil
		}),
	}, {
		Op: "dynamodb:DescribeTable",
		Do: collect.PerItem(func(ctx context.Context, t *my.Table) error {
			out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.ID})
			if err == nil && out.Table != nil {
				fill(t, out.Table, at.Region)
			}
			return err
		}),
	}, {
		Op: "dynamodb:DescribeContinuousBackups",
		Do: collect.PerItem(func(ctx context.Context, t *my.Table) error {
			out, err := c.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &t.ID})
			if err != nil {
				return err
			}
			if d := out.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil {
				p := d.PointInTimeRecoveryDescription
				t.PITR = model.FromString(p.PointInTimeRecoveryStatus)
				if p.RecoveryPeriodInDays != nil {
					t.PITRDays = model.Known(int(*p.RecoveryPeriodInDays))
				} else if p.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusDisabled {
					t.PITRDays = model.Known(0)
				}
			}
			return nil
		}),
	}, {
		// One list for the whole region; to ask for each table would take as many requests as there are tables.
		Op: "applicationautoscaling:DescribeScalableTargets",
		Do: collect.PerRegion(func(ctx context.Context, tables []*my.Table) error {
			targets := map[string][]my.Target{}
			pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(s, &applicationautoscaling.DescribeScalableTargetsInput{
				ServiceNamespace: scaling.ServiceNamespaceDynamodb, MaxResults: aws.Int32(50)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, t := range page.ScalableTargets {
					table, out := target(t)
					targets[table] = append(targets[table], out)
				}
			}
			for _, t := range tables {
				t.Scaling = model.Known(append([]my.Target{}, targets[t.ID]...)) // none are a list as well
			}
			return nil
		}),
	}}
}

// fill copies the description of a table.
func fill(t *my.Table, d *types.TableDescription, region string) {
	t.Status = model.FromString(d.TableStatus)
	t.Created = model.FromPtr(d.CreationDateTime)
	t.ReadUnits, t.WriteUnits = units(d.ProvisionedThroughput)
	t.Items, t.Bytes = model.FromPtr(d.ItemCount), model.FromPtr(d.TableSizeBytes)
	t.Class = model.Known(string(types.TableClassStandard))
	t.DeletionProtection = model.FromPtr(d.DeletionProtectionEnabled)
	t.Encryption, t.KMSKey = model.Known(""), model.Known("")
	t.Stream = model.OrNone(d.LatestStreamArn)
	// A table that was never on demand has no summary, but capacity, which is at least 1. Tables on demand have a capacity of 0.
	// Sources: API reference, ProvisionedThroughput; aws/aws-sdk-go-v2, TableDescription; boto/boto3#1875.
	if b := d.BillingModeSummary; b != nil {
		t.BillingMode = model.FromString(b.BillingMode)
	} else if n, _ := t.ReadUnits.Lookup(); n > 0 {
		t.BillingMode = model.Known(string(types.BillingModeProvisioned))
	}
	if d.TableClassSummary != nil { // left out until somebody sets a class
		t.Class = model.FromString(d.TableClassSummary.TableClass)
	}
	if e := d.SSEDescription; e != nil && e.Status != types.SSEStatusDisabled { // left out with a key that AWS owns
		t.Encryption, t.KMSKey = model.FromString(e.SSEType), model.FromPtr(e.KMSMasterKeyArn)
	}
	indexes := []my.Index{}
	for _, i := range d.GlobalSecondaryIndexes {
		read, write := units(i.ProvisionedThroughput)
		r, _ := read.Lookup()
		w, _ := write.Lookup()
		indexes = append(indexes, my.Index{Name: aws.ToString(i.IndexName), ReadUnits: r, WriteUnits: w})
	}
	t.Indexes = model.Known(indexes)
	replicas := []string{}
	for _, r := range d.Replicas {
		if name := aws.ToString(r.RegionName); name != region {
			replicas = append(replicas, name)
		}
	}
	t.Replicas = model.Known(replicas)
}

func units(p *types.ProvisionedThroughputDescription) (read, write model.Attr[int64]) {
	if p != nil {
		read, write = model.FromPtr(p.ReadCapacityUnits), model.FromPtr(p.WriteCapacityUnits)
	}
	return read, write
}

// target tells of which table something is: table/orders or table/orders/index/by-customer.
func target(t scaling.ScalableTarget) (table string, out my.Target) {
	table, index, _ := strings.Cut(strings.TrimPrefix(aws.ToString(t.ResourceId), "table/"), "/index/")
	out = my.Target{Index: index, Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
	switch t.ScalableDimension {
	case scaling.ScalableDimensionDynamoDBTableWriteCapacityUnits, scaling.ScalableDimensionDynamoDBIndexWriteCapacityUnits:
		out.Write = true
	}
	if t.SuspendedState != nil {
		out.Suspended = aws.ToBool(t.SuspendedState.DynamicScalingOutSuspended)
	}
	return table, out
}
