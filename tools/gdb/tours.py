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
`ask` is a question about the station, asked before it (heddle-exercise on): it ends in (yes or no),
(a number), (a thread's name) or (a function's name).  `answer` is the expression that the machine
answers by at the station, or THREAD, FUNCTION, or FRAME ADDRESS P1 P2 (is it the same?); `before` gives convenience variables their values
when the question is asked.
`facts` gives names to expressions, for the texts and commands of this station and of those after it.
No station is a line number."""

USER = "$rip < 0x800000000000"
KERNEL = "$rip > 0x800000000000"


class Tour:
    """`extension` is the one that it wants, and `symbol` a function of that extension."""

    def __init__(self, about, stations, cpus=1, extension=None, symbol=None):
        self.about, self.stations, self.cpus = about, stations, cpus
        self.extension, self.symbol = extension, symbol


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
             ask="A, B and C take turns in this order.  When the stacks are about to be exchanged, "
                 "which thread does the kernel already call the current one? (a thread's name)",
             answer="cpus[{cpu}]->current->name",
             text="The scheduler has chosen B, and A stands before the first instruction of "
                  "context_switch(); all that A needs to go on later will be on its own stack.  "
                  "Look at what B left on its stack when it stood here: six registers, and where "
                  "to return.",
             show=["heddle-thread B"]),
        dict(by="stepi", thread="B",
             until="(unsigned long)($rsp - $station_sp) + 4096 > 8192",
             ask="After `movq %rsi, %rsp` the code and nearly all registers are as before.  In which "
                 "thread is the CPU then? (a thread's name)", answer="THREAD",
             text="A's registers were pushed, A's stack pointer was stored, and the last "
                  "instruction loaded B's: from that instruction on, the CPU is in thread B.  The "
                  "code is the same, only the stack is another, and so is the answer to \"who "
                  "called this?\".",
             show=["heddle-current", "bt"]),
        dict(by="stepi", thread="B", until="$rip < (unsigned long)&context_switch || "
                                          "$rip >= (unsigned long)&thread_entry + 1",
             ask="`ret` takes its address from B's stack, where B's own call left it.  In which "
                 "function of the kernel does the CPU go on? (a function's name)", answer="FUNCTION",
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
             ask="A called context_switch() to give its CPU to B.  C waits, too.  When the call "
                 "returns in A, who ran just before? (a thread's name)", answer="prev->name",
             text="`next` came back in the same thread, a little later: in between B and C had "
                  "their turns, and one of them brought the CPU back.  So a call to "
                  "context_switch() takes as long as all the others take; its result, `prev`, is "
                  "who ran here just before.",
             show=["heddle-current", "p prev", "p turns", "heddle-trace 5"]),
        dict(at="context_switch", thread="B", to="C", why="gave way",
             ask="B and C are in different processes.  At the switch from B to C, will CR3 be another "
                 "than now? (yes or no)", before={"cr3_before": "$cr3"}, answer="$cr3 != $cr3_before",
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
             ask="After the instruction `syscall`, is rsp another than in user mode? (yes or no)",
             before={"sp_before": "$rsp"}, answer="$rsp + 64 < $sp_before || $rsp > $sp_before + 64",
             text="One instruction, and the CPU is in the kernel: `syscall` took rip from a "
                  "register set up at boot, and put the user's into rcx and its flags into r11.  "
                  "It saved nothing else: rsp is still the user's, and must not be used.",
             show=["p/x $cs", "p/x $rsp", "p/x $rcx", "x/6i $pc"]),
        dict(at="entry_syscall_call", thread="tour",
             text="entry.S has changed to this thread's kernel stack and pushed all registers "
                  "there: that is the trap frame, the user half of the thread.  Nothing is unusual "
                  "about this call, so the next instruction calls its function; the backtrace goes "
                  "through to main().",
             show=["bt", "x/i $pc", "heddle-thread ."]),
        dict(at="sys_getppid", thread="tour",
             ask="Is another thread the current one when the kernel's function for the call "
                 "begins? (yes or no)", before={"tid_before": "cpus[{cpu}]->current->tid"},
             answer="cpus[{cpu}]->current->tid != $tid_before",
             text="The number was an index into a table, and this is the function that it named.  "
                  "Here a call that must wait would put the thread to sleep, with all of this on "
                  "its stack.",
             show=["bt"]),
        dict(at="entry_syscall_return", thread="tour",
             text="The result lies in rax.  Now interrupts go off, and two words are tested: has the "
                  "thread pending work, such as a signal, and does another thread want this CPU?  If "
                  "not, SYSRET returns at once; else functions of C do that work, and IRET, which is "
                  "slower, returns.",
             show=["p $rax", "x/6i $pc"]),
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
             ask="fork() has copied the page tables.  What does the child's rax hold, that is, what "
                 "will its fork() return? (a number)",
             answer="((struct trap_frame *)((char *)t->kernel_stack + {stack} - "
                    "sizeof(struct trap_frame)))->rax",
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
        dict(at="tour:child_ends",
             ask="The write will be done again, and succeed.  Will `page` of the child and of the "
                 "parent still lie in the same frame then? (yes or no)",
             answer="FRAME {page} {parent} {child}",
             when="cpus[{cpu}]->current->tid == {child}",
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
             ask="The processor's error code has bit 0 set if the page was there, bit 1 for a write, "
                 "bit 2 for user mode.  What is it now? (a number)", answer="frame->error",
             text="All registers are in a trap frame now, as with a system call.  The error code "
                  "in words: user mode, a write, no page.",
             show=["heddle-fault", "bt"]),
        dict(at="address_space_fault", when="address == {address}", thread="tour",
             text="Whose promise is it?  The region that has the address says what may be done "
                  "there, and what fills it: nothing, so a page of zeros.",
             show=["p/x address", "p access", "heddle-vm ."]),
        dict(at="entry_user_iret", thread="tour",
             ask="The fault is served.  Is the address to which IRET returns that of the `mov` itself "
                 "(yes), or of the instruction behind it (no)? (yes or no)",
             before={"fault_rip": "(unsigned long)touch"},
             answer="*(unsigned long *)$rsp < $fault_rip + 7",
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
             ask="The program reads an address that no region has.  Which signal does the kernel "
                 "send? (a number)", answer="signal",
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
        dict(at="thread_wake_flagged", thread="A", when='$_streq(t->name, "B")',
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
             ask="CPU 0 goes on with A.  On which CPU will B run? (a number)", answer="{cpu}",
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
             ask="CPU 0 waits for CPU 1's answer.  Is B in user mode on CPU 1 when the interrupt "
                 "arrives? (yes or no)", answer="frame->cs & 3",
             text="CPU 1 has the interrupt, in the middle of B's user code.  It empties its TLB "
                  "and says so; only then CPU 0 goes on.",
             show=["bt", "heddle-bt A"]),
        dict(at="tour:partner_moved", thread="B", cpu=0,
             ask="B will move to CPU 0.  Will its kernel stack be another one there? (yes or no)",
             before={"stack_before": "(unsigned long)cpus[1]->current->kernel_stack"},
             answer="(unsigned long)cpus[0]->current->kernel_stack != $stack_before",
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
             ask="Nobody else wants the lock.  What is the lock's word when A has it? (a number)",
             answer="lock_word",
             text="A has the lock by one atomic instruction, without the kernel.  The counters of "
                  "futex calls did not move, and the kernel does not know that there is a lock.",
             show=["p lock_word", "heddle-locks"]),
        dict(at="tour:lock_wait", thread="B",
             ask="B wants the lock that A has.  Has B entered the kernel for it when its atomic "
                 "instruction has failed? (yes or no)", answer="$rip > 0x800000000000",
             text="Thread B wants it too, and the atomic instruction failed.  B writes 2, so that A "
                  "will know that somebody waits, and asks the kernel to sleep as long as the word "
                  "is 2.",
             show=["p lock_word", "bt"]),
        dict(at="futex_wait", thread="B",
             text="The kernel looks at the word once more, under the lock of a bucket of waiters.  "
                  "Had A given the lock back meanwhile, B would not sleep: so no wake-up is missed.",
             show=["p/x address", "p expected", "bt 4"]),
        dict(at="context_switch", thread="B", why="waits: futex",
             text="B is in the bucket and gives its CPU away, in the middle of a system call.  Its "
                  "whole stack waits with it.",
             show=["bt 6", "heddle-locks"]),
        dict(at="tour:unlock", thread="A",
             ask="B sleeps.  What is the lock's word when A is about to release it? (a number)",
             answer="lock_word",
             text="A gives the lock back.  The word is 2, so one atomic instruction is not enough "
                  "this time; `heddle-why` says what B waits for.",
             show=["p lock_word", "heddle-why B"]),
        dict(at="futex_wake", thread="A",
             text="A asks the kernel to wake one thread that waits for this address.  The kernel "
                  "finds the bucket by the address; a lock is nothing but that.",
             show=["p/x address", "p count", "heddle-bt B"]),
        dict(at="thread_wake_flagged", when='$_streq(t->name, "B")',
             text="B is taken out of the bucket and put into a run queue.  It does not have the "
                  "lock yet: it will have to try again, and another thread may be faster.",
             show=["bt 4"]),
        dict(at="tour:lock_is_mine", thread="B",
             text="B was woken, tried again, and has the lock.  A and B ran one after the other, "
                  "and that is all a lock is for.",
             show=["p lock_word", "heddle-trace 8"]),
    ]),
    "signal": Tour("a signal to a thread that sleeps: sent, delivered, returned from", [
        dict(at="tour:send_signal", thread="A",
             facts={"handler": "(unsigned long)on_user1"},
             text="Thread A is about to send SIGUSR1 (10) to thread B of the same process.  B sleeps "
                  "in nanosleep(), for an hour.  The process has a handler for the signal.",
             show=["heddle-why B", "p/x {handler}", "p signals_taken"]),
        dict(at="signal_send_locked", thread="A", when="signal == 10",
             text="A is in the kernel and holds the lock of the process's signals.  A signal to a "
                  "thread goes into that thread's own set of pending signals; one to the process "
                  "would go into a set that all its threads share.",
             show=["p signal", "p only", "bt 4"]),
        dict(at="thread_notify", thread="A", when='$_streq(t->name, "B")',
             ask="SIGUSR1 is number 10, and bit n-1 of a set stands for signal n.  What is B's set of "
                 "pending signals now? (a number)", answer="t->signals.pending",
             text="The bit of the signal is set.  B gets a note that it has something to do before "
                  "it returns to user mode, and is woken.  More does not happen to B here: the "
                  "sender never runs anything for the receiver.",
             show=["p/x t->signals.pending", "p work_bits", "heddle-why B"]),
        dict(at="signal_work", thread="B",
             ask="In whose system call is the handler's call prepared: which thread is on the CPU "
                 "at signal_work()? (a thread's name)", answer="THREAD",
             text="B has the CPU again, and its nanosleep() has ended early.  On the way out of the "
                  "kernel B finds the note and takes its signal.  The trap frame still says that B "
                  "returns behind its `syscall`.",
             show=["bt 4", "p/x frame->rip", "p/x cpus[{cpu}]->current->signals.pending"]),
        dict(at="signal_frame_build", thread="B", when="signal == 10",
             facts={"interrupted": "f->rip", "sp": "f->rsp"},
             text="The registers of the trap frame are about to be copied to B's user stack, "
                  "and the frame is then changed: rip to the handler, rsp below the copy.  So the "
                  "return to user mode will look like a call of the handler.",
             show=["p/x f->rip", "p/x f->rsp", "p/x action->handler", "p/x action->restorer"]),
        dict(at="tour:on_user1", thread="B",
             ask="The kernel returned to user mode.  Did it return to the instruction behind "
                 "`syscall`? (yes or no)", answer="$rip == {interrupted}",
             text="User mode, in the handler.  Nobody called it: its return address leads to code of "
                  "the C library that makes the system call rt_sigreturn() (15).",
             show=["p number", "p/x $rsp", "x/2i *(long *)$rsp"]),
        dict(at="signal_return", thread="B",
             text="The handler has ended, and its `ret` led to rt_sigreturn().  The kernel copies the "
                  "registers from the user stack back into the trap frame.  They lie where the "
                  "program can write, so only what user mode may set is taken from them.",
             show=["p/x frame->rip", "p/x frame->rsp", "p signals_taken"]),
        dict(at="tour:slept", thread="B",
             ask="nanosleep() was interrupted.  What does it return? (a number)", answer="result",
             text="B goes on behind its system call, with the registers that it had.  The only trace "
                  "is the result: -1, and errno EINTR (4).  With SA_RESTART some calls begin "
                  "again instead; nanosleep() never does.",
             show=["p result", "p error", "p signals_taken"]),
    ]),
    "race": Tour("a lost update under a seed: the same schedule, as often as you like", [
        dict(at="tour:race_found",
             facts={"seed": "seed"},
             text="Threads A and B each add 1 to a counter: load, add, store.  A seed decides who "
                  "runs when (docs/seed.md).  The program tried seed 1, 2, 3 and so on; with seed "
                  "{seed} one of the two updates was lost.  Now it runs again with that seed.",
             show=["p seed", "p race->steps", "p race->counter"]),
        dict(at="tour:race_load", thread="A", when="race_run == 1",
             text="A is about to load the counter.  The kernel counts the instructions of both "
                  "threads and lets only one of them run at a time: the holder of the group.",
             show=["p race->counter", "heddle-ps"]),
        dict(at="context_switch", thread="A", to="B", when="race_run == 1 && race->step == 1",
             ask="A has loaded the counter.  Has A stored its sum when it loses the CPU to B? "
                 "(yes or no)", answer="race->step > 1",
             text="A has the old value in a register and has not stored.  It did not give way: the "
                  "seed counted down to 0 at this instruction.  Look at the stack: A was "
                  "interrupted in its own code.",
             show=["p race->steps", "bt -6"]),
        dict(at="tour:race_store", thread="B", when="race_run == 1",
             ask="B loads the counter after A has.  Which value is B about to store? (a number)",
             answer="value",
             text="B has loaded the same value and is about to store its sum.  Nothing is wrong so "
                  "far: the counter will be 1 after one complete update.",
             show=["p value", "p race->counter", "p race->steps"]),
        dict(at="tour:race_store", thread="A", when="race_run == 1",
             ask="A goes on where it was interrupted.  Which value is A about to store? (a number)",
             answer="value",
             text="A goes on with the value in its register, which is old by now: it is about to "
                  "store 1 over B's 1.  This is the moment at which B's update is lost.",
             show=["p value", "p race->counter", "bt 3"]),
        dict(at="tour:race_ended", when="race_run == 1",
             ask="Two threads have each added 1.  What is the counter? (a number)",
             answer="race->counter",
             text="Both threads have ended.  The hash stands for the whole schedule: who ran, and at "
                  "which instruction each was interrupted.  Your stops in gdb took seconds and "
                  "changed nothing of it.",
             show=["p race->counter", "p race->steps", "p/x race->hash"]),
        dict(at="tour:race_ended", when="race_run == 2",
             ask="The program has run once more, with the same seed.  Is the hash of its schedule the "
                 "same? (yes or no)", answer="race->hash == runs_hash[1]",
             text="The same seed once more, in a new process: the same steps, the same loss, the same "
                  "hash.  A race that a seed shows can be looked at as often as you like.",
             show=["p/x race->hash", "p/x runs_hash[1]", "p race->steps"]),
    ], extension="seed", symbol="seed_step"),
}
