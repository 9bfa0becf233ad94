# SPDX-License-Identifier: MIT
"""What threads wait for, and for whom."""
import kernel
import memory
from kernel import at, list_of, offset_of

# musl 1.2, pthread_mutex_t: int type, lock, waiters.  `lock` holds the owner's TID, except in
# plain mutexes (type 0), where it is 16 (EBUSY) for locked, whoever did it.
MUSL_TYPE, MUSL_LOCK, MUSL_PLAIN_LOCKED = 0, 4, 16
MUSL_OWNER_MASK = 0x3fffffff  # and the kernel's FUTEX_TID_MASK
PTHREAD_SIZE = 256  # of musl's struct pthread, at FS base: its join word is in it


def threads_words(found):
    """One thread, or any one of several; many are told as processes."""
    if len(found) == 1:
        return f"thread {found[0]}"
    if len(found) <= 4:
        return "one of the threads " + ", ".join(map(str, found))
    pids = sorted({t.pid for t in found})
    return f"one of {len(found)} threads of " + ("process " if len(pids) == 1 else "the processes ") \
        + ", ".join(map(str, pids))


class Sleepers:
    """A look at everything that is waited for, at one moment."""

    def __init__(self):
        self.threads = {t.tid: t for t in kernel.threads() if not t.is_idle}
        self._futex = self._timers = None

    # --- Futexes --------------------------------------------------------------------------------

    @property
    def futex_waiters(self):
        """thread's address: struct futex_waiter."""
        if self._futex is None:
            self._futex = {}
            buckets = kernel.variable("futex_buckets")
            size = buckets.type.target().sizeof
            count = buckets.type.range()[1] + 1
            base = int(buckets.address)
            first = next(f.bitpos // 8 for f in buckets.type.target().fields()
                         if f.name == "waiters")
            import gdb
            raw = gdb.selected_inferior().read_memory(base, size * count).tobytes()
            for i in range(count):
                head = base + i * size + first
                offset = i * size + first
                if int.from_bytes(raw[offset:offset + 8], "little") in (0, head):
                    continue
                for w in list_of(head, "struct futex_waiter", "link"):
                    self._futex[int(w["thread"])] = w
        return self._futex

    def futex_address(self, t):
        """The word in the thread's own address space, or None."""
        w = self.futex_waiters.get(t.address)
        if w is None:
            return None
        key = w["key"]
        if not int(key["object"]) >> 63 or int(key["object"]) >> 47 == (1 << 17) - 1:
            return int(key["offset"])  # private: (space, address)
        return int(t.user_frame["rdi"])

    def futex_owner(self, t):
        """(Thread that holds it or None, words)."""
        w = self.futex_waiters.get(t.address)
        address = self.futex_address(t)
        if address is None:
            return None, "a futex"
        joined = self.joined(t, address)
        if joined:
            return joined, f"the end of thread {joined}"
        if int(w["owner"]):
            owner = self.threads.get(int(w["owner"]))
            return owner, f"PI futex {address:#x}, held by {owner or int(w['owner'])}"
        try:
            word = memory.read_user_u32(t.root, address)
            kind = memory.read_user_u32(t.root, address - MUSL_LOCK + MUSL_TYPE)
        except kernel.Failure:
            return None, f"futex {address:#x}"
        owner = self.threads.get(word & MUSL_OWNER_MASK)
        if owner and owner != t and 0 < kind & 15 < 16:
            return owner, f"mutex {address - MUSL_LOCK:#x}, held by {owner}"
        if word & MUSL_OWNER_MASK == MUSL_PLAIN_LOCKED and kind == 0:
            return None, (f"futex {address:#x} = {word:#x} (a plain mutex of musl's: it does not "
                          "say who holds it)")
        return None, f"futex {address:#x} = {word:#x}"

    def joined(self, t, address):
        """pthread_join() waits on a word inside the other thread's own structure."""
        for other in self.threads.values():
            base = int(other["arch"]["fs_base"])
            if other.process == t.process and other != t and base and \
                    base <= address < base + PTHREAD_SIZE:
                return other
        return None

    # --- Locks of the kernel --------------------------------------------------------------------

    def lock_of(self, t):
        """(lock struct, its owner's Thread or None) that a thread sleeps on in the kernel."""
        queue = int(t["wait"]["object"])
        if t.wait_name == "mutex" and queue:
            m = at(queue - offset_of("struct mutex", "queue"), "struct mutex")
            return m, kernel.thread_at(int(m["owner"])) if int(m["owner"]) else None
        if t.wait_name == "rwlock" and queue:
            for member in ("readers_queue", "writers_queue"):
                lock = at(queue - offset_of("struct rwlock", member), "struct rwlock")
                if kernel.text(lock["class"]["name"]) and int(lock[member]["waiters"].address):
                    if -1 <= int(lock["holders"]) < 4096:
                        writer = int(lock["writer"])
                        return lock, kernel.thread_at(writer) if writer else None
        return None, None

    # --- Timers ---------------------------------------------------------------------------------

    @property
    def deadlines(self):
        """thread's address: when its sleep ends at the latest."""
        if self._timers is None:
            self._timers = {}
            try:
                fired = kernel.address_of("sleep_timer_fired")
            except kernel.Failure:
                return self._timers
            for cpu in kernel.scheduled_cpus():
                base = kernel.per_cpu("base_var", cpu, "timer.c")
                for timer in kernel.tree_of(int(base["tree"]["root"]), "struct timer", "node"):
                    if int(timer["fn"]) == fired:
                        s = at(int(timer.address) - offset_of("struct sleep_timer", "timer"),
                               "struct sleep_timer")
                        self._timers[int(s["thread"])] = int(timer["expires_ns"])
        return self._timers

    # --- In words -------------------------------------------------------------------------------

    def what(self, t):
        """Short, for a column; '' for who does not wait."""
        if t.on_cpu or t.state == "R":
            return ""
        if t.state == "Z":
            return "its parent's wait()"
        name = t.wait_name
        if t.state == "T":
            return "SIGCONT"
        words = name or "-"
        if name == "futex":
            address = self.futex_address(t)
            words = f"futex {address:#x}" if address is not None else "futex"
        elif name in ("mutex", "rwlock"):
            lock, owner = self.lock_of(t)
            if lock is not None:
                words = f"{name} {kernel.text(lock['class']['name'])}"
                words += f", held by {owner.label}" if owner else ""
        elif name == "sleep" and t.address not in self.deadlines:
            words = "a signal"
        if t.address in self.deadlines:
            words += f" (until {self.deadlines[t.address] / 1e9:.3f} s)"
        return words

    def waits_for(self, t):
        """[(Thread, why)]: who must do something before this thread goes on, as far as it is known
        of one thread or few."""
        if t.on_cpu or t.state in "RZX":
            return []
        name = t.wait_name
        if name == "futex":
            owner, words = self.futex_owner(t)
            return [(owner, words)] if owner else []
        if name in ("mutex", "rwlock"):
            lock, owner = self.lock_of(t)
            return [(owner, f"{name} {kernel.text(lock['class']['name'])}")] if owner else []
        if name == "child":
            p = kernel.process_of(t)
            return [(kernel.thread_at(int(c["leader"])), "the end of a child")
                    for c in list_of(p["children"], "struct process", "sibling_link")
                    if int(c["leader"])]
        if name in ("pipe_read", "pipe_write"):
            return [(o, "the other end of the pipe") for o in self.other_ends(t)]
        return []

    def other_ends(self, t):
        """Threads of the processes that have the other end of the pipe."""
        queue = int(t["wait"]["object"])
        reading = t.wait_name == "pipe_read"
        pipe = queue - offset_of("struct pipe", "readable" if reading else "writable")
        mode = 1 if reading else 0  # O_WRONLY, O_RDONLY
        for p in kernel.processes():
            if int(p["pid"]) and any(int(f["private"]) == pipe and int(f["flags"]) & 3 in (mode, 2)
                                     for _, f, _ in files_of(p)):
                for other in kernel.threads_of(p):
                    if other != t:
                        yield other


def files_of(process):
    """(descriptor, struct file, close on exec)."""
    if not int(process["files"]):
        return
    files = process["files"].dereference()
    for fd in range(int(files["size"])):
        chunk = files["chunks"][fd // 64]
        f = int(chunk["file"][fd % 64])
        if f:
            yield fd, at(f, "struct file"), bool(int(chunk["close_on_exec"]) >> fd % 64 & 1)


def file_words(f):
    """What an open file is: its path, or what its operations are those of."""
    if int(f["path"]):
        start = int(f["path"]) + offset_of("struct path_text", "text")
        import gdb
        return gdb.Value(start).cast(kernel.ctype("char").pointer()).string("utf-8", "replace")
    kind = kernel.symbol_at(int(f["ops"])).split("+")[0]
    inode = at(int(f["inode"]), "struct inode")
    return f"{kind.replace('_ops', '')}:[{int(inode['ino'])}]"
