/* SPDX-License-Identifier: MIT
 *
 * Scripts: a program that begins with `#!` is run by the interpreter that its first line names
 * (execve(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/exec.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* `line` holds the first `n` bytes of the file: "#!", blanks, the interpreter, blanks, and one
 * argument, which is the rest of the line.  Both are terminated in place; *argument is NULL if
 * there is none.  0 or -ENOEXEC. */
static int script_parse(char *line, size_t n, char **interpreter, char **argument)
{
	char *end = memchr(line, '\n', n), *p = line + 2;

	if (line[0] != '#' || line[1] != '!') /* the file has changed since it was chosen */
		return -ENOEXEC;
	if (!end) {
		end = line + MIN(n, INTERPRETER_LINE - 1UL);
		/* A name that is cut off would name another file. */
		while (p < end && is_blank(*p))
			p++;
		while (p < end && !is_blank(*p))
			p++;
		if (n == INTERPRETER_LINE && p == end)
			return -ENOEXEC;
		p = line + 2;
	}
	while (end > p && is_blank(end[-1]))
		end--;
	*end = '\0';
	while (is_blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	*interpreter = p;
	*argument = NULL;
	while (*p && !is_blank(*p))
		p++;
	if (*p) {
		*p++ = '\0';
		while (is_blank(*p))
			p++;
		*argument = p;
	}
	return 0;
}

static void prefix_push(struct exec *e, const char *word)
{
	memmove(e->prefix + 1, e->prefix, e->prefix_count * sizeof(e->prefix[0]));
	e->prefix[0] = word;
	e->prefix_count++;
}

static int script_interpreter(struct exec *e, const char **path, u32 depth)
{
	char head[4], *interpreter, *argument;
	ssize_t n = file_read_kernel(e->file, head, sizeof(head), 0);
	int error;

	if (n < 0)
		return (int)n;
	if (n < 2 || head[0] != '#' || head[1] != '!')
		return 0;
	if (depth == INTERPRETER_DEPTH)
		return -ELOOP;
	n = file_read_kernel(e->file, e->lines[depth], INTERPRETER_LINE, 0);
	error =
	    n < 2 ? -ENOEXEC : script_parse(e->lines[depth], (size_t)n, &interpreter, &argument);
	if (error)
		return error;
	/* At a greater depth the prefix has this script already, as an interpreter. */
	if (depth == 0)
		prefix_push(e, *path);
	if (argument)
		prefix_push(e, argument);
	prefix_push(e, interpreter);
	*path = interpreter;
	return 1;
}

static const struct exec_format LINKER_SET_ENTRY(exec_formats, struct exec_format) script_format = {
    script_interpreter};
