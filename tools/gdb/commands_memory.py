# SPDX-License-Identifier: MIT
"""Commands that show address spaces, page tables, frames and slabs."""
import gdb

import kernel
import memory
import syscalls
import waits
from kernel import Command, Failure, find_process, table

USES = ("free", "reserved", "kernel", "slab", "page table", "kernel stack", "anonymous", "object",
        "file", "pipe")
REGION_VDSO = 8  # kernel/linux/vdso_region.h
O_FLAGS = ((0o2000, "append"), (0o4000, "nonblock"))


def address(word):
    """A number or an expression, as a 64-bit address; of a function or a variable, its own."""
    try:
        value = gdb.parse_and_eval(word)
        if value.type.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_ARRAY):
            value = value.address
        return int(value) & (1 << 64) - 1
    except gdb.error as error:
        raise Failure(f"{word}: {error}") from None


def root_of(word):
    """The root of a process, or of the selected CPU."""
    if word is None:
        return memory.root_in_use()
    return int(kernel.space_of(find_process(word))["pmap"]["root"])


def frame_words(physical):
    page = memory.frame_struct(physical)
    if page is None:
        return "no RAM"
    use = int(page["use"])
    return (f"{USES[use] if use < len(USES) else use}, "
            + kernel.count_words(int(page["refs"]), "reference"))


def region_of(space, va):
    for r in kernel.tree_of(int(space["regions"]["root"]), "struct region", "node"):
        if int(r["start"]) <= va < int(r["end"]):
            return r
    return None


def prot_words(r):
    return "".join(c if int(r["prot"]) >> i & 1 else "-" for i, c in enumerate("rwx"))


class Pt(Command):
    """heddle-pt ADDR [P]: walk the page tables for an address, level by level, flags in words.

Of process P, or of whatever the selected CPU has in CR3."""
    name, usage = "pt", "ADDR [P]"

    def run(self, arguments):
        va = address(arguments[0])
        root = root_of(arguments[1] if len(arguments) > 1 else None)
        if va >> 47 not in (0, (1 << 17) - 1):
            raise Failure(f"{va:#x} is not canonical: bits 63 to 47 must be alike")
        steps, physical = memory.walk(root, va)
        print(f"{va:#x} by the root {root:#x}")
        for level, shift, index, where, entry in steps:
            leaf = 1 << shift if (level, shift, index, where, entry) == steps[-1] else 0
            print(f"  {level:<4} [{index:>3}] at {where:#x}: {entry:#018x}  "
                  f"{memory.words(entry, leaf)}")
        if physical is None:
            print("  not mapped")
        else:
            print(f"  physical {physical:#x}, frame {physical >> 12:#x}: {frame_words(physical)}")


class Same(Command):
    """heddle-same ADDR P1 P2: one virtual address in two processes: the same frame, or two?"""
    name, usage = "same", "ADDR P1 P2"

    def run(self, arguments):
        va = address(arguments[0])
        found, regions = [], []
        for process in [find_process(word) for word in arguments[1:]]:
            space = kernel.space_of(process)
            root, pid = int(space["pmap"]["root"]), int(process["pid"])
            steps, physical = memory.walk(root, va)
            found.append(physical)
            regions.append(region_of(space, va))
            if physical is None:
                print(f"process {pid}, root {root:#x}: {va:#x} is not mapped")
                continue
            entry = steps[-1][4]
            content = int.from_bytes(memory.read_physical(physical & ~7, 8), "little")
            print(f"process {pid}, root {root:#x}: {va:#x} is physical {physical:#x} "
                  f"({memory.words(entry)}; {frame_words(physical)}), contains {content:#x}")
        if None in found:
            return
        print("two frames: the same address means two places" if found[0] != found[1] else
              "the same frame: " + self.sharing(regions))

    @staticmethod
    def sharing(regions):
        """What a write would do."""
        if None in regions:
            return "of the kernel, which all have in common"
        if not any(int(r["prot"]) & 2 for r in regions):
            return "neither may write to it"
        return ("what one writes, the other sees" if all(r["shared"] for r in regions) else
                "until one of them writes: it gets a copy then")


class Vm(Command):
    """heddle-vm P: the regions of a process's address space, and how much of each has frames."""
    name, usage = "vm", "P"

    def run(self, arguments):
        process = find_process(arguments[0])
        space = kernel.space_of(process)
        root = int(space["pmap"]["root"])
        print(f"process {int(process['pid'])} ({kernel.executable_of(process)}): root {root:#x}, "
              f"{int(space['pmap']['table_frames'])} page tables, "
              f"{int(space['region_count'])} regions; "
              + kernel.count_words(int(space["refs"]["count"]), "process uses", "processes use")
              + " it")
        rows = [("START", "END", "PROT", "PAGES", "PRESENT", "WHAT")]
        for r in kernel.tree_of(int(space["regions"]["root"]), "struct region", "node"):
            start, end = int(r["start"]), int(r["end"])
            rows.append((f"{start:#x}", f"{end:#x}", prot_words(r) + ("s" if r["shared"] else "p"),
                         (end - start) >> 12, self.present(root, start, end), self.what(r)))
        table(rows, right=(3, 4))

    @staticmethod
    def what(r):
        if int(r["file"]):
            return waits.file_words(kernel.at(int(r["file"]), "struct file"))
        if r["is_heap"]:
            return "[heap]"
        if r["is_stack"]:
            return "[stack]"
        if int(r["advice"]) & REGION_VDSO:
            return "[vdso]"  # with the page of its data, [vvar]
        return "shared memory" if int(r["object"]) else "anonymous"

    @staticmethod
    def present(root, start, end):
        """Pages with a frame; tables that are not there are passed over."""
        count, at = 0, start
        while at < end:
            steps, _ = memory.walk(root, at)
            level, shift, index, where, entry = steps[-1]
            span = 1 << shift
            if level != "PT":
                at = (at | span - 1) + 1
                continue
            last = min(end, (at | (1 << 21) - 1) + 1)
            raw = memory.read_physical(where, (last - at >> 12) * 8)
            count += sum(raw[i] & 1 for i in range(0, len(raw), 8))
            at = last
        return count


class Fds(Command):
    """heddle-fds P: the open files of a process."""
    name, usage = "fds", "P"

    def run(self, arguments):
        process = find_process(arguments[0])
        rows = [("FD", "MODE", "POSITION", "REFS", "FLAGS", "FILE")]
        for fd, f, close in waits.files_of(process):
            flags = int(f["flags"])
            words = [w for bit, w in O_FLAGS if flags & bit] + (["close-on-exec"] if close else [])
            refs = f["refs"]
            rows.append((fd, ("r", "w", "rw", "?")[flags & 3], int(f["position"]),
                         int(refs[refs.type.fields()[0].name]), " ".join(words),
                         waits.file_words(f)))
        if len(rows) == 1:
            print(f"process {int(process['pid'])} has no open files")
        else:
            table(rows, right=(0, 2, 3))


class Slab(Command):
    """heddle-slab: the caches of the slab allocator."""
    name = "slab"

    def run(self, arguments):
        caches = kernel.variable("slab_caches")
        rows = [("CACHE", "IN USE", "ROOM FOR", "BYTES EACH", "FRAMES")]
        for i in range(int(kernel.variable("slab_cache_count"))):
            c = caches[i]
            rows.append((kernel.text(c["name"]), int(c["in_use"]),
                         int(c["slabs"]) * int(c["objects_per_slab"]), int(c["size"]),
                         int(c["slabs"])))
        table(rows, right=(1, 2, 3, 4))


class Pages(Command):
    """heddle-pages [ADDR]: what all frames are used for; or what one (physical) frame is for."""
    name, usage = "pages", "[ADDR]"

    def run(self, arguments):
        if arguments:
            physical = address(arguments[0])
            if physical >= memory.direct_map():
                physical -= memory.direct_map()
            page = memory.frame_struct(physical)
            if page is None:
                raise Failure(f"{physical:#x} is beyond the end of RAM")
            print(f"frame {physical >> 12:#x}: {frame_words(physical)}, "
                  f"order {int(page['order'])}, struct page at {int(page.address):#x}")
            return
        used, cached = [0] * len(USES), 0
        for cpu in kernel.scheduled_cpus():
            p = kernel.per_cpu("page_cpu", cpu, "mem/page.c")
            cached += int(p["count"])
            for i in range(len(USES)):
                used[i] += int(p["used"][i])
        total = int(kernel.variable("total_frames"))
        free = int(kernel.variable("free_frames"))
        used[0], used[1] = free + cached, int(kernel.variable("reserved_frames"))
        rows = [("USE", "FRAMES", "MIB")]
        rows += [(USES[i], n, f"{n / 256:.1f}") for i, n in enumerate(used)]
        table(rows, right=(1, 2))
        print(f"{total} frames managed; of the free ones {cached} wait in the CPUs' caches")
        blocks = kernel.variable("free_blocks")
        counts = []
        for order in range(blocks.type.range()[1] + 1):
            counts.append(f"{1 << order + 2}K:"
                          f"{sum(1 for _ in kernel.list_of(blocks[order], 'struct page', 'link'))}")
        print("free blocks: " + "  ".join(counts))


class Fault(Command):
    """heddle-fault [T]: the last fault in words: what was touched, how, and what lies there.

Of the kernel's panic, if it stopped; of the trap that the selected CPU is in; else the last fault of
user mode, of thread T or of the current one."""
    name, usage = "fault", "[T]"

    def run(self, arguments):
        if not arguments and self.kernel_stopped():
            return
        t = kernel.find_thread(arguments[0] if arguments else ".")
        if not arguments and self.trap_now(t):
            return
        vector, error, address = (int(t["arch"][name]) for name in
                                  ("fault_vector", "fault_error", "fault_address"))
        if not vector and not error and not address:
            print(f"thread {t} has had no fault in user mode")
            return
        self.say(t, vector, error, address, None)

    def kernel_stopped(self):
        if not int(kernel.variable("panic_in_progress")):
            return False
        for cpu in kernel.scheduled_cpus():
            frame = int(kernel.per_cpu("panic_frame", cpu, "stop.c"))
            if frame:
                f = kernel.at(frame, "struct trap_frame")
                print(f"the kernel stopped on CPU {cpu}")
                self.say(kernel.running(cpu), int(f["vector"]), int(f["error"]),
                         kernel.register_u64("cr2"), f)
                return True
        print("the kernel stopped by its own check, not by a fault: heddle-bt shows where")
        return True

    def trap_now(self, t):
        """The innermost trap frame below which this CPU works, if it is an exception's."""
        frame, count = gdb.newest_frame(), 0
        while frame is not None and count < 40:
            if frame.name() == "trap_dispatch" and frame.older() is not None:
                # At the call of trap_dispatch() it lies at the stack pointer.
                f = kernel.at(int(frame.older().read_register("rsp")), "struct trap_frame")
                if int(f["vector"]) < 32:
                    self.say(t, int(f["vector"]), int(f["error"]), kernel.register_u64("cr2"), f)
                    return True
            frame, count = frame.older(), count + 1
        return False

    @staticmethod
    def say(t, vector, error, va, frame):
        print(f"thread {t}: {syscalls.vector_words(vector)}"
              + (f" at rip {int(frame['rip']):#x}" if frame is not None else ""))
        if vector != 14:
            if error:
                print(f"  error code {error:#x}")
            return
        print(f"  {syscalls.page_fault_words(error, va)}")
        process = kernel.process_of(t)
        if process is None or not int(process["space"]):
            return
        space = kernel.space_of(process)
        r = region_of(space, va)
        if r is not None:
            print(f"  in the region {int(r['start']):#x} to {int(r['end']):#x} {prot_words(r)} "
                  f"({Vm.what(r)})")
        elif va < memory.user_max():
            regions = list(kernel.tree_of(int(space["regions"]["root"]), "struct region", "node"))
            near = [f"{int(b['end']):#x} is the end of {Vm.what(b)}"
                    for b in [b for b in regions if int(b["end"]) <= va][-1:]]
            near += [f"{int(a['start']):#x} the start of {Vm.what(a)}"
                     for a in [a for a in regions if int(a["start"]) > va][:1]]
            print("  in no region" + (": " + ", ".join(near) if near else ""))
        if va >> 47 in (0, (1 << 17) - 1):
            entry = memory.walk(int(space["pmap"]["root"]), va)[0][-1]
            print(f"  page tables now: {entry[0]} entry {entry[4]:#x}, {memory.words(entry[4])}")


for command in (Pt, Same, Vm, Fds, Slab, Pages, Fault):
    command()
