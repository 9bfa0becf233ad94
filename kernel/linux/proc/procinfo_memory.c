/* SPDX-License-Identifier: MIT
 *
 * The files of /proc/PID about the memory of a process (proc(5)).
 */
#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/linux/proc/usage.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/vdso_region.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

static void show_bytes(struct address_space *as, u64 from, u64 to, struct text *text)
{
	char *page = kmalloc(PAGE_SIZE);

	while (page && from < to) {
		ssize_t n = address_space_read(as, from, page, MIN(to - from, PAGE_SIZE));

		if (n <= 0)
			break;
		text_write(text, page, (size_t)n);
		from += (u64)n;
	}
	if (!page)
		text->failed = true;
	kfree(page);
}

static void show_cmdline(struct address_space *as, struct text *text)
{
	show_bytes(as, as->layout.arg_start, as->layout.arg_end, text);
}

static void show_environ(struct address_space *as, struct text *text)
{
	show_bytes(as, as->layout.env_start, as->layout.env_end, text);
}

static void show_statm_of(struct address_space *as, struct text *text)
{
	u64 code = as->layout.code_end - as->layout.code_start;

	text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", as->mapped_bytes / PAGE_SIZE,
		    address_space_resident(as),
		    READ_ONCE(as->resident_file) + READ_ONCE(as->resident_shared),
		    DIV_ROUND_UP(code, PAGE_SIZE),
		    (as->mapped_bytes - MIN(as->mapped_bytes, code)) / PAGE_SIZE);
}

static void show_statm(struct thread *t, struct process *p, struct text *text)
{
	struct address_space *as = process_space_get(p);

	if (as) {
		show_statm_of(as, text);
		address_space_put(as);
	} else {
		text_printf(text, "0 0 0 0 0 0 0\n");
	}
}

/* --- maps, smaps ------------------------------------------------------------------------------ */

struct maps_walk {
	struct text *text;
	bool with_usage;
	struct region_usage sum;
	u64 start, end; /* of all regions */
};

static void show_kilobytes(struct text *text, const char *name, u64 bytes)
{
	text_printf(text, "%s:%*lu kB\n", name, (int)(23 - strlen(name)), bytes / 1024);
}

/* The keys of Linux.  Those without a meaning here are 0: there are no large pages and no swap, and
 * references are not recorded. */
static void show_usage(const struct region_usage *u, struct text *text)
{
	static const char *const nothing[] = {
	    "Referenced",    "LazyFree",	"AnonHugePages", "ShmemPmdMapped",
	    "FilePmdMapped", "Private_Hugetlb", "Swap",		 "SwapPss",
	};

	show_kilobytes(text, "Rss", u->resident);
	show_kilobytes(text, "Pss", u->proportional);
	show_kilobytes(text, "Shared_Clean", u->shared_clean);
	show_kilobytes(text, "Shared_Dirty", u->shared_dirty);
	show_kilobytes(text, "Private_Clean", u->private_clean);
	show_kilobytes(text, "Private_Dirty", u->private_dirty);
	show_kilobytes(text, "Anonymous", u->anonymous);
	for (u32 i = 0; i < ARRAY_SIZE(nothing); i++)
		show_kilobytes(text, nothing[i], 0);
	show_kilobytes(text, "Locked", u->locked);
}

static void show_region_usage(struct region *r, struct maps_walk *walk)
{
	struct region_usage usage = {0};

	region_usage_add(r, &usage);
	show_kilobytes(walk->text, "Size", r->end - r->start);
	show_kilobytes(walk->text, "KernelPageSize", PAGE_SIZE);
	show_kilobytes(walk->text, "MMUPageSize", PAGE_SIZE);
	show_usage(&usage, walk->text);
	text_printf(walk->text, "VmFlags:%s%s%s%s%s%s%s\n", r->prot & PROT_READ ? " rd" : "",
		    r->prot & PROT_WRITE ? " wr" : "", r->prot & PROT_EXEC ? " ex" : "",
		    r->shared ? " sh" : "", " mr",
		    !r->max_prot || r->max_prot & PROT_WRITE ? " mw" : "",
		    r->grows_down ? " me gd" : " me");
}

/* The path of a mapped file, or what the memory is for. */
static const char *region_name(const struct region *r)
{
	if (r->file)
		return r->file->path ? r->file->path->text : "";
	if (r->advice & REGION_VDSO)
		return r->object_page ? "[vdso]" : "[vvar]";
	return r->is_heap ? "[heap]" : r->is_stack ? "[stack]" : "";
}

static int show_one(struct region *r, struct maps_walk *walk)
{
	static const char spaces[] = "                    ";
	const struct inode *inode = r->file ? r->file->inode : NULL;
	u64 device = inode ? inode->sb->device : 0;
	const char *name = region_name(r);
	const char rights[] = {r->prot & PROT_READ ? 'r' : '-', r->prot & PROT_WRITE ? 'w' : '-',
			       r->prot & PROT_EXEC ? 'x' : '-', r->shared ? 's' : 'p', ' '};

	text_hex(walk->text, r->start, 8, '-');
	text_hex(walk->text, r->end, 8, ' ');
	text_write(walk->text, rights, sizeof(rights));
	text_hex(walk->text, inode ? r->object_page * PAGE_SIZE : 0, 8, ' ');
	text_hex(walk->text, device >> 8, 2, ':');
	text_hex(walk->text, device & 0xff, 2, ' ');
	text_decimal(walk->text, inode ? inode->ino : 0, *name ? ' ' : '\n');
	if (*name) {
		text_write(walk->text, spaces, 19);
		text_escape(walk->text, name, "\n");
		text_write(walk->text, "\n", 1);
	}
	if (walk->with_usage)
		show_region_usage(r, walk);
	return walk->text->failed ? -ENOMEM : 0;
}

/* The region of the vDSO is shown as two, which have the names that they have on Linux. */
static int show_region(struct region *r, void *walk)
{
	struct region part;

	if (!(r->advice & REGION_VDSO) || r->object_page)
		return show_one(r, walk);
	part = *r;
	part.end = r->start + PAGE_SIZE;
	show_one(&part, walk);
	if (part.end == r->end)
		return 0;
	part = *r;
	part.start += PAGE_SIZE;
	part.object_page = 1;
	return show_one(&part, walk);
}

static int sum_region(struct region *r, void *data)
{
	struct maps_walk *walk = data;

	if (!walk->end)
		walk->start = r->start;
	walk->end = r->end;
	region_usage_add(r, &walk->sum);
	return 0;
}

static void show_maps(struct address_space *as, struct text *text)
{
	struct maps_walk walk = {.text = text};

	(void)address_space_for_each(as, show_region, &walk);
}

static void show_smaps(struct address_space *as, struct text *text)
{
	struct maps_walk walk = {.text = text, .with_usage = true};

	(void)address_space_for_each(as, show_region, &walk);
}

static void show_smaps_rollup(struct address_space *as, struct text *text)
{
	struct maps_walk walk = {.text = text};

	(void)address_space_for_each(as, sum_region, &walk);
	text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0%*s[rollup]\n", walk.start, walk.end,
		    20, "");
	show_usage(&walk.sum, text);
}

/* --- pagemap ---------------------------------------------------------------------------------- */

#define ENTRY_SIZE   sizeof(u64)
#define ENTRIES_ONCE (PAGE_SIZE / ENTRY_SIZE)
#define PAGEMAP_END  (USER_MAX / PAGE_SIZE * ENTRY_SIZE)

/* Only root may see frame numbers.  The user who opens the file counts, not the one who reads
 * it. */
static int pagemap_open(struct file *file)
{
	file->private = capable(CAP_SYS_ADMIN) ? file : NULL;
	return 0;
}

static ssize_t pagemap_copy(struct address_space *as, bool frames, struct io_buffer *io, u64 at)
{
	u64 *entries = kmalloc(PAGE_SIZE), begin = at;
	ssize_t result = entries ? 0 : -ENOMEM;

	while (!result && io->remaining && at < PAGEMAP_END) {
		u64 count = MIN(MIN(io->remaining, PAGEMAP_END - at) / ENTRY_SIZE, ENTRIES_ONCE);

		usage_pagemap(as, at / ENTRY_SIZE * PAGE_SIZE, entries, (u32)count);
		for (u64 i = 0; !frames && i < count; i++)
			entries[i] &= ~PAGEMAP_FRAME;
		if (io_put(io, entries, count * ENTRY_SIZE) < (ssize_t)(count * ENTRY_SIZE))
			result = -EFAULT;
		else if (thread_interrupted(WAIT_KILLABLE))
			result = -EINTR;
		at += count * ENTRY_SIZE;
	}
	kfree(entries);
	return result ? result : (ssize_t)(at - begin);
}

/* One entry of eight bytes for each page of the user half (Linux:
 * Documentation/admin-guide/mm/pagemap.rst). */
static ssize_t pagemap_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct process *p = process_find(procfs_file_pid(file));
	struct address_space *as = p ? process_space_get(p) : NULL;
	ssize_t n = -EINVAL;

	if (p)
		process_put(p);
	if (!as)
		return 0;
	if ((*position | io->remaining) % ENTRY_SIZE == 0)
		n = pagemap_copy(as, file->private, io, *position);
	if (n > 0)
		*position += (u64)n;
	address_space_put(as);
	return n;
}

static const struct file_ops pagemap_ops = {.open = pagemap_open, .read = pagemap_read};

PROC_PID_FILES(files) = {
    {.name = "cmdline", .mode = FILE_MODE, .per_thread = true, .show_space = show_cmdline},
    {.name = "statm", .mode = FILE_MODE, .per_thread = true, .show = show_statm},
    {.name = "maps",
     .mode = FILE_MODE,
     .per_thread = true,
     .inspects = true,
     .show_space = show_maps},
    {.name = "smaps",
     .mode = FILE_MODE,
     .per_thread = true,
     .inspects = true,
     .show_space = show_smaps},
    {.name = "smaps_rollup",
     .mode = FILE_MODE,
     .per_thread = true,
     .inspects = true,
     .show_space = show_smaps_rollup},
    {.name = "environ", .mode = S_IFREG | 0400, .inspects = true, .show_space = show_environ},
    {.name = "pagemap", .mode = S_IFREG | 0400, .per_thread = true, .ops = &pagemap_ops},
};
