# SPDX-License-Identifier: MIT
"""How gdb prints the kernel's structures: locks, lists and sets in words, threads by name.

`print /r` shows a value as it is in memory."""
import gdb
import gdb.printing

import kernel


def _guard(function):
    """Half-made structures are printed as they are."""
    def to_string(self):
        try:
            return function(self)
        except (gdb.error, gdb.GdbError, StopIteration):
            return f"{self.value.type} (not readable)"
    return to_string


class _Printer:
    def __init__(self, value):
        self.value = value


class Mutex(_Printer):
    @_guard
    def to_string(self):
        owner = int(self.value["owner"])
        name = _class(self.value)
        waiting = f", {int(self.value['waiters'])} wait" if int(self.value["waiters"]) else ""
        return f"mutex {name}: " + (f"held by {kernel.thread_at(owner)}" if owner else "free") + \
            waiting


class RwLock(_Printer):
    @_guard
    def to_string(self):
        holders = int(self.value["holders"])
        state = ("free" if not holders else kernel.count_words(holders, "reader") if holders > 0 else
                 f"written by {kernel.thread_at(int(self.value['writer']))}")
        waiting = int(self.value["writers_waiting"])
        return f"rwlock {_class(self.value)}: {state}" + \
            (f", {waiting} wait to write" if waiting else "")


class Spinlock(_Printer):
    @_guard
    def to_string(self):
        state = "free"
        if int(self.value["owner"]):
            where = int(self.value["where"])
            state = f"held by CPU {int(self.value['owner']) - 1}" + \
                (f", taken at {kernel.symbol_at(where)}" if where else "")
        return f"spinlock {_class(self.value)}: {state}"


def _class(value):
    pointer = value["class"]
    return kernel.text(pointer["name"]) if int(pointer) else "(no class)"


class List(_Printer):
    @_guard
    def to_string(self):
        if not int(self.value["next"]):
            return "list, not set up"
        if self.value.address is None:
            return f"list to {int(self.value['next']):#x}"
        start = int(self.value.address)
        node, count = int(self.value["next"]), 0
        while node not in (0, start) and count < 1000:
            node, count = kernel.u64(node), count + 1
        return "list, empty" if not count else \
            f"list, {kernel.count_words(count, 'other link')}, next {int(self.value['next']):#x}"


class CpuMask(_Printer):
    @_guard
    def to_string(self):
        bits = self.value["bits"]
        count = bits.type.range()[1] + 1
        cpus = [c for c in range(count * 64) if int(bits[c // 64]) >> c % 64 & 1]
        ranges = []
        for c in cpus:
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
        return "CPUs " + (",".join(f"{a}-{b}" if b > a else str(a) for a, b in ranges) or "none")


class WaitQueue(_Printer):
    @_guard
    def to_string(self):
        names = [str(kernel.thread_at(int(w["thread"])))
                 for w in kernel.list_of(self.value["waiters"], "struct waiter", "link")
                 if int(w["thread"])]
        return f"wait queue {kernel.text(self.value['name'])}: " + (", ".join(names) or "nobody")


class Refcount(_Printer):
    @_guard
    def to_string(self):
        return kernel.count_words(int(self.value["count"]), "reference")


class Treap(_Printer):
    @_guard
    def to_string(self):
        count, stack = 0, [int(self.value["root"])]
        while stack and count < 10000:
            node = stack.pop()
            if node:
                count += 1
                stack += [kernel.u64(node + 8), kernel.u64(node + 16)]
        return f"treap of {count}"


class ThreadPointer(_Printer):
    def to_string(self):
        address = int(self.value)
        if not address:
            return "NULL"
        try:
            return f"{address:#x} thread {kernel.thread_at(address)}"
        except (gdb.error, gdb.GdbError):
            return f"{address:#x}"


class ProcessPointer(_Printer):
    def to_string(self):
        address = int(self.value)
        if not address:
            return "NULL"
        try:
            p = kernel.at(address, "struct process")
            return f"{address:#x} process {int(p['pid'])} ({kernel.executable_of(p) or 'no program'})"
        except (gdb.error, gdb.GdbError):
            return f"{address:#x}"


STRUCTURES = {"mutex": Mutex, "rwlock": RwLock, "spinlock": Spinlock, "list": List,
              "cpumask": CpuMask, "wait_queue": WaitQueue, "refcount": Refcount, "treap": Treap}
POINTERS = {"thread": ThreadPointer, "process": ProcessPointer}


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("heddle")

    def __call__(self, value):
        kind = value.type.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_STRUCT and kind.name in STRUCTURES \
                and _is_kernels(kind, kind.name):
            return STRUCTURES[kind.name](value)
        if kind.code == gdb.TYPE_CODE_PTR:
            target = kind.target().unqualified().strip_typedefs()
            if target.code == gdb.TYPE_CODE_STRUCT and target.name in POINTERS \
                    and _is_kernels(target, target.name):
                return POINTERS[target.name](value)
        return None


def _is_kernels(kind, name):
    """A program may have a structure of the same name: its members are others."""
    ours = kernel._types.get(f"struct {name}")
    return ours is not None and [f.name for f in ours.fields()] == [f.name for f in kind.fields()]


if kernel.OBJFILE:
    gdb.printing.register_pretty_printer(kernel.OBJFILE, Printers(), replace=True)
