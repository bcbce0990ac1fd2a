#!/usr/bin/python3
"""Instructions per request in user space, counted by callgrind.

Unlike time, the count does not depend on the machine's mood: it is the figure
to hold a change against. Where a request carries a token, what libcrypto takes
to check it is a figure of its own: in one sum it would hide whatever our own
code does.

usage: instructions.py [--build DIR] [--seconds N] [--functions N] [--check | --keep] [CASE...]
Needs valgrind, wrk and h2load. Prints the counts and the functions that most of
them go to. --check holds the counts against instructions.json instead, one line
for each; --keep writes that file. Both are for x86-64: another architecture has
other counts, which --check skips.
"""

import json
import pathlib
import platform
import re
import subprocess
import sys

from harness import arguments, bench_folder
from loads import h2load, wrk
from servers import Api, start_control_plane

KEPT = pathlib.Path(__file__).with_suffix(".json")

# How far a count may be above the kept one, and how far below before the kept one says too little. Counts of one
# build differ by much less from run to run; docs/performance.md has the spread.
ABOVE, BELOW = 0.08, 0.15

# How each loads the server for some seconds, and how many requests were answered.
CASES = {
    "healthz-http1": lambda api, seconds: wrk(f"{api.base}/manage/healthz", seconds, 8),
    "healthz-http2": lambda api, seconds: h2load(f"{api.base}/manage/healthz", f"-D{seconds}").requests,
    "providers-http1": lambda api, seconds: wrk(f"{api.base}/manage/providers", seconds, 8, [api.authorization]),
}


def control(option, pid):
    subprocess.run(["callgrind_control", option, str(pid)], check=True, capture_output=True)


def count(case, api, pid, folder, seconds):
    """Requests, and rows of instructions, function and library; the first row is the total."""
    CASES[case](api, 1)
    control("--zero", pid)
    requests = CASES[case](api, seconds)
    control("--dump", pid)
    dump = max(folder.glob("callgrind.*"), key=lambda path: int(path.suffix[1:]))
    table = subprocess.run(["callgrind_annotate", "--threshold=100", dump], capture_output=True, text=True,
                           check=True).stdout
    rows = re.findall(r"^\s*([\d,]+) \([^)]*\)\s+(\S.*?)(?: \[([^][]*)\])?$", table, re.M)
    return requests, [(int(number.replace(",", "")), name, library) for number, name, library in rows]


def figures(case, requests, rows):
    """What is kept of a case: instructions per request by name."""
    crypto = sum(number for number, _, library in rows if "/libcrypto." in library)
    found = {case: round((rows[0][0] - crypto) / requests)}
    if round(crypto / requests) > 0:
        found[f"{case}-libcrypto"] = round(crypto / requests)
    return found


def show(found, requests, rows, functions):
    for name, number in found.items():
        print(f"{name}: {number} instructions per request ({requests} requests)")
    # callgrind gives the outermost frames of a thread nearly the whole count.
    rows = [row for row in rows if row[0] < 0.9 * rows[0][0]]
    for number, name, _ in rows[:functions]:
        print(f"{number / requests:10.1f}  {name.split(':', 1)[-1][:108]}")


def check(name, number, kept):
    """Prints a line that says whether a count holds; gives whether it does."""
    if kept is None:
        print(f"FAILED {name}: {number} instructions per request and no figure to compare with; run with --keep")
        return False
    change = number / kept - 1
    print(f"{'FAILED' if change > ABOVE else 'passed'} {name}: {number} instructions per request, kept are {kept} "
          f"({change:+.1%}, bound {ABOVE:+.0%})")
    if change > ABOVE:
        print(f"  Without --check it lists the functions. If the change is worth that much, --keep takes it over.")
    if change < -BELOW:
        print(f"HINT {name}: that is much less; --keep takes it over, so that what was won is not lost again")
    return change <= ABOVE


def main():
    parser = arguments(__doc__, seconds=4, functions=30)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--keep", action="store_true")
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE", help=", ".join(CASES))
    options = parser.parse_args()
    if options.check and platform.machine() != "x86_64":
        print(f"SKIPPED: the kept counts are not of {platform.machine()}")
        return 0
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    good = True
    with bench_folder() as (folder, started):
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", "--log-file=/dev/null"]
        plane = start_control_plane(folder, options.build, callgrind)
        started.append(plane)
        api = Api(folder, options.build, plane[2])
        for case in options.cases:
            requests, rows = count(case, api, plane[1], folder, options.seconds)
            found = figures(case, requests, rows)
            if options.check:
                good &= all([check(name, number, kept.get(name)) for name, number in found.items()])
            else:
                show(found, requests, rows, 0 if options.keep else options.functions)
            kept.update(found)
    if options.keep:
        KEPT.write_text(json.dumps(kept, indent=2) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
