/* SPDX-License-Identifier: MIT
 *
 * The parts of the explorer.  explore.c chooses who runs; memory.c has the state, with the stores
 * that are not visible yet; calls.c is called at each access of memory; show.c prints a schedule.
 *
 * A step of an actor is one access to memory that several actors share, and what it does until the
 * next such access.  A store of an actor goes into a buffer first, from which it comes into memory
 * in a step of its own (SDM 3A 8.2.3); a locked instruction waits until the buffer is empty.
 */
#pragma once

#include "tests/unit/explore/explore.h"

#define BUFFER	    12 /* stores that an actor may have under way */
#define STACK_BASE  0x100000000UL
#define STACK_SPACE 0x100000UL /* addresses for each stack */
#define STACK_SIZE  0x8000UL
#define NOBODY	    ACTORS

enum op {
	OP_BEGIN,
	OP_LOAD,
	OP_STORE,
	OP_LOCKED, /* a locked instruction or a barrier: the buffer must be empty */
	OP_AWAIT,  /* until the bytes are `value` */
	OP_RELAX,  /* until the bytes are not `value` */
	OP_HALT,   /* until an interrupt */
	OP_END,
	OP_INTERRUPT, /* printed only */
};

struct store {
	u64 address, value, size;
};

/* An actor between two steps.  The registers lie on its stack. */
struct actor {
	u64 sp, stack;
	u32 op, stores;		  /* what it does next; how many stores are under way */
	u64 address, size, value; /* of that */
	u64 held;		  /* spinlocks that it holds: a bit for each */
	u64 gone, gone_size;	  /* bytes that it has freed */
	struct store buffer[BUFFER];
};

/* The rest does not belong to the state, but goes with it. */
struct actor_notes {
	u64 pc, buffer_pc[BUFFER];
	struct store last; /* what it read last */
};

/* A stack.  The place below `sp` is free. */
struct stack {
	u64 sp, parked; /* parked: no actor uses it */
};

struct engine {
	u64 unused[8]; /* copies of the pointer lie on the stacks: a scenario's wrong pointer may
			  lead here */
	const struct scenario *scenario;
	u32 actors, running,
	    buffers; /* how many; which one, or NOBODY; stores that may wait, 0: none */
	struct actor actor[ACTORS];
	struct actor_notes notes[ACTORS];
	struct stack stack[STACKS];
	u32 stacks, pretended;
	bool interrupted; /* this step is an interrupt */
	u64 main_sp;
	bool storing;		       /* the access of this step is a store that waits */
	bool changed, failed, tracing; /* a byte was found to be shared; a property does not hold */
	char failure[512];
};
extern struct engine *const engine;

/* Bytes of `n` at most 8. */
u64 memory_read(u64 address, u64 n);
void memory_write(u64 address, u64 value, u64 n);

/* --- memory.c --------------------------------------------------------------------------------- */

void memory_init(void);

/* The state as it is now becomes that in which all explorations begin. */
void memory_begin(void);

/* Copy the state, and put it back.  The size of a copy changes with the state. */
size_t memory_size(void);
void memory_save(void *to);
void memory_restore(const void *from);

u64 memory_hash(void);

/* An actor accesses these bytes.  Returns whether others may notice, or may have written them. */
bool memory_note(u64 address, u64 size, bool write);
bool memory_is_state(u64 address);
u32 memory_stack_of(u64 address); /* STACKS: none */
void memory_ignore(u64 address, u64 size);
void memory_lock_taken(u64 lock);
void memory_lock_freed(u64 lock);

/* The actor sees its own stores: before it runs, and after. */
void buffer_show(struct actor *a);
void buffer_hide(struct actor *a);
void buffer_drain(struct actor *a); /* the oldest becomes visible to all */

/* --- calls.c ---------------------------------------------------------------------------------- */

/* Let the actor run to its next access. */
void actor_step(u32 number, bool interrupt);
void actor_prepare(u32 number, void (*body)(void));

/* --- show.c ----------------------------------------------------------------------------------- */

/* A schedule is collected step by step, and printed at the end.  `value`: what was read or written,
 * or for a locked instruction what was there before. */
void show_begin(void);
void show_step(u32 number, u32 op, u64 pc, u64 address, u64 size, u64 value);
void show_drain(u32 number); /* before it is done */
void show_end(void);
