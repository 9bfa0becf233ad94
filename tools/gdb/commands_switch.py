# SPDX-License-Identifier: MIT
"""Commands that let the machine run to a context switch, or along with one thread."""
import gdb

import kernel
import syscalls
import unwinder
import user_symbols
from commands_threads import place_of
from kernel import Command, Failure, find_thread, table

TRACE_SWITCH, TRACE_SWITCH_ROOT, TRACE_SWITCH_PREEMPTED = 0, 1 << 12, 1 << 16


def yields(frame):
    return int(frame["vector"]) == syscalls.SYSCALL and \
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
            self.time_ns = int(self.next["run_since_ns"])
            self.root_changed = bool(self.next.root) and self.next.root != self.previous.root
            self.preempted = self.previous.state == "R"

    def event(self):
        address = int(kernel.variable("trace_rings")[self.cpu])
        if not address:
            return None
        ring = kernel.at(address, "struct trace_ring")
        if not int(ring["head"]):
            return None
        event = kernel.ring_event(address, ring, int(ring["head"]) - 1)
        if int(event["type"]) != TRACE_SWITCH or int(event["tid"]) != self.previous.tid \
                or int(event["other"]) != self.next.tid:
            return None
        return event

    def matches(self, previous, following, cross):
        return (previous in (None, self.previous) and following in (None, self.next)
                and (not cross or self.root_changed))

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


class SwitchBreakpoint(gdb.Breakpoint):
    """At context_switch(), for the switches that `wanted` says."""

    def __init__(self, wanted):
        self.wanted, self.found = wanted, None
        super().__init__(f"*{kernel.address_of('context_switch'):#x}", internal=True)
        self.silent = True

    def stop(self):
        try:
            s = Switch()
            if not self.wanted(s):
                return False
            self.found = s
        except (gdb.error, gdb.GdbError) as error:
            gdb.write(f"heddle: {error}\n", gdb.STDERR)
        return True


def run_until(*breakpoints):
    """Continue; whatever stops it, the breakpoints are gone afterwards."""
    try:
        gdb.execute("continue", to_string=True)
    finally:
        for b in breakpoints:
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
        b = SwitchBreakpoint(lambda s: s.matches(previous, following, "--cross" in chosen))
        run_until(b)
        if b.found is None:
            print("stopped before such a switch came")
        else:
            s = b.found
            print(f"CPU {s.cpu}: from thread {s.previous}, {s.why}, to thread {s.next}; "
                  f"{s.root_words}")
        gdb.execute("frame")


class SwitchLog(Command):
    """heddle-switch-log N: let the machine run for N context switches and list them.

Breakpoints make the switches take longer than they do, so other things happen than without."""
    name, usage, moves = "switch-log", "N", True

    def run(self, arguments):
        if len(arguments) != 1 or not arguments[0].isdigit() or not int(arguments[0]):
            self.bad_usage()
        count, seen = int(arguments[0]), []

        def note(s):
            seen.append((f"{s.time_ns / 1e9:.6f}", s.cpu, s.previous, "->", s.next,
                         "CR3" if s.root_changed else "", s.why))
            return len(seen) >= count

        run_until(SwitchBreakpoint(note))
        table([("TIME", "CPU", "FROM", "", "TO", "ROOT", "WHY")] + seen, right=(0, 1))


# --- Along with one thread ------------------------------------------------------------------------

class Station(gdb.Breakpoint):
    """A place where a thread crosses a border; stops for that thread alone."""

    def __init__(self, address, thread, say):
        self.whom, self.say, self.said = thread, say, None
        super().__init__(f"*{address:#x}", internal=True)
        self.silent = True

    def stop(self):
        try:
            t = kernel.current()
            if t is None or t.address != self.whom.address:
                return False
            self.said = self.say(t)
            if self.said:
                user_symbols.load_for_thread(t)
            return bool(self.said)
        except (gdb.error, gdb.GdbError) as error:
            self.said = f"(heddle: {error})"
            return True


def _entered(t):
    frame = kernel.at(kernel.register_u64("rdi"), "struct trap_frame")
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
        t = find_thread(rest[0]) if rest else find_thread(Follow.followed)
        Follow.followed = t.label
        cpu_before = t.cpu
        stations = self.stations(t, "--runs" in chosen)
        try:
            gdb.execute("continue", to_string=True)
        finally:
            # It may be that several CPUs stopped at once: what counts is where the thread is.
            said = [s.said for s in stations if getattr(s, "said", None)]
            for s in stations:
                if s.is_valid():
                    s.delete()
        if not said:
            print("stopped for another reason")
            gdb.execute("frame")
            return
        words = said[0]
        now = t.again()
        if now.on_cpu:
            kernel.select_cpu(now.cpu)
        if now.cpu != cpu_before:
            words += f" (it was on CPU {cpu_before} before)"
        print(f"thread {now} on CPU {now.cpu}: {words}")
        gdb.execute("frame")

    @staticmethod
    def stations(t, only_runs):
        found = []

        def add(address, say):
            found.append(Station(address, t, say))

        if t.switch_frame is not None:
            add(int(t.switch_frame["rip"]), lambda _: "has a CPU again")
        else:
            back = _return_of_switch()
            add(back, lambda _: "has a CPU again")
        if only_runs:
            return found
        add(kernel.address_of("syscall_enter"), _entered)
        add(kernel.address_of("trap_dispatch"), _entered)
        for address in user_returns():
            add(address, _returns)
        add(kernel.address_of("thread_exit_final"), lambda _: "ends")
        found.append(Leaves(t))
        return found


class Leaves(gdb.Breakpoint):
    """The thread gives its CPU away: at context_switch(), where `current` is the next one already."""

    def __init__(self, t):
        self.whom, self.said = t, None
        super().__init__(f"*{kernel.address_of('context_switch'):#x}", internal=True)
        self.silent = True

    def stop(self):
        try:
            if kernel.register_u64("rdx") != self.whom.address:
                return False
            s = Switch()
            self.said = f"gives its CPU to thread {s.next}: {s.why}"
        except (gdb.error, gdb.GdbError) as error:
            self.said = f"(heddle: {error})"
        return True


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
