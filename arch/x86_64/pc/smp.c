/* SPDX-License-Identifier: MIT
 *
 * Starting the other processors (SDM 3A 9.4.4), and stopping them for a panic.
 */
#include "arch/x86_64/pc/smp.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/clock.h"
#include "boot/boot_info.h"
#include "boot/cmdline.h"
#include "boot/trampoline.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"

#define START_PATIENCE_NS (5 * NSEC_PER_SEC) /* since the last progress of any CPU */
#define STOP_PATIENCE_NS  (500 * NSEC_PER_MSEC)

void (*smp_cpu_setup_hook)(void);
bool smp_stopping;

static struct trampoline_slot slots[MAX_CPUS];
static void (*smp_entry)(void) noreturn;

/* ---- Starting ------------------------------------------------------------------------------- */

static void slot_set_state(struct trampoline_slot *slot, u32 state)
{
	__atomic_store_n(&slot->state, state, __ATOMIC_RELEASE);
}

/* Several CPUs may do this at the same time; the highest count remains. */
static void cpu_count_raise(u32 count)
{
	u32 old = READ_ONCE(cpu_count);

	while (old < count && !__atomic_compare_exchange_n(&cpu_count, &old, count, false,
							   __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* The first C function of a processor that starts.  It runs on its own stack, interrupts off. */
static void noreturn smp_cpu_begin(struct trampoline_slot *slot)
{
	u64 ist[4];

	percpu_load(slot->cpu);
	if (!features_enable_cpu()) {
		slot_set_state(slot, TRAMPOLINE_UNFIT);
		cpu_halt_forever();
	}
	/* The stacks for double fault, NMI, machine check and debug lie above its own stack. */
	for (u32 i = 0; i < 4; i++)
		ist[i] = slot->stack + (i + 1) * IST_STACK_SIZE;
	descriptors_init_cpu(ist);
	idt_load();
	smp_cpu_setup_hook();
	paging_init_cpu();
	apic_init_cpu();
	fpu_init_cpu();
	cpu_count_raise(this_cpu_id() + 1);
	cpumask_set(&cpus_online, this_cpu_id());
	slot_set_state(slot, TRAMPOLINE_ONLINE);
	smp_entry();
}

/* The number of CPUs to use: those of the MADT, but at most maxcpus=, and one with nosmp. */
static u32 cpus_wanted(void)
{
	u64 most = cmdline_get_u64("maxcpus", MAX_CPUS);
	char word[2];

	if (cmdline_get("nosmp", word, sizeof(word)))
		return 1;
	return (u32)MAX(MIN(most, (u64)acpi_info.cpu_count), 1UL);
}

/* Fill a slot for each CPU and allocate its memory: the per-CPU area, and above it the stacks.
 * Returns the number of slots. */
static u32 slots_prepare(u32 wanted, void *(*alloc)(size_t))
{
	size_t area = ALIGN_UP(percpu_size(), PAGE_SIZE);
	u32 count = 0;

	for (u32 id = 1; id < wanted; id++) {
		struct trampoline_slot *slot = &slots[count];
		char *memory = alloc(area + KSTACK_SIZE + 4 * IST_STACK_SIZE);

		if (!memory) {
			log_warn("smp: no memory for CPU %u: it and those after it are not used",
				 id);
			break;
		}
		slot->apic_id = acpi_info.cpu_apic_ids[id];
		slot->state = TRAMPOLINE_WAITING;
		slot->stack = (u64)memory + area + KSTACK_SIZE;
		slot->cpu = percpu_create(memory, id, slot->apic_id);
		count++;
	}
	return count;
}

/* Add the address of the page to a 32-bit address in the copy, which may be unaligned. */
static void trampoline_relocate(char *copy, const char *where, u32 base)
{
	char *p = copy + (where - trampoline_start);
	u32 value;

	memcpy(&value, p, sizeof(value));
	value += base;
	memcpy(p, &value, sizeof(value));
}

/* Copy the trampoline to its page below 1 MiB, and fill its data. */
static void trampoline_install(u32 count)
{
	u32 base = (u32)boot_info.trampoline_page;
	char *copy = phys_to_virt(base);
	struct trampoline_data *data = (void *)(copy + (trampoline_data - trampoline_start));

	require((size_t)(trampoline_end - trampoline_start) <= PAGE_SIZE);
	require(kernel_pmap.root < 1UL << 32);
	memcpy(copy, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	trampoline_relocate(copy, trampoline_gdt_pointer + 2, base);
	trampoline_relocate(copy, trampoline_jump_32, base);
	trampoline_relocate(copy, trampoline_jump_64, base);
	*data = (struct trampoline_data){
	    .root = kernel_pmap.root,
	    .efer = (rdmsr(MSR_EFER) & (EFER_SCE | EFER_NXE)) | EFER_LME,
	    .slots = (u64)slots,
	    .slot_count = count,
	    .apic = (u64)apic_registers(),
	    .entry = (u64)smp_cpu_begin,
	    .base = base,
	};
}

/* The number of slots whose state is `state` or a later one. */
static u32 slots_count(u32 count, u32 state)
{
	u32 n = 0;

	for (u32 i = 0; i < count; i++)
		if (__atomic_load_n(&slots[i].state, __ATOMIC_ACQUIRE) >= state)
			n++;
	return n;
}

/* Wait until all CPUs are online or unfit, or until none has made progress for START_PATIENCE_NS.
 */
static void slots_wait(u32 count)
{
	u64 since = clock_now_ns();
	u32 progress = 0;

	while (slots_count(count, TRAMPOLINE_ONLINE) < count &&
	       clock_now_ns() - since < START_PATIENCE_NS) {
		u32 now =
		    slots_count(count, TRAMPOLINE_ARRIVED) + slots_count(count, TRAMPOLINE_ONLINE);

		if (now > progress) {
			progress = now;
			since = clock_now_ns();
		}
		cpu_relax();
	}
}

/* Log the CPUs that are not online, and keep them from coming online later. */
static void slots_report(u32 count)
{
	for (u32 i = 0; i < count; i++) {
		struct trampoline_slot *slot = &slots[i];
		u32 state = TRAMPOLINE_WAITING;

		/* A CPU that arrives late finds its slot abandoned and halts.  INIT keeps it from
		 * running the trampoline after that page has been reused. */
		if (__atomic_compare_exchange_n(&slot->state, &state, TRAMPOLINE_ABANDONED, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			apic_send_init(slot->apic_id);
			log_warn("smp: the CPU with APIC id %u does not answer: not used",
				 slot->apic_id);
		} else if (state == TRAMPOLINE_ARRIVED) {
			log_warn("smp: the CPU with APIC id %u started but did not come online",
				 slot->apic_id);
		} else if (state == TRAMPOLINE_UNFIT) {
			log_warn("smp: the CPU with APIC id %u is not used", slot->apic_id);
		}
	}
}

void smp_start_all(void (*entry)(void) noreturn, void *(*alloc)(size_t bytes))
{
	u32 wanted = cpus_wanted(), count;

	if (wanted > 1 && !boot_info.trampoline_page) {
		log_warn("smp: no free page below 1 MiB to start other CPUs: using only one");
		wanted = 1;
	}
	if (wanted > 1) {
		smp_entry = entry;
		count = slots_prepare(wanted, alloc);
		trampoline_install(count);
		/* SDM 3A 9.4.4.1: INIT, 10 ms, start-up, 200 us, start-up once more. */
		for (u32 i = 0; i < count; i++)
			apic_send_init(slots[i].apic_id);
		clock_delay_us(10000);
		for (u32 round = 0; round < 2; round++) {
			for (u32 i = 0; i < count; i++)
				if (READ_ONCE(slots[i].state) == TRAMPOLINE_WAITING)
					apic_send_startup(slots[i].apic_id,
							  (u8)(boot_info.trampoline_page >> 12));
			clock_delay_us(200);
		}
		slots_wait(count);
		slots_report(count);
	}
	log_info("smp: %u of %u CPUs online", cpumask_count(&cpus_online), acpi_info.cpu_count);
}

/* ---- Stopping ------------------------------------------------------------------------------- */

static struct cpumask stopped;

void smp_stop_self(void)
{
	cpumask_set(&stopped, this_cpu_id());
	cpu_halt_forever();
}

void smp_stop_others(void)
{
	u32 self = this_cpu_id(), others = 0;
	u64 since = clock_now_ns();

	__atomic_store_n(&smp_stopping, true, __ATOMIC_SEQ_CST);
	cpumask_for_each (cpu, &cpus_online) {
		if (cpu == self)
			continue;
		apic_send_nmi(cpu_get(cpu)->apic_id);
		others++;
	}
	/* Limit the number of rounds too, because the clock itself may be broken. */
	for (u32 i = 0; i < 100000000 && cpumask_count(&stopped) < others &&
			clock_now_ns() - since < STOP_PATIENCE_NS;
	     i++)
		cpu_relax();
}
