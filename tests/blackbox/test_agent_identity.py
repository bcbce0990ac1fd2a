"""Tokens of agents: this server's own, and Entra's in two steps against its token endpoint."""

import http.server
import json
import pathlib
import tempfile
import threading
import urllib.parse

import pytest

import jws
from oauth import READ, Broker, granted

PATH = "/auth/agent-identity/token"
GRAPH = "https://graph.example"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    """The two steps of POST /{tenant}/oauth2/v2.0/token, strictly; `steps` holds the forms."""

    SECRET = "canary-blueprint-secret"

    def __init__(self):
        self.steps = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True))
                outer.steps.append(form)
                status, answer = outer.answer(self.path, form)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, form):
        def token(value):
            return 200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": value}

        def no(error):
            return 400, {"error": error, "error_description": "AADSTS0: " + self.SECRET, "trace_id": "t"}

        if path != "/contoso.example/oauth2/v2.0/token" or form.get("grant_type") != "client_credentials":
            return no("invalid_request")
        if form["client_id"] == "blueprint":
            if form.get("client_secret") != self.SECRET:
                return no("invalid_client")
            if form.get("scope") != "api://AzureADTokenExchange/.default" or not form.get("fmi_path", "").startswith("agent-"):
                return no("invalid_request")
            return token("canary-parent-" + form["fmi_path"])
        if (form.get("client_assertion_type"), form.get("client_assertion")) != (BEARER, "canary-parent-" + form["client_id"]):
            return no("invalid_client")
        return token(f"token-of-{form['client_id']}") if form.get("scope") == GRAPH + "/.default" else no("invalid_scope")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def entra():
    one = Entra()
    yield one
    one.close()


@pytest.fixture(scope="module")
def broker(entra):
    clients = [
        {"id": "runner", "methods": ["client_secret_basic"], "audiences": [GRAPH]},
        {"id": "narrow", "methods": ["client_secret_basic"], "scopes": [READ]},
        {"id": "triage", "kind": "agent", "methods": [], "grants": [], "audiences": []},
    ]
    blueprint = {"name": "bots", "tenant": "contoso.example", "base_url": entra.url, "client_id": "blueprint", "client_secret": Entra.SECRET}
    agents = [{"id": "triage", "clients": ["runner", "narrow", "bound"]},
              {"id": "agent-1", "clients": ["runner"], "blueprint": "bots", "resources": [GRAPH]},
              {"id": "astray", "clients": ["runner"], "blueprint": "bots", "resources": [GRAPH]}]
    with tempfile.TemporaryDirectory(prefix="acp-blackbox-") as path:
        one = Broker(pathlib.Path(path), clients, identity={"client_failures": 0, "flows": [
            {"alias": "robots", "plugin": "acp.m2m"},
            {"alias": "agents", "plugin": "acp.agent-identity", "config": {"blueprints": [blueprint], "agents": agents}}]})
        try:
            yield one.start()
        finally:
            one.discard()


@pytest.mark.parametrize("path", [PATH, "/auth/token"])
def test_own_agent(broker, path):
    body = granted(broker.grant(broker.as_basic("runner"), path, agent_id="triage", scope=READ))
    _, claims = jws.parts(body["access_token"])
    assert (claims["sub"], claims["actor_kind"], claims["client_id"]) == ("triage", "agent", "runner")
    assert claims["act"] == {"sub": "runner"}
    assert (body["scope"], claims["scope"]) == (READ, READ)
    assert broker.get("/manage/providers", token=body["access_token"]).status == 200


def test_scopes_are_those_of_both(broker):
    body = granted(broker.grant(broker.as_basic("narrow"), PATH, agent_id="triage"))
    assert body["scope"] == READ
    answer = broker.grant(broker.as_basic("narrow"), PATH, agent_id="triage", scope="manage:infrastructure")
    assert (answer.status, answer.json["error"]) == (400, "invalid_scope")


def test_bound_agent(broker):
    proof = broker.key.proof(broker.issuer + "/agent-identity/token")
    body = granted(broker.grant({**broker.as_basic("bound"), "DPoP": proof}, PATH, agent_id="triage"))
    assert body["token_type"] == "DPoP" and "jkt" in jws.parts(body["access_token"])[1]["cnf"]


@pytest.mark.parametrize("client, fields, error", [
    ("basic", {"agent_id": "triage"}, "unauthorized_client"),
    ("runner", {"agent_id": "nobody"}, "unauthorized_client"),
    ("narrow", {"agent_id": "agent-1", "audience": GRAPH}, "invalid_target"),
    ("runner", {}, "invalid_request"),
    ("runner", {"agent_id": "agent-1"}, "invalid_target"),
    ("runner", {"agent_id": "triage", "audience": "elsewhere"}, "invalid_target"),
    ("runner", {"agent_id": "agent-1", "audience": GRAPH, "scope": READ}, "invalid_scope"),
])
def test_refused(broker, entra, client, fields, error):
    before = len(entra.steps)
    answer = broker.grant(broker.as_basic(client), PATH, **fields)
    assert (answer.status, answer.json["error"]) == (400, error), answer
    assert len(entra.steps) == before


def test_agent_itself_proves_nothing(broker):
    answer = broker.grant({}, PATH, client_id="triage", agent_id="triage")
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_other_routes_take_no_agent(broker):
    answer = broker.grant(broker.as_basic("runner"), "/auth/m2m/token", agent_id="triage")
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_agent_of_entra(broker, entra):
    entra.steps.clear()
    for _ in range(3):
        body = granted(broker.grant(broker.as_basic("runner"), PATH, agent_id="agent-1", audience=GRAPH))
        assert body["access_token"] == "token-of-agent-1" and set(body) <= {"access_token", "token_type", "expires_in", "scope"}
    assert [step["client_id"] for step in entra.steps] == ["blueprint", "agent-1"]
    rows = [row for row in broker.get("/manage/audit/events").json["items"] if row["kind"] == "token.forward"]
    assert rows[-1]["details"]["flow_details"]["act"] == {"sub": "runner"} and rows[-1]["details"]["flow_details"]["agent"] == "agent-1"


def test_no_of_entra(broker, entra):
    answer = broker.grant(broker.as_basic("runner"), PATH, agent_id="astray", audience=GRAPH)
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert b"AADSTS" not in answer.body


def test_no_secret_is_told(broker):
    told = broker.stderr() + json.dumps(broker.get("/manage/audit/events").json)
    assert "canary-" not in told
