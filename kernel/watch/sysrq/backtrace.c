/* SPDX-License-Identifier: MIT
 *
 * Backtraces of threads that go on running afterwards.
 */
#include "kernel/watch/sysrq/backtrace.h"

#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/entry/entry.h"
#include "kernel/log/log.h"
#include "kernel/task/thread.h"
#include "kernel/watch/symbols.h"

#define LINE 150

/* Are `n` bytes at `address` in the thread's kernel stack? */
static bool is_on_stack(const struct thread *t, u64 address, u64 n)
{
	u64 low = (u64)t->kernel_stack;

	return low && !(address & 7) && address >= low && address <= low + KSTACK_SIZE - n;
}

void backtrace_walk(struct backtrace *b, const struct thread *t, u64 rbp)
{
	u32 n = 0;

	*b = (struct backtrace){0};
	while (n < BACKTRACE_MAX && is_on_stack(t, rbp, 2 * sizeof(u64))) {
		const u64 *words = (const u64 *)rbp; /* the caller's rbp, the return address */
		u64 next = READ_ONCE(words[0]), address = READ_ONCE(words[1]);

		/* Entry code has called C with a trap frame, which lies above. */
		if (entry_is_return(address)) {
			const struct trap_frame *f = (const void *)(rbp + 2 * sizeof(u64));

			if (!is_on_stack(t, (u64)f, sizeof(*f)) || frame_is_user(f))
				return;
			address = f->rip;
			next = f->rbp;
		}
		b->calls[n++] = address;
		if (next <= rbp) /* a caller's frame is at a higher address */
			return;
		rbp = next;
	}
}

void backtrace_sleeping(struct backtrace *b, const struct thread *t)
{
	const struct switch_frame *f = (const void *)READ_ONCE(t->arch.saved_sp);

	*b = (struct backtrace){0};
	if (is_on_stack(t, (u64)f, sizeof(*f)))
		backtrace_walk(b, t, f->rbp);
}

void backtrace_log(const struct backtrace *b)
{
	char line[LINE];
	size_t used = 0;

	for (u32 i = 0; i < BACKTRACE_MAX && b->calls[i]; i++) {
		char name[64];
		size_t n = symbol_format(name, sizeof(name), b->calls[i]);

		if (used && used + n + 4 > sizeof(line)) {
			log_info("    %s", line);
			used = 0;
		}
		used += (size_t)scnprintf(line + used, sizeof(line) - used, "%s%s", i ? " < " : "",
					  name);
	}
	if (used)
		log_info("    %s", line);
}
