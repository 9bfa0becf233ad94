/* SPDX-License-Identifier: MIT
 *
 * The state of one exec() call.  exec.c finds the program and swaps the images; exec_stack.c copies
 * the arguments and builds the new stack.
 */
#pragma once

#include "kernel/lib/linker_set.h"
#include "kernel/proc/internal.h"

#define INTERPRETER_LINE  256 /* bytes of the line that names an interpreter */
#define INTERPRETER_DEPTH 4   /* an interpreter may be a script itself */

struct exec {
	struct file *file; /* the file to load: the program, or the interpreter of a script */
	const char *name;  /* path from the caller of exec() */

	char *strings;	       /* arguments, then environment; each string ends with NUL */
	size_t used, capacity; /* of `strings`, in bytes */
	u64 limit;	       /* maximum bytes of the strings and the pointers to them */
	u32 argc, envc;

	/* Words put before the arguments: the interpreter, its argument, and the script's path. */
	char lines[INTERPRETER_DEPTH][INTERPRETER_LINE];
	const char *prefix[2 * INTERPRETER_DEPTH + 1];
	u32 prefix_count;

	struct address_space *space;
	struct elf_image image;
	u64 stack_pointer;
	struct credentials credentials; /* with which the program will run */
	bool secure;			/* they are not those of the caller: AT_SECURE */
};

/* A file format that an interpreter runs, for example a script.  Extensions register them. */
struct exec_format {
	/* If e->file has this format, add the interpreter to e->prefix, set *path to its path and
	 * return 1.  Returns 0 if the file has another format, or an error.  `depth` is the number
	 * of interpreters found so far. */
	int (*interpreter)(struct exec *e, const char **path, u32 depth);
};
LINKER_SET(exec_formats, struct exec_format);

/* Copy the strings of `argv` and `envp` into e->strings.  -EFAULT, -E2BIG, -ENOMEM.  Sleeps. */
int exec_arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel);

/* Create an empty address space whose layout leaves room for the stack that RLIMIT_STACK of `p`
 * allows.  ERR_PTR(-ENOMEM). */
struct address_space *exec_space_create(struct process *p);

/* Build the initial stack of the program in e->space, and set e->stack_pointer.  To be called after
 * elf_load().  -ENOMEM.  Sleeps. */
int exec_stack_build(struct exec *e);
