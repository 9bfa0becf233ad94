/* host-sources: tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=1100 */
/* covered: tests/fuzz/script.c */
/* mutant: kernel/linux/script/script.c: line[0] != '#' || line[1] != '!' => line[0] == 1 */
/* SPDX-License-Identifier: MIT
 *
 * The first line of a script.  Interpreter and argument are terminated and inside of the line that
 * was read, at each depth, also if another process changes the file between two reads.
 *
 * The file's functions are static, so it is included here.
 */
#include "kernel/linux/script/script.c"

#include "tests/fuzz/fuzz.h"

struct thread *host_thread;

static struct input in;
static u8 how;

/* The first read gets the beginning; the second the same, or with bit 0 of `how` what follows. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 position)
{
	size_t got = MIN(n, input_left(&in));

	memcpy(buf, in.at, got);
	if (n == INTERPRETER_LINE)
		in.at += got;
	else if (how & 1)
		in.at += MIN(got, 4UL);
	return how & 0x40 && n == INTERPRETER_LINE ? -EIO : (ssize_t)got;
}

static bool in_line(const struct exec *e, u32 depth, const char *word)
{
	const char *line = e->lines[depth];

	return word >= line && word < line + INTERPRETER_LINE &&
	       memchr(word, 0, (size_t)(line + INTERPRETER_LINE - word));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct exec *e = malloc(sizeof(*e));
	const char *path = "/script";

	memset(e, 0, sizeof(*e));
	in = (struct input){data, data + size};
	how = input_byte(&in);
	for (u32 depth = 0; depth <= INTERPRETER_DEPTH; depth++) {
		u32 before = e->prefix_count;
		int result = script_format.interpreter(e, &path, depth);

		HOLDS(result <= 1 && e->prefix_count <= ARRAY_SIZE(e->prefix));
		if (result != 1)
			break;
		HOLDS(depth < INTERPRETER_DEPTH && e->prefix_count > before && *path);
		HOLDS(e->prefix[0] == path && in_line(e, depth, path));
		for (u32 i = 0; i < e->prefix_count - before - (depth == 0); i++)
			HOLDS(in_line(e, depth, e->prefix[i]));
	}
	free(e);
	return 0;
}
