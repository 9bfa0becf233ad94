#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long the kernel's main ways are, in functions, files and rooms: `make ways`.

    tools/ways.py [-k BUILD]... [-l] [-j] [-c CPUS] [WAY...]

Boots the kernel in QEMU, runs /bin/ways (user/ways.c), and lets the emulator log each block of code
that it executes.  A way begins at the program's mark and ends when its CPU is in user mode again.
Each way is taken several times, so that first-time costs are out; the round of median length counts.

  functions  symbols of the kernel that were entered.  An inlined function counts as its caller.
  files      source files that define these functions; rooms: the folders of these files
  pointers   call instructions through a pointer that were executed, each counted once
  blocks     basic blocks executed: the length of the way in time

Interrupts that arrive on the way are cut out.  -k measures the kernel of another build directory with
the programs of this one, and may be given several times: one group of columns each.
"""
import argparse
import bisect
import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import linux

WAYS = {
    "write": "write() of two bytes to the terminal",
    "fork": "fork(), the parent's side",
    "cow": "copy-on-write fault",
    "futex_wake": "futex wake, the sender's side",
    "exit_reap": "exit_group() until reaped",
}
COUNTS = ("functions", "files", "rooms", "pointers", "blocks")
BLOCK = re.compile(r"Trace (\d+): \S+ \[\w+/(\w+)/")
INTERRUPTED = re.compile(r"\s*\d+: v=\w+ .* IP=\w+:(\w+)")
BRANCH = re.compile(r"\s*(\w+):\s+(?:notrack |bnd )?((?:call|j|ret|iret|sysret|hlt|int|ud2)\S*)\s*(\S*)")
SUFFIX = re.compile(r"\.(part|constprop|isra|cold)\b.*")


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, **options).stdout


class Kernel:
    """What the debug information and the disassembly say about a kernel's addresses."""

    def __init__(self, elf):
        symbols = [line.split() for line in output(os.environ.get("NM") or "nm", "-n", elf).splitlines()]
        self.symbols = [(int(s[0], 16), s[2]) for s in symbols if len(s) == 3 and s[1] in "tT"]
        self.starts = [address for address, _ in self.symbols]
        self.elf, self.files = elf, {}
        self.branches, self.indirect = [], set()
        for line in output("objdump", "-d", "--no-show-raw-insn", elf).splitlines():
            if match := BRANCH.match(line):
                self.branches.append(int(match[1], 16))
                if match[2].startswith("call") and match[3].startswith("*"):
                    self.indirect.add(self.branches[-1])

    def start(self, address):
        """The start of the function that `address` lies in."""
        return self.starts[bisect.bisect(self.starts, address) - 1]

    def name(self, start):
        return SUFFIX.sub("", self.symbols[bisect.bisect(self.starts, start) - 1][1])

    def look_up(self, starts):
        """Find the files of functions: where the outermost function of the address is defined."""
        wanted = [a for a in starts if a not in self.files]
        text = output("addr2line", "-a", "-i", "-e", self.elf, input="\n".join(map(hex, wanted)))
        for found in re.split(r"^0x", text, flags=re.M)[1:]:
            address, *places = found.split("\n")[:-1]
            self.files[int(address, 16)] = os.path.normpath(places[-1].rsplit(":", 1)[0])

    def measure(self, blocks):
        starts = {self.start(b) for b in blocks}
        self.look_up(starts)
        functions = {(self.name(s), self.files[s]) for s in starts}
        files = {file for _, file in functions}
        ends = [self.branches[bisect.bisect_left(self.branches, b)] for b in blocks]
        # A block may end before the branch that follows it: the call was made if a function begins next.
        calls = {e for e, to in zip(ends, blocks[1:]) if e in self.indirect and self.start(to) == to}
        return {"functions": len(functions), "files": len(files),
                "rooms": len({os.path.dirname(f) for f in files}), "pointers": len(calls),
                "blocks": len(blocks), "names": sorted(functions, key=lambda f: (f[1], f[0]))}


def record(build, names, cpus, folder, timeout=900):
    """Boot and take the ways; the path of the emulator's log."""
    log, monitor = os.path.join(folder, "log"), os.path.join(folder, "monitor")
    # The clock counts instructions, so that a run repeats; one thread, so that the log is in order.
    machine = linux.machine(cpus=cpus, mem="256M", accel="icount",
                            extra=["-icount", "shift=0,sleep=off", "-D", log])
    machine[machine.index("-monitor") + 1] = f"unix:{monitor},server=on,wait=off"
    words = f"console=ttyS0 debug_exit=0xf4 quiet -- run /bin/ways {' '.join(names)}"
    command = ["timeout", str(timeout), *machine, "-kernel", str(build / "heddle.elf"),
               "-initrd", str(linux.BUILD / "initramfs.cpio"), "-append", words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as qemu, \
            socket.socket(socket.AF_UNIX) as control:
        said = []
        for line in qemu.stdout:
            said.append(line.decode("utf-8", "replace"))
            if line.strip() != b"ready":
                continue
            control.connect(monitor)
            control.sendall(b"log exec,nochain,int\n")
            answer = b""
            while answer.count(b"(qemu)") < 2:
                answer += control.recv(4096)
            qemu.stdin.write(b"\n")
            qemu.stdin.flush()
    if not any("init exited with status 0" in line for line in said):
        sys.exit(f"ways: the machine ended with status {qemu.returncode}; it said:\n{''.join(said[-20:])}")
    return log


def rounds(log, mark):
    """The kernel's blocks of each round, in the order of the log."""
    away = {}          # CPU: where it was interrupted; what it executes until it is there again is left out
    arriving = resume = None
    cpu_marked, blocks = None, []
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("Servicing hardware INT"):
                arriving = True
            elif arriving and (match := INTERRUPTED.match(line)):
                resume, arriving = int(match[1], 16), None
            elif match := BLOCK.match(line):
                cpu, pc = int(match[1]), int(match[2], 16)
                in_user = pc < 1 << 63
                if resume is not None:
                    away.setdefault(cpu, resume)
                    resume = None
                if cpu in away:
                    if not in_user and pc != away[cpu]:
                        continue
                    del away[cpu]
                if pc == mark:
                    cpu_marked, blocks = cpu, []
                elif cpu == cpu_marked and not in_user:
                    blocks.append(pc)
                elif cpu == cpu_marked and blocks:
                    yield blocks
                    cpu_marked, blocks = None, []


def measure(build, names, cpus):
    program = output("nm", linux.BUILD / "user/ways")
    mark = int(re.search(r"^(\w+) T mark$", program, re.M)[1], 16)
    with tempfile.TemporaryDirectory(prefix="heddle-ways-") as folder:
        found = list(rounds(record(build, names, cpus, folder), mark))
    each, rest = divmod(len(found), len(names))
    if rest or not each:
        sys.exit(f"ways: {len(found)} rounds of {len(names)} ways in the log")
    kernel = Kernel(build / "heddle.elf")
    return {name: kernel.measure(sorted(found[i * each:(i + 1) * each], key=len)[each // 2])
            for i, name in enumerate(names)}


def show(results, names, listing):
    heads = "".join(f"{c:>10}" for c in COUNTS)
    print(f"{'':36}" + "".join(f"{str(build)[-len(heads) + 1:]:>{len(heads)}}" for build in results))
    print(f"{'':36}" + heads * len(results))
    for name in names:
        counts = "".join(f"{ways[name][c]:>10}" for ways in results.values() for c in COUNTS)
        print(f"{WAYS[name]:36}{counts}")
    for build, ways in results.items() if listing else ():
        for name in names:
            print(f"\n{build}: {WAYS[name]}")
            by_file = collections.defaultdict(list)
            for function, file in ways[name]["names"]:
                by_file[file].append(function)
            top = os.path.commonpath(by_file)
            for file, functions in by_file.items():
                print(f"  {os.path.relpath(file, top)}: {', '.join(functions)}")


def main():
    parser = argparse.ArgumentParser(description="Functions, files and rooms on the kernel's main ways")
    parser.add_argument("-k", "--kernel", action="append", type=pathlib.Path, metavar="BUILD",
                        help="a build directory (several: side by side); this one's unless given")
    parser.add_argument("-l", "--list", action="store_true", help="list the functions, too")
    parser.add_argument("-j", "--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("-c", "--cpus", type=int, default=2, help="CPUs of the machine")
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    options = parser.parse_args()
    names = options.ways or list(WAYS)
    if unknown := [name for name in names if name not in WAYS]:
        parser.error(f"no such way: {', '.join(unknown)}")
    results = {build: measure(build, names, options.cpus) for build in options.kernel or [linux.BUILD]}
    if options.json:
        print(json.dumps({str(build): ways for build, ways in results.items()}, indent=1))
    else:
        show(results, names, options.list)
    return 0


if __name__ == "__main__":
    sys.exit(main())
