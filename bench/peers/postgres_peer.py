#!/usr/bin/env python3
"""PostgreSQL over jsonb: an instance of its own in a temporary folder, without parallel queries.

usage: postgres_peer.py INVENTORY MIX PASSES
"""

import glob
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

import mix

SETTINGS = {
    "listen_addresses": "''", "max_parallel_workers_per_gather": "0", "jit": "off", "shared_buffers": "512MB",
    "fsync": "off", "autovacuum": "off",
}


def own_user():
    """PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres" if any(u.pw_name == "postgres" for u in pwd.getpwall()) else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def queries(of):
    quoted = lambda text: "'" + text.replace("'", "''") + "'"
    listed = lambda texts: "(" + ", ".join(map(quoted, texts)) + ")"
    return [
        "kind = 'evs.volumes' AND body #>> '{properties,status}' = 'available'",
        "kind = 'evs.volumes' AND body #>> '{properties,status}' = 'in-use' "
        "AND coalesce(body #>> '{properties,metadata,systemEncrypted}', '0') = '0'",
        f"coalesce(body -> 'tags' ->> {quoted(of['tag_key'])}, '') NOT IN {listed(of['tag_values'])}",
        f"kind = 'ecs.cloudservers' AND body #>> '{{properties,flavor,name}}' NOT IN {listed(of['flavors'])}",
        f"kind = 'ecs.cloudservers' AND body #>> '{{properties,metadata,meteringImageId}}' NOT IN {listed(of['images'])}",
        f"body ->> 'name' !~ {quoted(of['expression'])}",
        "kind = 'iam.users' AND body #>> '{properties,enabled}' = 'true' "
        "AND jsonb_array_length(body #> '{properties,mfa_devices}') = 0",
        "kind = 'rds.instances' AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(body #> '{properties,publicIps}') AS a WHERE a <> '')",
        "kind = 'vpc.securityGroups' AND EXISTS (SELECT 1 FROM jsonb_array_elements(body #> '{properties,security_group_rules}') AS s "
        "WHERE s ->> 'direction' = 'ingress' AND s ->> 'action' <> 'deny' AND s ->> 'protocol' IN ('tcp', '6', 'any', '') "
        "AND (s ->> 'remote_ip_prefix' IN ('0.0.0.0/0', '::/0') OR (s ->> 'remote_ip_prefix' IS NULL "
        "AND s ->> 'remote_group_id' IS NULL AND s ->> 'remote_address_group_id' IS NULL)) "
        f"AND (s ->> 'port_range_min' IS NULL OR {of['port']} BETWEEN (s ->> 'port_range_min')::int AND (s ->> 'port_range_max')::int))",
        f"kind = 'iam.passwordPolicies' AND (body #>> '{{properties,minimum_password_length}}')::int < {of['least']}",
    ]


def backend_cpu_ns(pid):
    """CPU time of the process that runs a session's queries."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


class Session:
    """A psql of its own, one query at a time."""

    def __init__(self, folder, owner):
        self.process = subprocess.Popen(
            ["psql", "-h", folder, "-U", "bench", "-d", "postgres", "-Atq", "-v", "ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **owner)

    def ask(self, sql):
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main(inventory, parameters, passes):
    with open(parameters) as file:
        of = json.load(file)
    binaries = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
    owner = own_user()
    folder = tempfile.mkdtemp(prefix="ruleward-postgres-")
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    run = lambda *command, **more: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner, **more)
    run(binaries / "initdb", "-D", f"{folder}/data", "-U", "bench", "-A", "trust", "--no-sync")
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    run(binaries / "pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", f"{options} -k {folder}", "start")
    try:
        load = subprocess.Popen(["psql", "-h", folder, "-U", "bench", "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1",
                                 "-c", "CREATE TABLE resource (kind text, body jsonb)",
                                 "-c", "COPY resource FROM STDIN"], stdin=subprocess.PIPE, cwd=folder, **owner)
        kinds = {}
        with open(inventory, "rb") as lines:
            for line in lines:
                text = line.rstrip(b"\n")
                resource = json.loads(text)
                kind = (resource["provider"], resource["type"])
                kinds[kind] = kinds.get(kind, 0) + 1
                load.stdin.write(".".join(kind).encode() + b"\t" + text.replace(b"\\", b"\\\\") + b"\n")
        load.stdin.close()
        assert load.wait() == 0
        session = Session(folder, owner)
        session.process.stdin.write("CREATE INDEX ON resource (kind); VACUUM ANALYZE resource;\n")
        version = session.ask("SHOW server_version")
        pid = session.ask("SELECT pg_backend_pid()")
        times, counts = [], []
        for number in range(passes + 1):
            before = backend_cpu_ns(pid)
            counts = [int(session.ask(f"SELECT count(*) FROM resource WHERE {query}")) for query in queries(of)]
            # The first pass warms up.
            if number > 0:
                times.append(backend_cpu_ns(pid) - before)
        session.close()
        evaluations = sum(n * (2 + len(mix.BY_TYPE.get(kind, ()))) for kind, n in kinds.items())
        mix.answer("postgres-jsonb", sum(kinds.values()), evaluations, times, counts, version=version)
    finally:
        run(binaries / "pg_ctl", "-D", f"{folder}/data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
