# SPDX-License-Identifier: MIT
"""Parts of the kernel that know no machine, run on the host under the sanitizers."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNITS = sorted((ROOT / "tests/host").glob("test_*.c"))


def directive(text, name):
    match = re.search(rf"/\* {name}: (.*?)\*/", text, re.S)
    return match.group(1).replace("\n *", " ").split() if match else []


@pytest.mark.parametrize("source", UNITS, ids=lambda p: p.stem)
def test_unit(source, tmp_path):
    text = source.read_text()
    program = tmp_path / source.stem
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                    "-I.", "-Itests/host", *directive(text, "host-flags"),
                    "-o", program, source, *directive(text, "host-sources")],
                   cwd=ROOT, check=True)
    result = subprocess.run([program], capture_output=True, text=True, timeout=300)
    print(result.stdout[-3000:], result.stderr[-3000:])
    assert result.returncode == 0
    assert "not ok" not in result.stdout


def test_floors():
    """Includes lead downward only; no circles between files."""
    result = subprocess.run(["python3", "tests/host/test_floors.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0


def test_docs():
    """Every lab has its page; links and the sources that are named exist."""
    result = subprocess.run(["python3", "tests/host/test_docs.py"], cwd=ROOT,
                            capture_output=True, text=True)
    print(result.stdout, result.stderr)
    assert result.returncode == 0
