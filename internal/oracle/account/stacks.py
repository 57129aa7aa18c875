"""Stacks of CloudFormation."""
import json
import warnings

from moto.cloudformation.models import Event
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from common import *
from topics import arn


warnings.filterwarnings("ignore", message="Tried to parse")  # moto makes nothing of the template, nor need it


def like_aws():
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


def stack(region, name, status, created, updated=None, deleted=None, events=(), root=None, parent=None, reason=None, topics=(), protected=False, tags=None):
    """A stack in any status. Events are (time, status) of the stack or (time, status, type, reason) of a resource, oldest first."""
    template = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    stack_id = client("cloudformation", region).create_stack(StackName=name, TemplateBody=template)["StackId"]
    s = backend("cloudformation", region).stacks[stack_id]
    s.status, s.creation_time, s.last_updated_time, s.deletion_time, s.stack_status_reason = status, created, updated, deleted, reason
    s.root_id, s.parent_id = root, parent or root
    s.notification_arns, s.enable_termination_protection, s.tags = list(topics), protected, tags or {}
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


def seed():
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

    # Protected, or announced.
    stack(VIRGINIA, "protected", "CREATE_COMPLETE", ago(100), protected=True)
    stack(VIRGINIA, "of-development", "CREATE_COMPLETE", ago(100), tags={"environment": "dev"})
    stack(VIRGINIA, "of-production", "CREATE_COMPLETE", ago(100), tags={"environment": "prod"})
    stack(VIRGINIA, "StackSet-base-0123456789", "CREATE_COMPLETE", ago(100))
    stack(VIRGINIA, "told", "UPDATE_COMPLETE", ago(100), ago(50), topics=[arn("ops")])
    stack(VIRGINIA, "told-by-second-topic", "CREATE_COMPLETE", ago(100), topics=[arn("silent"), arn("mixed")])
    stack(VIRGINIA, "told-nobody", "CREATE_COMPLETE", ago(100), topics=[arn("silent")])
    stack(VIRGINIA, "told-unconfirmed", "CREATE_COMPLETE", ago(100), topics=[arn("unconfirmed")])
    stack(VIRGINIA, "told-gone", "CREATE_COMPLETE", ago(100), topics=[arn("gone")])
    stack(VIRGINIA, "told-partner", "CREATE_COMPLETE", ago(100), topics=[arn("ops", account=PARTNER)])
    stack(FRANKFURT, "told", "CREATE_COMPLETE", ago(100), topics=[arn("ops", FRANKFURT)], protected=True)

    stack(FRANKFURT, "site", "CREATE_COMPLETE", ago(100))
    stack(FRANKFURT, "api", "UPDATE_ROLLBACK_FAILED", ago(100), days3, events=failed)
    stack(SYDNEY, "edge", "ROLLBACK_COMPLETE", days3, events=[(days3, "CREATE_IN_PROGRESS"), (days3, "ROLLBACK_COMPLETE")])
