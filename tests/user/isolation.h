/* SPDX-License-Identifier: MIT
 *
 * Addresses that are not a program's, for isolation.c and kernel_addresses.c.
 */
#pragma once

#include "check.h"

/* Addresses of the kernel: of its image, of all RAM, and where nothing is. */
static const unsigned long kernel_addresses[] = {
    0xffff800000000000, 0xffff888000000000, 0xffff880000000000, 0xffffc90000000000,
    0xffffe00000000000, 0xffffffff80000000, 0xffffffff80100000, 0xffffffff80100fff,
    0xffffffff81000000, 0xffffffffa0000000, 0xfffffffffffe0000, 0xfffffffffffff000,
};
static const unsigned long no_addresses[] = {
    0x800000000000,
    0x0001000000000000,
    0x8000000000000000,
    0xffff7fffffffffff,
};
