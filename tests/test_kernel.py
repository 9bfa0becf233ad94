# SPDX-License-Identifier: MIT
"""The kernel's own tests, inside it, on several numbers of CPUs, with every check on."""
import re

import pytest

from vm import ENDED, VM


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_self_tests(cpus, debug_build):
    with VM(cpus=cpus, append="selftest sched_slice_us=1000", build=debug_build,
            timeout=240) as vm:
        status = vm.wait()
    assert not re.search(r"^.*\bnot ok\b.*$", vm.log, re.M), vm.log[-3000:]
    assert status == ENDED, vm.log[-3000:]
    assert re.search(r"\bok 1\b", vm.log)
