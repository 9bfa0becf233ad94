/* SPDX-License-Identifier: MIT
 *
 * The log: a ring of records.  A writer reserves the record at the head by one compare and
 * exchange, fills it and commits it.  If a writer finds that the record at the head is reserved but
 * the head has not been advanced (it has interrupted the other writer, or runs on another CPU), it
 * advances the head itself.  So no writer waits for another.  If the record at the head is still
 * being written from the last round of the ring, the new line is dropped.
 */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

#define RECORD_SIZE 256
#define RECORDS	    (LOG_SIZE / RECORD_SIZE)
#define LINE_MAX    512

#define DRAIN_POLLS 1000000 /* 10 to 100 ms */

struct record {
	u64 state; /* WRITING(n), then COMMITTED(n), for the n-th record since boot; 0: never used
		    */
	struct log_record line;
};
_Static_assert(sizeof(struct record) <= RECORD_SIZE, "a record with its text");

#define WRITING(n)   (((n) + 1) * 2)
#define COMMITTED(n) (((n) + 1) * 2 + 1)

static struct record ring[RECORDS] __aligned(64);
static u64 head; /* number of the next record; may be too low for a moment */
static struct log_sink *sinks;
static bool printing;
static u64 (*clock)(void);
u32 log_console_level = LOG_INFO + 1;

static struct record *record_at(u64 n)
{
	return &ring[n % RECORDS];
}

/* Reserve the record at the head.  NULL: its former line has not been committed yet. */
static struct record *record_reserve(u64 *number)
{
	for (;;) {
		u64 n = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
		struct record *r = record_at(n);
		u64 free = n < RECORDS ? 0 : COMMITTED(n - RECORDS), found = free;
		bool mine = __atomic_compare_exchange_n(&r->state, &found, WRITING(n), false,
							__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

		if (!mine && found < free)
			return NULL;
		*number = n;
		__atomic_compare_exchange_n(&head, &n, n + 1, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED);
		if (mine)
			return r;
	}
}

/* Append a record, or drop it if there is no free record. */
static void record_write(u8 level, bool begins, const char *text, size_t length)
{
	u64 n;
	struct record *r = record_reserve(&n);

	if (!r)
		return;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	r->line.length = (u16)length;
	r->line.level = level;
	r->line.begins = begins;
	memcpy(r->line.text, text, length);
	/* SEQ_CST: visible before log_flush() reads `printing`. */
	__atomic_store_n(&r->state, COMMITTED(n), __ATOMIC_SEQ_CST);
}

enum found { RECORD_THERE, RECORD_NOT_YET, RECORD_WRITTEN_NOW, RECORD_LOST };

/* Make a consistent copy of record `n`: its state must be the same before and after the copy. */
static enum found record_read(u64 n, struct log_record *copy)
{
	const struct record *r = record_at(n);
	u64 state = __atomic_load_n(&r->state, __ATOMIC_SEQ_CST);

	if (state < WRITING(n))
		return RECORD_NOT_YET;
	if (state == WRITING(n))
		return RECORD_WRITTEN_NOW;
	memcpy(copy, &r->line, offsetof(struct log_record, text));
	copy->length = MIN(copy->length, (u16)LOG_RECORD_TEXT);
	memcpy(copy->text, r->line.text, copy->length);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (state != COMMITTED(n) || __atomic_load_n(&r->state, __ATOMIC_RELAXED) != state)
		return RECORD_LOST;
	return RECORD_THERE;
}

static u64 record_oldest(void)
{
	u64 n = __atomic_load_n(&head, __ATOMIC_ACQUIRE);

	return n < RECORDS ? 0 : n - RECORDS;
}

/* Returns whether the n-th record is there and the sink has room for it. */
static bool sink_ready(struct log_sink *sink, u64 n)
{
	return __atomic_load_n(&record_at(n)->state, __ATOMIC_SEQ_CST) >= COMMITTED(n) &&
	       (!sink->ops->ready || sink->ops->ready(sink));
}

/* Write the next record of a sink.  False: there is none yet. */
static bool sink_print(struct log_sink *sink, bool forced)
{
	u64 n = __atomic_load_n(&sink->printed, __ATOMIC_RELAXED), oldest;
	struct log_record copy;

	if (!forced && !sink_ready(sink, n))
		return false;
	switch (record_read(n, &copy)) {
	case RECORD_NOT_YET:
		return false;
	case RECORD_WRITTEN_NOW:
		copy.length = 0; /* a CPU that has stopped was writing it: skip it */
		break;
	case RECORD_LOST:
		oldest = MAX(n + 1, record_oldest());
		copy.length =
		    (u16)scnprintf(copy.text, sizeof(copy.text),
				   "(%lu lines lost: written faster than printed)\n", oldest - n);
		sink->ops->write(sink, copy.text, copy.length);
		__atomic_store_n(&sink->printed, oldest, __ATOMIC_RELAXED);
		return true;
	case RECORD_THERE:
		break;
	}
	/* In a panic, count the line first: if the sink faults, the line is not tried again.
	 * Otherwise count it afterwards: if a CPU is stopped in the middle of a line, the whole
	 * line is printed again. */
	if (forced)
		__atomic_store_n(&sink->printed, n + 1, __ATOMIC_RELAXED);
	if (copy.length && copy.level < READ_ONCE(log_console_level))
		sink->ops->write(sink, copy.text, copy.length);
	__atomic_store_n(&sink->printed, n + 1, __ATOMIC_RELAXED);
	return true;
}

static struct log_sink *sink_first(void)
{
	return __atomic_load_n(&sinks, __ATOMIC_ACQUIRE);
}

/* Returns whether a sink has a committed record to print, and room for it. */
static bool is_behind(void)
{
	for (struct log_sink *s = sink_first(); s; s = s->next)
		if (sink_ready(s, __atomic_load_n(&s->printed, __ATOMIC_RELAXED)))
			return true;
	return false;
}

/* Print, unless another CPU is printing: that CPU tests is_behind() after it has cleared
 * `printing`. Our record was committed before we read the flag, and all these accesses are SEQ_CST,
 * so one of the two prints it.  After RECORDS records the printer stops and leaves the rest to the
 * next writer. */
void log_flush(void)
{
	u32 budget = RECORDS;

	do {
		if (__atomic_exchange_n(&printing, true, __ATOMIC_SEQ_CST))
			return;
		for (struct log_sink *s = sink_first(); s; s = s->next)
			while (budget && sink_print(s, false))
				budget--;
		__atomic_store_n(&printing, false, __ATOMIC_SEQ_CST);
	} while (budget && is_behind());
}

void log_flush_forced(void)
{
	__atomic_store_n(&printing, true, __ATOMIC_SEQ_CST);
	for (struct log_sink *s = sink_first(); s; s = s->next)
		for (u32 i = 0; i < 2 * RECORDS && sink_print(s, true); i++)
			;
	__atomic_store_n(&printing, false, __ATOMIC_SEQ_CST);
}

/* Print what there is room for.  Let a CPU that is printing finish.  If it does not, it may be this
 * one, interrupted. */
static void print_or_force(void)
{
	log_flush();
	for (u32 i = 0; i < DRAIN_POLLS && is_behind(); i++)
		__builtin_ia32_pause();
	if (is_behind())
		log_flush_forced();
}

void log_drain(void)
{
	u64 end = __atomic_load_n(&head, __ATOMIC_ACQUIRE);

	print_or_force();
	for (struct log_sink *s = sink_first(); s; s = s->next)
		for (u32 i = 0; i < RECORDS && s->ops->drain && s->ops->drain(s); i++) {
			if (__atomic_load_n(&s->printed, __ATOMIC_RELAXED) >= end)
				break;
			print_or_force();
		}
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	u64 (*now)(void) = __atomic_load_n(&clock, __ATOMIC_ACQUIRE);
	u64 us = now ? now() / NSEC_PER_USEC : 0;
	char line[LINE_MAX];
	size_t length, n;
	va_list args;

	length = (size_t)scnprintf(line, sizeof(line), "[%5u.%06u] ", (u32)(us / 1000000),
				   (u32)(us % 1000000));
	va_start(args, fmt);
	n = (size_t)vsnprintf(line + length, sizeof(line) - length - 1, fmt, args);
	va_end(args);
	for (n = MIN(length + n, sizeof(line) - 2); length < n; length++)
		if ((u8)line[length] < ' ' || line[length] == 127)
			line[length] = '?';
	line[length++] = '\n';
	/* A long line needs several records.  Records of other CPUs may come between them. */
	for (size_t at = 0; at < length; at += n) {
		n = MIN(length - at, (size_t)LOG_RECORD_TEXT);
		record_write((u8)level, at == 0, line + at, n);
	}
	log_flush();
}

void log_sink_add(struct log_sink *sink)
{
	sink->printed = record_oldest();
	sink->next = sink_first();
	while (!__atomic_compare_exchange_n(&sinks, &sink->next, sink, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_ACQUIRE))
		;
	log_flush();
}

void log_set_clock(u64 (*now_ns)(void))
{
	__atomic_store_n(&clock, now_ns, __ATOMIC_RELEASE);
}

bool log_next(u64 *number, struct log_record *record)
{
	u64 end = __atomic_load_n(&head, __ATOMIC_ACQUIRE);

	for (u64 n = MAX(*number, record_oldest()); n < end; n++)
		if (record_read(n, record) == RECORD_THERE) {
			*number = n + 1;
			return true;
		}
	return false;
}
