# SPDX-License-Identifier: MIT
"""`make soak`: a few rounds; it stops at what is left over and at a panic, and says why."""
import os
import sys

from vm import BUILD, ROOT, run_while_it_prints


def soak(build, *arguments):
    return run_while_it_prints([sys.executable, "-u", ROOT / "tests/soak/soak.py", "--hours", "0", "--seed", "1",
                                "--cpus", "2", *arguments], quiet=400,
                               env={**os.environ, "BUILD": str(build), "INITRD": str(BUILD / "initramfs.cpio")})


def test_a_few_rounds(debug_build):
    out = soak(debug_build, "--line", "/tests/run_all pipes eventfds mqueues frees")
    assert "soak: 2 rounds in" in out and out.count("frames free") == 2, out


def test_what_is_left_over_is_found(debug_build):
    out = soak(debug_build, "--line", "echo x >/kept$(ls / | wc -l)")
    assert "more is in use than after the first rounds: " in out and "file" in out, out


def test_a_panic_is_found(debug_build):
    out = soak(debug_build, "--line", "echo c >/proc/sysrq-trigger")
    assert "soak: stopped after" in out and "kernel panic: sysrq c" in out, out
