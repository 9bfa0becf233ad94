/* SPDX-License-Identifier: MIT
 *
 * What console= means, as on Linux (Documentation/admin-guide/serial-console.rst), except that
 * programs write to all consoles that are named, and not to the last alone: there is one terminal.
 */
#include "kernel/dev/console_choice.h"

#include "arch/x86_64/pc/console.h"

static bool any_in_use(void)
{
	for (const struct console *c = console_first(); c; c = c->next)
		if (c->in_use)
			return true;
	return false;
}

/* Returns the console that a person looks at. */
static const struct console *console_main(void)
{
	const struct console *best = NULL;

	for (const struct console *c = console_first(); c; c = c->next)
		if (!best || console_rank(c) > console_rank(best) ||
		    (console_rank(c) == console_rank(best) && c->is_display))
			best = c;
	return best;
}

void console_choose(u32 *columns, u32 *rows)
{
	const struct console *best = console_main();

	if (best && !any_in_use()) {
		for (struct console *c = console_first(); c; c = c->next)
			console_use(c);
		log_warn("console=: there is no console of that name; see docs/hardware.md");
	}
	for (struct console *c = console_first(); c; c = c->next)
		c->programs = c->in_use && (console_rank(c) || c == best);
	*columns = best ? best->columns : 80;
	*rows = best ? best->rows : 24;
}
