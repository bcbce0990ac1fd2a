"""A device flow to its end (RFC 8628): a stock client and our command line ask, a person in a browser decides."""

import contextlib
import json
import os
import re
import stat
import subprocess

import pytest

import rp
from bff import AcpBff
from nodes import Upstream
from server import BINARY, PATIENCE
from visitor import Visitor

READ, MANAGE = "read:infrastructure", "manage:infrastructure"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def house(folder):
    """Our server with browser login and devices, and the people's provider."""
    place = folder / "device"
    place.mkdir()
    one = AcpBff(flows=[{"alias": "device", "plugin": "acp.device", "config": {"expires_s": 60, "interval_s": 1}}],
                 clients=[{"id": "cli", "name": "Command <line>", "methods": ["none"], "grants": [DEVICE], "scopes": [READ, MANAGE]}])
    with Upstream(place, one.origin) as upstream:
        one.start(place, upstream.issuer, "bff-basic", secret=Upstream.SECRET)
        yield one
        one.stop()


@pytest.fixture
def client(house):
    return {"issuer": house.url("/auth"), "client_id": "cli", "auth": "none"}


def decide(page, uri, decision):
    """From the address that the device shows to the last page."""
    asked = page.open(uri)
    if "/interaction/" in asked["url"]:
        asked = page.log_in_at_provider()
    assert page.text(selector="h1") == "Connect a device", asked
    confirm = page.submit("form button")
    assert "Command <line>" in confirm["text"] and "127.0.0.1" in confirm["text"], confirm
    return confirm, page.submit(f"button[value={decision}]")


def test_approved(house, client, page):
    started = rp.run("device_start", parameters={"scope": READ}, **client)
    with rp.Started("device_poll", started=started, **client) as waiting:
        confirm, done = decide(page, started["verification_uri_complete"], "approve")
        assert READ in confirm["text"] and MANAGE not in confirm["text"]
        assert "approved" in done["text"]
        tokens = waiting.result()
    claims = tokens["claims"]
    assert (claims["sub"], claims["client_id"], claims["scope"], claims["actor_kind"]) == ("ada", "cli", READ, "user")
    assert house.server.get("/manage/workloads", token=tokens["access_token"]).status == 200
    # Used up: neither the code nor the page knows it any more.
    form = {"grant_type": DEVICE, "client_id": "cli", "device_code": started["device_code"]}
    again = Visitor().request("POST", house.url("/auth/token"), body=form)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    page.open(started["verification_uri_complete"])
    assert "not known" in page.submit("form button")["text"]


def test_denied(house, client, page):
    started = rp.run("device_start", parameters={"scope": READ}, **client)
    with rp.Started("device_poll", started=started, **client) as waiting:
        decide(page, started["verification_uri_complete"], "deny")
        with pytest.raises(rp.Refused) as refused:
            waiting.result()
    assert refused.value.error == "access_denied"


def test_the_page_needs_its_own_form(house, client, page):
    """A page of another site cannot approve in somebody's name."""
    started = rp.run("device_start", parameters={"scope": READ}, **client)
    house.log_in(page)
    for headers in ({}, {"Origin": "http://evil.example"}):
        answer = page.fetch("POST", "/auth/device", {"Content-Type": "application/x-www-form-urlencoded", **headers},
                            f"user_code={started['user_code']}&decision=approve")
        assert answer["status"] == 403, answer
    form = {"grant_type": DEVICE, "client_id": "cli", "device_code": started["device_code"]}
    assert Visitor().request("POST", house.url("/auth/device/poll"), body=form).json["error"] == "authorization_pending"


@contextlib.contextmanager
def command_line(house, home, *options):
    """`auth login --device` under way; gives the process and the address that it shows."""
    process = subprocess.Popen([BINARY, "auth", "login", "--device", "--server", house.origin, "--client", "cli", *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "XDG_CONFIG_HOME": str(home)})
    try:
        shown = "".join(process.stderr.readline() for _ in range(3))
        yield process, re.search(r"\S+user_code=\S+", shown).group()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_command_line(house, page, tmp_path):
    with command_line(house, tmp_path, "--scope", READ, "-o", "json") as (process, uri):
        decide(page, uri, "approve")
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    report = json.loads(out)
    assert (report["server"], report["scope"]) == (house.origin, READ)
    file = tmp_path / "alphaswarm-cp/tokens.json"
    assert report["saved_in"] == str(file) and stat.S_IMODE(file.stat().st_mode) == 0o600
    saved = json.loads(file.read_text())[house.origin]
    assert saved["access_token"] not in out
    assert house.server.get("/manage/workloads", token=saved["access_token"]).status == 200


def test_command_line_prints(house, page, tmp_path):
    with command_line(house, tmp_path, "--print") as (process, uri):
        decide(page, uri, "approve")
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert house.server.get("/manage/workloads", token=out.strip()).status == 200
    assert not (tmp_path / "alphaswarm-cp").exists()


def test_command_line_denied(house, page, tmp_path):
    with command_line(house, tmp_path) as (process, uri):
        decide(page, uri, "deny")
        _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 5 and "access_denied" in error


@pytest.mark.parametrize("options, code, says", [
    ({"--client": "nobody"}, 4, "invalid_client"),
    ({"--scope": "admin:cluster"}, 4, "invalid_scope"),
    ({"--server": "http://127.0.0.1:1"}, 1, "127.0.0.1:1"),
    ({"--server": "http://cp.example"}, 1, "https only"),
    ({"--server": "nonsense"}, 1, "must begin with"),
])
def test_command_line_in_vain(house, tmp_path, options, code, says):
    given = [word for pair in {"--server": house.origin, "--client": "cli", **options}.items() for word in pair]
    done = subprocess.run([BINARY, "auth", "login", "--device", *given],
                          capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode == code and says in done.stderr, done
