# SPDX-License-Identifier: MIT
"""A machine as a person meets it: keys go in, a picture comes out, and its power ends.

`Qemu` is QEMU's; tests/machines/bochs.py has Bochs's. What waits is bounded by progress, not by time:
a wait ends when nothing has changed on the screen or the serial line although the emulator has used
CPU time, or has been idle, for long."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

from screen import Picture, Reader

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402

# Seconds without a change of what the machine shows: of the emulator's CPU time, and of idleness, in
# which it waits for nothing and nothing waits for it.
STUCK_CPU, STUCK_IDLE = 60, 30
KEYS = {" ": ["spc"], "\n": ["ret"], "-": ["minus"], "/": ["slash"], ".": ["dot"], ";": ["semicolon"],
        "=": ["equal"], "$": ["shift", "4"], "?": ["shift", "slash"]}


class Stuck(Exception):
    """What was waited for did not come; the text says what was there instead."""


class Demand:
    """How long a process has run, and how long no thread of it ran or waited for a CPU.

    On a busy host a machine is slow but not idle, so neither figure depends on the host's load."""

    def __init__(self, pid):
        self.tasks = pathlib.Path(f"/proc/{pid}/task")
        self.threads = {}
        self.cpu = self.idle = 0.0
        self.at = time.monotonic()
        self.look()

    def look(self):
        now, ran, busy = time.monotonic(), 0.0, 0.0
        for task in list(self.tasks.iterdir()) if self.tasks.exists() else ():
            try:
                run, wait, _ = map(int, (task / "schedstat").read_text().split())
            except (OSError, ValueError):
                continue
            before = self.threads.get(task.name, (run, wait))
            self.threads[task.name] = (run, wait)
            ran += (run - before[0]) / 1e9
            busy = max(busy, (run - before[0] + wait - before[1]) / 1e9)
        self.cpu += ran
        self.idle += max(0.0, now - self.at - busy)
        self.at = now


class Pc:
    """What both emulators share: waiting for text, and typing."""
    reader = Reader()
    patience = 1
    started = []        # all emulators of this program
    blind = False       # there is no display, or none that shows anything
    since = 0

    def start(self, process):
        self.process = process
        self.started.append(process)
        self.demand = Demand(process.pid)
        self.shown = ""
        self.events = []
        self.began = time.monotonic()

    def look(self):
        """The text that the machine shows now: on its screen, or on its serial line if it has no other."""
        if self.blind:
            self.shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", self.serial())[self.since:]
        elif self.running():
            self.shown = self.screen() or self.shown
        return self.shown

    def forget(self):
        """From now on only what comes later counts; a screen is cleared by what is typed."""
        self.since += len(self.look()) if self.blind else 0

    def running(self):
        return self.process.poll() is None

    def wait(self, pattern, also=lambda: "", ended_by=None, tries=None):
        """Wait until the screen, or what `also` gives, shows a pattern; the match.

        Raises Stuck if that makes no progress, or if the machine ends or shows `ended_by`, or after so
        many `tries` without a change."""
        self.demand.look()
        cpu, idle, before = self.demand.cpu, self.demand.idle, None
        tried = 0
        while True:
            running = self.running()
            text = self.look() + also()
            found = re.search(pattern, text, re.M)
            if found:
                return found
            if ended_by and re.search(ended_by, text, re.M):
                raise Stuck(re.search(f".*(?:{ended_by}).*", text)[0].strip())
            if not running:
                raise Stuck(f"the machine ended ({self.ending()}); {self.last_words(text)}")
            self.demand.look()
            tried += 1
            if progress(text) != before:
                before, cpu, idle, tried = progress(text), self.demand.cpu, self.demand.idle, 0
            elif tried == tries:
                raise Stuck(f"no {pattern!r} came")
            elif self.demand.cpu - cpu > STUCK_CPU * self.patience or \
                    self.demand.idle - idle > STUCK_IDLE * self.patience:
                raise Stuck(f"no {pattern!r} came; {self.last_words(text)}")
            time.sleep(0.3)

    @staticmethod
    def last_words(text):
        lines = [line for line in text.split("\n") if line.strip()]
        return f"the last line is {lines[-1].strip()!r}" if lines else "the screen is black"

    def type(self, text):
        for c in text:
            self.press(*(["shift", c.lower()] if c.isupper() else KEYS.get(c, [c])))

    def finish(self):
        """Wait until the emulator ends; how it ended."""
        self.demand.look()
        cpu, idle = self.demand.cpu, self.demand.idle
        while self.running():
            self.demand.look()
            if self.demand.cpu - cpu > STUCK_CPU or self.demand.idle - idle > STUCK_IDLE:
                raise Stuck(f"the power stays on; {self.last_words(self.look())}")
            self.look()
            time.sleep(0.2)
        return self.ending()


def progress(text):
    """What counts as progress: text without a blinking cursor's cell and without running clocks."""
    return re.sub(r"\d+", "", text)


class Qemu(Pc):
    """A machine of QEMU."""

    def __init__(self, folder, command, serial=True, blind=False, typed=False):
        """With `typed`, keys go to the serial line, for a machine that has no keyboard."""
        self.blind, self.typed, self.line = blind, typed, None
        self.files = pathlib.Path(folder)
        self.serial_log = self.files / "serial"
        self.serial_log.write_text("")
        self.command = [*command, "-display", "none", "-no-reboot", "-monitor", "none",
                        "-qmp", f"unix:{self.files}/qmp,server=on,wait=off"]
        if serial:
            self.command += ["-chardev", f"socket,id=line,path={self.files}/line,server=on,wait=off,"
                             f"logfile={self.serial_log}", "-serial", "chardev:line"]

    def __enter__(self):
        with open(self.files / "errors", "w", encoding="utf-8") as errors:
            self.start(subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=errors, stderr=errors))
        try:
            self.monitor = Monitor(f"{self.files}/qmp")
        except SystemExit:
            self.process.kill()
            self.process.wait()
            raise Stuck("QEMU did not start: " + (self.files / "errors").read_text().strip()) from None
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, name, **arguments):
        """A command of the monitor; None if QEMU has ended."""
        try:
            return self.monitor.command(name, **arguments)
        except SystemExit:
            return None

    def wait_event(self, name):
        while not any(e.get("event") == name for e in self.monitor.events):
            try:
                self.monitor.events.append(self.monitor.message())
            except SystemExit:
                raise Stuck(f"the machine ended ({self.ending()})") from None
        self.monitor.events = [e for e in self.monitor.events if e.get("event") != name]

    def serial(self):
        if self.line:
            with contextlib.suppress(BlockingIOError):      # the log has it too, but the line must not fill
                while self.line.recv(65536):
                    pass
        return self.serial_log.read_text(errors="replace").replace("\r", "")

    def picture(self):
        """The display's picture; None if the machine has none, or none now."""
        path = self.files / "screen.ppm"
        try:
            if self.ask("screendump", filename=str(path)) is None:
                return None
            return Picture.of_ppm(path.read_bytes())
        except (OSError, ValueError):
            return None

    def screen(self):
        picture = self.picture()
        return self.reader.text(picture) if picture else ""

    def press(self, *keys, hold=40):
        if self.typed:
            return self.send(*keys)
        self.ask("send-key", keys=[{"type": "qcode", "data": k} for k in keys], **{"hold-time": hold})
        # QEMU holds the keys for that time of the machine's clock, which is the host's.
        time.sleep(hold / 1000 + 0.03)

    def send(self, *keys):
        """The byte for a key, on the serial line."""
        if not self.line:
            self.line = socket.socket(socket.AF_UNIX)
            self.line.connect(f"{self.files}/line")
            self.line.setblocking(False)
        character = next((c for c, names in KEYS.items() if names == list(keys)), keys[-1])
        self.line.sendall(b"\x15" if keys == ("ctrl", "u") else character.encode())
        time.sleep(0.03)

    def ending(self):
        """Why the machine ended, as QEMU says it."""
        try:
            while True:
                self.monitor.events.append(self.monitor.message())
        except (SystemExit, OSError, ValueError):
            pass
        for event in self.monitor.events:
            if event.get("event") == "SHUTDOWN":
                return event["data"]["reason"]
        return f"QEMU's status {self.process.poll()}: {(self.files / 'errors').read_text().strip()[-200:]}"


class StuckLine:
    """A serial line on which no byte leaves: a pipe that is full and is never read."""

    def __init__(self, path):
        for end in (".in", ".out"):
            os.mkfifo(f"{path}{end}")
        self.end = os.open(f"{path}.out", os.O_RDWR | os.O_NONBLOCK)
        try:
            while True:
                os.write(self.end, bytes(4096))
        except BlockingIOError:
            pass
        self.arguments = ["-chardev", f"pipe,id=stuck,path={path}", "-serial", "chardev:stuck"]
