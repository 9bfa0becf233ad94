# SPDX-License-Identifier: MIT
"""One boot of a kernel that may hang, panic or reset, watched by its progress.

The limits are not seconds.  A kernel that computes without printing a line is stopped after so much
CPU time of QEMU's; a kernel whose CPUs all stand in HLT, seen at so many looks in a row, will not go
on either.  So a busy host changes nothing.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import last_state
import linux

# QEMU's exit status for what the kernel wrote to isa-debug-exit (arch/x86_64/pc/power.h).
ENDED, INIT_FAILED, PANIC, REBOOT = 33, 35, 37, 39
LOOK_S = 1.0   # between two looks at the CPUs
IDLE_LOOKS = 12
BABBLE = 20    # so many times each limit for a kernel that prints, but gets no further
LINES_MAX = 100_000
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """CPU time that a process has used."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except OSError:
        pass
    done = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True)
    seconds = 0.0
    for part in done.stdout.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part or 0)
    return seconds


def panic_places(lines):
    """Of a panic's report: each CPU and what it called."""
    lines = [re.sub(r"^\[ *[\d.]+\] ", "", line) for line in lines]
    return [line.split(", kernel stack")[0] for line in lines
            if re.match(r"CPU \d+, thread|  0x[0-9a-f]+ \w+\+|rip ", line)]


def place(kernel, address):
    """`function at file:line`: of a function that was inlined, the one of the .c file around it."""
    done = subprocess.run(["addr2line", "-f", "-i", "-p", "-s", "-e", kernel, address],
                          capture_output=True, text=True, check=False)
    frames = [line.removeprefix(" (inlined by) ") for line in done.stdout.splitlines()]
    return next((f for f in frames if re.search(r"\.[cS]:\d", f)), address)


def named(kernel, text):
    """The text with places for the kernel's addresses: both sides of a wrong order of locks."""
    if not shutil.which("addr2line"):
        return text
    return re.sub(r"\b0xffffffff8[0-9a-f]{7}\b", lambda found: place(kernel, found[0]), text)


class Machine:
    """A QEMU that runs one kernel; run() says how it ended."""

    def __init__(self, kernel, initrd, cpus, words, init="", mem="512M"):
        self.kernel, self.cpus = str(kernel), cpus
        self.files = tempfile.TemporaryDirectory(prefix="heddle-grade-")
        self.qmp = os.path.join(self.files.name, "qmp")
        self.command = [*linux.machine(cpus=cpus, mem=mem), "-kernel", self.kernel, "-initrd", str(initrd),
                        "-append", f"console=ttyS0 debug_exit=0xf4 {words}" + (f" -- {init}" if init else ""),
                        "-qmp", f"unix:{self.qmp},server=on,wait=off"]
        self.monitor = None
        # Looks at idle CPUs, and CPU time at the start: since a line, and since a check began or ended.
        self.idle_looks = self.all_idle_looks = 0
        self.line_s = self.check_s = 0.0

    def limit(self, factor=1):
        """CPU seconds without a line of output."""
        return (8 + 3 * self.cpus) * factor

    def run(self, on_line, factor=lambda: 1):
        """Boot; on_line(text) sees each line, and returns whether a check began or ended with it.
        Returns (kind, reason, where): kind is "end", "panic", "reset" or "hang".  factor() widens the
        limits for what runs now."""
        try:
            with subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT) as process:
                try:
                    return self.watch(process, on_line, factor)
                finally:
                    process.kill()
        finally:
            self.files.cleanup()

    def watch(self, process, on_line, factor):
        os.set_blocking(process.stdout.fileno(), False)
        text, panic, count = b"", [], 0
        look = time.monotonic() + LOOK_S
        while True:
            data = process.stdout.read()
            if data == b"":
                break
            if data:
                *whole, text = (text + data).split(b"\n")
                for line in whole:
                    line = line.decode("utf-8", "replace").rstrip("\r")
                    if panic or "panic: " in line:
                        panic.append(line)
                    if on_line(line):
                        self.check_s, self.all_idle_looks = cpu_seconds(process.pid), 0
                count += len(whole)
                self.line_s, self.idle_looks = cpu_seconds(process.pid), 0
                if count > LINES_MAX:
                    return "hang", f"the kernel prints without end (more than {LINES_MAX:,} lines)", []
            if time.monotonic() >= look:
                look = time.monotonic() + LOOK_S
                reason = self.stuck(process.pid, factor())
                if reason:
                    return "hang", reason, self.where()
            if not data:
                time.sleep(0.02)
        if text:
            on_line(text.decode("utf-8", "replace"))
        return self.ending(process.wait(), panic)

    def ending(self, status, panic):
        if status == PANIC and panic:
            said = panic[0].split("panic: ", 1)[1]
            return "panic", "the kernel panicked: " + named(self.kernel, said), panic_places(panic)
        if status in (ENDED, INIT_FAILED, PANIC):
            return "end", "the machine ended", []
        if status == REBOOT:
            return "reset", "the kernel asked for a reset", []
        if status == 0:
            return "reset", ("the processor reset the machine: a fault whose handlers could not be entered "
                             "(triple fault)"), []
        return "reset", f"QEMU ended with status {status}", []

    def stuck(self, pid, factor):
        """Why the machine will get no further, or None."""
        now, limit = cpu_seconds(pid), self.limit(factor)
        if now - self.line_s > limit:
            return f"the kernel hangs: {now - self.line_s:.0f} s of CPU time without a line of output"
        idle = self.halted()
        self.idle_looks = self.idle_looks + 1 if idle else 0
        self.all_idle_looks += idle
        if self.idle_looks > IDLE_LOOKS * factor:
            return "the kernel hangs: all CPUs are idle, no thread can run, and nothing is printed"
        if now - self.check_s > BABBLE * limit or self.all_idle_looks > BABBLE * IDLE_LOOKS * factor:
            return "the kernel prints lines, but the check does not end"
        return None

    def connect(self):
        if not self.monitor:
            self.monitor = last_state.Monitor(self.qmp, started=True)
        return self.monitor

    def halted(self):
        try:
            monitor = self.connect()
            return all("HLT=1" in monitor.words("info registers", cpu["cpu-index"])
                       for cpu in monitor.command("query-cpus-fast"))
        except (OSError, ValueError, SystemExit):
            return False

    def where(self):
        """What each CPU does: the function, and what called it."""
        try:
            monitor = self.connect()
            monitor.command("stop")
            out = []
            for cpu in monitor.command("query-cpus-fast"):
                lines, _, _ = last_state.cpu_state(monitor, self.kernel, cpu["cpu-index"])
                out += [lines[0], *lines[3:9]]
            return out
        except (OSError, ValueError, SystemExit):
            return []
