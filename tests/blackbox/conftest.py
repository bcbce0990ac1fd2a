import pathlib
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from server import BINARY, Server  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


@pytest.fixture
def tmp_path():
    """As pytest's own, but it does not stay."""
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def make_server():
    """Makes servers; `make_server(start=False)` leaves it to the test to start one."""
    made = []

    def make(start=True, **sections):
        server = Server(**sections)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.discard()


@pytest.fixture(scope="module")
def server():
    """One server for a module's tests; each uses workload names of its own."""
    one = Server()
    try:
        yield one.start()
    finally:
        one.discard()
