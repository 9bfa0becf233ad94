/* SPDX-License-Identifier: MIT
 *
 * What the kernel has around a terminal, for code that links kernel/dev/tty_*.c on the host.  A
 * thread that would sleep gets the next event of a script instead.
 */
#pragma once

#include <ctype.h>
#include <stdbool.h>

#include "tests/unit/host.h"
#define sigset_t kernel_sigset_t /* libc has one too */
#include "kernel/dev/tty_ldisc.h"
#include "kernel/lib/errno.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"

static struct tty tty;
static struct tty_ring input_ring;
static char screen[65536];
static u32 screen_length;

/* --- What the kernel has around a terminal ---------------------------------------------------- */

static u64 now = 1000;
static bool lock_held, write_lock_held;

/* What happens while somebody sleeps: text is typed; NULL is a signal; "+" lets time pass to the
 * deadline. */
static const char *script[8];
static u32 script_next;

static void device_sends(void);

static void type_byte(char byte)
{
	tty_input(&tty, &byte, 1);
}

static void type(const char *text)
{
	while (*text)
		type_byte(*text++);
}

void spinlock_init(struct spinlock *lock, struct lock_class *class)
{
}

static u32 locked; /* how often */

u64 spin_lock_irq(struct spinlock *lock)
{
	if (lock_held)
		abort();
	locked++;
	lock_held = true;
	return 0;
}

void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	if (!lock_held)
		abort();
	lock_held = false;
}

struct lock_class wait_queue_class;

static u32 wakes_of_all, wakes_of_drainer; /* calls */

void wait_wake_all(struct wait_queue *q)
{
	wakes_of_all++;
}

void wait_wake_one(struct wait_queue *q)
{
	wakes_of_drainer += q == &tty.drainers;
}

void poll_queue_init(struct poll_queue *q, const char *name)
{
}

void poll_queue_wake(struct poll_queue *q)
{
}

void poll_queue_release(struct poll_queue *q)
{
}

int wait_sleep_irq(struct wait_queue *q, struct spinlock *guard, u64 deadline, u32 flags)
{
	const char *event = script_next < ARRAY_SIZE(script) ? script[script_next++] : NULL;

	if (!lock_held)
		abort();
	if (!event)
		return -EINTR;
	if (*event == '+') {
		now = deadline;
		return -ETIMEDOUT;
	}
	now += 1000000;
	lock_held = false;
	if (*event == '!')
		device_sends();
	else
		type(event);
	lock_held = true;
	return 0;
}

bool thread_interrupted(u32 flags)
{
	return false;
}

void mutex_init(struct mutex *m, struct lock_class *class)
{
}

bool mutex_trylock(struct mutex *m)
{
	return !write_lock_held && (write_lock_held = true);
}

int mutex_lock_interruptible(struct mutex *m)
{
	if (write_lock_held)
		abort();
	write_lock_held = true;
	return 0;
}

void mutex_unlock(struct mutex *m)
{
	write_lock_held = false;
}

void random_add(u64 value)
{
}

u64 clock_now_ns(void)
{
	return now;
}

int copy_to_user(void *user, const void *from, size_t n)
{
	memcpy(user, from, n);
	return 0;
}

int copy_from_user(void *to, const void *user, size_t n)
{
	memcpy(to, user, n);
	return 0;
}

static char *io_memory;

ssize_t io_put(struct io_buffer *io, const void *from, size_t n)
{
	memcpy(io_memory, from, n);
	io_memory += n;
	io->remaining -= n;
	return n;
}

/* As the kernel's: what is left says where it is. */
ssize_t io_get(struct io_buffer *io, void *to, size_t n)
{
	memcpy(to, io_memory - io->remaining, n);
	io->remaining -= n;
	return n;
}

/* The caller: a thread of a process in group 10, whose controlling terminal is the one under test.
 */
static struct process process;
static struct thread thread = {.process = &process};
struct thread *host_thread = &thread;
static int sent_signal, sent_group;
static bool ignores, orphaned, leader;

bool process_leads_session(const struct process *p)
{
	return leader;
}

void process_session_set_tty(pid_t session, struct tty *old, struct tty *t)
{
	if (!old || process.job.tty == old)
		process.job.tty = t;
}

void process_hang_up(pid_t session, pid_t foreground)
{
	sent_group = foreground;
	sent_signal = SIGHUP;
}

bool process_group_exists(pid_t g, pid_t session)
{
	return g < 100;
}

bool process_group_orphaned(pid_t g)
{
	return orphaned;
}

bool signal_is_refused(int signal)
{
	return ignores;
}

int signal_send_group(pid_t g, int signal, const struct siginfo *info)
{
	if (lock_held)
		abort();
	sent_group = g;
	sent_signal = signal;
	return 0;
}

/* Of the device.  "!" in a script lets it send all that it has. */
static s32 room;
static u32 queued;

static void output(struct tty *t, const char *text, size_t length)
{
	memcpy(screen + screen_length, text, length);
	screen_length += length;
	if (room != INT32_MAX) {
		room -= length;
		queued += length;
	}
}

static s32 device_room(struct tty *t)
{
	return room;
}

static u32 device_queued(struct tty *t)
{
	return queued;
}

static void device_discard(struct tty *t)
{
	room += queued;
	queued = 0;
}

static const struct tty_ops device = {
    .output = output, .room = device_room, .queued = device_queued, .discard = device_discard};

static void device_sends(void)
{
	room += queued;
	queued = 0;
	tty_notify(&tty);
}

/* A new terminal, with the settings of `stty sane`. */
static void fresh(void)
{
	tty_init(&tty, "test", 0, &device, &input_ring);
	room = INT32_MAX;
	queued = 0;
	tty.session = tty.foreground = process.job.group = process.job.session = 10;
	process.job.tty = &tty;
	ignores = orphaned = leader = false;
	sent_signal = sent_group = 0;
	screen_length = 0;
	memset(script, 0, sizeof(script));
	script_next = 0;
}
