#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the display's 8x16 font out of GRUB's unicode.pf2 (GNU Unifont in the PF2 format).

usage: mkfont.py unicode.pf2 font.S

The output defines font_table (struct font_glyph of kernel/dev/font.h, sorted by code point) and
font_count.  Where the input is missing or is no such font, the table is empty and a line on
standard error says so: the kernel then leaves a pixel display dark.

PF2 is a row of sections, each a four-letter name, a big-endian 32-bit length and the bytes.  CHIX
has 9 bytes a glyph: code point, flags, offset in the file.  A glyph is width, height, x offset,
y offset, advance (16 bits each) and its pixels, row by row without padding, highest bit first.
"""
import struct
import sys

WIDTH, HEIGHT = 8, 16
WANTED = [
    (0x20, 0x7E),      # ASCII
    (0xA0, 0x17F),     # Latin-1, Latin Extended-A
    (0x391, 0x3C9),    # Greek
    (0x400, 0x45F),    # Cyrillic
    (0x2010, 0x2044),  # general punctuation
    (0x20AC, 0x20AC),  # euro
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematical operators
    (0x2300, 0x23FF),  # technical (scan lines of the DEC graphics set)
    (0x2400, 0x2426),  # pictures of control characters
    (0x2500, 0x25FF),  # box drawing, block elements, geometric shapes
    (0x2600, 0x266F),  # miscellaneous symbols
    (0x2713, 0x2718),  # check marks
    (0xFFFD, 0xFFFD),  # replacement character
]


def sections(data):
    at, found = 0, {}
    while at + 8 <= len(data):
        name, length = data[at:at + 4], struct.unpack(">I", data[at + 4:at + 8])[0]
        found[name] = data[at + 8:at + 8 + length]
        if name == b"DATA":
            break
        at += 8 + length
    return found


def cell(data, offset, ascent):
    """The glyph at `offset` as 16 bytes, or None where it does not fit a cell."""
    width, height, left, bottom, advance = struct.unpack(">HHhhh", data[offset:offset + 10])
    if advance != WIDTH or left < 0 or left + width > WIDTH:
        return None
    rows, top = [0] * HEIGHT, ascent - bottom - height
    if top < 0 or top + height > HEIGHT:
        return None
    for bit in range(width * height):
        if data[offset + 10 + bit // 8] >> (7 - bit % 8) & 1:
            rows[top + bit // width] |= 0x80 >> (left + bit % width)
    return rows


def read_font(path):
    with open(path, "rb") as f:
        data = f.read()
    parts = sections(data)
    if parts.get(b"FILE") != b"PFF2" or b"CHIX" not in parts:
        raise ValueError("not a PF2 font")
    ascent = struct.unpack(">H", parts[b"ASCE"])[0]
    glyphs = {}
    for code, flags, offset in struct.iter_unpack(">IBI", parts[b"CHIX"]):
        if flags == 0 and any(first <= code <= last for first, last in WANTED):
            rows = cell(data, offset, ascent)
            if rows:
                glyphs[code] = rows
    if glyphs:  # the font's own may be 16 wide: a hollow box
        glyphs.setdefault(0xFFFD, [0, 0, 0x7E] + [0x42] * 10 + [0x7E, 0, 0])
    return glyphs


def main():
    try:
        glyphs = read_font(sys.argv[1])
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        print(f"mkfont: {sys.argv[1]}: {error}: the display's font is left empty", file=sys.stderr)
        glyphs = {}
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write("\t.section .rodata\n\t.globl font_table, font_count\n\t.balign 4\n")
        out.write(f"font_count:\n\t.long {len(glyphs)}\nfont_table:\n")
        for code in sorted(glyphs):
            rows = ", ".join(f"0x{row:02x}" for row in glyphs[code])
            out.write(f"\t.short 0x{code:04x}\n\t.byte {rows}\n")
        out.write('\t.section .note.GNU-stack, "", @progbits\n')


if __name__ == "__main__":
    main()
