/* SPDX-License-Identifier: MIT
 *
 * Random numbers: ChaCha20 with fast key erasure.  The seed is RDSEED or RDRAND, if the processor
 * has it, the times of interrupts, and values of the boot (time, memory map).
 */
#pragma once

#include "kernel/lib/base.h"

void random_init(void); /* seed the key; once, on the boot CPU, after clock_init() */
void random_add(u64 value); /* mix a value into the pool; any context */
void random_bytes(void *buf, size_t n); /* fill `buf`; any context except NMI */

/* The ChaCha20 block function of RFC 8439, 2.3, with a 64-bit counter and no nonce. */
void chacha20_block(const u32 key[8], u64 counter, u32 out[16]);
