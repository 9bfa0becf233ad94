/* host-sources: kernel/proc/signal_frame.c tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=1024 */
/* mutant: kernel/proc/signal_frame.c: (f->rflags & ~RFLAGS_USER) | (c->rflags & RFLAGS_USER) =>
 * c->rflags */
/* SPDX-License-Identifier: MIT
 *
 * Signal frames.  Whatever a program has on its stack, sigreturn() gives it user segments and no
 * flag that user mode cannot change; nothing outside of its memory is touched; a frame that was
 * built gives back every register; an alternate stack is not left.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/trap_frame.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/internal.h"
#include "tests/fuzz/fuzz.h"

#define STACK_SIZE 16384
#define FLAGS_FIXED                                                                                \
	(~(RFLAGS_CF | 0xd4UL | RFLAGS_TF | RFLAGS_DF | 1UL << 11 | RFLAGS_RF | RFLAGS_AC))

u32 fpu_area_size;
u64 fpu_xcr0;
static struct thread thread;
struct thread *host_thread = &thread;

static u8 stack[STACK_SIZE] __aligned(64);
static u64 lowest; /* address that was written */
static int forced;
static sigset_t mask_set;
static u8 fpu_answers;
static u32 fpu_tries;

static bool is_there(u64 address, size_t n)
{
	return address >= (u64)stack && address <= (u64)stack + STACK_SIZE &&
	       n <= (u64)stack + STACK_SIZE - address;
}

int copy_from_user(void *dst, const void *from, size_t n)
{
	if (!is_there((u64)from, n))
		return -EFAULT;
	memcpy(dst, from, n);
	return 0;
}

int copy_to_user(void *to, const void *src, size_t n)
{
	if (!is_there((u64)to, n))
		return -EFAULT;
	lowest = MIN(lowest, (u64)to);
	memcpy(to, src, n);
	return 0;
}

int fault_in_user(u64 address, bool write)
{
	return is_there(address, 1) ? 0 : -EFAULT;
}

bool fpu_move_user(struct arch_thread *self, u64 user, u64 features, bool load)
{
	HOLDS(user_range_ok(user, features ? fpu_area_size : 512));
	HOLDS(!features || features == fpu_xcr0);
	HOLDS(++fpu_tries < 64);
	if (!is_there(user, features ? fpu_area_size : 512))
		return false;
	fpu_answers = fpu_answers >> 1 | fpu_answers << 7;
	return fpu_answers & 0x80;
}

void fpu_reset(struct arch_thread *self)
{
}

void signal_set_mask(sigset_t mask)
{
	mask_set = mask;
}

void signal_force(int signal, const struct siginfo *info)
{
	forced = signal;
}

static void check_returned(const struct trap_frame *before, const struct trap_frame *f)
{
	HOLDS((f->cs & 3) == 3 && (f->ss & 3) == 3 && f->cs <= 0xffff && f->ss <= 0xffff);
	HOLDS(!((f->rflags ^ before->rflags) & FLAGS_FIXED));
	HOLDS(f->error == (u64)-1 && f->vector == before->vector);
	HOLDS(!forced || forced == SIGSEGV);
	HOLDS(forced || thread.pending_work & WORK_NEW_FRAME);
	HOLDS(!thread.signals.altstack.size || thread.signals.altstack.size >= MINSIGSTKSZ);
}

/* A frame of the program's own. */
static void wild(struct input *in, struct trap_frame *f)
{
	u32 at = (u32)input_number(in, 2) % (STACK_SIZE - 8);
	u64 pointer = (u64)stack + input_number(in, 2) % STACK_SIZE;
	u8 which = input_byte(in);
	struct trap_frame before;

	input_bytes(in, stack + at, MIN(input_left(in), STACK_SIZE - (size_t)at));
	if (which & 1 && at + 304 <= STACK_SIZE) /* the pointer to the FPU state, and its marks */
		memcpy(stack + at + 8 + 216, &pointer, sizeof(pointer));
	if (which & 2 && is_there(pointer, fpu_area_size + 4UL)) {
		memcpy((u8 *)pointer + 464, (u32[]){0x46505853, fpu_area_size + 4}, 8);
		memcpy((u8 *)pointer + 480, &fpu_area_size, 4);
		memcpy((u8 *)pointer + fpu_area_size, &(u32){0x46505845}, 4);
	}
	f->rsp = (u64)stack + at + 8;
	before = *f;
	(void)signal_return(f);
	check_returned(&before, f);
}

/* A frame of the kernel's, and back. */
static void there_and_back(struct input *in, struct trap_frame *f)
{
	struct sigaction action = {.handler = 0x400000, .restorer = 0x400100};
	struct siginfo info = {.signo = SIGUSR1};
	struct altstack *a = &thread.signals.altstack;
	sigset_t mask = input_number(in, 8);
	u8 which = input_byte(in);
	struct trap_frame before;

	f->rsp = (u64)stack + input_number(in, 2);
	action.flags = SA_RESTORER | (which & 1 ? SA_ONSTACK : 0);
	if (which & 2)
		*a = (struct altstack){(u64)stack + 4096, 2048 + input_number(in, 2) % 8192,
				       which & 4 ? SS_AUTODISARM : 0};
	before = *f;
	bool uses_alternate = which & 1 && a->size;
	struct altstack was = *a;

	if (signal_frame_build(f, SIGUSR1, &action, &info, mask))
		return;
	HOLDS(f->rip == action.handler && f->rdi == SIGUSR1 && (f->rsp + 8) % 16 == 0);
	HOLDS(f->cs == SELECTOR_USER_CODE && f->ss == SELECTOR_USER_DATA);
	HOLDS(f->rsp == lowest && (uses_alternate || f->rsp + 128 < before.rsp));
	if (uses_alternate)
		HOLDS(f->rsp > was.base && f->rsp <= was.base + was.size);
	f->rsp += 8; /* the handler's `ret` */
	(void)signal_return(f);
	if (forced)
		return;
	HOLDS(mask_set == mask);
	before.error = (u64)-1;
	before.cs |= 3;
	before.ss |= 3;
	HOLDS(!memcmp(f, &before, sizeof(before)));
	HOLDS(a->base == was.base && a->size == was.size && a->flags == was.flags);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	struct trap_frame f = {.cs = SELECTOR_USER_CODE, .ss = SELECTOR_USER_DATA};
	u8 way = input_byte(&in);

	memset(&thread, 0, sizeof(thread));
	memset(stack, 0, sizeof(stack));
	lowest = UINT64_MAX;
	forced = 0;
	fpu_tries = 0;
	fpu_xcr0 = way & 2 ? 7 : 0;
	fpu_area_size = way & 2 ? 832 : 512;
	fpu_answers = input_byte(&in) | (way & 4 ? 0 : 0xff);
	f.rax = input_number(&in, 8);
	f.r15 = input_number(&in, 8);
	f.rip = input_number(&in, 8);
	f.rflags = RFLAGS_IF | 2 | input_number(&in, 4);
	if (way & 1)
		wild(&in, &f);
	else
		there_and_back(&in, &f);
	return 0;
}
