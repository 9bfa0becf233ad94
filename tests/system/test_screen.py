# SPDX-License-Identifier: MIT
"""The screen from the first line on, and one sentence on it if the machine is not enough."""
import re

import pytest

from gdb_session import needs_gdb
from screens import Screen, TextScreen, needs_font
from test_stops import spoilt
from vm import BUILD, OVMF, PANIC, VM

pytestmark = needs_font

LACKS = "Heddle needs a 64-bit processor (x86-64), and this one lacks: "
NO_APIC = "Heddle cannot start: this processor has no local APIC, whose timer Heddle needs."


def qmp(tmp_path):
    return ["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"]


def shown(tmp_path, wanted, kind=Screen):
    """All that is on the screen when `wanted` is, whatever lines it is broken into."""
    rows = kind(tmp_path / "qmp", tmp_path).until(lambda rows: wanted in "".join(rows))
    return "\n".join(rows)


def check_refusal(tmp_path, sentence, boot, **options):
    """The machine says `sentence` on the serial line and on the display.  Returns what is there."""
    with VM(boot=boot, timeout=120, append="console=tty0 panic=halt", extra=qmp(tmp_path), cpus=1,
            **options) as vm:
        vm.expect(re.escape(sentence))
        return shown(tmp_path, sentence, TextScreen if boot == "direct" else Screen)


@pytest.mark.parametrize("boot", ["iso", "direct"])
@pytest.mark.parametrize("cpu, lacks", [
    ("qemu32", "64-bit mode."),
    ("qemu64,-tsc,-sse2", "time-stamp counter, SSE2."),
])
def test_processor_that_lacks(tmp_path, boot, cpu, lacks):
    """In 32-bit mode: before there is paging, memory or a log."""
    text = check_refusal(tmp_path, LACKS + lacks, boot, cpu=cpu)
    assert text.startswith("Heddle needs"), text  # what the boot loader wrote is gone


@pytest.mark.skipif(not OVMF, reason="OVMF is missing: make setup")
def test_processor_that_lacks_by_uefi(tmp_path):
    check_refusal(tmp_path, LACKS + "SSE2.", "uefi", cpu="qemu64,-sse2")


@pytest.mark.parametrize("boot", ["iso", "direct"])
def test_no_local_apic(tmp_path, boot):
    """The sentence is on the screen long before the display is: so are the lines above it."""
    text = check_refusal(tmp_path, NO_APIC, boot, cpu="qemu64,-apic")
    assert text.startswith("[    0.000000] Heddle: kernel of ") and "display:" not in text, text


@needs_gdb
@pytest.mark.parametrize("boot", ["iso", pytest.param("uefi", marks=pytest.mark.skipif(
    not OVMF, reason="OVMF is missing: make setup"))])
def test_first_lines(tmp_path, boot):
    """A machine that hangs before there is memory shows what was logged before."""
    with spoilt(tmp_path, "tbreak kernel_main", "continue",
                "python gdb.selected_inferior().write_memory("  # a jump to itself
                "int(gdb.parse_and_eval('(unsigned long)&paging_init')), b'\\xeb\\xfe')",
                boot=boot, append="console=tty0", extra=qmp(tmp_path)) as vm:
        vm.expect(r"cpu: .*\n")
        text = shown(tmp_path, "cpu: ")
    assert text.startswith("[    0.000000] Heddle: kernel of "), text


# ---- What start-up takes for granted ---------------------------------------------------------------


@needs_gdb
@pytest.mark.parametrize("spoil, sentence", [
    (["tbreak memory_check", "continue", "set boot_info.memory_count = 0"],
     "the boot loader gave no map of the memory"),
    (["tbreak memory_check", "continue", "python for i in range(64): "
      "gdb.execute(f'set boot_info.memory[{i}].type = BOOT_MEMORY_TAKEN')"],
     r"\d+ MiB of memory are too few"),
    (["tbreak kernel_main", "continue",  # the function returns at once
      "python gdb.selected_inferior().write_memory("
      "int(gdb.parse_and_eval('(unsigned long)&apic_timer_arm')), b'\\xc3')"],
     "the timer of the local APIC sends no interrupt"),
], ids=["no-map", "no-memory", "no-timer"])
def test_spoilt(tmp_path, spoil, sentence):
    with spoilt(tmp_path, *spoil, cpus=1) as vm:
        vm.expect(rf"Heddle cannot start: {sentence}\.")
        assert vm.wait() == PANIC
        assert "backtrace" not in vm.log


ARCHIVE = BUILD / "initramfs.cpio"


def test_a_module_over_the_kernel(tmp_path):
    """The loader puts the archive at the end of memory: the kernel, from 1 MiB on, is there already."""
    sentence = "Heddle cannot start: the memory is too small, a module lies over the kernel."
    kib = ARCHIVE.stat().st_size // 1024 + 1536
    assert "damaged" not in check_refusal(tmp_path, sentence, "direct", mem=f"{kib // 64 * 64}K")


def test_memory_too_small(tmp_path):
    mib = ARCHIVE.stat().st_size // (1 << 20) + 5
    sentence = f"Heddle cannot start: {mib - 1} MiB of memory are too few: the RAM file system of "
    assert "damaged" not in check_refusal(tmp_path, sentence, "direct", mem=f"{mib}M")


def test_memory_for_a_part():
    """What fits is there; the log says what does not."""
    with VM(mem="24M", cpus=1, args="run /bin/true") as vm:
        vm.expect(r"initramfs: 23 MiB of memory are too few: the RAM file system of \d+ MiB did not fit")
        vm.expect("init: running /init")
        vm.wait()
    assert "damaged" not in vm.log


def test_no_module_in_little_memory():
    with VM(mem="12M", cpus=1, no_initrd=True) as vm:
        vm.expect(r"Heddle cannot start: the boot loader loaded no RAM file system: 11 MiB of memory "
                  "may be too few for it")
        assert vm.wait() == PANIC
