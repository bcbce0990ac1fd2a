"""Secrets that pass through the server stay out of its database, log and answers."""

import pytest

from server import Server

NAME = "/manage/workloads/canaries"


def canary(what):
    return f"canary-{what}-4711"


@pytest.fixture(scope="module")
def server():
    one = Server(log={"level": "trace"})
    try:
        yield one.start()
    finally:
        one.discard()


def act(server, method, rest, body, status=200):
    """An action and its replay, which must come from what was stored."""
    headers = {"Idempotency-Key": f"{method}{rest}".replace("/", "-")}
    answer = server.request(method, NAME + rest, body, headers=headers)
    assert answer.status == status, answer
    again = server.request(method, NAME + rest, body, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    return answer, again


@pytest.fixture(scope="module")
def answers(server):
    """Everything that the API says about actions full of secrets."""
    told = []
    told += act(server, "POST", "/start", {
        "command": ["/bin/sh", "-c", "exec sleep 100000", "sh", f"--password={canary('flag')}",
                    "--secret-key", canary("next"), f"postgres://user:{canary('url')}@db/app",
                    f"-H=Authorization: Bearer {canary('bearer')}"],
        "env": {"DB_PASSWORD": canary("password"), "API_TOKEN": canary("token"), "PLAIN": "seen-plain",
                "DATABASE_URL": f"postgres://user:{canary('dsn')}@db/app"},
        "labels": {"api-key": canary("label")},
    })
    told += act(server, "PATCH", "/config", {"env": {"CACHE_PASSWORD": canary("patch")}})
    shown, replayed = act(server, "POST", "/exec", {
        "command": ["/bin/sh", "-c", "cat; echo $DB_PASSWORD; echo $API_TOKEN >&2; : --token=$X", "sh",
                    f"--password={canary('flag')}", f"MYSQL_PWD={canary('assigned')}"],
        "stdin": canary("stdin")})
    # The caller gets the output, this once.
    assert shown.json["result"]["stdout"] == canary("stdin") + canary("password") + "\n"
    assert shown.json["result"]["stderr"] == canary("token") + "\n"
    told.append(replayed)
    told += act(server, "POST", "/exec?provider=local", {
        "command": ["/no/such/program", f"--password={canary('failing')}"], "stdin": canary("unread")}, status=400)
    told.append(server.get(NAME))
    told.append(server.get(NAME + "/config"))
    told.append(server.get(f"/manage/runs?api_token={canary('query')}"))
    told.append(server.post(NAME + f"/stop?password={canary('denied')}", {}, token=server.token("read:infrastructure")))
    told.append(server.get("/manage/runs", token=canary("bad-token")))
    told.append(server.get("/manage/runs?limit=500"))
    told.append(server.get("/manage/audit/events?limit=500"))
    for row in server.ok("GET", "/manage/runs?limit=500")["items"]:
        told.append(server.get(f"/manage/runs/{row['run_id']}"))
    return [answer.body.decode() for answer in told]


def test_answers(answers):
    for text in answers:
        assert "canary-" not in text


def test_what_is_no_secret_is_told(server, answers):
    row = server.ok("GET", "/manage/runs?action=start")["items"][0]
    assert row["payload"]["env"]["PLAIN"] == "seen-plain"
    assert set(row["payload"]["env"]) == {"DB_PASSWORD", "API_TOKEN", "PLAIN", "DATABASE_URL"}
    assert row["payload"]["command"][:3] == ["/bin/sh", "-c", "exec sleep 100000"]
    assert row["idempotency_key"] == "POST-start"
    executed = server.ok("GET", "/manage/runs?action=exec&status=succeeded")["items"][0]
    assert executed["payload"]["stdin_bytes"] == len(canary("stdin"))
    assert set(executed["result"]["stdout"]) == {"bytes", "sha256", "truncated"}


def test_a_configuration_that_was_shown_is_not_taken_back(server, answers):
    shown = server.ok("GET", NAME + "/config")
    assert shown["env"]["PLAIN"] == "seen-plain" and shown["env"]["DB_PASSWORD"] == "[redacted]"
    answer = server.request("PATCH", NAME + "/config", shown)
    assert (answer.status, answer.code) == (400, "invalid_body")
    assert {"/env/DB_PASSWORD", "/env/DATABASE_URL"} <= {error["pointer"] for error in answer.json["errors"]}
    server.ok("PATCH", NAME + "/config", {"env": {"PLAIN": "changed"}})
    assert server.exec("canaries", "printenv", "DB_PASSWORD")["stdout"] == canary("password") + "\n"


def test_files_and_log(server, answers):
    secrets = [part.encode() for token in server.tokens.values() for part in token.split(".")[1:]]

    def check():
        files = [server.log, *server.data_dir.glob("ledger.db*")]
        assert len(files) >= 3
        for file in files:
            data = file.read_bytes()
            assert b"canary-" not in data, f"{file}: {data[data.index(b'canary-') - 200:][:400]}"
            assert not any(secret in data for secret in secrets), file
        return files

    assert any("-wal" in file.name for file in check())
    server.restart()
    check()


def test_what_the_provider_keeps_is_private(server, answers):
    # A spec must survive a restart, so its variables are on disk: behind closed doors.
    folder = server.data_dir / "plugins"
    files = [file for file in folder.rglob("*") if file.is_file()]
    holders = [file for file in files if canary("password").encode() in file.read_bytes()]
    assert holders
    assert folder.stat().st_mode & 0o077 == 0 or server.data_dir.stat().st_mode & 0o077 == 0
    for file in holders:
        assert file.stat().st_mode & 0o077 == 0, file
