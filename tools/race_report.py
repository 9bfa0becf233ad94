# SPDX-License-Identifier: MIT
"""A run of a program in words: the table of its steps, and why it failed.  Used by tools/race.py."""
import collections
import signal

READS = {"read", "atomic-read"}
WRITES = {"write", "atomic-write", "atomic-change"}
WAITS = {"lock-wait", "cond-wait", "sem-wait", "barrier-wait", "join-wait"}
LOCKS = ("mutex", "lock for reading", "lock for writing", "spin lock")
ROWS_MAX = 70
FAULTS = (signal.SIGSEGV, signal.SIGBUS)

Event = collections.namedtuple("Event", "thread kind size owner point pc frame_pc frame_offset "
                                        "address value old")


def event(words):
    """One line `@event` of race."""
    n = [int(w, 16 if i >= 4 and i != 6 else 10) for i, w in enumerate(words[2:], 1)]
    return Event(int(words[0]), words[1], n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])


def thread_name(number):
    return "main" if number == 0 else f"T{number}" if number < 255 else "a thread"


class Blocks:
    """The blocks of malloc(), by their addresses."""

    def __init__(self, events):
        self.list = [e for e in events if e.kind == "malloc"]
        self.freed = {e.address: e for e in events if e.kind == "free"}

    def at(self, address):
        """(number, event, offset) of the block that contains the address or is next to it."""
        for number, e in enumerate(self.list, 1):
            if e.address - 32 <= address < e.address + e.value + 32:
                return number, e, address - e.address
        return None


class Run:
    def __init__(self, program, words):
        """`words`: what race printed of the run."""
        self.program, self.steps = program, words["points"]
        self.events = events = self.placed(words["events"])
        self.numbers = {id(e): n for e, n in zip(events, words["numbers"])}
        self.blocks = Blocks(events)
        program.look_up([e.pc for e in events])
        users = collections.defaultdict(set)
        written = set()
        for e in events:
            if e.kind in READS | WRITES:
                users[e.address].add(e.thread)
                if e.kind in WRITES:
                    written.add(e.address)
        self.first = {}  # the first access to each address
        for e in events:
            if e.kind in READS | WRITES:
                self.first.setdefault(e.address, e)
        self.shared = {a for a, threads in users.items() if len(threads) > 1 and a in written}

    def placed(self, events):
        """A fault in the runtime, which reads before the program does, is the program's."""
        last, result = {}, []
        for e in events:
            if e.kind == "crash" and e.value in FAULTS and e.thread in last \
                    and self.program.function_at(e.pc) is None:
                e = e._replace(pc=last[e.thread].pc)
            last[e.thread] = e
            result.append(e)
        return result

    def line(self, pc):
        """The number of a line of the program; empty for a place in the C library."""
        return self.program.place(pc)[2] if self.program.function_at(pc) else ""

    # --- Names and values ---

    def variable(self, e):
        """(name, type) of what an event accesses."""
        found = self.program.global_at(e.address)
        if found:
            return found
        if e.owner != 255:
            found = self.program.local_at(e.frame_pc, e.frame_offset)
            if found:
                function = self.program.place(e.frame_pc)[0]
                here = self.program.place(e.pc)[0]
                return (found[0] if function == here else f"{function}()'s {found[0]}"), found[1]
        return self.address_name(e.address) or (
            "a temporary" if e.owner == e.thread else f"memory at {e.address:#x}", None)

    def address_name(self, address):
        block = self.blocks.at(address)
        if not block:
            return None
        number, made, offset = block
        struct = self.program.struct_of_size(made.value)
        if struct is not None and 0 <= offset < made.value:
            name, kind = self.program.part("", struct, offset)
            if name.startswith("."):
                return f"block {number}: {name[1:]}", kind
        return f"block {number}" + (f", byte {offset}" if offset else ""), None

    def value(self, number, kind, size):
        if kind is not None and kind.tag == "DW_TAG_pointer_type":
            return self.pointer(number)
        encoding = kind.text("DW_AT_encoding") if kind is not None else ""
        name = kind.text("DW_AT_name") if kind is not None else ""
        if "boolean" in encoding:
            return "true" if number else "false"
        if "char" in encoding and 32 <= number < 127:
            return repr(chr(number))
        if "float" in encoding:
            import struct
            form, length = {"float": ("f", 4), "double": ("d", 8)}.get(name, (None, 8))
            return f"{struct.unpack(form, number.to_bytes(8, 'little')[:length])[0]:g}" if form else "?"
        if size > 8:
            return f"{size} bytes"
        signed = kind is None or "unsigned" not in encoding
        if kind is not None and kind.tag == "DW_TAG_enumeration_type":
            for child in kind.children:
                if child.number("DW_AT_const_value") == number:
                    return child.text("DW_AT_name")
        bits = 8 * size
        if signed and bits and number >> (bits - 1):
            number -= 1 << bits
        return str(number)

    def pointer(self, address):
        if not address:
            return "NULL"
        found = self.program.variable_at(address) or self.program.global_at(address)
        if found:
            return f"&{found[0]}"
        block = self.blocks.at(address)
        if block and not block[2]:
            return f"block {block[0]}"
        name = self.address_name(address)
        return f"&({name[0]})" if name else f"{address:#x}"

    def object(self, address, e=None):
        """The name of a lock, a condition variable and the like."""
        found = self.program.global_at(address)
        if found:
            name = found[0]
            return name.split("+")[0].split(".__")[0]
        if e is not None and e.owner != 255:
            local = self.program.local_at(e.frame_pc, e.frame_offset)
            if local:
                return local[0].split("+")[0].split(".__")[0]
        name = self.address_name(address)
        return name[0] if name else f"{address:#x}"

    def where(self, pc):
        function, file, line = self.program.place(pc)
        return f"{file.rsplit('/', 1)[-1]}:{line}, in {function}()"

    # --- One row ---

    def what(self, e, holders):
        kind, name = e.kind, None
        if kind in READS | WRITES:
            name, type_ = self.variable(e)
            new, old = (self.value(v, type_, e.size) for v in (e.value, e.old))
            atomic = "atomically " if kind.startswith("atomic") else ""
            if e.size > 8:
                return f"{'reads' if kind in READS else 'writes'} {e.size} bytes from {name} on"
            if kind in READS:
                return f"{atomic}reads {name}: {new}"
            if kind == "atomic-change":
                return f"atomically changes {name}: {old} to {new}"
            if e.owner != 255 and self.first[e.address] is e:
                return f"{atomic}writes {name}: {new}"  # what was on the stack means nothing
            return f"{atomic}writes {name}: {new} (was {old})"
        if kind in ("create", "join", "join-wait"):
            other = thread_name(e.value)
            if kind == "create":
                return f"creates {other}, which runs {self.program.place(e.address)[0]}()"
            return f"{other} has ended" if kind == "join" else f"waits for the end of {other}"
        name = self.object(e.address, e) if e.address else ""
        if kind in ("free", "bad-free") and (block := self.blocks.at(e.address)):
            name = f"block {block[0]}"
        if kind == "bad-access":
            name = self.variable(e)[0]
        if kind in ("lock", "unlock", "lock-wait", "lock-failed"):
            kind_name = "" if e.value in (0, 3) else f" ({LOCKS[e.value][5:]})"
            return {"lock": f"locks {name}{kind_name}", "unlock": f"unlocks {name}",
                    "lock-wait": f"waits for {name}{kind_name}, held by {self.holder(e, holders)}",
                    "lock-failed": f"does not get {name}"}[kind]
        return {"cond-wait": f"waits for {name}, unlocks {self.object(e.value)}",
                "cond-wake": f"is woken from {name}, locks {self.object(e.value)}",
                "cond-timeout": f"waits for {name}, times out",
                "signal": f"signals {name}", "broadcast": f"broadcasts {name}",
                "sem-wait": f"waits for {name}: it is 0", "sem-take": f"takes {name}: {e.value} left",
                "sem-failed": f"does not get {name}", "sem-post": f"posts {name}: {e.value}",
                "barrier-wait": f"waits at {name}", "barrier-pass": f"passes {name}",
                "start": "starts", "end": "ends", "yield": "yields",
                "sleep": "sleeps", "once": f"pthread_once({name})", "fence": "fence",
                "malloc": f"malloc({e.value})", "free": f"frees {name}",
                "bad-access": f"uses {name}", "bad-free": f"frees {name} again",
                "crash": f"gets {signal_name(e.value)}"}.get(kind, kind)

    @staticmethod
    def holder(e, holders):
        owner = holders.get(e.address)
        return " and ".join(map(thread_name, sorted(owner))) if owner else "no thread"

    # --- The table ---

    def is_shown(self, e, mode):
        """Does the table have this event?  `mode`: "all"; "long" for a run without an end."""
        if mode == "all":
            return True
        if e.kind in READS | WRITES:
            return e.address in self.shared or (mode == "long" and e.owner == 255)
        return e.kind not in ("start", "malloc")

    def rows(self, mode):
        """[(the switch before it or None, number, text, times)]: equal rows in a row are one."""
        holders, last, result, before = collections.defaultdict(set), None, [], None
        for i, e in enumerate(self.events):
            text = self.row(e, holders)
            track(e, holders)
            if not self.is_shown(e, mode):
                continue
            switch = self.switch(last, e, i) if last and last.thread != e.thread else None
            last = e
            if text == before and not switch:
                result[-1][3] += 1
                continue
            before = text
            result.append([switch, self.numbers[id(e)], text, 1])
        return result

    def row(self, e, holders):
        line = "" if e.kind == "end" else self.line(e.pc)
        source = self.program.source(e.pc) if line and e.kind != "start" else ""
        return (f"{thread_name(e.thread):<6} {line:>4} {source[:26]:<26}  "
                f"{self.what(e, holders)}")

    def table(self, mode=""):
        """The lines of the table."""
        rows = self.rows(mode)
        most = 30 if mode == "long" else len(rows) if mode == "all" else ROWS_MAX
        cut = range(most // 2, len(rows) - most // 2) if len(rows) > most else range(0)
        yield f"{'step':>5} {'thread':<6} {'line':>4} {'source':<26}  what it does"
        for n, (switch, number, text, times) in enumerate(rows):
            if n in cut:
                if n == cut.start:
                    yield "      ... steps are left out here"
                continue
            if switch:
                yield switch
            yield f"{number:>5} {text}" + (f" ({times} times)" if times > 1 else "")
        hidden = len(self.events) - sum(times for *_, times in rows)
        if hidden:
            yield f"      ({hidden} steps are not shown: variables of one thread, or only read)"

    def switch(self, last, e, index):
        before, now = thread_name(last.thread), thread_name(e.thread)
        why = f"{before} waits" if last.kind in WAITS else f"{before} has ended"
        if last.kind not in WAITS and last.kind != "end":
            nxt = next((x for x in self.events[index:] if x.thread == last.thread), None)
            why = f"{before} is preempted" + (f" before line {self.line(nxt.pc)}"
                                              if nxt and nxt.kind != "end" else "")
        return f"      ---- {why}; {now} runs"

    def threads(self):
        """One line for each thread: what it runs."""
        for e in self.events:
            if e.kind == "create":
                function = self.program.place(e.address)[0]
                yield (f"  {thread_name(e.value)} runs {function}(), created by "
                       f"{thread_name(e.thread)} at line {self.program.place(e.pc)[2]}")

    def data_race(self, a, b):
        """Two accesses that nothing orders, in words; the lower line first."""
        a, b = sorted((a, b), key=lambda e: (self.program.place(e.pc)[2], e.kind))
        acts = [f"{'reads' if e.kind in READS else 'writes'} it at line {self.line(e.pc)}"
                for e in (a, b)]
        return f"  {self.variable(a)[0]}: one thread {acts[0]}, another one {acts[1]}"

    # --- Why it failed ---

    def last_of(self):
        last = {}
        for e in self.events:
            last[e.thread] = e
        return {t: e for t, e in last.items() if e.kind != "end"}

    def state(self):
        """(holders, waits): who holds each lock, and {thread: (what it waits for, event)}."""
        holders, queue, waits = collections.defaultdict(set), collections.defaultdict(list), {}
        for e in self.events:
            waits.pop(e.thread, None)
            track(e, holders)
            if e.kind == "cond-wait":
                queue[e.address].append(e.thread)
            if e.kind == "cond-wake" and e.thread in queue[e.address]:
                queue[e.address].remove(e.thread)
            if e.kind in WAITS:
                waits[e.thread] = ("lock" if e.kind == "lock-wait" else e.kind[:-5], e)
            if e.kind in ("signal", "broadcast"):
                woken = queue[e.address][:1 if e.kind == "signal" else None]
                del queue[e.address][:len(woken)]
                for t in woken:  # it has been woken, and waits for the mutex now
                    waits[t] = ("relock", waits[t][1])
        return holders, waits

    def hang(self):
        """(headline, lines)."""
        holders, waits = self.state()
        lines, edges = [], {}
        for t, (kind, e) in sorted(waits.items()):
            address = e.value if kind == "relock" else e.address
            place = f"line {self.program.place(e.pc)[2]}"
            if kind in ("lock", "relock"):
                owners = sorted(holders.get(address, ()))
                edges[t] = owners
                lines.append(f"  {thread_name(t)} waits for {self.object(address, e)} at {place}; "
                             + (f"held by {' and '.join(map(thread_name, owners))}" if owners
                                else "held by no thread") + self.since(owners, address))
            elif kind == "join":
                edges[t] = [e.value]
                lines.append(f"  {thread_name(t)} waits for the end of {thread_name(e.value)} "
                             f"at {place}")
            else:
                lines += self.other_wait(t, kind, e, place)
        cycle = find_cycle(edges)
        if cycle:
            return (f"a deadlock: {' -> '.join(map(thread_name, cycle))}, each waits for the next",
                    lines)
        if any(kind == "cond" for kind, _ in waits.values()):
            lost = any(self.lost_signals(e) for k, e in waits.values() if k == "cond")
            return ("a lost wake-up: the signal came before the wait" if lost else
                    "a wait for a condition that no thread signals"), lines
        for t, owners in edges.items():
            gone = [o for o in owners if o not in waits and waits[t][0] != "join"]
            if gone:
                return (f"{thread_name(gone[0])} has ended and still holds "
                        f"{self.object(waits[t][1].address)}"), lines
        if waits:
            return "each thread waits, and none can wake another", lines
        lines += [f"  {thread_name(t)}: its last step was at line {self.line(e.pc)}"
                  for t, e in sorted(self.last_of().items())]
        return "a system call waits, and no thread of the program can end that", lines

    def since(self, owners, address):
        for e in reversed(self.events):
            if e.kind in ("lock", "cond-wake") and e.thread in owners and address in (
                    e.address, e.value):
                return f" since line {self.program.place(e.pc)[2]}"
        return ""

    def lost_signals(self, wait):
        """The signals for this condition that came before the wait and woke no thread."""
        waiting, lost = 0, []
        for e in self.events:
            if e is wait:
                return lost
            if e.address == wait.address:
                waiting += (e.kind == "cond-wait") - (e.kind == "cond-wake")
                if e.kind in ("signal", "broadcast") and not waiting:
                    lost.append(e)
        return lost

    def other_wait(self, t, kind, e, place):
        name = self.object(e.address, e)
        if kind == "cond":
            yield f"  {thread_name(t)} waits for the condition {name} at {place}"
            lost = self.lost_signals(e)
            for s in lost[-1:]:
                yield (f"    {thread_name(s.thread)} signalled {name} at line "
                       f"{self.program.place(s.pc)[2]} (step {self.numbers[id(s)]}), before that "
                       "wait: no thread was waiting")
            yield "    no thread is left that could signal it"
        elif kind == "sem":
            yield f"  {thread_name(t)} waits for the semaphore {name} at {place}; its value is 0"
        else:
            n = sum(1 for x in self.last_of().values()
                    if x.kind == "barrier-wait" and x.address == e.address)
            yield f"  {thread_name(t)} waits at the barrier {name} at {place}, with {n - 1} others"

    def crash(self):
        crashes = [e for e in self.events if e.kind == "crash"]
        if not crashes:
            return "a crash", []
        e = crashes[-1]
        target = self.pointer(e.address)
        lines = [f"  {thread_name(e.thread)} at {self.where(e.pc)}:",
                 f"    {self.program.source(e.pc)}"]
        if e.value in FAULTS:
            if e.address < 4096:
                target = f"{e.address:#x}: a NULL pointer, or a member of what it points to"
            lines.append(f"  the address is {target}")
        return f"a crash by {signal_name(e.value)}", lines

    def memory(self, message):
        e = self.events[-1]
        block = self.blocks.at(e.address)
        lines = [f"  {thread_name(e.thread)} at {self.where(e.pc)}:", f"    {self.program.source(e.pc)}"]
        if block:
            number, made, offset = block
            lines.append(f"  block {number} has {made.value} bytes, allocated by "
                         f"{thread_name(made.thread)} at {self.where(made.pc)}; offset {offset}")
            freed = self.blocks.freed.get(made.address)
            if freed:
                lines.append(f"  it was freed by {thread_name(freed.thread)} at "
                             f"{self.where(freed.pc)} (step {self.numbers[id(freed)]})")
        return message, lines

    def long(self):
        """A run that was stopped: what its threads did in the end."""
        if self.events and self.events[-1].kind == "crash":  # SIGXCPU
            e = self.events[-1]
            return ("the program used 5 s of CPU time without an end", [
                f"  {thread_name(e.thread)} loops without a step at line {self.line(e.pc) or '?'}: "
                f"{self.program.source(e.pc)}"])
        tail = self.events[-1000:]
        changed = [e for e in tail if e.kind in WRITES and e.value != e.old]
        lines = []
        for t in sorted({e.thread for e in tail}):
            numbers = sorted({self.program.place(e.pc)[2] for e in tail if e.thread == t
                              and e.kind != "end"})
            names = sorted({self.variable(e)[0] for e in tail if e.thread == t
                            and e.kind in READS | WRITES} - {"a temporary"})
            lines.append(f"  {thread_name(t)} is at line{'s' * (len(numbers) > 1)} "
                         f"{', '.join(map(str, numbers[:6]))}; uses {', '.join(names[:5]) or 'no variable'}")
        holders, waits = self.state()
        lines += [f"  {thread_name(t)} waits: {self.what(e, holders)}" for t, (_, e) in waits.items()]
        if not changed:
            return (f"no progress. After {self.steps} steps the program has not ended, and in the "
                    f"last {len(tail)} of them no variable changed"), lines
        return (f"the program has not ended after {self.steps} steps: a livelock, or only a long "
                "program (STEPS= raises the limit)"), lines


def track(e, holders):
    """Follow who holds which lock."""
    if e.kind == "lock":
        holders[e.address].add(e.thread)
    elif e.kind == "unlock":
        holders[e.address].discard(e.thread)
    elif e.kind == "cond-wait":
        holders[e.value].discard(e.thread)
    elif e.kind == "cond-wake":
        holders[e.value].add(e.thread)


def find_cycle(edges):
    """A list of threads, of which the first is also the last; None."""
    for start in sorted(edges):
        path, t = [], start
        while t in edges and t not in path:
            path.append(t)
            t = edges[t][0] if edges[t] else None
        if t in path:
            cycle = path[path.index(t):]
            first = cycle.index(min(cycle))
            cycle = cycle[first:] + cycle[:first]
            return cycle + cycle[:1]
    return None


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
