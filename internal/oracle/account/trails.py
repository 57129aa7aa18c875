"""Trails of CloudTrail."""
from moto.cloudtrail.models import CloudTrailBackend, Trail, TrailStatus

from common import *
from keys import KEY


def like_aws():
    """CloudTrail tells of the last delivery, to log groups too, and denies a member account the selectors of the trail of its
    organization, unless it has been let in."""
    known, selectors = TrailStatus.description, CloudTrailBackend.get_event_selectors

    def description(self):
        return {**known(self), **getattr(self, "told", {})}

    def get_event_selectors(self, trail_name):
        trail = self.get_trail(trail_name)
        if trail.account_id != self.account_id and not getattr(trail, "open_to_members", False):
            raise deny("cloudtrail:GetEventSelectors", trail.arn)
        return selectors(self, trail_name)

    TrailStatus.description = description
    CloudTrailBackend.get_event_selectors = get_event_selectors


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


GROUP = f"arn:aws:logs:{FRANKFURT}:{ACCOUNT}:log-group:audit-trail:*"


def lately(hours=1):
    """What CloudTrail tells of the delivery to a log group."""
    return {"LatestCloudWatchLogsDeliveryTime": (NOW - datetime.timedelta(hours=hours)).timestamp()}


def watched(region, name, told, **more):
    """A trail that has a log group."""
    trail(region, name, **more)
    t = backend("cloudtrail", region).trails[name]
    t.cw_log_group_arn, t.cw_role_arn = GROUP, f"arn:aws:iam::{ACCOUNT}:role/trails"
    t.status.told = told
    return t


def seed():
    client("logs", FRANKFURT).create_log_group(logGroupName="audit-trail")
    scenario("")


def own():
    """The trails of the account. Those before the last would not do: single-region trails never add up, and the other is stopped."""
    trail(VIRGINIA, "local")
    trail(VIRGINIA, "stopped", IsMultiRegionTrail=True)
    client("cloudtrail", VIRGINIA).stop_logging(Name="stopped")
    for name in ("usable", "disabled", "deleting", "gone", "partner", "partner-closed"):
        trail(VIRGINIA, "key-" + name, KmsKeyId=KEY[name])
    trail(VIRGINIA, "key-alias", KmsKeyId="alias/shop/usable", EnableLogFileValidation=True)
    watched(VIRGINIA, "logs-late", lately(30))
    watched(VIRGINIA, "logs-failing", {**lately(30), "LatestCloudWatchLogsDeliveryError": "AccessDenied"})
    watched(FRANKFURT, "audit", lately(), IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True, EnableLogFileValidation=True).kms_key_id = KEY["frankfurt"]


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
    for region in (VIRGINIA, FRANKFURT):
        backend("cloudtrail", region).trails.clear()
    own()
    audit = backend("cloudtrail", FRANKFURT).trails["audit"]
    match name:
        case "":
            pass
        case "default":  # as moto tells them, and as AWS may: none that was chosen
            select(FRANKFURT, arn, [])
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
            audit.status.told = {"LatestDeliveryError": "NoSuchBucket"}
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
            for region in (VIRGINIA, FRANKFURT):
                backend("cloudtrail", region).trails.clear()
        case "logs-off":
            audit.cw_log_group_arn = audit.cw_role_arn = None
        case "logs-failing":
            audit.status.told = {**lately(30), "LatestCloudWatchLogsDeliveryError": "ResourceNotFoundException"}
        case _:
            raise ValueError(f"there is no scenario {name}")
