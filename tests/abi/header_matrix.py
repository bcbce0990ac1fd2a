#!/usr/bin/python3
"""Compiles every public header by itself, in every language it promises.

C headers: C11, C17 and C++11 to C++20. SDK headers: C++20. Then all of them
in one unit, twice, so that no two collide and guards hold.

Usage: header_matrix.py INCLUDE_DIR C_COMPILER CXX_COMPILER
"""

import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
C = ["c11", "c17"]
CXX = ["c++11", "c++14", "c++17", "c++20"]


def main():
    root, c, cxx = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    plain = sorted(str(p.relative_to(root)) for p in root.rglob("*.h"))
    sdk = sorted(str(p.relative_to(root)) for p in root.rglob("*.hpp"))
    assert plain and sdk, f"no headers in {root}"

    jobs = []
    for unit in [[h] for h in plain] + [plain + plain]:
        jobs += [(c, "c", standard, unit, ["-Wpadded"]) for standard in C]
        jobs += [(cxx, "c++", standard, unit, ["-Wpadded"]) for standard in CXX]
    for unit in [[h] for h in sdk] + [plain + sdk + sdk]:
        jobs.append((cxx, "c++", "c++20", unit, []))

    def compile_one(job):
        compiler, language, standard, unit, more = job
        source = "".join(f'#include "{h}"\n' for h in unit)
        done = subprocess.run([compiler, "-x", language, f"-std={standard}", *STRICT, *more, "-I", root, "-"],
                              input=source, capture_output=True, text=True)
        name = unit[0] if len(unit) == 1 else "all headers"
        return None if done.returncode == 0 else f"{name} as {standard}:\n{done.stderr}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [text for text in pool.map(compile_one, jobs) if text]
    print("\n".join(failed) or f"{len(jobs)} compilations of {len(plain)} C and {len(sdk)} C++ headers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
