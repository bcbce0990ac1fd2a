"""WebSocket as a stream of HTTP/2 (RFC 8441)."""

import os
import socket
import struct
import urllib.parse

import h2.config
import h2.connection
import h2.events
import pytest

from server import PATIENCE, Server, wait_until

V5 = "v5.channel.k8s.io"
BINARY, CLOSE = 2, 8


def frame(opcode, payload):
    """A client's frame in one piece."""
    mask, size = os.urandom(4), len(payload)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size))
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def frames(data):
    """(opcode, payload) of a server's frames, all of them whole."""
    found = []
    while data:
        size, at = data[1], 2
        if size == 126:
            size, at = struct.unpack(">H", data[2:4])[0], 4
        elif size == 127:
            size, at = struct.unpack(">Q", data[2:10])[0], 10
        found.append((data[0] & 15, data[at:at + size]))
        data = data[at + size:]
    return found


class Tunnel:
    """One connection with one extended CONNECT on it."""

    def __init__(self, server, path, *fields, protocol="websocket", method="CONNECT"):
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.settimeout(PATIENCE)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.status, self.fields, self.data, self.ended, self.reset = None, {}, b"", False, None
        self.h2.send_headers(1, [(":method", method), (":protocol", protocol), (":scheme", "http"), (":path", path),
                                 (":authority", f"127.0.0.1:{server.port}"), *fields])
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def send(self, *parts):
        for part in parts:
            self.h2.send_data(1, part)
        self.flush()

    def until(self, condition):
        while not condition() and not self.ended and self.reset is None:
            data = self.socket.recv(65536)
            assert data, "the connection ended"
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.fields = {name.decode(): value.decode() for name, value in event.headers}
                    self.status = int(self.fields[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    self.data += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended = True
                elif isinstance(event, h2.events.StreamReset):
                    self.reset = event.error_code
            self.flush()

    def answer(self):
        self.until(lambda: self.status)
        return self.status


@pytest.fixture(scope="module")
def server():
    one = Server()
    try:
        one.start()
        one.start_workload("box")
        yield one
    finally:
        one.discard()


def live(*command, **rest):
    query = urllib.parse.urlencode([("command", word) for word in command] + list(rest.items()))
    return "/manage/workloads/box/exec?" + query


def asking(server, *more):
    return [("authorization", "Bearer " + server.token()), ("sec-websocket-version", "13"), *more]


def test_a_live_command(server):
    path = live("/bin/sh", "-c", "read word; echo got $word; cat | wc -c; exit 3", stdin="true")
    with Tunnel(server, path, *asking(server, ("sec-websocket-protocol", V5))) as tunnel:
        assert tunnel.answer() == 200 and tunnel.fields["sec-websocket-protocol"] == V5
        assert "sec-websocket-accept" not in tunnel.fields and "upgrade" not in tunnel.fields
        tunnel.send(frame(BINARY, b"\0hello\n"), *[frame(BINARY, b"\0" + b"x" * 5000)] * 10, frame(BINARY, b"\xff\0"))
        tunnel.until(lambda: b"ExitCode" in tunnel.data and frames(tunnel.data)[-1][0] == CLOSE)
        tunnel.send(frame(CLOSE, struct.pack(">H", 1000)))
        tunnel.until(lambda: tunnel.ended)
        messages = frames(tunnel.data)
    assert messages[-1] == (CLOSE, struct.pack(">H", 1000))
    output = b"".join(payload[1:] for opcode, payload in messages if opcode == BINARY and payload[0] == 1)
    assert output == b"got hello\n50000\n"
    assert b'"message":"3"' in messages[-2][1] and messages[-2][1][0] == 3


def test_much_output_waits_for_the_window(server):
    with Tunnel(server, live("/bin/sh", "-c", "head -c 2000000 /dev/zero"),
                *asking(server, ("sec-websocket-protocol", V5))) as tunnel:
        assert tunnel.answer() == 200
        tunnel.until(lambda: b"Success" in tunnel.data)
        messages = [payload for opcode, payload in frames(tunnel.data) if opcode == BINARY]
    assert sum(len(payload) - 1 for payload in messages if payload[0] == 1) == 2_000_000


@pytest.mark.parametrize("fields, status", [
    ([("sec-websocket-version", "12"), ("sec-websocket-protocol", V5)], 400),
    ([("sec-websocket-version", "13")], 400),
    ([("sec-websocket-version", "13"), ("sec-websocket-protocol", "other")], 400),
])
def test_bad_handshakes(server, fields, status):
    with Tunnel(server, live("true"), ("authorization", "Bearer " + server.token()), *fields) as tunnel:
        assert tunnel.answer() == status


def test_refusals(server):
    with Tunnel(server, live("true"), ("sec-websocket-version", "13"), ("sec-websocket-protocol", V5)) as tunnel:
        assert tunnel.answer() == 401
    # A 2xx would open a tunnel to a handler that knows nothing of one.
    with Tunnel(server, "/manage/healthz", *asking(server)) as tunnel:
        assert tunnel.answer() == 501
    with Tunnel(server, live("true"), *asking(server), protocol="connect-udp") as tunnel:
        tunnel.until(lambda: tunnel.status)
        assert tunnel.reset is not None or tunnel.status >= 400


def test_logs_as_lines_and_a_client_that_resets(server):
    with Tunnel(server, "/manage/workloads/box/logs?follow=true", *asking(server)) as tunnel:
        assert tunnel.answer() == 200
        tunnel.h2.reset_stream(1)
        tunnel.flush()
        run_id = tunnel.fields["x-run-id"]
    row = wait_until(lambda: (r := server.row(run_id))["finished_at"] and r, "the follower is released")
    assert row["result"]["ended"] == "listener_gone"
