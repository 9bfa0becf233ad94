/* SPDX-License-Identifier: MIT
 *
 * A terminal that real threads use: readers sleep and are woken, writers wait for VSTART.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/thread.h"
#include "tests/kernel/ktest.h"

static struct tty *tty;
static char shown[64], got[64];
static u32 shown_length;
static ssize_t result;
static bool done;

static void output(struct tty *t, const char *text, size_t length)
{
	for (size_t i = 0; i < length && shown_length < sizeof(shown); i++)
		shown[shown_length++] = text[i];
}

static s32 room;

static s32 device_room(struct tty *t)
{
	return READ_ONCE(room);
}

static u32 device_queued(struct tty *t)
{
	return READ_ONCE(room) ? 0 : 1;
}

static void device_discard(struct tty *t)
{
}

static const struct tty_ops device = {
    .output = output, .room = device_room, .queued = device_queued, .discard = device_discard};

/* Type characters.  For "!" the device gets room for output instead. */
static void type(const char *text)
{
	for (; *text; text++) {
		if (*text == '!') {
			WRITE_ONCE(room, 100);
			tty_notify(tty);
		} else {
			tty_input(tty, text, 1);
		}
	}
}

static void reader(void *arg)
{
	struct io_buffer io;

	io_init_kernel(&io, got, sizeof(got));
	result = tty_read(tty, &io, false);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
}

static void writer(void *arg)
{
	struct io_buffer io;

	io_init_kernel(&io, "out\n", 4);
	result = tty_write(tty, &io, false);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
}

static void drainer(void *arg)
{
	result = tty_drain(tty);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
}

/* Start a thread, check that it sleeps, type `text`, and check that it ends. */
static void sleeps_until(void (*fn)(void *arg), const char *text)
{
	struct thread *t;

	done = false;
	t = kthread_create("tty test", fn, NULL);
	KEXPECT(!IS_ERR(t));
	if (IS_ERR(t))
		return;
	sleep_until(clock_now_ns() + 20 * NSEC_PER_MSEC, 0);
	KEXPECT(!READ_ONCE(done));
	type(text);
	for (u32 i = 0; i < 60000 && !__atomic_load_n(&done, __ATOMIC_ACQUIRE); i++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	KEXPECT(READ_ONCE(done));
}

KTEST(tty_threads_sleep_and_wake)
{
	static struct tty_ring ring;

	tty = kzalloc(sizeof(*tty));
	KEXPECT(tty);
	if (!tty)
		return;
	tty_init(tty, "test", 0, &device, &ring);
	room = 100;
	shown_length = 0;

	sleeps_until(reader, "heddle\x7f.\r");
	KEXPECT_EQ(result, 7);
	KEXPECT(!memcmp(got, "heddl.\n", 7));
	KEXPECT(shown_length == 12 && !memcmp(shown, "heddle\b \b.\r\n", 12));

	shown_length = 0;
	type("\x13");
	sleeps_until(writer, "\x11");
	KEXPECT_EQ(result, 4);
	KEXPECT(shown_length == 5 && !memcmp(shown, "out\r\n", 5));

	shown_length = 0;
	room = 0;
	sleeps_until(writer, "!");
	KEXPECT_EQ(result, 4);
	KEXPECT(shown_length == 5 && !memcmp(shown, "out\r\n", 5));
	room = 0;
	sleeps_until(drainer, "!");
	KEXPECT_EQ(result, 0);
	if (READ_ONCE(done))
		kfree(tty);
}
