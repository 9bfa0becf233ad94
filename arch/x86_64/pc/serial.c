/* SPDX-License-Identifier: MIT
 *
 * COM1: a 16550 (PC16550D data sheet).  Output goes into a ring, and the interrupts of the port
 * send it.  A program that writes sleeps while the ring is full: the terminal asks serial_room().
 * The kernel polls the port only before it has interrupts, in a panic, and if the log finds no
 * room.
 */
#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/console.h"
#include "arch/x86_64/pc/sysrq.h"

#define PORT 0x3f8
#define IRQ  4

/* Registers, from PORT. */
enum { DATA, INTERRUPT_ENABLE, FIFO_CONTROL, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS };
#define INTERRUPT_ID	       FIFO_CONTROL /* when read */
#define INTERRUPTS	       0x03	    /* data received, ready to send */
#define INTERRUPT_NONE	       0x01

#define LINE_STATUS_DATA_READY 0x01
#define LINE_STATUS_BREAK      0x10
#define LINE_STATUS_THR_EMPTY  0x20

#define MODEM_DTR	       0x01
#define MODEM_RTS	       0x02
#define MODEM_OUT2	       0x08 /* the interrupt line */
#define MODEM_LOOPBACK	       0x10

/* How often the line status is read while the port is busy.  On real hardware a read takes about 1
 * us and sending 16 bytes takes 1.4 ms; an emulator can be much slower.  The limit is lower with
 * interrupts off, and very low after a wait that failed, until the port sends again. */
#define POLLS	     2000000
#define POLLS_ATOMIC 200000
#define POLLS_STUCK  100

#define RING_SIZE    4096 /* a power of two */
#define RING_LOW     1024 /* wake writers when fewer bytes than this are in the ring */
#define DRAIN_NS     (5 * NSEC_PER_SEC) /* how long the end of the machine waits for the other end */
#define ROUNDS	     64 /* of one interrupt, if the other end is as fast as this loop */

DEFINE_SPINLOCK(serial_lock); /* guards the ring and the order of what is sent */
static char ring[RING_SIZE];
static u32 head, tail;	 /* count bytes; the index is the count modulo RING_SIZE */
static u32 notify_below; /* if not 0, notify the terminal when the ring has fewer bytes */
static u32 burst;	 /* bytes that may be written once the holding register is empty */
static bool stuck;
static bool has_interrupt;

static u8 reg_read(u32 reg)
{
	return inb(PORT + reg);
}

static void reg_write(u32 reg, u8 value)
{
	outb(PORT + reg, value);
}

/* Send one burst if the ring has data and the port is ready. */
static void send(void)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	bool ready = head != tail && reg_read(LINE_STATUS) & LINE_STATUS_THR_EMPTY;

	for (u32 n = 0; ready && n < burst && tail != head; n++)
		reg_write(DATA, ring[tail++ % RING_SIZE]);
	console_unlock(&serial_lock, flags, locked);
}

/* Poll the port until the bytes before `mark`, a value of `head`, are sent.  False: the port does
 * not accept them in time. */
static bool drain(u32 mark)
{
	u32 limit = irqs_enabled() ? POLLS : POLLS_ATOMIC;
	u32 polls = READ_ONCE(stuck) ? POLLS_STUCK : limit;

	while ((s32)(mark - READ_ONCE(tail)) > 0 && polls) {
		u32 before = READ_ONCE(tail);

		send();
		if (READ_ONCE(tail) != before) {
			polls = limit;
		} else {
			polls--;
			cpu_relax();
		}
	}
	WRITE_ONCE(stuck, !polls);
	return polls;
}

/* Text that finds no room, even after the port was polled, is lost. */
static void serial_write(struct console *c, const char *text, size_t length)
{
	do {
		u64 flags;
		bool locked = console_lock(&serial_lock, &flags);

		for (; length && head - tail < RING_SIZE; length--)
			ring[head++ % RING_SIZE] = *text++;
		console_unlock(&serial_lock, flags, locked);
	} while (length && drain(READ_ONCE(head) - RING_SIZE / 2));
}

/* An interrupt comes when a burst has been sent, so send the first burst here. */
static void serial_flush(struct console *c, bool now)
{
	if (!READ_ONCE(has_interrupt) || READ_ONCE(panic_in_progress))
		drain(READ_ONCE(head));
	else
		send();
}

/* Once there are interrupts, there is a clock. */
static void serial_drain(struct console *c)
{
	u32 mark = READ_ONCE(head);
	u64 end = clock_now_ns() + DRAIN_NS;

	while (!drain(mark) && READ_ONCE(has_interrupt) && clock_now_ns() < end)
		;
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

static s32 serial_room(struct console *c)
{
	if (!READ_ONCE(has_interrupt))
		return CONSOLE_ROOM_MAX;
	return RING_SIZE - CONSOLE_RESERVE - (s32)ring_used(RING_LOW);
}

static u32 serial_queued(struct console *c)
{
	return ring_used(1);
}

static void serial_discard(struct console *c)
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

static void receive(void)
{
	static u64 break_ns; /* when the last break came; 0: a byte has followed it */

	for (u32 i = 0; i < 256; i++) {
		u8 status = reg_read(LINE_STATUS), byte;

		if (!(status & LINE_STATUS_DATA_READY))
			break;
		byte = reg_read(DATA);
		if (status & LINE_STATUS_BREAK) { /* the NUL of a break was not typed */
			break_ns = clock_now_ns();
		} else if (break_ns && clock_now_ns() - break_ns < SYSRQ_BREAK_NS) {
			break_ns = 0;
			sysrq_key(byte);
		} else {
			console_event(byte);
		}
	}
}

/* The interrupt is edge-triggered: another comes only after all its causes have been handled, so
 * repeat until the port reports none.  After ROUNDS disable the causes and enable them again: those
 * that are left make a new edge. */
static void serial_interrupt(void)
{
	u32 rounds = 0;

	while (rounds < ROUNDS && !(reg_read(INTERRUPT_ID) & INTERRUPT_NONE)) {
		receive();
		send();
		rounds++;
	}
	if (rounds == ROUNDS) {
		reg_write(INTERRUPT_ENABLE, 0);
		reg_write(INTERRUPT_ENABLE, INTERRUPTS);
	}
	if (notify_due())
		console_event(CONSOLE_READY);
}

static void serial_start(struct console *c)
{
	int error = irq_request_isa(IRQ, serial_interrupt);

	if (error) {
		log_warn("serial: no I/O APIC for interrupt %d (error %d): input is not read", IRQ,
			 error);
		return;
	}
	reg_write(INTERRUPT_ENABLE, INTERRUPTS);
	serial_interrupt(); /* handle causes from before: they make no new edge */
	WRITE_ONCE(has_interrupt, true);
}

static const struct console_ops serial_ops = {
    .write = serial_write,
    .flush = serial_flush,
    .drain = serial_drain,
    .room = serial_room,
    .queued = serial_queued,
    .discard = serial_discard,
    .start = serial_start,
};

static struct console serial_console = {
    .name = "ttyS0", .columns = 80, .rows = 24, .ops = &serial_ops};

/* Test the port by its loopback mode.  A port that does not exist returns ones. */
static bool serial_present(void)
{
	reg_write(MODEM_CONTROL, MODEM_LOOPBACK | MODEM_RTS | MODEM_OUT2);
	reg_write(DATA, 0xae);
	for (u32 i = 0; i < 10000; i++)
		if (reg_read(LINE_STATUS) & LINE_STATUS_DATA_READY && reg_read(DATA) == 0xae)
			return true;
	return false;
}

void serial_init_early(void)
{
	reg_write(INTERRUPT_ENABLE, 0);
	reg_write(LINE_CONTROL, 0x80); /* the first two registers are the divisor now */
	reg_write(DATA, 1);	       /* 115200 */
	reg_write(INTERRUPT_ENABLE, 0);
	reg_write(LINE_CONTROL, 0x03); /* 8 bits, no parity, one stop bit */
	reg_write(FIFO_CONTROL, 0x87); /* on, emptied, interrupt at 8 bytes or after a pause */
	if (!serial_present())
		return;
	burst = (reg_read(INTERRUPT_ID) & 0xc0) == 0xc0 ? 16 : 1;
	reg_write(MODEM_CONTROL, MODEM_DTR | MODEM_RTS | MODEM_OUT2);
	console_register(&serial_console);
}
