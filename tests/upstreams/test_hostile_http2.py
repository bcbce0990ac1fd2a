"""HTTP/2 upstreams that are broken, slow or out to deceive. RFC 9113, RFC 7541."""

import struct
import time

import pytest

from fetching import fetch as run_fetch
from fetching import MEMORY_KIB, finished, sha256, start
from h2_client import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
                       HEADERS, INITIAL_WINDOW, INTERNAL_ERROR, MAX_STREAMS, NO_ERROR, PADDED, PING, PROTOCOL_ERROR,
                       PUSH_PROMISE, REFUSED_STREAM, SETTINGS, STREAM_CLOSED, block, data, frame, headers, reset,
                       settings, window)
from h2_peer import H2Peer, H2Server, answer, goaway, in_turn, served, split_block, status
from scripted import Scripted
from test_hostile_http1 import SOON, resident


def fetch(url, *fields, **options):
    return run_fetch(url, *fields, **{"versions": "http2", **options})


def once(*frames, then=None):
    """A script that answers its first request with what `frames` make for its stream; the client closes."""
    def script(h2):
        number = h2.request().stream
        h2.send(*(part(number) if callable(part) else part for part in frames))
        (then or (lambda h2: h2.drain()))(h2)
    return script


# --- what is good

GOOD = {
    "one frame each": lambda n: answer(n, b"abc"),
    "length": lambda n: answer(n, b"abc", (b"content-length", b"3")),
    "empty last frame": lambda n: headers(n, status(), end=False) + data(n, b"abc", False) + data(n),
    "padded": lambda n: headers(n, status(), end=False) + frame(DATA, PADDED | END_STREAM, n, b"\x05abc" + bytes(5)),
    "most padding": lambda n: (headers(n, status(), end=False)
                               + frame(DATA, PADDED | END_STREAM, n, b"\xffabc" + bytes(255))),
    "padding only": lambda n: (headers(n, status(), end=False) + frame(DATA, PADDED, n, b"\xff" + bytes(255))
                               + data(n, b"abc")),
    "padded head": lambda n: (frame(HEADERS, PADDED | END_HEADERS, n, b"\x04" + block(status()) + bytes(4))
                              + data(n, b"abc")),
    "priority in the head": lambda n: (frame(HEADERS, 0x20 | END_HEADERS, n, bytes(4) + b"\x10" + block(status()))
                                       + data(n, b"abc")),
    "continuation": lambda n: split_block(n, block(status(200, (b"a", b"b"))), 3, 0, 5) + data(n, b"abc"),
    "trailers": lambda n: (headers(n, status(), end=False) + data(n, b"abc", False) + headers(n, [(b"t", b"u")])),
    "interim": lambda n: headers(n, status(103, (b"link", b"</a>")), end=False) * 16 + answer(n, b"abc"),
    "100": lambda n: headers(n, status(100), end=False) + answer(n, b"abc"),
    "unknown frames": lambda n: frame(0x42, 0xff, n, b"x" * 100) + frame(0xfe, payload=b"y") + answer(n, b"abc"),
    "unknown flags": lambda n: frame(HEADERS, 0xc2 | END_HEADERS, n, block(status())) + data(n, b"abc"),
    "unknown settings": lambda n: settings((0x99, 7), (0xffff, 2**32 - 1)) + answer(n, b"abc"),
    "ping and window": lambda n: frame(PING, payload=bytes(8)) + window(1) + window(1, n) + answer(n, b"abc"),
    "head of 60 KiB": lambda n: (split_block(n, block(status(200, *[(b"a", b"b" * 1000)] * 58)), 16384, 16384, 16384)
                                 + data(n, b"abc")),
    "frames of a byte": lambda n: (headers(n, status(), end=False)
                                   + b"".join(data(n, bytes([byte]), False) for byte in b"abc") + data(n)),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_good(make):
    """What RFC 9113 permits is understood, and the connection goes on."""
    with H2Server(lambda h2: [h2.send(make(h2.request().stream)) for _ in range(3)] and h2.drain()) as server:
        result = fetch(server.url, repeat=3)
    assert result.bodies == ["abc"] * 3, result
    assert result.connections == server.connections == 1


@pytest.mark.parametrize("method, code, body", [("HEAD", 200, 0), ("GET", 204, 0), ("GET", 304, 0)])
def test_no_content(method, code, body):
    """RFC 9113 section 8.1.1: a length without content is fine where there is none."""
    length = [] if code == 204 else [(b"content-length", b"5")]
    with H2Server(once(lambda n: headers(n, status(code, *length)))) as server:
        result = fetch(server.url, method=method)
    assert (result.one["status"], result.one["bytes"]) == (code, body), result


@pytest.mark.parametrize("size", [0, 1, 16384, 65536, 1 << 20, 5 << 20])
@pytest.mark.parametrize("frames", [16384, 1000])
def test_download(size, frames):
    """Section 6.9: the client opens its windows as it reads."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    def script(h2):
        number = h2.request().stream
        h2.send(headers(number, status(200, (b"content-length", str(size).encode())), end=size == 0))
        h2.upload(number, body, frames)
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url)
    assert result.one.get("sha256") == sha256(body), result


@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 3 << 20])
def test_upload(size):
    """Bodies arrive whole, within the windows."""
    with H2Server(served) as server:
        result = fetch(server.url, method="POST", body_size=size)
    assert result.one["status"] == 200
    assert [request.body for _, request in server.requests] == [b"b" * size]


def test_upload_through_windows_of_a_byte():
    """Section 6.9: the smallest of windows only slows it down, and no byte more than they permit is sent."""
    body = 300

    def script(h2):
        first = h2.request()
        h2.wait(lambda: h2.acknowledged)  # from here on, the window is that of SETTINGS
        h2.send(answer(first.stream))
        asked = h2.head()
        opened = 1
        while not asked.ended:
            h2.take()
            assert len(asked.body) <= opened, "section 6.9.1"
            if len(asked.body) == opened:
                opened += 1
                h2.send(window(1, asked.stream))
        h2.send(answer(asked.stream))
        h2.drain()
    with H2Server(script, (INITIAL_WINDOW, 1), opens_windows=False) as server:
        result = fetch(server.url, method="POST", body_size=body, repeat=2)
    assert result.bodies == ["ok", "ok"], result
    assert [request.body for _, request in server.requests] == [b"b" * body] * 2


def test_a_window_that_shrinks():
    """Section 6.9.2: SETTINGS may make a window negative; what is permitted later is sent."""
    def script(h2):
        asked = h2.head()
        h2.wait(lambda: len(asked.body) == 65535)
        h2.send(settings((INITIAL_WINDOW, 0)))
        h2.ping()
        h2.send(window(1 << 20), window((1 << 20) + 65535, asked.stream))
        h2.wait(lambda: asked.ended)
        h2.send(answer(asked.stream))
        h2.drain()
    with H2Server(script, opens_windows=False) as server:
        result = fetch(server.url, method="POST", body_size=1 << 20)
    assert result.bodies == ["ok"] and len(server.requests[0][1].body) == 1 << 20, result


# --- what is malformed

def malformed(*fields):
    return lambda n: headers(n, list(fields), end=False) + data(n, b"abc")


# Section 8.1.1: malformed responses are stream errors; the connection goes on.
STREAM_ERRORS = {
    "upper-case name": malformed(*status(200, (b"X-A", b"b"))),
    "name with a space": malformed(*status(200, (b"x a", b"b"))),
    "name with a colon": malformed(*status(200, (b"x:a", b"b"))),
    "empty name": malformed(*status(200, (b"", b"b"))),
    "NUL in a value": malformed(*status(200, (b"a", b"b\0c"))),
    "LF in a value": malformed(*status(200, (b"a", b"b\nc"))),
    "CR in a value": malformed(*status(200, (b"a", b"b\rc: d"))),
    "connection": malformed(*status(200, (b"connection", b"close"))),
    "keep-alive": malformed(*status(200, (b"keep-alive", b"timeout=5"))),
    "proxy-connection": malformed(*status(200, (b"proxy-connection", b"close"))),
    "transfer-encoding": malformed(*status(200, (b"transfer-encoding", b"chunked"))),
    "upgrade": malformed(*status(200, (b"upgrade", b"websocket"))),
    "te": malformed(*status(200, (b"te", b"gzip"))),
    "no status": malformed((b"a", b"b")),
    "empty head": malformed(),
    "two statuses": malformed((b":status", b"200"), (b":status", b"200")),
    "status behind a field": malformed((b"a", b"b"), (b":status", b"200")),
    "status is no number": malformed((b":status", b"abc")),
    "status is empty": malformed((b":status", b"")),
    "status of two digits": malformed((b":status", b"20")),
    "status of four digits": malformed((b":status", b"2000")),
    "unknown pseudo-field": malformed(*status(200), (b":a", b"b")),
    "pseudo-field of requests": malformed(*status(200), (b":path", b"/")),
    "101": malformed((b":status", b"101")),
    "interim with the end": lambda n: headers(n, status(103)),
    "20 interim": lambda n: headers(n, status(103), end=False) * 20 + answer(n),
    "only interim and data": lambda n: headers(n, status(103), end=False) + data(n, b"abc"),
    "length over the body": malformed(*status(200, (b"content-length", b"4"))),
    "length under the body": malformed(*status(200, (b"content-length", b"2"))),
    "length without a body": lambda n: headers(n, status(200, (b"content-length", b"2"))),
    "two lengths": malformed(*status(200, (b"content-length", b"3"), (b"content-length", b"4"))),
    "length is no number": malformed(*status(200, (b"content-length", b"abc"))),
    "length overflows": malformed(*status(200, (b"content-length", b"18446744073709551619"))),
    "status in trailers": lambda n: (headers(n, status(), end=False) + data(n, b"abc", False) + headers(n, status())),
    "upper case in trailers": lambda n: (headers(n, status(), end=False) + data(n, b"abc", False)
                                         + headers(n, [(b"A", b"b")])),
    "trailers without end": lambda n: (headers(n, status(), end=False) + data(n, b"abc", False)
                                       + headers(n, [(b"a", b"b")], end=False)),
    "head of 70 KiB": lambda n: (split_block(n, block(status(200, *[(b"a", b"b" * 1000)] * 70)), 16384, 16384, 16384,
                                             16384) + data(n, b"abc")),
    # RFC 7541 section 6.2.1: entered into the table once, then a byte each.
    "HPACK bomb": lambda n: headers(n, block(status()) + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 8000,
                                    end=False) + data(n, b"abc"),
    # An entry of the static table, each with 32 bytes of overhead (RFC 9113 section 6.5.2).
    "many small fields": lambda n: headers(n, block(status()) + b"\x90" * 16000, end=False) + data(n, b"abc"),
}


@pytest.mark.parametrize("make", STREAM_ERRORS.values(), ids=STREAM_ERRORS)
def test_malformed(make):
    """Section 8.1.1: the answer is refused, whether or not its head was good; others on the connection go on."""
    def script(h2):
        h2.answer()
        number = h2.request().stream
        h2.send(make(number))
        h2.serve()
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=3)
    good, error, after = result.answers
    assert good["body"] == "ok" and after.get("body") == "ok", result
    assert error.get("error") == "provider_error", error
    assert error["slug"] in ("bad_upstream_answer", "truncated_answer") and not error["retryable"]
    assert len(server.requests) == 3, "a malformed answer is not asked for again"


# Section 5.4.1: what is wrong with the connection itself.
CONNECTION_ERRORS = {
    "data before headers": lambda n: data(n, b"abc"),
    "data on stream 0": lambda n: data(0, b"abc"),
    "data on an idle stream": lambda n: data(n + 100, b"abc"),
    "headers on an idle stream": lambda n: headers(n + 100, status()),
    "headers on stream 0": lambda n: headers(0, status()),
    "headers on a stream of even number": lambda n: headers(2, status()),
    "reset of an idle stream": lambda n: reset(n + 100),
    "push": lambda n: frame(PUSH_PROMISE, END_HEADERS, n, struct.pack(">I", 2) + block([(b":method", b"GET")])),
    "push on stream 0": lambda n: frame(PUSH_PROMISE, END_HEADERS, 0, struct.pack(">I", 2)),
    "continuation of nothing": lambda n: frame(CONTINUATION, END_HEADERS, n, b""),
    "continuation of another stream": lambda n: (frame(HEADERS, 0, n, block(status()))
                                                 + frame(CONTINUATION, END_HEADERS, n + 2)),
    "frame within a head": lambda n: frame(HEADERS, 0, n, block(status())) + frame(PING, payload=bytes(8)),
    "window overflow": lambda n: window(2**31 - 1) * 2,
    "window of nothing": lambda n: window(0),
    "initial window overflow": lambda n: settings((INITIAL_WINDOW, 2**31)),
    "frame size too small": lambda n: settings((5, 16383)),
    "push enabled by a server": lambda n: settings((2, 1)),
    "frame of 16385 bytes": lambda n: headers(n, status(), end=False) + data(n, b"a" * 16385),
    "frame of 16 MiB": lambda n: frame(DATA, 0, n, b"a" * 100_000, length=2**24 - 1),
    "settings on a stream": lambda n: frame(SETTINGS, stream=n),
    "settings of 5 bytes": lambda n: frame(SETTINGS, payload=b"abcde"),
    "acknowledgement with a payload": lambda n: frame(SETTINGS, ACK, payload=bytes(6)),
    "ping of 7 bytes": lambda n: frame(PING, payload=bytes(7)),
    "ping on a stream": lambda n: frame(PING, stream=n, payload=bytes(8)),
    "goaway of 7 bytes": lambda n: frame(7, payload=bytes(7)),
    "goaway on a stream": lambda n: frame(7, stream=n, payload=bytes(8)),
    "reset of 3 bytes": lambda n: frame(3, stream=n, payload=bytes(3)),
    "reset of stream 0": lambda n: reset(0),
    "padding beyond the frame": lambda n: headers(n, status(), end=False) + frame(DATA, PADDED, n, b"\x05abc"),
    "HPACK index of nothing": lambda n: headers(n, b"\xff\xff\xff\x03"),
    "HPACK index 0": lambda n: headers(n, b"\x80"),
    "HPACK table too large": lambda n: headers(n, b"\x3f\xff\xff\x03" + block(status())),
    "HPACK integer overflow": lambda n: headers(n, b"\xff" + b"\xff" * 20),
    "HPACK string cut": lambda n: headers(n, b"\x00\x05ab"),
    "HPACK bad Huffman": lambda n: headers(n, b"\x00\x84\xff\xff\xff\xff\x01a"),
    "CONTINUATION flood": lambda n: frame(HEADERS, 0, n, block(status())) + frame(CONTINUATION, 0, n) * 10_000,
    "CONTINUATION flood of fields": lambda n: (frame(HEADERS, 0, n, block(status()))
                                               + frame(CONTINUATION, 0, n, block([(b"a", b"b" * 100)])) * 1000),
    "PING flood": lambda n: frame(PING, payload=bytes(8)) * 20_000,
    "SETTINGS flood": lambda n: settings((INITIAL_WINDOW, 65535)) * 20_000,
    "flood of empty DATA": lambda n: headers(n, status(), end=False) + data(n, b"", False) * 20_000,
    "flood of unknown frames": lambda n: frame(0x77) * 20_000,
    "flood of resets": lambda n: reset(n) * 20_000,
    "settings of 16 KiB": lambda n: settings(*[(0x77, 1)] * 2700),
    "HTTP/1.1": lambda n: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "garbage": lambda n: bytes(range(256)) * 100,
}


@pytest.mark.parametrize("make", CONNECTION_ERRORS.values(), ids=CONNECTION_ERRORS)
def test_broken(make):
    """Section 5.4.1: the connection is given up with what is on it, at once; the next request has a new one.

    The error says that it is the answer that is wrong (and not that the way there is), and how.
    """
    def script(h2):
        h2.answer()
        number = h2.request().stream
        h2.send(make(number))
        h2.drain()
    with H2Server(in_turn(script, served)) as server:
        began = time.monotonic()
        result = fetch(server.url, repeat=3, method="POST", body="x")
        assert time.monotonic() - began < SOON
    good, error, after = result.answers
    assert good["body"] == "ok" and after.get("body") == "ok", result
    assert [number for number, _ in server.requests] == [0, 0, 1]
    assert error.get("error") == "provider_error", error


@pytest.mark.parametrize("make", CONNECTION_ERRORS.values(), ids=CONNECTION_ERRORS)
def test_broken_for_ever(make):
    """A server that is always so is asked twice at most."""
    def script(h2):
        h2.send(make(h2.request().stream))
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url)
    assert result.one.get("error") in ("provider_error", "unavailable"), result
    assert len(server.requests) <= 2


def test_not_http2():
    """A server that does not speak it, with prior knowledge of the contrary (section 3.3)."""
    def script(peer):
        peer.until(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.hold()
    with Scripted(script) as server:
        result = fetch(server.url)
    assert result.one["error"] in ("provider_error", "unavailable"), result


# --- ends

def at_request(h2, number):
    pass


def after_interim(h2, number):
    h2.send(headers(number, status(103), end=False))


def after_head(h2, number):
    h2.send(headers(number, status(), end=False))


def within_body(h2, number):
    h2.send(headers(number, status(), end=False), data(number, b"abc", False))


def within_known_body(h2, number):
    h2.send(headers(number, status(200, (b"content-length", b"5")), end=False), data(number, b"abc", False))


def at_the_whole_body(h2, number):
    """All bytes, but not the end: the length alone ends nothing in HTTP/2 (section 8.1)."""
    h2.send(headers(number, status(200, (b"content-length", b"3")), end=False), data(number, b"abc", False))


STAGES = [at_request, after_interim, after_head, within_body, within_known_body, at_the_whole_body]


@pytest.mark.parametrize("code", [NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, STREAM_CLOSED])
@pytest.mark.parametrize("stage", STAGES)
def test_reset(stage, code):
    """Section 5.4.2: a reset stream fails its request alone, and that is not repeated. A reset with NO_ERROR before
    the end is one too: section 8.1 lets a server send it once the response is complete.
    """
    def script(h2):
        number = h2.request().stream
        stage(h2, number)
        h2.send(reset(number, code))
        h2.serve()
    with H2Server(script) as server:
        result = fetch(server.url, repeat=2)
    error, good = result.answers
    assert good.get("body") == "ok", result
    assert error.get("error") in ("provider_error", "unavailable") and not error["retryable"], error
    if stage not in (at_request, after_interim):
        assert (error.get("error"), error.get("slug")) == ("provider_error", "truncated_answer"), error
    assert len(server.requests) == 2 and result.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refused_stream(method):
    """Section 8.7: REFUSED_STREAM says that nothing was done, so that anything can be sent again."""
    def script(h2):
        h2.answer()
        number = h2.request().stream
        h2.send(reset(number, REFUSED_STREAM))
        h2.serve()
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=2, method=method, body="x" if method == "POST" else None)
    assert result.bodies == ["ok", "ok"], result
    assert len(server.requests) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refused_for_ever(method):
    """Sent three times more, and not for ever."""
    def script(h2):
        while True:
            h2.send(reset(h2.request().stream, REFUSED_STREAM))
    with H2Server(script) as server:
        result = fetch(server.url, method=method)
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_refused"), result
    assert len(server.requests) == 4


@pytest.mark.parametrize("end", ["FIN", "RST", "GOAWAY", "TLS"])
@pytest.mark.parametrize("stage", STAGES[2:])
def test_truncated(stage, end, pair, authority):
    """Section 8.1: without END_STREAM an answer is not complete, however the connection ends."""
    def script(h2):
        number = h2.request().stream
        stage(h2, number)
        if end == "GOAWAY":
            h2.send(goaway(number))
        if end == "RST":
            h2.peer.reset()
    with H2Server(script, pair=pair if end == "TLS" else None) as server:
        result = fetch(server.url, ca=authority.certificate)
    assert result.one.get("error") in ("provider_error", "unavailable"), result
    assert result.one["slug"] == "truncated_answer", result
    assert len(server.requests) == 1, "some of an answer came: it is not repeated"


@pytest.mark.parametrize("end", [lambda h2: None, lambda h2: h2.peer.reset()], ids=["FIN", "RST"])
@pytest.mark.parametrize("method, fresh", [("GET", False), ("GET", True), ("POST", False), ("POST", True)])
def test_closed_unanswered(method, fresh, end):
    """RFC 9110 section 9.2.2: repeated if it is idempotent and the connection had been used before."""
    def script(h2):
        if not fresh:
            h2.answer()
        h2.request()
        end(h2)
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=1 if fresh else 2, method=method)
    if method == "GET" and not fresh:
        assert result.bodies == ["ok", "ok"], result
        assert [number for number, _ in server.requests] == [0, 0, 1]
    else:
        error = result.answers[-1]
        assert error.get("error") == "unavailable" and not error["retryable"], result
        assert {number for number, _ in server.requests} == {0}, "it had not been used before, or may have been done"


def test_not_repeated_after_an_interim_answer():
    """Then the server has begun to answer."""
    def script(h2):
        h2.answer()
        after_interim(h2, h2.request().stream)
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=2)
    assert "error" in result.answers[1], result
    assert len(server.requests) == 2


# --- GOAWAY

@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("taken", [0, 1, 7, 19])
def test_goaway(method, taken):
    """Section 6.8: streams above the last one named were not looked at; they are sent again on a new connection,
    and the others end where they are.
    """
    def script(h2):
        numbers = []
        while len(numbers) < 20:
            numbers.append(h2.request().stream)
        numbers.sort()
        h2.send(goaway(numbers[taken - 1] if taken else 0))
        h2.send(*(answer(number, b"first") for number in numbers[:taken]))
        h2.drain()
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, parallel=20, method=method, body="x" if method == "POST" else None)
    assert sorted(result.bodies) == sorted(["first"] * taken + ["ok"] * (20 - taken)), result
    assert server.connections == 2


def test_graceful_shutdown():
    """Section 6.8: GOAWAY with the highest number first, then with the true one; what is under way is answered."""
    def script(h2):
        first = h2.request().stream
        h2.send(goaway(2**31 - 1))
        h2.ping()
        h2.send(goaway(first), answer(first, b"first"))
        h2.drain()
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=3)
    assert result.bodies == ["first", "ok", "ok"] and server.connections == 2, result


@pytest.mark.parametrize("pause", [0, 100])
def test_goaway_behind_each_answer(pause):
    """As a server does that bounds the requests of a connection. No request is lost."""
    def script(h2):
        number = h2.request().stream
        h2.send(answer(number), goaway(number))
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url, repeat=5, pause_ms=pause, method="POST")
    assert result.bodies == ["ok"] * 5 and server.connections == 5, result


def test_goaway_with_an_error():
    """What it says is told to who asks why."""
    def script(h2):
        number = h2.request().stream
        h2.send(goaway(number, ENHANCE_YOUR_CALM, b"too many"))
        h2.peer.end_sending()
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url, method="POST")
    assert result.one.get("error") in ("provider_error", "unavailable"), result
    assert len(server.requests) == 1


# --- how many streams

@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("most", [1, 5])
def test_max_concurrent_streams(most, method):
    """Section 5.1.2: a server may permit few streams and refuses those beyond. Those that were sent before its
    SETTINGS came are sent again within the limit: all of them succeed.
    """
    def script(h2):
        active = []

        def take():
            kind, number = h2.take()
            if kind == HEADERS and len(active) == most:
                h2.send(reset(number, REFUSED_STREAM))
            elif kind == HEADERS:
                active.append(number)
        while True:
            take()
            if active and all(h2.requests[number].ended for number in active):
                wanted = h2.pongs + 1
                h2.send(frame(PING, payload=b"sequence"))
                while h2.pongs < wanted:  # what was sent with it has arrived
                    take()
                done = [number for number in active if h2.requests[number].ended]
                active = [number for number in active if number not in done]
                h2.send(*(answer(number) for number in done))
    with H2Server(script, (MAX_STREAMS, most)) as server:
        result = fetch(server.url, parallel=20, method=method, body="x" if method == "POST" else None)
    assert result.bodies == ["ok"] * 20, result.errors[:2]


@pytest.mark.parametrize("most", [1, 5])
def test_max_concurrent_streams_is_kept(most):
    """Once its SETTINGS are known, no more are opened at a time."""
    def script(h2):
        h2.answer()
        h2.wait(lambda: h2.acknowledged)
        while True:
            first = h2.request()
            h2.ping()  # what was sent with it has arrived
            open_ones = [number for number in h2.requests if number >= first.stream]
            assert len(open_ones) <= most, f"{len(open_ones)} at a time"
            h2.wait(lambda: all(h2.requests[number].ended for number in open_ones))
            h2.send(*(answer(number) for number in open_ones))
    with H2Server(script, (MAX_STREAMS, most)) as server:
        result = fetch(server.url, parallel=2 * most, repeat=5, pause_ms=20)
    assert not [error for error in result.errors if error["slug"] != "upstream_refused"], result.errors


def test_no_streams_at_all():
    """MAX_CONCURRENT_STREAMS of 0: the request waits, and no longer than it may."""
    with H2Server(lambda h2: h2.drain(), (MAX_STREAMS, 0)) as server:
        began = time.monotonic()
        result = fetch(server.url, deadline_ms=500)
        assert time.monotonic() - began < SOON
    assert result.one.get("error") in ("deadline", "unavailable"), result
    assert server.connections < 50, "no storm of connections"


def test_many_at_once():
    """50 requests use one connection, and are on it together."""
    def script(h2):
        numbers = []
        while len(numbers) < 50:
            numbers.append(h2.request().stream)
        h2.send(*(answer(number) for number in reversed(numbers)))
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url, parallel=50)
    assert result.bodies == ["ok"] * 50 and result.connections == 1, result


def test_interleaved():
    """Section 5: pieces of many answers in turn, each ends up where it belongs."""
    def script(h2):
        asked = []
        while len(asked) < 20:
            asked.append(h2.request())
        for one in asked:
            h2.send(headers(one.stream, status(), end=False))
        for piece in range(5):
            for one in asked:
                h2.send(data(one.stream, b"%d-%d," % (one.stream, piece), piece == 4))
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url, parallel=20)
    wanted = {"".join(f"{stream}-{piece}," for piece in range(5)) for stream in range(1, 41, 2)}
    assert set(result.bodies) == wanted, result


# --- silence

@pytest.mark.parametrize("limits, slug", [({"idle_ms": 300}, "upstream_silent"),
                                          ({"deadline_ms": 500}, "deadline_exceeded")], ids=["idle", "deadline"])
@pytest.mark.parametrize("stage", [at_request, after_interim, after_head, within_body])
def test_silence(stage, limits, slug):
    """Each limit ends the wait by itself, and the stream with CANCEL (section 5.4.2)."""
    resets = []

    def script(h2):
        number = h2.request().stream
        stage(h2, number)
        try:
            h2.serve()
        finally:
            resets.append(h2.resets.get(number))
    with H2Server(in_turn(script, served)) as server:
        began = time.monotonic()
        result = fetch(server.url, repeat=2, pause_ms=100, **limits)
        assert time.monotonic() - began < SOON
    error, good = result.answers
    assert (error.get("error"), error.get("slug")) == ("deadline", slug), result
    assert good.get("body") == "ok" and resets == [CANCEL], result


@pytest.mark.parametrize("answered", [0, 1, 5])
def test_after_silence(answered):
    """A connection on which no answer came is one that may be dead: the next request has a new one."""
    def script(h2):
        for _ in range(answered):
            h2.answer()
        h2.request()
        h2.wait(lambda: h2.acknowledged)
        h2.drain()
    with H2Server(in_turn(script, served)) as server:
        result = fetch(server.url, repeat=answered + 2, idle_ms=300)
    assert result.answers[answered].get("slug") == "upstream_silent", result
    assert result.answers[-1].get("body") == "ok", result
    assert server.connections == 2


def test_others_go_on_beside_a_silent_stream():
    """Silence of one stream is not that of the connection."""
    def script(h2):
        numbers = [h2.request().stream for _ in range(2)]
        h2.send(answer(numbers[1]))
        h2.serve()
    with H2Server(script) as server:
        result = fetch(server.url, parallel=2, repeat=2, idle_ms=500)
    assert sorted(result.bodies) == ["ok", "ok", "ok", "upstream_silent"], result
    assert result.connections == 1


@pytest.mark.parametrize("limits, slug", [({"idle_ms": 300}, "upstream_silent"),
                                          ({"deadline_ms": 500}, "deadline_exceeded")], ids=["idle", "deadline"])
def test_silent_connection(limits, slug):
    """Nothing at all, not even SETTINGS."""
    def script(peer):
        if peer.number == 0:
            peer.hold()
        else:
            H2Peer(peer).serve()
    with Scripted(script) as server:
        result = fetch(server.url, repeat=2, **limits)
    assert result.answers[0].get("slug") == slug, result
    if "idle_ms" in limits:
        assert result.answers[1].get("body") == "ok", result


# --- early answers

@pytest.mark.parametrize("ending", ["NO_ERROR", "left open", "CANCEL"])
def test_early_answer(ending):
    """Section 8.1: a server may answer before the request is there and then ask with NO_ERROR for the rest not to be
    sent; the answer counts.
    """
    def script(h2):
        number = h2.head().stream
        h2.send(headers(number, status(413), end=False), data(number, b"too large"))
        if ending != "left open":
            h2.send(reset(number, NO_ERROR if ending == "NO_ERROR" else CANCEL))
        while True:
            asked = h2.head()
            if asked.method == "GET":
                h2.send(answer(asked.stream))
    with H2Server(script, opens_windows=False) as server:
        result = fetch(server.url, method="POST", body_size=4 << 20, repeat=1)
    assert (result.one["status"], result.one.get("body")) == (413, "too large"), result


def test_early_answer_keeps_the_connection():
    """What was sent of the body takes up the connection's window, but the next requests go on."""
    def script(h2):
        while True:
            number = h2.head().stream
            h2.send(headers(number, status(413), end=False), data(number, b"no"), reset(number, NO_ERROR))
    with H2Server(script) as server:
        result = fetch(server.url, method="POST", body_size=1 << 20, repeat=3)
    assert result.statuses == [413] * 3 and result.connections == 1, result


# --- memory

def test_memory_while_nobody_reads():
    """Section 5.2: a reader that is slow holds the server up by the stream's window, whatever it would send."""
    sent = [0]

    def pour(h2):
        number = h2.request().stream
        h2.send(headers(number, status(), end=False))
        while True:
            room = min(h2.room[0], h2.room_of(number), 16384)
            if room <= 0:
                h2.take()
                continue
            h2.room[0] -= room
            h2.room[number] = h2.room_of(number) - room
            h2.send(data(number, bytes(room), False))
            sent[0] += room
    with H2Server(pour) as server:
        process = start(server.url, versions="http2", read_pause_ms=250, deadline_ms=2000)
        most = 0
        while process.poll() is None:
            most = max(most, resident(process.pid))
            time.sleep(0.02)
        result = finished(process)
    assert result.one["slug"] == "deadline_exceeded", result
    assert most < MEMORY_KIB
    assert sent[0] < 16 << 20


def test_a_stream_that_is_not_read_holds_up_no_other():
    """Section 5.2.1: windows of streams are their own; the connection's stays open."""
    body = bytes(1 << 20)

    def script(h2):
        slow, fast = (h2.request().stream for _ in range(2))
        h2.send(headers(slow, status(), end=False), headers(fast, status(), end=False))
        h2.upload(slow, body[:256 << 10] + b"x")
        h2.upload(fast, body)
        h2.drain()
    with H2Server(script) as server:
        result = fetch(server.url, parallel=2, read_pause_ms=20)
    assert sorted(answer["bytes"] for answer in result.answers) == [(256 << 10) + 1, 1 << 20], result


def test_the_request_as_written():
    """Sections 8.2 and 8.3: pseudo-fields first, names in lower case, nothing of the connection's."""
    with H2Server(served) as server:
        fetch(server.url + "a?b=c", "X-A: b", method="POST", body="hello")
        fetch(server.url)
    (_, first), (_, second) = server.requests
    assert first.fields == [(":method", "POST"), (":scheme", "http"), (":authority", server.authority),
                            (":path", "/a?b=c"), ("x-a", "b"), ("content-length", "5")]
    assert first.body == b"hello"
    assert second.fields == [(":method", "GET"), (":scheme", "http"), (":authority", server.authority), (":path", "/")]


def test_flow_control_error_of_the_client():
    """A server that breaks the stream's window is told so, if it listens."""
    told = []

    def script(h2):
        number = h2.request().stream
        h2.send(headers(number, status(), end=False), *(data(number, bytes(16384), False) for _ in range(400)))
        h2.drain()
        told.extend([*h2.goaways, *h2.resets.values()])
    with H2Server(script) as server:
        result = fetch(server.url, read_pause_ms=500)
    assert result.one.get("error") in ("provider_error", "unavailable"), result
    assert FLOW_CONTROL_ERROR in [code for one in told for code in (one if isinstance(one, tuple) else (one,))], told
