"""nginx, haproxy, Node and Python: HTTP/1.1 and HTTP/2 as others have them."""

import json
import os
import signal

import pytest

import real_servers
from fetching import MEMORY_KIB, fetch, fields_of, finished, sha256, start
from real_servers import KINDS, body_of, program
from test_hostile_http1 import resident

SIZES = (0, 1, 16383, 65536, 5 << 20)
SERVERS = ("nginx", "haproxy", "node")
ALL = [(name, kind) for name in SERVERS for kind in KINDS]
every = pytest.mark.parametrize("name, kind", ALL, ids=[f"{name}-{kind}" for name, kind in ALL])


@pytest.fixture(scope="module")
def servers(folder, authority, pair):
    """nginx and haproxy have Node behind them."""
    for name in SERVERS:
        if not program(name):
            pytest.skip(f"no {name} here")
    with real_servers.node(authority, pair) as node:
        backend = node.ports["http"]
        with real_servers.nginx(folder / "nginx", authority, pair, backend) as nginx, \
                real_servers.haproxy(folder / "haproxy", authority, pair, backend) as haproxy:
            yield {"node": node, "nginx": nginx, "haproxy": haproxy}


@pytest.fixture(scope="module")
def python():
    with real_servers.python_server() as url:
        yield url


def get(servers, name, kind, path="/", **options):
    server = servers[name]
    return fetch(server.url(kind, path), **{**server.options(kind), **options})


@every
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_bodies(framing, name, kind, servers):
    """RFC 9112 section 6: each size by each framing, whole."""
    for size in SIZES:
        result = get(servers, name, kind, f"/body/{size}?framing={framing}")
        assert result.one.get("sha256") == sha256(body_of(size)), (size, result.one)


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind, servers):
    """As nginx serves them by itself."""
    for size in SIZES:
        result = get(servers, "nginx", kind, f"/files/{size}")
        assert result.one.get("sha256") == sha256(body_of(size)), (size, result.one)


@pytest.mark.parametrize("size", SIZES)
def test_python(size, python):
    """HTTP/1.0 (RFC 9112 section 9.3): one connection for each."""
    result = fetch(f"{python}/{size}", repeat=2)
    assert [answer["sha256"] for answer in result.answers] == [sha256(body_of(size))] * 2
    assert result.connections == 2
    assert fetch(python + "/", method="POST", body_size=size).one["sha256"] == sha256(b"b" * size)


@every
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_uploads(method, name, kind, servers):
    """What arrives is what was sent."""
    for size in (0, 1, 65535, 65536, 65537, 3 << 20):
        answer = get(servers, name, kind, "/echo", method=method, body_size=size).one
        told = json.loads(answer["body"])
        assert told == {"bytes": size, "sha256": sha256(b"b" * size), "method": method}


@every
def test_no_body(name, kind, servers):
    """RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5; the connection goes on."""
    head = get(servers, name, kind, "/body/65536?framing=length", method="HEAD", repeat=3)
    assert [(answer["status"], answer["bytes"]) for answer in head.answers] == [(200, 0)] * 3
    assert fields_of(head.answers[0])["content-length"] == "65536"
    assert head.connections == 1
    for code in (204, 304):
        result = get(servers, name, kind, f"/status/{code}", repeat=3)
        assert [(answer["status"], answer["bytes"]) for answer in result.answers] == [(code, 0)] * 3, result
        assert result.connections == 1


@every
@pytest.mark.parametrize("code", [400, 404, 500, 503])
def test_statuses(code, name, kind, servers):
    """An answer is an answer, whatever it says."""
    assert get(servers, name, kind, f"/status/{code}").one["status"] == code


@pytest.mark.parametrize("kind", KINDS)
def test_early_hints(kind, servers):
    """RFC 8297: 103 is not the answer."""
    result = get(servers, "node", kind, "/hints", repeat=3)
    assert result.bodies == ["hinted"] * 3 and result.statuses == [200] * 3 and result.connections == 1, result


@every
def test_keep_alive(name, kind, servers):
    """RFC 9112 section 9.3, RFC 9113 section 9.1: one connection for requests in turn."""
    result = get(servers, name, kind, "/ok", repeat=50)
    assert result.bodies == ["ok"] * 50 and result.connections == 1, result


def test_close(python, servers):
    """A server that closes after each answer costs a connection each."""
    result = fetch(python + "/1", repeat=5)
    assert result.statuses == [200] * 5 and result.connections == 5, result
    result = get(servers, "node", "http", "/body/10?framing=close", repeat=5)
    assert result.statuses == [200] * 5 and result.connections == 5, result


@every
def test_parallel(name, kind, servers):
    """50 at a time: one connection where streams are to be had, else no more than there are requests."""
    result = get(servers, name, kind, "/body/65536?framing=length", parallel=50)
    assert not result.errors, result.errors[:2]
    assert [answer["sha256"] for answer in result.answers] == [sha256(body_of(65536))] * 50
    if kind.startswith("h2"):
        assert result.connections == 1
    else:
        assert result.connections <= 50


@every
def test_parallel_for_long(name, kind, servers):
    """Many in turn by many at a time."""
    result = get(servers, name, kind, "/body/16383?framing=chunked", parallel=40, repeat=10)
    assert not result.errors, result.errors[:2]
    assert [answer["sha256"] for answer in result.answers] == [sha256(body_of(16383))] * 400
    if kind.startswith("h2"):
        assert result.connections == 1


@pytest.mark.parametrize("name, kind, shared", [
    ("nginx", "h2", True), ("node", "h2", True), ("haproxy", "h2", True), ("nginx", "tls", False),
    ("node", "tls", False), ("haproxy", "tls", False), ("nginx", "http", False)])
def test_negotiated(name, kind, shared, servers):
    """RFC 7301: HTTP/2 with who has it, HTTP/1.1 with who has not; without TLS there is nothing to agree on."""
    result = get(servers, name, kind, "/body/16383?framing=length", versions="negotiate", parallel=20)
    assert not result.errors and len(result.answers) == 20, result.errors[:2]
    assert not shared or result.connections == 1
    assert has_upper_case(result.answers[0]) == (not shared and name != "haproxy")


def has_upper_case(answer):
    """Whether names are as HTTP/1.1 servers write them; haproxy does not."""
    return any(name != name.lower() for name, _ in answer["fields"])


@pytest.mark.parametrize("name", SERVERS)
def test_http2_is_wanted(name, servers):
    """RFC 9113 section 3.2: without `h2` from ALPN there is no HTTP/2."""
    result = get(servers, name, "tls", versions="http2")
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_protocol"), result


@pytest.mark.parametrize("name", SERVERS)
def test_http1_is_wanted(name, servers):
    """A server with both is spoken to as asked."""
    result = get(servers, name, "h2", "/ok", versions="http1", repeat=3)
    assert result.bodies == ["ok"] * 3, result
    assert has_upper_case(result.answers[0]) == (name != "haproxy")


@every
def test_slow_reader(name, kind, servers):
    """All of it, in the end, and memory holds little more than that."""
    server = servers[name]
    size = 5 << 20
    process = start(server.url(kind, f"/body/{size}?framing=length"), read_pause_ms=10, **server.options(kind))
    most = 0
    while process.poll() is None:
        most = max(most, resident(process.pid))
    result = finished(process)
    assert result.one.get("sha256") == sha256(body_of(size)), result
    assert most < MEMORY_KIB


@pytest.mark.parametrize("kind", KINDS)
def test_reload(kind, folder, authority, pair):
    """nginx starts new workers and has the old ones close what is idle: no GET is lost."""
    with real_servers.nginx(folder / f"reload-{kind}", authority, pair) as server:
        process = start(server.url(kind, "/ok"), parallel=4, repeat=150, pause_ms=5, **server.options(kind))
        lines = [process.stdout.readline()]
        for _ in range(4):  # each once some more requests are answered, so that they fall among them
            lines += [process.stdout.readline() for _ in range(60)]
            os.kill(server.process.pid, signal.SIGHUP)
        lines += process.stdout.readlines()
        process.stdout.close()
        assert process.wait() == 0, process.stderr.read()
        process.stderr.close()
    answers = [json.loads(line) for line in lines][:-1]
    assert len(answers) == 600
    assert not [answer for answer in answers if answer.get("body") != "ok"]


@pytest.fixture(scope="module")
def impatient(folder, authority, pair):
    """Closes what is idle for a second."""
    with real_servers.nginx(folder / "impatient", authority, pair, keepalive="1s") as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_idle_connections_are_closed(kind, impatient):
    """RFC 9112 section 9.5: around the very moment at which the server closes; no GET fails."""
    processes = [start(impatient.url(kind, "/ok"), parallel=8, repeat=2, pause_ms=pause, **impatient.options(kind))
                 for pause in (900, 980, 990, 1000, 1010, 1020, 1200)]
    for process in processes:
        result = finished(process)
        assert result.bodies == ["ok"] * 16, result.errors[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_requests_of_a_connection_are_bounded(kind, folder, authority, pair):
    """A server that ends connections after some requests, by `Connection: close` or GOAWAY; no request is lost."""
    with real_servers.nginx(folder / f"bounded-{kind}", authority, pair, requests=7) as server:
        result = fetch(server.url(kind, "/ok"), parallel=8, repeat=25, **server.options(kind))
        assert result.bodies == ["ok"] * 200, result.errors[:2]
        result = fetch(server.url(kind, "/ok"), method="POST", repeat=50, **server.options(kind))
        assert len(result.answers) == 50 and not result.errors, result.errors[:2]
