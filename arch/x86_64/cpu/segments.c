/* SPDX-License-Identifier: MIT
 *
 * Saving and loading the segment registers of user mode.
 */
#include "arch/x86_64/cpu/segments.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"

void segments_save(struct arch_thread *t)
{
	t->segments.ds = (u16)READ_SELECTOR(ds);
	t->segments.es = (u16)READ_SELECTOR(es);
	t->segments.fs = (u16)READ_SELECTOR(fs);
	t->segments.gs = (u16)READ_SELECTOR(gs);
	/* The load of a nonzero selector has set the base to 0.  If user mode has loaded a null
	 * selector, this cannot be seen; the base is then taken as unchanged, as Linux does without
	 * FSGSBASE. */
	if (t->segments.fs)
		t->fs_base = 0;
	if (t->segments.gs)
		t->gs_base = 0;
}

/* No load can fault: the selectors were in the registers before, and the GDT does not change. */
void segments_load(const struct arch_thread *t)
{
	u64 flags = irq_save();

	__asm__ volatile("movl %0, %%ds\n\t"
			 "movl %1, %%es\n\t"
			 "movl %2, %%fs" ::"r"((u32)t->segments.ds),
			 "r"((u32)t->segments.es), "r"((u32)t->segments.fs));
	/* Loading GS changes the active GS base, so SWAPGS first makes the user's base the active
	 * one.  An NMI at this point looks at GS base itself (entry.S). */
	__asm__ volatile(
	    "swapgs\n\t"
	    "movl %0, %%gs\n\t"
	    "mfence\n\t" /* no speculative access with the user's base (CVE-2019-1125) */
	    "swapgs" ::"r"((u32)t->segments.gs)
	    : "memory");
	wrmsr(MSR_FS_BASE, t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
	irq_restore(flags);
}

void segments_load_stack(void)
{
	__asm__ volatile("movl %0, %%ss" ::"r"(SELECTOR_KERNEL_DATA));
}

/* Set a register's selector to 0 and its base, both members of `t`, to `base`. */
static void set_base(struct arch_thread *t, u16 *selector, u64 *member, u64 base)
{
	u64 flags = irq_save();

	segments_save(t);
	*selector = 0;
	*member = base;
	segments_load(t);
	irq_restore(flags);
}

void segments_set_fs_base(struct arch_thread *t, u64 base)
{
	set_base(t, &t->segments.fs, &t->fs_base, base);
}

void segments_set_gs_base(struct arch_thread *t, u64 base)
{
	set_base(t, &t->segments.gs, &t->gs_base, base);
}
