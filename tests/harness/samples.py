"""Invented resources, written as the service's inventory writes them, and the policies for them."""

import itertools

# The predefined policies which the published examples give in full, by their documented ids.
POLICIES = {
    "required-tag-check": "5fa9f89b6eed194ccb2c04db",
    "allowed-ecs-flavors": "5f8d549bffeecc14f1fb522a",
    "allowed-images-by-id": "5fa265c0aa1e6afc05a0ff07",
    "ecs-instance-in-vpc": "5fa265c0aa1e6afc05a0ff10",
    "ecs-instance-no-public-ip": "5f8d5428ffeecc14f1fb5205",
    "eip-unbound-check": "5fa3a1196eed194ccb2c04d5",
    "allowed-volume-specs": "5fa3a1196eed194ccb2c04d7",
    "volume-unused-check": "5fa36558aa1e6afc05a3d0a7",
    "volumes-encrypted-check": "5fa365476eed194ccb2c04d1",
}
# Judged by the clock. The first has a documented id; the others are found by their names.
PERIODIC_POLICIES = ("cts-obs-bucket-track", "access-keys-rotated", "tracker-config-enabled-check")
TRACK_BUCKET_ID = "77982d0e4e8954e37d0f6919"

REGION = "cn-north-4"
_numbers = itertools.count(1)


def unique(prefix):
    """A name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


def resource(provider, kind, properties, *, id=None, name=None, region=REGION, tags=None):
    """A resource entity as ListAllResources returns it."""
    id = id or unique(kind)
    everywhere = region == "global"
    return {
        "id": id,
        "name": name if name is not None else f"name of {id}",
        "provider": provider,
        "type": kind,
        "region_id": region,
        "project_id": "" if everywhere else "0605767f9f00d5762fd6c01d6ba3a2f5",
        "project_name": "" if everywhere else region,
        "ep_id": "0",
        "ep_name": "default",
        "checksum": "1a2b3c4d" * 8,
        "created": "2026-01-02T03:04:05Z",
        "updated": "2026-01-02T03:04:05Z",
        "provisioning_state": "Succeeded",
        "tags": tags or {},
        "properties": properties,
    }


def volume(*, status="in-use", volume_type="SSD", encrypted=None, **options):
    """A disk: in use and of type SSD unless said otherwise, without a word about encryption."""
    metadata = {} if encrypted is None else {"systemEncrypted": encrypted}
    properties = {"status": status, "volumeType": volume_type, "size": 40, "metadata": metadata}
    return resource("evs", "volumes", properties, **options)


def ecs(*, flavor="c6.large.2", image="image-1", vpc="vpc-1", public=False, **options):
    """A server."""
    addresses = [{"OsExtIpsType": "fixed", "addr": "192.168.0.4", "version": 4}]
    if public:
        addresses.append({"OsExtIpsType": "floating", "addr": "198.51.100.7", "version": 4})
    properties = {
        "status": "ACTIVE",
        "flavor": {"id": flavor, "name": flavor},
        "metadata": {"meteringImageId": image, "vpcId": vpc},
        "addresses": addresses,
    }
    return resource("ecs", "cloudservers", properties, **options)


def eip(*, status="ACTIVE", **options):
    """A public address; `DOWN` is bound to nothing."""
    return resource("vpc", "publicips", {"status": status, "publicIpAddress": "198.51.100.8"}, **options)


def user(**options):
    """A user of the account; users live in no region."""
    return resource("iam", "users", {"enabled": True}, **{"region": "global", **options})
