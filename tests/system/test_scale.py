# SPDX-License-Identifier: MIT
"""What costs more only as there is more of it: in a machine whose clock counts instructions."""
import re

from vm import VM


def test_list_of_threads():
    """An entry of /proc/PID/task costs no walk over all threads."""
    vm = VM(cpus=1, args="run /tests/task_lists cost", extra=("-icount", "shift=0,sleep=off"))
    vm.command[vm.command.index("tcg,thread=multi")] = "tcg"
    with vm:
        vm.wait()
        few, many = (int(us) for us in re.findall(r"threads: (\d+) us", vm.log))
    print(f"200 threads: {few} us, 800 threads: {many} us, {many / few:.1f} times")
    # 4 if it is linear, 16 if each entry costs a walk.
    assert few and many / few < 7, f"wanted less than 7 times {few} us, found {many} us"
