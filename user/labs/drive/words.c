/* SPDX-License-Identifier: MIT
 *
 * Words and names in the text of a level.
 */
#include "reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader reader;

void read_fail(const char *format, ...)
{
	va_list args;
	int n;

	if (reader.error[0])
		return;
	n = snprintf(reader.error, sizeof(reader.error), "%s:%d: ", reader.file, reader.number);
	va_start(args, format);
	vsnprintf(reader.error + n, sizeof(reader.error) - n, format, args);
	va_end(args);
}

void read_word(void)
{
	static const char *const pairs[] = {"||", "&&", "==", "!=", "<=", ">="};
	int length = 1;

	while (reader.at < reader.end && (*reader.at == ' ' || *reader.at == '\t'))
		reader.at++;
	reader.is_name =
	    reader.at < reader.end && (isalpha((unsigned char)*reader.at) || *reader.at == '_');
	reader.is_number = reader.at < reader.end && isdigit((unsigned char)*reader.at);
	if (reader.at == reader.end)
		length = 0;
	else if (reader.is_name || reader.is_number)
		while (reader.at + length < reader.end &&
		       (isalnum((unsigned char)reader.at[length]) || reader.at[length] == '_'))
			length++;
	else if ((unsigned char)*reader.at >= 0x80) /* a character of UTF-8 */
		while (reader.at + length < reader.end && (reader.at[length] & 0xC0) == 0x80)
			length++;
	else
		for (int i = 0; i < 6; i++)
			if (reader.end - reader.at >= 2 && strncmp(reader.at, pairs[i], 2) == 0)
				length = 2;
	if (length >= (int)sizeof(reader.word)) {
		read_fail("a word of more than %d letters", (int)sizeof(reader.word) - 1);
		reader.at = reader.end;
		length = 0;
	}
	snprintf(reader.word, sizeof(reader.word), "%.*s", length, reader.at);
	reader.at += length;
}

bool word_is(const char *token)
{
	return strcmp(reader.word, token) == 0;
}

bool word_accept(const char *token)
{
	if (!word_is(token))
		return false;
	read_word();
	return true;
}

void word_expect(const char *token)
{
	if (!word_accept(token))
		read_fail("expected '%s', found %s%s%s", token, *reader.word ? "'" : "",
			  *reader.word ? reader.word : "the end of the line",
			  *reader.word ? "'" : "");
}

void word_none(void)
{
	if (*reader.word)
		read_fail("'%s' is too much on this line", reader.word);
}

int word_number(int least, int most)
{
	bool negative = word_accept("-");
	int value = reader.is_number ? atoi(reader.word) : 0;

	if (!reader.is_number || strlen(reader.word) > 4 ||
	    strspn(reader.word, "0123456789") < strlen(reader.word))
		read_fail("expected a number, found '%s'", reader.word);
	read_word();
	value = negative ? -value : value;
	if (value < least || value > most)
		read_fail("%d is not between %d and %d", value, least, most);
	return value;
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {"variable",  "local variable", "lock",	 "condition",
					 "semaphore", "barrier",	"rwlock"};

int name_find(const char *text, int thread)
{
	for (int i = 0; i < reader.level->name_count; i++)
		if (strcmp(reader.level->names[i].text, text) == 0 &&
		    (reader.level->names[i].thread == -1 ||
		     reader.level->names[i].thread == thread))
			return i;
	return -1;
}

static bool is_reserved(const char *text)
{
	static const char *const words[] = {
	    "me",   "critical", "ended", "stuck",  "over",  "failed",  "if",
	    "else", "while",	"break", "return", "local", "thread",  "level",
	    "var",  "lock",	"cas",	 "add",	   "swap",  "trylock", "for_ever"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Adds a name for the token; `thread` is -1 for what all threads share. */
struct name *name_new(enum kind kind, int thread, int cells)
{
	struct level *level = reader.level;
	static struct name none;
	struct name *name = &level->names[level->name_count];

	if (!reader.is_name)
		read_fail("expected a name, found '%s'", reader.word);
	else if (strlen(reader.word) > NAME_LENGTH)
		read_fail("the name '%s' has more than %d letters", reader.word, NAME_LENGTH);
	else if (is_reserved(reader.word))
		read_fail("'%s' is a word of the language", reader.word);
	else if (name_find(reader.word, thread) >= 0)
		read_fail("there is a '%s' already", reader.word);
	else if (level->name_count == MAX_NAMES)
		read_fail("more than %d names", MAX_NAMES);
	else if (level->cell_count + cells > MAX_CELLS)
		read_fail("more than %d values in memory", MAX_CELLS);
	if (reader.error[0])
		return &none;
	level->name_count++;
	*name = (struct name){
	    .kind = kind, .thread = thread, .cell = level->cell_count, .count = cells};
	strcpy(name->text, reader.word);
	level->cell_count += cells;
	read_word();
	return name;
}

/* The index of the object that the token names. */
int name_object(enum kind kind)
{
	int i = name_find(reader.word, reader.thread);

	if (i < 0 || reader.level->names[i].kind != kind) {
		read_fail("there is no %s '%s'", kind_names[kind], reader.word);
		i = -1;
	}
	read_word();
	return i;
}
