#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house: floors, rooms and layers of the kernel, measured from the objects that were built.

    tools/house.py              what refers upward, what runs in circles, the budgets
    tools/house.py loc          lines of code: layers, rooms, largest files
    tools/house.py picture      draw docs/house.svg anew, and write the figures of docs/house.md

A file calls downward only: it may refer to symbols and include headers of its own floor and of the
floors below.  The tables here are the one place that says which file stands where and how large
the parts may be; tests/unit/test_floors.py and test_house.py hold the kernel to them.  BUILD names
the folder of the build, as for make."""
import collections
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import objects

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE, BASE, EXTENSION = "core", "base", "extensions"

# From the ground to the roof: {prefix: (layer, what it is)}.  The longest prefix of a file's path
# decides.  A room is a folder, or what a longer prefix takes out of one: `name.` stands for a
# source and its header.  Tests have no layer.
FLOORS = [
    {"kernel/lib/": (CORE, "lists, trees, strings, formatting")},
    {"kernel/log/": (BASE, "the log, panic()")},
    {"boot/": (BASE, "from firmware to kernel_main()")},
    {"arch/x86_64/cpu/": (CORE, "the processor, switch.S")},
    {"kernel/sync/": (CORE, "spinlocks")},
    {"kernel/mem/": (CORE, "page frames, slabs")},
    {"arch/x86_64/mmu/": (CORE, "page tables")},
    {"arch/x86_64/pc/": (BASE, "interrupts, clocks, other CPUs")},
    {"kernel/task/": (CORE, "threads, processes, scheduler")},
    {"kernel/vm/": (CORE, "address spaces")},
    {"kernel/fs/": (BASE, "files, descriptors, paths")},
    {"kernel/dev/": (EXTENSION, "terminals, displays, keyboards, USB"),
     "kernel/linux/poll_queue.": (EXTENSION, "waking thousands that poll"),
     "kernel/linux/poll_entries.": (EXTENSION, "what poll() waits in")},
    {"kernel/ipc/": (CORE, "pipes, futexes")},
    {"kernel/proc/": (CORE, "fork, exec, exit, signals")},
    {"kernel/sys/": (BASE, "system calls")},
    {"arch/x86_64/entry/": (CORE, "system calls, traps, interrupts")},
    {"kernel/linux/": (EXTENSION, "what Linux programs ask for")},
    {"kernel/watch/": (EXTENSION, "what shows the inside")},
    {"kernel/main.": (BASE, "bring-up"), "kernel/check.": (BASE, "what bring-up needs"),
     "kernel/init.": (BASE, "the start of process 1"),
     "tests/kernel/": (None, "self-tests")},
]
# References upward that stay: {(file, symbol): reason}.
KNOWN = {
    ("boot/boot.S", "kernel_main"): "the jump from the boot code into the kernel",
}
# Folders that only builds of their own contain: make SANITIZE=races, SANITIZE=addresses, SANITIZE=coverage,
# SANITIZE=1.
APART = tuple(f"{folder}{name}/" for folder in ("kernel/watch/", "tests/kernel/")
              for name in ("races", "addresses", "coverage", "undefined"))
# Headers that declare probes: what all floors below kernel/watch call, or read, of an extension.  A
# probe is inline and folds to nothing where its extension is not built, so it is no reference upward.
PROBES = {"kernel/task/probe.h", "kernel/sync/lockdep.h", "kernel/fs/rights.h"}
# Constant tables of weak references: the linker fills them in with what the rooms define, as it
# does with a section that it gathers.  Both are linker sets, counted apart from references.
WEAK_TABLES = {"syscall_table"}
# Operations of an object count as one pointer where such a table is handed down; a table of hooks
# counts each of its pointers.
OPERATIONS = {"file_ops"}


class Budget:
    """`limit` is today's figure, lines of code rounded up to hundreds, and a change may lower it
    towards `goal` but not raise it."""

    def __init__(self, limit, goal):
        self.limit, self.goal = limit, goal


BUDGETS = {
    "lines of core": Budget(11000, 11000),
    "lines of base": Budget(6500, 6500),
    "members of struct thread": Budget(32, 32),
    "members of struct process": Budget(32, 32),
    "function pointers set from above": Budget(10, 10),
    "references upward": Budget(0, 0),
    "includes upward": Budget(0, 0),
    "references from core and base to extensions": Budget(0, 0),
    "rooms in circles": Budget(0, 0),
    "files in circles inside rooms": Budget(0, 0),
    "files of more than 500 lines": Budget(0, 0),
}
LINES_OF_A_FILE = 500

GENERATED = {"asm_offsets.h": "arch/x86_64/cpu/asm_offsets.c",  # header in the build: by which file
             "syscall_numbers.h": "kernel/lib/abi.h"}
SYSTEM = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}  # what a freestanding compiler has
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]*)[">]')
FUNCTION = re.compile(r"^(?!static_assert)[a-z_].*?\b(\w+)\(([^;{}]*)\)[\w\s()\",]*\n\{\n(.*?)^\}",
                      re.M | re.S)


def place(path):
    """(floor's number, prefix), or (None, None) for a file that stands nowhere."""
    best, number = "", None
    for i, rooms in enumerate(FLOORS):
        for prefix in rooms:
            if path.startswith(prefix) and len(prefix) > len(best):
                best, number = prefix, i
    return number, best or None


def floor(path):
    return place(path)[0]


def layer(path):
    number, prefix = place(path)
    return FLOORS[number][prefix][0] if prefix else None


def room(path):
    """A folder; `kernel/watch/trace/trace` and the like for what the table names by itself."""
    prefix = place(path)[1]
    return prefix[:-1] if prefix and prefix.endswith(".") else os.path.dirname(path)


def code_lines(text):
    """Lines that are neither blank nor comment."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return sum(1 for line in re.sub(r"//.*", "", text).split("\n") if line.strip())


def gdb_program():
    """A gdb that knows x86-64."""
    names = [os.environ.get("GDB_PROGRAM"), "gdb", "gdb-multiarch", "x86_64-elf-gdb"]
    for name in filter(None, names):
        if shutil.which(name):
            return name
    raise SystemExit("gdb is missing: make setup")


def circles(arrows):
    """Groups of nodes of which each reaches each (Tarjan).  `arrows`: {node: nodes}."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in sorted(arrows.get(node, ())):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return sorted(found)


Reference = collections.namedtuple("Reference", "file function symbol to")
Pointer = collections.namedtuple("Pointer", "file name count setters")  # count: of pointers


class House:
    """What was measured.  Files are named by their path from the root."""

    def __init__(self, build=None):
        build = pathlib.Path(build or os.environ.get("BUILD") or "build")
        self.build = build if build.is_absolute() else ROOT / build
        self.texts = {}
        for top in ("boot", "arch", "kernel", "tests/kernel"):
            for path in sorted((ROOT / top).rglob("*.[chS]")):
                self.texts[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        self.kernel = [f for f in self.texts if not f.startswith("tests/")]
        self.lines = {f: code_lines(self.texts[f]) for f in self.kernel}

    # Includes

    @functools.cached_property
    def includes(self):
        """{file: [(line number, quote or angle, what)]}"""
        return {path: [(n, m[1], m[2]) for n, line in enumerate(text.split("\n"), 1)
                       if (m := INCLUDE.match(line))] for path, text in self.texts.items()}

    def includes_upward(self):
        """[(file, line number, header)]: of a floor above, or by core or base of an extension.  A
        source from which make takes only numbers for the assembler is no part of the kernel."""
        def is_up(path, what):
            return (floor(what) or 0) > (floor(path) or 0) or \
                layer(path) in (CORE, BASE) and layer(what) == EXTENSION

        return [(path, n, what) for path, lines in self.includes.items()
                for n, form, what in lines
                if form == '"' and what not in PROBES and path not in GENERATED.values()
                and is_up(path, what)]

    # Symbols

    @functools.cached_property
    def objects(self):
        """{source: Object}.  With CORE=1 the sources of the extensions have no object."""
        found = {}
        for path in self.texts:
            if not path.endswith(".h") and (self.build / f"{path}.o").exists():
                found[path] = objects.Object(self.build / f"{path}.o")
        if not found:
            raise SystemExit(f"{self.build} holds no objects: build the kernel first (make)")
        return found

    @functools.cached_property
    def definers(self):
        """{symbol: file}; the strong definition where there is a weak one as well."""
        found = {}
        for weak in (True, False):
            for path, o in self.objects.items():
                for s in o.symbols:
                    if s.section and not s.local and s.weak == weak:
                        found[s.name] = path
        return found

    @functools.cached_property
    def references(self):
        """From file to file.  What the linker's script defines belongs to no file."""
        return [Reference(path, function, symbol, self.definers[symbol])
                for path, o in self.objects.items() for function, symbol in o.references
                if self.definers.get(symbol, path) != path and function not in WEAK_TABLES]

    @functools.cached_property
    def probe_words(self):
        return set(re.findall(r"\w+", "".join(self.texts[h] for h in PROBES)))

    def is_probe(self, r):
        below = not r.file.startswith("kernel/watch/")
        return layer(r.to) == EXTENSION and below and r.symbol in self.probe_words

    def is_arrow(self, r):
        return (r.file, r.symbol) not in KNOWN and not self.is_probe(r)

    def probes(self):
        """{(extension's file, symbol): files that refer to it}"""
        found = collections.defaultdict(set)
        for r in self.references:
            if self.is_probe(r) and r.file in self.lines:
                found[r.to, r.symbol].add(r.file)
        return found

    def references_upward(self):
        return [r for r in self.references
                if (floor(r.to) or 0) > (floor(r.file) or 0) and self.is_arrow(r)]

    def references_outward(self):
        """From core and base to extensions."""
        return [r for r in self.references if layer(r.file) in (CORE, BASE)
                and layer(r.to) == EXTENSION and self.is_arrow(r)]

    def arrows(self, name):
        """{name(file): {name(file): symbols}}; name is `room`, or one that keeps the file."""
        found = collections.defaultdict(lambda: collections.defaultdict(set))
        for r in self.references:
            if name(r.file) != name(r.to) and self.is_arrow(r):
                found[name(r.file)][name(r.to)].add(r.symbol)
        return found

    def circles_of_rooms(self):
        return circles(self.arrows(room))

    def circles_of_files(self):
        """{room: [files of one circle, ...]}"""
        found = {}
        arrows = self.arrows(str)
        for name in sorted({room(f) for f in self.objects}):
            inside = {f: [to for to in arrows[f] if room(to) == name]
                      for f in self.objects if room(f) == name}
            if groups := circles(inside):
                found[name] = groups
        return found

    # Function pointers

    @functools.cached_property
    def debug(self):
        """What gdb reads from the debug information: tools/house_types.py."""
        variables = [f"{path} {s.name}" for path, o in sorted(self.objects.items())
                     for s in o.symbols if path in self.lines and path.endswith(".c")
                     and s.kind == objects.STT_OBJECT and s.section and s.section.writable
                     and not s.section.name.startswith(".per_")  # per_thread.h: no variables
                     and "." not in s.name]
        kernel = self.build / "heddle.elf"
        if not kernel.exists():
            raise SystemExit(f"{kernel} is not there: build the kernel first (make)")
        result = subprocess.run(
            [gdb_program(), "-batch", "-nx", "-x", ROOT / "tools/house_types.py", kernel],
            env={**os.environ, "HOUSE_VARIABLES": "\n".join(variables)},
            capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"gdb could not read {kernel}: {result.stderr.strip()}")
        return [line.split("\t") for line in result.stdout.splitlines() if "\t" in line]

    def members(self, structure):
        return next(int(n) for kind, name, n in (d for d in self.debug if len(d) == 3)
                    if (kind, name) == ("struct", structure))

    @functools.lru_cache(maxsize=None)
    def functions(self, path):
        """[(name, names of its parameters, body)] of a source."""
        def parameter(text):
            m = re.search(r"\(\*(\w+)\)", text) or re.search(r"(\w+)\W*$", text)
            return m[1] if m else ""

        return [(m[1], [parameter(p) for p in re.split(r",(?![^(]*\))", m[2])], m[3])
                for m in FUNCTION.finditer(self.texts[path])]

    def setters(self, path, name):
        """Files that give the variable its value: by an assignment, or as callers of a function
        that stores its parameter there."""
        stored = re.compile(rf"(?:\b{name}(?:\.\w+|\[[^]]*\])*\s*=(?!=)|"
                            rf"\w*(?:store|exchange|WRITE_ONCE)\w*\(&?{name}\b[^,]*,)\s*"
                            rf"(?:\(.*?\))?&?(\w+)")
        local = any(s.local for s in self.objects[path].symbols if s.name == name)
        for f in [path] if local else self.kernel:
            if not re.search(rf"\b{name}\b", self.texts[f]):
                continue
            for function, parameters, body in self.functions(f):
                for value in stored.findall(body):
                    yield f
                    if value in parameters:
                        yield from (r.file for r in self.references if r.symbol == function)
                    elif value in self.definers:
                        yield self.definers[value]

    @functools.cached_property
    def handed_down(self):
        """(hooks, registries): variables that hold pointers to functions and get them from above.
        A registry is an array of them.  A weak function that a strong one above replaces is a
        hook as well."""
        found = {"hook": [], "registry": []}
        for kind, path, name, structure, count in (d for d in self.debug if len(d) == 5):
            above = sorted({f for f in self.setters(path, name)
                            if f in self.lines and floor(f) > floor(path)})
            if above:
                found[kind].append(Pointer(path, name, 1 if structure in OPERATIONS else int(count),
                                           above))
        for path, o in self.objects.items():
            found["hook"] += [Pointer(path, s.name, 1, [self.definers[s.name]]) for s in o.symbols
                              if s.weak and s.section and
                              floor(self.definers[s.name]) > floor(path)]
        return sorted(found["hook"]), sorted(found["registry"])

    def unknown(self):
        """(file, variable): gdb does not know the type, or it is a hook and nothing sets it."""
        return [(d[1], d[2]) for d in self.debug if d[0] == "unknown"
                or d[0] == "hook" and self.starts_as_zero(d[1], d[2])
                and not any(self.setters(d[1], d[2]))]

    def starts_as_zero(self, path, name):
        return any(s.name == name and s.section and "bss" in s.section.name
                   for s in self.objects[path].symbols)

    # Linker sets

    def sets(self):
        """{section or table: {file: entries}}: what the linker gathers from the rooms."""
        found = collections.defaultdict(collections.Counter)
        kept = re.findall(r"KEEP\(\*\((?:SORT\w*\()?(\.[\w.]+)",
                          (ROOT / "linker.ld").read_text(encoding="utf-8"))
        kept += [".per_thread", ".per_process"]  # kernel/task/per_thread.h
        for path, o in self.objects.items():
            for s in o.symbols:
                name = next((k for k in kept if s.section and s.kind == objects.STT_OBJECT
                             and s.section.name.startswith(k)), None)
                if name and path in self.lines:
                    found[name.removeprefix(".set").strip(".")][path] += 1
            for table, symbol in o.references:
                if table in WEAK_TABLES and symbol in self.definers:
                    found[table][self.definers[symbol]] += 1
        return found

    def unused_in_core_and_base(self):
        """[(file, function, lines, users)]: global functions of core and base to which only
        extensions and self-tests refer, or nobody."""
        users = collections.defaultdict(set)
        for path, o in self.objects.items():
            for _, symbol in o.references:
                users[symbol].add(path)
        found = []
        for symbol, path in self.definers.items():
            if layer(path) in (CORE, BASE) and not any(
                    layer(user) in (CORE, BASE) for user in users[symbol]):
                found += [(path, symbol, code_lines(body) + 3, sorted(map(room, users[symbol])))
                          for name, _, body in self.functions(path) if name == symbol]
        return sorted(found)

    # Sums

    def lines_of(self, *layers):
        return sum(n for f, n in self.lines.items() if layer(f) in layers)

    def figure(self, name):
        """What BUDGETS limits."""
        return {
            "lines of core": lambda: self.lines_of(CORE),
            "lines of base": lambda: self.lines_of(BASE),
            "members of struct thread": lambda: self.members("thread"),
            "members of struct process": lambda: self.members("process"),
            "function pointers set from above": lambda: sum(p.count for p in self.handed_down[0]),
            "references upward": lambda: len(self.references_upward()),
            "includes upward": lambda: len(self.includes_upward()),
            "references from core and base to extensions": lambda: len(self.references_outward()),
            "rooms in circles": lambda: sum(map(len, self.circles_of_rooms())),
            "files in circles inside rooms": lambda: sum(
                len(c) for group in self.circles_of_files().values() for c in group),
            "files of more than 500 lines": lambda: len(self.long_files()),
        }[name]()

    def over(self, name):
        """What is wrong with this figure, or None."""
        figure, budget = self.figure(name), BUDGETS[name]
        return f"{name}: {figure}, and the budget allows {budget.limit}" \
            if figure > budget.limit else None

    def long_files(self):
        return [f for f in self.kernel if self.texts[f].count("\n") > LINES_OF_A_FILE]


def report(house):
    """What is left to do, by name, and the budgets."""
    def section(title, lines):
        lines = list(lines)
        print(f"{title}: {len(lines)}")
        print("".join(f"  {line}\n" for line in lines), end="")

    section("References upward", (f"{r.file}: {r.function} -> {r.symbol} ({r.to})"
                                  for r in house.references_upward()))
    section("References from core and base to extensions that do not lead upward",
            (f"{r.file}: {r.function} -> {r.symbol} ({r.to})" for r in house.references_outward()
             if r not in house.references_upward()))
    section("Includes upward", (f"{f}:{n}: {what}" for f, n, what in house.includes_upward()))
    section("Circles of rooms", (", ".join(c) for c in house.circles_of_rooms()))
    section("Circles of files inside rooms",
            (f"{name}: {', '.join(os.path.basename(f) for f in c)}"
             for name, group in house.circles_of_files().items() for c in group))
    hooks, registries = house.handed_down
    section("Function pointers set from above",
            (f"{p.file}: {p.name}{f' ({p.count} pointers)' if p.count > 1 else ''}, set by "
             f"{', '.join(p.setters)}" for p in hooks))
    section("Tables of function pointers that rooms above fill in",
            (f"{p.file}: {p.name}, by {', '.join(p.setters)}" for p in registries))
    section("Linker sets", (f"{name}: {sum(files.values())} definitions in {len(files)} files"
                            for name, files in sorted(house.sets().items())))
    section("Probes", (f"{file}: {symbol}, from {', '.join(sorted(users))}"
                       for (file, symbol), users in sorted(house.probes().items())))
    unused = house.unused_in_core_and_base()
    section(f"Functions of core and base that these do not use ({sum(u[2] for u in unused)} lines)",
            (f"{file}: {name}, {lines} lines, for "
             f"{', '.join(sorted(set(users))) or 'nobody: inlined, or in debug builds'}"
             for file, name, lines, users in unused))
    section("Variables of unknown type, and hooks that nothing sets",
            (" ".join(u) for u in house.unknown()))
    section(f"Files of more than {LINES_OF_A_FILE} lines", house.long_files())
    print(f"{'Budgets':46} today  limit   goal")
    for name, budget in BUDGETS.items():
        print(f"  {name:44} {house.figure(name):5} {budget.limit:6} {budget.goal:6}")


def loc(house):
    """Lines of code: layers, in each its rooms, and the largest files."""
    rooms = collections.Counter()
    for f, n in house.lines.items():
        if layer(f):
            rooms[layer(f), os.path.dirname(f) + "/"] += n
    for name in (CORE, BASE, EXTENSION):
        print(f"{sum(n for (of, _), n in rooms.items() if of == name):6} {name}")
        for (of, folder), n in sorted(rooms.items()):
            if of == name:
                print(f"{n:12} {folder}")
    print(f"{sum(rooms.values()):6} in all")
    largest = sorted(((n, f) for f, n in house.lines.items()), reverse=True)[:5]
    print("largest:", ", ".join(f"{f} {n}" for n, f in largest))


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else "report"
    if command == "report":
        report(House())
    elif command == "loc":
        loc(House())
    elif command == "picture":
        import house_picture
        house_picture.write(House())
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
