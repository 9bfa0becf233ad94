/* SPDX-License-Identifier: MIT
 *
 * The local APIC: SDM 3A chapter 11.  Its registers are MSRs in x2APIC mode, else they are in
 * memory.
 */
#include "arch/x86_64/pc/apic.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"

#define APIC_BASE_X2APIC (1UL << 10)
#define APIC_BASE_ENABLE (1UL << 11)

/* Registers: offsets in memory; the MSR is 0x800 + offset / 16. */
#define APIC_ID		   0x020
#define APIC_VERSION	   0x030
#define APIC_TPR	   0x080
#define APIC_EOI	   0x0b0
#define APIC_SVR	   0x0f0
#define APIC_ICR	   0x300
#define APIC_ICR_HIGH	   0x310
#define APIC_LVT_TIMER	   0x320
#define APIC_LVT_PERF	   0x340
#define APIC_LVT_LINT0	   0x350
#define APIC_LVT_LINT1	   0x360
#define APIC_LVT_ERROR	   0x370
#define APIC_TIMER_COUNT   0x380
#define APIC_TIMER_NOW	   0x390
#define APIC_TIMER_DIV	   0x3e0

#define SVR_ENABLE	   0x100
#define LVT_MASKED	   0x10000
#define LVT_NMI		   0x400
#define LVT_TIMER_DEADLINE 0x40000
#define TIMER_DIVIDE_BY_1  0xb
#define ICR_PENDING	   (1U << 12)
#define ICR_NMI		   0x400
#define ICR_INIT	   0x500
#define ICR_STARTUP	   0x600
#define ICR_ASSERT	   0x4000

#define ICR_WAIT_LOOPS	   100000

static bool x2apic;
static volatile u32 *registers;

/* Counter ticks in `ns` nanoseconds: ns * mult >> MULT_SHIFT. */
#define MULT_SHIFT 30
static u64 timer_mult;

/* The product below must not overflow, and clock_read.c needs a reader in each wrap of its counter.
 */
#define TIMER_REACH_NS (2 * NSEC_PER_SEC)

volatile u32 *apic_registers(void)
{
	return registers;
}

static u32 apic_read(u32 offset)
{
	return x2apic ? (u32)rdmsr(0x800 + offset / 16) : registers[offset / 4];
}

static void apic_write(u32 offset, u32 value)
{
	if (x2apic)
		wrmsr(0x800 + offset / 16, value);
	else
		registers[offset / 4] = value;
}

static u32 apic_current_id(void)
{
	return x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

/* A write to the deadline or to a register in x2APIC mode does not wait for earlier stores, nor for
 * the write to memory that set the timer's mode, unless it is fenced (SDM 3A 11.5.4.1, 11.12.3). */
static void wrmsr_fenced(u32 msr, u64 value)
{
	__asm__ volatile("mfence; lfence" ::: "memory");
	wrmsr(msr, value);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Wait until the last IPI has been sent, for a limited time. */
static void icr_wait(void)
{
	for (u32 i = 0; i < ICR_WAIT_LOOPS && apic_read(APIC_ICR) & ICR_PENDING; i++)
		cpu_relax();
}

static void icr_send(u32 apic_id, u32 command)
{
	u64 flags;

	if (x2apic) {
		/* The receiver of the IPI must see all earlier stores. */
		wrmsr_fenced(0x800 + APIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	/* Two registers: no interrupt handler may send an IPI between the two writes. */
	flags = irq_save();
	icr_wait();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR, command);
	icr_wait();
	irq_restore(flags);
}

void apic_send_ipi(u32 apic_id, u8 vector)
{
	icr_send(apic_id, ICR_ASSERT | vector);
}

void apic_send_nmi(u32 apic_id)
{
	icr_send(apic_id, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(u32 apic_id)
{
	icr_send(apic_id, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(u32 apic_id, u8 page)
{
	icr_send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

/* Mask both 8259s.  A spurious interrupt of theirs can still come, so give them vectors that the
 * kernel ignores (0x20 to 0x2f). */
static void pic_mask(void)
{
	static const u8 commands[][2] = {
	    {0x20, 0x11}, {0xa0, 0x11}, /* begin; four command words follow */
	    {0x21, 0x20}, {0xa1, 0x28}, /* vectors */
	    {0x21, 0x04}, {0xa1, 0x02}, /* the second is connected to line 2 */
	    {0x21, 0x01}, {0xa1, 0x01}, /* 8086 mode */
	    {0x21, 0xff}, {0xa1, 0xff}, /* all masked */
	};

	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		outb(commands[i][0], commands[i][1]);
}

void apic_init(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (acpi_info.has_8259)
		pic_mask();
	/* CPUID also denies an APIC that firmware has disabled (SDM 3A 11.4.3), but then it can be
	 * enabled. */
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	if (!(rdmsr(MSR_APIC_BASE) & APIC_BASE_ENABLE))
		cannot_start("this processor has no local APIC, whose timer Heddle needs");
	x2apic = acpi_info.wants_x2apic || (base & APIC_BASE_X2APIC);
	if (!x2apic) {
		registers = mmio_map(acpi_info.lapic_address, PAGE_SIZE, CACHE_UNCACHED);
		if (!registers)
			panic("apic: no room or no memory to map the registers of the local APIC");
	}
	apic_init_cpu();
	log_info("apic: %s, boot CPU has id %u", x2apic ? "x2APIC" : "xAPIC", apic_current_id());
}

static void timer_setup(void)
{
	apic_write(APIC_TIMER_DIV, TIMER_DIVIDE_BY_1);
	apic_write(APIC_TIMER_COUNT, 0);
	apic_write(APIC_LVT_TIMER,
		   VECTOR_TIMER | (cpu_features.tsc_deadline ? LVT_TIMER_DEADLINE : 0));
}

void apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	/* A disabled APIC must enter xAPIC mode before x2APIC mode (SDM 3A 11.12.5). */
	if (!(base & APIC_BASE_ENABLE))
		wrmsr(MSR_APIC_BASE, base |= APIC_BASE_ENABLE);
	if (x2apic && !(base & APIC_BASE_X2APIC))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);

	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
	/* LINT0 comes from the 8259s.  LINT1 is the NMI on PCs; only the boot CPU accepts it. */
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, this_cpu_id() ? LVT_NMI | LVT_MASKED : LVT_NMI);
	if ((apic_read(APIC_VERSION) >> 16 & 0xff) >= 4)
		apic_write(APIC_LVT_PERF, LVT_MASKED);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	timer_setup();
	this_cpu()->apic_id = apic_current_id();
}

void apic_timer_count_start(void)
{
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_TIMER_COUNT, UINT32_MAX);
}

u32 apic_timer_ticks(void)
{
	return UINT32_MAX - apic_read(APIC_TIMER_NOW);
}

void apic_timer_init(u64 timer_hz, u64 tsc_hz)
{
	u64 hz = cpu_features.tsc_deadline ? tsc_hz : timer_hz;

	if (hz < 1000)
		cannot_start("the timer of the local APIC does not run (%lu Hz)", hz);
	timer_mult = (hz << MULT_SHIFT) / NSEC_PER_SEC;
	timer_setup();
	log_info("apic: timer %s, %lu kHz",
		 cpu_features.tsc_deadline ? "by TSC deadline" : "one-shot", hz / 1000);
}

void apic_timer_arm(u64 deadline_ns)
{
	u64 now = clock_now_ns(), ns = deadline_ns > now ? deadline_ns - now : 0;
	u64 ticks = (MIN(ns, TIMER_REACH_NS) * timer_mult >> MULT_SHIFT) + 1;

	if (cpu_features.tsc_deadline)
		wrmsr_fenced(MSR_TSC_DEADLINE, rdtsc() + ticks);
	else
		apic_write(APIC_TIMER_COUNT, (u32)MIN(ticks, (u64)UINT32_MAX));
}
