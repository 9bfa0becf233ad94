# SPDX-License-Identifier: MIT
"""What costs more only as there is more of it: in a machine whose clock counts instructions."""
import pathlib
import re
import sys

import pytest

from vm import BUILD, ENDED, VM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import stretch  # noqa: E402  (of tools/)

# Instructions without another thread on the CPU, at most.
LONGEST = 20_000

# The lowest free descriptor among 16,000 costs at most so many times what it costs among 500.  The bits of 64
# descriptors are read at once, so that it costs 3 times as much; a walk over descriptors would be 32 times.
HOLE = 5


def printed(program):
    """What a program of tests/user prints there."""
    with VM(cpus=1, args=f"run /tests/{program}", accel="tcg",
            extra=("-icount", "shift=0,sleep=off")) as vm:
        assert vm.wait() == ENDED, vm.log
        return vm.log


def assert_linear(times, few, many):
    """Of so many times as many: `times` as much if it is linear, times² if each costs a walk over all."""
    print(f"{few} us, with {times} times as many {many} us: {many / few:.1f} times")
    assert few and many / few < 1.5 * times, \
        f"wanted less than {1.5 * times} times {few} us, found {many} us"


def test_list_of_threads():
    """An entry of /proc/PID/task costs no walk over all threads."""
    out = printed("task_lists cost")
    assert_linear(4, *(int(us) for us in re.findall(r"threads: (\d+) us", out)))


def test_descriptors():
    """The lowest free descriptor is found, and a file locked, without a walk over those that are open."""
    out = printed("costs")
    costs = dict(re.findall(r"dup (\d+) (\d+)", out))
    assert_linear(8, int(costs["500"]), int(costs["4000"]))
    locks = dict(re.findall(r"setlk (\d+) (\d+)", out))
    assert_linear(1, int(locks["500"]), int(locks["4000"]))
    holes = dict(re.findall(r"hole (\d+) (\d+)", out))
    few, many = int(holes["500"]), int(holes["16000"])
    print(f"hole: {few} us among 500, {many} us among 16,000")
    assert few and many <= HOLE * few, f"wanted at most {HOLE} times {few} us, found {many} us"


# What so many threads or processes wait for together, of which each event lets one go on, or so many
# messages of which one is wanted (user/scale.c).
WAITS = ("readers", "socket_readers", "socket_writers", "acceptors", "eventfds", "mqueues", "pollers",
         "signalfds", "messages", "semaphores")


def assert_costs_the_same(names, times=2):
    """One operation of scale beside 1,000 costs at most `times` what it costs beside 10."""
    with VM(cpus=1, mem="384M", args=f"run scale -m 1000 {' '.join(names)}", accel="tcg",
            extra=("-icount", "shift=0,sleep=off")) as vm:
        assert vm.wait() == ENDED, vm.log
        found = {name: float(ns) for name, ns in re.findall(r"^(\w+)\t([\d.]+)", vm.log, re.M)}
    lines = {name: f"{name}: {found[name + '_10']} ns beside 10, {found[name + '_1000']} ns beside 1,000"
             for name in names}
    print("\n".join(lines.values()))
    dear = [line for name, line in lines.items() if found[name + "_1000"] > times * found[name + "_10"]]
    assert not dear, f"wanted at most {times} times as much, found:\n" + "\n".join(dear)


def test_wake_one():
    """An event beside 1,000 threads that wait for it costs what it costs beside 10: it wakes one."""
    assert_costs_the_same(WAITS)


def test_timers():
    """One of 1,000 armed POSIX timers is set as one of 10: found and queued without a walk over all."""
    assert_costs_the_same(["timers"])


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["threads", "processes"])
def test_ten_thousand_in_one_gibibyte(subject):
    """Beside 10,000 threads or processes another one begins and ends, in a machine of 1 GiB."""
    with VM(cpus=2, mem="1G", args=f"run scale -m 10000 {subject}", timeout=300) as vm:
        assert vm.wait() == ENDED, vm.log
    found = dict(re.findall(rf"^{subject}_(\d+)\t([-\d.]+)", vm.log, re.M))
    assert found.get("10000", "-") != "-", f"wanted the cost of one beside 10,000 {subject}, found {found}"


def test_no_long_stretch():
    """Calls about thousands of threads, children, pages or descriptors let others run in between."""
    kernel = stretch.Kernel(BUILD / "heddle.elf")
    found = stretch.count(stretch.COMMAND, BUILD)
    for kind, stretches in found.items():
        assert stretches, f"nothing was counted {stretch.KINDS[kind]}"
        long = [s for s in stretches if s[0] > LONGEST]
        assert not long, f"instructions {stretch.KINDS[kind]}:\n" + \
            "\n".join(stretch.describe(kernel, s) for s in long)
