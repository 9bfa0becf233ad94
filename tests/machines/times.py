#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds from the boot loader's hand-over to the shell, for each firmware, by the kernel's clock; then
how many full screens of 1920x1080 scroll by in a second.

    tests/machines/times.py [RUNS]      (after `make iso`)

Init prints the time just before it starts the shell.  Of the runs, the fastest and the median count:
the host does other work."""
import pathlib
import re
import statistics
import sys
import tempfile

from cells import Cell
from drive import BUILD, machine
from pc import Stuck

WORDS = "-- first cat /proc/uptime"
CELLS = [Cell("BIOS", "times", words=WORDS), Cell("UEFI", "times", firmware="uefi", words=WORDS),
         Cell("QEMU's loader, no display", "times", firmware="none", medium="kernel", video="none", words=WORDS)]

SCREENS = 200       # of 67 lines of 240 characters
SCROLLS = Cell("1920x1080", "times", video="VGA,xres=1920,yres=1080", words='-- first /bin/sh -c "yes $(printf '
               f'%0239d 0) | head -n {67 * SCREENS} >/tmp/text; time cat /tmp/text"')


def screens_a_second(folder):
    with tempfile.TemporaryDirectory(prefix="machine-") as files:
        with machine(SCROLLS, folder, pathlib.Path(files)) as pc:
            found = pc.wait(r"^real\s+(\d+)m (\d+\.\d+)s")
            return SCREENS / (60 * int(found[1]) + float(found[2]))


def seconds(cell, folder):
    with tempfile.TemporaryDirectory(prefix="machine-") as files:
        with machine(cell, folder, pathlib.Path(files)) as pc:
            return float(pc.wait(r"^(\d+\.\d\d) \d+\.\d\d *$")[1])


def main():
    if len(sys.argv) > 1 and not re.fullmatch("[1-9][0-9]*", sys.argv[1]):
        raise SystemExit(__doc__.strip())
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folder = BUILD / "machines"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"| firmware | fastest of {runs} | median |\n|---|---|---|")
    for cell in CELLS:
        try:
            found = [seconds(cell, folder) for _ in range(runs)]
        except Stuck as error:
            print(f"times: {cell.name}: {error}", file=sys.stderr)
            return 1
        print(f"| {cell.name} | {min(found):.2f} s | {statistics.median(found):.2f} s |", flush=True)
    found = [screens_a_second(folder) for _ in range(runs)]
    print(f"full screens of 1920x1080 a second: at best {max(found):.0f}, median {statistics.median(found):.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
