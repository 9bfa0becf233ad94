/* SPDX-License-Identifier: MIT
 *
 * fuzz [-s SEED] [-w WORKERS] [-t SECONDS] [-n PROGRAMS] [-c CORPUS] [-r PROGRAMS-TO-RUN-AGAIN]
 *
 * Rounds: each worker makes and runs programs; when all have ended, the memory of the machine is
 * compared with that of the first round.  A program that reaches a place of the kernel that none
 * has reached is made as short as it can be, kept, and printed.  docs/fuzz.md describes the rest.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_CORPUS = 2000,
	ROUND = 250,	   /* programs of a worker in a round */
	MAX_WORDS = 65536, /* of coverage */
	LATER = 5,	   /* seconds in which memory may come back */
	AGAIN = 100,	   /* times a reproducer runs */
};

static struct common {
	int corpus, printed, stuck;
	uint64_t programs, calls;
	int ran[MAX_WORKERS]; /* programs of this round */
	struct program kept[MAX_CORPUS];
	struct program round[MAX_WORKERS][ROUND * 2];
} * common;

static int workers = 1, coverage_file, fail_file;
static size_t words;
static uint64_t map[MAX_WORDS], fresh[MAX_WORDS];

static void remember(const struct program *p, int worker)
{
	if (common->ran[worker] < ROUND * 2)
		common->round[worker][common->ran[worker]++] = *p;
	__atomic_fetch_add(&common->programs, 1, __ATOMIC_RELAXED);
}

/* The host takes a machine that says nothing for one that hangs. */
void alive(void)
{
	printf("fuzz alive\n");
	fflush(stdout);
}

/* Run it; its coverage is in `map`. */
static void run(const struct program *p, int worker)
{
	char text[PROGRAM_TEXT];
	static int runs;

	if (++runs % 50 == 0)
		alive();
	program_print(p, text);
	note_program(worker, text);
	if (execute(p, worker, coverage_file, fail_file) < 0 &&
	    !__atomic_exchange_n(&common->stuck, 1, __ATOMIC_SEQ_CST))
		printf("fuzz: FOUND a process that cannot be killed\n%sfuzz: END\n", text);
	if (words && read(coverage_file, map, words * 8) != (ssize_t)(words * 8))
		perror("fuzz: /dev/coverage");
}

static bool reaches_fresh(void)
{
	for (size_t i = 0; i < words; i++)
		if (fresh[i] & ~map[i])
			return false;
	return true;
}

static size_t fresh_of_map(void)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++) {
		fresh[i] &= map[i];
		count += (size_t)__builtin_popcountl(fresh[i]);
	}
	return count;
}

/* The program has reached `fresh`, for the first time: if it does so again, keep what is needed. */
static void keep(struct program *p, int worker)
{
	struct program shorter;
	int slot;

	run(p, worker);
	if (fresh_of_map() == 0)
		return;
	for (int i = p->count - 1; i >= 0 && p->count > 1; i--) {
		shorter = *p;
		line_remove(&shorter, i);
		run(&shorter, worker);
		if (reaches_fresh())
			*p = shorter;
	}
	slot = __atomic_fetch_add(&common->corpus, 1, __ATOMIC_SEQ_CST);
	if (slot < MAX_CORPUS)
		common->kept[slot] = *p;
	else
		common->kept[below(MAX_CORPUS)] = *p;
}

static int corpus_size(void)
{
	int n = __atomic_load_n(&common->corpus, __ATOMIC_SEQ_CST);

	return n < MAX_CORPUS ? n : MAX_CORPUS;
}

static void worker_start(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	madvise(common, sizeof(*common), MADV_DONTFORK);
	execute_prepare();
	coverage_file = open("/dev/coverage", O_RDWR | O_CLOEXEC);
}

/* One round of one worker.  `first`: the programs of the corpus are run, each by one worker. */
static void worker_round(int worker, uint64_t seed, int programs, bool first)
{
	struct program p;

	random_seed(seed);
	worker_start();
	for (int i = 0; i < programs; i++) {
		int size = corpus_size();

		if (first && i * workers + worker < size) {
			p = common->kept[i * workers + worker];
		} else if (size && below(4)) {
			p = common->kept[below((uint64_t)size)];
			program_mutate(&p, &common->kept[below((uint64_t)size)]);
		} else {
			program_make(&p);
		}
		remember(&p, worker);
		run(&p, worker);
		if (coverage_merge(map, words, fresh) && !(first && i * workers + worker < size))
			keep(&p, worker);
	}
	__atomic_fetch_add(&common->calls, *calls_made, __ATOMIC_RELAXED);
}

static void corpus_read(const char *path)
{
	static char text[1 << 20];
	int f = open(path, O_RDONLY);
	const char *at = text;
	ssize_t n = f < 0 ? -1 : read(f, text, sizeof(text) - 1);

	if (n < 0) {
		perror(path);
		return;
	}
	close(f);
	while (common->corpus < MAX_CORPUS &&
	       (at = program_parse(&common->kept[common->corpus], at)))
		if (common->kept[common->corpus].count)
			common->corpus++;
	common->printed = common->corpus;
}

static void corpus_print(void)
{
	char text[PROGRAM_TEXT];

	for (; common->printed < corpus_size(); common->printed++) {
		program_print(&common->kept[common->printed], text);
		printf("fuzz: KEPT\n%sfuzz: END\n", text);
	}
}

/* Look for the program of the round that leaves memory behind, in a process of its own. */
static void look_for_culprit(const char *how)
{
	pid_t pid = fork();

	if (pid == 0) {
		bool any = false;

		worker_start();
		words = 0;
		for (int w = 0; w < workers && !any; w++) {
			struct program found;
			size_t size = (size_t)common->ran[w] * sizeof(found);
			struct program *list = malloc(size + 1);

			memcpy(list, common->round[w], size);
			any = memory_culprit(list, common->ran[w], fail_file, &found);
			free(list);
		}
		if (!any)
			printf("fuzz: memory grew once:%s\n", how);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void round_run(uint64_t seed, int programs, bool first)
{
	pid_t pids[MAX_WORKERS];

	fflush(stdout);
	memset(common->ran, 0, sizeof(common->ran));
	for (int w = 0; w < workers; w++) {
		while ((pids[w] = fork()) < 0)
			usleep(10000);
		if (pids[w] == 0) {
			worker_round(w, seed + (uint64_t)w * 7919, programs, first);
			fflush(stdout);
			_exit(0);
		}
	}
	for (int w = 0; w < workers; w++) {
		int status;

		while (waitpid(pids[w], &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status))
			printf("fuzz: worker %d ended by signal %d\n", w, WTERMSIG(status));
	}
}

static void report(long seconds, int rounds)
{
	printf("fuzz: %ld s, round %d, %lu programs, %lu calls, %zu places, corpus of %d\n",
	       seconds, rounds, common->programs, common->calls, coverage_count(words),
	       corpus_size());
}

/* Is it back some seconds later?  Processes that are there then are named: none should be. */
static bool comes_later(const struct memory *before, const char *how)
{
	struct memory after;
	int i;

	for (i = 1; i <= LATER; i++) {
		sleep(1);
		alive();
		memory_read(&after, before, workers);
		if (memory_growth(before, &after, NULL, 0) == 0)
			break;
	}
	if (i <= LATER)
		printf("fuzz: memory that came back %d s later:%s\n", i, how);
	else
		(void)!system("/bin/ps");
	return i <= LATER;
}

static void fuzz(uint64_t seed, long seconds, long most)
{
	struct memory before, after;
	time_t start = time(NULL);
	int rounds = 0, corpus = corpus_size() / workers + 1;
	char how[512];

	do {
		int programs = rounds == 0 && corpus > ROUND ? corpus : ROUND;

		if (most && programs > most)
			programs = (int)most;
		round_run(seed + (uint64_t)rounds * 1000003, programs, rounds == 0);
		memory_read(&after, rounds ? &before : NULL, workers);
		corpus_print();
		report(time(NULL) - start, ++rounds);
		if (rounds > 1 && memory_growth(&before, &after, how, sizeof(how)) &&
		    !comes_later(&before, how)) {
			look_for_culprit(how);
			memory_read(&after, NULL, workers);
		}
		before = after;
		fflush(stdout);
	} while (!common->stuck && time(NULL) - start < seconds &&
		 (!most || (long)common->programs < most * workers));
}

/* Each program of the file in a worker of its own, all at the same time. */
static void again(int count)
{
	struct memory before, after;
	char how[512];
	pid_t pid;

	memory_read(&before, NULL, count);
	for (int w = 0; w < count && w < MAX_WORKERS; w++) {
		pid = fork();
		if (pid == 0) {
			struct program p = common->kept[w];

			worker_start();
			words = 0;
			for (int i = 0; i < AGAIN; i++)
				run(&p, w);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	memory_read(&after, &before, count);
	if (memory_growth(&before, &after, how, sizeof(how)) >= AGAIN / 2)
		printf("fuzz: FOUND memory does not come back:%s\nfuzz: END\n", how);
	printf("fuzz: %d programs ran %d times\n", count, AGAIN);
}

int main(int argc, char *argv[])
{
	const char *corpus = NULL, *repro = NULL;
	long seconds = 10, most = 0;
	uint64_t seed = 1;
	int option;

	/* A program of ours may execute this one: that is no run of the fuzzer. */
	if (argc < 2 || argv[1][0] != '-')
		return 0;
	while ((option = getopt(argc, argv, "s:w:t:n:c:r:")) >= 0)
		switch (option) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			workers = atoi(optarg);
			break;
		case 't':
			seconds = atol(optarg);
			break;
		case 'n':
			most = atol(optarg);
			break;
		case 'c':
			corpus = optarg;
			break;
		case 'r':
			repro = optarg;
			break;
		default:
			return 2;
		}
	if (workers < 1 || workers > MAX_WORKERS)
		workers = 1;
	umask(0);
	common =
	    mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* All of it is used now, or it would count as memory that the programs leave behind. */
	memset(common, 0,
	       offsetof(struct common, round) + (size_t)workers * sizeof(common->round[0]));
	coverage_file = open("/dev/coverage", O_RDWR | O_CLOEXEC);
	fail_file = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	if (coverage_file >= 0)
		words = (size_t)read(coverage_file, map, sizeof(map)) / 8;
	close(coverage_file);
	notes_make(MAX_WORKERS);
	note_coverage(words);
	printf("fuzz: seed %lu, %d workers, %zu words of coverage\n", seed, workers, words);
	if (corpus || repro)
		corpus_read(repro ? repro : corpus);
	if (repro)
		again(common->corpus);
	else
		fuzz(seed, seconds, most);
	printf("fuzz: done\n");
	return 0;
}
