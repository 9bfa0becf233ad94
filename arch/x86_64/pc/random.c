/* SPDX-License-Identifier: MIT
 *
 * Random numbers by ChaCha20 (RFC 8439) with fast key erasure (Bernstein 2017): a buffer is filled
 * at a time, and the key is replaced at once.  Numbers are erased from the buffer when they are
 * returned.  So the memory never contains numbers that were returned before, nor their key.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/random.h"
#include "boot/boot_info.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"

DEFINE_SPINLOCK(random_lock);
/* Under random_lock: */
static u32 random_key[8];
static u32 buffer[4][16];
static size_t buffer_left; /* bytes from the start of `buffer` that were not returned yet */

/* Entropy from random_add() since the last change of the key; atomic. */
static u64 pool[4];
static u32 pool_next;

static u32 rotate32(u32 x, u32 n)
{
	return x << n | x >> (32 - n);
}

/* Inlined with constant indices, so that the words stay in registers. */
static inline __attribute__((always_inline)) void quarter_round(u32 *x, u32 a, u32 b, u32 c, u32 d)
{
	x[a] += x[b], x[d] = rotate32(x[d] ^ x[a], 16);
	x[c] += x[d], x[b] = rotate32(x[b] ^ x[c], 12);
	x[a] += x[b], x[d] = rotate32(x[d] ^ x[a], 8);
	x[c] += x[d], x[b] = rotate32(x[b] ^ x[c], 7);
}

void chacha20_block(const u32 key[8], u64 counter, u32 out[16])
{
	u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];

	memcpy(start + 4, key, 32);
	start[12] = counter;
	start[13] = counter >> 32;
	memcpy(x, start, 64);
	for (u32 i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (u32 i = 0; i < 16; i++)
		out[i] = x[i] + start[i];
}

/* Erase memory.  The asm keeps the compiler from removing this as a useless store. */
static void wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" ::"r"(p) : "memory");
}

void random_add(u64 value)
{
	u32 i = __atomic_fetch_add(&pool_next, 1, __ATOMIC_RELAXED);
	u64 mixed = (value + i) * GOLDEN_RATIO_64; /* spreads the low bits: the most random ones */

	__atomic_fetch_xor(&pool[i % ARRAY_SIZE(pool)], mixed ^ mixed >> 32 ^ rdtsc(),
			   __ATOMIC_RELAXED);
}

/* Mix the pool into the key, fill the buffer, and take the next key from its end. */
static void random_refill(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(pool); i++) {
		u64 news = __atomic_exchange_n(&pool[i], 0, __ATOMIC_RELAXED);

		random_key[2 * i] ^= news;
		random_key[2 * i + 1] ^= news >> 32;
	}
	for (u32 i = 0; i < ARRAY_SIZE(buffer); i++)
		chacha20_block(random_key, i, buffer[i]);
	buffer_left = sizeof(buffer) - sizeof(random_key);
	memcpy(random_key, (u8 *)buffer + buffer_left, sizeof(random_key));
	wipe((u8 *)buffer + buffer_left, sizeof(random_key));
}

void random_bytes(void *buf, size_t n)
{
	for (size_t part; n; n -= part, buf = (u8 *)buf + part) {
		u64 flags = spin_lock_irq(&random_lock);

		if (!buffer_left)
			random_refill();
		part = MIN(n, buffer_left);
		buffer_left -= part;
		memcpy(buf, (u8 *)buffer + buffer_left, part);
		wipe((u8 *)buffer + buffer_left, part);
		spin_unlock_irq(&random_lock, flags);
	}
}

/* Read RDSEED or RDRAND.  Either may fail for a short time, so try ten times (SDM 1 7.3.17). */
static bool processor_random(u64 *value)
{
	bool ok = false;

	for (u32 i = 0; i < 10 && !ok && cpu_features.rdseed; i++)
		__asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=qm"(ok)::"cc");
	for (u32 i = 0; i < 10 && !ok && cpu_features.rdrand; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(ok)::"cc");
	return ok;
}

void random_init(void)
{
	u32 good = 0;
	u64 value;

	random_add(boot_info.entry_tsc);
	random_add(clock_boot_time_ns());
	random_add(clock_now_ns());
	for (u32 i = 0; i < boot_info.memory_count; i++)
		random_add(boot_info.memory[i].base ^ boot_info.memory[i].length << 20);
	for (u32 i = 0; i < 8; i++) {
		if (processor_random(&value)) {
			random_add(value);
			good++;
		}
	}
	if (!good)
		log_info(
		    "random: the processor has no RDSEED or RDRAND: the seed is from times only");
}
