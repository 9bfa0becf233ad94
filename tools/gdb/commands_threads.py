# SPDX-License-Identifier: MIT
"""Commands that show threads and processes, their registers and their stacks."""
import gdb

import kernel
import memory
import resume
import syscalls
import unwinder
import user_symbols
import waits
from kernel import Command, find_thread, table

REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12",
             "r13", "r14", "r15", "rip", "rsp", "rflags")


def place(t):
    return f"on {t.cpu}" if t.on_cpu else str(t.cpu)


class Ps(Command):
    """heddle-ps: all threads: who they are, where they are, what they wait for.

CPU says `on N` for who runs there, else where it ran last.  STACK is the saved stack pointer, for
who runs the CPU's own.  ROOT is the page-table root (CR3); kernel threads need none."""
    name = "ps"

    def run(self, arguments):
        rows = [("PID", "TID", "NAME", "S", "CPU", "ROOT", "STACK", "SWITCHES", "WAITS FOR")]
        sleepers = waits.Sleepers()
        for t in kernel.threads():
            rows.append((t.pid, t.label, t.name, t.state, place(t),
                         f"{t.root:#x}" if t.root else "-", f"{stack_pointer(t):#x}", t.switches,
                         sleepers.what(t)))
        table(rows, right=(0, 1, 7))


def stack_pointer(t):
    if not t.on_cpu:
        return int(t["arch"]["saved_sp"])
    with kernel.cpu_selected(t.cpu):
        return kernel.register_u64("rsp")


def in_user_mode(t):
    """Of a thread that has a CPU."""
    with kernel.cpu_selected(t.cpu):
        return not kernel.in_kernel()


def cpu_registers(t):
    """As they are in its CPU."""
    with kernel.cpu_selected(t.cpu):
        return {n: kernel.register_u64("eflags" if n == "rflags" else n) for n in REGISTERS}


def user_registers(t):
    """Of user mode: in its CPU, or as they were put on its stack on the way into the kernel."""
    if t.on_cpu and in_user_mode(t):
        return cpu_registers(t)
    return {n: int(t.user_frame[n]) & (1 << 64) - 1 for n in REGISTERS}


def place_of(pc, t):
    """An address in words, by the symbols of the kernel or of this thread's program."""
    if pc >> 63:
        return kernel.symbol_at(pc)
    program = user_symbols.program_of(kernel.process_of(t))
    f = program and user_symbols.elf.program(program[0]).function_at(pc - program[1])
    return f"{f[2]}+{pc - program[1] - f[0]}" if f else f"{pc:#x}"


class Current(Command):
    """heddle-current: who runs on the CPU that gdb has selected, and on the others."""
    name = "current"

    def run(self, arguments):
        selected = kernel.selected_cpu()
        for cpu in kernel.scheduled_cpus():
            kernel.select_cpu(cpu)
            t, following = kernel.standing(), kernel.running(cpu)
            mark = "*" if cpu == selected else " "
            mode = "kernel" if kernel.in_kernel() else "user"
            print(f"{mark} CPU {cpu}: thread {t} of process {t.pid}, {mode} mode, at "
                  f"{place_of(kernel.register_u64('rip'), t)}"
                  + ("" if t == following else f" (`current` is {following} already)"))


class Thread(Command):
    """heddle-thread T: what the kernel keeps of a thread, and its registers where it does not run.

All that makes a thread is here: the structure, the seven words that context_switch() left on its
kernel stack, and the trap frame at that stack's top with which it goes back to user mode."""
    name, usage = "thread", "T"

    def run(self, arguments):
        t = find_thread(arguments[0])
        process = kernel.process_of(t)
        print(f"thread {t} of process {t.pid}, struct thread at {t.address:#x}")
        program = process is not None and kernel.executable_of(process)
        if program:
            print(f"  program        {program}")
        print(f"  state          {t.state} ({t['state']}), {place_words(t)}")
        print(f"  waits for      {waits.Sleepers().what(t) or '-'}")
        print(f"  kernel stack   {t.stack:#x} to {t.stack + kernel.kstack_size():#x}, "
              f"{t.stack + kernel.kstack_size() - stack_used(t)} bytes in use" if t.stack else
              "  kernel stack   the one that its CPU started on")
        print("  page tables    " + (f"root {t.root:#x}" if t.root else
                                      "none of its own: it runs on whichever is loaded"))
        use = t["use"]
        counted = use["counted"]
        print(f"  switches       {int(counted['voluntary_switches'])} by its own will, "
              f"{int(counted['forced_switches'])} forced, {int(counted['migrations'])} migrations")
        print(f"  time           ran {kernel.ms(int(use['run_ns']))}, waited "
              f"{kernel.ms(int(use['queued_ns']))} for a CPU")
        if t.is_user:
            arch = t["arch"]
            print(f"  FS base        {int(arch['fs_base']):#x} (thread-local variables of user mode)")
            print(f"  FPU            saved at {int(arch['fpu']):#x}, last in the registers of CPU "
                  f"{int(arch['fpu_cpu'])}")
        self.saved(t)
        self.user(t)

    @staticmethod
    def saved(t):
        f = t.switch_frame
        if f is None:
            print(f"  saved context  none: its registers are those of CPU {t.cpu} "
                  f"(heddle-frame-of {t.label})")
            return
        base = int(t["arch"]["saved_sp"])
        print(f"  saved context  struct switch_frame at {base:#x}, popped in this order:")
        for field in f.type.fields():
            value = int(f[field.name])
            note = f"  {kernel.symbol_at(value)}" if field.name == "rip" else ""
            print(f"    {base + field.bitpos // 8:#x}  {field.name:<4} {value:#018x}{note}")

    @staticmethod
    def user(t):
        if not t.is_user:
            print("  user mode      never: a kernel thread")
            return
        print("  user mode      it is there now" if t.on_cpu and in_user_mode(t) else
              f"  user mode      entered the kernel by {syscalls.entry_words(t.user_frame)}")
        values = user_registers(t)
        for i in range(0, len(REGISTERS), 3):
            print("    " + "  ".join(f"{n:<6} {values[n]:#018x}" for n in REGISTERS[i:i + 3]))


def stack_used(t):
    sp = stack_pointer(t)
    inside = t.stack <= sp < t.stack + kernel.kstack_size()
    return sp if inside else t.stack + kernel.kstack_size()


def place_words(t):
    if t.on_cpu:
        return f"runs on CPU {t.cpu}"
    if t.is_idle:
        return f"runs when CPU {t.cpu} has nothing else to do"
    if bool(t["on_queue"]):
        return f"ready, in the queue of CPU {t.cpu}"
    return f"last ran on CPU {t.cpu}"


# --- Stacks ---------------------------------------------------------------------------------------

def frame_line(number, frame):
    pc = frame.pc()
    name = frame.name() or (kernel.symbol_at(pc) if pc >> 63 else "??")
    if frame.type() == gdb.SIGTRAMP_FRAME:
        return f"#{number:<2} {pc:#018x} in {name}"
    arguments = []
    try:
        block = frame.block()
        while block and not block.function:
            block = block.superblock
        for symbol in block or ():
            if symbol.is_argument:
                try:
                    value = frame.read_var(symbol, block).format_string(max_depth=0, symbols=False)
                except (gdb.error, RuntimeError, ValueError):
                    value = "?"
                arguments.append(f"{symbol.name}={value}")
    except RuntimeError:
        pass
    sal = frame.find_sal()
    at = f" at {sal.symtab.filename}:{sal.line}" if sal and sal.symtab else ""
    inlined = " (inlined)" if frame.type() == gdb.INLINE_FRAME else ""
    return f"#{number:<2} {pc:#018x} in {name} ({', '.join(arguments)}){at}{inlined}"


def print_stack(t, limit=64):
    with unwinder.stack_of(t) as frame:
        number = 0
        while frame is not None and number < limit:
            print(frame_line(number, frame))
            if frame.pc() < memory.user_max() and frame.name() in (None, "main", *unwinder.OUTERMOST):
                if frame.name() is None:
                    print("    (this program has no symbols: its callers are not known)")
                break
            try:
                older = frame.older()
            except gdb.error as error:
                print(f"    ({error})")
                break
            if older is not None and older.pc() < memory.user_max() \
                    and not (t.is_user and older.pc()):
                break
            if older is not None and older.pc() < memory.user_max() and not t.root:
                print(f"--- user mode: {syscalls.entry_words(t.user_frame)}; its address space is "
                      "gone ---")
                break
            if older is not None and frame.pc() >> 63 and older.pc() < memory.user_max():
                print(f"--- user mode: {syscalls.entry_words(t.user_frame)} ---")
            elif frame.type() == gdb.SIGTRAMP_FRAME and older is not None and older.pc() >> 63:
                print("--- interrupted ---")
            frame = older
            number += 1
    if not t.on_cpu and t.is_user and kernel.symbol_at(int(t.switch_frame["rip"])) \
            .startswith("thread_entry"):
        print(f"--- has not run yet: goes to user mode at {int(t.user_frame['rip']):#x} ---")


class Bt(Command):
    """heddle-bt [T|all]: the stack of any thread, running or not, from the kernel into its program.

`heddle-bt` alone shows the current thread's.  heddle-frame-of goes there to look at variables."""
    name, usage = "bt", "[T|all]"

    def run(self, arguments):
        word = arguments[0] if arguments else "."
        for t in kernel.threads() if word == "all" else [find_thread(word)]:
            print(f"thread {t} of process {t.pid}, {t.state}, {place_words(t)}")
            print_stack(t)
            if word == "all":
                print()


class FrameOf(Command):
    """heddle-frame-of T: move into another thread: `up`, `down`, `info locals`, `print` work there.

A thread that has no CPU appears as the caller of what the selected CPU does: frame 1 is where the
thread will go on, frame 0 remains the CPU's own.  User memory is the thread's.  heddle-back leaves;
so does everything that lets the machine run."""
    name, usage, moves = "frame-of", "T", True

    def run(self, arguments):
        t = find_thread(arguments[0])
        unwinder.leave()
        if t.on_cpu:
            kernel.select_cpu(t.cpu)
        user_symbols.load_for_thread(t)
        if not t.on_cpu:
            if not resume.HAS_HOOKS:
                print("(this front end resumes without hooks: user memory stays the CPU's)")
            else:
                memory.borrow_root(t.root)
            unwinder.sleeping.arm(t)
            gdb.newest_frame().older().select()
        else:
            gdb.newest_frame().select()
        print(f"thread {t}" + (f" runs on CPU {t.cpu}" if t.on_cpu
                               else " begins at frame 1; heddle-back leads back"))
        gdb.execute("frame")


class Back(Command):
    """heddle-back: out of the thread that heddle-frame-of went into, to the selected CPU."""
    name, moves = "back", True

    def run(self, arguments):
        unwinder.leave()
        user_symbols.load_for_cpu()
        gdb.newest_frame().select()
        gdb.execute("frame")


class Diff(Command):
    """heddle-diff T1 T2: the registers of two threads side by side, and which differ.

Of a thread that has no CPU: what context_switch() saved.  User registers: as they are in the CPU,
or as user mode will find them."""
    name, usage = "diff", "T1 T2"

    def run(self, arguments):
        one, two = (find_thread(a) for a in arguments)
        a, b = self.registers(one), self.registers(two)
        rows = [("", f"{one}", f"{two}", "")]
        names = [f"{mode} {n}" for mode in ("kernel", "user") for n in REGISTERS]
        for name in [*names, "fs_base", "cr3"]:
            x, y = a.get(name), b.get(name)
            if (x, y) != (None, None):
                rows.append((name, "-" if x is None else f"{x:#x}",
                             "-" if y is None else f"{y:#x}",
                             "" if x == y or None in (x, y) else "differs"))
        table(rows)
        print("same address space: a switch between them does not write CR3"
              if one.root == two.root else
              "other address spaces: a switch between them writes CR3")

    @staticmethod
    def registers(t):
        values = {}
        f = t.switch_frame
        if f is not None:
            values = {field.name: int(f[field.name]) for field in f.type.fields()}
            values["rsp"] = int(t["arch"]["saved_sp"])
        elif not in_user_mode(t):
            values = cpu_registers(t)
        values = {f"kernel {n}": values[n] for n in REGISTERS if n in values}
        if t.is_user:
            values.update({f"user {n}": v for n, v in user_registers(t).items()})
        return {**values, "fs_base": int(t["arch"]["fs_base"]), "cr3": t.root}


for command in (Ps, Current, Thread, Bt, FrameOf, Back, Diff):
    command()


class ThreadFunction(gdb.Function):
    """$thread("T"): a pointer to the struct thread: print $thread("init")->arch.saved_sp"""

    def __init__(self):
        super().__init__("thread")

    def invoke(self, word):
        return _pointer(find_thread(word.string()).address, "struct thread")


class ProcessFunction(gdb.Function):
    """$process("P"): a pointer to the struct process: print $process("1")->limits"""

    def __init__(self):
        super().__init__("process")

    def invoke(self, word):
        return _pointer(int(kernel.find_process(word.string()).address), "struct process")


def _pointer(address, type_name):
    return gdb.Value(address).cast(kernel.ctype(type_name).pointer())


ThreadFunction()
ProcessFunction()
