/* SPDX-License-Identifier: MIT
 *
 * What the slab allocator has: for /proc, /proc/heddle/slabs, and a magic key.
 */
#include "kernel/linux/slab_stats.h"

#include "kernel/lib/format.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab_cache.h"

size_t kmalloc_bytes(const void *object)
{
	const struct page *p = virt_to_page(object);

	return p->use == PAGE_SLAB ? slab_caches[p->slab_cache].size : PAGE_SIZE << p->order;
}

size_t slab_stats_text(char *buf, size_t size)
{
	u32 n = __atomic_load_n(&slab_cache_count, __ATOMIC_ACQUIRE);
	size_t length = 0;

	for (u32 i = 0; i < n; i++) {
		struct slab_cache *cache = &slab_caches[i];
		u64 slabs = READ_ONCE(cache->slabs);

		length += (size_t)scnprintf(
		    buf + length, size - length, "%-20s %8lu %8lu %6u %6lu\n", cache->name,
		    READ_ONCE(cache->in_use), slabs * cache->objects_per_slab, cache->size, slabs);
	}
	return length;
}
