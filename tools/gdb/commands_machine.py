# SPDX-License-Identifier: MIT
"""Commands that show CPUs, run queues, interrupts and the trace."""
import kernel
import syscalls
from commands_threads import place_of
from kernel import Command, table

TYPES = ("sched_switch", "sched_waking", "sched_migrate_task", "sched_process_fork",
         "sched_process_exec", "sched_process_exit", "sys_enter", "sys_exit", "page_fault_user",
         "page_fault_kernel", "irq_handler_entry", "irq_handler_exit", "tlb_flush",
         "tracing_mark_write")


class Runq(Command):
    """heddle-runq: each CPU's run queue: who runs, how much of the slice is left, who is next.

Times are as of the last event that the machine wrote down."""
    name = "runq"

    def run(self, arguments):
        slice_ns = int(kernel.variable("slice_ns", "task/sched.c"))
        now = kernel.newest_ns()
        for cpu in kernel.scheduled_cpus():
            rq = kernel.runqueue(cpu)
            t = kernel.running(cpu)
            line = f"CPU {cpu}: {t} runs"
            if not t.is_idle:
                left = min(slice_ns, max(0, int(rq["turn_end_ns"]) - now))
                line += f", {kernel.ms(left)} of its slice of {kernel.ms(slice_ns)} left"
            print(line + f"; {int(rq['queued'])} ready")
            for n in kernel.queued(cpu):
                waited = max(0, now - int(n["use"]["queued_since_ns"]))
                turn = ("a slice of " + kernel.ms(slice_ns), "the rest of its slice, ",
                        "it slept, the rest of its slice, ")[int(n["turn"])]
                rest = kernel.ms(int(n["slice_left_ns"])) if int(n["turn"]) else ""
                print(f"    {n} of process {n.pid}: ready for {kernel.ms(waited)}, then {turn}{rest}")


class Cpu(Command):
    """heddle-cpu: each CPU: mode, root, current thread, preemption, interrupts."""
    name = "cpu"

    def run(self, arguments):
        rows = [("CPU", "APIC", "THREAD", "MODE", "IF", "CR3", "PREEMPT", "RESCHED", "IRQ DEPTH",
                 "FPU OF", "INTERRUPTS", "AT")]
        for cpu in kernel.scheduled_cpus():
            c = kernel.cpu_struct(cpu)
            kernel.select_cpu(cpu)
            pc = kernel.register_u64("rip")
            owner = int(c["fpu_owner"])
            lazy = " lazily" if c["pmap_lazy"] else ""
            rows.append((cpu, int(c["apic_id"]), kernel.running(cpu),
                         "kernel" if kernel.in_kernel() else "user",
                         "on" if kernel.register_u64("eflags") >> 9 & 1 else "off",
                         f"{kernel.register_u64('cr3'):#x}{lazy}", int(c["preempt_count"]),
                         int(c["need_resched"]), int(c["irq_depth"]),
                         kernel.thread_at(owner - kernel.offset_of("struct thread", "arch")).label if owner else "-", int(c["interrupts"]),
                         place_of(pc, kernel.running(cpu))))
        table(rows)


class Irq(Command):
    """heddle-irq: interrupts taken by each CPU, the handlers of devices, the timers armed."""
    name = "irq"
    needs = "kernel"

    def run(self, arguments):
        for cpu in range(kernel.cpu_count()):
            c = kernel.cpu_struct(cpu)
            depth = int(c["irq_depth"])
            print(f"CPU {cpu}: {int(c['interrupts'])} interrupts taken"
                  + (f", in a handler now (depth {depth})" if depth else ""))
            if cpu not in kernel.scheduled_cpus():
                continue
            base = kernel.per_cpu("base_var", cpu, "timer.c")
            for timer in kernel.tree_of(int(base["tree"]["root"]), "struct timer", "node"):
                print(f"    timer at {int(timer['expires_ns']) / 1e9:.6f} s: "
                      f"{kernel.symbol_at(int(timer['fn']))}")
        handlers = kernel.variable("handlers", "ioapic.c")
        for irq in range(handlers.type.range()[1] + 1):
            if int(handlers[irq]):
                print(f"ISA interrupt {irq}, vector {kernel.constant('VECTOR_IRQ_BASE') + irq:#x}: "
                      f"{kernel.symbol_at(int(handlers[irq]))}")
        for name in ("VECTOR_TIMER", "VECTOR_RESCHEDULE", "VECTOR_CALL", "VECTOR_SPURIOUS"):
            vector = kernel.constant(name)
            print(f"vector {vector:#x}: {syscalls.vector_words(vector)}")


def last_events(count):
    """(time, CPU, event) of all rings, oldest first."""
    found = [(int(e["time_ns"]), cpu, e) for cpu in range(kernel.cpu_count())
             for e in kernel.ring_events(cpu, count)]
    found.sort(key=lambda x: x[0])
    return found[-count:]


def event_words(e):
    kind = TYPES[int(e["type"])] if int(e["type"]) < len(TYPES) else str(int(e["type"]))
    value, other = int(e["value"]), int(e["other"])
    name = kernel.text(e["other_name"])
    args = e["args"]
    words = {
        "sched_switch": lambda: f"{kernel.text(e['name'])}-{int(e['tid'])} "
                                f"{'RSDTZX'[value >> 24] if value >> 24 < 6 else '?'}"
                                f"{'+' if value >> 16 & 1 else ''} ==> {name}-{other}"
                                f"{', root changed' if value >> 12 & 1 else ''}",
        "sched_waking": lambda: f"{name}-{other}, last on CPU {value}",
        "sched_migrate_task": lambda: f"{name}-{other} from CPU {value & 0xffff} to {value >> 16}",
        "sched_process_fork": lambda: f"child {name}-{other}",
        "sched_process_exec": lambda: kernel.text(e["text"]),
        "sys_enter": lambda: f"{syscalls.name(value)}("
                             + ", ".join(syscalls.number_words(int(args[i])) for i in range(3))
                             + ", ...)",
        "sys_exit": lambda: f"{syscalls.name(value)} = "
                            f"{int(args[0]) - (1 << 64) if int(args[0]) >> 63 else int(args[0])}",
        "page_fault_user": lambda: syscalls.page_fault_words(value, int(args[0])),
        "page_fault_kernel": lambda: syscalls.page_fault_words(value, int(args[0])),
        "irq_handler_entry": lambda: syscalls.vector_words(value),
        "irq_handler_exit": lambda: syscalls.vector_words(value),
        "tracing_mark_write": lambda: kernel.text(e["text"]),
    }.get(kind, lambda: "")()
    return f"{kind}: {words}" if words else kind


class Trace(Command):
    """heddle-trace [N]: the last N events of all CPUs (20 if not said), oldest first.

What is recorded: /sys/kernel/tracing/set_event."""
    name, usage = "trace", "[N]"
    needs = "kernel"

    def run(self, arguments):
        count = arguments[0] if arguments else "20"
        if not count.isdigit() or not int(count):
            self.bad_usage()
        events = last_events(int(count))
        if not events:
            print("nothing is recorded yet")
        for time, cpu, e in events:
            who = f"{kernel.text(e['name'])}-{int(e['tid'])}"
            print(f"{time / 1e9:12.6f} [{cpu}] {who:<20} {event_words(e)}")


for command in (Runq, Cpu, Irq, Trace):
    command()
