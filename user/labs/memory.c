/* SPDX-License-Identifier: MIT
 *
 * A process has its own memory; threads share the memory of their process.  The lab looks at one
 * address in two processes and in two threads: which page-table root, which frame, which value?  It
 * then compares region by region, and shows what fork() shares until one of the two writes.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	  4096
#define COW_PAGES 64 /* shared by parent and child after fork() */
#define STACK	  (64 * 1024)

static _Alignas(PAGE) int variable = 1; /* alone in its page, so that no other data is in it */
static char in_data[PAGE] = "data";
static char in_bss[PAGE];

enum { WRITE_OWN, READY, OVER };

/* Memory that parent and child share. */
static struct shared {
	volatile int step;
	volatile int ready;
	struct view {
		int value;
		uint64_t frame, root;
		bool has_frame, has_root;
	} others; /* what the other process or thread sees of `variable` */
} * shared;

/* What the calling thread sees.  Each thread looks at its own root and frame: the lab does not
 * assume that two threads have the same ones. */
static struct view look(void)
{
	struct lab_space space = {0};
	struct view v = {.value = variable};

	v.has_frame = lab_frame(0, &variable, &v.frame);
	v.has_root = lab_space(0, &space);
	v.root = space.root;
	return v;
}

static void await(int step)
{
	while (shared->step < step)
		usleep(1000);
}

/* Runs in the other process or thread: writes to the variable, then reports what it sees there. */
static int other(void *unused)
{
	(void)unused;
	variable = 2;
	usleep(1000); /* time for a thread that shares it to write after this */
	shared->others = look();
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	await(OVER);
	return 0;
}

static void *other_thread(void *unused)
{
	other(unused);
	return NULL;
}

static void wait_ready(void)
{
	while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void view_row(struct lab_table *table, const char *who, const struct view *v)
{
	char root[32] = "-", frame[32] = "-";

	if (v->has_root)
		snprintf(root, sizeof(root), "0x%llx", (unsigned long long)v->root);
	if (v->has_frame)
		snprintf(frame, sizeof(frame), "0x%llx", (unsigned long long)v->frame);
	lab_row(table, "%s|%p|%s|%s|%d", who, (void *)&variable, root, frame, v->value);
}

/* Regions of memory; one address stands for each. */
struct region {
	const char *name, *who;
	char *address;
	bool written; /* the child writes to it */
	uint64_t parent, child;
	bool seen;
};

static struct region regions[8];
static int region_count;

static void region_add(const char *name, const char *who, char *address, bool written)
{
	regions[region_count++] = (struct region){name, who, address, written, 0, 0, false};
}

static int write_regions(void *unused)
{
	(void)unused;
	for (int i = 0; i < region_count; i++)
		if (regions[i].written)
			*(volatile char *)regions[i].address += 1;
		else
			*(volatile char *)regions[i].address;
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	await(OVER);
	return 0;
}

static bool region_by_region(bool *own)
{
	char on_stack[2 * PAGE], *heap = malloc(PAGE), *mapped, *agreed;
	struct lab_table *table;
	bool seen = true;
	pid_t pid;

	mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	agreed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!heap || mapped == MAP_FAILED || agreed == MAP_FAILED)
		lab_die("out of memory");
	on_stack[PAGE] = heap[0] = mapped[0] = agreed[0] = in_bss[0] = in_data[0] = 1;
	region_add("code", "functions", (char *)write_regions, false);
	region_add("data", "int x = 1", in_data, true);
	region_add("bss", "int x", in_bss, true);
	region_add("heap", "malloc()", heap, true);
	region_add("stack", "locals", &on_stack[PAGE], true);
	region_add("mapped", "private", mapped, true);
	region_add("mapped", "MAP_SHARED", agreed, true);
	shared->step = shared->ready = 0;
	pid = lab_fork("regions", write_regions, NULL);
	wait_ready();
	for (int i = 0; i < region_count; i++) {
		struct region *r = &regions[i];

		r->seen =
		    lab_frame(0, r->address, &r->parent) && lab_frame(pid, r->address, &r->child);
		seen &= r->seen;
	}
	shared->step = OVER;
	lab_wait(pid);
	if (!seen) {
		lab_left_out("Region by region",
			     "only root may read frame numbers (/proc/PID/pagemap)");
		return false;
	}
	table = lab_table("Region by region, after the child has written to all except the code",
			  "region|what|address|parent's frame|child's frame|");
	*own = true;
	for (int i = 0; i < region_count; i++) {
		struct region *r = &regions[i];
		bool expected = strcmp(r->name, "code") && r->address != agreed;

		lab_row(table, "%s|%s|%p|0x%llx|0x%llx|%s", r->name, r->who, (void *)r->address,
			(unsigned long long)r->parent, (unsigned long long)r->child,
			r->parent == r->child ? "shared" : "own");
		*own &= (r->parent != r->child) == expected;
	}
	return true;
}

/* Returns how many of `COW_PAGES` pages have the same frame in parent and child; -1: unknown. */
static char *cow_pages;

static int same_frames(pid_t pid)
{
	int same = 0;

	for (int i = 0; i < COW_PAGES; i++) {
		uint64_t ours, theirs;

		if (!lab_frame(0, cow_pages + i * PAGE, &ours) ||
		    !lab_frame(pid, cow_pages + i * PAGE, &theirs))
			return -1;
		same += ours == theirs && ours;
	}
	return same;
}

static int write_in_steps(void *unused)
{
	(void)unused;
	for (int step = 0; step < 3; step++) {
		int upto = step == 0 ? 0 : step == 1 ? COW_PAGES / 4 : COW_PAGES;

		for (int i = 0; i < upto; i++)
			cow_pages[i * PAGE] = 2;
		__atomic_store_n(&shared->ready, step + 1, __ATOMIC_RELEASE);
		await(step + 1);
	}
	return 0;
}

/* After fork() parent and child share the frames; the first write to a page copies it. */
static bool copy_on_write(int same[3])
{
	struct lab_table *table;
	pid_t pid;

	cow_pages = mmap(NULL, COW_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cow_pages == MAP_FAILED)
		lab_die("mmap: %s", strerror(errno));
	memset(cow_pages, 1, COW_PAGES * PAGE);
	shared->step = shared->ready = 0;
	pid = lab_fork("writer", write_in_steps, NULL);
	for (int step = 0; step < 3; step++) {
		while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) <= step)
			usleep(1000);
		same[step] = same_frames(pid);
		shared->step = step + 1;
	}
	lab_wait(pid);
	if (same[0] < 0)
		return false;
	table = lab_table("After fork(): 64 pages of parent and child",
			  "when|>frames shared|>frames own");
	lab_row(table, "right after fork()|%d|%d", same[0], COW_PAGES - same[0]);
	lab_row(table, "after the child wrote to 16|%d|%d", same[1], COW_PAGES - same[1]);
	lab_row(table, "after it wrote to all|%d|%d", same[2], COW_PAGES - same[2]);
	return true;
}

/* The "other process" of --share-space: a process in all except the address space. */
static pid_t process_in_this_space(void)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid =
	    stack == MAP_FAILED ? -1 : clone(other, stack + STACK, CLONE_VM | SIGCHLD, NULL);

	if (pid < 0)
		lab_die("clone: %s", strerror(errno));
	return pid;
}

static int different(uint64_t a, uint64_t b)
{
	return 1 + (a != b);
}

static void run(void)
{
	bool share = lab_knob("share-space"), frames, regions_own = true, cow;
	struct view mine, theirs, first, second;
	struct lab_table *table;
	int same[3] = {0};
	pthread_t thread;
	pid_t pid;

	shared = lab_shared(sizeof(*shared));
	variable = 1;
	pid = share ? process_in_this_space() : lab_fork("other", other, NULL);
	wait_ready();
	mine = look();
	theirs = shared->others;
	shared->step = OVER;
	lab_wait(pid);

	variable = 1;
	shared->step = shared->ready = 0;
	thread = lab_thread("other", other_thread, NULL);
	wait_ready();
	first = look();
	second = shared->others;
	shared->step = OVER;
	pthread_join(thread, NULL);

	table = lab_table("One address: this one had the value 1, then the other one wrote 2",
			  "|address|page-table root|frame|>value");
	view_row(table, "this process", &mine);
	view_row(table, share ? "other (--share-space)" : "another process", &theirs);
	view_row(table, "this thread", &first);
	view_row(table, "another thread", &second);
	frames = mine.has_frame && theirs.has_frame;
	if (!mine.has_root)
		lab_left_out("Page-table roots", "only Heddle shows them");
	if (!frames)
		lab_left_out("Frames", "only root may read frame numbers (/proc/PID/pagemap)");
	region_by_region(&regions_own);
	cow = copy_on_write(same);

	lab_check_equals(different(mine.value, theirs.value), 2, "",
			 "two processes: number of values at one address (%d and %d)", mine.value,
			 theirs.value);
	lab_check_equals(different(first.value, second.value), 1, "",
			 "two threads: number of values at one address (%d and %d)", first.value,
			 second.value);
	if (frames) {
		lab_check_equals(different(mine.frame, theirs.frame), 2, "",
				 "two processes: number of frames of that address");
		lab_check_equals(different(first.frame, second.frame), 1, "",
				 "two threads: number of frames of that address");
		lab_check(regions_own, "each process has its own frames, except for code and for "
				       "MAP_SHARED memory");
	}
	if (mine.has_root) {
		lab_check_equals(different(mine.root, theirs.root), 2, "",
				 "two processes: number of page-table roots");
		lab_check_equals(different(first.root, second.root), 1, "",
				 "two threads: number of page-table roots");
	}
	if (cow) {
		lab_check_equals(same[0], COW_PAGES, "pages",
				 "pages that are shared right after fork()");
		lab_check_equals(same[2], 0, "pages",
				 "pages that are shared after the child wrote to all");
		lab_figure("shared_after_fork", same[0], "pages",
			   "shared of 64, right after fork()");
		lab_figure("shared_after_16_writes", same[1], "pages",
			   "shared of 64, after the child wrote to 16");
	}
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "At one address two processes had the values %d and %d; two threads both had "
		    "%d. But a process does not have all its memory for itself from the start: "
		    "after fork() it shares its parent's frames until one of the two writes.",
		    mine.value, theirs.value, first.value);
	else
		lab_verdict(LAB_FALSE,
			    "At one address two processes had the values %d and %d; two threads "
			    "had %d and %d.",
			    mine.value, theirs.value, first.value, second.value);
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL,
     "the other process is made with clone(CLONE_VM): both have one address space"},
    {0},
};

const struct lab lab = {
    .name = "memory",
    .claim =
	"A process has its own memory space (code, static and global data, heap, files); threads "
	"share theirs.",
    .loose = "After fork() the child shares all of the parent's frames, until one of the two "
	     "writes. And "
	     "code, to which no process writes, stays shared.",
    .predict =
	{.question = "After fork(), parent and child each print &variable. Is it the same address? "
		     "The child writes 2 to it. What does the parent read?",
	 .choices = {"the same address, and 2", "the same address, and the old value",
		     "another address, and the old value"},
	 .answer = 1,
	 .why = "An address is only a number. The page tables of each process map it to a frame."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books =
	"Each process has an address space of its own; all threads of a process have the same one "
	"(Tanenbaum, 2.2.2).",
    .sources =
	"kernel/vm/address_space.c, kernel/vm/fault.c, arch/x86_64/mmu/paging.c pmap_switch()",
    .tour = "page-fault",
    .run = run,
};
