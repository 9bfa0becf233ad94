#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make race PROGRAM=my.c`: run a program of yours under many schedules, and show one that fails.

    tools/race.py [OPTIONS] FILE.c... [-- ARGUMENTS]

It compiles the files (C, POSIX threads, musl) so that each access to memory is a scheduling point,
boots Heddle, and runs the program there: without a preemption, under random schedules, under
schedules of PCT, and under all schedules with few preemptions.  The first that fails is shortened and
shown step by step.  docs/race.md says what all that means.  The status is 0 if no schedule failed, 1
if one did, 2 if there was an error.  Settings, as for `make run`: BUILD CPUS MEM ACCEL."""
import argparse
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import linux
import race_debug
import race_order
import race_report

ROOT = linux.ROOT
RUNTIME = linux.BUILD / "race/lib/libruntime.a"
RESULTS = ("passed", "wrong", "hung", "crashed", "memory", "long")
HEADS = {"wrong": "WRONG RESULT", "hung": "HANG", "crashed": "CRASH", "memory": "MEMORY ERROR",
         "long": "NO END"}
# What a program must not call here, and why.
REFUSED = {name: "it makes processes; make race knows threads of one process"
           for name in ("fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "system", "popen")}
REFUSED["thrd_create"] = "make race knows pthread_create(), not the threads of C11"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O0", "-Wall", "-Wextra", "-Wno-unused-parameter"]
WATCHED = ["-fsanitize=thread", "-fno-omit-frame-pointer", "-fno-pie", "-pthread"]
DATA_RACES = 12  # printed
TIMEOUT = 1800  # seconds for all runs


class Failed(Exception):
    """The user gets this text."""


# --- The program ----------------------------------------------------------------------------------


def compiler():
    name = linux.setting("MUSL_CC", "musl-gcc")
    if not shutil.which(name.split()[0]) or "musl" not in name:
        raise Failed("musl-gcc is missing: make setup installs it")
    return name.split()


def renamed():
    """{name of the C library: name of the runtime} of the functions that the runtime replaces."""
    text = race_debug.call(race_debug.tool("nm"), "-g", "--defined-only", str(RUNTIME))
    names = [line.split()[2] for line in text.splitlines() if " T race_" in line]
    return {n[len("race_"):]: n for n in names if n != "race_stop"}


def compile_one(source, target, flags):
    done = subprocess.run([*compiler(), *FLAGS, *flags, *WATCHED, "-c", source, "-o", str(target)],
                          check=False)
    if done.returncode:
        raise Failed(f"{source} does not compile: see the messages of the compiler above")


def check_symbols(objects):
    """Refuse what cannot work.  The functions that the program defines itself."""
    nm = race_debug.tool("nm")
    defined = {line.split()[-1] for o in objects
               for line in race_debug.call(nm, "-g", "--defined-only", str(o)).splitlines() if line}
    asked = {line.split()[-1] for o in objects
             for line in race_debug.call(nm, "-u", str(o)).splitlines() if line}
    for name in sorted(asked & set(REFUSED) - defined):
        raise Failed(f"the program calls {name}(): {REFUSED[name]}")
    if "main" not in defined:
        raise Failed("the program has no main()")
    return defined


def build(sources, flags, target):
    """Compile and link the program."""
    folder = target.with_suffix(".d")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    objects = [folder / f"{n}.o" for n in range(len(sources))]
    for source, o in zip(sources, objects):
        compile_one(source, o, flags)
    defined = check_symbols(objects)
    table = folder / "renamed"
    table.write_text("".join(f"{a} {b}\n" for a, b in renamed().items() if a not in defined))
    for o in objects:
        race_debug.call(race_debug.tool("objcopy"), f"--redefine-syms={table}", str(o))
    done = subprocess.run([*compiler(), "-static", "-no-pie", "-pthread", "-g",
                           *map(str, objects), str(RUNTIME), "-lm", "-o", str(target)], check=False)
    if done.returncode:
        raise Failed("the program does not link: see the messages above")


def archive(target, files):
    """Heddle's RAM file system and the program's files, below /race, as one archive; the second part
    alone, for INITRD=, beside it."""
    folder = target.with_suffix(".d")
    entries = linux.cpio_entry("race", 0o40755)
    for name, (mode, data) in files.items():
        entries += linux.cpio_entry(f"race/{name}", 0o100000 | mode, data)
    entries += linux.cpio_entry("TRAILER!!!", 0)
    (folder / "extra.cpio").write_bytes(entries)
    base = (linux.BUILD / "initramfs.cpio").read_bytes()
    (folder / "all.cpio").write_bytes(base + b"\0" * (-len(base) % 4) + entries)
    return folder / "all.cpio"


# --- The machine ----------------------------------------------------------------------------------


class Results:
    """What race printed."""

    def __init__(self):
        self.strategies, self.runs, self.found = [], [], []
        self.exhaustive = self.done = self.expected = None

    def take(self, key, words):
        if key == "strategy":
            self.strategies.append(words)
        elif key == "exhaustive":
            self.exhaustive = [int(w) for w in words]
        elif key == "done":
            self.done = [int(w) for w in words]
        elif key == "found":
            self.found.append({"by": " ".join(words[1:])})
        elif key == "shrunk":
            self.found[-1]["shrunk"] = [int(w) for w in words]
        elif key == "run":
            self.runs.append({"name": words[0], "result": words[1], "status": int(words[2]),
                              "points": int(words[3]), "switches": int(words[4]),
                              "preemptions": int(words[5]), "hash": words[6], "events": [],
                              "numbers": [], "next": 1})
            if words[0] == "replay" and self.found:
                self.found[-1]["run"] = self.runs[-1]
        elif key == "event":
            self.runs[-1]["events"].append(race_report.event(words))
            self.runs[-1]["numbers"].append(self.runs[-1]["next"])
            self.runs[-1]["next"] += 1
        elif key == "skipped":
            self.runs[-1]["next"] += int(words[0])
        elif key == "expected":
            self.expected = bytes.fromhex(words[0] if words else "")
        elif key == "output":
            self.runs[-1]["output"] = bytes.fromhex(words[0] if words else "")
        elif key in ("schedule", "message"):
            self.runs[-1][key] = " ".join(words)


def boot(target, image, say):
    """Run /race/NAME.sh in Heddle; what it printed."""
    command = [*linux.machine(mem=linux.setting("MEM", "256M")), "-kernel",
               str(linux.BUILD / "heddle.elf"), "-initrd", str(image), "-append",
               f"console=ttyS0 debug_exit=0xf4 -- run /bin/sh /race/{target.name}.sh"]
    if not shutil.which(command[0]):
        raise Failed(f"{command[0]} is missing: make setup installs it")
    results, tail = Results(), []
    for line in linux.lines(command, TIMEOUT):
        if line is None:
            raise Failed(f"the machine was stopped after {TIMEOUT} s: lower SEEDS= or RUNS=")
        tail.append(line)
        if line.startswith("@error "):
            raise Failed(line[len("@error "):])
        if line.startswith("@"):
            key, *words = line[1:].split()
            results.take(key, words)
            say(key, results)
    if not results.runs or (results.done is None and results.runs[-1]["name"] != "replay"):
        raise Failed("Heddle printed no result:\n" + "\n".join(tail[-20:]))
    return results


# --- What is printed ------------------------------------------------------------------------------


ROW = "{:<29}{:>6}{:>8}{:>6}{:>5}{:>6}{:>7}{:>5}  {}"


def row(name, tried, counts, note):
    return ROW.format(name, tried, *(c or "-" for c in counts), note).rstrip()


def progress(options):
    """Prints a row of the table of strategies as each has ended."""
    def say(key, results):
        if key == "end" and results.runs[-1]["name"] == "default":
            print(ROW.format("schedules", "tried", "passed", "wrong", "hung", "crash", "memory", "long",
                             "first"))
            result = results.runs[-1]["result"]
            print(row("without a preemption", 1, [result == r for r in RESULTS], ""), flush=True)
        elif key == "strategy":
            name, tried, first, *counts = results.strategies[-1]
            name = "random" if name == "random" else f"PCT, depth {options.depth}"
            print(row(name, tried, [int(c) for c in counts],
                      f"seed {first}" if int(first) else ""), flush=True)
        elif key == "exhaustive":
            bound, tried, _, complete, *counts = results.exhaustive
            print(row(f"all with <= {bound} preemptions", tried, counts,
                      "finished" if complete else "NOT ALL"), flush=True)
    return say


def wrong(run, expected, given):
    """(headline, lines) of a wrong result."""
    output = run["output"].decode(errors="replace")
    for line in output.splitlines():
        if line.startswith("Assertion failed"):
            return f"an assertion failed: {line[len('Assertion failed: '):]}", []
    if run["status"] & 127:
        return f"the program ended by {race_report.signal_name(run['status'] & 127)}", []
    if run["status"]:
        return f"the program ended with status {run['status'] >> 8}", shown(output)
    rule = "in EXPECT=" if given else "of the first run that passed"
    return f"the output differs from that {rule}", [
        "  it printed:", *shown(output), f"  the output {rule}:",
        *shown(expected.decode(errors="replace"))]


def shown(text):
    lines = text.splitlines()[:8]
    return [f"    {line[:90]}" for line in lines] or ["    (nothing)"]


def explain(run, words, results, options):
    """(headline, lines): why a run failed."""
    kind = words["result"]
    if kind == "wrong":
        given = options.expect
        expected = pathlib.Path(given).read_bytes() if given else results.expected or b""
        return wrong(words, expected, given)
    if kind == "hung":
        return run.hang()
    if kind == "crashed":
        return run.crash()
    if kind == "memory":
        return run.memory(words["message"])
    return run.long()


def last_switch(words):
    """The step at which gdb stops if the user names none: the first after the last preemption."""
    step, events = 1, words["events"]
    for i in range(1, len(events)):
        before, now = events[i - 1], events[i]
        if before.thread != now.thread and before.kind not in race_report.WAITS | {"end"}:
            step = words["numbers"][i + (now.kind == "start" and i + 1 < len(events))]
    return step


def how(found):
    """How the schedule was found and shortened."""
    preemptions, tried, finished, fewer, same = found["shrunk"]
    by = found["by"]
    by = {"default": "without a preemption", "exhaustive": "by the exhaustive search"}.get(
        by, "by " + by.replace("pct", "PCT, seed").replace("random", "random, seed"))
    n = found["run"]["switches"]
    text = f"Found {by}; shortened in {tried} runs to {preemptions} preemption" \
           f"{'s' * (preemptions != 1)}, {n} changes of the running thread and " \
           f"{found['run']['next'] - 1} steps."
    if preemptions:
        text += (f" Schedules with fewer preemptions (all {fewer} were tried): none fails like this."
                 if finished == preemptions else
                 f" Schedules with fewer preemptions: {fewer} were tried, which are not all.")
    return text + ("" if same else " A second run of it did NOT end in the same way: the program "
                                   "depends on something else, too, such as the time.")


def show(found, program, results, options, target):
    words = found["run"]
    run = race_report.Run(program, words)
    headline, lines = explain(run, words, results, options)
    print()
    wrap(f"{HEADS[words['result']]}: {headline}")
    for line in lines:
        print(line)
    print()
    wrap(how(found))
    print()
    print_table(run, options, words["result"])
    step = last_switch(words)
    print("\nThe same again:     make race PROGRAM="
          f"{shlex.quote(' '.join(options.sources))} SCHEDULE={shlex.quote(words['schedule'] or 'default')}")
    print(f"In gdb, at step {step}: make gdb RACE={target.name} STEP={step}")


def print_table(run, options, result):
    for line in [*run.threads(), ""]:
        print(line)
    for line in run.table("all" if options.all else result):
        print(line)


def wrap(text, first="", width=80):
    import textwrap
    print(textwrap.fill(text, width, initial_indent=first, subsequent_indent=" " * len(first)))


def not_tried(results, options):
    threads = {e.thread for r in results.runs for e in r["events"]}
    print("\nNot tried:")
    items = []
    if results.exhaustive:
        bound, _, finished, complete = results.exhaustive[:4]
        items.append(f"schedules with more than {bound if complete else max(finished - 1, 0)} preemptions, "
                     "except those that random and PCT made (BOUND=, RUNS=)" if complete or finished else
                     "most schedules without a preemption (RUNS=)")
    items += [f"PCT deeper than {options.depth} (DEPTH=), seeds beyond {options.seeds} (SEEDS=)",
              "preemptions inside the kernel and the C library, whose functions are one step each",
              "weak memory order: here each thread sees all writes at once and in order, and the "
              "compiler does not reorder them (-O0)",
              "signals, spurious wake-ups, failing calls; time, which does not pass: sleep() only gives "
              "the others a turn, a wait with a time limit times out"]
    if len(threads) == 1:
        items.insert(0, "anything, for the program creates no thread: all schedules are the same")
    for item in items:
        wrap(item + ".", "  - ")


def data_races(results, program):
    """Print the data races of the runs whose events are known."""
    seen = set()
    for words in results.runs:
        run = race_report.Run(program, words)
        for a, b in race_order.races(words["events"]):
            text = run.data_race(a, b)
            if text not in seen:
                seen.add(text)
    if not seen:
        return
    print("\nData races: accesses that no lock and no other synchronization orders. In C they are "
          "errors\nby themselves, also where no schedule that was tried fails:")
    for text in sorted(seen)[:DATA_RACES]:
        print(text)
    if len(seen) > DATA_RACES:
        print(f"  ... and {len(seen) - DATA_RACES} more")


def report(results, options, target, program):
    done = results.done
    print(f"\n{done[0]} runs in {done[1] / 1000:.1f} s.")
    if done[3]:
        wrap("No more was tried, since runs ended only by a limit of time: 5 s of CPU time without an "
             "end, or 1 s in which no thread was ready.")
    for found in results.found:
        show(found, program, results, options, target)
    if not results.found:
        print("\nNo schedule that was tried fails. That is no proof: see below.")
        output = results.runs[0].get("output", b"")
        if output:
            print("Each printed" + (" (in some order)" if options.any_order else "") + ":")
            print("\n".join(shown(output.decode(errors="replace"))))
    data_races(results, program)
    not_tried(results, options)


# --- Beginning ------------------------------------------------------------------------------------


def parse(arguments):
    parser = argparse.ArgumentParser(prog="race", description="run a program under many schedules",
                                     epilog="docs/race.md explains it")
    parser.add_argument("sources", nargs="*", metavar="FILE.c")
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--seeds", default=100, help="seeds of random and of PCT (100)", **number)
    parser.add_argument("--first", default=1, help="the first seed (1)", **number)
    parser.add_argument("--depth", default=3, help="depth of PCT (3)", **number)
    parser.add_argument("--bound", default=2, help="preemptions of the exhaustive search (2)", **number)
    parser.add_argument("--runs", default=10000, help="its longest search (10000 runs)", **number)
    parser.add_argument("--steps", default=10000, help="steps of a run without an end (10000)", **number)
    parser.add_argument("--input", metavar="FILE", help="standard input (none)")
    parser.add_argument("--expect", metavar="FILE", help="the right output")
    parser.add_argument("--any-order", action="store_true", help="output lines may come in any order")
    parser.add_argument("--only", default="random,pct,exhaustive", metavar="LIST", help="strategies")
    parser.add_argument("--schedule", metavar="WORDS", help="replay one schedule; default: none of it")
    parser.add_argument("--all", action="store_true", help="show each step")
    parser.add_argument("--cflags", default="", help="flags for the compiler (-O2 -DN=3)")
    parser.add_argument("--args", default="", help="arguments of the program")
    options = parser.parse_args(arguments)
    for name, low, high in (("seeds", 0, 100000), ("depth", 1, 16), ("bound", 0, 9),
                            ("runs", 1, 1000000), ("steps", 10, 30000), ("first", 1, 1 << 60)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name} is {getattr(options, name)}: it must be from {low} to {high}")
    unknown = set(options.only.split(",")) - {"random", "pct", "exhaustive"}
    if unknown:
        parser.error(f"--only: no strategy {' '.join(unknown)}; there are random, pct, exhaustive")
    return options


def check_files(options):
    if not options.sources:
        raise Failed("no program.  Type: make race PROGRAM=my.c (an example: tests/race/lost_update.c)")
    for path in [*options.sources, *filter(None, (options.input, options.expect))]:
        if not os.path.isfile(path):
            raise Failed(f"{path} is not a file")
    for path in options.sources:
        if not path.endswith(".c"):
            raise Failed(f"{path}: make race takes C files, whose names end in .c")
    if not RUNTIME.exists():
        raise Failed(f"{RUNTIME} is missing: start this by `make race`")


def script(options, target, files):
    """The shell script that runs race in Heddle."""
    words = ["exec", "/bin/race"]
    for name in ("seeds", "first", "depth", "bound", "runs", "steps"):
        words += [f"--{name}", str(getattr(options, name))]
    for name in ("input", "expect"):
        if path := getattr(options, name):
            files[f"{target.name}.{name}"] = (0o644, pathlib.Path(path).read_bytes())
            words += [f"--{name}", f"/race/{target.name}.{name}"]
    words += ["--any-order"] * options.any_order + ["--only", options.only]
    return words


def run_words(words, schedule=None):
    """The text of the script; with a schedule that one alone, and further words (--stop 12)."""
    program = words[-1]
    replay = ["--replay", schedule] if schedule is not None else []
    return f"{shlex.join(words[:-1])} {shlex.join(replay)} \"$@\" {program}\n".encode()


def race(options):
    check_files(options)
    target = linux.BUILD / "race" / pathlib.Path(options.sources[0]).stem
    build(options.sources, shlex.split(options.cflags), target)
    program = race_debug.Program(target, options.sources)
    files = {target.name: (0o755, target.read_bytes())}
    words = script(options, target, files)
    words.append(shlex.join([f"/race/{target.name}", *shlex.split(options.args)]))
    schedule = None
    if options.schedule is not None:
        schedule = "" if options.schedule == "default" else options.schedule
    files[f"{target.name}.sh"] = (0o755, run_words(words, schedule))
    results = boot(target, archive(target, files), progress(options))
    if schedule is not None:
        failed = show_one(results.runs[-1], program, options)
    else:
        report(results, options, target, program)
        failed = bool(results.found)
        schedule = results.found[0]["run"]["schedule"] if failed else ""
    files[f"{target.name}.sh"] = (0o755, run_words(words, schedule))
    archive(target, files)  # for make gdb RACE=
    return int(failed)


def show_one(words, program, options):
    """Replay of one schedule."""
    run = race_report.Run(program, words)
    print(f"Schedule {words['schedule'] or 'without a preemption'}: {words['result']}, "
          f"{words['points']} decisions, {words['switches']} changes of the running thread, "
          f"hash {words['hash']}\n")
    print_table(run, options, words["result"])
    output = words.get("output", b"")
    if output:
        print("\nIt printed:")
        print("\n".join(shown(output.decode(errors="replace"))))
    return words["result"] != "passed"


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `make race ... | head`
    started = time.monotonic()
    try:
        failed = race(options)
    except (Failed, subprocess.CalledProcessError) as error:
        text = getattr(error, "stderr", None) or error
        print(f"race: {text}", file=sys.stderr)
        return 2
    print(f"\n{time.monotonic() - started:.1f} s in all.")
    return failed


if __name__ == "__main__":
    sys.exit(main())
