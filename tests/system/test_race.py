# SPDX-License-Identifier: MIT
"""`make race`: it finds what is wrong in small programs, explains it, and finds nothing in right ones.
The programs are in tests/race."""
import os
import re
import subprocess
import sys

import pytest

from vm import BUILD, HANGS, ROOT

RACE = ROOT / "tools/race.py"
# What each program is found to be, and what the report says of it.
FOUND = {
    "lost_update": ("WRONG RESULT", [
        r"it printed:\n    counter: [23]\n", r"15 T1 +16 counter = value \+ 1; +writes counter: 2 \(was 3\)",
        r"shortened in \d+ runs to 1 preemption, 5 changes", r"\(all \d+ were\s+tried\): none fails",
        r"T[12] is preempted before line 16; T[12] runs",
        r"counter: one thread reads it at line 14, another one writes it at line 16"]),
    "lost_wakeup": ("HANG: a lost wake-up", [
        r"T1 waits for the condition changed at line 19",
        r"T2 signalled changed at line 30 \(step \d+\), before that wait", r"to 1 preemption"]),
    "three_locks": ("HANG: a deadlock: T1 -> T2 -> T3 -> T1, each waits for the next", [
        r"T3 waits for fork_of\[0\] at line 18; held by T1 since line 17"]),
    "crash": ("CRASH: a crash by SIGSEGV", [
        r"main at crash.c:28, in main\(\):\n    account->balance \+= 10;", "0x4: a NULL pointer",
        r"writes account: NULL \(was &savings\)"]),
    "use_after_free": ("MEMORY ERROR: use after free", [
        r"block 1 has 20 bytes, allocated by main at use_after_free.c:33",
        r"it was freed by T[12] at use_after_free.c:18, in drop\(\)"]),
    "livelock": ("NO END: no progress", [r"main is at line 26; uses turn"]),
    "long_window": ("WRONG RESULT: an assertion failed: end - begin < UPDATES", [
        r"\nrandom +100 +100 ", r"first: one thread writes it at line 18, another one reads it at", r"Found by PCT, seed", r"to 1\s+preemption"]),
}


@pytest.fixture(scope="module", autouse=True)
def runtime():
    build = os.environ.get("BUILD") or "build"
    subprocess.run(["make", "-s", f"{build}/race/lib/libruntime.a"], cwd=ROOT, check=True)


def race(*arguments, status=None, **settings):
    """The report."""
    done = subprocess.run([sys.executable, RACE, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=HANGS, check=False,
                          env={**os.environ, "BUILD": str(BUILD), **settings})
    text = done.stdout + done.stderr
    assert status is None or done.returncode == status, text
    return text


def counts(text, strategy):
    """The columns of one row of the table of strategies."""
    row = re.search(rf"^{strategy}.*$", text, re.M).group()
    return [0 if c == "-" else int(c) for c in row[29:].split()[:7]]


@pytest.mark.parametrize("name", FOUND)
def test_finds(name):
    headline, patterns = FOUND[name]
    few = ["--runs", "400", "--steps", "2000"] if name in ("three_locks", "livelock") else []
    text = race(*few, f"tests/race/{name}.c", status=1)
    assert headline in text.replace("\n", " "), text
    for pattern in patterns:
        assert re.search(pattern, text), (pattern, text)
    assert f"make gdb RACE={name} STEP=" in text
    assert "weak memory order" in text


def test_right():
    """No schedule of a right program fails, and the exhaustive search comes to its end."""
    text = race("tests/race/right.c", status=0)
    assert counts(text, "random")[:2] == [100, 100]
    assert re.search(r"^all with <= 2 preemptions .*finished$", text, re.M), text
    assert "That is no proof" in text
    assert "Data races" not in text


def test_data_race_without_a_failure(tmp_path):
    """A race that no schedule exposes, since nothing depends on it, and one that atomics hide."""
    program = tmp_path / "unused.c"
    text = """#include <pthread.h>
#include <stdatomic.h>

static %s value;

static void *set(void *unused)
{
	value = 1;
	return unused;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, set, NULL);
	value = 2;
	pthread_join(t, NULL);
	return value == 0;
}
"""
    program.write_text(text % "int")
    report = race("--seeds", "10", str(program), status=0)
    assert "value: one thread writes it at line 8, another one writes it at line 17" in report
    assert "line 19" not in report  # after the join
    program.write_text(text % "atomic_int")
    assert "Data races" not in race("--seeds", "10", str(program), status=0)


def test_same_on_any_machine():
    """A seed has one schedule: the whole report is the same on 1, 2 and 4 CPUs."""
    def report(cpus):
        text = race("tests/race/lost_update.c", status=1, CPUS=cpus)
        return re.sub(r"[\d.]+ s( in all)?\.", "", text)

    first = report("1")
    assert report("2") == first
    assert report("4") == first


def test_replay():
    """A schedule is repeated from its words."""
    text = race("tests/race/lost_update.c", "--schedule", "1.4>2", status=1)
    assert "Schedule 1.4>2: wrong" in text or "Schedule 1.4>2: passed" in text
    assert "counter: 2" in text
    assert race("tests/race/lost_update.c", "--schedule", "1.4>2").split(" s in all")[0][:-4] == \
        text.split(" s in all")[0][:-4]
    assert "counter: 4" in race("tests/race/lost_update.c", "--schedule", "default", status=0)


def test_gdb_stops_in_the_schedule():
    race("tests/race/lost_update.c", status=1)
    step = "15"  # the second write of the preempted thread
    done = subprocess.run([sys.executable, ROOT / "tools/gdb.py", "--batch", "-ex", "print value",
                           "-ex", "print counter", "-ex", "next", "-ex", "print counter"],
                          cwd=ROOT, capture_output=True, text=True, timeout=HANGS, check=False,
                          env={**os.environ, "BUILD": str(BUILD), "RACE": "lost_update", "STEP": step})
    text = done.stdout + done.stderr
    assert f"Step {step} of the schedule" in text, text
    assert re.search(r"in add .*lost_update.c:16", text), text
    # It has read 1; the other thread has counted to 3; it writes 2.
    assert re.findall(r"\$\d = (\d)", text) == ["1", "3", "2"], text


def test_bad_input(tmp_path):
    """Each mistake is answered by what is wrong."""
    def source(text):
        path = tmp_path / "my.c"
        path.write_text(text)
        return str(path)

    for setting, answer in (("", "no program"), ("PROGRAM=none.c", "PROGRAM=none.c: there is no such")):
        done = subprocess.run(["make", "race", *setting.split()], cwd=ROOT, capture_output=True,
                              text=True, check=False)
        assert answer in done.stderr
    assert "no program" in race(status=2)
    assert "is not a file" in race("/none.c", status=2)
    assert "does not compile" in race(source("int main(void) { return x; }"), status=2)
    assert "no main()" in race(source("int x;"), status=2)
    assert "calls fork()" in race(source("#include <unistd.h>\nint main(void) { return fork(); }"),
                                  status=2)
    assert "threads of C11" in race(source("#include <threads.h>\nint main(void)\n{\n\tthrd_t t;\n"
                                           "\treturn thrd_create(&t, 0, 0);\n}"), status=2)
    assert "does not link" in race(source("int f(void); int main(void) { return f(); }"), status=2)
    assert "from 1 to 16" in race("--depth", "0", "tests/race/right.c", status=2)


def test_arguments_input_and_expectation(tmp_path):
    """A program with arguments and input; its right output is given."""
    program, given, wanted = (tmp_path / n for n in ("echo.c", "input", "wanted"))
    program.write_text('#include <stdio.h>\nint main(int n, char **v)\n{\n\tchar line[80];\n'
                       '\tprintf("%d %s %s", n, v[1], fgets(line, sizeof(line), stdin));\n'
                       '\treturn 0;\n}\n')
    given.write_text("from a file\n")
    wanted.write_text("2 a b from a file\n")
    flags = ["--args", "'a b'", "--input", str(given), "--seeds", "2"]
    text = race(*flags, "--expect", str(wanted), str(program), status=0)
    assert "creates no thread" in text
    wanted.write_text("another\n")
    text = race(*flags, "--expect", str(wanted), str(program), status=1)
    assert "the output differs from that in EXPECT=" in text


def test_waits_in_the_kernel(tmp_path):
    """What only a limit of time ends is tried a few times, not hundreds."""
    program = tmp_path / "reads.c"
    program.write_text("#include <unistd.h>\nint main(void)\n{\n\tint p[2];\n\tchar c;\n\n"
                       "\treturn pipe(p) + read(p[0], &c, 1);\n}\n")
    text = race(str(program), status=1)
    assert "HANG: a system call waits" in text and "No more was tried" in text
    assert int(re.search(r"^(\d+) runs in", text, re.M).group(1)) < 10


@pytest.mark.slow
def test_endless_loop(tmp_path):
    program = tmp_path / "loops.c"
    program.write_text("int main(void)\n{\n\tfor (;;)\n\t\t;\n}\n")
    text = race(str(program), status=1)
    assert "main loops without a step at line 3" in text or "at line 4" in text


@pytest.mark.slow
def test_exhaustive_finds_all():
    """The deadlock of three locks by every schedule with two preemptions; and a machine of one CPU
    and of four find the same."""
    rows = {re.search(r"^all with.*$", race("tests/race/three_locks.c", status=1, CPUS=cpus), re.M).group()
            for cpus in ("1", "4")}
    assert len(rows) == 1
    assert rows.pop().endswith("finished")
