"""jwt verify, token inspect and the keys of the server, by the command line."""

import json
import os
import signal
import time

import pytest

import jws
from server import run, wait_until

ISSUER = "https://idp.example"


def public_jwk(key, **members):
    """The JWK of a P-256 key file."""
    der = jws.openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return {"kty": "EC", "crv": "P-256", "x": jws.encode(der[-64:-32]), "y": jws.encode(der[-32:]), **members}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """A folder with the key and the key set of an issuer that is not us."""
    folder = tmp_path_factory.mktemp("issuer")
    key = folder / "key.pem"
    jws.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    (folder / "jwks.json").write_text(json.dumps({"keys": [public_jwk(key, kid="k1", use="sig")]}))
    return folder


def token(issuer, header=None, **claims):
    now = int(time.time())
    full = {"iss": ISSUER, "aud": ["us", "others"], "sub": "alice", "iat": now, "exp": now + 600, **claims}
    return jws.sign({"alg": "ES256", "kid": "k1", "typ": "JWT", **(header or {})}, full, issuer / "key.pem")


def verify(issuer, presented, *options, stdin=None):
    return run("jwt", "verify", "--jwks", issuer / "jwks.json", *options, presented, stdin=stdin)


def test_a_good_token(issuer):
    good = token(issuer)
    done = verify(issuer, good, "--alg", "ES256", "--iss", ISSUER, "--aud", "us", "--typ", "JWT")
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["verified"] is True and len(printed["thumbprint"]) == 43
    assert (printed["header"], printed["claims"]) == jws.parts(good)


def test_standard_input(issuer):
    done = verify(issuer, "-", stdin=token(issuer) + "\n")
    assert done.returncode == 0, done.stderr
    assert verify(issuer, "-", stdin="").returncode == 1
    too_long = verify(issuer, "-", stdin="a" * 100_000)
    assert (too_long.returncode, too_long.stdout) == (4, "") and "refused: size" in too_long.stderr


@pytest.mark.parametrize("options, check", [
    (("--alg", "ES384"), "alg"), (("--iss", ISSUER + "/"), "iss"), (("--aud", "them"), "aud"), (("--typ", "at+jwt"), "typ"),
], ids=lambda value: value if isinstance(value, str) else value[0])
def test_what_is_asked_for(issuer, options, check):
    done = verify(issuer, token(issuer), *options)
    assert (done.returncode, done.stdout) == (4, "")
    assert f"the token is refused: {check}\n" in done.stderr


@pytest.mark.parametrize("header, claims, check", [
    ({"kid": "k2"}, {}, "kid"), ({"alg": "ES512"}, {}, "kid"), ({"crit": ["exp"]}, {}, "crit"), ({"alg": "none"}, {}, "alg"),
    ({}, {"exp": 1}, "exp"), ({}, {"nbf": 9999999999}, "nbf"),
], ids=str)
def test_refused_tokens(issuer, header, claims, check):
    done = verify(issuer, token(issuer, header, **claims))
    assert (done.returncode, done.stdout) == (4, "")
    assert f"refused: {check}" in done.stderr


def test_a_changed_token(issuer):
    header, _, signature = token(issuer).split(".")
    done = verify(issuer, ".".join((header, jws.encode(b'{"sub":"root"}'), signature)))
    assert done.returncode == 4 and "refused: signature" in done.stderr


def test_a_key_set_with_a_private_key(issuer, tmp_path):
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [public_jwk(issuer / "key.pem", d="c2VjcmV0")]}))
    done = verify(tmp_path, token(issuer))
    assert done.returncode == 1 and "private member d" in done.stderr and "c2VjcmV0" not in done.stderr
    assert verify(tmp_path / "nowhere", token(issuer)).returncode == 1


@pytest.mark.parametrize("arguments", [
    ["jwt"], ["jwt", "verify", "a.b.c"], ["jwt", "verify", "--jwks", "x", "--alg", "HS256", "a.b.c"],
    ["jwt", "verify", "--jwks", "x", "--leeway", "61", "a.b.c"], ["keys"], ["keys", "rotate", "--alg", "none"],
], ids=" ".join)
def test_usage_errors(arguments):
    assert run(*arguments).returncode == 2


def test_inspect(issuer):
    good = token(issuer)
    done = run("token", "inspect", good)
    assert done.returncode == 0 and "nothing was verified" in done.stderr
    header, claims = jws.parts(good)
    assert json.loads(done.stdout) == {"verified": False, "header": header, "claims": claims}
    unsigned = run("token", "inspect", jws.encode(b'{"alg":"none"}') + "." + jws.encode(b"{}") + ".")
    assert unsigned.returncode == 0
    assert json.loads(unsigned.stdout) == {"verified": False, "header": {"alg": "none"}, "claims": {}, "refused_for": "alg"}
    broken = run("token", "inspect", "a.b")
    assert (broken.returncode, broken.stdout) == (1, "")


def keys_of(server):
    done = server.command("keys", "list", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["keys"]


def test_rotation(make_server, tmp_path):
    server = make_server(start=False)
    assert keys_of(server) == [] and not (server.data_dir / "keys").exists()
    server.start()
    old = server.token()
    (first,) = keys_of(server)
    assert (first["alg"], first["state"]) == ("ES256", "signing")
    # The kid is the key's thumbprint (RFC 7638), as others compute it.
    jwk = public_jwk(first["file"])
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    digest = jws.openssl("dgst", "-sha256", "-binary", data=text.encode())
    assert first["kid"] == jws.encode(digest)

    done = server.command("keys", "rotate", "--alg", "EdDSA")
    assert done.returncode == 0 and "SIGHUP" in done.stderr
    fresh, before = keys_of(server)
    assert fresh["kid"] == done.stdout.strip()
    assert (fresh["alg"], fresh["state"], before["state"]) == ("EdDSA", "waiting", "signing")

    # As if ten minutes had passed: the fresh key signs, the old one is still believed.
    past = time.time() - 700
    os.utime(before["file"], (past - 10, past - 10))
    os.utime(fresh["file"], (past, past))
    server.tokens.clear()
    minted = server.token()
    assert jws.parts(minted)[0]["kid"] == fresh["kid"] and jws.parts(minted)[0]["alg"] == "EdDSA"
    assert server.get("/manage/workloads", token=minted).status == 401
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.get("/manage/workloads", token=minted).status == 200, "the fresh key is believed")
    assert server.get("/manage/workloads", token=old).status == 200
