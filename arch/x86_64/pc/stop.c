/* SPDX-License-Identifier: MIT
 *
 * A panic: stopping the other CPUs, the report, and the end of the machine.
 */
#include "arch/x86_64/pc/stop.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/power.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/sysrq.h"
#include "kernel/lib/format.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"

const char *stop_message;
static u32 reporter; /* the CPU that panics, + 1; 0: none yet */
static DEFINE_PER_CPU(const struct trap_frame *, panic_frame);
static DEFINE_PER_CPU(const struct trap_frame *, stopped_frame);

const struct trap_frame *stop_frame(u32 cpu)
{
	const struct trap_frame *f =
	    __atomic_load_n(per_cpu_ptr(stopped_frame, cpu), __ATOMIC_ACQUIRE);

	return f ? f : __atomic_load_n(per_cpu_ptr(panic_frame, cpu), __ATOMIC_ACQUIRE);
}

bool stop_by_nmi(const struct trap_frame *frame)
{
	bool sent = READ_ONCE(smp_stopping);

	if (!sent)
		linker_set_for_each(server, sysrq_servers) sent |= server->nmi(frame);
	if (!READ_ONCE(smp_stopping) || READ_ONCE(reporter) == this_cpu_id() + 1)
		return sent;
	__atomic_store_n(this_cpu_ptr(stopped_frame), frame, __ATOMIC_RELEASE);
	smp_stop_self();
}

static void noreturn finish(void)
{
	log_flush_forced();
	power_off(EXIT_STATUS_PANIC);
}

/* The report itself has failed.  What failed may fail once more: do less each time. */
static void noreturn panic_again(const char *message)
{
	static u32 times;

	switch (times++) {
	case 0:
		log_error("panic in the report itself: %s", message);
		finish();
	case 1:
		power_off(EXIT_STATUS_PANIC);
	default:
		cpu_halt_forever();
	}
}

/* The handler of panic().  Of several CPUs that panic, only the first reports; the others halt. */
static void noreturn panic_stop(const char *message)
{
	u32 self = this_cpu_id() + 1, nobody = 0;

	irq_disable();
	if (!__atomic_compare_exchange_n(&reporter, &nobody, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (nobody != self)
			smp_stop_self();
		panic_again(message);
	}
	stop_message = message;
	smp_stop_others();
	log_error("kernel panic: %s", message);
	log_flush_forced(); /* in case the rest fails */
	linker_set_for_each(note, panic_notes) note->write();
	/* Once more, because a screen shows only the last lines. */
	log_error("kernel panic: %s", message);
	finish();
}

void panic_at(const struct trap_frame *frame, const char *fmt, ...)
{
	char message[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	__atomic_store_n(this_cpu_ptr(panic_frame), frame, __ATOMIC_RELEASE);
	panic("%s", message);
}

void stop_init(void)
{
	panic_set_handler(panic_stop);
}
