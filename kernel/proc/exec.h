/* SPDX-License-Identifier: MIT
 *
 * exec in the making: between exec.c, which finds the program and exchanges the images, and
 * exec_stack.c, which carries the arguments over.
 */
#pragma once

#include "kernel/proc/internal.h"

#define SCRIPT_LINE  256
#define SCRIPT_DEPTH 4

struct exec {
	struct file *file; /* what is loaded: the program, or the script's interpreter */
	const char *name;  /* as the caller gave it */

	char *strings;	       /* arguments, then environment, each with its NUL */
	size_t used, capacity; /* bytes of it */
	u64 limit;	       /* of these, counting their pointers as well */
	u32 argc, envc;

	char lines[SCRIPT_DEPTH][SCRIPT_LINE];
	const char *prefix[2 * SCRIPT_DEPTH + 1]; /* interpreter, its argument, script */
	u32 prefix_count;

	struct address_space *space;
	struct elf_image image;
	u64 stack_pointer;
};

/* argv and envp into the pieces.  -EFAULT, -E2BIG, -ENOMEM. */
int exec_arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel);

/* An empty address space whose layout leaves room for the stack that RLIMIT_STACK of `p` allows.
 * ERR_PTR(-ENOMEM). */
struct address_space *exec_space_create(struct process *p);

/* The stack that the program starts with, in e->space, after elf_load(). */
int exec_stack_build(struct exec *e);
