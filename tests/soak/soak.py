#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One machine for hours: a debug kernel on 4 CPUs with slices of a millisecond and little memory runs
programs, labs and guests in rounds, while allocations fail and the host takes CPUs away.

    tests/soak/soak.py [--hours 0.05] [--seed N] [--only KIND] [--line SHELL] [--cpus 4]
                        [--mem 256M]

After each round nothing may be left: free frames by kind, and objects by cache, are as after the first
rounds.  docs/soak.md says more.  Settings in the environment: BUILD (the kernel), INITRD."""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/system"), str(ROOT / "tools")]
import pexpect  # noqa: E402
import labs  # noqa: E402
from vm import VM  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD") or ROOT / "build/debug").resolve()
USUAL = ROOT / "build"
OUT = USUAL / "soak"
QUIET = 300             # seconds without a byte on the console: the machine hangs

# What shares most, races most, and holds in little memory.  (1,000 processes at once want more.)
PROGRAMS = """clones copies credentials eventfds executes epolls faults fds filelocks files forktree fpu frees
futex_requeues futex_waitvs futexes futexes_exec holes hostile_elf jobs leak limits mapped_files membarriers memory
memory_advice memory_races mqueues name_races names opens permissions pidfds pipes polls processes procfs ptrace
ptrace_memory ptys registers segments signalfds signals socket_files socket_names socket_races sockets statx sysv_msg
sysv_sem sysv_shm task_lists threads timerfds wake_races wakes wild isolation leaks kernel_addresses""".split()
# Kept out: what asks a person or a network, and what takes minutes under the debug kernel.
NO_LABS = {"drive", "browser", "gil", "scale"}
STRESSORS = """clone fork vfork kill pthread mutex futex sem pipe fifo sockpair sockfd epoll eventfd mmap mprotect
mremap madvise brk shm shm-sysv msg sem-sysv signal sigq sigsegv timer timerfd switch yield wait zombie vm tlb-shootdown
dup flock lockf splice tee procfs memfd mlock""".split()


class Stop(Exception):
    """The soak ends here; the text says why."""


class Machine:
    """The virtual machine, and a shell on its console that does one line after the other."""

    def __init__(self, options, initrd, log):
        self.log = log
        self.qmp = OUT / "qmp"
        self.qmp.unlink(missing_ok=True)
        self.vm = VM(cpus=options.cpus, mem=options.mem, build=BUILD, initrd=initrd, timeout=QUIET,
                     append="sched_slice_us=1000", args="run /bin/sh /dev/stdin",
                     extra=("-name", "soak,debug-threads=on", "-qmp", f"unix:{self.qmp},server=on,wait=off"))

    def __enter__(self):
        self.vm.write = self.log.write
        self.vm.__enter__()
        self.expect("init: running")
        self.pid = self.vm.console.pid
        self.count = 0
        self.greet()
        self.do("stty -echo -onlcr </dev/console; "
                "export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin:/tests")
        return self

    def __exit__(self, *what):
        self.vm.__exit__(*what)
        self.qmp.unlink(missing_ok=True)

    def greet(self):
        """What is typed before the shell reads may be lost."""
        for _ in range(QUIET // 5):
            self.vm.console.send("echo @@$((40 + 2))@@\n")
            try:
                return self.lines(r"^@@42@@", timeout=5)
            except pexpect.TIMEOUT:
                pass
        raise Stop("the shell does not answer")

    def lines(self, pattern, timeout):
        """The lines up to one that has the pattern: (match, what came before)."""
        text = ""
        while True:
            self.vm.console.expect(r"[^\n]*\n", timeout=timeout)
            line = self.vm.console.after
            if match := re.search(pattern, line):
                return match, text
            if why := re.search(r"kernel panic: ([^\r\n]*)", line):
                self.vm.console.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=60)
                raise Stop(f"kernel panic: {why[1]}")
            text += line

    def expect(self, pattern):
        try:
            return self.lines(pattern, QUIET)
        except pexpect.TIMEOUT:
            self.ask_why()
            raise Stop(f"nothing was printed for {QUIET} s: the machine hangs; the log ends with what its CPUs "
                       "did") from None
        except pexpect.EOF:
            raise Stop("the machine has ended by itself") from None

    def ask_why(self):
        """A non-maskable interrupt: the kernel panics, and its report says where each CPU was."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(self.qmp))
                for name in ("qmp_capabilities", "inject-nmi"):
                    s.sendall(json.dumps({"execute": name}).encode() + b"\n")
                    s.recv(4096)
                self.vm.console.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=60)
        except OSError:
            pass

    def do(self, line):
        """Let the shell do one line: (status, what was printed)."""
        self.count += 1
        self.vm.console.send(f"{{ {line}\n}} </dev/null 2>&1; echo @@{self.count}=$?@@\n")
        match, text = self.expect(rf"@@{self.count}=(\d+)@@")
        return int(match[1]), text

    # --- What is in use -----------------------------------------------------------------------
    def prepare(self):
        """What the kernel makes at the first use and keeps: structures of terminals, caches."""
        self.do("for i in $(seq 100); do sleep 4 <>/dev/ptmx & done; wait; "
                "/tests/run_all -t 600 ptys sysv_sem sysv_msg sysv_shm mqueues wake_races")

    # By the shell itself: a program that ends leaves objects with its CPU, where they count as in use.
    CLEAN = ("rm -rf /tmp/* /dev/shm/* /dev/mqueue/* /root/.[a-z]* /root/*; sleep 0.3; "
             "show() { while read -r l; do echo \"$l\"; done <$1; }; "
             "echo 1 >/proc/sys/vm/drop_caches; show /proc/heddle/frames; echo ==; show /proc/heddle/slab")

    def in_use(self):
        """{kind: frames, or cache: objects}, after what outlives programs has been removed."""
        _, text = self.do(self.CLEAN)
        frames, _, slabs = text.replace("\r", "").partition("==\n")
        use = dict(re.findall(r"^(kernel|page_table|kstack|anon|object|file|pipe) (\d+)$", frames, re.M))
        use |= {"objects of " + name: n for name, n in re.findall(r"^([\w-]+) +(\d+) ", slabs, re.M)}
        free = re.search(r"^free (\d+)$", frames, re.M)
        if not free or len(use) < 10:
            raise Stop(f"what is in use cannot be read: {text[-300:]}")
        return {name: int(n) for name, n in use.items()}, int(free[1])


# --- What the host does in between ----------------------------------------------------------------

class Host(threading.Thread):
    """Takes CPUs away from the machine until told to stop: all at once, all but one, or one by one."""

    def __init__(self, pid, rng):
        super().__init__(daemon=True)
        self.pid, self.rng, self.over = pid, rng, threading.Event()
        self.all = os.sched_getaffinity(0)

    def vcpus(self):
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            if (task / "comm").read_text().startswith("CPU "):
                yield int(task.name)

    def pin(self, tids, cpus):
        for tid in tids:
            os.sched_setaffinity(tid, cpus)

    def run(self):
        try:
            while not self.over.wait(self.rng.uniform(0.2, 2)):
                how, one = self.rng.choice(["stop", "one", "share"]), {min(self.all)}
                if how == "stop":
                    os.kill(self.pid, signal.SIGSTOP)
                    self.over.wait(self.rng.uniform(0.05, 1.5))
                    os.kill(self.pid, signal.SIGCONT)
                elif how == "one":
                    self.pin(self.vcpus(), one)
                    self.over.wait(self.rng.uniform(1, 6))
                    self.pin(self.vcpus(), self.all)
                else:
                    # One virtual CPU shares with a process that computes all the time.
                    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
                        os.sched_setaffinity(busy.pid, one)
                        self.pin(self.rng.sample(list(self.vcpus()), 1), one)
                        self.over.wait(self.rng.uniform(1, 4))
                        busy.kill()
                    self.pin(self.vcpus(), self.all)
        except (OSError, ProcessLookupError):
            pass  # the machine has ended

    def stop(self):
        self.over.set()
        self.join()


# --- Rounds --------------------------------------------------------------------------------------

def programs(machine, rng):
    """Programs of tests/user; each must be right."""
    names = rng.sample(PROGRAMS, 5)
    status, text = machine.do("/tests/run_all -t 600 " + " ".join(names))
    return " ".join(names), status and text


def several(machine, rng):
    """Three at a time: they disturb each other, so only the kernel is judged."""
    names = rng.sample([n for n in PROGRAMS if n != "frees"], 9)     # which lets any allocation fail
    machine.do(" ".join(f"/tests/run_all -t 300 {' '.join(names[i::3])} >/dev/null &" for i in range(3)) + " wait")
    return " ".join(names), None


def lab(machine, rng):
    """Labs, whose verdicts are claims about time too: only the kernel is judged."""
    names = rng.sample([n for n in labs.catalogue() if n not in NO_LABS], 2)
    for name in names:
        machine.do(f"timeout -s KILL 300 lab {name} --quick --plain >/dev/null")
    return " ".join(names), None


def little_memory(machine, rng):
    """Memory runs out, again and again."""
    name = rng.choice(["oom fill", "hog all"])
    status, text = machine.do(f"/tests/{name}")
    return name, status and text


def failures(machine, rng):
    """Allocations fail now and then while programs run, whose results then say nothing."""
    names = rng.sample([n for n in PROGRAMS if not n.startswith("sysv_")], 4)     # whose objects would stay
    # The shell itself must not fork in this time: one that cannot, ends.
    machine.do("echo x >/tmp/failing; sh -c '(while [ -s /tmp/failing ]; do for n in 1 7 40 3 300 20 2 1000; do "
               f"echo $n >/proc/heddle/fail_nth; usleep 2000; done; done) & /tests/run_all -t 200 {' '.join(names)}' "
               ">/dev/null; : >/tmp/failing; read -t 2 x </dev/console; echo 0 >/proc/heddle/fail_nth")
    status, text = machine.do("/tests/failwalk 150")
    return " ".join(names) + ", failwalk", status and text


def guests(machine, rng):
    """Debian's stress-ng verifies what it gets."""
    names = rng.sample(STRESSORS, 3)
    for name in names:
        status, text = machine.do(f"cd /tmp; timeout -s KILL 300 stress-ng --{name} 4 -t 4 --verify --temp-path /tmp "
                                  "--vm-bytes 4m --mmap-bytes 2m --shm-bytes 1m; cd /root")
        if status not in (0, 3, 4):     # 3: no resources, 4: not on this kernel
            return name, text
    return " ".join(names), None


KINDS = [programs, several, lab, little_memory, failures]


def line_of(text):
    """Rounds of a kind of one's own: a line for the shell."""
    def line(machine, rng):
        status, out = machine.do(text)
        return text, f"status {status}: {out[-300:]}" if status else None
    return line


def one_round(machine, number, kind, seed):
    rng = random.Random(f"{seed} {number}")
    host = Host(machine.pid, random.Random(f"{seed} {number} host"))
    begin = time.monotonic()
    host.start()
    try:
        what, wrong = kind(machine, rng)
    finally:
        host.stop()
    use, free = machine.in_use()
    print(f"round {number:4} {time.monotonic() - begin:5.0f} s  {free:6} frames free  {kind.__name__}: {what}",
          flush=True)
    if wrong:
        bad = [x for x in wrong.replace("\r", "").split("\n") if re.match(r"not ok|# |=== .*status [1-9]|.*fail", x)]
        raise Stop(f"{kind.__name__}: " + "; ".join(bad[-8:] or wrong.split("\n")[-3:]))
    return use


def compare(machine, first, use):
    """What has ended may leave its last stack a moment later."""
    for _ in range(6):
        more = {name: (first.get(name, 0), n) for name, n in use.items() if n > first.get(name, 0)}
        if not more:
            return
        # Tables that double when a load has more objects than any before: a few times, for a leak goes on.
        if list(more) == ["kernel"] and first.setdefault("grown", 0) < 3:
            first["kernel"] = use["kernel"]
            first["grown"] += 1
            print(f"kernel {more['kernel'][0]} -> {more['kernel'][1]}: a table may have grown; stops at the fourth time")
            return
        time.sleep(1)
        use, _ = machine.in_use()
    raise Stop("more is in use than after the first rounds: " +
               ", ".join(f"{name} {a} -> {b}" for name, (a, b) in more.items()))


def soak(options, initrd, log):
    end = time.monotonic() + options.hours * 3600
    kinds = [line_of(options.line)] if options.line else [k for k in KINDS if options.only in (None, k.__name__)]
    with Machine(options, initrd, log) as machine:
        machine.prepare()
        # A round of each kind first: what is made once, at the first use, is there afterwards.
        for number, kind in enumerate(kinds, 1):
            first = one_round(machine, number, kind, options.seed)
        print("from here on nothing more may be in use at the end of a round", flush=True)
        while True:
            number += 1
            compare(machine, first, one_round(machine, number, kinds[number % len(kinds)], options.seed))
            if time.monotonic() >= end:
                return number


def main():
    parser = argparse.ArgumentParser(description="Programs in rounds under faults, until the time is over.")
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--seed", default=str(time.time_ns() // 10**9 % 10**6))
    parser.add_argument("--only", choices=[k.__name__ for k in (*KINDS, guests)])
    parser.add_argument("--line", help="a line for the shell, instead of the usual rounds")
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--mem")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    archives = [pathlib.Path(os.environ.get("INITRD") or BUILD / "initramfs.cpio")]
    packed = USUAL / "guests/stress-ng.cpio"
    if packed.exists():
        KINDS.append(guests)
        archives.append(packed)
    options.mem = options.mem or ("448M" if packed.exists() else "192M")
    initrd = OUT / "soak.cpio"
    initrd.write_bytes(b"".join(a.read_bytes() for a in archives))
    path = OUT / "console.log"
    print(f"soak: {options.hours} hours, seed {options.seed}, {options.cpus} CPUs, {options.mem}; guests: "
          f"{'stress-ng' if packed.exists() else 'none is packed (make guest NAME=stress-ng)'}; log: {path}",
          flush=True)
    begin = time.monotonic()
    with open(path, "w", encoding="utf-8", buffering=1) as log:
        try:
            number = soak(options, initrd, log)
        except (Stop, KeyboardInterrupt) as why:
            print(f"soak: stopped after {(time.monotonic() - begin) / 60:.1f} minutes: "
                  f"{why or 'by a person'}\nsoak: the console is in {path}; again: "
                  f"make soak HOURS={options.hours} SOAKFLAGS='--seed {options.seed}'")
            return 1
    print(f"soak: {number} rounds in {(time.monotonic() - begin) / 60:.1f} minutes; at the end of each the same "
          "frames and objects were in use")
    return 0


if __name__ == "__main__":
    sys.exit(main())
