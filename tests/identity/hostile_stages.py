"""What a visitor does with a case of the hostile provider, and what came of it, in the words of hostile_cases.json.

`bff` is any server with our routes whose provider is the case."""

import json
import pathlib

from visitor import Visitor

CASES = json.loads((pathlib.Path(__file__).parent / "hostile_cases.json").read_text())
MARKUP = ("<script", "<img", "javascript:")


def ids(case):
    return f"{case['stage']}-{case['name']}"


def go(bff, visitor=None, path="/auth/login"):
    """Through a login; gives the visitor and the last answer, that of our server."""
    visitor = visitor or Visitor()
    return visitor, visitor.open(bff.url(f"{path}?return_to=/done"), until=bff.url("/done"))


def logged_in(bff):
    visitor, answer = go(bff)
    assert bff.subject(visitor) == "eve", answer
    return visitor


def check_refusal(answer):
    """A refusal is an answer of ours or the provider's, and passes no markup on."""
    assert answer.status >= 400, answer
    if "html" in answer.headers.get("Content-Type", ""):
        assert not any(mark in answer.text.lower() for mark in MARKUP), answer


def login(bff, *_):
    visitor, answer = go(bff)
    subject = bff.subject(visitor)
    if subject is not None:
        assert subject == "eve", subject
        return "accepted"
    check_refusal(answer)
    return "refused"


def second_login(bff, *_):
    logged_in(bff)
    return login(bff)


def refresh(bff, *_):
    visitor = logged_in(bff)
    status = bff.refresh(visitor)
    assert status >= 400, status
    after = bff.subject(visitor)
    assert after in ("eve", None)
    if after:
        assert status != 401
    return "stays" if after else "ends"


def stepup(bff, *_):
    visitor = logged_in(bff)
    _, answer = go(bff, visitor, "/auth/stepup")
    status, view = bff.me(visitor)
    assert status == 200 and view["subject"] == "eve", view
    if view["acr"] == "high":
        return "accepted"
    check_refusal(answer)
    return "refused"


def logout(bff, hostile, name):
    visitor = logged_in(bff)
    status, headers, body = bff.post(visitor, "/auth/logout")
    assert status == 200, body
    assert json.loads(body)["location"].startswith(hostile.issuer(name) + "/end_session?")
    return "stays" if bff.subject(visitor) else "ends"


def present(bff, token):
    return Visitor().request("POST", bff.url("/auth/backchannel-logout"), body={"logout_token": token})


def logout_token(bff, hostile, name):
    visitor = logged_in(bff)
    answer = present(bff, hostile.logout_token(name))
    after = bff.subject(visitor)
    assert answer.headers.get("Cache-Control") == "no-store", answer
    if after is None:
        assert answer.status in (200, 204), answer
    return "stays" if after else "ends"


def logout_token_replay(bff, hostile, name):
    visitor = logged_in(bff)
    token = hostile.logout_token(name, sid=None)
    assert present(bff, token).status in (200, 204) and bff.subject(visitor) is None
    again = logged_in(bff)
    assert present(bff, token).status == 400
    return "stays" if bff.subject(again) else "ends"


STAGES = {"login": login, "second-login": second_login, "refresh": refresh, "stepup": stepup, "logout": logout, "logout-token": logout_token,
          "logout-token-replay": logout_token_replay}


def outcome(bff, hostile, case):
    """Runs the case; "followed" when something went after the provider to the canary, whatever came of it."""
    name = case["name"]
    before = hostile.test(f"reset/{name}")["canary"]
    result = STAGES[case["stage"]](bff, hostile, name)
    seen = hostile.seen(name)
    if seen["canary"] != before:
        return "followed"
    assert seen["requests"].get("jwks", 0) <= 6, seen
    if asked := case.get("unless_unasked"):
        result = result if seen["requests"].get(asked) else case["expect"]
    return result
