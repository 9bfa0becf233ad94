/* SPDX-License-Identifier: MIT
 *
 * Panic.  stop.c sets the handler, which stops the other CPUs and lets extensions write a report.
 */
#include "kernel/lib/format.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"

bool panic_in_progress;
static panic_handler_t panic_handler;

void panic_set_handler(panic_handler_t handler)
{
	__atomic_store_n(&panic_handler, handler, __ATOMIC_RELEASE);
}

void panic(const char *fmt, ...)
{
	panic_handler_t handler = __atomic_load_n(&panic_handler, __ATOMIC_ACQUIRE);
	char message[512];
	va_list args;

	__atomic_store_n(&panic_in_progress, true, __ATOMIC_SEQ_CST);
	log_console_level = LOG_LEVELS;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (handler)
		handler(message);
	log_error("panic: %s", message);
	log_flush_forced();
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}
