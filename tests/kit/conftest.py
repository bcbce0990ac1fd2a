import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("ACP_BUILD") or ROOT / "build/release").resolve()
BINARY = BUILD / "bin/alphaswarm-cp"
LIBRARIES = BUILD / "lib/alphaswarm-cp"

# For one validation, seconds.
PATIENCE = 400


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


class Verdict:
    """What `plugin validate --json` said."""

    def __init__(self, done):
        self.code, self.stderr = done.returncode, done.stderr
        assert self.code in (0, 1), done.stderr
        self.report = json.loads(done.stdout)
        self.checks = {check["id"]: check for check in self.report["checks"]}
        assert len(self.checks) == len(self.report["checks"]), "a check was made twice"
        assert self.report["conformant"] == (self.code == 0)

    def of(self, outcome):
        return {id for id, check in self.checks.items() if check["outcome"] == outcome}


def command(*arguments, **options):
    return subprocess.run([str(BINARY), "plugin", "validate", *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE, **options)


@pytest.fixture
def validate():
    return lambda *arguments: Verdict(command(*arguments, "--json"))
