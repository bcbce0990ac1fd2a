"""The first administrator: a one-time token, and nobody by coming first."""

import concurrent.futures
import json
import stat
import urllib.parse

import pytest


@pytest.fixture
def server(make_server):
    return make_server()


def redeem(server, token, path="/auth/bootstrap"):
    return server.request("POST", path, urllib.parse.urlencode({"token": token}), token=False,
                          headers={"Content-Type": "application/x-www-form-urlencoded"})


def file_of(server):
    return server.data_dir / "bootstrap-token"


def test_once(server):
    file = file_of(server)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = file.read_text().strip()
    assert len(token) >= 43
    answer = redeem(server, token)
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    assert (answer.json["token_type"], answer.json["scope"]) == ("Bearer", "admin:cluster")
    access = answer.json["access_token"]
    assert server.get("/manage/providers", token=access).status == 200
    again = redeem(server, token)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert not file.exists()
    events = server.get("/manage/audit/events", token=access)
    assert [row["actor"] for row in events.json["items"] if row["kind"] == "bootstrap.admin"] == ["bootstrap-admin"]
    told = server.stderr() + json.dumps(events.json)
    assert token not in told and access not in told


def test_of_many_one(server):
    token = file_of(server).read_text().strip()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: redeem(server, token), range(8)))
    assert statuses == [200] + [400] * 7


def test_wrong_tokens(server):
    token = file_of(server).read_text().strip()
    for wrong in ("", "x", token[:-1], token + "x", token.swapcase()):
        assert redeem(server, wrong).status == 400
    assert redeem(server, token, "/auth/bootstrap?token=" + token).status == 400
    assert file_of(server).exists()
    # Guessing is slow; and the limit is told as one.
    answers = [redeem(server, "x") for _ in range(10)]
    assert answers[-1].status == 429 and int(answers[-1].headers["Retry-After"]) > 0
    assert file_of(server).exists()


def test_a_restart_opens_none(server):
    redeem(server, file_of(server).read_text().strip())
    server.stop()
    server.start()
    assert not file_of(server).exists()
    done = server.command("token", "bootstrap")
    assert done.returncode == 0, done.stderr
    assert done.stdout == server.command("token", "bootstrap").stdout
    assert redeem(server, done.stdout.strip()).status == 200


def test_a_file_that_others_can_read_counts_for_nothing(server):
    file_of(server).chmod(0o644)
    answer = redeem(server, file_of(server).read_text().strip())
    assert answer.status == 503 and file_of(server).exists()
