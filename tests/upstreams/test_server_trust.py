"""Whom the client trusts, and as whom it comes. RFC 9110 section 4.3.4, RFC 9525, SPIFFE X.509-SVID."""

import ssl

import pytest

from certificates import Authority
from fetching import fetch, fields_of
from scripted import Scripted, answers, response, server_tls

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ID = "spiffe://cluster.test/ns/a/sa/b"


@pytest.fixture(scope="session")
def other(folder):
    """An authority that nobody here trusts."""
    place = folder / "other"
    place.mkdir()
    return Authority(place)


@pytest.fixture(scope="session")
def certificates(authority, other):
    """Servers' certificates by what is wrong with them."""
    return {
        "good": authority.server("good", "IP:127.0.0.1", "DNS:localhost"),
        "other authority": other.server("other-authority", "IP:127.0.0.1"),
        "wrong address": authority.server("wrong-address", "IP:127.0.0.2"),
        "name for an address": authority.server("name-for-address", "DNS:127.0.0.1"),
        "no names": authority.server("127.0.0.1"),
        "expired": authority.server("expired", "IP:127.0.0.1", days=-1),
        "for clients": authority.client("for-clients", "IP:127.0.0.1"),
        "svid": authority.server("svid", f"URI:{ID}"),
        "svid for an address": authority.server("svid-address", f"URI:{ID}", "IP:127.0.0.1"),
        "other svid": authority.server("other-svid", f"URI:{ID}/c", "IP:127.0.0.1"),
        "svid of other authority": other.server("other-authority-svid", f"URI:{ID}"),
        "expired svid": authority.server("expired-svid", f"URI:{ID}", days=-1),
    }


def untrusted(result):
    error = result.one
    assert (error.get("error"), error.get("slug")) == ("unavailable", "upstream_untrusted"), error
    return error["message"]


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("versions", ["http1", "http2", "negotiate"])
@pytest.mark.parametrize("which, words", [
    ("other authority", ("issuer", "self-signed", "self signed")), ("wrong address", ("address mismatch",)),
    ("name for an address", ("address mismatch",)), ("no names", ("address mismatch",)), ("expired", ("expired",)),
    ("for clients", ("purpose",))])
def test_not_trusted(which, words, versions, version, certificates, authority):
    """The message says what is wrong; no byte of the request is sent."""
    with Scripted(answers, tls=server_tls(certificates[which], ["h2", "http/1.1"], version=version)) as server:
        message = untrusted(fetch(server.url, ca=authority.certificate, versions=versions))
    assert any(word in message for word in words) and server.authority in message, message
    assert not server.requests


def test_wrong_name(certificates, authority):
    """The certificate is for localhost and 127.0.0.1 alone."""
    pair = authority.server("name", "DNS:elsewhere.test")
    with Scripted(answers, tls=server_tls(pair)) as server:
        message = untrusted(fetch(f"https://localhost:{server.port}/", ca=authority.certificate))
    assert "hostname mismatch" in message, message
    assert not server.requests


def test_the_systems_store(certificates):
    """Without `ca`, the system's trust: a test's authority is none of it."""
    with Scripted(answers, tls=server_tls(certificates["good"])) as server:
        untrusted(fetch(server.url))


@pytest.mark.parametrize("url", ["https://127.0.0.1", "https://localhost"])
def test_trusted(url, certificates, authority):
    with Scripted(answers, tls=server_tls(certificates["good"])) as server:
        result = fetch(f"{url}:{server.port}/", ca=authority.certificate, repeat=2)
    assert result.bodies == ["ok", "ok"] and result.connections == 1, result


@pytest.mark.parametrize("which", ["svid", "svid for an address"])
def test_spiffe_id(which, certificates, authority):
    """Known by its ID; names do not count."""
    with Scripted(answers, tls=server_tls(certificates[which])) as server:
        result = fetch(server.url, ca=authority.certificate, spiffe=ID)
    assert result.bodies == ["ok"], result


@pytest.mark.parametrize("which", ["good", "other svid", "svid of other authority", "expired svid"])
def test_another_spiffe_id(which, certificates, authority):
    with Scripted(answers, tls=server_tls(certificates[which])) as server:
        untrusted(fetch(server.url, ca=authority.certificate, spiffe=ID))
    assert not server.requests


def test_spiffe_id_is_no_name(certificates, authority):
    """Who asks for a name does not take an ID for it."""
    with Scripted(answers, tls=server_tls(certificates["svid"])) as server:
        untrusted(fetch(server.url, ca=authority.certificate))


@pytest.fixture(scope="session")
def identities(authority):
    return [authority.client("client-a", "URI:spiffe://cluster.test/a"),
            authority.client("client-b", "URI:spiffe://cluster.test/b")]


def who(peer):
    """Answers with whom the certificate names."""
    names = peer.socket.getpeercert().get("subjectAltName", ())
    while True:
        peer.request()
        peer.send(response(dict(names)["URI"].encode()))


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_client_certificate(version, certificates, authority, identities):
    """Each identity is on connections of its own."""
    tls = server_tls(certificates["good"], client_ca=authority.certificate, version=version)
    with Scripted(who, tls=tls) as server:
        for at, pair in enumerate(identities):
            result = fetch(server.url, ca=authority.certificate, certificate=pair.certificate, key=pair.key, repeat=3)
            assert result.bodies == [f"spiffe://cluster.test/{'ab'[at]}"] * 3 and result.connections == 1, result
    assert server.connections == 2
    assert [number for number, _ in server.requests] == [0] * 3 + [1] * 3


@pytest.mark.parametrize("versions", ["http1", "http2"])
@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("given", ["none", "of another authority"])
def test_client_certificate_refused(given, version, versions, certificates, authority, other):
    """With TLS 1.3 the server says so only after the client's side of the handshake is over (RFC 8446 section
    4.4.2.4): the alert is what the message tells, and not that a connection broke.
    """
    pair = other.client("other-client")
    own = {"certificate": pair.certificate, "key": pair.key} if given != "none" else {}
    tls = server_tls(certificates["good"], ["h2"] if versions == "http2" else (), authority.certificate, version)
    with Scripted(answers, tls=tls) as server:
        result = fetch(server.url, ca=authority.certificate, versions=versions, method="POST", **own)
    error = result.one
    assert error.get("error") == "unavailable", error
    assert "alert" in error["message"], error
    assert error["slug"] == "upstream_untrusted", error
    assert not server.requests


def test_not_tls(authority):
    """A server that answers in plain text."""
    def script(peer):
        peer.more()
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.hold()
    with Scripted(script) as server:
        untrusted(fetch(f"https://{server.authority}/", ca=authority.certificate))


@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_closed_within_the_handshake(end, authority):
    def script(peer):
        peer.more()
        if end == "RST":
            peer.reset()
    with Scripted(script) as server:
        result = fetch(f"https://{server.authority}/", ca=authority.certificate)
    assert result.one.get("error") == "unavailable", result


@pytest.mark.parametrize("limits", [{"connect_ms": 500}, {"deadline_ms": 500}])
def test_silence_within_the_handshake(limits, authority):
    def script(peer):
        peer.more()
        peer.hold()
    with Scripted(script) as server:
        result = fetch(f"https://{server.authority}/", ca=authority.certificate, **limits)
    assert result.one.get("error") == ("deadline" if "deadline_ms" in limits else "unavailable"), result


class ByHand:
    """TLS over a plain peer, so that its records can be spoiled."""

    def __init__(self, peer, context):
        self.peer, self.inward, self.outward = peer, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward, server_side=True)
        self.run(self.tls.do_handshake)

    def run(self, action, *arguments):
        while True:
            try:
                return action(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                self.inward.write(self.peer.socket.recv(65536) or b"\0")
            finally:
                self.flush()

    def flush(self):
        if self.outward.pending:
            self.peer.send(self.outward.read())

    def fail(self):
        """Reads a record that is none, and so tells the other side with a fatal alert."""
        self.inward.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(ssl.SSLError):
            self.run(self.tls.read, 1)


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("end", ["close_notify", "cut", "alert"])
def test_until_close(end, version, certificates, authority):
    """RFC 8446 section 6.1: an end without close_notify may be anybody's doing; a body that lasts until then is
    complete only with it (RFC 9112 section 9.8). A fatal alert is no such end (section 6.2).
    """
    context = server_tls(certificates["good"], version=version)

    def script(peer):
        tls = ByHand(peer, context)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += tls.run(tls.tls.read, 65536)
        tls.run(tls.tls.write, b"HTTP/1.1 200 OK\r\n\r\nto the end")
        if end == "close_notify":
            with pytest.raises(ssl.SSLWantReadError):
                tls.tls.unwrap()
            tls.flush()
        if end == "alert":
            tls.fail()
        peer.end_sending()
        peer.hold()
    with Scripted(script) as server:
        result = fetch(f"https://{server.authority}/", ca=authority.certificate)
    if end == "close_notify":
        assert result.bodies == ["to the end"], result
    else:
        assert (result.one.get("error"), result.one.get("slug")) == ("provider_error", "truncated_answer"), result


@pytest.mark.parametrize("says_so", [True, False], ids=["close_notify", "cut"])
def test_complete_before_the_end(says_so, certificates, authority):
    """With a length it is complete either way."""
    def script(peer):
        peer.request()
        peer.send(response(b"ok", b"Connection: close"))
        if says_so:
            peer.socket.unwrap()
    with Scripted(script, tls=server_tls(certificates["good"])) as server:
        result = fetch(server.url, ca=authority.certificate, repeat=2)
    assert result.bodies == ["ok", "ok"] and fields_of(result.answers[0])["connection"] == "close", result


@pytest.mark.parametrize("ours, theirs, spoken", [
    ("http1", ("h2", "http/1.1"), None), ("negotiate", ("http/1.1",), "http/1.1"), ("negotiate", (), None)])
def test_alpn_without_http2(ours, theirs, spoken, certificates, authority):
    """RFC 7301: what is not agreed on is HTTP/1.1."""
    agreed = []

    def script(peer):
        agreed.append(peer.socket.selected_alpn_protocol())
        answers(peer)
    with Scripted(script, tls=server_tls(certificates["good"], theirs)) as server:
        result = fetch(server.url, ca=authority.certificate, versions=ours, repeat=2)
    assert result.bodies == ["ok", "ok"] and agreed == [spoken], result


@pytest.mark.parametrize("theirs", [("http/1.1",), ()], ids=["http/1.1", "none"])
def test_http2_alone_is_wanted(theirs, certificates, authority):
    """A server that cannot is told apart from one that cannot be reached; it gets no request."""
    with Scripted(answers, tls=server_tls(certificates["good"], theirs)) as server:
        result = fetch(server.url, ca=authority.certificate, versions="http2")
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_protocol"), result
    assert not server.requests
