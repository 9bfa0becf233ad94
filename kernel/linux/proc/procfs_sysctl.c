/* SPDX-License-Identifier: MIT
 *
 * Files that tell programs which limits and features the kernel has: /proc/sys, and lists that are
 * empty because the kernel has nothing of the kind.
 */
#include "arch/x86_64/pc/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/oom.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/mem/page.h"
#include "kernel/task/internal.h"
#include "kernel/task/sched.h"

static void make_threads_max(struct text *t)
{
	text_printf(t, "%u\n", thread_limit);
}

/* A random UUID (RFC 4122, version 4). */
static void write_uuid(struct text *t, const u8 *random)
{
	for (u32 i = 0; i < 16; i++) {
		u8 byte = i == 6   ? (random[i] & 0x0f) | 0x40
			  : i == 8 ? (random[i] & 0x3f) | 0x80
				   : random[i];

		text_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", byte);
	}
	text_printf(t, "\n");
}

static void make_uuid(struct text *t)
{
	u8 random[16];

	random_bytes(random, sizeof(random));
	write_uuid(t, random);
}

static void make_boot_id(struct text *t)
{
	static u8 random[16];
	static u32 made; /* 0: not yet, 1: being made, 2: made */
	u32 none = 0;

	if (__atomic_compare_exchange_n(&made, &none, 1, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		random_bytes(random, sizeof(random));
		__atomic_store_n(&made, 2, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) != 2)
		sched_yield();
	write_uuid(t, random);
}

static void make_vmstat(struct text *t)
{
	text_printf(t, "nr_free_pages %lu\n", page_free_count());
	text_printf(t, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\noom_kill %lu\n", oom_kill_count());
}

PROC_FILES(sysctl_files) = {
    {"sys/kernel/threads-max", .make = make_threads_max},
    {"sys/kernel/ngroups_max", .constant = "65536\n"},
    {"sys/kernel/cap_last_cap", .constant = "40\n"},
    {"sys/kernel/core_pattern", .constant = "core\n"},
    {"sys/kernel/core_uses_pid", .constant = "0\n"},
    {"sys/kernel/randomize_va_space", .constant = "0\n"},
    {"sys/kernel/tainted", .constant = "0\n"},
    {"sys/kernel/domainname", .constant = "(none)\n"},
    {"sys/kernel/pty/max", .constant = "256\n"},
    {"sys/kernel/random/uuid", .make = make_uuid},
    {"sys/kernel/random/boot_id", .make = make_boot_id},
    {"sys/kernel/random/entropy_avail", .constant = "256\n"},
    {"sys/kernel/random/poolsize", .constant = "256\n"},
    {"sys/dev/tty/legacy_tiocsti", .constant = "0\n"},
    {"sys/fs/pipe-max-size", .constant = "1048576\n"},
    {"sys/fs/pipe-user-pages-hard", .constant = "0\n"},
    {"sys/fs/pipe-user-pages-soft", .constant = "16384\n"},
    {"sys/fs/file-max", .constant = "9223372036854775807\n"},
    {"sys/fs/nr_open", .constant = "65536\n"},
    {"sys/vm/max_map_count", .constant = "65530\n"},
    {"sys/vm/mmap_min_addr", .constant = "65536\n"},
    {"sys/vm/overcommit_ratio", .constant = "50\n"},
    {"sys/vm/nr_hugepages", .constant = "0\n"},
    {"sys/vm/swappiness", .constant = "60\n"},
    {"devices", .constant = "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n136 pts\n\n"
			    "Block devices:\n"},
    {"swaps", .constant = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
    {"partitions", .constant = "major minor  #blocks  name\n\n"},
    {"vmstat", .make = make_vmstat},
};
