import pathlib
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "blackbox")]

from certificates import Authority  # noqa: E402
from fetching import FETCH  # noqa: E402


def pytest_sessionstart(session):
    if not FETCH.exists():
        pytest.exit(f"{FETCH} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


@pytest.fixture(scope="session")
def folder():
    """For what all tests share."""
    with tempfile.TemporaryDirectory(prefix="acp-upstreams-") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def authority(folder):
    """Whom clients trust with `ca=authority.certificate`."""
    place = folder / "authority"
    place.mkdir()
    return Authority(place)


@pytest.fixture(scope="session")
def pair(authority):
    """The certificate of servers at 127.0.0.1 and localhost."""
    return authority.server("upstream", "IP:127.0.0.1", "DNS:localhost")
