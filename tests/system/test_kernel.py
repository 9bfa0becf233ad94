# SPDX-License-Identifier: MIT
"""The kernel's own tests, inside it, on several numbers of CPUs, with every check on."""
import re
import subprocess

import pytest

from vm import BUILD, ENDED, PANIC, ROOT, VM

# Extensions that only builds of their own contain (test_sanitizers.py).
APART = ("races", "addresses", "coverage", "undefined")
SELF_TESTS = sorted(name for path in (ROOT / "tests/kernel").rglob("*.c")
                    if path.parent.name not in APART
                    for name in re.findall(r"^KTEST\((\w+)\)", path.read_text(), re.M))


@pytest.mark.names(*SELF_TESTS)
@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_self_tests(cpus, debug_build, request):
    """All of them; or the one that `make test NAME=` names."""
    name = request.config.getoption("name")
    selftest = f"selftest={name}" if name in SELF_TESTS else "selftest"
    with VM(cpus=cpus, append=f"{selftest} sched_slice_us=1000", build=debug_build,
            timeout=240) as vm:
        status = vm.wait()
    assert not re.search(r"^.*\bnot ok\b.*$", vm.log, re.M), vm.log[-3000:]
    assert status == ENDED, vm.log[-3000:]
    assert re.search(r"\bok 1\b", vm.log)


def test_no_self_test_is_a_failure():
    with VM(append="selftest=nosuch") as vm:
        assert vm.wait() == PANIC
    assert "no self-test's name contains nosuch" in vm.log


def test_checks_fold():
    """A build without DEBUG=1 calls no check of locks or of sleeping."""
    calls = []
    sources = sorted(path for path in (ROOT / "kernel").rglob("*.c")
                     if path.parent.name not in APART)
    for o in [BUILD / f"{source.relative_to(ROOT)}.o" for source in sources]:
        undefined = subprocess.run(["nm", "-u", o], capture_output=True, text=True, check=True).stdout
        calls += [f"{o.name}: {name}" for name in undefined.split()
                  if re.match("lockdep_(?!thread_locks)|might_sleep|sleep_check|spin_check", name)
                  and o.name not in ("spinlock.c.o", "lockdep.c.o")]
    assert not calls
