#!/usr/bin/python3
"""Instructions per request in user space, counted by callgrind.

Unlike time, the count does not depend on the machine's mood: it is the figure
to hold a change against.

usage: instructions.py [--build DIR] [--seconds N] [--functions N]
Needs valgrind and wrk. Prints the count for a request of /manage/healthz and
the functions that most of it goes to.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

from servers import ROOT, start_control_plane


def control(option, pid):
    subprocess.run(["callgrind_control", option, str(pid)], check=True, stdout=subprocess.DEVNULL)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--functions", type=int, default=30)
    options = arguments.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--log-file=/dev/null"]
    process, _, url = start_control_plane(folder, options.build.resolve(), callgrind)
    try:
        def load(seconds):
            out = subprocess.run(["wrk", "-t1", f"-c{options.connections}", f"-d{seconds}", url], capture_output=True,
                                 text=True, check=True).stdout
            return int(re.search(r"(\d+) requests in", out).group(1))
        load(1)
        control("--zero", process.pid)
        requests = load(options.seconds)
        control("--dump", process.pid)
        table = subprocess.run(["callgrind_annotate", "--threshold=100", f"{folder}/out.1"], capture_output=True,
                               text=True, check=True).stdout
        rows = re.findall(r"^\s*([\d,]+) \([^)]*\)\s+(\S.*)$", table, re.M)
        total = int(rows[0][0].replace(",", ""))
        print(f"{total / requests:.0f} instructions per request ({requests} requests)")
        # callgrind gives the thread's outermost frames the whole count.
        rows = [row for row in rows if row[0] != rows[0][0]]
        for count, name in rows[:options.functions]:
            name = re.sub(r" \[.*?\]$", "", name.split(":", 1)[-1])
            print(f"{int(count.replace(',', '')) / requests:8.1f}  {name[:150]}")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
