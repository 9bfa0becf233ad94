/* SPDX-License-Identifier: MIT */
#pragma once

#include "kernel/lib/base.h"

/* Called by boot.S on the boot stack, in 64-bit mode, interrupts off, boot_info filled. */
void kernel_main(void) noreturn;
