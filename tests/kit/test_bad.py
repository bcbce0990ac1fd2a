"""Each plugin of tests/fixtures/bad fails, and for its own reason."""

import fnmatch

import pytest

from conftest import LIBRARIES, ROOT, command

BAD = LIBRARIES / "bad-conduct"

# file: checks that must fail, what else may, words of the first one's report
FAULTS = {
    "entry_throws": (["entry.call"], [], "no licence"),
    "entry_hangs": (["entry.call"], [], "hang"),
    "entry_null": (["entry.call"], [], "NULL"),
    "entry_side_effects": (["entry.pure"], [], "/dev/null"),
    "entry_changes": (["entry.repeatable"], [], "address"),
    "load_side_effects": (["entry.load.pure"], [], "signal"),
    "init_crashes": (["entry.init"], [], "signal SEGV"),
    "init_exits": (["entry.init"], [], "exit code 0"),
    "init_exits_at_once": (["entry.init"], [], "exit code 7"),
    "init_hangs": (["entry.init"], [], "hang"),
    "bad_version": (["entry.version"], [], "v1"),
    "bad_schema": (["entry.config_schema"], ["provider.create.unknown_members"], "JSON"),
    "any_interface": (["entry.interfaces.unknown_is_null"], [], "NULL"),
    "extra_symbols": (["entry.symbols"], [], "fixture_of_everybody"),
    "deinit_leaves_thread": (["entry.deinit"], [], "threads"),
    "config_accepted": (["provider.create.garbage_config"], ["provider.create.error_sizes"], "accepted"),
    "destroy_leaks_thread": (["provider.leaks.threads"], ["provider.leaks.memory"], "threads go on"),
    "destroy_leaks_descriptors": (["provider.leaks.descriptors"], [], "/dev/null"),
    "destroy_leaks_memory": (["provider.leaks.memory"], [], "bytes more"),
    "crashes_on_short_call": (["provider.call.struct_sizes"], [], "signal SEGV"),
    "reads_past_struct": (["provider.create.struct_sizes"], [], "signal SEGV"),
    "ignores_cancellation": (["provider.cancel.before"], ["provider.cancel.*"], "goes on after"),
    "unknown_is_success": (["provider.status.unknown_is_not_found"],
                           ["provider.odd_ids", "provider.remove.forgets", "provider.host.*_throws"], "ACP_OK"),
    "capability_lies": (["provider.capabilities.truthful"], ["provider.metrics.*"], "next release"),
    "capability_missing": (["provider.capabilities.complete"], ["provider.capabilities.truthful"], "rotate_secret"),
    "error_without_message": (["provider.errors.message"], ["provider.storm"], "alone"),
    "error_not_utf8": (["provider.errors.utf8"], ["provider.odd_ids"], "\\xe4"),
    "error_out_of_range": (["provider.errors.status"],
                           ["provider.restart.*", "provider.capabilities.truthful", "provider.errors.*", "provider.deadline.*",
                            "provider.cancel.*", "provider.storm"], "4711"),
    "throws_across": (["provider.restart.unknown_is_not_found"], ["provider.*"], "no such workload"),
    "list_unordered": (["provider.list.consistent"], [], "order"),
    "one_call_at_a_time": (["provider.storm"], [], "busy"),
    "dies_of_throwing_log": (["provider.host.log_throws"], [], "signal ABRT"),
    "finishes_twice": (["logs.finish_once"], ["logs.*"], "more than once"),
    "writes_after_finish": (["logs.finish_once"], ["logs.*"], "behind its own finish"),
    "ignores_credit": (["logs.backpressure"], [], "drops"),
    "spins_for_credit": (["logs.backpressure"], [], "in a row"),
    "keeps_stream": (["logs.finish_once", "logs.cancel.closes_once"], ["logs.*"], "give its stream back"),
    "releases_twice": (["logs.failure_keeps_reference"], ["logs.*"], "reference"),
    "log_form": (["logs.line_form"], [], "a line"),
    "exec_outlives_listener": (["exec.cancel.closes_once"], ["exec.*", "entry.deinit"], "give its stream back"),
    "health_silent": (["health.one_report"], ["health.*"], "one report"),
    "routes_late_head": (["routes.handle.head_first"], ["routes.handle.*", "routes.leaks.streams"], "head"),
    "flow_decides_twice": (["flow.decision.once"], ["flow.storm", "flow.host.outage", "flow.handle.unknown_operation"], "2 decisions"),
    "flow_never_decides": (["flow.decision.once"], ["flow.storm", "flow.host.outage", "flow.handle.unknown_operation"], "0 decisions"),
    "flow_throws": (["flow.decision.once"], ["flow.*"], "let something out"),
    "flow_reads_past_struct": (["flow.handle.struct_sizes"], [], "signal SEGV"),
    "flow_admits_strangers": (["flow.strangers"], [], "GRANT"),
    "flow_believes_fields": (["flow.authenticate.forged"], [], "GRANT"),
    "flow_tells_secrets": (["flow.secrets"], [], "SECRET"),
    "flow_foreign_location": (["flow.decision.well_formed"], [], "not local"),
    "flow_path_outside": (["flow.describe.well_formed"], [], "below /auth"),
    "flow_grants_unknown": (["flow.handle.unknown_operation"], [], "GRANT"),
    "flow_ignores_cancellation": (["flow.deadline"], ["flow.*"], "goes on after"),
    "flow_refuses_badly": (["flow.decision.well_formed"], [], "error_code"),
}


def test_each_source_is_in_the_table():
    sources = {path.stem for path in (ROOT / "tests/fixtures/bad").glob("*.cpp")}
    assert sources - {"sound"} == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_fault(validate, name):
    required, allowed, words = FAULTS[name]
    verdict = validate(BAD / f"{name}.so", "--timeout-s", 8)
    failed = verdict.of("failed")
    assert verdict.code == 1
    assert set(required) <= failed, failed
    others = {id for id in failed - set(required) if not any(fnmatch.fnmatch(id, glob) for glob in allowed)}
    assert not others, {id: verdict.checks[id] for id in others}
    first = verdict.checks[required[0]]
    assert words in " ".join((first["message"], first["expected"], first["found"])), first
    for id in failed:
        check = verdict.checks[id]
        assert check["message"] and check["expected"] and check["found"], check


def test_a_declared_quirk_passes(validate, tmp_path):
    quirks = tmp_path / "quirks.json"
    quirks.write_text('{"provider.list.consistent": "the backend lists them backwards"}')
    verdict = validate(BAD / "list_unordered.so", "--quirks", quirks, "--timeout-s", 8)
    assert verdict.code == 0 and verdict.of("quirk") == {"provider.list.consistent"}
    assert verdict.checks["provider.list.consistent"]["reason"] == "the backend lists them backwards"


def test_a_crash_may_be_a_quirk_too(validate, tmp_path):
    quirks = tmp_path / "quirks.yaml"
    quirks.write_text("provider.host.log_throws: our host never throws\n")
    verdict = validate(BAD / "dies_of_throwing_log.so", "--quirks", quirks, "--timeout-s", 8)
    assert verdict.code == 0 and verdict.of("quirk") == {"provider.host.log_throws"}


def test_what_the_plugin_prints_is_not_in_the_report():
    done = command(BAD / "init_crashes.so", "--timeout-s", 8)
    assert done.returncode == 1
    assert all(line.startswith(("passed", "FAILED", "n/a")) for line in done.stdout.splitlines()[:-2])
