"""Certificates of ACM."""
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto.acm.models import CertBundle

from common import *

KEYS = {
    "rsa2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa3072": rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
}


def like_aws():
    """ACM lists other key types than RSA up to 2048 bits only if asked for; a certificate that was never issued has no
    validity; one of ACM's own that is in use or was exported is eligible for renewal, and then may have a summary."""
    known, listed = CertBundle.describe, type(backend("acm", VIRGINIA)).list_certificates

    def describe(self):
        result = known(self)
        cert = result["Certificate"]
        if self.status in ("PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED"):
            for absent in ("NotBefore", "NotAfter", "IssuedAt", "Serial"):
                cert.pop(absent, None)
        used = self.in_use_by or self.cert_options["Export"] == "ENABLED"
        if self.type != "IMPORTED" and self.status == "ISSUED" and used:
            cert["RenewalEligibility"] = "ELIGIBLE"
        if renewal := getattr(self, "renewal", None):
            cert["RenewalSummary"] = {"RenewalStatus": renewal, "DomainValidationOptions": [], "UpdatedAt": NOW.timestamp()}
        for option in cert.get("DomainValidationOptions", []):
            option["ValidationMethod"] = getattr(self, "validation", "DNS")
        return result

    def list_certificates(self, statuses, includes):
        return listed(self, statuses, {"keyTypes": ["RSA_1024", "RSA_2048"], **(includes or {})})

    CertBundle.describe = describe
    type(backend("acm", VIRGINIA)).list_certificates = list_certificates


def issue(name, until, key):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(days=400)).not_valid_after(until)
    return builder.sign(key, hashes.SHA256())


def certificate(region, name, days, used=False, key="rsa2048", kind="IMPORTED", status="ISSUED", exported=False, **more):
    """A certificate that expires in some days. ACM imports none that has expired: a valid one is imported, and exchanged."""
    name += ".oracle.example"
    private = KEYS[key]
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    valid = issue(name, NOW + datetime.timedelta(days=500), private).public_bytes(serialization.Encoding.PEM)
    arn = client("acm", region).import_certificate(Certificate=valid, PrivateKey=pem)["CertificateArn"]
    cert = backend("acm", region)._certificates[arn]
    cert._cert, cert.type, cert.status = issue(name, NOW + datetime.timedelta(days=days), private), kind, status
    cert.cert_options = {**cert.cert_options, "Export": "ENABLED" if exported else "DISABLED"}
    if used:
        cert.in_use_by = [f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:loadbalancer/app/{name}/0123456789abcdef"]
    vars(cert).update(more)
    cert.check()


def seed():
    # Imported, at each step; half a day off, so that a slow run changes nothing.
    for name, days in (("expired", -3), ("days-5", 5.5), ("days-10", 10.5), ("days-40", 40.5), ("days-300", 300.5)):
        certificate(VIRGINIA, name, days)
        certificate(VIRGINIA, name + "-used", days, used=True)
    # Key types that ACM does not list unless they are asked for.
    certificate(VIRGINIA, "p256-days-10-used", 10.5, used=True, key="p256")
    certificate(VIRGINIA, "p384-expired-used", -3, used=True, key="p384")
    certificate(VIRGINIA, "p521-days-300-used", 300.5, used=True, key="p521")
    certificate(VIRGINIA, "rsa3072-days-5-used", 5.5, used=True, key="rsa3072")
    # Never issued, or no longer valid.
    own = {"kind": "AMAZON_ISSUED"}
    certificate(VIRGINIA, "pending", 300.5, status="PENDING_VALIDATION", **own)
    certificate(VIRGINIA, "timed-out", 300.5, status="VALIDATION_TIMED_OUT", **own)
    certificate(VIRGINIA, "failed", 300.5, status="FAILED", **own)
    certificate(VIRGINIA, "revoked", 300.5, status="REVOKED", **own)
    certificate(VIRGINIA, "revoked-used", 300.5, status="REVOKED", used=True, **own)
    # Of ACM itself: renewed if in use or exported, and if nobody has to answer a mail.
    certificate(VIRGINIA, "own-days-40", 40.5, **own)
    certificate(VIRGINIA, "own-days-40-used", 40.5, used=True, **own)
    certificate(VIRGINIA, "own-days-40-exported", 40.5, exported=True, **own)
    certificate(VIRGINIA, "own-days-40-http", 40.5, used=True, validation="HTTP", **own)
    certificate(VIRGINIA, "own-days-40-mail", 40.5, used=True, validation="EMAIL", renewal="PENDING_VALIDATION", **own)
    certificate(VIRGINIA, "own-days-40-mail-answered", 40.5, used=True, validation="EMAIL", renewal="SUCCESS", **own)
    certificate(VIRGINIA, "own-days-40-failed", 40.5, used=True, renewal="FAILED", **own)
    certificate(VIRGINIA, "own-days-40-asked", 40.5, used=True, renewal="PENDING_AUTO_RENEWAL", **own)
    certificate(VIRGINIA, "own-days-20-used", 20.5, used=True, **own)
    certificate(VIRGINIA, "own-expired-used", -3, used=True, **own)
    certificate(VIRGINIA, "private-days-40-used", 40.5, used=True, kind="PRIVATE", cert_authority_arn=f"arn:aws:acm-pca:{VIRGINIA}:{ACCOUNT}:certificate-authority/1")
    certificate(FRANKFURT, "days-10-used", 10.5, used=True)
    certificate(FRANKFURT, "own-days-40-used", 40.5, used=True, **own)
    certificate(SYDNEY, "days-300", 300.5)
