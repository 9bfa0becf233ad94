/* SPDX-License-Identifier: MIT
 *
 * Random numbers: ChaCha20 with fast key erasure, seeded from RDSEED/RDRAND where there is, and
 * from the times of interrupts and what the boot left.
 */
#pragma once

#include "kernel/lib/base.h"

void random_init(void);
void random_add(u64 value); /* any context; mixed in */
void random_bytes(void *buf, size_t n); /* any context but NMI */

/* The ChaCha20 block function of RFC 8439, 2.3, with a 64-bit counter and no nonce. */
void chacha20_block(const u32 key[8], u64 counter, u32 out[16]);
