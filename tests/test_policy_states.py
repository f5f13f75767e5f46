"""Verdicts: every documented policy, every filter, every way of listing them."""

import pytest

from harness.account import only
from harness.client import refused
from harness.samples import POLICIES, ecs, eip, resource, user, volume

STATE_FIELDS = {
    "domain_id", "region_id", "resource_id", "resource_name", "resource_provider", "resource_type",
    "trigger_type", "compliance_state", "policy_assignment_id", "policy_assignment_name",
    "policy_definition_id", "evaluation_time",
}

# Policy, parameters, then resources by the verdict that the policy's documentation gives them.
DOCUMENTED = {
    "volume-unused-check": (
        {},
        {"Compliant": [volume(id="used")], "NonCompliant": [volume(id="unused", status="available")]},
    ),
    "volumes-encrypted-check": (
        {},
        {
            "Compliant": [
                volume(id="encrypted", encrypted="1"),
                volume(id="unused-and-open", status="available"),
            ],
            "NonCompliant": [volume(id="said-open", encrypted="0"), volume(id="silent")],
        },
    ),
    "allowed-volume-specs": (
        {"listOfAllowedSpecs": ["SSD", "GPSSD"]},
        {"Compliant": [volume(id="ssd")], "NonCompliant": [volume(id="sata", volume_type="SATA"), volume(id="case", volume_type="ssd")]},
    ),
    "allowed-ecs-flavors": (
        {"listOfAllowedFlavors": ["c6.large.2"]},
        {"Compliant": [ecs(id="small")], "NonCompliant": [ecs(id="large", flavor="c6.4xlarge.2")]},
    ),
    "allowed-images-by-id": (
        {"listOfAllowedImages": ["image-1"]},
        {
            "Compliant": [ecs(id="known")],
            "NonCompliant": [
                ecs(id="foreign", image="image-2"),
                resource("ecs", "cloudservers", {"metadata": {}}, id="without-image"),
            ],
        },
    ),
    "ecs-instance-in-vpc": (
        {"vpcId": "vpc-1"},
        {"Compliant": [ecs(id="inside")], "NonCompliant": [ecs(id="outside", vpc="vpc-2")]},
    ),
    "ecs-instance-no-public-ip": (
        {},
        {
            "Compliant": [ecs(id="hidden"), resource("ecs", "cloudservers", {}, id="without-addresses")],
            "NonCompliant": [ecs(id="public", public=True)],
        },
    ),
    "eip-unbound-check": (
        {},
        {"Compliant": [eip(id="bound")], "NonCompliant": [eip(id="unbound", status="DOWN")]},
    ),
    "required-tag-check": (
        {"specifiedTagKey": "team", "specifiedTagValue": ["a", "b"]},
        {
            "Compliant": [volume(id="tagged", tags={"team": "a"}), user(id="person", tags={"team": "b"})],
            "NonCompliant": [
                volume(id="other-value", tags={"team": "c"}),
                ecs(id="other-key", tags={"Team": "a"}),
                user(id="untagged"),
            ],
        },
    ),
}


@pytest.mark.parametrize("policy", sorted(DOCUMENTED))
@pytest.mark.parametrize("rule_first", [True, False], ids=["rule first", "resources first"])
def test_documented_policies(account, policy, rule_first):
    parameters, verdicts = DOCUMENTED[policy]
    resources = [one for group in verdicts.values() for one in group]
    if rule_first:
        id = account.rule(policy, parameters=parameters)
        account.put_all(*resources)
    else:
        account.put_all(*resources)
        id = account.rule(policy, parameters=parameters)
    expected = {one["id"]: verdict for verdict, group in verdicts.items() for one in group}
    assert account.states(id) == expected


def test_an_empty_list_of_values_accepts_any(account):
    account.put_all(volume(id="a", tags={"team": "x"}), volume(id="b"))
    id = account.rule("required-tag-check", parameters={"specifiedTagKey": "team", "specifiedTagValue": []})
    assert account.states(id) == {"a": "Compliant", "b": "NonCompliant"}


def test_a_rule_judges_the_types_of_its_policy_only(account):
    account.put_all(volume(id="v"), ecs(id="e"), user(id="u"))
    assert account.states(account.rule("volume-unused-check")) == {"v": "Compliant"}
    tagged = account.rule("required-tag-check", parameters={"specifiedTagKey": "k", "specifiedTagValue": []})
    assert account.states(tagged).keys() == {"v", "e", "u"}


# -- filters -----------------------------------------------------------------------------------------

FLEET = [
    volume(id="north", region="cn-north-4", tags={"team": "a", "stage": "prod"}),
    volume(id="south", region="cn-south-1", tags={"team": "b", "stage": "prod"}),
    ecs(id="server", region="cn-north-4", tags={"team": "a"}),
    user(id="person", tags={"stage": "test"}),
    eip(id="bare", region="cn-south-1"),
]
EVERYONE = {one["id"] for one in FLEET}

FILTERS = [
    ({}, EVERYONE),
    ({"region_id": "cn-north-4"}, {"north", "server"}),
    ({"region_id": "global"}, {"person"}),
    ({"region_id": "nowhere"}, set()),
    ({"resource_provider": "evs"}, {"north", "south"}),
    ({"resource_provider": "evs", "resource_type": "volumes"}, {"north", "south"}),
    ({"resource_provider": "EVS", "resource_type": "Volumes"}, {"north", "south"}),
    ({"resource_provider": "evs", "resource_type": "snapshots"}, set()),
    ({"resource_provider": "evs", "region_id": "cn-south-1"}, {"south"}),
    ({"resource_id": "server"}, {"server"}),
    ({"resource_id": "serve"}, set()),
    ({"tag_key": "team"}, {"north", "south", "server"}),
    ({"tag_key": "team", "tag_value": "a"}, {"north", "server"}),
    ({"tag_key": "Team"}, set()),
    ({"region_ids": ["cn-north-4", "global"]}, {"north", "server", "person"}),
    ({"region_ids": []}, EVERYONE),
    ({"resource_types": ["evs.volumes", "iam.users"]}, {"north", "south", "person"}),
    ({"resource_types": ["EVS.Volumes"]}, {"north", "south"}),
    ({"resource_ids": ["north", "bare", "lost"]}, {"north", "bare"}),
    ({"resource_types": ["evs.volumes"], "region_ids": ["cn-south-1"]}, {"south"}),
    ({"tags": [{"key": "team", "values": ["a"]}]}, {"north", "server"}),
    ({"tags": [{"key": "team", "values": ["a", "b"]}]}, {"north", "south", "server"}),
    ({"tags": [{"key": "team", "values": []}]}, {"north", "south", "server"}),
    ({"tags": [{"key": "team", "values": ["a"]}, {"key": "stage", "values": ["test"]}]}, {"north", "server", "person"}),
    (
        {"tag_key_logic": "OR", "tags": [{"key": "team", "values": ["b"]}, {"key": "stage", "values": []}]},
        {"north", "south", "person"},
    ),
    (
        {"tag_key_logic": "AND", "tags": [{"key": "team", "values": ["a"]}, {"key": "stage", "values": ["prod"]}]},
        {"north"},
    ),
    ({"exclude_tags": [{"key": "team", "values": ["a"]}]}, {"south", "person", "bare"}),
    ({"exclude_tags": [{"key": "team", "values": ["a"]}, {"key": "stage", "values": ["prod"]}]}, {"person", "bare"}),
    (
        {
            "exclude_tag_key_logic": "AND",
            "exclude_tags": [{"key": "team", "values": ["a"]}, {"key": "stage", "values": ["prod"]}],
        },
        {"south", "server", "person", "bare"},
    ),
    (
        {"tags": [{"key": "team", "values": []}], "exclude_tags": [{"key": "stage", "values": ["prod"]}]},
        {"server"},
    ),
    ({"exclude_tags": []}, EVERYONE),
]


def test_filters_decide_the_scope(account):
    account.put_all(*FLEET)
    policy = {"parameters": {"specifiedTagKey": "owner", "specifiedTagValue": []}}
    rules = [account.create("required-tag-check", filter=filter, **policy)["id"] for filter, _ in FILTERS]
    for id, (filter, expected) in zip(rules, FILTERS):
        account.settle(id)
        assert account.states(id) == dict.fromkeys(expected, "NonCompliant"), filter


def test_filters_hold_for_resources_that_come_later(account):
    policy = {"parameters": {"specifiedTagKey": "owner", "specifiedTagValue": []}}
    rules = [account.create("required-tag-check", filter=filter, **policy)["id"] for filter, _ in FILTERS]
    for id in rules:
        account.settle(id)
    account.put_all(*FLEET)
    for id, (filter, expected) in zip(rules, FILTERS):
        assert account.states(id).keys() == expected, filter


def test_the_second_form_is_the_stronger(account):
    account.put_all(*FLEET)
    id = account.rule(
        "required-tag-check",
        parameters={"specifiedTagKey": "owner", "specifiedTagValue": []},
        policy_filter={"resource_provider": "ecs"},
        policy_filter_v2={"resource_types": ["iam.users"]},
    )
    assert account.states(id).keys() == {"person"}


def test_a_resource_that_leaves_the_scope_loses_its_state(account):
    id = account.rule(filter={"tags": [{"key": "watch", "values": []}]})
    account.put(volume(id="v", status="available", tags={"watch": ""}))
    assert account.states(id) == {"v": "NonCompliant"}
    account.put(volume(id="v", status="available", tags={}))
    assert account.states(id) == {}
    assert account.resource_states("v") == {}
    account.put(volume(id="v", status="available", tags={"watch": "again"}))
    assert account.states(id) == {"v": "NonCompliant"}


def test_a_resource_that_moves_to_another_region(account):
    id = account.rule(filter={"region_id": "cn-north-4"})
    account.put(volume(id="v", region="cn-north-4"))
    assert account.states(id) == {"v": "Compliant"}
    account.put(volume(id="v", region="cn-south-1"))
    assert account.states(id) == {}


# -- what a state says -------------------------------------------------------------------------------


def test_a_state_comes_whole(account):
    account.put(volume(id="v", name="my disk", status="available"))
    id = account.rule(name="disk in use")
    row = only(account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=id))
    assert row.keys() == STATE_FIELDS
    assert {key: row[key] for key in STATE_FIELDS - {"evaluation_time"}} == {
        "domain_id": account.domain_id,
        "region_id": "cn-north-4",
        "resource_id": "v",
        "resource_name": "my disk",
        "resource_provider": "evs",
        "resource_type": "volumes",
        "trigger_type": "resource",
        "compliance_state": "NonCompliant",
        "policy_assignment_id": id,
        "policy_assignment_name": "disk in use",
        "policy_definition_id": POLICIES["volume-unused-check"],
    }
    assert row == only(account.client.page("ListPolicyStatesByDomainId"))
    assert row == only(account.client.page("ListPolicyStatesByResourceId", resource_id="v"))


def test_evaluation_time_is_milliseconds_in_digits(account):
    account.put(volume(id="v"))
    id = account.rule()
    row = only(account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=id))
    first = row["evaluation_time"]
    assert isinstance(first, str) and first.isdecimal() and len(first) == 13
    account.put(volume(id="v", status="available"))
    row = only(account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=id))
    assert int(row["evaluation_time"]) > int(first)


# -- lists -------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(account):
    """Three disks, two of them unused, under two rules."""
    account.put_all(
        volume(id="a", name="first"),
        volume(id="b", name="second", status="available"),
        volume(id="c", name="second", status="available"),
    )
    return account.rule(name="unused"), account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]})


def test_lists_of_the_account(account, fleet):
    unused, specs = fleet
    assert account.domain_states() == {
        (unused, "a"): "Compliant", (unused, "b"): "NonCompliant", (unused, "c"): "NonCompliant",
        (specs, "a"): "Compliant", (specs, "b"): "Compliant", (specs, "c"): "Compliant",
    }
    assert account.domain_states(compliance_state="NonCompliant").keys() == {(unused, "b"), (unused, "c")}
    assert account.domain_states(resource_id="a").keys() == {(unused, "a"), (specs, "a")}
    assert account.domain_states(resource_name="second", compliance_state="Compliant").keys() == {(specs, "b"), (specs, "c")}
    assert account.domain_states(resource_name="secon") == {}
    assert account.domain_states(resource_id="lost") == {}


def test_lists_of_a_rule(account, fleet):
    unused, _ = fleet
    assert account.states(unused, compliance_state="Compliant") == {"a": "Compliant"}
    assert account.states(unused, resource_id="b") == {"b": "NonCompliant"}
    assert account.states(unused, resource_name="second", resource_id="c") == {"c": "NonCompliant"}
    assert account.states(unused, resource_name="third") == {}


def test_lists_of_a_resource(account, fleet):
    unused, specs = fleet
    assert account.resource_states("b") == {unused: "NonCompliant", specs: "Compliant"}
    assert account.resource_states("b", compliance_state="Compliant") == {specs: "Compliant"}
    with refused(404, "RMS.00010005"):
        account.client.call("ListPolicyStatesByResourceId", resource_id="lost")
    account.put(user(id="person"))
    assert account.resource_states("person") == {}, "a known resource without states: an empty page"


def test_pages(account, fleet):
    unused, _ = fleet
    for operation, parameters in (
        ("ListPolicyStatesByAssignmentId", {"policy_assignment_id": unused}),
        ("ListPolicyStatesByDomainId", {}),
        ("ListPolicyStatesByResourceId", {"resource_id": "a"}),
        ("ListPolicyStatesByDomainId", {"compliance_state": "NonCompliant"}),
    ):
        whole = account.client.page(operation, **parameters)
        assert len(whole) >= 2
        assert account.client.pages(operation, limit=1, **parameters) == whole
        assert account.client.pages(operation, limit=2, **parameters) == whole
        assert account.client.call(operation, limit=200, **parameters).status == 200


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("RMS.00010036", {"limit": 0}),
        ("RMS.00010037", {"limit": 201}),
        ("RMS.00010035", {"marker": "abc"}),
        ("RMS.00010035", {"marker": "a" * 401}),
        ("RMS.00010034", {"marker": "abc*"}),
        ("RMS.00010050", {"compliance_state": "compliant"}),
        ("RMS.00010050", {"compliance_state": "NotApplicable"}),
        ("RMS.00010049", {"compliance_state": "NonCompliantAtAll"}),
        ("RMS.00010010", {"resource_id": "a b"}),
        ("RMS.00010009", {"resource_id": "a" * 513}),
        ("RMS.00010011", {"resource_name": "a" * 257}),
        ("RMS.00010012", {"resource_name": "it's"}),
    ],
)
def test_queries_that_are_refused(account, code, parameters):
    with refused(400, code):
        account.client.call("ListPolicyStatesByDomainId", **parameters)


def test_a_marker_that_ends_is_null(account, fleet):
    unused, _ = fleet
    page = account.client.call("ListPolicyStatesByAssignmentId", policy_assignment_id=unused, limit=3).json
    assert page["page_info"] == {"current_count": 3, "next_marker": None}


def test_many_states_come_in_pages(own_account):
    """More than a page and more than a chunk of the store would need."""
    account = own_account
    account.put_many(volume(id=f"v{n:05}", status="available" if n % 3 == 0 else "in-use") for n in range(5000))
    id = account.rule()
    states = account.states(id)
    assert len(states) == 5000
    broken = {f"v{n:05}" for n in range(0, 5000, 3)}
    assert {key for key, verdict in states.items() if verdict == "NonCompliant"} == broken
    assert account.states(id, compliance_state="NonCompliant").keys() == broken
    assert account.rule_counts(id) == (5000 - len(broken), len(broken))
