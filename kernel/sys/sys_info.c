/* SPDX-License-Identifier: MIT
 *
 * What a process has used, as wait4() and getrusage() report it.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

struct rusage { /* of the ABI, 144 bytes */
	struct timeval user, kernel;
	s64 max_rss_kb, ix_rss, id_rss, is_rss;
	s64 minor_faults, major_faults, swaps, blocks_in, blocks_out, messages_out, messages_in;
	s64 signals, voluntary_switches, forced_switches;
};

int rusage_put(u64 user, const struct resource_use *use)
{
	struct rusage r = {
	    .user = timeval_of(use->user_ns),
	    .kernel = timeval_of(use->kernel_ns),
	    .max_rss_kb = (s64)(use->peak_resident_pages * (PAGE_SIZE / 1024)),
	    .minor_faults = (s64)use->minor_faults,
	    .voluntary_switches = (s64)use->voluntary_switches,
	    .forced_switches = (s64)use->forced_switches,
	};

	return copy_to_user((void *)user, &r, sizeof(r));
}
