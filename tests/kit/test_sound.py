"""Plugins that have to pass: the product's, the template, and the tests' sound ones."""

import json
import pathlib

import pytest

from conftest import LIBRARIES, ROOT, command

PLUGINS = LIBRARIES / "plugins"
FIXTURES = LIBRARIES / "test-plugins"


def test_local(validate):
    verdict = validate(PLUGINS / "local.so")
    assert verdict.of("failed") == set(), verdict.report
    assert verdict.of("quirk") == set()
    # All of it was really made, workloads included.
    assert {id for id in verdict.of("not_applicable") if not id.startswith(("routes.", "flow."))} == {
        "provider.rotate_secret.unknown_is_not_found"}


def test_docker_without_an_engine(validate, tmp_path):
    verdict = validate(PLUGINS / "docker.so", "--config", json.dumps({"socket": str(tmp_path / "none.sock")}))
    assert verdict.of("failed") == set(), verdict.report
    assert "provider.start.status" in verdict.of("not_applicable")
    assert verdict.checks["health.one_report"]["outcome"] == "passed"


def test_template(validate):
    verdict = validate(FIXTURES / "memory_provider.so")
    assert verdict.of("failed") == set(), verdict.report


def test_routes(validate):
    verdict = validate(FIXTURES / "greeter_routes.so", "--quirks", ROOT / "tests/providers/quirks/greeter_routes.yaml")
    assert verdict.of("failed") == set(), verdict.report
    assert verdict.of("quirk") == {"routes.well_formed"}
    assert verdict.report["stale_quirks"] == 0


PROVIDER = {"id": "main", "issuer": "https://idp.example", "client_id": "cp", "client_secret": "s", "acr_values": {"high": "strong"}}
FLOWS = {
    "m2m": {},
    "agent-identity": {"agents": [{"id": "triage", "clients": ["runner"]}]},
    "device": {},
    "bff": {"redirect_uri": "https://cp.example/auth/callback", "providers": [PROVIDER]},
    "stepup": {"redirect_uri": "https://cp.example/auth/stepup/callback", "providers": [PROVIDER]},
    "pomerium": {"issuer": "cp.example", "audience": "cp.example", "jwks_url": "https://cp.example/keys"},
    "cloudflare-access": {"team_url": "https://team.example", "audience": "tag"},
}


@pytest.mark.parametrize("flow", FLOWS)
def test_flows(validate, flow):
    verdict = validate(PLUGINS / f"{flow}.so", "--config", json.dumps(FLOWS[flow]))
    assert verdict.of("failed") == set(), verdict.report
    assert {id for id in verdict.of("not_applicable") if id.startswith("flow.")} <= {"flow.strangers", "flow.authenticate.forged"}


def test_sound_fixture(validate):
    verdict = validate(LIBRARIES / "bad-conduct/sound.so")
    assert verdict.of("failed") == set(), verdict.report


def test_plugin_of_the_frozen_headers(validate):
    verdict = validate(FIXTURES / "frozen_v1_0.so")
    assert verdict.of("failed") == set(), verdict.report
    assert {"provider.create", "health.one_report", "provider.create.struct_sizes"} <= verdict.of("passed")


@pytest.mark.parametrize("plugin", ["newer_minor", "next_major", "no_entry", "short_entry", "no_functions", "missing_library"])
def test_plugins_that_do_not_load(validate, plugin):
    expected = {"newer_minor": "entry.abi_minor", "next_major": "entry.call", "no_entry": "entry.call",
                "short_entry": "entry.struct_size", "no_functions": "entry.functions", "missing_library": "entry.load"}
    assert expected[plugin] in validate(LIBRARIES / f"bad-plugins/{plugin}.so").of("failed")


def test_lines_and_summary():
    done = command(FIXTURES / "memory_provider.so", "--interface", "entry")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[-1] == "conformant" and "passed" in lines[-2]
    assert all(line.startswith(("passed", "n/a")) for line in lines[:-2])
    assert {line.split()[1].split(".")[0] for line in lines[:-2]} == {"entry"}


def test_one_interface(validate):
    verdict = validate(FIXTURES / "memory_provider.so", "--interface", "acp.health/1")
    # With what it stands on.
    others = {id for id in verdict.checks if id.split(".")[0] not in ("entry", "health")}
    assert others == {"provider.table", "provider.create"} and verdict.code == 0


def test_configuration_from_a_file(validate, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"stop_grace_s": 1}))
    assert validate(PLUGINS / "local.so", "--config", f"@{config}", "--interface", "entry").code == 0
    refused = validate(PLUGINS / "local.so", "--config", '{"stop_grace_s":"soon"}')
    assert refused.of("failed") == {"provider.create"}
    assert "stop_grace_s" in refused.checks["provider.create"]["found"]


def test_stale_quirk(validate, tmp_path):
    quirks = tmp_path / "quirks.yaml"
    quirks.write_text("entry.id: once it was malformed\n")
    verdict = validate(FIXTURES / "memory_provider.so", "--quirks", quirks, "--interface", "entry")
    assert verdict.code == 0 and verdict.report["stale_quirks"] == 1
    assert verdict.checks["entry.id"]["stale_quirk"] is True


@pytest.mark.parametrize("text, words", [("no.such.check: why", "no.such.check"), ("entry.id:", "needs a reason"), ("[]", "map"),
                                         ("a: b: c", "quirks.yaml:1")])
def test_quirks_that_make_no_sense(tmp_path, text, words):
    quirks = tmp_path / "quirks.yaml"
    quirks.write_text(text)
    done = command(FIXTURES / "memory_provider.so", "--quirks", quirks)
    assert done.returncode == 1 and words in done.stderr and done.stdout == ""


@pytest.mark.parametrize("arguments, code", [((), 2), (("/no/such/file.so",), 1), (("{}", "--timeout-s", "0"), 2),
                                             (("/bin/sh", "--config", "["), 1)])
def test_arguments_that_make_no_sense(arguments, code):
    done = command(*arguments)
    assert done.returncode == code and done.stderr


def test_nothing_stays_behind(validate, tmp_path, monkeypatch):
    """Neither folders nor processes, although `local` starts supervisors that outlive their parent."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    validate(PLUGINS / "local.so", "--interface", "acp.logs/1")
    assert list(tmp_path.iterdir()) == []
    mark = str(tmp_path).encode()
    for entry in pathlib.Path("/proc").iterdir():
        try:
            assert not entry.name.isdigit() or mark not in (entry / "cmdline").read_bytes()
        except OSError:
            pass
