#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The transcripts in a page of docs/: made by running them, and checked against a new run.

    tools/gdb_transcript.py PAGE...           run the page's commands, put what they print into it
    tools/gdb_transcript.py --check PAGE...   run them, and compare what does not depend on the run

A transcript stands between `<!-- gdb -->` and `<!-- end -->`, in a code block; its commands are the
lines that begin with `(gdb) `.  `<!-- gdb CPUS=1 TOUR=switch -->` starts a machine with these
settings of tools/gdb.py; a transcript without settings goes on where the one before it stopped.
Numbers and addresses differ from run to run: of lines that have any, only the functions and the
source text of frames are compared.  An interrupt that comes by chance must neither get into a page nor
fail its check: what is put into a page has been the same in two runs, and a block is wrong only if it
differs in RUNS runs."""
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(?ms)^<!-- gdb ?(.*?) ?-->\n```\n(.*?)^```\n<!-- end -->$")
MARK = "@@transcript "
RUNS = 3


def sessions(page):
    """[(settings, [commands of a block, ...])] of a page."""
    found = []
    for settings, text in BLOCK.findall(page):
        commands = [line[6:] for line in text.splitlines() if line.startswith("(gdb) ")]
        if settings or not found:
            found.append((dict(s.split("=", 1) for s in shlex.split(settings)), []))
        found[-1][1].append(commands)
    return found


def run(settings, blocks):
    """What each block's commands print, as transcripts."""
    flat = [(b, c) for b, commands in enumerate(blocks) for c in commands]
    words = []
    for i, (_, command) in enumerate(flat):
        words += ["-ex", f"echo \\n{MARK}{i}\\n", "-ex", command]
    result = subprocess.run(
        [sys.executable, ROOT / "tools/gdb.py", "--batch", *words, "-ex", f"echo \\n{MARK}end\\n"],
        env=dict(os.environ, **{"LC_ALL": "C.UTF-8", "COLUMNS": "100", **settings}), cwd=ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=1800, check=False, start_new_session=True)
    parts = re.split(rf"(?m)^{MARK}(?:\d+|end)\n", result.stdout)[1:-1]
    if len(parts) != len(flat):
        raise SystemExit(f"gdb did not come to the end:\n{result.stdout[-3000:]}")
    texts = [""] * len(blocks)
    for (b, command), output in zip(flat, parts):
        output = output.strip("\n").replace(str(ROOT) + "/", "")
        # What a station shows begins with "(gdb) " too, and is not to be run as a command.
        lines = [re.sub(r"^(?=\(gdb\) )", " ", line.rstrip()) for line in output.splitlines()]
        texts[b] += "\n".join([f"(gdb) {command}", *lines]) + "\n"
    return texts


def agreed(settings, blocks):
    """run(), until two runs were the same but for numbers."""
    seen = []
    while len(seen) < 2 * RUNS:
        texts = run(settings, blocks)
        if list(map(stable, texts)) in seen:
            return texts
        seen.append(list(map(stable, texts)))
    raise SystemExit(f"{len(seen)} runs, and no two the same, of the session that begins with:\n{texts[0]}")


def renew(page):
    texts = [t for settings, blocks in sessions(page) for t in agreed(settings, blocks)]
    return BLOCK.sub(lambda m: f"<!-- gdb{' ' + m[1] if m[1] else ''} -->\n```\n{texts.pop(0)}```\n"
                               "<!-- end -->", page)


def stable(transcript):
    """What of a transcript is the same in every run."""
    kept = []
    for line in transcript.splitlines():
        frame = re.match(r"#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(", line)
        source = re.match(r"(?:0x[0-9a-f]+\t)?\d+\t(.*)", line)
        if line.startswith("(gdb) "):
            kept.append(line)
        elif frame:
            kept.append(frame[1])
        elif source:
            kept.append(source[1].strip())
        elif not re.search(r"\d", line):
            kept.append(" ".join(line.split()))  # a column is as wide as what stands in it
    return kept


def differences(page):
    """Blocks whose stable lines are others in each of RUNS runs, in words."""
    pages = [text for _, text in BLOCK.findall(page)]
    found = []
    for settings, blocks in sessions(page):
        before, pages = pages[:len(blocks)], pages[len(blocks):]
        wrong = dict(enumerate(before))
        for _ in range(RUNS):
            after = run(settings, blocks)
            wrong = {b: text for b, text in wrong.items() if stable(text) != stable(after[b])}
            if not wrong:
                break
        found += [f"the page has:\n{text}\nnow it is:\n{after[b]}" for b, text in wrong.items()]
    return found


def main():
    check, pages = "--check" in sys.argv, [a for a in sys.argv[1:] if a != "--check"]
    if not pages:
        raise SystemExit(__doc__)
    for path in map(pathlib.Path, pages):
        page = path.read_text()
        if check:
            found = differences(page)
            if found:
                raise SystemExit(f"{path}: {'; '.join(found)}\nrenew it: tools/gdb_transcript.py {path}")
        else:
            path.write_text(renew(page))


if __name__ == "__main__":
    main()
