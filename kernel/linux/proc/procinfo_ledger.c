/* SPDX-License-Identifier: MIT
 *
 * /proc/heddle/PID: the memory of a process in a form that Linux does not have.
 *
 *   space      numbers about the address space, lines "key value"
 *   ledger     all memory of the process, lines "what frames bytes"; 0 frames: objects in slabs
 */
#include "kernel/fs/file_table.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/linux/proc/usage.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/slab_stats.h"

static void show_space(struct address_space *as, struct text *text)
{
	text_printf(text, "root 0x%lx\ntable_frames %lu\nresident %lu\n", as->pmap.root,
		    READ_ONCE(as->pmap.table_frames), address_space_resident(as));
	text_printf(text, "copied %lu\nzeroed %lu\nregions %u\n", READ_ONCE(as->cow_copies),
		    READ_ONCE(as->zero_fills), READ_ONCE(as->region_count));
}

/* --- ledger ----------------------------------------------------------------------------------- */

static void show_frames(struct text *text, const char *what, u64 bytes)
{
	text_printf(text, "%s %lu %lu\n", what, bytes / PAGE_SIZE, bytes);
}

/* Kernel objects.  Objects smaller than a frame lie in slabs and count as 0 frames. */
static void show_objects(struct text *text, const char *what, u64 count, u64 bytes)
{
	text_printf(text, "%s %lu %lu\n", what, count * (bytes / PAGE_SIZE), count * bytes);
}

struct space_ledger {
	struct region_usage private, file_private, file_shared, shared;
	u64 region_bytes;
};

static int count_region(struct region *r, void *data)
{
	struct space_ledger *l = data;

	region_usage_add(r, r->shared ? (r->file ? &l->file_shared : &l->shared)
			    : r->file ? &l->file_private
				      : &l->private);
	l->region_bytes += kmalloc_bytes(r);
	return 0;
}

/* A frame that several address spaces map is in the ledger of each, under a name that says so.
 * Frames of files and shared memory belong to their object, which remains when the process ends. */
static void show_space_ledger(struct address_space *as, struct text *text)
{
	struct space_ledger l = {0};
	u64 anonymous, alone;

	(void)address_space_for_each(as, count_region, &l);
	anonymous = l.private.anonymous + l.file_private.anonymous;
	alone = l.private.anonymous_alone + l.file_private.anonymous_alone;
	show_frames(text, "page_table_root", PAGE_SIZE);
	show_frames(text, "page_tables", (READ_ONCE(as->pmap.table_frames) - 1) * PAGE_SIZE);
	show_frames(text, "anonymous", alone);
	show_frames(text, "anonymous_shared", anonymous - alone);
	show_frames(text, "file_private", l.file_private.resident - l.file_private.anonymous);
	show_frames(text, "file_shared", l.file_shared.resident);
	show_frames(text, "shared", l.shared.resident);
	show_objects(text, "address_space", 1, kmalloc_bytes(as));
	show_objects(text, "regions", 1, l.region_bytes);
}

static void show_threads_ledger(struct thread *t, u64 count, struct text *text)
{
	show_frames(text, "kernel_stacks", count * KSTACK_SIZE);
	show_objects(text, "struct_thread", count, kmalloc_bytes(t));
	show_objects(text, "fpu_state", count, kmalloc_bytes(t->arch.fpu));
}

static void show_thread_ledger(struct thread *t, struct process *p, struct text *text)
{
	show_threads_ledger(t, 1, text);
}

/* The memory of a descriptor table. */
static size_t file_table_bytes(struct file_table *t)
{
	size_t bytes;

	spin_lock(&t->lock);
	bytes = kmalloc_bytes(t) + kmalloc_bytes(t->chunks);
	bytes += t->size / FDS_EACH * kmalloc_bytes(t->chunks[0].file);
	spin_unlock(&t->lock);
	return bytes;
}

static void show_ledger(struct thread *t, struct process *p, struct text *text)
{
	struct address_space *as = process_space_get(p);
	struct file_table *files = process_files_get(p);
	u64 flags = spin_lock_irq(&process_lock);
	/* `t` is the leader, whose memory remains until the parent calls wait(). */
	u64 count = p->thread_count + t->exited, actions;

	spin_unlock_irq(&process_lock, flags);
	if (as) {
		show_space_ledger(as, text);
		address_space_put(as);
	}
	show_threads_ledger(t, count, text);
	show_objects(text, "struct_process", 1, kmalloc_bytes(p));
	flags = spin_lock_irq(&process_lock);
	actions = p->signals.actions ? kmalloc_bytes(p->signals.actions) : 0;
	spin_unlock_irq(&process_lock, flags);
	show_objects(text, "signal_actions", 1, actions);
	if (files) {
		show_objects(text, "file_table", 1, file_table_bytes(files));
		file_table_put(files);
	}
}

PROC_PID_FILES(files) = {
    {.name = "space",
     .mode = FILE_MODE,
     .heddle = true,
     .per_thread = true,
     .show_space = show_space},
    {.name = "ledger",
     .mode = FILE_MODE,
     .heddle = true,
     .per_thread = true,
     .show = show_ledger,
     .show_thread = show_thread_ledger},
};
