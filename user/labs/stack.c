/* SPDX-License-Identifier: MIT
 *
 * Each thread has one stack, last in, first out.  The lab shows the live call chain of each thread,
 * frame by frame, with its local variables; where the stacks lie; what stops a recursion that is
 * too deep; and how a sibling thread can change a stack.
 */
#include "lab.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096
#define THREADS 3
#define DEPTH	4 /* calls in the chain that is shown */
#define STACK	(64 * 1024)
#define PATTERN 0x5a

/* Each function of the chain records the address of its frame. */
struct frame {
	const char *function;
	void *frame;	    /* what RBP would hold; the caller's frame is at a higher address */
	int *local_address; /* a local variable */
	int local;
};

static struct worker {
	pid_t tid;
	char *low, *high; /* its stack */
	struct frame chain[DEPTH];
	int order[2 * DEPTH], steps; /* +n: function n was entered; -n: it returned */
	int local_after;	     /* the innermost local variable at the end */
} workers[THREADS], initial;	     /* `initial`: the thread with which the process began */

static pthread_barrier_t all_deep, looked, changed;

static void note(struct worker *me, int depth, void *frame, int *local, const char *function)
{
	me->chain[depth] = (struct frame){function, frame, local, *local};
	me->order[me->steps++] = depth + 1;
}

/* Each function calls the next; the innermost waits while the lab reads the frames.  The statement
 * after each call keeps the compiler from using one frame for two functions (tail call). */
static __attribute__((noinline)) void innermost(struct worker *me, int given)
{
	volatile int local = given + 1;

	note(me, 3, __builtin_frame_address(0), (int *)&local, "innermost");
	pthread_barrier_wait(&all_deep);
	pthread_barrier_wait(&looked);
	/* Here a sibling thread may write to `local`; this thread does not. */
	pthread_barrier_wait(&changed);
	me->local_after = local;
	me->order[me->steps++] = -4;
}

static __attribute__((noinline)) void third(struct worker *me, int given)
{
	volatile int local = given + 1;

	note(me, 2, __builtin_frame_address(0), (int *)&local, "third");
	innermost(me, local);
	me->order[me->steps++] = -3;
}

static __attribute__((noinline)) void second(struct worker *me, int given)
{
	volatile int local = given + 1;

	note(me, 1, __builtin_frame_address(0), (int *)&local, "second");
	third(me, local);
	me->order[me->steps++] = -2;
}

static void find_stack(struct worker *me)
{
	pthread_attr_t attr;
	void *low;
	size_t size;

	me->tid = gettid();
	if (pthread_getattr_np(pthread_self(), &attr) == 0 &&
	    pthread_attr_getstack(&attr, &low, &size) == 0) {
		me->low = low;
		me->high = me->low + size;
	}
}

static void *first(void *arg)
{
	struct worker *me = arg;
	volatile int local = 100 * (int)(me - workers + 1);

	find_stack(me);
	note(me, 0, __builtin_frame_address(0), (int *)&local, "first");
	second(me, local);
	me->order[me->steps++] = -1;
	return NULL;
}

/* --- deep recursion, in a child process ------------------------------------------------------
 *
 *    | other memory     |    guard    |          the thread's stack          |
 *    area               area + PAGE   area + 2 * PAGE                        area + 2 * PAGE +
 * STACK
 */
static struct overflow {
	char *area;
	void *fault; /* the address of SIGSEGV */
	int code;    /* its si_code */
	int spoilt;  /* bytes of the other memory that were overwritten */
	bool caught, done;
} * overflow; /* shared */

static char alternate[16 * 1024];
static sigjmp_buf out;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	overflow->fault = info->si_addr;
	overflow->code = info->si_code;
	overflow->caught = true;
	siglongjmp(out, 1);
}

static __attribute__((noinline)) int recurse(char *stop)
{
	volatile char local[512];

	memset((void *)local, 0x11, sizeof(local));
	if ((char *)local < stop) /* deep enough: without a guard it would never end */
		return 0;
	return recurse(stop) + local[0];
}

static void *run_away(void *area)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

	sigaltstack(&stack, NULL); /* the handler needs space, and this stack will be full */
	if (sigsetjmp(out, 1) == 0)
		recurse((char *)area + PAGE / 2);
	return NULL;
}

static int overflow_process(void *unused)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	size_t size = 2 * PAGE + STACK;
	pthread_attr_t attr;
	pthread_t thread;
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	if (area == MAP_FAILED)
		return 1;
	memset(area, PATTERN, PAGE);
	if (!lab_knob("no-guard") && mprotect(area + PAGE, PAGE, PROT_NONE) < 0)
		return 1;
	sigaction(SIGSEGV, &action, NULL);
	overflow->area = area;
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, area + 2 * PAGE, STACK);
	if (pthread_create(&thread, &attr, run_away, area))
		return 1;
	pthread_join(thread, NULL);
	for (int i = 0; i < PAGE; i++)
		overflow->spoilt += area[i] != PATTERN;
	overflow->done = true;
	return 0;
}

static bool ordered(const struct worker *w)
{
	static const int lifo[2 * DEPTH] = {1, 2, 3, 4, -4, -3, -2, -1};

	return w->steps == 2 * DEPTH && memcmp(w->order, lifo, sizeof(lifo)) == 0;
}

static bool lies_in(const void *frame, const struct worker *w)
{
	return (char *)frame > w->low && (char *)frame < w->high;
}

static bool are_apart(const struct worker *a, const struct worker *b)
{
	return a->high <= b->low || a->low >= b->high;
}

static void run(void)
{
	bool in_order = true, downward = true, apart, guarded;
	struct lab_table *table;
	pthread_t threads[THREADS];
	int status;

	pthread_barrier_init(&all_deep, NULL, THREADS + 1);
	pthread_barrier_init(&looked, NULL, THREADS + 1);
	pthread_barrier_init(&changed, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		threads[i] = lab_thread("deep", first, &workers[i]);
	pthread_barrier_wait(&all_deep);
	/* All threads are in innermost() now: their frames are alive, and this thread can read
	 * their local variables. */
	table = lab_table("The live call chain of each thread, outermost first",
			  "thread|function|frame at|local at|>value");
	for (int i = 0; i < THREADS; i++)
		for (int d = 0; d < DEPTH; d++) {
			struct frame *f = &workers[i].chain[d];

			f->local = *f->local_address;
			lab_row(table, "%c|%*s%s()|%p|%p|%d", lab_letter(workers[i].tid, "deep"), d,
				"", f->function, f->frame, (void *)f->local_address, f->local);
			downward &= d == 0 || f->frame < workers[i].chain[d - 1].frame;
		}
	pthread_barrier_wait(&looked);
	/* A sibling writes to the stack of the first thread. */
	*workers[0].chain[DEPTH - 1].local_address = -1;
	pthread_barrier_wait(&changed);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		in_order &= ordered(&workers[i]);
	}
	find_stack(&initial);
	table = lab_table("The stacks", "thread|>TID|from|to|>KiB|frames are in it");
	apart = lies_in(__builtin_frame_address(0), &initial);
	lab_row(table, "first|%d|%p|%p|%zu|%s", initial.tid, initial.low, initial.high,
		(size_t)(initial.high - initial.low) / 1024, apart ? "yes" : "no");
	for (int i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];
		bool within =
		    lies_in(w->chain[DEPTH - 1].frame, w) && lies_in(w->chain[0].frame, w);

		lab_row(table, "%c|%d|%p|%p|%zu|%s", lab_letter(w->tid, "deep"), w->tid, w->low,
			w->high, (size_t)(w->high - w->low) / 1024, within ? "yes" : "no");
		apart &= within;
		apart &= are_apart(w, &initial);
		for (int j = 0; j < i; j++)
			apart &= are_apart(w, &workers[j]);
	}

	overflow = lab_shared(sizeof(*overflow));
	status = lab_wait(lab_fork("overflow", overflow_process, NULL));
	guarded = overflow->caught && (char *)overflow->fault >= overflow->area + PAGE &&
		  (char *)overflow->fault < overflow->area + 2 * PAGE;
	table = lab_table("Endless recursion, on a stack with other memory below it", "what|value");
	lab_row(table, "guard page, below the stack|%p to %p", overflow->area + PAGE,
		overflow->area + 2 * PAGE);
	if (overflow->caught)
		lab_row(table, "page fault at|%p: %s", overflow->fault,
			overflow->code == SEGV_ACCERR
			    ? "mapped, but access is not allowed (SEGV_ACCERR)"
			    : "nothing is mapped there (SEGV_MAPERR)");
	else
		lab_row(table, "page fault at|none%s",
			WIFSIGNALED(status) ? ": the process was killed" : "");
	lab_row(table, "other memory overwritten|%d of %d bytes", overflow->spoilt, PAGE);

	lab_check(in_order, "each thread left its functions in the reverse order of entry");
	lab_check(downward, "the frame of each call is below the frame of its caller");
	lab_check(apart, "the %d threads have %d stacks, and no two of them overlap", THREADS + 1,
		  THREADS + 1);
	lab_check(guarded, "deep recursion ended at the guard page");
	lab_check_equals(overflow->spoilt, 0, "bytes", "other memory that the recursion wrote to");
	lab_check_equals(workers[0].local_after, -1, "",
			 "the first thread's local variable, after a sibling wrote -1 to it");
	lab_check_equals(workers[1].local_after, 203, "",
			 "the second thread's local variable, to which none wrote");
	lab_figure("stack_kib", (workers[0].high - workers[0].low) / 1024.0, "KiB",
		   "size of a thread's stack");
	lab_figure("spoilt_bytes", overflow->spoilt, "bytes",
		   "of other memory overwritten by recursion");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "Last in, first out, on %d stacks. But \"own\" is a convention: a sibling "
		    "thread changed a local variable of the first thread to %d, and only the guard "
		    "page stops a stack from growing into other memory.",
		    THREADS + 1, workers[0].local_after);
	else if (!overflow->spoilt)
		lab_verdict(LAB_FALSE,
			    "The order of the calls, the stacks or the guard page are not as the "
			    "claim says: see the checks that failed.");
	else
		lab_verdict(LAB_FALSE, "Recursion overwrote %d bytes of other memory%s.",
			    overflow->spoilt,
			    overflow->caught ? " before it reached the guard page"
					     : ", and no page fault stopped it");
}

static const struct lab_knob knobs[] = {
    {"no-guard", NULL, "the page below the stack is writable: nothing stops the recursion"},
    {0},
};

const struct lab lab = {
    .name = "stack",
    .claim =
	"A stack is last in, first out: functions in the order of their call, with their local "
	"variables; one stack a thread.",
    .loose = "A thread's stack is its own by convention only: all stacks lie in one address space, "
	     "and a sibling thread can overwrite them.",
    .predict = {.question =
		    "A thread keeps 103 in a local variable and never changes it. Can it become "
		    "-1?",
		.choices = {"no, because it is local", "yes, if the function calls another one",
			    "yes, if another thread writes there"},
		.answer = 2,
		.why = "\"Local\" means: on this thread's stack. A stack is ordinary memory."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Each thread has its own stack, with one frame for each procedure called but not yet "
	     "returned from (Tanenbaum, 2.2.2).",
    .sources =
	"kernel/vm/fault.c, kernel/vm/region.c; musl makes the guard page by mmap() and mprotect()",
    .tour = "page-fault",
    .run = run,
};
