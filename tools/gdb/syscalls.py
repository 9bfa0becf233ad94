# SPDX-License-Identifier: MIT
"""System calls and traps in words."""
import kernel

INTERRUPTS = {"VECTOR_TIMER": "timer interrupt", "VECTOR_RESCHEDULE": "reschedule interrupt",
              "VECTOR_CALL": "call interrupt", "VECTOR_SPURIOUS": "spurious interrupt",
              "VECTOR_SYSCALL": "system call"}
# How many arguments are worth showing; others: three.
ARGUMENTS = {"read": 3, "write": 3, "pause": 0, "getpid": 0, "exit": 1, "exit_group": 1, "fork": 0,
             "vfork": 0, "execve": 3, "wait4": 4, "nanosleep": 2, "clock_nanosleep": 4, "futex": 4,
             "close": 1, "dup": 1, "dup2": 2, "pipe": 1, "clone": 5, "poll": 3, "sched_yield": 0,
             "mmap": 6, "munmap": 2, "brk": 1, "rt_sigsuspend": 2, "kill": 2}
ARGUMENT_REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


def name(number):
    names = kernel.variable("syscall_names", "counters/counters.c")
    if 0 <= number <= names.type.range()[1] and int(names[number]):
        return kernel.text(names[number])
    return f"system call {number}"


def number_words(value):
    if value in (0xffffffff, (1 << 64) - 1):
        return "-1"
    return str(value) if value < 4096 else f"{value:#x}"


def call_words(frame):
    """read(0, 0x7fff..., 1024) of a trap frame."""
    number = int(frame["error"])
    word = name(number)
    values = [int(frame[r]) for r in ARGUMENT_REGISTERS[:ARGUMENTS.get(word, 3)]]
    return f"{word}({', '.join(map(number_words, values))})"


def vector_words(vector):
    base = kernel.constant("VECTOR_IRQ_BASE")
    if base <= vector <= kernel.constant("VECTOR_IRQ_LAST"):
        return f"device interrupt {vector - base}"
    for constant, word in INTERRUPTS.items():
        if vector == kernel.constant(constant):
            return word
    try:
        names = kernel.variable("exception_names", "panic/cause.c")
    except kernel.Failure:  # a kernel without kernel/watch/panic
        return f"vector {vector}"
    if vector <= names.type.range()[1] and int(names[vector]):
        return kernel.text(names[vector])
    return f"vector {vector}"


def is_syscall(frame):
    """Did a system call make this trap frame?"""
    return int(frame["vector"]) == kernel.constant("VECTOR_SYSCALL")


def entry_words(frame):
    """How this trap frame came about."""
    vector = int(frame["vector"])
    if is_syscall(frame):
        if int(frame["error"]) >> 31:
            return "system call (already decided)"
        return "system call " + call_words(frame)
    if int(frame["rip"]) and not vector and not int(frame["error"]):
        return "no entry yet, or division error"
    return vector_words(vector)


def page_fault_words(error, address):
    """The error code of a page fault (SDM 3A 4.7)."""
    access = "instruction fetch" if error & 16 else "write" if error & 2 else "read"
    mode = "user" if error & 4 else "kernel"
    why = ("a reserved bit is set in an entry" if error & 8 else
           "the page is there but forbids it" if error & 1 else "no page is mapped there")
    return f"{access} at {address:#x} in {mode} mode: {why}"
