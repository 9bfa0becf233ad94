/* SPDX-License-Identifier: MIT
 *
 * panic() on the host: ends the program, or goes back to the test that expects it.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/lib/format.h"
#include "kernel/log/panic.h"

bool panic_in_progress;
jmp_buf *host_panic_jump;
char host_panic_message[512];

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(host_panic_message, sizeof(host_panic_message), fmt, args);
	va_end(args);
	if (host_panic_jump)
		longjmp(*host_panic_jump, 1);
	printf("Bail out! panic: %s\n", host_panic_message);
	abort();
}
