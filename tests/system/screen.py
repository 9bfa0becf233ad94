# SPDX-License-Identifier: MIT
"""What is written on the screen of a virtual machine: a picture of it, compared with the font."""
import os
import pathlib
import sys
import time

import pytest

from vm import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402
from mkfont import read_font  # noqa: E402

PF2 = next((p for p in ("/usr/share/grub/unicode.pf2", "/usr/share/grub2/unicode.pf2")
            if os.path.exists(p)), None)
needs_font = pytest.mark.skipif(not PF2, reason="GRUB's font is missing: make setup")
_glyphs = {}


def glyphs():
    """Characters by the bits of their 16 lines; each also in reverse, as a cursor shows it."""
    if not _glyphs:
        for code, rows in sorted(read_font(PF2).items(), reverse=True):
            _glyphs[tuple(0xff ^ row for row in rows)] = chr(code)
        for code, rows in sorted(read_font(PF2).items(), reverse=True):
            _glyphs[tuple(rows)] = chr(code)
    return _glyphs


def text_of(file, scale=1):
    """The rows of a picture in the format PPM; "?" for what is no character.  `scale`: each pixel of
    the font is a square of so many pixels."""
    _, size, _, pixels = pathlib.Path(file).read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    background, lines, rows = pixels[-3:], {}, []

    def bits(start):
        line = pixels[start:start + 24 * scale]
        if line not in lines:
            lines[line] = sum(0x80 >> x for x in range(8)
                              if line[3 * x * scale:3 * x * scale + 3] != background)
        return lines[line]

    for top in range(0, height - 16 * scale + 1, 16 * scale):
        row = ""
        for left in range(0, width - 8 * scale + 1, 8 * scale):
            cell = tuple(bits(3 * ((top + y * scale) * width + left)) for y in range(16))
            row += glyphs().get(cell, "?")
        rows.append(row.rstrip())
    return rows


class Screen:
    """The screen of a machine whose monitor is at a socket."""

    def __init__(self, socket, folder, scale=1):
        self.ask = Monitor(str(socket)).command
        self.picture = pathlib.Path(folder) / "screen.ppm"
        self.scale = scale

    def rows(self):
        self.ask("screendump", filename=str(self.picture))
        return text_of(self.picture, self.scale)

    def size(self):
        """(width, height) in pixels."""
        self.ask("screendump", filename=str(self.picture))
        return tuple(map(int, self.picture.read_bytes().split(b"\n", 2)[1].split()))

    def until(self, wanted, seconds=120):
        """Wait until wanted(rows) is true; the rows then."""
        end = time.monotonic() + seconds
        while not wanted(rows := self.rows()):
            assert time.monotonic() < end, "the screen shows:\n" + "\n".join(rows)
            time.sleep(0.3)
        return rows

    def until_text(self, text, seconds=120):
        return self.until(lambda rows: any(text in row for row in rows), seconds)
