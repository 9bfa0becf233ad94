# SPDX-License-Identifier: MIT
"""System calls and traps in words."""
import kernel

SYSCALL = 256
VECTORS = {0: "division error", 1: "debug exception", 2: "non-maskable interrupt", 3: "breakpoint",
           4: "overflow", 5: "bound range exceeded", 6: "invalid opcode", 7: "device not available",
           8: "double fault", 10: "invalid TSS", 11: "segment not present",
           12: "stack-segment fault", 13: "general protection", 14: "page fault",
           16: "x87 floating-point error", 17: "alignment check", 18: "machine check",
           19: "SIMD floating-point error", 20: "virtualization exception",
           21: "control protection", 0xf0: "timer interrupt", 0xf1: "reschedule interrupt",
           0xf2: "call interrupt", 0xff: "spurious interrupt", 256: "system call"}
# How many arguments are worth showing; others: three.
ARGUMENTS = {"read": 3, "write": 3, "pause": 0, "getpid": 0, "exit": 1, "exit_group": 1, "fork": 0,
             "vfork": 0, "execve": 3, "wait4": 4, "nanosleep": 2, "clock_nanosleep": 4, "futex": 4,
             "close": 1, "dup": 1, "dup2": 2, "pipe": 1, "clone": 5, "poll": 3, "sched_yield": 0,
             "mmap": 6, "munmap": 2, "brk": 1, "rt_sigsuspend": 2, "kill": 2}
ARGUMENT_REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


def name(number):
    table = kernel.variable("syscall_table", "sys/dispatch.c")
    if 0 <= number <= table.type.range()[1]:
        pointer = table[number]["name"]
        if int(pointer):
            return kernel.text(pointer)
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
    if 0x30 <= vector <= 0xdf:
        return f"device interrupt {vector - 0x30}"
    return VECTORS.get(vector, f"vector {vector}")


def entry_words(frame):
    """How this trap frame came about."""
    vector = int(frame["vector"])
    if vector == SYSCALL:
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
