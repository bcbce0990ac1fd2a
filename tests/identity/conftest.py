import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "blackbox"), str(HERE.parent / "upstreams")]

from bff import AcpBff, StockBff, with_upstream  # noqa: E402
from nodes import Browser, Hostile  # noqa: E402

# ACP_IDENTITY_BFF=stock holds the suites against the stock client: what fails there is a wrong suite.
BFF = {"stock": StockBff, "acp": AcpBff}[os.environ.get("ACP_IDENTITY_BFF", "acp")]


def pytest_sessionstart(session):
    if not (HERE / "node_modules").is_dir():
        pytest.exit("tests/identity/node_modules is missing: deploy/install-node-modules tests/identity", returncode=2)


@pytest.fixture(scope="session")
def folder():
    """For what all tests share."""
    with tempfile.TemporaryDirectory(prefix="acp-identity-") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def browser(folder):
    one = Browser(folder, shutil.which("chromium") or "/usr/bin/chromium")
    yield one
    one.stop()


@pytest.fixture
def page(browser):
    """A fresh profile."""
    one = browser.page()
    yield one
    one.close()


@pytest.fixture(scope="module")
def bff(folder, request):
    """The server under test and its good provider."""
    yield from with_upstream(folder / f"{request.module.__name__}-basic", BFF(), "bff-basic")


@pytest.fixture(scope="module")
def upstream(bff):
    return bff.upstream


@pytest.fixture(scope="module")
def keyed_bff(folder, request):
    """The same with a client that proves itself by a key."""
    yield from with_upstream(folder / f"{request.module.__name__}-key", BFF(), "bff-key")


@pytest.fixture(scope="session")
def hostile(folder):
    with Hostile(folder / "hostile", "") as one:
        yield one


@pytest.fixture(scope="module")
def quick_bff(folder, request, hostile):
    """The server under test with a provider that asks nobody anything: the hostile one at its best."""
    one = BFF()
    one.start(folder / f"{request.module.__name__}-quick", hostile.issuer("good"), hostile.CLIENT, secret=hostile.SECRET)
    yield one
    one.stop()


@pytest.fixture
def make_bff(folder):
    """Starts servers under test: `make_bff(issuer, client_id, secret=..)`."""
    made = []

    def make(issuer, client_id, **proof):
        one = BFF()
        one.start(folder / f"made-{one.port}", issuer, client_id, **proof)
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()
