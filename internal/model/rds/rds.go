// Package rds holds the resources of Amazon RDS and Amazon Aurora. Neptune and DocumentDB, which share their API, are not among them.
package rds

import (
	"time"

	"awsscanner/internal/model"
)

// A DBInstance is a database server: on its own, or a member of a cluster.
type DBInstance struct {
	model.Meta          `call:"rds:DescribeDBInstances"`
	Engine              model.Attr[string]            `json:"engine,omitzero"              call:"rds:DescribeDBInstances"` // postgres, aurora-mysql, custom-oracle-ee, ...
	EngineVersion       model.Attr[string]            `json:"engineVersion,omitzero"       call:"rds:DescribeDBInstances"`
	LifecycleSupport    model.Attr[string]            `json:"lifecycleSupport,omitzero"    call:"rds:DescribeDBInstances"` // open-source-rds-extended-support or ...-disabled
	Class               model.Attr[string]            `json:"class,omitzero"               call:"rds:DescribeDBInstances"` // db.m7g.large
	Status              model.Attr[string]            `json:"status,omitzero"              call:"rds:DescribeDBInstances"` // available, stopped, storage-full, ...
	Created             model.Attr[time.Time]         `json:"created,omitzero"             call:"rds:DescribeDBInstances"`
	Zone                model.Attr[string]            `json:"zone,omitzero"                call:"rds:DescribeDBInstances"`
	Cluster             model.Attr[string]            `json:"cluster,omitzero"             call:"rds:DescribeDBInstances"` // "" if it is no member of one
	ReplicaOf           model.Attr[string]            `json:"replicaOf,omitzero"           call:"rds:DescribeDBInstances"` // instance or cluster; "" if it is no read replica
	PubliclyAccessible  model.Attr[bool]              `json:"publiclyAccessible,omitzero"  call:"rds:DescribeDBInstances"`
	Port                model.Attr[int]               `json:"port,omitzero"                call:"rds:DescribeDBInstances"`
	VPC                 model.Attr[string]            `json:"vpc,omitzero"                 call:"rds:DescribeDBInstances"`
	Subnets             model.Attr[[]string]          `json:"subnets,omitzero"             call:"rds:DescribeDBInstances"`
	SecurityGroups      model.Attr[[]string]          `json:"securityGroups,omitzero"      call:"rds:DescribeDBInstances"`
	MultiAZ             model.Attr[bool]              `json:"multiAz,omitzero"             call:"rds:DescribeDBInstances"` // has a standby; says nothing of members of a cluster
	BackupRetentionDays model.Attr[int]               `json:"backupRetentionDays,omitzero" call:"rds:DescribeDBInstances"` // 0: no automated backups
	StorageEncrypted    model.Attr[bool]              `json:"storageEncrypted,omitzero"    call:"rds:DescribeDBInstances"` // with a key that KMS shows: false does not mean plain text
	EncryptionType      model.Attr[string]            `json:"encryptionType,omitzero"      call:"rds:DescribeDBInstances"` // none, sse-rds or sse-kms
	KMSKey              model.Attr[string]            `json:"kmsKey,omitzero"              call:"rds:DescribeDBInstances" ref:"AWS::KMS::Key"`
	StorageType         model.Attr[string]            `json:"storageType,omitzero"         call:"rds:DescribeDBInstances"` // gp3, io2, aurora, ...
	AllocatedGiB        model.Attr[int]               `json:"allocatedGiB,omitzero"        call:"rds:DescribeDBInstances"`
	MaxAllocatedGiB     model.Attr[int]               `json:"maxAllocatedGiB,omitzero"     call:"rds:DescribeDBInstances"` // 0 if the storage does not grow by itself
	ParameterGroups     model.Attr[[]string]          `json:"parameterGroups,omitzero"     call:"rds:DescribeDBInstances"`
	MasterUsername      model.Attr[string]            `json:"masterUsername,omitzero"      call:"rds:DescribeDBInstances"`
	IAMAuthentication   model.Attr[bool]              `json:"iamAuthentication,omitzero"   call:"rds:DescribeDBInstances"`
	AutoMinorUpgrade    model.Attr[bool]              `json:"autoMinorUpgrade,omitzero"    call:"rds:DescribeDBInstances"`
	DeletionProtection  model.Attr[bool]              `json:"deletionProtection,omitzero"  call:"rds:DescribeDBInstances"`
	CopyTags            model.Attr[bool]              `json:"copyTags,omitzero"            call:"rds:DescribeDBInstances"`
	CertificateExpires  model.Attr[time.Time]         `json:"certificateExpires,omitzero"  call:"rds:DescribeDBInstances"`
	MonitoringSeconds   model.Attr[int]               `json:"monitoringSeconds,omitzero"   call:"rds:DescribeDBInstances"` // between points of Enhanced Monitoring; 0 if it is off
	LogExports          model.Attr[[]string]          `json:"logExports,omitzero"          call:"rds:DescribeDBInstances"` // to CloudWatch Logs: postgresql, error, ...
	PerformanceInsights model.Attr[bool]              `json:"performanceInsights,omitzero" call:"rds:DescribeDBInstances"`
	Tags                model.Attr[map[string]string] `json:"tags,omitzero"                call:"rds:DescribeDBInstances"`
}

// A DBCluster is an Aurora cluster or, if its engine is mysql or postgres, a Multi-AZ DB cluster.
type DBCluster struct {
	model.Meta            `call:"rds:DescribeDBClusters"`
	Engine                model.Attr[string]            `json:"engine,omitzero"                call:"rds:DescribeDBClusters"`
	EngineVersion         model.Attr[string]            `json:"engineVersion,omitzero"         call:"rds:DescribeDBClusters"`
	EngineMode            model.Attr[string]            `json:"engineMode,omitzero"            call:"rds:DescribeDBClusters"` // provisioned, which Serverless v2 is too, or serverless, which is v1
	Scalability           model.Attr[string]            `json:"scalability,omitzero"           call:"rds:DescribeDBClusters"` // standard or limitless; "" if nothing is said
	LifecycleSupport      model.Attr[string]            `json:"lifecycleSupport,omitzero"      call:"rds:DescribeDBClusters"`
	Status                model.Attr[string]            `json:"status,omitzero"                call:"rds:DescribeDBClusters"`
	Members               model.Attr[[]Member]          `json:"members,omitzero"               call:"rds:DescribeDBClusters"`
	MultiAZ               model.Attr[bool]              `json:"multiAz,omitzero"               call:"rds:DescribeDBClusters"` // its instances are in several Availability Zones
	InternetAccessGateway model.Attr[bool]              `json:"internetAccessGateway,omitzero" call:"rds:DescribeDBClusters"` // an endpoint on the internet, outside of any VPC
	BackupRetentionDays   model.Attr[int]               `json:"backupRetentionDays,omitzero"   call:"rds:DescribeDBClusters"`
	StorageEncrypted      model.Attr[bool]              `json:"storageEncrypted,omitzero"      call:"rds:DescribeDBClusters"` // with a key that KMS shows: false does not mean plain text
	EncryptionType        model.Attr[string]            `json:"encryptionType,omitzero"        call:"rds:DescribeDBClusters"` // none, sse-rds or sse-kms
	KMSKey                model.Attr[string]            `json:"kmsKey,omitzero"                call:"rds:DescribeDBClusters" ref:"AWS::KMS::Key"`
	ParameterGroup        model.Attr[string]            `json:"parameterGroup,omitzero"        call:"rds:DescribeDBClusters"`
	MasterUsername        model.Attr[string]            `json:"masterUsername,omitzero"        call:"rds:DescribeDBClusters"`
	IAMAuthentication     model.Attr[bool]              `json:"iamAuthentication,omitzero"     call:"rds:DescribeDBClusters"`
	AutoMinorUpgrade      model.Attr[bool]              `json:"autoMinorUpgrade,omitzero"      call:"rds:DescribeDBClusters"`
	DeletionProtection    model.Attr[bool]              `json:"deletionProtection,omitzero"    call:"rds:DescribeDBClusters"`
	CopyTags              model.Attr[bool]              `json:"copyTags,omitzero"              call:"rds:DescribeDBClusters"`
	LogExports            model.Attr[[]string]          `json:"logExports,omitzero"            call:"rds:DescribeDBClusters"` // to CloudWatch Logs: audit, error, ...
	Tags                  model.Attr[map[string]string] `json:"tags,omitzero"                  call:"rds:DescribeDBClusters"`
}

// A Member is an instance of a cluster.
type Member struct {
	Instance string `json:"instance"`
	Writer   bool   `json:"writer"`
}

// A DBSnapshot is a manual snapshot of an instance: the only sort that can be shared, and that stays until somebody deletes it.
type DBSnapshot struct {
	model.Meta       `call:"rds:DescribeDBSnapshots"`
	Engine           model.Attr[string]            `json:"engine,omitzero"           call:"rds:DescribeDBSnapshots"`
	Instance         model.Attr[string]            `json:"instance,omitzero"         call:"rds:DescribeDBSnapshots"` // of which it was taken; it may be gone
	Status           model.Attr[string]            `json:"status,omitzero"           call:"rds:DescribeDBSnapshots"`
	Created          model.Attr[time.Time]         `json:"created,omitzero"          call:"rds:DescribeDBSnapshots"`
	AllocatedGiB     model.Attr[int]               `json:"allocatedGiB,omitzero"     call:"rds:DescribeDBSnapshots"`
	StorageEncrypted model.Attr[bool]              `json:"storageEncrypted,omitzero" call:"rds:DescribeDBSnapshots"` // with a key that KMS shows: false does not mean plain text
	EncryptionType   model.Attr[string]            `json:"encryptionType,omitzero"   call:"rds:DescribeDBSnapshots"` // none, sse-rds or sse-kms
	KMSKey           model.Attr[string]            `json:"kmsKey,omitzero"           call:"rds:DescribeDBSnapshots" ref:"AWS::KMS::Key"`
	Restore          model.Attr[[]string]          `json:"restore,omitzero"          call:"rds:DescribeDBSnapshotAttributes"` // accounts that may restore it, or "all"
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"rds:DescribeDBSnapshots"`
}

// A DBClusterSnapshot is a manual snapshot of a cluster.
type DBClusterSnapshot struct {
	model.Meta       `call:"rds:DescribeDBClusterSnapshots"`
	Engine           model.Attr[string]            `json:"engine,omitzero"           call:"rds:DescribeDBClusterSnapshots"`
	Cluster          model.Attr[string]            `json:"cluster,omitzero"          call:"rds:DescribeDBClusterSnapshots"` // of which it was taken; it may be gone
	Status           model.Attr[string]            `json:"status,omitzero"           call:"rds:DescribeDBClusterSnapshots"`
	Created          model.Attr[time.Time]         `json:"created,omitzero"          call:"rds:DescribeDBClusterSnapshots"`
	AllocatedGiB     model.Attr[int]               `json:"allocatedGiB,omitzero"     call:"rds:DescribeDBClusterSnapshots"`
	StorageEncrypted model.Attr[bool]              `json:"storageEncrypted,omitzero" call:"rds:DescribeDBClusterSnapshots"` // with a key that KMS shows: false does not mean plain text
	EncryptionType   model.Attr[string]            `json:"encryptionType,omitzero"   call:"rds:DescribeDBClusterSnapshots"` // none, sse-rds or sse-kms
	KMSKey           model.Attr[string]            `json:"kmsKey,omitzero"           call:"rds:DescribeDBClusterSnapshots" ref:"AWS::KMS::Key"`
	Restore          model.Attr[[]string]          `json:"restore,omitzero"          call:"rds:DescribeDBClusterSnapshotAttributes"` // accounts that may restore it, or "all"
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"rds:DescribeDBClusterSnapshots"`
}

func (*DBInstance) Kind() model.Kind        { return "AWS::RDS::DBInstance" }
func (*DBCluster) Kind() model.Kind         { return "AWS::RDS::DBCluster" }
func (*DBSnapshot) Kind() model.Kind        { return "AWS::RDS::DBSnapshot" }
func (*DBClusterSnapshot) Kind() model.Kind { return "AWS::RDS::DBClusterSnapshot" }
