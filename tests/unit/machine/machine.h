/* SPDX-License-Identifier: MIT
 *
 * 32 MiB with holes in the map, four CPUs, the calling one being host_cpu.
 */
#pragma once

void host_machine_init(void);

/* Pages unmapped and not flushed from the TLBs yet. */
extern unsigned host_stale;
