# SPDX-License-Identifier: MIT
"""The checkers of accesses (docs/trust.md): each finds a mistake, and nothing in the kernel itself."""
import re
import shutil

import pytest

from conftest import make
from test_user import PROGRAMS as ALL
from vm import BUILD, ENDED, PANIC, ROOT, VM

# What changes most of what threads share, in little time.
PROGRAMS = ["processes", "threads", "futexes", "pipes", "signals", "memory", "executes"]
AT_ONCE = 20 # the command line has room for so many names


@pytest.fixture(scope="module")
def races():
    make("SANITIZE=races", "BUILD=build/races", "build/races/heddle.elf")
    return ROOT / "build/races"


@pytest.fixture(scope="module")
def addresses():
    make("SANITIZE=addresses", "DEBUG=1", "BUILD=build/addresses", "build/addresses/heddle.elf")
    return ROOT / "build/addresses"


def run(build, cpus, meant="^$", **options):
    with VM(cpus=cpus, build=build, initrd=BUILD / "initramfs.cpio", mem="768M", timeout=900,
            **options) as vm:
        status = vm.wait()
    reports = [line for line in re.findall(r"^.*(?:\brace: |kernel panic|\bnot ok ).*$", vm.log, re.M)
               if not re.search(meant, line)]
    assert not reports, "\n".join(reports)
    assert status == ENDED, vm.log[-3000:]
    return vm.log


@pytest.mark.parametrize("cpus", [1, 2])
def test_races_are_found(races, cpus):
    log = run(races, cpus, meant=r"race: .* in (add_plain|read_plain)\b", append="selftest=races_")
    assert len(re.findall(r"\bok \d+ races_", log)) == 4
    # Each report names both places: which is the watched one of two plain accesses is chance.
    pairs = re.findall(r"race: (read|write) of 8 bytes at 0x\w+ in (\w+)\S*, (?:read|write) in (\w+)\S*\r*$",
                       log, re.M)
    wanted = {("read", "read_plain", name) for name in
              ("write_marked", "write_atomic", "add_one_atomic", "exchange_atomic", "fill_in_assembler")}
    found = {pair for pair in pairs if pair[1] == "read_plain"}
    assert found == (wanted if cpus > 1 else set()), log[-3000:]
    assert any(pair[1:] == ("add_plain", "add_plain") for pair in pairs) == (cpus > 1), log[-3000:]


def test_no_races(races):
    run(races, 2, args="run /tests/run_all " + " ".join(PROGRAMS))


def test_addresses_of_the_kernel(addresses):
    assert re.search(r"\bok 1 addresses_", run(addresses, 2, append="selftest"))


def test_no_wrong_addresses(addresses):
    run(addresses, 2, args="run /tests/run_all " + " ".join(PROGRAMS))


@pytest.mark.parametrize("mistake, report", [
    ("behind", r"write of 1 bytes at 0x(\w+) by behind\+\w+: 0x\1 is behind an object, allocated by allocates\b"),
    ("behind_zeroed", r"write of 8 bytes .* by behind_zeroed\+\w+: .* is behind an object, allocated by allocates_zeroed\b"),
    ("behind_large", r"read of 1 bytes .* by behind_large\+\w+: .* is behind an object, allocated by allocates\b"),
    ("behind_in_cache", r"read of 1 bytes .* by behind_in_cache\+\w+: .* is behind an object, allocated by allocates_from\b"),
    ("after_free", r"read of 8 bytes .* by after_free\+\w+: .* is in freed memory, freed by frees\b"),
    ("after_large_free", r"read of 8 bytes .* by after_large_free\+\w+: .* is in freed memory, freed by frees\b"),
    ("after_frame_free", r"read of 8 bytes .* by after_frame_free\+\w+: .* is in a free frame, freed by frees_to\b"),
    ("twice", r"twice\+\w+ frees 0x\w+, which is free, freed by frees\b"),
    ("twice_in_cache", r"twice_in_cache\+\w+ frees 0x\w+, which is free, freed by frees_to\b"),
    ("frame", r"read of 8 bytes at 0x\w+ by frame\+\w+: 0x\w+ is in a free frame, freed by frees_frame\b"),
    ("unwritten", r"byte 4 of 16 that unwritten\+\w+ copies to a user was not initialised, allocated by allocates\b"),
    ("unwritten_frame", r"byte 0 of 16 that unwritten_frame\+\w+ copies .* not initialised, allocated by allocates_frame\b"),
    ("unwritten_stack", r"byte 4 of 16 that unwritten_stack\+\w+ copies to a user was not initialised, on the stack")])
def test_wrong_addresses_are_found(addresses, mistake, report):
    with VM(build=addresses, initrd=BUILD / "initramfs.cpio", timeout=300,
            append=f"addresses_test={mistake}") as vm:
        assert vm.wait() == PANIC
    assert re.search(report, vm.log), vm.log[-3000:]


UNDEFINED = "tests/kernel/undefined/test_undefined.c"


def place_of(function):
    """The line of a mistake, and its function."""
    text = (ROOT / UNDEFINED).read_text()
    line = next(n for n, line in enumerate(text.split("\n"), 1) if "/* here */" in line
                and n > text[:text.index(f" {function}(void)\n{{")].count("\n"))
    return rf"{UNDEFINED}:{line}:\d+, in {function}\b"


INDEX = r"index 64 is outside of '(u32|unsigned int) ?\[5\]'.*"


@pytest.mark.parametrize("mistake, report", [
    ("shift", "shift by 64 of a 32-bit value"),
    ("add", r"overflow: 2147483647 \+ 1 does not fit 'int'"),
    ("index", INDEX),
    ("null", "load of '(u64|unsigned long)'.* by a null pointer"),
    ("locked", INDEX),
    ("at_boot", INDEX)])
def test_undefined_behaviour_is_named(debug_build, mistake, report):
    """Its kind, operands, place and function; also under a lock, and before memory is set up."""
    with VM(build=debug_build, timeout=300, append=f"undefined_test={mistake}") as vm:
        assert vm.wait() == PANIC, vm.log[-3000:]
    for wanted in (f"kernel panic: undefined behaviour: {report} at {place_of(mistake)}",
                   rf" __ubsan_handle_\w+\+0x.*\n.* 0x\w+ {mistake}(\.cold)?\+0x"):
        assert re.search(wanted, vm.log), f"wanted: {wanted}\nfound: {vm.log[-3000:]}"


@pytest.mark.parametrize("mistake, reports", [
    ("again", [f"kernel panic: undefined behaviour: shift .* at {place_of('shift')}",
               f"panic in the report itself: undefined behaviour: {INDEX} at {place_of('note')}"]),
    ("in_the_log", [f"undefined behaviour in its own report: {place_of('clock').split(':')[0]}:"
                    f"{place_of('clock').split(':')[1]}\r?\n"])])
def test_undefined_behaviour_in_a_report_ends_it(debug_build, mistake, reports):
    with VM(build=debug_build, timeout=300, append=f"undefined_test={mistake}") as vm:
        assert vm.wait() == PANIC, vm.log[-3000:]
    for wanted in reports:
        assert re.search(wanted, vm.log), f"wanted: {wanted}\nfound: {vm.log[-3000:]}"


@pytest.mark.skipif(not shutil.which("clang"), reason="no clang")
def test_nothing_is_undefined_for_clang():
    """It sees what gcc does not: gcc moved a constant across a comparison before it looked for overflow, and
    does not mind a pointer that leaves its variable. The debug build is gcc's (test_kernel.py)."""
    make("CC=clang", "SANITIZE=1", "BUILD=build/clang-undefined", "build/clang-undefined/heddle.elf")
    run(ROOT / "build/clang-undefined", 2, append="selftest")
    run(ROOT / "build/clang-undefined", 2, args="run /tests/run_all " + " ".join(PROGRAMS))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(ALL), AT_ONCE))
@pytest.mark.parametrize("kind", ["races", "addresses"])
def test_all_programs(request, kind, first):
    run(request.getfixturevalue(kind), 4,
        args="run /tests/run_all -t 600 " + " ".join(ALL[first:first + AT_ONCE]))
