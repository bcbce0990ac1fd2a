"""Mistakes of the operator and of clients: what is wrong and where stands in the answer."""

import json
import os
import socket

import pytest

from server import Server, StartFailed, run

CONFIGS = {
    "unknown key": ("data_dir: d\nserver:\n  lisen: 127.0.0.1:0\n", 3, "server.lisen", "did you mean listen?"),
    "unknown section": ("data_dir: d\nservers: {}\n", 2, "servers", "unknown key"),
    "wrong type": ("data_dir: d\nserver:\n  workers: many\n", 3, "server.workers", "must be integer"),
    "number for text": ("data_dir: 5\n", 1, "data_dir", "must be string"),
    "out of range": ("data_dir: d\nserver: {workers: 0}\n", 2, "server.workers", "at least 1"),
    "bad address": ("data_dir: d\nserver:\n  listen: nowhere\n", 3, "server.listen", "HOST:PORT"),
    "bad alias": ("data_dir: d\nproviders:\n  - alias: Not Good\n    plugin: p\n", 3,
                  "providers[0].alias", "must match"),
    "alias twice": ("data_dir: d\nproviders:\n  - {alias: a, plugin: p}\n  - {alias: a, plugin: p}\n", 4,
                    "providers[1].alias", "taken by providers[0]"),
    "missing key": ("data_dir: d\nproviders:\n  - alias: a\n", 3, "providers[0]", "missing key plugin"),
    "no data_dir": ("log: {level: info}\n", 1, "data_dir", "missing key"),
    "duplicate key": ("data_dir: d\ndata_dir: e\n", 2, "data_dir", "occurs twice"),
    "unset variable": ("data_dir: d\nserver:\n  listen: ${ACP_TEST_UNSET}\n", 3,
                       "server.listen", "ACP_TEST_UNSET is not set"),
    "tab": ("data_dir: d\nserver:\n\tworkers: 1\n", 3, "", "tab"),
    "unknown provider": ("data_dir: d\nworkloads: {default_provider: b}\n", 2,
                         "workloads.default_provider", "names no provider"),
    "list for a map": ("- a\n", 1, "", "must be object"),
    "empty": ("", 1, "", "empty"),
}


def check_and_serve(file, env=None):
    """What both commands say about a configuration."""
    mint = ("token", "mint", "--scope", "a", "--config", file)
    for arguments in (("check-config", file), ("serve", "--config", file), mint):
        done = run(*arguments, env=env)
        assert (done.returncode, done.stdout) == (1, ""), done
        yield done.stderr


@pytest.mark.parametrize("name", CONFIGS)
def test_configuration(tmp_path, name):
    text, line, key, words = CONFIGS[name]
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    for stderr in check_and_serve(file):
        assert f"{file}:{line}:" in stderr and key in stderr and words in stderr, stderr
    assert os.listdir(tmp_path) == ["bad.yaml"]


def test_every_mistake_is_told_at_once(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("data_dir: d\nserver: {workers: x, loops: y}\nlgo: {}\n")
    for stderr in check_and_serve(file):
        assert all(key in stderr for key in ("server.workers", "server.loops", "lgo"))


def test_missing_configuration(tmp_path):
    for stderr in check_and_serve(tmp_path / "missing.yaml"):
        assert str(tmp_path / "missing.yaml") in stderr and "No such file" in stderr
    for stderr in check_and_serve(tmp_path):
        assert "folder" in stderr


def test_bad_environment(tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text("data_dir: d\n")
    for key, words in (("SERVER__LISEN", "did you mean listen?"), ("SERVER__WORKERS", "integer")):
        name = "ALPHASWARM_CP_" + key
        for stderr in check_and_serve(file, {name: "x"}):
            assert f"environment variable {name}" in stderr and words in stderr


def test_secrets_of_a_bad_configuration_are_not_printed(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("data_dir: d\nserver: {workers: canary-4711}\nproviders:\n  - {alias: 'canary 4712', plugin: p}\n")
    for stderr in check_and_serve(file):
        assert "server.workers" in stderr and "canary" not in stderr


def refused_start(server, *options):
    with pytest.raises(StartFailed) as failed:
        server.start(*options)
    assert failed.value.code == 1
    return failed.value.stderr


def test_port_in_use(make_server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        stderr = refused_start(make_server(start=False), "--listen", address)
        assert address in stderr and "in use" in stderr


def test_port_of_another_server(server, make_server):
    # The event loops share their port: a second process must not join them.
    stderr = refused_start(make_server(start=False), "--listen", f"127.0.0.1:{server.port}")
    assert str(server.port) in stderr and "in use" in stderr


def test_address_of_somebody_else(make_server):
    stderr = refused_start(make_server(start=False), "--listen", "192.0.2.1:0")
    assert "192.0.2.1" in stderr


def test_second_server_on_a_data_dir(server):
    second = Server(data_dir=server.data_dir)
    try:
        stderr = refused_start(second)
        assert "in use by process" in stderr and str(server.process.pid) in stderr and "data directory" in stderr
        # The first one is not disturbed.
        assert server.start_workload("undisturbed")["phase"] == "running"
    finally:
        second.data_dir = second.folder / "data"
        second.discard()


def test_data_dir_that_cannot_be_made(make_server, tmp_path):
    (tmp_path / "file").touch()
    stderr = refused_start(make_server(start=False), "--data-dir", tmp_path / "file/data")
    assert str(tmp_path / "file/data") in stderr and "--data-dir" in stderr


def refused(server, method, path, body, status, code):
    answer = server.request(method, path, body)
    assert (answer.status, answer.code) == (status, code), answer
    return answer.json


START = "/manage/workloads/bad/start"


@pytest.mark.parametrize("text", [
    b"{", b"{]", b"nonsense", b"  ", b'{"a":1,}', b"{'a':1}", b'{"a":1} {"b":2}', b'{"a":1}x', b'{"command":["a"]/**/}',
    b'{"image":"\xff"}', b"\xef\xbb\xbf{}", "{\u00e9}".encode(), b'{"replicas":NaN}', b'{"replicas":1e999}',
    b'{"image":"a","image":"b"}', b'{"env":{"A":"1","A":"2"}}',
    b'{"metadata":' * 100 + b"{}" + b"}" * 100, b"[" * 100000,
], ids=lambda text: repr(text[:24]))
def test_malformed_json(server, text):
    refused(server, "POST", START, text, 400, "json_malformed")


@pytest.mark.parametrize("text", [b"[]", b'"a"', b"null", b"5"])
def test_json_that_is_no_object(server, text):
    refused(server, "POST", START, text, 400, "json_not_an_object")


COMMAND = {"command": ["a"]}
SPECS = {
    "/comand": {"comand": ["a"]},
    "/replicas": {**COMMAND, "replicas": "two"},
    "/command": {"command": "ls -l"},
    "/command/1": {"command": ["ls", 5]},
    "/env/A": {**COMMAND, "env": {"A": 1}},
    "/labels/a": {**COMMAND, "labels": {"a": None}},
    "/ports/0/container_port": {**COMMAND, "ports": [{"container_port": 70000}]},
    "/ports/0/portt": {**COMMAND, "ports": [{"container_port": 1, "portt": 1}]},
    "/service_id": {**COMMAND, "service_id": "other"},
    "/namespace": {**COMMAND, "namespace": "n" * 64},
}


@pytest.mark.parametrize("pointer", SPECS)
def test_spec(server, pointer):
    problem = refused(server, "POST", START, SPECS[pointer], 400, "invalid_spec")
    assert pointer in [error["pointer"] for error in problem["errors"]], problem
    assert all(error["detail"] for error in problem["errors"])


def test_every_violation_is_told(server):
    problem = refused(server, "POST", START, {"replicas": -1, "x": 1, "env": {"1": "a"}}, 400, "invalid_spec")
    assert {"/replicas", "/x"} <= {error["pointer"] for error in problem["errors"]} and len(problem["errors"]) >= 3


def test_spec_without_a_command(server):
    refused(server, "POST", START, {"replicas": 1}, 400, "invalid_spec")
    spec = {"command": ["/bin/true"], "env_from_secrets": {"A": "b"}}
    problem = refused(server, "POST", START, spec, 501, "feature_unavailable")
    assert "env_from_secrets" in problem["detail"]


@pytest.mark.parametrize("method, rest, body, pointer", [
    ("POST", "/exec", {}, ""),
    ("POST", "/exec", {"command": []}, "/command"),
    ("POST", "/exec", {"command": ["a"] * 257}, "/command"),
    ("POST", "/exec", {"command": ["a"], "tty": True}, "/tty"),
    ("POST", "/exec", {"command": ["a"], "timeout_s": 0}, "/timeout_s"),
    ("POST", "/exec", {"command": ["a"], "timeout_s": 601}, "/timeout_s"),
    ("POST", "/scale", {}, ""),
    ("POST", "/scale", {"replicas": -1}, "/replicas"),
    ("POST", "/scale", {"replicas": 1.5}, "/replicas"),
    ("PATCH", "/scale", {"replicas": True}, "/replicas"),
    ("POST", "/stop", {"force": True}, "/force"),
    ("PATCH", "/config", {"envs": {}}, "/envs"),
    ("PATCH", "/config", {"env": {"A": 5}}, "/env/A"),
    ("POST", "/rotate-secret", {}, ""),
])
def test_bodies(server, method, rest, body, pointer):
    problem = refused(server, method, "/manage/workloads/bad" + rest, body, 400, "invalid_body")
    assert pointer in [error["pointer"] for error in problem["errors"]], problem


@pytest.mark.parametrize("name", [
    "UPPER", "under_score", "-a", "a-", "a.b", "x" * 64, "%20", "%C3%BC", "a%3Fb", "a%25",
])
def test_workload_ids(server, name):
    code = "bad_path" if "%25" in name else "bad_workload_id"
    for method, rest in (("GET", ""), ("POST", "/start"), ("DELETE", ""), ("GET", "/logs")):
        refused(server, method, f"/manage/workloads/{name}{rest}", None, 400, code)


@pytest.mark.parametrize("method, path", [
    ("GET", "/manage/workloads?providr=local"),
    ("GET", "/manage/workloads/a?x=1"),
    ("POST", "/manage/workloads/a/start?replicas=3"),
    ("POST", "/manage/workloads/a/stop?force=1"),
    ("PATCH", "/manage/workloads/a/config?dryrun=1"),
    ("DELETE", "/manage/workloads/a?cascade=true"),
    ("GET", "/manage/runs?page=2"),
    ("GET", "/manage/audit/events?since=x"),
])
def test_unknown_parameters(server, method, path):
    name = path.split("?")[1].split("=")[0]
    problem = refused(server, method, path, None, 400, "unknown_parameter")
    assert f"'{name}'" in problem["detail"]


@pytest.mark.parametrize("query", ["provider=local&provider=local", "provider=%zz", "provider=%ff", "provider=a%00b"])
def test_bad_queries(server, query):
    refused(server, "GET", "/manage/workloads?" + query, None, 400, "bad_query")


def test_a_body_where_none_belongs(server):
    for method, path in (("GET", "/manage/workloads"), ("DELETE", "/manage/workloads/a")):
        refused(server, method, path, {"a": 1}, 400, "unexpected_body")


def test_nothing_of_all_this_left_a_row(server):
    assert server.ok("GET", "/manage/runs?target=bad")["items"] == []


def test_no_default_provider(make_server):
    own = make_server(start=False)
    config = json.loads(own.config_file.read_text())
    del config["workloads"]
    own.config_file.write_text(json.dumps(config))
    own.start()
    problem = refused(own, "POST", START, {"command": ["/bin/true"]}, 400, "provider_missing")
    assert "workloads.default_provider" in problem["detail"]
    assert own.ok("POST", START + "?provider=local", {"command": ["/bin/sleep", "100000"]})["status"] == "succeeded"
