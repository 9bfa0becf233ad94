/* SPDX-License-Identifier: MIT
 *
 * GDT, TSS and IDT.  SDM 3A 3.4.5 (segment descriptors), 7.7 (64-bit TSS), 6.14.1 (gates).
 */
#include "arch/x86_64/cpu/descriptors.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* [IST_x - 1] */
	u64 reserved2;
	u16 reserved3;
	u16 io_map;
} __packed;

struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
} __packed;

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

#define GDT_ENTRIES (SELECTOR_TSS / 8 + 2)

/* Present 64-bit interrupt gates: IF is clear on entry (SDM 3A 6.14.1). */
#define GATE_KERNEL 0x8e /* DPL 0: INT n in user mode is a general-protection fault */
#define GATE_USER   0xee /* DPL 3 */

static DEFINE_PER_CPU(struct tss, cpu_tss);
static DEFINE_PER_CPU(u64, cpu_gdt)[GDT_ENTRIES];

static struct gate idt[256] __aligned(4096);

static u8 boot_stacks[4][IST_STACK_SIZE] __aligned(16);
const u64 boot_ist_stacks[4] = {
    (u64)boot_stacks[1],
    (u64)boot_stacks[2],
    (u64)boot_stacks[3],
    (u64)boot_stacks[3] + IST_STACK_SIZE,
};

void descriptors_init_cpu(const u64 ist_stacks[4])
{
	struct tss *tss = this_cpu_ptr(cpu_tss);
	u64 *gdt = *this_cpu_ptr(cpu_gdt), base = (u64)tss, gs_base = rdmsr(MSR_GS_BASE);
	struct table_pointer pointer = {GDT_ENTRIES * 8 - 1, (u64)gdt};

	for (u32 i = 0; i < 4; i++)
		tss->ist[i] = ist_stacks[i];
	tss->io_map = sizeof(*tss); /* beyond the limit: no port is allowed to user mode */

	/* All are present and accessed.  The 64-bit code segments have the L bit, the others have
	 * D/B and a limit of 4 GiB. */
	gdt[SELECTOR_KERNEL_CODE / 8] = 0x00af9b000000ffff;
	gdt[SELECTOR_KERNEL_DATA / 8] = 0x00cf93000000ffff;
	gdt[SELECTOR_USER_CODE32 / 8] = 0x00cffb000000ffff;
	gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
	gdt[SELECTOR_USER_CODE / 8] = 0x00affb000000ffff;
	gdt[SELECTOR_TSS / 8] =
	    (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
	gdt[SELECTOR_TSS / 8 + 1] = base >> 32;

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "lldt %%ax\n\t"
			 "ltr %w3"
			 :
			 : "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA),
			   "r"(SELECTOR_TSS)
			 : "rax", "memory");
	/* Loading GS has replaced its base on Intel processors (SDM 3A 3.4.4). */
	wrmsr(MSR_GS_BASE, gs_base);
}

static const u8 vector_ist[256] = {
    [VECTOR_DEBUG] = IST_DEBUG,
    [VECTOR_NMI] = IST_NMI,
    [VECTOR_DOUBLE_FAULT] = IST_DOUBLE_FAULT,
    [VECTOR_MACHINE_CHECK] = IST_MACHINE_CHECK,
};

void idt_init(u64 stub, u32 stub_bytes)
{
	for (u32 v = 0; v < 256; v++, stub += stub_bytes) {
		bool user = v == VECTOR_BREAKPOINT || v == VECTOR_OVERFLOW; /* INT3, INTO */

		idt[v] = (struct gate){
		    .offset_low = (u16)stub,
		    .selector = SELECTOR_KERNEL_CODE,
		    .ist = vector_ist[v],
		    .type = user ? GATE_USER : GATE_KERNEL,
		    .offset_middle = (u16)(stub >> 16),
		    .offset_high = (u32)(stub >> 32),
		};
	}
	idt_load();
}

void idt_load(void)
{
	struct table_pointer pointer = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(pointer));
}

__hot void tss_set_kernel_stack(u64 top)
{
	this_cpu_ptr(cpu_tss)->rsp[0] = top;
}
