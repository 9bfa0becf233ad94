# SPDX-License-Identifier: MIT
"""What all tests share: the kernels that they need, each built once, and which tests run."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def make(*arguments):
    result = subprocess.run(["make", "-C", ROOT, f"-j{os.cpu_count()}", *arguments],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="session")
def built():
    """The kernel as users get it."""
    make("all")


@pytest.fixture(autouse=True)
def machine(request):
    """The tests of virtual machines want the kernel built."""
    if request.path.parent.name == "system":
        request.getfixturevalue("built")


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
