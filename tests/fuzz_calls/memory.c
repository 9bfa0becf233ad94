/* SPDX-License-Identifier: MIT
 *
 * What the machine's memory is used for (/proc/heddle/frames and slab), and which program leaves
 * some of it behind.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum { SETTLE = 60, TIMES = 3 };

/* Objects of the System V kind and message queues outlive their programs. */
void objects_remove(void)
{
	union {
		struct seminfo info;
		struct semid_ds set;
	} sem;
	struct msqid_ds m;
	struct shmid_ds s;
	int last, id;

	last = shmctl(0, IPC_INFO, &s);
	for (int i = 0; i <= last; i++)
		if ((id = shmctl(i, 13 /* SHM_STAT */, &s)) >= 0)
			shmctl(id, IPC_RMID, NULL);
	last = semctl(0, 0, IPC_INFO, &sem);
	for (int i = 0; i <= last; i++)
		if ((id = semctl(i, 0, 18 /* SEM_STAT */, &sem)) >= 0)
			semctl(id, 0, IPC_RMID);
	last = msgctl(0, IPC_INFO, &m);
	for (int i = 0; i <= last; i++)
		if ((id = msgctl(i, 11 /* MSG_STAT */, &m)) >= 0)
			msgctl(id, IPC_RMID, NULL);
	mq_unlink("/a");
	mq_unlink("/b");
}

static void cleaned(int workers)
{
	int f = open("/proc/sys/vm/drop_caches", O_WRONLY);

	objects_remove();
	for (int i = 0; i < workers; i++)
		execute_directory(i);
	(void)!chdir("/");
	(void)!write(f, "1\n", 2);
	close(f);
}

static void add(struct memory *m, const char *prefix, const char *name, long value)
{
	if (m->count == MEMORY_KINDS)
		return;
	snprintf(m->name[m->count], sizeof(m->name[0]), "%s%s", prefix, name);
	m->value[m->count++] = value;
}

/* The kinds of frames, without slabs, of which objects say more: over how many frames few of them
 * are strewn is chance. */
static void memory_once(struct memory *m)
{
	static const char *const kinds[] = {"kernel", "page_table", "kstack", "anon",
					    "object", "file",	    "pipe"};
	char name[40];
	long value;
	FILE *f = fopen("/proc/heddle/frames", "r");

	m->count = 0;
	while (f && fscanf(f, "%31s %ld", name, &value) == 2)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strcmp(name, kinds[i]) == 0)
				add(m, "frames:", name, value);
	if (f)
		fclose(f);
	f = fopen("/proc/heddle/slab", "r");
	while (f && fscanf(f, "%31s %ld %*d %*d %*d", name, &value) == 2)
		add(m, "objects:", name, value);
	if (f)
		fclose(f);
}

static long memory_value(const struct memory *m, const char *name)
{
	for (int i = 0; i < m->count; i++)
		if (strcmp(m->name[i], name) == 0)
			return m->value[i];
	return 0;
}

long memory_growth(const struct memory *before, const struct memory *after, char *text, size_t size)
{
	long sum = 0;
	size_t n = 0;

	for (int i = 0; i < after->count; i++) {
		long more = after->value[i] - memory_value(before, after->name[i]);

		if (more <= 0)
			continue;
		sum += more;
		if (text && n + 64 < size)
			n += (size_t)snprintf(text + n, size - n, " %+ld %s", more, after->name[i]);
	}
	return sum;
}

/* What has ended leaves its last stack, and what another CPU frees, a moment later: the least of
 * several looks, for as long as it is more than `before`. */
void memory_read(struct memory *m, const struct memory *before, int workers)
{
	for (int i = 0; i < SETTLE; i++) {
		cleaned(workers);
		memory_once(m);
		if (before && memory_growth(before, m, NULL, 0) == 0)
			return;
		if (!before && i == 3)
			return;
		usleep(20000);
	}
}

/* Does it grow each time that these programs run? */
static bool grows(const struct program *list, int count, int fail, char *how, size_t size)
{
	struct memory before, after;

	for (int i = 0; i < TIMES; i++) {
		memory_read(&before, NULL, 1);
		for (int k = 0; k < count; k++) {
			execute(&list[k], 0, -1, fail);
			if (k % 50 == 0)
				alive();
		}
		memory_read(&after, &before, 1);
		if (memory_growth(&before, &after, how, size) == 0)
			return false;
	}
	return true;
}

bool memory_culprit(struct program *list, int count, int fail, struct program *found)
{
	char how[256], text[PROGRAM_TEXT];
	int first = 0;

	if (!grows(list, count, fail, how, sizeof(how)))
		return false;
	while (count > 1) {
		int half = count / 2;

		if (grows(list + first, half, fail, how, sizeof(how))) {
			count = half;
		} else if (grows(list + first + half, count - half, fail, how, sizeof(how))) {
			first += half;
			count -= half;
		} else {
			return false;
		}
	}
	*found = list[first];
	for (int i = found->count - 1; i >= 0 && found->count > 1; i--) {
		struct program shorter = *found;

		line_remove(&shorter, i);
		if (grows(&shorter, 1, fail, how, sizeof(how)))
			*found = shorter;
	}
	grows(found, 1, fail, how, sizeof(how));
	program_print(found, text);
	printf("fuzz: FOUND memory does not come back:%s\n%sfuzz: END\n", how, text);
	return true;
}
