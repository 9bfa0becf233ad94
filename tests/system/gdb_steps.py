# SPDX-License-Identifier: MIT
"""Steps through the kernel's assembly one instruction at a time and looks at the whole backtrace at
each.  Run inside gdb by tests/system/test_backtrace.py; prints lines `ok WHAT NUMBER`, and which
instructions of each function it never saw."""
import collections
import json
import os
import pathlib
import sys
import time

import gdb

SETTINGS = json.loads(os.environ["HEDDLE_TEST"])
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools/gdb"))
from elf import Program  # noqa: E402

# Where a chain of frames may end in the kernel: nobody called these.
OUTERMOST = {"thread_entry", "boot_high", "trampoline_high"}
NMI, DOUBLE_FAULT, MACHINE_CHECK = 2, 8, 18
WITH_ERROR_CODE = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30}
VECTORS = [v for v in range(256) if v not in (NMI, DOUBLE_FAULT, MACHINE_CHECK)]
ENOUGH = 4  # traps at one place, so that rare ones come as well
FRAMES_MAX = 60

elf = Program(SETTINGS["kernel"])


class NotOk(Exception):
    pass


def register(name):
    return int(gdb.selected_frame().read_register(name)) & (1 << 64) - 1


def word(at):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(at, 8)), "little")


class Function:
    """A function in assembly: its instructions, and which of them were seen."""

    def __init__(self, name, start=None, end=None):
        self.name = name
        self.start, self.end, _ = (start, end, name) if start else \
            elf.function_at(elf.by_name[name])
        code = gdb.selected_inferior().architecture().disassemble(self.start, self.end - 1)
        self.text = {i["addr"]: i["asm"] for i in code}
        self.seen = set()

    def complete(self):
        return self.seen.issuperset(self.text)

    def find(self, words):
        return [at for at, asm in self.text.items() if asm.startswith(words)]

    def after(self, words):
        addresses = sorted(self.text)
        return [addresses[addresses.index(at) + 1] for at in self.find(words)
                if at != addresses[-1]]


class Walker:
    def __init__(self):
        gdb.execute("set architecture i386:x86-64", to_string=True)
        names = ["context_switch", "thread_entry", "entry_syscall", "entry_user_return",
                 "return_to_user", "fault_common", "interrupt_common", "debug_common",
                 "paranoid_common"]
        self.functions = {name: Function(name) for name in names}
        self.stubs = elf.by_name["entry_stubs"]
        for vector in (*VECTORS, NMI):
            at = self.stubs + 16 * vector
            end, = Function("", at, at + 16).find("jmp")
            self.functions[f"stub_{vector}"] = Function(f"stub_{vector}", at, end + 1)
        self.by_address = {at: f for f in self.functions.values() for at in f.text}
        self.back = {at for f in self.functions.values()
                     for at in f.find("iretq") + f.find("sysretq")}
        self.swapped, = self.functions["context_switch"].after("mov    %rsi,%rsp")
        self.counts = collections.Counter()
        self.began = time.monotonic()
        self.sleeping = {}  # saved stack pointer: who called context_switch()

    def walk(self):
        """The program counters of all frames, up to user code or to where a thread began."""
        frame, inner, pcs = gdb.newest_frame(), None, []
        while True:
            pc, name = frame.pc(), frame.name()
            pcs.append(pc)
            # What a signal handler wrote into its frame can be any address.
            if inner is not None and inner.type() == gdb.SIGTRAMP_FRAME and not name:
                return pcs
            if inner is None and register("cs") & 3:  # perhaps at an address that cannot be
                return pcs
            if name is None:
                raise NotOk(f"?? at {pc:#x}")
            older = frame.older()
            if older is None:
                if name not in OUTERMOST:
                    why = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
                    raise NotOk(f"it ends in {name} ({why})")
                return pcs
            if len(pcs) > FRAMES_MAX:
                raise NotOk("it has no end")
            frame, inner = older, frame

    def look(self, pc):
        self.counts["instructions"] += 1
        if self.counts["instructions"] % 200 == 0:
            print("progress", self.counts["instructions"], flush=True)
        function = self.by_address.get(pc)
        if function:
            function.seen.add(pc)
        return self.walk()

    def step(self):
        gdb.execute("stepi", to_string=True)
        return register("rip")

    def through(self, caller=None, skip_to=None):
        """Up to the first instruction outside of the assembly: the chains of frames on the way and
        after it.  `caller`: what the second frame must be all the way.  `skip_to`: leave the call
        that comes before it out, and end where IRET leads."""
        pc, chains = register("rip"), []
        while pc in self.by_address:
            chain = self.look(pc)
            if caller is not None and chain[1:2] != [caller]:
                raise NotOk(f"called from {chain[1:2]} and not from {caller:#x}")
            chains.append(chain)
            if skip_to and self.by_address[pc].text[pc].startswith("call"):
                pc = skip_to
                gdb.execute(f"set $rip = {pc}")
                continue
            stack = None
            if pc in self.back:
                stack = int(gdb.newest_frame().older().read_register("rsp")) & (1 << 64) - 1
            last, pc = pc, self.step()
            if skip_to and last in self.back:
                break
        chain = self.look(pc)
        # The way out leads to where the second frame said, and to its stack.
        if last in self.back and (chains[-1][1:], stack) != (chain, register("rsp")):
            raise NotOk(f"{chains[-1]}, stack {stack:#x}, became {chain}, {register('rsp'):#x}")
        return chains, chain

    # ---- One of each ------------------------------------------------------------------------------

    def at_switch(self):
        """The callers change once, at the change of stacks, to what they were when that thread was
        switched from."""
        old_stack, new_stack = register("rsp") - 6 * 8, register("rsi")  # below six registers
        inside = self.functions["context_switch"].text
        chains = [chain for chain in self.through()[0] if chain[0] in inside]
        for chain in chains:
            if chain[1:] != chains[0 if chain[0] < self.swapped else -1][1:]:
                raise NotOk(f"on one stack, two callers: {chain[1:]}")
        known = self.sleeping.pop(new_stack, None)
        if known is not None:
            self.counts["switches back"] += 1
            if known != chains[-1][1:]:
                raise NotOk(f"it called from {known} and returns to {chains[-1][1:]}")
        self.sleeping[old_stack] = chains[0][1:]

    def at_syscall(self):
        self.through(caller=register("rcx"))

    def at_stub(self, skip_to=None):
        pc = register("rip")
        vector = (pc - self.stubs) // 16
        sp = register("rsp") + (8 if vector in WITH_ERROR_CODE else 0)
        ring = "user" if word(sp + 8) & 3 else "kernel"
        self.counts[f"vector {vector}"] += 1
        self.counts[f"traps of {ring}"] += 1
        self.through(caller=None if skip_to else word(sp), skip_to=skip_to)

    # ---- Phases ------------------------------------------------------------------------------------

    def stop_at(self, addresses, kind, action):
        for at in addresses:
            self.stops[at] = gdb.Breakpoint(f"*{at:#x}"), kind, action

    def entries(self, *names):
        """Where C comes back to assembly."""
        return [at for name in names for at in self.functions[name].after("call")]

    def go_on(self):
        gdb.execute("continue", to_string=True)
        pc = register("rip")
        if pc not in self.stops:
            raise NotOk(f"stopped at {pc:#x}, where nobody asked for it")
        breakpoint, kind, action = self.stops[pc]
        action()
        self.counts[kind] += 1
        if action == self.rare and breakpoint.hit_count >= ENOUGH:
            breakpoint.enabled = False

    def phase(self, prepare, enough):
        self.stops, self.rare = {}, None
        prepare()
        while not enough():
            self.go_on()
        for breakpoint, _, _ in self.stops.values():
            breakpoint.delete()
        print(f"{time.monotonic() - self.began:.1f} s: {prepare.__name__}", flush=True)

    def switches(self):
        self.stop_at([self.functions["context_switch"].start], "switches", self.at_switch)
        # context_switch() "returns" behind the nop.
        self.stop_at([self.functions["thread_entry"].start + 1,
                      *self.entries("thread_entry", "entry_user_return")], "first steps",
                     self.through)

    def syscalls(self):
        """Then only those that are not plain calls: their part is behind SYSRET."""
        entry = self.functions["entry_syscall"]
        back = self.entries("entry_syscall")
        usual = [entry.start, back[0]]

        def at_syscall():
            self.at_syscall()
            for at in usual if self.counts["system calls"] + 1 >= SETTINGS["syscalls"] else ():
                self.stops[at][0].enabled = False

        self.stop_at([entry.start], "system calls", at_syscall)
        self.stop_at([*back, *entry.after("sysretq")], "returns", self.through)
        # Behind SYSRET: numbers of no call; behind their jump: calls that are not plain.
        self.stop_at(entry.after("jmp")[:1], "returns", self.through)

    def traps(self):
        back = self.entries("interrupt_common")

        def go_back():
            self.through()
            if self.functions["interrupt_common"].complete():
                for at in back:
                    self.stops[at][0].enabled = False

        def spoil():
            """IRET itself faults: the code segment that it is to load cannot be.  The thread gets
            a signal, so it must not be one that the others need, nor one that catches it."""
            name = gdb.parse_and_eval("((struct cpu *)$gs_base)->current->name").string()
            if name != "cat":
                return
            at = register("rsp") + int(gdb.parse_and_eval("&((struct trap_frame *)0)->cs"))
            gdb.selected_inferior().write_memory(at, b"\xff\xff")
            self.stops[self.functions["return_to_user"].start][0].enabled = False
            self.counts["faults of IRET"] += 1
            self.through()

        self.rare = self.at_stub
        self.stop_at([self.stubs + 16 * v for v in VECTORS], "traps", self.at_stub)
        self.stop_at(back, "returns", go_back)
        self.stop_at([self.functions["return_to_user"].start], "returns", spoil)

    def nmis(self):
        """Between instructions of the system-call entry and in user mode; the kernel would stop at the first,
        so the call of C is left out."""
        back, = self.entries("paranoid_common")

        def nmi():
            self.at_stub(skip_to=back)
            # None is left over for the next phase.
            if self.counts["NMIs"] % 10 < 9 and self.counts["NMIs"] + 1 < SETTINGS["nmis"]:
                gdb.execute("monitor nmi", to_string=True)

        def first():
            gdb.execute("monitor nmi", to_string=True)

        self.stop_at([self.stubs + 16 * NMI], "NMIs", nmi)
        # gdb makes one step from a breakpoint before the NMI can come: to user mode, in one case.
        entry = self.functions["entry_syscall"]
        self.stop_at([entry.start, *entry.find("sysretq")], "places for NMIs", first)

    def one_after_the_other(self):
        """With interrupts and timers on while stepping: into whatever comes, C too.  From a switch on:
        where IRET faulted the kernel moves the frame, and in between there is none."""
        gdb.Breakpoint("context_switch", temporary=True)
        gdb.execute("continue", to_string=True)
        gdb.execute("maint packet Qqemu.sstep=0x1", to_string=True)
        for _ in range(SETTINGS["any"]):
            self.look(self.step())
        self.counts["any instruction"] = SETTINGS["any"]

    def run(self):
        f = self.functions
        new = f["thread_entry"], f["entry_user_return"]
        self.phase(self.switches, lambda: self.counts["switches"] >= SETTINGS["switches"] and
                   len(new[0].seen) + 1 == len(new[0].text) and new[1].complete())
        self.phase(self.syscalls, lambda: self.counts["system calls"] >= SETTINGS["syscalls"] and
                   f["entry_syscall"].complete())
        if SETTINGS["nmis"]:
            self.phase(self.nmis, lambda: self.counts["NMIs"] >= SETTINGS["nmis"])
        wanted = [f[name] for name in
                  ("interrupt_common", "fault_common", "debug_common", "return_to_user")]
        self.phase(self.traps, lambda: all(w.complete() for w in wanted))
        self.one_after_the_other()

    def report(self):
        for what, number in sorted(self.counts.items()):
            print(f"ok {what.replace(' ', '_')} {number}")
        for f in self.functions.values():
            if f.seen:
                missing = [f"+{at - f.start}" for at in f.text if at not in f.seen]
                print(f"ok {f.name} {len(f.seen)} of {len(f.text)} without {' '.join(missing)}")
        print("ok places", sum(len(f.seen) for f in self.functions.values()))


def main():
    for words in ("pagination off", "confirm off", "suppress-cli-notifications on",
                  "breakpoint always-inserted on", "remotetimeout 120"):
        gdb.execute("set " + words)
    gdb.execute("maint set target-async off")
    walker = Walker()
    gdb.execute("target remote | " + SETTINGS["qemu"], to_string=True)
    gdb.execute("set scheduler-locking step")
    try:
        walker.run()
        walker.report()
        print("ok end 1")
    except (NotOk, gdb.error) as error:
        print("not ok:", error)
        for words in ("x/i $pc", "bt 20"):
            try:
                gdb.execute(words)
            except gdb.error as gone:
                print(gone)
    try:
        gdb.execute("kill", to_string=True)
    except gdb.error:
        pass  # QEMU closes the line before it answers


main()
