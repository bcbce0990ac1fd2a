"""rp.mjs as calls of Python."""

import json
import subprocess

from nodes import HERE, NODE
from server import PATIENCE


class Refused(Exception):
    """openid-client did not get what it asked for: `error` of RFC 6749 section 5.2, if there was one."""

    def __init__(self, error):
        super().__init__(error)
        self.error, self.status, self.code = error.get("error"), error.get("status"), error.get("code")


def _arguments(do, given):
    return [NODE, HERE / "rp.mjs", json.dumps({"do": do, **given})]


def _result(output):
    result = json.loads(output)
    if "error" in result:
        raise Refused(result["error"])
    return result["value"]


def run(do, **given):
    """One command to its end; raises Refused."""
    done = subprocess.run(_arguments(do, given), capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout, done.stderr
    return _result(done.stdout)


class Started:
    """A command that waits for somebody."""

    def __init__(self, do, **given):
        self.process = subprocess.Popen(_arguments(do, given), stdout=subprocess.PIPE, text=True)

    def result(self):
        output, _ = self.process.communicate(timeout=PATIENCE)
        return _result(output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
