#!/usr/bin/env python3
"""DuckDB over a JSON column, one thread. usage: duckdb_peer.py INVENTORY MIX PASSES"""

import json
import sys

import duckdb

import mix


def main(inventory, parameters, passes):
    with open(parameters) as file:
        of = json.load(file)
    base = duckdb.connect(config={"threads": 1})
    base.execute(
        "CREATE TABLE resource AS SELECT json ->> '$.provider' || '.' || (json ->> '$.type') AS kind, json AS body "
        "FROM read_csv(?, columns = {'json': 'JSON'}, delim = '\\x01', quote = '', escape = '', header = false)",
        [inventory])
    rules = "from_json(body -> '$.properties.security_group_rules', '[\"JSON\"]')"
    queries = [
        ("kind = 'evs.volumes' AND body ->> '$.properties.status' = 'available'", []),
        ("kind = 'evs.volumes' AND body ->> '$.properties.status' = 'in-use' "
         "AND coalesce(body ->> '$.properties.metadata.systemEncrypted', '0') = '0'", []),
        (f"coalesce(body ->> '$.tags.\"{of['tag_key']}\"', '') NOT IN (SELECT unnest(?))", [of["tag_values"]]),
        ("kind = 'ecs.cloudservers' AND body ->> '$.properties.flavor.name' NOT IN (SELECT unnest(?))", [of["flavors"]]),
        ("kind = 'ecs.cloudservers' AND body ->> '$.properties.metadata.meteringImageId' NOT IN (SELECT unnest(?))",
         [of["images"]]),
        (f"NOT regexp_matches(body ->> '$.name', '{of['expression']}')", []),
        ("kind = 'iam.users' AND body ->> '$.properties.enabled' = 'true' "
         "AND json_array_length(body, '$.properties.mfa_devices') = 0", []),
        ("kind = 'rds.instances' AND len(list_filter("
         "from_json(body -> '$.properties.publicIps', '[\"VARCHAR\"]'), lambda a: a <> '')) > 0", []),
        (f"kind = 'vpc.securityGroups' AND len(list_filter({rules}, lambda s: "
         "s ->> '$.direction' = 'ingress' AND s ->> '$.action' <> 'deny' "
         "AND s ->> '$.protocol' IN ('tcp', '6', 'any', '') "
         "AND (coalesce(s ->> '$.remote_ip_prefix' IN ('0.0.0.0/0', '::/0'), false) "
         "OR (s ->> '$.remote_ip_prefix' IS NULL AND s ->> '$.remote_group_id' IS NULL "
         "AND s ->> '$.remote_address_group_id' IS NULL)) "
         f"AND (s ->> '$.port_range_min' IS NULL OR {of['port']} BETWEEN "
         "CAST(s ->> '$.port_range_min' AS INT) AND CAST(s ->> '$.port_range_max' AS INT)))) > 0", []),
        (f"kind = 'iam.passwordPolicies' AND CAST(body ->> '$.properties.minimum_password_length' AS INT) < {of['least']}",
         []),
    ]
    resources = base.execute("SELECT count(*) FROM resource").fetchone()[0]
    kinds = dict(base.execute("SELECT kind, count(*) FROM resource GROUP BY kind").fetchall())
    evaluations = sum(n * (2 + len(mix.BY_TYPE.get(tuple(kind.split(".")), ()))) for kind, n in kinds.items())
    times, counts = [], []
    for number in range(passes + 1):
        before = mix.cpu_ns()
        counts = [base.execute(f"SELECT count(*) FROM resource WHERE {query}", given).fetchone()[0]
                  for query, given in queries]
        # The first pass warms up.
        if number > 0:
            times.append(mix.cpu_ns() - before)
    mix.answer("duckdb", resources, evaluations, times, counts, version=duckdb.__version__)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
