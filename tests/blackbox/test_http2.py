"""HTTP/2 as it is on the wire, by prior knowledge. RFC 9113; HPACK is RFC 7541."""

import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import signal
import struct
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import pytest

from h2_client import (
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, DEADLINE, ENABLE_PUSH, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, H2, HEADERS, HEADER_TABLE_SIZE, INITIAL_WINDOW, MAX_FRAME,
    MAX_HEADER_LIST, MAX_STREAMS, MOST_WINDOW, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR,
    PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, data, frame, headers,
    request, reset, settings, string, window,
)
from server import PATIENCE, SANITIZED, Server, wait_until
from wire import Wire

BODY_BYTES = 200_000  # several windows of 64 KiB
HEADER_BYTES, FIELDS, TARGET_BYTES, STREAMS = 16384, 100, 8192, 100
KIB = 1024
JSON = (b"content-type", b"application/json")
NDJSON = (b"accept", b"application/x-ndjson")
OPENAPI = "/manage/openapi.json"
ONE_REPLICA = b'{"replicas": 1}'


@pytest.fixture(scope="module")
def server():
    # One loop: what is done to one connection could be felt by all others.
    one = Server(server={"loops": 1, "limits": {"body_bytes": BODY_BYTES}})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(scope="module")
def witness(server):
    with H2(server) as peer:
        yield peer


@pytest.fixture(autouse=True)
def still_serves(witness):
    """Whatever a test sends, a connection that was open before and is after is served."""
    yield
    assert witness.get().json == {"status": "ok"}


def bearer(server):
    return b"authorization", b"Bearer " + server.token().encode()


def scale(server, *fields):
    """A request that reads its body before it finds that the workload is unknown."""
    return request("/manage/workloads/nothing/scale", bearer(server), JSON, *fields, method="POST")


def is_problem(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return True


# --- ordinary use


def test_settings(server):
    # Section 3.4: they are the server's preface; section 6.5.3: the client's are acknowledged.
    with H2(server) as peer:
        assert peer.take() == SETTINGS
        assert peer.settings[MAX_STREAMS] == STREAMS and peer.settings[MAX_HEADER_LIST] == HEADER_BYTES
        assert not peer.settings.get(ENABLE_PUSH)
        peer.ping()


def test_get(server):
    with H2(server) as peer:
        for _ in range(3):
            answer = peer.get()
            assert (answer.status, answer.json, answer.reset) == (200, {"status": "ok"}, None)
            assert answer.headers["content-length"] == str(len(answer.body)) and answer.headers["date"]
        assert peer.goaways == []


def test_head_is_get_without_the_body(server):
    with H2(server) as peer:
        full = peer.get(OPENAPI)
        head = peer.answer(peer.ask(request(OPENAPI, method="HEAD")))
        assert (head.status, head.data_frames, head.ended) == (200, 0, True)
        for name in ("content-length", "content-type"):
            assert head.headers[name] == full.headers[name]
        assert int(full.headers["content-length"]) == len(full.body)


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/nowhere", 404, "route_not_found"),
    ("GET", "/manage/%2e%2e/x", 400, "bad_path"),
    ("GET", "/manage/runs", 401, "unauthenticated"),
    ("PUT", "/manage/healthz", 405, "method_not_allowed"),
    ("POST", "/manage/workloads/a/start", 401, "unauthenticated"),
])
def test_problems(server, method, path, status, code):
    with H2(server) as peer:
        answer = peer.answer(peer.ask(request(path, method=method)))
        assert is_problem(answer, status, code)
        assert status != 405 or set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert status != 401 or answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["*", "/manage/healthz"])
def test_options(server, path):
    with H2(server) as peer:
        answer = peer.answer(peer.ask(request(path, method="OPTIONS")))
        assert answer.status == 204 and "GET" in answer.headers["allow"]
        assert answer.data_frames == 0 and "content-length" not in answer.headers  # RFC 9110 section 8.6


@pytest.mark.parametrize("parts", [
    [ONE_REPLICA], [b"", ONE_REPLICA], [ONE_REPLICA[:5], b"", ONE_REPLICA[5:]], [bytes([b]) for b in ONE_REPLICA],
    [ONE_REPLICA, b""],
])
@pytest.mark.parametrize("declared", [False, True])
def test_post(server, parts, declared):
    length = [(b"content-length", b"%d" % len(ONE_REPLICA))] if declared else []
    with H2(server) as peer:
        assert is_problem(peer.answer(peer.ask(scale(server, *length), *parts)), 404, "not_found")


def test_a_body_is_what_was_sent(server):
    with H2(server) as peer:
        answer = peer.answer(peer.ask(scale(server), b'{"repl', b'icas": -1}'))
        assert is_problem(answer, 400, "invalid_body") and answer.json["errors"][0]["pointer"] == "/replicas"


def test_the_largest_body_is_taken(server):
    # Larger than a window: the server opens it as it reads.
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, scale(server), end=False))
        peer.upload(number, ONE_REPLICA.ljust(BODY_BYTES))
        assert is_problem(peer.answer(number), 404, "not_found")


def test_413_by_declared_length(server):
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, scale(server, (b"content-length", b"%d" % (BODY_BYTES + 1))), end=False))
        # Said before a byte of the body is sent.
        assert is_problem(peer.answer(number), 413, "body_too_large")
        assert peer.get().status == 200


def test_413_by_actual_length(server):
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, scale(server), end=False))
        peer.upload(number, b" " * (BODY_BYTES + 1), end=False)
        assert is_problem(peer.answer(number), 413, "body_too_large")
        assert peer.get().status == 200


@pytest.mark.parametrize("given, echoed", [
    ("a", True), ("x" * 64, True), ("8f14e45f_x.1-", True), ("x" * 65, False), ("a b", False), ('a"b', False),
    ("\u00e9", False), ("", False),
])
def test_request_id(server, given, echoed):
    with H2(server) as peer:
        own = peer.get("/manage/healthz", (b"x-request-id", given.encode())).headers["x-request-id"]
        assert own and (own == given) is echoed


def test_concurrent_streams(server):
    # Some are answered by the loop, some by a pool's thread; each answer has its own id.
    wanted = {"/manage/healthz": 200, "/manage/runs?limit=1": 200, "/nowhere": 404,
              OPENAPI: 200, "/manage/a%2fb": 400}
    with H2(server) as peer:
        for _ in range(3):
            asked = {}
            frames = b""
            for path in itertools.islice(itertools.cycle(wanted), STREAMS):
                number = peer.next_id()
                asked[number] = path
                frames += headers(number, request(path, bearer(server), (b"x-request-id", b"id-%d" % number)))
            peer.send(frames)
            for number, path in asked.items():
                answer = peer.answer(number)
                assert answer.status == wanted[path] and answer.headers["x-request-id"] == f"id-{number}"
                assert len(answer.body) == int(answer.headers["content-length"])


def test_another_client(server):
    # One that was not written for this server, with HPACK's table and Huffman codes, and strict about answers.
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    asked = {}
    for number in range(1, 60, 2):
        fields = [(name.decode(), value.decode()) for name, value in request(OPENAPI, bearer(server), NDJSON)]
        connection.send_headers(number, fields, end_stream=True)
        asked[number] = None
    with Wire(server, connection.data_to_send()) as wire:
        while None in asked.values():
            assert wire.more(), asked
            for event in connection.receive_data(wire.exactly(len(wire.buffer))):
                if isinstance(event, h2.events.ResponseReceived):
                    asked[event.stream_id] = dict(event.headers)[":status"]
                elif isinstance(event, h2.events.DataReceived):
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
            wire.send(connection.data_to_send())
    assert set(asked.values()) == {"200"}


def test_cookie_crumbs(server):
    # Section 8.2.3: they are one field, and must not hide or become another.
    crumbs = [(b"cookie", b"c%d=%s" % (i, b"x" * 20)) for i in range(40)]
    mixed = [crumbs[0], (b"x-request-id", b"between"), *crumbs[1:], bearer(server)]
    with H2(server) as peer:
        answer = peer.get("/manage/runs?limit=1", *mixed)
        assert answer.status == 200 and answer.headers["x-request-id"] == "between"


@pytest.mark.parametrize("fields, status", [
    ([(b"host", b"a")], 200),                                       # the same as :authority
    ([(b"te", b"trailers")], 200),                                  # section 8.2.2: allowed
    ([(b"x", b"")], 200),
    ([(b"x", b"\xc3\xbc")], 200),
    ([(b"x", b"a b\tc")], 200),
    ([(b"priority", b"u=1, i")], 200),
    ([(b"http2-settings", b"AAMAAABk")], 200),                      # section 3.1: means nothing any more
    ([(b"expect", b"miracles")], 417),
])
def test_fields(server, fields, status):
    with H2(server) as peer:
        assert peer.answer(peer.ask(request("/manage/runs", bearer(server), *fields))).status == status


def test_host_instead_of_authority(server):
    # Section 8.3.1: what was translated from HTTP/1.1 may have it.
    with H2(server) as peer:
        fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/manage/healthz"), (b"host", b"a:80")]
        assert peer.answer(peer.ask(fields)).status == 200


def test_continue_comes_after_authentication(server):
    fields = scale(server, (b"expect", b"100-continue"), (b"content-length", b"15"))
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, fields, end=False))
        peer.wait(lambda: peer.stream(number).interim, "100 Continue")
        peer.send(data(number, ONE_REPLICA))
        answer = peer.answer(number)
        assert is_problem(answer, 404, "not_found") and answer.interim == [100]
        number = peer.next_id()
        peer.send(headers(number, [field for field in fields if field[0] != b"authorization"], end=False))
        answer = peer.answer(number)
        assert is_problem(answer, 401, "unauthenticated") and answer.interim == []


@pytest.mark.parametrize("size", [10, 60_000, 900_000])
def test_answer_before_the_body(server, size):
    # Clients that still send their body must see the answer, and lose neither the connection nor its window.
    fields = request("/manage/workloads/a/start", JSON, method="POST")
    with H2(server) as peer:
        for _ in range(max(2, 2_000_000 // size if size > 10 else 2)):
            number = peer.next_id()
            peer.send(headers(number, fields, end=False))
            answer = peer.stream(number)
            peer.wait(lambda: answer.ended, "the answer")
            assert is_problem(answer, 401, "unauthenticated")
            peer.upload(number, b"x" * size)
            assert answer.reset in (None, NO_ERROR)
        assert peer.get().status == 200


def test_answer_before_an_endless_body(server):
    # Section 8.1: without an error, as the answer is complete and not to be thrown away.
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, request("/nowhere", method="POST"), end=False))
        peer.wait(lambda: peer.stream(number).ended, "the answer")
        peer.upload(number, b"x" * (8 << 20), end=False)
        assert is_problem(peer.stream(number), 404, "route_not_found")
        assert peer.stream(number).reset == NO_ERROR, "8 MiB of a body that nobody reads were taken"
        assert peer.get().status == 200


@pytest.mark.parametrize("size", [10, 70_000, 900_000])
def test_answer_before_the_body_of_curl(server, size):
    url = f"http://127.0.0.1:{server.port}/manage/workloads/a/start"
    command = ["curl", "--http2-prior-knowledge", "--silent", "--show-error", "--max-time", str(PATIENCE), "--output",
               "/dev/null", "--write-out", "%{http_version} %{http_code} ", "--data-binary", "@-", url]
    for _ in range(10):
        done = subprocess.run(command, input=b"x" * size, capture_output=True, timeout=PATIENCE)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"2 401 ", b""), done


PING_FRAME = frame(PING, payload=b"question")
GOOD = block(request())


# What is unusual but right (or to be ignored), before a request on stream 1.
TOLERATED = {
    "unknown frame type": frame(0x77, 0xff, 0, b"x" * 100) + frame(0x77, 0xff, 9, b""),  # section 5.5
    "unknown flags": frame(PING, 0xfe, 0, b"question"),  # section 4.1
    "reserved bit": frame(PING, 0, 0x80000000, b"question") + window(0x80000001),
    "unknown setting": settings((0x99, 1), (0xffff, 0)),  # section 6.5.2
    "no table for HPACK": settings((HEADER_TABLE_SIZE, 0)),
    "huge table for HPACK": settings((HEADER_TABLE_SIZE, 2**32 - 1)),
    "large frames": settings((MAX_FRAME, 2**24 - 1)),
    "many settings frames": settings((ENABLE_PUSH, 0)) * 20,
    "largest window": window(MOST_WINDOW - 65535),
    "priority of an idle stream": frame(PRIORITY, 0, 7, b"\0\0\0\5\x10"),  # section 5.1
    "priority update": frame(0x10, 0, 0, b"\0\0\0\1u=1"),  # RFC 9218
    "several pings": PING_FRAME * 50,
}


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated(server, name):
    with H2(server) as peer:
        peer.send(TOLERATED[name])
        answer = peer.get()
        assert (answer.status, answer.json, peer.goaways) == (200, {"status": "ok"}, [])
        if pings := TOLERATED[name].count(b"question"):
            peer.wait(lambda: peer.pongs == pings, "each PING is answered")


@pytest.mark.parametrize("frames", [
    frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\x05" + GOOD + b"\0" * 5),
    frame(HEADERS, END_STREAM | END_HEADERS | 0x20, 1, b"\0\0\0\0\x10" + GOOD),
    frame(HEADERS, END_STREAM, 1, GOOD[:7]) + frame(CONTINUATION, 0, 1, GOOD[7:9])
    + frame(CONTINUATION, END_HEADERS, 1, GOOD[9:]),
    frame(HEADERS, END_STREAM, 1) + frame(CONTINUATION, END_HEADERS, 1, GOOD),
], ids=["padding", "priority", "continuation", "empty first part"])
def test_forms_of_a_header_block(server, frames):
    with H2(server) as peer:
        peer.send(frames)
        assert peer.answer(1).json == {"status": "ok"}


def test_padded_data_and_trailers(server):
    with H2(server) as peer:
        number = peer.ask(scale(server), b"", b"")
        assert is_problem(peer.answer(number), 400, "invalid_body")  # no body at all
        number = peer.next_id()
        peer.send(headers(number, scale(server), end=False)
                  + frame(DATA, PADDED, number, b"\x09" + ONE_REPLICA + b"\0" * 9)
                  + headers(number, [(b"x-trailer", b"t")]))
        assert is_problem(peer.answer(number), 404, "not_found")


def test_answers_are_cut_to_the_window(server):
    # Section 6.9.2: a window of its own for each stream, which a later setting moves.
    with H2(server, (INITIAL_WINDOW, 10), opens_windows=False) as peer:
        full = peer.stream(peer.ask(request(OPENAPI)))
        peer.wait(lambda: len(full.body) >= 10, "ten bytes")
        peer.ping()
        assert len(full.body) == 10 and not full.over
        peer.send(settings((INITIAL_WINDOW, 5)) + window(1, 1))
        peer.ping()
        assert len(full.body) == 10, "the window is -4"
        peer.send(settings((INITIAL_WINDOW, 30)))
        peer.wait(lambda: len(full.body) >= 31, "the rest of the window")
        peer.ping()
        assert len(full.body) == 31 and not full.over
        peer.send(window(1 << 20, 1) + window(1 << 20))
        assert len(peer.answer(1).body) == int(full.headers["content-length"])


# --- following a log

COUNTING = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"
MANY = 3000
MANY_LINES = f"i=0; while [ $i -lt {MANY} ]; do i=$((i+1)); echo line $i; done; exec sleep 100000"


@pytest.fixture(scope="module")
def counting(server):
    server.start_workload("counting", COUNTING)
    return "/manage/workloads/counting/logs?follow=true"


@pytest.fixture(scope="module")
def many(server):
    server.start_workload("many", MANY_LINES)
    path = "/manage/workloads/many/logs"
    wait_until(lambda: b'"line %d"' % MANY in server.get(path + "?tail=1").body, "all is said")
    return path + "?follow=true"


def texts(stream):
    """The complete lines so far."""
    return [json.loads(line)["text"] for line in stream.body[:stream.body.rfind(b"\n") + 1].splitlines()]


def lines(count):
    return [f"line {i}" for i in range(1, count + 1)]


def follow(peer, server, path):
    return peer.stream(peer.ask(request(path, bearer(server), NDJSON)))


def outcome(server, stream, seconds=PATIENCE):
    run_id = stream.headers["x-run-id"]
    return wait_until(lambda: (r := server.row(run_id))["finished_at"] and r, "the row ends", seconds)


LEAVES = {
    "reset": lambda peer: peer.send(reset(peer.last_id)),
    "going away": lambda peer: peer.send(frame(GOAWAY, payload=b"\0" * 8) + reset(peer.last_id)),
    "closed": lambda peer: peer.socket.close(),
}


@pytest.mark.parametrize("way", LEAVES)
def test_a_listener_leaves(server, counting, way):
    with H2(server) as peer:
        stream = follow(peer, server, counting)
        peer.wait(lambda: len(texts(stream)) >= 5, "lines")
        assert texts(stream) == lines(len(texts(stream)))
        assert server.row(stream.headers["x-run-id"])["status"] == "running"
        LEAVES[way](peer)
        assert outcome(server, stream)["result"]["ended"] == "listener_gone"
        if way == "reset":
            assert peer.get().status == 200


@pytest.mark.parametrize("way", LEAVES)
def test_a_listener_leaves_a_silent_log(server, many, way):
    # There is nothing to send by which the server would notice.
    with H2(server) as peer:
        stream = follow(peer, server, many)
        peer.wait(lambda: len(texts(stream)) == MANY, "lines")
        LEAVES[way](peer)
        assert outcome(server, stream, DEADLINE)["result"]["ended"] == "listener_gone"


def test_no_window_no_lines(server, many):
    with H2(server, (INITIAL_WINDOW, 1000), opens_windows=False) as peer:
        stream = follow(peer, server, many)
        peer.wait(lambda: len(stream.body) >= 1000, "what the window has room for")
        for _ in range(3):
            peer.ping()
            assert peer.get("/nowhere").ended
        assert len(stream.body) == 1000 and not stream.over
        peer.send(window(1 << 20, 1) + window(1 << 20))
        peer.wait(lambda: len(texts(stream)) >= MANY, "everything")
        assert texts(stream) == lines(MANY) and not stream.over


def test_no_window_of_the_connection_no_lines(server, many):
    with H2(server, (INITIAL_WINDOW, 1 << 20), opens_windows=False) as peer:
        stream = follow(peer, server, many)
        peer.wait(lambda: len(stream.body) >= 65535, "what the window has room for")
        peer.ping()
        assert len(stream.body) == 65535
        # An answer without a body needs no window.
        assert peer.answer(peer.ask(request(method="HEAD"))).status == 200
        peer.send(window(1 << 20))
        peer.wait(lambda: len(texts(stream)) >= MANY, "everything")
        assert texts(stream) == lines(MANY)


def test_a_stalled_listener_holds_up_nobody(server, many, counting):
    with H2(server, (INITIAL_WINDOW, 0), opens_windows=False) as peer:
        peer.send(window(1 << 20))
        stalled, *others = [follow(peer, server, path) for path in (many, many, counting)]
        peer.send(window(1 << 20, 3) + window(1 << 20, 5))
        peer.wait(lambda: len(texts(others[0])) >= MANY and len(texts(others[1])) >= 20 and stalled.status,
                  "the others' lines")
        assert texts(others[0]) == lines(MANY) and stalled.body == b""
        peer.send(window(1 << 20, 1))
        peer.wait(lambda: len(texts(stalled)) >= MANY, "its lines")
        assert texts(stalled) == lines(MANY)


# --- malformed requests: section 8.1.1


def but(name, *values, method="GET"):
    """A request whose field `name` is there once for each of `values`."""
    at = [field for field, _ in request()].index(name)
    fields = request(method=method)
    return [*fields[:at], *((name, value) for value in values), *fields[at + 1:]]


MALFORMED = {
    **{f"name {name!r}": request("/manage/healthz", (name, b"x"))  # section 8.2.1
       for name in (b"X-Upper", b"x y", b"x:y", b"x\0", b"x\n", b"\xc3\xbc", b"x\x7f", b"")},
    **{f"value {value!r}": request("/manage/healthz", (b"x", value))  # section 8.2.1
       for value in (b"a\0b", b"a\rb", b"a\nb", b"a\r\nhost: b", b"\0", b"\n", b" a", b"a ", b"\ta", b"a\t")},
    **{f"{name.decode()}: {value.decode()}": request("/manage/healthz", (name, value))  # section 8.2.2
       for name, value in ((b"connection", b"close"), (b"connection", b"te"), (b"keep-alive", b"1"), (b"upgrade", b"x"),
                           (b"proxy-connection", b"close"), (b"transfer-encoding", b"chunked"), (b"te", b"gzip"),
                           (b"te", b"trailers, gzip"))},
    **{f"no {name.decode()}": but(name) for name in (b":method", b":scheme", b":path")},  # section 8.3.1
    "no authority": but(b":authority"),
    **{f"two {name.decode()}": but(name, value, value) for name, value in request()},  # section 8.3
    **{f"empty {name.decode()}": but(name, b"") for name, _ in request()},
    **{f"pseudo-header {name.decode()}": [*request(), (name, b"websocket")]  # section 8.3; RFC 8441 is not offered
       for name in (b":status", b":unknown", b":protocol", b":")},
    **{f"late {name.decode()}": [*but(name), (b"x", b"y"), (name, value)] for name, value in request()},
    **{f"path {path!r}": but(b":path", path)  # section 8.3.1
       for path in (b"manage/healthz", b"/manage/healthz#a", b"/manage/health z", b"/manage/healthz ", b"/\xc3\xbc",
                    b"/manage/healthz\0", b"/manage/healthz\r\n", b"/\x7f", b" /manage/healthz", b"*", b"?a",
                    b"http://a/manage/healthz")},
    **{f"authority {name!r}": but(b":authority", name)  # section 8.3.1
       for name in (b"a b", b"a\0", b"user@a", b"a/b", b"a:port", b"a,b")},
    "other host": request("/manage/healthz", (b"host", b"b")),  # section 8.3.1
    "host with another port": request("/manage/healthz", (b"host", b"a:81")),
    "empty host": request("/manage/healthz", (b"host", b"")),
    "two hosts": request("/manage/healthz", (b"host", b"a"), (b"host", b"a")),
    **{f"method {name!r}": but(b":method", name) for name in (b"GE T", b"GET\0", b"G\xc3\x89T", b"(GET)")},
    **{f"length {value!r}": request("/manage/healthz", (b"content-length", value))
       for value in (b"x", b"-1", b"+0", b"0x0", b"0, 0", b"", b"0 0", b"99999999999999999999")},
    "two lengths": request("/manage/healthz", (b"content-length", b"0"), (b"content-length", b"0")),
    "CONNECT with a path": but(b":method", b"CONNECT"),  # section 8.5
    "CONNECT without authority": [(b":method", b"CONNECT")],
}


def is_refused(answer):
    assert answer.reset == PROTOCOL_ERROR or answer.status == 400, answer
    return True


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(server, name):
    with H2(server) as peer:
        other = peer.next_id()
        peer.send(headers(other, scale(server), end=False) + data(other, ONE_REPLICA[:5], end=False))
        assert is_refused(peer.answer(peer.ask(MALFORMED[name])))
        assert is_refused(peer.answer(peer.ask(MALFORMED[name], b"x", b"y")))
        peer.send(data(other, ONE_REPLICA[5:]))
        assert is_problem(peer.answer(other), 404, "not_found")
        assert peer.get().status == 200


@pytest.mark.parametrize("declared, parts", [
    (14, [ONE_REPLICA]), (16, [ONE_REPLICA]), (15, [ONE_REPLICA, b" "]), (15, [ONE_REPLICA[:5], b""]), (1, []),
    (15, [b""]), (0, [ONE_REPLICA]),
])
def test_content_length_that_is_wrong(server, declared, parts):
    # Section 8.1.1
    with H2(server) as peer:
        fields = scale(server, (b"content-length", b"%d" % declared))
        assert is_refused(peer.answer(peer.ask(fields, *parts)))
        assert peer.get().status == 200


@pytest.mark.parametrize("trailers, end", [
    ([(b":path", b"/")], True), ([(b":status", b"200")], True), ([(b"X-Upper", b"x")], True),
    ([(b"connection", b"close")], True), ([(b"x", b"a\nb")], True), ([(b"x", b"not the end")], False),
])
def test_malformed_trailers(server, trailers, end):
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, scale(server), end=False) + data(number, ONE_REPLICA, end=False)
                  + headers(number, trailers, end))
        assert is_refused(peer.answer(number))
        assert peer.get().status == 200


@pytest.mark.parametrize("way", ["reset", "closed", "short", "trailers"])
def test_truncated_body_is_never_acted_on(server, way):
    body = json.dumps({"command": ["/bin/sleep", "100000"]}).encode()
    name = f"cut-{way}"
    length = (b"content-length", b"%d" % (len(body) + 1))
    fields = request(f"/manage/workloads/{name}/start", bearer(server), JSON, length, method="POST")
    ends = {"reset": reset(1), "closed": b"", "short": data(1), "trailers": headers(1, [(b"x", b"y")])}
    with H2(server) as peer:
        peer.send(headers(1, fields, end=False) + data(1, body, end=False) + ends[way])
        if way != "closed":
            peer.ping()
    with H2(server) as peer:
        assert peer.get(f"/manage/runs?target={name}", bearer(server)).json["items"] == []


def test_connect(server):
    # Well-formed, section 8.5, but this is no proxy.
    with H2(server) as peer:
        number = peer.next_id()
        peer.send(headers(number, [(b":method", b"CONNECT"), (b":authority", b"a:1")], end=False))
        answer = peer.answer(number)
        assert answer.reset is not None or answer.status >= 400
        assert peer.get().status == 200


# --- connection errors: section 5.4.1


def post_on_1(server):
    """A request whose body is awaited."""
    return headers(1, scale(server), end=False)


REQUEST_1 = headers(1, request())

ERRORS = {
    "DATA on stream 0": (data(0, b"x"), PROTOCOL_ERROR),  # section 6.1
    "DATA on an idle stream": (data(1, b"x"), PROTOCOL_ERROR),  # section 5.1
    "DATA of padding beyond its end": (post_on_1, frame(DATA, PADDED, 1, b"\x05abcd"), PROTOCOL_ERROR),
    "DATA without its padding": (post_on_1, frame(DATA, PADDED, 1), FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    "HEADERS on stream 0": (headers(0, request()), PROTOCOL_ERROR),  # section 6.2
    "HEADERS on an even stream": (headers(2, request()), PROTOCOL_ERROR),  # section 5.1.1
    "HEADERS of padding beyond its end": (frame(HEADERS, 5 | PADDED, 1, b"\xff" + GOOD), PROTOCOL_ERROR),
    "HEADERS after END_STREAM": (REQUEST_1 * 2, STREAM_CLOSED, PROTOCOL_ERROR),  # section 5.1
    "frame too large": (frame(DATA, 0, 1, b"", 16385), FRAME_SIZE_ERROR),  # section 4.2
    "unknown frame too large": (frame(0x77, 0, 0, b"", 2**24 - 1), FRAME_SIZE_ERROR),
    "HEADERS too large": (frame(HEADERS, 5, 1, b"", 16385), FRAME_SIZE_ERROR),
    "PRIORITY on stream 0": (frame(PRIORITY, 0, 0, b"\0\0\0\3\x10"), PROTOCOL_ERROR),  # section 6.3
    "RST_STREAM on stream 0": (reset(0), PROTOCOL_ERROR),  # section 6.4
    "RST_STREAM on an idle stream": (reset(1), PROTOCOL_ERROR),
    "RST_STREAM of three bytes": (REQUEST_1 + frame(RST_STREAM, 0, 1, b"\0\0\0"), FRAME_SIZE_ERROR),
    "SETTINGS of five bytes": (frame(SETTINGS, payload=b"\0\1\0\0\0"), FRAME_SIZE_ERROR),  # section 6.5
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    "SETTINGS ACK with content": (frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0"), FRAME_SIZE_ERROR),
    "SETTINGS push 2": (settings((ENABLE_PUSH, 2)), PROTOCOL_ERROR),  # section 6.5.2
    "SETTINGS window 2^31": (settings((INITIAL_WINDOW, 2**31)), FLOW_CONTROL_ERROR),
    "SETTINGS frame size 16383": (settings((MAX_FRAME, 16383)), PROTOCOL_ERROR),
    "SETTINGS frame size 2^24": (settings((MAX_FRAME, 2**24)), PROTOCOL_ERROR),
    "PUSH_PROMISE": (post_on_1, frame(PUSH_PROMISE, 4, 1, b"\0\0\0\2" + GOOD), PROTOCOL_ERROR),  # section 8.4
    "PING on a stream": (frame(PING, 0, 1, b"question"), PROTOCOL_ERROR),  # section 6.7
    "PING of seven bytes": (frame(PING, payload=b"questio"), FRAME_SIZE_ERROR),
    "GOAWAY on a stream": (frame(GOAWAY, 0, 1, b"\0" * 8), PROTOCOL_ERROR),  # section 6.8
    "GOAWAY of seven bytes": (frame(GOAWAY, payload=b"\0" * 7), FRAME_SIZE_ERROR),
    "WINDOW_UPDATE 0": (window(0), PROTOCOL_ERROR),  # section 6.9
    "WINDOW_UPDATE of three bytes": (frame(WINDOW_UPDATE, payload=b"\0\0\1"), FRAME_SIZE_ERROR),
    "WINDOW_UPDATE overflow": (window(MOST_WINDOW), FLOW_CONTROL_ERROR),  # section 6.9.1
    "WINDOW_UPDATE on an idle stream": (window(1, 1), PROTOCOL_ERROR),
    "CONTINUATION without HEADERS": (frame(CONTINUATION, 4, 1, GOOD), PROTOCOL_ERROR),  # section 6.10
    "CONTINUATION after END_HEADERS": (post_on_1, frame(CONTINUATION, 4, 1, GOOD), PROTOCOL_ERROR),
    "CONTINUATION on another stream": (frame(HEADERS, 1, 1, GOOD) + frame(CONTINUATION, 4, 3), PROTOCOL_ERROR),
    **{f"{name} within a header block": (frame(HEADERS, 1, 1, GOOD[:9]) + between + frame(CONTINUATION, 4, 1, GOOD[9:]),
                                         PROTOCOL_ERROR)  # section 4.3
       for name, between in (("PING", PING_FRAME), ("HEADERS", headers(3, request())), ("unknown frame", frame(0x77)),
                             ("DATA", data(1)), ("SETTINGS", settings()))},
    **{f"HPACK {name}": (headers(1, GOOD + garbage), COMPRESSION_ERROR)  # section 4.3, RFC 7541 section 5
       for name, garbage in (("index 0", b"\x80"), ("unknown index", b"\xff\x80\1"), ("endless number", b"\xff" * 20),
                             ("text beyond the end", b"\0\5ab"), ("half a field", b"\0\1a"), ("half a number", b"\x7f"),
                             ("EOS", b"\0\x84\xff\xff\xff\xff\1a"), ("Huffman padding", b"\0\x81\0\1a"),
                             ("table too large", b"\x3f\xe2\x1f"), ("table size after a field", b"\x20"))},
    "HPACK garbage in trailers": (post_on_1, headers(1, b"\x80"), COMPRESSION_ERROR),
}


@pytest.mark.parametrize("name", ERRORS)
def test_connection_errors(server, name):
    *frames, = (part for part in ERRORS[name] if not isinstance(part, int))
    codes = [part for part in ERRORS[name] if isinstance(part, int)]
    with H2(server) as peer:
        peer.send(b"".join(part(server) if callable(part) else part for part in frames))
        assert peer.end() in codes, peer
        # Whoever uses the connection on is told, but for what is wrong itself.
        assert all(stream.status is None or stream.status < 500 for stream in peer.streams.values())


# Either is right (section 5.4.1), and some is not even an error to RFC 9113 when it comes late.
STREAM_ERRORS = {
    "WINDOW_UPDATE 0": (post_on_1, window(0, 1), PROTOCOL_ERROR),  # section 6.9
    "WINDOW_UPDATE overflow": (post_on_1, window(MOST_WINDOW, 1), FLOW_CONTROL_ERROR),  # section 6.9.1
    "DATA after END_STREAM": (post_on_1, data(1, b"{") + data(1, b"}"), STREAM_CLOSED),  # section 5.1
    "DATA beyond the window": (post_on_1, data(1, b" " * 16384, False) * 100, FLOW_CONTROL_ERROR),
    "PRIORITY of four bytes": (post_on_1, frame(PRIORITY, 0, 1, b"\0\0\0\3"), FRAME_SIZE_ERROR),  # section 6.3
    # Section 6.9.2 wants the connection to end; the library ends the streams whose windows overflow.
    "SETTINGS that overflow a window": (post_on_1, window(1, 1) + settings((INITIAL_WINDOW, MOST_WINDOW)),
                                        FLOW_CONTROL_ERROR),
}


@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_stream_errors(server, name):
    begin, frames, code = STREAM_ERRORS[name]
    with H2(server) as peer:
        peer.send(begin(server) + frames)
        answer = peer.stream(1)
        while peer.open and not answer.over:
            peer.take()
        if name == "DATA beyond the window" and answer.status == 413:
            return  # the windows opened as it was read
        assert code in (answer.reset, peer.goaways and peer.goaways[-1][1]), peer
        peer.last_id = 1
        assert not peer.open or peer.get("/nowhere").status == 404


def test_stream_ids_that_go_down(server):
    # Section 5.1.1 has it a connection error. The library cannot tell them from trailers that crossed the end of their
    # stream, which are none, and drops them; what must not be is an answer.
    with H2(server) as peer:
        peer.send(headers(5, request()))
        assert peer.answer(5).status == 200
        peer.send(headers(3, request()) + headers(7, request()))
        while peer.open and not peer.stream(7).over:
            peer.take()
        assert peer.stream(3).status is None
        assert peer.stream(7).status == 200 or peer.goaways[-1][1] in (PROTOCOL_ERROR, STREAM_CLOSED)


@pytest.mark.parametrize("frames", [
    frame(PRIORITY, 0, 1, b"\0\0\0\1\x10"), frame(HEADERS, 0x25, 1, b"\0\0\0\1\x10" + GOOD),
], ids=["PRIORITY", "HEADERS"])
def test_stream_that_depends_on_itself(server, frames):
    # RFC 7540 section 5.3.1 has it an error; RFC 9113 has no priorities any more.
    with H2(server) as peer:
        peer.send(frames + headers(3, request()))
        while peer.open and not peer.stream(3).over:
            peer.take()
        assert peer.stream(3).status == 200 or peer.goaways[-1][1] == PROTOCOL_ERROR


# --- the preface: section 3.4


@pytest.mark.parametrize("start", [
    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.0\r\nHost: a\r\n\r\n", b"PRI * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\n\nSM\n\n", b"\0\0\0\4\0\0\0\0\0", PREFACE[1:], b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
])
def test_bad_preface(server, start):
    with Wire(server, start) as wire:
        wire.end_sending()
        while wire.more():
            pass
        assert wire.buffer == b"" or wire.head()[0] in (400, 405, 501, 505)


@pytest.mark.parametrize("first", [
    PING_FRAME, REQUEST_1, frame(SETTINGS, ACK), window(1), frame(0x77), PREFACE, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
], ids=["PING", "HEADERS", "ACK", "WINDOW_UPDATE", "unknown", "preface", "HTTP/1.1"])
def test_preface_without_settings(server, first):
    with H2(server, start=PREFACE + first, acknowledges=False) as peer:
        assert peer.end() in (PROTOCOL_ERROR, FRAME_SIZE_ERROR, None)
        assert peer.streams == {}


def test_preface_byte_by_byte(server):
    with H2(server, start=b"") as peer:
        for byte in PREFACE + settings((INITIAL_WINDOW, 70000)) + headers(1, request()):
            peer.send(bytes([byte]))
        assert peer.answer(1).json == {"status": "ok"}


@pytest.mark.parametrize("frames", [
    REQUEST_1, frame(HEADERS, END_STREAM, 1, GOOD[:9]) + frame(CONTINUATION, END_HEADERS, 1, GOOD[9:]),
])
def test_frames_that_arrive_in_two_pieces(server, frames):
    with H2(server) as peer:
        peer.ping()  # nothing is to be acknowledged in between
        for at in range(1, len(frames)):
            number = peer.next_id()
            numbered = frames.replace(struct.pack(">I", 1), struct.pack(">I", number))
            peer.send(numbered[:at])
            assert server.get("/manage/healthz").status == 200  # the loop has seen the first piece
            peer.send(numbered[at:])
            assert peer.answer(number).json == {"status": "ok"}


def test_preface_in_one_piece_with_requests(server):
    with H2(server, start=PREFACE + settings() + REQUEST_1 + headers(3, request(OPENAPI))) as peer:
        assert (peer.answer(1).status, peer.answer(3).status) == (200, 200)


def test_preface_after_a_request(server):
    # Prior knowledge is there from the start or not at all.
    with Wire(server, b"GET /manage/healthz HTTP/1.1\r\nHost: a\r\n\r\n" + PREFACE + settings()) as wire:
        assert wire.answer().status == 200
        assert wire.answer().status in (400, 505)
        assert wire.ended()


def test_upgrade_is_ignored(server):
    # RFC 9113 section 3.1: the mechanism of RFC 7540 is no more.
    fields = (b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
              b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n")
    with Wire(server) as wire:
        for _ in range(2):
            wire.send(b"GET /manage/healthz HTTP/1.1\r\n" + fields + b"\r\n")
            answer = wire.answer()
            assert (answer.status, answer.json) == (200, {"status": "ok"})
            assert answer.headers.get("Upgrade") is None


# --- limits


@pytest.mark.parametrize("acknowledges", [False, True])
def test_too_many_streams(server, acknowledges):
    # Section 5.1.2. Who has not acknowledged the limit may not know of it: REFUSED_STREAM alone has the client retry.
    with H2(server, acknowledges=acknowledges) as peer:
        peer.ping()
        numbers = [peer.next_id() for _ in range(STREAMS)]
        peer.send(b"".join(headers(number, scale(server), end=False) for number in numbers))
        surplus = peer.stream(peer.ask(request()))
        while peer.open and not surplus.over:
            peer.take()
        assert surplus.status is None
        if acknowledges and not peer.open:
            assert peer.goaways[-1][1] == PROTOCOL_ERROR
            return
        assert surplus.reset in ((REFUSED_STREAM, PROTOCOL_ERROR) if acknowledges else (REFUSED_STREAM,))
        for number in numbers:
            peer.send(data(number, ONE_REPLICA))
            assert is_problem(peer.answer(number), 404, "not_found")
        assert peer.get().status == 200


def bomb():
    """One value of HPACK's table, referred to again and again (RFC 7541 section 7.3)."""
    value = b"\x40" + string(b"bomb") + string(b"x" * 3900)
    return block(request()) + value + b"\xbe" * 12000


TOO_LARGE = {
    "one field": [*request(), (b"x", b"x" * (HEADER_BYTES - 100))],
    "fields together": [*request(), *((b"x", b"x" * 3000),) * 6],
    "number": [*request(), *((b"x", b"y"),) * FIELDS],
    "cookie crumbs": [*request(), *((b"cookie", b"x=" + b"y" * 3000),) * 6],
    "bomb": bomb(),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_431(server, name):
    # Section 10.5.1. The block is read to its end all the same: HPACK's state is the connection's.
    fields = TOO_LARGE[name] if isinstance(TOO_LARGE[name], bytes) else block(TOO_LARGE[name])
    fields += b"\x40" + string(b"x-request-id") + string(b"from-the-table")
    parts = [fields[at:at + 16384] for at in range(0, len(fields), 16384)]
    with H2(server) as peer:
        peer.send(frame(HEADERS, END_STREAM | (END_HEADERS if len(parts) == 1 else 0), 1, parts[0]))
        for part in parts[1:]:
            peer.send(frame(CONTINUATION, END_HEADERS if part is parts[-1] else 0, 1, part))
        answer = peer.answer(1)
        assert answer.status == 431 and answer.code, answer
        peer.send(headers(3, block(request()) + b"\xbe"))
        assert peer.answer(3).headers["x-request-id"] == "from-the-table"


def test_the_largest_head_is_taken(server):
    with H2(server) as peer:
        most = [(b"x", b"y")] * (FIELDS - len(request()))
        assert peer.get("/manage/healthz", *most).status == 200
        size = sum(len(name) + len(value) + 32 for name, value in request())  # section 6.5.2
        assert peer.get("/manage/healthz", (b"x", b"y" * (HEADER_BYTES - size - 33))).status == 200


def test_414(server):
    with H2(server) as peer:
        assert is_problem(peer.get("/" + "x" * TARGET_BYTES), 414, "target_too_long")
        assert peer.get("/" + "x" * (TARGET_BYTES - 1)).status == 404


# --- floods: section 10.5


def rss(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * KIB


# What the streams of three attackers may have under way at a time, with room: a hundred answers of some 60 KiB each.
# (A sanitizer's quarantine grows with what was freed.)
GROWTH = 32 << 20 if not SANITIZED else 1 << 30


def costly(server, number, end=True):
    """A request for which the server needs a thread and its database."""
    return headers(number, request("/manage/runs?limit=50", bearer(server)), end)


def bad(number):
    return headers(number, request("/manage/healthz", (b"connection", b"close")))


def begun_and_reset(server, n):
    """As many requests as may be open, and then their resets: the server has begun to work on them."""
    numbers = range(STREAMS * (n - 1) + 1, STREAMS * (n + 1), 2)
    return b"".join(costly(server, number) for number in numbers) + b"".join(map(reset, numbers))


# What opens the connection, what is sent again and again, and an error that it is by itself (section 5.4.1).
FLOODS = {
    "rapid reset, CVE-2023-44487": (None, lambda server, n: costly(server, n) + reset(n)),
    "reset of many, CVE-2023-44487": (None, begun_and_reset),
    "reset of streams that await a body": (None, lambda server, n: headers(n, scale(server), False) + reset(n)),
    "PING": (None, lambda server, n: PING_FRAME),
    "SETTINGS": (None, lambda server, n: settings()),
    "SETTINGS with content": (None, lambda server, n: settings(*[(INITIAL_WINDOW, n % 60000)] * 30)),
    "SETTINGS ACK": (None, lambda server, n: frame(SETTINGS, ACK)),
    "empty DATA": (post_on_1, lambda server, n: data(1, b"", False)),
    "DATA of padding": (post_on_1, lambda server, n: frame(DATA, PADDED, 1, b"\0")),
    "PRIORITY": (None, lambda server, n: frame(PRIORITY, 0, n, b"\0\0\0\0\x10")),
    "unknown frames": (None, lambda server, n: frame(0x77)),
    "empty CONTINUATION, CVE-2024-27316": (lambda server: frame(HEADERS, 1, 1, GOOD),
                                           lambda server, n: frame(CONTINUATION, 0, 1)),
    "CONTINUATION, CVE-2024-27316": (lambda server: frame(HEADERS, 1, 1, GOOD),
                                     lambda server, n: frame(CONTINUATION, 0, 1, block([(b"x", b"y" * 500)]))),
    # MadeYouReset, CVE-2025-8671: the client has the server reset.
    "made to reset by WINDOW_UPDATE 0": (None, lambda server, n: costly(server, n) + window(0, n), PROTOCOL_ERROR),
    "made to reset by WINDOW_UPDATE overflow": (None, lambda server, n: costly(server, n) + window(MOST_WINDOW, n),
                                                FLOW_CONTROL_ERROR),
    "made to reset by DATA after END_STREAM": (None, lambda server, n: costly(server, n) + data(n, b"x"),
                                               STREAM_CLOSED),
    "made to reset by PRIORITY of four bytes": (None, lambda server, n: costly(server, n)
                                                + frame(PRIORITY, 0, n, b"\0\0\0\0"), FRAME_SIZE_ERROR),
    "made to reset by a wrong length": (None, lambda server, n: headers(n, scale(server, (b"content-length", b"1")),
                                                                        False) + data(n, b"")),
    "malformed requests": (None, lambda server, n: bad(n)),
    "streams beyond the limit": (None, lambda server, n: headers(n, scale(server), False)),
}


def flood(server, begin, unit, _=None, most=32 << 20):
    """Sends without reading until the server has closed; what its last GOAWAY said."""
    with H2(server) as peer:
        numbers = itertools.count(1, 2)
        sent = 0
        try:
            peer.send(begin(server) if begin else b"")
            while sent < most:
                part = b""
                for _ in range(500):
                    part += unit(server, next(numbers))
                    if len(part) > 256 * KIB:
                        break
                peer.send(part)
                sent += len(part)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < most, f"{sent >> 20} MiB of it were taken"
        return peer.end()


@pytest.fixture(scope="module")
def warm(server):
    """What the server keeps for good is there: each thread's memory, each statement of the database."""
    with H2(server) as peer:
        for number in [peer.ask(scale(server), ONE_REPLICA) for _ in range(50)]:
            peer.answer(number)  # rows for `costly`
        for _ in range(3):
            numbers = [peer.next_id() for _ in range(STREAMS)]
            peer.send(b"".join(costly(server, number) for number in numbers))
            assert {peer.answer(number).status for number in numbers} == {200}


@pytest.mark.parametrize("name", FLOODS)
def test_flood(server, warm, name):
    before = most = rss(server)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        attacks = [pool.submit(flood, server, *FLOODS[name]) for _ in range(3)]
        while True:
            over = all(attack.done() for attack in attacks)
            ready = server.get("/manage/readyz")
            assert ready.status == 200, ready
            most = max(most, rss(server))
            if over:
                break
    # The kernel may throw the GOAWAY away with what the server did not read.
    ends = {ENHANCE_YOUR_CALM, None, *(part for part in FLOODS[name] if isinstance(part, int))}
    assert {attack.result() for attack in attacks} <= ends
    assert most - before < GROWTH


def test_flood_is_told(server):
    with H2(server) as peer:
        peer.send(PING_FRAME * 1000)
        assert peer.end() == ENHANCE_YOUR_CALM


def test_answers_that_nobody_reads(server):
    # Section 10.5: large windows and an empty receive buffer make the server hold what it has to send.
    with H2(server, (INITIAL_WINDOW, MOST_WINDOW), opens_windows=False) as peer:
        before = rss(server)
        numbers = [peer.next_id() for _ in range(STREAMS)]
        peer.send(window(MOST_WINDOW - 65535) + b"".join(headers(number, request(OPENAPI)) for number in numbers))
        for _ in range(20):
            assert server.get("/manage/readyz").status == 200
        assert rss(server) - before < 2 * GROWTH
        for number in numbers:
            answer = peer.answer(number)
            assert answer.status == 200 and len(answer.body) == int(answer.headers["content-length"])


# --- time limits


@pytest.fixture(scope="module")
def hasty():
    limits = dict.fromkeys(("header_timeout_s", "idle_timeout_s", "body_timeout_s", "write_timeout_s"), 1)
    one = Server(server={"loops": 1, "limits": limits})
    try:
        one.start().token()  # no test's time goes by for it
        yield one
    finally:
        one.discard()


def take_for(peer, seconds):
    """Takes what comes within `seconds`."""
    end = time.monotonic() + seconds
    while peer.open and (left := end - time.monotonic()) > 0:
        peer.socket.settimeout(left)
        with contextlib.suppress(TimeoutError):
            peer.take()
    peer.socket.settimeout(DEADLINE)


# What is begun and never ended. The server says so or closes; it does not wait for ever.
UNFINISHED = {
    "nothing": b"",
    "part of the preface": PREFACE[:20],
    "preface": PREFACE,
    "part of a frame": PREFACE + settings() + REQUEST_1[:5],
    "part of HEADERS": PREFACE + settings() + REQUEST_1[:15],
    "HEADERS without END_HEADERS": PREFACE + settings() + frame(HEADERS, END_STREAM, 1, GOOD),
    "part of CONTINUATION": PREFACE + settings() + frame(HEADERS, 1, 1, GOOD[:9])
    + frame(CONTINUATION, 4, 1, GOOD[9:])[:-1],
    "no request": PREFACE + settings() + PING_FRAME,
    "no second request": PREFACE + settings() + REQUEST_1,
}


@pytest.fixture(scope="module")
def unfinished(hasty):
    """All of them at once, as each takes a second."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(H2(hasty, start=start, acknowledges=False) if start.startswith(PREFACE)
                                         else Wire(hasty, start)) for name, start in UNFINISHED.items()}


@pytest.mark.parametrize("name", UNFINISHED)
def test_unfinished(unfinished, name):
    peer = unfinished[name]
    if isinstance(peer, H2):
        peer.end()
    else:
        assert peer.ended() or peer.head()[0] in (400, 408)


def test_slow_header_block(hasty):
    # Bytes that keep coming do not extend the limit.
    with H2(hasty) as peer:
        peer.ping()  # nothing is to be acknowledged in between
        begin = time.monotonic()
        for byte in headers(1, GOOD + block([(b"x", b"y" * 10000)])):
            assert time.monotonic() - begin < DEADLINE
            peer.answer_with(bytes([byte]))
            take_for(peer, 0.1)
            if not peer.open:
                break
        assert peer.stream(1).status in (None, 408)


def test_pings_do_not_keep_a_connection(hasty):
    with H2(hasty) as peer:
        begin = time.monotonic()
        while peer.open:
            assert time.monotonic() - begin < DEADLINE
            peer.answer_with(PING_FRAME)
            take_for(peer, 0.1)
        assert peer.pongs and peer.goaways[-1][1] == NO_ERROR


@pytest.mark.parametrize("path", ["/manage/healthz", "/manage/runs"])
def test_requests_keep_a_connection(hasty, path):
    # The limit is on idleness between requests, be they answered at once or by another thread.
    with H2(hasty) as peer:
        begin = time.monotonic()
        while time.monotonic() - begin < 1.7:
            assert peer.get(path, bearer(hasty)).status == 200
            take_for(peer, 0.2)


def test_silent_body(hasty):
    # The stream ends, with 408 or reset; the connection and its other streams go on.
    with H2(hasty) as peer:
        peer.send(headers(1, scale(hasty), end=False) + data(1, b"{", end=False))
        answer = peer.answer(1)
        assert answer.reset is not None or answer.status == 408
        peer.last_id = 1
        assert peer.get().status == 200


def test_window_that_stays_shut(hasty):
    with H2(hasty, (INITIAL_WINDOW, 0)) as peer:
        assert peer.get(OPENAPI).reset is not None


@pytest.mark.parametrize("stalled", ["body", "window"])
def test_others_do_not_keep_a_stalled_stream(hasty, stalled):
    # Each stream has its own limit: a hundred could be held by what goes on on another.
    hasty.start_workload(f"busy-{stalled}", COUNTING)
    with H2(hasty, (INITIAL_WINDOW, 0), opens_windows=False) as peer:
        peer.send(window(1 << 20))
        busy = follow(peer, hasty, f"/manage/workloads/busy-{stalled}/logs?follow=true")
        peer.send(window(1 << 20, 1))
        number = peer.next_id()
        if stalled == "body":
            peer.send(headers(number, scale(hasty), end=False))
        else:
            peer.send(headers(number, request(OPENAPI)))
        assert peer.answer(number).over and not busy.over


class Work:
    """A request that is answered when its `end` is called."""

    def __init__(self, server, peer, workload, folder):
        self.peer, self.gate = peer, folder / "gate"
        begun = folder / "begun"
        script = f"touch {begun}; while [ ! -e {self.gate} ]; do sleep 0.02; done; echo done"
        body = json.dumps({"command": ["/bin/sh", "-c", script]}).encode()
        path = f"/manage/workloads/{workload}/exec"
        self.number = peer.ask(request(path, bearer(server), JSON, method="POST"), body)
        wait_until(begun.exists, "the command runs")

    def end(self):
        self.gate.touch()
        answer = self.peer.answer(self.number)
        assert answer.status == 200 and "done" in answer.body.decode(), answer


def test_client_that_ends_its_side(server, counting, tmp_path):
    # It still gets its answers, and then the connection does not stay.
    with H2(server) as peer:
        work = Work(server, peer, "counting", tmp_path)
        peer.end_sending()
        assert server.get("/manage/healthz").status == 200  # the loop has seen the end
        work.end()
        peer.end()


def test_requests_per_connection(make_server):
    # What goes beyond it is refused by GOAWAY (section 6.8), so that the client can send it again elsewhere.
    own = make_server(server={"limits": {"requests_per_connection": 5}})
    with H2(own) as peer:
        numbers = [peer.ask(request()) for _ in range(8)]
        assert peer.end() == NO_ERROR
        last, _ = peer.goaways[-1]
        assert last >= numbers[4]
        assert [peer.stream(number).status for number in numbers] == [200 if n <= last else None for n in numbers]


def test_client_that_goes_away(server):
    # Section 6.8: what it asked before is answered, then there is nothing to wait for.
    with H2(server) as peer:
        peer.ask(request("/manage/runs?limit=1", bearer(server)))
        peer.send(frame(GOAWAY, payload=b"\0" * 8))
        assert peer.answer(1).status == 200
        peer.end()


# --- the end of the server: section 6.8


def end_of(own):
    code = own.process.wait(timeout=PATIENCE)
    own.process = None
    own.check_reports()
    return code


def test_drain(make_server):
    own = make_server()
    with H2(own, (INITIAL_WINDOW, 10), opens_windows=False) as peer, H2(own) as idle:
        assert idle.get().status == 200
        under_way = peer.stream(peer.ask(request(OPENAPI)))
        peer.wait(lambda: len(under_way.body) == 10, "an answer under way")
        own.process.send_signal(signal.SIGTERM)
        peer.wait(lambda: peer.goaways, "GOAWAY")
        assert peer.goaways == [(MOST_WINDOW, NO_ERROR)]
        # It was on its way when the GOAWAY came: served or refused, but with an answer.
        crossed = peer.ask(request(method="HEAD"))
        assert peer.answer(crossed).status in (200, 503)
        peer.wait(lambda: len(peer.goaways) == 2, "the second GOAWAY")
        assert peer.goaways[1] == (crossed, NO_ERROR)
        peer.send(window(1 << 20, 1) + window(1 << 20))
        assert len(peer.answer(1).body) == int(under_way.headers["content-length"])
        assert peer.end() == NO_ERROR and idle.end() == NO_ERROR
        assert [last for last, _ in idle.goaways] == [MOST_WINDOW, 1]
    assert end_of(own) == 0


def test_drain_waits_for_work_and_ends_followers(make_server, tmp_path):
    own = make_server()
    own.start_workload("drained", COUNTING)
    with H2(own) as peer:
        stream = follow(peer, own, "/manage/workloads/drained/logs?follow=true")
        peer.wait(lambda: stream.body, "lines")
        work = Work(own, peer, "drained", tmp_path)
        own.process.send_signal(signal.SIGTERM)
        peer.wait(lambda: stream.over and len(peer.goaways) == 2, "the follower ends")
        work.end()
        assert peer.end() == NO_ERROR
    assert end_of(own) == 0
