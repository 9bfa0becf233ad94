# SPDX-License-Identifier: MIT
"""gdb over a machine, at a terminal as a person sits there, by the launcher of `make gdb`."""
import os
import re
import shutil
import subprocess
import sys

import pexpect
import pytest

from vm import BUILD, HANGS, ROOT

needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is missing: make setup")
PROMPT = "(test) "  # tours print "(gdb) " themselves


def settings(console, cpus, mem="256M", told="", **more):
    """The launcher's environment."""
    return {**os.environ, "BUILD": str(BUILD), "CPUS": str(cpus), "MEM": mem, "ARGS": told,
            "CONSOLE_LOG": str(console), "TERM": "dumb", "LC_ALL": "C.UTF-8", "TMUX": "", **more}


def gdb_batch(console, *arguments, cpus=1, timeout=HANGS, **more):
    """One run of gdb -batch: (status, what it printed)."""
    result = subprocess.run([sys.executable, ROOT / "tools/gdb.py", "--batch", *arguments],
                            env=settings(console, cpus, **more), cwd=ROOT, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=timeout, check=False,
                            start_new_session=True)
    return result.returncode, result.stdout


class Gdb:
    """A session.  Use as a context manager: gdb and its machine end with it."""

    def __init__(self, console, cpus=1, arguments=("--stopped",), timeout=HANGS, size=None, **more):
        self.size = size  # (lines, columns) of the terminal; None: gdb cuts and wraps nothing
        self.console, self.cpus, self.timeout = console, cpus, timeout
        self.environment = settings(console, cpus, **more)
        self.arguments = [str(ROOT / "tools/gdb.py"), *arguments, "-ex", f"set prompt {PROMPT}"]

    def __enter__(self):
        self.child = pexpect.spawn(sys.executable, self.arguments, env=self.environment, cwd=ROOT,
                                   timeout=self.timeout, encoding="utf-8", codec_errors="replace",
                                   echo=False, dimensions=self.size or (24, 200))
        self.child.delaybeforesend = 0
        self.banner = self.answer()
        for setting in ("style enabled off", *([] if self.size else ["width 0", "height 0"])):
            self.run(f"set {setting}")
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def answer(self, timeout=-1):
        """What is printed up to the prompt."""
        try:
            self.child.expect_exact(PROMPT, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            tail = ""
            if os.path.exists(self.console):
                tail = open(self.console, errors="replace").read()[-1500:]
            raise AssertionError(f"{type(error).__name__}: no prompt of gdb; it said:\n"
                                 f"{self.child.before[-3000:]}\nthe console ends:\n{tail}") from None
        return re.sub(r"\r+\n", "\n", self.child.before).strip("\n")

    def run(self, command):
        """Type a command; what it printed."""
        self.child.sendline(command)
        return self.answer()

    def table(self, command):
        """A command's table: [{heading: cell}]; columns stand below their headings' words."""
        lines = [line for line in self.run(command).splitlines() if line.strip()]
        heads = [(m.start(), m.end(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", lines[0])]
        rows = []
        for line in lines[1:]:
            cells = {}
            for m in re.finditer(r"\S+(?: \S+)*", line):
                head = min(heads, key=lambda h: max(h[0] - m.end(), m.start() - h[1]))
                cells[head[2]] = m[0]
            rows.append(cells)
        return rows
