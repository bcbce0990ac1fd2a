"""A WebSocket client that sends exactly the frames it is told to. RFC 6455."""

import base64
import hashlib
import os
import socket
import struct
import urllib.parse
import zlib

from server import PATIENCE, SANITIZED, Answer
from wire import Headers, Wire

# Longest wait for what the server does by itself at once, in seconds.
DEADLINE = PATIENCE if SANITIZED else 10

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
STDIN, STDOUT, STDERR, STATUS, RESIZE, HALF_CLOSE = 0, 1, 2, 3, 4, 255

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
BEARER = "base64url.bearer.authorization.k8s.io."
DEFLATE = "permessage-deflate"

MESSAGE_MAX = 1 << 20

# What ends every message before it is compressed, and is not sent (RFC 7692 section 7.2.1).
FLUSH_TAIL = b"\x00\x00\xff\xff"


def accept_value(key):
    """Section 4.2.2, item 5.4."""
    return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def masked(payload, key):
    """Section 5.3: the same both ways."""
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, form=None, length=None):
    """Section 5.2. `form` is how many bytes the length takes, 1, 2 or 8, the least unless told;
    a `length` that is given need not be the true one."""
    size = len(payload) if length is None else length
    form = form or (1 if size < 126 else 2 if size < 65536 else 8)
    short = size if form == 1 else 126 if form == 2 else 127
    head = bytes((opcode | rsv | (FIN if fin else 0), short | (0x80 if mask else 0)))
    head += {1: b"", 2: struct.pack(">H", size & 0xffff), 8: struct.pack(">Q", size)}[form]
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked(payload, key)


def close_frame(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


def stdin(data):
    return frame(BINARY, bytes((STDIN,)) + data)


HALF_CLOSED = frame(BINARY, bytes((HALF_CLOSE, STDIN)))


def fragments(opcode, pieces, rsv=0):
    """A message in these pieces."""
    last = len(pieces) - 1
    return b"".join(frame(CONTINUATION if i else opcode, piece, i == last, 0 if i else rsv)
                    for i, piece in enumerate(pieces))


def deflate(message, compressor=None):
    """A message's payload (RFC 7692 section 7.2.1)."""
    compressor = compressor or zlib.compressobj(wbits=-15)
    data = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert data.endswith(FLUSH_TAIL)
    return data[:-len(FLUSH_TAIL)]


def token_protocol(token):
    return BEARER + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def exec_path(name, *command, **rest):
    query = [("command", word) for word in command] + list(rest.items())
    return f"/manage/workloads/{name}/exec?" + urllib.parse.urlencode(query)


def logs_path(name, query=""):
    return f"/manage/workloads/{name}/logs" + query


def handshake(server, path, protocols=(), token=True, method="GET", version="HTTP/1.1", **fields):
    """The request that opens a connection (section 4.1). `fields` change it, `_` for `-`: None
    leaves a field out, a list gives it more than once."""
    wanted = {
        "Host": f"127.0.0.1:{server.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": ", ".join(protocols) or None,
        "Authorization": "Bearer " + (server.token() if token is True else token) if token else None,
    }
    names = {name.lower(): name for name in wanted}
    for name, value in fields.items():
        name = name.replace("_", "-")
        wanted[names.get(name.lower(), name)] = value
    lines = [f"{method} {path} {version}"]
    for name, value in wanted.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                lines.append(f"{name}: {one}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), wanted["Sec-WebSocket-Key"]


class Asking(Wire):
    """A handshake that was sent; `behind` goes in the same write."""

    def __init__(self, server, path, protocols=(), behind=b"", receive_buffer=None, **options):
        self.request, self.key = handshake(server, path, protocols, **options)
        # As Wire's own, but with a buffer that has to be bounded before the connection is made.
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.send(self.request + behind)

    def head(self):
        """As Wire's own, but Connection may be given twice; `raw_head` keeps the bytes."""
        self.raw_head = self.until(b"\r\n\r\n")
        first, *lines = self.raw_head.decode("ascii").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = Headers()
        for line in lines:
            name, _, value = line.partition(": ")
            name = name.lower()
            # Section 11.3: above all no Sec-WebSocket field may come twice.
            assert name not in headers or name == "connection", f"{name} twice: {lines}"
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return int(status), headers


class WebSocket(Asking):
    """A connection that must open."""

    def __init__(self, server, path, protocols=(), extensions=None, **options):
        if extensions:
            options["Sec_WebSocket_Extensions"] = extensions
        super().__init__(server, path, protocols, **options)
        status, self.headers = self.head()
        assert status == 101, Answer(status, self.headers, self.buffer)
        assert self.headers.get("upgrade").lower() == "websocket"
        assert self.headers.get("connection").lower() == "upgrade"
        assert self.headers.get("sec-websocket-accept") == accept_value(self.key)
        # Section 4.1, item 6 of what a client checks: nothing it did not offer.
        self.protocol = self.headers.get("sec-websocket-protocol")
        assert self.protocol is None or self.protocol in protocols
        self.extension = self.headers.get("sec-websocket-extensions")
        self.run_id = self.headers.get("x-run-id")
        self.inflater = None
        if self.extension:
            parameters = dict(part.strip().partition("=")[::2] for part in self.extension.split(";")[1:])
            self.forgets = "server_no_context_takeover" in parameters
            self.bits = int(parameters.get("server_max_window_bits", 15))
            self.inflater = zlib.decompressobj(-self.bits)
        self.raw_sizes = []  # of data frames, as they came

    def frame(self):
        """The next frame: opcode and payload, inflated. The server fragments nothing."""
        first, second = self.exactly(2)
        assert first & FIN and not first & (RSV2 | RSV3), hex(first)
        assert not second & 0x80, "a server masks nothing (section 5.1)"
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self.exactly(2))
            assert size > 125
        elif size == 127:
            size, = struct.unpack(">Q", self.exactly(8))
            assert size > 65535
        payload = self.exactly(size)
        opcode = first & 15
        if opcode in (TEXT, BINARY):
            self.raw_sizes.append(size)
        else:
            assert opcode in (CLOSE, PING, PONG) and size <= 125, (opcode, size)
        if first & RSV1:
            assert self.inflater and opcode in (TEXT, BINARY), "RSV1 that nothing agreed on"
            payload = self.inflater.decompress(payload + FLUSH_TAIL)
            if self.forgets:
                self.inflater = zlib.decompressobj(-self.bits)
        return opcode, payload

    def message(self):
        """The next message; pings are answered."""
        while True:
            opcode, payload = self.frame()
            if opcode == PING:
                self.send(frame(PONG, payload))
            elif opcode != PONG:
                assert opcode != CLOSE, f"closed instead: {payload!r}"
                return payload

    def line(self):
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    def pong(self):
        opcode, payload = self.frame()
        assert opcode == PONG, (opcode, payload)
        return payload

    def close_code(self):
        """Reads to the close frame; its code, None when it has none."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else None

    def goodbye(self):
        """The close frame is answered; the server then ends the connection (section 7.1.1)."""
        code = self.close_code()
        self.send(close_frame(code))
        assert self.ended()
        return code

    def leave(self, code=1000):
        """Closes as a good client does."""
        self.send(close_frame(code))
        assert self.close_code() == code
        assert self.ended()
        self.socket.close()

    def let_go(self):
        """Whether the server has closed its side's socket, not only ended what it sends."""
        try:
            self.send(frame(PING))
            return False
        except OSError:
            return True

    def reset(self):
        """Ends the connection by a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Exec(WebSocket):
    """A live command."""

    def __init__(self, server, name, *command, protocols=(V5,), stdin=False, tty=False, **options):
        flags = {key: "true" for key, given in (("stdin", stdin), ("tty", tty)) if given}
        super().__init__(server, exec_path(name, *command, **flags), protocols, **options)

    def say(self, data, channel=STDIN):
        self.send(frame(BINARY, bytes((channel,)) + data))

    def until_said(self, mark, channel=STDOUT):
        """Reads until the channel has said `mark`; all it said till then."""
        said = b""
        while mark not in said:
            message = self.message()
            assert message[0] == channel, message
            said += message[1:]
        return said

    def to_end(self):
        """What it says to its end: bytes by channel. The connection is closed well."""
        said = {STDOUT: bytearray(), STDERR: bytearray(), STATUS: bytearray()}
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                code, = struct.unpack(">H", payload[:2])
                self.send(close_frame(code))
                assert code == 1000 and self.ended(), payload
                return said
            if opcode == PONG:
                continue
            assert opcode == BINARY, (opcode, payload)
            said[payload[0]] += payload[1:]
