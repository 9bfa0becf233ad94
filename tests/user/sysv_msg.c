/* SPDX-License-Identifier: MIT
 *
 * System V message queues: types, full and empty queues, removal, what is counted.
 */
#include <grp.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "check.h"

#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

static key_t key;
static struct {
	long type;
	char text[20000];
} m;

static int queue(void)
{
	return MUST(msgget(IPC_PRIVATE, 0600));
}

static int put(int id, long type, const char *text, int flags)
{
	m.type = type;
	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

/* Take a message; is it this one? */
static bool got(int id, long type, int flags, long want_type, const char *want)
{
	ssize_t n = msgrcv(id, &m, 100, type, flags | IPC_NOWAIT);

	return CHECK_EQ(n, strlen(want)) && CHECK_EQ(m.type, want_type) &&
	       CHECK_EQ(memcmp(m.text, want, n), 0);
}

static struct msqid_ds stat_of(int id)
{
	struct msqid_ds ds = {0};

	CHECK_EQ(msgctl(id, IPC_STAT, &ds), 0);
	return ds;
}

static void remove_queue(int id)
{
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void types(void)
{
	int id = queue();

	CHECK_EQ(put(id, 3, "three", 0), 0);
	CHECK_EQ(put(id, 1, "one", 0), 0);
	CHECK_EQ(put(id, 2, "two", 0), 0);
	CHECK_EQ(put(id, 1, "", 0), 0);
	CHECK_EQ(put(id, LONG_MAX, "max", 0), 0);
	got(id, 2, 0, 2, "two");
	CHECK_ERR(msgrcv(id, &m, 100, 2, IPC_NOWAIT), ENOMSG);
	got(id, 3, MSG_EXCEPT, 1, "one");
	got(id, -2, 0, 1, "");
	CHECK_ERR(msgrcv(id, &m, 100, -2, IPC_NOWAIT), ENOMSG);
	got(id, 0, 0, 3, "three");
	got(id, LONG_MIN, 0, LONG_MAX, "max");
	CHECK_ERR(msgrcv(id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
	/* The lowest type, and of that the oldest. */
	CHECK_EQ(put(id, 5, "a", 0), 0);
	CHECK_EQ(put(id, 4, "b", 0), 0);
	CHECK_EQ(put(id, 6, "c", 0), 0);
	CHECK_EQ(put(id, 4, "d", 0), 0);
	got(id, -9, 0, 4, "b");
	got(id, -9, 0, 4, "d");
	got(id, -9, 0, 5, "a");
	got(id, 0, MSG_EXCEPT, 6, "c");
	remove_queue(id);
}

/* In whatever way they are taken, those of a type come in the order in which they were sent. */
static void order(void)
{
	static const long sent[] = {5, 3, 5, 9, 3, 5, 1, 9, 3};
	static const struct {
		long type, flags, got;
		const char *text;
	} taken[] = {
	    {5, MSG_EXCEPT, 3, "1"}, {5, 0, 5, "0"},	      {-4, 0, 1, "6"},	     {0, 0, 5, "2"},
	    {9, MSG_EXCEPT, 3, "4"}, {3, MSG_EXCEPT, 9, "3"}, {LONG_MIN, 0, 3, "8"}, {0, 0, 5, "5"},
	    {-LONG_MAX, 0, 9, "7"},
	};
	int id = queue();
	char text[2] = "0";

	for (size_t i = 0; i < COUNT_OF(sent); i++, text[0]++)
		CHECK_EQ(put(id, sent[i], text, 0), 0);
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		got(id, taken[i].type, (int)taken[i].flags, taken[i].got, taken[i].text);
	CHECK_ERR(msgrcv(id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	remove_queue(id);
}

static void lengths(void)
{
	int id = queue();

	CHECK_EQ(put(id, 1, "0123456789", 0), 0);
	CHECK_ERR(msgrcv(id, &m, 9, 0, 0), E2BIG);
	CHECK_EQ(msgrcv(id, &m, 4, 0, MSG_NOERROR), 4);
	CHECK_EQ(memcmp(m.text, "0123", 4), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	CHECK_EQ(stat_of(id).__msg_cbytes, 0);
	m.type = 1;
	CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
	CHECK_ERR(msgsnd(id, &m, 8193, 0), EINVAL);
	CHECK_ERR(msgsnd(id, &m, -1, 0), EINVAL);
	CHECK_ERR(msgrcv(id, &m, -1, 0, 0), EINVAL);
	m.type = 0;
	CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = -5;
	CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	CHECK_ERR(msgsnd(id, BAD, 1, 0), EFAULT);
	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), 0, 0), 8192);
	CHECK_EQ(put(id, 1, "lost", 0), 0);
	CHECK_ERR(msgrcv(id, BAD, 10, 0, 0), EFAULT);
	CHECK_ERR(msgsnd(-1, &m, 1, 0), EINVAL);
	CHECK_ERR(msgrcv(-1, &m, 1, 0, 0), EINVAL);
	remove_queue(id);
	CHECK_ERR(put(id, 1, "", 0), EINVAL);
	CHECK_ERR(msgrcv(id, &m, 1, 0, IPC_NOWAIT), EINVAL);
}

static void queues(void)
{
	int id = MUST(msgget(key, IPC_CREAT | IPC_EXCL | 0640));
	struct msqid_ds ds = stat_of(id);

	CHECK_EQ(msgget(key, 0), id);
	CHECK_ERR(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(msgget(key + 1, 0), ENOENT);
	CHECK_EQ(ds.msg_perm.mode, 0640);
	CHECK_EQ(ds.msg_qbytes, 16384);
	CHECK_EQ(ds.msg_stime, 0);
	CHECK_EQ(ds.msg_lspid, 0);
	CHECK_EQ(put(id, 1, "xyz", 0), 0);
	ds = stat_of(id);
	CHECK_EQ(ds.msg_qnum, 1);
	CHECK_EQ(ds.__msg_cbytes, 3);
	CHECK_EQ(ds.msg_lspid, getpid());
	CHECK_EQ(ds.msg_lrpid, 0);
	CHECK(ds.msg_stime >= ds.msg_ctime && ds.msg_rtime == 0);
	CHECK_EQ(IN_CHILD(got(id, 0, 0, 1, "xyz")), 0);
	CHECK(stat_of(id).msg_lrpid != getpid());
	CHECK(stat_of(id).msg_rtime != 0);
	ds.msg_perm.uid = 12;
	ds.msg_perm.mode = 0600;
	ds.msg_qbytes = 100;
	CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
	ds = stat_of(id);
	CHECK_EQ(ds.msg_perm.uid, 12);
	CHECK_EQ(ds.msg_perm.mode, 0600);
	CHECK_EQ(ds.msg_qbytes, 100);
	m.type = 1;
	CHECK_ERR(msgsnd(id, &m, 101, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(msgsnd(id, &m, 100, IPC_NOWAIT), 0);
	CHECK_ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(msgsnd(id, &m, 0, IPC_NOWAIT), 0);
	CHECK_ERR(msgctl(id, IPC_STAT, BAD), EFAULT);
	CHECK_ERR(msgctl(id, IPC_SET, BAD), EFAULT);
	CHECK_ERR(msgctl(id, 4711, &ds), EINVAL);
	remove_queue(id);
	CHECK_ERR(msgctl(id, IPC_RMID, NULL), EINVAL);
}

static void full(void)
{
	int id = queue(), status;
	struct msqid_ds ds = stat_of(id);
	pid_t large, small;

	ds.msg_qbytes = 10000;
	CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
	m.type = 1;
	CHECK_EQ(msgsnd(id, &m, 5000, 0), 0);
	CHECK_EQ(msgsnd(id, &m, 4900, 0), 0);
	CHECK_ERR(msgsnd(id, &m, 1000, IPC_NOWAIT), EAGAIN);
	large = SPAWN(CHECK_EQ(msgsnd(id, &m, 5100, 0), 0));
	WAIT_UNTIL(is_asleep(large));
	small = SPAWN(m.type = 2; CHECK_EQ(msgsnd(id, &m, 500, 0), 0));
	WAIT_UNTIL(is_asleep(small));
	/* The first does not fit yet; the second need not wait for it. */
	CHECK_EQ(stat_of(id).msg_qnum, 2);
	ds.msg_qbytes = 10500;
	CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
	CHECK_EQ(wait_status(small), 0);
	CHECK_EQ(waitpid(large, &status, WNOHANG), 0);
	CHECK_EQ(msgrcv(id, &m, 8192, 2, 0), 500);
	CHECK_EQ(waitpid(large, &status, WNOHANG), 0);
	CHECK_EQ(msgrcv(id, &m, 8192, 1, 0), 5000);
	CHECK_EQ(wait_status(large), 0);
	CHECK_EQ(stat_of(id).__msg_cbytes, 4900 + 5100);
	CHECK_EQ(stat_of(id).msg_lspid, large);
	remove_queue(id);
}

/* Each waiting receiver gets what it wants, however they came. */
static void receivers(void)
{
	int id = queue(), status;
	pid_t two = SPAWN(CHECK_EQ(msgrcv(id, &m, 10, 2, 0), 3); CHECK_EQ(m.type, 2)), any, low,
	      short_one;

	WAIT_UNTIL(is_asleep(two));
	low = SPAWN(CHECK_EQ(msgrcv(id, &m, 10, -1, 0), 3); CHECK_EQ(m.type, 1));
	WAIT_UNTIL(is_asleep(low));
	any = SPAWN(CHECK_EQ(msgrcv(id, &m, 10, 0, 0), 5); CHECK_EQ(m.type, 7));
	WAIT_UNTIL(is_asleep(any));
	CHECK_EQ(put(id, 7, "seven", 0), 0);
	CHECK_EQ(wait_status(any), 0);
	CHECK_EQ(waitpid(two, &status, WNOHANG), 0);
	CHECK_EQ(put(id, 1, "one", 0), 0);
	CHECK_EQ(wait_status(low), 0);
	CHECK_EQ(put(id, 2, "two", 0), 0);
	CHECK_EQ(wait_status(two), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	/* One for which it is too long gets the error; the message stays for others. */
	short_one = SPAWN(CHECK_ERR(msgrcv(id, &m, 3, 0, 0), E2BIG));
	WAIT_UNTIL(is_asleep(short_one));
	CHECK_EQ(put(id, 1, "four", 0), 0);
	CHECK_EQ(wait_status(short_one), 0);
	got(id, 0, 0, 1, "four");
	remove_queue(id);
}

static void interrupted(void)
{
	int id = queue();
	pid_t child;

	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
		  NULL);
	child = SPAWN(CHECK_ERR(msgrcv(id, &m, 10, 0, 0), EINTR));
	WAIT_UNTIL(is_asleep(child));
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	/* Stopped and continued, it waits on. */
	child = SPAWN(CHECK_EQ(msgrcv(id, &m, 10, 0, 0), 2));
	WAIT_UNTIL(is_asleep(child));
	kill(child, SIGSTOP);
	WAIT_UNTIL(!has_proc() || process_state(child) == 'T');
	kill(child, SIGCONT);
	WAIT_UNTIL(is_asleep(child));
	CHECK_EQ(put(id, 1, "ok", 0), 0);
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(msgrcv(id, &m, 10, 0, 0));
	WAIT_UNTIL(is_asleep(child));
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_EQ(put(id, 1, "still", 0), 0);
	got(id, 0, 0, 1, "still");
	child = SPAWN(CHECK_ERR(msgrcv(id, &m, 10, 0, 0), EIDRM));
	WAIT_UNTIL(is_asleep(child));
	remove_queue(id);
	CHECK_EQ(wait_status(child), 0);
	id = queue();
	while (msgsnd(id, &m, 8000, IPC_NOWAIT) == 0)
		;
	child = SPAWN(CHECK_ERR(msgsnd(id, &m, 8000, 0), EINTR));
	WAIT_UNTIL(is_asleep(child));
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	child = SPAWN(CHECK_ERR(msgsnd(id, &m, 8000, 0), EIDRM));
	WAIT_UNTIL(is_asleep(child));
	remove_queue(id);
	CHECK_EQ(wait_status(child), 0);
}

static void rights(void)
{
	int id = MUST(msgget(key, IPC_CREAT | 0640)), writable = queue();
	struct msqid_ds ds = stat_of(writable);

	SKIP_IF(geteuid() != 0, "wants root");
	ds.msg_perm.mode = 0602;
	ds.msg_perm.uid = 77;
	CHECK_EQ(msgctl(writable, IPC_SET, &ds), 0);
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(78));
			  CHECK_ERR(put(id, 1, "x", 0), EACCES);
			  CHECK_ERR(msgrcv(id, &m, 10, 0, IPC_NOWAIT), EACCES);
			  CHECK_ERR(msgctl(id, IPC_STAT, &ds), EACCES);
			  CHECK_ERR(msgctl(id, IPC_RMID, NULL), EPERM);
			  CHECK_ERR(msgget(key, 0600), EACCES); CHECK_EQ(msgget(key, 0), id);
			  CHECK_EQ(put(writable, 1, "x", 0), 0);
			  CHECK_ERR(msgrcv(writable, &m, 10, 0, 0), EACCES);),
		 0);
	/* The owner may make the queue smaller, only root larger than the default. */
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  got(writable, 0, 0, 1, "x"); ds.msg_qbytes = 1000;
			  CHECK_EQ(msgctl(writable, IPC_SET, &ds), 0); ds.msg_qbytes = 16385;
			  CHECK_ERR(msgctl(writable, IPC_SET, &ds), EPERM)),
		 0);
	remove_queue(id);
	remove_queue(writable);
}

static void lists(void)
{
	int id = queue(), highest, found = -1;
	struct msginfo limits, used;
	struct msqid_ds ds;
	char line[300];
	FILE *f;

	CHECK_EQ(put(id, 1, "12345", 0), 0);
	highest = MUST(msgctl(0, IPC_INFO, (struct msqid_ds *)&limits));
	CHECK_EQ(limits.msgmax, 8192);
	CHECK_EQ(limits.msgmnb, 16384);
	CHECK_EQ(limits.msgmni, 32000);
	CHECK_EQ(msgctl(0, MSG_INFO, (struct msqid_ds *)&used), highest);
	CHECK(used.msgpool >= 1 && used.msgmap >= 1 && used.msgtql >= 5);
	for (int i = 0; i <= highest; i++)
		if (msgctl(i, MSG_STAT, &ds) == id)
			found = i;
	CHECK(found >= 0);
	CHECK_EQ(msgctl(found, MSG_STAT_ANY, &ds), id);
	CHECK_EQ(ds.msg_qnum, 1);
	if (has_proc()) {
		int seen = 0, k, i, perms, bytes, count;

		f = fopen("/proc/sysvipc/msg", "r");
		if (CHECK(f)) {
			CHECK(fgets(line, sizeof(line), f));
			while (fgets(line, sizeof(line), f)) {
				CHECK_EQ(
				    sscanf(line, "%d %d %o %d %d", &k, &i, &perms, &bytes, &count),
				    5);
				seen += i == id && perms == 0600 && bytes == 5 && count == 1;
			}
			fclose(f);
		}
		CHECK_EQ(seen, 1);
	}
	remove_queue(id);
}

/* Many senders and receivers: nothing is lost or doubled. */
static void many(void)
{
	enum { PAIRS = 4, ROUNDS = 300 };
	int id = queue();
	struct msqid_ds ds = stat_of(id);
	pid_t child[2 * PAIRS];

	ds.msg_qbytes = 100;
	CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
	for (int i = 0; i < PAIRS; i++) {
		child[2 * i] = SPAWN(for (int n = 0; n < ROUNDS; n++) {
			char text[20];

			snprintf(text, sizeof(text), "%d", n);
			CHECK_EQ(put(id, i + 1, text, 0), 0);
		});
		child[2 * i + 1] = SPAWN(for (int n = 0; n < ROUNDS; n++) {
			memset(m.text, 0, 20);
			CHECK(msgrcv(id, &m, 20, i + 1, 0) > 0);
			CHECK_EQ(atoi(m.text), n);
			CHECK_EQ(m.type, i + 1);
		});
	}
	for (int i = 0; i < 2 * PAIRS; i++)
		CHECK_EQ(wait_status(child[i]), 0);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	CHECK_EQ(stat_of(id).__msg_cbytes, 0);
	remove_queue(id);
}

static void races(void)
{
	for (int round = 0; round < 20; round++) {
		int id = queue();
		pid_t child[6];

		for (int i = 0; i < 6; i++)
			child[i] = SPAWN(m.type = 1 + i % 2;
					 while (i < 3 ? msgsnd(id, &m, 3000, 0) == 0
						      : msgrcv(id, &m, 3000, i % 3, 0) > 0));
		usleep(round * 300);
		kill(child[5], SIGKILL);
		remove_queue(id);
		for (int i = 0; i < 6; i++) {
			int status = wait_status(child[i]);

			CHECK(status == 0 || i == 5);
		}
	}
}

int main(void)
{
	check_start();
	key = 0x4a000000 + getpid();
	RUN(types);
	RUN(order);
	RUN(lengths);
	RUN(queues);
	RUN(full);
	RUN(receivers);
	RUN(interrupted);
	RUN(rights);
	RUN(lists);
	RUN(many);
	RUN(races);
	return check_end();
}
