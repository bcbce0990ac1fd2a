"""A server with OAuth clients, and what their owners do: forms, assertions, proofs."""

import base64
import http.client
import http.server
import json
import random
import secrets
import socket
import ssl
import threading
import time
import urllib.parse
import uuid

import jws
from server import PATIENCE, Answer, Server

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
READ = "read:infrastructure"


def free_port():
    """Below the range that the system gives out, so that it is still free when the server starts."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Key:
    """A P-256 key in a file."""

    def __init__(self, folder, name):
        self.path = folder / f"{name}.pem"
        jws.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path)
        point = jws.openssl("ec", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
        self.jwk = {"kty": "EC", "crv": "P-256", "x": jws.encode(point[:32]), "y": jws.encode(point[32:])}

    def sign(self, claims, **header):
        return jws.sign({"alg": "ES256", **header}, claims, self.path)

    def proof(self, url, **changes):
        claims = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": url, "iat": int(time.time()), **changes}
        return self.sign(claims, typ="dpop+jwt", jwk=self.jwk)


class Issuer:
    """Publishes one key at a loopback address, and signs by it."""

    def __init__(self, key):
        self.key = key
        body = json.dumps({"keys": [{**key.jwk, "kid": "one", "alg": "ES256", "use": "sig"}]}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **claims):
        now = int(time.time())
        return self.key.sign({"iss": self.url, "iat": now, "exp": now + 300, **claims}, kid="one", typ="JWT")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def basic(client, secret):
    pair = ":".join(urllib.parse.quote(part, safe="") for part in (client, secret))
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class Broker(Server):
    """Its issuer names its port. `secret` is every client's."""

    def __init__(self, folder, clients=(), issuers=(), identity=None, tls=None, context=None, server=None, **sections):
        port = free_port()
        self.context = context
        self.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{port}/auth"
        self.secret = "canary-" + secrets.token_urlsafe(32)
        self.key = Key(folder, f"client-{port}")
        common = {"grants": ["client_credentials", EXCHANGE], "scopes": [READ, "manage:infrastructure"], "audiences": ["billing"]}
        all_clients = [
            {**common, "id": "basic", "methods": ["client_secret_basic"], "secret": self.secret},
            {**common, "id": "post", "methods": ["client_secret_post"], "secret": self.secret},
            {**common, "id": "jwt", "methods": ["private_key_jwt"], "jwks": {"keys": [self.key.jwk]}},
            {**common, "id": "bound", "methods": ["client_secret_basic"], "secret": self.secret, "dpop_required": True},
            *({**common, **({"secret": self.secret} if "client_secret_basic" in client["methods"] else {}), **client} for client in clients),
        ]
        listen = {"listen": f"127.0.0.1:{port}", **({"tls": tls} if tls else {}), **(server or {})}
        super().__init__(server=listen, identity={
            "issuer": self.issuer, "flows": [{"alias": "robots", "plugin": "acp.m2m"}], "clients": all_clients,
            "issuers": list(issuers), **(identity or {})}, **sections)
        self.listen_port = port

    def start(self, *options):
        self.serve(*options)
        end = time.monotonic() + PATIENCE
        while "listening on http" not in self.stdout.read_text():
            assert self.process.poll() is None and time.monotonic() < end, self.stderr()[-3000:]
            time.sleep(0.02)
        self.port = self.listen_port
        return self

    def connect(self):
        if not self.context:
            return super().connect()
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.context)

    def form(self, path, fields, headers=None):
        """A form that is sent as it stands when it is text."""
        body = fields if isinstance(fields, str) else urllib.parse.urlencode(fields)
        return self.request("POST", path, body, token=False,
                            headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def grant(self, headers=None, path="/auth/token", **fields):
        return self.form(path, {"grant_type": "client_credentials", **fields}, headers)

    def as_basic(self, client="basic"):
        return basic(client, self.secret)

    def assertion(self, **changes):
        now = int(time.time())
        claims = {"iss": "jwt", "sub": "jwt", "aud": self.issuer, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4()), **changes}
        return {"client_assertion_type": JWT_BEARER, "client_assertion": self.key.sign(claims)}


def trusting(authority, client=None):
    """A client's TLS that trusts `authority` and shows the certificate `client`."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def granted(answer):
    assert isinstance(answer, Answer) and answer.status == 200, answer
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json
