#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the words of a `make` command name, before anything is built or booted.

    tools/check_names.py GOAL,... [SETTING=VALUE...]    print what is wrong, else nothing

Make calls it with its goals and settings: `make lab NAME=mnay` gets its answer here."""
import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOOTS = ["auto", "iso", "usb", "uefi", "direct"]


def labs():
    return re.findall(r'^    \{"(\w+)", "', (ROOT / "user/lab/catalogue.h").read_text(), re.M)


def tours():
    return re.findall(r'^    "([\w-]+)": Tour\(', (ROOT / "tools/gdb/tours.py").read_text(), re.M)


def self_tests():
    return [name for path in sorted((ROOT / "tests/kernel").rglob("*.c"))
            for name in re.findall(r"\bKTEST\((\w+)\)", path.read_text())]


def near(word, names):
    found = difflib.get_close_matches(word, names, 3, 0.5)
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"there are: {' '.join(names)}" if len(names) < 30 else "docs/tests.md lists them"


def programs(words):
    """What is wrong with the files of `make race`, which start at the user's directory."""
    if not words:
        return ["no program.  Type: make race PROGRAM=my.c (an example: PROGRAM=tests/race/lost_update.c)"]
    return [f"PROGRAM={w}: there is no such file" for w in words if not pathlib.Path(w).is_file()]


def wrong(goals, settings):
    """What is wrong, in words, or None."""
    def unknown(setting, kind, names):
        words = settings.get(setting, "").split()
        if words and words[0] not in names:
            return f"{setting}={words[0]}: there is no {kind} '{words[0]}'; {near(words[0], names)}"
        return None

    found = []
    if "lab" in goals:
        found.append(unknown("NAME", "lab", [*labs(), "tour"]))
    if {"gdb", "trace"} & set(goals):
        found.append(unknown("LAB", "lab", labs()))
    if "gdb" in goals:
        found.append(unknown("TOUR", "tour", tours()))
    if {"run", "lab"} & set(goals):
        found.append(unknown("BOOT", "way to boot", BOOTS))
    if "race" in goals:
        found += programs(settings.get("PROGRAM", "").split())
    for filter_ in re.findall(r"(?:^| )selftest=(\S+)", settings.get("APPEND", "")):
        if not any(filter_ in name for name in self_tests()):  # as tests/kernel/ktest.c
            found.append(f"APPEND=selftest={filter_}: no self-test's name contains '{filter_}'; "
                         + near(filter_, self_tests()))
    return next(filter(None, found), None)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    message = wrong(sys.argv[1].split(","), dict(s.split("=", 1) for s in sys.argv[2:]))
    if message:
        print(message)


if __name__ == "__main__":
    main()
