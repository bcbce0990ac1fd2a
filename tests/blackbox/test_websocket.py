"""WebSocket (RFC 6455, RFC 7692): live commands and logs, and clients that break the rules."""

import concurrent.futures
import json
import os
import pathlib
import select
import signal
import subprocess
import threading
import time
import zlib

import pytest

from server import PATIENCE, SANITIZED, Server, wait_until
from ws_client import (
    BEARER, BINARY, CLOSE, CONTINUATION, DEADLINE, DEFLATE, HALF_CLOSED, MESSAGE_MAX, PING, PONG, RESIZE, RSV1, RSV2,
    RSV3, STATUS, STDERR, STDOUT, TEXT, V4, V5, Asking, Exec, WebSocket, accept_value, close_frame, deflate, exec_path,
    fragments, frame, handshake, logs_path, stdin, token_protocol)

READ, MANAGE = "read:infrastructure", "manage:infrastructure"
COUNTING = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"
MIB = 1 << 20

# How far the server's memory may grow for one client. A sanitizer keeps freed memory for a while.
GROWTH = (400 if SANITIZED else 8) * MIB


@pytest.fixture(scope="module")
def server():
    # Everything is logged, so that a token that gets into the log is seen.
    one = Server(log={"level": "trace"})
    try:
        yield one.start()
    finally:
        one.discard()


@pytest.fixture(scope="module")
def box(server):
    """A workload to run commands in."""
    server.start_workload("box")
    return "box"


@pytest.fixture(scope="module")
def ten(server):
    """A workload that has said eleven lines."""
    server.start_workload("ten", "for i in $(seq 10); do echo line $i; done; echo problem >&2; exec sleep 100000")
    wait_until(lambda: len(ndjson(server, "ten")) == 11, "the workload speaks")
    return "ten"


@pytest.fixture(scope="module")
def counting(server):
    server.start_workload("counting", COUNTING)
    return "counting"


@pytest.fixture
def cat(server, box):
    with Exec(server, box, "cat", stdin=True) as one:
        yield one


def ndjson(server, name, query=""):
    answer = server.get(logs_path(name, query), headers={"Accept": "application/x-ndjson"})
    assert answer.status == 200, answer
    return answer.body.decode().splitlines()


def ended(server, run_id):
    return wait_until(lambda: (row := server.row(run_id))["finished_at"] and row, "the row gets its outcome")


def rows(server, target):
    return server.ok("GET", f"/manage/runs?action=exec&target={target}&limit=100")["items"]


def gone(pid):
    try:
        return b"\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def memory(server):
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


# --- live commands


@pytest.mark.parametrize("protocol", [V5, V4])
@pytest.mark.parametrize("script, code", [("", 0), ("; exit 7", 7), ("; kill -9 $$", 137)])
def test_output_and_exit_code(server, box, protocol, script, code):
    with Exec(server, box, "sh", "-c", "echo out; echo problem >&2" + script, protocols=[protocol]) as command:
        assert command.protocol == protocol
        said = command.to_end()
    assert (said[STDOUT], said[STDERR]) == (b"out\n", b"problem\n")
    status = json.loads(said[STATUS])
    if code == 0:
        assert status["status"] == "Success"
    else:
        assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
        assert status["details"]["causes"] == [{"reason": "ExitCode", "message": str(code)}]
    row = ended(server, command.run_id)
    assert row["status"] == "succeeded"
    assert row["result"] == {
        "exit_code": code, "stdin_bytes": 0, "stdout_bytes": 4, "stderr_bytes": 8, "ended": "finished"}


def test_words_of_a_command_are_not_parsed_again(server, box):
    words = ["a b", "", "ä&c=d", "$HOME"]
    with Exec(server, box, "printf", "%s\\n", *words) as command:
        assert command.to_end()[STDOUT].decode() == "".join(word + "\n" for word in words)


def test_the_row_exists_before_the_output(server, box):
    with Exec(server, box, "sh", "-c", "echo here; exec cat", stdin=True) as command:
        row = server.row(command.run_id)
        assert (row["action"], row["target"], row["status"]) == ("exec", box, "running")
        assert row["payload"] == {
            "command": ["sh", "-c", "echo here; exec cat"], "tty": False, "stdin": True, "replica": ""}
        assert command.until_said(b"here\n") == b"here\n"
        command.send(HALF_CLOSED)
        command.to_end()
    assert ended(server, command.run_id)["result"]["exit_code"] == 0


def test_stdin_comes_back(server, cat):
    data = os.urandom(5 * MIB)
    pieces = [stdin(data[at:at + 100_000]) for at in range(0, len(data), 100_000)]
    sender = threading.Thread(target=lambda: cat.send(b"".join(pieces) + HALF_CLOSED), daemon=True)
    sender.start()
    said = cat.to_end()
    sender.join()
    assert said[STDOUT] == data and json.loads(said[STATUS])["status"] == "Success"
    row = ended(server, cat.run_id)["result"]
    assert (row["stdin_bytes"], row["stdout_bytes"]) == (len(data), len(data))


@pytest.mark.parametrize("size", [60_000, 65_536, 100_000, 200_000, 256 * 1024, 300_000, MIB, 5 * MIB])
def test_output_of_any_size(server, box, size):
    # Whoever stops because enough is under way has to go on by itself. Several, since it is a matter of time.
    for _ in range(3):
        with Exec(server, box, "head", "-c", str(size), "/dev/zero") as command:
            assert len(command.to_end()[STDOUT]) == size


def test_half_close_without_stdin_is_end_of_file(cat):
    cat.send(HALF_CLOSED)
    assert cat.to_end()[STDOUT] == b""


def test_flags_need_no_value(server, box):
    with WebSocket(server, exec_path(box, "sh", "-c", "stty -echo; echo ready; cat") + "&tty&stdin", [V5]) as client:
        assert client.message() == b"\x01ready\r\n"
        client.send(stdin(b"x\n") + HALF_CLOSED)
        assert client.message() == b"\x01x\r\n"


def test_a_command_without_stdin_has_none(server, box):
    with Exec(server, box, "cat") as command:
        assert command.to_end()[STDOUT] == b""


def test_a_command_that_stops_reading_still_ends(server, box):
    with Exec(server, box, "head", "-c", "3", stdin=True) as command:
        command.say(b"abcdef" * 10_000)
        said = command.to_end()
    assert said[STDOUT] == b"abc" and json.loads(said[STATUS])["status"] == "Success"


def push(connection, data):
    """Sends until the server takes no more, or all is sent; gives what is left."""
    connection.socket.setblocking(False)
    try:
        while data and select.select([], [connection.socket], [], 5 if SANITIZED else 0.5)[1]:
            try:
                data = data[connection.socket.send(data[:MIB]):]
            except BlockingIOError:
                pass
    finally:
        connection.socket.settimeout(DEADLINE)
    return data


@pytest.mark.parametrize("command, message", [
    ("sleep 100000", stdin(bytes(100_000))),          # never reads
    ("exec cat", stdin(bytes(100_000))),              # reads as long as somebody takes what it says
    ("exec cat", frame(PING, bytes(125)) * 1000),     # a pong is owed for each
], ids=["command", "output", "pongs"])
def test_who_sends_and_never_reads_is_held_up(server, box, command, message):
    with Exec(server, box, "sh", "-c", command, stdin=True, receive_buffer=64 * 1024) as client:
        everything = memoryview(message * (48 * MIB // len(message)))
        before = memory(server)
        left = push(client, everything)
        assert len(left) > 16 * MIB, "the server has taken it all"
        assert memory(server) - before < GROWTH
        client.reset()
    assert ended(server, client.run_id)["result"]["ended"] == "listener_gone"


def test_who_is_held_up_loses_nothing(server, box):
    with Exec(server, box, "cat", stdin=True, receive_buffer=64 * 1024) as client:
        data = os.urandom(64 * 1024) * 320
        pieces = [stdin(data[at:at + 100_000]) for at in range(0, len(data), 100_000)]
        left = push(client, memoryview(b"".join(pieces) + HALF_CLOSED))
        assert left
        sender = threading.Thread(target=lambda: client.send(left), daemon=True)
        sender.start()
        assert client.to_end()[STDOUT] == data
        sender.join()


def test_who_reads_nothing_is_cut(make_server):
    own = make_server(server={"limits": {"write_timeout_s": 1}})
    own.start_workload("box")
    with Exec(own, "box", "sh", "-c", "echo $$; exec yes", receive_buffer=64 * 1024) as client:
        pid = int(client.message()[1:].split()[0])
        wait_until(lambda: gone(pid), "the command is ended")
        assert ended(own, client.run_id)["result"]["ended"] == "listener_gone"


@pytest.mark.parametrize("protocol, message", [
    (V4, b"\xff\x00"),      # only v5 has it
    (V5, b"\xff"),          # of which channel?
    (V5, b"\xff\x00\x00"),
    (V5, b""),              # no channel at all
    (V5, b"\x01x"), (V5, b"\x02x"), (V5, b"\x03x"),  # the server's own
    (V5, b"\x05x"), (V4, b"\x80x"),
], ids=repr)
def test_messages_that_break_the_subprotocol(server, box, protocol, message):
    with Exec(server, box, "cat", stdin=True, protocols=[protocol]) as client:
        client.send(frame(BINARY, message))
        assert client.goodbye() == 1002
    assert ended(server, client.run_id)["result"]["ended"] == "listener_gone"


def test_stdin_that_was_not_asked_for(server, box):
    with Exec(server, box, "sleep", "100000") as client:
        client.say(b"x")
        assert client.goodbye() == 1002


def test_terminal(server, box):
    script = "stty -echo; echo ready; while read x; do stty size; done; echo error >&2"
    with Exec(server, box, "sh", "-c", script, tty=True, stdin=True) as client:
        client.until_said(b"ready\r\n")
        for size in ({"Width": 100, "Height": 40}, {"Width": 65535, "Height": 1}):
            client.say(json.dumps(size).encode(), RESIZE)
            client.say(b"\n")
            assert client.until_said(b"\r\n") == f"{size['Height']} {size['Width']}\r\n".encode()
        # Sizes that make no sense change nothing.
        for size in (b"", b"{}", b"[", b'{"Width":0,"Height":0}', b'{"Width":70000,"Height":5}', b"x" * 100_000):
            client.say(size, RESIZE)
        client.say(b"\n")
        assert client.until_said(b"\r\n") == b"1 65535\r\n"
        # A terminal's end of input is a character; it has one output.
        client.send(HALF_CLOSED)
        said = client.to_end()
    assert (said[STDOUT], said[STDERR]) == (b"error\r\n", b"")


def test_resize_without_a_terminal_is_ignored(cat):
    cat.say(b'{"Width":100,"Height":40}', RESIZE)
    cat.say(b"x")
    cat.send(HALF_CLOSED)
    assert cat.to_end()[STDOUT] == b"x"


@pytest.mark.parametrize("leave", [
    WebSocket.leave, WebSocket.reset, WebSocket.end_sending, lambda client: client.socket.close(),
], ids=["close frame", "reset", "half", "close"])
def test_a_client_that_leaves_ends_its_command(server, box, leave):
    # Also what the command started elsewhere.
    with Exec(server, box, "sh", "-c", "setsid sleep 100000 & echo $! $$; exec sleep 100000") as client:
        pids = [int(word) for word in client.until_said(b"\n").split()]
        wait_until(lambda: all(command_line(pid).startswith(b"sleep") for pid in pids), "both sleep")
        leave(client)
        wait_until(lambda: all(map(gone, pids)), "the command is ended")
        row = ended(server, client.run_id)
    assert row["status"] == "succeeded" and row["result"]["ended"] == "listener_gone"


def test_what_is_being_started_is_ended_too(server, box):
    # While it execs, a process is easily overlooked; so many that exec on and on, to meet one at it.
    script = f"for i in $(seq 10); do setsid {'env ' * 20} sleep 100042 & done; echo here; exec sleep 100042"
    for _ in range(20):
        with Exec(server, box, "sh", "-c", script) as client:
            client.until_said(b"here\n")
            client.leave()
        ended(server, client.run_id)

    def left():
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if b"100042" in command_line(pid)]

    try:
        wait_until(lambda: not left(), "all are ended", DEADLINE)
    finally:
        for pid in left():
            os.kill(pid, signal.SIGKILL)


def test_clients_that_leave_at_once(server):
    server.start_workload("hasty")
    for _ in range(20):
        Asking(server, exec_path("hasty", "sleep", "100000", stdin="true"), [V5]).socket.close()

    def outcomes():
        found = rows(server, "hasty")
        return len(found) == 20 and all(row["finished_at"] for row in found) and found

    for row in wait_until(outcomes, "every row gets its outcome"):
        assert row["status"] != "succeeded" or row["result"]["ended"] == "listener_gone"


def test_one_shot_still_works(server, box):
    result = server.exec(box, "sh", "-c", "cat; exit 3", stdin="through")
    assert (result["stdout"], result["exit_code"]) == ("through", 3)


# --- who gets in


@pytest.mark.parametrize("offered, chosen", [
    ([V4, V5], V5), ([V5, V4], V5), (["other", V4], V4), (["v3.channel.k8s.io", V5, "other"], V5),
])
def test_the_best_subprotocol_is_chosen(server, box, offered, chosen):
    with Exec(server, box, "true", protocols=offered) as client:  # refuses a field that comes twice
        assert client.protocol == chosen
        client.to_end()


def test_subprotocols_in_several_fields(server, box):
    with Asking(server, exec_path(box, "true"), Sec_WebSocket_Protocol=["other", f"{V4} ,, {V5}"]) as client:
        status, headers = client.head()
        assert (status, headers.get("sec-websocket-protocol")) == (101, V5)


EXEC = exec_path("box", "true")


@pytest.mark.parametrize("path, options, status, code", [
    (exec_path("nobody", "true"), {}, 404, None),
    (logs_path("nobody"), {}, 404, None),
    (exec_path("box", "true", replica="9"), {}, 404, None),
    (exec_path("box", "true", provider="nobody"), {}, 404, None),
    (EXEC, {"token": False}, 401, "unauthenticated"),
    (logs_path("box"), {"token": False}, 401, "unauthenticated"),
    (EXEC, {"token": "garbage"}, 401, "invalid_token"),
    (EXEC, {"token": READ}, 403, "insufficient_scope"),
    (EXEC, {"protocols": ()}, 400, "unknown_subprotocol"),
    (EXEC, {"protocols": ["other"]}, 400, "unknown_subprotocol"),
    (EXEC, {"protocols": ["v5.channel.k8s.io.evil"]}, 400, "unknown_subprotocol"),
    (EXEC, {"protocols": ["V5.CHANNEL.K8S.IO"]}, 400, "unknown_subprotocol"),
    (logs_path("box"), {"protocols": ["other"]}, 400, "unknown_subprotocol"),
    (exec_path("box"), {}, 400, "bad_parameter"),
    (exec_path("box", ""), {}, 400, "bad_parameter"),
    (exec_path("box", "true", tty="maybe"), {}, 400, None),
    (exec_path("box", "true", follow="true"), {}, 400, None),
    (exec_path("box", "/no/such/program"), {}, 400, None),
    (logs_path("box", "?tail=-1"), {}, 400, None),
    (EXEC, {"Content_Length": "1", "behind": b"x"}, 400, None),
    ("/manage/nothing", {}, 404, "route_not_found"),
], ids=str)
def test_refused_before_the_upgrade(server, box, path, options, status, code):
    options = {"protocols": [V5], **options}
    if options.get("token") == READ:
        options["token"] = server.token(READ)
    with Asking(server, path, **options) as client:
        answer = client.answer()
        assert answer.status == status and (code or answer.code) == answer.code, answer
        assert answer.headers.get("Content-Type") == "application/problem+json"
        assert not answer.headers.get("Sec-WebSocket-Accept")


def test_a_refusal_leaves_the_connection_to_http(server, box):
    with Asking(server, exec_path("nobody", "true"), [V5]) as client:
        assert client.answer().status == 404
        client.send(handshake(server, EXEC, [V5])[0])
        assert client.answer().status == 101


def test_read_scope_is_enough_for_logs_only(server, ten):
    with WebSocket(server, logs_path(ten), token=server.token(READ)) as client:
        assert "line 1" in client.line()
    with Exec(server, ten, "true", token=server.token(MANAGE)) as client:
        client.to_end()


def test_426_without_an_upgrade(server, box):
    answer = server.get(EXEC)
    assert answer.status == 426 and answer.code == "upgrade_required", answer
    assert answer.headers["Upgrade"] == "websocket"
    # RFC 9110 section 7.8: a sender of Upgrade must name it in Connection as well.
    assert "upgrade" in ", ".join(answer.headers.get_all("Connection", [])).lower()
    assert server.get(EXEC, token=False).status == 401


# What asks for no WebSocket, or not in a way that counts (RFC 9110 section 7.8).
IGNORED = {
    "Connection lacks upgrade": {"Connection": "keep-alive"},
    "no Connection": {"Connection": None},
    "no Upgrade": {"Upgrade": None},
    "another protocol": {"Upgrade": "h2c"},
    "HTTP/1.0": {"version": "HTTP/1.0"},
}


@pytest.mark.parametrize("name", IGNORED)
def test_upgrades_that_do_not_count(server, box, ten, name):
    with Asking(server, EXEC, [V5], **IGNORED[name]) as client:
        answer = client.answer()
        assert (answer.status, answer.headers.get("Upgrade")) == (426, "websocket"), answer
    with Asking(server, logs_path(ten), **IGNORED[name]) as client:
        answer = client.answer()
        assert (answer.status, answer.headers.get("Content-Type")) == (200, "text/event-stream"), answer
        assert b"event: end" in answer.body


@pytest.mark.parametrize("fields", [
    {"Connection": "keep-alive, UPGRADE"}, {"Upgrade": "WebSocket"}, {"Upgrade": "h2c, websocket"},
    {"Connection": ["keep-alive", "Upgrade"]}, {"Content_Length": "0"},
], ids=str)
def test_other_ways_to_write_a_handshake(server, ten, fields):
    with WebSocket(server, logs_path(ten), **fields) as client:
        assert "line 1" in client.line()


def test_post_ignores_the_upgrade(server, box):
    body = b'{"command":["echo","once"]}'
    with Asking(server, f"/manage/workloads/{box}/exec", [V5], method="POST", behind=body,
                Content_Type="application/json", Content_Length=str(len(body))) as client:
        answer = client.answer()
        assert answer.status == 200 and answer.json["result"]["stdout"] == "once\n", answer
    with Asking(server, logs_path(box), method="POST") as client:
        assert client.answer().status == 405


KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_the_accept_value(server, ten):
    # The example of section 1.3, so that client and server are not wrong in the same way.
    assert accept_value(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    with WebSocket(server, logs_path(ten), Sec_WebSocket_Key=KEY):
        pass


# Section 4.2.1; with what is to be answered.
BAD_HANDSHAKES = {
    **{f"key {value!r}": (400, {"Sec-WebSocket-Key": value}) for value in (
        None, "", "x", [KEY, KEY], KEY[:-1], KEY + "=", KEY[:-2], KEY + KEY, "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWQ=", "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25_ZQ==")},
    # Section 4.4: the version that would do is named.
    **{f"version {value!r}": (426, {"Sec-WebSocket-Version": value})
       for value in (None, "", "12", "8", "0", "14", "130", "013", "13, 12", ["13", "13"], ["12", "13"], "x")},
    **{f"subprotocol {value!r}": (400, {"Sec-WebSocket-Protocol": f"{V5}, {value}"})
       for value in ("a b", "(x)", '"x"')},
    **{f"extension {value!r}": (400, {"Sec-WebSocket-Extensions": value})
       for value in ("permessage-deflate;", "a b", "=1", "permessage-deflate; x=", 'permessage-deflate; x="', "a;;b")},
}


@pytest.mark.parametrize("name", BAD_HANDSHAKES)
def test_bad_handshakes(server, ten, name):
    status, fields = BAD_HANDSHAKES[name]
    with Asking(server, logs_path(ten), **fields) as client:
        answer = client.answer()
        assert answer.status == status and answer.code, answer
        if status == 426:
            assert answer.headers.get("Sec-WebSocket-Version") == "13"
            assert answer.headers.get("Upgrade") == "websocket"
            assert "upgrade" in answer.headers.get("Connection").lower()


def test_bad_handshakes_run_nothing(server):
    server.start_workload("untouched")
    for _, fields in BAD_HANDSHAKES.values():
        with Asking(server, exec_path("untouched", "sleep", "100000"), **{"protocols": [V5], **fields}) as client:
            assert client.answer().status in (400, 426)
    assert rows(server, "untouched") == []


def origins(server):
    here = f"127.0.0.1:{server.port}"
    return {
        None: 101, f"http://{here}": 101,
        "null": 403, "": 403, "http://evil.example": 403, f"http://evil.example:{server.port}": 403,
        "http://127.0.0.1": 403, f"http://127.0.0.1:{server.port}0": 403, f"http://{here}.evil.example": 403,
        f"http://{here}@evil.example": 403, f"http://evil.example/{here}": 403, here: 403,
        f"http://localhost:{server.port}": 403,
    }


def test_origins(server, box, ten):
    """Section 10.2: a page of another origin must not use a browser's rights here."""
    for origin, status in origins(server).items():
        for path, protocols in ((EXEC, [V5]), (logs_path(ten), [])):
            with Asking(server, path, protocols, Origin=origin) as client:
                answer = client.answer()
                assert answer.status == status, (origin, answer)
                assert status == 101 or answer.code == "foreign_origin", answer
    # Host may be another name of this server: the two have to agree.
    for host, status in (("cp.example", 101), ("CP.example", 101), ("cp.example:80", 101), ("cp.example:8080", 403), ("cp.example:443", 403)):
        with Asking(server, logs_path(ten), Host=host, Origin="http://cp.example") as client:
            assert client.answer().status == status, host
    # No rule for what is no WebSocket: there a browser's own rules hold.
    assert server.get(logs_path(ten), headers={"Origin": "http://evil.example"}).status == 200


# --- the token as a subprotocol


def test_token_as_subprotocol(server, ten):
    token = server.token(MANAGE, READ, sub="browser")
    offered = token_protocol(token)
    heads = []
    for order in ([V5, offered], [offered, V4]):
        with Exec(server, ten, "echo", "in", protocols=order, token=False) as client:
            assert client.protocol in (V5, V4)
            heads.append(client.raw_head)
            assert client.to_end()[STDOUT] == b"in\n"
        row = ended(server, client.run_id)
        assert row["user_id"] == "browser"
    with WebSocket(server, logs_path(ten), [offered], token=False) as client:
        assert client.protocol is None and "line 1" in client.line()
        heads.append(client.raw_head)
    # Refusals say nothing of it either.
    nobody = exec_path("nobody", "true")
    for path, protocols in ((nobody, [V5, offered]), (EXEC, [offered]), (EXEC, [offered, "other"])):
        with Asking(server, path, protocols, token=False, Sec_WebSocket_Key="bad") as client:
            answer = client.answer()
            assert answer.status in (400, 404), answer
            heads.append(client.raw_head + answer.body)
    # Nor do the files: whole, and the part that no other text holds.
    server.ok("GET", "/manage/runs")
    texts = [token, token.split(".")[2], offered, offered[len(BEARER):]]
    files = [path.read_bytes() for path in [server.log, *server.data_dir.rglob("*")] if path.is_file()]
    assert len(files) > 3
    for text in texts:
        assert not any(text.encode() in told for told in heads + files)


@pytest.mark.parametrize("protocols", [
    [V5, BEARER], [V5, BEARER + "garbage"], [V5, BEARER + "!!!"], [V5, token_protocol("garbage")], [V5, BEARER + "A"],
], ids=lambda protocols: protocols[1][len(BEARER):])
def test_bad_token_as_subprotocol(server, box, protocols):
    with Asking(server, EXEC, protocols, token=False) as client:
        answer = client.answer()
        assert answer.status == 401 and answer.headers.get("WWW-Authenticate").startswith("Bearer "), answer
        assert BEARER.encode() not in client.raw_head + answer.body


def test_token_as_subprotocol_is_for_websocket_only(server, ten):
    fields = {"Sec-WebSocket-Protocol": token_protocol(server.token())}
    assert server.get(logs_path(ten), token=False, headers=fields).status == 401


def test_scope_of_a_token_as_subprotocol(server, box):
    with Asking(server, EXEC, [V5, token_protocol(server.token(READ))], token=False) as client:
        assert client.answer().code == "insufficient_scope"


# --- frames


def test_data_right_behind_the_handshake(server, box):
    data = os.urandom(300_000)
    pieces = b"".join(stdin(data[at:at + 1000]) for at in range(0, len(data), 1000))
    for behind, expected in ((stdin(b"early") + HALF_CLOSED, b"early"), (pieces + HALF_CLOSED, data)):
        with Exec(server, box, "cat", stdin=True, behind=behind) as client:
            assert client.to_end()[STDOUT] == expected


def test_frames_in_any_pieces(cat):
    message = b"ab" * 100
    for byte in fragments(BINARY, [b"\0", message]) + frame(PING, b"ping") + HALF_CLOSED:
        cat.send(bytes((byte,)))
    assert cat.to_end()[STDOUT] == message


@pytest.mark.parametrize("pieces", [
    [b"\0ab", b"cd", b"ef"], [b"", b"\0abcdef"], [b"\0abcdef", b""], [b"", b"\0", b"", b"abcdef", b""],
    [b"\0", *(bytes((byte,)) for byte in b"abcdef")],
], ids=repr)
def test_fragments(cat, pieces):
    cat.send(fragments(BINARY, pieces) + HALF_CLOSED)
    assert cat.to_end()[STDOUT] == b"abcdef"


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))], ids=len)
def test_pong(cat, payload):
    cat.send(frame(PONG, b"unasked") + frame(PING, payload))
    assert cat.pong() == payload
    # Also between the fragments of a message (section 5.4).
    cat.send(frame(BINARY, b"\0a", fin=False) + frame(PING, payload))
    assert cat.pong() == payload
    cat.send(frame(CONTINUATION, b"b") + HALF_CLOSED)
    assert cat.to_end()[STDOUT] == b"ab"


@pytest.mark.parametrize("split", [1, 3])
def test_the_largest_message(cat, split):
    data = os.urandom(MESSAGE_MAX - 1)
    size = len(data) // split
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    pieces[0] = b"\0" + pieces[0]
    sender = threading.Thread(target=lambda: cat.send(fragments(BINARY, pieces) + HALF_CLOSED), daemon=True)
    sender.start()
    assert cat.to_end()[STDOUT] == data
    sender.join()


RESERVED_OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
BEGUN = frame(BINARY, b"\0a", fin=False)

BAD_FRAMES = {
    # Section 5.1.
    "unmasked": (1002, frame(BINARY, b"\0x", mask=False)),
    "unmasked ping": (1002, frame(PING, b"x", mask=False)),
    # Section 5.2.
    **{f"RSV {rsv:#x}": (1002, frame(BINARY, b"\0x", rsv=rsv)) for rsv in (RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3)},
    "RSV of a ping": (1002, frame(PING, rsv=RSV2)),
    "RSV of a continuation": (1002, BEGUN + frame(CONTINUATION, rsv=RSV1)),
    **{f"opcode {opcode}": (1002, frame(opcode)) for opcode in RESERVED_OPCODES},
    "2 bytes for 125": (1002, frame(BINARY, b"\0" * 125, form=2)),
    "8 bytes for 65535": (1002, frame(BINARY, b"\0" * 65535, form=8)),
    "8 bytes for 0": (1002, frame(BINARY, form=8)),
    "over 2^63": (1002, frame(BINARY, form=8, length=1 << 63)),
    "2^64 - 1": (1002, frame(BINARY, form=8, length=2**64 - 1)),
    # Section 5.4.
    "continuation of nothing": (1002, frame(CONTINUATION, b"\0x")),
    "continuation of what has ended": (1002, fragments(BINARY, [b"\0", b"x"]) + frame(CONTINUATION)),
    "message inside a message": (1002, BEGUN + frame(BINARY, b"\0x")),
    # Section 5.5.
    "fragmented ping": (1002, frame(PING, b"x", fin=False)),
    "fragmented close": (1002, frame(CLOSE, b"\x03\xe8", fin=False)),
    "ping of 126 bytes": (1002, frame(PING, bytes(126))),
    "pong of 65536 bytes": (1002, frame(PONG, bytes(65536))),
    "close of 126 bytes": (1002, frame(CLOSE, b"\x03\xe8" + b"x" * 124)),
    "ping of 5 bytes in long form": (1002, frame(PING, b"12345", form=2)),
    "close of 1 byte": (1002, frame(CLOSE, b"\x03")),
    # Section 7.4.
    **{f"close code {code}": (1002, close_frame(code)) for code in BAD_CODES},
    "close reason is no text": (1007, close_frame(1000, b"\xff")),
    "close reason is cut": (1007, close_frame(1000, "ä".encode()[:1])),
    # Section 8.1 and RFC 3629.
    **{f"text {text!r}": (1007, frame(TEXT, b"\0" + text)) for text in (
        b"\xff", b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98")},
    "text that is bad across fragments": (1007, fragments(TEXT, [b"\0\xe2\x82", b"\x28"])),
    "text that ends within a character": (1007, fragments(TEXT, [b"\0\xe2", b"\x82", b""])),
    # Found before the message ends.
    "text that cannot get right": (1007, frame(TEXT, b"\0\xff", fin=False)),
    # What this server bounds.
    "message of 1 MiB and 1": (1009, frame(BINARY, length=MESSAGE_MAX + 1)),
    "message of 2^63 - 1": (1009, frame(BINARY, form=8, length=2**63 - 1)),
    "fragments of 1 MiB and 1": (1009, fragments(BINARY, [bytes(MESSAGE_MAX // 2), bytes(MESSAGE_MAX // 2), b"\0"])),
    "endless small fragments": (1008, frame(BINARY, b"\0", fin=False) + frame(CONTINUATION, b"x", fin=False) * 5000),
    "endless empty fragments": (1008, frame(BINARY, b"\0", fin=False) + frame(CONTINUATION, fin=False) * 20),
}


def refuses(client, code):
    """The close frame tells why, and the connection ends without waiting for the other's."""
    started = time.monotonic()
    assert client.close_code() == code
    assert client.ended()
    assert time.monotonic() - started < DEADLINE


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frames(cat, name):
    code, data = BAD_FRAMES[name]
    # What follows is not looked at any more.
    cat.send(data + stdin(b"unread"))
    refuses(cat, code)


def test_a_refusal_ends_the_command(server, box):
    with Exec(server, box, "sh", "-c", "echo $$; exec cat", stdin=True) as client:
        pid = int(client.until_said(b"\n"))
        client.send(frame(3))
        refuses(client, 1002)
        wait_until(lambda: gone(pid), "the command is ended")
        assert ended(server, client.run_id)["result"]["ended"] == "listener_gone"


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])
def test_close_is_answered(cat, code):
    # Data behind it are discarded (section 5.5.1).
    cat.send(close_frame(code, "weil ä".encode()) + stdin(b"unread") + frame(PING))
    assert cat.close_code() == code
    assert cat.ended()


def test_close_without_a_code(cat):
    cat.send(frame(CLOSE))
    assert cat.close_code() in (None, 1000)
    assert cat.ended()


def test_close_inside_a_message(cat):
    cat.send(BEGUN + close_frame(1001))
    assert cat.close_code() == 1001
    assert cat.ended()


def test_the_server_lets_go(server, box):
    """It ends the connection (section 7.1.1), whatever the client does with its own end."""
    silent, flooding, answering = (Exec(server, box, "true", stdin=True) for _ in range(3))
    leaving, refused = (Exec(server, box, "sleep", "100000", stdin=True) for _ in range(2))
    leaving.send(close_frame())
    refused.send(frame(3))
    clients = {"silent": silent, "flooding": flooding, "answering": answering, "leaving": leaving, "refused": refused}
    for client in clients.values():
        client.close_code()
    answering.send(close_frame())
    # Its answer will not come.
    with pytest.raises(OSError):
        while True:
            flooding.send(stdin(bytes(60_000)))
    for client in clients.values():
        assert client.ended()
    for name, client in clients.items():
        wait_until(client.let_go, name + " is let go", DEADLINE)
        client.socket.close()


# --- permessage-deflate


@pytest.mark.parametrize("offer, answer", [
    (DEFLATE, DEFLATE),
    (f"{DEFLATE}; client_max_window_bits", f"{DEFLATE}; client_max_window_bits=15"),
    (f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover",) * 2,
    (f"{DEFLATE}; server_max_window_bits=10",) * 2,
    (f'{DEFLATE}; server_max_window_bits="10"', f"{DEFLATE}; server_max_window_bits=10"),
    (f"x-webkit-deflate-frame, {DEFLATE}; unknown=1, {DEFLATE}", DEFLATE),
    # Passed over (RFC 7692 section 7.1), which is no refusal.
    ("x-webkit-deflate-frame", None),
    (f"{DEFLATE}; unknown", None),
    (f"{DEFLATE}; server_max_window_bits=7", None),
    (f"{DEFLATE}; server_max_window_bits=16", None),
    (f"{DEFLATE}; server_max_window_bits", None),
    (f"{DEFLATE}; client_max_window_bits=010", None),
    (f"{DEFLATE}; server_no_context_takeover=1", None),
    (f"{DEFLATE}; client_no_context_takeover; client_no_context_takeover", None),
])
def test_what_is_agreed_on(server, ten, offer, answer):
    with WebSocket(server, logs_path(ten), extensions=offer) as client:
        assert client.extension == answer
        assert "line 1" in client.line()


TERMS = [DEFLATE, f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover",
         f"{DEFLATE}; server_max_window_bits=9; client_max_window_bits=9"]


@pytest.mark.parametrize("terms", TERMS)
def test_compressed_both_ways(server, box, terms):
    text = os.urandom(250).hex().encode() * 2
    with Exec(server, box, "cat", stdin=True, extensions=terms) as client:
        assert client.extension == terms
        bits = 9 if "client_max_window_bits" in terms else 15
        compressor = zlib.compressobj(wbits=-bits)
        for _ in range(5):
            if "client_no" in terms:
                compressor = zlib.compressobj(wbits=-bits)
            client.send(frame(BINARY, deflate(b"\0" + text, compressor), rsv=RSV1))
            assert client.until_said(text) == text  # inflated by the terms
        sizes, client.raw_sizes = client.raw_sizes, []
        if terms == DEFLATE:
            assert sizes[0] < 0.8 * len(text) and sizes[-1] < 50, "the window is remembered"
        # What was not compressed is taken as well (RFC 7692 section 6).
        client.say(b"plain")
        client.send(HALF_CLOSED)
        assert client.to_end()[STDOUT] == b"plain"


def final_block(message):
    """RFC 7692 section 7.2.3.4: a last block, and an empty one's begin."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(message) + compressor.flush() + b"\0"


DATA = b"\0" + b"said again and again " * 20


def two_blocks(message):
    compressor = zlib.compressobj(wbits=-15)
    first = compressor.compress(message[:100]) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return first + deflate(message[100:], compressor)


@pytest.mark.parametrize("sent", [
    frame(BINARY, deflate(DATA, zlib.compressobj(0, wbits=-15)), rsv=RSV1),  # stored: section 7.2.3.3
    frame(BINARY, final_block(DATA), rsv=RSV1),
    frame(BINARY, two_blocks(DATA), rsv=RSV1),
    fragments(BINARY, [deflate(DATA)[:5], b"", deflate(DATA)[5:], b""], RSV1),  # RSV1 on the first alone: section 6.1
    frame(BINARY, deflate(DATA)[:5], fin=False, rsv=RSV1) + frame(PING) + frame(CONTINUATION, deflate(DATA)[5:]),
], ids=["stored", "final block", "two blocks", "fragments", "ping between fragments"])
def test_forms_of_compressed_messages(server, box, sent):
    with Exec(server, box, "cat", stdin=True, extensions=TERMS[0]) as client:
        client.send(sent + HALF_CLOSED)
        assert client.to_end()[STDOUT] == DATA[1:]


BOMB = deflate(bytes(64 * MIB))

BAD_COMPRESSED = {
    "no DEFLATE": (1007, frame(BINARY, b"\xff\xff\xff", rsv=RSV1)),
    "cut off": (1007, frame(BINARY, deflate(DATA)[:-6], rsv=RSV1)),
    "text": (1007, frame(TEXT, deflate(b"\0\xff"), rsv=RSV1)),
    "RSV1 on a continuation": (1002, frame(BINARY, deflate(DATA), fin=False, rsv=RSV1) + frame(CONTINUATION, rsv=RSV1)),
    "RSV1 on a ping": (1002, frame(PING, rsv=RSV1)),
    "RSV2": (1002, frame(BINARY, deflate(DATA), rsv=RSV1 | RSV2)),
    "bomb": (1009, frame(BINARY, BOMB, rsv=RSV1)),
    "bomb in fragments": (1009, fragments(BINARY, [BOMB[at:at + 1000] for at in range(0, len(BOMB), 1000)], RSV1)),
    "one byte too many": (1009, frame(BINARY, deflate(bytes(MESSAGE_MAX + 1)), rsv=RSV1)),
    "more than 1 MiB as it is": (1009, frame(BINARY, length=2 * MESSAGE_MAX, rsv=RSV1)),
    "empty blocks": (1008, frame(BINARY, b"\x03\x00" * 1000, rsv=RSV1)),
}


@pytest.mark.parametrize("name", BAD_COMPRESSED)
def test_bad_compressed(server, box, name):
    code, data = BAD_COMPRESSED[name]
    with Exec(server, box, "cat", stdin=True, extensions=DEFLATE) as client:
        before = memory(server)
        client.send(data)
        refuses(client, code)
        assert memory(server) - before < GROWTH


def test_the_largest_compressed_message(server, box):
    with Exec(server, box, "wc", "-c", stdin=True, extensions=DEFLATE) as client:
        client.send(frame(BINARY, deflate(bytes(MESSAGE_MAX)), rsv=RSV1) + HALF_CLOSED)
        assert client.to_end()[STDOUT] == f"{MESSAGE_MAX - 1}\n".encode()


# --- logs


def test_lines(server, ten):
    expected = ndjson(server, ten)
    with WebSocket(server, logs_path(ten)) as client:
        assert client.protocol is None
        assert [client.line() for _ in expected] == expected
        assert client.goodbye() == 1000
    row = ended(server, client.run_id)
    assert row["action"] == "logs" and (row["result"]["lines"], row["result"]["ended"]) == (11, "finished")


@pytest.mark.parametrize("protocol", [V5, V4])
def test_lines_as_channels(server, ten, protocol):
    said = {STDOUT: b"", STDERR: b"", STATUS: b""}
    with WebSocket(server, logs_path(ten), [protocol]) as client:
        assert client.protocol == protocol
        while (got := client.frame())[0] != CLOSE:
            assert got[0] == BINARY
            said[got[1][0]] += got[1][1:]
        assert got[1] == b"\x03\xe8"
    texts = {channel: [line.split(b" ", 2)[2] for line in said[channel].splitlines()]
             for channel in (STDOUT, STDERR)}
    assert texts == {STDOUT: [f"line {i}".encode() for i in range(1, 11)], STDERR: [b"problem"]}
    assert ended(server, client.run_id)["result"]["ended"] == "finished"


@pytest.mark.parametrize("query", ["?tail=2", "?tail=0", "?since=2100-01-01T00:00:00Z", "?replica=0"])
def test_parameters_of_logs(server, ten, query):
    expected = ndjson(server, ten, query)
    with WebSocket(server, logs_path(ten, query)) as client:
        assert [client.line() for _ in expected] == expected
        assert client.goodbye() == 1000


@pytest.mark.parametrize("terms", [None, DEFLATE])
@pytest.mark.parametrize("protocols", [[], [V5]], ids=str)
def test_many_lines(server, protocols, terms):
    count = 20_000
    if "chatty" not in [item["service_id"] for item in server.ok("GET", "/manage/workloads")["items"]]:
        server.start_workload("chatty", f"seq -f 'line %.0f of many that fill the buffers' {count}; exec sleep 100000")
        wait_until(lambda: f"line {count} of" in "".join(ndjson(server, "chatty", "?tail=1")), "all is said")
    said = []
    with WebSocket(server, logs_path("chatty"), protocols, terms) as client:
        while (got := client.frame())[0] != CLOSE:
            lines = got[1][1:].splitlines() if protocols else [json.loads(got[1])["text"].encode()]
            said += [line.split(b"line ")[1].split(b" ")[0] for line in lines if b"line " in line]
    assert said == [str(number).encode() for number in range(1, count + 1)]


def test_lines_are_text_whatever_was_said(server):
    server.start_workload("binary", r"""printf 'a\377b\n\033[31mred\n"quoted\\\n'; exec sleep 100000""")
    wait_until(lambda: len(ndjson(server, "binary")) == 3, "the workload speaks")
    with WebSocket(server, logs_path("binary")) as client:
        assert [json.loads(client.line())["text"] for _ in range(3)] == ["a\ufffdb", "\x1b[31mred", '"quoted\\']


def test_long_lines_are_compressed(server):
    text = "said again and again " * 50
    server.start_workload("wordy", f"echo {text}; echo {text}; exec sleep 100000")
    wait_until(lambda: len(ndjson(server, "wordy")) == 2, "the workload speaks")
    with WebSocket(server, logs_path("wordy"), extensions=DEFLATE) as client:
        for _ in range(2):
            assert json.loads(client.line())["text"] == text.strip()
        assert max(client.raw_sizes) < 300
        assert client.goodbye() == 1000


@pytest.mark.parametrize("leave", [WebSocket.leave, WebSocket.reset, WebSocket.end_sending],
                         ids=["close", "reset", "half"])
@pytest.mark.parametrize("silent", [False, True], ids=["speaking", "silent"])
def test_follow(server, counting, ten, leave, silent):
    name, count = (ten, 11) if silent else (counting, 30)
    with WebSocket(server, logs_path(name, "?follow=true")) as client:
        said = [json.loads(client.line()) for _ in range(count)]
        lines = [line["text"] for line in said if line["stream"] == "stdout"]
        assert lines == [f"line {i}" for i in range(1, len(lines) + 1)]
        assert server.row(client.run_id)["status"] == "running"
        leave(client)
        row = ended(server, client.run_id)
    assert row["status"] == "succeeded" and row["result"]["ended"] == "listener_gone"
    assert row["result"]["lines"] >= count


@pytest.mark.parametrize("protocols", [[], [V5], [V4]], ids=str)
@pytest.mark.parametrize("message", [frame(TEXT, b"x"), stdin(b"x"), frame(BINARY)], ids=["text", "stdin", "empty"])
def test_logs_take_no_messages(server, ten, protocols, message):
    with WebSocket(server, logs_path(ten, "?follow=true"), protocols) as client:
        client.send(message)
        assert client.goodbye() == 1002
    assert ended(server, client.run_id)["result"]["ended"] == "listener_gone"


def test_following_ends_with_the_workload(server):
    server.start_workload("short-lived", "echo here; exec sleep 100000")
    with WebSocket(server, logs_path("short-lived", "?follow=true")) as client:
        assert json.loads(client.line())["text"] == "here"
        server.ok("DELETE", "/manage/workloads/short-lived")
        assert client.goodbye() == 1000
    assert ended(server, client.run_id)["result"]["ended"] == "finished"


def test_many_followers(server):
    lines = 200
    script = f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; sleep 0.005; done; exec sleep 100000"
    server.start_workload("popular", script)
    clients = [WebSocket(server, logs_path("popular", "?follow=true")) for _ in range(200)]
    for client in clients:
        assert [json.loads(client.line())["text"] for _ in range(lines)] == [f"line {i}" for i in range(1, lines + 1)]
    for client in clients:
        client.socket.close()
    for client in clients:
        assert ended(server, client.run_id)["result"]["ended"] == "listener_gone"
    server.ok("DELETE", "/manage/workloads/popular")


def test_a_drain_says_so(make_server):
    own = make_server()
    own.start_workload("box", COUNTING)
    command = Exec(own, "box", "sh", "-c", "echo $$; exec cat", stdin=True)
    pid = int(command.until_said(b"\n"))
    follow = logs_path("box", "?follow=true")
    clients = [command, WebSocket(own, follow), WebSocket(own, follow, [V5]),
               WebSocket(own, follow, extensions=DEFLATE)]
    with concurrent.futures.ThreadPoolExecutor() as aside:
        started = time.monotonic()
        stopped = aside.submit(own.stop)  # asserts that the process ends well
        # Section 7.4.1: 1001 is for a server that goes down.
        assert [client.goodbye() for client in clients] == [1001] * len(clients)
        stopped.result()
    assert time.monotonic() - started < DEADLINE, "nothing was left to wait for"
    wait_until(lambda: gone(pid), "the command is ended")
    own.start()
    for client in clients:
        row = own.row(client.run_id)
        assert (row["status"], row["result"]["ended"]) == ("succeeded", "shutdown")
        client.socket.close()


# --- another client


NODE = "/usr/bin/node"


def test_a_client_of_node(server, box):
    """Debian's nodejs and node-ws: an implementation that is not ours."""
    text = "through node, there and back again; " * 2000
    url = f"ws://127.0.0.1:{server.port}" + exec_path(box, "sh", "-c", "cat; echo problem >&2; exit 3", stdin="true")
    done = subprocess.run(
        [NODE, pathlib.Path(__file__).with_name("ws_exec.js"), url, server.token(MANAGE), V4, V5],
        input=text, capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["stdout"], got["stderr"]) == (text, "problem\n")
    assert got["status"]["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert (got["code"], got["subprotocol"]) == (1000, V5)
    assert got["extensions"].startswith(DEFLATE)
