"""A receiver of messages: an HTTP server of the test's own that checks the documented signature."""

import hashlib
import hmac
import http.server
import json
import threading

SECRET = "a key that only both sides know"


class Receiver:
    """Collects what is posted to it; `status` is what it answers."""

    def __init__(self):
        self.status = 200
        self.messages = []
        self.attempts = 0
        self.problems = []
        # Set while the receiver does not answer.
        self.hang = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(self.headers, body)
                while receiver.hang.is_set():
                    receiver.hang.wait(0.05)
                    if receiver.closed.wait(0.05):
                        break
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.closed = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers, body):
        """Verifies a message as the documentation says, and keeps it if it is taken."""
        id, time = headers["X-Ruleward-Message-Id"], headers["X-Ruleward-Timestamp"]
        signed = f"{id}.{time}.".encode() + body
        expected = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        with self._lock:
            self.attempts += 1
            if not hmac.compare_digest(expected, headers["X-Ruleward-Signature"]):
                self.problems.append(f"the signature of {id} is wrong")
            if self.status == 200:
                self.messages.append((id, headers["X-Ruleward-Topic"], json.loads(body)))
            return self.status

    def kinds(self):
        with self._lock:
            return [message["notification_type"] for _, _, message in self.messages]

    def details(self, kind):
        """What messages of a kind tell, in the order in which they came, each once."""
        with self._lock:
            found = {}
            for id, _, message in self.messages:
                if message["notification_type"] == kind:
                    found.setdefault(id, message["detail"])
            return list(found.values())
