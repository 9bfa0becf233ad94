/* SPDX-License-Identifier: MIT
 *
 * Saving and restoring FPU, SSE and AVX state.  SDM 1 chapter 13 (XSAVE), 10.5 (FXSAVE).
 */
#include "arch/x86_64/cpu/fpu.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"


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

static u32 mxcsr_mask __hot_data;
static bool leaks_pointers __hot_data; /* FXSAVE and FXRSTOR skip FIP, FDP and FOP */

static void xsetbv(u32 index, u64 value)
{
	__asm__ volatile("xsetbv" ::"c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
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
	mxcsr_mask = probe.mxcsr_mask ? probe.mxcsr_mask : 0xffbf;
	/* AMD processors before Zen 2 save and load these pointers only while an exception is
	 * pending, so a thread could read those of another program (CVE-2006-1056). */
	leaks_pointers =
	    !strcmp(cpu_features.vendor, "AuthenticAMD") &&
	    (cpuid(0x80000000, 0).eax < 0x80000008 || !(cpuid(0x80000008, 0).ebx & 1U << 2));
	log_info("fpu: %s, features 0x%lx, %u bytes",
		 !fpu_xcr0		 ? "FXSAVE"
		 : cpu_features.xsaveopt ? "XSAVEOPT"
					 : "XSAVE",
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
		xsetbv(0, fpu_xcr0);
	}
	__asm__ volatile("fninit");
	if (!this_cpu_id())
		fpu_measure();
}

void fpu_area_init(struct fpu_area *area)
{
	memset(area, 0, fpu_area_size);
	area->fcw = 0x37f;
	area->mxcsr = 0x1f80;
	area->mxcsr_mask = mxcsr_mask;
	if (fpu_xcr0)
		area->xstate_bv = XCR0_X87_SSE;
}

void fpu_save_whole(struct fpu_area *area)
{
	if (!fpu_xcr0)
		fpu_save(area);
	else
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)fpu_xcr0),
				 "d"((u32)(fpu_xcr0 >> 32))
				 : "memory");
}

void fpu_save(struct fpu_area *area)
{
	u32 low = (u32)fpu_xcr0, high = (u32)(fpu_xcr0 >> 32);

	if (!fpu_xcr0)
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
	else if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
}

void fpu_restore(const struct fpu_area *area)
{
	/* FILD overwrites the pointers, so that nothing of another thread is left in them. */
	if (leaks_pointers)
		__asm__ volatile("fnclex; emms; fildl %0" ::"m"(mxcsr_mask));
	if (fpu_xcr0)
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)fpu_xcr0),
				 "d"((u32)(fpu_xcr0 >> 32))
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

bool fpu_area_sanitize(struct fpu_area *area)
{
	if (area->mxcsr & ~mxcsr_mask)
		return false;
	if (!fpu_xcr0)
		return true;
	/* XRSTOR faults on unknown components, on the compacted form, and if bytes 8 to 23 of the
	 * header are not zero (SDM 1 13.8). */
	if ((area->xstate_bv & ~fpu_xcr0) || area->xcomp_bv || area->header_reserved[0])
		return false;
	memset(area->header_reserved, 0, sizeof(area->header_reserved));
	return true;
}
