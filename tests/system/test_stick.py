# SPDX-License-Identifier: MIT
"""`make usb`: it writes a stick, and refuses whatever may be something else."""
import os
import struct
import subprocess

import pexpect
import pytest

from vm import HANGS, ROOT, make_iso

TOOL = str(ROOT / "tools/usb.py")
IMAGE = bytes(range(256)) * 10000      # 2.56 MB


@pytest.fixture
def pc(tmp_path):
    """A machine with one stick, sdq: its /sys, its /proc, its image and the stick's content."""
    disk = tmp_path / "sys/block/sdq"
    (disk / "device").mkdir(parents=True)
    (disk / "sdq1").mkdir()
    for name, text in {"size": "16000", "removable": "1", "ro": "0", "device/vendor": "ACME  ",
                       "device/model": "Stick 8"}.items():
        (disk / name).write_text(text + "\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text("/dev/sda1 / ext4 rw 0 0\n")
    (tmp_path / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    (tmp_path / "image").write_bytes(IMAGE)
    (tmp_path / "sdq").write_bytes(b"\xee" * 16000 * 512)
    (tmp_path / "sdq1").write_bytes(b"")
    return tmp_path


def usb(pc, *arguments):
    return subprocess.run(["/usr/bin/python3", TOOL, str(pc / "image"), *arguments],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(pc))


def environment(pc):
    return {**os.environ, "USB_SYS": str(pc / "sys"), "USB_PROC": str(pc / "proc")}


def test_writes_and_reads_back(pc):
    done = usb(pc, str(pc / "sdq"), "--yes")
    assert done.returncode == 0, done.stderr
    assert "ACME Stick 8" in done.stdout and "Everything on it will be lost" in done.stdout
    content = (pc / "sdq").read_bytes()
    assert content[:len(IMAGE)] == IMAGE and set(content[len(IMAGE):]) == {0xee}


def test_lists_sticks(pc):
    done = usb(pc)
    assert done.returncode == 2 and "/dev/sdq: ACME Stick 8, 0.0 GB, 1 partitions" in done.stdout


@pytest.mark.parametrize("typed, status", [("sdq", 0), ("yes", 1), ("", 1)])
def test_asks_for_the_name(pc, typed, status):
    child = pexpect.spawn("/usr/bin/python3", [TOOL, str(pc / "image"), str(pc / "sdq")],
                          env=environment(pc), encoding="utf-8", timeout=HANGS)
    child.expect("type sdq: ")
    child.sendline(typed)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status
    assert ((pc / "sdq").read_bytes()[:4] == IMAGE[:4]) == (status == 0)


def fixed(pc):
    (pc / "sys/block/sdq/removable").write_text("0\n")


def mounted(pc):
    (pc / "proc/self/mounts").write_text(f"{pc}/sdq1 /media/x vfat rw 0 0\n")


def swapped(pc):
    (pc / "proc/swaps").write_text(f"Filename\n{pc}/sdq partition 1 0 -2\n")


def held(pc):
    (pc / "sys/block/sdq/sdq1/holders/dm-0").mkdir(parents=True)


def small(pc):
    (pc / "sys/block/sdq/size").write_text("100\n")


def protected(pc):
    (pc / "sys/block/sdq/ro").write_text("1\n")


@pytest.mark.parametrize("change, name, says", [
    (fixed, "sdq", "is not a removable disk"), (mounted, "sdq", "is mounted at /media/x"),
    (swapped, "sdq", "is swap space"), (held, "sdq", "sdq1 is part of dm-0"),
    (small, "sdq", "has 0.1 MB, the image 2.6 MB"), (protected, "sdq", "is write-protected"),
    (lambda pc: None, "sdq1", "is a partition; the stick is DEV=/dev/sdq"),
    (lambda pc: None, "image", "is not a disk"), (lambda pc: None, "gone", "is not a disk")])
def test_refuses(pc, change, name, says):
    change(pc)
    before = (pc / "sdq").read_bytes()
    done = usb(pc, str(pc / name), "--yes")
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert (pc / "sdq").read_bytes() == before


def test_does_not_write_without_an_answer(pc):
    done = usb(pc, str(pc / "sdq"))
    assert done.returncode == 1 and "nobody is here to ask" in done.stderr


def test_the_image_has_one_active_partition(tmp_path):
    make_iso(tmp_path / "x.iso", "console=ttyS0")
    sector = (tmp_path / "x.iso").read_bytes()[:512]
    entries = [struct.unpack_from("<BxxxBxxxII", sector, 0x1be + 16 * n) for n in range(4)]
    assert [e[0] for e in entries].count(0x80) == 1, entries
    assert entries[0][0] == 0 and entries[0][1] == 0xee     # it covers the GPT, so it is not active
