#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The longest stretches with interrupts off, and without preemption: `make stretch`.

    tools/stretch.py [-k BUILD] [-n LINES] [-c CPUS] [COMMAND...]

Boots the kernel in QEMU with a plugin (tools/stretch/stretch.c), runs the command there, and counts the
instructions from each one that switches interrupts off to the one that switches them on again, after
the first program has started.  The second table is about what keeps every other thread from the CPU:
interrupts off, or preemption off (a spinlock is held).  A line is a place where such a stretch
begins: how long the longest from there was, how many were counted (500 instructions and more), where
the longest ended, and in which functions it spent most.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import linux
import ways

COMMAND = ["/bin/sh", "-c", "/tests/crowds -n 4000 && /tests/crowd_objects -n 4000 && "
           "/tests/crowd_waiters -n 4000 && /tests/crowd_lists -n 4000 && "
           "/tests/crowd_pollers -n 4000"]
SOURCE = linux.ROOT / "tools/stretch/stretch.c"
KINDS = {"irqs": "with interrupts off", "preemption": "with interrupts or preemption off"}


class Missing(Exception):
    """It cannot be counted here; the text says why."""


def plugin():
    """Build the plugin if it is older than its source; its path."""
    path = linux.BUILD / "stretch.so"
    if path.exists() and path.stat().st_mtime > SOURCE.stat().st_mtime:
        return path
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Missing("no compiler for the plugin: install gcc")
    part = path.with_suffix(f".{os.getpid()}")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", part, SOURCE], check=True)
    part.rename(path)
    return path


class Kernel(ways.Kernel):
    """Names of functions, without the disassembly."""

    def __init__(self, elf):
        text = ways.output(os.environ.get("NM") or "nm", "-n", elf)
        found = [line.split() for line in text.splitlines()]
        self.symbols = [(int(s[0], 16), s[2]) for s in found if len(s) == 3 and s[1] in "tT"]
        self.starts = [address for address, _ in self.symbols]
        self.elf = elf

    def address(self, name):
        return next(address for address, n in self.symbols if n == name)

    def place(self, address):
        """`function (file:line)` of an address, the innermost function that was inlined there."""
        out = ways.output("addr2line", "-f", "-i", "-e", self.elf, hex(address)).splitlines()
        chain = [out[i] for i in range(0, len(out), 2)]
        outer = next((i for i, n in enumerate(chain) if not re.match(r"irq_|spin_|preempt_", n)), 0)
        place = "/".join(out[2 * outer + 1].split(" ")[0].split("/")[-1:])
        return f"{chain[outer]} ({place})"


def count(command, build=linux.BUILD, cpus=1, timeout=900, show=False):
    """Run a command; {kind: [(longest, times, from, to, {address: instructions})]}, longest first."""
    kernel = Kernel(build / "heddle.elf")
    stubs = kernel.address("entry_stubs")
    with tempfile.NamedTemporaryFile(prefix="heddle-stretch-") as out:
        options = (f"{plugin()},out={out.name},stubs={stubs:x}-{stubs + 4096:x},"
                   f"syscall={kernel.address('entry_syscall'):x}")
        extra = ["-icount", "shift=0,sleep=off", "-seed", "1", "-plugin", options]
        machine = linux.machine(cpus=cpus, mem="2G", accel="icount", extra=extra)
        machine += ["-kernel", str(build / "heddle.elf"), "-initrd",
                    str(linux.BUILD / "initramfs.cpio"), "-append",
                    f"console=ttyS0 debug_exit=0xf4 quiet -- run {linux.quote(command)}"]
        said = []
        for line in linux.lines(["timeout", str(timeout), *machine], timeout + 10):
            said.append(line or "")
            if show and line and not line.startswith("["):
                print(f"  {line}", file=sys.stderr)
        if not any("init exited with status 0" in line for line in said):
            tail = "\n".join(said[-20:])
            if "plugin" in tail:
                tail += "\n(a QEMU built with --enable-plugins, 4.2 to 8.2, is needed)"
            raise Missing(f"{' '.join(command)} did not end well:\n{tail}")
        result = {kind: [] for kind in KINDS}
        for line in pathlib.Path(out.name).read_text(encoding="ascii").splitlines():
            kind, longest, times, begin, end, *hot = line.split()
            spent = {int(h.split(":")[0], 16): int(h.split(":")[1]) for h in hot}
            result[kind].append((int(longest), int(times), int(begin, 16), int(end, 16), spent))
    for kind in result:
        result[kind].sort(key=lambda s: -s[0])
    return result


def functions(kernel, hot):
    """The functions in which most instructions were spent."""
    spent = {}
    for address, instructions in hot.items():
        name = kernel.name(kernel.start(address))
        spent[name] = spent.get(name, 0) + instructions
    return ", ".join(f"{name} {n:,}" for name, n in sorted(spent.items(), key=lambda s: -s[1])[:4])


def describe(kernel, stretch):
    longest, times, begin, end, hot = stretch
    return (f"{longest:>10,} {times:>8,}  {kernel.place(begin)} to {kernel.place(end)}\n"
            f"{'':21}{functions(kernel, hot)}")


def main():
    parser = argparse.ArgumentParser(description="The longest stretches with interrupts off")
    parser.add_argument("-k", "--kernel", type=pathlib.Path, metavar="BUILD", default=linux.BUILD,
                        help="measure the kernel of this build directory")
    parser.add_argument("-n", "--lines", type=int, default=10, help="lines of each table")
    parser.add_argument("-c", "--cpus", type=int, default=1, help="only 1 repeats to the digit")
    parser.add_argument("command", nargs="*", default=COMMAND, help="what to run in the machine")
    options = parser.parse_args()
    try:
        found = count(options.command or COMMAND, options.kernel, options.cpus, show=True)
    except Missing as error:
        sys.exit(f"stretch: {error}")
    kernel = Kernel(options.kernel / "heddle.elf")
    for kind, text in KINDS.items():
        print(f"\nInstructions {text}, after boot\n   longest    times  from where to where, and where most were spent")
        for stretch in found[kind][:options.lines]:
            print(describe(kernel, stretch))
    return 0


if __name__ == "__main__":
    sys.exit(main())
