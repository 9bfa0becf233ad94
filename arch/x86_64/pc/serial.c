/* SPDX-License-Identifier: MIT
 *
 * COM1: a 16550A (PC16550D data sheet), or an older one without FIFO.  Input comes by interrupts.
 * Output polls the port here, for a limited time.  The extension kernel/dev queues it instead, as
 * soon as there are interrupts.
 */
#include "arch/x86_64/pc/serial.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/sysrq.h"
#include "boot/cmdline.h"
#include "kernel/lib/string.h"

#define PORT	  0x3f8
#define IRQ	  4

#define SPEED_MAX 115200 /* bits/s */

/* Registers, from PORT. */
enum { DATA, INTERRUPT_ENABLE, FIFO_CONTROL, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS };
#define INTERRUPT_ID	       FIFO_CONTROL /* when read */
#define INTERRUPTS	       0x03	    /* data received, ready to send */
#define INTERRUPT_NONE	       0x01

#define LINE_STATUS_DATA_READY 0x01
#define LINE_STATUS_BREAK      0x10
#define LINE_STATUS_ABSENT     0xff /* a port that does not exist returns ones */

#define MODEM_DTR	       0x01
#define MODEM_RTS	       0x02
#define MODEM_OUT2	       0x08 /* the interrupt line */
#define MODEM_LOOPBACK	       0x10

/* How often the line status is read while the port is busy, at the highest speed.  On real hardware
 * a read takes about 1 us, and sending 17 bytes takes 1.5 ms.  Once a wait has failed, the status
 * is read once only, until the port sends again. */
#define POLLS  30000
#define ROUNDS 64 /* of one interrupt, if the other end is as fast as this loop */

DEFINE_SPINLOCK(serial_lock);
static u32 burst; /* bytes that may be written once the holding register is empty */
u32 serial_divisor;
static bool stuck;  /* the last wait failed */
static bool broken; /* it reports interrupts that have no cause */

static u8 reg_read(u32 reg)
{
	return inb(PORT + reg);
}

static void reg_write(u32 reg, u8 value)
{
	outb(PORT + reg, value);
}

u32 serial_send(const char *text, u32 length)
{
	if (!length || !(reg_read(LINE_STATUS) & SERIAL_READY))
		return 0;
	length = MIN(length, burst);
	for (u32 i = 0; i < length; i++)
		reg_write(DATA, (u8)text[i]);
	WRITE_ONCE(stuck, false);
	return length;
}

bool serial_wait(u8 bits)
{
	u32 polls = READ_ONCE(stuck) ? 1 : POLLS * serial_divisor;

	while (polls && (reg_read(LINE_STATUS) & bits) != bits) {
		polls--;
		cpu_relax();
	}
	WRITE_ONCE(stuck, !polls);
	return polls;
}

/* What a port does not send in time is lost. */
static void polled_write(struct console *c, const char *text, size_t length)
{
	while (length) {
		u64 flags;
		bool locked = console_lock(&serial_lock, &flags);
		u32 sent = serial_send(text, (u32)length);

		console_unlock(&serial_lock, flags, locked);
		text += sent;
		length -= sent;
		if (!sent && !serial_wait(SERIAL_READY))
			return;
	}
}

static bool polled_drain(struct console *c)
{
	return serial_wait(SERIAL_ALL_SENT);
}

static s32 polled_room(struct console *c)
{
	return !READ_ONCE(stuck) || serial_wait(SERIAL_READY) ? CONSOLE_ROOM_MAX : -CONSOLE_RESERVE;
}

/* Returns whether a byte was received. */
static bool receive(void)
{
	static u64 break_ns; /* when the last break came; 0: a byte has followed it */
	u32 n = 0;

	for (; n < 256; n++) {
		u8 status = reg_read(LINE_STATUS), byte;

		if (!(status & LINE_STATUS_DATA_READY) || status == LINE_STATUS_ABSENT)
			break;
		byte = reg_read(DATA);
		if (status & LINE_STATUS_BREAK) { /* the NUL of a break was not typed */
			break_ns = clock_now_ns();
		} else if (break_ns && clock_now_ns() - break_ns < SYSRQ_BREAK_NS) {
			break_ns = 0;
			sysrq_key(byte);
		} else if (serial_console.programs) {
			console_event(byte);
		}
	}
	return n;
}

/* The interrupt is edge-triggered: another comes only after all its causes have been handled, so
 * repeat until the port reports none.  After ROUNDS disable the causes and enable them again: those
 * that are left make a new edge.  A port that reports causes and has nothing to do is broken: leave
 * them disabled. */
void serial_interrupt(void)
{
	struct console *c = &serial_console;
	bool busy = false;

	for (u32 i = 0; i < ROUNDS; i++) {
		bool pending = !broken && !(reg_read(INTERRUPT_ID) & INTERRUPT_NONE);

		busy |= receive();
		busy |= c->ops->transmit && c->ops->transmit(c);
		if (!pending)
			return;
	}
	reg_write(INTERRUPT_ENABLE, 0);
	if (busy) {
		reg_write(INTERRUPT_ENABLE, INTERRUPTS);
	} else {
		broken = true;
		log_warn("serial: interrupts without a cause: they are off now");
	}
}

bool serial_connect(void)
{
	int error = irq_request_isa(IRQ, serial_interrupt);

	if (error) {
		log_warn("serial: no I/O APIC for interrupt %d (error %d)", IRQ, error);
		return false;
	}
	reg_write(INTERRUPT_ENABLE, INTERRUPTS);
	serial_interrupt(); /* handle causes from before: they make no new edge */
	return !broken;
}

static void polled_start(struct console *c)
{
	if (!serial_connect())
		log_warn("serial: input is not read");
}

static const struct console_ops polled_ops = {
    .write = polled_write,
    .drain = polled_drain,
    .room = polled_room,
    .start = polled_start,
};

struct console serial_console = {.name = "ttyS0", .columns = 80, .rows = 24, .ops = &polled_ops};

/* Returns the divisor for the speed in the last console=ttyS0,9600n8, or 1. */
static u32 divisor_wanted(void)
{
	char value[32];
	u32 speed = 0;

	for (u32 i = 0; cmdline_get_nth("console", i, value, sizeof(value)); i++) {
		if (strncmp(value, "ttyS0,", 6))
			continue;
		speed = 0;
		for (const char *p = value + 6; *p >= '0' && *p <= '9' && speed < SPEED_MAX; p++)
			speed = speed * 10 + (u32)(*p - '0');
	}
	return speed >= 50 && speed < SPEED_MAX ? SPEED_MAX / speed : 1;
}

/* Test the port by its loopback mode. */
static bool serial_present(void)
{
	if (reg_read(LINE_STATUS) == LINE_STATUS_ABSENT)
		return false;
	reg_write(MODEM_CONTROL, MODEM_LOOPBACK | MODEM_RTS | MODEM_OUT2);
	reg_write(DATA, 0xae);
	for (u32 i = 0; i < POLLS * serial_divisor; i++)
		if (reg_read(LINE_STATUS) & LINE_STATUS_DATA_READY && reg_read(DATA) == 0xae)
			return true;
	return false;
}

void serial_init_early(void)
{
	serial_divisor = divisor_wanted();
	reg_write(INTERRUPT_ENABLE, 0);
	reg_write(LINE_CONTROL, 0x80); /* the first two registers are the divisor now */
	reg_write(DATA, (u8)serial_divisor);
	reg_write(INTERRUPT_ENABLE, (u8)(serial_divisor >> 8));
	reg_write(LINE_CONTROL, 0x03); /* 8 bits, no parity, one stop bit */
	reg_write(FIFO_CONTROL, 0x87); /* on, emptied, interrupt at 8 bytes or after a pause */
	if (!serial_present())
		return;
	burst = (reg_read(INTERRUPT_ID) & 0xc0) == 0xc0 ? 16 : 1;
	if (burst == 1)
		reg_write(FIFO_CONTROL, 0); /* none, or the broken one of the 16550 */
	reg_write(MODEM_CONTROL, MODEM_DTR | MODEM_RTS | MODEM_OUT2);
	console_register(&serial_console);
}
