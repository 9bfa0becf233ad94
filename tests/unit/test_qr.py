# SPDX-License-Identifier: MIT
"""The QR codes of the panic report, read back by zbarimg: every version at its limits, any bytes."""
import pathlib
import random
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Bytes that each version holds with the lower level of error correction (ISO/IEC 18004, table 7).
CAPACITY = [17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586, 644, 718, 792, 858]

needs_zbar = pytest.mark.skipif(not shutil.which("zbarimg"), reason="zbarimg is missing: make setup test")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("qr") / "qr_image"
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", "-I.", "-o", path, "tests/unit/qr_image.c",
                    "kernel/watch/panic/qr.c"], cwd=ROOT, check=True)
    return path


def encode(program, text, version_max=20):
    """(Squares in a row without the margin, picture); the picture is empty if the text is too long."""
    done = subprocess.run([program, str(version_max)], input=text, capture_output=True)
    assert not done.stderr and done.returncode == (not done.stdout), done.stderr.decode()
    return int(done.stdout.split()[1]) // 3 - 8 if done.stdout else 0, done.stdout


def read_back(folder, pictures):
    """What zbarimg reads in each, in order."""
    for i, picture in enumerate(pictures):
        (folder / f"{i:03}.pgm").write_bytes(picture)
    done = subprocess.run(["zbarimg", "-q", "--nodbus", "--xml", *sorted(folder.glob("*.pgm"))], capture_output=True)
    return re.findall(rb"<data><!\[CDATA\[(.*?)\]\]></data>", done.stdout, re.S)


def test_sizes(program):
    """The smallest version that holds a text; none holds more than the largest."""
    for i, capacity in enumerate(CAPACITY):
        assert encode(program, b"x" * capacity)[0] == 21 + 4 * i
        assert encode(program, b"x" * (capacity + 1))[0] == (25 + 4 * i if i < 19 else 0)
    assert encode(program, b"x" * 134, 6)[0] == 41 and encode(program, b"x" * 135, 6)[0] == 0


@needs_zbar
def test_zbarimg_reads_them(program, tmp_path):
    draw = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz_0123456789+ \n".encode()
    texts = [bytes(draw.choices(letters, k=n)) for c in CAPACITY for n in (c - 1, c)]
    texts += [bytes(draw.choices(letters, k=draw.randrange(1, 858))) for _ in range(20)]
    got = read_back(tmp_path, [encode(program, text)[1] for text in texts])
    assert got == texts


@needs_zbar
def test_damage_is_mended(program, tmp_path):
    """3 % of the squares of the data are wrong: the error correction is right."""
    text, draw, pictures = b"kernel panic: the squares are damaged " * 12, random.Random(2), []
    side, picture = encode(program, text)
    head, pixels = picture[:-(3 * (side + 8)) ** 2], bytearray(picture[-(3 * (side + 8)) ** 2:])
    for _ in range(side * side // 100):
        x, y = draw.randrange(13, side - 5), draw.randrange(13, side - 5)
        for row in range(3 * y, 3 * y + 3):
            for column in range(3 * x, 3 * x + 3):
                pixels[row * 3 * (side + 8) + column] ^= 255
    pictures = [head + pixels]
    assert read_back(tmp_path, pictures) == [text]
