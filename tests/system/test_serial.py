# SPDX-License-Identifier: MIT
"""A serial line whose other end stops reading: writers sleep, can be interrupted and killed, and lose
no byte (tests/user/slow_terminal.c, which a terminal of the host has to pass as well)."""
import os
import re
import select
import socket
import subprocess
import time

import pytest

from vm import BUILD, ENDED, VM


def read_slowly(fd, pause, timeout=60):
    """All that comes until the end; nothing is read for `pause` seconds after `=== stop`."""
    text, end, paused = b"", time.monotonic() + timeout, False
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
            time.sleep(pause)
    assert paused, text[-2000:]
    return text


def check(text):
    body, count, verdict = re.search(rb"(?s)=== stop\r?\n(.*)=== written (\d+)\n(ok|not ok)",
                                     text).groups()
    assert verdict == b"ok", re.findall(rb"# .*", text)
    assert len(body) == int(count)
    assert body.count(b"\n") == len(body) // 64


def run_machine(tmp_path, cpus, pause, *arguments):
    """QEMU's status, what its serial line sent, and the seconds from the end of the pause on."""
    path = tmp_path / "serial"
    vm = VM(cpus=cpus, args=" ".join(["run", "/tests/slow_terminal", *arguments]))
    command = [f"socket,id=console,path={path},server=on" if word.startswith("stdio,id=console")
               else word for word in vm.command]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as qemu:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                for _ in range(100):
                    try:
                        line.connect(str(path))
                        break
                    except OSError:
                        time.sleep(0.1)
                text = read_slowly(line.fileno(), pause)
            return qemu.wait(10), text
        finally:
            qemu.kill()


@pytest.mark.parametrize("cpus", [1, 2])
def test_writers_sleep(tmp_path, cpus):
    status, text = run_machine(tmp_path, cpus, 10)
    check(text)
    assert status == ENDED


def test_the_end_waits_for_the_line(tmp_path):
    """A machine that ends sends what was written, for a reader that goes on soon."""
    status, text = run_machine(tmp_path, 1, 1.5, "leave")
    assert status == ENDED
    assert b"init exited with status 0" in text


def test_the_end_waits_not_for_ever(tmp_path):
    start = time.monotonic()
    status, _ = run_machine(tmp_path, 1, 20, "leave")
    assert status == ENDED and time.monotonic() - start < 30


def test_on_host():
    """Linux's terminals do so."""
    ours, theirs = os.openpty()
    with subprocess.Popen([BUILD / "tests/user/slow_terminal"], stdin=theirs, stdout=theirs,
                          stderr=theirs) as program:
        os.close(theirs)
        check(read_slowly(ours, 5))
        assert program.wait() == 0
    os.close(ours)
