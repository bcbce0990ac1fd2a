"""The server as a service: sockets from a service manager, notifications, reload, restart under load."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading

import pytest

from server import PATIENCE, SANITIZED, Server, StartFailed, wait_until

# Runs a program as systemd does: the socket as descriptor 3, named to this very process.
ACTIVATE = 'LISTEN_PID=$$; LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec "$@" 3<&"$ACP_TEST_FD"'


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def get_health(connection):
    connection.request("GET", "/manage/healthz")
    response = connection.getresponse()
    response.read()
    return response


@pytest.fixture
def started():
    servers = []

    def start(**sections):
        servers.append(Server(**sections))
        return servers[-1]

    yield start
    for server in servers:
        server.discard()


def test_unix_socket(started, tmp_path):
    path = str(tmp_path / "cp.sock")
    server = started(server={"unix_socket": path}).start()
    assert get_health(UnixConnection(path)).status == 200
    assert server.get("/manage/healthz").status == 200
    mode = os.stat(path).st_mode & 0o777
    assert mode == 0o660
    # A file that a killed server left is replaced; one that is served is not.
    server.kill()
    server.start()
    assert get_health(UnixConnection(path)).status == 200
    other = started(server={"unix_socket": path})
    with pytest.raises(StartFailed) as failure:
        other.start()
    assert "another process listens there" in failure.value.stderr


def test_unix_socket_refusals(started, tmp_path):
    file = tmp_path / "plain"
    file.write_text("precious")
    with pytest.raises(StartFailed) as failure:
        started(server={"unix_socket": str(file)}).start()
    assert "there is a file that is no socket" in failure.value.stderr
    assert file.read_text() == "precious"


class Manager:
    """A service manager: owns the listening socket, hears notifications, starts processes."""

    def __init__(self, server, folder):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.settimeout(PATIENCE)

    def start(self):
        environment = {**os.environ, "ACP_TEST_FD": str(self.listener.fileno()),
                       "NOTIFY_SOCKET": self.notified.getsockname()}
        with open(self.server.log, "ab") as log:
            return subprocess.Popen(
                ["/bin/bash", "-c", ACTIVATE, "bash", self.server.binary, "serve", "--config", self.server.config_file],
                pass_fds=[self.listener.fileno()], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log)

    def heard(self, wanted):
        text = self.notified.recv(4096).decode()
        assert text.startswith(wanted), text

    def close(self):
        self.listener.close()
        self.notified.close()


def test_restart_under_load_loses_nothing(started, tmp_path):
    """Clients with kept connections that take no failure for an answer, while one process follows another."""
    server = started()
    manager = Manager(server, tmp_path)
    failures, answered, closes = [], [0], [0]
    done = threading.Event()

    def client():
        connection = None
        while not done.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", manager.port, timeout=PATIENCE)
                response = get_health(connection)
                assert response.status == 200, response.status
                answered[0] += 1
                if response.getheader("Connection") == "close":
                    closes[0] += 1
                    connection.close()
                    connection = None
            except Exception as error:
                failures.append(repr(error))
                return

    process = manager.start()
    threads = [threading.Thread(target=client) for _ in range(8)]
    try:
        manager.heard("READY=1")
        for thread in threads:
            thread.start()
        for _ in range(2 if SANITIZED else 4):
            goal = answered[0] + 200
            wait_until(lambda: answered[0] >= goal or failures, "clients are answered")
            process.send_signal(signal.SIGTERM)
            manager.heard("STOPPING=1")
            assert process.wait(timeout=PATIENCE) == 0
            process = manager.start()  # requests wait in the socket's queue for it
            manager.heard("READY=1")
        goal = answered[0] + 200
        wait_until(lambda: answered[0] >= goal or failures, "clients are answered after the last restart")
    finally:
        done.set()
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            if thread.ident:
                thread.join()
        process.wait(timeout=PATIENCE)
        manager.close()
    assert not failures
    assert closes[0] >= 8, "clients were told to come back"
    server.check_reports()


def test_idle_connection_gets_an_answer_during_a_drain(started):
    server = started().start()
    connection = server.connect()
    assert get_health(connection).getheader("Connection") is None
    server.process.send_signal(signal.SIGTERM)
    # Answered as before until the drain reaches the loop, and once more then.
    while (response := get_health(connection)).getheader("Connection") is None:
        assert response.status == 200
    assert response.status == 200 and response.getheader("Connection") == "close"
    assert server.process.wait(timeout=PATIENCE) == 0
    server.process = None


def log_lines(server, message):
    return [line for line in map(json.loads, server.stderr().splitlines()) if line["message"].startswith(message)]


def test_reload(started):
    server = started().start()
    config = dict(server.config)

    def reload(text):
        before = len(log_lines(server, "configuration reloaded")) + len(log_lines(server, "the configuration was not"))
        server.config_file.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(log_lines(server, "configuration reloaded")) +
                   len(log_lines(server, "the configuration was not")) > before, "the reload is told of")

    reload(json.dumps({**config, "log": {"format": "json", "level": "debug"}}))
    assert len(log_lines(server, "configuration reloaded")) == 1
    # A mistake leaves everything as it was, and is told with its line.
    reload(json.dumps(config, indent=1).replace('"shutdown_grace_s"', '"shutdown_grace"'))
    [refused] = log_lines(server, "the configuration was not reloaded")
    assert "server.shutdown_grace" in refused["cause"] and "config.yaml:" in refused["cause"]
    assert server.get("/manage/healthz", token=False).status == 200
    # What only a restart brings into effect is named.
    reload(json.dumps({**config, "server": {**config["server"], "workers": 3}, "metrics": {"public": True}}))
    [partly] = log_lines(server, "configuration reloaded, but")
    assert partly["keys"] == "server.workers, metrics"
