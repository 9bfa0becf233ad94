/* host-sources: boot/cmdline.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * The kernel's command line.
 */
#include "boot/cmdline.h"
#include "kernel/lib/string.h"
#include "tests/unit/host.h"

static bool has(const char *name, const char *wanted)
{
	char value[64] = "unset";

	return cmdline_get(name, value, sizeof(value)) && !libc_strcmp(value, wanted);
}

/* Those for init, with a bar after each. */
static bool init_has(const char *wanted)
{
	const char *words[4];
	char all[64] = "";
	u32 n = cmdline_init_words(words, 4);

	for (u32 i = 0; i < n; i++)
		strcat(strcat(all, words[i]), "|");
	return !libc_strcmp(all, wanted);
}

static void words_and_values(void)
{
	char value[64], tiny[3];

	cmdline_init(" console=ttyS0  quiet console=tty0 init=/bin/sh n=0x20 m=12k -- -x  y=1");
	CHECK(has("console", "tty0") && has("quiet", "") && has("init", "/bin/sh"));
	CHECK(!cmdline_get("con", value, 64) && !cmdline_get("quietly", value, 64));
	CHECK(!cmdline_get("y", value, 64) && !cmdline_get("-x", value, 64));
	CHECK(cmdline_get_nth("console", 0, value, 64) && !libc_strcmp(value, "ttyS0"));
	CHECK(cmdline_get_nth("console", 1, value, 64) && !libc_strcmp(value, "tty0"));
	CHECK(!cmdline_get_nth("console", 2, value, 64));
	CHECK_EQ(cmdline_get_u64("n", 1), 32);
	CHECK_EQ(cmdline_get_u64("m", 5), 5);
	CHECK_EQ(cmdline_get_u64("absent", 6), 6);
	CHECK(init_has("-x|y=1|"));
	CHECK(cmdline_get("init", tiny, sizeof(tiny)) && !libc_strcmp(tiny, "/b"));
}

static void quotes(void)
{
	cmdline_init("a=\"b c\" \"d=e f\" g=\"--\" \"bare\" x=\"open end");
	CHECK(has("a", "b c") && has("d", "e f") && has("g", "--") && has("bare", ""));
	CHECK(has("x", "open end"));
	CHECK(init_has(""));
	cmdline_init("a\"b c\" \"d\"e \"f\" \"g");
	CHECK(!has("a", "") && !has("d", "") && has("f", "") && has("g", ""));
	cmdline_init("-- run -c \"a  b\" x\"y z\" five");
	CHECK(init_has("run|-c|a  b|xy z|"));
	cmdline_init("-- \"\" --");
	CHECK(init_has("|--|"));
}

static void odd_lines(void)
{
	char *longest = malloc(5000);

	cmdline_init("");
	CHECK(!has("a", "") && !libc_strcmp(cmdline_text(), ""));
	cmdline_init("--");
	CHECK(init_has(""));
	cmdline_init("a= --");
	CHECK(has("a", "") && init_has(""));
	libc_memset(longest, 'x', 4999);
	longest[4999] = 0;
	cmdline_init(longest);
	CHECK_EQ(strnlen(cmdline_text(), 5000), 2047);
	free(longest);
}

int main(void)
{
	RUN(words_and_values);
	RUN(quotes);
	RUN(odd_lines);
	return host_done();
}
