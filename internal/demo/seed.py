#!/usr/bin/env python3
"""The demo account on loopback: moto in this process, filled as the account of a small company, acme.

usage: seed.py [PORT]     (default 5630; prints "ready", and serves until Ctrl-C)

A recording should be like one of AWS, and the same each time. Hence this file replaces moto's clock, its random
numbers, request IDs and the URLs of queues. Then it goes back in time and does through boto3 what acme did. Only
what no call can bring about is set in moto's memory: each function says what that is.
"""

import contextlib
import datetime
import json
import logging
import os
import sys
import threading
import time

ACCOUNT, PARTNER = "111122223333", "999988887777"
PRODUCTION, GLOBAL, BACKUP = REGIONS = "eu-central-1", "us-east-1", "eu-west-1"
START = datetime.datetime(2026, 11, 21, 12, 0, 0)  # demo.Start; the newest thing in the account is a bit older

# moto reads these when it is imported.
os.environ.update(MOTO_ACCOUNT_ID=ACCOUNT, MOTO_ACM_VALIDATION_WAIT=str(30 * 86400), TZ="UTC")
time.tzset()

import boto3
import moto.core.responses
import moto.core.utils
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto.acm.models import CertBundle
from moto.backends import get_backend
from moto.cloudformation.models import Event
from moto.cloudtrail.models import TrailStatus
from moto.ec2.models.elastic_block_store import Volume, VolumeAttachment
from moto.moto_api._internal import mock_random
from moto.server import ThreadedMotoServer
from moto.sqs.models import Queue

now = START


@contextlib.contextmanager
def ago(days=0.0, minutes=0.0):
    """Makes moto believe that it is so long before the recording."""
    global now
    now = START - datetime.timedelta(days=days, minutes=minutes)
    yield now
    now = START


def prepare_moto():
    """Gives moto this file's clock, the same random numbers and request IDs each time, and the queue URLs of AWS."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    services = "acm", "cloudformation", "cloudtrail", "ec2", "kms", "logs", "s3", "sns", "sqs", "ssm", "sts"
    for service in services:
        get_backend(service)  # loads its modules, each of which has a name of its own for the clock
    real = moto.core.utils.utcnow
    for module in list(sys.modules.values()):
        if module.__name__.startswith("moto.") and getattr(module, "utcnow", None) is real:
            module.utcnow = lambda: now
    mock_random.seed(20261121)
    moto.core.responses.gen_amzn_requestid_long = lambda headers: "00000000-0000-4000-8000-000000000000"
    Queue.url = lambda self, _: f"https://sqs.{self.region}.amazonaws.com/{self.account_id}/{self.name}"


def keys(client):
    """Customer managed KMS keys, by name."""
    made = {}
    for region, name, age in (
        (PRODUCTION, "shop", 700),
        (PRODUCTION, "payments-2023", 1100),
        (PRODUCTION, "crm", 400),
        (GLOBAL, "ci", 500),
        (BACKUP, "backup", 650),
    ):
        with ago(days=age):
            kms = client("kms", region)
            key = kms.create_key(Description=name, KeyUsage="ENCRYPT_DECRYPT", MultiRegion=False)["KeyMetadata"]
            made[name] = key["Arn"]
            kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made[name])
    with ago(days=4):
        client("kms", PRODUCTION).schedule_key_deletion(
            KeyId=made["payments-2023"].split("/")[1], PendingWindowInDays=14
        )
    made["partner"] = f"arn:aws:kms:{PRODUCTION}:{PARTNER}:key/6f1d2c34-5b6a-4978-8a90-b1c2d3e4f506"
    return made


def queues(client):
    """Queues with and without a dead-letter queue. Times, which moto has with fractions, are set here."""

    def create(region, name, dead_letters=None, receives=5, **attributes):
        sqs = client("sqs", region)
        if dead_letters:
            target = f"arn:aws:sqs:{region}:{ACCOUNT}:{dead_letters}"
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": receives})
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        queue = get_backend("sqs")[ACCOUNT][region].queues[name]
        queue.created_timestamp = queue.last_modified_timestamp = int(queue.created_timestamp)
        return url

    with ago(days=600):
        create(PRODUCTION, "orders-dlq", MessageRetentionPeriod="1209600")
        create(PRODUCTION, "orders", "orders-dlq", VisibilityTimeout="60")
        create(PRODUCTION, "payments-dlq.fifo", MessageRetentionPeriod="1209600")
        create(PRODUCTION, "payments.fifo", "payments-dlq.fifo", ContentBasedDeduplication="true")
    with ago(days=420):
        create(PRODUCTION, "invoice-mail")
        create(PRODUCTION, "search-index", "orders-dlq", receives=1)
    with ago(days=300):
        gone = create(PRODUCTION, "webhooks-dlq")
        create(PRODUCTION, "webhooks", "webhooks-dlq")
    with ago(days=30):
        client("sqs", PRODUCTION).delete_queue(QueueUrl=gone)  # somebody tidied up
    with ago(days=90):
        create(PRODUCTION, "returns-parking")  # moto drops its RedriveAllowPolicy
    with ago(days=200):
        create(GLOBAL, "ci-jobs-dlq")
        create(GLOBAL, "ci-jobs", "ci-jobs-dlq", receives=3)


def log_groups(client, key):
    for region, name, age, retention, kms_key in (
        (PRODUCTION, "/acme/shop/app", 600, 30, key["shop"]),
        (PRODUCTION, "/acme/shop/payments", 1000, 365, key["payments-2023"]),
        (PRODUCTION, "/acme/crm/customers", 390, 90, key["crm"]),
        (PRODUCTION, "/acme/security/audit", 350, 731, key["partner"]),
        (PRODUCTION, "/aws/lambda/image-resize", 120, 1, None),
        (PRODUCTION, "/aws/lambda/invoice-mail", 420, None, None),
        (PRODUCTION, "/aws/lambda/order-api", 590, 14, None),
        (GLOBAL, "/acme/ci/builds", 480, 30, key["ci"]),
        (GLOBAL, "/aws/codebuild/storefront", 500, None, None),
        (BACKUP, "/acme/backup/jobs", 640, 90, key["backup"]),
    ):
        with ago(days=age):
            logs = client("logs", region)
            logs.create_log_group(logGroupName=name, **({"kmsKeyId": kms_key} if kms_key else {}))
            if retention:
                logs.put_retention_policy(logGroupName=name, retentionInDays=retention)


def parameters(client, key):
    """Parameters. Their values are not secret: nobody reads them."""

    def put(region, name, kind, age, **more):
        with ago(days=age):
            client("ssm", region).put_parameter(Name=name, Type=kind, Value="none", Tier="Standard", **more)

    put(PRODUCTION, "/cdk-bootstrap/hnb659fds/version", "String", 610)
    put(PRODUCTION, "/images/golden-ami", "String", 45, DataType="aws:ec2:image")
    put(PRODUCTION, "/legacy/ftp-login", "SecureString", 900, KeyId="alias/legacy")
    put(PRODUCTION, "/network/private-subnet-ids", "StringList", 610, Description="Subnets of the shop")
    put(PRODUCTION, "/shop/prod/auth-provider", "String", 240)
    put(PRODUCTION, "/shop/prod/db-host", "String", 590)
    put(PRODUCTION, "/shop/prod/db-password", "String", 590, Description="For the order database")
    put(PRODUCTION, "/shop/prod/ldap-bind", "String", 410, Description="Password of the LDAP user shop")
    put(PRODUCTION, "/shop/prod/payment-api-key", "SecureString", 200, KeyId="alias/shop")
    put(PRODUCTION, "/shop/prod/session-secret", "SecureString", 580)
    put(PRODUCTION, "/shop/prod/smtp-credentials", "StringList", 420)
    put(GLOBAL, "/ci/github-token", "SecureString", 100, KeyId=key["ci"])


def certificates(client):
    """Certificates. Set here, as moto has it not: validity of 198 days, use by others and, with that, renewal."""

    def request(region, domain, age):
        with ago(days=age):
            arn = client("acm", region).request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]
        return get_backend("acm")[ACCOUNT][region]._certificates[arn]

    def issued(region, domain, left, user):
        bundle = request(region, domain, age=197 - left)
        begin = datetime.datetime.combine(bundle.created_at, datetime.time())
        end = begin + datetime.timedelta(days=198, seconds=-1)
        bundle._cert = certificate(domain, "Amazon RSA 2048 M03", rsa_key(), begin, end)
        bundle.in_use_by = [user]

    def imported(region, domain, left, of, key, user=None):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        end = START + datetime.timedelta(days=left, hours=4)
        cert = certificate(domain, "Example Trust CA 2", key, end - datetime.timedelta(days=of), end)
        with ago(days=of - left - 1):
            body = cert.public_bytes(serialization.Encoding.PEM)
            arn = client("acm", region).import_certificate(Certificate=body, PrivateKey=pem)["CertificateArn"]
        get_backend("acm")[ACCOUNT][region]._certificates[arn].in_use_by = [user] if user else []

    def balancer(kind, name, number):
        return f"arn:aws:elasticloadbalancing:{PRODUCTION}:{ACCOUNT}:loadbalancer/{kind}/{name}/{number:016x}"

    def distribution(number):
        return f"arn:aws:cloudfront::{ACCOUNT}:distribution/E{number:013d}"

    def rsa_key():
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    shop, api, edi = balancer("app", "shop", 11), balancer("app", "api", 12), balancer("net", "edi", 13)
    imported(PRODUCTION, "edi.acme.example", -3, 365, rsa_key(), edi)
    imported(PRODUCTION, "api.acme.example", 6, 365, ec.generate_private_key(ec.SECP256R1()), api)
    imported(PRODUCTION, "partner.acme.example", 25, 365, ec.generate_private_key(ec.SECP384R1()), api)
    imported(PRODUCTION, "intranet.acme.example", 20, 365, rsa_key())
    issued(PRODUCTION, "shop.acme.example", 40, shop)
    issued(PRODUCTION, "*.acme.example", 150, api)
    request(PRODUCTION, "status.acme.example", age=2)
    issued(GLOBAL, "www.acme.example", 28, distribution(1))
    issued(GLOBAL, "assets.acme.example", 160, distribution(2))

    describe = CertBundle.describe

    def with_renewal(self):
        answer = describe(self)
        if self.type == "AMAZON_ISSUED" and self.status == "ISSUED" and self.in_use_by:
            answer["Certificate"]["RenewalEligibility"] = "ELIGIBLE"
        return answer

    CertBundle.describe = with_renewal


def certificate(domain, issuer, key, begin, end):
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    names = x509.SubjectAlternativeName([x509.DNSName(domain)])
    builder = x509.CertificateBuilder(name(issuer), name(domain), key.public_key(), 1, begin, end)
    return builder.add_extension(names, critical=False).sign(key, hashes.SHA256())


def stacks(client):
    """Stacks. moto only ever reaches CREATE_COMPLETE: other states, and the events that lead to them, are set here."""

    def create(region, name, age, parent=None):
        template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
        with ago(days=age):
            made = client("cloudformation", region).create_stack(StackName=name, TemplateBody=template)["StackId"]
        stack = get_backend("cloudformation")[ACCOUNT][region].stacks[made]
        if parent:
            stack.root_id = stack.parent_id = parent.stack_id
        return stack

    def operate(stack, began, *steps):
        """Adds events: minutes since the operation began, resource, type ("" for the stack), status, reason."""
        for minutes, resource, kind, status, *reason in steps:
            physical = f"{stack.name}-{resource.lower()}" if kind else stack.stack_id
            what = (resource, physical, kind or "AWS::CloudFormation::Stack", status, *(reason or [None]), None)
            with ago(days=began, minutes=-minutes):
                stack.events.append(Event(stack.stack_id, stack.name, *what))
        stack.status, stack.stack_status_reason = status, reason[0] if reason else None
        stack.last_updated_time = START - datetime.timedelta(days=began)

    def handler(message, service, status, code):
        request, token = mock_random.uuid4(), mock_random.uuid4()
        message += f" (Service: {service}, Status Code: {status}, Request ID: {request})"
        return f'Resource handler returned message: "{message}" (RequestToken: {token}, HandlerErrorCode: {code})'

    create(PRODUCTION, "acme-network", 620)

    shop = create(PRODUCTION, "shop-prod", 600)
    database = create(PRODUCTION, "shop-prod-Database-1QZ7XW9VJ2PKR", 600, shop)
    failed = "The following resource(s) failed to update: [{}]. "
    embedded = f"Embedded stack {database.stack_id} was not successfully updated. Currently in {{}} with reason: "
    embedded += failed
    smaller = "Requested storage size (100) cannot be less than the current storage size (200)"
    nested = "AWS::CloudFormation::Stack"
    operate(
        shop,
        3,
        (0, "shop-prod", "", "UPDATE_IN_PROGRESS", "User Initiated"),
        (1, "Database", nested, "UPDATE_IN_PROGRESS"),
        (1, "Storefront", "AWS::ECS::Service", "UPDATE_IN_PROGRESS"),
        (4, "Database", nested, "UPDATE_FAILED", embedded.format("UPDATE_ROLLBACK_IN_PROGRESS", "Instance")),
        (4, "Storefront", "AWS::ECS::Service", "UPDATE_FAILED", "Resource update cancelled"),
        (5, "shop-prod", "", "UPDATE_ROLLBACK_IN_PROGRESS", failed.format("Database, Storefront")),
        (9, "Database", nested, "UPDATE_FAILED", embedded.format("UPDATE_ROLLBACK_FAILED", "Instance")),
        (10, "shop-prod", "", "UPDATE_ROLLBACK_FAILED", failed.format("Database")),
    )
    instance = "AWS::RDS::DBInstance"
    stopped = "Instance shop-prod is not currently in the available state"
    operate(
        database,
        3 - 1 / 1440,
        (0, database.name, "", "UPDATE_IN_PROGRESS", "User Initiated"),
        (1, "Instance", instance, "UPDATE_IN_PROGRESS"),
        (2, "Instance", instance, "UPDATE_FAILED", handler(smaller, "Rds", 400, "InvalidRequest")),
        (3, database.name, "", "UPDATE_ROLLBACK_IN_PROGRESS", failed.format("Instance")),
        (7, "Instance", instance, "UPDATE_FAILED", handler(stopped, "Rds", 400, "InvalidRequest")),
        (8, database.name, "", "UPDATE_ROLLBACK_FAILED", failed.format("Instance")),
    )

    order_api = create(PRODUCTION, "order-api", 590)
    operate(
        order_api,
        6,
        (0, "order-api", "", "UPDATE_IN_PROGRESS", "User Initiated"),
        (2, "order-api", "", "UPDATE_ROLLBACK_IN_PROGRESS", failed.format("Function")),
        (3, "order-api", "", "UPDATE_ROLLBACK_COMPLETE"),
    )

    report = create(PRODUCTION, "billing-report", 41)
    report.events.clear()
    old = "The runtime parameter of python3.8 is no longer supported for creating or updating AWS Lambda functions."
    gave_up = "The following resource(s) failed to create: [Topic, Function]. Rollback requested by user."
    operate(
        report,
        41,
        (0, "billing-report", "", "CREATE_IN_PROGRESS", "User Initiated"),
        (1, "Function", "AWS::Lambda::Function", "CREATE_FAILED", handler(old, "Lambda", 400, "InvalidRequest")),
        (1, "Topic", "AWS::SNS::Topic", "CREATE_FAILED", "Resource creation cancelled"),
        (2, "billing-report", "", "ROLLBACK_IN_PROGRESS", gave_up),
        (3, "billing-report", "", "ROLLBACK_COMPLETE"),
    )
    del report.last_updated_time

    media = create(PRODUCTION, "media-archive", 800)
    full = handler("The bucket you tried to delete is not empty", "S3", 409, "GeneralServiceException")
    operate(
        media,
        12,
        (0, "media-archive", "", "DELETE_IN_PROGRESS", "User Initiated"),
        (1, "Archive", "AWS::S3::Bucket", "DELETE_FAILED", full),
        (2, "media-archive", "", "DELETE_FAILED", "The following resource(s) failed to delete: [Archive]. "),
    )
    media.deletion_time = media.last_updated_time
    del media.last_updated_time

    create(GLOBAL, "edge", 500)
    runners = create(GLOBAL, "ci-runners", 480)
    operate(runners, 2.25, (0, "ci-runners", "", "UPDATE_IN_PROGRESS", "User Initiated"))
    create(BACKUP, "backup-vault", 640)


def instances(client, key):
    """Instances and volumes. Set here, as moto has not or does not tell: Auto Scaling, a volume on two instances,
    what goes with an instance, IOPS and throughput by default, who stopped an instance."""
    second = {}
    Volume.attachments = property(lambda v: [a for a in (v.attachment, second.get(v.id)) if a])

    def image_and_subnet(region):
        ec2 = client("ec2", region)
        linux = {"name": "amzn2-ami-*", "architecture": "x86_64", "root-device-name": "/dev/xvda"}
        filters = [{"Name": name, "Values": [value]} for name, value in linux.items()]
        images = ec2.describe_images(Owners=["amazon"], Filters=filters)["Images"]
        subnets = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [region + "a"]}])["Subnets"]
        return min(i["ImageId"] for i in images), subnets[0]["SubnetId"]

    where = {region: image_and_subnet(region) for region in (PRODUCTION, GLOBAL)}

    def backend(region):
        return get_backend("ec2")[ACCOUNT][region]

    def launch(region, name, age, size, kind, instance_type, **tags):
        image, subnet = where[region]
        root = {"VolumeSize": size, "VolumeType": kind, "DeleteOnTermination": True}
        with ago(days=age):
            made = client("ec2", region).run_instances(
                ImageId=image,
                InstanceType=instance_type,
                ClientToken=f"{name}-{age}",
                MinCount=1,
                MaxCount=1,
                BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": root}],
                NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": False}],
            )["Instances"][0]["InstanceId"]
        backend(region).get_instance(made).add_tags({"Name": name, **tags})
        for v in backend(region).volumes.values():
            if v.attachment and v.attachment.instance.id == made:
                v.add_tags({"Name": f"{name}-root"})
                v.attachment.delete_on_termination = True
        return made

    def volume(region, name, age, size, kind, to=None, **options):
        ec2 = client("ec2", region)
        with ago(days=age):
            made = ec2.create_volume(AvailabilityZone=region + "a", Size=size, VolumeType=kind, **options)["VolumeId"]
            ec2.create_tags(Resources=[made], Tags=[{"Key": "Name", "Value": name}])
            if to:
                ec2.attach_volume(VolumeId=made, InstanceId=to, Device="/dev/sdf")
        return backend(region).volumes[made]

    def stop(region, instance, days):
        with ago(days=days, minutes=137):
            client("ec2", region).stop_instances(InstanceIds=[instance])

    group = {"aws:autoscaling:groupName": "storefront"}
    launch(PRODUCTION, "storefront", 9, 30, "gp3", "m7i.large", **group)
    warm = launch(PRODUCTION, "storefront", 44, 30, "gp3", "m7i.large", **group)  # of the warm pool
    stop(PRODUCTION, warm, 44 - 1)
    erp = launch(PRODUCTION, "erp-legacy", 830, 100, "gp2", "r5.xlarge", Team="finance")
    volume(PRODUCTION, "erp-legacy-data", 830, 500, "gp3", erp, Encrypted=True, KmsKeyId=key["shop"])
    stop(PRODUCTION, erp, 95)
    load = launch(PRODUCTION, "load-test", 60, 50, "gp3", "c7i.2xlarge")
    stop(PRODUCTION, load, 5)
    one = launch(PRODUCTION, "cluster-1", 300, 40, "gp3", "r6i.large")
    two = launch(PRODUCTION, "cluster-2", 300, 40, "gp3", "r6i.large")
    shared = volume(PRODUCTION, "cluster-shared", 300, 200, "io2", one, Iops=4000, MultiAttachEnabled=True)
    with ago(days=300):
        second[shared.id] = VolumeAttachment(shared, backend(PRODUCTION).get_instance(two), "/dev/sdf", "attached")
    stop(PRODUCTION, two, 61)
    volume(PRODUCTION, "before-migration", 210, 80, "gp2")

    agent = launch(GLOBAL, "build-agent", 190, 60, "gp3", "c6i.xlarge")
    stop(GLOBAL, agent, 150)
    backend(GLOBAL).get_instance(agent)._reason = "User initiated"  # as a service does it: without a time

    volume(BACKUP, "restore-test", 33, 100, "gp3", Encrypted=True, KmsKeyId=key["backup"])

    launch(PRODUCTION, "mail-relay", 1400, 20, "gp2", "m4.large", Team="operations")
    launch(PRODUCTION, "auto-node", 12, 20, "gp3", "c7i.large", **{"eks:eks-cluster-name": "shop"})  # of EKS Auto Mode

    for region in REGIONS:
        for v in backend(region).volumes.values():
            v.multi_attach_enabled = bool(v.multi_attach_enabled)
            if v.volume_type == "gp2":
                v.iops = max(100, 3 * v.size)
            if v.volume_type == "gp3":
                v.throughput = 125
            for a in v.attachments:
                a.delete_on_termination = getattr(a, "delete_on_termination", False)


def trails(client):
    """Trails. The one for all regions has stopped delivering: moto knows no errors of delivery."""

    def create(region, name, bucket, age, **options):
        with ago(days=age):
            client("s3", GLOBAL).create_bucket(Bucket=bucket)
            trail = client("cloudtrail", region)
            trail.create_trail(Name=name, S3BucketName=bucket, **options)
            trail.start_logging(Name=name)

    create(PRODUCTION, "acme-audit", "acme-audit-logs", 900, IsMultiRegionTrail=True, EnableLogFileValidation=True)
    create(GLOBAL, "ci-events", "acme-ci-logs", 480, IncludeGlobalServiceEvents=False)
    with ago(days=899):
        fields = [{"Field": "eventCategory", "Equals": ["Management"]}]
        client("cloudtrail", PRODUCTION).put_event_selectors(
            TrailName="acme-audit", AdvancedEventSelectors=[{"Name": "Management events", "FieldSelectors": fields}]
        )
    everything = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    everything |= {"DataResources": [], "ExcludeManagementEventSources": []}
    client("cloudtrail", GLOBAL).put_event_selectors(TrailName="ci-events", EventSelectors=[everything])

    describe = TrailStatus.description
    audit = get_backend("cloudtrail")[ACCOUNT][PRODUCTION].trails["acme-audit"].status

    def with_error(self):
        answer = describe(self)
        if self is audit:  # a new bucket policy, 19 days ago
            answer["LatestDeliveryError"] = "AccessDenied"
            answer["LatestDeliveryTime"] -= 19 * 86400
        return answer

    TrailStatus.description = with_error


def queue_settings(client):
    """What was done to queues later: policies, encryption switched off, messages that failed."""

    def change(name, **attributes):
        sqs = client("sqs", PRODUCTION)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{PRODUCTION}:{ACCOUNT}:{name}"
        if "Policy" in attributes:
            statement = {"Effect": "Allow", "Resource": arn, **attributes["Policy"]}
            attributes["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        modified = get_backend("sqs")[ACCOUNT][PRODUCTION].queues[name].last_modified_timestamp
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        get_backend("sqs")[ACCOUNT][PRODUCTION].queues[name].last_modified_timestamp = modified
        return url

    topic = f"arn:aws:sns:{PRODUCTION}:{ACCOUNT}:order-events"
    send = {"Action": "sqs:SendMessage", "Principal": {"AWS": "*"}}
    change("orders", Policy={"Sid": "Topic", **send, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}})
    change("webhooks", Policy={"Sid": "Webhooks", **send})
    change("invoice-mail", SqsManagedSseEnabled="false")
    with ago(days=2):
        sqs = client("sqs", PRODUCTION)
        url = sqs.get_queue_url(QueueName="orders-dlq")["QueueUrl"]
        for order in range(3):
            sqs.send_message(QueueUrl=url, MessageBody=f"order {order}")


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 5630
    endpoint = f"http://127.0.0.1:{port}"
    prepare_moto()
    ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()

    def client(service, region):
        keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "x"}
        return boto3.client(service, region, endpoint_url=endpoint, **keys)

    key = keys(client)
    queues(client)
    log_groups(client, key)
    parameters(client, key)
    certificates(client)
    stacks(client)
    instances(client, key)
    trails(client)
    queue_settings(client)
    print("ready", endpoint, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
