/* SPDX-License-Identifier: MIT
 *
 * Look for data races: two CPUs access the same memory at the same time, at least one writes, and
 * at least one does not say so by READ_ONCE(), WRITE_ONCE() or an atomic operation.
 *
 * The compiler calls a function before each plain access of the kernel (`make SANITIZE=races`;
 * calls.c).  Now and then the access becomes a trap: its address is put into a table of
 * watchpoints, and the CPU waits a little with interrupts off.  Each other access looks into the
 * table.  If it touches the same bytes in the meantime, no lock was held that both want, and both
 * places are known.  If the bytes have changed although no plain access was caught, a marked access
 * or an instruction of assembler has written them.  It has noted its place at the watchpoint,
 * unless it had begun before the watchpoint was set, or no call announces it (entry.S).  A marked
 * access that changes nothing is not reported.  So a report is never a guess, and a race that is
 * never seen in the act is not reported. The method is that of Linux's KCSAN
 * (Documentation/dev-tools/kcsan.rst).
 *
 * This folder is compiled without the calls, or they would call themselves.
 */
#include "kernel/watch/races/races.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/task/thread.h"
#include "kernel/task/wait.h"
#include "kernel/watch/symbols.h"

enum {
	WATCHPOINTS = 64,
	REPORTS = 256,
	ACCESSES_BETWEEN = 1000, /* from one watchpoint to the next, on average */
	WATCH_CYCLES = 60000,
	PRINT_EVERY_MS = 50,
};

/* A watchpoint is one word, so that one comparison and exchange takes it: an address in the
 * kernel's half, of which the upper 16 bits are ones, and what is known of the access in their
 * place. */
#define WATCH_ADDRESS (~0UL >> 16)
#define WATCH_SIZE(n) ((u64)(n) << 48) /* 1 to 8 bytes */
#define WATCH_WRITE   (1UL << 56)
#define WATCH_USED    (1UL << 57)
#define WATCH_CAUGHT  (1UL << 58) /* with the index of the CPU whose access was caught */

static u64 watchpoints[WATCHPOINTS];

/* Of each watchpoint, the place of the first marked write since it was set: the lower half of the
 * place, which lies in the kernel's image; 0: none.  The upper half counts the settings. */
static u64 noted[WATCHPOINTS];
#define NOTED_PLACE UINT32_MAX
#define IMAGE_HALF  (~0UL << 32)

/* An access that was caught: written by its CPU before WATCH_CAUGHT. */
struct access {
	u64 where; /* 0: not known */
	bool write;
};
static DEFINE_PER_CPU(struct access, caught);
static DEFINE_PER_CPU(bool, watching);

struct report {
	struct access watched, other;
	u64 address;
	u32 size;
	bool complete;
};
static struct report reports[REPORTS];
static u32 report_count, printed_count;
static bool races_on;
static s32 accesses_left;
static u32 random_state = 1;

static u64 *watchpoint_of(u64 address)
{
	address >>= 3;
	return &watchpoints[(address ^ address >> 6 ^ address >> 12) % WATCHPOINTS];
}

/* Keep each pair of places once.  Two CPUs that find the same pair at the same moment may keep it
 * twice. */
static void report(const struct access *watched, const struct access *other, u64 address, u32 size)
{
	u32 count = __atomic_load_n(&report_count, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < count && i < REPORTS; i++)
		if ((reports[i].watched.where == watched->where &&
		     reports[i].other.where == other->where) ||
		    (reports[i].watched.where == other->where &&
		     reports[i].other.where == watched->where))
			return;
	i = __atomic_fetch_add(&report_count, 1, __ATOMIC_ACQ_REL);
	if (i >= REPORTS)
		return;
	reports[i].watched = *watched;
	reports[i].other = *other;
	reports[i].address = address;
	reports[i].size = size;
	__atomic_store_n(&reports[i].complete, true, __ATOMIC_RELEASE);
}

static u64 value(u64 address, u32 size)
{
	switch (size) {
	case 1:
		return *(volatile u8 *)address;
	case 2:
		return *(volatile u16 *)address;
	case 4:
		return *(volatile u32 *)address;
	default:
		return *(volatile u64 *)address;
	}
}

static void watch(u64 address, u32 size, bool write, u64 where)
{
	u64 *w = watchpoint_of(address), empty = 0, begin, flags = irq_save();
	u64 mine =
	    (address & WATCH_ADDRESS) | WATCH_SIZE(size) | (write ? WATCH_WRITE : 0) | WATCH_USED;
	u64 found = mine, before, after, *note = &noted[w - watchpoints];
	struct access self = {where, write}, other = {0, true};

	if (*this_cpu_ptr(watching) ||
	    !__atomic_compare_exchange_n(w, &empty, mine, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		goto out;
	*this_cpu_ptr(watching) = true;
	/* After the watchpoint is set: see note_begin(). */
	__atomic_store_n(note, ((*note >> 32) + 1) << 32, __ATOMIC_SEQ_CST);
	before = value(address, size);
	for (begin = rdtsc(); rdtsc() - begin < WATCH_CYCLES && READ_ONCE(*w) == mine;)
		cpu_relax();
	/* A write that is seen here has noted its place before, if it has a call for that. */
	after = value(address, size);
	barrier();
	if (READ_ONCE(*note) & NOTED_PLACE)
		other.where = IMAGE_HALF | (*note & NOTED_PLACE);
	if (!__atomic_compare_exchange_n(w, &found, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
		report(&self, per_cpu_ptr(caught, found & 0xffff), address, size);
		__atomic_store_n(w, 0, __ATOMIC_RELEASE);
	} else if (after != before) {
		report(&self, &other, address, size);
	}
	*this_cpu_ptr(watching) = false;
out:
	irq_restore(flags);
}

static bool overlaps(u64 found, u64 address, u64 size)
{
	u64 from = (found & WATCH_ADDRESS) | ~WATCH_ADDRESS;

	return found & WATCH_USED && from < address + size && address < from + (found >> 48 & 0xf);
}

/* Has another CPU a watchpoint on these bytes? */
static void look(u64 *w, u64 address, u32 size, bool write, u64 where)
{
	u64 found = READ_ONCE(*w), flags;

	if (!overlaps(found, address, size) || !(write || found & WATCH_WRITE))
		return;
	flags = irq_save();
	*this_cpu_ptr(caught) = (struct access){where, write};
	/* Release: the watcher reads `caught` after it has found WATCH_CAUGHT. */
	__atomic_compare_exchange_n(w, &found, WATCH_CAUGHT | this_cpu_id(), false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	irq_restore(flags);
}

void races_access(u64 address, u32 size, bool write, u64 where)
{
	if (likely(!races_on) || address <= WATCH_ADDRESS)
		return;
	look(watchpoint_of(address), address, size, write, where);
	/* Lost counts do not matter here. */
	if (--accesses_left > 0)
		return;
	random_state = random_state * 1103515245 + 12345;
	accesses_left = (s32)(random_state >> 16) % (2 * ACCESSES_BETWEEN);
	watch(address, size, write, where);
}

/* Is there a watchpoint on these bytes that has no note yet?  Returns what note_end() wants, or 0.
 * The note is read before the watchpoint, and counted after the watchpoint was set.  So if the
 * watchpoint is another one than the note's, the count will change before it is looked at, and what
 * note_end() has written is lost. */
static u64 note_begin(const u64 *w, u64 address, u64 size)
{
	u64 note;

	if (!overlaps(READ_ONCE(*w), address, size))
		return 0;
	note = __atomic_load_n(&noted[w - watchpoints], __ATOMIC_ACQUIRE);
	return !(note & NOTED_PLACE) && overlaps(READ_ONCE(*w), address, size) ? note : 0;
}

static void note_end(const u64 *w, u64 note, u64 where)
{
	if (note)
		__atomic_compare_exchange_n(&noted[w - watchpoints], &note,
					    note | (where & NOTED_PLACE), false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED);
}

u64 races_marked_begin(u64 address, u32 size)
{
	if (likely(!races_on) || address <= WATCH_ADDRESS)
		return 0;
	return note_begin(watchpoint_of(address), address, size);
}

void races_marked_end(u64 address, u64 begun, u64 where)
{
	note_end(watchpoint_of(address), begun, where);
}

void races_long_write(u64 address, u64 size, u64 where)
{
	if (likely(!races_on))
		return;
	for (u64 *w = watchpoints; w < watchpoints + WATCHPOINTS; w++)
		note_end(w, note_begin(w, address, size), where);
}

u32 races_found_at(u64 address, bool both)
{
	u32 count = __atomic_load_n(&report_count, __ATOMIC_ACQUIRE), found = 0;

	for (u32 i = 0; i < count && i < REPORTS; i++)
		found += READ_ONCE(reports[i].address) == address &&
			 (!both || READ_ONCE(reports[i].other.where));
	return found;
}

void races_forget(u64 address)
{
	u32 count = __atomic_load_n(&report_count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count && i < REPORTS; i++)
		if (READ_ONCE(reports[i].address) == address)
			WRITE_ONCE(reports[i].address, 0);
}

static void print_one(const struct report *r)
{
	char watched[64], other[64] = "a marked access or assembler";

	symbol_format(watched, sizeof(watched), r->watched.where);
	if (r->other.where)
		symbol_format(other, sizeof(other), r->other.where);
	log_error("race: %s of %u bytes at 0x%lx in %s, %s in %s",
		  r->watched.write ? "write" : "read", r->size, (unsigned long)r->address, watched,
		  r->other.write ? "write" : "read", other);
}

/* A report is found in the middle of anything, under any lock, so it is printed elsewhere. */
void races_print(void)
{
	u32 next = READ_ONCE(printed_count);

	while (next < REPORTS && __atomic_load_n(&reports[next].complete, __ATOMIC_ACQUIRE)) {
		struct report r = reports[next];

		/* Else the thread or a test has printed it, and `next` is what it has not. */
		if (!__atomic_compare_exchange_n(&printed_count, &next, next + 1, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		next++;
		if (r.address) /* not forgotten */
			print_one(&r);
	}
}

static void races_thread(void *unused)
{
	for (;;) {
		sleep_until(clock_now_ns() + PRINT_EVERY_MS * 1000000UL, 0);
		races_print();
	}
}

static void races_init(void)
{
	if (IS_ERR(kthread_create("races", races_thread, NULL)))
		log_warn("races: no memory for the thread that prints them");
	races_on = true;
	log_info("races: watching");
}

INIT_CALL(99, races_init);
PANIC_NOTE(80, races_print);
