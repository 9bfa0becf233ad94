/* SPDX-License-Identifier: MIT
 *
 * Per-CPU data: the memory of each CPU, and its GS base.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"

#define CPU_STRUCT_SIZE ALIGN_UP(sizeof(struct cpu), 64) /* the variables follow it */

extern char __percpu_start[], __percpu_end[];

void (*preempt_hook)(void);
u32 cpu_count;
struct cpumask cpus_online;

static struct cpu boot_cpu __hot_data __aligned(64);
struct cpu *cpus[MAX_CPUS];

void preempt_due(void)
{
	if (!preempt_count() && irqs_enabled() && preempt_hook)
		preempt_hook();
}

size_t percpu_size(void)
{
	return CPU_STRUCT_SIZE + (size_t)(__percpu_end - __percpu_start);
}

static void cpu_register(struct cpu *cpu, u32 id, u32 apic_id, u64 percpu_offset)
{
	cpu->self = cpu;
	cpu->percpu_offset = percpu_offset;
	cpu->id = id;
	cpu->apic_id = apic_id;
	__atomic_store_n(&cpus[id], cpu, __ATOMIC_RELEASE);
}

struct cpu *percpu_create(void *memory, u32 id, u32 apic_id)
{
	struct cpu *cpu = memory;

	require(id < MAX_CPUS);
	memset(memory, 0, percpu_size());
	cpu_register(cpu, id, apic_id, (u64)memory + CPU_STRUCT_SIZE - (u64)__percpu_start);
	return cpu;
}

void percpu_load(struct cpu *cpu)
{
	wrmsr(MSR_GS_BASE, (u64)cpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void percpu_init_boot_cpu(void)
{
	cpu_register(&boot_cpu, 0, cpuid(1, 0).ebx >> 24, 0);
	percpu_load(&boot_cpu);
	cpumask_set(&cpus_online, 0);
	cpu_count = 1;
}
