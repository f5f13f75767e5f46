"""A function of a periodic rule: counts through the vendor's SDK and reports on the account."""

from huaweicloudsdkconfig.v1 import ConfigClient, ListPolicyStatesByDomainIdRequest
from huaweicloudsdkconfig.v1.region.config_region import ConfigRegion
from huaweicloudsdkcore.auth.credentials import GlobalCredentials

import resource_sdk


def handler(event, context):
    if event["invoking_event"]["name"] != "Account":
        return
    credentials = GlobalCredentials(
        ak=context.getSecurityAccessKey(), sk=context.getSecuritySecretKey(), domain_id=event["domain_id"]
    ).with_security_token(context.getSecurityToken())
    client = (
        ConfigClient.new_builder()
        .with_credentials(credentials)
        .with_region(ConfigRegion.value_of("cn-north-4"))
        .build()
    )
    count, marker = 0, None
    while True:
        request = ListPolicyStatesByDomainIdRequest(compliance_state="NonCompliant", limit=200)
        if marker:
            request.marker = marker
        page = client.list_policy_states_by_domain_id(request)
        count += len([row for row in page.value if row.resource_provider == "evs"])
        marker = page.page_info.next_marker
        if not marker:
            break
    most = event["rule_parameter"]["most"]["value"]
    print(f"{count} disks are non-compliant")
    resource_sdk.update(context, event, "Compliant" if count <= int(most) else "NonCompliant")
