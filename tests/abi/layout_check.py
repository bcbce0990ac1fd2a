#!/usr/bin/python3
"""Compares what the layout program prints with the released layout.

A released line never changes. After appending a field or adding an interface,
write the golden file anew, on purpose: build/.../abi-layout > FILE, and see in
the diff that lines were only added (and sizes of grown structs changed).

Usage: layout_check.py PROGRAM GOLDEN_FILE
"""

import difflib
import pathlib
import struct
import subprocess
import sys

SKIPPED = 77


def main():
    program, golden = sys.argv[1], pathlib.Path(sys.argv[2])
    if struct.calcsize("P") != 8 or struct.calcsize("l") != 8:
        print("the golden layout is that of LP64")
        return SKIPPED
    now = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    released = golden.read_text()
    if now == released:
        print(f"{len(released.splitlines())} lines as released")
        return 0
    sys.stdout.writelines(difflib.unified_diff(released.splitlines(True), now.splitlines(True), str(golden), program))
    return 1


if __name__ == "__main__":
    sys.exit(main())
