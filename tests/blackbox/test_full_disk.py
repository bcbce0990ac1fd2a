"""The disk of the ledger is full: nothing is done that could not be recorded."""

import os
import subprocess

import pytest

from server import Server, wait_until

WORKLOAD = "/manage/workloads/steady"


REFUSED = [
    ("POST", "/manage/workloads/fresh/start", {"command": ["/bin/sleep", "100000"]}),
    ("POST", WORKLOAD + "/stop", {}),
    ("POST", WORKLOAD + "/scale", {"replicas": 3}),
    ("POST", WORKLOAD + "/restart", {}),
    ("PATCH", WORKLOAD + "/config", {"env": {"A": "1"}}),
    ("DELETE", WORKLOAD, None),
    ("GET", WORKLOAD + "/logs", None),
]


class Disk:
    """A small file system of its own for the ledger."""

    def __init__(self, folder):
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self):
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield Disk(tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.fixture
def server(disk):
    one = Server(store={"path": str(disk.folder / "ledger.db")}, workloads={"default_wait_s": 3})
    try:
        yield one.start()
    finally:
        one.discard()


def exec_marker(server, number):
    """An action whose execution shows; gives the answer and whether it was executed."""
    marker = server.folder / f"marker-{number}"
    body = {"command": ["/bin/sh", "-c", f"echo > {marker}"]}
    answer = server.post(WORKLOAD + "/exec", body, headers={"X-Request-Id": marker.name})
    return answer, marker.exists()


def test_full_disk(server, disk):
    server.start_workload("steady")
    pids = server.pids("steady")
    executed = 0
    # One that is under way while the disk fills up.
    may_end = server.folder / "may-end"
    running = server.folder / "running"
    body = {"command": ["/bin/sh", "-c", f"echo > {running}; until [ -e {may_end} ]; do sleep 0.05; done"]}
    under_way = server.post(WORKLOAD + "/exec", body, headers={"Prefer": "respond-async"}).json["run_id"]
    wait_until(running.exists, "the command runs")

    disk.fill()
    # Pages that the database owns already may take a few more rows.
    for number in range(1000):
        answer, done = exec_marker(server, number)
        if answer.status == 503:
            break
        assert answer.status in (200, 202) and done, answer
        executed += 1
    assert (answer.status, answer.code) == (503, "audit_unavailable"), answer
    assert int(answer.headers["Retry-After"]) >= 1 and str(disk.folder) in answer.json["detail"]
    assert not done
    for number in range(2000, 2010):
        answer, done = exec_marker(server, number)
        assert (answer.status, answer.code, done) == (503, "audit_unavailable", False)
    for method, path, body in REFUSED:
        answer = server.request(method, path, body)
        assert (answer.status, answer.code) == (503, "audit_unavailable"), (method, path, answer)
    assert server.get("/manage/workloads/fresh").status == 404
    assert server.pids("steady") == pids and server.ok("GET", WORKLOAD + "/config")["env"] == {}

    ready = server.get("/manage/readyz", token=False)
    assert ready.status == 503 and ready.json["status"] == "not_ready" and ready.headers["Retry-After"]
    assert ready.json["checks"]["ledger"]["status"] == "down" and ready.json["checks"]["ledger"]["message"]
    assert server.get("/manage/healthz", token=False).status == 200
    metrics = server.get("/manage/metrics").body.decode()
    assert "acp_ledger_writable 0\n" in metrics and "acp_audit_failures_total 0\n" not in metrics
    assert server.get("/manage/runs").status == 200

    # Its outcome cannot be written now, but is not forgotten.
    may_end.touch()
    disk.free()
    wait_until(lambda: server.get("/manage/readyz", token=False).json["status"] == "ready", "the ledger recovers")
    row = wait_until(lambda: (r := server.row(under_way))["finished_at"] and r, "the kept outcome is written")
    assert row["status"] == "succeeded" and row["result"]["exit_code"] == 0
    answer, done = exec_marker(server, 3000)
    assert answer.status == 200 and done

    rows = server.ok("GET", "/manage/runs?action=exec&limit=500")["items"]
    known = {item["request_id"] for item in rows}
    assert {marker.name for marker in server.folder.glob("marker-*")} <= known
    assert len(rows) == executed + 2
    assert server.command("audit", "verify").returncode == 0
    server.restart()
    assert server.row(under_way)["status"] == "succeeded"
    assert server.command("audit", "verify").returncode == 0


def test_start_on_a_full_disk(disk):
    disk.fill()
    one = Server(store={"path": str(disk.folder / "ledger.db")})
    try:
        one.serve()
        code = one.process.wait(60)
        one.process = None
        assert code == 1 and str(disk.folder / "ledger.db") in one.stderr()
        disk.free()
        one.start()
        assert one.get("/manage/readyz", token=False).json["status"] == "ready"
    finally:
        one.discard()
