# SPDX-License-Identifier: MIT
"""Commands that show locks, who waits for whom, and why a thread does not run."""
import functools
import re

import gdb

import kernel
import syscalls
import waits
from commands_threads import place_words
from kernel import Command, find_thread, table

LOCKS = ("spinlock", "mutex", "rwlock")


@functools.lru_cache(maxsize=None)
def locks_in(type_name):
    """[(path, offset, kind)] of the locks inside a structure, arrays left out."""
    found = []

    def look(t, path, offset):
        t = t.strip_typedefs()
        if t.code != gdb.TYPE_CODE_STRUCT:
            return
        if t.name in LOCKS:
            found.append((path, offset, t.name))
            return
        for f in t.fields():
            if f.name:
                look(f.type, f"{path}.{f.name}" if path else f.name, offset + f.bitpos // 8)

    look(kernel.ctype(type_name), "", 0)
    return found


@functools.lru_cache(maxsize=None)
def global_locks():
    """[(name, address, kind)] of the kernel's variables that are locks."""
    found = []
    for kind in LOCKS:
        text = gdb.execute(f"info variables -q -t ^struct.{kind}$", to_string=True)
        for name in sorted(set(re.findall(rf"struct {kind} (\w+);", text))):
            for symbol in kernel._symbols(name):  # of several files: of another kind, perhaps
                if symbol.type.strip_typedefs().name != kind:
                    continue
                found.append((name, int(symbol.value().address), kind))
    caches = kernel.variable("slab_caches")
    for i in range(int(kernel.variable("slab_cache_count"))):
        found.append((f"slab cache {kernel.text(caches[i]['name'])}",
                      int(caches[i]["lock"].address), "spinlock"))
    buckets = kernel.variable("futex_buckets")
    for i in range(buckets.type.range()[1] + 1):
        found.append((f"futex bucket {i}", int(buckets[i]["lock"].address), "spinlock"))
    return found


def known_locks():
    """(name, address, kind), each once."""
    seen = set()

    def once(name, address, kind):
        if address not in seen:
            seen.add(address)
            yield name, address, kind

    for lock in global_locks():
        yield from once(*lock)
    for cpu in kernel.scheduled_cpus():
        for path, offset, kind in locks_in("struct runqueue"):
            yield from once(f"run queue {cpu}", int(kernel.runqueue(cpu).address) + offset, kind)
        base = kernel.per_cpu("base_var", cpu, "timer.c")
        yield from once(f"timers of CPU {cpu}", int(base["lock"].address), "spinlock")
    for p in kernel.processes():
        pid = int(p["pid"])
        for path, offset, kind in locks_in("struct process"):
            yield from once(f"process {pid}: {path}", int(p.address) + offset, kind)
        if int(p["space"]):
            for path, offset, kind in locks_in("struct address_space"):
                yield from once(f"address space of {pid}: {path}", int(p["space"]) + offset, kind)
        for fd, f, _ in waits.files_of(p):
            for path, offset, kind in locks_in("struct file"):
                yield from once(f"process {pid}, file {fd}: {path}", int(f.address) + offset, kind)
            for path, offset, kind in locks_in("struct inode"):
                yield from once(f"process {pid}, file {fd}: inode.{path}", int(f["inode"]) + offset,
                                kind)
    for t in kernel.threads():
        queue = int(t["wait"]["object"])
        if t.wait_name == "mutex" and queue:
            yield from once(f"mutex that {t} waits for",
                            queue - kernel.offset_of("struct mutex", "queue"), "mutex")


def held(address, kind):
    """(holder in words, waiters in words) of a lock that is held or waited for; else None."""
    lock = kernel.at(address, f"struct {kind}")
    if kind == "spinlock":
        if not int(lock["owner"]):
            return None
        where = int(lock["where"])
        cpu = int(lock["owner"]) - 1
        return (f"CPU {cpu}" + (f", taken at {kernel.symbol_at(where)}" if where else ""), "-")
    if kind == "mutex":
        if not int(lock["owner"]) and not int(lock["waiters"]):
            return None
        owner = kernel.thread_at(int(lock["owner"])) if int(lock["owner"]) else "nobody yet"
        return f"thread {owner}", waiting(lock["queue"]) or "-"
    holders = int(lock["holders"])
    if not holders:
        return None
    who = f"thread {kernel.thread_at(int(lock['writer']))} (writes)" if holders < 0 \
        else kernel.count_words(holders, "reader")
    names = [waiting(lock[q]) for q in ("readers_queue", "writers_queue")]
    return who, ", ".join(n for n in names if n) or "-"


def waiting(queue):
    return ", ".join(str(kernel.thread_at(int(w["thread"]))) for w in
                     kernel.list_of(queue, "struct waiter", "link") if int(w["thread"]))


class Locks(Command):
    """heddle-locks: the kernel's locks that are held now: by whom, who waits; then the futexes.

Looks at all lock variables, and at the locks in processes, address spaces, open files, run queues.
Debug builds (DEBUG=1) also keep a list of what each CPU and thread holds; it is shown."""
    name = "locks"

    def run(self, arguments):
        rows = [("LOCK", "KIND", "HELD BY", "WAITERS")]
        for name, address, kind in known_locks():
            found = held(address, kind)
            if found:
                rows.append((f"{name} ({address:#x})", kind, *found))
        if len(rows) == 1:
            print("no lock of the kernel is held")
        else:
            table(rows)
        self.recorded()
        sleepers = waits.Sleepers()
        rows = [("FUTEX WAITER", "OF PROCESS", "FOR")]
        for t in sleepers.threads.values():
            if t.address in sleepers.futex_waiters:
                rows.append((t, t.pid, sleepers.futex_owner(t)[1]))
        if len(rows) > 1:
            table(rows)

    @staticmethod
    def recorded():
        def show(who, locks):
            for i in range(int(locks["count"])):
                h = locks["held"][i]
                print(f"{who} holds {kernel.text(h['class']['name'])} at {int(h['lock']):#x}, "
                      f"taken at {kernel.symbol_at(int(h['where']))}")

        if kernel.variable("cpu_locks", "lockdep.c").address is None:
            return  # not a debug build
        for cpu in kernel.scheduled_cpus():
            show(f"CPU {cpu}", kernel.per_cpu("cpu_locks", cpu, "lockdep.c"))
        for t in kernel.threads():
            show(f"thread {t}", t["held"])


def graph(sleepers):
    """{thread: [(for whom, why)]}."""
    return {t: sleepers.waits_for(t) for t in sleepers.threads.values()}


def cycles(edges):
    """Circles of threads, each one of which waits for the next; each named once.  Those who wait
    for any one of several are in none."""
    found, done = [], set()
    for start in edges:
        path, t = [], start
        while t not in done and t not in path and len(edges.get(t, ())) == 1:
            path.append(t)
            t = edges[t][0][0]
        if t in path:
            found.append(path[path.index(t):])
        done.update(path)
    return found


class Waitfor(Command):
    """heddle-waitfor: who waits for whom, and the circles in it (deadlocks).

Edges come from the kernel's mutexes and rwlocks, from futexes that say their owner (PI, and musl's
recursive, error-checking and robust mutexes), pthread_join(), wait(), and pipes.  A plain mutex of
musl's does not say who holds it."""
    name = "waitfor"

    def run(self, arguments):
        sleepers = waits.Sleepers()
        edges = graph(sleepers)
        any_edge = False
        for t, targets in edges.items():
            if targets:
                any_edge = True
                print(f"thread {t} -> {waits.threads_words([o for o, _ in targets])}: "
                      f"{targets[0][1]}")
        if not any_edge:
            print("no thread waits for another one that is known")
        for circle in cycles(edges):
            print("DEADLOCK: " + " -> ".join(str(t) for t in circle + circle[:1]))


class Why(Command):
    """heddle-why T: why is this thread not running?"""
    name, usage = "why", "T"

    def run(self, arguments):
        t = find_thread(arguments[0])
        sleepers = waits.Sleepers()
        print(f"thread {t} of process {t.pid}:")
        if t.on_cpu:
            print(f"  it gives up CPU {t.cpu} just now: it is in the run queue already"
                  if bool(t["on_queue"]) else f"  it is running, on CPU {t.cpu}")
            return
        if t.is_idle:
            print(f"  CPU {t.cpu} has other work: {kernel.running(t.cpu)} runs there")
            return
        if t.state == "R":
            self.ready(t)
            return
        if t.state in "ZX":
            print("  it has ended" + ("; its parent has not waited for it yet"
                                      if t.state == "Z" else ""))
            return
        if t.state == "T":
            signal = int(kernel.process_of(t)["stop"]["signal"])
            print(f"  stopped by signal {signal}; it waits for SIGCONT")
            return
        if t.is_user:
            f = t.user_frame
            print(f"  it is in {syscalls.entry_words(f)}")
            self.file(t, f)
        self.sleeping(t, sleepers)
        for circle in cycles(graph(sleepers)):
            if t in circle:
                print("  DEADLOCK: " + " -> ".join(str(x) for x in circle + circle[:1]))
        print("  " + ("signals wake it" if t.state == "S" else
                      "only a killing signal wakes it" if int(t["wait"]["flags"]) & 1 else
                      "no signal wakes it"))

    @staticmethod
    def file(t, f):
        if syscalls.is_syscall(f) and not int(f["error"]) >> 31 \
                and syscalls.name(int(f["error"])) in ("read", "write", "readv", "writev"):
            fd = int(f["rdi"])
            for number, file, _ in waits.files_of(kernel.process_of(t)):
                if number == fd:
                    print(f"  descriptor {fd} is {waits.file_words(file)}")

    @staticmethod
    def sleeping(t, sleepers):
        if t.wait_name == "futex":
            print(f"  asleep; waits for {sleepers.futex_owner(t)[1]}")
        else:
            print(f"  asleep; waits for {sleepers.what(t) or 'nothing that has a name'}")
        targets = sleepers.waits_for(t)
        if len(targets) > 1:
            print(f"  {targets[0][1]}: {waits.threads_words([o for o, _ in targets])}")
        for other, why in targets if len(targets) == 1 else ():
            print(f"  {why}: thread {other} of process {other.pid}, {other.state}, "
                  f"{place_words(other)}")
        if t.address in sleepers.deadlines:
            left = sleepers.deadlines[t.address] - kernel.newest_ns()
            print(f"  until {sleepers.deadlines[t.address] / 1e9:.6f} s on the machine's clock, "
                  f"{kernel.ms(left)} after its last event")

    @staticmethod
    def ready(t):
        seed = int(t["seed"]) and int(t["seed"]["group"])
        if not bool(t["on_queue"]):
            print(f"  it is on its way into a run queue, or giving up CPU {t.cpu} just now")
            return
        ahead = []
        for other in kernel.queued(t.cpu):
            if other == t:
                break
            ahead.append(str(other))
        if seed:
            print("  it is in a seeded group, of which one at a time runs")
        print(f"  it could run: it waits in the queue of CPU {t.cpu}, where "
              f"{kernel.running(t.cpu)} runs"
              + (f" and before it come {', '.join(ahead)}" if ahead else "; it is next"))


for command in (Locks, Waitfor, Why):
    command()
