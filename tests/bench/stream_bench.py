#!/usr/bin/python3
"""CPU per MiB of streamed load: the log of a workload, beside nginx and haproxy with the same bytes from a file.

Not the same work: ours reads log records through the provider's plugin, parses
each, passes it to the event loop and frames it as a line of JSON, under a row
of the ledger for each stream. nginx sends a file, haproxy relays what nginx
sends. The neighbours show what the bytes alone cost.

The plugin runs within our process and counts; the workload's supervisor takes
no part in reading. Of haproxy only its own share counts, not that of the nginx
behind it. One event loop each, in turn within one run, CPU as the kernel
accounts it, load (h2load, which counts whole answers) and servers on one core.

usage: stream_bench.py [--build DIR] [--rounds N] [--records N] [--streams N] [--connections N] [PROTOCOL...]
PROTOCOL: h1 (HTTP/1.1), h2c (HTTP/2, plain). --streams: how many answers a round reads from each server,
over --connections at a time.
"""

import functools
import json

from harness import arguments, bench_folder, compare, cpu_ns, share_one_core
from loads import h2load
from servers import Api, start_control_plane, start_haproxy, start_nginx, wait_until

NDJSON = "application/x-ndjson"
RECORD = 'level=info request=%08.0f path=/api/v1/items status=200 bytes=5120 seconds=0.0031 agent="curl/7.88.1"'
LOCATIONS = """
        default_type application/x-ndjson;
        location /sendfile {{ alias {file}; sendfile on; }}
        location /copied {{ alias {file}; sendfile off; }}
"""
RELAY = """default_backend file
backend file
    server file 127.0.0.1:18982
"""


def write_log(api, workload, records):
    """Waits until the log has all records; gives it as the API answers it."""
    last = f"request={records:08}".encode()
    wait_until(lambda: last in api.call("GET", f"{workload}/logs?tail=1", accept=NDJSON), "the workload writes its log")
    body = api.call("GET", f"{workload}/logs", accept=NDJSON)
    lines = body.splitlines()
    assert len(lines) == records and json.loads(lines[0])["text"] == RECORD % 1, f"{len(lines)} of {records} records"
    return body


def measure(options, protocol, pid, url, fields, size):
    before = cpu_ns(pid)
    answered = h2load(url, f"-n{options.streams}", clients=options.connections, streams=1, http1=protocol == "h1",
                      fields=fields)
    assert answered.body_bytes == options.streams * size, f"{url}: {answered} in place of {options.streams} x {size}"
    return (cpu_ns(pid) - before) / 1000 / (answered.body_bytes / 2**20)


def bench(options, protocol, plane, api, workload, body):
    with bench_folder() as (folder, started):
        file = folder / "log"
        file.write_bytes(body)
        folder.chmod(0o711)  # nginx reads it as another user when it is started by root
        locations = LOCATIONS.format(file=file)
        nginx = start_nginx(folder, 18980, protocol, locations)
        started.append(nginx)
        (folder / "behind").mkdir()
        started.append(start_nginx(folder / "behind", 18982, location=locations))
        haproxy = start_haproxy(folder, 18981, protocol, RELAY)
        started.append(haproxy)
        sources = {
            "alphaswarm-cp, log": (plane[1], f"{api.base}{workload}/logs", [api.authorization, f"Accept: {NDJSON}"]),
            "nginx, file, sendfile off": (nginx[1], nginx[2] + "copied", []),
            "nginx, file, sendfile on": (nginx[1], nginx[2] + "sendfile", []),
            "haproxy, relaying that file": (haproxy[1], haproxy[2] + "sendfile", []),
        }
        compare(f"{protocol} {options.records} records, {len(body) / 2**20:.2f} MiB", "us/MiB", options.rounds,
                {name: functools.partial(measure, options, protocol, *source, len(body))
                 for name, source in sources.items()})


def main():
    parser = arguments(__doc__, rounds=5, records=45000, streams=40, connections=4)
    parser.add_argument("protocols", nargs="*", default=["h1", "h2c"], metavar="PROTOCOL")
    options = parser.parse_args()
    share_one_core()
    with bench_folder() as (folder, started):
        plane = start_control_plane(folder, options.build)
        started.append(plane)
        api = Api(folder, options.build, plane[2])
        command = ["/bin/sh", "-c", 'seq -f "$0" 1 "$1"; exec sleep 100000', RECORD, str(options.records)]
        with api.workload("bench", command) as workload:
            body = write_log(api, workload, options.records)
            for protocol in options.protocols:
                bench(options, protocol, plane, api, workload, body)


if __name__ == "__main__":
    main()
