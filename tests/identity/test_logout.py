"""Logout here, at the provider, and from it; the list of one's sessions."""

import json

import pytest

from bff import COOKIE
from server import wait_until
from visitor import Visitor


def test_logout(bff, page):
    bff.log_in(page)
    cookie = page.cookie(COOKIE)["value"]
    status, _, body = bff.post(page, "/auth/logout")
    assert status == 200 and page.cookie(COOKIE) is None
    # The cookie is not only gone from the browser.
    thief = Visitor()
    thief.cookies["127.0.0.1", "/", COOKIE] = cookie
    assert bff.subject(thief) is None
    # RP-initiated logout: the provider's page, and back.
    page.open(json.loads(body)["location"])
    assert page.submit("#logout")["url"].split("?")[0] == bff.url("/")
    assert "/interaction/" in page.open(bff.url("/auth/login"))["url"]


@pytest.mark.parametrize("headers", [
    {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
], ids=str)
def test_a_request_of_another_site_is_refused(bff, page, headers):
    bff.log_in(page)
    visitor = Visitor()
    visitor.cookies["127.0.0.1", "/", COOKIE] = page.cookie(COOKIE)["value"]
    assert bff.post(visitor, "/auth/logout", headers=headers)[0] == 403
    assert bff.subject(page) == "ada"


def test_another_site_s_script(bff, upstream, page):
    bff.log_in(page)
    page.open(upstream.origin + "/.well-known/openid-configuration")
    options = {"method": "POST", "mode": "no-cors", "credentials": "include"}
    page.fetch_with(url=bff.url("/auth/logout"), options=options)
    page.open(bff.url("/auth/me"))
    assert bff.subject(page) == "ada"


def test_no_logout_by_get(bff, page):
    bff.log_in(page)
    assert page.fetch("GET", "/auth/logout")["status"] in (404, 405)
    assert bff.subject(page) == "ada"


def test_logout_at_the_provider(bff, upstream, browser):
    here, elsewhere = browser.page(), browser.page()
    for one in (here, elsewhere):
        bff.log_in(one)
    here.open(upstream.origin + "/session/end")
    here.submit("#logout")
    for one in (here, elsewhere):
        one.open(bff.url("/auth/me"))
    wait_until(lambda: bff.subject(here) is None, "the back-channel logout arrives")
    # It names a session (sid), not a user.
    assert bff.subject(elsewhere) == "ada"
    for one in (here, elsewhere):
        one.close()


def sessions(bff, agent):
    answer = agent.fetch("GET", "/auth/sessions")
    assert answer["status"] == 200, answer
    return json.loads(answer["body"])["items"]


def test_sessions(bff, browser):
    first, second, other = browser.page(), browser.page(), browser.page()
    bff.log_in(first)
    bff.log_in(second)
    bff.log_in(other, "bob", "builder")
    csrf = {"X-CSRF-Token": bff.me(first)[1]["csrf_token"]}
    mine = next(one["id"] for one in sessions(bff, first) if one["current"])
    second_id = next(one["id"] for one in sessions(bff, second) if one["current"])
    ids = [one["id"] for one in sessions(bff, first)]
    assert mine in ids and second_id in ids
    # What names a session in a list does not open it.
    cookies = {page.cookie(COOKIE)["value"] for page in (first, second)}
    assert not cookies & set(ids)
    # Somebody else's is not there.
    theirs = next(one["id"] for one in sessions(bff, other) if one["current"])
    assert theirs not in ids
    assert first.fetch("DELETE", f"/auth/sessions/{theirs}", csrf)["status"] == 404
    assert bff.subject(other) == "bob"
    assert first.fetch("DELETE", f"/auth/sessions/{second_id}")["status"] == 403
    assert first.fetch("DELETE", f"/auth/sessions/{second_id}", csrf)["status"] in (200, 204)
    assert bff.subject(second) is None and bff.subject(first) == "ada"
    for one in (first, second, other):
        one.close()
