#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explore the models of the kernel's protocols with spin: `make models`.

    tests/model/models.py [-r] [NAME...]

Each model is a file NAME.pml.  Its head names the functions of the kernel that it models, and its
mutants: mistakes that it must find.  The model itself is explored in full and must have no error;
each mutant must have one.  functions.json keeps a sum of each function's text: when a function has
changed, its model must be compared with it again, and -r records that this was done.
"""
import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SUMS = HERE / "functions.json"
FUNCTION = re.compile(r"^ \*   (\S+\.[chS]) ((?:\w+\(\) ?)+)$", re.M)
MUTANT = re.compile(r"^ \*   (\d+)  (.+)$", re.M)
SIZE = re.compile(r"^ \* Actors: (.+)$", re.M)


def names():
    return sorted(path.stem for path in HERE.glob("*.pml"))


def head(name):
    text = (HERE / f"{name}.pml").read_text(encoding="utf-8")
    return text[:text.index("*/")]


def functions(name):
    """(file, function) of what the model models."""
    return [(file, word.strip("()")) for file, words in FUNCTION.findall(head(name))
            for word in words.split()]


def mutants(name):
    return {int(number): words for number, words in MUTANT.findall(head(name))}


def sizes(name):
    """Definitions of each size that is explored: '-DWAKERS=1', '-DWAKERS=2 -DCPUS=3', ..."""
    found = SIZE.search(head(name))
    return [words.split() for words in found[1].split(", ")] if found else [[]]


def function_text(file, function):
    """The text of a C function, from its head at the left margin to its closing brace."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(rf"^(?:\w[^\n;]*[ *])?{function}\([^;{{]*\)\s*\{{.*?^\}}", text, re.M | re.S)
    if not found:
        raise LookupError(f"{file} has no function {function}()")
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", found[0], flags=re.S))


def sums(name):
    return {f"{file} {function}()":
            hashlib.sha256(function_text(file, function).encode()).hexdigest()[:16]
            for file, function in functions(name)}


def changed(name):
    """What the model models and is not as it was when the two were last compared."""
    recorded = json.loads(SUMS.read_text(encoding="utf-8")).get(name, {})
    now = sums(name)
    return sorted(key for key in {*recorded, *now} if recorded.get(key) != now.get(key))


def mistakes(text):
    """{(model, number): (paragraph, code)} of the mutants' same mistakes in C, in docs/models.md."""
    part = text[text.index("## The mistakes, in C"):text.index("## Commands")]
    found = re.findall(r"^\*\*(\w+) (\d+)\*\*(.+?)\n\n(.*?)(?=^\*\*|\Z)", part, re.M | re.S)
    return {(name, int(number)): (words, code) for name, number, words, code in found}


def definitions(function):
    """The texts of a function of the kernel: more than one if several files have one of this name."""
    texts = []
    for file in [*ROOT.glob("kernel/**/*.[ch]"), *ROOT.glob("arch/**/*.[ch]")]:
        if f"{function}(" in file.read_text(encoding="utf-8"):
            try:
                texts.append(function_text(file.relative_to(ROOT), function))
            except LookupError:
                pass
    return texts


def stale(text):
    """What docs/models.md quotes as the kernel's ("instead of", "and not", "and no") and none of the
    functions that the paragraph names has.  "..." stands for anything."""
    wrong = []
    for (name, number), (words, code) in mistakes(text).items():
        if not re.search(r"^    \S", code, re.M):
            wrong.append(f"{name} {number}: no C")
        inside = [re.sub(r"\s", "", t) for f in re.findall(r"`(\w+)\(\)`", words) for t in definitions(f)]
        for quote in re.findall(r"/\* (?:instead of|and not?):? (.+?) \*/", code, re.S):
            pattern = ".*".join(re.escape(re.sub(r"\s", "", part)) for part in quote.split("..."))
            if not any(re.search(pattern, t) for t in inside):
                wrong.append(f"{name} {number}: the kernel has no `{quote}` there")
    return wrong


def explore(name, words):
    """(errors, states, what spin said) of the model with these definitions.  The compiler does not
    optimize: with -O1 it takes longer than it saves, also for a million states."""
    with tempfile.TemporaryDirectory() as folder:
        for command in (["spin", *words, "-a", str(HERE / f"{name}.pml")],
                        ["cc", "-O0", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"],
                        ["./pan", "-m1000000"]):
            done = subprocess.run(command, cwd=folder, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode and command[0] != "./pan":
                raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    errors = re.search(r"errors: (\d+)", done.stdout)
    states = re.search(r"^\s*(\d+) states, stored", done.stdout, re.M)
    if not errors or not states or "max search depth too small" in done.stdout:
        raise RuntimeError(f"{name} {words}: {done.stdout}")
    return int(errors[1]), int(states[1]), done.stdout


def judge(name):
    """Explore the model and its mutants; lines of a report, and how many were not as they should be."""
    lines, wrong = [], 0
    for words in sizes(name):
        errors, states, said = explore(name, words)
        lines.append(f"{name} {' '.join(words)}: {states:,} states, wanted 0 errors, found {errors}")
        if errors:
            lines.append(said)
        wrong += errors != 0
    for number, meaning in mutants(name).items():
        for words in reversed(sizes(name)):
            errors, states, _ = explore(name, [*words, f"-DMUTANT={number}"])
            if errors:
                break
        lines.append(f"{name} mutant {number} ({meaning}): wanted an error, found {errors}"
                     f" after {states:,} states")
        wrong += errors == 0
    return lines, wrong


def main():
    parser = argparse.ArgumentParser(description="explore the models of the kernel's protocols")
    parser.add_argument("-r", "--record", action="store_true",
                        help="the models were compared with the functions as they are now")
    parser.add_argument("names", nargs="*", default=names())
    options = parser.parse_args()
    for name in options.names:
        if name not in names():
            sys.exit(f"models: there is no model {name}; there are: {' '.join(names())}")
    if options.record:
        SUMS.write_text(json.dumps({name: sums(name) for name in names()}, indent=1) + "\n",
                        encoding="utf-8")
        return 0
    if not shutil.which("spin"):
        sys.exit("models: spin is missing: apt-get install spin (or make setup test)")
    bad = 0
    for name in options.names:
        lines, wrong = judge(name)
        print("\n".join(lines), flush=True)
        for function in changed(name):
            print(f"{name}: {function} has changed: compare the model with it, then make models RECORD=1")
        bad += wrong + len(changed(name))
    print(f"{len(options.names)} models, {bad} not as wanted")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
