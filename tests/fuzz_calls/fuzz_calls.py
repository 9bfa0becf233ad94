#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fuzzer in the machine, from outside: `make fuzz` (docs/fuzz.md).

    tests/fuzz_calls/fuzz_calls.py [--minutes M] [--seed N] [--cpus N] [--programs N] [--fresh | --kept FILE]
                      [--repro FILE]

It packs build/fuzz/fuzz and the corpus beside the RAM file system, boots the kernel of
`make SANITIZE=coverage`, and reads the console. The machine's memory is a file, in which the last
programs are found when the machine has stopped. What is found lies in build/fuzz/found; what was
kept because it reached something new, in build/fuzz/kept.txt, from which the next run goes on. The
status is 0 if nothing was found, 1 if something was, 2 if it could not run.
"""
import argparse
import collections
import contextlib
import mmap
import os
import pathlib
import re
import selectors
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import last_state  # noqa: E402
import linux  # noqa: E402

BUILD = ROOT / "build/coverage"
INITRAMFS = ROOT / os.environ.get("BUILD", "build") / "initramfs.cpio"
FUZZ = ROOT / os.environ.get("BUILD", "build") / "fuzz"
CORPUS = ROOT / "tests/fuzz_calls/corpus.txt"
MARK = b"Heddle fuzzer 1."
COVERAGE = 0xc0
ENDED, PANIC = 33, 37
SILENT = 300  # seconds without a word: the machine hangs
MINIMISE = 300  # seconds for making a reproducer shorter
BYTES_PER_BIT = 4


def pack(out, files):
    """The RAM file system with these files {name: bytes} in /fuzz."""
    base = INITRAMFS.read_bytes()
    with open(out, "wb") as archive:
        archive.write(base + b"\0" * (-len(base) % 4))
        archive.write(linux.cpio_entry("fuzz", 0o40755))
        for name, data in files.items():
            archive.write(linux.cpio_entry(f"fuzz/{name}", 0o100755, data))
        archive.write(linux.cpio_entry("TRAILER!!!", 0))


def lines(command, quiet, look):
    """The lines that a command prints; ends when it ends, or has printed nothing for `quiet` seconds:
    then look() gives more lines, and it is killed. The last item is its status, or None if it was."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as child, selectors.DefaultSelector() as wait:
        wait.register(child.stdout, selectors.EVENT_READ)
        text, heard = b"", True
        try:
            while heard := wait.select(quiet):
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    break
                *whole, text = (text + data).split(b"\n")
                yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
            yield text.decode(errors="replace")
            if not heard:
                yield from look()
        finally:
            if not heard:
                child.kill()
            status = child.wait()
        yield status if heard else None


def cpu_states(socket):
    """What each CPU of a machine that hangs does."""
    with contextlib.suppress(SystemExit):  # QEMU has ended
        monitor = last_state.Monitor(socket, started=True)
        for cpu in monitor.command("query-cpus-fast"):
            yield from last_state.cpu_state(monitor, str(BUILD / "heddle.elf"), cpu["cpu-index"])[0]


class Boot:
    """One machine, to its end: what it said, and what lies in its memory."""

    def __init__(self, arguments, files, cpus, show=True):
        self.kept, self.found, self.log, self.status = [], [], [], None
        self.last = ""
        with tempfile.TemporaryDirectory(prefix="heddle-fuzz-") as folder:
            initrd, ram = f"{folder}/initrd.cpio", f"{folder}/ram"
            pack(initrd, {"fuzz": (FUZZ / "fuzz").read_bytes(), **files})
            words = f"console=ttyS0 debug_exit=0xf4 quiet -- run /fuzz/fuzz {arguments}"
            self.listen(["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(cpus),
                         "-object", f"memory-backend-file,id=ram,size=512M,mem-path={ram},share=on",
                         "-M", "pc,memory-backend=ram", "-m", "512M", "-display", "none", "-no-reboot",
                         "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-serial", "stdio",
                         "-monitor", "none", "-qmp", f"unix:{folder}/qmp,server=on,wait=off", "-kernel", str(BUILD / "heddle.elf"), "-initrd", initrd,
                         "-append", words], show, lambda: cpu_states(f"{folder}/qmp"))
            self.programs, self.coverage = notes(ram)

    def listen(self, command, show, look):
        block = None
        for line in lines(command, SILENT, look):
            if not isinstance(line, str):
                self.status = line
            elif line == "fuzz: END" and block:
                (self.kept if block[0] == "fuzz: KEPT" else self.found).append(block)
                block = None
            elif block is not None:
                block.append(line)
            elif line == "fuzz: KEPT" or line.startswith("fuzz: FOUND"):
                block = [line]
            else:
                self.log.append(line)
            if show and isinstance(line, str) and line.startswith("fuzz:") and line != "fuzz: KEPT" \
                    and line != "fuzz: END":
                print(line, flush=True)
        if self.status not in (ENDED, 35):
            self.last = "panic" if self.status == PANIC else "hang" if self.status is None else "end"

    def reason(self):
        """One line that says why the machine stopped."""
        for line in self.log:
            if re.search(r"kernel panic|\brace: ", line):
                return line
        return f"the machine stopped: {self.last}"


def notes(path):
    """What the guest has left for us in its memory: {worker: [programs, the last one first]}, and the
    bytes of the coverage."""
    programs, chunks = collections.defaultdict(list), {}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        at = memory.find(MARK)
        while at >= 0:
            if at % 4096 == 0:
                kind, index, sequence = struct.unpack_from("<QQQ", memory, at + 16)
                payload = memory[at + 40:at + 4096]
                if kind == COVERAGE:
                    chunks[index] = payload
                elif sequence:
                    text = payload.split(b"\0")[0].decode(errors="replace")
                    programs[kind].append((sequence, text))
            at = memory.find(MARK, at + 16)
    return ({worker: [text for _, text in sorted(of, reverse=True)] for worker, of in programs.items()},
            b"".join(chunks[i] for i in sorted(chunks)))


# --- Reproducers --------------------------------------------------------------------------------

def split(text):
    """The programs of a file, each a list of lines."""
    programs = []
    for line in text.splitlines():
        if line.startswith("program "):
            programs.append([line])
        elif programs and line.strip() and not line.startswith("#"):
            programs[-1].append(line)
    return programs


def joined(programs):
    return "\n".join("\n".join(p) + "\n" for p in programs)


def fails(programs, cpus):
    """Does the machine stop again, or find something, if these programs run at once?"""
    boot = Boot("-r /fuzz/repro", {"repro": joined(programs).encode()}, cpus, show=False)
    return boot.last or boot.found


def without_line(program, index):
    """The program without a line; references to results behind it move."""
    def move(match):
        number = int(match[2])
        if number == index - 1:
            return match[1] + "-1"
        return f"{match[1]}r{number - (number > index - 1)}"
    kept = program[:index] + program[index + 1:]
    return kept[:1] + [re.sub(r"(^|[ \[,:^+-])r(\d+)", move, line) for line in kept[1:]]


def minimised(programs, cpus):
    """Fewer programs and lines that still fail, as far as the time suffices."""
    end = time.monotonic() + MINIMISE
    for program in list(programs):
        fewer = [p for p in programs if p is not program]
        if fewer and time.monotonic() < end and fails(fewer, cpus):
            programs = fewer
    for which, program in enumerate(programs):
        index = len(program) - 1
        while index > 0 and time.monotonic() < end:
            shorter = without_line(programs[which], index)
            attempt = programs[:which] + [shorter] + programs[which + 1:]
            if len(shorter) > 1 and fails(attempt, cpus):
                programs = attempt
            index -= 1
    return programs


def save(name, reason, programs, more=()):
    folder = FUZZ / "found"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{len(list(folder.iterdir())) + 1}.txt"
    path.write_text("".join(f"# {line}\n" for line in [reason, *more]) + joined(programs))
    print(f"found: {reason}\n  run it again: make fuzz REPRO={os.path.relpath(path, ROOT)}", flush=True)


def stopped(boot, cpus):
    """The machine stopped: save what ran, and try which of it is needed."""
    last = [of[0] for _, of in sorted(boot.programs.items())]
    programs = [p for text in last for p in split(text)]
    log = [line for line in boot.log if line.strip()][-60:]
    print(f"the machine stopped ({boot.last}); trying the last {len(programs)} programs", flush=True)
    before = [f"before: {text!r}" for _, of in sorted(boot.programs.items()) for text in of[1:]]
    if programs and fails(programs, cpus):
        save(boot.last, boot.reason(), minimised(programs, cpus), log)
    else:
        save(boot.last, boot.reason() + " (once)", programs, log + before)


# --- Coverage -----------------------------------------------------------------------------------

def places():
    """[(bit, file)] of all places of the kernel, sorted."""
    kernel, cache = BUILD / "heddle.elf", BUILD / "places.txt"
    if not cache.exists() or cache.stat().st_mtime < kernel.stat().st_mtime:
        symbols = subprocess.run(["nm", kernel], capture_output=True, text=True, check=True).stdout
        start = int(re.search(r"^(\w+) \w __text_start$", symbols, re.M)[1], 16)
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", kernel], capture_output=True, text=True,
                              check=True).stdout
        calls = re.findall(r"call +\w+ <__sanitizer_cov_trace_pc>\n *(\w+):", code)
        named = subprocess.run(["addr2line", "-e", kernel], input="\n".join(calls), capture_output=True,
                               text=True, check=True).stdout.splitlines()
        with open(cache, "w", encoding="utf-8") as file:
            for address, name in zip(calls, named):
                path = os.path.relpath(name.split(":")[0], ROOT)
                file.write(f"{(int(address, 16) - start) // BYTES_PER_BIT} {path}\n")
    return [(int(bit), path) for bit, path in map(str.split, cache.read_text().splitlines())]


def room(path):
    """kernel/linux/socket, kernel/vm, arch/x86_64/mmu."""
    parts = os.path.dirname(path).split("/")
    return "/".join(parts[:3] if parts[0] == "arch" or parts[1:2] in (["linux"], ["watch"]) else parts[:2])


def by_room(coverage):
    rows = collections.defaultdict(lambda: [0, 0])
    for bit, path in places():
        if bit // 8 < len(coverage) and not path.startswith(("boot/", "tests/")):
            row = rows[room(path)]
            row[0] += 1
            row[1] += coverage[bit // 8] >> bit % 8 & 1
    total = [sum(row[i] for row in rows.values()) for i in (0, 1)]
    print(f"\n{'room':28} places reached")
    for name, (count, reached) in [*sorted(rows.items()), ("all", total)]:
        print(f"{name or '(no line known)':28} {count:6} {reached:7} {100 * reached // max(count, 1):3}%")


# --- The run ------------------------------------------------------------------------------------

def corpus_text(options):
    files = [options.kept] if options.kept else [] if options.fresh else [CORPUS, FUZZ / "kept.txt"]
    return "\n".join(pathlib.Path(f).read_text() for f in files if os.path.exists(f))


def fuzz(options):
    end = time.monotonic() + options.minutes * 60
    seed, found, total = options.seed, 0, b""
    while True:
        left = max(1, int(end - time.monotonic()))
        arguments = f"-s {seed} -w {options.cpus} -t {left} -c /fuzz/corpus"
        if options.programs:
            arguments += f" -n {options.programs}"
        boot = Boot(arguments, {"corpus": corpus_text(options).encode()}, options.cpus)
        with open(FUZZ / "kept.txt", "a", encoding="utf-8") as file:
            file.write("".join("\n" + "\n".join(block[1:]) + "\n" for block in boot.kept))
        for block in boot.found:
            save("memory" if "memory" in block[0] else "stuck", block[0][len("fuzz: FOUND "):],
                 split("\n".join(block)))
        if boot.last:
            stopped(boot, options.cpus)
        elif boot.status != ENDED:
            print("\n".join(boot.log[-20:]))
            return 2
        found += len(boot.found) + bool(boot.last)
        merged = bytearray(max(len(total), len(boot.coverage)))
        for part in (total, boot.coverage):
            for i, byte in enumerate(part):
                merged[i] |= byte
        total = bytes(merged)
        seed += 1
        if time.monotonic() >= end or options.programs:
            break
    by_room(total)
    print(f"\n{found} findings" + (f": {os.path.relpath(FUZZ, ROOT)}/found" if found else ""))
    return 1 if found else 0


def repro(options):
    programs = split(pathlib.Path(options.repro).read_text())
    boot = Boot("-r /fuzz/repro", {"repro": joined(programs).encode()}, options.cpus)
    if boot.last:
        print("\n".join(boot.log[-40:]))
    bad = bool(boot.last or boot.found)
    print("it happens again" if bad else "it does not happen")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--programs", type=int, default=0, help="end after so many programs of each worker")
    parser.add_argument("--fresh", action="store_true", help="begin without a corpus")
    parser.add_argument("--kept", help="begin with the programs of this file alone")
    parser.add_argument("--repro", help="run the programs of this file again")
    options = parser.parse_args()
    if options.repro and not os.path.exists(options.repro):
        parser.error(f"{options.repro} cannot be read")
    FUZZ.mkdir(parents=True, exist_ok=True)
    return repro(options) if options.repro else fuzz(options)


if __name__ == "__main__":
    sys.exit(main())
