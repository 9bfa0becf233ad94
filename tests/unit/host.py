# SPDX-License-Identifier: MIT
"""How files of the kernel are compiled on the host: for the units, and for the fuzz targets."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The constants of the extensions, all absent.
WITHOUT = [f"-DWITH_{name.upper()}=0" for name in re.search(
    r"^WATCHED := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()]


def directive(text, name):
    """The words behind `name:` in a comment at the beginning of a test's file."""
    match = re.search(rf"/\* {name}: (.*?)\*/", text, re.S)
    return match.group(1).replace("\n *", " ").split() if match else []
