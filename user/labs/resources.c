/* SPDX-License-Identifier: MIT
 *
 * lab resources: does it belong to the process or to the thread?  The lab makes one experiment for
 * each thing that a program has, once with a child process and once with a new thread.  We set the
 * thing to one value; the child or thread tests if it finds that value, sets another one, and ends;
 * then we read ours.  Found there and changed here: shared.  Found there and unchanged here: a
 * copy. Not found there: each has its own from the beginning.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L

/* --- The things: functions that get and set each of them; the values are 1 and 2 ----------------
 */

static int file, spare; /* an open file; a descriptor number that is free */
static char *page;	/* where a page can be mapped */
static int global;
static int *heap;
static __thread int local_to_thread;

static long global_get(void)
{
	return global;
}

static void global_set(long v)
{
	global = (int)v;
}

static long heap_get(void)
{
	return *heap;
}

static void heap_set(long v)
{
	*heap = (int)v;
}

/* Value 1: nothing is mapped at `page`; 2: a page is mapped there. */
static long mapping_get(void)
{
	return msync(page, PAGE, MS_ASYNC) == 0 ? 2 : 1;
}

static void mapping_set(long v)
{
	if (v == 2)
		mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		munmap(page, PAGE);
}

/* Value 1: the descriptor `spare` is closed; 2: it is open. */
static long descriptor_get(void)
{
	return fcntl(spare, F_GETFD) < 0 ? 1 : 2;
}

static void descriptor_set(long v)
{
	if (v == 2)
		dup2(file, spare);
	else
		close(spare);
}

static long offset_get(void)
{
	return lseek(file, 0, SEEK_CUR);
}

static void offset_set(long v)
{
	lseek(file, v, SEEK_SET);
}

static long directory_get(void)
{
	char name[256] = "";

	return getcwd(name, sizeof(name)) && strcmp(name, "/") ? 2 : 1;
}

static void directory_set(long v)
{
	(void)!chdir(v == 1 ? "/" : "/proc");
}

static long umask_get(void)
{
	mode_t now = umask(0);

	umask(now);
	return now;
}

static void umask_set(long v)
{
	umask((mode_t)v);
}

static void handler(int number)
{
	(void)number;
}

/* Value 1: the default action; 2: our handler. */
static long action_get(void)
{
	struct sigaction now;

	sigaction(SIGUSR1, NULL, &now);
	return now.sa_handler == handler ? 2 : 1;
}

static void action_set(long v)
{
	struct sigaction action = {.sa_handler = v == 2 ? handler : SIG_DFL};

	sigaction(SIGUSR1, &action, NULL);
}

static long limit_get(void)
{
	struct rlimit now;

	getrlimit(RLIMIT_CORE, &now);
	return (long)now.rlim_cur;
}

static void limit_set(long v)
{
	struct rlimit now;

	getrlimit(RLIMIT_CORE, &now);
	now.rlim_cur = (rlim_t)v;
	setrlimit(RLIMIT_CORE, &now);
}

static long errno_get(void)
{
	return errno;
}

static void errno_set(long v)
{
	errno = (int)v;
}

static long tls_get(void)
{
	return local_to_thread;
}

static void tls_set(long v)
{
	local_to_thread = (int)v;
}

/* Values 1 and 2: which of two signals is blocked. */
static long mask_get(void)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGUSR2) ? 2 : sigismember(&now, SIGUSR1) ? 1 : 0;
}

static void mask_set(long v)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, v == 2 ? SIGUSR2 : SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static char alternate[2][64 * 1024];

static long altstack_get(void)
{
	stack_t now;

	sigaltstack(NULL, &now);
	return now.ss_flags & SS_DISABLE ? 0 : now.ss_sp == alternate[0] ? 1 : 2;
}

static void altstack_set(long v)
{
	stack_t stack = {.ss_sp = alternate[v - 1], .ss_size = sizeof(alternate[0])};

	sigaltstack(&stack, NULL);
}

/* A signal that is pending for this thread only. */
static long pending_get(void)
{
	sigset_t now;

	sigpending(&now);
	return sigismember(&now, SIGTTIN) ? 1 : sigismember(&now, SIGTTOU) ? 2 : 0;
}

static void pending_set(long v)
{
	struct timespec none = {0};
	sigset_t both, old;

	sigemptyset(&both);
	sigaddset(&both, SIGTTIN);
	sigaddset(&both, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &both, &old);
	while (sigtimedwait(&both, NULL, &none) > 0)
		;
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), v == 1 ? SIGTTIN : SIGTTOU);
}

static long name_get(void)
{
	char name[17] = "";

	prctl(PR_GET_NAME, name);
	return name[0] - '0';
}

static void name_set(long v)
{
	prctl(PR_SET_NAME, v == 1 ? "1" : "2");
}

static long pid_get(void)
{
	return getpid();
}

static long tid_get(void)
{
	return syscall(SYS_gettid);
}

static long root_get(void)
{
	struct lab_space space = {0};

	lab_space(getpid(), &space);
	return (long)space.root;
}

enum owner { OF_PROCESS, OF_THREAD };

static const struct thing {
	const char *name;
	long (*get)(void);
	void (*set)(long); /* NULL: only the kernel sets it, so we compare the values */
	enum owner owner;  /* the owner according to the notes and POSIX */
} things[] = {
    {"PID", pid_get, NULL, OF_PROCESS},
    {"page-table root", root_get, NULL, OF_PROCESS},
    {"global variable", global_get, global_set, OF_PROCESS},
    {"heap", heap_get, heap_set, OF_PROCESS},
    {"address space: a mapping", mapping_get, mapping_set, OF_PROCESS},
    {"table of open files", descriptor_get, descriptor_set, OF_PROCESS},
    {"offset of an open file", offset_get, offset_set, OF_PROCESS},
    {"working directory", directory_get, directory_set, OF_PROCESS},
    {"umask", umask_get, umask_set, OF_PROCESS},
    {"signal handlers", action_get, action_set, OF_PROCESS},
    {"resource limits", limit_get, limit_set, OF_PROCESS},
    {"TID", tid_get, NULL, OF_THREAD},
    {"errno", errno_get, errno_set, OF_THREAD},
    {"thread-local variable", tls_get, tls_set, OF_THREAD},
    {"signal mask", mask_get, mask_set, OF_THREAD},
    {"alternate signal stack", altstack_get, altstack_set, OF_THREAD},
    {"signals pending for it", pending_get, pending_set, OF_THREAD},
    {"name", name_get, name_set, OF_THREAD},
};
enum { THINGS = sizeof(things) / sizeof(things[0]) };

/* --- The experiment -----------------------------------------------------------------------------
 */

enum kind { CHILD, THREAD, KINDS };
enum finding { OWN, COPY, SHARED, UNKNOWN };
static const char *const findings[] = {"its own", "a copy", "shared", "?"};

static long *found; /* in shared memory: what the child or thread found */
static char stack[64 * 1024]
    __attribute__((aligned(16))); /* for a child that shares our address space */
static bool share_space, reopen;

static int in_new_one(void *arg)
{
	const struct thing *thing = arg;

	if (reopen && thing->get == offset_get && getpid() != found[1]) {
		close(file);
		file = open("/proc/self/exe", O_RDONLY); /* the same number, another open file */
		offset_set(1);
	}
	found[0] = thing->get();
	if (thing->set)
		thing->set(2);
	return 0;
}

static int in_child(void *arg)
{
	_exit(in_new_one(arg));
}

static void *in_thread(void *arg)
{
	in_new_one(arg);
	return NULL;
}

/* Runs a function in a new child or thread and waits until it has ended. */
static void run_in(enum kind kind, int (*in_process)(void *), void *(*in_thread_)(void *),
		   void *arg)
{
	int status = 0;
	pthread_t thread;
	pid_t pid = 0;

	if (kind == THREAD)
		status =
		    pthread_create(&thread, NULL, in_thread_, arg) || pthread_join(thread, NULL);
	else if (share_space) /* CLONE_VFORK: we wait, so the child can use our thread's memory */
		pid =
		    clone(in_process, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, arg);
	else if ((pid = fork()) == 0)
		in_process(arg);
	if (pid < 0 || (pid > 0 && waitpid(pid, &status, 0) != pid) || status)
		lab_die("%s: %s, %#x", kind == THREAD ? "thread" : "child", strerror(errno),
			status);
}

static enum finding try(const struct thing *thing, enum kind kind)
{
	found[1] = getpid();
	if (thing->set)
		thing->set(1);
	long ours = thing->get();

	run_in(kind, in_child, in_thread, (void *)thing);
	if (!thing->set)
		return !ours ? UNKNOWN : found[0] == ours ? SHARED : OWN;
	return found[0] != 1 ? OWN : thing->get() == 2 ? SHARED : COPY;
}

/* --- One descriptor, two readers ----------------------------------------------------------------
 */

static int read_ten(void *fd)
{
	char ten[10];

	return read(*(int *)fd, ten, sizeof(ten)) != sizeof(ten);
}

static int read_ten_in_child(void *fd)
{
	_exit(read_ten(fd));
}

static void *read_ten_in_thread(void *fd)
{
	read_ten(fd);
	return NULL;
}

static void show_offsets(void)
{
	struct lab_table *t =
	    lab_table("The other one reads ten bytes; where does our next read begin?",
		      "how the other one got the descriptor|>our offset|so the offset is");
	static const char *const ways[] = {"inherited across fork()",
					   "it is a thread of our process", "by dup()",
					   "by open() of the same file"};

	for (int way = 0; way < 4; way++) {
		int other = way == 2   ? dup(file)
			    : way == 3 ? open("/proc/self/exe", O_RDONLY)
				       : file;

		offset_set(0);
		if (way < 2)
			run_in(way ? THREAD : CHILD, read_ten_in_child, read_ten_in_thread, &other);
		else
			read_ten(&other);
		lab_row(t, "%s|%ld|%s", ways[way], offset_get(),
			offset_get() == 10 ? "shared" : "its own");
		if (other != file)
			close(other);
	}
	lab_note("The offset belongs to the open file, not to the descriptor: a process that got "
		 "the descriptor from another one reads on where that one stopped.");
}

/* --- All of it ----------------------------------------------------------------------------------
 */

static void run(void)
{
	static enum finding table[THINGS][KINDS];
	int shared_by_fork = 0, wrong_of_thread = 0, of_process = 0;
	bool offset_shared = false;
	struct timespec none = {0};
	sigset_t old, pending;
	char name[17] = "";
	int home;

	share_space = lab_knob("share-space");
	reopen = lab_knob("reopen");
	found = lab_shared(2 * sizeof(*found));
	heap = malloc(sizeof(*heap));
	file = open("/proc/self/exe", O_RDONLY);
	home = open(".", O_RDONLY | O_DIRECTORY);
	/* A hole of one page, into which no other mapping is placed. */
	page = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!heap || file < 0 || home < 0 || page == MAP_FAILED)
		lab_die("cannot begin: %s", strerror(errno));
	page += PAGE;
	munmap(page, PAGE);
	spare = fcntl(file, F_DUPFD, 50);
	prctl(PR_GET_NAME, name);
	mode_t mode = umask(0);

	pthread_sigmask(SIG_SETMASK, NULL, &old);
	for (int i = 0; i < THINGS; i++)
		for (enum kind kind = CHILD; kind < KINDS; kind++)
			table[i][kind] = try(&things[i], kind);

	/* Restore the process's settings. */
	umask(mode);
	(void)!fchdir(home);
	prctl(PR_SET_NAME, name);
	sigpending(&pending);
	while (sigtimedwait(&pending, NULL, &none) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	struct lab_table *t =
	    lab_table("Each thing was set in a new child or thread, then read in ours",
		      "thing|child by fork()|new thread|so it belongs to");

	for (int i = 0; i < THINGS; i++) {
		enum finding child = table[i][CHILD], thread = table[i][THREAD];

		if (thread == UNKNOWN) {
			lab_left_out(things[i].name, "only /proc/heddle shows it");
			continue;
		}
		lab_row(t, "%s|%s|%s|%s", things[i].name, findings[child], findings[thread],
			thread != SHARED  ? "the thread"
			: child == SHARED ? "all that inherited it"
					  : "the process");
		offset_shared |= things[i].get == offset_get && child == SHARED;
		shared_by_fork += child == SHARED;
		of_process += thread == SHARED && things[i].get != root_get; /* as on Linux */
		wrong_of_thread += (thread == SHARED) != (things[i].owner == OF_PROCESS);
	}
	show_offsets();
	bool threads = lab_check_equals(wrong_of_thread, 0, "things",
					"things that a thread shares though they are not the "
					"process's, or the other way round");
	bool apart =
	    lab_check_equals(shared_by_fork - offset_shared, 0, "things",
			     "things that a child shares, except the offset of open files");

	lab_check(offset_shared, "the offset of an inherited descriptor is shared");
	lab_figure("shared_with_thread", of_process, "",
		   "things that a new thread shares with its creator");
	lab_figure("shared_with_child", shared_by_fork, "",
		   "things that a child shares with its parent");
	if (!threads || !apart)
		lab_verdict(LAB_FALSE,
			    "A child shares %d of these things with its parent, a thread %d"
			    "%s.",
			    shared_by_fork, of_process,
			    share_space
				? ": a process in its parent's memory has no memory of its own"
				: "");
	else
		lab_verdict(
		    offset_shared ? LAB_CORRECTED : LAB_TRUE,
		    "A thread shares %d of these things with its process and has the others "
		    "for itself; a child begins with copies%s.",
		    of_process,
		    offset_shared ? ". But a child inherits the descriptors, and parent and child "
				    "share the offset of each open file"
				  : "");
}

static const struct lab_knob knobs[] = {
    {"reopen", NULL, "the child opens the file again instead of using the inherited descriptor"},
    {"share-space", NULL, "the child is made by clone() with its parent's memory"},
    {0},
};

const struct lab lab = {
    .name = "resources",
    .claim = "A process is allocated its own memory and resources; threads share those of their "
	     "process.",
    .loose = "A child begins with its parent's descriptors, and both share the offset of each open "
	     "file. And a thread has a few things of its own.",
    .predict =
	{"A child reads ten bytes from a file that its parent had opened. The parent reads "
	 "on from ...",
	 {"byte 0: the child has a copy of the offset", "byte 10: they share the offset",
	  "nowhere: the child has closed the file", NULL},
	 1,
	 "fork() copies the table of descriptors. Both tables lead to the same open file, and the "
	 "offset belongs to the open file."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "POSIX, fork(): each of the child's file descriptors refers to the same open file "
	     "description. Table of attributes: Kerrisk 28.4 and 29.10; Tanenbaum 2.2.2.",
    .sources = "struct process in kernel/task/process.h beside struct thread in "
	       "kernel/task/thread.h; kernel/proc/fork.c copy_process(); kernel/fs/file_table.c",
    .tour = "fork",
    .run = run,
};
