"""The published definitions of the service, as the judge of every exchange.

The definitions come with a crate: one OpenAPI document per operation. What the real service does
otherwise than its definitions say stands in the tables at the head of this module, and nowhere
else.
"""

import functools
import json
import os
import pathlib
import re
import subprocess
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import regex

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = "huawei-cloud-api-definitions-Config"
PREFIX = "/v1/resource-manager/"

# Statuses that an operation may answer without declaring them. Their body is the common error.
UNDECLARED_STATUSES = {
    401: "the caller is not known; six operations declare it, all can answer it",
    404: "the thing of the path does not exist; clients need it, some operations forget it",
    405: "the path exists, the method does not",
    413: "the body is larger than any legal one",
    429: "too many requests; the documented sample function retries on it",
    501: "published, not built yet",
    503: "not now, for example while the server ends",
}

# A value that is declared `type: object` without any properties holds any JSON in every example
# (parameters, properties of resources, variables); so such a schema takes anything. (One rule.)
OBJECT_MEANS_ANYTHING = True

# Fields that come although the schema of the operation does not name them: (operation, schema).
EXTRA_FIELDS = {
    ("UpdatePolicyAssignment", "PolicyAssignment"): {
        # It is kept by an update, so whoever reads the answer must see it; every other operation
        # declares it for the same object.
        "policy_filter_v2": {"type": ["object", "null"]},
    },
    ("UpdateOrganizationPolicyAssignment", "OrganizationPolicyAssignmentResponse"): {
        # The page of this operation names it; the definition is older.
        "policy_filter_v2": {"type": ["object", "null"]},
    },
    ("ShowOrganizationPolicyAssignment", "OrganizationPolicyAssignmentSingle"): {
        # The vendor's Terraform provider reads it.
        "function_urn": {"type": ["string", "null"]},
    },
}

# Constraints that contradict the operation's own documentation: (operation, schema, field).
LIFTED = {
    ("ListBuiltInPolicyDefinitions", "PageInfo", "current_count"): ("maximum", "the limit is 500"),
    ("ListPolicyAssignments", "PageInfo", "current_count"): ("maximum", "the limit is 500"),
    ("ShowResourceRelations", "PageInfo", "current_count"): ("maximum", "the limit is 1000"),
    ("ShowResourceRelationsDetail", "PageInfo", "current_count"): ("maximum", "the limit is 1000"),
}

# Request fields that clients are documented to send otherwise than declared: (schema, field).
REQUEST_TYPES = {
    ("PolicyStateRequestBody", "evaluation_time"): (
        {"type": ["string", "integer"]},
        "the page's example sends a number",
    ),
    ("ResourceInstancesReq", "without_any_tag"): (
        {"enum": [True, False, "true", "false"]},
        "the definition's example sends a text",
    ),
}

# Request fields that are declared as required and left out by an example: (schema, field).
REQUEST_OPTIONAL = {
    ("ResourceUnTag", "value"): "the definition's example names the key alone",
}

# Request fields that are tolerated: undeclared, and sent by the documentation's own examples.
REQUEST_EXTRAS = {
    ("UpdatePolicyAssignment", "domain_id"): "the page's example sends it",
    ("UpdatePolicyAssignment", "policy_filter_v2"): "the same object as on create",
    ("UpdatePolicyState", "function_urn"): "the documented sample function sends it",
}

# Optional fields without a value come as explicit nulls in every example of the service; so
# `null` is allowed for every property that its schema does not require. (One rule, not a list.)
NULL_FOR_ABSENT = True


@functools.cache
def definitions_folder():
    """Where cargo keeps the crate's sources."""
    given = os.environ.get("RULEWARD_DEFINITIONS")
    if given:
        return pathlib.Path(given)
    metadata = None
    for offline in (["--offline"], []):
        done = subprocess.run(
            ["cargo", "metadata", "--format-version", "1", *offline],
            cwd=ROOT,
            capture_output=True,
        )
        if done.returncode == 0:
            metadata = json.loads(done.stdout)
            break
    assert metadata, f"cargo metadata failed: {done.stderr.decode()}"
    for package in metadata["packages"]:
        if package["name"] == PACKAGE:
            return pathlib.Path(package["manifest_path"]).parent / "src"
    raise AssertionError(f"{PACKAGE} is not among the packages of the workspace")


@functools.cache
def operations():
    """Every published operation by its name."""
    found = {}
    for path in sorted(definitions_folder().glob("*.json")):
        operation = Operation(json.loads(path.read_text()))
        found[operation.name] = operation
    return found


def find(method, path):
    """The operation of a request; a literal part of a path goes before a parameter."""
    matches = [
        operation
        for operation in operations().values()
        if operation.method == method.upper() and operation.path_pattern.fullmatch(path)
    ]
    return min(matches, key=lambda operation: operation.path.count("{"), default=None)


def full_match(pattern, text):
    """Patterns are Java's and mean the whole value; `\\w` and `\\d` are ASCII."""
    pattern = pattern.replace(r"\w", "A-Za-z0-9_").replace(r"\d", "0-9")
    return regex.fullmatch(pattern, text) is not None


def _check_pattern(_validator, pattern, instance, _schema):
    if isinstance(instance, str) and not full_match(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r} as a whole")


Judge = jsonschema.validators.extend(jsonschema.Draft4Validator, {"pattern": _check_pattern})


class Operation:
    """One published operation."""

    def __init__(self, document):
        (self.path,) = document["paths"]
        (method,) = document["paths"][self.path]
        self.method = method.upper()
        self.definition = document["paths"][self.path][method]
        self.name = self.definition["operationId"]
        self.components = document["components"]
        self.parameters = [self._resolve(one) for one in self.definition.get("parameters", [])]
        parts = re.split(r"\{[^}]+\}", self.path)
        self.path_pattern = re.compile("([^/]+)".join(map(re.escape, parts)))
        self.path_names = re.findall(r"\{([^}]+)\}", self.path)
        self.responses = self.definition["responses"]
        self._judges = {}

    def _resolve(self, node):
        if "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            return self.components[kind][name]
        return node

    # -- schemas ---------------------------------------------------------------------------------

    def schema(self, node, *, answer, name=None):
        """A JSON Schema without references, with the tables of this module worked in."""
        if "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[1]
            node = self._resolve(node)
        node = dict(node)
        if OBJECT_MEANS_ANYTHING and is_free(node):
            return {}
        if "allOf" in node:
            node = self._merged(node)
        schema = {
            key: node[key]
            for key in (
                "type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
                "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required",
            )
            if key in node
        }
        if answer:
            # What is stored may be older than a limit on what may be written.
            for key in ("minItems", "maxItems", "minLength", "maxLength", "pattern"):
                schema.pop(key, None)
        if "anyOf" in node:
            schema["anyOf"] = [self.schema(one, answer=answer, name=name) for one in node["anyOf"]]
        if "items" in node:
            schema["items"] = self.schema(node["items"], answer=answer, name=name)
        if "properties" in node:
            self._add_properties(schema, node, answer, name)
        extra = node.get("additionalProperties")
        if isinstance(extra, dict):
            schema["additionalProperties"] = self.schema(extra, answer=answer, name=name)
        if node.get("nullable"):
            schema = nullable(schema)
        return schema

    def _add_properties(self, schema, node, answer, name):
        required = node.get("required", [])
        properties = {}
        for key, value in node["properties"].items():
            inner = self.schema(value, answer=answer, name=name)
            if not answer and (name, key) in REQUEST_TYPES:
                inner = REQUEST_TYPES[name, key][0]
            lifted = LIFTED.get((self.name, name, key))
            if lifted:
                inner = {word: limit for word, limit in inner.items() if word != lifted[0]}
            if NULL_FOR_ABSENT and key not in required:
                inner = nullable(inner)
            properties[key] = inner
        if answer:
            properties.update(EXTRA_FIELDS.get((self.name, name), {}))
        else:
            properties.update({key: {} for operation, key in REQUEST_EXTRAS if operation == self.name})
            optional = {key for schema_name, key in REQUEST_OPTIONAL if schema_name == name}
            if "required" in schema:
                schema["required"] = [key for key in required if key not in optional]
        schema["properties"] = properties
        if not isinstance(node.get("additionalProperties"), dict):
            # A field that nobody declares is a slip of ours.
            schema["additionalProperties"] = False

    def _merged(self, node):
        merged = {"type": "object", "properties": {}, "required": []}
        for part in node["allOf"]:
            part = self._resolve(part)
            if "allOf" in part:
                part = self._merged(part)
            merged["properties"].update(part.get("properties", {}))
            merged["required"] += part.get("required", [])
        if not merged["required"]:
            del merged["required"]
        return merged

    def _judge(self, key, node, *, answer):
        if key not in self._judges:
            schema = self.schema(node, answer=answer)
            # Without formats: the patterns are not those of the `re` module.
            Judge.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
            self._judges[key] = Judge(schema)
        return self._judges[key]

    # -- judging ---------------------------------------------------------------------------------

    def request_problems(self, url, headers, body):
        """What a request that the service accepted does otherwise than declared."""
        parts = urlsplit(url)
        values = self.path_pattern.fullmatch(parts.path).groups()
        given = {
            "path": {name: [unquote(value)] for name, value in zip(self.path_names, values)},
            "query": {},
        }
        for key, value in parse_qsl(parts.query, keep_blank_values=True):
            given["query"].setdefault(key, []).append(value)
        problems = []
        declared = {parameter["name"] for parameter in self.parameters if parameter["in"] == "query"}
        for key in given["query"]:
            if key.split("[")[0] not in declared:
                problems.append(f"query parameter {key!r} is not declared")
        for parameter in self.parameters:
            place, name = parameter["in"], parameter["name"]
            if place == "header":
                # A signed request needs no token although most operations declare it as required.
                value = headers.get(name)
                found = [] if value is None else [value]
                required = parameter.get("required") and name != "X-Auth-Token"
            else:
                found = given[place].get(name, [])
                required = parameter.get("required")
            if not found:
                if required:
                    problems.append(f"{place} parameter {name!r} is missing")
                continue
            problems += self._parameter_problems(parameter, found)
        problems += self._request_body_problems(body)
        return problems

    def _parameter_problems(self, parameter, found):
        schema = self._resolve(parameter["schema"])
        if schema.get("type") == "array":
            if parameter.get("explode") is False:
                found = [part for value in found for part in value.split(",")]
            item = self._resolve(schema.get("items", {}))
            value = [typed(one, item.get("type")) for one in found]
        elif schema.get("type") == "object":
            return []
        elif len(found) > 1:
            return [f"parameter {parameter['name']!r} stands {len(found)} times"]
        else:
            value = typed(found[0], schema.get("type"))
        judge = self._judge(("parameter", parameter["in"], parameter["name"]), schema, answer=False)
        return [f"parameter {parameter['name']!r}: {text}" for text in messages(judge, value)]

    def _request_body_problems(self, body):
        declared = self.definition.get("requestBody")
        if declared is None:
            return ["the operation declares no request body"] if body else []
        if not body:
            return ["the request body is missing"] if declared.get("required") else []
        node = declared["content"]["application/json"]["schema"]
        return [f"request: {text}" for text in messages(self._judge("request", node, answer=False), json.loads(body))]

    def response_problems(self, status, headers, text):
        """What an answer does otherwise than declared."""
        problems = []
        if not headers.get("X-Request-Id"):
            problems.append("the answer has no X-Request-Id")
        declared = self.responses.get(str(status))
        if declared is None and status not in UNDECLARED_STATUSES:
            return [*problems, f"status {status} is not declared"]
        if declared is not None and status < 400 and "content" not in declared:
            return [*problems, "the answer should be empty"] if text else problems
        if headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            problems.append(f"Content-Type is {headers.get('Content-Type')!r}")
        try:
            value = json.loads(text)
        except ValueError:
            return [*problems, f"the answer is not JSON: {text[:200]!r}"]
        if status >= 400:
            problems += error_problems(value)
        if declared is not None:
            node = declared["content"]["application/json"]["schema"]
            judge = self._judge(f"answer {status}", node, answer=True)
            problems += [f"answer: {text}" for text in messages(judge, value)]
        return problems


def error_problems(value):
    """The common error body says what is wrong by a code and in words."""
    for key in ("error_code", "error_msg"):
        if not isinstance(value, dict) or not isinstance(value.get(key), str) or not value[key]:
            return [f"an error without {key}: {value!r}"]
    return []


def is_free(node):
    """Whether a schema says nothing but that it is an object."""
    says = {"properties", "additionalProperties", "allOf", "anyOf", "enum"}
    return node.get("type") == "object" and not says & node.keys()


def nullable(schema):
    """A schema that takes null as well."""
    if not schema:
        return schema
    if "anyOf" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": sorted({*kinds, "null"})}
    return schema


def typed(text, kind):
    """A parameter's text as the type that its schema declares, where it can be read so."""
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def messages(judge, value):
    """The complaints of a judge, each with its place."""
    return [
        f"{'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:300]}"
        for error in judge.iter_errors(value)
    ]
