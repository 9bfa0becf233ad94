#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judge guests: each runs the same script on Heddle and on Debian's Linux in the same emulator, and
must print the same.

    tools/guest_tests.py [--cpus 1,2,4] [--write] [NAME...]

The scripts are tests/guests/NAME.sh; what else begins with NAME there lies in /tests/guest, a .c file
compiled too.  What Linux prints is kept in build/guests/linux until the guest or the script changes.
Where the two differ, build/guests/results/NAME-CPUS.diff has the lines.  --write puts the table into
docs/guests.md.  Setting in the environment: BUILD.
"""
import argparse
import difflib
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

import guest
import linux

ROOT = guest.ROOT
SCRIPTS = ROOT / "tests" / "guests"
PAGE = ROOT / "docs" / "guests.md"
BEGIN, END = "guest: begin", "guest: end"
LIMIT = {"stress-ng": 1800}
USUAL_LIMIT = 900  # it costs only a test that fails
CPUS_OF_LINUX = 2
FULL = 37  # QEMU's status after a panic (arch/x86_64/pc/power.h)

RUNNER = f"""#!/bin/sh
export PATH=/usr/bin:/bin:/usr/sbin:/sbin:/tests
ulimit -c 0
mkdir -p /tmp
echo "{BEGIN}"
/tests/guest/{{name}}.sh < /dev/null 2>&1
echo "{END} $?"
sleep 5  # Linux drops what a terminal has not sent when the session's leader ends
"""


def names():
    return [n for n in guest.GUESTS if (SCRIPTS / f"{n}.sh").exists()]


def test_files(name):
    """{path in the guest: content} of the script and what it needs."""
    files = {"tests/guest-run": RUNNER.format(name=name).encode()}
    for path in sorted(SCRIPTS.glob(f"{name}*")):
        if path.stem != name:
            continue
        for item in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            files[f"tests/guest/{item.relative_to(SCRIPTS)}"] = item.read_bytes()
        if path.suffix == ".c":
            out = guest.GUEST_FOLDER / "made" / name
            out.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([os.environ.get("MUSL_CC") or "musl-gcc", "-static", "-pthread", "-g", "-o", out,
                            path.name], check=True, cwd=SCRIPTS)
            files[f"tests/guest/{name}"] = b"", out
    return files


def archive(name, packed):
    """The RAM file system of one machine: ours, the guest, the script."""
    script = guest.Archive(None)
    for path, content in test_files(name).items():
        script.entries[path] = content[1] if isinstance(content, tuple) else content
    out = guest.GUEST_FOLDER / f"test-{name}.cpio"
    script.write(out)
    parts = [guest.BUILD / "initramfs.cpio", packed, out]
    data = b"".join(p.read_bytes() for p in parts)
    out.write_bytes(data)
    key = hashlib.sha256(b"".join(p.read_bytes() for p in parts[1:2]) + repr(sorted(
        (k, v) for k, v in test_files(name).items())).encode()).hexdigest()[:16]
    return out, key


def listen(command, limit):
    """(lines between begin and end, status or what happened instead, seconds)."""
    out, started, begun = [], time.monotonic(), False
    for line in linux.lines(command, limit):
        if line is None:
            return out, f"no end within {limit} s", time.monotonic() - started
        if begun and (end := re.search(rf"{END} (\d+)", line)):
            return out, int(end[1]), time.monotonic() - started
        if "panic" in line.lower() and re.match(r"\[ *\d+\.\d+\]", line):
            return [*out, line], "the kernel stopped", time.monotonic() - started
        if begun and not re.match(r"\[ *\d+\.\d+\]", line):
            out.append(line)
        if BEGIN in line and not begun:
            begun, started = True, time.monotonic()
    return out, "the machine ended", time.monotonic() - started


def on_linux(name, cpio, key, memory, limit):
    kept = guest.GUEST_FOLDER / "linux" / f"{name}-{key}"
    if kept.exists():
        seconds, status, *lines = kept.read_bytes().decode().split("\n")
        return lines, int(status), float(seconds)
    command = linux.command(["/bin/sh", "/tests/guest-run"], base=cpio, cpus=CPUS_OF_LINUX,
                            mem=f"{memory}M")
    lines, status, seconds = listen(command, limit)
    if isinstance(status, int):
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes("\n".join([f"{seconds:.1f}", str(status), *lines]).encode())
    return lines, status, seconds


def on_heddle(cpio, memory, cpus, limit, words=""):
    command = [*linux.machine(cpus=cpus, mem=f"{memory}M"), "-kernel", str(guest.BUILD / "heddle.elf"),
               "-initrd", str(cpio), "-append",
               f"console=ttyS0 debug_exit=0xf4 {words} -- run /bin/sh /tests/guest-run"]
    return listen(command, limit)


def judge(name, cpus, words=""):
    """One row of the table, as a dictionary."""
    packed, size, memory = guest.pack([name], quiet=True)
    cpio, key = archive(name, packed)
    limit = LIMIT.get(name, USUAL_LIMIT)
    want, status, seconds = on_linux(name, cpio, key, memory, limit)
    if not isinstance(status, int):
        raise guest.Missing(f"{name} on Linux: {status}; it says at last: {want[-3:]}")
    row = {"name": name, "size": size / 2**20, "memory": memory, "linux": seconds, "lines": len(want),
           "seconds": [], "verdicts": []}
    folder = guest.GUEST_FOLDER / "results"
    folder.mkdir(exist_ok=True)
    for n in cpus:
        lines, got_status, took = on_heddle(cpio, memory, n, limit, words)
        (folder / f"{name}-{n}.txt").write_text("\n".join(lines) + "\n")
        diff = list(difflib.unified_diff(want, lines, "Linux", "Heddle", lineterm="", n=0))
        missing = sum(d.startswith("-") for d in diff[2:])
        if got_status == status and not diff:
            verdict = "as Linux"
        elif isinstance(got_status, int):
            verdict = f"{len(want) - missing} of {len(want)} lines"
        else:
            verdict = f"{got_status}, {len(want) - missing} of {len(want)} lines"
        diff_file = folder / f"{name}-{n}.diff"
        diff_file.unlink(missing_ok=True)
        if verdict != "as Linux":
            diff_file.write_text("\n".join([*diff, f"status {status} {got_status}"]) + "\n")
        row["seconds"].append(took)
        row["verdicts"].append(verdict)
        print(f"{name:10} {n} CPUs  {took:6.1f} s  {verdict}", flush=True)
        for line in diff[2:14] if verdict != "as Linux" else ():
            print(f"    {line[:140]}")
    return row


def table(rows, cpus):
    head = ["guest", "MiB", "MEM", "lines", "Linux", *(f"{n} CPU{'s' * (n > 1)}" for n in cpus), "verdict"]
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "--:|" * (4 + len(cpus)) + "---|"
    for r in rows:
        same = len(set(r["verdicts"])) == 1
        verdict = r["verdicts"][0] if same else "; ".join(f"{n}: {v}" for n, v in zip(cpus, r["verdicts"]))
        yield (f"| {r['name']} | {r['size']:.1f} | {r['memory']}M | {r['lines']} | {r['linux']:.1f} | " +
               " | ".join(f"{s:.1f}" for s in r["seconds"]) + f" | {verdict} |")


def write(lines):
    """Put the table into the page; the rows of guests that were not judged now stay."""
    page = PAGE.read_text()
    old = re.search(r"<!-- table -->\n(.*?)<!-- end -->", page, re.S)
    rows = {line.split("|")[1].strip(): line for line in old[1].splitlines()[2:]}
    rows |= {line.split("|")[1].strip(): line for line in lines[2:]}
    text = "\n".join([*lines[:2], *(rows[n] for n in names() if n in rows)])
    PAGE.write_text(page[:old.start(1)] + text + "\n" + page[old.end(1):])


def main():
    parser = argparse.ArgumentParser(description="guests, judged by what Linux prints")
    parser.add_argument("--cpus", default="1,2,4")
    parser.add_argument("--write", action="store_true", help="put the table into docs/guests.md")
    parser.add_argument("--words", default="", help="further words for Heddle's command line")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    cpus = [int(n) for n in options.cpus.split(",")]
    rows, failed = [], []
    guest.GUEST_FOLDER.mkdir(parents=True, exist_ok=True)
    for name in options.names or names():
        if name not in names():
            print(f"guest: there is no tests/guests/{name}.sh; there are: {', '.join(names())}", file=sys.stderr)
            return 1
        try:
            rows.append(judge(name, cpus, options.words))
            if set(rows[-1]["verdicts"]) != {"as Linux"}:
                failed.append(name)
        except (guest.Missing, linux.Missing, subprocess.CalledProcessError) as error:
            print(f"guest: {name}: {error}", file=sys.stderr)
            failed.append(name)
    lines = list(table(rows, cpus))
    print("", *lines, sep="\n")
    if options.write:
        write(lines)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
