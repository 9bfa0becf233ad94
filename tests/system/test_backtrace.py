# SPDX-License-Identifier: MIT
"""gdb's backtrace is whole at every instruction of the kernel's assembly: it ends in user code, or
where a thread began, and nowhere in between is a frame that nobody knows."""
import json
import os
import re
import shutil

import pytest

from vm import BUILD, ROOT, run_while_it_prints

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is missing: make setup")
# fork, exec, page faults, pipes, exits, and programs that fault in every way; for ever.
LOAD = 'run /bin/sh -c "while :; do echo x | cat; /tests/faults; done"'
ASSEMBLY = ("context_switch", "thread_entry", "entry_syscall", "entry_user_return",
            "return_to_user", "fault_common", "interrupt_common", "debug_common",
            "paranoid_common")
NEVER = {"thread_entry": ["+0"]}  # a nop before the place that context_switch() "returns" to


def steps(tmp_path, cpus, **settings):
    """What tests/system/gdb_steps.py counted."""
    console = tmp_path / "console"
    settings["kernel"] = str(BUILD / "heddle.elf")
    settings["qemu"] = (
        "exec qemu-system-x86_64 -accel tcg,thread=multi -M pc -cpu max -m 256M "
        f"-smp {cpus} -display none -no-reboot -serial file:{console} -monitor none "
        "-device isa-debug-exit,iobase=0xf4,iosize=0x04 "
        f"-kernel {BUILD}/heddle.elf -initrd {BUILD}/initramfs.cpio "
        f"-append 'console=ttyS0 debug_exit=0xf4 -- {LOAD}' -S -gdb stdio")
    out = run_while_it_prints(
        ["gdb", "-nx", "-q", "-batch", "-x", ROOT / "tests/system/gdb_steps.py",
         BUILD / "heddle.elf"],
        env=dict(os.environ, HEDDLE_TEST=json.dumps(settings), LC_ALL="C.UTF-8"))
    tail = console.read_text(errors="replace")[-1000:] if console.exists() else ""
    assert "ok end 1" in out, f"{out[-3000:]}\nthe console ends:\n{tail}"
    print(f"{cpus} CPUs: " + ", ".join(line[3:] for line in out.splitlines()
                                       if re.match(r"ok [a-z_]+ \d+", line)))
    covered = {name: (int(seen), int(of), without.split()) for name, seen, of, without in
               re.findall(r"^ok (\w+) (\d+) of (\d+) without ?(.*)$", out, re.M)}
    for name in ASSEMBLY if settings["nmis"] else ASSEMBLY[:-1]:
        assert name in covered, out
        assert covered[name][2] == NEVER.get(name, []), (name, covered[name])
    return {name: int(n) for name, n in re.findall(r"^ok (\w+) (\d+)$", out, re.M)}


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_every_instruction(tmp_path, cpus):
    # NMIs are CPU 0's.
    wanted = dict(switches=60, syscalls=10, nmis=30 if cpus == 1 else 0, any=300)
    numbers = steps(tmp_path, cpus, **wanted)
    assert numbers["switches"] >= wanted["switches"] and numbers["switches_back"]
    assert numbers["instructions"] > 16 * 60 + 50 * 10 + 40 * wanted["nmis"] + 300


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_a_thousand_switches(tmp_path, cpus):
    numbers = steps(tmp_path, cpus, switches=1000, syscalls=100,
                    nmis=100 if cpus == 1 else 0, any=1000)
    assert numbers["switches"] >= 1000
