"""Topics of SNS."""
from moto.sns.exceptions import SNSException
from moto.sns.models import SNSBackend

from common import *
from policies import single, traps


def like_aws():
    """SNS tells nobody but the owner who has subscribed to a topic; moto tells everybody."""
    known = SNSBackend.list_subscriptions_by_topic

    def list_subscriptions_by_topic(self, topic_arn, **rest):
        if topic_arn.split(":")[4] != self.account_id:
            raise SNSException("AuthorizationError", f"User: arn:aws:iam::{ACCOUNT}:user/oracle is not authorized to perform: SNS:ListSubscriptionsByTopic on resource: {topic_arn}")
        return known(self, topic_arn, **rest)

    SNSBackend.list_subscriptions_by_topic = list_subscriptions_by_topic


def arn(name, region=VIRGINIA, account=ACCOUNT):
    return f"arn:aws:sns:{region}:{account}:{name}"


def topic(region, name, document="", **attributes):
    client("sns", region).create_topic(Name=name, Attributes=attributes)
    if document:
        backend("sns", region).topics[arn(name, region)].policy = document


def subscribe(region, name, protocol, endpoint, pending=False):
    made = client("sns", region).subscribe(TopicArn=arn(name, region), Protocol=protocol, Endpoint=endpoint)["SubscriptionArn"]
    if pending:
        backend("sns", region).subscriptions[made].arn = "PendingConfirmation"


def seed():
    # Who hears what is sent to them: alarms, stacks and budgets name them.
    topic(VIRGINIA, "ops")
    subscribe(VIRGINIA, "ops", "email", "ops@oracle.example")
    topic(VIRGINIA, "mixed")
    subscribe(VIRGINIA, "mixed", "email", "former@oracle.example", pending=True)
    subscribe(VIRGINIA, "mixed", "sqs", f"arn:aws:sqs:{VIRGINIA}:{ACCOUNT}:mail")
    topic(VIRGINIA, "unconfirmed")
    subscribe(VIRGINIA, "unconfirmed", "email", "someone@oracle.example", pending=True)
    topic(VIRGINIA, "silent")
    topic(FRANKFURT, "ops")
    subscribe(FRANKFURT, "ops", "https", "https://hooks.oracle.example/ops")
    # Keys.
    topic(VIRGINIA, "sealed", KmsMasterKeyId="alias/shop/usable")
    topic(VIRGINIA, "sealed-by-aws", KmsMasterKeyId="alias/aws/sns")
    topic(FRANKFURT, "sealed", KmsMasterKeyId=f"arn:aws:kms:{FRANKFURT}:{ACCOUNT}:alias/shop/frankfurt")
    topic(VIRGINIA, "orders.fifo", FifoTopic="true")
    # Policies.
    for name, document in traps(["sns:Publish"], f"arn:aws:sns:{VIRGINIA}:{ACCOUNT}:*", arn("ops")).items():
        topic(VIRGINIA, name, document)
    topic(VIRGINIA, "open-single-object", single(["SNS:Subscribe"], arn("open-single-object")))
    topic(VIRGINIA, "open-any-endpoint", policy(allow("*", "sns:Subscribe", condition={"StringLike": {"sns:Endpoint": "*"}})))
    topic(VIRGINIA, "open-https", policy(allow("*", "sns:Subscribe", condition={"StringEquals": {"sns:Protocol": "https"}})))
    topic(VIRGINIA, "open-attributes", policy(allow("*", ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"])))
    topic(VIRGINIA, "shut-house-mail", policy(allow("*", "sns:Subscribe", condition={"StringLike": {"sns:Endpoint": "*@oracle.example"}})))
    topic(FRANKFURT, "open-alerts", policy(allow({"AWS": "*"}, "sns:*")))
    topic(SYDNEY, "alerts")
    topic(CAPE, "alerts")
