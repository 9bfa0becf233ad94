/* SPDX-License-Identifier: MIT
 *
 * Saving and restoring FPU, SSE and AVX state.  SDM 1 chapter 13 (XSAVE), 10.5 (FXSAVE).
 */
#include "arch/x86_64/cpu/fpu.h"

#include "arch/x86_64/cpu/arch_thread.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

/* A thread that has used the registers in more turns than this one after the other is expected to do
 * so again: it gets them without #NM.  The counter of 8 bits overflows, so that from time to time it
 * must show this anew. */
#define TURNS_TO_EXPECT 5

#define XCR0_X87_SSE 0x03UL
#define XCR0_AVX     0x04UL
#define XCR0_AVX512  0xe0UL /* opmask, upper halves of ZMM0-15, ZMM16-31 */

/* The standard form of an XSAVE area; the first 512 bytes are FXSAVE's. */
struct fpu_area {
	u16 fcw, fsw;
	u8 ftw, reserved0;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 registers[480];
	u64 xstate_bv, xcomp_bv;
	u64 header_reserved[6];
} __aligned(64);

u32 fpu_area_size;
u64 fpu_xcr0 __hot_data;
u32 fpu_mxcsr_mask __hot_data;

/* The state that a program starts with.  XRSTOR takes the components that are not in `xstate_bv`,
 * here all, as initial, and reads only MXCSR. */
static struct fpu_area initial_area = {.fcw = 0x37f, .mxcsr = 0x1f80};
static bool leaks_pointers __hot_data; /* FXSAVE and FXRSTOR skip FIP, FDP and FOP */

static void use_begins(struct cpu *cpu)
{
	if (!cpu->fpu_in_use)
		__asm__ volatile("clts");
	cpu->fpu_in_use = true;
}

static void use_ends(struct cpu *cpu)
{
	if (cpu->fpu_in_use)
		write_cr0(read_cr0() | CR0_TS);
	cpu->fpu_in_use = false;
}

static u64 xcr0_choose(void)
{
	struct cpuid_result r = cpuid(0xd, 0);
	u64 supported = r.eax | (u64)r.edx << 32, wanted = XCR0_X87_SSE;

	if (cpu_features.avx)
		wanted |= supported & XCR0_AVX;
	if (cpu_features.avx512 && (wanted & XCR0_AVX) && (supported & XCR0_AVX512) == XCR0_AVX512)
		wanted |= XCR0_AVX512;
	return wanted;
}

/* On the boot CPU: find the size of an area, and which bits MXCSR may have (SDM 1 11.6.6). */
static void fpu_measure(void)
{
	static struct fpu_area probe;

	fpu_area_size = fpu_xcr0 ? MAX(cpuid(0xd, 0).ebx, (u32)sizeof(struct fpu_area)) : 512;
	__asm__ volatile("fxsave64 %0" : "=m"(probe));
	fpu_mxcsr_mask = probe.mxcsr_mask ? probe.mxcsr_mask : 0xffbf;
	/* AMD processors before Zen 2 save and load these pointers only while an exception is
	 * pending, so a thread could read those of another program (CVE-2006-1056). */
	leaks_pointers =
	    !strcmp(cpu_features.vendor, "AuthenticAMD") &&
	    (cpuid(0x80000000, 0).eax < 0x80000008 || !(cpuid(0x80000008, 0).ebx & 1U << 2));
	log_info("fpu: %s, features 0x%lx, %u bytes",
		 cpu_features.xsaveopt ? "XSAVEOPT" : fpu_xcr0 ? "XSAVE" : "FXSAVE",
		 (unsigned long)fpu_xcr0, fpu_area_size);
}

void fpu_init_cpu(void)
{
	u64 cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	write_cr4(cpu_features.xsave ? cr4 | CR4_OSXSAVE : cr4);
	if (cpu_features.xsave) {
		if (!this_cpu_id())
			fpu_xcr0 = xcr0_choose();
		__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)fpu_xcr0),
				 "d"((u32)(fpu_xcr0 >> 32)));
	}
	__asm__ volatile("fninit");
	this_cpu()->fpu_in_use = true;
	if (!this_cpu_id())
		fpu_measure();
	use_ends(this_cpu());
}

/* --- Registers and areas ---------------------------------------------------------------------- */

/* XSAVEOPT does not write the components that are in their initial state (SDM 1 13.9). */
static __hot void state_save(struct arch_thread *t)
{
	u32 low = (u32)fpu_xcr0, high = (u32)(fpu_xcr0 >> 32);

	if (!fpu_xcr0)
		__asm__ volatile("fxsave64 (%0)" ::"r"(t->fpu) : "memory");
	else if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(t->fpu), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" ::"r"(t->fpu), "a"(low), "d"(high) : "memory");
	t->fpu_saved = true;
}

/* Load the registers, unless they hold the state of `t`: neither has another thread loaded its own here
 * since, nor `t` on another CPU.  Inline, so that fpu_switch() calls nothing and needs no frame. */
static __always_inline void state_load(struct cpu *cpu, struct arch_thread *t)
{
	const struct fpu_area *area = t->fpu_saved ? t->fpu : &initial_area;

	if (cpu->fpu_owner == t && t->fpu_cpu == cpu->id)
		return;
	/* FILD overwrites the pointers, so that nothing of another thread is left in them. */
	if (leaks_pointers)
		__asm__ volatile("fnclex; emms; fildl %0" ::"m"(fpu_mxcsr_mask));
	if (fpu_xcr0)
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)fpu_xcr0),
				 "d"((u32)(fpu_xcr0 >> 32))
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
	cpu->fpu_owner = t;
	t->fpu_cpu = cpu->id;
}

__hot void fpu_switch(struct arch_thread *prev, struct arch_thread *next, bool other_space)
{
	bool expected = next->fpu_turns > TURNS_TO_EXPECT;
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_in_use && cpu->fpu_owner == prev) { /* not if `prev` is dead */
		state_save(prev);
		prev->fpu_turns++;
	} else {
		prev->fpu_turns = 0;
	}
	if (expected || (other_space && next->fpu)) {
		use_begins(cpu);
		state_load(cpu, next);
	}
	if (!expected)
		use_ends(cpu);
}

void fpu_claim(struct arch_thread *self)
{
	struct cpu *cpu = this_cpu();

	use_begins(cpu);
	state_load(cpu, self);
}

/* --- The state of a thread --------------------------------------------------------------------- */

void fpu_save(struct arch_thread *self)
{
	preempt_disable();
	if (this_cpu()->fpu_in_use)
		state_save(self);
	preempt_enable();
}

void fpu_reset(struct arch_thread *self)
{
	preempt_disable();
	use_ends(this_cpu());
	self->fpu_saved = false;
	self->fpu_cpu = MAX_CPUS;
	preempt_enable();
}

/* Execute one instruction on the area at the user address `user`.  If it faults, go to `fault`. */
#define ON_USER_AREA(instruction)                                                                  \
	__asm__ goto("1:\t" instruction "\n\t"                                                      \
		     ".pushsection __ex_table, \"a\"\n\t.quad 1b, %l[fault]\n\t.popsection" ::"r"(user), \
		     "a"((u32)features), "d"((u32)(features >> 32))                                \
		     : "memory"                                                                    \
		     : fault)

bool fpu_move_user(struct arch_thread *self, u64 user, u64 features, bool load)
{
	bool moved = false;
	u32 mxcsr;

	preempt_disable();
	fpu_claim(self);
	if (smap_enabled)
		__asm__ volatile("stac" ::: "memory");
	if (load && features) {
		ON_USER_AREA("xrstor64 (%0)");
	} else if (load) {
		ON_USER_AREA("fxrstor64 (%0)");
	} else if (!features) {
		ON_USER_AREA("fxsave64 (%0)");
	} else {
		ON_USER_AREA("xsave64 (%0)");
		/* As on Linux: a handler may change the registers of x87 and SSE in its frame
		 * without knowing of this word, XSTATE_BV. */
		ON_USER_AREA("orq $3, 512(%0)");
	}
	moved = true;
fault:
	if (smap_enabled)
		__asm__ volatile("clac" ::: "memory");
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	preempt_enable();
	/* Processors refuse reserved bits of MXCSR.  QEMU loads them. */
	moved &= !load || !(mxcsr & ~fpu_mxcsr_mask);
	if (load && !moved)
		fpu_reset(self);
	return moved;
}
