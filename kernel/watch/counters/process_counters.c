/* SPDX-License-Identifier: MIT
 *
 * /proc/heddle/PID: counters and registers of a process, which Linux does not show.
 *
 *   counters   lines "key value"
 *   registers  lines "name 0xvalue": the saved registers of a thread; of a running thread, those of
 *              its last entry to the kernel
 *
 * (kernel/linux/proc/procinfo_ledger.c shows the memory of a process.)
 */
#include "kernel/fs/vfs.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/process_parts.h"
#include "kernel/proc/inspect.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/vm/address_space.h"
#include "kernel/watch/counters/saved.h"

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

/* The sums include threads that have ended.  cow_copies counts since the last exec. */
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

PROC_PID_FILES(files) = {
    {.name = "counters",
     .mode = S_IFREG | 0444,
     .heddle = true,
     .per_thread = true,
     .show = show_counters,
     .show_thread = show_thread_counters},
    {.name = "registers",
     .mode = S_IFREG | 0400,
     .heddle = true,
     .per_thread = true,
     .show = show_registers},
};
