/* SPDX-License-Identifier: MIT
 *
 * Port 0xe9, where QEMU and Bochs collect what a guest has to say.
 */
#include "kernel/dev/console.h"
#include "kernel/lib/cmdline.h"

#define PORT 0xe9

static void debug_port_write(struct console *c, const char *text, size_t length)
{
	while (length--)
		outb(PORT, *text++);
}

static struct console debug_console = {.name = "debug", .write = debug_port_write};

void debug_port_init(void)
{
	char value[8];

	/* The emulators' port reads as its own number. */
	if (cmdline_get("debugcon", value, sizeof(value)) && inb(PORT) == PORT)
		console_register(&debug_console);
}
