#!/usr/bin/python3
"""Memory and latency with many idle keep-alive connections, beside nginx.

Opens the idle connections, each after one request, then measures 64 active
ones, for both servers in turn within one run.

usage: idle_bench.py [--build DIR] [--idle N] [--rounds N] [--seconds N]
Prints resident bytes per idle connection, and p50 and p99 of the active ones.
"""

import argparse
import json
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import urllib.parse

from servers import ROOT, start_control_plane, start_nginx


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def open_idle(url, count):
    parts = urllib.parse.urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    sockets = []
    for _ in range(count):
        connection = socket.create_connection((parts.hostname, parts.port))
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        sockets.append(connection)
    return sockets


def active(options, url):
    parts = urllib.parse.urlsplit(url)
    out = subprocess.run([options.build / "bin/http-load", parts.hostname, str(parts.port), parts.path, "64",
                          str(options.seconds), "100"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(out)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments.add_argument("--idle", type=int, default=5000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=2)
    options = arguments.parse_args()
    options.build = options.build.resolve()
    wanted = 2 * options.idle + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    started, sockets = [], []
    try:
        (folder / "nginx").mkdir()
        (folder / "cp").mkdir()
        nginx = start_nginx(folder / "nginx", 18980)
        started.append(nginx[0])
        plane = start_control_plane(folder / "cp", options.build)
        started.append(plane[0])
        servers = {"alphaswarm-cp": plane, "nginx": nginx}
        memory = {}
        for name, (_, pid, url) in servers.items():
            active(options, url)  # what a first load allocates is not the idle connections'
            before = resident_kib(pid)
            sockets += open_idle(url, options.idle)
            memory[name] = (resident_kib(pid) - before) * 1024 / options.idle
        latencies = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, (_, _, url) in servers.items():
                latencies[name].append(active(options, url))
        print(f"{'server':<16}{'bytes/idle':>12}{'p50 us':>10}{'p99 us':>10}")
        for name, rows in latencies.items():
            print(f"{name:<16}{memory[name]:>12.0f}{statistics.median(r['p50_us'] for r in rows):>10.0f}"
                  f"{statistics.median(r['p99_us'] for r in rows):>10.0f}")
        ratios = [a["p99_us"] / b["p99_us"] for a, b in zip(latencies["alphaswarm-cp"], latencies["nginx"])]
        print(f"p99, median ratio of {len(ratios)} neighbouring pairs: {statistics.median(ratios):.2f} "
              f"(min {min(ratios):.2f}, max {max(ratios):.2f})")
    finally:
        for process in started:
            process.terminate()
        for connection in sockets:
            connection.close()
        for process in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
