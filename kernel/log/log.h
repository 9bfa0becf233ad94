/* SPDX-License-Identifier: MIT
 *
 * The log of the kernel: a ring of records.  Every CPU may write to it from any context, also from
 * an NMI, without a lock.  A writer that finds no other CPU printing passes the new records to the
 * sinks; otherwise that CPU does.  Nothing here waits: a sink that is slow gets its records later.
 */
#pragma once

#include "kernel/lib/base.h"

#define LOG_SIZE	(256 * 1024) /* bytes of the ring: the last 1024 records, for dmesg */

#define LOG_RECORD_TEXT 240 /* the most that is given to a sink at once */

/* A receiver of log text: a console. */
struct log_sink {
	const struct log_sink_ops *ops;
	struct log_sink *next; /* this and `printed` are private to log.c */
	u64 printed;	       /* number of the next record to print */
};

/* Any context.  ready() and drain() may be NULL. */
struct log_sink_ops {
	void (*write)(struct log_sink *sink, const char *text, size_t length);
	/* Whether it has room for LOG_RECORD_TEXT bytes.  If not, the records wait in the ring, and
	 * it calls log_flush() when it has. */
	bool (*ready)(struct log_sink *sink);
	/* Poll until all that it was given has left.  False: not within a limited time. */
	bool (*drain)(struct log_sink *sink);
};

/* Levels of syslog(2). */
enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_LEVELS = 8 };

/* Write one line, "[    1.234567] text\n".  The time and the newline are added.
 * A control character becomes '?', because programs choose their names.  Any context. */
void log_printf(enum log_level level, const char *fmt, ...) __printf(2, 3);
#define log_error(...) log_printf(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)

/* Lines of this level and above stay in the ring and are not printed; in a panic all are. */
extern u32 log_console_level;

/* Add a sink.  The present contents of the ring are written to it.  Sinks are never removed. */
void log_sink_add(struct log_sink *sink);

/* Write what is in the ring to the sinks that are ready.  Any context. */
void log_flush(void);

/* Print what is in the ring, even if another CPU is printing: for a panic. */
void log_flush_forced(void);

/* Before the machine ends: wait until all lines so far have left the sinks, or until a sink does
 * not send for a limited time.  Any context. */
void log_drain(void);

/* Set the function that returns the nanoseconds for time stamps.  Without it they are 0. */
void log_set_clock(u64 (*now_ns)(void));

/* A record: a line, or a part of one. */
struct log_record {
	u16 length;
	u8 level;
	bool begins; /* a line */
	char text[LOG_RECORD_TEXT];
};

/* Copy the record `*number`, or the first after it that is there, and set *number to the next.
 * False: there is none. */
bool log_next(u64 *number, struct log_record *record);
