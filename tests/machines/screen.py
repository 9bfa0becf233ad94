# SPDX-License-Identifier: MIT
"""Reads the text on a picture of a display: each character cell is compared with a font's glyphs.

Two fonts are known: the kernel's, 8x16 out of GRUB's unicode.pf2 and also drawn larger by a whole
factor, and that of the VGA BIOS, which text modes use (8x16, or 9 columns wide)."""
import os
import pathlib
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from mkfont import read_font  # noqa: E402

PF2 = ("/usr/share/grub/unicode.pf2", "/usr/share/grub2/unicode.pf2")
VGA_BIOS = ("/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/vgabios/vgabios.bin",
            "/usr/share/qemu/vgabios-stdvga.bin")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# "A" and "B" of the VGA's font: they lead to the table of 256 glyphs in the file of the BIOS.
LETTERS = bytes.fromhex("000010386cc6c6fec6c6c6c600000000" "0000fc6666667c66666666fc00000000")


class Picture:
    """Three bytes a pixel, row by row."""

    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, pixels

    @classmethod
    def of_ppm(cls, data):
        _, size, _, pixels = data.split(b"\n", 3)
        width, height = map(int, size.split())
        if len(pixels) < 3 * width * height:
            raise ValueError("the picture is not whole")
        return cls(width, height, pixels)

    def png(self):
        """The same as a PNG with a palette of at most 16 colours, or else of three bytes a pixel."""
        three = [self.pixels[i:i + 3] for i in range(0, 3 * self.width * self.height, 3)]
        palette = list(dict.fromkeys(three))
        depth, kind, rows = 8, 2, []
        if len(palette) <= 16:
            depth, kind = 4, 3
            number = {colour: n for n, colour in enumerate(palette)}
            three = [number[colour] for colour in three]
        for top in range(0, self.width * self.height, self.width):
            row = three[top:top + self.width]
            if kind == 3:
                row += [0] * (self.width % 2)
                row = bytes(a << 4 | b for a, b in zip(row[::2], row[1::2]))
            else:
                row = b"".join(row)
            rows.append(b"\0" + row)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, depth, kind, 0, 0, 0))]
        if kind == 3:
            chunks.append((b"PLTE", b"".join(palette)))
        chunks += [(b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks)


def first_file(paths):
    path = next((p for p in paths if os.path.exists(p)), None)
    if not path:
        raise SystemExit(f"machines: none of {', '.join(paths)} is here: make setup test")
    return path


def shape(rows):
    """A glyph as one byte a pixel, 0 or 1."""
    return bytes(row >> (7 - x) & 1 for row in rows for x in range(8))


def kernel_font():
    """Letters of several scripts look the same: the one with the lowest code counts."""
    glyphs = read_font(first_file(PF2))
    return {shape(glyphs[code]): chr(code) for code in sorted(glyphs, reverse=True)}


def vga_font():
    for path in filter(os.path.exists, VGA_BIOS):
        data = pathlib.Path(path).read_bytes()
        at = data.find(LETTERS)
        if at >= 65 * 16:
            table = data[at - 65 * 16:]
            return {shape(table[16 * n:16 * n + 16]): bytes([n]).decode("cp437")
                    for n in (*range(254, 127, -1), *range(126, 31, -1))}
    raise SystemExit("machines: the VGA BIOS with its font is not here: make setup test")


class Reader:
    """Turns pictures into text."""

    def __init__(self):
        self.fonts = {"kernel": kernel_font(), "vga": vga_font()}
        for font in self.fonts.values():        # by_colour() tells what a cell without black is
            font.pop(b"\1" * 128, None)

    def text(self, picture):
        """The text on a picture, row by row; UNKNOWN where no glyph fits."""
        best = ""
        score = -1
        for font, width, scale in self.layouts(picture):
            text = self.read(picture, self.fonts[font], width, scale)
            known = len(text) - text.count(UNKNOWN) * 3 - text.count(" ") - text.count("\n")
            if known > score:
                best, score = text, known
            if known > 20 and UNKNOWN not in text:
                break
        return best

    @staticmethod
    def layouts(picture):
        if picture.width in (640, 720) and picture.height in (400, 480):
            yield "vga", picture.width // 80, 1
        for scale in (1, 2, 3, 4):
            if picture.width // (8 * scale) >= 40:
                yield "kernel", 8, scale

    @staticmethod
    def read(picture, font, width, scale):
        lit = lit_pixels(picture, scale)
        rows = []
        columns = picture.width // (width * scale)
        for top in range(0, picture.height // scale - 15, 16):
            lines = [lit[y] for y in range(top, top + 16)]
            row = ""
            for left in range(0, columns * width, width):
                glyph = b"".join([line[left:left + 8] for line in lines])
                row += font.get(glyph) or by_colour(picture, font, left, top, scale)
            rows.append(row.rstrip())
        return "\n".join(rows).rstrip("\n")


def lit_pixels(picture, scale):
    """For each row a byte a pixel: 0 where it is black, else 1."""
    table = bytes([0] + [1] * 255)
    rows = []
    for y in range(0, picture.height, scale):
        line = picture.pixels[3 * y * picture.width:3 * (y + 1) * picture.width]
        planes = [int.from_bytes(line[n::3][::scale], "big") for n in range(3)]
        count = len(line[::3][::scale])
        rows.append((planes[0] | planes[1] | planes[2]).to_bytes(count, "big").translate(table))
    return rows


def by_colour(picture, font, left, top, scale):
    """A cell whose background is not black: the glyph in one of its two colours."""
    pixels = []
    for y in range(top, top + 16):
        for x in range(left, left + 8):
            at = 3 * scale * (y * picture.width + x)
            pixels.append(picture.pixels[at:at + 3])
    colours = set(pixels)
    if len(colours) == 1:       # a space, or the cursor
        return " "
    if len(colours) == 2:
        for background in colours:
            found = font.get(bytes(pixel != background for pixel in pixels))
            if found:
                return found
    return UNKNOWN
