# SPDX-License-Identifier: MIT
"""The seeded scheduler over whole machines: what a seed does, it does again on any of them.
(tests/user/seeded.c has the races and what must go on working.)"""
import re

import pytest

from vm import ENDED, VM, boot_and_run

# All that the machine could take from outside: its clock and its random numbers.
REPEATABLE = ["-icount", "shift=3,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1"]


def schedule(text):
    """What a run by a seed was: value, steps, switches, hash."""
    return re.search(r"value (\d+) steps (\d+) switches (\d+) hash (\w+)", text).groups()


def console_under_icount(append):
    with VM(cpus=2, append=append, args="run /tests/seeded 5", accel="tcg", extra=REPEATABLE,
            timeout=120) as vm:
        assert vm.wait() == ENDED, vm.log
        return vm.log


def test_same_bytes():
    """Two boots print the same, time stamps and all."""
    first = console_under_icount("sched_seed=7")
    assert first == console_under_icount("sched_seed=7")
    assert re.search(r"\[ +\d+\.\d{6}\]", first)
    assert schedule(first)


def test_any_number_of_cpus():
    """In real time: one seed has one schedule, two seeds have two.  PIDs with more digits change
    nothing."""
    found = {}
    for seed in (5, 6):
        runs = []
        for cpus in (1, 2, 4):
            others = "/bin/true; " * 10 if cpus == 4 else ""
            status, text = boot_and_run(f'/bin/sh -c "{others}/tests/seeded {seed}"', cpus=cpus)
            assert status == ENDED, text
            runs.append(schedule(text))
        assert len(set(runs)) == 1, runs
        found[seed] = runs[0]
    assert found[5] != found[6]


def test_shell():
    """All of user space by a seed: the shell works, and what it runs is of its group."""
    with VM(cpus=2, append="sched_seed=3", timeout=120) as vm:
        vm.shell()
        assert vm.run("echo a | cat | tr a b") == "b"
        first, second = (vm.run("cat /proc/self/sched_seed").split("\n") for _ in range(2))
        assert first[0] == second[0] == "seed 3"
        assert int(first[1].split()[1]) < int(second[1].split()[1])
        vm.run("echo 0 > /proc/$$/sched_seed")
        assert vm.run("head -n 2 /proc/self/sched_seed") == "seed 0\nsteps 0"


def test_preemptions_are_traced():
    """Each switch at a preemption point is in the trace, with the instruction."""
    with VM(cpus=2, timeout=120) as vm:
        vm.shell()
        vm.run("/tests/seeded 7")
        trace = "/sys/kernel/tracing/trace"
        assert int(vm.run(f"grep -c sched_seed_p {trace}")) > 20
        assert re.search(r"sched_seed_preempt: pid=\d+ rip=0x[0-9a-f]+ step=\d+",
                         vm.run(f"grep -m1 sched_seed_p {trace}"))


@pytest.mark.slow
def test_threads():
    """64 threads under every lock there is; on one CPU, for their affinity counts for nothing."""
    with VM(cpus=1, mem="512M", append="sched_seed=7", args="run /tests/threads",
            timeout=1200) as vm:
        assert vm.wait(1200) == ENDED, vm.log
