/* host-sources: boot/boot_info.c boot/boot_parse.c boot/multiboot2.c boot/pvh.c */
/* host-flags: -no-pie -Wl,--defsym,__boot_start=0x100000,--defsym,__image_end=0x17f123 */
/* SPDX-License-Identifier: MIT
 *
 * Boot information: order in the memory map, the page for other CPUs, and broken input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot_info.h"
#include "boot/parse.h"

static int tests, failures;

static void check(bool ok, const char *what)
{
	failures += !ok;
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tests, what);
}

static void reset(void)
{
	memset(&boot_info, 0, sizeof(boot_info));
	boot_info.protocol = "none";
}

static bool memory_is(u32 i, paddr_t base, paddr_t end, enum boot_memory_type type)
{
	const struct boot_memory *m = &boot_info.memory[i];

	return m->base == base && m->base + m->length == end && m->type == type;
}

static void test_memory(void)
{
	reset();
	boot_memory_add(0x100000, 0x7f00000, 1);
	boot_memory_add(0x200000, 0x1000, 4);		/* inside of usable memory */
	boot_memory_add(0x0, 0x9f000, 1);		/* out of order */
	boot_memory_add(0x9e800, 0x1800, 2);		/* over an end */
	boot_memory_add(0x8000000, 0x1000, 20);		/* of no known type */
	boot_memory_add(0x8001000, 0x1000, 2);		/* joins the one before */
	boot_memory_add(0xfffffffffffff001, 0x2000, 1); /* beyond all that can be mapped */
	boot_memory_add(0x5000, 0, 5);
	boot_entry_tsc = 42;
	boot_parse(0, 0);
	check(boot_info.memory_count == 8, "as many ranges as there are pieces");
	check(memory_is(0, 0, 0x10000, BOOT_MEMORY_TAKEN), "the lowest memory is left alone");
	check(memory_is(1, 0x10000, 0x9e000, BOOT_MEMORY_USABLE), "usable gives way to reserved");
	check(memory_is(2, 0x9e000, 0xa0000, BOOT_MEMORY_RESERVED), "reserved in whole frames");
	check(memory_is(3, 0x100000, 0x180000, BOOT_MEMORY_TAKEN), "the image is taken");
	check(memory_is(4, 0x180000, 0x200000, BOOT_MEMORY_USABLE) &&
		  memory_is(5, 0x200000, 0x201000, BOOT_MEMORY_NVS) &&
		  memory_is(6, 0x201000, 0x8000000, BOOT_MEMORY_USABLE),
	      "a hole is cut");
	check(memory_is(7, 0x8000000, 0x8002000, BOOT_MEMORY_RESERVED), "unknown is reserved");
	check(boot_range_usable(0x201000, 0x300000) && !boot_range_usable(0x1ff000, 0x202000),
	      "ranges that are usable");
	check(boot_info.trampoline_page == 0x8000 && boot_info.entry_tsc == 42,
	      "the usual page for other processors");
}

/* However long the map is, what the kernel takes is in it. */
static void test_long_map(void)
{
	u32 taken = 0, lowest = 0;

	reset();
	boot_memory_add(0, 0x9f000, 1);
	for (paddr_t i = 0; i < 600; i++) /* neighbours: one range */
		boot_memory_add(0x100000 + i * 0x1000, 0x1000, 1);
	boot_memory_add(0x1000000, 0x1000000, 1);
	for (paddr_t i = 0; i < 600; i++)
		boot_memory_add(0x1001000 + i * 0x4000, 0x1000, 2);
	boot_module_add(0x1400000, 0x1500000);
	boot_parse(0, 0);
	for (u32 i = 0; i < boot_info.memory_count; i++) {
		taken += memory_is(i, 0x100000, 0x180000, BOOT_MEMORY_TAKEN);
		lowest += memory_is(i, 0, 0x10000, BOOT_MEMORY_TAKEN);
	}
	check(taken && lowest, "image and lowest memory are taken");
	check(boot_range_usable(0x180000, 0x200000), "neighbours were joined");
	check(!boot_range_usable(0x1400000, 0x1401000), "so is a module");
	check(boot_info.memory_left_out > 0, "what had no room is counted");
}

/* When the map is full, a reserved range takes the usable memory that it lies in with it, or the
 * range at the end. */
static void test_full_map(void)
{
	reset();
	boot_memory_add(0x100000, 0x8000000, 1);
	for (paddr_t i = 0; i < 600; i++)
		boot_memory_add(0x10000000 + i * 0x2000, 0x1000, 2);
	boot_memory_add(0x200000, 0x1000, 2);
	boot_memory_add(0x40000000, 0x1000000, 1);
	boot_parse(0, 0);
	check(!boot_range_usable(0x200000, 0x201000), "what is reserved late is not usable");
	check(boot_range_usable(0x201000, 0x8000000), "what is beside it is");
}

static void test_trampoline(void)
{
	reset();
	boot_memory_add(0, 0x9f000, 1);
	boot_module_add(0x8fff, 0x9e000);
	boot_parse(0, 0);
	check(boot_info.trampoline_page == 0x9e000, "a page beside the module");
	reset();
	boot_memory_add(0, 0x9f800, 1);
	boot_module_add(0x1001, 0x9e001);
	boot_parse(0, 0);
	check(!boot_info.trampoline_page, "no page: neither page 0 nor part of one");
}

static void put_tag(u8 *at, u32 type, u32 size)
{
	memcpy(at, &type, 4);
	memcpy(at + 4, &size, 4);
}

static void test_multiboot2(void)
{
	u32 total = 8 + 16 + 24 + 8;
	u8 *info = calloc(1, total);

	reset();
	memcpy(info, &total, 4);
	put_tag(info + 8, 1, 8 + 7);
	memcpy(info + 16, "a=1 b c", 7); /* not terminated */
	put_tag(info + 24, 3, 16 + 3);
	memcpy(info + 32, (u32[]){0x100000, 0x180000}, 8);
	memcpy(info + 40, "xy", 3);
	boot_parse(MULTIBOOT2_MAGIC, (paddr_t)info);
	check(!strcmp(boot_info.cmdline, "a=1 b c"), "command line");
	check(boot_info.module_count == 1 && boot_info.modules[0].end == 0x180000, "module");
	free(info);
	total = 8 + 24;
	info = calloc(1, total);
	reset();
	memcpy(info, &total, 4);
	put_tag(info + 8, 6, 24);
	memcpy(info + 16, (u32[]){0xfffffff8}, 4);
	boot_parse(MULTIBOOT2_MAGIC, (paddr_t)info);
	check(!boot_range_usable(0x100000, 0x101000), "a size of entries that overflows");
	free(info);
}

/* Random tags in a buffer of exactly the size told: the sanitizer sees reads outside. */
static void test_random(void)
{
	srandom(1);
	for (u32 round = 0; round < 20000; round++) {
		u32 total = 8 + (u32)random() % 256;
		u8 *info = malloc(total);

		for (u32 i = 0; i < total; i++)
			info[i] = (u8)random();
		memcpy(info, &total, 4);
		for (u32 at = 8; at + 8 <= total; at += ALIGN_UP(8 + (u32)random() % 48, 8))
			put_tag(info + at, (u32)random() % 18, 4 + (u32)random() % 64);
		reset();
		boot_parse(MULTIBOOT2_MAGIC, (paddr_t)info);
		free(info);
	}
	check(true, "broken boot information is survived");
}

int main(void)
{
	test_memory();
	test_long_map();
	test_full_map();
	test_trampoline();
	test_multiboot2();
	test_random();
	printf("1..%d\n", tests);
	return failures != 0;
}
