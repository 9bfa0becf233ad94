# SPDX-License-Identifier: MIT
"""What costs more only as there is more of it: in a machine whose clock counts instructions."""
import re

from vm import ENDED, VM


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
    """The lowest free descriptor is found without a walk over those that are open."""
    costs = dict(re.findall(r"dup (\d+) (\d+)", printed("costs")))
    assert_linear(8, int(costs["500"]), int(costs["4000"]))
