"""Actions in time: asynchronous, cancelled, repeated; and the ledger's rows of them."""

import json

import pytest

from server import wait_until
from test_workloads_local import gone, only_pid
from wire import Wire

ASYNC = {"Prefer": "respond-async"}


def path(name, operation):
    return f"/manage/workloads/{name}/{operation}"


def ended(server, run_id):
    return wait_until(lambda: (row := server.row(run_id))["finished_at"] and row, "the run ends")


@pytest.fixture(scope="module")
def sleeper(server):
    server.start_workload("sleeper")
    return "sleeper"


def begin_long_exec(server, name, file, **headers):
    """An exec that would last; gives the answer and, once it runs, its pid."""
    body = {"command": ["/bin/sh", "-c", f"echo $$ > {file}; exec sleep 100000"]}
    answer = server.post(path(name, "exec"), body, headers={**ASYNC, **headers})
    assert answer.status == 202, answer
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"), "the command runs")
    return answer, int(file.read_text())


@pytest.mark.parametrize("prefer", [
    "respond-async", "wait=0", "respond-async, wait=0", "handling=lenient, respond-async",
])
def test_asynchronous(server, sleeper, prefer):
    body = {"command": ["/bin/sh", "-c", "exit 4"]}
    answer = server.post(path(sleeper, "exec"), body, headers={"Prefer": prefer})
    assert answer.status == 202, answer
    run_id = answer.json["run_id"]
    assert answer.headers["Location"] == f"/manage/runs/{run_id}"
    row = ended(server, run_id)
    assert (row["status"], row["action"], row["target"]) == ("succeeded", "exec", sleeper)
    assert row["result"]["exit_code"] == 4


def test_a_wait_that_is_too_short(server, sleeper):
    file = server.folder / "may-end"
    body = {"command": ["/bin/sh", "-c", f"until [ -e {file} ]; do sleep 0.05; done"]}
    answer = server.post(path(sleeper, "exec"), body, headers={"Prefer": "wait=1"})
    assert answer.status == 202, answer
    assert server.row(answer.json["run_id"])["status"] == "running"
    file.touch()
    assert ended(server, answer.json["run_id"])["status"] == "succeeded"


def test_a_wait_that_is_long_enough(server, sleeper):
    answer = server.post(path(sleeper, "exec"), {"command": ["true"]}, headers={"Prefer": "wait=60"})
    assert answer.status == 200 and answer.json["result"]["exit_code"] == 0


def test_cancel(server, sleeper):
    answer, pid = begin_long_exec(server, sleeper, server.folder / "cancel-me")
    run_id = answer.json["run_id"]
    assert server.row(run_id)["status"] == "running"
    cancelled = server.post(f"/manage/runs/{run_id}/cancel")
    assert cancelled.status == 202 and cancelled.headers["Location"] == f"/manage/runs/{run_id}"
    row = ended(server, run_id)
    assert row["status"] == "cancelled" and row["error"]
    gone(pid)
    again = server.post(f"/manage/runs/{run_id}/cancel")
    assert (again.status, again.code) == (409, "run_not_active")
    assert server.post("/manage/runs/unknown/cancel").status == 404


def test_a_client_that_leaves_does_not_undo_the_action(server, sleeper):
    file, marker = server.folder / "go-on", server.folder / "went-on"
    body = {"command": ["/bin/sh", "-c", f"until [ -e {file} ]; do sleep 0.05; done; echo > {marker}"]}
    text = json.dumps(body)
    client = Wire(server, (
        f"POST {path(sleeper, 'exec')} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.token()}\r\n"
        "Content-Type: application/json\r\nX-Request-Id: left-early\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{text}").encode())

    def row():
        items = server.ok("GET", f"/manage/runs?target={sleeper}&status=running")["items"]
        return next((item for item in items if item["request_id"] == "left-early"), None)

    run_id = wait_until(row, "the run is under way")["run_id"]
    client.socket.close()
    file.touch()
    assert ended(server, run_id)["status"] == "succeeded"
    assert marker.exists()


def test_rows_of_actions(server):
    name = "recorded"
    token = server.token(sub="auditor")
    spec = {"command": ["/bin/sleep", "100000"], "namespace": "blue"}
    wanted = [
        ("start", "POST", "start", spec, spec),
        ("scale", "POST", "scale", {"replicas": 2}, {"replicas": 2}),
        ("restart", "POST", "restart", {}, {}),
        ("apply_config", "PATCH", "config", {"env": {"A": "1"}}, {"patch": {"env": {"A": "1"}}, "dry_run": False}),
        ("exec", "POST", "exec", {"command": ["true"]}, {"command": ["true"], "stdin_bytes": 0}),
        ("stop", "POST", "stop", {}, {}),
        ("delete", "DELETE", "", None, {}),
    ]
    hashes = []
    for action, method, rest, body, payload in wanted:
        fields = {"X-Request-Id": f"request-{action}"}
        url = path(name, rest).rstrip("/")
        answer = server.request(method, url, body, token=token, headers=fields)
        assert answer.status == 200, answer
        reply = answer.json
        assert (reply["status"], reply["action"]) == ("succeeded", action)
        assert (reply["provider"], reply["target"]) == ("local", name)
        assert answer.headers["Location"] == f"/manage/runs/{reply['run_id']}"
        row = server.row(reply["run_id"])
        assert (row["run_id"], row["action"], row["status"]) == (reply["run_id"], action, "succeeded")
        assert (row["provider"], row["target"]) == ("local", name)
        assert (row["user_id"], row["actor_kind"], row["request_id"]) == ("auditor", "user", f"request-{action}")
        assert row["payload"].items() >= payload.items(), row
        assert row["error"] is None and row["result"] and row["duration_ms"] >= 0
        assert row["finished_at"] >= row["started_at"]
        assert all(len(row[key]) == 64 for key in ("prev_hash", "row_hash", "result_hash"))
        hashes.append(row["row_hash"])
    assert len(set(hashes)) == len(wanted)
    listed = server.ok("GET", f"/manage/runs?target={name}")["items"]
    assert [item["action"] for item in listed] == [action for action, *_ in reversed(wanted)]


def test_filters(server):
    server.start_workload("filter-a")
    server.start_workload("filter-b")
    server.post(path("filter-none", "stop"), {}, token=server.token(sub="somebody"))

    def targets(query):
        return [item["target"] for item in server.ok("GET", "/manage/runs?limit=500&" + query)["items"]]

    assert targets("target=filter-a") == ["filter-a"]
    assert set(targets("action=start")) >= {"filter-a", "filter-b"} and "filter-none" not in targets("action=start")
    assert "filter-none" in targets("status=failed") and "filter-a" not in targets("status=failed")
    assert targets("user_id=somebody") == ["filter-none"]
    assert targets("provider=nowhere") == []
    moment = server.ok("GET", "/manage/runs?target=filter-b")["items"][0]["started_at"]
    assert "filter-b" in targets(f"since={moment}") and "filter-a" not in targets(f"since={moment}&target=filter-b")
    assert "filter-b" not in targets(f"until={moment}")
    for query in ("status=pending&statuss=x", "limit=0", "limit=501", "limit=x", "since=now", "cursor=nonsense"):
        assert server.get("/manage/runs?" + query).status == 400, query


def test_pages(server, sleeper):
    run_ids = [server.ok("POST", path(sleeper, "exec"), {"command": ["true"]})["run_id"] for _ in range(7)]
    query = f"/manage/runs?target={sleeper}&action=exec&limit=3"
    seen, cursor = [], None
    while True:
        page = server.ok("GET", query + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= 3
        seen += [item["run_id"] for item in page["items"]]
        # Rows that come meanwhile do not shift what follows.
        if not cursor:
            server.ok("POST", path(sleeper, "exec"), {"command": ["true"]})
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen))
    assert seen[:7] == run_ids[::-1]


def test_idempotency_replay(server, sleeper):
    file = server.folder / "count"
    body = {"command": ["/bin/sh", "-c", f"echo x >> {file}"]}
    key = {"Idempotency-Key": "replay-1"}
    first = server.post(path(sleeper, "exec"), body, headers=key)
    assert first.status == 200 and "Idempotency-Replayed" not in first.headers
    for value in ("replay-1", '"replay-1"'):
        again = server.post(path(sleeper, "exec"), body, headers={"Idempotency-Key": value})
        assert again.status == 200
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json["run_id"] == first.json["run_id"]
        assert again.headers["Location"] == first.headers["Location"]
    assert file.read_text() == "x\n"
    # Keys belong to whoever used them.
    other = server.post(path(sleeper, "exec"), body, headers=key, token=server.token(sub="other"))
    assert other.status == 200 and other.json["run_id"] != first.json["run_id"]


def test_idempotency_replays_failures_too(server):
    key = {"Idempotency-Key": "replay-404"}
    first = server.post(path("not-there", "stop"), {}, headers=key)
    again = server.post(path("not-there", "stop"), {}, headers=key)
    assert first.status == again.status == 404
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/problem+json"
    assert again.json["run_id"] == first.json["run_id"]


def test_idempotency_mismatch(server, sleeper):
    key = {"Idempotency-Key": "mismatch"}
    assert server.post(path(sleeper, "exec"), {"command": ["true"]}, headers=key).status == 200
    for operation, body in (("exec", {"command": ["false"]}), ("stop", {"command": ["true"]}), ("stop", {})):
        answer = server.post(path(sleeper, operation), body, headers=key)
        if answer.status == 400:  # not even valid: refused before the key counts
            continue
        assert (answer.status, answer.code) == (422, "idempotency_mismatch")
    assert only_pid(server, sleeper)


def test_idempotency_in_flight(server, sleeper):
    answer, pid = begin_long_exec(server, sleeper, server.folder / "in-flight", **{"Idempotency-Key": "busy"})
    run_id = answer.json["run_id"]
    body = {"command": ["/bin/sh", "-c", f"echo $$ > {server.folder / 'in-flight'}; exec sleep 100000"]}
    again = server.post(path(sleeper, "exec"), body, headers={"Idempotency-Key": "busy"})
    assert (again.status, again.code) == (409, "idempotency_in_flight")
    assert again.json["run_id"] == run_id and again.headers["Location"] == f"/manage/runs/{run_id}"
    server.post(f"/manage/runs/{run_id}/cancel")
    gone(pid)


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, '""', "\u00e9"])
def test_bad_idempotency_key(server, sleeper, key):
    answer = server.post(path(sleeper, "exec"), {"command": ["true"]}, headers={"Idempotency-Key": key.encode()})
    assert (answer.status, answer.code) == (400, "bad_idempotency_key")


def test_idempotency_survives_restarts(make_server):
    own = make_server()
    own.start_workload("kept")
    file = own.folder / "count"
    body = {"command": ["/bin/sh", "-c", f"echo x >> {file}"]}
    key = {"Idempotency-Key": "survivor"}
    first = own.post(path("kept", "exec"), body, headers=key)
    for renew in (own.restart, lambda: (own.kill(), own.start())):
        renew()
        again = own.post(path("kept", "exec"), body, headers=key)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json["run_id"] == first.json["run_id"]
    assert file.read_text() == "x\n"


def test_a_run_that_a_crash_interrupted(make_server):
    own = make_server()
    own.start_workload("crashed")
    file = own.folder / "pid"
    key = {"Idempotency-Key": "interrupted"}
    answer, pid = begin_long_exec(own, "crashed", file, **key)
    run_id = answer.json["run_id"]
    own.kill()
    own.start()
    row = ended(own, run_id)
    assert row["status"] == "failed" and row["error"].startswith("interrupted")
    # What the provider says now stands beside it.
    assert row["result"]["interrupted"] is True
    assert row["result"]["workload"]["phase"] == "running"
    # A retry is told so, instead of doing it twice.
    body = {"command": ["/bin/sh", "-c", f"echo $$ > {file}; exec sleep 100000"]}
    again = own.post(path("crashed", "exec"), body, headers=key)
    assert (again.status, again.code) == (500, "interrupted")
    assert again.headers["Idempotency-Replayed"] == "true" and again.json["run_id"] == run_id
    assert int(file.read_text()) == pid


def test_a_drain_waits_for_actions(make_server):
    own = make_server()
    own.start_workload("drained")
    file = own.folder / "end"
    marker = own.folder / "running"
    body = {"command": ["/bin/sh", "-c", f"echo > {marker}; until [ -e {file} ]; do sleep 0.05; done"]}
    answer = own.post(path("drained", "exec"), body, headers=ASYNC)
    wait_until(marker.exists, "the command runs")
    process = own.process
    process.terminate()
    wait_until(lambda: "draining" in own.stderr(), "the server drains")
    file.touch()
    own.stop()
    own.start()
    assert own.row(answer.json["run_id"])["status"] == "succeeded"
