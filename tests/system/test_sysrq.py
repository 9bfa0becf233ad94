# SPDX-License-Identifier: MIT
"""Magic keys: what they show and do, from each kind of keyboard, the serial line and /proc."""
import re

import pytest

from test_usb import Keys, machine, ready
from vm import ENDED, PANIC, REBOOT, VM


@pytest.fixture
def vm(tmp_path):
    with VM(extra=["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"]) as vm:
        vm.shell()
        vm.keys = Keys(tmp_path / "qmp")
        yield vm


def test_ps2_keyboard(vm):
    vm.keys.press("alt", "sysrq", "h")
    vm.expect(r"sysrq: +t +all threads")
    vm.expect(r"sysrq: +w ")
    vm.keys.type("echo Typed-Here\n")       # the h was no letter for the shell
    vm.expect(r"\nTyped-Here\r")


def test_usb_keyboard(tmp_path):
    vm, qmp = machine(tmp_path, "qemu-xhci,id=x", "usb-kbd,bus=x.0")
    with vm:
        ready(vm)
        keys = Keys(qmp)
        keys.press("alt", "print", "m")
        vm.expect("sysrq m: ")
        vm.expect("KiB free")
        vm.expect("kernel objects")
        keys.press("print", "h")            # without Alt: a letter
        keys.press("ret")
        vm.expect("h: not found")


def test_break_on_the_serial_line(vm):
    vm.keys.ask("chardev-send-break", id="console")
    vm.send("w")
    vm.expect("sysrq w: ")
    vm.expect(r"of \d+ threads of programs")
    vm.send("echo Typed-Here\n")            # the w was no letter for the shell
    vm.expect(r"\nTyped-Here\r")


def test_states_of_threads(vm):
    vm.run("sleep 1000 & sleep 1000 & sh -c 'while :; do :; done' &")
    for _ in range(50):  # they have to begin first
        out = vm.run("echo t >/proc/sysrq-trigger")
        if len(re.findall(r'\(process \d+\): S, sleeps for "sleep"', out)) == 2:
            break
    assert len(re.findall(r'\(process \d+\): S, sleeps for "sleep"', out)) == 2, out
    assert re.search(r"sh \(process \d+\): R, run", out), out
    assert re.search(r" < sys_clock_nanosleep\+\S+$", out, re.M), out
    shown, found = re.search(r"(\d+) of (\d+) threads of programs", out).groups()
    assert shown == found == str(len(re.findall(r"\] +\d+ .*\(process", out))), out
    for _ in range(50):  # it may be in an interrupt just now, or the host may let a CPU stand still
        out = vm.run("echo l >/proc/sysrq-trigger")
        if re.search(r"CPU \d: thread \d+ \(sh\), in user mode", out) and "0 that do not answer" in out:
            break
    assert re.search(r"CPU \d: thread \d+ \(sh\), in user mode", out), out
    assert re.search(r"CPU \d: thread \d+ \(sh\), .*\n.* < sys_write", out), out
    assert "0 that do not answer" in out


def test_ends_programs(vm):
    vm.send("""sh -c 'trap "echo Got-Term" TERM; echo Re""ady; while :; do sleep 0.1; done'\n""")
    vm.expect("Ready")
    vm.keys.press("alt", "sysrq", "e")
    vm.expect("Got-Term")
    vm.keys.press("alt", "sysrq", "i")
    vm.expect(r"init: the shell ended \(signal 9\); a new one starts")
    vm.shell()


@pytest.mark.parametrize("key, says, status", [
    ("b", "the machine starts again", REBOOT), ("o", "the machine is switched off", ENDED),
    ("c", "kernel panic: sysrq c", PANIC)])
def test_ends_the_machine(vm, key, says, status):
    vm.keys.press("alt", "sysrq", key)
    vm.expect(says)
    assert vm.wait() == status


def test_locks_in_debug_builds(debug_build):
    """On both CPUs something is always in the kernel."""
    with VM(build=debug_build, timeout=120) as vm:
        vm.shell()
        vm.run("cat /dev/zero >/dev/null & cat /dev/zero | cat >/dev/null &")
        out = vm.run("for i in 1 2 3 4 5; do for k in t d l; do echo $k >/proc/sysrq-trigger; done; done")
        assert re.search(r"holds file position 0x\w+, taken at \w+", out), out
        assert re.search(r"locks held:\n.* CPU \d: file position \S+ taken at \w+", out), out
        for _ in range(50):  # a busy host may let a CPU stand still
            if "0 that do not answer" in out:
                break
            out = vm.run("echo l >/proc/sysrq-trigger")
        assert "0 that do not answer" in out, out
