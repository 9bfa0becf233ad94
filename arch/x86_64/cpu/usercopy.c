/* SPDX-License-Identifier: MIT
 *
 * The exception table of what accesses user memory.
 */
#include "arch/x86_64/cpu/usercopy.h"

#include "arch/x86_64/cpu/features.h"

u8 smap_enabled __hot_data;

struct fixup {
	u64 instruction, target;
};
extern const struct fixup __ex_table_start[], __ex_table_end[]; /* linker.ld */

u64 usercopy_fixup(u64 rip)
{
	for (const struct fixup *f = __ex_table_start; f < __ex_table_end; f++)
		if (f->instruction == rip)
			return f->target;
	return 0;
}

void usercopy_init(void)
{
	smap_enabled = cpu_features.smap;
}
