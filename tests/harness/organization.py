"""An organization as the tests use it: its management account, its members, its rules."""

import concurrent.futures
import json

from . import polling
from .account import Account
from .client import Keys
from .samples import POLICIES, volume

OWN = "/v1/ruleward/organizations"


class Group:
    """An organization: its management account and its members, each with a client."""

    def __init__(self, server, name="acme", members=3):
        self.server = server
        self.management = make_account(server, f"{name}-head")
        self.id = self.management.client.request(
            "POST", OWN, json_body={"name": name}, expect=201
        ).json["organization_id"]
        self.members = [make_account(server, f"{name}-{number}") for number in range(members)]
        for member in self.members:
            self.operate("add", member)

    def operate(self, verb, member):
        """The operator's command on the store of the running server."""
        self.server.admin("organizations", verb, self.id, member.domain_id)

    def call(self, operation, body=None, by=None, **parameters):
        return (by or self.management).client.call(operation, body, organization_id=self.id, **parameters)

    def put(self, body, by=None):
        return self.call("CreateOrganizationPolicyAssignment", body, by).json

    def update(self, id, body, expect=200):
        """By a raw request: the published definitions of update know less than the page."""
        return self.management.client.request("PUT", self.path(f"/policy-assignments/{id}"), json_body=body, expect=expect)

    def path(self, rest):
        return f"/v1/resource-manager/organizations/{self.id}{rest}"

    def show(self, id):
        return self.call("ShowOrganizationPolicyAssignment", organization_policy_assignment_id=id).json

    def delete(self, id):
        assert self.call("DeleteOrganizationPolicyAssignment", organization_policy_assignment_id=id).status == 204

    def rules(self, by=None, **filters):
        return self.call("ListOrganizationPolicyAssignments", by=by, **filters).json["organization_policy_assignments"]

    def status(self, name):
        """As Terraform reads it: the first row, or nothing when there is none any more."""
        rows = self.call(
            "ShowOrganizationPolicyAssignmentStatuses", organization_policy_assignment_name=name
        ).json["value"]
        return rows[0]["organization_policy_assignment_status"] if rows else ""

    def settle(self, name, wanted):
        def ended():
            status = self.status(name)
            return (status,) if not status.endswith("_IN_PROGRESS") else None

        assert polling.until(ended, what=f"the deployment of {name}")[0] == wanted

    def detailed(self, name, **filters):
        """Member's id to its row."""
        rows = self.management.client.pages(
            "ShowOrganizationPolicyAssignmentDetailedStatus",
            organization_id=self.id, organization_policy_assignment_name=name, **filters,
        )
        found = {row["domain_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found


def make_account(server, name):
    """An account with an administrator, made by the operator's commands while the server runs."""
    server.admin("accounts", "create", name, "--recorder", "on")
    server.admin("users", "create", name, "admin", "--role", "administrator")
    key = json.loads(server.admin("keys", "create", name, "admin", "--output", "json").stdout)
    accounts = json.loads(server.admin("accounts", "list", "--output", "json").stdout)
    (id,) = [account["id"] for account in accounts if account["name"] == name]
    return Account(server.client(Keys(key["access_key"], key["secret_key"], id)))


def managed(name, policy="volume-unused-check", *, parameters=None, excluded=None, **metadata):
    body = {
        "organization_policy_assignment_name": name,
        "managed_policy_assignment_metadata": {"policy_definition_id": POLICIES[policy], **metadata},
    }
    if parameters is not None:
        body["managed_policy_assignment_metadata"]["parameters"] = {
            key: {"value": value} for key, value in parameters.items()
        }
    if excluded is not None:
        body["excluded_accounts"] = excluded
    return body


def specs(name, *allowed):
    return managed(name, "allowed-volume-specs", parameters={"listOfAllowedSpecs": list(allowed)})


def names(member):
    return {rule["name"] for rule in member.client.pages("ListPolicyAssignments")}


def only_rule(member):
    (rule,) = member.client.pages("ListPolicyAssignments")
    return rule["id"]


def remove(group, name):
    """Removes a rule everywhere, and what the members hold."""
    (rule,) = group.rules(organization_policy_assignment_name=name)
    group.delete(rule["organization_policy_assignment_id"])
    polling.until(lambda: group.status(name) == "", what=f"{name} to be removed")
    for member in group.members:
        member.clear()


def add_members(server, group, count):
    """Many members with two disks each. Keys are needed only to look; so one command each."""
    def make(number):
        return make_account(server, f"many-{number}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        members = list(pool.map(make, range(count)))
    for member in members:
        member.put_many([volume(id="ssd"), volume(id="sas", volume_type="SAS")])
    operator = operator_of(server)
    for member in members:
        operator.request("POST", f"{OWN}/{group.id}/members", json_body={"domain_id": member.domain_id}, expect=201)
    return members


def operator_of(server):
    """The server's operator through the API."""
    server.admin("users", "create", server.domain_id, "operator", "--role", "operator")
    key = json.loads(server.admin("keys", "create", server.domain_id, "operator", "--output", "json").stdout)
    return server.client(Keys(key["access_key"], key["secret_key"], server.domain_id))
