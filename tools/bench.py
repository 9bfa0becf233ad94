#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Heddle and Linux, measured by the same program in the same emulator: `make bench`.

    tools/bench.py [-b BOOTS] [-c FILE [--record]] [-d] [-i] [-k BUILD]... [-o FILE] [-s] [--small]
                   [-y] [-- ARGUMENTS]

Both kernels are booted in turn, with the same options of QEMU, the same RAM file system and the
same /bin/bench.  Emulated time says how the two compare, not what a real processor would do; and
other work on this machine disturbs it, so the best of several boots counts (-b).  With -i the
emulator counts instructions instead: one CPU, one nanosecond an instruction, the same figure each
time, but what the emulator makes dear (switching page tables) is not in it.

With -y costs are in cycles, which the program reads by RDTSC: of many short rounds in several boots,
in turn here and there, the least counts, so that other work on this machine hardly does.  The rows are
those that say what switching costs; ARGUMENTS choose among them.  What needs one CPU runs on a machine
with one: with more, the emulator makes each locked instruction dearer.

With -s the program is /bin/scale: what an operation costs while there are 10 to 10,000 threads,
processes, regions, descriptors, readers, timers or files.  With --small the rival is the smallest
Linux that runs these programs (tools/linux_small.py builds it), not the distribution's own.

With -c the rival is a table that was recorded before: `make bench-check`.  --record writes it.

With -k the rival is not Linux but the Heddle kernel of another build directory, with the programs of
this one: `tools/bench.py -i -k ../before/build` says what a change costs, and fails if a row is slower.
"""
import argparse
import collections
import json
import os
import pathlib
import statistics
import sys

import linux
import linux_small
import stretch

DEFAULTS = "quiet tsc=reliable"

# How much more a row may cost than on the other Heddle (-k).  The second: rows that look regions up in
# a tree, whose shape follows from the addresses of its nodes.
TOLERANCE, TREE_TOLERANCE = 1.005, 1.10
RECORDED_TOLERANCE = 1.05  # against a recorded table (-c)
CYCLES = ["-c", "-r", "25", "-t", "2"]
CYCLES_ROWS = {1: ["null_syscall", "yield_threads", "yield_processes", "yield_fpu", "futex_1cpu",
                   "pipe_1cpu"],
               2: ["futex_2cpus", "speedup_threads", "speedup_pinned"]}  # CPUs: rows
TREE_ROWS = {"mmap_munmap", "mprotect_pair", "brk_grow_shrink", "thread_create_join"}


def is_rate(name):
    """More is better."""
    return name.endswith("_mb_per_s") or name.startswith("speedup_")


def heddle_command(arguments, build=linux.BUILD, **options):
    return [*linux.machine(**options), "-kernel", str(build / "heddle.elf"),
            "-initrd", str(linux.BUILD / "initramfs.cpio"),
            "-append", f"console=ttyS0 debug_exit=0xf4 -- run {linux.quote(arguments)}"]


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:40}\r", end="", file=sys.stderr, flush=True)


def collect(who, command, timeout):
    """Boot once; {name: value}.  What goes wrong is said on standard error."""
    values, tail = {}, []
    for line in linux.lines(command, timeout):
        if line is None:
            print(f"bench: {who} was stopped after {timeout} s", file=sys.stderr)
            break
        name, tab, value = line.partition("\t")
        if tab and value == "-":
            values[name] = None
        elif tab:
            values[name] = float(value)
            progress(f"{who} {name}")
        elif "bench:" in line or "panic" in line.lower():
            tail.append(line)
    progress("")
    for line in tail:
        print(f"bench: {who} said: {line}", file=sys.stderr)
    return values


def best(runs):
    """The best value of each name over several boots, in the order of the first; of a speed-up the
    median, since other work can make it too large as well."""
    result = {}
    for name in dict.fromkeys(n for run in runs for n in run):
        values = [run[name] for run in runs if run.get(name) is not None]
        choose = statistics.median if name.startswith("speedup_") else max if is_rate(name) else min
        result[name] = choose(values) if values else None
    return result


def ratio(name, ours, theirs):
    """How many times the rival's cost ours is; below 1 is better than the rival."""
    if not ours or not theirs:
        return None
    return theirs / ours if is_rate(name) else ours / theirs


def slower(ours, theirs, tolerance=TOLERANCE):
    """The rows in which ours costs more than it may."""
    for name, value in ours.items():
        r = ratio(name, value, theirs.get(name))
        if r is not None and r > (TREE_TOLERANCE if name in TREE_ROWS else tolerance):
            yield name


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(columns, unit):
    """The first column is ours; a column of ratios follows each other one."""
    ours_name, ours = next(iter(columns.items()))
    heads = [f"{'':20}", f"{ours_name:>14}"]
    for name in list(columns)[1:]:
        heads += [f"{name:>14}", f"{'ratio':>7}"]
    print(" ".join(heads))
    for name in dict.fromkeys(n for c in columns.values() for n in c):
        row = [f"{name:20}", f"{number(ours.get(name)):>14}"]
        for theirs in list(columns.values())[1:]:
            r = ratio(name, ours.get(name), theirs.get(name))
            row += [f"{number(theirs.get(name)):>14}", f"{'-' if r is None else f'{r:.3f}':>7}"]
        print(" ".join(row))
    print(f"\nUnit: {unit}; *_mb_per_s in MB/s, speedup_* in percent of one CPU."
          "\nA ratio below 1: less cost than the rival (for rates and speed-ups: more of them).")


def rivals(options, arguments, emulator):
    """{name: command line} of the kernels that ours is compared with."""
    if options.kernel:
        return {str(b): heddle_command(arguments, b, **emulator) for b in options.kernel}
    if options.check:
        return {}
    try:
        if options.small:
            os.environ["LINUX"] = str(linux_small.kernel())
        release = linux.kernel().name.replace("vmlinuz-", "")
        print(f"The rival: Linux {release}, with `{linux.WORDS}`", file=sys.stderr)
        commands = {"Linux": linux.command(arguments, **emulator)}
        if options.defaults:
            commands["Linux default"] = linux.command(arguments, DEFAULTS, **emulator)
        return commands
    except linux.Missing as error:
        print(f"bench: NO COMPARISON: Linux cannot be had here: {error}", file=sys.stderr)
        return {}


def show_stretches(builds):
    """The longest stretch of each kind on our kernels: no program gets the CPU for so long."""
    for build in builds:
        try:
            found = stretch.count(stretch.COMMAND, build)
            for kind, text in stretch.KINDS.items():
                longest = found[kind][0][0] if found[kind] else 0
                print(f"longest stretch {text}: {number(longest)} instructions"
                      + (f" ({build})" if len(builds) > 1 else ""))
        except stretch.Missing as error:
            print(f"bench: stretches were not counted: {error}", file=sys.stderr)


def check(ours, path, record, chosen):
    """Compare with the recorded table, or write it; the status to exit with.  `chosen`: not all rows
    were measured."""
    if record:
        path.write_text(json.dumps(ours, indent=1) + "\n", encoding="utf-8")
        print(f"bench: {path} is written", file=sys.stderr)
        return 0
    recorded = json.loads(path.read_text(encoding="utf-8"))
    table({"Heddle": ours, "recorded": recorded}, "instructions")
    late = list(slower(ours, recorded, RECORDED_TOLERANCE))
    gone = [] if chosen else [n for n in recorded if ours.get(n) is None and recorded[n] is not None]
    for name in late:
        print(f"bench: slower than recorded: {name}: wanted at most {recorded[name]:,.0f} and 5 %"
              f" (10 % for trees), found {ours[name]:,.0f}", file=sys.stderr)
    for name in gone:
        print(f"bench: recorded, but not measured: {name}", file=sys.stderr)
    print(f"{len(ours)} rows, {len(late) + len(gone)} worse than recorded in {path}")
    return 1 if late or gone else 0


def main():
    parser = argparse.ArgumentParser(description="Heddle against Linux, in the same emulator")
    parser.add_argument("-b", "--boots", type=int, help="boots of each; the best counts")
    parser.add_argument("-c", "--check", type=pathlib.Path, metavar="FILE",
                        help="compare with a recorded table, not Linux; with -i")
    parser.add_argument("--record", action="store_true", help="write the table of -c")
    parser.add_argument("-s", "--scale", action="store_true", help="costs while there are many")
    parser.add_argument("--small", action="store_true",
                        help="the rival is the smallest Linux, built from the distribution's source")
    parser.add_argument("-d", "--defaults", action="store_true",
                        help="a column more: Linux with its mitigations")
    parser.add_argument("-i", "--icount", action="store_true", help="count instructions, on one CPU")
    parser.add_argument("-k", "--kernel", action="append", type=pathlib.Path, metavar="BUILD",
                        default=[], help="compare with the kernel of this build directory, not Linux")
    parser.add_argument("-o", "--output", help="write the figures as JSON, too")
    parser.add_argument("-t", "--timeout", type=int, default=300, help="seconds a boot")
    parser.add_argument("-y", "--cycles", action="store_true", help="count cycles, of switching")
    parser.add_argument("arguments", nargs="*", help="for /bin/bench (after --): names, options")
    options = parser.parse_args()
    if options.cycles and (options.icount or options.scale or options.check):
        parser.error("-y goes with none of -c, -i and -s")
    if options.cycles and (unknown := set(options.arguments) - {*CYCLES_ROWS[1], *CYCLES_ROWS[2]}):
        parser.error(f"-y has no row {', '.join(sorted(unknown))}")
    arguments = ["/bin/scale" if options.scale else "/bin/bench", *options.arguments]
    emulator = {"mem": "1G"} if options.scale else {}
    if options.icount:
        emulator |= {"cpus": 1, "accel": "icount", "extra": ["-icount", "shift=0,sleep=off", "-seed", "1"]}

    columns = collections.defaultdict(dict)
    groups = [(emulator, arguments)]
    if options.cycles:
        groups = [({"cpus": cpus}, ["/bin/bench", *CYCLES, *chosen]) for cpus, rows in
                  CYCLES_ROWS.items() if (chosen := [r for r in rows if r in (options.arguments or rows)])]
    for emulator, arguments in groups:
        commands = {"Heddle": heddle_command(arguments, **emulator)}
        commands.update(rivals(options, arguments, emulator))
        runs = {who: [] for who in commands}
        for _ in range(1 if options.icount else options.boots or (4 if options.cycles else 2)):
            for who, command in commands.items():
                runs[who].append(collect(who, command, options.timeout))
        for who in commands:
            columns[who] |= best(runs[who])
    if options.check and columns["Heddle"]:
        return check(columns["Heddle"], options.check, options.record, bool(options.arguments))
    table(columns, "instructions" if options.icount else "cycles, emulated" if options.cycles
          else "nanoseconds, emulated")
    if options.icount and not options.arguments and not options.scale:
        show_stretches([linux.BUILD, *options.kernel])
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(columns, file, indent=1)
    missing = [who for who, values in columns.items() if not values]
    for who in missing:
        print(f"bench: {who} measured nothing", file=sys.stderr)
    rows = [f"{name} (against {build})" for build in map(str, options.kernel)
            for name in slower(columns["Heddle"], columns[build])]
    for row in rows:
        print(f"bench: slower: {row}", file=sys.stderr)
    return 1 if missing or rows and options.icount else 0


if __name__ == "__main__":
    sys.exit(main())
