/* host-sources: kernel/log/log.c kernel/watch/panic/log_tail.c kernel/lib/format.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h -pthread */
/* SPDX-License-Identifier: MIT
 *
 * The log: its lines, its ring, and many writers at once, some of them signal handlers as NMIs are.
 */
#include <pthread.h>
#include <signal.h>

#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/watch/panic/log_tail.h"
#include "tests/unit/host.h"

#define WRITERS 4
#define LINES	3000

static char *seen; /* what reached the sink */
static size_t seen_length, seen_size = 8 << 20;
static int in_sink;

static void sink_write(struct log_sink *sink, const char *text, size_t length)
{
	CHECK_EQ(__atomic_fetch_add(&in_sink, 1, __ATOMIC_SEQ_CST), 0);
	if (seen_length + length < seen_size)
		libc_memmove(seen + seen_length, text, length);
	seen_length += length;
	__atomic_fetch_sub(&in_sink, 1, __ATOMIC_SEQ_CST);
}

static bool has_room = true, drained;

static bool sink_ready(struct log_sink *sink)
{
	return has_room;
}

static bool sink_drain(struct log_sink *sink)
{
	drained = has_room = true;
	return true;
}

static const struct log_sink_ops sink_ops = {sink_write, sink_ready, sink_drain};
static struct log_sink sink = {.ops = &sink_ops};

static u64 now_ns(void)
{
	return 1234567890123;
}

static void stamps_and_levels(void)
{
	char buf[200] = "";

	log_info("first %d", 1);
	CHECK_EQ(seen_length, 0);
	log_sink_add(&sink);
	CHECK(strstr(seen, "[    0.000000] first 1\n") == seen);
	log_set_clock(now_ns);
	log_warn("shown");
	CHECK(strstr(seen, "[ 1234.567890] shown\n"));
	CHECK_EQ(log_read(buf, 6), 6);
	CHECK(!memcmp(buf, "shown\n", 6));
	CHECK_EQ(log_read(buf, sizeof(buf)), log_length());
	CHECK(strstr(buf, "first") && strstr(buf, "shown\n"));
}

static void console_level(void)
{
	struct log_record r;
	u64 n = 0;
	u32 found = 0;

	log_console_level = LOG_WARN;
	log_warn("hidden");
	log_error("shown at once");
	log_console_level = LOG_LEVELS;
	CHECK(!strstr(seen, "hidden") && strstr(seen, "shown at once"));
	while (log_next(&n, &r))
		found += r.level == LOG_WARN && r.begins && memchr(r.text, 'h', r.length);
	CHECK_EQ(found, 2); /* "shown" of the first test, and "hidden" */
}

static void long_lines(void)
{
	char text[400];

	libc_memset(text, 'x', sizeof(text));
	text[399] = 0;
	seen_length = 0;
	log_info("%s", text);
	CHECK_EQ(seen_length, 15 + 399 + 1);
	seen_length = 0;
	log_info("%s%s", text, text);
	CHECK(seen_length > 400 && seen[seen_length - 1] == '\n');
}

/* A name that a program has chosen neither begins a line nor controls the terminal. */
static void control_characters(void)
{
	seen_length = 0;
	log_info("\n[    1.000000] \033[2J %c \t%s", 127, "\xc3\xa9");
	CHECK_EQ(seen_length, 15 + 15 + 11 + 1);
	CHECK(!memcmp(seen + 15, "?[    1.000000] ?[2J ? ?\xc3\xa9\n", 27));
}

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("w%d %d.", (int)(long)arg, i);
	return NULL;
}

static void nmi(int signal)
{
	log_info("nmi");
}

/* Each writer's lines come in order and whole.  Under load the ring may come round to what was not
 * printed; what is there must be right. */
static void many_writers(void)
{
	pthread_t threads[WRITERS];
	int next[WRITERS] = {0}, lines = 0, broken = 0;

	seen_length = 0;
	signal(SIGUSR1, nmi);
	for (long i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_lines, (void *)i);
	for (int i = 0; i < 2000; i++)
		pthread_kill(threads[i % WRITERS], SIGUSR1);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	log_info("end");
	log_info("end");
	CHECK(seen_length < seen_size);
	seen[seen_length] = 0;
	for (char *p = seen, *end; (end = strchr(p, '\n')); p = end + 1) {
		int w, n, matched;
		char dot = 0;

		*end = 0;
		lines++;
		matched = sscanf(p, "[ 1234.567890] w%d %d%c", &w, &n, &dot);
		if (matched == 3 && dot == '.' && w < WRITERS && n >= next[w])
			next[w] = n + 1;
		else if (*p != '(' && libc_strcmp(p + 15, "nmi") && libc_strcmp(p + 15, "end"))
			broken++;
	}
	CHECK_EQ(broken, 0);
	CHECK(lines > 1000);
}

static void ring_keeps_the_last(void)
{
	char *buf = malloc(LOG_SIZE);
	size_t n = log_read(buf, LOG_SIZE - 1);

	buf[n] = 0;
	CHECK(n > 15 * 1000 && buf[0] == '[');
	CHECK(!libc_strcmp(buf + n - 19, "[ 1234.567890] end\n"));
	free(buf);
}

static void forced(void)
{
	seen_length = 0;
	log_flush_forced();
	CHECK_EQ(seen_length, 0);
	log_info("after");
	CHECK_EQ(seen_length, 15 + 6);
}

/* A sink without room gets its lines when it has room again, and the number of those that are lost. */
static void slow_sink(void)
{
	seen_length = 0;
	has_room = false;
	log_info("waits");
	log_flush();
	CHECK_EQ(seen_length, 0);
	has_room = true;
	log_flush();
	CHECK_EQ(seen_length, 15 + 6);
	has_room = false;
	for (int i = 0; i < LOG_SIZE / 256 + 7; i++)
		log_info("many");
	CHECK_EQ(seen_length, 15 + 6);
	seen_length = 0;
	log_drain();
	CHECK(drained);
	CHECK(!memcmp(seen, "(7 lines lost: written faster than printed)\n", 44));
	CHECK_EQ(seen_length, 44 + (LOG_SIZE / 256) * (15 + 5));
	has_room = false;
	log_info("panic");
	log_flush_forced();
	CHECK(!memcmp(seen + seen_length - 6, "panic\n", 6));
	has_room = true;
}

int main(void)
{
	seen = calloc(1, seen_size);
	RUN(stamps_and_levels);
	RUN(console_level);
	RUN(long_lines);
	RUN(control_characters);
	RUN(many_writers);
	RUN(ring_keeps_the_last);
	RUN(forced);
	RUN(slow_sink);
	free(seen);
	return host_done();
}
