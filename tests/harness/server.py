"""The server under test: the real binary, started and stopped as a user does it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import requests

from .client import Client, Keys

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ.get("RULEWARD_BIN", ROOT / "target/release/ruleward"))
URL = re.compile(r"https?://127\.0\.0\.1:(\d+)")


def clean_environment(more=None):
    """The environment without anything that would steer an SDK or the server, and some more."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("HUAWEICLOUD_SDK_", "RULEWARD_"))
        and key.lower() not in ("http_proxy", "https_proxy", "all_proxy")
    }
    environment.update(more or {})
    return environment


class Server:
    """One data folder and, at times, the process that serves it."""

    def __init__(self, data, *, sample=False, env=None, arguments=()):
        self.data = pathlib.Path(data)
        self.sample = sample
        self.env = dict(env or {})
        self.arguments = list(arguments)
        self.port = 0
        self.process = None
        self.log_path = self.data.parent / f"{self.data.name}.log"
        self.printed_path = self.data.parent / f"{self.data.name}.printed"
        self.started_in_seconds = None

    # -- the process -----------------------------------------------------------------------------

    def start(self, *, wait=True, seconds=30.0, env=None):
        """Starts the process; later starts use the port which the first one picked."""
        assert self.process is None, "the server runs already"
        assert BINARY.exists(), f"{BINARY} is missing: cargo build --release"
        self.data.parent.mkdir(parents=True, exist_ok=True)
        command = [BINARY, "serve", "--dev", "--listen", f"127.0.0.1:{self.port}", "--data", self.data]
        command += ["--sample"] if self.sample else []
        began = time.monotonic()
        with self.log_path.open("ab") as log, self.printed_path.open("wb") as printed:
            self.process = subprocess.Popen(
                command + self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=log,
                env=clean_environment({**self.env, **(env or {})}),
            )
        if wait:
            self._wait_ready(seconds)
            self.started_in_seconds = time.monotonic() - began
        return self

    def _wait_ready(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process = None
                raise AssertionError(f"the server ended with {code} at its start:\n{self.log()}")
            found = URL.search(self.printed())
            if found:
                self.port = int(found[1])
                if self._answers("/readyz"):
                    return
            time.sleep(0.01)
        raise AssertionError(f"the server was not ready within {seconds:g} s:\n{self.log()}")

    def _answers(self, path):
        try:
            return requests.get(self.endpoint + path, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def terminate(self, *, seconds=20.0):
        """SIGTERM; answers the exit code."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"SIGTERM did not end the server:\n{self.log()}") from None

    def kill(self):
        """SIGKILL, as a crash."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def stop(self):
        """Ends whatever runs, for the end of a test."""
        if self.process is not None:
            self.kill()

    def restart(self, **options):
        """SIGTERM and a new start."""
        assert self.terminate() == 0, self.log()
        return self.start(**options)

    def printed(self):
        """What the last start has printed."""
        return self.printed_path.read_text(errors="replace")

    def log(self):
        """What all starts have logged."""
        return self.log_path.read_text(errors="replace")

    def resident_bytes(self):
        """Memory that the process holds now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    # -- its clients -----------------------------------------------------------------------------

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self):
        """What `dev-credentials.json` says."""
        return json.loads((self.data / "dev-credentials.json").read_text())

    @property
    def domain_id(self):
        return self.credentials["domain_id"]

    @property
    def keys(self):
        credentials = self.credentials
        return Keys(credentials["access_key"], credentials["secret_key"], credentials["domain_id"])

    def client(self, keys=None):
        """A client with the vendor's SDK and raw requests, as the administrator by default."""
        return Client(self.endpoint, keys or self.keys)

    def sdk_environment(self, keys=None):
        """The variables that make the vendor's SDKs, and our own client, use this server."""
        keys = keys or self.keys
        return {
            "HUAWEICLOUD_SDK_AK": keys.access_key,
            "HUAWEICLOUD_SDK_SK": keys.secret_key,
            "HUAWEICLOUD_SDK_DOMAIN_ID": keys.domain_id,
            "HUAWEICLOUD_SDK_IAM_ENDPOINT": self.endpoint,
            "HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4": self.endpoint,
        }

    def cli(self, *arguments, stdin=None, code=0, env=None, seconds=60):
        """Runs a command of the binary against this server; answers what it did."""
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=seconds,
            env=clean_environment({**self.sdk_environment(), **(env or {})}),
        )
        output = f"{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
        if code is not None:
            assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{output}"
        return done

    def admin(self, *arguments, **options):
        """Runs a command that works on the data folder itself."""
        return self.cli(*arguments, "--data", self.data, **options)
