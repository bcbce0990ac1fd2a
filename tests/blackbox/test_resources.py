"""Callers whose token names resources see those, and nothing tells them that there are others."""

import pathlib
import tempfile

import pytest

from oauth import Broker, Issuer, Key

SPEC = {"command": ["/bin/sleep", "1000"]}


@pytest.fixture(scope="module")
def house():
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as path:
        folder = pathlib.Path(path)
        people = Issuer(Key(folder, "people"))
        identity = {"roles": {"runner": ["read:infrastructure", "manage:infrastructure"], "boss": ["admin:cluster"]},
                    "role_mapping": [{"issuer": people.url, "claim": "role", "equals": role, "role": role} for role in ("runner", "boss")]}
        issuers = [{"issuer": people.url, "jwks_url": people.url + "/keys", "audiences": ["alphaswarm-cp"], "types": ["", "jwt"]}]
        server = Broker(folder, issuers=issuers, identity=identity)
        try:
            server.people = people
            server.start()
            for name in ("web", "db"):
                assert server.post(f"/manage/workloads/{name}/start", SPEC).status == 200
            yield server
            for name in ("web", "db"):
                server.request("DELETE", f"/manage/workloads/{name}")
        finally:
            server.discard()
            people.close()


def token(house, role="runner", **claims):
    return house.people.token(sub="bob", aud="alphaswarm-cp", role=role, **claims)


def names(answer):
    assert answer.status == 200, answer
    return sorted(item["service_id"] for item in answer.json["items"])


def test_lists(house):
    mine = token(house, resources=["web"])
    assert names(house.get("/manage/workloads", token=mine)) == ["web"]
    assert names(house.get("/manage/workloads", token=token(house))) == ["db", "web"]
    assert names(house.get("/manage/workloads", token=token(house, resources=[]))) == []
    assert names(house.get("/manage/workloads", token=token(house, role="boss", resources=["web"]))) == ["db", "web"]
    targets = {row["target"] for row in house.get("/manage/runs", token=mine).json["items"]}
    assert targets == {"web"}


@pytest.mark.parametrize("method, path, body", [
    ("GET", "", None), ("GET", "/metrics", None), ("GET", "/config", None), ("GET", "/logs", None),
    ("POST", "/start", SPEC), ("POST", "/stop", {}), ("POST", "/restart", {}), ("POST", "/scale", {"replicas": 2}),
    ("POST", "/exec", {"command": ["/bin/true"]}), ("PATCH", "/config", {"labels": {"a": "b"}}), ("DELETE", "", None),
])
def test_others_are_not_there(house, method, path, body):
    """The same answer for one that is there and one that is not; nothing happens, nothing is recorded."""
    mine = token(house, resources=["web"])
    before = len(house.get("/manage/runs").json["items"])
    answers = [house.request(method, f"/manage/workloads/{name}{path}", body, token=mine) for name in ("db", "no-such")]
    assert [(answer.status, answer.code) for answer in answers] == [(404, "workload_not_found")] * 2
    assert answers[0].json["detail"].replace("db", "X") == answers[1].json["detail"].replace("no-such", "X")
    assert len(house.get("/manage/runs").json["items"]) == before


def test_runs_of_others(house):
    run = next(row["run_id"] for row in house.get("/manage/runs").json["items"] if row["target"] == "db")
    mine = token(house, resources=["web"])
    for method, path in (("GET", ""), ("POST", "/cancel")):
        answer = house.request(method, f"/manage/runs/{run}{path}", token=mine)
        assert (answer.status, answer.code) == (404, "run_not_found")
    assert house.get(f"/manage/runs/{run}").status == 200


def test_own_work_goes_on(house):
    mine = token(house, resources=["web"])
    assert house.post("/manage/workloads/web/restart", {}, token=mine).status == 200
    assert house.get("/manage/workloads/web", token=mine).json["phase"] in ("running", "starting")

