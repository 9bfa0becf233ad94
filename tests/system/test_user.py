# SPDX-License-Identifier: MIT
"""Programs in tests/user behave on Heddle as they do on Linux: the same lines, the same status.

One boot a configuration runs them all; one that brings the machine down costs another boot for the
rest.  On the host they want root, as they are on Heddle; for others, their own verdict is taken."""
import functools
import os
import pathlib
import re
import subprocess

import pytest

from conftest import alone_on_host
from vm import BUILD, ENDED, HANGS, INIT_FAILED, VM

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = sorted(p.stem for p in (ROOT / "tests/user").glob("*.c")
                  if p.stem not in ("run_all", "scene", "scene_pie", "slow_terminal", "cores"))

# Memory for 1,000 processes at once, which the default limit wants to see 96 KiB each for.
CONFIGURATIONS = {
    "1cpu": dict(cpus=1, mem="512M"),
    "2cpus": dict(cpus=2, mem="512M"),
    "4cpus-1ms": dict(cpus=4, mem="512M", append="sched_slice_us=1000"),
    "4cpus-debug": dict(cpus=4, mem="512M"),
}

# What Heddle does not do, by its own decision or not yet: program and line.
MISSING = {}


def parse(text):
    """{program: (status, its ok lines, all it said)}; a program that never ended has status None."""
    results, name, lines = {}, None, []
    for line in text.replace("\r", "").split("\n"):
        if match := re.fullmatch(r"=== (\w+)", line):
            name, lines = match[1], []
            results[name] = (None, [], lines)
        elif match := re.fullmatch(r"=== (\w+) status (\d+)", line):
            verdicts = [x for x in lines if re.match(r"(not )?ok ", x)]
            results[match[1]] = (int(match[2]), verdicts, lines)
            name = None
        elif name:
            lines.append(line)
    return results


@pytest.fixture(scope="session")
def programs(request):
    """Those that this run of pytest looks at."""
    asked = {item.callspec.params.get("program") for item in request.session.items
             if hasattr(item, "callspec")}
    return tuple(name for name in PROGRAMS if name in asked)


@pytest.fixture(scope="session")
def host(programs, tmp_path_factory):
    """What they do on the host, run when it is asked for; workers that run side by side share the result."""
    folder = tmp_path_factory.getbasetemp()
    return functools.partial(on_host, programs,
                             folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder)


@functools.cache
def on_host(programs, folder):
    if os.geteuid() != 0:
        return None
    kept = folder / "on_host"
    with alone_on_host():
        if not kept.exists():
            kept.write_text(subprocess.run([BUILD / "tests/user/run_all", *programs], stdout=subprocess.PIPE,
                                           text=True, timeout=HANGS).stdout)
    return parse(kept.read_text())


@functools.cache
def on_heddle(configuration, build, programs):
    """The programs' results, over as many boots as it takes (a few at most)."""
    results, left = {}, list(programs)
    for _ in range(4):
        with VM(build=build, timeout=600, args="run /tests/run_all " + " ".join(left),
                **CONFIGURATIONS[configuration]) as vm:
            try:
                status = vm.wait(600)
            except AssertionError:
                status = "none within 600 s"
        found = parse(vm.log)
        for name, (_, _, lines) in found.items():
            if found[name][0] is None:
                lines.append(f"the machine ended meanwhile, status {status}")
        results.update(found)
        left = [name for name in left if name not in results]
        if not left:
            break
    return results


@pytest.mark.parametrize("program", PROGRAMS)
def test_on_host(program, host):
    results = host()
    if results is None:
        pytest.skip("wants root")
    status, verdicts, lines = results[program]
    assert status == 0, "\n".join(lines)
    assert not any(v.startswith("not") for v in verdicts)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_on_heddle(configuration, program, programs, host, request):
    build = BUILD
    if "debug" in configuration:
        build = request.getfixturevalue("debug_build")
    results = on_heddle(configuration, build, programs)
    assert program in results, "the machine never came so far"
    status, verdicts, lines = results[program]
    missing = MISSING.get(program, {})
    expected = [("not ok " if name in missing else "ok ") + name
                for name in (v.split("ok ")[1] for v in verdicts)]
    if host():
        assert [e.split("ok ")[1] for e in expected] == \
            [v.split("ok ")[1] for v in host()[program][1]], "\n".join(lines)
    assert verdicts == expected, "\n".join(lines)
    assert status == (1 if missing else 0), "\n".join(lines)


def test_names_do_not_fill_the_memory():
    """In a small memory the limit is soon reached.  The machine goes on, and ends in order."""
    with VM(cpus=2, mem="128M", timeout=100, args="run /tests/names_full") as vm:
        assert vm.wait(100) == ENDED, vm.log[-3000:]
    assert "ok symbolic_links" in vm.log and "not ok" not in vm.log


@pytest.mark.slow
@pytest.mark.parametrize("command", ["threads 1000", "forktree 1000 20", "leak 10000",
                                     "registers 5000", "wild 5000", "hostile_elf 3000"])
def test_many_rounds(command):
    """What the capability promises, at length: 4 CPUs, slices of 1 ms."""
    with VM(cpus=4, mem="512M", append="sched_slice_us=1000", timeout=3600,
            args=f"run /tests/{command}") as vm:
        status = vm.wait(3600)
    assert "not ok" not in vm.log, vm.log[-3000:]
    assert status == ENDED, vm.log[-3000:]


def test_failure_is_seen():
    """A program's bad status reaches QEMU's."""
    with VM(args="run /bin/false") as vm:
        assert vm.wait() == INIT_FAILED
