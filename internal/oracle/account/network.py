"""Networks of EC2: groups, subnets, VPCs, addresses and load balancers."""
from moto.ec2.models.availability_zones_and_regions import Region, RegionsAndZonesBackend
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.subnets import Subnet

from common import *


def like_aws():
    """Each region has a default VPC, whose default group lets its members in; moto's has no such rule: see default_vpcs.
    Of addresses EC2 tells the pool. How many are left in a subnet moto counts, here it is said. An account sees the
    regions of its partition, of which some have to be switched on, and moto all there are."""
    seen = [Region(r, f"ec2.{r}.amazonaws.com", "opted-in" if r == CAPE else "opt-in-not-required") for r in sorted(REGIONS)]
    seen.append(Region("me-south-1", "ec2.me-south-1.amazonaws.com", "not-opted-in"))
    RegionsAndZonesBackend.describe_regions = lambda self, names=None: [r for r in seen if not names or r.name in names]
    counted = Subnet.available_ip_address_count.fget
    Subnet.available_ip_address_count = property(lambda self: 0 if self.ipv6_native else getattr(self, "free", None) or counted(self))
    ElasticAddress.public_ipv4_pool = property(lambda self: getattr(self, "pool", "amazon"))


def name_it(region, resource, name):
    client("ec2", region).create_tags(Resources=[resource], Tags=[{"Key": "Name", "Value": name}])


def vpc(region, name, cidr):
    """A VPC without the rules of its default group, which is closed, unless it is opened: see default_group."""
    made = client("ec2", region).create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    name_it(region, made, name)
    group = default_group(region, made)
    for p in group["IpPermissions"]:
        client("ec2", region).revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[p])
    for p in group["IpPermissionsEgress"]:
        client("ec2", region).revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=[p])
    call_it(group["GroupId"], "default of " + name)
    return made


def default_group(region, vpc):
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return client("ec2", region).describe_security_groups(Filters=filters)["SecurityGroups"][0]


def subnet(region, vpc, name, cidr, zone="a", free=None):
    made = client("ec2", region).create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=region + zone)["Subnet"]["SubnetId"]
    name_it(region, made, name)
    if free is not None:
        backend("ec2", region).get_subnet(made).free = free
    return made


def interface(region, subnet, name, groups, public=False, **more):
    made = client("ec2", region).create_network_interface(SubnetId=subnet, Groups=groups)["NetworkInterface"]["NetworkInterfaceId"]
    n = backend("ec2", region).enis[made]
    vars(n).update(more)
    return made


def tcp(low, high=None, v4=(), v6=(), lists=(), groups=(), protocol="tcp"):
    ports = {} if protocol == "-1" else {"FromPort": low, "ToPort": low if high is None else high}
    return {"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": c} for c in v4], "Ipv6Ranges": [{"CidrIpv6": c} for c in v6],
            "PrefixListIds": [{"PrefixListId": p} for p in lists], "UserIdGroupPairs": [{"GroupId": g} for g in groups]}


def group(region, vpc, name, *rules):
    made = client("ec2", region).create_security_group(GroupName=name, Description="oracle", VpcId=vpc)["GroupId"]
    if rules:
        client("ec2", region).authorize_security_group_ingress(GroupId=made, IpPermissions=list(rules))
    return made


def prefix_list(region, name, *cidrs):
    return client("ec2", region).create_managed_prefix_list(PrefixListName=name, MaxEntries=10, AddressFamily="IPv6" if ":" in cidrs[0] else "IPv4", Entries=[{"Cidr": c} for c in cidrs])["PrefixList"]["PrefixListId"]


INTERNET, OFFICE = ["0.0.0.0/0"], ["203.0.113.0/24"]


def groups(shop, subnet_id):
    def g(name, *rules):
        return group(VIRGINIA, shop, name, *rules)

    g("ssh-open", tcp(22, v4=INTERNET))
    used = g("ssh-open-used", tcp(22, v4=INTERNET))
    g("ssh-open-second-rule", tcp(443, v4=INTERNET), tcp(22, v4=OFFICE + INTERNET))
    g("ssh-open-ipv6", tcp(22, v6=["::/0"]))
    g("ssh-open-halves", tcp(22, v4=["0.0.0.0/1", "128.0.0.0/1"]))
    g("ssh-open-halves-ipv6", tcp(22, v6=["::/1", "8000::/1"]))
    g("ssh-open-quarters", tcp(20, 22, v4=["0.0.0.0/2", "64.0.0.0/2"]), tcp(22, 30, v4=["128.0.0.0/1"]))
    g("ssh-open-range", tcp(20, 25, v4=INTERNET))
    g("rdp-open", tcp(3389, v4=INTERNET))
    g("rdp-open-udp", tcp(3389, v4=INTERNET, protocol="udp"))
    g("high-ports-open", tcp(1024, 65535, v4=INTERNET))  # RDP is among them
    g("ssh-list-open", tcp(22, lists=[prefix_list(VIRGINIA, "everywhere", "0.0.0.0/0")]))
    g("ssh-list-open-ipv6", tcp(22, lists=[prefix_list(VIRGINIA, "everywhere-6", "::/0")]))
    g("ssh-list-open-halves", tcp(22, v4=["0.0.0.0/1"], lists=[prefix_list(VIRGINIA, "upper-half", "128.0.0.0/1")]))
    g("ssh-list-office", tcp(22, lists=[prefix_list(VIRGINIA, "office", *OFFICE)]))
    g("ssh-office", tcp(22, v4=OFFICE, v6=["2001:db8::/32"]))
    g("ssh-inside", tcp(22, v4=["10.0.0.0/8"]))
    g("ssh-half", tcp(22, v4=["128.0.0.0/1"]))
    g("ssh-group", tcp(22, groups=[used]))
    g("udp-22-open", tcp(22, v4=INTERNET, protocol="udp"))
    g("https-open", tcp(443, v4=INTERNET, v6=["::/0"]))
    g("ping-open", tcp(-1, v4=INTERNET, protocol="icmp"))
    g("esp-open", tcp(-1, v4=INTERNET, protocol="50"))
    g("all-tcp-open", tcp(0, 65535, v4=INTERNET))
    g("all-tcp-open-from-1", tcp(1, 65535, v4=INTERNET))
    g("all-tcp-open-halves", tcp(0, 32767, v4=INTERNET), tcp(32768, 65535, v4=INTERNET))
    g("all-udp-open", tcp(0, 65535, v6=["::/0"], protocol="udp"))
    g("all-open", tcp(0, v4=INTERNET, protocol="-1"))
    used_all = g("all-open-used", tcp(0, v4=INTERNET, protocol="-1"))
    used_public = g("all-open-used-public", tcp(0, v4=["0.0.0.0/1", "128.0.0.0/1"], protocol="-1"))
    g("all-list-open", tcp(0, lists=[prefix_list(VIRGINIA, "everywhere-again", "0.0.0.0/0")], protocol="-1"))
    g("all-office", tcp(0, v4=OFFICE, protocol="-1"))
    g("all-inside", tcp(0, groups=[used], protocol="-1"))
    g("closed")
    interface(VIRGINIA, subnet_id, "with-ssh", [used])
    interface(VIRGINIA, subnet_id, "with-all", [used_all])
    address = client("ec2").allocate_address(Domain="vpc")["AllocationId"]
    name_it(VIRGINIA, address, "of-interface")
    public = interface(VIRGINIA, subnet_id, "with-all-public", [used_public])
    client("ec2").associate_address(AllocationId=address, NetworkInterfaceId=public)
    backend("ec2", VIRGINIA).enis[public].status = "in-use"


def flow_log(region, resource, traffic="ALL", kind="VPC", failed=False):
    made = client("ec2", region).create_flow_logs(ResourceIds=[resource], ResourceType=kind, TrafficType=traffic, LogDestinationType="s3", LogDestination="arn:aws:s3:::oracle-" + ("trails" if traffic == "ALL" else "plain"))
    assert not made.get("Unsuccessful"), made
    if failed:
        f = backend("ec2", region).flow_logs[made["FlowLogIds"][0]]
        f.deliver_logs_status, f.deliver_logs_error_message = "FAILED", "Access error"


def recorded():
    """VPCs by the flow logs that they have. Those with an interface are in use."""
    def v(n, name, *zones):
        made = vpc(VIRGINIA, name, f"10.{n}.0.0/16")
        return made, [subnet(VIRGINIA, made, f"{name}-{z}", f"10.{n}.{i}.0/24", z) for i, z in enumerate(zones)]

    def use(made, subnet_id):
        return interface(VIRGINIA, subnet_id, "", [default_group(VIRGINIA, made)["GroupId"]])

    made, _ = v(10, "recorded-rejects")
    flow_log(VIRGINIA, made, "REJECT")
    made, s = v(11, "recorded-accepts", "a")
    flow_log(VIRGINIA, made, "ACCEPT")
    use(made, s[0])
    made, s = v(12, "recorded-by-subnets", "a", "b")
    for one in s:
        flow_log(VIRGINIA, one, kind="Subnet")
    use(made, s[0])
    made, s = v(13, "recorded-one-subnet", "a", "b")
    flow_log(VIRGINIA, s[0], kind="Subnet")
    use(made, s[1])
    made, s = v(14, "recorded-used-subnet", "a", "b")
    flow_log(VIRGINIA, s[0], kind="Subnet")
    use(made, s[0])
    made, s = v(15, "recorded-interfaces", "a")
    flow_log(VIRGINIA, use(made, s[0]), kind="NetworkInterface")
    made, s = v(16, "recorded-in-vain", "a")
    flow_log(VIRGINIA, made, failed=True)
    use(made, s[0])
    made, s = v(17, "recorded-twice", "a")
    flow_log(VIRGINIA, made, failed=True)
    flow_log(VIRGINIA, made, "REJECT")
    use(made, s[0])
    v(18, "unrecorded-empty", "a")


def route_table(region, vpc, subnets, *, nat=""):
    ec2 = client("ec2", region)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for s in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=s)
    if nat:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    return table


def nat_gateway(region, subnet_id, name):
    ec2 = client("ec2", region)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    name_it(region, address, name)
    made = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=address)["NatGateway"]
    for n in backend("ec2", region).enis.values():  # EC2 makes one for it, and associates the address
        if n.id == made["NatGatewayAddresses"][0].get("NetworkInterfaceId"):
            n.status = "in-use"
    return made["NatGatewayId"]


def endpoint(region, vpc, service, tables, kind="Gateway", state="available"):
    more = {"RouteTableIds": tables} if kind == "Gateway" else {}
    made = client("ec2", region).create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.{service}", VpcEndpointType=kind, **more)["VpcEndpoint"]["VpcEndpointId"]
    backend("ec2", region).vpc_end_points[made].state = state


def gateways():
    """VPCs with a NAT gateway, by their gateway endpoints."""
    def v(n, name):
        made = vpc(VIRGINIA, name, f"10.{n}.0.0/16")
        public, private = (subnet(VIRGINIA, made, f"{name}-{kind}", f"10.{n}.{i}.0/24") for i, kind in enumerate(("public", "private")))
        return made, route_table(VIRGINIA, made, [private], nat=nat_gateway(VIRGINIA, public, name))

    made, table = v(20, "nat-both")
    for service in ("s3", "dynamodb"):
        endpoint(VIRGINIA, made, service, [table])
    v(21, "nat-none")
    made, table = v(22, "nat-s3-only")
    endpoint(VIRGINIA, made, "s3", [table])
    made, table = v(23, "nat-elsewhere")
    other = route_table(VIRGINIA, made, [])
    for service in ("s3", "dynamodb"):
        endpoint(VIRGINIA, made, service, [other])
    made, table = v(24, "nat-interface-endpoint")
    endpoint(VIRGINIA, made, "s3", [], kind="Interface")
    endpoint(VIRGINIA, made, "dynamodb", [table])
    made, table = v(25, "nat-deleted")
    for service in ("s3", "dynamodb"):
        endpoint(VIRGINIA, made, service, [table], state="deleted")


def addresses(shop, subnet_id):
    ec2 = client("ec2")
    def address(name, **to):
        made = ec2.allocate_address(Domain="vpc")["AllocationId"]
        name_it(VIRGINIA, made, name)
        if to:
            ec2.associate_address(AllocationId=made, **to)
        return made

    def instance_called(name):
        return next(i.id for i in backend("ec2", VIRGINIA).all_instances() if {t["key"]: t["value"] for t in i.get_tags()}.get("Name") == name)

    address("idle")
    address("of-running", InstanceId=instance_called("running"))
    address("of-stopped", InstanceId=instance_called("stopped-5"))
    loose = interface(VIRGINIA, subnet_id, "loose", [default_group(VIRGINIA, shop)["GroupId"]])
    address("of-loose-interface", NetworkInterfaceId=loose)
    backend("ec2", VIRGINIA).enis[loose].status = "available"
    own = address("of-own-pool")
    next(a for a in backend("ec2", VIRGINIA).addresses if a.allocation_id == own).pool = "ipv4pool-ec2-012345"
    made = client("ec2", FRANKFURT).allocate_address(Domain="vpc")["AllocationId"]
    name_it(FRANKFURT, made, "idle")


def subnets(shop):
    def s(name, third, free, prefix=24, kind="interface", used=True):
        made = subnet(VIRGINIA, shop, name, f"10.0.{third}.0/{prefix}", free=free)
        if used:
            interface(VIRGINIA, made, "", [default_group(VIRGINIA, shop)["GroupId"]], interface_type=kind)

    s("free-all", 100, 250)
    s("free-fifth", 101, 51)
    s("free-16", 102, 16)
    s("free-15", 103, 15)
    s("free-15-empty", 104, 15, used=False)
    s("free-31-of-functions", 105, 31, kind="lambda")
    s("free-32-of-functions", 106, 32, kind="lambda")
    s("free-half-of-few", 107, 5, prefix=28)
    s("free-one-of-few", 108, 1, prefix=28)
    made = client("ec2").create_subnet(VpcId=shop, Ipv6CidrBlock="2001:db8:1234:1a00::/64", Ipv6Native=True)["Subnet"]["SubnetId"]
    name_it(VIRGINIA, made, "ipv6-only")


def load_balancers(shop, zones):
    elb = client("elbv2")
    target = elb.create_target_group(Name="shop", Protocol="HTTP", Port=80, VpcId=shop)["TargetGroups"][0]["TargetGroupArn"]
    forward = {"Type": "forward", "TargetGroupArn": target}
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    page = lambda status: {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, "ContentType": "text/plain"}}
    certificate = next(c["CertificateArn"] for c in client("acm").list_certificates()["CertificateSummaryList"] if c["DomainName"].startswith("days-300-used"))

    def balancer(name, *listeners, kind="application", scheme="internet-facing", rules=()):
        arn = elb.create_load_balancer(Name=name, Type=kind, Scheme=scheme, Subnets=zones)["LoadBalancers"][0]["LoadBalancerArn"]
        for protocol, port, *actions in listeners:
            more = {"Certificates": [{"CertificateArn": certificate}], "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"} if protocol == "HTTPS" else {}
            made = elb.create_listener(LoadBalancerArn=arn, Protocol=protocol, Port=port, DefaultActions=actions, **more)["Listeners"][0]["ListenerArn"]
            for n, action in enumerate(rules if protocol == "HTTP" else ()):
                elb.create_rule(ListenerArn=made, Priority=n + 1, Conditions=[{"Field": "path-pattern", "Values": [f"/{n}/*"]}], Actions=[action])

    balancer("redirects", ("HTTP", 80, redirect), ("HTTPS", 443, forward))
    balancer("redirects-by-rules-too", ("HTTP", 80, redirect), rules=[redirect, page("404")])
    balancer("refuses", ("HTTP", 80, page("403")))
    balancer("https-only", ("HTTPS", 443, forward))
    balancer("no-listener")
    balancer("forwards", ("HTTP", 80, forward))
    balancer("forwards-inside", ("HTTP", 80, forward), scheme="internal")
    balancer("forwards-by-a-rule", ("HTTP", 80, redirect), rules=[redirect, forward])
    balancer("forwards-on-second-port", ("HTTP", 80, redirect), ("HTTP", 8080, forward))
    balancer("redirects-to-http", ("HTTP", 80, {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTP", "Port": "8080", "StatusCode": "HTTP_301"}}))
    balancer("keeps-protocol", ("HTTP", 80, {"Type": "redirect", "RedirectConfig": {"Host": "www.oracle.example", "StatusCode": "HTTP_301"}}))
    balancer("welcomes", ("HTTP", 80, page("200")))
    balancer("network", ("TCP", 80, forward), kind="network")


def default_vpcs():
    """Names for what EC2 has made in each region, and the rule that it puts into default groups."""
    for region in REGIONS:
        ec2 = client("ec2", region)
        made = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        name_it(region, made, "default")
        for s in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [made]}])["Subnets"]:
            name_it(region, s["SubnetId"], "default-" + s["AvailabilityZone"][-1])
        group = default_group(region, made)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(0, groups=[group], protocol="-1")])
        call_it(group, "default of default")


def seed():
    default_vpcs()
    shop = vpc(VIRGINIA, "shop", "10.0.0.0/16")
    zones = [subnet(VIRGINIA, shop, f"shop-{z}", f"10.0.{n}.0/24", z) for n, z in enumerate("abc")]
    flow_log(VIRGINIA, shop)
    groups(shop, zones[0])
    recorded()
    gateways()
    addresses(shop, zones[0])
    subnets(shop)
    load_balancers(shop, zones)
    # Default groups.
    lab = client("ec2", FRANKFURT).create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]  # open as it was made
    name_it(FRANKFURT, lab, "lab")
    call_it(default_group(FRANKFURT, lab)["GroupId"], "default of lab")
    half = vpc(FRANKFURT, "half", "10.2.0.0/16")
    client("ec2", FRANKFURT).authorize_security_group_egress(GroupId=default_group(FRANKFURT, half)["GroupId"], IpPermissions=[tcp(443, v4=INTERNET)])
    group(FRANKFURT, lab, "ssh-open", tcp(22, v4=INTERNET))
    group(SYDNEY, client("ec2", SYDNEY).describe_vpcs()["Vpcs"][0]["VpcId"], "https-open", tcp(443, v4=INTERNET))
