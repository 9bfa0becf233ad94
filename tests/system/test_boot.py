# SPDX-License-Identifier: MIT
"""Every way to start, on many machines; and what is said when something is missing or broken."""
import os
import re
import subprocess

import pytest

from vm import BUILD, ENDED, INIT_FAILED, OVMF, PANIC, VM, boot_and_run


def assert_runs(cpus=1, **options):
    """Boot, run one command that says how many CPUs it sees, end in order."""
    status, log = boot_and_run("nproc", cpus=cpus, **options)
    assert status == ENDED, log[-3000:]
    assert re.search(rf"^{cpus}$", log, re.M), log[-3000:]
    assert "panic" not in log
    return log


@pytest.mark.parametrize("boot", ["direct", "iso", "usb",
                                  pytest.param("uefi", marks=pytest.mark.skipif(
                                      not OVMF, reason="no OVMF"))])
def test_ways_to_boot(boot):
    assert_runs(cpus=2, boot=boot, timeout=180)


@pytest.mark.parametrize("cpus", [1, 2, 4, 8, 64])
def test_cpus(cpus):
    log = assert_runs(cpus=cpus, mem="512M")
    assert f"smp: {cpus} of {cpus} CPUs online" in log


@pytest.mark.slow
def test_255_cpus():
    assert_runs(cpus=255, mem="2G", timeout=300)


@pytest.mark.parametrize("mem", ["64M", "8G"])
def test_memory(mem):
    assert_runs(cpus=2, mem=mem)


@pytest.mark.parametrize("cpu", ["qemu64", "qemu64,-nx", "core2duo", "Nehalem", "SandyBridge",
                                 "Haswell", "EPYC-Rome", "max"])
def test_processor_models(cpu):
    assert_runs(cpus=2, cpu=cpu)


@pytest.mark.parametrize("machine", ["q35", "pc,hpet=off", "q35,hpet=off,pit=off"])
def test_machines(machine):
    assert_runs(cpus=2, machine=machine)


def test_without_acpi():
    """No tables: one CPU, or what the firmware's older tables would say."""
    status, log = boot_and_run("/bin/true", machine="pc,acpi=off", cpus=2)
    assert status == ENDED, log[-3000:]


def test_power_off_fails():
    """Nobody switches the machine off: the last line says so, whole."""
    with VM(args="run /bin/true", machine="pc,acpi=off", cpus=1, append="debug_exit=0x80") as vm:
        vm.expect(r"power off failed: switch the machine off by hand[\r\n]+")


def test_maxcpus():
    status, log = boot_and_run("nproc", cpus=4, append="maxcpus=2")
    assert status == ENDED and re.search("^2$", log, re.M), log[-3000:]


def test_says_size_and_time():
    _, log = boot_and_run("/bin/true")
    assert re.search(r"Heddle: kernel of \d+ KiB", log)
    assert re.search(r"init: running /init, \d+ ms after the start", log)


def test_init_status_is_reported():
    status, _ = boot_and_run("/bin/false")
    assert status == INIT_FAILED


def test_init_of_ones_own():
    with VM(init="/bin/sh", args="-c exit") as vm:
        assert vm.wait() == ENDED


@pytest.mark.parametrize("init", ["/nowhere", "/etc/passwd", "/etc"])
def test_bad_init(init):
    with VM(init=init) as vm:
        assert vm.wait() == PANIC
        assert re.search(rf"requested init {init} failed \(error \d+\)", vm.log)


def test_no_initramfs():
    with VM(no_initrd=True) as vm:
        assert vm.wait() == PANIC
        assert "the boot loader loaded no RAM file system: name one" in vm.log
        assert "no init found" in vm.log


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 500_000])
def test_initramfs_cut_short(keep, tmp_path):
    """What came before the damage is kept; without an init the kernel says so."""
    cut = tmp_path / "cut.cpio"
    cut.write_bytes((BUILD / "initramfs.cpio").read_bytes()[:keep])
    with VM(initrd=cut) as vm:
        assert vm.wait() == PANIC
        assert "RAM file system" in vm.log
        assert "no init found" in vm.log or "failed (error" in vm.log, vm.log[-2000:]


def test_initramfs_of_noise(tmp_path):
    noise = tmp_path / "noise"
    noise.write_bytes(os.urandom(100_000))
    with VM(initrd=noise) as vm:
        assert vm.wait() == PANIC
        assert re.search(r"the RAM file system is damaged \(module 0 ", vm.log)


def test_later_archive_lies_over_the_earlier(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("overlaid\n")
    archive = tmp_path / "extra.cpio"
    archive.write_bytes(subprocess.run(["busybox", "cpio", "-o", "-H", "newc"],
                                       input=b"etc\netc/hostname\n", cwd=tmp_path,
                                       capture_output=True, check=True).stdout)
    both = tmp_path / "both.cpio"
    both.write_bytes((BUILD / "initramfs.cpio").read_bytes() + archive.read_bytes())
    _, log = boot_and_run("/bin/cat /etc/hostname /etc/passwd", initrd=both)
    assert "overlaid" in log and "root:x:0:0" in log
    # By GRUB it is a module of its own.
    _, log = boot_and_run("/bin/cat /etc/hostname /etc/passwd", boot="iso", initrd=archive)
    assert "overlaid" in log and "root:x:0:0" in log
