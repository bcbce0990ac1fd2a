"""`plugin validate` over provider `docker` with a real Engine behind it."""

import json
import os
import pathlib
import subprocess

import pytest

from server import BINARY, PLUGINS

QUIRKS = pathlib.Path(__file__).parents[1] / "providers/quirks/docker.yaml"


@pytest.mark.skipif("ACP_TEST_DOCKER_SOCKET" not in os.environ, reason="ACP_TEST_DOCKER_SOCKET names no Docker Engine")
def test_docker_is_conformant():
    config = {"socket": os.environ["ACP_TEST_DOCKER_SOCKET"], "pull": "never", "network": "none", "stop_timeout_s": 2}
    done = subprocess.run([BINARY, "plugin", "validate", PLUGINS / "docker.so", "--config", json.dumps(config),
                           "--sample", json.dumps({"image": "acp-test:latest"}), "--quirks", QUIRKS, "--timeout-s", "120", "--json"],
                          capture_output=True, text=True, timeout=900)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if check["outcome"] == "failed"] == []
    # All of it was really made, containers included.
    left = {check["id"] for check in report["checks"] if check["outcome"] == "not_applicable"}
    assert {id for id in left if not id.startswith(("routes.", "flow."))} == {"provider.rotate_secret.unknown_is_not_found"}
