// Package rds collects from Amazon RDS and Amazon Aurora.
package rds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/rds"
)

// pageSize is the most that RDS allows.
const pageSize = 100

func Calls(at collect.At) []collect.Call {
	c := rds.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "rds:DescribeDBInstances",
		Lists: []model.Resource{&my.DBInstance{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := rds.NewDescribeDBInstancesPaginator(c, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, i := range page.DBInstances {
					if !foreign(i.Engine) {
						found(instance(i))
					}
				}
			}
			return nil
		}),
	}, {
		Op:    "rds:DescribeDBClusters",
		Lists: []model.Resource{&my.DBCluster{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := rds.NewDescribeDBClustersPaginator(c, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, d := range page.DBClusters {
					if !foreign(d.Engine) {
						found(cluster(d))
					}
				}
			}
			return nil
		}),
	}, {
		Op:    "rds:DescribeDBSnapshots",
		Lists: []model.Resource{&my.DBSnapshot{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			// Of automated ones and those of AWS Backup there may be dozens for each instance: they come and go by
			// themselves, are as their source is, and cannot be shared.
			pages := rds.NewDescribeDBSnapshotsPaginator(c, &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("manual"), MaxRecords: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.DBSnapshots {
					if !foreign(s.Engine) {
						found(snapshot(s))
					}
				}
			}
			return nil
		}),
	}, {
		Op:    "rds:DescribeDBClusterSnapshots",
		Lists: []model.Resource{&my.DBClusterSnapshot{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := rds.NewDescribeDBClusterSnapshotsPaginator(c, &rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("manual"), MaxRecords: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.DBClusterSnapshots {
					if !foreign(s.Engine) {
						found(clusterSnapshot(s))
					}
				}
			}
			return nil
		}),
	}, {
		Op: "rds:DescribeDBSnapshotAttributes",
		Do: collect.PerItem(func(ctx context.Context, s *my.DBSnapshot) error {
			out, err := c.DescribeDBSnapshotAttributes(ctx, &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &s.ID})
			if err != nil {
				return err
			}
			if r := out.DBSnapshotAttributesResult; r != nil {
				for _, a := range r.DBSnapshotAttributes { // restore is always there, perhaps without values
					if aws.ToString(a.AttributeName) == "restore" {
						s.Restore = model.Known(a.AttributeValues)
					}
				}
			}
			return nil
		}),
	}, {
		Op: "rds:DescribeDBClusterSnapshotAttributes",
		Do: collect.PerItem(func(ctx context.Context, s *my.DBClusterSnapshot) error {
			out, err := c.DescribeDBClusterSnapshotAttributes(ctx, &rds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: &s.ID})
			if err != nil {
				return err
			}
			if r := out.DBClusterSnapshotAttributesResult; r != nil {
				for _, a := range r.DBClusterSnapshotAttributes {
					if aws.ToString(a.AttributeName) == "restore" {
						s.Restore = model.Known(a.AttributeValues)
					}
				}
			}
			return nil
		}),
	}}
}

// foreign reports whether something belongs to Neptune or DocumentDB. They are built on RDS, whose lists show theirs too.
func foreign(engine *string) bool {
	switch aws.ToString(engine) {
	case "neptune", "docdb":
		return true
	}
	return false
}

func instance(i types.DBInstance) *my.DBInstance {
	id := aws.ToString(i.DBInstanceIdentifier)
	out := &my.DBInstance{
		Meta:                model.Meta{ID: id, ARN: aws.ToString(i.DBInstanceArn), Name: id},
		Engine:              model.FromPtr(i.Engine),
		EngineVersion:       model.FromPtr(i.EngineVersion),
		LifecycleSupport:    model.FromPtr(i.EngineLifecycleSupport),
		Class:               model.FromPtr(i.DBInstanceClass),
		Status:              model.FromPtr(i.DBInstanceStatus),
		Created:             model.FromPtr(i.InstanceCreateTime),
		Zone:                model.FromPtr(i.AvailabilityZone),
		Cluster:             model.OrNone(i.DBClusterIdentifier),
		ReplicaOf:           model.OrNone(i.ReadReplicaSourceDBInstanceIdentifier),
		PubliclyAccessible:  model.FromPtr(i.PubliclyAccessible),
		SecurityGroups:      list(i.VpcSecurityGroups, func(g types.VpcSecurityGroupMembership) *string { return g.VpcSecurityGroupId }),
		MultiAZ:             model.FromPtr(i.MultiAZ),
		BackupRetentionDays: model.FromInt(i.BackupRetentionPeriod),
		StorageEncrypted:    model.FromPtr(i.StorageEncrypted),
		EncryptionType:      encryption(i.StorageEncryptionType, i.StorageEncrypted),
		KMSKey:              key(i.StorageEncrypted, i.KmsKeyId),
		StorageType:         model.FromPtr(i.StorageType),
		AllocatedGiB:        model.FromInt(i.AllocatedStorage),
		MaxAllocatedGiB:     model.Known(int(aws.ToInt32(i.MaxAllocatedStorage))),
		ParameterGroups:     list(i.DBParameterGroups, func(g types.DBParameterGroupStatus) *string { return g.DBParameterGroupName }),
		MasterUsername:      model.FromPtr(i.MasterUsername),
		IAMAuthentication:   model.FromPtr(i.IAMDatabaseAuthenticationEnabled),
		AutoMinorUpgrade:    model.FromPtr(i.AutoMinorVersionUpgrade),
		DeletionProtection:  model.FromPtr(i.DeletionProtection),
		CopyTags:            model.FromPtr(i.CopyTagsToSnapshot),
		MonitoringSeconds:   model.FromInt(i.MonitoringInterval),
		LogExports:          model.Known(i.EnabledCloudwatchLogsExports),
		PerformanceInsights: model.FromPtr(i.PerformanceInsightsEnabled),
		Tags:                tags(i.TagList),
	}
	if i.ReadReplicaSourceDBClusterIdentifier != nil {
		out.ReplicaOf = model.FromPtr(i.ReadReplicaSourceDBClusterIdentifier)
	}
	if e := i.Endpoint; e != nil { // it comes when the instance is there
		out.Port = model.FromInt(e.Port)
	}
	if g := i.DBSubnetGroup; g != nil {
		out.VPC = model.FromPtr(g.VpcId)
		out.Subnets = list(g.Subnets, func(s types.Subnet) *string { return s.SubnetIdentifier })
	}
	if d := i.CertificateDetails; d != nil {
		out.CertificateExpires = model.FromPtr(d.ValidTill)
	}
	return out
}

func cluster(d types.DBCluster) *my.DBCluster {
	id := aws.ToString(d.DBClusterIdentifier)
	out := &my.DBCluster{
		Meta:                  model.Meta{ID: id, ARN: aws.ToString(d.DBClusterArn), Name: id},
		Engine:                model.FromPtr(d.Engine),
		EngineVersion:         model.FromPtr(d.EngineVersion),
		EngineMode:            model.FromPtr(d.EngineMode),
		Scalability:           model.Known(string(d.ClusterScalabilityType)),
		LifecycleSupport:      model.FromPtr(d.EngineLifecycleSupport),
		Status:                model.FromPtr(d.Status),
		MultiAZ:               model.FromPtr(d.MultiAZ),
		InternetAccessGateway: model.OrNone(d.InternetAccessGatewayEnabled), // told of Aurora PostgreSQL with express configuration alone
		BackupRetentionDays:   model.FromInt(d.BackupRetentionPeriod),
		StorageEncrypted:      model.FromPtr(d.StorageEncrypted),
		EncryptionType:        encryption(d.StorageEncryptionType, d.StorageEncrypted),
		KMSKey:                key(d.StorageEncrypted, d.KmsKeyId),
		ParameterGroup:        model.FromPtr(d.DBClusterParameterGroup),
		MasterUsername:        model.FromPtr(d.MasterUsername),
		IAMAuthentication:     model.FromPtr(d.IAMDatabaseAuthenticationEnabled),
		AutoMinorUpgrade:      model.FromPtr(d.AutoMinorVersionUpgrade),
		DeletionProtection:    model.FromPtr(d.DeletionProtection),
		CopyTags:              model.FromPtr(d.CopyTagsToSnapshot),
		LogExports:            model.Known(d.EnabledCloudwatchLogsExports),
		Tags:                  tags(d.TagList),
	}
	if d.DBClusterMembers != nil {
		members := []my.Member{}
		for _, m := range d.DBClusterMembers {
			members = append(members, my.Member{Instance: aws.ToString(m.DBInstanceIdentifier), Writer: aws.ToBool(m.IsClusterWriter)})
		}
		out.Members = model.Known(members)
	}
	return out
}

func snapshot(s types.DBSnapshot) *my.DBSnapshot {
	id := aws.ToString(s.DBSnapshotIdentifier)
	return &my.DBSnapshot{
		Meta:             model.Meta{ID: id, ARN: aws.ToString(s.DBSnapshotArn), Name: id},
		Engine:           model.FromPtr(s.Engine),
		Instance:         model.FromPtr(s.DBInstanceIdentifier),
		Status:           model.FromPtr(s.Status),
		Created:          model.FromPtr(s.SnapshotCreateTime),
		AllocatedGiB:     model.FromInt(s.AllocatedStorage),
		StorageEncrypted: model.FromPtr(s.Encrypted),
		EncryptionType:   encryption(s.StorageEncryptionType, s.Encrypted),
		KMSKey:           key(s.Encrypted, s.KmsKeyId),
		Tags:             tags(s.TagList),
	}
}

func clusterSnapshot(s types.DBClusterSnapshot) *my.DBClusterSnapshot {
	id := aws.ToString(s.DBClusterSnapshotIdentifier)
	return &my.DBClusterSnapshot{
		Meta:             model.Meta{ID: id, ARN: aws.ToString(s.DBClusterSnapshotArn), Name: id},
		Engine:           model.FromPtr(s.Engine),
		Cluster:          model.FromPtr(s.DBClusterIdentifier),
		Status:           model.FromPtr(s.Status),
		Created:          model.FromPtr(s.SnapshotCreateTime),
		AllocatedGiB:     model.FromInt(s.AllocatedStorage),
		StorageEncrypted: model.FromPtr(s.StorageEncrypted),
		EncryptionType:   encryption(s.StorageEncryptionType, s.StorageEncrypted),
		KMSKey:           key(s.StorageEncrypted, s.KmsKeyId),
		Tags:             tags(s.TagList),
	}
}

// encryption returns how data is encrypted. Where RDS does not tell, it has no keys of its own to encrypt with yet, so that StorageEncrypted
// says it all.
func encryption(how types.StorageEncryptionType, encrypted *bool) (unknown model.Attr[string]) {
	switch {
	case how != "":
		return model.FromString(how)
	case encrypted == nil:
		return unknown
	case *encrypted:
		return model.FromString(types.StorageEncryptionTypeCmk)
	}
	return model.FromString(types.StorageEncryptionTypeUnencrypted)
}

// key returns the KMS key, which RDS tells of what is encrypted with one that the account can see.
func key(encrypted *bool, id *string) model.Attr[string] {
	if encrypted != nil && !*encrypted {
		return model.OrNone(id)
	}
	return model.FromPtr(id)
}

// list returns names out of a list: where there are none RDS answers with an empty one.
func list[T any](in []T, name func(T) *string) (unknown model.Attr[[]string]) {
	if in == nil {
		return unknown
	}
	out := make([]string, len(in))
	for i, x := range in {
		out[i] = aws.ToString(name(x))
	}
	return model.Known(out)
}

// tags returns the tags: where there are none RDS answers with an empty list.
func tags(in []types.Tag) (unknown model.Attr[map[string]string]) {
	if in == nil {
		return unknown
	}
	out := make(map[string]string, len(in))
	for _, t := range in {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return model.Known(out)
}
