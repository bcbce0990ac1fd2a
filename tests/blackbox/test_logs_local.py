"""Logs of workloads on provider `local`: once, and as they come."""

import json

import pytest

from server import wait_until

SSE, NDJSON, TEXT = "text/event-stream", "application/x-ndjson", "text/plain"

TEN_LINES = "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done; echo problem >&2; exec sleep 100000"
COUNTING = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done"


def path(name, query=""):
    return f"/manage/workloads/{name}/logs" + query


def lines(server, name, query=""):
    answer = server.get(path(name, query), headers={"Accept": NDJSON})
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.body.splitlines()]


def texts(server, name, query=""):
    return [line["text"] for line in lines(server, name, query)]


@pytest.fixture(scope="module")
def ten(server):
    """A workload that has said eleven lines."""
    server.start_workload("ten", TEN_LINES)
    wait_until(lambda: len(texts(server, "ten")) == 11, "the workload speaks")
    return "ten"


class Follower:
    """A log stream that is open."""

    def __init__(self, server, name, query="?follow=true", accept=SSE, **headers):
        fields = {"Accept": accept, **{key.replace("_", "-"): value for key, value in headers.items()}}
        self.connection, self.response = server.open("GET", path(name, query), headers=fields)
        assert self.response.status == 200, self.response.read()
        assert self.response.headers["Content-Type"].startswith(accept)
        self.run_id = self.response.headers["X-Run-Id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def line(self):
        return self.response.readline().decode().rstrip("\n")

    def event(self):
        """Fields of the next server-sent event."""
        event = {}
        while line := self.line():
            if not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
        return event

    def rest(self):
        """What comes until the stream ends, however it ends."""
        try:
            return self.response.read()
        except OSError:
            return b""
        except Exception as error:  # http.client.IncompleteRead: cut off before the last chunk
            return getattr(error, "partial", b"")


def test_once(server, ten):
    found = lines(server, ten)
    out = [line for line in found if line["stream"] == "stdout"]
    assert [line["text"] for line in out] == [f"line {i}" for i in range(1, 11)]
    assert [line["text"] for line in found if line["stream"] == "stderr"] == ["problem"]
    times = [line["time"] for line in found]
    assert times == sorted(times) and len(set(times)) == len(times)
    assert {line["replica"] for line in found} == {"0"}


def test_tail(server, ten):
    everything = texts(server, ten)
    for count in (0, 1, 3, 11, 1000):
        assert texts(server, ten, f"?tail={count}") == (everything[-count:] if count else [])


def test_since(server, ten):
    found = lines(server, ten)
    # Behind the time: the line of that time itself is not repeated.
    assert texts(server, ten, f"?since={found[4]['time']}") == [line["text"] for line in found[5:]]
    assert texts(server, ten, "?since=2000-01-01T00:00:00Z") == [line["text"] for line in found]
    assert texts(server, ten, "?since=2100-01-01T00:00:00Z") == []


@pytest.mark.parametrize("query", [
    "?since=yesterday", "?tail=-1", "?tail=x", "?follow=maybe", "?lines=3", "?tail=1&tail=2",
])
def test_bad_parameters(server, ten, query):
    answer = server.get(path(ten, query))
    assert answer.status == 400 and answer.code, answer


def test_replica(server):
    server.start_workload("pair", "echo from $ACP_REPLICA; exec sleep 100000", replicas=2)
    wait_until(lambda: len(texts(server, "pair")) == 2, "both speak")
    assert sorted(texts(server, "pair")) == ["from 0", "from 1"]
    assert texts(server, "pair", "?replica=1") == ["from 1"]
    assert server.get(path("pair", "?replica=9")).status == 404


def test_text(server, ten):
    answer = server.get(path(ten), headers={"Accept": TEXT})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    first = answer.body.decode().splitlines()[0].split(" ", 2)
    assert first[1:] == ["0", "line 1"] and first[0].endswith("Z")


def test_sse_is_the_default(server, ten):
    answer = server.get(path(ten))
    assert answer.headers["Content-Type"] == SSE
    assert answer.headers["Cache-Control"] == "no-store"
    events = answer.body.decode().split("\n\n")
    assert events[-1] == "" and events[-2] == "event: end\ndata: {}"
    assert len(events) == 13
    fields = dict(line.split(": ", 1) for line in events[0].split("\n"))
    line = json.loads(fields["data"])
    assert fields["event"] == "log" and fields["id"] == line["time"] and line["text"] == "line 1"


def test_bytes_that_are_no_text(server):
    server.start_workload("binary", r"""printf 'a\377b\n\033[31mred\n"quoted\\\n'; exec sleep 100000""")
    wait_until(lambda: len(texts(server, "binary")) == 3, "the workload speaks")
    assert texts(server, "binary") == ["a\ufffdb", "\x1b[31mred", '"quoted\\']


@pytest.mark.parametrize("accept", [SSE, NDJSON, TEXT])
def test_follow(server, accept):
    name = "follow-" + accept.split("/")[1].removeprefix("x-")
    server.start_workload(name, COUNTING)
    with Follower(server, name, accept=accept) as follower:
        for number in range(1, 40):
            if accept == SSE:
                text = json.loads(follower.event()["data"])["text"]
            elif accept == NDJSON:
                text = json.loads(follower.line())["text"]
            else:
                text = follower.line().split(" ", 2)[2]
            assert text == f"line {number}"
        assert server.row(follower.run_id)["status"] == "running"
    # The listener has gone: the stream's row gets its outcome.
    row = wait_until(lambda: (r := server.row(follower.run_id))["finished_at"] and r, "the row ends")
    assert row["status"] == "succeeded" and row["result"]["ended"] == "listener_gone"
    assert row["result"]["lines"] >= 39
    server.ok("DELETE", f"/manage/workloads/{name}")


def test_last_event_id_continues_without_repeat_or_gap(server):
    server.start_workload("resumed", COUNTING)
    expected = 0
    last = None
    for _ in range(5):
        with Follower(server, "resumed", **({"Last_Event_ID": last} if last else {})) as follower:
            for _ in range(7):
                event = follower.event()
                expected += 1
                assert json.loads(event["data"])["text"] == f"line {expected}"
                last = event["id"]
    answer = server.get(path("resumed"), headers={"Last-Event-ID": "nonsense"})
    assert (answer.status, answer.code) == (400, "bad_last_event_id")
    server.ok("DELETE", "/manage/workloads/resumed")


def test_tail_and_follow(server, ten):
    with Follower(server, ten, "?follow=true&tail=2") as follower:
        assert {json.loads(follower.event()["data"])["text"] for _ in range(2)} <= {"line 9", "line 10", "problem"}


def test_following_ends_with_the_workload(server):
    server.start_workload("short-lived", "echo here; exec sleep 100000")
    with Follower(server, "short-lived") as follower:
        assert json.loads(follower.event()["data"])["text"] == "here"
        server.ok("DELETE", "/manage/workloads/short-lived")
        event = follower.event()
        while event["event"] == "log":
            event = follower.event()
        assert event["event"] == "end"
    row = wait_until(lambda: (r := server.row(follower.run_id))["finished_at"] and r, "the row ends")
    assert row["result"]["ended"] == "finished"


def test_following_goes_on_through_a_restart_of_the_workload(server):
    server.start_workload("renewed", "echo $$; exec sleep 100000")
    with Follower(server, "renewed", accept=NDJSON) as follower:
        first = json.loads(follower.line())["text"]
        server.ok("POST", "/manage/workloads/renewed/restart", {})
        assert json.loads(follower.line())["text"] != first


def test_a_slow_listener_loses_nothing(server):
    text = "of many that fill the buffers"
    script = f"i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i {text}; done; exec sleep 100000"
    server.start_workload("flood", script)
    wait_until(lambda: texts(server, "flood", "?tail=1") == ["line 30000 " + text], "all is said")
    # Not read while it is said, then read in one go.
    with Follower(server, "flood", accept=NDJSON) as follower:
        for number in range(1, 30001):
            assert json.loads(follower.line())["text"].startswith(f"line {number} ")
    server.ok("DELETE", "/manage/workloads/flood")


def test_a_drain_ends_followers(make_server):
    own = make_server()
    own.start_workload("followed", COUNTING)
    followers = [Follower(own, "followed", accept=accept) for accept in (SSE, NDJSON, TEXT)]
    for follower in followers:
        assert "line" in follower.line() + follower.line() + follower.line()
    own.stop()  # asserts that the process ends well
    for follower in followers:
        follower.rest()
        follower.close()
    own.start()
    for follower in followers:
        row = own.row(follower.run_id)
        assert (row["status"], row["result"]["ended"]) == ("succeeded", "shutdown")
