#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The order of the floors: a file includes headers of its own floor and of those below, never
above; no file includes a .c; no circles.  Prints TAP."""
import os
import re
import sys

# From the bottom to the top.  The longest prefix decides.  Files that have moved into their new
# folder, but still depend on what lies above it, are listed by name.
FLOORS = [
    ["kernel/lib/", "kernel/watch/panic/symbols"],
    ["boot/"],
    ["arch/x86_64/"],
    ["kernel/sync/", "kernel/watch/lockdep/"],
    ["kernel/mem/", "kernel/task/kstack"],
    ["kernel/task/", "kernel/watch/seed/", "kernel/watch/trace/",
     "kernel/linux/proc/load"],
    ["kernel/vm/", "kernel/linux/proc/usage"],
    ["kernel/dev/", "arch/x86_64/pc/serial", "arch/x86_64/pc/console", "arch/x86_64/pc/random"],
    ["kernel/fs/", "kernel/watch/trace/tracefs", "kernel/linux/proc/"],
    ["kernel/ipc/", "kernel/linux/socket/", "kernel/linux/futex/"],
    ["kernel/proc/", "kernel/linux/timer/", "kernel/linux/proc/procinfo", "kernel/watch/counters/",
     "kernel/watch/seed/seed_files"],
    ["kernel/sys/", "kernel/linux/socket/sys_socket", "kernel/linux/timer/sys_timer"],
    ["arch/x86_64/entry/", "kernel/watch/panic/"],
    ["kernel/main.", "tests/kernel/"],
]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SYSTEM = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}  # what a freestanding compiler has
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]*)[">]')


def floor(path):
    best = (0, None)
    for number, prefixes in enumerate(FLOORS):
        for prefix in prefixes:
            if path.startswith(prefix):
                best = max(best, (len(prefix), number))
    return best[1]


def read_includes():
    """{file: [(line number, quote or angle, what)]}"""
    found = {}
    for top in ("boot", "arch", "kernel", "tests/kernel"):
        for directory, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                if not name.endswith((".c", ".h", ".S")):
                    continue
                path = os.path.relpath(os.path.join(directory, name), ROOT)
                with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                    found[path] = [(n, m[1], m[2]) for n, line in enumerate(f, 1)
                                   if (m := INCLUDE.match(line))]
    return found


def check_paths(includes):
    """Everything included exists, is written from the root, and is no source."""
    for path, lines in includes.items():
        for n, form, what in lines:
            if form == "<" and what not in SYSTEM:
                yield f"{path}:{n}: <{what}> is no header of a freestanding compiler"
            elif form == '"' and what not in includes:
                yield f"{path}:{n}: no {what} from the root"
            elif what.endswith(".c"):
                yield f"{path}:{n}: includes the source {what}"


def check_floors(includes):
    for path, lines in includes.items():
        if floor(path) is None:
            yield f"{path}: on no floor"
            continue
        for n, form, what in lines:
            if form == '"' and (floor(what) or 0) > floor(path):
                yield f"{path}:{n}: includes {what} from above"


def check_circles(includes):
    """Depth first; a file met again while it is still open closes a circle."""
    state = {}

    def visit(path, way):
        state[path] = "open"
        for _, _, what in includes[path]:
            if what not in includes:
                continue
            if state.get(what) == "open":
                yield " -> ".join(way[way.index(what):] + [what])
            elif what not in state:
                yield from visit(what, way + [what])
        state[path] = "done"

    for path in includes:
        if path not in state:
            yield from visit(path, [path])


def main():
    includes = read_includes()
    tests = [check_paths, check_floors, check_circles]
    failed = False
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        problems = list(test(includes))
        for problem in problems:
            print(f"# {problem}")
        print(f"{'not ' if problems else ''}ok {number} - {test.__name__}")
        failed |= bool(problems)
    return failed


sys.exit(main())
