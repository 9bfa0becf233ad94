# SPDX-License-Identifier: MIT
"""The models of the kernel's protocols (tests/model): each without an error, each mutant with one."""
import shutil
import sys

import pytest

from vm import ROOT

sys.path.insert(0, str(ROOT / "tests/model"))
import models  # noqa: E402


@pytest.mark.skipif(not shutil.which("spin"), reason="spin is missing: make setup test")
@pytest.mark.parametrize("name", models.names())
def test_model(name):
    lines, wrong = models.judge(name)
    assert not wrong, "\n".join(lines)
    assert len(models.mutants(name)) >= 2


@pytest.mark.parametrize("name", models.names())
def test_functions_are_those_that_were_modelled(name):
    assert models.functions(name)
    assert models.changed(name) == [], "compare the model with them, then `make models RECORD=1`"


def test_a_changed_function_is_found(monkeypatch):
    text = models.function_text
    assert "list_remove" in text("kernel/task/wait.c", "wake_waiter")
    monkeypatch.setattr(models, "function_text", lambda file, function: text(file, function) + (
        "x" if function == "wake_if" else ""))
    assert models.changed("wait") == ["kernel/task/wakeup.c wake_if()"]


def test_the_mistakes_in_c_are_of_the_kernel_as_it_is():
    text = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    found = models.mistakes(text)
    assert sorted(found) == sorted((name, n) for name in models.names() for n in models.mutants(name))
    assert models.stale(text) == []


def test_a_stale_quote_is_found():
    text = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    old = text.replace("return w.woken ? 0 : result; */", "if (w.woken) result = 0; */")
    assert models.stale(old) == ["exclusive 1: the kernel has no `if (w.woken) result = 0;` there"]
    assert models.stale(text.replace("/* and no: WRITE_ONCE(", "/* and no: write_twice(")) == [
        "futex 5: the kernel has no `write_twice(w->bucket, to)` there"]
