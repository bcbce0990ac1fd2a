"""Proxies that are asked for a tunnel with CONNECT, and hostile ones. RFC 9110 section 9.3.6."""

import contextlib
import select
import socket
import threading
import time

import pytest

from fetching import fetch
from h2_peer import H2Server, served
from scripted import GONE, Scripted, answers, response, server_tls
from test_hostile_http1 import SOON

SECRET = "X-Secret: 5up3r"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy(Scripted):
    """Opens tunnels; keeps what went through each, apart from what did not."""

    def __init__(self, established=ESTABLISHED):
        super().__init__(self.tunnel)
        self.established = established
        self.through = {}  # bytes of the client by number of the connection

    def tunnel(self, peer):
        asked = peer.request()
        assert asked.method == "CONNECT" and peer.buffer == b"", "nothing comes before the tunnel is there"
        host, _, port = asked.target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as upstream:
            peer.send(self.established)
            self.through[peer.number] = b""
            # Each way ends by itself.
            back = threading.Thread(target=self.copy, args=(upstream, peer.socket), daemon=True)
            back.start()
            self.copy(peer.socket, upstream, peer.number)
            back.join()

    def copy(self, source, sink, number=None):
        with contextlib.suppress(*GONE, OSError):
            while self.stopping not in select.select([source, self.stopping], [], [])[0]:
                part = source.recv(65536)
                if not part:
                    break
                if number is not None:
                    self.through[number] += part
                sink.sendall(part)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def upstreams(pair):
    """What is behind the proxy, by name."""
    with Scripted(answers) as http, Scripted(answers, tls=server_tls(pair)) as https, \
            H2Server(served) as h2c, H2Server(served, pair=pair) as h2:
        yield {"http": http, "https": https, "h2c": h2c, "h2": h2}


@pytest.mark.parametrize("authorization", [None, "Basic dTpw"], ids=["plain", "authorized"])
@pytest.mark.parametrize("kind", ["http", "https", "h2c", "h2"])
def test_tunnel(kind, authorization, upstreams, authority):
    """The request goes through the tunnel alone; the proxy is told where to and, if so, by whom."""
    upstream = upstreams[kind]
    with Proxy() as proxy:
        result = fetch(upstream.url + "path", SECRET, repeat=3, proxy=proxy.authority, ca=authority.certificate,
                       proxy_authorization=authorization, versions="http2" if "h2" in kind else "http1")
    assert result.bodies == ["ok"] * 3, result
    assert result.connections == proxy.connections == upstream.connections == 1
    (_, asked), = proxy.requests
    lines = [f"CONNECT {upstream.authority} HTTP/1.1", f"Host: {upstream.authority}"]
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    assert asked.head.decode().split("\r\n") == lines
    through, = proxy.through.values()
    assert (b"5up3r" in through) == (kind == "http"), "encrypted, compressed or plain"
    for _, request in upstream.requests:
        told = request.fields.items() if isinstance(request.fields, dict) else request.fields
        assert "proxy-authorization" not in [name for name, _ in told], "that is for the proxy alone"


@pytest.mark.parametrize("kind", ["http", "https", "h2c", "h2"])
def test_large_bodies(kind, upstreams, authority):
    """Bytes in both directions, whole."""
    with Proxy() as proxy:
        result = fetch(upstreams[kind].url, proxy=proxy.authority, ca=authority.certificate, method="POST",
                       body_size=3 << 20, versions="http2" if "h2" in kind else "http1")
    assert result.bodies == ["ok"], result
    assert len(upstreams[kind].requests[0][1].body) == 3 << 20


def test_a_tunnel_for_each_connection(upstreams):
    """Parallel requests have tunnels of their own, each used for the place it was asked for."""
    with Proxy() as proxy:
        result = fetch(upstreams["http"].url, proxy=proxy.authority, parallel=8, repeat=4)
    assert result.bodies == ["ok"] * 32 and proxy.connections == result.connections <= 8, result
    assert {asked.target for _, asked in proxy.requests} == {upstreams["http"].authority}
    # A tunnel may stay unused: another was free again before it was made.
    hosts = [line for through in proxy.through.values() for line in through.split(b"\r\n") if line.startswith(b"Host: ")]
    assert hosts == [b"Host: " + upstreams["http"].authority.encode()] * 32


@pytest.mark.parametrize("established", [
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50 + b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
], ids=["HTTP/1.0", "204", "length", "chunked", "close", "fields", "interim"])
@pytest.mark.parametrize("kind", ["http", "https"])
def test_established(kind, established, upstreams, authority):
    """Section 9.3.6: any 2xx opens the tunnel, and no body follows whatever the fields say. Section 15.2: interim
    responses may come before it.
    """
    with Proxy(established) as proxy:
        result = fetch(upstreams[kind].url, proxy=proxy.authority, ca=authority.certificate)
    assert result.bodies == ["ok"], result


REFUSALS = {
    "407": response(b"who?", b'Proxy-Authenticate: Basic realm="a"', status="407 Proxy Authentication Required"),
    "502": response(b"no", status="502 Bad Gateway"),
    "302": response(b"", b"Location: http://a.test/", status="302 Found"),
    "101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "garbage": b"\x05\xff garbage\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "LF": b"HTTP/1.1 200 OK\n\n",
    "head of 100 KiB": b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 1020 + b"\r\n") * 100 + b"\r\n",
    "bytes of its own": ESTABLISHED + response(b"evil"),
    "one byte of its own": ESTABLISHED + b"x",
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("kind", ["http", "https", "h2c", "h2"])
def test_refused(kind, answer, upstreams, authority):
    """No tunnel, no request; the proxy's words are nobody's answer."""
    seen = []

    def script(peer):
        peer.request()
        peer.send(answer)
        with contextlib.suppress(*GONE):
            while True:
                peer.more()
        seen.append(peer.buffer)
    with Scripted(script) as proxy:
        result = fetch(upstreams[kind].url, SECRET, proxy=proxy.authority, ca=authority.certificate,
                       versions="http2" if "h2" in kind else "http1")
    error = result.one
    assert (error.get("error"), error.get("slug"), error["status"]) == ("unavailable", "proxy_refused", 0), error
    assert proxy.authority in error["message"] and upstreams[kind].authority in error["message"]
    assert seen == [b""] and proxy.connections == 1
    assert not upstreams[kind].connections


@pytest.mark.parametrize("code", ["407", "502"])
def test_the_status_is_told(code, upstreams):
    """So that one who configures a proxy knows what to do."""
    def script(peer):
        peer.request()
        peer.send(REFUSALS[code])
    with Scripted(script) as proxy:
        result = fetch(upstreams["http"].url, proxy=proxy.authority)
    assert code in result.one["message"], result


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_closes(end, reads, upstreams):
    def script(peer):
        if reads:
            peer.request()
        if end == "RST":
            peer.reset()
    with Scripted(script) as proxy:
        result = fetch(upstreams["http"].url, proxy=proxy.authority)
    assert result.one.get("error") == "unavailable", result
    assert not upstreams["http"].connections


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nA: b"], ids=["at once", "line", "head"])
@pytest.mark.parametrize("kind", ["http", "https"])
def test_silence(kind, part, upstreams, authority):
    """`connect_ms` is for all that comes before the request."""
    def script(peer):
        peer.request()
        peer.send(part)
        peer.hold()
    with Scripted(script) as proxy:
        began = time.monotonic()
        result = fetch(upstreams[kind].url, proxy=proxy.authority, connect_ms=500, ca=authority.certificate)
        assert time.monotonic() - began < SOON
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result


def test_silence_in_the_tunnel(upstreams, authority):
    """A TLS handshake that gets no answer is not yet a connection either."""
    def script(peer):
        peer.request()
        peer.send(ESTABLISHED)
        peer.hold()
    with Scripted(script) as proxy:
        result = fetch(upstreams["https"].url, proxy=proxy.authority, connect_ms=500, ca=authority.certificate)
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result


def test_the_proxy_is_no_party(upstreams, authority):
    """TLS is with the origin: a proxy that answers for it with a certificate of its own is not trusted."""
    from certificates import Authority
    other = Authority(authority.folder, "other-authority").server("man-in-the-middle", "IP:127.0.0.1")
    handshakes = []

    def script(peer):
        peer.request()
        peer.send(ESTABLISHED)
        try:
            peer.socket = server_tls(other).wrap_socket(peer.socket, server_side=True)
            peer.request()
        finally:
            handshakes.append(peer.number)
    with Scripted(script) as proxy:
        result = fetch(upstreams["https"].url, SECRET, proxy=proxy.authority, ca=authority.certificate)
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_untrusted"), result
    assert handshakes == [0]
    assert [asked.method for _, asked in proxy.requests] == ["CONNECT"]


def test_no_proxy_there():
    with Scripted(answers) as upstream:
        from fetching import free_port
        result = fetch(upstream.url, proxy=f"127.0.0.1:{free_port()}")
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result
    assert not upstream.connections
