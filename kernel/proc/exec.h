/* SPDX-License-Identifier: MIT
 *
 * exec in the making: between exec.c, which finds the program and exchanges the images, and
 * exec_stack.c, which carries the arguments over.
 */
#pragma once

#include "kernel/lib/linker_set.h"
#include "kernel/proc/internal.h"

#define INTERPRETER_LINE  256 /* bytes of the line that names an interpreter */
#define INTERPRETER_DEPTH 4   /* an interpreter may be a script itself */

struct exec {
	struct file *file; /* what is loaded: the program, or its interpreter */
	const char *name;  /* as the caller gave it */

	char *strings;	       /* arguments, then environment, each with its NUL */
	size_t used, capacity; /* bytes of it */
	u64 limit;	       /* of these, counting their pointers as well */
	u32 argc, envc;

	/* Words that come before the arguments: the interpreter, its argument, the script. */
	char lines[INTERPRETER_DEPTH][INTERPRETER_LINE];
	const char *prefix[2 * INTERPRETER_DEPTH + 1];
	u32 prefix_count;

	struct address_space *space;
	struct elf_image image;
	u64 stack_pointer;
};

/* A format of programs that an interpreter runs; an extension adds one. */
struct exec_format {
	/* If e->file has this format: put the interpreter before the arguments, its path into *path,
	 * and return 1.  0: it has another format; or an error.  `depth`: how many files of this or
	 * another format led here. */
	int (*interpreter)(struct exec *e, const char **path, u32 depth);
};
LINKER_SET(exec_formats, struct exec_format);

/* argv and envp into the pieces.  -EFAULT, -E2BIG, -ENOMEM. */
int exec_arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel);

/* An empty address space whose layout leaves room for the stack that RLIMIT_STACK of `p` allows.
 * ERR_PTR(-ENOMEM). */
struct address_space *exec_space_create(struct process *p);

/* The stack that the program starts with, in e->space, after elf_load(). */
int exec_stack_build(struct exec *e);
