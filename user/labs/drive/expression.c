/* SPDX-License-Identifier: MIT
 *
 * Expressions in the text of a level.
 */
#include "reader.h"

#include <string.h>

static int new_node(enum node_op op, int value, int target, int left, int right)
{
	struct level *level = reader.level;

	if (level->node_count == MAX_NODES)
		read_fail("more than %d parts of expressions", MAX_NODES);
	if (reader.error[0])
		return 0;
	level->nodes[level->node_count] = (struct node){op, value, target, left, right};
	return level->node_count++;
}

/* A variable, or an element of an array; in a goal also A.r. */
int cell_read(void)
{
	int i = name_find(reader.word, reader.thread), index = -1;
	const struct name *name;

	if (reader.thread < 0 && reader.word[0] >= 'A' &&
	    reader.word[0] < 'A' + reader.level->thread_count && !reader.word[1]) {
		int thread = reader.word[0] - 'A';

		read_word();
		word_expect(".");
		i = name_find(reader.word, thread);
	}
	if (i < 0 || reader.level->names[i].kind > LOCAL) {
		read_fail("there is no variable '%s'", reader.word);
		return 0;
	}
	name = &reader.level->names[i];
	reader.accesses += name->kind == VARIABLE;
	read_word();
	if (name->count > 1) {
		word_expect("[");
		index = expression_read(1);
		word_expect("]");
	}
	return new_node(CELL, i, index, -1, -1);
}

/* cas(variable, old, new), add(variable, n), swap(variable, new), trylock(lock) */
static int atomic(enum node_op op)
{
	int target = -1, left = -1, right = -1, value = -1;

	if (reader.thread < 0)
		read_fail("a goal can only read");
	read_word();
	word_expect("(");
	if (op == TRYLOCK) {
		value = name_object(LOCK);
		left = reader.thread;
		reader.accesses++;
	} else {
		target = cell_read();
		if (!reader.error[0] &&
		    reader.level->names[reader.level->nodes[target].value].kind != VARIABLE)
			read_fail("atomic instructions are for shared variables");
		word_expect(",");
		left = expression_read(1);
		if (op == CAS) {
			word_expect(",");
			right = expression_read(1);
		}
	}
	word_expect(")");
	return new_node(op, value, target, left, right);
}

static int primary(void)
{
	static const struct {
		const char *text;
		enum node_op op;
	} words[] = {
	    {"critical", CRITICAL_COUNT}, {"ended", ENDED_COUNT}, {"stuck", STUCK}, {"over", OVER},
	    {"failed", FAILED},		  {"cas", CAS},		  {"add", ADD},	    {"swap", SWAP},
	    {"trylock", TRYLOCK}};
	int node;

	if (reader.error[0])
		return 0;
	if (reader.is_number)
		return new_node(NUMBER, word_number(0, 127), -1, -1, -1);
	if (word_accept("(")) {
		node = expression_read(1);
		word_expect(")");
		return node;
	}
	if (word_accept("!"))
		return new_node(NOT, 0, -1, primary(), -1);
	if (word_accept("-"))
		return new_node(NEGATIVE, 0, -1, primary(), -1);
	if (!reader.is_name) {
		read_fail("expected a value, found %s%s%s", *reader.word ? "'" : "",
			  *reader.word ? reader.word : "the end of the line",
			  *reader.word ? "'" : "");
		return 0;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!word_is(words[i].text))
			continue;
		if (words[i].op >= CAS)
			return atomic(words[i].op);
		if (reader.thread >= 0)
			read_fail("'%s' is for goals only", reader.word);
		read_word();
		return new_node(words[i].op, 0, -1, -1, -1);
	}
	if (word_is("me") && reader.thread >= 0) {
		read_word();
		return new_node(NUMBER, reader.thread, -1, -1, -1);
	}
	return cell_read();
}

/* An expression of operators that bind at least as tightly as `least`. */
int expression_read(int least)
{
	static const struct {
		const char *text;
		int binds;
		enum node_op op;
	} operators[] = {{"||", 1, OR},	 {"&&", 2, AND},     {"==", 3, EQUAL}, {"!=", 3, UNEQUAL},
			 {"<", 4, LESS}, {"<=", 4, AT_MOST}, {">", 4, MORE},   {">=", 4, AT_LEAST},
			 {"+", 5, PLUS}, {"-", 5, MINUS},    {"*", 6, TIMES},  {"%", 6, MODULO}};
	int left = primary();

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators);) {
		if (reader.error[0] || !word_is(operators[i].text) || operators[i].binds < least) {
			i++;
			continue;
		}
		read_word();
		left =
		    new_node(operators[i].op, 0, -1, left, expression_read(operators[i].binds + 1));
		i = 0;
	}
	return left;
}
