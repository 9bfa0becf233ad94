/* SPDX-License-Identifier: MIT
 *
 * Prints a schedule step by step: who, what, where in the source, and the line itself.  addr2line
 * and nm know the places and the names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/explore/engine.h"

#define SHOWN_MAX 4000
#define TEXT	  120

static struct shown {
	u32 actor, op;
	bool visible; /* a store that becomes visible */
	u64 pc, address, size, value;
} shown[SHOWN_MAX];
static u32 count;

static const char *const words[] = {"begins",	   "reads", "writes", "locked:",       "waits for",
				    "waits while", "halts", "ends",   "is interrupted"};

void show_begin(void)
{
	count = 0;
}

static void add(struct shown s)
{
	if (count < SHOWN_MAX)
		shown[count++] = s;
}

void show_step(u32 number, u32 op, u64 pc, u64 address, u64 size, u64 value)
{
	add((struct shown){number, op, false, pc, address, size, value});
}

void show_drain(u32 number)
{
	const struct store *s = &engine->actor[number].buffer[0];

	add((struct shown){number, OP_STORE, true, engine->notes[number].buffer_pc[0], s->address,
			   s->size, s->value});
}

static FILE *command(const char *program, bool addresses)
{
	size_t size = 64 + count * 20UL;
	char *line = malloc(size), *p = line;
	FILE *f;

	p += sprintf(p, "%s /proc/%d/exe", program, getpid());
	for (u32 i = 0; addresses && i < count; i++)
		p += sprintf(p, " %lx", shown[i].pc - 1);
	f = popen(line, "r");
	free(line);
	return f;
}

static struct symbol {
	u64 start, size;
	char name[64];
} symbols[4000];
static u32 symbol_count;

static void symbols_read(void)
{
	char line[256];
	FILE *f = command("nm -S", false);
	struct symbol *s = symbols;

	while (f && s < symbols + ARRAY_SIZE(symbols) && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %lx %*c %63s", &s->start, &s->size, s->name) == 3)
			s++;
	symbol_count = (u32)(s - symbols);
	if (f)
		pclose(f);
}

/* The variable that contains the address, or whose stack it is. */
static void name_of(u64 address, char *name)
{
	u64 i = (address - STACK_BASE) / STACK_SPACE;

	sprintf(name, "%#lx", address);
	if (address >= STACK_BASE && i < STACKS) {
		sprintf(name, "stack of %s-%lu",
			i < engine->actors ? engine->scenario->actor[i].name : "a thread",
			STACK_BASE + i * STACK_SPACE + STACK_SIZE - address);
		return;
	}
	for (const struct symbol *s = symbols; s < symbols + symbol_count; s++)
		if (address - s->start < s->size)
			snprintf(name, TEXT, address > s->start ? "%s+%lu" : "%s", s->name,
				 address - s->start);
}

/* Line `wanted` of a file, without what indents it. */
static void source_line(const char *file, int wanted, char *text)
{
	char line[256] = "";
	FILE *f = fopen(file, "r");

	*text = 0;
	for (int i = 0; f && i < wanted && fgets(line, sizeof(line), f); i++)
		;
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = 0;
	snprintf(text, TEXT, "%s", line + strspn(line, "\t "));
}

void show_end(void)
{
	FILE *places;

	for (u32 i = 0; i < engine->actors; i++)
		show_step(i, engine->actor[i].op, engine->notes[i].pc, engine->actor[i].address,
			  engine->actor[i].size, engine->actor[i].value);
	symbols_read();
	places = command("addr2line -e", true);
	for (u32 i = 0; i < count; i++) {
		const struct shown *s = &shown[i];
		char place[256] = "?", name[256] = "", source[TEXT], *colon;
		bool last = i + engine->actors >= count;
		int line;

		if (!places || !fgets(place, sizeof(place), places))
			place[0] = 0;
		colon = strchr(place, ':');
		line = colon ? atoi(colon + 1) : 0;
		if (colon)
			*colon = 0;
		source_line(place, line, source);
		if (s->size)
			name_of(s->address, name);
		if (i + engine->actors == count)
			printf("#   where each actor is now:\n");
		printf("# %4u  %-9s %s:%d: %s\n", i + 1, engine->scenario->actor[s->actor].name,
		       strrchr(place, '/') ? strrchr(place, '/') + 1 : place, line, source);
		if (s->visible)
			printf("#                   (the store to %s becomes visible: %#lx)\n",
			       name, s->value);
		else if (s->size && last && s->op <= OP_LOCKED)
			printf("#                   next: %s %s\n", words[s->op], name);
		else if (s->size)
			printf("#                   %s %s%s%#lx\n", words[s->op], name,
			       s->op == OP_LOCKED ? " was " : " = ", s->value);
		else
			printf("#                   %s\n",
			       s->op == OP_LOCKED ? "barrier" : words[s->op]);
	}
	if (places)
		pclose(places);
}
