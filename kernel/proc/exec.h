/* SPDX-License-Identifier: MIT
 *
 * exec in the making: between exec.c, which finds the program and exchanges the images, and
 * exec_stack.c, which carries the arguments over.
 */
#pragma once

#include "kernel/proc/internal.h"

#define SCRIPT_LINE  256
#define SCRIPT_DEPTH 4

/* Strings, one after the other with their NULs, in pieces of a page. */
struct piece {
	struct piece *next;
	u64 used;
	char data[PAGE_SIZE - 16];
};

struct exec {
	struct file *file; /* what is loaded: the program, or the script's interpreter */
	const char *name;  /* as the caller gave it */

	struct piece *first, *last;
	u64 bytes, limit; /* of all strings; `limit` counts their pointers as well */
	u32 argc, envc;	  /* in the pieces */
	u64 argv0_bytes;  /* left out where a script's prefix takes its place */

	char lines[SCRIPT_DEPTH][SCRIPT_LINE];
	const char *prefix[2 * SCRIPT_DEPTH + 1]; /* interpreter, its argument, script */
	u32 prefix_count;

	struct address_space *space;
	struct elf_image image;
	u64 stack_pointer;
	struct signal_handlers *handlers;
	struct file_table *files; /* a copy, where another process shares ours; else NULL */
};

/* argv and envp into the pieces.  -EFAULT, -E2BIG, -ENOMEM. */
int exec_arguments_copy(struct exec *e, u64 argv, u64 envp, bool from_kernel);

/* An address space for the program, with the limits of `p`.  ERR_PTR. */
struct address_space *exec_space_create(struct process *p);

/* The stack that the program starts with, in e->space, after elf_load(). */
int exec_stack_build(struct exec *e);
