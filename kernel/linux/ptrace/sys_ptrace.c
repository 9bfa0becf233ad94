/* SPDX-License-Identifier: MIT
 *
 * ptrace(2): the requests.
 */
#include "arch/x86_64/cpu/fpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/ptrace/ptrace.h"
#include "kernel/proc/internal.h"
#include "kernel/sys/calls.h"

enum {
	PTRACE_TRACEME,
	PTRACE_PEEKTEXT,
	PTRACE_PEEKDATA,
	PTRACE_PEEKUSER,
	PTRACE_POKETEXT,
	PTRACE_POKEDATA,
	PTRACE_POKEUSER,
	PTRACE_CONT,
	PTRACE_KILL,
	PTRACE_SINGLESTEP,
	PTRACE_GETREGS = 12,
	PTRACE_SETREGS,
	PTRACE_GETFPREGS,
	PTRACE_SETFPREGS,
	PTRACE_ATTACH,
	PTRACE_DETACH,
	PTRACE_OLDSETOPTIONS = 21,
	PTRACE_SYSCALL = 24,
	PTRACE_ARCH_PRCTL = 30,
	PTRACE_SETOPTIONS = 0x4200,
	PTRACE_GETEVENTMSG,
	PTRACE_GETSIGINFO,
	PTRACE_SETSIGINFO,
	PTRACE_GETREGSET,
	PTRACE_SETREGSET,
	PTRACE_SEIZE,
	PTRACE_INTERRUPT,
	PTRACE_LISTEN,
	PTRACE_PEEKSIGINFO,
	PTRACE_GETSIGMASK,
	PTRACE_SETSIGMASK,
	PTRACE_GET_SYSCALL_INFO = 0x420e,
};

/* --- Memory and struct user ------------------------------------------------------------------- */

/* One word of the tracee's memory, read-only pages too.  0, -EIO. */
static long transfer_word(struct thread *t, u64 address, u64 *word, bool write)
{
	struct address_space *as = process_space_get(t->process);
	ssize_t n = 0;

	if (as) {
		n = write ? address_space_write(as, address, word, sizeof(*word), true)
			  : address_space_read(as, address, word, sizeof(*word));
		address_space_put(as);
	}
	return n == sizeof(*word) ? 0 : -EIO;
}

static long peek(struct thread *t, u64 address, u64 user)
{
	u64 word = 0;
	long result = transfer_word(t, address, &word, false);

	return result ? result : put_user_u64((u64 *)user, word);
}

#define STRUCT_USER_SIZE  928
#define STRUCT_USER_DEBUG 848 /* offset of DR0 to DR7 */

static bool user_word_valid(u64 offset)
{
	return offset % 8 == 0 && offset < STRUCT_USER_SIZE;
}

static long peek_user(struct thread *t, u64 offset, u64 user)
{
	u64 word = 0;

	if (!user_word_valid(offset))
		return -EIO;
	if (offset < USER_REGISTERS * 8)
		word = user_register(t, (u32)offset / 8);
	else if (offset >= STRUCT_USER_DEBUG && offset < STRUCT_USER_DEBUG + DEBUG_REGISTERS * 8)
		word = debug_register(t, (u32)(offset - STRUCT_USER_DEBUG) / 8);
	return put_user_u64((u64 *)user, word);
}

static long poke_user(struct thread *t, u64 offset, u64 word)
{
	if (!user_word_valid(offset))
		return -EIO;
	if (offset < USER_REGISTERS * 8)
		return user_register_set(t, (u32)offset / 8, word);
	if (offset >= STRUCT_USER_DEBUG && offset < STRUCT_USER_DEBUG + DEBUG_REGISTERS * 8)
		return debug_register_set(t, (u32)(offset - STRUCT_USER_DEBUG) / 8, word);
	return -EIO;
}

/* --- Sets of registers ------------------------------------------------------------------------ */

static long registers_get(struct thread *t, u64 user, u64 count)
{
	u64 words[USER_REGISTERS];

	for (u32 i = 0; i < USER_REGISTERS; i++)
		words[i] = user_register(t, i);
	return copy_to_user((void *)user, words, count * sizeof(u64));
}

static long registers_set(struct thread *t, u64 user, u64 count)
{
	u64 words[USER_REGISTERS];
	int result = copy_from_user(words, (void *)user, count * sizeof(u64));

	for (u32 i = 0; i < count && !result; i++)
		result = user_register_set(t, i, words[i]);
	return result;
}

#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_X86_XSTATE 0x202
#define FXSAVE_SIZE   512

/* PTRACE_GETREGSET and PTRACE_SETREGSET.  The length in the vector is cut to that of the set. */
static long register_set(struct thread *t, u64 type, u64 user, bool set)
{
	u64 whole = type == NT_PRSTATUS	    ? USER_REGISTERS * sizeof(u64)
		    : type == NT_PRFPREG    ? FXSAVE_SIZE
		    : type == NT_X86_XSTATE ? (fpu_xcr0 ? fpu_area_size : 0)
					    : 0;
	struct iovec v;
	long result;

	if (copy_from_user(&v, (void *)user, sizeof(v)))
		return -EFAULT;
	if (!whole)
		return type == NT_X86_XSTATE ? -ENODEV : -EINVAL;
	if (v.length % sizeof(u64))
		return -EINVAL;
	v.length = MIN(v.length, whole);
	if (type == NT_PRSTATUS)
		result = set ? registers_set(t, v.base, v.length / sizeof(u64))
			     : registers_get(t, v.base, v.length / sizeof(u64));
	else if (!set)
		result = fpu_registers_get(t, v.base, v.length);
	else if (v.length != whole)
		result = type == NT_PRFPREG ? -EINVAL : -EFAULT;
	else
		result = fpu_registers_set(t, v.base, whole, type == NT_X86_XSTATE);
	return result ? result : put_user_u64((u64 *)user + 1, v.length);
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

static long arch_prctl(struct thread *t, u64 code, u64 address)
{
	u32 base = code == ARCH_SET_FS || code == ARCH_GET_FS ? USER_FS_BASE : USER_GS_BASE;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		return user_register_set(t, base, address) ? -EPERM : 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		return put_user_u64((u64 *)address, user_register(t, base));
	}
	return -EINVAL;
}

/* --- Signals ---------------------------------------------------------------------------------- */

static long signal_info(struct thread *t, u64 user, bool set)
{
	struct siginfo *info = ptrace_of(t)->info;

	if (!info)
		return -EINVAL; /* a group stop */
	return set ? copy_from_user(info, (void *)user, sizeof(*info))
		   : copy_to_user((void *)user, info, sizeof(*info));
}

/* Copy the entry with this index of a queue of pending signals.  False: there are fewer. */
static bool queued_info(struct thread *t, bool shared, u64 index, struct siginfo *info)
{
	struct signals *signals = &t->process->signals;
	u64 flags = spin_lock_irq(&signals->lock);
	struct queued_signal *entry;
	bool found = false;

	list_for_each (entry, shared ? &signals->queue : &t->signals.queue, link)
		if (!index--) {
			*info = entry->info;
			found = true;
			break;
		}
	spin_unlock_irq(&signals->lock, flags);
	return found;
}

#define PEEKSIGINFO_SHARED 1U

static long peek_signals(struct thread *t, u64 user_args, u64 user)
{
	struct {
		u64 offset;
		u32 flags;
		s32 count;
	} args;
	struct siginfo info;
	s32 n;

	if (copy_from_user(&args, (void *)user_args, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~PEEKSIGINFO_SHARED || args.count < 0)
		return -EINVAL;
	for (n = 0; n < args.count; n++) {
		if (!queued_info(t, args.flags, args.offset + (u64)n, &info))
			break;
		if (copy_to_user((void *)(user + (u64)n * sizeof(info)), &info, sizeof(info)))
			return n ? n : -EFAULT;
	}
	return n;
}

/* While a call has a temporary mask in force, the mask is the one that comes back after it. */
static long signal_mask(struct thread *t, u64 size, u64 user, bool set)
{
	struct spinlock *lock = &t->process->signals.lock;
	sigset_t mask;
	u64 flags;

	if (size != sizeof(mask))
		return -EINVAL;
	if (set && copy_from_user(&mask, (void *)user, sizeof(mask)))
		return -EFAULT;
	flags = spin_lock_irq(lock);
	if (set) {
		__atomic_fetch_and(&t->pending_work, ~WORK_RESTORE_MASK, __ATOMIC_SEQ_CST);
		t->signals.mask = mask & ~SIGNAL_UNBLOCKABLE;
		signal_recalculate(t);
	} else {
		mask = READ_ONCE(t->pending_work) & WORK_RESTORE_MASK ? t->signals.saved_mask
								      : t->signals.mask;
	}
	spin_unlock_irq(lock, flags);
	return set ? 0 : copy_to_user((void *)user, &mask, sizeof(mask));
}

/* --- System calls ----------------------------------------------------------------------------- */

#define AUDIT_ARCH_X86_64 0xc000003eU

struct syscall_info {
	u8 op, pad[3];
	u32 arch;
	u64 rip, rsp;
	union {
		struct {
			u64 number, args[6];
		} entry;
		struct {
			s64 result;
			u8 is_error;
		} exit;
	};
};

/* PTRACE_GET_SYSCALL_INFO.  Returns the bytes that there are; `size` of them are written at
 * most. */
static long syscall_info(struct thread *t, u64 size, u64 user)
{
	const struct trap_frame *f = thread_frame(t);
	const struct ptrace *s = ptrace_of(t);
	struct syscall_info info = {.arch = AUDIT_ARCH_X86_64, .rip = f->rip, .rsp = f->rsp};
	u64 n = offsetof(struct syscall_info, entry);

	if (s->info && s->info->code == (SIGTRAP | 0x80)) {
		info.op = (u8)s->message;
		if (info.op == MESSAGE_CALL_ENTRY) {
			info.entry.number = f->error;
			memcpy(info.entry.args,
			       (u64[]){f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9},
			       sizeof(info.entry.args));
			n += sizeof(info.entry);
		} else {
			info.exit.result = (s64)f->rax;
			info.exit.is_error = f->rax >= (u64)-4095L;
			n = offsetof(struct syscall_info, exit.is_error) + 1;
		}
	}
	return copy_to_user((void *)user, &info, MIN(n, size)) ? -EFAULT : (long)n;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Find the thread of a request that does not need a stop, with a reference. */
static long with_any(u64 request, tid_t tid, u64 address, u64 data)
{
	struct thread *t = thread_find(tid);
	long result = -EIO;

	if (!t)
		return -ESRCH;
	if (request == PTRACE_ATTACH)
		result = ptrace_attach(t, false, 0);
	else if (request == PTRACE_INTERRUPT)
		result = ptrace_interrupt(t);
	else if (request == PTRACE_KILL && ptrace_of(t)->tracer != current_thread())
		result = -ESRCH;
	else if (request == PTRACE_KILL)
		result = signal_send_thread(t, SIGKILL, NULL);
	else if (!address && !(data & ~(u64)PTRACE_O_MASK))
		result = ptrace_attach(t, true, (u32)data);
	thread_put(t);
	return result;
}

/* A request that lets the tracee go on.  It is not held any more, but the caller has a
 * reference. */
static long let_run(struct thread *t, u64 request, u64 data)
{
	if (request == PTRACE_LISTEN)
		return ptrace_listen(t);
	if (data > SIGNAL_COUNT)
		return -EIO;
	if (request == PTRACE_DETACH)
		return ptrace_detach(t, (int)data);
	return ptrace_resume(t, (int)data, request == PTRACE_SYSCALL, request == PTRACE_SINGLESTEP);
}

/* A request about a tracee that is held. */
static long with_held(struct thread *t, u64 request, u64 address, u64 data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, address, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return transfer_word(t, address, &data, true);
	case PTRACE_PEEKUSER:
		return peek_user(t, address, data);
	case PTRACE_POKEUSER:
		return poke_user(t, address, data);
	case PTRACE_GETREGS:
		return registers_get(t, data, USER_REGISTERS);
	case PTRACE_SETREGS:
		return registers_set(t, data, USER_REGISTERS);
	case PTRACE_GETFPREGS:
		return fpu_registers_get(t, data, FXSAVE_SIZE);
	case PTRACE_SETFPREGS:
		return fpu_registers_set(t, data, FXSAVE_SIZE, false);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return register_set(t, address, data, request == PTRACE_SETREGSET);
	case PTRACE_ARCH_PRCTL:
		return arch_prctl(t, data, address);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		if (data & ~(u64)PTRACE_O_MASK)
			return -EINVAL;
		ptrace_of(t)->options = (u32)data;
		return 0;
	case PTRACE_GETEVENTMSG:
		return put_user_u64((u64 *)data, ptrace_of(t)->message);
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
		return signal_info(t, data, request == PTRACE_SETSIGINFO);
	case PTRACE_PEEKSIGINFO:
		return peek_signals(t, address, data);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return signal_mask(t, address, data, request == PTRACE_SETSIGMASK);
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(t, address, data);
	}
	return -EIO;
}

SYSCALL4(ptrace, request, tid, address, data)
{
	struct thread *t;
	long result;

	switch (request) {
	case PTRACE_TRACEME:
		return ptrace_trace_me();
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
	case PTRACE_INTERRUPT:
	case PTRACE_KILL:
		return with_any(request, (tid_t)tid, address, data);
	}
	t = ptrace_hold((tid_t)tid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
	case PTRACE_LISTEN:
		thread_get(t);
		ptrace_unhold(t);
		result = let_run(t, request, data);
		thread_put(t);
		return result;
	}
	result = with_held(t, request, address, data);
	ptrace_unhold(t);
	return result;
}
