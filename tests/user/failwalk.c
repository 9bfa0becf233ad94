/* SPDX-License-Identifier: MIT
 *
 * Every allocation may fail: the n-th one in the kernel is made to, for n = 1, 2, ..., while a child
 * does a little of everything.  The child may fail as it likes; the kernel must live, and in the end
 * no frame may be missing.  Linux has no such switch: there the child just runs.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>

#define KEY 0x5a000000 /* of System V objects; the PID is added */

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), n;

	if (fd < 0)
		return -1;
	n = (int)write(fd, text, strlen(text));
	close(fd);
	return n;
}

/* Frames in use that are not slabs, plus objects in use in slabs (how many slabs a few living objects
 * are strewn over is chance), caches emptied; -1: not on Heddle. */
static long in_use(void)
{
	long value, total = 0, objects;
	char name[32];
	FILE *f;

	write_to("/proc/sys/vm/drop_caches", "1\n");
	f = fopen("/proc/heddle/frames", "r");
	if (!f)
		return -1;
	while (fscanf(f, "%31s %ld", name, &value) == 2)
		if (strcmp(name, "total") == 0)
			total += value;
		else if (strcmp(name, "free") == 0 || strcmp(name, "slab") == 0)
			total -= value;
	fclose(f);
	f = fopen("/proc/heddle/slab", "r");
	while (f && fscanf(f, "%31s %ld %*d %*d %*d", name, &objects) == 2)
		total += objects;
	if (f)
		fclose(f);
	return total;
}

static void *nothing(void *arg)
{
	return arg;
}

/* Remove what objects() could not, since it was killed or had no memory. */
static void objects_remove(const char *name, key_t key)
{
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	semctl(semget(key, 0, 0), 0, IPC_RMID);
	msgctl(msgget(key, 0), IPC_RMID, NULL);
	mq_unlink(name);
}

/* Objects that outlive their process. */
static void objects(const char *name, key_t key)
{
	struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 100};
	struct {
		long type;
		char text[100];
	} message = {1, ""};
	int id = shmget(key, 8192, IPC_CREAT | 0600);
	char *m;
	mqd_t q;

	if (id >= 0) {
		m = shmat(id, NULL, 0);
		if (m != (char *)-1) {
			m[0] = m[5000] = 1;
			shmdt(m);
		}
		shmctl(id, IPC_RMID, NULL);
	}
	id = semget(key, 100, IPC_CREAT | 0600);
	if (id >= 0) {
		semop(id, &(struct sembuf){5, 1, SEM_UNDO}, 1);
		semctl(id, 0, IPC_RMID);
	}
	id = msgget(key, IPC_CREAT | 0600);
	if (id >= 0) {
		msgsnd(id, &message, 100, 0);
		msgctl(id, IPC_RMID, NULL);
	}
	q = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	if (q >= 0) {
		mq_notify(q, &(struct sigevent){.sigev_signo = SIGCHLD});
		mq_send(q, "x", 1, 0);
		mq_close(q);
		mq_unlink(name);
	}
}

/* A child that shares, stops sharing, and runs another program while it shares. */
static void relatives(void)
{
	char *args[] = {"failwalk", "child", NULL};
	int fd = -1, status, program = open("/proc/self/exe", O_RDONLY);
	long flags = CLONE_PIDFD | CLONE_FILES | CLONE_FS | SIGCHLD;
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, &fd, 0, 0);

	if (pid == 0) {
		unshare(CLONE_FS);
		syscall(SYS_execveat, program, "", args, NULL, AT_EMPTY_PATH);
		_exit(1);
	}
	if (pid > 0) {
		close((int)syscall(SYS_pidfd_getfd, fd, 0, 0));
		close((int)syscall(SYS_pidfd_open, pid, 0));
		waitpid(pid, &status, 0);
		close(fd);
	}
	close(program);
}

static void a_little_of_everything(void)
{
	struct pollfd p;
	pthread_t thread;
	char *m, name[32];
	int fds[2], status;
	pid_t pid;

	m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m != MAP_FAILED) {
		m[0] = m[1 << 19] = 1;
		mprotect(m + 4096, 8192, PROT_READ);
		munmap(m + (1 << 19), 4096);
	}
	m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m != MAP_FAILED)
		m[5000] = 1;
	if (pipe(fds) == 0) {
		(void)!write(fds[1], "x", 1);
		p = (struct pollfd){fds[0], POLLIN, 0};
		poll(&p, 1, 0);
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0) {
		(void)!bind(fds[0], &(struct sockaddr){AF_UNIX, ""}, 2);
		(void)!write(fds[0], "x", 1);
		close(fds[0]);
	}
	snprintf(name, sizeof(name), "/fail-%d", getpid());
	objects(name, KEY + getpid());
	snprintf(name, sizeof(name), "/tmp/fail-%d", getpid());
	mkdir(name, 0755);
	rmdir(name);
	status = open(name, O_RDWR | O_CREAT, 0644);
	if (status >= 0) {
		(void)!write(status, name, sizeof(name));
		ftruncate(status, 100000);
		fcntl(status, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_len = 100});
		fcntl(status, F_SETLK, &(struct flock){.l_type = F_UNLCK, .l_start = 50, .l_len = 1});
		flock(status, LOCK_EX);
		fallocate(status, 0, 0, 200000);
		fallocate(status, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192);
		if (pipe(fds) == 0) {
			(void)!splice(status, &(loff_t){0}, fds[1], NULL, 10000, 0);
			(void)!splice(fds[0], NULL, status, NULL, 5000,
				       SPLICE_F_NONBLOCK);
			close(fds[0]);
			close(fds[1]);
		}
		unlink(name);
	}
	status = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	if (status >= 0)
		close(status);
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
	status = open("/proc/self/maps", O_RDONLY);
	if (status >= 0)
		(void)!read(status, name, sizeof(name));
	relatives();
	pid = fork();
	if (pid == 0)
		execl("/proc/self/exe", "failwalk", "child", (char *)NULL);
	if (pid == 0)
		_exit(1);
	if (pid > 0)
		waitpid(pid, &status, 0);
}

int main(int argc, char *argv[])
{
	long before, after, walk = argc > 1 ? atol(argv[1]) : 300;
	char number[32], name[32];

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	objects("/fail", KEY); /* the first look makes what later ones find made */
	before = in_use();
	before = in_use();
	for (long n = 1; n <= walk; n++) {
		int status;
		pid_t pid;

		pid = fork();
		if (pid == 0) {
			/* The child asks, so that it is the child that is hit. */
			snprintf(number, sizeof(number), "%ld\n", n);
			write_to("/proc/heddle/fail_nth", number);
			a_little_of_everything();
			write_to("/proc/heddle/fail_nth", "0\n");
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, &status, 0);
		/* What it could not remove itself. */
		snprintf(name, sizeof(name), "/tmp/fail-%d", pid);
		objects_remove(name + strlen("/tmp"), KEY + pid);
		rmdir(name);
		unlink(name);
	}
	/* What has ended leaves its last stack a moment later. */
	for (int i = 0; (after = in_use()) > before && i < 6000; i++)
		usleep(10000);
	if (after > before) {
		printf("failwalk: %ld frames and objects before, %ld after\n", before, after);
		return 1;
	}
	puts("ok failwalk");
	return 0;
}
