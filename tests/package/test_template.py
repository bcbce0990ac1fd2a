"""The template's provider, driven through the installed server."""

import pytest

ALL = "/manage/workloads/demo{}?provider=memory"


@pytest.fixture
def demo(server):
    result = server.ok("POST", "/manage/workloads/demo/start", {"image": "demo:1", "provider": "memory", "replicas": 2})["result"]
    yield result
    server.request("DELETE", ALL.format(""))


def test_start_and_status(server, demo):
    assert (demo["phase"], demo["replicas_desired"], demo["replicas_ready"]) == ("running", 2, 2)
    assert server.ok("GET", ALL.format(""))["image"] == "demo:1"


def test_start_again_changes_nothing(server, demo):
    again = server.ok("POST", "/manage/workloads/demo/start", {"image": "demo:1", "provider": "memory", "replicas": 2})
    assert again["result"]["last_transition_at"] == demo["last_transition_at"]


def test_scale_and_stop(server, demo):
    assert server.ok("POST", ALL.format("/scale"), {"replicas": 5})["result"]["replicas_ready"] == 5
    stopped = server.ok("POST", ALL.format("/stop"))["result"]
    assert (stopped["phase"], stopped["replicas_ready"]) == ("stopped", 0)


def test_stopped_runs_again_as_it_was(server, demo):
    server.ok("POST", ALL.format("/stop"))
    again = server.ok("POST", ALL.format("/start"))["result"]
    assert (again["phase"], again["image"], again["replicas_ready"]) == ("running", "demo:1", 2)


def test_list(server, demo):
    items = server.ok("GET", "/manage/workloads?provider=memory")["items"]
    assert [item["service_id"] for item in items] == ["demo"]


def test_logs(server, demo):
    answer = server.get(ALL.format("/logs"), headers={"Accept": "application/x-ndjson"})
    assert answer.status == 200, answer
    lines = answer.body.decode().splitlines()
    assert len(lines) == 5 and "line 1 of demo" in lines[0] and "line 5 of demo" in lines[4]
    tail = server.get(ALL.format("/logs") + "&tail=2", headers={"Accept": "application/x-ndjson"})
    assert tail.body.decode().splitlines() == lines[3:]


def test_exec(server, demo):
    result = server.ok("POST", ALL.format("/exec"), {"command": ["hello", "out there"]})["result"]
    assert (result["exit_code"], result["stdout"]) == (0, "hello out there\n")


def test_exec_in_a_stopped_workload(server, demo):
    server.ok("POST", ALL.format("/stop"))
    answer = server.post(ALL.format("/exec"), {"command": ["true"]})
    assert answer.status == 409, answer
    assert "start it first" in answer.json["detail"]


def test_delete(server, demo):
    answer = server.request("DELETE", ALL.format(""))
    assert answer.status in (200, 204), answer
    assert server.get(ALL.format("")).status == 404
    assert server.request("DELETE", ALL.format("")).status == 404


def test_health_and_capabilities(server):
    health = server.ok("GET", "/manage/providers/memory/health")
    assert health["status"] == "up", health
    cells = server.ok("GET", "/manage/providers/memory/capabilities")["operations"]
    assert cells["start"]["supported"] and not cells["restart"]["supported"]
    assert cells["restart"]["reason"]


def test_what_it_does_not_do(server, demo):
    answer = server.post(ALL.format("/restart"))
    assert answer.status == 501, answer


def test_installed_local_finds_its_supervisor(server):
    server.start_workload("beside", "echo from the installed layout; exec sleep 100000")
    try:
        assert len(server.pids("beside")) == 1
        assert server.exec("beside", "/bin/echo", "hello")["stdout"] == "hello\n"
    finally:
        server.request("DELETE", "/manage/workloads/beside")
