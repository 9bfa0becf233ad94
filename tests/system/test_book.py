# SPDX-License-Identifier: MIT
"""The book as a site (`make book`): every link leads somewhere, sources and evidence are there, and
a real browser shows it from a folder without a network."""
import json
import pathlib
import shutil
import subprocess

import browser
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BOOK = ROOT / "tools/book.py"
needs_pandoc = pytest.mark.skipif(shutil.which("pandoc") is None, reason="no pandoc: make setup test")
LAB = {"lab": "io", "verdict": "corrected", "text": "It waited & computed.", "evidence": [
    {"kind": "table", "title": "Eight tasks", "columns": [{"name": "way"}, {"name": "ms", "right": True}],
     "rows": [["in turn", "80"], ["</script>", "10"]]},
    {"kind": "check", "text": "80 ms is at least 4 times 10 ms", "holds": True}]}
RECORDS = {"how": "On a day.", "none": ["drive"], "labs": {"io": LAB},
           "missing": {"gil": "it printed no report"}}


def build(folder, *options, root=ROOT):
    return subprocess.run(["/usr/bin/python3", str(root / "tools/book.py"), "-o", str(folder), *options],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    if shutil.which("pandoc") is None:
        pytest.skip("no pandoc: make setup test")
    folder = tmp_path_factory.mktemp("site")
    (folder / "records.json").write_text(json.dumps(RECORDS))
    made = build(folder / "book", "--records", str(folder / "records.json"))
    assert made.returncode == 0, made.stderr
    return folder / "book"


def test_files_and_functions_are_links_to_their_lines(book):
    page = (book / "rooms/vm.html").read_text()
    assert 'href="../source/kernel/vm/fault.c.html#L' in page
    text = (ROOT / "kernel/task/sched.c").read_text().split("\n")
    line = next(n for n, t in enumerate(text, 1) if "switch_away(" in t and not t.startswith("\t"))
    assert f'source/kernel/task/sched.c.html#L{line}"' in (book / "labs/concurrency.html").read_text()
    assert f'id="L{line}"' in (book / "source/kernel/task/sched.c.html").read_text()
    assert '.c.html#L' in (book / "gdb.html").read_text()      # in the transcripts, too


def test_every_page_of_docs_is_there(book):
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html")
        assert (book / ("index.html" if str(name) == "README.html" else name)).exists(), name


def test_labs_have_their_record_or_the_reason(book):
    assert "It waited & computed." in (book / "labs/io.html").read_text()
    assert "None: it printed no report." in (book / "labs/gil.html").read_text()
    assert "None: it left no record." in (book / "labs/many.html").read_text()
    assert "A recorded run" not in (book / "labs/drive.html").read_text()


@needs_pandoc
@pytest.mark.parametrize("text, says", [
    ("[no](missing.md)", "docs/extra.md: the link missing.md leads to nothing"),
    ("[no](house.md#no-such-heading)", "extra.html: house.html#no-such-heading"),
    (None, "docs/README.md does not lead to docs/extra.md")])
def test_a_dead_link_is_an_error(tmp_path, text, says):
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    (tmp_path / "docs/extra.md").write_text(f"# Extra\n\n{text}\n")
    if text:
        index = tmp_path / "docs/README.md"
        index.write_text(index.read_text() + "\n- [extra](extra.md): more\n")
    made = build(tmp_path / "site", root=tmp_path)
    assert made.returncode == 1 and says in made.stderr, made.stderr


@browser.needed()
def test_a_browser_shows_it(book, tmp_path):
    with browser.Browser() as page:
        page.open(book / "index.html")
        names = page.run("return [...document.querySelectorAll('#contents a')].map(a => a.href)")
        assert len(names) > 50
        for name in ("index.html", "gdb.html", "rooms/task.html", "labs/io.html", "house.html"):
            page.open(book / name)
            assert page.errors() == [], name
            assert page.run("return document.documentElement.scrollWidth <= innerWidth"), name
            assert page.run("return [...document.images].every(i => i.naturalWidth > 0)"), name
        page.open(book / "labs/io.html")
        assert page.run("return document.querySelector('.verdict').textContent").startswith(
            "TRUE WITH A CORRECTION")
        assert page.run("return document.querySelectorAll('#record td')[2].textContent") == "</script>"
        page.run("document.getElementById('search').focus()")
        page.keys("shootdown")
        assert page.until("return document.querySelectorAll('#found a').length")
        page.keys("\ue007")             # Enter: the first that was found
        assert page.until("return location.href.includes('vm.html') || location.href.includes('mmu')"
                          " || location.href.includes('shootdown')")
        page.open(book / "source/kernel/task/sched.c.html", "#L30")
        assert page.run("return document.querySelector('a:target').dataset.line") == "30"


@browser.needed()
def test_it_fits_a_phone_and_a_dark_screen(book):
    with browser.Browser(width=500, height=800, dark=True) as page:
        for name in ("index.html", "labs/io.html", "abi.html", "gdb.html"):
            page.open(book / name)
            assert page.run("return document.documentElement.scrollWidth <= innerWidth"), name
        back = page.run("return getComputedStyle(document.body).backgroundColor")
        assert sum(int(c) for c in back[4:-1].split(",")) < 150, back
