"""A function of a resource-triggered rule in the shape of the vendor's sample: the vendor's SDK, the
agency's temporary credentials, three tries on 429."""

import time

from huaweicloudsdkconfig.v1 import (
    ConfigClient,
    PolicyResource,
    PolicyStateRequestBody,
    UpdatePolicyStateRequest,
)
from huaweicloudsdkconfig.v1.region.config_region import ConfigRegion
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ConnectionException, ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig


def evaluate(resource, parameters):
    wanted = parameters.get("wanted", {}).get("value", ["in-use"])
    return "Compliant" if resource["properties"]["status"] in wanted else "NonCompliant"


def update(context, event, state):
    credentials = GlobalCredentials(
        ak=context.getSecurityAccessKey(), sk=context.getSecuritySecretKey(), domain_id=event["domain_id"]
    ).with_security_token(context.getSecurityToken())
    client = (
        ConfigClient.new_builder()
        .with_http_config(HttpConfig.get_default_config())
        .with_credentials(credentials)
        .with_region(ConfigRegion.value_of("cn-north-4"))
        .build()
    )
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
        evaluation_hash=event["evaluation_hash"],
    )
    for _ in range(3):
        try:
            return client.update_policy_state(UpdatePolicyStateRequest(body=body))
        except ServiceResponseException as error:
            if error.status_code != 429:
                raise
            print("too many requests")
            time.sleep(1)
    raise RuntimeError("too many requests, three times")


def handler(event, context):
    state = evaluate(event["invoking_event"], event["rule_parameter"])
    update(context, event, state)
    context.getLogger().info("%s is %s", event["invoking_event"]["id"], state)
