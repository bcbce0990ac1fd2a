"""Runs `fetch`, the host's client on a command line."""

import contextlib
import hashlib
import json
import random
import socket
import subprocess

from server import BUILD, PATIENCE, REPORTS, SANITIZED

FETCH = BUILD / "bin/fetch"

# What fetch may take while nobody reads: far less than the body, and more where a sanitizer takes its own part.
MEMORY_KIB = (256 if SANITIZED else 64) << 10

# Fetch's time limits when a test is not about them.
NO_LIMIT = {"connect_ms": PATIENCE * 400, "idle_ms": PATIENCE * 400}


def free_ports():
    """Ports for listeners, below those that the system gives to outgoing connections."""
    first = random.randrange(20000, 32768)
    yield from range(first, 32768)
    yield from range(20000, first)


def listen(host="127.0.0.1"):
    """A listening socket on a free port below 32768."""
    for port in free_ports():
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind((host, port))
            listener.listen(256)
            return listener
        listener.close()
    raise OSError("no port is free")


def free_port():
    """A port that was free a moment ago, for servers that bind it themselves."""
    with listen() as listener:
        return listener.getsockname()[1]


class Fetched:
    """What `fetch` printed: an answer or an error for each request."""

    def __init__(self, output):
        lines = [json.loads(line) for line in output.splitlines()]
        self.connections = lines.pop()["connections"]
        self.answers = lines

    @property
    def one(self):
        assert len(self.answers) == 1, self
        return self.answers[0]

    @property
    def errors(self):
        return [answer for answer in self.answers if "error" in answer]

    @property
    def statuses(self):
        return [answer["status"] for answer in self.answers]

    @property
    def bodies(self):
        return [answer.get("body", answer.get("slug")) for answer in self.answers]

    def __repr__(self):
        return f"<{self.connections} connections, {self.answers}>"


def command(url, *fields, **options):
    """`fields` are "Name: value"; options as fetch has them, with "_" for "-"."""
    words = [str(FETCH)]
    for field in fields:
        words += ["--field", field]
    for name, value in {**NO_LIMIT, **options}.items():
        if value is not None:
            words += ["--" + name.replace("_", "-"), str(value)]
    return [*words, url]


def finished(process):
    """Of a process that has been started with `start`."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"fetch does not end; so far: {output}{errors}") from None
    assert not any(mark in errors for mark in REPORTS), errors
    assert process.returncode == 0, f"fetch ended with {process.returncode}: {errors}{output}"
    return Fetched(output)


def start(url, *fields, wrapper=(), **options):
    return subprocess.Popen([*wrapper, *command(url, *fields, **options)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetch(url, *fields, **options):
    return finished(start(url, *fields, **options))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def fields_of(answer):
    return {name.lower(): value for name, value in answer["fields"]}
