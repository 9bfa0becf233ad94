# SPDX-License-Identifier: MIT
"""What the pages of docs/ name is there: functions, files, and where links lead."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = {p.relative_to(ROOT): p.read_text() for p in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]}
SOURCES = [p for top in ("boot", "arch", "kernel", "tests", "user", "tools")
           for p in (ROOT / top).rglob("*") if p.suffix in (".c", ".h", ".S", ".py", ".js", ".sh")]


def named(pattern):
    return [(page, name) for page, text in PAGES.items() for name in re.findall(pattern, text)]


def test_functions():
    words = set(re.findall(r"\w+", "\n".join(p.read_text() for p in SOURCES)))
    assert [n for n in named(r"`(?:sys_)?(\w+)\(\)") if n[1] not in words] == []


def test_files():
    files = {p.name for p in SOURCES}
    assert [n for n in named(r"`[\w./]*?(\w+\.[chS]|\w+\.py)\b")
            if n[1] not in files and n[1][0] != "_"] == []


def test_links():
    assert [n for n in named(r"\]\(([^)#:]+)[^):]*\)")
            if not (ROOT / n[0].parent / n[1]).exists()] == []
