"""Servers that send exactly the bytes they are told to."""

import contextlib
import fcntl
import select
import socket
import ssl
import struct
import termios
import threading
import time

from fetching import listen
from server import PATIENCE

# What a script may run into: the client goes when it has seen enough.
GONE = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, EOFError, ssl.SSLError)


class Request:
    def __init__(self, head, body):
        self.head, self.body = head, body
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = first.split(" ")
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}

    def __repr__(self):
        return f"<{self.method} {self.target} {len(self.body)} bytes>"


class Peer:
    """The server's end of one connection."""

    def __init__(self, server, connection, number):
        self.server, self.socket, self.number = server, connection, number
        self.buffer = b""

    def send(self, *parts):
        """Each part is handed to the socket (and TLS) by itself."""
        for part in parts:
            self.socket.sendall(part)

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise EOFError
        self.buffer += part

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def request_head(self):
        """A request whose body is not read."""
        request = Request(self.until(b"\r\n\r\n"), b"")
        self.server.note(self.number, request)
        return request

    def request(self):
        request = Request(self.until(b"\r\n\r\n"), b"")
        request.body = self.exactly(int(request.fields.get("content-length", 0)))
        self.server.note(self.number, request)
        return request

    def answer(self, body=b"ok", *fields):
        self.send(response(body, *fields))

    def settle(self):
        """Waits until the other side's kernel has all that was sent."""
        for _ in range(PATIENCE * 100):
            left = struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))
            if left == (0,):
                return
            time.sleep(0.01)
        raise AssertionError("the kernel does not take what was sent")

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def hold(self):
        """Does nothing until the client has closed, or the server is stopped."""
        while True:
            ready, _, _ = select.select([self.socket, self.server.stopping], [], [], PATIENCE)
            if self.server.stopping in ready or not ready or not self.socket.recv(65536):
                return

    def idle_until_gone(self):
        """The same without taking a byte; the client's end is told by the kernel."""
        poller = select.poll()
        poller.register(self.socket, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        poller.register(self.server.stopping, select.POLLIN)
        poller.poll(PATIENCE * 1000)

    def idle(self):
        """The same without taking a byte of what the client sends."""
        select.select([self.server.stopping], [], [], PATIENCE)


class Scripted:
    """Runs `script(peer)` for each connection, in a thread of its own; closes when the script returns.

    What a script raises fails the test, unless it is about the client having gone.
    """

    def __init__(self, script, tls=None, host="127.0.0.1", listener=None, receive_buffer=None):
        self.script, self.tls = script, tls
        self.listener = listener or listen(host)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.host = host
        self.port = self.listener.getsockname()[1] if listener is None else 0
        self.stopping, self.stopper = socket.socketpair()
        self.lock = threading.Lock()
        self.peers, self.threads, self.failures = [], [], []
        self.requests = []  # (number of the connection, request)
        self.thread = threading.Thread(target=self.accept, daemon=True)

    @property
    def connections(self):
        return len(self.peers)

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.authority}/"

    def note(self, number, request):
        with self.lock:
            self.requests.append((number, request))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopper.close()
        self.thread.join()
        self.listener.close()
        for thread in self.threads:
            thread.join(PATIENCE)
        self.stopping.close()
        if kind is None:
            assert not self.failures, self.failures

    def accept(self):
        while True:
            ready, _, _ = select.select([self.listener, self.stopping], [], [])
            if self.stopping in ready:
                return
            connection, _ = self.listener.accept()
            connection.settimeout(PATIENCE)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, connection, len(self.peers))
            self.peers.append(peer)
            self.threads.append(threading.Thread(target=self.serve, args=(peer,), daemon=True))
            self.threads[-1].start()

    def serve(self, peer):
        try:
            if self.tls:
                peer.socket = self.tls.wrap_socket(peer.socket, server_side=True, suppress_ragged_eofs=True)
            self.script(peer)
        except GONE:
            pass
        except OSError as error:
            if peer.socket.fileno() != -1:
                self.failures.append(error)
        except Exception as error:  # noqa: BLE001 - told by __exit__
            self.failures.append(error)
        finally:
            with contextlib.suppress(OSError):
                peer.close()


def response(body=b"ok", *fields, status="200 OK"):
    head = [f"HTTP/1.1 {status}".encode(), *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def server_tls(pair, alpn=(), client_ca=None, version=None):
    """An SSL context for a scripted server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def in_turn(*scripts):
    """The first connection gets the first script and so on; those beyond get the last."""
    return lambda peer: scripts[min(peer.number, len(scripts) - 1)](peer)


def answers(peer):
    """Answers every request."""
    while True:
        peer.request()
        peer.answer()
