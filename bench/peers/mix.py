"""What the Python peers share: the inventory, the policies' numbers by type, CPU time, the answer."""

import json
import os
import statistics
import sys
import time

# The numbers of the policies of the mix that judge a type, beside p3 and p6, which judge all.
BY_TYPE = {
    ("evs", "volumes"): (1, 2),
    ("ecs", "cloudservers"): (4, 5),
    ("iam", "users"): (7,),
    ("rds", "instances"): (8,),
    ("vpc", "securityGroups"): (9,),
    ("iam", "passwordPolicies"): (10,),
}


def inventory(path, most=None):
    """The first resources of an NDJSON file."""
    with open(path, "rb") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(most or sys.maxsize))]


def policies(resource):
    return (3, 6) + BY_TYPE.get((resource["provider"], resource["type"]), ())


def cpu_ns():
    return time.process_time_ns()


def children_cpu_ns():
    times = os.times()
    return int((times.children_user + times.children_system) * 1e9)


def answer(engine, resources, evaluations, passes, counts, **more):
    print(json.dumps({"engine": engine, "resources": resources, "evaluations": evaluations,
                      "cpu_ns": passes, "non_compliant": counts, **more}))


def median(values):
    return statistics.median(values)
