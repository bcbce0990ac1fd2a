"""From the bundle to a running workload, on a machine without network and without our libraries."""

import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

from cell import UID, USER, libraries_of
from server import BINARY, wait_until

BIN = "/opt/alphaswarm-cp/current/bin/alphaswarm-cp"
CONFIG = "/etc/alphaswarm-cp/alphaswarm-cp.yaml"
DATA = "/var/lib/alphaswarm-cp"
UNIT = "etc/systemd/system/alphaswarm-cp.service"


def release_of(tar):
    with tarfile.open(tar) as archive:
        return archive.getnames()[0].removeprefix("alphaswarm-cp-")


def deliver(cell, tar, name):
    """As with a stick: the file, unpacked by the machine's own tar."""
    shutil.copy(tar, cell.root / f"tmp/{name}.tar")
    cell.bash(f"mkdir /tmp/{name} && tar -xf /tmp/{name}.tar -C /tmp/{name} --strip-components=1")
    return f"/tmp/{name}/install"


@pytest.fixture(scope="module")
def installed(cell, goods, bundle):
    script = deliver(cell, bundle, "first")
    shutil.copy(goods.public, cell.root / "tmp/release.pem")
    return cell.ok(script, "--verify-key", "/tmp/release.pem")


@pytest.fixture(scope="module")
def serving(cell, installed):
    cell.serve(BIN, CONFIG)
    token = cell.ok(BIN, "token", "mint", "--config", CONFIG, "--scope", "admin:cluster", uid=UID).strip()
    cell.auth = {"Authorization": f"Bearer {token}"}
    return cell


def test_the_cell_is_one(cell):
    assert cell.bash("cat /proc/net/route").count("\n") == 1
    assert re.findall(r"^ *(\S+):", cell.bash("cat /proc/net/dev"), re.M) == ["lo"]
    names = {path.name for path in (cell.root / "usr").rglob("*")}
    assert not [name for name in names if re.match(r"lib(Poco|yaml|archive|boost|nghttp2|sqlite|prom|stdc)", name)]
    shutil.copy(BINARY, cell.root / "tmp/bare")
    done = cell.run("/tmp/bare", "--version")
    assert done.returncode == 127 and "cannot open shared object file" in done.stderr


def test_what_is_installed(cell, installed, bundle):
    release = release_of(bundle)
    assert f"release {release}, signature good" in installed
    before_the_end = installed[:installed.index("Installed.")]
    for told in (f"/opt/alphaswarm-cp/releases/{release}", "acp.local 0.1.0", "acp.docker 0.1.0", f"{CONFIG} (new)",
                 f"{DATA} (new, of {USER})", "/etc/systemd/system/alphaswarm-cp.service"):
        assert told in before_the_end, installed
    assert "systemctl enable --now alphaswarm-cp" in installed and f"runuser -u {USER} -- {BIN} token mint" in installed
    prefix = cell.root / "opt/alphaswarm-cp"
    assert (prefix / "current").readlink() == pathlib.Path("releases") / release
    for path in prefix.rglob("*"):
        state = path.lstat()
        assert state.st_uid == 0 and (path.is_symlink() or not state.st_mode & 0o022), path
    data = (cell.root / DATA.lstrip("/")).stat()
    assert (data.st_uid, data.st_mode & 0o777) == (UID, 0o700)


def test_the_unit(cell, installed):
    unit = cell.root / UNIT
    text = unit.read_text()
    assert "@" not in text.replace("@system-service", "")
    # No systemctl there, so what every systemd knows.
    assert 'Type=notify\nExecReload=/bin/sh -c "kill -HUP $MAINPID"\n' in text and f"User={USER}\n" in text


def test_systemd_understands_the_unit(cell, installed):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={cell.root}", "alphaswarm-cp.service"],
                          capture_output=True, text=True)
    # Units of the system are none of that root's.
    ours = [line for line in done.stderr.splitlines() if "alphaswarm-cp" in line and "sysinit.target" not in line]
    assert not ours, ours


def test_the_unit_of_a_newer_systemd(cell, installed):
    systemctl = cell.root / "usr/bin/systemctl"
    systemctl.write_text("#!/bin/sh\necho 'systemd 254 (254.5-1)'\n")
    systemctl.chmod(0o755)
    old = (cell.root / UNIT).read_text()
    try:
        cell.ok("/tmp/first/install")
    finally:
        systemctl.unlink()
    text = (cell.root / UNIT).read_text()
    assert "\nType=notify-reload\n" in text and "ExecReload" not in text
    cell.ok("/tmp/first/install")
    assert (cell.root / UNIT).read_text() == old


def test_a_machine_without_useradd(cell, bundle, installed):
    done = cell.run("/tmp/first/install", "--user", "nobody-there", "--prefix", "/opt/other")
    assert done.returncode == 1 and "no useradd" in done.stderr and "remedy:" in done.stderr
    assert not (cell.root / "opt/other").exists()


def test_healthz(serving):
    answer = serving.bash(f'exec 3<>/dev/tcp/127.0.0.1/{serving.port}; printf "GET /manage/healthz HTTP/1.1\\r\\nHost: '
                          f'x\\r\\nConnection: close\\r\\n\\r\\n" >&3; cat <&3', uid=UID)
    assert answer.startswith("HTTP/1.1 200 OK"), answer


def test_both_plugins_come_from_signed_bundles(serving):
    items = {item["id"]: item for item in serving.get("/manage/plugins")["items"]}
    assert set(items) == {"acp.local", "acp.docker"}
    for item in items.values():
        assert item["loaded"] and item["form"] == "bundle" and len(item["signed_by"]) == 1, item


def test_a_workload(serving):
    script = "echo hello from the cell; echo LIBS=${LD_LIBRARY_PATH-none}; exec sleep 100000"
    answer = serving.request("POST", "/manage/workloads/ticker/start", {"command": ["/bin/bash", "-c", script]})
    assert answer.status == 200, answer
    started = answer.json
    assert started["result"]["phase"] == "running"
    log = wait_until(lambda: (text := serving.request("GET", "/manage/workloads/ticker/logs").body) and
                     b"LIBS" in text and text.decode(), "the log")
    # The supervisor was told where our libraries are; the command was not.
    assert "hello from the cell" in log and "LIBS=none" in log
    row = serving.get(f"/manage/runs/{started['run_id']}")
    assert (row["action"], row["target"], row["status"]) == ("start", "ticker", "succeeded"), row
    done = serving.request("POST", "/manage/workloads/ticker/exec", {"command": ["/bin/bash", "-c", "echo $UID"]})
    assert done.json["result"]["stdout"] == f"{UID}\n", done


def mapped(cell, pid):
    lines = (line.split(maxsplit=5) for line in cell.bash(f"cat /proc/{pid}/maps").splitlines())
    return {(part[5], part[1]) for part in lines if len(part) == 6 and ".so" in part[5]}


def test_every_library_comes_from_the_release(serving, bundle):
    """Also those of plugins and of the supervisor, which run from the store."""
    deps = f"/opt/alphaswarm-cp/releases/{release_of(bundle)}/lib/alphaswarm-cp/deps/"
    store = f"{DATA}/plugins/store/"
    glibc = re.compile(r"/usr/lib(64|/[^/]+)/(ld-linux.*|lib(c|m|dl|rt|pthread|resolv))\.so\.\d+")
    server = serving.bash("cat /run/server.pid").strip()
    supervisors = serving.bash("for p in /proc/[0-9]*; do read -r name <$p/comm; [[ $name != acp-local-super* ]] || "
                               "echo ${p#/proc/}; done").split()
    assert supervisors
    for pid in (server, *supervisors):
        files = mapped(serving, pid)
        assert any(path.startswith(deps + "libPoco") for path, _ in files)
        for path, rights in files:
            assert path.startswith((deps, store)) or glibc.fullmatch(path), path
            # MemoryDenyWriteExecute of the unit.
            assert not ("w" in rights and "x" in rights), path
    plugins = [path for path, _ in mapped(serving, server) if path.startswith(store)]
    assert {path.rsplit("/", 1)[1] for path in plugins} == {"plugin.so"}
    assert "rwx" not in serving.bash(f"cat /proc/{server}/maps")


def test_an_upgrade(serving, bundle, next_bundle):
    cell = serving
    first, second = release_of(bundle), release_of(next_bundle)
    config = cell.root / CONFIG.lstrip("/")
    mine = config.read_text() + "# mine\n"
    config.write_text(mine)
    run_id = cell.request("POST", "/manage/workloads/kept/start", {"command": ["/bin/sleep", "100000"]}).json["run_id"]
    pid = cell.get("/manage/workloads/kept")["raw"]["replicas"][0]["pid"]
    sha = {item["id"]: item["sha256"] for item in cell.get("/manage/plugins")["items"]}

    told = cell.ok(deliver(cell, next_bundle, "second"))
    assert f"was releases/{first}" in told and "who made the bundle was not checked" in told
    assert f"/opt/alphaswarm-cp/releases/{first}/install, with the same options" in told
    # The old release serves until it is restarted.
    assert cell.get("/manage/workloads/kept")["phase"] == "running"
    cell.stop()
    cell.serve(BIN, CONFIG)
    assert cell.get(f"/manage/runs/{run_id}")["target"] == "kept"
    assert cell.get("/manage/workloads/kept")["raw"]["replicas"][0]["pid"] == pid
    now = {item["id"]: item["sha256"] for item in cell.get("/manage/plugins")["items"] if item["loaded"]}
    assert now["acp.local"] == sha["acp.local"] and now["acp.docker"] != sha["acp.docker"]
    assert config.read_text() == mine and "# mine" not in (config.parent / "alphaswarm-cp.yaml.new").read_text()
    assert (cell.root / "opt/alphaswarm-cp/current").readlink().name == second
    # And back again.
    cell.ok(f"/opt/alphaswarm-cp/releases/{first}/install")
    cell.stop()
    cell.serve(BIN, CONFIG)
    assert {item["id"]: item["sha256"] for item in cell.get("/manage/plugins")["items"] if item["loaded"]} == sha
    cell.bash(f"{BIN} audit verify --config {CONFIG}", uid=UID)


def test_an_ordinary_user(cell, bundle):
    """One that not even /etc/passwd knows."""
    if not (cell.root / "tmp/first").exists():
        deliver(cell, bundle, "first")
    places = ("--prefix", "/tmp/own/opt", "--config-dir", "/tmp/own/etc", "--data-dir", "/tmp/own/data")
    refused = cell.run("/tmp/first/install", *places, uid=1500)
    assert refused.returncode == 1 and "--no-service" in refused.stderr
    refused = cell.run("/tmp/first/install", "--no-service", uid=1500)
    assert refused.returncode == 1 and "/opt" in refused.stderr and "give a --prefix" in refused.stderr
    assert "Installed." in cell.ok("/tmp/first/install", "--no-service", *places, uid=1500)
    program, config = "/tmp/own/opt/current/bin/alphaswarm-cp", "/tmp/own/etc/alphaswarm-cp.yaml"
    before, port = cell.server, getattr(cell, "port", None)
    pid_file = cell.root / "run/server.pid"
    kept = pid_file.read_text() if pid_file.exists() else None
    pid_file.unlink(missing_ok=True)
    cell.serve(program, config, uid=1500, env=["ALPHASWARM_LISTEN=127.0.0.1:0"])
    assert cell.request("GET", "/manage/healthz").status == 200
    cell.stop()
    cell.server, cell.port = before, port
    pid_file.unlink()
    if kept:
        pid_file.write_text(kept)


def test_a_read_only_prefix(cell, bundle):
    if not (cell.root / "tmp/first").exists():
        deliver(cell, bundle, "first")
    done = cell.run("/tmp/first/install", "--no-service", "--prefix", "/mnt/cp", "--config-dir", "/tmp/ro/etc",
                    "--data-dir", "/tmp/ro/data")
    assert done.returncode == 1 and "cannot write /mnt: Read-only file system" in done.stderr
    assert "remedy:" in done.stderr and not (cell.root / "tmp/ro").exists()


def test_a_new_user(cell, bundle):
    """Last, because it brings more programs into the cell."""
    if not (cell.root / "tmp/first").exists():
        deliver(cell, bundle, "first")
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    for path in (program, *libraries_of(program)):
        target = cell.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(path, target)
    told = cell.ok("/tmp/first/install", "--user", "acp-new", "--prefix", "/opt/new", "--data-dir", "/var/lib/new",
                   "--config-dir", "/etc/new")
    assert "user        acp-new (new)" in told and "Installed." in told
    uid, gid = cell.ok("id", "-u", "acp-new").strip(), cell.ok("id", "-g", "acp-new").strip()
    assert cell.ok("stat", "-c", "%u %g %a", "/var/lib/new") == f"{uid} {gid} 700\n" and uid != "0"
    assert f"User=acp-new\nGroup={gid}\n" in (cell.root / UNIT).read_text()
    assert "(new)" not in cell.ok("/tmp/first/install", "--user", "acp-new", "--prefix", "/opt/new", "--data-dir",
                                  "/var/lib/new", "--config-dir", "/etc/new").replace("config", "")
