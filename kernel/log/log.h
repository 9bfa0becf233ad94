/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: a ring of bytes that every CPU may write to from any context, NMI included,
 * without a lock.  Whoever finds no one printing hands the new bytes to the sinks; others leave
 * theirs for it.  Nothing here waits.
 */
#pragma once

#include "kernel/lib/base.h"

#define LOG_SIZE (256 * 1024) /* of the ring: its last 1024 lines are kept for dmesg */

/* Where log text goes besides the ring: a console. */
struct log_sink {
	void (*write)(struct log_sink *sink, const char *text, size_t length);
	void (*drain)(struct log_sink *sink); /* NULL: nothing is left over when write() returns */
	struct log_sink *next; /* this and the rest: the log's own */
	u64 printed;	       /* number of the next record to print */
};

/* One line: "[    1.234567] text\n".  The newline is added.  Any context. */
void log_printf(const char *fmt, ...) __printf(1, 2);

/* How bad it is tells the reader of the code; all are printed. */
#define log_error log_printf
#define log_warn  log_printf
#define log_info  log_printf

/* Add a sink.  Sinks are never removed.  The ring's present content is given to it at once. */
void log_sink_add(struct log_sink *sink);

/* Print whatever is in the ring now, whoever else may be printing: for a kernel that stops. */
void log_flush_forced(void);

/* Before the machine ends: wait until the sinks have sent what they were given; for a bounded time.
 * Any context. */
void log_drain(void);

/* Nanoseconds for the time stamps; the clock gives its function once it runs. */
void log_set_clock(u64 (*now_ns)(void));

/* Copy the last `size` bytes of the ring, oldest first.  Returns the bytes copied. */
size_t log_read(char *buf, size_t size);

/* Bytes in the ring now, at most LOG_SIZE. */
size_t log_length(void);
