#!/usr/bin/env python3
"""Writes managed.json: what AWS managed policies allow, of the services that rules read or may read one day.

Takes the documents from moto (pip install moto), which copies them from IAM with version and date. Run it by make managed.
"""
import fnmatch
import json

import moto
from moto.iam.aws_managed_policies import aws_managed_policies_data

POLICIES = ["SecurityAudit", "ViewOnlyAccess", "ReadOnlyAccess"]

# IAM prefixes. What a policy says of any other service is left out, and unknown to the scanner.
SERVICES = """
access-analyzer account acm acm-pca airflow amplify aoss apigateway application-autoscaling application-signals appstream appsync athena
autoscaling backup batch bedrock bedrock-agentcore budgets ce cloudformation cloudfront cloudtrail cloudwatch codeartifact codebuild
codecommit codedeploy codepipeline cognito-identity cognito-idp compute-optimizer config connect cost-optimization-hub datapipeline datasync
dax directconnect dlm dms drs ds dynamodb ec2 ecr ecs eks elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing
elasticmapreduce es events firehose fis fms fsx glacier globalaccelerator glue guardduty health iam inspector2 kafka kafkaconnect kinesis
kinesisvideo kms lambda lightsail logs macie2 memorydb mq network-firewall notifications oam organizations ram rds redshift
redshift-serverless resiliencehub resource-explorer-2 rolesanywhere route53 route53domains route53resolver s3 sagemaker scheduler schemas
secretsmanager securityhub servicecatalog servicequotas ses shield sns sqs ssm ssm-incidents sso states storagegateway sts support tag
transfer waf waf-regional wafv2 wellarchitected workspaces xray
""".split()


def patterns(statements):
    """Actions by service, without those that a wider one of the same policy covers."""
    by = {}
    for s in statements:
        for action in [s["Action"]] if isinstance(s["Action"], str) else s["Action"]:
            service, _, name = action.partition(":")
            if service.lower() in SERVICES:
                by.setdefault(service.lower(), set()).add(name)
    return {
        service: sorted(n for n in names if not any(m != n and fnmatch.fnmatchcase(n.lower(), m.lower()) for m in names))
        for service, names in sorted(by.items())
    }


def lines(by, indent):
    return ",\n".join(indent + json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in by.items())


def main():
    data = json.loads(aws_managed_policies_data)
    print('{\n "source": "the policy documents as IAM tells them, by way of moto %s",' % moto.__version__)
    print(' "services": %s,\n "policies": [' % json.dumps(SERVICES, separators=(",", ":")))
    for i, name in enumerate(POLICIES):
        p = data[name]
        whole, partly = [], []
        for s in p["Document"]["Statement"]:
            if s["Effect"] != "Allow" or "Action" not in s:
                raise SystemExit(name + " has a statement that is no list of allowed actions: teach the scanner about it first")
            (whole if s.get("Resource") == "*" and not s.get("Condition") else partly).append(s)
        print('  {"name": %s, "path": %s, "version": %s, "updated": %s,' % tuple(map(json.dumps, (name, p["Path"], p["DefaultVersionId"], p["UpdateDate"][:10]))))
        print('   "partly": {\n%s\n   },' % lines(patterns(partly), "    "))
        print('   "allow": {\n%s\n   }}%s' % (lines(patterns(whole), "    "), "," if i + 1 < len(POLICIES) else ""))
    print(" ]\n}")


main()
