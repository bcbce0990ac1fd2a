"""The commands `plugin ...`: bundles, keys, verdicts and the lock, without a server."""

import base64
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import tarfile

import pytest

from server import PLUGINS, run

LOCAL = PLUGINS / "local.so"
DOCKER = PLUGINS / "docker.so"
ID = "com.example.thing"
DESCRIBED = ("--vendor", "Example", "--interfaces", "acp.provider/1,acp.logs/1")


def good(done):
    assert done.returncode == 0, done
    return done.stdout


def bad(done, *words):
    assert done.returncode == 1, done
    assert done.stderr.startswith("alphaswarm-cp: "), done
    for word in words:
        assert word in done.stderr, done.stderr
    return done.stderr


class House:
    """A folder with keys, a configuration and plugins."""

    def __init__(self, folder):
        self.folder = folder
        # Whatever the umask of the test's runner.
        for name in ("plugins", "trust"):
            (folder / name).mkdir(mode=0o755)
        self.plugins, self.trust, self.lock = folder / "plugins", folder / "trust", folder / "plugins.lock"
        self.key_id = self.keygen("vendor", "com.example")
        self.config = folder / "acp.yaml"
        self.policy("signed")

    def keygen(self, name, prefixes, trusted=True):
        out = good(run("plugin", "keygen", "--output", self.folder / name, "--prefixes", prefixes))
        if trusted:
            (self.trust / f"{name}.pem").write_bytes((self.folder / f"{name}.pem").read_bytes())
            (self.trust / f"{name}.pem").chmod(0o644)
        return re.search(r"key ([0-9a-f]{16})$", out.strip()).group(1)

    def policy(self, word, **plugins):
        self.config.write_text(json.dumps({"data_dir": "data", "plugins": {"directories": ["plugins"], "trust": word, **plugins}}))

    def bundle(self, name=f"{ID}.acpb", source=LOCAL, id=ID, version="1.4.0", key="vendor", folder=None, options=()):
        target = (folder or self.plugins) / name
        signing = ("--key", self.folder / f"{key}.key") if key else ()
        good(run("plugin", "bundle", source, "--output", target, "--id", id, "--version", version, *DESCRIBED, *signing, *options))
        return target

    def unpacked(self, name=ID, **how):
        archive = self.bundle(folder=self.folder, **how)
        folder = self.plugins / name
        folder.mkdir(mode=0o755)
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
        archive.unlink()
        return folder

    def verify(self, path, *options):
        return run("plugin", "verify", path, "--trust", self.trust, *options)

    def list(self):
        out = json.loads(good(run("plugin", "list", "--config", self.config, "--json")))
        return {entry["path"].rsplit("/", 1)[1]: entry for entry in out["plugins"]}


@pytest.fixture
def house(tmp_path):
    os.umask(0o022)
    return House(tmp_path)


@pytest.mark.parametrize("arguments", [
    [], ["fly"], ["list", "--config"], ["inspect"], ["verify"], ["verify", "a", "b"], ["verify", "a", "--lock", "l"],
    ["lock", "now"], ["bundle"], ["bundle", "/"], ["bundle", "/nonexistent", "--output", "x.acpb"], ["keygen"],
    ["keygen", "--output", "x"], ["bundle", "/", "--output", "x", "--abi-minor-required", "-1"],
], ids=" ".join)
def test_usage_errors(arguments):
    done = run("plugin", *arguments)
    assert done.returncode == 2 and done.stderr, done


def test_help():
    out = good(run("plugin", "--help"))
    for command in ("list", "inspect", "verify", "lock", "bundle", "keygen"):
        assert re.search(rf"^\s+{command}\s", out, re.M)


def test_keygen(house):
    secret, public = house.folder / "vendor.key", house.folder / "vendor.pem"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    line, rest = public.read_text().split("\n", 1)
    assert line == "Plugin-Id-Prefixes: com.example."
    # openssl reads both, and the id is what anybody computes from the public one.
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], capture_output=True, check=True).stdout
    assert hashlib.sha256(der).hexdigest()[:16] == house.key_id
    assert subprocess.run(["openssl", "pkey", "-in", secret, "-pubout"], capture_output=True, check=True, text=True).stdout == rest
    before = secret.read_bytes()
    bad(run("plugin", "keygen", "--output", house.folder / "vendor", "--prefixes", "com.example"), "vendor.key cannot be made: File exists")
    assert secret.read_bytes() == before
    for prefixes in ("", "*", "com.*", "Com", "com.example,,", "com..example"):
        bad(run("plugin", "keygen", "--output", house.folder / "other", "--prefixes", prefixes), "--prefixes has the prefix")
    assert not (house.folder / "other.key").exists()


def test_bundle_is_a_signed_posix_tar(house):
    licence = house.folder / "licence.txt"
    licence.write_text("free\n")
    archive = house.bundle(options=("--licenses", licence, "--sbom", licence, "--schema", licence, "--file", f"share/doc/a.txt={licence}",
                                    "--abi-minor-required", "0"))
    with tarfile.open(archive) as tar:
        members = {m.name: m for m in tar.getmembers()}
        texts = {name: tar.extractfile(m).read() for name, m in members.items()}
    assert list(members) == sorted(members)
    assert set(members) == {"LICENSES", "config.schema.json", "manifest.sig", "manifest.yaml", "plugin.so", "sbom.json", "share/doc/a.txt"}
    assert all((m.mtime, m.uid, m.gid, m.uname, m.gname) == (0, 0, 0, "", "") for m in members.values())
    assert archive.read_bytes()[257:265] == b"ustar\00000"
    assert texts["plugin.so"] == LOCAL.read_bytes() and texts["LICENSES"] == b"free\n"
    manifest = texts["manifest.yaml"].decode()
    assert f'"plugin.so": {{sha256: "{hashlib.sha256(LOCAL.read_bytes()).hexdigest()}", size: {LOCAL.stat().st_size}, mode: exec}}' in manifest

    # The signature is plain Ed25519 over the manifest's bytes.
    (signature,) = json.loads(texts["manifest.sig"])["signatures"]
    assert (signature["key"], signature["algorithm"]) == (house.key_id, "ed25519")
    (house.folder / "m").write_bytes(texts["manifest.yaml"])
    (house.folder / "s").write_bytes(base64.urlsafe_b64decode(signature["signature"] + "=="))
    subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", house.folder / "vendor.pem", "-in", house.folder / "m",
                    "-sigfile", house.folder / "s"], check=True, capture_output=True)

    first = archive.read_bytes()
    house.bundle(options=("--licenses", licence, "--sbom", licence, "--schema", licence, "--file", f"share/doc/a.txt={licence}"))
    assert archive.read_bytes() == first


@pytest.mark.parametrize("options, words", [
    (["--id", "Com"], "key id: must match"),
    (["--version", "1"], "key version: must"),
    (["--version", "one.two"], "is no semantic version"),
    (["--interfaces", "logs"], "key interfaces[0]: must match"),
    (["--abi-minor-required", "1"], "is more than minor_built"),
    (["--file", "x"], "is not NAME=PATH"),
    (["--file", "../x=/etc/passwd"], "has the segment .."),
    (["--file", "manifest.yaml=/etc/hostname"], "cannot list itself"),
    (["--file", "a/b/c/d/e=/etc/hostname"], "is deeper than 4 levels"),
    (["--file", "x=/nonexistent"], "/nonexistent cannot be read: No such file"),
    (["--file", "x=/dev/null"], "/dev/null is no regular file"),
    (["--key", "/nonexistent.key"], "/nonexistent.key cannot be read"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bundles_that_are_not_made(house, options, words):
    given = {"--id": ID, "--version": "1.0.0", "--vendor": "E", "--interfaces": "acp.provider/1", "--output": str(house.folder / "x.acpb")}
    given.update(dict(zip(options[::2], options[1::2])))
    bad(run("plugin", "bundle", LOCAL, *[word for pair in given.items() for word in pair]), words)
    assert not list(house.folder.glob("*.acpb")) and not list(house.folder.glob(".x*"))


def test_more_bundles_that_are_not_made(house):
    out = ("--output", house.folder / "x.acpb")
    bad(run("plugin", "bundle", LOCAL, *out), "the manifest needs --id, --version, --vendor, --interfaces")
    whole = (*DESCRIBED, "--id", ID, "--version", "1.0.0")
    bad(run("plugin", "bundle", LOCAL, *whole, "--output", house.folder / "x.tar"), "must end in .acpb")
    bad(run("plugin", "bundle", house.config, *whole, *out), "is no ELF file")
    bad(run("plugin", "bundle", house.trust, *whole, *out), "has no plugin.so")
    (house.folder / "vendor.key").chmod(0o644)
    bad(run("plugin", "bundle", LOCAL, *whole, *out, "--key", house.folder / "vendor.key"), "run chmod 6")
    source = house.folder / "no_entry.c"
    source.write_text("int other(void) { return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", house.folder / "no_entry.so"], check=True)
    bad(run("plugin", "bundle", house.folder / "no_entry.so", *whole, *out), "exports no acp_plugin_entry_v1")


def test_a_folder_is_bundled_again(house):
    folder = house.unpacked(options=("--file", f"share/a.txt={house.config}"))
    again = house.folder / "again.acpb"
    # Everything but the version comes from the manifest in the folder.
    good(run("plugin", "bundle", folder, "--output", again, "--version", "1.5.0", "--key", house.folder / "vendor.key"))
    shown = json.loads(good(run("plugin", "inspect", again, "--json")))
    assert (shown["id"], shown["version"], shown["vendor"]) == (ID, "1.5.0", "Example")
    assert set(shown["files"]) == {"plugin.so", "share/a.txt"}
    good(house.verify(again))


def test_inspect(house):
    archive = house.bundle()
    shown = json.loads(good(run("plugin", "inspect", archive, "--json")))
    assert shown["interfaces"] == ["acp.provider/1", "acp.logs/1"]
    assert shown["abi"] == {"major": 1, "minor_built": 0, "minor_required": 0}
    assert shown["platform"]["os"] == "linux" and shown["platform"]["arch"] == os.uname().machine
    assert shown["files"]["plugin.so"] == {"sha256": hashlib.sha256(LOCAL.read_bytes()).hexdigest(), "size": LOCAL.stat().st_size, "mode": "exec"}
    text = good(run("plugin", "inspect", archive))
    assert f"id          {ID}\n" in text and shown["manifest_sha256"] in text

    tables = json.loads(good(run("plugin", "inspect", LOCAL, "--json")))
    assert tables["arch"] == os.uname().machine and tables["exports"] == ["acp_plugin_entry_v1"]
    assert any(name.startswith("libc.so") for name in tables["needed"])
    assert "acp_plugin_entry_v1" in good(run("plugin", "inspect", LOCAL))
    bad(run("plugin", "inspect", house.config), "it is no bundle")
    (house.folder / "x.so").write_text("hello")
    bad(run("plugin", "inspect", house.folder / "x.so"), "is no ELF file")
    # Of a spoiled one the manifest is shown, and what is wrong.
    folder = house.unpacked(name="f")
    (folder / "extra").touch()
    done = run("plugin", "inspect", folder, "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["fault"]["found"] == "extra"


def test_nothing_of_a_plugin_runs(house):
    """A constructor would leave its mark."""
    mark = house.folder / "mark"
    source = house.folder / "loud.c"
    source.write_text('#include <stdio.h>\n__attribute__((constructor)) static void loud(void) { fclose(fopen("%s", "w")); }\n'
                      "const void* acp_plugin_entry_v1(void) { return 0; }\n" % mark)
    loud = house.plugins / "loud.so"
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", loud], check=True)
    archive = house.bundle(source=loud)
    folder = house.unpacked(name="f", source=loud, id="com.example.other")
    for path in (loud, archive, folder):
        good(run("plugin", "inspect", path))
    for path in (archive, folder):
        good(house.verify(path))
    for policy in ("any", "signed", "locked"):
        house.policy(policy)
        house.list()
    good(run("plugin", "lock", "--config", house.config))
    assert not mark.exists()
    subprocess.run(["python3", "-c", f"import ctypes; ctypes.CDLL('{loud}')"], check=True)
    assert mark.exists()


def test_verify(house):
    archive, folder = house.bundle(), house.unpacked()
    for path in (archive, folder):
        assert good(house.verify(path)) == f"{path}: ok, {ID} 1.4.0, signed by {house.key_id}\n"
        assert "signature not checked: give --trust" in good(run("plugin", "verify", path))
    unsigned = house.bundle(name="u.acpb", key=None)
    good(run("plugin", "verify", unsigned))
    bad(house.verify(unsigned), "it is not signed", f"({ID})", str(unsigned), "\n  expected: ", "\n  found: no manifest.sig", "\n  remedy: ")
    foreign = house.bundle(name="f.acpb", id="org.example.thing")
    bad(house.verify(foreign), "its key may not sign plugins of this id", "com.example")
    house.keygen("stranger", "com.example", trusted=False)
    bad(house.verify(house.bundle(name="s.acpb", key="stranger")), "signed by no trusted key")
    bad(house.verify(LOCAL), "bare shared object")
    bad(house.verify(house.folder / "none"), "No such file")
    bad(run("plugin", "verify", archive, "--trust", house.folder / "nowhere"), "signed by no trusted key", "nowhere cannot be read")


SPOILT = {
    "a bent byte": (lambda f: flip(f / "plugin.so"), "plugin.so is not the one that the manifest lists"),
    "a longer file": (lambda f: append(f / "plugin.so"), "plugin.so has another size"),
    "a bent manifest": (lambda f: append(f / "manifest.yaml", b"# more\n"), "is not the one that was signed"),
    "an extra file": (lambda f: (f / "extra.so").touch(), "extra.so is not in the manifest"),
    "a missing file": (lambda f: (f / "plugin.so").unlink(), "plugin.so is missing"),
    "a missing manifest": (lambda f: (f / "manifest.yaml").unlink(), "manifest.yaml is missing"),
    "a link": (lambda f: (f / "link").symlink_to("/etc/passwd"), "is a symbolic link"),
    "a second name": (lambda f: os.link(f / "plugin.so", f.parent.parent / "second"), "has a second name"),
    "a pipe": (lambda f: os.mkfifo(f / "pipe"), "is no regular file"),
    "an open file": (lambda f: (f / "plugin.so").chmod(0o777), "may be written by others"),
    "an open folder": (lambda f: f.chmod(0o777), "may be written by others"),
}


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def append(path, data=b"x"):
    path.write_bytes(path.read_bytes() + data)


@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_folders(house, how):
    folder = house.unpacked()
    good(house.verify(folder))
    spoil, words = SPOILT[how]
    spoil(folder)
    bad(house.verify(folder), words, str(folder))


def test_hostile_archives(house):
    archive = house.bundle()
    whole = archive.read_bytes()
    for size in (0, 100, 512, 5000, len(whole) // 2, len(whole) - 10240 if len(whole) > 10240 else 700):
        archive.write_bytes(whole[:size])
        bad(house.verify(archive), str(archive))

    def extended(name, kind=tarfile.REGTYPE, link="", data=b""):
        archive.write_bytes(whole)
        with tarfile.open(archive, "a") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            tar.addfile(info, io.BytesIO(data))
        return house.verify(archive)

    bad(extended("../../outside", data=b"x"), "has the segment ..")
    bad(extended("/outside", data=b"x"), "is absolute")
    bad(extended("link", tarfile.SYMTYPE, "/etc/passwd"), "has a symbolic link")
    bad(extended("link", tarfile.LNKTYPE, "plugin.so"), "has a hard link")
    bad(extended("dev", tarfile.CHRTYPE), "has a special file")
    bad(extended("plugin.so", data=b"x"), "has the file plugin.so twice")
    bad(extended("extra", data=b"x"), "extra is not in the manifest")
    assert not (house.plugins / "outside").exists() and not (house.folder / "outside").exists()
    archive.write_bytes(whole)
    subprocess.run(["gzip", "-k", archive], check=True)
    os.replace(f"{archive}.gz", archive)
    bad(house.verify(archive), "the archive is damaged")


def test_list(house):
    house.bundle()
    folder = house.unpacked()
    (folder / "extra").touch()
    house.bundle(name="unsigned.acpb", id="com.example.unsigned", key=None)
    (house.plugins / "docker.so").write_bytes(DOCKER.read_bytes())
    (house.plugins / "text.so").write_text("hello")
    (house.plugins / "README").touch()

    house.policy("any")
    found = house.list()
    assert {name: entry["verdict"] for name, entry in found.items()} == {
        f"{ID}.acpb": "good", ID: "refused", "unsigned.acpb": "good", "docker.so": "good", "text.so": "refused"}
    assert [found[n]["kind"] for n in (ID, f"{ID}.acpb", "docker.so")] == ["folder", "archive", "library"]
    assert found[f"{ID}.acpb"]["keys"] == [house.key_id] and found["unsigned.acpb"]["keys"] == []
    assert found[ID]["id"] == ID and found[ID]["fault"]["stage"] == "manifest"

    house.policy("signed")
    found = house.list()
    assert {name for name, entry in found.items() if entry["verdict"] == "good"} == {f"{ID}.acpb"}
    assert found["docker.so"]["fault"]["stage"] == found["unsigned.acpb"]["fault"]["stage"] == "trust"
    text = good(run("plugin", "list", "--config", house.config))
    assert f"good     {house.plugins}/{ID}.acpb: {ID} 1.4.0, signed by {house.key_id}\n" in text
    assert f"refused  bundle {house.plugins}/unsigned.acpb (com.example.unsigned): it is not signed\n  expected: " in text

    house.policy("locked")
    found = house.list()
    assert found[f"{ID}.acpb"]["fault"]["stage"] == "lock" and "does not exist" in found[f"{ID}.acpb"]["fault"]["found"]
    # Nothing was written anywhere.
    assert not (house.folder / "data").exists()

    house.policy("any", directories=["plugins", "nowhere"])
    done = run("plugin", "list", "--config", house.config)
    assert done.returncode == 1 and "nowhere cannot be read" in done.stderr and ID in done.stdout
    house.policy("strict")
    bad(run("plugin", "list", "--config", house.config), "key plugins.trust: must be one of \"any\", \"signed\", \"locked\"")


def test_lock(house):
    house.policy("locked")
    archive = house.bundle()
    (house.plugins / "docker.so").write_bytes(DOCKER.read_bytes())
    lock = ("plugin", "lock", "--config", house.config)
    done = run(*lock)
    assert good(done) == f"added {ID} 1.4.0\n{house.lock}: 1 plugin pinned\n"
    assert "docker.so is a bare shared object and cannot be pinned" in done.stderr
    assert stat.S_IMODE(house.lock.stat().st_mode) == 0o644
    assert house.list()[f"{ID}.acpb"]["verdict"] == "good"
    assert good(house.verify(archive, "--lock", house.lock)).endswith(", pinned\n")
    first = house.lock.read_bytes()
    assert good(run(*lock)) == f"{house.lock}: 1 plugin pinned\n"
    assert house.lock.read_bytes() == first

    house.bundle(version="1.10.0")
    bad(house.verify(archive, "--lock", house.lock), "another version is pinned", "version 1.4.0", "version 1.10.0")
    assert "upgraded com.example.thing 1.4.0 -> 1.10.0" in good(run(*lock))
    house.bundle(version="1.9.0")
    bad(house.verify(archive, "--lock", house.lock), "it is older than the pinned version")
    pinned = house.lock.read_bytes()
    bad(run(*lock), "pinned at version 1.10.0 and found as the older 1.9.0", "--allow-downgrade")
    assert house.lock.read_bytes() == pinned
    assert "downgraded" in good(run(*lock, "--allow-downgrade"))
    good(house.verify(archive, "--lock", house.lock))

    # Other content of the same version.
    house.bundle(version="1.9.0", options=("--file", f"a={house.config}"))
    bad(house.verify(archive, "--lock", house.lock), "other content is pinned")
    assert "repinned" in good(run(*lock))

    # What is not good is not pinned, and the lock stays.
    pinned = house.lock.read_bytes()
    house.bundle(name="u.acpb", id="com.example.u", key=None)
    bad(run(*lock), "it is not signed", f"{house.lock} is left as it is")
    assert house.lock.read_bytes() == pinned
    (house.plugins / "u.acpb").unlink()
    house.bundle(name="twice.acpb", version="2.0.0")
    bad(run(*lock), f"two bundles have the id {ID}")
    (house.plugins / "twice.acpb").unlink()

    # Elsewhere, and broken ones.
    good(run(*lock, "--output", house.folder / "other.lock"))
    assert (house.folder / "other.lock").read_bytes() == pinned
    house.lock.write_text("lock: 1\nplugins: [{id: A}]\n")
    bad(run(*lock), "plugins.lock:2:")
    bad(house.verify(archive, "--lock", house.lock), "there is no lock to measure it by", "plugins.lock:2:")
    house.lock.write_bytes(pinned)
    house.lock.chmod(0o666)
    bad(house.verify(archive, "--lock", house.lock), "may be written by others")
    archive.unlink()
    house.lock.chmod(0o644)
    assert good(run(*lock)) == f"removed {ID} 1.9.0\n{house.lock}: 0 plugins pinned\n"


def test_other_places(house):
    """The keys' folder and the lock where the configuration says."""
    archive = house.bundle()
    elsewhere = house.folder / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    house.trust.rename(elsewhere / "keys")
    house.policy("locked", trust_keys="elsewhere/keys", lock="elsewhere/pins")
    assert "pinned" in good(run("plugin", "lock", "--config", house.config))
    assert (elsewhere / "pins").exists() and not house.lock.exists()
    assert house.list()[archive.name]["verdict"] == "good"
