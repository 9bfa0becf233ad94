/* SPDX-License-Identifier: MIT
 *
 * printf's formats (ISO C 7.21.6.1), without floating point.
 */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

struct output {
	char *buf;
	size_t size;
	size_t length; /* wanted so far, whether or not there was room */
};

struct spec {
	bool left, zero, plus, space, alternate;
	int width, precision; /* precision -1: none given */
	int length;	      /* -2 hh, -1 h, 0, 1 l, ll and z */
};

static void put(struct output *out, char c)
{
	if (out->length < out->size)
		out->buf[out->length] = c;
	out->length++;
}

static void pad(struct output *out, char c, int n)
{
	while (n-- > 0)
		put(out, c);
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
	size_t max = spec->precision < 0 ? INT32_MAX : (size_t)spec->precision;
	int n;

	if (!s)
		s = "(null)";
	n = (int)strnlen(s, max);
	if (!spec->left)
		pad(out, ' ', spec->width - n);
	for (int i = 0; i < n; i++)
		put(out, s[i]);
	if (spec->left)
		pad(out, ' ', spec->width - n);
}

static void put_number(struct output *out, const struct spec *spec, u64 v, unsigned base,
		       const char *prefix, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24]; /* 22 octal digits of 64 bits */
	int n = 0, zeros, blanks;

	for (; v; v /= base)
		text[n++] = digits[v % base];
	/* One digit at least, but none for a zero with precision 0. */
	zeros = (spec->precision < 0 ? 1 : spec->precision) - n;
	if (base == 8 && spec->alternate && zeros <= 0 && (n == 0 || text[n - 1] != '0'))
		zeros = 1;
	zeros = MAX(zeros, 0);
	blanks = spec->width - n - zeros - (int)strlen(prefix);
	if (spec->zero && !spec->left && spec->precision < 0 && blanks > 0) {
		zeros += blanks;
		blanks = 0;
	}
	if (!spec->left)
		pad(out, ' ', blanks);
	while (*prefix)
		put(out, *prefix++);
	pad(out, '0', zeros);
	while (n)
		put(out, text[--n]);
	if (spec->left)
		pad(out, ' ', blanks);
}

static const char *parse_flags(struct spec *spec, const char *fmt)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return fmt;
		}
	}
}

static const char *parse_length(struct spec *spec, const char *fmt)
{
	for (;; fmt++) {
		if (*fmt == 'h')
			spec->length--;
		else if (*fmt == 'l' || *fmt == 'z')
			spec->length = 1;
		else
			return fmt;
	}
}

static int parse_number(const char **fmt)
{
	int n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		if (n < 100000)
			n = n * 10 + (**fmt - '0');
	return n;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct output out = {buf, size, 0};

	for (; *fmt; fmt++) {
		struct spec spec = {.precision = -1};
		const char *prefix = "";
		u64 v;

		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		fmt = parse_flags(&spec, fmt + 1);
		if (*fmt == '*') {
			spec.width = va_arg(args, int);
			if (spec.width < 0) {
				spec.left = true;
				spec.width = -spec.width;
			}
			fmt++;
		} else {
			spec.width = parse_number(&fmt);
		}
		if (*fmt == '.') {
			fmt++;
			if (*fmt == '*') {
				spec.precision = va_arg(args, int);
				fmt++;
			} else {
				spec.precision = parse_number(&fmt);
			}
		}
		fmt = parse_length(&spec, fmt);

		switch (*fmt) {
		case 'd':
		case 'i':
			v = spec.length > 0 ? (u64)va_arg(args, long) : (u64)va_arg(args, int);
			if (spec.length == -1)
				v = (u64)(s16)v;
			else if (spec.length < -1)
				v = (u64)(s8)v;
			if ((s64)v < 0)
				prefix = "-";
			else if (spec.plus)
				prefix = "+";
			else if (spec.space)
				prefix = " ";
			put_number(&out, &spec, (s64)v < 0 ? -v : v, 10, prefix, false);
			break;
		case 'u':
		case 'o':
		case 'x':
		case 'X':
			v = spec.length > 0 ? va_arg(args, u64) : va_arg(args, u32);
			if (spec.length == -1)
				v = (u16)v;
			else if (spec.length < -1)
				v = (u8)v;
			if (spec.alternate && v && *fmt == 'x')
				prefix = "0x";
			else if (spec.alternate && v && *fmt == 'X')
				prefix = "0X";
			put_number(&out, &spec, v,
				   *fmt == 'u'	 ? 10
				   : *fmt == 'o' ? 8
						 : 16,
				   prefix, *fmt == 'X');
			break;
		case 'p':
			put_number(&out, &spec, (u64)va_arg(args, void *), 16, "0x", false);
			break;
		case 'c':
			v = (u8)va_arg(args, int);
			if (!spec.left)
				pad(&out, ' ', spec.width - 1);
			put(&out, (char)v);
			if (spec.left)
				pad(&out, ' ', spec.width - 1);
			break;
		case 's':
			put_string(&out, &spec, va_arg(args, const char *));
			break;
		case '%':
			put(&out, '%');
			break;
		case '\0': /* a lone % at the end */
			fmt--;
			break;
		default: /* unknown: shown as it stands, so that somebody sees it */
			put(&out, '%');
			put(&out, *fmt);
		}
	}
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
