# SPDX-License-Identifier: MIT
"""What a user may not do, on each model of processor of the matrix: features that refuse it may be missing
(SMEP, SMAP, UMIP, NX, XSAVE), and all is refused still."""
import sys

import pytest

from vm import ENDED, ROOT, VM

sys.path.insert(0, str(ROOT / "tests/machines"))
from cells import CELLS  # noqa: E402

PROGRAMS = ["isolation", "kernel_addresses", "leaks", "faults", "segments", "hostile_elf"]
MODELS = [cell.cpu for cell in CELLS if cell.axis == "processor" and not cell.says]
USUAL = {"qemu64"}  # "max" has everything; all other tests use it


@pytest.mark.parametrize("cpu", [cpu if cpu in USUAL else pytest.param(cpu, marks=pytest.mark.slow)
                                 for cpu in dict.fromkeys(MODELS)])
def test_isolation(cpu):
    # Without NX data is code, which faults.c denies.
    programs = [name for name in PROGRAMS if name != "faults" or "-nx" not in cpu]
    with VM(cpus=2, cpu=cpu, timeout=200, args="run /tests/run_all " + " ".join(programs)) as vm:
        assert vm.wait() == ENDED, vm.log[-3000:]
    assert "not ok" not in vm.log and f"=== {len(programs)} programs, 0 failed" in vm.log
