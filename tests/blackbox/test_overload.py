"""Overload by class: what is full answers 503, and the other classes go on."""

import concurrent.futures
import re

from server import wait_until


def figure(server, name, pool):
    """A figure of a pool from the metrics."""
    text = server.get("/manage/metrics").body.decode()
    return float(re.search(rf'^{name}{{pool="{pool}"}} (\S+)$', text, re.M).group(1))


def test_slow_actions_fill_their_class_alone(make_server):
    """One worker and one place in the queue; a third action is refused, questions are answered."""
    server = make_server(server={"workers": 1, "worker_queue": 1, "query_workers": 1})
    server.start_workload("slow")
    done = server.folder / "done"
    waits = {"command": ["/bin/sh", "-c", f"while [ ! -e {done} ]; do sleep 0.05; done"], "timeout_s": 300}
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        first = threads.submit(server.post, "/manage/workloads/slow/exec", waits)
        wait_until(lambda: figure(server, "acp_pool_busy", "actions") == 1, "an action under way")
        second = threads.submit(server.post, "/manage/workloads/slow/exec", {"command": ["true"]})
        wait_until(lambda: figure(server, "acp_pool_queued", "actions") == 1, "an action that waits")
        refused = server.post("/manage/workloads/slow/exec", {"command": ["true"]})
        assert (refused.status, refused.code) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        for path in ("/manage/runs", "/manage/workloads/slow", "/manage/providers", "/manage/metrics", "/manage/readyz",
                     "/manage/healthz"):
            assert server.get(path).status == 200, path
        assert figure(server, "acp_pool_refused_total", "actions") == 1
        assert figure(server, "acp_pool_refused_total", "queries") == 0
        done.touch()
        assert first.result().status == 200
        assert second.result().status == 200
    assert server.post("/manage/workloads/slow/exec", {"command": ["true"]}).status == 200
