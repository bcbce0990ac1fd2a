"""The store of sessions and codes: where it is, and a database that is away."""

import socket
import stat
import subprocess
import time

import pytest

from server import StartFailed, run, wait_until

REDIS = ["redis-server", "--port", "0", "--save", "", "--appendonly", "no"]


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "state.key"
    file.write_text("A" * 43 + "\n")
    file.chmod(0o600)
    return str(file)


def check(server):
    answer = server.get("/manage/readyz", token=False)
    return answer.status, answer.json["status"], answer.json["checks"]["state"]["status"]


def test_it_is_a_private_file_by_default(make_server):
    server = make_server()
    assert check(server) == (200, "ready", "up")
    for name in ("state.db", "keys/state.key"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600


def test_a_redis_that_comes_and_goes(make_server, tmp_path, key_file):
    place = tmp_path / "redis.sock"
    server = make_server(state={"kind": "redis", "url": f"unix://:hunter2@{place}", "key_file": key_file})
    # Away from the start: what needs no sessions is served.
    assert check(server) == (200, "degraded", "down")
    assert server.get("/manage/healthz", token=False).status == 200
    for _ in range(2):
        redis = subprocess.Popen([*REDIS, "--unixsocket", place, "--requirepass", "hunter2", "--dir", tmp_path],
                                 stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: check(server) == (200, "ready", "up"), "redis is reached")
        finally:
            redis.terminate()
            redis.wait()
        wait_until(lambda: check(server) == (200, "degraded", "down"), "its absence is seen")
    log = server.stderr()
    assert "cannot be reached" in log and "reached again" in log
    assert "hunter2" not in log and "hunter2" not in server.get("/manage/readyz", token=False).body.decode()


def test_readiness_does_not_wait_for_a_silent_database(make_server, key_file):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = make_server(state={"kind": "redis", "url": "redis://127.0.0.1:%d" % silent.getsockname()[1], "key_file": key_file})
        start = time.monotonic()
        assert check(server) == (200, "degraded", "down")
        assert time.monotonic() - start < 10


MISTAKES = {
    "no key file": ({"kind": "redis", "url": "redis://:hunter2@h"}, "key state.key_file: the file ", "openssl rand"),
    "a bad URL": ({"kind": "redis", "url": "redis://:hunter2@h:0"}, "key state.url: the port is no number"),
    "a URL that libpq refuses": ({"kind": "postgresql", "url": "postgresql://u:hunter2@h/d?x=1"}, "key state.url: it must be postgresql://"),
    "the ledger's file": ({"path": "{data}/ledger.db"}, "key state.path: is the file of the ledger"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_their_place(make_server, tmp_path, mistake):
    section, *words = MISTAKES[mistake]
    section = {key: value.replace("{data}", str(tmp_path)) for key, value in section.items()}
    server = make_server(start=False, data_dir=tmp_path, state=section)
    with pytest.raises(StartFailed) as failed:
        server.start()
    checked = run("check-config", server.config_file)
    assert checked.returncode == 1
    for told in (failed.value.stderr, checked.stderr):
        assert "config.yaml:" in told and "hunter2" not in told and all(word in told for word in words), told
