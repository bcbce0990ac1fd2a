#!/usr/bin/python3
"""CPU per request of authenticated, routed requests, beside haproxy and nginx.

Ours checks an ES256 bearer token, routes, asks the catalogue or the provider's
plugin and makes JSON of the answer. The neighbours answer the same request with
the same body from their configuration and check nothing, so the ratio says
what the work costs over an answer as such, not who does the same work better.

One event loop each, in turn within one run, CPU as the kernel accounts it; load
and servers share one core. HTTP/1.1 is wrk with 64 connections, HTTP/2 (plain)
is h2load with 8 connections of 32 streams. Not http-load: its bursts would come
more often than such a request takes, and each one interrupts the server.

usage: routed_bench.py [--build DIR] [--rounds N] [--seconds N] [PROTOCOL...]
PROTOCOL: h1 (HTTP/1.1), h2c (HTTP/2, plain)
"""

import functools
import urllib.parse

from harness import arguments, bench_folder, compare, cpu_ns, share_one_core
from loads import h2load, wrk
from servers import HAPROXY_RETURN, RETURN, Api, start_control_plane, start_haproxy, start_nginx


def measure(protocol, pid, url, seconds, fields):
    before = cpu_ns(pid)
    if protocol == "h1":
        requests = wrk(url, seconds, 64, fields)
    else:
        requests = h2load(url, f"-D{seconds}", fields=fields).requests
    return (cpu_ns(pid) - before) / 1000 / requests


def bench(options, protocol, plane, api, path):
    body = api.call("GET", path).decode()
    with bench_folder() as (folder, started):
        started.append(start_haproxy(folder, 18981, protocol, HAPROXY_RETURN.format(body=body)))
        started.append(start_nginx(folder, 18980, protocol, RETURN.format(body=body)))
        measures = {name: functools.partial(measure, protocol, pid, urllib.parse.urljoin(url, path), options.seconds,
                                            [api.authorization])
                    for name, (_, pid, url) in zip(["alphaswarm-cp", "haproxy", "nginx"], [plane, *started])}
        compare(f"{protocol} GET {path}, {len(body)} bytes", "us", options.rounds, measures)


def main():
    parser = arguments(__doc__, rounds=5, seconds=2)
    parser.add_argument("protocols", nargs="*", default=["h1", "h2c"], metavar="PROTOCOL")
    options = parser.parse_args()
    share_one_core()
    with bench_folder() as (folder, started):
        plane = start_control_plane(folder, options.build)
        started.append(plane)
        api = Api(folder, options.build, plane[2])
        with api.workload("bench", ["/bin/sleep", "100000"]) as workload:
            for protocol in options.protocols:
                for path in ("/manage/providers", workload):
                    bench(options, protocol, plane, api, path)


if __name__ == "__main__":
    main()
