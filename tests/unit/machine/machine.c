/* SPDX-License-Identifier: MIT
 *
 * The machine under kernel/mem on the host: memory, CPUs, calls between them, page tables of the
 * stack area.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/tlb.h"
#include "boot/boot_info.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/spinlock.h"
#include "tests/unit/machine/machine.h"

char *host_memory;
bool host_irqs;
u32 host_cpu, host_preempt_count, cpu_count = HOST_CPUS;
struct cpumask cpus_online;
struct cpu host_cpus[HOST_CPUS];
struct boot_info boot_info;
struct pmap kernel_pmap;
u64 pte_nx = PTE_NX;
unsigned host_stale;
static int memory_fd;

/* In tests without slab.c. */
__attribute__((weak)) void slab_drain_this_cpu(void)
{
}

/* What smp_call_init() registers in the kernel: every other CPU drains its cache. */
static void drain_others(void)
{
	u32 self = host_cpu;

	require(host_irqs);
	cpumask_for_each (cpu, &cpus_online) {
		host_cpu = cpu;
		if (cpu != self)
			slab_drain_this_cpu();
			page_drain_this_cpu();
	}
	host_cpu = self;
}

/* The stack area is real: a page there is the same memory as its frame. */
static u64 area_frames[1 << 16];

static u64 *area_entry(u64 address)
{
	u64 i = (address - KSTACK_AREA_BASE) / PAGE_SIZE;

	require(address % PAGE_SIZE == 0 && i < ARRAY_SIZE(area_frames));
	return &area_frames[i];
}

u64 *pmap_walk(struct pmap *pmap, u64 address, bool create)
{
	return area_entry(address);
}

int kernel_map_page(u64 address, paddr_t frame, u64 flags)
{
	u64 *entry = area_entry(address);

	require(!*entry && !host_stale && flags & PTE_NX);
	*entry = frame;
	require(mmap((void *)address, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     memory_fd, (off_t)frame) == (void *)address);
	return 0;
}

paddr_t kernel_unmap_page(u64 address)
{
	u64 *entry = area_entry(address), frame = *entry;

	require(frame);
	*entry = 0;
	host_stale++;
	munmap((void *)address, PAGE_SIZE);
	return frame;
}

void tlb_flush_kernel_range(u64 start, u64 end)
{
	require(start < end && host_irqs && !host_preempt_count);
	host_stale = 0;
}

void host_machine_init(void)
{
	static const struct boot_memory map[] = {
	    {0, 0x10000, BOOT_MEMORY_TAKEN},
	    {0x10000, 0x10000, BOOT_MEMORY_USABLE},
	    {0x20000, 0x1000, BOOT_MEMORY_TAKEN},
	    {0x21000, 0x5f000, BOOT_MEMORY_USABLE},
	    {0x80000, 0x1000, BOOT_MEMORY_TAKEN},
	    {0x81000, 0x1e000, BOOT_MEMORY_USABLE},
	    {0x9f000, 0x61000, BOOT_MEMORY_RESERVED},
	    {0x100000, 0x80000, BOOT_MEMORY_TAKEN},
	    {0x180000, 0x1000, BOOT_MEMORY_USABLE},
	    {0x181000, 0x21000, BOOT_MEMORY_TAKEN},
	    {0x1a2000, 0x45e000, BOOT_MEMORY_USABLE},
	    {0x600000, 0x100000, BOOT_MEMORY_ACPI},
	    {0x700000, 0x100000, BOOT_MEMORY_USABLE},
	    {0x800000, 0x2000, BOOT_MEMORY_NVS},
	    {0x802000, HOST_MEMORY_SIZE - 0x803000, BOOT_MEMORY_USABLE},
	};

	memory_fd = memfd_create("memory", 0);
	require(memory_fd >= 0 && !ftruncate(memory_fd, HOST_MEMORY_SIZE));
	host_memory =
	    mmap(NULL, HOST_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	require(host_memory != MAP_FAILED);
	boot_info.memory_count = ARRAY_SIZE(map);
	for (u32 i = 0; i < ARRAY_SIZE(map); i++)
		boot_info.memory[i] = map[i];
	for (u32 cpu = 0; cpu < HOST_CPUS; cpu++)
		cpumask_set(&cpus_online, cpu);
	host_irqs = true;
	shrinker_register(drain_others);
}
