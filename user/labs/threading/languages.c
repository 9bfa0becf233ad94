/* SPDX-License-Identifier: MIT
 *
 * What is below the threads of other languages: runs a program under ptrace() and reads its calls
 * of clone and futex, with the flags that ask the kernel for a thread.
 */
#include "user/labs/threading/languages.h"

#include "user/lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60
#define EVENTS                                                                                     \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |  \
	 PTRACE_O_EXITKILL)

struct traced {
	const char *name;
	bool counts; /* between the words "begin" and "end" that the program writes */
	long clones, threads, futexes;
	unsigned long flags; /* of the last clone that made a thread */
	char why[120];	     /* it could not be traced; "": it was */
};

/* What the child does before and after it calls a program of this lab. */
static void (*posix_program)(void);

static void child_posix(void *unused)
{
	(void)unused;
	(void)!write(1, "begin", 5);
	posix_program();
	(void)!write(1, "end", 3);
	_exit(0);
}

static void child_exec(void *argv)
{
	execv(((char **)argv)[0], argv);
	_exit(127);
}

static void at_entry(struct traced *t, pid_t tid, const struct user_regs_struct *regs)
{
	unsigned long flags = 0;
	long word;

	switch (regs->orig_rax) {
	case SYS_write:
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, tid, regs->rsi, 0);
		if (regs->rdi == 1 && regs->rdx >= 3 && !errno)
			t->counts = memcmp(&word, "begin", 5) == 0 ? true
				    : memcmp(&word, "end", 3) == 0 ? false
								   : t->counts;
		return;
	case SYS_clone:
		flags = regs->rdi;
		break;
	case SYS_clone3: /* struct clone_args begins with the flags */
		flags = (unsigned long)ptrace(PTRACE_PEEKDATA, tid, regs->rdi, 0);
		break;
	case SYS_futex:
		t->futexes += t->counts;
		return;
	default:
		return;
	}
	if (!t->counts)
		return;
	t->clones++;
	if ((flags & (CLONE_VM | CLONE_THREAD)) == (CLONE_VM | CLONE_THREAD)) {
		t->threads++;
		t->flags = flags & ~0xffUL; /* the lowest byte is a signal */
	}
}

/* The signal with which a stopped thread goes on. */
static int handle_stop(struct traced *t, pid_t tid, int status)
{
	struct user_regs_struct regs;
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		/* At the entry of a call the kernel sets the result to -ENOSYS. */
		if (!ptrace(PTRACE_GETREGS, tid, 0, &regs) && (long)regs.rax == -ENOSYS)
			at_entry(t, tid, &regs);
		return 0;
	}
	if (status >> 16 || signal == SIGSTOP || signal == SIGTRAP) /* of the tracing itself */
		return 0;
	return signal; /* the program's own: a JVM uses SIGSEGV */
}

static void trace(struct traced *t, void (*body)(void *), void *arg)
{
	pid_t child, tid;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR);

		lab_pin(-1);
		dup2(nothing, 1);
		dup2(nothing, 2);
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(126);
		alarm(SECONDS); /* exec keeps it */
		raise(SIGSTOP);
		body(arg);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, 0, EVENTS) || ptrace(PTRACE_SYSCALL, child, 0, 0)) {
		strcpy(t->why, "ptrace() is not permitted here");
		return;
	}
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_SYSCALL, tid, 0, (long)handle_stop(t, tid, status));
		} else if (tid == child) {
			if (WIFSIGNALED(status))
				snprintf(t->why, sizeof(t->why),
					 "signal %d ended it (%d: after %d s)", WTERMSIG(status),
					 SIGALRM, SECONDS);
			else if (WEXITSTATUS(status))
				snprintf(t->why, sizeof(t->why), "it ended with status %d",
					 WEXITSTATUS(status));
			return;
		}
	}
}

/* Runs a program with a file of user/lab/guest, or says why not. */
static void trace_guest(struct traced *t, const char *name, char *words[], char *file)
{
	char *program = lab_program(name);

	if (program && file) {
		words[0] = program;
		trace(t, child_exec, words);
	} else {
		snprintf(t->why, sizeof(t->why), "there is no %s here%s", name,
			 lab_options.on_heddle
			     ? "; `make lab NAME=threading GUEST=\"python java\"` packs it"
			     : "");
	}
	free(program);
}

static void flags_text(unsigned long flags, char *out, size_t size)
{
	static const struct {
		unsigned long bit;
		const char *name;
	} names[] = {{CLONE_VM, "VM"},	       {CLONE_FS, "FS"},
		     {CLONE_FILES, "FILES"},   {CLONE_SIGHAND, "SIGHAND"},
		     {CLONE_THREAD, "THREAD"}, {CLONE_SYSVSEM, "SYSVSEM"},
		     {CLONE_SETTLS, "SETTLS"}};
	size_t used = 0;

	*out = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags & names[i].bit)
			used += snprintf(out + used, size - used, "%s%s", used ? " " : "",
					 names[i].name);
}

void trace_languages(void (*posix)(void), int threads)
{
	struct traced all[] = {{.name = "POSIX"}, {.name = "Python"}, {.name = "Java"}};
	char *python = lab_guest_file("threads.py"), *java = lab_guest_file("Workers.class");
	char *source = java ? NULL : lab_guest_file("Workers.java");
	struct lab_table *table;
	char text[160];

	posix_program = posix;
	trace(&all[0], child_posix, NULL);
	trace_guest(&all[1], "python3", (char *[]){NULL, "-I", "-S", python, NULL}, python);
	if (java) {
		*strrchr(java, '/') = 0;
		trace_guest(&all[2], "java",
			    (char *[]){NULL, "-Xint", "-XX:+UseSerialGC", "-Xmx64m", "-cp", java,
				       "Workers", NULL},
			    java);
	} else {
		trace_guest(&all[2], "java",
			    (char *[]){NULL, "-XX:+UseSerialGC", "-Xmx64m", source, NULL}, source);
	}
	table = lab_table("Below three threads of three languages, by ptrace()",
			  "language|>clone|>that make a thread|flags: CLONE_...|>futex");
	for (int i = 0; i < 3; i++) {
		const struct traced *t = &all[i];

		if (*t->why) {
			lab_left_out(i == 1   ? "Python's threads"
				     : i == 2 ? "Java's threads"
					      : "ptrace()",
				     t->why);
			continue;
		}
		flags_text(t->flags, text, sizeof(text));
		lab_row(table, "%s|%ld|%ld|%s|%ld", t->name, t->clones, t->threads, text,
			t->futexes);
		lab_check_at_least(t->threads, threads, "",
				   "%s, %d threads: calls of clone with VM and THREAD", t->name,
				   threads);
		lab_check_at_least(t->futexes, 1, "", "%s: calls of futex", t->name);
	}
	free(python);
	free(java);
	free(source);
}
