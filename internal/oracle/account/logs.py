"""Log groups."""
from moto.logs.models import LogGroup, LogsBackend

from common import *
from keys import KEY


def like_aws():
    """Logs tells the class of a group. It also need not fill a page: here five groups do, so that there are several."""
    known, listed = LogGroup.to_describe_dict, LogsBackend.describe_log_groups

    def to_describe_dict(self):
        return {**known(self), "logGroupClass": getattr(self, "log_group_class", "STANDARD"), "storedBytes": getattr(self, "gib", 0) << 30}

    def describe_log_groups(self, limit, **rest):
        return listed(self, limit=min(limit, 5), **rest)

    LogGroup.to_describe_dict = to_describe_dict
    LogsBackend.describe_log_groups = describe_log_groups


def log_group(region, name, key="", log_class="STANDARD", days=0, gib=0):
    client("logs", region).create_log_group(logGroupName=name, **({"kmsKeyId": key} if key else {}))
    group = backend("logs", region).groups[name]
    group.log_group_class, group.retention_in_days, group.gib = log_class, days or None, gib


def seed():
    log_group(VIRGINIA, "/app/plain")
    log_group(VIRGINIA, "/app/plain-infrequent", log_class="INFREQUENT_ACCESS")
    log_group(VIRGINIA, "/app/delivery", log_class="DELIVERY")
    log_group(VIRGINIA, "/app/encrypted-infrequent", KEY["usable"], "INFREQUENT_ACCESS")
    log_group(VIRGINIA, "/aws/lambda/thumbnails")
    for state in ("usable", "disabled", "deleting", "importing", "cut-off", "moving", "starting", "gone", "partner", "partner-disabled", "partner-closed"):
        log_group(VIRGINIA, "/key/" + state, KEY[state])
    log_group(VIRGINIA, "/key/disabled-too", KEY["disabled"])
    # How long, and how much.
    log_group(VIRGINIA, "/keep/for-ever", gib=5)
    log_group(VIRGINIA, "/keep/400", days=400)
    log_group(VIRGINIA, "/keep/365", days=365)
    log_group(VIRGINIA, "/keep/364", days=364)
    log_group(VIRGINIA, "/keep/7", days=7)
    log_group(VIRGINIA, "/keep/audit/90", days=90)
    log_group(VIRGINIA, "aws-waf-logs-shop", days=30)
    log_group(VIRGINIA, "/keep/audit/731", days=731)
    log_group(FRANKFURT, "/keep/365", days=365)
    log_group(FRANKFURT, "/app/plain")
    log_group(FRANKFURT, "/app/encrypted", KEY["frankfurt"])
    log_group(SYDNEY, "/app/plain")
    log_group(CAPE, "/app/plain")
