# SPDX-License-Identifier: MIT
"""Stacks of threads that have no CPU, and of functions without call-frame information.

A sleeping thread is a stack pointer: context_switch() left seven words there.  While one is being
looked at, the selected CPU's own innermost frame (#0) "was called" from there, so that gdb unwinds
the thread from frame 1 on, all the way into its program, without a register being touched.

musl is built without call-frame information.  Its functions keep to a plain discipline of the stack
pointer, so the depth of the stack at an instruction is found by following the instructions before."""
import contextlib
import re

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder, register_unwinder

import kernel
import memory
import resume
import user_symbols

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
OUTERMOST = ("_start", "_start_c", "__clone", "clone")


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


def _word(value):
    return gdb.Value(value & (1 << 64) - 1).cast(kernel.ctype("unsigned long"))


class SleepingThread(Unwinder):
    def __init__(self):
        super().__init__("heddle-sleeping-thread")
        self.thread = self.at = self.registers = None

    def arm(self, t):
        f = t.switch_frame
        self.registers = {r: int(f[r]) for r in CALLEE_SAVED}
        self.registers["rip"] = int(f["rip"])
        frame = kernel.ctype("struct switch_frame")
        self.registers["rsp"] = int(t["arch"]["saved_sp"]) + frame.sizeof
        self.registers["fs_base"] = int(t["arch"]["fs_base"])
        self.thread = None
        self.at = (gdb.selected_thread().num, kernel.register_u64("rip"),
                   kernel.register_u64("rsp"))
        self.thread = t
        flush()

    def disarm(self):
        if self.thread:
            self.thread = self.at = None
            flush()

    def __call__(self, pending):
        if not self.thread or gdb.selected_thread().num != self.at[0]:
            return None
        pc, sp = (int(pending.read_register(r)) & (1 << 64) - 1 for r in ("rip", "rsp"))
        if pc == kernel.address_of("thread_entry"):  # it never ran: nobody called this
            info = pending.create_unwind_info(FrameId(_word(sp), _word(pc)))
            info.add_saved_register("rip", _word(0))
            info.add_saved_register("rsp", _word(sp))
            return info
        if (pc, sp) != self.at[1:]:
            return None
        # Deeper than any stack, so that no frame of the thread seems to lie below it.
        info = pending.create_unwind_info(FrameId(_word(16), _word(pc)))
        for name, value in self.registers.items():
            info.add_saved_register(name, _word(value))
        return info


class StackDepth:
    """Of one function: what lies between the stack pointer and the caller's, at each instruction."""

    def __init__(self, start, end):
        self.states = {}
        self.code = {i["addr"]: i for i in
                     gdb.selected_inferior().architecture().disassemble(start, end - 1)} \
            if hasattr(gdb.selected_inferior(), "architecture") else {}
        self.follow(start, end)

    def follow(self, start, end):
        work = [(start, (8, None, ()))]
        while work:
            pc, state = work.pop()
            while pc in self.code and pc not in self.states:
                self.states[pc] = state
                instruction = self.code[pc]
                state, target, ends = self.step(instruction["asm"], state)
                if target is not None and start <= target < end:
                    work.append((target, state))
                pc += instruction["length"]
                if ends:
                    break

    @staticmethod
    def step(asm, state):
        """(state after, where it may jump, does it not go on)."""
        depth, frame, saved = state
        asm = re.sub(r"^(cs |ds |lock |rep |repz |bnd )+", "", asm.strip())
        mnemonic, _, operands = asm.partition(" ")
        operands = operands.strip()
        if mnemonic == "push":
            depth += 8
            register = operands.lstrip("%")
            if register in CALLEE_SAVED and register not in dict(saved):
                saved += ((register, depth),)
        elif mnemonic == "pop":
            saved = tuple(s for s in saved if s != (operands.lstrip("%"), depth))
            depth -= 8
        elif mnemonic in ("sub", "add") and operands.endswith(",%rsp"):
            match = re.match(r"\$(-?0x[0-9a-f]+)", operands)
            if match:
                n = int(match[1], 16)
                n -= (1 << 64) if n >> 63 else 0
                depth += n if mnemonic == "sub" else -n
        elif mnemonic == "lea" and operands.endswith("(%rsp),%rsp"):
            depth -= int(operands.split("(")[0] or "0", 16)
        elif mnemonic == "mov" and operands == "%rsp,%rbp":
            frame = depth
        elif mnemonic == "mov" and operands == "%rbp,%rsp" and frame:
            depth = frame
        elif mnemonic == "and" and operands.endswith(",%rsp"):
            depth = 0  # only %rbp tells from here on
        elif mnemonic == "leave" and frame:
            depth = frame - 8
        elif mnemonic in ("ret", "retq", "hlt", "ud2"):
            return state, None, True
        elif mnemonic.startswith("j"):
            match = re.match(r"0x[0-9a-f]+", operands)
            return state, int(match[0], 16) if match else None, mnemonic in ("jmp", "jmpq")
        return (depth, frame, saved), None, False

    def at(self, pc):
        """What no jump that can be seen leads to is taken to be like what stands before it."""
        best = max((a for a in self.states if a <= pc), default=None)
        return self.states.get(best)


class PlainFunction(Unwinder):
    def __init__(self):
        super().__init__("heddle-no-call-frame-information")
        self.known = {}

    def __call__(self, pending):
        pc = int(pending.read_register("rip")) & (1 << 64) - 1
        if pc >= memory.user_max() or not user_symbols.loaded():
            return None
        file, bias = user_symbols.loaded()
        program = user_symbols.elf.program(file)
        function = program.function_at(pc - bias) or program.function_at(pc - 1 - bias)
        if not function or gdb.current_progspace().block_for_pc(pc):
            return None
        start, end, name = function
        rsp = int(pending.read_register("rsp")) & (1 << 64) - 1
        try:
            return self.unwind(pending, file, start + bias, end + bias, name, pc, rsp)
        except (gdb.MemoryError, gdb.error):
            return None

    def unwind(self, pending, file, start, end, name, pc, rsp):
        if name in OUTERMOST:
            info = pending.create_unwind_info(FrameId(_word(rsp), _word(start)))
            info.add_saved_register("rip", _word(0))
            info.add_saved_register("rsp", _word(rsp))
            return info
        key = file, start
        if key not in self.known:
            self.known[key] = StackDepth(start, end)
        state = self.known[key].at(pc)
        if not state:
            return None
        depth, frame, saved = state
        if depth > 0:
            cfa = rsp + depth
        elif frame:
            cfa = int(pending.read_register("rbp")) + frame
        else:
            return None
        info = pending.create_unwind_info(FrameId(_word(cfa), _word(start)))
        places = dict(saved)
        for register in CALLEE_SAVED:
            value = kernel.u64(cfa - places[register]) if register in places \
                else int(pending.read_register(register))
            info.add_saved_register(register, _word(value))
        info.add_saved_register("rip", _word(kernel.u64(cfa - 8)))
        info.add_saved_register("rsp", _word(cfa))
        info.add_saved_register("fs_base", _word(int(pending.read_register("fs_base"))))
        return info


class Entry(FrameDecorator):
    """The kernel's entries have names; to gdb they are all signal handlers."""

    def function(self):
        frame = self.inferior_frame()
        if frame.type() == gdb.SIGTRAMP_FRAME and frame.pc() >> 63:
            return kernel.symbol_at(frame.pc()).split("+")[0]
        return super().function()


class Frames:
    """`bt`, without the frame at address 0 that gdb makes below a thread's first function."""
    name, enabled, priority = "heddle", True, 100

    def __init__(self):
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        return (Entry(f) for f in frames if f.inferior_frame().pc())


Frames()
sleeping = SleepingThread()
register_unwinder(None, PlainFunction(), replace=True)
register_unwinder(None, sleeping, replace=True)


def flush():
    gdb.execute("maint flush register-cache", to_string=True)


def leave():
    """Back to the selected CPU's own stack and address space."""
    sleeping.disarm()
    memory.give_back()


resume.before.insert(0, leave)


@contextlib.contextmanager
def stack_of(t):
    """The innermost frame of any thread; gdb shows its memory and symbols meanwhile."""
    before = gdb.selected_thread()
    was, symbols = sleeping.thread, user_symbols.loaded()
    try:
        if t.on_cpu:
            kernel.select_cpu(t.cpu)
            sleeping.disarm()
        user_symbols.load_for_thread(t)
        with memory.seen_by(t.root):
            if not t.on_cpu:
                sleeping.arm(t)
            frame = gdb.newest_frame()
            yield frame if t.on_cpu else frame.older()
    finally:
        sleeping.disarm()
        if before:
            before.switch()
        user_symbols.load(symbols)
        if was:
            sleeping.arm(was)
