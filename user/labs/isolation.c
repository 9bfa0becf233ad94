/* SPDX-License-Identifier: MIT
 *
 * One process cannot reach the memory of another; threads can.  A process makes eight accesses that
 * it has no right to make, and one that it may make.  Each attempt is made twice: by a process with
 * a handler for SIGSEGV, which reports which right was missing; and by a process without a handler,
 * the victim.  At the same time a bystander process counts.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE   4096
#define STACK  (64 * 1024)
#define SECRET 0x5ec4e7

/* Memory that the processes share. */
static struct shared {
	volatile uint64_t bystander; /* counts as long as it lives */
	volatile bool over, secret_ready;
	int *volatile secret; /* its address in the other process, and only there */
	/* Of the current attempt. */
	bool caught, done;
	int signal, code, value;
	uint64_t trap, error; /* from the processor: vector and error code */
	void *address;
} * shared;

static int agreed_on; /* offset into the page that parent and children share by MAP_SHARED */
static int *agreed_page;
static const int constant = 1; /* read-only data */

/* --- the attempts -------------------------------------------------------------------------------
 * Each returns the value that it read, if the access is possible. */

/* Makes a pointer from a number, hidden from the compiler. */
static volatile int *pointer(uint64_t address)
{
	__asm__("" : "+r"(address));
	return (volatile int *)address;
}

static int wild_pointer(void)
{
	return *pointer(0x123456789000);
}

static int null_pointer(void)
{
	return *pointer(8);
}

static int anothers_memory(void)
{
	return *(volatile int *)shared->secret;
}

static int kernels_memory(void)
{
	/* Kernel code: Heddle is linked at this address, Linux near it. */
	return *(volatile int *)0xffffffff80108000;
}

static int no_address(void)
{
	return *(
	    volatile int *)0x8000000000000000; /* not canonical: Intel SDM, volume 1, 3.3.7.1 */
}

static int own_code(void)
{
	*(volatile char *)own_code = 0;
	return 1;
}

static int own_constant(void)
{
	*(volatile int *)(uintptr_t)&constant = 2;
	return 1;
}

static int data_as_code(void)
{
	static char code[] = {(char)0xc3}; /* RET */

	((void (*)(void))(uintptr_t)code)();
	return 1;
}

static int what_was_agreed(void)
{
	agreed_page[agreed_on] = SECRET;
	return agreed_page[agreed_on];
}

static const struct attempt {
	const char *name;
	int (*fn)(void);
	bool refused; /* it should be refused */
} attempts[] = {
    {"wild pointer", wild_pointer, true},	{"null pointer", null_pointer, true},
    {"another process", anothers_memory, true}, {"kernel memory", kernels_memory, true},
    {"invalid address", no_address, true},	{"write to code", own_code, true},
    {"write to constant", own_constant, true},	{"execute data", data_as_code, true},
    {"shared memory", what_was_agreed, false},
};
#define ATTEMPTS ((int)(sizeof(attempts) / sizeof(*attempts)))

/* --- the processes that make them ---------------------------------------------------------------
 */

static sigjmp_buf refused;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	shared->signal = signal;
	shared->code = info->si_code;
	shared->address = info->si_addr;
	shared->trap = c->uc_mcontext.gregs[REG_TRAPNO];
	shared->error = c->uc_mcontext.gregs[REG_ERR];
	shared->caught = true;
	siglongjmp(refused, 1);
}

static int asks_to_be_told(void *arg)
{
	const struct attempt *a = arg;
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(refused, 1) == 0) {
		shared->value = a->fn();
		shared->done = true;
	}
	return 0;
}

static int does_not_ask(void *arg)
{
	const struct attempt *a = arg;

	a->fn();
	return 0;
}

static int bystander(void *unused)
{
	(void)unused;
	while (!shared->over) {
		shared->bystander++;
		usleep(500);
	}
	return 0;
}

/* Another process, with a value that only it has. */
static int keeps_a_secret(void *unused)
{
	/* Far from all other mappings: the process that tries it has nothing mapped there. */
	int *page = mmap((void *)0x200000000000, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	if (page == MAP_FAILED)
		lab_die("mmap: %s", strerror(errno));
	*page = SECRET;
	shared->secret = page;
	__atomic_store_n(&shared->secret_ready, true, __ATOMIC_RELEASE);
	while (!shared->over)
		usleep(1000);
	return 0;
}

static pid_t start_other(bool share)
{
	char *stack;
	pid_t pid;

	if (!share)
		return lab_fork("other", keeps_a_secret, NULL);
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid = stack == MAP_FAILED ? -1
				  : clone(keeps_a_secret, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		lab_die("clone: %s", strerror(errno));
	return pid;
}

/* The right that was missing, from the error code of the page fault (Intel SDM, volume 3, 4.7). */
static const char *missing(void)
{
	if (shared->trap == 13)
		return "invalid address";
	if (shared->trap != 14)
		return "?";
	if (shared->error & 16)
		return "execute";
	if (!(shared->error & 1))
		return shared->error & 2 ? "write: unmapped" : "read: unmapped";
	return shared->error & 2 ? "write" : "read: kernel page";
}

static int thread_value;

static void *write_siblings(void *arg)
{
	*(int *)arg = SECRET;
	return NULL;
}

static void run(void)
{
	bool share = lab_knob("share-space"), others_reached = false;
	struct lab_table *table;
	int as_expected = 0, killed = 0, local = 0;
	pid_t by, other;
	pthread_t thread;

	shared = lab_shared(sizeof(*shared));
	agreed_page = lab_shared(PAGE);
	by = lab_fork("bystander", bystander, NULL);
	other = start_other(share);
	while (!__atomic_load_n(&shared->secret_ready, __ATOMIC_ACQUIRE))
		usleep(1000);
	table = lab_table("What a process tried, and what happened",
			  "attempt|page|missing right|the victim|>others");
	for (int i = 0; i < ATTEMPTS; i++) {
		const struct attempt *a = &attempts[i];
		char page[32] = "-", ending[48];
		uint64_t before, deadline;
		int status, alive;

		shared->caught = shared->done = false;
		lab_wait(lab_fork("teller", asks_to_be_told, (void *)(uintptr_t)a));
		status = lab_wait(lab_fork("victim", does_not_ask, (void *)(uintptr_t)a));
		before = shared->bystander;
		deadline = lab_now_ns() + 5 * 1000000000ull;
		while (shared->bystander < before + 2 && lab_now_ns() < deadline)
			usleep(500);
		/* The bystander still counts, and the process with the secret still exists. */
		alive = (shared->bystander >= before + 2) + (kill(other, 0) == 0);
		if (shared->caught && shared->trap == 14)
			snprintf(page, sizeof(page), "0x%llx",
				 (unsigned long long)(uintptr_t)shared->address & ~(PAGE - 1ULL));
		if (WIFSIGNALED(status))
			snprintf(ending, sizeof(ending), "%s",
				 WTERMSIG(status) == SIGSEGV  ? "SIGSEGV"
				 : WTERMSIG(status) == SIGBUS ? "SIGBUS"
							      : "signal");
		else
			snprintf(ending, sizeof(ending), "%s",
				 a->refused ? "continued" : "continued, as allowed");
		lab_row(table, "%s|%s|%s|%s|%d of 2 live", a->name, page,
			shared->caught ? missing() : "none", ending, alive);
		killed += WIFSIGNALED(status);
		as_expected +=
		    shared->caught == a->refused && WIFSIGNALED(status) == a->refused && alive == 2;
		if (a->fn == anothers_memory && shared->done)
			others_reached = shared->value == SECRET;
	}
	shared->over = true;
	lab_wait(by);
	lab_wait(other);

	thread = lab_thread("sibling", write_siblings, &thread_value);
	pthread_join(thread, NULL);
	thread = lab_thread("sibling", write_siblings, &local);
	pthread_join(thread, NULL);
	table = lab_table("What a thread tried in the same process",
			  "attempt|value found there afterwards");
	lab_row(table, "a global variable|0x%x: reached", (unsigned)thread_value);
	lab_row(table, "a local variable on the first thread's stack|0x%x: reached",
		(unsigned)local);

	lab_check_equals(as_expected, ATTEMPTS, "attempts", "attempts that ended as expected");
	lab_check(!others_reached, "another process's memory was not reached");
	lab_check(thread_value == SECRET && local == SECRET,
		  "a thread reached a sibling's variables");
	lab_check(agreed_page[agreed_on] == SECRET,
		  "memory that two processes agreed to share was reached");
	lab_figure("refused", killed, "attempts",
		   "attempts that ended the process which made them");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "%d attempts were refused; each time only the process that made it died. But "
		    "processes share what they agree to share: mapped memory, descriptors, and the "
		    "kernel itself.",
		    killed);
	else
		lab_verdict(LAB_FALSE, "%s%d attempts were refused; %d of %d ended as expected.",
			    others_reached ? "A process read the secret of another one. " : "",
			    killed, as_expected, ATTEMPTS);
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL,
     "the other process is made with clone(CLONE_VM): both have one address space"},
    {0},
};

const struct lab lab = {
    .name = "isolation",
    .claim = "One process cannot reach the memory of another; threads can.",
    .loose = "Processes share what they agree to share: mapped memory and descriptors. They also "
	     "share the kernel, and all of them depend on it.",
    .predict =
	{.question = "A process reads an address at which another process keeps its secret. What "
		     "does it get?",
	 .choices = {"the secret", "zero", "its own data or a fault", "the kernel stops"},
	 .answer = 2,
	 .why =
	     "The address is translated by its own page tables. They have no entry for the other "
	     "process's frames."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books =
	"The kernel keeps each process from another's memory by base and limit or by page "
	"tables; there is no protection between threads, \"because it is impossible and should "
	"not be necessary\" (Tanenbaum, 2.2.2).",
    .sources = "arch/x86_64/entry/trap.c, kernel/vm/fault.c, kernel/task/signal.c",
    .tour = "page-fault",
    .run = run,
};
