# SPDX-License-Identifier: MIT
"""`make suite`: a folder of test programs, run in a machine and counted."""
import os
import re
import subprocess
import sys

import pytest

from vm import BUILD, HANGS, ROOT

TESTS = {
    "bad/down": "echo going down; sleep 1; poweroff -f; sleep 20",
    "bad/fail": "echo the reason; exit 1",
    "bad/hang": "(setsid sleep 1234 &); setsid sleep 1234 & sleep 1234",
    "bad/signal": "kill -11 $$",
    "bad/unresolved": "exit 2",
    # Its files, processes and objects are gone when the next test begins.
    "good/dirty": "touch dirt /dev/shm/dirt; setsid sleep 1234 & helper",
    "good/input": "read x; [ -z \"$x\" ]",
    "good/lonely": "[ -z \"$(ls . /dev/shm | grep dirt)\" ] && ! ps | grep -q '[s]leep 1234'",
    "good/unsupported": "exit 4",
    "good/untested": "exit 5",
    "lib/helper": "exit 0",
}


@pytest.fixture
def folder(tmp_path):
    for name, script in TESTS.items():
        path = tmp_path / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    (tmp_path / "suite/good/data").write_text("no test\n")
    return tmp_path / "suite"


def suite(*arguments):
    done = subprocess.run([sys.executable, ROOT / "tools/suite.py", *map(str, arguments)], timeout=HANGS,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "BUILD": str(BUILD), "CPUS": "2"})
    return done.returncode, done.stdout


def results(text):
    """{name: (passed, word)}"""
    return {name: (ok == "ok", word) for ok, name, word in
            re.findall(r"^(not ok|ok) \d+ - (\S+) # (.*) [\d.]+ s$", text, re.M)}


def test_a_folder_is_run_and_counted(folder):
    status, text = suite("-k", "posix", "-t", "10", folder)
    assert status == 1, text
    assert results(text) == {
        "bad/down": (False, "MACHINE"), "bad/fail": (False, "FAIL"), "bad/hang": (False, "TIMEOUT"),
        "bad/signal": (False, "SIGNAL 11"), "bad/unresolved": (False, "UNRESOLVED"),
        "good/dirty": (True, "PASS"), "good/input": (True, "PASS"), "good/lonely": (True, "PASS"),
        "good/unsupported": (True, "SKIP UNSUPPORTED"), "good/untested": (True, "SKIP UNTESTED"),
    }, text
    assert "#   the reason" in text
    assert text.startswith("TAP version 13\n1..10\n")
    assert re.search(r"^# good +3 +2 +0$", text, re.M), text
    assert re.search(r"^# all +3 +2 +5$", text, re.M), text
    assert "# the machine stopped during bad/down" in text


def test_tests_are_chosen_by_name(folder):
    status, text = suite("-m", "good/*", "-x", "un", folder)
    assert status == 0, text
    assert set(results(text)) == {"good/dirty", "good/input", "good/lonely"}, text


def test_a_folder_without_tests_is_an_error(tmp_path):
    status, text = suite(tmp_path)
    assert status == 2 and "no test lies in" in text, text
