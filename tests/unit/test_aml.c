/* host-sources: kernel/dev/acpi/aml.c */
/* SPDX-License-Identifier: MIT
 *
 * What is found in AML code, and that nothing is read past its end.
 */
#include "kernel/dev/acpi/aml.h"

#include "host.h"

/* The code is copied to memory of exactly its size, so that the sanitizer sees each byte read
 * outside. */
static bool find(bool (*test)(const u8 *, const u8 *, void *), const char *code, size_t size,
		 void *arg)
{
	u8 *copy = malloc(size + 1);
	bool found;

	memcpy(copy, code, size);
	copy = realloc(copy, size ? size : 1);
	found = test(copy, copy + size, arg);
	free(copy);
	return found;
}

#define FIND(test, code, arg) find(test, code, sizeof(code) - 1, arg)

static void s5(void)
{
	struct aml_s5 s = {9, 9};

	CHECK(FIND(aml_find_s5, "\x08_S5_\x12\x06\x04\x00\x00\x00\x00", &s));
	CHECK(s.type_a == 0 && s.type_b == 0);
	CHECK(FIND(aml_find_s5, "xx\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00", &s));
	CHECK(s.type_a == 5 && s.type_b == 7);
	CHECK(FIND(aml_find_s5, "\x08_S5_\x12\x47\x00\x04\x01\x0b\x06\x00\x00\x00", &s));
	CHECK(s.type_a == 1 && s.type_b == 6);
	/* a mention of the name in other code, and another type of object */
	CHECK(!FIND(aml_find_s5, "\x14_S5_\x12\x06\x04\x00\x00\x00\x00", &s));
	CHECK(!FIND(aml_find_s5, "\x08_S5_\x0a\x06\x04\x00\x00\x00\x00", &s));
	CHECK(!FIND(aml_find_s5, "", &s));
}

static void i8042(void)
{
	CHECK(FIND(aml_find_i8042, "\x08_HID\x0c\x41\xd0\x03\x03\x08_UID", NULL));
	CHECK(FIND(aml_find_i8042, "\x08_CID\x0c\x41\xd0\x0f\x13\x08_UID", NULL));
	CHECK(FIND(aml_find_i8042, "\x08_HID\x0dPNP030B", NULL));
	CHECK(!FIND(aml_find_i8042, "\x08_HID\x0c\x41\xd0\x0c\x0c\x08_UID", NULL)); /* PNP0C0C */
	CHECK(!FIND(aml_find_i8042, "\x08_HID\x0dPNP0A03", NULL));
	CHECK(!FIND(aml_find_i8042, "\x0c\x41\xd0", NULL));
}

#define GED                                                                                        \
	"\x5b\x82\x10GED_\x08_HID\x0d"                                                             \
	"ACPI0013\x00"
#define GED_IRQ "\x89\x06\x00\x03\x01\x09\x00\x00\x00"
#define GED_REGION                                                                                 \
	"\x5b\x80"                                                                                 \
	"EREG\x00\x0c\x00\x00\xa0\xfe\x0a\x04"

static void event_device(void)
{
	struct aml_ged g;

	CHECK(FIND(aml_find_ged, GED GED_IRQ GED_REGION "end of the code", &g));
	CHECK_EQ(g.interrupt, 9);
	CHECK_EQ(g.events, 0xfea00000);
	CHECK(!FIND(aml_find_ged, GED GED_REGION "end of the code", &g));
	CHECK(!FIND(aml_find_ged, GED GED_IRQ "end of the code", &g));
	CHECK(!FIND(aml_find_ged, GED_IRQ GED_REGION "end of the code", &g));
}

/* No cut and no damage leads outside. */
static void damaged(void)
{
	static const char code[] =
	    "\x08_S5_\x12\x47\x00\x04\x0b\x06\x00\x0b\x00\x00" GED GED_IRQ GED_REGION
	    "\x0dPNP0303\x0c\x41\xd0\x03\x03\x08\\_S5_\x12\xff\x04\x0a\x05\x0a\x07";
	char bytes[sizeof(code)];
	struct aml_ged g;
	struct aml_s5 s;

	for (u32 round = 0; round < 20000; round++) {
		size_t from = host_random() % sizeof(code);
		size_t size = host_random() % (sizeof(code) - from);

		memcpy(bytes, code, sizeof(code));
		for (u32 i = host_random() % 4; i > 0; i--)
			bytes[host_random() % sizeof(code)] = (char)host_random();
		find(aml_find_s5, bytes + from, size, &s);
		find(aml_find_i8042, bytes + from, size, NULL);
		find(aml_find_ged, bytes + from, size, &g);
	}
	CHECK(true);
}

int main(void)
{
	RUN(s5);
	RUN(i8042);
	RUN(event_device);
	RUN(damaged);
	return host_done();
}
