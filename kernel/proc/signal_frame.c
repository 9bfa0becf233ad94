/* SPDX-License-Identifier: MIT
 *
 * The frame that a signal handler runs on, the return from the handler, and alternate stacks.
 *
 * The frame has the layout of Linux on x86-64: C libraries, unwinders and programs that change a
 * register in it depend on its offsets.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"

#define RED_ZONE	     128 /* bytes below the stack pointer that functions may use (ABI 3.2.2) */

#define UC_FP_XSTATE	     1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 error, trap, oldmask, cr2;
	u64 fpstate; /* user address; 0: no FPU state */
	u64 reserved[8];
};

struct ucontext {
	u64 flags, link;
	struct signal_stack stack;
	struct sigcontext context;
	sigset_t mask;
};

struct signal_frame {
	u64 return_address;
	struct ucontext uc;
	struct siginfo info;
};
_Static_assert(sizeof(struct siginfo) == 128 && sizeof(struct signal_frame) == 440, "ABI");

/* Bytes 464 to 511 of the FXSAVE image describe the state that follows it (Linux: struct
 * _fpx_sw_bytes).  The header of XSAVE follows the image. */
#define FXSAVE_SIZE   512
#define SW_BYTES_AT   464
#define XSTATE_MAGIC1 0x46505853U
#define XSTATE_MAGIC2 0x46505845U
#define MOVE_TRIES    16

struct xstate_words {
	u32 magic1, extended_size;
	u64 features;
	u32 size, padding[7];
	u64 header[8]; /* XSTATE_BV, XCOMP_BV, reserved */
};

/* The flags that user mode can change itself; a handler's frame may change only these. */
#define RFLAGS_USER                                                                                \
	(RFLAGS_CF | 1UL << 2 | 1UL << 4 | 1UL << 6 | 1UL << 7 | RFLAGS_TF | RFLAGS_DF |           \
	 1UL << 11 | RFLAGS_RF | RFLAGS_AC)

static size_t fpstate_size(void)
{
	return fpu_xcr0 ? fpu_area_size + sizeof(u32) : FXSAVE_SIZE;
}

size_t signal_frame_size(void)
{
	return sizeof(struct signal_frame) + RED_ZONE + 64 + ALIGN_UP(fpstate_size(), 64);
}

/* --- Alternate stack -------------------------------------------------------------------------- */

static bool on_altstack(const struct altstack *a, u64 sp)
{
	return !(a->flags & SS_AUTODISARM) && a->size && sp > a->base && sp - a->base <= a->size;
}

static struct signal_stack altstack_describe(const struct altstack *a, u64 sp)
{
	u32 state = !a->size ? SS_DISABLE : on_altstack(a, sp) ? SS_ONSTACK : 0;

	return (struct signal_stack){
	    .base = a->base, .size = a->size, .flags = (s32)(state | (a->flags & SS_AUTODISARM))};
}

int signal_altstack(const struct signal_stack *new_stack, struct signal_stack *old_stack,
		    u64 user_sp)
{
	struct altstack *a = &current_thread()->signals.altstack;
	u32 mode;

	if (old_stack)
		*old_stack = altstack_describe(a, user_sp);
	if (!new_stack)
		return 0;
	if (on_altstack(a, user_sp))
		return -EPERM;
	mode = (u32)new_stack->flags & ~SS_AUTODISARM;
	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return -EINVAL;
	if (mode != SS_DISABLE && new_stack->size < MINSIGSTKSZ)
		return -ENOMEM;
	a->base = mode == SS_DISABLE ? 0 : new_stack->base;
	a->size = mode == SS_DISABLE ? 0 : new_stack->size;
	a->flags = (u32)new_stack->flags & SS_AUTODISARM;
	return 0;
}

/* --- FPU state in the frame ------------------------------------------------------------------- */

/* Save the state at `address`, or load it from there.  fpu_move_user() does not make pages present,
 * so do that and try again.  The number of tries bounds the time for an area that is not valid, and
 * for another thread that removes the pages. */
static int fpstate_move(u64 address, u64 features, bool load)
{
	size_t size = features ? fpu_area_size : FXSAVE_SIZE;

	for (u32 n = 0; n < MOVE_TRIES && user_range_ok(address, size); n++) {
		if (fpu_move_user(&current_thread()->arch, address, features, load))
			return 0;
		if (fault_in_user(address, !load) || fault_in_user(address + size - 1, !load))
			break;
	}
	return -EFAULT;
}

static int fpstate_write(u64 address)
{
	/* XSAVE wants the header to be zero, and does not write to what is before it. */
	struct xstate_words words = {.magic1 = fpu_xcr0 ? XSTATE_MAGIC1 : 0,
				     .extended_size = (u32)fpstate_size(),
				     .features = fpu_xcr0,
				     .size = fpu_area_size};
	size_t n = fpu_xcr0 ? sizeof(words) : FXSAVE_SIZE - SW_BYTES_AT;

	if ((fpu_xcr0 && put_user_u32((u32 *)(address + fpu_area_size), XSTATE_MAGIC2) < 0) ||
	    copy_to_user((void *)(address + SW_BYTES_AT), &words, n) < 0)
		return -EFAULT;
	return fpstate_move(address, fpu_xcr0, false);
}

/* Load the FPU state at `address`; the initial state if it is 0.  The frame holds a whole XSAVE
 * area if both magic words are present, else the FXSAVE image alone.  After -EFAULT the thread has
 * the initial state, as on Linux. */
static int fpstate_read(u64 address)
{
	struct xstate_words words;
	u64 features = 0;
	u32 magic2;

	fpu_reset(&current_thread()->arch);
	if (!address)
		return 0;
	if (fpu_xcr0 &&
	    !copy_from_user(&words, (void *)(address + SW_BYTES_AT), FXSAVE_SIZE - SW_BYTES_AT) &&
	    words.magic1 == XSTATE_MAGIC1 && words.size == fpu_area_size &&
	    !get_user_u32(&magic2, (const u32 *)(address + fpu_area_size)) &&
	    magic2 == XSTATE_MAGIC2)
		features = fpu_xcr0;
	return fpstate_move(address, features, true);
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* clang-format off */
/* The registers that have the same name in struct sigcontext and struct trap_frame. */
#define FOR_EACH_REGISTER(X)                                                                       \
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rdi) X(rsi) X(rbp) X(rbx)          \
	X(rdx) X(rax) X(rcx) X(rsp) X(rip)
/* clang-format on */

/* Every member is set: the copy on the user's stack shows nothing of the kernel's. */
static void context_fill(struct sigcontext *c, const struct trap_frame *f, sigset_t mask,
			 u64 fpstate)
{
	const struct thread *t = current_thread();

#define FILL(name) c->name = f->name;
	FOR_EACH_REGISTER(FILL)
	c->rflags = f->rflags;
	c->cs = (u16)f->cs;
	c->gs = c->fs = 0;
	c->ss = (u16)f->ss;
	c->error = t->arch.fault_error;
	c->trap = t->arch.fault_vector;
	c->cr2 = t->arch.fault_address;
	c->oldmask = mask;
	c->fpstate = fpstate;
	__builtin_memset(c->reserved, 0, sizeof(c->reserved));
}

/* Choose the user address of the frame, and set *fpstate to the address of the FPU state above it.
 * 0 if the frame does not fit on the alternate stack. */
static u64 frame_place(const struct altstack *a, const struct trap_frame *f,
		       const struct sigaction *action, u64 *fpstate)
{
	bool nested = on_altstack(a, f->rsp);
	u64 sp = f->rsp - RED_ZONE;

	if (action->flags & SA_ONSTACK && a->size && !nested) {
		sp = a->base + a->size;
		nested = true;
	}
	*fpstate = ALIGN_DOWN(sp - fpstate_size(), 64);
	/* At the entry of a function (RSP + 8) % 16 is 0 (ABI 3.2.2). */
	sp = ALIGN_DOWN(*fpstate - sizeof(struct signal_frame), 16) - 8;
	if (nested && (sp <= a->base || sp > a->base + a->size))
		return 0;
	return sp;
}

int signal_frame_build(struct trap_frame *f, int signal, const struct sigaction *action,
		       const struct siginfo *info, sigset_t mask)
{
	struct altstack *a = &current_thread()->signals.altstack;
	struct signal_frame s;
	u64 fpstate, sp = frame_place(a, f, action, &fpstate);

	/* A handler on x86-64 returns only by the program's restorer, so one is required.  Reject
	 * handlers outside user space. */
	if (!sp || !(action->flags & SA_RESTORER) || action->handler >= USER_MAX)
		return -EFAULT;
	s.return_address = action->restorer;
	s.info = *info;
	s.uc.link = 0;
	s.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (fpu_xcr0 ? UC_FP_XSTATE : 0);
	s.uc.stack = altstack_describe(a, f->rsp);
	context_fill(&s.uc.context, f, mask, fpstate);
	s.uc.mask = mask;
	if (fpstate_write(fpstate) < 0 || copy_to_user((void *)sp, &s, sizeof(s)) < 0)
		return -EFAULT;
	fpu_reset(&current_thread()->arch); /* handlers start with the initial state, as on Linux */
	if (a->flags & SS_AUTODISARM)
		*a = (struct altstack){0};
	f->rdi = (u64)signal;
	f->rsi = sp + offsetof(struct signal_frame, info);
	f->rdx = sp + offsetof(struct signal_frame, uc);
	f->rax = 0;
	f->rsp = sp;
	f->rip = action->handler;
	f->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	f->cs = SELECTOR_USER_CODE;
	f->ss = SELECTOR_USER_DATA;
	return 0;
}

static void context_restore(struct trap_frame *f, const struct ucontext *uc)
{
	const struct sigcontext *c = &uc->context;

#define RESTORE(name) f->name = c->name;
	FOR_EACH_REGISTER(RESTORE)
	f->rflags = (f->rflags & ~RFLAGS_USER) | (c->rflags & RFLAGS_USER);
	/* The segments are restored, so that 32-bit code stays 32-bit.  If they are no segments of
	 * user mode, IRET faults and the thread gets a signal (entry.S).  Programs that build a
	 * frame themselves may not set ss, so it is used only with UC_STRICT_RESTORE_SS (Linux). */
	f->cs = c->cs | 3;
	f->ss = c->ss | 3;
	if (f->cs == SELECTOR_USER_CODE && !(uc->flags & UC_STRICT_RESTORE_SS))
		f->ss = SELECTOR_USER_DATA;
	f->error = (u64)-1; /* no system call to restart */
}

long signal_return(struct trap_frame *frame)
{
	struct ucontext uc;
	/* The handler's `ret` has removed the return address from the stack. */
	const struct signal_frame *user = (const struct signal_frame *)(frame->rsp - 8);

	if (copy_from_user(&uc, &user->uc, sizeof(uc)) < 0)
		goto bad;
	signal_set_mask(uc.mask);
	__atomic_fetch_or(&current_thread()->pending_work, WORK_NEW_FRAME, __ATOMIC_RELAXED);
	/* If the FPU state is refused, the handler of SIGSEGV still sees the restored registers. */
	context_restore(frame, &uc);
	if (fpstate_read(uc.context.fpstate) < 0)
		goto bad;
	/* An error is ignored, as on Linux: if the handler returns to code on the alternate stack,
	 * that stack stays as it is. */
	(void)signal_altstack(&uc.stack, NULL, frame->rsp);
	return (long)frame->rax;
bad:
	frame->error = (u64)-1; /* no system call to restart */
	signal_force(SIGSEGV, NULL);
	return (long)frame->rax;
}
