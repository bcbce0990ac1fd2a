import os
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "blackbox"))

from server import Server  # noqa: E402

SOCKET = os.environ.get("ACP_TEST_DOCKER_SOCKET")


def docker_sections(socket, **config):
    return {
        "providers": [{"alias": "docker", "plugin": "acp.docker",
                       "config": {**({"socket": socket} if socket else {}), "network": "none", "pull": "never",
                                  "stop_timeout_s": 1, **config}}],
        "workloads": {"default_provider": "docker"},
    }


@pytest.fixture(scope="session")
def server():
    if not SOCKET:
        pytest.skip("ACP_TEST_DOCKER_SOCKET names no Docker Engine")
    one = Server(**docker_sections(SOCKET))
    try:
        yield one.start()
    finally:
        if one.process:
            for item in one.get("/manage/workloads").json["items"]:
                one.request("DELETE", f"/manage/workloads/{item['service_id']}")
        one.discard()


@pytest.fixture
def make_server():
    made = []

    def make(socket, **config):
        made.append(Server(**docker_sections(socket, **config)))
        return made[-1].start()

    yield make
    for one in made:
        one.discard()
