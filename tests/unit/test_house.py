#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The budgets of tools/house.py hold, and docs/house.md and its picture say what is there.  Prints
TAP; the kernel must have been built."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import house as plan
import tap
import house_picture

HINT = "run `make house-picture` and look at what has changed"


def rows(heading):
    """{first cell: second cell} of the table under a heading of the page."""
    section = re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", house_picture.PAGE.read_text(),
                        re.M | re.S)[1]
    return {cells[1].strip(): cells[2].strip() for cells in
            (line.split("|") for line in section.splitlines() if line.startswith("| `"))}


def differences(heading, found):
    """What the table under a heading lacks, and what it has too much."""
    named = rows(heading)
    for name in sorted(found - named.keys()):
        yield f"docs/house.md, {heading}: no row for {name}"
    for name in named:
        if name not in found:
            yield f"docs/house.md, {heading}: {name} is not in the kernel"


def check_budgets(house):
    for name, budget in plan.BUDGETS.items():
        if problem := house.over(name):
            yield problem
        if budget.limit < budget.goal:
            yield f"{name}: a limit below the goal"


def check_types_are_known(house):
    for path, name in house.unknown():
        yield f"{path}: {name}: gdb does not know its type, or nothing sets it"


def check_pointers(house):
    for heading, found in zip(("Function pointers that a room above sets",
                               "Tables that rooms above fill in"), house.handed_down):
        setters = {f"`{p.file}` `{p.name}`": ", ".join(sorted({f"`{plan.room(f)}`"
                                                              for f in p.setters}))
                   for p in found}
        yield from differences(heading, set(setters))
        for name, said in rows(heading).items():
            if setters.get(name, said) != said:
                yield f"docs/house.md, {heading}: {name} is set by {setters[name]}, not {said}"


def check_sets(house):
    yield from differences("Linker sets", {f"`{name}`" for name in house.sets()})


def check_probes(house):
    yield from differences("Probes", {f"`{header}`" for header in plan.PROBES})


def check_figures(house):
    """Lines may be off by two hundred, so that the page does not change with each commit."""
    said = dict(re.findall(r"^\| ([^|]+?) \| ([\d,]+) \|", house_picture.PAGE.read_text(), re.M))
    for name in plan.BUDGETS:
        number, now = int(said.get(name, "-1").replace(",", "")), house_picture.figure(house, name)
        if abs(number - now) > (200 if name.startswith("lines") else 0):
            yield f"docs/house.md: {name}: {number}, now {now}: {HINT}"


def check_picture(house):
    """Same boxes, arrows and pointers; lines and symbols may be off by a fifth, or a few."""
    old = house_picture.content(house_picture.PICTURE.read_text(encoding="utf-8"))
    new = house_picture.content(house_picture.picture(house))
    for what, slack, before, now in zip(("box", "arrow", "pointers of"), (60, 4, 0), old, new):
        for name in sorted(before.keys() | now.keys()):
            a, b = before.get(name), now.get(name)
            if a is None or b is None or abs(a - b) > (max(slack, a // 5) if slack else 0):
                yield f"docs/house.svg: {what} {name}: {a}, now {b}: {HINT}"


CHECKS = [check_budgets, check_types_are_known, check_pointers, check_sets, check_probes,
          check_figures, check_picture]


if __name__ == "__main__":
    sys.exit(tap.run(CHECKS, plan.House()))
