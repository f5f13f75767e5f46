"""A function for a rule that is triggered by resources.

Compliant is a resource whose property (`key`, a path with dots) has one of the values that the rule
names. Parameters of the rule: key, values. Runs unchanged here and in FunctionGraph.
"""
import time

from huaweicloudsdkconfig.v1 import (
    ConfigClient,
    PolicyResource,
    PolicyStateRequestBody,
    UpdatePolicyStateRequest,
)
from huaweicloudsdkconfig.v1.region.config_region import ConfigRegion
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

TRIES = 3
MISSING = object()


def handler(event, context):
    resource = event["invoking_event"]
    parameters = event["rule_parameter"]
    wanted = parameters["values"]["value"]
    found = look_up(resource.get("properties") or {}, parameters["key"]["value"])
    state = "Compliant" if found in wanted else "NonCompliant"
    context.getLogger().info("%s: %r is %s", resource["id"], found, state)
    report(event, state, client_of(event, context))


def look_up(properties, path):
    value = properties
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def client_of(event, context):
    credentials = GlobalCredentials(
        context.getSecurityAccessKey(), context.getSecuritySecretKey(), event["domain_id"]
    ).with_security_token(context.getSecurityToken())
    region = ConfigRegion.value_of("cn-north-4")
    return ConfigClient.new_builder().with_credentials(credentials).with_region(region).build()


def report(event, state, client):
    resource = event["invoking_event"]
    body = PolicyStateRequestBody(
        policy_resource=PolicyResource(
            resource_id=resource["id"],
            resource_name=resource["name"],
            resource_provider=resource["provider"],
            resource_type=resource["type"],
            region_id=resource["region_id"],
            domain_id=event["domain_id"],
        ),
        trigger_type=event["trigger_type"],
        compliance_state=state,
        policy_assignment_id=event["policy_assignment_id"],
        policy_assignment_name=event["policy_assignment_name"],
        evaluation_time=event["evaluation_time"],
        # The proof that this answers that event.
        evaluation_hash=event["evaluation_hash"],
    )
    for attempt in range(TRIES):
        try:
            return client.update_policy_state(UpdatePolicyStateRequest(body=body))
        except ClientRequestException as error:
            # The service asks to come back later.
            if error.status_code != 429 or attempt == TRIES - 1:
                raise
            time.sleep(1)
