/* SPDX-License-Identifier: MIT
 *
 * The registers of a tracee: general registers, FPU state, debug registers.
 *
 * A tracee that is held runs nowhere, so its trap frame, its FPU area and its segments are all that
 * its registers are; the next switch to it loads them.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/ptrace/ptrace.h"
#include "kernel/mem/slab.h"
#include "kernel/vm/usercopy.h"

DEFINE_PER_THREAD(struct ptrace, ptrace_state);

/* --- General registers ------------------------------------------------------------------------ */

/* CF PF AF ZF SF TF DF OF NT RF AC: the flags that a tracer may set. */
#define RFLAGS_OF_TRACER 0x54dd5UL
#define USER_CS		 17
#define USER_SS		 20

/* struct user_regs_struct up to ss has the order of struct trap_frame, which has one word more:
 * `vector` before orig_rax, which is `error` after a system call. */
static u64 *frame_word(struct thread *t, u32 index)
{
	return (u64 *)thread_frame(t) + index + (index >= USER_ORIG_RAX);
}

static u16 *segment(struct thread *t, u32 index)
{
	return &t->arch.segments.ds + (index - USER_DS);
}

u64 user_register(struct thread *t, u32 index)
{
	if (index == USER_FS_BASE)
		return t->arch.fs_base;
	if (index == USER_GS_BASE)
		return t->arch.gs_base;
	if (index >= USER_DS)
		return *segment(t, index);
	if (index == USER_ORIG_RAX && thread_frame(t)->vector != VECTOR_SYSCALL)
		return (u64)-1;
	return *frame_word(t, index);
}

/* Selectors that user mode can load; others would fault when the kernel loads them. */
static bool is_data_selector(u64 value)
{
	return !value || value == SELECTOR_USER_DATA || value == SELECTOR_USER_CODE ||
	       value == SELECTOR_USER_CODE32;
}

int user_register_set(struct thread *t, u32 index, u64 value)
{
	struct trap_frame *frame = thread_frame(t);

	/* It may have been stopped in a plain system call, and be let go there. */
	__atomic_fetch_or(&t->pending_work, WORK_NEW_FRAME, __ATOMIC_SEQ_CST);
	if (index == USER_FS_BASE || index == USER_GS_BASE) {
		if (value >= USER_MAX)
			return -EIO;
		*(index == USER_FS_BASE ? &t->arch.fs_base : &t->arch.gs_base) = value;
	} else if (index >= USER_DS) {
		if (!is_data_selector((u16)value))
			return -EIO;
		*segment(t, index) = (u16)value;
	} else if (index == USER_CS || index == USER_SS) {
		if ((value & 3) != 3)
			return -EIO;
		*frame_word(t, index) = (u16)value;
	} else if (index == USER_RFLAGS) {
		frame->rflags = (frame->rflags & ~RFLAGS_OF_TRACER) | (value & RFLAGS_OF_TRACER);
	} else if (index == USER_ORIG_RAX) {
		/* A debugger that has saved the registers of an interrupted call and run other code
		 * puts the call back, to be restarted. */
		if ((s64)value >= 0)
			frame->vector = VECTOR_SYSCALL;
		if (frame->vector == VECTOR_SYSCALL)
			frame->error = value;
	} else {
		*frame_word(t, index) = value;
	}
	return 0;
}

/* --- FPU -------------------------------------------------------------------------------------- */

#define FXSAVE_SIZE   512
#define XSTATE_BV_AT  512
#define XSTATE_FP_SSE 3UL
#define SW_BYTES_AT   464 /* the user's copy has XCR0 here */
#define MXCSR_AT      24
#define HEADER_WORDS  8 /* XSTATE_BV, XCOMP_BV, and reserved ones */

void fpu_registers_save(struct arch_thread *self)
{
	struct fpu_area *area = self->fpu;

	preempt_disable();
	fpu_claim(self);
	if (fpu_xcr0)
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)fpu_xcr0),
				 "d"((u32)(fpu_xcr0 >> 32))
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
	/* While the thread is stopped, the area alone has its state: no switch loads it, and none
	 * saves it over what the tracer has written. */
	fpu_reset(self);
	self->fpu_saved = true;
	self->fpu_turns = 0;
	if (fpu_xcr0) /* as in signal frames (fpu_move_user()) */
		*(u64 *)((char *)area + XSTATE_BV_AT) |= XSTATE_FP_SSE;
	preempt_enable();
}

long fpu_registers_get(struct thread *t, u64 buffer, size_t n)
{
	u64 sw_bytes[] = {fpu_xcr0, 0, 0, 0, 0, 0};
	size_t first = MIN(n, (size_t)SW_BYTES_AT), second;

	/* At the stop all components were saved: see prepare_registers(). */
	if (copy_to_user((void *)buffer, t->arch.fpu, first))
		return -EFAULT;
	second = MIN(n - first, sizeof(sw_bytes));
	if (copy_to_user((void *)(buffer + first), sw_bytes, second))
		return -EFAULT;
	first += second;
	return copy_to_user((void *)(buffer + first), (char *)t->arch.fpu + first, n - first);
}

bool fpu_area_sanitize(char *area)
{
	u64 *header = (u64 *)(area + XSTATE_BV_AT);

	if (*(u32 *)(area + MXCSR_AT) & ~fpu_mxcsr_mask)
		return false;
	if (!fpu_xcr0)
		return true;
	/* XRSTOR faults on unknown components, on the compacted form, and if bytes 8 to 23 of the
	 * header are not zero (SDM 1 13.8). */
	if (header[0] & ~fpu_xcr0 || header[1] || header[2])
		return false;
	memset(&header[3], 0, (HEADER_WORDS - 3) * sizeof(*header));
	return true;
}

long fpu_registers_set(struct thread *t, u64 buffer, size_t n, bool extended)
{
	void *memory = kmalloc(fpu_area_size + 64);
	char *area = (char *)ALIGN_UP((u64)memory, 64);
	long result = memory ? 0 : -ENOMEM;

	if (memory) {
		memcpy(area, t->arch.fpu, fpu_area_size);
		result = copy_from_user(area, (void *)buffer, n);
	}
	if (!result && fpu_xcr0 && !extended)
		*(u64 *)(area + XSTATE_BV_AT) |= XSTATE_FP_SSE;
	if (!result && !fpu_area_sanitize(area))
		result = -EINVAL;
	if (!result) {
		memcpy(t->arch.fpu, area, fpu_area_size);
		t->arch.fpu_saved = true;
		t->arch.fpu_cpu = MAX_CPUS; /* the registers of no CPU have it */
	}
	kfree(memory);
	return result;
}

/* --- Debug registers -------------------------------------------------------------------------- */

#define TRAP_HWBKPT  4 /* code of SIGTRAP */
#define DR6_TRAPS    0xfUL
#define DR6_STEP     0x4000UL
#define DR6_RESERVED 0xffff0ff0UL /* bits that read as 1 if nothing has happened */
#define DR7_OF_USER  0xffff03ffUL /* without general detect and restricted memory */
#define DR7_ALWAYS   0x400UL

enum { BREAK_EXECUTE, BREAK_WRITE, BREAK_IO, BREAK_ACCESS };

/* Of the breakpoint `n` in a DR7: is it enabled, its kind, and its length less 1. */
static bool break_enabled(u64 dr7, u32 n)
{
	return dr7 >> (2 * n) & 3;
}

static u32 break_kind(u64 dr7, u32 n)
{
	return dr7 >> (16 + 4 * n) & 3;
}

static u64 break_mask(u64 dr7, u32 n)
{
	static const u8 masks[] = {0, 1, 7, 3};

	return masks[dr7 >> (18 + 4 * n) & 3];
}

static bool breakpoints_valid(const u64 *debug)
{
	for (u32 n = 0; n < 4; n++) {
		u64 mask = break_mask(debug[7], n);
		u32 kind = break_kind(debug[7], n);

		if (break_enabled(debug[7], n) &&
		    (debug[n] & mask || kind == BREAK_IO || (kind == BREAK_EXECUTE && mask)))
			return false;
	}
	return true;
}

int debug_register_set(struct thread *t, u32 number, u64 value)
{
	u64 *debug = ptrace_of(t)->debug, old = debug[number];

	if (number == 4 || number == 5)
		return -EIO;
	if (number < 4 && value >= USER_MAX)
		return -EINVAL;
	debug[number] = number == 6 ? value ^ DR6_RESERVED : value;
	if (!breakpoints_valid(debug)) {
		debug[number] = old;
		return -EINVAL;
	}
	if (debug[7] & 0xff)
		__atomic_fetch_or(&t->pending_work, WORK_DEBUG_REGS, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&t->pending_work, ~WORK_DEBUG_REGS, __ATOMIC_SEQ_CST);
	return 0;
}

u64 debug_register(const struct thread *t, u32 number)
{
	return ptrace_of(t)->debug[number] ^ (number == 6 ? DR6_RESERVED : 0);
}

/* A switch to `t` loads its debug registers; those of another thread must not stay.  Interrupts
 * off. */
void ptrace_load_debug_registers(const struct thread *t)
{
	const u64 *debug = ptrace_of(t)->debug;
	u64 dr7 = DR7_ALWAYS;

	if (READ_ONCE(t->pending_work) & WORK_DEBUG_REGS) {
		__asm__ volatile("movq %0, %%dr0\n\tmovq %1, %%dr1\n\t"
				 "movq %2, %%dr2\n\tmovq %3, %%dr3" ::"r"(debug[0]),
				 "r"(debug[1]), "r"(debug[2]), "r"(debug[3]));
		dr7 |= debug[7] & DR7_OF_USER;
	}
	__asm__ volatile("movq %0, %%dr7" ::"r"(dr7));
}

/* A debug exception of the calling thread, which is traced.  Returns the code of its signal.
 * Interrupts off. */
int ptrace_debug(struct trap_frame *frame, u64 dr6, int code)
{
	struct thread *t = current_thread();
	u64 *debug = ptrace_of(t)->debug;

	debug[6] = dr6 & (ptrace_of(t)->step ? DR6_STEP : 0);
	for (u32 n = 0; n < 4; n++) {
		if (!(dr6 & DR6_TRAPS & 1UL << n) || !break_enabled(debug[7], n))
			continue;
		debug[6] |= 1UL << n;
		/* The instruction has not run yet.  RF lets it run when the thread goes on. */
		if (break_kind(debug[7], n) == BREAK_EXECUTE)
			frame->rflags |= RFLAGS_RF;
	}
	return debug[6] & DR6_TRAPS && code != TRAP_TRACE ? TRAP_HWBKPT : code;
}
