"""Two replicas that share their sessions: one login, one refresh, one logout for both."""

import concurrent.futures
import contextlib
import json
import secrets
import socket
import subprocess
import threading
import time

import pytest

from bff import COOKIE, AcpBff
from nodes import Upstream
from server import PATIENCE, wait_until
from visitor import Visitor

MANY = 200


@contextlib.contextmanager
def redis(folder):
    """A Redis on a socket of its own; gives the URL."""
    place = folder / "redis.sock"
    with open(folder / "redis.log", "ab") as log:
        process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", place, "--save", "", "--appendonly", "no",
                                    "--dir", folder], stdout=log, stderr=log)

    def answers():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(place))
            return True
        return False

    try:
        wait_until(answers, "redis answers")
        yield f"unix://{place}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def replicas(folder):
    """Two of them behind one origin, that of the first, and their provider."""
    place = folder / "replicas"
    place.mkdir()
    key_file = place / "state.key"
    key_file.write_text(secrets.token_urlsafe(32))
    key_file.chmod(0o600)
    with contextlib.ExitStack() as stack:
        state = {"kind": "redis", "url": stack.enter_context(redis(place)), "key_file": str(key_file)}
        first = AcpBff(state=state)
        second = AcpBff(state=state, public=first.origin)
        upstream = stack.enter_context(Upstream(place, first.origin))
        for one in (first, second):
            one.start(place, upstream.issuer, "bff-basic", secret=Upstream.SECRET)
            stack.callback(one.stop)
        yield first, second, upstream


@pytest.fixture
def log_in(replicas, page):
    """Logs in as ada with access tokens of a lifetime; gives the cookie. The next tokens live long."""
    first, _, upstream = replicas

    def log_in(lives_s):
        upstream.test("ttl", AccessToken=lives_s)
        first.log_in(page)
        upstream.test("ttl", AccessToken=300)
        return page.cookie(COOKIE)["value"]

    return log_in


def visitor(cookie):
    one = Visitor()
    one.cookies["127.0.0.1", "/", COOKIE] = cookie
    return one


def all_at_once(replicas, ask):
    """`ask(replica)` MANY times, half of them at each replica, all from one moment on."""
    gate = threading.Barrier(MANY)

    def one(number):
        gate.wait()
        return ask(replicas[number % 2])

    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_one_session_on_both(replicas, log_in):
    first, second, _ = replicas
    cookie = log_in(300)
    assert first.subject(visitor(cookie)) == second.subject(visitor(cookie)) == "ada"
    assert second.me(visitor(cookie))[1]["csrf_token"] == first.me(visitor(cookie))[1]["csrf_token"]
    assert second.post(visitor(cookie), "/auth/logout")[0] // 100 == 2
    assert first.subject(visitor(cookie)) is None


@pytest.mark.parametrize("path", ["/auth/me", "/manage/providers"])
@pytest.mark.parametrize("waits_s, lives_s", [(2.5, 4), (4.5, 4)], ids=["expiring", "expired"])
def test_many_requests_make_one_refresh(replicas, log_in, path, waits_s, lives_s):
    """Of an expiring session: exactly one refresh upstream, and every request is served."""
    *pair, upstream = replicas
    cookie = log_in(lives_s)
    before = len(upstream.token_requests("refresh_token"))
    time.sleep(waits_s)
    upstream.test("fault", path="/token", delay_ms=700)
    answers = all_at_once(pair, lambda one: visitor(cookie).get(one.url(path)))
    assert {answer.status for answer in answers} == {200}, [answer for answer in answers if answer.status != 200][:3]
    assert [entry["status"] for entry in upstream.token_requests("refresh_token")[before:]] == [200]
    assert {pair[0].subject(visitor(cookie)), pair[1].subject(visitor(cookie))} == {"ada"}


def test_many_asked_for_make_one_refresh(replicas, log_in):
    *pair, upstream = replicas
    cookie = log_in(300)
    csrf = pair[0].me(visitor(cookie))[1]["csrf_token"]
    before = len(upstream.token_requests("refresh_token"))
    upstream.test("fault", path="/token", delay_ms=1500)
    statuses = all_at_once(pair, lambda one: one.post(visitor(cookie), "/auth/refresh", csrf)[0])
    assert {status // 100 for status in statuses} == {2}, sorted(set(statuses))
    assert [entry["status"] for entry in upstream.token_requests("refresh_token")[before:]] == [200]


def test_a_replica_that_dies_in_a_refresh(replicas, log_in):
    """Its lock ends by itself, and the other replica serves the session all the while."""
    first, second, upstream = replicas
    cookie = log_in(4)
    time.sleep(2.5)
    upstream.test("fault", path="/token", delay_ms=3000)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        lost = pool.submit(lambda: visitor(cookie).get(second.url("/auth/me")))
        time.sleep(1)
        second.server.kill()
        assert lost.exception(PATIENCE) is not None
    try:
        assert first.subject(visitor(cookie)) == "ada"
    finally:
        second.resume()
    assert second.subject(visitor(cookie)) == "ada"


def test_canaries_are_sealed(replicas, log_in):
    """What lies in the shared store tells nobody a cookie, a subject or a token."""
    first, second, upstream = replicas
    cookie = log_in(300)
    place = upstream.folder / "redis.sock"
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PATIENCE)
        link.connect(str(place))

        def command(*words):
            link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

        command(b"KEYS", b"*")
        reader = link.makefile("rb")

        def reply():
            line = reader.readline()
            kind, rest = line[:1], line[1:-2]
            if kind == b"$":
                return None if rest == b"-1" else reader.read(int(rest) + 2)[:-2]
            return [reply() for _ in range(int(rest))] if kind == b"*" else rest

        keys = reply()
        assert keys
        dump = b""
        for key in keys:
            command(b"DUMP", key)
            dump += key + (reply() or b"")
    for canary in (cookie, "ada@example.org", Upstream.SECRET, *(entry["params"].get("refresh_token", "") for entry in upstream.token_requests("refresh_token"))):
        assert not canary or canary.encode() not in dump
    told = first.log() + second.log() + json.dumps(first.server.get("/manage/audit/events").json)
    assert cookie not in told
