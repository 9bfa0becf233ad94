#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the kernel's own locks, wait queues, futexes and run queues in every order: `make explore`.

    tests/unit/explore/explore.py [-m] [UNIT [OPTIONS OF THE EXPLORER]]

A unit is a file of scenarios, built with the kernel's C files; each access of memory in them calls the
explorer, which chooses who goes on.  -m builds each mutant instead: the same with one mistake, which
must be found.  docs/models.md says what is explored.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(HERE))
from mutants import MUTANTS, UNITS  # noqa: E402

WITHOUT = [f"-DWITH_{name.upper()}=0" for name in re.search(
    r"^WATCHED := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()]
FLAGS = ["-std=gnu11", "-g", "-O2", "-fno-pic", "-fno-stack-protector", "-fcf-protection=none",
         "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers", "-Werror"]
# Calls before each access of memory; the explorer has the functions.
CALLS = ["-fsanitize=thread", "--param", "tsan-distinguish-volatile=1", "--param",
         "tsan-instrument-func-entry-exit=0", "-Wno-tsan"]
ENGINE = ["explore", "memory", "calls", "show"]
# Of these units the large scenarios have too many states when stores are seen late.
LARGE = {"runqueues": ["-b", "0"]}


def is_engine(source):
    return source.startswith("tests/unit/explore/") and pathlib.Path(source).stem in ENGINE


def compile_file(source, to, patched=None):
    """One object.  `patched`: a folder with files that take the place of the kernel's."""
    first = pathlib.Path(patched, source) if patched else None
    path = first if first and first.exists() else ROOT / source
    subprocess.run(["gcc", *FLAGS, *([] if is_engine(source) else CALLS), "-Itests/unit/explore",
                    *([f"-I{patched}"] if patched else []), "-I.", "-Ibuild", *WITHOUT, "-c", "-o", to,
                    path], cwd=ROOT, check=True)


def sources(unit):
    own = [f"tests/unit/explore/{name}.c" for name in [*ENGINE, unit]]
    return own + [f if f.startswith("kernel/") else f"tests/unit/explore/{f}" for f in UNITS[unit]]


def object_of(folder, source):
    return pathlib.Path(folder, source.replace("/", "_") + ".o")


def link(program, objects):
    subprocess.run(["gcc", "-no-pie", "-o", program, *objects], check=True)
    return program


def build(unit, folder):
    """The program of a unit; its objects stay in the folder, and are shared with other units."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        missing = [s for s in sources(unit) if not object_of(folder, s).exists()]
        list(pool.map(lambda s: compile_file(s, object_of(folder, s)), missing))
    return link(pathlib.Path(folder, unit), [object_of(folder, s) for s in sources(unit)])


def build_mutant(mutant, folder):
    """The program with the mistake.  `folder` has the unit's objects."""
    own = pathlib.Path(folder, "mutant-" + mutant.name)
    path = own / mutant.file
    path.parent.mkdir(parents=True)
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise LookupError(f"mutant {mutant.name}: {mutant.file} does not have this text once: "
                          f"{mutant.old!r}; bring mutants.py up to date")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    objects = []
    for source in sources(mutant.unit):
        if source == mutant.file or mutant.file.endswith(".h") and not is_engine(source):
            objects.append(object_of(own, source))
            compile_file(source, objects[-1], own)
        else:
            objects.append(object_of(folder, source))
    return link(own / mutant.unit, objects)


def run(program, *options):
    """(whether every property holds, what was printed)"""
    result = subprocess.run([program, *map(str, options)], cwd=ROOT, capture_output=True, text=True)
    if result.returncode == 2:
        sys.exit(f"explore: {result.stdout.strip()}")
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{program}: status {result.returncode}: {result.stdout}{result.stderr}")
    return result.returncode == 0, result.stdout


def judge(mutant, program):
    """What is wrong with the verdict on a mutant, or None; and what was printed."""
    right, text = run(program, *mutant.options, mutant.scenario)
    if right:
        return "is not found", text
    if mutant.fence and not run(program, "-b", 0, mutant.scenario)[0]:
        return "is found without store buffers, too", text
    return None, text


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-m", action="store_true")
    parser.add_argument("unit", nargs="?")
    arguments, options = parser.parse_known_args()
    if arguments.unit and arguments.unit not in UNITS:
        parser.error(f"no unit is called {arguments.unit}; there are: {' '.join(UNITS)}; "
                     'their options come after the unit: make explore NAME=locks ARGS="-b 0"')
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for unit in [arguments.unit] if arguments.unit else UNITS:
            program = build(unit, folder)
            if not arguments.m:
                exact = "-a" in options and not {"-b", "-r"} & set(options)
                right, text = run(program, *options, *(LARGE.get(unit, []) if exact else []))
                print(text, end="", flush=True)
                failed |= not right
                continue
            for mutant in (m for m in MUTANTS if m.unit == unit):
                wrong, text = judge(mutant, build_mutant(mutant, folder))
                print(f"{mutant.name}: {mutant.words}: {wrong or 'found'}\n{text}", flush=True)
                failed |= bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main())
