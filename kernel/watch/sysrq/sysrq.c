/* SPDX-License-Identifier: MIT
 *
 * Magic keys: Alt-SysRq and a letter, a break on the serial line and a letter, or a letter written
 * to /proc/sysrq-trigger.  This file receives the keys and decides where they are served; the
 * commands are in the other files, and in other extensions.
 */
#include "arch/x86_64/pc/sysrq.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/linux/proc_file.h"
#include "kernel/log/log.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"
#include "kernel/watch/sysrq.h"
#include "kernel/watch/sysrq/cpus.h"

static struct lock_class sysrq_class = {"sysrq", 0};
static struct spinlock sysrq_lock = SPINLOCK_INIT(&sysrq_class); /* irq; guards `pending` */
static struct wait_queue sysrq_wait = WAIT_QUEUE_INIT(sysrq_wait, "sysrq");
static u32 pending; /* bit n: the n-th command waits for the thread */

static void help(void)
{
	log_info("sysrq: Alt-SysRq, a break on the serial line, or /proc/sysrq-trigger; then");
	for (char key = 'a'; key <= 'z'; key++)
		linker_set_for_each(c, sysrq_commands) if (c->key == key)
		    log_info("sysrq:   %c  %s", key, c->help);
}

SYSRQ_COMMANDS(help_command) = {
    {'h', SYSRQ_AT_ONCE, "this list", help},
};

/* Leave a command to the thread.  False: it was pending already. */
static bool leave(u32 bit)
{
	u64 flags = spin_lock_irq(&sysrq_lock);
	bool fresh = !(pending & bit);

	pending |= bit;
	spin_unlock_irq(&sysrq_lock, flags);
	if (fresh)
		wait_wake_all(&sysrq_wait);
	return fresh;
}

/* Take a pending command back from the thread.  False: the thread has begun it. */
static bool take(u32 bit)
{
	u64 flags = spin_lock_irq(&sysrq_lock);
	bool was = pending & bit;

	pending &= ~bit;
	spin_unlock_irq(&sysrq_lock, flags);
	return was;
}

static void serve_here(const struct sysrq_command *c)
{
	log_info("sysrq %c: %s", c->key, c->help);
	c->serve();
}

static const struct sysrq_command *command(char key)
{
	linker_set_for_each(c, sysrq_commands) if (c->key == key) return c;
	return NULL;
}

static void key(u8 typed)
{
	const struct sysrq_command *c = command((char)typed);
	u32 bit = c ? 1U << (u32)(c - __set_sysrq_commands) : 0;

	if (!c)
		help();
	else if (c->when == SYSRQ_AT_ONCE)
		serve_here(c);
	else if (leave(bit))
		return;
	else if (c->when == SYSRQ_TWICE && take(bit))
		serve_here(c);
	else
		log_warn("sysrq %c: waits until the kernel's thread runs; h, l, d, c, b and o work "
			 "without it",
			 c->key);
}

static const struct sysrq_server LINKER_SET_ENTRY(sysrq_servers, struct sysrq_server) server = {
    key, sysrq_cpus_nmi};

static void sysrq_thread(void *unused)
{
	u64 flags = spin_lock_irq(&sysrq_lock);

	for (;;) {
		while (!pending)
			wait_sleep_irq(&sysrq_wait, &sysrq_lock, WAIT_FOREVER, 0);
		linker_set_for_each(c, sysrq_commands)
		{
			u32 bit = 1U << (u32)(c - __set_sysrq_commands);

			if (!(pending & bit))
				continue;
			pending &= ~bit;
			spin_unlock_irq(&sysrq_lock, flags);
			serve_here(c);
			flags = spin_lock_irq(&sysrq_lock);
		}
	}
}

/* As on Linux, only the first character counts, and the command has been served on return. */
static int write_trigger(const char *text, size_t length)
{
	const struct sysrq_command *c = length ? command(text[0]) : NULL;

	if (c)
		serve_here(c);
	else if (length)
		help();
	return 0;
}

PROC_FILES(sysrq_files) = {
    {"sysrq-trigger", .write = write_trigger},
    {"sys/kernel/sysrq", .constant = "1\n"}, /* all are allowed */
};

static void sysrq_init(void)
{
	require(__set_sysrq_commands_end - __set_sysrq_commands <= 32);
	if (IS_ERR(kthread_create("sysrq", sysrq_thread, NULL)))
		log_warn("sysrq: no memory for its thread: only h, b, c and o work");
}

INIT_CALL(95, sysrq_init);
