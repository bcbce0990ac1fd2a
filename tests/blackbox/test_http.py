"""HTTP/1.1 as it is on the wire. RFC 9110 and 9112."""

import pytest

from server import Server
from wire import Wire

HEADER_BYTES, FIELDS, TARGET_BYTES, BODY_BYTES = 4096, 20, 1024, 8192


@pytest.fixture(scope="module")
def server():
    limits = {
        "header_bytes": HEADER_BYTES, "header_fields": FIELDS, "target_bytes": TARGET_BYTES,
        "body_bytes": BODY_BYTES, "header_timeout_s": 2, "body_timeout_s": 2,
    }
    one = Server(server={"limits": limits})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(autouse=True)
def still_serves(server):
    """Whatever a test sends, the next client is served."""
    yield
    assert server.get("/manage/healthz", token=False).json == {"status": "ok"}


def bearer(server):
    return b"Authorization: Bearer " + server.token().encode() + b"\r\n"


def get(path, fields=b"", version=b"HTTP/1.1"):
    return b"GET " + path + b" " + version + b"\r\nHost: a\r\n" + fields + b"\r\n"


def scale(server, fields, body=b"", name=b"nothing"):
    """A request that reads its body before it finds that the workload is unknown."""
    return (b"POST /manage/workloads/" + name + b"/scale HTTP/1.1\r\nHost: a\r\n" + bearer(server)
            + b"Content-Type: application/json\r\n" + fields + b"\r\n" + body)


def is_problem(answer, status, code):
    assert answer.status == status, answer
    assert answer.headers.get("Content-Type") == "application/problem+json"
    problem = answer.json
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == "urn:alphaswarm-cp:problem:" + code
    assert problem["request_id"] == answer.headers.get("X-Request-Id")
    assert problem["detail"] and problem["title"]
    return True


def test_keep_alive(server):
    with Wire(server) as wire:
        for _ in range(3):
            wire.send(get(b"/manage/healthz"))
            answer = wire.answer()
            assert (answer.status, answer.json) == (200, {"status": "ok"})
            assert answer.headers.get("Connection") is None
        wire.send(get(b"/manage/healthz", b"Connection: close\r\n"))
        assert wire.answer().headers.get("Connection") == "close"
        assert wire.ended()


def test_pipelined_requests_are_answered_in_order(server):
    # The second one waits for a thread of the pool; the third must not overtake it.
    requests = [
        get(b"/manage/healthz", b"X-Request-Id: first\r\n"),
        get(b"/manage/runs?limit=1", b"X-Request-Id: second\r\n" + bearer(server)),
        get(b"/nowhere", b"X-Request-Id: third\r\n"),
    ]
    with Wire(server, b"".join(requests)) as wire:
        seen = [(a.headers.get("X-Request-Id"), a.status) for a in (wire.answer() for _ in requests)]
    assert seen == [("first", 200), ("second", 200), ("third", 404)]


def test_a_body_ends_where_it_says(server):
    # A body that looks like a request is none; what follows it is one.
    body = b'{"replicas":  1}'
    with Wire(server, scale(server, b"Content-Length: 16\r\n", body) + get(b"/manage/healthz")) as wire:
        assert is_problem(wire.answer(), 404, "not_found")
        assert wire.answer().json == {"status": "ok"}
        assert wire.buffer == b""


def test_chunked_body(server):
    body = b'8;note=x\r\n{"replic\r\n8\r\nas": -1}\r\n0\r\nX-Trailer: t\r\n\r\n'
    with Wire(server, scale(server, b"Transfer-Encoding: chunked\r\n", body)) as wire:
        answer = wire.answer()
        assert is_problem(answer, 400, "invalid_body")
        assert answer.json["errors"][0]["pointer"] == "/replicas"
        wire.send(get(b"/manage/healthz"))
        assert wire.answer().status == 200


def test_chunked_body_byte_by_byte(server):
    body = b'5\r\n{"rep\r\nb\r\nlicas": 1 }\r\n0\r\n\r\n'
    with Wire(server) as wire:
        for byte in scale(server, b"Transfer-Encoding: chunked\r\n", body):
            wire.send(bytes([byte]))
        assert is_problem(wire.answer(), 404, "not_found")


def test_head_is_get_without_the_body(server):
    with Wire(server, get(b"/manage/openapi.json")) as wire:
        full = wire.answer()
        wire.send(get(b"/manage/openapi.json").replace(b"GET", b"HEAD", 1))
        head = wire.answer(head_only=True)
        assert head.status == 200
        for name in ("Content-Length", "Content-Type"):
            assert head.headers.get(name) == full.headers.get(name)
        wire.send(get(b"/manage/healthz"))
        assert wire.answer().json == {"status": "ok"}


@pytest.mark.parametrize("path, allow", [
    ("/manage/healthz", {"GET", "HEAD", "OPTIONS"}),
    ("/manage/workloads/a/start", {"POST", "OPTIONS"}),
    ("/manage/workloads/a/scale", {"POST", "PATCH", "OPTIONS"}),
    ("/manage/workloads/a", {"GET", "HEAD", "DELETE", "OPTIONS"}),
])
def test_options_and_405_name_the_methods(server, path, allow):
    answer = server.request("OPTIONS", path, token=False)
    assert answer.status == 204 and answer.body == b""
    assert set(answer.headers.get("Allow").split(", ")) == allow
    refused = server.request("PUT", path, token=False)
    assert is_problem(refused, 405, "method_not_allowed")
    assert set(refused.headers.get("Allow").split(", ")) == allow


def test_options_of_the_server(server):
    with Wire(server, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") as wire:
        answer = wire.answer()
        assert answer.status == 204 and "GET" in answer.headers.get("Allow")


@pytest.mark.parametrize("path", [
    "/", "/nowhere", "/manage", "/manage/", "/manage/healthz/", "/manage/workloads/a/b/c",
])
def test_404(server, path):
    assert is_problem(server.get(path), 404, "route_not_found")


def test_415(server):
    for content_type in ("text/plain", "application/jsonp", "", "application/x-www-form-urlencoded"):
        answer = server.post("/manage/workloads/a/scale", b"{}", headers={"Content-Type": content_type})
        assert is_problem(answer, 415, "unsupported_media_type")
    fields = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = server.post("/manage/workloads/a/scale", b"{}", headers=fields)
    assert is_problem(answer, 400, "invalid_body")


def test_413_by_length(server):
    with Wire(server, scale(server, b"Content-Length: %d\r\n" % (BODY_BYTES + 1))) as wire:
        # Said before a byte of the body is sent.
        answer = wire.answer()
        assert is_problem(answer, 413, "body_too_large")
        assert answer.headers.get("Connection") == "close"


def test_413_by_chunks(server):
    with Wire(server, scale(server, b"Transfer-Encoding: chunked\r\n")) as wire:
        for _ in range(BODY_BYTES // 1024 + 1):
            wire.send(b"400\r\n" + b" " * 1024 + b"\r\n")
        assert is_problem(wire.answer(), 413, "body_too_large")
        assert wire.ended()


def test_the_largest_body_is_taken(server):
    body = b'{"replicas": 1}'.ljust(BODY_BYTES)
    with Wire(server, scale(server, b"Content-Length: %d\r\n" % len(body), body)) as wire:
        assert is_problem(wire.answer(), 404, "not_found")


REFUSED = {
    "field too long": (431, "head_too_large", get(b"/", b"A: " + b"x" * HEADER_BYTES + b"\r\n")),
    "too many fields": (431, "too_many_fields", get(b"/", b"A: x\r\n" * FIELDS)),
    "target too long": (414, "target_too_long", get(b"/" + b"x" * TARGET_BYTES)),
    "endless target": (414, "target_too_long", b"GET /" + b"x" * HEADER_BYTES),
    "version": (505, "bad_version", get(b"/", version=b"HTTP/2.0")),
    "minor version": (505, "bad_version", get(b"/", version=b"HTTP/1.2")),
    "no HTTP": (400, "bad_request_line", get(b"/", version=b"ICY/1.0 ")),
    "HTTP/0.9": (400, "bad_request_line", b"GET /\r\n\r\n"),
    "length and chunked": (400, "length_and_chunked",
                           get(b"/", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    "chunked and length": (400, "length_and_chunked",
                           get(b"/", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + b"0\r\n\r\n"),
    "two lengths": (400, "bad_content_length", get(b"/", b"Content-Length: 1\r\nContent-Length: 1\r\n") + b"x"),
    "list of lengths": (400, "bad_content_length", get(b"/", b"Content-Length: 1, 1\r\n") + b"x"),
    "signed length": (400, "bad_content_length", get(b"/", b"Content-Length: +1\r\n") + b"x"),
    "hex length": (400, "bad_content_length", get(b"/", b"Content-Length: 0x1\r\n") + b"x"),
    "huge length": (400, "bad_content_length", get(b"/", b"Content-Length: 99999999999999999999\r\n")),
    "gzip coding": (400, "bad_transfer_coding", get(b"/", b"Transfer-Encoding: gzip, chunked\r\n")),
    "chunked twice": (400, "bad_transfer_coding", get(b"/", b"Transfer-Encoding: chunked\r\n" * 2)),
    "chunked in HTTP/1.0": (400, "bad_transfer_coding", get(b"/", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0")),
    "space before colon": (400, "space_before_colon", get(b"/", b"Content-Length : 5\r\n")),
    "folded field": (400, "obs_fold", get(b"/", b"A: b\r\n c\r\n")),
    "bare LF": (400, "bare_lf", b"GET / HTTP/1.1\nHost: a\n\n"),
    "bare CR": (400, "bare_cr", get(b"/", b"A: b\rc\r\n")),
    "NUL": (400, "nul_byte", get(b"/", b"A: b\0c\r\n")),
    "no host": (400, "missing_host", b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, "duplicate_host", get(b"/", b"Host: a\r\n")),
    "bad host": (400, "bad_host", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "other host": (400, "host_mismatch", get(b"http://b/")),
    "asterisk": (400, "bad_target", get(b"*")),
    "relative target": (400, "bad_target", get(b"manage/healthz")),
    "fragment": (400, "bad_target", get(b"/manage/healthz#a")),
    "expectation": (417, "bad_expect", get(b"/", b"Expect: miracles\r\n")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(server, name):
    status, code, data = REFUSED[name]
    with Wire(server, data + get(b"/manage/healthz")) as wire:
        answer = wire.answer()
        assert is_problem(answer, status, code)
        assert answer.headers.get("Connection") == "close"
        # What follows cannot be trusted: it is not even read.
        assert wire.ended()


@pytest.mark.parametrize("chunks, code", [
    (b"x\r\n", "bad_chunk_size"),
    (b"-1\r\n", "bad_chunk_size"),
    (b"0x1\r\na\r\n", "bad_chunk_size"),
    (b"1 \r\na\r\n", "bad_chunk_size"),
    (b"11111111111111111\r\n", "bad_chunk_size"),
    (b"1\na\r\n", "bare_lf"),
    (b"1\r\nab\r\n", "bad_chunk_end"),
    (b"0\r\n x: y\r\n\r\n", "bad_trailer"),
])
def test_refused_chunks(server, chunks, code):
    with Wire(server, scale(server, b"Transfer-Encoding: chunked\r\n", chunks)) as wire:
        assert is_problem(wire.answer(), 400, code)
        assert wire.ended()


def test_continue_comes_after_authentication(server):
    fields = b"Expect: 100-continue\r\nContent-Length: 15\r\n"
    with Wire(server, scale(server, fields)) as wire:
        assert wire.answer().status == 100
        wire.send(b'{"replicas": 1}')
        assert is_problem(wire.answer(), 404, "not_found")
    with Wire(server, scale(server, fields).replace(bearer(server), b"")) as wire:
        answer = wire.answer()
        assert is_problem(answer, 401, "unauthenticated")
        assert answer.headers.get("Connection") == "close"
        assert wire.ended()


def test_slow_header_gets_408(server):
    with Wire(server, b"GET /manage/healthz HTTP/1.1\r\nHost: a\r\n") as wire:
        # Bytes that keep coming do not extend the limit.
        wire.socket.settimeout(0.2)
        while not wire.buffer:
            try:
                assert wire.more(), "closed without a word"
            except TimeoutError:
                wire.send(b"A: b\r\n")
        wire.socket.settimeout(60)
        assert is_problem(wire.answer(), 408, "request_timeout")
        assert wire.ended()


def test_slow_body_gets_408(server):
    with Wire(server, scale(server, b"Content-Length: 15\r\n", b'{"repl')) as wire:
        assert is_problem(wire.answer(), 408, "request_timeout")
        assert wire.ended()


def test_silence_is_closed(server):
    with Wire(server) as wire:
        assert wire.ended()


@pytest.mark.parametrize("framing, part", [
    (b"Content-Length: 200\r\n", b'{"replicas": 1}'),
    (b"Transfer-Encoding: chunked\r\n", b'f\r\n{"replicas": 1}\r\n'),
])
def test_truncated_body_is_never_acted_on(server, framing, part):
    with Wire(server, scale(server, framing + b"X-Request-Id: cut-short\r\n", part)) as wire:
        wire.end_sending()
        assert wire.ended()
    assert "cut-short" not in server.get("/manage/runs").body.decode()


def test_unread_body(server):
    # Refused before the body is read: the answer must survive the close.
    smuggled = get(b"/manage/healthz") * 5000
    data = scale(server, b"Content-Length: %d\r\n" % len(smuggled), smuggled).replace(bearer(server), b"")
    with Wire(server, data) as wire:
        answer = wire.answer()
        assert is_problem(answer, 401, "unauthenticated")
        assert answer.headers.get("Connection") == "close"
        assert wire.ended()


@pytest.mark.parametrize("path", [
    b"/manage/%2e%2e/x", b"/manage/../manage/healthz", b"/manage/./healthz", b"/manage/%2E/healthz",
    b"//manage/healthz", b"/manage//healthz", b"/manage%2fhealthz", b"/manage/%2fhealthz", b"/manage/healthz%2F",
    b"/manage/healthz%00", b"/manage/healthz%0a", b"/manage/healthz;a=b", b"/manage/healthz%3ba", b"/manage/%5chealthz",
    b"/manage/%252e%252e/x", b"/manage/healthz%", b"/manage/healthz%zz", b"/manage/%ff", b"/manage/%c0%ae%c0%ae/x",
])
def test_refused_paths(server, path):
    with Wire(server, get(path, bearer(server)) + get(b"/manage/healthz")) as wire:
        assert is_problem(wire.answer(), 400, "bad_path")
        assert wire.answer().status == 200  # framing is intact: the connection goes on


def test_other_spellings_of_a_path(server):
    for path in (b"/manage/health%7a", b"/m%61nage/healthz", b"http://a/manage/healthz"):
        with Wire(server, get(path)) as wire:
            assert wire.answer().json == {"status": "ok"}


@pytest.mark.parametrize("given, echoed", [
    ("a", True), ("8f14e45f-ceea-467f-a7d5_x.1", True), ("x" * 64, True),
    ("x" * 65, False), ("a b", False), ('a"b', False), ("a{}", False), ("\u00e9", False), ("", False),
])
def test_request_id(server, given, echoed):
    with Wire(server, get(b"/manage/healthz", b"X-Request-Id: " + given.encode() + b"\r\n")) as wire:
        own = wire.answer().headers.get("X-Request-Id")
        assert own
        assert (own == given) is echoed


def test_request_ids_differ(server):
    with Wire(server) as wire:
        seen = set()
        for _ in range(50):
            wire.send(get(b"/manage/healthz"))
            seen.add(wire.answer().headers.get("X-Request-Id"))
        assert len(seen) == 50


def test_http_1_0(server):
    with Wire(server, b"GET /manage/healthz HTTP/1.0\r\n\r\n") as wire:
        answer = wire.answer()
        assert answer.json == {"status": "ok"} and answer.headers.get("Connection") == "close"
        assert wire.ended()
    with Wire(server, b"GET /manage/healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") as wire:
        assert wire.answer().headers.get("Connection") == "keep-alive"
        wire.send(get(b"/manage/healthz"))
        assert wire.answer().status == 200
