/* SPDX-License-Identifier: MIT
 *
 * CPUID (SDM 2A), read once, and the control bits that follow from it.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

/* Page-attribute table, entry by entry from the lowest byte (SDM 3A 11.12.4): write-back,
 * write-combining, uncached minus, uncached; and the same again.  So PWT alone is
 * write-combining, PCD and PWT together uncached, and the PAT bit of an entry is never needed. */
#define PAT_VALUE 0x0007010600070106UL

struct cpu_features cpu_features __hot_data;

/* The registers of CPUID in which each bit is a feature. */
enum { L1_EDX, L1_ECX, EXT_EDX, EXT7_EDX, L7_EBX, L7_ECX, XSAVE_EAX, WORDS };

#define FIELD(name) offsetof(struct cpu_features, name)

const struct feature features[] = {
    {"mce", L1_EDX, 7, FIELD(mce)},
    {"pge", L1_EDX, 13, FIELD(pge)},
    {"pat", L1_EDX, 16, FIELD(pat)},
    {"fxsr", L1_EDX, 24, FIELD(fxsr)},
    {"sse2", L1_EDX, 26, FIELD(sse2)},
    {"nx", EXT_EDX, 20, FIELD(nx)},
    {"pdpe1gb", EXT_EDX, 26, FIELD(pages_1g)},
    {"nonstop_tsc", EXT7_EDX, 8, FIELD(invariant_tsc)},
    {"x2apic", L1_ECX, 21, FIELD(x2apic)},
    {"tsc_deadline_timer", L1_ECX, 24, FIELD(tsc_deadline)},
    {"xsave", L1_ECX, 26, FIELD(xsave)},
    {"avx", L1_ECX, 28, FIELD(avx)},
    {"rdrand", L1_ECX, 30, FIELD(rdrand)},
    {"hypervisor", L1_ECX, 31, FIELD(hypervisor)},
    {"smep", L7_EBX, 7, FIELD(smep)},
    {"avx512f", L7_EBX, 16, FIELD(avx512)},
    {"rdseed", L7_EBX, 18, FIELD(rdseed)},
    {"smap", L7_EBX, 20, FIELD(smap)},
    {"umip", L7_ECX, 2, FIELD(umip)},
    {"xsaveopt", XSAVE_EAX, 0, FIELD(xsaveopt)},
    {"", 0, 0, 0},
};

static struct cpuid_result cpuid_or_zero(u32 leaf, u32 subleaf)
{
	if (cpuid(leaf & 0x80000000, 0).eax < leaf)
		return (struct cpuid_result){0};
	return cpuid(leaf, subleaf);
}

static void read_words(u32 words[WORDS])
{
	words[L1_EDX] = cpuid(1, 0).edx;
	words[L1_ECX] = cpuid(1, 0).ecx;
	words[EXT_EDX] = cpuid(0x80000001, 0).edx;
	words[EXT7_EDX] = cpuid_or_zero(0x80000007, 0).edx;
	words[L7_EBX] = cpuid_or_zero(7, 0).ebx;
	words[L7_ECX] = cpuid_or_zero(7, 0).ecx;
	words[XSAVE_EAX] = cpuid_or_zero(0xd, 1).eax;
}

static bool has(const u32 words[WORDS], const struct feature *f)
{
	return words[f->word] >> f->bit & 1;
}

static void read_names(struct cpu_features *f)
{
	struct cpuid_result r = cpuid(0, 0);
	u32 signature = cpuid(1, 0).eax;
	const char *brand;

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);

	/* The extended fields are valid for some families only (SDM 2A, CPUID, figure 3-6). */
	f->family = signature >> 8 & 0xf;
	f->model = signature >> 4 & 0xf;
	f->stepping = signature & 0xf;
	if (f->family == 6 || f->family == 15)
		f->model |= signature >> 12 & 0xf0;
	if (f->family == 15)
		f->family += signature >> 20 & 0xff;

	if (cpuid(0x80000000, 0).eax < 0x80000004)
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
	struct cpu_features *f = &cpu_features;
	u32 words[WORDS], bits = cpuid_or_zero(0x80000008, 0).eax & 0xff;

	read_words(words);
	for (u32 i = 0; features[i].name[0]; i++)
		*((bool *)f + features[i].field) = has(words, &features[i]);
	/* Firmware may limit CPUID to the first leaves (IA32_MISC_ENABLE bit 22, SDM 4 table 2-2).
	 * Without leaf 0dh the size of an XSAVE area is unknown. */
	f->xsave &= cpuid(0, 0).eax >= 0xd;
	f->cpuid1_edx = words[L1_EDX];
	f->physical_bits = bits ? MIN(bits, 52u) : 36;
	read_names(f);
	log_info("cpu: %s, %s family %u model %u stepping %u", f->brand, f->vendor, f->family,
		 f->model, f->stepping);
}

bool features_enable_cpu(void)
{
	const struct cpu_features *boot = &cpu_features;
	u32 words[WORDS];

	read_words(words);
	for (u32 i = 0; features[i].name[0]; i++) {
		const struct feature *f = &features[i];

		if (*((const bool *)boot + f->field) && !has(words, f)) {
			log_error("cpu with APIC id %u lacks %s, which the boot CPU has",
				  cpuid(1, 0).ebx >> 24, f->name);
			return false;
		}
	}
	write_cr4((read_cr4() & (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE)) | CR4_PAE |
		  (boot->mce ? CR4_MCE : 0) | (boot->pge ? CR4_PGE : 0) |
		  (boot->smep ? CR4_SMEP : 0) | (boot->smap ? CR4_SMAP : 0) |
		  (boot->umip ? CR4_UMIP : 0));
	write_cr0(read_cr0() | CR0_WP);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (boot->nx ? EFER_NXE : 0));
	if (boot->pat)
		wrmsr(MSR_PAT, PAT_VALUE);
	return true;
}
