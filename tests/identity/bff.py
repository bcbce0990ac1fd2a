"""The server under test as a browser meets it, and the stock client in its place.

Both have the same routes, so a suite that holds for the stock client is about the contract, and one that does not is wrong."""

import json

from server import Server
from nodes import NodeServer, Upstream, free_port
from visitor import Visitor

COOKIE = "acp_session"  # __Host-acp_session needs TLS


class Bff:
    """What the suites use; `origin` is known before anything runs, for providers want it registered."""

    stock = False

    def __init__(self, port=None):
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def url(self, path):
        return self.origin + path

    def me(self, agent):
        """Status and view of GET /auth/me, for a page (on this origin) or a visitor."""
        if isinstance(agent, Visitor):
            answer = agent.get(self.url("/auth/me"))
            return answer.status, answer.json
        answer = agent.fetch("GET", "/auth/me")
        assert not answer["redirected"], answer
        return answer["status"], json.loads(answer["body"])

    def subject(self, agent):
        """Who is logged in there; None: nobody."""
        status, view = self.me(agent)
        assert status in (200, 401), (status, view)
        return view["subject"] if status == 200 else None

    def post(self, agent, path, csrf=None, headers=None):
        """A POST with the session's CSRF token (or another: `csrf`); gives (status, headers in lower case, body)."""
        fields = {"X-CSRF-Token": self.me(agent)[1].get("csrf_token", "") if csrf is None else csrf, **(headers or {})}
        if isinstance(agent, Visitor):
            # As a browser does of itself for every POST.
            answer = agent.request("POST", self.url(path), {"Origin": self.origin, **fields})
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.text
        answer = agent.fetch("POST", path, fields)
        return answer["status"], answer["headers"], answer["body"]

    def refresh(self, agent):
        return self.post(agent, "/auth/refresh")[0]

    def log_in(self, page, user="ada", password="engine", return_to="/"):
        """In a browser, at the good provider; the page is back at `return_to` afterwards."""
        at_provider = page.open(self.url(f"/auth/login?return_to={return_to}"))
        assert "/interaction/" in at_provider["url"], at_provider
        return page.log_in_at_provider(user, password)

    def step_up(self, page, user="ada", password="engine", return_to="/"):
        at_provider = page.open(self.url(f"/auth/stepup?return_to={return_to}"))
        assert "/interaction/" in at_provider["url"], at_provider
        assert page.text(selector="#acr") == "high"
        return page.log_in_at_provider(user, password)


class StockBff(Bff):
    """stock_bff.mjs."""

    stock = True

    def start(self, folder, issuer, client_id, secret=None, key_file=None, id_token_alg=None):
        self.folder = folder
        self.config = {"issuer": issuer, "client_id": client_id, "secret": secret, "key_file": key_file and str(key_file),
                       "id_token_alg": id_token_alg}
        return self.resume()

    def resume(self):
        """Starts it again: it remembers nothing."""
        self.process = NodeServer(self.folder, "stock_bff.mjs", host="127.0.0.1", port=self.port, **self.config)
        return self

    def log(self):
        return self.process.stderr()

    def stop(self):
        self.process.stop()


class AcpBff(Bff):
    """The server itself, with the flows bff and stepup."""

    stock = False

    def __init__(self, port=None, public=None, flows=(), clients=(), **sections):
        """`public`: the origin that clients know, when it is not where this one listens."""
        super().__init__(port)
        self.flows, self.clients = list(flows), list(clients)
        self.public = public or self.origin
        self.sections = sections

    def start(self, folder, issuer, client_id, secret=None, key_file=None, id_token_alg=None):
        def url(path):
            return self.public + path

        proof = {"client_secret": secret} if secret else {"assertion_key": "upstream"}
        provider = {"id": "upstream", "issuer": issuer, "client_id": client_id, **proof, "acr_values": {"low": "low", "high": "high"}}
        mapping = [{"issuer": issuer, "claim": "roles", "contains": role, "role": role} for role in ("admin", "viewer")]
        identity = {"issuer": url("/auth"), "audience": "acp", "issuers": [{"issuer": issuer, "audiences": ["acp"]}],
                    "role_mapping": mapping, "roles": {"admin": ["admin:cluster"]}, "sessions": {"grace_s": 0}, "flows": [
            {"alias": "bff", "plugin": "acp.bff", "config": {"redirect_uri": url("/auth/callback"),
                                                             "post_logout_redirect_uri": url("/"), "providers": [provider]}},
            {"alias": "stepup", "plugin": "acp.stepup", "config": {"redirect_uri": url("/auth/stepup/callback"), "providers": [provider]}},
            *self.flows], "clients": self.clients}
        if key_file:
            identity["assertion_keys"] = {"upstream": str(key_file)}
        self.server = Server(server={"listen": f"127.0.0.1:{self.port}", "public_url": self.public}, identity=identity, **self.sections)
        return self.resume()

    def resume(self):
        self.server.start()
        return self

    def log(self):
        return self.server.stderr()

    def stop(self):
        self.server.stop()


def with_upstream(folder, bff, client_id):
    """For a fixture: `bff` running with a good provider of its own, `bff.upstream`."""
    folder.mkdir()
    with Upstream(folder, bff.origin) as upstream:
        proof = {"key_file": upstream.key_file, "id_token_alg": "ES256"} if client_id == "bff-key" else {"secret": Upstream.SECRET}
        bff.upstream = upstream
        bff.start(folder, upstream.issuer, client_id, **proof)
        try:
            yield bff
        finally:
            bff.stop()
