#!/usr/bin/python3
"""Checks that the comments of the plugin API keep the policy of plugin.h.

Each function pointer needs a thread tag, a word on blocking and `since`. They
stand in the comment before it, in the comment that opens its group (functions
that follow one another without a blank line or comment), or, for what holds
for all functions of a table, in the comment before the struct.

Usage: tag_lint.py INCLUDE_DIR
"""

import pathlib
import re
import sys

THREAD = re.compile(r"\[(any-thread|instance-serial|stream-serial)\b")
BLOCK = re.compile(r"\[(may-block|must-not-block)\b")
SINCE = re.compile(r"\bsince (\d+\.\d+|draft)\b")
TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<open>typedef struct(?: \w+)? \{)"
    r"|(?P<close>\} \w+;)"
    r"|(?P<pointer>(?:typedef )?[\w ]+\*? ?\(\*(?P<name>\w+)\)\([^;]*\);)"
    r"|(?P<blank>\n[ \t]*\n)"
    r"|(?P<other>[^\s/][^\n]*;)"
    r"|(?P<word>\S+)",
    re.S,
)


def check(path, draft):
    """Complaints about one header, and how many function pointers it has."""
    found, pointers = [], 0
    comment = struct_comment = ""
    text = path.read_text()
    for token in TOKEN.finditer(text):
        kind = token.lastgroup if token.lastgroup != "name" else "pointer"
        if kind == "comment":
            comment = token.group()
        elif kind == "open":
            struct_comment, comment = comment, ""
        elif kind == "close":
            struct_comment = comment = ""
        elif kind == "blank" and not text[token.end():].lstrip().startswith("typedef struct"):
            comment = ""
        elif kind == "pointer":
            pointers += 1
            line = text.count("\n", 0, token.start("name")) + 1
            where = f"{path}:{line}: {token.group('name')}"
            for what, pattern in (("thread tag", THREAD), ("[may-block] or [must-not-block]", BLOCK), ("since", SINCE)):
                if not pattern.search(comment) and not pattern.search(struct_comment):
                    found.append(f"{where}: no {what} in its comment")
            since = SINCE.search(comment) or SINCE.search(struct_comment)
            if since and (since.group(1) == "draft") != draft:
                found.append(f"{where}: `since {since.group(1)}` does not fit a {'draft' if draft else 'released'} header")
    # What the pattern above does not recognise must not slip through.
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    if (declared := bare.count("(*")) != pointers:
        found.append(f"{path}: {declared} function pointers, of which {pointers} are understood")
    return found, pointers


def main():
    root = pathlib.Path(sys.argv[1])
    headers = sorted(root.rglob("*.h"))
    complaints, total = [], 0
    for header in headers:
        found, pointers = check(header, "draft" in header.parts)
        complaints += found
        total += pointers
    if not headers or not total:
        complaints.append(f"{root}: no function pointers found")
    print("\n".join(complaints) or f"{total} function pointers in {len(headers)} headers")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
