/* SPDX-License-Identifier: MIT
 *
 * Switching the machine off, resetting it, or leaving the emulator with a status.
 */
#pragma once

#include "kernel/lib/linker_set.h"

/* Leave the emulator through isa-debug-exit; if that is not possible, switch off by ACPI; if that
 * fails, halt.  After a panic the machine stays on, so that the report can be read.  `status`: one
 * of the values below; QEMU exits with (status << 1) | 1. */
void power_off(u32 status) noreturn;
void power_reset(void) noreturn;

/* Bring-up cannot go on, because the machine or what the boot loader gave is not enough: log one
 * sentence that names what is missing, and end as after a panic, but without a report.  Any
 * context. */
void cannot_start(const char *fmt, ...) noreturn __printf(1, 2);

/* An extension knows how the machine is switched off and reset.  Each function returns if that did
 * not work; it is called with interrupts off and takes no lock.  Without any, the machine cannot be
 * switched off, and a triple fault resets it. */
struct machine_end {
	void (*power_off)(void);
	void (*reset)(void);
};
LINKER_SET(machine_ends, struct machine_end);

#define MACHINE_END(variable)                                                                      \
	static const struct machine_end LINKER_SET_ENTRY(machine_ends, struct machine_end) variable

/* The default port of isa-debug-exit. */
#define DEBUG_EXIT_PORT	   0xf4
#define EXIT_STATUS_OK	   0x10 /* QEMU ends with 33: init exited with 0, or power off */
#define EXIT_STATUS_INIT   0x11 /* 35: init exited with another status, or was killed */
#define EXIT_STATUS_PANIC  0x12 /* 37: kernel panic */
#define EXIT_STATUS_REBOOT 0x13 /* 39: reset was asked for */
