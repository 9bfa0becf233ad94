/* SPDX-License-Identifier: MIT
 *
 * The output of the serial port goes into a ring, and the interrupts of the port send it.  A
 * program that writes sleeps while the ring is full: the terminal asks ring_room().  A line of the
 * log that finds no room waits in the ring of the log.  So nothing waits for the port by polling
 * it, except a panic and the end of the machine.
 */
#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/serial.h"
#include "kernel/lib/init.h"
#include "kernel/task/timer.h"

#define RING_SIZE 4096 /* a power of two */
#define RING_LOW  1024 /* go on to fill the ring when it has fewer bytes than this */

#define STUCK_NS  (3 * NSEC_PER_SEC)   /* a port that has sent nothing for this time is stuck */
#define DRAIN_NS  (3 * NSEC_PER_SEC)   /* the end of the machine waits so long for the other end */
#define TICK_NS	  (10 * NSEC_PER_MSEC) /* how often a port without an interrupt is polled */

static char ring[RING_SIZE];
static u32 head, tail;	 /* count bytes; the index is the count modulo RING_SIZE */
static u32 notify_below; /* if not 0, notify the terminal when the ring has fewer bytes */
static u64 sent_ns;	 /* when the port took bytes last, or the ring was empty */
static struct timer tick;

/* Record whether the port takes bytes.  Returns whether it has become stuck or is so no longer. The
 * caller holds serial_lock. */
static bool note_progress(struct console *c, bool progress)
{
	u64 now = clock_now_ns();
	bool stuck = !progress && now > sent_ns + STUCK_NS;
	bool changed = stuck != READ_ONCE(c->stuck);

	if (progress)
		sent_ns = now;
	WRITE_ONCE(c->stuck, stuck);
	return changed;
}

/* Send one burst if the ring has data and the port is ready.  Returns whether it sent something. */
static bool send(struct console *c)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	u32 at = tail % RING_SIZE;
	u32 sent = serial_send(ring + at, MIN(head - tail, RING_SIZE - at));
	bool changed = note_progress(c, sent || head == tail);

	tail += sent;
	console_unlock(&serial_lock, flags, locked);
	if (changed && console_next(NULL) != c) /* there is another console that shows it */
		log_warn("serial: %s %s", c->name,
			 c->stuck ? "sends nothing: programs no longer wait for it"
				  : "sends again");
	return sent;
}

/* Poll the port until the bytes before `mark`, a value of `head`, are sent, as long as it sends
 * some. False: it is not ready in time, and `end_ns` has come. */
static bool drain_to(struct console *c, u32 mark, u64 end_ns)
{
	while ((s32)(mark - READ_ONCE(tail)) > 0)
		if (!send(c) && !serial_wait(SERIAL_READY) && clock_now_ns() >= end_ns)
			return false;
	return true;
}

/* Text that finds no room is lost, except in a panic. */
static void ring_write(struct console *c, const char *text, size_t length)
{
	do {
		u64 flags;
		bool locked = console_lock(&serial_lock, &flags);

		if (head == tail)
			sent_ns = clock_now_ns();
		for (; length && head - tail < RING_SIZE; length--)
			ring[head++ % RING_SIZE] = *text++;
		console_unlock(&serial_lock, flags, locked);
	} while (length && READ_ONCE(panic_in_progress) &&
		 drain_to(c, READ_ONCE(head) - RING_SIZE / 2, 0));
}

/* An interrupt comes when a burst has been sent, so send the first burst here. */
static void ring_flush(struct console *c, bool now)
{
	if (READ_ONCE(panic_in_progress))
		(void)drain_to(c, READ_ONCE(head), 0);
	else
		(void)send(c);
}

static bool ring_drain(struct console *c)
{
	u64 patience_ns = READ_ONCE(c->stuck) ? 0 : DRAIN_NS;

	return drain_to(c, READ_ONCE(head), clock_now_ns() + patience_ns) &&
	       serial_wait(SERIAL_ALL_SENT);
}

/* Returns the bytes in the ring.  If these are at least `low`, the terminal will be notified when
 * they are fewer. */
static u32 ring_used(u32 low)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	u32 used = head - tail;

	if (used >= low)
		notify_below = MAX(notify_below, low);
	console_unlock(&serial_lock, flags, locked);
	return used;
}

static s32 ring_room(struct console *c)
{
	return RING_SIZE - CONSOLE_RESERVE - (s32)ring_used(RING_LOW);
}

static u32 ring_queued(struct console *c)
{
	return ring_used(1);
}

static void ring_discard(struct console *c)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);

	tail = head;
	console_unlock(&serial_lock, flags, locked);
}

/* Has the ring become as short as the terminal waits for?  Ends the request. */
static bool notify_due(void)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	bool due = head - tail < notify_below;

	if (due)
		notify_below = 0;
	console_unlock(&serial_lock, flags, locked);
	return due;
}

static bool ring_transmit(struct console *c)
{
	bool sent = send(c);

	if (notify_due())
		console_event(CONSOLE_READY);
	if (READ_ONCE(head) - READ_ONCE(tail) < RING_LOW)
		log_flush();
	return sent;
}

static void ring_tick(struct timer *t)
{
	serial_interrupt();
	timer_start(t, clock_now_ns() + TICK_NS);
}

static void ring_start(struct console *c)
{
	if (serial_connect())
		return;
	log_warn("serial: the port is polled 100 times a second");
	timer_init(&tick, ring_tick);
	timer_start(&tick, clock_now_ns() + TICK_NS);
}

static const struct console_ops ring_ops = {
    .write = ring_write,
    .flush = ring_flush,
    .drain = ring_drain,
    .room = ring_room,
    .queued = ring_queued,
    .discard = ring_discard,
    .transmit = ring_transmit,
    .start = ring_start,
};

/* Among the last, because the ring is sent by interrupts only, and console_start() comes next. */
static void serial_ring_init(void)
{
	serial_console.ops = &ring_ops;
}

INIT_CALL(99, serial_ring_init);
