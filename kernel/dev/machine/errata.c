/* SPDX-License-Identifier: MIT
 *
 * The tables of errata.  A table is data: processor.c reads the registers and acts.
 */
#include "kernel/dev/machine/errata.h"

/* The first entry that fits counts. */
static const struct {
	u8 model, first_stepping, last_stepping;
	u32 microcode;
} deadlines[] = {
    {0x3c, 0, 15, 0x22},       /* Haswell */
    {0x45, 0, 15, 0x20},       /* Haswell, low power */
    {0x46, 0, 15, 0x17},       /* Haswell with large graphics */
    {0x3f, 2, 2, 0x3a},	       /* Haswell, servers: EP */
    {0x3f, 4, 4, 0x0f},	       /* and EX */
    {0x3d, 0, 15, 0x25},       /* Broadwell */
    {0x47, 0, 15, 0x17},       /* Broadwell with large graphics */
    {0x4f, 0, 15, 0x0b000020}, /* Broadwell, servers */
    {0x56, 2, 2, 0x00000011},  /* Xeon D */
    {0x56, 3, 3, 0x0700000e},  {0x56, 4, 4, 0x0f00000c},
    {0x56, 5, 5, 0x0e000003},  {0x4e, 0, 15, 0xb2}, /* Skylake, low power */
    {0x5e, 0, 15, 0xb2},			    /* Skylake */
    {0x55, 3, 3, 0x01000136},			    /* Skylake, servers */
    {0x55, 4, 4, 0x02000014},  {0x8e, 0, 15, 0x52}, /* Kaby Lake, low power */
    {0x9e, 0, 15, 0x52},			    /* Kaby Lake */
};

u32 deadline_microcode(u32 family, u32 model, u32 stepping)
{
	for (u32 i = 0; family == 6 && i < ARRAY_SIZE(deadlines); i++)
		if (deadlines[i].model == model && stepping >= deadlines[i].first_stepping &&
		    stepping <= deadlines[i].last_stepping)
			return deadlines[i].microcode;
	return 0;
}

bool c1e_stops_timer(u32 family, u32 model, u32 stepping, u64 osvw_length, u64 osvw_status)
{
	u32 revision = model << 4 | stepping;

	if (osvw_length > 1) /* bit 1 stands for erratum 400 */
		return osvw_status >> 1 & 1;
	return (family == 0xf && revision >= 0x412) || (family == 0x10 && revision >= 0x21);
}
