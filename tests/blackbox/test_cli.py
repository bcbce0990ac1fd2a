"""The command line, and what the OpenAPI document promises."""

import json
import re

import pytest

import jws
from server import run

RESERVED = """
/proxy/service/path /console /console/ /manage/connections
/manage/connections/a/probe /manage/topology /manage/topology/services
/manage/terraform/halt /manage/credentials /manage/mfa/x /manage/billing/x /manage/tenancy/entra-links/x /manage/cells/x
/manage/agents/health /manage/cloudflare/x /manage/auth/providers /manage/halt /manage/workflows/halt /manage/docs
""".split()


def test_version():
    done = run("--version")
    assert done.returncode == 0 and re.fullmatch(r"\d+\.\d+\.\d+\n", done.stdout)


def test_help():
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "check-config", "config", "token", "jwt", "keys", "audit", "openapi", "plugin"):
        assert re.search(rf"^\s+{command}\s", done.stdout, re.M)


@pytest.mark.parametrize("arguments", [
    [], ["fly"], ["serve", "--fly"], ["serve", "now"], ["token"], ["token", "mint"], ["audit"], ["config"],
    ["check-config"],
    ["token", "mint", "--scope", "a", "--ttl", "0"], ["token", "mint", "--scope", "a", "--kind", "robot"],
    ["serve", "--config"], ["check-config", "a", "b"],
], ids=" ".join)
def test_usage_errors(arguments):
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stderr


def test_config_schema(make_server):
    done = run("config", "schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object" and schema["additionalProperties"] is False

    def described(name, part):
        assert part.get("description"), name
        for key, below in part.get("properties", {}).items():
            described(f"{name}.{key}", below)

    described("config", schema)
    assert set(make_server(start=False).config) <= set(schema["properties"])


def test_check_config(server):
    done = run("check-config", server.config_file)
    assert (done.returncode, done.stdout) == (0, f"{server.config_file}: ok\n")


def test_minted_tokens(make_server):
    own = make_server(start=False)
    options = ("--scope", "a", "--scope", "b:c", "--sub", "me", "--kind", "agent", "--ttl", "77")
    done = own.command("token", "mint", *options)
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    header, claims = jws.parts(done.stdout.strip())
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt") and header["kid"]
    assert (claims["scope"], claims["sub"], claims["actor_kind"]) == ("a b:c", "me", "agent")
    assert claims["exp"] - claims["iat"] == 77 and claims["jti"]
    # Made before the first start: the server takes over the key.
    assert own.start().get("/manage/workloads", token=done.stdout.strip()).status == 403
    for bad in ('a"b', "a b", ""):
        assert own.command("token", "mint", "--scope", bad).returncode in (1, 2)


def test_limits(server):
    done = server.command("serve", "--print-limits")
    assert done.returncode == 0
    printed = json.loads(done.stdout)
    assert printed == server.ok("GET", "/manage/limits")
    assert "16384" in done.stdout and "1048576" in done.stdout


def test_listen_and_data_dir_options(make_server, tmp_path):
    own = make_server(start=False, server={"listen": "127.0.0.1:1"})
    own.env = {"ALPHASWARM_CP_WORKLOADS__DEFAULT_WAIT_S": "7"}
    own.start("--listen", "[::1]:0", "--data-dir", tmp_path / "elsewhere")
    assert own.stdout.read_text().startswith("listening on http://[::1]:")
    assert (tmp_path / "elsewhere/ledger.db").exists() and not own.data_dir.exists()
    assert '"default_wait_s":7' in own.command("serve", "--print-limits").stdout.replace(" ", "")


@pytest.fixture(scope="module")
def document(server):
    return server.ok("GET", "/manage/openapi.json", token=False)


def test_openapi_command(document):
    done = run("openapi")
    assert done.returncode == 0 and json.loads(done.stdout) == document
    assert document["openapi"].startswith("3.1.")


def operations(document):
    for pattern, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "patch", "delete"):
                yield method.upper(), pattern, operation


def test_every_operation_is_served(server, document):
    seen = 0
    for method, pattern, operation in operations(document):
        answer = server.request(method, re.sub(r"\{[^}]*\}", "some-one", pattern), token=False)
        if pattern.startswith(("/auth/", "/.well-known/")):
            # They judge their callers themselves, and this server's issuer is no URL to discover.
            assert answer.status in (200, 204, 400, 401, 404) and b"route_not_found" not in answer.body, (method, pattern, answer)
        else:
            assert answer.status == (401 if operation["x-scopes"] else 200), (method, pattern, answer)
        seen += 1
    assert seen >= 26


def test_the_document_is_whole(document):
    ids = [operation["operationId"] for *_, operation in operations(document)]
    assert len(ids) == len(set(ids))

    def references(value):
        if isinstance(value, dict):
            for key, below in value.items():
                if key == "$ref":
                    yield below
                else:
                    yield from references(below)
        elif isinstance(value, list):
            for below in value:
                yield from references(below)

    for reference in references(document):
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for method, pattern, operation in operations(document):
        assert "x-scopes" in operation and "x-required-acr" in operation and operation.get("summary"), (method, pattern)
        named = set(re.findall(r"\{([^}]*)\}", pattern))
        parameters = [document["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p
                      for p in operation.get("parameters", [])]
        assert {p["name"] for p in parameters if p["in"] == "path"} == named, (method, pattern)


@pytest.mark.parametrize("path", RESERVED)
def test_reserved_routes(server, path):
    for method in ("GET", "POST"):
        answer = server.request(method, path)
        assert answer.status == 501, answer
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.code == "feature_unavailable" and "not of this version" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/callback", "/auth/logout", "/auth/stepup", "/auth/m2m/token", "/auth/device/start", "/auth/agent-identity/token"])
def test_routes_of_flows_that_are_not_configured(server, path):
    for method in ("GET", "POST"):
        answer = server.request(method, path)
        assert (answer.status, answer.code) == (501, "feature_unavailable") and "identity.flows" in answer.json["detail"], answer


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)')


def scrape(server):
    """Samples of a scrape that is checked by the text format's rules."""
    answer = server.get("/manage/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    assert text.endswith("\n")
    types, samples, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in types and kind in ("counter", "gauge", "histogram", "summary"), line
            types[family] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            # Lines of one family stand together, behind its type.
            assert name == family and name.startswith("acp_"), line
            assert name.endswith("_total") == (types[name] == "counter"), line
            assert (name, labels) not in samples, line
            samples[name, labels] = float(value)
    return samples


def test_metrics(server):
    before = scrape(server)
    server.start_workload("counted")
    server.exec("counted", "true")
    server.post("/manage/workloads/uncounted/stop", {})
    server.get("//")
    server.get("/nowhere")
    after = scrape(server)

    def moved(name, labels=None):
        return after[name, labels] - before[name, labels]

    assert moved("acp_http_requests_total") == 6
    assert moved("acp_actions_started_total") == 3
    assert moved("acp_actions_total", '{outcome="succeeded"}') == 2
    assert moved("acp_actions_total", '{outcome="failed"}') == 1
    assert moved("acp_ledger_rows_total") == 6
    assert moved("acp_http_responses_total", '{class="2xx"}') == 3
    assert moved("acp_http_responses_total", '{class="4xx"}') == 3
    assert moved("acp_connections_accepted_total") == 6
    assert after["acp_ledger_writable", None] == 1 and after["acp_plugins_failed", None] == 0
    assert after["acp_instance_ready", '{alias="local"}'] == 1


def test_public_metrics(make_server):
    own = make_server(metrics={"public": True})
    assert own.get("/manage/metrics", token=False).status == 200
    assert own.get("/manage/limits", token=False).status == 401
