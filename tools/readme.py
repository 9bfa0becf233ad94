#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What README.md quotes of the machine: made by running it, and checked against a new run.

    tools/readme.py            run what the README quotes, put the numbers of this run into it
    tools/readme.py --check    run it, and compare all but the numbers

A quote is a code block between `<!-- console -->` and `<!-- end -->`: a boot by `make run`, and, behind
`~ # `, commands typed there; all quotes are one session.  Behind `<!-- gdb TOUR=switch: COMMAND; ... -->`
it is what the last of these commands prints (tools/gdb_transcript.py).  A line `...` stands for lines
that are left out.  Words with a digit in them may differ from run to run."""
import contextlib
import os
import pathlib
import re
import select
import shlex
import signal
import subprocess
import sys
import time

import gdb_transcript

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "README.md"
QUOTE = re.compile(r"(?ms)^<!-- (console|gdb [^>]*?) -->\n```\n(.*?)^```\n<!-- end -->$")
PROMPT = "~ # "
SECONDS = 900  # a limit costs only a check that fails


class Differs(Exception):
    """A quoted line is not printed any more; the text says which."""


class Console:
    """`make run`, typed at."""

    def __init__(self):
        self.process = subprocess.Popen(["make", "-s", "run", "CPUS=2"], cwd=ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def end(self):
        """make, and what it has started: QEMU stays where only make is ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()

    def until_prompt(self):
        """What is printed up to the shell's prompt, or to the end."""
        text, end = "", time.monotonic() + SECONDS
        while not text.endswith(PROMPT):
            if not select.select([self.process.stdout], [], [], end - time.monotonic())[0]:
                self.end()
                raise SystemExit(f"readme: no prompt after {SECONDS} s:\n{text[-2000:]}")
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                break
            text += data.decode(errors="replace")
            # BusyBox's shell asks the terminal for the cursor's place.
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
        return text.replace("\r", "")

    def run(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.until_prompt()


def pattern(line):
    """A line with its words that have digits made equal."""
    return ["#" if re.search(r"\d", word) else word for word in line.split()]


def renewed(quoted, printed):
    """The quoted lines, with the numbers that are printed now."""
    printed, at, skipping, result = printed.split("\n"), 0, True, []
    for line in quoted:
        if line.strip() == "...":
            skipping = True
            result.append(line)
            continue
        found = next((i for i in range(at, len(printed) if skipping else min(at + 1, len(printed)))
                      if pattern(printed[i]) == pattern(line)), None)
        if found is None:
            here = "\n".join(printed[at:at + (len(printed) if skipping else 3)])
            raise Differs(f"the README quotes\n  {line}\nbut what is printed there is\n{here[:2000]}")
        result.append(printed[found].rstrip())
        at, skipping = found + 1, False
    return result


def quote_console(console, text):
    """A quote of the console, with the numbers of this session."""
    result, rest = [], text.rstrip("\n").split("\n")
    while rest:
        end = next((i for i, line in enumerate(rest[1:], 1) if line.startswith(PROMPT)), len(rest))
        head, body, rest = rest[0], rest[:end], rest[end:]
        if not head.startswith(PROMPT):
            result += renewed(body, console.until_prompt())
        elif command := head[len(PROMPT):]:
            result += [head, *renewed(body[1:], console.run(command))]
        else:
            result.append(head)
    return "\n".join(result) + "\n"


def quote_gdb(words, text):
    settings, commands = words.split(":", 1)
    printed = gdb_transcript.run(dict(s.split("=", 1) for s in shlex.split(settings)),
                                 [[c.strip()] for c in commands.split(";")])[-1]
    return "\n".join(renewed(text.rstrip("\n").split("\n"), printed)) + "\n"


def renew(page):
    console = Console()

    def one(match):
        kind, text = match[1], match[2]
        text = quote_console(console, text) if kind == "console" else quote_gdb(kind[4:], text)
        return f"<!-- {kind} -->\n```\n{text}```\n<!-- end -->"
    try:
        page = QUOTE.sub(one, page)
        console.run("poweroff")
    finally:
        console.end()
    return page


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        raise SystemExit(__doc__)
    try:
        page = renew(PAGE.read_text(encoding="utf-8"))
    except Differs as error:
        raise SystemExit(f"{error}\nchange the quote, then renew its numbers: tools/readme.py") from None
    if not check:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
