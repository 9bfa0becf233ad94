#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sits beside the QEMU of `make run` and says what a triple fault leaves behind.

    tools/last_state.py QMP-SOCKET KERNEL REPORT [stay]

QEMU is told not to end when the machine resets or powers off but to stand still, and to say so
here.  The file `watches` beside the socket says that this program runs.  After a power off QEMU is let go.  After a reset that nobody asked for, what every CPU holds is
written to REPORT first; with `stay` the machine is kept, for a gdb that looks at it."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

KERNEL_HALF = 1 << 63
FRAMES = 12
START_S = 120   # within which QEMU makes its socket, also on a busy machine
# `info registers` of one CPU: NAME=hexadecimal, or NAME =selector base limit flags.
SHOWN = ("RSP", "RBP", "RFL", "CR0", "CR2", "CR3", "CR4")
TABLES = ("CS", "SS", "TR", "GDT", "IDT")


class Monitor:
    """QEMU's monitor at a socket.  SystemExit if it is not there: with `started`, at once."""

    def __init__(self, path, started=False):
        parent, end = os.getppid(), time.monotonic() + START_S
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if started or os.getppid() != parent or time.monotonic() > end:
                    raise SystemExit("QEMU's monitor was never there") from None
                time.sleep(0.02)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.events = []
        self.message()
        self.command("qmp_capabilities")

    def message(self):
        """The next one.  SystemExit if QEMU has ended, which may reset the connection."""
        try:
            line = self.file.readline()
        except ConnectionError:
            line = ""
        if not line:
            raise SystemExit(0)
        return json.loads(line)

    def command(self, name, **arguments):
        with contextlib.suppress(ConnectionError):  # message() finds that QEMU has ended
            self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self.file.flush()
        while True:
            reply = self.message()
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise OSError(reply["error"]["desc"])
            else:
                return reply["return"]

    def event(self, name):
        while True:
            event = self.events.pop(0) if self.events else self.message()
            if event.get("event") == name:
                return event.get("data", {})

    def words(self, line, cpu):
        return self.command("human-monitor-command", **{"command-line": line, "cpu-index": cpu})


def symbols(kernel, addresses):
    """`function at file:line` of each."""
    if not addresses or not shutil.which("addr2line"):
        return {}
    done = subprocess.run(["addr2line", "-f", "-p", "-s", "-e", kernel,
                           *(f"{a:#x}" for a in addresses)], capture_output=True, text=True,
                          check=False)
    return {a: w for a, w in zip(addresses, done.stdout.splitlines()) if not w.startswith("??")}


def callers(monitor, cpu, rbp):
    """Return addresses, innermost first, along the frame pointers."""
    out = []
    for _ in range(FRAMES):
        found = re.search(r": 0x([0-9a-f]{16}) 0x([0-9a-f]{16})",
                          monitor.words(f"x/2gx {rbp:#x}", cpu)) if rbp >= KERNEL_HALF else None
        if not found:
            break
        older, address = (int(word, 16) for word in found.groups())
        if not address:
            break
        out.append(address)
        if older <= rbp:
            break
        rbp = older
    return out


def cpu_state(monitor, kernel, cpu):
    """(lines about a CPU, was it in the kernel's half?, where to stop it the next time)."""
    text = monitor.words("info registers", cpu)
    values = dict(re.findall(r"\b([A-Z][A-Z0-9]{1,2}) ?= ?([0-9a-f]{8,16})\b", text))
    tables = dict(re.findall(r"^([A-Z]{2,3}) ?= *((?:[0-9a-f]{4} )?[0-9a-f]{8,16} [0-9a-f]{8})",
                             text, re.M))
    rip = int(values.get("RIP") or values.get("EIP", "0"), 16)
    chain = callers(monitor, cpu, int(values.get("RBP", "0"), 16))
    # The call stands before the return address.
    names = symbols(kernel, [rip] + [a - 1 for a in chain])
    halted = " (halted)" if "HLT=1" in text else ""
    lines = [f"CPU {cpu}{halted}: RIP {rip:#x} {names.get(rip, '')}".rstrip(),
             "  " + "  ".join(f"{n} {values[n]}" for n in SHOWN if n in values),
             "  " + "  ".join(f"{n} {tables[n]}" for n in TABLES if n in tables)]
    lines += [f"  called from {a:#x} {names.get(a - 1, '')}".rstrip() for a in chain]
    return lines, rip >= KERNEL_HALF, rip


def report(monitor, kernel, log):
    """Lines for the user."""
    states = [cpu_state(monitor, kernel, cpu["cpu-index"])
              for cpu in monitor.command("query-cpus-fast")]
    certain = log.exists() and "Triple fault" in log.read_text(errors="replace")
    inside = [rip for _, kernel_half, rip in states if kernel_half]
    if certain or inside:
        head = ["triple fault.  A fault came; its handler could not be entered, nor that of the",
                "double fault (a broken IDT, TSS, stack or page table does that).  So the processor "
                "shut", "down, and the kernel could not say a word."]
    else:
        head = ["the machine reset itself before the kernel ran."]
    tail = ["To look: `make gdb` with the same settings and `continue`: gdb stops where the processor",
            "shut down, with memory as it was.  All exceptions on the way: the same run with",
            "QEMU_EXTRA='-d int,cpu_reset -D int.log'; the last ones in int.log."]
    return [f"run: {head[0]}", *head[1:], "The last state that QEMU saw:",
            *("  " + line for lines, _, _ in states for line in lines), *tail]


def main():
    path, kernel, out, *stay = sys.argv[1:]
    (pathlib.Path(path).parent / "watches").touch()
    monitor = Monitor(path)
    monitor.command("set-action", reboot="shutdown", shutdown="pause")
    if monitor.command("query-status")["status"] == "shutdown":  # before QEMU could say so here
        monitor.events.append({"event": "SHUTDOWN", "data": {"reason": "guest-reset"}})
    while True:
        why = monitor.event("SHUTDOWN")
        if why.get("reason") == "guest-reset":
            log = pathlib.Path(os.path.dirname(path)) / "log"
            pathlib.Path(out).write_text("\n".join(report(monitor, kernel, log)) + "\n")
            if stay:
                continue
        monitor.command("quit")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
