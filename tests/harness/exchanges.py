"""Watches every exchange of the test process and judges those with the vendor's namespace."""

import collections
import contextlib
import threading
from urllib.parse import urlsplit

import requests

from . import openapi


class Exchanges:
    """What went over the wire: counted by operation, judged by the published definitions."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lenient = 0
        self._problems = []
        self.counts = collections.defaultdict(collections.Counter)

    @contextlib.contextmanager
    def watching(self):
        """Looks over the shoulder of every client in this process."""
        send = requests.Session.send

        def watched(session, request, **options):
            response = send(session, request, **options)
            self.note(response)
            return response

        requests.Session.send = watched
        try:
            yield self
        finally:
            requests.Session.send = send

    @contextlib.contextmanager
    def lenient_requests(self):
        """The requests inside are meant to stray from the definitions; answers may not."""
        self._lenient += 1
        try:
            yield
        finally:
            self._lenient -= 1

    def note(self, response):
        """Judges one exchange."""
        request = response.request
        path = urlsplit(request.url).path
        if not path.startswith(openapi.PREFIX):
            return
        operation = openapi.find(request.method, path)
        if operation is None:
            # Not a published operation: only an error can answer it.
            problems = []
            if response.status_code < 400:
                problems.append(f"status {response.status_code} for a request that nobody published")
            name = "(none)"
        else:
            name = operation.name
            problems = operation.response_problems(response.status_code, response.headers, response.text)
            if response.status_code < 400 and not self._lenient:
                problems += operation.request_problems(request.url, request.headers, request.body)
        with self._lock:
            self.counts[name][response.status_code] += 1
            self._problems += [
                f"{name} ({request.method} {request.url}) -> {response.status_code}: {problem}"
                for problem in problems
            ]

    def take_problems(self):
        """The complaints since the last call."""
        with self._lock:
            problems, self._problems = self._problems, []
        return problems

    def succeeded(self, operation):
        """How many exchanges of the operation ended well."""
        return sum(count for status, count in self.counts[operation].items() if status < 400)

    def table(self):
        """Operation, number of exchanges, statuses: for people."""
        lines = []
        for name in sorted(self.counts):
            statuses = self.counts[name]
            shown = " ".join(f"{status}:{statuses[status]}" for status in sorted(statuses))
            lines.append(f"{name:<55}{sum(statuses.values()):>6}  {shown}")
        return lines
