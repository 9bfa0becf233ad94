# SPDX-License-Identifier: MIT
"""The symbols of user programs, at the addresses where they lie in the process that is looked at.

Static programs all lie at the same addresses, so of those that overlap one at a time is loaded: that
of the selected thread's process.  On the RAM file system they are stripped; the build directory has
them whole."""
import os

import gdb

import elf
import kernel
import resume

BUILD = os.path.dirname(os.path.abspath(kernel.OBJFILE.filename)) if kernel.OBJFILE else "build"
PLACES = {"labs": "labs", "tests": "tests/user", "bin": "user", "race": "race"}

VDSO = os.path.join(BUILD, "vdso.so.debug")  # at the same address in each process

_loaded = None  # (file, bias)
_wanted = None  # what was chosen by heddle-symbols, else None
quiet = True


def file_of(path):
    """The file with the symbols of the program at a path of Heddle's, or None."""
    stage = os.path.join(BUILD, "stage")
    full = stage + path
    for _ in range(8):
        if not os.path.islink(full):
            break
        target = os.readlink(full)
        full = stage + target if target.startswith("/") else os.path.join(os.path.dirname(full),
                                                                          target)
    inside = os.path.relpath(full, stage)
    directory, name = os.path.split(inside)
    for candidate in (os.path.join(BUILD, PLACES.get(directory, "?"), name),
                      os.path.join(BUILD, "user", name) if inside == "init" else "", full):
        if candidate and os.path.isfile(candidate):
            return candidate
    return None


def program_of(process):
    """(file, bias) of what a process runs; None where there is no file for it here."""
    if not int(process["space"]):
        return None
    path = kernel.executable_of(process)
    file = path and file_of(path)
    if not file:
        return None
    try:
        program = elf.program(file)
    except (OSError, ValueError):
        return None
    if not program.is_pie:
        return file, 0
    start = int(kernel.space_of(process)["layout"]["code_start"])
    return (file, start - program.code_start) if start else None


def load(wanted):
    global _loaded
    if wanted == _loaded:
        return
    if _loaded:
        try:
            gdb.execute(f"remove-symbol-file {_quote(_loaded[0])}", to_string=True)
        except gdb.error:
            pass
        _loaded = None
    if wanted:
        gdb.execute(f"add-symbol-file {_quote(wanted[0])} -o {wanted[1]:#x}", to_string=True)
        _loaded = wanted


def _quote(path):
    return '"' + path.replace('"', '\\"') + '"' if " " in path else path


def loaded():
    return _loaded


def load_for_thread(t):
    """Symbols for this thread's user half; a kernel thread changes nothing."""
    if t is None or not t.is_user or not t.process:
        return
    process = kernel.process_of(t)
    wanted = program_of(process)
    if wanted:
        load(wanted)


def load_for_cpu(*_):
    try:
        if kernel.cpu_count() and kernel.scheduled_cpus():
            load_for_thread(kernel.current())
    except (gdb.error, gdb.GdbError):
        pass


class Selected(gdb.Command):
    """heddle-selected: what gdb does after its own command `thread`: symbols follow the CPU."""

    def __init__(self):
        super().__init__("heddle-selected", gdb.COMMAND_OBSCURE)

    def invoke(self, argument, from_tty):
        before = _loaded
        load_for_cpu()
        if _loaded != before:
            gdb.execute("frame")


Selected()
gdb.execute("define hookpost-thread\nheddle-selected\nend")


def _before_resume():
    if _wanted:
        load(_wanted)


gdb.events.stop.connect(load_for_cpu)
resume.before.append(_before_resume)


def paths():
    """Of the programs on the RAM file system."""
    stage = os.path.join(BUILD, "stage")
    return sorted("/" + os.path.relpath(os.path.join(directory, name), stage)
                  for directory, _, names in os.walk(stage) for name in names
                  if os.access(os.path.join(directory, name), os.X_OK))


class Symbols(kernel.Command):
    """heddle-symbols [P|PATH|auto]: whose program's symbols are loaded.

Without an argument says which, and where they lie.  Otherwise they follow the thread of the CPU that
gdb has selected.  With a process or a path of Heddle's (/labs/switching) these are loaded whenever
the machine runs, so that breakpoints in that program's source stay in place; `auto` ends that.
heddle-break needs none of this."""
    name, usage = "symbols", "[P|PATH|auto]"

    def run(self, arguments):
        global _wanted
        if not arguments:
            print(f"{_loaded[0]}, loaded at +{_loaded[1]:#x}" if _loaded
                  else "no program's symbols are loaded")
            return
        word = arguments[0]
        if word == "auto":
            _wanted = None
            load_for_cpu()
            return
        if word.startswith("/"):
            file = file_of(word)
            if not file:
                raise kernel.Failure(f"no program {word} in {BUILD}/stage")
            if elf.program(file).is_pie:
                raise kernel.Failure(f"{word} lies elsewhere in each process: give the process")
            _wanted = file, 0
        else:
            _wanted = program_of(kernel.find_process(word))
            if not _wanted:
                raise kernel.Failure(f"process {word} has no program whose file is in {BUILD}")
        load(_wanted)
        print(f"{_wanted[0]}, loaded at +{_wanted[1]:#x}")

    def words(self, kind, before):
        return ["auto", *paths(), *super().words("P", before)] if not before else []


class ProgramBreakpoint(gdb.Breakpoint):
    """At an address, in processes that run one program."""

    def __init__(self, path, address, temporary=False):
        self.path = path
        super().__init__(f"*{address:#x}", temporary=temporary)

    def stop(self):
        try:
            t = kernel.current()
            if not t or not t.process \
                    or kernel.executable_of(kernel.process_of(t)) != self.path:
                return False
            load_for_thread(t)  # before gdb says where it stopped
            return True
        except (gdb.error, gdb.GdbError):
            return False


class Break(kernel.Command):
    """heddle-break PATH FUNCTION: stop in a user program, before it runs or while it does.

PATH is the program's on Heddle (/labs/switching, /tests/scene).  Other programs at the same address
do not stop.  Position-independent programs want a process of theirs to be there already."""
    name, usage = "break", "PATH FUNCTION"
    needs = ""

    def run(self, arguments):
        path, function = arguments
        file = file_of(path)
        if not file:
            raise kernel.Failure(f"no program {path} in {BUILD}/stage")
        program = elf.program(file)
        if function not in program.by_name:
            raise kernel.Failure(f"{path} has no function {function}")
        address = program.by_name[function]
        if program.is_pie:
            address += self.bias(path)
        ProgramBreakpoint(path, address)

    def words(self, kind, before):
        if kind == "PATH":
            return paths()
        file = before and file_of(before[0])
        return sorted(elf.program(file).by_name) if file else []

    @staticmethod
    def bias(path):
        if kernel.cpu_count():
            for p in kernel.processes():
                if kernel.executable_of(p) == path:
                    return program_of(p)[1]
        raise kernel.Failure(f"{path} lies elsewhere in each process, and none runs it now")


Symbols()
Break()
if os.path.isfile(VDSO):
    gdb.execute(f"add-symbol-file {_quote(VDSO)} -o {kernel.constant('VVAR_BASE') + 4096:#x}",
                to_string=True)
