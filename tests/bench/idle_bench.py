#!/usr/bin/python3
"""Memory and latency with many idle keep-alive connections, beside nginx.

Opens the idle connections, each after one request, then measures 64 active
ones, for both servers in turn within one run.

usage: idle_bench.py [--build DIR] [--idle N] [--rounds N] [--seconds N]
Prints resident bytes per idle connection, and p50 and p99 of the active ones.
"""

import contextlib
import pathlib
import re
import resource
import socket
import statistics
import urllib.parse

from harness import arguments, bench_folder
from loads import http_load
from servers import start_control_plane, start_nginx


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def open_idle(url, count, idle):
    """Connections that are open until `idle`, an exit stack, is left."""
    parts = urllib.parse.urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    for _ in range(count):
        connection = idle.enter_context(socket.create_connection((parts.hostname, parts.port)))
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def main():
    options = arguments(__doc__, idle=5000, rounds=7, seconds=2).parse_args()
    wanted = 2 * options.idle + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    with bench_folder() as (folder, started), contextlib.ExitStack() as idle:
        nginx = start_nginx(folder, 18980)
        started.append(nginx)
        plane = start_control_plane(folder, options.build)
        started.append(plane)
        servers = {"alphaswarm-cp": plane, "nginx": nginx}
        memory = {}
        for name, (_, pid, url) in servers.items():
            # What a first load allocates is not the idle connections'.
            http_load(options.build, url, options.seconds, connections=64)
            before = resident_kib(pid)
            open_idle(url, options.idle, idle)
            memory[name] = (resident_kib(pid) - before) * 1024 / options.idle
        latencies = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, (_, _, url) in servers.items():
                latencies[name].append(http_load(options.build, url, options.seconds, connections=64))
        print(f"{'server':<16}{'bytes/idle':>12}{'p50 us':>10}{'p99 us':>10}")
        for name, rows in latencies.items():
            print(f"{name:<16}{memory[name]:>12.0f}{statistics.median(r['p50_us'] for r in rows):>10.0f}"
                  f"{statistics.median(r['p99_us'] for r in rows):>10.0f}")
        ratios = [a["p99_us"] / b["p99_us"] for a, b in zip(latencies["alphaswarm-cp"], latencies["nginx"])]
        print(f"p99, median ratio of {len(ratios)} neighbouring pairs: {statistics.median(ratios):.2f} "
              f"(min {min(ratios):.2f}, max {max(ratios):.2f})")


if __name__ == "__main__":
    main()
