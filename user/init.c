/* SPDX-License-Identifier: MIT
 *
 * Process 1.  It starts the shell on the console, starts it again when it ends, reaps orphans, and
 * switches the machine off on a signal: SIGUSR1 halt, SIGUSR2 power off, SIGTERM reboot, as
 * BusyBox's `halt`, `poweroff` and `reboot` send them.
 *
 *   init                  a login shell on the console
 *   init run CMD ARG...   run one command and end with its status (tests)
 *   init first CMD ARG... run one command, then a login shell
 *
 * The arguments are the words after "--" on the kernel's command line.  The word
 * "console_size=ROWSxCOLUMNS" on that line is the size of the terminal at the other end of a serial
 * line; a serial line cannot report it.  "keymap=de" is the keyboard's layout.  "leave=ctrl-a-x" says
 * that these keys end QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *const login_shell[] = {"-sh", NULL};

/* Makes a child with a new session, with the console as its terminal, and runs `argv` in it. */
static pid_t start(const char *path, char *const argv[], sigset_t *mask)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigprocmask(SIG_SETMASK, mask, NULL);
	setsid();
	ioctl(STDIN_FILENO, TIOCSCTTY, 1);
	tcsetpgrp(STDIN_FILENO, getpid());
	execvp(path, argv);
	fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Sends SIGTERM to all processes, waits up to 1 s, then sends SIGKILL and stops the machine. */
static void end_all(int how)
{
	struct timespec grace = {.tv_nsec = 100 * 1000 * 1000};

	kill(-1, SIGCONT);
	kill(-1, SIGTERM);
	for (int i = 0; i < 10; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			break;
		nanosleep(&grace, NULL);
	}
	kill(-1, SIGKILL);
	sync();
	reboot(how);
	perror("init: reboot");
}

/* The value of a word on the kernel's command line; NULL if it is not there. */
static const char *command_line(const char *name)
{
	static char text[4096] = " ";
	static char value[64];
	char word[32];
	const char *at;

	if (!text[1]) {
		int file = open("/proc/cmdline", O_RDONLY);

		if (file >= 0) {
			(void)!read(file, text + 1, sizeof(text) - 2);
			close(file);
		}
	}
	snprintf(word, sizeof(word), " %s=", name);
	at = strstr(text, word);
	return at && sscanf(at + strlen(word), "%63s", value) == 1 ? value : NULL;
}

static void set_console_size(void)
{
	const char *text = command_line("console_size");
	struct winsize size = {0};

	if (text && sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) == 2)
		ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
}

/* keymap=NAME: the keyboard's layout, unless it is the kernel's own. */
static void set_keymap(void)
{
	const char *name = command_line("keymap");
	pid_t pid = name && strcmp(name, "us") != 0 ? fork() : -1;

	if (pid == 0) {
		execl("/bin/keymap", "keymap", name, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* The keys Ctrl-A, X reach QEMU only where `make run` has started it. */
static void greet(void)
{
	const char *leave = command_line("leave");

	printf("\nThis is Heddle.  To begin: `lab` lists the labs, `lab tour` runs all of them.\n"
	       "For more: `help`.  To leave: `poweroff`%s.\n\n",
	       leave && strcmp(leave, "ctrl-a-x") == 0 ? "; in QEMU also Ctrl-A, then X" : "");
	fflush(stdout);
}

/* Only so that a child's end interrupts sigsuspend(). */
static void a_child_ended(int signal)
{
	(void)signal;
}

int main(int argc, char *argv[])
{
	int run_one = argc > 2 && strcmp(argv[1], "run") == 0;
	int first = argc > 2 && strcmp(argv[1], "first") == 0;
	sigset_t all, old;
	siginfo_t info;
	pid_t child;

	/* Accept signals one by one with sigwaitinfo(): without handlers there is no race. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	setenv("HOME", "/root", 1);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/tests", 1);
	setenv("TERM", "linux", 0);
	setenv("SHELL", "/bin/sh", 1);
	setenv("USER", "root", 1);
	if (chdir("/root") < 0)
		(void)!chdir("/");
	set_console_size();
	set_keymap();
	if (!run_one && !first)
		greet();
	child =
	    run_one || first ? start(argv[2], argv + 2, &old) : start("/bin/sh", login_shell, &old);
	for (;;) {
		int status;
		pid_t pid;

		if (sigwaitinfo(&all, &info) < 0) {
			if (errno != ENOSYS)
				continue;
			/* The core alone has no sigwaitinfo(), and nothing that gives orders. */
			info.si_signo = SIGCHLD;
			signal(SIGCHLD, a_child_ended);
			sigsuspend(&old);
		}
		switch (info.si_signo) {
		case SIGUSR1:
			end_all(RB_HALT_SYSTEM);
			break;
		case SIGUSR2:
			end_all(RB_POWER_OFF);
			break;
		case SIGTERM:
		case SIGINT:
			end_all(RB_AUTOBOOT);
			break;
		default:
			break;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != child)
				continue;
			if (run_one)
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : 128 + WTERMSIG(status);
			if (first)
				greet();
			else
				printf("\ninit: the shell ended (%s %d); a new one starts\n",
				       WIFEXITED(status) ? "status" : "signal",
				       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
			first = 0;
			fflush(stdout);
			child = start("/bin/sh", login_shell, &old);
		}
	}
}
