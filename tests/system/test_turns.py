# SPDX-License-Identifier: MIT
"""A thread that slept goes first, and a thread that computes still gets its turn (virtual round
robin): tests/user/turns.c on one CPU of a machine whose clock counts instructions."""
import re

import pytest

from vm import ENDED, VM

SLICE_MS = 10


def numbers(figure, count, ms, cpus=1, append=""):
    """The numbers in the line that `turns FIGURE COUNT MS` prints."""
    with VM(cpus=cpus, args=f"run /tests/turns {figure} {count} {ms}", append=append, accel="tcg",
            extra=("-icount", "shift=0,sleep=off")) as vm:
        assert vm.wait() == ENDED, vm.log
    return [int(n) for n in re.findall(r"\d+", re.search(rf"^{figure}: (.*)$", vm.log, re.M)[1])]


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_a_sleep_does_not_wait_for_slices(cpus):
    """A sleep of 1 ms beside four threads that compute."""
    median, longest = numbers("sleep", 4, 0, cpus)
    assert 1000 <= median <= longest < 1500


def test_a_pair_beside_two():
    """Two threads that wake each other get half of the CPU beside two that compute."""
    rounds, others_ms = numbers("pair", 2, 500)
    assert rounds > 3500
    assert 200 < others_ms < 400


def test_a_worker_beside_three():
    """It works 0.5 ms and sleeps 1 ms: alone it would get 500 ms of 1500."""
    assert numbers("worker", 3, 1500)[0] >= 230


@pytest.mark.parametrize("cpus, crowd", [
    (1, 10), pytest.param(2, 25, marks=pytest.mark.slow), (4, 5)])
def test_no_crowd_starves_a_thread(cpus, crowd):
    """However often the threads of a crowd sleep: while one that computes waits, each of them runs for
    one slice at most, in one piece or in several."""
    crowd_ms, busy_ms, longest_us = numbers("crowd", crowd, 100 * crowd, cpus)
    assert longest_us < (crowd + 1) * SLICE_MS * 1000
    assert busy_ms >= (crowd_ms + busy_ms) / (crowd + 1) * 0.8


def test_without():
    """sched_virtual_rr=0: plain round robin, where a sleep takes a slice of each other thread."""
    median, _ = numbers("sleep", 3, 0, append="sched_virtual_rr=0")
    assert median > 2.5 * SLICE_MS * 1000
