/* SPDX-License-Identifier: MIT
 *
 * A processor that cannot reach 64-bit mode, or a kernel that was overwritten: one sentence on the
 * screen and on the serial port, in 32-bit mode, and a halt.  boot.S calls this first.  The
 * Makefile compiles files named *_32.c for 32-bit mode; linker.ld puts them at their physical
 * addresses.  They may refer only to symbols that begin with boot_, which linker.ld and boot.S
 * define so.
 */
#include "kernel/dev/boot_screen.h"
#include "kernel/lib/linker_set.h"

#define MULTIBOOT2_MAGIC 0x36d76289

#define EFLAGS_ID	 (1u << 21) /* can be changed: there is CPUID (SDM 1 3.4.3.3) */
#define LEAF_EXTENDED	 0x80000000u

/* What the kernel and the compiler take for granted.  Processors with 64-bit mode have all of it
 * (AMD APM 2, 1.3); a virtual machine can be set up without.  SYSCALL is not among them: Intel's
 * processors report it in 64-bit mode only (SDM 2A, CPUID, leaf 80000001H, EDX bit 11). */
static const struct {
	u32 leaf; /* of CPUID; the bit is in edx */
	u8 bit;
	char name[23];
} needs[] = {
    {LEAF_EXTENDED + 1, 29, "64-bit mode"},
    {1, 4, "time-stamp counter"},
    {1, 5, "MSRs (RDMSR)"},
    {1, 6, "PAE"},
    {1, 8, "CMPXCHG8B"},
    {1, 15, "CMOV"},
    {1, 24, "FXSAVE"},
    {1, 26, "SSE2"},
};

/* The font at its physical address: linker.ld. */
extern const struct font_glyph boot_font_table[];
extern const u32 boot_font_count;

extern const char boot_entry[], boot_image_end[]; /* the image, by physical addresses */

/* Where the sentence is written to.  It lies on the stack: this file is code and constants only. */
struct output {
	struct boot_screen screen;
	u32 column, row;
};

static inline void port_write(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 port_read(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* COM1 at 115200 bits/s (PC16550D data sheet).  A port that is not there reads as ones and takes
 * everything; one that does not send is given up after a while. */
#define COM1	       0x3f8
#define COM1_POLLS     200000
#define COM1_THR_EMPTY 0x20

static void serial_open(void)
{
	static const u8 setup[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3}};

	for (u32 i = 0; i < ARRAY_SIZE(setup); i++)
		port_write(COM1 + setup[i][0], setup[i][1]);
}

static void serial_put(char c)
{
	for (u32 i = 0; i < COM1_POLLS && !(port_read(COM1 + 5) & COM1_THR_EMPTY); i++)
		;
	port_write(COM1, (u8)c);
}

static void put(struct output *o, const char *text)
{
	for (; *text; text++) {
		serial_put(*text);
		if (o->column == o->screen.columns)
			o->column = 0, o->row++;
		if (o->row < o->screen.rows)
			boot_screen_letter(&o->screen, o->column++, o->row, *text);
	}
}

static void output_open(struct output *o, u32 magic, u32 info)
{
	struct boot_display d = {.type = BOOT_DISPLAY_NONE};
	u64 end;

	o->column = o->row = 0;
	serial_open();
	if (magic == MULTIBOOT2_MAGIC)
		boot_display_multiboot2(&d, info);
	else
		boot_display_vga_text(&d);
	end = d.address + (u64)d.pitch * d.height;
	if (end >> 32 || !boot_screen_open(&o->screen, &d, (void *)(u32)d.address,
					   MAX(font_scale_usual(d.width, d.height), 1u),
					   boot_font_table, boot_font_count))
		o->screen.rows = 0;
	else
		boot_screen_clear(&o->screen, d.height);
}

static bool has_cpuid(void)
{
	u32 changed;

	__asm__("pushfl; pushfl; xorl %1, (%%esp); popfl; pushfl; popl %0; xorl (%%esp), %0; popfl"
		: "=&r"(changed)
		: "i"(EFLAGS_ID)
		: "cc");
	return changed & EFLAGS_ID;
}

/* The register edx of a leaf of CPUID; 0 if there is no such leaf. */
static u32 cpuid_edx(u32 leaf)
{
	u32 eax = leaf & LEAF_EXTENDED, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (eax < leaf || (eax ^ leaf) & LEAF_EXTENDED)
		return 0;
	eax = leaf;
	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return edx;
}

static noreturn void halt(struct output *o)
{
	put(o, ".");
	serial_put('\r');
	serial_put('\n');
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The start information of PVH, as far as it is needed here (boot/pvh.c). */
struct start_info {
	u32 magic, version, flags, module_count;
	u64 modules;
};

struct start_module {
	u64 address, size, cmdline, reserved;
};

/* QEMU loads a module over the kernel if the memory is too small for both.  This code lies before
 * the kernel and survives that. */
static void refuse_overlap(struct output *o, u32 magic, u32 info)
{
	const struct start_info *s = (const void *)info;
	const struct start_module *m = (const void *)(u32)s->modules;

	if (magic == MULTIBOOT2_MAGIC)
		return;
	for (u32 i = 0; i < s->module_count; i++) {
		if (m[i].address + m[i].size <= (u32)boot_entry ||
		    m[i].address >= (u32)boot_image_end)
			continue;
		output_open(o, magic, info);
		put(o,
		    "Heddle cannot start: the memory is too small, a module lies over the kernel");
		halt(o);
	}
}

/* Return if the processor has all of `needs`; else say what is missing and halt. */
static void refuse(u32 magic, u32 info)
{
	bool cpuid = has_cpuid(), any = false;
	struct output o;

	refuse_overlap(&o, magic, info);
	for (u32 i = 0; i < ARRAY_SIZE(needs); i++) {
		if (cpuid && cpuid_edx(needs[i].leaf) >> needs[i].bit & 1)
			continue;
		if (!any) {
			output_open(&o, magic, info);
			put(&o, "Heddle needs a 64-bit processor (x86-64), and this one lacks: ");
		}
		put(&o, any ? ", " : "");
		put(&o, needs[i].name);
		any = true;
		if (!i)
			break; /* a processor of 32 bits: the rest says no more */
	}
	if (any)
		halt(&o);
}

typedef void (*boot_check)(u32 magic, u32 info);
static const boot_check LINKER_SET_ENTRY(boot_checks, boot_check) refuse_check = refuse;
