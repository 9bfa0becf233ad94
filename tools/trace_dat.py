# SPDX-License-Identifier: MIT
"""Write a trace as trace.dat, the binary file of trace-cmd and KernelShark (version 6 of the format:
`man trace-cmd.dat.v6`, package trace-cmd).

The file describes its own events: for each kind there is a text in the form of Linux's
events/SYSTEM/EVENT/format.  Below, one template for each kind gives that text, the pattern that takes
the values out of a line of ftrace text, and the layout of the binary record.  An event without a
template keeps its arguments as one text, so nothing is lost.
"""
import re
import struct

PAGE = 4096
HEAD = 16  # of a page: time of the first event, bytes of data
TIME_EXTEND, LONG = 30, 0  # types of an entry: a long gap; its length is in a word of its own
DELTA_BITS = 27            # of an entry's time, which is counted from the entry before it

THREAD = "comm={comm:16s} pid={pid:d} prio={prio:d}"
TEMPLATES = {
    "sched_switch": ("sched", "prev_comm={prev_comm:16s} prev_pid={prev_pid:d} prev_prio={prev_prio:d} "
                     "prev_state={prev_state:state} ==> next_comm={next_comm:16s} next_pid={next_pid:d} "
                     "next_prio={next_prio:d}"),
    "sched_waking": ("sched", THREAD + " target_cpu={target_cpu:03d}"),
    "sched_wakeup": ("sched", THREAD + " target_cpu={target_cpu:03d}"),
    "sched_migrate_task": ("sched", THREAD + " orig_cpu={orig_cpu:d} dest_cpu={dest_cpu:d}"),
    "sched_process_fork": ("sched", "comm={parent_comm:16s} pid={parent_pid:d} child_comm={child_comm:16s} "
                           "child_pid={child_pid:d}"),
    "sched_process_exec": ("sched", "filename={filename:96s} pid={pid:d} old_pid={old_pid:d}"),
    "sched_process_exit": ("sched", THREAD),
    "sys_enter": ("raw_syscalls", "NR {id:ld} ({a0:lx}, {a1:lx}, {a2:lx}, {a3:lx}, {a4:lx}, {a5:lx})"),
    "sys_exit": ("raw_syscalls", "NR {id:ld} = {ret:ld}"),
    "page_fault_user": ("exceptions", "address=0x{address:lx} ip=0x{ip:lx} error_code=0x{error_code:lx}"),
    "page_fault_kernel": ("exceptions", "address=0x{address:lx} ip=0x{ip:lx} error_code=0x{error_code:lx}"),
    "irq_handler_entry": ("irq", "irq={irq:d} name={name:32s}"),
    "irq_handler_exit": ("irq", "irq={irq:d} ret={ret:16s}"),
    "tlb_flush": ("tlb", "pages:{pages:ld} reason:{what:32s} ({reason:d})"),
}
MARKS = ("tracing_mark_write", "print")
MARK_IP = 0xffffffff80000000  # where "tracing_mark_write" is said to be, in the symbols below

STATES = {"S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 128}
PREEMPTED = 256
STATE_PRINT = ('(REC->prev_state & 255) ? __print_flags(REC->prev_state & 255, "|", %s) : "R", '
               'REC->prev_state & 256 ? "+" : ""' %
               ", ".join(f'{{ {bit}, "{letter}" }}' for letter, bit in STATES.items()))
FLAGS = {"d": 1, "N": 4, "n": 4, "p": 4, "h": 8, "H": 24, "s": 16}

HEADER_PAGE = """\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;
"""
HEADER_EVENT = """\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""
COMMON = [("unsigned short common_type", 2), ("unsigned char common_flags", 1),
          ("unsigned char common_preempt_count", 1), ("int common_pid", 4)]


# The forms of a template's fields: type in C, bytes, pattern in the text, conversion when printed.
FORMS = {"d": ("int", 4, r"(-?\d+)", "%d"), "03d": ("int", 4, r"(\d+)", "%03d"),
         "ld": ("long", 8, r"(-?\d+)", "%ld"), "lx": ("unsigned long", 8, "([0-9a-f]+)", "%lx"),
         "state": ("long", 8, r"(\S+)", "%s%s")}
SIZES = {4: "i", 8: "q"}


def state_value(text):
    """The number that Linux records for "S", "R+", ..."""
    return sum(STATES.get(c, 0) for c in text) | (PREEMPTED if text.endswith("+") else 0)


class Kind:
    """One kind of event: its format as text, and its records."""

    def __init__(self, number, name, system, template):
        self.number, self.name, self.system, self.fields = number, name, system, []
        pattern = words = ""
        values = []
        for text, field, form in re.findall(r"([^{]*)(?:\{(\w+):(\w+)\})?", template):
            pattern += re.escape(text)
            words += text
            if not field:
                continue
            if form[-1] == "s":
                size = int(form[:-1])
                found = (f"char {field}[{size}]", size, "(.*)", "%s")
            else:
                found = (f"{FORMS[form][0]} {field}", *FORMS[form][1:])
            self.fields.append((found[0], found[1], form))
            pattern, words = pattern + found[2], words + found[3]
            values.append(STATE_PRINT if form == "state" else f"REC->{field}")
        # Heddle says how the next thread got the CPU, in a field that Linux's format does not have.
        self.pattern = re.compile(pattern + r"(?: next_turn=\w+)?\s*$")
        self.printed = f'"{words}", {", ".join(values)}'

    def format(self):
        """The text of the file events/SYSTEM/EVENT/format, as Linux has it."""
        lines, offset = [f"name: {self.name}", f"ID: {self.number}", "format:"], 0
        for index, (declared, size, *_) in enumerate([*COMMON, *self.fields]):
            signed = int(declared.startswith(("int", "long")))
            lines += [""] * (index == len(COMMON))
            lines.append(f"\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{signed};")
            offset += size
        return "\n".join([*lines, "", f"print fmt: {self.printed}", ""])

    def record(self, text):
        """The values of an event's text; None if it has another form."""
        match = self.pattern.match(text)
        if not match:
            return None
        data = b""
        for (_, size, form), value in zip(self.fields, match.groups()):
            if form[-1] == "s":
                data += value.encode()[:size - 1].ljust(size, b"\0")
            else:
                number = state_value(value) if form == "state" else int(value, 16 if form == "lx" else 10)
                data += struct.pack("<" + SIZES[size], (number + 2**63) % 2**64 - 2**63)
        return data


class Text(Kind):
    """An event whose arguments stay text: a mark, or a kind without a template."""

    def __init__(self, number, name, system):
        self.number, self.name, self.system = number, name, system
        self.fields = [("unsigned long ip", 8), ("char buf[]", 0)]
        # Marks look like those of Linux, in whose line the function is named that recorded them.
        self.printed = '"%ps: %s", (void *)REC->ip, REC->buf' if system == "ftrace" else '"%s", REC->buf'

    def record(self, text):
        return struct.pack("<Q", MARK_IP) + text.encode() + b"\0"


class Kinds:
    """The kinds that a trace has, by the name of the event."""

    def __init__(self):
        self.mark = Text(5, "print", "ftrace")  # 5: as in Linux
        self.known = {}

    def of(self, event):
        """(kind, record) of an event."""
        if event.name in MARKS:
            return self.mark, self.mark.record(event.args)
        system, template = TEMPLATES.get(event.name, (None, None))
        number = 100 + len(self.known)
        kind = self.known.get(event.name) or (Kind(number, event.name, system, template) if system else
                                              Text(number, event.name, "other"))
        self.known[event.name] = kind
        record = kind.record(event.args)
        if record is None:
            self.known[event.name] = Text(kind.number, event.name, kind.system)
            return None, None
        return kind, record


def cpu_pages(events):
    """The ring buffer of one CPU: pages of Linux's form, from (event, kind, record) in order of time."""
    pages, data, first, last = [], b"", 0, 0
    for event, kind, record in events:
        preempt = int(event.flags[3], 16) if event.flags[3:4] not in ("", ".") else 0
        flags = sum(FLAGS.get(c, 0) for c in event.flags[:3])
        body = struct.pack("<HBBi", kind.number, flags, preempt, event.tid) + record
        body += b"\0" * (-len(body) % 4)
        words = len(body) // 4
        head = (struct.pack("<I", words) if words <= 28 else struct.pack("<II", LONG, len(body) + 4))
        if data and len(data) + 8 + len(head) + len(body) > PAGE - HEAD:
            pages.append((first, data))
            data = b""
        if not data:
            first = last = event.time
        delta, last = max(event.time - last, 0), max(event.time, last)
        if delta >> DELTA_BITS:
            low = delta & (1 << DELTA_BITS) - 1
            data += struct.pack("<II", TIME_EXTEND | low << 5, delta >> DELTA_BITS)
            delta = 0
        data += struct.pack("<I", struct.unpack_from("<I", head)[0] | delta << 5) + head[4:] + body
    if data:
        pages.append((first, data))
    return b"".join(struct.pack("<QQ", time, len(data)) + data.ljust(PAGE - HEAD, b"\0")
                    for time, data in pages)


def with_size(text, size="<Q"):
    data = text.encode()
    return struct.pack(size, len(data)) + data


def option(number, text):
    data = text.encode() + b"\0"
    return struct.pack("<HI", number, len(data)) + data


def header(trace, kinds, system):
    """All of the file before the places of the CPUs' data."""
    systems = {}
    for kind in kinds.known.values():
        systems.setdefault(kind.system, []).append(kind)
    out = b"\x17\x08\x44tracing6\0" + struct.pack("<BBI", 0, 8, PAGE)
    out += b"header_page\0" + with_size(HEADER_PAGE) + b"header_event\0" + with_size(HEADER_EVENT)
    out += struct.pack("<I", 1) + with_size(kinds.mark.format())
    out += struct.pack("<I", len(systems))
    for name, members in systems.items():
        out += name.encode() + b"\0" + struct.pack("<I", len(members))
        out += b"".join(with_size(kind.format()) for kind in members)
    out += with_size(f"{MARK_IP:016x} T tracing_mark_write\n{MARK_IP + 4096:016x} T text_end\n", "<I")
    out += struct.pack("<I", 0)  # formats of trace_printk()
    out += with_size("".join(f"{tid} {name}\n" for tid, name in sorted(trace.names.items()) if tid))
    out += struct.pack("<I", trace.cpus) + b"options  \0"
    out += option(4, "[mono]") + option(5, system) + struct.pack("<H", 0)  # TRACECLOCK, UNAME
    return out + b"flyrecord\0"


def data_of(trace, system="Heddle"):
    """The bytes of trace.dat for a trace (ftrace.Trace)."""
    kinds, cpus = Kinds(), [[] for _ in range(trace.cpus)]
    for event in trace.events:
        kinds.of(event)  # once before: a kind whose text differs becomes text for all of its events
    for event in sorted(trace.events, key=lambda e: e.time):
        kind, record = kinds.of(event)
        cpus[event.cpu].append((event, kind, record))
    rings = [cpu_pages(events) for events in cpus]
    out = header(trace, kinds, system)
    place = len(out) + 16 * len(rings)
    start = place + -place % PAGE
    places = b""
    for ring in rings:
        places += struct.pack("<QQ", start, len(ring))
        start += len(ring)
    out += places
    return out + b"\0" * (-len(out) % PAGE) + b"".join(rings)
