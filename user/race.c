/* SPDX-License-Identifier: MIT
 *
 * race: run a program under many schedules and find one in which it fails (docs/race.md).  The
 * program has the runtime of user/race in it.  tools/race.py starts this one inside Heddle and
 * reads its output: one line for each fact.
 */
#include "user/race/runner.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of a run without an end, the first and the last events are printed. */
#define EVENTS_FIRST	      300
#define EVENTS_LAST	      1000

#define KIND_NAME(name, text) text,
static const char *const kind_names[] = {RACE_KINDS(KIND_NAME)};

/* The first schedule with each result, and by which strategy it was found. */
static struct {
	char *schedule;
	char by[64];
} first[RESULTS];
static unsigned int longest;

static void print_hex(const char *key, const char *data, size_t size)
{
	printf("@%s ", key);
	for (size_t i = 0; i < size && i < 4096; i++)
		printf("%02x", (unsigned char)data[i]);
	printf("\n");
}

/* Without --expect, the output of the first run that passes is the right one. */
static void expect(const struct outcome *o)
{
	static bool known;

	if (known || options.expect || o->result != PASSED)
		return;
	known = true;
	set_expected(o->output, o->output_size);
	print_hex("expected", o->output, o->output_size);
}

static void keep(const struct outcome *o, const char *by)
{
	note_shared();
	expect(o);
	if (o->steps > longest && o->result != LONG)
		longest = o->steps;
	if (o->result == BROKEN) {
		printf("@error the program did not run to its first step: %s\n",
		       shared->message[0] ? shared->message : "exec failed");
		exit(1);
	}
	if (o->result == PASSED || first[o->result].schedule)
		return;
	first[o->result].schedule = strdup(o->schedule);
	snprintf(first[o->result].by, sizeof(first[o->result].by), "%s", by);
}

/* Seeds of one strategy. */
static void try_seeds(const char *strategy, const char *more)
{
	unsigned int found[RESULTS] = {0};
	unsigned long first_failed = 0;
	char text[96], by[64];
	struct outcome o;

	unsigned long seed = options.first_seed;

	for (; seed < options.first_seed + options.seeds && !too_slow(); seed++) {
		snprintf(text, sizeof(text), "%s %lu%s", strategy, seed, more);
		snprintf(by, sizeof(by), "%s %lu", strategy, seed);
		run(text, &o);
		found[o.result]++;
		keep(&o, by);
		if (o.result != PASSED && !first_failed)
			first_failed = seed;
		outcome_free(&o);
	}
	printf("@strategy %s %lu %lu", strategy, seed - options.first_seed, first_failed);
	for (int r = 0; r < BROKEN; r++)
		printf(" %u", found[r]);
	printf("\n");
}

static void try_all(void)
{
	struct search s = {.bound = options.bound, .runs_max = options.runs_max, .wanted = RESULTS};

	search(&s);
	printf("@exhaustive %u %u %u %u", s.bound, s.runs, s.finished, s.complete);
	for (int r = 0; r < BROKEN; r++)
		printf(" %u", s.found[r]);
	printf("\n");
	for (int r = WRONG; r < BROKEN; r++) {
		if (!s.first[r] || first[r].schedule)
			continue;
		first[r].schedule = strdup(s.first[r]);
		snprintf(first[r].by, sizeof(first[r].by), "exhaustive");
	}
}

static void print_run(const char *name, const struct outcome *o)
{
	printf("@run %s %s %d %lu %lu %u %#lx\n", name, result_names[o->result], o->status,
	       o->points, o->switches, preemptions(o), o->hash);
	printf("@schedule %s\n", o->schedule);
	printf("@message %s\n", shared->message);
	print_hex("output", o->output, o->output_size);
	for (uint32_t i = 0; i < shared->count; i++) {
		const struct race_event *e = &shared->events[i];

		if (i == EVENTS_FIRST && shared->count > EVENTS_FIRST + EVENTS_LAST) {
			printf("@skipped %u\n", shared->count - EVENTS_FIRST - EVENTS_LAST);
			i = shared->count - EVENTS_LAST - 1;
			continue;
		}
		printf("@event %u %s %u %u %u %x %x %d %lx %lx %lx\n", e->thread,
		       kind_names[e->kind], e->size, e->owner, e->point, e->pc, e->frame_pc,
		       e->frame_offset, e->address, e->value, e->old);
	}
	printf("@end\n");
}

/* A run by the words of a schedule. */
static void run_words(const char *words, struct outcome *o)
{
	char *schedule;

	if (asprintf(&schedule, "replay %s", words) < 0)
		exit(1);
	run(schedule, o);
	free(schedule);
}

static void replay(const char *words)
{
	struct outcome o;

	run_words(words, &o);
	print_run("replay", &o);
	outcome_free(&o);
}

/* The only run that the user wants, and one before it that says which output is right. */
static void replay_alone(const char *words)
{
	unsigned int stop = options.stop_at;
	struct outcome o;

	options.stop_at = 0;
	run_words("", &o);
	keep(&o, "default");
	outcome_free(&o);
	options.stop_at = stop;
	replay(words);
}

static unsigned int preemptions_of(const char *words, enum result *result, unsigned long *hash)
{
	struct outcome o;
	unsigned int n;

	run_words(words, &o);
	n = preemptions(&o);
	*result = o.result;
	*hash = o.hash;
	outcome_free(&o);
	return n;
}

/* Shrink the first schedule with this result, and look for one with fewer preemptions. */
static void explain(enum result wanted)
{
	unsigned int before = runs_made();
	char *best = shrink(first[wanted].schedule, wanted);
	enum result result;
	unsigned long hash, again;
	unsigned int n = preemptions_of(best, &result, &hash);
	struct search s = {.bound = n ? n - 1 : 0, .runs_max = options.runs_max, .wanted = wanted};

	if (n)
		search(&s);
	if (n && s.first[wanted]) {
		free(best);
		best = shrink(s.first[wanted], wanted);
		n = preemptions_of(best, &result, &hash);
	}
	preemptions_of(best, &result, &again);
	printf("@found %s %s\n", result_names[wanted], first[wanted].by);
	printf("@shrunk %u %u %u %u %d\n", n, runs_made() - before, s.finished, s.runs,
	       result == wanted && hash == again);
	replay(best);
	free(best);
}

static void read_expected(const char *path)
{
	int file = open(path, O_RDONLY);
	struct stat status;
	char *text;

	if (file < 0 || fstat(file, &status)) {
		printf("@error %s cannot be read\n", path);
		exit(1);
	}
	text = calloc(1, (size_t)status.st_size + 1);
	if (read(file, text, (size_t)status.st_size) != status.st_size)
		exit(1);
	set_expected(text, (size_t)status.st_size);
	close(file);
	free(text);
}

static void explore(bool random, bool pct, bool exhaustive)
{
	struct timespec from, to;
	struct outcome o;
	char more[32];

	clock_gettime(CLOCK_MONOTONIC, &from);
	run("replay", &o);
	keep(&o, "default");
	print_run("default", &o);
	outcome_free(&o);
	if (random)
		try_seeds("random", "");
	snprintf(more, sizeof(more), " %u %u", options.depth, longest ? longest : 1);
	if (pct)
		try_seeds("pct", more);
	if (exhaustive)
		try_all();
	for (int r = WRONG; r < BROKEN; r++)
		if (first[r].schedule)
			explain((enum result)r);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("@done %u %ld %u %d\n", runs_made(),
	       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000, longest,
	       too_slow());
}

enum {
	SEEDS = 256,
	FIRST,
	DEPTH,
	BOUND,
	RUNS,
	STEPS,
	INPUT,
	EXPECT,
	ANY_ORDER,
	REPLAY,
	STOP,
	ONLY
};

static const struct option names[] = {{"seeds", 1, NULL, SEEDS},
				      {"first", 1, NULL, FIRST},
				      {"depth", 1, NULL, DEPTH},
				      {"bound", 1, NULL, BOUND},
				      {"runs", 1, NULL, RUNS},
				      {"steps", 1, NULL, STEPS},
				      {"input", 1, NULL, INPUT},
				      {"expect", 1, NULL, EXPECT},
				      {"any-order", 0, NULL, ANY_ORDER},
				      {"replay", 1, NULL, REPLAY},
				      {"stop", 1, NULL, STOP},
				      {"only", 1, NULL, ONLY},
				      {0}};

int main(int argc, char **argv)
{
	const char *words = NULL, *only = "random pct exhaustive";
	int c;

	while ((c = getopt_long(argc, argv, "+", names, NULL)) != -1) {
		unsigned int number = optarg ? (unsigned int)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case SEEDS:
			options.seeds = number;
			break;
		case FIRST:
			options.first_seed = number;
			break;
		case DEPTH:
			options.depth = number;
			break;
		case BOUND:
			options.bound = number;
			break;
		case RUNS:
			options.runs_max = number;
			break;
		case STEPS:
			options.steps_max = number;
			break;
		case INPUT:
			options.input = optarg;
			break;
		case EXPECT:
			options.expect = optarg;
			break;
		case ANY_ORDER:
			options.any_order = true;
			break;
		case REPLAY:
			words = optarg;
			break;
		case STOP:
			options.stop_at = number;
			break;
		case ONLY:
			only = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(
		    stderr,
		    "race: no program.  `make race PROGRAM=my.c` starts this; see docs/race.md\n");
		return 2;
	}
	options.command = argv + optind;
	run_start();
	if (options.expect)
		read_expected(options.expect);
	if (words)
		replay_alone(words);
	else
		explore(strstr(only, "random"), strstr(only, "pct"), strstr(only, "exhaustive"));
	return 0;
}
