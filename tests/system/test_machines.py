# SPDX-License-Identifier: MIT
"""A dozen cells of the matrix of machines (tests/machines); and its parts: the reader of screens, what a
cell's result depends on, the table."""
import concurrent.futures
import os
import sys

import pytest

from vm import BUILD, ROOT, make_iso

sys.path.insert(0, str(ROOT / "tests/machines"))
import run as matrix  # noqa: E402
import screen  # noqa: E402
from cells import CELLS, Cell  # noqa: E402
from pc import Demand, progress  # noqa: E402

FAST = {f"{cell.axis}: {cell.name}": cell for cell in CELLS if cell.fast}


@pytest.fixture(scope="module")
def results(request):
    """A future for each cell that is wanted: as many run at a time as there are CPUs, at most four."""
    wanted = {item.callspec.params["name"] for item in request.session.items
              if item.originalname == "test_cell" and not item.get_closest_marker("skip")}
    (BUILD / "machines").mkdir(exist_ok=True)
    make_iso(BUILD / "machines/image.iso", "")
    pool = concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    yield {name: pool.submit(matrix.run_cell, FAST[name]) for name in FAST if name in wanted}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", FAST)
def test_cell(results, name):
    result = results[name].result()
    if result["status"] == matrix.NOT_RUN:
        pytest.skip(result["text"])
    if result["status"] == matrix.FAILS and FAST[name].fails:
        pytest.xfail(FAST[name].fails)
    assert result["status"] != matrix.FAILS, result["text"]


@pytest.fixture(scope="module")
def reader():
    return screen.Reader()


def draw(text, font, cell, scale, ink, paper):
    """A picture of text, 80 cells wide."""
    glyphs = {character: shape for shape, character in font.items()}
    rows = []
    for line in text.split("\n"):
        for y in range(16):
            row = b""
            for character in line.ljust(80):
                bits = glyphs[character][8 * y:8 * y + 8] + bytes(cell - 8)
                row += b"".join((ink if bit else paper) * scale for bit in bits)
            rows += [row] * scale
    return screen.Picture(80 * cell * scale, len(rows), b"".join(rows))


TEXT = "\n".join(["~ # lab many --quick", "TRUE HERE", "0123456789 (a|b) {c} `d' \"e\"; f_g?"] + [""] * 21 + ["end"])


@pytest.mark.parametrize("ink, paper", [(b"\xff\xff\xff", b"\0\0\0"), (b"\0\0\x80", b"\0\0\0"),
                                        (b"\0\0\0", b"\xaa\xaa\xaa"), (b"\xff\xff\0", b"\0\0\xaa")])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_reads_the_kernels_font(reader, scale, ink, paper):
    assert reader.text(draw(TEXT, reader.fonts["kernel"], 8, scale, ink, paper)) == TEXT


@pytest.mark.parametrize("cell", [8, 9])
def test_reads_text_modes(reader, cell):
    assert reader.text(draw(TEXT, reader.fonts["vga"], cell, 1, b"\xaa\xaa\xaa", b"\0\0\0")) == TEXT


def test_does_not_read_what_is_not_there(reader):
    picture = draw(TEXT, reader.fonts["kernel"], 8, 1, b"\xff\xff\xff", b"\0\0\0")
    spoilt = bytearray(picture.pixels)
    spoilt[3 * (18 * picture.width + 2)] ^= 255      # a pixel of the second line's first letter
    text = reader.text(screen.Picture(picture.width, picture.height, bytes(spoilt)))
    assert text.split("\n")[1] == screen.UNKNOWN + "RUE HERE"


def test_pictures_are_png(reader, tmp_path):
    data = draw("x", reader.fonts["kernel"], 8, 1, b"\xff\xff\xff", b"\0\0\0").png()
    assert data.startswith(b"\x89PNG") and data[16:24] == b"\0\0\x02\x80\0\0\0\x10" and len(data) < 300


def test_a_result_depends_on_the_cell_and_the_kernel():
    cell = Cell("a", "b")
    assert matrix.key_of(cell, "k") == matrix.key_of(Cell("a", "b"), "k")
    assert len({matrix.key_of(cell, "k"), matrix.key_of(cell, "l"), matrix.key_of(Cell("a", "b", mem="1G"), "k")}) == 3


def test_names_are_not_used_twice():
    names = [matrix.file_name(cell) for cell in CELLS]
    assert len(set(names)) == len(names)


def test_table():
    cells = [Cell("one", "axis"), Cell("two", "axis", fails="no | cable"), Cell("three", "other", says="x")]
    found = [{"status": matrix.OK, "text": "", "init": 0.25}, {"status": matrix.FAILS, "text": "?", "init": None},
             {"status": matrix.SAYS, "text": "says: x", "init": None}]
    table = matrix.markdown(list(zip(cells, found)))
    assert "3 cells: 1 ran a lab" in table and "failed: 1; not run: 0" in table
    assert "| axis | one | works | 0.25 s |" in table
    assert "|  | two | **fails**: no \\| cable |  |" in table
    assert "| other | three | says: x |  |" in table


def test_idleness_and_work_are_told_apart():
    """A process that sleeps is idle; what counts as progress is not a clock's digits."""
    demand = Demand(os.getpid())
    sum(range(20_000_000))
    demand.look()
    assert demand.cpu > 0.05 and demand.idle < demand.cpu
    assert progress("[ 12:01] x") == progress("[ 13:59] x") != progress("[ 12:01] y")
