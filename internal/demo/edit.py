#!/usr/bin/env python3
"""Corrects a new recording, account/recorded.jsonl, where moto does not answer as AWS does.

usage: edit.py            (in this folder)

Every corrected exchange says in its member "edited" what was changed and why. The corrections are the same each time.
A correction that finds nothing to correct is an error, and so is a recording that has been corrected already.
"""

import json
import re
import sys

ACCOUNT = "111122223333"
PRODUCTION, BACKUP = "eu-central-1", "eu-west-1"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/SecurityAudit/demo"

corrections = []


def correct(op, why, if_=lambda e: True):
    """Registers a function that corrects the exchanges of an operation."""

    def register(function):
        corrections.append((op, why, if_, function))
        return function

    return register


def in_json(text):
    return lambda e: text in json.dumps(e.get("json"))


def in_body(text):
    return lambda e: text in e.get("body", "")


def in_params(text):
    return lambda e: text in e["params"]


def answer(e, status, body):
    """Replaces the answer of a JSON protocol."""
    e.pop("body", None)
    e.update(status=status, type="application/x-amz-json-1.1", json=body)


def denied(e, action, rest):
    message = f"User: {CALLER} is not authorized to perform: {action} {rest}"
    answer(e, 400, {"__type": "AccessDeniedException", "Message": message})


# Who is calling, and where.


@correct("sts:GetCallerIdentity", "the caller is a session of an audit role, not the emulator's user")
def caller(e):
    e["body"] = e["body"].replace("AKIAIOSFODNN7EXAMPLE", "AROAEXAMPLEEXAMPLE:demo")
    e["body"] = re.sub("<Arn>.*</Arn>", f"<Arn>{CALLER}</Arn>", e["body"])


@correct("account:ListRegions", "answered by hand, as moto lacks it: five regions, where AWS lists over thirty")
def list_regions(e):
    off, on = "DISABLED", "ENABLED_BY_DEFAULT"
    states = {"ap-southeast-4": off, PRODUCTION: on, BACKUP: on, "me-central-1": off, "us-east-1": on}
    answer(e, 200, {"Regions": [{"RegionName": r, "RegionOptStatus": s} for r, s in states.items()]})
    e["type"] = "application/json"


@correct("ec2:DescribeRegions", "")
def drop(e):
    """It is asked only if account:ListRegions does not answer."""
    e.clear()


# Denials.


@correct(
    "acm:ListCertificates",
    "denied: the policy of the role leaves out this region",
    lambda e: e["region"] == BACKUP,
)
def certificates_denied(e):
    denied(e, "acm:ListCertificates", "because no identity-based policy allows the acm:ListCertificates action")


# Certificates.

SUMMARY = (
    "CertificateArn DomainName SubjectAlternativeNameSummaries HasAdditionalSubjectAlternativeNames Status Type "
    "KeyAlgorithm KeyUsages ExtendedKeyUsages ExportOption InUse Exported RenewalEligibility NotBefore NotAfter "
    "CreatedAt IssuedAt ImportedAt"
).split()


def issued(cert):
    """Writes what both certificate operations have in common as ACM does."""
    cert["KeyAlgorithm"] = cert["KeyAlgorithm"].replace("_", "-")
    if cert["Type"] == "IMPORTED":
        cert["CreatedAt"] = cert["ImportedAt"]
    if cert["Status"] == "PENDING_VALIDATION":
        for member in "NotBefore", "NotAfter", "IssuedAt":
            del cert[member]


@correct(
    "acm:ListCertificates",
    "a summary has other members than a description, key algorithms are spelled with a hyphen, "
    "and a pending certificate has no validity period",
    in_json("CertificateArn"),
)
def summaries(e):
    for i, cert in enumerate(e["json"]["CertificateSummaryList"]):
        issued(cert)
        pending = cert["Status"] == "PENDING_VALIDATION"
        cert["SubjectAlternativeNameSummaries"] = cert["SubjectAlternativeNames"]
        cert["HasAdditionalSubjectAlternativeNames"] = False
        cert["KeyUsages"] = [] if pending else ["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]
        cert["ExtendedKeyUsages"] = [] if pending else ["TLS_WEB_SERVER_AUTHENTICATION"]
        if cert["Type"] == "AMAZON_ISSUED":
            cert["ExportOption"] = cert["Options"]["Export"]
        else:
            del cert["Exported"]
        e["json"]["CertificateSummaryList"][i] = {m: cert[m] for m in SUMMARY if m in cert}


@correct("acm:DescribeCertificate", "moto knows no renewal, no key usages and no serial number as ACM writes it")
def description(e):
    cert = e["json"]["Certificate"]
    issued(cert)
    number = cert["CertificateArn"].rsplit("/")[1].replace("-", "")
    cert["Serial"] = ":".join(re.findall("..", number))
    cert["KeyUsages"] = [{"Name": "DIGITAL_SIGNATURE"}, {"Name": "KEY_ENCIPHERMENT"}]
    cert["ExtendedKeyUsages"] = [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}]
    if cert["Type"] == "IMPORTED":
        return
    state = "PENDING_AUTO_RENEWAL"
    domains = [dict(d) for d in cert["DomainValidationOptions"]]
    if cert["DomainName"] == "www.acme.example":  # somebody has removed the DNS record
        state = domains[0]["ValidationStatus"] = "PENDING_VALIDATION"
    due = cert["NotAfter"] - 45 * 86400
    cert["RenewalSummary"] = {"RenewalStatus": state, "DomainValidationOptions": domains, "UpdatedAt": due}


# CloudWatch Logs.


@correct("cloudwatchlogs:DescribeLogGroups", "moto knows no class, and writes a token of null after the last page")
def log_groups(e):
    del e["json"]["nextToken"]
    classes = {"/aws/lambda/image-resize": "DELIVERY", "/aws/codebuild/storefront": "INFREQUENT_ACCESS"}
    for group in e["json"]["logGroups"]:
        group["logGroupClass"] = classes.get(group["logGroupName"], "STANDARD")


# Parameters.

TOKEN = "AAEAAExampleOfTheSecondPage"


@correct("ssm:DescribeParameters", "moto knows neither ARN nor user", in_json("LastModifiedUser"))
def parameters(e):
    for p in e["json"]["Parameters"]:
        p["ARN"] = f"arn:aws:ssm:{e['region']}:{ACCOUNT}:parameter/{p['Name'].lstrip('/')}"
        p["LastModifiedUser"] = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployment/release"


@correct("ssm:DescribeParameters", "the token of the second page does not look like a number", in_json('"NextToken"'))
def first_page(e):
    e["json"]["NextToken"] = TOKEN


@correct("ssm:DescribeParameters", "the token of the second page does not look like a number", in_params('"NextToken"'))
def second_page(e):
    e["params"] = re.sub('"NextToken":"[^"]*"', f'"NextToken":"{TOKEN}"', e["params"])


# SQS.


@correct("sqs:GetQueueAttributes", "moto drops RedriveAllowPolicy", in_params("/returns-parking"))
def redrive_allow(e):
    source = f"arn:aws:sqs:{PRODUCTION}:{ACCOUNT}:returns"
    policy = {"redrivePermission": "byQueue", "sourceQueueArns": [source]}
    e["json"]["Attributes"]["RedriveAllowPolicy"] = json.dumps(policy, separators=(",", ":"))


# EC2.


@correct("ec2:DescribeInstances", "EC2 writes the time of a stop in GMT", in_body(" UTC)"))
def stop_times(e):
    e["body"] = e["body"].replace(" UTC)</reason>", " GMT)</reason>")


@correct(
    "ec2:DescribeInstances",
    "EC2 leaves out what does not exist: the reason of a state, a public address, hibernation",
    in_body("<instanceId>"),
)
def empty_elements(e):
    for nothing in "<stateReason><code/><message/></stateReason>", "<association/>", "<hibernationOptions/>":
        e["body"] = e["body"].replace(nothing, "")


def change(e, name, old, new):
    """Replaces text in what the answer says about an instance."""
    parts = e["body"].split("<reservationId>")
    i = next(i for i, part in enumerate(parts) if f"<key>Name</key><value>{name}</value>" in part)
    if old not in parts[i]:
        sys.exit(f"{old} is not there in the answer about {name}: has moto changed?")
    e["body"] = "<reservationId>".join([*parts[:i], parts[i].replace(old, new), *parts[i + 1 :]])


@correct(
    "ec2:DescribeInstances",
    "moto has no defaults of the account for metadata: the newer instances require IMDSv2",
    in_body("<value>storefront</value>"),
)
def metadata_options(e):
    parts = e["body"].split("<reservationId>")
    for i, part in enumerate(parts):
        if re.search("<value>(storefront|load-test|auto-node)</value>", part):
            parts[i] = part.replace("<httpTokens>optional<", "<httpTokens>required<")
    e["body"] = "<reservationId>".join(parts)


OPERATOR = "<operator><managed>true</managed><principal>eks.amazonaws.com</principal></operator>"


@correct(
    "ec2:DescribeInstances",
    "moto associates no addresses and no roles at launch, and knows no instances that a service manages",
    in_body("<value>mail-relay</value>"),
)
def roles_and_services(e):
    profile = f"<arn>arn:aws:iam::{ACCOUNT}:instance-profile/mail-relay</arn><id>AIPAEXAMPLEEXAMPLE</id>"
    more = f"<iamInstanceProfile>{profile}</iamInstanceProfile><ipAddress>203.0.113.25</ipAddress>"
    change(e, "mail-relay", "<placement>", more + "<placement>")
    change(e, "mail-relay", "<groupName>default</groupName>", "<groupName>mail-relay</groupName>")
    group = re.search("<groupId>(sg-[0-9a-f]+)</groupId>", e["body"])[1]
    change(e, "mail-relay", group, "sg-0c7d1e9b24f86a350")
    change(e, "auto-node", "<placement>", OPERATOR + "<placement>")


@correct("ec2:DescribeVolumes", "moto knows no volumes that a service manages", in_body("<value>auto-node-root</value>"))
def volumes_of_services(e):
    tag = "<value>auto-node-root</value></item></tagSet>"
    if tag not in e["body"]:
        sys.exit("the tags of auto-node-root are elsewhere: has moto changed?")
    e["body"] = e["body"].replace(tag, tag + OPERATOR)


# All JSON protocols.


@correct("", "Content-Type of the protocol", lambda e: e.get("type", "").startswith("text/html"))
def content_type(e):
    e["type"] = "application/x-amz-json-1.1"


def main():
    exchanges = [json.loads(line) for line in open("account/recorded.jsonl", encoding="utf-8")]
    if any("edited" in e for e in exchanges):
        sys.exit("account/recorded.jsonl is corrected already: record it anew first")
    edited = [[] for _ in exchanges]
    for op, why, if_, function in corrections:
        found = [i for i, e in enumerate(exchanges) if e and op in ("", e["op"]) and if_(e)]
        if not found:
            sys.exit(f"{function.__name__} of {op or 'all operations'} finds nothing to correct: has moto changed?")
        for i in found:
            function(exchanges[i])
            edited[i].append(why)
    lines = []
    for e, reasons in zip(exchanges, edited):
        if reasons:
            e["edited"] = "; ".join(reasons)
        if "op" in e:
            lines.append((e["op"], e["region"], e["params"], json.dumps(e, ensure_ascii=False, separators=(",", ":"))))
    with open("account/recorded.jsonl", "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for *_, line in sorted(lines))


if __name__ == "__main__":
    main()
