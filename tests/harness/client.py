"""Two ways to ask the server: the vendor's SDK, and raw requests signed by the vendor's signer."""

import contextlib
import dataclasses
import datetime
import json
import re

import pytest
import requests
from huaweicloudsdkconfig import v1 as sdk
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner, Signer


@dataclasses.dataclass(frozen=True)
class Keys:
    """A key pair and the account that it belongs to."""

    access_key: str
    secret_key: str
    domain_id: str
    security_token: str | None = None


class Answer:
    """What the server answered."""

    def __init__(self, status, body, headers, model=None):
        self.status = status
        self.text = body
        self.headers = headers
        self.model = model

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"<{self.status} {self.text[:300]!r}>"


def snake(operation):
    """The SDK's method of an operation: `ListPolicyStates` is `list_policy_states`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


@contextlib.contextmanager
def refused(status, code):
    """The SDK's call inside is refused with this status and code, in words."""
    with pytest.raises(ServiceResponseException) as caught:
        yield caught
    error = caught.value
    assert (error.status_code, error.error_code) == (status, code), str(error)
    assert error.error_msg, "a refusal says what is wrong"
    assert error.request_id, "a refusal names its request"


class Client:
    """A caller of the service."""

    def __init__(self, endpoint, keys):
        self.endpoint = endpoint
        self.keys = keys
        self.session = requests.Session()
        self.session.trust_env = False
        credentials = GlobalCredentials(keys.access_key, keys.secret_key, keys.domain_id)
        if keys.security_token:
            credentials = credentials.with_security_token(keys.security_token)
        self.sdk = (
            sdk.ConfigClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()
        )

    @property
    def domain_id(self):
        return self.keys.domain_id

    def call(self, operation, body=None, **parameters):
        """Calls an operation by its published name with the SDK's own classes.

        A body given as a dictionary becomes the SDK's model first, so that what goes over the
        wire is what the SDK makes of it.
        """
        request_class = getattr(sdk, f"{operation}Request")
        if body is not None:
            model = request_class.openapi_types["body"]
            parameters["body"] = self.sdk._deserialize(body, model)
        request = request_class(**parameters)
        model = getattr(self.sdk, snake(operation))(request)
        return Answer(model.status_code, model.raw_content.decode(), {}, model)

    def page(self, operation, **parameters):
        """The rows of one page."""
        return self.call(operation, **parameters).json["value"]

    def pages(self, operation, **parameters):
        """All rows, page by page through the markers."""
        rows, marker = [], None
        for _ in range(10_000):
            more = {} if marker is None else {"marker": marker}
            answer = self.call(operation, **parameters, **more).json
            assert answer["page_info"]["current_count"] == len(answer["value"])
            rows += answer["value"]
            marker = answer["page_info"]["next_marker"]
            if marker is None:
                return rows
        raise AssertionError("the pages do not end")

    def request(
        self,
        method,
        path,
        *,
        query=(),
        json_body=None,
        body=None,
        headers=None,
        keys=None,
        signed=True,
        derived=False,
        date=None,
        expect=None,
        edit=None,
    ):
        """Sends a raw request; `{domain_id}` in the path is the caller's account.

        `edit` may change the signed request (as an attacker would) before it is sent.
        """
        keys = keys or self.keys
        if json_body is not None:
            body = json.dumps(json_body, ensure_ascii=False).encode()
        request = SdkRequest(
            method=method,
            schema="http",
            host=self.endpoint.removeprefix("http://"),
            resource_path=path.replace("{domain_id}", keys.domain_id),
            query_params=list(query.items()) if isinstance(query, dict) else list(query),
            header_params={"Content-Type": "application/json", **(headers or {})},
            body=body,
        )
        if date is not None:
            request.header_params["X-Sdk-Date"] = date.strftime("%Y%m%dT%H%M%SZ")
        if keys.security_token:
            request.header_params["X-Security-Token"] = keys.security_token
        if signed:
            pair = GlobalCredentials(keys.access_key, keys.secret_key)
            if derived:
                DerivationAKSKSigner(pair).sign(request, "rms", "globe")
            else:
                Signer(pair).sign(request)
        else:
            Signer.process_request_uri(request)
        if edit is not None:
            edit(request)
        response = self.session.request(
            method,
            f"{self.endpoint}{request.uri}",
            data=request.body,
            headers=request.header_params,
            timeout=60,
            allow_redirects=False,
        )
        answer = Answer(response.status_code, response.text, response.headers)
        if expect is not None:
            expected = (expect,) if isinstance(expect, int) else tuple(expect)
            assert answer.status in expected, f"{method} {path}: {answer}"
        return answer

    def refuse(self, status, code, method, path, **options):
        """A raw request that is refused with this status and code."""
        answer = self.request(method, path, **options)
        assert answer.status == status, f"{method} {path}: {answer}"
        assert answer.json["error_code"] == code, answer
        return answer


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)
