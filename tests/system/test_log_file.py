# SPDX-License-Identifier: MIT
"""The kernel's log in the file HEDDLE.LOG on a stick: what is saved, when, and that nothing else is written."""
import pathlib
import re
import shutil
import struct
import subprocess
import sys

import pytest

from test_usb import Keys
from vm import ENDED, OVMF, PANIC, REBOOT, ROOT, VM, make_iso

sys.path.insert(0, str(ROOT / "tools"))
import mklog  # noqa: E402

FILE_BYTES = mklog.BLOCKS * mklog.BLOCK
TAKES_IT = "a stick, whose HEDDLE.LOG takes this log"
REFUSED = "HEDDLE.LOG on this stick is not as Heddle made it"


def volume_at(image):
    """Where the log's partition begins in an image, in bytes, by its entry in the MBR."""
    with open(image, "rb") as f:
        kind, first = struct.unpack_from("<4xB3xI", f.read(512), 0x1be + 16)
    assert kind == 0x0c
    return first * 512


def file_at(image):
    """Where the file's blocks begin: behind two sectors, two tables and the root directory."""
    return volume_at(image) + 8 * 512


def text_of(image):
    """What a PC shows in HEDDLE.LOG: without the blocks' first lines and the spaces at their ends."""
    whole = subprocess.run(["mcopy", "-n", "-i", f"{image}@@{volume_at(image)}", "::HEDDLE.LOG", "-"],
                           check=True, capture_output=True).stdout
    assert len(whole) == FILE_BYTES
    text = b""
    for n in range(mklog.BLOCKS):
        block = whole[n * mklog.BLOCK:(n + 1) * mklog.BLOCK]
        assert block.startswith(mklog.head(n)) and block.endswith(b"\n")
        text += block[len(mklog.head(n)):-1].rstrip(b" ")
    return text.decode()


def same_outside(image, before):
    """All bytes but those of the file are what they were."""
    with open(image, "rb") as a, open(before, "rb") as b:
        new, old = a.read(), b.read()
    at = file_at(before)
    return len(new) == len(old) and new[:at] == old[:at] and new[at + FILE_BYTES:] == old[at + FILE_BYTES:]


def log_lines(console):
    return re.findall(r"^\[ *\d+\.\d+\] .*$", console.replace("\r", ""), re.M)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    image = tmp_path_factory.mktemp("image") / "made.img"
    make_iso(image, "console=ttyS0")
    return image


@pytest.fixture
def stick(made, tmp_path):
    return pathlib.Path(shutil.copy(made, tmp_path / "stick.img"))


def drive(image, name="stick", **options):
    words = "".join(f",{k}={v}" for k, v in options.items())
    return ["-drive", f"if=none,id={name},format=raw,file={image}{words}"]


def plugged(image, name="stick", port="", **options):
    port = f",port={port}" if port else ""
    return [*drive(image, name, **options), "-device", f"usb-storage,bus=x.0,drive={name},id={name}{port}"]


def machine(*extra, **options):
    return VM(extra=["-device", "qemu-xhci,id=x", *extra], **options)


def said(vm, text, times=1):
    """Wait until the kernel has said something so often, also if that was before the last prompt."""
    while vm.log.count(text) < times:
        vm.expect(re.escape(text))


def ready(vm):
    """Wait for the prompt, behind which a line of the log may follow, and for the stick."""
    vm.expect("~ # ")
    said(vm, TAKES_IT)


def slow(keys, bytes_a_second):
    keys.ask("block_set_io_throttle", device="stick", bps=bytes_a_second, bps_rd=0, bps_wr=0, iops=0, iops_rd=0,
             iops_wr=0)


def drive_again(keys, image, port):
    keys.ask("blockdev-add", driver="raw", **{"node-name": "again"}, file={"driver": "file", "filename": str(image)})
    keys.ask("device_add", driver="usb-storage", bus="x.0", port=port, drive="again", id="again")


# --- The whole way, from the image -------------------------------------------------------------------

@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.slow)])
def test_saved_at_the_end_of_a_run_from_the_stick(tmp_path, firmware):
    if firmware == "uefi" and not OVMF:
        pytest.skip("no OVMF here")
    flash = ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}"] if firmware == "uefi" else []
    consoles = []
    with VM(boot="usb", args="run /bin/sleep 2", extra=flash, timeout=240) as vm:
        image, before = f"{vm.files.name}/heddle.iso", tmp_path / "before"
        shutil.copy(image, before)
        assert vm.wait() == ENDED
        consoles.append(vm.log)
        with VM(args="run /bin/sleep 2", extra=["-device", "qemu-xhci,id=x", *plugged(image)]) as again:
            assert again.wait() == ENDED
            consoles.append(again.log)
        assert same_outside(image, before)
        text = text_of(image)
    # The last run comes first.  The line that says "saved" was not yet written then.
    first, second = re.split(r"^==== Heddle's log.*====$", text, flags=re.M)[1:]
    for found, console in ((second, consoles[0]), (first, consoles[1])):
        lines = log_lines(console)
        assert lines[-1].endswith("log: saved in HEDDLE.LOG on the stick")
        assert log_lines(found) == lines[:-1]


def test_savelog_and_restart(stick, made):
    with machine(*plugged(stick)) as vm:
        ready(vm)
        assert "is saved: " in vm.run("savelog")
        assert "saved by savelog" in text_of(stick)
        vm.send("reboot\n")
        assert vm.wait() == REBOOT
    assert "saved at the end" in text_of(stick) and "saved by savelog" not in text_of(stick)
    assert same_outside(stick, made)


def test_saved_in_a_panic(tmp_path, stick, made):
    """If the NMI finds the stick's driver at work, which nothing outside can exclude, nothing is written."""
    for attempt in range(10):
        qmp = tmp_path / f"qmp{attempt}"
        with machine(*plugged(stick), "-qmp", f"unix:{qmp},server=on,wait=off") as vm:
            ready(vm)
            Keys(qmp).ask("inject-nmi")
            assert vm.wait() == PANIC
        if "not saved: the stick's driver was at work" not in vm.log:
            break
        assert stick.read_bytes() == made.read_bytes()
    assert "saved in a panic" in text_of(stick) and "backtrace:" in text_of(stick)
    assert same_outside(stick, made)


# --- What is not written -----------------------------------------------------------------------------

def foreign(image):
    """A stick of the same name, with a file of the same name, which holds something else."""
    with open(image, "r+b") as f:
        f.seek(file_at(image))
        f.write(b"my own diary\n".ljust(FILE_BYTES, b"!"))


def one_block(image):
    with open(image, "r+b") as f:
        f.seek(file_at(image) + 63 * mklog.BLOCK)
        f.write(b"-- HEDDLE.LOG, block 62 of 64 --\n")


def directory_entry(offset, data):
    def change(image):
        with open(image, "r+b") as f:
            f.seek(volume_at(image) + 4 * 512 + 32 + offset)
            f.write(data)
    return change


def chain(image):
    """The cluster after the tenth is another one."""
    with open(image, "r+b") as f:
        f.seek(volume_at(image) + 2 * 512 + 15)
        f.write(b"\xff\xff\xff")


def serial(image):
    with open(image, "r+b") as f:
        f.seek(volume_at(image) + 39)
        f.write(b"\1")


def no_table(image):
    with open(image, "r+b") as f:
        f.seek(512)
        f.write(bytes(512))


def table_of_nonsense(image):
    with open(image, "r+b") as f:
        f.seek(512 + 72)
        f.write(b"\xff" * 12)


def cut(image):
    """As if the stick ended in the middle of the file."""
    with open(image, "r+b") as f:
        f.truncate(file_at(image) + FILE_BYTES // 2)


WRONG = {
    "foreign": (foreign, REFUSED), "one-block": (one_block, REFUSED), "chain": (chain, REFUSED),
    "size": (directory_entry(28, struct.pack("<I", 4096)), REFUSED),
    "cluster": (directory_entry(26, b"\xff\x00"), REFUSED),
    "other-name": (directory_entry(0, b"J"), REFUSED), "serial": (serial, None),
    "no-table": (no_table, None), "table": (table_of_nonsense, None), "cut": (cut, None),
}


def test_wrong_disks_are_not_written(tmp_path, made):
    extra, images = [], {}
    for case, (change, _) in WRONG.items():
        images[case] = shutil.copy(made, tmp_path / f"{case}.img")
        change(images[case])
        shutil.copy(images[case], tmp_path / f"{case}.before")
        extra += plugged(images[case], case)
    with VM(extra=["-device", "qemu-xhci,id=x,p2=15,p3=15", *extra]) as vm:
        vm.expect("~ # ")
        said(vm, ": not used", len(WRONG))
        out = vm.run("savelog; echo status $?")
        assert "is not saved: no USB stick with a HEDDLE.LOG is plugged in" in out and "status 1" in out
        assert vm.log.count(REFUSED) == sum(says == REFUSED for _, says in WRONG.values())
        vm.send("poweroff\n")
        assert vm.wait() == ENDED
        assert "log: not saved: no USB stick" in vm.log
    for case, image in images.items():
        assert pathlib.Path(image).read_bytes() == (tmp_path / f"{case}.before").read_bytes(), case


def test_a_block_is_looked_at_before_it_is_written(stick):
    """Another block comes to be there while the machine runs: it stays."""
    with machine(*plugged(stick)) as vm:
        ready(vm)
        with open(stick, "r+b") as f:
            f.seek(file_at(stick) + 5 * mklog.BLOCK)
            f.write(b"my own diary\n".ljust(mklog.BLOCK, b"!"))
        before = stick.read_bytes()
        assert "is not saved: HEDDLE.LOG on the stick is not as Heddle made it" in vm.run("savelog")
    at = file_at(stick)
    assert stick.read_bytes()[at + 5 * mklog.BLOCK:] == before[at + 5 * mklog.BLOCK:]


def test_of_two_sticks_one_is_written(tmp_path, made, stick):
    other = pathlib.Path(shutil.copy(made, tmp_path / "other.img"))
    with machine(*plugged(stick, port="1"), *plugged(other, "other", port="2")) as vm:
        ready(vm)
        said(vm, "this stick has a HEDDLE.LOG, too; the other stick's is used")
        assert "is saved" in vm.run("savelog")
    assert "saved by savelog" in text_of(stick) and other.read_bytes() == made.read_bytes()


# --- Sticks that do not work -------------------------------------------------------------------------

def test_a_write_protected_stick(stick, made):
    with machine(*plugged(stick, readonly="on")) as vm:
        ready(vm)
        assert "is not saved: the stick is write-protected" in vm.run("savelog")
    assert stick.read_bytes() == made.read_bytes()


def test_a_stick_that_does_not_answer(tmp_path, stick, made):
    """Keys work while it is waited for; it is used again when it answers."""
    qmp = tmp_path / "qmp"
    with machine(*plugged(stick, port="1"), "-device", "usb-kbd,bus=x.0,port=2",
                 "-qmp", f"unix:{qmp},server=on,wait=off", machine="q35,i8042=off") as vm:
        ready(vm)
        said(vm, ": a keyboard")
        keys = Keys(qmp)
        slow(keys, 1000)        # a block takes four seconds
        for _ in range(10):     # the keys may come too late on a busy machine
            vm.run("savelog >/tmp/said &")
            keys.type("echo Typed-Here\n")
            vm.expect(r"\nTyped-Here\r")
            vm.shell()
            at_work = "saved" not in vm.run("cat /tmp/said")
            vm.run("wait")
            if at_work:
                break
        assert at_work
        assert "is not saved: the stick does not answer" in vm.run("cat /tmp/said")
        slow(keys, 0)
        assert "is saved" in vm.run("savelog")
    assert same_outside(stick, made)


def test_pulled_out_in_the_middle_and_plugged_in_again(tmp_path, stick, made):
    qmp = tmp_path / "qmp"
    with machine(*plugged(stick, port="1"), "-qmp", f"unix:{qmp},server=on,wait=off") as vm:
        ready(vm)
        keys = Keys(qmp)
        slow(keys, 2000)        # a block takes two seconds
        vm.run("savelog >/tmp/said &")
        keys.ask("device_del", id="stick")
        said(vm, "46f4:1 is gone")
        vm.run("wait")
        assert "is not saved: no USB stick" in vm.run("cat /tmp/said")
        assert same_outside(stick, made)
        drive_again(keys, stick, "2")
        said(vm, TAKES_IT, 2)
        assert "is saved" in vm.run("savelog")
    assert same_outside(stick, made) and "saved by savelog" in text_of(stick)


@pytest.mark.parametrize("once, says", [("on", "is saved"), ("off", "is not saved: the stick reports an error")])
def test_errors_of_a_stick(tmp_path, stick, once, says):
    """One write fails: it is tried again.  All fail: it is said."""
    rules = tmp_path / "rules"
    rules.write_text(f'[inject-error]\nevent = "write_aio"\nerrno = "5"\nonce = "{once}"\n')
    with machine("-drive", f"if=none,id=stick,format=raw,werror=report,file.driver=blkdebug,file.config={rules},"
                 f"file.image.filename={stick}", "-device", "usb-storage,bus=x.0,drive=stick") as vm:
        ready(vm)
        assert says in vm.run("savelog")


@pytest.mark.parametrize("where", ["hub", "high", "polled"])
def test_speeds(stick, made, where):
    """Behind a hub (full speed), at a port of high speed, without interrupts (super speed)."""
    port = "1.2" if where == "hub" else "1"
    xhci = {"polled": "nec-usb-xhci,id=x,msi=off,msix=off", "high": "qemu-xhci,id=x,p3=0"}.get(where, "qemu-xhci,id=x")
    hub = ["-device", "usb-hub,bus=x.0,port=1"] if where == "hub" else []
    with VM(extra=["-device", xhci, *hub, *plugged(stick, port=port)]) as vm:
        ready(vm)
        assert "is saved" in vm.run("savelog")
    assert same_outside(stick, made)


# --- dmesg -------------------------------------------------------------------------------------------

def test_dmesg():
    with VM(args="run /bin/sh") as vm:
        vm.expect("# ")
        assert "<6>[    0.000000] Command line: " in vm.run("dmesg -r")
        assert "] Command line: " in vm.run("dmesg -c") and vm.run("dmesg") == ""
        assert vm.run("dmesg -n 9; echo $?").endswith("1")
        vm.run("dmesg -n 5")
        vm.send("exit\n")
        assert vm.wait() == ENDED and "init exited" not in vm.log


def test_a_panic_is_printed_at_any_level(tmp_path):
    qmp = tmp_path / "qmp"
    with VM(extra=["-qmp", f"unix:{qmp},server=on,wait=off"]) as vm:
        vm.shell()
        vm.run("dmesg -n 1")
        Keys(qmp).ask("inject-nmi")
        assert vm.wait() == PANIC and "kernel panic: " in vm.log and "backtrace:" in vm.log
