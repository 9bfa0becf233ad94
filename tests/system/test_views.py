# SPDX-License-Identifier: MIT
"""What `make trace` leaves: text that readers of ftrace take, and a page that a browser shows."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from vm import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import ftrace  # noqa: E402

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)

# The line of Linux's "Output format" as importers of systrace text read it (Catapult's and Perfetto's
# grammar: task, TID, TGID in brackets, CPU, flags, seconds, event, arguments).
IMPORTER = re.compile(r"^\s*(.+)-(\d+)\s+\(\s*(\d+|-+)\)\s\[(\d+)\]\s+([dX.][Nnp.][Hhs.][0-9a-f.])\s+"
                      r"(\d+\.\d+):\s+(\S+):\s(.*)$")


@pytest.fixture(scope="module")
def traced():
    """One lab, traced as a user would."""
    result = subprocess.run([sys.executable, ROOT / "tools/trace.py", "concurrency", "--", "--quick"],
                            capture_output=True, text=True, timeout=300,
                            env={**os.environ, "BUILD": str(BUILD), "CPUS": "2"})
    assert result.returncode == 0, result.stderr
    return BUILD / "trace"


def test_text(traced):
    """Every line is one that importers know, and the threads take turns on one CPU."""
    text = (traced / "concurrency.txt").read_text(encoding="utf-8")
    assert text.startswith("# tracer: nop\n")
    for line in text.splitlines():
        assert line.startswith("#") or not line or IMPORTER.match(line), line
    trace = ftrace.Trace(text)
    workers = {tid for tid, name in trace.names.items() if name.startswith("worker")}
    assert len(workers) == 4
    turns = [s for s in trace.slices if s.tid in workers]
    assert len(turns) >= 12
    assert len({s.cpu for s in turns}) == 1
    assert all(a.end <= b.start for a, b in zip(turns, turns[1:]))


def test_reader_refuses():
    """The reader above would notice a broken line."""
    with pytest.raises(ftrace.Bad):
        ftrace.Trace("worker0-5 (5) [000] no time: sched_switch: x\n")


@pytest.mark.skipif(not BROWSER, reason="wants Chromium (make setup)")
def test_page(traced, tmp_path):
    """The page draws the timeline, shows tables and verdict, and asks no network."""
    page = traced / "concurrency.html"
    source = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//", source)
    result = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
         "--window-size=1200,1400", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120)
    dom = result.stdout
    assert "TRUE WITH A CORRECTION" in dom, result.stderr[-2000:]
    assert "Several threads make progress by switching" in dom
    drawn = [int(n) for n in re.findall(r'data-drawn="(\d+)"', dom)]
    assert drawn and max(drawn) >= 24  # each slice in its CPU's row and in its thread's
    assert re.search(r"\d+ slices of \d+ threads on \d CPUs", dom)
    assert dom.count("worker") >= 4
    assert re.search(r"<td[^>]*>one CPU</td>", dom)
