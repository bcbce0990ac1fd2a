"""What all measurements do alike: options, a folder to work in, CPU accounting, turns and their table."""

import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments(doc, **defaults):
    """A parser with --build, and a whole number for each of `defaults`."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--build", type=lambda text: pathlib.Path(text).resolve(), default=ROOT / "build/release")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser


def share_one_core():
    """Load and servers, that is all that is started from here on, run on one core; load.cpp tells why."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextlib.contextmanager
def bench_folder():
    """A folder, and the list of the servers that run in it; none of it outlives the block."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    started = []
    try:
        yield folder, started
    finally:
        for process, _, _ in started:
            process.terminate()
        for process, _, _ in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def cpu_ns(pid):
    """Nanoseconds that the threads of a process have run, those that have ended too.

    It is the clock that clock_getcpuclockid(3) names, which Python lacks. The
    schedstat of the threads is the same account, but loses a thread that ends.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)


def user_share(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]), int(fields[12])


def compare(title, unit, rounds, measures):
    """Calls each of `measures` ({name: function}, ours first) in turn, prints medians and ratios of neighbours.

    A first round warms up and does not count.
    """
    rows = [[measure() for measure in measures.values()] for _ in range(rounds + 1)][1:]
    print(title)
    for index, name in enumerate(measures):
        ratios = [row[0] / row[index] for row in rows]
        print(f"  {name:<34}{statistics.median(row[index] for row in rows):12.3f} {unit}"
              + (f"   we take {statistics.median(ratios):.2f} of it (min {min(ratios):.2f}, max {max(ratios):.2f})"
                 if index else ""), flush=True)
