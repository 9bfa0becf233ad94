# SPDX-License-Identifier: MIT
"""The labs: on the host's Linux and on Heddle with 1, 2, 4 and 8 CPUs each comes to its verdict; and
with its mechanism broken on purpose to another."""
import functools
import json
import os
import pathlib
import re
import subprocess

import pexpect
import pytest

from conftest import make
from vm import BUILD, ENDED, HANGS, VM, boot_and_run

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOST = BUILD / "host/labs"
NO_RIGHT = os.geteuid() != 0  # some labs read what only root may read
# Why a lab shows nothing on a machine that is not busy.
REASONS = ("Other programs changed the free memory", "does not let the lab count its system calls",
           "They run at the same time, but not all the time", "hardly saw each other's counter",
           "no two CPUs ran at the same time", "was preempted only", "need this CPU now")
NAMES = re.findall(r'^    \{"(\w+)", "', (ROOT / "user/lab/catalogue.h").read_text(), re.M)

# What breaks the mechanism that each lab shows, so that its verdict changes.
BREAKS = {
    "concurrency": "--all-cpus", "creation": "--share-space", "io": "--compute",
    "isolation": "--share-space", "many": "--no-write", "memory": "--share-space",
    "overhead": "--share-space", "parallelism": "--lock", "registers": "--mix",
    "resources": "--share-space", "scale": "--share-space", "stack": "--no-guard",
    "switching": "--share-space", "termination": "--share-space", "threading": "--green",
    "stability": "--catch", "races": "--no-lock", "dependence": "--share-lock", "ipc": "--no-lock",
    "background": "--no-setsid", "responsive": "--one-thread", "gil": "--no-gil", "drive": "--lock", "browser": "--one-process",
}
# Labs that can be broken in more than one way.
ALSO = [("concurrency", "--in-turn"), ("gil", "--hold-io"), ("resources", "--reopen"),
        ("background", "--busy"), ("responsive", "--same-lock"), ("responsive", "--round-robin"),
        ("termination", "--robust")]
ALL_BREAKS = [*BREAKS.items(), *ALSO]

SAMPLE = """\
# tracer: nop
#
# entries-in-buffer/entries-written: 9/12   #P:2
#
          <idle>-0     (-------) [000] d..1     1.000000000: sched_switch: prev_comm=swapper/0 \
prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=a b-1 next_pid=11 next_prio=120
            a b-1-11   (     11) [000] d..2     1.000000000: tlb_flush: pages:-1 \
reason:flush on task switch (0)
             web-12    (     12) [001] d..3     1.000200000: sched_waking: comm=a b-1 pid=11 \
prio=120 target_cpu=000
             web-12    (     12) [001] ...0     1.000250000: tracing_mark_write: here: [1] 2.5: x
            a b-1-11   (     11) [000] d..1     1.000400000: sched_switch: prev_comm=a b-1 \
prev_pid=11 prev_prio=120 prev_state=S ==> next_comm=web2 next_pid=13 next_prio=120
             web-12    (     12) [001] d..1     1.000500000: sched_switch: prev_comm=web \
prev_pid=12 prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120
            web2-13    (     12) [000] d..1     1.001000000: sched_switch: prev_comm=web2 \
prev_pid=13 prev_prio=120 prev_state=R ==> next_comm=a b-1 next_pid=11 next_prio=120
            a b-1-11   (     11) [000] d..1     1.002000000: sched_switch: prev_comm=a b-1 \
prev_pid=11 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120
"""

PICTURE = """\
us     0         300       600       900       1200      1500      1800
CPU 0  AAAAAAAAAAAAACCCCCCCCCCCCCCCCCCCCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
       #            :                   :
CPU 1  BBBBBBBBBBBBBBBBB..................................................
woken        A
marks          1
  mark 1: here: [1] 2.5: x
A a b-1 (11) 1.4 ms  B web (12) 0.5 ms  C web2 (13) 0.6 ms
"""


@pytest.fixture(scope="module", autouse=True)
def labs_built():
    make("labs-host")


def on_host(name, *options, environment=None, **kwargs):
    return subprocess.run([HOST / name, *options], capture_output=True, text=True, timeout=HANGS,
                          stdin=subprocess.DEVNULL, cwd=ROOT,
                          env={**os.environ, **(environment or {})}, **kwargs)


def reports(console):
    """The JSON objects on a console, by lab; the tour's summary under "tour"."""
    found = {}
    for line in console.replace("\r", "").split("\n"):
        if line.startswith("{"):
            value = json.loads(line)
            found[value.get("lab", "tour")] = value
    return found


BUSY = float(re.search(r"#define LAB_BUSY (\d+)", (ROOT / "user/lab/lab.h").read_text())[1])
NUMBER = r"(-?\d+(?:\.\d+)?(?:e[-+]\d+)?)"
CHECK = re.compile(rf"(?s).*: wanted (?:(yes)|(at least |at most |){NUMBER}(?: to {NUMBER})?)"
                   rf"( [^\d,][^,]*)?, found (?:(yes|no)|{NUMBER})\5?$")


def as_printed_holds(text):
    """Whether the number that a check prints satisfies the bound that it prints."""
    match = CHECK.match(text)
    assert match, f"a check without wanted and found: {text}"
    yes, bound, low, high, _, said, found = match.groups()
    assert bool(yes) == bool(said), text
    if yes:
        return said == "yes"
    low, found = float(low), float(found)
    if high:
        return low <= found <= float(high)
    return {"at least ": found >= low, "at most ": found <= low, "": found == low}[bound]


def truthful(report):
    """Every check says what it wants and what it found, and is ticked exactly if the printed number
    satisfies the printed bound; no part is negative or more than its whole; and a claim that cannot
    be shown has a reason that was measured."""
    checks = [e for e in report["evidence"] if e["kind"] == "check"]
    for e in checks:
        assert as_printed_holds(e["text"]) == e["holds"], e["text"]
        assert {"what", "bound", "wanted", "found", "unit", "timed"} <= set(e), e["text"]
        assert not (e["timed"] and e["unit"] in ("ns", "us", "ms", "s")), "an absolute time"
    for e in report["evidence"]:
        if e["kind"] == "bars" and "whole" in e:
            values = [bar["value"] for bar in e["bars"]]
            assert all(0 <= value <= e["whole"] for value in values), e["title"]
            assert sum(values) <= e["whole"] * 1.000001, e["title"]
        if e["kind"] == "timeline":
            assert all(0 <= start <= end <= e["length"] + 0.001
                       for _, start, end, _ in e["holds"]), e["title"]
    if report["verdict"] in ("true", "corrected"):
        assert checks and all(e["holds"] for e in checks if len(report["options"]) == 3)
    if report["verdict"] == "not_shown":
        said = any(reason in report["text"] for reason in REASONS)
        assert report["cpus"] == 1 or report["load"] >= BUSY or NO_RIGHT or said, report["text"]


def well_formed(report):
    assert report["verdict"] in ("true", "corrected", "false", "not_shown")
    assert report["text"] and report["claim"] and report["evidence"]
    for item in report["evidence"]:
        if item["kind"] == "table":
            assert all(len(row) == len(item["columns"]) for row in item["rows"]), item["title"]
        if item["kind"] == "timeline":
            assert all(end >= start for _, start, end, *_ in item["slices"])
    truthful(report)


def why(report):
    """The checks that failed, for the message."""
    return [report.get("verdict"), report.get("text"), report.get("error")] + \
        [e["text"] for e in report.get("evidence", []) if e["kind"] == "check" and not e["holds"]]


# --- on the host ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_host_json(name):
    result = on_host(name, "--quick", "--json", "--plain")
    assert result.stdout.count("\n") == 1
    report = json.loads(result.stdout)
    assert (result.returncode, report["ok"]) == (0, True), why(report)
    well_formed(report)


@pytest.mark.parametrize("name", NAMES)
def test_host_text(name):
    """To a pipe: no escape sequence, no line written over, no line beyond 80 columns."""
    result = on_host(name, "--quick", "--plain")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "\x1b" not in result.stdout and "\r" not in result.stdout
    assert result.stdout.isascii()
    assert [line for line in result.stdout.split("\n") if len(line) > 80] == []


def test_utf8_and_ascii():
    utf8 = on_host("many", "--quick", environment={"LC_ALL": "C.UTF-8"}).stdout
    assert "─" in utf8 and "\x1b" not in utf8
    assert max(len(line) for line in utf8.split("\n")) <= 80
    assert on_host("many", "--quick", environment={"LC_ALL": "C"}).stdout.isascii()
    assert on_host("many", "--quick", "--ascii", environment={"LC_ALL": "C.UTF-8"}).stdout.isascii()


def test_options():
    assert on_host("many", "--help").returncode == 0
    for wrong in (["--no-such"], ["-q"], ["word"], ["--cpus"], ["--cpus", "0"], ["--cpus=x"],
                  ["--quick=1"], ["--slice", "1"], ["--slice=0.5ms"], ["--seed=-1"]):
        result = on_host("many", *wrong)
        assert result.returncode == 3 and "many:" in result.stderr, wrong
    report = json.loads(on_host("many", "--quick", "--json", "--one-cpu", "--slice=2ms").stdout)
    assert report["cpus"] == 1 and report["options"]["slice_ms"] == 2
    assert "--slice" in [e.get("what") for e in report["evidence"]]


def test_linux_figures(tmp_path):
    """They are shown only beside figures that were measured in the same way."""
    figures = tmp_path / "linux"
    for kind, shown in (("quick", 77), ("full", None)):
        figures.write_text(f"# {kind}\nmany processes 77 \nmany roots 5\nother processes 66\n")
        environment = {"LAB_LINUX_FIGURES": str(figures)}
        report = json.loads(on_host("many", "--quick", "--json", environment=environment).stdout)
        assert report["figures"][0].get("linux") == shown
        text = on_host("many", "--quick", environment=environment).stdout
        assert ("Linux, same QEMU" in text) == bool(shown)


NOISY_LAB = """
#include "user/lab/lab.h"
static void run(void)
{
	struct lab_bars *parts = lab_parts("A turn", 100, "us");

	lab_part(parts, 60, "first");
	lab_part(parts, -2, "second");
	lab_part(parts, 50, "third");
	lab_check_at_least(1.0996, 1.1, "times", "rounded: as fast");
	lab_check_between(3, 3, 4, "", "a count");
	lab_check_equals(7, 7, "", "another count");
	lab_check(true, "a fact");
	lab_check_time_at_least(1.01, 1.1, "times", "as fast");
	lab_verdict(lab_checks_failed() ? LAB_FALSE : LAB_TRUE, "done");
}
const struct lab lab = {.name = "noisy", .claim = "x", .expect = LAB_TRUE, .run = run};
"""


def test_facts_are_no_numbers():
    """lab_check() is for yes or no: what compares numbers goes to the functions that print them."""
    for path in sorted((ROOT / "user/labs").glob("*.c")):
        for fact in re.findall(r"\blab_check\(([^\"]*),\s*\"", path.read_text()):
            assert not re.search(r"[<>]", fact.replace("->", ".")), (path.name, fact)


def test_checks_and_noise(tmp_path):
    """A check tests the number that it prints; a part that noise made negative is not drawn; and if
    only a comparison of times fails, the verdict depends on how busy the machine was."""
    (tmp_path / "noisy.c").write_text(NOISY_LAB)
    subprocess.run(["cc", "-I", ROOT, "-o", tmp_path / "noisy", tmp_path / "noisy.c",
                    BUILD / "host/lab/liblab.a", "-lpthread"], check=True, timeout=HANGS)

    def noisy():
        result = subprocess.run([tmp_path / "noisy", "--json"], capture_output=True, timeout=HANGS)
        report = json.loads(result.stdout)
        truthful({**report, "evidence": [*report["evidence"]]})
        assert (result.returncode == 0) == report["ok"]
        assert report["verdict"] == ("not_shown" if report["load"] >= BUSY else "false")
        return report
    report = noisy()
    holds = [e["holds"] for e in report["evidence"] if e["kind"] == "check"]
    assert holds == [True, True, True, True, False]
    bars, = (e for e in report["evidence"] if e["kind"] == "bars")
    assert [bar["label"] for bar in bars["bars"]] == ["first"]
    assert [e["what"] for e in report["evidence"] if e["kind"] == "left_out"] == \
        ["A turn: second", "A turn: third"]
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
             for _ in range(4 * os.cpu_count())]
    try:
        report = noisy()
        assert report["ok"] and "as fast: wanted at least 1.10 times" in report["text"]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def test_holder_of_a_lock(tmp_path):
    """The timeline has a row for the thread that holds a lock."""
    trace = tmp_path / "trace"
    marks = "".join(f"            {who} [000] ...0     1.0{at}00000: tracing_mark_write: {text}\n"
                    for who, at, text in (("a b-1-11", "002", "holds lock"),
                                          ("a b-1-11", "006", "releases lock"),
                                          ("web-12", "007", "holds lock"),
                                          ("web-12", "010", "releases lock")))
    trace.write_text(SAMPLE + marks)
    row, = re.findall(r"^lock   (\S+)", on_host("timeline", "-f", str(trace), "--plain").stdout,
                      re.M)
    assert re.fullmatch(r"\.+A+\.+B+\.*", row)


def test_question(tmp_path):
    """A key answers; Enter passes; q leaves; in the end it says what was expected."""
    environment = {**os.environ, "LC_ALL": "C", "TERM": "xterm", "NO_COLOR": "1"}
    for key, later in (("b", "You said b; the expected answer is b"),
                       ("A", "You said a; the expected answer is b"), ("\r", None), ("q", None)):
        lab = pexpect.spawn(str(HOST / "many"), timeout=HANGS, encoding="utf-8", env=environment,
                            dimensions=(24, 80))
        lab.expect("q: leave. ")
        lab.send("x" + key)
        text = ""
        # Each screenful waits for a key.
        while lab.expect(["continue; a: all the rest; q: leave --", pexpect.EOF]) == 0:
            assert lab.before.count("\n") <= 23 or not text
            text += lab.before
            lab.send("a" if later else "\r")
        text += lab.before
        assert ("You said" in text) == bool(later) and (later or "") in text
        assert ("TRUE HERE" in text) == (key != "q")
        assert "\x1b[1m" not in text
        lab.close()
        assert lab.exitstatus == (4 if key == "q" else 0)


def test_q_leaves_the_report():
    """q after a screenful: the rest is not shown; another key is answered at once."""
    lab = pexpect.spawn(str(HOST / "many"), timeout=HANGS, encoding="utf-8", dimensions=(24, 80),
                        env={**os.environ, "LC_ALL": "C", "TERM": "xterm"})
    lab.expect("q: leave. ")
    for key, answer in (("x", "'x' does nothing here.  Your guess"), ("\x1b[A", "That key does nothing"),
                        ("\x1bOB", "That key does nothing"), ("\x07", "That key does nothing")):
        lab.send(key)
        lab.expect(answer + ".*q: leave. ")
        assert len(answer + lab.after) < 160 and "\n" not in lab.before
    lab.send("\r")
    lab.expect("q: leave --")
    lab.send("z")
    lab.expect("'z' does nothing here.  -- Enter: continue; a: all the rest; q: leave --")
    lab.send("q")
    lab.expect(pexpect.EOF)
    assert "\n" not in lab.before and "TRUE" not in lab.before
    lab.close()
    assert lab.exitstatus == 0


def test_unattended_waits_for_no_key():
    """On a terminal that nobody types at, as under make gdb, a lab comes to its end."""
    lab = pexpect.spawn(str(HOST / "many"), ["--unattended"], timeout=HANGS, encoding="utf-8",
                        dimensions=(24, 80), env={**os.environ, "TERM": "xterm"})
    lab.expect(pexpect.EOF)
    assert "TRUE HERE" in lab.before and "Your guess" not in lab.before and "-- " not in lab.before


def test_whole_width():
    """On a wide terminal rules, text and tables reach to its end, and no line is longer."""
    lab = pexpect.spawn(str(HOST / "many"), ["--quick", "--unattended"], timeout=HANGS, encoding="utf-8",
                        dimensions=(60, 200), env={**os.environ, "LC_ALL": "C", "TERM": "dumb"})
    lab.expect(pexpect.EOF)
    lengths = [len(line) for line in lab.before.split("\r\n")]
    assert lengths.count(198) >= 3 and max(lengths) <= 200          # the rules
    assert any(150 < length < 198 for length in lengths)            # text
    # The same of a pipe to a screen, as in the tour without a keyboard.
    shown = on_host("many", "--quick", environment={"LAB_WIDTH": "200"}).stdout
    assert max(map(len, shown.split("\n"))) == 198


@pytest.mark.parametrize("name", NAMES)
def test_page(name):
    """The page of each lab as text: 80 columns, no mark of Markdown left, the questions in it."""
    text = on_host("lab", name, "--page").stdout
    assert text.startswith("(Space: next page.") and f"Lab {name}" in text
    assert "\nQuestions\n---------\n" in text
    assert [line for line in text.split("\n") if len(line) > 79] == []
    assert not re.search(r"^#|\]\(|\*\*|<!--", text, re.M)


def test_interrupted():
    """Ctrl-C at a question ends the lab and leaves the terminal as it was."""
    shell = pexpect.spawn("/bin/sh", timeout=HANGS, encoding="utf-8", dimensions=(24, 80),
                          env={**os.environ, "PS1": "prompt> ", "TERM": "xterm"})

    def settings():
        shell.expect("prompt> ")
        shell.sendline("stty -a | cksum")
        shell.expect(r"\n(\d+) \d+")
        return shell.match[1]
    before = settings()
    shell.expect("prompt> ")
    shell.sendline(str(HOST / "many"))
    shell.expect("q: leave. ")
    shell.send("\x03")
    assert settings() == before
    shell.close(force=True)


def test_timeline(tmp_path):
    """The parser: names with spaces and dashes, marks that look like events, with and without the
    columns of process and flags, times in nano- and in microseconds."""
    trace = tmp_path / "trace"
    plain = re.sub(r"\(.{7}\) (?=\[)", "", SAMPLE)
    for text in (SAMPLE, plain, re.sub(r"\] [d.]\.\.\d", "]", plain),
                 re.sub(r"(\.\d{6})000:", r"\1:", SAMPLE)):
        trace.write_text(text)
        result = on_host("timeline", "-f", str(trace), "--plain")
        assert result.returncode == 0 and result.stdout.startswith(PICTURE)
        assert "3 earlier events were overwritten" in result.stdout
    for text in ("", "nonsense\n[000] -1 x: y\n", SAMPLE[:700], " [0] 1.1: sched_switch: \n"):
        trace.write_text(text)
        assert on_host("timeline", "-f", str(trace), "--plain").returncode == 0


def test_lab_program(tmp_path):
    home = {"HOME": str(tmp_path)}
    listed = on_host("lab", "--plain", environment=home).stdout
    assert re.findall(r"^...(\w+)  ", listed, re.M) == NAMES
    result = on_host("lab", "manny", environment=home)
    assert result.returncode == 3 and "'many'" in result.stderr
    assert "mean 'tour'" in on_host("lab", "tuor", environment=home).stderr
    assert on_host("lab", "many", "--quick", environment=home).returncode == 0
    assert re.search(r"^ \S many ", on_host("lab", environment=home).stdout, re.M)
    assert on_host("lab", "many", "--no-such", environment=home).returncode == 3


def test_tour_tells_failure(tmp_path):
    """A lab that is not as expected, or missing, makes the tour fail and its name is said."""
    for name in NAMES:
        script = tmp_path / name
        script.write_text("#!/bin/sh\nexit %d\n" % (name == "stack"))
        script.chmod(0o755)
    environment = {"LAB_DIR": str(tmp_path), "HOME": str(tmp_path)}
    result = on_host("lab", "tour", "--quick", "--json", environment=environment)
    assert json.loads(result.stdout)["tour"]["failed"] == ["stack"]
    assert result.returncode == 1
    (tmp_path / "stack").write_text("#!/bin/sh\n")
    assert on_host("lab", "tour", "--quick", environment=environment).returncode == 0


# What stands for python3 in PATH: (what it prints, what the lab makes of it).
INTERPRETERS = {
    "turns": ("version x\ngil 1\none 200 200 0\nthreads 205 205 42\nprocesses 110 199 2000\n", None),
    "lies": ("version x\ngil 1\none 200 200 0\nthreads 105 200 900\nprocesses 110 199 2000\n",
             "2 threads"),
    "free": ("version x\ngil 0\none 200 200 0\nthreads 105 200 900\nprocesses 110 199 2000\n", None),
    "ends": ("", "it ended with status 3"),
    "absent": (None, "there is no python3 here"),
}


@pytest.mark.parametrize("how", INTERPRETERS)
def test_gil_reads_the_real_interpreters(how, tmp_path):
    """The checks follow from what the interpreter prints; one that fails or is absent is left out."""
    printed, said = INTERPRETERS[how]
    if printed is not None:
        script = tmp_path / "python3"
        script.write_text(f"#!/bin/sh\n/bin/printf '{printed}'\n" + ("exit 3\n" if not printed else ""))
        script.chmod(0o755)
    result = on_host("gil", "--quick", "--json", environment={"PATH": str(tmp_path)})
    report = json.loads(result.stdout)
    failed = [e["text"] for e in report["evidence"] if e["kind"] == "check" and not e["holds"] and
              "CPython" in e["text"]]
    left = [e["why"] for e in report["evidence"] if e["kind"] == "left_out"]
    assert any(said in f for f in failed) if how == "lies" else not failed, failed
    assert any(said in why for why in left) if how in ("ends", "absent") else True, left
    tables = [e for e in report["evidence"] if e["kind"] == "table" and "The real CPython" in e["title"]]
    assert len(tables) == (how not in ("ends", "absent"))
    if how == "lies":
        assert not report["ok"]
    assert "The real JVM" in [e.get("what") for e in report["evidence"]]


# --- on Heddle ------------------------------------------------------------------------------------

@functools.cache
def tour(cpus):
    return boot_and_run('/bin/sh -c "lab tour --quick --json"', timeout=900, cpus=cpus, mem="512M")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_heddle(cpus, name):
    _, console = tour(cpus)
    found = reports(console)
    assert name in found, console[-2000:]
    assert found[name]["ok"], why(found[name])
    assert found[name]["cpus"] == cpus and found[name]["system"]["name"] == "Heddle"
    well_formed(found[name])


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_tour_ends_well(cpus):
    status, console = tour(cpus)
    assert reports(console)["tour"]["tour"]["failed"] == []
    assert status == ENDED


@functools.cache
def broken():
    """The reports by lab and knob."""
    commands = "; ".join(f"lab {name} --quick --json {knob}" for name, knob in ALL_BREAKS)
    console = boot_and_run(f'/bin/sh -c "{commands}; true"', timeout=900, cpus=4, mem="512M")[1]
    found = [json.loads(line) for line in console.split("\n") if line.startswith("{")]
    return {(name, knob): report for report in found for name, knob in ALL_BREAKS
            if name == report["lab"] and knob[2:] in report["options"]}


@pytest.mark.parametrize("name", NAMES)
def test_broken(name):
    """The verdict is measured: without its mechanism it is another."""
    assert name in BREAKS
    usual = reports(tour(4)[1])[name]
    for lab, knob in ALL_BREAKS:
        if lab == name:
            report = broken()[lab, knob]
            truthful(report)
            assert report["ok"], (knob, why(report))
            if usual["verdict"] == "not_shown":  # truthful() has tested that the host was busy
                continue
            assert report["verdict"] != usual["verdict"], (knob, why(report))


def test_memory_looks_from_inside():
    """A process that shares the address space reports its own root and frame: they are the same."""
    text = "One address: this one had the value 1, then the other one wrote 2"
    report = broken()["memory", BREAKS["memory"]]
    table, = (e for e in report["evidence"] if e.get("title") == text)
    rows = {row[0]: row[2:4] for row in table["rows"]}
    assert rows["this process"] == rows["other (--share-space)"] == rows["another thread"]
    assert "-" not in rows["this process"]


def test_races_pair_is_whole():
    """Of a lost update on two CPUs both loads and both stores are shown."""
    title = "Two CPUs, by chance: one of the updates that were lost"
    for cpus in (2, 4):
        for e in reports(tour(cpus)[1])["races"]["evidence"]:
            if e.get("title") == title:
                steps = [" ".join(row[1:]).split() for row in e["rows"]]
                assert sorted(step[0] for step in steps) == ["has", "has", "loads", "loads"]


def test_help_and_pages():
    """help begins with the labs, in a shell of a shell, too; a page fits 80x24 and q leaves it."""
    with VM(append="console_size=24x80", timeout=60) as vm:
        vm.shell()
        assert vm.run("help").lstrip().startswith("The labs:")
        assert "The labs:" in vm.run("sh -ic help")
        assert "Built-in" in vm.run("command help")
        vm.send("lab switching --page\n")
        vm.expect("Lab switching")
        vm.expect("The claim.")
        vm.send(" ")
        vm.expect("How it is shown")
        vm.send("q")
        vm.expect("~ # ")
        assert "no lab 'swiching'; did you mean 'switching'" in vm.run("lab swiching --page")


def test_first_a_lab_then_the_shell():
    """What `make lab` and the entry of the boot menu do."""
    with VM(args="first lab many --quick --plain", timeout=120) as vm:
        vm.expect("TRUE HERE")
        vm.expect("To begin: `lab` lists the labs")
        vm.shell()
        assert re.search("^ . many ", vm.run("lab --plain"), re.M)


def test_into_a_file():
    """Without a terminal `make lab` asks nothing, colours nothing, and ends."""
    result = subprocess.run(["make", "-s", "lab", "NAME=many", "BOOT=direct"],
                            capture_output=True, text=True, timeout=HANGS, cwd=ROOT,
                            stdin=subprocess.DEVNULL)
    text = result.stdout[result.stdout.index("lab many\n---"):]
    assert result.returncode == 0 and "TRUE HERE" in text and "in order" in text
    assert "\x1b" not in text and text.isascii()
    assert [line for line in text.split("\n") if len(line) > 80] == []


def test_tour_says_what_was_left():
    """A lab that was left at its question was skipped; every prompt says how to go on."""
    with VM(timeout=120) as vm:
        vm.shell()
        vm.send("lab tour\n")
        for prompt, key in (("1 of .*Enter: continue; s: skip it; q: leave the tour. ", "\r"),
                            ("Enter: no guess; q: leave. ", "q"), ("2 of .*the tour. ", "s"),
                            ("3 of .*the tour. ", "q")):
            vm.expect("(?s)" + prompt)
            vm.send(key)
        vm.expect(f"0 as expected, 0 not as expected, {len(NAMES)} skipped")


def test_slice_is_put_back():
    """--slice is the machine's: the lab puts it back, also when it is interrupted."""
    with VM() as vm:
        vm.shell()
        path = "/proc/sys/kernel/sched_rr_timeslice_ms"
        before = vm.run(f"cat {path}")
        assert "FALSE" not in vm.run("lab many --quick --slice 3ms", timeout=120)
        assert vm.run(f"cat {path}") == before
        vm.send("lab many --slice 3ms\n")
        vm.expect("leave. ")
        vm.send("\x03")
        vm.expect(r"~ # (?:\x1b\[6n)?$")
        assert vm.run(f"cat {path}") == before


def test_browser_live():
    """By keys: tabs die, one by one, and come back; the others go on; then the report."""
    with VM(timeout=120) as vm:
        vm.shell()
        before = vm.run("stty -a")
        vm.send("lab browser\n")
        vm.expect("q: leave. ")
        vm.send("b")
        vm.expect("(?s)What happened:.*q leave")
        vm.send("z")
        vm.expect("'z' does nothing here")
        for keys, shown in (("c", r"SIGSEGV\): 1 tab, 3 threads"), ("r", "tab 1 came back"),
                            ("2k", r"SIGKILL\): 1 tab, 3 threads"), ("r", "tab 2 came back"),
                            ("3m", r"SIGABRT\): 1 tab, 3 threads"), ("r", "tab 3 came back")):
            for key in keys:
                vm.send(key)
            vm.expect(shown)
            if keys == "c":
                vm.expect("DEAD: r reloads it")
                vm.expect(r"the other tabs missed \d+ of [1-9]")
        vm.send("q")
        vm.expect("continue; a")
        vm.send("a")
        vm.expect("(?s)You said b.*(3 of 3 deaths ended only one tab|The host or other programs took up to)")
        vm.shell()
        assert vm.run("stty -a") == before


def test_timeline_live():
    """It fits the terminal, answers keys, and leaves the terminal as it was."""
    left = r"\x1b\[\?1049l\s*~ # (?:\x1b\[6n)?$"  # a row of marks ends in "# ", too
    with VM(timeout=120) as vm:
        vm.shell()
        before = vm.run("stty -a")
        vm.send("timeline\n")
        vm.expect("CPU 0 .*CPU 1 ")
        vm.send("+ ")
        vm.expect("stopped")
        vm.send("x")
        vm.expect("no such key")
        vm.send("q")
        vm.expect(left)
        assert vm.run("stty -a") == before
        vm.send("timeline\n")
        vm.expect("CPU 0 .*CPU 1 ")
        vm.send("\x03")
        vm.expect(left)
        assert vm.run("stty -a") == before
