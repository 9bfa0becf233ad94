# SPDX-License-Identifier: MIT
"""Builds what the tests need, once."""
import os
import pathlib
import subprocess
import sys

import pytest

# Programs with a harness of their own, run by test_host.py.
collect_ignore_glob = ["host/*"]

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))


def make(*arguments):
    result = subprocess.run(["make", "-C", ROOT, f"-j{os.cpu_count()}", *arguments],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="session", autouse=True)
def built():
    """The kernel as users get it."""
    make("all")


@pytest.fixture(scope="session")
def debug_build():
    """The kernel with every check on: lock order, preconditions, poisoned memory."""
    make("all", "BUILD=build/debug", "DEBUG=1", "SANITIZE=1")
    return ROOT / "build/debug"


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also what takes minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; run with --slow")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: make test TESTFLAGS=--slow"))
