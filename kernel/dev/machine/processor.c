/* SPDX-License-Identifier: MIT
 *
 * What is known of the processor before it is measured, the errata of its local timer, and what
 * LFENCE does.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/calibrate.h"
#include "arch/x86_64/pc/smp.h"
#include "boot/cmdline.h"
#include "kernel/dev/machine/errata.h"
#include "kernel/dev/machine/tsc_rate.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

#define MSR_MICROCODE	    0x08b
#define MSR_TSC_ADJUST	    0x03b
#define MSR_AMD_HALT	    0xc0010055	/* interrupt pending and CMP-halt */
#define AMD_HALT_C1E	    (3UL << 27) /* SmiOnCmpHalt and C1eOnCmpHalt */
#define MSR_OSVW_LENGTH	    0xc0010140
#define MSR_OSVW_STATUS	    0xc0010141

#define MSR_AMD_DECODER	    0xc0011029
#define AMD_LFENCE_WAITS    (1UL << 1)

#define HYPERVISOR_LEAF	    0x40000000
#define HYPERVISOR_TSC_LEAF 0x40000010

static bool vendor_is(const char *vendor)
{
	return !strcmp(cpu_features.vendor, vendor);
}

static struct cpuid_result leaf_or_zero(u32 leaf)
{
	if (cpuid(leaf & 0x80000000, 0).eax < leaf)
		return (struct cpuid_result){0};
	return cpuid(leaf, 0);
}

/* ---- Before the clocks are set up ------------------------------------------------------------ */

static void leaves_read(struct tsc_leaves *l)
{
	struct cpuid_result r;

	*l = (struct tsc_leaves){
	    .intel = vendor_is("GenuineIntel"),
	    .family = cpu_features.family,
	    .model = cpu_features.model,
	    .leaf_15 = leaf_or_zero(0x15),
	    .leaf_16 = leaf_or_zero(0x16),
	};
	if (!cpu_features.hypervisor)
		return;
	r = cpuid(HYPERVISOR_LEAF, 0);
	memcpy(l->hypervisor, &r.ebx, 12);
	if (r.eax >= HYPERVISOR_TSC_LEAF)
		l->leaf_40000010 = cpuid(HYPERVISOR_TSC_LEAF, 0);
}

/* The revision of the microcode that is loaded (SDM 3A 10.11.7.1).  Intel only. */
static u32 microcode_revision(void)
{
	wrmsr(MSR_MICROCODE, 0);
	cpuid(1, 0);
	return rdmsr(MSR_MICROCODE) >> 32;
}

static void deadline_check(void)
{
	const struct cpu_features *f = &cpu_features;
	u32 needed = deadline_microcode(f->family, f->model, f->stepping);
	char word[16];

	/* Linux's word. */
	if (f->tsc_deadline && cmdline_get("lapic", word, sizeof(word)) &&
	    !strcmp(word, "notscdeadline")) {
		cpu_features.tsc_deadline = false;
		log_info("cpu: the TSC deadline is not used, because of lapic=notscdeadline");
	}
	/* A hypervisor makes the timer itself. */
	if (!f->tsc_deadline || f->hypervisor || !vendor_is("GenuineIntel") ||
	    microcode_revision() >= needed)
		return;
	cpu_features.tsc_deadline = false;
	log_warn("cpu: the TSC deadline is not used: an erratum of this model, which microcode "
		 "0x%x mends (it has 0x%x)",
		 needed, microcode_revision());
}

static void processor_init(void)
{
	const struct cpu_features *f = &cpu_features;
	bool arat = leaf_or_zero(6).eax >> 2 & 1;
	struct tsc_leaves leaves;
	u64 told;

	leaves_read(&leaves);
	tsc_known = tsc_rate_decide(&leaves);
	told = cmdline_get_u64("tsc_early_khz", 0); /* Linux's word */
	if (told)
		tsc_known = (struct tsc_known){.hz = told * 1000, .by = "tsc_early_khz="};
	/* Before family 10h the TSC of a core stops or slows down when the core halts. */
	tsc_known.uneven = vendor_is("AuthenticAMD") && f->family < 0x10;
	/* KVM serves an x2APIC faster than an xAPIC, and needs no interrupt remapping for it. */
	if (f->x2apic && !strcmp(leaves.hypervisor, "KVMKVMKVM"))
		acpi_info.wants_x2apic = true;
	deadline_check();
	log_info("cpu: the TSC is %sinvariant; the local timer %s", f->invariant_tsc ? "" : "not ",
		 arat ? "never stops (ARAT)"
		      : "may stop in C3, which is not used: an idle CPU only halts (C1)");
}

MACHINE_INIT_CALL(50, processor_init);

/* ---- When all CPUs run ----------------------------------------------------------------------- */

/* CPUs on which C1E was on, and CPUs whose TSC_ADJUST differs from that of the boot CPU. */
static u32 with_c1e, with_other_adjust;

static void c1e_clear(void *unused)
{
	u64 halt = rdmsr(MSR_AMD_HALT);

	if (!(halt & AMD_HALT_C1E))
		return;
	wrmsr(MSR_AMD_HALT, halt & ~AMD_HALT_C1E);
	__atomic_fetch_add(&with_c1e, 1, __ATOMIC_RELAXED);
}

static void adjust_compare(void *arg)
{
	if ((s64)rdmsr(MSR_TSC_ADJUST) != *(const s64 *)arg)
		__atomic_fetch_add(&with_other_adjust, 1, __ATOMIC_RELAXED);
}

static void on_each_cpu(void (*fn)(void *arg), void *arg)
{
	struct cpumask others;

	preempt_disable(); /* for smp_call() */
	others = cpus_online;
	cpumask_clear(&others, this_cpu_id());
	fn(arg);
	if (!cpumask_empty(&others))
		smp_call(&others, fn, arg);
	preempt_enable();
}

static bool has_erratum_400(void)
{
	const struct cpu_features *f = &cpu_features;
	bool osvw = leaf_or_zero(0x80000001).ecx >> 9 & 1;

	return vendor_is("AuthenticAMD") && !f->hypervisor &&
	       c1e_stops_timer(f->family, f->model, f->stepping, osvw ? rdmsr(MSR_OSVW_LENGTH) : 0,
			       osvw ? rdmsr(MSR_OSVW_STATUS) : 0);
}

/* On AMD processors LFENCE waits for the earlier instructions only if this bit is set ("Software
 * techniques for managing speculation on AMD processors", G-2).  Families 0Fh and 11h always wait
 * and have no such register; the newest always wait, too.  A hypervisor sets the bit itself. */
static bool lfence_has_bit(void)
{
	const struct cpu_features *f = &cpu_features;

	return (vendor_is("AuthenticAMD") || vendor_is("HygonGenuine")) && !f->hypervisor &&
	       f->family >= 0x10 && f->family != 0x11 && !(leaf_or_zero(0x80000021).eax >> 2 & 1);
}

static void lfence_set_bit(void *unused)
{
	wrmsr(MSR_AMD_DECODER, rdmsr(MSR_AMD_DECODER) | AMD_LFENCE_WAITS);
}

/* After power_button.c: firmware may switch C1E on when ACPI mode is entered. */
static void processors_check(void)
{
	if (lfence_has_bit())
		on_each_cpu(lfence_set_bit, NULL);
	if (has_erratum_400())
		on_each_cpu(c1e_clear, NULL);
	if (with_c1e)
		log_warn("cpu: C1E switched off on %u CPUs: by AMD's erratum 400 the local timers "
			 "would stop in it",
			 with_c1e);
	if (leaf_or_zero(7).ebx >> 1 & 1) {
		s64 adjust = (s64)rdmsr(MSR_TSC_ADJUST);

		on_each_cpu(adjust_compare, &adjust);
	}
	if (with_other_adjust)
		log_warn("cpu: firmware has adjusted the TSCs of %u CPUs differently "
			 "(IA32_TSC_ADJUST)",
			 with_other_adjust);
}

INIT_CALL(95, processors_check);
