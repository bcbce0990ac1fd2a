"""Plugins that are replaced while they work, and plugins that take the server down."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest

from server import BUILD, PLUGINS, SANITIZED, StartFailed

ROOT = pathlib.Path(__file__).parents[2]
RELEASES = BUILD / "lib/alphaswarm-cp/test-plugins"
CRASHING = ROOT / "tests/fixtures/crashing"
RELOAD = "/manage/plugins/test.reloadable/reload"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "plugins"
    place.mkdir()
    return place


def put(folder, release):
    """As an installation does it: beside the old file, then renamed into place."""
    fresh = folder / "fresh"
    shutil.copy(RELEASES / f"reloadable_{release}.so", fresh)
    fresh.chmod(0o755)
    os.rename(fresh, folder / "reloadable.so")


@pytest.fixture
def server(make_server, folder):
    put(folder, 1)
    return make_server(plugins={"directories": [str(PLUGINS), str(folder)], "generations": 30},
                       providers=[{"alias": "mine", "plugin": "test.reloadable"},
                                  {"alias": "local", "plugin": "acp.local"}],
                       workloads={"default_provider": "mine"})


def plugin(server):
    [item] = [i for i in server.ok("GET", "/manage/plugins")["items"] if i["id"] == "test.reloadable"]
    return item


def release(server):
    return server.ok("GET", "/manage/workloads/x")["image"]


def test_a_reload(server, folder):
    assert release(server) == "1.0.0"
    put(folder, 2)
    done = server.ok("POST", RELOAD, token=server.raised())
    assert (done["version"], done["generation"], done["changed"]) == ("2.0.0", 2, True)
    assert done["instances"] == ["mine"]
    assert release(server) == "2.0.0"
    assert plugin(server)["version"] == "2.0.0" and plugin(server)["generation"] == 2
    again = server.ok("POST", RELOAD, token=server.raised())
    assert (again["changed"], again["generation"]) == (False, 2)
    events = server.ok("GET", "/manage/audit/events?kind=plugin.reload")["items"]
    assert [e["outcome"] for e in events] == ["unchanged", "begun", "reloaded", "begun"]


def test_a_reload_that_fails(server, folder):
    """What works goes on, and the list tells why the new release does not."""
    put(folder, 3)
    refused = server.post(RELOAD, token=server.raised())
    assert (refused.status, refused.code) == (422, "plugin_refused")
    assert "this release is broken" in refused.json["detail"] and "mine" in refused.json["detail"]
    assert release(server) == "1.0.0"
    assert plugin(server)["loaded"] and "broken" in plugin(server)["fault"]["message"]
    put(folder, 2)
    server.ok("POST", RELOAD, token=server.raised())
    assert release(server) == "2.0.0" and "fault" not in plugin(server)


def test_who_may(server):
    assert server.post(RELOAD, token=False).status == 401
    assert server.post(RELOAD, token=server.token("read:infrastructure")).status == 403
    weak = server.post(RELOAD)
    assert (weak.status, weak.json["code"]) == (401, "insufficient_user_authentication"), weak
    assert weak.headers["WWW-Authenticate"].endswith(
        'error="insufficient_user_authentication", acr_values="high", max_age="180"'), weak
    unknown = server.post("/manage/plugins/no.such/reload", token=server.raised())
    assert (unknown.status, unknown.code) == (404, "plugin_not_found")


def test_under_load(server, folder):
    """No request fails, and what was opened on a release ends on it, whole."""
    stop = threading.Event()

    def ask():
        count, token = 0, server.token()
        connection = server.connect()
        while not stop.is_set():
            connection.request("GET", "/manage/workloads/x", headers={"Authorization": "Bearer " + token})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body
            count += 1
        connection.close()
        return count

    def read_log():
        connection, response = server.open("GET", "/manage/workloads/x/logs?tail=50",
                                           headers={"Accept": "application/x-ndjson"})
        lines = [json.loads(line)["text"] for line in response.read().splitlines()]
        connection.close()
        return lines

    server.token()
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        askers = [threads.submit(ask) for _ in range(4)]
        logs = []
        for n in range(8):
            logs.append(threads.submit(read_log))
            put(folder, 2 - n % 2)
            assert server.ok("POST", RELOAD, token=server.raised())["changed"] is True
        lines = [log.result() for log in logs]
        stop.set()
        assert all(asker.result() > 0 for asker in askers)
    for log in lines:
        assert len(log) == 50
        assert len({line.split()[0] for line in log}) == 1, "one release from first line to last"


def test_live_streams_end_with_their_release(server, folder):
    """A follower of the old release is served until it leaves."""
    connection, response = server.open("GET", "/manage/workloads/x/logs?follow=true",
                                       headers={"Accept": "application/x-ndjson"})
    assert b"1.0.0 line 0" in response.readline()
    put(folder, 2)
    server.ok("POST", RELOAD, token=server.raised())
    for _ in range(20):
        assert b"1.0.0 line" in response.readline()
    connection.close()
    assert release(server) == "2.0.0"


def crashing(name, folder):
    target = folder / "crashing.so"
    subprocess.run(["cc", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-I", ROOT / "plugin-api/include",
                    CRASHING / (name + ".c"), "-o", target], check=True)
    target.chmod(0o755)
    return target


# What a sanitizer takes for its own is not ours to see.
CRASHES = {"init_aborts": "signal 06", "init_exits": "called exit"} | ({} if SANITIZED else {"init_faults": "signal 11"})


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_while_loading(name, make_server, folder):
    """The next start keeps the plugin out, says so, and serves."""
    crashing(name, folder)
    server = make_server(start=False, plugins={"directories": [str(PLUGINS), str(folder)]})
    with pytest.raises(StartFailed):
        server.start()
    server.start()
    [item] = [i for i in server.ok("GET", "/manage/plugins")["items"] if i["path"].endswith("crashing.so")]
    assert not item["loaded"] and item["fault"]["stage"] == "quarantine"
    assert CRASHES[name] in item["fault"]["found"]
    server.start_workload("fine")
    # The remedy is true: with the note gone it is tried again.
    note = pathlib.Path(item["fault"]["remedy"].split("remove ")[1])
    server.stop()
    note.unlink()
    with pytest.raises(StartFailed):
        server.start()
    # So is the other: another release is another plugin.
    shutil.copy(PLUGINS / "local.so", folder / "crashing.so")
    server.start()
    assert server.get("/manage/healthz", token=False).status == 200


def test_it_leaves_without_a_word_three_times(make_server, folder):
    """_exit() cannot be seen; three starts in a row that end so are enough."""
    crashing("init_leaves", folder)
    server = make_server(start=False, plugins={"directories": [str(PLUGINS), str(folder)]})
    for _ in range(3):
        with pytest.raises(StartFailed):
            server.start()
    server.start()
    [item] = [i for i in server.ok("GET", "/manage/plugins")["items"] if i["path"].endswith("crashing.so")]
    assert item["fault"]["stage"] == "quarantine" and "3 starts" in item["fault"]["found"]


def test_a_plugin_that_hangs(make_server, folder):
    """It is given up after the configured time; the rest serves, and the server still ends when told to."""
    crashing("init_hangs", folder)
    server = make_server(plugins={"directories": [str(PLUGINS), str(folder)], "load_timeout_s": 1})
    [item] = [i for i in server.ok("GET", "/manage/plugins")["items"] if i["path"].endswith("crashing.so")]
    assert not item["loaded"] and item["fault"]["stage"] == "load" and "come back" in item["fault"]["message"]
    server.start_workload("fine")
    assert server.end(signal.SIGTERM) == 0


def test_a_file_that_is_written_over(server, folder):
    """What runs is a copy: an installation that is careless with the file breaks nothing that runs."""
    (folder / "reloadable.so").write_bytes(b"not a plugin any more")
    assert release(server) == "1.0.0"
    refused = server.post(RELOAD, token=server.raised())
    assert (refused.status, refused.code) == (422, "plugin_refused")
    assert release(server) == "1.0.0"


def resident_kib(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def test_memory_is_back_to_its_level(server, folder):
    """Only code stays, which is never unloaded: what instances and streams took is given back."""
    def reload(times):
        for n in range(times):
            put(folder, 2 if release(server) == "1.0.0" else 1)
            server.ok("POST", RELOAD, token=server.raised())
            server.ok("GET", "/manage/workloads/x")
            connection, response = server.open("GET", "/manage/workloads/x/logs?tail=3",
                                               headers={"Accept": "application/x-ndjson"})
            assert len(response.read().splitlines()) == 3
            connection.close()

    reload(8)
    before = resident_kib(server)
    reload(16)
    grown = (resident_kib(server) - before) / 16
    size = (RELEASES / "reloadable_1.so").stat().st_size / 1024
    # A sanitizer's own bookkeeping is not ours.
    assert grown < (16 if SANITIZED else 2) * size, (grown, size)
