#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/room_lines.py: write anew how many lines the files have that the pages of the rooms list

A row of such a list begins with files and their lines, comments included: | `a.c`, `a.h` | 120, 40 |.
A path is relative to the room's folder, which the first line of the page names."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (`[\w./]+\.[chS]`(?:, `[\w./]+\.[chS]`)*) \| (\d+(?:, \d+)*) \|", re.M)


def pages():
    return sorted((ROOT / "docs/rooms").glob("*.md"))


def rows(text):
    """(match of a row, [(path from the root, the lines that it says, those that the file has)])."""
    folder = ROOT / re.match(r"# The room ([\w/]+)", text)[1]
    for match in ROW.finditer(text):
        names = re.findall(r"`([^`]+)`", match[1])
        counted, place = [], folder
        for name, said in zip(names, match[2].split(", "), strict=True):
            there = [p / name for p in (place, folder, ROOT) if (p / name).exists()]
            if not there:
                raise LookupError(f"the row {match[0]} names {name}, which is not there")
            path = there[0]
            place = path.parent  # perhaps of the files that follow in the row
            counted.append((path.resolve().relative_to(ROOT), int(said),
                            len(path.read_text(encoding="utf-8").splitlines())))
        yield match, counted


def main():
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for match, counted in reversed(list(rows(text))):
            text = text[:match.start(2)] + ", ".join(str(n) for *_, n in counted) + text[match.end(2):]
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
