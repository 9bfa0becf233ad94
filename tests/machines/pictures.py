#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the pictures of docs/hardware.md: a PC without any old device, by UEFI, from prompt to power off.

    tests/machines/pictures.py      (after `make iso`)"""
import pathlib
import sys
import tempfile

from cells import CELLS
from drive import BUILD, PROMPT, ROOT, command, first_key, run
from pc import Qemu

FOLDER = ROOT / "docs/pictures"
CELL = "power button, everything old missing, UEFI"


def take(pc, name):
    pc.look()
    path = FOLDER / f"machine-{name}.png"
    path.write_bytes(pc.picture().png())
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def main():
    if sys.argv[1:]:
        raise SystemExit(__doc__.strip())
    cell = next(c for c in CELLS if c.name == CELL)
    folder = BUILD / "machines"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="machine-") as files:
        line = [*command(cell, folder, pathlib.Path(files)), "-serial", "none", "-action", "shutdown=pause"]
        with Qemu(files, line, serial=False) as pc:
            pc.wait(PROMPT)
            first_key(pc)
            pc.type("echo Typed on the USB; nproc\n")
            pc.wait(r"^2$")
            take(pc, "prompt")
            run(pc, "lab switching --quick --plain; echo ends-$?", r"^ends-0")
            pc.wait(PROMPT)
            take(pc, "lab")
            pc.type("clear\n")
            pc.wait(r"\A~ #")
            pc.type("sleep 1000\n")
            pc.wait("sleep 1000$")
            pc.ask("system_powerdown")
            pc.wait_event("SHUTDOWN")
            take(pc, "power-button")
    return 0


if __name__ == "__main__":
    sys.exit(main())
