"""Queues of SQS."""
import json

from moto.sqs.models import Queue

from common import *
from policies import single, traps


def like_aws():
    """SQS returns RedriveAllowPolicy of a queue that has one; moto takes it and forgets it."""
    known = Queue.attributes.fget

    def attributes(self):
        result = known(self)
        if allow := getattr(self, "redrive_allow_policy", None):
            result["RedriveAllowPolicy"] = allow
        return result

    Queue.attributes = property(attributes)


def queue(region, name, target="", receives="5", allow=""):
    """A queue. Its redrive policy, if any, is written past the checks of the API, which other queues have passed once."""
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    if allow:
        attributes["RedriveAllowPolicy"] = json.dumps({"redrivePermission": allow})
    client("sqs", region).create_queue(QueueName=name, Attributes=attributes)
    if target:
        target = target if target.startswith("arn:") else f"arn:aws:sqs:{region}:{ACCOUNT}:{target}"
        backend("sqs", region).queues[name].redrive_policy = {"deadLetterTargetArn": target, "maxReceiveCount": receives}


def guarded(region, name, document):
    """A queue with a policy, which need not be one that moto would accept."""
    queue(region, name)
    backend("sqs", region).queues[name].policy = document


def encrypted():
    sqs = client("sqs", VIRGINIA)
    sqs.create_queue(QueueName="plain", Attributes={"SqsManagedSseEnabled": "false"})
    sqs.create_queue(QueueName="sealed", Attributes={"SqsManagedSseEnabled": "true"})
    sqs.create_queue(QueueName="sealed-by-aws", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    sqs.create_queue(QueueName="sealed-by-key", Attributes={"KmsMasterKeyId": "alias/shop/usable", "SqsManagedSseEnabled": "false"})
    sqs.create_queue(QueueName="sealed-by-dying-key", Attributes={"KmsMasterKeyId": "alias/shop/deleting-by-alias"})
    client("sqs", FRANKFURT).create_queue(QueueName="plain", Attributes={"SqsManagedSseEnabled": "false"})


def messages():
    """Messages in dead-letter queues, and in others, where they belong."""
    sqs = client("sqs", VIRGINIA)
    for name in ("orders-dlq", "shared-dlq", "mail", "parking"):
        sqs.send_message(QueueUrl=f"{ENDPOINT}/{ACCOUNT}/{name}", MessageBody="oracle")
    sqs.send_message(QueueUrl=f"{ENDPOINT}/{ACCOUNT}/payments-dlq.fifo", MessageBody="oracle", MessageGroupId="1", MessageDeduplicationId="1")
    sqs.receive_message(QueueUrl=f"{ENDPOINT}/{ACCOUNT}/shared-dlq", VisibilityTimeout=40000)  # in flight, and so not to be seen


def seed():
    # A chain: the one in the middle is a dead-letter queue and has one.
    queue(VIRGINIA, "orders", "orders-dlq")
    queue(VIRGINIA, "orders-dlq", "orders-lost", 3)
    queue(VIRGINIA, "orders-lost")
    queue(VIRGINIA, "lambda-dlq")
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

    encrypted()
    messages()
    for name, document in traps(["sqs:SendMessage"], f"arn:aws:sqs:{VIRGINIA}:{ACCOUNT}:*", f"arn:aws:sqs:{VIRGINIA}:{ACCOUNT}:mail").items():
        guarded(VIRGINIA, name, document)
    guarded(VIRGINIA, "open-single-object", single(["SQS:SendMessage"], f"arn:aws:sqs:{VIRGINIA}:{ACCOUNT}:open-single-object"))
    guarded(VIRGINIA, "open-attributes", policy(allow("*", ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"])))
    guarded(VIRGINIA, "shut-admin", policy(allow("*", ["sqs:SetQueueAttributes", "sqs:AddPermission"])))  # which SQS lets nobody else call
    guarded(FRANKFURT, "open-inbox", policy(allow("*", "sqs:*")))
    guarded(SYDNEY, "shut-inbox", policy(allow({"AWS": f"arn:aws:iam::{PARTNER}:role/courier"}, "sqs:*")))

    queue(FRANKFURT, "orders")  # the dead-letter queue of its namesake is elsewhere
    queue(FRANKFURT, "exports-dlq")  # nothing arrives here
    queue(FRANKFURT, "jobs", "jobs-dlq")
    queue(FRANKFURT, "jobs-dlq")
    queue(SYDNEY, "telemetry")
    queue(CAPE, "survey")
