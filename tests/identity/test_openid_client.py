"""Our server as an authorization server, used by unmodified openid-client (rp.mjs)."""

import json

import pytest

import rp
from nodes import free_port, get_json
from server import Server
from visitor import Visitor

READ, MANAGE = "read:infrastructure", "manage:infrastructure"
CREDENTIALS = ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
# One secret holds every character that a form or a header could spoil (RFC 6749 section 2.3.1).
SECRETS = {"basic": "basic secret: 100% + &=/?#~ \u00e9 0123456789", "post": "post-secret-0123456789abcdefghij"}


@pytest.fixture(scope="module")
def server(folder):
    port = free_port()
    key_file = folder / "rp-key.pem"
    jwk = rp.run("key", issuer="", key_file=str(key_file))
    common = {"grants": CREDENTIALS, "scopes": [READ, MANAGE]}
    clients = [
        {"id": "ci:basic/1", "methods": ["client_secret_basic"], "secret": SECRETS["basic"], **common},
        {"id": "ci-post", "methods": ["client_secret_post"], "secret": SECRETS["post"], "token_ttl_s": 120, **common},
        {"id": "ci-key", "methods": ["private_key_jwt"], "jwks": {"keys": [jwk]}, **common},
        {"id": "ci-dpop", "methods": ["private_key_jwt"], "jwks": {"keys": [jwk]}, "dpop_required": True, **common},
        {"id": "ci-none", "methods": ["none"], "grants": [DEVICE], "scopes": [READ]},
    ]
    one = Server(server={"listen": f"127.0.0.1:{port}"},
                 identity={"issuer": f"http://127.0.0.1:{port}/auth", "clients": clients,
                           "flows": [{"alias": "m2m", "plugin": "acp.m2m"},
                                     {"alias": "device", "plugin": "acp.device", "config": {"interval_s": 1, "expires_s": 60}}]})
    one.issuer = f"http://127.0.0.1:{port}/auth"
    one.key_file = str(key_file)
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(scope="module")
def clients(server):
    """What rp.run needs to be each client."""
    return {
        "basic": {"issuer": server.issuer, "client_id": "ci:basic/1", "auth": "client_secret_basic", "secret": SECRETS["basic"]},
        "post": {"issuer": server.issuer, "client_id": "ci-post", "auth": "client_secret_post", "secret": SECRETS["post"]},
        "key": {"issuer": server.issuer, "client_id": "ci-key", "auth": "private_key_jwt", "key_file": server.key_file},
    }


@pytest.fixture(scope="module")
def dpop(server):
    return {"issuer": server.issuer, "client_id": "ci-dpop", "auth": "private_key_jwt", "key_file": server.key_file, "dpop": True}


def grant(client, scope=READ, **more):
    return rp.run("client_credentials", parameters={"scope": scope}, **{**client, **more})


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_discovery(server, clients, algorithm):
    # OpenID Connect Discovery 4, and RFC 8414 section 3 with the path after the well-known name.
    metadata = rp.run("metadata", algorithm=algorithm, **clients["basic"])
    assert metadata["issuer"] == server.issuer and "client_credentials" in metadata["grant_types_supported"]
    for name in ("token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint"):
        assert metadata[name].startswith(server.issuer + "/"), name
    keys = get_json(metadata["jwks_uri"])["keys"]
    assert keys and all(key["kid"] and key["alg"] and "d" not in key and "p" not in key for key in keys)


@pytest.mark.parametrize("how", ["basic", "post", "key"])
def test_client_credentials(server, clients, how):
    tokens = grant(clients[how], resource=f"http://127.0.0.1:{server.port}/manage/workloads")
    claims = tokens["claims"]
    assert tokens["token_type"] == "bearer" and "refresh_token" not in tokens
    assert claims["client_id"] == clients[how]["client_id"] and claims["scope"] == READ and claims["iss"] == server.issuer
    assert tokens["expires_in"] == claims["exp"] - claims["iat"] == (120 if how == "post" else 3600)
    assert tokens["resource_status"] == 200
    # As a resource server of somebody else would check it (RFC 9068).
    verified = rp.run("verify", token=tokens["access_token"], audience="alphaswarm-cp", **clients[how])
    assert verified["claims"] == claims and verified["header"]["typ"] == "at+jwt"


def test_the_named_route(server):
    # /auth/m2m/token is the token endpoint under the flow's own name.
    form = {"grant_type": "client_credentials", "client_id": "ci-post", "client_secret": SECRETS["post"], "scope": READ}
    answer = Visitor().request("POST", f"{server.issuer}/m2m/token", body=form)
    assert answer.status == 200 and answer.json["scope"] == READ, answer
    assert answer.headers["Cache-Control"] == "no-store"


def test_scope_is_the_client_s(server, clients):
    assert set(grant(clients["basic"], f"{READ} {MANAGE}")["scope"].split()) == {READ, MANAGE}
    for scope in ("admin:cluster", f"{READ} admin:cluster"):
        with pytest.raises(rp.Refused) as refused:
            grant(clients["basic"], scope)
        assert (refused.value.error, refused.value.status) == ("invalid_scope", 400)
    token = grant(clients["basic"])["access_token"]
    assert server.post("/manage/workloads/rp/start", {"command": ["/bin/true"]}, token=token).status == 403


def test_wrong_credentials(clients, folder):
    other = str(folder / "other-key.pem")
    rp.run("key", issuer="", key_file=other)
    wrong = [
        {**clients["basic"], "secret": "x" * 40},
        {**clients["basic"], "client_id": "nobody"},
        {**clients["key"], "key_file": other},
        # Right secret, but not the client's way to show it.
        {**clients["basic"], "auth": "client_secret_post"},
        {**clients["basic"], "auth": "none"},
    ]
    for client in wrong:
        with pytest.raises(rp.Refused) as refused:
            grant(client)
        # openid-client takes a challenge apart before it looks at the body.
        assert refused.value.status in (400, 401), client
        assert refused.value.error == "invalid_client" or refused.value.code == "OAUTH_WWW_AUTHENTICATE_CHALLENGE", client


def test_a_grant_that_is_not_the_client_s(server):
    with pytest.raises(rp.Refused):
        rp.run("client_credentials", issuer=server.issuer, client_id="ci-none", auth="none", parameters={})


def test_dpop(server, dpop):
    tokens = grant(dpop, resource=f"http://127.0.0.1:{server.port}/manage/workloads")
    assert tokens["token_type"] == "dpop" and tokens["claims"]["cnf"]["jkt"]
    assert tokens["resource_status"] == 200
    # Stolen, without the key, it is nothing (RFC 9449 section 7.1).
    for scheme in ("Bearer", "DPoP"):
        answer = server.get("/manage/workloads", token=False, headers={"Authorization": f"{scheme} {tokens['access_token']}"})
        assert answer.status == 401, answer
    with pytest.raises(rp.Refused):
        grant({**dpop, "dpop": False})


def test_introspection_and_revocation(server, clients):
    token = grant(clients["basic"])["access_token"]
    seen = rp.run("introspect", token=token, **clients["basic"])
    assert seen["active"] is True and seen["scope"] == READ and seen["client_id"] == clients["basic"]["client_id"]
    assert server.get("/manage/workloads", token=token).status == 200
    # Another's token cannot be revoked, and nothing is said of it.
    try:
        rp.run("revoke", token=token, **clients["key"])
    except rp.Refused:
        pass
    assert server.get("/manage/workloads", token=token).status == 200
    assert rp.run("revoke", token=token, **clients["basic"]) is None
    assert server.get("/manage/workloads", token=token).status == 401
    assert rp.run("introspect", token=token, **clients["basic"]) == {"active": False}
    for garbage in ("x", "a.b.c", token + "x"):
        assert rp.run("introspect", token=garbage, **clients["basic"]) == {"active": False}
        assert rp.run("revoke", token=garbage, **clients["basic"]) is None


def test_exchange(server, clients):
    subject = server.token(READ, MANAGE, sub="ada")
    tokens = rp.run("exchange", **clients["key"], parameters={
        "subject_token": subject, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", "scope": READ})
    claims = tokens["claims"]
    assert claims["sub"] == "ada" and claims["scope"] == READ and claims["act"]["sub"]
    assert tokens["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert server.get("/manage/workloads", token=tokens["access_token"]).status == 200
    for parameters in ({"scope": "admin:cluster"}, {"subject_token": "garbage"}, {"subject_token": subject + "x"}):
        with pytest.raises(rp.Refused):
            rp.run("exchange", **clients["key"], parameters={
                "subject_token": subject, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", **parameters})


@pytest.fixture
def device(server):
    """A public client, as a command line is."""
    return {"issuer": server.issuer, "client_id": "ci-none", "auth": "none"}


def poll(server, **form):
    answer = Visitor().request("POST", f"{server.issuer}/device/poll", body={"grant_type": DEVICE, "client_id": "ci-none", **form})
    return answer.status, answer.json.get("error", answer)


def test_device_starts_and_waits(server, device):
    started = rp.run("device_start", parameters={"scope": READ}, **device)
    assert started["verification_uri"] == f"{server.issuer}/device" and started["interval"] == 1 and started["expires_in"] == 60
    assert started["user_code"] in started["verification_uri_complete"] and len(started["device_code"]) >= 22
    assert poll(server, device_code=started["device_code"]) == (400, "authorization_pending")
    # At once again: too early (RFC 8628 section 3.5).
    assert poll(server, device_code=started["device_code"]) == (400, "slow_down")
    # The stock client lives with both until its patience ends: nobody has decided.
    with rp.Started("device_poll", started={**started, "expires_in": 3}, **device) as waiting, pytest.raises(rp.Refused):
        waiting.result()


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "../../x"])
def test_device_codes_are_not_guessed(server, code):
    status, error = poll(server, device_code=code)
    assert status == 400 and error in ("invalid_grant", "invalid_request", "expired_token")


@pytest.mark.parametrize("path", [
    "/token",
    "/device/poll",
])
def test_device_code_is_the_client_s(server, device, path):
    started = rp.run("device_start", parameters={"scope": READ}, **device)
    form = {"grant_type": DEVICE, "client_id": "ci-post", "client_secret": SECRETS["post"], "device_code": started["device_code"]}
    answer = Visitor().request("POST", server.issuer + path, body=form)
    assert (answer.status, answer.json.get("error")) == (400, "unauthorized_client"), answer


@pytest.mark.parametrize("scope", [MANAGE, "admin:cluster"])
def test_device_scope_is_the_client_s(device, scope):
    with pytest.raises(rp.Refused) as refused:
        rp.run("device_start", parameters={"scope": scope}, **device)
    assert refused.value.error == "invalid_scope"


def test_secrets_stay_out_of_sight(server, clients):
    token = grant(clients["basic"])["access_token"]
    told = server.stderr() + json.dumps(server.get("/manage/audit/events").json)
    for secret in (*SECRETS.values(), token, token.split(".")[2]):
        assert secret not in told
