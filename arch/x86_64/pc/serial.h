/* SPDX-License-Identifier: MIT
 *
 * COM1, for the extension that queues its output (kernel/dev/serial_ring.c).
 */
#pragma once

#include "arch/x86_64/pc/console.h"

/* The port as a console.  Without the extension its write() polls the port.  The extension sets
 * other operations, if the port is in use. */
extern struct console serial_console;

/* Guards the order of what is sent.  Leaf lock; take it by console_lock(). */
extern struct spinlock serial_lock;

/* If the port can take bytes now, give it as many of these as its FIFO holds.  Returns how many.
 * The caller holds serial_lock.  Any context. */
u32 serial_send(const char *text, u32 length);

/* Poll until all these bits of the line status are set.  False: not in 20 times the time in which
 * the port sends what its FIFO holds.  Any context. */
bool serial_wait(u8 bits);
#define SERIAL_READY	0x20 /* it can take bytes */
#define SERIAL_ALL_SENT 0x60 /* and all bits have left it */

/* By what the highest speed, 115200 bits/s, is divided. */
extern u32 serial_divisor;

/* Connect the interrupt.  It calls console_event() for each byte received, if programs use the
 * port, and the operation transmit() when the port can take bytes.  Returns false if the interrupt
 * does not work: then the caller calls serial_interrupt() regularly, with interrupts off. */
bool serial_connect(void);
void serial_interrupt(void);
