#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each system call of Linux has a row in docs/abi.md, and the row says whether and where it is served.
Prints TAP; the kernel must have been built."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import abi
import tap


def check_the_rows_are_true(_):
    yield from abi.problems()


def check_a_wrong_row_is_found(_):
    """The same table with one row taken out, one too many and one that says the contrary."""
    rows = abi.rows()
    served = next(row for row in rows if row.name == "read")
    absent = next(row for row in rows if row.where == abi.ABSENT)
    for what, table in (("a row taken out", [r for r in rows if r is not served]),
                        ("a served call called absent",
                         [r._replace(where=abi.ABSENT) if r is served else r for r in rows]),
                        ("an absent call called served",
                         [r._replace(where="`kernel/sys`") if r is absent else r for r in rows]),
                        ("a wrong number", [r._replace(number=999) if r is served else r for r in rows]),
                        ("the wrong order", rows[::-1])):
        if not list(abi.problems(table)):
            yield f"{what} is not found"


if __name__ == "__main__":
    sys.exit(tap.run([check_the_rows_are_true, check_a_wrong_row_is_found], None))
