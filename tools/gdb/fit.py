# SPDX-License-Identifier: MIT
"""Text that must fit the terminal: lines of its width, and blocks of lines that fit its height.

A line is cut between two words, so never inside a number.  Where gdb has no terminal (-batch), nothing
is cut."""
import re

import gdb

HEIGHT_LEAST = 16  # in less, as in a small window of the TUI, nothing is cut
BELOW = 3  # lines for the prompt, what is typed there, and what the launcher says


def width():
    """Columns for text, or None; the last one stays empty, because some terminals wrap there."""
    columns = gdb.parameter("width")
    return columns - 1 if columns else None


def height():
    """Lines for text, or None."""
    lines = gdb.parameter("height")
    return lines - BELOW if lines and lines >= HEIGHT_LEAST else None


def line(text, columns):
    """The line, shorter if it must be: a frame loses its arguments, then its address; then the end."""
    text = text.expandtabs()
    if columns is None or len(text) <= columns:
        return text
    if re.match(r"#\d+ ", text):
        text = re.sub(r" \(.+?\)(?= at | from |$)", " (...)", text, count=1)
        if len(text) > columns:
            text = re.sub(r"^(#\d+ +)0x[0-9a-f]+ in ", r"\1", text)
    if len(text) <= columns:
        return text
    cut = text.rfind(" ", 0, columns - 3)
    return text[:cut if cut > 0 else columns - 4].rstrip() + " ..."


def lines(text, columns):
    return [line(t, columns) for t in text.rstrip("\n").split("\n")]


class Block:
    """What a command printed."""

    def __init__(self, command, text, columns):
        self.command, self.lines = command, lines(text, columns)

    def size(self, most):
        return bool(self.command) + min(len(self.lines), most)

    def cut(self, most):
        """At most so many lines; one of them says how many more there are."""
        left = len(self.lines) - most + 1
        shown = self.lines
        if len(self.lines) > most:
            shown = [*self.lines[:most - 1],
                     f"  ... {left} more: {self.command}" if self.command else f"  ... {left} more"]
        return ([f"(gdb) {self.command}"] if self.command else []) + shown


def blocks(found, room):
    """The lines of all blocks, at most `room`: the longest blocks are cut."""
    most = max((len(b.lines) for b in found), default=0)
    while room is not None and most > 1 and sum(b.size(most) for b in found) > room:
        most -= 1
    return [text for b in found for text in b.cut(most)]
