# SPDX-License-Identifier: MIT
"""The window of the switch, for gdb's text interface (TUI): two threads side by side.

Each register twice: as it is in the CPU now, and as it lies saved on the thread's stack.  Where
context_switch() has not come so far, the word is `not yet`."""
import functools
import linecache

import gdb

import commands_switch
import kernel

# In the order in which a low window leaves them out, from the end.
REGISTERS = ("rsp", "rip", "rbp", "rbx", "r12", "r13", "r14", "r15")
HEIGHT = len(REGISTERS) + 3  # with the heading, CR3, and the line of source
BOLD, PLAIN = "\033[1m", "\033[0m"
NOT_YET, NONE = "not yet", "-"


@functools.lru_cache(maxsize=None)
def code():
    """context_switch(): [(address, is it a push)], and where the stacks are exchanged."""
    found, exchanged = [], None
    for i in commands_switch.instructions("context_switch"):
        found.append((i["addr"], i["asm"].startswith("push")))
        if i["asm"].startswith("mov") and i["asm"].endswith(",%rsp"):
            exchanged = i["addr"] + i["length"]
    return found, exchanged


def hex16(value):
    return f"{value & (1 << 64) - 1:016x}"


class Side:
    """One thread's half: (now, saved) of each register, as words."""

    def __init__(self, thread, role):
        self.heading = f"{role} {thread}"
        self.thread = thread
        self.words = {}

    def saved_frame(self, base):
        """The words of its struct switch_frame, and where each lies."""
        frame = kernel.at(base, "struct switch_frame")
        return {f.name: (base + f.bitpos // 8, int(frame[f.name])) for f in frame.type.fields()}

    def fill(self, base, now, saved):
        """`now` and `saved` say of a register's place whether there is something to show."""
        for name, (where, value) in self.saved_frame(base).items():
            self.words[name] = (now(name, where), hex16(value) if saved(where) else NOT_YET)
        self.words["rsp"] = (now("rsp", None), hex16(int(self.thread["arch"]["saved_sp"]))
                             if saved(None) else NOT_YET)


def cpu_register(name):
    return hex16(kernel.register_u64(name))


def at_switch():
    """(outgoing, incoming) while the CPU is in context_switch(), else None."""
    instructions, exchanged = code()
    pc, sp = kernel.register_u64("rip"), kernel.register_u64("rsp")
    if not instructions[0][0] <= pc <= instructions[-1][0]:
        return None
    previous = kernel.thread_at(kernel.register_u64("rdx"))
    outgoing, incoming = Side(previous, "out:"), Side(kernel.current(), "in: ")
    if pc < exchanged:
        pushed = sum(is_push for address, is_push in instructions if address < pc)
        size = kernel.ctype("struct switch_frame").sizeof
        base = sp + 8 * pushed - (size - 8)
        stored = int(previous["arch"]["saved_sp"]) == base and sp == base
        outgoing.fill(base, lambda name, _: cpu_register(name),
                      lambda where: stored if where is None else where >= sp)
        incoming.fill(int(incoming.thread["arch"]["saved_sp"]), lambda *_: NOT_YET, lambda _: True)
    else:
        outgoing.fill(int(previous["arch"]["saved_sp"]), lambda *_: NONE, lambda _: True)
        incoming.fill(int(incoming.thread["arch"]["saved_sp"]),
                      lambda name, where: cpu_register(name) if where is None or where < sp
                      or name == "rip" else NOT_YET, lambda _: True)
    return outgoing, incoming


def no_switch():
    """Who runs, and who would be next."""
    cpu = kernel.selected_cpu()
    runs = Side(kernel.running(cpu), "runs:")
    runs.words = {name: (cpu_register(name), NONE) for name in REGISTERS}
    queue = kernel.runqueue(cpu)
    following = next(kernel.queued(cpu), None) or kernel.thread_at(int(queue["idle"]))
    if following == runs.thread:
        return runs, None
    then = Side(following, "next:")
    then.fill(int(following["arch"]["saved_sp"]), lambda *_: NONE, lambda _: True)
    return runs, then


def root_words(one, two):
    if not two.root or one.root == two.root:
        why = "same address space: not written" if two.root else \
            "a kernel thread needs none of its own: not written"
        return f"CR3 {kernel.register_u64('cr3'):x}  {why}"
    return f"CR3 {one.root or 0:x} -> {two.root:x}  other address space: changes"


def source_line():
    sal = gdb.newest_frame().find_sal()
    pc = kernel.register_u64("rip")
    if not sal.symtab:
        return kernel.symbol_at(pc)
    text = linecache.getline(sal.symtab.fullname(), sal.line).strip().expandtabs(2)
    return f"{sal.symtab.filename}:{sal.line}  {text}"


def lines(width, height):
    """(title, lines) of a window of this size."""
    kernel.ready()
    cpu = kernel.selected_cpu()
    if cpu is None or kernel.current() is None:
        return "switch", ["This CPU runs no thread yet."]
    sides = at_switch()
    if sides:
        title = f"switch on CPU {cpu}"
    else:
        sides = no_switch()
        title = f"CPU {cpu} is not at a switch"
    half = (width - 1) // 2
    out = [BOLD + "|".join(heading(s, half) for s in sides) + PLAIN]
    for name in REGISTERS[:max(height - 3, 1)]:
        out.append("|".join(row(s, name, half) for s in sides))
    if sides[1]:
        out.append(root_words(sides[0].thread, sides[1].thread)[:width])
    else:
        out.append(f"CR3 {kernel.register_u64('cr3'):x}")
    out.append(BOLD + source_line()[:width] + PLAIN)
    return title, out


def heading(side, half):
    if side is None:
        return "nobody else waits for this CPU"[:half].ljust(half)
    return f"{side.heading[:16]:<16}{'now':>4} {'saved':>16}"[:half].ljust(half)


def row(side, name, half):
    if side is None:
        return " " * half
    now, saved = side.words[name]
    text = f"{name:<3} {now:>16} {saved:>16}"
    if half >= 64 and name == "rip" and saved not in (NONE, NOT_YET):
        text += "  " + kernel.symbol_at(int(saved, 16))
    return text[:half].ljust(half)


class SwitchWindow:
    open = None

    def __init__(self, window):
        self.window = window
        SwitchWindow.open = self

    def close(self):
        if SwitchWindow.open is self:
            SwitchWindow.open = None

    def render(self):
        window = self.window
        if not window.is_valid() or window.width < 4 or window.height < 1:
            return
        try:
            title, text = lines(window.width, window.height)
        except (gdb.error, gdb.GdbError, RuntimeError) as error:
            title, text = "switch", [str(error)]
        window.title = title
        window.write("\n".join(text[:window.height]) + "\n", True)

    @staticmethod
    def refresh():
        if SwitchWindow.open:
            SwitchWindow.open.render()
            gdb.execute("refresh")  # steps of a tour leave pieces of themselves on the screen


class Layout(kernel.Command):
    """heddle-layout: the text interface: the switch, source, assembly, and the command line.

The upper window shows the outgoing thread on the left and the incoming one on the right, each
register as it is now and as it is saved.  `tui disable` leaves, Ctrl-X o goes to another window,
Ctrl-L draws all anew."""
    name, needs, moves = "layout", "", True

    def run(self, arguments):
        if not hasattr(gdb, "register_window_type"):
            raise kernel.Failure("this gdb has no windows in Python (gdb 10 has)")
        gdb.execute("layout heddle")
        gdb.execute(f"winheight switch {HEIGHT + 2}")


if hasattr(gdb, "register_window_type"):
    gdb.register_window_type("switch", SwitchWindow)
    gdb.execute(f"tui new-layout heddle switch {HEIGHT + 2} {{-horizontal src 1 asm 1}} 5 status 0 "
                "cmd 5")
    gdb.events.before_prompt.connect(SwitchWindow.refresh)
Layout()
