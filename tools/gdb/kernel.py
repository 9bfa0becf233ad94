# SPDX-License-Identifier: MIT
"""The kernel's own lists, read from outside: CPUs, processes, threads, run queues.

Types and variables are looked up before any program's symbols are loaded, so that a program with a
`struct thread` of its own changes nothing here.  A structure is read in one piece."""
import contextlib
import functools

import gdb

LIST_MAX = 100000  # longer lists are loops
OBJFILE = gdb.objfiles()[0] if gdb.objfiles() else None


class Failure(gdb.GdbError):
    """A message for the user instead of a stack of Python calls."""


def ctype(name):
    return _types[name]


def kstack_size():
    """Bytes of a kernel stack."""
    return constant("KSTACK_SIZE")


def variable(name, file=None):
    """A global of the kernel, or a static of one of its files."""
    for symbol in _symbols(name):
        if file is None or symbol.symtab.filename.endswith(file):
            return symbol.value()
    raise Failure(f"this kernel has no variable {name}")


@functools.lru_cache(maxsize=None)
def _symbols(name):
    found = [s for s in (OBJFILE.lookup_global_symbol(name),) if s]
    found += [s for s in gdb.lookup_static_symbols(name)
              if s.symtab.objfile == OBJFILE and s not in found]
    return found


@functools.lru_cache(maxsize=None)
def address_of(name):
    """Of a function or a label, by the kernel's symbol table."""
    symbol = OBJFILE.lookup_global_symbol(name)
    if symbol:
        return int(symbol.value().address)
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
    except gdb.error:
        raise Failure(f"this kernel has no {name}") from None


@functools.lru_cache(maxsize=None)
def constant(name):
    """A constant of an enumeration in the kernel's headers."""
    symbol = OBJFILE and OBJFILE.lookup_static_symbol(name)
    if not symbol:
        raise Failure(f"this kernel has no constant {name}")
    return int(symbol.value()) & (1 << 64) - 1


_types = {}
for _name in ("struct thread", "struct process", "struct cpu", "struct runqueue", "struct list",
              "struct address_space", "struct region", "struct mutex", "struct rwlock",
              "struct spinlock", "struct switch_frame", "struct trap_frame", "struct file",
              "struct inode", "struct futex_waiter", "struct timer", "struct wait_queue",
              "struct waiter", "struct page", "struct trace_event", "struct trace_ring",
              "struct path_text", "struct sleep_timer", "struct timer_base", "struct pipe",
              "struct slab_cache", "struct futex_bucket", "struct cpumask",
              "struct refcount", "struct treap", "struct page_cpu", "struct held_locks", "struct treap_node",
              "unsigned long", "unsigned int", "char"):
    try:
        _types[_name] = gdb.lookup_type(_name)
    except gdb.error:
        pass  # said by whoever needs it


def offset_of(type_name, member):
    return next(f.bitpos // 8 for f in ctype(type_name).fields() if f.name == member)


def at(address, type_name):
    """The structure at an address, read now and at once."""
    if not address:
        raise Failure(f"no {type_name}: the pointer is NULL")
    value = gdb.Value(int(address)).cast(ctype(type_name).pointer()).dereference()
    try:
        value.fetch_lazy()
    except gdb.MemoryError:
        raise Failure(f"cannot read the {type_name} at {int(address):#x}") from None
    return value


def u64(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def list_of(head, type_name, member):
    """The members of a `struct list` (a gdb.Value in memory, or its address), first to last."""
    start = int(head.address) if isinstance(head, gdb.Value) else head
    offset = offset_of(type_name, member)
    try:
        node = u64(start)
        for _ in range(LIST_MAX):
            if node in (0, start):
                return
            yield at(node - offset, type_name)
            node = u64(node)
    except gdb.MemoryError:
        return  # being changed at this moment


def tree_of(root, type_name, member):
    """The members of a treap, in order; `root` is the address of its first node."""
    offset = offset_of(type_name, member)
    stack, node, count = [], root, 0
    while (stack or node) and count < LIST_MAX:
        while node:
            stack.append(node)
            node = u64(node + 8)  # left
        node = stack.pop()
        count += 1
        yield at(node - offset, type_name)
        node = u64(node + 16)  # right


def text(value):
    """A char array or pointer as str."""
    try:
        if value.type.code == gdb.TYPE_CODE_PTR:
            return value.string("utf-8", "replace") if int(value) else ""
        return value.string("utf-8", "replace").split("\0")[0]
    except gdb.error:
        return "?"


def count_words(n, what, many=None):
    return f"{n} {what if n == 1 else many or what + 's'}"


def symbol_at(address):
    """name+offset of a kernel address, or its number."""
    line = gdb.execute(f"info symbol {address:#x}", to_string=True)
    if line.startswith("No symbol"):
        return f"{address:#x}"
    return line.split(" in section")[0].replace(" + ", "+")


# --- CPUs -----------------------------------------------------------------------------------------

def cpu_count():
    """0: the kernel has not come so far that anything could be read."""
    try:
        count = int(variable("cpu_count"))
    except (gdb.error, Failure):
        return 0
    return count if 0 < count <= constant("MAX_CPUS") else 0


def ready(needs="threads"):
    """Stop a command with a clear message where there is nothing to look at yet."""
    if OBJFILE is None:
        raise Failure("no kernel loaded: gdb -nx -x tools/gdb/heddle.py build/heddle.elf")
    if needs and gdb.selected_thread() is None:
        raise Failure("no machine attached: `make gdb`, or `target remote SOCKET` after "
                      "`make run GDB=1`")
    if needs and not cpu_count():
        raise Failure("the kernel has not booted so far: `break bring_up` and `continue` first")
    if needs == "threads" and not int(variable("cpus_scheduled")["bits"][0]):
        raise Failure("there are no threads yet: `break bring_up` and `continue` first")


def cpu_struct(cpu):
    return at(int(variable("cpus", "percpu.c")[cpu]), "struct cpu")


def per_cpu(name, cpu, file=None):
    """CPU's copy of a DEFINE_PER_CPU() variable."""
    var = variable(name, file)
    address = int(var.address) + int(cpu_struct(cpu)["percpu_offset"]) & (1 << 64) - 1
    value = gdb.Value(address).cast(var.type.pointer()).dereference()
    value.fetch_lazy()
    return value


def scheduled_cpus():
    bits = variable("cpus_scheduled")["bits"]
    return [c for c in range(cpu_count()) if int(bits[c // 64]) >> c % 64 & 1]


def runqueue(cpu):
    return per_cpu("runqueue_var", cpu, "runqueue.c")


def register(name):
    """Of the selected CPU itself, whatever frame is selected."""
    return gdb.newest_frame().read_register(name)


def register_u64(name):
    value = register(name)
    if value.type.code == gdb.TYPE_CODE_FLAGS:
        value = value.cast(ctype("unsigned long" if value.type.sizeof == 8 else "unsigned int"))
    return int(value) & (1 << 64) - 1


def selected_cpu():
    """The kernel's number of the CPU that gdb has selected, or None before it has one.  GS base
    says which: the kernel's is in one of two registers, by the mode."""
    pointers = {int(variable("cpus", "percpu.c")[c]): c for c in range(cpu_count())}
    for name in ("gs_base", "k_gs_base"):
        cpu = pointers.get(register_u64(name))
        if cpu is not None:
            return cpu
    return None


def select_cpu(cpu):
    """Make gdb look at this CPU: gdb calls CPUs threads."""
    now = gdb.selected_thread()
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num != cpu + 1):
        thread.switch()
        if selected_cpu() == cpu:
            return
    if now:
        now.switch()
    raise Failure(f"gdb has no CPU {cpu}")


@contextlib.contextmanager
def cpu_selected(cpu):
    """This CPU, for a look; then the one before, and the frame in it."""
    thread, frame = gdb.selected_thread(), gdb.selected_frame()
    select_cpu(cpu)
    try:
        yield
    finally:
        thread.switch()
        if frame.is_valid():
            frame.select()


def in_kernel():
    return register_u64("rip") >> 63 == 1


# --- Threads and processes ------------------------------------------------------------------------

def _state_letter(state):
    letters = variable("state_letters", "linux/process_parts.c")
    return chr(int(letters[int(state)])) if int(state) <= letters.type.range()[1] else "?"


class Thread:
    """A struct thread as it is now."""

    def __init__(self, struct):
        self.struct = struct
        self.address = int(struct.address)
        self.tid = int(struct["tid"])
        self.pid = int(struct["pid"])
        self.name = text(struct["name"])
        self.cpu = int(struct["cpu"])
        self._on_cpu = bool(struct["on_cpu"])
        self.is_idle = bool(struct["is_idle"])
        self.is_user = bool(struct["is_user"])
        self.stack = int(struct["kernel_stack"])
        self.pmap = int(struct["pmap"])
        self.process = int(struct["process"])

    def __getitem__(self, name):
        return self.struct[name]

    def __eq__(self, other):
        return isinstance(other, Thread) and self.address == other.address

    def __hash__(self):
        return hash(self.address)

    @property
    def label(self):
        return f"idle/{self.cpu}" if self.is_idle else str(self.tid)

    def __str__(self):
        return self.label if self.is_idle else f"{self.label} ({self.name})"

    @property
    def state(self):
        return "Z" if self.struct["exited"] else _state_letter(self.struct["state"])

    @property
    def wait_name(self):
        return text(self.struct["wait"]["name"])

    @property
    def root(self):
        """Physical address of its top-level page table; 0: a kernel thread, which needs none."""
        return u64(self.pmap) if self.pmap else 0

    @property
    def switches(self):
        counted = self.struct["use"]["counted"]
        return int(counted["voluntary_switches"]) + int(counted["forced_switches"])

    @property
    def frame_address(self):
        """Of the trap frame at the top of its stack: how it entered the kernel from user mode."""
        return self.stack + kstack_size() - ctype("struct trap_frame").sizeof

    @property
    def user_frame(self):
        return at(self.frame_address, "struct trap_frame") if self.is_user else None

    @functools.cached_property
    def on_cpu(self):
        """Does a CPU stand on its stack?  The kernel's `on_cpu` is set early and cleared late, by
        one thread for the other; between is context_switch()."""
        if not self._on_cpu:
            return False
        with cpu_selected(self.cpu):
            sp, kernel = register_u64("rsp"), in_kernel()
        if kernel and 0 <= sp - constant("KSTACK_AREA_BASE") < constant("KSTACK_AREA_SIZE"):
            return self.stack <= sp < self.stack + kstack_size()
        # User mode, a stack for NMIs and the like, or that of the idle thread.
        idle = thread_at(int(runqueue(self.cpu)["idle"]))
        if kernel and abs(sp - int(idle["arch"]["saved_sp"])) < kstack_size():
            return self.address == idle.address
        return self.address == int(cpu_struct(self.cpu)["current"])

    @property
    def switch_frame(self):
        """What context_switch() left on its stack; None while it has a CPU."""
        if self.on_cpu:
            return None
        return at(int(self.struct["arch"]["saved_sp"]), "struct switch_frame")

    def again(self):
        return Thread(at(self.address, "struct thread"))


def thread_at(address):
    return Thread(at(address, "struct thread"))


def processes():
    """struct process of each, by PID; the kernel's own first."""
    own = int(variable("kernel_process"))
    if not own:
        return  # not set up so far
    seen = {own}
    yield at(own, "struct process")
    root = int(variable("process_trees")[0]["root"])  # BY_PID
    for p in tree_of(root, "struct process", "nodes"):
        if int(p.address) not in seen:
            seen.add(int(p.address))
            yield p


def threads_of(process):
    for struct in list_of(process["threads"], "struct thread", "process_link"):
        yield Thread(struct)


def idle_threads():
    for cpu in scheduled_cpus():
        yield thread_at(int(runqueue(cpu)["idle"]))


def threads():
    """Idle threads, kernel threads, then all others by PID."""
    seen = set()
    for t in idle_threads():
        seen.add(t.address)
        yield t
    found = [t for p in processes() for t in threads_of(p)]
    for cpu in scheduled_cpus():  # before there are processes
        found += [running(cpu), *queued(cpu)]
    for t in found:
        if t.address not in seen:
            seen.add(t.address)
            yield t


def queued(cpu):
    """Who waits in a CPU's run queue, the next one first."""
    for queue in ("woken", "ready"):
        head = int(runqueue(cpu).address) + offset_of("struct runqueue", queue)
        for struct in list_of(head, "struct thread", "run_link"):
            yield Thread(struct)


def running(cpu):
    """The thread whose stack the CPU is on.  (`current` is the next thread already when the CPU
    stands before the exchange of stacks in context_switch().)"""
    struct = cpu_struct(cpu)
    return thread_at(int(struct["current"])) if int(struct["current"]) else None


def standing():
    """The thread whose stack the selected CPU is on.  Before the exchange of stacks in
    context_switch() that is not `current`; but it is at hand there: rdx, the outgoing one."""
    t = current()
    sp = register_u64("rsp")
    if t is None or not in_kernel() or t.stack <= sp < t.stack + kstack_size():
        return t
    address = register_u64("rdx")
    if address >> 47 == (1 << 17) - 1:
        try:
            outgoing = thread_at(address)
        except Failure:
            return t
        if outgoing.stack <= sp < outgoing.stack + kstack_size():
            return outgoing
    return t


def current():
    cpu = selected_cpu()
    return None if cpu is None else running(cpu)


def find_thread(word):
    """By TID, name, idle/N, or `.` for the one on the selected CPU."""
    if word in (".", "current"):
        t = current()
        if t is None:
            raise Failure("no thread runs on the selected CPU yet")
        return t
    found = [t for t in threads()
             if t.label == word or (not t.is_idle and t.name == word)
             or (word.startswith("0x") and t.address == _number(word))]
    if not found:
        raise Failure(f"no thread {word or '(nothing)'}: heddle-ps lists them (TID, name, idle/CPU, "
                      "or . for the current one)")
    exact = [t for t in found if t.label == word]
    if len(exact or found) > 1:
        which = ", ".join(str(t) for t in found[:8])
        raise Failure(f"{len(found)} threads are named {word}: {which}; give the TID")
    return (exact or found)[0]


def _number(word):
    try:
        return int(word, 0)
    except ValueError:
        return None


def find_process(word):
    """struct process by PID, a thread's TID or name, or `.`."""
    number = _number(word)
    if number is not None:
        for p in processes():
            if int(p["pid"]) == number:
                return p
        if not any(t.tid == number for t in threads()):
            raise Failure(f"no process {word}: heddle-ps lists them (PID, or a thread's TID or name)")
    t = find_thread(word)
    if not t.process:
        raise Failure(f"thread {t} is in no process yet")
    return at(t.process, "struct process")


def process_of(t):
    return at(t.process, "struct process") if t.process else None


def space_of(process):
    """struct address_space of a process that has one, else a failure in words."""
    space = int(process["space"])
    if not space:
        raise Failure(f"process {int(process['pid'])} has no address space"
                      + (" (it is the kernel's own)" if int(process["pid"]) == 0
                         else " any more: it has ended"))
    return at(space, "struct address_space")


def executable_of(process):
    """The path of its program, or None."""
    if not int(process["executable"]):
        return None
    path = int(at(int(process["executable"]), "struct file")["path"])
    if not path:
        return None
    start = path + offset_of("struct path_text", "text")
    return gdb.Value(start).cast(ctype("char").pointer()).string("utf-8", "replace")


def newest_ns():
    """The latest time that any CPU wrote down: near enough to now where the clock cannot be read."""
    newest = 0
    for cpu in scheduled_cpus():
        thread = at(int(cpu_struct(cpu)["current"]), "struct thread")
        newest = max([newest, int(thread["use"]["run_since_ns"])] + [int(e["time_ns"]) for e in ring_events(cpu, 1)])
    return newest


def ring_events(cpu, count):
    """The last complete events of a CPU's ring of kernel/trace, oldest first."""
    address, writer = int(variable("trace_rings")[cpu]), per_cpu("trace_writer", cpu)
    if not address or int(writer["ring"]) != address:
        return []
    ring, head = at(address, "struct trace_ring"), int(writer["head"])
    size = ctype("struct trace_event").sizeof
    per_page = 4096 // size
    events = []
    for slot in range(max(int(ring["start"]), head - int(ring["mask"]), head - count, 0), head):
        place = slot & int(ring["mask"])
        page = u64(address + offset_of("struct trace_ring", "pages") + place // per_page * 8)
        events.append(at(page + place % per_page * size, "struct trace_event"))
    return events


# --- Commands -------------------------------------------------------------------------------------

class Command(gdb.Command):
    """A command of ours.  `usage` names its arguments, which are counted unless there are
    `options`; T (threads) and P (processes) complete."""
    prefix = "heddle-"
    needs = "threads"  # or "kernel", so far that it has counted its CPUs, or nothing
    usage = ""
    options = ()
    moves = False  # it selects another CPU or frame, or lets the machine run

    all = []

    def __init__(self):
        super().__init__(self.prefix + self.name, gdb.COMMAND_USER)
        Command.all.append(self)

    def invoke(self, argument, from_tty):
        arguments = gdb.string_to_argv(argument)
        if not self.options:
            words = self.usage.split()
            least = sum(not w.startswith("[") for w in words)
            if not least <= len(arguments) <= len(words):
                self.bad_usage()
        ready(self.needs)
        thread = gdb.selected_thread()
        frame = gdb.selected_frame() if thread else None
        try:
            self.run(arguments)
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error}: the kernel may be changing this list just now; "
                               "step on a little and try again") from None
        finally:
            if not self.moves and thread and thread.is_valid():
                if gdb.selected_thread() != thread:
                    thread.switch()
                if frame.is_valid() and frame != gdb.selected_frame():
                    frame.select()

    def bad_usage(self):
        raise Failure(f"usage: {self.prefix}{self.name} {self.usage}".rstrip())

    def complete(self, argument, word):
        """Words that fit; '-' and '/' part words for gdb, so only the rest is to be given."""
        given = argument.split(" ")[-1]
        before = argument.split()[:-1 if given else None]
        usage = [w.strip("[]") for w in self.usage.split()]
        kind = "T" if self.options else usage[len(before)] if len(before) < len(usage) else ""
        words = list(self.options)
        try:
            words += self.words(kind, before)
        except (gdb.error, gdb.GdbError):
            pass
        cut = len(given) - len(word)
        return [w[cut:] for w in words if w.startswith(given)]

    def words(self, kind, before):
        """What can stand for a word of `usage`, behind these words."""
        kind = kind.rstrip("12")
        if kind not in ("T", "T|all", "P") or not cpu_count():
            return []
        numbers = {str(int(p["pid"])) for p in processes()} if kind == "P" else \
            {t.label for t in threads()}
        return sorted(numbers | {t.name for t in threads() if not t.is_idle}
                      | ({"all"} if kind == "T|all" else set()))


class Overview(gdb.Command):
    """heddle: all commands that know Heddle's threads, in one line each; `help NAME` says more."""

    def __init__(self):
        super().__init__("heddle", gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        rows = []
        for command in sorted(Command.all, key=lambda c: c.name):
            line = command.__doc__.splitlines()[0]
            usage, _, what = line.partition(": ")
            rows.append((usage, what))
        table(rows)


Overview()


def table(rows, right=()):
    """Print rows of words in columns; the first row is the heading."""
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [c.rjust(w) if i in right else c.ljust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def ms(ns):
    return f"{ns / 1e6:.3f} ms"
