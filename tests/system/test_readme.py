# SPDX-License-Identifier: MIT
"""The README: what it quotes is what the machine prints; the container's files name what is there."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from vm import BUILD, HANGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import readme  # noqa: E402


@pytest.mark.skipif(not shutil.which("gdb") or not shutil.which("grub-mkrescue"),
                    reason="gdb or GRUB is missing: make setup test")
def test_quotes():
    result = subprocess.run([sys.executable, ROOT / "tools/readme.py", "--check"], cwd=ROOT, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=HANGS,
                            stderr=subprocess.STDOUT, env=dict(os.environ, BUILD=str(BUILD)))
    assert result.returncode == 0, result.stdout[-4000:]


def test_every_quote_is_checked():
    """A block with the machine's output and without a mark would never be renewed."""
    page = (ROOT / "README.md").read_text()
    assert len(readme.QUOTE.findall(page)) == page.count("\n```\n<!-- end -->") == 3
    assert page.count("```") == 6
    assert not re.search(r"^    (~ #|\[ +\d|---)", page, re.M)


PRINTED = "one 1\ntwo 0x22 apples\n\nthree\nfour 4\n"


def test_numbers_are_renewed():
    assert readme.renewed(["one 9", "...", "four 8"], PRINTED) == ["one 1", "...", "four 4"]
    assert readme.renewed(["two 0x1 apples", "", "three"], PRINTED) == ["two 0x22 apples", "", "three"]


@pytest.mark.parametrize("quoted", [["one 9", "three"], ["two 5 pears"], ["four 4", "one 1"],
                                    ["...", "five"]])
def test_other_words_are_an_error(quoted):
    with pytest.raises(readme.Differs):
        readme.renewed(quoted, PRINTED)


def test_container():
    """The container is made by tools/setup.sh, and its other files by the container or .ci/run."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "COPY tools/setup.sh /tmp/setup.sh" in dockerfile
    assert "RUN /tmp/setup.sh setup $GOALS" in dockerfile
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    built = (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).resolve()
    assert built == ROOT / "Dockerfile"
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert "run: .ci/run" in workflow and "\t" not in workflow
    assert "make setup test" in (ROOT / ".ci/run").read_text()
