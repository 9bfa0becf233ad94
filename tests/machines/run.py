#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the matrix of machines and prints it as a table: make test-machines.

    tests/machines/run.py [options] [WORD...]

Without a WORD all cells run, else those whose name or axis contains one.  Results are kept in
build/machines/results.json: a run that was stopped goes on where it was, and only what a newer kernel
has made out of date runs again.  Settings in the environment: BUILD, QEMU, JOBS."""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from cells import CELLS
from drive import BUILD, NotRun, try_cell
from pc import ROOT, Pc, Stuck

FOLDER = BUILD / "machines"
RESULTS = FOLDER / "results.json"
PAGE = ROOT / "docs/hardware.md"
BEGIN, END = "<!-- the matrix: make test-machines MACHINEFLAGS=--write -->", "<!-- end of the matrix -->"
OK, SAYS, FAILS, NOT_RUN = "works", "says", "fails", "not run"


def run_cell(cell):
    """The result of a cell, as it is kept."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    result = {"status": OK, "text": "", "init": None}
    with tempfile.TemporaryDirectory(prefix="machine-") as files:
        files = pathlib.Path(files)
        try:
            result["text"], result["init"] = try_cell(cell, FOLDER, files)
            result["status"] = SAYS if cell.says else OK
        except NotRun as reason:
            result.update(status=NOT_RUN, text=str(reason))
        except (Stuck, OSError, EOFError) as error:
            result.update(status=FAILS, text=str(error))
            last = files / "last-screen"
            if last.exists():
                (FOLDER / f"{file_name(cell)}.txt").write_text(last.read_text())
    result["seconds"] = round(time.monotonic() - began, 1)
    return result


def file_name(cell):
    return re.sub(r"\W+", "-", f"{cell.axis}-{cell.name}").lower()


def key_of(cell, kernel):
    """What a result depends on: the cell as it is written, and what was booted."""
    return hashlib.sha256((repr(dataclasses.astuple(cell)) + kernel).encode()).hexdigest()[:16]


def kernel_hash():
    digest = hashlib.sha256()
    for name in ("heddle.elf", "initramfs.cpio"):
        digest.update((BUILD / name).read_bytes())
    return digest.hexdigest()


class Results:
    """The file of results; written anew after each cell."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stopped = False        # what ends from now on did not end by itself
        self.kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}

    def put(self, cell, result):
        with self.lock:
            if self.stopped:
                return
            self.kept[cell.axis + ": " + cell.name] = result
            new = RESULTS.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(self.kept, indent=1) + "\n")
            new.rename(RESULTS)

    def get(self, cell):
        return self.kept.get(cell.axis + ": " + cell.name)


def line_of(cell, result):
    """One row for a terminal."""
    words = {OK: "works", SAYS: "as it must", NOT_RUN: "not run",
             FAILS: "fails, known" if cell.fails else "FAILS"}[result["status"]]
    seconds = f"{result['init']:.2f} s" if result["init"] is not None else ""
    return f"{cell.axis:16}{cell.name[:42]:43}{words:13}{seconds:>8}  {cause(cell, result)}".rstrip()


def cause(cell, result):
    if result["status"] == FAILS and cell.fails:
        return cell.fails
    return result["text"]


def counts(pairs):
    number = {status: sum(r["status"] == status for _, r in pairs) for status in (OK, SAYS, FAILS, NOT_RUN)}
    return (f"{len(pairs)} cells: {number[OK]} ran a lab and ended as they should, {number[SAYS]} stopped with "
            f"the sentence that is wanted; failed: {number[FAILS]}; not run: {number[NOT_RUN]}.")


def output_of(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def version(*command):
    found = re.search(r"\d+\.\d+[.\d]*", output_of(*command))
    return found[0] if found else "none"


def markdown(pairs):
    """The table for docs/hardware.md."""
    emulators = f"QEMU {version('qemu-system-x86_64', '--version')} and Bochs {version('bochs', '--help')}"
    lines = [BEGIN, f"{counts(pairs)} By {emulators}, on {time.strftime('%Y-%m-%d')}, Heddle's commit "
             f"{output_of('git', 'rev-parse', '--short', 'HEAD').strip() or 'unknown'}.", "",
             "| | machine | result | hand-over to init |", "|---|---|---|---|"]
    before = ""
    for cell, result in pairs:
        words = {OK: "works", SAYS: "", NOT_RUN: "not run:", FAILS: "**fails**:"}[result["status"]]
        text = re.sub(r"\s+", " ", cause(cell, result)).replace("|", "\\|").replace("<", "&lt;")
        seconds = f"{result['init']:.2f} s" if result["init"] is not None else ""
        name = "" if cell.axis == before else cell.axis
        lines.append(f"| {name} | {cell.name} | {f'{words} {text}'.strip()} | {seconds} |")
        before = cell.axis
    return "\n".join([*lines, END])


def write_page(pairs):
    page = PAGE.read_text(encoding="utf-8")
    begin, end = page.index(BEGIN), page.index(END) + len(END)
    PAGE.write_text(page[:begin] + markdown(pairs) + page[end:], encoding="utf-8")
    print(f"renewed: {PAGE.relative_to(ROOT)}")


def chosen(words, fast):
    cells = [c for c in CELLS if not fast or c.fast]
    found = [c for c in cells if not words or any(w.lower() in f"{c.axis}: {c.name}".lower() for w in words)]
    if not found:
        raise SystemExit(f"machines: no cell's name contains {' or '.join(words)}; --list names them")
    return found


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="cells whose name or axis contains it")
    parser.add_argument("--list", action="store_true", help="name the cells and run nothing")
    parser.add_argument("--fast", action="store_true", help="only the cells that `make test` runs")
    parser.add_argument("--again", action="store_true", help="also the cells that have a result")
    parser.add_argument("--failed", action="store_true", help="of the cells with a result, those that failed")
    parser.add_argument("--keep", action="store_true", help="results of other kernels count, too")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/hardware.md")
    return parser.parse_args()


def due(cell, result, args, kernel):
    if args.again or result is None:
        return True
    if args.failed and result["status"] == FAILS:
        return True
    return not args.keep and result["key"] != key_of(cell, kernel)


def run_all(cells, args, results):
    """Run what is due, several at a time; print each result as it comes."""
    kernel = kernel_hash()

    def one(cell):
        result = results.get(cell)
        if due(cell, result, args, kernel):
            result = {**run_cell(cell), "key": key_of(cell, kernel)}
            results.put(cell, result)
        if not results.stopped:
            print(line_of(cell, result), flush=True)

    jobs = max(1, int(os.environ.get("JOBS") or os.cpu_count() or 1))
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        for future in [pool.submit(one, cell) for cell in cells]:
            future.result()
    except BaseException:
        results.stopped = True
        pool.shutdown(wait=False, cancel_futures=True)
        for process in Pc.started:
            process.kill()
        pool.shutdown()
        raise


def main():
    args = options()
    cells = chosen(args.words, args.fast)
    if args.list:
        print("\n".join(f"{c.axis:16}{c.name}" for c in cells))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    results = Results()
    try:
        run_all(cells, args, results)
    except KeyboardInterrupt:
        print("\nmachines: stopped; the next run goes on from here", file=sys.stderr)
        return 130
    pairs = [(c, results.get(c)) for c in (cells if not args.write else CELLS) if results.get(c)]
    print("\n" + counts(pairs))
    if args.write:
        write_page(pairs)
    return 1 if any(r["status"] == FAILS and not c.fails for c, r in pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
