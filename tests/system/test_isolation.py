# SPDX-License-Identifier: MIT
"""What a user may not do, on each model of processor of the matrix, of QEMU and of Bochs: features that refuse
it may be missing (SMEP, SMAP, UMIP, NX, XSAVE), and all is refused still."""
import dataclasses
import re
import sys

import pytest

from vm import BUILD, ENDED, ROOT, VM

sys.path.insert(0, str(ROOT / "tests/machines"))
from cells import CELLS  # noqa: E402
from drive import STOPPED, NotRun, machine  # noqa: E402

PROGRAMS = ["isolation", "kernel_addresses", "leaks", "faults", "segments", "hostile_elf"]
MODELS = [cell.cpu for cell in CELLS if cell.axis == "processor" and not cell.says]
USUAL = {"qemu64"}  # "max" has everything; all other tests use it
STRICT = {cell.name: cell for cell in CELLS if cell.axis == "Bochs" and not cell.says}


def assert_refused(log, programs):
    wanted = [f"=== {len(programs)} programs, 0 failed"]
    found = re.findall(r"^(?:not ok|=== \d+ programs).*", log.replace("\r", ""), re.M)
    assert found == wanted, log[-3000:]


@pytest.mark.parametrize("cpu", [cpu if cpu in USUAL else pytest.param(cpu, marks=pytest.mark.slow)
                                 for cpu in dict.fromkeys(MODELS)])
def test_isolation(cpu):
    # Without NX data is code, which faults.c denies.
    programs = [name for name in PROGRAMS if name != "faults" or "-nx" not in cpu]
    with VM(cpus=2, cpu=cpu, timeout=200, args="run /tests/run_all " + " ".join(programs)) as vm:
        assert vm.wait() == ENDED, vm.log[-3000:]
    assert_refused(vm.log, programs)


@pytest.mark.slow
@pytest.mark.parametrize("name", STRICT)
def test_isolation_in_bochs(name, tmp_path):
    """Bochs has other models, and is stricter about some rules than QEMU."""
    cell = dataclasses.replace(STRICT[name], words="console=ttyS0 -- run /tests/run_all " + " ".join(PROGRAMS))
    (BUILD / "machines").mkdir(exist_ok=True)
    try:
        with machine(cell, BUILD / "machines", tmp_path) as pc:
            pc.wait(r"^=== \d+ programs, \d+ failed", also=lambda: "\n" + pc.serial(), ended_by=STOPPED)
            log = pc.serial()
    except NotRun as reason:
        pytest.skip(str(reason))
    assert_refused(log, PROGRAMS)
