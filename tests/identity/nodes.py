"""The programs of Node that the suites talk to: providers, the stock client, the browser."""

import json
import pathlib
import shutil
import subprocess
import urllib.request

from fetching import listen
from server import PATIENCE

HERE = pathlib.Path(__file__).parent
NODE = shutil.which("node")

# A site of its own for the providers: to a browser, two addresses are as foreign as two domains.
PROVIDER_HOST = "127.0.0.2"


def free_port(host="127.0.0.1"):
    """A port that was free a moment ago."""
    with listen(host) as listener:
        return listener.getsockname()[1]


def get_json(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def post_json(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


class NodeServer:
    """A program that listens where its configuration says and ends when its stdin closes."""

    def __init__(self, folder, script, **config):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.errors = self.folder / f"{script}.stderr"
        self.config = config
        self.origin = f"http://{config['host']}:{config['port']}"
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen([NODE, HERE / script, json.dumps(config)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.stop()
            raise AssertionError(f"{script} did not start: {self.stderr()}")

    def stderr(self):
        return self.errors.read_text()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def test(self, what, **body):
        """Calls the program's `/_test/` face."""
        return post_json(f"{self.origin}/_test/{what}", body)


class Upstream(NodeServer):
    """The good provider (upstream.mjs), with the two clients that `bff_origin` may be."""

    SECRET = "upstream-secret-0123456789abcdef"

    def __init__(self, folder, bff_origin, **config):
        self.log = pathlib.Path(folder) / "upstream.log"
        self.key_file = pathlib.Path(folder) / "client-key.pem"
        uris = {"redirect_uris": [f"{bff_origin}/auth/callback", f"{bff_origin}/auth/stepup/callback"], "post_logout_redirect_uris": [f"{bff_origin}/"],
                "backchannel_logout_uri": f"{bff_origin}/auth/backchannel-logout", "backchannel_logout_session_required": True}
        clients = [
            {"client_id": "bff-basic", "client_secret": self.SECRET, "token_endpoint_auth_method": "client_secret_basic", **uris},
            {"client_id": "bff-key", "key_file": str(self.key_file), "id_token_signed_response_alg": "ES256", **uris},
        ]
        super().__init__(folder, "upstream.mjs", host=PROVIDER_HOST, port=free_port(PROVIDER_HOST), log=str(self.log), clients=clients,
                         **config)
        self.issuer = config.get("issuer", self.origin)

    def requests(self, **wanted):
        """What was asked, oldest first: of the log, the lines that have the members of `wanted`."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        entries = map(json.loads, lines)
        return [entry for entry in entries if all(entry.get(name) == value for name, value in wanted.items())]

    def token_requests(self, grant_type, **wanted):
        """Requests of a token by a grant, whatever they were answered."""
        return [entry for entry in self.requests(route="token", **wanted) if entry["params"].get("grant_type") == grant_type]


class Hostile(NodeServer):
    """The provider that misbehaves (hostile.mjs): each case is an issuer of its own."""

    CLIENT = "acp-bff"
    SECRET = "hostile-secret-0123456789abcdef"

    def __init__(self, folder, bff_origin):
        super().__init__(folder, "hostile.mjs", host=PROVIDER_HOST, port=free_port(PROVIDER_HOST), canary=free_port(PROVIDER_HOST),
                         client_id=self.CLIENT, client_secret=self.SECRET, bff=bff_origin)

    def issuer(self, case):
        return f"{self.origin}/{case}"

    def seen(self, case):
        """{"requests": {endpoint: count}, "canary": connections there}."""
        return get_json(f"{self.origin}/_test/seen/{case}")

    def logout_token(self, case, **claims):
        return self.test(f"logout-token/{case}", **claims)["token"]


class Browser:
    """Chromium by browser.mjs. `browser.page("ada")` is a fresh profile."""

    def __init__(self, folder, executable):
        self.errors = pathlib.Path(folder) / "browser.stderr"
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen([NODE, HERE / "browser.mjs", executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, text=True)
        self.version = self._result()["version"]
        self.pages = 0

    def _result(self):
        line = self.process.stdout.readline()
        assert line, f"the browser ended: {self.errors.read_text()[-4000:]}"
        result = json.loads(line)
        if "error" in result:
            raise AssertionError(f"browser: {result['error']}")
        return result["value"]

    def command(self, do, page, **arguments):
        self.process.stdin.write(json.dumps({"do": do, "page": page, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._result()

    def page(self):
        self.pages += 1
        return Page(self, f"page-{self.pages}")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()


class Page:
    """One tab with cookies of its own. `open` and `submit` give {url, text, status}."""

    def __init__(self, browser, name):
        self.browser, self.name = browser, name

    def __getattr__(self, do):
        return lambda **arguments: self.browser.command(do, self.name, **arguments)

    def open(self, url):
        return self.browser.command("open", self.name, url=url)

    def fill(self, selector, value):
        self.browser.command("fill", self.name, selector=selector, value=value)

    def submit(self, selector):
        return self.browser.command("submit", self.name, selector=selector)

    def cookie(self, name):
        return next((one for one in self.cookies() if one["name"] == name), None)

    def fetch(self, method, url, headers=None, body=None):
        """{type, status, url, redirected, headers, body}; by the page's script, so of the page's origin."""
        options = {"method": method, "headers": headers or {}, **({"body": body} if body is not None else {})}
        return self.fetch_with(url=url, options=options)

    def log_in_at_provider(self, user="ada", password="engine"):
        """Fills the login page of upstream.mjs, on which this page is."""
        self.fill("input[name=user]", user)
        self.fill("input[name=password]", password)
        return self.submit("#login")

