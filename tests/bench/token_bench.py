#!/usr/bin/python3
"""What a token that was verified before adds to a request, in CPU.

The same request goes to two processes of the control plane in turn: one that takes
requests without a token (identity.insecure_dev), and one that is sent an ES256 token
of its own with each request. Only the first of those is verified; the others are looked
up by their digest. So the difference is the field, its digest and the lookup.

One event loop each; load and servers share one core; wrk with 64 connections.

usage: token_bench.py [--build DIR] [--rounds N] [--seconds N]
"""

import functools
import statistics

from harness import arguments, bench_folder, cpu_ns, share_one_core
from loads import wrk
from servers import Api, start_control_plane

PATH = "/manage/limits"


def measure(pid, url, seconds, fields):
    before = cpu_ns(pid)
    requests = wrk(url, seconds, 64, fields)
    return (cpu_ns(pid) - before) / 1000 / requests


def main():
    options = arguments(__doc__, rounds=15, seconds=2).parse_args()
    share_one_core()
    with bench_folder() as (folder, started):
        measures = {}
        for name, more in (("no check", "identity: {insecure_dev: true}\n"), ("cached token", "")):
            own = folder / name.replace(" ", "-")
            own.mkdir()
            started.append(start_control_plane(own, options.build, more=more))
            _, pid, url = started[-1]
            api = Api(own, options.build, url)
            fields = [api.authorization] if not more else []
            measures[name] = functools.partial(measure, pid, api.base + PATH, options.seconds, fields)
        rows = [[one() for one in measures.values()] for _ in range(options.rounds + 1)][1:]
        for index, name in enumerate(measures):
            print(f"{name:<14}{statistics.median(row[index] for row in rows):8.3f} us of CPU a request, GET {PATH}")
        differences = sorted(row[1] - row[0] for row in rows)
        print(f"difference    {statistics.median(differences):8.3f} us (rounds: {differences[0]:.3f} to {differences[-1]:.3f})")


if __name__ == "__main__":
    main()
