"""Proves the bench by itself: stock openid-client lives with the good provider and refuses the hostile one."""

import json

import pytest

from bff import COOKIE, StockBff, with_upstream
from hostile_stages import CASES, ids, outcome
from server import wait_until


@pytest.fixture(scope="module", params=["bff-basic", "bff-key"])
def stock(request, folder):
    """Stock client and provider, `stock.upstream`; by each way of authenticating a client."""
    yield from with_upstream(folder / f"bench-{request.param}", StockBff(), request.param)


def test_login(stock, page):
    assert stock.log_in(page, return_to="/?a=b")["url"] == stock.url("/?a=b")
    status, view = stock.me(page)
    assert (status, view["subject"], view["roles"], view["acr"]) == (200, "ada", ["admin"], "low")
    assert page.cookie(COOKIE)["httpOnly"] and page.cookie(COOKIE)["sameSite"] == "Lax"
    pushed = stock.upstream.requests(route="pushed_authorization_request")[-1]
    assert pushed["status"] == 201 and pushed["params"]["code_challenge_method"] == "S256"


def test_wrong_password(stock, page):
    answer = stock.log_in(page, password="wrong")
    assert answer["status"] == 403 and "wrong user or password" in answer["text"]
    assert stock.url("/") not in answer["url"]


def test_refresh(stock, page):
    stock.log_in(page)
    before = len(stock.upstream.token_requests("refresh_token", status=200))
    assert [stock.refresh(page) for _ in range(2)] == [200, 200]
    used = [entry["params"]["refresh_token"] for entry in stock.upstream.token_requests("refresh_token", status=200)[before:]]
    assert len(used) == 2 and used[0] != used[1]
    stock.upstream.test("revoke")
    assert stock.refresh(page) == 401 and stock.subject(page) is None


def test_step_up(stock, page):
    stock.log_in(page)
    old, low = page.cookie(COOKIE)["value"], stock.me(page)[1]
    assert stock.step_up(page, return_to="/?up")["url"] == stock.url("/?up")
    high = stock.me(page)[1]
    assert high["acr"] == "high" and high["auth_time"] >= low["auth_time"]
    assert page.cookie(COOKIE)["value"] != old


def test_logout(stock, page):
    stock.log_in(page)
    status, _, body = stock.post(page, "/auth/logout")
    assert status == 200 and stock.subject(page) is None
    page.open(stock.url("/"))
    page.open(json.loads(body)["location"])
    assert page.submit("#logout")["url"] == stock.url("/")
    # The provider has forgotten as well.
    assert "/interaction/" in page.open(stock.url("/auth/login"))["url"]


def test_logout_at_the_provider(stock, browser):
    first, second = browser.page(), browser.page()
    stock.log_in(first)
    stock.log_in(second)
    first.open(stock.upstream.origin + "/session/end")
    first.submit("#logout")
    for one in (first, second):
        one.open(stock.url("/"))
    wait_until(lambda: stock.subject(first) is None, "the back-channel logout arrives")
    assert stock.subject(second) == "ada"


def test_keys_are_rotated(stock, page):
    stock.log_in(page)
    stock.upstream.test("rotate", keep=False)
    # The stock client asks for keys once a minute at most: one with old keys refuses, a new one does not.
    page.clear_cookies()
    assert "/auth/callback" in stock.log_in(page)["url"] and stock.subject(page) is None
    stock.stop()
    stock.resume()
    page.clear_cookies()
    assert stock.log_in(page)["url"] == stock.url("/")


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_hostile_case(hostile, folder, case):
    """The case does what it says: stock openid-client falls for those only that it does not look for."""
    bff = StockBff().start(folder / "bench-hostile", hostile.issuer(case["name"]), hostile.CLIENT, secret=hostile.SECRET)
    try:
        assert outcome(bff, hostile, case) == case.get("stock", case["expect"])
    finally:
        bff.stop()
