#!/usr/bin/python3
"""CPU per request over HTTP/2 and TLS, beside haproxy and nginx.

Like http_bench.py: one event loop each, the same answer, in turn within one
run, CPU as the kernel accounts it; load and server share one core. HTTP/2 load
is h2load with 8 connections of 32 streams, HTTP/1.1 over TLS is wrk.

usage: protocol_bench.py [--build DIR] [--rounds N] [--seconds N] [PROTOCOL...]
PROTOCOL: h2c (HTTP/2, plain), h2 (HTTP/2 over TLS 1.3), tls (HTTP/1.1 over TLS 1.3)
"""

import functools

from harness import arguments, bench_folder, compare, cpu_ns, share_one_core
from loads import h2load, wrk
from servers import make_certificate, start_control_plane, start_haproxy, start_nginx


def measure(protocol, pid, url, seconds):
    before = cpu_ns(pid)
    requests = wrk(url, seconds, 64) if protocol == "tls" else h2load(url, f"-D{seconds}").requests
    return (cpu_ns(pid) - before) / 1000 / requests


def bench(options, protocol):
    with bench_folder() as (folder, started):
        make_certificate(folder)
        started.append(start_control_plane(folder, options.build, protocol=protocol))
        started.append(start_haproxy(folder, 18981, protocol))
        started.append(start_nginx(folder, 18980, protocol))
        compare(protocol, "us", options.rounds,
                {name: functools.partial(measure, protocol, pid, url, options.seconds)
                 for name, (_, pid, url) in zip(["alphaswarm-cp", "haproxy", "nginx"], started)})


def main():
    parser = arguments(__doc__, rounds=5, seconds=2)
    parser.add_argument("protocols", nargs="*", default=["h2c", "h2", "tls"], metavar="PROTOCOL")
    options = parser.parse_args()
    share_one_core()
    for protocol in options.protocols:
        bench(options, protocol)


if __name__ == "__main__":
    main()
