# SPDX-License-Identifier: MIT
"""tools/setup.sh with a package manager, a QEMU and a GRUB that are scripts of this test."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = ["sh", "sed", "sort", "head", "cat", "uname", "grep", "mkdir", "dirname", "id", "env", "sleep",
         "timeout", "ln", "tr", "rm"]
# What each package brings; a package that is not here cannot be installed.
PACKAGES = {
    "gcc": ["gcc"], "make": ["make"], "qemu-system-x86": ["qemu-system-x86_64"],
    "qemu-utils": ["qemu-img"], "grub-common": ["grub-mkrescue"], "grub-pc-bin": [],
    "grub-efi-amd64-bin": [], "xorriso": ["xorriso"], "mtools": ["mformat"], "musl-dev": [],
    "musl-tools": ["musl-gcc"], "busybox-static": ["busybox"], "python3": ["python3"], "gdb": ["gdb"],
    "python3-pytest": [], "python3-pexpect": [], "tmux": ["tmux"], "ovmf": [], "libc6-dev": []}
TEST_ONLY = ["tmux", "chromium", "qemu-utils", "gdb"]


class Machine:
    """A PATH that has only what was installed on it."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.store = folder / "store"
        self.build = folder / "build"
        self.kvm = folder / "kvm"
        for made in (self.bin, self.store):
            made.mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.without = set()
        for program in [p for programs in PACKAGES.values() for p in programs]:
            self.script(self.store / program, "exit 0")
        self.qemu("7.2.0")
        self.script(self.store / "grub-mkrescue", "echo 'grub-mkrescue (GRUB) 2.06-13+deb12u2'")
        self.apt()

    @staticmethod
    def script(path, text):
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def qemu(self, version, run="exit 1"):
        self.script(self.store / "qemu-system-x86_64", f"""
case "$1" in --version) echo "QEMU emulator version {version} (Debian 1:{version}+x)"; exit 0;; esac
echo tried >> {self.store}/tries
{run}""")

    def apt(self):
        """It installs all packages or, if there is one that it does not know, none."""
        known = "\n".join(f"{p}) programs='{' '.join(PACKAGES[p])}' ;;" for p in PACKAGES
                          if p not in self.without)
        self.script(self.bin / "apt-get", f"""
[ "$1" = install ] || exit 0
for step in check install; do
    for package; do
        case "$package" in install | -*) continue ;; {known}
        *) echo "E: Unable to locate package $package" >&2; exit 100 ;; esac
        [ $step = install ] || continue
        echo $package >> {self.store}/installed
        for program in $programs; do ln -sf {self.store}/$program {self.bin}/$program; done
    done
done""")

    def run(self, *arguments, **environment):
        keep = {"PATH": str(self.bin), "CI": "1", "BUILD": str(self.build),
                "KVM_DEVICE": str(self.kvm), **environment}
        return subprocess.run([str(ROOT / "tools/setup.sh"), *arguments], env=keep, text=True, timeout=900,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def installed(self):
        path = self.store / "installed"
        return path.read_text().split() if path.exists() else []

    def tries(self):
        path = self.store / "tries"
        return len(path.read_text().split()) if path.exists() else 0


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_setup_installs_what_running_needs(machine):
    done = machine.run("setup", "run")
    assert done.returncode == 0, done.stdout
    assert "qemu-system-x86" in machine.installed() and "musl-tools" in machine.installed()
    assert not set(TEST_ONLY) & set(machine.installed())
    assert "make setup test" in done.stdout
    again = machine.run("setup")
    assert "everything is there already" in again.stdout


def test_setup_gdb_installs_gdb_too(machine):
    done = machine.run("setup", "gdb")
    assert {"gdb", "qemu-utils", "gcc"} <= set(machine.installed()), done.stdout
    assert "tmux" not in machine.installed()


def test_a_missing_optional_package_does_not_stop_the_others(machine):
    machine.without = {"tmux", "grub-efi-amd64-bin"}
    machine.apt()
    done = machine.run("setup", "test")
    assert {"gcc", "qemu-system-x86", "qemu-utils", "grub-pc-bin"} <= set(machine.installed())
    assert "no package tmux could be installed" in done.stdout, done.stdout
    assert "went on without tmux: no test of gdb's text interface" in done.stdout
    assert "still missing: tmux" not in done.stdout


def test_a_missing_required_package_is_an_error_after_the_others(machine):
    machine.without = {"qemu-system-x86"}
    machine.apt()
    done = machine.run("setup", "run")
    assert done.returncode == 1
    assert "still missing: QEMU for x86_64; without it: only real machines can run it" in done.stdout
    assert {"gcc", "busybox-static", "python3"} <= set(machine.installed())


@pytest.mark.parametrize("version, enough", [("3.1.0", False), ("4.0.0", True), ("10.1.2", True)])
def test_the_version_of_qemu_is_checked(machine, version, enough):
    assert machine.run("setup").returncode == 0
    machine.qemu(version)
    done = machine.run("version", "qemu")
    assert (done.returncode == 0) == enough
    doctor = machine.run("doctor").stdout
    if enough:
        assert f"ok       QEMU for x86_64 ({version})" in doctor
    else:
        assert "QEMU is version 3.1.0; Heddle needs at least 4.0" in done.stdout
        assert "MISSING  QEMU for x86_64 3.1.0 is too old, 4.0 is needed" in doctor


@pytest.mark.parametrize("version, enough", [("2.00", False), ("2.02~beta3-5", True), ("2.12", True)])
def test_the_version_of_grub_is_checked(machine, version, enough):
    machine.script(machine.bin / "grub-mkrescue", f"echo 'grub-mkrescue (GRUB) {version}'")
    done = machine.run("version", "grub", "grub-mkrescue")
    assert (done.returncode == 0) == enough, done.stdout
    assert enough or "GRUB (grub-mkrescue) is version 2.00; Heddle needs at least 2.02" in done.stdout


def test_kvm_is_tried_once_and_says_so(machine):
    machine.run("setup")
    machine.kvm.touch()
    first = machine.run("kvm")
    assert "trying once if KVM works" in first.stdout and first.stdout.endswith("tcg\n"), first.stdout
    assert f"kept in {machine.build}/kvm" in first.stdout
    assert machine.run("kvm").stdout == "tcg\n"
    doctor = machine.run("doctor").stdout
    assert "does not run a machine" in doctor and f"to try again: rm {machine.build}/kvm" in doctor
    assert machine.tries() == 1
    (machine.build / "kvm").unlink()
    machine.qemu("7.2.0", "echo SeaBIOS")
    assert machine.run("kvm").stdout.endswith("kvm\n") and machine.tries() == 2
    machine.qemu("7.3.0", "exit 1")  # another version may behave differently
    assert machine.run("kvm").stdout.endswith("tcg\n") and machine.tries() == 3
    (machine.build / "heddle.elf").touch()  # our kernel says more than the firmware
    machine.qemu("7.3.0", "exit 33")
    assert machine.run("kvm").stdout.endswith("kvm\n") and machine.tries() == 4
    machine.kvm.unlink()
    assert machine.run("kvm").stdout == "tcg\n" and machine.tries() == 4


def test_a_kvm_that_hangs_costs_ten_seconds_once(machine):
    machine.run("setup")
    machine.kvm.touch()
    machine.script(machine.bin / "timeout", "shift\n" + f"{shutil.which('timeout')} 1 \"$@\"")
    machine.qemu("7.2.0", "exec sleep 30")
    assert machine.run("kvm").stdout.endswith("tcg\n")
    assert machine.run("kvm").stdout == "tcg\n"
    assert machine.tries() == 1
    assert "timeout 10" in (ROOT / "tools/setup.sh").read_text()
