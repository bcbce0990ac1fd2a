"""HTTP/1.1 upstreams that are broken, slow or out to deceive. RFC 9110, RFC 9112."""

import json
import signal
import threading
import time

import pytest

from fetching import MEMORY_KIB, fetch, finished, sha256, start
from scripted import Scripted, answers, in_turn, response, server_tls
from server import PATIENCE

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
# What the client reads in one go at most: its buffer, 64 KiB for a head and 4 KiB.
BUFFER = 65536 + 4096
# Longest time for what is over at once, or after limits of half a second, in seconds.
SOON = 30


def sending(*parts):
    """A script that answers the first request with these bytes, and closes."""
    def script(peer):
        peer.request()
        peer.send(*parts)
        peer.end_sending()
        peer.hold()
    return script


def keeping(*parts):
    """The same, but the connection stays open."""
    def script(peer):
        peer.request()
        peer.send(*parts)
        peer.hold()
    return script


def refused(result, slug="bad_upstream_answer"):
    error = result.one
    assert (error.get("error"), error.get("slug"), error["retryable"]) == ("provider_error", slug, False), error
    return error["message"]


TRUNCATED = {
    "a length": OK + b"Content-Length: 10\r\n\r\n123456789",
    "a length, nothing of it": OK + b"Content-Length: 10\r\n\r\n",
    "a large length": OK + b"Content-Length: 1000000\r\n\r\n" + b"x" * 999_999,
    "a chunk": CHUNKED + b"5\r\nabc",
    "a chunk without its line end": CHUNKED + b"3\r\nabc",
    "a chunk's size": CHUNKED + b"3\r\nabc\r\n1",
    "no last chunk": CHUNKED + b"3\r\nabc\r\n",
    "half a last chunk": CHUNKED + b"3\r\nabc\r\n0\r\n",
    "no chunk": CHUNKED,
    "trailers": CHUNKED + b"0\r\nA: b\r\n",
    "the head": OK + b"Content-Length: 0\r\nA: b",
    "the head's last line end": OK + b"Content-Length: 0\r\n",
    "the status line": b"HTTP/1.1 20",
    "one byte": b"H",
    "an interim response": b"HTTP/1.1 100 Continue\r\n",
    "a head behind an interim one": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200",
}


@pytest.mark.parametrize("answer", TRUNCATED.values(), ids=TRUNCATED)
def test_truncated(answer):
    """RFC 9112 section 8: an answer that ends before its framing says so is incomplete; never a shorter body."""
    with Scripted(sending(answer)) as server:
        message = refused(fetch(server.url), "truncated_answer")
    assert "truncated" in message
    assert len(server.requests) == 1, "some of an answer came: it is not repeated"


MALFORMED = {
    # RFC 9112 section 7.1
    "chunk size is no number": CHUNKED + b"x\r\nabc\r\n0\r\n\r\n",
    "chunk size is empty": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "chunk size is negative": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "chunk size has a sign": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "chunk size has a prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size overflows": CHUNKED + b"ffffffffffffffff3\r\nabc\r\n0\r\n\r\n",
    "chunk size over 2^63": CHUNKED + b"8000000000000000\r\nabc\r\n0\r\n\r\n",
    "chunk size with white space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk size ends with LF": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "chunk ends with LF": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "chunk extension without end": CHUNKED + b"3;" + b"x" * 1000 + b"\r\nabc\r\n0\r\n\r\n",
    "NUL in a chunk extension": CHUNKED + b"3;a=\0\r\nabc\r\n0\r\n\r\n",
    "trailer is folded": CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n",
    "trailer without colon": CHUNKED + b"0\r\nabc\r\n\r\n",
    "trailers of 100 KiB": CHUNKED + b"0\r\n" + (b"A: " + b"b" * 1000 + b"\r\n") * 100 + b"\r\n",
    # RFC 9112 section 6.3
    "length and chunked": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": OK + b"Content-Length: 3, 3\r\n\r\nabc",
    "length is negative": OK + b"Content-Length: -3\r\n\r\nabc",
    "length has a sign": OK + b"Content-Length: +3\r\n\r\nabc",
    "length is hexadecimal": OK + b"Content-Length: 0x3\r\n\r\nabc",
    "length is empty": OK + b"Content-Length: \r\n\r\nabc",
    "length overflows": OK + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "unknown coding": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "coding behind chunked": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked from HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    # RFC 9112 section 2.2
    "LF only": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "LF behind a field": OK + b"A: b\nContent-Length: 3\r\n\r\nabc",
    "CR within a value": OK + b"A: b\rc\r\nContent-Length: 3\r\n\r\nabc",
    "NUL in a value": OK + b"A: b\0c\r\nContent-Length: 3\r\n\r\nabc",
    "NUL in a name": OK + b"A\0: b\r\nContent-Length: 3\r\n\r\nabc",
    "NUL in the status line": b"HTTP/1.1 200 O\0K\r\nContent-Length: 3\r\n\r\nabc",
    "empty line first": b"\r\n" + OK + b"Content-Length: 3\r\n\r\nabc",
    # RFC 9112 section 5
    "folded field": OK + b"A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc",
    "folded length": OK + b"Content-Length:\r\n 3\r\n\r\nabc",
    "folded first field": OK + b" A: b\r\nContent-Length: 3\r\n\r\nabc",
    "space before colon": OK + b"Content-Length : 3\r\n\r\nabc",
    "no colon": OK + b"Content-Length 3\r\n\r\nabc",
    "no name": OK + b": b\r\nContent-Length: 3\r\n\r\nabc",
    "control in a value": OK + b"A: b\x01\r\nContent-Length: 3\r\n\r\nabc",
    "head of 100 KiB": OK + (b"A: " + b"b" * 1020 + b"\r\n") * 100 + b"Content-Length: 3\r\n\r\nabc",
    "field of 100 KiB": OK + b"A: " + b"b" * 102_400 + b"\r\nContent-Length: 3\r\n\r\nabc",
    "status line of 100 KiB": b"HTTP/1.1 200 " + b"b" * 102_400 + b"\r\nContent-Length: 3\r\n\r\nabc",
    "1000 fields": OK + b"A: b\r\n" * 1000 + b"Content-Length: 3\r\n\r\nabc",
    # RFC 9112 section 4
    "not HTTP": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "HTTP/2 in text": b"HTTP/2 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "lower case": b"http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "status 99": b"HTTP/1.1 099 OK\r\nContent-Length: 3\r\n\r\nabc",
    "status 1000": b"HTTP/1.1 1000 OK\r\nContent-Length: 3\r\n\r\nabc",
    "status 600": b"HTTP/1.1 600 OK\r\nContent-Length: 3\r\n\r\nabc",
    "status is no number": b"HTTP/1.1 abc OK\r\nContent-Length: 3\r\n\r\nabc",
    "two spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46" + b"\r\n\r\n",
    # RFC 9110 section 15.2
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nabc",
    "20 interim responses": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20 + response(),
    "interim responses without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
def test_malformed(answer):
    """RFC 9112 sections 2.2, 4, 5, 6.3 and 7.1: what could be read in two ways is no answer."""
    with Scripted(keeping(answer)) as server:
        began = time.monotonic()
        refused(fetch(server.url))
        assert time.monotonic() - began < SOON
    assert len(server.requests) == 1, "some of an answer came: it is not repeated"


GOOD = {
    "no reason": (b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "obs-text in the reason": (b"HTTP/1.1 200 \xe4\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "names in any case": (OK + b"cOnTeNt-LeNgTh: 3\r\n\r\nabc", b"abc"),
    "coding in any case": (OK + b"Transfer-Encoding: ChunKed\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "white space around a value": (OK + b"Content-Length:\t 3 \t\r\n\r\nabc", b"abc"),
    "chunk extensions": (CHUNKED + b"3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n", b"abc"),
    "trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nA: b\r\nContent-Length: 9\r\n\r\n", b"abc"),
    "leading zeros": (CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "upper-case digits": (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "16 interim responses": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 16 + response(b"abc"), b"abc"),
    "head of 60 KiB": (OK + (b"A: " + b"b" * 1019 + b"\r\n") * 60 + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    "field of 60 KiB": (OK + b"A: " + b"b" * 61_440 + b"\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "100 fields": (OK + b"A: b\r\n" * 99 + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    "chunks of one byte": (CHUNKED + b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", b"a" * 20_000),
}


@pytest.mark.parametrize("answer, body", GOOD.values(), ids=GOOD)
def test_unusual_but_good(answer, body):
    """What RFC 9112 permits is understood, and the connection serves the next request."""
    def script(peer):
        while True:
            peer.request()
            peer.send(answer)
    with Scripted(script) as server:
        result = fetch(server.url, repeat=2)
    assert result.statuses == [200, 200], result
    assert result.connections == server.connections == 1
    assert [answer["sha256"] for answer in result.answers] == [sha256(body)] * 2


@pytest.mark.parametrize("answer", [response(b"hello", b"A: b"),
                                    CHUNKED + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n",
                                    b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + response(b"hello")],
                         ids=["length", "chunked", "interim"])
def test_byte_by_byte(answer):
    """How an answer is cut into packets means nothing."""
    def script(peer):
        while True:
            peer.request()
            peer.send(*(bytes([byte]) for byte in answer))
    with Scripted(script) as server:
        result = fetch(server.url, repeat=2)
    assert result.statuses == [200, 200] and result.connections == 1, result
    assert {answer["bytes"] for answer in result.answers} == {5}


def filler(size):
    """A body that makes a whole response of so many bytes."""
    head = len(response(b"a" * size)) - size
    body = b"a" * (size - head)
    assert len(response(body)) == size
    return body


class TestLeftOvers:
    """RFC 9112 section 9.2: what nobody asked for must not become the answer to the next request."""

    EVIL = response(b"evil")

    def expect(self, server, result, good=("ok", "ok", "ok")):
        assert result.bodies == list(good), result
        first = [request for number, request in server.requests if number == 0]
        assert len(first) == 1, "the connection with something left over was used again"

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("extra", [EVIL, b"x", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
                             ids=["response", "byte", "line", "interim"])
    @pytest.mark.parametrize("first", [response(), CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
                                       b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"],
                             ids=["length", "chunked", "204", "304"])
    def test_behind_the_answer(self, first, extra, method):
        """In one packet with it."""
        def script(peer):
            peer.request()
            peer.send(first + extra)
            peer.hold()
        with Scripted(in_turn(script, answers)) as server:
            result = fetch(server.url, repeat=3, method=method)
        self.expect(server, result, ("ok" if b"ok" in first else "", "ok", "ok"))

    def test_head_with_a_body(self):
        """A body behind the answer to HEAD, which has none (RFC 9110 section 9.3.2)."""
        def script(peer):
            peer.request()
            peer.send(response(self.EVIL))
            peer.hold()
        with Scripted(in_turn(script, sending(response(b"")))) as server:
            result = fetch(server.url, repeat=2, method="HEAD")
        assert [answer["bytes"] for answer in result.answers] == [0, 0], result
        assert server.connections == 2

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_on_an_idle_connection(self, method):
        """Later, but before the next request: the client has been told of it for long."""
        def script(peer):
            peer.request()
            peer.answer()
            peer.send(self.EVIL)
            peer.hold()
        with Scripted(in_turn(script, answers)) as server:
            result = fetch(server.url, repeat=3, method=method, pause_ms=200)
        self.expect(server, result)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_behind_an_answer_that_fills_the_buffer(self, method):
        """The client's read of the answer takes all it has room for; what else there is lies in the kernel, which
        has told of it already and does not do so again.
        """
        body = filler(BUFFER)
        at_second = threading.Event()
        stopped = threading.Event()

        def script(peer):
            peer.request()
            peer.answer(bytes(16 << 20))  # makes the kernel's receive buffer large
            peer.request()
            at_second.set()
            stopped.wait(PATIENCE)
            peer.send(response(body) + self.EVIL)
            peer.settle()
            process.send_signal(signal.SIGCONT)
            peer.hold()
        with Scripted(in_turn(script, answers)) as server:
            process = start(server.url, repeat=4, method=method, pause_ms=100, idle_ms=3000)
            assert at_second.wait(PATIENCE)
            process.send_signal(signal.SIGSTOP)
            stopped.set()
            result = finished(process)
        assert [answer["bytes"] for answer in result.answers] == [16 << 20, len(body), 2, 2], result
        assert result.bodies[2:] == ["ok", "ok"], result
        assert server.connections == 2

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("pause", [0, 100])
    def test_in_a_tls_record_of_its_own(self, method, pause, authority, pair):
        """The record behind the answer's lies decrypted, or about to be, where no event tells of it."""
        def script(peer):
            peer.request()
            with Corked(peer):
                peer.send(response(), self.EVIL)
            peer.hold()
        with Scripted(in_turn(script, answers), tls=server_tls(pair)) as server:
            result = fetch(server.url, repeat=3, method=method, pause_ms=pause, idle_ms=2000, ca=authority.certificate)
        self.expect(server, result)


class Corked:
    """Has the kernel send what is written in one go, so that it arrives together."""

    CORK = 3  # TCP_CORK

    def __init__(self, peer):
        self.socket = peer.socket

    def __enter__(self):
        self.socket.setsockopt(6, self.CORK, 1)

    def __exit__(self, *_):
        self.socket.setsockopt(6, self.CORK, 0)


def accepted(peer):
    pass


def asked(peer):
    peer.request()


def in_status_line(peer):
    peer.request()
    peer.send(b"HTTP/1.1 2")


def in_head(peer):
    peer.request()
    peer.send(OK + b"Content-Le")


def after_interim(peer):
    peer.request()
    peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def before_body(peer):
    peer.request()
    peer.send(OK + b"Content-Length: 10\r\n\r\n")


def in_body(peer):
    peer.request()
    peer.send(OK + b"Content-Length: 10\r\n\r\n12345")


def before_chunk(peer):
    peer.request()
    peer.send(CHUNKED)


def in_chunk(peer):
    peer.request()
    peer.send(CHUNKED + b"5\r\nabc")


def before_last_chunk(peer):
    peer.request()
    peer.send(CHUNKED + b"3\r\nabc\r\n")


def until_close(peer):
    peer.request()
    peer.send(OK + b"\r\nabc")


NOTHING_CAME = [accepted, asked]
SOME_CAME = [in_status_line, in_head, before_body, in_body, before_chunk, in_chunk, before_last_chunk, until_close]
STAGES = [*NOTHING_CAME, after_interim, *SOME_CAME]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("stage", STAGES)
def test_reset(stage, method):
    """RST: without any of an answer it is `unavailable`, within one the answer is truncated; the next is served."""
    def script(peer):
        stage(peer)
        peer.reset()
    with Scripted(in_turn(script, answers)) as server:
        result = fetch(server.url, repeat=2, method=method)
    error, good = result.answers
    assert good["status"] == 200, result
    if stage in SOME_CAME:
        assert (error.get("error"), error.get("slug")) == ("provider_error", "truncated_answer"), error
    else:
        # RST may come before the client knows that it is connected.
        early = {"upstream_unreachable"} if stage is accepted else set()
        assert error.get("error") == "unavailable" and error["slug"] in {"upstream_reset", *early}, error
    assert server.connections == 2, "on a new connection nothing is sent twice"


def test_reset_while_the_request_is_sent():
    """The socket tells its reset once, and a send may be the one that is told: the answer is truncated all the same."""
    def script(peer):
        peer.request_head()
        peer.send(OK + b"\r\nabc")  # only the end of the connection says where it ends
        peer.settle()
        peer.reset()
    with Scripted(script, receive_buffer=4096) as server:
        result = fetch(server.url, repeat=20, method="POST", body_size=8 << 20)
    ends = {(answer.get("error"), answer.get("slug")) for answer in result.answers}
    assert ends == {("provider_error", "truncated_answer")}, result


@pytest.mark.parametrize("limits, slug", [({"idle_ms": 300}, "upstream_silent"),
                                          ({"deadline_ms": 500}, "deadline_exceeded")], ids=["idle", "deadline"])
def test_silence(limits, slug):
    """At every stage, each on a connection of its own: neither limit waits for the other."""
    def held(stage):
        def script(peer):
            stage(peer)
            peer.hold()
        return script
    with Scripted(in_turn(*map(held, STAGES))) as server:
        began = time.monotonic()
        result = fetch(server.url, parallel=len(STAGES), **limits)
        assert time.monotonic() - began < SOON
    ends = [(answer.get("error"), answer.get("slug")) for answer in result.answers]
    assert ends == [("deadline", slug)] * len(STAGES), result
    assert server.connections == len(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_after_silence(stage):
    """What was silent serves no further request."""
    def script(peer):
        stage(peer)
        peer.hold()
    with Scripted(in_turn(script, answers)) as server:
        result = fetch(server.url, repeat=2, idle_ms=250)
    error, good = result.answers
    assert (error.get("error"), error.get("slug")) == ("deadline", "upstream_silent"), error
    assert good.get("body") == "ok" and server.connections == 2, result


def test_silence_of_a_server_that_takes_nothing():
    """A request that is not taken is silence too."""
    with Scripted(lambda peer: peer.idle(), receive_buffer=4096) as server:
        result = fetch(server.url, method="POST", body_size=8 << 20, idle_ms=300)
    assert (result.one.get("error"), result.one.get("slug")) == ("deadline", "upstream_silent"), result


def test_a_slow_answer_is_not_silence():
    """`idle_ms` bounds each silence, not the whole."""
    def script(peer):
        peer.request()
        peer.send(OK + b"Content-Length: 20\r\n\r\n")
        for _ in range(20):
            time.sleep(0.05)
            peer.send(b"x")
        peer.hold()
    with Scripted(script) as server:
        result = fetch(server.url, idle_ms=900)
    assert result.one.get("bytes") == 20, result


def test_a_slow_reader_is_not_silence():
    """While nobody reads here, it is not the peer's turn."""
    body = bytes(3 << 20)
    with Scripted(sending(response(body))) as server:
        result = fetch(server.url, idle_ms=400, read_pause_ms=150)
    assert result.one.get("bytes") == len(body), result


class TestRepeats:
    """RFC 9110 section 9.2.2: what is idempotent is sent once more when the server closes the connection that had
    been used before without a byte of an answer; anything else might be done twice.
    """

    @staticmethod
    def one_then(end):
        def script(peer):
            first = peer.request()
            peer.answer(b"" if first.method == "HEAD" else b"ok")
            peer.request()
            end(peer)
        return script

    @pytest.mark.parametrize("end", [lambda peer: None, lambda peer: peer.reset()], ids=["FIN", "RST"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    def test_idempotent(self, method, end):
        with Scripted(in_turn(self.one_then(end), sending(response(b"")))) as server:
            result = fetch(server.url, repeat=2, method=method)
        assert result.statuses == [200, 200] and not result.errors, result
        assert [number for number, _ in server.requests] == [0, 0, 1]
        assert result.connections == 2

    @pytest.mark.parametrize("end, slug", [(lambda peer: None, "upstream_closed"),
                                           (lambda peer: peer.reset(), "upstream_reset")], ids=["FIN", "RST"])
    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_others(self, method, end, slug):
        with Scripted(in_turn(self.one_then(end), answers)) as server:
            result = fetch(server.url, repeat=2, method=method, body="x")
        assert result.answers[0]["status"] == 200
        error = result.answers[1]
        assert (error.get("error"), error.get("slug"), error["retryable"]) == ("unavailable", slug, False), result
        assert [number for number, _ in server.requests] == [0, 0]

    def test_once_only(self):
        """The second time is the last."""
        with Scripted(in_turn(self.one_then(lambda peer: None), asked)) as server:
            result = fetch(server.url, repeat=2)
        error = result.answers[1]
        assert (error.get("error"), error.get("slug")) == ("unavailable", "upstream_closed"), result
        assert [number for number, _ in server.requests] == [0, 0, 1]

    def test_not_on_a_new_connection(self):
        with Scripted(in_turn(asked, answers)) as server:
            result = fetch(server.url)
        assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_closed"), result
        assert len(server.requests) == 1

    @pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 103 Early Hints\r\n\r\n"], ids=["byte", "interim"])
    def test_not_after_a_byte(self, part):
        """Then the server has begun to answer."""
        with Scripted(in_turn(self.one_then(lambda peer: peer.send(part)), answers)) as server:
            result = fetch(server.url, repeat=2)
        assert "error" in result.answers[1], result
        assert [number for number, _ in server.requests] == [0, 0]

    def test_a_large_put(self):
        """All of the body goes out again."""
        body = 3 << 20
        with Scripted(in_turn(self.one_then(lambda peer: None), answers)) as server:
            result = fetch(server.url, repeat=2, method="PUT", body_size=body)
        assert result.statuses == [200, 200] and not result.errors, result
        assert [len(request.body) for _, request in server.requests] == [body] * 3

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("end", [lambda peer: None, lambda peer: peer.reset()], ids=["FIN", "RST"])
    def test_idle_connections_that_have_ended(self, method, end):
        """RFC 9112 section 9.5: servers close when they like; who looks before sending loses no POST either."""
        def script(peer):
            peer.request()
            peer.answer()
            end(peer)
        with Scripted(script) as server:
            result = fetch(server.url, repeat=3, method=method, pause_ms=200)
        assert result.bodies == ["ok"] * 3, result
        assert result.connections == 3 and len(server.requests) == 3

    def test_in_parallel(self):
        """Every connection answers once and closes at its second request. A new connection does answer: no GET is
        lost, if the repeated ones get new connections and not those that others have just done with.
        """
        with Scripted(self.one_then(lambda peer: None)) as server:
            result = fetch(server.url, parallel=8, repeat=20)
        assert not result.errors, result.errors[:3]
        assert len(result.answers) == 160

    def test_the_time_to_connect_again(self, authority, pair):
        """`connect_ms` bounds how long it takes to get a connection: counted from when one is asked for again, not
        from when the request was first sent.
        """
        def first(peer):
            peer.socket = tls.wrap_socket(peer.socket, server_side=True)
            peer.request()
            peer.answer()
            peer.request()
            time.sleep(1.2)

        def second(peer):
            time.sleep(0.9)
            peer.socket = tls.wrap_socket(peer.socket, server_side=True)
            answers(peer)
        tls = server_tls(pair)
        with Scripted(in_turn(first, second)) as server:
            result = fetch(f"https://{server.authority}/", repeat=2, connect_ms=1700, idle_ms=1800,
                           ca=authority.certificate)
        assert result.bodies == ["ok", "ok"], result


class TestEarlyAnswers:
    """RFC 9110 section 9.3 and RFC 9112 section 9.3: an answer may come before the request is all there."""

    SIZE = 8 << 20
    TOO_LARGE = response(b"too large", b"Connection: close", status="413 Content Too Large")

    @pytest.mark.parametrize("end", ["keeps", "closes", "half-closes", "drains"])
    def test_413(self, end):
        """The answer arrives although the request cannot be finished; that connection is not used again."""
        def script(peer):
            peer.request_head()
            peer.send(self.TOO_LARGE)
            if end == "half-closes":
                peer.end_sending()
            if end == "drains":
                peer.hold()
            elif end != "closes":
                peer.idle_until_gone()
        with Scripted(script) as server:
            result = fetch(server.url, method="POST", body_size=self.SIZE, repeat=2)
        assert result.statuses == [413, 413] and not result.errors, result
        assert result.bodies == ["too large"] * 2
        assert result.connections == 2

    def test_413_on_a_connection_that_stays(self):
        """Without `Connection: close`: half a request is on the connection, so it cannot be used again."""
        def script(peer):
            peer.request_head()
            peer.send(response(b"too large", status="413 Content Too Large"))
            peer.idle_until_gone()
        with Scripted(in_turn(script, answers)) as server:
            result = fetch(server.url, method="POST", body_size=self.SIZE, repeat=2)
        assert result.statuses == [413, 200] and result.connections == 2, result

    def test_before_anything_was_sent(self):
        """A server that answers who connects, before there is a request: 408, as idle ones are sent away with."""
        def script(peer):
            peer.send(response(b"late", b"Connection: close", status="408 Request Timeout"))
            peer.hold()
        with Scripted(script) as server:
            result = fetch(server.url, method="POST", body="x")
        assert result.one["status"] in (0, 408), result


def test_close_as_asked():
    """RFC 9112 section 9.6: `Connection: close` is the last answer of a connection."""
    def script(peer):
        peer.request()
        peer.answer(b"ok", b"Connection: close")
        peer.hold()
    with Scripted(script) as server:
        result = fetch(server.url, repeat=3)
    assert result.bodies == ["ok"] * 3 and result.connections == server.connections == 3, result


@pytest.mark.parametrize("fields, connections", [((), 3), ((b"Connection: keep-alive",), 1)], ids=["close", "keep"])
def test_http10(fields, connections):
    """RFC 9112 section 9.3: an HTTP/1.0 server keeps a connection only if it says so."""
    def script(peer):
        while True:
            peer.request()
            peer.send(response(b"ok", *fields).replace(b"HTTP/1.1", b"HTTP/1.0"))
    with Scripted(script) as server:
        result = fetch(server.url, repeat=3)
    assert result.bodies == ["ok"] * 3 and result.connections == connections, result


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_no_content(status):
    """RFC 9112 section 6.3: no body follows, whatever the fields say."""
    def script(peer):
        while True:
            peer.request()
            peer.send(response(b"", b"A: b", status=status).replace(b"Length: 0", b"Length: 5"))
    with Scripted(script) as server:
        result = fetch(server.url, repeat=3)
    assert [answer["bytes"] for answer in result.answers] == [0] * 3 and result.connections == 1, result


@pytest.mark.parametrize("behind", ["TLS", "a tunnel"])
def test_connections_that_nobody_waits_for_any_more(behind, authority, pair):
    """More than are kept idle become ready when their requests are long over: what is too much is closed."""
    may_go_on = threading.Event()
    tls = server_tls(pair)

    def script(peer):
        if behind == "TLS":
            assert may_go_on.wait(PATIENCE)
            peer.socket = tls.wrap_socket(peer.socket, server_side=True)
        else:
            peer.request()
            assert may_go_on.wait(PATIENCE)
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        answers(peer)
    with Scripted(script) as server:
        url, options = f"http://{server.authority}/", {"proxy": server.authority}
        if behind == "TLS":
            url, options = f"https://{server.authority}/", {"ca": authority.certificate}
        process = start(url, parallel=80, repeat=2, pause_ms=1500, deadline_ms=1000, **options)
        first = [json.loads(process.stdout.readline()) for _ in range(80)]
        may_go_on.set()
        rest = [json.loads(line) for line in process.stdout]
        ended = process.wait(PATIENCE)
        process.communicate()
    assert ended == 0, f"fetch ended with {ended}"
    assert {answer.get("slug") for answer in first} == {"deadline_exceeded"}
    assert [answer.get("body") for answer in rest[:-1]] == ["ok"] * 80


def test_the_request_as_written():
    """RFC 9112 sections 3 and 6: what stands on the wire."""
    with Scripted(answers) as server:
        assert fetch(server.url + "a?b=c", "X-A: b", method="POST", body="hello").one["status"] == 200
        assert fetch(server.url).one["status"] == 200
        assert fetch(server.url, method="POST").one["status"] == 200
    (_, first), (_, second), (_, third) = server.requests
    assert first.head.decode() == (f"POST /a?b=c HTTP/1.1\r\nHost: {server.authority}\r\nX-A: b\r\n"
                                   "Content-Length: 5")
    assert first.body == b"hello"
    assert second.head.decode() == f"GET / HTTP/1.1\r\nHost: {server.authority}"
    assert third.head.decode() == f"POST / HTTP/1.1\r\nHost: {server.authority}\r\nContent-Length: 0"


def test_a_body_over_the_bound():
    """`max_body` ends the exchange; an endless answer costs no memory."""
    def script(peer):
        peer.request()
        peer.send(OK + b"\r\n")
        while True:
            peer.send(bytes(65536))
    with Scripted(script) as server:
        result = fetch(server.url, max_body=1_000_000)
    assert (result.one.get("error"), result.one.get("slug")) == ("exhausted", "body_too_large"), result


def test_fields_arrive_as_sent():
    """Order, repetition and bytes beyond ASCII are the server's."""
    with Scripted(sending(response(b"ok", b"Set-Cookie: a=b", b"X-Empty:", b"Set-Cookie: c=d"))) as server:
        fields = fetch(server.url).one["fields"]
    assert fields == [["Set-Cookie", "a=b"], ["X-Empty", ""], ["Set-Cookie", "c=d"], ["Content-Length", "2"]]


def test_a_large_answer_while_nobody_reads(tmp_path):
    """An endless answer to a slow reader: the server is held up, and the client's memory stays bounded."""
    sent = []

    def script(peer):
        peer.request()
        peer.send(OK + b"\r\n")
        while True:
            peer.send(bytes(65536))
            sent.append(65536)
    with Scripted(script) as server:
        process = start(server.url, read_pause_ms=250, deadline_ms=2000)
        most = 0
        while process.poll() is None:
            most = max(most, resident(process.pid))
            time.sleep(0.02)
        result = finished(process)
    assert result.one["slug"] == "deadline_exceeded", result
    assert most < MEMORY_KIB
    # What was read, and what the kernel's buffers take.
    assert sum(sent) < 48 << 20


def resident(pid):
    """Largest size so far in KiB, 0 when the process has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
    except OSError:
        return 0
