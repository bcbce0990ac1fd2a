#!/usr/bin/python3
"""CPU per request over HTTP/2 and TLS, beside haproxy and nginx.

Like http_bench.py: one event loop each, the same answer, in turn within one
run, CPU as the kernel accounts it; load and server share one core. HTTP/2 load
is h2load with 8 connections of 32 streams, HTTP/1.1 over TLS is wrk.

usage: protocol_bench.py [--build DIR] [--rounds N] [--seconds N] [PROTOCOL...]
PROTOCOL: h2c (HTTP/2, plain), h2 (HTTP/2 over TLS 1.3), tls (HTTP/1.1 over TLS 1.3)
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

from servers import ROOT, cpu_ns, make_certificate, start_control_plane, start_haproxy, start_nginx


def load(protocol, url, seconds):
    """Requests that were answered."""
    if protocol == "tls":
        out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}", url], capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out and "Socket errors" not in out, out
        return int(re.search(r"(\d+) requests in", out).group(1))
    out = subprocess.run(["h2load", "-c8", "-m32", f"-D{seconds}", "--warm-up-time=0", url], capture_output=True,
                         text=True, check=True).stdout
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed", out)
    assert counts and int(counts.group(3)) == 0, out
    return int(counts.group(2))


def measure(protocol, pid, url, seconds):
    before = cpu_ns(pid)
    requests = load(protocol, url, seconds)
    return (cpu_ns(pid) - before) / 1000 / requests


def bench(options, protocol):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    started = []
    try:
        make_certificate(folder)
        for server in (start_control_plane(folder, options.build, protocol=protocol),
                       start_haproxy(folder, 18981, protocol), start_nginx(folder, 18980, protocol)):
            started.append(server)
        names = ["alphaswarm-cp", "haproxy", "nginx"]
        for _, pid, url in started:
            measure(protocol, pid, url, 1)
        rounds = [[measure(protocol, pid, url, options.seconds) for _, pid, url in started]
                  for _ in range(options.rounds)]
        print(protocol)
        for index, name in enumerate(names):
            ratios = [row[0] / row[index] for row in rounds]
            print(f"  {name:<16}{statistics.median(row[index] for row in rounds):8.3f} us"
                  + (f"   we take {statistics.median(ratios):.2f} of it (min {min(ratios):.2f}, max {max(ratios):.2f})"
                     if index else ""))
    finally:
        for process, _, _ in started:
            process.terminate()
        for process, _, _ in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=2)
    arguments.add_argument("protocols", nargs="*", default=["h2c", "h2", "tls"], metavar="PROTOCOL")
    options = arguments.parse_args()
    options.build = options.build.resolve()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # inherited by all that is started here
    for protocol in options.protocols:
        bench(options, protocol)


if __name__ == "__main__":
    main()
