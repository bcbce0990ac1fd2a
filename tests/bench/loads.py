"""Load generators. Each gives how much was answered, and fails when an answer is not the one asked for."""

import dataclasses
import json
import re
import subprocess
import urllib.parse


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def field_options(fields):
    return [part for field in fields for part in ("-H", field)]


def http_load(build, url, seconds, connections, pause_us=100):
    """What load.cpp reports: bursts of one GET for each connection."""
    parts = urllib.parse.urlsplit(url)
    return json.loads(run(build / "bin/http-load", parts.hostname, parts.port, parts.path, connections, seconds,
                          pause_us))


def wrk(url, seconds, connections, fields=()):
    """Requests that were answered; each connection waits for its answer."""
    out = run("wrk", "-t1", f"-c{connections}", f"-d{seconds}", *field_options(fields), url)
    assert "Non-2xx" not in out and "Socket errors" not in out, f"{url}: {out}"
    return int(re.search(r"(\d+) requests in", out).group(1))


@dataclasses.dataclass
class Answered:
    requests: int
    body_bytes: int


def h2load(url, bound, clients=8, streams=32, http1=False, fields=()):
    """`bound` is -n<requests> or -D<seconds>; `http1` takes HTTP/1.1 in place of HTTP/2."""
    version = ["--h1"] if http1 else []
    out = run("h2load", f"-c{clients}", f"-m{streams}", bound, *version, *field_options(fields), url)
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed", out)
    status = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    assert counts and counts.group(3) == "0" and status.groups()[1:] == ("0", "0", "0"), f"{url}: {out}"
    return Answered(int(counts.group(2)), int(re.search(r"\((\d+)\) data", out).group(1)))
