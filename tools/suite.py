#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a folder of test programs that others wrote, on Heddle or on Linux, in QEMU: `make suite`.

    tools/suite.py [-k KIND] [-l] [-t SECONDS] [-n LINES] [-m MATCH]... [-x NOT]... [-e NAME=VALUE]...
                   FOLDER

Every executable file below FOLDER is a test (static, or a script); FOLDER/lib holds what tests call.
They are packed into archives of at most PART bytes; each archive is one boot, in which /bin/suite
(user/suite.c) runs its tests and prints TAP. KIND says what the status of a program means there:
plain, posix or ltp. A test during which the machine stops, or after which it is silent, fails, and
another boot runs the rest. What is printed is one TAP for all, then passes by family: the
folders of the tests. The status is 0 if no test failed, 1 if one did, 2 if none could run.

-l runs on Linux (tools/linux.py) instead. -m keeps tests whose name contains MATCH, a pattern of
the shell; -x leaves such tests out. Settings, as for `make run`: BUILD CPUS MEM ACCEL APPEND.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import selectors
import shlex
import stat
import subprocess
import sys
import tempfile

import linux

PART = 96 << 20  # bytes of tests in one archive
WORDS = "quiet"
GRACE = 90  # seconds: a boot, or what suite.c needs to end a test that has timed out
RESULT = re.compile(r"(not ok|ok) (\d+) - (\S+) # (SKIP )?(.*) ([\d.]+) s$")
BEGIN = re.compile(r"# begin (\d+) (\S+)$")


def files_below(folder):
    """{name: mode} of all files and folders, sorted."""
    return {str(p.relative_to(folder)): p.lstat().st_mode for p in sorted(folder.rglob("*"))}


def wanted(name, options):
    def any_of(patterns):
        return any(fnmatch.fnmatchcase(name, f"*{p}*") for p in patterns)
    return (not options.match or any_of(options.match)) and not any_of(options.leave_out)


def is_test(name, mode):
    return stat.S_ISREG(mode) and bool(mode & 0o111) and "lib" not in pathlib.PurePath(name).parts[:-1]


def parts(folder, options):
    """Lists of names: the tests of one boot each, whose sizes add up to at most PART."""
    part, size = [], 0
    for name, mode in files_below(folder).items():
        if not is_test(name, mode) or not wanted(name, options):
            continue
        bytes_ = (folder / name).stat().st_size
        if part and size + bytes_ > PART:
            yield part
            part, size = [], 0
        part.append(name)
        size += bytes_
    if part:
        yield part


def pack(folder, tests, out):
    """The archive of these tests and of everything in FOLDER that is no test."""
    with open(out, "wb") as archive:
        archive.write(linux.cpio_entry("suite", 0o40755))
        for name, mode in files_below(folder).items():
            path = folder / name
            if is_test(name, mode) and name not in tests:
                continue
            data = b""
            if stat.S_ISREG(mode):
                data = path.read_bytes()
            elif stat.S_ISLNK(mode):
                data = os.readlink(path).encode()
            elif not stat.S_ISDIR(mode):
                continue
            archive.write(linux.cpio_entry(f"suite/{name}", mode, data))
        archive.write(linux.cpio_entry("TRAILER!!!", 0))


def joined(first, second, out):
    """Two archives in a row are one."""
    data = pathlib.Path(first).read_bytes()
    with open(out, "wb") as archive:
        archive.write(data + b"\0" * (-len(data) % 4))
        archive.write(pathlib.Path(second).read_bytes())


def command(options, archive, first):
    """The QEMU command line that runs the tests of the archive from number `first` on."""
    run = ["/bin/suite", "-a", "-k", options.kind, "-t", str(options.seconds), "-f", str(first), "-l",
           str(options.lines)]
    for setting in options.environment:
        run += ["-e", setting]
    run.append("/suite")
    more = os.environ.get("APPEND", "")
    if options.linux:
        script = ("mkdir -p /dev/pts /dev/mqueue; mount -t devpts devpts /dev/pts; "
                  "mount -t mqueue mqueue /dev/mqueue; mount -t tmpfs tmp /tmp; exec " + shlex.join(run))
        return [*linux.machine(), "-kernel", str(linux.kernel()),
                "-initrd", str(linux.initramfs(archive)), "-append",
                f"console=ttyS0 {linux.WORDS} {more} rdinit=/linux-init -- sh -c {linux.quote([script])}"]
    return [*linux.machine(), "-kernel", str(linux.BUILD / "heddle.elf"), "-initrd", str(archive),
            "-append", f"console=ttyS0 debug_exit=0xf4 {WORDS} {more} -- run {linux.quote(run)}"]


class Results:
    """What the tests of all boots came to."""

    def __init__(self, count):
        self.rows = {}  # name: (passed, skipped, word)
        self.downs = []
        print(f"TAP version 13\n1..{count}", flush=True)

    def add(self, name, passed, skipped, word, took):
        self.rows[name] = (passed, skipped, word)
        print(f"{'ok' if passed else 'not ok'} {len(self.rows)} - {name} # "
              f"{'SKIP ' if skipped else ''}{word} {took} s", flush=True)

    def summary(self):
        """Passes by family, as comments."""
        families = {}
        for name, (passed, skipped, _) in self.rows.items():
            folders = name.split("/")[:-1]
            for family in {"/".join(folders[:1]) or "-", "/".join(folders[:2]) or "-", "all"}:
                row = families.setdefault(family, [0, 0, 0])
                row[0 if passed and not skipped else 1 if skipped else 2] += 1
        print(f"# {'family':48} pass  skip  fail")
        for family, (passed, skipped, failed) in sorted(families.items(), key=lambda f: (f[0] == "all", f)):
            print(f"# {family:48} {passed:4}  {skipped:4}  {failed:4}")


def boot(options, archive, first, tests, results):
    """One boot. Returns the number of the test to go on with; after the last one if all are done."""
    running, begun, heard = None, False, []
    quiet = options.seconds + GRACE
    for line in lines(command(options, archive, first), quiet):
        begin, result = BEGIN.search(line), RESULT.search(line)
        if begin:
            running, begun, heard = int(begin[1]), True, []
        elif result and running == int(result[2]):
            results.add(result[3], result[1] == "ok", bool(result[4]), result[5], result[6])
            first, running = int(result[2]) + 1, None
        elif begun and line:
            if line.startswith("#   ") or running is None:
                print(line if line.startswith("#") else f"# {line}", flush=True)
            else:
                heard.append(line)
    if first > len(tests):
        return first
    if not begun:
        print("# the machine did not run /bin/suite")
        return 0
    for line in heard[-30:]:
        print(f"#   {line[:200]}")
    if running:
        results.downs.append(tests[running - 1])
        results.add(tests[running - 1], False, False, "MACHINE", "0")
        first = running + 1
    return first


def lines(qemu, seconds):
    """What the machine prints, until it ends or prints nothing for so many seconds."""
    with subprocess.Popen(qemu, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        text = b""
        try:
            while selector.select(seconds):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return
                *whole, text = (text + data).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace").strip("\r")
            yield f"suite: the machine printed nothing for {seconds} s"
        finally:
            process.kill()


def run(options):
    folder = pathlib.Path(options.folder).resolve()
    all_parts = list(parts(folder, options)) if folder.is_dir() else []
    if not all_parts:
        print(f"suite: no test lies in {folder}", file=sys.stderr)
        return 2
    results = Results(sum(map(len, all_parts)))
    with tempfile.TemporaryDirectory(prefix="suite-") as scratch:
        tests_only, archive = f"{scratch}/tests.cpio", f"{scratch}/all.cpio"
        for tests in all_parts:
            pack(folder, set(tests), tests_only)
            joined(linux.BUILD / "initramfs.cpio", tests_only, archive)
            first = 1
            while first <= len(tests):
                again = boot(options, archive, first, tests, results)
                if again == 0 or (again == first and not results.rows):
                    return 2
                first = again if again > first else first + 1
    results.summary()
    for name in results.downs:
        print(f"# the machine stopped during {name}")
    return int(any(not passed for passed, _, _ in results.rows.values()))


def main():
    parser = argparse.ArgumentParser(description="a folder of test programs in a machine")
    parser.add_argument("-k", "--kind", choices=["plain", "posix", "ltp"], default="plain")
    parser.add_argument("-l", "--linux", action="store_true", help="on Linux instead of Heddle")
    parser.add_argument("-t", "--seconds", type=int, default=60, help="of one test")
    parser.add_argument("-n", "--lines", type=int, default=12, help="of a failing test's output")
    parser.add_argument("-m", "--match", action="append", default=[])
    parser.add_argument("-x", "--leave-out", action="append", default=[])
    parser.add_argument("-e", "--environment", action="append", default=[])
    parser.add_argument("folder")
    options = parser.parse_args()
    try:
        return run(options)
    except linux.Missing as error:
        print(f"suite: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
