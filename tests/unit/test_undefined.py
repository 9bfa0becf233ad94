# SPDX-License-Identifier: MIT
"""What the kernel says of undefined behaviour (kernel/watch/undefined), for each call of the compiler."""
import re
import shutil
import subprocess

import pytest

from host import ROOT

FLAGS = ["-std=gnu11", "-g", "-O2", "-fno-strict-aliasing", "-Wno-array-bounds", "-I.", "-c"]
S32, U32, LONG = r"'(s32' \(aka ')?int'\)?", r"'u32'( \(aka 'unsigned int'\))?", "'long( int)?'"
FIVE = r"'u32 ?\[5\]'( \(aka 'unsigned int\[5\]'\))?"
BIG = "0x7fffffffffffffff0000000000000000"
# Where there are two, gcc's words and clang's: each may choose how it comes to the same result.
REPORTS = {
    "shift": "shift by 64 of a 32-bit value",
    "shift_back": "shift by -1 of a 64-bit value",
    "shift_negative": "shift to the left of a negative value: -1 << 1",
    "shift_far": rf"overflow: 2147483647 << 1 does not fit {S32}",
    "add": r"overflow: 2147483647 \+ 1 does not fit 'int'",
    "subtract": "overflow: -2147483648 - 1 does not fit 'int'",
    "multiply": rf"overflow: (9223372036854775807 \* -2|-2 \* 9223372036854775807) does not fit {LONG}",
    "negate": rf"overflow: -\(-2147483648\) does not fit {S32}",
    "divide": "overflow: -2147483648 / -1 does not fit 'int'",
    "divide_by_zero": "division of 1 by zero",
    "rest_by_zero": "division of -1 by zero",
    "wide": rf"overflow: {BIG} (\* 0x0*2|\+ {BIG}) does not fit '__int128'",
    "behind": f"index 64 is outside of {FIVE}",
    "before": f"index -1 is outside of {FIVE}",
    "null_read": "access to a member of 'struct pair' by a null pointer",
    "null_member": "access to a member of 'struct pair' by a null pointer",
    "null_write": f"store to {U32} by a null pointer",
    "too_small": r"(load of 'u64'|access to a member of 'struct pair') at 0x\w+, where the object is too small",
    "misaligned": rf"load of {U32} at 0x\w+, which is misaligned",
    "wrap": "pointer overflow: from 0x10 to 0xffffffffffffffd0",
    "boolean": "invalid value: 2 read as '(_Bool|bool)'",
    "bit": r"search for a bit in zero \(__builtin_ctz\)",
    "bit_down": r"search for a bit in zero \(__builtin_clz\)",
    "length": "array of -1 elements",
    "argument": "a null pointer as argument 1, which is declared nonnull",
    "result": "a null pointer returned, which is declared nonnull",
    "unreachable": "code was reached that is declared unreachable",
}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_each_kind_is_named(compiler, tmp_path):
    """Also: the compiler calls nothing that the kernel does not have, or this would not link."""
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    objects = []
    for source, checks in (
            ("kernel/lib/format.c", []), ("kernel/watch/undefined/calls.c", []),
            ("tests/unit/undefined.c", ["-fsanitize=undefined", "-fno-sanitize-recover=undefined"])):
        objects.append(tmp_path / f"{len(objects)}.o")
        subprocess.run([compiler, *FLAGS, *checks, "-o", objects[-1], source], cwd=ROOT, check=True)
    subprocess.run([compiler, "-o", tmp_path / "mistakes", *objects], check=True)
    done = subprocess.run([tmp_path / "mistakes"], capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == list(REPORTS)
    for line, (name, report) in zip(lines, REPORTS.items()):
        wanted = rf"{name}: {report} at tests/unit/undefined\.c:(?P<n>\d+) \((?P=n)\)"
        assert re.fullmatch(wanted, line), f"wanted: {wanted}\nfound:  {line}"
