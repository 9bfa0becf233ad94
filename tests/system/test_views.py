# SPDX-License-Identifier: MIT
"""What `make trace` leaves: text and a trace.dat that other people's programs read, and a page that a
browser shows; and what `make report` leaves, also when labs fail."""
import functools
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from vm import BUILD, HANGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import ftrace  # noqa: E402
import labs  # noqa: E402
import linux  # noqa: E402
import report  # noqa: E402
import trace_dat  # noqa: E402

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)

# The line of Linux's "Output format" as importers of systrace text read it (Catapult's and Perfetto's
# grammar: task, TID, TGID in brackets, CPU, flags, seconds, event, arguments).
IMPORTER = re.compile(r"^\s*(.+)-(\d+)\s+\(\s*(\d+|-+)\)\s\[(\d+)\]\s+([dX.][Nnp.][Hhs.][0-9a-f.])\s+"
                      r"(\d+\.\d+):\s+(\S+):\s(.*)$")


def in_browser(page, folder):
    """The document as a browser leaves it after the page's scripts ran."""
    return subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}",
         "--window-size=1200,1400", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=HANGS).stdout


@pytest.fixture(scope="module")
def traced():
    """One lab, traced as a user would."""
    result = subprocess.run([sys.executable, ROOT / "tools/trace.py", "concurrency", "--", "--quick"],
                            capture_output=True, text=True, timeout=HANGS,
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


# What trace-cmd prints of an event: thread, CPU, time in nanoseconds, event, arguments.
REPORTED = re.compile(r"^ *(.+)-(\d+) +\[(\d+)\] +(\d+)\.(\d{9}): (\w+): +(.*?) *$")


def trace_cmd(path):
    """The events of a trace.dat as `trace-cmd report` prints them, by the files' own formats (-N)."""
    result = subprocess.run(["trace-cmd", "report", "-N", "-t", "-i", path], capture_output=True,
                            text=True, timeout=HANGS)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return [m.groups() for m in map(REPORTED.match, result.stdout.splitlines()) if m]


def as_trace_cmd(event):
    """The same of an event of the text."""
    # Linux's sched_switch, which trace.dat describes, has no such field.
    name, args = event.name, re.sub(r" next_turn=\w+$", "", event.args.strip())
    if name in trace_dat.MARKS:
        name, args = "print", f"tracing_mark_write: {args}"
    return (event.comm, str(event.tid), f"{event.cpu:03d}", str(event.time // 10**9),
            f"{event.time % 10**9:09d}", name, args)


ALL_KINDS = """\
# entries-in-buffer/entries-written: 12/12   #P:3
  sh-4 (4) [000] d..1 1.000000001: sched_process_fork: comm=sh pid=4 child_comm=sh child_pid=5
  sh-4 (4) [000] ...0 1.000000002: tracing_mark_write: """ + "a long mark " * 12 + """
  true-5 (5) [002] d.h2 1.500000000: sys_enter: NR 59 (7ffffffff000, 0, ffffffffffffffff, 1, 2, 3)
  true-5 (5) [002] d..1 9.500000000: sched_process_exec: filename=/bin/true pid=5 old_pid=5
  true-5 (5) [002] dNh1 9.500000001: irq_handler_entry: irq=32 name=local_timer
  true-5 (5) [002] dNh1 9.500000002: irq_handler_exit: irq=32 ret=handled
  true-5 (5) [002] ...0 9.500000003: sys_exit: NR 3 = -9
  true-5 (5) [002] d..1 9.500000004: page_fault_user: address=0x7fff0000 ip=0x401000 error_code=0x6
  true-5 (5) [002] d..1 9.600000000: something_new: a=1 b=%d 100%
  true-5 (5) [002] d..1 9.600000000: sched_switch: prev_comm=true prev_pid=5 prev_prio=120 \
prev_state=R+ ==> next_comm=a b next_pid=6 next_prio=120
  sh-4 (4) [000] d..1 9.700000000: tlb_flush: pages:-1 reason:flush on task switch (0)
  sh-4 (4) [000] d..1 9.700000000: sched_migrate_task: comm=true pid=5 prio=120 orig_cpu=2 dest_cpu=0
"""


@pytest.mark.skipif(not shutil.which("trace-cmd"), reason="wants trace-cmd (make setup test)")
def test_dat(traced, tmp_path):
    """trace-cmd prints the events of the text, with the same times and arguments."""
    text = (traced / "concurrency.txt").read_text(encoding="utf-8")
    events = ftrace.Trace(text).events
    assert len(events) > 20
    assert trace_cmd(traced / "concurrency.dat") == [as_trace_cmd(e) for e in events]
    every = ftrace.Trace(ALL_KINDS)
    (tmp_path / "every.dat").write_bytes(trace_dat.data_of(every))
    assert trace_cmd(tmp_path / "every.dat") == [as_trace_cmd(e) for e in every.events]
    # More than one page of the ring for each CPU.
    lines = [f"  t{n % 7}-{n % 7 + 1} ({n % 7}) [00{n % 2}] d..1 {n // 10}.{n % 10}00000000: sched_waking: "
             f"comm=x pid={n} prio=120 target_cpu=001" for n in range(1, 2000)]
    many = ftrace.Trace("\n".join(lines))
    (tmp_path / "many.dat").write_bytes(trace_dat.data_of(many))
    assert trace_cmd(tmp_path / "many.dat") == [as_trace_cmd(e) for e in many.events]


@pytest.mark.skipif(not BROWSER, reason="wants Chromium (make setup)")
def test_page(traced, tmp_path):
    """The page draws the timeline, shows tables and verdict, and asks no network."""
    page = traced / "concurrency.html"
    source = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//", source)
    dom = in_browser(page, tmp_path)
    assert "TRUE WITH A CORRECTION" in dom
    assert "Several threads make progress by switching" in dom
    drawn = [int(n) for n in re.findall(r'data-drawn="(\d+)"', dom)]
    assert drawn and max(drawn) >= 24  # each slice in its CPU's row and in its thread's
    assert re.search(r"\d+ slices of \d+ threads on \d CPUs", dom)
    assert dom.count("worker") >= 4
    assert re.search(r"<td[^>]*>one CPU</td>", dom)


# --- make report ----------------------------------------------------------------------------------

def lab_line(name, **more):
    return json.dumps({"lab": name, "system": {"name": "Heddle", "release": "1"}, "cpus": 2, "options": {},
                       "claim": "c", "loose": "l", "prediction": None, "books": None, "sources": "",
                       "evidence": [{"kind": "check", "text": f"a check of {name}", "holds": False}],
                       "figures": [{"name": n, "value": v, "unit": "us", "meaning": n}
                                   for p in report.PAIRS if p.lab == name
                                   for n, v in ((p.process, 30), (p.thread, 3))],
                       "verdict": "true", "text": "t", "expected": "true", "ok": True, **more}, separators=(",", ":"))


def console_of_a_bad_day():
    """A tour in which five labs fail in five ways."""
    for name in labs.catalogue():
        if name == "many":
            yield "lab: signal 11 (Segmentation fault) killed the lab"
        elif name == "memory":
            yield json.dumps({"lab": name, "cpus": 2, "options": {}, "error": "no memory", "ok": False})
        elif name == "scale":
            yield lab_line(name)[:90] + "[    1.0] kernel: a word between"
        elif name == "io":
            yield lab_line(name, verdict="false", ok=False)
        elif name == "drive":
            yield "the machine ended here"
            return
        else:
            yield lab_line(name)


def make_report(monkeypatch, tmp_path, capsys, console, *options):
    monkeypatch.setattr(linux, "lines", lambda command, timeout: iter(console()))
    monkeypatch.setattr(linux, "BUILD", tmp_path)
    monkeypatch.setattr(sys, "argv", ["report.py", *options])
    status = report.main()
    return status, *capsys.readouterr()


def test_report_loses_no_lab(monkeypatch, tmp_path, capsys):
    status, out, err = make_report(monkeypatch, tmp_path, capsys, console_of_a_bad_day, "--heddle-only")
    names = labs.catalogue()
    assert status == 1
    assert f"Heddle: {len(names)} labs: {len(names) - 5} true here, 1 false here, 4 without a verdict" in out
    for line in ("many: no result: lab: signal 11", "memory: no memory", "scale: its result cannot be read",
                 "io: false here, not true here: a check of io", "drive: no result: the machine ended here"):
        assert f"FAILED: Heddle: {line}" in err
    kept = json.loads((tmp_path / "report/report.json").read_text())
    assert list(kept["Heddle"]) == names


def test_report_is_well(monkeypatch, tmp_path, capsys):
    console = functools.partial(map, lab_line, labs.catalogue())
    status, out, err = make_report(monkeypatch, tmp_path, capsys, console, "--heddle-only")
    assert (status, err) == (0, "") and "without" not in out


def test_report_ends_early(monkeypatch, tmp_path, capsys):
    """Stopped by the time, and with nothing at all on the console."""
    def console():
        yield lab_line("registers")
        yield None
    status, out, err = make_report(monkeypatch, tmp_path, capsys, console, "--heddle-only", "-t", "5")
    assert status == 1 and "1 true here" in out
    assert "stack: no result: Heddle was stopped after 5 s" in err
    status, out, err = make_report(monkeypatch, tmp_path, capsys, lambda: [], "--heddle-only")
    assert status == 1 and "registers: no result: Heddle printed no result" in err


def test_report_pairs_are_figures():
    """Each figure that the page compares is one that the lab gives."""
    for p in report.PAIRS:
        source = (ROOT / f"user/labs/{p.lab}.c").read_text()
        assert f'"{p.process}"' in source and f'"{p.thread}"' in source, p


@pytest.mark.skipif(not BROWSER, reason="wants Chromium (make setup)")
def test_report_page(monkeypatch, tmp_path, capsys):
    """Every lab has a section, also those that failed; processes are compared with threads."""
    make_report(monkeypatch, tmp_path, capsys, console_of_a_bad_day, "--heddle-only")
    page = tmp_path / "report/index.html"
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//", page.read_text())
    dom = in_browser(page, tmp_path)
    assert re.findall(r'<h2 id="(\w+)">', dom) == labs.catalogue()
    assert "broken" not in re.findall(r'class="([^"]*)"', dom)
    assert dom.count("Heddle: NO VERDICT") == 4 and "signal 11 (Segmentation fault)" in dom
    assert dom.count("<circle") == sum(p.ratio for p in report.PAIRS if p.lab not in ("scale", "io")) + 1
    assert dom.count('class="bar process"') == dom.count('class="bar thread"') >= 10
