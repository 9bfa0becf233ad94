/* SPDX-License-Identifier: MIT
 *
 * Formatted output (ISO C 7.21.6.1) with the formats that format.h lists.
 */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

struct output {
	char *buf;
	size_t size;
	size_t length; /* of the whole text so far, also what did not fit */
};

struct spec {
	bool left, zero, alternate;
	int width, precision; /* precision -1: not given */
	bool is_long;
};

static void put(struct output *out, char c)
{
	if (out->length < out->size)
		out->buf[out->length] = c;
	out->length++;
}

/* Write `prefix`, zeros up to the width if spec->zero, and `n` bytes of text. */
static void put_text(struct output *out, const struct spec *spec, const char *prefix,
		     const char *text, int n)
{
	int fill = spec->width - n - (int)strlen(prefix);

	for (; fill > 0 && !spec->left && !spec->zero; fill--)
		put(out, ' ');
	while (*prefix)
		put(out, *prefix++);
	for (; fill > 0 && !spec->left; fill--)
		put(out, '0');
	while (n--)
		put(out, *text++);
	for (; fill > 0; fill--)
		put(out, ' ');
}

static void put_number(struct output *out, const struct spec *spec, u64 v, unsigned base,
		       const char *prefix)
{
	char text[22]; /* octal digits of 64 bits */
	int at = sizeof(text);

	do
		text[--at] = "0123456789abcdef"[v % base];
	while (v /= base);
	put_text(out, spec, prefix, text + at, (int)sizeof(text) - at);
}

/* Read a number in the format; for `*` it is the next argument. */
static int parse_number(const char **fmt, va_list *args)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*args, int);
	}
	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n * 10 + (**fmt - '0');
	return n;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list arguments)
{
	struct output out = {buf, size, 0};
	va_list args;

	va_copy(args, arguments);
	for (; *fmt; fmt++) {
		struct spec spec = {.precision = -1};
		const char *text;
		char c;
		s64 v;

		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0' || *fmt == '#'; fmt++) {
			spec.left |= *fmt == '-';
			spec.zero |= *fmt == '0';
			spec.alternate |= *fmt == '#';
		}
		spec.width = parse_number(&fmt, &args);
		if (*fmt == '.') {
			fmt++;
			spec.precision = parse_number(&fmt, &args);
		}
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			spec.is_long = true;

		switch (*fmt) {
		case 'd':
			v = spec.is_long ? va_arg(args, s64) : va_arg(args, int);
			put_number(&out, &spec, v < 0 ? -(u64)v : (u64)v, 10, v < 0 ? "-" : "");
			break;
		case 'u':
		case 'o':
		case 'x':
			v = spec.is_long ? va_arg(args, s64) : va_arg(args, u32);
			put_number(&out, &spec, v, *fmt == 'u' ? 10 : *fmt == 'o' ? 8 : 16,
				   spec.alternate && v && *fmt == 'x' ? "0x" : "");
			break;
		case 'p':
			put_number(&out, &spec, (u64)va_arg(args, void *), 16, "0x");
			break;
		case 'c':
			c = (char)va_arg(args, int);
			put_text(&out, &spec, "", &c, 1);
			break;
		case 's':
			text = va_arg(args, const char *) ?: "(null)";
			put_text(&out, &spec, "", text,
				 (int)strnlen(text, spec.precision < 0 ? INT32_MAX
								       : (size_t)spec.precision));
			break;
		case '%':
			put(&out, '%');
			break;
		case '\0': /* a lone % at the end */
			fmt--;
			break;
		default: /* unknown: copy it, so that the mistake is visible */
			put(&out, '%');
			put(&out, *fmt);
		}
	}
	va_end(args);
	if (size)
		buf[MIN(out.length, size - 1)] = '\0';
	return (int)out.length;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return size == 0 ? 0 : MIN(n, (int)size - 1);
}
