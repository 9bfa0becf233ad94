# SPDX-License-Identifier: MIT
"""Clocks, interrupt controllers and CPUID as firmware leaves them: counters that are missing, a TSC of
known rate, few leaves, remapping of interrupts that is on at hand-over, APIC ids that xAPIC mode cannot
name."""
import re
import socket
import subprocess
import sys
import time

import pytest

from gdb_session import gdb_batch, needs_gdb
from vm import ENDED, ROOT, VM, boot_and_run

sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402


def measured_khz(log):
    """The rate of the TSC by a counter."""
    mhz, by = re.search(r"clock: TSC (\d+\.\d+) MHz by (\S+)", log).groups()
    assert by in ("hpet", "acpi_pm", "pit")
    return round(float(mhz) * 1000)


def test_rates():
    """What is known of the TSC is used if a counter confirms it, and without a counter; it is refused
    if the counter says otherwise."""
    none = "pc,acpi=off,hpet=off,pit=off"
    status, log = boot_and_run("/bin/true", machine="pc", cpus=1)
    assert status == ENDED
    khz = measured_khz(log)
    status, log = boot_and_run("/bin/true", machine="pc", cpus=1, append=f"tsc_early_khz={khz}")
    assert status == ENDED and f"clock: TSC {khz / 1000:.3f}000 MHz by tsc_early_khz=" in log
    status, log = boot_and_run("/bin/true", machine="pc", cpus=1, append=f"tsc_early_khz={khz // 2}")
    assert status == ENDED and abs(measured_khz(log) - khz) < khz / 50
    assert f"clock: tsc_early_khz= says {khz // 2} kHz, which hpet does not confirm" in log
    status, log = boot_and_run("/bin/sleep 0.1", machine=none, cpus=1, append=f"tsc_early_khz={khz}")
    assert status == ENDED and f"clock: TSC {khz / 1000:.3f}000 MHz by tsc_early_khz=" in log
    rate = int(re.search(r"apic: timer one-shot, (\d+) kHz", log)[1])
    assert abs(rate - 1000000) < 20000  # QEMU's local APIC counts nanoseconds
    status, log = boot_and_run("/bin/sleep 0.1", machine=none, cpus=1)
    assert status == ENDED
    assert "clock: no counter to measure the TSC by: assuming 2000000000 Hz, so times are wrong" in log


def test_tsc_that_stops():
    """The TSCs of AMD's first 64-bit processors drift apart: the HPET makes the clock."""
    status, log = boot_and_run("/bin/true", cpu="qemu64,-hypervisor", cpus=2)
    assert status == ENDED and "clock: source is hpet" in log
    status, log = boot_and_run("/bin/true", cpu="qemu64", cpus=1)
    assert status == ENDED and "clock: source is" not in log


def test_limited_cpuid():
    """Firmware lets CPUID end at leaf 7: the size of an XSAVE area is unknown, FXSAVE is used."""
    status, log = boot_and_run("/bin/true", cpu="max,level=7", cpus=2)
    assert status == ENDED and "fpu: FXSAVE, features 0x0, 512 bytes" in log and "2 of 2 CPUs online" in log


class Registers:
    """Reads and writes the machine's memory from outside, by QEMU's test protocol."""

    def __init__(self, path):
        end = time.monotonic() + 60
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < end, "QEMU did not start"
                time.sleep(0.05)
        self.file = self.socket.makefile("rw")

    def ask(self, *words):
        self.file.write(" ".join(w if isinstance(w, str) else hex(w) for w in words) + "\n")
        self.file.flush()
        answer = self.file.readline().split()
        assert answer[0] == "OK"
        return int(answer[1], 16) if len(answer) > 1 else None


QEMU = int(re.search(r"version (\d+)", subprocess.run(
    ["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout)[1])
VTD, AMD = 0xfed90000, 0xfed80000


def vtd_on(memory):
    """Interrupt remapping and DMA translation, with tables that allow nothing."""
    for register, value in ((0xb8, 0x1000007), (0x20, 0x2000000)):  # tables of interrupts, of devices
        memory.ask("writeq", VTD + register, value)
    for command in (1 << 24, 1 << 25, 1 << 25 | 1 << 30, 1 << 25 | 1 << 31):
        memory.ask("writel", VTD + 0x18, command)
    assert memory.ask("readl", VTD + 0x1c) >> 25 & 0x41 == 0x41


def amd_on(memory):
    memory.ask("writeq", AMD + 0x18, 1)
    assert memory.ask("readl", AMD + 0x18) & 1


REMAPPING = {
    "vtd": (["-device", "intel-iommu,intremap=on"], "q35,sata=off,kernel-irqchip=split", vtd_on,
            lambda memory: memory.ask("readl", VTD + 0x1c) & (1 << 31 | 1 << 25)),
    "amd": (["-device", "amd-iommu"], "q35", amd_on, lambda memory: memory.ask("readl", AMD + 0x18) & 1),
}


@pytest.mark.parametrize("kind", REMAPPING)
def test_remapping_left_on(tmp_path, kind):
    """Firmware left an IOMMU on: it is switched off before a driver starts, and is told in one line.
    The keyboard on the USB needs DMA: with VT-d on it would not be found."""
    if kind == "amd" and QEMU >= 9:
        pytest.skip("the AMD IOMMU of QEMU 10 blocks the I/O APIC, whether it is on or off")
    device, machine, switch_on, is_on = REMAPPING[kind]
    extra = ["-qtest", f"unix:{tmp_path}/memory,server=on,wait=off", "-qtest-log", "none", "-S",
             "-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off",
             "-device", "qemu-xhci,id=x", "-device", "usb-kbd,bus=x.0", *device]
    with VM(machine=machine, extra=extra, timeout=120) as vm:
        memory = Registers(tmp_path / "memory")
        switch_on(memory)
        Monitor(str(tmp_path / "qmp")).command("cont")
        vm.expect(r"iommu: firmware left interrupt remapping on at 0xfed[89]0000: it is switched off")
        vm.expect("~ # ")
        if "a keyboard" not in vm.log:
            vm.expect(r"usb: device \S+ at [^\n]*: a keyboard")
        assert not is_on(memory)
        assert vm.run("echo $((6 * 7))").endswith("42")


@pytest.mark.skipif(QEMU < 9, reason="without KVM, QEMU has an x2APIC since version 9")
def test_large_apic_id():
    """A CPU with id 259 needs x2APIC mode; with small ids the APICs stay in xAPIC mode."""
    status, log = boot_and_run("/bin/true", machine="q35,sata=off", cpus=2)
    assert status == ENDED and "apic: xAPIC," in log
    far = ["-device", "max-x86_64-cpu,socket-id=1,die-id=0,module-id=0,core-id=3,thread-id=0",
           "-device", "intel-iommu,intremap=on,eim=on"]
    status, log = boot_and_run("/bin/true", machine="q35,sata=off,kernel-irqchip=split", extra=far,
                               cpus="1,maxcpus=260,sockets=2,cores=130,threads=1")
    assert status == ENDED and "apic: x2APIC," in log and "smp: 2 of 2 CPUs online" in log
    assert "x2APIC mode without interrupt remapping" in log


@pytest.mark.parametrize("clock, getcpu, settings", [
    ("the TSC", "RDTSCP", dict(cpu="qemu64,+rdtscp", cpus=4)),
    ("the TSC", "RD(PID|TSCP)", dict(cpu="max", cpus=2)),
    ("the TSC", "system call", dict(cpu="qemu64,-rdtscp", cpus=1)),
    ("system call", "RDTSCP", dict(append="clocksource=hpet", cpus=2)),
    ("system call", "system call", dict(append="vdso=0", cpus=2)),
], ids=["tscp", "max", "neither", "hpet", "off"])
def test_vdso(clock, getcpu, settings):
    """Whatever the machine offers, the vDSO answers as the system calls do."""
    status, log = boot_and_run("/tests/vdso", **settings)
    assert re.search(f"vdso: clocks by {clock}, getcpu\\(\\) by {getcpu}", log)
    assert status == ENDED and "ok goes_away" in log and "not ok" not in log


@needs_gdb
def test_vdso_in_gdb(tmp_path):
    """gdb of the kernel's names the functions of the vDSO and unwinds through them."""
    status, out = gdb_batch(tmp_path / "console", "-ex", "hbreak __vdso_clock_gettime", "-ex", "continue",
                            "-ex", "stepi 12", "-ex", "bt", ARGS="run /tests/vdso", cpus=1)
    assert status == 0 and re.search(r"__vdso_clock_gettime .*vdso_user\.c:\d+\n#\d .* in by_vdso .*\n"
                                     r"#\d .* in agrees ", out), out
