/* SPDX-License-Identifier: MIT
 *
 * One layer for all that can show text: serial port, framebuffer, VGA text, debug port.  Whatever
 * is written goes to each of them; what is typed on any reaches the same terminal.
 */
#pragma once

#include "kernel/lib/base.h"

struct console {
	const char *name; /* "ttyS0", "tty0", "debug" */
	/* Any context, NMI included when `forced`; must not wait without bound. */
	void (*write)(struct console *c, const char *text, size_t length);
	struct console *next;
};

/* COM1 at 115200 from the first line of C on; absent ports are found out and left alone. */
void serial_init_early(void);

/* Port 0xe9, if the command line says debugcon. */
void debug_port_init(void);

/* Framebuffer or VGA text by boot_info.display, once mmio_map() works. */
void display_init(void);

/* Consoles chosen by console= (ttyS0, tty0; default: all there are), connected to the log. */
void console_register(struct console *c);

/* To all consoles.  Any context. */
void console_write(const char *text, size_t length);

/* Size in characters of what a person looks at: the display, else 80x24 for serial. */
void console_size(u32 *columns, u32 *rows);

/* Receive interrupts of COM1 and the keyboard, feeding the console's terminal; after apic_init(). */
void console_input_init(void);
