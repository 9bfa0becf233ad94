/* SPDX-License-Identifier: MIT
 *
 * FPU registers that a tracer sets.
 */
#include "arch/x86_64/cpu/fpu.h"
#include "kernel/lib/string.h"
#include "kernel/linux/ptrace/ptrace.h"
#include "tests/kernel/ktest.h"

KTEST(fpu_area_refuses_what_would_fault)
{
	static u8 storage[16384] __aligned(64);
	char *area = (char *)storage;

	KEXPECT(fpu_area_size <= sizeof(storage));
	memset(storage, 0, sizeof(storage));
	KEXPECT(fpu_area_sanitize(area));
	storage[27] = 0x80; /* the highest bit of MXCSR is reserved */
	KEXPECT(!fpu_area_sanitize(area));
	memset(storage, 0, sizeof(storage));
	storage[519] = 0x40; /* an unknown component, if the CPU has XSAVE */
	KEXPECT_EQ(fpu_area_sanitize(area), fpu_xcr0 == 0);
	memset(storage, 0, sizeof(storage));
	storage[527] = 0x80; /* the compacted format */
	KEXPECT_EQ(fpu_area_sanitize(area), fpu_xcr0 == 0);
}
