/* SPDX-License-Identifier: MIT
 *
 * The last events of each CPU, for the panic report.
 */
#include "arch/x86_64/pc/stop.h"
#include "kernel/log/log.h"
#include "kernel/watch/trace/trace.h"

#define EVENTS_HERE	 16 /* of the CPU that panicked */
#define EVENTS_ELSEWHERE 4
#define CPUS_ELSEWHERE	 15

static void report_events(void)
{
	static struct trace_cursor c;
	static char line[TRACE_LINE];
	u32 self = this_cpu_id(), others = 0;

	cpumask_for_each (cpu, &cpus_online) {
		if (cpu != self && ++others > CPUS_ELSEWHERE)
			continue;
		trace_rewind(&c, cpu, cpu == self ? EVENTS_HERE : EVENTS_ELSEWHERE);
		if (c.valid)
			log_error("last events of CPU %u:", cpu);
		for (; c.valid; trace_advance(&c)) {
			/* Remove the newline, as the log adds one. */
			line[trace_format(&c.event, cpu, line, sizeof(line)) - 1] = '\0';
			log_error("%s", line);
		}
	}
}

PANIC_NOTE(10, report_events);
