/* SPDX-License-Identifier: MIT
 *
 * The checker of addresses (make SANITIZE=addresses) knows what may be used.  That it ends the
 * machine at a wrong access, and names both places, is seen in tests/system/test_sanitizers.py,
 * with addresses_test=NAME.
 */
#include "arch/x86_64/cpu/usercopy.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/watch/addresses/addresses.h"
#include "tests/kernel/kmistakes.h"
#include "tests/kernel/ktest.h"

KTEST(addresses_of_objects)
{
	u8 *object = kmalloc(13);
	u64 allocated_at;

	KEXPECT(object);
	if (!object)
		return;
	KEXPECT_EQ(address_state(object), 0);
	KEXPECT_EQ(address_state(object + 8), 5);
	KEXPECT_EQ(address_state(object + 16), ADDRESS_REDZONE);
	allocated_at = address_place((u64)object + 12);
	KEXPECT(allocated_at != 0);
	kfree(object);
	KEXPECT_EQ(address_state(object), ADDRESS_FREED);
	KEXPECT_EQ(address_state(object + 16), ADDRESS_FREED);
	KEXPECT(address_place((u64)object + 12) != allocated_at);
}

KTEST(addresses_of_frames)
{
	struct page *p = page_alloc(1, PAGE_KERNEL);
	u8 *bytes = p ? page_to_virt(p) : NULL;
	u64 allocated_at;

	KEXPECT(p);
	if (!p)
		return;
	KEXPECT_EQ(address_state(bytes), 0);
	KEXPECT_EQ(address_state(bytes + 2 * PAGE_SIZE - 8), 0);
	allocated_at = address_place((u64)bytes + PAGE_SIZE);
	KEXPECT(allocated_at != 0);
	page_put(p);
	KEXPECT_EQ(address_state(bytes + PAGE_SIZE), ADDRESS_FREE_FRAME);
	KEXPECT(address_place((u64)bytes + PAGE_SIZE) != allocated_at);
}

/* --- Mistakes that end the machine: addresses_test=NAME --------------------------------------- */

/* The report of each names the function that makes the mistake, and one of these. */
static __noinline void *allocates(size_t size)
{
	return kmalloc(size);
}

static __noinline void *allocates_zeroed(size_t size)
{
	return kzalloc(size);
}

static __noinline void *allocates_from(struct slab_cache *cache)
{
	return slab_alloc(cache);
}

static __noinline void frees(void *object)
{
	kfree(object);
}

static __noinline void frees_to(struct slab_cache *cache, void *object)
{
	slab_free(cache, object);
}

static __noinline struct page *allocates_frame(void)
{
	return page_alloc(0, PAGE_KERNEL);
}

static __noinline void frees_frame(struct page *p)
{
	page_put(p);
}

static u64 seen, user[2];

static void behind(void)
{
	u8 *object = allocates(13);

	if (object)
		WRITE_ONCE(object[13], 1);
}

static void behind_zeroed(void)
{
	u64 *object = allocates_zeroed(24);

	if (object)
		WRITE_ONCE(object[4], 1);
}

static void behind_large(void)
{
	u8 *object = allocates(PAGE_SIZE + 100);

	if (object)
		seen = READ_ONCE(object[PAGE_SIZE + 100]);
}

static void behind_in_cache(void)
{
	u8 *object = allocates_from(slab_cache_create("test", 40, 8));

	if (object)
		seen = READ_ONCE(object[40]);
}

static void after_free(void)
{
	u64 *object = kzalloc(64);

	frees(object);
	if (object)
		seen = READ_ONCE(object[3]);
}

static void after_large_free(void)
{
	u64 *object = kmalloc(3 * PAGE_SIZE);

	frees(object);
	if (object)
		seen = READ_ONCE(object[1000]);
}

static void after_frame_free(void)
{
	struct slab_cache *cache = slab_cache_create("test", 40, 8);
	u64 *object = slab_alloc(cache);

	if (!object)
		return;
	frees_to(cache, object);
	page_drain_all(); /* frees the frame of the cache's only object */
	seen = READ_ONCE(object[3]);
}

static void twice(void)
{
	void *object = kmalloc(100);

	frees(object);
	kfree(object);
}

static void twice_in_cache(void)
{
	struct slab_cache *cache = slab_cache_create("test", 40, 8);
	void *object = slab_alloc(cache);

	if (!object)
		return;
	frees_to(cache, object);
	slab_free(cache, object);
}

static void frame(void)
{
	struct page *p = page_alloc(0, PAGE_KERNEL);

	if (!p)
		return;
	frees_frame(p);
	seen = READ_ONCE(*(u64 *)page_to_virt(p));
}

static void unwritten(void)
{
	struct {
		u32 a, hole;
		u64 b;
	} *object = allocates(sizeof(*object));

	if (!object)
		return;
	object->a = 1;
	object->b = 2;
	(void)!usercopy_raw_out(&user, object, sizeof(*object)); /* any memory will do */
}

static void unwritten_frame(void)
{
	struct page *p = allocates_frame();

	if (p)
		(void)!usercopy_raw_out(&user, page_to_virt(p), sizeof(user));
}

static void unwritten_stack(void)
{
	struct {
		u32 a, hole;
		u64 b;
	} variable;

	variable.a = 1;
	variable.b = 2;
	(void)!usercopy_raw_out(&user, &variable, sizeof(variable));
}

static const struct mistake mistakes[] = {{"behind", behind},
					  {"behind_zeroed", behind_zeroed},
					  {"behind_large", behind_large},
					  {"behind_in_cache", behind_in_cache},
					  {"after_free", after_free},
					  {"after_large_free", after_large_free},
					  {"after_frame_free", after_frame_free},
					  {"twice", twice},
					  {"twice_in_cache", twice_in_cache},
					  {"frame", frame},
					  {"unwritten", unwritten},
					  {"unwritten_frame", unwritten_frame},
					  {"unwritten_stack", unwritten_stack}};

static void make_mistake(void)
{
	make_mistake_of("addresses_test", mistakes, ARRAY_SIZE(mistakes));
}

INIT_CALL(99, make_mistake);
