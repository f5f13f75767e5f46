#!/usr/bin/env python3
"""Makes the golden vectors of crates/ruleward-sign with the vendor's own signer.

Run it with the environment of tests/requirements.txt; it writes the file which the Rust tests
read. All keys are invented. The date is fixed, so a second run writes the same file.
"""

import json
import pathlib
import warnings

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner, Signer

TARGET = pathlib.Path(__file__).parents[2] / "crates/ruleward-sign/tests/it/vectors.json"
ACCESS_KEY = "INVENTEDACCESSKEY001"
SECRET_KEY = "invented/secret+key=for-tests-only-0001"
LONG_SECRET_KEY = "invented-and-longer-than-one-block-of-the-hash-" * 3
LONG_KEY_CASES = ("repeated keys", "put with a body")
DATE = "20260301T235959Z"
RULES = "/v1/resource-manager/domains/0123456789abcdef0123456789abcdef/policy-assignments"
BODY = json.dumps({"name": "disk in use", "description": "Größe 磁盘 \U0001f600"}, ensure_ascii=False)


def cases():
    """Name, method, path, query pairs, extra headers, body."""
    json_type = {"Content-Type": "application/json"}
    domain = {"X-Domain-Id": "0123456789abcdef0123456789abcdef"}
    agent = {"User-Agent": "huaweicloud-usdk-python/3.0; test"}
    usual = {**json_type, **domain, **agent}
    yield "get without query", "GET", RULES, [], usual, None
    yield "get with a trailing slash", "GET", RULES + "/", [], usual, None
    yield "the root", "GET", "/", [], usual, None
    yield "lower-case method", "get", RULES, [], usual, None
    yield "query in disorder", "GET", RULES, [("policy_assignment_name", "b"), ("limit", 1), ("marker", "CAES/+=-_")], usual, None
    yield "repeated keys", "GET", RULES, [("tags", ["b=2", "a", "a=1"]), ("limit", 200)], usual, None
    yield "empty value", "GET", RULES, [("marker", ""), ("limit", 5)], usual, None
    yield "boolean value", "GET", RULES, [("resource_deleted", True)], usual, None
    yield "odd characters in the query", "GET", RULES, [("name", "a b+c&d=e/f?g#h%i~j'k\"{}|\\^`*()!$,;:@[]<>")], usual, None
    yield "unicode in the query", "GET", RULES, [("Größe", "磁盘 \U0001f600"), ("zeta", "1"), ("{x", "2")], usual, None
    yield "space in the path", "GET", "/v1/resources/a%20b", [], usual, None
    yield "unencoded space in the path", "GET", "/v1/resources/a b", [], usual, None
    yield "percent in the path", "GET", "/v1/resources/100%25/x", [], usual, None
    yield "unfinished percent in the path", "GET", "/v1/resources/100%/%zz", [], usual, None
    yield "encoded slash in the path", "GET", "/v1/resources/a%2Fb%2fc", [], usual, None
    yield "unicode in the path", "GET", "/v1/resources/%E7%A3%81%E7%9B%98/Gr%C3%B6%C3%9Fe", [], usual, None
    yield "not unicode in the path", "GET", "/v1/resources/%ff%fe%e7%a3/x", [], usual, None
    yield "reserved characters in the path", "GET", "/v1/config:policyAssignments/a+b~c@d=e;f,g", [], usual, None
    yield "doubled slashes", "GET", "//v1//resources", [], usual, None
    yield "put with a body", "PUT", RULES, [], usual, BODY
    yield "put with an empty object", "PUT", RULES, [], usual, "{}"
    yield "post without a body", "POST", RULES + "/68511e12374e70675172b9c1/enable", [], usual, None
    yield "delete", "DELETE", RULES + "/68511e12374e70675172b9c1", [], usual, None
    yield "security token", "GET", RULES, [("limit", 1)], {**usual, "X-Security-Token": "gQpjbi1ub3J0aC00/invented+token=="}, None
    yield "body of another type", "POST", RULES, [], {**domain, "Content-Type": "application/x-ndjson"}, BODY
    yield "other type without a body", "POST", RULES, [], {**domain, "Content-Type": "text/plain"}, None
    yield "header with spaces around", "GET", RULES, [], {**usual, "X-Language": "  en-us  "}, None
    yield "unicode header", "GET", RULES, [], {**usual, "X-Note": "磁盘 ö"}, None
    yield "header with an underscore is not signed", "GET", RULES, [], {**usual, "x_note": "free"}, None
    yield "host header given", "GET", RULES, [], {**usual, "Host": "rms.example.org:8443"}, None
    yield "no content type", "GET", "/v3/auth/domains", [], agent, ""


def build(method, path, query, headers, body):
    return SdkRequest(
        method=method,
        schema="http",
        host="127.0.0.1:8080",
        resource_path=path,
        query_params=list(query),
        header_params={**headers, "X-Sdk-Date": DATE},
        body=body,
    )


def vector(name, request, secret_key, path):
    body = request.body or b""
    uri = request.uri
    return {
        "name": name,
        "method": request.method,
        "path": path,
        "query": uri[len(path) + 1 :],
        # As they go over the wire: the SDK has turned them into bytes read as latin-1.
        "headers": [[key, value.encode("latin-1").hex()] for key, value in request.header_params.items()],
        "body": body.hex(),
        "secret_key": secret_key,
    }


def main():
    warnings.simplefilter("ignore", DeprecationWarning)
    vectors = []
    for secret_key, suffix in ((SECRET_KEY, ""), (LONG_SECRET_KEY, ", long key")):
        credentials = GlobalCredentials(ACCESS_KEY, secret_key)
        for name, method, path, query, headers, body in cases():
            if suffix and name not in LONG_KEY_CASES:
                continue
            plain = Signer(credentials).sign(build(method, path, query, headers, body))
            vectors.append(vector(name + suffix, plain, secret_key, path))
            derived = DerivationAKSKSigner(credentials).sign(
                build(method, path, query, headers, body), "rms", "globe"
            )
            vectors.append(vector(name + ", derived key" + suffix, derived, secret_key, path))
    TARGET.write_text(json.dumps({"access_key": ACCESS_KEY, "date": DATE, "vectors": vectors}, indent=1) + "\n")
    print(f"{len(vectors)} vectors in {TARGET}")


if __name__ == "__main__":
    main()
