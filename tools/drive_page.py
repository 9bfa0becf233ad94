#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lab drive as one page for a browser: drive_page.py OUT.html   (make drive-page)

The levels are those of the lab, from the same file.  The page needs no server and no network."""
import pathlib
import sys

import labs

LEVELS = pathlib.Path(__file__).resolve().parent.parent / "user/labs/drive/levels.txt"


def page():
    return labs.page("Heddle: you are the scheduler",
                     ["drive_levels.js", "drive_machine.js", "drive.js"], "DrivePage.begin();\n",
                     DRIVE_TEXT=LEVELS.read_text(encoding="utf-8"),
                     DRIVE_STYLE=(labs.PAGES / "drive.css").read_text(encoding="utf-8"))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: drive_page.py OUT.html")
    path = pathlib.Path(sys.argv[1])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
    except OSError as error:
        sys.exit(f"drive_page.py: {error}")
    print(f"Open {path} in a browser.")


if __name__ == "__main__":
    main()
