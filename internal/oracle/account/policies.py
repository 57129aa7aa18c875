"""Ways to let everybody in, and ways that only look like it. Resource policies of several services get the same ones.

A policy is named open-* if somebody without any tie to the account can use it, and shut-* if not. Sources: IAM User Guide,
"AWS JSON policy elements: Principal", "... Condition operators", "AWS global condition context keys".
"""
from common import ACCOUNT, PARTNER, VIRGINIA, allow, deny_to, policy

ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-oracle0001"}}


def traps(actions, resource, other):
    """Policies by name. Other is the ARN of another resource of the kind."""
    def anyone(condition=None, principal="*"):
        return allow(principal, actions, resource, condition)

    statements = {
        # Everybody, however it is spelled.
        "open-anyone": [anyone()],
        "open-anyone-aws": [anyone(principal={"AWS": "*"})],
        "open-anyone-in-list": [anyone(principal={"AWS": [f"arn:aws:iam::{PARTNER}:root", "*"]})],
        "open-all-but-one": [{"Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}, "Action": actions, "Resource": resource}],
        "open-second-statement": [anyone(ORG), anyone()],
        "open-every-action": [allow("*", "*", resource)],
        "open-every-other-action": [{"Effect": "Allow", "Principal": "*", "NotAction": "iam:*", "Resource": resource}],
        # Conditions that everybody meets, or can meet.
        "open-if-exists": [anyone({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}})],
        "open-for-all-values": [anyone({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": ["o-oracle0001/*"]}})],
        "open-null": [anyone({"Null": {"aws:PrincipalOrgID": "true"}})],
        "open-not-equals": [anyone({"StringNotEquals": {"aws:PrincipalAccount": PARTNER}})],
        "open-any-source": [anyone({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}})],
        "open-any-account": [anyone({"StringLike": {"aws:SourceAccount": "*"}})],
        "open-internet": [anyone({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})],
        "open-internet-halves": [anyone({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}})],
        "open-internet-ipv6": [anyone({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}})],
        "open-not-from-there": [anyone({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})],
        "open-with-tls": [anyone({"Bool": {"aws:SecureTransport": "true"}})],
        "open-agent": [anyone({"StringEquals": {"aws:UserAgent": "courier/1.0"}})],
        "open-role-name": [anyone({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/courier"}})],
        "open-for-years": [anyone({"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}})],
        # Denials that leave others in.
        "open-denied-to-one": [anyone(), deny_to({"AWS": f"arn:aws:iam::{PARTNER}:root"}, actions, resource)],
        "open-denied-without-tls": [anyone(), deny_to("*", actions, resource, {"Bool": {"aws:SecureTransport": "false"}})],
        "open-denied-elsewhere": [anyone(), deny_to("*", actions, other)],
        # Nobody, or only those who have something to do with the account.
        "shut-partner": [anyone(principal={"AWS": f"arn:aws:iam::{PARTNER}:root"})],
        "shut-organization": [anyone(ORG)],
        "shut-account": [anyone({"StringEquals": {"AWS:principalaccount": ACCOUNT}})],  # keys know no case
        "shut-source-account": [anyone({"StringEquals": {"aws:SourceAccount": [ACCOUNT, PARTNER]}})],
        "shut-source-arn": [anyone({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}})],
        "shut-role": [anyone({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/courier"}})],
        "shut-office": [anyone({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}})],
        "shut-endpoint": [anyone({"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}})],
        "shut-both": [anyone({"StringLike": {"aws:UserAgent": "*"}, "StringEquals": {"aws:PrincipalOrgID": "o-oracle0001"}})],
        "shut-service": [allow({"Service": "events.amazonaws.com"}, actions, resource)],  # a confused deputy, but not everybody
        "shut-denied-outside": [anyone(), deny_to("*", actions, resource, {"StringNotEquals": {"aws:PrincipalOrgID": "o-oracle0001"}})],
        "shut-denied": [anyone(), deny_to("*", actions, resource)],
        "shut-elsewhere": [allow("*", actions, other)],
    }
    return {name: policy(*s) for name, s in statements.items()}


def single(actions, resource):
    """Statement may be an object instead of a list."""
    return '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"%s","Resource":"%s"}}' % (actions[0], resource)
