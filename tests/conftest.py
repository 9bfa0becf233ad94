# SPDX-License-Identifier: MIT
"""What all tests share: the kernels that they need, each built once, and which tests run."""
import contextlib
import difflib
import fcntl
import os
import pathlib
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def one_builder():
    """Tests that run side by side build one after the other: what is built already takes no time."""
    with open(ROOT / "tests" / "conftest.py") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def alone_on_host():
    """Programs of tests/user on the host run one after the other, also those of another run of the tests:
    they set the clock, and count what a user has of processes, signals and queues."""
    with open(pathlib.Path(tempfile.gettempdir()) / "heddle-on-host.lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(*arguments):
    with one_builder():
        result = subprocess.run(["make", "-C", ROOT, f"-j{os.cpu_count()}", *arguments],
                                capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="session")
def built():
    """The kernel as users get it.  Tests that run side by side share it, so none may build it anew."""
    make("all")
    files = [ROOT / "build" / name for name in ("heddle.elf", "initramfs.cpio")]
    before = [file.stat().st_mtime_ns for file in files]
    yield
    for file, time in zip(files, before):
        assert file.stat().st_mtime_ns == time, f"{file} was built anew while tests used it"


@pytest.fixture(scope="session")
def debug_build():
    """The kernel with every check on: lock order, preconditions, poisoned memory."""
    make("all", "BUILD=build/debug", "DEBUG=1", "SANITIZE=1")
    return ROOT / "build/debug"


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also what takes minutes")
    parser.addoption("--name", help="only what is called so: a unit, a self-test of the kernel, a "
                     "program of tests/user, a lab, a file or a test of pytest; else as for -k")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; run with --slow")
    config.addinivalue_line("markers", "names(*names): what else --name finds this test by")


def names_of(item):
    """Everything that --name finds a test by."""
    names = {item.name, item.originalname, item.path.stem}
    for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
        names.add(value.stem if isinstance(value, pathlib.Path) else str(value))
    for mark in item.iter_markers("names"):
        names.update(mark.args)
    return names | {name.removeprefix("test_") for name in names}


# Files that take longest come first, so that the end of a run keeps every worker busy.
LONGEST = ["test_user", "test_core", "test_labs", "test_exercises", "test_gdb", "test_sanitizers"]


def group_of(item):
    """Tests of a group run in one worker (pytest-xdist): they share what a fixture has made."""
    configuration = getattr(item, "callspec", None) and item.callspec.params.get("configuration")
    return f"{item.path.stem}-{configuration}" if configuration else item.path.stem


def rank(item):
    return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(config, items):
    name, collected = config.getoption("name"), list(items)
    for item in items:  # the kernel is built before a fixture of a module boots it
        if item.path.parent.name == "system" and "built" not in item.fixturenames:
            item.fixturenames.insert(0, "built")
    named = [item for item in items if name in names_of(item)]
    if named:
        config.hook.pytest_deselected(items=[item for item in items if item not in named])
        items[:] = named
    elif name:
        config.option.keyword = name  # which pytest itself selects by, next
    if os.environ.get("PYTEST_XDIST_WORKER"):
        items.sort(key=rank)
        for item in items:
            item.add_marker(pytest.mark.xdist_group(group_of(item)))
    yield
    if name and not items:
        known = set().union(*map(names_of, collected))
        near = difflib.get_close_matches(name, sorted(known), 8, 0.5)
        raise pytest.UsageError(f"no test is called {name}" +
                                (f"; near: {', '.join(near)}" if near else ""))
    if not config.getoption("--slow") and not named:
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: make test TESTFLAGS=--slow"))


class Count:
    """A run in which nothing ran is no success."""
    ran = False

    def pytest_runtest_logreport(self, report):
        self.ran |= report.when == "call" and not report.skipped or report.failed

    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus == 0 and not self.ran and not session.config.option.collectonly:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
            print("\nNo test ran.")


def pytest_sessionstart(session):
    session.config.pluginmanager.register(Count())
