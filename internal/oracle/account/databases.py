"""Databases of RDS, and tables of DynamoDB."""
from moto.dynamodb.models import Table
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBSnapshot

from common import *


def like_aws():
    """RDS tells how storage is encrypted, as StorageEncrypted is false too for what AWS encrypts with a key of its own.
    To moto each table is ACTIVE."""
    known = Table.describe

    def describe(self, base_key="TableDescription"):
        result = known(self, base_key)
        result[base_key]["TableStatus"] = getattr(self, "state", "ACTIVE")
        return result

    Table.describe = describe

    def encryption(self):
        encrypted = getattr(self, "storage_encrypted", None)
        if encrypted is None:
            encrypted = getattr(self, "encrypted", False)
        return getattr(self, "_encryption", "") or ("sse-kms" if encrypted else "none")

    for kind in (DBInstance, DBCluster, DBSnapshot, DBClusterSnapshot):
        kind.storage_encryption_type = property(encryption)
    DBCluster.internet_access_gateway_enabled = property(lambda self: getattr(self, "_gateway", None))


PASSWORD = "oracle-value-nobody-may-read"


def instance(region, name, engine="postgres", **more):
    client("rds", region).create_db_instance(**{
        "DBInstanceIdentifier": name, "Engine": engine, "DBInstanceClass": "db.m6g.large", "AllocatedStorage": 20, "MasterUsername": "oracle", "MasterUserPassword": PASSWORD,
        "MultiAZ": True, "StorageEncrypted": True, "BackupRetentionPeriod": 7, "PubliclyAccessible": False, **more})
    return backend("rds", region).databases[name]


def member(region, name, cluster, engine, **more):
    client("rds", region).create_db_instance(**{
        "DBInstanceIdentifier": name, "Engine": engine, "DBInstanceClass": "db.r6g.large", "DBClusterIdentifier": cluster, "PubliclyAccessible": False, **more})


def cluster(region, name, engine="aurora-mysql", **more):
    client("rds", region).create_db_cluster(**{
        "DBClusterIdentifier": name, "Engine": engine, "MasterUsername": "oracle", "MasterUserPassword": PASSWORD, "StorageEncrypted": True, "BackupRetentionPeriod": 7, **more})
    return backend("rds", region).clusters[name]


def seed():
    relational()
    tables()


def relational():
    rds = client("rds", VIRGINIA)
    instance(VIRGINIA, "db-good")
    instance(VIRGINIA, "db-bad", MultiAZ=False, StorageEncrypted=False, BackupRetentionPeriod=0, PubliclyAccessible=True)
    instance(VIRGINIA, "db-short-backups", BackupRetentionPeriod=6)
    instance(VIRGINIA, "db-long-backups", BackupRetentionPeriod=35)
    instance(VIRGINIA, "db-of-tests", MultiAZ=False, Tags=[{"Key": "environment", "Value": "test"}])
    instance(VIRGINIA, "db-of-prod", MultiAZ=False, Tags=[{"Key": "environment", "Value": "prod"}])
    instance(VIRGINIA, "db-key-of-aws", engine="mysql", StorageEncrypted=False)._encryption = "sse-rds"
    rds.create_db_instance_read_replica(DBInstanceIdentifier="db-replica", SourceDBInstanceIdentifier="db-good", PubliclyAccessible=True, MultiAZ=False)
    replica = backend("rds", VIRGINIA).databases["db-replica"]
    replica.multi_az, replica.backup_retention_period, replica.storage_encrypted, replica.publicly_accessible = False, 0, True, True
    # Clusters, whose members are not judged again but for what is theirs.
    cluster(VIRGINIA, "cluster-good")
    member(VIRGINIA, "cluster-good-1", "cluster-good", "aurora-mysql", AvailabilityZone="us-east-1a")
    member(VIRGINIA, "cluster-good-2", "cluster-good", "aurora-mysql", AvailabilityZone="us-east-1b", PubliclyAccessible=True)
    cluster(VIRGINIA, "cluster-bad", "aurora-postgresql", StorageEncrypted=False, BackupRetentionPeriod=1)
    member(VIRGINIA, "cluster-bad-1", "cluster-bad", "aurora-postgresql", AvailabilityZone="us-east-1a")
    cluster(VIRGINIA, "cluster-express", "aurora-postgresql")._gateway = True
    member(VIRGINIA, "cluster-express-1", "cluster-express", "aurora-postgresql", AvailabilityZone="us-east-1a")
    cluster(VIRGINIA, "cluster-of-tests", Tags=[{"Key": "environment", "Value": "dev"}])
    member(VIRGINIA, "cluster-of-tests-1", "cluster-of-tests", "aurora-mysql")
    cluster(VIRGINIA, "cluster-key-of-aws", StorageEncrypted=False)._encryption = "sse-rds"
    member(VIRGINIA, "cluster-key-of-aws-1", "cluster-key-of-aws", "aurora-mysql")
    cluster(VIRGINIA, "cluster-headless")
    cluster(VIRGINIA, "cluster-serverless-1", EngineMode="serverless")
    cluster(VIRGINIA, "cluster-three-nodes", "mysql", DBClusterInstanceClass="db.m6gd.large", AllocatedStorage=100, StorageType="io1", Iops=1000)
    for n in "123":
        member(VIRGINIA, f"cluster-three-nodes-{n}", "cluster-three-nodes", "mysql", AvailabilityZone="us-east-1" + " abc"[int(n)])
    # They have the same API and rules of their own.
    for name, engine in (("graph", "neptune"), ("documents", "docdb")):
        cluster(VIRGINIA, name, StorageEncrypted=False, BackupRetentionPeriod=1)
        member(VIRGINIA, name + "-1", name, "aurora-mysql", PubliclyAccessible=True)
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=name + "-snapshot", DBClusterIdentifier=name)
        rds.modify_db_cluster_snapshot_attribute(DBClusterSnapshotIdentifier=name + "-snapshot", AttributeName="restore", ValuesToAdd=["all"])
        b = backend("rds", VIRGINIA)
        b.clusters[name].engine = b.databases[name + "-1"].engine = b.cluster_snapshots[name + "-snapshot"].engine = engine
    # Snapshots.
    for name, shared in (("snapshot-private", []), ("snapshot-partner", [PARTNER]), ("snapshot-public", ["all"]), ("snapshot-public-too", [PARTNER, "all"])):
        rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier="db-bad")
        rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=shared)
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="cluster-" + name, DBClusterIdentifier="cluster-bad")
        rds.modify_db_cluster_snapshot_attribute(DBClusterSnapshotIdentifier="cluster-" + name, AttributeName="restore", ValuesToAdd=shared)

    instance(FRANKFURT, "db-bad", MultiAZ=False, PubliclyAccessible=True)
    cluster(FRANKFURT, "cluster-single")
    member(FRANKFURT, "cluster-single-1", "cluster-single", "aurora-mysql", AvailabilityZone="eu-central-1a")
    client("rds", FRANKFURT).create_db_snapshot(DBSnapshotIdentifier="snapshot-public", DBInstanceIdentifier="db-bad")
    client("rds", FRANKFURT).modify_db_snapshot_attribute(DBSnapshotIdentifier="snapshot-public", AttributeName="restore", ValuesToAdd=["all"])
    instance(SYDNEY, "db-good", engine="mysql")


def table(region, name, provisioned=True, recovery=False, status="ACTIVE", targets=(), index=False):
    """A table. Targets are (index or "", read or write, least, most)."""
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    capacity = {"ProvisionedThroughput": throughput} if provisioned else {}
    more = [{"IndexName": "by-day", "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}, **capacity}] if index else []
    client("dynamodb", region).create_table(
        TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PROVISIONED" if provisioned else "PAY_PER_REQUEST", **capacity,
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in (["id", "day"] if index else ["id"])], **({"GlobalSecondaryIndexes": more} if more else {}))
    if recovery:
        client("dynamodb", region).update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    for of, what, least, most, *suspended in targets:
        resource = f"table/{name}" + (of and f"/index/{of}")
        client("application-autoscaling", region).register_scalable_target(
            ServiceNamespace="dynamodb", ResourceId=resource, ScalableDimension=f"dynamodb:{'index' if of else 'table'}:{what}CapacityUnits", MinCapacity=least, MaxCapacity=most,
            **({"SuspendedState": {"DynamicScalingOutSuspended": True}} if suspended else {}))
    backend("dynamodb", region).tables[name].state = status


BOTH = (("", "Read", 5, 100), ("", "Write", 5, 100))


def tables():
    table(VIRGINIA, "on-demand", provisioned=False, recovery=True)
    table(VIRGINIA, "fixed")
    table(VIRGINIA, "scaling", targets=BOTH, recovery=True)
    table(VIRGINIA, "scaling-reads-only", targets=BOTH[:1], recovery=True)
    table(VIRGINIA, "scaling-nowhere", targets=[("", "Read", 5, 5), ("", "Write", 5, 100)], recovery=True)
    table(VIRGINIA, "scaling-suspended", targets=[BOTH[0], ("", "Write", 5, 100, True)], recovery=True)
    table(VIRGINIA, "scaling-without-index", targets=BOTH, recovery=True, index=True)
    table(VIRGINIA, "scaling-with-index", targets=[*BOTH, ("by-day", "Read", 5, 100), ("by-day", "Write", 5, 100)], recovery=True, index=True)
    table(VIRGINIA, "scaling-index-only", targets=[("by-day", "Read", 5, 100), ("by-day", "Write", 5, 100)], recovery=True, index=True)
    table(VIRGINIA, "creating", status="CREATING")
    table(VIRGINIA, "deleting", status="DELETING")
    table(VIRGINIA, "updating", status="UPDATING")
    table(FRANKFURT, "on-demand", provisioned=False)
    table(SYDNEY, "fixed", recovery=True)
