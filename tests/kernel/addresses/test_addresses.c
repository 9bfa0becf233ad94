/* SPDX-License-Identifier: MIT
 *
 * The checker of addresses (make SANITIZE=addresses) knows what may be used.  That it ends the
 * machine at a wrong access is seen in tests/system/test_sanitizers.py, with addresses_test=NAME.
 */
#include "arch/x86_64/cpu/usercopy.h"
#include "boot/cmdline.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/watch/addresses/addresses.h"
#include "tests/kernel/ktest.h"

KTEST(addresses_of_objects)
{
	u8 *object = kmalloc(13);

	KEXPECT(object);
	if (!object)
		return;
	KEXPECT_EQ(address_state(object), 0);
	KEXPECT_EQ(address_state(object + 8), 5);
	KEXPECT_EQ(address_state(object + 16), ADDRESS_REDZONE);
	kfree(object);
	KEXPECT_EQ(address_state(object), ADDRESS_FREED);
	KEXPECT(freed_where((u64)object + 12) != 0);
}

KTEST(addresses_of_frames)
{
	struct page *p = page_alloc(1, PAGE_KERNEL);
	u8 *bytes = p ? page_to_virt(p) : NULL;

	KEXPECT(p);
	if (!p)
		return;
	KEXPECT_EQ(address_state(bytes), 0);
	KEXPECT_EQ(address_state(bytes + 2 * PAGE_SIZE - 8), 0);
	page_put(p);
	KEXPECT_EQ(address_state(bytes + PAGE_SIZE), ADDRESS_FREE_FRAME);
}

/* --- Mistakes that end the machine: addresses_test=NAME --------------------------------------- */

static u64 seen, user[2];

static void behind(void)
{
	u8 *object = kmalloc(13);

	if (object)
		WRITE_ONCE(object[13], 1);
}

static void after_free(void)
{
	u64 *object = kzalloc(64);

	kfree(object);
	if (object)
		seen = READ_ONCE(object[3]);
}

static void twice(void)
{
	void *object = kmalloc(100);

	kfree(object);
	kfree(object);
}

static void frame(void)
{
	struct page *p = page_alloc(0, PAGE_KERNEL);

	if (!p)
		return;
	page_put(p);
	seen = READ_ONCE(*(u64 *)page_to_virt(p));
}

static void unwritten(void)
{
	struct {
		u32 a, hole;
		u64 b;
	} *object = kmalloc(sizeof(*object));

	if (!object)
		return;
	object->a = 1;
	object->b = 2;
	(void)!usercopy_raw_out(&user, object, sizeof(*object)); /* any memory will do */
}

static const struct mistake {
	const char *name;
	void (*make)(void);
} mistakes[] = {{"behind", behind},
		{"after_free", after_free},
		{"twice", twice},
		{"frame", frame},
		{"unwritten", unwritten}};

static void make_mistake(void)
{
	char name[16];

	if (!cmdline_get("addresses_test", name, sizeof(name)))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (!strcmp(name, mistakes[i].name))
			mistakes[i].make();
}

INIT_CALL(99, make_mistake);
