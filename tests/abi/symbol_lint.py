#!/usr/bin/python3
"""Checks the dynamic section and symbols of built plugins.

Usage: symbol_lint.py [--sanitized] PLUGIN.so...
"""

import os
import re
import subprocess
import sys

ENTRY = "acp_plugin_entry_v1"
# A sanitizer's runtime is the executable's; it adds symbols of its own.
RUNTIME = re.compile(r"__(asan|ubsan|tsan|lsan|sanitizer|odr_asan|interceptor|start_asan|stop_asan)")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(path, *options):
    """(kind, name without version) of the dynamic symbols."""
    lines = (line.split() for line in output("nm", "-D", *options, path).splitlines())
    return [(parts[-2], parts[-1].split("@")[0]) for parts in lines if len(parts) >= 2]


def libraries(path):
    """What the loader brings in for the plugin, by path; None: one is missing."""
    text = output("ldd", path)
    if "not found" in text:
        return None
    return re.findall(r"(?:=> )?(/\S+) \(0x", text)


def check(path, sanitized):
    found = []
    defined = symbols(path, "--defined-only")
    exported = sorted(name for _, name in defined if not (sanitized and RUNTIME.match(name)))
    if exported != [ENTRY]:
        found.append(f"exports {exported}, not just {ENTRY}")
    if unique := [name for kind, name in defined if kind == "u"]:
        found.append(f"has unique symbols, which keep it from being replaced: {unique}")
    dynamic = output("readelf", "--wide", "--dynamic", path)
    flags = " ".join(re.findall(r"\((?:FLAGS|FLAGS_1)\)\s+(.*)", dynamic))
    for flag in ("BIND_NOW", "NODELETE"):
        if flag not in flags.split():
            found.append(f"lacks {flag} (has: {flags or 'no flags'})")
    if "(TEXTREL)" in dynamic:
        found.append("has relocations in its text")
    if (needed := libraries(path)) is None:
        found.append("a needed library is not found")
    else:
        there = {name for library in needed for _, name in symbols(library, "--defined-only")}
        missing = [name for kind, name in symbols(path, "--undefined-only") if kind == "U" and name not in there]
        if missing := [name for name in missing if not (sanitized and RUNTIME.match(name))]:
            found.append(f"uses symbols that none of its needed libraries has: {missing}")
    return [f"{path}: {what}" for what in found]


def main():
    arguments = sys.argv[1:]
    sanitized = "--sanitized" in arguments
    plugins = [a for a in arguments if not a.startswith("--")]
    complaints = [] if plugins else ["no plugins given"]
    for plugin in plugins:
        complaints += check(plugin, sanitized) if os.path.exists(plugin) else [f"{plugin}: is not built"]
    print("\n".join(complaints) or f"{len(plugins)} plugins export their entry alone")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
