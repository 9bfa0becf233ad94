# SPDX-License-Identifier: MIT
"""What the screen of a virtual machine shows, read by tests/machines/screen.py."""
import functools
import os
import pathlib
import sys
import time

import pytest

from vm import HANGS, ROOT

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/machines")]
from last_state import Monitor  # noqa: E402
from screen import PF2, Picture, Reader, kernel_font  # noqa: E402

needs_font = pytest.mark.skipif(not any(map(os.path.exists, PF2)),
                                reason="GRUB's font is missing: make setup")
font = functools.cache(kernel_font)


class Screen:
    """The screen of a machine whose monitor is at a socket.  `scale`: each pixel of the font is a
    square of so many pixels."""

    def __init__(self, socket, folder, scale=1):
        self.ask = Monitor(str(socket)).command
        self.file = pathlib.Path(folder) / "screen.ppm"
        self.scale = scale

    def picture(self):
        self.ask("screendump", filename=str(self.file))
        return Picture.of_ppm(self.file.read_bytes())

    def rows(self):
        """The rows from the top to the last that is not empty."""
        return Reader.read(self.picture(), font(), 8, self.scale).split("\n")

    def until(self, wanted, seconds=HANGS):
        """Wait until wanted(rows) is true; the rows then."""
        end = time.monotonic() + seconds
        while not wanted(rows := self.rows()):
            assert time.monotonic() < end, "the screen shows:\n" + "\n".join(rows)
            time.sleep(0.3)
        return rows

    def until_text(self, text, seconds=HANGS):
        return self.until(lambda rows: any(text in row for row in rows), seconds)


class TextScreen(Screen):
    """The same of a machine whose screen is in VGA text mode: read from the memory of the screen."""

    def rows(self):
        self.ask("pmemsave", val=0xb8000, size=80 * 25 * 2, filename=str(self.file))
        text = self.file.read_bytes()[::2].decode("latin1")
        return [text[i:i + 80].rstrip() for i in range(0, len(text), 80)]
