/* SPDX-License-Identifier: MIT
 *
 * COM1: a 16550 (PC16550D data sheet), written to by polling, read by interrupts.
 */
#include "arch/x86_64/apic.h"
#include "kernel/dev/console.h"
#include "kernel/dev/random.h"
#include "kernel/dev/tty.h"

#define PORT 0x3f8
#define IRQ  4

/* Registers, from PORT. */
enum {
	DATA,
	INTERRUPT_ENABLE,
	FIFO_CONTROL,
	LINE_CONTROL,
	MODEM_CONTROL,
	LINE_STATUS,
	MODEM_STATUS,
	SCRATCH
};
#define INTERRUPT_ID	       FIFO_CONTROL /* when read */

#define LINE_STATUS_DATA_READY 0x01
#define LINE_STATUS_BREAK      0x10
#define LINE_STATUS_THR_EMPTY  0x20

#define MODEM_DTR	       0x01
#define MODEM_RTS	       0x02
#define MODEM_OUT2	       0x08 /* the interrupt line */
#define MODEM_LOOPBACK	       0x10

/* Reads of the line status while the port is busy: a read takes about 1 us on real hardware, 16
 * bytes take 1.4 ms; an emulator whose reader is slow can take long.  Shorter with interrupts off;
 * and once a wait was in vain, hardly any until the port moves again. */
#define POLLS	     2000000
#define POLLS_ATOMIC 200000
#define POLLS_STUCK  100

DEFINE_SPINLOCK(serial_lock);
static u32 burst; /* bytes that may be written once the holding register is empty */
static bool stuck;

static u8 reg_read(u32 reg)
{
	return inb(PORT + reg);
}

static void reg_write(u32 reg, u8 value)
{
	outb(PORT + reg, value);
}

/* One burst, if the port can take it.  Returns the bytes written. */
static size_t write_burst(const char *text, size_t length)
{
	u64 flags;
	bool locked = console_lock(&serial_lock, &flags);
	size_t n = 0;

	if (reg_read(LINE_STATUS) & LINE_STATUS_THR_EMPTY)
		for (; n < length && n < burst; n++)
			reg_write(DATA, text[n]);
	console_unlock(&serial_lock, flags, locked);
	return n;
}

static void serial_write(struct console *c, const char *text, size_t length)
{
	u32 limit = irqs_enabled() ? POLLS : POLLS_ATOMIC;
	u32 polls = READ_ONCE(stuck) ? POLLS_STUCK : limit;

	while (length && polls) {
		size_t n = write_burst(text, length);

		text += n;
		length -= n;
		if (n) {
			polls = limit;
		} else {
			polls--;
			cpu_relax();
		}
	}
	WRITE_ONCE(stuck, length != 0);
}

static void serial_interrupt(void *data)
{
	/* Reading the identification, status and data acknowledges; more than a FIFO's worth only
	 * where the sender is faster than we are. */
	reg_read(INTERRUPT_ID);
	for (u32 i = 0; i < 256; i++) {
		u8 status = reg_read(LINE_STATUS), byte;

		if (!(status & LINE_STATUS_DATA_READY))
			break;
		byte = reg_read(DATA);
		if (status & LINE_STATUS_BREAK)
			continue; /* its NUL was not typed */
		random_add(rdtsc());
		console_is_remote = true;
		tty_input(&console_tty, byte);
	}
}

static void serial_start(struct console *c)
{
	int error = irq_request_isa(IRQ, serial_interrupt, NULL, c->name);

	if (error) {
		log_warn("serial: no interrupt (%d), input is not read", error);
		return;
	}
	reg_write(INTERRUPT_ENABLE, 0x01); /* data received */
	serial_interrupt(NULL);		   /* an edge that came too early would be the last */
}

static struct console serial_console = {
    .name = "ttyS0",
    .columns = 80,
    .rows = 24,
    .write = serial_write,
    .start = serial_start,
};

/* A port that is not there reads as ones: neither keeps a scratch value nor loops back. */
static bool serial_present(void)
{
	bool back = false;

	for (u32 i = 0; i < 2; i++) {
		u8 pattern = i ? 0x5a : 0xa5;

		reg_write(SCRATCH, pattern);
		if (reg_read(SCRATCH) != pattern)
			return false;
	}
	reg_write(MODEM_CONTROL, MODEM_LOOPBACK | MODEM_RTS | MODEM_OUT2);
	reg_write(DATA, 0xae);
	for (u32 i = 0; i < 10000 && !back; i++)
		back = reg_read(LINE_STATUS) & LINE_STATUS_DATA_READY && reg_read(DATA) == 0xae;
	return back;
}

void serial_init_early(void)
{
	reg_write(INTERRUPT_ENABLE, 0);
	reg_write(LINE_CONTROL, 0x80); /* the divisor shows in the first two registers */
	reg_write(DATA, 1);	       /* 115200 */
	reg_write(INTERRUPT_ENABLE, 0);
	reg_write(LINE_CONTROL, 0x03); /* 8 bits, no parity, one stop bit */
	reg_write(FIFO_CONTROL, 0xc7); /* on, emptied, interrupt at 14 bytes or after a pause */
	if (!serial_present())
		return;
	burst = (reg_read(INTERRUPT_ID) & 0xc0) == 0xc0 ? 16 : 1;
	reg_write(MODEM_CONTROL, MODEM_DTR | MODEM_RTS | MODEM_OUT2);
	console_register(&serial_console);
}
