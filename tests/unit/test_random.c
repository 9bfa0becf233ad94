/* host-sources: arch/x86_64/pc/random.c */
/* host-flags: -iquote tests/unit/locks */
/* SPDX-License-Identifier: MIT
 *
 * ChaCha20 against RFC 8439 A.1, and that nothing comes out twice.
 */
#include <stdbool.h>

#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/pc/random.h"
#include "boot/boot_info.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "tests/unit/host.h"

struct cpu_features cpu_features;
struct boot_info boot_info;

u64 spin_lock_irq(struct spinlock *lock)
{
	return 0;
}

void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
}

u64 clock_now_ns(void)
{
	return 0;
}

u64 clock_boot_time_ns(void)
{
	return 0;
}

void log_printf(enum log_level level, const char *fmt, ...)
{
}

static void rfc_8439_vectors(void)
{
	static const u8 first[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
	static const u8 last[] = {0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86};
	static const u8 second[] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a};
	u32 key[8] = {0}, out[16];

	chacha20_block(key, 0, out);
	CHECK(!memcmp(out, first, 8));
	CHECK(!memcmp(out + 14, last, 8));
	chacha20_block(key, 1, out);
	CHECK(!memcmp(out, second, 8));
}

static void all_differ(void)
{
	static u64 seen[1000];
	u8 odd[201] = {0};
	u32 zeros = 0;

	random_init();
	for (u32 i = 0; i < ARRAY_SIZE(seen); i++) {
		random_bytes(&seen[i], sizeof(seen[i]));
		for (u32 j = 0; j < i; j++)
			CHECK(seen[i] != seen[j]);
	}
	random_bytes(odd, 200);
	for (u32 i = 0; i < 200; i++)
		zeros += !odd[i];
	CHECK(zeros < 20);
	CHECK_EQ(odd[200], 0);
}

int main(void)
{
	RUN(rfc_8439_vectors);
	RUN(all_differ);
	return host_done();
}
