# SPDX-License-Identifier: MIT
"""Keyboards on the USB: a PC without a PS/2 port, typed at through xHCI, behind hubs, plugged in and out."""
import time

import pytest

from keyboard import Keys
from vm import REBOOT, VM


def machine(tmp_path, *devices, cpus=2, **options):
    """A PC without an i8042."""
    qmp = tmp_path / "qmp"
    extra = ["-qmp", f"unix:{qmp},server=on,wait=off"]
    for device in devices:
        extra += ["-device", device]
    return VM(cpus=cpus, machine="q35,i8042=off", extra=extra, **options), qmp


def ready(vm):
    """Wait for the prompt and for a keyboard, in any order."""
    vm.expect("~ # ")
    if "a keyboard" not in vm.log:
        vm.expect(r"usb: device \S+ at [^\n]*: a keyboard")


CASES = {
    "root-port": (["qemu-xhci,id=x", "usb-kbd,bus=x.0"], 1),
    "msi": (["nec-usb-xhci,id=x,msix=off", "usb-kbd,bus=x.0"], 2),
    "polled": (["nec-usb-xhci,id=x,msi=off,msix=off", "usb-kbd,bus=x.0"], 2),
    "hub-in-hub": (["qemu-xhci,id=x", "usb-hub,bus=x.0,port=1", "usb-hub,bus=x.0,port=1.2",
                    "usb-tablet,bus=x.0,port=1.1", "usb-kbd,bus=x.0,port=1.2.3"], 2),
    "second-controller": (["qemu-xhci,id=w", "qemu-xhci,id=x", "usb-kbd,bus=x.0"], 2),
}


@pytest.mark.parametrize("case", CASES)
def test_types(tmp_path, case):
    devices, count = CASES[case]
    vm, qmp = machine(tmp_path, *devices, cpus=count)
    with vm:
        ready(vm)
        keys = Keys(qmp)
        keys.type("echo Typed-Here\n")
        vm.expect(r"\nTyped-Here\r")
        keys.type("echo Be-Gun; sleep 1000\n")
        vm.expect(r"\nBe-Gun\r")   # so the terminal is the command's
        keys.press("ctrl", "c")
        vm.expect(r"\^C")
        vm.shell()
        keys.press("up")
        keys.press("up")            # the line before the last
        keys.press("ret")
        vm.expect(r"\nTyped-Here\r")


def test_two_at_once(tmp_path):
    """Keys of two keyboards in turn, and Shift of one with a letter of the other."""
    vm, qmp = machine(tmp_path, "VGA,id=one", "bochs-display,id=two", "qemu-xhci,id=x", "usb-hub,bus=x.0,port=1",
                      "usb-kbd,bus=x.0,port=1.1,display=one", "usb-kbd,bus=x.0,port=2,display=two")

    def key(keyboard, name, *ways):
        for down in ways or (True, False):
            keys.ask("input-send-event", device=keyboard, head=0, events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}])
            time.sleep(0.1)

    with vm:
        ready(vm)
        if vm.log.count("a keyboard") < 2:
            vm.expect(r"usb: device \S+ at [^\n]*: a keyboard")
        vm.run("true")
        keys = Keys(qmp)
        # One after the other: of reports that wait together, those of the first keyboard come first.
        for place, letter in enumerate("echo a"):
            key(("one", "two")[place % 2], "spc" if letter == " " else letter)
            vm.expect(letter)
        key("one", "shift", True)
        for keyboard, letter in (("one", "B"), ("two", "C")):
            key(keyboard, letter.lower())
            vm.expect(letter)
        key("one", "shift", False)
        key("two", "ret")
        vm.expect(r"\naBC\r")


def test_held_key_repeats(tmp_path):
    vm, qmp = machine(tmp_path, "qemu-xhci,id=x", "usb-kbd,bus=x.0")
    with vm:
        ready(vm)
        keys = Keys(qmp)
        keys.type("echo ")
        keys.press("a", hold=1500)
        keys.type("z\n")
        many = vm.expect(r"\n(a+)z\r")[1]
        assert 4 <= len(many) <= 30, f"wanted 4 to 30 letters, found {len(many)}"


def test_plugged_in_and_out(tmp_path):
    vm, qmp = machine(tmp_path, "qemu-xhci,id=x", "usb-hub,bus=x.0,port=1,id=hub",
                      "usb-kbd,bus=x.0,port=1.2,id=one")
    with vm:
        ready(vm)
        keys = Keys(qmp)
        for round_ in range(3):
            keys.ask("device_del", id="one" if round_ == 0 else f"k{round_}")
            vm.expect(r"usb: device \S+ is gone")
            port = ("3", "1.4", "1.2")[round_]
            keys.ask("device_add", driver="usb-kbd", bus="x.0", port=port, id=f"k{round_ + 1}")
            vm.expect(r"usb: device \S+ at [^\n]*: a keyboard")
            keys.type(f"echo Round-{round_}\n")
            vm.expect(rf"\nRound-{round_}\r")
        keys.ask("device_del", id="hub")        # and what is behind it
        vm.expect(r"usb: device \S+ is gone")
        vm.expect(r"usb: device \S+ is gone")
        vm.run("echo the shell is here")


@pytest.mark.parametrize("which", ["usb", "ps2"])
def test_ctrl_alt_del_starts_the_machine_again(tmp_path, which):
    vm, qmp = machine(tmp_path, "qemu-xhci,id=x", "usb-kbd,bus=x.0")
    if which == "ps2":
        vm = VM(extra=["-qmp", f"unix:{qmp},server=on,wait=off"])
    with vm:
        ready(vm) if which == "usb" else vm.shell()
        Keys(qmp).press("ctrl", "alt", "delete")
        vm.expect("Ctrl-Alt-Del: the machine starts again")
        assert vm.wait() == REBOOT


@pytest.mark.parametrize("devices, says", [(["qemu-xhci,id=x", "usb-tablet,bus=x.0"], True),
                                           (["qemu-xhci,id=x", "usb-kbd,bus=x.0"], False)])
def test_a_machine_without_a_keyboard_says_so(tmp_path, devices, says):
    vm, _ = machine(tmp_path, *devices, boot="iso", args="run /bin/sleep 7")
    with vm:
        vm.wait()
        assert ("keyboard: none found" in vm.log) == says
