# SPDX-License-Identifier: MIT
"""Packages, cores, threads and caches: what Debian's lscpu reads, as on Linux in the same emulator; and
a busy core is left alone while another one is idle."""
import re
import shutil
import sys

import pytest

from vm import BUILD, ENDED, ROOT, VM, boot_and_run

sys.path.insert(0, str(ROOT / "tools"))
import guest  # noqa: E402
import linux  # noqa: E402

SHAPE = "8,sockets=2,cores=2,threads=2"
MODEL = "Icelake-Server"
SCRIPT = """#!/bin/sh
echo begin
lscpu -e
lscpu -C
lscpu | busybox grep -E '^ *(CPU.s.|Thread|Core|Socket|L[1-3]|NUMA|CPU fam|Model:)' | busybox tr -s ' '
cd /sys/devices/system/cpu
busybox grep -r . cpu[0-9]*/topology cpu[0-9]*/cache online possible present offline
busybox grep -E '^(processor|physical|siblings|core|cpu cores|apicid|initial|cache|clflush)' /proc/cpuinfo
busybox grep -m 1 ^flags /proc/cpuinfo
echo end
busybox sleep 2  # Linux drops what a terminal has not sent when the session's leader ends
"""
# What Linux shows and we do not: clusters, and events of devices.
ONLY_LINUX = re.compile(r"/(cluster_\w+|uevent|power/)")
# Flags that Linux has by itself, of mitigations, or of what our kernel does not enable.
FLAGS_ONLY_LINUX = {"rep_good", "xtopology", "constant_tsc", "pti", "fsgsbase", "pku", "ospke", "la57"}
# Linux 6.1.0 of Debian with MODEL and SHAPE printed this.
LSCPU = """\
CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE
  0    0      0    0 0:0:0:0          yes
  1    0      0    0 1:1:0:0          yes
  2    0      0    1 2:2:1:0          yes
  3    0      0    1 3:3:1:0          yes
  4    0      1    2 4:4:2:1          yes
  5    0      1    2 5:5:2:1          yes
  6    0      1    3 6:6:3:1          yes
  7    0      1    3 7:7:3:1          yes
NAME ONE-SIZE ALL-SIZE WAYS TYPE        LEVEL  SETS PHY-LINE COHERENCY-SIZE
L1d       32K     256K    8 Data            1    64        1             64
L1i       32K     256K    8 Instruction     1    64        1             64
L2         4M      16M   16 Unified         2  4096        1             64
L3        16M      32M   16 Unified         3 16384        1             64
"""


@pytest.fixture(scope="module")
def lscpu():
    """The archive with Debian's lscpu and the script."""
    if not shutil.which("apt-get"):
        pytest.skip("no apt-get")
    try:
        guest.GUEST_FOLDER.mkdir(parents=True, exist_ok=True)
        packed = guest.pack(["lscpu"], quiet=True)[0]
    except guest.Missing as error:
        pytest.skip(str(error))
    script = guest.Archive(None)
    script.entries["tests/topology"] = SCRIPT.encode()
    out = guest.GUEST_FOLDER / "test-lscpu.cpio"
    script.write(out)
    out.write_bytes(b"".join(p.read_bytes() for p in (BUILD / "initramfs.cpio", packed, out)))
    return out


def between(text):
    """The script's output; the lines of `grep -r` sorted, as the order of a folder means nothing."""
    assert re.search(r"^end$", text, re.M), text[-3000:]
    lines = re.search(r"(?ms)^begin\n(.*?)^end$", text)[1].splitlines()
    lines = [line for line in lines if not re.match(r"\[ *\d", line) and not ONLY_LINUX.search(line)]
    of_files = sorted(line for line in lines if re.match(r"(cpu\d+/|online|possible|present|offline)", line))
    return [line for line in lines if line not in of_files] + of_files


def on_heddle(lscpu, model=MODEL, shape=SHAPE):
    status, log = boot_and_run("/bin/sh /tests/topology", cpus=shape, cpu=model, initrd=lscpu, mem="384M")
    assert status == ENDED, log[-3000:]
    return between(log)


def flags(lines):
    line = next(line for line in lines if line.startswith("flags"))
    return set(line.split(":")[1].split()), [other for other in lines if other is not line]


def test_lscpu_is_what_linux_shows(lscpu):
    got, text = on_heddle(lscpu), "\n".join
    assert text(got).startswith(LSCPU), text(got[:20])
    for line in ("Thread(s) per core: 2", "Core(s) per socket: 2", "Socket(s): 2", "L2 cache: 16 MiB (4 instances)"):
        assert any(line in have for have in got), text(got)
    assert "cpu5/topology/core_cpus_list:4-5" in got and "cpu6/cache/index2/shared_cpu_map:c0" in got
    assert {"sse2", "avx2", "lm", "rdtscp", "hypervisor"} < flags(got)[0]


@pytest.mark.slow
def test_all_files_are_what_linux_shows(lscpu, monkeypatch):
    monkeypatch.setattr(linux, "CPU", MODEL)
    try:
        command = linux.command(["/bin/sh", "/tests/topology"], words="quiet", base=lscpu, cpus=SHAPE, mem="512M")
    except linux.Missing as error:
        pytest.skip(str(error))
    printed = [line for line in linux.lines(command, 300) if line is not None]
    want_flags, want = flags(between("\n".join(printed)))
    got_flags, got = flags(on_heddle(lscpu))
    assert got == want
    assert want_flags - got_flags <= FLAGS_ONLY_LINUX and got_flags <= want_flags


@pytest.mark.parametrize("model, shape, want", [
    ("max", "6,sockets=1,cores=3,threads=2", (1, 3, 2)),          # leaf 0Bh of a processor of AMD
    ("EPYC", "8,sockets=2,cores=2,threads=2", (2, 2, 2)),
    ("core2duo,cpuid-0xb=off", "4,sockets=2,cores=2,threads=1", (2, 2, 1)),  # leaves 1 and 4
    ("phenom,cpuid-0xb=off", "4,sockets=1,cores=4,threads=1", (1, 4, 1)),    # 8000_0008h
    ("Icelake-Server", "8,sockets=1,dies=2,cores=2,threads=2", (1, 4, 2)),   # leaf 1Fh
    ("qemu64", "1", (1, 1, 1))])
def test_shapes(model, shape, want):
    """Packages, cores of each and threads of each core, by every way in which processors tell them."""
    with VM(cpus=shape, cpu=model) as vm:
        vm.shell()
        lines = vm.run("cat /proc/cpuinfo").splitlines()
        found = {name: [int(line.split(":")[1]) for line in lines if re.match(rf"{name}\s*:", line)]
                 for name in ("physical id", "core id", "siblings", "cpu cores")}
        assert not vm.run("cat /sys/devices/system/cpu/offline")
    packages, cores, threads = want
    assert len(set(found["physical id"])) == packages, found
    assert set(found["cpu cores"]) == {cores} and set(found["siblings"]) == {cores * threads}, found


def test_an_idle_core_is_preferred():
    """Two busy threads on two cores with two CPUs each: they meet on one core at most by chance, when
    something else runs just then."""
    for _ in range(10):  # more often while the host keeps a CPU from running
        status, log = boot_and_run("/tests/cores 100", cpus="4,cores=2,threads=2")
        assert status == ENDED, log[-3000:]
        shared = [int(n) for n in re.findall(r"^(?:created|woken): one core (\d+) times of 100$", log, re.M)]
        if len(shared) == 2 and max(shared) <= 10:
            break
    assert len(shared) == 2 and max(shared) <= 10, log[-3000:]
