/* SPDX-License-Identifier: MIT
 *
 * The region of the vDSO, for /proc/PID/maps.
 */
#pragma once

/* A bit of region.advice, beside REGION_LOCKED and the others of kernel/vm/address_space.h.  Page 0,
 * counted by object_page, is what Linux names [vvar]; the pages after it are [vdso]. */
#define REGION_VDSO 8U
