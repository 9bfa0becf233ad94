#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The transcripts of guests in a page of docs/: made by running them, and checked against a new run.

    tools/guest_transcript.py PAGE...           run the page's commands, put what they print into it
    tools/guest_transcript.py --check PAGE...   run them, and compare what does not depend on the run

A transcript stands between `<!-- guest NAME -->` and `<!-- end -->`, in a code block; its commands are
the lines that begin with `# `, for the shell of a machine with the guest NAME (docs/guests.md) and the
programs of tests/guests.  Numbers differ from run to run, and so does the order of threads: --check
compares the set of lines without numbers, and of interrupted calls only the names.  Strace writes
times in seconds behind them if they are not zero; this comment is not compared either."""
import pathlib
import re
import sys

import guest
import guest_tests

BLOCK = re.compile(r"(?ms)^<!-- guest (\w+) -->\n```\n(.*?)^```\n<!-- end -->$")
MARK = "@@transcript"
# What gdb says because the guest has no tables of character sets.
NOISE = re.compile(r"(?m)^.*(?:character sets|host encoding|file a bug report).*\n")


def run(name, blocks):
    """What each block's commands print, as transcripts."""
    commands = [(b, line[2:]) for b, text in enumerate(blocks) for line in text.splitlines()
                if line.startswith("# ")]
    packed, _, memory = guest.pack([name], quiet=True)
    script = ["#!/bin/sh", "export PATH=/usr/bin:/bin:/usr/sbin:/sbin:/tests LC_ALL=C; cd /tests/guest",
              f'echo "{guest_tests.BEGIN}"',
              *(f"echo {MARK}; {{ {command}; }} < /dev/null 2>&1" for _, command in commands),
              f'echo "{guest_tests.END} 0"', "sleep 5"]
    archive = guest.Archive(None)
    for other in ("gdb", "strace"):
        for path, content in guest_tests.test_files(other).items():
            archive.entries[path] = content[1] if isinstance(content, tuple) else content
        source = guest_tests.SCRIPTS / f"{other}.c"
        archive.entries[f"tests/guest/{source.name}"] = source.read_bytes()
    archive.entries["tests/guest-run"] = "\n".join([*script, ""]).encode()
    out = guest.GUEST_FOLDER / f"transcript-{name}.cpio"
    archive.write(out)
    out.write_bytes(b"".join(p.read_bytes() for p in
                             (guest.BUILD / "initramfs.cpio", packed, out)))
    lines, status, _ = guest_tests.on_heddle(out, memory, 2, guest_tests.USUAL_LIMIT)
    parts = "\n".join(lines).split(MARK)[1:]
    if status != 0 or len(parts) != len(commands):
        raise SystemExit(f"{name} did not come to the end ({status}):\n" + "\n".join(lines[-30:]))
    texts = [""] * len(blocks)
    for (b, command), output in zip(commands, parts):
        texts[b] += "\n".join([f"# {command}", *(x.rstrip() for x in
                                                   NOISE.sub("", output).strip("\n").splitlines())])
        texts[b] += "\n"
    return texts


def renewed(page):
    """The page with what its commands print now."""
    blocks = BLOCK.findall(page)
    texts = {name: run(name, [text for n, text in blocks if n == name]) for name in
             dict.fromkeys(name for name, _ in blocks)}
    return BLOCK.sub(lambda m: f"<!-- guest {m[1]} -->\n```\n{texts[m[1]].pop(0)}```\n<!-- end -->", page)


def kinds(text):
    """What must not differ between two runs."""
    found = set()
    for line in text.splitlines():
        line = re.sub(r"^\[pid +\d+\] ", "", line)
        call = re.match(r"(\w+)\(.*(?:unfinished|= |\)$)|<\.\.\. (\w+) resumed", line)
        if call:
            found.add(call[1] or call[2])
        elif not re.search(r"LWP|strace: Process", line):
            line = re.sub(r" /\* [\d.]+ s \*/", "", line)
            found.add(re.sub(r"0x[0-9a-f]+|\d+", "N", line))
    return found


def main():
    check = "--check" in sys.argv
    wrong = 0
    for name in sys.argv[1 + check:]:
        path = pathlib.Path(name)
        old = path.read_text()
        new = renewed(old)
        if not check:
            path.write_text(new)
            continue
        for (_, was), (_, now) in zip(BLOCK.findall(old), BLOCK.findall(new)):
            for line in sorted(kinds(was) ^ kinds(now)):
                wrong += 1
                print(f"{name}: {'no longer' if line in kinds(was) else 'new'}: {line}")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
