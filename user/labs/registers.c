/* SPDX-License-Identifier: MIT
 *
 * Each thread has registers of its own.  Two threads of one process share one CPU.  Each thread
 * fills every general register and every vector register with values that only it uses, and holds
 * them while the kernel preempts it again and again.  Then both threads sleep with their registers
 * full, and the kernel shows what it saved.
 */
#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#define GENERAL	   15 /* all except RSP: it must keep pointing to the stack */
#define VECTORS	   16
#define SLICE_FILE "/proc/sys/kernel/sched_rr_timeslice_ms"

/* In the order in which the assembly code below loads them. */
struct values {
	uint64_t general[GENERAL];
	uint64_t vector[VECTORS][2];
};
static const char *const names[GENERAL] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
					   "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/* void hold(const struct values *wanted, struct values *found, uint64_t rounds):
 * load every register, count `rounds` down to 0 on the stack, then store what the registers hold.
 *
 * long hold_in_read(const struct values *wanted, struct values *found, int fd, void *buffer):
 * the same, except that it calls read(fd, buffer, 1), which sleeps, instead of counting.  The
 * call's number and arguments are in RAX, RDI, RSI and RDX, and SYSCALL itself changes RCX and R11
 * (Intel SDM, volume 2, SYSCALL): the other nine general registers keep their values. */
void hold(const struct values *wanted, struct values *found, uint64_t rounds);
long hold_in_read(const struct values *wanted, struct values *found, int fd, void *buffer);

__asm__(
    ".text\n"
    ".macro load_vectors\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "	movdqu 120+16*\\n(%rdi), %xmm\\n\n"
    ".endr\n"
    ".endm\n"
    ".macro store_vectors\n" /* RDI: the address to store to */
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "	movdqu %xmm\\n, 120+16*\\n(%rdi)\n"
    ".endr\n"
    ".endm\n"
    ".macro save_callers\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    ".endm\n"
    ".macro restore_callers\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    ".endm\n"
    ".globl hold\n"
    "hold:\n"
    "	save_callers\n"
    "	push %rsi\n" /* `found` is at 8(%rsp) while it counts */
    "	push %rdx\n" /* `rounds` is at (%rsp) */
    "	load_vectors\n"
    "	mov 0(%rdi), %rax\n	mov 8(%rdi), %rbx\n	mov 16(%rdi), %rcx\n"
    "	mov 24(%rdi), %rdx\n	mov 32(%rdi), %rsi\n	mov 48(%rdi), %rbp\n"
    "	mov 56(%rdi), %r8\n	mov 64(%rdi), %r9\n	mov 72(%rdi), %r10\n"
    "	mov 80(%rdi), %r11\n	mov 88(%rdi), %r12\n	mov 96(%rdi), %r13\n"
    "	mov 104(%rdi), %r14\n	mov 112(%rdi), %r15\n	mov 40(%rdi), %rdi\n"
    "hold_loop:\n"
    "	decq (%rsp)\n"
    "	jnz hold_loop\n"
    "hold_loop_end:\n"
    "	mov %rdi, (%rsp)\n" /* the counter is 0: reuse its stack slot */
    "	mov 8(%rsp), %rdi\n"
    "	store_vectors\n"
    "	mov %rax, 0(%rdi)\n	mov %rbx, 8(%rdi)\n	mov %rcx, 16(%rdi)\n"
    "	mov %rdx, 24(%rdi)\n	mov %rsi, 32(%rdi)\n	mov %rbp, 48(%rdi)\n"
    "	mov %r8, 56(%rdi)\n	mov %r9, 64(%rdi)\n	mov %r10, 72(%rdi)\n"
    "	mov %r11, 80(%rdi)\n	mov %r12, 88(%rdi)\n	mov %r13, 96(%rdi)\n"
    "	mov %r14, 104(%rdi)\n	mov %r15, 112(%rdi)\n"
    "	pop %rax\n"
    "	mov %rax, 40(%rdi)\n"
    "	pop %rsi\n"
    "	restore_callers\n"
    "	ret\n"
    ".globl hold_in_read\n"
    "hold_in_read:\n"
    "	save_callers\n"
    "	push %rsi\n"
    "	load_vectors\n"
    "	mov 8(%rdi), %rbx\n	mov 48(%rdi), %rbp\n	mov 56(%rdi), %r8\n"
    "	mov 64(%rdi), %r9\n	mov 72(%rdi), %r10\n	mov 88(%rdi), %r12\n"
    "	mov 96(%rdi), %r13\n	mov 104(%rdi), %r14\n	mov 112(%rdi), %r15\n"
    "	mov %rdx, %rdi\n"
    "	mov %rcx, %rsi\n"
    "	mov $1, %edx\n"
    "	xor %eax, %eax\n" /* read() */
    "	syscall\n"
    "	pop %rdi\n"
    "	store_vectors\n"
    "	mov %rbx, 8(%rdi)\n	mov %rbp, 48(%rdi)\n	mov %r8, 56(%rdi)\n"
    "	mov %r9, 64(%rdi)\n	mov %r10, 72(%rdi)\n	mov %r12, 88(%rdi)\n"
    "	mov %r13, 96(%rdi)\n	mov %r14, 104(%rdi)\n	mov %r15, 112(%rdi)\n"
    "	restore_callers\n"
    "	ret\n");

#define THREADS 2
static struct holder {
	pid_t tid;
	struct values wanted;
	uint64_t rounds, wrong;
	const char *wrong_name;
	long forced;
	int pipe[2];
	struct values slept; /* what the registers held after the sleep */
} holders[THREADS];
static volatile bool enough;

/* A value shows its thread (0xA... or 0xB...), the kind of register (e or f) and its number. */
static void fill(struct values *v, int thread)
{
	for (int i = 0; i < GENERAL; i++)
		v->general[i] =
		    (0xAULL + thread) << 60 | 0x0e0000000000ULL | (uint64_t)i << 8 | thread;
	for (int i = 0; i < VECTORS; i++)
		for (int half = 0; half < 2; half++)
			v->vector[i][half] =
			    (0xAULL + thread) << 60 | 0x0f0000000000ULL | (uint64_t)i << 8 | half;
}

static void compare(struct holder *me, const struct values *found)
{
	static char name[16];

	for (int i = 0; i < GENERAL; i++)
		if (found->general[i] != me->wanted.general[i]) {
			me->wrong++;
			me->wrong_name = names[i];
		}
	for (int i = 0; i < VECTORS; i++)
		if (memcmp(found->vector[i], me->wanted.vector[i], 16)) {
			me->wrong++;
			snprintf(name, sizeof(name), "xmm%d", i);
			me->wrong_name = name;
		}
}

static void *hold_all(void *arg)
{
	struct holder *me = arg;
	struct rusage usage;
	uint64_t rounds = lab_spin_rounds(2 * 1000 * 1000);

	me->tid = gettid();
	while (!enough) {
		struct values found = {0};

		hold(&me->wanted, &found, rounds);
		compare(me, &found);
		me->rounds++;
		getrusage(RUSAGE_THREAD, &usage);
		me->forced = usage.ru_nivcsw;
	}
	return NULL;
}

static void *sleep_full(void *arg)
{
	struct holder *me = arg;
	char byte;

	me->tid = gettid();
	me->slept = me->wanted;
	hold_in_read(&me->wanted, &me->slept, me->pipe[0], &byte);
	return NULL;
}

/* --mix: a signal handler may change the registers with which the interrupted thread continues.  A
 * faulty kernel that gave a thread the registers of another one would do the same. */
static void mix(int signal, siginfo_t *info, void *context)
{
	extern const char hold_loop[], hold_loop_end[];
	ucontext_t *interrupted = context;
	uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];

	(void)signal;
	(void)info;
	/* Elsewhere the program itself needs R13. */
	if (at < (uintptr_t)hold_loop || at >= (uintptr_t)hold_loop_end)
		return;
	interrupted->uc_mcontext.gregs[REG_R13] = 0xbad;
	interrupted->uc_mcontext.fpregs->_xmm[3].element[0] ^= 1;
}

static void hold_while_switched(void)
{
	pthread_t threads[THREADS];
	struct sigaction action = {.sa_sigaction = mix, .sa_flags = SA_SIGINFO | SA_RESTART};
	long wanted = lab_pick(1500, 150);
	uint64_t end = lab_now_ns() + lab_pick(20, 5) * 1000000000ull;

	lab_pin(0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = lab_thread("holder", hold_all, &holders[i]);
	sigaction(SIGUSR1, &action, NULL);
	do {
		usleep(10000);
		lab_progress("forced switches", (int)holders[0].forced, (int)wanted);
		if (lab_knob("mix"))
			pthread_kill(threads[0], SIGUSR1);
	} while (lab_now_ns() < end && (holders[0].forced < wanted || holders[1].forced < wanted));
	enough = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	lab_pin(-1);
}

/* Both threads sleep in read().  Show what the kernel saved for each, register by register. */
static bool look_at_sleepers(void)
{
	static const int held[] = {1,  6,  7,  8, 9,
				   11, 12, 13, 14}; /* those that read() does not change */
	struct lab_registers saved[THREADS];
	pthread_t threads[THREADS];
	struct lab_table *table;
	int equal = 0, values = 0, own = 0;
	bool seen = true;

	for (int i = 0; i < THREADS; i++) {
		holders[i].tid = 0;
		if (pipe(holders[i].pipe) < 0)
			lab_die("pipe: %s", strerror(errno));
		threads[i] = lab_thread("sleeper", sleep_full, &holders[i]);
		while (!__atomic_load_n(&holders[i].tid, __ATOMIC_ACQUIRE) ||
		       lab_state(getpid(), holders[i].tid) != 'S')
			usleep(1000);
	}
	for (int i = 0; i < THREADS; i++)
		seen &= lab_registers(0, holders[i].tid, &saved[i]);
	for (int i = 0; i < THREADS; i++) {
		if (write(holders[i].pipe[1], "", 1) != 1)
			lab_die("write: %s", strerror(errno));
		pthread_join(threads[i], NULL);
		own += memcmp(&holders[i].slept, &holders[i].wanted, sizeof(struct values)) == 0;
	}
	lab_check_equals(own, THREADS, "threads",
			 "sleeping threads that found their registers unchanged");
	if (!seen) {
		lab_left_out("The saved registers of a sleeping thread",
			     "only Heddle shows them (/proc/heddle/PID/task/TID/registers)");
		return own == THREADS;
	}
	table = lab_table("Two sleeping threads of one process: what the kernel saved for each",
			  "register|of the first|of the second");
	for (size_t r = 0; r < sizeof(held) / sizeof(*held); r++) {
		/* lab_registers has RSP between RBP and R8. */
		int at = held[r] < 7 ? held[r] : held[r] + 1;
		uint64_t value[THREADS];

		for (int i = 0; i < THREADS; i++) {
			value[i] = (&saved[i].rax)[at];
			equal += value[i] == holders[i].wanted.general[held[r]];
			values++;
		}
		lab_row(table, "%s|0x%016llx|0x%016llx", names[held[r]],
			(unsigned long long)value[0], (unsigned long long)value[1]);
	}
	for (int x = 0; x < VECTORS; x++)
		for (int i = 0; i < THREADS; i++) {
			equal += memcmp(saved[i].xmm[x], holders[i].wanted.vector[x], 16) == 0;
			values++;
		}
	lab_row(table, "xmm0, low half|0x%016llx|0x%016llx",
		(unsigned long long)*(uint64_t *)saved[0].xmm[0],
		(unsigned long long)*(uint64_t *)saved[1].xmm[0]);
	lab_row(table, "xmm15, low half|0x%016llx|0x%016llx",
		(unsigned long long)*(uint64_t *)saved[0].xmm[15],
		(unsigned long long)*(uint64_t *)saved[1].xmm[15]);
	lab_row(table, "rip (program counter)|0x%llx|0x%llx", (unsigned long long)saved[0].rip,
		(unsigned long long)saved[1].rip);
	lab_row(table, "rsp (stack pointer)|0x%llx|0x%llx", (unsigned long long)saved[0].rsp,
		(unsigned long long)saved[1].rsp);
	lab_row(table, "fs_base (thread-local variables)|0x%llx|0x%llx",
		(unsigned long long)saved[0].fs_base, (unsigned long long)saved[1].fs_base);
	lab_row(table, "rflags, r11 (SYSCALL's copy)|%llx, %llx|%llx, %llx",
		(unsigned long long)saved[0].rflags, (unsigned long long)saved[0].r11,
		(unsigned long long)saved[1].rflags, (unsigned long long)saved[1].r11);
	lab_row(table, "rax, rdi, rdx (used by read)|%llx, %llx, %llx|%llx, %llx, %llx",
		(unsigned long long)saved[0].rax, (unsigned long long)saved[0].rdi,
		(unsigned long long)saved[0].rdx, (unsigned long long)saved[1].rax,
		(unsigned long long)saved[1].rdi, (unsigned long long)saved[1].rdx);
	lab_row(table, "the rest is in the kernel at|0x%llx|0x%llx",
		(unsigned long long)saved[0].kernel_rsp, (unsigned long long)saved[1].kernel_rsp);
	lab_check_equals(equal, values, "values",
			 "saved values that are those which the threads had stored there");
	return own == THREADS && equal == values;
}

static void run(void)
{
	struct lab_table *table;
	char *slice = NULL;
	uint64_t wrong = 0;
	long forced;
	bool kept;

	/* A short time slice, so that there are many switches. */
	if (lab_options.on_heddle) {
		slice = lab_read(SLICE_FILE);
		lab_write(SLICE_FILE, "1\n");
	}
	for (int i = 0; i < THREADS; i++)
		fill(&holders[i].wanted, i);
	hold_while_switched();
	if (slice)
		lab_write(SLICE_FILE, slice);
	free(slice);
	table =
	    lab_table("Each thread held 15 general and 16 vector registers while it was preempted",
		      "thread|>TID|>rounds|>forced switches|>values found|>wrong ones");
	for (int i = 0; i < THREADS; i++) {
		struct holder *h = &holders[i];

		lab_row(table, "%c|%d|%llu|%ld|%llu|%llu", lab_letter(h->tid, "holder"), h->tid,
			(unsigned long long)h->rounds, h->forced,
			(unsigned long long)h->rounds * (GENERAL + VECTORS),
			(unsigned long long)h->wrong);
		wrong += h->wrong;
	}
	forced = holders[0].forced < holders[1].forced ? holders[0].forced : holders[1].forced;
	lab_check_at_least(forced, 20, "times", "how often each thread was preempted");
	lab_check_equals(wrong, 0, "values", "register values that were not the thread's own%s%s",
			 wrong ? ", the last in " : "",
			 wrong ? (holders[0].wrong ? holders[0].wrong_name : holders[1].wrong_name)
			       : "");
	kept = look_at_sleepers();
	lab_figure("forced_switches", (double)holders[0].forced + holders[1].forced, "",
		   "forced switches while all registers were full");
	lab_figure("wrong_values", wrong, "", "register values that came from another thread");
	if (wrong || !kept)
		lab_verdict(
		    LAB_FALSE, "A thread found %llu values that it had not stored there (in %s).",
		    (unsigned long long)wrong,
		    holders[0].wrong ? holders[0].wrong_name : "registers held over its sleep");
	else if (forced < 20)
		lab_verdict(LAB_NOT_SHOWN,
			    "A thread was preempted only %ld times; at least 20 are needed.",
			    forced);
	else
		lab_verdict(
		    LAB_CORRECTED,
		    "After %ld forced switches each thread found all its 31 registers unchanged. "
		    "There is one set of registers for each thread, not one for each process: this "
		    "process has %d. Floating-point and vector registers belong to the set.",
		    holders[0].forced + holders[1].forced, THREADS + 1);
}

static const struct lab_knob knobs[] = {
    {"mix", NULL, "now and then a signal handler changes R13 and XMM3 of the first thread"},
    {0},
};

const struct lab lab = {
    .name = "registers",
    .claim =
	"Registers hold a running program's operands, addresses and program counter; each thread "
	"has its own.",
    .loose = "People also say \"a process has its own registers\". But a process has one set of "
	     "registers for each of its threads. And the set is more than the general registers: "
	     "floating-point and vector registers belong to it too.",
    .predict =
	{.question = "One CPU has one set of registers. Two threads fill all of them and are "
		     "switched hundreds of times. What does each thread find in its registers?",
	 .choices = {"always its own values", "sometimes values of the other thread",
		     "zeros after a switch"},
	 .answer = 0,
	 .why = "At each switch the kernel saves one thread's registers and loads the other's."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "A thread has a thread ID, a program counter, a register set and a stack "
	     "(Silberschatz, 4.1).",
    .sources = "arch/x86_64/cpu/switch.S context_switch(), arch/x86_64/cpu/fpu.c fpu_switch(), "
	       "arch/x86_64/entry/entry.S",
    .tour = "switch",
    .run = run,
};
