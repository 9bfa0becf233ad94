/* SPDX-License-Identifier: MIT
 *
 * The runtime's record of events, its scheduling points, and crashes (runtime.h).
 *
 * Only one thread of the program runs at a time, and another one runs only after a scheduling point
 * or while a thread sleeps in the kernel.  So the runtime needs no lock, and what it reads at an
 * address is what the program reads or has written.
 */
#include "user/race/runtime.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_MAX (8 << 20) /* of main() */
#define CHUNK	  3000	    /* bytes of a schedule in one write; the kernel takes at most a page */

struct race_shared *rt_shared;
struct rt_thread rt_threads[RACE_THREADS];
__thread struct rt_thread *rt_self;
static int schedule_file = -1;

/* gdb stops here at the event that the user has chosen: `make gdb RACE=`. */
void __attribute__((noinline)) race_stop(void)
{
	__asm__ volatile("" ::: "memory");
}

void rt_give_up(enum race_verdict verdict, const char *message)
{
	rt_shared->verdict = verdict;
	strncpy(rt_shared->message, message, sizeof(rt_shared->message) - 1);
	_exit(RACE_EXIT);
}

uint64_t rt_load(const void *address, size_t size)
{
	uint64_t value = 0;

	/* By one access if possible, so that the address of a fault is that of the program. */
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)address;
	case 2:
		memcpy(&value, address, 2);
		return value;
	case 4:
		memcpy(&value, address, 4);
		return value;
	default:
		memcpy(&value, address, size < 8 ? size : 8);
		return value;
	}
}

/* The value of the last write is in memory now: no other thread has run since. */
void rt_settle(void)
{
	struct race_event *e;

	if (!rt_self || rt_self->unsettled < 0)
		return;
	e = &rt_shared->events[rt_self->unsettled];
	rt_self->unsettled = -1;
	e->value = rt_load((void *)e->address, e->size);
}

static bool point(bool yields)
{
	if (!rt_shared || !rt_self || rt_self->inside)
		return false;
	rt_settle();
	if (rt_shared->steps++ >= rt_shared->steps_max)
		rt_give_up(RACE_TOO_LONG, "too many steps");
	if (yields && write(schedule_file, "yield", 5) < 0)
		rt_give_up(RACE_UNSUPPORTED, "the kernel takes no yield");
	syscall(SYS_sched_yield);
	return true;
}

bool rt_point(void)
{
	return point(false);
}

bool rt_point_yield(void)
{
	return point(true);
}

/* The frame that contains an address of a stack: the innermost one that begins above it. */
static void find_frame(struct race_event *e)
{
	for (int i = 0; i < RACE_THREADS; i++) {
		struct rt_thread *t = &rt_threads[i];

		if (e->address < t->low || e->address >= t->high)
			continue;
		e->owner = t->number;
		for (int k = t->depth < FRAMES_MAX ? t->depth : FRAMES_MAX; k-- > 0;)
			if (t->frames[k].cfa > e->address) {
				e->frame_pc = t->frames[k].pc;
				e->frame_offset = (int32_t)(e->address - t->frames[k].cfa);
				return;
			}
		return;
	}
}

struct race_event *rt_log(enum race_kind kind, uint32_t pc, bool at_point, const void *address,
			  size_t size, uint64_t value)
{
	static struct race_event nowhere;
	struct race_event *e = &nowhere;

	if (rt_shared->count < RACE_EVENTS)
		e = &rt_shared->events[rt_shared->count++];
	else
		rt_shared->dropped++;
	*e = (struct race_event){.thread = rt_self->number,
				 .kind = (uint8_t)kind,
				 .size = (uint8_t)(size < 255 ? size : 255),
				 .owner = RACE_NO_THREAD,
				 .point = at_point,
				 .pc = pc - 1, /* of the call, not after it */
				 .address = (uint64_t)address,
				 .value = value};
	find_frame(e);
	if (rt_shared->stop_at && rt_shared->count == rt_shared->stop_at)
		race_stop();
	return e;
}

void rt_access(uint32_t pc, const void *address, size_t size, bool write)
{
	struct race_event *e;

	if (!rt_point())
		return;
	rt_heap_check(pc, address, size);
	e = rt_log(write ? RACE_WRITE : RACE_READ, pc, true, address, size, 0);
	e->old = e->value = rt_load(address, size);
	if (write && e >= rt_shared->events && e < rt_shared->events + RACE_EVENTS)
		rt_self->unsettled = e - rt_shared->events;
}

/* --- Crashes ---------------------------------------------------------------------------------- */

static void crashed(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;

	if (rt_shared && rt_self) {
		if (signal == SIGABRT)
			rt_settle();
		rt_log(RACE_CRASH, (uint32_t)c->uc_mcontext.gregs[REG_RIP] + 1, false,
		       info->si_addr, 0, (uint64_t)signal);
		rt_shared->events[rt_shared->count - 1].old = (uint64_t)info->si_code;
	}
	/* SA_RESETHAND: the instruction faults again, and the process ends by the signal. */
	if (info->si_code <= 0 || signal == SIGXCPU)
		raise(signal);
}

void rt_thread_started(struct rt_thread *t)
{
	pthread_attr_t attributes;
	size_t size;
	void *low;
	stack_t stack = {.ss_size = 32768};

	rt_self = t;
	t->unsettled = -1;
	if (!pthread_getattr_np(pthread_self(), &attributes)) {
		pthread_attr_getstack(&attributes, &low, &size);
		t->low = (uint64_t)low;
		t->high = t->low + size;
		if (t == rt_threads) /* that of main() grows */
			t->low = t->high - STACK_MAX;
	}
	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
}

/* --- Start ------------------------------------------------------------------------------------ */

static bool give_schedule(const char *text)
{
	size_t left = strlen(text), n = left;
	char part[CHUNK + 8] = "add ", *start = part;

	while (left) {
		size_t lead = start == part ? 0 : 4;

		n = left;
		if (n > CHUNK)
			for (n = CHUNK; text[n] != ' ';)
				n--;
		memcpy(part + lead, text, n);
		if (write(schedule_file, part, n + lead) < 0)
			return false;
		memcpy(part, "add ", 4);
		start = part + 4;
		text += n;
		left -= n;
	}
	return true;
}

static void __attribute__((constructor(101))) start(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU};
	struct sigaction action = {.sa_sigaction = crashed,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
	struct race_shared *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, RACE_FD, 0);

	if (shared == MAP_FAILED)
		return;
	schedule_file = fcntl(open("/proc/self/sched_schedule", O_WRONLY | O_CLOEXEC),
			      F_DUPFD_CLOEXEC, RACE_FD + 1);
	rt_thread_started(&rt_threads[0]);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	if (!give_schedule(shared->schedule)) {
		strcpy(shared->message, "this kernel takes no schedule (WITHOUT=seed?)");
		_exit(RACE_EXIT);
	}
	shared->started = 1;
	rt_shared = shared;
}
