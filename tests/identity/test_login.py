"""Logging in at an OpenID Provider: /auth/login, /auth/callback, /auth/me."""

import urllib.parse

import pytest

from bff import COOKIE
from hostile_stages import MARKUP, check_refusal, go
from visitor import Visitor


def callback_of(bff, visitor, query=""):
    """The URL that the quick provider sends the visitor back with, not yet asked for."""
    answer = visitor.open(bff.url("/auth/login" + query), until=bff.url("/auth/callback"))
    return answer.location


def test_login(bff, page):
    assert bff.log_in(page, return_to="/?a=b%26c")["url"] == bff.url("/?a=b%26c") or page.url() == bff.url("/?a=b&c")
    status, view = bff.me(page)
    assert status == 200
    assert (view["subject"], view["email"], view["acr"]) == ("ada", "ada@example.org", "low")
    assert "admin" in view["roles"] and view["csrf_token"] and view["expires_at"] > view["auth_time"] > 0
    cookie = page.cookie(COOKIE)
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    # Without a Domain attribute: no other host of the site gets it.
    assert not cookie["domain"].startswith(".")


def test_roles_are_the_provider_s(bff, page):
    bff.log_in(page, "bob", "builder")
    assert bff.me(page)[1]["roles"] == ["viewer"]


def test_what_the_provider_is_asked(bff, upstream, page):
    at_provider = page.open(bff.url("/auth/login?return_to=/"))["url"]
    assert at_provider.startswith(upstream.origin)
    pushed = upstream.requests(route="pushed_authorization_request")[-1]
    wanted = pushed["params"]
    assert (wanted["response_type"], wanted["code_challenge_method"]) == ("code", "S256")
    assert wanted["redirect_uri"] == bff.url("/auth/callback") and "openid" in wanted["scope"].split()
    # 128 bits at least, and no two alike.
    assert len({wanted["state"], wanted["nonce"], wanted["code_challenge"]}) == 3
    assert all(len(wanted[name]) >= 22 for name in ("state", "nonce", "code_challenge"))
    # What was pushed does not pass through the browser.
    front = next(url for url in page.requests() if urllib.parse.urlsplit(url).path == "/auth" and url.startswith(upstream.origin))
    assert set(urllib.parse.parse_qs(urllib.parse.urlsplit(front).query)) == {"client_id", "request_uri"}


def test_private_key_jwt(keyed_bff, page):
    assert keyed_bff.log_in(page)["url"] == keyed_bff.url("/")
    assert keyed_bff.subject(page) == "ada"
    used = keyed_bff.upstream.token_requests("authorization_code", status=200)[-1]
    assert not used["basic"] and "client_secret" not in used["params"] and used["params"]["client_assertion"]


def test_nobody_is_logged_in(bff):
    for cookie in (None, "", "garbage", "x" * 3000, "../../etc/passwd"):
        visitor = Visitor()
        if cookie is not None:
            visitor.cookies["127.0.0.1", "/", COOKIE] = cookie
        answer = visitor.get(bff.url("/auth/me"))
        assert answer.status == 401 and "json" in answer.headers["Content-Type"], answer


def test_cancelled_at_the_provider(bff, page):
    page.open(bff.url("/auth/login"))
    answer = page.submit("#cancel")
    assert answer["status"] >= 400 and answer["url"].startswith(bff.origin), answer
    page.open(bff.url("/auth/me"))
    assert bff.subject(page) is None


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "/%5Cevil.example", "/%09/evil.example",
    "javascript:alert(1)", "evil.example", "http:evil.example", "/ok%0d%0aSet-Cookie:%20a=b", "%00", "",
])
def test_return_to_is_local(quick_bff, target):
    visitor = Visitor()
    answer = visitor.open(quick_bff.url("/auth/login?return_to=" + target), until=quick_bff.url("/auth/callback"))
    if answer.location is None:
        assert answer.status == 400, answer
        return
    back = visitor.get(answer.location)
    assert back.location and back.location.startswith(quick_bff.origin + "/"), back
    where = back.headers["Location"]
    assert "\\" not in where and not where.startswith("//") and "evil" not in urllib.parse.urlsplit(back.location).netloc
    assert all(name in (COOKIE, "acp_login") for _, _, name in visitor.cookies)


def test_a_code_is_used_once(quick_bff, hostile):
    visitor = Visitor()
    callback = callback_of(quick_bff, visitor)
    assert visitor.get(callback).location
    before = hostile.seen("good")["requests"]["token"]
    again = visitor.get(callback)
    check_refusal(again)
    assert hostile.seen("good")["requests"]["token"] == before, "a code was presented twice"
    assert quick_bff.subject(visitor) == "eve"


def test_an_answer_meant_for_another_browser(quick_bff, hostile):
    # Login CSRF: the attacker has the victim finish the attacker's login (RFC 6749 section 10.12).
    callback = callback_of(quick_bff, Visitor())
    before = hostile.seen("good")["requests"].get("token", 0)
    victim = Visitor()
    check_refusal(victim.get(callback))
    assert quick_bff.subject(victim) is None
    # Neither does one that has begun a login itself.
    busy = Visitor()
    callback_of(quick_bff, busy)
    check_refusal(busy.get(callback))
    assert quick_bff.subject(busy) is None
    assert hostile.seen("good")["requests"].get("token", 0) == before


def changed(url, **params):
    parts = urllib.parse.urlsplit(url)
    query = {name: values[0] for name, values in urllib.parse.parse_qs(parts.query).items()}
    query.update(params)
    text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    return urllib.parse.urlunsplit(parts._replace(query=text))


@pytest.mark.parametrize("params", [
    {"state": None}, {"state": "x"}, {"code": None}, {"code": "stolen"}, {"code": ""}, {"iss": None}, {"iss": "http://127.0.0.2:1/good"},
    {"code": None, "error": "<script>alert(1)</script>"},
], ids=str)
def test_callback_is_strict(quick_bff, params):
    visitor = Visitor()
    answer = visitor.get(changed(callback_of(quick_bff, visitor), **params))
    check_refusal(answer)
    assert quick_bff.subject(visitor) is None


def test_session_is_not_the_visitor_s_choice(quick_bff):
    # Session fixation: the cookie that was there before is not the one that is logged in.
    visitor = Visitor()
    visitor.cookies["127.0.0.1", "/", COOKIE] = "Zml4YXRlZC1ieS10aGUtYXR0YWNrZXItMDAwMDAwMDA"
    go(quick_bff, visitor)
    assert quick_bff.subject(visitor) == "eve"
    assert visitor.cookie(COOKIE) != "Zml4YXRlZC1ieS10aGUtYXR0YWNrZXItMDAwMDAwMDA"


def test_a_second_login_ends_the_first_session(quick_bff):
    visitor, _ = go(quick_bff)
    old = visitor.cookie(COOKIE)
    go(quick_bff, visitor)
    assert visitor.cookie(COOKIE) != old
    thief = Visitor()
    thief.cookies["127.0.0.1", "/", COOKIE] = old
    assert quick_bff.subject(thief) is None


def test_an_error_s_text_is_text(make_bff, hostile, page):
    bff = make_bff(hostile.issuer("response-error-html"), hostile.CLIENT, secret=hostile.SECRET)
    answer = page.open(bff.url("/auth/login"))
    assert answer["url"].startswith(bff.origin) and answer["status"] >= 400
    assert page.dialogs() == [] and not any(mark + ">" in page.html().lower() for mark in MARKUP)
    assert not any(url.endswith("/x") for url in page.requests())
