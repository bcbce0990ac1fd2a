"""POST /auth/refresh: one flight a session, and what the provider's faults do to it."""

import concurrent.futures

import pytest

from bff import COOKIE
from visitor import Visitor


@pytest.fixture
def visitor(bff, page):
    """Logged in as ada, without a browser from then on: so that many can ask at once."""
    bff.log_in(page)
    return clone(page.cookie(COOKIE)["value"])


def clone(cookie):
    one = Visitor()
    one.cookies["127.0.0.1", "/", COOKIE] = cookie
    return one


@pytest.fixture
def grants(upstream):
    """Refreshes that the provider was asked for since the test began."""
    before = len(upstream.token_requests("refresh_token"))
    return lambda: upstream.token_requests("refresh_token")[before:]


def test_refresh(bff, visitor, grants):
    assert [bff.refresh(visitor) // 100 for _ in range(3)] == [2, 2, 2]
    assert [entry["status"] for entry in grants()] == [200, 200, 200]
    # The provider rotates refresh tokens; the newest is the one that is used.
    assert len({entry["params"]["refresh_token"] for entry in grants()}) == 3
    assert bff.subject(visitor) == "ada"


def test_many_at_once_make_one_refresh(bff, upstream, visitor, grants):
    csrf = bff.me(visitor)[1]["csrf_token"]
    upstream.test("fault", path="/token", delay_ms=1500)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        clones = [clone(visitor.cookie(COOKIE)) for _ in range(20)]
        statuses = list(pool.map(lambda one: bff.post(one, "/auth/refresh", csrf)[0], clones))
    assert {status // 100 for status in statuses} == {2}, statuses
    assert [entry["status"] for entry in grants()] == [200]
    assert all(bff.subject(one) == "ada" for one in clones)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_provider_that_is_down_ends_nothing(bff, upstream, visitor, grants, status):
    upstream.test("fault", path="/token", status=status, times=1)
    assert bff.refresh(visitor) in (502, 503)
    assert bff.subject(visitor) == "ada"
    assert bff.refresh(visitor) // 100 == 2
    assert [entry["status"] for entry in grants()] == [200]


def test_invalid_grant_ends_the_session(bff, upstream, visitor, grants):
    upstream.test("revoke")
    assert bff.refresh(visitor) == 401
    assert bff.subject(visitor) is None
    assert [entry["status"] for entry in grants()] == [400]


@pytest.mark.parametrize("headers", [
    {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
], ids=str)
def test_a_request_of_another_site_is_refused(bff, visitor, grants, headers):
    status, _, _ = bff.post(visitor, "/auth/refresh", headers=headers)
    assert status == 403
    assert grants() == [] and bff.subject(visitor) == "ada"


def test_nobody_refreshes_without_a_session(bff, grants):
    assert bff.post(Visitor(), "/auth/refresh", csrf="x")[0] == 401
    assert grants() == []
