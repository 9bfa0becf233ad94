# SPDX-License-Identifier: MIT
"""Read a trace in ftrace's text form, of Heddle or of Linux, and say who ran where and when.

The form is Linux's (Documentation/trace/ftrace.rst, "Output format"), with or without the column of
process ids ("record-tgid") and the column of flags:

    comm-tid   ( pid) [cpu] d..3 secs.nnnnnnnnn: event: arguments
"""
import collections
import re

LINE = re.compile(r"^\s*(?P<comm>.+?)-(?P<tid>\d+)\s+(?:\(\s*(?P<pid>\d+|-+)\)\s+)?"
                  r"\[(?P<cpu>\d+)\]\s+(?:(?P<flags>[A-Za-z0-9.#]{4,5})\s+)?"
                  r"(?P<secs>\d+)\.(?P<frac>\d+):\s+(?P<event>\w+):\s?(?P<args>.*)$")
SWITCH = re.compile(r"prev_comm=(?P<prev_comm>.*) prev_pid=(?P<prev>\d+) prev_prio=-?\d+ "
                    r"prev_state=(?P<state>\S+) ==> next_comm=(?P<next_comm>.*) "
                    r"next_pid=(?P<next>\d+) next_prio=-?\d+")
WAKING = re.compile(r"comm=(?P<comm>.*) pid=(?P<tid>\d+) prio=-?\d+ (?:success=1 )?"
                    r"target_cpu=(?P<cpu>\d+)")

Event = collections.namedtuple("Event", "time cpu tid comm name args flags")
Slice = collections.namedtuple("Slice", "cpu start end tid new_root state")
Wake = collections.namedtuple("Wake", "time cpu tid by target")
Mark = collections.namedtuple("Mark", "time cpu tid text")


class Bad(Exception):
    """A line that is none; the text says which."""


class Trace:
    """Times are in nanoseconds; slices are ordered by CPU and time."""

    def __init__(self, text):
        self.events, self.names, self.pids = [], {0: "idle"}, {}
        said = re.search(r"#P:(\d+)", text)
        for number, line in enumerate(text.splitlines(), 1):
            line = line.rstrip("\r")
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("CPU:") and line.endswith("[LOST EVENTS]"):
                continue
            match = LINE.match(line)
            if not match:
                raise Bad(f"line {number}: {line[:120]!r}")
            tid = int(match["tid"])
            nanoseconds = int(match["secs"]) * 10**9 + int(match["frac"].ljust(9, "0")[:9])
            self.events.append(Event(nanoseconds, int(match["cpu"]), tid, match["comm"].strip(),
                                     match["event"], match["args"], match["flags"] or ""))
            if tid:
                self.names.setdefault(tid, match["comm"].strip())
                if match["pid"] and match["pid"].isdigit():
                    self.pids[tid] = int(match["pid"])
        self.cpus = max(1 + max((e.cpu for e in self.events), default=0), int(said[1]) if said else 1)
        self.start = min((e.time for e in self.events), default=0)
        self.end = max((e.time for e in self.events), default=0)
        self.slices, self.wakes, self.marks = [], [], []
        self._follow()

    def _follow(self):
        running = {}  # cpu: [tid, since, whether the switch to it changed the address space]
        for event in self.events:
            if event.name == "sched_switch":
                match = SWITCH.match(event.args)
                if not match:
                    raise Bad(f"sched_switch: {event.args[:120]!r}")
                prev, following = int(match["prev"]), int(match["next"])
                tid, since, root = running.get(event.cpu, (prev, self.start, False))
                self.slices.append(Slice(event.cpu, since, event.time, tid, root, match["state"]))
                running[event.cpu] = [following, event.time, False]
                if prev:
                    self.names[prev] = match["prev_comm"]
                if following:
                    self.names[following] = match["next_comm"]
            elif event.name == "tlb_flush" and "task switch" in event.args:
                if event.cpu in running:
                    running[event.cpu][2] = True
            elif event.name in ("sched_waking", "sched_wakeup"):
                match = WAKING.match(event.args)
                if match:
                    self.wakes.append(Wake(event.time, event.cpu, int(match["tid"]), event.tid,
                                           int(match["cpu"])))
            elif event.name in ("tracing_mark_write", "print"):
                self.marks.append(Mark(event.time, event.cpu, event.tid, event.args))
        for cpu, (tid, since, root) in running.items():
            self.slices.append(Slice(cpu, since, self.end, tid, root, "R"))
        self.slices.sort()

    def page_data(self, letters=None):
        """What the page's timeline draws; times in microseconds from the trace's start."""
        def us(time):
            return round((time - self.start) / 1000, 3)
        ran = collections.Counter()
        for s in self.slices:
            ran[s.tid] += s.end - s.start
        return {
            "cpus": self.cpus,
            "length": us(self.end),
            "threads": {str(tid): {"name": self.names.get(tid, "?"), "pid": self.pids.get(tid, tid),
                                   "letter": (letters or {}).get(tid, ""),
                                   "ran": round(ran[tid] / 1000, 1)}
                        for tid in sorted(ran) if tid},
            "slices": [[s.cpu, us(s.start), us(s.end), s.tid, int(s.new_root), s.state]
                       for s in self.slices],
            "wakes": [[w.cpu, us(w.time), w.tid, w.by, w.target] for w in self.wakes],
            "marks": [[m.cpu, us(m.time), m.tid, m.text] for m in self.marks],
        }
