"""The lifecycle of workloads on provider `local`, operation by operation."""

import os

import pytest

from server import wait_until

FOREVER = "exec sleep 100000"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid):
    return wait_until(lambda: not alive(pid), f"process {pid} ends")


def only_pid(server, name):
    pids = server.pids(name)
    assert len(pids) == 1, pids
    return pids[0]


def path(name, operation):
    return f"/manage/workloads/{name}/{operation}"


def test_start(server):
    status = server.start_workload("start-once")
    assert status["phase"] == "running"
    assert (status["service_id"], status["provider"]) == ("start-once", "local")
    assert (status["replicas_desired"], status["replicas_ready"]) == (1, 1)
    pid = only_pid(server, "start-once")
    assert alive(pid)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        assert file.read() == b"sleep\x00100000\x00"


def test_start_is_idempotent_by_spec(server):
    server.start_workload("start-twice", env={"A": "1", "B": "2"})
    pid = only_pid(server, "start-twice")
    server.start_workload("start-twice", env={"B": "2", "A": "1"})
    assert only_pid(server, "start-twice") == pid
    server.start_workload("start-twice", env={"A": "1", "B": "3"})
    changed = only_pid(server, "start-twice")
    assert changed != pid
    assert not alive(pid)
    assert server.exec("start-twice", "printenv", "B")["stdout"] == "3\n"


def test_start_without_a_body_uses_the_kept_spec(server):
    server.start_workload("start-again", env={"KEPT": "yes"})
    before = only_pid(server, "start-again")
    server.ok("POST", path("start-again", "stop"), {})
    gone(before)
    assert server.ok("POST", path("start-again", "start"))["result"]["phase"] == "running"
    after = only_pid(server, "start-again")
    assert after != before
    assert server.exec("start-again", "printenv", "KEPT")["stdout"] == "yes\n"
    # Running already: nothing changes.
    server.ok("POST", path("start-again", "start"))
    assert only_pid(server, "start-again") == after


def test_start_without_a_body_needs_a_known_workload(server):
    answer = server.post(path("never-seen", "start"))
    assert (answer.status, answer.code) == (404, "not_found")
    assert server.get("/manage/workloads/never-seen").status == 404


def test_start_of_what_cannot_run(server):
    for program in ("/no/such/file", "/etc/passwd", "no-such-name"):
        answer = server.post(path("cannot-run", "start"), {"command": [program]})
        assert answer.status == 400, answer
        assert program in answer.json["detail"]
    assert server.get("/manage/workloads/cannot-run").status == 404


def test_image_is_the_executable(server):
    server.ok("POST", path("by-image", "start"), {"image": "/bin/sleep", "args": ["100000"]})
    with open(f"/proc/{only_pid(server, 'by-image')}/cmdline", "rb") as file:
        assert file.read() == b"/bin/sleep\x00100000\x00"


def test_provider_in_body_or_query(server):
    spec = {"command": ["/bin/sleep", "100000"], "provider": "local"}
    server.ok("POST", path("named", "start"), spec)
    server.ok("POST", path("named", "start") + "?provider=local", spec)
    answer = server.post(path("named", "start") + "?provider=other", spec)
    assert (answer.status, answer.code) == (400, "provider_ambiguous")


def test_status_and_list(server):
    server.start_workload("listed-a", namespace="blue")
    server.start_workload("listed-b", namespace="green")
    one = server.status("listed-a")
    assert (one["phase"], one["namespace"]) == ("running", "blue")
    ids = [item["service_id"] for item in server.ok("GET", "/manage/workloads")["items"]]
    assert ids == sorted(ids) and {"listed-a", "listed-b"} <= set(ids)
    blue = server.ok("GET", "/manage/workloads?namespace=blue&provider=local")["items"]
    assert [item["service_id"] for item in blue] == ["listed-a"]


def test_a_crash_is_restarted_and_counted(server):
    server.start_workload("crashes")
    pid = only_pid(server, "crashes")
    os.kill(pid, 9)
    wait_until(lambda: [p for p in server.pids("crashes") if p != pid], "the workload is restarted")
    assert server.status("crashes")["raw"]["replicas"][0]["restarts"] == 1


def test_stop(server):
    server.start_workload("stopped")
    pid = only_pid(server, "stopped")
    result = server.ok("POST", path("stopped", "stop"), {})["result"]
    assert (result["phase"], result["replicas_desired"], result["replicas_ready"]) == ("stopped", 0, 0)
    assert not alive(pid)
    assert server.ok("POST", path("stopped", "stop"))["result"]["phase"] == "stopped"
    assert server.status("stopped")["phase"] == "stopped"


def test_stop_kills_what_does_not_listen(server):
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    server.start_workload("stubborn", script, metadata={"stop_grace_s": 0.3})
    pid = only_pid(server, "stubborn")
    wait_until(lambda: b"ready" in server.get(path("stubborn", "logs")).body, "the trap is set")
    server.ok("POST", path("stubborn", "stop"), {})
    assert not alive(pid)


def test_scale(server):
    server.start_workload("scaled")
    first = only_pid(server, "scaled")
    result = server.ok("POST", path("scaled", "scale"), {"replicas": 3})["result"]
    assert (result["replicas_desired"], result["replicas_ready"]) == (3, 3)
    pids = server.pids("scaled")
    assert len(pids) == 3 and first in pids
    for number in ("0", "1", "2"):
        assert server.exec("scaled", "printenv", "ACP_REPLICA", replica=number)["stdout"] == number + "\n"
    fields = {"Content-Type": "application/merge-patch+json"}
    assert server.ok("PATCH", path("scaled", "scale"), {"replicas": 1}, headers=fields)["result"]["replicas_ready"] == 1
    assert server.pids("scaled") == [first]
    assert all(not alive(pid) for pid in pids if pid != first)
    server.ok("PATCH", path("scaled", "scale"), {"replicas": 0})
    assert server.status("scaled")["phase"] == "stopped"


def test_restart(server):
    server.start_workload("restarted", replicas=2)
    before = set(server.pids("restarted"))
    result = server.ok("POST", path("restarted", "restart"), {})["result"]
    assert (result["phase"], result["replicas_ready"]) == ("running", 2)
    assert len(before) == 2 and not before & set(server.pids("restarted"))
    assert not any(map(alive, before))
    server.ok("POST", path("restarted", "stop"), {})
    answer = server.post(path("restarted", "restart"), {})
    assert answer.status == 409, answer
    assert "stopped" in answer.json["detail"]


def test_exec(server):
    server.start_workload("execs", env={"GREETING": "hello"})
    result = server.exec("execs", "/bin/sh", "-c", "echo out $GREETING; echo err >&2; exit 7")
    assert result["exit_code"] == 7
    assert (result["stdout"], result["stderr"]) == ("out hello\n", "err\n")
    assert not result["stdout_truncated"] and not result["stderr_truncated"]
    assert server.exec("execs", "true")["exit_code"] == 0
    # An argument vector, no shell line.
    assert server.exec("execs", "printf", "%s|", "$GREETING", "a b", "*")["stdout"] == "$GREETING|a b|*|"


def test_exec_stdin(server):
    server.start_workload("reads")
    text = "line\n" * 20000 + "\u00fcnicode"
    result = server.exec("reads", "/bin/sh", "-c", "cat; exit 3", stdin=text)
    assert (result["exit_code"], result["stdout"]) == (3, text)
    assert server.exec("reads", "cat", stdin="")["stdout"] == ""
    # Without stdin there is none to wait for.
    assert server.exec("reads", "cat")["exit_code"] == 0


def test_exec_by_signal_and_of_nothing(server):
    server.start_workload("signals")
    assert server.exec("signals", "/bin/sh", "-c", "kill -9 $$")["exit_code"] == 137
    answer = server.post(path("signals", "exec"), {"command": ["/no/such/file"]})
    assert 400 <= answer.status < 500 and "/no/such/file" in answer.json["detail"], answer


def test_exec_timeout_kills(server):
    server.start_workload("times-out")
    file = server.folder / "exec-pid"
    body = {"command": ["/bin/sh", "-c", f"echo $$ > {file}; exec sleep 100000"], "timeout_s": 1}
    answer = server.post(path("times-out", "exec"), body)
    assert (answer.status, answer.code) == (504, "deadline_exceeded")
    gone(int(file.read_text()))
    row = server.row(answer.json["run_id"])
    assert row["status"] == "failed" and "deadline_exceeded" in row["error"]


def test_exec_output_is_cut_and_says_so(server):
    server.start_workload("talks")
    script = "head -c 1500000 /dev/zero | tr '\\0' x; head -c 1048576 /dev/zero | tr '\\0' y >&2"
    answer = server.ok("POST", path("talks", "exec"), {"command": ["/bin/sh", "-c", script]})
    result = answer["result"]
    assert result["exit_code"] == 0
    assert result["stdout"] == "x" * 1048576 and result["stdout_truncated"] is True
    assert result["stderr"] == "y" * 1048576 and result["stderr_truncated"] is False
    kept = server.row(answer["run_id"])["result"]
    assert kept["stdout"]["bytes"] == 1500000 and kept["stderr"]["bytes"] == 1048576
    assert len(str(kept)) < 1000


def test_exec_needs_a_running_replica(server):
    server.start_workload("stopped-exec")
    answer = server.post(path("stopped-exec", "exec"), {"command": ["true"], "replica": "7"})
    assert answer.status == 404, answer
    server.ok("POST", path("stopped-exec", "stop"), {})
    answer = server.post(path("stopped-exec", "exec"), {"command": ["true"]})
    assert answer.status == 409, answer


def test_config(server):
    server.start_workload("configured", env={"BASE": "1", "GONE": "x"})
    pid = only_pid(server, "configured")
    assert server.ok("GET", path("configured", "config")) == {"env": {"BASE": "1", "GONE": "x"}, "files": {}}
    patch = {"env": {"ADDED": "2", "GONE": None}, "files": {"app.conf": "level=debug\n"}}
    wanted = {"env": {"BASE": "1", "ADDED": "2"}, "files": {"app.conf": "level=debug\n"}}

    dry = server.ok("PATCH", path("configured", "config") + "?dry_run=true", patch)
    assert dry["result"] == wanted
    assert only_pid(server, "configured") == pid
    assert server.ok("GET", path("configured", "config"))["env"] == {"BASE": "1", "GONE": "x"}

    fields = {"Content-Type": "application/merge-patch+json"}
    assert server.ok("PATCH", path("configured", "config"), patch, headers=fields)["result"] == wanted
    assert only_pid(server, "configured") != pid
    assert server.ok("GET", path("configured", "config")) == wanted
    script = 'echo "$BASE$ADDED${GONE-unset}"; cat "$ACP_CONFIG_DIR/app.conf"'
    shown = server.exec("configured", "/bin/sh", "-c", script)
    assert shown["stdout"] == "12unset\nlevel=debug\n"

    server.ok("PATCH", path("configured", "config"), {"files": {"app.conf": None}})
    assert server.ok("GET", path("configured", "config"))["files"] == {}
    assert server.exec("configured", "/bin/sh", "-c", 'ls "$ACP_CONFIG_DIR"')["stdout"] == ""


@pytest.mark.parametrize("patch", [
    {"files": {"../escape": "x"}}, {"files": {"a/b": "x"}}, {"files": {".hidden": "x"}}, {"env": {"ACP_REPLICA": "9"}},
], ids=str)
def test_config_that_is_refused(server, patch):
    server.start_workload("refuses")
    pid = only_pid(server, "refuses")
    assert server.request("PATCH", path("refuses", "config"), patch).status == 400
    assert only_pid(server, "refuses") == pid
    assert server.ok("GET", path("refuses", "config")) == {"env": {}, "files": {}}


def test_delete(server):
    server.start_workload("deleted", "echo kept; " + FOREVER, replicas=2)
    pids = server.pids("deleted")
    result = server.ok("DELETE", "/manage/workloads/deleted")["result"]
    assert result == {"service_id": "deleted", "deleted": True}
    assert not any(map(alive, pids))
    assert server.get("/manage/workloads/deleted").status == 404
    assert server.request("DELETE", "/manage/workloads/deleted").status == 404
    # A later one of that name begins afresh.
    server.start_workload("deleted", FOREVER)
    assert b"kept" not in server.get(path("deleted", "logs")).body


def test_metrics(server):
    server.start_workload("measured", "while :; do :; done", replicas=2)
    wait_until(lambda: server.ok("GET", path("measured", "metrics"))["cpu_seconds"] > 0, "CPU time is counted")
    metrics = server.ok("GET", path("measured", "metrics"))
    assert metrics["memory_bytes"] > 0 and len(metrics["replicas"]) == 2
    server.ok("POST", path("measured", "stop"), {})


def test_rotate_secret_is_unsupported_with_a_reason(server):
    server.start_workload("rotates")
    answer = server.post(path("rotates", "rotate-secret"), {"secret_name": "db"})
    assert (answer.status, answer.code) == (501, "operation_unsupported")
    operations = server.ok("GET", "/manage/providers/local/capabilities")["operations"]
    assert operations["rotate_secret"]["supported"] is False
    assert operations["rotate_secret"]["reason"] in answer.json["detail"]
    assert server.ok("GET", "/manage/runs?target=rotates&action=rotate_secret")["items"] == []


def test_the_capability_matrix_tells_all(server):
    operations = server.ok("GET", "/manage/providers/local/capabilities")["operations"]
    assert set(operations) == {
        "start", "stop", "scale", "restart", "status", "list", "get_config", "apply_config", "exec", "logs",
        "rotate_secret", "metrics", "delete", "health", "provision_namespace", "deprovision_namespace"}
    for name, cell in operations.items():
        assert cell["supported"] or cell["reason"], name
    assert server.ok("GET", "/manage/providers/local/health")["status"] == "up"


def test_workloads_outlive_the_server(make_server):
    own = make_server()
    own.start_workload("survivor", replicas=2)
    own.start_workload("at-rest")
    own.ok("POST", path("at-rest", "stop"), {})
    pids = own.pids("survivor")
    own.restart()
    assert own.pids("survivor") == pids and all(map(alive, pids))
    own.kill()
    own.start()
    assert own.pids("survivor") == pids and all(map(alive, pids))
    assert own.status("at-rest")["phase"] == "stopped"
    own.ok("DELETE", "/manage/workloads/survivor")
    assert not any(map(alive, pids))


OPERATIONS = {
    "stop": ("POST", "/stop", {}),
    "restart": ("POST", "/restart", {}),
    "scale": ("POST", "/scale", {"replicas": 1}),
    "exec": ("POST", "/exec", {"command": ["true"]}),
    "apply_config": ("PATCH", "/config", {"env": {"A": "1"}}),
    "delete": ("DELETE", "", None),
    "logs": ("GET", "/logs", None),
    "start": ("POST", "/start", None),
}


@pytest.mark.parametrize("action", OPERATIONS)
def test_an_unknown_workload(server, action):
    method, rest, body = OPERATIONS[action]
    answer = server.request(method, "/manage/workloads/unknown-one" + rest, body)
    assert (answer.status, answer.code) == (404, "not_found")
    row = server.row(answer.json["run_id"])
    assert (row["action"], row["status"], row["target"]) == (action, "failed", "unknown-one")
    assert "unknown-one" in row["error"]


@pytest.mark.parametrize("rest", ["", "/config", "/metrics"])
def test_reading_an_unknown_workload(server, rest):
    answer = server.get("/manage/workloads/unknown-two" + rest)
    assert (answer.status, answer.code) == (404, "not_found")
    # Reads leave no row.
    assert server.ok("GET", "/manage/runs?target=unknown-two")["items"] == []
