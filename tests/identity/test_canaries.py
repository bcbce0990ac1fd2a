"""Nothing that opens a door is left lying about: cookies, codes, tokens and secrets of whole lives of sessions."""

import json
import urllib.parse

import pytest

import rp
from bff import COOKIE, AcpBff
from nodes import Upstream
from visitor import Visitor

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def house(folder, request):
    place = folder / f"canaries-{request.node.name}"
    place.mkdir()
    one = AcpBff(flows=[{"alias": "device", "plugin": "acp.device", "config": {"expires_s": 60, "interval_s": 1}}],
                 clients=[{"id": "cli", "methods": ["none"], "grants": [DEVICE], "scopes": ["read:infrastructure"]}])
    with Upstream(place, one.origin) as upstream:
        one.upstream = upstream
        one.start(place, upstream.issuer, "bff-basic", secret=Upstream.SECRET)
        yield one
        one.stop()


def test_no_secret_stays_behind(house, page):
    planted = {"the upstream's secret": Upstream.SECRET}

    def cookie(name):
        planted[name] = page.cookie(COOKIE)["value"]
        return planted[name]

    house.log_in(page)
    cookie("cookie of the login")
    planted["csrf token"] = house.me(page)[1]["csrf_token"]
    assert house.post(page, "/auth/refresh")[0] == 200
    house.step_up(page)
    raised = cookie("cookie of the step-up")

    client = {"issuer": house.url("/auth"), "client_id": "cli", "auth": "none"}
    started = rp.run("device_start", parameters={}, **client)
    planted["device code"] = started["device_code"]
    with rp.Started("device_poll", started=started, **client) as waiting:
        page.open(started["verification_uri_complete"])
        page.submit("form button")
        page.submit("button[value=approve]")
        planted["device's token"] = waiting.result()["access_token"]

    # Wrong ones, too: they are somebody's right ones elsewhere.
    answers = []
    for path, headers in (("/auth/callback?code=canary-code-1&state=canary-state-1", {}), ("/auth/callback?error=canary-error-1&state=canary-state-2", {}),
                          ("/manage/workloads", {"Authorization": "Bearer canary.token.1"}), ("/auth/me", {"Cookie": f"{COOKIE}=canary-cookie-1"})):
        answers.append(Visitor().get(house.url(path), headers).text)
    planted |= {name: name for name in ("canary-code-1", "canary-state-1", "canary-error-1", "canary.token.1", "canary-cookie-1")}

    for entry in house.upstream.requests():
        for name in ("code", "refresh_token", "code_verifier", "client_assertion", "state", "nonce", "id_token_hint"):
            if entry["params"].get(name) if "params" in entry else None:
                planted[f"{name} at {entry.get('route')}"] = entry["params"][name]
    for url in page.requests():
        for name, values in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).items():
            if name in ("code", "state"):
                planted[f"{name} in the browser"] = values[0]

    events = json.dumps(house.server.get("/manage/audit/events?limit=500").json)
    page.open(house.url("/auth/me"))  # the last page lets no script fetch
    assert house.post(page, "/auth/logout")[0] == 200
    assert house.subject(page) is None
    kept = {"log": house.log().encode(), "events": events.encode(), "answers": "".join(answers).encode()}
    kept |= {str(path): path.read_bytes() for path in house.server.data_dir.rglob("*") if path.is_file()}
    assert {"code at token", "refresh_token at token", "code_verifier at token"} <= set(planted), sorted(planted)
    # The signature of a token, and the secret half of a cookie, tell as much as the whole.
    planted |= {f"half of {name}": value.rsplit(".", 1)[1] for name, value in planted.items() if "." in value and "canary" not in value}
    assert raised
    found = [(name, where) for name, value in planted.items() for where, text in kept.items() if value.encode() in text]
    assert found == []
