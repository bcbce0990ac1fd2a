#!/usr/bin/python3
"""Writes a C program that prints what a released header fixes.

For each header outside of draft/: interface ids and constants, enumerators,
and of each struct the size and of each field the offset, size and type. The
program is generated so that nothing released can be left out of it.

Usage: layout_source.py INCLUDE_DIR OUTPUT
"""

import pathlib
import re
import sys


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def field_name(declaration):
    pointer = re.search(r"\(\*(\w+)\)", declaration)
    return pointer.group(1) if pointer else re.search(r"(\w+)$", declaration).group(1)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def of_header(name, text):
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    yield f'puts({quoted("# " + name)});'
    for define in re.finditer(r"^#define (ACP_(?:IID_\w+|ABI_\w+|ENTRY_SYMBOL)) (.+)$", bare, re.M):
        yield f"puts({quoted(define.group(1) + ' = ' + define.group(2).strip())});"
    for body in re.findall(r"^enum \{(.*?)\};", bare, re.M | re.S):
        for constant in re.findall(r"(ACP_\w+)", body):
            yield f'printf("{constant} = %d\\n", (int){constant});'
    for alias in re.findall(r"^typedef (?!struct \w+ \{)([^;{]+);", bare, re.M):
        yield f"puts({quoted('typedef ' + one_line(alias))});"
    for struct, body in re.findall(r"^typedef struct (\w+) \{(.*?)^\} \w+;", bare, re.M | re.S):
        yield f'printf("{struct}: size %zu\\n", sizeof({struct}));'
        for declaration in filter(None, map(one_line, body.split(";"))):
            field = field_name(declaration)
            yield (f'printf("  %3zu %2zu %s\\n", offsetof({struct}, {field}), sizeof((({struct}*)0)->{field}), '
                   f"{quoted(declaration)});")


def main():
    root, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    headers = [h for h in sorted(root.rglob("*.h")) if "draft" not in h.parts]
    names = [str(h.relative_to(root)) for h in headers]
    lines = [f'#include "{name}"' for name in names] + ["#include <stdio.h>", "", "int main(void) {"]
    for header, name in zip(headers, names):
        lines += ["    " + line for line in of_header(name, header.read_text())]
    output.write_text("\n".join(lines + ["    return 0;", "}", ""]))


if __name__ == "__main__":
    main()
