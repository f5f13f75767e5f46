#!/usr/bin/env python3
"""Cloud Custodian's filters over parsed resources. usage: c7n_peer.py INVENTORY MIX PASSES MOST"""

import contextlib
import json
import sys
import types

import mix
from c7n.filters import FilterRegistry
from c7n.filters.core import ListItemFilter, ValueFilter


class Manager:
    """What filters ask of their resource manager."""

    type = "resource"

    class config:
        region, account_id = "cn-north-4", "ours"

    def __init__(self):
        self.filter_registry = FilterRegistry("bench")
        self.filter_registry.register("list-item", ListItemFilter)
        self.data = {}
        # Filters on the elements of a list make a manager of their own of it.
        self.ctx = types.SimpleNamespace(options=None, session_factory=None, policy=None,
            tracer=types.SimpleNamespace(subsegment=lambda *_, **__: contextlib.nullcontext()))

    class Model:
        id = "id"

    def get_model(self):
        return self.Model


def value(key, given, **more):
    return {"type": "value", "key": key, "value": given, **more}


def policies(of):
    rule = "properties.security_group_rules"
    return [
        [value("properties.status", "available")],
        [value("properties.status", "in-use"),
         {"or": [value("properties.metadata.systemEncrypted", "absent"), value("properties.metadata.systemEncrypted", "0")]}],
        [{"or": [value(f'tags."{of["tag_key"]}"', "absent"),
                 value(f'tags."{of["tag_key"]}"', of["tag_values"], op="not-in")]}],
        [value("properties.flavor.name", of["flavors"], op="not-in")],
        [value("properties.metadata.meteringImageId", of["images"], op="not-in")],
        [{"not": [value("name", of["expression"], op="regex-case")]}],
        [value("properties.enabled", True), value("length(properties.mfa_devices)", 0)],
        [value("length(properties.publicIps)", 0, op="greater-than")],
        [{"type": "list-item", "key": rule, "attrs": [
            value("direction", "ingress"), value("action", "deny", op="not-equal"),
            value("protocol", ["tcp", "6", "any", ""], op="in"),
            {"or": [value("remote_ip_prefix", ["0.0.0.0/0", "::/0"], op="in"),
                    {"and": [value("remote_ip_prefix", "absent"), value("remote_group_id", "absent"),
                             value("remote_address_group_id", "absent")]}]},
            {"or": [value("port_range_min", "absent"),
                    {"and": [value("port_range_min", of["port"], op="lte"),
                             value("port_range_max", of["port"], op="gte")]}]},
        ]}],
        [value("properties.minimum_password_length", of["least"], op="less-than")],
    ]


def main(inventory, parameters, passes, most):
    with open(parameters) as file:
        of = json.load(file)
    manager = Manager()
    compiled = [manager.filter_registry.parse(filters, manager) for filters in policies(of)]
    resources = mix.inventory(inventory, most)
    scopes = [[] for _ in range(10)]
    for resource in resources:
        for number in mix.policies(resource):
            scopes[number - 1].append(resource)
    times, counts = [], []
    for _ in range(passes):
        before = mix.cpu_ns()
        counts = []
        # As Custodian does it: each filter gets the list that the one before let through.
        for filters, found in zip(compiled, scopes):
            for each in filters:
                found = each.process(found, None)
            counts.append(len(found))
        times.append(mix.cpu_ns() - before)
        # What the filters note on a resource.
        for resource in resources:
            for note in [key for key in resource if key.startswith("c7n:")]:
                del resource[note]
    mix.answer("c7n", len(resources), sum(map(len, scopes)), times, counts)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
