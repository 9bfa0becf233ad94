# SPDX-License-Identifier: MIT
"""Data races: two accesses to one variable by two threads, at least one a write and at least one not
atomic, that no lock and no other synchronization orders (ISO C11, 5.1.2.4).  They are found in the
events of a single run by vector clocks (Lamport 1978; Flanagan and Freund, "FastTrack", 2009), so the
run need not have failed.  Used by tools/race.py."""
import collections

PLAIN = {"read": False, "write": True}
ATOMIC = {"atomic-read": False, "atomic-write": True, "atomic-change": True}


class Clock(collections.defaultdict):
    """How many of its own steps each thread had made that happened before now."""

    def __init__(self, other=()):
        super().__init__(int, other)

    def join(self, other):
        for thread, count in other.items():
            self[thread] = max(self[thread], count)


class Order:
    """Follows the events of a run; `races` are pairs of events, the earlier one first."""

    def __init__(self):
        self.threads = collections.defaultdict(Clock)
        self.objects = collections.defaultdict(Clock)
        self.last = collections.defaultdict(dict)  # byte: {(thread, is a write, atomic): event, count}
        self.races = []

    def acquire(self, thread, key):
        self.threads[thread].join(self.objects[key])

    def release(self, thread, key):
        self.objects[key].join(self.threads[thread])
        self.threads[thread][thread] += 1

    def synchronize(self, e):
        """The events that order others."""
        t, kind = e.thread, e.kind
        if kind in ("lock", "sem-take", "barrier-pass", "once"):
            self.acquire(t, e.address)
        elif kind in ("unlock", "sem-post", "barrier-wait", "signal", "broadcast"):
            self.release(t, e.address)
        elif kind in ("cond-wait", "cond-timeout"):
            self.release(t, e.value)
        elif kind == "cond-wake":
            self.acquire(t, e.address)
            self.acquire(t, e.value)
        elif kind == "create":
            self.release(t, ("start", e.value))
        elif kind == "start":
            self.acquire(t, ("start", t))
        elif kind == "end":
            self.release(t, ("end", t))
        elif kind == "join":
            self.acquire(t, ("end", e.value))
        if kind == "once":
            self.release(t, e.address)

    def access(self, e, write, atomic):
        now = self.threads[e.thread]
        # Memory that has another owner was the stack of a thread that has ended.
        for byte in range(e.address, e.address + min(max(e.size, 1), 16)):
            for (thread, wrote, was_atomic), (before, count) in self.last[byte].items():
                if thread != e.thread and (write or wrote) and not (atomic and was_atomic) \
                        and now[thread] < count and before.owner == e.owner:
                    self.races.append((before, e))
            self.last[byte][e.thread, write, atomic] = (e, now[e.thread])

    def add(self, e):
        self.threads[e.thread][e.thread] = max(1, self.threads[e.thread][e.thread])
        if e.kind in ATOMIC:
            self.acquire(e.thread, e.address)
            self.access(e, ATOMIC[e.kind], True)
            self.release(e.thread, e.address)
        elif e.kind in PLAIN:
            self.access(e, PLAIN[e.kind], False)
        else:
            self.synchronize(e)


def races(events):
    """[(earlier event, later event)], one for each pair of instructions."""
    order, found = Order(), {}
    for e in events:
        if e.kind in ("malloc", "free"):  # another life of these bytes
            continue
        order.add(e)
    for a, b in order.races:
        found.setdefault(frozenset((a.pc, b.pc)), (a, b))
    return list(found.values())
