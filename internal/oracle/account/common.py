"""What all parts of the account share."""
import datetime
import functools
import json
import os
import sys

# Read by moto when it is imported. A request for a certificate would be granted after a minute, and each region would
# load a list of machine images that nobody looks at. Policies of AWS it loads only if asked.
os.environ["MOTO_ACM_VALIDATION_WAIT"] = "86400"
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import boto3
from botocore.config import Config
from moto.backends import get_backend
from moto.core.exceptions import JsonRESTError

ACCOUNT, PARTNER = "123456789012", "222222222222"
# In use: two big ones, a small one, and one that cannot be found without a list of regions, as it has to be switched on.
VIRGINIA, FRANKFURT, SYDNEY, CAPE = REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2", "af-south-1")
# The value of all parameters and secrets. It must not turn up in anything that the scanner writes.
SECRET = "oracle-value-nobody-may-read"

NOW = datetime.datetime.now(datetime.timezone.utc)
PORT = int(sys.argv[1])
ENDPOINT = f"http://127.0.0.1:{PORT}"


def ago(days=0.0, hours=0.0):
    """A time as moto keeps it: in UTC, but without a time zone."""
    return (NOW - datetime.timedelta(days=days, hours=hours)).replace(tzinfo=None)


@functools.cache
def client(service, region=VIRGINIA):
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


def call_it(resource, name):
    """Tells the test by which name a table knows a resource that has none of its own, or one that others have too."""
    print("name", resource, name)


def deny(action, resource, why=""):
    message = f"User: arn:aws:iam::{ACCOUNT}:user/oracle is not authorized to perform: {action} on resource: {resource}{why}"
    return JsonRESTError("AccessDeniedException", message)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal, actions, resource="*", condition=None, **more):
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource, **({"Condition": condition} if condition else {}), **more}


def deny_to(principal, actions, resource="*", condition=None):
    return {**allow(principal, actions, resource, condition), "Effect": "Deny"}
