/* SPDX-License-Identifier: MIT
 *
 * /sys/kernel/tracing: the ring buffers as text, and the files that choose what is recorded.
 * Names, contents and errors are those of Linux (Documentation/trace/ftrace.rst, events.rst).
 */
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/linux/fixed_files.h"
#include "kernel/linux/text.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/syscall.h"
#include "kernel/watch/trace/trace.h"

#define TRACEFS_MAGIC	0x74726163

#define ALL_EVENTS ((1U << TRACE_MARK) - 1)

static struct lock_class tracefs_class = {"tracefs", 0};
/* Protects `enabled` and `on`, and keeps the rings from being replaced while they are read. */
static struct mutex lock = MUTEX_INIT(lock, &tracefs_class);
static u32 enabled;    /* bit mask of enum trace_type */
static bool on = true; /* tracing_on */

/* inode->private of a text file; allocated at boot and never freed. */
struct trace_file {
	const char *path;
	void (*make)(u32 argument, struct text *t);
	int (*write)(u32 argument, char *text, size_t length);
	u32 argument; /* bit mask of events, or a CPU number */
};

static void mask_update(void)
{
	WRITE_ONCE(trace_mask, on ? enabled | 1U << TRACE_MARK : 0);
	syscall_route();
}

/* --- trace ------------------------------------------------------------------------------------ */

/* The state of an open file: the events of all CPUs, merged by time, one line at a time. */
struct reading {
	size_t length, given; /* bytes of the line, and bytes already returned to the reader */
	char line[1024];
	struct trace_cursor cpus[];
};

/* The cursor with the oldest event; NULL if all are at their end. */
static struct trace_cursor *earliest(struct reading *r)
{
	struct trace_cursor *first = NULL;

	for (u32 i = 0; i < cpu_count; i++)
		if (r->cpus[i].valid && (!first || r->cpus[i].event.time_ns < first->event.time_ns))
			first = &r->cpus[i];
	return first;
}

/* Rewind all cursors, and make the heading the first text to be read. */
static void make_head(struct reading *r)
{
	u64 entries = 0, written = 0;
	struct trace_stats s;

	for (u32 i = 0; i < cpu_count; i++) {
		trace_rewind(&r->cpus[i], i, ~0UL);
		trace_stats_read(i, &s);
		entries += s.entries;
		written += s.entries + s.overrun;
	}
	r->given = 0;
	r->length = (size_t)scnprintf(
	    r->line, sizeof(r->line),
	    "# tracer: nop\n"
	    "#\n"
	    "# entries-in-buffer/entries-written: %lu/%lu   #P:%u\n"
	    "#\n"
	    "#                                         _-----=> irqs-off\n"
	    "#                                        / _----=> need-resched\n"
	    "#                                       | / _---=> hardirq/softirq\n"
	    "#                                       || / _--=> preempt-depth\n"
	    "#                                       ||| /\n"
	    "#                TASK-PID    TGID   CPU#  ||||   TIMESTAMP  FUNCTION\n"
	    "#                   | |        |      |   ||||      |         |\n",
	    entries, written, cpu_count);
}

/* Format the next event into r->line.  False if there is none. */
static bool next_line(struct reading *r)
{
	struct trace_cursor *c = earliest(r);

	if (!c)
		return false;
	r->given = 0;
	r->length = trace_format(&c->event, c->cpu, r->line, sizeof(r->line));
	trace_advance(c);
	return true;
}

static int trace_open(struct file *file)
{
	struct reading *r;

	if (file->flags & O_TRUNC && (file->flags & O_ACCMODE) != O_RDONLY) {
		mutex_lock(&lock);
		trace_clear();
		mutex_unlock(&lock);
	}
	if ((file->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	r = kzalloc(sizeof(*r) + cpu_count * sizeof(r->cpus[0]));
	file->private = r;
	return r ? 0 : -ENOMEM;
}

static void trace_release(struct file *file)
{
	kfree(file->private);
}

static ssize_t trace_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct reading *r = file->private;
	ssize_t done = 0, n = 0;

	mutex_lock(&lock);
	if (!*position)
		make_head(r);
	while (io->remaining && (r->given < r->length || next_line(r))) {
		n = io_put(io, r->line + r->given, r->length - r->given);
		if (n <= 0)
			break;
		r->given += (size_t)n;
		done += n;
	}
	mutex_unlock(&lock);
	*position += (u64)done;
	return done ? done : n;
}

/* Writing has no effect: it is open() with O_TRUNC that clears the rings (Linux). */
static ssize_t trace_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return (ssize_t)io->remaining;
}

static const struct file_ops trace_ops = {
    .open = trace_open,
    .release = trace_release,
    .read = trace_read,
    .write = trace_write,
};

/* --- trace_marker ----------------------------------------------------------------------------- */

/* Text beyond TRACE_TEXT is not recorded; write() returns the number of bytes that were. */
static ssize_t marker_write(struct file *file, struct io_buffer *io, u64 *position)
{
	char text[TRACE_TEXT];
	ssize_t n = io_get(io, text, MIN(io->remaining, sizeof(text))), taken;
	bool newline = n > 0 && text[n - 1] == '\n';

	if (n <= 0)
		return n;
	taken = trace_write_text(TRACE_MARK, 0, text, (size_t)(n - newline));
	return taken < 0 ? taken : taken + newline;
}

static const struct file_ops marker_ops = {.write = marker_write};

/* --- Which events ----------------------------------------------------------------------------- */

static void make_events(u32 only_enabled, struct text *t)
{
	for (u32 i = 0; i < TRACE_MARK; i++)
		if (!only_enabled || enabled >> i & 1)
			text_printf(t, "%s:%s\n", trace_names[i].system, trace_names[i].event);
}

static bool name_matches(const char *pattern, const char *name)
{
	return !*pattern || !strcmp(pattern, "*") || !strcmp(pattern, name);
}

/* The events that a word names: "SYSTEM:EVENT", where each part may be "*" or empty, or the name of
 * a system or of an event.  0 if there is none. */
static u32 events_named(char *word)
{
	char *colon = strchr(word, ':');
	u32 found = 0;

	if (colon)
		*colon = '\0';
	for (u32 i = 0; i < TRACE_MARK; i++) {
		bool system = name_matches(word, trace_names[i].system);
		bool event = name_matches(colon ? colon + 1 : word, trace_names[i].event);

		if (colon ? system && event : system || event)
			found |= 1U << i;
	}
	return found;
}

/* Words separated by blanks; "!" before a word disables its events.  A word that names no event
 * gives -EINVAL; the words before it have taken effect. */
static int write_set_event(u32 unused, char *text, size_t length)
{
	char *word = text, *end = text + length;
	int error = 0;

	for (char *c = text; !error && c <= end; c++) {
		bool off = *word == '!';
		u32 events;

		if (c < end && *c != ' ' && *c != '\t' && *c != '\n')
			continue;
		*c = '\0';
		if (c > word) {
			events = events_named(word + off);
			if (!events)
				error = -EINVAL;
			enabled = off ? enabled & ~events : enabled | events;
		}
		word = c + 1;
	}
	mask_update();
	return error;
}

static void make_enable(u32 events, struct text *t)
{
	u32 set = enabled & events;

	text_printf(t, "%c\n", !set ? '0' : set == events ? '1' : 'X');
}

static int parse_switch(const char *text, bool *value)
{
	u64 n;

	if (parse_u64(text, 10, &n) || n > 1)
		return -EINVAL;
	*value = n;
	return 0;
}

static int write_enable(u32 events, char *text, size_t length)
{
	bool value;
	int error = parse_switch(text, &value);

	if (error)
		return error;
	enabled = value ? enabled | events : enabled & ~events;
	mask_update();
	return 0;
}

/* --- Other files ------------------------------------------------------------------------------ */

static void make_on(u32 unused, struct text *t)
{
	text_printf(t, "%d\n", on);
}

static int write_on(u32 unused, char *text, size_t length)
{
	int error = parse_switch(text, &on);

	mask_update();
	return error;
}

static void make_size(u32 unused, struct text *t)
{
	text_printf(t, "%lu\n", trace_size_kb());
}

static int write_size(u32 unused, char *text, size_t length)
{
	u64 kb, rounded = PAGE_SIZE / 1024, most;

	if (parse_u64(text, 10, &kb))
		return -EINVAL;
	/* Leave memory for programs, also while both old and new rings are allocated. */
	most = page_free_count() / 2 / cpu_count * (PAGE_SIZE / 1024);
	while (rounded < kb && rounded <= most)
		rounded *= 2; /* as trace_resize() does */
	return kb && rounded > most ? -ENOMEM : trace_resize(kb);
}

static void make_tracer(u32 unused, struct text *t)
{
	text_printf(t, "nop\n");
}

static int write_tracer(u32 unused, char *text, size_t length)
{
	return strcmp(text, "nop") ? -EINVAL : 0;
}

/* The only clock is CLOCK_MONOTONIC, which Linux calls "mono". */
static void make_clock(u32 unused, struct text *t)
{
	text_printf(t, "[mono]\n");
}

static int write_clock(u32 unused, char *text, size_t length)
{
	return strcmp(text, "mono") ? -EINVAL : 0;
}

static void make_stats(u32 cpu, struct text *t)
{
	u64 now = clock_now_ns();
	struct trace_stats s;

	trace_stats_read(cpu, &s);
	text_printf(t,
		    "entries: %lu\n"
		    "overrun: %lu\n"
		    "commit overrun: 0\n"
		    "bytes: %lu\n"
		    "now ts: %llu.%06llu\n"
		    "dropped events: 0\n",
		    s.entries, s.overrun, s.entries * sizeof(struct trace_event),
		    now / NSEC_PER_SEC, now % NSEC_PER_SEC / NSEC_PER_USEC);
}

/* --- Text files ------------------------------------------------------------------------------- */

/* Opening set_event with O_TRUNC ("echo ... >set_event") disables all events first. */
static int text_open(struct file *file)
{
	const struct trace_file *f = file->inode->private;

	if (f->write == write_set_event && file->flags & O_TRUNC &&
	    (file->flags & O_ACCMODE) != O_RDONLY) {
		mutex_lock(&lock);
		enabled = 0;
		mask_update();
		mutex_unlock(&lock);
	}
	return 0;
}

static ssize_t text_read(struct file *file, struct io_buffer *io, u64 *position)
{
	const struct trace_file *f = file->inode->private;
	struct text t = {0};
	ssize_t n = 0;

	mutex_lock(&lock);
	f->make(f->argument, &t);
	mutex_unlock(&lock);
	if (t.failed)
		n = -ENOMEM;
	else if (*position < t.length)
		n = io_put(io, t.data + *position, t.length - *position);
	kfree(t.data);
	*position += (u64)MAX(n, 0);
	return n;
}

static ssize_t text_file_write(struct file *file, struct io_buffer *io, u64 *position)
{
	const struct trace_file *f = file->inode->private;
	size_t length = io->remaining;
	char *text;
	ssize_t n;

	if (!f->write)
		return -EINVAL;
	n = text_take(io, &text);
	if (n < 0)
		return n;
	mutex_lock(&lock);
	n = f->write(f->argument, text, (size_t)n);
	mutex_unlock(&lock);
	kfree(text);
	return n ? n : (ssize_t)length;
}

static const struct file_ops text_ops = {
    .open = text_open,
    .read = text_read,
    .write = text_file_write,
};

static void add(struct superblock *sb, const struct trace_file *file)
{
	struct trace_file *copy = kmalloc(sizeof(*copy));
	struct inode *inode =
	    inode_create(sb, S_IFREG | (file->write ? 0644 : 0444), NULL, &text_ops);

	require(copy && !IS_ERR(inode));
	*copy = *file;
	inode->private = copy;
	superblock_add(sb, file->path, inode);
}

static void add_enable(struct superblock *sb, const char *system, const char *event, u32 events)
{
	char path[96];
	const struct trace_file file = {path, make_enable, write_enable, events};

	snprintf(path, sizeof(path), "events%s%s%s%s/enable", *system ? "/" : "", system,
		 *event ? "/" : "", event);
	add(sb, &file);
}

static void tracefs_init(void)
{
	static const struct trace_file files[] = {
	    {"available_events", make_events, NULL, false},
	    {"available_tracers", make_tracer, NULL, 0},
	    {"buffer_size_kb", make_size, write_size, 0},
	    {"current_tracer", make_tracer, write_tracer, 0},
	    {"set_event", make_events, write_set_event, true},
	    {"trace_clock", make_clock, write_clock, 0},
	    {"tracing_on", make_on, write_on, 0},
	};
	struct superblock *sb;
	char path[40];

	(void)sysfs_get(); /* the place of the mount */
	sb = vfs_mount("/sys/kernel/tracing", "tracefs", TRACEFS_MAGIC, 0555);
	sb->fixed = true;
	enabled = trace_mask & ALL_EVENTS;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		add(sb, &files[i]);
	superblock_add(sb, "trace", inode_create(sb, S_IFREG | 0644, NULL, &trace_ops));
	superblock_add(sb, "trace_marker", inode_create(sb, S_IFREG | 0222, NULL, &marker_ops));
	add_enable(sb, "", "", ALL_EVENTS);
	for (u32 i = 0, first = 0; i < TRACE_MARK; i++) {
		const char *system = trace_names[i].system;

		add_enable(sb, system, trace_names[i].event, 1U << i);
		if (i + 1 < TRACE_MARK && !strcmp(system, trace_names[i + 1].system))
			continue;
		add_enable(sb, system, "", (1U << (i + 1)) - (1U << first));
		first = i + 1;
	}
	for (u32 cpu = 0; cpu < cpu_count; cpu++) {
		const struct trace_file stats = {path, make_stats, NULL, cpu};

		snprintf(path, sizeof(path), "per_cpu/cpu%u/stats", cpu);
		add(sb, &stats);
	}
}

INIT_CALL(20, tracefs_init);
