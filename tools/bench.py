#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Heddle and Linux, measured by the same program in the same emulator: `make bench`.

    tools/bench.py [-b BOOTS] [-d] [-i] [-o FILE] [-- BENCH ARGUMENTS]

Both kernels are booted in turn, with the same options of QEMU, the same RAM file system and the
same /bin/bench.  Emulated time says how the two compare, not what a real processor would do; and
other work on this machine disturbs it, so the best of several boots counts (-b).  With -i the
emulator counts instructions instead: one CPU, one nanosecond an instruction, the same figure each
time, but what the emulator makes dear (switching page tables) is not in it.
"""
import argparse
import json
import sys

import linux

DEFAULTS = "quiet tsc=reliable"


def is_rate(name):
    """More is better."""
    return name.endswith("_mb_per_s") or name.startswith("speedup_")


def heddle_command(arguments, **options):
    return [*linux.machine(**options), "-kernel", str(linux.BUILD / "heddle.elf"),
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
    """The best value of each name over several boots, in the order of the first."""
    result = {}
    for name in dict.fromkeys(n for run in runs for n in run):
        values = [run[name] for run in runs if run.get(name) is not None]
        result[name] = (max if is_rate(name) else min)(values) if values else None
    return result


def ratio(name, ours, theirs):
    """How many times the rival's cost ours is; below 1 is better than the rival."""
    if not ours or not theirs:
        return None
    return theirs / ours if is_rate(name) else ours / theirs


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
            row += [f"{number(theirs.get(name)):>14}", f"{'-' if r is None else f'{r:.2f}':>7}"]
        print(" ".join(row))
    print(f"\nUnit: {unit}; *_mb_per_s in MB/s, speedup_* in percent of one CPU."
          "\nA ratio below 1: less cost than Linux (for rates and speed-ups: more of them).")


def main():
    parser = argparse.ArgumentParser(description="Heddle against Linux, in the same emulator")
    parser.add_argument("-b", "--boots", type=int, default=2, help="boots of each; the best counts")
    parser.add_argument("-d", "--defaults", action="store_true",
                        help="a column more: Linux with its mitigations")
    parser.add_argument("-i", "--icount", action="store_true", help="count instructions, on one CPU")
    parser.add_argument("-o", "--output", help="write the figures as JSON, too")
    parser.add_argument("-t", "--timeout", type=int, default=300, help="seconds a boot")
    parser.add_argument("arguments", nargs="*", help="for /bin/bench (after --): names, options")
    options = parser.parse_args()
    arguments = ["/bin/bench", *options.arguments]
    emulator = {}
    if options.icount:
        emulator = {"cpus": 1, "accel": "icount", "extra": ["-icount", "shift=0,sleep=off"]}

    commands = {"Heddle": heddle_command(arguments, **emulator)}
    try:
        release = linux.kernel().name.replace("vmlinuz-", "")
        print(f"The rival: Linux {release}, with `{linux.WORDS}`", file=sys.stderr)
        commands["Linux"] = linux.command(arguments, **emulator)
        if options.defaults:
            commands["Linux default"] = linux.command(arguments, DEFAULTS, **emulator)
    except linux.Missing as error:
        print(f"bench: NO COMPARISON: Linux cannot be had here: {error}", file=sys.stderr)

    runs = {who: [] for who in commands}
    for _ in range(1 if options.icount else options.boots):
        for who, command in commands.items():
            runs[who].append(collect(who, command, options.timeout))
    columns = {who: best(r) for who, r in runs.items()}
    table(columns, "instructions" if options.icount else "nanoseconds, emulated")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(columns, file, indent=1)
    missing = [who for who, values in columns.items() if not values]
    for who in missing:
        print(f"bench: {who} measured nothing", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
