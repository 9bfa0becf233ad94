/* SPDX-License-Identifier: MIT
 *
 * /proc/heddle/PID: what Linux does not tell of a process.
 *
 *   space      its address space in numbers: "key value"
 *   ledger     all the memory that it takes: "what frames bytes"; 0 frames: it lies in slabs
 *   counters   what it has done: "key value"
 *   registers  a thread's, as it stands: "name 0xvalue"; of one that runs they are old
 */
#include "kernel/fs/file_table.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/linux/proc/usage.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/inspect.h"
#include "kernel/task/saved.h"
#include "kernel/task/signal.h"

static void show_space(struct address_space *as, struct text *text)
{
	text_printf(text, "root 0x%lx\ntable_frames %lu\nresident %lu\n", as->pmap.root,
		    READ_ONCE(as->pmap.table_frames), address_space_resident(as));
	text_printf(text, "copied %lu\nzeroed %lu\nregions %u\n", READ_ONCE(as->cow_copies),
		    READ_ONCE(as->zero_fills), READ_ONCE(as->region_count));
}
SPACE_FILE(space)

/* --- ledger ----------------------------------------------------------------------------------- */

static void show_frames(struct text *text, const char *what, u64 bytes)
{
	text_printf(text, "%s %lu %lu\n", what, bytes / PAGE_SIZE, bytes);
}

/* Kernel objects: those of a frame or more are no slab's. */
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

/* A frame that several address spaces map is in the ledger of each, under a name that says so:
 * those of files and shared memory belong to the object, which stays when the process goes. */
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

static void show_ledger(struct thread *t, struct process *p, struct text *text)
{
	struct address_space *as = process_space_get(p);
	struct file_table *files = process_files_get(p);
	u64 flags = spin_lock_irq(&process_lock);
	/* The leader's memory, which is `t`, stays until the process is waited for. */
	u64 count = p->thread_count + t->exited;

	spin_unlock_irq(&process_lock, flags);
	if (as) {
		show_space_ledger(as, text);
		address_space_put(as);
	}
	show_threads_ledger(t, count, text);
	show_objects(text, "struct_process", 1, kmalloc_bytes(p));
	if (files) {
		show_objects(text, "file_table", 1, file_table_bytes(files));
		file_table_put(files);
	}
}

static int make_ledger(pid_t pid, tid_t tid, struct text *text)
{
	return procinfo_thread(pid, tid, text, tid ? show_thread_ledger : show_ledger);
}

/* --- counters --------------------------------------------------------------------------------- */

static void show_use(const struct resource_use *use, struct text *text)
{
	text_printf(text, "system_calls %lu\nswitches_voluntary %lu\nswitches_forced %lu\n",
		    use->system_calls, use->voluntary_switches, use->forced_switches);
	text_printf(text, "migrations %lu\nfaults_minor %lu\n", use->migrations, use->minor_faults);
}

static void show_thread_counters(struct thread *t, struct process *p, struct text *text)
{
	struct resource_use use;

	thread_resource_use(t, &use);
	show_use(&use, text);
}

/* With the threads that have ended.  Copies on write are counted since exec. */
static void show_counters(struct thread *t, struct process *p, struct text *text)
{
	struct address_space *as = process_space_get(p);
	struct resource_use use;

	process_resource_use(p, &use);
	show_use(&use, text);
	text_printf(text, "cow_copies %lu\n", as ? READ_ONCE(as->cow_copies) : 0);
	if (as)
		address_space_put(as);
}

static int make_counters(pid_t pid, tid_t tid, struct text *text)
{
	return procinfo_thread(pid, tid, text, tid ? show_thread_counters : show_counters);
}

/* --- registers -------------------------------------------------------------------------------- */

static void show_xmm(const u8 xmm[16][16], struct text *text)
{
	for (u32 i = 0; i < 16; i++) {
		text_printf(text, "xmm%u ", i);
		for (u32 byte = 0; byte < 16; byte++)
			text_printf(text, "%02x", xmm[i][byte]);
		text_printf(text, "\n");
	}
}

static void show_registers(struct thread *t, struct process *p, struct text *text)
{
	struct thread_saved s;

	thread_saved_read(t, &s);
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
	    {"rax", s.user.rax},
	    {"rbx", s.user.rbx},
	    {"rcx", s.user.rcx},
	    {"rdx", s.user.rdx},
	    {"rsi", s.user.rsi},
	    {"rdi", s.user.rdi},
	    {"rbp", s.user.rbp},
	    {"rsp", s.user.rsp},
	    {"r8", s.user.r8},
	    {"r9", s.user.r9},
	    {"r10", s.user.r10},
	    {"r11", s.user.r11},
	    {"r12", s.user.r12},
	    {"r13", s.user.r13},
	    {"r14", s.user.r14},
	    {"r15", s.user.r15},
	    {"rip", s.user.rip},
	    {"rflags", s.user.rflags},
	    {"fs_base", s.fs_base},
	    {"kernel_rsp", s.kernel_sp},
	    {"kernel_rbx", s.kernel.rbx},
	    {"kernel_rbp", s.kernel.rbp},
	    {"kernel_r12", s.kernel.r12},
	    {"kernel_r13", s.kernel.r13},
	    {"kernel_r14", s.kernel.r14},
	    {"kernel_r15", s.kernel.r15},
	    {"kernel_rip", s.kernel.rip},
	};

	for (u32 i = 0; i < ARRAY_SIZE(lines); i++)
		text_printf(text, "%s 0x%016lx\n", lines[i].name, lines[i].value);
	show_xmm(s.xmm, text);
	text_printf(text, "on_cpu %u\nstate %c\n", s.on_cpu, t->exited ? 'Z' : s.state);
}
THREAD_FILE(registers)

static const struct procfs_pid_file files[] = {
    {.name = "space", .mode = FILE_MODE, .heddle = true, .per_thread = true, .make = make_space},
    {.name = "ledger", .mode = FILE_MODE, .heddle = true, .per_thread = true, .make = make_ledger},
    {.name = "counters",
     .mode = FILE_MODE,
     .heddle = true,
     .per_thread = true,
     .make = make_counters},
    {.name = "registers",
     .mode = S_IFREG | 0400,
     .heddle = true,
     .per_thread = true,
     .make = make_registers},
};

void procinfo_heddle_init(void)
{
	procfs_add_pid_files(files, ARRAY_SIZE(files));
}
