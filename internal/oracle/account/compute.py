"""Instances, volumes, snapshots and images of EC2, and Auto Scaling groups."""
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import Volume, VolumeAttachment
from moto.ec2.responses import EC2Response

from common import *


def like_aws():
    """EC2 shows every instance that a multi-attach volume is on; moto keeps one. It also tells whether snapshots may be public."""
    def get_snapshot_block_public_access_state(self):
        return ActionResult({"State": {FRANKFURT: "block-all-sharing", SYDNEY: "block-new-sharing"}.get(self.region, "unblocked")})

    EC2Response.get_snapshot_block_public_access_state = get_snapshot_block_public_access_state
    Volume.attachments = property(lambda self: ([self.attachment] if self.attachment else []) + getattr(self, "more_attachments", []))


def instance(region, root, stopped="", launched=200, volume_days=200, tags=None, state="stopped", code="Client.UserInitiatedShutdown"):
    """An instance with a root volume of that name. Stopped is the text in which EC2 tells the time of its last stop."""
    made = client("ec2", region).run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType="t3.micro")
    i = backend("ec2", region).get_instance(made["Instances"][0]["InstanceId"])
    if state != "running":
        client("ec2", region).stop_instances(InstanceIds=[i.id])
        i._state.name, i._reason = state, stopped
        i.state_reason.code = code
    i.launch_time = ago(launched)
    i.add_tags({"Name": root, **(tags or {})})
    v = next(v for v in backend("ec2", region).volumes.values() if v.attachment and v.attachment.instance is i)
    v.create_time = ago(volume_days)
    v.add_tags({"Name": root})
    return i


def volume(region, name, *instances, kind="gp3", state="attached", days=200, **more):
    v = backend("ec2", region).create_volume(size=100, zone_name=region + "a", volume_type=kind, **more)
    v.add_tags({"Name": name})
    v.create_time = ago(days)
    attached = [VolumeAttachment(v, i, f"/dev/sd{'fghij'[n]}", state) for n, i in enumerate(instances)]
    v.attachment, v.more_attachments = (attached or [None])[0], attached[1:]


def stopped_ones():
    def at(days, zone="GMT"):
        return ago(days).strftime(f"User initiated (%Y-%m-%d %H:%M:%S {zone})")

    old = instance(VIRGINIA, "stopped-95", at(95))
    volume(VIRGINIA, "stopped-95-data", old)
    volume(VIRGINIA, "stopped-95-detaching", old, state="detaching")
    volume(VIRGINIA, "stopped-95-new-volume", old, days=2)  # how old the volume is tells nothing
    instance(VIRGINIA, "stopped-95-utc", at(95, "UTC"))  # as moto writes it
    instance(VIRGINIA, "stopped-31", at(31))
    instance(VIRGINIA, "stopped-29", at(29))
    recent = instance(VIRGINIA, "stopped-5", at(5))
    hibernated = instance(VIRGINIA, "hibernated-95", at(95), code="Client.UserInitiatedHibernate")
    # EC2 leaves out the time of some stops. Then the last start is a bound, and the age of the volume another.
    unknown = instance(VIRGINIA, "reason-empty")
    instance(VIRGINIA, "reason-without-time", "Server.SpotInstanceShutdown: Spot instance shutdown", code="Server.SpotInstanceShutdown")
    instance(VIRGINIA, "reason-empty-started-lately", launched=10)
    instance(VIRGINIA, "reason-empty-new-volume", volume_days=10)
    # Instances that are not stopped, or are so by design.
    running = instance(VIRGINIA, "running", state="running")
    instance(VIRGINIA, "stopping", at(95), state="stopping")
    instance(VIRGINIA, "warm-pool", at(95), tags={"aws:autoscaling:groupName": "web"})
    instance(VIRGINIA, "kept", at(95), tags={"keep": "until-2030"})
    volume(VIRGINIA, "unattached")
    # A volume on several instances is idle only if none of them runs, and only since the last one was stopped.
    several = {"kind": "io2", "iops": 1000, "multi_attach_enabled": True}
    volume(VIRGINIA, "multi-all-stopped", old, hibernated, **several)
    volume(VIRGINIA, "multi-one-running", old, running, **several)
    volume(VIRGINIA, "multi-one-recent", old, recent, **several)
    volume(VIRGINIA, "multi-one-unknown", old, unknown, **several)

    instance(FRANKFURT, "berlin", at(200))
    volume(SYDNEY, "spare")


def run(region, name, type="m7g.large", tokens="required", endpoint="enabled", profile=False, public=False, state="running", tenancy=""):
    """An instance with an encrypted root volume of its name."""
    more = {"IamInstanceProfile": {"Name": "app"}} if profile else {}
    if tenancy:
        more["Placement"] = {"Tenancy": tenancy}
    made = client("ec2", region).run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType=type, MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": endpoint}, **more)
    i = backend("ec2", region).get_instance(made["Instances"][0]["InstanceId"])
    i.add_tags({"Name": name})
    v = next(v for v in backend("ec2", region).volumes.values() if v.attachment and v.attachment.instance is i)
    v.add_tags({"Name": name})
    v.encrypted, v.volume_type, v.kms_key_id = True, "gp3", backend("ec2", region)._create_default_encryption_key()
    if not public:
        no_public_address(i)
    if state == "stopped":
        client("ec2", region).stop_instances(InstanceIds=[i.id])
        i._reason = ago(3).strftime("User initiated (%Y-%m-%d %H:%M:%S GMT)")
    if state == "terminated":
        client("ec2", region).terminate_instances(InstanceIds=[i.id])
    if tenancy:
        i.placement.tenancy = tenancy
    return i


def no_public_address(i):
    for n in i.nics.values():
        n.public_ip, n.public_ip_auto_assign = None, False


def instances():
    client("iam").create_instance_profile(InstanceProfileName="app")
    run(VIRGINIA, "v2-only")
    run(VIRGINIA, "v1-optional", tokens="optional")
    run(VIRGINIA, "v1-with-role", tokens="optional", profile=True)
    run(VIRGINIA, "v1-public", tokens="optional", public=True)
    run(VIRGINIA, "v1-with-role-stopped", tokens="optional", profile=True, state="stopped")
    run(VIRGINIA, "v1-terminated", tokens="optional", type="m4.large", state="terminated")
    run(VIRGINIA, "no-metadata", tokens="optional", endpoint="disabled", profile=True)
    run(VIRGINIA, "old-t2", type="t2.micro")
    run(VIRGINIA, "old-m4", type="m4.large")
    run(VIRGINIA, "old-m4-on-host", type="m4.large", tenancy="host")
    run(VIRGINIA, "new-m5", type="m5.large")
    run(FRANKFURT, "v1", tokens="optional")
    run(FRANKFURT, "old-c4", type="c4.large")
    run(SYDNEY, "v2-only")


def more_volumes():
    def v(name, kind="gp3", days=200, **more):
        volume(VIRGINIA, name, kind=kind, days=days, **{"encrypted": True, **more})

    v("loose")
    v("loose-new", days=3)
    v("loose-week", days=7.5)
    v("loose-plain", encrypted=False)
    v("gp2", kind="gp2")
    v("magnetic", kind="standard")
    v("io1", kind="io1", iops=100)
    v("st1", kind="st1")
    volume(FRANKFURT, "gp2", kind="gp2", encrypted=True)
    volume(CAPE, "loose", encrypted=False)


def snapshot(region, name, volume_id, *shared, account=ACCOUNT):
    s = backend("ec2", region, account).create_snapshot(volume_id, name)
    s.add_tags({"Name": name})
    for who in shared:
        (s.create_volume_permission_groups if who == "all" else s.create_volume_permission_userids).add(who)
    return s


def snapshots():
    for region in REGIONS[:3]:
        v = backend("ec2", region).create_volume(size=10, zone_name=region + "a", volume_type="gp3", encrypted=True)
        v.add_tags({"Name": "source"})
        snapshot(region, "private", v.id)
        snapshot(region, "public", v.id, "all")
    source = next(v.id for v in backend("ec2", VIRGINIA).volumes.values() if {t["key"]: t["value"] for t in v.get_tags()}.get("Name") == "source")
    snapshot(VIRGINIA, "partner", source, PARTNER)
    snapshot(VIRGINIA, "public-and-partner", source, PARTNER, "all")
    snapshot(VIRGINIA, "broken", source, "all").status = "error"
    # Of somebody else, but for everybody: nothing of the account's.
    v = backend("ec2", VIRGINIA, PARTNER).create_volume(size=10, zone_name=VIRGINIA + "a", volume_type="gp3")
    snapshot(VIRGINIA, "foreign", v.id, "all", account=PARTNER)


def image(region, name, *shared, account=ACCOUNT):
    made = backend("ec2", region, account).register_image(name, "oracle")
    i = backend("ec2", region, account).amis[made.id]
    for s in backend("ec2", region, account).snapshots.values():
        if s.description and i.id in s.description:
            s.add_tags({"Name": "of-" + name})
    for who in shared:
        i.launch_permissions.append({"Group": "all"} if who == "all" else {"UserId": who})
    return i


def images():
    image(VIRGINIA, "golden")
    image(VIRGINIA, "golden-partner", PARTNER)
    image(VIRGINIA, "golden-public", "all")
    image(VIRGINIA, "golden-public-disabled", "all").state = "disabled"
    image(VIRGINIA, "golden-public-failed", "all").state = "failed"
    image(FRANKFURT, "golden-public", PARTNER, "all")
    image(VIRGINIA, "foreign", "all", account=PARTNER)


def auto_scaling():
    def g(region, name, zones, most, status=""):
        asg = client("autoscaling", region)
        if not asg.describe_launch_configurations()["LaunchConfigurations"]:
            asg.create_launch_configuration(LaunchConfigurationName="app", ImageId="ami-0123456789abcdef0", InstanceType="m7g.large")
        asg.create_auto_scaling_group(AutoScalingGroupName=name, LaunchConfigurationName="app", MinSize=0, MaxSize=most, DesiredCapacity=0, AvailabilityZones=[region + z for z in zones])
        if status:
            backend("autoscaling", region).autoscaling_groups[name].status = status

    g(VIRGINIA, "wide", "abc", 6)
    g(VIRGINIA, "two", "ab", 2)
    g(VIRGINIA, "narrow", "a", 6)
    g(VIRGINIA, "narrow-single", "a", 1)
    g(VIRGINIA, "off", "a", 0)
    g(VIRGINIA, "narrow-deleting", "a", 6, "Delete in progress")
    g(FRANKFURT, "narrow", "b", 2)
    g(SYDNEY, "two", "ab", 2)


def seed():
    stopped_ones()
    instances()
    more_volumes()
    snapshots()
    images()
    auto_scaling()
