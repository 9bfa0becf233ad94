# SPDX-License-Identifier: MIT
"""Commands that let the machine run to a context switch, or along with one thread."""
import contextlib
import functools

import gdb

import kernel
import syscalls
import user_symbols
from commands_threads import place_of
from kernel import Command, Failure, find_thread, table

TRACE_SWITCH, TRACE_SWITCH_ROOT, TRACE_SWITCH_PREEMPTED = 0, 1 << 12, 1 << 16


def yields(frame):
    return syscalls.is_syscall(frame) and \
        syscalls.name(int(frame["error"])) == "sched_yield"


class Switch:
    """What is at hand at the first instruction of context_switch()."""

    def __init__(self):
        self.cpu = kernel.selected_cpu()
        self.previous = kernel.thread_at(kernel.register_u64("rdx"))
        self.next = kernel.running(self.cpu)  # `current` is changed already
        event = self.event()
        if event is not None:
            flags = int(event["value"])
            self.time_ns = int(event["time_ns"])
            self.root_changed = bool(flags & TRACE_SWITCH_ROOT)
            self.preempted = bool(flags & TRACE_SWITCH_PREEMPTED)
        else:  # nothing is recorded: as the structures have it
            self.time_ns = int(self.next["use"]["run_since_ns"])
            self.root_changed = bool(self.next.root) and self.next.root != self.previous.root
            self.preempted = self.previous.state == "R"

    def event(self):
        events = kernel.ring_events(self.cpu, 1)
        if not events:
            return None
        event = events[0]
        if int(event["type"]) != TRACE_SWITCH or int(event["tid"]) != self.previous.tid \
                or int(event["other"]) != self.next.tid:
            return None
        return event

    @property
    def why(self):
        t = self.previous
        if t.is_idle:
            return "work came"
        if self.preempted:
            return "preempted in the kernel"
        if t.state == "R":
            return "gave way" if t.user_frame is None or yields(t.user_frame) else \
                "preempted on the way to user mode"
        if t.state in "ZX":
            return "ended"
        return "waits: " + (t.wait_name or t.state)

    @property
    def root_words(self):
        return (f"other address space: CR3 is {self.next.root:#x} now" if self.root_changed
                else "CR3 not written" + (": same address space"
                                          if self.next.root == self.previous.root else ""))


def holds(t, register="gs_base"):
    """As a condition for gdb: the CPU's current thread is this one.  In the kernel GS base says
    where the CPU's structure is; just before user mode it is in the other register."""
    place = kernel.offset_of("struct cpu", "current")
    return f"*(unsigned long *) (${register} + {place}) == {t.address:#x}"


class Border(gdb.Breakpoint):
    """An instruction where the machine stops if gdb's condition holds there.  (A condition that gdb
    evaluates itself costs little where it does not hold, and cannot swallow a Ctrl-C.)"""

    def __init__(self, address, condition=None, say=None):
        super().__init__(f"*{address:#x}", internal=True)
        self.silent, self.address, self.say = True, address, say
        if condition:
            self.condition = condition


def run_to(borders):
    """Continue; the border that was reached, or None: then gdb has said why it stopped."""
    before = [b.hit_count for b in borders]
    said = gdb.execute("continue", to_string=True)
    pc = kernel.register_u64("rip")
    hit = [b for b, count in zip(borders, before) if b.is_valid() and b.hit_count > count]
    for b in sorted(hit, key=lambda b: b.address != pc):
        return b
    gdb.write(said)
    return None


@contextlib.contextmanager
def borders_at(*places):
    """Border(*place) for each, until the end of the block, however it ends."""
    borders = []
    try:
        for place in places:
            borders.append(Border(*place))
        yield borders
    finally:
        for b in borders:
            if b.is_valid():
                b.delete()


def options(arguments, known):
    """{--name: value or True}, and the rest."""
    found, rest, i = {}, [], 0
    while i < len(arguments):
        word = arguments[i]
        if word.startswith("--"):
            if word not in known:
                raise Failure(f"{word}: not one of {', '.join(known)}")
            if known[word]:
                i += 1
                if i == len(arguments):
                    raise Failure(f"{word} wants a thread")
                found[word] = arguments[i]
            else:
                found[word] = True
        else:
            rest.append(word)
        i += 1
    return found, rest


class SwitchCommand(Command):
    """heddle-switch [--from A] [--to B] [--cross]: run to the next context switch that matches.

Stops at the first instruction of context_switch(), on the outgoing thread's stack.  --cross: only
where the page-table root changed.  From there `stepi` goes over into the incoming thread."""
    name, usage, options = "switch", "[--from A] [--to B] [--cross]", ("--from", "--to", "--cross")
    moves = True

    def run(self, arguments):
        chosen, rest = options(arguments, {"--from": True, "--to": True, "--cross": False})
        if rest:
            self.bad_usage()
        previous = find_thread(chosen["--from"]) if "--from" in chosen else None
        following = find_thread(chosen["--to"]) if "--to" in chosen else None
        conditions = [f"$rdx == {previous.address:#x}"] if previous else []
        conditions += [holds(following)] if following else []
        with borders_at((kernel.address_of("context_switch"), " && ".join(conditions))) as borders:
            while run_to(borders):
                s = Switch()
                if s.root_changed or "--cross" not in chosen:
                    print(f"CPU {s.cpu}: from thread {s.previous}, {s.why}, to thread {s.next}; "
                          f"{s.root_words}")
                    gdb.execute("frame")
                    return
        print("stopped before such a switch came")


class SwitchLog(Command):
    """heddle-switch-log N [CPU]: let the machine run for N context switches and list them.

Breakpoints make the switches take longer than they do, so other things happen than without."""
    name, usage, moves = "switch-log", "N [CPU]", True

    def run(self, arguments):
        if not all(a.isdigit() for a in arguments) or not int(arguments[0]):
            self.bad_usage()
        cpu = int(arguments[1]) if arguments[1:] else None
        if cpu is not None and cpu >= kernel.cpu_count():
            raise Failure(f"no CPU {cpu}: there are {kernel.cpu_count()}")
        seen, before = [], {}
        with borders_at((kernel.address_of("context_switch"),)) as borders:
            while len(seen) < int(arguments[0]) and run_to(borders):
                s = Switch()
                # Where another CPU comes here while this one is stepped over the breakpoint, QEMU
                # stops this one before its step: it comes here a second time, with the same switch.
                again = before.get(s.cpu) == (s.time_ns, s.previous.address)
                before[s.cpu] = s.time_ns, s.previous.address
                if again or cpu not in (None, s.cpu):
                    continue
                seen.append((f"{s.time_ns / 1e9:.6f}", s.cpu, s.previous, "->", s.next,
                             "CR3" if s.root_changed else "", s.why))
        table([("TIME", "CPU", "FROM", "", "TO", "ROOT", "WHY")] + seen, right=(0, 1))


# --- Along with one thread ------------------------------------------------------------------------

def _entered(t, pointer="rdi"):
    frame = kernel.at(kernel.register_u64(pointer), "struct trap_frame")
    vector = int(frame["vector"])
    words = syscalls.entry_words(frame)
    if vector == 14:
        words += ": " + syscalls.page_fault_words(int(frame["error"]), kernel.register_u64("cr2"))
    return ("enters the kernel by " if int(frame["cs"]) & 3 else "in the kernel comes a ") + words


def _returns(t):
    frame = t.user_frame
    return (f"goes back to user mode, to {place_of(int(frame['rip']), t)}" if frame is not None
            else None)


class Follow(Command):
    """heddle-follow [T] [--runs]: run until this thread crosses its next border, wherever it is.

Borders: it gets a CPU, loses it, enters the kernel (system call, page fault, interrupt), goes back
to user mode, ends.  --runs: only when it gets a CPU.  `heddle-follow` alone goes on with the same
thread.  gdb has its CPU selected afterwards."""
    name, usage, options, moves = "follow", "[T] [--runs]", ("--runs",), True
    followed = None

    def run(self, arguments):
        chosen, rest = options(arguments, {"--runs": False})
        if len(rest) > 1 or not (rest or Follow.followed):
            self.bad_usage()
        t = find_thread(rest[0] if rest else Follow.followed)
        if str(t["state"]) == "THREAD_DEAD" and not t.on_cpu:
            raise Failure(f"thread {t} has ended")
        Follow.followed = t.label
        with borders_at(*self.places(t, "--runs" in chosen)) as borders:
            border = run_to(borders)
            if border is None:
                print("stopped for another reason")
                return
            words = border.say(t)
        if gdb.selected_frame().pc() == kernel.address_of("entry_syscall_call"):
            # Into the function of the call.  Not by stepi: gdb says where that stopped.
            entry = kernel.address_of("syscall_functions") + 8 * kernel.register_u64("rax")
            with borders_at((kernel.u64(entry), holds(t))) as function:
                run_to(function)
        now = t.again()
        user_symbols.load_for_thread(now)
        if now.cpu != t.cpu:
            words += f" (it was on CPU {t.cpu} before)"
        print(f"thread {now} on CPU {now.cpu}: {words}")
        gdb.execute("frame")

    @staticmethod
    def places(t, only_runs):
        """(address, condition, what to say) of each border."""
        frame = t.switch_frame
        places = [(int(frame["rip"]) if frame is not None else _return_of_switch(), holds(t),
                   lambda _: "has a CPU again" if t.switches else "has a CPU for the first time")]
        if only_runs:
            return places
        return places + [
            (kernel.address_of("context_switch"), f"$rdx == {t.address:#x}",
             lambda _: f"gives its CPU to thread {Switch().next}: {Switch().why}"),
            (kernel.address_of("entry_syscall_call"), holds(t), lambda t: _entered(t, "rsp")),
            (kernel.address_of("syscall_dispatch"), holds(t), _entered),
            (kernel.address_of("trap_dispatch"), holds(t), _entered),
            (kernel.address_of("thread_exit_final"), holds(t), lambda _: "ends"),
            *((address, holds(t, "k_gs_base"), _returns) for address in user_returns())]


def call_of(function, callee):
    """(the call in one function to another, the instruction behind it)."""
    target = kernel.address_of(callee)
    code = instructions(function)
    for call, behind in zip(code, code[1:]):
        if call["asm"].startswith("call") and f"{target:#x}" in call["asm"]:
            return call["addr"], behind["addr"]
    raise Failure(f"{function}() does not call {callee}()")


def _return_of_switch():
    return call_of("switch_away", "context_switch")[1]


@functools.lru_cache(maxsize=None)
def instructions(function):
    """Of a function of the kernel, or of assembly with a size."""
    start = kernel.address_of(function)
    end = user_symbols.elf.program(kernel.OBJFILE.filename).function_at(start)[1]
    return gdb.selected_frame().architecture().disassemble(start, end - 1)


def user_returns():
    """The instructions with which the kernel goes to user mode."""
    return [i["addr"] for i in instructions("entry_syscall") if i["asm"].startswith("sysret")] + \
        [kernel.address_of("entry_user_iret")]


for command in (SwitchCommand, SwitchLog, Follow):
    command()
