/* host-sources: kernel/linux/slab_stats.c kernel/mem/slab.c kernel/mem/page.c kernel/mem/early.c kernel/lib/string.c
 * kernel/lib/format.c tests/unit/machine/machine.c tests/unit/machine/panic.c */
/* host-flags: -include tests/unit/rename.h -iquote tests/unit/machine -DHEDDLE_DEBUG=1 */
/* SPDX-License-Identifier: MIT
 *
 * The slab allocator: objects keep what is written to them, and all memory comes back.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/spinlock.h"
#include "kernel/linux/slab_stats.h"
#include "tests/unit/host.h"
#include "tests/unit/machine/machine.h"

#define HELD 2000

static u64 free_frames(void)
{
	struct page_stats s;

	page_stats_read(&s);
	return s.free;
}

struct held {
	u8 *object;
	size_t size;
	u8 fill;
};

static bool keeps(const struct held *h)
{
	for (size_t i = 0; i < h->size; i++)
		if (h->object[i] != h->fill)
			return false;
	return true;
}

static void random_sizes(void)
{
	static struct held held[HELD];
	u64 before;
	bool ok = true;

	page_drain_all();
	before = free_frames();
	for (int i = 0; i < 300000; i++) {
		struct held *h = &held[host_random() % HELD];

		host_cpu = (u32)(host_random() % HOST_CPUS);
		if (h->object) {
			ok = ok && keeps(h);
			kfree(h->object);
			h->object = NULL;
			continue;
		}
		h->size = host_random() % (host_random() % 64 ? 300 : 9000) + 1;
		h->fill = (u8)host_random();
		h->object = kmalloc(h->size);
		if (!h->object)
			continue;
		ok = ok && (uintptr_t)h->object % 8 == 0;
		memset(h->object, h->fill, h->size);
	}
	CHECK(ok);
	for (int i = 0; i < HELD; i++) {
		if (held[i].object)
			CHECK(keeps(&held[i]));
		kfree(held[i].object);
	}
	CHECK(free_frames() < before);
	host_cpu = 2;
	page_drain_all();
	CHECK_EQ(free_frames(), before);
}

static void own_cache(void)
{
	struct slab_cache *cache = slab_cache_create("odd", 100, 64);
	void *objects[200];
	char text[4000];

	for (int i = 0; i < 200; i++) {
		objects[i] = slab_alloc_zeroed(cache);
		CHECK((uintptr_t)objects[i] % 64 == 0 && !memchr(objects[i], 0xa5, 100));
	}
	CHECK(slab_stats_text(text, sizeof(text)) == strlen(text));
	CHECK(strstr(text, "odd                       200      224    128      7\n"));
	for (int i = 0; i < 200; i++)
		slab_free(cache, objects[i]);
	page_drain_all(); /* what the CPUs keep counts as in use */
	slab_stats_text(text, sizeof(text));
	CHECK(strstr(text, "odd                         0 "));
	page_drain_all();
	slab_stats_text(text, sizeof(text));
	CHECK(strstr(text, "odd                         0        0 "));
}

static void sizes_at_the_edges(void)
{
	CHECK(!kmalloc((4UL << 20) + 1) && !kmalloc(SIZE_MAX));
	kfree(NULL);
	for (size_t size = 0; size <= 4UL << 20; size = size * 2 + 1) {
		u8 *p = kzalloc(size);

		CHECK(p && !memchr(p, 0xa5, size));
		kfree(p);
	}
}

static void misuse(void)
{
	u8 *p = kmalloc(100), *q = kmalloc(100);
	struct slab_cache *cache = slab_cache_create("other", 32, 8);

	CHECK(PANICS(slab_free(cache, q)) && strstr(host_panic_message, "not an object of the cache other"));
	CHECK(PANICS(kfree(q + 8)));
	kfree(p);
	CHECK(PANICS(kfree(p)) && strstr(host_panic_message, "freed twice"));
	p[50] = 1;
	CHECK(PANICS(kmalloc(100)) && strstr(host_panic_message, "byte 50"));
	host_irqs = true;
	kfree(q);
}

static void no_memory(void)
{
	void *first = NULL, *p;
	u64 before;

	page_drain_all();
	before = free_frames();
	while ((p = kmalloc(1024))) {
		*(void **)p = first;
		first = p;
	}
	CHECK(first && !kmalloc(5000) && free_frames() == 0);
	for (; first; first = p) {
		p = *(void **)first;
		kfree(first);
	}
	page_drain_all();
	CHECK_EQ(free_frames(), before);
	alloc_fail_nth(1);
	CHECK(!kmalloc(10));
	kfree(kmalloc(10));
}

int main(void)
{
	host_machine_init();
	page_init();
	slab_init();
	RUN(random_sizes);
	RUN(own_cache);
	RUN(sizes_at_the_edges);
	RUN(no_memory);
	RUN(misuse);
	return host_done();
}
