# SPDX-License-Identifier: MIT
"""The kernel stops, and says why: its own check, a fault, a stack that ran over, a person who asks;
and where it cannot say a word, `make run` does."""
import contextlib
import os
import re
import subprocess
import sys
import time

import pytest

from gdb_session import gdb_batch, needs_gdb
from screens import Screen, needs_font
from vm import BUILD, HANGS, OVMF, PANIC, ROOT, VM

sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402


def gdb(build, socket, *commands):
    """Run commands in a gdb that is attached to a machine which stands still, then let it go."""
    script = socket.parent / "commands"  # the first that fails is the last
    # QEMU may be gone before it has answered the last.
    script.write_text("\n".join(("set pagination off", f"set remotetimeout {HANGS}",
                                 f"target remote {socket}", *commands, "python", "try: gdb.execute('detach')",
                                 "except gdb.error: pass", "end", "")))
    done = subprocess.run(
        ["timeout", "-k", "5", str(HANGS), "gdb", "-nx", "-q", "-batch", "-x", script,
         build / "heddle.elf"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@contextlib.contextmanager
def spoilt(tmp_path, *commands, extra=(), **options):
    """A machine that runs on after gdb has spoilt it by these commands."""
    socket = tmp_path / "gdb"
    with VM(timeout=120, extra=["-S", "-gdb", f"unix:{socket},server=on,wait=off", *extra],
            **options) as vm:
        while not socket.exists():
            time.sleep(0.05)
        gdb(options.get("build", BUILD), socket, *commands)
        yield vm


def stopped(tmp_path, *commands, program="ls /", cpus=2, **options):
    """(What the kernel reported, line by line without times; QEMU's status), after gdb has spoilt
    something."""
    with spoilt(tmp_path, *commands, args=f"run {program}", cpus=cpus, **options) as vm:
        status = vm.wait()
    return report_of(vm.log), status


def report_of(log):
    text = re.sub(r"^\[ *[\d.]+\] ", "", log.replace("\r", ""), flags=re.M)
    assert "kernel panic: " in text, log[-2000:]
    return text[text.index("kernel panic: "):]


def check(report, vector, *patterns):
    """All of them, in this order; the cause once more at the end, where a screen keeps it."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern.replace("VECTOR", str(vector)), re.M).search(report, at)
        assert found, f"no {pattern!r} in\n{report[at:]}"
        at = found.end()
    lines = report.strip().split("\n")
    assert lines[0] == lines[-1]


# In the order of a report.
REGISTERS = (r"^rsp [0-9a-f]{16}  rflags .*vector VECTOR  error", r"^rax [0-9a-f]{16}  rbx", r"^r13 ", r"^cr2 ",
             r"^backtrace:")
NEXT = r"^to look closer: make gdb, then .*heddle-fault"


@needs_gdb
def test_fault_with_locks_held(tmp_path, debug_build):
    """A jump to address 16 under a lock, by a program whose name is known."""
    report, status = stopped(tmp_path, "tbreak process_unlink", "continue", "set $rip = 16",
                             build=debug_build, program='/bin/sh -c "/bin/true; /bin/true"')
    assert status == PANIC
    check(report, 14, r"kernel panic: page fault in the kernel: null pointer: execution of address "
          r"0x10", r"^last events of CPU \d:", r" sched_\w+: ", r"^CPU \d, thread \d+ \(\S+\) of process \d",
          r"^locks held:", r"^  CPU \d: \w*process_lock\w* 0x\w+ taken at \w+\+0x",
          r"^CPU \d, thread \d+ \(sh\) of process \d+, kernel stack", r"^rip 0{14}10 ", *REGISTERS,
          r"^  0x\w+ process_wait\+0x", r"^  -- system call \(vector 256\) --",
          r"^  user mode: rip 0x\w+ rsp 0x", NEXT)


@needs_gdb
@pytest.mark.parametrize("cpus", [1, 4])
def test_stack_overflow(tmp_path, cpus):
    """The fault finds no stack: a double fault, on a stack of its own."""
    report, status = stopped(tmp_path, "tbreak process_clone", "continue",
                             "set $rsp = ((unsigned long)$rsp & ~4095) - 4096 + 4",
                             program='/bin/sh -c "/bin/true; /bin/true"', cpus=cpus)
    assert status == PANIC
    check(report, 8, r"kernel panic: kernel stack overflow \(address 0x\w+ is in a guard page\)",
          r"^last events of CPU", r"^locks held", r"^CPU \d, thread 1 \(init\) of process",
          *REGISTERS, r"^  0x\w+ process_clone\+0x",
          r"^  -- system call", r"^  user mode", NEXT)
    assert len(re.findall(r"^CPU \d, thread", report, re.M)) == cpus


@needs_gdb
def test_report_that_cannot_trust_anything(tmp_path):
    """No thread, no frames: it ends all the same."""
    report, status = stopped(
        tmp_path, "tbreak sys_getppid", "continue",
        "set *(unsigned long *)($gs_base + 16) = 0x1122334455667788",
        "set $eflags = 2", "set $rbp = 0xffff900000000123",
        "set $rip = 0x7f8000000000", program="/bin/sh")
    assert status == PANIC
    check(report, 14, r"kernel panic: page fault in the kernel: the kernel jumped to user memory",
          r"^CPU \d, no thread", *REGISTERS, NEXT)


def test_nmi(tmp_path):
    """A person asks what the machine is doing: all CPUs say it."""
    for attempt in range(10):
        socket = tmp_path / f"qmp{attempt}"
        with VM(cpus=2, args='run /bin/sh -c "echo ready; while :; do :; done"', timeout=120,
                extra=["-qmp", f"unix:{socket},server=on,wait=off"]) as vm:
            vm.expect(r"\nready")
            Monitor(str(socket)).command("inject-nmi")
            assert vm.wait() == PANIC
        report = report_of(vm.log)
        if "sched_idle_loop" in report:  # init may run still, or the host keep a CPU from answering
            break
    check(report, 2, r"kernel panic: NMI: sent by hand", r"^last events of CPU 0", r"^CPU 1, thread ",
          r"^locks held", r"^CPU 0, thread ", *REGISTERS, NEXT)
    assert re.search(r"^CPU \d, thread \d+ \(sh\)", report, re.M)
    assert re.search(r"^  0x\w+ sched_idle_loop", report, re.M)


@needs_gdb
def test_gdb_shows_more(tmp_path):
    """What the report advises."""
    commands = ("break panic_stop", "set $rip = 16", "continue", "heddle-fault", "bt")
    _, out = gdb_batch(tmp_path / "console", *(w for c in commands for w in ("-ex", c)))
    assert "the kernel stopped on CPU 0" in out, out
    assert re.search(r"^thread \d+ \(bring-up\): page fault at rip 0x10$", out, re.M)
    assert re.search(r"^#\d+ .* in kthread_begin .*\n#\d+ .* in thread_entry", out, re.M), out


# ---- make run -------------------------------------------------------------------------------------


class Run:
    """tools/run.sh with settings; its text when it has ended."""

    def __init__(self, files, **settings):
        environment = {**os.environ, "BUILD": str(BUILD), "ACCEL": "tcg", "BOOT": "direct",
                       "MEM": "256M", "RUN_ISO": str(files / "run.iso"), **settings}
        for name in ("GDB", "APPEND" if "APPEND" not in settings else ""):
            environment.pop(name, None)
        self.out = open(files / "out", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([ROOT / "tools/run.sh"], env=environment, stdout=self.out,
                                        stderr=subprocess.STDOUT, stdin=subprocess.PIPE)

    def text(self):
        self.out.seek(0)
        return self.out.read().replace("\r", "")

    def until(self, pattern, seconds=HANGS):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text(), re.M):
            assert self.process.poll() is None and time.monotonic() < end, self.text()[-3000:]
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.stdin.write(b"\x01x")  # as a person leaves QEMU
            self.process.stdin.close()
            self.process.wait(HANGS)
        self.out.close()


def test_run_says_that_the_kernel_stopped(tmp_path):
    with Run(tmp_path, INIT="/absent", CPUS="1") as run:
        assert run.process.wait(HANGS) == 3
        text = run.text()
    assert "kernel panic: requested init /absent failed (error 2)" in text
    for pattern in (r"^last events of CPU 0:", r"^CPU 0, thread 1 \(init\) of process 1, ",
                    r"^backtrace:\n(  .*\n)*  0x\w+ init_begin\+0x"):
        assert re.search(pattern, report_of(text), re.M), text
    assert text.endswith("run: the kernel stopped (see above).\n")


def lose_the_idt(socket):
    """The next exception, which is at once, finds no handler."""
    while not socket.exists():
        time.sleep(0.05)
    gdb(BUILD, socket, "tbreak bring_up", "continue",
        "python gdb.selected_inferior().write_memory("
        "int(gdb.parse_and_eval('(unsigned long)&idt')), bytes(4096))",
        "set *(unsigned short *)$pc = 0x0b0f")  # ud2


@needs_gdb
@pytest.mark.parametrize("cpus", ["1", "2"])
def test_run_says_that_it_was_a_triple_fault(tmp_path, cpus):
    """Without an IDT no fault finds its handler."""
    socket = tmp_path / "gdb"
    with Run(tmp_path, CPUS=cpus, QEMU_EXTRA=f"-S -gdb unix:{socket},server=on,wait=off") as run:
        lose_the_idt(socket)
        assert run.process.wait(HANGS) == 5
        text = run.text()
    assert "kernel panic" not in text
    report = text[text.index("run: triple fault."):]
    for cpu in range(int(cpus)):
        assert re.search(rf"^  CPU {cpu}.*: RIP 0xffffffff8\w+ \w+ at \w+\.[chS]:\d+", report, re.M)
    assert len(re.findall(r"^    RSP \w{16}  RBP .*CR3 \w{16}", report, re.M)) == int(cpus)
    assert re.search(r"IDT ffffffff8\w+ 00000fff", report)
    assert re.search(r"called from 0x\w+ (kthread_begin|thread_entry|kernel_main) at ", report), report
    assert "make gdb" in report


@needs_gdb
def test_a_triple_fault_before_its_watcher_looks(tmp_path):
    """On a busy host the machine can be faster than the program that is to tell of its end."""
    socket, late = tmp_path / "gdb", tmp_path / "late"
    late.write_text('#!/bin/sh\nfiles=$(dirname "$2")\ntouch "$files/watches"\n'
                    'until grep -qs "Triple fault" "$files/log"; do sleep 0.1; done\n'
                    f'exec {sys.executable} "$@"\n')
    late.chmod(0o755)
    with Run(tmp_path, CPUS="1", PYTHON=str(late),
             QEMU_EXTRA=f"-S -gdb unix:{socket},server=on,wait=off") as run:
        lose_the_idt(socket)
        assert run.process.wait(HANGS) == 5
        assert "run: triple fault.  A fault came" in run.text()


@needs_gdb
def test_a_triple_fault_is_told_without_its_state(tmp_path):
    """What reads the state did not come so far."""
    socket = tmp_path / "gdb"
    with Run(tmp_path, CPUS="1", PYTHON="false",
             QEMU_EXTRA=f"-S -gdb unix:{socket},server=on,wait=off") as run:
        lose_the_idt(socket)
        assert run.process.wait(HANGS) == 5
        assert "run: triple fault.  What it left behind could not be read" in run.text()


def test_run_ends_quietly_otherwise(tmp_path):
    """Left by its user: no word of a fault."""
    with Run(tmp_path, CPUS="1") as run:
        run.until(r"# (\x1b\[6n)?$")
        run.process.stdin.write(b"\x01x")
        run.process.stdin.flush()
        assert run.process.wait(HANGS) == 0
        assert run.text().endswith("run: QEMU was left.\n") and "triple" not in run.text()


@needs_font
@pytest.mark.parametrize("boot", ["iso", pytest.param("uefi", marks=pytest.mark.skipif(
    not OVMF, reason="OVMF is missing: make setup"))])
def test_report_is_on_the_screen(tmp_path, boot):
    socket = tmp_path / "qmp"
    with Run(tmp_path, BOOT=boot, CPUS="2", INIT="/absent", APPEND="console=tty0 panic=halt",
             QEMU_EXTRA=f"-qmp unix:{socket},server=on,wait=off") as run:
        run.until(r"(?s)kernel panic: .*to look closer.*kernel panic: .*\n")
        # The display is drawn after the serial line is written.
        text = "\n".join(Screen(socket, tmp_path).until_text("kernel panic: "))
    assert re.search(r"CPU \d, thread \d+ \(\w+\) of process", text), text
    assert "backtrace:" in text and "panic+0x" in text
    assert re.search(r"kernel panic: requested init /absent failed \(error 2\)", text), text
