# SPDX-License-Identifier: MIT
"""What costs more only as there is more of it: in a machine whose clock counts instructions."""
import re

from vm import VM


def printed(program):
    """What a program of tests/user prints there."""
    vm = VM(cpus=1, args=f"run /tests/{program}", extra=("-icount", "shift=0,sleep=off"))
    vm.command[vm.command.index("tcg,thread=multi")] = "tcg"
    with vm:
        vm.wait()
        return vm.log


def assert_linear(few, many):
    """Of four times as many: 4 times as much if it is linear, 16 if each costs a walk over all."""
    print(f"{few} us, with four times as many {many} us: {many / few:.1f} times")
    assert few and many / few < 6, f"wanted less than 6 times {few} us, found {many} us"


def test_list_of_threads():
    """An entry of /proc/PID/task costs no walk over all threads."""
    assert_linear(*(int(us) for us in re.findall(r"threads: (\d+) us", printed("task_lists cost"))))


def test_descriptors():
    """The lowest free descriptor is found without a walk over those that are open."""
    costs = dict(re.findall(r"dup (\d+) (\d+)", printed("costs")))
    assert_linear(int(costs["2000"]), int(costs["8000"]))
