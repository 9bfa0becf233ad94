# SPDX-License-Identifier: MIT
"""The kernel without its extensions: it builds, boots and keeps what a process and a thread are."""
import os
import shutil
import subprocess

import pytest

from vm import BUILD

# Fork, exec, wait, threads, futexes, pipes, copy-on-write, signals; and the files that base has.
PROGRAMS = ["executes", "faults", "fds", "files", "forkbomb", "forktree", "futexes", "hostile_elf",
            "mapped_files", "memory", "memory_races", "name_races", "names", "pipes", "polls",
            "processes", "registers", "segments", "signals", "threads"]


@pytest.fixture
def bare_root(tmp_path):
    """The programs, a shell and a few devices: a root without /proc."""
    for folder in ("tests", "bin", "dev/shm", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("null", "zero", "full", "urandom"):
        subprocess.run(["cp", "-a", f"/dev/{name}", tmp_path / "dev"], check=True)
    for name in [*PROGRAMS, "run_all"]:
        shutil.copy(BUILD / "tests/user" / name, tmp_path / "tests")
    shutil.copy(BUILD / "stage/bin/busybox", tmp_path / "bin/sh")
    return tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
def test_programs_pass_without_proc_on_linux(bare_root):
    """Linux is the oracle here as well."""
    done = subprocess.run(["chroot", bare_root, "/tests/run_all", "-t", "100", *PROGRAMS],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert "not ok" not in done.stdout and "skip" not in done.stdout, done.stdout


def test_no_program_is_a_failure(tmp_path):
    shutil.copy(BUILD / "tests/user/run_all", tmp_path)
    done = subprocess.run([tmp_path / "run_all"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "no test program" in done.stdout
