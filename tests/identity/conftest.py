import pathlib
import shutil
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "blackbox"), str(HERE.parent / "upstreams")]

from bff import StockBff  # noqa: E402
from nodes import Browser, Hostile, Upstream  # noqa: E402


def pytest_sessionstart(session):
    if not (HERE / "node_modules").is_dir():
        pytest.exit("tests/identity/node_modules is missing: run deploy/install-node-modules", returncode=2)


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
