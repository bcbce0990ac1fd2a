"""A client that sends exactly the bytes it is told to."""

import socket

from server import PATIENCE, Answer


class Headers(dict):
    """Fields by lower-case name."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class Wire:
    def __init__(self, server, data=b""):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.send(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        part = self.socket.recv(65536)
        self.buffer += part
        return bool(part)

    def until(self, mark):
        while mark not in self.buffer:
            assert self.more(), f"the connection ended before {mark!r}: {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def exactly(self, count):
        while len(self.buffer) < count:
            assert self.more(), f"the connection ended {count - len(self.buffer)} bytes early"
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def head(self):
        """Status and fields of the next response; its body is left."""
        first, *lines = self.until(b"\r\n\r\n").decode("ascii").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = Headers()
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, f"{name} twice: {lines}"
            headers[name.lower()] = value
        return int(status), headers

    def answer(self, head_only=False):
        """The next response."""
        status, headers = self.head()
        if head_only or status < 200 or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self.chunks())
        if "content-length" in headers:
            return Answer(status, headers, self.exactly(int(headers["content-length"])))
        while self.more():
            pass
        body, self.buffer = self.buffer, b""
        return Answer(status, headers, body)

    def chunks(self):
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return body

    def ended(self):
        """Whether the server closes, with nothing more to say."""
        try:
            while self.more():
                pass
        except ConnectionResetError:
            pass
        return self.buffer == b""
