#!/usr/bin/env python3
"""Runs moto's server with ten AWS Config rules and a closed loop of DescribeConfigRules against it.

usage: moto_peer.py RULEWARD_BENCH SECONDS
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/config/aws4_request, SignedHeaders=host, Signature=0",
}


def put_rule(address, number):
    rule = {"ConfigRuleName": f"rule-{number}", "Description": "a rule",
            "Source": {"Owner": "AWS", "SourceIdentifier": "REQUIRED_TAGS"},
            "InputParameters": json.dumps({"tag1Key": "env", "tag1Value": "prod"})}
    request = urllib.request.Request(f"http://{address}/", data=json.dumps({"ConfigRule": rule}).encode(),
                                     headers={**HEADERS, "X-Amz-Target": "StarlingDoveService.PutConfigRule"})
    urllib.request.urlopen(request, timeout=10).read()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(bench, seconds):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                put_rule(address, 0)
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        for number in range(1, 10):
            put_rule(address, number)
        before = cpu_seconds(server.pid)
        told = json.loads(subprocess.run([bench, "requests", "--moto", address, "--seconds", seconds], check=True,
                                         capture_output=True, text=True, timeout=120).stdout)
        told["server_cpu_share"] = (cpu_seconds(server.pid) - before) / float(seconds)
        print(json.dumps(told))
    finally:
        server.terminate()
        server.wait()


main(sys.argv[1], sys.argv[2])
