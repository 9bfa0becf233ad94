# SPDX-License-Identifier: MIT
"""The tree that is graded: a copy of the working tree in build/grade/tree, where only what changed is
compiled again."""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess

import linux
from exercise import ROOT, Refused

BUILD = pathlib.Path(os.environ.get("BUILD") or "build")
BUILD = BUILD if BUILD.is_absolute() else ROOT / BUILD
GRADE = BUILD / "grade"
TREE = GRADE / "tree"
COPIED = ("Makefile", "linker.ld", "arch", "boot", "kernel", "tests/kernel", "tests/user", "tools")


def clean_environment():
    """What make told us about itself, and settings of another build, are not for the tree."""
    drop = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "DEBUG", "SANITIZE", "CORE", "WITHOUT", "CFLAGS",
            "NAME", "APPEND", "GDB", "LAB", "TOUR", "ARGS", "INITRD", "INIT", "GDBARGS", "REPLAY")
    return {k: v for k, v in os.environ.items() if k not in drop}


def make(folder, *arguments, warnings=None):
    """Run make; the compiler's words if it fails, else None.  Warnings are appended to the list."""
    done = subprocess.run(["make", "-C", str(folder), f"-j{os.cpu_count()}", *arguments],
                          capture_output=True, text=True, env=clean_environment())
    if warnings is not None:
        warnings += [line for line in done.stderr.splitlines() if "warning:" in line]
    if done.returncode == 0:
        return None
    wanted = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
    return "\n".join((wanted or done.stderr.splitlines())[:8])


@contextlib.contextmanager
def alone():
    """One at a time in the tree."""
    GRADE.mkdir(parents=True, exist_ok=True)
    with open(GRADE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another `make grade` is at work in {GRADE}: wait for its end") from None
        yield


def sources(exercise):
    """{path relative to the tree: file to copy}, with the exercise's own checks."""
    out = {}
    for name in COPIED:
        top = ROOT / name
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                out[str(path.relative_to(ROOT))] = path
    for path in exercise.own_checks():
        folder = "kernel" if "KTEST(" in path.read_text() else "user"
        out[f"tests/{folder}/{checks_own_name(path)}.c"] = path
    return out


def checks_own_name(path):
    """cow/check_pages.c -> cow_pages"""
    return path.parent.name.replace("-", "_") + "_" + path.stem[len("check_"):]


def own_programs(exercise):
    return [checks_own_name(p) for p in exercise.own_checks() if "KTEST(" not in p.read_text()]


def seed_objects():
    """The first time: begin with what `make` has built already."""
    for name in ("arch", "boot", "kernel", "tests/kernel"):
        if (BUILD / name).exists():
            shutil.copytree(BUILD / name, TREE / "build" / name, copy_function=shutil.copy2,
                            dirs_exist_ok=True)
    for path in BUILD.glob("*"):
        if path.is_file() and path.suffix in (".h", ".S", ".d", ".o", ".ld") and path.stem != "symbols":
            shutil.copy2(path, TREE / "build" / path.name)
    if (BUILD / "flags").exists():
        shutil.copytree(BUILD / "flags", TREE / "build/flags", copy_function=shutil.copy2,
                        dirs_exist_ok=True)


def write_tree(exercise, patches):
    """Bring TREE up to date; `patches` stand in place of files.  Unchanged files keep their time."""
    first = not (TREE / "build").exists()
    (TREE / "build").mkdir(parents=True, exist_ok=True)
    wanted = {**dict.fromkeys(patches), **sources(exercise)}
    for name, path in wanted.items():
        to = TREE / name
        new = patches[name].encode() if name in patches else path.read_bytes()
        if to.exists() and to.read_bytes() == new:
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(new)
        if path:
            shutil.copymode(path, to)
        if first and name not in patches:
            shutil.copystat(path, to)
    for path in [p for name in COPIED for p in (TREE / name).rglob("*") if p.is_file()]:
        if str(path.relative_to(TREE)) not in wanted and "__pycache__" not in path.parts:
            path.unlink()
    if first:
        seed_objects()


class Built:
    """The kernel in the tree, its programs, and which self-tests there are."""

    def __init__(self, exercise, patches, debug):
        write_tree(exercise, patches)
        self.error, self.warnings = None, []
        self.kernels = {}
        for wanted in sorted({False} | debug):
            where = "build/debug" if wanted else "build"
            words = ["DEBUG=1", "SANITIZE=1"] if wanted else []
            self.error = self.error or make(TREE, f"BUILD={where}", *words, f"{where}/heddle.elf",
                                             warnings=self.warnings)
            self.kernels[wanted] = TREE / where / "heddle.elf"
        self.tests = sorted(name for path in (TREE / "tests/kernel").rglob("*.c")
                            for name in re.findall(r"^KTEST\((\w+)\)", path.read_text(), re.M))
        self.programs = own_programs(exercise)
        programs = [f"build/tests/user/{name}" for name in self.programs]
        error = make(ROOT, f"BUILD={BUILD}", str(BUILD / "initramfs.cpio"))
        if not error and programs:
            error = make(TREE, "BUILD=build", *programs)
        if error:
            raise Refused(f"the programs of the tests could not be built:\n{error}\n  `make` says more")

    def archive(self, script):
        """The RAM file system with the exercises' own programs and this script in it."""
        entries = [linux.cpio_entry("grade.sh", 0o100755, script.encode())]
        for name in self.programs:
            data = (TREE / "build/tests/user" / name).read_bytes()
            entries.append(linux.cpio_entry(f"tests/{name}", 0o100755, data))
        entries.append(linux.cpio_entry("TRAILER!!!", 0))
        data = (BUILD / "initramfs.cpio").read_bytes()
        out = GRADE / "initramfs.cpio"
        out.write_bytes(data + b"\0" * (-len(data) % 4) + b"".join(entries))
        return out
