"""An HTTP/2 client that sends exactly the frames it is told to. RFC 9113."""

import json
import struct
import time

import hpack
from hpack.hpack import encode_integer

from server import PATIENCE, SANITIZED
from wire import Headers, Wire

# Longest wait for what the server does by itself at once, in seconds.
DEADLINE = PATIENCE if SANITIZED else 10

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEADER_LIST = range(1, 7)
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)

MOST_WINDOW = 2**31 - 1

# Section 8.2.2: what has no place in HTTP/2.
CONNECTION_FIELDS = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """Section 4.1; a `length` that is given need not be the true one."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window(increment, stream=0):
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", code))


def data(stream, payload=b"", end=True):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def string(text):
    return bytes(encode_integer(len(text), 7)) + text


def block(fields):
    """Fields as literals that leave HPACK's table alone (RFC 7541 section 6.2.2), whatever is in them."""
    return b"".join(b"\0" + string(name) + string(value) for name, value in fields)


def headers(stream, fields, end=True):
    """`fields`, or a block that is encoded already, in one frame."""
    payload = fields if isinstance(fields, bytes) else block(fields)
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, payload)


def request(path="/manage/healthz", *fields, method="GET"):
    if isinstance(path, str):
        path = path.encode()
    return [(b":method", method.encode()), (b":scheme", b"http"), (b":authority", b"a"), (b":path", path), *fields]


class Stream:
    """What came on a stream."""

    def __init__(self):
        self.interim = []
        self.status = None
        self.headers = None
        self.body = b""
        self.data_frames = 0
        self.ended = False
        self.reset = None

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("code") if self.headers.get("content-type") == "application/problem+json" else None

    def __repr__(self):
        return f"<{self.status} ended={self.ended} reset={self.reset} {self.body[:600]!r}>"


class H2(Wire):
    """One connection. Acknowledges SETTINGS and PING, and opens windows unless told not to."""

    def __init__(self, server, *own_settings, start=None, opens_windows=True, acknowledges=True):
        super().__init__(server)
        self.socket.settimeout(DEADLINE)
        self.opens_windows, self.acknowledges = opens_windows, acknowledges
        self.decoder = hpack.Decoder()
        self.streams = {}
        self.settings = {}
        self.room = {0: 65535}  # what may be sent, section 6.9.1
        self.goaways = []  # (last stream id, error code)
        self.pongs = 0
        self.open = True
        self.last_id = -1  # of `next_id`
        self.send(PREFACE + settings(*own_settings) if start is None else start)

    def next_id(self):
        self.last_id += 2
        return self.last_id

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def take(self):
        """Handles a frame of the server; its type, or None at the connection's end."""
        try:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                if not self.more():
                    assert self.buffer == b"", f"the connection ended within a frame: {self.buffer!r}"
                    self.open = False
                    return None
        except (ConnectionResetError, BrokenPipeError):
            self.open = False
            return None
        length = int.from_bytes(self.buffer[:3], "big")
        kind, flags, number = struct.unpack(">BBI", self.buffer[3:9])
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        assert length <= 16384, "section 4.2: larger than what was announced"
        self.handle(kind, flags, number, payload)
        return kind

    def handle(self, kind, flags, number, payload):
        if kind == HEADERS:
            assert flags & END_HEADERS, "no block of this server needs CONTINUATION"
            self.take_head(self.stream(number), payload)
        elif kind == DATA:
            stream = self.stream(number)
            assert stream.headers is not None, "DATA before HEADERS"
            stream.body += payload
            stream.data_frames += 1
            if self.opens_windows and payload:
                self.answer_with(window(len(payload)) + window(len(payload), number))
        elif kind == RST_STREAM:
            self.stream(number).reset, = struct.unpack(">I", payload)
        elif kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
            if self.acknowledges:
                self.answer_with(frame(SETTINGS, ACK))
        elif kind == PING:
            self.pongs += bool(flags & ACK)
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == WINDOW_UPDATE:
            self.room[number] = self.room_of(number) + int.from_bytes(payload, "big")
        else:
            assert kind == SETTINGS, f"unexpected frame of type {kind}"
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.stream(number).ended = True

    def answer_with(self, frames):
        try:
            self.send(frames)
        except (ConnectionResetError, BrokenPipeError):
            pass  # what has arrived before can still be read

    def take_head(self, stream, payload):
        fields = self.decoder.decode(payload)
        assert fields[0][0] == ":status" and not any(name.startswith(":") for name, _ in fields[1:]), fields
        head = Headers()
        for name, value in fields:
            assert name == name.lower() and name not in CONNECTION_FIELDS, fields
            assert name not in head, f"{name} twice: {fields}"
            head[name] = value
        if head[":status"][0] == "1":
            stream.interim.append(int(head[":status"]))
        else:
            stream.status, stream.headers = int(head[":status"]), head

    def wait(self, condition, what):
        """Takes frames until `condition()`."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {DEADLINE} s; {self}"
            assert self.take() is not None, f"{what}: the connection ended; {self}"

    def answer(self, number):
        """The stream's answer, once all of it is there or it is reset."""
        stream = self.stream(number)
        self.wait(lambda: stream.over, f"stream {number} is answered")
        return stream

    def ask(self, fields, *bodies):
        """A request on a new stream, each of `bodies` in a DATA frame; gives its id."""
        number = self.next_id()
        parts = [data(number, body, at == len(bodies)) for at, body in enumerate(bodies, 1)]
        self.send(b"".join([headers(number, fields, not bodies), *parts]))
        return number

    def get(self, path="/manage/healthz", *fields):
        return self.answer(self.ask(request(path, *fields)))

    def room_of(self, number):
        return self.room.get(number, self.settings.get(INITIAL_WINDOW, 65535))

    def upload(self, number, body, end=True):
        """Sends `body` as the server's windows let it, or until the stream is reset."""
        stream = self.stream(number)
        while body and stream.reset is None:
            room = min(self.room[0], self.room_of(number), 16384)
            if room == 0:
                assert self.take() is not None, "the connection ended"
                continue
            part, body = body[:room], body[room:]
            self.room[0] -= len(part)
            self.room[number] = self.room_of(number) - len(part)
            self.send(data(number, part, end and not body))

    def ping(self):
        """Waits until the server has seen all that was sent."""
        wanted = self.pongs + 1
        self.send(frame(PING, payload=b"sequence"))
        self.wait(lambda: self.pongs == wanted, "PING is answered")

    def end(self):
        """Takes frames until the server closes; the error code of its last GOAWAY, None without one."""
        end = time.monotonic() + DEADLINE
        while self.take() is not None:
            assert time.monotonic() < end, f"not closed; {self}"
        return self.goaways[-1][1] if self.goaways else None

    def __repr__(self):
        return f"goaways={self.goaways} streams={self.streams}"
