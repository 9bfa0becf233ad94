/* SPDX-License-Identifier: MIT
 *
 * /proc/cpuinfo, with the lines and the names of flags that Linux has (proc(5)).
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/string.h"
#include "kernel/linux/cpu_topology.h"
#include "kernel/linux/proc_file.h"

enum cpuid_register { EAX, EBX, ECX, EDX };

/* The flags of one register: the names of its bits from bit 0, separated by spaces; "-" is a bit
 * without a name.  What the kernel would have to enable, and does not, has none: fsgsbase, pku,
 * pcid, la57, shadow stacks and AMX. */
static const struct flag_word {
	u32 leaf, subleaf;
	enum cpuid_register reg;
	const char *names;
} flag_words[] = {
    {1, 0, EDX,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {0x80000001, 0, EDX,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {1, 0, ECX,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - - "
     "dca "
     "sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    {0x80000001, 0, ECX,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
     "perfctr_llc mwaitx - -"},
    {7, 0, EBX,
     "- tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms - rtm cqm - mpx rdt_a avx512f avx512dq "
     "rdseed "
     "adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw "
     "avx512vl"},
    {7, 0, ECX,
     "- avx512vbmi umip - - waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg "
     "tme avx512_vpopcntdq - - - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b "
     "enqcmd sgx_lc -"},
    {7, 0, EDX,
     "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
     "tsxldtrk - pconfig arch_lbr - - - avx512_fp16 - - - - flush_l1d arch_capabilities - -"},
    {7, 1, EAX, "- - - - avx_vnni avx512_bf16"},
    {0xd, 1, EAX, "xsaveopt xsavec xgetbv1 xsaves"},
    {6, 0, EAX, "dtherm ida arat"},
    {0x80000007, 0, EDX, "- - - - - - - - nonstop_tsc"},
    {0x80000008, 0, EBX, "clzero irperf xsaveerptr - rdpru - - - - wbnoinvd"},
};

static u32 read_word(const struct flag_word *w)
{
	struct cpuid_result r = {0};

	if (cpuid(w->leaf & 0x80000000, 0).eax >= w->leaf)
		r = cpuid(w->leaf, w->subleaf);
	return (const u32[]){r.eax, r.ebx, r.ecx, r.edx}[w->reg];
}

static void write_flags(struct text *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_words); i++) {
		u32 bits = read_word(&flag_words[i]);

		for (const char *name = flag_words[i].names, *end; name; bits >>= 1) {
			end = strchr(name, ' ');
			if (bits & 1 && *name != '-')
				text_printf(t, "%.*s ", end ? (int)(end - name) : -1, name);
			name = end ? end + 1 : NULL;
		}
	}
	if (cpu_features.invariant_tsc)
		text_printf(t, "constant_tsc ");
	text_printf(t, "nopl cpuid\n");
}

/* The CPUs of the package of `cpu`, and their cores. */
static void count_package(u32 cpu, u32 *siblings, u32 *cores)
{
	struct cpumask package, core;

	cpu_group(cpu, cpu_topology(cpu)->package_shift, &package);
	*siblings = cpumask_count(&package);
	*cores = 0;
	cpumask_for_each (other, &package) {
		cpu_group(other, cpu_topology(other)->core_shift, &core);
		*cores += cpumask_next(&core, 0) == other;
	}
}

static void write_identity(struct text *t, u32 cpu)
{
	const struct cpu_features *f = &cpu_features;
	u64 khz = clock_tsc_hz() / 1000;

	text_printf(t,
		    "processor\t: %u\n"
		    "vendor_id\t: %s\n"
		    "cpu family\t: %u\n"
		    "model\t\t: %u\n"
		    "model name\t: %s\n"
		    "stepping\t: %u\n"
		    "cpu MHz\t\t: %lu.%03lu\n",
		    cpu, f->vendor, f->family, f->model, f->brand, f->stepping, khz / 1000,
		    khz % 1000);
	if (cpu_cache_kib(cpu))
		text_printf(t, "cache size\t: %u KB\n", cpu_cache_kib(cpu));
}

static void write_topology(struct text *t, u32 cpu)
{
	u32 siblings, cores;

	count_package(cpu, &siblings, &cores);
	text_printf(t,
		    "physical id\t: %u\n"
		    "siblings\t: %u\n"
		    "core id\t\t: %u\n"
		    "cpu cores\t: %u\n"
		    "apicid\t\t: %u\n"
		    "initial apicid\t: %u\n",
		    cpu_package_id(cpu), siblings, cpu_core_id(cpu), cores, cpu_get(cpu)->apic_id,
		    cpu_topology(cpu)->apic_id);
}

static void make_cpuinfo(struct text *t)
{
	u64 khz = clock_tsc_hz() / 1000;
	u32 line = (cpuid(1, 0).ebx >> 8 & 0xff) * 8; /* of the cache, in bytes, for CLFLUSH */

	cpumask_for_each (cpu, &cpus_online) {
		write_identity(t, cpu);
		write_topology(t, cpu);
		text_printf(t,
			    "fpu\t\t: yes\n"
			    "fpu_exception\t: yes\n"
			    "cpuid level\t: %u\n"
			    "wp\t\t: yes\n"
			    "flags\t\t: ",
			    cpuid(0, 0).eax);
		write_flags(t);
		text_printf(t,
			    "bogomips\t: %lu.%02lu\n"
			    "clflush size\t: %u\n"
			    "cache_alignment\t: %u\n"
			    "address sizes\t: %u bits physical, 48 bits virtual\n"
			    "power management:\n"
			    "\n",
			    khz / 500, khz / 5 % 100, line, line, cpu_features.physical_bits);
	}
}

PROC_FILES(files) = {{"cpuinfo", .make = make_cpuinfo}};
