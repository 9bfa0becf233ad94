/* SPDX-License-Identifier: MIT
 *
 * The end: off, reset, or out of the emulator with a status.
 */
#pragma once

#include "kernel/lib/base.h"

/* Emulator exit through isa-debug-exit, then ACPI power off, then halt; after a panic no power off,
 * or nobody could read the screen.  `status` 0..63 is what `make run` reports (QEMU's own status is
 * (value << 1) | 1). */
void power_off(u32 status) noreturn;
void power_reset(void) noreturn;

/* Where the device listens; set from the command line's debug_exit= (0: none). */
#define DEBUG_EXIT_PORT	   0xf4
#define EXIT_STATUS_OK	   0x10 /* QEMU ends with 33: init exited with 0, or power off */
#define EXIT_STATUS_INIT   0x11 /* 35: init exited with another status, or was killed */
#define EXIT_STATUS_PANIC  0x12 /* 37: the kernel stopped */
#define EXIT_STATUS_REBOOT 0x13 /* 39: reset was asked for */
