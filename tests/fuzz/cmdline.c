/* host-sources: boot/cmdline.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* fuzz-flags: -max_len=2200 */
/* mutant: boot/cmdline.c: if (*from != '"' && n + 1 < size) => if (*from != '"' && n < size) */
/* SPDX-License-Identifier: MIT
 *
 * The kernel's command line, compared with a simple reader: the words and their values, those for
 * init, and that no value is longer than its place.
 */
#include "boot/cmdline.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 1200

static char words[WORDS_MAX][2048]; /* without quotes */
static bool named[WORDS_MAX];	    /* see has_name() */
static u32 count, init_from;	    /* the words before `init_from` are the kernel's */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Is the name, up to "=" or the end, without quotes but for one before it and one at the word's
 * end? */
static bool has_name(const char *start, const char *end)
{
	for (const char *p = start; p < end && *p != '='; p++)
		if (*p == '"' && p != start && p + 1 != end)
			return false;
	return true;
}

static void read_words(const char *p)
{
	count = init_from = 0;
	for (;;) {
		const char *start;
		bool quoted = false;
		u32 n = 0;

		while (is_blank(*p))
			p++;
		if (!*p)
			break;
		for (start = p; *p && (quoted || !is_blank(*p)); p++)
			if (*p == '"')
				quoted = !quoted;
			else
				words[count][n++] = *p;
		words[count][n] = 0;
		named[count] = has_name(start, p);
		if (!init_from && p - start == 2 && !memcmp(start, "--", 2))
			init_from = count + 1; /* "--" itself is no word of init's */
		count++;
	}
	if (!init_from)
		init_from = count + 1;
}

/* The value of `name` in a word, or NULL. */
static const char *value_in(const char *word, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(word, name, n) || (word[n] && word[n] != '='))
		return NULL;
	return word + n + (word[n] == '=');
}

static void check_name(const char *name, size_t room)
{
	u32 nth = 0;

	for (u32 i = 0; i + 1 < init_from; i++) {
		const char *wanted = named[i] ? value_in(words[i], name) : NULL;
		char *value = malloc(room);

		if (wanted) {
			HOLDS(cmdline_get_nth(name, nth++, value, room));
			HOLDS(strlen(value) == MIN(strlen(wanted), room - 1));
			HOLDS(!memcmp(value, wanted, strlen(value)));
		}
		free(value);
	}
	HOLDS(!cmdline_get_nth(name, nth, (char[8]){0}, 8));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *line = malloc(size + 1), name[64];
	const char *found[32];
	u32 n;

	for (size_t i = 0; i < size; i++)
		line[i] = (char)data[i];
	line[size] = 0;
	cmdline_init(line);
	HOLDS(strlen(cmdline_text()) == MIN(strlen(line), 2047UL));
	HOLDS(!memcmp(cmdline_text(), line, strlen(cmdline_text())));
	free(line);
	read_words(cmdline_text());
	n = cmdline_init_words(found, ARRAY_SIZE(found));
	HOLDS(n == MIN(count > init_from ? count - init_from : 0, (u32)ARRAY_SIZE(found)));
	for (u32 i = 0; i < n; i++)
		HOLDS(!strcmp(found[i], words[init_from + i]));
	for (u32 i = 0; i < MIN(count, 8U); i++) {
		size_t length = 0;

		while (words[i][length] && words[i][length] != '=' && length < 63)
			length++;
		memcpy(name, words[i], length);
		name[length] = 0;
		if (length && named[i])
			check_name(name, 1 + size % 40);
	}
	return 0;
}
