# SPDX-License-Identifier: MIT
"""The fuzzer in the machine (docs/fuzz.md): a short run finds nothing; what is wrong on purpose, it finds."""
import os
import re
import subprocess
import sys

import pytest

from conftest import make
from vm import BUILD, ROOT, run_while_it_prints

sys.path.insert(0, str(ROOT / "tests/fuzz_calls"))
import fuzz_calls as fuzz

# A file that grows by a page each time. Only a person who asks makes the second one panic.
LEAK = """program root 1
0 getpid
0 openat -100 "/root/grows" O_WRONLY+O_APPEND+O_CREAT 0x1ff
0 write r1 buf 0x1000
"""
CRASH = """program root 1
1 getpid
0 openat -100 "/proc/sysrq-trigger" O_WRONLY
0 write r1 "c" 1
"""


@pytest.fixture(scope="module")
def built_fuzzer():
    make("BUILD=build/coverage", "SANITIZE=coverage", "DEBUG=1", "build/coverage/heddle.elf")
    make("build/fuzz/fuzz")


def run(tmp_path, *arguments):
    """What a run printed; its findings lie below tmp_path."""
    folder = tmp_path / "fuzz"
    folder.mkdir()
    (folder / "fuzz").symlink_to(BUILD / "fuzz/fuzz")
    (tmp_path / "initramfs.cpio").symlink_to(BUILD / "initramfs.cpio")
    return run_while_it_prints([sys.executable, "tests/fuzz_calls/fuzz_calls.py", *arguments], quiet=300,
                               env={**os.environ, "BUILD": str(tmp_path)})


def test_sample(built_fuzzer, tmp_path):
    out = run(tmp_path, "--programs", "60", "--seed", "1", "--cpus", "2", "--minutes", "1")
    assert "\n0 findings" in out, out[-3000:]
    assert int(re.search(r"^kernel/vm +\d+ +(\d+)", out, re.M)[1]) > 300, out[-3000:]


def test_memory_that_does_not_come_back_is_found(built_fuzzer, tmp_path):
    (tmp_path / "leak.txt").write_text(LEAK)
    out = run(tmp_path, "--repro", str(tmp_path / "leak.txt"))
    assert re.search(r"FOUND memory does not come back: .*frames:file", out), out[-3000:]
    assert "it happens again" in out


def test_panic_is_found(built_fuzzer, tmp_path):
    (tmp_path / "crash.txt").write_text(CRASH)
    out = run(tmp_path, "--repro", str(tmp_path / "crash.txt"))
    assert "a person has asked for it" in out and "it happens again" in out, out[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("program, name, left", [(LEAK, "memory", 2), (CRASH, "panic", 2)])
def test_findings_are_made_short(built_fuzzer, tmp_path, program, name, left):
    """From a corpus that has them to a file with the lines that are needed."""
    (tmp_path / "fuzz").mkdir()
    (tmp_path / "fuzz/kept.txt").write_text(program)
    (tmp_path / "fuzz").rename(tmp_path / "kept")
    folder = tmp_path / "fuzz"
    out = run(tmp_path, "--programs", "300", "--cpus", "1", "--seed", "1", "--kept",
              str(tmp_path / "kept/kept.txt"))
    found = [path for path in (folder / "found").iterdir() if path.name.startswith(name)]
    assert found, out[-3000:]
    programs = fuzz.split(found[0].read_text())
    assert [len(p) - 1 for p in programs] == [left], found[0].read_text()


def test_lines_left_out_move_references():
    program = ["program user 1", "0 getpid", "0 open \"a\" 0", "0 read r1 buf r0", "0 close r1"]
    assert fuzz.without_line(program, 1) == ["program user 1", "0 open \"a\" 0", "0 read r0 buf -1", "0 close r0"]
    assert fuzz.split(fuzz.joined([program])) == [program]
