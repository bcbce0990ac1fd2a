"""`audit verify`: what it confirms, and that it finds what was changed behind the server's back."""

import json
import shutil
import sqlite3

import pytest

from server import StartFailed, run


def verify(server, data_dir=None, *options):
    options = (*options, "--data-dir", data_dir) if data_dir else options
    return server.command("audit", "verify", *options)


@pytest.fixture(scope="module")
def ended(server):
    """A server that has ended, with runs of all kinds in its ledger."""
    server.start_workload("audited")
    for number in range(10):
        server.exec("audited", "/bin/sh", "-c", f"exit {number}")
    assert server.post("/manage/workloads/unknown/stop", {}).status == 404
    server.post("/manage/workloads/audited/stop", {}, token=server.token("read:infrastructure"))
    server.ok("DELETE", "/manage/workloads/audited")
    server.stop()
    return server


@pytest.fixture
def copy(ended, tmp_path):
    """A copy of the data directory; `copy(*statements)` edits its ledger."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    for file in ended.data_dir.glob("ledger.db*"):
        shutil.copy(file, data_dir)

    def edit(*statements):
        connection = sqlite3.connect(data_dir / "ledger.db", isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        changed = connection.total_changes
        connection.close()
        assert changed or not statements, "the edit changed nothing"
        return data_dir

    return edit


def test_a_live_server(make_server):
    own = make_server()
    for _ in range(3):
        own.start_workload("live")
        done = verify(own)
        assert done.returncode == 0 and done.stdout.startswith("intact: "), done
    report = json.loads(verify(own, None, "--json").stdout)
    assert report["intact"] is True and report["problems"] == [] and report["runs"] == 3
    assert report["open_runs"] == 0 and report["links"] > report["runs"] + report["events"]
    # And the server goes on.
    own.start_workload("live")


def test_an_untouched_copy(ended, copy):
    done = verify(ended, copy(), "--json")
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    assert report["intact"] and report["runs"] == 13 and report["events"] >= 2


ONE_RUN = "(SELECT id FROM workload_runs WHERE action = 'exec' ORDER BY id LIMIT 1 OFFSET 4)"
EDITS = {column: f"UPDATE workload_runs SET {column} = {value} WHERE id = {ONE_RUN}" for column, value in {
    "user_id": "'nobody'", "action": "'start'", "target": "'other'", "started_at": "'2001-01-01T00:00:00.000Z'",
    "payload": "'{}'", "status": "'failed'", "result": "'{}'", "error": "'x'",
    "finished_at": "'2001-01-01T00:00:00.000Z'", "request_id": "NULL",
    "duration_ms": "duration_ms + 1", "organization_id": "'o'",
}.items()}


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_run(ended, copy, column):
    found(ended, copy(EDITS[column]), "row_edited")


def found(server, data_dir, kind):
    done = verify(server, data_dir, "--json")
    assert done.returncode == 1, done
    report = json.loads(done.stdout)
    assert report["intact"] is False and report["problem_count"] >= 1
    assert kind in [problem["kind"] for problem in report["problems"]], report
    assert all(problem["detail"] for problem in report["problems"])
    text = verify(server, data_dir)
    assert text.returncode == 1 and text.stdout.startswith("NOT INTACT: ") and kind in text.stdout
    return report


LAST = "(SELECT max(seq) FROM ledger_chain)"
CASES = {
    "deleted run": ("row_missing", [f"DELETE FROM workload_runs WHERE id = {ONE_RUN}"]),
    "deleted event": ("row_missing", [
        "DELETE FROM security_audit_events WHERE id = (SELECT min(id) FROM security_audit_events)"]),
    "edited event": ("row_edited", ["UPDATE security_audit_events SET actor = 'x' WHERE kind = 'request.denied'"]),
    "deleted link": ("link_missing", ["DELETE FROM ledger_chain WHERE seq = 5"]),
    "edited link": ("link_edited", ["UPDATE ledger_chain SET digest = row_hash WHERE seq = 5"]),
    "run and link deleted": ("link_missing", [f"DELETE FROM ledger_chain WHERE seq = {ONE_RUN}",
                                              f"DELETE FROM workload_runs WHERE id = {ONE_RUN}"]),
    "slipped-in run": ("row_unlinked", [
        "INSERT INTO workload_runs (run_uid, started_at, status, action, actor_kind, prev_hash, row_hash)"
        " VALUES ('x', '2026-01-01T00:00:00.000Z', 'succeeded', 'start', 'user', '', '')"]),
    "outcome taken back": ("row_edited", [
        f"UPDATE workload_runs SET status = 'running', finished_at = NULL WHERE id = {ONE_RUN}"]),
    "cut tail": ("tail_cut", [f"DELETE FROM ledger_chain WHERE seq > {LAST} - 4"]),
    "cut tail, rows too": ("tail_cut", [
        f"DELETE FROM workload_runs WHERE id > {LAST} - 4", f"DELETE FROM security_audit_events WHERE id > {LAST} - 4",
        f"DELETE FROM ledger_chain WHERE seq > {LAST} - 4"]),
    "cut tail, head set back": ("tail_cut", [
        f"DELETE FROM workload_runs WHERE id > {LAST} - 4", f"DELETE FROM security_audit_events WHERE id > {LAST} - 4",
        f"DELETE FROM ledger_chain WHERE seq > {LAST} - 4",
        "UPDATE ledger_head SET (seq, row_hash) = (SELECT seq, row_hash FROM ledger_chain ORDER BY seq DESC LIMIT 1)"]),
    "no head": ("head_wrong", ["DELETE FROM ledger_head"]),
    "emptied": ("genesis_wrong", [
        "DELETE FROM workload_runs", "DELETE FROM security_audit_events", "DELETE FROM ledger_chain"]),
}


@pytest.mark.parametrize("case", CASES)
def test_tampering(ended, copy, case):
    kind, statements = CASES[case]
    found(ended, copy(*statements), kind)


def test_a_problem_names_its_run(ended, copy):
    data_dir = copy(EDITS["user_id"])
    connection = sqlite3.connect(data_dir / "ledger.db")
    (run_uid,) = connection.execute("SELECT run_uid FROM workload_runs WHERE user_id = 'nobody'").fetchone()
    connection.close()
    problems = found(ended, data_dir, "row_edited")["problems"]
    assert [problem["run_uid"] for problem in problems] == [run_uid]


def test_a_server_does_not_go_on_from_a_cut_chain(make_server):
    own = make_server()
    own.start_workload("cut")
    own.ok("DELETE", "/manage/workloads/cut")
    own.stop()
    connection = sqlite3.connect(own.data_dir / "ledger.db", isolation_level=None)
    for statement in CASES["cut tail, head set back"][1]:
        connection.execute(statement)
    connection.close()
    with pytest.raises(StartFailed) as failed:
        own.start()
    assert failed.value.code == 1 and "audit verify" in failed.value.stderr


def test_no_ledger(ended, tmp_path):
    done = verify(ended, tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert str(tmp_path / "ledger.db") in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_database(ended, tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 1000)
    done = verify(ended, tmp_path)
    assert done.returncode == 1 and done.stdout == "" and "ledger.db" in done.stderr


def test_without_a_configuration(tmp_path):
    done = run("audit", "verify", "--config", tmp_path / "missing.yaml")
    assert done.returncode == 1 and "missing.yaml" in done.stderr
