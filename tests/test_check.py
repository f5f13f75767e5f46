"""`ruleward check`: the same verdicts as the server's, without a server."""

import collections
import csv
import gzip
import io
import json
import random
import subprocess
import xml.etree.ElementTree as xml

import pytest

from harness.samples import POLICIES, ecs, eip, resource, user, volume
from harness.server import BINARY, clean_environment


def check(*arguments, code=0, stdin=None, folder=None):
    done = subprocess.run(
        [BINARY, "check", *map(str, arguments)], input=stdin, capture_output=True, timeout=120,
        env=clean_environment(), cwd=folder, stdin=subprocess.DEVNULL if stdin is None else None,
    )
    output = f"{done.stdout.decode()}\n{done.stderr.decode()}"
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{output}"
    return done


def lines(resources):
    return "\n".join(map(json.dumps, resources)) + "\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "resources.ndjson"
    path.write_text(lines([volume(id="used"), volume(id="unused", status="available"), ecs(id="server")]))
    return path


def report(*arguments, **options):
    return json.loads(check(*arguments, "--output", "json", **options).stdout)


def invent(seed, count):
    """Resources of many shapes, some twice, some with values that policies do not expect."""
    chance = random.Random(seed)

    def tags():
        return chance.choice([{}, {"env": "prod"}, {"env": ""}, {"team": "x", "env": "dev"}])

    made = []
    for n in range(count):
        id = f"r{chance.randrange(count)}"
        region = chance.choice(["cn-north-4", "eu-west-101"])
        kind = chance.randrange(6)
        if kind == 0:
            one = volume(id=id, status=chance.choice(["in-use", "available", None, 7]), tags=tags(), region=region,
                         volume_type=chance.choice(["SSD", "SAS", ""]), encrypted=chance.choice([None, "0", "1", 1]))
        elif kind == 1:
            one = ecs(id=id, flavor=chance.choice(["c6.large.2", "s6.small.1"]), public=chance.random() < 0.4,
                      vpc=chance.choice(["vpc-1", "vpc-2"]), tags=tags(), region=region)
        elif kind == 2:
            one = eip(id=id, status=chance.choice(["ACTIVE", "DOWN"]), tags=tags(), region=region)
            if chance.random() < 0.5:
                one["properties"]["bandwidth"] = {"size": chance.choice([1, 5, 10, "5", None])}
        elif kind == 3:
            one = user(id=id, tags=tags())
        elif kind == 4:
            rules = [{"direction": "ingress", "protocol": chance.choice(["tcp", None, "udp"]),
                      "port_range_min": 22, "port_range_max": chance.choice([22, 80, None]),
                      "remote_ip_prefix": chance.choice(["0.0.0.0/0", "10.0.0.0/8", None])}]
            properties = chance.choice([{}, {"security_group_rules": rules}, {"security_group_rules": []}])
            one = resource("vpc", chance.choice(["securityGroups", "SecurityGroups"]), properties, id=id, tags=tags())
        else:
            vaulted = [{"id": f"r{chance.randrange(count)}"} for _ in range(3)]
            one = resource("cbr", "vault", {"resources": vaulted}, id=id, tags=tags())
        made.append(one)
    return made


RULES = [
    ("volume-unused-check", {}, None),
    ("volumes-encrypted-check", {}, None),
    ("allowed-volume-specs", {"listOfAllowedSpecs": ["SSD"]}, {"region_ids": ["cn-north-4"]}),
    ("ecs-instance-no-public-ip", {}, {"exclude_tags": [{"key": "env", "values": ["prod"]}]}),
    ("ecs-instance-in-vpc", {"vpcId": "vpc-1"}, None),
    ("allowed-ecs-flavors", {"listOfAllowedFlavors": ["c6.large.2"]}, None),
    ("eip-unbound-check", {}, None),
    ("eip-bandwidth-limit", {"bandwidthSize": 5}, None),
    ("required-tag-check", {"specifiedTagKey": "env", "specifiedTagValue": ["prod", "dev"]}, None),
    ("required-tag-check", {"specifiedTagKey": "team", "specifiedTagValue": []}, {"tags": [{"key": "env", "values": []}]}),
    ("vpc-sg-restricted-ssh", {}, None),
    ("ecs-protected-by-cbr", {}, None),
    ("evs-protected-by-cbr", {}, None),
    ("iam-user-mfa-enabled", {}, None),
    ("resource-tag-not-empty", {}, None),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_server_and_the_check_say_the_same(own_account, tmp_path, seed):
    account = own_account
    definitions = {row["name"]: row["id"] for row in account.client.page("ListBuiltInPolicyDefinitions")}
    file = tmp_path / "resources.ndjson"
    file.write_text(lines(invent(seed, 600)))
    environment = {
        "HUAWEICLOUD_SDK_AK": account.client.keys.access_key,
        "HUAWEICLOUD_SDK_SK": account.client.keys.secret_key,
        "HUAWEICLOUD_SDK_DOMAIN_ID": account.domain_id,
        "HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4": account.client.endpoint,
    }

    def run(*arguments):
        return subprocess.run(
            [BINARY, *map(str, arguments)], capture_output=True, check=True, env=clean_environment(environment)
        )

    for number, (policy, parameters, filter) in enumerate(RULES):
        account.rule(definitions[policy], parameters=parameters, filter=filter, name=f"rule {number}")
    run("import", file)
    for rule in account.client.pages("ListPolicyAssignments"):
        account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=rule["id"])
        account.settle(rule["id"])
    rules = tmp_path / "rules.json"
    rules.write_bytes(run("rules", "list", "--output", "json").stdout)

    told = report("--resources", file, "--rules", rules, code=1)
    names = {rule["id"]: rule["name"] for rule in account.client.pages("ListPolicyAssignments")}
    theirs, numbers = set(), collections.defaultdict(lambda: [0, 0])
    for row in account.client.pages("ListPolicyStatesByDomainId"):
        name = names[row["policy_assignment_id"]]
        violated = row["compliance_state"] == "NonCompliant"
        numbers[name][violated] += 1
        if violated:
            theirs.add((name, f"{row['resource_provider']}.{row['resource_type']}".lower(), row["resource_id"]))
    ours = {
        (row["policy_assignment_name"], row["resource_type"].lower(), row["resource_id"])
        for row in told["findings"] if row["compliance_state"] == "NonCompliant"
    }
    assert ours == theirs and len(ours) > 100
    for row in told["rules"]:
        assert [row["compliant"], row["non_compliant"]] == numbers[row["policy_assignment_name"]], row
    # Undetermined verdicts have no state; a preview of the rule as it is counts them.
    for rule in account.client.pages("ListPolicyAssignments"):
        body = {key: rule[key] for key in ("name", "policy_definition_id", "parameters", "policy_filter_v2") if rule[key]}
        path = "/v1/ruleward/domains/{domain_id}/policy-assignments/preview"
        then = account.client.request("POST", path, json_body=body, expect=200).json["then"]
        (row,) = [row for row in told["rules"] if row["policy_assignment_name"] == rule["name"]]
        assert {key: row[key] for key in then} == then, row


def test_exit_codes(file, tmp_path):
    check("--resources", file, "--policy", "volume-unused-check", code=1)
    check("--resources", file, "--policy", "allowed-volume-specs:listOfAllowedSpecs=SSD,SAS")
    unknown = ["--resources", file, "--policy", "ecs-instance-key-pair-login"]
    assert "Undetermined" in check(*unknown).stdout.decode()
    check(*unknown, "--strict", code=1)
    for arguments in (
        ("--resources", tmp_path / "nowhere", "--policy", "volume-unused-check"),
        ("--resources", file, "--policy", "no-such-policy"),
        ("--resources", file, "--policy", "allowed-volume-specs"),
        ("--resources", file, "--policy", "allowed-volume-specs:listOfAllowedSpec=SSD"),
        ("--resources", file),
        ("--policy", "volume-unused-check"),
        ("--terraform-plan", file, "--policy", "volume-unused-check"),
    ):
        assert check(*arguments, code=2).stderr


def test_refused_lines_are_told_and_an_error(file):
    file.write_text(file.read_text() + '{"id": "x"}\n\n[1]\n')
    done = check("--resources", file, "--policy", "volume-unused-check", "--output", "json", code=2)
    told = json.loads(done.stdout)
    assert told["refused"] == 2 and [row["line"] for row in told["refusals"]] == [4, 6]
    assert "line 4" in done.stderr.decode() and "line 6" in done.stderr.decode()
    assert [row["resource_id"] for row in told["findings"]] == ["unused"]


FORMS = {
    "lines": lambda found: lines(found).encode(),
    "array": lambda found: json.dumps(found).encode(),
    "pretty array": lambda found: json.dumps(found, indent=1).encode(),
    "answer": lambda found: json.dumps({"resources": found, "page_info": {"current_count": 3}}).encode(),
    "gzip": lambda found: gzip.compress(lines(found).encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(file, form):
    found = list(map(json.loads, file.read_text().splitlines()))
    data = FORMS[form](found)
    told = report("--resources", "-", "--policy", "volume-unused-check", stdin=data, code=1)
    (finding,) = told["findings"]
    assert (finding["resource_id"], told["resources"]) == ("unused", 3)
    if form != "gzip":
        text = data.decode().splitlines()[finding["line"] - 1:]
        assert '"unused"' in "\n".join(text), "the line is the one where the resource begins"


def test_of_two_resources_with_one_id_the_later_counts(file):
    file.write_text(lines([volume(id="v", status="available"), volume(id="v"), ecs(id="v", public=True)]))
    arguments = ["--resources", file, "--policy", "volume-unused-check"]
    told = report(*arguments)
    assert told["resources"] == 2
    assert told["rules"][0]["compliant"] == 1
    told = report(*arguments, "--policy", "evs-protected-by-cbr", code=1)
    assert (told["resources"], told["rules"][0]["compliant"]) == (2, 1)


def test_rules_of_every_form(file, tmp_path):
    rule = {"name": "by hand", "policy_definition_id": POLICIES["volume-unused-check"]}
    rules = tmp_path / "rules"
    off = {**rule, "name": "off", "state": "Disabled"}
    for text in (lines([rule, off]), json.dumps([rule, off]), json.dumps({"value": [rule, off]})):
        rules.write_text(text)
        done = check("--resources", file, "--rules", rules, "--output", "json", code=1)
        told = json.loads(done.stdout)
        assert [row["policy_assignment_name"] for row in told["rules"]] == ["by hand"]
        assert "off" in done.stderr.decode()
    rules.write_text("{}")
    check("--resources", file, "--rules", rules, code=2)


def test_table_and_csv(file):
    text = check("--resources", file, "--policy", "volume-unused-check", code=1).stdout.decode()
    assert "unused" in text and 'properties.status is "available"' in text and "3 resources, 1 rules" in text
    text = check("--resources", file, "--policy", "volume-unused-check", "--output", "csv", code=1).stdout.decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["resource_id"], row["place"], row["compliance_state"]) == ("unused", "2", "NonCompliant")


def test_sarif(file):
    arguments = ["--resources", file.name, "--policy", "volume-unused-check", "--policy", "ecs-instance-key-pair-login"]
    log = json.loads(check(*arguments, "--output", "sarif", code=1, folder=file.parent).stdout)
    assert log["version"] == "2.1.0" and "sarif-2.1.0" in log["$schema"]
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["volume-unused-check", "ecs-instance-key-pair-login"]
    assert all(rule["fullDescription"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    violated, unclear = run["results"]
    assert (violated["kind"], violated["level"], violated["ruleIndex"]) == ("fail", "error", 0)
    place = violated["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "resources.ndjson"}, "region": {"startLine": 2}}
    assert (unclear["kind"], unclear["level"]) == ("review", "none")


def test_junit(file):
    arguments = ["--resources", file, "--policy", "volume-unused-check", "--policy", "ecs-instance-key-pair-login"]
    root = xml.fromstring(check(*arguments, "--output", "junit", code=1).stdout)
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert suites.keys() == {"volume-unused-check", "ecs-instance-key-pair-login"}
    for suite in [root, *suites.values()]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == sum(1 for case in cases if case.find("failure") is not None)
        assert int(suite.get("skipped")) == sum(1 for case in cases if case.find("skipped") is not None)
    assert "evs.volumes/unused" in [case.get("name") for case in suites["volume-unused-check"]]


def test_a_reader_that_goes_away_is_no_error(file):
    file.write_text(lines(volume(id=f"v{n}", status="available") for n in range(20000)))
    done = subprocess.run(
        f"{BINARY} check --resources {file} --policy volume-unused-check --output json | head -1",
        shell=True, capture_output=True, env=clean_environment(),
    )
    assert done.stdout == b"{\n" and not done.stderr


def plan(resources, configuration=None):
    return json.dumps({
        "format_version": "1.2",
        "configuration": {"root_module": {"resources": configuration or []}},
        "planned_values": {"root_module": {"resources": [
            {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "values": values}
            for kind, name, values in resources
        ]}},
    })


def test_a_terraform_plan(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(plan(
        [
            ("huaweicloud_evs_volume", "plain", {"name": "d", "volume_type": "SAS", "tags": {"env": "x"}}),
            ("huaweicloud_networking_secgroup", "web", {"name": "web"}),
            ("huaweicloud_networking_secgroup_rule", "ssh", {
                "direction": "ingress", "protocol": "tcp", "ports": "22", "remote_ip_prefix": "0.0.0.0/0",
                "ethertype": "IPv4", "action": "allow",
            }),
            ("huaweicloud_obs_bucket", "logs", {"bucket": "logs", "acl": "private", "versioning": False}),
            ("huaweicloud_dns_zone", "zone", {"name": "z"}),
        ],
        [{
            "type": "huaweicloud_networking_secgroup_rule", "name": "ssh",
            "expressions": {"security_group_id": {"references": [
                "huaweicloud_networking_secgroup.web.id", "huaweicloud_networking_secgroup.web",
            ]}},
        }],
    ))
    policies = [
        "allowed-volume-specs:listOfAllowedSpecs=SSD", "volume-unused-check", "vpc-sg-restricted-ssh",
        "obs-bucket-versioning-enabled", "required-tag-check:specifiedTagKey=env:specifiedTagValue=[]",
    ]
    arguments = [part for policy in policies for part in ("--policy", policy)]
    done = check("--terraform-plan", file, *arguments, "--output", "json", code=1)
    told = json.loads(done.stdout)
    found = {(row["policy_assignment_name"], row["address"]) for row in told["findings"] if row["compliance_state"] == "NonCompliant"}
    assert found == {
        ("allowed-volume-specs", "huaweicloud_evs_volume.plain"),
        ("vpc-sg-restricted-ssh", "huaweicloud_networking_secgroup.web"),
        ("obs-bucket-versioning-enabled", "huaweicloud_obs_bucket.logs"),
        ("required-tag-check", "huaweicloud_networking_secgroup.web"),
        ("required-tag-check", "huaweicloud_obs_bucket.logs"),
    }
    assert told["unknown_types"] == [{"type": "huaweicloud_dns_zone", "resources": 1}]
    assert "huaweicloud_dns_zone" in done.stderr.decode()
    (result, *_) = json.loads(
        check("--terraform-plan", file, *arguments, "--output", "sarif", code=1).stdout
    )["runs"][0]["results"]
    names = [place["fullyQualifiedName"] for place in result["locations"][0]["logicalLocations"]]
    assert names[0].startswith("huaweicloud_")


def test_what_a_plan_does_not_know_yet_is_no_finding(tmp_path):
    """A key made by the same plan encrypts, though its id is not known."""
    file = tmp_path / "plan.json"
    disks = [
        ("huaweicloud_evs_volume", "new_key", {"volume_type": "SSD", "server_id": "s"}),
        ("huaweicloud_evs_volume", "no_key", {"volume_type": "SSD", "server_id": "s", "kms_id": None}),
        ("huaweicloud_networking_secgroup", "bare", {"name": "g"}),
    ]
    file.write_text(plan(disks, [{
        "type": "huaweicloud_evs_volume", "name": "new_key",
        "expressions": {"kms_id": {"references": ["huaweicloud_kms_key.k.id", "huaweicloud_kms_key.k"]}},
    }]))
    told = report(
        "--terraform-plan", file, "--policy", "volumes-encrypted-check", "--policy", "vpc-sg-restricted-ssh", code=1
    )
    found = {row["address"]: row["compliance_state"] for row in told["findings"]}
    assert found == {
        "huaweicloud_evs_volume.no_key": "NonCompliant",
        "huaweicloud_networking_secgroup.bare": "Undetermined",
    }
