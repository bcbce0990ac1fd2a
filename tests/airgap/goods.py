"""What a bundle is made of."""

import pathlib
import shutil
import subprocess
import tarfile

from server import BUILD, PLUGINS, run

MAKE_BUNDLE = pathlib.Path(__file__).parents[2] / "deploy/air-gap/make-bundle"


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


def unpacked(tar, folder):
    with tarfile.open(tar) as archive:
        archive.extractall(folder)
    [top] = folder.iterdir()
    return top
