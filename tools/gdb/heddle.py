# SPDX-License-Identifier: MIT
"""gdb that knows Heddle's threads and processes: gdb -nx -x tools/gdb/heddle.py build/heddle.elf.

Each file beside this one is a room of its own and is loaded here; docs/gdb.md says what they do."""
import glob
import importlib
import os
import sys

import gdb

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

for setting in ("confirm off", "pagination off", "print pretty on", "print address on",
                # Another thread's stack is looked at by another page-table root: see memory.py.
                "stack-cache off", "code-cache off",
                # QEMU answers late on a busy host; gdb would ask once more and mix up the answers.
                "remotetimeout 120",
                "breakpoint pending on", "disassemble-next-line off"):
    gdb.execute(f"set {setting}")

for path in sorted(glob.glob(os.path.join(here, "*.py"))):
    name = os.path.splitext(os.path.basename(path))[0]
    if name != "heddle":
        importlib.import_module(name)
