#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run all labs once on Heddle and keep what they print, for the book: `make book`.

    tools/record.py FILE [-t SECONDS] [-- OPTIONS FOR THE LABS]

FILE is JSON: "how" says how it was recorded, "labs" has the report of each lab (its --json), and
"missing" says why a lab has none.  A lab that ends in an error does not stop the others.
"""
import argparse
import datetime
import json
import pathlib
import sys

import linux
import report

PLAYED = ("drive",)             # is played, so it has nothing to record


def record(words, timeout):
    results = report.collect("Heddle", words, timeout)
    day = datetime.date.today().strftime("%-d %B %Y")
    cpus = int(linux.setting("CPUS", 2))
    return {"how": f"On {day}, in Heddle on QEMU with {cpus} CPUs"
                   + (f", with {words}." if words else "."),
            "none": list(PLAYED),
            "labs": {n: r for n, r in results.items() if "error" not in r and n not in PLAYED},
            "missing": {n: r["error"] for n, r in results.items() if "error" in r and n not in PLAYED}}


def main():
    parser = argparse.ArgumentParser(description="run all labs and keep their reports")
    parser.add_argument("file")
    parser.add_argument("-t", "--timeout", type=int, default=1800, help="seconds")
    parser.add_argument("options", nargs="*", help="for the labs (after --)")
    options = parser.parse_args()
    try:
        found = record(" ".join(options.options), options.timeout)
    except linux.Missing as error:
        print(f"record: {error}", file=sys.stderr)
        return 1
    for name, why in found["missing"].items():
        print(f"record: {name}: {why}", file=sys.stderr)
    if not found["labs"]:
        return 1
    pathlib.Path(options.file).write_text(json.dumps(found), encoding="utf-8")
    print(f"record: {len(found['labs'])} labs: {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
