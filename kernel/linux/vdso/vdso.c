/* SPDX-License-Identifier: MIT
 *
 * The vDSO: a small shared object that the kernel maps into each program, with a page of data that
 * it reads (vdso(7)).  The frames of both lie in the kernel's image, and all programs share them.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "boot/cmdline.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/linux/clock_events.h"
#include "kernel/linux/vdso/vdso_data.h"
#include "kernel/linux/vdso_region.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/process.h"
#include "kernel/task/process_events.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

#define MSR_TSC_AUX		0xc0000103
#define CPUID_80000001_EDX_TSCP (1U << 27)
#define CPUID_7_ECX_RDPID	(1U << 22)

extern const char vdso_image[], vdso_image_end[]; /* image.S */

static union {
	struct vdso_data data;
	char page[PAGE_SIZE];
} vvar __aligned(PAGE_SIZE);

DEFINE_SPINLOCK(vdso_lock); /* one writer of vvar.data at a time */
static bool is_off;	    /* vdso=0 */

/* --- The data page ---------------------------------------------------------------------------- */

/* Write the state of the clock into the page: the writer of the seqlock that read_clock() in
 * image/vdso_user.c reads.  x86 makes stores visible in program order (SDM 3A 8.2.2), so a program sees
 * the odd number before it sees any new member, and the even number after all of them; the orders
 * below keep the compiler from moving a store. */
static void data_update(void)
{
	struct vdso_data *d = &vvar.data;
	u64 flags = spin_lock_irq(&vdso_lock), realtime = clock_boot_time_ns();
	u32 odd = d->sequence | 1;

	WRITE_ONCE(d->sequence, odd);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(d->tsc_start, clock_tsc_start);
	WRITE_ONCE(d->mult, clock_tsc_mult);
	for (u32 clock = 0; clock < VDSO_CLOCKS; clock++)
		WRITE_ONCE(d->offset[clock], VDSO_REALTIME >> clock & 1 ? realtime : 0);
	if (!is_off && !READ_ONCE(clock_source))
		__atomic_store_n(&d->sequence, odd + 1, __ATOMIC_RELEASE);
	spin_unlock_irq(&vdso_lock, flags);
}

/* clock_settime() has set the clock, and returns after this: a program that called it sees the new
 * time.  If two do so at a time, the later one here writes the time that holds now. */
CLOCK_EVENTS(vdso_clock_events) = {data_update};

/* Give the CPU that calls its number in IA32_TSC_AUX (SDM 4, table 2-2).  Processors that have
 * neither instruction lack the register too. */
static void cpu_number_set(void *unused)
{
	wrmsr(MSR_TSC_AUX, this_cpu_id());
}

static u32 getcpu_choose(void)
{
	if (is_off || !(cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_TSCP))
		return VDSO_GETCPU_CALL;
	preempt_disable(); /* for smp_call() */
	cpu_number_set(NULL);
	smp_call(&cpus_online, cpu_number_set, NULL);
	preempt_enable();
	if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ecx & CPUID_7_ECX_RDPID)
		return VDSO_GETCPU_RDPID;
	return VDSO_GETCPU_RDTSCP;
}

static void vdso_init(void)
{
	char word[2];

	require((size_t)(vdso_image_end - vdso_image) <= USER_MAX - VVAR_BASE - PAGE_SIZE);
	is_off = cmdline_get("vdso", word, sizeof(word)) && word[0] == '0';
	vvar.data.getcpu = getcpu_choose();
	data_update();
	log_info("vdso: clocks by %s, getcpu() by %s",
		 vvar.data.sequence % 2 == 0 ? "the TSC" : "system call",
		 vvar.data.getcpu == VDSO_GETCPU_RDPID	  ? "RDPID"
		 : vvar.data.getcpu == VDSO_GETCPU_RDTSCP ? "RDTSCP"
							  : "system call");
}

/* After clock_check() (05), which may find that the TSC makes no clock. */
INIT_CALL(10, vdso_init);

/* --- Mapping ---------------------------------------------------------------------------------- */

/* Map both in one region, so the data can be executed too; but a second region would add 1,300
 * instructions to each fork and exit.  The region has no object: its entries are filled in here,
 * and no fault changes them.  A write, for example of a debugger that sets a breakpoint, copies the
 * page (pte_owned()).
 *
 * The stack of the new program ends at VVAR_BASE, so the room above it is free, and its page table
 * exists.  AT_SYSINFO_EHDR promises the image, so without memory for it the process is killed. */
static void vdso_map(struct process *p)
{
	struct address_space *as = p->space;
	u64 pages = 1 + (u64)(vdso_image_end - vdso_image) / PAGE_SIZE;
	struct region model = {
	    .start = VVAR_BASE,
	    .end = VVAR_BASE + pages * PAGE_SIZE,
	    .prot = PROT_READ | PROT_EXEC,
	    .max_prot = PROT_READ | PROT_EXEC,
	    .advice = REGION_VDSO,
	    .space = as,
	};
	u64 *slot = pages_table_make(as, VVAR_BASE);
	struct region *r = slot ? region_create(&model) : NULL;

	if (!r) {
		signal_send_thread(current_thread(), SIGKILL, NULL);
		return;
	}
	rwlock_write_lock(&as->lock);
	region_link(r, NULL);
	spin_lock(&as->page_table_lock);
	for (u64 i = 0; i < pages; i++) {
		const char *memory = i ? vdso_image + (i - 1) * PAGE_SIZE : vvar.page;
		paddr_t frame = virt_to_phys(memory);
		struct page *page = phys_to_page(frame);

		page_get(page);
		pte_set(&slot[i], pte_make(r, frame, false));
		pte_count(r, page, 1);
	}
	spin_unlock(&as->page_table_lock);
	rwlock_write_unlock(&as->lock);
}

ON_EVENT(exec, vdso_map);
