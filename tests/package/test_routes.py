"""A plugin's routes, built out of tree, as clients meet them."""

import http.client
import socket

import pytest

SCOPE = "read:greetings"
SLOW_BYTES = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def token(server):
    return server.token(SCOPE, sub="greeter-client")


def test_greet(server, token):
    answer = server.get("/ext/greeter/greet/J%C3%BCrgen%20%22X%22?loud=1", token=token, headers={"Cookie": "a=b"})
    assert answer.status == 200, answer
    assert answer.json == {"greeting": 'hello Jürgen "X"', "path": '/greet/Jürgen "X"', "query": "loud=1",
                           "principal": "greeter-client", "credentials": False}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Greeter"] == "greeter"
    assert answer.headers["Content-Length"] is None
    assert answer.headers["X-Request-Id"]


def test_each_alias_has_its_mount(server, token):
    answer = server.get("/ext/other/place/greet/you", token=token)
    assert answer.status == 200 and answer.headers["X-Greeter"] == "elsewhere"
    assert answer.json["path"] == "/greet/you"
    assert server.get("/ext/elsewhere/greet/you", token=token).status == 404


def test_scopes_are_enforced(server, token):
    assert server.get("/ext/greeter/greet/you", token=False).status == 401
    assert server.get("/ext/greeter/greet/you", token="a.b.c").status == 401
    answer = server.get("/ext/greeter/greet/you", token=server.token("read:infrastructure"))
    assert answer.status == 403 and answer.code == "insufficient_scope"
    assert f'scope="{SCOPE}"' in answer.headers["WWW-Authenticate"]
    # A route that names no scope needs the highest.
    assert server.post("/ext/greeter/echo", b"x", token=token).status == 403
    assert server.post("/ext/greeter/echo", b"x", token=server.token("platform:admin")).status == 201


def test_echo(server):
    body = bytes(range(256)) * 4000
    answer = server.post("/ext/greeter/echo", body, headers={"Content-Type": "image/x-test"})
    assert answer.status == 201
    assert answer.body == body
    assert answer.headers["Content-Type"] == "image/x-test"


def test_echo_of_nothing_and_of_too_much(server):
    empty = server.post("/ext/greeter/echo", b"")
    assert (empty.status, empty.body) == (201, b"")
    assert server.post("/ext/greeter/echo", b"x" * (1024 * 1024 + 1)).status == 413


def test_slow_arrives_complete(server, token):
    answer = server.get("/ext/greeter/slow", token=token)
    pattern = bytes(i % 251 for i in range(251))
    assert len(answer.body) == SLOW_BYTES
    assert answer.body == (pattern * (SLOW_BYTES // 251 + 1))[:SLOW_BYTES]


def test_slow_reader_gets_all_of_it(server, token):
    """The plugin waits for credit while the client does not read."""
    connection = server.connect()
    try:
        connection.connect()
        # What the system buffers must be far less than the answer.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        connection.request("GET", "/ext/greeter/slow", headers={"Authorization": "Bearer " + token})
        response = connection.getresponse()
        first = response.read(1000)
        assert server.get("/ext/greeter/greet/meanwhile", token=token).status == 200
        assert len(first + response.read()) == SLOW_BYTES
    finally:
        connection.close()


def test_client_that_leaves_frees_the_plugin(server, token):
    """Many more abandoned answers than there are threads for streams."""
    for _ in range(200):
        connection, response = server.open("GET", "/ext/greeter/slow", token=token)
        response.read(10)
        connection.close()
    assert len(server.get("/ext/greeter/slow", token=token).body) == SLOW_BYTES


def test_failure_is_a_problem(server, token):
    answer = server.get("/ext/greeter/fail", token=token, headers={"X-Request-Id": "fail-1"})
    assert answer.status == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert (problem["status"], problem["instance"], problem["request_id"]) == (409, "/ext/greeter/fail", "fail-1")
    assert problem["detail"] == "the greeter is out of greetings"


def test_late_failure_never_looks_complete(server, token):
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        server.get("/ext/greeter/late", token=token)


def test_without_content(server, token):
    answer = server.request("DELETE", "/ext/greeter/greet/you", token=token)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Transfer-Encoding"] is None


def test_head(server, token):
    answer = server.request("HEAD", "/ext/greeter/slow", token=token)
    assert (answer.status, answer.body) == (200, b"")
    assert server.get("/ext/greeter/greet/after", token=token).status == 200


def test_head_route_of_its_own(server, token):
    answer = server.request("HEAD", "/ext/greeter/ping", token=token)
    assert (answer.status, answer.headers["X-Greeter"]) == (200, "greeter")
    refused = server.get("/ext/greeter/ping", token=token)
    assert (refused.status, refused.headers["Allow"]) == (405, "HEAD, OPTIONS")


def test_methods(server, token):
    answer = server.request("PUT", "/ext/greeter/greet/you", token=token)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, DELETE, OPTIONS"


def test_paths_cannot_leave_the_mount(server, token):
    assert server.get("/ext/greeter/../../manage/healthz", token=token).status == 400
    assert server.get("/ext/outside", token=token).status == 404
    assert server.get("/ext/greeter/greet/a/b", token=token).status == 404


def test_in_the_document(server):
    paths = server.ok("GET", "/manage/openapi.json")["paths"]
    greet = paths["/ext/greeter/greet/{name}"]["get"]
    assert greet["operationId"] == "greeter.greet"
    assert greet["x-scopes"] == [SCOPE]
    assert [(p["name"], p["in"], p["required"]) for p in greet["parameters"]] == [("name", "path", True)]
    echo = paths["/ext/greeter/echo"]["post"]
    assert echo["x-scopes"] == ["admin:cluster"] and echo["tags"] == ["echo"]
    assert "/ext/other/place/slow" in paths
    mounted = [path for path in paths if path.startswith("/ext/")]
    assert not [path for path in mounted if "outside" in path or "trace" in path or "other}" in path]


def test_wrong_routes_are_left_out_and_told(server):
    told = [line for line in server.stderr().splitlines() if "route is left out" in line]
    assert len(told) == 6, told
