/* SPDX-License-Identifier: MIT
 *
 * A UART of the test's own: 16550A (PC16550D data sheet), or broken in one of the ways that exist.
 * Time passes when a port is read or written, and in elapse().  And what the kernel has around.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/console.h"
#include "arch/x86_64/pc/sysrq.h"
#include "kernel/log/panic.h"
#include "kernel/task/timer.h"

/* --- What the kernel has around ----------------------------------------------------------------
 */

bool host_irqs = true, panic_in_progress;
static bool has_ioapic;
static irq_handler_t handler;
static struct timer *timer;
static u64 now, readies;
static char typed[64];
static u32 typed_length;

u64 clock_now_ns(void)
{
	return now;
}

int irq_request_isa(u32 isa_irq, irq_handler_t h)
{
	handler = has_ioapic ? h : NULL;
	return has_ioapic ? 0 : -19;
}

void timer_init(struct timer *t, void (*fn)(struct timer *timer))
{
	t->fn = fn;
}

void timer_start(struct timer *t, u64 expires_ns)
{
	t->expires_ns = expires_ns;
	timer = t;
}

static void on_event(int event)
{
	if (event == CONSOLE_READY)
		readies++;
	else if (typed_length < sizeof(typed))
		typed[typed_length++] = (char)event;
}

static u8 magic_key;

static void on_magic_key(u8 key)
{
	magic_key = key;
}

/* The linker set, of one. */
const struct sysrq_server __set_sysrq_servers[1] = {{.key = on_magic_key}};
__asm__(".globl __set_sysrq_servers_end\n"
	".set __set_sysrq_servers_end, __set_sysrq_servers + 16");

/* --- The UART ----------------------------------------------------------------------------------
 */

static struct {
	/* what it is */
	bool absent, no_fifo, never_sends, mute /* its interrupt line is cut */,
	    lies /* always says that an interrupt is pending */;
	/* registers */
	u8 enable, line, modem;
	u32 divisor;
	bool thr_pending, level;
	/* holding register or FIFO, and the shift register */
	u8 fifo[16], shift, received;
	u32 queued;
	bool shifting, has_received, has_break;
	u64 shifted_at;
	/* what the other end got, and what the test counts */
	char sent[1 << 20];
	u32 length, overruns, accesses;
} uart;

static u32 fifo_size(void)
{
	return uart.no_fifo ? 1 : 16;
}

static u64 byte_ns(void)
{
	return NSEC_PER_SEC * 10 / 115200 * (uart.divisor ? uart.divisor : 1);
}

static void next_byte(void)
{
	uart.shifting = uart.queued;
	if (!uart.queued)
		return;
	uart.shift = uart.fifo[0];
	libc_memmove(uart.fifo, uart.fifo + 1, --uart.queued);
	uart.shifted_at = MAX(uart.shifted_at, now - byte_ns()) + byte_ns();
	if (!uart.queued)
		uart.thr_pending = true;
}

/* What has happened up to now. */
static void update(void)
{
	bool level, edge, looped = uart.modem & 0x10;

	while (uart.shifting && uart.shifted_at <= now && (looped || !uart.never_sends)) {
		if (looped) {
			uart.received = uart.shift;
			uart.has_received = true;
		} else {
			uart.sent[uart.length++] = (char)uart.shift;
		}
		next_byte();
	}
	level = !uart.mute && uart.modem & 8 &&
		((uart.thr_pending && uart.enable & 2) || (uart.has_received && uart.enable & 1));
	edge = level && !uart.level;
	uart.level = level;
	if (edge && handler) {
		bool flags = host_irqs;

		if (!flags) { /* the APIC keeps it until interrupts are on */
			uart.level = false;
			return;
		}
		host_irqs = false;
		handler();
		host_irqs = flags;
	}
}

static void access_port(void)
{
	now += NSEC_PER_USEC;
	uart.accesses++;
	update();
}

static u8 reg_in(u16 port)
{
	u8 value;

	switch (port - 0x3f8) {
	case 0:
		uart.has_received = false;
		return uart.received;
	case 2:
		value = uart.no_fifo ? 0 : 0xc0;
		if (uart.lies)
			return value | 2;
		if (uart.has_received && uart.enable & 1)
			return value | 4;
		if (!(uart.thr_pending && uart.enable & 2))
			return value | 1;
		uart.thr_pending = false;
		return value | 2;
	case 5:
		return (uart.has_received ? 1 : 0) | (uart.has_break ? 0x10 : 0) |
		       (uart.queued ? 0 : 0x20) | (uart.queued || uart.shifting ? 0 : 0x40);
	}
	return 0;
}

u8 inb(u16 port)
{
	u8 value;

	access_port();
	value = uart.absent ? 0xff : reg_in(port);
	update();
	return value;
}

void outb(u16 port, u8 value)
{
	access_port();
	if (uart.absent)
		return;
	switch (port - 0x3f8) {
	case 0:
		if (uart.line & 0x80) {
			uart.divisor = (uart.divisor & 0xff00) | value;
			break;
		}
		uart.thr_pending = false;
		update();
		if (uart.queued == fifo_size()) {
			uart.overruns++;
			break;
		}
		uart.fifo[uart.queued++] = value;
		if (!uart.shifting) {
			uart.shifted_at = now;
			next_byte();
		}
		break;
	case 1:
		if (uart.line & 0x80) {
			uart.divisor = (uart.divisor & 0xff) | (u32)value << 8;
			break;
		}
		if (value & ~uart.enable & 2 && !uart.queued)
			uart.thr_pending = true;
		uart.enable = value;
		break;
	case 2:
		if (value & 4)
			uart.queued = 0;
		break;
	case 3:
		uart.line = value;
		break;
	case 4:
		uart.modem = value;
		break;
	}
	update();
}

static void elapse(u64 ns)
{
	for (u64 end = now + ns; now < end;) {
		now += 10 * NSEC_PER_USEC;
		update();
		if (timer && timer->expires_ns <= now) {
			struct timer *t = timer;

			timer = NULL;
			host_irqs = false;
			t->fn(t);
			host_irqs = true;
		}
	}
}
