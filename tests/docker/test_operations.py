"""Each operation of provider `docker`, as a client with curl would call it."""

import http.client
import json
import socket

import pytest

from conftest import SOCKET
from server import wait_until

IMAGE = "acp-test:latest"
LOOP = "n=0; while true; do n=$((n+1)); echo line $n; echo odd $n >&2; sleep 0.2; done"


class Engine(http.client.HTTPConnection):
    """The Engine itself, to see what really runs."""

    def __init__(self):
        super().__init__("docker", timeout=60)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)

    def containers(self, service):
        filters = json.dumps({"label": [f"io.alphaswarm.cp.service={service}"]})
        self.request("GET", "/containers/json?all=true&filters=" + filters.replace('"', "%22").replace(" ", ""))
        return json.loads(self.getresponse().read())


def running(service):
    return [c["Id"] for c in Engine().containers(service) if c["State"] == "running"]


def path(name, operation):
    return f"/manage/workloads/{name}/{operation}"


def start(server, name, script=LOOP, **spec):
    return server.ok("POST", path(name, "start"), {"image": IMAGE, "command": ["/bin/sh", "-c", script], **spec})["result"]


def test_start_is_idempotent_by_spec(server):
    assert start(server, "d-start")["phase"] == "running"
    first = running("d-start")
    assert len(first) == 1
    start(server, "d-start")
    assert running("d-start") == first
    start(server, "d-start", env={"A": "1"})
    assert len(running("d-start")) == 1 and running("d-start") != first


def test_status_and_list(server):
    start(server, "d-list")
    status = server.status("d-list")
    assert (status["service_id"], status["provider"], status["image"], status["phase"]) == ("d-list", "docker", IMAGE, "running")
    assert "d-list" in [item["service_id"] for item in server.ok("GET", "/manage/workloads")["items"]]


def test_stop_keeps_it_known_and_start_brings_it_back(server):
    start(server, "d-stop", replicas=2)
    assert server.ok("POST", path("d-stop", "stop"))["result"]["phase"] == "stopped"
    assert running("d-stop") == []
    assert server.status("d-stop")["phase"] == "stopped"
    assert server.ok("POST", path("d-stop", "start"))["result"]["replicas_ready"] == 2
    assert len(running("d-stop")) == 2


def test_scale(server):
    start(server, "d-scale")
    for replicas in (3, 1):
        result = server.ok("POST", path("d-scale", "scale"), {"replicas": replicas})["result"]
        assert (result["replicas_desired"], result["replicas_ready"]) == (replicas, replicas)
        assert len(running("d-scale")) == replicas


def test_restart(server):
    start(server, "d-restart", "echo started; exec sleep 100000")
    server.ok("POST", path("d-restart", "restart"))

    def twice():
        text = server.get(path("d-restart", "logs"), headers={"Accept": "text/plain"}).body
        return text.count(b"started") == 2

    wait_until(twice, "the restarted container writes its line again")
    server.ok("POST", path("d-restart", "stop"))
    assert server.post(path("d-restart", "restart")).status == 409


def test_exec(server):
    start(server, "d-exec")
    result = server.ok("POST", path("d-exec", "exec"), {"command": ["/bin/sh", "-c", "cat; echo err >&2; exit 3"], "stdin": "given"})["result"]
    assert (result["exit_code"], result["stdout"], result["stderr"]) == (3, "given", "err\n")
    assert server.post(path("d-exec", "exec"), {"command": ["/no/such/command"]}).status in (400, 404, 409, 502) or \
        server.ok("POST", path("d-exec", "exec"), {"command": ["/no/such/command"]})["result"]["exit_code"] in (126, 127)


def test_logs_with_tail(server):
    start(server, "d-logs")
    wait_until(lambda: b"line 5" in server.get(path("d-logs", "logs"), headers={"Accept": "text/plain"}).body, "five lines are there")
    lines = server.get(path("d-logs", "logs?tail=2"), headers={"Accept": "application/x-ndjson"}).body.splitlines()
    assert len(lines) == 2
    assert {json.loads(line)["stream"] for line in lines} <= {"stdout", "stderr"}


def test_logs_with_follow(server):
    start(server, "d-follow")
    connection, response = server.open("GET", path("d-follow", "logs?follow=true&tail=0"))
    try:
        assert response.getheader("Content-Type") == "text/event-stream"
        seen = []
        while len(seen) < 6:
            line = response.readline()
            assert line, "the stream ended early"
            if line.startswith(b"data: "):
                seen.append(json.loads(line[6:]))
        assert {event["stream"] for event in seen} == {"stdout", "stderr"}
    finally:
        connection.close()
    run = lambda: server.ok("GET", "/manage/runs?action=logs&target=d-follow")["items"][0]  # noqa: E731
    wait_until(lambda: run()["status"] == "succeeded" and run()["result"]["ended"] == "listener_gone", "the ledger hears that the listener left")


def test_apply_config(server):
    start(server, "d-config", env={"MODE": "slow"})
    before = running("d-config")
    patch = {"env": {"MODE": "fast"}}
    merge = {"Content-Type": "application/merge-patch+json"}
    shown = server.ok("PATCH", path("d-config", "config?dry_run=true"), patch, headers=merge)["result"]
    assert shown["env"]["MODE"] == "fast"
    assert running("d-config") == before
    server.ok("PATCH", path("d-config", "config"), patch, headers=merge)
    assert server.ok("GET", path("d-config", "config"))["env"]["MODE"] == "fast"
    out = server.ok("POST", path("d-config", "exec"), {"command": ["/bin/sh", "-c", "echo $MODE"]})["result"]["stdout"]
    assert out == "fast\n"


def test_delete(server):
    start(server, "d-delete")
    assert server.ok("DELETE", "/manage/workloads/d-delete")["result"]["deleted"] is True
    assert Engine().containers("d-delete") == []
    assert server.get("/manage/workloads/d-delete").status == 404


def test_metrics(server):
    start(server, "d-metrics")
    usage = server.ok("GET", path("d-metrics", "metrics"))
    assert usage["memory_bytes"] > 0


def test_rotate_secret_says_why_not(server):
    start(server, "d-rotate")
    answer = server.post(path("d-rotate", "rotate-secret"), {"secret_name": "x"})
    assert (answer.status, answer.code) == (501, "operation_unsupported")
    matrix = server.ok("GET", "/manage/providers/docker/capabilities")["operations"]
    assert not matrix["rotate_secret"]["supported"] and matrix["rotate_secret"]["reason"]
    assert matrix["rotate_secret"]["reason"] in answer.json["detail"]


@pytest.mark.parametrize("method,operation,body", [
    ("POST", "stop", None), ("POST", "restart", None), ("POST", "scale", {"replicas": 1}), ("POST", "start", None),
    ("POST", "exec", {"command": ["true"]}), ("GET", "logs", None), ("GET", "config", None), ("DELETE", "", None)])
def test_unknown_workload(server, method, operation, body):
    answer = server.request(method, f"/manage/workloads/d-nobody/{operation}".rstrip("/"), body)
    assert answer.status == 404, answer


def test_health(server):
    report = server.ok("GET", "/manage/providers/docker/health")
    assert report["status"] == "up" and report["details"]


def test_it_survives_a_restart_of_the_server(server):
    start(server, "d-adopt")
    before = running("d-adopt")
    server.restart()
    assert server.status("d-adopt")["phase"] == "running"
    assert running("d-adopt") == before


def test_missing_image(server):
    answer = server.post(path("d-image", "start"), {"image": "no-such-image:1", "command": ["true"]})
    assert answer.status in (404, 400, 502) and "no-such-image" in answer.json["detail"], answer
    assert server.get("/manage/workloads/d-image").status == 404


def test_dead_socket(make_server, tmp_path):
    server = make_server(str(tmp_path / "nobody.sock"))
    answer = server.post(path("web", "start"), {"image": IMAGE, "command": ["true"]})
    assert (answer.status, answer.code) == (503, "provider_unavailable"), answer
    assert "nobody.sock" in answer.json["detail"]
    ready = server.get("/manage/readyz")
    assert ready.status == 200 and ready.json["status"] == "degraded"
    assert ready.json["checks"]["provider:docker"]["status"] == "down"
