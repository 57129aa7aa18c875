"""Parameters of Systems Manager."""
from moto.ssm.models import Parameter

from common import *
from keys import KEY


def parameter(region, name, kind="String", **more):
    client("ssm", region).put_parameter(Name=name, Type=kind, Value=SECRET, **more)


def seed():
    # Names that mean a secret, however they are spelled.
    for name in ("dbPassword", "/shop/db_password", "/shop/DB-PASSWD", "/shop/apiKey", "/shop/api-key", "/shop/APIKEY", "/mail/smtp.pwd",
                 "/shop/clientSecret", "/git/PrivateKey", "/shop/dbPassword2", "/etl/ConnectionString", "/shop/credentials", "/net/subnet-secret"):
        parameter(VIRGINIA, name)
    # Words that may mean one.
    for name in ("/shop/auth", "/shop/oauthURL/OAuthToken", "/web/cert", "/errors/dsn", "/net/private/dns"):
        parameter(VIRGINIA, name)
    # Names that only look like it.
    for name in ("/app/author-email", "/cdn/certificate-arn", "/bypass/enabled", "/shop/passenger-limit", "/shop/secret-arn", "/shop/db-password-url",
                 "/shop/tokenizer", "/team/secretary", "/shop/compass", "/auth/client-id", "/shop/password-reset-email", "/shop/db-host"):
        parameter(VIRGINIA, name)
    parameter(VIRGINIA, "/network/private-subnet-ids", "StringList")
    parameter(VIRGINIA, "/network/private-subnets", "StringList")
    parameter(VIRGINIA, "/shop/passwords-old", "StringList")  # "passwords" is none of the words
    parameter(VIRGINIA, "/shop/old-password", "StringList")
    parameter(VIRGINIA, "/shop/colour", Description="Colour of the basket")
    parameter(VIRGINIA, "/shop/legacy", Description="The admin password of the legacy shop")
    # Not a matter of taste: these types are demanded, or the parameters belong to tools.
    parameter(VIRGINIA, "/images/golden-password", DataType="aws:ec2:image")
    parameter(VIRGINIA, "/cdk-bootstrap/hnb659fds/version")
    backend("ssm", VIRGINIA)._parameters["/aws/ecs/agent-password"].append(
        Parameter(ACCOUNT, "/aws/ecs/agent-password", SECRET, "String", None, None, None, NOW, 1, "text"))  # only AWS itself may use the prefix
    # Encrypted, by keys named in all ways.
    secure = {"aws": None, "aws-alias": "alias/aws/ssm", "usable": KEY["usable"], "usable-id": KEY["usable"].split("/")[1], "usable-alias": "alias/shop/usable",
              "usable-alias-arn": f"arn:aws:kms:{VIRGINIA}:{ACCOUNT}:alias/shop/usable", "disabled": KEY["disabled"], "disabled-alias": "alias/shop/disabled",
              "deleting": KEY["deleting"], "gone": KEY["gone"], "gone-alias": "alias/shop/gone", "partner-closed": KEY["partner-closed"]}
    for name, ref in secure.items():
        parameter(VIRGINIA, "/secure/" + name, "SecureString", **({"KeyId": ref} if ref else {}))
    parameter(FRANKFURT, "/shop/db-password")
    parameter(FRANKFURT, "/secure/frankfurt", "SecureString", KeyId=KEY["frankfurt"])
    parameter(FRANKFURT, "/secure/usable-alias", "SecureString", KeyId="alias/shop/usable")  # an alias of another region
    parameter(SYDNEY, "/shop/db-host")
    parameter(CAPE, "/shop/db-password")
