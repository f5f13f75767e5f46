"""Fixtures of the end-to-end tests, and the judging of every exchange."""

import os

import pytest

from harness.account import Account
from harness.exchanges import Exchanges
from harness.server import Server

exchanges = Exchanges()

# Nothing of the machine's own configuration may steer a client to another place.
for variable in list(os.environ):
    if variable.startswith("HUAWEICLOUD_SDK_") or variable.lower() in ("http_proxy", "https_proxy", "all_proxy"):
        del os.environ[variable]


@pytest.fixture(scope="session", autouse=True)
def watched():
    """Every exchange of this process is recorded, and judged where it is the vendor's."""
    with exchanges.watching():
        yield exchanges


@pytest.fixture(autouse=True)
def judged(watched):
    """A test fails when one of its exchanges strays from the published definitions."""
    yield watched
    problems = watched.take_problems()
    assert not problems, "exchanges against the published definitions:\n" + "\n".join(problems)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A fresh development server for a file of tests."""
    server = Server(tmp_path_factory.mktemp("server") / "data")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def new_server(tmp_path):
    """Makes servers of a test's own; all are ended with the test."""
    made = []

    def make(name="data", **options):
        made.append(Server(tmp_path / name, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def client(server):
    """The administrator with the vendor's SDK."""
    return server.client()


@pytest.fixture
def account(server, client):
    """The module's account, empty at the start of every test."""
    account = Account(client)
    yield account
    account.clear()


@pytest.fixture
def own_account(new_server):
    """An account on a server of the test's own, for tests that fill it."""
    return Account(new_server().start().client())


def pytest_collection_modifyitems(config, items):
    """Tests that look at what the others did come last."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    folder = config.rootpath
    files = {path.name for path in folder.glob("test_*.py")}
    chosen = config.option.keyword or config.option.markexpr or any("::" in arg for arg in config.args)
    config.whole_suite = not chosen and files <= {item.path.name for item in items}


def pytest_terminal_summary(terminalreporter):
    """Which published operations were exercised, how often, with which answers."""
    if exchanges.counts:
        terminalreporter.section("exchanges with published operations, all judged")
        for line in exchanges.table():
            terminalreporter.write_line(line)
