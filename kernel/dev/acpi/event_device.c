/* SPDX-License-Identifier: MIT
 *
 * The power button of a hardware-reduced machine (ACPI 6.5, 4.1, 5.6.9) as emulators have it: a
 * generic event device.
 */
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/apic.h"
#include "kernel/dev/acpi/aml.h"
#include "kernel/dev/acpi/fadt.h"
#include "kernel/dev/machine/shutdown.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"

#define EVENT_POWER_DOWN 2U /* QEMU, docs/specs/acpi_hw_reduced_hotplug.rst */

static volatile u32 *events;

static void event_interrupt(void)
{
	if (*events & EVENT_POWER_DOWN)
		shutdown_request("power button");
}

static void event_device_init(void)
{
	struct aml_ged ged;

	if (!(fadt.flags & FADT_HARDWARE_REDUCED) || !acpi_code_any(aml_find_ged, &ged))
		return;
	events = mmio_map(ged.events, sizeof(*events), CACHE_UNCACHED);
	if (!events || ged.interrupt > 15 || irq_request_isa(ged.interrupt, event_interrupt))
		log_warn("power button: not used: the interrupt of its device cannot be used");
	else
		log_info("power button: switches off in order (event device, interrupt %u)",
			 ged.interrupt);
}

INIT_CALL(94, event_device_init);
