"""Runs the handler of one file for one event after another.

Started by the server as: python -I -B -u -c THIS FILE HANDLER RESULT_BYTES MEMORY_BYTES
Standard input is the channel to the server: one line of JSON in for each event, one line out. What
the function prints goes to its log, which the server reads from standard output.
"""
import os
import sys


def take_channel():
    """Keeps the channel out of the function's reach and of its children."""
    # Whatever the server had open and did not mean to pass on.
    try:
        inherited = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        inherited = range(1 << 16)
    for number in inherited:
        if number > 2:
            try:
                os.close(number)
            except OSError:
                pass
    channel = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return channel


CHANNEL = take_channel()
OWN_PID = os.getpid()

import importlib.util
import json
import resource
import time
import traceback

TRACE_CHARACTERS = 16 * 1024
MESSAGE_CHARACTERS = 4 * 1024


class Logger:
    """What getLogger() answers: a line each, `time request-id LEVEL text`."""

    def __init__(self, request_id):
        self._request_id = request_id

    def _write(self, level, message, *arguments):
        text = str(message)
        if arguments:
            try:
                text = text % arguments
            except (TypeError, ValueError):
                text = " ".join([text] + [str(argument) for argument in arguments])
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        print("%s.%03dZ %s %s %s" % (stamp, int(now * 1000) % 1000, self._request_id, level, text))

    def debug(self, message, *arguments):
        self._write("DEBUG", message, *arguments)

    def info(self, message, *arguments):
        self._write("INFO", message, *arguments)

    def warning(self, message, *arguments):
        self._write("WARNING", message, *arguments)

    warn = warning

    def error(self, message, *arguments):
        self._write("ERROR", message, *arguments)

    def critical(self, message, *arguments):
        self._write("CRITICAL", message, *arguments)


class Context:
    """What a function can ask about itself."""

    def __init__(self, given, begin):
        self._given = given
        self._end = begin + given["deadline_ms"] / 1000.0
        self._logger = Logger(given["request_id"])

    def getRequestID(self):
        return self._given["request_id"]

    def getRemainingTimeInMilliSeconds(self):
        return max(0, int((self._end - time.monotonic()) * 1000))

    def getRunningTimeInSeconds(self):
        return self._given["timeout_seconds"]

    def getAccessKey(self):
        return self._given["access_key"]

    def getSecretKey(self):
        return self._given["secret_key"]

    def getSecurityAccessKey(self):
        return self._given["access_key"]

    def getSecuritySecretKey(self):
        return self._given["secret_key"]

    def getSecurityToken(self):
        return self._given["security_token"]

    def getToken(self):
        return self._given["token"]

    def getUserData(self, key, default=None):
        return self._given["user_data"].get(key, default)

    def getFunctionName(self):
        return self._given["function_name"]

    def getVersion(self):
        return self._given["function_version"]

    def getAlias(self):
        return self._given["alias"]

    def getMemorySize(self):
        return self._given["memory_mb"]

    def getCPUNumber(self):
        return self._given["cpu_millicores"]

    def getProjectID(self):
        return self._given["project_id"]

    def getPackage(self):
        return self._given["package"]

    def getLogger(self):
        return self._logger


class Missing(Exception):
    """There is no such file or handler."""


def load(path, name):
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module_name = os.path.splitext(os.path.basename(path))[0]
    # Under its own name, so that the modules beside it can import it too; but never in the place of
    # a module that is loaded already.
    if module_name in sys.modules or not module_name.isidentifier():
        module_name = "ruleward_function"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise Missing("%s is not a Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        if error.filename == path:
            raise Missing("cannot read %s: %s" % (path, error.strerror)) from None
        raise
    found = getattr(module, name, None)
    if not callable(found):
        raise Missing("%s has no handler `%s`" % (path, name))
    return found


def answer(message):
    line = json.dumps(message, allow_nan=False).encode("ascii") + b"\n"
    while line:
        line = line[os.write(CHANNEL, line):]


def describe(error, reusable):
    """Names an exception. The function's own exceptions may fail at that, too."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be had)"
    try:
        # The first frame is ours.
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        trace = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:
        trace = ""
    return {
        "threw": {
            "kind": type(error).__name__,
            "message": text[:MESSAGE_CHARACTERS],
            "trace": trace[-TRACE_CHARACTERS:],
            "reusable": reusable,
        }
    }


def returned(value, limit):
    """The message for what the handler returned; a result is JSON, all else is left out."""
    # The processor time goes along, so that the server can replace a process before its limit.
    cpu_ms = int(time.process_time() * 1000)
    if value is not None:
        try:
            text = json.dumps(value, allow_nan=False)
            if len(text) <= limit:
                return {"returned": {"value": json.loads(text), "cpu_ms": cpu_ms}}
            print("[ruleward] the returned value is longer than %d bytes and was left out" % limit)
        except (TypeError, ValueError, RecursionError):
            print("[ruleward] the returned value is not JSON and was left out")
    return {"returned": {"cpu_ms": cpu_ms}}


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def serve(path, name, limit):
    handler = None
    with os.fdopen(os.dup(CHANNEL), "rb") as lines:
        for line in lines:
            begin = time.monotonic()
            given = json.loads(line)
            for key, value in given.pop("environment").items():
                os.environ.setdefault(key, value)
            event = given.pop("event")
            reusable = True
            try:
                if handler is None:
                    handler = load(path, name)
                message = returned(handler(event, Context(given, begin)), limit)
            except Missing as missing:
                message, reusable = {"missing": str(missing)}, False
            except MemoryError:
                message, reusable = {"out_of_memory": {}}, False
            except Exception as error:
                # What was loaded in part is not used again.
                reusable = handler is not None
                message = describe(error, reusable)
            if os.getpid() != OWN_PID:
                # A child that the function forked and let come back.
                os._exit(0)
            # Nothing of this event may be seen by the next.
            given = event = None
            flush()
            answer(message)
            if not reusable:
                return


def limit_memory(limit):
    """For good and for its children: nothing of the function has run yet, and it has no powers."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


limit_memory(int(sys.argv[4]))
serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
