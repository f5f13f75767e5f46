"""Which resources belong together, in both directions, by both operations."""

import pytest

from harness.client import refused
from harness.samples import ecs, volume

OPERATIONS = ("ShowResourceRelations", "ShowResourceRelationsDetail")
VPC = {"id": "rel-vpc", "name": "net", "provider": "vpc", "type": "vpcs", "properties": {}}
EIP = {
    "id": "rel-eip", "name": "203.0.113.7", "provider": "vpc", "type": "publicips",
    "properties": {"publicIpAddress": "203.0.113.7", "bandwidth": {"id": "rel-bw"}},
}


def server_with(id="rel-s", **properties):
    return {**ecs(id=id), "properties": properties}


def relations(client, id, direction, operation="ShowResourceRelations", **more):
    """(from type, from id, relation, to type, to id) of all pages."""
    found, marker = [], {}
    while True:
        answer = client.call(operation, resource_id=id, direction=direction, **more, **marker).json
        assert answer["page_info"]["current_count"] == len(answer["relations"])
        found += [
            (row["from_resource_type"], row["from_resource_id"], row["relation_type"],
             row["to_resource_type"], row["to_resource_id"])
            for row in answer["relations"]
        ]
        if answer["page_info"]["next_marker"] is None:
            assert len(found) == len(set(found))
            return set(found)
        marker = {"marker": answer["page_info"]["next_marker"]}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_and_what_belongs_to_it(client, account, operation):
    disk = {**volume(id="rel-d"), "properties": {"attachments": [{"serverId": "rel-s"}]}}
    server = server_with(
        metadata={"vpcId": "rel-vpc", "meteringImageId": "rel-image"},
        ExtVolumesAttached=[{"id": "rel-d", "device": "/dev/vda"}],
        securityGroup=[{"id": "rel-sg", "name": "web"}],
        addresses=[
            {"addr": "192.168.0.4", "OsExtIpsType": "fixed"},
            {"addr": "203.0.113.7", "OsExtIpsType": "floating"},
        ],
    )
    account.put_all(disk, server, VPC, EIP)
    me = ("ecs.cloudservers", "rel-s")
    pairs = {
        ("isContainedIn", "contains", ("vpc.vpcs", "rel-vpc")),
        ("isAttachedTo", "isAttachedTo", ("evs.volumes", "rel-d")),
        ("isAttachedTo", "isAttachedTo", ("vpc.publicips", "rel-eip")),
        # Neither is in the inventory.
        ("isAssociatedWith", "isAssociatedWith", ("vpc.securityGroups", "rel-sg")),
        ("isAssociatedWith", "isAssociatedWith", ("ims.images", "rel-image")),
    }
    out = {(*me, word, *other) for word, _, other in pairs}
    into = {(*other, word, *me) for _, word, other in pairs}
    for limit in (1, 2, 20):
        assert relations(client, "rel-s", "out", operation, limit=limit) == out
        assert relations(client, "rel-s", "in", operation, limit=limit) == into
    # What the others say is the same, from their side.
    for _, inverse, other in pairs:
        if other[1] in ("rel-vpc", "rel-d", "rel-eip"):
            assert (*other, inverse, *me) in relations(client, other[1], "out", operation)
    assert relations(client, "rel-vpc", "out", operation) == {("vpc.vpcs", "rel-vpc", "contains", *me)}


def test_relations_move_with_their_resources(client, account):
    account.put_all(server_with(metadata={"vpcId": "rel-vpc"}), VPC)
    assert len(relations(client, "rel-vpc", "out")) == 1
    account.put(server_with(metadata={"vpcId": "another"}))
    assert relations(client, "rel-vpc", "out") == set()
    account.put(server_with(metadata={"vpcId": "rel-vpc"}))
    assert len(relations(client, "rel-vpc", "in")) == 1
    account.remove(server_with())
    assert relations(client, "rel-vpc", "in") == set()


def test_a_network_of_many_servers(own_account):
    """Every page is of its size, and all pages together are the whole."""
    client = own_account.client
    own_account.put(VPC)
    count = 2500
    own_account.put_many(server_with(f"s{n}", metadata={"vpcId": "rel-vpc"}) for n in range(count))
    for limit in (700, 1000):
        found = relations(client, "rel-vpc", "in", limit=limit)
        assert {row[1] for row in found} == {f"s{n}" for n in range(count)}
    assert len(relations(client, "rel-vpc", "out", limit=1000)) == count


@pytest.mark.parametrize("operation", OPERATIONS)
def test_refusals(client, account, operation):
    with refused(404, "RMS.00010005"):
        client.call(operation, resource_id="rel-nobody", direction="in")
    account.put(VPC)
    with refused(400, "RMS.00010004"):
        client.call(operation, resource_id="rel-vpc", direction="both")
    with refused(400, "RMS.00010037"):
        client.call(operation, resource_id="rel-vpc", direction="in", limit=1001)
    with refused(400, "RMS.00010034"):
        client.call(operation, resource_id="rel-vpc", direction="in", marker="AAAAAAAA")
