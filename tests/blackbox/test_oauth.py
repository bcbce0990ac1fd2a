"""The token endpoint and its kin, as machines use them."""


import hashlib
import pathlib
import tempfile

import pytest

import jws
from certificates import Authority
from oauth import ACCESS_TOKEN, EXCHANGE, READ, Broker, Issuer, Key, basic, granted, trusting
from server import wait_until


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def spire(folder):
    issuer = Issuer(Key(folder, "spire"))
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def broker(folder, spire):
    clients = [
        {"id": "svid", "methods": ["jwt_svid"], "spiffe_id": "spiffe://prod.example/worker"},
        {"id": "kube", "methods": ["kubernetes"], "service_account": "prod/worker"},
        {"id": "auditor", "methods": ["client_secret_post"], "secret": "0" * 64, "scopes": ["introspect:tokens"]},
        {"id": "device", "methods": ["none"], "grants": ["urn:ietf:params:oauth:grant-type:device_code"]},
    ]
    issuers = [{"issuer": spire.url, "jwks_url": spire.url + "/keys", "audiences": ["alphaswarm-cp"], "types": ["", "jwt"], "kind": "service"}]
    one = Broker(folder, clients, issuers, identity={"client_failures": 0})
    try:
        yield one.start()
    finally:
        one.discard()


def uses(broker, token):
    """The token is good for what it says."""
    assert broker.get("/manage/providers", token=token).status == 200


@pytest.mark.parametrize("path", ["/auth/.well-known/openid-configuration", "/.well-known/openid-configuration", "/.well-known/openid-configuration/auth",
                                  "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth"])
def test_discovery(broker, path):
    answer = broker.get(path, token=False)
    assert answer.status == 200 and "max-age" in answer.headers["Cache-Control"]
    found = answer.json
    assert found["issuer"] == broker.issuer
    assert found["token_endpoint"] == broker.issuer + "/token"
    assert {"client_credentials", EXCHANGE} <= set(found["grant_types_supported"])
    assert broker.request("HEAD", path, token=False).status == 200


def test_keys_check_tokens(broker):
    answer = broker.get("/auth/jwks", token=False)
    assert answer.headers["Content-Type"] == "application/jwk-set+json" and "max-age" in answer.headers["Cache-Control"]
    header, claims = jws.parts(granted(broker.grant(broker.as_basic()))["access_token"])
    assert header["kid"] in [key["kid"] for key in answer.json["keys"]]
    assert header["typ"] == "at+jwt" and claims["iss"] == broker.issuer


@pytest.mark.parametrize("path", ["/auth/token", "/auth/m2m/token"])
def test_every_method(broker, spire, path):
    ways = [
        (broker.as_basic(), {}),
        ({}, {"client_id": "post", "client_secret": broker.secret}),
        ({}, broker.assertion()),
        ({}, broker.assertion(aud=broker.issuer + "/token")),
        ({}, {**broker.assertion(), "client_assertion": spire.token(sub="spiffe://prod.example/worker", aud=broker.issuer)}),
        ({}, {**broker.assertion(), "client_assertion": spire.token(sub="system:serviceaccount:prod:worker", aud=broker.issuer)}),
    ]
    for headers, fields in ways:
        body = granted(broker.grant(headers, path, scope=READ, **fields))
        assert body["token_type"] == "Bearer" and body["scope"] == READ and body["expires_in"] == 3600
        uses(broker, body["access_token"])
        assert broker.post("/manage/workloads/x/start", {"command": ["/bin/true"]}, token=body["access_token"]).status == 403


def test_certificates(folder):
    authority = Authority(folder)
    mine = authority.client("worker", "URI:spiffe://prod.example/worker")
    other = authority.client("other", "URI:spiffe://prod.example/other")
    tls = {"certificates": [authority.server("cp", "IP:127.0.0.1").config], "client_ca": str(authority.certificate), "client_auth": "optional"}
    clients = [{"id": "mtls", "methods": ["tls_client_auth"], "spiffe_id": "spiffe://prod.example/worker"}]
    server = Broker(folder, clients, tls=tls, context=trusting(authority, mine), server={"shutdown_grace_s": 2})
    try:
        server.start()
        token = granted(server.grant(client_id="mtls"))["access_token"]
        assert set(jws.parts(token)[1]["cnf"]) == {"x5t#S256"}
        uses(server, token)
        # Stolen: without the certificate, and with another.
        for thief in (trusting(authority), trusting(authority, other)):
            server.context = thief
            assert server.get("/manage/providers", token=token).status == 401
            answer = server.grant(client_id="mtls")
            assert (answer.status, answer.json["error"]) == (401, "invalid_client")
        granted(server.grant(server.as_basic()))
    finally:
        server.discard()


def test_proof_of_a_key(broker, folder):
    key = Key(folder, "proof")
    url = broker.issuer + "/token"
    answer = broker.grant(broker.as_basic("bound"))
    assert (answer.status, answer.json["error"]) == (400, "invalid_dpop_proof")
    proof = key.proof(url)
    body = granted(broker.grant({**broker.as_basic("bound"), "DPoP": proof}))
    assert body["token_type"] == "DPoP"
    again = broker.grant({**broker.as_basic("bound"), "DPoP": proof})
    assert (again.status, again.json["error"]) == (400, "invalid_dpop_proof")
    # A bearer of it is nobody.
    assert broker.get("/manage/providers", token=body["access_token"]).status == 401


@pytest.mark.parametrize("proxies, address", [([], "127.0.0.1"), (["127.0.0.0/8"], "198.51.100.7"), (["192.0.2.0/24"], "127.0.0.1")])
def test_address_behind_a_proxy(folder, proxies, address):
    """A row's address is what trusted proxies say, and nobody else."""
    server = Broker(folder, server={"trusted_proxies": proxies})
    try:
        server.start()
        granted(server.grant({**server.as_basic(), "X-Forwarded-For": "203.0.113.1, 198.51.100.7"}))
        rows = [row for row in server.get("/manage/audit/events").json["items"] if row["kind"] == "token.mint"]
        assert [row["details"]["address"] for row in rows] == [address]
    finally:
        server.discard()


def test_nonce_of_a_proof(folder):
    """RFC 9449 sections 8 and 9: the server says which nonce it wants, at both ends."""
    server = Broker(folder, identity={"verification": {"dpop_nonce": True}})
    try:
        server.start()
        key, url = Key(folder, "nonce"), server.issuer + "/token"
        asked = server.grant({**server.as_basic("bound"), "DPoP": key.proof(url)})
        assert (asked.status, asked.json["error"]) == (400, "use_dpop_nonce")
        token = granted(server.grant({**server.as_basic("bound"), "DPoP": key.proof(url, nonce=asked.headers["DPoP-Nonce"])}))["access_token"]

        resource = server.issuer.removesuffix("/auth") + "/manage/providers"
        ath = jws.encode(hashlib.sha256(token.encode()).digest())

        def get(**claims):
            proof = key.proof(resource, htm="GET", ath=ath, **claims)
            return server.request("GET", "/manage/providers", token=False, headers={"Authorization": "DPoP " + token, "DPoP": proof})

        asked = get()
        assert asked.status == 401
        challenge = asked.headers["WWW-Authenticate"]
        assert challenge.startswith("DPoP ") and 'error="use_dpop_nonce"' in challenge and "ES256" in challenge
        assert get(nonce=asked.headers["DPoP-Nonce"]).status == 200
        assert get(nonce="made up").status == 401
    finally:
        server.discard()


REFUSALS = {
    "wrong secret": ("basic:wrong", {}, 401, "invalid_client"),
    "unknown client": ("nobody:x", {}, 401, "invalid_client"),
    "no client": ("", {}, 401, "invalid_client"),
    "public client, wrong grant": ("", {"client_id": "device"}, 400, "unauthorized_client"),
    "two proofs": ("basic:", {"client_id": "basic", "client_secret": "x"}, 400, "invalid_request"),
    "another client_id": ("basic:", {"client_id": "post"}, 400, "invalid_request"),
    "scope of others": ("basic:", {"scope": "admin:cluster"}, 400, "invalid_scope"),
    "audience of others": ("basic:", {"audience": "payroll"}, 400, "invalid_target"),
    "unknown grant": ("basic:", {"grant_type": "password"}, 400, "unsupported_grant_type"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(broker, name):
    user, fields, status, error = REFUSALS[name]
    client, _, secret = user.partition(":")
    headers = basic(client, secret or broker.secret) if client else {}
    answer = broker.form("/auth/token", {"grant_type": "client_credentials", **fields}, headers)
    assert (answer.status, answer.json["error"]) == (status, error), answer
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401 and bool(client))


@pytest.mark.parametrize("path, body, status", [
    ("/auth/token?grant_type=client_credentials", "scope=x", 400),
    ("/auth/token", "grant_type=client_credentials&grant_type=client_credentials", 400),
    ("/auth/token", "grant_type=%zz", 400),
    ("/auth/token", "", 400),
    ("/auth/introspect?token=x", "token=x", 400),
    ("/auth/revoke", "", 400),
])
def test_forms(broker, path, body, status):
    answer = broker.form(path, body, broker.as_basic())
    assert (answer.status, answer.json["error"]) == (status, "invalid_request"), answer


def test_other_bodies_and_methods(broker):
    assert broker.request("POST", "/auth/token", {"grant_type": "client_credentials"}, headers=broker.as_basic(), token=False).status == 415
    assert broker.get("/auth/token", token=False).status == 405


def test_assertions_are_good_once(broker):
    fields = broker.assertion()
    granted(broker.grant(**fields))
    assert broker.grant(**fields).json["error"] == "invalid_client"


def introspect(broker, token, client="basic"):
    answer = broker.form("/auth/introspect", {"token": token}, broker.as_basic(client))
    assert answer.status == 200, answer
    return answer.json


def test_introspection_and_revocation(broker):
    token = granted(broker.grant(broker.as_basic(), scope=READ))["access_token"]
    seen = introspect(broker, token)
    assert seen["active"] and seen["client_id"] == "basic" and seen["scope"] == READ
    assert introspect(broker, token, "bound") == {"active": False}
    assert broker.form("/auth/introspect", {"token": token, "client_id": "auditor", "client_secret": "0" * 64}).json["active"]
    uses(broker, token)
    other = broker.form("/auth/revoke", {"token": token}, broker.as_basic("bound"))
    assert (other.status, other.json["error"]) == (400, "unauthorized_client")
    assert broker.form("/auth/revoke", {"token": token}, broker.as_basic()).status == 200
    assert introspect(broker, token) == {"active": False}
    # At once, although it has been verified before.
    assert broker.get("/manage/providers", token=token).status == 401
    assert broker.form("/auth/revoke", {"token": "garbage"}, broker.as_basic()).status == 200


def test_exchange(broker):
    alice = broker.token(READ, "workloads:halt", sub="alice")

    def exchange(subject, **more):
        return broker.form("/auth/token", {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN, **more}, broker.as_basic())

    body = granted(exchange(alice))
    assert body["issued_token_type"] == ACCESS_TOKEN and body["scope"] == READ
    claims = jws.parts(body["access_token"])[1]
    assert claims["sub"] == "alice" and claims["act"] == {"sub": "basic"}
    uses(broker, body["access_token"])
    agent = granted(exchange(alice, actor_token=broker.token(READ, sub="agent"), actor_token_type=ACCESS_TOKEN))
    assert jws.parts(agent["access_token"])[1]["act"]["sub"] == "agent"
    for more, error in (({"scope": "workloads:halt"}, "invalid_scope"), ({"scope": "manage:infrastructure"}, "invalid_scope"), ({"audience": "payroll"}, "invalid_target")):
        assert exchange(alice, **more).json["error"] == error
    assert exchange("garbage").json["error"] == "invalid_request"


def events(broker, kind):
    return broker.get(f"/manage/audit/events?kind={kind}&limit=100").json["items"]


def test_rows_and_counters(broker):
    token = granted(broker.grant(broker.as_basic(), scope=READ))["access_token"]
    claims = jws.parts(token)[1]
    mints = [event for event in events(broker, "token.mint") if claims["jti"] in str(event["details"])]
    assert len(mints) == 1 and mints[0]["actor"] == "basic" and mints[0]["outcome"] == "granted"
    broker.grant(basic("basic", "wrong"))
    wait_until(lambda: events(broker, "client.denied"), "the denial is recorded")
    text = broker.get("/manage/metrics").body.decode()
    for name in ('acp_auth_tokens_total{origin="minted"}', 'acp_auth_clients_total{method="private_key_jwt"}', 'acp_auth_client_failures_total{method="client_secret_basic"}'):
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert float(line.rsplit(" ", 1)[1]) >= 1


def test_too_many_failures(folder):
    server = Broker(folder, identity={"client_failures": 3})
    try:
        server.start()
        for _ in range(3):
            assert server.grant(basic("basic", "wrong")).status == 401
        answer = server.grant(server.as_basic())
        assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
        granted(server.grant(client_id="post", client_secret=server.secret))
    finally:
        server.discard()


def test_an_issuer_that_is_no_url(folder):
    server = Broker(folder, identity={"issuer": "urn:example:cp"})
    try:
        server.start()
        answer = server.get("/auth/.well-known/openid-configuration", token=False)
        assert (answer.status, answer.code) == (404, "no_discovery") and "identity.issuer" in answer.json["detail"]
        uses(server, granted(server.grant(server.as_basic()))["access_token"])
    finally:
        server.discard()


def test_nothing_secret_stays_behind(folder):
    """Secrets, tokens, assertions and proofs, right and wrong, reach neither log nor files nor errors."""
    server = Broker(folder)
    try:
        server.start()
        key = Key(folder, "canary-proof")
        planted = [server.secret, "canary-wrong-secret"]
        answers = [server.grant(basic("basic", "canary-wrong-secret")), server.grant(client_id="post", client_secret="canary-wrong-secret")]
        tokens = [granted(server.grant(server.as_basic()))["access_token"]]
        assertion = server.assertion()
        tokens.append(granted(server.grant(**assertion))["access_token"])
        answers.append(server.grant(**assertion))
        proof = key.proof(server.issuer + "/token")
        tokens.append(granted(server.grant({**server.as_basic("bound"), "DPoP": proof}))["access_token"])
        answers.append(server.grant({**server.as_basic("bound"), "DPoP": proof}))
        answers.append(server.form("/auth/token", {"grant_type": EXCHANGE, "subject_token": tokens[0] + "x", "subject_token_type": ACCESS_TOKEN}, server.as_basic()))
        answers.append(server.form("/auth/token?client_secret=canary-in-the-query", "x=1", server.as_basic()))
        server.form("/auth/introspect", {"token": tokens[0]}, server.as_basic())
        server.form("/auth/revoke", {"token": tokens[0]}, server.as_basic())
        planted += [*tokens, assertion["client_assertion"], proof, "canary-in-the-query"]
        # A signature alone is no use, but its presence tells that the whole was there.
        planted += [text.rsplit(".", 1)[1] for text in planted if text.count(".") == 2]
        server.stop()
        kept = [server.stderr().encode()] + [path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()]
        kept += [answer.body for answer in answers]
        assert all(400 <= answer.status < 500 for answer in answers), answers
        for secret in planted:
            assert not any(secret.encode() in text for text in kept), secret[:12]
    finally:
        server.discard()
