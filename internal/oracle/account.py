#!/usr/bin/env python3
"""An AWS account on loopback for the oracle: moto in this process, and the states that its API cannot reach.

usage: account.py PORT

Seeds account 123456789012, prints "ready URL" and serves until standard input ends. Each line of standard input names
a scenario of CloudTrail; once it is in force, "done NAME" is printed. What the scanner must say of the account stands
in expected.tsv and, for scenarios, in oracle_test.go. Nothing here is taken from the scanner or its demo account.

moto is not AWS. Where an answer of moto would mislead, a function named like_aws_* mends it and says how AWS answers.
"""
import datetime
import functools
import json
import logging
import os
import sys

# Read by moto when it is imported. A request for a certificate would be granted after a minute, and each region would
# load a list of machine images that nobody looks at.
os.environ["MOTO_ACM_VALIDATION_WAIT"] = "86400"
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto.acm.models import CertBundle
from moto.backends import get_backend
from moto.cloudformation.models import Event
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudtrail.models import CloudTrailBackend, Trail, TrailStatus
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import Volume, VolumeAttachment
from moto.kms.responses import KmsResponse
from moto.logs.models import LogGroup, LogsBackend
from moto.server import ThreadedMotoServer
from moto.sqs.models import Queue
from moto.ssm.models import Parameter

ACCOUNT, PARTNER = "123456789012", "222222222222"
# In use: two big ones, a small one, and one that cannot be found without a list of regions, as it has to be switched on.
VIRGINIA, FRANKFURT, SYDNEY, CAPE = "us-east-1", "eu-central-1", "ap-southeast-2", "af-south-1"
# The value of every parameter. It must not turn up in anything that the scanner writes.
SECRET = "oracle-value-nobody-may-read"

NOW = datetime.datetime.now(datetime.timezone.utc)
ENDPOINT = ""


def ago(days=0.0, hours=0.0):
    """A time as moto keeps it: in UTC, but without a time zone."""
    return (NOW - datetime.timedelta(days=days, hours=hours)).replace(tzinfo=None)


@functools.cache
def client(service, region):
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="AKIAORACLEORACLEORAC",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )


def backend(service, region, account=ACCOUNT):
    return get_backend(service)[account][region]


# ---- what moto answers differently from AWS


def deny(action, resource, why=""):
    message = f"User: arn:aws:iam::{ACCOUNT}:user/oracle is not authorized to perform: {action} on resource: {resource}{why}"
    return JsonRESTError("AccessDeniedException", message)


def like_aws_queues():
    """SQS returns RedriveAllowPolicy of a queue that has one; moto takes it and forgets it."""
    known = Queue.attributes.fget

    def attributes(self):
        result = known(self)
        if allow := getattr(self, "redrive_allow_policy", None):
            result["RedriveAllowPolicy"] = allow
        return result

    Queue.attributes = property(attributes)


def like_aws_certificates():
    """ACM lists other key types than RSA up to 2048 bits only if asked for; a certificate that was never issued has no
    validity; one of ACM's own that is in use or was exported is eligible for renewal, and then may have a summary."""
    known, listed = CertBundle.describe, type(backend("acm", VIRGINIA)).list_certificates

    def describe(self):
        result = known(self)
        cert = result["Certificate"]
        if self.status in ("PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED"):
            for absent in ("NotBefore", "NotAfter", "IssuedAt", "Serial"):
                cert.pop(absent, None)
        used = self.in_use_by or self.cert_options["Export"] == "ENABLED"
        if self.type != "IMPORTED" and self.status == "ISSUED" and used:
            cert["RenewalEligibility"] = "ELIGIBLE"
        if renewal := getattr(self, "renewal", None):
            cert["RenewalSummary"] = {"RenewalStatus": renewal, "DomainValidationOptions": [], "UpdatedAt": NOW.timestamp()}
        for option in cert.get("DomainValidationOptions", []):
            option["ValidationMethod"] = getattr(self, "validation", "DNS")
        return result

    def list_certificates(self, statuses, includes):
        return listed(self, statuses, {"keyTypes": ["RSA_1024", "RSA_2048"], **(includes or {})})

    CertBundle.describe = describe
    type(backend("acm", VIRGINIA)).list_certificates = list_certificates


def like_aws_log_groups():
    """Logs tells the class of a group. It also need not fill a page: here five groups do, so that there are several."""
    known, listed = LogGroup.to_describe_dict, LogsBackend.describe_log_groups

    def to_describe_dict(self):
        return {**known(self), "logGroupClass": getattr(self, "log_group_class", "STANDARD")}

    def describe_log_groups(self, limit, **rest):
        return listed(self, limit=min(limit, 5), **rest)

    LogGroup.to_describe_dict = to_describe_dict
    LogsBackend.describe_log_groups = describe_log_groups


def like_aws_stacks():
    """CloudFormation ends a page where it likes; moto only after 50 stacks."""
    known = CloudFormationResponse.describe_stacks

    def describe_stacks(self):
        if self._get_param("StackName"):
            return known(self)
        stacks = self.cloudformation_backend.describe_stacks(None)
        start = int(self._get_param("NextToken") or 0)
        end = start + 12
        return ActionResult({"Stacks": stacks[start:end], "NextToken": str(end) if end < len(stacks) else None})

    CloudFormationResponse.describe_stacks = describe_stacks


def like_aws_keys():
    """KMS looks at the account of an ARN: it shows a key of another account if its policy lets this one in, and says
    that access is denied if not, or if there is no such key. moto knows only the keys of the caller."""
    known = KmsResponse.describe_key

    def describe_key(self):
        ref = self._get_param("KeyId")
        part = ref.split(":")
        if not ref.startswith("arn:") or part[4] == self.current_account:
            return known(self)
        key = backend("kms", part[3], part[4]).keys.get(part[5].removeprefix("key/"))
        if key is None or self.current_account not in key.policy:
            raise deny("kms:DescribeKey", ref, " because no resource-based policy allows the kms:DescribeKey action")
        return json.dumps(key.to_dict())

    KmsResponse.describe_key = describe_key


def like_aws_volumes():
    """EC2 shows every instance that a multi-attach volume is on; moto keeps one."""
    Volume.attachments = property(lambda self: ([self.attachment] if self.attachment else []) + getattr(self, "more_attachments", []))


def like_aws_trails():
    """CloudTrail tells an error of the last delivery, and denies a member account the selectors of the trail of its
    organization, unless it has been let in."""
    known, selectors = TrailStatus.description, CloudTrailBackend.get_event_selectors

    def description(self):
        error = getattr(self, "delivery_error", "")
        return {**known(self), **({"LatestDeliveryError": error} if error else {})}

    def get_event_selectors(self, trail_name):
        trail = self.get_trail(trail_name)
        if trail.account_id != self.account_id and not getattr(trail, "open_to_members", False):
            raise deny("cloudtrail:GetEventSelectors", trail.arn)
        return selectors(self, trail_name)

    TrailStatus.description = description
    CloudTrailBackend.get_event_selectors = get_event_selectors


# ---- queues


def queue(region, name, target="", receives="5", allow=""):
    """A queue. Its redrive policy, if any, is written past the checks of the API, which other queues have passed once."""
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    if allow:
        attributes["RedriveAllowPolicy"] = json.dumps({"redrivePermission": allow})
    client("sqs", region).create_queue(QueueName=name, Attributes=attributes)
    if target:
        target = target if target.startswith("arn:") else f"arn:aws:sqs:{region}:{ACCOUNT}:{target}"
        backend("sqs", region).queues[name].redrive_policy = {"deadLetterTargetArn": target, "maxReceiveCount": receives}


def queues():
    # A chain: the one in the middle is a dead-letter queue and has one.
    queue(VIRGINIA, "orders", "orders-dlq")
    queue(VIRGINIA, "orders-dlq", "orders-lost", 3)
    queue(VIRGINIA, "orders-lost")
    queue(VIRGINIA, "payments.fifo", "payments-dlq.fifo", 10)
    queue(VIRGINIA, "payments-dlq.fifo")
    queue(VIRGINIA, "mail")
    # How often a message is tried; SQS keeps the number as it was written, as a number or a text.
    queue(VIRGINIA, "retry-once", "shared-dlq", "1")
    queue(VIRGINIA, "retry-twice", "shared-dlq", "2")
    queue(VIRGINIA, "retry-hundred", "shared-dlq", 100)
    queue(VIRGINIA, "retry-thousand", "shared-dlq", 1000)
    queue(VIRGINIA, "shared-dlq")
    # Broken targets.
    queue(VIRGINIA, "events.fifo", "events-dlq")
    queue(VIRGINIA, "events-dlq")
    queue(VIRGINIA, "clicks", "clicks-dlq.fifo")
    queue(VIRGINIA, "clicks-dlq.fifo")
    queue(VIRGINIA, "imports", "imports-dlq")
    queue(VIRGINIA, "imports-dlq")
    client("sqs", VIRGINIA).delete_queue(QueueUrl=f"{ENDPOINT}/{ACCOUNT}/imports-dlq")
    queue(VIRGINIA, "loop", "loop")
    queue(VIRGINIA, "exports", f"arn:aws:sqs:{FRANKFURT}:{ACCOUNT}:exports-dlq")
    queue(VIRGINIA, "partner", f"arn:aws:sqs:{VIRGINIA}:{PARTNER}:partner-dlq")
    # Queues that are said to be dead-letter queues, or not.
    queue(VIRGINIA, "parking", allow="allowAll")
    queue(VIRGINIA, "parking-for-some", allow="byQueue")
    queue(VIRGINIA, "parking-for-none", allow="denyAll")
    # A redrive policy that was taken away again.
    queue(VIRGINIA, "reverted", "shared-dlq")
    client("sqs", VIRGINIA).set_queue_attributes(QueueUrl=f"{ENDPOINT}/{ACCOUNT}/reverted", Attributes={"RedrivePolicy": ""})

    queue(FRANKFURT, "orders")  # the dead-letter queue of its namesake is elsewhere
    queue(FRANKFURT, "exports-dlq")  # nothing arrives here
    queue(FRANKFURT, "jobs", "jobs-dlq")
    queue(FRANKFURT, "jobs-dlq")
    queue(SYDNEY, "telemetry")
    queue(CAPE, "survey")


# ---- keys, log groups, parameters


def keys():
    """The ARNs of keys in Virginia by their state, and one in Frankfurt."""
    kms = client("kms", VIRGINIA)
    made = {name: kms.create_key(Description=name)["KeyMetadata"]["Arn"] for name in ("usable", "disabled", "deleting", "importing", "cut-off", "moving", "starting")}
    kms.disable_key(KeyId=made["disabled"].split("/")[1])
    kms.schedule_key_deletion(KeyId=made["deleting"].split("/")[1], PendingWindowInDays=7)
    for name, state in (("importing", "PendingImport"), ("cut-off", "Unavailable"), ("moving", "Updating"), ("starting", "Creating")):
        backend("kms", VIRGINIA).keys[made[name].split("/")[1]].key_state = state
    for name in ("usable", "disabled"):
        kms.create_alias(AliasName=f"alias/shop/{name}", TargetKeyId=made[name].split("/")[1])
    made["gone"] = f"arn:aws:kms:{VIRGINIA}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    made["frankfurt"] = client("kms", FRANKFURT).create_key()["KeyMetadata"]["Arn"]
    # Keys of another account: with a policy that lets this one in, usable and not, and without.
    partner = backend("kms", VIRGINIA, PARTNER)
    for name, reader in (("partner", ACCOUNT), ("partner-disabled", ACCOUNT), ("partner-closed", PARTNER)):
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": reader}, "Action": "kms:*", "Resource": "*"}]}
        key = partner.create_key(json.dumps(policy), "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", name, None)
        made[name] = key.arn
    partner.disable_key(made["partner-disabled"].split("/")[1])
    return made


def log_group(region, name, key="", log_class="STANDARD"):
    client("logs", region).create_log_group(logGroupName=name, **({"kmsKeyId": key} if key else {}))
    backend("logs", region).groups[name].log_group_class = log_class


def log_groups(key):
    log_group(VIRGINIA, "/app/plain")
    log_group(VIRGINIA, "/app/plain-infrequent", log_class="INFREQUENT_ACCESS")
    log_group(VIRGINIA, "/app/delivery", log_class="DELIVERY")
    log_group(VIRGINIA, "/app/encrypted-infrequent", key["usable"], "INFREQUENT_ACCESS")
    log_group(VIRGINIA, "/aws/lambda/thumbnails")
    for state in ("usable", "disabled", "deleting", "importing", "cut-off", "moving", "starting", "gone", "partner", "partner-disabled", "partner-closed"):
        log_group(VIRGINIA, "/key/" + state, key[state])
    log_group(VIRGINIA, "/key/disabled-too", key["disabled"])
    log_group(FRANKFURT, "/app/plain")
    log_group(FRANKFURT, "/app/encrypted", key["frankfurt"])
    log_group(SYDNEY, "/app/plain")
    log_group(CAPE, "/app/plain")


def parameter(region, name, kind="String", **more):
    client("ssm", region).put_parameter(Name=name, Type=kind, Value=SECRET, **more)


def parameters(key):
    # Names that mean a secret, however they are spelled.
    for name in ("dbPassword", "/shop/db_password", "/shop/DB-PASSWD", "/shop/apiKey", "/shop/api-key", "/shop/APIKEY", "/mail/smtp.pwd",
                 "/shop/clientSecret", "/git/PrivateKey", "/shop/dbPassword2", "/etl/ConnectionString", "/shop/credentials", "/net/subnet-secret"):
        parameter(VIRGINIA, name)
    # Words that may mean one.
    for name in ("/shop/auth", "/shop/oauthURL/OAuthToken", "/web/cert", "/errors/dsn", "/net/private/dns"):
        parameter(VIRGINIA, name)
    # Names that only look like it.
    for name in ("/app/author-email", "/cdn/certificate-arn", "/bypass/enabled", "/shop/passenger-limit", "/shop/secret-arn", "/shop/db-password-url",
                 "/shop/tokenizer", "/team/secretary", "/shop/compass", "/auth/client-id", "/shop/password-reset-email", "/shop/db-host"):
        parameter(VIRGINIA, name)
    parameter(VIRGINIA, "/network/private-subnet-ids", "StringList")
    parameter(VIRGINIA, "/network/private-subnets", "StringList")
    parameter(VIRGINIA, "/shop/passwords-old", "StringList")  # "passwords" is none of the words
    parameter(VIRGINIA, "/shop/old-password", "StringList")
    parameter(VIRGINIA, "/shop/colour", Description="Colour of the basket")
    parameter(VIRGINIA, "/shop/legacy", Description="The admin password of the legacy shop")
    # Not a matter of taste: these types are demanded, or the parameters belong to tools.
    parameter(VIRGINIA, "/images/golden-password", DataType="aws:ec2:image")
    parameter(VIRGINIA, "/cdk-bootstrap/hnb659fds/version")
    backend("ssm", VIRGINIA)._parameters["/aws/ecs/agent-password"].append(
        Parameter(ACCOUNT, "/aws/ecs/agent-password", SECRET, "String", None, None, None, NOW, 1, "text"))  # only AWS itself may use the prefix
    # Encrypted, by keys named in all ways.
    secure = {"aws": None, "aws-alias": "alias/aws/ssm", "usable": key["usable"], "usable-id": key["usable"].split("/")[1], "usable-alias": "alias/shop/usable",
              "usable-alias-arn": f"arn:aws:kms:{VIRGINIA}:{ACCOUNT}:alias/shop/usable", "disabled": key["disabled"], "disabled-alias": "alias/shop/disabled",
              "deleting": key["deleting"], "gone": key["gone"], "gone-alias": "alias/shop/gone", "partner-closed": key["partner-closed"]}
    for name, ref in secure.items():
        parameter(VIRGINIA, "/secure/" + name, "SecureString", **({"KeyId": ref} if ref else {}))
    parameter(FRANKFURT, "/shop/db-password")
    parameter(FRANKFURT, "/secure/frankfurt", "SecureString", KeyId=key["frankfurt"])
    parameter(FRANKFURT, "/secure/usable-alias", "SecureString", KeyId="alias/shop/usable")  # an alias of another region
    parameter(SYDNEY, "/shop/db-host")
    parameter(CAPE, "/shop/db-password")


# ---- certificates

KEYS = {
    "rsa2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa3072": rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
}


def issue(name, until, key):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(days=400)).not_valid_after(until)
    return builder.sign(key, hashes.SHA256())


def certificate(region, name, days, used=False, key="rsa2048", kind="IMPORTED", status="ISSUED", exported=False, **more):
    """A certificate that expires in some days. ACM imports none that has expired: a valid one is imported, and exchanged."""
    name += ".oracle.example"
    private = KEYS[key]
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    valid = issue(name, NOW + datetime.timedelta(days=500), private).public_bytes(serialization.Encoding.PEM)
    arn = client("acm", region).import_certificate(Certificate=valid, PrivateKey=pem)["CertificateArn"]
    cert = backend("acm", region)._certificates[arn]
    cert._cert, cert.type, cert.status = issue(name, NOW + datetime.timedelta(days=days), private), kind, status
    cert.cert_options = {**cert.cert_options, "Export": "ENABLED" if exported else "DISABLED"}
    if used:
        cert.in_use_by = [f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:loadbalancer/app/{name}/0123456789abcdef"]
    vars(cert).update(more)
    cert.check()


def certificates():
    # Imported, at each step; half a day off, so that a slow run changes nothing.
    for name, days in (("expired", -3), ("days-5", 5.5), ("days-10", 10.5), ("days-40", 40.5), ("days-300", 300.5)):
        certificate(VIRGINIA, name, days)
        certificate(VIRGINIA, name + "-used", days, used=True)
    # Key types that ACM does not list unless they are asked for.
    certificate(VIRGINIA, "p256-days-10-used", 10.5, used=True, key="p256")
    certificate(VIRGINIA, "p384-expired-used", -3, used=True, key="p384")
    certificate(VIRGINIA, "p521-days-300-used", 300.5, used=True, key="p521")
    certificate(VIRGINIA, "rsa3072-days-5-used", 5.5, used=True, key="rsa3072")
    # Never issued, or no longer valid.
    own = {"kind": "AMAZON_ISSUED"}
    certificate(VIRGINIA, "pending", 300.5, status="PENDING_VALIDATION", **own)
    certificate(VIRGINIA, "timed-out", 300.5, status="VALIDATION_TIMED_OUT", **own)
    certificate(VIRGINIA, "failed", 300.5, status="FAILED", **own)
    certificate(VIRGINIA, "revoked", 300.5, status="REVOKED", **own)
    certificate(VIRGINIA, "revoked-used", 300.5, status="REVOKED", used=True, **own)
    # Of ACM itself: renewed if in use or exported, and if nobody has to answer a mail.
    certificate(VIRGINIA, "own-days-40", 40.5, **own)
    certificate(VIRGINIA, "own-days-40-used", 40.5, used=True, **own)
    certificate(VIRGINIA, "own-days-40-exported", 40.5, exported=True, **own)
    certificate(VIRGINIA, "own-days-40-http", 40.5, used=True, validation="HTTP", **own)
    certificate(VIRGINIA, "own-days-40-mail", 40.5, used=True, validation="EMAIL", renewal="PENDING_VALIDATION", **own)
    certificate(VIRGINIA, "own-days-40-mail-answered", 40.5, used=True, validation="EMAIL", renewal="SUCCESS", **own)
    certificate(VIRGINIA, "own-days-40-failed", 40.5, used=True, renewal="FAILED", **own)
    certificate(VIRGINIA, "own-days-40-asked", 40.5, used=True, renewal="PENDING_AUTO_RENEWAL", **own)
    certificate(VIRGINIA, "own-days-20-used", 20.5, used=True, **own)
    certificate(VIRGINIA, "own-expired-used", -3, used=True, **own)
    certificate(VIRGINIA, "private-days-40-used", 40.5, used=True, kind="PRIVATE", cert_authority_arn=f"arn:aws:acm-pca:{VIRGINIA}:{ACCOUNT}:certificate-authority/1")
    certificate(FRANKFURT, "days-10-used", 10.5, used=True)
    certificate(FRANKFURT, "own-days-40-used", 40.5, used=True, **own)
    certificate(SYDNEY, "days-300", 300.5)


# ---- stacks


def stack(region, name, status, created, updated=None, deleted=None, events=(), root=None, parent=None, reason=None):
    """A stack in any status. Events are (time, status) of the stack or (time, status, type, reason) of a resource, oldest first."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    stack_id = client("cloudformation", region).create_stack(StackName=name, TemplateBody=template)["StackId"]
    s = backend("cloudformation", region).stacks[stack_id]
    s.status, s.creation_time, s.last_updated_time, s.deletion_time, s.stack_status_reason = status, created, updated, deleted, reason
    s.root_id, s.parent_id = root, parent or root
    s.events = []
    for when, event_status, *resource in events:
        kind, why = resource or ("AWS::CloudFormation::Stack", None)
        logical, physical = (kind.split("::")[-1], "p-" + kind.split("::")[-1].lower()) if resource else (name, stack_id)
        event = Event(stack_id, name, logical, physical, kind, event_status, why, None)
        event.timestamp = when
        s.events.append(event)
    return stack_id


BUCKET = ("AWS::S3::Bucket", "The bucket you tried to delete is not empty")
GROUP = ("AWS::EC2::SecurityGroup", "resource sg-1 has a dependent object")


def stacks():
    days3, hour1 = ago(3), ago(hours=1)
    # Steady states: an update or an import that was undone leaves a stack that works.
    for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        stack(VIRGINIA, status.lower().replace("_", "-"), status, ago(100), ago(50))
    # Failed for days.
    stack(VIRGINIA, "create-failed", "CREATE_FAILED", days3, events=[(days3, "CREATE_IN_PROGRESS"), (days3, "CREATE_FAILED", *GROUP), (days3, "CREATE_FAILED")])
    stack(VIRGINIA, "rollback-complete", "ROLLBACK_COMPLETE", days3, events=[(days3, "CREATE_IN_PROGRESS"), (days3, "ROLLBACK_IN_PROGRESS"), (days3, "ROLLBACK_COMPLETE")])
    stack(VIRGINIA, "rollback-failed", "ROLLBACK_FAILED", days3, events=[(days3, "CREATE_IN_PROGRESS"), (days3, "ROLLBACK_IN_PROGRESS"), (days3, "ROLLBACK_FAILED")])
    stack(VIRGINIA, "update-failed", "UPDATE_FAILED", ago(100), days3, events=[(days3, "UPDATE_IN_PROGRESS"), (days3, "UPDATE_FAILED")])
    stack(VIRGINIA, "update-rollback-failed", "UPDATE_ROLLBACK_FAILED", ago(100), days3,
          events=[(days3, "UPDATE_IN_PROGRESS"), (days3, "UPDATE_FAILED", *GROUP), (days3, "UPDATE_ROLLBACK_IN_PROGRESS"), (days3, "UPDATE_ROLLBACK_FAILED")])
    stack(VIRGINIA, "import-rollback-failed", "IMPORT_ROLLBACK_FAILED", ago(100), days3,
          events=[(days3, "IMPORT_IN_PROGRESS"), (days3, "IMPORT_ROLLBACK_IN_PROGRESS"), (days3, "IMPORT_ROLLBACK_FAILED")])
    # A deletion that failed leaves data behind, or not. Only what failed in the last attempt counts.
    stack(VIRGINIA, "delete-failed-data", "DELETE_FAILED", ago(100), deleted=days3, events=[(days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_FAILED", *BUCKET), (days3, "DELETE_FAILED")])
    stack(VIRGINIA, "delete-failed", "DELETE_FAILED", ago(100), deleted=days3, events=[(days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_FAILED", *GROUP), (days3, "DELETE_FAILED")])
    stack(VIRGINIA, "delete-failed-again", "DELETE_FAILED", ago(100), deleted=days3,
          events=[(ago(20), "DELETE_IN_PROGRESS"), (ago(20), "DELETE_FAILED", *BUCKET), (ago(20), "DELETE_FAILED"),
                  (days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_COMPLETE", "AWS::S3::Bucket", None), (days3, "DELETE_FAILED", *GROUP), (days3, "DELETE_FAILED")])
    # Events are kept for 90 days: nothing tells since when this one has failed.
    stack(VIRGINIA, "forgotten", "CREATE_FAILED", ago(200))
    # Failed just now: somebody may be at it.
    stack(VIRGINIA, "fresh-create-failed", "CREATE_FAILED", hour1, events=[(hour1, "CREATE_IN_PROGRESS"), (hour1, "CREATE_FAILED")])
    stack(VIRGINIA, "fresh-rollback-complete", "ROLLBACK_COMPLETE", hour1, events=[(hour1, "CREATE_IN_PROGRESS"), (hour1, "ROLLBACK_COMPLETE")])
    stack(VIRGINIA, "fresh-update-failed", "UPDATE_FAILED", ago(100), hour1, events=[(hour1, "UPDATE_IN_PROGRESS"), (hour1, "UPDATE_FAILED")])
    stack(VIRGINIA, "fresh-delete-failed", "DELETE_FAILED", ago(100), deleted=hour1, events=[(hour1, "DELETE_IN_PROGRESS"), (hour1, "DELETE_FAILED", *BUCKET), (hour1, "DELETE_FAILED")])
    # The update began days ago, but its rollback was resumed and failed again just now: only events tell.
    resumed = [(days3, "UPDATE_IN_PROGRESS"), (days3, "UPDATE_ROLLBACK_IN_PROGRESS"), (days3, "UPDATE_ROLLBACK_FAILED"), (hour1, "UPDATE_ROLLBACK_IN_PROGRESS")]
    stack(VIRGINIA, "resumed-and-failed", "UPDATE_ROLLBACK_FAILED", ago(100), days3, events=resumed + [(hour1, "UPDATE_ROLLBACK_FAILED")])
    stack(VIRGINIA, "resumed", "UPDATE_ROLLBACK_IN_PROGRESS", ago(100), days3, events=resumed)
    # Under way, and stuck.
    stack(VIRGINIA, "creating", "CREATE_IN_PROGRESS", hour1)
    stack(VIRGINIA, "creating-for-days", "CREATE_IN_PROGRESS", days3)
    stack(VIRGINIA, "updating", "UPDATE_IN_PROGRESS", ago(400), hour1)
    stack(VIRGINIA, "updating-for-days", "UPDATE_IN_PROGRESS", ago(400), days3)
    stack(VIRGINIA, "deleting", "DELETE_IN_PROGRESS", ago(400), ago(300), hour1)
    stack(VIRGINIA, "deleting-for-days", "DELETE_IN_PROGRESS", ago(400), ago(300), days3)
    stack(VIRGINIA, "undoing-for-days", "UPDATE_ROLLBACK_IN_PROGRESS", ago(100), days3, events=[(days3, "UPDATE_IN_PROGRESS"), (days3, "UPDATE_ROLLBACK_IN_PROGRESS")])
    stack(VIRGINIA, "cleaning-for-days", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ago(100), days3)
    stack(VIRGINIA, "review", "REVIEW_IN_PROGRESS", ago(5))
    stack(VIRGINIA, "review-forgotten", "REVIEW_IN_PROGRESS", ago(45))
    # Nested stacks fail and are repaired with their root.
    failed = [(days3, "UPDATE_IN_PROGRESS"), (days3, "UPDATE_ROLLBACK_FAILED")]
    root = stack(VIRGINIA, "shop", "UPDATE_COMPLETE", ago(100), days3)
    child = stack(VIRGINIA, "shop-network", "UPDATE_COMPLETE", ago(100), days3, root=root)
    stack(VIRGINIA, "shop-network-vpc", "UPDATE_ROLLBACK_FAILED", ago(100), days3, root=root, parent=child, events=failed)
    root = stack(VIRGINIA, "blog", "UPDATE_ROLLBACK_FAILED", ago(100), days3, events=failed)
    stack(VIRGINIA, "blog-database", "UPDATE_ROLLBACK_FAILED", ago(100), days3, root=root, events=failed)
    root = stack(VIRGINIA, "archive", "DELETE_FAILED", ago(100), deleted=days3,  # its events do not tell that a bucket is left
                 events=[(days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_FAILED", "AWS::CloudFormation::Stack", "Stack was not successfully deleted"), (days3, "DELETE_FAILED")])
    stack(VIRGINIA, "archive-data", "DELETE_FAILED", ago(100), deleted=days3, root=root,
          events=[(days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_FAILED", *BUCKET), (days3, "DELETE_FAILED")])
    root = stack(VIRGINIA, "wiki", "CREATE_COMPLETE", ago(100))
    stack(VIRGINIA, "wiki-search", "CREATE_COMPLETE", ago(100), root=root)
    # Deleted ones are no longer there, but what was nested in one may be.
    root = stack(VIRGINIA, "gone", "CREATE_COMPLETE", ago(100))
    stack(VIRGINIA, "gone-left-behind", "DELETE_FAILED", ago(100), deleted=days3, root=root, events=[(days3, "DELETE_IN_PROGRESS"), (days3, "DELETE_FAILED")])
    client("cloudformation", VIRGINIA).delete_stack(StackName="gone")

    stack(FRANKFURT, "site", "CREATE_COMPLETE", ago(100))
    stack(FRANKFURT, "api", "UPDATE_ROLLBACK_FAILED", ago(100), days3, events=failed)
    stack(SYDNEY, "edge", "ROLLBACK_COMPLETE", days3, events=[(days3, "CREATE_IN_PROGRESS"), (days3, "ROLLBACK_COMPLETE")])


# ---- volumes and instances


def instance(region, root, stopped="", launched=200, volume_days=200, tags=None, state="stopped", code="Client.UserInitiatedShutdown"):
    """An instance with a root volume of that name. Stopped is the text in which EC2 tells the time of its last stop."""
    made = client("ec2", region).run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType="t3.micro")
    i = backend("ec2", region).get_instance(made["Instances"][0]["InstanceId"])
    if state != "running":
        client("ec2", region).stop_instances(InstanceIds=[i.id])
        i._state.name, i._reason = state, stopped
        i.state_reason.code = code
    i.launch_time = ago(launched)
    i.add_tags({"Name": root, **(tags or {})})
    v = next(v for v in backend("ec2", region).volumes.values() if v.attachment and v.attachment.instance is i)
    v.create_time = ago(volume_days)
    v.add_tags({"Name": root})
    return i


def volume(region, name, *instances, kind="gp3", state="attached", days=200, **more):
    v = backend("ec2", region).create_volume(size=100, zone_name=region + "a", volume_type=kind, **more)
    v.add_tags({"Name": name})
    v.create_time = ago(days)
    attached = [VolumeAttachment(v, i, f"/dev/sd{'fghij'[n]}", state) for n, i in enumerate(instances)]
    v.attachment, v.more_attachments = (attached or [None])[0], attached[1:]


def volumes():
    def at(days, zone="GMT"):
        return ago(days).strftime(f"User initiated (%Y-%m-%d %H:%M:%S {zone})")

    old = instance(VIRGINIA, "stopped-95", at(95))
    volume(VIRGINIA, "stopped-95-data", old)
    volume(VIRGINIA, "stopped-95-detaching", old, state="detaching")
    volume(VIRGINIA, "stopped-95-new-volume", old, days=2)  # how old the volume is tells nothing
    instance(VIRGINIA, "stopped-95-utc", at(95, "UTC"))  # as moto writes it
    instance(VIRGINIA, "stopped-31", at(31))
    instance(VIRGINIA, "stopped-29", at(29))
    recent = instance(VIRGINIA, "stopped-5", at(5))
    hibernated = instance(VIRGINIA, "hibernated-95", at(95), code="Client.UserInitiatedHibernate")
    # EC2 leaves out the time of some stops. Then the last start is a bound, and the age of the volume another.
    unknown = instance(VIRGINIA, "reason-empty")
    instance(VIRGINIA, "reason-without-time", "Server.SpotInstanceShutdown: Spot instance shutdown", code="Server.SpotInstanceShutdown")
    instance(VIRGINIA, "reason-empty-started-lately", launched=10)
    instance(VIRGINIA, "reason-empty-new-volume", volume_days=10)
    # Instances that are not stopped, or are so by design.
    running = instance(VIRGINIA, "running", state="running")
    instance(VIRGINIA, "stopping", at(95), state="stopping")
    instance(VIRGINIA, "warm-pool", at(95), tags={"aws:autoscaling:groupName": "web"})
    instance(VIRGINIA, "kept", at(95), tags={"keep": "until-2030"})
    volume(VIRGINIA, "unattached")
    # A volume on several instances is idle only if none of them runs, and only since the last one was stopped.
    several = {"kind": "io2", "iops": 1000, "multi_attach_enabled": True}
    volume(VIRGINIA, "multi-all-stopped", old, hibernated, **several)
    volume(VIRGINIA, "multi-one-running", old, running, **several)
    volume(VIRGINIA, "multi-one-recent", old, recent, **several)
    volume(VIRGINIA, "multi-one-unknown", old, unknown, **several)

    instance(FRANKFURT, "berlin", at(200))
    volume(SYDNEY, "spare")


# ---- trails


def trail(region, name, **more):
    t = client("cloudtrail", region).create_trail(Name=name, S3BucketName="oracle-trails", **more)
    client("cloudtrail", region).start_logging(Name=name)
    # CloudTrail gives each trail this selector, moto none.
    select(region, t["TrailARN"], [basic()])


def basic(kind="All", management=True, excluded=()):
    return {"ReadWriteType": kind, "IncludeManagementEvents": management, "DataResources": [], "ExcludeManagementEventSources": list(excluded)}


def select(region, arn, selectors, advanced=()):
    t = backend("cloudtrail", region).get_trail(arn)
    t.event_selectors, t.advanced_event_selectors = list(selectors), list(advanced)


def advanced(**fields):
    """An advanced selector: category=["Management"], readOnly=["false"], not_source=["kms.amazonaws.com"]."""
    terms = {"category": ("eventCategory", "Equals"), "readOnly": ("readOnly", "Equals"), "not_source": ("eventSource", "NotEquals"), "name": ("eventName", "Equals")}
    return {"Name": "oracle", "FieldSelectors": [{"Field": terms[k][0], terms[k][1]: v} for k, v in fields.items()]}


def trails():
    client("s3", VIRGINIA).create_bucket(Bucket="oracle-trails")
    # None of the first two would do: single-region trails never add up, and the other is stopped.
    trail(VIRGINIA, "local")
    trail(VIRGINIA, "stopped", IsMultiRegionTrail=True)
    client("cloudtrail", VIRGINIA).stop_logging(Name="stopped")
    trail(FRANKFURT, "audit", IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True)


def organization_trail():
    """The trail of an organization as a member account sees it: somebody else's, among its own."""
    t = Trail(ACCOUNT, FRANKFURT, "organization", "oracle-trails", None, None, True, True, True, True, None, None, None)
    t.account_id = PARTNER
    t.start_logging()
    t.event_selectors = [basic()]
    backend("cloudtrail", FRANKFURT).trails["organization"] = t
    return t


def scenario(name):
    """Turns the trail "audit", which alone does the whole job, into another one."""
    arn = f"arn:aws:cloudtrail:{FRANKFURT}:{ACCOUNT}:trail/audit"
    own = backend("cloudtrail", FRANKFURT).trails
    own.pop("organization", None)
    own.pop("audit", None)
    trail(FRANKFURT, "audit", IsMultiRegionTrail=True)
    audit = own["audit"]
    match name:
        case "fine":
            pass
        case "stopped":
            audit.stop_logging()
        case "write-only":
            select(FRANKFURT, arn, [basic("WriteOnly")])
        case "read-only":
            select(FRANKFURT, arn, [basic("ReadOnly")])
        case "two-halves":
            select(FRANKFURT, arn, [basic("ReadOnly"), basic("WriteOnly")])
        case "data-only":
            select(FRANKFURT, arn, [basic(management=False)])
        case "without-kms":
            select(FRANKFURT, arn, [basic(excluded=["kms.amazonaws.com"])])
        case "advanced":
            select(FRANKFURT, arn, [], [advanced(category=["Management"])])
        case "advanced-halves":
            select(FRANKFURT, arn, [], [advanced(category=["Management"], readOnly=["true"]), advanced(category=["Management"], readOnly=["false"])])
        case "advanced-write-only":
            select(FRANKFURT, arn, [], [advanced(category=["Management"], readOnly=["false"])])
        case "advanced-data-only":
            select(FRANKFURT, arn, [], [advanced(category=["Data"])])
        case "advanced-without-sts":
            select(FRANKFURT, arn, [], [advanced(category=["Management"], not_source=["sts.amazonaws.com"])])
        case "undelivered":
            audit.status.delivery_error = "NoSuchBucket"
        case "no-global-events":
            audit.include_global_service_events = False
        case "single-region":
            audit.is_multi_region = False
        case "organization":  # denied to members: what it records is not known
            audit.stop_logging()
            organization_trail()
        case "organization-open":
            audit.stop_logging()
            organization_trail().open_to_members = True
        case "none":
            own.pop("audit")
            backend("cloudtrail", VIRGINIA).trails.clear()
        case _:
            raise ValueError(f"there is no scenario {name}")


def main():
    global ENDPOINT
    port = int(sys.argv[1])
    ENDPOINT = f"http://127.0.0.1:{port}"
    for mend in (like_aws_queues, like_aws_certificates, like_aws_log_groups, like_aws_stacks, like_aws_keys, like_aws_volumes, like_aws_trails):
        mend()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or there is a line for each request
    ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()
    queues()
    key = keys()
    log_groups(key)
    parameters(key)
    certificates()
    stacks()
    volumes()
    trails()
    print("ready", ENDPOINT, flush=True)
    for line in sys.stdin:  # ends with the test, however that ends
        scenario(line.strip())
        print("done", line.strip(), flush=True)


if __name__ == "__main__":
    main()
