# SPDX-License-Identifier: MIT
"""The kernel without its extensions: it builds, boots and keeps what a process and a thread are."""
import os
import re
import shutil
import subprocess
import time

import pytest

from conftest import alone_on_host, make
from vm import BUILD, ENDED, HANGS, PANIC, ROOT, VM

# Fork, exec, wait, threads, futexes, pipes, copy-on-write, signals; and the files that base has.
PROGRAMS = ["executes", "faults", "fds", "files", "forkbomb", "forktree", "futexes", "hostile_elf",
            "mapped_files", "memory", "pipes", "processes", "registers", "segments", "signals",
            "threads"]

# What these programs ask of extensions, and say so.
SKIPPED = {"executes": ["scripts", "priority_is_kept", "by_descriptor"], "fds": ["limit", "thousands", "range"],
           "files": ["vectors", "space"],
           "futexes": ["robust", "death_notices", "priority_inheritance"], "mapped_files": ["advice"],
           "memory": ["errors_of_advice", "remapping", "advice", "program_break",
                      "shared_and_moved", "stack"],
           "pipes": ["sizes", "sizes_of_a_user", "poll_bits", "fifo", "reopened"],
           "processes": ["wait_by_id", "resources", "clones_by_structure", "names", "options",
                         "dumpable"],
           "signals": ["queueing", "waiting", "queued_to_threads"], "threads": ["affinity", "policies"]}

EXTENSIONS = sorted(str(path.relative_to(ROOT)) for path in
                    [ROOT / "kernel/dev", *(ROOT / "kernel/linux").iterdir(),
                     *(ROOT / "kernel/watch").iterdir()] if path.is_dir())


@pytest.fixture(scope="module")
def core():
    """The kernel of make CORE=1; the programs are the same."""
    make("CORE=1", "BUILD=build/core", "build/core/heddle.elf")
    return dict(build=ROOT / "build/core", initrd=BUILD / "initramfs.cpio", mem="512M")


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
    with alone_on_host():
        done = subprocess.run(["chroot", bare_root, "/tests/run_all", *PROGRAMS],
                              capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stdout
    assert "not ok" not in done.stdout, done.stdout
    skipped = re.findall(r"^skip .*", done.stdout, re.M)
    assert all(line.endswith("no /proc") for line in skipped), done.stdout


def test_no_program_is_a_failure(tmp_path):
    shutil.copy(BUILD / "tests/user/run_all", tmp_path)
    done = subprocess.run([tmp_path / "run_all"], capture_output=True, text=True, timeout=HANGS)
    assert done.returncode != 0
    assert "no test program" in done.stdout


@pytest.mark.parametrize("cpus", [1, 4])
def test_programs_pass_in_the_core(core, cpus):
    with VM(cpus=cpus, timeout=400, args="run /tests/run_all " + " ".join(PROGRAMS),
            **core) as vm:
        status = vm.wait()
    log = vm.log.replace("\r", "")
    assert status == ENDED, log[-3000:]
    assert f"=== {len(PROGRAMS)} programs, 0 failed" in log
    assert "not ok" not in log
    skipped = {}
    for name, lines in re.findall(r"^=== (\w+)\n(.*?)^=== \1 status 0", log, re.M | re.S):
        if found := re.findall(r"^skip (\w+)", lines, re.M):
            skipped[name] = found
        assert re.search(r"^ok ", lines, re.M), f"{name}: no test ran"
    assert skipped == SKIPPED


def test_self_tests_pass_in_the_core(core):
    with VM(cpus=4, append="selftest", timeout=100, **core) as vm:
        assert vm.wait() == ENDED, vm.log[-3000:]
    assert "ok 1 " in vm.log and "not ok" not in vm.log


@pytest.mark.parametrize("cpus", [1, 4])
def test_a_panic_ends_the_core(core, cpus):
    with VM(cpus=cpus, init="/nope", **core) as vm:
        assert vm.wait() == PANIC, vm.log[-3000:]
    assert "/nope" in vm.log


def test_clock_counts_while_all_is_idle(core):
    """The ACPI timer wraps after 4.7 s, and here nothing arms a timer meanwhile."""
    with VM(cpus=1, machine="pc,hpet=off", append="clocksource=acpi_pm", init="/bin/sh",
            args='-c "head -n 1"', **core) as vm:
        start = float(vm.expect(r"\[ *([\d.]+)\] init: running")[1])
        time.sleep(8)
        vm.send("\r")
        end = float(vm.expect(r"\[ *([\d.]+)\] init exited")[1])
    assert end - start > 7


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """Arguments of make for many kernels that are nearly the same."""
    if not shutil.which("ccache") or "CC" in os.environ:
        return []
    words = f"env CCACHE_DIR={tmp_path_factory.mktemp('ccache')} CCACHE_NOHASHDIR=1 ccache gcc"
    return [f"CC={words}"] if shutil.which("gcc") else []


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_each_extension_can_go(extension, tmp_path, cached):
    """Its folder is deleted: the rest builds, boots, and runs programs."""
    for name in ("Makefile", "linker.ld"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("arch", "boot", "kernel", "tests/kernel", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(tmp_path / extension)
    make("-C", tmp_path, "BUILD=build", "WERROR=1", "CFLAGS=-g0", *cached, "build/heddle.elf")
    with VM(cpus=4, mem="512M", timeout=100, build=tmp_path / "build",
            initrd=BUILD / "initramfs.cpio",
            args="run /tests/run_all processes futexes pipes signals") as vm:
        assert vm.wait() == ENDED, vm.log[-3000:]
    assert "=== 4 programs, 0 failed" in vm.log and "not ok" not in vm.log
