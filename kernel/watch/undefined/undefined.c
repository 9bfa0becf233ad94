/* SPDX-License-Identifier: MIT
 *
 * Undefined behaviour of C ends the machine with its kind, its place and its operands.  The
 * compiler checks each operation that can be undefined (`make SANITIZE=1`), and calls a function of
 * calls.c if it is.  This folder is compiled without the checks, or it could call itself.
 */
#include "kernel/watch/undefined/undefined.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/power.h"
#include "arch/x86_64/pc/serial.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/watch/symbols.h"

/* So many findings of one CPU are reported by panic(): the first, and one in its report.  A third
 * is in what reports them, which would go on without end. */
#define REPORTED 2

static DEFINE_PER_CPU(u32, findings);

/* The name of the function that contains the call before this return address, without the offset
 * and without the suffix of a part that the compiler has moved (NAME.cold). */
static void function_format(char *buf, size_t size, u64 return_address)
{
	size_t length = 0;

	symbol_format_caller(buf, size, return_address);
	while (buf[length] && buf[length] != '.' && buf[length] != '+')
		length++;
	buf[length] = '\0';
}

/* Send text to the serial port without the log and without formats. */
static void send(const char *text)
{
	u32 left = (u32)strlen(text);

	while (left && serial_wait(SERIAL_READY)) {
		u32 sent = serial_send(text, left);

		text += sent;
		left -= sent;
	}
}

static void send_number(u32 n)
{
	char digits[11] = "";
	u32 at = sizeof(digits) - 1;

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	send(digits + at);
}

/* The report of a finding needs what has undefined behaviour itself: name only the place. */
static void noreturn end(const struct source_place *at, u32 number)
{
	if (number > REPORTED + 1) /* in serial.c, or in what ends the machine */
		cpu_halt_forever();
	send("\nundefined behaviour in its own report: ");
	send(at->file);
	send(":");
	send_number(at->line);
	send("\n");
	power_off(EXIT_STATUS_PANIC);
}

void undefined_found(const struct source_place *at, u64 return_address, const char *fmt, ...)
{
	char what[160], function[64];
	va_list args;
	u32 number;

	/* Before percpu_init_boot_cpu() there is neither a console nor data of a CPU. */
	if (!cpu_count)
		__builtin_trap();
	irq_disable();
	number = ++*this_cpu_ptr(findings);
	if (number > REPORTED)
		end(at, number);
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	function_format(function, sizeof(function), return_address);
	panic("undefined behaviour: %s at %s:%u:%u, in %s", what, at->file, at->line, at->column,
	      function);
}
