#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fuzz what parses in the kernel, on the host, with clang's libFuzzer: `make fuzz-host`.

    fuzz_host.py [-m MINUTES | -r RUNS] [-s SEED] [-j JOBS] [--mutant] [--input FILE] [NAME...]

A target is a file NAME.c in this folder (fuzz.h says how it is written).  It is built under the
address and undefined-behaviour sanitizers in build/fuzz-host/NAME.  It begins with the inputs of
seeds.py and of corpus/NAME; what it finds that reaches new code stays in build/fuzz-host/NAME/corpus
for the next time.  An input for which something does not hold is made small and named.

--mutant builds each target with the mistake that its head names, which it must find.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "unit"))
from host import ROOT, WITHOUT, directive  # noqa: E402
import seeds  # noqa: E402

BUILD = ROOT / os.environ.get("BUILD", "build")
CLANG = os.environ.get("FUZZ_CC", "clang")
FLAGS = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-sign-compare",
         "-Wno-address-of-packed-member",
         "-Werror=implicit-function-declaration", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize=alignment", "-fno-sanitize-recover=all", "-I."]
# Only the kernel's code is instrumented for coverage: the targets' own branches are no news.
COVERED = "src:kernel/*\nsrc:boot/*\nsrc:arch/*\nsrc:*/mutant/*\n"
MUTANT = re.compile(r"(\S+): (.+?) => (.+)")
TOLD = re.compile(r"^.*(?:does not hold|ERROR|runtime error|panic: |SUMMARY|LOCATION|^    #\d+ .* in (?!fuzzer|__|main|_start)).*$", re.M)
SMALLER_S = 20  # to make an input smaller


def names():
    return sorted(path.stem for path in HERE.glob("*.c"))


def text_of(name):
    return (HERE / f"{name}.c").read_text(encoding="utf-8")


def why_not(folder):
    """Why fuzzing cannot work here, in words; None if it can."""
    if not shutil.which(CLANG):
        return f"{CLANG} is missing: apt-get install clang libclang-rt-14-dev (or make setup test)"
    source = folder / "try.c"
    source.write_text("int LLVMFuzzerTestOneInput(const char *d, long n) { return 0; }\n")
    done = subprocess.run([CLANG, "-fsanitize=fuzzer,address,undefined", "-o", folder / "try", source],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        return (f"{CLANG} has no libFuzzer or sanitizers: apt-get install libclang-rt-14-dev "
                "(or make setup test)")
    return None


def mutant_of(name):
    """(file, text, other text) of the mistake that the target must find."""
    found = MUTANT.fullmatch(" ".join(directive(text_of(name), "mutant")))
    if not found:
        raise LookupError(f"tests/fuzz/{name}.c names no mutant")
    file, old, new = found.groups()
    count = (ROOT / file).read_text(encoding="utf-8").count(old)
    if count != 1:
        raise LookupError(f"tests/fuzz/{name}.c: {file} has the mutant's text {count} times, not once: {old}")
    return file, old, new


def sources(name, folder, mutant):
    """The files to compile; with `mutant`, one of them is a copy with the mistake."""
    files = [f"tests/fuzz/{name}.c", *directive(text_of(name), "host-sources")]
    if mutant:
        file, old, new = mutant_of(name)
        copy = folder / "mutant" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / file).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        if file in files:
            files[files.index(file)] = str(copy)
    return files


def build(name, mutant=False):
    """Build a target.  Returns its folder."""
    folder = BUILD / "fuzz-host" / (f"{name}-mutant" if mutant else name)
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    (folder / "covered").write_text(
        COVERED + "".join(f"src:{word}\n" for word in directive(text_of(name), "covered")) + "fun:*\n")
    first = [f"-iquote{folder}/mutant"] if mutant else []  # for a target that includes the file
    command = [CLANG, *FLAGS, *first, f"-I{BUILD}", *WITHOUT, *directive(text_of(name), "host-flags"),
               f"-fsanitize-coverage-allowlist={folder}/covered", "-o", str(folder / "fuzz"),
               *sources(name, folder, mutant)]
    if shutil.which("ccache"):
        command.insert(0, "ccache")
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"{name} does not build:\n{done.stdout[-4000:]}")
    return folder


def write_seeds(name, folder):
    """The folder with the inputs of seeds.py; a target without any begins with nothing."""
    to = folder / "seeds"
    to.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds.of(name)):
        (to / f"{number:02}").write_bytes(seed)
    return to


def fuzz(folder, *arguments, seconds=None):
    """Run a target.  (Its status, what it wrote).  `seconds`: it may need so many, and then more."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1",
                   "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run([folder / "fuzz", f"-artifact_prefix={folder}/", "-timeout=300", "-rss_limit_mb=2048",
                           "-print_final_stats=1", *map(str, arguments)], cwd=folder, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=seconds and 10 * seconds + 300)
    return done.returncode, done.stdout.decode(errors="replace")


def numbers(said):
    """Runs, edges reached, edges there are."""
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    counters = re.search(r"\((\d+) inline 8-bit counters\)", said)
    return (int(runs[1]) if runs else 0, max(map(int, re.findall(r" cov: (\d+)", said)), default=0),
            int(counters[1]) if counters else 0)


def smaller(folder, found):
    """Make the input that was found small; its path."""
    to = folder / "small"
    to.unlink(missing_ok=True)
    fuzz(folder, "-minimize_crash=1", f"-exact_artifact_path={to}", f"-max_total_time={SMALLER_S}", found,
         seconds=SMALLER_S)
    return to if to.exists() else pathlib.Path(found)


def judge(name, options):
    """Fuzz one target.  (Lines of a report, whether it is as it should be)."""
    try:
        folder = build(name, options.mutant)
    except (LookupError, RuntimeError) as problem:
        return [str(problem)], False
    limit = [f"-runs={options.runs}"] if options.runs else [f"-max_total_time={round(options.minutes * 60)}"]
    words = [*directive(text_of(name), "fuzz-flags"), *limit, f"-seed={options.seed}", folder / "corpus",
             write_seeds(name, folder)]
    kept = HERE / "corpus" / name
    if kept.is_dir():
        words.append(kept)
    status, said = fuzz(folder, *words, seconds=None if options.runs else options.minutes * 60)
    runs, edges, total = numbers(said)
    found = re.search(r"Test unit written to (\S+/(?!slow-unit)\S+)", said)
    lines = [f"{name:8} {runs:>10,} runs, {edges:>4} of {total} edges{', a finding' if status else ''}"]
    if options.mutant:
        return lines, bool(status)
    if status:
        lines += TOLD.findall(said)[:25]
    if found:
        path = smaller(folder, found[1]) if "/crash-" in found[1] else found[1]
        lines.append(f"{name}: the input is {path}\n{name}: to run it again: "
                     f"make fuzz-host NAME={name} INPUT={path}")
    return lines, not status


def again(name, path):
    """Run one input.  What the target says."""
    status, said = fuzz(build(name), pathlib.Path(path).resolve())
    print(said.strip(), f"\n{name}: {'a finding' if status else 'no finding'} with {path}")
    return 1 if status else 0


def main():
    parser = argparse.ArgumentParser(description="fuzz what parses in the kernel, on the host")
    parser.add_argument("-m", "--minutes", type=float, default=1, help="for each target (1)")
    parser.add_argument("-r", "--runs", type=int, help="so many runs of each target, in place of minutes")
    parser.add_argument("-s", "--seed", type=int, default=1)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--mutant", action="store_true", help="with a mistake, which must be found")
    parser.add_argument("--input", help="run this input alone; one NAME")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = options.names or names()
    for name in chosen:
        if name not in names():
            sys.exit(f"fuzz-host: there is no target {name}; there are: {' '.join(names())}")
    (BUILD / "fuzz-host").mkdir(parents=True, exist_ok=True)
    reason = why_not(BUILD / "fuzz-host")
    if reason:
        sys.exit(f"fuzz-host: {reason}")
    if options.input:
        if len(chosen) != 1:
            sys.exit("fuzz-host: an input needs the name of its target: make fuzz-host NAME=elf INPUT=file")
        if not pathlib.Path(options.input).is_file():
            sys.exit(f"fuzz-host: there is no file {options.input}")
        return again(chosen[0], options.input)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for lines, right in pool.map(lambda name: judge(name, options), chosen):
            print("\n".join(lines), flush=True)
            bad += not right
    wanted = "a finding in each" if options.mutant else "no finding"
    print(f"{len(chosen)} targets, wanted {wanted}: {bad} not as wanted")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
