"""Users, roles and policies of IAM, the credential report, and what there is one of in an account."""
import csv
import io

from moto.core.responses import ActionResult
from moto.iam.models import AccountSummary
from moto.iam.responses import IamResponse

from common import *

ROOT = {"AccountMFAEnabled": 0, "AccountPasswordPresent": 1, "AccountAccessKeysPresent": 0}
ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-oracle0001"}}


def like_aws():
    """IAM tells whether the root user has a password, and the credential report begins with it. When a password was
    changed moto does not know, nor whether a policy limits anybody. Details of the account come in pages, here of 20, whatever they are about."""
    summary = AccountSummary.summary_map.fget

    def get_credential_report(self):
        backend = self.backend
        backend.get_credential_report()  # fails if nobody has asked for one
        rows = csv.DictReader(io.StringIO(report_of(backend)))
        out = io.StringIO()
        writer = csv.DictWriter(out, rows.fieldnames, lineterminator="\n")
        writer.writeheader()
        writer.writerow({**dict.fromkeys(rows.fieldnames, "N/A"), "user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root", "user_creation_time": "2020-01-01T00:00:00+00:00",
                         "password_enabled": "not_supported", "password_last_used": "2020-02-03T00:00:00+00:00", "password_last_changed": "not_supported", "mfa_active": "false",
                         "access_key_1_active": "false", "access_key_2_active": "false"})
        for row in rows:
            user = backend.users[row["user"]]
            for column, when in (("password_last_changed", getattr(user, "password_changed", None)),):
                row[column] = when.strftime("%Y-%m-%dT%H:%M:%S+00:00") if when and user.password else "N/A"
            if not user.password:
                row["password_last_used"] = row["password_next_rotation"] = "N/A"
            writer.writerow(row)
        return ActionResult({"Content": out.getvalue(), "ReportFormat": "text/csv", "GeneratedTime": NOW})

    def get_account_authorization_details(self):
        wanted = self._get_param("Filter", [])
        found = self.backend.get_account_authorization_details(wanted)
        for p in found["managed_policies"]:
            p.policy_name, p.permissions_boundary_usage_count = p.name, sum(getattr(x, "permissions_boundary_arn", None) == p.arn for x in self.backend.roles.values())
        all = [(name, x) for name, list in (("UserDetailList", "users"), ("GroupDetailList", "groups"), ("RoleDetailList", "roles"), ("Policies", "managed_policies")) for x in sorted(found[list], key=lambda x: x.arn)]
        start = int(self._get_param("Marker") or 0)
        result = {name: [x for n, x in all[start:start + 20] if n == name] for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
        more = start + 20 < len(all)
        return ActionResult({**result, "IsTruncated": more, **({"Marker": str(start + 20)} if more else {})})

    AccountSummary.summary_map = property(lambda self: {**summary(self), **ROOT})
    IamResponse.get_credential_report, IamResponse.get_account_authorization_details = get_credential_report, get_account_authorization_details


def report_of(backend):
    return backend.get_credential_report()


def iam():
    return backend("iam", "aws")


class Used:
    """When and for what a key was used, as moto wants it."""

    def __init__(self, when):
        self.timestamp, self.region, self.service = when, VIRGINIA, "s3"

    def strftime(self, form):
        return self.timestamp.strftime(form)


def user(name, created=500, password=None, mfa=False, keys=(), policies=()):
    """A user. Password: (days since it was set, days since it was used or None). Keys: (name, days old, days since it was used or None, active)."""
    client("iam").create_user(UserName=name)
    u = iam().users[name]
    u.create_date = ago(created)
    if password:
        u.password = SECRET
        u.password_changed = ago(password[0])
        u.password_last_used = None if password[1] is None else ago(password[1])
    if mfa:
        client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name)
        client("iam").enable_mfa_device(UserName=name, SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/{name}", AuthenticationCode1="123456", AuthenticationCode2="234567")
    for key, age, used, active in keys:
        made = client("iam").create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        k = next(k for k in u.access_keys if k.access_key_id == made)
        k.create_date, k.status = ago(age), "Active" if active else "Inactive"
        k.last_used = None if used is None else Used(ago(used))
        call_it(made, f"{name}/{key}")
    for arn in policies:
        client("iam").attach_user_policy(UserName=name, PolicyArn=arn)


def users():
    user("console-mfa", password=(300, 3), mfa=True)
    user("console-no-mfa", password=(300, 3))
    user("console-unused", password=(300, 46), mfa=True)
    user("console-used-lately", password=(300, 44), mfa=True)
    user("console-never-used", created=100, password=(100, None), mfa=True)
    user("console-never-used-new", created=10, password=(10, None))
    user("console-never-used-reset", created=400, password=(5, None), mfa=True)
    user("console-used-long-ago-reset", created=400, password=(5, 200), mfa=True)
    user("nothing")
    user("key-fresh", keys=[("1", 10.5, 1, True)])
    user("key-89-days", keys=[("1", 89.5, 1, True)])
    user("key-91-days", keys=[("1", 91.5, 1, True)])
    user("key-ancient", keys=[("1", 800.5, 1, True)])
    user("key-inactive", keys=[("1", 800.5, 400, False)])
    user("key-unused", keys=[("1", 60.5, 50, True)])
    user("key-never-used", keys=[("1", 60.5, None, True)])
    user("key-never-used-new", keys=[("1", 5.5, None, True)])
    user("key-two", keys=[("old", 400.5, 100, True), ("new", 10.5, 1, True)])
    user("key-two-one-off", keys=[("old", 400.5, 100, False), ("new", 10.5, 1, True)])
    user("both", password=(300, 1), mfa=True, keys=[("1", 100.5, 90, True)])
    quarantine = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV"
    user("leaked", keys=[("1", 10.5, 1, True)], policies=[quarantine + "2"])
    user("leaked-cleaned", keys=[("1", 10.5, 1, False)], policies=[quarantine + "3"])
    lookalike = client("iam").create_policy(PolicyName="AWSCompromisedKeyQuarantineV2", PolicyDocument=document("s3:GetObject"))["Policy"]["Arn"]
    user("leaked-by-name", policies=[lookalike])
    user("administrator", policies=["arn:aws:iam::aws:policy/AdministratorAccess"])  # a policy of AWS is nothing that the account can change


def document(actions="*", resources="*", **more):
    return policy({"Effect": "Allow", "Action": actions, "Resource": resources, **more})


def policies():
    denied = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    deny_one = {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client("iam").create_group(GroupName="staff")
    for name, text in {
        "admin": document(),
        "admin-stars": document("*:*"),
        "admin-in-list": document(["s3:GetObject", "*"], ["arn:aws:s3:::oracle-plain", "*"]),
        "admin-second-statement": policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}, everything),
        "admin-in-halves": policy({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        "admin-not-resource": policy({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::oracle-plain"}),
        "admin-but-one-action": policy(everything, deny_one),  # he can put an end to the Deny
        "not-denied": policy(everything, denied),
        "not-power-user": policy({"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}),
        "not-iam": document("iam:*"),
        "not-one-bucket": document("*", ["arn:aws:s3:::oracle-plain", "arn:aws:s3:::oracle-plain/*"]),
        "not-read": document(["s3:Get*", "ec2:Describe*"]),
        "not-with-mfa-only": document(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    }.items():
        arn = client("iam").create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
        client("iam").attach_group_policy(GroupName="staff", PolicyArn=arn)
    client("iam").create_policy(PolicyName="admin-unattached", PolicyDocument=document())
    boundary = client("iam").create_policy(PolicyName="admin-boundary", PolicyDocument=document())["Policy"]["Arn"]
    client("iam").create_role(RoleName="bounded", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}), PermissionsBoundary=boundary)
    former = client("iam").create_policy(PolicyName="not-any-more", PolicyDocument=document())["Policy"]["Arn"]
    client("iam").create_policy_version(PolicyArn=former, PolicyDocument=document("s3:GetObject"), SetAsDefault=True)
    later = client("iam").create_policy(PolicyName="admin-since-version-2", PolicyDocument=document("s3:GetObject"))["Policy"]["Arn"]
    client("iam").create_policy_version(PolicyArn=later, PolicyDocument=document(), SetAsDefault=True)
    for arn in (former, later):
        client("iam").attach_role_policy(RoleName="bounded", PolicyArn=arn)
    # Inline.
    client("iam").put_user_policy(UserName="nothing", PolicyName="inline-admin-of-user", PolicyDocument=document())
    client("iam").put_group_policy(GroupName="staff", PolicyName="inline-admin-of-group", PolicyDocument=document())
    client("iam").put_role_policy(RoleName="bounded", PolicyName="inline-admin-of-role", PolicyDocument=document())
    client("iam").put_role_policy(RoleName="bounded", PolicyName="inline-read", PolicyDocument=document("s3:Get*"))
    client("iam").put_role_policy(RoleName="AWSReservedSSO_Admin_0123456789abcdef", PolicyName="inline-of-identity-center", PolicyDocument=document())


def trust(principal, condition=None, actions="sts:AssumeRole", *more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
    return policy({**statement, **({"Condition": condition} if condition else {})}, *more)


def roles():
    github = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    deny_outside = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT]}}}
    for name, text in {
        "open-anyone": trust("*"),
        "open-anyone-aws": trust({"AWS": "*"}, actions="sts:*"),
        "open-in-list": trust({"AWS": [f"arn:aws:iam::{PARTNER}:root", "*"]}),
        "open-external-id": trust({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "4711"}}),
        "open-agent": trust({"AWS": "*"}, {"StringLike": {"aws:UserAgent": "courier/*"}}),
        "open-mfa": trust({"AWS": "*"}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        "open-any-role": trust({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deploy"}}),
        "open-if-exists": trust({"AWS": "*"}, {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}),
        "open-second-statement": trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, None, "sts:AssumeRole", {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole*"}),
        "open-github": trust(github, {"StringEquals": audience}, "sts:AssumeRoleWithWebIdentity"),
        "open-github-everything": trust(github, {"StringEquals": audience, "StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}, "sts:AssumeRoleWithWebIdentity"),
        "shut-github": trust(github, {"StringEquals": audience, "StringLike": {"token.actions.githubusercontent.com:sub": "repo:oracle/shop:*"}}, "sts:AssumeRoleWithWebIdentity"),
        "shut-saml": trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/house"}, {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}, "sts:AssumeRoleWithSAML"),
        "shut-account": trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "shut-partner": trust({"AWS": PARTNER}, {"StringEquals": {"sts:ExternalId": "4711"}}),
        "shut-organization": trust("*", ORG),
        "shut-role-arn": trust({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{PARTNER}:role/deploy-*"}}),
        "shut-principal-account": trust({"AWS": "*"}, {"StringEquals": {"aws:PrincipalAccount": PARTNER}}),
        "shut-denied-outside": trust("*", None, "sts:AssumeRole", deny_outside),
        "shut-tags-only": trust("*", None, "sts:TagSession"),
        "shut-service": trust({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}),
    }.items():
        client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=text)
    client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    client("iam").create_role(RoleName="AWSServiceRoleForSupport", Path="/aws-service-role/support.amazonaws.com/", AssumeRolePolicyDocument=trust("*"))
    client("iam").create_role(RoleName="AWSReservedSSO_Admin_0123456789abcdef", Path="/aws-reserved/sso.amazonaws.com/", AssumeRolePolicyDocument=trust("*"))


def seed():
    users()
    roles()
    policies()


def scenario(name):
    """The root user, and the password policy."""
    ROOT.update(AccountMFAEnabled=0, AccountPasswordPresent=1, AccountAccessKeysPresent=0)
    iam().account_password_policy = None
    match name:
        case "":
            pass
        case "root-mfa":
            ROOT["AccountMFAEnabled"] = 1
        case "root-keys":
            ROOT["AccountAccessKeysPresent"] = 1
        case "root-gone":
            ROOT["AccountPasswordPresent"] = 0
        case "root-gone-but-keys":
            ROOT.update(AccountPasswordPresent=0, AccountAccessKeysPresent=1)
        case "passwords-14" | "passwords-13" | "passwords-20":
            client("iam").update_account_password_policy(MinimumPasswordLength=int(name[-2:]))
        case _:
            raise ValueError(f"there is no scenario {name}")
