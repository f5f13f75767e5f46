"""An account as the tests use it: its resources, its rules, its verdicts."""

import contextlib

from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException

from . import polling
from .samples import POLICIES, unique

DOMAINS = "/v1/ruleward/domains/{domain_id}"


class Account:
    """Wraps a client; remembers the resources that it wrote so that they can be taken away."""

    def __init__(self, client):
        self.client = client
        self.domain_id = client.domain_id
        self._written = set()

    # -- resources -------------------------------------------------------------------------------

    def resource_path(self, id):
        return f"{DOMAINS}/resources/{id}"

    def put(self, resource):
        """Stores a resource; answers it as it is stored."""
        kind = f"{resource['provider']}.{resource['type']}"
        answer = self.client.request(
            "PUT", self.resource_path(resource["id"]), query={"type": kind}, json_body=resource, expect=(200, 201)
        )
        self._written.add((resource["id"], kind))
        return answer.json

    def put_all(self, *resources):
        for resource in resources:
            self.put(resource)

    def put_many(self, resources):
        """Stores many at once; answers the counts and what was refused."""
        resources = list(resources)
        answer = self.client.request("POST", f"{DOMAINS}/resources", json_body=resources, expect=200)
        self._written |= {(one["id"], f"{one['provider']}.{one['type']}") for one in resources}
        return answer.json

    def remove(self, resource):
        """Deletes a resource."""
        kind = f"{resource['provider']}.{resource['type']}"
        self.client.request(
            "DELETE", self.resource_path(resource["id"]), query={"type": kind}, expect=204
        )
        self._written.discard((resource["id"], kind))

    # -- rules -----------------------------------------------------------------------------------

    def create(self, policy="volume-unused-check", *, parameters=None, filter=None, name=None, **body):
        """Makes a rule; answers the rule as the create call returns it, before any run."""
        body["name"] = unique("rule") if name is None else name
        if "custom_policy" not in body:
            body.setdefault("policy_definition_id", POLICIES.get(policy, policy))
        if parameters is not None:
            body["parameters"] = {key: {"value": value} for key, value in parameters.items()}
        if filter is not None:
            body["policy_filter_v2" if filter.keys() & V2_KEYS else "policy_filter"] = filter
        return self.client.call("CreatePolicyAssignments", body).json

    def rule(self, *args, **options):
        """Makes a rule, waits until everything in its scope is judged, and answers its id."""
        id = self.create(*args, **options)["id"]
        self.settle(id)
        return id

    def custom_rule(self, **options):
        """Makes a rule whose results a function reports."""
        options.setdefault(
            "custom_policy",
            {
                "function_urn": "urn:fss:cn-north-4:0605767f9f00d5762fd6c01d6ba3a2f5:function:default:judge:latest",
                "auth_type": "agency",
                "auth_value": {"agency_name": "rms_custom_policy_agency"},
            },
        )
        id = self.create(policy_assignment_type="custom", **options)["id"]
        polling.until(lambda: self.show(id)["state"] == "Enabled", what="the custom rule to be enabled")
        return id

    def show(self, id):
        return self.client.call("ShowPolicyAssignment", policy_assignment_id=id).json

    def settle(self, id, state="Enabled"):
        """Waits until the rule's last run is done."""

        def done():
            run = self.client.call("ShowEvaluationStateByAssignmentId", policy_assignment_id=id).json
            return run["state"] == "Succeeded" and self.show(id)["state"] == state and run

        return polling.until(done, what=f"rule {id} to be {state} and judged")

    def update(self, id, **changes):
        """Updates a rule by the SDK with what it is now and some changes; waits for the run."""
        rule = self.show(id)
        body = {
            key: rule[key]
            for key in (
                "name", "description", "policy_assignment_type", "policy_definition_id",
                "policy_filter", "period", "parameters", "custom_policy",
            )
            if rule.get(key) is not None
        }
        body.update(changes)
        answer = self.client.call("UpdatePolicyAssignment", body, policy_assignment_id=id).json
        if answer["state"] != "Disabled" and rule["policy_assignment_type"] == "builtin":
            self.settle(id)
        return answer

    def put_rule(self, id, body, expect=200):
        """Updates a rule by a raw body, for what the SDK cannot say."""
        return self.client.request("PUT", self.rule_path(id), json_body=body, expect=expect)

    def rule_path(self, id):
        return f"/v1/resource-manager/domains/{{domain_id}}/policy-assignments/{id}"

    def enable(self, id):
        assert self.client.call("EnablePolicyAssignment", policy_assignment_id=id).status == 202
        self.settle(id)

    def disable(self, id):
        assert self.client.call("DisablePolicyAssignment", policy_assignment_id=id).status == 202

    def delete(self, id):
        assert self.client.call("DeletePolicyAssignment", policy_assignment_id=id).status == 200

    # -- verdicts --------------------------------------------------------------------------------

    def states(self, id, **filters):
        """Resource id to verdict of one rule."""
        rows = self.client.pages("ListPolicyStatesByAssignmentId", policy_assignment_id=id, **filters)
        verdicts = {row["resource_id"]: row["compliance_state"] for row in rows}
        assert len(verdicts) == len(rows), "one state for a rule and a resource"
        return verdicts

    def domain_states(self, **filters):
        """(rule id, resource id) to verdict of the account."""
        rows = self.client.pages("ListPolicyStatesByDomainId", **filters)
        verdicts = {(row["policy_assignment_id"], row["resource_id"]): row["compliance_state"] for row in rows}
        assert len(verdicts) == len(rows), "one state for a rule and a resource"
        return verdicts

    def resource_states(self, id, **filters):
        """Rule id to verdict of one resource."""
        rows = self.client.pages("ListPolicyStatesByResourceId", resource_id=id, **filters)
        return {row["policy_assignment_id"]: row["compliance_state"] for row in rows}

    def summary(self, **filters):
        return self.client.call("CollectPolicyStatesSummary", **filters).json

    def counts(self, **filters):
        """(compliant, non-compliant) resources, then rules, of the account's summary."""
        results = self.summary(**filters)["results"]
        return counts(results["resource_details"]), counts(results["assignment_details"])

    def rule_counts(self, id, **filters):
        """(compliant, non-compliant) resources of one rule."""
        summary = self.client.call(
            "CollectPolicyAssignmentsStatesSummary", policy_assignment_id=id, **filters
        ).json
        assert summary["results"]["assignment_details"] is None
        return counts(summary["results"]["resource_details"])

    def event(self, rule, resource=None):
        """The event which the function of a custom rule would get."""
        query = {} if resource is None else {"resource_id": resource}
        path = f"{DOMAINS}/policy-assignments/{rule}/event"
        return self.client.request("GET", path, query=query, expect=200).json

    def explain(self, rule, resource):
        path = f"{DOMAINS}/policy-assignments/{rule}/policy-states/{resource}/explanation"
        return self.client.request("GET", path, expect=200).json

    # -- the end ---------------------------------------------------------------------------------

    def clear(self):
        """Takes everything away that the account holds of this test."""
        for rule in self.client.pages("ListPolicyAssignments"):
            # It may be disabled already.
            with contextlib.suppress(ServiceResponseException):
                self.client.call("DisablePolicyAssignment", policy_assignment_id=rule["id"])
            self.client.call("DeletePolicyAssignment", policy_assignment_id=rule["id"])
        for id, kind in self._written:
            self.client.request(
                "DELETE", self.resource_path(id), query={"type": kind}, expect=(204, 404)
            )
        self._written.clear()


V2_KEYS = {
    "region_ids", "resource_types", "resource_ids", "tag_key_logic", "tags",
    "exclude_tag_key_logic", "exclude_tags",
}


def counts(unit):
    """(compliant, non-compliant), with null as no one."""
    return unit["compliant_count"] or 0, unit["non_compliant_count"] or 0


def only(rows, **wanted):
    """The one row that has these values."""
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows with {wanted} in {rows}"
    return found[0]
