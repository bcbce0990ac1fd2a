"""Plugins that cannot be loaded: each stays visible with its reason, and the rest is served."""

import pathlib
import shutil
import subprocess
import tempfile

import pytest

from server import PLUGINS, Server

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = ROOT / "tests/fixtures/plugins"

# file: stage, words of expected, found and remedy
FAULTS = {
    "a-text-file.so": ("file", "ELF", "something else", "rebuild"),
    "an-empty-file.so": ("file", "ELF", "something else", "rebuild"),
    "an-object-file.so": ("file", "", "", "platform"),
    "a-folder.so": ("file", "regular file", "another kind", "shared object"),
    "bad_id.so": ("entry", "[a-z0-9.-]{1,64}", "bad id", "choose an id"),
    "init_fails.so": ("init", "succeed", "status", "message"),
    "missing_library.so": ("load", "symbols", "", "link"),
    "newer_minor.so": ("abi", "1.0", "1.1", "update"),
    "next_major.so": ("abi", "acp_plugin_entry_v1", "acp_plugin_entry_v2", "release"),
    "no_entry.so": ("symbol", "acp_plugin_entry_v1", "no such symbol", "acp_add_plugin"),
    "no_entry_given.so": ("entry", "acp_plugin_entry", "NULL", "static entry"),
    "no_functions.so": ("entry", "init, deinit and get_interface", "NULL", "fill in"),
    "short_entry.so": ("abi", "struct_size", "", "sizeof"),
    "truncated.so": ("symbol", "complete", "", "again"),
    "writable.so": ("file", "0755", "0777", "chmod"),
    "yet-another-fine.so": ("entry", "fixture.fine", "second file", "remove one"),
}
MISSING_FOLDER = "no-such-folder"

# alias: plugin id, words of the reason
FAILING = {
    "ghost": ("no.such.plugin", "no loaded plugin has the id no.such.plugin"),
    "newer": ("fixture.newer-minor", "no loaded plugin has the id"),
    "idle": ("fixture.fine", "acp.provider/1"),
    "misconfigured": ("acp.local", "stop_grace_s"),
}


def compile_fixture(name, target, *options):
    command = ["cc", "-std=c11", "-fPIC", "-fvisibility=hidden", "-I", ROOT / "plugin-api/include"]
    subprocess.run([*command, *options, SOURCES / (name + ".c"), "-o", target], check=True)
    target.chmod(0o755)


def make_bad_folder(folder):
    for source in SOURCES.glob("*.c"):
        compile_fixture(source.stem, folder / (source.stem + ".so"), "-shared")
    fine = folder / "fine.so"
    shutil.copy(fine, folder / "yet-another-fine.so")
    whole = fine.read_bytes()
    (folder / "truncated.so").write_bytes(whole[: len(whole) // 2])
    (folder / "a-text-file.so").write_text("#!/bin/sh\necho I am no plugin\n")
    (folder / "an-empty-file.so").touch()
    (folder / "a-folder.so").mkdir()
    compile_fixture("fine", folder / "an-object-file.so", "-c")
    shutil.copy(fine, folder / "writable.so")
    (folder / "writable.so").chmod(0o777)
    (folder / "README.txt").write_text("not looked at")


@pytest.fixture(scope="module")
def server():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-blackbox-"))
    make_bad_folder(folder)
    providers = [{"alias": "local", "plugin": "acp.local"}]
    for alias, (plugin, _) in FAILING.items():
        config = {"stop_grace_s": "soon"} if alias == "misconfigured" else {}
        providers.append({"alias": alias, "plugin": plugin, "config": config})
    directories = [str(PLUGINS), str(folder), str(folder / MISSING_FOLDER)]
    one = Server(plugins={"directories": directories}, providers=providers)
    try:
        yield one.start()
    finally:
        one.discard()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def listed(server):
    return server.ok("GET", "/manage/plugins")


def test_every_file_is_listed(listed):
    names = [pathlib.Path(item["path"]).name for item in listed["items"]]
    assert set(FAULTS) | {"fine.so", "local.so", "docker.so", MISSING_FOLDER} <= set(names)
    assert len(names) == len(set(names)) and "README.txt" not in names
    loaded = {pathlib.Path(item["path"]).name for item in listed["items"] if item["loaded"]}
    assert loaded >= {"fine.so", "local.so"} and not loaded & set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_fault(server, listed, name):
    (item,) = (item for item in listed["items"] if item["path"].endswith("/" + name))
    fault = item["fault"]
    stage, expected, found, remedy = FAULTS[name]
    assert fault["stage"] == stage, fault
    for key, words in (("expected", expected), ("found", found), ("remedy", remedy)):
        assert fault[key] and words in fault[key], fault
    assert fault["message"]
    # The same in the log, for those who have no token.
    (line,) = (line for line in server.stderr().splitlines() if "/" + name + '"' in line and "not loaded" in line)
    assert fault["remedy"] in line


def test_the_reason_of_init_is_told(listed):
    (item,) = (item for item in listed["items"] if item["id"] == "fixture.init-fails")
    assert "licence has run out" in item["fault"]["message"]


def test_a_missing_folder(listed):
    (item,) = (item for item in listed["items"] if item["path"].endswith(MISSING_FOLDER))
    assert item["loaded"] is False and item["fault"]["stage"] == "file"
    assert "plugins.directories" in item["fault"]["remedy"]


def test_what_loaded_is_described(listed):
    (local,) = (item for item in listed["items"] if item["id"] == "acp.local")
    assert local["loaded"] and "fault" not in local
    assert {"acp.provider/1", "acp.logs/1", "acp.exec/1", "acp.health/1"} <= set(local["interfaces"])
    assert len(local["sha256"]) == 64 and local["abi"] == "1.0"


def test_readiness_is_degraded(server):
    answer = server.get("/manage/readyz", token=False)
    assert answer.status == 200 and answer.json["status"] == "degraded"
    checks = answer.json["checks"]
    assert checks["ledger"]["status"] == checks["provider:local"]["status"] == "up"
    for alias in FAILING:
        assert checks["provider:" + alias]["status"] == "down" and checks["provider:" + alias]["message"]
    assert checks["plugin:fixture.init-fails"]["status"] == "down"
    assert checks["plugin:a-text-file.so"]["status"] == "down"


def test_other_providers_work(server):
    assert server.start_workload("unbothered")["phase"] == "running"
    assert server.exec("unbothered", "true")["exit_code"] == 0


@pytest.mark.parametrize("alias", FAILING)
def test_actions_on_a_failed_provider(server, alias):
    plugin, words = FAILING[alias]
    item = next(i for i in server.ok("GET", "/manage/providers")["items"] if i["alias"] == alias)
    assert (item["plugin"], item["ready"]) == (plugin, False)
    assert words in " ".join(item["fault"].values()), item
    requests = [
        ("POST", "/manage/workloads/a/start", {"command": ["/bin/true"]}),
        ("POST", "/manage/workloads/a/stop", {}),
        ("POST", "/manage/workloads/a/exec", {"command": ["true"]}),
        ("DELETE", "/manage/workloads/a", None),
        ("GET", "/manage/workloads/a", None),
        ("GET", "/manage/workloads/a/logs", None),
        ("GET", "/manage/workloads", None),
    ]
    for method, path, body in requests:
        answer = server.request(method, f"{path}?provider={alias}", body)
        assert (answer.status, answer.code) == (503, "provider_unavailable"), answer
        assert alias in answer.json["detail"] and item["fault"]["message"] in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
    for rest in ("health", "capabilities"):
        assert server.get(f"/manage/providers/{alias}/{rest}").status == 503
    assert server.ok("GET", f"/manage/runs?provider={alias}")["items"] == []


def test_an_unknown_provider(server):
    for method, path, body in (("POST", "/manage/workloads/a/stop", {}), ("GET", "/manage/workloads", None)):
        answer = server.request(method, path + "?provider=nobody", body)
        assert (answer.status, answer.code) == (404, "provider_not_found")
        assert "nobody" in answer.json["detail"] and "local" in answer.json["detail"]


def test_metrics_count_them(server):
    text = server.get("/manage/metrics").body.decode()
    assert f"acp_plugins_failed {len(FAULTS) + 1}\n" in text
    assert 'acp_instance_ready{alias="ghost"} 0\n' in text and 'acp_instance_ready{alias="local"} 1\n' in text


def test_no_plugin_at_all(make_server, tmp_path):
    own = make_server(plugins={"directories": [str(tmp_path)]})
    assert own.get("/manage/readyz", token=False).json["status"] == "degraded"
    assert own.get("/manage/workloads/a").status == 503
    assert own.get("/manage/runs").status == 200
