#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make gdb`: a machine that stands still, and gdb attached to it, in one terminal.

    tools/gdb.py [--batch] [--stopped] [GDB'S ARGUMENTS]
                            start QEMU, then gdb on this terminal; QEMU ends with gdb
    tools/gdb.py console    from another terminal: talk to the machine's console

gdb comes to the user at the first station of a tour (TOUR, else switch; heddle-tour), at LAB's
main(), at STEP of RACE (docs/race.md), or, with --batch or ARGS, at bring_up(), the first function
that runs as a thread; with --stopped before the machine's first instruction.  Then come GDB'S
ARGUMENTS, as -ex COMMAND or -x FILE.  --batch: no questions, and the end after them; status 1 when the last failed.

Settings come in the environment: BUILD CPUS MEM ACCEL APPEND INITRD INIT TOUR LAB RACE STEP ARGS QEMU
QEMU_EXTRA GDBARGS GDB_PROGRAM.  ARGS without LAB is what init is told: ARGS='run /bin/ls'.  The
console goes to BUILD/gdb/console.log (CONSOLE_LOG names another file), in tmux also to a pane beside
gdb's.  No port is opened: gdb and the console are UNIX sockets in a directory of their own.
REPLAY=1 records a run first, for RECORD_SECONDS at most, and replays it (docs/gdb-replay.md)."""
import contextlib
import ctypes
import json
import os
import pathlib
import platform
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import replay

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools/gdb/heddle.py"


def setting(name, default=""):
    return os.environ.get(name) or default


def gdb_program():
    """A gdb that knows x86-64; on other machines the plain one does not."""
    names = ["gdb", "gdb-multiarch", "x86_64-elf-gdb"]
    if platform.machine() not in ("x86_64", "AMD64"):
        names.reverse()
    return setting("GDB_PROGRAM") or next(filter(shutil.which, names), "gdb")


def build_directory():
    build = pathlib.Path(setting("BUILD", "build"))
    return build if build.is_absolute() else ROOT / build


def die_with_parent():
    """QEMU goes when we do, however that happens (Linux: prctl(2), PR_SET_PDEATHSIG)."""
    os.setsid()  # Ctrl-C is for gdb
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Machine:
    """QEMU, stopped before its first instruction, and where to attach."""

    def __init__(self, build=None, cpus="2", mem="512M", append="", args="", initrd=None, extra=()):
        self.build = pathlib.Path(build or build_directory())
        self.directory = tempfile.mkdtemp(prefix="heddle-gdb-")
        self.socket = f"{self.directory}/gdb"
        self.monitor = f"{self.directory}/monitor"
        self.console_socket = f"{self.directory}/console"
        self.log = pathlib.Path(setting("CONSOLE_LOG", self.build / "gdb/console.log"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        cmdline = " ".join(f"console=ttyS0 debug_exit=0xf4 {append}".split())
        accel = setting("ACCEL", "tcg")
        self.command = [
            setting("QEMU", "qemu-system-x86_64"),
            "-accel", "tcg,thread=multi" if accel == "tcg" else accel,
            "-cpu", "host" if accel == "kvm" else "max", "-m", mem, "-smp", str(cpus),
            "-display", "none", "-no-reboot", "-no-shutdown", "-monitor", "none",
            "-qmp", f"unix:{self.monitor},server=on,wait=off",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            "-chardev", f"socket,id=console,path={self.console_socket},server=on,wait=off,"
                        f"logfile={self.log},logappend=off",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=gdb,path={self.socket},server=on,wait=off", "-gdb",
            "chardev:gdb", "-S", "-kernel", str(self.build / "heddle.elf"),
            "-initrd", str(initrd or self.build / "initramfs.cpio"),
            "-append", cmdline + (f" -- {args}" if args else ""), *extra]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        end = time.monotonic() + 120
        while not os.path.exists(self.socket):
            if self.process.poll() is not None:
                raise SystemExit(f"gdb: QEMU ended with status {self.process.returncode}")
            if time.monotonic() > end:
                raise SystemExit("gdb: QEMU does not come up")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def interrupt(self, *_):
        """Ctrl-C stops the machine.  gdb asks QEMU for that with one byte, which QEMU drops where
        the machine stands just then, as at a breakpoint whose condition does not hold.  So ask by
        the monitor, until it is so; or until it stands for another reason for good."""
        def ask():
            stands = 0
            with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as link:
                link.connect(self.monitor)
                monitor = link.makefile("rw")
                monitor.readline()
                for words in ("qmp_capabilities", *["stop", "query-status"] * 50):
                    print(json.dumps({"execute": words}), file=monitor, flush=True)
                    while "return" not in (answer := json.loads(monitor.readline())):
                        pass  # events
                    status = answer["return"].get("status")
                    stands = stands + 1 if status == "debug" else 0
                    if status == "paused" or stands > 10:
                        return
                    time.sleep(0.01)

        threading.Thread(target=ask, daemon=True).start()

    def gdb(self, *arguments):
        """The command line of a gdb that is attached."""
        # If two CPUs stop at one time, QEMU reports only one of them, and the other may stop again
        # after one instruction when the machine goes on: whatever was under way goes on.  In a
        # replay there is one CPU, and each step back ends in such a stop.
        late = [] if setting("REPLAY") else ["-ex", "handle SIGTRAP nostop noprint nopass"]
        return [gdb_program(), "-nx", "-q", "-x", str(SCRIPT), *late,
                "-ex", f"target remote {self.socket}", *arguments,
                str(self.build / "heddle.elf")]


def lab_settings(lab, args):
    """(what init is told, where gdb stops).  Nothing can be answered at the console there."""
    return f"first lab {lab} --unattended {args}".strip(), f"/labs/{lab}"


def race_settings(build, name):
    """The same for the schedule that `make race` has kept, and the step in STEP."""
    if not (build / f"race/{name}.d/extra.cpio").exists():
        raise SystemExit(f"gdb: no schedule of {name}: make race PROGRAM={name}.c finds one")
    step = setting("STEP", "1")
    if not step.isdigit() or step == "0":
        raise SystemExit(f"gdb: STEP={step} is not the number of a step")
    return (f"run /bin/sh /race/{name}.sh --stop {step}",
            ["-ex", f"python import race_steps; race_steps.go('/race/{name}', {step})"])


# What init is told: the program of the tours plays behind the shell.
PLAY = "first /bin/sh -c \"trap '' HUP; setsid tour {} &\""
RECORDED = "run /bin/tour {} 4"  # an end, so that the recording has one


def split_tmux(machine):
    """The console in a pane beside gdb's; False where there is no tmux."""
    if not os.environ.get("TMUX") or not shutil.which("tmux"):
        return False
    done = subprocess.run(["tmux", "split-window", "-d", "-v", sys.executable, __file__, "console",
                           machine.console_socket], check=False)
    return done.returncode == 0


def console(path):
    """This terminal is the machine's, until Ctrl-]."""
    import termios
    import tty
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(path)
    except OSError as error:
        raise SystemExit(f"console: {path}: {error.strerror}") from None
    print(f"console of the machine; Ctrl-] leaves ({path})\r")
    old = termios.tcgetattr(0) if os.isatty(0) else None
    if old:
        tty.setraw(0)
    try:
        while True:
            ready, _, _ = select.select([0, link], [], [])
            if link in ready:
                data = link.recv(4096)
                if not data:
                    break
                os.write(1, data)
            if 0 in ready:
                data = os.read(0, 4096)
                if not data or b"\x1d" in data:
                    break
                link.sendall(data)
    finally:
        if old:
            termios.tcsetattr(0, termios.TCSADRAIN, old)


def main():
    started = time.time()
    place = build_directory() / "gdb/console"
    arguments = sys.argv[1:]
    if arguments[:1] == ["console"]:
        if not arguments[1:] and not place.exists():
            raise SystemExit("console: no machine was started with `make gdb` here")
        return console(arguments[1] if arguments[1:] else place.read_text())
    flags = {f: f in arguments for f in ("--batch", "--stopped")}
    arguments = [a for a in arguments if a not in flags] + shlex.split(setting("GDBARGS"))
    for program in (gdb_program(), setting("QEMU", "qemu-system-x86_64")):
        if not shutil.which(program):
            raise SystemExit(f"gdb: {program} is missing: make setup gdb installs it")
    if subprocess.run([ROOT / "tools/setup.sh", "version", "qemu"], check=False).returncode:
        raise SystemExit(1)
    build = build_directory()
    race, told, begin = "", setting("ARGS"), ["-ex", "tbreak bring_up", "-ex", "continue"]
    if lab := setting("LAB"):
        if not (ROOT / f"user/labs/{lab}.c").exists():
            names = " ".join(sorted(p.stem for p in (ROOT / "user/labs").glob("*.c")))
            raise SystemExit(f"gdb: no lab {lab}; there are: {names}")
        told, path = lab_settings(lab, told)
        if setting("REPLAY"):  # no shell after it, no question before it
            told = f"run lab {lab} --quick {setting('ARGS')}".strip()
        begin = ["-ex", f"heddle-break {path} main", "-ex", "continue"]
    elif race := setting("RACE"):
        told, begin = race_settings(build, race)
    elif setting("TOUR") or not (told or setting("REPLAY") or flags["--batch"] or flags["--stopped"]):
        tour = setting("TOUR", "switch")
        play = RECORDED if setting("REPLAY") else PLAY
        told, begin = play.format(tour), ["-ex", f"heddle-tour {tour}"]
    elif setting("REPLAY"):
        told = told or replay.SCENE
    if flags["--stopped"]:
        begin = []
    if flags["--batch"]:
        begin = ["-batch", *begin]
    else:
        begin += ["-ex", f"python print('%.1f s from the command to here' % "
                         f"(__import__('time').time() - {started}))"]
    initrd = setting("INITRD") or (race and build / f"race/{race}.d/extra.cpio")
    if initrd:
        joined = build / "gdb/initrd.cpio"
        joined.parent.mkdir(parents=True, exist_ok=True)
        joined.write_bytes((build / "initramfs.cpio").read_bytes()
                           + pathlib.Path(initrd).read_bytes())
        initrd = joined
    append = setting("APPEND") + (f" init={setting('INIT')}" if setting("INIT") else "")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    machine = Machine(build, setting("CPUS", "2"), setting("MEM", "512M"), append, told, initrd,
                      setting("QEMU_EXTRA").split())
    if setting("REPLAY"):
        machine.command = replay.recorded(machine.command, machine.directory, machine.log)
    with machine:
        signal.signal(signal.SIGINT, machine.interrupt)
        if not flags["--batch"]:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(machine.console_socket)
            pane = not setting("REPLAY") and split_tmux(machine)
            print(f"The machine's console is in {os.path.relpath(machine.log)}"
                  + ("" if setting("REPLAY") else " and in the other pane." if pane else
                     f".\nTo type there, in another terminal: {os.path.relpath(__file__)} console"))
            print("Commands that know threads: heddle lists them.  To leave: quit",
                  flush=True)
        return subprocess.run(machine.gdb(*begin, *arguments), check=False,
                              stdin=subprocess.DEVNULL if flags["--batch"] else None,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
                              ).returncode


if __name__ == "__main__":
    sys.exit(main())
