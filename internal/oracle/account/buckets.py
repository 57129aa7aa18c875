"""Buckets of S3, and the block of the account."""
from moto.core.responses import ActionResult
from moto.s3.responses import S3Response

from common import *

ALL, NONE = (True, True, True, True), (False, False, False, False)
EVERYBODY, SIGNED_IN = (f"http://acs.amazonaws.com/groups/global/{g}" for g in ("AllUsers", "AuthenticatedUsers"))
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-oracle0001"}}

def like_aws():
    """S3 tells the region of each bucket in a list that has a size of its pages, and calls the versioning of a bucket
    by another name than moto. It also need not fill a page. Buckets have a block and ownership controls from their
    first day: see bucket."""
    def all_buckets(self):
        after = self._get_param("continuation-token") or ""
        buckets = sorted((b for b in self.backend.list_buckets(None, None, None) if b.name > after), key=lambda b: b.name)
        page = buckets[:40]
        result = {
            "Owner": {"ID": "bcaf1ffd86f41161ca5fb16fd081034f"},
            "Buckets": [{"Name": b.name, "CreationDate": b.creation_date_ISO8601, "BucketRegion": b.region_name} for b in page],
            "ContinuationToken": page[-1].name if len(buckets) > len(page) else None,
        }
        self.data["Action"] = "ListBuckets"
        return self.serialized(ActionResult(result))

    def get_bucket_versioning(self):
        status = self.backend.get_bucket_versioning(self.bucket_name)
        body = f"<Status>{status}</Status>" if status else ""
        return 200, {}, f'<?xml version="1.0" encoding="UTF-8"?><VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{body}</VersioningConfiguration>'

    S3Response.all_buckets, S3Response.get_bucket_versioning = all_buckets, get_bucket_versioning


def flags(on):
    return dict(zip(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), on))

def bucket(region, name, block=ALL, ownership="BucketOwnerEnforced", versioning="Enabled", lifecycle=(), document="", grants=(), log_to=""):
    """A bucket. As AWS makes them: all is blocked, and nobody but the owner owns anything. Block None: it has none."""
    s3 = client("s3", region)
    s3.create_bucket(Bucket=name, **({} if region == VIRGINIA else {"CreateBucketConfiguration": {"LocationConstraint": region}}))
    if ownership:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versioning})
    if lifecycle:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [{"ID": str(n), "Status": "Enabled", "Filter": {"Prefix": ""}, **rule} for n, rule in enumerate(lifecycle)]})
    if grants:
        acl = s3.get_bucket_acl(Bucket=name)
        more = [{"Grantee": {"Type": "Group", "URI": group}, "Permission": permission} for group, permission in grants]
        s3.put_bucket_acl(Bucket=name, AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"] + more})
    if document:
        s3.put_bucket_policy(Bucket=name, Policy=document)
    if block:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=flags(block))

def on(name, *statements):
    """A policy with BUCKET for the bucket and OBJECTS for what is in it."""
    return policy(*statements).replace("BUCKET", f"arn:aws:s3:::{name}").replace("OBJECTS", f"arn:aws:s3:::{name}/*")

def tls(name, principal="*", actions="s3:*", resources=("BUCKET", "OBJECTS"), condition=None):
    return on(name, deny_to(principal, actions, list(resources), condition or {"Bool": {"aws:SecureTransport": "false"}}))

EXPIRES = {"Expiration": {"Days": 365}}

def seed():
    # The block of the account has one switch on. What a bucket has adds to it.
    scenario("")
    bucket(VIRGINIA, "oracle-plain")  # as the console makes it
    bucket(VIRGINIA, "oracle-trails", block=NONE, versioning="Suspended")
    bucket(VIRGINIA, "oracle-no-block", block=None, versioning="")
    for n, switch in enumerate(("block-acls", "ignore-acls", "block-policy", "restrict")):
        bucket(VIRGINIA, f"oracle-all-but-{switch}", block=tuple(i != n for i in range(4)), lifecycle=[EXPIRES])
    # Access control lists.
    writer = {"ownership": "ObjectWriter", "block": NONE, "lifecycle": [EXPIRES]}
    bucket(VIRGINIA, "oracle-acl-read", grants=[(EVERYBODY, "READ")], **writer)
    bucket(VIRGINIA, "oracle-acl-read-signed-in", grants=[(SIGNED_IN, "READ")], **writer)
    bucket(VIRGINIA, "oracle-acl-write", grants=[(EVERYBODY, "WRITE")], **writer)
    bucket(VIRGINIA, "oracle-acl-read-acp", grants=[(EVERYBODY, "READ_ACP")], **writer)
    bucket(VIRGINIA, "oracle-acl-write-acp", grants=[(SIGNED_IN, "WRITE_ACP")], **writer)
    bucket(VIRGINIA, "oracle-acl-full", grants=[(EVERYBODY, "FULL_CONTROL")], **writer)
    bucket(VIRGINIA, "oracle-acl-logs", grants=[(LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")], **writer)
    bucket(VIRGINIA, "oracle-acl-preferred", ownership="BucketOwnerPreferred", block=NONE, grants=[(EVERYBODY, "READ")])
    bucket(VIRGINIA, "oracle-acl-no-controls", ownership="", block=NONE, grants=[(EVERYBODY, "READ")])  # as before 2021
    bucket(VIRGINIA, "oracle-acl-no-block", ownership="", block=None, grants=[(EVERYBODY, "FULL_CONTROL")])
    bucket(VIRGINIA, "oracle-acl-ignored", ownership="ObjectWriter", block=(False, True, False, False), grants=[(EVERYBODY, "FULL_CONTROL")])
    bucket(VIRGINIA, "oracle-acl-only-new-blocked", ownership="ObjectWriter", block=(True, False, True, False), grants=[(EVERYBODY, "READ")])
    # S3 puts away no grant when ACLs are switched off, it only heeds them no more.
    bucket(VIRGINIA, "oracle-acl-void", ownership="ObjectWriter", block=NONE, grants=[(EVERYBODY, "FULL_CONTROL")])
    client("s3").put_bucket_ownership_controls(Bucket="oracle-acl-void", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})

    # Policies: who can do what to what.
    def guarded(name, *statements, region=VIRGINIA, block=NONE):
        bucket(region, name, block=block, document=on(name, *statements))

    guarded("oracle-policy-get", allow("*", "s3:GetObject", "OBJECTS"))
    guarded("oracle-policy-get-everywhere", allow({"AWS": "*"}, ["s3:Get*", "s3:List*"], "*"))
    guarded("oracle-policy-list", allow("*", "s3:ListBucket", "BUCKET"))
    guarded("oracle-policy-put", allow("*", "s3:PutObject", "OBJECTS"))
    guarded("oracle-policy-delete", allow("*", "s3:Delete*", "*"))
    guarded("oracle-policy-everything", allow("*", "*", ["BUCKET", "OBJECTS"]))
    guarded("oracle-policy-acl", allow("*", ["s3:PutObjectAcl"], "OBJECTS"))
    guarded("oracle-policy-replace", allow("*", "s3:PutBucketPolicy", "BUCKET"))
    guarded("oracle-policy-see", allow("*", "s3:GetBucketPolicy", "BUCKET"))
    guarded("oracle-policy-location", allow("*", ["s3:GetBucketLocation"], "BUCKET"))  # tells neither data nor access
    guarded("oracle-policy-wrong-resource", allow("*", "s3:GetObject", "BUCKET"))  # objects are not the bucket
    guarded("oracle-policy-some-objects", allow("*", "s3:GetObject", "arn:aws:s3:::oracle-policy-some-objects/public/*"))
    guarded("oracle-policy-not-action", {"Effect": "Allow", "Principal": "*", "NotAction": "s3:DeleteObject", "Resource": "OBJECTS"})
    guarded("oracle-policy-not-principal", {"Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}, "Action": "s3:GetObject", "Resource": "OBJECTS"})
    guarded("oracle-policy-internet", allow("*", "s3:GetObject", "OBJECTS", {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}))
    guarded("oracle-policy-referer", allow("*", "s3:GetObject", "OBJECTS", {"StringLike": {"aws:Referer": "https://shop.oracle.example/*"}}))
    guarded("oracle-policy-tls-only", allow("*", "s3:GetObject", "OBJECTS", {"Bool": {"aws:SecureTransport": "true"}}))
    guarded("oracle-policy-canned", allow("*", "s3:PutObject", "OBJECTS", {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}))
    guarded("oracle-policy-office", allow("*", "s3:GetObject", "OBJECTS", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    guarded("oracle-policy-organization", allow("*", "s3:*", ["BUCKET", "OBJECTS"], ORG))
    guarded("oracle-policy-endpoint", allow("*", "s3:*", ["BUCKET", "OBJECTS"], {"StringEquals": {"aws:sourceVpc": "vpc-0123456789abcdef0"}}))
    guarded("oracle-policy-access-points", allow("*", "s3:*", ["BUCKET", "OBJECTS"], {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}))
    guarded("oracle-policy-partner", allow({"AWS": f"arn:aws:iam::{PARTNER}:root"}, "s3:*", ["BUCKET", "OBJECTS"]))
    guarded("oracle-policy-cloudfront", allow({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject", "OBJECTS", {"StringEquals": {"AWS:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"}}))
    guarded("oracle-policy-denied", allow("*", "s3:GetObject", "OBJECTS"), deny_to("*", "s3:GetObject*", "OBJECTS"))
    guarded("oracle-policy-denied-outside", allow("*", "s3:GetObject", "OBJECTS"), deny_to("*", "s3:*", ["BUCKET", "OBJECTS"], {"StringNotEquals": {"aws:PrincipalOrgID": "o-oracle0001"}}))
    guarded("oracle-policy-restricted", allow("*", "s3:*", ["BUCKET", "OBJECTS"]), block=(False, False, False, True))
    guarded("oracle-policy-only-new-blocked", allow("*", "s3:GetObject", "OBJECTS"), block=(True, True, True, False))
    guarded("oracle-policy-site", allow("*", "s3:GetObject", "OBJECTS"), region=FRANKFURT)
    guarded("oracle-policy-shut", allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"}, "s3:*", ["BUCKET", "OBJECTS"]), region=SYDNEY)

    # TLS.
    for name, how in {
        "": {},
        "-boolean": {"condition": {"Bool": {"aws:SecureTransport": False}}},
        "-list": {"condition": {"Bool": {"aws:securetransport": ["false"]}}},
        "-if-exists": {"condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        "-aws": {"principal": {"AWS": "*"}, "actions": "*", "resources": ("*",)},
        "-wide": {"resources": ("BUCKET*",)},
        "-put-only": {"actions": "s3:PutObject", "resources": ("OBJECTS",)},
        "-one-principal": {"principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        "-objects-only": {"resources": ("OBJECTS",)},
        "-bucket-only": {"resources": ("BUCKET",)},
        "-inverted": {"condition": {"Bool": {"aws:SecureTransport": "true"}}},
        "-version-only": {"condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        "-from-office": {"condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        "-get-only": {"actions": ["s3:Get*", "s3:List*"]},
    }.items():
        bucket(VIRGINIA, "oracle-tls" + name, document=tls("oracle-tls" + name, **how))
    two = [deny_to("*", "s3:*", r, {"Bool": {"aws:SecureTransport": "false"}}) for r in ("BUCKET", "OBJECTS")]
    bucket(VIRGINIA, "oracle-tls-two-statements", document=on("oracle-tls-two-statements", *two))
    bucket(VIRGINIA, "oracle-tls-allowed-only", document=on("oracle-tls-allowed-only", allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "s3:*", ["BUCKET", "OBJECTS"], {"Bool": {"aws:SecureTransport": "true"}})))
    bucket(FRANKFURT, "oracle-tls-frankfurt", document=tls("oracle-tls-frankfurt"), lifecycle=[EXPIRES])

    # Lifecycle.
    for name, rules in {
        "expires": [EXPIRES],
        "moves": [{"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}],
        "off": [{**EXPIRES, "Status": "Disabled"}],
        "off-and-on": [{**EXPIRES, "Status": "Disabled"}, {**EXPIRES, "Filter": {"Prefix": "logs/"}}],
        "uploads-only": [{"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}],
        "old-versions-only": [{"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}],
        "markers-only": [{"Expiration": {"ExpiredObjectDeleteMarker": True}}],
    }.items():
        bucket(VIRGINIA, "oracle-lifecycle-" + name, lifecycle=rules)

    bucket(FRANKFURT, "oracle-never-versioned", versioning="")
    bucket(SYDNEY, "oracle-suspended", versioning="Suspended")
    bucket(CAPE, "oracle-far", block=None, ownership="", versioning="")

def scenario(name):
    """The block of the account."""
    on = {"": (True, False, False, False), "blocked": ALL, "ignored": (True, True, False, False), "restricted": (False, False, True, True), "none": None}[name]
    control = backend("s3control", "aws")  # its API wants a host name that is no address
    if on:
        control.put_public_access_block(ACCOUNT, flags(on))
    else:
        control.delete_public_access_block(ACCOUNT)
