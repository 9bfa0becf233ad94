/* SPDX-License-Identifier: MIT
 *
 * One pixel of a framebuffer.
 */
#pragma once

#include "kernel/lib/base.h"

/* Write a pixel of 2, 3 or 4 bytes.  Framebuffers are never read: reads are slower by orders of
 * magnitude. */
static inline void pixel_put(u8 *to, u32 pixel_bytes, u32 colour)
{
	switch (pixel_bytes) {
	case 4:
		*(volatile u32 *)to = colour;
		break;
	case 3:
		*(volatile u8 *)to = (u8)colour;
		*(volatile u8 *)(to + 1) = (u8)(colour >> 8);
		*(volatile u8 *)(to + 2) = (u8)(colour >> 16);
		break;
	default:
		*(volatile u16 *)to = (u16)colour;
	}
}
