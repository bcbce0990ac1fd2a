"""The server under test: its configuration, process, tokens and HTTP clients."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("ACP_BUILD") or pathlib.Path(__file__).parents[2] / "build/release").resolve()
BINARY = BUILD / "bin/alphaswarm-cp"
PLUGINS = BUILD / "lib/alphaswarm-cp/plugins"
SANITIZED = bool(os.environ.get("ACP_SANITIZED"))

# Longest wait for anything that should happen, in seconds.
PATIENCE = 240 if SANITIZED else 60

# First words of what a sanitizer prints.
REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")

ADMIN = ("admin:cluster",)


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of `condition()`; fails when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def run(*arguments, env=None, timeout=PATIENCE, binary=BINARY, stdin=None):
    """A command of the binary to its end; `stdin` is text."""
    full = {**os.environ, **(env or {})}
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, env=full,
                          input=stdin)
    assert not any(mark in done.stderr for mark in REPORTS), done.stderr
    return done


def processes_of(folder):
    """Pids whose command line or environment names a path below `folder`."""
    mark = os.fsencode(folder)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark in text:
            found.append(int(entry.name))
    return found


def end_processes(folder):
    """Ends what a test left running: supervisors outlive the server on purpose."""
    end = time.monotonic() + PATIENCE
    while left := processes_of(folder):
        assert time.monotonic() < end, f"processes {left} do not end"
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


class Answer:
    """A response with its body read."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The `code` of a problem, None of any other answer."""
        return self.json.get("code") if self.headers.get("Content-Type") == "application/problem+json" else None

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class StartFailed(Exception):
    """`serve` ended before it listened."""

    def __init__(self, code, stderr):
        super().__init__(f"exit {code}: {stderr[-2000:]}")
        self.code, self.stderr = code, stderr


class Server:
    """One control plane with a data directory of its own.

    `sections` are merged into the configuration one level deep, so that
    `server={"limits": {...}}` leaves the other keys of `server` alone.
    """

    def __init__(self, data_dir=None, binary=BINARY, **sections):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-blackbox-"))
        self.data_dir = pathlib.Path(data_dir) if data_dir else self.folder / "data"
        self.config = {
            "data_dir": str(self.data_dir),
            "server": {"listen": "127.0.0.1:0", "shutdown_grace_s": 20},
            "log": {"format": "json"},
            "plugins": {"directories": [str(PLUGINS)]},
            "providers": [{"alias": "local", "plugin": "acp.local", "config": {"stop_grace_s": 2}}],
            "workloads": {"default_provider": "local"},
        }
        for name, value in sections.items():
            before = self.config.get(name)
            self.config[name] = {**before, **value} if isinstance(before, dict) else value
        self.config_file = self.folder / "config.yaml"
        # JSON is YAML.
        self.config_file.write_text(json.dumps(self.config, indent=1))
        self.process = None
        self.port = None
        self.log = self.folder / "stderr"
        self.env = {}
        self.tokens = {}

    def serve(self, *options):
        """Starts the process without waiting for anything."""
        self.stdout = self.folder / "stdout"
        with open(self.stdout, "wb") as out, open(self.log, "ab") as err:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--config", self.config_file, *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **self.env})

    def start(self, *options):
        before = len(self.stderr())
        self.serve(*options)

        def listening():
            text = self.stdout.read_text()
            if text.endswith("\n") and text.startswith("listening on http://"):
                return text
            if (code := self.process.poll()) is not None:
                self.process = None
                raise StartFailed(code, self.stderr()[before:])
            return None

        self.port = int(wait_until(listening, "the server listens").splitlines()[0].rsplit(":", 1)[1])
        return self

    def stderr(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def end(self, by):
        """Ends the process by a signal and gives its exit code."""
        self.process.send_signal(by)
        code = self.process.wait(timeout=PATIENCE)
        self.process = None
        return code

    def stop(self):
        assert self.end(signal.SIGTERM) == 0, self.stderr()[-4000:]
        self.check_reports()

    def kill(self):
        assert self.end(signal.SIGKILL) == -signal.SIGKILL
        self.check_reports()

    def restart(self):
        self.stop()
        return self.start()

    def check_reports(self):
        texts = [self.log, *self.data_dir.glob("plugins/*/workloads/*/replicas/*/*stderr*")]
        for path in texts:
            text = path.read_text(errors="replace") if path.is_file() else ""
            assert not any(mark in text for mark in REPORTS), text

    def discard(self):
        """Ends everything, workloads too, and removes the folder."""
        try:
            if self.process:
                self.stop()
        finally:
            if self.process:
                self.end(signal.SIGKILL)
            end_processes(self.folder)
            shutil.rmtree(self.folder)

    def command(self, *arguments):
        """A command of the binary that works on this server's files."""
        return run(*arguments, "--config", self.config_file, env=self.env, binary=self.binary)

    def raised(self):
        """A token for what needs a step-up."""
        done = self.command("token", "mint", "--scope", "admin:cluster", "--sub", "tester", "--acr", "high")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def token(self, *scopes, sub="tester", ttl=3600):
        wanted = (scopes or ADMIN, sub, ttl)
        if wanted not in self.tokens:
            options = [part for scope in wanted[0] for part in ("--scope", scope)]
            done = self.command("token", "mint", *options, "--sub", sub, "--ttl", ttl)
            assert done.returncode == 0, done.stderr
            self.tokens[wanted] = done.stdout.strip()
        return self.tokens[wanted]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def open(self, method, path, body=None, headers=None, token=True):
        """Sends a request; gives the connection and the response, body unread."""
        fields = dict(headers or {})
        if token:
            fields.setdefault("Authorization", "Bearer " + (self.token() if token is True else token))
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body, fields)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def request(self, method, path, body=None, headers=None, token=True):
        connection, response = self.open(method, path, body, headers, token)
        try:
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def ok(self, method, path, body=None, **options):
        """A request that must answer 200; gives its JSON."""
        answer = self.request(method, path, body, **options)
        assert answer.status == 200, answer
        return answer.json

    # Workloads, as most suites need them.

    def start_workload(self, name, script="exec sleep 100000", **spec):
        """Starts a shell script; gives the status."""
        wanted = {"command": ["/bin/sh", "-c", script], **spec}
        return self.ok("POST", f"/manage/workloads/{name}/start", wanted)["result"]

    def status(self, name):
        return self.ok("GET", f"/manage/workloads/{name}")

    def pids(self, name):
        return [replica["pid"] for replica in self.status(name)["raw"]["replicas"] if replica["pid"]]

    def exec(self, name, *command, **rest):
        return self.ok("POST", f"/manage/workloads/{name}/exec", {"command": list(command), **rest})["result"]

    def row(self, run_id):
        return self.ok("GET", f"/manage/runs/{run_id}")
