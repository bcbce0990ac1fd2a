"""The server's end of an HTTP/2 connection, which sends exactly the frames it is told to. RFC 9113."""

import struct

import hpack

from h2_client import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW, PADDED, PING,
                       PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, data, frame, headers, settings, window)
from scripted import GONE, Scripted, server_tls


def goaway(last, code=0, debug=b""):
    return frame(GOAWAY, payload=struct.pack(">II", last, code) + debug)


def status(code=200, *fields):
    return [(b":status", str(code).encode()), *fields]


def answer(stream, body=b"ok", *fields):
    """Head and body in two frames."""
    return headers(stream, status(200, *fields), end=False) + data(stream, body)


class Asked:
    """A request, as far as it has come."""

    def __init__(self, stream, fields):
        self.stream, self.fields, self.body, self.ended = stream, fields, b"", False

    @property
    def method(self):
        return dict(self.fields)[":method"]


class H2Peer:
    """Around a `scripted.Peer`. Acknowledges SETTINGS and PING; opens windows unless told not to."""

    def __init__(self, peer, *own_settings, first=None, opens_windows=True):
        self.peer, self.opens_windows = peer, opens_windows
        self.decoder = hpack.Decoder()
        self.requests = {}  # by stream
        self.resets = {}  # error code by stream, as the client sent it
        self.goaways = []
        self.settings, self.acknowledged, self.pongs = {}, False, 0
        self.room = {0: 65535}
        assert peer.exactly(len(PREFACE)) == PREFACE, "section 3.4"
        peer.send(settings(*own_settings) if first is None else first)

    def send(self, *frames):
        self.peer.send(b"".join(frames))

    def take(self):
        """Handles a frame of the client; its type and stream."""
        head = self.peer.exactly(9)
        kind, flags, number = struct.unpack(">BBI", head[3:])
        payload = self.peer.exactly(int.from_bytes(head[:3], "big"))
        assert len(payload) <= 16384, "section 4.2"
        if kind == HEADERS:
            assert flags & END_HEADERS and not flags & PADDED
            fields = self.decoder.decode(payload[5:] if flags & 0x20 else payload)
            self.requests[number] = Asked(number, fields)
            self.peer.server.note(self.peer.number, self.requests[number])
        elif kind == DATA:
            self.requests[number].body += payload
            if self.opens_windows and payload:
                self.send(window(len(payload)), window(len(payload), number))
        elif kind == RST_STREAM:
            self.resets[number], = struct.unpack(">I", payload)
        elif kind == SETTINGS:
            self.acknowledged |= bool(flags & ACK)
            if not flags & ACK:
                self.settings.update(struct.iter_unpack(">HI", payload))
                self.send(frame(SETTINGS, ACK))
        elif kind == PING:
            self.pongs += bool(flags & ACK)
            if not flags & ACK:
                self.send(frame(PING, ACK, payload=payload))
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == WINDOW_UPDATE:
            self.room[number] = self.room_of(number) + int.from_bytes(payload, "big")
        else:
            assert kind == PRIORITY, f"unexpected frame of type {kind}"
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.requests[number].ended = True
        return kind, number

    def room_of(self, number):
        return self.room.get(number, self.settings.get(INITIAL_WINDOW, 65535))

    def wait(self, condition):
        while not condition():
            self.take()

    def head(self):
        """The next request, whose body may not be here."""
        while True:
            kind, number = self.take()
            if kind == HEADERS:
                return self.requests[number]

    def request(self):
        """The next request that is here whole."""
        while True:
            kind, number = self.take()
            if kind in (HEADERS, DATA) and self.requests[number].ended:
                return self.requests[number]

    def answer(self, *arguments):
        self.send(answer(self.request().stream, *arguments))

    def serve(self):
        """Answers every request until the client goes."""
        while True:
            self.answer()

    def drain(self):
        """Takes what comes until the client closes."""
        try:
            while True:
                self.take()
        except GONE:
            pass

    def ping(self):
        """Waits until the client has read all that was sent."""
        wanted = self.pongs + 1
        self.send(frame(PING, payload=b"sequence"))
        self.wait(lambda: self.pongs == wanted)

    def upload(self, number, body, size=16384):
        """A body in frames of up to `size`, as the client's windows let it."""
        while body:
            room = min(self.room[0], self.room_of(number), size)
            if room <= 0:
                self.take()
                continue
            part, body = body[:room], body[room:]
            self.room[0] -= len(part)
            self.room[number] = self.room_of(number) - len(part)
            self.send(data(number, part, not body))


class H2Server(Scripted):
    """Runs `script(h2)` for each connection, cleartext by prior knowledge (section 3.3) or over TLS."""

    def __init__(self, script, *own_settings, pair=None, first=None, opens_windows=True, **options):
        super().__init__(lambda peer: script(H2Peer(peer, *own_settings, first=first, opens_windows=opens_windows)),
                         tls=pair and server_tls(pair, ["h2"]), **options)


def in_turn(*scripts):
    """The first connection gets the first script and so on; those beyond get the last."""
    return lambda h2: scripts[min(h2.peer.number, len(scripts) - 1)](h2)


def served(h2):
    h2.serve()


def split_block(stream, block, *sizes):
    """HEADERS and CONTINUATION frames with pieces of a block; the last takes the rest."""
    frames, kind = [], HEADERS
    for size in sizes:
        frames.append(frame(kind, 0, stream, block[:size]))
        block, kind = block[size:], CONTINUATION
    frames.append(frame(kind, END_HEADERS, stream, block))
    return b"".join(frames)
