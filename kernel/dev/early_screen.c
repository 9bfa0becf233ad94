/* SPDX-License-Identifier: MIT
 *
 * The screen from the first line of the log on, until the display (display.c) takes over.  It needs
 * neither memory nor threads.  The framebuffer is reached through one more directory of the boot
 * page tables, which paging_init() keeps until all processors have started.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/console.h"
#include "boot/boot_info.h"
#include "kernel/dev/boot_screen.h"
#include "kernel/dev/early_screen.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

/* Larger screens are used in their left upper part. */
#define COLUMNS_MAX 160
#define ROWS_MAX    64

#define WINDOW_BASE (4UL << 30) /* above what boot.S maps */
#define WINDOW_SIZE (1UL << 30)
#define PAGE_2M	    (2UL << 20)

struct boot_display boot_display;

extern u64 boot_pml4[]; /* boot.S, by its physical address */
static u64 window[WINDOW_SIZE / PAGE_2M] __aligned(PAGE_SIZE);

static struct boot_screen screen;
static char text[ROWS_MAX][COLUMNS_MAX]; /* what is on the screen; 0: nothing yet */
static u32 column, row;
static bool on;

/* Map the screen at WINDOW_BASE, write-combining (SDM 3A 12.3.1; features.c defines what PWT
 * selects).  Returns its address, or NULL if it is too large.  The entries were not present before,
 * so no TLB has them. */
static void *window_map(paddr_t address, u64 size)
{
	paddr_t start = ALIGN_DOWN(address, PAGE_2M);
	u64 *pdpt = (u64 *)(boot_pml4[0] & PTE_ADDRESS);

	if (size > WINDOW_SIZE - PAGE_2M || address > BOOT_MEMORY_LIMIT)
		return NULL;
	for (u64 at = 0; start + at < address + size; at += PAGE_2M)
		window[at / PAGE_2M] = (start + at) | PTE_PRESENT | PTE_WRITE | PTE_PWT | PTE_LARGE;
	pdpt[WINDOW_BASE / WINDOW_SIZE] = virt_to_phys(window) | PTE_PRESENT | PTE_WRITE;
	return (void *)(WINDOW_BASE + (address - start));
}

static void letter_put(u32 x, u32 y, char c)
{
	if (text[y][x] == c)
		return;
	text[y][x] = c;
	boot_screen_letter(&screen, x, y, c);
}

/* Begin a new line.  At the bottom all lines move up; the screen is never read. */
static void line_feed(void)
{
	column = 0;
	if (++row < screen.rows)
		return;
	row--;
	for (u32 y = 0; y < row; y++)
		for (u32 x = 0; x < screen.columns; x++)
			letter_put(x, y, text[y + 1][x]);
	for (u32 x = 0; x < screen.columns; x++)
		letter_put(x, row, ' ');
}

static void early_write(struct log_sink *sink, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && READ_ONCE(on); i++) {
		if (column == screen.columns || bytes[i] == '\n')
			line_feed();
		if (bytes[i] != '\n')
			letter_put(column++, row, bytes[i]);
	}
	/* A processor that halts next must not keep letters in its buffers (SDM 3A 12.3.1). */
	__asm__ volatile("sfence" ::: "memory");
}

void early_screen_end(void)
{
	WRITE_ONCE(on, false);
}

static void early_screen_start(void)
{
	static const struct console display_name = {.name = "tty0"};
	static const struct log_sink_ops ops = {.write = early_write};
	static struct log_sink sink = {.ops = &ops};
	const struct boot_display *d = &boot_display;
	void *memory;

	if (!boot_info.info_start)
		return;
	if (!strcmp(boot_info.protocol, "PVH"))
		boot_display_vga_text(&boot_display);
	else
		boot_display_multiboot2(&boot_display, boot_info.info_start);
	if (d->type == BOOT_DISPLAY_NONE || !console_wanted(&display_name))
		return;
	memory = window_map(d->address, (u64)d->pitch * d->height);
	if (!memory || !boot_screen_open(&screen, d, memory, font_scale(d->width, d->height),
					 font_table, font_count))
		return;
	boot_screen_clear(&screen, d->height);
	memset(text, ' ', sizeof(text));
	screen.columns = MIN(screen.columns, (u32)COLUMNS_MAX);
	screen.rows = MIN(screen.rows, (u32)ROWS_MAX);
	on = true;
	log_sink_add(&sink);
}

BOOT_CALL(10, early_screen_start);

/* Also if there is no display: the page tables that map the screen go. */
EARLY_INIT_CALL(90, early_screen_end);
