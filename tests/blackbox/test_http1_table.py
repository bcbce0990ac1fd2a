"""Every case of http1_cases.py, however its bytes arrive, and what becomes of the request behind it."""

import collections
import json
import re
import selectors
import socket

import pytest

from http1_cases import BODY_BYTES, CASES, EITHER, FIELDS, HEADER_BYTES, OPEN, TARGET_BYTES, TOKEN
from server import PATIENCE, SANITIZED, Server

# Connections at a time.
TOGETHER = 400
# A server that says nothing for so long, in seconds, says no more. Below its own limits: it is not to help out.
SILENCE = 60 if SANITIZED else 15

WAIT = None  # a piece: nothing more is sent until the server has said something
PATIENT = "after an answer to the head"

# RFC 9110 section 5.6.7
DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@pytest.fixture(scope="module")
def server():
    limits = {
        "header_bytes": HEADER_BYTES, "header_fields": FIELDS, "target_bytes": TARGET_BYTES, "body_bytes": BODY_BYTES,
        "header_timeout_s": 300, "body_timeout_s": 300,
    }
    # One event loop, see Pulse.
    one = Server(server={"limits": limits, "loops": 1})
    try:
        yield one.start()
    finally:
        one.discard()


# How the same bytes may arrive.
DELIVERIES = {
    "at once": lambda data: [data],
    "byte by byte": lambda data: [data[i:i + 1] for i in range(len(data))],
    "line by line": lambda data: [line for line in re.split(rb"(?<=\r\n)", data) if line],
    # As those do who expect a 100.
    PATIENT: lambda data: [data[:data.index(b"\r\n\r\n") + 4], WAIT, data[data.index(b"\r\n\r\n") + 4:]],
}


def may_wait(data):
    return b"expect:" in data.lower() and b" HTTP/1.1\r\n" in data


def canary(name):
    return b"GET /manage/healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + name + b"\r\nConnection: close\r\n\r\n"


class Talk:
    """One connection: pieces to send, what came back and how it ended."""

    def __init__(self, pieces, cut):
        self.pieces, self.cut = collections.deque(pieces), cut
        self.received, self.ended = b"", "hangs"

    def open(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.all_sent()

    def wants(self):
        if not self.pieces or (self.pieces[0] is WAIT and not self.received):
            return selectors.EVENT_READ
        return selectors.EVENT_READ | selectors.EVENT_WRITE

    def send(self):
        if self.pieces[0] is WAIT:
            self.pieces.popleft()
            return
        try:
            piece = self.pieces.popleft()
            sent = self.socket.send(piece)
        except OSError:
            self.pieces.clear()  # closed: what it said is still there
            return
        if sent < len(piece):
            self.pieces.appendleft(piece[sent:])
        self.all_sent()

    def all_sent(self):
        if self.cut and not self.pieces:
            self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """Whether there may be more."""
        try:
            part = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError as error:
            self.ended = repr(error)
            return False
        self.received += part
        if not part:
            self.ended = "closed"
        return bool(part)


class Pulse:
    """Requests of its own. A loop reads in the order of arrival: once one is answered, what came before it is read."""

    REQUEST = b"GET /manage/healthz HTTP/1.1\r\nHost: a\r\n\r\n"

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def beat(self):
        self.socket.sendall(self.REQUEST)
        answer = b""
        while not answer.endswith(b"}"):
            answer += self.socket.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer


def converse(port, talks):
    """Drives the connections, all at a time, to their ends. Each sends one piece a round."""
    pulse = Pulse(port)
    with pulse.socket, selectors.DefaultSelector() as selector:
        for talk in talks:
            talk.open(port)
            selector.register(talk.socket, talk.wants(), talk)
        while selector.get_map():
            events = selector.select(SILENCE)
            if not events:
                break
            sent = False
            for key, mask in events:
                talk = key.data
                if mask & selectors.EVENT_READ and not talk.receive():
                    selector.unregister(talk.socket)
                    continue
                if mask & selectors.EVENT_WRITE:
                    talk.send()
                    sent = True
                if talk.wants() != key.events:
                    selector.modify(talk.socket, talk.wants(), talk)
            if sent:
                pulse.beat()
    for talk in talks:
        talk.socket.close()


@pytest.fixture(scope="module")
def talks(server):
    """By case and delivery."""
    token = server.token().encode()
    made = {}
    for number, (name, case) in enumerate(CASES.items()):
        for kind, split in DELIVERIES.items():
            if kind == PATIENT and not may_wait(case.data):
                continue
            data = case.data.replace(TOKEN, token)
            if not case.cut:
                data += canary(b"canary-%d" % number)
            made[name, kind] = Talk(split(data), case.cut)
    everything = sorted(made.values(), key=lambda talk: len(talk.pieces))  # rounds are as many as the longest needs
    for start in range(0, len(everything), TOGETHER):
        converse(server.port, everything[start:start + TOGETHER])
    return made


class Got:
    """One answer."""

    def __init__(self, data, head_only):
        head, mark, rest = data.partition(b"\r\n\r\n")
        assert mark, f"no answer: {data[:200]!r}"
        first, *lines = head.decode("ascii").split("\r\n")
        assert re.fullmatch(r"HTTP/1\.1 [1-5]\d\d [ -~]*", first), first
        self.status = int(first[9:12])
        self.fields = {}
        for line in lines:
            name, colon, value = line.partition(": ")
            assert colon and name.lower() not in self.fields, lines
            self.fields[name.lower()] = value
        self.closes = self.fields.get("connection") == "close"
        size = 0
        if self.status < 200 or self.status == 204:
            # RFC 9110 section 8.6, RFC 9112 section 6.1
            assert not {"content-length", "transfer-encoding"} & set(self.fields), first
        elif not head_only:
            size = int(self.fields["content-length"])
        assert len(rest) >= size, f"{first}: {size - len(rest)} bytes are missing"
        self.body, self.rest = rest[:size], rest[size:]
        self.code = None
        if self.fields.get("content-type") == "application/problem+json" and not head_only:
            problem = json.loads(self.body)
            self.code = problem["code"]
            assert problem["status"] == self.status and problem["request_id"] == self.fields["x-request-id"], problem
        if self.status >= 200:
            # RFC 9110 sections 6.6.1, 15.5.6, 15.5.2
            assert DATE.fullmatch(self.fields["date"]) and "x-request-id" in self.fields, first
            assert self.status != 405 or "allow" in self.fields, first
            assert self.status != 401 or "www-authenticate" in self.fields, first

    def __str__(self):
        return f"{self.status} {self.code or ''}".strip() + (" (close)" if self.closes else "")


def answers_of(case, data, must_continue):
    """The answers that are the case's, and what follows them. `must_continue`: the first 100 is not optional."""
    seen = []
    for number, due in enumerate(case.answers):
        head_only = due.startswith("HEAD ")
        statuses, _, code = due.removeprefix("HEAD ").strip("()").partition(" ")
        is_there = data.startswith(b"HTTP/1.1 100 ") if due == "(100)" else data != b""
        if due.startswith("(") and not is_there and not (must_continue and number == 0):
            continue
        got = Got(data, head_only)
        data = got.rest
        seen.append(got)
        is_due = str(got.status) in statuses.split("|") and (head_only or code == "*" or code == (got.code or ""))
        assert is_due, f"{due} is due, not {' then '.join(map(str, seen))}: {got.body[:300]!r}"
    return [got for got in seen if got.status >= 200], data


def judge(case, talk, must_continue, canary_name):
    """Fails unless what came back is right; gives what all deliveries have in common."""
    assert talk.ended == "closed", f"{talk.ended}, after {talk.received[:300]!r}"
    assert b"smuggled" not in talk.received, "a body was taken for a request"
    seen, rest = answers_of(case, talk.received, must_continue)
    assert not any(got.closes for got in seen[:-1]), "Connection: close, and yet another answer"
    for field in case.alike:
        assert len({got.fields.get(field) for got in seen}) == 1, f"{field}: {[got.fields.get(field) for got in seen]}"
    for field, value in case.fields:
        assert seen[-1].fields.get(field) == value, seen[-1].fields
    stays = case.end == OPEN or (case.end == EITHER and not seen[-1].closes)
    if not case.cut:
        assert seen[-1].closes is not stays, f"Connection: {seen[-1].fields.get('connection')}"
    if stays:
        got = Got(rest, False)
        is_canary = got.status == 200 and got.fields["x-request-id"] == canary_name
        assert is_canary, f"the next request's answer is due, not {got}: {got.body!r}"
        assert got.body == b'{"status":"ok"}' and got.closes
        rest = got.rest
    assert canary_name.encode() not in rest, f"what follows a refusal was served: {rest!r}"
    assert rest == b"", f"more than is due: {rest[:400]!r}"
    return [got.status for got in seen], stays


@pytest.mark.parametrize("name", CASES)
def test_case(talks, name):
    case = CASES[name]
    canary_name = f"canary-{list(CASES).index(name)}"
    verdicts, complaints = {}, []
    for kind in DELIVERIES:
        if (name, kind) not in talks:
            continue
        try:
            verdicts[kind] = judge(case, talks[name, kind], kind == PATIENT, canary_name)
        except AssertionError as error:
            complaints.append(f"{kind}: {error}")
    shown = case.data if len(case.data) < 1500 else case.data[:700] + b"..." + case.data[-700:]
    assert not complaints, "\n".join([repr(shown), *complaints])
    assert len(set(map(str, verdicts.values()))) == 1, f"{shown!r}\n{verdicts}"


def test_still_serves(server, talks):
    assert server.get("/manage/healthz", token=False).json == {"status": "ok"}
