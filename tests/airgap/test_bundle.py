"""What make-bundle and install refuse, and that nothing is touched then."""

import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

from goods import good, unpacked
from server import PLUGINS

SUMS = "SHA256SUMS"


@pytest.fixture
def stick(bundle, room):
    """The unpacked bundle."""
    (room / "stick").mkdir()
    return unpacked(bundle, room / "stick")


def install(stick, room, *options):
    return subprocess.run(
        ["/bin/bash", stick / "install", "--no-service", "--prefix", room / "p", "--config-dir", room / "etc",
         "--data-dir", room / "data", *options], capture_output=True, text=True, timeout=60)


def refused(done, room, *words):
    assert done.returncode == 1, done
    for word in (*words, "remedy:"):
        assert word in done.stderr, done.stderr
    assert [path.name for path in room.iterdir()] == ["stick"]


def test_the_same_input_gives_the_same_bytes(goods, bundle, room):
    # As they were: the next release has another docker.acpb in that place.
    stick = unpacked(bundle, room)
    [docker] = (stick / "lib/alphaswarm-cp/plugins").glob("acp.docker-*")
    again = room / "again.tar"
    good(goods.make(again, plugins=(goods.local, docker), sign=goods.key))
    assert again.read_bytes() == bundle.read_bytes()
    with tarfile.open(again) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.mtime) == (0, 0, 0) and (member.isreg() or member.isdir()), member


def test_what_is_in_it(stick):
    files = {str(path.relative_to(stick)) for path in stick.rglob("*") if path.is_file()}
    assert {"install", "VERSION", SUMS, SUMS + ".sig", "plugins.lock", "trust/vendor.pem", "bin/alphaswarm-cp"} <= files
    libraries = {pathlib.Path(name).name for name in files if "/deps/" in name}
    assert {"libPocoFoundation.so.80", "libarchive.so.13", "libstdc++.so.6", "libpcre.so.3"} <= libraries
    assert not [name for name in libraries if name.startswith(("libc.", "libm.", "ld-linux"))]
    licences = {path.name for path in (stick / "share/doc/licenses").iterdir()}
    assert {"alphaswarm-cp", "libyaml-cpp0.7", "libpocofoundation80"} <= licences


# Making one.

def not_made(goods, room, *words, **options):
    done = goods.make(room / "out.tar", **options)
    assert done.returncode == 1, done
    for word in words:
        assert word in done.stderr, done.stderr
    assert not list(room.glob("out.tar*"))


def test_a_plugin_that_is_missing(goods, room):
    not_made(goods, room, "/nowhere/x.acpb", "no such file", plugins=["/nowhere/x.acpb"])


def test_a_plugin_that_is_not_pinned(goods, room):
    lock = room / "plugins.lock"
    text = goods.lock.read_text()
    lock.write_text(text[:text.index('  - id: "acp.local"')])
    not_made(goods, room, str(goods.local), "acp.local", "remedy:", lock=lock, plugins=[goods.local])


def test_a_plugin_of_a_stranger(goods, room):
    other = goods.bundle("local", key="stranger", output=room / "local.acpb")
    not_made(goods, room, str(other), "acp.local", "remedy:", plugins=[other])


def test_a_bare_plugin(goods, room):
    not_made(goods, room, "local.so", "plugin bundle", plugins=[PLUGINS / "local.so"])


def test_a_plugin_twice(goods, room):
    not_made(goods, room, "is acp.local too", plugins=[goods.local, goods.local])


def test_no_keys(goods, room):
    not_made(goods, room, "no key *.pem", "--trust-keys", **{"trust-keys": room})


def test_a_signing_key_of_another_kind(goods, room):
    key = room / "ec.key"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True)
    not_made(goods, room, str(key), "Ed25519", sign=key, plugins=[goods.local])


# Installing one.

def change(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_changed_file(stick, room):
    change(stick / "lib/alphaswarm-cp/deps/libPocoNet.so.80")
    refused(install(stick, room), room, "libPocoNet.so.80 differs", str(stick))


def test_a_changed_version(stick, room):
    change(stick / "VERSION")
    refused(install(stick, room), room, "VERSION differs")


def test_a_missing_file(stick, room):
    (stick / "plugins.lock").unlink()
    refused(install(stick, room), room, "plugins.lock is missing")


def test_no_sums(stick, room):
    (stick / SUMS).unlink()
    refused(install(stick, room), room, "SHA256SUMS is missing")


@pytest.mark.parametrize("name", ["lib/alphaswarm-cp/deps/libevil.so", ".hidden", "trust/extra.pem", "bin/a\nb"])
def test_a_file_too_many(stick, room, name):
    (stick / name).write_text("x")
    refused(install(stick, room), room, name.splitlines()[0], "does not belong")


def test_a_link(stick, room):
    (stick / "trust/link").symlink_to("/etc")
    refused(install(stick, room), room, "trust/link")


def test_a_link_in_place_of_a_file(stick, room):
    (stick / "plugins.lock").rename(room / "stick/elsewhere")
    (stick / "plugins.lock").symlink_to(room / "stick/elsewhere")
    refused(install(stick, room), room, "plugins.lock")


@pytest.mark.parametrize("line", ["0" * 64 + "  ../../etc/passwd", "0" * 64 + "  /etc/passwd", "nonsense", ""])
def test_a_line_of_the_sums_that_leads_out(stick, room, line):
    with open(stick / SUMS, "a") as sums:
        sums.write(line + "\n")
    refused(install(stick, room), room, "SHA256SUMS has a line")


def test_a_truncated_tar(bundle, room):
    whole = bundle.read_bytes()
    for size in (len(whole) // 2, 20000, 3000):
        folder = room / str(size)
        folder.mkdir()
        short = folder / "short.tar"
        short.write_bytes(whole[:size])
        done = subprocess.run(["tar", "-xf", short, "-C", folder, "--strip-components=1"], capture_output=True, text=True)
        assert done.returncode != 0
        # And if nobody looked at that:
        if (folder / "install").exists():
            short.unlink()
            done = install(folder, room)
            assert done.returncode == 1 and "missing" in done.stderr or "differs" in done.stderr, done
    assert not (room / "p").exists()


def test_half_an_install_script_does_nothing(stick, room):
    text = (stick / "install").read_text()
    (stick / "install").write_text(text[:len(text) * 3 // 4])
    assert install(stick, room).returncode != 0
    assert [path.name for path in room.iterdir()] == ["stick"]


def test_another_key(goods, stick, room):
    refused(install(stick, room, "--verify-key", goods.folder / "stranger.pem"), room, "stranger.pem", "was not signed")


def test_changed_sums_under_a_signature(goods, stick, room):
    """Whoever changes a file and its sum is found out by the signature only."""
    (stick / "share/doc/licenses/new").write_text("x")
    sums = subprocess.run(["sha256sum", "share/doc/licenses/new"], cwd=stick, capture_output=True, text=True, check=True)
    with open(stick / SUMS, "a") as file:
        file.write(sums.stdout)
    refused(install(stick, room, "--verify-key", goods.public), room, "was not signed")
    assert "Installed." in good(install(stick, room))


def test_no_signature(goods, stick, room):
    (stick / (SUMS + ".sig")).unlink()
    refused(install(stick, room, "--verify-key", goods.public), room, "is not signed")


def test_no_key(stick, room):
    refused(install(stick, room, "--verify-key", "/nowhere.pem"), room, "/nowhere.pem")


@pytest.mark.parametrize("option", [("--prefix", "relative"), ("--prefix", "/"), ("--data-dir", "/a b"), ("--prefix",),
                                    ("--config-dir", "/a/../b"), ("--nonsense",)])
def test_wrong_options(stick, room, option):
    done = install(stick, room, *option)
    assert done.returncode == 2 and "usage:" in done.stderr
    assert [path.name for path in room.iterdir()] == ["stick"]


def test_another_machine(stick, room):
    """uname is asked, so one that says something else will do."""
    (room / "stick/bin").mkdir()
    (room / "stick/bin/uname").write_text("#!/bin/sh\necho sparc\n")
    (room / "stick/bin/uname").chmod(0o755)
    done = subprocess.run([stick / "install", "--no-service", "--prefix", room / "p", "--config-dir", room / "etc",
                           "--data-dir", room / "data"], capture_output=True, text=True,
                          env={"PATH": f"{room}/stick/bin:{os.environ['PATH']}"})
    refused(done, room, "sparc")


# Installing again.

def current(room):
    return (room / "p/current").readlink()


def test_again_changes_nothing(stick, room):
    good(install(stick, room))
    def state():
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in room.rglob("*")
                if path.name not in ("current", "p", "releases", "etc", "data")}
    before = state()
    assert "(is there)" in good(install(stick, room))
    assert state() == before
    assert not (room / "etc/alphaswarm-cp.yaml.new").exists()


def test_a_damaged_release_is_replaced(stick, room):
    good(install(stick, room))
    before = current(room)
    change(room / "p" / before / "bin/alphaswarm-cp")
    assert "is damaged" in good(install(stick, room))
    assert current(room).name == before.name + ".1"
    subprocess.run([room / "p/current/bin/alphaswarm-cp", "--version"], check=True, capture_output=True)


def test_what_a_killed_install_left(stick, room):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = room / f"p/releases/.staging.{dead.pid}"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    good(install(stick, room))
    assert sorted(path.name for path in (room / "p/releases").iterdir()) == [current(room).name]
    assert sorted(path.name for path in (room / "p").iterdir()) == ["current", "releases"]


def test_a_configuration_that_does_not_fit(stick, room):
    """Nothing is switched to a release that could not start."""
    (room / "etc").mkdir()
    (room / "etc/alphaswarm-cp.yaml").write_text("data_dir: d\nserver: {lisen: x}\n")
    done = install(stick, room)
    assert done.returncode == 1 and "server.lisen" in done.stderr and "remedy:" in done.stderr
    assert not os.path.lexists(room / "p/current") and not list((room / "p/releases").iterdir())
    (room / "etc/alphaswarm-cp.yaml").unlink()
    good(install(stick, room))


def test_no_room(stick, room):
    """A disk that is full in the middle of copying."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    (room / "p").mkdir()
    script = f"mount -t tmpfs -o size=2m tmpfs {room}/p && {stick}/install --no-service --prefix {room}/p " \
             f"--config-dir {room}/etc --data-dir {room}/data; code=$?; ls -A {room}/p/releases; exit $code"
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and "see that the disk has room" in done.stderr and "copying" in done.stderr, done
    assert done.stdout.splitlines()[-1].startswith("  note"), done.stdout
    assert not (room / "etc").exists() and not (room / "data").exists()


def test_a_current_that_is_no_link(stick, room):
    (room / "p/current").mkdir(parents=True)
    done = install(stick, room)
    assert done.returncode == 1 and "is no link" in done.stderr
    assert not (room / "p/releases").exists()


def test_data_of_somebody_else(stick, room):
    if os.geteuid() != 0:
        pytest.skip("changing owners needs root")
    (room / "data").mkdir()
    shutil.chown(room / "data", "nobody")
    done = install(stick, room)
    assert done.returncode == 1 and "belongs to" in done.stderr and "chown" in done.stderr
    assert not (room / "p").exists()
    good(install(stick, room, "--user", "nobody"))
