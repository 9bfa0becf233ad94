#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A file refers to symbols and includes headers of its own floor and of those below, never above;
no circles between rooms, nor of headers; no file includes a .c.  The floors and the budgets stand
in tools/house.py.  Prints TAP; the kernel must have been built."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))

import house as plan
import tap


def check_paths(house):
    """Everything included exists, is written from the root, and is no source."""
    for path, lines in house.includes.items():
        for n, form, what in lines:
            if form == "<" and what not in plan.SYSTEM:
                yield f"{path}:{n}: <{what}> is no header of a freestanding compiler"
            elif form == '"' and what not in house.includes and what not in plan.GENERATED:
                yield f"{path}:{n}: no {what} from the root"
            elif what.endswith(".c"):
                yield f"{path}:{n}: includes the source {what}"


def check_places(house):
    """Every file stands on a floor, and every place holds a file."""
    for path in house.texts:
        if plan.floor(path) is None:
            yield f"{path}: on no floor"
    for rooms in plan.FLOORS:
        for prefix in rooms:
            if not any(plan.place(path)[1] == prefix for path in house.texts):
                yield f"{prefix}: a place without a file"


def check_circles_of_includes(house):
    arrows = {path: [what for _, _, what in lines if what in house.includes]
              for path, lines in house.includes.items()}
    for circle in plan.circles(arrows):
        yield "headers include each other: " + ", ".join(circle)


def check_built(house):
    """A source without an object would be left out of what follows."""
    for path in house.texts:
        if not path.endswith(".h") and not path.startswith(plan.APART) and \
                path not in (*house.objects, *plan.GENERATED.values()):
            yield f"{path} is not built: run make"


def check_known(house):
    """Exceptions that are no longer needed."""
    made = {(r.file, r.symbol) for r in house.references}
    for path, symbol in plan.KNOWN:
        if (path, symbol) not in made:
            yield f"{path} does not refer to {symbol}: take it out of KNOWN"


def limited(name, found):
    """A check that what was found stays within the budget of that name."""
    def check(house):
        problem = house.over(name)
        if problem:
            yield problem
            yield from found(house)
    check.__name__ = "check_" + name.replace(" ", "_")
    return check


def references(found):
    return lambda house: (f"{r.file}: {r.function} refers to {r.symbol} of {r.to}"
                          for r in found(house))


CHECKS = [
    check_paths, check_places, check_circles_of_includes, check_built, check_known,
    limited("includes upward", lambda house: (f"{path}:{n}: includes {what} from above"
                                              for path, n, what in house.includes_upward())),
    limited("references upward", references(plan.House.references_upward)),
    limited("references from core and base to extensions",
            references(plan.House.references_outward)),
    limited("rooms in circles", lambda house: map(", ".join, house.circles_of_rooms())),
    limited("files in circles inside rooms",
            lambda house: (", ".join(circle) for circles in house.circles_of_files().values()
                           for circle in circles)),
]


if __name__ == "__main__":
    sys.exit(tap.run(CHECKS, plan.House()))
