/* SPDX-License-Identifier: MIT
 *
 * The letter by which a thread is called in tables and in the timeline.
 */
#include "internal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Shared with all children, so that a child's threads have letters too.  One entry a letter.  No
 * lock: a child that is killed would leave it held. */
#define LETTERS 52
static struct letters {
	int count;
	struct {
		pid_t tid;
		bool ended;
		char name[16];
	} of[LETTERS];
} * letters;

static pid_t main_pid;

bool in_child(void)
{
	return main_pid && getpid() != main_pid;
}

void letters_open(void)
{
	main_pid = getpid();
	letters =
	    mmap(NULL, sizeof(*letters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (letters == MAP_FAILED)
		must(NULL);
}

static char letter_of(int i)
{
	return i < 26 ? 'A' + i : 'a' + i - 26;
}

/* The newest first: numbers of threads are used again. */
char letter_find(pid_t tid, const char **name)
{
	if (!letters)
		return 0;
	for (int i = letters->count - 1; i >= 0; i--) {
		if (letters->of[i].tid != tid)
			continue;
		if (name)
			*name = letters->of[i].name;
		return letter_of(i);
	}
	return 0;
}

void letter_end(pid_t tid)
{
	for (int i = 0; letters && i < letters->count; i++)
		if (letters->of[i].tid == tid)
			letters->of[i].ended = true;
}

/* A thread that has ended leaves its letter to the next one of its name: rounds look alike. */
int letter_take(const char *name, pid_t tid)
{
	int count = __atomic_load_n(&letters->count, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < count; i++)
		if (strncmp(letters->of[i].name, name, 15) == 0 &&
		    __atomic_exchange_n(&letters->of[i].ended, false, __ATOMIC_ACQ_REL))
			break;
	if (i == count) {
		do {
			i = __atomic_load_n(&letters->count, __ATOMIC_RELAXED);
			if (i == LETTERS)
				return i;
		} while (!__atomic_compare_exchange_n(&letters->count, &i, i + 1, false,
						      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
		memcpy(letters->of[i].name, name, strnlen(name, 15));
	}
	__atomic_store_n(&letters->of[i].tid, tid, __ATOMIC_RELEASE);
	return i;
}

void letter_set(int i, pid_t tid)
{
	if (i < LETTERS)
		__atomic_store_n(&letters->of[i].tid, tid, __ATOMIC_RELEASE);
}

char lab_letter(pid_t tid, const char *name)
{
	char letter = letter_find(tid, NULL);

	if (letter)
		return letter;
	int i = letter_take(name ? name : "", tid);

	return i < LETTERS ? letter_of(i) : '+';
}
