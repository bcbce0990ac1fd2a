"""TLS as it is on the wire, and its certificates as an operator changes them. RFC 8446, for TLS 1.2 RFC 5246."""

import collections
import concurrent.futures
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import random
import re
import select
import selectors
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time
import types

import pytest

from certificates import Authority, Pair, openssl
from h2_client import H2, NO_ERROR, PREFACE, headers, request, settings
from server import PATIENCE, SANITIZED, Server, StartFailed, wait_until
from test_service import Manager
from wire import Wire

TLS_1_1, TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH_VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])

# Longest wait for what a server that is not held up answers at once, in seconds.
AT_ONCE = PATIENCE / 60
MIB = 1 << 20
NDJSON = "application/x-ndjson"


def get(path=b"/manage/healthz", fields=b""):
    return b"GET " + path + b" HTTP/1.1\r\nHost: first.test\r\n" + fields + b"\r\n"


HEALTH = get()
H2_HEALTH = PREFACE + settings() + headers(1, request())


class TlsServer(Server):
    """Speaks TLS with the certificates given. Its clients trust the tests' authority."""

    def __init__(self, pki, *pairs, tls=None, server=None, **sections):
        self.pki = pki
        tls = {"certificates": [pair.config for pair in pairs], **(tls or {})}
        super().__init__(server={"tls": tls, **(server or {})}, **sections)

    def start(self, *options):
        before = len(self.stderr())
        self.serve(*options)

        def listening():
            if found := re.match(r"listening on https://\S+:(\d+)\n", self.stdout.read_text()):
                return int(found[1])
            if (code := self.process.poll()) is not None:
                self.process = None
                raise StartFailed(code, self.stderr()[before:])
            return None

        self.port = wait_until(listening, "the server listens")
        return self

    def context(self, **options):
        return self.pki.context(**options)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.context())

    def counted(self, outcome):
        """Handshakes with this outcome so far. Asking takes one that is done."""
        return self.metric(f'acp_tls_handshakes_total{{outcome="{outcome}"}}')

    def metric(self, name):
        text = self.get("/manage/metrics").body.decode()
        return int(float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1]))

    def log_lines(self, *starts):
        lines = map(json.loads, self.stderr().splitlines())
        return [line for line in lines if line["message"].startswith(starts)]

    def reload(self):
        """The line of the log that tells how it went."""
        told = ("configuration reloaded", "the configuration was not reloaded")
        before = len(self.log_lines(*told))
        self.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: self.log_lines(*told)[before:], "the reload is told of")[0]

    def shown(self, name="first.test"):
        """The certificate that a new connection sees."""
        with TlsWire(self, name=name) as wire:
            return wire.certificate

    def swaps_to(self, pair):
        """Waits until new connections see `pair`: each loop takes a reload when it comes to it."""
        wait_until(lambda: all(self.shown() == pair.der for _ in range(8)), "the new certificate is in use")

    def place(self, *path):
        """FILE:LINE: of a key in the configuration, which has one key a line."""
        lines = self.config_file.read_text().splitlines()
        at = 0
        for key in path:
            at = next(i for i in range(at, len(lines)) if lines[i].lstrip().startswith(f'"{key}":'))
        return f"{self.config_file}:{at + 1}:"


def healthy(wire):
    wire.send(HEALTH)
    answer = wire.answer()
    assert answer.json == {"status": "ok"}
    return answer


class TlsWire(Wire):
    """A client behind TLS. The options are those of Pki.context."""

    options = {}

    def __init__(self, server, data=b"", name="first.test", session=None, context=None, **options):
        context = context or server.context(**self.options, **options)
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=name, session=session, suppress_ragged_eofs=False)
        except BaseException:
            plain.close()
            raise
        self.buffer = b""
        self.send(data)

    @property
    def certificate(self):
        return self.socket.getpeercert(binary_form=True)

    healthy = healthy


class TlsH2(H2, TlsWire):
    def __init__(self, server, **options):
        self.options = {"alpn": ["h2"], **options}
        super().__init__(server)

    def healthy(self):
        assert self.get().json == {"status": "ok"}


class Flights(Wire):
    """A client that decides itself which bytes of TLS leave, and when."""

    def __init__(self, server, name="first.test", session=None, context=None, **options):
        self.context = context or server.context(**options)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.established = False
        self.since = time.monotonic()
        super().__init__(server)

    def flight(self):
        """What the client has to say now in its handshake."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            self.established = True
        return self.outgoing.read()

    def take(self):
        part = self.socket.recv(65536)
        self.incoming.write(part) if part else self.incoming.write_eof()

    def flights(self):
        """Each flight before it is sent; who iterates sends it."""
        while not self.established:
            if flight := self.flight():
                yield flight
            if not self.established:
                self.take()

    def last_flight(self):
        """Sends the handshake's flights but for the last, which it gives."""
        for flight in self.flights():
            if self.established:
                return flight
            self.socket.sendall(flight)
        return b""

    def shake_hands(self):
        self.socket.sendall(self.last_flight())
        return self

    def sealed(self, data):
        """`data` as records."""
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, data):
        if data:
            self.socket.sendall(self.sealed(data))

    def more(self):
        while True:
            try:
                part = self.tls.read(65536)
                self.buffer += part
                return bool(part)
            except ssl.SSLZeroReturnError:
                return False
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())  # e.g. the answer to a KeyUpdate
                self.take()

    healthy = healthy


def said(refusal):
    """The alert that came, in lower case and with spaces."""
    return str(refusal.value).lower().replace("_", " ")


class Pki(types.SimpleNamespace):
    """The certificates of this module's tests."""

    def __init__(self, folder):
        ours, foreign = Authority(folder), Authority(folder, "foreign")
        middle = Authority(folder, "intermediate", ours)
        super().__init__(
            ours=ours,
            # Servers'. The first is asked by address as well.
            first=ours.server("first", "DNS:first.test", "IP:127.0.0.1"),
            second=ours.server("second", "DNS:first.test", "IP:127.0.0.1"),
            both_ec=ours.server("both-ec", "DNS:both.test"),
            both_rsa=ours.server("both-rsa", "DNS:both.test", key="rsa"),
            wild=ours.server("wild", "DNS:*.wild.test", "DNS:also.test"),
            exact=ours.server("exact", "DNS:exact.wild.test"),
            expired_server=ours.server("expired-server", "DNS:first.test", "IP:127.0.0.1", days=-1),
            # Clients'.
            good=ours.client("good"), rsa=ours.client("rsa-client", key="rsa"), chain=middle.client("chain"),
            spiffe=ours.client("spiffe", "URI:spiffe://example.test/agent"),
            expired=ours.client("expired", days=-1), foreign=foreign.client("foreign-client"),
            not_for_clients=ours.server("not-for-clients", "DNS:a.test"))

    def context(self, least=None, most=None, alpn=(), ciphers=None, certificate=None, verify=True):
        """A client's. `least` alone is the one version."""
        context = ssl.create_default_context(cafile=self.ours.certificate)
        # An end without close_notify is an error here: data could have been cut off (section 6.1).
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if not verify:  # for names that the certificate shown does not have
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if ciphers:
            context.set_ciphers(ciphers)
        context.minimum_version = least or ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = most or least or ssl.TLSVersion.MAXIMUM_SUPPORTED
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(certificate.certificate, certificate.key)
        return context


@pytest.fixture(scope="module")
def pki():
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as folder:
        yield Pki(folder)


@pytest.fixture(scope="module")
def server(pki):
    one = TlsServer(pki, pki.first, pki.both_ec, pki.both_rsa, pki.wild, pki.exact, server={"loops": 2})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(scope="module")
def strict(pki):
    """Has little patience with clients."""
    one = TlsServer(pki, pki.first, server={"limits": {"header_timeout_s": 1, "idle_timeout_s": 1}})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture
def make(pki):
    """Makes servers that the test starts."""
    made = []

    def make(*pairs, **sections):
        made.append(TlsServer(pki, *(pairs or [pki.first]), **sections))
        return made[-1]

    yield make
    for one in made:
        one.discard()


@pytest.fixture
def renewed(pki, tmp_path):
    """A certificate whose files a test may change."""
    pair = Pair(tmp_path / "server.pem", tmp_path / "server.key")
    pair.key.touch(mode=0o600)
    pair.replace(pki.first)
    return pair


def s_client(server, *options, text=b""):
    """What `openssl s_client` tells of a connection: for offers that Python cannot make."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.pki.ours.certificate,
               *options]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.stdout.decode(errors="replace")


def curl(server, *options, body=None):
    """HTTP version and status that curl gets, or its exit code."""
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), "--cacert",
               server.pki.ours.certificate, "--resolve", f"first.test:{server.port}:127.0.0.1", "--output",
               os.devnull, "--write-out", "%{http_version} %{http_code}", *options]
    done = subprocess.run(command, input=body, capture_output=True, timeout=PATIENCE)
    assert done.returncode or not done.stderr, done
    return done.stdout.decode() if done.returncode == 0 else done.returncode


def url(server, path="/manage/healthz"):
    return f"https://first.test:{server.port}{path}"


def bearer(server):
    return b"Authorization: Bearer " + server.token().encode() + b"\r\n"


# --- versions, ciphers, ALPN


@BOTH_VERSIONS
@pytest.mark.parametrize("offered, chosen", [
    (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["h2"], "h2"), (["http/1.1"], "http/1.1"),
    (["unknown", "http/1.1"], "http/1.1"), ([], None),
])
def test_alpn(server, version, offered, chosen):
    peer = TlsH2 if chosen == "h2" else TlsWire
    with peer(server, alpn=offered, least=version) as wire:
        assert wire.socket.selected_alpn_protocol() == chosen
        assert wire.socket.version() == {TLS_1_2: "TLSv1.2", TLS_1_3: "TLSv1.3"}[version]
        wire.healthy()


@pytest.mark.parametrize("option, answer", [("--http2", "2 200"), ("--http1.1", "1.1 200"), ("--no-alpn", "1.1 200")])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl(server, option, answer, version):
    assert curl(server, option, "--tlsv" + version, "--tls-max", version, url(server)) == answer


@pytest.mark.parametrize("name, cipher", [
    ("first.test", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("first.test", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("first.test", "ECDHE-ECDSA-CHACHA20-POLY1305"), ("both.test", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("both.test", "ECDHE-RSA-AES256-GCM-SHA384"), ("both.test", "ECDHE-RSA-CHACHA20-POLY1305"),
])
def test_ciphers(server, name, cipher):
    with TlsWire(server, name=name, ciphers=cipher, least=TLS_1_2) as wire:
        assert wire.socket.cipher()[0] == cipher
        wire.healthy()


WEAK = "ALL:@SECLEVEL=0"  # a client that takes anything


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # the old ones
@pytest.mark.parametrize("name, options, alert", [
    # RFC 7301 section 3.2.
    ("first.test", {"alpn": ["unknown", "h2c"]}, "no application protocol"),
    ("first.test", {"alpn": ["unknown"], "least": TLS_1_2}, "no application protocol"),
    # RFC 8996.
    ("first.test", {"least": TLS_1_1, "ciphers": WEAK}, "protocol version"),
    ("first.test", {"least": ssl.TLSVersion.TLSv1, "ciphers": WEAK}, "protocol version"),
    # RFC 9325 section 4: no CBC, no finite-field groups, and a key for each connection.
    ("first.test", {"least": TLS_1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA256"}, "handshake failure"),
    ("both.test", {"least": TLS_1_2, "ciphers": "ECDHE-RSA-AES256-SHA"}, "handshake failure"),
    ("both.test", {"least": TLS_1_2, "ciphers": "AES128-GCM-SHA256"}, "handshake failure"),
    ("both.test", {"least": TLS_1_2, "ciphers": "DHE-RSA-AES128-GCM-SHA256"}, "handshake failure"),
    ("first.test", {"least": TLS_1_2, "ciphers": "AECDH-AES128-SHA:@SECLEVEL=0"}, "handshake failure"),
    # This name has an ECDSA key alone.
    ("first.test", {"least": TLS_1_2, "ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}, "handshake failure"),
])
def test_refused_offers(server, name, options, alert):
    before = server.counted("failed")
    with pytest.raises(ssl.SSLError) as refusal:
        TlsWire(server, name=name, **options)
    assert alert in said(refusal)
    assert server.counted("failed") == before + 1


def test_min_version(make):
    server = make(tls={"min_version": "1.3"}).start()
    with TlsWire(server, least=TLS_1_2, most=TLS_1_3) as wire:
        assert wire.socket.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError) as refusal:
        TlsWire(server, least=TLS_1_2)
    assert "protocol version" in said(refusal)


def test_hello_retry(server):
    # Section 4.1.4: the share that the client guessed is of no use, so it says hello twice; the name counts still.
    for name in ("both.test", "a.wild.test"):
        text = s_client(server, "-tls1_3", "-groups", "P-521:P-256", "-servername", name, "-verify_hostname", name)
        assert "Verify return code: 0 (ok)" in text, text
    assert "alert handshake failure" in s_client(server, "-tls1_3", "-groups", "P-521")


def test_no_renegotiation(server):
    # RFC 5246 section 7.2.2: declined with an alert, and the connection goes on.
    text = s_client(server, "-tls1_2", "-servername", "first.test", text=b"R\n")
    assert "RENEGOTIATING" in text and "no renegotiation" in text, text


def test_key_update(server):
    # Section 4.6.3: new keys are asked for amid the connection, for both directions.
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_3"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"K\n")
        client.stdin.flush()
        assert any(b"KEYUPDATE" in line for line in client.stdout)
        client.stdin.write(get(fields=b"Connection: close\r\n"))
        client.stdin.flush()
        assert any(b'{"status":"ok"}' in line for line in client.stdout)
        client.stdin.close()


# --- certificates by name


@BOTH_VERSIONS
@pytest.mark.parametrize("name, shown", [
    ("first.test", "first"), ("FIRST.test", "first"), ("both.test", "both_ec"),
    ("also.test", "wild"), ("a.wild.test", "wild"), ("A.Wild.Test", "wild"), ("exact.wild.test", "exact"),
    # RFC 6125 section 6.4.3: a wildcard is one label.
    ("a.b.wild.test", "first"), ("wild.test", "first"), ("a.exact.wild.test", "first"),
    # RFC 6066 section 3: a server may go on without the name. Some clients know none, or an address.
    ("unknown.test", "first"), ("127.0.0.1", "first"), (None, "first"),
])
def test_names(server, version, name, shown):
    with TlsWire(server, name=name, least=version, verify=False) as wire:
        assert wire.certificate == getattr(server.pki, shown).der
        wire.healthy()


@pytest.mark.parametrize("options, kind", [
    (["-tls1_3", "-sigalgs", "ECDSA+SHA256"], "both_ec"),
    (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], "both_rsa"),
    (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256"], None),
    (["-tls1_2", "-sigalgs", "ECDSA+SHA256"], "both_ec"),
    (["-tls1_2", "-sigalgs", "RSA+SHA256"], "both_rsa"),
    (["-tls1_2", "-sigalgs", "RSA-PSS+SHA256"], "both_rsa"),
    (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "both_rsa"),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "both_ec"),
])
def test_both_kinds_of_keys_for_a_name(server, options, kind):
    # RFC 8446 section 4.2.3. The authority signs with ECDSA, so clients without it cannot check the chain.
    text = s_client(server, "-servername", "both.test", *options)
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    assert begin in text, text
    shown = ssl.PEM_cert_to_DER_cert(begin + text.split(begin)[1].split(end)[0] + end)
    pki = server.pki
    assert shown in ([getattr(pki, kind).der] if kind else [pki.both_ec.der, pki.both_rsa.der])


# --- resumption


def resumable(server, context, **options):
    """A connection's session. TLS 1.3 sends it behind the handshake (section 4.6.1), so something is read first."""
    with TlsWire(server, context=context, **options) as wire:
        wire.healthy()
        assert not wire.socket.session_reused
        return wire.socket.session


def loop_of(answer):
    """Request ids begin with what is the loop's own."""
    return answer.headers["x-request-id"].split("-")[0]


@BOTH_VERSIONS
def test_resumption(server, version):
    context = server.context(least=version)
    session = resumable(server, context)
    loops = set()

    def resumes():
        with TlsWire(server, context=context, session=session) as wire:
            assert wire.socket.session_reused
            loops.add(loop_of(wire.healthy()))
        return len(loops) == 2

    wait_until(resumes, "both loops resume it")
    server.reload()
    loops.clear()
    wait_until(resumes, "both loops resume it after a reload")


def test_each_resumption_has_a_ticket_for_the_next(server):
    # Section C.4: clients should not use one twice.
    context = server.context(least=TLS_1_3)
    session = resumable(server, context)
    for _ in range(3):
        with TlsWire(server, context=context, session=session) as wire:
            wire.healthy()
            assert wire.socket.session_reused and wire.socket.session.id != session.id
            session = wire.socket.session


@BOTH_VERSIONS
def test_no_resumption_around_client_auth(make, version):
    server = make().start()
    context = server.context(least=version)
    session = resumable(server, context)
    server.config["server"]["tls"].update(client_auth="required", client_ca=str(server.pki.ours.certificate))
    server.config_file.write_text(json.dumps(server.config))
    assert server.reload()["message"] == "configuration reloaded"

    def is_refused():
        try:
            with TlsWire(server, context=context, session=session) as wire:
                wire.healthy()
        except ssl.SSLError:
            return True
        return False

    wait_until(is_refused, "who showed no certificate is refused")
    assert all(is_refused() for _ in range(4 * os.cpu_count()))


# --- certificates of clients


@pytest.fixture(scope="module", params=["none", "optional", "required"])
def asking(request, pki):
    tls = {"client_auth": request.param}
    if request.param != "none":
        tls["client_ca"] = str(pki.ours.certificate)
    one = TlsServer(pki, pki.first, tls=tls, server={"loops": 1})
    one.mode = request.param
    try:
        yield one.start()
    finally:
        one.discard()


# What each gets where certificates are checked.
CLIENTS = {
    None: None, "good": None, "rsa": None, "chain": None, "spiffe": None, "expired": "certificate expired",
    "foreign": "unknown ca", "not_for_clients": "unsupported certificate",
}


@BOTH_VERSIONS
@pytest.mark.parametrize("who", CLIENTS)
def test_client_certificates(asking, version, who):
    alert = None if asking.mode == "none" else CLIENTS[who]
    if who is None and asking.mode == "required":
        # Section 4.4.2.4; TLS 1.2 has no alert for it alone (RFC 5246 section 7.4.6).
        alert = "certificate required" if version == TLS_1_3 else "handshake failure"
    context = asking.context(least=version, certificate=who and getattr(asking.pki, who))
    if not alert:
        session = resumable(asking, context)
        with TlsWire(asking, context=context, session=session) as wire:
            assert wire.socket.session_reused
            wire.healthy()
        return
    with pytest.raises(ssl.SSLError) as refusal:
        # The handshake of TLS 1.3 is over for the client when the server comes to its certificate.
        with TlsWire(asking, HEALTH, context=context) as wire:
            assert version == TLS_1_3
            wire.answer()
    assert alert in said(refusal)


def test_client_certificates_by_curl(asking):
    pki = asking.pki
    good, expired = (["--cert", pair.certificate, "--key", pair.key] for pair in (pki.good, pki.expired))
    assert curl(asking, "--http2", *good, url(asking)) == "2 200"
    refused = {"none": [], "optional": [expired], "required": [[], expired]}[asking.mode]
    for options in ([], expired):
        answer = curl(asking, "--http2", *options, url(asking))
        assert answer == "2 200" if options not in refused else isinstance(answer, int), answer
    # Section 4.2.4: the names in the request let a client choose.
    text = s_client(asking, "-servername", "first.test")
    assert ("Acceptable client certificate CA names\nCN = authority\n" in text) is (asking.mode != "none"), text


# --- what is no handshake


def hello(server, **options):
    return Flights(server, **options).flight()


NO_TLS = {
    "HTTP/1.1": HEALTH, "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", "SSH": b"SSH-2.0-x\r\n\r\n\r\n",
    "zeros": bytes(100), "ones": b"\xff" * 100, "noise": random.Random(1).randbytes(4000),
    "SSL 2.0 hello": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
    "record too long": b"\x16\x03\x01\xff\xff" + bytes(100), "empty record": b"\x16\x03\x01\x00\x00" * 100,
    "data first": b"\x17\x03\x03\x00\x05hello", "alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "Finished first": b"\x16\x03\x03\x00\x10\x14\x00\x00\x0c" + bytes(12),
    "ClientHello of 16 MiB": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(0x4000 - 4),
}


def ends(server, data, half_close=False):
    """What the server says to these bytes until it closes, which it does at once."""
    with Wire(server, data) as wire:
        wire.socket.settimeout(5 * AT_ONCE)
        if half_close:
            wire.end_sending()
        with contextlib.suppress(ConnectionResetError):
            while wire.more():
                pass
        return wire.buffer


@pytest.mark.parametrize("name", NO_TLS)
def test_no_tls(server, name):
    before = server.counted("failed")
    answer = ends(server, NO_TLS[name])
    assert answer[:1] in (b"", b"\x15"), "neither nothing nor an alert"
    assert server.counted("failed") == before + 1


@BOTH_VERSIONS
def test_truncated_hello(server, version):
    whole = hello(server, least=version)
    cuts = [1, 4, 5, 6, 9, 11, 43, 44, len(whole) // 2, len(whole) - 1]
    before = server.counted("failed")
    for cut in cuts:
        assert ends(server, whole[:cut], half_close=True)[:1] in (b"", b"\x15")
    assert server.counted("failed") == before + len(cuts)


@BOTH_VERSIONS
def test_damaged_hello(server, version):
    whole = hello(server, least=version)
    chance = random.Random(version)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(5, len(data))] = chance.randrange(256)
        ends(server, bytes(data), half_close=True)
    with TlsWire(server) as wire:
        wire.healthy()


@BOTH_VERSIONS
@pytest.mark.parametrize("data", [
    HEALTH, b"\x17\x03\x03\x00\x20" + bytes(32), b"\x17\x03\x03\xff\xff", b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",
    b"\x14\x03\x03\x00\x01\x01" * 40,
])
def test_garbage_behind_the_handshake(server, version, data):
    failed = server.counted("failed")
    peer = Flights(server, least=version).shake_hands()
    with peer, contextlib.suppress(ConnectionResetError):
        peer.healthy()
        peer.socket.sendall(data)
        with pytest.raises(ssl.SSLError):
            assert not peer.ended()
    assert server.counted("failed") == failed, "its handshake was done"


# --- slow clients


def stalled(stage, server):
    """A client that says no more from this stage of its handshake on."""
    peer = Flights(server, least=TLS_1_2 if stage.startswith("1.2") else TLS_1_3)
    if stage == "silent":
        return peer
    first = peer.flight()
    parts = {"one byte": 1, "record header": 5, "half a hello": len(first) // 2, "hello": len(first)}
    peer.socket.sendall(first[:parts.get(stage, len(first))])
    if stage in parts:
        return peer
    while not (second := peer.flight()):
        peer.take()
    if stage.endswith("half a flight"):
        peer.socket.sendall(second[:len(second) // 2])
        return peer
    peer.socket.sendall(second)
    if stage.endswith("half a record"):
        record = peer.sealed(HEALTH)
        peer.socket.sendall(record[:len(record) // 2])
    return peer


STAGES = ["silent", "one byte", "record header", "half a hello", "hello", "1.2: half a flight", "1.3: half a flight",
          "established", "half a record"]


def test_stalled_clients_hold_nobody_up(make):
    server = make(server={"loops": 2, "limits": {"header_timeout_s": 2}}).start()
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as waiting:
        peers = [stack.enter_context(stalled(STAGES[i % len(STAGES)], server)) for i in range(300)]
        context = server.context()
        for _ in range(20):
            begin = time.monotonic()
            with TlsWire(server, context=context) as wire:
                wire.healthy()
            assert time.monotonic() - begin < AT_ONCE
        for peer, stage in zip(peers, STAGES * 34):
            waiting.register(peer.socket, selectors.EVENT_READ, (peer.since, stage))
        while waiting.get_map():
            ready = waiting.select(PATIENCE)
            assert ready, [key.data for key in waiting.get_map().values()]
            for key, _ in ready:
                since, stage = key.data
                with contextlib.suppress(ConnectionResetError):
                    if key.fileobj.recv(65536):
                        continue
                waiting.unregister(key.fileobj)
                assert 1.8 < time.monotonic() - since < 2 + 3 * AT_ONCE, stage


@pytest.mark.parametrize("where", ["in the hello", "in a record", "in a record after an answer"])
def test_dripping_extends_no_limit(strict, where):
    peer = Flights(strict)
    if where == "in the hello":
        data = peer.flight()
    else:
        peer.shake_hands()
        if where.endswith("after an answer"):
            peer.healthy()
        data = peer.sealed(get(fields=b"A: " + b"x" * 2000 + b"\r\n"))
    begin = time.monotonic()
    with peer:
        for at in range(len(data)):
            try:
                peer.socket.sendall(data[at:at + 1])
                if select.select([peer.socket], [], [], 0.05)[0] and not peer.socket.recv(65536):
                    break
            except (ConnectionResetError, BrokenPipeError):
                break
            # The idle time and then that for a head, at most.
            assert time.monotonic() - begin < 1 + 1 + 3 * AT_ONCE
        else:
            pytest.fail("not cut")


@BOTH_VERSIONS
def test_one_byte_at_a_time(server, version):
    with Flights(server, least=version) as peer:
        def trickle(data):
            for at in range(len(data)):
                peer.socket.sendall(data[at:at + 1])

        for flight in peer.flights():
            trickle(flight)
        trickle(peer.sealed(HEALTH))
        assert peer.answer().json == {"status": "ok"}


# --- records and requests


@pytest.mark.parametrize("version, resumed", [(TLS_1_3, False), (TLS_1_3, True), (TLS_1_2, True)])
@pytest.mark.parametrize("alpn", [(), ("h2",)])
def test_request_in_the_last_flight(server, version, resumed, alpn):
    # The edge that tells of the client's Finished is the only one: nothing more comes to wake the server.
    context = server.context(least=version, alpn=alpn)
    session = None
    if resumed:
        with TlsWire(server, context=context) as wire:
            if not alpn:
                wire.healthy()
            else:
                wire.more()  # the server's SETTINGS, and before them the ticket
            session = wire.socket.session
    with Flights(server, context=context, session=session) as peer:
        peer.socket.sendall(peer.last_flight() + peer.sealed(H2_HEALTH if alpn else HEALTH))
        assert peer.tls.session_reused is resumed
        peer.until(b'{"status":"ok"}')


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_pipelining(server, size):
    """Requests in records of this size, sent in one go."""
    data = b"".join(get(fields=b"X-Request-Id: id-%d\r\n" % i) for i in range(100))
    with Flights(server).shake_hands() as peer:
        peer.socket.sendall(b"".join(peer.sealed(data[at:at + size]) for at in range(0, len(data), size)))
        for i in range(100):
            assert peer.answer().headers["x-request-id"] == f"id-{i}"


def scale(server, body):
    fields = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) + bearer(server)
    return get(b"/manage/workloads/nothing/scale", fields).replace(b"GET", b"POST", 1) + body


LARGE = b'{"replicas": 1}'.ljust(900_000)


@BOTH_VERSIONS
def test_large_body(server, version):
    with TlsWire(server, least=version) as wire:
        for _ in range(2):
            wire.send(scale(server, LARGE))
            assert (answer := wire.answer()).status == 404 and answer.code == "not_found"
    with TlsH2(server, least=version) as peer:
        number = peer.next_id()
        fields = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"first.test"),
                  (b":path", b"/manage/workloads/nothing/scale"), (b"content-type", b"application/json"),
                  (b"authorization", b"Bearer " + server.token().encode())]
        peer.send(headers(number, fields, end=False))
        peer.upload(number, LARGE)
        assert (answer := peer.answer(number)).status == 404 and answer.code == "not_found"


@pytest.mark.parametrize("option, answer", [("--http1.1", "1.1 401"), ("--http2", "2 401")])
@pytest.mark.parametrize("size", [10, 70_000, 900_000])
def test_answer_before_the_body_of_curl(server, option, answer, size):
    for _ in range(3):
        assert curl(server, option, "--data-binary", "@-", url(server, "/manage/workloads/a/start"),
                    body=b"x" * size) == answer


def resident(server):
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def waiting_bytes(sock):
    """What the kernel holds for a reader."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


def test_back_pressure_on_a_log_stream(server):
    lines, text = 50_000, "x" * 200
    server.start_workload("flood", f"yes {text} | head -n {lines}; echo end; exec sleep 100000")
    path = "/manage/workloads/flood/logs"
    accept = {"Accept": NDJSON}
    wait_until(lambda: b'"end"' in server.get(path + "?tail=1", headers=accept).body, "all is said")
    fields = b"Accept: application/x-ndjson\r\n" + bearer(server)
    before = resident(server)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(TlsWire(server, get(path.encode(), fields)))
                   for _ in range(4)]
        for wire in streams:
            assert wire.head()[0] == 200

        # Nobody reads: the kernel's buffers fill, and then the server must wait.
        held = []

        def settled():
            held.append([waiting_bytes(wire.socket) for wire in streams])
            return len(held) > 20 and all(one == held[-1] for one in held[-20:])

        wait_until(settled, "the sockets are full")
        assert sum(held[-1]) < 4 * lines * 100, "all has been sent: nothing was tested"
        # Each stream has some 15 MiB to come. (A sanitizer keeps what has been freed.)
        assert SANITIZED or resident(server) - before < 16 * MIB
        for wire in streams[:2]:  # the others are left, with all that they hold
            count = 0
            while size := int(wire.until(b"\r\n"), 16):
                count += wire.exactly(size + 2).count(b"}\n")
            assert count == lines + 1
    server.ok("DELETE", "/manage/workloads/flood")


def test_unix_socket_is_plain(make, tmp_path):
    server = make(server={"unix_socket": str(tmp_path / "cp.sock")}).start()
    done = subprocess.run(["curl", "--silent", "--unix-socket", tmp_path / "cp.sock", "http://a/manage/healthz"],
                          capture_output=True, timeout=PATIENCE)
    assert json.loads(done.stdout) == {"status": "ok"}
    assert curl(server, url(server)) == "2 200"


# --- the end of a connection


CLOSING = {
    "Connection: close": (get(fields=b"Connection: close\r\n"), 200),
    "HTTP/1.0": (b"GET /manage/healthz HTTP/1.0\r\n\r\n", 200),
    "no HTTP": (b"nonsense\r\n\r\n", 400),
    "an unread body": (b"POST /manage/workloads/a/start HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                       b"Content-Length: 100000\r\n\r\n" + b"x" * 100000, 401),
}


@BOTH_VERSIONS
@pytest.mark.parametrize("name", CLOSING)
def test_close_notify_at_the_end(server, version, name):
    # Section 6.1: without it the client cannot tell an end from an attack.
    data, status = CLOSING[name]
    with TlsWire(server, data, least=version) as wire:
        assert wire.answer().status == status
        assert wire.ended()


def test_close_notify_after_goaway(server):
    with TlsH2(server) as peer:
        peer.healthy()
        peer.send(b"\0\0\0\4\0\0\0\0\1")  # SETTINGS on a stream
        assert peer.end() == 1


@pytest.mark.parametrize("data, status", [(HEALTH, 200), (HEALTH[:-2], 408), (b"", None)])
def test_close_notify_at_a_time_limit(strict, data, status):
    # RFC 9112 section 9.8.
    with TlsWire(strict, data) as wire:
        if status:
            assert wire.answer().status == status
        assert wire.ended()


@pytest.mark.parametrize("path, status", [(b"/manage/healthz", 200), (b"/manage/runs?limit=1", 200)])
def test_half_closed_client(server, path, status):
    # Section 6.1: the client's close_notify ends one direction. The server answers and says its own.
    with Flights(server, least=TLS_1_3).shake_hands() as peer:
        data = peer.sealed(get(path, bearer(server)))
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.tls.unwrap()
        peer.socket.sendall(data + peer.outgoing.read())
        assert peer.answer().status == status
        assert peer.ended()


@pytest.mark.parametrize("reset", [False, True])
def test_client_without_close_notify_is_no_error(server, reset):
    failed, lines = server.counted("failed"), len(server.stderr().splitlines())
    for alpn in ([], ["h2"]) * 10:
        wire = (TlsH2 if alpn else TlsWire)(server)
        wire.healthy()
        if reset:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(wire.socket.detach())
    with TlsWire(server) as wire:
        wire.healthy()
    told = [json.loads(line) for line in server.stderr().splitlines()[lines:]]
    assert not [line for line in told if line["level"] in ("warn", "warning", "error")]
    assert server.counted("failed") == failed


# --- reload


def test_renewed_certificate(make, renewed):
    server = make(renewed).start()
    with TlsWire(server) as old, TlsH2(server) as old_h2:
        assert old.certificate == server.pki.first.der
        context = server.context()
        session = resumable(server, context)
        renewed.replace(server.pki.second)
        assert server.reload()["message"] == "configuration reloaded"
        server.swaps_to(server.pki.second)
        # What is open goes on, and a session of before is good.
        old.healthy()
        old_h2.healthy()
        with TlsWire(server, context=context, session=session) as wire:
            assert wire.socket.session_reused
            wire.healthy()
    used = server.log_lines("certificate in use")
    assert [line["file"] for line in used] == [str(renewed.certificate)] * 2


def test_reload_brings_names_and_versions(make):
    server = make().start()
    pki = server.pki
    server.config["server"]["tls"] = {"certificates": [pki.exact.config, pki.first.config], "min_version": "1.3"}
    server.config_file.write_text(json.dumps(server.config))
    assert server.reload()["message"] == "configuration reloaded"

    def refuses_1_2():
        with contextlib.suppress(ssl.SSLError):
            TlsWire(server, least=TLS_1_2).socket.close()
            return False
        return True

    wait_until(lambda: all(refuses_1_2() for _ in range(8)), "TLS 1.2 is refused")
    assert server.shown("exact.wild.test") == pki.exact.der and server.shown() == pki.first.der
    # Whether there is TLS at all is settled at the start.
    del server.config["server"]["tls"]
    server.config_file.write_text(json.dumps(server.config))
    assert "server.tls" in server.reload()["keys"]
    with TlsWire(server) as wire:
        wire.healthy()


def test_reload_under_load_fails_nobody(make, renewed):
    server = make(renewed).start()
    pki = server.pki
    failures, answered, done = [], [0], threading.Event()

    def client():
        context = server.context()
        try:
            while not done.is_set():
                with TlsWire(server, context=context) as wire:
                    assert wire.certificate in (pki.first.der, pki.second.der)
                    for _ in range(10):
                        wire.healthy()
                        answered[0] += 1
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for pair in (pki.second, pki.first) * 2 + (pki.second,):
            goal = answered[0] + 200
            wait_until(lambda: answered[0] >= goal or failures, "clients are answered")
            renewed.replace(pair)
            assert server.reload()["message"] == "configuration reloaded"
            server.swaps_to(pair)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert server.counted("failed") == 0


BROKEN = {
    "a key that is none": ("key", lambda pair, pki: pair.key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                                                        "-----END PRIVATE KEY-----\n"), "is damaged"),
    "another's key": ("key", lambda pair, pki: pair.key.write_bytes(pki.exact.key.read_bytes()),
                      "does not match the certificate"),
    "no key": ("key", lambda pair, pki: pair.key.unlink(), "No such file or directory; check the path"),
    "a key for all to read": ("key", lambda pair, pki: pair.key.chmod(0o644), "run chmod 6"),
    "an encrypted key": ("key", lambda pair, pki: encrypt(pair.key), "decrypt it with openssl pkey"),
    "no certificate": ("certificate", lambda pair, pki: pair.certificate.unlink(),
                       "No such file or directory; check the path"),
    "no PEM": ("certificate", lambda pair, pki: pair.certificate.write_text("certificate"),
               "no line -----BEGIN CERTIFICATE-----"),
    "a key for a certificate": ("certificate", lambda pair, pki: pair.certificate.write_bytes(pair.key.read_bytes()),
                                "holds no certificate; check that it is the right file"),
    "DER": ("certificate", lambda pair, pki: pair.certificate.write_bytes(pair.der),
            "convert it with openssl x509 -inform DER"),
    "half a certificate": ("certificate", lambda pair, pki: pair.certificate.write_bytes(
        pair.certificate.read_bytes()[:300]), "is damaged at certificate number 1"),
}


def encrypt(key):
    key.write_text(openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret"))


def check_refusal(server, renewed, key, text, words):
    """File, line and key of the configuration, the file that is wrong, and how to mend it."""
    place = server.place("server", "tls", "certificates", key)
    [line] = [line for line in text.splitlines() if place in line]
    assert f"server.tls.certificates[0].{key}: {key} file {getattr(renewed, key)} " in line and words in line, text


@pytest.mark.parametrize("name", BROKEN)
def test_broken_at_the_start(make, renewed, name):
    key, spoil, words = BROKEN[name]
    server = make(renewed)
    spoil(renewed, server.pki)
    with pytest.raises(StartFailed) as failure:
        server.start()
    assert failure.value.code == 1, "the exit code of a mistake in the configuration"
    check_refusal(server, renewed, key, failure.value.stderr, words)


@pytest.fixture(scope="module")
def reloadable(pki):
    """A server whose files tests spoil and mend."""
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as folder:
        pair = Pair(pathlib.Path(folder) / "server.pem", pathlib.Path(folder) / "server.key")
        mend(pair, pki)
        one = TlsServer(pki, pair)
        one.pair = pair
        try:
            yield one.start()
        finally:
            one.discard()


def mend(pair, pki):
    pair.key.touch(mode=0o600)
    pair.key.chmod(0o600)
    pair.replace(pki.first)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_replacement(reloadable, name):
    server, pair = reloadable, reloadable.pair
    key, spoil, words = BROKEN[name]
    pair.replace(server.pki.second)  # what is right in the replacement is not taken alone
    spoil(pair, server.pki)
    line = server.reload()
    mend(pair, server.pki)
    assert line["message"].startswith("the configuration was not reloaded") and line["level"] == "error"
    check_refusal(server, pair, key, line["cause"], words)
    with TlsWire(server) as wire:
        assert wire.certificate == server.pki.first.der
        wire.healthy()
    assert server.reload()["message"] == "configuration reloaded"


def test_every_wrong_file_is_told_at_once(make, pki, tmp_path):
    missing = Pair(tmp_path / "no.pem", tmp_path / "no.key")
    server = make(pki.first, missing, tls={"client_auth": "required", "client_ca": str(tmp_path / "no-ca.pem")})
    with pytest.raises(StartFailed) as failure:
        server.start()
    for key in ("certificates[1].certificate", "certificates[1].key", "client_ca"):
        assert f"server.tls.{key}" in failure.value.stderr
    assert "certificates[0]" not in failure.value.stderr


def test_client_auth_needs_an_authority(make):
    server = make(tls={"client_auth": "required"})
    with pytest.raises(StartFailed) as failure:
        server.start()
    place = server.place("server", "tls", "client_auth")
    assert failure.value.code == 1 and place in failure.value.stderr and "set client_ca" in failure.value.stderr


def test_expired_certificate_is_a_warning(make, pki):
    server = make(pki.expired_server).start()
    [line] = server.log_lines(f"certificate file {pki.expired_server.certificate} expired on ")
    assert line["level"].startswith("warn") and line["message"].endswith("; renew it")
    with TlsWire(server, verify=False) as wire:
        wire.healthy()


# --- shutdown


def refuses_connections(server):
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def begin_drain(server):
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: refuses_connections(server), "the drain begins")


def check_last_answer(peer, server):
    answer = peer.answer()
    assert answer.status == 200 and answer.headers["connection"] == "close"
    assert peer.ended()
    assert server.process.wait(timeout=PATIENCE) == 0
    server.process = None


@pytest.mark.parametrize("alpn", [(), ("h2",)])
def test_a_handshake_under_way_ends_well_in_a_drain(make, alpn):
    # The kernel had completed the connection: the client may think that it is served.
    server = make(server={"loops": 1}).start()
    with Flights(server, least=TLS_1_3, alpn=alpn) as peer:
        peer.socket.sendall(peer.flight())
        peer.take()
        begin_drain(server)
        peer.shake_hands()
        peer.take()  # tickets: the server has seen the end of the handshake
        if alpn:
            peer.send(H2_HEALTH)
            peer.until(b'{"status":"ok"}')
        else:
            peer.send(HEALTH)
            check_last_answer(peer, server)


def test_a_record_in_parts_is_answered_in_a_drain(make):
    # Half a record is no request for the server yet, but one is on its way.
    server = make(server={"loops": 1}).start()
    with Flights(server).shake_hands() as peer, Flights(server).shake_hands() as witness:
        for one in (peer, witness):
            one.send(HEALTH)
            assert one.answer().status == 200
        begin_drain(server)
        record = peer.sealed(HEALTH)
        peer.socket.sendall(record[:30])
        witness.send(HEALTH)  # the same loop has seen the half by then
        assert witness.answer().status == 200
        peer.socket.sendall(record[30:])
        check_last_answer(peer, server)


def test_close_notify_in_a_drain(make):
    server = make().start()
    with TlsWire(server) as idle, TlsH2(server) as idle_h2:
        idle.healthy()
        idle_h2.healthy()
        server.process.send_signal(signal.SIGTERM)
        assert idle_h2.end() == 0
        assert idle.ended()


def test_restart_under_load_loses_nothing(make, tmp_path):
    """As its sister for plain HTTP: connections wait in the listening socket for the next process."""
    server = make()
    manager = Manager(server, tmp_path)
    server.port = manager.port
    failures, answered, closes, done = [], [0], [0], threading.Event()

    def client():
        context = server.context()
        try:
            while not done.is_set():
                with TlsWire(server, context=context) as wire:
                    while not done.is_set():
                        answer = wire.healthy()
                        answered[0] += 1
                        if answer.headers.get("connection") == "close":
                            assert wire.ended()
                            closes[0] += 1
                            break
        except Exception as error:
            failures.append(repr(error))

    process = manager.start()
    threads = [threading.Thread(target=client) for _ in range(8)]
    try:
        manager.heard("READY=1")
        for thread in threads:
            thread.start()
        for _ in range(2 if SANITIZED else 4):
            goal = answered[0] + 200
            wait_until(lambda: answered[0] >= goal or failures, "clients are answered")
            process.send_signal(signal.SIGTERM)
            manager.heard("STOPPING=1")
            assert process.wait(timeout=PATIENCE) == 0
            process = manager.start()
            manager.heard("READY=1")
        goal = answered[0] + 200
        wait_until(lambda: answered[0] >= goal or failures, "clients are answered after the last restart")
    finally:
        done.set()
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            if thread.ident:
                thread.join()
        process.wait(timeout=PATIENCE)
        manager.close()
    assert not failures
    assert closes[0] >= 8, "clients were told to come back"
    server.check_reports()


H2LOAD_CONNECTIONS, H2LOAD_STREAMS = 8, 8


def h2load(port, count, *options):
    if not shutil.which("h2load"):
        pytest.fail("h2load is missing: install nghttp2-client")
    return subprocess.Popen(["h2load", "-n", str(count), "-c", str(H2LOAD_CONNECTIONS), "-m", str(H2LOAD_STREAMS),
                             *options, f"https://127.0.0.1:{port}/manage/healthz"], stdout=subprocess.PIPE, text=True)


def counts_of(load):
    text = load.communicate(timeout=PATIENCE)[0]
    line = next(line for line in text.splitlines() if line.startswith("requests:"))
    return {word: int(number) for number, word in
            (part.split() for part in line.removeprefix("requests:").split(","))}


@pytest.mark.parametrize("options", [[], ["--h1"]], ids=["h2", "h1"])
def test_h2load(server, options):
    counts = counts_of(h2load(server.port, 2000, *options))
    assert counts["succeeded"] == 2000, counts


def test_drain_under_http2_load_loses_nothing(make):
    # RFC 9113 section 6.8: what the last GOAWAY covers is answered. Who has read the first begins nothing more.
    server = make().start()
    answered = [0] * 4

    def client(at):
        waiting = collections.deque()
        with TlsH2(server) as peer:
            while waiting or not peer.goaways:
                if not peer.goaways and len(waiting) < 8:
                    waiting.append(peer.ask(request()))
                    continue
                number = waiting.popleft()
                peer.wait(lambda: peer.stream(number).over or any(last < number for last, _ in peer.goaways), "answer")
                if peer.stream(number).over:
                    assert peer.stream(number).json == {"status": "ok"}
                    answered[at] += 1
            assert peer.end() == NO_ERROR

    with concurrent.futures.ThreadPoolExecutor(len(answered)) as pool:
        clients = [pool.submit(client, at) for at in range(len(answered))]
        load = h2load(server.port, 5000 if SANITIZED else 50000)
        wait_until(lambda: server.metric("acp_http2_connections_total") >= len(clients) + H2LOAD_CONNECTIONS and
                   min(answered) > 50 or any(one.done() for one in clients), "all are at work")
        assert server.end(signal.SIGTERM) == 0
        for one in clients:
            one.result()
    counts = counts_of(load)
    # On each connection it counts as failed what it would have sent, had GOAWAY not come.
    unsent = H2LOAD_CONNECTIONS * H2LOAD_STREAMS
    assert 0 < counts["succeeded"] >= counts["done"] - unsent, counts
    server.check_reports()
