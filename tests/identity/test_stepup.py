"""Step-up (RFC 9470): a stronger, fresh login at the provider."""

import time

import pytest

from bff import COOKIE
from visitor import Visitor


def test_step_up(bff, upstream, page):
    bff.log_in(page)
    before = bff.me(page)[1]
    old = page.cookie(COOKIE)["value"]
    assert bff.step_up(page, return_to="/?up")["url"] == bff.url("/?up")
    after = bff.me(page)[1]
    assert (before["acr"], after["acr"], after["subject"]) == ("low", "high", "ada")
    assert time.time() - after["auth_time"] <= 180
    wanted = upstream.requests(route="pushed_authorization_request")[-1]["params"]
    assert "high" in wanted["acr_values"].split()
    # Without one of these an old login would do.
    assert wanted.get("max_age") is not None or "login" in wanted.get("prompt", "").split()
    # The session has a new name, and the old one is nobody's.
    assert page.cookie(COOKIE)["value"] != old
    thief = Visitor()
    thief.cookies["127.0.0.1", "/", COOKIE] = old
    assert bff.subject(thief) is None


def test_step_up_asks_again(bff, page):
    bff.log_in(page)
    bff.step_up(page)
    # Not a login of a moment ago by a cookie of the provider's: somebody is there.
    assert "/interaction/" in page.open(bff.url("/auth/stepup"))["url"]


def test_cancelled(bff, page):
    bff.log_in(page)
    page.open(bff.url("/auth/stepup"))
    answer = page.submit("#cancel")
    assert answer["status"] >= 400 and answer["url"].startswith(bff.origin), answer
    page.open(bff.url("/auth/me"))  # the page of an error lets no script fetch
    assert bff.me(page)[1]["acr"] == "low"


def test_another_user_cannot_step_up_for_one(bff, page):
    bff.log_in(page)
    page.open(bff.url("/auth/stepup"))
    page.log_in_at_provider("bob", "builder")
    page.open(bff.url("/auth/me"))
    # The provider ends ada's session when bob logs in there, and may say so by back-channel.
    status, view = bff.me(page)
    assert status == 401 or (view["subject"], view["acr"]) == ("ada", "low")


@pytest.mark.parametrize("path", ["/manage/plugins/acp.local/reload"])
def test_what_needs_it(bff, page, path):
    if bff.stock:
        pytest.skip("the stock client guards nothing")
    bff.log_in(page)
    status, headers, body = bff.post(page, path)
    assert status == 401, body
    challenge = headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge and 'acr_values="high"' in challenge and 'max_age="180"' in challenge
    bff.step_up(page)
    assert bff.post(page, path)[0] not in (401, 403)
