"""Who is let in, and what they may do."""

import json
import os
import stat

import pytest

import jws
from server import Server, StartFailed, wait_until
from wire import Wire

READ, MANAGE = "read:infrastructure", "manage:infrastructure"


@pytest.fixture(scope="module")
def server():
    one = Server(identity={"leeway_s": 0})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(scope="module")
def key(server):
    return server.data_dir / "keys/signing-es256.pem"


@pytest.fixture(scope="module")
def good(server):
    """Header and claims of a token that is taken."""
    return jws.parts(server.token())


def refused(server, token):
    answer = server.get("/manage/workloads", token=token)
    assert answer.status == 401, answer
    assert answer.code == "invalid_token"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return answer


def test_without_a_token(server):
    answer = server.get("/manage/workloads", token=False)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    # RFC 6750 section 3.1: no error code when nothing was presented.
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="alphaswarm-cp"'


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer ", "bearertoken", "Token abc"])
def test_other_schemes(server, value):
    answer = server.get("/manage/workloads", token=False, headers={"Authorization": value})
    assert answer.status == 401, answer
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_scheme_is_case_insensitive(server):
    for scheme in ("bearer", "BEARER"):
        fields = {"Authorization": f"{scheme} {server.token()}"}
        assert server.get("/manage/workloads", token=False, headers=fields).status == 200


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "..", "....", "a.b", "x" * 9000, "e30.e30.", "e30.e30.e30"])
def test_garbage(server, token):
    refused(server, token)


def test_the_signing_of_this_suite_is_right(server, key, good):
    # Without this, the refusals below would prove nothing.
    assert server.get("/manage/workloads", token=jws.sign(*good, key)).status == 200


def test_expired(server):
    token = server.token(READ, ttl=1)
    wait_until(lambda: server.get("/manage/workloads", token=token).status == 401, "the token expires")
    assert "expired" in refused(server, token).headers["WWW-Authenticate"]


def test_other_key(server, good, tmp_path):
    other = tmp_path / "other.pem"
    jws.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other)
    refused(server, jws.sign(*good, other))


def test_alg_none(server, good):
    header, claims = good
    payload = jws.encode(json.dumps(claims).encode())
    for alg in ("none", "None", "NONE"):
        first = jws.encode(json.dumps({**header, "alg": alg}).encode())
        refused(server, f"{first}.{payload}.")


def test_hs256_with_the_public_key(server, key, good):
    header, claims = good
    public = jws.openssl("ec", "-in", key, "-pubout")
    for secret in (public, public.strip(), jws.openssl("ec", "-in", key, "-pubout", "-outform", "DER")):
        refused(server, jws.hs256({**header, "alg": "HS256"}, claims, secret))


def test_tampered(server, good):
    token = server.token(READ)
    header, claims, signature = token.split(".")
    more = jws.encode(json.dumps({**good[1], "scope": "admin:cluster"}).encode())
    refused(server, f"{header}.{more}.{signature}")
    refused(server, f"{header}.{claims}.{jws.encode(bytes(64))}")
    refused(server, f"{header}.{claims}.{jws.encode(jws.decode(signature) + bytes(1))}")
    refused(server, f"{header}.{claims}.{signature}=")
    refused(server, f"{header}.{claims}.{signature}.{signature}")
    # 64 bytes are 86 letters, of which the last has four bits that carry nothing.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters[letters.index(signature[-1]) | 1]
    refused(server, f"{header}.{claims}.{signature[:-1]}{last}")


@pytest.mark.parametrize("text", [
    b'{"scope":"%s",%s}', b'{%s,"scope":"%s"}',
], ids=["first", "last"])
def test_duplicate_member(server, key, good, text):
    header, claims = good
    body = json.dumps({**claims, "scope": READ}).encode()[1:-1]
    fields = (b"admin:cluster", body) if text.startswith(b'{"') else (body, b"admin:cluster")
    refused(server, jws.sign(header, text % fields, key))


CLAIMS = {
    "other audience": {"aud": "other"},
    "audiences without ours": {"aud": ["a", "b"]},
    "no audience": {"aud": None},
    "other issuer": {"iss": "urn:other"},
    "issuer with a slash": {"iss": "urn:alphaswarm:cp/"},
    "no issuer": {"iss": None},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "9999999999"},
    "expired long ago": {"exp": 1},
    "not yet": {"nbf": 9999999999},
    "from the future": {"iat": 9999999999},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims(server, key, good, name):
    header, claims = good
    changed = {k: v for k, v in {**claims, **CLAIMS[name]}.items() if v is not None}
    refused(server, jws.sign(header, changed, key))


@pytest.mark.parametrize("change", [
    {"typ": "JWT"}, {"kid": "other"}, {"alg": "ES384"}, {"crit": ["exp"]}, {"jwk": {}}, {"jku": "http://127.0.0.1/"},
], ids=str)
def test_header(server, key, good, change):
    header, claims = good
    refused(server, jws.sign({**header, **change}, claims, key))


def test_one_of_several_audiences(server, key, good):
    header, claims = good
    token = jws.sign(header, {**claims, "aud": ["other", claims["aud"]]}, key)
    assert server.get("/manage/workloads", token=token).status == 200


def test_missing_scope(server):
    reader = server.token(READ)
    for path in ("/manage/workloads", "/manage/runs", "/manage/providers", "/manage/plugins", "/manage/metrics"):
        assert server.get(path, token=reader).status == 200
    answer = server.post("/manage/workloads/denied/start", {"command": ["/bin/true"]}, token=reader)
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge and f'scope="{MANAGE}"' in challenge
    assert server.get("/manage/audit/events", token=reader).status == 403
    assert server.get("/manage/workloads/denied").status == 404
    assert server.get("/manage/runs?target=denied").json["items"] == []


def test_scopes_are_whole_words(server):
    for scope in ("read", "read:infrastructure:x", "xadmin:cluster", "READ:INFRASTRUCTURE"):
        assert server.get("/manage/workloads", token=server.token(scope)).status == 403
    assert server.get("/manage/workloads", token=server.token("a", READ, "b")).status == 200
    assert server.get("/manage/audit/events", token=server.token("platform:admin")).status == 200


def test_denials_of_known_callers_are_recorded(server):
    answer = server.post("/manage/workloads/denied/stop", {}, token=server.token(READ, sub="curious"))
    assert answer.status == 403

    def event():
        items = server.get("/manage/audit/events?kind=request.denied&actor=curious").json["items"]
        return items and items[0]

    recorded = wait_until(event, "the denial is recorded")
    assert recorded["target"] == "POST /manage/workloads/denied/stop"
    assert recorded["outcome"] == "insufficient_scope"


def test_two_authorization_fields(server):
    field = f"Authorization: Bearer {server.token()}\r\n"
    with Wire(server, f"GET /manage/workloads HTTP/1.1\r\nHost: a\r\n{field}{field}\r\n".encode()) as wire:
        answer = wire.answer()
        assert (answer.status, answer.code) == (400, "bad_authorization")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_files_are_private(server, key):
    assert mode(server.data_dir) == 0o700
    assert mode(key.parent) == 0o700
    assert mode(key) == 0o600
    for path in server.data_dir.glob("ledger.db*"):
        assert mode(path) & 0o077 == 0, path


def test_readable_key_is_refused(make_server):
    server = make_server()
    server.stop()
    key = server.data_dir / "keys/signing-es256.pem"
    key.chmod(0o644)
    with pytest.raises(StartFailed) as failed:
        server.start()
    assert failed.value.code == 1
    minted = server.command("token", "mint", "--scope", "a")
    assert (minted.returncode, minted.stdout) == (1, "")
    for text in (failed.value.stderr, minted.stderr):
        assert str(key) in text and "readable by others" in text and "chmod 600" in text
    key.chmod(0o600)
    server.start()
    assert server.get("/manage/workloads").status == 200


def test_the_key_survives_a_restart(make_server):
    server = make_server()
    token = server.token()
    server.restart()
    assert server.get("/manage/workloads", token=token).status == 200


def test_insecure_dev(make_server):
    server = make_server(identity={"insecure_dev": True})
    assert server.get("/manage/workloads", token=False).status == 200
    assert server.get("/manage/readyz", token=False).json["insecure_dev"] is True
    assert "insecure_dev" in server.stderr()
    # A token that is given is still checked.
    assert server.get("/manage/workloads", token="garbage").status == 401


def test_insecure_dev_needs_loopback(make_server):
    server = make_server(start=False, identity={"insecure_dev": True})
    with pytest.raises(StartFailed) as failed:
        server.start("--listen", "0.0.0.0:0")
    assert failed.value.code == 1 and "identity.insecure_dev" in failed.value.stderr
