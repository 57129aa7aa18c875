"""Secrets of Secrets Manager."""
from moto.secretsmanager.models import SecretsManagerBackend

from common import *


def like_aws():
    """Lists have pages, here of three."""
    known = SecretsManagerBackend.list_secrets

    def list_secrets(self, max_results=None, **rest):
        return known(self, max_results=min(max_results or 3, 3), **rest)

    SecretsManagerBackend.list_secrets = list_secrets


def secret(region, name, rotates=False, **attributes):
    client("secretsmanager", region).create_secret(Name=name, SecretString=SECRET)
    s = backend("secretsmanager", region).secrets[name]
    s.rotation_requested = s.rotation_enabled = rotates
    vars(s).update(attributes)
    return s


def seed():
    sm = client("secretsmanager", VIRGINIA)
    secret(VIRGINIA, "shop/rotating", rotates=True)
    secret(VIRGINIA, "shop/static")
    secret(VIRGINIA, "shop/deleted")
    sm.delete_secret(SecretId="shop/deleted", RecoveryWindowInDays=7)
    backend("secretsmanager", VIRGINIA).create_managed_secret("rds", "rds!db-0001", SECRET)
    secret(VIRGINIA, "shop/everywhere", rotates=True)
    sm.replicate_secret_to_regions(SecretId="shop/everywhere", AddReplicaRegions=[{"Region": FRANKFURT}])
    secret(FRANKFURT, "shop/static")
    secret(SYDNEY, "shop/rotating", rotates=True)
