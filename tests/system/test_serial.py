# SPDX-License-Identifier: MIT
"""A serial line whose other end stops reading: writers sleep, can be interrupted and killed, and lose
no byte (tests/user/slow_terminal.c, which a terminal of the host has to pass as well).  A serial port
beside a display: it gets the log, also the last line, and costs no time if it never sends."""
import os
import re
import select
import socket
import subprocess
import sys
import time

import pytest

from vm import BUILD, ENDED, HANGS, ROOT, VM

sys.path.insert(0, str(ROOT / "tests/machines"))
import bochs  # noqa: E402
import drive  # noqa: E402
from cells import Cell  # noqa: E402


def read_slowly(fd, pause):
    """All that comes until the end; after `=== stop` nothing is read until pause() returns."""
    text, end, paused = b"", time.monotonic() + HANGS, False
    while time.monotonic() < end:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            part = os.read(fd, 4096)
        except OSError: # the last slave of a pty was closed
            break
        if not part:
            break
        text += part
        if not paused and re.search(rb"=== stop\r?\n", text):
            paused = True
            pause()
    assert paused, text[-2000:]
    return text


def check(text):
    body, count, verdict = re.search(rb"(?s)=== stop\r?\n(.*)=== written (\d+)\n(ok|not ok)",
                                     text).groups()
    assert verdict == b"ok", re.findall(rb"# .*", text)
    assert len(body) == int(count)
    assert body.count(b"\n") == len(body) // 64


def run_machine(tmp_path, cpus, pause, *arguments):
    """QEMU's status, and what its serial line sent.  Nothing is read for `pause` seconds; None: until the
    machine has ended."""
    path = tmp_path / "serial"
    vm = VM(cpus=cpus, args=" ".join(["run", "/tests/slow_terminal", *arguments]))
    command = [f"socket,id=console,path={path},server=on" if word.startswith("stdio,id=console")
               else word for word in vm.command]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as qemu:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                while qemu.poll() is None:
                    try:
                        line.connect(str(path))
                        break
                    except OSError:
                        time.sleep(0.1)
                text = read_slowly(line.fileno(), lambda: time.sleep(pause) if pause else qemu.wait(HANGS))
            return qemu.wait(HANGS), text
        finally:
            qemu.kill()


@pytest.mark.parametrize("cpus", [1, 2])
def test_writers_sleep(tmp_path, cpus):
    status, text = run_machine(tmp_path, cpus, 10)
    check(text)
    assert status == ENDED


def test_the_end_waits_for_the_line(tmp_path):
    """A machine that ends sends what was written, for a reader that goes on soon."""
    for n in range(5):  # a reader that the host delays comes too late
        (folder := tmp_path / str(n)).mkdir()
        status, text = run_machine(folder, 1, 1.5, "leave")
        assert status == ENDED
        if b"init exited with status 0" in text:
            break
    assert b"init exited with status 0" in text


def test_the_end_waits_not_for_ever(tmp_path):
    status, _ = run_machine(tmp_path, 1, None, "leave")
    assert status == ENDED


def test_on_host():
    """Linux's terminals do so."""
    ours, theirs = os.openpty()
    with subprocess.Popen([BUILD / "tests/user/slow_terminal"], stdin=theirs, stdout=theirs,
                          stderr=theirs) as program:
        os.close(theirs)
        check(read_slowly(ours, lambda: time.sleep(10)))
        assert program.wait() == 0
    os.close(ours)


def beside_a_display(tmp_path, words, **options):
    """A machine with a display in text mode, a keyboard and a serial port."""
    cell = Cell("beside a display", "serial", **{"firmware": "none", "medium": "kernel", "machine": "pc",
                                                 "cpus": "1", "words": words, **options})
    return drive.machine(cell, tmp_path, tmp_path)


@pytest.mark.parametrize("words, shell_at_port", [("", False), ("console=tty0 console=ttyS0", True)])
def test_what_goes_to_the_port(tmp_path, words, shell_at_port):
    with beside_a_display(tmp_path, words) as pc:
        pc.wait(drive.PROMPT, ended_by=drive.STOPPED)
        drive.first_key(pc)
        drive.run(pc, "echo all-$?", r"^all-0")
        drive.power_off(pc)
        port = pc.serial()
    assert "init: running /init" in port
    assert ("all-0" in port, "~ #" in port) == (shell_at_port, shell_at_port), port[-1000:]


def test_a_port_that_never_sends(tmp_path):
    """The display goes on, although console= names the port, too; and nothing polls it."""
    with beside_a_display(tmp_path, "console=ttyS0 console=tty0", serial="stuck") as pc:
        pc.wait(drive.PROMPT, ended_by=drive.STOPPED)
        drive.first_key(pc)
        drive.run(pc, "seq 1 2000; echo all-$?", r"^all-0")
        drive.run(pc, "dmesg; echo dmesg-$?", r"^dmesg-0")
        assert "serial: ttyS0 sends nothing: programs no longer wait for it" in pc.look(), pc.look()
        pc.demand.look()
        before = pc.demand.cpu
        time.sleep(3)
        pc.demand.look()
        assert pc.demand.cpu - before < 1.5, "the machine is not idle"
        drive.power_off(pc)


@pytest.mark.slow
@pytest.mark.skipif(bool(bochs.missing()), reason=bochs.missing())
def test_the_last_byte_leaves(tmp_path):
    """Bochs drops what has not left the port when the machine is switched off."""
    with beside_a_display(tmp_path, "-- run true", firmware="bochs", medium="cd",
                          cpu="corei7_skylake_x") as pc:
        drive.ends_with(pc, "guest-shutdown")
        assert pc.serial().endswith("init exited with status 0\n"), pc.serial()[-200:]
