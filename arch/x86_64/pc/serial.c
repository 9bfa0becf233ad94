/* SPDX-License-Identifier: MIT
 *
 * COM1: a 16550 (PC16550D data sheet).  Output goes into a ring, and the interrupts of the port
 * send it.  A writer that has interrupts on, and the log, wait until the port has sent it.  The
 * echo of input runs with interrupts off and sends only one burst, so that no input is lost during
 * that time.
 */
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/console.h"

#define PORT 0x3f8
#define IRQ  4

/* Registers, from PORT. */
enum { DATA, INTERRUPT_ENABLE, FIFO_CONTROL, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS };
#define INTERRUPT_ID	       FIFO_CONTROL /* when read */
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

#define RING_SIZE    2048 /* a power of two */

DEFINE_SPINLOCK(serial_lock); /* guards the ring and the order of what is sent */
static char ring[RING_SIZE];
static u32 head, tail; /* count bytes; the index is the count modulo RING_SIZE */
static u32 burst;      /* bytes that may be written once the holding register is empty */
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

/* Send one burst if the ring has data and the port is ready.  Returns whether something was sent.
 */
static bool send(void)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	bool ready = head != tail && reg_read(LINE_STATUS) & LINE_STATUS_THR_EMPTY;

	for (u32 n = 0; ready && n < burst && tail != head; n++)
		reg_write(DATA, ring[tail++ % RING_SIZE]);
	console_unlock(&serial_lock, flags, locked);
	return ready;
}

/* Send until at most `left` bytes are in the ring.  If the port does not accept them in time,
 * discard the contents of the ring. */
static void drain(u32 left)
{
	u32 limit = irqs_enabled() ? POLLS : POLLS_ATOMIC;
	u32 polls = READ_ONCE(stuck) ? POLLS_STUCK : limit;
	bool locked;
	u64 flags;

	while (READ_ONCE(head) - READ_ONCE(tail) > left && polls) {
		if (send()) {
			polls = limit;
		} else {
			polls--;
			cpu_relax();
		}
	}
	WRITE_ONCE(stuck, !polls);
	if (polls)
		return;
	/* Under the lock, because another CPU may be in send() just now and would advance `tail`
	 * past `head`. */
	locked = console_lock(&serial_lock, &flags);
	tail = head;
	console_unlock(&serial_lock, flags, locked);
}

static void serial_write(struct console *c, const char *text, size_t length)
{
	while (length) {
		u64 flags;
		bool locked = console_lock(&serial_lock, &flags);

		for (; length && head - tail < RING_SIZE; length--)
			ring[head++ % RING_SIZE] = *text++;
		console_unlock(&serial_lock, flags, locked);
		if (length)
			drain(RING_SIZE / 2);
	}
}

/* A caller with interrupts on waits, so that a write() has been sent when it returns.  For other
 * callers the interrupts send the data.  An interrupt comes when a burst has been sent, so send the
 * first burst here. */
static void serial_flush(struct console *c, bool now)
{
	if (now || irqs_enabled() || !READ_ONCE(has_interrupt))
		drain(0);
	else
		send();
}

static void receive(void)
{
	for (u32 i = 0; i < 256; i++) {
		u8 status = reg_read(LINE_STATUS), byte;

		if (!(status & LINE_STATUS_DATA_READY))
			break;
		byte = reg_read(DATA);
		if (!(status & LINE_STATUS_BREAK)) /* the NUL of a break was not typed */
			console_input(byte);
	}
}

/* The interrupt is edge-triggered: another comes only after all its causes have been handled, so
 * repeat until the port reports none.  The limit is for a port that does not exist, and for a
 * sender that is faster than this loop. */
static void serial_interrupt(void)
{
	for (u32 i = 0; i < 64 && !(reg_read(INTERRUPT_ID) & INTERRUPT_NONE); i++) {
		receive();
		send();
	}
}

static void serial_start(struct console *c)
{
	int error = irq_request_isa(IRQ, serial_interrupt);

	if (error) {
		log_warn("serial: no interrupt (%d), input is not read", error);
		return;
	}
	reg_write(INTERRUPT_ENABLE, 0x03); /* data received, ready to send */
	serial_interrupt();		   /* handle causes from before: they make no new edge */
	WRITE_ONCE(has_interrupt, true);
}

static struct console serial_console = {
    .name = "ttyS0",
    .columns = 80,
    .rows = 24,
    .write = serial_write,
    .flush = serial_flush,
    .start = serial_start,
};

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
