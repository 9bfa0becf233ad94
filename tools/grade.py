#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Grades exercises: `make grade`, `make grade EX=cow`.

    tools/grade.py [--json FILE] [--student NAME | --seed N] [EXERCISE...]
    tools/grade.py --answer exercises/cow/wrong/never_copy.c cow    grade this answer instead
    tools/grade.py --table [--page docs/exercises.md] [EXERCISE...]
                                             grade the stub, each wrong answer and the right one

The working tree is copied to build/grade/tree, where only files that changed are compiled again.  It
boots there on each number of CPUs: self-tests of the kernel in one boot, programs and labs in another.
A check during which the kernel panics, hangs or resets has failed, and another boot runs the rest.
--json writes what Gradescope reads as results.json.  The status is 0 only at full points.
"""
import argparse
import contextlib
import fcntl
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import time

import exercise as exercises
import grade_machine
import linux
from exercise import ROOT, Refused

BUILD = pathlib.Path(os.environ.get("BUILD") or "build")
BUILD = BUILD if BUILD.is_absolute() else ROOT / BUILD
GRADE = BUILD / "grade"
TREE = GRADE / "tree"
COPIED = ("Makefile", "linker.ld", "arch", "boot", "kernel", "tests/kernel", "tests/user", "tools")
EARLY = "(before the first check began)"
EARLY_HINT = "The kernel does not get as far as the checks.  Begin with the first line that it lost, above."
SEEDS = 20  # schedules of a check of kind "seeds", if it names no number
WIDTH = 100


def clean_environment():
    """What make told us about itself, and settings of another build, are not for the tree."""
    drop = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "DEBUG", "SANITIZE", "CORE", "WITHOUT", "CFLAGS",
            "NAME", "APPEND", "GDB", "LAB", "TOUR", "ARGS", "INITRD", "INIT", "GDBARGS", "REPLAY")
    return {k: v for k, v in os.environ.items() if k not in drop}


def make(folder, *arguments):
    """Run make; the compiler's words if it fails, else None."""
    done = subprocess.run(["make", "-C", str(folder), f"-j{os.cpu_count()}", *arguments],
                          capture_output=True, text=True, env=clean_environment())
    if done.returncode == 0:
        return None
    wanted = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
    return "\n".join((wanted or done.stderr.splitlines())[:8])


# The tree

@contextlib.contextmanager
def alone():
    """One at a time in the tree."""
    GRADE.mkdir(parents=True, exist_ok=True)
    with open(GRADE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another `make grade` is at work in {GRADE}: wait for its end") from None
        yield


def sources(exercise):
    """{path relative to the tree: file to copy}, with the exercise's own checks."""
    out = {}
    for name in COPIED:
        top = ROOT / name
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                out[str(path.relative_to(ROOT))] = path
    for path in exercise.own_checks():
        folder = "kernel" if "KTEST(" in path.read_text() else "user"
        out[f"tests/{folder}/{checks_own_name(path)}.c"] = path
    return out


def checks_own_name(path):
    """cow/check_pages.c -> cow_pages"""
    return path.parent.name.replace("-", "_") + "_" + path.stem[len("check_"):]


def own_programs(exercise):
    return [checks_own_name(p) for p in exercise.own_checks() if "KTEST(" not in p.read_text()]


def seed_objects():
    """The first time: begin with what `make` has built already."""
    for name in ("arch", "boot", "kernel", "tests/kernel"):
        if (BUILD / name).exists():
            shutil.copytree(BUILD / name, TREE / "build" / name, copy_function=shutil.copy2,
                            dirs_exist_ok=True)
    for path in BUILD.glob("*"):
        if path.is_file() and path.suffix in (".h", ".S", ".d", ".o", ".ld") and path.stem != "symbols":
            shutil.copy2(path, TREE / "build" / path.name)
    if (BUILD / "flags").exists():
        shutil.copytree(BUILD / "flags", TREE / "build/flags", copy_function=shutil.copy2,
                        dirs_exist_ok=True)


def write_tree(exercise, patches):
    """Bring TREE up to date; `patches` stand in place of files.  Unchanged files keep their time."""
    first = not (TREE / "build").exists()
    (TREE / "build").mkdir(parents=True, exist_ok=True)
    wanted = {**dict.fromkeys(patches), **sources(exercise)}
    for name, path in wanted.items():
        to = TREE / name
        new = patches[name].encode() if name in patches else path.read_bytes()
        if to.exists() and to.read_bytes() == new:
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(new)
        if path:
            shutil.copymode(path, to)
        if first and name not in patches:
            shutil.copystat(path, to)
    for path in [p for name in COPIED for p in (TREE / name).rglob("*") if p.is_file()]:
        if str(path.relative_to(TREE)) not in wanted and "__pycache__" not in path.parts:
            path.unlink()
    if first:
        seed_objects()


class Built:
    """The kernel in the tree, its programs, and which self-tests there are."""

    def __init__(self, exercise, patches, debug):
        self.exercise = exercise
        write_tree(exercise, patches)
        self.error = None
        self.kernels = {}
        for wanted in sorted({False} | debug):
            where = "build/debug" if wanted else "build"
            words = ["DEBUG=1", "SANITIZE=1"] if wanted else []
            self.error = self.error or make(TREE, f"BUILD={where}", *words, f"{where}/heddle.elf")
            self.kernels[wanted] = TREE / where / "heddle.elf"
        self.tests = sorted(name for path in (TREE / "tests/kernel").rglob("*.c")
                            for name in re.findall(r"^KTEST\((\w+)\)", path.read_text(), re.M))
        programs = [f"build/tests/user/{name}" for name in own_programs(self.exercise)]
        error = make(ROOT, f"BUILD={BUILD}", str(BUILD / "initramfs.cpio"))
        if not error and programs:
            error = make(TREE, "BUILD=build", *programs)
        if error:
            raise Refused(f"the programs of the tests could not be built:\n{error}\n  `make` says more")

    def archive(self, script):
        """The RAM file system with the exercises' own programs and this script in it."""
        entries = [linux.cpio_entry("grade.sh", 0o100755, script.encode())]
        for name in own_programs(self.exercise):
            data = (TREE / "build/tests/user" / name).read_bytes()
            entries.append(linux.cpio_entry(f"tests/{name}", 0o100755, data))
        entries.append(linux.cpio_entry("TRAILER!!!", 0))
        data = (BUILD / "initramfs.cpio").read_bytes()
        out = GRADE / "initramfs.cpio"
        out.write_bytes(data + b"\0" * (-len(data) % 4) + b"".join(entries))
        return out


# What runs in a boot

class Step:
    """One thing that runs once in a boot: a self-test, or a command.  Several checks may look at it."""

    def __init__(self, key, command, factor=1):
        self.key, self.command, self.factor = key, command, factor
        self.lines, self.done, self.status, self.failure = [], False, None, None


def steps_of(check, tests, seeds):
    """{key of a step: its command} of a check; the command of a self-test is None."""
    run, kind = check["run"], check["kind"]
    if kind == "selftest":
        found = [t for pattern in run.split() for t in tests if fnmatch.fnmatchcase(t, pattern)]
        if not found:
            raise Refused(f"check {check['name']}: no self-test is called {run}")
        return {("test", t): None for t in found}
    if kind == "init":
        program, _, names = run.partition(":")
        return {("init", program, name): program for name in names.split()}
    if kind == "lab":
        return {("lab", run): f"/labs/{run} --json </dev/null"}
    if kind == "seeds":
        numbers = [(seeds + 7919 * i) % 1_000_000_000 or 1 for i in range(check.get("seeds", SEEDS))]
        loop = "".join(f'echo "@@ seed {n}"; ( echo {n} > /proc/self/sched_seed; exec /tests/{run} ) '
                       f'</dev/null || echo "@@ seed {n} status $?"; ' for n in numbers)
        return {("seeds", run, seeds): loop + "true"}
    program = run.partition(":")[0]
    return {("program", program): f"/tests/{program} </dev/null"}


def script_of(steps):
    lines = ["cd /tmp"]
    for number, step in steps:
        lines += [f'echo "@@ begin {number}"', step.command, f'echo "@@ end {number} $?"']
    return "\n".join([*lines, "true", ""])


class Boots:
    """Runs steps on a number of CPUs, in as few boots as the kernel allows."""

    def __init__(self, built, debug, cpus, words, say):
        self.built, self.debug, self.cpus, self.words, self.say = built, debug, cpus, words, say
        self.count = 0

    def run(self, steps):
        """All of one kind: self-tests, or commands."""
        kinds = {}
        for step in steps:
            kinds.setdefault(step.key[:2] if step.key[0] == "init" else step.command is None, []).append(step)
        for chosen in kinds.values():
            while True:
                left = [s for s in chosen if not s.done]
                if not left:
                    break
                self.boot(left)

    def boot(self, steps):
        self.count += 1
        self.say(f"{'debug kernel, ' if self.debug else ''}{self.cpus} "
                 f"CPU{'s' if self.cpus > 1 else ''}: {len(steps)} to run")
        by_number = dict(enumerate(steps))
        now, self.began = [None], False
        tail = []
        group = steps[0].key[0]
        see = {"test": self.see_test, "init": self.see_init}.get(group, self.see_command)

        def on_line(line):
            tail.append(line)
            del tail[:-6]
            see(line, by_number, now)
        init, words, script = "", self.words, ""
        if group == "test":
            words += " selftest selftest_list=" + ",".join(s.key[1] for s in steps)
        elif group == "init":
            words += f" init=/tests/{steps[0].command}"
            init = " ".join(s.key[2] for s in steps)
        else:
            init, script = "run /bin/sh /grade.sh", script_of(list(by_number.items()))
        archive = self.built.archive(script)
        machine = grade_machine.Machine(self.built.kernels[self.debug], archive, self.cpus, words, init)
        kind, reason, where = machine.run(on_line, lambda: now[0].factor if now[0] else 1)
        self.blame(steps, now[0], kind, reason, where, tail)

    def blame(self, steps, now, kind, reason, where, tail):
        """The machine has ended: what ran then has failed."""
        left = [s for s in steps if not s.done]
        if not left:
            return
        if kind == "end":
            reason = "the machine ended before this was done; last words: " + " / ".join(tail[-2:])
        failure = (reason, where)
        guilty = [now] if now and not now.done else left[:1]
        if not self.began:
            failure = (f"{reason} {EARLY}", where)
            guilty = left
        for step in guilty:
            step.done, step.failure = True, failure

    def see_test(self, line, by_number, now):
        begin = re.search(r"# begin (\w+)", line)
        if begin:
            self.began = True
            now[0] = next((s for s in by_number.values() if s.key[1] == begin[1]), None)
            return
        end = re.search(r"\b(not )?ok \d+ (\w+)", line)
        if end and now[0] and now[0].key[1] == end[2]:
            now[0].done, now[0].status = True, 1 if end[1] else 0
        elif now[0]:
            now[0].lines.append(re.sub(r"^\[ *[\d.]+\] ", "", line))

    def see_init(self, line, by_number, now):
        begin, end = re.match(r"# begin (\w+)$", line), re.match(r"(not )?ok (\w+)$", line)
        if begin:
            self.began = True
            now[0] = next((s for s in by_number.values() if s.key[2] == begin[1]), None)
        elif end and now[0] and now[0].key[2] == end[2]:
            now[0].done, now[0].status = True, 1 if end[1] else 0
        elif now[0]:
            now[0].lines.append(line)

    def see_command(self, line, by_number, now):
        begin, end = re.search(r"@@ begin (\d+)", line), re.search(r"@@ end (\d+) (\d+)", line)
        if begin:
            self.began = True
            now[0] = by_number.get(int(begin[1]))
        elif end and now[0] is by_number.get(int(end[1])) and now[0]:
            now[0].done, now[0].status = True, int(end[2])
        elif now[0]:
            now[0].lines.append(line)


# What is seen

def judge(check, step):
    """None if the step shows what the check wants, else what was seen instead."""
    if step.failure:
        return step.failure[0], step.failure[1]
    kind, lines = check["kind"], step.lines
    if kind in ("selftest", "init"):
        return None if step.status == 0 else first_words(lines, "the self-test failed")
    if kind == "lab":
        return judge_lab(check, lines)
    if kind == "seeds":
        return judge_seeds(lines)
    if kind == "lockdep":
        return judge_lockdep(check, step)
    return judge_program(check, step)


def judge_lockdep(check, step):
    found = [line for line in step.lines if re.search(r"lockdep|lock order|deadlock", line)]
    return ("; ".join(found[:3]), []) if found else judge_program(check, step)


def first_words(lines, otherwise):
    said = [line.lstrip("# ") for line in lines if line.startswith("#")]
    return (" / ".join(said[:2]) or otherwise), []


def judge_program(check, step):
    program, _, name = check["run"].partition(":")
    if not name:
        failed = [line for line in step.lines if line.startswith("not ok ")]
        if step.status == 0 and not failed:
            return None
        return first_words(step.lines, f"{program} ended with status {step.status}")
    said = []
    for line in step.lines:
        if re.match(rf"ok {re.escape(name)}\b", line):
            return None
        if re.match(r"(not )?ok |skip ", line):
            if re.match(rf"not ok {re.escape(name)}\b", line):
                return first_words(said, f"`not ok {name}`")
            said = []
        else:
            said.append(line)
    return f"{program} did not print `ok {name}`; it ended with status {step.status}" + (
        f" after: {step.lines[-1]}" if step.lines else ""), []


def judge_lab(check, lines):
    found = next((line for line in lines if line.startswith("{")), None)
    try:
        lab = json.loads(found or "")
    except ValueError:
        return "the lab came to no verdict" + (f": {lines[-1][:150]}" if lines else ""), []
    wanted = check.get("expect", lab.get("expected"))
    if lab["verdict"] == wanted:
        return None
    return f"the verdict is {lab['verdict']}, not {wanted}: {lab.get('text', '')}", []


def judge_seeds(lines):
    tried = [line.split()[2] for line in lines if re.match(r"@@ seed \d+$", line)]
    failed = [line.split() for line in lines if re.match(r"@@ seed \d+ status", line)]
    if not failed and tried:
        return None
    if not tried:
        return "no seed was tried", []
    seed = failed[0][2]
    said, mine = [], False
    for line in lines:
        if line.startswith("@@ seed "):
            mine = line == f"@@ seed {seed}"
        elif mine and not line.startswith("ok "):
            said.append(line.lstrip("# "))
    return (f"{len(failed)} of {len(tried)} schedules fail, first with seed {seed}: "
            + (" / ".join(said[:2]) or f"status {failed[0][4]}")), []


# One exercise

class Grade:
    """The outcome of one exercise."""

    def __init__(self, exercise, seed):
        self.exercise, self.seed, self.error = exercise, seed, None
        self.seen, self.seconds, self.boots = {}, 0.0, 0

    @property
    def points(self):
        return sum(c["points"] for c in self.exercise.checks if self.passed(c))

    def passed(self, check):
        return not self.error and self.seen.get(check["name"]) is None


def grade(exercise, patches=None, seed=1, say=lambda text: None, only=None):
    """Build, boot, judge: all checks, or those whose names are in `only`."""
    with alone():
        return grade_alone(exercise, patches, seed, say, only)


def grade_alone(exercise, patches, seed, say, only):
    out, start = Grade(exercise, seed), time.monotonic()
    checks = [c for c in exercise.checks if not only or c["name"] in only]
    say("build")
    built = Built(exercise, patches or {}, {is_debug(c) for c in checks})
    if built.error:
        out.error = "the kernel does not compile: " + built.error
    else:
        run_checks(out, built, checks, seed, say)
    out.seconds = time.monotonic() - start
    return out


def is_debug(check):
    return bool(check.get("debug", check["kind"] == "lockdep"))


def own_places(exercise, text):
    """The exercise's checks under the name that they have for the student."""
    for path in exercise.own_checks():
        text = re.sub(rf"(tests/(kernel|user)/)?\b{checks_own_name(path)}\.c\b",
                      f"exercises/{exercise.name}/{path.name}", text)
    return text


def run_checks(out, built, checks, seed, say):
    exercise = out.exercise
    for debug, words in sorted({(is_debug(c), c.get("words", "")) for c in checks}):
        mine = [c for c in checks if (is_debug(c), c.get("words", "")) == (debug, words)]
        for cpus in sorted({n for c in mine for n in c["cpus"]}):
            steps, looks = {}, []
            # What has failed on fewer CPUs has lost its points: it is not run again.
            for check in [c for c in mine if cpus in c["cpus"] and not out.seen.get(c["name"])]:
                for key, command in steps_of(check, built.tests, seed).items():
                    step = steps.setdefault(key, Step(key, command))
                    step.factor = max(step.factor, check.get("limit", 1))
                    looks.append((check, step))
            boots = Boots(built, debug, cpus, words, say)
            boots.run(list(steps.values()))
            out.boots += boots.count
            for check, step in looks:
                found = judge(check, step)
                if found and out.seen.get(check["name"]) is None:
                    text, where = own_places(exercise, found[0]), found[1]
                    out.seen[check["name"]] = (f"on {cpus} CPU{'s' if cpus > 1 else ''}: {text}", where)


# gdb

def run_gdb(exercise, patches, name, seed):
    """gdb on a machine that runs one check, at the check's breakpoint."""
    check = next((c for c in exercise.checks if c["name"] == name), None)
    if not check:
        raise Refused(f"{exercise.name} has no check {name}.  There are: "
                      + ", ".join(c["name"] for c in exercise.checks))
    with alone():
        built = Built(exercise, patches, {is_debug(check)})
        if built.error:
            raise Refused("the kernel does not compile: " + built.error)
        steps = [Step(*pair) for pair in steps_of(check, built.tests, seed).items()]
        build = built.kernels[is_debug(check)].parent
        points = re.findall(r'-ex "(break [^"]*)"', check["gdb"])
        words, told, commands = check.get("words", ""), "run /bin/sh /grade.sh", ["--stopped"]
        if steps[0].command is None:
            tests = [s.key[1] for s in steps]
            words += f" selftest selftest_list={','.join(tests)}"
            told, commands = "", ["--stopped", "-ex", f"tbreak {tests[0]}", "-ex", "continue"]
        commands += [w for point in points for w in ("-ex", point)] + ["-ex", "continue"]
        archive = built.archive("" if not told else script_of(list(enumerate(steps))))
        shutil.copy(archive, build / "initramfs.cpio")
        print(f"gdb at the check {name}: {' '.join(commands[1:])}", flush=True)
        environment = {**clean_environment(), "BUILD": str(build), "APPEND": words, "ARGS": told,
                       "CPUS": os.environ.get("CPUS") or "1"}
        return subprocess.call([sys.executable, str(ROOT / "tools/gdb.py"), *commands], env=environment)


# Output

def block(label, text):
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=f"        {label:8}",
                         subsequent_indent=" " * 16, break_long_words=False, break_on_hyphens=False)


def gdb_words(exercise, check, seen):
    """What to type: gdb at this check, in the kernel that was graded."""
    if EARLY in seen:
        return check["gdb"]
    cpus = re.match(r"on (\d+) CPU", seen)
    then = re.search(r"then: (.*)", check["gdb"])
    return (f"make grade EX={exercise.name} GDB={check['name']}" + (f" CPUS={cpus[1]}" if cpus else "")
            + (f", then: {then[1]}" if then else ""))


def details(exercise, check, seen):
    """Lines about a check that failed."""
    text, where = seen
    lines = [block("wanted", check["what"]), block("seen", text)]
    lines += [" " * 16 + line.strip()[:WIDTH - 16] for line in where[:12]]
    hint = EARLY_HINT if EARLY in text else check["hint"]
    return lines + [block("hint", hint), block("gdb", gdb_words(exercise, check, text))]


def show(graded):
    exercise, shown = graded.exercise, []
    print(f"\n{exercise.name}: {exercise.title}")
    for check in exercise.checks:
        passed = graded.passed(check)
        print(f"  {'ok  ' if passed else 'FAIL'}  {check['name']:40} "
              f"{check['points'] if passed else 0:3} of {check['points']:3}")
        if not passed and not graded.error:
            seen = graded.seen[check["name"]]
            print("\n".join(details(exercise, check, seen) if seen not in shown else [block("seen", "the same")]))
            shown.append(seen)
    if graded.error:
        print(textwrap.indent(graded.error, "    "))
    print(f"  {'':46}{graded.points:3} of {exercise.points:3}   ({graded.boots} boots, "
          f"{graded.seconds:.0f} s)")


def gradescope(grades, student=""):
    """What Gradescope's autograder reads (its documentation: Autograder Specifications, Output)."""
    tests = []
    for g in grades:
        for number, check in enumerate(g.exercise.checks, 1):
            passed = g.passed(check)
            seen = (g.error, []) if g.error else g.seen.get(check["name"])
            tests.append({"score": check["points"] if passed else 0, "max_score": check["points"],
                          "status": "passed" if passed else "failed",
                          "name": f"{g.exercise.name}: {check['name']}", "number": f"{g.exercise.order}.{number}",
                          "output": "" if passed else "\n".join(
                              line.strip() for line in details(g.exercise, check, seen)),
                          "tags": [g.exercise.name], "visibility": "visible"})
    return {"score": sum(g.points for g in grades), "execution_time": round(sum(g.seconds for g in grades)),
            "output": f"{len(grades)} exercise(s)" + (f" of {student}" if student else ""),
            "visibility": "visible", "stdout_visibility": "visible", "tests": tests,
            "extra_data": {"student": student, "seeds": {g.exercise.name: g.seed for g in grades}}}


def progress(name):
    def say(text):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{name}: {text}", end="", file=sys.stderr, flush=True)
    return say


def clear_line():
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# All answers of an exercise

def all_answers(exercise):
    """(label, patches, [[wrong]] or None): the stub, each wrong answer, the right one."""
    yield "stub", exercise.stubbed(), None
    for wrong in exercise.wrong:
        yield wrong["file"], exercise.patched([exercise.folder / wrong["file"]]), wrong
    yield "right", {}, None


def misjudged(graded, label, wrong):
    """What the graders should have said otherwise, as lines."""
    lost = {c["name"] for c in graded.exercise.checks if not graded.passed(c)}
    if graded.error:
        yield f"{label}: {graded.error}"
        return
    if label == "right" and lost:
        yield f"right: loses {', '.join(sorted(lost))}"
    if label == "stub" and graded.points > graded.exercise.points * 0.4:
        yield f"stub: {graded.points} of {graded.exercise.points} points"
    if wrong and set(wrong["loses"]) - lost:
        yield f"{label}: keeps {', '.join(sorted(set(wrong['loses']) - lost))}"
    if wrong and set(wrong.get("keeps", [])) & lost:
        yield f"{label}: loses {', '.join(sorted(set(wrong['keeps']) & lost))}, too"


BEGIN, END = "<!-- table: tools/grade.py --table --page docs/exercises.md -->\n", "<!-- end -->\n"
HEAD = ("| exercise | what you write | your minutes | builds on | stub | wrong answers | right | to grade |\n"
        "|---|---|---|---|---|---|---|---|\n")


def row(exercise, points, seconds):
    """A line of the table in docs/exercises.md."""
    wrong = ", ".join(str(points[w["file"]]) for w in exercise.wrong)
    return (f"| `{exercise.name}` | {exercise.title} | {exercise.minutes} | "
            f"{', '.join(exercise.builds_on) or '-'} | {points['stub']} | {wrong} | {points['right']} | "
            f"{seconds['right']:.0f} s; wrong: up to {max(seconds.values()):.0f} s |\n")


def write_page(path, rows):
    """Put these rows into the table of the page, in the order of the course; others stay."""
    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise Refused(f"{path} has no place for the table: it stands between {BEGIN.strip()} and {END.strip()}")
    start = text.index(BEGIN) + len(BEGIN)
    end = text.index(END, start)
    lines = {m[1]: m[0] for m in re.finditer(r"^\| `([\w-]+)` .*\n", text[start:end], re.M)}
    lines.update({exercise.name: row(exercise, points, seconds) for exercise, points, seconds in rows})
    ordered = [lines[e.name] for e in exercises.every() if e.name in lines]
    path.write_text(text[:start] + HEAD + "".join(ordered) + text[end:])


def table(chosen, seed, page=None):
    """Grade every answer of the exercises, and write a row for each into the page; complaints."""
    complaints = []
    for exercise in chosen:
        points, seconds = {}, {}
        for label, patches, wrong in all_answers(exercise):
            graded = grade(exercise, patches, seed, progress(f"{exercise.name}, {label}"))
            clear_line()
            points[label], seconds[label] = graded.points, graded.seconds
            complaints += [f"{exercise.name}: {line}" for line in misjudged(graded, label, wrong)]
            lost = [c["name"] for c in exercise.checks if not graded.passed(c)]
            print(f"{exercise.name:12} {label:32} {graded.points:3} of {exercise.points:3}  "
                  f"{graded.seconds:4.0f} s  {'lost: ' + ' '.join(lost) if lost else ''}", flush=True)
        if page:
            write_page(page, [(exercise, points, seconds)])
    return complaints


def main():
    parser = argparse.ArgumentParser(description="grade exercises")
    parser.add_argument("--json", metavar="FILE", help="also write Gradescope's results.json; - is stdout")
    parser.add_argument("-s", "--student", default="", help="the student whose seeds are used")
    parser.add_argument("--seed", type=int, help="the first seed itself")
    parser.add_argument("--answer", action="append", type=pathlib.Path, default=[],
                        help="a file with functions that stand in place of the tree's")
    parser.add_argument("--table", action="store_true", help="grade the stub and the wrong answers, too")
    parser.add_argument("--gdb", metavar="CHECK", help="look at this check of the exercise in gdb, on $CPUS CPUs")
    parser.add_argument("--page", type=pathlib.Path, help="with --table: the page that has the table")
    parser.add_argument("names", nargs="*", metavar="EXERCISE")
    options = parser.parse_args()
    try:
        return run(options)
    except Refused as error:
        sys.exit(f"grade: {error}.")


def seed_for(options, exercise):
    return options.seed or (exercises.seed_of(options.student, exercise.name) if options.student else 1)


def run(options):
    chosen = [exercises.load(name) for name in options.names] or exercises.every()
    if options.table:
        complaints = table(chosen, options.seed or 1, options.page)
        print("\n".join(complaints))
        return 1 if complaints else 0
    if options.gdb:
        if not options.names:
            raise Refused("GDB= wants the exercise, too: EX=")
        exercise = chosen[0]
        return run_gdb(exercise, exercise.patched(options.answer) if options.answer else {}, options.gdb,
                       seed_for(options, exercise))
    grades = []
    quiet = options.json == "-"
    for exercise in chosen:
        seed = seed_for(options, exercise)
        patches = exercise.patched(options.answer) if options.answer else {}
        grades.append(grade(exercise, patches, seed, progress(exercise.name)))
        clear_line()
        if not quiet:
            show(grades[-1])
    got, most = sum(g.points for g in grades), sum(g.exercise.points for g in grades)
    if not quiet and len(grades) > 1:
        print(f"\nall: {got} of {most}")
    if options.json:
        text = json.dumps(gradescope(grades, options.student), indent=1) + "\n"
        if quiet:
            print(text, end="")
        else:
            pathlib.Path(options.json).write_text(text)
    return 0 if got == most else 1


if __name__ == "__main__":
    sys.exit(main())
