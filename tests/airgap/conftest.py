import os
import pathlib
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "tests/blackbox")]

from cell import Cell  # noqa: E402
from goods import Goods, good  # noqa: E402
from server import BINARY  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


@pytest.fixture(scope="session")
def goods():
    with tempfile.TemporaryDirectory(prefix="acp-airgap-goods-") as folder:
        yield Goods(pathlib.Path(folder))


@pytest.fixture(scope="session")
def bundle(goods):
    """The bundle of a release, signed."""
    good(goods.make(goods.folder / "first.tar", sign=goods.key))
    return goods.folder / "first.tar"


@pytest.fixture(scope="session")
def next_bundle(bundle, goods):
    """The release after it: another docker.acpb, and a lock that pins that one."""
    text = goods.folder / "NOTES"
    text.write_text("of the next release\n")
    goods.bundle("docker", "--file", f"NOTES={text}")
    lock = goods.pinned("next.lock")
    good(goods.make(goods.folder / "next.tar", lock=lock))
    return goods.folder / "next.tar"


@pytest.fixture
def room():
    """A folder that does not stay."""
    with tempfile.TemporaryDirectory(prefix="acp-airgap-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def cell():
    if os.geteuid() != 0:
        pytest.skip("namespaces and chroot need root")
    with tempfile.TemporaryDirectory(prefix="acp-airgap-cell-") as folder:
        try:
            one = Cell(pathlib.Path(folder))
        except OSError as why:
            pytest.skip(f"no namespaces here: {why}")
        try:
            yield one
        finally:
            one.close()
