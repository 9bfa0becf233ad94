/* SPDX-License-Identifier: MIT
 *
 * The bring-up of the kernel, in order, on one page.  kernel_main() runs on the boot stack and
 * becomes the idle thread of CPU 0.  Steps that may sleep run in a separate thread, bring_up().
 */
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/console.h"
#include "arch/x86_64/pc/power.h"
#include "arch/x86_64/pc/random.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/tlb.h"
#include "boot/boot_info.h"
#include "boot/cmdline.h"
#include "kernel/fs/console_raw.h"
#include "kernel/fs/vfs.h"
#include "kernel/ipc/futex.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/main.h"
#include "kernel/mem/early.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/life.h"
#include "kernel/task/kstack.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"
#include "tests/kernel/ktest.h"

static void memory_init(void)
{
	paging_init(); /* allocates its tables by early_frame_alloc() */
	page_init();
	smp_call_init();
	slab_init();
	kstack_init();
}

static void log_banner(void)
{
	log_info("Heddle: kernel of %lu KiB, entered by %s, %lu MiB of memory",
		 (u64)(__kernel_end - __kernel_start) / 1024, boot_info.protocol, memory_mib());
	log_info("Command line: %s", cmdline_text());
	if (boot_info.memory_left_out)
		log_warn("the memory map is too long: %u ranges of memory are not used",
			 boot_info.memory_left_out);
}

static void *cpu_area_alloc(size_t bytes)
{
	return kzalloc(bytes);
}

/* The C entry of each CPU other than the boot CPU. */
static void noreturn application_processor_main(void)
{
	sched_init_cpu();
	irq_enable();
	sched_idle_loop();
}

/* With selftest or selftest=FILTER on the command line, run the self-tests and end the machine.  A
 * test that fails ends it like a panic. */
static void run_self_tests(void)
{
	char filter[64];

	if (cmdline_get("selftest", filter, sizeof(filter)))
		power_off(ktest_run_all(filter) ? EXIT_STATUS_PANIC : EXIT_STATUS_OK);
}

/* The steps that may sleep.  They run in the first kernel thread. */
static void bring_up(void *unused)
{
	process_init();
	vfs_init();
	init_directory();
	futex_init();
	init_calls_run(init_calls);
	console_raw_init();
	console_start();
	unpack_modules();
	log_info("%u CPU%s online, %lu MiB free, %lu ms since entry", cpu_count,
		 cpu_count == 1 ? "" : "s", page_free_count() * PAGE_SIZE >> 20,
		 (u64)(clock_now_ns() / NSEC_PER_MSEC));
	alloc_fail_nth(cmdline_get_u64("fail_nth", 0));
	run_self_tests();
	init_start();
}

void kernel_main(void)
{
	percpu_init_boot_cpu();
	cmdline_init(boot_info.cmdline);
	serial_init_early();
	log_banner();
	features_detect();
	features_enable_cpu();
	descriptors_init_cpu(boot_ist_stacks);
	entry_init();
	entry_init_cpu();
	init_calls_run(boot_calls);
	memory_check();
	memory_init();
	acpi_init();
	init_calls_run(machine_init_calls);
	apic_init();
	ioapic_init();
	clock_init();
	log_set_clock(clock_now_ns);
	fpu_init_cpu();
	process_init_early();
	sched_init();
	random_init();
	init_calls_run(early_init_calls);
	irq_enable();
	timer_check();
	smp_start_all(application_processor_main, cpu_area_alloc);
	paging_drop_identity(); /* all CPUs have left the trampoline, which needed it */
	tlb_flush_kernel_range(0, BOOT_IDENTITY_END);
	if (IS_ERR(kthread_create("bring-up", bring_up, NULL)))
		panic("no memory for the first thread");
	sched_idle_loop();
}
