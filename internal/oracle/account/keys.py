"""Keys of KMS. Others name them: keys.seed comes first."""
import json

import moto.kms.models
from moto.kms.models import Key
from moto.kms.responses import KmsResponse

from common import *
from policies import traps

# ARNs by name.
KEY = {}


def like_aws():
    """KMS looks at the account of an ARN: it shows a key of another account if its policy lets this one in, and says
    that access is denied if not, or if there is no such key. moto knows only the keys of the caller, and refuses
    some of them by its own reading of their policy.

    It always says whether a key is a multi-Region one, how often it rotates, and how long one is kept after its replicas.
    """
    known = Key.to_dict

    def to_dict(self):
        result = known(self)
        result["KeyMetadata"]["MultiRegion"] = bool(self.multi_region)
        if self.key_state == "PendingReplicaDeletion":
            result["KeyMetadata"]["PendingDeletionWindowInDays"] = 14
        return result

    def describe_key(self):
        ref = self._get_param("KeyId")
        part = ref.split(":")
        if not ref.startswith("arn:") or part[4] == self.current_account:
            self._validate_key_id(ref)
            key = self.kms_backend.describe_key(self.kms_backend.get_key_id(ref))
            return json.dumps(key.to_dict())
        key = backend("kms", part[3], part[4]).keys.get(part[5].removeprefix("key/"))
        if key is None or self.current_account not in key.policy:
            raise deny("kms:DescribeKey", ref, " because no resource-based policy allows the kms:DescribeKey action")
        return json.dumps(key.to_dict())

    def get_key_rotation_status(self):
        key = self.kms_backend.keys[self.kms_backend.get_key_id(self._get_param("KeyId"))]
        result = {"KeyId": key.id, "KeyRotationEnabled": key.key_rotation_status}
        if key.key_rotation_status:
            result["RotationPeriodInDays"] = getattr(key, "rotation_period", 365)
        return json.dumps(result)

    moto.kms.models.generate_private_key = functools.cache(moto.kms.models.generate_private_key)  # which takes long, and nobody signs anything
    Key.to_dict = to_dict
    KmsResponse.describe_key, KmsResponse.get_key_rotation_status = describe_key, get_key_rotation_status


def key(region, name, document=None, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", rotates=0, state="Enabled", multi_region=False, origin="AWS_KMS", account=ACCOUNT, alias=False):
    k = backend("kms", region, account).create_key(document, usage, spec, name, None, multi_region, origin)
    k.key_rotation_status, k.rotation_period = rotates > 0, rotates
    k.key_state, k.enabled = state, state == "Enabled"
    if state == "PendingDeletion":
        k.deletion_date = ago(-7)
    if alias:
        client("kms", region).create_alias(AliasName="alias/shop/" + name, TargetKeyId=k.id)
    if account == ACCOUNT:
        call_it(k.id, name)
    if region == VIRGINIA:
        KEY[name] = k.arn
    return k


def of_aws():
    """Keys that AWS makes when a service first needs one, and manages. To moto they are the account's."""
    for region in REGIONS:
        for alias in client("kms", region).list_aliases()["Aliases"]:
            key = backend("kms", region).keys.get(alias.get("TargetKeyId"))
            if key and alias["AliasName"].startswith("alias/aws/"):
                key.key_manager = "AWS"
                call_it(alias["TargetKeyId"], alias["AliasName"])


def seed():
    key(VIRGINIA, "usable", alias=True)
    key(VIRGINIA, "disabled", state="Disabled", alias=True)
    key(VIRGINIA, "deleting", state="PendingDeletion")
    key(VIRGINIA, "deleting-by-alias", state="PendingDeletion", alias=True)
    key(VIRGINIA, "deleting-unused", state="PendingDeletion")
    key(VIRGINIA, "deleting-after-replicas", state="PendingReplicaDeletion", multi_region=True)
    key(VIRGINIA, "importing", state="PendingImport", origin="EXTERNAL")
    key(VIRGINIA, "cut-off", state="Unavailable", origin="AWS_CLOUDHSM")
    key(VIRGINIA, "moving", state="Updating", multi_region=True)
    key(VIRGINIA, "starting", state="Creating")
    KEY["gone"] = f"arn:aws:kms:{VIRGINIA}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    KEY["frankfurt"] = key(FRANKFURT, "frankfurt", alias=True).arn
    # Rotation.
    key(VIRGINIA, "yearly", rotates=365)
    key(VIRGINIA, "quarterly", rotates=90)
    key(VIRGINIA, "rarely", rotates=366)
    key(FRANKFURT, "yearly", rotates=365)
    key(VIRGINIA, "signing", spec="RSA_2048", usage="SIGN_VERIFY")
    key(VIRGINIA, "mac", spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    key(VIRGINIA, "imported", origin="EXTERNAL")
    key(VIRGINIA, "hsm", origin="AWS_CLOUDHSM")
    key(VIRGINIA, "of-aws").key_manager = "AWS"
    key(SYDNEY, "of-aws").key_manager = "AWS"
    for name, rotates in (("everywhere", 365), ("everywhere-for-ever", 0)):
        primary = key(VIRGINIA, name, multi_region=True, rotates=rotates)
        replica = backend("kms", VIRGINIA).replicate_key(primary.id, FRANKFURT)
        replica.multi_region_configuration = {**primary.multi_region_configuration, "MultiRegionKeyType": "REPLICA"}
    # Policies.
    for name, document in traps(["kms:Decrypt", "kms:CreateGrant"], "*", KEY["usable"]).items():
        key(VIRGINIA, name, document, rotates=365)
    everybody = lambda condition=None, actions="kms:*": policy(allow("*", actions, condition=condition))
    key(VIRGINIA, "open-via-service", everybody({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}), rotates=365)
    key(VIRGINIA, "open-in-context", everybody({"StringEquals": {"kms:EncryptionContext:app": "shop"}}, "kms:Decrypt"), rotates=365)
    key(VIRGINIA, "open-to-grants", everybody({"Bool": {"kms:GrantIsForAWSResource": "true"}}, "kms:CreateGrant"), rotates=365)
    key(VIRGINIA, "open-description", everybody(actions="kms:DescribeKey"), rotates=365)
    key(VIRGINIA, "open-but-disabled", everybody(), state="Disabled")
    key(VIRGINIA, "shut-caller-account", everybody({"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "s3.us-east-1.amazonaws.com"}}), rotates=365)
    key(VIRGINIA, "shut-admin", everybody(actions=["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]), rotates=365)  # which nobody can call across accounts
    key(FRANKFURT, "open-backup", everybody(), rotates=365)
    # Keys of another account: with a policy that lets this one in, usable and not, and without.
    for name, reader in (("partner", ACCOUNT), ("partner-disabled", ACCOUNT), ("partner-closed", PARTNER)):
        document = policy(allow({"AWS": reader}, "kms:*"))
        key(VIRGINIA, name, document, account=PARTNER, state="Disabled" if name == "partner-disabled" else "Enabled")
