import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "tests/blackbox")]

from cell import Cell  # noqa: E402
from server import BINARY, BUILD, PLUGINS, run  # noqa: E402

MAKE_BUNDLE = ROOT / "deploy/air-gap/make-bundle"


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


def good(done):
    assert done.returncode == 0, done
    return done.stdout


class Goods:
    """What a release is made of: keys, signed plugins, their lock."""

    def __init__(self, folder):
        self.folder = folder
        self.trust, self.plugins = folder / "trust", folder / "plugins"
        for path in (self.trust, self.plugins):
            path.mkdir()
        for key in ("vendor", "stranger"):
            good(run("plugin", "keygen", "--output", folder / key, "--prefixes", "acp."))
        self.key = folder / "release.key"
        good(subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key]))
        self.public = folder / "release.pem"
        good(subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-out", self.public]))
        shutil.copy(folder / "vendor.pem", self.trust)
        supervisor = BUILD / "libexec/alphaswarm-cp/acp-local-supervisor"
        self.local = self.bundle("local", "--file", f"libexec/acp-local-supervisor={supervisor}")
        self.docker = self.bundle("docker")
        self.lock = self.pinned("plugins.lock")

    def bundle(self, plugin, *options, key="vendor", output=None):
        output = output or self.plugins / f"{plugin}.acpb"
        output.unlink(missing_ok=True)
        good(run("plugin", "bundle", PLUGINS / f"{plugin}.so", "--output", output, "--id", f"acp.{plugin}", "--version",
                 "0.1.0", "--vendor", "alphaswarm", "--interfaces", "acp.provider/1", "--key",
                 self.folder / f"{key}.key", *options))
        return output

    def pinned(self, name):
        config = self.folder / "lock.yaml"
        config.write_text(f"{{data_dir: d, plugins: {{directories: [plugins], lock: {name}}}}}")
        good(run("plugin", "lock", "--config", config))
        return self.folder / name

    def make(self, output, plugins=None, **other):
        """make-bundle, with other values than the usual ones where they are named."""
        options = {"build": BUILD, "plugins": ",".join(map(str, plugins or (self.local, self.docker))),
                   "trust-keys": self.trust, "lock": self.lock, "output": output, **other}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return subprocess.run([MAKE_BUNDLE, *words], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def goods(tmp_path_factory):
    return Goods(tmp_path_factory.mktemp("goods"))


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


def unpacked(tar, folder):
    with tarfile.open(tar) as archive:
        archive.extractall(folder)
    [top] = folder.iterdir()
    return top


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
