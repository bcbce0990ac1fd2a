#!/usr/bin/python3
"""CPU per request of /manage/healthz beside nginx `return 200`.

Both servers have one event loop, the same body, no access log, and take turns
within one run: machines differ and drift, the ratio of neighbours does not.
CPU is what the kernel accounts to the server's threads (schedstat), so the
load generator does not count.

Load and server share one core; see load.cpp for why. `--generator wrk` takes wrk
instead, which waits for each answer.

usage: http_bench.py [--build DIR] [--rounds N] [--seconds N] [--connections N] [--generator http-load|wrk]
Prints a table and the median of the ratios of neighbours.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import urllib.parse

from servers import ROOT, cpu_ns, start_control_plane, start_nginx, user_share


def load(options, url, seconds):
    """Requests that were answered."""
    if options.generator == "wrk":
        out = subprocess.run(["wrk", "-t1", f"-c{options.connections}", f"-d{seconds}", url], capture_output=True,
                             text=True, check=True).stdout
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        assert not bad, f"{url}: {bad.group(0)}"
        return int(re.search(r"(\d+) requests in", out).group(1))
    parts = urllib.parse.urlsplit(url)
    out = subprocess.run([options.build / "bin/http-load", parts.hostname, str(parts.port), parts.path,
                          str(options.connections), str(seconds), str(options.pause_us)], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    return json.loads(out)["requests"]


def measure(options, pid, url, seconds):
    before, split_before = cpu_ns(pid), user_share(pid)
    requests = load(options, url, seconds)
    after, split_after = cpu_ns(pid), user_share(pid)
    user = split_after[0] - split_before[0]
    system = split_after[1] - split_before[1]
    return (after - before) / 1000 / requests, user / max(1, user + system), requests / seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--port", type=int, default=18980)
    arguments.add_argument("--generator", choices=["http-load", "wrk"], default="http-load")
    arguments.add_argument("--pause-us", type=int, default=100, help="between the bursts of http-load")
    options = arguments.parse_args()
    options.build = options.build.resolve()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # inherited by all that is started here
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    started = []
    try:
        (folder / "nginx").mkdir()
        (folder / "cp").mkdir()
        nginx = start_nginx(folder / "nginx", options.port)
        started.append(nginx[0])
        plane = start_control_plane(folder / "cp", options.build)
        started.append(plane[0])
        figures = {"alphaswarm-cp": [], "nginx": []}
        ratios = []
        measure(options, plane[1], plane[2], 1)
        measure(options, nginx[1], nginx[2], 1)
        for _ in range(options.rounds):
            ours = measure(options, plane[1], plane[2], options.seconds)
            theirs = measure(options, nginx[1], nginx[2], options.seconds)
            figures["alphaswarm-cp"].append(ours)
            figures["nginx"].append(theirs)
            ratios.append(ours[0] / theirs[0])
        print(f"{'server':<16}{'us CPU/request':>16}{'of it user':>12}{'requests/s':>12}")
        for name, rows in figures.items():
            print(f"{name:<16}{statistics.median(r[0] for r in rows):>16.3f}"
                  f"{statistics.median(r[1] for r in rows):>12.0%}{statistics.median(r[2] for r in rows):>12.0f}")
        print(f"ratio, median of {len(ratios)} neighbouring pairs: {statistics.median(ratios):.3f} "
              f"(min {min(ratios):.3f}, max {max(ratios):.3f})")
        rss = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{plane[1]}/status").read_text()).group(1)
        print(f"resident memory of alphaswarm-cp: {int(rss) / 1024:.1f} MiB")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
