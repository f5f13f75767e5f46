"""A function for a rule that runs by the clock.

Compliant is an account that has no more resources of a type than the rule allows. Parameters of the
rule: type ("evs.volumes"), most. Runs unchanged here and in FunctionGraph.
"""
from huaweicloudsdkconfig.v1 import CountAllResourcesRequest

from resource_check import client_of, report


def handler(event, context):
    if event["invoking_event"].get("name") != "Account":
        return
    parameters = event["rule_parameter"]
    kind, most = parameters["type"]["value"], int(parameters["most"]["value"])
    client = client_of(event, context)
    count = client.count_all_resources(CountAllResourcesRequest(type=[kind])).total_count
    state = "Compliant" if count <= most else "NonCompliant"
    context.getLogger().info("%d resources of %s: %s", count, kind, state)
    report(event, state, client)
