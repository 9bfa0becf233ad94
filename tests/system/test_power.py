# SPDX-License-Identifier: MIT
"""The power button, switching off and resetting, and a PS/2 keyboard, on machines whose ACPI tables are QEMU's and
on such whose tables are the test's."""
import contextlib
import re
import sys

import pytest

from acpi_tables import (HARDWARE_REDUCED, I8042, IO, PS2_KEYBOARD, S5, fadt, qemu_arguments, register)
from test_usb import Keys
from vm import ENDED, ROOT, VM

sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402

NO_EXIT = "debug_exit=0x80"     # leave the machine to ACPI: no device is at this port


def qmp(tmp_path):
    return ["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"]


def press(tmp_path):
    Monitor(f"{tmp_path}/qmp").command("system_powerdown")


@pytest.mark.parametrize("machine, cpus", [("pc", 1), ("q35", 2), ("microvm,acpi=on", 2)])
def test_button_ends_programs_and_switches_off(tmp_path, machine, cpus):
    with VM(machine=machine, cpus=cpus, append=NO_EXIT, extra=qmp(tmp_path)) as vm:
        vm.shell()
        vm.send("""sh -c 'trap "echo Got-Term; exit" TERM; echo Re""ady; while :; do sleep 0.2; done' &\n""")
        vm.expect("Ready")
        press(tmp_path)
        vm.expect("power button: init ends all programs")
        vm.expect("Got-Term")
        assert vm.wait() == 0, "QEMU ends with 0 when the guest switches off by ACPI"
        assert "power off failed" not in vm.log


def test_button_where_init_knows_no_signal(tmp_path):
    with VM(init="/bin/sh", extra=qmp(tmp_path)) as vm:
        vm.expect("# ")
        vm.send("sh -c 'trap \"\" TERM; echo Stub''born; while :; do sleep 1; done'\n")
        vm.expect("Stubborn")
        press(tmp_path)
        vm.expect("power button: all programs are ended")
        vm.expect("power button: switching off")
        assert vm.wait() == ENDED


def test_second_press_switches_off_at_once(tmp_path):
    for _ in range(4):  # a busy host may let the seconds pass that init has
        with VM(init="/bin/sh", extra=qmp(tmp_path)) as vm:
            vm.expect("# ")
            vm.send("trap 'echo Not-I' USR2; echo Trap''ped\n")
            vm.expect("Trapped")
            press(tmp_path)
            vm.expect("power button: init ends all programs")
            with contextlib.suppress(SystemExit):  # off before it answers
                press(tmp_path)
            assert vm.wait() == ENDED
            if "power button, again: switching off at once" in vm.log:
                return
    raise AssertionError(vm.log)


CHECKED = {     # what the tables say: (FADT, further tables), what is done, QEMU's exit status
    "reset-port": (dict(reset=register(IO, 0xf4), reset_value=0x29), "reboot", 0x29 << 1 | 1),
    "keyboard-controller": ({}, "reboot", 0),
    "power-off-port": ({}, "poweroff", 0),
    "sleep-control": (dict(flags=HARDWARE_REDUCED, sleep_control=register(IO, 0xf4)), "poweroff", 0x20 << 1 | 1),
}


@pytest.mark.parametrize("case", CHECKED)
def test_ends_as_the_fadt_says(tmp_path, case):
    """isa-debug-exit at port 0xf4 stands in for the register: QEMU ends with what is written there."""
    table, command, status = CHECKED[case]
    log = tmp_path / "resets"
    extra = [*qemu_arguments(tmp_path, fadt(**table), cpus=2), "-d", "cpu_reset", "-D", str(log)]
    with VM(machine="q35,acpi=off", append=NO_EXIT, args=f"run /bin/busybox {command} -f", extra=extra) as vm:
        assert vm.wait() == status
        assert "power off failed" not in vm.log
    assert "Triple fault" not in log.read_text()


def test_reset_register_in_memory(tmp_path):
    log = tmp_path / "resets"
    with VM(machine="microvm,acpi=on", append=NO_EXIT, args="run /bin/busybox reboot -f",
            extra=["-d", "cpu_reset", "-D", str(log)]) as vm:
        assert vm.wait() == 0
    assert "Triple fault" not in log.read_text()


def test_without_tables_a_triple_fault_resets(tmp_path):
    """QEMU's microvm without ACPI has neither an i8042 nor a chipset's register."""
    log = tmp_path / "resets"
    with VM(machine="microvm,acpi=off", append=NO_EXIT, args="run /bin/busybox reboot -f",
            extra=["-d", "cpu_reset", "-D", str(log)]) as vm:
        vm.wait()
    assert "Triple fault" in log.read_text()


@pytest.mark.parametrize("sci_flags, how", [(None, "active-lo level"), (0, "active-lo level"),
                                            (0xd, "active-hi level")])
def test_interrupt_of_acpi_is_level_triggered(tmp_path, sci_flags, how):
    """Also if the MADT has no override for it, or one that leaves it to the bus."""
    extra = [*qemu_arguments(tmp_path, fadt(), cpus=2, sci_flags=sci_flags), *qmp(tmp_path)]
    with VM(machine="q35,acpi=off", extra=extra) as vm:
        vm.shell()
        monitor = Monitor(f"{tmp_path}/qmp")
        pin = re.search(r"pin 9 .*", monitor.words("info pic", 0))[0]
        assert how in re.sub(r"\s+", " ", pin)
        monitor.command("system_powerdown")
        vm.expect("power button: init ends all programs")
        assert vm.wait() == ENDED


def test_nobutton_leaves_the_button_to_the_firmware(tmp_path):
    with VM(append="nobutton", extra=qmp(tmp_path)) as vm:
        vm.shell()
        press(tmp_path)
        vm.run("sleep 1")
        assert "power button" not in vm.log


KEYBOARDS = {   # FADT, DSDT, SSDT, kernel words, is the keyboard there?
    "fadt-says-yes": (I8042, S5, None, "", True),
    "dsdt-names-it": (0, S5 + PS2_KEYBOARD, None, "", True),
    "ssdt-names-it": (0, S5, PS2_KEYBOARD, "", True),
    "nothing-names-it": (0, S5, None, "", False),
    "asked-for": (0, S5, None, "i8042.nopnp", True),
}


@pytest.mark.parametrize("case", KEYBOARDS)
def test_ps2_keyboard_that_the_fadt_denies(tmp_path, case):
    flags, dsdt, ssdt, words, there = KEYBOARDS[case]
    extra = [*qemu_arguments(tmp_path, fadt(boot_flags=flags), dsdt, ssdt, cpus=2), *qmp(tmp_path)]
    with VM(machine="q35,acpi=off", append=words, extra=extra) as vm:
        vm.shell()
        assert ("FADT denies" in vm.log) == (there and not flags and not words)
        keys = Keys(tmp_path / "qmp")
        keys.type("echo Typed-Here\n")
        if there:
            vm.expect(r"\nTyped-Here\r")
        else:
            vm.run("sleep 1")
            assert "Typed-Here" not in vm.log


def test_named_keyboard_that_is_not_there(tmp_path):
    extra = qemu_arguments(tmp_path, fadt(), S5 + PS2_KEYBOARD, cpus=2)
    with VM(machine="q35,acpi=off,i8042=off", extra=extra) as vm:
        vm.shell()
        vm.run("echo the shell is here")
