# SPDX-License-Identifier: MIT
"""The tours, as data: where each station is, what is said there, what is shown.

A station is reached in one of two ways:
  at      a function of the kernel's, `FUNCTION+N`, `FUNCTION -> FUNCTION` (the call in the first to
          the second), or `tour:FUNCTION` of user/tour.c; with `thread`, the name of the thread that
          must be on the CPU there; `cpu`, its number; `to`, at context_switch(), the name of the
          incoming thread, and `why`, as heddle-switch says; `when`, an expression of C that must
          hold there.
  by      a command of gdb's, done once, or again and again up to `until`, an expression; $station_sp
          is the stack pointer that the station before had.  `thread` is checked afterwards.
`facts` gives names to expressions, for the texts and commands of this station and of those after it.
No station is a line number."""

USER = "$rip < 0x800000000000"
KERNEL = "$rip > 0x800000000000"


class Tour:
    def __init__(self, about, stations, cpus=1):
        self.about, self.stations, self.cpus = about, stations, cpus


TOURS = {
    "switch": Tour("one thread stops and another goes on: the switch, instruction by instruction", [
        dict(at="tour:give_way", thread="A",
             text="Thread A of the program /bin/tour runs in user mode and is about to give its "
                  "CPU away by sched_yield().  A and B are threads of one process, C is a process "
                  "of its own; look at their roots: A and B have one, C has another.",
             show=["heddle-ps", "heddle-current"]),
        dict(at="sched_yield", thread="A",
             text="The system call has arrived in the scheduler, still as thread A.  The stack "
                  "shows the way from A's own code into the kernel; the queue shows who waits "
                  "for this CPU.",
             show=["bt", "heddle-runq"]),
        dict(at="context_switch", thread="A", to="B", why="gave way",
             text="The scheduler has chosen B, and A stands before the first instruction of "
                  "context_switch(); all that A needs to go on later will be on its own stack.  "
                  "Look at what B left on its stack when it stood here: six registers, and where "
                  "to return.",
             show=["heddle-thread B"]),
        dict(by="stepi", thread="B",
             until="(unsigned long)($rsp - $station_sp) + 4096 > 8192",
             text="A's registers were pushed, A's stack pointer was stored, and the last "
                  "instruction loaded B's: from that instruction on, the CPU is in thread B.  The "
                  "code is the same, only the stack is another, and so is the answer to \"who "
                  "called this?\".",
             show=["heddle-current", "bt"]),
        dict(by="stepi", thread="B", until="$rip < (unsigned long)&context_switch || "
                                          "$rip >= (unsigned long)&thread_entry + 1",
             text="B's registers came off its stack, and `ret` took B's return address: `stepi` "
                  "has followed the CPU into the other thread.  B called context_switch() some "
                  "time ago and believes that it has only just returned.",
             show=["heddle-current", "bt 3"]),
        dict(at="switch_away -> context_switch", thread="A", to="B", why="gave way",
             text="The same once more, without following: A stands at the call, and the kernel "
                  "calls B the current one already.  The next station does `next`, which waits for "
                  "this call to return to this frame; remember the number of turns.",
             show=["p prev", "p next", "p turns"]),
        dict(by="next", thread="A",
             text="`next` came back in the same thread, a little later: in between B and C had "
                  "their turns, and one of them brought the CPU back.  So a call to "
                  "context_switch() takes as long as all the others take; its result, `prev`, is "
                  "who ran here just before.",
             show=["heddle-current", "p prev", "p turns", "heddle-trace 5"]),
        dict(at="context_switch", thread="B", to="C", why="gave way",
             text="Now from B to C, which is another process, so CR3 was written just before (in "
                  "switch_machine_state()); between A and B it was not.  One virtual address now "
                  "means another frame: each process has its own `turns`.",
             show=["heddle-diff B C", "heddle-same &turns B C"]),
        dict(at="thread_entry+1", when="cpus[{cpu}]->current->is_user",
             text="A thread that never ran has nothing to go back to, so its stack was written by "
                  "hand (thread_stack_prepare()) as if it had called context_switch() from "
                  "thread_entry.  From here it goes to user mode for the first time.",
             show=["bt", "x/5i $pc", "p thread_entry_hook"]),
    ]),
    "syscall": Tour("one system call, from user mode to the kernel and back", [
        dict(at="tour:ask_kernel",
             text="The program is about to call getppid(), a call with no arguments that only "
                  "asks.  In the C library it is two instructions: the number into eax, and "
                  "`syscall`.",
             show=["bt", "x/6i getppid", "p/x $cs"]),
        dict(by="stepi", until=KERNEL,
             text="One instruction, and the CPU is in the kernel: `syscall` took rip from a "
                  "register set up at boot, and put the user's into rcx and its flags into r11.  "
                  "It saved nothing else: rsp is still the user's, and must not be used.",
             show=["p/x $cs", "p/x $rsp", "p/x $rcx", "x/6i $pc"]),
        dict(at="syscall_enter", thread="tour",
             text="entry.S has changed to this thread's kernel stack and pushed all registers "
                  "there: that is the trap frame, the user half of the thread.  From here on it "
                  "is C; the backtrace goes through to main().",
             show=["bt", "heddle-thread ."]),
        dict(at="sys_getppid", thread="tour",
             text="The number was an index into a table, and this is the function that it named.  "
                  "Here a call that must wait would put the thread to sleep, with all of this on "
                  "its stack.",
             show=["bt"]),
        dict(at="entry_syscall_return", thread="tour",
             text="The result lies in the frame's rax, signals and preemption were looked at, and "
                  "interrupts are off.  al says which way out: SYSRET if the frame is as SYSCALL "
                  "left it, else the slower IRET.",
             show=["p $al", "x/3i $pc"]),
        dict(by="stepi", until=USER,
             text="All registers came off the kernel's stack, and `sysretq` went back behind "
                  "`syscall`.  The program sees the result in rax, and nothing else has changed "
                  "but rcx and r11.",
             show=["p $rax", "p/x $cs", "bt"]),
    ]),
    "fork": Tour("one process becomes two: what is copied, when, and what is shared", [
        dict(at="tour:make_child",
             facts={"parent": "cpus[{cpu}]->current->tid", "page": "(unsigned long)&page"},
             text="Process {parent} is about to call fork().  Its variable `page` has the value "
                  "1 and lies in a frame that is writable and its own.",
             show=["p page.value", "heddle-pt &page .", "heddle-vm ."]),
        dict(at="process_clone", thread="tour",
             text="fork(), vfork() and pthread_create() are one function of the kernel's with other "
                  "flags.  Here the flags say nothing but SIGCHLD (17): a new process, nothing "
                  "shared.",
             show=["p/x args->flags", "p args->exit_signal", "bt 4"]),
        dict(at="address_space_fork", thread="tour",
             text="The page tables are copied, not the pages.  Every private page becomes "
                  "read-only on both sides, so that whoever writes first is noticed.",
             show=["bt 4", "p as->resident_anon"]),
        dict(at="thread_start", thread="tour", when="t->process->pid == t->tid",
             facts={"child": "t->tid"},
             text="The child is complete but has not run: thread {child} has a copy of the trap "
                  "frame in which rax is 0, and that is how it will know that it is the child.  "
                  "One virtual address, two roots, and the same frame.",
             show=["heddle-bt {child}", "heddle-same &page {parent} {child}"]),
        dict(at="thread_entry+1", when="cpus[{cpu}]->current->tid == {child}",
             text="The child's first instruction, wherever it got a CPU: its stack was prepared so "
                  "that context_switch() \"returns\" here.  It goes to user mode by the frame "
                  "that was copied, so fork() returns a second time.",
             show=["heddle-current", "heddle-thread {child}"]),
        dict(at="tour:child_writes", when="cpus[{cpu}]->current->tid == {child}",
             text="The child is about to write to `page`, which is read-only here since fork().  "
                  "The program knows nothing of that.",
             show=["x/3i $pc", "heddle-pt &page ."]),
        dict(at="address_space_fault", thread="child",
             when="(access & FAULT_WRITE) && (address & ~0xfffUL) == {page}",
             text="The write faulted: the region allows it, the page-table entry does not, so this "
                  "is a page to be copied.  In a moment the child will have a frame of its own.",
             show=["bt 4", "heddle-fault"]),
        dict(at="tour:child_ends", when="cpus[{cpu}]->current->tid == {child}",
             text="The write was done again and succeeded: now the same address is two frames, "
                  "with 1 in one and 2 in the other.  The child is about to end with status 7.",
             show=["p page.value", "heddle-same &page {parent} {child}"]),
        dict(at="thread_exit_final", when="cpus[{cpu}]->current->tid == {child}",
             text="The child has given back its memory and files and is a zombie: what is left is "
                  "its number, its status, and this stack, which it cannot free itself.  The "
                  "parent's waitpid() takes the status.",
             show=["heddle-ps", "p cpus[{cpu}]->current->process->group_exit_code >> 8"]),
    ]),
    "page-fault": Tour("memory that is there only once it is touched; and memory that is not", [
        dict(at="tour:touch", facts={"address": "(unsigned long)$rdi"},
             text="The program got a page by mmap() and is about to write to it.  It has a region, "
                  "which is a promise, but no frame: the walk through the page tables ends early.",
             show=["heddle-pt {address} .", "x/2i $pc"]),
        dict(by="stepi", until=KERNEL,
             text="An ordinary `mov`, and the CPU is in the kernel: that was a page fault, "
                  "exception 14.  The processor changed to this thread's kernel stack, pushed rip, "
                  "rsp, flags and an error code there, and put the address into CR2.",
             show=["p/x $cr2", "x/6gx $rsp", "x/3i $pc"]),
        dict(at="trap_dispatch", when="frame->vector == 14", thread="tour",
             text="All registers are in a trap frame now, as with a system call.  The error code "
                  "in words: user mode, a write, no page.",
             show=["heddle-fault", "bt"]),
        dict(at="address_space_fault", when="address == {address}", thread="tour",
             text="Whose promise is it?  The region that has the address says what may be done "
                  "there, and what fills it: nothing, so a page of zeros.",
             show=["p/x address", "p access", "heddle-vm ."]),
        dict(at="entry_user_iret", thread="tour",
             text="The page is there, and IRET goes back to the same `mov`, not behind it.  The "
                  "program will not know that it was interrupted.",
             show=["heddle-pt {address} .", "x/3gx $rsp"]),
        dict(by="stepi", until=USER,
             text="The instruction runs again, this time to its end.",
             show=["x/i $pc", "heddle-fault ."]),
        dict(at="tour:touch_nothing",
             text="Now the program reads an address where no region is.  The way into the kernel "
                  "is the same; the answer will be another.",
             show=["p address", "heddle-pt $rdi ."]),
        dict(at="signal_force_fault", thread="tour",
             text="Nobody promised anything there: the thread gets SIGSEGV (11), with the address.  "
                  "On the way back to user mode its frame will be changed, so that it goes on in "
                  "its handler.",
             show=["bt 5", "heddle-fault"]),
        dict(at="tour:on_segv",
             text="User mode again, in the handler: the kernel put a signal frame on the user's "
                  "stack, with a return address that leads to rt_sigreturn(), and let IRET go "
                  "here.  Without a handler, the process would have ended here, and nobody else.",
             show=["p number", "x/2i *(long *)$rsp", "heddle-fault"]),
    ]),
    "smp": Tour("two CPUs: a wake-up across, a migration, a TLB shootdown", [
        dict(at="tour:wake_partner", thread="A", cpu=0,
             text="Thread A on CPU 0 is about to wake thread B, which sleeps and belongs to CPU 1.  "
                  "gdb calls the CPUs threads: `info threads` are CPUs, `heddle-ps` are threads.",
             show=["info threads", "heddle-ps", "heddle-why B"]),
        dict(at="thread_wake", thread="A", when='$_streq(t->name, "B")',
             text="B's state becomes \"running\", under the lock of CPU 1's run queue, and B is put "
                  "into that queue.  CPU 1 itself does not know yet: it has halted.",
             show=["bt 5", "heddle-cpu"]),
        dict(at="smp_reschedule", thread="A", when="cpu == 1",
             text="So CPU 0 sends it an interrupt (vector 0xf1), by two writes to its local APIC.  "
                  "That takes many times as long as a switch: a CPU that has just become idle "
                  "looks at its queue for a while before it halts.",
             show=["bt 6", "heddle-runq"]),
        dict(at="trap_dispatch", cpu=1, when="frame->vector == VECTOR_RESCHEDULE",
             text="The interrupt has arrived: gdb has gone over to CPU 1, which was in its idle "
                  "thread.  It does nothing here; on the way out the scheduler looks whether "
                  "another thread is to run.",
             show=["heddle-current", "bt"]),
        dict(at="context_switch", cpu=1, to="B",
             text="CPU 1 goes from its idle thread to B, while CPU 0 goes on with A: two threads "
                  "of one process at the same time, with one root in both CR3.",
             show=["heddle-current", "heddle-diff A B"]),
        dict(at="tour:unmap", thread="A",
             text="A is about to give back a page while B runs on CPU 1.  CPU 1 may have the page's "
                  "translation in its TLB, which no CPU can empty for another.",
             show=["heddle-current", "p memory"]),
        dict(at="tlb_shootdown", thread="A",
             text="The entry is gone from the page tables, but the frame must not be used for "
                  "anything else before CPU 1 has forgotten it too.  So CPU 1 is interrupted, and "
                  "CPU 0 waits for its answer.",
             show=["bt 5", "p/x pmap->active.bits[0]"]),
        dict(at="trap_dispatch", cpu=1, when="frame->vector == VECTOR_CALL",
             text="CPU 1 has the interrupt, in the middle of B's user code.  It empties its TLB "
                  "and says so; only then CPU 0 goes on.",
             show=["bt", "heddle-bt A"]),
        dict(at="tour:partner_moved", thread="B", cpu=0,
             text="B asked for CPU 0 by sched_setaffinity(), and here it is: same thread, same "
                  "stack, another CPU.  Moving is putting it into another queue; nothing of it "
                  "was copied.",
             show=["heddle-current", "p cpus[0]->current->use.counted.migrations"]),
    ], cpus=2),
    "futex": Tour("a lock that costs no system call, until two want it", [
        dict(at="tour:lock", thread="A",
             text="Thread A wants a lock that nobody has.  The lock is a word of the program's own "
                  "memory: 0 free, 1 taken, 2 taken and somebody may be waiting.",
             show=["p lock_word", "x/8i $pc"]),
        dict(at="tour:lock_is_mine", thread="A",
             text="A has the lock by one atomic instruction, without the kernel.  The counters of "
                  "futex calls did not move, and the kernel does not know that there is a lock.",
             show=["p lock_word", "heddle-locks"]),
        dict(at="tour:lock_wait", thread="B",
             text="Thread B wants it too, and the atomic instruction failed.  B writes 2, so that A "
                  "will know that somebody waits, and asks the kernel to sleep as long as the word "
                  "is 2.",
             show=["p lock_word", "bt"]),
        dict(at="futex_wait", thread="B",
             text="The kernel looks at the word once more, under the lock of a bucket of waiters.  "
                  "Had A given the lock back meanwhile, B would not sleep: so no wake-up is missed.",
             show=["p/x address", "p expected", "bt 4"]),
        dict(at="context_switch", thread="B",
             text="B is in the bucket and gives its CPU away, in the middle of a system call.  Its "
                  "whole stack waits with it.",
             show=["bt 6", "heddle-locks"]),
        dict(at="tour:unlock", thread="A",
             text="A gives the lock back.  The word is 2, so one atomic instruction is not enough "
                  "this time; `heddle-why` says what B waits for.",
             show=["p lock_word", "heddle-why B"]),
        dict(at="futex_wake", thread="A",
             text="A asks the kernel to wake one thread that waits for this address.  The kernel "
                  "finds the bucket by the address; a lock is nothing but that.",
             show=["p/x address", "p count", "heddle-bt B"]),
        dict(at="thread_wake", when='$_streq(t->name, "B")',
             text="B is taken out of the bucket and put into a run queue.  It does not have the "
                  "lock yet: it will have to try again, and another thread may be faster.",
             show=["bt 4"]),
        dict(at="tour:lock_is_mine", thread="B",
             text="B was woken, tried again, and has the lock.  A and B ran one after the other, "
                  "and that is all a lock is for.",
             show=["p lock_word", "heddle-trace 8"]),
    ]),
}
