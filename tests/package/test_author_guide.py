"""docs/plugin-authors/README.md, followed word for word in an empty folder."""

import json
import re
import socket
import subprocess

from conftest import ROOT
from server import BUILD

GUIDE = ROOT / "docs/plugin-authors/README.md"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_guide(tmp_path):
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    assert len(blocks) >= 6
    # The checkout's build folder may have another name here.
    script = "\n".join(blocks).replace("$CHECKOUT/build/release", str(BUILD)).replace(":9000", f":{free_port()}")
    script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + script
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "\nconformant\n" in done.stdout
    assert '"com.example.thermal"' in done.stdout
    last = json.loads(done.stdout[done.stdout.rindex('{"service_id"'):])
    assert (last["service_id"], last["phase"]) == ("demo", "running")
