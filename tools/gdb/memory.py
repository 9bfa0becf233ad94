# SPDX-License-Identifier: MIT
"""Memory of any address space: page tables by the direct map, and gdb's own reads by another root.

The stub translates addresses with the CR3 of the selected CPU.  To let gdb itself unwind and print
in another address space, that register is exchanged while the machine stands still; it is put back
before anything runs (resume.py)."""
import contextlib

import gdb

import kernel
from kernel import Failure, constant

PTE_ADDRESS = 0x000ffffffffff000
PTE_PRESENT, PTE_LARGE = 1, 1 << 7
FLAGS = ((0, "present"), (1, "writable"), (2, "user"), (3, "write-through"), (4, "uncached"),
         (5, "accessed"), (6, "dirty"), (8, "global"), (63, "no-execute"))
LEVELS = (("PML4", 39), ("PDPT", 30), ("PD", 21), ("PT", 12))

_lent = {}  # gdb's thread number: the root that its CPU really has


def user_max():
    """One past the last address of user mode."""
    return constant("USER_MAX")


def direct_map():
    """Where the kernel maps physical address 0."""
    return constant("DIRECT_MAP_BASE")


def read_physical(address, size):
    try:
        return gdb.selected_inferior().read_memory(direct_map() + address, size).tobytes()
    except gdb.MemoryError:
        raise Failure(f"no RAM at physical address {address:#x}") from None


def words(entry, leaf_size=0):
    """The flags of an entry in words."""
    if not entry & PTE_PRESENT:
        return "not present" + (f", but names frame {entry & PTE_ADDRESS:#x}"
                                if entry & PTE_ADDRESS else "")
    said = [word for bit, word in FLAGS if entry >> bit & 1]
    if not entry & 2:
        said.insert(1, "read-only")
    if not entry & 4:
        said.insert(2, "kernel only")
    if leaf_size > 4096:
        said.append(f"{leaf_size >> 20} MiB page" if leaf_size < 1 << 30 else "1 GiB page")
    return ", ".join(said)


def walk(root, address):
    """[(level, index, entry's physical address, entry)], down to the last that exists; and the
    physical address, or None."""
    steps, table = [], root & PTE_ADDRESS
    for level, shift in LEVELS:
        index = address >> shift & 511
        where = table + index * 8
        entry = int.from_bytes(read_physical(where, 8), "little")
        steps.append((level, shift, index, where, entry))
        if not entry & PTE_PRESENT:
            return steps, None
        if level == "PT" or (level in ("PD", "PDPT") and entry & PTE_LARGE):
            mask = (1 << shift) - 1
            return steps, (entry & PTE_ADDRESS & ~mask) | (address & mask)
        table = entry & PTE_ADDRESS
    return steps, None


def read_user(root, address, size):
    """Bytes of an address space; a failure names the first that is not there."""
    data = b""
    while len(data) < size:
        where = address + len(data)
        physical = walk(root, where)[1]
        if physical is None:
            raise Failure(f"nothing is mapped at {where:#x}")
        data += read_physical(physical, min(size - len(data), 4096 - where % 4096))
    return data


def read_user_u32(root, address):
    return int.from_bytes(read_user(root, address, 4), "little")


def frame_struct(physical):
    """struct page of a frame, or None."""
    frame = physical >> 12
    if frame >= int(kernel.variable("page_array_frames")):
        return None
    base = int(kernel.variable("page_array"))
    return kernel.at(base + frame * kernel.ctype("struct page").sizeof, "struct page")


def root_in_use():
    """CR3 of the selected CPU as the machine has it."""
    thread = gdb.selected_thread().num
    return _lent.get(thread, kernel.register_u64("cr3")) & PTE_ADDRESS


# --- CR3 ------------------------------------------------------------------------------------------

def _cr3_number():
    for line in gdb.execute("maint print remote-registers", to_string=True).splitlines():
        fields = line.split()
        if fields and fields[0] == "cr3":
            return int(fields[6])
    raise Failure("this gdb server has no CR3")


def _write_cr3(value):
    # The register's type is of flags, which gdb does not assign to: so by the protocol itself.
    kernel.register_u64("rip")  # let the stub have this CPU selected
    connection = gdb.selected_inferior().connection
    packet = f"P{_cr3_number():x}=" + value.to_bytes(8, "little").hex()
    if connection.send_packet(packet) != b"OK":
        raise Failure("the gdb server does not let CR3 be written")
    gdb.execute("maint flush register-cache", to_string=True)


def borrow_root(root):
    """Let gdb see user memory by this root, on the selected CPU, until give_back()."""
    thread = gdb.selected_thread().num
    now = kernel.register_u64("cr3")
    if root and now & PTE_ADDRESS != root:
        _write_cr3(root)
        _lent.setdefault(thread, now)


def give_back():
    """Every CPU has its own root again."""
    if not _lent:
        return
    selected = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        if thread.num in _lent:
            thread.switch()
            _write_cr3(_lent.pop(thread.num))
    _lent.clear()
    if selected:
        selected.switch()


@contextlib.contextmanager
def seen_by(root):
    """For one command: gdb's reads go through this root."""
    thread = gdb.selected_thread()
    before = kernel.register_u64("cr3")
    change = bool(root) and before & PTE_ADDRESS != root
    if change:
        _write_cr3(root)
    try:
        yield
    finally:
        if change:
            thread.switch()
            _write_cr3(before)
