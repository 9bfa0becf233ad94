/* SPDX-License-Identifier: MIT
 *
 * The start information of PVH (Xen, public/arch-x86/hvm/start_info.h), which `qemu -kernel` uses.
 */
#include "boot/parse.h"
#include "kernel/lib/string.h"

struct start_info {
	u32 magic, version, flags, module_count;
	u64 modules, cmdline, rsdp;
	u64 memory; /* from version 1 on */
	u32 memory_count, reserved;
};

struct start_module {
	u64 address, size, cmdline, reserved;
};

struct start_memory {
	u64 base, length;
	u32 type, reserved;
};

void pvh_parse(paddr_t info)
{
	const struct start_info *s = (const struct start_info *)info;
	const struct start_module *m = (const struct start_module *)s->modules;
	const struct start_memory *e = (const struct start_memory *)s->memory;

	boot_info.protocol = "PVH";
	if (s->magic != PVH_MAGIC)
		return;
	boot_info.info_start = info;
	boot_info.info_end = info + sizeof(*s);
	boot_info.rsdp = s->rsdp;
	if (s->cmdline)
		boot_text_copy(boot_info.cmdline, sizeof(boot_info.cmdline),
			       (const char *)s->cmdline, BOOT_CMDLINE_MAX);
	for (u32 i = 0; i < s->module_count; i++)
		boot_module_add(m[i].address, m[i].address + m[i].size);
	for (u32 i = 0; s->version >= 1 && i < s->memory_count; i++)
		boot_memory_add(e[i].base, e[i].length, e[i].type);
}
