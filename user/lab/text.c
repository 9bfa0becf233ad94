/* SPDX-License-Identifier: MIT
 *
 * Formatted text in allocated memory.  If there is no memory, the program ends.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>

void *must(void *memory)
{
	if (!memory) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

char *text_of_args(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return must(text);
}

char *text_of(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_of_args(format, args);
	va_end(args);
	return text;
}

/* Three significant digits; whole numbers in full. */
const char *number_text(double value, char buffer[32])
{
	double size = value < 0 ? -value : value;

	if (size < 1e15 && value == (double)(long long)value)
		snprintf(buffer, 32, "%lld", (long long)value);
	else if (size >= 100)
		snprintf(buffer, 32, "%.0f", value);
	else if (size >= 10)
		snprintf(buffer, 32, "%.1f", value);
	else
		snprintf(buffer, 32, size >= 0.095 ? "%.2f" : "%.2g", value);
	return buffer;
}
