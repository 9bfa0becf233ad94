/* SPDX-License-Identifier: MIT
 *
 * System V shared memory: segments, keys, attaching and detaching, what is counted.
 */
#include <grp.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "check.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static key_t key; /* of this process alone */

static int segment(size_t size)
{
	return MUST(shmget(IPC_PRIVATE, size, 0600));
}

static char *attach(int id)
{
	char *p = shmat(id, NULL, 0);

	CHECK(p != (char *)-1);
	return p;
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds = {0};

	CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
	return ds;
}

static void remove_segment(int id)
{
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

/* Is the id unknown? */
static bool gone(int id)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM);
}

static void share(void)
{
	int id = segment(3 * PAGE + 5);
	char *a = attach(id), *b = attach(id);

	CHECK(a != b);
	CHECK_EQ(a[0], 0);
	strcpy(a + 2 * PAGE, "hello");
	CHECK_EQ(strcmp(b + 2 * PAGE, "hello"), 0);
	CHECK_EQ(b[4 * PAGE - 1], 0); /* the whole last page is there */
	CHECK_EQ(IN_CHILD(strcpy(a, "child"); CHECK_EQ(shmdt(b), 0)), 0);
	CHECK_EQ(strcmp(b, "child"), 0);
	CHECK_EQ(shmdt(a), 0);
	CHECK_ERR(shmdt(a), EINVAL);
	CHECK_ERR(shmdt(b + PAGE), EINVAL);
	CHECK_ERR(shmdt(b + 1), EINVAL);
	CHECK_EQ(shmdt(b), 0);
	/* The content stays until the segment is removed. */
	a = attach(id);
	CHECK_EQ(strcmp(a, "child"), 0);
	CHECK_EQ(shmdt(a), 0);
	remove_segment(id);
	CHECK(gone(id));
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
}

static void get(void)
{
	int id = MUST(shmget(key, 1000, IPC_CREAT | IPC_EXCL | 0640)), other;
	struct shmid_ds ds = stat_of(id);

	CHECK_EQ(shmget(key, 1000, 0), id);
	CHECK_EQ(shmget(key, 0, 0), id);
	CHECK_EQ(shmget(key, 500, IPC_CREAT), id);
	CHECK_ERR(shmget(key, 1001, 0), EINVAL);
	CHECK_ERR(shmget(key, 1000, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(shmget(key + 1, 1000, 0), ENOENT);
	CHECK_ERR(shmget(key + 1, 0, IPC_CREAT), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_EQ(ds.shm_perm.__key, key);
	CHECK_EQ(ds.shm_perm.mode, 0640);
	CHECK_EQ(ds.shm_perm.uid, geteuid());
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_segsz, 1000);
	CHECK_EQ(ds.shm_cpid, getpid());
	CHECK_EQ(ds.shm_lpid, 0);
	CHECK_EQ(ds.shm_nattch, 0);
	CHECK_EQ(ds.shm_atime, 0);
	CHECK_EQ(ds.shm_dtime, 0);
	CHECK(ds.shm_ctime >= time(NULL) - 20 && ds.shm_ctime <= time(NULL) + 1);
	other = segment(1);
	CHECK(other != id);
	remove_segment(other);
	remove_segment(id);
	CHECK_ERR(shmget(key, 1000, 0), ENOENT);
	/* The id is not used again at once. */
	CHECK((other = MUST(shmget(key, 1000, IPC_CREAT | 0600))) != id);
	CHECK(gone(id));
	remove_segment(other);
}

static void attaches(void)
{
	int id = segment(4 * PAGE), p[2];
	char *a = attach(id), *b = attach(id), c;
	struct shmid_ds ds = stat_of(id);
	pid_t child;

	CHECK_EQ(ds.shm_nattch, 2);
	CHECK_EQ(ds.shm_lpid, getpid());
	CHECK(ds.shm_atime >= ds.shm_ctime);
	MUST(pipe(p));
	child = SPAWN(close(p[1]); read(p[0], &c, 1));
	CHECK_EQ(stat_of(id).shm_nattch, 4);
	close(p[1]);
	CHECK_EQ(wait_status(child), 0);
	close(p[0]);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_nattch, 2);
	CHECK_EQ(ds.shm_lpid, child);
	CHECK(ds.shm_dtime >= ds.shm_atime);
	/* exec detaches. */
	CHECK_EQ(IN_CHILD(execl(self_path(), "x", "count", NULL)), EXITED(0));
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_EQ(munmap(b, 4 * PAGE), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	/* A hole makes two mappings of one; shmdt() finds both. */
	CHECK_EQ(munmap(a + PAGE, PAGE), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_EQ(shmdt(a), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	a = attach(id);
	CHECK_EQ(munmap(a, PAGE), 0);
	CHECK_EQ(shmdt(a), 0); /* also without its first page */
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	CHECK_EQ(stat_of(id).shm_lpid, getpid());
	remove_segment(id);
}

static void removal(void)
{
	int id = MUST(shmget(key, 2 * PAGE, IPC_CREAT | 0600)), p[2];
	char *a = attach(id), *b, c;
	struct shmid_ds ds;
	pid_t child;

	MUST(pipe(p));
	child = SPAWN(close(p[1]); read(p[0], &c, 1); strcpy(a, "late"));
	remove_segment(id);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_perm.mode, 01600); /* SHM_DEST */
	CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	CHECK_EQ(ds.shm_nattch, 2);
	CHECK_ERR(shmget(key, 2 * PAGE, 0), ENOENT);
	/* As long as it is attached it can be attached again. */
	b = attach(id);
	CHECK_EQ(shmdt(a), 0);
	close(p[1]);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(strcmp(b, "late"), 0);
	close(p[0]);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0); /* again: nothing happens */
	CHECK_EQ(shmdt(b), 0);
	CHECK(gone(id));
	/* The last to go may be a process that ends. */
	id = segment(PAGE);
	MUST(pipe(p));
	child = SPAWN(attach(id); write(p[1], "x", 1); pause());
	CHECK_EQ(read(p[0], &c, 1), 1);
	remove_segment(id);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK(gone(id));
	close(p[0]);
	close(p[1]);
}

static void read_only(void)
{
	int id = segment(PAGE);
	char *a = attach(id), *r = shmat(id, NULL, SHM_RDONLY);

	CHECK(r != (char *)-1);
	strcpy(a, "text");
	CHECK_EQ(strcmp(r, "text"), 0);
	CHECK_EQ(IN_CHILD(*(volatile char *)r = 1), KILLED(SIGSEGV));
	CHECK_ERR(mprotect(r, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(mprotect(a, PAGE, PROT_READ), 0);
	CHECK_EQ(IN_CHILD(*(volatile char *)a = 1), KILLED(SIGSEGV));
	CHECK_EQ(mprotect(a, PAGE, PROT_READ | PROT_WRITE), 0);
	*(volatile char *)a = 1;
	CHECK_EQ(shmdt(a), 0);
	CHECK_EQ(shmdt(r), 0);
	remove_segment(id);
}

static void addresses(void)
{
	int id = segment(2 * PAGE);
	char *free_space = map(8 * PAGE), *a;

	munmap(free_space, 8 * PAGE);
	a = shmat(id, free_space + PAGE, 0);
	CHECK(a == free_space + PAGE);
	*a = 7;
	/* Occupied, unless SHM_REMAP. */
	CHECK_ERR(shmat(id, free_space + 2 * PAGE, 0), EINVAL);
	CHECK_ERR(shmat(id, free_space + 4 * PAGE + 100, 0), EINVAL);
	CHECK(shmat(id, free_space + 4 * PAGE + 100, SHM_RND) == free_space + 4 * PAGE);
	CHECK_EQ(free_space[4 * PAGE], 7);
	CHECK(shmat(id, free_space + 2 * PAGE, SHM_REMAP) == free_space + 2 * PAGE);
	CHECK_EQ(free_space[PAGE], 7);
	CHECK_EQ(free_space[2 * PAGE], 7);
	CHECK_EQ(stat_of(id).shm_nattch, 3);
	CHECK_ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK_ERR(shmat(-1, NULL, 0), EINVAL);
	CHECK_EQ(shmdt(free_space + PAGE), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_EQ(shmdt(free_space + 2 * PAGE), 0);
	CHECK_EQ(shmdt(free_space + 4 * PAGE), 0);
	remove_segment(id);
}

static void control(void)
{
	int id = segment(PAGE);
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.uid = 12;
	ds.shm_perm.gid = 34;
	ds.shm_perm.mode = 07444;
	CHECK_EQ(shmctl(id, IPC_SET, &ds), 0);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_perm.uid, 12);
	CHECK_EQ(ds.shm_perm.gid, 34);
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_perm.mode, 0444);
	CHECK_EQ(shmctl(id, SHM_LOCK, NULL), 0);
	CHECK_EQ(stat_of(id).shm_perm.mode, 02444);
	CHECK_EQ(shmctl(id, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(stat_of(id).shm_perm.mode, 0444);
	CHECK_ERR(shmctl(id, IPC_STAT, BAD), EFAULT);
	CHECK_ERR(shmctl(id, IPC_SET, BAD), EFAULT);
	CHECK_ERR(shmctl(id, 4711, &ds), EINVAL);
	CHECK_ERR(shmctl(-1, IPC_STAT, &ds), EINVAL);
	remove_segment(id);
	CHECK_ERR(shmctl(id, IPC_SET, &ds), EINVAL);
}

static void rights(void)
{
	int id = MUST(shmget(key, PAGE, IPC_CREAT | 0640)), open_id = segment(PAGE);
	struct shmid_ds ds = stat_of(open_id);

	ds.shm_perm.mode = 0604;
	CHECK_EQ(shmctl(open_id, IPC_SET, &ds), 0);
	SKIP_IF(geteuid() != 0, "wants root");
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  CHECK_ERR(shmat(id, NULL, 0), EACCES);
			  CHECK_ERR(shmat(id, NULL, SHM_RDONLY), EACCES);
			  CHECK_EQ(shmget(key, 0, 0), id); CHECK_ERR(shmget(key, 0, 0400), EACCES);
			  CHECK_ERR(shmctl(id, IPC_STAT, &ds), EACCES);
			  CHECK_ERR(shmctl(id, IPC_SET, &ds), EPERM);
			  CHECK_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
			  CHECK_EQ(shmget(key, 0, 0), id);
			  CHECK(shmat(open_id, NULL, SHM_RDONLY) != (void *)-1);
			  CHECK_ERR(shmat(open_id, NULL, 0), EACCES);),
		 0);
	/* The owner and the group may be others than the creator. */
	ds = stat_of(id);
	ds.shm_perm.uid = 77;
	CHECK_EQ(shmctl(id, IPC_SET, &ds), 0);
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(78)); MUST(setuid(77));
			  CHECK(shmat(id, NULL, 0) != (void *)-1);
			  CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
			  CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0)),
		 0);
	CHECK(gone(id));
	remove_segment(open_id);
}

static void lists(void)
{
	int id = segment(3 * PAGE), index, highest, found = -1;
	struct shmid_ds ds;
	struct shminfo limits;
	struct shm_info used;
	char line[400];
	FILE *f;

	*attach(id) = 1;
	highest = MUST(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits));
	CHECK_EQ(limits.shmmin, 1);
	CHECK_EQ(limits.shmmni, 4096);
	CHECK(limits.shmmax > 1UL << 40);
	CHECK_EQ(shmctl(0, SHM_INFO, (struct shmid_ds *)&used), highest);
	CHECK(used.__used_ids >= 1 && used.shm_tot >= 3 && used.shm_rss >= 1);
	for (index = 0; index <= highest; index++)
		if (shmctl(index, SHM_STAT, &ds) == id)
			found = index;
	CHECK(found >= 0);
	CHECK_EQ(shmctl(found, SHM_STAT_ANY, &ds), id);
	CHECK_EQ(ds.shm_segsz, 3 * PAGE);
	CHECK_EQ(ds.shm_nattch, 1);
	CHECK_ERR(shmctl(1 << 20, SHM_STAT, &ds), EINVAL);
	if (has_proc()) {
		int seen = 0, k, i, perms, cpid, lpid;
		unsigned long size, attached;

		f = fopen("/proc/sysvipc/shm", "r");
		if (CHECK(f)) {
			CHECK(fgets(line, sizeof(line), f));
			CHECK(strstr(line, "       key      shmid perms   ") == line);
			while (fgets(line, sizeof(line), f)) {
				CHECK_EQ(sscanf(line, "%d %d %o %lu %d %d %lu", &k, &i, &perms,
						&size, &cpid, &lpid, &attached),
					 7);
				if (i != id)
					continue;
				seen++;
				CHECK_EQ(perms, 0600);
				CHECK_EQ(size, 3 * PAGE);
				CHECK_EQ(cpid, getpid());
				CHECK_EQ(attached, 1);
			}
			fclose(f);
		}
		CHECK_EQ(seen, 1);
	}
	remove_segment(id);
}

/* Processes attach, fork and end while the segment is removed: it goes in the end. */
static void races(void)
{
	for (int round = 0; round < 20; round++) {
		int id = segment(2 * PAGE);
		pid_t child[4];

		for (int i = 0; i < 4; i++)
			child[i] = SPAWN(for (int n = 0; n < 30; n++) {
				char *p = shmat(id, NULL, 0);

				if (p == (char *)-1)
					break;
				p[PAGE] = 1;
				if (n % 8 == 0)
					CHECK_EQ(IN_CHILD(shmdt(p)), 0);
				CHECK_EQ(shmdt(p), 0);
			});
		usleep(round * 300);
		remove_segment(id);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(wait_status(child[i]), 0);
		CHECK(gone(id));
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	check_start();
	if (argc > 1)
		return 0;
	key = 0x48000000 + getpid();
	RUN(share);
	RUN(get);
	RUN(attaches);
	RUN(removal);
	RUN(read_only);
	RUN(addresses);
	RUN(control);
	RUN(rights);
	RUN(lists);
	RUN(races);
	return check_end();
}
