/* SPDX-License-Identifier: MIT
 *
 * The kernel's command line.
 */
#include "boot/cmdline.h"
#include "kernel/lib/string.h"

static char text[2048];
static const char *init_arguments = "";

/* One word, with its quotes. */
struct word {
	const char *start, *end;
};

/* Find the next word from *at on, and advance *at past it.  False at the end of the line. */
static bool word_next(const char **at, struct word *w)
{
	const char *p = *at;
	bool quoted = false;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	w->start = p;
	for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++)
		if (*p == '"')
			quoted = !quoted;
	w->end = p;
	*at = p;
	return p != w->start;
}

static bool is_separator(const struct word *w)
{
	return w->end - w->start == 2 && w->start[0] == '-' && w->start[1] == '-';
}

void cmdline_init(const char *line)
{
	const char *at = text;
	struct word w;

	strscpy(text, line, sizeof(text));
	init_arguments = "";
	while (word_next(&at, &w)) {
		if (is_separator(&w)) {
			init_arguments = at + (*at != '\0');
			return;
		}
	}
}

const char *cmdline_text(void)
{
	return text;
}

/* If the word `w` is `name=value`, returns where the value begins; if it is `name`, its end; else
 * NULL. */
static const char *word_value(const struct word *w, const char *name)
{
	const char *p = w->start + (*w->start == '"');
	size_t n = strlen(name);

	if ((size_t)(w->end - p) < n || memcmp(p, name, n))
		return NULL;
	p += n;
	if (p < w->end && *p == '=')
		return p + 1;
	return p == w->end || (*p == '"' && p + 1 == w->end) ? w->end : NULL;
}

/* Copy [from, end) without its quotes, and add a NUL.  Returns the length with the NUL. */
static size_t unquote(char *to, size_t size, const char *from, const char *end)
{
	size_t n = 0;

	for (; from < end; from++)
		if (*from != '"' && n + 1 < size)
			to[n++] = *from;
	if (size)
		to[n] = '\0';
	return n + 1;
}

bool cmdline_get_nth(const char *name, unsigned index, char *value, size_t size)
{
	const char *at = text;
	struct word w;

	while (word_next(&at, &w) && !is_separator(&w)) {
		const char *p = word_value(&w, name);

		if (!p || index--)
			continue;
		unquote(value, size, p, w.end);
		return true;
	}
	return false;
}

u32 cmdline_init_words(const char **words, u32 max)
{
	static char copy[sizeof(text)];
	const char *at = init_arguments;
	struct word w;
	size_t used = 0;
	u32 n = 0;

	while (n < max && word_next(&at, &w)) {
		words[n++] = copy + used;
		used += unquote(copy + used, sizeof(copy) - used, w.start, w.end);
	}
	return n;
}

bool cmdline_get(const char *name, char *value, size_t size)
{
	unsigned n = 0;

	while (cmdline_get_nth(name, n, value, size))
		n++;
	return n != 0;
}

u64 cmdline_get_u64(const char *name, u64 otherwise)
{
	char value[32];
	u64 number;

	if (!cmdline_get(name, value, sizeof(value)) || parse_u64(value, 0, &number))
		return otherwise;
	return number;
}
