/* SPDX-License-Identifier: MIT
 *
 * Switching the machine off, resetting it, or leaving the emulator.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/power.h"
#include "boot/cmdline.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

/* End the emulator with `status`, if the command line has debug_exit or debug_exit=PORT: then the
 * machine is QEMU with the device isa-debug-exit.  With panic=halt, a panic does not end it, so that
 * a debugger can look at it. */
static void debug_exit(u32 status)
{
	char text[2], how[8] = "";

	if (status == EXIT_STATUS_PANIC && cmdline_get("panic", how, sizeof(how)) &&
	    !strcmp(how, "halt"))
		return;
	if (cmdline_get("debug_exit", text, sizeof(text)))
		outb((u16)cmdline_get_u64("debug_exit", DEBUG_EXIT_PORT), (u8)status);
}

void power_off(u32 status)
{
	log_drain();
	irq_disable();
	debug_exit(status);
	if (status == EXIT_STATUS_PANIC)
		cpu_halt_forever(); /* so that the report stays on the screen */
	linker_set_for_each(end, machine_ends) end->power_off();
	log_error("power off failed: switch the machine off by hand");
	log_drain(); /* no interrupt will send it */
	cpu_halt_forever();
}

void power_reset(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	log_drain();
	irq_disable();
	debug_exit(EXIT_STATUS_REBOOT);
	linker_set_for_each(end, machine_ends) end->reset();
	/* An exception without a valid IDT is a triple fault, which resets the machine. */
	__asm__ volatile("lidt %0; int3" ::"m"(no_idt) : "memory");
	cpu_halt_forever();
}

void cannot_start(const char *fmt, ...)
{
	char reason[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	log_error("Heddle cannot start: %s.", reason);
	log_flush_forced();
	power_off(EXIT_STATUS_PANIC);
}
