"""The predefined policies: list and show, languages, pages."""

import pytest

from harness.client import refused
from harness.samples import PERIODIC_POLICIES, POLICIES, TRACK_BUCKET_ID

FIELDS = {
    "id", "name", "display_name", "policy_type", "description", "policy_rule_type", "policy_rule",
    "trigger_type", "keywords", "default_resource_types", "parameters",
}


@pytest.fixture(scope="module")
def definitions(client):
    return {one["name"]: one for one in client.pages("ListBuiltInPolicyDefinitions")}


def test_the_known_policies_are_there_by_their_documented_ids(definitions):
    found = {name: definitions[name]["id"] for name in POLICIES}
    assert found == POLICIES
    assert set(PERIODIC_POLICIES) <= definitions.keys()
    assert definitions["cts-obs-bucket-track"]["id"] == TRACK_BUCKET_ID


def test_all_come_on_the_first_page(client):
    page = client.call("ListBuiltInPolicyDefinitions").json
    assert page["page_info"] == {"current_count": len(page["value"]), "next_marker": None}


def test_every_field_is_there(definitions):
    for name, definition in definitions.items():
        assert definition.keys() >= FIELDS, name
        assert definition["policy_type"] == "builtin"
        assert definition["policy_rule_type"] == "dsl"
        assert definition["trigger_type"] in ("resource", "period")
        assert definition["description"] and definition["display_name"]
        assert len(definition["name"]) <= 64
        assert isinstance(definition["policy_rule"], (dict, type(None)))
    assert all(definitions[name]["trigger_type"] == "resource" for name in POLICIES)
    assert all(definitions[name]["trigger_type"] == "period" for name in PERIODIC_POLICIES)


def test_the_published_rule_stands_word_for_word(definitions):
    assert definitions["volume-unused-check"]["policy_rule"] == {
        "allOf": [
            {"value": "${resource().provider}", "comparator": "equals", "pattern": "evs"},
            {"value": "${resource().type}", "comparator": "equals", "pattern": "volumes"},
            {"value": "${resource().properties.status}", "comparator": "equals", "pattern": "available"},
        ]
    }
    assert definitions["volume-unused-check"]["default_resource_types"] == [
        {"provider": "evs", "type": "volumes"}
    ]
    flavors = definitions["allowed-ecs-flavors"]["parameters"]["listOfAllowedFlavors"]
    assert flavors["type"] == "Array"


def test_show_is_one_of_the_list(client, definitions):
    for definition in definitions.values():
        shown = client.call("ShowBuiltInPolicyDefinition", policy_definition_id=definition["id"])
        assert shown.json == definition


def test_the_language_is_chosen_by_a_header(client):
    texts = {}
    for language in (None, "zh-cn", "en-us"):
        options = {} if language is None else {"x_language": language}
        rows = client.pages("ListBuiltInPolicyDefinitions", **options)
        texts[language] = {row["name"]: (row["display_name"], row["description"]) for row in rows}
        one = client.call(
            "ShowBuiltInPolicyDefinition", policy_definition_id=POLICIES["volume-unused-check"], **options
        ).json
        assert (one["display_name"], one["description"]) == texts[language]["volume-unused-check"]
    assert texts[None] == texts["zh-cn"], "the default is Chinese"
    assert all(texts["en-us"][name] != text for name, text in texts["zh-cn"].items())
    assert any("\u4e00" <= letter <= "\u9fff" for letter in "".join(texts["zh-cn"]["volume-unused-check"]))
    assert "".join(texts["en-us"]["volume-unused-check"]).isascii()


def test_an_unknown_language_is_refused(client):
    with refused(400, "RMS.00010053"):
        client.call("ListBuiltInPolicyDefinitions", x_language="klingon")
    with refused(400, "RMS.00010053"):
        client.call(
            "ShowBuiltInPolicyDefinition", policy_definition_id=TRACK_BUCKET_ID, x_language="klingon"
        )


def test_pages_of_one(client, definitions):
    rows = client.pages("ListBuiltInPolicyDefinitions", limit=1)
    assert [row["id"] for row in rows] == [
        row["id"] for row in client.pages("ListBuiltInPolicyDefinitions")
    ]
    assert len(rows) == len(definitions)


def test_limits(client):
    assert client.call("ListBuiltInPolicyDefinitions", limit=500).status == 200
    for limit in (0, 501, -1):
        with refused(400, "RMS.00010036" if limit < 1 else "RMS.00010037"):
            client.call("ListBuiltInPolicyDefinitions", limit=limit)


def test_an_unknown_policy(client):
    with refused(404, "RMS.00010005"):
        client.call("ShowBuiltInPolicyDefinition", policy_definition_id="0" * 24)
    with refused(400, "RMS.00010044"):
        client.call("ShowBuiltInPolicyDefinition", policy_definition_id="0" * 37)
    with refused(400, "RMS.00010042"):
        client.call("ShowBuiltInPolicyDefinition", policy_definition_id="a b")
