"""Bundles in the server: what trust lets in, what it keeps out, and how releases follow each other."""

import json
import pathlib
import shutil
import tarfile

import pytest

from server import BUILD, PLUGINS, run

RELEASES = BUILD / "lib/alphaswarm-cp/test-plugins"
ID = "test.reloadable"


def good(done):
    assert done.returncode == 0, done
    return done.stdout


class House:
    """A configuration folder with trusted keys, a lock and a plugin folder; servers made of it."""

    def __init__(self, folder, make_server):
        self.make_server = make_server
        self.folder = folder
        for name in ("plugins", "trust"):
            (folder / name).mkdir(mode=0o755)
        self.plugins, self.trust, self.lock_file = folder / "plugins", folder / "trust", folder / "plugins.lock"
        good(run("plugin", "keygen", "--output", folder / "vendor", "--prefixes", "test."))
        good(run("plugin", "keygen", "--output", folder / "stranger", "--prefixes", "test."))
        shutil.copyfile(folder / "vendor.pem", self.trust / "vendor.pem")
        (self.trust / "vendor.pem").chmod(0o644)

    def bundle(self, release, name="reloadable.acpb", key="vendor", id=ID, version=None):
        fresh = self.folder / "fresh.acpb"
        fresh.unlink(missing_ok=True)
        good(run("plugin", "bundle", RELEASES / f"reloadable_{release}.so", "--output", fresh, "--id", id,
                 "--version", version or f"{release}.0.0", "--vendor", "tests", "--interfaces",
                 "acp.provider/1,acp.logs/1", *(("--key", self.folder / f"{key}.key") if key else ())))
        target = self.plugins / name
        fresh.rename(target)
        return target

    def lock(self):
        config = self.folder / "lock.yaml"
        config.write_text(json.dumps({"data_dir": "d", "plugins": self.section("locked")}))
        good(run("plugin", "lock", "--config", config))

    def section(self, trust):
        return {"directories": [str(self.plugins)], "trust": trust, "trust_keys": str(self.trust),
                "lock": str(self.lock_file)}

    def server(self, trust, start=True):
        return self.make_server(start=start, plugins=self.section(trust),
                                providers=[{"alias": "mine", "plugin": ID}], workloads={"default_provider": "mine"})


@pytest.fixture
def house(tmp_path, make_server):
    return House(tmp_path, make_server)


def only_plugin(server):
    [item] = server.ok("GET", "/manage/plugins")["items"]
    return item


def release(server):
    return server.ok("GET", "/manage/workloads/x")["image"]


def test_a_signed_bundle(house):
    house.bundle(1)
    server = house.server("signed")
    item = only_plugin(server)
    assert item["loaded"] and item["form"] == "bundle" and len(item["signed_by"]) == 1
    assert release(server) == "1.0.0"
    # Its code comes from the private store, not from where anybody put it.
    maps = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text()
    assert str(server.data_dir / "plugins/store" / item["sha256"]) in maps and str(house.plugins) not in maps


def test_a_bundle_as_a_folder(house):
    archive = house.bundle(1)
    folder = house.plugins / "reloadable"
    folder.mkdir(mode=0o755)
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    archive.unlink()
    assert release(house.server("signed")) == "1.0.0"


def keep_out(house, trust, stage, *words):
    server = house.server(trust)
    item = only_plugin(server)
    assert not item["loaded"]
    fault = item["fault"]
    assert fault["stage"] == stage, fault
    told = " ".join(fault.values())
    for word in words:
        assert word in told, fault
    assert fault["expected"] and fault["found"] and fault["remedy"]
    answer = server.get("/manage/workloads/x")
    assert (answer.status, answer.code) == (503, "provider_unavailable")
    assert server.get("/manage/healthz", token=False).status == 200
    assert server.get("/manage/readyz", token=False).json["status"] == "degraded"


def test_unsigned(house):
    house.bundle(1, key=None)
    keep_out(house, "signed", "trust", ID)


def test_signed_by_a_stranger(house):
    house.bundle(1, key="stranger")
    keep_out(house, "signed", "trust", ID)


def test_signed_for_another_prefix(house):
    house.bundle(1)
    text = (house.trust / "vendor.pem").read_text()
    (house.trust / "vendor.pem").write_text(text.replace("Prefixes: test.", "Prefixes: com.example."))
    keep_out(house, "signed", "trust", ID)


def test_tampered(house):
    path = house.bundle(1)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    keep_out(house, "signed", "manifest", "sha256")


def test_truncated(house):
    path = house.bundle(1)
    path.write_bytes(path.read_bytes()[:20000])
    keep_out(house, "signed", "file")


def test_bare_under_a_policy(house):
    target = house.plugins / "reloadable.so"
    shutil.copy(RELEASES / "reloadable_1.so", target)
    target.chmod(0o755)
    keep_out(house, "signed", "trust", "reloadable.so")


def test_another_plugin_than_the_manifest_says(house):
    """The signature is good, but what it vouches for is something else."""
    house.bundle(1, version="9.9.9")
    keep_out(house, "signed", "entry", "9.9.9", "1.0.0")


def test_not_pinned(house):
    house.bundle(1)
    house.lock()
    house.bundle(2)
    keep_out(house, "locked", "lock", ID)


def test_older_than_pinned(house):
    house.bundle(2)
    house.lock()
    house.bundle(1)
    keep_out(house, "locked", "lock", "1.0.0", "2.0.0")


def test_no_lock(house):
    house.bundle(1)
    keep_out(house, "locked", "lock", "plugins.lock")


def test_a_release_under_a_lock(house):
    """Reviewed, pinned, reloaded: the server keeps serving the old one until all of it is done."""
    house.bundle(1)
    house.lock()
    server = house.server("locked")
    assert release(server) == "1.0.0"
    house.bundle(2)
    refused = server.post(f"/manage/plugins/{ID}/reload", token=server.raised())
    assert (refused.status, refused.code) == (422, "plugin_refused")
    assert release(server) == "1.0.0"
    house.lock()
    done = server.ok("POST", f"/manage/plugins/{ID}/reload", token=server.raised())
    assert (done["changed"], done["version"]) == (True, "2.0.0")
    assert release(server) == "2.0.0"
    # And it stays so, with the copy of the old release gone from the store.
    server.restart()
    assert release(server) == "2.0.0"
    assert len(list((server.data_dir / "plugins/store").iterdir())) == 1


def test_an_entry_of_the_store_that_was_changed(house):
    house.bundle(1)
    server = house.server("signed")
    entry = server.data_dir / "plugins/store" / only_plugin(server)["sha256"]
    server.stop()
    library = entry / "plugin.so"
    library.chmod(0o700)
    library.write_bytes(b"something else")
    server.start()
    assert release(server) == "1.0.0"
    assert "plugin store had been changed" in server.stderr()


def test_two_bundles_of_one_id(house):
    house.bundle(1, name="a.acpb")
    house.bundle(2, name="b.acpb")
    server = house.server("signed")
    first, second = server.ok("GET", "/manage/plugins")["items"]
    assert first["loaded"] and not second["loaded"] and "remove one" in second["fault"]["remedy"]
    assert release(server) == "1.0.0"


def test_the_product_plugins_load_as_bundles(house, make_server):
    """`local` with its supervisor inside the bundle."""
    good(run("plugin", "keygen", "--output", house.folder / "ours", "--prefixes", "acp."))
    shutil.copyfile(house.folder / "ours.pem", house.trust / "ours.pem")
    (house.trust / "ours.pem").chmod(0o644)
    supervisor = BUILD / "libexec/alphaswarm-cp/acp-local-supervisor"
    good(run("plugin", "bundle", PLUGINS / "local.so", "--output", house.plugins / "local.acpb", "--id", "acp.local",
             "--version", "0.1.0", "--vendor", "alphaswarm", "--interfaces", "acp.provider/1",
             "--file", f"libexec/acp-local-supervisor={supervisor}", "--key", house.folder / "ours.key"))
    server = make_server(plugins=house.section("signed"))
    assert server.start_workload("fine")["phase"] == "running"
    assert server.exec("fine", "echo", "hello")["stdout"] == "hello\n"
