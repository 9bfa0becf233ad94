/* SPDX-License-Identifier: MIT
 *
 * Pages that the host finds in the memory of the machine when that has stopped: the programs that
 * each worker ran last, and the places that were reached.  Each begins with a mark, which this file
 * does not contain as such: the host must not find it in the image of this program.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

enum { PAYLOAD = PAGE - 40, COVERAGE = 0xc0 };

struct note {
	char mark[16];
	uint64_t kind, index, sequence; /* kind: the worker, or COVERAGE */
	char payload[PAYLOAD];
};

static struct note *notes, *coverage;
static size_t coverage_pages;
static uint64_t *sequence;

static void note_begin(struct note *n, uint64_t kind, uint64_t index)
{
	static const char mark[16] =
	    "\x1d\x30\x31\x31\x39\x30\x75\x33\x20\x2f\x2f\x30\x27\x75\x64\x7b";

	for (int i = 0; i < 16; i++)
		n->mark[i] = (char)(mark[i] ^ 0x55); /* "Heddle fuzzer 1." */
	n->kind = kind;
	n->index = index;
}

static void *shared_memory(size_t size)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

void notes_make(int workers)
{
	notes = shared_memory((size_t)workers * NOTES * PAGE);
	sequence = shared_memory(PAGE);
	for (int i = 0; i < workers * NOTES; i++)
		note_begin(&notes[i], (uint64_t)i / NOTES, (uint64_t)i % NOTES);
}

void note_program(int worker, const char *text)
{
	static int next;
	struct note *n = &notes[worker * NOTES + next++ % NOTES];

	snprintf(n->payload, PAYLOAD, "%s", text);
	n->sequence = __atomic_add_fetch(sequence, 1, __ATOMIC_RELAXED);
}

void note_coverage(size_t words)
{
	coverage_pages = (words * 8 + PAYLOAD - 1) / PAYLOAD;
	coverage = shared_memory(coverage_pages * PAGE);
	for (size_t i = 0; i < coverage_pages; i++)
		note_begin(&coverage[i], COVERAGE, i);
}

static uint64_t *coverage_word(size_t i)
{
	return &((uint64_t *)coverage[i / (PAYLOAD / 8)].payload)[i % (PAYLOAD / 8)];
}

/* Add what a program has reached; `fresh` (if not NULL) becomes the places that none had. */
size_t coverage_merge(const uint64_t *map, size_t words, uint64_t *fresh)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t add =
		    map[i] ? map[i] & ~__atomic_fetch_or(coverage_word(i), map[i], __ATOMIC_RELAXED)
			   : 0;

		if (fresh)
			fresh[i] = add;
		count += (size_t)__builtin_popcountl(add);
	}
	return count;
}

size_t coverage_count(size_t words)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountl(*coverage_word(i));
	return count;
}
