/* SPDX-License-Identifier: MIT
 *
 * The lines of a thread in the text of a level.
 */
#include "reader.h"

#include <string.h>

static struct block {
	enum line_op op; /* IF, ELSE or WHILE */
	int line;
} open_blocks[MAX_LINES];
int open_count;

static int condition(void)
{
	int node;

	word_expect("(");
	node = expression_read(1);
	word_expect(")");
	return node;
}

/* After `if (...)` or `while (...)`. */
static void open_block(struct line *line, int index, bool loop)
{
	if (!loop && word_accept("break")) {
		line->op = BREAK_IF;
	} else if (!loop && word_accept("return")) {
		line->op = RETURN_IF;
	} else if (word_accept("{")) {
		line->op = loop ? WHILE : IF;
		if (loop && word_accept("}")) {
			line->op = SPIN;
			return;
		}
		open_blocks[open_count++] = (struct block){line->op, index};
	} else {
		read_fail(loop ? "expected '{' or '{}' after while (...)"
			       : "expected '{', 'break' or 'return' after if (...)");
	}
}

/* `}` and `} else {` */
static void close_block(struct thread *thread, struct line *line, int index)
{
	struct block block;

	if (!open_count) {
		read_fail("this '}' closes nothing");
		return;
	}
	block = open_blocks[--open_count];
	line->op = CLOSE;
	line->to = index + 1;
	if (word_accept("else")) {
		word_expect("{");
		if (block.op != IF)
			read_fail("else without if");
		line->op = ELSE;
		open_blocks[open_count++] = (struct block){ELSE, index};
	}
	thread->lines[block.line].to = block.op == ELSE ? index : index + 1;
	if (block.op != WHILE)
		return;
	line->to = block.line;
	for (int i = block.line; i < index; i++)
		if ((thread->lines[i].op == BREAK || thread->lines[i].op == BREAK_IF) &&
		    thread->lines[i].to < 0)
			thread->lines[i].to = index + 1;
}

static bool is_in_loop(void)
{
	for (int i = 0; i < open_count; i++)
		if (open_blocks[i].op == WHILE)
			return true;
	return false;
}

/* lock(m), assert(x == 1), ...  Returns false if the line is no such call. */
static bool call(struct line *line)
{
	static const struct {
		const char *text;
		enum line_op op;
		int kind; /* of its argument, -1: none, -2: an expression */
	} calls[] = {{"lock", LOCK_, LOCK},
		     {"unlock", UNLOCK, LOCK},
		     {"wait", WAIT, CONDITION},
		     {"signal", SIGNAL, CONDITION},
		     {"broadcast", BROADCAST, CONDITION},
		     {"sem_wait", SEM_WAIT, SEMAPHORE},
		     {"sem_post", SEM_POST, SEMAPHORE},
		     {"barrier_wait", BARRIER_WAIT, BARRIER},
		     {"read_lock", READ_LOCK, RWLOCK},
		     {"read_unlock", READ_UNLOCK, RWLOCK},
		     {"write_lock", WRITE_LOCK, RWLOCK},
		     {"write_unlock", WRITE_UNLOCK, RWLOCK},
		     {"critical", CRITICAL, -1},
		     {"work", WORK, -1},
		     {"assert", ASSERT, -2}};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (!word_accept(calls[i].text))
			continue;
		line->op = calls[i].op;
		word_expect("(");
		if (calls[i].kind >= 0)
			line->target = name_object(calls[i].kind);
		if (line->op == WAIT && word_accept(","))
			line->second = name_object(LOCK);
		if (calls[i].kind == -2)
			line->expr = expression_read(1);
		word_expect(")");
		return true;
	}
	return false;
}

int indent_of(const char *line)
{
	int columns = 0;

	for (; *line == ' ' || *line == '\t'; line++)
		columns += *line == ' ' ? 1 : 4 - columns % 4;
	return columns;
}

void statement_read(struct thread *thread)
{
	int index = thread->count;
	struct line *line = &thread->lines[index];

	if (index == MAX_LINES) {
		read_fail("more than %d lines in a thread", MAX_LINES);
		return;
	}
	*line = (struct line){.op = WORK, .target = -1, .second = -1, .expr = -1, .to = -1};
	line->indent = indent_of(reader.line);
	line->text = reader.line + strspn(reader.line, " \t");
	line->length = reader.end - line->text;
	reader.accesses = 0;
	if (word_accept("if") || word_is("while")) {
		bool loop = word_accept("while");

		line->expr = condition();
		open_block(line, index, loop);
	} else if (word_accept("}")) {
		close_block(thread, line, index);
	} else if (word_accept("break")) {
		line->op = BREAK;
	} else if (word_accept("return")) {
		line->op = RETURN;
	} else if (word_is("cas") || word_is("add") || word_is("swap")) {
		line->op = EVALUATE;
		line->expr = expression_read(1);
	} else if (!call(line)) {
		line->op = ASSIGN;
		line->target = cell_read();
		word_expect("=");
		line->expr = expression_read(1);
	}
	word_none();
	if ((line->op == BREAK || line->op == BREAK_IF) && !is_in_loop())
		read_fail("break outside of a loop");
	if (reader.accesses > 1)
		read_fail(
		    "this line uses shared memory %d times; a line is one step, and may use it "
		    "once",
		    reader.accesses);
	thread->count++;
}
