/* SPDX-License-Identifier: MIT
 *
 * The letter that stands for a thread in tables and in the timeline.
 */
#include "internal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Shared with all children, so that a child's threads have letters too.  There is no lock, because
 * a child that is killed would never release it. */
#define LETTERS 52
#define HISTORY 1024
static struct letters {
	int count;
	struct {
		pid_t tid;
		bool ended;
		char name[16];
	} of[LETTERS];
	/* Which thread had which letter: a trace can show threads that have ended.  A ring. */
	unsigned int given;
	struct {
		pid_t tid;
		int letter;
	} history[HISTORY];
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

/* Searches the newest entry first, because the kernel uses a TID again. */
char letter_find(pid_t tid)
{
	unsigned int given = letters ? __atomic_load_n(&letters->given, __ATOMIC_ACQUIRE) : 0;

	for (unsigned int i = 1; i <= given && i <= HISTORY; i++)
		if (letters->history[(given - i) % HISTORY].tid == tid)
			return letter_of(letters->history[(given - i) % HISTORY].letter);
	return 0;
}

void letter_end(pid_t tid)
{
	for (int i = 0; i < letters->count; i++)
		if (letters->of[i].tid == tid)
			__atomic_store_n(&letters->of[i].ended, true, __ATOMIC_RELEASE);
}

/* The next thread of the same name gets the letter of one that has ended: all rounds look alike. */
int letter_take(const char *name)
{
	int count = __atomic_load_n(&letters->count, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < count; i++)
		if (strncmp(letters->of[i].name, name, 15) == 0 &&
		    __atomic_exchange_n(&letters->of[i].ended, false, __ATOMIC_ACQ_REL))
			return i;
	while (count < LETTERS &&
	       !__atomic_compare_exchange_n(&letters->count, &count, count + 1, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	/* All letters were given: use any letter whose thread has ended. */
	for (i = 0; count == LETTERS; i++)
		if (i == LETTERS)
			return i;
		else if (__atomic_exchange_n(&letters->of[i].ended, false, __ATOMIC_ACQ_REL))
			count = i;
	strncpy(letters->of[count].name, name, 15);
	return count;
}

void letter_set(int i, pid_t tid)
{
	unsigned int at;

	if (i == LETTERS)
		return;
	__atomic_store_n(&letters->of[i].tid, tid, __ATOMIC_RELEASE);
	at = __atomic_fetch_add(&letters->given, 1, __ATOMIC_ACQ_REL) % HISTORY;
	letters->history[at].letter = i;
	__atomic_store_n(&letters->history[at].tid, tid, __ATOMIC_RELEASE);
}

char lab_letter(pid_t tid, const char *name)
{
	char letter = letter_find(tid);
	int i;

	if (letter)
		return letter;
	i = letter_take(name ? name : "");
	letter_set(i, tid);
	return i < LETTERS ? letter_of(i) : '+';
}

/* Stores the letters of its threads in the trace, because TIDs and letters are used again later. */
void letters_keep(struct lab_trace *trace, bool all)
{
	/* For `timeline`: a thread that is no longer in the trace frees its letter. */
	for (int i = 0; all && i < letters->count; i++)
		if (strcmp(trace_name(trace, letters->of[i].tid), "?") == 0)
			letters->of[i].ended = true;
	for (int i = 0; i < trace->name_count; i++) {
		struct thread_name *n = &trace->names[i];

		n->letter = all ? lab_letter(n->tid, n->name) : letter_find(n->tid);
	}
}
