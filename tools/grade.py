#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Grades exercises: `make grade`, `make grade EX=cow`.

    tools/grade.py [--json FILE] [--student NAME | --seed N] [EXERCISE...]
    tools/grade.py --answer exercises/cow/wrong/never_copy.diff cow    grade this answer instead
    tools/grade.py --table [--page docs/exercises.md] [EXERCISE...]
                                             grade the stub, each wrong answer and the right one

The working tree is copied to build/grade/tree, where only files that changed are compiled again.  It
boots there on each number of CPUs: self-tests of the kernel in one boot, programs and labs in another.
A check during which the kernel panics, hangs or resets has failed, and another boot runs the rest.
--json writes what Gradescope reads as results.json.  The status is 0 only at full points.
"""
import argparse
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
from exercise import ROOT, Refused
from grade_boots import EARLY, Boots, Step, judge, steps_of, told
from grade_tree import Built, alone, checks_own_name, clean_environment

WIDTH = 100


# One exercise

class Grade:
    """The outcome of one exercise."""

    def __init__(self, exercise, seed):
        self.exercise, self.seed, self.error = exercise, seed, None
        self.seen, self.warnings, self.seconds, self.boots = {}, [], 0.0, 0

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
    out.warnings = built.warnings
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
        words, init, script = told(steps, check.get("words", ""))
        commands = ["--stopped"]
        if steps[0].command is None:
            commands += ["-ex", f"tbreak {steps[0].key[1]}", "-ex", "continue"]
        commands += [w for point in points for w in ("-ex", point)] + ["-ex", "continue"]
        archive = built.archive(script)
        shutil.copy(archive, build / "initramfs.cpio")
        print(f"gdb at the check {name}: {' '.join(commands[1:])}", flush=True)
        environment = {**clean_environment(), "BUILD": str(build), "APPEND": words, "ARGS": init,
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


def details(graded, check):
    """Lines about a check that failed."""
    text, where = graded.seen[check["name"]]
    lines = [block("wanted", check["what"]), block("seen", text)]
    lines += [" " * 16 + line.strip()[:WIDTH - 16] for line in where[:12]]
    return lines + [block("hint", check["hint"]), block("gdb", gdb_words(graded.exercise, check, text))]


def show(graded):
    exercise, shown = graded.exercise, []
    print(f"\n{exercise.name}: {exercise.title}")
    for check in exercise.checks:
        passed = graded.passed(check)
        print(f"  {'ok  ' if passed else 'FAIL'}  {check['name']:40} "
              f"{check['points'] if passed else 0:3} of {check['points']:3}")
        if not passed and not graded.error:
            seen = graded.seen[check["name"]]
            print("\n".join(details(graded, check) if seen[0] not in shown else [
                block("seen", "the same"), block("hint", check["hint"])]))
            shown.append(seen[0])
    for line in graded.warnings[:5]:
        print(f"    the compiler: {line}")
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
            tests.append({"score": check["points"] if passed else 0, "max_score": check["points"],
                          "status": "passed" if passed else "failed",
                          "name": f"{g.exercise.name}: {check['name']}", "number": f"{g.exercise.order}.{number}",
                          "output": "" if passed else g.error or "\n".join(
                              line.strip() for line in details(g, check)),
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
    if label in ("stub", "right") and graded.warnings:
        yield f"{label}: {graded.warnings[0]}"
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
