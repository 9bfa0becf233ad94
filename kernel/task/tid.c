/* SPDX-License-Identifier: MIT
 *
 * Thread numbers: a bitmap in chunks, which are allocated when they are first needed.
 */
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/thread.h"

#define CHUNK_BITS  32768
#define CHUNK_WORDS (CHUNK_BITS / 64)

DEFINE_SPINLOCK(tid_lock); /* irq; guards all below */
static u64 *chunks[TID_MAX / CHUNK_BITS];
static u32 chunk_count, used;
u32 tid_last;

/* The first clear bit of the chunk at or after `from`, or CHUNK_BITS if there is none. */
static u32 first_clear(const u64 *chunk, u32 from)
{
	for (u32 w = from / 64; w < CHUNK_WORDS; w++) {
		u64 free = ~chunk[w];

		if (w == from / 64)
			free &= ~0UL << from % 64;
		if (free)
			return w * 64 + (u32)__builtin_ctzl(free);
	}
	return CHUNK_BITS;
}

/* Allocate one more chunk if three quarters of the present ones are used.  So a number is not used
 * again soon, and a machine with few threads needs few chunks.  0 or -EAGAIN.  May sleep. */
static int make_room(void)
{
	u32 count = READ_ONCE(chunk_count);
	u64 *chunk, flags;

	if (READ_ONCE(used) < count * (CHUNK_BITS / 4 * 3) || count == ARRAY_SIZE(chunks))
		return 0;
	chunk = kzalloc(CHUNK_BITS / 8);
	if (!chunk)
		return -EAGAIN;
	flags = spin_lock_irq(&tid_lock);
	if (chunk_count == 0)
		chunk[0] = 3; /* 0 is for idle threads and 1 for init: never allocated */
	if (chunk_count < ARRAY_SIZE(chunks)) {
		chunks[chunk_count++] = chunk;
		chunk = NULL;
	}
	spin_unlock_irq(&tid_lock, flags);
	kfree(chunk);
	return 0;
}

tid_t tid_alloc(void)
{
	tid_t tid = -EAGAIN;
	u32 from, bit;
	u64 flags;

	if (make_room() < 0)
		return -EAGAIN;
	flags = spin_lock_irq(&tid_lock);
	from = tid_last + 1;
	for (u32 tries = 0; tries <= chunk_count; tries++) {
		u32 c = from / CHUNK_BITS % chunk_count;

		bit = first_clear(chunks[c], from % CHUNK_BITS);
		if (bit < CHUNK_BITS) {
			chunks[c][bit / 64] |= 1UL << bit % 64;
			WRITE_ONCE(tid_last, c * CHUNK_BITS + bit);
			tid = (tid_t)tid_last;
			used++;
			break;
		}
		from = (c + 1) * CHUNK_BITS;
	}
	spin_unlock_irq(&tid_lock, flags);
	return tid;
}

void tid_free(tid_t tid)
{
	u64 flags = spin_lock_irq(&tid_lock);
	u32 n = (u32)tid;

	require(tid > 0 && tid < TID_MAX && chunks[n / CHUNK_BITS] &&
		chunks[n / CHUNK_BITS][n % CHUNK_BITS / 64] >> n % 64 & 1);
	chunks[n / CHUNK_BITS][n % CHUNK_BITS / 64] &= ~(1UL << n % 64);
	used--;
	spin_unlock_irq(&tid_lock, flags);
}
