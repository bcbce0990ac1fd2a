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

import pathlib
import re
import statistics

from harness import arguments, bench_folder, cpu_ns, share_one_core, user_share
from loads import http_load, wrk
from servers import start_control_plane, start_nginx


def load(options, url, seconds):
    """Requests that were answered."""
    if options.generator == "wrk":
        return wrk(url, seconds, options.connections)
    return http_load(options.build, url, seconds, options.connections, options.pause_us)["requests"]


def measure(options, pid, url, seconds):
    before, split_before = cpu_ns(pid), user_share(pid)
    requests = load(options, url, seconds)
    after, split_after = cpu_ns(pid), user_share(pid)
    user = split_after[0] - split_before[0]
    system = split_after[1] - split_before[1]
    return (after - before) / 1000 / requests, user / max(1, user + system), requests / seconds


def main():
    parser = arguments(__doc__, rounds=7, seconds=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--port", type=int, default=18980)
    parser.add_argument("--generator", choices=["http-load", "wrk"], default="http-load")
    parser.add_argument("--pause-us", type=int, default=100, help="between the bursts of http-load")
    options = parser.parse_args()
    share_one_core()
    with bench_folder() as (folder, started):
        nginx = start_nginx(folder, options.port)
        started.append(nginx)
        plane = start_control_plane(folder, options.build)
        started.append(plane)
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


if __name__ == "__main__":
    main()
