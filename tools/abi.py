#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux's system calls and what the kernel has of them: the table of docs/abi.md.

    tools/abi.py          print what is wrong with the table; status 1 if something is
    tools/abi.py write    write the columns that are known: the rows, and where each call is served
    tools/abi.py count    how many calls are served, and by which folders

A row is `| number | call | where | what is missing |`. `where` is the folder of the object that
defines sys_NAME, or the answer of a call that is not served: ENOSYS. The last column is written by
hand and says what the call lacks of Linux's; it is empty if nothing is known to be missing. `write`
keeps it. The kernel must have been built with all its extensions.
"""
import collections
import os
import pathlib
import re
import sys

import objects

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / (os.environ.get("BUILD") or "build")
PAGE = ROOT / "docs/abi.md"
HEAD = "| no. | call | where | what is missing |\n|---|---|---|---|\n"
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| (.*?) \| ?(.*?) ?\|$", re.M)
ABSENT = "ENOSYS"

Row = collections.namedtuple("Row", "number name where note")


def numbers():
    """{name: number} of the calls that the C library's header names."""
    text = (BUILD / "syscall_numbers.h").read_text()
    return {name: int(number) for number, name in re.findall(r"X\((\d+), (\w+)\)", text)}


def served(calls):
    """{call: folder} of the calls that an object of the kernel defines."""
    found = {}
    for path in sorted((BUILD / "kernel").rglob("*.c.o")):
        source = path.relative_to(BUILD)
        if not (ROOT / source.with_suffix("")).exists():
            continue
        for symbol in objects.Object(path).symbols:
            name = symbol.name.removeprefix("sys_")
            if symbol.section and not symbol.weak and name != symbol.name and name in calls:
                found[name] = f"`{source.parent}`"
    return found


def rows():
    return [Row(int(number), *rest) for number, *rest in ROW.findall(PAGE.read_text())]


def problems(table=None):
    """What is wrong with the table, by default the page's, in words."""
    calls, table = numbers(), rows() if table is None else table
    found = served(calls)
    if not found:
        yield f"{BUILD} holds no kernel"
        return
    named = {row.name: row for row in table}
    for name, number in calls.items():
        if name not in named:
            yield f"{name}() has no row; `make abi` writes it"
        elif named[name].number != number:
            yield f"{name}() has the number {number}, not {named[name].number}"
    for row in table:
        where = found.get(row.name, ABSENT)
        if row.where != where:
            yield (f"{row.name}() is {'not served' if where == ABSENT else f'served by {where}'}: its row says "
                   f"{row.where}; run `make abi` and say in the last column what the call lacks")
    order = [row.number for row in table]
    if order != sorted(set(order)):
        yield "the rows are not sorted by number, each number once"


def write():
    """The table with a row for each call, and the columns that are known."""
    calls = numbers()
    found = served(calls)
    named = {row.name: row for row in rows()}
    for name, number in calls.items():
        named.setdefault(name, Row(number, name, ABSENT, ""))
    lines = []
    for row in sorted(named.values(), key=lambda row: row.number):
        note = row.note
        if row.where == ABSENT and row.name in found:
            note = ""  # it said why there is no such call
        lines.append(f"| {row.number} | `{row.name}` | {found.get(row.name, ABSENT)} | {note} |\n")
    text = PAGE.read_text()
    before, _, after = text.partition(HEAD)
    after = re.sub(r"\A(\|.*\n)*", "", after)
    PAGE.write_text(before + HEAD + "".join(lines) + after)


def count():
    folders = collections.Counter(row.where for row in rows())
    absent = folders.pop(ABSENT, 0)
    print(f"{sum(folders.values())} calls of Linux are served, {absent} are not")
    for folder, n in folders.most_common():
        print(f"{n:5}  {folder}")


def main():
    if sys.argv[1:] == ["write"]:
        write()
    elif sys.argv[1:] == ["count"]:
        count()
    elif sys.argv[1:]:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    found = list(problems())
    for problem in found:
        print(f"docs/abi.md: {problem}", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
