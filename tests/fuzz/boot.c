/* host-sources: boot/boot_info.c boot/boot_parse.c boot/multiboot2.c boot/pvh.c */
/* host-flags: -no-pie -Wl,--defsym,__boot_start=0x100000,--defsym,__image_end=0x17f123
 * -Wl,--wrap=boot_memory_add */
/* fuzz-flags: -max_len=4096 */
/* mutant: boot/multiboot2.c: tag->size > total - at => tag->size > total */
/* SPDX-License-Identifier: MIT
 *
 * Boot information of Multiboot2 and of PVH, and long memory maps.  Nothing outside of the loader's
 * data is read; the map is sorted, without overlaps, in whole pages; memory is usable only if the
 * firmware says so of all of it, and says nothing else of any of it, and if neither image, nor
 * module, nor boot information is there.
 */
#include "boot/boot_info.h"
#include "boot/parse.h"
#include "tests/fuzz/fuzz.h"

#define IMAGE_START 0x100000UL
#define IMAGE_END   0x180000UL

/* Where the loader's data lies, at addresses as the kernel expects them: a part for each structure,
 * at the end of which the sanitizer sees every access. */
#define AREA	  0x10000000UL
#define PART_SIZE 0x10000UL
enum { INFO, MODULES, MEMORY, CMDLINE, PARTS };

void *mmap(void *at, size_t n, int prot, int flags, int fd, long offset);
void __asan_poison_memory_region(const volatile void *at, size_t n);
void __asan_unpoison_memory_region(const volatile void *at, size_t n);

static paddr_t put_part(u32 part, const void *bytes, size_t n)
{
	static bool mapped;
	u8 *at = (u8 *)(AREA + part * PART_SIZE);

	if (!mapped) /* read and write; private, anonymous, fixed */
		HOLDS(mmap((void *)AREA, PARTS * PART_SIZE, 3, 0x32, -1, 0) == (void *)AREA);
	mapped = true;
	HOLDS(n <= PART_SIZE / 2);
	__asan_unpoison_memory_region(at, PART_SIZE);
	memcpy(at, bytes, n);
	__asan_poison_memory_region(at + n, PART_SIZE - n);
	return (paddr_t)at;
}

/* --- What the firmware said --------------------------------------------------------------------
 */

static struct {
	paddr_t base, end;
	bool usable;
} said[1024];
static u32 said_count;

void __real_boot_memory_add(paddr_t base, u64 length, u32 type);
void __wrap_boot_memory_add(paddr_t base, u64 length, u32 type);

void __wrap_boot_memory_add(paddr_t base, u64 length, u32 type)
{
	if (said_count < ARRAY_SIZE(said) && length) {
		said[said_count].base = base;
		said[said_count].end = base + MIN(length, ~base);
		said[said_count++].usable = type == 1;
	}
	__real_boot_memory_add(base, length, type);
}

static void check_page_usable(paddr_t page)
{
	bool found = false;

	for (u32 i = 0; i < said_count && !found; i++)
		found = said[i].usable && said[i].base <= page && page + PAGE_SIZE <= said[i].end;
	HOLDS(found);
}

static bool overlap(const struct boot_memory *m, paddr_t start, paddr_t end)
{
	return start < end && m->base < end && start < m->base + m->length;
}

static void check_usable(const struct boot_memory *m)
{
	check_page_usable(m->base);
	check_page_usable(m->base + m->length - PAGE_SIZE);
	check_page_usable(ALIGN_DOWN(m->base + m->length / 2, PAGE_SIZE));
	for (u32 i = 0; i < said_count; i++)
		HOLDS(said[i].usable || !overlap(m, said[i].base, said[i].end));
	HOLDS(!overlap(m, IMAGE_START, IMAGE_END) && !overlap(m, 0, BOOT_LOW_END));
	HOLDS(!overlap(m, boot_info.info_start, boot_info.info_end));
	for (u32 i = 0; i < boot_info.module_count; i++)
		HOLDS(!overlap(m, boot_info.modules[i].start, boot_info.modules[i].end));
	HOLDS(!overlap(m, boot_info.trampoline_page, boot_info.trampoline_page + PAGE_SIZE));
}

static void check(void)
{
	paddr_t last = 0;

	HOLDS(boot_info.memory_count <= BOOT_MEMORY_MAX);
	HOLDS(boot_info.module_count <= BOOT_MODULES_MAX);
	HOLDS(strnlen(boot_info.cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
	for (u32 i = 0; i < boot_info.memory_count; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		HOLDS(m->base >= last && m->length && !(m->base % PAGE_SIZE) &&
		      !(m->length % PAGE_SIZE));
		HOLDS(m->base + m->length <= BOOT_MEMORY_LIMIT && m->type <= BOOT_MEMORY_RESERVED);
		last = m->base + m->length;
		if (m->type == BOOT_MEMORY_USABLE)
			check_usable(m);
	}
	for (u32 i = 0; i < boot_info.module_count; i++)
		HOLDS(boot_info.modules[i].start < boot_info.modules[i].end);
	HOLDS(boot_info.trampoline_page < 0xa0000 && !(boot_info.trampoline_page % PAGE_SIZE));
}

/* --- The three ways -----------------------------------------------------------------------------
 */

static void multiboot2(struct input *in)
{
	u32 total = 8 + (u32)input_left(in);
	u8 *info = malloc(total);

	memcpy(info, &total, sizeof(total));
	memset(info + 4, 0, 4);
	memcpy(info + 8, in->at, total - 8);
	boot_parse(MULTIBOOT2_MAGIC, put_part(INFO, info, total));
	free(info);
}

/* A module of 16 bytes, an entry of 16 bytes, and a command line of what is left. */
static void pvh(struct input *in)
{
	u64 modules[64][4] = {0}, memory[128][3] = {0};
	u32 module_count = input_byte(in) % 64, memory_count = input_byte(in) % 128;
	u8 magic = input_byte(in);
	u8 start[56] = {0};
	char text[4097];
	u64 pointers[4];
	size_t n;

	for (u32 i = 0; i < module_count; i++) {
		modules[i][0] = input_number(in, 5);
		modules[i][1] = input_number(in, magic & 8 ? 8 : 3);
	}
	for (u32 i = 0; i < memory_count; i++) {
		memory[i][0] = input_number(in, 6);
		memory[i][1] = input_number(in, 6);
		memory[i][2] = input_byte(in);
	}
	n = MIN(input_left(in), 4096UL);
	input_bytes(in, text, n);
	text[n] = 0;
	pointers[0] = put_part(MODULES, modules, module_count * sizeof(modules[0]));
	pointers[1] = magic & 1 ? 0 : put_part(CMDLINE, text, n + 1);
	pointers[2] = 0xe0000;
	pointers[3] = put_part(MEMORY, memory, memory_count * sizeof(memory[0]));
	memcpy(start, (u32[]){PVH_MAGIC ^ (magic & 2), magic & 4 ? 0 : 1, 0, module_count}, 16);
	memcpy(start + 16, pointers, sizeof(pointers));
	memcpy(start + 48, &memory_count, 4);
	boot_parse(PVH_MAGIC, put_part(INFO, start, sizeof(start)));
	if (!(magic & 7))
		HOLDS(!strncmp(boot_info.cmdline, text, BOOT_CMDLINE_MAX - 1));
}

/* Rows of ranges at equal distances: maps that are longer than what is kept, if not by much, since
 * each range beyond 494 costs half a million steps. */
static void long_map(struct input *in)
{
	u32 added = 0;

	while (added < 500 && input_left(in)) {
		u32 n = MIN(input_byte(in) * (1U + input_byte(in) % 4), 500 - added),
		    type = input_byte(in) % 6;
		u64 base = input_number(in, 4) << 8, stride = input_number(in, 3) << 4,
		    length = input_number(in, 3) << 4;

		added += n;
		for (u32 i = 0; i < n; i++)
			boot_memory_add(base + i * stride, length, type);
		if (type == 0)
			boot_module_add(base, base + length);
	}
	boot_parse(0, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	u8 way = input_byte(&in) % 3;

	memset(&boot_info, 0, sizeof(boot_info));
	said_count = 0;
	if (way == 0)
		multiboot2(&in);
	else if (way == 1)
		pvh(&in);
	else
		long_map(&in);
	check();
	return 0;
}
