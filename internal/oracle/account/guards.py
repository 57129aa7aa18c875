"""What watches the account: alarms, budgets, AWS Config, GuardDuty, and the organization it belongs to."""
import json
import struct

from botocore.parsers import RpcV2CBORParser
from moto.budgets.responses import BudgetsResponse
from moto.config.responses import ConfigResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.organizations.models import OrganizationsBackend

import topics
from common import *

# By region: what DescribeConfigurationRecorders and the others answer.
CONFIG = {}
# By region: alarms about alarms, which moto does not know.
COMPOSITE = {}
# Who pays for the account, if it belongs to an organization.
PAYER = []


def like_aws():
    """CloudWatch speaks CBOR with new clients, of which moto knows nothing, and ends a page where it likes: here after
    six alarms. Budgets tells the subscribers of a notification, Config what became of deliveries. A member account
    sees who manages its organization."""
    served, in_use = DomainDispatcherApplication.__call__, OrganizationsBackend.describe_organization

    def call(self, environ, start_response):
        service, _, operation = environ["PATH_INFO"].partition("/operation/")
        if service != "/service/GraniteServiceVersion20100801":
            return served(self, environ, start_response)
        region = environ["HTTP_AUTHORIZATION"].split("/")[2]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        parser = RpcV2CBORParser()
        asked = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
        assert operation == "DescribeAlarms", operation
        answer = alarms_page(region, asked)
        start_response("200 OK", [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")])
        return [cbor(answer)]

    def describe_subscribers_for_notification(self):
        budget = self.backend.budgets[ACCOUNT][self._get_param("BudgetName")]
        wanted = self._get_param("Notification")
        keys = ("NotificationType", "ComparisonOperator", "Threshold")
        found = next(n for n in budget.notifications if all(n.details[k] == wanted[k] for k in keys))
        return json.dumps({"Subscribers": found.subscribers})

    def told(what):
        return lambda self: json.dumps({what: CONFIG.get(self.region, {}).get(what, [])})

    def describe_organization(self):
        if not PAYER:
            return in_use(self)
        return {"Organization": {"Id": "o-oracle0001", "Arn": f"arn:aws:organizations::{PAYER[0]}:organization/o-oracle0001", "FeatureSet": "ALL", "MasterAccountId": PAYER[0],
                                 "MasterAccountArn": f"arn:aws:organizations::{PAYER[0]}:account/o-oracle0001/{PAYER[0]}", "MasterAccountEmail": "payer@oracle.example", "AvailablePolicyTypes": []}}

    DomainDispatcherApplication.__call__ = call
    BudgetsResponse.describe_subscribers_for_notification = describe_subscribers_for_notification
    ConfigResponse.describe_configuration_recorders = told("ConfigurationRecorders")
    ConfigResponse.describe_configuration_recorder_status = told("ConfigurationRecordersStatus")
    ConfigResponse.describe_delivery_channels = told("DeliveryChannels")
    ConfigResponse.describe_delivery_channel_status = told("DeliveryChannelsStatus")
    OrganizationsBackend.describe_organization = describe_organization


def cbor(x):
    """RFC 8949, as far as it is needed here. A time is tagged with 1."""
    def head(major, n):
        for size, code, form in ((24, None, ">B"), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I")):
            if n < size:
                return struct.pack(">B", major << 5 | (n if code is None else code)) + (b"" if code is None else struct.pack(form, n))
        return struct.pack(">BQ", major << 5 | 27, n)

    match x:
        case bool():
            return b"\xf5" if x else b"\xf4"
        case int():
            return head(0, x) if x >= 0 else head(1, -1 - x)
        case float():
            return b"\xfb" + struct.pack(">d", x)
        case str():
            text = x.encode()
            return head(3, len(text)) + text
        case datetime.datetime():
            return head(6, 1) + cbor(x.timestamp())
        case list():
            return head(4, len(x)) + b"".join(map(cbor, x))
        case dict():
            return head(5, len(x)) + b"".join(cbor(k) + cbor(v) for k, v in x.items())
    raise TypeError(x)


def alarms_page(region, asked):
    metric = client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    all = [("MetricAlarms", a) for a in metric] + [("CompositeAlarms", a) for a in COMPOSITE.get(region, [])]
    start = int(asked.get("NextToken") or 0)
    page = {kind: [a for k, a in all[start:start + 6] if k == kind] for kind in ("MetricAlarms", "CompositeAlarms")}
    return {**page, **({"NextToken": str(start + 6)} if start + 6 < len(all) else {})}


OPS = topics.arn("ops")
RECOVER = f"arn:aws:automate:{VIRGINIA}:ec2:recover"


def alarm(region, name, *actions, metric=("AWS/SQS", "ApproximateAgeOfOldestMessage"), threshold=300.0, comparison="GreaterThanThreshold", dimensions=(), **more):
    client("cloudwatch", region).put_metric_alarm(**{
        "AlarmName": name, "Namespace": metric[0], "MetricName": metric[1], "Statistic": "Maximum", "Period": 300, "EvaluationPeriods": 1, "Threshold": threshold,
        "ComparisonOperator": comparison, "AlarmActions": list(actions), "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions], **more})


def charges(name, *actions, region=VIRGINIA, **more):
    alarm(region, name, *actions, **{"metric": ("AWS/Billing", "EstimatedCharges"), "dimensions": [("Currency", "USD")], **more})


def alarms():
    a = lambda name, *actions, **more: alarm(VIRGINIA, name, *actions, **more)
    a("acts", OPS)
    a("acts-by-second-topic", topics.arn("gone"), topics.arn("mixed"))
    a("recovers", RECOVER)
    a("no-action")
    a("only-when-over", OKActions=[OPS])
    a("off", OPS, ActionsEnabled=False)
    a("to-nobody", topics.arn("silent"))
    a("to-unconfirmed", topics.arn("unconfirmed"))
    a("to-gone", topics.arn("gone"))
    a("to-partner", topics.arn("ops", account=PARTNER))
    a("TargetTracking-table/shop-AlarmHigh-0001", f"arn:aws:autoscaling:{VIRGINIA}:{ACCOUNT}:scalingPolicy:1:resource/dynamodb/table/shop:policyName/p", ActionsEnabled=False,
      AlarmDescription="DO NOT EDIT OR DELETE. For TargetTrackingScaling policy arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1.")
    a("heard-by-composite")
    a("heard-by-nobody")
    a("mentioned-in-text", AlarmDescription="heard-by-composite")
    def composite(name, rule, *actions, enabled=True):
        COMPOSITE.setdefault(VIRGINIA, []).append({
            "AlarmName": name, "AlarmArn": f"arn:aws:cloudwatch:{VIRGINIA}:{ACCOUNT}:alarm:{name}", "AlarmRule": rule, "ActionsEnabled": enabled, "AlarmActions": list(actions), "OKActions": [],
            "InsufficientDataActions": [], "StateValue": "OK", "StateReason": "", "StateUpdatedTimestamp": NOW, "StateTransitionedTimestamp": NOW, "AlarmConfigurationUpdatedTimestamp": NOW})

    composite("composite", 'ALARM("heard-by-composite") AND NOT ALARM("acts")', OPS)
    composite("composite-without-action", 'ALARM("acts") OR ALARM("recovers")')
    composite("composite-off", 'ALARM("acts")', OPS, enabled=False)
    alarm(FRANKFURT, "acts", topics.arn("ops", FRANKFURT))
    alarm(FRANKFURT, "no-action")
    # Charges: none of these would tell anybody of the account's.
    charges("charges-off", OPS, ActionsEnabled=False)
    charges("charges-of-one-service", OPS, dimensions=[("Currency", "USD"), ("ServiceName", "AmazonEC2")])
    charges("charges-of-another", OPS, dimensions=[("Currency", "USD"), ("LinkedAccount", PARTNER)])
    charges("charges-fall", OPS, comparison="LessThanThreshold")
    charges("charges-from-zero", OPS, threshold=0.0)
    charges("charges-unheard", topics.arn("silent"))
    charges("charges-elsewhere", topics.arn("ops", FRANKFURT), region=FRANKFURT)


EMAIL = [{"SubscriptionType": "EMAIL", "Address": "ops@oracle.example"}]


def budget(name, threshold=80.0, kind="COST", on="ACTUAL", comparison="GREATER_THAN", unit="PERCENTAGE", subscribers=EMAIL, **more):
    notification = {"NotificationType": on, "ComparisonOperator": comparison, "Threshold": threshold, "ThresholdType": unit}
    limit = {"Amount": "1000", "Unit": "USD"} if kind == "COST" else {"Amount": "100", "Unit": "GB"}
    client("budgets").create_budget(AccountId=ACCOUNT, Budget={"BudgetName": name, "BudgetType": kind, "TimeUnit": "MONTHLY", "BudgetLimit": limit, **more},
                                    NotificationsWithSubscribers=[{"Notification": notification, "Subscribers": list(subscribers)}] if subscribers else [])


def to(topic):
    return [{"SubscriptionType": "SNS", "Address": topic}]


def budgets():
    """Each of them falls short."""
    budget("too-late", threshold=120.0)
    budget("of-usage", kind="USAGE")
    budget("of-one-service", CostFilters={"Service": ["Amazon Elastic Compute Cloud - Compute"]})
    budget("of-another-account", CostFilters={"LinkedAccount": [PARTNER]})
    budget("unheard", subscribers=to(topics.arn("unconfirmed")))
    budget("without-alert", subscribers=())
    budget("when-cheap", comparison="LESS_THAN")
    budget("beyond-limit", threshold=2000.0, unit="ABSOLUTE_VALUE")
    budget("ended")
    backend("budgets", "aws").budgets[ACCOUNT]["ended"].budget["TimePeriod"]["End"] = (NOW - datetime.timedelta(days=10)).timestamp()


ALL = {"allSupported": True, "includeGlobalResourceTypes": True, "resourceTypes": [], "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}}


def recorder(region, group=ALL, recording=True, status="SUCCESS", channel=True, service="", name="default", **channel_status):
    time = NOW.timestamp()
    CONFIG[region] = {
        "ConfigurationRecorders": [{"name": name, "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config", "arn": f"arn:aws:config:{region}:{ACCOUNT}:configuration-recorder/{name}/1", "recordingGroup": group,
                                    "recordingMode": {"recordingFrequency": "CONTINUOUS"}, "recordingScope": "PAID", **({"servicePrincipal": service} if service else {})}],
        "ConfigurationRecordersStatus": [{"name": name, "recording": recording, "lastStartTime": time, "lastStatusChangeTime": time, **({"lastStatus": status} if status else {}),
                                          **({"lastErrorCode": "AccessDenied", "lastErrorMessage": "no"} if status == "FAILURE" else {})}],
    }
    if channel:
        properties = {"configSnapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"}}
        CONFIG[region]["DeliveryChannels"] = [{"name": "default", "s3BucketName": "oracle-trails", **properties}]
        info = {"lastStatus": "SUCCESS", "lastSuccessfulTime": (NOW - datetime.timedelta(hours=3)).timestamp(), "lastAttemptTime": time}
        CONFIG[region]["DeliveryChannelsStatus"] = [{"name": "default", "configHistoryDeliveryInfo": info, "configSnapshotDeliveryInfo": info, "configStreamDeliveryInfo": {"lastStatus": "NOT_APPLICABLE"}, **channel_status}]


def some(*types):
    return {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": list(types), "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}}


def all_but(*types):
    return {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": [], "exclusionByResourceTypes": {"resourceTypes": list(types)}, "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}}


def detectors():
    client("guardduty", VIRGINIA).create_detector(Enable=True)
    client("guardduty", FRANKFURT).create_detector(Enable=False)


def seed():
    alarms()
    budgets()
    recorder(VIRGINIA)
    recorder(FRANKFURT, {**ALL, "includeGlobalResourceTypes": False}, recording=False)
    recorder(CAPE, some("AWS::EC2::Instance"))
    detectors()


def scenario(name):
    """One more alarm on the charges, or budget; another recorder in Virginia; a payer."""
    client("cloudwatch").delete_alarms(AlarmNames=["charges"])
    backend("budgets", "aws").budgets[ACCOUNT].pop("good", None)
    PAYER.clear()
    recorder(VIRGINIA)
    good = lambda **more: budget("good", **more)
    failed = {"lastStatus": "FAILURE", "lastErrorCode": "NoSuchBucket", "lastErrorMessage": "gone"}
    late = {"lastStatus": "SUCCESS", "lastSuccessfulTime": (NOW - datetime.timedelta(days=3)).timestamp()}
    match name:
        case "":
            pass
        case "alarm":
            charges("charges", OPS)
        case "alarm-of-account":
            charges("charges", OPS, dimensions=[("Currency", "USD"), ("LinkedAccount", ACCOUNT)])
        case "budget":
            good()
        case "budget-forecast":
            good(on="FORECASTED", threshold=100.0)
        case "budget-topic":
            good(subscribers=to(OPS))
        case "budget-absolute":
            good(threshold=900.0, unit="ABSOLUTE_VALUE")
        case "budget-of-account":
            good(CostFilters={"LinkedAccount": [ACCOUNT]})
        case "member":
            PAYER.append(PARTNER)
        case "member-with-budget":
            PAYER.append(PARTNER)
            good()
        case "manager":
            PAYER.append(ACCOUNT)
        case "recorder-pending":
            recorder(VIRGINIA, status="PENDING")
        case "recorder-failing":
            recorder(VIRGINIA, status="FAILURE")
        case "recorder-stopped":
            recorder(VIRGINIA, recording=False)
        case "recorder-without-channel":
            recorder(VIRGINIA, channel=False)
        case "recorder-some-types":
            recorder(VIRGINIA, some("AWS::EC2::Instance", "AWS::IAM::User"))
        case "recorder-but-one-type":
            recorder(VIRGINIA, all_but("AWS::EC2::NetworkInterface"))
        case "recorder-but-iam":
            recorder(VIRGINIA, all_but("AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::Policy"))
        case "recorder-without-iam":
            recorder(VIRGINIA, {**ALL, "includeGlobalResourceTypes": False})
        case "recorder-old":  # from before there were strategies
            recorder(VIRGINIA, {"allSupported": True, "includeGlobalResourceTypes": True, "resourceTypes": []})
        case "recorder-of-service":
            recorder(VIRGINIA, service="securityhub.amazonaws.com", name="AWSConfigurationRecorderForSecurityHub")
        case "recorder-undelivered":
            recorder(VIRGINIA, configHistoryDeliveryInfo=failed)
        case "recorder-late":
            recorder(VIRGINIA, configSnapshotDeliveryInfo=late)
        case "recorder-gone":
            CONFIG.pop(VIRGINIA)
        case _:
            raise ValueError(f"there is no scenario {name}")
