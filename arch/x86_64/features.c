/* SPDX-License-Identifier: MIT
 *
 * CPUID (SDM 2A), read once, and the control bits that follow from it.
 */
#include "arch/x86_64/features.h"
#include "arch/x86_64/cpu.h"
#include "kernel/lib/format.h"
#include "kernel/lib/log.h"
#include "kernel/lib/panic.h"
#include "kernel/lib/string.h"

/* Page-attribute table, entry by entry from the lowest byte (SDM 3A 11.12.4): write-back,
 * write-combining, uncached minus, uncached; and the same again.  So PWT alone is
 * write-combining, PCD and PWT together uncached, and PTE_PAT is never needed. */
#define PAT_VALUE 0x0007010600070106UL

struct cpu_features cpu_features;

/* The registers that features_flags_text() has names for. */
enum { WORD_1_EDX, WORD_1_ECX, WORD_EXT_EDX, WORD_EXT_ECX, WORD_7_EBX, WORD_7_ECX, WORDS };

static u32 words_boot_cpu[WORDS];

static u32 cpuid_max(u32 base)
{
	return cpuid(base, 0).eax;
}

static void read_words(u32 words[WORDS])
{
	struct cpuid_result r = cpuid(1, 0);

	words[WORD_1_EDX] = r.edx;
	words[WORD_1_ECX] = r.ecx;
	r = cpuid(0x80000001, 0);
	words[WORD_EXT_EDX] = r.edx;
	words[WORD_EXT_ECX] = r.ecx;
	words[WORD_7_EBX] = words[WORD_7_ECX] = 0;
	if (cpuid_max(0) >= 7) {
		r = cpuid(7, 0);
		words[WORD_7_EBX] = r.ebx;
		words[WORD_7_ECX] = r.ecx;
	}
}

static bool bit(u32 word, u32 n)
{
	return word >> n & 1;
}

static void read_bits(struct cpu_features *f, const u32 *w)
{
	u32 ext = cpuid_max(0x80000000);

	f->cpuid1_edx = w[WORD_1_EDX];
	f->cpuid1_ecx = w[WORD_1_ECX];
	f->pge = bit(w[WORD_1_EDX], 13);
	f->pat = bit(w[WORD_1_EDX], 16);
	f->fxsr = bit(w[WORD_1_EDX], 24);
	f->pcid = bit(w[WORD_1_ECX], 17);
	f->x2apic = bit(w[WORD_1_ECX], 21);
	f->tsc_deadline = bit(w[WORD_1_ECX], 24);
	f->xsave = bit(w[WORD_1_ECX], 26);
	f->avx = bit(w[WORD_1_ECX], 28);
	f->rdrand = bit(w[WORD_1_ECX], 30);
	f->hypervisor = bit(w[WORD_1_ECX], 31);
	f->nx = bit(w[WORD_EXT_EDX], 20);
	f->pages_1g = bit(w[WORD_EXT_EDX], 26);
	f->rdtscp = bit(w[WORD_EXT_EDX], 27);
	f->fsgsbase = bit(w[WORD_7_EBX], 0);
	f->smep = bit(w[WORD_7_EBX], 7);
	f->erms = bit(w[WORD_7_EBX], 9);
	f->invpcid = bit(w[WORD_7_EBX], 10);
	f->avx512 = bit(w[WORD_7_EBX], 16);
	f->rdseed = bit(w[WORD_7_EBX], 18);
	f->smap = bit(w[WORD_7_EBX], 20);
	f->umip = bit(w[WORD_7_ECX], 2);
	f->xsaveopt = f->xsave && bit(cpuid(0xd, 1).eax, 0);
	f->arat = cpuid_max(0) >= 6 && bit(cpuid(6, 0).eax, 2);
	f->invariant_tsc = ext >= 0x80000007 && bit(cpuid(0x80000007, 0).edx, 8);
	f->physical_bits = ext >= 0x80000008 ? MIN(cpuid(0x80000008, 0).eax & 0xff, 52u) : 36;
}

static void read_names(struct cpu_features *f)
{
	struct cpuid_result r = cpuid(0, 0);
	u32 signature = cpuid(1, 0).eax;
	const char *brand;

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);

	/* SDM 2A, CPUID, figure 3-6: the extended fields count for some families only. */
	f->family = signature >> 8 & 0xf;
	f->model = signature >> 4 & 0xf;
	f->stepping = signature & 0xf;
	if (f->family == 6 || f->family == 15)
		f->model |= signature >> 12 & 0xf0;
	if (f->family == 15)
		f->family += signature >> 20 & 0xff;

	if (cpuid_max(0x80000000) < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + 16 * i, &r, 16);
	}
	for (brand = f->brand; *brand == ' '; brand++)
		;
	memmove(f->brand, brand, strlen(brand) + 1);
}

void features_detect(void)
{
	read_words(words_boot_cpu);
	read_bits(&cpu_features, words_boot_cpu);
	read_names(&cpu_features);
	/* Long mode was checked before it was entered (boot.S). */
	if (!cpu_features.fxsr || !bit(cpu_features.cpuid1_edx, 26))
		panic("this processor has no SSE2");
	log_info("cpu: %s, %s family %u model %u stepping %u", cpu_features.brand,
		 cpu_features.vendor, cpu_features.family, cpu_features.model,
		 cpu_features.stepping);
}

bool features_enable_cpu(void)
{
	const struct cpu_features *boot = &cpu_features;
	struct cpu_features here = {0};
	u32 words[WORDS];
	u64 cr4 = CR4_PAE;

	read_words(words);
	read_bits(&here, words);
	if ((boot->nx && !here.nx) || (boot->pages_1g && !here.pages_1g) ||
	    (boot->pge && !here.pge) || (boot->smep && !here.smep) || (boot->smap && !here.smap) ||
	    (boot->umip && !here.umip) || (boot->xsave && !here.xsave) ||
	    (boot->avx && !here.avx) || (boot->pat && !here.pat) || !here.fxsr) {
		log_error("cpu with APIC id %u lacks what the boot CPU has", cpuid(1, 0).ebx >> 24);
		return false;
	}

	if (bit(words[WORD_1_EDX], 7))
		cr4 |= CR4_MCE;
	if (boot->pge)
		cr4 |= CR4_PGE;
	if (boot->smep)
		cr4 |= CR4_SMEP;
	if (boot->smap)
		cr4 |= CR4_SMAP;
	if (boot->umip)
		cr4 |= CR4_UMIP;
	write_cr4(cr4 | (read_cr4() & (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE)));
	write_cr0(read_cr0() | CR0_WP);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (boot->nx ? EFER_NXE : 0));
	if (boot->pat)
		wrmsr(MSR_PAT, PAT_VALUE);
	return true;
}

/* Linux's names, by bit from 0 on; "-" for bits without. */
static const char *const word_names[WORDS] = {
    [WORD_1_EDX] = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 "
		   "pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe",
    [WORD_1_ECX] = "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 "
		   "xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer "
		   "aes xsave - avx f16c rdrand hypervisor",
    [WORD_EXT_EDX] = "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt "
		     "pdpe1gb rdtscp - lm 3dnowext 3dnow",
    [WORD_EXT_ECX] = "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse "
		     "3dnowprefetch osvw",
    [WORD_7_EBX] = "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - "
		   "mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb "
		   "intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl",
    [WORD_7_ECX] = "- avx512vbmi umip pku",
};

size_t features_flags_text(char *buf, size_t size)
{
	size_t at = 0;

	for (u32 w = 0; w < WORDS; w++) {
		const char *name = word_names[w];

		for (u32 n = 0; *name; n++) {
			const char *end = strchr(name, ' ');
			int length = (int)(end ? (size_t)(end - name) : strlen(name));

			if (*name != '-' && bit(words_boot_cpu[w], n))
				at += (size_t)scnprintf(buf + at, size - at, "%s%.*s",
							at ? " " : "", length, name);
			name += length + (end ? 1 : 0);
		}
	}
	if (cpu_features.invariant_tsc)
		at += (size_t)scnprintf(buf + at, size - at, " constant_tsc nonstop_tsc");
	return at;
}
