"""Functions of Lambda."""
import json
from urllib.parse import unquote

from moto.awslambda import urls
from moto.awslambda.exceptions import UnknownPolicyException
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse

from common import *

# By region, function and qualifier, "" for the function itself.
POLICIES, URLS, FAILURE = {}, {}, {}
ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-oracle0001"}}


def like_aws():
    """Lambda tells the dead-letter queue of a function and the master of a replica, and has lists of URLs. moto reads
    policies its own way: here they are kept as they are written. Lists have pages, here of two."""
    known = LambdaFunction.get_configuration

    def get_configuration(self, on_create=False):
        config = known(self, on_create)
        if target := getattr(self, "dead_letters", ""):
            config["DeadLetterConfig"] = {"TargetArn": target}
        if master := getattr(self, "master", ""):
            config["MasterArn"] = master
        return config

    def name_of(self):
        return unquote(self.path.split("/functions/")[1].split("/")[0])

    def get_policy(self):
        place = (self.region, name_of(self), self.querystring.get("Qualifier", [""])[0])
        if place not in POLICIES:
            raise UnknownPolicyException()
        return json.dumps({"Policy": POLICIES[place], "RevisionId": "1"})

    def listed(self, name, all):
        start = int(self.querystring.get("Marker", ["0"])[0])
        return json.dumps({name: all[start:start + 2], **({"NextMarker": str(start + 2)} if start + 2 < len(all) else {})})

    def arn(self, qualifier):
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{name_of(self)}" + (qualifier and ":" + qualifier)

    def list_function_url_configs(self):
        mine = [(q, auth) for (region, name, q), auth in URLS.items() if (region, name) == (self.region, name_of(self))]
        return listed(self, "FunctionUrlConfigs", [{
            "FunctionUrl": f"https://{name_of(self)}{q}.lambda-url.{self.region}.on.aws/", "FunctionArn": arn(self, q), "AuthType": auth, "InvokeMode": "BUFFERED",
            "CreationTime": "2026-01-01T00:00:00Z", "LastModifiedTime": "2026-01-01T00:00:00Z"} for q, auth in mine])

    def list_function_event_invoke_configs(self):
        mine = [(q, to) for (region, name, q), to in FAILURE.items() if (region, name) == (self.region, name_of(self))]
        return listed(self, "FunctionEventInvokeConfigs", [{
            "FunctionArn": arn(self, q or "$LATEST"), "LastModified": 1767225600.0, "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": to}} if to else {}} for q, to in mine])

    LambdaFunction.get_configuration, LambdaResponse.get_policy = get_configuration, get_policy
    LambdaResponse.list_function_url_configs, LambdaResponse.list_function_event_invoke_configs = list_function_url_configs, list_function_event_invoke_configs
    urls.url_paths[r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$"] = LambdaResponse.dispatch


def function(region, name, runtime="python3.13", tracing="Active", kind="Zip", dead_letters="", master="", layers=(), policy=""):
    client("lambda", region).create_function(
        FunctionName=name, Runtime=runtime, Role=f"arn:aws:iam::{ACCOUNT}:role/app", Handler="index.handler", Code={"ZipFile": b"oracle"}, TracingConfig={"Mode": tracing})
    f = backend("lambda", region).get_function(name)
    f.dead_letters, f.master = dead_letters, master
    f.layers = [{"Arn": a, "CodeSize": 1} for a in layers]
    if kind == "Image":
        f.package_type, f.run_time = kind, None
    if policy:
        POLICIES[region, name, ""] = policy
    return f


def alias(region, name, alias):
    version = client("lambda", region).publish_version(FunctionName=name)["Version"]
    client("lambda", region).create_alias(FunctionName=name, Name=alias, FunctionVersion=version)


def may(principal, name, condition=None, action="lambda:InvokeFunction", region=VIRGINIA):
    """A policy as AddPermission writes it."""
    return policy(allow(principal, action, f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}", condition))


def from_service(service, source):
    return {"principal": {"Service": service}, "condition": {"ArnLike": {"AWS:SourceArn": source}}}


def queue(name, region=VIRGINIA):
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"


RULE = f"arn:aws:events:{VIRGINIA}:{ACCOUNT}:rule/nightly"
TOPIC = f"arn:aws:sns:{VIRGINIA}:{ACCOUNT}:ops"


def seed():
    # Runtimes and tracing.
    function(VIRGINIA, "current")
    function(VIRGINIA, "untraced", tracing="PassThrough")
    function(VIRGINIA, "python-37", runtime="python3.7")
    function(VIRGINIA, "node-12", runtime="nodejs12.x", tracing="PassThrough")
    function(VIRGINIA, "go", runtime="go1.x")
    function(VIRGINIA, "own-runtime", runtime="provided.al2023")
    function(VIRGINIA, "old-own-runtime", runtime="provided")
    function(VIRGINIA, "image", kind="Image")
    function(VIRGINIA, "replica", runtime="nodejs12.x", tracing="PassThrough", master=f"arn:aws:lambda:{VIRGINIA}:{ACCOUNT}:function:edge:1")
    function(VIRGINIA, "layered", tracing="PassThrough", layers=[f"arn:aws:lambda:{VIRGINIA}:184161586896:layer:opentelemetry-python-0_13_0:1"])
    function(VIRGINIA, "other-layer", tracing="PassThrough", layers=[f"arn:aws:lambda:{VIRGINIA}:{ACCOUNT}:layer:shop-common:4"])

    # Who may invoke them.
    def guarded(name, principal, condition=None, action="lambda:InvokeFunction"):
        function(VIRGINIA, name, policy=may(principal, name, condition, action))

    guarded("open-anyone", "*")
    guarded("open-anyone-aws", {"AWS": "*"}, action="lambda:*")
    guarded("open-any-source", "*", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}})
    guarded("open-url-type", "*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, action="lambda:*")
    guarded("shut-account", {"AWS": f"arn:aws:iam::{PARTNER}:root"})
    guarded("shut-organization", "*", ORG)
    guarded("shut-source-account", "*", {"StringEquals": {"AWS:SourceAccount": ACCOUNT}})
    guarded("deputy-gateway", {"Service": "apigateway.amazonaws.com"})
    guarded("deputy-any-account", {"Service": "apigateway.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:*:*:*"}})
    guarded("shut-gateway", **from_service("apigateway.amazonaws.com", f"arn:aws:execute-api:{VIRGINIA}:{ACCOUNT}:api1/*"))
    function(VIRGINIA, "open-alias")
    alias(VIRGINIA, "open-alias", "live")
    POLICIES[VIRGINIA, "open-alias", "live"] = may("*", "open-alias:live")
    function(VIRGINIA, "shut-alias")
    alias(VIRGINIA, "shut-alias", "live")
    POLICIES[VIRGINIA, "shut-alias", "live"] = may({"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"}, "shut-alias:live")

    # URLs. The grant of a URL is the business of the rule about URLs.
    public_url = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    via_url = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}

    def url(name, auth, qualifier="", *statements):
        function(VIRGINIA, name)
        if qualifier:
            alias(VIRGINIA, name, qualifier)
        URLS[VIRGINIA, name, qualifier] = auth
        if statements:
            resource = f"arn:aws:lambda:{VIRGINIA}:{ACCOUNT}:function:{name}" + (qualifier and ":" + qualifier)
            POLICIES[VIRGINIA, name, qualifier] = policy(*(allow(p, a, resource, c) for p, a, c in statements))

    both = (("*", "lambda:InvokeFunctionUrl", public_url), ("*", "lambda:InvokeFunction", via_url))
    url("url-open", "NONE", "", *both)
    url("url-open-alias", "NONE", "live", *both)
    url("url-none-without-permission", "NONE")
    url("url-none-for-one", "NONE", "", ({"AWS": f"arn:aws:iam::{PARTNER}:root"}, "lambda:InvokeFunctionUrl", public_url))
    url("url-iam", "AWS_IAM")
    url("url-iam-open-to-accounts", "AWS_IAM", "", ({"AWS": "*"}, "lambda:InvokeFunctionUrl", {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}))
    url("url-iam-alias", "AWS_IAM", "live")
    url("url-two", "AWS_IAM")
    alias(VIRGINIA, "url-two", "beta")
    URLS[VIRGINIA, "url-two", "beta"] = "NONE"
    POLICIES[VIRGINIA, "url-two", "beta"] = policy(*(allow(p, a, f"arn:aws:lambda:{VIRGINIA}:{ACCOUNT}:function:url-two:beta", c) for p, a, c in both))

    # Events that nobody waits for.
    def listening(name, service, source, region=VIRGINIA, **more):
        return function(region, name, policy=may({"Service": service}, name, {"ArnLike": {"AWS:SourceArn": source}}, region=region), **more)

    listening("async-lost", "events.amazonaws.com", RULE)
    listening("async-lost-sns", "sns.amazonaws.com", TOPIC)
    f = listening("async-lost-s3", "s3.amazonaws.com", "arn:aws:s3:::oracle-plain")
    POLICIES[VIRGINIA, "async-lost-s3", ""] = may({"Service": "s3.amazonaws.com"}, "async-lost-s3", {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::oracle-plain"}, "StringEquals": {"AWS:SourceAccount": ACCOUNT}})
    listening("async-dlq", "events.amazonaws.com", RULE, dead_letters=queue("lambda-dlq"))
    listening("async-dlq-topic", "events.amazonaws.com", RULE, dead_letters=TOPIC)
    listening("async-dlq-gone", "events.amazonaws.com", RULE, dead_letters=queue("never-was"))
    listening("async-destination", "sns.amazonaws.com", TOPIC)
    FAILURE[VIRGINIA, "async-destination", ""] = queue("lambda-dlq")
    listening("async-destination-gone", "sns.amazonaws.com", TOPIC)
    FAILURE[VIRGINIA, "async-destination-gone", ""] = queue("never-was")
    listening("async-retries-only", "sns.amazonaws.com", TOPIC)
    FAILURE[VIRGINIA, "async-retries-only", ""] = ""
    listening("sync-gateway", "elasticloadbalancing.amazonaws.com", f"arn:aws:elasticloadbalancing:{VIRGINIA}:{ACCOUNT}:targetgroup/app/0123456789abcdef")
    # The alias is invoked, of a version that was published with its dead-letter queue, or before there was one.
    for name, kept in (("async-alias-dlq", True), ("async-alias-before-dlq", False)):
        f = function(VIRGINIA, name, dead_letters=queue("lambda-dlq"))
        alias(VIRGINIA, name, "live")
        version = next(v for v in backend("lambda", VIRGINIA).list_versions_by_function(name) if str(v.version) == "1")
        version.dead_letters = queue("lambda-dlq") if kept else ""
        POLICIES[VIRGINIA, name, "live"] = may({"Service": "events.amazonaws.com"}, name + ":live", {"ArnLike": {"AWS:SourceArn": RULE}})

    function(FRANKFURT, "current")
    function(FRANKFURT, "python-27", runtime="python2.7")
    listening("async-dlq-elsewhere", "events.amazonaws.com", RULE.replace(VIRGINIA, FRANKFURT), region=FRANKFURT, dead_letters=queue("lambda-dlq"))
    function(SYDNEY, "untraced", tracing="PassThrough")
