# SPDX-License-Identifier: MIT
"""Parts of the kernel that know no machine, run on the host under the sanitizers."""
import re
import subprocess

import pytest

from host import ROOT, WITHOUT, directive

UNITS = sorted((ROOT / "tests/unit").glob("test_*.c"))


@pytest.mark.parametrize("source", UNITS, ids=lambda p: p.stem)
def test_unit(source, tmp_path, built):  # built: syscall_numbers.h
    text = source.read_text()
    program = tmp_path / source.stem
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                    "-I.", "-Ibuild", "-Itests/unit", *WITHOUT, *directive(text, "host-flags"),
                    "-o", program, source, *directive(text, "host-sources")],
                   cwd=ROOT, check=True)
    result = subprocess.run([program], capture_output=True, text=True, timeout=1800)
    print(result.stdout[-3000:], result.stderr[-3000:])
    assert result.returncode == 0
    assert "not ok" not in result.stdout
    assert re.search(r"^ok 1\b", result.stdout, re.M), "no test ran"


def test_floors(built):
    """Symbols and includes lead downward only; no circles."""
    result = subprocess.run(["python3", "tests/unit/test_floors.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0


def test_house(built):
    """The budgets of the house hold; its page and its picture are current."""
    result = subprocess.run(["python3", "tests/unit/test_house.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0


def test_abi(built):
    """Each system call has a row in docs/abi.md, and the rows are true."""
    result = subprocess.run(["python3", "tests/unit/test_abi.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0


def test_docs():
    """Every lab has its page; links and the sources that are named exist."""
    result = subprocess.run(["python3", "tests/unit/test_docs.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0


def test_system_call_table(built):
    """Each function of a call has a number, as the C library's header gives it, and the table is
    constant.  Of the table's references that no file defines the linker makes NULL without a word."""
    listed = re.findall(r"\bX\((\d+), (\w+)\)", (ROOT / "build/syscall_numbers.h").read_text())
    symbols = subprocess.run(["nm", ROOT / "build/heddle.elf"], capture_output=True, text=True,
                             check=True).stdout.split("\n")
    defined = {m[1] for m in (re.match(r"\S+ [Tt] sys_(\w+)$", line) for line in symbols) if m}
    assert len(defined) > 180
    assert len(listed) > 350 and len(dict(listed)) == len(listed)
    assert ("0", "read") in listed and ("449", "futex_waitv") in listed
    assert not defined - {name for _, name in listed}
    assert any(re.match(r"\S+ r syscall_table$", line) for line in symbols)


def test_two_definitions_of_a_system_call_do_not_link(tmp_path, built):
    source = tmp_path / "twice.c"
    source.write_text('#include "kernel/sys/calls.h"\nCALL(getpid, 1)\n')
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-ffreestanding", "-I.", "-Ibuild", "-mcmodel=kernel",
                    *WITHOUT, "-mgeneral-regs-only", "-fno-pic", "-fno-stack-protector", "-c", source, "-o",
                    tmp_path / "twice.o"], cwd=ROOT, check=True)
    result = subprocess.run(["gcc", "-nostdlib", "-r", "-o", tmp_path / "both.o",
                             tmp_path / "twice.o", "build/kernel/sys/sys_process.c.o"],
                            cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0
    assert "multiple definition of `sys_getpid'" in result.stderr
