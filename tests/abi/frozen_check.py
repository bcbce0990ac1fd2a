#!/usr/bin/python3
"""Holds today's headers to those that were frozen with a release.

What layout_source.py finds in the frozen headers has to be in today's: each
constant, enumerator and alias word for word, each struct with its fields at
their offsets, followed by nothing or by more of them. The same program shows
both, compiled once against either set of headers.

Usage: frozen_check.py FROZEN_INCLUDE INCLUDE C_COMPILER
"""

import pathlib
import re
import subprocess
import sys
import tempfile

STRUCT = re.compile(r"(\w+): size (\d+)$")


def layout(include, compiler, folder):
    source, program = folder / "layout.c", folder / "layout"
    generator = pathlib.Path(__file__).with_name("layout_source.py")
    subprocess.run([sys.executable, generator, include, source], check=True)
    subprocess.run([compiler, "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", include, source, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def parse(text):
    """Lines that stand alone, and of each struct its size and fields."""
    alone, structs, fields = set(), {}, None
    for line in text.splitlines():
        if struct := STRUCT.match(line):
            fields = []
            structs[struct.group(1)] = (int(struct.group(2)), fields)
        elif line.startswith("  "):
            fields.append(line)
        else:
            alone.add(line)
    return alone, structs


def complaints(frozen, now):
    (old_alone, old_structs), (new_alone, new_structs) = parse(frozen), parse(now)
    for line in sorted(old_alone - new_alone):
        yield f"gone or changed: {line}"
    for name, (size, fields) in old_structs.items():
        new_size, new_fields = new_structs.get(name, (0, []))
        if new_fields[: len(fields)] != fields:
            changed = next((f for f, n in zip(fields, new_fields + [None] * len(fields)) if f != n), fields)
            yield f"{name}: a field is gone or changed: {changed}"
        elif new_size < size or (len(new_fields) == len(fields) and new_size != size):
            yield f"{name}: its size was {size} and is {new_size}"


def main():
    frozen, include, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory() as folder:
        old = layout(frozen, compiler, pathlib.Path(folder))
        new = layout(include, compiler, pathlib.Path(folder))
    assert len(old.splitlines()) > 100, "the frozen headers are not understood"
    # The check itself must be able to fail.
    assert list(complaints(old, "")), "an empty header passes"
    # A field that appears in front of the last one shifts it.
    first = next(line for line in old.splitlines() if line.startswith("  "))
    assert list(complaints(old, old.replace(first + "\n", "", 1))), "a lost field passes"
    found = list(complaints(old, new))
    print("\n".join(found) or f"{len(old.splitlines())} frozen lines hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
