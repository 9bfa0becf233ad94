/* SPDX-License-Identifier: MIT
 *
 * The boot information of Multiboot2 (Multiboot2 Specification 2.0, section 3.6).  Tags 4, 5, 7 and
 * 10 are ignored: their contents are useless or wrong on many machines.  Tag 8, the framebuffer, is
 * read by the extension that draws on it (kernel/dev/boot_screen.h).
 */
#include "boot/parse.h"
#include "kernel/lib/string.h"

enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY = 6,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
};

struct tag {
	u32 type, size; /* the size includes these two */
	u8 body[];
};

struct tag_module {
	u32 start, end; /* a text follows */
} __packed;

struct tag_memory {
	u32 entry_size, entry_version;
	u8 entries[];
} __packed;

struct memory_entry {
	u64 base, length;
	u32 type, reserved;
} __packed;

static void parse_memory(const struct tag_memory *m, u32 size)
{
	if (size < sizeof(*m) || m->entry_size < sizeof(struct memory_entry))
		return;
	for (u32 at = sizeof(*m); m->entry_size <= size - at; at += m->entry_size) {
		const struct memory_entry *e = (const void *)((const u8 *)m + at);

		boot_memory_add(e->base, e->length, e->type);
	}
}

static void parse_tag(const struct tag *tag)
{
	const void *body = tag->body;
	const struct tag_module *m = body;
	u32 size = tag->size - sizeof(*tag);

	switch (tag->type) {
	case TAG_CMDLINE:
		boot_text_copy(boot_info.cmdline, sizeof(boot_info.cmdline), body, size);
		break;
	case TAG_MODULE:
		if (size >= sizeof(*m))
			boot_module_add(m->start, m->end);
		break;
	case TAG_MEMORY:
		parse_memory(body, size);
		break;
	case TAG_ACPI_OLD:
		boot_info.rsdp = boot_info.rsdp ?: (paddr_t)body;
		break;
	case TAG_ACPI_NEW:
		boot_info.rsdp = (paddr_t)body;
		break;
	}
}

void multiboot2_parse(paddr_t info)
{
	u32 total = *(const u32 *)info, at = 8;

	boot_info.protocol = "multiboot2";
	boot_info.info_start = info;
	boot_info.info_end = info + total;
	while (at + sizeof(struct tag) <= total) {
		const struct tag *tag = (const struct tag *)(info + at);

		if (tag->type == TAG_END || tag->size < sizeof(*tag) || tag->size > total - at)
			break;
		parse_tag(tag);
		at += ALIGN_UP(tag->size, 8);
	}
}
