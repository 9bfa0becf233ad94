# SPDX-License-Identifier: MIT
"""How much of their kernel stacks threads use: stack_depth on the command line, /proc/heddle/stacks."""
import pathlib
import re

import pytest

from vm import BUILD, ENDED, PANIC, VM

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = sorted(p.stem for p in (ROOT / "tests/user").glob("*.c")
                  if p.stem not in ("run_all", "scene", "scene_pie", "slow_terminal", "cores"))
# What uses much: exec of an interpreter, faults in system calls, sockets in sockets, signals, ptrace.
SAMPLE = ("executes", "faults", "files", "mqueues", "ptys", "signals", "sockets", "threads")


def depths(log):
    """{"size": 8192, "boot": 1576, "kernel_threads": ..., "threads": ..., "threads_ended": ...}"""
    return {name: int(value) for name, value in
            re.findall(r"^(size|boot|kernel_threads|threads|threads_ended) (\d+)\r*$", log, re.M)}


def measured(command, build=BUILD, cpus=2, timeout=200):
    """The depths after `command`, of which the most is at most half of a stack."""
    with VM(build=build, cpus=cpus, mem="512M", append="stack_depth sched_slice_us=1000", timeout=timeout,
            args=f'run /bin/sh -c "{command}; cat /proc/heddle/stacks"') as vm:
        assert vm.wait(timeout) == ENDED, vm.log[-3000:]
    found = depths(vm.log)
    print(found)
    assert found["threads_ended"] > 0 and found["threads"] > 500 and found["boot"] > 500
    assert max(found["boot"], found["kernel_threads"], found["threads"]) <= found["size"] // 2, found
    return found


def test_half_is_enough():
    """Programs, with timer interrupts at each millisecond, leave half of each stack unused."""
    assert measured(f"/tests/run_all {' '.join(SAMPLE)}")["size"] == 8192


def test_panic_fits():
    """Its report, the screen included, needs no more than half, too."""
    with VM(append="stack_depth", args='run /bin/sh -c "echo c >/proc/sysrq-trigger"') as vm:
        assert vm.wait() == PANIC
    used, size = map(int, re.search(r"kernel stack: (\d+) of (\d+) bytes used", vm.log).groups())
    print(f"{used} of {size} bytes")
    assert 500 < used <= size // 2


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 4])
def test_half_is_enough_for_all(cpus):
    measured(f"/tests/run_all {' '.join(PROGRAMS)}", cpus=cpus, timeout=900)


@pytest.mark.slow
def test_labs():
    """All labs, one after the other."""
    measured("lab tour --quick --plain </dev/null", cpus=4, timeout=900)


@pytest.mark.slow
def test_debug_build(debug_build):
    """With checks and sanitizers, 8 of their 16 KiB stay unused."""
    assert measured(f"/tests/run_all {' '.join(SAMPLE)}", build=debug_build, timeout=600)["size"] == 16384
